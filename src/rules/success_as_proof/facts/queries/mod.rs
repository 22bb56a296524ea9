//! Queries: which values of the program came back from a query, and what its text says of them.

mod orm;
mod text;
mod trace;

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

pub use trace::Access;
use trace::Trace;

use super::flags::{FACT, STORED};
use super::names::{is_transparent, text_of};
use super::{Lesson, ValueNote};
use crate::engine::values::origins::Origin;
use crate::engine::values::state::State;
use crate::engine::values::value::{Site, Term, Value};
use crate::engine::{Engine, Returned};
use crate::rules::success_as_proof::vocabulary::Vocabulary;
use crate::rules::success_as_proof::vocabulary::calls::{EXECUTES, NEEDS_A_ROW};
use crate::sql::{self, Meaning, Query};

/// How many steps back the origin of a value is followed.
const MAX_DEPTH: u32 = 12;

/// The queries of one function, each text read once.
pub struct Queries<'v> {
    vocabulary: &'v Vocabulary,
    read: RefCell<HashMap<String, Option<Rc<Query>>>>,
}

impl<'v> Queries<'v> {
    /// Without any query yet.
    pub fn new(vocabulary: &'v Vocabulary) -> Self {
        Queries {
            vocabulary,
            read: RefCell::default(),
        }
    }

    /// Remembers which query a cursor was given last, and which one a fetched value came from.
    pub fn note(
        &self,
        engine: &mut Engine<'_>,
        state: &mut State,
        name: &str,
        cursor: Value,
        call: &Returned<'_>,
    ) {
        if EXECUTES.contains(&name) {
            if self.trace(engine, state).query(call.args, &[]).is_some() {
                let all = engine.terms.make(Term::Tuple(call.args.into()));
                state.set_ghost(cursor, ValueNote::Query, all);
            } else {
                state.drop_ghost(cursor, ValueNote::Query);
            }
        } else if name.starts_with("fetch")
            && let Some(all) = state.ghost(cursor, ValueNote::Query)
            && matches!(engine.terms.term(call.result), Term::Symbol(..))
        {
            state.set_ghost(call.result, ValueNote::Query, all);
        }
    }

    /// The query that a value came back from, and which part of its result the value is.
    pub fn of(&self, engine: &Engine<'_>, state: &State, v: Value) -> Option<(Rc<Query>, Access)> {
        self.trace(engine, state).part(v, &[], 0)
    }

    /// Where the query was run that a value came back from.
    pub fn site(&self, engine: &Engine<'_>, state: &State, v: Value) -> Option<Site> {
        let mut at = v;
        let mut site = None;
        for _ in 0..MAX_DEPTH {
            self.of(engine, state, at)?;
            if let Term::Symbol(made, _) = engine.terms.term(at) {
                site = Some(*made);
            }
            at = match engine.terms.term(at) {
                Term::Field(o, _) | Term::Item(o, _) | Term::Len(o) | Term::Truth(o) => *o,
                Term::Pure(_, ops) => *ops.first()?,
                _ => match engine.origin(state, at) {
                    Some(Origin::Element(source)) => source,
                    Some(Origin::Call(_, receiver, args)) => {
                        let mut made_of = args.first().copied().into_iter().chain([receiver]);
                        let part = made_of.find(|v| self.of(engine, state, *v).is_some());
                        let Some(part) = part else { return site };
                        part
                    }
                    _ => return site,
                },
            };
        }
        site
    }

    fn trace<'t, 'e>(&'t self, engine: &'t Engine<'e>, state: &'t State) -> Trace<'t, 'v, 'e> {
        Trace {
            queries: self,
            engine,
            state,
        }
    }

    /// The same for an option or a result whose presence says whether there is a row, rather than
    /// just whether the query could be run.
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
                    told |= NEEDS_A_ROW.contains(&name.as_str());
                    break;
                }
                _ => break,
            }
        }
        let (query, access) = self.of(engine, state, v).filter(|_| told)?;
        Some(match access {
            // The row with the value is there, whatever the value is.
            Access::At(_) | Access::Named(_) if !unwrapped => (query, Access::Row),
            access => (query, access),
        })
    }

    /// The statuses that a value in a query's result can be, if the query limits them.
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

    /// Whether a collection is the result of a query that leaves out all units with a successful
    /// run, however many records the run had.
    pub fn leaves_out_successes(&self, engine: &Engine<'_>, state: &State, v: Value) -> bool {
        let Some((query, Access::Rows)) = self.of(engine, state, v) else {
            return false;
        };
        query
            .excludes_success()
            .is_some_and(|e| !e.demands_records && !e.has_open_conditions)
    }

    /// The lesson of something that is among the rows of a query for successful runs, or is not.
    pub fn among(
        &self,
        engine: &Engine<'_>,
        state: &State,
        rows: Value,
        there: bool,
    ) -> Option<Lesson> {
        match self.of(engine, state, rows)? {
            (query, access @ Access::Rows) if query.filters_success() => {
                self.exists(&query, &access, there)
            }
            _ => None,
        }
    }

    /// The name of the column that a value comes from.
    pub fn column(&self, engine: &Engine<'_>, state: &State, v: Value) -> Option<String> {
        let (query, access) = self.of(engine, state, v)?;
        match access {
            Access::Named(n) => Some(n),
            Access::At(i) => query.columns.get(i)?.name.clone(),
            _ => None,
        }
    }

    /// The meaning of the column that a value comes from.
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

    /// The lesson of a number in the result of a query that is positive.
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

    /// The lesson of something that a query returned and that is there, or is not.
    pub fn exists(&self, query: &Query, access: &Access, there: bool) -> Option<Lesson> {
        if let Access::Lack(part) = access {
            return self.exists(query, part, !there);
        }
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
                Lesson::Success(FACT | STORED)
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
