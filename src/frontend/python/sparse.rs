//! Reads a module without the bodies of its functions, and each body on first use.
//!
//! The parser gets the text without the bodies, each replaced by a `pass`. Its tokens are then
//! moved to their positions in the file, so that all offsets are true and what was left out costs
//! nothing. A body is parsed later, as part of its function alone. All that it needs to know about
//! the rest of the module is whether that binds `super`, and the names of its properties.

use std::ops::Range;
use std::sync::Arc;

use rustc_hash::FxHashSet;
use rustpython_parser::Parse;
use rustpython_parser::ast::text_size::{TextRange, TextSize};
use rustpython_parser::ast::{self, Stmt};

use crate::frontend::SyntaxError;
use crate::frontend::builder::Builder;
use crate::frontend::python::outline::{self, FunctionPiece, Line};
use crate::frontend::python::parse::{self, syntax_error};
use crate::frontend::python::scan::Prefix;
use crate::frontend::python::{compat, guard, lower, methods, scan, scope};
use crate::ir::{
    Arg, ArgKind, Bodies, Callee, Code, Content, Dealings, FunctionShape, LocalKind, MAX_NESTED,
    MAX_OUTER, Module, Name, NameScope, Operand, Rvalue, ScopeKind, TerminatorKind,
};
use crate::source::Span;

const PASS: &str = "pass\n";

/// It does not pay to leave out a shorter body, in bytes.
const SHORT: usize = 16;

/// The line before an indented function when it is parsed alone.
const AROUND: &str = "if 1:\n";

/// Lowers a module without the function bodies that can be left out. `None` if that is impossible,
/// and the module must be read as a whole.
pub(super) fn module(text: &Arc<str>) -> Option<Module> {
    let bytes = text.as_bytes();
    let lines = outline::lines(bytes, 0..bytes.len());
    let pieces = outline::functions(bytes, &lines);
    if pieces.len() >= MAX_OUTER as usize {
        return None;
    }
    let mut left_out = pieces;
    left_out.retain(|f| can_be_left_out(bytes, f, &lines));
    if left_out.is_empty() {
        return None;
    }
    let (short, moves) = shortened(text, &lines, &left_out);
    let suite = parse_moved(&short, &moves).ok()?;
    let symbols = scope::SymbolTable::build(&suite);
    let starts: Vec<u32> = left_out.iter().map(|f| offset(f.start)).collect();
    let (mut module, sites) = lower::sparse_module(text, &suite, &symbols, &starts)?;
    for class in &mut module.classes {
        if let Some(piece) = ended(&left_out, class.span.end) {
            class.span.end = body_end(text, piece);
        }
    }
    let left = left_out.into_iter().zip(sites);
    let left = left.map(|(piece, at)| Left { piece, at });
    let bodies = Arc::new(LeftOut {
        text: Arc::clone(text),
        super_is_bound: symbols.module_binds("super"),
        properties: symbols.properties().clone(),
        left: left.collect(),
    });
    for (number, left) in (0..).zip(&bodies.left) {
        let function = module.function_mut(left.at.idx);
        function.span.end = body_end(text, &left.piece);
        function.shape = FunctionShape::Code;
        let bodies: Arc<dyn Bodies> = Arc::<LeftOut>::clone(&bodies);
        function.body = Code::left_out(bodies, number);
    }
    Some(module)
}

