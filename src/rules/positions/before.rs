//! Whether a position moves before the rows that it covers are written: if the write fails, or the process stops
//! in between, nobody reads them again.

use std::collections::BTreeSet;

use rustc_hash::FxHashSet;

use super::covers::{followed_calls, is_assigned, successors, takes};
use super::moves::{By, Position, locals_of};
use crate::ir::{
    BlockId, Body, Callee, Function, Literal, LocalId, LocalKind, Operand, Rvalue, TerminatorKind,
};
use crate::presets::Moves;
use crate::program::{FuncRef, Program};
use crate::rules::failed_write::code::{call_at, called, calls, named};
use crate::rules::failed_write::flow::{origins as made_of, rvalues, sources};
use crate::rules::failed_write::units::{taken_for, takes_next};
use crate::rules::failed_write::watch::Calls;
use crate::rules::tables::{gives_back, has_word};

/// Words of a name that say that a value is the end of what was read, and not its start.
const ENDS: &[&str] = &[
    "next", "last", "end", "latest", "newest", "max", "until", "high",
];

/// The writes of rows that a position covers, and that are made only after it has moved, in the same round.
/// `writes` are the calls that store something.
pub(in crate::rules) fn written_later(
    program: &Program<'_>,
    func: FuncRef,
    position: &Position,
    writes: &Calls,
) -> Vec<BlockId> {
    let module = program.module(func.module);
    let function = module.ir.function(func.func);
    if is_given_back(function, position) || !is_durable(function, position) {
        return Vec::new();
    }
    let later = stores(program, func, writes).into_iter();
    let later = later.filter(|at| {
        *at != position.at && is_covered(function, position, &takes(function, *at), *at)
    });
    later.collect()
}

/// Whether a function gives rows to its caller, and a position that covers them moves before that.
pub(super) fn hands_out_later(function: &Function, position: &Position) -> bool {
    if is_given_back(function, position) || !is_durable(function, position) {
        return false;
    }
    let blocks = (0u32..).zip(&function.body.blocks);
    let mut given = blocks.filter_map(|(at, block)| match &block.terminator.kind {
        TerminatorKind::Return { value, .. } | TerminatorKind::Yield { value, .. } => match value {
            Operand::Local(local) => Some((BlockId(at), *local)),
            Operand::Const(_) => None,
        },
        _ => None,
    });
    given.any(|(at, rows)| is_covered(function, position, &BTreeSet::from([rows]), at))
}

/// The calls of a function that store something, themselves or in what they run.
fn stores(program: &Program<'_>, func: FuncRef, writes: &Calls) -> BTreeSet<BlockId> {
    let own = writes.iter().filter(|(within, _)| *within == func);
    let own = own.map(|(_, at)| BlockId(*at));
    let within = |callee: FuncRef| writes.iter().any(|(func, _)| *func == callee);
    let led = followed_calls(program, func).into_iter();
    let led = led.filter(|(_, callee)| within(*callee)).map(|(at, _)| at);
    own.chain(led).collect()
}

/// Whether some call after a position gives the rows back or puts them aside: somebody has thought of a write that
/// fails.
fn is_given_back(function: &Function, position: &Position) -> bool {
    let body = &function.body;
    let after = body.reach(position.at, None).into_iter();
    after.filter(|at| *at != position.at).any(|at| {
        call_at(function, at).is_some_and(|(callee, _)| {
            let called = called(function, callee);
            gives_back(&called.name) || called.on.as_deref().is_some_and(gives_back)
        })
    })
}

/// Whether a position holds once the call has returned, and is not kept together with the rows. A statement may be
/// part of their transaction, and an attribute may be saved later.
fn is_durable(function: &Function, position: &Position) -> bool {
    let calls = matches!(
        function.body.block(position.at).terminator.kind,
        TerminatorKind::Eval { .. }
    );
    calls && position.texts.is_empty()
}

