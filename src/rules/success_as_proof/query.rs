//! Queries: which values of the program came back from a query, and what its text says of them.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use super::names::{is_transparent, text_of};
use super::watch::{self, Kept, Lesson};
use super::words::Vocabulary;
use crate::engine::values::origins::Origin;
use crate::engine::values::state::{Cell, Slot, State};
use crate::engine::values::value::{Term, Value};
use crate::engine::{Engine, Returned};
use crate::ir::Literal;
use crate::sql::{self, Bound, Meaning, Piece, Query};

const MAX_DEPTH: u32 = 12;

/// Which part of a query's result a value is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Access {
    /// All of it.
    Rows,
    /// A row, or nothing.
    Row,
    /// A column of a row, by position.
    At(usize),
    /// A column of a row, by name.
    Named(String),
    /// How many rows there are.
    Length,
}

/// The queries of one function, each text read once.
pub struct Queries<'v> {
    vocabulary: &'v Vocabulary,
    read: RefCell<HashMap<String, Option<Rc<Query>>>>,
}

impl<'v> Queries<'v> {
    pub fn new(vocabulary: &'v Vocabulary) -> Self {
        Queries {
            vocabulary,
            read: RefCell::default(),
        }
    }

    /// Remembers the query that a cursor was given last, and with what it fetches that, where it
    /// came from.
    pub fn note(
        &self,
        engine: &mut Engine<'_>,
        state: &mut State,
        name: &str,
        cursor: Value,
        call: &Returned<'_>,
    ) {
        if matches!(name, "execute" | "query" | "run" | "sql") {
            if self.given(engine, state, call.args, &[]).is_some() {
                let all = engine.terms.make(Term::Tuple(call.args.into()));
                state.set_ghost(cursor, Kept::Query, all);
            } else {
                state.drop_ghost(cursor, Kept::Query);
            }
        } else if name.starts_with("fetch")
            && let Some(all) = state.ghost(cursor, Kept::Query)
            && matches!(engine.terms.term(call.result), Term::Symbol(..))
        {
            state.set_ghost(call.result, Kept::Query, all);
        }
    }

    /// The same for an option or a result of which the presence says whether there is a row, and
    /// not just whether the query could be run.
    pub fn outcome_of(
        &self,
        engine: &Engine<'_>,
        state: &State,
        v: Value,
    ) -> Option<(Rc<Query>, Access)> {
        let unwrapped = engine.payload_owner(v).is_some();
        let mut at = v;
        let mut told = unwrapped;
        for _ in 0..MAX_DEPTH {
            match engine.origin(state, at) {
                // An awaited call.
                Some(Origin::Call(name, awaited, _)) if name == "same" => at = awaited,
                Some(Origin::Call(name, ..)) => {
                    told |= needs_a_row(&name);
                    break;
                }
                _ => break,
            }
        }
        let (query, access) = self.of(engine, state, v).filter(|_| told)?;
        Some(match access {
            // The row that the value is in is there; what the value is is another question.
            Access::At(_) | Access::Named(_) if !unwrapped => (query, Access::Row),
            access => (query, access),
        })
    }

    /// The query that a value came back from, and which part of its result the value is.
    pub fn of(&self, engine: &Engine<'_>, state: &State, v: Value) -> Option<(Rc<Query>, Access)> {
        self.trace(engine, state, v, &[], 0)
    }

