//! The automaton: a write that failed, and what caught the failure.
//!
//! The property is one of: nothing failed; a failure is *in flight*, as an exception; it was
//! *handed over*, as a result that a function returned; it was *caught*, by whom. What
//! failed, and the exception or result that is on its way, are remembered in slots of the receiver, so joins,
//! summaries and renamings treat them like everything else that is known.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use crate::engine::summaries::library::{Deed, Deeds};
use crate::engine::values::ghost::Ghost;
use crate::engine::values::origins::{LENT, Origin};
use crate::engine::values::state::{Cell, Slot, State};
use crate::engine::values::value::{Term, Value};
use crate::engine::{
    Automaton, CallOutcome, Catch, CompletedCall, Engine, FailureEvents, HelperFilter, Returned,
    Test, ValueEvents, WatchedPlace, Watches,
};
use crate::ir::{BlockId, Literal, Name};
use crate::program::FuncRef;
use crate::rules::swallowed_write::Options;
use crate::rules::swallowed_write::likeness::{
    CHAIN, alike, is_data, is_failure_of, is_made_of, prepared,
};
use crate::rules::tables;
use crate::settings::Writes;

/// The bits of the property: how far a failure is.
const STATUS: u32 = 0b11;
const IN_FLIGHT: u32 = 1;
const CAUGHT: u32 = 2;
const HANDED: u32 = 3;
/// Another exception was caught while the failure was pending: in a `finally` that goes on with it,
/// or in its place.
const REPLACED: u32 = 0b100;
/// The bits that say by whom it was caught: an index into what the watch has seen.
const BY: u32 = 0xfff << BY_SHIFT;
const BY_SHIFT: u32 = 3;
/// All of them.
const ALL: u32 = STATUS | REPLACED | BY;
/// Something was written: there is something to commit.
const WROTE: u32 = 1 << 20;

/// What the automaton keeps beside the receiver, and beside values.
#[derive(Clone, Copy)]
enum Kept {
    /// What failed: its name, the place of its call, and what it was given.
    Failed,
    /// Where it failed: there, or where somebody waited for it.
    FailedAt,
    /// The exception or the result that is on its way.
    Raised,
    /// The call of a function of the program that failed with it, and what it was given.
    Through,
    /// Beside the result of a write: the write, for whoever waits for it.
    Submitted,
}

impl From<Kept> for Ghost {
    fn from(kept: Kept) -> Ghost {
        Ghost::Rule(kept as u8)
    }
}

/// Names of calls that wait for a job.
const WAITS: &[&str] = &["result", "wait", "join", "await"];

/// Words in names of calls that tell somebody about a failure.
const TELLS: &[&str] = &[
    "send",
    "tell",
    "report",
    "capture",
    "emit",
    "mail",
    "email",
    "post",
    "notify",
    "notifier",
    "notification",
    "alert",
    "alerts",
    "publish",
    "log",
    "logger",
    "warn",
    "metric",
    "metrics",
    "audit",
    "event",
    "events",
    "sentry",
    "slack",
];

/// Whether a call tells somebody about a failure, judged by its name.
fn tells(name: &str) -> bool {
    name.split('_').any(|w| TELLS.contains(&w))
}

/// What ends a failure without anybody hearing of it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Swallower {
    /// A handler or a context manager.
    Catch(Catch),
    /// A function that returns while the exception is pending.
    Return(FuncRef, BlockId),
}

/// The automaton for one method.
pub(super) struct Watch<'o> {
    place: WatchedPlace,
    /// The contract method: its own name says nothing about what it writes.
    method: &'o str,
    pub(super) options: &'o Options,
    writes: &'o Writes,
    seen: RefCell<Vec<Swallower>>,
    /// Writes that are made also where nothing failed: none of them makes up for another.
    regular: &'o Regular,
    /// The writes of both kinds that this run of the automaton met.
    met: RefCell<Regular>,
    made_up: RefCell<Regular>,
}

/// Whether a failure is on its way, or was caught.
pub(super) fn is_failing(flags: u32) -> bool {
    flags & STATUS != 0
}

/// Places of calls.
pub(super) type Regular = BTreeSet<(FuncRef, u32)>;

