//! The format for people: source snippets with numbered steps, rendered by codespan-reporting.

use std::io;

use codespan_reporting::diagnostic::{Diagnostic, Label, LabelStyle, Severity as Level};
use codespan_reporting::files::Error;
use codespan_reporting::term;
use termcolor::WriteColor;

use super::snippet::Snippets;
use super::{Report, harmless, summary};
use crate::diagnostics::{Finding, Location, Severity};
use crate::source::SourceMap;

/// Writes every finding, then the summary.
pub fn write(report: &Report<'_>, out: &mut dyn WriteColor) -> io::Result<()> {
    for reported in &report.settled.reported {
        finding(&reported.finding, report.sources, out)?;
    }
    if let Some(time) = report.time {
        write!(out, "{}", summary(report, time))?;
    }
    Ok(())
}

struct Mark {
    place: Location,
    style: LabelStyle,
    message: String,
}

fn finding(finding: &Finding, sources: &SourceMap, out: &mut dyn WriteColor) -> io::Result<()> {
    let marks = marks(finding);
    let places: Vec<Location> = marks.iter().map(|mark| mark.place).collect();
    let snippets = Snippets::new(&places, sources);
    let mut labels: Vec<Label<usize>> = Vec::new();
    for (at, mark) in marks.iter().enumerate() {
        let (file, range) = snippets.label(at);
        let message = harmless(&mark.message);
        // Two steps at the same location share a label.
        let same = labels
            .iter_mut()
            .find(|label| label.file_id == file && label.range == range);
        match same {
            Some(label) if label.style == LabelStyle::Primary => {
                // The primary label comes first in the list but last in the path.
                label.message = join(&message, &label.message);
            }
            Some(label) => label.message = join(&label.message, &message),
            None => labels.push(Label::new(mark.style, file, range).with_message(message)),
        }
    }
    let notes = finding
        .notes
        .iter()
        .map(|note| format!("note: {}", harmless(note)))
        .chain(finding.fix.as_ref().map(|fix| {
            let safety = fix.safety.name();
            format!("fix ({safety}): {}", harmless(&fix.message))
        }))
        .chain((!finding.help.is_empty()).then(|| format!("help: {}", harmless(&finding.help))));
    let diagnostic = Diagnostic::new(level(finding.severity))
        .with_code(finding.rule)
        .with_message(harmless(&finding.message))
        .with_labels(labels)
        .with_notes_iter(notes);
    term::emit_to_write_style(out, &config(), &snippets, &diagnostic).map_err(|error| match error {
        Error::Io(error) => error,
        other => io::Error::other(other.to_string()),
    })
}

/// The labels: the primary one first (its file is shown first), then the steps in order.
fn marks(finding: &Finding) -> Vec<Mark> {
    // The primary label may itself be a step of the path: the exit at its end, or the fact that the
    // finding is about.
    let own = finding.steps.iter().rposition(|s| *s == finding.primary);
    let primary = Mark {
        place: finding.primary.location,
        style: LabelStyle::Primary,
        message: match own {
            Some(at) if finding.steps.len() > 1 => {
                format!("{}. {}", at + 1, finding.primary.message)
            }
            _ => finding.primary.message.clone(),
        },
    };
    let steps = finding.steps.iter().enumerate();
    let steps = steps
        .filter(|(at, _)| own != Some(*at))
        .map(|(at, step)| Mark {
            place: step.location,
            style: LabelStyle::Secondary,
            message: format!("{}. {}", at + 1, step.message),
        });
    std::iter::once(primary).chain(steps).collect()
}

fn join(first: &str, second: &str) -> String {
    match (first.is_empty(), second.is_empty()) {
        (true, _) => second.to_owned(),
        (_, true) => first.to_owned(),
        _ => format!("{first}; {second}"),
    }
}

fn level(severity: Severity) -> Level {
    match severity {
        Severity::Note => Level::Note,
        Severity::Warning => Level::Warning,
        Severity::Error => Level::Error,
    }
}

fn config() -> term::Config {
    term::Config {
        tab_width: 4,
        ..term::Config::default()
    }
}
