//! Which values of the program came back from a query: where a value comes from, step by step.

use std::rc::Rc;

use super::{MAX_DEPTH, Queries, ValueNote, is_transparent, text_of};
use crate::engine::Engine;
use crate::engine::values::origins::Origin;
use crate::engine::values::state::State;
use crate::engine::values::value::{Term, Value};
use crate::ir::Literal;
use crate::rules::success_as_proof::vocabulary::calls::{
    FRAME_PARTS, GIVEN_QUERY, MISSING, ONE_ROW, ONE_VALUE, PRESENT, ROW_COUNTS, ROW_WORDS,
    SAME_PART, VALUE_WORDS,
};
use crate::rules::success_as_proof::vocabulary::parts;
use crate::sql::Query;

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
    /// How many rows and columns there are.
    Shape,
    /// Whether this part is not there: `frame.empty`, `isna(value)`.
    Lack(Box<Access>),
}

impl Access {
    /// What a call that is given the query returns, judged by its name.
    fn of_call(name: &str) -> Self {
        let words = parts(name);
        let has = |list: &[&str]| words.iter().any(|w| list.contains(&w.as_str()));
        if has(VALUE_WORDS) {
            Access::At(0)
        } else if has(ROW_WORDS) {
            Access::Row
        } else {
            Access::Rows
        }
    }

    /// An element of this part.
    fn element(self) -> Self {
        match self {
            Access::Rows => Access::Row,
            Access::Row => Access::At(0),
            other => other,
        }
    }

    /// A field of this part.
    fn field(self, name: &str) -> Option<Self> {
        if ROW_COUNTS.contains(&name) {
            return Some(Access::Length);
        }
        match self {
            Access::Row => Some(Access::Named(name.to_owned())),
            Access::At(_) | Access::Named(_) => Some(self),
            Access::Rows if name == "empty" => Some(Access::Lack(Box::new(self))),
            Access::Rows if name == "shape" => Some(Access::Shape),
            Access::Rows if FRAME_PARTS.contains(&name) => Some(self),
            Access::Rows | Access::Length | Access::Shape | Access::Lack(_) => None,
        }
    }

    /// An item of this part, if its key or index is known.
    fn item(self, key: Option<&Literal>) -> Option<Self> {
        Some(match (key, self) {
            (Some(Literal::Str(n)), Access::Row | Access::Rows) => Access::Named(n.to_string()),
            (Some(Literal::Int(i)), Access::Row) => Access::At(usize::try_from(*i).ok()?),
            (Some(Literal::Int(0)), Access::Shape) => Access::Length,
            (_, Access::Shape | Access::Lack(_)) => return None,
            (_, access) => access.element(),
        })
    }

    /// What a call on this part returns; `key` is its first argument.
    fn call(self, name: &str, key: Option<&Literal>) -> Option<Self> {
        let gets = matches!(name, "get" | "try_get");
        let position = match key {
            Some(Literal::Int(i)) => usize::try_from(*i).ok(),
            _ => None,
        };
        if MISSING.contains(&name) {
            return Some(Access::Lack(Box::new(self)));
        }
        Some(match self {
            // `frame.to_dict("records")`
            Access::Rows if name == "to_dict" && key.is_some() => Access::Rows,
            Access::Rows if ONE_ROW.contains(&name) => Access::Row,
            Access::Rows | Access::Row if ONE_VALUE.contains(&name) => Access::At(0),
            Access::Rows if name == "scalars" => Access::Rows,
            Access::At(_) if matches!(name, "fetch_all" | "fetch") => Access::Rows,
            Access::Row if gets => match position {
                Some(position) => Access::At(position),
                None => Access::Named(key.and_then(text_of)?),
            },
            Access::Rows if matches!(name, "len" | "count") => Access::Length,
            access if SAME_PART.contains(&name) => access,
            _ => return None,
        })
    }
}

/// Follows values back to queries in one state.
#[derive(Clone, Copy)]
pub(super) struct Trace<'t, 'v, 'e> {
    pub(super) queries: &'t Queries<'v>,
    pub(super) engine: &'t Engine<'e>,
    pub(super) state: &'t State,
}

/// A query and the part of its result that a value is.
type QueryPart = Option<(Rc<Query>, Access)>;

