//! Whether a loop tries the same work again: its rounds are numbered attempts, and not rows.

use super::code::called;
use super::failure::{FailureNote, get};
use crate::engine::Engine;
use crate::engine::values::state::State;
use crate::engine::values::value::Term;
use crate::ir::{BlockId, Body, Function, LocalId, Operand, Rvalue, TerminatorKind};
use crate::program::{FuncRef, Program};

/// Whether a call is the one that failed before, made again by a loop over a range.
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

/// Whether the innermost `for` loop around a block is one over a range.
fn is_in_attempts(function: &Function, at: BlockId) -> bool {
    let body = &function.body;
    let blocks = (0u32..).zip(&body.blocks);
    let around = blocks.filter_map(|(head, block)| match &block.terminator.kind {
        TerminatorKind::ForNext { iter, .. } => {
            let inside = body.natural_loop(BlockId(head));
            inside.contains(&at).then_some((inside.len(), *iter))
        }
        _ => None,
    });
    let innermost = around.min_by_key(|(size, _)| *size);
    innermost.is_some_and(|(_, iter)| is_over_range(function, body, iter))
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
