//! The summary of a run in words.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Report, nothing};
use crate::diagnostics::{Safety, Severity, Undone};
use crate::outcome::Decision;

/// The counts in one line, and further lines with what is needed to understand them.
#[must_use]
pub fn summary(report: &Report<'_>, time: Duration) -> String {
    let mut text = format!("{} in {:.2}s\n", headline(report), time.as_secs_f64());
    let failed = |fixes: bool| {
        let of_kind = report.failures.iter();
        let of_kind = of_kind.filter(|failure| (failure.undone == Undone::Fix) == fixes);
        let paths: BTreeSet<&str> = of_kind.map(|failure| failure.path.as_str()).collect();
        (!paths.is_empty()).then(|| plural(paths.len(), if fixes { "file" } else { "path" }))
    };
    if let Some(paths) = failed(false) {
        text.push_str(&paths);
        text.push_str(" could not be analysed: the result is incomplete\n");
    }
    if let Some(files) = failed(true) {
        text.push_str(&files);
        text.push_str(" could not be fixed\n");
    }
    for remark in remarks(report).into_iter().chain(nothing::lines(report)) {
        text.push_str(&remark);
        text.push('\n');
    }
    text
}

/// The counts in one line.
pub(super) fn headline(report: &Report<'_>) -> String {
    let settled = report.settled;
    let found: Vec<String> = Severity::ALL
        .iter()
        .map(|&severity| (settled.severity(severity), severity))
        .filter(|(count, _)| *count > 0)
        .map(|(count, severity)| plural(count, severity.name()))
        .collect();
    let found = match found.as_slice() {
        // That nothing was found would be no news.
        [] if report.checked == 0 && !report.failures.is_empty() => {
            return "Nothing could be checked".to_owned();
        }
        [] => "No findings".to_owned(),
        [one] => format!("Found {one}"),
        [first @ .., last] => format!("Found {} and {last}", first.join(", ")),
    };
    let skipped = match report.skipped {
        0 => String::new(),
        skipped => format!(", {skipped} skipped"),
    };
    let unfollowed = match report.unfollowed {
        0 => String::new(),
        unfollowed => format!(", {unfollowed} not followed to the end"),
    };
    let shard = match report.part {
        None => String::new(),
        Some(part) => format!(", {}", part.shard),
    };
    format!(
        "{found} in {}{unfollowed} ({} checked{skipped}{shard})",
        plural(report.processors, "processor"),
        plural(report.checked, "file")
    )
}

/// What is needed to understand the counts, in lines, except for what is incomplete.
pub(super) fn remarks(report: &Report<'_>) -> Vec<String> {
    let settled = report.settled;
    let mut out = Vec::new();
    if report.fixed > 0 {
        out.push(format!("{} fixed", plural(report.fixed, "finding")));
    }
    let suppressed = settled.count(Decision::Suppressed);
    if suppressed > 0 {
        let findings = plural(suppressed, "finding");
        out.push(format!("{findings} ignored by comments"));
    }
    let known = settled.count(Decision::Known);
    if known > 0 {
        let findings = plural(known, "finding");
        out.push(format!("{findings} known from the baseline"));
    }
    let same_cause = settled.count(Decision::SameCause);
    if same_cause > 0 {
        let have = if same_cause == 1 { "has" } else { "have" };
        out.push(format!(
            "{} {have} the same cause as one of these, whose notes tell of it",
            plural(same_cause, "more finding")
        ));
    }
    let expired = settled.expired.len();
    if expired > 0 {
        let (are, them) = if expired == 1 {
            ("is", "it")
        } else {
            ("are", "them")
        };
        out.push(format!(
            "{} in the baseline {are} no longer found; --write-baseline removes {them}",
            plural(expired, "finding")
        ));
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
        let findings = plural(safe, "finding");
        out.push(format!("{findings} can be fixed with --fix"));
    }
    if others > 0 {
        let more = if safe > 0 { " more" } else { "" };
        out.push(format!(
            "{}{more} can be fixed with --fix --unsafe-fixes, which changes what the program does",
            plural(others, "finding")
        ));
    }
    let hidden = settled.count(Decision::BelowThreshold);
    if hidden > 0 {
        out.push(format!(
            "{} hidden; --pedantic shows them",
            plural(hidden, "note")
        ));
    }
    out
}

/// `1 file`, `2 files`
#[must_use]
pub fn plural(count: usize, noun: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{s}")
}
