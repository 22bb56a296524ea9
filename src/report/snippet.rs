//! The source lines that a finding shows.
//!
//! The renderer gets a small text that contains only these lines, harmless and cropped, under their
//! true line numbers. So neither control characters nor very long lines reach the terminal.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use codespan_reporting::files::{Error, Files};

use crate::diagnostics::Location;
use crate::source::{SourceFile, SourceMap};

/// Longer source lines are cropped around their labels.
const MAX_LINE_CHARS: usize = 120;
/// No line is cropped to fewer characters.
const MIN_LINE_CHARS: usize = 40;
/// How wide a tab is.
pub(super) const TAB: usize = 4;
/// How many characters of a cropped line are kept before its first label.
const CHARS_BEFORE_LABEL: usize = 30;
/// How many characters mark that a line was cropped on both sides.
const ELLIPSES: usize = 2;
/// Marks where a line was cropped.
const ELLIPSIS: char = '…';

/// The position of a label: the part of its span on the first line, in characters.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Spot {
    file: usize,
    line: usize,
    chars: Range<usize>,
}

struct Line {
    range: Range<usize>,
    /// Index of the first character that is shown.
    first_char: usize,
    cropped_left: bool,
}

struct Snippet {
    source: Arc<SourceFile>,
    name: String,
    text: String,
    /// By line index in the original file.
    lines: BTreeMap<usize, Line>,
}

/// The snippets of one finding.
pub struct Snippets {
    files: Vec<Snippet>,
    spots: Vec<Spot>,
}

impl Snippets {
    /// Takes the lines of the labels at `places` from their files. Places of one section are of one file. Lines have at
    /// most `width` characters.
    pub fn new(places: &[(usize, Location)], width: Option<usize>, sources: &SourceMap) -> Self {
        let mut files: Vec<Snippet> = Vec::new();
        let mut sections: Vec<usize> = Vec::new();
        let mut spots = Vec::new();
        for (section, place) in places {
            let at = sections.iter().position(|known| known == section);
            let file = at.unwrap_or_else(|| {
                let source = sources.get(place.file);
                sections.push(*section);
                files.push(Snippet {
                    name: super::harmless(&source.display).into_owned(),
                    source,
                    text: String::new(),
                    lines: BTreeMap::new(),
                });
                files.len() - 1
            });
            let (line, chars) = first_line(&files[file].source, place);
            spots.push(Spot { file, line, chars });
        }
        let most = width.map_or(MAX_LINE_CHARS, |width| {
            let between = width.saturating_sub(ELLIPSES);
            between.clamp(MIN_LINE_CHARS, MAX_LINE_CHARS)
        });
        for (at, snippet) in files.iter_mut().enumerate() {
            snippet.fill(spots.iter().filter(|spot| spot.file == at), most);
        }
        Self { files, spots }
    }

    /// The file that a section shows, as reports name it, and its path.
    pub fn file(&self, number: usize) -> Option<(&str, &Path)> {
        let file = self.files.get(number)?;
        Some((&file.name, &file.source.real_path))
    }

    /// The number of the line of a label, from 1.
    pub fn line(&self, index: usize) -> usize {
        self.spots[index].line + 1
    }

    /// The column behind a label, as it is shown, from 0.
    pub fn end(&self, index: usize) -> usize {
        let spot = &self.spots[index];
        let snippet = &self.files[spot.file];
        let line = &snippet.lines[&spot.line];
        let shown = &snippet.text[line.range.start..snippet.locate(spot).end];
        let width = |c: char| if c == '\t' { TAB } else { 1 };
        shown.chars().map(width).sum()
    }

    /// The number of the file, and the byte range for the renderer, of the label with this index.
    pub fn label(&self, index: usize) -> (usize, Range<usize>) {
        let spot = &self.spots[index];
        let range = self.files[spot.file].locate(spot);
        (spot.file, range)
    }
}

/// The index of the line that a location starts on, and the range of characters on that line.
fn first_line(source: &SourceFile, place: &Location) -> (usize, Range<usize>) {
    let index = source.line_index();
    let at = place
        .span
        .start
        .min(u32::try_from(source.text.len()).unwrap_or(u32::MAX));
    let line = index.line(at);
    let range = index.line_range(&source.text, line).unwrap_or(0..0);
    let text = source.text.get(range.clone()).unwrap_or("");
    let chars_before = |offset: usize| {
        let within = offset.saturating_sub(range.start);
        text.char_indices()
            .take_while(|(at, _)| *at < within)
            .count()
    };
    let start = chars_before(at as usize);
    let end = chars_before((place.span.end as usize).min(range.end)).max(start);
    (line as usize - 1, start..end)
}

