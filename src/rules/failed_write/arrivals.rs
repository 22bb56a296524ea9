//! Paths that arrive at a place after a write has failed, whoever hears of the failure.

use super::caught::{is_unlikely, loses_nothing};
use super::code::given_to;
use super::failure::{
    FailureNote, IN_FLIGHT, MARKED, STATUS, failed_at, failed_name, is_failing, passed_on_by, place,
};
use super::follow::Ground;
use super::watch::{Swallower, Watch};
use crate::engine::Engine;
use crate::engine::values::state::State;
use crate::engine::values::value::Value;
use crate::engine::witness::{End, Path, Witness};
use crate::ir::{BlockId, Name};
use crate::program::{FuncRef, Program};
use crate::settings::Writes;

/// Whether a state that knows of a failed write is looked for.
pub(in crate::rules) type Wanted<'w> = &'w dyn Fn(&Engine<'_>, &State, &Lost) -> bool;

/// A failed write, as the state at some place of a path says it.
pub(in crate::rules) struct Lost {
    /// What caught the failure; `None` while the exception is pending.
    pub(in crate::rules) by: Option<Swallower>,
    /// Where the write failed.
    pub(in crate::rules) failed_at: Option<(FuncRef, BlockId)>,
    /// The outermost call of a function of the program through which the failure came.
    pub(in crate::rules) through: Option<(FuncRef, BlockId)>,
    /// The name of the write.
    pub(in crate::rules) write: Option<Name>,
    /// Where the same failure was caught before, and raised again.
    pub(in crate::rules) passed_on_by: Vec<(FuncRef, BlockId)>,
    /// The flags of the state.
    pub(in crate::rules) flags: u32,
}

impl Lost {
    fn of(engine: &Engine<'_>, watch: &Watch<'_>, state: &State) -> Option<Self> {
        let flags = state.flags.rule;
        let by = watch.swallower(flags);
        if !is_failing(flags) || by.is_none() && flags & STATUS != IN_FLIGHT {
            return None;
        }
        Some(Self {
            by,
            failed_at: failed_at(engine, state),
            through: place(engine, state, FailureNote::ThroughAt),
            write: failed_name(engine, state),
            passed_on_by: passed_on_by(engine, state),
            flags,
        })
    }

    /// Where the failure shows in a function: the write itself, or the call that leads to it.
    pub(in crate::rules) fn shows_in(&self, func: FuncRef) -> Option<BlockId> {
        let places = [self.failed_at, self.through];
        let mut here = places.into_iter().flatten().filter(|at| at.0 == func);
        here.next().map(|(_, block)| block)
    }

    /// Whether what was caught says that nothing was lost, or hardly comes from a write.
    pub(in crate::rules) fn is_excused(&self, program: &Program<'_>, writes: &Writes) -> bool {
        let Some(by @ Swallower::Catch(catch)) = self.by else {
            return false;
        };
        let first = self.passed_on_by.first().copied();
        loses_nothing(program, &writes.presets, by, self.flags)
            || is_unlikely(program, (catch.func, catch.block), first)
    }
}

impl Ground<'_, '_> {
    /// A path that arrives at a block of the function after a write has failed, if `wanted` accepts
    /// what was lost.
    pub(in crate::rules) fn arrival(
        &mut self,
        at: BlockId,
        wanted: Wanted<'_>,
    ) -> Option<(Lost, Path)> {
        if !self.may_arrive(at, wanted) {
            return None;
        }
        let watch = self.watch;
        let accept = |engine: &mut Engine<'_>, state: &State, _: Value| {
            Lost::of(engine, watch, state).is_some_and(|lost| wanted(engine, state, &lost))
        };
        match self.search(End::Arrival, at, &accept) {
            Witness::Found(events, end) => Some((Lost::of(self.engine, watch, &end)?, events)),
            Witness::Infeasible | Witness::Unknown => None,
        }
    }

    /// A path that arrives at the call which ends a block, after a marked call has been made and before anything was
    /// written. The call is given no empty list: then nothing is lost.
    pub(in crate::rules) fn arrival_after_mark(&mut self, at: BlockId) -> Option<Path> {
        let func = self.subject.func;
        let module = self.subject.program.module(func.module);
        let given = given_to(module.ir.function(func.func), at);
        let accept = |engine: &mut Engine<'_>, state: &State, _: Value| {
            let flags = state.flags.rule;
            let empty = given.iter().any(|local| {
                state.env.get(local.index()).is_some_and(|value| {
                    let is_list = state.kind(&engine.terms, value).is_container();
                    is_list && engine.truth(state, state.snapshot(value)) == Some(false)
                })
            });
            flags & MARKED != 0 && !is_failing(flags) && !empty
        };
        match self.search(End::Arrival, at, &accept) {
            Witness::Found(events, _) => Some(events),
            Witness::Infeasible | Witness::Unknown => None,
        }
    }

    /// Whether some state of the simulated function arrives at a block after a write has failed, and
    /// may be wanted. If not, no path is.
    fn may_arrive(&self, at: BlockId, wanted: Wanted<'_>) -> bool {
        let mut nodes = self.graph.nodes.iter().filter(|node| node.block == at);
        nodes.any(|node| {
            let lost = Lost::of(self.engine, self.watch, &node.state);
            // Merged states may have forgotten which write it was.
            lost.is_some_and(|lost| {
                lost.failed_at.is_none() || wanted(self.engine, &node.state, &lost)
            })
        })
    }
}