    fn trace(
        &self,
        engine: &Engine<'_>,
        state: &State,
        v: Value,
        bound: &[Value],
        depth: u32,
    ) -> Option<(Rc<Query>, Access)> {
        if depth > MAX_DEPTH {
            return None;
        }
        let go = |o: Value| self.trace(engine, state, o, bound, depth + 1);
        let row_of = |access: Access| match access {
            Access::Rows => Access::Row,
            Access::Row => Access::At(0),
            other => other,
        };
        match engine.terms.term(v) {
            Term::Field(o, n) => {
                let (q, access) = go(*o)?;
                return Some(match n.as_str() {
                    "rowcount" | "total_rows" | "num_rows" => (q, Access::Length),
                    _ => match access {
                        Access::Row => (q, Access::Named(n.to_string())),
                        Access::At(_) | Access::Named(_) => (q, access),
                        _ => return None,
                    },
                });
            }
            Term::Item(o, k) => {
                let (q, access) = go(*o)?;
                return Some(match (engine.terms.literal(*k), access) {
                    (Some(Literal::Str(n)), Access::Row | Access::Rows) => {
                        (q, Access::Named(n.to_string()))
                    }
                    (Some(Literal::Int(i)), Access::Row) => {
                        (q, Access::At(usize::try_from(*i).ok()?))
                    }
                    (_, access) => (q, row_of(access)),
                });
            }
            Term::Pure(n, ops) => {
                if let Some(whole) = engine.payload_owner(v) {
                    return go(whole);
                }
                if n == "get" && ops.len() > 2 {
                    let (q, access) = go(ops[0])?;
                    let name = engine.terms.literal(ops[1]).and_then(text_of)?;
                    return (access == Access::Row).then_some((q, Access::Named(name)));
                }
                if let Some(i) = n.strip_prefix("unpack") {
                    let (q, access) = go(ops[0])?;
                    let i = i.parse::<usize>().ok()?;
                    return (access == Access::Row).then_some((q, Access::At(i)));
                }
                if matches!(
                    n.as_str(),
                    "at" | "copy" | "text.lower" | "text.upper" | "text.strip"
                ) {
                    return go(ops[0]);
                }
                return None;
            }
            Term::Len(o) => {
                let (q, _) = go(*o)?;
                return Some((q, Access::Length));
            }
            Term::Truth(o) => return go(*o),
            Term::Symbol(..) => {}
            _ => return None,
        }
        if let Some(all) = state.ghost(v, Kept::Query)
            && let Term::Tuple(args) = engine.terms.term(all)
        {
            let q = self.given(engine, state, args, bound)?;
            let access = match engine.origin(state, v) {
                Some(Origin::Call(name, ..)) => first_access(&name),
                _ => Access::Rows,
            };
            return Some((q, access));
        }
        match engine.origin(state, v)? {
            Origin::Element(source) => {
                let (q, access) = go(source)?;
                Some((q, row_of(access)))
            }
            Origin::Text(_) => None,
            Origin::Call(name, receiver, args) => {
                if let Some(q) = self.given(engine, state, &args, bound) {
                    return Some((q, first_access(&name)));
                }
                // `query(text).bind(a).bind(b)`
                if name == "bind" && !args.is_empty() {
                    let all: Vec<Value> = args.iter().chain(bound).copied().collect();
                    return self.trace(engine, state, receiver, &all, depth + 1);
                }
                let source = if engine.terms.literal(receiver).is_some()
                    || is_transparent(&name) && !args.is_empty()
                {
                    *args.first()?
                } else {
                    receiver
                };
                let (q, access) = go(source)?;
                Some(match (name.as_str(), access) {
                    (
                        "fetchone" | "first" | "one" | "one_or_none" | "next" | "dict" | "_asdict"
                        | "to_dict" | "iloc" | "fetch_one" | "fetch_optional" | "get_result"
                        | "query_row" | "query_one" | "query_opt" | "last" | "try_next" | "exists",
                        Access::Rows,
                    ) => (q, Access::Row),
                    (
                        "scalar" | "scalar_one" | "scalar_one_or_none" | "fetchval",
                        Access::Rows | Access::Row,
                    ) => (q, Access::At(0)),
                    ("scalars", Access::Rows) => (q, Access::Rows),
                    ("fetch_all" | "fetch", Access::At(_)) => (q, Access::Rows),
                    ("get" | "try_get", Access::Row) if position(engine, &args).is_some() => {
                        (q, Access::At(position(engine, &args)?))
                    }
                    ("len" | "count", Access::Rows) => (q, Access::Length),
                    ("get" | "try_get", Access::Row) => {
                        let name = args
                            .first()
                            .and_then(|k| engine.terms.literal(*k))
                            .and_then(text_of)?;
                        (q, Access::Named(name))
                    }
                    (
                        "result" | "fetchall" | "all" | "list" | "tuple" | "iter" | "mappings"
                        | "rows" | "same" | "to_dataframe" | "sorted" | "execute" | "unique"
                        | "partitions" | "set" | "fetchmany" | "to_list" | "to_dict" | "values"
                        | "as_dict" | "bool" | "int" | "float" | "str" | "lower" | "upper"
                        | "strip" | "max" | "min" | "isoformat" | "date" | "fetch" | "fetch_all"
                        | "fetch_one" | "fetch_optional" | "load" | "get_results" | "query_map"
                        | "into_iter" | "optional" | "ok" | "exists" | "persistent" | "map",
                        access,
                    ) => (q, access),
                    _ => return None,
                })
            }
        }
    }

