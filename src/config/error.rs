//! Errors in a configuration, with their positions.

use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::source::LineIndex;

/// Longer lines are not quoted, in characters.
const MAX_QUOTED: usize = 200;

/// An error in a configuration file or on the command line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConfigError {
    /// The file, with line and column if known; `None` for the command line.
    pub place: Option<(PathBuf, Option<(u32, u32)>)>,
    /// What is wrong.
    pub message: String,
    /// The wrong line, and the number of wrong characters in it.
    quoted: Option<(String, usize)>,
}

impl ConfigError {
    pub(super) fn command_line(message: String) -> Self {
        Self {
            place: None,
            message,
            quoted: None,
        }
    }

    /// An error in a file as a whole.
    pub(crate) fn file(path: &Path, message: String) -> Self {
        Self {
            place: Some((path.to_path_buf(), None)),
            message,
            quoted: None,
        }
    }

    /// An error in a part of a file.
    pub(crate) fn part(path: &Path, text: &str, span: &Range<usize>, message: String) -> Self {
        let at = u32::try_from(span.start).unwrap_or(u32::MAX);
        let index = LineIndex::new(text);
        let position = index.position(text, at);
        let range = index.line_range(text, position.line).unwrap_or_default();
        let line = text.get(range.clone()).unwrap_or_default();
        let marked = text.get(span.start.min(range.end)..span.end.min(range.end));
        let width = marked.unwrap_or_default().chars().count().max(1);
        let quoted = line.chars().count() <= MAX_QUOTED && !line.trim().is_empty();
        Self {
            place: Some((path.to_path_buf(), Some((position.line, position.column)))),
            message,
            quoted: quoted.then(|| (line.to_owned(), width)),
        }
    }

    /// The wrong line as a snippet; `None` if there is none.
    #[must_use]
    pub fn snippet(&self) -> Option<String> {
        let (_, Some((line, column))) = self.place.as_ref()? else {
            return None;
        };
        let (quoted, width) = self.quoted.as_ref()?;
        let gutter = " ".repeat(line.to_string().len());
        // Tabs are kept, so that the mark is below the text that it marks.
        let before = quoted.chars().take(*column as usize - 1);
        let indent: String = before.map(|c| if c == '\t' { c } else { ' ' }).collect();
        let mark = "^".repeat(*width);
        Some(format!(
            "{gutter} |\n{line} | {}\n{gutter} | {indent}{mark}",
            quoted.trim_end()
        ))
    }
}
