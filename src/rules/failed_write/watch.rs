//! The automaton: a write that failed, and what caught the failure.
//!
//! The property is one of: nothing failed; a failure is *in flight*, as an exception; it was
//! *handed over*, as a result that a function returned; it was *caught*, and by what.

use std::cell::RefCell;
use std::collections::BTreeSet;

use rustc_hash::{FxHashMap, FxHashSet};

use super::Excuses;
use super::attempts::tries_again;
use super::failure::{
    ALL, BY, BY_SHIFT, CAUGHT, FailureNote, HANDED, IN_FLIGHT, MARKED, REPLACED, STATUS, WROTE,
    clear, comes_from_inside, follow, get, is_failing, is_tested, note_call, pass_on, put, tuple,
};
use super::flow::is_only_logged;
use super::likeness::{holds_exception, is_data, is_failure_of, is_made_of};
use super::no_store::runs_program;
use super::refusal::refuses;
use super::told::{
    answers_failure, creates_instead, is_failed_answer, leaves_to_others, records_failure,
};
use super::units::Mains;
use crate::engine::summaries::library::Deeds;
use crate::engine::values::ghost::Ghost;
use crate::engine::values::origins::Origin;
use crate::engine::values::state::{Cell, Slot, State};
use crate::engine::values::value::{Site, Term, Value};
use crate::engine::{
    Automaton, CallOutcome, Catch, CompletedCall, Engine, FailureEvents, HelperFilter, Returned,
    Test, ValueEvents, WatchedPlace, Watches,
};
use crate::ir::{BlockId, Name};
use crate::program::FuncRef;
use crate::rules::tables::{self, tells};
use crate::settings::Writes;

/// What ends a failure without anybody learning of it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(in crate::rules) enum Swallower {
    /// A handler or a context manager.
    Catch(Catch),
    /// A function that returns while the exception is pending.
    Return(FuncRef, BlockId),
}

impl Swallower {
    /// The function and the block that it is in.
    pub(in crate::rules) fn place(self) -> (FuncRef, BlockId) {
        match self {
            Swallower::Catch(Catch { func, block, .. }) | Swallower::Return(func, block) => {
                (func, block)
            }
        }
    }
}

/// How deep calls are followed in functions that no contract names: a write is in the function itself,
/// or not far from it.
const REACH_OUTSIDE: u8 = 2;

/// Calls, by function and block.
pub(in crate::rules) type Calls = BTreeSet<(FuncRef, u32)>;

/// The automaton for one method.
pub(in crate::rules) struct Watch<'o> {
    places: Vec<WatchedPlace>,
    /// The contract method: its own name says nothing about what it writes.
    pub(in crate::rules) method: &'o str,
    /// No contract names it, so only calls that surely write count.
    pub(in crate::rules) outside: bool,
    pub(in crate::rules) excuses: &'o Excuses,
    pub(in crate::rules) writes: &'o Writes,
    /// Writes that the function exists for, whatever their names say.
    pub(super) mains: Mains,
    /// What caught a failure, by the index in the flags.
    seen: RefCell<Vec<Swallower>>,
    /// The names of units of work, by the index in the flags.
    pub(in crate::rules) units: RefCell<Vec<Name>>,
    /// Writes that are known to be made where nothing failed, too: none of them makes up for
    /// another.
    pub(in crate::rules) regular: &'o Calls,
    /// Writes that this run of the automaton met where nothing had failed.
    met: RefCell<Calls>,
    /// What the method was given: others hold it, too.
    arguments: RefCell<Vec<Value>>,
    /// Writes that this run took to make up for a failed one.
    pub(in crate::rules) made_up: RefCell<Calls>,
    /// Calls on objects of the program, and whether what they run surely writes.
    pub(super) inside: RefCell<FxHashMap<(FuncRef, BlockId), bool>>,
    /// The calls of functions that write only into memory, if they write.
    pub(super) in_memory: RefCell<FxHashMap<FuncRef, FxHashSet<BlockId>>>,
}

