//! What a state says that the program does not: slots beside an object that the engine or a rule
//! keeps for itself, and flags.

use std::ops::BitOr;

use crate::engine::values::state::{Cell, Slot, State};
use crate::engine::values::value::Value;

/// A slot beside an object that is no part of the program: no code reads or writes it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Ghost {
    /// Of an iterator: what it goes through.
    Source,
    /// Of an iterator: what that contained when the iterator was made.
    Snapshot,
    /// Of an iterator: how many items it gave.
    Position,
    /// Of an iterator over several collections: their iterators.
    Inner,
    /// Of an index that a loop over a range gave: the range.
    Of,
    /// Of an iterator over a range: the index of the round.
    Index,
    /// Of an index that a loop over a range gave, if the round is known not to be the last: the range.
    NotLast,
    /// Of a suspended generator: its function.
    Callee,
    /// Of a suspended generator: the block that it goes on from.
    At,
    /// Of a suspended generator: one of its locals.
    Local(u32),
    /// Of a context manager that the engine models: which.
    Manager,
    /// Of a context manager that the engine models: what it was given.
    Data,
    /// Of an exception: its message.
    Text,
    /// Of a value: what made it.
    Origin,
    /// Of a collection: a number that stands for what the rule knows of all that was put into it,
    /// 0 if nothing is known. Nothing was put into it as long as there is none.
    Filled,
    /// What the rule at hand keeps: it numbers its own slots.
    Rule(u8),
}

impl State {
    /// What is kept beside an object.
    #[must_use]
    pub fn ghost(&self, object: Value, ghost: impl Into<Ghost>) -> Option<Value> {
        match self.heap.get(&(object, Slot::Ghost(ghost.into()))) {
            Some(Cell::Has(v)) => Some(*v),
            _ => None,
        }
    }

    /// Keeps something beside an object.
    pub fn set_ghost(&mut self, object: Value, ghost: impl Into<Ghost>, v: Value) {
        let slot = (object, Slot::Ghost(ghost.into()));
        self.heap.insert(slot, Cell::Has(v));
    }

    /// Forgets what is kept beside an object.
    pub fn drop_ghost(&mut self, object: Value, ghost: impl Into<Ghost>) {
        self.heap.remove(&(object, Slot::Ghost(ghost.into())));
    }
}

/// The bits of a rule's automaton, and beside them what the engine doubts about the path: only
/// the engine sets and clears that.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub struct Flags {
    unresolved: bool,
    uncertain: bool,
    /// The state of the rule's automaton.
    pub rule: u32,
}

impl Flags {
    /// Whether a call that could not be resolved was given the watched object.
    #[must_use]
    pub fn is_unresolved(self) -> bool {
        self.unresolved
    }

    /// Whether a store whose key is not known may have set the watched place, or code that may
    /// have was left out by the configuration.
    #[must_use]
    pub fn is_uncertain(self) -> bool {
        self.uncertain
    }

    pub(in crate::engine) fn doubt_call(&mut self) {
        self.unresolved = true;
    }

    pub(in crate::engine) fn doubt_place(&mut self) {
        self.uncertain = true;
    }

    /// The doubts alone.
    pub(in crate::engine) fn doubts(self) -> Flags {
        Flags { rule: 0, ..self }
    }

    /// The watched place is known again: no doubt from before matters.
    pub(in crate::engine) fn settle(&mut self) {
        self.unresolved = false;
        self.uncertain = false;
    }
}

impl BitOr for Flags {
    type Output = Flags;

    fn bitor(self, other: Flags) -> Flags {
        Flags {
            unresolved: self.unresolved | other.unresolved,
            uncertain: self.uncertain | other.uncertain,
            rule: self.rule | other.rule,
        }
    }
}
