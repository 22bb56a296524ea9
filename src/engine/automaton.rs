//! What a rule watches along a path, and the events that the engine reports to it.
//!
//! A rule's automaton declares once what it wants to know ([`Automaton::watches`]). Each event
//! trait is one interest. An interest that no automaton has costs nothing.

use crate::engine::Engine;
use crate::engine::objects::class_texts::Saying;
use crate::engine::summaries::library::Deeds;
use crate::engine::values::ghost::Ghost;
use crate::engine::values::state::State;
use crate::engine::values::value::{Site, Value};
use crate::ir::{BlockId, Name};
use crate::program::FuncRef;

/// A rule's finite automaton. Its state is a set of bits,
/// [`Flags::rule`](super::values::ghost::Flags).
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

/// What an automaton wants to know. By default, that is calls alone.
#[derive(Clone, Copy, Default)]
pub struct Watches<'a> {
    /// The watched places, of which a path has to store one; `None` if the automaton is not about what
    /// a method leaves behind.
    pub places: Option<&'a [WatchedPlace]>,
    /// How deep calls of helpers are followed, if there are places; `None` for no limit.
    pub reach: Option<u8>,
    /// Calls that the rule waits for; see [`Engine::makes_watched_call`].
    pub calls: &'a [WatchedCall],
    /// The flags whose change is a step of the path to show.
    pub milestones: u32,
    /// Further slots of the watched object: states that differ in one of them are not merged.
    pub keeps_apart: &'a [Ghost],
    /// A test for texts among the arguments of a call that make no difference.
    pub plain_texts: Option<Saying>,
    /// Whether two states must not be merged if they pass different arguments to a later call, and
    /// whether it makes a difference what a later store puts into an object.
    pub compares_arguments: bool,
    /// Receives what tests establish and where values come from. Keeping track of that costs time,
    /// so the engine does it only for such a receiver.
    pub values: Option<&'a dyn ValueEvents>,
    /// Receives the rounds of loops, for what a round learns and may hold only for that round.
    pub rounds: Option<&'a dyn RoundEvents>,
    /// Receives how calls end, and where exceptions are caught.
    pub failures: Option<&'a dyn FailureEvents>,
    /// Decides which calls of helpers make a difference; without it, every call does.
    pub helpers: Option<&'a dyn HelperFilter>,
}

