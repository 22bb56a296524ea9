//! Contracts that could be declared, for people.

use std::io;

use termcolor::{Color, ColorSpec, WriteColor};

use super::styled::{end_with_place, styled};
use super::{harmless, plural};
use crate::outcome::{Definition, Keeps, Suggestion, Suggestions};
use crate::source::SourceMap;

/// At most this many definitions that do not keep a contract are listed.
const MAX_LISTED: usize = 8;
/// The widest word for how a definition keeps a contract.
const WIDTH: usize = 13;

/// Writes each suggestion with its evidence and the text for the configuration, or why there is
/// none.
///
/// # Errors
/// When `out` cannot be written.
pub fn write(
    suggestions: &Suggestions,
    sources: &SourceMap,
    out: &mut dyn WriteColor,
) -> io::Result<()> {
    for (index, candidate) in suggestions.suggestions.iter().enumerate() {
        if index > 0 {
            writeln!(out)?;
        }
        suggestion((index + 1, candidate), sources, out)?;
    }
    if suggestions.suggestions.is_empty() {
        none(suggestions, out)?;
    }
    Ok(())
}

fn suggestion(
    (number, candidate): (usize, &Suggestion),
    sources: &SourceMap,
    out: &mut dyn WriteColor,
) -> io::Result<()> {
    let title = format!("{number}. {}", candidate.title());
    styled(out, ColorSpec::new().set_bold(true), &title)?;
    writeln!(out)?;
    writeln!(
        out,
        "   {}, exceptions left out (z = {:.2})",
        harmless(&candidate.tally()),
        candidate.rounded_z()
    )?;
    if candidate.unclear > 0 {
        writeln!(
            out,
            "   {} not counted: unknown code may keep it for them",
            plural(candidate.unclear, "definition")
        )?;
    }
    if !candidate.also.is_empty() {
        writeln!(out, "   likewise: {}", harmless(&candidate.also.join(", ")))?;
    }
    let deviate = candidate.definitions.iter();
    let deviate: Vec<&Definition> = deviate.filter(|d| d.keeps != Keeps::Always).collect();
    for definition in deviate.iter().take(MAX_LISTED) {
        let (word, color) = match definition.keeps {
            Keeps::Sometimes => ("on some paths", Color::Yellow),
            Keeps::Never | Keeps::Always => ("on no path", Color::Red),
        };
        write!(out, "     ")?;
        styled(out, ColorSpec::new().set_fg(Some(color)), word)?;
        let gap = WIDTH - word.len() + 2;
        write!(out, "{:gap$}{}  ", "", harmless(&definition.name))?;
        end_with_place(out, definition.place, sources)?;
    }
    if deviate.len() > MAX_LISTED {
        writeln!(out, "     and {} more", deviate.len() - MAX_LISTED)?;
    }
    for line in candidate.contract.table().lines() {
        writeln!(out, "   {}", harmless(line))?;
    }
    Ok(())
}

/// Says what was looked at, and why nothing of it is a suggestion.
fn none(suggestions: &Suggestions, out: &mut dyn WriteColor) -> io::Result<()> {
    if suggestions.looked_at == 0 {
        writeln!(
            out,
            "No suggestion: no base class has four definitions of a method below it, and no \
             decorator is on four functions."
        )?;
        if let Some((name, definitions)) = &suggestions.too_small {
            let definitions = plural(*definitions, "definition");
            writeln!(
                out,
                "The largest family is {} with {definitions}.",
                harmless(name)
            )?;
        }
        return Ok(());
    }
    writeln!(
        out,
        "No suggestion: of {}, none has something to record that most definitions do and that is \
         not under contract.",
        if suggestions.looked_at == 1 {
            "1 family".to_owned()
        } else {
            format!("{} families", suggestions.looked_at)
        }
    )?;
    for family in &suggestions.families {
        let definitions = plural(family.definitions, "definition");
        let most = match &family.most {
            Some((what, count)) if *count > 1 => format!("{count} of them have in common: {what}"),
            _ => "nothing in common".to_owned(),
        };
        writeln!(
            out,
            "  {}: {definitions}; {}",
            harmless(&family.name),
            harmless(&most)
        )?;
    }
    if suggestions.looked_at > suggestions.families.len() {
        let more = suggestions.looked_at - suggestions.families.len();
        writeln!(out, "  and {more} more")?;
    }
    Ok(())
}
