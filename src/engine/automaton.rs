//! What a rule watches along a path, and what the engine tells it.
//!
//! A rule's automaton says once what it wants to know ([`Automaton::watches`]). Each event trait is
//! one interest. The engine spends nothing on an interest that nobody has.

use crate::engine::Engine;
use crate::engine::objects::class_texts::Saying;
use crate::engine::summaries::library::Deeds;
use crate::engine::values::ghost::Ghost;
use crate::engine::values::state::State;
use crate::engine::values::value::{Site, Value};
use crate::ir::{BlockId, Name};
use crate::program::FuncRef;

/// A rule's finite automaton. Its state is a set of bits, [`Flags::rule`](super::values::ghost::Flags).
pub trait Automaton {
    /// What it wants to know. An engine asks once.
    fn watches(&self) -> Watches<'_>;
    /// The flags after a call was attempted.
    fn on_call(&self, flags: u32, _call: &CallEvent<'_>) -> u32 {
        flags
    }
    /// The flags after the watched key was stored.
    fn on_set(&self, flags: u32) -> u32 {
        flags
    }
}

/// What an automaton wants to know. By default nothing but calls.
#[derive(Clone, Copy, Default)]
pub struct Watches<'a> {
    /// The watched place; without one, only events count.
    pub place: Option<&'a WatchedPlace>,
    /// The flags whose change on a path is a step worth showing.
    pub milestones: u32,
    /// Further slots of the watched object: states that differ in one of them are not merged.
    pub keeps_apart: &'a [Ghost],
    /// A kind of text that makes no difference among the arguments of a call.
    pub plain_texts: Option<Saying>,
    /// Whether two states must not be merged if they pass different arguments to a later call.
    pub compares_arguments: bool,
    /// Hears what tests establish and where values come from. Keeping that costs time, so the
    /// engine keeps it only for such a listener.
    pub values: Option<&'a dyn ValueEvents>,
    /// Hears of the rounds of loops, because what a round finds out may hold for that round only.
    pub rounds: Option<&'a dyn RoundEvents>,
    /// Hears how calls end, and who catches what.
    pub failures: Option<&'a dyn FailureEvents>,
    /// Answers which calls of helpers make a difference; without it, every call does.
    pub helpers: Option<&'a dyn HelperFilter>,
}

