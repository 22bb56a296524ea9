//! Where the failure of a write shows in the code of a function, and where the function goes on.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use super::covers::successors;
use super::reach::{Starts, passes, reach_by, reach_from, starts_after, told_by};
use crate::ir::{
    BlockId, Body, BranchRole, Function, LocalId, Operand, Rvalue, StatementKind, TerminatorKind,
};
use crate::program::{FuncRef, Program};
use crate::rules::failed_write::Lost;
use crate::rules::failed_write::flow::flow;
use crate::rules::failed_write::refusal::refuses;
use crate::rules::failed_write::watch::Swallower;

/// Where the failure of a write shows in the code of a function.
pub(super) struct Failure {
    /// The write, or the call that leads to it.
    pub(super) failed: BlockId,
    /// The branch that knows of the failure; the write itself if none does in this function.
    pub(super) from: BlockId,
    /// The outcome of that branch if the write failed.
    pub(super) taken: bool,
    /// Whether a helper caught it, so that its call returns.
    in_helper: bool,
    /// Whether the first handler caught it for good, so that no other one has seen it.
    caught_at_once: bool,
    /// Where the function goes on, with the flags that are set then.
    starts: OnceCell<Starts>,
}

impl Failure {
    pub(super) fn of(
        program: &Program<'_>,
        (func, failed): (FuncRef, BlockId),
        lost: &Lost,
    ) -> Self {
        let module = program.module(func.module);
        let function = module.ir.function(func.func);
        let (from, taken) = match lost.by {
            Some(Swallower::Catch(catch)) if catch.func == func => (catch.block, true),
            Some(Swallower::Catch(catch)) => {
                let told = told_by(program, (catch.func, catch.block), function, failed);
                told.unwrap_or((failed, true))
            }
            _ => (failed, true),
        };
        let taken = refuses(function, from).map_or(taken, |refusal| refusal.outcome);
        Self {
            failed,
            from,
            taken,
            in_helper: matches!(lost.by, Some(Swallower::Catch(catch)) if catch.func != func),
            caught_at_once: lost.passed_on_by.is_empty()
                && matches!(lost.by, Some(Swallower::Catch(catch)) if catch.func == func && catch.block == from),
            starts: OnceCell::new(),
        }
    }

    /// Where the function goes on after the failure.
    pub(super) fn next(&self, body: &Body) -> Vec<BlockId> {
        match &body.block(self.from).terminator.kind {
            TerminatorKind::Branch {
                then, otherwise, ..
            } => vec![if self.taken { *then } else { *otherwise }],
            _ => successors(body, self.from),
        }
    }

    /// What can be reached after the failure without passing a block.
    pub(super) fn reach(&self, body: &Body, without: Option<BlockId>) -> BTreeSet<BlockId> {
        let starts = self
            .starts
            .get_or_init(|| starts_after(body, self.from, &self.next(body)));
        reach_from(body, starts.clone(), without)
    }

    /// Whether a way leads from the failure through one of these blocks to a block.
    pub(super) fn passes(&self, body: &Body, through: &BTreeSet<BlockId>, to: BlockId) -> bool {
        let raised = match &body.block(self.failed).terminator.kind {
            TerminatorKind::Eval { unwind, .. } if !self.in_helper => unwind.as_ref(),
            _ => None,
        };
        // What happens on the way to the handler counts, too.
        let next = raised.map_or_else(|| self.next(body), |unwind| vec![unwind.target]);
        passes(body, starts_after(body, self.failed, &next), through, to)
    }

    /// What can be reached from the entry of the function if the write never works.
    pub(super) fn without_success(&self, body: &Body) -> BTreeSet<BlockId> {
        let raised = self.is_raised(body);
        reach_by(body, &|at, terminator| match terminator {
            TerminatorKind::Eval { .. } if at == self.failed && self.caught_at_once => {
                Some(self.next(body))
            }
            TerminatorKind::Eval { unwind, .. } if at == self.failed && raised => {
                Some(unwind.iter().map(|unwind| unwind.target).collect())
            }
            TerminatorKind::Branch { .. } if at == self.from && !raised => Some(self.next(body)),
            _ => None,
        })
    }

    /// Whether the failure is an exception of the write, and not told by its result.
    fn is_raised(&self, body: &Body) -> bool {
        self.from == self.failed && !self.in_helper
            || matches!(
                body.block(self.from).terminator.kind,
                TerminatorKind::Branch {
                    role: BranchRole::Handler | BranchRole::Swallow,
                    ..
                }
            )
    }

    /// Whether a block is reached only where a test of the exception has found what it asks for: somebody has
    /// decided what to do about this failure (`if "out of range" in str(error)`).
    pub(super) fn is_decided(&self, function: &Function, at: BlockId) -> bool {
        let body = &function.body;
        let Some(exception) = self.exception(body) else {
            return false;
        };
        let told = flow(function, std::iter::once(exception).collect());
        let blocks = (0u32..).map(BlockId).zip(&body.blocks);
        let mut decisions = blocks.filter_map(|(test, block)| match &block.terminator.kind {
            TerminatorKind::Branch {
                cond: Operand::Local(cond),
                then,
                role,
                ..
            } if told.contains(cond)
                && !matches!(role, BranchRole::Handler | BranchRole::Swallow) =>
            {
                Some((test, *then))
            }
            _ => None,
        });
        decisions.any(|(test, found)| {
            body.reach(found, Some(test)).contains(&at)
                && !self.without(body, test, found).contains(&at)
        })
    }

    /// What can be reached after the failure without this outcome of a test, and without another write.
    fn without(&self, body: &Body, test: BlockId, outcome: BlockId) -> BTreeSet<BlockId> {
        let mut seen = BTreeSet::new();
        let mut open = self.next(body);
        while let Some(at) = open.pop() {
            if seen.insert(at) {
                body.block(at).terminator.kind.for_each_successor(|to| {
                    if (at != test || to != outcome) && to != self.failed {
                        open.push(to);
                    }
                });
            }
        }
        seen
    }

    /// The exception that a handler of this function has caught.
    fn exception(&self, body: &Body) -> Option<LocalId> {
        let mut statements = body.block(self.from).statements.iter();
        statements.find_map(|statement| match &statement.kind {
            StatementKind::Assign(
                _,
                Rvalue::Caught {
                    exc: Operand::Local(exc),
                    ..
                },
            ) => Some(*exc),
            _ => None,
        })
    }
}
