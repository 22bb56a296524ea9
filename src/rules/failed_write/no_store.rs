//! Calls that are named like writes and store no data: they read rows, or write into memory.

use super::flow::{counts_rows, hands_on, place_of, rvalues};
use super::likeness::CHAIN;
use crate::engine::values::origins::Origin;
use crate::engine::values::state::State;
use crate::engine::values::value::{Term, Value};
use crate::engine::{CompletedCall, Engine};
use crate::ir::{
    BlockId, Callee, Function, Literal, LocalId, Name, Operand, Rvalue, StatementKind,
    TerminatorKind,
};

use crate::rules::tables;

/// Whether a call that is named like a write stores nothing. `texts` are the texts that it is
/// given.
pub(in crate::rules) fn stores_nothing(
    engine: &Engine<'_>,
    state: &State,
    call: &CompletedCall<'_>,
    texts: &[Name],
) -> bool {
    writes_into_memory(engine, state, call)
        || makes_object(engine, call)
        || runs_program(engine, call)
        || call.callee.is_none() && !tables::is_statement(texts) && reads(engine, state, call)
}

/// Whether a call that is named like one which runs a statement is given the words of a command:
/// `execute(["push", branch])`.
pub(in crate::rules) fn runs_program(engine: &Engine<'_>, call: &CompletedCall<'_>) -> bool {
    if !tables::runs_statement(call.name) {
        return false;
    }
    let module = engine.program.module(call.site.func.module);
    let body = &module.ir.function(call.site.func.func).body;
    let given = match &body.block(BlockId(call.site.block)).terminator.kind {
        TerminatorKind::Eval {
            rvalue: Rvalue::Call { args, .. },
            ..
        } => args.first().map(|arg| &arg.value),
        _ => None,
    };
    let Some(Operand::Local(given)) = given else {
        return false;
    };
    let first = match body.only_value(*given) {
        Some(Rvalue::List(items)) => items.first().map(|item| &item.value),
        _ => None,
    };
    match first {
        Some(Operand::Const(Literal::Str(word))) => {
            !tables::is_statement(std::slice::from_ref(word))
        }
        _ => false,
    }
}

/// Whether a call makes an object of a class from outside the program: `rocks.WriteBatch()`, but not
/// `stub.WriteRows(request)`.
fn makes_object(engine: &Engine<'_>, call: &CompletedCall<'_>) -> bool {
    let of_module = |v: Value| {
        matches!(
            engine.terms.term(v),
            Term::External(_) | Term::Module(_) | Term::Lit(_)
        )
    };
    call.name.starts_with(|c: char| c.is_ascii_uppercase()) && call.receiver.is_none_or(of_module)
}

/// Whether a call whose statement is not known as a text runs one that only reads.
fn reads(engine: &Engine<'_>, state: &State, call: &CompletedCall<'_>) -> bool {
    if !tables::runs_statement(call.name) {
        return false;
    }
    let given = call.args.first().copied();
    if let Some(read) = given.and_then(|v| built_to_read(engine, state, v)) {
        return read;
    }
    let asked = || match engine.origin(state, call.receiver?) {
        Some(Origin::Call(name, ..)) => Some(tables::begins_reading(&name)),
        _ => None,
    };
    call.args.is_empty() && asked() == Some(true) || rows_are_read(engine, call)
}

/// Whether a statement that calls build only reads; `None` if the calls do not say.
fn built_to_read(engine: &Engine<'_>, state: &State, statement: Value) -> Option<bool> {
    let mut reads = None;
    let mut at = statement;
    for _ in 0..CHAIN {
        let Some(Origin::Call(name, on, _)) = engine.origin(state, at) else {
            break;
        };
        match tables::builds_reading(&name) {
            Some(false) => return Some(false),
            Some(true) => reads = Some(true),
            None => {}
        }
        at = on;
    }
    reads
}

/// Whether a statement was built by calls that change data: `insert(table).values(rows)`, but not
/// `delete(table)`.
pub(in crate::rules) fn builds_change(
    engine: &Engine<'_>,
    state: &State,
    statement: Value,
) -> bool {
    let mut at = statement;
    for _ in 0..CHAIN {
        let Some(Origin::Call(name, on, _)) = engine.origin(state, at) else {
            break;
        };
        if tables::builds_removal(&name) {
            return false;
        }
        at = on;
    }
    built_to_read(engine, state, statement) == Some(false)
}

/// Whether the code around a call reads rows from its result, or from its receiver before that runs
/// another statement.
fn rows_are_read(engine: &Engine<'_>, call: &CompletedCall<'_>) -> bool {
    let module = engine.program.module(call.site.func.module);
    let function = module.ir.function(call.site.func.func);
    let block = function.body.block(BlockId(call.site.block));
    let TerminatorKind::Eval {
        dest,
        rvalue: Rvalue::Call { callee, .. },
        normal,
        ..
    } = &block.terminator.kind
    else {
        return false;
    };
    let result = dest.map(|dest| same_result(function, dest));
    if let Some(result) = &result {
        let by_name = tables::ends_with_query(call.name)
            && !counts_rows(function, result)
            && hands_on(function, result);
        if by_name || result.iter().any(|l| is_read_as_rows(function, *l)) {
            return true;
        }
    }
    match callee {
        Callee::Method { receiver, .. } => fetches_next(function, receiver, *normal),
        Callee::Value(_) => false,
    }
}

