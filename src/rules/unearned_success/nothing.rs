//! Where a function knows that there was nothing to process, and says that a run was a success.

use super::claims::{Claim, Says, pair};
use super::code::{Code, named_store};
use crate::engine::{is_log_method, is_logger_name};
use crate::ir::{
    ArgKind, BinOp, BlockId, BranchRole, Callee, CmpOp, Data, Literal, LocalId, Name, Operand,
    Rvalue, StatementKind, TerminatorKind,
};
use crate::rules::failed_write::code::called;
use crate::rules::failed_write::handling::is_quiet;
use crate::rules::tables::outcomes::{
    asks_or_shows, names_status, names_units, says_failure, says_nothing_done,
};

/// How many negations and comparisons deep a test is looked into.
const DEPTH: usize = 4;

/// Names under which it is said in words what happened.
const WORDS: &[&str] = &[
    "message",
    "msg",
    "reason",
    "detail",
    "details",
    "note",
    "notes",
    "error",
    "info",
    "summary",
    "skipped",
    "description",
    "result",
    "output",
    "data",
    "body",
];

/// Something that a claim knows to be empty.
pub(super) struct Nothing {
    /// The test that says so, and where it leads then.
    pub(super) test: BlockId,
    pub(super) to: BlockId,
    /// What is empty.
    pub(super) units: Name,
}