impl Automaton for Watch<'_> {
    fn watches(&self) -> Watches<'_> {
        Watches {
            place: Some(&self.place),
            milestones: ALL,
            keeps_apart: const { &[Ghost::Rule(Kept::FailedAt as u8)] },
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
        // Who is given a failure, or an object that has it, may make something of it.
        let Some(failure) = get(state, Kept::Raised).filter(|_| state.flags.rule & STATUS != 0)
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
        // Whoever only tells others about it makes nothing of it.
        !tells(&module.ir.function(func.func).name)
            && held.any(|v| is_made_of(engine, state, v, failure, 0))
    }
}

impl ValueEvents for Watch<'_> {
    fn on_returned(&self, _engine: &mut Engine<'_>, state: &mut State, call: &Returned<'_>) {
        // Equal failures are one value: this one is another than the one that was caught.
        if state.flags.rule & STATUS == CAUGHT && get(state, Kept::Raised) == Some(call.result) {
            state.drop_ghost(state.watched, Kept::Raised);
        }
    }

    fn on_test(&self, engine: &mut Engine<'_>, before: &State, after: &mut State, test: Test) {
        if !self.options.strict
            && before.flags.rule & STATUS == CAUGHT
            && after.flags.rule & STATUS == CAUGHT
            && Self::hears(engine, before, test.condition)
        {
            clear(after);
        }
    }
}

