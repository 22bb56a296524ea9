//! The code quality report of GitLab, a subset of the Code Climate format.

use std::collections::HashMap;
use std::io::{self, Write};

use serde::Serialize;

use super::Report;
use super::harmless::harmless_json;
use crate::diagnostics::{FileFailure, Fingerprint, Severity};
use crate::outcome::Reported;

/// The check name for files that could not be analysed.
const INCOMPLETE: &str = "incomplete-analysis";

#[derive(Serialize)]
struct Violation {
    description: String,
    check_name: String,
    fingerprint: String,
    severity: &'static str,
    location: Location,
}

#[derive(Serialize)]
struct Location {
    path: String,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: u32,
    end: u32,
}

/// Writes the report and a line break.
///
/// # Errors
/// When `out` cannot be written.
pub fn write<W: Write + ?Sized>(report: &Report<'_>, out: &mut W) -> io::Result<()> {
    let mut violations: Vec<Violation> = Vec::new();
    let reported = report.settled.reported.iter();
    violations.extend(reported.map(|reported| violation(report, reported)));
    let mut seen: HashMap<Fingerprint, u32> = HashMap::new();
    for failure in report.failures {
        violations.push(incomplete(report, failure, &mut seen));
    }
    let text = serde_json::to_string_pretty(&violations)?;
    writeln!(out, "{}", harmless_json(&text))
}

fn violation(report: &Report<'_>, reported: &Reported) -> Violation {
    let finding = &reported.finding;
    let region = report.region(&finding.primary.location);
    Violation {
        description: finding.message.clone(),
        check_name: finding.code(),
        fingerprint: reported.identity.fingerprint.to_string(),
        severity: match finding.severity {
            Severity::Error => "critical",
            Severity::Warning => "major",
            Severity::Note => "info",
        },
        location: Location {
            path: report.path_of(&finding.primary.location).text(),
            lines: Lines {
                begin: region.line,
                end: region.end_line,
            },
        },
    }
}

/// The line is not part of the fingerprint, because edits elsewhere in the file move it.
fn incomplete(
    report: &Report<'_>,
    failure: &FileFailure,
    seen: &mut HashMap<Fingerprint, u32>,
) -> Violation {
    let path = report.path_of_failure(failure).text();
    let like = Fingerprint::of([INCOMPLETE, &path, &failure.reason]);
    let ordinal = seen.entry(like).or_insert(0);
    *ordinal += 1;
    let ordinal = ordinal.to_string();
    let fingerprint = Fingerprint::of([INCOMPLETE, &path, &failure.reason, &ordinal]);
    let line = failure.location.map_or(1, |(line, _)| line);
    Violation {
        description: format!("{}: {}", failure.title(), failure.reason),
        check_name: INCOMPLETE.to_owned(),
        fingerprint: fingerprint.to_string(),
        severity: "blocker",
        location: Location {
            path,
            lines: Lines {
                begin: line,
                end: line,
            },
        },
    }
}