/// What tests establish, and where values come from.
pub trait ValueEvents {
    /// A test in a function came out: whatever `after` says and `before` does not, the test
    /// established.
    fn on_test(&self, _engine: &mut Engine<'_>, _before: &State, _after: &mut State, _test: Test) {}
    /// A call returned, or an operator (`Sub`) gave its result.
    fn on_returned(&self, _engine: &mut Engine<'_>, _state: &mut State, _call: &Returned<'_>) {}
}

/// The rounds of loops.
pub trait RoundEvents {
    /// A loop over `source` starts another round, or ends.
    fn on_round(&self, _engine: &mut Engine<'_>, _state: &mut State, _source: Value, _more: bool) {}
    /// The flags after a round, from those on entry to the loop and those at the end of the round.
    fn after_round(&self, on_entry: u32, at_end: u32) -> u32;
    /// The rest of a round is skipped.
    fn on_skip(&self, _state: &mut State) {}
}

/// How calls end, and who catches what.
pub trait FailureEvents {
    /// A call of something outside the program ended, or one of a function that was followed.
    fn on_completed(
        &self,
        _engine: &mut Engine<'_>,
        _state: &mut State,
        _call: &CompletedCall<'_>,
    ) {
    }
    /// A `raise` statement raises `exc`.
    fn on_raise(&self, _engine: &mut Engine<'_>, _state: &mut State, _exc: Value) {}
    /// `exc` is caught.
    fn on_caught(&self, _engine: &mut Engine<'_>, _state: &mut State, _catch: Catch, _exc: Value) {}
    /// A branch asks whether `failure` is one, and it is. If `presence`, the program asks for
    /// something that may be absent, not for something that may have failed.
    fn on_failure(
        &self,
        _engine: &mut Engine<'_>,
        _state: &mut State,
        _catch: Catch,
        _failure: Value,
        _presence: bool,
    ) {
    }
    /// A context manager that was given an exception returns; it had these flags before. Whether
    /// it swallows the exception depends on what it returns.
    fn on_managed(&self, _state: &mut State, _before: u32) {}
    /// A function returns this value at this `return`, or at its end.
    fn on_return(
        &self,
        _engine: &mut Engine<'_>,
        _state: &mut State,
        _at: (FuncRef, BlockId),
        _value: Value,
    ) {
    }
}

/// Which calls of helpers make a difference to an automaton. A call that makes none is replaced by
/// the helper's summary for all callers.
pub trait HelperFilter {
    /// Whether what a function does makes no difference, in whatever state it is called.
    fn ignores(&self, engine: &Engine<'_>, deeds: &Deeds) -> bool;
    /// Whether the code of a function, callees apart, makes a difference, so that no summary for
    /// all callers can replace it.
    fn concerns(&self, _engine: &Engine<'_>, _func: FuncRef) -> bool {
        false
    }
    /// Whether a call with these arguments makes a difference in this state.
    fn is_concerned(
        &self,
        _engine: &Engine<'_>,
        _state: &State,
        _func: FuncRef,
        _args: &[Value],
    ) -> bool {
        false
    }
}

/// The place that a rule watches on the receiver: `self.field[key]`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WatchedPlace {
    /// The attribute that holds the dict.
    pub field: Name,
    /// The key.
    pub key: Name,
}

/// Whether the watched key is there.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Presence {
    /// On every execution that the state stands for.
    Present,
    /// On none.
    Absent,
    /// Not known: paths that differ were merged.
    Unknown,
}

/// A call that is attempted.
pub struct CallEvent<'a> {
    /// The last part of the callee's name.
    pub name: &'a str,
    /// The name of the receiver or module in front of it, when there is one.
    pub receiver: Option<&'a str>,
    /// Literal texts among the arguments.
    pub texts: &'a [Name],
    /// Whether the callee is a function of the program that is followed.
    pub resolved: bool,
}

/// A call that ended, of something outside the program or of a function that was followed.
pub struct CompletedCall<'a> {
    /// Where it is called.
    pub site: Site,
    /// The last part of the callee's name; `await` for an awaited value.
    pub name: &'a str,
    /// The receiver of a method call, or the awaited value.
    pub receiver: Option<Value>,
    /// The positional arguments.
    pub args: &'a [Value],
    /// How it ended.
    pub outcome: CallOutcome,
    /// The function of the program that was called. The calls in it were reported before.
    pub callee: Option<FuncRef>,
}

/// How a call ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CallOutcome {
    /// It returned this.
    Returned(Value),
    /// It raised this.
    Raised(Value),
}

/// A call that returned normally.
pub struct Returned<'a> {
    /// The function whose code calls.
    pub func: FuncRef,
    /// The block of the call.
    pub block: BlockId,
    /// The last part of the callee's name.
    pub name: &'a str,
    /// The receiver of a method call.
    pub receiver: Option<Value>,
    /// The arguments, those with a keyword last.
    pub args: &'a [Value],
    /// What it returned.
    pub result: Value,
}

/// A test that came out.
#[derive(Clone, Copy, Debug)]
pub struct Test {
    /// The function whose code tests.
    pub func: FuncRef,
    /// The value whose truth was tested.
    pub condition: Value,
    /// How it came out.
    pub outcome: bool,
}

/// What catches an exception or a failure: a branch of a function.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Catch {
    /// The function.
    pub func: FuncRef,
    /// The block that ends with the branch.
    pub block: BlockId,
    /// Whether a context manager swallows it; otherwise a handler does.
    pub manager: bool,
}