impl FailureEvents for Watch<'_> {
    fn on_completed(&self, engine: &mut Engine<'_>, state: &mut State, call: &CompletedCall<'_>) {
        if let Some(callee) = call.callee {
            if tables::is_removal(call.name, &[]) && is_told(engine, state, call) {
                // What cannot be taken away is no loss, however that is done.
                clear(state);
                return;
            }
            retried(engine, state, callee, call);
            // Methods of the processor and nested functions are part of what is checked.
            let module = engine.program.module(callee.module);
            let nested = module.ir.function(callee.func).outer.is_some();
            if nested || call.receiver == Some(state.watched) || is_told(engine, state, call) {
                return;
            }
        }
        let Some(write) = self.write(engine, state, call) else {
            return;
        };
        // What is committed before anything is written is no data.
        if call.name == "commit" && state.flags.rule & WROTE == 0 {
            return;
        }
        if !matches!(call.outcome, CallOutcome::Raised(_)) {
            state.flags.rule |= WROTE;
        }
        match call.outcome {
            // Of several failures the last is followed: each is the last on some path.
            CallOutcome::Raised(exc) => follow(engine, state, call, write, (IN_FLIGHT, exc)),
            CallOutcome::Returned(v) if call.callee.is_some() && engine.is_failure(state, v) => {
                follow(engine, state, call, write, (HANDED, v));
            }
            CallOutcome::Returned(v) => {
                if matches!(engine.terms.term(v), Term::Symbol(..)) {
                    state.set_ghost(v, Kept::Submitted, write);
                }
                let at = (call.site.func, call.site.block);
                if state.flags.rule & STATUS == 0 {
                    self.met.borrow_mut().insert(at);
                } else if self.again(engine, state, write, at) {
                    clear(state);
                }
            }
        }
    }

    fn on_raise(&self, _engine: &mut Engine<'_>, state: &mut State, exc: Value) {
        // Whoever raises after the failure passes it on.
        if state.flags.rule & STATUS != 0 {
            state.flags.rule = state.flags.rule & !ALL | IN_FLIGHT;
            put(state, Kept::Raised, exc);
        }
    }

    fn on_caught(&self, _engine: &mut Engine<'_>, state: &mut State, catch: Catch, exc: Value) {
        if state.flags.rule & STATUS == IN_FLIGHT {
            if get(state, Kept::Raised) == Some(exc) {
                self.caught_by(state, Swallower::Catch(catch));
            } else {
                self.caught_by(state, Swallower::Catch(catch));
                if state.flags.rule & STATUS == CAUGHT {
                    state.flags.rule = state.flags.rule & !STATUS | IN_FLIGHT | REPLACED;
                }
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
        // The last branch that asks for a failure is the one that swallows it, unless the function
        // returns it.
        // What a write says is not there has not failed.
        let asked = state.ghost(failure, Kept::Submitted).filter(|_| !presence);
        if let Some(write) = asked {
            if let Some(at) = tuple(engine, write).and_then(|parts| parts.get(1).copied()) {
                put(state, Kept::FailedAt, at);
            }
            put(state, Kept::Failed, write);
        } else {
            let known = matches!(state.flags.rule & STATUS, HANDED | CAUGHT);
            let first = get(state, Kept::Raised).filter(|_| known);
            if !first.is_some_and(|first| is_failure_of(engine, state, failure, first)) {
                return;
            }
        }
        put(state, Kept::Raised, failure);
        self.caught_by(state, Swallower::Catch(catch));
    }

    fn on_managed(&self, state: &mut State, before: u32) {
        // What a generator behind a context manager catches, the `with` swallows.
        if before & STATUS == IN_FLIGHT && state.flags.rule & STATUS == CAUGHT {
            state.flags.rule = state.flags.rule & !ALL | IN_FLIGHT;
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
        if matches!(state.flags.rule & STATUS, HANDED | CAUGHT) {
            let inherited = entry.is_some_and(|entry| {
                entry.flags.rule & STATUS != 0
                    && entry.flags.rule & ALL == state.flags.rule & ALL
                    && get(entry, Kept::Raised) == get(state, Kept::Raised)
            });
            // An equal failure that was made here is another one.
            let passed_on = |first: Value| {
                !matches!(engine.terms.term(first), Term::Pure(..))
                    && is_made_of(engine, state, value, first, 0)
            };
            if (!inherited || get(state, Kept::Raised).is_some_and(passed_on))
                && engine.is_failure(state, value)
            {
                // Whoever returns a failure says so.
                state.flags.rule = state.flags.rule & !ALL | HANDED;
                put(state, Kept::Raised, value);
            } else if !inherited
                && get(state, Kept::Raised)
                    .is_some_and(|first| is_made_of(engine, state, value, first, 0))
            {
                // It may be a failure, as far as is known.
                clear(state);
            } else if state.flags.rule & STATUS == HANDED && !inherited {
                // Somebody may still look at what is kept in another way.
                clear(state);
            }
            return;
        }
        let pending_before = entered == IN_FLIGHT;
        if state.flags.rule & STATUS == IN_FLIGHT && !pending_before {
            if state.flags.rule & REPLACED == 0 {
                self.caught_by(state, Swallower::Return(at.0, at.1));
            } else {
                // Lost with the exception that came in its place.
                state.flags.rule = state.flags.rule & !(STATUS | REPLACED) | CAUGHT;
            }
        }
    }
}

fn put(state: &mut State, kept: Kept, v: Value) {
    state.set_ghost(state.watched, kept, v);
}

fn get(state: &State, kept: Kept) -> Option<Value> {
    state.ghost(state.watched, kept)
}

/// Follows the failure of a write from here: how it is on its way, and as what.
fn follow(
    engine: &mut Engine<'_>,
    state: &mut State,
    call: &CompletedCall<'_>,
    write: Value,
    (status, failure): (u32, Value),
) {
    state.flags.rule = state.flags.rule & !ALL | status;
    let at = Term::Place(call.site.func, call.site.block);
    let at = engine.terms.make(at);
    put(state, Kept::Failed, write);
    put(state, Kept::FailedAt, at);
    put(state, Kept::Raised, failure);
}

/// Remembers which call of a function of the program a failure came through, the outermost last. If
/// the same call works later, it makes up for it.
fn retried(engine: &mut Engine<'_>, state: &mut State, callee: FuncRef, call: &CompletedCall<'_>) {
    if state.flags.rule & STATUS == 0 {
        return;
    }
    let name = engine.terms.make(Term::Place(callee, 0));
    let parts = std::iter::once(name).chain(call.args.iter().copied());
    let this: Vec<Value> = parts.collect();
    if is_told(engine, state, call) {
        let this = engine.terms.make(Term::Tuple(this.into()));
        put(state, Kept::Through, this);
    } else if state.flags.rule & STATUS == CAUGHT
        && let Some(failed) = get(state, Kept::Through).and_then(|v| tuple(engine, v))
        && failed.len() == this.len()
        && matches!(call.outcome, CallOutcome::Returned(_))
        && failed
            .iter()
            .zip(&this)
            .all(|(a, b)| alike(engine, state, *a, *b, 0))
    {
        clear(state);
    }
}

/// Whether the failure of a call is that of something in it, which was told, or its result that of
/// a write in it.
fn is_told(engine: &mut Engine<'_>, state: &State, call: &CompletedCall<'_>) -> bool {
    match call.outcome {
        CallOutcome::Raised(exc) => {
            state.flags.rule & STATUS == IN_FLIGHT && get(state, Kept::Raised) == Some(exc)
        }
        CallOutcome::Returned(v) if engine.is_failure(state, v) => {
            state.flags.rule & STATUS == HANDED && get(state, Kept::Raised) == Some(v)
        }
        CallOutcome::Returned(v) => {
            state.flags.rule & STATUS == 0 && state.ghost(v, Kept::Submitted).is_some()
        }
    }
}

/// Forgets the failure.
fn clear(state: &mut State) {
    state.flags.rule &= !ALL;
    for kept in [Kept::Failed, Kept::FailedAt, Kept::Raised, Kept::Through] {
        state.drop_ghost(state.watched, kept);
    }
}

impl<'o> Watch<'o> {
    /// The automaton for a contract method.
    /// `regular` are writes known to be made also where nothing failed.
    pub(super) fn new(
        place: WatchedPlace,
        method: &'o str,
        (options, writes): (&'o Options, &'o Writes),
        regular: &'o Regular,
    ) -> Self {
        Watch {
            regular,
            met: RefCell::default(),
            made_up: RefCell::default(),
            place,
            method,
            options,
            writes,
            seen: RefCell::default(),
        }
    }

    /// Who swallowed the failure on the way to this state, if there was one.
    pub(super) fn swallower(&self, flags: u32) -> Option<Swallower> {
        if flags & STATUS != CAUGHT {
            return None;
        }
        let at = (flags & BY) >> BY_SHIFT;
        self.seen.borrow().get(at as usize).copied()
    }

    /// The method is followed anew: what was met before does not count.
    pub(super) fn begin(&self) {
        self.met.borrow_mut().clear();
        self.made_up.borrow_mut().clear();
    }

    /// Writes that were taken to make up for one that failed, although they are made where nothing
    /// failed, too.
    pub(super) fn mistaken(&self) -> Regular {
        let (met, made_up) = (self.met.borrow(), self.made_up.borrow());
        let mistaken = made_up.intersection(&met);
        mistaken
            .filter(|at| !self.regular.contains(at))
            .copied()
            .collect()
    }

    /// The name of the write that failed.
    pub(super) fn failed(&self, engine: &Engine<'_>, state: &State) -> Option<Name> {
        let parts = tuple(engine, get(state, Kept::Failed)?)?;
        match engine.terms.literal(*parts.first()?) {
            Some(Literal::Str(name)) => Some(name.clone()),
            _ => None,
        }
    }

    /// Whether a test asks what was made of a failure: what a method of some object answered to it,
    /// or what a function may have changed that was given it. Whoever only tells others about it
    /// makes nothing of it.
    fn hears(engine: &Engine<'_>, state: &State, condition: Value) -> bool {
        let Some(failure) = get(state, Kept::Raised) else {
            return false;
        };
        // In a loop, the failure of another round is as good as the last one.
        let of_failure = |v: Value| {
            let owner = engine.payload_owner(v).unwrap_or(v);
            owner != v && state.ghost(owner, Kept::Submitted).is_some()
                || is_made_of(engine, state, v, failure, 0)
        };
        let made = |name: &str, on: Value, args: &[Value]| {
            let object = !matches!(
                engine.terms.term(on),
                Term::Lit(_) | Term::Module(_) | Term::External(_) | Term::Class(_)
            );
            let told = || tells(name) || engine.name_of(on).is_some_and(|on| tells(&on));
            (name == LENT || object && !told() && !of_failure(on))
                && args.iter().any(|a| of_failure(*a))
        };
        let leaves = engine.terms.leaves(condition);
        leaves.iter().any(|leaf| {
            let mut at = *leaf;
            for _ in 0..CHAIN {
                let Some(Origin::Call(name, on, args)) = engine.origin(state, at) else {
                    return false;
                };
                if made(&name, on, &args) {
                    return true;
                }
                at = on;
            }
            false
        })
    }

    /// Where the write that failed is called.
    pub(super) fn failed_at(
        &self,
        engine: &Engine<'_>,
        state: &State,
    ) -> Option<(FuncRef, BlockId)> {
        match *engine.terms.term(get(state, Kept::FailedAt)?) {
            Term::Place(func, block) => Some((func, BlockId(block))),
            _ => None,
        }
    }

    /// Whether a call in a function may be a write that can be followed from here, or wait for one.
    fn may_matter(&self, engine: &Engine<'_>, call: &Deed) -> bool {
        if WAITS.contains(&call.name.as_str()) && call.on_input {
            return true;
        }
        if call.asked {
            return false;
        }
        let module = engine.program.module(call.within.module);
        let within = &module.ir.function(call.within.func).name;
        let beside = self.options.is_auxiliary(&call.name)
            || call
                .receiver
                .as_ref()
                .is_some_and(|r| self.options.is_auxiliary(r))
            || within != self.method && self.options.is_auxiliary(within);
        if call.resolved && tables::may_only_read(&call.name) || beside {
            return false;
        }
        tables::may_write(self.writes, call) && !tables::is_removal(&call.name, &call.texts)
    }

    fn caught_by(&self, state: &mut State, who: Swallower) {
        let mut seen = self.seen.borrow_mut();
        let at = seen.iter().position(|known| *known == who);
        let at = at.unwrap_or_else(|| {
            seen.push(who);
            seen.len() - 1
        });
        // More than fit are not told apart from none.
        match u32::try_from(at) {
            Ok(at) if at <= BY >> BY_SHIFT => {
                state.flags.rule = state.flags.rule & !ALL | CAUGHT | at << BY_SHIFT;
            }
            _ => clear(state),
        }
    }

    /// The write that a call is, or waits for: a tuple of its name and what it was given.
    fn write(
        &self,
        engine: &mut Engine<'_>,
        state: &State,
        call: &CompletedCall<'_>,
    ) -> Option<Value> {
        if WAITS.contains(&call.name)
            && let Some(receiver) = call.receiver
            && let Some(write) = state.ghost(receiver, Kept::Submitted)
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
        // What the program itself calls a write is one if it is given something to write.
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

    /// The text that an argument is or begins with, if it can make a difference.
    fn text(&self, engine: &Engine<'_>, state: &State, v: Value) -> Option<Name> {
        // Whoever has words of their own asks for every text.
        if self.options.auxiliary.is_empty() {
            engine.text_unless(state, v, tables::PLAIN)
        } else {
            engine.class_text(v).or_else(|| engine.known_text(state, v))
        }
    }

    /// Whether a write is beside the point: a metric, an audit trail, a cache.
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

    /// Whether a write is another try at the one that failed: a call that is given the same data, or
    /// the same call again where no data is given. If what failed is not known, it may be.
    fn again(&self, engine: &Engine<'_>, state: &State, write: Value, at: (FuncRef, u32)) -> bool {
        let is_here = |v: Value| *engine.terms.term(v) == Term::Place(at.0, at.1);
        let submitted = get(state, Kept::Failed).and_then(|v| tuple(engine, v)?.get(1).copied());
        let places = [submitted, get(state, Kept::FailedAt)];
        if places.into_iter().flatten().any(is_here) {
            return Self::gives_the_same(engine, state, write);
        }
        let again = !self.regular.contains(&at) && Self::gives_the_same(engine, state, write);
        if again {
            self.made_up.borrow_mut().insert(at);
        }
        again
    }

    /// Whether a write is given the data of the one that failed.
    fn gives_the_same(engine: &Engine<'_>, state: &State, write: Value) -> bool {
        let failed = get(state, Kept::Failed).and_then(|v| tuple(engine, v));
        let (Some(failed), Some(now)) = (failed, tuple(engine, write)) else {
            return true;
        };
        let ([name, _, before @ ..], [other, _, after @ ..]) = (failed.as_ref(), now.as_ref())
        else {
            return true;
        };
        let like = |a: &Value, b: &Value| alike(engine, state, *a, *b, 0);
        let mut data = before.iter().filter(|a| is_data(engine, state, **a));
        let pairs = || before.iter().zip(after);
        if data.clone().next().is_none() {
            return name == other
                && before.len() == after.len()
                && pairs().all(|(a, b)| like(a, b));
        }
        // The same rows into another table are another write.
        let text = |v: &Value| match engine.terms.literal(*v) {
            Some(Literal::Str(s)) => Some(s.clone()),
            _ => None,
        };
        let elsewhere = |(a, b)| matches!((text(a), text(b)), (Some(a), Some(b)) if a != b);
        // So are those that are made of them: the halves of a batch, what is put into a queue.
        let same = |a: &Value, b: &Value| like(a, b) || is_made_of(engine, state, *b, *a, 0);
        !(name == other && pairs().any(elsewhere)) && data.any(|a| after.iter().any(|b| same(a, b)))
    }
}

fn tuple(engine: &Engine<'_>, v: Value) -> Option<Arc<[Value]>> {
    match engine.terms.term(v) {
        Term::Tuple(parts) => Some(parts.clone()),
        _ => None,
    }
}