    /// The query among the arguments of a call; `later` is what is bound to it afterwards.
    fn given(
        &self,
        engine: &Engine<'_>,
        state: &State,
        args: &[Value],
        later: &[Value],
    ) -> Option<Rc<Query>> {
        let (at, pieces) = args.iter().enumerate().find_map(|(i, a)| {
            let a = engine.keyword(*a).map_or(*a, |(_, v)| v);
            let mut pieces = Vec::new();
            self.text(engine, state, a, &mut pieces, 0);
            let solid: usize = pieces.iter().flatten().map(String::len).sum();
            (solid >= 12).then_some((i, pieces))
        })?;
        let mut bound = Bound::default();
        let mut named = BTreeMap::new();
        for (i, a) in args.iter().enumerate() {
            if i != at {
                self.bind(engine, state, *a, &mut bound, &mut named, 0);
            }
        }
        bound.names.extend(named);
        // `fetch("… = $1", "success")`
        if bound.positions.is_empty() {
            let behind = args.iter().skip(at + 1).chain(later);
            bound.positions = behind
                .map(|a| engine.terms.literal(*a).and_then(text_of))
                .collect();
        }
        let key = format!("{pieces:?}{bound:?}");
        if let Some(known) = self.read.borrow().get(&key) {
            return known.clone();
        }
        let list: Vec<Piece<'_>> = pieces
            .iter()
            .map(|p| p.as_deref().map_or(Piece::Hole, Piece::Text))
            .collect();
        let words = self.vocabulary;
        let query = sql::read(
            &list,
            &bound,
            &sql::Vocabulary {
                is_status_column: &|n| words.is_status(n),
                is_count_column: &|n| words.is_count(n),
                is_success_word: &|n| words.is_success(n),
            },
        )
        .map(Rc::new);
        self.read.borrow_mut().insert(key, query.clone());
        query
    }

    /// A text in pieces; `None` for what is not known.
    fn text(
        &self,
        engine: &Engine<'_>,
        state: &State,
        v: Value,
        out: &mut Vec<Option<String>>,
        depth: u32,
    ) {
        if depth > MAX_DEPTH {
            out.push(None);
            return;
        }
        match engine.terms.term(v) {
            Term::Lit(Literal::Str(s)) => {
                out.push(Some(s.to_string()));
                return;
            }
            Term::Lit(Literal::Int(i)) => {
                out.push(Some(i.to_string()));
                return;
            }
            _ => {}
        }
        match engine.origin(state, v) {
            Some(Origin::Text(parts)) => {
                for p in parts {
                    self.text(engine, state, p, out, depth + 1);
                }
            }
            Some(Origin::Call(name, receiver, args)) => match name.as_str() {
                "format" | "Mod" | "replace" | "strip" | "lower" | "upper" => {
                    self.text(engine, state, receiver, out, depth + 1);
                }
                "text" | "dedent" | "cleandoc" | "SQL" | "str" | "literal_column" => {
                    match args.first() {
                        Some(a) => self.text(engine, state, *a, out, depth + 1),
                        None => out.push(None),
                    }
                }
                "join" => {
                    let items = args.first().and_then(|a| engine.known_items(state, *a));
                    match items {
                        Some(items) => {
                            for (i, item) in items.iter().enumerate() {
                                if i > 0 {
                                    self.text(engine, state, receiver, out, depth + 1);
                                }
                                self.text(engine, state, *item, out, depth + 1);
                            }
                        }
                        None => out.push(None),
                    }
                }
                _ => out.push(None),
            },
            _ => out.push(None),
        }
    }

