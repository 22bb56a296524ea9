//! Work that is handed over: to a thread, a pool, an executor.
//!
//! The call that hands over only starts the work. What it returns stands for a call of the function
//! that was handed over: that call is made where somebody asks what became of the work, and fails
//! there.

use crate::engine::Engine;
use crate::engine::calls::args::Args;
use crate::engine::flow::{Evaluated, Flow};
use crate::engine::objects::methods::MethodCall;
use crate::engine::values::ghost::Ghost;
use crate::engine::values::state::State;
use crate::engine::values::value::{Term, Value};

/// How a call gives the arguments of the function that it hands over.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rest {
    /// As its own further arguments.
    Spread,
    /// As one collection.
    Packed,
}

/// Calls that hand a function over: the name, the position of the function, and how its arguments
/// follow.
const HANDS_OVER: &[(&str, usize, Rest)] = &[
    ("submit", 0, Rest::Spread),
    ("to_thread", 0, Rest::Spread),
    ("run_sync", 0, Rest::Spread),
    ("run_in_threadpool", 0, Rest::Spread),
    ("run_in_executor", 1, Rest::Spread),
    ("apply_async", 0, Rest::Packed),
];

/// Calls whose result runs nothing before it is awaited.
const LAZY: &[&str] = &["to_thread", "run_sync", "run_in_threadpool"];

/// Methods of a future that wait for it, and raise what the work raised.
const ASKS: &[&str] = &["result", "get"];

/// Methods that put something into a collection.
const PUTS: &[&str] = &["append", "add", "appendleft"];

impl Engine<'_> {
    /// The call that is made once somebody asks for the result of a call that hands a function
    /// over. `None` if a call of this name does not.
    pub(in crate::engine) fn handed_over(
        &mut self,
        state: &State,
        name: &str,
        args: &Args,
    ) -> Option<Value> {
        let known = HANDS_OVER.iter().find(|(known, ..)| *known == name);
        let (_, at, rest) = *known?;
        if !args.stars.is_empty() || !args.double_stars.is_empty() {
            return None;
        }
        let (before, after) = args.positional.split_at_checked(at)?;
        let (callee, given) = after.split_first()?;
        if before.len() != at || !self.may_be_called(*callee) {
            return None;
        }
        let (positional, keywords) = match rest {
            Rest::Spread => (given.to_vec(), args.keywords.clone()),
            Rest::Packed => match given.first() {
                Some(packed) => (self.known_items(state, *packed)?, Vec::new()),
                None => (Vec::new(), Vec::new()),
            },
        };
        let names: Vec<_> = keywords.iter().map(|(name, _)| name.clone()).collect();
        let values = keywords.iter().map(|(_, v)| *v);
        let all: Vec<Value> = positional.into_iter().chain(values).collect();
        let call = Term::Pending(*callee, all.into(), names.into());
        Some(self.terms.make(call))
    }

    /// Whether nothing runs before the result of a call of this name is awaited.
    pub(in crate::engine) fn is_lazy(name: &str) -> bool {
        LAZY.contains(&name)
    }

    fn may_be_called(&self, v: Value) -> bool {
        match self.terms.term(v) {
            Term::Func(_)
            | Term::Closure(..)
            | Term::Bound(..)
            | Term::Method(..)
            | Term::Field(..)
            | Term::External(_) => true,
            Term::Pure(name, _) => name == "partial",
            _ => false,
        }
    }

    /// Waits for work that was handed over, if that is what a method call does.
    pub(in crate::engine) fn wait_for_work(
        &mut self,
        call: &MethodCall<'_>,
    ) -> Option<Vec<Evaluated>> {
        let asks = ASKS.contains(&call.name.as_str());
        if !asks || !matches!(self.terms.term(call.recv), Term::Pending(..)) {
            return None;
        }
        Some(self.run_awaitable(call.state.clone(), call.recv, call.site))
    }

    /// Remembers that a pending call is put into a collection.
    pub(in crate::engine) fn note_pending(&mut self, state: &mut State, into: Value, item: Value) {
        if matches!(self.terms.term(item), Term::Pending(..)) {
            state.set_ghost(into, Ghost::Pending, item);
        }
    }

    /// Remembers it if a method of a collection puts a pending call into it.
    pub(in crate::engine) fn note_put(&mut self, call: &mut MethodCall<'_>) {
        if PUTS.contains(&call.name.as_str())
            && let [item] = call.args.positional.as_slice()
        {
            self.note_pending(&mut call.state, call.recv, *item);
        }
    }

    /// The pending call that every element of a collection stands for, if that is known.
    pub(in crate::engine) fn pending_element(&self, state: &State, of: Value) -> Option<Value> {
        let item = state.ghost(of, Ghost::Pending)?;
        matches!(self.terms.term(item), Term::Pending(..)).then_some(item)
    }

    /// Lets the results of a call that hands over `work` stand for that work.
    pub(in crate::engine) fn stand_for(outcomes: &mut [Evaluated], work: Value) {
        for o in outcomes {
            if let Flow::Normal(_) = o.flow {
                o.flow = Flow::Normal(work);
            }
        }
    }
}
