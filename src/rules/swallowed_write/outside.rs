//! Writes outside of contracts: functions and methods whose own code catches the failure of a write.
//!
//! Nobody is known to depend on such a function, so a failure counts as lost only if nobody can hear
//! of it: the function goes on as if nothing had happened, and no caller, no reader and no other call
//! gets to know.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use super::{Options, Swallowed, judge, report};
use crate::engine::summaries::library::Library;
use crate::ir::{BlockId, Body, BranchRole, FuncIdx, Function, LocalKind, Rvalue, TerminatorKind};
use crate::program::{FuncRef, LoadedModule, Program};
use crate::rules::contract_method::Subject;
use crate::rules::failed_write::caught::is_unlikely;
use crate::rules::failed_write::code::{Called, called, given_to};
use crate::rules::failed_write::handling::Handling;
use crate::rules::failed_write::{Lost, may_fail, with_nested};
use crate::rules::known::known_call;
use crate::rules::positions::{POSITION_DEPTH, comes_again, positions};
use crate::rules::tables::{
    Words, finishes_unit, is_removal, may_be_sure, names_work, writing_with,
};
use crate::rules::{FunctionRule, Glances, InModule};
use crate::settings::{Settings, Writes};
use crate::source::{Language, SourceFile, is_of_tests};

/// What catches, as words.
const CATCHING: Words = &[("except", 1), ("suppress", 1), ("finally", 1)];

/// Checks functions that no contract names.
pub(super) struct Functions;

impl FunctionRule for Functions {
    fn glance(&self, settings: &Settings) -> Option<Glances> {
        let options: &Options = settings.options.get();
        let on = options.outside_contracts;
        Some(writing_with(CATCHING, &settings.writes, on))
    }

    fn same_glance(&self, one: &Settings, other: &Settings) -> bool {
        let on = |settings: &Settings| settings.options.get::<Options>().outside_contracts;
        one.writes == other.writes && on(one) == on(other)
    }

    fn check(
        &self,
        library: &Library<'_>,
        module: &LoadedModule,
        functions: &[(FuncIdx, &Function)],
        settings: &Settings,
    ) -> InModule {
        let options: &Options = settings.options.get();
        let mut out = InModule::default();
        let left_out = module.file.as_ref().is_none_or(|file| is_of_tests(file));
        if !options.outside_contracts || left_out {
            return out;
        }
        for (this, function) in with_nested(module, functions) {
            match first_look(
                library.program,
                module,
                (this, function),
                (&settings.writes, options),
            ) {
                Look::Nothing => continue,
                Look::Writes => {
                    out.looked.writing += 1;
                    continue;
                }
                Look::MayLose => {
                    out.looked.writing += 1;
                    out.looked.followed += 1;
                }
            }
            check_function(library, module, (this, function), settings, &mut out);
        }
        out
    }

    fn counts(&self, settings: &Settings) -> bool {
        settings.options.get::<Options>().outside_contracts
    }

    fn leaves_out(&self, file: &SourceFile) -> bool {
        is_of_tests(file)
    }
}

fn check_function(
    library: &Library<'_>,
    module: &LoadedModule,
    (func, function): (FuncRef, &Function),
    settings: &Settings,
    out: &mut InModule,
) {
    let Some(subject) = Subject::outside(library, module, (func, function)) else {
        return;
    };
    let options: &Options = settings.options.get();
    let (judged, _) = judge(subject, options, &settings.writes, &OnceCell::new());
    out.effort += judged.effort;
    out.effort.functions += 1;
    for swallowed in &judged.found {
        // What a helper swallows is told where the helper is looked at.
        let (by, at) = swallowed.by.place();
        let first = swallowed.passed_on_by.first().copied();
        let unlikely = is_unlikely(library.program, (by, at), first);
        if by != func || unlikely && !options.excuses.strict {
            continue;
        }
        let handling = Handling::of(function, swallowed);
        if !options.excuses.strict && handling.tells_somebody(&subject, swallowed) {
            continue;
        }
        // What is read again is not lost.
        if !options.excuses.strict
            && is_read_again(library.program, (func, &settings.writes), swallowed)
        {
            continue;
        }
        let found = report::finding(subject, judged.root, swallowed, None);
        out.findings.extend(found);
    }
}

/// Whether the function moves a position, and never past what the failed write was given.
fn is_read_again(
    program: &Program<'_>,
    (func, writes): (FuncRef, &Writes),
    swallowed: &Swallowed,
) -> bool {
    let lost = Lost {
        by: Some(swallowed.by),
        failed_at: swallowed.failed_at,
        through: None,
        write: swallowed.failed.clone(),
        passed_on_by: swallowed.passed_on_by.clone(),
        flags: 0,
    };
    let positions = positions(program, func, writes, POSITION_DEPTH);
    comes_again(program, (func, writes), &positions, &lost)
}

/// What the first look at a function tells. No path is followed for that.
enum Look {
    /// It catches nothing, makes no call that is named like a write, or may fail without loss.
    Nothing,
    /// It does both, and the first look shows that it loses no failed write.
    Writes,
    /// It may lose a failed write: it catches what a call may raise that is named like a write, can end
    /// normally after that, and surely tells nobody.
    MayLose,
}

