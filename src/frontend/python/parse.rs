//! Calls the parser, and converts its errors and ranges.

use rustpython_parser::ast::text_size::TextSize;
use rustpython_parser::ast::{self, Ranged};
use rustpython_parser::{Parse, ParseError, ParseErrorType};

use crate::frontend::SyntaxError;
use crate::frontend::python::{compat, graft};
use crate::source::Span;

/// Parses a module, or statements of one.
pub(super) fn suite(text: &str) -> Result<ast::Suite, SyntaxError> {
    suite_at(text, 0)
}

/// Parses statements whose text starts at `base` in the file. All offsets are relative to the file.
pub(super) fn suite_at(text: &str, base: u32) -> Result<ast::Suite, SyntaxError> {
    let len = u32::try_from(text.len()).unwrap_or(u32::MAX);
    let end = base.saturating_add(len);
    let rewritten = compat::rewrite(text);
    let suite = ast::Suite::parse_starts_at(&rewritten.text, "", TextSize::from(base))
        .map_err(|error| syntax_error(&error, end))?;
    graft::suite(text, base, suite, rewritten.grafts)
}

/// Converts an error of the parser. Its offset is at most `end`.
pub(super) fn syntax_error(error: &ParseError, end: u32) -> SyntaxError {
    SyntaxError {
        message: message(&error.error),
        offset: error.offset.to_u32().min(end),
    }
}

/// Parses an expression, such as a quoted annotation.
pub(super) fn expression(text: &str) -> Option<ast::Expr> {
    ast::Expr::parse(text, "").ok()
}

fn message(error: &ParseErrorType) -> String {
    match error {
        ParseErrorType::Eof => "unexpected end of file".to_owned(),
        ParseErrorType::ExtraToken(token) => format!("unexpected {token}"),
        ParseErrorType::InvalidToken => "invalid token".to_owned(),
        ParseErrorType::UnrecognizedToken(token, expected) => match expected.as_deref() {
            Some("Indent") => "expected an indented block".to_owned(),
            _ => format!("unexpected {token}"),
        },
        ParseErrorType::Lexical(error) => error.to_string(),
    }
}

/// The span of a syntax node.
pub(super) fn span(node: &impl Ranged) -> Span {
    let range = node.range();
    Span::new(range.start().to_u32(), range.end().to_u32())
}