/// Whether a position covers rows that something after it is given.
fn is_covered(
    function: &Function,
    position: &Position,
    rows: &BTreeSet<LocalId>,
    write: BlockId,
) -> bool {
    let body = &function.body;
    let rows = sources(function, rows.iter().copied().collect());
    if position.by == By::Giving {
        // The call itself gives them.
        let given = locals_of(position).iter().any(|given| rows.contains(given));
        return given && is_only_after(body, position.at, write, &BTreeSet::from([position.at]));
    }
    let values = locals_of(position);
    let mut of: FxHashSet<LocalId> = values.iter().copied().collect();
    if of.is_empty() && position.moves == Moves::Message {
        of.extend(position.on);
    }
    let names_rows = !of.is_empty();
    let origins = made_of(function, of);
    let common: FxHashSet<LocalId> = if names_rows {
        origins.intersection(&rows).copied().collect()
    } else {
        rows.clone()
    };
    let taken = taken_for(function, &common, position.at);
    let shared = common.iter().any(|local| is_assigned(function, *local));
    let given = common.iter().any(|local| is_given(function, *local));
    let is_one = match position.moves {
        Moves::Offset => !taken.is_empty() || is_read_from(function, position, &rows),
        Moves::Message => shared || given || !taken.is_empty(),
        Moves::Kept => {
            (shared || !taken.is_empty())
                && is_end(function, &values)
                && !is_same_store(function, position, write)
        }
    };
    is_one && is_only_after(body, position.at, write, &taken)
}

/// Whether rows were read from the consumer whose offsets move.
fn is_read_from(function: &Function, position: &Position, rows: &FxHashSet<LocalId>) -> bool {
    let mut calls = calls(function);
    position.consumer.is_some()
        && calls.any(|(at, callee, _)| {
            let TerminatorKind::Eval { dest, .. } = function.body.block(at).terminator.kind else {
                return false;
            };
            let called = called(function, callee);
            dest.is_some_and(|dest| rows.contains(&dest))
                && takes_next(&called.name)
                && called.on == position.consumer
                && function.body.reach(at, None).contains(&position.at)
        })
}

/// Whether a call comes after another one in the same round, and never before it. Each round takes something at
/// these blocks.
fn is_only_after(
    body: &Body,
    position: BlockId,
    write: BlockId,
    taken: &BTreeSet<BlockId>,
) -> bool {
    let leads = |from: BlockId, to: BlockId| {
        let way = |next: BlockId| match taken.first() {
            None => body.reach(next, None).contains(&to),
            Some(_) => taken
                .iter()
                .all(|made| body.reach(next, Some(*made)).contains(&to)),
        };
        successors(body, from).into_iter().any(way)
    };
    leads(position, write) && !leads(write, position)
}

/// Whether a local is a parameter other than the receiver.
fn is_given(function: &Function, local: LocalId) -> bool {
    let receiver = function.class.is_some() && function.is_bound() && local == LocalId(0);
    !receiver && function.body.locals[local.index()].kind == LocalKind::Param
}

/// Whether a position is the end of the rows: its name says so, it is the last or the largest of them, or each row
/// has a position of its own.
fn is_end(function: &Function, values: &BTreeSet<LocalId>) -> bool {
    let says_end = |name: &str| ENDS.iter().any(|word| has_word(name, word));
    let near = nearest(function, values);
    let mut assigned =
        rvalues(function).filter(|(dest, _)| dest.is_some_and(|dest| near.contains(&dest)));
    let by_name = near
        .iter()
        .any(|local| named(function, *local).is_some_and(|name| says_end(&name)))
        || assigned.any(|(_, rvalue)| rvalue.name().is_some_and(|name| says_end(name)));
    let of_row = |local: &LocalId| {
        let mut blocks = function.body.blocks.iter();
        blocks.any(|block| {
            matches!(&block.terminator.kind, TerminatorKind::ForNext { dest, .. } if dest == local)
        })
    };
    let last = |local: &LocalId| {
        matches!(
            function.body.only_value(*local),
            Some(Rvalue::GetItem(_, Operand::Const(Literal::Int(-1))))
        )
    };
    by_name || near.iter().any(|local| of_row(local) || last(local))
}

/// The locals behind values up to the first variables.
fn nearest(function: &Function, values: &BTreeSet<LocalId>) -> BTreeSet<LocalId> {
    let mut seen = BTreeSet::new();
    let mut open: Vec<LocalId> = values.iter().copied().collect();
    while let Some(local) = open.pop() {
        if !seen.insert(local) || is_assigned(function, local) {
            continue;
        }
        for (_, rvalue) in rvalues(function).filter(|(dest, _)| *dest == Some(local)) {
            rvalue.for_each_operand(|operand| {
                if let Operand::Local(local) = operand {
                    open.push(*local);
                }
            });
            if let Rvalue::Call {
                callee: Callee::Value(Operand::Local(of)),
                ..
            } = rvalue
            {
                seen.insert(*of);
            }
        }
    }
    seen
}

/// Whether the rows go to the store that keeps the position: it may keep both or neither.
fn is_same_store(function: &Function, position: &Position, write: BlockId) -> bool {
    let Some((callee, _)) = call_at(function, write) else {
        return false;
    };
    let keeper = position.on.and_then(|on| named(function, on));
    keeper.is_some() && keeper == called(function, callee).on
}
