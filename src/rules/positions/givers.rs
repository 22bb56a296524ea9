//! Functions that give rows to their callers after the position has moved past them.

use super::before::hands_out_later;
use super::moves::{By, Position, named};
use crate::ir::{BlockId, Callee, Operand, TerminatorKind};
use crate::presets::Moves;
use crate::program::{FuncRef, ModuleId, Program};
use crate::rules::failed_write::code::{called, callee_of, calls};
use crate::rules::failed_write::that_mention;
use crate::rules::tables::hints_at_position;
use crate::settings::Writes;
use crate::source::Span;

/// In how many other files callers are looked for. A name that more files mention is too common to tell.
const MAX_FILES: usize = 24;

/// A function that gives rows to its callers after the position has moved past them.
struct Giver {
    func: FuncRef,
    moves: Moves,
    /// Where the position moves.
    inside: (FuncRef, Span),
}

/// The calls that are given rows past which the position has moved already, by the functions that make them.
/// `func` moves the position itself, and gives the rows to its callers, or is called by a function of its file that
/// does.
pub(in crate::rules) fn given_late(
    program: &Program<'_>,
    writes: &Writes,
    func: FuncRef,
    own: &[Position],
) -> Vec<(FuncRef, Position)> {
    let mut out: Vec<(FuncRef, Position)> = Vec::new();
    for giver in givers(program, func, own) {
        for (caller, position) in giver.calls(program, writes) {
            let known =
                |(of, known): &(FuncRef, Position)| *of == caller && known.at == position.at;
            if !out.iter().any(known) {
                out.push((caller, position));
            }
        }
    }
    out
}

fn givers(program: &Program<'_>, func: FuncRef, own: &[Position]) -> Vec<Giver> {
    let module = program.module(func.module);
    let function = module.ir.function(func.func);
    let mut direct = own.iter().filter(|position| position.inside.is_none());
    let Some(moved) = direct
        .clone()
        .find(|position| position.moves != Moves::Kept)
    else {
        return Vec::new();
    };
    let giver = |of, position: &Position| Giver {
        func: of,
        moves: position.moves,
        inside: (func, position.span),
    };
    if let Some(position) = direct.find(|position| hands_out_later(function, position)) {
        return vec![giver(func, position)];
    }
    // What only moves the position may be called by what gives the rows.
    let callers = module
        .ir
        .mentioning(&function.name)
        .filter_map(|(idx, caller)| {
            let this = FuncRef {
                module: func.module,
                func: idx,
            };
            let hands_out = |(at, callee, _): (BlockId, &Callee, _)| {
                let place = (at, caller.body.block(at).terminator.span);
                let position = Position {
                    inside: Some((func, moved.span)),
                    consumer: moved.consumer.clone(),
                    ..Position::new(place, moved.moves, function.name.clone())
                };
                callee_of(program, this, callee) == Some(func) && hands_out_later(caller, &position)
            };
            (this != func && calls(caller).any(hands_out)).then(|| giver(this, moved))
        });
    callers.collect()
}

impl Giver {
    /// The calls of the function, in all files.
    fn calls(&self, program: &Program<'_>, writes: &Writes) -> Vec<(FuncRef, Position)> {
        let own = program.module(self.func.module);
        let name = &own.ir.function(self.func.func).name;
        let mut out = Vec::new();
        let (others, more) = program.modules_that_mention(name, self.func.module, MAX_FILES);
        // With such a name, the caller is looked at in any case.
        if more || hints_at_position(name) {
            return out;
        }
        for id in others.into_iter().chain([self.func.module]) {
            self.calls_in(program, writes, id, &mut out);
        }
        out
    }

    fn calls_in(
        &self,
        program: &Program<'_>,
        writes: &Writes,
        id: ModuleId,
        out: &mut Vec<(FuncRef, Position)>,
    ) {
        let module = program.module(id);
        let own = program.module(self.func.module);
        let name = &own.ir.function(self.func.func).name;
        for (this, caller) in that_mention(&module, name) {
            for (at, callee, _) in calls(caller) {
                let block = caller.body.block(at);
                let TerminatorKind::Eval {
                    dest: Some(dest), ..
                } = block.terminator.kind
                else {
                    continue;
                };
                let runs = || {
                    callee_of(program, this, callee)
                        .or_else(|| program.call_inside(&writes.presets, (this, at)))
                };
                if called(caller, callee).name != *name || runs() != Some(self.func) {
                    continue;
                }
                let place = (at, block.terminator.span);
                let position = Position {
                    values: vec![Operand::Local(dest)],
                    inside: Some(self.inside),
                    by: By::Giving,
                    ..Position::new(place, self.moves, named(caller, callee))
                };
                out.push((this, position));
            }
        }
    }
}
