//! Tests that tell that rows were not stored, and after which a function goes on as if they had been.
//!
//! Nothing is simulated: what runs only after one outcome of the test is compared with what runs only after
//! the other one.

use std::collections::BTreeSet;

use rustc_hash::FxHashSet;

use super::add_graph;
use super::answers::Ask;
use super::clients::is_record;
use super::tells::tells_by_result;
use super::unread::{Use, use_of};
use crate::diagnostics::{Finding, FindingBuilder, Location};
use crate::ir::{
    BinOp, BlockId, Callee, CmpOp, Function, Literal, LocalId, LocalKind, Operand, Rvalue,
    StatementKind, TerminatorKind,
};
use crate::presets::Tells;
use crate::program::{FuncRef, LoadedModule, Program};
use crate::rules::failed_write::code::{called, calls, given_to, is_value_of};
use crate::rules::failed_write::flow::{Fate, fate_of, origins};
use crate::rules::failed_write::handling::Handling;
use crate::rules::failed_write::is_only_handling;
use crate::rules::failed_write::likeness::CHAIN;
use crate::rules::failed_write::refusal::refuses;
use crate::rules::tables::collections::CHANGES;
use crate::rules::tables::is_row_count;
use crate::rules::{IgnoredFailure, Rule};
use crate::settings::Writes;

/// Reports the tests of a function.
pub(super) fn report(
    program: &Program<'_>,
    writes: &Writes,
    module: &LoadedModule,
    ((func, function), ask): ((FuncRef, &Function), &Ask<'_>),
    out: &mut Vec<Finding>,
) {
    let Some(file) = &module.file else { return };
    for (at, callee, args) in calls(function) {
        let span = function.body.block(at).terminator.span;
        let tells = tells_by_result(program, writes, (func, at));
        let named = called(function, callee);
        // What a function of the program does about it is not known here.
        let is_own = || program.call_inside(&writes.presets, (func, at)).is_some();
        if tells.is_none() && (is_own() || !(ask.writes)(at)) {
            continue;
        }
        let Use::Tested(tests) = use_of(function, at) else {
            continue;
        };
        let unheeded = |test: &BlockId| {
            let refused = refused(function, (at, *test), tells)?;
            // `if result.acknowledged: log(…)` asks for no failure.
            let asks = tells.is_some() || refused || does_more(function, *test);
            (asks && goes_on(function, at, (*test, refused))).then_some((*test, refused))
        };
        // One that is heeded is enough.
        let all: Option<Vec<_>> = tests.iter().map(unheeded).collect();
        let Some((test, refused)) = all.and_then(|all| all.first().copied()) else {
            continue;
        };
        if is_record(function, args) || is_only_handling(program, func, at) {
            continue;
        }
        let location = |span| Location {
            file: file.id,
            span,
        };
        let outcome = if refused { "true" } else { "false" };
        let asked = function.body.block(test).terminator.span;
        let finding = FindingBuilder::new(IgnoredFailure.meta(), "unheeded")
            .arg("callee", named.name.as_str())
            .arg("caller", function.name.as_str())
            .symbol(function.qualname.as_str())
            .step(location(span), "this write can be refused")
            .step(
                location(asked),
                format!("this is {outcome} then, and nobody else is told"),
            );
        let finding = add_graph(program, finding, func, &[span, asked]);
        let call = location(span);
        out.push(finding.cause(Some(call)).at(call, "rows may not be stored"));
    }
}

/// The outcome of a test that says that rows were refused.
fn refused(
    function: &Function,
    (call, test): (BlockId, BlockId),
    tells: Option<&Tells>,
) -> Option<bool> {
    if let Some(refusal) = refuses(function, test) {
        return Some(refusal.outcome);
    }
    let (TerminatorKind::Branch { cond, .. }, Some(tells)) =
        (&function.body.block(test).terminator.kind, tells)
    else {
        return None;
    };
    if tells.later {
        return None;
    }
    let (mut cond, mut outcome) = (cond, tells.if_true);
    for _ in 0..CHAIN {
        let Operand::Local(local) = cond else {
            return None;
        };
        if is_teller(function, (*local, call), tells.at.as_deref()) {
            return Some(outcome);
        }
        match function.body.only_value(*local)? {
            Rvalue::Not(of) => (cond, outcome) = (of, !outcome),
            Rvalue::Use(of) => cond = of,
            Rvalue::Compare(CmpOp::Gt | CmpOp::NotEq, of, Operand::Const(Literal::Int(0))) => {
                cond = of;
            }
            Rvalue::Compare(CmpOp::Eq, of, Operand::Const(Literal::Int(0))) => {
                (cond, outcome) = (of, !outcome);
            }
            Rvalue::Call {
                callee: callee @ Callee::Value(_),
                args,
            } if called(function, callee).name == "len" => cond = &args.first()?.value,
            _ => return None,
        }
    }
    None
}

/// Whether a local holds the part of the result of a call that tells.
fn is_teller(function: &Function, (local, call): (LocalId, BlockId), at: Option<&str>) -> bool {
    let TerminatorKind::Eval { dest, .. } = function.body.block(call).terminator.kind else {
        return false;
    };
    let is_whole =
        |operand: &Operand| dest.is_some_and(|dest| is_value_of(&function.body, operand, dest));
    let Some((how, name)) = at.and_then(|at| at.split_once(':')) else {
        return is_whole(&Operand::Local(local));
    };
    let mut local = local;
    for _ in 0..CHAIN {
        match function.body.only_value(local) {
            Some(Rvalue::Use(Operand::Local(of))) => local = *of,
            Some(Rvalue::Unpack {
                object,
                index,
                rest_before_end: None,
            }) => return how == "element" && name.parse() == Ok(*index) && is_whole(object),
            Some(Rvalue::GetItem(object, Operand::Const(Literal::Int(index)))) => {
                return how == "element" && name.parse() == Ok(*index) && is_whole(object);
            }
            Some(Rvalue::GetField(object, field)) => {
                return how == "attribute" && name == field && is_whole(object);
            }
            Some(Rvalue::GetItem(object, Operand::Const(Literal::Str(key)))) => {
                return how == "key" && name == key && is_whole(object);
            }
            _ => return false,
        }
    }
    false
}

/// Whether something runs only if a test is false.
fn does_more(function: &Function, test: BlockId) -> bool {
    !only_after(function, test, false).blocks.is_empty()
}

/// What runs only after this outcome of a test, until it is tested again.
fn only_after(function: &Function, test: BlockId, outcome: bool) -> Handling<'_> {
    let body = &function.body;
    let blocks = match body.block(test).terminator.kind {
        TerminatorKind::Branch {
            then, otherwise, ..
        } => {
            let (own, other) = if outcome {
                (then, otherwise)
            } else {
                (otherwise, then)
            };
            let other = body.reach(other, Some(test));
            // What runs before the test, too, is no answer to it.
            let before = body.reach(BlockId::ENTRY, Some(test));
            let mut own = body.reach(own, Some(test));
            own.retain(|at| !other.contains(at) && !before.contains(at));
            own
        }
        _ => BTreeSet::new(),
    };
    Handling { function, blocks }
}

