//! Reads a module without the bodies of the functions that cannot matter.
//!
//! The parser gets the text without them, a `pass` in the place of each, and its tokens are moved
//! to where they stand in the file: all offsets are true, and what is left out costs nothing.

use rustpython_parser::Parse;
use rustpython_parser::ast;
use rustpython_parser::ast::text_size::{TextRange, TextSize};

use crate::frontend::SyntaxError;
use crate::frontend::python::outline::{self, FunctionPiece, Line};
use crate::frontend::python::parse::syntax_error;
use crate::frontend::python::scan;
use crate::frontend::python::{compat, guard, lower, scope};
use crate::ir::{self, FunctionShape, Unread};

const PASS: &str = "pass\n";

/// Lowers a module without the function bodies that cannot matter. `None` when that does not
/// work out: the module is to be read as a whole.
pub(super) fn module(
    text: &str,
    mut matters: impl FnMut(&FunctionPiece) -> bool,
) -> Option<ir::Module> {
    let bytes = text.as_bytes();
    let lines = outline::lines(bytes, 0..bytes.len());
    let functions = outline::functions(bytes, &lines);
    let left_out: Vec<&FunctionPiece> = functions
        .iter()
        .filter(|f| can_be_left_out(bytes, f, &lines) && !matters(f))
        .collect();
    if left_out.is_empty() {
        return None;
    }
    let mut short = String::with_capacity(text.len() / 2);
    let mut moves: Vec<(u32, u32)> = vec![(0, 0)];
    let mut from = 0;
    for function in &left_out {
        short.push_str(&text[from..function.body.start]);
        // Up to the end of the `pass`, offsets go on as before.
        short.push_str(PASS);
        from = function.body.end;
        moves.push((offset(short.len()), offset(from)));
    }
    short.push_str(&text[from..]);
    let suite = parse(&short, &moves).ok()?;
    let symbols = scope::SymbolTable::build(&suite);
    let mut module = lower::module(text, &suite, &symbols);
    for function in &mut module.functions {
        if let Some(piece) = ended(&left_out, function.span.end) {
            let end = piece.body.start + text[piece.body.clone()].trim_end().len();
            function.span.end = offset(end);
            function.shape = FunctionShape::Code;
            function.unread = Some(Unread {
                text: crate::source::Span::new(offset(piece.body.start), offset(end)),
            });
        }
    }
    for class in &mut module.classes {
        if let Some(piece) = ended(&left_out, class.span.end) {
            class.span.end = offset(piece.body.start + text[piece.body.clone()].trim_end().len());
        }
    }
    Some(module)
}

/// The function whose `pass` ends there.
fn ended<'f>(left_out: &[&'f FunctionPiece], end: u32) -> Option<&'f FunctionPiece> {
    let start = (end as usize).checked_sub(PASS.len() - 1)?;
    let at = left_out
        .binary_search_by_key(&start, |f| f.body.start)
        .ok()?;
    Some(left_out[at])
}

fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// Whether the rest of the module can be read without the body: it is code, it makes no generator
/// of the function, it binds no global name. What `__init__` makes, others ask for.
fn can_be_left_out(bytes: &[u8], function: &FunctionPiece, lines: &[Line]) -> bool {
    const LEAST: usize = 3;
    if function.lines < LEAST {
        return false;
    }
    let body = &lines[function.first..function.first + function.lines];
    let is_code = |line: &Line| {
        let word = outline::word(bytes, line.start);
        !word.is_empty()
            && !matches!(word, b"pass" | b"raise")
            && !matches!(bytes.get(line.start + word.len()), Some(b'"' | b'\''))
    };
    let text = &bytes[function.body.clone()];
    let has = |word: &[u8]| memchr::memmem::find(text, word).is_some();
    // The last line may lack its break, and then the next one would be joined to the `pass`.
    body.iter().any(is_code)
        && matches!(text.last(), Some(b'\n' | b'\r'))
        && scan::line_break(bytes, function.body.start) == 0
        && !has(b"yield")
        && !has(b"global")
}

/// Parses a text whose parts stand elsewhere: each pair of `moves` says from where on in the text
/// an offset is that in the file.
fn parse(short: &str, moves: &[(u32, u32)]) -> Result<ast::Suite, SyntaxError> {
    guard::check(short)?;
    let end = offset(short.len());
    let rewritten = compat::rewrite(short);
    if !rewritten.grafts.is_empty() {
        // Grafts know their places in the text only.
        return Err(SyntaxError {
            message: "newer syntax".to_owned(),
            offset: 0,
        });
    }
    let mut part = 0;
    let moved = |at: TextSize, part: &mut usize| {
        let at = at.to_u32();
        while moves.get(*part + 1).is_some_and(|next| next.0 <= at) {
            *part += 1;
        }
        while moves[*part].0 > at {
            *part -= 1;
        }
        let (here, there) = moves[*part];
        TextSize::from(there + (at - here))
    };
    let tokens = ast::Suite::lex_starts_at(&rewritten.text, TextSize::default());
    let tokens = tokens.map(|token| match token {
        Ok((token, range)) => {
            let start = moved(range.start(), &mut part);
            // What ends a part ends where it began, and not where the next one does.
            let end = if range.is_empty() {
                start
            } else {
                moved(range.end() - TextSize::from(1), &mut part) + TextSize::from(1)
            };
            Ok((token, TextRange::new(start, end)))
        }
        Err(error) => Err(error),
    });
    ast::Suite::parse_tokens(tokens, "").map_err(|error| syntax_error(&error, end))
}
