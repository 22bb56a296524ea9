//! The depth guard: refuses code that would exhaust the stack of the parser or of lowering.
//!
//! Tokenizing does not recurse, so the guard looks at tokens. Two things nest: brackets, and
//! operators or keywords that follow each other without a separator. Both are counted without
//! recursion.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use crate::frontend::SyntaxError;
use crate::frontend::rust::parse;

/// Deeper brackets are refused.
const MAX_NESTING: usize = 256;

/// The maximum number of tokens without a separator. Each of them may open a level of syntax.
const MAX_RUN: usize = 6_000;

/// The maximum length of a number, in characters: conversion takes quadratic time.
const MAX_NUMBER: u32 = 4_300;

struct Level {
    tokens: std::iter::Peekable<proc_macro2::token_stream::IntoIter>,
    run: usize,
}

/// Refuses tokens that nest too deeply.
pub(super) fn check(tokens: &TokenStream) -> Result<(), SyntaxError> {
    let level = |tokens: TokenStream| Level {
        tokens: tokens.into_iter().peekable(),
        run: 0,
    };
    let mut levels = vec![level(tokens.clone())];
    while let Some(top) = levels.last_mut() {
        let Some(token) = top.tokens.next() else {
            levels.pop();
            continue;
        };
        top.run += 1;
        if top.run > MAX_RUN {
            return refuse(&token, "an expression without a separator is too long");
        }
        match token {
            TokenTree::Punct(punct) if matches!(punct.as_char(), ',' | ';') => top.run = 0,
            TokenTree::Literal(literal) => {
                let span = parse::span(literal.span());
                let number = || {
                    literal
                        .to_string()
                        .starts_with(|c: char| c.is_ascii_digit())
                };
                if span.end - span.start > MAX_NUMBER && number() {
                    return refuse(&TokenTree::Literal(literal), "number too long");
                }
            }
            TokenTree::Group(group) => {
                if group.delimiter() == Delimiter::Brace && !continues(top.tokens.peek()) {
                    top.run = 0;
                }
                if levels.len() > MAX_NESTING {
                    let token = TokenTree::Group(group);
                    return refuse(&token, "nested too deeply");
                }
                levels.push(level(group.stream()));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Whether the token after a block may continue the expression that the block ends.
fn continues(next: Option<&TokenTree>) -> bool {
    match next {
        Some(TokenTree::Ident(word)) => word == "else" || word == "as",
        Some(TokenTree::Punct(punct)) => punct.as_char() != '#',
        Some(TokenTree::Group(_) | TokenTree::Literal(_)) | None => false,
    }
}

fn refuse(at: &TokenTree, message: &str) -> Result<(), SyntaxError> {
    Err(SyntaxError {
        message: message.to_owned(),
        offset: parse::span(at.span()).start,
    })
}
