//! The layout of a text: where its comments are, what its statements are, and which lines belong
//! to one. It is scanned without parsing, never fails, and is there for broken files, too.

use crate::frontend::{python, rust};
use crate::source::{Language, Span};

/// What is known of a text without parsing it.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Layout {
    /// The comments, in order. What a string holds is none.
    pub comments: Vec<Comment>,
    /// The statements, in the order of their starts. They may nest: the block of a closure lies
    /// inside the statement that the closure is written in.
    pub statements: Vec<Statement>,
    /// Literals, comments and joined lines that go over a line break: a comment at the end of
    /// such a line would not be one. In order.
    pub unbroken: Vec<Span>,
}

/// A comment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Comment {
    /// With what opens it, without the line break.
    pub span: Span,
    /// How it is written.
    pub kind: CommentKind,
    /// Whether nothing but white space is before it on its line.
    pub alone: bool,
}

/// How a comment is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CommentKind {
    /// Up to the end of the line.
    Line,
    /// Between two marks.
    Block,
    /// Documentation, which is text for readers.
    Doc,
}

/// A statement, or the head of a compound one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Statement {
    /// From its first character, that of its first decorator or attribute, to the end of its last
    /// token; of a compound statement only the head.
    pub span: Span,
    /// The whole definition, when it is the head of one; otherwise `span`.
    pub whole: Span,
}

impl Layout {
    /// The layout of a text.
    #[must_use]
    pub fn of(language: Language, text: &str) -> Self {
        match language {
            Language::Python => python::layout(text),
            Language::Rust => rust::layout(text),
        }
    }

    /// Whether a comment can be put at `at`, the end of a line.
    #[must_use]
    pub fn takes_comment_at(&self, at: u32) -> bool {
        let next = self.unbroken.partition_point(|span| span.end <= at);
        self.unbroken.get(next).is_none_or(|span| at <= span.start)
    }
}

/// What opens a line comment.
#[must_use]
pub fn comment_mark(language: Language) -> &'static str {
    match language {
        Language::Python => "#",
        Language::Rust => "//",
    }
}
