//! Which blocks a function can reach after a failure, told by its graph and the constants in its
//! variables: a flag that was set is set, a list that was added to is not empty, a `finally` is left the way
//! that it was entered, and what a helper says of its own failure decides the branch that asks it.

use std::collections::{BTreeMap, BTreeSet};

use crate::ir::{
    Arg, BinOp, BlockId, Body, Callee, CmpOp, Function, Literal, LocalId, LocalKind, Operand,
    Rvalue, StatementKind, TerminatorKind,
};
use crate::program::{FuncRef, Program};
use crate::rules::failed_write::handling::Handling;

/// How many blocks are looked at, counted for each set of constants. Beyond it, nothing is known of variables.
const STEPS: usize = 512;

/// How far a counter is known.
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
    starts: Starts,
    without: Option<BlockId>,
) -> BTreeSet<BlockId> {
    let seen = walk(body, starts, without, &|_, _| None);
    seen.into_iter().map(|(at, _)| at).collect()
}

/// Whether a way from these blocks passes one of others and then arrives at a block.
pub(super) fn passes(
    body: &Body,
    starts: Starts,
    through: &BTreeSet<BlockId>,
    to: BlockId,
) -> bool {
    let seen = walk(body, starts, None, &|_, _| None);
    let passed = seen.into_iter().filter(|(at, _)| through.contains(at));
    let then = walk(body, passed.collect(), None, &|_, _| None);
    then.iter().any(|(at, _)| *at == to)
}

/// Blocks to go on from after a block: on each way to it, something else may be known.
pub(super) fn starts_after(body: &Body, block: BlockId, next: &[BlockId]) -> Starts {
    let entry = vec![(BlockId::ENTRY, Known::new())];
    let arrived = walk(body, entry, None, &|_, _| None);
    let here = arrived.into_iter().filter(|(at, _)| *at == block);
    let known: BTreeSet<Known> = here
        .map(|(_, mut known)| {
            state(body, block, &mut known);
            call(body, block, &mut known);
            known
        })
        .collect();
    let each = |known: Known| next.iter().map(move |at| (*at, known.clone()));
    known.into_iter().flat_map(each).collect()
}

/// The blocks that can be reached, each with what is known where it begins.
fn walk(
    body: &Body,
    starts: Starts,
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
        call(body, at, &mut known);
        open.extend(next.into_iter().map(|to| (to, known.clone())));
    }
    seen
}

/// What is known after the statements of a block.
fn state(body: &Body, at: BlockId, known: &mut Known) {
    for statement in &body.block(at).statements {
        match &statement.kind {
            StatementKind::Assign(to, rvalue) => {
                let value = result(known, rvalue);
                bind(known, *to, value);
            }
            StatementKind::SetItem {
                object: object @ Operand::Local(of),
                ..
            } if matches!(constant(known, object), Some(Constant::Items(_))) => {
                known.insert(*of, Constant::Items(true));
            }
            _ => {}
        }
    }
}

/// What is known after the end of a block. Temporaries are forgotten, except for what it gives itself.
fn call(body: &Body, at: BlockId, known: &mut Known) {
    let terminator = &body.block(at).terminator.kind;
    let (assigned, given) = match terminator {
        TerminatorKind::Eval {
            dest,
            rvalue: Rvalue::Call { callee, args },
            ..
        } => (*dest, answer(body, known, callee, args)),
        TerminatorKind::Eval { dest, .. } => (*dest, None),
        TerminatorKind::ForNext { dest, .. } => (Some(*dest), None),
        _ => (None, None),
    };
    known.retain(|local, _| {
        let kind = body.locals[local.index()].kind;
        Some(*local) != assigned && matches!(kind, LocalKind::Var | LocalKind::Completion)
    });
    if let (Some(to), Some(value)) = (assigned, given) {
        known.insert(to, value);
    }
}

/// What a call gives, if that is known. What it may do to a list is known afterwards, too.
fn answer(body: &Body, known: &mut Known, callee: &Callee, args: &[Arg]) -> Option<Constant> {
    let is_len = |of: &LocalId| matches!(body.only_value(*of), Some(Rvalue::Global(name)) if &**name == "len");
    if let (Callee::Value(Operand::Local(of)), [arg]) = (callee, args)
        && is_len(of)
    {
        return match constant(known, &arg.value)? {
            Constant::Items(true) => Some(Constant::Several),
            Constant::Items(false) => Some(Constant::Int(0)),
            _ => None,
        };
    }
    for arg in args {
        if constant(known, &arg.value) == Some(Constant::Items(false)) {
            // Whoever has it may add to it.
            forget(known, &arg.value);
        }
    }
    let Callee::Method { receiver, name, .. } = callee else {
        return None;
    };
    let Some(Constant::Items(filled)) = constant(known, receiver) else {
        return None;
    };
    match &**name {
        "is_empty" => return Some(Constant::Int(i64::from(!filled))),
        "append" | "appendleft" | "add" | "insert" | "push" => {
            if let Operand::Local(list) = receiver {
                known.insert(*list, Constant::Items(true));
            }
        }
        "len" | "copy" | "index" | "count" | "sort" | "reverse" => {}
        "extend" | "update" if filled => {}
        _ => forget(known, receiver),
    }
    None
}

