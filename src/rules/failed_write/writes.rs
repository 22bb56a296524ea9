//! Which calls are writes that matter, and which writes make up for a failed one.

use super::failure::{
    FailureNote, OF_BATCH, SEVERAL, STAGED_SHIFT, UNITS, get, gives_the_same, gives_the_same_rows,
    put, tuple,
};
use super::inside::stored_inside;
use super::likeness::{CHAIN, is_data, prepared};
use super::memory::calls_into_memory;
use super::no_store::{builds_change, stores_nothing};
use super::watch::Watch;
use crate::engine::summaries::library::Deed;
use crate::engine::values::origins::Origin;
use crate::engine::values::state::State;
use crate::engine::values::value::{Term, Value};
use crate::engine::{CallOutcome, CompletedCall, Engine};
use crate::ir::{ArgKind, BlockId, Literal, Name, Operand, Rvalue, TerminatorKind};
use crate::presets::Known;
use crate::program::{ClassRef, FuncRef, MroEntry, Program};
use crate::rules::known::{known_call, raises_by, some_call_writes};
use crate::rules::tables;

/// Calls that wait for a job.
const WAITS: &[&str] = &["result", "wait", "join", "await"];

impl Watch<'_> {
    /// Whether a call in a function may be a write whose failure is followed, or wait for one.
    pub(in crate::rules) fn may_matter(&self, engine: &Engine<'_>, call: &Deed) -> bool {
        if WAITS.contains(&call.name.as_str()) && call.on_input {
            return true;
        }
        if call.asked {
            return false;
        }
        let known = || some_call_writes(engine.program, self.writes, call.within, &call.name);
        if tables::is_staged(&call.name, call.receiver.as_deref().unwrap_or_default()) {
            return true;
        }
        if self.outside {
            return !call.resolved
                && (tables::finishes_unit(&call.name)
                    || tables::may_be_sure(self.writes, &call.name, call.receiver.as_deref())
                    || known())
                && !tables::is_removal(&call.name, &call.texts);
        }
        let module = engine.program.module(call.within.module);
        let within = &module.ir.function(call.within.func).name;
        let auxiliary = self.excuses.is_auxiliary(&call.name)
            || call
                .receiver
                .as_ref()
                .is_some_and(|r| self.excuses.is_auxiliary(r))
            || within != self.method && self.excuses.is_auxiliary(within);
        if call.resolved && tables::may_only_read(&call.name) || auxiliary {
            return false;
        }
        (tables::may_write(self.writes, call) || !call.resolved && known())
            && !tables::is_removal(&call.name, &call.texts)
    }

    /// The write that a call is, or waits for: a tuple of its name, its site and its arguments.
    pub(in crate::rules) fn write(
        &self,
        engine: &mut Engine<'_>,
        state: &State,
        call: &CompletedCall<'_>,
    ) -> Option<Value> {
        let waits = || WAITS.contains(&call.name) || self.waits(engine, call);
        if waits()
            && let Some(receiver) = call.receiver
            && let Some(write) = state.ghost(receiver, FailureNote::Submitted)
        {
            return Some(write);
        }
        let receiver = call.receiver.and_then(|r| {
            // What a function was given has the name of its parameter.
            let names = || engine.names_of(call.site.func, r).first().cloned();
            client_name(engine, state, r).or_else(names)
        });
        let mut texts = self.texts(engine, state, call);
        texts.extend(prepared(engine, state, call.receiver));
        // A function of the program with the name of a write is one if it is given data.
        let named_only = call.callee.is_some()
            && (tables::may_only_read(call.name)
                || !call.args.iter().any(|a| is_data(engine, state, *a)));
        let named = tables::is_write(self.writes, call.name, receiver.as_deref(), &texts);
        let known = self.known(engine, call, named);
        let known_to_write = raises_by(known, &texts);
        let inside = || self.stores_inside(engine.program, call);
        if named_only
            || !(self.unit_finished(engine, state, call).is_some()
                || known_to_write.unwrap_or(named)
                || inside())
            || tables::is_removal(call.name, &texts)
            || stores_nothing(engine, state, call, &texts)
            || self.stays_in_memory(engine.program, call)
            || self.is_auxiliary(engine, state, call, &texts)
            || self.outside
                && known_to_write != Some(true)
                && !self.is_sure(engine, state, call, (receiver.as_deref(), &texts))
                && !inside()
        {
            return None;
        }
        let name = engine.terms.str(call.name);
        let at = Term::Place(call.site.func, call.site.block);
        let at = engine.terms.make(at);
        let held = call.receiver.filter(|r| {
            tables::writes_receiver(call.name) || self.is_built_of_rows(engine, state, *r)
        });
        let unit = self.unit_finished(engine, state, call);
        let staged = unit.and_then(|_| tuple(engine, get(state, FailureNote::Staged)?));
        let staged = staged.iter().flat_map(|staged| staged.iter().copied());
        let parts: Vec<Value> = [name, at]
            .into_iter()
            .chain(call.args.iter().copied())
            .chain(held)
            .chain(staged)
            .collect();
        Some(engine.terms.make(Term::Tuple(parts.into())))
    }

    /// Whether a call that is not followed runs a method of the program that surely writes.
    fn stores_inside(&self, program: &Program<'_>, call: &CompletedCall<'_>) -> bool {
        if !self.excuses.by_class || call.callee.is_some() || call.receiver.is_none() {
            return false;
        }
        let site = (call.site.func, BlockId(call.site.block));
        let known = self.inside.borrow().get(&site).copied();
        known.unwrap_or_else(|| {
            let found = stored_inside(program, self.writes, site).is_some();
            self.inside.borrow_mut().insert(site, found);
            found
        })
    }

    /// Whether a call that is not followed writes only to what lives in the memory of the process.
    fn stays_in_memory(&self, program: &Program<'_>, call: &CompletedCall<'_>) -> bool {
        if call.callee.is_some() {
            return false;
        }
        let func = call.site.func;
        let mut known = self.in_memory.borrow_mut();
        let calls = known
            .entry(func)
            .or_insert_with(|| calls_into_memory(program, func));
        calls.contains(&BlockId(call.site.block))
    }

    /// Whether presets say that a call waits for work that was handed over.
    fn waits(&self, engine: &Engine<'_>, call: &CompletedCall<'_>) -> bool {
        let known = self.known(engine, call, false);
        known.is_some_and(|known| known.waits)
    }

    /// What presets say of a call of something outside the program. It is asked only if the name of the
    /// call is in a preset, or is `named` like a write.
    pub(in crate::rules) fn known(
        &self,
        engine: &Engine<'_>,
        call: &CompletedCall<'_>,
        named: bool,
    ) -> Option<&Known> {
        if call.callee.is_some() || !(named || self.writes.presets.names_call(call.name)) {
            return None;
        }
        let site = (call.site.func, BlockId(call.site.block));
        known_call(engine.program, self.writes, site)
    }

    /// Whether a call that is named like a write surely is one: outside of contracts, nothing says that
    /// the function is there to write.
    fn is_sure(
        &self,
        engine: &Engine<'_>,
        state: &State,
        call: &CompletedCall<'_>,
        (receiver, texts): (Option<&str>, &[Name]),
    ) -> bool {
        // A function of the program is followed.
        if call.callee.is_some() {
            return false;
        }
        if self.finishes_unit(engine, call) {
            return true;
        }
        let named = call.keywords.iter().map(|(_, v)| v);
        let mut given = call.args.iter().chain(named).peekable();
        let given = tables::Given {
            texts,
            any: given.peek().is_some(),
            data: given.any(|v| is_data(engine, state, *v)),
        };
        tables::is_sure_write(self.writes, call.name, receiver, given)
            || tables::runs_statement(call.name)
                && call
                    .args
                    .first()
                    .is_some_and(|v| builds_change(engine, state, *v))
    }

    /// The texts that a call is given: all by position, and the statements by name.
    pub(in crate::rules) fn texts(
        &self,
        engine: &Engine<'_>,
        state: &State,
        call: &CompletedCall<'_>,
    ) -> Vec<Name> {
        let text = |v: &Value| self.text(engine, state, *v);
        let named = call.keywords.iter().filter_map(|(_, v)| text(v));
        let named = named.filter(|t| tables::is_statement(std::slice::from_ref(t)));
        call.args.iter().filter_map(text).chain(named).collect()
    }

    /// The text that an argument is or begins with, if that can make a difference.
    fn text(&self, engine: &Engine<'_>, state: &State, v: Value) -> Option<Name> {
        // With words from the configuration, every text can.
        if self.excuses.auxiliary.is_empty() {
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
        let says = |name: &str| self.excuses.is_auxiliary(name);
        let mut receiver = call.receiver;
        while let Some(r) = receiver {
            let names = engine.names_of(call.site.func, r);
            if engine.name_of(r).is_some_and(|n| says(&n)) || names.iter().any(|n| says(n)) {
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
        let within = module.ir.function(call.site.func.func);
        let function = &within.name;
        // A processor may be called after failures as well.
        let own = state.fact(state.watched).and_then(|fact| fact.class);
        let is_own = |class: ClassRef| {
            own.is_some_and(|own| {
                let mro = engine.program.mro(own);
                mro.entries.contains(&MroEntry::Class(class))
            })
        };
        let of = within.class.map(|class| ClassRef {
            module: call.site.func.module,
            class,
        });
        let of = of.filter(|of| !is_own(*of));
        let class = of.map(|of| &module.ir.class(of.class).name);
        let named = texts.iter().filter(|t| !t.contains(char::is_whitespace));
        let at = (call.site.func, BlockId(call.site.block));
        let is_main = self.mains.calls.contains(&at);
        let within_main = self.mains.functions.contains(&call.site.func);
        says(call.name) && !is_main
            || function != self.method && says(function) && !within_main
            || class.is_some_and(|class| tables::is_failure_record(class))
            || named.clone().any(|t| self.excuses.is_log_table(t))
            || texts.iter().any(|t| tables::changes_log_table(t))
    }

    /// Whether a statement was built step by step out of rows, as in `table.merge(rows)`.
    fn is_built_of_rows(&self, engine: &Engine<'_>, state: &State, statement: Value) -> bool {
        let mut at = statement;
        for _ in 0..CHAIN {
            let Some(Origin::Call(name, on, args)) = engine.origin(state, at) else {
                return false;
            };
            if tables::is_write(self.writes, &name, None, &[])
                && args.iter().any(|a| is_data(engine, state, *a))
            {
                return true;
            }
            at = on;
        }
        false
    }

    /// Remembers that a call put something into a unit of work.
    pub(in crate::rules) fn note_staged(
        &self,
        engine: &mut Engine<'_>,
        state: &mut State,
        call: &CompletedCall<'_>,
    ) {
        let (CallOutcome::Returned(_), None, Some(receiver)) =
            (call.outcome, call.callee, call.receiver)
        else {
            return;
        };
        let Some(unit) = unit_name(engine, call.site.func, receiver) else {
            return;
        };
        if self.outside && tables::is_removal(call.name, &[])
            || !(tables::is_staged(call.name, &unit) || self.adds(engine, state, call))
            || state.kind(&engine.terms, receiver).is_container()
        {
            return;
        }
        let mut units = self.units.borrow_mut();
        let at = units.iter().position(|known| *known == unit);
        let at = at.unwrap_or_else(|| {
            units.push(unit);
            units.len() - 1
        });
        if at >= UNITS {
            return;
        }
        let bit = 1 << (STAGED_SHIFT + u32::try_from(at).unwrap_or_default());
        if state.flags.rule & bit != 0 || tables::is_of_batch(call.name) {
            state.flags.rule |= SEVERAL;
        }
        state.flags.rule |= bit;
        let given = engine.terms.make(Term::Tuple(call.args.into()));
        put(state, FailureNote::Staged, given);
    }

    /// Whether a call writes what is in its receiver, if that is a unit of work.
    pub(in crate::rules) fn finishes_unit(
        &self,
        engine: &Engine<'_>,
        call: &CompletedCall<'_>,
    ) -> bool {
        let known = || self.known(engine, call, false);
        tables::finishes_unit(call.name) || known().is_some_and(|known| known.commits)
    }

    /// Whether presets say that a call puts rows into a unit of work. A statement does if it changes rows.
    fn adds(&self, engine: &Engine<'_>, state: &State, call: &CompletedCall<'_>) -> bool {
        let known = self.known(engine, call, false).filter(|known| known.adds);
        known.is_some_and(|known| match &known.write {
            Some(write) if write.by_statement => {
                let texts = self.texts(engine, state, call);
                let changes = tables::changes_rows(&texts) == Some(true);
                let built = || {
                    let first = call.args.first();
                    first.is_some_and(|v| builds_change(engine, state, *v))
                };
                changes && !tables::only_remove(&texts) || built()
            }
            _ => true,
        })
    }

    /// The bits of the unit of work that a call writes, if something was put into it.
    pub(in crate::rules) fn unit_finished(
        &self,
        engine: &Engine<'_>,
        state: &State,
        call: &CompletedCall<'_>,
    ) -> Option<u32> {
        if !self.finishes_unit(engine, call) {
            return None;
        }
        self.is_staged(engine, state, (call.site.func, call.receiver?))
    }

    /// The bits of a unit of work, as a function names it, if something was put into it.
    pub(in crate::rules) fn is_staged(
        &self,
        engine: &Engine<'_>,
        state: &State,
        (func, unit): (FuncRef, Value),
    ) -> Option<u32> {
        let unit = unit_name(engine, func, unit)?;
        let units = self.units.borrow();
        let at = units.iter().position(|known| *known == unit)?;
        let bit = 1 << (STAGED_SHIFT + u32::try_from(at).ok().filter(|_| at < UNITS)?);
        (state.flags.rule & bit != 0).then_some(bit | SEVERAL)
    }

    /// [`OF_BATCH`] if a write is given several rows, all of which are lost with the first that
    /// fails. `unit` are the bits of the unit of work that it writes.
    pub(in crate::rules) fn is_of_batch(
        &self,
        engine: &Engine<'_>,
        state: &State,
        call: &CompletedCall<'_>,
        unit: Option<u32>,
    ) -> u32 {
        let several = unit.is_some() && state.flags.rule & SEVERAL != 0;
        let stops = || tables::is_of_batch(call.name) && !goes_on(engine, call);
        if several || stops() { OF_BATCH } else { 0 }
    }

    /// Whether a write repeats the one that failed: it is given the same data, or is the same call
    /// if no data is given. If it is not known what failed, it may.
    pub(in crate::rules) fn repeats_failed(
        &self,
        engine: &Engine<'_>,
        state: &State,
        (write, of_unit): (Value, bool),
        at: (FuncRef, u32),
    ) -> bool {
        let is_here = |v: Value| *engine.terms.term(v) == Term::Place(at.0, at.1);
        let submitted =
            get(state, FailureNote::Failed).and_then(|v| tuple(engine, v)?.get(1).copied());
        let places = [submitted, get(state, FailureNote::FailedAt)];
        if places.into_iter().flatten().any(is_here) {
            return gives_the_same(engine, state, write)
                || of_unit && gives_the_same_rows(engine, state, write);
        }
        let again = !self.regular.contains(&at)
            && (gives_the_same(engine, state, write) || gives_the_same_rows(engine, state, write));
        if again {
            self.made_up.borrow_mut().insert(at);
        }
        again
    }
}

/// The name of what a call puts something into, or commits, in lower case: `with Session.begin() as
/// session` names one unit twice.
fn unit_name(engine: &Engine<'_>, func: FuncRef, unit: Value) -> Option<Name> {
    let name = engine.name_of(unit);
    let name = name.or_else(|| engine.names_of(func, unit).first().cloned())?;
    Some(name.to_ascii_lowercase().into())
}

/// Whether a call of several rows goes on with the others if one is refused.
fn goes_on(engine: &Engine<'_>, call: &CompletedCall<'_>) -> bool {
    let module = engine.program.module(call.site.func.module);
    let function = module.ir.function(call.site.func.func);
    let block = function.body.block(BlockId(call.site.block));
    let TerminatorKind::Eval {
        rvalue: Rvalue::Call { args, .. },
        ..
    } = &block.terminator.kind
    else {
        return false;
    };
    args.iter().any(|arg| match (&arg.kind, &arg.value) {
        (ArgKind::Keyword(name), Operand::Const(Literal::Bool(value))) => {
            tables::is_option_to_go_on(name, *value)
        }
        _ => false,
    })
}

/// The name of a client, or of what it was made of or by: `write` of `frame.write.mode("append")`,
/// `KafkaProducer` of what that class makes.
fn client_name(engine: &Engine<'_>, state: &State, receiver: Value) -> Option<Name> {
    let mut at = receiver;
    for _ in 0..CHAIN {
        if let Some(name) = engine.name_of(at) {
            return Some(name);
        }
        let Some(Origin::Call(name, on, _)) = engine.origin(state, at) else {
            return None;
        };
        if engine.terms.literal(on).is_some() {
            return Some(name);
        }
        at = on;
    }
    None
}