/// The text without the bodies that are left out, without comments and blank lines between
/// statements, and with empty strings in place of those that are statements. Also returns where
/// moved parts start in it, with their offsets in the file.
fn shortened(text: &str, lines: &[Line], left_out: &[FunctionPiece]) -> (String, Vec<(u32, u32)>) {
    let bytes = text.as_bytes();
    let mut short = String::with_capacity(text.len() / 3);
    let mut moves: Vec<(u32, u32)> = vec![(0, 0)];
    let mut from = 0;
    let mut cut = |from: &mut usize, range: Range<usize>, stand_in: &str| {
        short.push_str(&text[*from..range.start]);
        // Offsets continue unchanged to the end of the replacement.
        short.push_str(stand_in);
        *from = range.end;
        moves.push((offset(short.len()), offset(range.end)));
    };
    let mut next = left_out.iter().peekable();
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        if let Some(function) = next.next_if(|f| f.first == at) {
            cut(&mut from, function.body.clone(), PASS);
            at += function.lines;
            continue;
        }
        let start = line_start(bytes, line.start);
        let gap = line.range.start..start;
        if gap.len() > SHORT && memchr::memchr2(b'\\', b'\x0c', &bytes[gap.clone()]).is_none() {
            cut(&mut from, gap, "");
        }
        if let Some(end) = lone_text(bytes, line)
            && end - line.start > SHORT
        {
            cut(&mut from, line.start + 1..end - 1, "");
        }
        at += 1;
    }
    short.push_str(&text[from..]);
    (short, moves)
}

/// The end of a string that is a whole logical line.
fn lone_text(bytes: &[u8], line: &Line) -> Option<usize> {
    if !matches!(bytes.get(line.start), Some(b'"' | b'\'')) {
        return None;
    }
    let bytes = &bytes[..line.range.end];
    let end = scan::string(bytes, line.start, Prefix::default())?.end;
    let rest = scan::skip_while(bytes, end, scan::is_blank);
    matches!(bytes.get(rest), Some(b'\n' | b'\r' | b'#')).then_some(end)
}

/// The end of the last statement of a body.
fn body_end(text: &str, piece: &FunctionPiece) -> u32 {
    offset(outline::code_end(text.as_bytes(), piece.last.clone()))
}

/// The function whose `pass` ends at this offset.
fn ended(left_out: &[FunctionPiece], end: u32) -> Option<&FunctionPiece> {
    let start = (end as usize).checked_sub(PASS.len() - 1)?;
    let at = left_out
        .binary_search_by_key(&start, |f| f.body.start)
        .ok()?;
    Some(&left_out[at])
}

fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// Whether the rest of the module can be read without the body: the body ends where it seems to,
/// contains no `yield`, defines no class and binds no global name.
fn can_be_left_out(bytes: &[u8], function: &FunctionPiece, lines: &[Line]) -> bool {
    const LEAST: usize = 1;
    if function.lines < LEAST || function.indent > 0 && !has_room(bytes, function) {
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
    // Without a final line break in the last line, the next line would be joined to the `pass`.
    body.iter().any(is_code)
        && body.iter().all(|line| line.sound)
        && matches!(text.last(), Some(b'\n' | b'\r'))
        && scan::line_break(bytes, function.body.start) == 0
        && !has(b"yield")
        && !has(b"global")
        && !(has(b"class")
            && body
                .iter()
                .any(|line| outline::word(bytes, line.start) == b"class"))
        && has_few_functions(text)
}

/// Whether there is room before an indented function for the line that it is parsed after.
fn has_room(bytes: &[u8], function: &FunctionPiece) -> bool {
    line_start(bytes, function.start) >= AROUND.len()
}

fn line_start(bytes: &[u8], at: usize) -> usize {
    let breaks = |byte: &u8| matches!(byte, b'\n' | b'\r');
    bytes[..at].iter().rposition(breaks).map_or(0, |at| at + 1)
}

/// Whether there are enough indices for the functions inside the body.
fn has_few_functions(text: &[u8]) -> bool {
    const SHORTEST: usize = "lambda:".len();
    let most = MAX_NESTED as usize - 1;
    let count = |word: &[u8]| memchr::memmem::find_iter(text, word).count();
    text.len() / SHORTEST < most || count(b"def") + count(b"lambda") + count(b"for") < most
}

/// The position of a function whose body was left out.
#[derive(Debug)]
struct Left {
    piece: FunctionPiece,
    at: lower::LeftSite,
}

/// The bodies that were left out of a module.
struct LeftOut {
    text: Arc<str>,
    /// Whether the module binds the name `super`.
    super_is_bound: bool,
    /// The names of the properties of the module.
    properties: FxHashSet<Name>,
    left: Vec<Left>,
}

impl LeftOut {
    fn left(&self, number: u32) -> &Left {
        &self.left[number as usize]
    }

    fn lowered(&self, left: &Left) -> Result<Content, SyntaxError> {
        let Left { piece, at } = left;
        let start = line_start(self.text.as_bytes(), piece.start);
        let own = &self.text[start..piece.body.end];
        let suite = if piece.indent == 0 {
            statements(own, offset(start))
        } else {
            // There is room for it, because the function has a header before it.
            let base = start.checked_sub(AROUND.len());
            let base = base.ok_or_else(|| broken(piece))?;
            statements(&format!("{AROUND}{own}"), offset(base))
        }?;
        let def = match suite.first() {
            Some(Stmt::If(around)) if piece.indent > 0 => around.body.first(),
            other => other,
        };
        let symbols = scope::SymbolTable::build_part(&suite, self.super_is_bound, &self.properties);
        def.and_then(|def| lower::left_out(&self.text, def, &symbols, at))
            .ok_or_else(|| broken(piece))
    }
}

fn statements(text: &str, base: u32) -> Result<ast::Suite, SyntaxError> {
    guard::check(text).map_err(|error| SyntaxError {
        offset: base.saturating_add(error.offset),
        ..error
    })?;
    parse::suite_at(text, base)
}

fn broken(piece: &FunctionPiece) -> SyntaxError {
    SyntaxError {
        message: "invalid function".to_owned(),
        offset: offset(piece.start),
    }
}

impl Bodies for LeftOut {
    fn lower(&self, number: u32) -> Content {
        let left = self.left(number);
        self.lowered(left)
            .unwrap_or_else(|error| anything(left, error))
    }

    fn text(&self, number: u32) -> &str {
        &self.text[self.left(number).piece.body.clone()]
    }

    fn dealings(&self, number: u32) -> Dealings {
        methods::dealings(&self.text, &self.left(number).piece)
    }

    fn may_use(&self, number: u32, member: &dyn Fn(&str) -> bool) -> bool {
        methods::may_use(&self.text, &self.left(number).piece, member)
    }
}

/// A body in place of a broken one: it passes its parameters to something unknown and returns the
/// result.
fn anything(left: &Left, error: SyntaxError) -> Content {
    let mut body = Builder::new();
    let span = Span::new(left.at.name_span.end, left.at.name_span.end);
    let names = left.at.params.iter().cloned();
    let params = names.map(|name| Operand::Local(body.local(Some(name), LocalKind::Param)));
    let params: Vec<Operand> = params.collect();
    let unknown = body.temp();
    body.assign(unknown, Rvalue::Opaque(Vec::new()), span);
    let result = body.temp();
    let normal = body.block();
    let args = params.into_iter().map(|value| Arg {
        kind: ArgKind::Positional,
        value,
    });
    let rvalue = Rvalue::Call {
        callee: Callee::Value(Operand::Local(unknown)),
        args: args.collect(),
    };
    let call = TerminatorKind::Eval {
        dest: Some(result),
        rvalue,
        normal,
        unwind: None,
    };
    body.end(call, span);
    body.at(normal);
    let value = Operand::Local(result);
    let implicit = false;
    body.end(TerminatorKind::Return { value, implicit }, span);
    Content {
        body: body.finish(),
        scopes: vec![NameScope::new(
            Some(left.at.parent),
            ScopeKind::Function(left.at.idx),
        )],
        broken: Some((error.message, error.offset)),
        ..Content::default()
    }
}

/// Parses a text whose parts come from elsewhere in the file. Each pair of `moves` is an offset in
/// the text and the corresponding offset in the file, from there on.
fn parse_moved(short: &str, moves: &[(u32, u32)]) -> Result<ast::Suite, SyntaxError> {
    guard::check(short)?;
    let end = offset(short.len());
    let rewritten = compat::rewrite(short);
    if !rewritten.grafts.is_empty() {
        // Grafts only have offsets in the text.
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
            // A range at the end of a part belongs to that part and not to the next one.
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
