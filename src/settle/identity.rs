//! Names that identify a finding across runs.
//!
//! A name does not depend on line numbers, white space, comments or other functions. It consists of
//! the rule, the symbol, the code of the primary line, and the line that opens the block around it.
//! The kind is not part of it, because code elsewhere can change the kind.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::sync::Arc;

use crate::diagnostics::{Finding, Fingerprint};
use crate::frontend::layout::Layout;
use crate::outcome::Identity;
use crate::source::{FileId, SourceFile, SourceMap};

/// The names of findings in [total order](crate::diagnostics::sort). Equal names are numbered by
/// their order in the file.
pub(super) fn identities(findings: &[Finding], sources: &SourceMap) -> Vec<Identity> {
    let mut files: HashMap<FileId, Code> = HashMap::new();
    let mut seen: HashMap<(FileId, Fingerprint), u32> = HashMap::new();
    findings
        .iter()
        .map(|finding| {
            let location = finding.primary.location;
            let code = files
                .entry(location.file)
                .or_insert_with(|| Code::of(sources.get(location.file)));
            let line = code.file.line_index().line(location.span.start);
            let text = code.line(line);
            let around = code.around(line);
            let parts = [
                finding.rule,
                &finding.symbol,
                &dense(&text),
                &dense(&around),
            ];
            let like = Fingerprint::of(parts);
            let ordinal = seen.entry((location.file, like)).or_insert(0);
            *ordinal += 1;
            let ordinal = ordinal.to_string();
            Identity {
                fingerprint: Fingerprint::of(
                    [parts.as_slice(), &[&ordinal, &code.file.display]].concat(),
                ),
                local: Fingerprint::of([parts.as_slice(), &[&ordinal]].concat()),
                code: text.split_whitespace().collect::<Vec<_>>().join(" "),
            }
        })
        .collect()
}

/// The code of a file without its comments.
struct Code {
    file: Arc<SourceFile>,
    layout: Layout,
    /// For each line, the number of the one that opens the block around it; 0 if there is none. Made once a
    /// block is so long that looking for its opener takes its time.
    openers: OnceCell<Vec<u32>>,
}

/// So many lines are looked through for an opener before those of all lines are found out.
const NEAR: u32 = 256;

impl Code {
    fn of(file: Arc<SourceFile>) -> Self {
        let layout = Layout::of(file.language, &file.text);
        Self {
            file,
            layout,
            openers: OnceCell::new(),
        }
    }

    /// A line without its comments.
    fn line(&self, line: u32) -> String {
        let text = &self.file.text;
        let Some(range) = self.file.line_index().line_range(text, line) else {
            return String::new();
        };
        let comments = &self.layout.comments;
        let first = comments.partition_point(|c| c.span.end as usize <= range.start);
        let mut out = String::new();
        let mut at = range.start;
        for comment in &comments[first..] {
            let span = comment.span.range();
            if span.start >= range.end {
                break;
            }
            out.push_str(text.get(at..span.start.max(at)).unwrap_or_default());
            at = span.end.min(range.end);
        }
        out.push_str(text.get(at..range.end).unwrap_or_default());
        out
    }

    /// The line that opens the block around a line: the nearest line above that is indented less.
    fn around(&self, line: u32) -> String {
        let own = indent(&self.line(line));
        let near = (1..line).rev().take(NEAR as usize);
        let mut near = near.map(|above| self.line(above));
        let found = near.find(|text| !text.trim().is_empty() && indent(text) < own);
        found.unwrap_or_else(|| {
            let opener = match own {
                0 => 0,
                _ if line <= NEAR => 0,
                _ => self.openers.get_or_init(|| self.openers())[line as usize],
            };
            match opener {
                0 => String::new(),
                opener => self.line(opener),
            }
        })
    }

    fn openers(&self) -> Vec<u32> {
        let text = &self.file.text;
        let index = self.file.line_index();
        let mut out = vec![0];
        // The lines that may open the block of the next one, with their indentations, which grow.
        let mut open: Vec<(u32, usize)> = Vec::new();
        for line in (1..).take_while(|line| index.line_range(text, *line).is_some()) {
            let code = self.line(line);
            let own = indent(&code);
            // A blank line is no opener, and the end of no block.
            let outer = open.iter().rev().find(|(_, outer)| *outer < own);
            out.push(outer.map_or(0, |(outer, _)| *outer));
            if !code.trim().is_empty() {
                while open.pop_if(|(_, above)| *above >= own).is_some() {}
                open.push((line, own));
            }
        }
        out
    }
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

fn dense(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}
