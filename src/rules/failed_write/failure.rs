//! The failure that is followed: how far it is, and what is kept about it.
//!
//! It is in the flags of the state and in slots of the receiver, so joins, summaries and renamings
//! treat it like everything else that is known.

use std::sync::Arc;

use super::likeness::{CHAIN, alike, is_data, is_made_of, rows_behind, views_of};
use super::told::is_instead_of;
use crate::engine::values::fact::Kind;
use crate::engine::values::ghost::Ghost;
use crate::engine::values::origins::{LENT, Origin};
use crate::engine::values::state::State;
use crate::engine::values::value::{Term, Value};
use crate::engine::{CallOutcome, CompletedCall, Engine};
use crate::ir::{BlockId, Literal, Name};
use crate::program::FuncRef;
use crate::rules::tables::tells;

/// The bits of the property that say how far a failure is.
pub(in crate::rules) const STATUS: u32 = 0b11;
pub(in crate::rules) const IN_FLIGHT: u32 = 1;
pub(in crate::rules) const CAUGHT: u32 = 2;
pub(in crate::rules) const HANDED: u32 = 3;
/// Another exception was caught while the failure was pending: in a `finally` that then goes on
/// with the failure, or in place of the failure.
pub(in crate::rules) const REPLACED: u32 = 0b100;
/// The bits that say what caught it: an index into the swallowers that the watch has seen.
pub(in crate::rules) const BY: u32 = 0xfff << BY_SHIFT;
pub(in crate::rules) const BY_SHIFT: u32 = 3;
/// All bits about a failure.
pub(in crate::rules) const ALL: u32 = STATUS | REPLACED | BY;
/// Something was written, so there is something to commit.
pub(in crate::rules) const WROTE: u32 = 1 << 20;
/// The bits of units of work into which something was put, by the index of the unit's name.
pub(in crate::rules) const STAGED_SHIFT: u32 = 21;
/// How many names of units are told apart.
pub(in crate::rules) const UNITS: usize = 4;
/// More than one thing was put into a unit of work.
pub(in crate::rules) const SEVERAL: u32 = 1 << 25;
/// The failed write was given several rows.
pub(in crate::rules) const OF_BATCH: u32 = 1 << 26;
/// A call that the rule asks about has been made before anything was written.
pub(in crate::rules) const MARKED: u32 = 1 << 27;

/// What the automaton keeps beside the receiver, and beside values.
#[derive(Clone, Copy)]
pub(in crate::rules) enum FailureNote {
    /// The write that failed: its name, the site of its call, its arguments.
    Failed,
    /// Where it failed: at its call, or where its result was waited for.
    FailedAt,
    /// The exception or result that carries the failure.
    Raised,
    /// The outermost call of a function of the program that failed with it, with its arguments.
    Through,
    /// Where that call is.
    ThroughAt,
    /// Beside the result of a write: the write, for whatever waits for it.
    Submitted,
    /// What caught the failure before and raised it again: a tuple of places.
    PassedOn,
    /// What was put into a unit of work last: a tuple.
    Staged,
    /// Present if the failed write was known to be given nothing when it failed.
    OfNothing,
}

impl From<FailureNote> for Ghost {
    fn from(kept: FailureNote) -> Ghost {
        Ghost::Rule(kept as u8)
    }
}

/// Whether a write has failed, caught or not.
pub(in crate::rules) fn is_failing(flags: u32) -> bool {
    flags & STATUS != 0
}

/// Keeps something about the failure.
pub(in crate::rules) fn put(state: &mut State, kept: FailureNote, v: Value) {
    state.set_ghost(state.watched, kept, v);
}

/// What is kept about the failure.
pub(in crate::rules) fn get(state: &State, kept: FailureNote) -> Option<Value> {
    state.ghost(state.watched, kept)
}

/// Starts to follow the failure of a write: how far it is, and what carries it.
pub(in crate::rules) fn follow(
    engine: &mut Engine<'_>,
    state: &mut State,
    call: &CompletedCall<'_>,
    write: Value,
    (status, failure): (u32, Value),
) {
    state.flags.rule = state.flags.rule & !(ALL | OF_BATCH) | status;
    let at = Term::Place(call.site.func, call.site.block);
    let at = engine.terms.make(at);
    put(state, FailureNote::Failed, write);
    put(state, FailureNote::FailedAt, at);
    put(state, FailureNote::Raised, failure);
    state.drop_ghost(state.watched, FailureNote::Through);
    state.drop_ghost(state.watched, FailureNote::ThroughAt);
    state.drop_ghost(state.watched, FailureNote::PassedOn);
    state.drop_ghost(state.watched, FailureNote::OfNothing);
    if is_of_nothing(engine, state) {
        put(state, FailureNote::OfNothing, at);
    }
}