impl Trace<'_, '_, '_> {
    /// The query that a value came back from, and which part of its result it is. `bound` is what
    /// was bound to the query by the calls that were followed already.
    pub(super) fn part(self, v: Value, bound: &[Value], depth: u32) -> QueryPart {
        if depth > MAX_DEPTH {
            return None;
        }
        let engine = self.engine;
        let go = |o: Value| self.part(o, bound, depth + 1);
        match engine.terms.term(v) {
            Term::Field(o, n) => {
                let (q, access) = go(*o)?;
                Some((q, access.field(n)?))
            }
            Term::Item(o, k) => {
                let (q, access) = go(*o)?;
                // `frame.at[0, "day"]`
                let key = match engine.terms.term(*k) {
                    Term::Tuple(items) => *items.last()?,
                    _ => *k,
                };
                Some((q, access.item(engine.terms.literal(key))?))
            }
            Term::Pure(n, ops) => self.of_pure(v, (n, &ops[..]), bound, depth),
            Term::Len(o) => Some((go(*o)?.0, Access::Length)),
            Term::Truth(o) => go(*o),
            Term::Symbol(..) => self.of_symbol(v, bound, depth),
            _ => None,
        }
    }

    /// The same for the result of an operator or a method that the engine knows.
    fn of_pure(
        self,
        v: Value,
        (name, ops): (&str, &[Value]),
        bound: &[Value],
        depth: u32,
    ) -> QueryPart {
        let engine = self.engine;
        let go = |o: Value| self.part(o, bound, depth + 1);
        if let Some(whole) = engine.payload_owner(v) {
            return go(whole);
        }
        if name == "get" && ops.len() > 2 {
            let (q, access) = go(ops[0])?;
            let key = engine.terms.literal(ops[1]).and_then(text_of)?;
            return (access == Access::Row).then_some((q, Access::Named(key)));
        }
        if let Some(i) = name.strip_prefix("unpack") {
            let (q, access) = go(ops[0])?;
            let i = i.parse::<usize>().ok()?;
            return (access == Access::Row).then_some((q, Access::At(i)));
        }
        match name {
            "at" | "copy" | "text.lower" | "text.upper" | "text.strip" => go(ops[0]),
            _ => None,
        }
    }

    /// The same for the result of a call, or an element of what is looped over.
    fn of_symbol(self, v: Value, bound: &[Value], depth: u32) -> QueryPart {
        let engine = self.engine;
        if let Some(all) = self.state.ghost(v, ValueNote::Query)
            && let Term::Tuple(args) = engine.terms.term(all)
        {
            let q = self.query(args, bound)?;
            let access = match engine.origin(self.state, v) {
                Some(Origin::Call(name, ..)) => Access::of_call(&name),
                _ => Access::Rows,
            };
            return Some((q, access));
        }
        // A list into which rows were put.
        if let Some(item) = self.state.ghost(v, ValueNote::Element)
            && let Some((q, Access::Row)) = self.part(item, bound, depth + 1)
        {
            return Some((q, Access::Rows));
        }
        match engine.origin(self.state, v)? {
            Origin::Element(source) => {
                let (q, access) = self.part(source, bound, depth + 1)?;
                Some((q, access.element()))
            }
            Origin::Text(_) => None,
            Origin::Call(name, receiver, args) => {
                if let Some(q) = self.query(&args, bound) {
                    return Some((q, Access::of_call(&name)));
                }
                // `query(text).bind(a).bind(b)`
                if name == "bind" && !args.is_empty() {
                    let all: Vec<Value> = args.iter().chain(bound).copied().collect();
                    return self.part(receiver, &all, depth + 1);
                }
                if let Some(q) = self.orm_query(&name, receiver, &args) {
                    return Some((q, Access::Rows));
                }
                let of_argument = is_transparent(&name)
                    || MISSING.contains(&name.as_str())
                    || PRESENT.contains(&name.as_str())
                    || GIVEN_QUERY.contains(&name.as_str());
                let of_first = || self.part(*args.first()?, bound, depth + 1);
                let (q, access) = if engine.terms.literal(receiver).is_some() {
                    of_first()?
                } else {
                    match self.part(receiver, bound, depth + 1) {
                        None if of_argument => of_first()?,
                        part => part?,
                    }
                };
                let key = args.first().and_then(|k| engine.terms.literal(*k));
                Some((q, access.call(&name, key)?))
            }
        }
    }
}