/// Whether a function goes on after a refused write like after one that worked, as far as anybody can see.
fn goes_on(function: &Function, call: BlockId, (test, refused): (BlockId, bool)) -> bool {
    let rows = given_to(function, call);
    let failed = only_after(function, test, refused);
    let worked = only_after(function, test, !refused);
    let is_deaf = |handling: &Handling<'_>| {
        let mut calls = handling.calls();
        let collects = calls.any(|(_, callee, _)| {
            matches!(callee, Callee::Method { name, .. } if CHANGES.contains(&name.as_str()))
        });
        !collects
            && !handling.calls_somebody(&rows)
            && handling.statements().all(|s| is_private(function, s))
            && !handling.blocks.iter().any(|at| leaves(function, *at))
    };
    is_deaf(&failed) && is_deaf(&worked) && !tries_again(function, call, (test, refused))
}

/// Whether nobody can look at what a statement keeps, or it only counts rows that were stored.
fn is_private(function: &Function, statement: &StatementKind) -> bool {
    let counts = |value: &Operand| match value {
        Operand::Local(local) => matches!(
            function.body.only_value(*local),
            Some(Rvalue::InPlace(BinOp::Add, ..) | Rvalue::Binary(BinOp::Add, ..))
        ),
        Operand::Const(_) => false,
    };
    match statement {
        StatementKind::SetField { field, value, .. } => is_row_count(field) && counts(value),
        StatementKind::SetItem {
            key: Operand::Const(Literal::Str(key)),
            value,
            ..
        } => is_row_count(key) && counts(value),
        StatementKind::Assign(dest, _) => {
            match function.body.locals[dest.index()].kind {
                // `n if stored else 0` is one value with two assignments.
                LocalKind::Temp => function.body.only_value(*dest).is_some(),
                _ => fate_of(function, FxHashSet::from_iter([*dest])) == Fate::Unheard,
            }
        }
        StatementKind::Unbind(_) | StatementKind::Skip | StatementKind::Declare(..) => true,
        _ => false,
    }
}

/// Whether a block leaves the function otherwise than all others do.
fn leaves(function: &Function, at: BlockId) -> bool {
    match &function.body.block(at).terminator.kind {
        TerminatorKind::Raise { .. } | TerminatorKind::Yield { .. } => true,
        TerminatorKind::Return { value, .. } => {
            let mut blocks = function.body.blocks.iter();
            !blocks.all(|block| match &block.terminator.kind {
                TerminatorKind::Return { value: other, .. } => {
                    matches!(value, Operand::Const(_)) && other == value
                }
                _ => true,
            })
        }
        _ => false,
    }
}

/// Whether the same may be written again after it was refused: the call is reached again, and not only for
/// the next unit of a loop.
fn tries_again(function: &Function, call: BlockId, (test, refused): (BlockId, bool)) -> bool {
    let body = &function.body;
    let TerminatorKind::Branch {
        then, otherwise, ..
    } = body.block(test).terminator.kind
    else {
        return true;
    };
    let failing = if refused { then } else { otherwise };
    if !body.reach(failing, None).contains(&call) {
        return false;
    }
    let given: FxHashSet<LocalId> = given_to(function, call).into_iter().collect();
    let made_of = origins(function, given);
    let mut units = (0u32..)
        .zip(&body.blocks)
        .filter(|(_, block)| match &block.terminator.kind {
            TerminatorKind::ForNext { iter, dest, .. } => {
                made_of.contains(dest) && !counts_up(function, *iter)
            }
            _ => false,
        });
    !units.any(|(at, _)| !body.reach(failing, Some(BlockId(at))).contains(&call))
}

/// Whether a loop only counts: its rounds are attempts, and no units.
fn counts_up(function: &Function, iter: LocalId) -> bool {
    let made_of = origins(function, FxHashSet::from_iter([iter]));
    let mut made_of = made_of
        .iter()
        .filter_map(|local| function.body.only_value(*local));
    made_of.any(|value| match value {
        Rvalue::Call {
            callee: callee @ Callee::Value(_),
            ..
        } => called(function, callee).name == "range",
        _ => false,
    })
}
