//! Calls that surely write, and calls on objects of the program whose method does: `self.sink.consume(rows)`.
//!
//! No path is followed. Where a function follows a call itself, it need not ask.

use super::code::{call_at, called, callee_of, calls, is_value_of, texts};
use super::likeness::CHAIN;
use crate::ir::{BlockId, Body, BranchRole, Callee, Data, Name, Operand, Rvalue, TerminatorKind};
use crate::program::{FuncRef, Program};
use crate::rules::known::{known_call, raises_by, writes_at};
use crate::rules::tables::{
    changes_rows, is_auxiliary, is_buffer, is_removal, may_be_sure, runs_statement,
};
use crate::settings::Writes;
use crate::source::is_of_tests;

/// How many calls further the write may be.
const DEPTH: u32 = 2;

/// Whether the call that ends a block surely writes data.
pub(in crate::rules) fn surely_writes(
    program: &Program<'_>,
    writes: &Writes,
    (func, at): (FuncRef, BlockId),
) -> bool {
    let module = program.module(func.module);
    let function = module.ir.function(func.func);
    let Some((callee, args)) = call_at(function, at) else {
        return false;
    };
    let named = called(function, callee);
    let (name, on) = (named.name.as_str(), named.on.as_deref());
    let given = texts(args);
    // A buffer stores nothing, and a statement that is not known may be none that stores rows.
    let is_vague = on.is_some_and(is_buffer)
        || is_removal(name, &given)
        || runs_statement(name) && changes_rows(&behind(&function.body, callee, &given)).is_none();
    let is_sure =
        || known_call(program, writes, (func, at)).is_some() || may_be_sure(writes, name, on);
    !is_vague
        && writes_at(program, writes, ((func, at), raises_by), (name, on, &given))
        && is_sure()
}

/// The texts that a call is given, and those of the calls that made its receiver: `query("…").execute(pool)`.
fn behind(body: &Body, callee: &Callee, given: &[Name]) -> Vec<Name> {
    let mut all = given.to_vec();
    let mut on = callee;
    for _ in 0..CHAIN {
        let value = match on {
            Callee::Method {
                receiver: Operand::Local(local),
                ..
            } => body.only_value(*local),
            _ => None,
        };
        let Some(Rvalue::Call { callee, args }) = value else {
            break;
        };
        all.extend(texts(args));
        on = callee;
    }
    all
}

/// Where a method of the program writes that a call on an object runs, if it surely does, and lets its caller know
/// if that fails. If several methods may run, each of them writes; those of tests do not count.
pub(in crate::rules) fn stored_inside(
    program: &Program<'_>,
    writes: &Writes,
    site: (FuncRef, BlockId),
) -> Option<(FuncRef, BlockId)> {
    stored(program, writes, site, DEPTH)
}

fn stored(
    program: &Program<'_>,
    writes: &Writes,
    (func, at): (FuncRef, BlockId),
    depth: u32,
) -> Option<(FuncRef, BlockId)> {
    let depth = depth.checked_sub(1)?;
    let presets = &writes.presets;
    let mut runs = program.implementations(presets, (func, at));
    if runs.is_empty() {
        runs.extend(program.call_inside(presets, (func, at)));
    }
    runs.retain(|func| {
        let file = program.module(func.module).file.clone();
        !file.is_some_and(|file| is_of_tests(&file))
    });
    let stores = |func: FuncRef| failing_write(program, writes, func, depth);
    let mut all = runs.into_iter();
    let first = stores(all.next()?)?;
    all.all(|func| stores(func).is_some()).then_some(first)
}

/// A call of a function that surely writes, if the caller learns if that fails.
fn failing_write(
    program: &Program<'_>,
    writes: &Writes,
    func: FuncRef,
    depth: u32,
) -> Option<(FuncRef, BlockId)> {
    let module = program.module(func.module);
    let function = module.ir.function(func.func);
    if is_auxiliary(&function.name) {
        return None;
    }
    calls(function).find_map(|(at, callee, _)| {
        let found = if surely_writes(program, writes, (func, at)) {
            Some((func, at))
        } else {
            match callee_of(program, func, callee) {
                Some(own) => failing_write(program, writes, own, depth.checked_sub(1)?),
                None => stored(program, writes, (func, at), depth),
            }
        };
        found.filter(|_| is_passed_on(&function.body, at))
    })
}

/// Whether the failure of the call that ends a block leaves the function: nothing catches what it raises, and if
/// its result is asked whether it is a failure, that is returned.
fn is_passed_on(body: &Body, at: BlockId) -> bool {
    let TerminatorKind::Eval { dest, unwind, .. } = &body.block(at).terminator.kind else {
        return false;
    };
    let is_handler = |block: &BlockId| {
        matches!(
            body.block(*block).terminator.kind,
            TerminatorKind::Branch {
                role: BranchRole::Handler,
                ..
            }
        )
    };
    let caught = unwind
        .as_ref()
        .is_some_and(|unwind| body.reach(unwind.target, None).iter().any(is_handler));
    let asks = |cond: &Operand| match cond {
        Operand::Local(cond) => match body.only_value(*cond) {
            Some(Rvalue::Data(Data::IsVariant { object, .. })) => {
                dest.is_some_and(|dest| is_value_of(body, object, dest))
            }
            _ => false,
        },
        Operand::Const(_) => false,
    };
    let mut tests = body
        .blocks
        .iter()
        .filter_map(|block| match &block.terminator.kind {
            TerminatorKind::Branch { cond, role, .. } if asks(cond) => Some(*role),
            _ => None,
        });
    !caught && tests.all(|role| role == BranchRole::Try)
}
