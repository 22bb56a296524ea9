//! Which statements a line belongs to, and what a comment on it refers to.

use std::ops::Range;
use std::sync::Arc;

use crate::frontend::layout::{Comment, Layout, Statement};
use crate::order::Order as _;
use crate::source::{SourceFile, Span};

/// The statements of a file by position.
pub struct Lines {
    file: Arc<SourceFile>,
    layout: Layout,
    /// Spans of statements.
    spans: Nest,
    /// Spans of whole definitions.
    definitions: Nest,
    /// Indices of the statements, sorted by their ends.
    by_end: Vec<usize>,
}

/// Nested spans, sorted by their starts, each with the index of the one around it.
struct Nest(Vec<(Span, Option<usize>)>);

impl Nest {
    fn new(spans: impl Iterator<Item = Span>) -> Self {
        let mut nest: Vec<(Span, Option<usize>)> = Vec::new();
        let mut open: Vec<usize> = Vec::new();
        for span in spans {
            while open.pop_if(|at| nest[*at].0.end <= span.start).is_some() {}
            nest.push((span, open.last().copied()));
            open.push(nest.len() - 1);
        }
        Self(nest)
    }

    /// The index of the innermost span around an offset.
    fn innermost(&self, at: u32) -> Option<usize> {
        let started = self.0.partition_point(|(span, _)| span.start <= at);
        let mut next = started.checked_sub(1);
        while let Some(index) = next {
            let (span, around) = self.0[index];
            if at < span.end {
                return Some(index);
            }
            next = around;
        }
        None
    }
}

impl Lines {
    /// The statements of a file.
    #[must_use]
    pub fn of(file: &Arc<SourceFile>) -> Self {
        let layout = Layout::of(file.language, &file.text);
        let statements = &layout.statements;
        let heads = statements.iter().filter(|s| s.whole != s.span);
        let mut by_end: Vec<usize> = (0..statements.len()).collect();
        by_end.order_by_key(|at| statements[*at].span.end);
        Self {
            spans: Nest::new(statements.iter().map(|s| s.span)),
            definitions: Nest::new(heads.map(|s| s.whole)),
            by_end,
            file: Arc::clone(file),
            layout,
        }
    }

    /// The layout.
    #[must_use]
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The line number of an offset.
    #[must_use]
    pub fn line(&self, at: u32) -> u32 {
        self.file.line_index().line(at)
    }

    /// The range of a line, without its line break.
    #[must_use]
    pub fn range(&self, line: u32) -> Range<usize> {
        let index = self.file.line_index();
        index.line_range(&self.file.text, line).unwrap_or_default()
    }

    /// The span of a line including the offset at its end, which is all there is of an empty line.
    fn span(&self, line: u32) -> Span {
        let range = self.range(line);
        Span::new(offset(range.start), offset(range.end + 1))
    }

    fn starting_on(&self, line: u32) -> Vec<Statement> {
        let span = self.span(line);
        let statements = &self.layout.statements;
        let first = statements.partition_point(|s| s.span.start < span.start);
        let here = statements[first..].iter();
        here.take_while(|s| s.span.start < span.end)
            .copied()
            .collect()
    }

    /// The statements that a line belongs to: those that start or end on it, or else the innermost
    /// one around it.
    #[must_use]
    pub fn statements(&self, line: u32) -> Vec<Statement> {
        let span = self.span(line);
        let mut found = self.starting_on(line);
        let statement = |at: usize| self.layout.statements[at];
        let first = self
            .by_end
            .partition_point(|at| statement(*at).span.end <= span.start);
        let ending = self.by_end[first..].iter().map(|at| statement(*at));
        let ending = ending.take_while(|s| s.span.end <= span.end);
        found.extend(ending.filter(|s| s.span.start < span.start));
        if found.is_empty() {
            found.extend(self.innermost(span.start));
        }
        found
    }

    /// The innermost statement around an offset.
    #[must_use]
    pub fn innermost(&self, at: u32) -> Option<Statement> {
        let index = self.spans.innermost(at)?;
        Some(self.layout.statements[index])
    }

    /// The innermost definition around an offset.
    #[must_use]
    pub fn definition(&self, at: u32) -> Option<Span> {
        let index = self.definitions.innermost(at)?;
        Some(self.definitions.0[index].0)
    }

    /// What a comment refers to. At the end of a line: that line and its statements. Alone on a
    /// line: the statement around it, or the one directly below.
    #[must_use]
    pub fn subject(&self, comment: &Comment) -> Vec<Span> {
        let line = self.line(comment.span.start);
        let whole = |s: Statement| s.whole;
        if !comment.alone {
            let statements = self.statements(line).into_iter();
            let mut subject: Vec<Span> = statements.map(whole).collect();
            subject.push(self.span(line));
            return subject;
        }
        if let Some(around) = self.innermost(comment.span.start) {
            return vec![around.whole];
        }
        let below = self.below(comment);
        self.starting_on(below).into_iter().map(whole).collect()
    }

    /// The first line below a comment that does not start with a comment.
    fn below(&self, comment: &Comment) -> u32 {
        let comments = &self.layout.comments;
        let first = comments.partition_point(|c| c.span.start <= comment.span.start);
        let mut below = self.line(comment.span.end) + 1;
        for between in &comments[first..] {
            if !between.alone || self.line(between.span.start) != below {
                break;
            }
            below = self.line(between.span.end) + 1;
        }
        below
    }
}

fn offset(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}
