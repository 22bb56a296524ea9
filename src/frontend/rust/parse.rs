//! Calls the parser, and converts its errors and positions.
//!
//! The parser's positions are bound to the thread and count characters; everything after this
//! module sees byte offsets.

use proc_macro2::{LexError, TokenStream};
use syn::spanned::Spanned;
use syn::{Expr, Member};

use crate::frontend::{SyntaxError, index};
use crate::source::Span;

/// The tokens of a file. A `#!` line is blanked out, because it is not a token but its length
/// counts.
pub(super) fn tokens(text: &str) -> Result<TokenStream, SyntaxError> {
    let line = shebang(text);
    let parsed = if line == 0 {
        text.parse()
    } else {
        let mut blanked = " ".repeat(line);
        blanked.push_str(&text[line..]);
        blanked.parse()
    };
    parsed.map_err(|error: LexError| SyntaxError {
        message: "cannot be split into tokens".to_owned(),
        offset: span(error.span()).start,
    })
}

/// The length of a `#!` line, if it is not the start of an inner attribute.
fn shebang(text: &str) -> usize {
    let Some(rest) = text.strip_prefix("#!") else {
        return 0;
    };
    if rest.trim_start().starts_with('[') {
        return 0;
    }
    text.find('\n').unwrap_or(text.len())
}

/// Parses the tokens of a file.
pub(super) fn file(text: &str, tokens: TokenStream) -> Result<syn::File, SyntaxError> {
    syn::parse2(tokens).map_err(|error| {
        let at = error.span().byte_range();
        SyntaxError {
            message: error.to_string(),
            // What is missing at the end has no position.
            offset: if at.is_empty() {
                index(text.trim_end().len())
            } else {
                index(at.start)
            },
        }
    })
}

/// Frees what the parser stores about the texts parsed on this thread.
pub(super) fn forget_positions() {
    proc_macro2::extra::invalidate_current_thread_spans();
}

/// The byte offsets of a position.
pub(super) fn span(span: proc_macro2::Span) -> Span {
    let range = span.byte_range();
    Span::new(index(range.start), index(range.end))
}

/// The byte offsets of a node. This visits all its tokens, so the node should be small.
pub(super) fn of(node: &impl Spanned) -> Span {
    span(node.span())
}

/// The byte offsets of an expression. This visits only the first and the last token, so the
/// expression can be large.
pub(super) fn expr(e: &Expr) -> Span {
    Span::new(start(e), end(e))
}

fn start(mut e: &Expr) -> u32 {
    loop {
        let at = match e {
            Expr::Array(x) => x.bracket_token.span.open(),
            Expr::Assign(x) => {
                e = &x.left;
                continue;
            }
            Expr::Async(x) => x.async_token.span,
            Expr::Await(x) => {
                e = &x.base;
                continue;
            }
            Expr::Binary(x) => {
                e = &x.left;
                continue;
            }
            Expr::Block(x) => match &x.label {
                Some(label) => label.name.span(),
                None => x.block.brace_token.span.open(),
            },
            Expr::Call(x) => {
                e = &x.func;
                continue;
            }
            Expr::Cast(x) => {
                e = &x.expr;
                continue;
            }
            Expr::Field(x) => {
                e = &x.base;
                continue;
            }
            Expr::ForLoop(x) => match &x.label {
                Some(label) => label.name.span(),
                None => x.for_token.span,
            },
            Expr::If(x) => x.if_token.span,
            Expr::Index(x) => {
                e = &x.expr;
                continue;
            }
            Expr::Let(x) => x.let_token.span,
            Expr::Loop(x) => match &x.label {
                Some(label) => label.name.span(),
                None => x.loop_token.span,
            },
            Expr::Match(x) => x.match_token.span,
            Expr::MethodCall(x) => {
                e = &x.receiver;
                continue;
            }
            Expr::Paren(x) => x.paren_token.span.open(),
            Expr::Reference(x) => x.and_token.span,
            Expr::Return(x) => x.return_token.span,
            Expr::Try(x) => {
                e = &x.expr;
                continue;
            }
            Expr::Tuple(x) => x.paren_token.span.open(),
            Expr::Unsafe(x) => x.unsafe_token.span,
            Expr::While(x) => match &x.label {
                Some(label) => label.name.span(),
                None => x.while_token.span,
            },
            other => return of(other).start,
        };
        return span(at).start;
    }
}

fn end(mut e: &Expr) -> u32 {
    loop {
        let at = match e {
            Expr::Array(x) => x.bracket_token.span.close(),
            Expr::Assign(x) => {
                e = &x.right;
                continue;
            }
            Expr::Async(x) => x.block.brace_token.span.close(),
            Expr::Await(x) => x.await_token.span,
            Expr::Binary(x) => {
                e = &x.right;
                continue;
            }
            Expr::Block(x) => x.block.brace_token.span.close(),
            Expr::Call(x) => x.paren_token.span.close(),
            Expr::Closure(x) => {
                e = &x.body;
                continue;
            }
            Expr::Field(x) => match &x.member {
                Member::Named(name) => name.span(),
                Member::Unnamed(index) => index.span,
            },
            Expr::ForLoop(x) => x.body.brace_token.span.close(),
            Expr::If(x) => match &x.else_branch {
                Some((_, otherwise)) => {
                    e = otherwise;
                    continue;
                }
                None => x.then_branch.brace_token.span.close(),
            },
            Expr::Index(x) => x.bracket_token.span.close(),
            Expr::Let(x) => {
                e = &x.expr;
                continue;
            }
            Expr::Loop(x) => x.body.brace_token.span.close(),
            Expr::Match(x) => x.brace_token.span.close(),
            Expr::MethodCall(x) => x.paren_token.span.close(),
            Expr::Paren(x) => x.paren_token.span.close(),
            Expr::Reference(x) => {
                e = &x.expr;
                continue;
            }
            Expr::Return(x) => match &x.expr {
                Some(value) => {
                    e = value;
                    continue;
                }
                None => x.return_token.span,
            },
            Expr::Struct(x) => x.brace_token.span.close(),
            Expr::Try(x) => x.question_token.span,
            Expr::Tuple(x) => x.paren_token.span.close(),
            Expr::Unary(x) => {
                e = &x.expr;
                continue;
            }
            Expr::Unsafe(x) => x.block.brace_token.span.close(),
            Expr::While(x) => x.body.brace_token.span.close(),
            other => return of(other).end,
        };
        return span(at).end;
    }
}
