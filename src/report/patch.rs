//! The changes of a fix as lines of a patch.

use similar::{ChangeTag, TextDiff};

use super::harmless::harmless_start;
use super::{Report, harmless};
use crate::diagnostics::{Edit, Fix, Location};
use crate::source::{SourceFile, Span};

/// Unchanged lines around a change.
const CONTEXT: u32 = 3;

/// Consecutive changed lines of a file, with lines around them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Hunk {
    /// Where the hunk starts.
    pub(super) location: Location,
    /// Lines that start with a blank, `+` or `-`; harmless and without line breaks.
    pub(super) lines: Vec<String>,
}

/// The text of a span with these edits applied.
pub(super) fn edited(file: &SourceFile, span: Span, edits: &[&Edit]) -> String {
    let mut out = String::new();
    let mut at = span.start;
    for edit in edits {
        let own = edit.location.span;
        out.push_str(file.slice(Span::new(at, own.start.max(at))));
        out.push_str(&edit.text);
        at = own.end.max(at);
    }
    out.push_str(file.slice(Span::new(at, span.end.max(at))));
    out
}

impl Report<'_> {
    /// The edits of a fix, grouped by file.
    pub(super) fn edits_by_file<'f>(&self, fix: &'f Fix) -> Vec<Vec<&'f Edit>> {
        let mut files: Vec<Vec<&Edit>> = Vec::new();
        for edit in &fix.edits {
            let of_file = |edits: &&mut Vec<&Edit>| {
                let known = edits.first().map(|known| known.location.file);
                known == Some(edit.location.file)
            };
            match files.iter_mut().find(of_file) {
                Some(edits) => edits.push(edit),
                None => files.push(vec![edit]),
            }
        }
        files
    }

    /// The hunks of a fix.
    pub(super) fn hunks(&self, fix: &Fix) -> Vec<Hunk> {
        let files = self.edits_by_file(fix);
        let mut out = Vec::new();
        for edits in files {
            let (Some(first), Some(last)) = (edits.first(), edits.last()) else {
                continue;
            };
            let file = self.sources.get(first.location.file);
            let index = file.line_index();
            let first_line = index.line(first.location.span.start);
            let first_line = first_line.saturating_sub(CONTEXT).max(1);
            let last_line = index.line(last.location.span.end) + CONTEXT;
            let last_line = last_line.min(index.line_count());
            let start = index.line_start(first_line);
            let end = index.line_start(last_line + 1);
            let window = Span::new(start, end);
            let before = file.slice(window);
            let after = edited(&file, window, &edits);
            let diff = TextDiff::from_lines(before, &after);
            for group in diff.grouped_ops(CONTEXT as usize) {
                let mut lines = Vec::new();
                let changes = group.iter().flat_map(|op| diff.iter_changes(op));
                for change in changes {
                    let sign = match change.tag() {
                        ChangeTag::Equal => ' ',
                        ChangeTag::Insert => '+',
                        ChangeTag::Delete => '-',
                    };
                    let line = change.value().trim_end_matches(['\n', '\r']);
                    let line = harmless(line);
                    lines.push(format!("{sign}{}", harmless_start(&line)));
                }
                let skipped = group.first().map_or(0, |op| op.old_range().start);
                let line = first_line + u32::try_from(skipped).unwrap_or(0);
                let at = index.line_start(line);
                out.push(Hunk {
                    location: Location {
                        file: file.id,
                        span: Span::new(at, at),
                    },
                    lines,
                });
            }
        }
        out
    }
}
