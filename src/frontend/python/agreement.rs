//! Whether the outline agrees with the parser. Tests and fuzzing check this; the analysis relies on
//! it.

use rustpython_parser::ast::Stmt;

use crate::frontend::python::outline::{self, Piece, PieceKind};
use crate::frontend::python::{guard, parse};

/// Checks that the pieces of a text are its statements, and that each can be parsed alone. Returns
/// their number; `None` if the text cannot be parsed.
///
/// # Errors
/// The difference.
pub fn outline_agrees(text: &str) -> Result<Option<usize>, String> {
    let pieces = outline::module(text);
    let mut end = 0;
    for piece in &pieces {
        if piece.range.start != end {
            return Err(format!("a gap at {end}"));
        }
        end = piece.range.end;
    }
    if !pieces.is_empty() && end != text.len() {
        return Err(format!("the pieces end at {end}"));
    }
    let Ok(suite) = guard::check(text).and_then(|()| parse::suite(text)) else {
        return Ok(None);
    };
    let mut found = Vec::new();
    for piece in &pieces {
        let part = parse::suite(&text[piece.range.clone()])
            .map_err(|error| format!("{:?} does not parse: {error}", piece.range))?;
        found.extend(places(&part, piece.range.start));
    }
    if found != places(&suite, 0) {
        return Err("the statements are others".to_owned());
    }
    compare(text, &suite, &pieces)?;
    Ok(Some(found.len()))
}

fn places(suite: &[Stmt], shift: usize) -> Vec<(usize, usize)> {
    let spans = suite.iter().map(parse::span);
    spans
        .map(|span| (span.start as usize + shift, span.end as usize + shift))
        .collect()
}

/// The kind and name of what a statement defines.
fn definition(stmt: &Stmt) -> (PieceKind, &str) {
    match stmt {
        Stmt::ClassDef(s) => (PieceKind::Class, s.name.as_str()),
        Stmt::FunctionDef(s) => (PieceKind::Function, s.name.as_str()),
        Stmt::AsyncFunctionDef(s) => (PieceKind::Function, s.name.as_str()),
        _ => (PieceKind::Other, ""),
    }
}

/// Checks that the statements of a suite are those of its pieces, except that a piece may contain
/// several statements on one line.
fn compare(text: &str, suite: &[Stmt], pieces: &[Piece]) -> Result<(), String> {
    let mut at = 0;
    for piece in pieces {
        let inside = |stmt: &&Stmt| (parse::span(*stmt).start as usize) < piece.range.end;
        let rest = suite.get(at..).unwrap_or_default();
        let count = rest.iter().take_while(inside).count();
        let differs = |what: &str| Err(format!("{:?} {what}", piece.range));
        let Some(first) = rest.first().filter(|_| count > 0) else {
            return differs("has no statement");
        };
        if !piece.range.contains(&(parse::span(first).start as usize)) {
            return differs("does not contain its statement");
        }
        if definition(first) != (piece.kind, &text[piece.name.clone()]) {
            return differs("defines something else");
        }
        // `lazy import` is read as two statements.
        let line = &text[piece.range.clone()];
        if count > 1 && !line.contains(';') && !line.contains("lazy") {
            return differs("has several statements");
        }
        if let Stmt::ClassDef(class) = first {
            let members = outline::members(text, piece);
            if !members.is_empty() {
                compare(text, &class.body, &members)?;
            }
        }
        at += count;
    }
    if at == suite.len() {
        Ok(())
    } else {
        Err(format!("{} statements are in no piece", suite.len() - at))
    }
}
