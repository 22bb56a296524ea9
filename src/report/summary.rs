//! The summary of a run in words.

use std::fmt::Write;
use std::time::Duration;

use super::Report;
use crate::diagnostics::{Safety, Severity};
use crate::settle::Outcome;

/// One line with the counts, and further lines for what a reader must know about them.
#[must_use]
pub fn summary(report: &Report<'_>, time: Duration) -> String {
    let settled = report.settled;
    let found: Vec<String> = Severity::ALL
        .iter()
        .map(|&severity| (settled.severity(severity), severity))
        .filter(|(count, _)| *count > 0)
        .map(|(count, severity)| plural(count, severity.name()))
        .collect();
    let found = match found.as_slice() {
        [] => "No findings".to_owned(),
        [one] => format!("Found {one}"),
        [first @ .., last] => format!("Found {} and {last}", first.join(", ")),
    };
    let mut text = format!(
        "{found} in {} ({} checked",
        plural(report.processors, "processor"),
        plural(report.checked, "file")
    );
    if report.skipped > 0 {
        let _ = write!(text, ", {} skipped", report.skipped);
    }
    let _ = writeln!(text, ") in {:.2}s", time.as_secs_f64());
    let mut failed: Vec<&str> = report.failures.iter().map(|f| f.path.as_str()).collect();
    failed.dedup();
    if !failed.is_empty() {
        let _ = writeln!(
            text,
            "{} could not be analysed: the result is incomplete",
            plural(failed.len(), "path")
        );
    }
    if report.fixed > 0 {
        let _ = writeln!(text, "{} fixed", plural(report.fixed, "finding"));
    }
    let suppressed = settled.count(Outcome::Suppressed);
    if suppressed > 0 {
        let _ = writeln!(
            text,
            "{} ignored by comments",
            plural(suppressed, "finding")
        );
    }
    let known = settled.count(Outcome::Known);
    if known > 0 {
        let _ = writeln!(text, "{} known from the baseline", plural(known, "finding"));
    }
    let expired: usize = settled.baselines.iter().map(|(_, gone)| gone.len()).sum();
    if expired > 0 {
        let are = if expired == 1 { "is" } else { "are" };
        let _ = writeln!(
            text,
            "{} of the baseline {are} no longer found; --write-baseline drops them",
            plural(expired, "finding")
        );
    }
    let fixable = |safety| {
        let fixes = settled
            .reported
            .iter()
            .filter_map(|r| r.finding.fix.as_ref());
        fixes.filter(|fix| fix.safety == safety).count()
    };
    let (safe, others) = (fixable(Safety::Safe), fixable(Safety::Unsafe));
    if safe > 0 {
        let _ = writeln!(text, "{} can be fixed with --fix", plural(safe, "finding"));
    }
    if others > 0 {
        let more = if safe > 0 { " more" } else { "" };
        let _ = writeln!(
            text,
            "{}{more} can be fixed with --fix --unsafe-fixes, which changes what the program does",
            plural(others, "finding")
        );
    }
    let hidden = settled.count(Outcome::BelowThreshold);
    if hidden > 0 {
        let _ = writeln!(
            text,
            "{} hidden; --pedantic shows them",
            plural(hidden, "note")
        );
    }
    text
}

/// `1 file`, `2 files`
#[must_use]
pub fn plural(count: usize, noun: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{s}")
}
