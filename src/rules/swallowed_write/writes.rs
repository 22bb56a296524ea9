//! Which calls are writes that matter, and which writes make up for a failed one.

use super::failure::{FailureNote, get, gives_the_same, tuple};
use super::likeness::{is_data, prepared};
use super::watch::Watch;
use crate::engine::summaries::library::Deed;
use crate::engine::values::origins::Origin;
use crate::engine::values::state::State;
use crate::engine::values::value::{Term, Value};
use crate::engine::{CompletedCall, Engine};
use crate::ir::Name;
use crate::program::FuncRef;
use crate::rules::tables;

/// Calls that wait for a job.
const WAITS: &[&str] = &["result", "wait", "join", "await"];

impl Watch<'_> {
    /// Whether a call in a function may be a write whose failure is followed, or wait for one.
    pub(super) fn may_matter(&self, engine: &Engine<'_>, call: &Deed) -> bool {
        if WAITS.contains(&call.name.as_str()) && call.on_input {
            return true;
        }
        if call.asked {
            return false;
        }
        let module = engine.program.module(call.within.module);
        let within = &module.ir.function(call.within.func).name;
        let auxiliary = self.options.is_auxiliary(&call.name)
            || call
                .receiver
                .as_ref()
                .is_some_and(|r| self.options.is_auxiliary(r))
            || within != self.method && self.options.is_auxiliary(within);
        if call.resolved && tables::may_only_read(&call.name) || auxiliary {
            return false;
        }
        tables::may_write(self.writes, call) && !tables::is_removal(&call.name, &call.texts)
    }

    /// The write that a call is, or waits for: a tuple of its name, its site and its arguments.
    pub(super) fn write(
        &self,
        engine: &mut Engine<'_>,
        state: &State,
        call: &CompletedCall<'_>,
    ) -> Option<Value> {
        if WAITS.contains(&call.name)
            && let Some(receiver) = call.receiver
            && let Some(write) = state.ghost(receiver, FailureNote::Submitted)
        {
            return Some(write);
        }
        let receiver = call.receiver.and_then(|r| engine.name_of(r));
        let texts: Vec<Name> = call
            .args
            .iter()
            .filter_map(|a| self.text(engine, state, *a))
            .chain(prepared(engine, state, call.receiver))
            .collect();
        // A function of the program with the name of a write is one if it is given data.
        let named_only = call.callee.is_some()
            && (tables::may_only_read(call.name)
                || !call.args.iter().any(|a| is_data(engine, state, *a)));
        if named_only
            || !tables::is_write(self.writes, call.name, receiver.as_deref(), &texts)
            || tables::is_removal(call.name, &texts)
            || self.is_auxiliary(engine, state, call, &texts)
        {
            return None;
        }
        let name = engine.terms.str(call.name);
        let at = Term::Place(call.site.func, call.site.block);
        let at = engine.terms.make(at);
        let parts: Vec<Value> = [name, at]
            .into_iter()
            .chain(call.args.iter().copied())
            .collect();
        Some(engine.terms.make(Term::Tuple(parts.into())))
    }

    /// The text that an argument is or begins with, if that can make a difference.
    fn text(&self, engine: &Engine<'_>, state: &State, v: Value) -> Option<Name> {
        // With words from the configuration, every text can.
        if self.options.auxiliary.is_empty() {
            engine.text_unless(state, v, tables::PLAIN)
        } else {
            engine.class_text(v).or_else(|| engine.known_text(state, v))
        }
    }

    /// Whether a write is auxiliary: a metric, an audit trail, a cache.
    fn is_auxiliary(
        &self,
        engine: &Engine<'_>,
        state: &State,
        call: &CompletedCall<'_>,
        texts: &[Name],
    ) -> bool {
        let says = |name: &str| self.options.is_auxiliary(name);
        let mut receiver = call.receiver;
        while let Some(r) = receiver {
            if engine.name_of(r).is_some_and(|n| says(&n)) {
                return true;
            }
            receiver = match engine.terms.term(r) {
                Term::Field(of, _) | Term::Method(of, _) => Some(*of),
                _ => match engine.origin(state, r) {
                    Some(Origin::Call(name, ..)) if says(&name) => return true,
                    _ => None,
                },
            };
        }
        let module = engine.program.module(call.site.func.module);
        let function = &module.ir.function(call.site.func.func).name;
        let tables = texts.iter().filter(|t| !t.contains(char::is_whitespace));
        says(call.name)
            || function != self.method && says(function)
            || tables.clone().any(|t| self.options.is_log_table(t))
    }

    /// Whether a write repeats the one that failed: it is given the same data, or is the same call
    /// if no data is given. If it is not known what failed, it may.
    pub(super) fn repeats_failed(
        &self,
        engine: &Engine<'_>,
        state: &State,
        write: Value,
        at: (FuncRef, u32),
    ) -> bool {
        let is_here = |v: Value| *engine.terms.term(v) == Term::Place(at.0, at.1);
        let submitted =
            get(state, FailureNote::Failed).and_then(|v| tuple(engine, v)?.get(1).copied());
        let places = [submitted, get(state, FailureNote::FailedAt)];
        if places.into_iter().flatten().any(is_here) {
            return gives_the_same(engine, state, write);
        }
        let again = !self.regular.contains(&at) && gives_the_same(engine, state, write);
        if again {
            self.made_up.borrow_mut().insert(at);
        }
        again
    }
}
