//! The layout of a text: its comments, its statements, and the lines of each. The text is scanned
//! and not parsed, so this never fails, not even for broken files.

use crate::frontend::{python, rust};
use crate::source::{Language, Span};

/// The layout of a text.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Layout {
    /// The comments, in order. Strings contain none.
    pub comments: Vec<Comment>,
    /// The statements, sorted by their starts. They may nest: the block of a closure is inside the
    /// statement with the closure.
    pub statements: Vec<Statement>,
    /// Literals, comments and joined lines that contain a line break, in order. A comment at the
    /// end of such a line would not be one.
    pub unbroken: Vec<Span>,
}

/// A comment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Comment {
    /// From the comment mark to before the line break.
    pub span: Span,
    /// How it is written.
    pub kind: CommentKind,
    /// Whether only white space is before it on its line.
    pub alone: bool,
}

/// How a comment is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CommentKind {
    /// To the end of the line.
    Line,
    /// Between an opening and a closing mark.
    Block,
    /// Documentation.
    Doc,
}

/// A statement, or the header of a compound one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Statement {
    /// From its first character (or that of its first decorator or attribute) to the end of its
    /// last token; for a compound statement, only the header.
    pub span: Span,
    /// The whole definition if this is the header of one; otherwise `span`.
    pub whole: Span,
}

impl Layout {
    /// Scans a text.
    #[must_use]
    pub fn of(language: Language, text: &str) -> Self {
        match language {
            Language::Python => python::layout(text),
            Language::Rust => rust::layout(text),
        }
    }

    /// Whether a comment can be inserted at `at`, the end of a line.
    #[must_use]
    pub fn takes_comment_at(&self, at: u32) -> bool {
        let next = self.unbroken.partition_point(|span| span.end <= at);
        self.unbroken.get(next).is_none_or(|span| at <= span.start)
    }
}

/// The characters that start a line comment.
#[must_use]
pub fn comment_mark(language: Language) -> &'static str {
    match language {
        Language::Python => "#",
        Language::Rust => "//",
    }
}