impl Code<'_> {
    /// What a claim knows to be empty and says nothing of.
    pub(super) fn nothing(&self, claim: &Claim<'_>, text: &str) -> Vec<Nothing> {
        let stored = matches!(claim.says, Says::Stores | Says::Calls | Says::Returns);
        if !stored || !claim.of_run {
            return Vec::new();
        }
        let reason = match self.tells(claim) {
            true => None,
            false => self.reason(claim, text),
        };
        match reason {
            Some(nothing) => vec![nothing],
            None if claim.has_no_data => self.passed_over(claim),
            None => Vec::new(),
        }
    }

    /// What is empty where a claim is made for that reason only.
    fn reason(&self, claim: &Claim<'_>, text: &str) -> Option<Nothing> {
        let deciders = self.graph().control.deciders(claim.block);
        deciders.iter().find_map(|edge| {
            if !self.dominates(edge.to, claim.block) {
                return None;
            }
            let units = self.empty_on(edge.from, edge.to)?;
            let others = self
                .before(edge.to)
                .iter()
                .filter(|from| **from != edge.from);
            let mut others = others.map(|from| {
                self.empty_on(*from, edge.to).is_some()
                    || self.is_contradicted(*from, edge.to, claim.block, text)
            });
            let only = others.all(|fine| fine) && !self.works_between(edge.to, claim.block);
            only.then_some(Nothing {
                test: edge.from,
                to: edge.to,
                units,
            })
        })
    }

    /// What may be empty where a claim is made in any case, although there is a status for that.
    fn passed_over(&self, claim: &Claim<'_>) -> Vec<Nothing> {
        if self.is_corrected(claim) {
            return Vec::new();
        }
        let blocks = (0u32..).zip(&self.function.body.blocks);
        let mut out = Vec::new();
        for (test, block) in blocks {
            let test = BlockId(test);
            let TerminatorKind::Branch {
                then, otherwise, ..
            } = block.terminator.kind
            else {
                continue;
            };
            for (to, other) in [(then, otherwise), (otherwise, then)] {
                let Some(units) = self.empty_on(test, to) else {
                    continue;
                };
                let alone = self.before(to).len() == 1;
                if self.leads_to(to, claim.block)
                    && self.is_worked_on(&units, other)
                    && !(alone && self.works_between(to, claim.block))
                {
                    out.push(Nothing { test, to, units });
                }
            }
        }
        out
    }

    /// Whether another status may be stored after a claim, in the same place.
    fn is_corrected(&self, claim: &Claim<'_>) -> bool {
        let body = &self.function.body;
        let mut later = body.reach(claim.block, None);
        later.retain(|at| *at != claim.block && !self.graph().handling.contains(at));
        later.iter().any(|at| {
            let mut statements = body.block(*at).statements.iter();
            statements.any(|statement| {
                named_store(&statement.kind).is_some_and(|(object, name)| {
                    names_status(name) && self.root(object) == claim.root
                })
            })
        })
    }

    /// Whether units are given to a call that runs only from a block on.
    fn is_worked_on(&self, units: &Name, from: BlockId) -> bool {
        let blocks = (0u32..).zip(&self.function.body.blocks);
        let mut calls = blocks.filter_map(|(at, block)| match &block.terminator.kind {
            TerminatorKind::Eval {
                rvalue: Rvalue::Call { callee, args },
                ..
            } if self.dominates(from, BlockId(at)) => Some((callee, args)),
            _ => None,
        });
        calls.any(|(callee, args)| {
            let called = called(self.function, callee);
            let given = |operand: &Operand| {
                let spot = self.spot(operand);
                spot.is_some_and(|spot| spot.name(self.function) == *units)
            };
            args.iter().any(|arg| given(&arg.value))
                && !is_quiet(&called.name, called.on.as_deref().unwrap_or_default())
        })
    }

    /// Whether something is done between two blocks that may be work: then the run has processed something else.
    fn works_between(&self, first: BlockId, claim: BlockId) -> bool {
        let body = &self.function.body;
        let earlier = self.leading_to(claim, None);
        body.reach(first, Some(claim)).into_iter().any(|at| {
            let TerminatorKind::Eval {
                rvalue: Rvalue::Call { callee, .. },
                ..
            } = &body.block(at).terminator.kind
            else {
                return false;
            };
            let called = called(self.function, callee);
            let on = called.on.unwrap_or_default();
            self.dominates(first, at)
                && earlier.contains(&at)
                && !is_log_method(&called.name)
                && !is_logger_name(&on)
                && !asks_or_shows(&called.name)
                && !is_quiet(&called.name, &on)
        })
    }

    /// What is empty on an edge of a branch.
    fn empty_on(&self, from: BlockId, to: BlockId) -> Option<Name> {
        let (cond, outcome) = self.outcome(from, to)?;
        let (units, root) = self.empty_if(cond, outcome, 0)?;
        (!self.is_next(root, from) && !self.fails_on_others(from, to)).then_some(units)
    }

    /// Whether a variable may hold the next of several: that it is empty then says nothing of those before.
    fn is_next(&self, root: LocalId, test: BlockId) -> bool {
        let mut sets = Vec::new();
        for (at, block) in (0u32..).zip(&self.function.body.blocks) {
            let mut statements = block.statements.iter();
            let stored = statements.any(
                |statement| matches!(statement.kind, StatementKind::Assign(to, _) if to == root),
            );
            let called = matches!(block.terminator.kind, TerminatorKind::Eval { dest, .. } if dest == Some(root));
            if stored || called {
                sets.push(BlockId(at));
            }
        }
        let again = self.graph().loops.iter().any(|l| {
            let head = &self.function.body.block(l.head).terminator.kind;
            !matches!(head, TerminatorKind::ForNext { .. })
                && l.blocks.contains(&test)
                && sets.iter().any(|at| l.blocks.contains(at))
        });
        again || sets.len() > 1
    }

    /// Whether the run is said to have failed where there are units: then they are what is wrong.
    fn fails_on_others(&self, from: BlockId, to: BlockId) -> bool {
        let body = &self.function.body;
        let TerminatorKind::Branch {
            then, otherwise, ..
        } = body.block(from).terminator.kind
        else {
            return false;
        };
        let other = if then == to { otherwise } else { then };
        let fails = |name: &str, value: &Operand| {
            names_status(name) && self.word(value).is_some_and(|word| says_failure(&word))
        };
        let blocks = (0u32..).zip(&body.blocks);
        let mut others = blocks.filter(|(at, _)| {
            self.dominates(other, BlockId(*at)) && !self.graph().handling.contains(&BlockId(*at))
        });
        others.any(|(_, block)| {
            let stored = block.statements.iter().any(|statement| match &statement.kind {
                StatementKind::SetField {
                    field: name, value, ..
                }
                | StatementKind::SetItem {
                    key: Operand::Const(Literal::Str(name)),
                    value,
                    ..
                } => fails(name, value),
                StatementKind::Assign(_, Rvalue::Dict(items)) => items
                    .iter()
                    .filter_map(pair)
                    .any(|(name, value)| fails(name, value)),
                _ => false,
            });
            stored
                || matches!(&block.terminator.kind, TerminatorKind::Eval { rvalue: Rvalue::Call { args, .. }, .. }
                    if args.iter().any(|arg| matches!(&arg.kind, ArgKind::Keyword(name) if fails(name, &arg.value))))
        })
    }

    /// The test of a branch, and how it comes out on an edge.
    fn outcome(&self, from: BlockId, to: BlockId) -> Option<(&Operand, bool)> {
        match &self.function.body.block(from).terminator.kind {
            TerminatorKind::Branch {
                cond,
                then,
                otherwise,
                role: BranchRole::If | BranchRole::ShortCircuit,
            } if then != otherwise => Some((cond, *then == to)),
            _ => None,
        }
    }

    fn empty_if(&self, cond: &Operand, outcome: bool, depth: usize) -> Option<(Name, LocalId)> {
        let units = |operand: &Operand| {
            let spot = self.spot(operand)?;
            let name = spot.name(self.function);
            names_units(&name).then_some((name, spot.root))
        };
        if !outcome && let Some(found) = units(cond) {
            return Some(found);
        }
        let Operand::Local(local) = cond else {
            return None;
        };
        match self.only[local.index()]? {
            Rvalue::Not(of) if depth < DEPTH => self.empty_if(of, !outcome, depth + 1),
            Rvalue::Use(of) if depth < DEPTH => self.empty_if(of, outcome, depth + 1),
            Rvalue::Compare(op, number, Operand::Const(Literal::Int(bound))) => {
                let empty = matches!(
                    (op, bound, outcome),
                    (CmpOp::Eq | CmpOp::LtE, 0, true)
                        | (CmpOp::NotEq | CmpOp::Gt, 0, false)
                        | (CmpOp::Lt, 1, true)
                        | (CmpOp::GtE, 1, false)
                );
                let Operand::Local(counted) = number else {
                    return None;
                };
                let of = match self.only[counted.index()] {
                    Some(Rvalue::Data(Data::Len(of))) => units(of),
                    Some(Rvalue::Call { callee, args })
                        if called(self.function, callee).name == "len" =>
                    {
                        args.first().and_then(|arg| units(&arg.value))
                    }
                    Some(Rvalue::Binary(BinOp::Sub, ..)) => None,
                    _ => units(number),
                };
                of.filter(|_| empty)
            }
            // `frame.empty`
            Rvalue::GetField(of, name) if name == "empty" && outcome => units(of),
            Rvalue::Call { callee, .. } if outcome => {
                let Callee::Method { receiver, name, .. } = callee else {
                    return None;
                };
                units(receiver).filter(|_| name == "is_empty")
            }
            _ => None,
        }
    }

    /// Whether a block is reached only if a test comes out differently than it does on an edge: the same
    /// question is asked again.
    fn is_contradicted(&self, from: BlockId, to: BlockId, block: BlockId, text: &str) -> bool {
        let Some((_, outcome)) = self.outcome(from, to) else {
            return false;
        };
        let asked = |at: BlockId| self.function.body.block(at).terminator.span.slice(text);
        self.graph().control.deciders(block).iter().any(|edge| {
            let again = self.outcome(edge.from, edge.to);
            edge.from != from
                && again.is_some_and(|(_, other)| other != outcome)
                && self.dominates(edge.to, block)
                && self.before(edge.to).len() == 1
                && asked(edge.from) == asked(from)
        })
    }

    /// Whether something beside a claim tells that there was nothing to process.
    fn tells(&self, claim: &Claim<'_>) -> bool {
        let says = |name: &Option<Name>, value: &Operand| {
            let named = name.as_deref().is_some_and(names_words);
            let local = self.spot(value).map(|spot| spot.name(self.function));
            named
                || local.is_some_and(|local| names_words(&local))
                || !name.as_deref().is_some_and(names_status) && self.tells_of_nothing(value)
        };
        let beside = claim.beside.iter().any(|(name, value)| says(name, value));
        let body = &self.function.body;
        let mut stores = body.blocks.iter().flat_map(|block| &block.statements);
        beside
            || stores.any(|statement| {
                named_store(&statement.kind).is_some_and(|(object, name)| {
                    claim.root.is_some() && self.root(object) == claim.root && names_words(name)
                })
            })
    }

    /// Whether something that is said beside a success tells that there was nothing: no rows, a count of 0, a text.
    fn tells_of_nothing(&self, value: &Operand) -> bool {
        match value {
            Operand::Const(Literal::Int(0) | Literal::Bool(false)) => true,
            Operand::Const(Literal::Str(text)) => says_nothing_done(text),
            Operand::Const(_) => false,
            Operand::Local(local) => match self.only[local.index()] {
                Some(Rvalue::List(items) | Rvalue::Tuple(items)) => items.is_empty(),
                Some(Rvalue::Dict(items)) => items.is_empty(),
                Some(Rvalue::Format(pieces)) => pieces
                    .iter()
                    .any(|piece| matches!(piece, Operand::Const(Literal::Str(text)) if says_nothing_done(text))),
                _ => false,
            },
        }
    }
}

/// Whether what has this name tells how much was processed, or what happened.
fn names_words(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    names_units(name)
        || lower.split('_').any(|word| {
            WORDS.contains(&word)
                || matches!(
                    word,
                    "count" | "counts" | "total" | "num" | "n" | "rows" | "records" | "size"
                )
        })
}