fn forget(known: &mut Known, operand: &Operand) {
    if let Operand::Local(local) = operand {
        known.remove(local);
    }
}

/// What is known of a flag, a list, or a pending completion.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Constant {
    None,
    Int(i64),
    /// A number above 0.
    Several,
    /// A list, a set or a dict: whether there is something in it.
    Items(bool),
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
            Self::Several => true,
            Self::Items(truth) | Self::Other(truth) => truth,
        }
    }
}

pub(super) type Known = BTreeMap<LocalId, Constant>;

/// Where a walk begins, each block with what is known there.
pub(super) type Starts = Vec<(BlockId, Known)>;

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
    let filled = |of: &Operand| constant(known, of) == Some(Constant::Items(true));
    match rvalue {
        Rvalue::Use(of) => constant(known, of),
        Rvalue::List(of) | Rvalue::Set(of) => {
            let one = of.iter().any(|e| !e.starred);
            (one || of.is_empty()).then_some(Constant::Items(one))
        }
        Rvalue::Dict(of) if of.is_empty() => Some(Constant::Items(false)),
        Rvalue::Binary(BinOp::Add, a, b) | Rvalue::InPlace(BinOp::Add, a, b)
            if filled(a) || filled(b) =>
        {
            Some(Constant::Items(true))
        }
        Rvalue::Not(of) => truth(!constant(known, of)?.truth()),
        Rvalue::Binary(BinOp::Add, a, b) | Rvalue::InPlace(BinOp::Add, a, b) => {
            match (constant(known, a)?, constant(known, b)?) {
                (Constant::Int(a), Constant::Int(b)) => {
                    let sum = a.checked_add(b)?;
                    if sum.abs() <= COUNTED {
                        Some(Constant::Int(sum))
                    } else {
                        (sum > 0).then_some(Constant::Several)
                    }
                }
                (Constant::Several, Constant::Int(0..)) => Some(Constant::Several),
                _ => None,
            }
        }
        Rvalue::Compare(op, a, b) => match (op, constant(known, a)?, constant(known, b)?) {
            (CmpOp::Eq, Constant::Several, Constant::Int(..=0)) => truth(false),
            (CmpOp::Gt | CmpOp::NotEq, Constant::Several, Constant::Int(..=0)) => truth(true),
            (CmpOp::GtE, Constant::Several, Constant::Int(..=1)) => truth(true),
            (CmpOp::Lt, Constant::Several, Constant::Int(..=1)) => truth(false),
            (CmpOp::Is | CmpOp::Eq, a, Constant::None) => truth(a == Constant::None),
            (CmpOp::IsNot | CmpOp::NotEq, a, Constant::None) => truth(a != Constant::None),
            (CmpOp::Is | CmpOp::Eq, Constant::None, _) => truth(false),
            (CmpOp::IsNot | CmpOp::NotEq, Constant::None, _) => truth(true),
            (CmpOp::Is | CmpOp::Eq, Constant::Int(a), Constant::Int(b)) => truth(a == b),
            (CmpOp::IsNot | CmpOp::NotEq, Constant::Int(a), Constant::Int(b)) => truth(a != b),
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
    let given = returned(
        program.module(helper.module).ir.function(helper.func),
        catch,
    )?;
    let mut blocks = (0u32..).zip(&function.body.blocks);
    blocks.find_map(|(at, block)| match &block.terminator.kind {
        TerminatorKind::Branch { cond, .. } => {
            let told = |value: &Constant| says(function, cond, (*result, *value), DEPTH);
            let mut outcomes = given.iter().map(told);
            let first = outcomes.next()??;
            let same = outcomes.all(|outcome| outcome == Some(first));
            same.then_some((BlockId(at), first))
        }
        _ => None,
    })
}

/// What a helper may return after it has caught a failure; `None` if that is not always a constant.
fn returned(helper: &Function, catch: BlockId) -> Option<BTreeSet<Constant>> {
    let handling = only_after(helper, catch, true);
    let mut values =
        handling
            .iter()
            .filter_map(|at| match &helper.body.block(*at).terminator.kind {
                TerminatorKind::Return { value, .. } => Some(match value {
                    Operand::Const(literal @ (Literal::Bool(_) | Literal::None)) => {
                        Constant::of(literal)
                    }
                    _ => None,
                }),
                _ => None,
            });
    let values: Option<BTreeSet<Constant>> = values.by_ref().collect();
    values.filter(|values| !values.is_empty())
}

/// How a condition that asks for a result comes out, if the result is a constant.
fn says(
    function: &Function,
    cond: &Operand,
    given: (LocalId, Constant),
    depth: u32,
) -> Option<bool> {
    let Operand::Local(local) = cond else {
        return None;
    };
    let (asked, value) = given;
    if *local == asked {
        return Some(value.truth());
    }
    let depth = depth.checked_sub(1)?;
    match function.body.only_value(*local)? {
        Rvalue::Use(of) => says(function, of, given, depth),
        Rvalue::Not(of) => says(function, of, given, depth).map(|told| !told),
        compared @ Rvalue::Compare(_, Operand::Local(of), Operand::Const(_)) if *of == asked => {
            let known = Known::from([(asked, value)]);
            result(&known, compared).map(Constant::truth)
        }
        _ => None,
    }
}
