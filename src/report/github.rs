//! Workflow commands of GitHub Actions, which annotate the files of a pull request.
//!
//! Of each step, GitHub takes ten annotations of each level and silently drops the others. So the
//! most severe ones are written, and a last one says how many more there are.

use std::io::{self, Write};

use super::command::{self, Escapes};
use super::{Report, harmless, plural};
use crate::diagnostics::{FileFailure, Finding, Severity, Undone};

/// The escapes of a text, as in the runner's own toolkit.
const DATA: &Escapes = &[('%', "%25"), ('\r', "%0D"), ('\n', "%0A")];
/// The escapes of a property.
const PROPERTY: &Escapes = &[
    ('%', "%25"),
    ('\r', "%0D"),
    ('\n', "%0A"),
    (':', "%3A"),
    (',', "%2C"),
];
/// How many annotations of a level GitHub takes from a step.
const PER_LEVEL: usize = 10;
/// How many of these errors may be failures, if there are too many errors.
const FAILURES: usize = 3;

/// Writes the commands, the most severe ones first.
///
/// # Errors
/// When `out` cannot be written.
pub fn write<W: Write + ?Sized>(report: &Report<'_>, out: &mut W) -> io::Result<()> {
    let reported = &report.settled.reported;
    let of = |severity| {
        let findings = reported.iter().map(|reported| &reported.finding);
        findings.filter(move |finding| finding.severity == severity)
    };
    let failures = report.failures.len() + usize::from(report.bug.is_some());
    let errors = of(Severity::Error).count();
    let places = PER_LEVEL.saturating_sub(errors).max(FAILURES);
    let shown_failures = failures.min(places);
    if let Some(bug) = report.bug {
        let bug = bug.to_string();
        let body = format!(
            "the analysis panicked, the result is incomplete: {}",
            harmless(&bug)
        );
        let title = ("title", "tallylint: internal error".to_owned());
        annotate(out, "error", &[title], &body)?;
    }
    let of_files = shown_failures.saturating_sub(usize::from(report.bug.is_some()));
    for failure in report.failures.iter().take(of_files) {
        incomplete(report, failure, out)?;
    }
    let mut left_out = failures - shown_failures;
    let all = errors + failures + of(Severity::Warning).count() + of(Severity::Note).count();
    for severity in Severity::ALL {
        let count = of(severity).count();
        let room = match severity {
            Severity::Error => PER_LEVEL - shown_failures,
            Severity::Warning => PER_LEVEL,
            // The remark about further findings is a notice, too.
            Severity::Note if left_out > 0 || count > PER_LEVEL => PER_LEVEL - 1,
            Severity::Note => PER_LEVEL,
        };
        for finding in of(severity).take(room) {
            annotation(report, finding, out)?;
        }
        left_out += count.saturating_sub(room);
    }
    if left_out > 0 {
        let body = format!(
            "{} not annotated, of {all} in all: GitHub shows {PER_LEVEL} annotations of each \
             level for a step. The job summary or another format has all of them",
            plural(left_out, "more finding")
        );
        annotate(out, "notice", &[("title", "tallylint".to_owned())], &body)?;
    }
    Ok(())
}

fn annotation<W: Write + ?Sized>(
    report: &Report<'_>,
    finding: &Finding,
    out: &mut W,
) -> io::Result<()> {
    let region = report.region(&finding.primary.location);
    let mut properties = vec![
        ("file", report.path_of(&finding.primary.location).text()),
        ("line", region.line.to_string()),
        ("endLine", region.end_line.to_string()),
    ];
    // GitHub accepts columns only within one line.
    if region.line == region.end_line {
        properties.push(("col", region.column.to_string()));
        properties.push(("endColumn", region.end_column.to_string()));
    }
    properties.push(("title", finding.code()));
    let name = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    };
    annotate(out, name, &properties, &report.in_words(finding))
}

fn incomplete<W: Write + ?Sized>(
    report: &Report<'_>,
    failure: &FileFailure,
    out: &mut W,
) -> io::Result<()> {
    let mut properties = vec![("file", report.path_of_failure(failure).text())];
    if let Some((line, column)) = failure.location {
        properties.push(("line", line.to_string()));
        properties.push(("col", column.to_string()));
    }
    properties.push(("title", format!("tallylint: {}", failure.title())));
    let then = match failure.undone {
        Undone::Analysis | Undone::AnalysisByBug => "the result is incomplete",
        Undone::Fix => "its fixes were not written",
    };
    let body = format!("{}; {then}", harmless(&failure.reason));
    annotate(out, "error", &properties, &body)
}

fn annotate<W: Write + ?Sized>(
    out: &mut W,
    name: &str,
    properties: &[(&str, String)],
    body: &str,
) -> io::Result<()> {
    let properties = command::properties(properties, ",", PROPERTY);
    writeln!(out, "::{name} {properties}::{}", data(body))
}

/// Escapes the characters that end a command.
fn data(text: &str) -> String {
    command::escape(text, DATA)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn property(text: &str) -> String {
        command::escape(text, PROPERTY)
    }

    #[test]
    fn escapes_are_those_of_the_toolkit() {
        assert_eq!(data("100%\r\n::error::x"), "100%25%0D%0A::error::x");
        assert_eq!(property("a,b:c%\n"), "a%2Cb%3Ac%25%0A");
        assert_eq!(data("plain: text, here"), "plain: text, here");
    }
}
