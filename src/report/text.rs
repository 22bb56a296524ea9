//! The format for people: source snippets with numbered steps, rendered by codespan-reporting.
//!
//! A finding whose steps lie in several files is shown in the order of its steps: each change of the file begins a
//! new section. On a terminal, what would not fit on its lines is wrapped or moved, and places are links.

use std::io;

use codespan_reporting::diagnostic::{Diagnostic, Label, LabelStyle, Severity as Level};
use codespan_reporting::files::Error;
use codespan_reporting::term;
use termcolor::{Buffer, Color, ColorSpec, WriteColor};

use super::hyperlinks::with_links;
use super::snippet::{Snippets, TAB};
use super::wrapped::wrapped;
use super::{Report, Screen, harmless, summary};
use crate::diagnostics::{Finding, Location, Severity};
use crate::order::Order as _;
use crate::source::SourceMap;

/// What stands left of a source line beside its number.
const MARGIN: usize = 3;

/// Writes every finding, then the summary.
pub fn write(report: &Report<'_>, out: &mut dyn WriteColor) -> io::Result<()> {
    for reported in &report.settled.reported {
        finding(&reported.finding, (report.sources, report.screen), out)?;
    }
    if let Some(time) = report.time {
        for line in summary(report, time).lines() {
            writeln!(out, "{}", wrapped(line, report.screen.width, (0, 2)))?;
        }
    }
    Ok(())
}

struct Mark {
    place: Location,
    /// Which section it is shown in.
    section: usize,
    style: LabelStyle,
    message: String,
}

fn finding(
    finding: &Finding,
    (sources, screen): (&SourceMap, Screen),
    out: &mut dyn WriteColor,
) -> io::Result<()> {
    let marks = marks(finding);
    let places: Vec<_> = marks
        .iter()
        .map(|mark| (mark.section, mark.place))
        .collect();
    let margin = margin(&places, sources);
    let width = screen.width.map(|width| width.saturating_sub(margin));
    let snippets = Snippets::new(&places, width, sources);
    let mut labels: Vec<(usize, Label<usize>)> = Vec::new();
    for (at, mark) in marks.iter().enumerate() {
        let (file, range) = snippets.label(at);
        let message = harmless(&mark.message);
        // Two steps at the same location share a label.
        let same = labels
            .iter_mut()
            .find(|(_, label)| label.file_id == file && label.range == range);
        match same {
            Some((_, label)) if label.style == LabelStyle::Primary => {
                // The primary label comes first in the list but last in the path.
                label.message = join(&message, &label.message);
            }
            Some((_, label)) => label.message = join(&label.message, &message),
            None => labels.push((
                at,
                Label::new(mark.style, file, range).with_message(message),
            )),
        }
    }
    let mut moved = Vec::new();
    if let Some(width) = width {
        for (at, label) in &mut labels {
            let fits = snippets.end(*at) + 1 + label.message.chars().count() <= width;
            if !fits && !label.message.is_empty() {
                let text = std::mem::take(&mut label.message);
                let (name, text) = numbered(&text).unwrap_or_else(|| {
                    let line = snippets.line(*at);
                    (format!("line {line}:"), text)
                });
                if name.ends_with('.') {
                    label.message.clone_from(&name);
                }
                moved.push((name, text));
            }
        }
    }
    moved.order_by_key(|(name, _)| name.trim_end_matches('.').parse().unwrap_or(u32::MAX));
    // The labels of a section come together, and the sections in their order.
    labels.order_by_key(|(_, label)| label.file_id);
    let title = harmless(&finding.message);
    let code = finding.code();
    let head = finding.severity.name().len() + code.len() + 4;
    let title = wrapped(&title, screen.width, (head, 2));
    let diagnostic = Diagnostic::new(level(finding.severity))
        .with_code(code)
        .with_message(title)
        .with_labels_iter(labels.into_iter().map(|(_, label)| label));
    let mut shown = match out.supports_color() {
        true => Buffer::ansi(),
        false => Buffer::no_color(),
    };
    term::emit_to_write_style(&mut shown, &config(), &snippets, &diagnostic).map_err(|error| {
        match error {
            Error::Io(error) => error,
            other => io::Error::other(other.to_string()),
        }
    })?;
    // The notes come before the line that ends it.
    let shown = shown.into_inner();
    let shown = shown.strip_suffix(b"\n").unwrap_or(&shown);
    match screen.links {
        true => out.write_all(&with_links(shown, &snippets))?,
        false => out.write_all(shown)?,
    }
    notes(finding, moved, (margin, screen.width), out)?;
    writeln!(out)
}

