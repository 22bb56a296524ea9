//! What a function does only because a failure was caught.

use std::collections::BTreeSet;

use super::code::{Called, call_at, called, root};
use super::flow::is_only_logged;
use crate::engine::{is_log_method, is_logger_name};
use crate::ir::{
    Arg, BlockId, BranchRole, Callee, Function, LocalId, Operand, StatementKind, TerminatorKind,
};
use crate::rules::tables;

/// The code of a function that runs only after a failure was caught.
pub(in crate::rules) struct Handling<'f> {
    pub(in crate::rules) function: &'f Function,
    pub(in crate::rules) blocks: BTreeSet<BlockId>,
}

impl<'f> Handling<'f> {
    /// What runs only after this outcome of a branch.
    pub(in crate::rules) fn after(function: &'f Function, branch: BlockId, taken: bool) -> Self {
        let body = &function.body;
        let blocks = match &body.block(branch).terminator.kind {
            // The sides of a branch that drops a result meet at once.
            TerminatorKind::Branch {
                role: BranchRole::Dropped,
                ..
            } => BTreeSet::new(),
            TerminatorKind::Branch {
                then, otherwise, ..
            } => {
                let failing = if taken { *then } else { *otherwise };
                let without = body.reach(BlockId::ENTRY, Some(failing));
                let mut blocks = body.reach(failing, None);
                blocks.retain(|at| !without.contains(at));
                blocks
            }
            _ => BTreeSet::new(),
        };
        Self { function, blocks }
    }

    /// Whether a block is part of it.
    pub(in crate::rules) fn contains(&self, at: BlockId) -> bool {
        self.blocks.contains(&at)
    }

    pub(in crate::rules) fn statements(&self) -> impl Iterator<Item = &'f StatementKind> + '_ {
        let blocks = self.blocks.iter().map(|at| self.function.body.block(*at));
        blocks.flat_map(|block| block.statements.iter().map(|s| &s.kind))
    }

    pub(in crate::rules) fn calls(
        &self,
    ) -> impl Iterator<Item = (BlockId, &'f Callee, &'f [Arg])> + '_ {
        let blocks = self.blocks.iter();
        blocks
            .filter_map(|at| call_at(self.function, *at).map(|(callee, args)| (*at, callee, args)))
    }

    /// Whether this code calls something that is not known to keep quiet, or hands the rows on. `rows` are the
    /// variables that the write was given.
    pub(in crate::rules) fn calls_somebody(&self, rows: &BTreeSet<LocalId>) -> bool {
        self.calls()
            .any(|(at, callee, args)| self.is_somebody(at, (callee, args), rows))
    }

    /// Whether a call of this code is not known to keep quiet, or is given the rows.
    pub(in crate::rules) fn is_somebody(
        &self,
        at: BlockId,
        (callee, args): (&Callee, &[Arg]),
        rows: &BTreeSet<LocalId>,
    ) -> bool {
        let Called { name, on } = called(self.function, callee);
        let given_rows = args.iter().any(|arg| match &arg.value {
            Operand::Local(local) => rows.contains(&root(self.function, *local)),
            Operand::Const(_) => false,
        });
        let logs = is_log_method(&name) || on.as_ref().is_some_and(|on| is_logger_name(on));
        let on = on.as_deref().unwrap_or_default();
        if tables::tracks_errors(&name, on) || tables::answers_person(&name, on) {
            return true;
        }
        if logs {
            return false;
        }
        let hands_on = given_rows && !tables::shows(&name) && !tables::is_harmless(&name);
        (hands_on || !is_quiet(&name, on)) && !is_only_logged(self.function, at)
    }
}

/// Whether a call surely lets nobody know: it logs, notifies, measures, cleans up, waits, or only
/// looks something up.
pub(in crate::rules) fn is_quiet(name: &str, on: &str) -> bool {
    tables::tells(name)
        || tables::shows(name)
        || tables::shows(on)
        || tables::cleans_up(name)
        || tables::is_harmless(name)
        || tables::is_best_effort(name)
}
