//! Which blocks a function can reach after a failure, told by its graph and the constants in its
//! variables: a flag that was set is set, a `finally` is left the way that it was entered, and what a helper
//! says of its own failure decides the branch that asks it.

use std::collections::{BTreeMap, BTreeSet};

use crate::ir::{
    BinOp, BlockId, Body, CmpOp, Function, Literal, LocalId, LocalKind, Operand, Rvalue,
    StatementKind, TerminatorKind,
};
use crate::program::{FuncRef, Program};
use crate::rules::failed_write::handling::Handling;

/// How many blocks are looked at, counted for each set of constants. Beyond it, nothing is known of variables.
const STEPS: usize = 512;

/// How far a counter is known: one that goes on may have any value.
const COUNTED: i64 = 3;

/// How many operators of a condition are looked through.
const DEPTH: u32 = 6;

/// How a block is left, if not as its terminator says.
type Leaves<'l> = &'l dyn Fn(BlockId, &TerminatorKind) -> Option<Vec<BlockId>>;

/// The blocks that can be reached from the entry.
pub(super) fn reach_by(body: &Body, leaves: Leaves<'_>) -> BTreeSet<BlockId> {
    let seen = walk(body, vec![(BlockId::ENTRY, Known::new())], None, leaves);
    seen.into_iter().map(|(at, _)| at).collect()
}

/// The blocks that can be reached from these without entering another one.
pub(super) fn reach_from(
    body: &Body,
    starts: Vec<BlockId>,
    known: &Known,
    without: Option<BlockId>,
) -> BTreeSet<BlockId> {
    let starts = starts.into_iter().map(|at| (at, known.clone())).collect();
    let seen = walk(body, starts, without, &|_, _| None);
    seen.into_iter().map(|(at, _)| at).collect()
}

/// What is known after a block, on whatever way it was reached.
pub(super) fn known_after(body: &Body, block: BlockId) -> Known {
    let arrived = walk(body, vec![(BlockId::ENTRY, Known::new())], None, &|_, _| {
        None
    });
    let mut known: Option<Known> = None;
    for (_, mut here) in arrived.into_iter().filter(|(at, _)| *at == block) {
        state(body, block, &mut here);
        forget(body, block, &mut here);
        match &mut known {
            Some(known) => known.retain(|local, value| here.get(local) == Some(value)),
            None => known = Some(here),
        }
    }
    known.unwrap_or_default()
}

/// The blocks that can be reached, each with what is known where it begins.
fn walk(
    body: &Body,
    starts: Vec<(BlockId, Known)>,
    without: Option<BlockId>,
    leaves: Leaves<'_>,
) -> BTreeSet<(BlockId, Known)> {
    let mut seen: BTreeSet<(BlockId, Known)> = BTreeSet::new();
    let mut open = starts;
    while let Some((at, mut known)) = open.pop() {
        if seen.len() > STEPS {
            known.clear();
        }
        if Some(at) == without || !seen.insert((at, known.clone())) {
            continue;
        }
        state(body, at, &mut known);
        let terminator = &body.block(at).terminator.kind;
        let next = leaves(at, terminator).unwrap_or_else(|| leave(&known, terminator));
        forget(body, at, &mut known);
        open.extend(next.into_iter().map(|to| (to, known.clone())));
    }
    seen
}

/// What is known after the statements of a block.
fn state(body: &Body, at: BlockId, known: &mut Known) {
    for statement in &body.block(at).statements {
        if let StatementKind::Assign(to, rvalue) = &statement.kind {
            let value = result(known, rvalue);
            bind(known, *to, value);
        }
    }
}

/// Forgets what the end of a block assigns, and temporaries: only variables are flags.
fn forget(body: &Body, at: BlockId, known: &mut Known) {
    let assigned = match &body.block(at).terminator.kind {
        TerminatorKind::Eval { dest, .. } => *dest,
        TerminatorKind::ForNext { dest, .. } => Some(*dest),
        _ => None,
    };
    known.retain(|local, _| {
        let kind = body.locals[local.index()].kind;
        Some(*local) != assigned && matches!(kind, LocalKind::Var | LocalKind::Completion)
    });
}

/// A constant that a flag or a pending completion holds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Constant {
    None,
    Int(i64),
    /// Another literal, by its truth.
    Other(bool),
}

impl Constant {
    fn of(literal: &Literal) -> Option<Self> {
        match literal {
            Literal::None => Some(Self::None),
            Literal::Bool(value) => Some(Self::Int(i64::from(*value))),
            Literal::Int(value) => Some(Self::Int(*value)),
            Literal::Str(text) => Some(Self::Other(!text.is_empty())),
            _ => None,
        }
    }

    fn truth(self) -> bool {
        match self {
            Self::None => false,
            Self::Int(value) => value != 0,
            Self::Other(truth) => truth,
        }
    }
}

pub(super) type Known = BTreeMap<LocalId, Constant>;

fn bind(known: &mut Known, to: LocalId, value: Option<Constant>) {
    match value {
        Some(value) => known.insert(to, value),
        None => known.remove(&to),
    };
}

fn constant(known: &Known, operand: &Operand) -> Option<Constant> {
    match operand {
        Operand::Local(local) => known.get(local).copied(),
        Operand::Const(literal) => Constant::of(literal),
    }
}

