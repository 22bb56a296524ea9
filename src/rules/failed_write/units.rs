//! What a function takes one after the other: the items of its loops. And the writes that it exists for, since
//! they are given these.

use std::collections::BTreeSet;

use rustc_hash::FxHashSet;

use super::code::{called, callee_of, calls};
use super::flow::sources;
use crate::ir::{Arg, BlockId, Body, Callee, Function, LocalId, Operand, Rvalue, TerminatorKind};
use crate::program::{Def, FuncRef, Program};
use crate::rules::tables::{may_be_sure, stores_what_is_read};
use crate::settings::Writes;

/// The items of loops among locals, and where each is taken; also what a call gives in a loop that is
/// asked for one item after the other.
pub(in crate::rules) fn units(
    function: &Function,
    among: &FxHashSet<LocalId>,
) -> Vec<(BlockId, LocalId)> {
    let body = &function.body;
    let blocks = (0u32..).zip(&body.blocks);
    let taken = blocks.filter_map(|(at, block)| {
        let at = BlockId(at);
        let dest = match &block.terminator.kind {
            TerminatorKind::ForNext { dest, .. } => *dest,
            TerminatorKind::Eval {
                dest: Some(dest),
                rvalue: Rvalue::Call { callee, .. },
                ..
            } if takes_next(&called(function, callee).name) && repeats(body, at) => *dest,
            _ => return None,
        };
        among.contains(&dest).then_some((at, dest))
    });
    taken.collect()
}

/// Where items among locals are taken for the round of which a block is a part. A loop that has ended before it
/// takes nothing for it.
pub(in crate::rules) fn taken_for(
    function: &Function,
    among: &FxHashSet<LocalId>,
    block: BlockId,
) -> BTreeSet<BlockId> {
    let body = &function.body;
    let mut taken: BTreeSet<BlockId> = units(function, among).into_iter().map(|of| of.0).collect();
    taken.retain(|at| match &body.block(*at).terminator.kind {
        TerminatorKind::ForNext { .. } => body.natural_loop(*at).contains(&block),
        _ => !body.reach(BlockId::ENTRY, Some(*at)).contains(&block),
    });
    taken
}

/// Whether a call asks for the next item: `consumer.poll()`, `queue.get()`.
pub(in crate::rules) fn takes_next(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let words = [
        "poll", "get", "receive", "recv", "next", "pop", "fetch", "read", "pull", "consume",
        "blpop", "xread",
    ];
    words
        .iter()
        .any(|word| lower.split('_').any(|part| part.starts_with(word)))
}

/// Whether a block can be reached from itself.
fn repeats(body: &Body, at: BlockId) -> bool {
    let mut again = false;
    body.block(at).terminator.kind.for_each_successor(|to| {
        again |= body.reach(to, None).contains(&at);
    });
    again
}

/// The writes of a function that it exists for though they are named like ones that may fail, `save_event`:
/// they are given what it takes, and no other write is.
#[derive(Default)]
pub(super) struct Mains {
    /// The calls.
    pub(super) calls: BTreeSet<(FuncRef, BlockId)>,
    /// The functions of the program that they call.
    pub(super) functions: BTreeSet<FuncRef>,
}

impl Mains {
    pub(super) fn of(program: &Program<'_>, func: FuncRef, writes: &Writes) -> Self {
        let module = program.module(func.module);
        let function = module.ir.function(func.func);
        let calls: Vec<(BlockId, &Callee, &[Arg])> = calls(function).collect();
        let is_main = |callee: &Callee| stores_what_is_read(&called(function, callee).name);
        let mut mains = calls.iter().filter(|(_, callee, _)| is_main(callee));
        // Most functions have none.
        let Some(_) = mains.clone().next() else {
            return Self::default();
        };
        let other = calls.iter().any(|(_, callee, args)| {
            let named = called(function, callee);
            !is_main(callee)
                && may_be_sure(writes, &named.name, named.on.as_deref())
                && is_given_an_item(function, args)
        });
        if other || !mains.all(|(_, _, args)| is_given_an_item(function, args)) {
            return Self::default();
        }
        let mains = || calls.iter().filter(|(_, callee, _)| is_main(callee));
        Self {
            calls: mains().map(|(at, ..)| (func, *at)).collect(),
            functions: mains()
                .filter_map(|(_, callee, _)| runs(program, func, callee))
                .collect(),
        }
    }
}

/// Whether some argument is made of what the function takes one after the other.
fn is_given_an_item(function: &Function, args: &[Arg]) -> bool {
    let given = args.iter().filter_map(|arg| match arg.value {
        Operand::Local(local) => Some(local),
        Operand::Const(_) => None,
    });
    let given: FxHashSet<LocalId> = sources(function, given.collect());
    !units(function, &given).is_empty()
}

/// The function of the program that a call runs, also if a path leads to it.
fn runs(program: &Program<'_>, func: FuncRef, callee: &Callee) -> Option<FuncRef> {
    let module = program.module(func.module);
    let function = module.ir.function(func.func);
    let by_path = || match callee {
        Callee::Value(Operand::Local(local)) => match function.body.only_value(*local)? {
            Rvalue::Path(path) => match program.resolve_path(func.module, function.scope, path) {
                Def::Func(func) => Some(func),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    };
    callee_of(program, func, callee).or_else(by_path)
}