/// Writes what stands below the snippets: labels that did not fit, notes, the fix, the help.
fn notes(
    finding: &Finding,
    moved: Vec<(String, String)>,
    (margin, width): (usize, Option<usize>),
    out: &mut dyn WriteColor,
) -> io::Result<()> {
    let bold = ColorSpec::new().set_bold(true).clone();
    let coloured = |color| bold.clone().set_fg(Some(color)).clone();
    let mut all: Vec<(String, String, ColorSpec)> = Vec::new();
    for (name, text) in moved {
        all.push((name, text, bold.clone()));
    }
    for note in &finding.notes {
        let text = harmless(note).into_owned();
        all.push(("note:".to_owned(), text, bold.clone()));
    }
    if let Some(fix) = &finding.fix {
        let name = format!("fix ({}):", fix.safety.name());
        let text = harmless(&fix.message).into_owned();
        all.push((name, text, coloured(Color::Green)));
    }
    if !finding.help.is_empty() {
        let text = harmless(&finding.help).into_owned();
        all.push(("help:".to_owned(), text, coloured(Color::Cyan)));
    }
    // In the column of the border.
    let before = margin.saturating_sub(2);
    let border = config().chars.source_border_left;
    let sign = |sign: char, end: &str, out: &mut dyn WriteColor| -> io::Result<()> {
        write!(out, "{:before$}", "")?;
        out.set_color(ColorSpec::new().set_fg(Some(Color::Cyan)))?;
        write!(out, "{sign}")?;
        out.reset()?;
        write!(out, "{end}")
    };
    if !all.is_empty() {
        sign(border, "\n", out)?;
    }
    for (name, text, style) in all {
        let start = before + 2 + name.chars().count() + 1;
        let text = wrapped(&text, width, (start, before + 2));
        sign('=', " ", out)?;
        out.set_color(&style)?;
        write!(out, "{name}")?;
        out.reset()?;
        writeln!(out, " {text}")?;
    }
    Ok(())
}

/// How many characters stand left of the source lines.
fn margin(places: &[(usize, Location)], sources: &SourceMap) -> usize {
    let line = |(_, place): &(usize, Location)| {
        let file = sources.get(place.file);
        file.position(place.span.start).line
    };
    let last = places.iter().map(line).max().unwrap_or(1);
    last.to_string().len() + MARGIN
}

/// The number of the step that a label tells, and the rest of its text.
fn numbered(message: &str) -> Option<(String, String)> {
    let (number, rest) = message.split_once(". ")?;
    let is_number = !number.is_empty() && number.chars().all(|c| c.is_ascii_digit());
    is_number.then(|| (format!("{number}."), rest.to_owned()))
}

/// The labels, the primary one first, then the steps in order; each with its section.
fn marks(finding: &Finding) -> Vec<Mark> {
    // The primary label may itself be a step of the path: the exit at its end, or the fact that the
    // finding is about.
    let own = finding
        .steps
        .iter()
        .rposition(|s| s.tells_as(&finding.primary));
    let primary = match own {
        Some(at) if finding.steps.len() > 1 => format!("{}. {}", at + 1, finding.primary.message),
        _ => finding.primary.message.clone(),
    };
    let steps = finding.steps.iter().enumerate();
    let steps = steps.map(|(at, step)| match own == Some(at) {
        true => (
            finding.primary.location,
            LabelStyle::Primary,
            primary.clone(),
        ),
        false => {
            let message = format!("{}. {}", at + 1, step.message);
            (step.location, LabelStyle::Secondary, message)
        }
    });
    let last = (
        finding.primary.location,
        LabelStyle::Primary,
        primary.clone(),
    );
    let all = steps.chain(own.is_none().then_some(last));
    let mut section = 0;
    let mut file = None;
    let mut out: Vec<Mark> = Vec::new();
    for (place, style, message) in all {
        if file.is_some_and(|file| file != place.file) {
            section += 1;
        }
        file = Some(place.file);
        out.push(Mark {
            place,
            section,
            style,
            message,
        });
    }
    out.order_by_key(|mark| mark.style != LabelStyle::Primary);
    out
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
        tab_width: TAB,
        ..term::Config::default()
    }
}
