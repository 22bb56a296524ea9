//! Where a function counts or collects failures.

use std::collections::BTreeSet;

use super::code::{Code, Spot};
use super::inside::Inside;
use crate::ir::{
    BinOp, BlockId, BranchRole, Callee, Data, Literal, LocalId, LocalKind, Name, Operand, Rvalue,
    StatementKind, TerminatorKind,
};
use crate::rules::failed_write::code::called;
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
    pub(super) how: How,
    /// What counts it, if a call does.
    pub(super) inside: Option<Inside>,
}

/// How a failure shows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum How {
    /// A number of failures grows.
    Counted,
    /// A list of failures grows.
    Noted,
    /// The number of what worked stays behind that of what was tried, which is here.
    Behind(Spot),
}

/// What is added to a count.
#[derive(Clone, Copy)]
pub(super) struct Added {
    /// Whether it is put into a list.
    list: bool,
    /// Whether it is a number of failures by the name of the call that gives it.
    failures: bool,
    /// How much is added.
    pub(super) amount: Amount,
}

/// How much is added to a count.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Amount {
    Literal(i64),
    /// As many as a variable has.
    LengthOf(LocalId),
    Other,
}

/// A place at which something is added to a count or a list.
pub(super) struct Addition {
    pub(super) at: BlockId,
    pub(super) span: Span,
    pub(super) spot: Spot,
    pub(super) added: Added,
}

impl Code<'_> {
    /// The places at which failures are counted or noted, only because something failed. `failed`: the function
    /// is called only where something failed.
    pub(super) fn tallies(&self, failed: bool) -> Vec<Tally> {
        let counts = |addition: &&Addition| {
            let Addition {
                at, spot, added, ..
            } = addition;
            let name = spot.name(self.function);
            // Most additions are to something else: no graph is made for them.
            if !counts_failures(&name, true) {
                return false;
            }
            let handling = self.graph().handling.contains(at);
            let in_any_case = || self.graph().control.deciders(*at).is_empty();
            counts_failures(&name, handling)
                && (failed && in_any_case()
                    || (added.failures || self.is_for_failure(*at))
                        && !self.is_told_of(*at, spot.root, None))
        };
        let additions = self.additions().iter().filter(counts);
        let tallies = additions.map(|addition| Tally {
            block: addition.at,
            span: addition.span,
            spot: addition.spot.clone(),
            how: match addition.added.list {
                true => How::Noted,
                false => How::Counted,
            },
            inside: None,
        });
        tallies.collect()
    }

    /// The places at which something is added to a count or a list of the function's own.
    pub(super) fn additions(&self) -> &[Addition] {
        self.additions.get_or_init(|| self.find_additions())
    }

    fn find_additions(&self) -> Vec<Addition> {
        let mut out = Vec::new();
        for (at, block) in (0u32..).zip(&self.function.body.blocks) {
            let mut add = |spot: Option<Spot>, span: Span, added: Added| {
                if let Some(spot) = spot.filter(|spot| self.is_own(spot.root)) {
                    out.push(Addition {
                        at: BlockId(at),
                        span,
                        spot,
                        added,
                    });
                }
            };
            let item = Added {
                list: true,
                failures: false,
                amount: Amount::Other,
            };
            for statement in &block.statements {
                let span = statement.span;
                match &statement.kind {
                    StatementKind::Assign(to, value) if self.is_named(*to) => {
                        if let Some(added) = self.adds(value) {
                            let path = Vec::new();
                            add(Some(Spot { root: *to, path }), span, added);
                        }
                    }
                    StatementKind::Assign(_, Rvalue::Data(Data::Gather { into, .. })) => {
                        add(self.spot(into), span, item)
                    }
                    StatementKind::SetField {
                        object,
                        field,
                        value,
                    } => {
                        if let Some(added) = self.added(value) {
                            add(self.part(object, field), span, added);
                        }
                    }
                    StatementKind::SetItem { object, key, value } => match key {
                        Operand::Const(Literal::Str(key)) => {
                            if let Some(added) = self.added(value) {
                                add(self.part(object, key), span, added);
                            }
                        }
                        // `errors[path] = str(error)`
                        _ => add(self.spot(object), span, item),
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
                add(self.spot(receiver), block.terminator.span, item);
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

    /// Whether somebody is told, or given, what failed where it is counted, but for the `counting` call.
    pub(super) fn is_told_of(
        &self,
        at: BlockId,
        count: LocalId,
        counting: Option<BlockId>,
    ) -> bool {
        let rows = BTreeSet::new();
        let told = |branch: BlockId, taken: bool| {
            let handling = Handling::after(self.function, branch, taken);
            self.tells_of(&handling, &rows, Some((count, counting)))
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
    pub(super) fn is_own(&self, root: LocalId) -> bool {
        let kind = self.function.body.locals[root.index()].kind;
        !matches!(kind, LocalKind::Cells | LocalKind::OuterCells)
    }

    fn part(&self, object: &Operand, name: &Name) -> Option<Spot> {
        let mut spot = self.spot(object)?;
        spot.path.push(name.clone());
        Some(spot)
    }

    /// What is added to the old value where a new one is stored.
    fn added(&self, value: &Operand) -> Option<Added> {
        match value {
            Operand::Local(local) => self.adds(self.only[local.index()]?),
            Operand::Const(_) => None,
        }
    }

    fn adds(&self, value: &Rvalue) -> Option<Added> {
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
        let added = |list, failures, amount| {
            Some(Added {
                list,
                failures,
                amount,
            })
        };
        match more {
            Operand::Const(Literal::Int(number)) if *number > 0 => {
                added(false, false, Amount::Literal(*number))
            }
            Operand::Const(_) => None,
            Operand::Local(local) => match self.only[local.index()]? {
                Rvalue::List(items) if !items.is_empty() => added(true, false, Amount::Other),
                // The number of rows of a batch that failed.
                Rvalue::Call { callee, args } => {
                    let name = called(self.function, callee).name;
                    let of = args.first().filter(|_| name == "len");
                    let length = of.and_then(|of| self.root(&of.value));
                    let amount = length.map_or(Amount::Other, Amount::LengthOf);
                    added(false, counts_failures(&name, false), amount)
                }
                Rvalue::Data(Data::Len(of)) => {
                    let length = self.root(of);
                    added(false, false, length.map_or(Amount::Other, Amount::LengthOf))
                }
                _ => None,
            },
        }
    }
}
