//! Where a function counts or collects failures.

use super::code::{Code, Spot};
use std::collections::BTreeSet;

use crate::ir::{
    BinOp, BlockId, BranchRole, Callee, Data, Literal, LocalId, LocalKind, Name, Operand, Rvalue,
    StatementKind, TerminatorKind,
};
use crate::rules::failed_write::handling::Handling;
use crate::rules::tables::collections::PUTS;
use crate::rules::tables::outcomes::counts_failures;
use crate::source::Span;

/// A place at which a failure is counted or noted.
#[derive(Clone, Debug)]
pub(super) struct Tally {
    pub(super) block: BlockId,
    pub(super) span: Span,
    /// Where the count or the list is.
    pub(super) spot: Spot,
    /// Whether it is a list of failures, and not their number.
    pub(super) list: bool,
}

impl Code<'_> {
    /// The places at which failures are counted or noted, only because something failed.
    pub(super) fn tallies(&self) -> Vec<Tally> {
        let mut out = Vec::new();
        for (at, block) in (0u32..).zip(&self.function.body.blocks) {
            let at = BlockId(at);
            let mut add = |spot: Option<Spot>, span: Span, list: bool| {
                let Some(spot) = spot.filter(|spot| self.is_own(spot.root)) else {
                    return;
                };
                let handling = self.graph().handling.contains(&at);
                if counts_failures(&spot.name(self.function), handling)
                    && self.is_for_failure(at)
                    && !self.is_told_of(at, spot.root)
                {
                    out.push(Tally {
                        block: at,
                        span,
                        spot,
                        list,
                    });
                }
            };
            for statement in &block.statements {
                let span = statement.span;
                match &statement.kind {
                    StatementKind::Assign(to, value) if self.is_named(*to) => {
                        if let Some(list) = self.adds(value) {
                            let path = Vec::new();
                            add(Some(Spot { root: *to, path }), span, list);
                        }
                    }
                    StatementKind::Assign(_, Rvalue::Data(Data::Gather { into, .. })) => {
                        add(self.spot(into), span, true)
                    }
                    StatementKind::SetField {
                        object,
                        field,
                        value,
                    } => {
                        if let Some(list) = self.added(value) {
                            add(self.part(object, field), span, list);
                        }
                    }
                    StatementKind::SetItem { object, key, value } => match key {
                        Operand::Const(Literal::Str(key)) => {
                            if let Some(list) = self.added(value) {
                                add(self.part(object, key), span, list);
                            }
                        }
                        // `errors[path] = str(error)`
                        _ => add(self.spot(object), span, true),
                    },
                    _ => {}
                }
            }
            if let TerminatorKind::Eval {
                rvalue:
                    Rvalue::Call {
                        callee: Callee::Method { receiver, name, .. },
                        args,
                    },
                ..
            } = &block.terminator.kind
                && PUTS.contains(&name.as_str())
                && !args.is_empty()
            {
                add(self.spot(receiver), block.terminator.span, true);
            }
        }
        out
    }

    /// The branches of handlers that caught something before a block runs.
    pub(super) fn caught_before(&self, at: BlockId) -> impl Iterator<Item = BlockId> + '_ {
        let blocks = (0u32..).zip(&self.function.body.blocks);
        blocks.filter_map(move |(catch, block)| match block.terminator.kind {
            TerminatorKind::Branch {
                role: BranchRole::Handler,
                then,
                ..
            } if self.dominates(then, at) => Some(BlockId(catch)),
            _ => None,
        })
    }

    /// Whether somebody is told, or given, what failed where it is counted.
    fn is_told_of(&self, at: BlockId, count: LocalId) -> bool {
        let rows = BTreeSet::new();
        let told = |branch: BlockId, taken: bool| {
            let handling = Handling::after(self.function, branch, taken);
            self.tells_of(&handling, &rows, Some(count))
        };
        let refused = self.refused_before(at).is_some_and(|edge| {
            let branch = &self.function.body.block(edge.from).terminator.kind;
            let taken = matches!(branch, TerminatorKind::Branch { then, .. } if *then == edge.to);
            told(edge.from, taken)
        });
        refused || self.caught_before(at).any(|catch| told(catch, true))
    }

    fn is_named(&self, local: LocalId) -> bool {
        self.function.body.locals[local.index()].name.is_some()
    }

    /// Whether a place is the function's own: what calls share is read elsewhere.
    fn is_own(&self, root: LocalId) -> bool {
        let kind = self.function.body.locals[root.index()].kind;
        !matches!(kind, LocalKind::Cells | LocalKind::OuterCells)
    }

    fn part(&self, object: &Operand, name: &Name) -> Option<Spot> {
        let mut spot = self.spot(object)?;
        spot.path.push(name.clone());
        Some(spot)
    }

    /// Whether a stored value is the old one with something added, and whether that is a list.
    fn added(&self, value: &Operand) -> Option<bool> {
        match value {
            Operand::Local(local) => self.adds(self.only[local.index()]?),
            Operand::Const(_) => None,
        }
    }

    fn adds(&self, value: &Rvalue) -> Option<bool> {
        let more = match value {
            Rvalue::InPlace(BinOp::Add, _, more) | Rvalue::Binary(BinOp::Add, _, more) => more,
            Rvalue::Use(Operand::Local(from)) => {
                return match self.only[from.index()]? {
                    value @ Rvalue::Binary(BinOp::Add, ..) => self.adds(value),
                    _ => None,
                };
            }
            _ => return None,
        };
        match more {
            Operand::Const(Literal::Int(number)) => (*number > 0).then_some(false),
            Operand::Const(_) => None,
            Operand::Local(local) => match self.only[local.index()] {
                Some(Rvalue::List(items)) => (!items.is_empty()).then_some(true),
                // The number of rows of a batch that failed.
                Some(Rvalue::Call { .. } | Rvalue::Data(Data::Len(_))) => Some(false),
                _ => None,
            },
        }
    }
}