    /// Literals that a call binds to parameters, however deep they are wrapped.
    fn bind(
        &self,
        engine: &Engine<'_>,
        state: &State,
        v: Value,
        bound: &mut Bound,
        named: &mut BTreeMap<String, String>,
        depth: u32,
    ) {
        if depth > 5 {
            return;
        }
        if let Some((name, v)) = engine.keyword(v) {
            if let Some(text) = engine.terms.literal(v).and_then(text_of) {
                named.insert(name.to_owned(), text);
            }
            return self.bind(engine, state, v, bound, named, depth + 1);
        }
        if let Some(items) = engine.known_items(state, v) {
            let texts: Vec<Option<String>> = items
                .iter()
                .map(|i| engine.terms.literal(*i).and_then(text_of))
                .collect();
            if texts.iter().any(Option::is_some) && bound.positions.is_empty() {
                bound.positions = texts;
            }
            for i in items {
                self.bind(engine, state, i, bound, named, depth + 1);
            }
            return;
        }
        for (slot, cell) in state.slots(v) {
            if let (Slot::Item(k), Cell::Has(x)) = (slot, cell)
                && let (Some(k), Some(x)) = (
                    engine.terms.literal(*k).and_then(text_of),
                    engine.terms.literal(*x).and_then(text_of),
                )
            {
                named.insert(k, x);
            }
        }
        if let Some(Origin::Call(_, _, args)) = engine.origin(state, v) {
            let texts: Vec<String> = args
                .iter()
                .filter_map(|a| engine.terms.literal(*a).and_then(text_of))
                .collect();
            // `ScalarQueryParameter("status", "STRING", "success")`
            if let [name, .., value] = texts.as_slice() {
                named.insert(name.clone(), value.clone());
            }
            for a in args {
                self.bind(engine, state, a, bound, named, depth + 1);
            }
        }
    }

    /// The statuses that a value of a query's result can be, if the query says.
    pub fn statuses(&self, engine: &Engine<'_>, state: &State, v: Value) -> Option<Vec<String>> {
        let (query, access) = self.of(engine, state, v)?;
        if !matches!(access, Access::Named(_) | Access::At(_)) {
            return None;
        }
        if self.meaning(&query, &access) != Some(Meaning::Status)
            && !matches!(&access, Access::Named(n) if self.vocabulary.is_status(n))
        {
            return None;
        }
        let limits = query.filters_success()
            || query
                .named_statuses()
                .iter()
                .any(|s| self.vocabulary.is_success(s));
        if !limits || query.admits("some other status", sql::Count::Positive) {
            return None;
        }
        let all: Vec<String> = query
            .named_statuses()
            .iter()
            .filter(|s| {
                [sql::Count::Null, sql::Count::Zero, sql::Count::Positive]
                    .into_iter()
                    .any(|c| query.admits(s, c))
            })
            .cloned()
            .collect();
        (!all.is_empty()).then_some(all)
    }

    /// Whether a collection is what a query returned that leaves out the units with a successful
    /// run, however many records it had.
    pub fn leaves_out_successes(&self, engine: &Engine<'_>, state: &State, v: Value) -> bool {
        let Some((query, Access::Rows)) = self.of(engine, state, v) else {
            return false;
        };
        query
            .excludes_success()
            .is_some_and(|e| !e.demands_records && !e.has_open_conditions)
    }