/// The constant that an rvalue gives.
fn result(known: &Known, rvalue: &Rvalue) -> Option<Constant> {
    let truth = |value: bool| Some(Constant::Int(i64::from(value)));
    match rvalue {
        Rvalue::Use(of) => constant(known, of),
        Rvalue::Not(of) => truth(!constant(known, of)?.truth()),
        Rvalue::Binary(BinOp::Add, a, b) | Rvalue::InPlace(BinOp::Add, a, b) => {
            match (constant(known, a)?, constant(known, b)?) {
                (Constant::Int(a), Constant::Int(b)) => {
                    let sum = a.checked_add(b)?;
                    (sum.abs() <= COUNTED).then_some(Constant::Int(sum))
                }
                _ => None,
            }
        }
        Rvalue::Compare(op, a, b) => match (op, constant(known, a)?, constant(known, b)?) {
            (CmpOp::Is | CmpOp::Eq, a, Constant::None) => truth(a == Constant::None),
            (CmpOp::IsNot | CmpOp::NotEq, a, Constant::None) => truth(a != Constant::None),
            (CmpOp::Eq, Constant::Int(a), Constant::Int(b)) => truth(a == b),
            (CmpOp::NotEq, Constant::Int(a), Constant::Int(b)) => truth(a != b),
            (CmpOp::Lt, Constant::Int(a), Constant::Int(b)) => truth(a < b),
            (CmpOp::LtE, Constant::Int(a), Constant::Int(b)) => truth(a <= b),
            (CmpOp::Gt, Constant::Int(a), Constant::Int(b)) => truth(a > b),
            (CmpOp::GtE, Constant::Int(a), Constant::Int(b)) => truth(a >= b),
            _ => None,
        },
        _ => None,
    }
}

/// Where a block goes on, by what is known.
fn leave(known: &Known, terminator: &TerminatorKind) -> Vec<BlockId> {
    let mut next = Vec::new();
    match terminator {
        TerminatorKind::Switch { on, cases } => {
            let code = known.get(on);
            let fits = |case: &Literal| code.is_none_or(|code| Constant::of(case) == Some(*code));
            let cases = cases.iter().filter(|(case, _)| fits(case));
            next.extend(cases.map(|(_, to)| *to));
        }
        TerminatorKind::Branch {
            cond,
            then,
            otherwise,
            ..
        } => match constant(known, cond) {
            Some(value) => next.push(if value.truth() { *then } else { *otherwise }),
            None => next.extend([*then, *otherwise]),
        },
        other => other.for_each_successor(|to| next.push(to)),
    }
    next
}

/// What runs only after this outcome of a branch. That may be nothing: the failing side may lead to where other
/// paths arrive, too, such as the head of a loop.
pub(super) fn only_after(function: &Function, branch: BlockId, taken: bool) -> BTreeSet<BlockId> {
    let body = &function.body;
    let mut blocks = Handling::after(function, branch, taken).blocks;
    if let TerminatorKind::Branch {
        then, otherwise, ..
    } = &body.block(branch).terminator.kind
    {
        let working = if taken { *otherwise } else { *then };
        let mut without = body.reach(BlockId::ENTRY, Some(branch));
        without.extend(body.reach(working, Some(branch)));
        blocks.retain(|at| *at != branch && !without.contains(at));
    }
    blocks
}

/// The branch of a caller that asks what a helper returned after it had caught a failure, and its outcome
/// then. `call` ends with the call of the helper.
pub(super) fn told_by(
    program: &Program<'_>,
    (helper, catch): (FuncRef, BlockId),
    function: &Function,
    call: BlockId,
) -> Option<(BlockId, bool)> {
    let TerminatorKind::Eval {
        dest: Some(result), ..
    } = &function.body.block(call).terminator.kind
    else {
        return None;
    };
    let truth = returned(
        program.module(helper.module).ir.function(helper.func),
        catch,
    )?;
    let mut blocks = (0u32..).zip(&function.body.blocks);
    blocks.find_map(|(at, block)| match &block.terminator.kind {
        TerminatorKind::Branch { cond, .. } => {
            let same = asks(function, cond, *result, DEPTH)?;
            Some((BlockId(at), truth == same))
        }
        _ => None,
    })
}

/// The truth of what a helper returns after it has caught a failure; `None` if that is not always the same.
fn returned(helper: &Function, catch: BlockId) -> Option<bool> {
    let handling = only_after(helper, catch, true);
    let mut truths =
        handling
            .iter()
            .filter_map(|at| match &helper.body.block(*at).terminator.kind {
                TerminatorKind::Return { value, .. } => Some(match value {
                    Operand::Const(Literal::Bool(value)) => Some(*value),
                    Operand::Const(Literal::None) => Some(false),
                    _ => None,
                }),
                _ => None,
            });
    let first = truths.next()??;
    truths.all(|truth| truth == Some(first)).then_some(first)
}

/// Whether a condition is the truth of a result, or its opposite.
fn asks(function: &Function, cond: &Operand, result: LocalId, depth: u32) -> Option<bool> {
    let Operand::Local(local) = cond else {
        return None;
    };
    if *local == result {
        return Some(true);
    }
    let depth = depth.checked_sub(1)?;
    match function.body.only_value(*local)? {
        Rvalue::Use(of) => asks(function, of, result, depth),
        Rvalue::Not(of) => asks(function, of, result, depth).map(|same| !same),
        _ => None,
    }
}
