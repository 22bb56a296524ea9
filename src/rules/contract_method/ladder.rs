//! How precisely a method is followed: first as cheaply as possible, then more precisely if a
//! question is left open, and without its helpers if the budget runs out.
//!
//! With one state for each property, merged states stand for all executions, and for some that do
//! not exist. So an exit that is good in all of them is good, and one that looks bad is confirmed
//! by a single path. The states are kept apart only if that search is not finished.

use std::rc::Rc;

use crate::engine::budget::{
    AT_A_PLACE, Bounds, COARSE, QUICK_WITNESS, QUICK_WITNESS_PER_BLOCK, WITNESS_STEPS,
};
use crate::engine::simulate::Graph;
use crate::engine::values::state::State;
use crate::engine::{Engine, FnContext};
use crate::ir::BlockId;

/// A degree of precision.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::rules) enum Rung {
    /// One state for each property.
    Merged,
    /// States that differ are kept apart.
    Apart,
    /// One state for each property, and helpers are not looked into.
    Alone,
}

impl Rung {
    fn bounds(self) -> &'static Bounds {
        match self {
            Rung::Merged | Rung::Alone => &COARSE,
            Rung::Apart => &AT_A_PLACE,
        }
    }

    /// How many steps a search for a single path may take.
    pub(in crate::rules) fn witness_steps(self, cx: &FnContext) -> u64 {
        match self {
            Rung::Merged => {
                QUICK_WITNESS + QUICK_WITNESS_PER_BLOCK * cx.function().body.blocks.len() as u64
            }
            Rung::Apart | Rung::Alone => WITNESS_STEPS,
        }
    }

    /// The graph of a function that is entered in this state; `None` if the budget ran out.
    pub(in crate::rules) fn simulate(
        self,
        engine: &mut Engine<'_>,
        cx: &Rc<FnContext>,
        entry: &State,
    ) -> Option<Graph> {
        // The automaton has to see again what happens in helpers.
        engine.forget_helpers();
        engine.follows_helpers = self != Rung::Alone;
        engine.budget.allow(cx.function().body.blocks.len());
        let graph = engine.simulate(cx, BlockId::ENTRY, entry.clone(), self.bounds());
        graph.complete.then_some(graph)
    }
}

/// The rungs on which one method is followed, one after the other.
pub(in crate::rules) struct Ladder {
    next: Option<Rung>,
    last: Rung,
    /// Whether the method was followed to its end with no question left open.
    pub(in crate::rules) complete: bool,
}

impl Ladder {
    pub(in crate::rules) fn new() -> Self {
        Self {
            next: Some(Rung::Merged),
            last: Rung::Merged,
            complete: false,
        }
    }

    /// The rung to try now.
    pub(in crate::rules) fn next_rung(&mut self) -> Option<Rung> {
        let rung = self.next.take()?;
        self.last = rung;
        Some(rung)
    }

    /// The budget ran out on this rung.
    pub(in crate::rules) fn fell(&mut self) {
        self.next = match self.last {
            Rung::Merged => Some(Rung::Alone),
            Rung::Apart | Rung::Alone => None,
        };
    }

    /// This rung answered all questions.
    pub(in crate::rules) fn answered(&mut self) {
        self.complete = self.last != Rung::Alone;
    }

    /// This rung left a question open.
    pub(in crate::rules) fn climb(&mut self) {
        self.next = match self.last {
            Rung::Merged => Some(Rung::Apart),
            Rung::Apart | Rung::Alone => None,
        };
    }
}