fn first_look(
    program: &Program<'_>,
    module: &LoadedModule,
    (func, function): (FuncRef, &Function),
    (writes, options): (&Writes, &Options),
) -> Look {
    let name = function.name.as_str();
    if may_fail(module, function)
        || options.excuses.is_auxiliary(name)
        || is_removal(name, &[])
        || name.starts_with('<')
    {
        return Look::Nothing;
    }
    let body = &function.body;
    let is_rust = (module.file.as_ref()).is_some_and(|file| file.language == Language::Rust);
    let mut writing: Option<Vec<BlockId>> = None;
    for (at, block) in (0u32..).zip(&body.blocks) {
        let TerminatorKind::Branch { role, then, .. } = &block.terminator.kind else {
            continue;
        };
        let catches = match role {
            BranchRole::Handler | BranchRole::Swallow => true,
            BranchRole::Dropped | BranchRole::Pattern | BranchRole::Guard => false,
            // In Rust, `if result.is_err()`.
            BranchRole::If if is_rust => false,
            _ => continue,
        };
        let at = BlockId(at);
        let writing =
            writing.get_or_insert_with(|| writing_blocks(program, (func, function), writes));
        if writing.is_empty() {
            return Look::Nothing;
        }
        if !catches {
            // A result is tested: which call it comes from is not asked here.
            return Look::MayLose;
        }
        let protected = writing
            .iter()
            .copied()
            .filter(|from| unwinds_to(body, *from, |block| block == at, |_| false));
        let protected: Vec<BlockId> = protected.collect();
        let returns = |to: &BlockId| {
            matches!(
                body.block(*to).terminator.kind,
                TerminatorKind::Return { .. }
            )
        };
        if protected.is_empty() || !body.reach(*then, None).iter().any(returns) {
            continue;
        }
        let rows = protected
            .iter()
            .flat_map(|from| given_to(function, *from))
            .collect();
        if !Handling::after(function, at, true).calls_somebody(&rows) {
            return Look::MayLose;
        }
    }
    let leaves = |writing: Vec<BlockId>| {
        let mut writing = writing.into_iter();
        writing.any(|from| returns_while_pending(body, from))
    };
    let catches = writing.is_some();
    if writing.is_some_and(leaves)
        || !is_rust
            && has_finally(body)
            && leaves(writing_blocks(program, (func, function), writes))
    {
        Look::MayLose
    } else if catches {
        Look::Writes
    } else {
        Look::Nothing
    }
}

fn has_finally(body: &Body) -> bool {
    let mut locals = body.locals.iter();
    locals.any(|local| local.kind == LocalKind::Completion)
}

/// Whether an exception from a block can end in a `return` of a `finally`.
fn returns_while_pending(body: &Body, from: BlockId) -> bool {
    let kind = |at| &body.block(at).terminator.kind;
    let returns = |at| matches!(kind(at), TerminatorKind::Return { .. });
    // Behind the switch, the pending completion goes on.
    let goes_on = |at| matches!(kind(at), TerminatorKind::Switch { .. });
    unwinds_to(body, from, returns, goes_on)
}

/// The blocks that end with a call which is named like a write, or like work that may write.
fn writing_blocks(
    program: &Program<'_>,
    (func, function): (FuncRef, &Function),
    writes: &Writes,
) -> Vec<BlockId> {
    let body = &function.body;
    let blocks = (0u32..).zip(&body.blocks);
    let writing = blocks.filter(|(at, block)| {
        let TerminatorKind::Eval { rvalue, .. } = &block.terminator.kind else {
            return false;
        };
        let Rvalue::Call { callee, .. } = rvalue else {
            // What is left may commit a unit of work.
            return matches!(rvalue, Rvalue::Await(_));
        };
        let Called { name, on } = called(function, callee);
        let lower = name.to_ascii_lowercase();
        let known = || known_call(program, writes, (func, BlockId(*at)));
        names_work(&lower)
            || finishes_unit(&name)
            || may_be_sure(writes, &name, on.as_deref())
            || writes.presets.names_call(&name) && known().is_some_and(|known| known.may_write())
    });
    writing.map(|(at, _)| BlockId(at)).collect()
}

/// Whether an exception from a block can reach a goal, past the handlers that do not catch it. The
/// walk ends where `stops` says so.
fn unwinds_to(
    body: &Body,
    from: BlockId,
    is_goal: impl Fn(BlockId) -> bool,
    stops: impl Fn(BlockId) -> bool,
) -> bool {
    let TerminatorKind::Eval {
        unwind: Some(unwind),
        ..
    } = &body.block(from).terminator.kind
    else {
        return false;
    };
    let mut seen: BTreeSet<BlockId> = BTreeSet::new();
    let mut open = vec![unwind.target];
    while let Some(at) = open.pop() {
        if is_goal(at) {
            return true;
        }
        if stops(at) || !seen.insert(at) {
            continue;
        }
        match &body.block(at).terminator.kind {
            // The next handler of the same `try`.
            TerminatorKind::Branch {
                role: BranchRole::Handler | BranchRole::Swallow,
                otherwise,
                ..
            } => open.push(*otherwise),
            // A `finally`, or the exit of a `with`.
            other => other.for_each_successor(|next| open.push(next)),
        }
    }
    false
}
