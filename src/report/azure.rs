//! Logging commands of Azure Pipelines, which list errors and warnings as issues of a run.

use std::io::{self, Write};

use super::command::{self, Escapes};
use super::{Report, harmless};
use crate::diagnostics::Severity;

/// The escapes of a text, as documented.
const DATA: &Escapes = &[('%', "%AZP25"), ('\r', "%0D"), ('\n', "%0A")];
/// The escapes of a property.
const PROPERTY: &Escapes = &[
    ('%', "%AZP25"),
    ('\r', "%0D"),
    ('\n', "%0A"),
    (';', "%3B"),
    (']', "%5D"),
];

/// Writes a command for each finding and each failure.
///
/// # Errors
/// When `out` cannot be written.
pub fn write<W: Write + ?Sized>(report: &Report<'_>, out: &mut W) -> io::Result<()> {
    for reported in &report.settled.reported {
        let finding = &reported.finding;
        let region = report.region(&finding.primary.location);
        let properties = [
            // The format has no notes.
            ("type", kind(finding.severity).to_owned()),
            (
                "sourcepath",
                report.path_of(&finding.primary.location).text(),
            ),
            ("linenumber", region.line.to_string()),
            ("columnnumber", region.column.to_string()),
            ("code", finding.code()),
        ];
        issue(out, &properties, &report.in_words(finding))?;
    }
    for failure in report.failures {
        let (line, column) = failure.location.unwrap_or((1, 1));
        let properties = [
            ("type", "error".to_owned()),
            ("sourcepath", report.path_of_failure(failure).text()),
            ("linenumber", line.to_string()),
            ("columnnumber", column.to_string()),
            ("code", "incomplete-analysis".to_owned()),
        ];
        let body = format!("{}: {}", failure.title(), harmless(&failure.reason));
        issue(out, &properties, &body)?;
    }
    if let Some(bug) = report.bug {
        let bug = bug.to_string();
        let body = format!("internal error: the analysis panicked: {}", harmless(&bug));
        issue(out, &[("type", "error".to_owned())], &body)?;
    }
    Ok(())
}

fn kind(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning | Severity::Note => "warning",
    }
}

fn issue<W: Write + ?Sized>(
    out: &mut W,
    properties: &[(&str, String)],
    body: &str,
) -> io::Result<()> {
    let properties = command::properties(properties, ";", PROPERTY);
    writeln!(out, "##vso[task.logissue {properties}]{}", data(body))
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
    fn escapes_are_the_documented_ones() {
        assert_eq!(data("5%\r\n]; x"), "5%AZP25%0D%0A]; x");
        assert_eq!(property("a;b]c%\n"), "a%3Bb%5Dc%AZP25%0A");
    }
}