/// Remembers that what caught the failure at this place passes it on.
pub(in crate::rules) fn pass_on(
    engine: &mut Engine<'_>,
    state: &mut State,
    at: (FuncRef, BlockId),
) {
    let before = get(state, FailureNote::PassedOn).and_then(|v| tuple(engine, v));
    let at = engine.terms.make(Term::Place(at.0, at.1.0));
    let all = before.iter().flat_map(|places| places.iter().copied());
    let all: Vec<Value> = all.chain([at]).collect();
    let all = engine.terms.make(Term::Tuple(all.into()));
    put(state, FailureNote::PassedOn, all);
}

/// The places of what caught the failure before and passed it on.
pub(in crate::rules) fn passed_on_by(
    engine: &Engine<'_>,
    state: &State,
) -> Vec<(FuncRef, BlockId)> {
    let places = get(state, FailureNote::PassedOn).and_then(|v| tuple(engine, v));
    let places = places.iter().flat_map(|places| places.iter());
    places
        .filter_map(|at| match *engine.terms.term(*at) {
            Term::Place(func, block) => Some((func, BlockId(block))),
            _ => None,
        })
        .collect()
}

/// Remembers through which calls of functions of the program a failure came, the outermost last. If
/// the same call succeeds later, it makes up for the failure.
pub(in crate::rules) fn note_call(
    engine: &mut Engine<'_>,
    state: &mut State,
    callee: FuncRef,
    call: &CompletedCall<'_>,
) {
    if state.flags.rule & STATUS == 0 {
        return;
    }
    let name = engine.terms.make(Term::Place(callee, 0));
    let parts = std::iter::once(name).chain(call.args.iter().copied());
    let this: Vec<Value> = parts.collect();
    if comes_from_inside(engine, state, call) {
        let this = engine.terms.make(Term::Tuple(this.into()));
        put(state, FailureNote::Through, this);
        let at = Term::Place(call.site.func, call.site.block);
        let at = engine.terms.make(at);
        put(state, FailureNote::ThroughAt, at);
    } else if state.flags.rule & STATUS == CAUGHT
        && let Some(failed) = get(state, FailureNote::Through).and_then(|v| tuple(engine, v))
        && failed.len() == this.len()
        && matches!(call.outcome, CallOutcome::Returned(_))
        && failed
            .iter()
            .zip(&this)
            .all(|(a, b)| alike(engine, state, *a, *b, 0))
    {
        clear(state);
    } else if state.flags.rule & STATUS == CAUGHT
        && matches!(call.outcome, CallOutcome::Returned(_))
        && let Some(failed) = place(engine, state, FailureNote::ThroughAt)
        && is_instead_of(engine.program, failed, call.site)
    {
        clear(state);
    }
}

/// Whether what a call raised or returned comes from a write in it that was seen already.
pub(in crate::rules) fn comes_from_inside(
    engine: &mut Engine<'_>,
    state: &State,
    call: &CompletedCall<'_>,
) -> bool {
    match call.outcome {
        CallOutcome::Raised(exc) => {
            state.flags.rule & STATUS == IN_FLIGHT && get(state, FailureNote::Raised) == Some(exc)
        }
        CallOutcome::Returned(v) if engine.is_failure(state, v) => {
            state.flags.rule & STATUS == HANDED && get(state, FailureNote::Raised) == Some(v)
        }
        CallOutcome::Returned(v) => {
            state.flags.rule & STATUS == 0 && state.ghost(v, FailureNote::Submitted).is_some()
        }
    }
}

/// Forgets the failure.
pub(in crate::rules) fn clear(state: &mut State) {
    state.flags.rule &= !(ALL | OF_BATCH);
    for kept in [
        FailureNote::Failed,
        FailureNote::FailedAt,
        FailureNote::Raised,
        FailureNote::Through,
        FailureNote::ThroughAt,
        FailureNote::PassedOn,
        FailureNote::OfNothing,
    ] {
        state.drop_ghost(state.watched, kept);
    }
}

/// The name of the write that failed.
pub(in crate::rules) fn failed_name(engine: &Engine<'_>, state: &State) -> Option<Name> {
    let parts = tuple(engine, get(state, FailureNote::Failed)?)?;
    match engine.terms.literal(*parts.first()?) {
        Some(Literal::Str(name)) => Some(name.clone()),
        _ => None,
    }
}

/// Where the write that failed is called.
pub(in crate::rules) fn failed_at(
    engine: &Engine<'_>,
    state: &State,
) -> Option<(FuncRef, BlockId)> {
    place(engine, state, FailureNote::FailedAt)
}

/// A place that is kept about the failure.
pub(super) fn place(
    engine: &Engine<'_>,
    state: &State,
    kept: FailureNote,
) -> Option<(FuncRef, BlockId)> {
    match *engine.terms.term(get(state, kept)?) {
        Term::Place(func, block) => Some((func, BlockId(block))),
        _ => None,
    }
}