impl Automaton for Watch<'_> {
    fn watches(&self) -> Watches<'_> {
        Watches {
            places: Some(&self.places),
            reach: self.outside.then_some(REACH_OUTSIDE),
            milestones: ALL,
            keeps_apart: const { &[Ghost::Rule(FailureNote::FailedAt as u8)] },
            compares_arguments: true,
            values: Some(self),
            failures: Some(self),
            helpers: Some(self),
            ..Watches::default()
        }
    }
}

impl HelperFilter for Watch<'_> {
    fn ignores(&self, engine: &Engine<'_>, deeds: &Deeds) -> bool {
        !deeds.calls.iter().any(|call| self.may_matter(engine, call))
    }

    fn is_concerned(
        &self,
        engine: &Engine<'_>,
        state: &State,
        func: FuncRef,
        given: &[Value],
    ) -> bool {
        // A function that is given the failure, or an object that holds it, may do something with
        // it.
        let Some(failure) =
            get(state, FailureNote::Raised).filter(|_| state.flags.rule & STATUS != 0)
        else {
            return false;
        };
        let fields = state
            .heap
            .iter()
            .filter_map(|((object, slot), cell)| match (slot, cell) {
                (Slot::Field(_), Cell::Has(v)) if given.contains(object) => Some(*v),
                _ => None,
            });
        let mut held = given.iter().copied().chain(fields);
        let module = engine.program.module(func.module);
        // One that only tells somebody does not.
        !tells(&module.ir.function(func.func).name)
            && held.any(|v| is_made_of(engine, state, v, failure, 0))
    }
}

impl ValueEvents for Watch<'_> {
    fn on_returned(&self, engine: &mut Engine<'_>, state: &mut State, call: &Returned<'_>) {
        // Equal failures are one value, but this one is not the one that was caught.
        if state.flags.rule & STATUS == CAUGHT
            && get(state, FailureNote::Raised) == Some(call.result)
        {
            state.drop_ghost(state.watched, FailureNote::Raised);
        }
        if !self.excuses.strict
            && state.flags.rule & STATUS == CAUGHT
            && answers_failure(engine, call)
        {
            clear(state);
        }
    }

    fn on_test(&self, engine: &mut Engine<'_>, before: &State, after: &mut State, test: Test) {
        if self.excuses.by_result && !is_failing(before.flags.rule) {
            self.note_refusal(engine, after, test);
        }
        if !self.excuses.strict
            && before.flags.rule & STATUS == CAUGHT
            && after.flags.rule & STATUS == CAUGHT
            && is_tested(engine, before, test.condition)
        {
            clear(after);
        }
    }
}

