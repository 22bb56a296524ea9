//! Which blocks a function can reach after a failure, told by its graph: a `finally` is left the way that it
//! was entered, and what a helper says of its own failure decides the branch that asks it.

use std::collections::{BTreeMap, BTreeSet};

use crate::ir::{
    BlockId, Body, Function, Literal, LocalId, LocalKind, Operand, Rvalue, StatementKind,
    TerminatorKind,
};
use crate::program::{FuncRef, Program};
use crate::rules::failed_write::handling::Handling;

/// How many blocks are looked at, counted for each pending completion. Beyond it, a `finally` may be left by
/// every way.
const STEPS: usize = 4096;

/// How many operators of a condition are looked through.
const DEPTH: u32 = 6;

/// The blocks that can be reached from these without entering another one. `leaves` says how a block is left, if not as its terminator says.
pub(super) fn reach_by(
    body: &Body,
    starts: Vec<BlockId>,
    without: Option<BlockId>,
    leaves: &dyn Fn(BlockId, &TerminatorKind) -> Option<Vec<BlockId>>,
) -> BTreeSet<BlockId> {
    // The completion that is pending for each `finally`, as far as it is known.
    type Pending = BTreeMap<LocalId, i64>;
    let mut seen: BTreeSet<(BlockId, Pending)> = BTreeSet::new();
    let mut open: Vec<(BlockId, Pending)> =
        starts.into_iter().map(|at| (at, Pending::new())).collect();
    while let Some((at, mut pending)) = open.pop() {
        if seen.len() > STEPS {
            pending.clear();
        }
        if Some(at) == without || !seen.insert((at, pending.clone())) {
            continue;
        }
        let block = body.block(at);
        for statement in &block.statements {
            if let StatementKind::Assign(to, rvalue) = &statement.kind {
                match rvalue {
                    Rvalue::Use(Operand::Const(Literal::Int(code))) if is_completion(body, *to) => {
                        pending.insert(*to, *code);
                    }
                    _ => {}
                }
            }
        }
        let terminator = &block.terminator.kind;
        let next = leaves(at, terminator).unwrap_or_else(|| match terminator {
            TerminatorKind::Switch { on, cases } => {
                let code = pending.remove(on);
                let fits = |case: &Literal| code.is_none_or(|code| *case == Literal::Int(code));
                let cases = cases.iter().filter(|(case, _)| fits(case));
                cases.map(|(_, to)| *to).collect()
            }
            other => {
                let mut next = Vec::new();
                other.for_each_successor(|to| next.push(to));
                next
            }
        });
        open.extend(next.into_iter().map(|to| (to, pending.clone())));
    }
    seen.into_iter().map(|(at, _)| at).collect()
}

fn is_completion(body: &Body, local: LocalId) -> bool {
    body.locals[local.index()].kind == LocalKind::Completion
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
    let handling = Handling::after(helper, catch, true);
    let mut truths =
        handling
            .blocks
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