/// Whether a test asks what became of a failure: what a method of some object answered to it, or
/// what a function that was given it may have changed. A call that only tells somebody does not
/// count.
pub(in crate::rules) fn is_tested(engine: &Engine<'_>, state: &State, condition: Value) -> bool {
    let Some(failure) = get(state, FailureNote::Raised) else {
        return false;
    };
    // In a loop, the failure of another round counts as well.
    let of_failure = |v: Value| {
        let owner = engine.payload_owner(v).unwrap_or(v);
        owner != v && state.ghost(owner, FailureNote::Submitted).is_some()
            || is_made_of(engine, state, v, failure, 0)
    };
    let made = |name: &str, on: Value, args: &[Value]| {
        let object = !matches!(
            engine.terms.term(on),
            Term::Lit(_) | Term::Module(_) | Term::External(_) | Term::Class(_)
        );
        let told = || tells(name) || engine.name_of(on).is_some_and(|on| tells(&on));
        // What the failure itself says is no answer, unless it is asked to add to a collection.
        let collects = || {
            let mut kinds = args.iter().map(|a| state.kind(&engine.terms, *a));
            kinds.any(|kind| kind.is_container() && kind != Kind::Str)
        };
        if of_failure(on) && collects() {
            return true;
        }
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

/// Whether a write is given the data of the one that failed.
pub(in crate::rules) fn gives_the_same(engine: &Engine<'_>, state: &State, write: Value) -> bool {
    let failed = get(state, FailureNote::Failed).and_then(|v| tuple(engine, v));
    let (Some(failed), Some(now)) = (failed, tuple(engine, write)) else {
        return true;
    };
    let ([name, _, before @ ..], [other, _, after @ ..]) = (failed.as_ref(), now.as_ref()) else {
        return true;
    };
    let like = |a: &Value, b: &Value| alike(engine, state, *a, *b, 0);
    let mut data = before.iter().filter(|a| is_data(engine, state, **a));
    let pairs = || before.iter().zip(after);
    if data.clone().next().is_none() {
        return name == other && before.len() == after.len() && pairs().all(|(a, b)| like(a, b));
    }
    // The same rows into another table are another write.
    let text = |v: &Value| match engine.terms.literal(*v) {
        Some(Literal::Str(s)) => Some(s.clone()),
        _ => None,
    };
    let elsewhere = |(a, b)| matches!((text(a), text(b)), (Some(a), Some(b)) if a != b);
    // Data made of the same data counts: the halves of a batch, what is put into a queue.
    let same = |a: &Value, b: &Value| like(a, b) || is_made_of(engine, state, *b, *a, 0);
    !(name == other && pairs().any(elsewhere)) && data.any(|a| after.iter().any(|b| same(a, b)))
}

/// Whether a write is given rows of which the data of the one that failed was made, or the other way
/// round: the frame that it is a view of, the rows in the frame.
pub(in crate::rules) fn gives_the_same_rows(
    engine: &Engine<'_>,
    state: &State,
    write: Value,
) -> bool {
    let failed = get(state, FailureNote::Failed).and_then(|v| tuple(engine, v));
    let (Some(failed), Some(now)) = (failed, tuple(engine, write)) else {
        return false;
    };
    let given = |write: &[Value]| -> Vec<Value> {
        let given = write.iter().skip(2).copied();
        given.filter(|v| is_data(engine, state, *v)).collect()
    };
    let (failed, now) = (given(&failed), given(&now));
    // Whether the very same rows go to the same place is another question.
    if failed.iter().any(|v| now.contains(v)) {
        return false;
    }
    // Two parts that were made of the same rows are not the same rows; two views are.
    let is_behind = |rows: &[Value], made: &[Value]| {
        let mut behind = Vec::new();
        for v in made {
            rows_behind(engine, state, *v, &mut behind);
        }
        rows.iter().any(|v| behind.contains(v))
    };
    let views = |values: &[Value]| -> Vec<Value> {
        let views = values.iter().map(|v| views_of(engine, state, *v));
        views.flatten().collect()
    };
    let (of_failed, of_now) = (views(&failed), views(&now));
    is_behind(&failed, &now)
        || is_behind(&now, &failed)
        || of_failed.iter().any(|v| of_now.contains(v))
}

/// Whether it turned out after a write had failed that it was given nothing to write: a loop over its
/// rows does not run.
pub(in crate::rules) fn turned_out_empty(engine: &mut Engine<'_>, state: &State) -> bool {
    get(state, FailureNote::OfNothing).is_none() && is_of_nothing(engine, state)
}

/// Whether some data that the failed write was given is known to be empty.
fn is_of_nothing(engine: &mut Engine<'_>, state: &State) -> bool {
    let Some(failed) = get(state, FailureNote::Failed).and_then(|v| tuple(engine, v)) else {
        return false;
    };
    failed.iter().skip(2).any(|given| {
        is_data(engine, state, *given) && {
            let now = state.snapshot(*given);
            engine.truth(state, now) == Some(false)
        }
    })
}

/// The parts of a tuple.
pub(in crate::rules) fn tuple(engine: &Engine<'_>, v: Value) -> Option<Arc<[Value]>> {
    match engine.terms.term(v) {
        Term::Tuple(parts) => Some(parts.clone()),
        _ => None,
    }
}
