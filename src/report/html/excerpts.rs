//! The lines of source files that a page shows: each line once, whoever needs it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde::Serialize;

use crate::diagnostics::Location;
use crate::report::Report;
use crate::report::checklist::Statements;
use crate::source::{FileId, SourceFile};

/// How many lines around a place are shown that is in no definition, or in a large one.
const AROUND: u32 = 12;
/// A definition with more lines is shown in parts.
const WHOLE: u32 = 250;
/// How many lines of the head of a definition are shown in any case.
const HEAD: u32 = 2;
/// Longer lines are cropped, in characters: nobody reads them.
const LONGEST: usize = 2000;

/// A file, with the lines that are shown.
#[derive(Serialize)]
pub(super) struct JsonFile {
    path: String,
    /// The path in URLs: relative to the root of the report, or else with a scheme.
    uri: String,
    inside: bool,
    language: &'static str,
    /// The number of the first line of each part, and its lines.
    parts: Vec<(u32, Vec<String>)>,
}

/// A place: the number of its file, its first line and column, the line and column of its end, and the first and the last
/// line of the definition that it is in.
pub(super) type JsonPlace = (usize, u32, u32, u32, u32, u32, u32);

/// Collects places and the lines that they need.
#[derive(Default)]
pub(super) struct Excerpts {
    numbers: HashMap<FileId, usize>,
    files: Vec<(Arc<SourceFile>, BTreeSet<u32>)>,
    pub(super) statements: Statements,
}

impl Excerpts {
    /// A place, whose lines will be shown.
    pub(super) fn place(&mut self, report: &Report<'_>, location: &Location) -> JsonPlace {
        let number = self.number(report, location.file);
        let (file, lines) = &mut self.files[number];
        let index = file.line_index();
        let region = report.region(location);
        let last = index.line_count();
        let definition = self.statements.definition(file, location.span);
        let (from, to) = match definition {
            Some(span) => (index.line(span.start), index.line(span.end)),
            None => (
                region.line.saturating_sub(AROUND).max(1),
                (region.line + AROUND).min(last),
            ),
        };
        if to - from < WHOLE {
            lines.extend(from..=to);
        } else {
            let head = from..=(from + HEAD).min(to);
            let near =
                region.line.saturating_sub(AROUND).max(from)..=(region.line + AROUND).min(to);
            lines.extend(head.chain(near));
        }
        (
            number,
            region.line,
            region.column,
            region.end_line,
            region.end_column,
            from,
            to,
        )
    }

    /// The number of a file.
    pub(super) fn number(&mut self, report: &Report<'_>, id: FileId) -> usize {
        *self.numbers.entry(id).or_insert_with(|| {
            self.files.push((report.sources.get(id), BTreeSet::new()));
            self.files.len() - 1
        })
    }

    /// The files, in the order of their numbers.
    pub(super) fn files(self, report: &Report<'_>) -> Vec<JsonFile> {
        let files = self.files.into_iter();
        files
            .map(|(file, lines)| {
                let place = report.path_of_file(&file);
                JsonFile {
                    path: place.text(),
                    uri: place.uri(),
                    inside: place.is_inside(),
                    language: match file.language {
                        crate::source::Language::Python => "python",
                        crate::source::Language::Rust => "rust",
                    },
                    parts: parts(&file, &lines),
                }
            })
            .collect()
    }
}

/// The lines, those without a gap between them together.
fn parts(file: &SourceFile, lines: &BTreeSet<u32>) -> Vec<(u32, Vec<String>)> {
    let mut out: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    let mut part = None;
    let index = file.line_index();
    for &line in lines {
        let Some(range) = index.line_range(&file.text, line) else {
            continue;
        };
        let text = file.text.get(range).unwrap_or("");
        let first = match part {
            Some((first, last)) if last + 1 == line => first,
            _ => line,
        };
        part = Some((first, line));
        let mut shown: String = text.chars().take(LONGEST).collect();
        if shown.len() < text.len() {
            shown.push('…');
        }
        out.entry(first).or_default().push(shown);
    }
    out.into_iter().collect()
}
