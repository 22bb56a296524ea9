//! Where an evaluation, a block and a function can lead.

use std::rc::Rc;

use crate::engine::summaries::summary::Summary;
use crate::engine::values::state::State;
use crate::engine::values::value::Value;
use crate::ir::BlockId;

/// How an evaluation ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Flow {
    /// With a value.
    Normal(Value),
    /// By raising.
    Raise(Value),
}

/// The exit of a summary from which an outcome came.
#[derive(Clone)]
pub struct Via {
    /// The summary.
    pub summary: Rc<Summary>,
    /// The index of the exit.
    pub exit: usize,
}

/// One way in which an evaluation can end.
pub(crate) struct Evaluated {
    pub(crate) state: State,
    pub(crate) flow: Flow,
    pub(crate) via: Option<Via>,
}

impl Evaluated {
    pub(crate) fn normal(state: State, v: Value) -> Self {
        Evaluated {
            state,
            flow: Flow::Normal(v),
            via: None,
        }
    }
    pub(crate) fn raise(state: State, v: Value) -> Self {
        Evaluated {
            state,
            flow: Flow::Raise(v),
            via: None,
        }
    }
}

/// One outcome of advancing an iterator.
pub(crate) enum Advance {
    /// There is an item.
    Item(State, Value),
    /// There is none.
    Done(State),
    /// Advancing raised.
    Raised(State, Value),
}

/// How a function is left.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ExitKind {
    /// Normally.
    Return,
    /// By an exception.
    Raise,
    /// Suspended at a `yield` in this block.
    Yield(BlockId),
}

/// Where a step leads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Target {
    Block(BlockId),
    Exit(ExitKind, Value),
}

/// What happened on a step, for describing a path.
#[derive(Clone)]
pub enum Edge {
    /// Nothing worth showing.
    Flow,
    /// A branch whose other side was possible, too.
    Decision(bool),
    /// A loop over a collection ran an iteration (`true`), or ended.
    Loop(bool),
    /// The terminator raised.
    Raised,
    /// A function of the program was left by one of its exits.
    Called(Via),
    /// The same, for an exit that raises.
    CallRaised(Via),
}

/// One successor of an abstract state.
pub(crate) struct Successor {
    pub(crate) target: Target,
    pub(crate) state: State,
    pub(crate) edge: Edge,
}

impl Successor {
    /// A successor at the entry of a block.
    pub(crate) fn at(block: BlockId, state: State, edge: Edge) -> Self {
        Successor {
            target: Target::Block(block),
            state,
            edge,
        }
    }
    /// A successor that leaves the function with a value.
    pub(crate) fn leaving(kind: ExitKind, value: Value, state: State) -> Self {
        Successor {
            target: Target::Exit(kind, value),
            state,
            edge: Edge::Flow,
        }
    }
}