impl Snippet {
    fn fill<'a>(&mut self, spots: impl Iterator<Item = &'a Spot>, most: usize) {
        let mut wanted: BTreeMap<usize, Option<usize>> = BTreeMap::new();
        for spot in spots {
            let first = wanted.entry(spot.line).or_insert(None);
            let start = spot.chars.start;
            *first = Some(first.map_or(start, |known| known.min(start)));
        }
        // The renderer fills gaps of one line.
        let labelled: Vec<usize> = wanted.keys().copied().collect();
        for pair in labelled.windows(2) {
            if pair[1] - pair[0] == 2 {
                wanted.insert(pair[0] + 1, None);
            }
        }
        for (line, first_label) in wanted {
            self.add((line, first_label.unwrap_or(0)), most);
        }
    }

    fn add(&mut self, (line, first_label): (usize, usize), most: usize) {
        let number = u32::try_from(line + 1).unwrap_or(u32::MAX);
        let range = self
            .source
            .line_index()
            .line_range(&self.source.text, number);
        let text = range
            .and_then(|range| self.source.text.get(range))
            .unwrap_or("");
        // This stops counting at the limit, because the line may be very long.
        let long = text.chars().nth(most).is_some();
        let first_char = if long {
            first_label.saturating_sub(CHARS_BEFORE_LABEL)
        } else {
            0
        };
        let start = self.text.len();
        if first_char > 0 {
            self.text.push(ELLIPSIS);
        }
        let mut rest = text.chars().skip(first_char);
        let shown: String = rest.by_ref().take(most).collect();
        self.text.push_str(&super::harmless(&shown));
        if rest.next().is_some() {
            self.text.push(ELLIPSIS);
        }
        self.text.push('\n');
        self.lines.insert(
            line,
            Line {
                range: start..self.text.len(),
                first_char,
                cropped_left: first_char > 0,
            },
        );
    }

    fn locate(&self, spot: &Spot) -> Range<usize> {
        let line = &self.lines[&spot.line];
        let text = self.text[line.range.clone()].trim_end_matches('\n');
        let offset = |char: usize| {
            let char = char - line.first_char.min(char) + usize::from(line.cropped_left);
            let within = text
                .char_indices()
                .nth(char)
                .map_or(text.len(), |(at, _)| at);
            line.range.start + within
        };
        offset(spot.chars.start)..offset(spot.chars.end)
    }
}

impl<'a> Files<'a> for Snippets {
    type FileId = usize;
    type Name = &'a str;
    type Source = &'a str;

    fn name(&'a self, id: usize) -> Result<&'a str, Error> {
        self.files
            .get(id)
            .map(|file| file.name.as_str())
            .ok_or(Error::FileMissing)
    }

    fn source(&'a self, id: usize) -> Result<&'a str, Error> {
        self.files
            .get(id)
            .map(|file| file.text.as_str())
            .ok_or(Error::FileMissing)
    }

    fn line_index(&'a self, id: usize, byte_index: usize) -> Result<usize, Error> {
        let file = self.files.get(id).ok_or(Error::FileMissing)?;
        file.lines
            .iter()
            .find(|(_, line)| line.range.contains(&byte_index))
            .map(|(&index, _)| index)
            .ok_or(Error::IndexTooLarge {
                given: byte_index,
                max: file.text.len(),
            })
    }

    fn line_range(&'a self, id: usize, line_index: usize) -> Result<Range<usize>, Error> {
        let file = self.files.get(id).ok_or(Error::FileMissing)?;
        let line = file.lines.get(&line_index).ok_or(Error::LineTooLarge {
            given: line_index,
            max: file.lines.len(),
        })?;
        Ok(line.range.clone())
    }

    fn column_number(
        &'a self,
        id: usize,
        line_index: usize,
        byte_index: usize,
    ) -> Result<usize, Error> {
        let file = self.files.get(id).ok_or(Error::FileMissing)?;
        let line = file.lines.get(&line_index).ok_or(Error::LineTooLarge {
            given: line_index,
            max: file.lines.len(),
        })?;
        let before = file.text.get(line.range.start..byte_index).unwrap_or("");
        let shown = before.chars().count();
        Ok(line.first_char + shown - usize::from(line.cropped_left).min(shown) + 1)
    }
}
