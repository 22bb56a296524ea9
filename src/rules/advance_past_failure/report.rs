//! The finding about a position that moves past rows which were never stored.

use super::Advance;
use crate::diagnostics::{Finding, Location};
use crate::engine::witness::PathEvent;
use crate::ir::{BlockId, TerminatorKind};
use crate::presets::Moves;
use crate::program::FuncRef;
use crate::rules::contract_method::{Subject, add_steps};
use crate::rules::failed_write::refusal::refuses;
use crate::rules::failed_write::steps::{
    asks_for_error, location, role_of, span_at, with_failure, with_refusal,
};
use crate::rules::positions::Covered;
use crate::rules::{AdvancePastFailure, Rule};
use crate::source::Span;

/// The finding; `None` if the function is in no file.
pub(super) fn finding(subject: Subject<'_>, advance: &Advance<'_>) -> Option<Finding> {
    let program = subject.program;
    let position = advance.position;
    let kind = match advance.covered {
        Covered::Rows => "after-failure",
        Covered::Read => "past-read",
    };
    let at = |func: FuncRef, span: Span| {
        let file = program.module(func.module).file.as_ref()?.id;
        Some(Location { file, span })
    };
    let (moves, lost) = match position.moves {
        Moves::Offset => (
            "the offset is committed",
            "the consumer goes on after rows that were never stored",
        ),
        Moves::Message => (
            "the message is acknowledged",
            "the message does not come again, and its rows were never stored",
        ),
        Moves::Kept => (
            "the position moves",
            "the next run starts after rows that were never stored",
        ),
    };
    let write = advance.lost.write.as_deref().unwrap_or("the write");
    let mut finding = subject
        .finding(AdvancePastFailure.meta(), kind)
        .arg("position", position.name.as_str())
        .arg("write", write)
        .arg("lost", lost);
    finding = add_steps(program, finding, &told(subject, advance), "returns");
    if let Some((func, span)) = position.inside
        && let Some(inside) = at(func, span)
    {
        finding = finding.step(inside, format!("{moves} here"));
    }
    for exit in exits(subject, position.at) {
        finding = finding.exit(exit);
    }
    if advance.lost.by.is_none() {
        finding = finding.note("the exception is still pending here: `finally` runs in any case");
    }
    Some(finding.at(at(subject.func, position.span)?, moves))
}

/// Where the function can return after a block.
fn exits(subject: Subject<'_>, after: BlockId) -> Vec<Location> {
    let module = subject.program.module(subject.func.module);
    let function = module.ir.function(subject.func.func);
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

/// The path, with the write that failed and what became of that.
fn told(subject: Subject<'_>, advance: &Advance<'_>) -> Vec<PathEvent> {
    let program = subject.program;
    let events = advance.events.clone();
    let Some(by) = advance.lost.by else {
        return events;
    };
    if role_of(program, by).is_none() {
        return events;
    }
    let (func, block) = by.place();
    let module = program.module(func.module);
    if let Some(refusal) = refuses(module.ir.function(func.func), block) {
        let tested = ((func, block), refusal.outcome);
        return with_refusal(program, tested, events, advance.lost.failed_at);
    }
    let (func, span) = location(program, by);
    let named = asks_for_error(program, func, span);
    with_failure(program, (by, advance.lost.failed_at), events, named)
}