/// The locals that hold the result of a call: as it is, awaited, entered, or waited for.
fn same_result(function: &Function, result: LocalId) -> Vec<LocalId> {
    let mut out = vec![result];
    let mut at = 0;
    while at < out.len() {
        let is = |o: &Operand| *o == Operand::Local(out[at]);
        let next: Vec<LocalId> = rvalues(function)
            .filter_map(|(dest, rvalue)| match rvalue {
                Rvalue::Use(o) | Rvalue::Await(o) if is(o) => dest,
                Rvalue::Enter { manager, .. } if is(manager) => dest,
                Rvalue::Call {
                    callee: Callee::Method { receiver, name, .. },
                    ..
                } if is(receiver) && name == "result" => dest,
                _ => None,
            })
            .collect();
        out.extend(
            next.into_iter()
                .filter(|l| !out.contains(l))
                .collect::<Vec<_>>(),
        );
        at += 1;
    }
    out
}

/// Whether a value is iterated over, indexed, or asked for rows, or an attribute of it that holds
/// them is.
fn is_read_as_rows(function: &Function, value: LocalId) -> bool {
    let is = |o: &Operand| *o == Operand::Local(value);
    rvalues(function).any(|(dest, rvalue)| match rvalue {
        Rvalue::GetField(object, name) => {
            is(object)
                && tables::holds_rows(name)
                && dest.is_some_and(|dest| is_iterated_or_indexed(function, dest))
        }
        Rvalue::Call {
            callee: Callee::Method { receiver, name, .. },
            ..
        } => is(receiver) && tables::fetches_rows(name),
        _ => false,
    }) || is_iterated_or_indexed(function, value)
}

fn is_iterated_or_indexed(function: &Function, value: LocalId) -> bool {
    let is = |o: &Operand| *o == Operand::Local(value);
    rvalues(function).any(|(_, rvalue)| match rvalue {
        Rvalue::Iter { object, .. } => is(object),
        Rvalue::GetItem(object, key) => {
            is(object) && !matches!(key, Operand::Const(Literal::Str(_)))
        }
        _ => false,
    })
}

/// Whether rows are read from a receiver on some path from a block, before it runs another
/// statement.
fn fetches_next(function: &Function, receiver: &Operand, from: BlockId) -> bool {
    let Some(place) = place_of(function, receiver) else {
        return false;
    };
    let mut seen = vec![false; function.body.blocks.len()];
    let mut open = vec![from];
    while let Some(at) = open.pop() {
        if std::mem::replace(&mut seen[at.index()], true) {
            continue;
        }
        let block = function.body.block(at);
        let iterates = block.statements.iter().any(|s| match &s.kind {
            StatementKind::Assign(_, Rvalue::Iter { object, .. }) => {
                place_of(function, object).as_ref() == Some(&place)
            }
            _ => false,
        });
        if iterates {
            return true;
        }
        if let TerminatorKind::Eval {
            rvalue:
                Rvalue::Call {
                    callee: Callee::Method { receiver, name, .. },
                    ..
                },
            ..
        } = &block.terminator.kind
            && place_of(function, receiver).as_ref() == Some(&place)
        {
            if tables::fetches_rows(name) {
                return true;
            }
            if tables::runs_statement(name) {
                continue;
            }
        }
        if let TerminatorKind::Eval { normal, .. } = &block.terminator.kind {
            open.push(*normal);
        } else {
            block
                .terminator
                .kind
                .for_each_successor(|next| open.push(next));
        }
    }
    false
}

/// Whether a call writes into a buffer in memory, or through a writer that was made of one.
fn writes_into_memory(engine: &Engine<'_>, state: &State, call: &CompletedCall<'_>) -> bool {
    let is_buffer = |v: Value| made_of_buffer(engine, state, v);
    let on_buffer = call.receiver.is_some_and(is_buffer);
    on_buffer || tables::writes_into_argument(call.name) && call.args.iter().any(|a| is_buffer(*a))
}

/// Whether a value is a buffer in memory that was made empty, or a writer that was given one.
fn made_of_buffer(engine: &Engine<'_>, state: &State, v: Value) -> bool {
    let mut open = vec![v];
    for _ in 0..CHAIN {
        let Some(v) = open.pop() else { return false };
        let v = engine.keyword(v).map_or(v, |(_, v)| v);
        let Some(Origin::Call(name, on, args)) = engine.origin(state, v) else {
            continue;
        };
        if tables::is_buffer(&name) && args.is_empty() {
            return true;
        }
        if tables::makes_writer(&name) {
            open.extend(args);
        } else if name == "same" {
            open.push(on);
        }
    }
    false
}
