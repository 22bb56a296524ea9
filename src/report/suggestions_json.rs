//! Contracts that could be declared, for programs. Fields can be added; any other change needs a new
//! version number.

use std::io::{self, Write};

use serde::Serialize;

use super::harmless::harmless_json;
use crate::diagnostics::Location;
use crate::outcome::{Definition, Family, Keeps, Suggestion, Suggestions};
use crate::source::SourceMap;

/// The version of the format.
pub const VERSION: u32 = 1;

#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    /// Best first.
    suggestions: Vec<JsonSuggestion<'a>>,
    /// How many families were looked at.
    looked_at: usize,
    /// The largest of them.
    families: Vec<JsonFamily<'a>>,
}

#[derive(Serialize)]
struct JsonSuggestion<'a> {
    /// The method, or the decorator: `load`, `@task`.
    hook: &'a str,
    /// The base class; null for a decorator.
    base: Option<&'a str>,
    /// Where the base class has the method, or else where it is; null if that is not known.
    declared: Option<JsonPlace>,
    /// What most do: `sets self.rows_loaded`.
    what: &'a str,
    /// What else they do, and the same ones do not.
    also: &'a [String],
    /// The z statistic by which suggestions are ranked.
    z: f64,
    /// Whether it speaks of rows or of how many there are.
    counts: bool,
    /// How many definitions keep it on every path, exceptions left out, on some paths, and on none.
    keep: Numbers,
    /// How many definitions are not counted, because unknown code may keep it for them.
    unclear: usize,
    /// The table for the configuration.
    contract: String,
    definitions: Vec<JsonDefinition<'a>>,
}

#[derive(Serialize)]
struct Numbers {
    always: usize,
    sometimes: usize,
    never: usize,
}

#[derive(Serialize)]
struct JsonDefinition<'a> {
    name: &'a str,
    /// `always`, `sometimes` or `never`.
    keeps: &'static str,
    #[serde(flatten)]
    place: JsonPlace,
}

#[derive(Serialize)]
struct JsonPlace {
    path: String,
    line: u32,
}

#[derive(Serialize)]
struct JsonFamily<'a> {
    name: &'a str,
    definitions: usize,
    /// What most of them do.
    most: Option<&'a str>,
    /// How many of them do it on every path.
    keep: usize,
}

/// Writes the document and a line break.
///
/// # Errors
/// When `out` cannot be written.
pub fn write<W: Write + ?Sized>(
    suggestions: &Suggestions,
    sources: &SourceMap,
    out: &mut W,
) -> io::Result<()> {
    let candidates = suggestions.suggestions.iter();
    let document = Document {
        version: VERSION,
        suggestions: candidates.map(|c| suggestion(c, sources)).collect(),
        looked_at: suggestions.looked_at,
        families: suggestions.families.iter().map(family).collect(),
    };
    let text = serde_json::to_string_pretty(&document)?;
    writeln!(out, "{}", harmless_json(&text))
}

fn suggestion<'a>(candidate: &'a Suggestion, sources: &SourceMap) -> JsonSuggestion<'a> {
    JsonSuggestion {
        hook: &candidate.hook,
        base: candidate.base.as_deref(),
        declared: candidate.place.map(|at| place(at, sources)),
        what: &candidate.what,
        also: &candidate.also,
        z: candidate.rounded_z(),
        counts: candidate.counts,
        keep: Numbers {
            always: candidate.count(Keeps::Always),
            sometimes: candidate.count(Keeps::Sometimes),
            never: candidate.count(Keeps::Never),
        },
        unclear: candidate.unclear,
        contract: candidate.contract.table(),
        definitions: candidate
            .definitions
            .iter()
            .map(|d| definition(d, sources))
            .collect(),
    }
}

fn definition<'a>(definition: &'a Definition, sources: &SourceMap) -> JsonDefinition<'a> {
    JsonDefinition {
        name: &definition.name,
        keeps: match definition.keeps {
            Keeps::Always => "always",
            Keeps::Sometimes => "sometimes",
            Keeps::Never => "never",
        },
        place: place(definition.place, sources),
    }
}

fn family(family: &Family) -> JsonFamily<'_> {
    let most = family.most.as_ref();
    JsonFamily {
        name: &family.name,
        definitions: family.definitions,
        most: most.map(|(what, _)| what.as_str()),
        keep: most.map_or(0, |(_, count)| *count),
    }
}

fn place(location: Location, sources: &SourceMap) -> JsonPlace {
    let file = sources.get(location.file);
    JsonPlace {
        line: file.position(location.span.start).line,
        path: file.display.clone(),
    }
}