impl FailureEvents for Watch<'_> {
    fn on_completed(&self, engine: &mut Engine<'_>, state: &mut State, call: &CompletedCall<'_>) {
        if !self.excuses.strict && self.is_dealt_with(engine, state, call) {
            clear(state);
        }
        let at = (call.site.func, call.site.block);
        let marks = self.excuses.marks.contains(&at);
        let returned = !matches!(call.outcome, CallOutcome::Raised(_));
        if marks && returned && state.flags.rule & WROTE == 0 {
            state.flags.rule |= MARKED;
        }
        if let Some(callee) = call.callee {
            // Leaving a context manager may have raised something else in place of the failure.
            let failed = matches!(call.outcome, CallOutcome::Raised(_))
                && state.flags.rule & STATUS == IN_FLIGHT;
            if (failed || comes_from_inside(engine, state, call))
                && self.adds_no_data(engine, state, call)
            {
                // No data is lost if something cannot be deleted.
                clear(state);
                return;
            }
            note_call(engine, state, callee, call);
            // Methods of the processor and nested functions are looked into instead.
            let module = engine.program.module(callee.module);
            let nested = module.ir.function(callee.func).outer.is_some();
            if nested
                || call.receiver == Some(state.watched)
                || comes_from_inside(engine, state, call)
            {
                return;
            }
        }
        self.note_staged(engine, state, call);
        let unit = self.unit_finished(engine, state, call);
        let Some(write) = self.write(engine, state, call) else {
            return;
        };
        // A commit before anything was written commits no data.
        let ends_unit = call.name == "commit" || self.outside && self.finishes_unit(engine, call);
        if ends_unit && state.flags.rule & WROTE == 0 && unit.is_none() {
            return;
        }
        let of_batch = self.is_of_batch(engine, state, call, unit);
        if returned {
            state.flags.rule |= WROTE;
            if !marks {
                state.flags.rule &= !MARKED;
            }
        }
        match call.outcome {
            // Of several failures, the last is followed: each is the last on some path.
            CallOutcome::Raised(exc) => {
                follow(engine, state, call, write, (IN_FLIGHT, exc));
                // What could not be committed is not in the unit any more.
                state.flags.rule = state.flags.rule & !unit.unwrap_or_default() | of_batch;
            }
            CallOutcome::Returned(v) if call.callee.is_some() && engine.is_failure(state, v) => {
                follow(engine, state, call, write, (HANDED, v));
                state.flags.rule |= of_batch;
            }
            CallOutcome::Returned(v) => {
                state.flags.rule &= !unit.unwrap_or_default();
                if matches!(engine.terms.term(v), Term::Symbol(..)) {
                    state.set_ghost(v, FailureNote::Submitted, write);
                }
                let at = (call.site.func, call.site.block);
                if !is_failing(state.flags.rule) {
                    self.met.borrow_mut().insert(at);
                } else if self.repeats_failed(engine, state, (write, unit.is_some()), at)
                    || self.outside && tries_again(engine.program, state, engine, at)
                {
                    clear(state);
                }
            }
        }
    }

    fn on_raise(&self, engine: &mut Engine<'_>, state: &mut State, exc: Value) {
        // An exception that is raised after the failure passes it on.
        if state.flags.rule & STATUS != 0 {
            self.passes_on(engine, state);
            state.flags.rule = state.flags.rule & !ALL | IN_FLIGHT;
            put(state, FailureNote::Raised, exc);
        }
    }

    fn on_caught(&self, _engine: &mut Engine<'_>, state: &mut State, catch: Catch, exc: Value) {
        if state.flags.rule & STATUS == IN_FLIGHT {
            let another = get(state, FailureNote::Raised) != Some(exc);
            self.caught_by(state, Swallower::Catch(catch));
            if another && state.flags.rule & STATUS == CAUGHT {
                state.flags.rule = state.flags.rule & !STATUS | IN_FLIGHT | REPLACED;
            }
        }
    }

    fn on_failure(
        &self,
        engine: &mut Engine<'_>,
        state: &mut State,
        catch: Catch,
        failure: Value,
        presence: bool,
    ) {
        // The last branch that tests a failure swallows it, unless the function returns it.
        // A write whose result is merely absent has not failed.
        let asked = state
            .ghost(failure, FailureNote::Submitted)
            .filter(|_| !presence);
        if let Some(write) = asked {
            if let Some(at) = tuple(engine, write).and_then(|parts| parts.get(1).copied()) {
                put(state, FailureNote::FailedAt, at);
            }
            put(state, FailureNote::Failed, write);
        } else {
            let known = matches!(state.flags.rule & STATUS, HANDED | CAUGHT);
            let first = get(state, FailureNote::Raised).filter(|_| known);
            if !first.is_some_and(|first| is_failure_of(engine, state, failure, first)) {
                return;
            }
        }
        put(state, FailureNote::Raised, failure);
        self.caught_by(state, Swallower::Catch(catch));
    }

    fn on_managed(&self, engine: &mut Engine<'_>, state: &mut State, before: u32) {
        // If the generator behind a context manager catches it, the `with` is what swallows it.
        if before & STATUS == IN_FLIGHT && state.flags.rule & STATUS == CAUGHT {
            self.passes_on(engine, state);
            state.flags.rule = state.flags.rule & !ALL | IN_FLIGHT;
        }
    }

    fn committed_by(
        &self,
        engine: &Engine<'_>,
        state: &State,
        site: Site,
        manager: Value,
    ) -> Option<Value> {
        match engine.origin(state, manager) {
            Some(Origin::Call(name, unit, _)) if tables::begins_unit(&name) => self
                .is_staged(engine, state, (site.func, unit))
                .map(|_| unit),
            _ => None,
        }
    }

    fn on_yield(&self, engine: &mut Engine<'_>, state: &mut State, value: Value) {
        // Who runs the generator is given a failure.
        if !self.excuses.strict
            && state.flags.rule & STATUS == CAUGHT
            && holds_exception(engine, state, value, 0)
        {
            clear(state);
        }
    }

    fn on_return(
        &self,
        engine: &mut Engine<'_>,
        state: &mut State,
        at: (FuncRef, BlockId),
        value: Value,
    ) {
        // A failure that is pending in a caller is not this function's.
        let entry = engine.entry_state();
        let entered = entry.map_or(0, |entry| entry.flags.rule & STATUS);
        if !self.excuses.strict
            && state.flags.rule & STATUS == CAUGHT
            && is_failed_answer(engine, value)
        {
            clear(state);
            return;
        }
        if matches!(state.flags.rule & STATUS, HANDED | CAUGHT) {
            let inherited = entry.is_some_and(|entry| {
                entry.flags.rule & STATUS != 0
                    && entry.flags.rule & ALL == state.flags.rule & ALL
                    && get(entry, FailureNote::Raised) == get(state, FailureNote::Raised)
            });
            // An equal failure that was made here is another one.
            let passed_on = |first: Value| {
                !matches!(engine.terms.term(first), Term::Pure(..))
                    && is_made_of(engine, state, value, first, 0)
            };
            if (!inherited || get(state, FailureNote::Raised).is_some_and(passed_on))
                && engine.is_failure(state, value)
            {
                // Who returns a failure reports it.
                state.flags.rule = state.flags.rule & !ALL | HANDED;
                put(state, FailureNote::Raised, value);
            } else if !inherited
                && get(state, FailureNote::Raised)
                    .is_some_and(|first| is_made_of(engine, state, value, first, 0))
            {
                // What is returned may be a failure, as far as is known.
                clear(state);
            } else if state.flags.rule & STATUS == HANDED && !inherited {
                // It may be tested later, wherever it is kept.
                clear(state);
            }
            return;
        }
        let pending_before = entered == IN_FLIGHT;
        if state.flags.rule & STATUS == IN_FLIGHT && !pending_before {
            if state.flags.rule & REPLACED == 0 {
                self.caught_by(state, Swallower::Return(at.0, at.1));
            } else {
                // It was lost with the exception that took its place.
                state.flags.rule = state.flags.rule & !(STATUS | REPLACED) | CAUGHT;
            }
        }
    }
}

