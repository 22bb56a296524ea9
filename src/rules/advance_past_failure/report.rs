//! The finding about a position that moves past rows which were never stored.

use super::Advance;
use crate::diagnostics::{Finding, Location};
use crate::presets::Moves;
use crate::program::FuncRef;
use crate::rules::contract_method::{Subject, add_steps};
use crate::rules::failed_write::steps::{exits_after, told};
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
    let events = told(program, &advance.lost, advance.events.clone());
    finding = add_steps(program, finding, &events, "returns");
    if let Some((func, span)) = position.inside
        && let Some(inside) = at(func, span)
    {
        finding = finding.step(inside, format!("{moves} here"));
    }
    for exit in exits_after(program, subject.func, position.at) {
        finding = finding.exit(exit);
    }
    if advance.lost.by.is_none() {
        finding = finding.note("the exception is still pending here: `finally` runs in any case");
    }
    Some(finding.at(at(subject.func, position.span)?, moves))
}
