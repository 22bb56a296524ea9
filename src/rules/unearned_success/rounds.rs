//! How the loops of a function lie: whether a failure and a success are about the same run, and what a round
//! sets if nothing fails in it.

use std::collections::BTreeSet;

use super::code::{Code, Spot};
use crate::ir::{BlockId, BranchRole, Literal, LocalId, Operand, StatementKind, TerminatorKind};
use crate::order::Order as _;
use crate::rules::failed_write::code::is_variable;

/// A loop: its head and its blocks.
pub(super) struct Loop {
    pub(super) head: BlockId,
    pub(super) blocks: BTreeSet<BlockId>,
}

impl Code<'_> {
    /// Whether one block leads to another that is about the same run: not in a later round of a loop around
    /// both, not because a loop is left early, as one does that has found another way to get its work done, and
    /// not in a loop of its own, over units that may be those which did not fail.
    pub(super) fn leads_to(&self, from: BlockId, to: BlockId) -> bool {
        let mut loops = self.graph().loops.iter();
        if loops.any(|l| l.blocks.contains(&to) && !l.blocks.contains(&from)) {
            return false;
        }
        let around = self
            .graph()
            .loops
            .iter()
            .filter(|l| l.blocks.contains(&from));
        let (shared, left): (Vec<&Loop>, Vec<&Loop>) = around.partition(|l| l.blocks.contains(&to));
        if left.iter().any(|l| self.repeats(l)) {
            return false;
        }
        let mut seen = BTreeSet::new();
        let mut open = vec![from];
        while let Some(at) = open.pop() {
            if at == to {
                return true;
            }
            if !seen.insert(at) {
                continue;
            }
            let kind = &self.function.body.block(at).terminator.kind;
            // What is left after a call that worked is left early, too.
            let decides = !matches!(kind, TerminatorKind::Eval { .. }) && self.dominates(at, from);
            let never = never(kind);
            kind.for_each_successor(|next| {
                if never == Some(next) {
                    return;
                }
                let early = !decides
                    && left
                        .iter()
                        .any(|l| l.blocks.contains(&at) && !l.blocks.contains(&next));
                if !early && !shared.iter().any(|l| l.head == next) {
                    open.push(next);
                }
            });
        }
        false
    }

    /// Whether a loop tries the same work until it is done: no call that may fail in it is given anything
    /// that changes from round to round.
    fn repeats(&self, of: &Loop) -> bool {
        let body = &self.function.body;
        let blocks = || of.blocks.iter().map(|at| body.block(*at));
        if matches!(
            body.block(of.head).terminator.kind,
            TerminatorKind::ForNext { .. }
        ) {
            return false;
        }
        let mut changed: BTreeSet<LocalId> = BTreeSet::new();
        for block in blocks() {
            for statement in &block.statements {
                if let StatementKind::Assign(to, _) = &statement.kind {
                    changed.insert(*to);
                }
            }
            match &block.terminator.kind {
                TerminatorKind::Eval { dest, .. } => changed.extend(*dest),
                TerminatorKind::ForNext { dest, .. } => {
                    changed.insert(*dest);
                }
                _ => {}
            }
        }
        changed.retain(|local| is_variable(self.function, *local));
        let changes = |operand: &Operand| self.root(operand).is_some_and(|r| changed.contains(&r));
        !blocks().any(|block| match &block.terminator.kind {
            TerminatorKind::Eval {
                rvalue,
                unwind: Some(unwind),
                ..
            } if self.is_caught(unwind.target) => {
                let mut uses = false;
                rvalue.for_each_operand(|operand| uses |= changes(operand));
                uses
            }
            _ => false,
        })
    }

    /// Whether a handler begins with a block.
    fn is_caught(&self, at: BlockId) -> bool {
        let kind = &self.function.body.block(at).terminator.kind;
        matches!(kind, TerminatorKind::Branch { role, .. } if *role == BranchRole::Handler)
    }

    /// The ends of the loops over units that a block is in and another one is not, unless a round of such a
    /// loop leads from the one to the other: where they have no more units, and what comes then.
    pub(super) fn ends_between(&self, from: BlockId, to: BlockId) -> Vec<(BlockId, BlockId)> {
        let around = self.graph().loops.iter();
        let mut left: Vec<&Loop> = around
            .filter(|l| l.blocks.contains(&from) && !l.blocks.contains(&to))
            .collect();
        left.order_by_key(|l| l.blocks.len());
        let ends = left.into_iter().filter_map(|l| {
            let in_round = self.function.body.reach(from, Some(l.head)).contains(&to);
            match self.function.body.block(l.head).terminator.kind {
                TerminatorKind::ForNext { exhausted, .. } if !in_round => Some((l.head, exhausted)),
                _ => None,
            }
        });
        ends.collect()
    }

    /// The variables that get a value where a block does not run in the same round: what they hold tells
    /// whether it has.
    pub(super) fn set_instead(&self, block: BlockId) -> Vec<Spot> {
        let body = &self.function.body;
        let around = self
            .graph()
            .loops
            .iter()
            .filter(|l| l.blocks.contains(&block));
        let round = around.min_by_key(|l| l.blocks.len());
        let head = round.map(|round| round.head);
        let after = body.reach(block, head);
        let before = self.leading_to(block, head);
        let mut out = Vec::new();
        for (at, of) in (0u32..).zip(&body.blocks) {
            let at = BlockId(at);
            let inside = round.is_none_or(|round| round.blocks.contains(&at));
            if !inside || Some(at) == head || after.contains(&at) || before.contains(&at) {
                continue;
            }
            let sets = of.statements.iter().filter_map(|statement| {
                let (object, name) = match &statement.kind {
                    StatementKind::Assign(to, _) => {
                        let path = Vec::new();
                        return Some(Spot { root: *to, path })
                            .filter(|_| is_variable(self.function, *to));
                    }
                    StatementKind::SetField { object, field, .. } => (object, field),
                    StatementKind::SetItem {
                        object,
                        key: Operand::Const(Literal::Str(key)),
                        ..
                    } => (object, key),
                    _ => return None,
                };
                let mut spot = self.spot(object)?;
                spot.path.push(name.clone());
                Some(spot)
            });
            out.extend(sets);
        }
        out
    }
}

/// Where a test of a constant never leads: out of `while True`.
fn never(kind: &TerminatorKind) -> Option<BlockId> {
    match kind {
        TerminatorKind::Branch {
            cond: Operand::Const(Literal::Bool(true)),
            otherwise,
            ..
        } => Some(*otherwise),
        TerminatorKind::Branch {
            cond: Operand::Const(Literal::Int(number)),
            otherwise,
            ..
        } if *number != 0 => Some(*otherwise),
        _ => None,
    }
}
