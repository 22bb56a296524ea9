//! The guard before the parser. It refuses a second byte order mark, and code on which the parser,
//! the syntax tree or lowering would recurse too deeply. It takes one cheap pass over the text.
//!
//! That pass need not understand Python. It over-approximates the depth of the syntax tree: nested
//! brackets and indentation as CPython limits them, plus chains that nest without brackets
//! (operators, attributes, calls, `not`, ternaries, lambdas, `elif`).

use crate::frontend::SyntaxError;
use crate::frontend::python::scan::{self, Field, Part, Prefix, is_word};

/// Open brackets; CPython's own limit.
const MAX_BRACKETS: usize = 200;
/// Nested blocks; CPython's own limit.
const MAX_INDENTS: usize = 100;
/// Links of a chain, including those of all chains around it.
const MAX_CHAIN: u32 = 6_000;
/// Digits of a decimal integer, as in CPython: conversion takes quadratic time.
const MAX_DIGITS: usize = 4_300;

const TOO_DEEP: &str = "nesting too deep";

/// Fails if the text is nested too deeply, or starts with a byte order mark. The mark of the file
/// is not part of the text, and the parser would skip another one.
pub(super) fn check(text: &str) -> Result<(), SyntaxError> {
    if text.starts_with('\u{feff}') {
        return Err(SyntaxError {
            message: "invalid character U+FEFF".to_owned(),
            offset: 0,
        });
    }
    Guard {
        bytes: text.as_bytes(),
        at: 0,
        brackets: Vec::new(),
        level: Level::default(),
        outside: 0,
        operand: false,
        indents: vec![(0, 0)],
    }
    .scan(true)
}

/// The state inside a pair of brackets. Each part over-approximates the depth that its operators
/// add to the syntax tree; the parts nest like the precedences of the operators.
#[derive(Clone, Copy, Default)]
struct Level {
    /// Lambdas, which a comma does not end.
    sticky: u32,
    /// The deepest element before a comma.
    elements: u32,
    /// Operators that bind less tightly than `*`.
    low: u32,
    /// The deepest operand of these.
    terms: u32,
    /// `*` and operators of the same precedence.
    mid: u32,
    /// The deepest operand of these.
    factors: u32,
    /// Signs, attributes, calls and subscripts of the current operand.
    high: u32,
    /// The deepest bracket in it.
    inner: u32,
}

impl Level {
    fn factor(self) -> u32 {
        self.high + self.inner
    }

    fn term(self) -> u32 {
        self.mid + self.factors.max(self.factor())
    }

    fn element(self) -> u32 {
        self.low + self.terms.max(self.term())
    }

    fn depth(self) -> u32 {
        self.sticky + self.elements.max(self.element())
    }

    /// The depth around a bracket that is opened now.
    fn around(self) -> u32 {
        self.sticky + self.low + self.mid + self.high
    }

    fn low(self) -> Self {
        Self {
            sticky: self.sticky,
            elements: self.elements,
            low: self.low + 1,
            terms: self.terms.max(self.term()),
            ..Self::default()
        }
    }

    fn mid(self) -> Self {
        Self {
            mid: self.mid + 1,
            factors: self.factors.max(self.factor()),
            high: 0,
            inner: 0,
            ..self
        }
    }

    fn comma(self) -> Self {
        Self {
            sticky: self.sticky,
            elements: self.elements.max(self.element()),
            ..Self::default()
        }
    }
}

struct Guard<'a> {
    bytes: &'a [u8],
    at: usize,
    brackets: Vec<Level>,
    level: Level,
    /// Sum of the open chains around the current level.
    outside: u32,
    /// Whether the last token ends an operand, so that a sign after it is a binary operator.
    operand: bool,
    /// Width of each open block, and the length of its current `elif` chain.
    indents: Vec<(usize, u32)>,
}

