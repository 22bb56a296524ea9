//! What a summary says if nothing was found because nothing had to be: what was looked at, and what to
//! do next.

use super::harmless::harmless;
use super::{Report, plural};
use crate::outcome::{Candidate, Decision, Extent, LeftOut, Outside, at};
use crate::rules;
use crate::source::SourceMap;

/// At most three lines. None if some method is under contract, or something was found.
pub(super) fn lines(report: &Report<'_>) -> Vec<String> {
    let looked = report.looked;
    // Whoever checks changes knows the tool already; of a shard, the others have to be known.
    let is_told = looked.for_contracts && looked.extent != Extent::Changes && report.part.is_none();
    let nothing = report.processors == 0 && report.checked > 0 && !is_anything_found(report);
    if !is_told || !nothing || report.bug.is_some() {
        return Vec::new();
    }
    let candidate = looked.candidate.as_ref();
    let mut out = vec![seen(looked.outside)];
    out.extend(match candidate {
        Some(candidate) => Some(nearest(candidate, report.sources)),
        None => missing(looked.outside, &looked.left_out),
    });
    out.push(format!("Next: {}", next(candidate, looked.extent)));
    out
}

fn is_anything_found(report: &Report<'_>) -> bool {
    let counts = report.settled.counts.iter();
    // What a rule finds that is off is not shown in any way.
    let mut counts = counts.filter(|(decision, _)| **decision != Decision::Unselected);
    report.fixed > 0 || counts.any(|(_, count)| *count > 0)
}

fn seen(outside: Option<Outside>) -> String {
    let more = match outside.map(|outside| outside.writing) {
        None => ".".to_owned(),
        Some(0) => "; no function that may write was looked at.".to_owned(),
        Some(1) => "; 1 function that may write was looked at.".to_owned(),
        Some(writing) => format!("; {writing} functions that may write were looked at."),
    };
    format!("No method had to keep a contract{more}")
}

fn nearest(candidate: &Candidate, sources: &SourceMap) -> String {
    let Candidate {
        hook,
        base,
        definitions,
        keeping,
        what,
        place,
    } = candidate;
    let place = at(*place, sources);
    let line = format!(
        "Nearest: {keeping} of {definitions} overrides of `{base}.{hook}` always {what} ({place})"
    );
    harmless(&line).into_owned()
}

fn missing(outside: Option<Outside>, left_out: &LeftOut) -> Option<String> {
    let mut parts = Vec::new();
    let tests = outside.map_or(0, |outside| outside.tests);
    if tests > 0 {
        parts.push(plural(tests, "test file"));
    }
    if left_out.excluded > 0 {
        parts.push(format!("{} excluded", left_out.excluded));
    }
    if left_out.templates > 0 {
        parts.push(plural(left_out.templates, "template"));
    }
    if left_out.old_python > 0 {
        parts.push(format!("{} in Python 2", left_out.old_python));
    }
    (!parts.is_empty()).then(|| format!("Left out of that: {}.", parts.join(", ")))
}

/// A command, and what it is for.
fn next(candidate: Option<&Candidate>, extent: Extent) -> String {
    // The page of this rule tells what a contract is.
    let mut rules = rules::all().iter();
    let about = rules.find(|rule| rules::lists_exits(rule.id()));
    match (candidate, extent, about) {
        (Some(_), _, _) => "tallylint contracts --suggest".to_owned(),
        // A base class that implies a contract may be elsewhere.
        (None, Extent::Files, _) | (None, _, None) => {
            "tallylint check, which looks at the whole folder".to_owned()
        }
        (None, _, Some(rule)) => {
            format!(
                "tallylint explain {}, on how to declare a contract",
                rule.id()
            )
        }
    }
}
