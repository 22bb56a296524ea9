//! Whether a position moves before the rows that it covers are written: if the write fails, or the process stops
//! in between, nobody reads them again.

use std::collections::BTreeSet;

use rustc_hash::FxHashSet;

use super::covers::{followed_calls, is_assigned, successors, takes};
use super::moves::{By, Position, locals_of};
use crate::ir::{
    BlockId, Body, Callee, Data, Function, Literal, LocalId, LocalKind, Operand, Rvalue,
    TerminatorKind,
};
use crate::presets::Moves;
use crate::program::{FuncRef, Program};
use crate::rules::failed_write::code::{call_at, called, calls, named, root};
use crate::rules::failed_write::flow::{origins as made_of, rvalues, sources};
use crate::rules::failed_write::likeness::CHAIN;
use crate::rules::failed_write::units::{taken_for, takes_next};
use crate::rules::failed_write::watch::Calls;
use crate::rules::tables::{gives_back, has_word, names_position, names_state};

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
        *at != position.at
            && !is_position_itself(function, position, *at)
            && is_covered(function, position, &takes(function, *at), *at)
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

/// Calls that give a value another form.
const FORMS: &[&str] = &[
    "dumps",
    "deepcopy",
    "copy",
    "clone",
    "dict",
    "str",
    "encode",
    "asdict",
    "to_string",
    "to_vec",
    "to_dict",
    "to_json",
];

/// Whether a call is given nothing but the position that has moved, in whatever form: it makes that
/// position last, and writes no rows.
fn is_position_itself(function: &Function, position: &Position, write: BlockId) -> bool {
    if position.by != By::Deed {
        return false;
    }
    let mut own: FxHashSet<LocalId> = FxHashSet::default();
    if let TerminatorKind::Eval { dest, .. } = function.body.block(position.at).terminator.kind {
        own.extend(dest);
    }
    let given = position.values.iter().filter_map(|value| match value {
        Operand::Local(local) => Some(*local),
        Operand::Const(_) => None,
    });
    let named_so = |local: &LocalId| {
        named(function, *local).is_some_and(|name| names_state(&name) || names_position(&name))
    };
    own.extend(
        given
            .chain(position.on)
            .map(|local| root(function, local))
            .filter(named_so),
    );
    let values = function.body.all_values();
    let is_kept = |local: &LocalId| {
        let mut of = values[local.index()].iter();
        of.any(|value| matches!(value, Rvalue::Use(Operand::Local(from)) if own.contains(from)))
    };
    let variables = (0u32..).map(LocalId).take(values.len()).filter(is_kept);
    let own: FxHashSet<LocalId> = own.iter().copied().chain(variables).collect();
    let Some((_, args)) = call_at(function, write) else {
        return false;
    };
    let mut any = false;
    let all = args
        .iter()
        .all(|arg| is_made_only_of(function, &arg.value, &own, &mut any, 0));
    all && any
}

/// Whether a value is one of some locals, or is made of nothing but them and of constants; notes in
/// `any` whether one of them is in it.
fn is_made_only_of(
    function: &Function,
    value: &Operand,
    own: &FxHashSet<LocalId>,
    any: &mut bool,
    depth: usize,
) -> bool {
    let Operand::Local(local) = value else {
        return true;
    };
    if own.contains(local) {
        *any = true;
        return true;
    }
    if depth > CHAIN {
        return false;
    }
    let mut go = |operand: &Operand| is_made_only_of(function, operand, own, any, depth + 1);
    match function.body.only_value(*local) {
        Some(Rvalue::Use(of) | Rvalue::Await(of) | Rvalue::Data(Data::Copy(of))) => go(of),
        Some(display @ (Rvalue::Dict(_) | Rvalue::List(_) | Rvalue::Tuple(_))) => {
            let mut all = true;
            display.for_each_operand(|operand| all &= go(operand));
            all
        }
        Some(Rvalue::Call { callee, args }) => {
            let name = called(function, callee).name;
            let makes = name.starts_with(|c: char| c.is_ascii_uppercase());
            let forms = FORMS.contains(&name.as_str());
            let on = match callee {
                // `state.copy()`, but `json.dumps(state)`
                Callee::Method { receiver, .. } if args.is_empty() => go(receiver),
                _ => true,
            };
            (makes || forms) && on && args.iter().all(|arg| go(&arg.value))
        }
        _ => false,
    }
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