    /// The name of the column that a value is, if it is one.
    pub fn column(&self, engine: &Engine<'_>, state: &State, v: Value) -> Option<String> {
        let (query, access) = self.of(engine, state, v)?;
        match access {
            Access::Named(n) => Some(n),
            Access::At(i) => query.columns.get(i)?.name.clone(),
            _ => None,
        }
    }

    fn meaning(&self, query: &Query, access: &Access) -> Option<Meaning> {
        let column = match access {
            Access::At(i) => query.columns.get(*i)?,
            Access::Named(n) => query
                .columns
                .iter()
                .find(|c| c.name.as_deref().is_some_and(|c| c.eq_ignore_ascii_case(n)))?,
            _ => return None,
        };
        Some(column.meaning)
    }

    /// A number in the result of a query is positive.
    pub fn counted(&self, query: &Query, access: &Access) -> Option<Lesson> {
        match access {
            Access::Length | Access::Rows | Access::Row => self.exists(query, access, true),
            _ => match self.meaning(query, access) {
                Some(Meaning::Records | Meaning::SumOfRecords) => Some(Lesson::Records),
                Some(Meaning::Status) => None,
                _ if matches!(access, Access::Named(n) if self.vocabulary.is_count(n))
                    && (!query.filters_success() || names_all(query)) =>
                {
                    Some(Lesson::Records)
                }
                _ => self.exists(query, access, true),
            },
        }
    }

    /// Something that a query returned is there, or is not.
    pub fn exists(&self, query: &Query, access: &Access, there: bool) -> Option<Lesson> {
        let value = matches!(access, Access::At(_) | Access::Named(_));
        if matches!(access, Access::Rows | Access::Row | Access::Length) && query.always_one_row() {
            return None;
        }
        if value
            && matches!(
                self.meaning(query, access),
                Some(Meaning::Status | Meaning::Records | Meaning::SumOfRecords)
            )
        {
            return None;
        }
        if query.demands_records() {
            return there.then_some(Lesson::Records);
        }
        if query.filters_success() {
            if query.has_open_conditions() {
                return None;
            }
            return Some(if there {
                Lesson::Success(watch::FACT | watch::STORED)
            } else {
                Lesson::NotSuccess
            });
        }
        // A look at the target table.
        let other_table = query.named_statuses().is_empty()
            && !query.columns.iter().any(|c| c.meaning == Meaning::Status)
            && !query
                .tables()
                .iter()
                .any(|t| self.vocabulary.is_store(t) || self.vocabulary.is_registry(t));
        (there && other_table).then_some(Lesson::Records)
    }
}

/// Whether a query selects all columns of a table, each under its own name.
fn names_all(query: &Query) -> bool {
    let mut columns = query.columns.iter();
    columns.any(|c| c.name.as_deref() == Some("*"))
}

/// Whether a call whose result may be a failure fails when there is no row.
fn needs_a_row(name: &str) -> bool {
    matches!(
        name,
        "fetch_one"
            | "query_row"
            | "query_one"
            | "get_result"
            | "first"
            | "last"
            | "next"
            | "get"
            | "one"
            | "max"
            | "min"
    )
}

/// The column that is asked for by its position.
fn position(engine: &Engine<'_>, args: &[Value]) -> Option<usize> {
    match engine.terms.literal(*args.first()?)? {
        Literal::Int(i) => usize::try_from(*i).ok(),
        _ => None,
    }
}

/// Which part of the result a call that was given the query returns.
fn first_access(name: &str) -> Access {
    let words = super::words::parts(name);
    let has = |list: &[&str]| words.iter().any(|w| list.contains(&w.as_str()));
    if has(&["scalar", "fetchval", "value", "scalars"]) {
        Access::At(0)
    } else if has(&["one", "fetchone", "first", "row", "fetchrow", "single"]) {
        Access::Row
    } else {
        Access::Rows
    }
}
