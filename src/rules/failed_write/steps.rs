//! The steps of a path that tell of a failed write.

use super::arrivals::Lost;
use super::refusal::refuses;
use super::watch::Swallower;
use std::sync::Arc;

use crate::diagnostics::Location;
use crate::engine::Catch;
use crate::engine::witness::{EventKind, Path, PathEvent};
use crate::ir::{BlockId, BranchRole, Function, TerminatorKind};
use crate::program::{FuncRef, Program};
use crate::source::Span;

/// The function and the span of what swallows.
pub(in crate::rules) fn location(program: &Program<'_>, by: Swallower) -> (FuncRef, Span) {
    let (func, block) = by.place();
    let module = program.module(func.module);
    (func, span_at(module.ir.function(func.func), block))
}

/// What a block ends with in the source; the name of the function where it falls off its end.
pub(in crate::rules) fn span_at(function: &Function, block: BlockId) -> Span {
    let terminator = &function.body.block(block).terminator;
    match terminator.kind {
        TerminatorKind::Return { implicit: true, .. } => function.name_span,
        _ => terminator.span,
    }
}

/// The role of a branch that swallows a failure which a call returned. `None` if an exception is
/// caught instead.
pub(in crate::rules) fn role_of(program: &Program<'_>, by: Swallower) -> Option<BranchRole> {
    let Swallower::Catch(Catch { func, block, .. }) = by else {
        return None;
    };
    let module = program.module(func.module);
    let body = &module.ir.function(func.func).body;
    match body.block(block).terminator.kind {
        TerminatorKind::Branch { role, .. }
            if !matches!(role, BranchRole::Handler | BranchRole::Swallow) =>
        {
            Some(role)
        }
        _ => None,
    }
}

/// The path with the steps of a failure that a call returned: the call, unless a step already says
/// that it fails, and the branch that drops the failure.
pub(in crate::rules) fn with_failure(
    program: &Program<'_>,
    (by, call): (Swallower, Option<(FuncRef, BlockId)>),
    mut events: Path,
    named: bool,
) -> Path {
    let (by, at) = location(program, by);
    let caught = PathEvent {
        func: by,
        span: at,
        what: if named {
            EventKind::Caught
        } else {
            EventKind::Decision(BranchRole::Dropped, false)
        },
        matters: true,
        known: Arc::from([]),
    };
    let here = events.iter().rposition(|e| e.func == by && e.span == at);
    let caught_at = if let Some(i) = here {
        events[i] = caught;
        i
    } else {
        let left = |e: &PathEvent| e.func == by && e.what == EventKind::Left;
        let i = events.iter().rposition(left).unwrap_or(events.len());
        events.insert(i, caught);
        i
    };
    let Some((func, block)) = call else {
        return events;
    };
    let module = program.module(func.module);
    let span = module
        .ir
        .function(func.func)
        .body
        .block(block)
        .terminator
        .span;
    let covers = |outer: Span| outer.start <= span.start && span.end <= outer.end;
    let told = |e: &PathEvent| {
        e.func == func && covers(e.span) && e.what == EventKind::Decision(BranchRole::Try, false)
    };
    if !events[..caught_at].iter().any(told) {
        let entered = events[..caught_at]
            .iter()
            .rposition(|e| e.what == EventKind::Entered(func));
        let start = entered.map_or(0, |i| i + 1);
        let after = |e: &PathEvent| {
            e.func == func && (e.span.start >= span.end || e.what == EventKind::Left)
        };
        let next = events[start..caught_at].iter().position(after);
        let index = next.map_or(caught_at, |i| start + i);
        let event = PathEvent {
            func,
            span,
            what: EventKind::Failed,
            matters: true,
            known: Arc::from([]),
        };
        events.insert(index, event);
    }
    events
}

/// Whether the source of a branch names the error: `Err(e)`.
pub(in crate::rules) fn asks_for_error(program: &Program<'_>, func: FuncRef, span: Span) -> bool {
    let module = program.module(func.module);
    span.slice(module.text()).starts_with("Err")
}

/// The path with the steps of a write whose result says that it was refused: the write, and the test of its
/// result.
pub(in crate::rules) fn with_refusal(
    program: &Program<'_>,
    (tested, outcome): ((FuncRef, BlockId), bool),
    mut events: Path,
    call: Option<(FuncRef, BlockId)>,
) -> Path {
    let span = |(func, block): (FuncRef, BlockId)| {
        let module = program.module(func.module);
        let body = &module.ir.function(func.func).body;
        body.block(block).terminator.span
    };
    let at = span(tested);
    let here = |e: &PathEvent| e.func == tested.0 && e.span == at;
    let place = events.iter().rposition(here);
    let place = place.unwrap_or_else(|| {
        events.push(PathEvent {
            func: tested.0,
            span: at,
            what: EventKind::Decision(BranchRole::If, outcome),
            matters: true,
            known: Arc::from([]),
        });
        events.len() - 1
    });
    events[place].matters = true;
    if let Some(call) = call {
        let failed = PathEvent {
            func: call.0,
            span: span(call),
            what: EventKind::Failed,
            matters: true,
            known: Arc::from([]),
        };
        events.insert(place, failed);
    }
    events
}

/// The path of a lost failure, with the write that failed and what became of that.
pub(in crate::rules) fn told(program: &Program<'_>, lost: &Lost, events: Path) -> Path {
    let Some(by) = lost.by.filter(|by| role_of(program, *by).is_some()) else {
        return events;
    };
    let (func, block) = by.place();
    let module = program.module(func.module);
    if let Some(refusal) = refuses(module.ir.function(func.func), block) {
        let tested = ((func, block), refusal.outcome);
        return with_refusal(program, tested, events, lost.failed_at);
    }
    let (func, span) = location(program, by);
    let named = asks_for_error(program, func, span);
    with_failure(program, (by, lost.failed_at), events, named)
}

/// Where a function can return after a block.
pub(in crate::rules) fn exits_after(
    program: &Program<'_>,
    func: FuncRef,
    after: BlockId,
) -> Vec<Location> {
    let module = program.module(func.module);
    let function = module.ir.function(func.func);
    let Some(file) = &module.file else {
        return Vec::new();
    };
    let reached = function.body.reach(after, None).into_iter();
    let returns = |at: &BlockId| {
        let terminator = &function.body.block(*at).terminator.kind;
        matches!(terminator, TerminatorKind::Return { .. })
    };
    let exits = reached.filter(returns).map(|at| Location {
        file: file.id,
        span: span_at(function, at),
    });
    exits.collect()
}
