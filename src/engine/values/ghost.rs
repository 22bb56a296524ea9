//! What a state knows beyond the program's own values: slots of objects that only the engine or a
//! rule uses, and flags.

use std::ops::BitOr;

use crate::engine::values::state::{Cell, Slot, State};
use crate::engine::values::value::Value;

/// A slot of an object that is not part of the program: no code reads or writes it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Ghost {
    /// Of an iterator: what it iterates over.
    Source,
    /// Of an iterator: the snapshot of its source when the iterator was made.
    Snapshot,
    /// Of an iterator: how many items it has yielded.
    Position,
    /// Of an iterator over several collections: the iterators of these.
    Inner,
    /// Of an index that a loop over a range yielded: the range.
    Of,
    /// Of an iterator over a range: the index of the current iteration.
    Index,
    /// Of an index that a loop over a range yielded, if it is certainly not that of the last
    /// iteration: the range.
    NotLast,
    /// Of a suspended generator: its function.
    Callee,
    /// Of a suspended generator: the block at which it resumes.
    At,
    /// Of a suspended generator: one of its locals.
    Local(u32),
    /// Of a context manager that the engine models: which one it is.
    Manager,
    /// Of a context manager that the engine models: its argument.
    Data,
    /// Of an exception: its message.
    Text,
    /// Of a value: how it was made.
    Origin,
    /// Of a collection: a number that stands for what the rule knows about everything put into it,
    /// or 0 if nothing is known. The slot is missing as long as nothing was put into it.
    Filled,
    /// Of a collection: the pending call that everything put into it stands for, or 0 if that is
    /// not known. The slot is missing as long as no pending call was put into it.
    Pending,
    /// Of the watched object: another object that a watched place starts with.
    Root(u8),
    /// Of an object: whether its attribute that is the watched place of this number was stored.
    Stored(u8),
    /// A slot of the current rule, which numbers its own slots.
    Rule(u8),
}

impl State {
    /// What a ghost slot of an object holds.
    #[must_use]
    pub fn ghost(&self, object: Value, ghost: impl Into<Ghost>) -> Option<Value> {
        match self.heap.get(&(object, Slot::Ghost(ghost.into()))) {
            Some(Cell::Has(v)) => Some(*v),
            _ => None,
        }
    }

    /// Stores a value in a ghost slot of an object.
    pub fn set_ghost(&mut self, object: Value, ghost: impl Into<Ghost>, v: Value) {
        let slot = (object, Slot::Ghost(ghost.into()));
        self.heap.insert(slot, Cell::Has(v));
    }

    /// Forgets what a ghost slot of an object holds.
    pub fn drop_ghost(&mut self, object: Value, ghost: impl Into<Ghost>) {
        self.heap.remove(&(object, Slot::Ghost(ghost.into())));
    }
}

/// The bits of a rule's automaton, and the engine's doubts about the path. Only the engine sets and
/// clears the doubts.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub struct Flags {
    unresolved: bool,
    uncertain: bool,
    /// The state of the rule's automaton.
    pub rule: u32,
}

impl Flags {
    /// Whether the watched object was passed to a call that could not be resolved.
    #[must_use]
    pub fn is_unresolved(self) -> bool {
        self.unresolved
    }

    /// Whether the watched place may have been set by a store with an unknown key, or by code that
    /// the configuration excludes.
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

    /// The doubts without the bits of the automaton.
    pub(in crate::engine) fn doubts(self) -> Flags {
        Flags { rule: 0, ..self }
    }

    /// Clears the doubts, because the watched place is known again.
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
