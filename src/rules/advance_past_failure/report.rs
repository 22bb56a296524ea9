//! The finding about a position that moves past rows which were never stored.

use super::{Advance, Early, repair};
use crate::diagnostics::{Finding, FindingBuilder, Location};
use crate::ir::{BlockId, Rvalue, TerminatorKind};
use crate::presets::Moves;
use crate::program::FuncRef;
use crate::rules::contract_method::{Subject, add_steps};
use crate::rules::failed_write::code::called;
use crate::rules::failed_write::steps::{exits_after, span_at, told};
use crate::rules::failed_write::stored_inside;
use crate::rules::positions::{By, Covered, Position};
use crate::rules::{AdvancePastFailure, Rule};
use crate::settings::Writes;
use crate::source::Span;

/// The finding; `None` if the function is in no file.
pub(super) fn past(
    subject: Subject<'_>,
    writes: &Writes,
    advance: &Advance<'_>,
) -> Option<Finding> {
    let program = subject.program;
    let position = advance.position;
    let kind = match advance.covered {
        Covered::Rows => "after-failure",
        Covered::Read => "past-read",
    };
    let (moves, lost) = words(position);
    let write = advance.lost.write.as_deref().unwrap_or("the write");
    let mut finding = subject
        .finding(AdvancePastFailure.meta(), kind)
        .arg("position", position.name.as_str())
        .arg("moves", deed(position.by))
        .arg("write", write)
        .arg("lost", lost);
    let events = told(program, &advance.lost, advance.events.clone());
    finding = add_steps(program, finding, &events, "returns");
    finding = with_inside(subject, finding, position);
    if let Some(failed) = advance.lost.failed_at {
        finding = with_write(subject, finding, writes, failed);
    }
    for exit in exits_after(program, subject.func, position.at) {
        finding = finding.exit(exit);
    }
    if advance.lost.by.is_none() {
        finding = finding.note("the exception is still pending here: `finally` runs in any case");
    }
    Some(finding.at(place(subject, subject.func, position.span)?, moves))
}

/// The finding about a position that moves too early; `None` if the function is in no file.
pub(super) fn early(subject: Subject<'_>, writes: &Writes, early: &Early<'_>) -> Option<Finding> {
    let program = subject.program;
    let position = early.position;
    let module = program.module(subject.func.module);
    let function = module.ir.function(subject.func.func);
    let TerminatorKind::Eval {
        rvalue: Rvalue::Call { callee, .. },
        ..
    } = &function.body.block(early.write).terminator.kind
    else {
        return None;
    };
    let (moves, lost) = words(position);
    let mut finding = subject
        .finding(AdvancePastFailure.meta(), "before-write")
        .arg("position", position.name.as_str())
        .arg("write", &*called(function, callee).name)
        .arg("lost", lost);
    let events = early.events.clone();
    finding = add_steps(program, finding, &events, "returns");
    finding = with_inside(subject, finding, position);
    let write = place(subject, subject.func, span_at(function, early.write))?;
    finding = finding.step(write, "the rows are written only here");
    finding = with_write(subject, finding, writes, (subject.func, early.write));
    for exit in exits_after(program, subject.func, position.at) {
        finding = finding.exit(exit);
    }
    if let Some(file) = module.file.as_ref().filter(|_| position.by == By::Deed) {
        let write = span_at(function, early.write);
        finding = finding.fix(repair::after_write(file, position.span, write));
    }
    let label = match position.by {
        By::Giving => format!("{moves} before this gives the rows"),
        By::Deed | By::Return | By::Yield => moves.to_owned(),
    };
    Some(finding.at(place(subject, subject.func, position.span)?, label))
}

/// What is done by what moves a position.
fn deed(by: By) -> &'static str {
    match by {
        By::Deed | By::Giving => "moves the position",
        By::Return => "acknowledges what it was given",
        By::Yield => "says that all rows before are stored",
    }
}

/// What a position does when it moves, and what that means for rows that were not stored.
fn words(position: &Position) -> (&'static str, &'static str) {
    match (position.by, position.moves) {
        (By::Return, _) => (
            "returns, which acknowledges what it was given",
            "it is not given again, and its rows were never stored",
        ),
        (By::Yield, _) => (
            "says that all rows before are stored",
            "the next run starts after rows that were never stored",
        ),
        (_, Moves::Offset) => (
            "the offset is committed",
            "the consumer goes on after rows that were never stored",
        ),
        (_, Moves::Message) => (
            "the message is acknowledged",
            "the message does not come again, and its rows were never stored",
        ),
        (_, Moves::Kept) => (
            "the position moves",
            "the next run starts after rows that were never stored",
        ),
    }
}

fn place(subject: Subject<'_>, func: FuncRef, span: Span) -> Option<Location> {
    let file = subject.program.module(func.module).file.as_ref()?.id;
    Some(Location { file, span })
}

/// The finding with the place in a helper at which the position moves.
fn with_inside(
    subject: Subject<'_>,
    finding: FindingBuilder,
    position: &Position,
) -> FindingBuilder {
    let inside = position
        .inside
        .and_then(|(func, span)| place(subject, func, span));
    match inside {
        Some(inside) => finding.step(inside, format!("{} here", words(position).0)),
        None => finding,
    }
}

/// The finding with the place at which a method of an object writes the rows.
fn with_write(
    subject: Subject<'_>,
    finding: FindingBuilder,
    writes: &Writes,
    site: (FuncRef, BlockId),
) -> FindingBuilder {
    let program = subject.program;
    let inside = stored_inside(program, writes, site).and_then(|(func, at)| {
        let module = program.module(func.module);
        let function = module.ir.function(func.func);
        let at = place(subject, func, span_at(function, at))?;
        Some((at, function.qualname.clone()))
    });
    match inside {
        Some((at, name)) => finding.step(at, format!("`{name}` writes the rows here")),
        None => finding,
    }
}