/// What tests establish, and where values come from.
pub trait ValueEvents {
    /// A test in a function came out. It established whatever `after` says and `before` does not.
    fn on_test(&self, _engine: &mut Engine<'_>, _before: &State, _after: &mut State, _test: Test) {}
    /// A call returned, an operator (`Sub`) produced its result, or an item was stored, which counts
    /// as a call of `__setitem__`.
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

/// How calls end, and where exceptions are caught.
pub trait FailureEvents {
    /// A call ended: of something outside the program, or of a function that was followed.
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
    /// A branch tests whether `failure` is a failure, and it is. With `presence`, the program asks
    /// for something that may be absent, not for something that may have failed.
    fn on_failure(
        &self,
        _engine: &mut Engine<'_>,
        _state: &mut State,
        _catch: Catch,
        _failure: Value,
        _presence: bool,
    ) {
    }
    /// A context manager that was given an exception returns. `before` are the flags before it ran.
    /// Whether it swallows the exception depends on what it returns.
    fn on_managed(&self, _engine: &mut Engine<'_>, _state: &mut State, _before: u32) {}
    /// What leaving a context manager without an exception commits, if it commits something: a
    /// commit may fail.
    fn committed_by(
        &self,
        _engine: &Engine<'_>,
        _state: &State,
        _site: Site,
        _manager: Value,
    ) -> Option<Value> {
        None
    }
    /// A function returns this value at this `return`, or at its end.
    fn on_return(
        &self,
        _engine: &mut Engine<'_>,
        _state: &mut State,
        _at: (FuncRef, BlockId),
        _value: Value,
    ) {
    }
    /// The generator that is followed as a method yields this value.
    fn on_yield(&self, _engine: &mut Engine<'_>, _state: &mut State, _value: Value) {}
}

/// Which calls of helpers make a difference to an automaton. Any other call is replaced by the
/// helper's summary for all callers.
pub trait HelperFilter {
    /// Whether what a function does makes no difference, whatever the state.
    fn ignores(&self, engine: &Engine<'_>, deeds: &Deeds) -> bool;
    /// Whether the function's own code, without its callees, makes a difference, so that no summary
    /// for all callers can replace it.
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

/// A place that a rule watches: an attribute or a key of an object that the root leads to.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct WatchedPlace {
    /// The object that the path starts with: 0 for the watched object of the state, other numbers for
    /// the others given to [`Engine::enter_places`].
    pub root: u8,
    /// The way from there to the object that holds the place.
    pub holder: Vec<Hop>,
    /// The attribute or key.
    pub slot: Hop,
}

/// A call that a rule waits for.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct WatchedCall {
    /// The object whose method is called; `None` for a function, or a method of something that no
    /// root leads to.
    pub on: Option<(u8, Vec<Hop>)>,
    /// How that object is named in the code.
    pub receiver: Option<Name>,
    /// The name of the method or function.
    pub name: Name,
}

/// One step from an object to a part of it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Hop {
    /// `.name`
    Field(Name),
    /// `[key]`
    Key(Name),
}

impl WatchedPlace {
    /// `self.field[key]`
    #[must_use]
    pub fn key_of(field: &str, key: &str) -> Self {
        Self {
            root: 0,
            holder: vec![Hop::Field(field.into())],
            slot: Hop::Key(key.into()),
        }
    }
}

impl Hop {
    /// The name of the attribute, or the key.
    #[must_use]
    pub fn name(&self) -> &Name {
        match self {
            Hop::Field(name) | Hop::Key(name) => name,
        }
    }
}

/// Whether a watched place is stored.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Presence {
    /// It is in every execution that the state stands for.
    Present,
    /// It is in none.
    Absent,
    /// Not known, because paths that differ were merged.
    Unknown,
}

/// An attempted call.
pub struct CallEvent<'a> {
    /// The last part of the callee's name.
    pub name: &'a str,
    /// The name of the receiver or module before it, if there is one.
    pub receiver: Option<&'a str>,
    /// Literal texts among the arguments.
    pub texts: &'a [Name],
    /// Whether the callee is a function of the program that is followed.
    pub resolved: bool,
    /// The site of the call.
    pub site: Site,
}

/// A call that ended: of something outside the program, or of a function that was followed.
pub struct CompletedCall<'a> {
    /// The site of the call.
    pub site: Site,
    /// The last part of the callee's name; `await` for an awaited value.
    pub name: &'a str,
    /// The receiver of a method call, or the awaited value.
    pub receiver: Option<Value>,
    /// The positional arguments.
    pub args: &'a [Value],
    /// The keyword arguments.
    pub keywords: &'a [(Name, Value)],
    /// How it ended.
    pub outcome: CallOutcome,
    /// The function of the program that was called. The calls in it were reported before.
    pub callee: Option<FuncRef>,
}

/// How a call ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CallOutcome {
    /// It returned this value.
    Returned(Value),
    /// It raised this exception.
    Raised(Value),
}

/// A call that returned normally.
pub struct Returned<'a> {
    /// The function whose code makes the call.
    pub func: FuncRef,
    /// The block of the call.
    pub block: BlockId,
    /// The last part of the callee's name.
    pub name: &'a str,
    /// The receiver of a method call.
    pub receiver: Option<Value>,
    /// The arguments, keyword arguments last.
    pub args: &'a [Value],
    /// The returned value.
    pub result: Value,
}

/// The outcome of a test.
#[derive(Clone, Copy, Debug)]
pub struct Test {
    /// The function that contains the test.
    pub func: FuncRef,
    /// The block that ends with the test; `None` if it is made up.
    pub block: Option<BlockId>,
    /// The value whose truth was tested.
    pub condition: Value,
    /// Its truth.
    pub outcome: bool,
}

/// The branch of a function that catches an exception or a failure.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Catch {
    /// The function.
    pub func: FuncRef,
    /// The block that ends with the branch.
    pub block: BlockId,
    /// Whether a context manager swallows it; if not, a handler catches it.
    pub manager: bool,
}