impl<'o> Watch<'o> {
    /// The automaton for a contract method. `regular` are writes that are known to be made where
    /// nothing failed, too, and `mains` those that the function exists for.
    pub(super) fn new(
        places: Vec<WatchedPlace>,
        (method, outside): (&'o str, bool),
        (excuses, writes): (&'o Excuses, &'o Writes),
        (regular, mains): (&'o Calls, Mains),
    ) -> Self {
        Watch {
            regular,
            met: RefCell::default(),
            made_up: RefCell::default(),
            inside: RefCell::default(),
            in_memory: RefCell::default(),
            places,
            method,
            outside,
            excuses,
            writes,
            mains,
            seen: RefCell::default(),
            arguments: RefCell::default(),
            units: RefCell::default(),
        }
    }

    /// What swallowed the failure on the way to a state with these flags, if there was one.
    pub(in crate::rules) fn swallower(&self, flags: u32) -> Option<Swallower> {
        if flags & STATUS != CAUGHT {
            return None;
        }
        let at = (flags & BY) >> BY_SHIFT;
        self.seen.borrow().get(at as usize).copied()
    }

    /// Learns what the method is given.
    pub(in crate::rules) fn given(&self, arguments: &[Value]) {
        *self.arguments.borrow_mut() = arguments.to_vec();
    }

    /// Whether a call makes up for a failure that was caught, or hands it to code that may do
    /// something about it.
    fn is_dealt_with(&self, engine: &Engine<'_>, state: &State, call: &CompletedCall<'_>) -> bool {
        if state.flags.rule & STATUS != CAUGHT {
            return false;
        }
        let arguments = self.arguments.borrow();
        let by = self.swallower(state.flags.rule);
        let logged = || {
            let module = engine.program.module(call.site.func.module);
            let function = module.ir.function(call.site.func.func);
            is_only_logged(function, BlockId(call.site.block))
        };
        leaves_to_others(engine, state, call, &arguments) && !logged()
            || creates_instead(engine, state, call, by)
            || records_failure(engine, state, call)
    }

    /// Whether a function of the program is called to delete something or to run another program: its
    /// name says so, or what it is given.
    fn adds_no_data(&self, engine: &Engine<'_>, state: &State, call: &CompletedCall<'_>) -> bool {
        tables::is_removal(call.name, &[])
            || tables::only_remove(&self.texts(engine, state, call))
                && !call.args.iter().any(|a| is_data(engine, state, *a))
            || runs_program(engine, call)
    }

    /// The writes that were met where nothing had failed.
    pub(in crate::rules) fn met(&self) -> Calls {
        self.met.borrow().clone()
    }

    /// Begins to follow the method anew: what was met before does not count.
    pub(in crate::rules) fn begin(&self) {
        self.met.borrow_mut().clear();
        self.made_up.borrow_mut().clear();
    }

    /// Writes that were wrongly taken to make up for a failed one: they are made where nothing
    /// failed, too.
    pub(in crate::rules) fn mistaken(&self) -> Calls {
        let (met, made_up) = (self.met.borrow(), self.made_up.borrow());
        let mistaken = made_up.intersection(&met);
        mistaken
            .filter(|at| !self.regular.contains(at))
            .copied()
            .collect()
    }

    /// Notes that the result of a write says that it was refused.
    fn note_refusal(&self, engine: &mut Engine<'_>, state: &mut State, test: Test) {
        let Some(block) = test.block else { return };
        let module = engine.program.module(test.func.module);
        let Some(refusal) = refuses(module.ir.function(test.func.func), block) else {
            return;
        };
        if refusal.outcome != test.outcome {
            return;
        }
        // The variable may be dead by now.
        let asked = state.env.get(refusal.asked.index());
        let leaves = engine.terms.leaves(test.condition).to_vec();
        let behind = leaves
            .iter()
            .filter_map(|leaf| match engine.origin(state, *leaf) {
                Some(Origin::Call(_, on, _)) | Some(Origin::Element(on)) => Some(on),
                _ => None,
            });
        let mut values = asked
            .into_iter()
            .chain(leaves.iter().copied())
            .chain(behind);
        let write = |v: Value| Some((v, state.ghost(v, FailureNote::Submitted)?));
        let Some((result, write)) = values.find_map(write) else {
            return;
        };
        if let Some(at) = tuple(engine, write).and_then(|parts| parts.get(1).copied()) {
            put(state, FailureNote::FailedAt, at);
        }
        put(state, FailureNote::Failed, write);
        put(state, FailureNote::Raised, result);
        let catch = Catch {
            func: test.func,
            block,
            manager: false,
        };
        self.caught_by(state, Swallower::Catch(catch));
    }

    /// Notes that what caught the failure, if something did, passes it on.
    fn passes_on(&self, engine: &mut Engine<'_>, state: &mut State) {
        if let Some(by) = self.swallower(state.flags.rule) {
            pass_on(engine, state, by.place());
        }
    }

    /// Notes what caught the failure.
    fn caught_by(&self, state: &mut State, who: Swallower) {
        let mut seen = self.seen.borrow_mut();
        let at = seen.iter().position(|known| *known == who);
        let at = at.unwrap_or_else(|| {
            seen.push(who);
            seen.len() - 1
        });
        // If there are more than fit, the failure is given up.
        match u32::try_from(at) {
            Ok(at) if at <= BY >> BY_SHIFT => {
                state.flags.rule = state.flags.rule & !ALL | CAUGHT | at << BY_SHIFT;
            }
            _ => clear(state),
        }
    }
}
