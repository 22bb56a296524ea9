//! The diagnostic format of reviewdog, as one object or with a diagnostic on each line.
//!
//! Paths are relative to the working directory, because reviewdog finds the repository itself.
//! Columns count bytes of UTF-8. Some platforms show messages as Markdown, others as plain text.

use std::io::{self, Write};

use serde::Serialize;

use super::harmless::harmless_json;
use super::patch::edited;
use super::{Report, harmless};
use crate::diagnostics::{self, FileFailure, Finding, Fix, Severity};
use crate::rules;
use crate::source::Span;

/// How the diagnostics are arranged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    /// One object.
    Whole,
    /// A diagnostic on each line.
    Lines,
}

#[derive(Serialize)]
struct Whole {
    source: Source,
    severity: &'static str,
    diagnostics: Vec<Diagnostic>,
}

#[derive(Serialize)]
struct Source {
    name: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'static str>,
}

#[derive(Serialize)]
struct Diagnostic {
    message: String,
    location: Location,
    severity: &'static str,
    /// Only for a diagnostic on a line of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<Source>,
    code: Code,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    suggestions: Vec<Suggestion>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related_locations: Vec<Related>,
}

#[derive(Serialize)]
struct Location {
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    range: Option<Range>,
}

#[derive(Serialize)]
struct Range {
    start: Position,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<Position>,
}

#[derive(Serialize)]
struct Position {
    line: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<u32>,
}

#[derive(Serialize)]
struct Code {
    value: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
}

#[derive(Serialize)]
struct Suggestion {
    range: Range,
    text: String,
}

#[derive(Serialize)]
struct Related {
    message: String,
    location: Location,
}

/// Writes the diagnostics.
///
/// # Errors
/// When `out` cannot be written.
pub fn write<W: Write + ?Sized>(report: &Report<'_>, shape: Shape, out: &mut W) -> io::Result<()> {
    let reported = report.settled.reported.iter();
    let findings = reported.map(|reported| diagnostic(report, &reported.finding));
    let failures = report.failures.iter().map(incomplete);
    let diagnostics = findings.chain(failures);
    match shape {
        Shape::Whole => {
            let severity = report.settled.worst().unwrap_or(Severity::Note);
            let whole = Whole {
                source: source(),
                severity: match report.failures.is_empty() {
                    true => level(severity),
                    false => level(Severity::Error),
                },
                diagnostics: diagnostics.collect(),
            };
            let text = serde_json::to_string_pretty(&whole)?;
            writeln!(out, "{}", harmless_json(&text))
        }
        Shape::Lines => {
            for mut diagnostic in diagnostics {
                diagnostic.source = Some(source());
                let text = serde_json::to_string(&diagnostic)?;
                writeln!(out, "{}", harmless_json(&text))?;
            }
            Ok(())
        }
    }
}

fn source() -> Source {
    Source {
        name: env!("CARGO_PKG_NAME"),
        url: rules::repository(),
    }
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "ERROR",
        Severity::Warning => "WARNING",
        Severity::Note => "INFO",
    }
}

fn diagnostic(report: &Report<'_>, finding: &Finding) -> Diagnostic {
    let related = finding.steps.iter().map(|step| Related {
        message: markdown(&step.message),
        location: location(report, &step.location),
    });
    Diagnostic {
        message: markdown(&report.in_words(finding)),
        location: location(report, &finding.primary.location),
        severity: level(finding.severity),
        source: None,
        code: Code {
            value: finding.code(),
            url: rules::help_uri(finding.rule),
        },
        suggestions: finding
            .fix
            .iter()
            .filter_map(|fix| suggestion(report, finding, fix))
            .collect(),
        related_locations: related.collect(),
    }
}

fn incomplete(failure: &FileFailure) -> Diagnostic {
    // Its column does not count bytes.
    let at = failure.location.map(|(line, _)| Range {
        start: Position { line, column: None },
        end: None,
    });
    Diagnostic {
        message: markdown(&harmless(&format!(
            "{}: {}",
            failure.title(),
            failure.reason
        ))),
        location: Location {
            path: failure.path.clone(),
            range: at,
        },
        severity: level(Severity::Error),
        source: None,
        code: Code {
            value: "incomplete-analysis".to_owned(),
            url: None,
        },
        suggestions: Vec::new(),
        related_locations: Vec::new(),
    }
}

fn location(report: &Report<'_>, place: &diagnostics::Location) -> Location {
    let file = report.sources.get(place.file);
    Location {
        path: file.display.clone(),
        range: Some(range(report, place)),
    }
}

fn range(report: &Report<'_>, place: &diagnostics::Location) -> Range {
    let file = report.sources.get(place.file);
    let position = |at: u32| {
        let line = file.line_index().line(at);
        let column = at.saturating_sub(file.line_index().line_start(line)) + 1;
        let column = Some(column);
        Position { line, column }
    };
    Range {
        start: position(place.span.start),
        end: Some(position(place.span.end)),
    }
}

/// The whole fix as one replacement, because a part of it is useless. A fix in another file cannot
/// be one.
fn suggestion(report: &Report<'_>, finding: &Finding, fix: &Fix) -> Option<Suggestion> {
    let files = report.edits_by_file(fix);
    let [edits] = files.as_slice() else {
        return None;
    };
    let (first, last) = (edits.first()?, edits.last()?);
    let file = first.location.file;
    if file != finding.primary.location.file {
        return None;
    }
    let span = Span::new(first.location.span.start, last.location.span.end);
    let place = diagnostics::Location { file, span };
    Some(Suggestion {
        range: range(report, &place),
        text: edited(&report.sources.get(file), span, edits),
    })
}

/// Text that reads the same as Markdown and as plain text. Only backticks have a meaning.
fn markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let lines = text.split('\n').map(|line| {
        // An odd backtick would leave open where the code ends.
        let ticks = line.matches('`').count();
        if ticks % 2 == 1 || line.contains("``") {
            prose(&line.replace('`', "'"))
        } else {
            let pieces = line.split('`').enumerate();
            let pieces = pieces.map(|(at, piece)| match at % 2 {
                0 => prose(piece),
                _ => format!("`{piece}`"),
            });
            pieces.collect()
        }
    });
    for (at, line) in lines.enumerate() {
        if at > 0 {
            out.push('\n');
        }
        out.push_str(&line);
    }
    out
}

/// Escapes Markdown. The texts of the rules contain none.
fn prose(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '*' | '_' | '[' | ']' | '<' | '>' | '&' | '!' | '|' | '~' | '$' => {
                out.push('\\');
                out.push(c);
            }
            // Not with a backslash: platforms look for these in the rendered text.
            '@' | '#' => {
                out.push(c);
                out.push('\u{200b}');
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_mean_nothing_but_code() {
        assert_eq!(markdown("`a_b` is *c*"), "`a_b` is \\*c\\*");
        assert_eq!(markdown("`a``b`"), "'a''b'");
        assert_eq!(markdown("x ` <b>\n`y`"), "x ' \\<b\\>\n`y`");
        assert_eq!(markdown("@you #1"), "@\u{200b}you #\u{200b}1");
        assert_eq!(
            markdown("1. line 4: plain (text)"),
            "1. line 4: plain (text)"
        );
    }
}
