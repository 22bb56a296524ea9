//! Whether a loop tries the same work again: its rounds are numbered attempts, and not rows.

use std::collections::BTreeSet;

use super::code::called;
use super::failure::{FailureNote, get};
use super::flow::sources;
use crate::engine::Engine;
use crate::engine::values::state::State;
use crate::engine::values::value::Term;
use crate::ir::{
    BlockId, Body, Function, LocalId, LocalKind, Operand, Rvalue, StatementKind, TerminatorKind,
};
use crate::program::{FuncRef, Program};

/// Whether a call is the one that failed before, made again by a loop of attempts.
pub(in crate::rules) fn tries_again(
    program: &Program<'_>,
    state: &State,
    engine: &Engine<'_>,
    (func, block): (FuncRef, u32),
) -> bool {
    let failed = get(state, FailureNote::FailedAt);
    let again = failed.is_some_and(|at| *engine.terms.term(at) == Term::Place(func, block));
    let module = program.module(func.module);
    again && is_in_attempts(module.ir.function(func.func), BlockId(block))
}

/// Whether the innermost loop around a block is one over a range, or a `while` loop that changes nothing
/// of what the call at the end of the block is given.
fn is_in_attempts(function: &Function, at: BlockId) -> bool {
    let body = &function.body;
    let heads = (0u32..)
        .zip(&body.blocks)
        .filter(|(_, block)| block.loop_head);
    let around = heads.filter_map(|(head, block)| {
        let inside = body.natural_loop(BlockId(head));
        inside
            .contains(&at)
            .then_some((inside.len(), &block.terminator.kind, inside))
    });
    let innermost = around.min_by_key(|(size, ..)| *size);
    innermost.is_some_and(|(_, head, inside)| match head {
        TerminatorKind::ForNext { iter, .. } => is_over_range(function, body, *iter),
        _ => is_given_the_same(function, at, &inside),
    })
}

/// Whether a call is given rows that are held by variables which no block of a loop assigns.
fn is_given_the_same(function: &Function, at: BlockId, inside: &BTreeSet<BlockId>) -> bool {
    let body = &function.body;
    let TerminatorKind::Eval {
        rvalue: Rvalue::Call { args, .. },
        ..
    } = &body.block(at).terminator.kind
    else {
        return false;
    };
    let given = args.iter().filter_map(|arg| match arg.value {
        Operand::Local(local) => Some(local),
        Operand::Const(_) => None,
    });
    let holders = sources(function, given.collect());
    let held = |local: &LocalId| {
        holders.contains(local) && body.locals[local.index()].kind == LocalKind::Var
    };
    let mut known = false;
    for (block, at) in body.blocks.iter().zip((0u32..).map(BlockId)) {
        let stores = block.statements.iter().filter_map(|s| match &s.kind {
            StatementKind::Assign(to, _) => Some(*to),
            _ => None,
        });
        let (dest, taken) = match &block.terminator.kind {
            TerminatorKind::Eval { dest, .. } => (*dest, None),
            // What the items are taken from is asked itself.
            TerminatorKind::ForNext { dest, .. } => (None, Some(*dest)),
            _ => (None, None),
        };
        let mut assigned = stores.chain(dest);
        let inside = inside.contains(&at);
        if inside && assigned.any(|local| held(&local)) {
            return false;
        }
        known |= !inside && assigned.chain(taken).any(|local| held(&local));
    }
    known
}

fn is_over_range(function: &Function, body: &Body, iter: LocalId) -> bool {
    let mut at = iter;
    for _ in 0..4 {
        match body.only_value(at) {
            Some(
                Rvalue::Iter {
                    object: Operand::Local(from),
                    ..
                }
                | Rvalue::Use(Operand::Local(from)),
            ) => at = *from,
            Some(Rvalue::Call { callee, .. }) => {
                return called(function, callee).name == "range";
            }
            _ => return false,
        }
    }
    false
}