impl Guard<'_> {
    fn scan(mut self, mut line_start: bool) -> Result<(), SyntaxError> {
        while self.at < self.bytes.len() {
            if line_start {
                line_start = false;
                self.indentation()?;
                continue;
            }
            match self.bytes[self.at] {
                b'\n' | b'\r' => {
                    self.at += 1;
                    if self.brackets.is_empty() {
                        self.level = Level::default();
                        line_start = true;
                    }
                }
                b'#' => self.skip_comment(),
                b'\\' => self.at += self.escape_len(),
                b'"' | b'\'' => self.string(Prefix::default())?,
                b'(' | b'[' | b'{' => {
                    self.at += 1;
                    self.open()?;
                }
                b')' | b']' | b'}' => {
                    self.at += 1;
                    self.close();
                }
                b',' => {
                    self.at += 1;
                    self.operand = false;
                    self.level = self.level.comma();
                }
                b';' => {
                    self.at += 1;
                    if self.brackets.is_empty() {
                        self.level = Level::default();
                    }
                }
                byte @ (b'+' | b'-' | b'~') => {
                    self.at += 1;
                    if self.operand && byte != b'~' {
                        self.level = self.level.low();
                    } else {
                        self.level.high += 1;
                    }
                    self.operand = false;
                    self.check_depth()?;
                }
                b'&' | b'|' | b'^' | b'<' | b'>' | b'=' | b'!' => {
                    self.at += 1;
                    self.operand = false;
                    self.level = self.level.low();
                    self.check_depth()?;
                }
                b'*' | b'/' | b'%' | b'@' => {
                    self.at += 1;
                    self.operand = false;
                    self.level = self.level.mid();
                    self.check_depth()?;
                }
                b'.' => {
                    self.at += 1;
                    self.level.high += 1;
                    self.check_depth()?;
                }
                byte if is_word(byte) => self.word()?,
                _ => self.at += 1,
            }
        }
        Ok(())
    }

    fn error<T>(&self, message: &str) -> Result<T, SyntaxError> {
        Err(SyntaxError {
            message: message.to_owned(),
            offset: u32::try_from(self.at).unwrap_or(u32::MAX),
        })
    }

    fn check_depth(&self) -> Result<(), SyntaxError> {
        if self.outside + self.level.depth() > MAX_CHAIN {
            return self.error(TOO_DEEP);
        }
        Ok(())
    }

    fn open(&mut self) -> Result<(), SyntaxError> {
        self.level.high += 1;
        self.check_depth()?;
        if self.brackets.len() >= MAX_BRACKETS {
            return self.error(TOO_DEEP);
        }
        self.outside += self.level.around();
        self.brackets.push(self.level);
        self.level = Level::default();
        self.operand = false;
        Ok(())
    }

    fn close(&mut self) {
        if let Some(mut outer) = self.brackets.pop() {
            self.outside -= outer.around();
            outer.inner = outer.inner.max(self.level.depth());
            self.level = outer;
        }
        self.operand = true;
    }

    fn indentation(&mut self) -> Result<(), SyntaxError> {
        let mut width = 0;
        while let Some(byte) = self.bytes.get(self.at) {
            match byte {
                b' ' => width += 1,
                b'\t' => width = width / 8 * 8 + 8,
                b'\x0c' => width = 0,
                _ => break,
            }
            self.at += 1;
        }
        if matches!(self.bytes.get(self.at), None | Some(b'#' | b'\n' | b'\r')) {
            return Ok(());
        }
        while self.indents.len() > 1 && self.indents.last().is_some_and(|top| top.0 > width) {
            self.indents.pop();
        }
        let rest = &self.bytes[self.at..];
        match self.indents.last_mut() {
            Some(top) if top.0 >= width => {
                if rest.starts_with(b"elif") {
                    top.1 += 1;
                } else if !rest.starts_with(b"else") {
                    top.1 = 0;
                }
            }
            _ => self.indents.push((width, 0)),
        }
        let elifs: u32 = self.indents.iter().map(|indent| indent.1).sum();
        if self.indents.len() > MAX_INDENTS || elifs > MAX_CHAIN {
            return self.error(TOO_DEEP);
        }
        Ok(())
    }

    fn skip_comment(&mut self) {
        while let Some(byte) = self.bytes.get(self.at) {
            if matches!(byte, b'\n' | b'\r') {
                break;
            }
            self.at += 1;
        }
    }

    /// Length of a backslash and what it escapes.
    fn escape_len(&self) -> usize {
        match self.bytes.get(self.at + 1..self.at + 3) {
            Some(b"\r\n") => 3,
            _ => 2,
        }
    }

    fn word(&mut self) -> Result<(), SyntaxError> {
        let start = self.at;
        self.operand = true;
        while self.bytes.get(self.at).copied().is_some_and(is_word) {
            self.at += 1;
        }
        let word = &self.bytes[start..self.at];
        if word[0].is_ascii_digit() {
            if word.len() > MAX_DIGITS
                && !matches!(word.get(1), Some(b'x' | b'X' | b'o' | b'O' | b'b' | b'B'))
            {
                return self.error("integer literal too long");
            }
            return Ok(());
        }
        match word {
            b"not" | b"if" | b"else" | b"await" => {
                self.level = self.level.low();
                self.check_depth()
            }
            b"lambda" => {
                self.level.sticky += 1;
                self.check_depth()
            }
            _ if matches!(self.bytes.get(self.at), Some(b'"' | b'\'')) => {
                self.string(Prefix::of(word).unwrap_or_default())
            }
            _ => Ok(()),
        }
    }

    fn string(&mut self, prefix: Prefix) -> Result<(), SyntaxError> {
        self.operand = true;
        let Some(literal) = scan::string(self.bytes, self.at, prefix) else {
            if prefix.formatted {
                // The parser would still read the fields before the error.
                return self.error("invalid or unterminated f-string");
            }
            self.at = scan::broken_string_end(self.bytes, self.at);
            return Ok(());
        };
        self.at = literal.end;
        self.fields(&literal.fields.iter().collect::<Vec<_>>())
    }

    fn fields(&self, fields: &[&Field]) -> Result<(), SyntaxError> {
        for field in fields {
            let nested = Guard {
                bytes: &self.bytes[..field.expr.end],
                at: field.expr.start,
                // With a bracket of its own, so that line breaks in it end no line.
                brackets: vec![Level::default(); self.brackets.len() + 1],
                level: Level::default(),
                outside: self.outside + self.level.around(),
                operand: false,
                indents: vec![(0, 0)],
            };
            if nested.brackets.len() > MAX_BRACKETS {
                return self.error(TOO_DEEP);
            }
            nested.scan(false)?;
            let spec = field.spec.iter().flatten();
            let inner = spec.filter_map(|part| match part {
                Part::Field(field) => Some(field),
                Part::Text(_) => None,
            });
            self.fields(&inner.collect::<Vec<_>>())?;
        }
        Ok(())
    }
}
