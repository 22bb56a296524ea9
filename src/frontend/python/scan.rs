//! The lexical structure of Python, shared by the steps before the parser: where words, comments
//! and strings end, and the replacement fields of f-strings (PEP 701).
//!
//! Nothing here fails. In text that is not Python, strings end where a reader would guess, so that
//! these steps agree and the parser reports the error.

use std::ops::Range;

/// Nested f-strings in replacement fields; CPython's own limit.
const MAX_NESTED: usize = 150;
/// Nested format specifications. CPython allows one.
const MAX_SPECS: usize = 8;
/// Open brackets in a replacement field; CPython's own limit.
const MAX_BRACKETS: usize = 200;

/// The keywords that only ever start a statement. One of them at the start of a line means that no
/// bracket is open any more, even if one was never closed.
const STATEMENT_WORDS: &[&[u8]] = &[
    b"assert",
    b"break",
    b"class",
    b"continue",
    b"def",
    b"del",
    b"except",
    b"finally",
    b"global",
    b"import",
    b"nonlocal",
    b"pass",
    b"raise",
    b"return",
    b"try",
    b"while",
    b"with",
];

/// Whether a byte can be part of an identifier or a number.
#[inline]
pub(super) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// Whether a byte is white space within a line.
#[inline]
pub(super) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\x0c')
}

/// The first offset from `at` on whose byte fails the test.
#[inline]
pub(super) fn skip_while(bytes: &[u8], at: usize, test: impl Fn(u8) -> bool) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().take_while(|byte| test(**byte)).count()
}

/// The end of the line that `at` lies in, without its line break.
pub(super) fn line_end(bytes: &[u8], at: usize) -> usize {
    skip_while(bytes, at, |byte| !matches!(byte, b'\n' | b'\r'))
}

/// The length of a line break, or 0.
#[inline]
pub(super) fn line_break(bytes: &[u8], at: usize) -> usize {
    match bytes.get(at..) {
        Some([b'\r', b'\n', ..]) => 2,
        Some([b'\n' | b'\r', ..]) => 1,
        _ => 0,
    }
}

/// The length of a backslash and what it escapes.
pub(super) fn escape(bytes: &[u8], at: usize) -> usize {
    (1 + line_break(bytes, at + 1).max(1)).min(bytes.len() - at)
}

/// The offset after the line joins at `at`, with the blanks after them.
pub(super) fn skip_joined(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at) == Some(&b'\\') && line_break(bytes, at + 1) > 0 {
        at = skip_while(bytes, at + escape(bytes, at), is_blank);
    }
    at
}

/// Whether the line at `at` starts with a keyword that cannot occur inside a bracket.
pub(super) fn starts_statement(bytes: &[u8], at: usize) -> bool {
    let start = skip_while(bytes, at, is_blank);
    let end = skip_while(bytes, start, is_word);
    let after = bytes.get(end);
    // `with=` and the like are errors anyway. They are not taken for statements, so that the error
    // is at the right offset.
    STATEMENT_WORDS.contains(&&bytes[start..end]) && !matches!(after, Some(b'=' | b'"' | b'\''))
}

/// The meaning of the letters before a quote.
#[derive(Clone, Copy, Default)]
pub(super) struct Prefix {
    /// An f-string, or a t-string (PEP 750).
    pub formatted: bool,
    /// Whether backslashes stand for themselves.
    pub raw: bool,
}

impl Prefix {
    /// The meaning of `word` directly before a quote; `None` if it is not a string prefix.
    pub(super) fn of(word: &[u8]) -> Option<Self> {
        let mut prefix = Self::default();
        if word.len() > 2 {
            return None;
        }
        for letter in word {
            match letter.to_ascii_lowercase() {
                b'f' | b't' => prefix.formatted = true,
                b'r' => prefix.raw = true,
                b'b' | b'u' => {}
                _ => return None,
            }
        }
        Some(prefix)
    }
}

/// A string literal, from its first quote on.
pub(super) struct Literal {
    /// The quote character.
    pub quote: u8,
    /// The offset after the last quote.
    pub end: usize,
    /// The outermost replacement fields, in order.
    pub fields: Vec<Field>,
}

/// A replacement field: `{expression = !conversion :spec}`.
pub(super) struct Field {
    /// The `{`.
    pub open: usize,
    /// From after the `{` to before what ends the expression.
    pub expr: Range<usize>,
    /// In a self-documenting field, the end of the `=` and the white space after it.
    pub debug: Option<usize>,
    /// The letter of the conversion.
    pub conversion: Option<u8>,
    /// The format specification.
    pub spec: Option<Vec<Part>>,
    /// The offset after the `}`.
    pub end: usize,
}

/// A part of a format specification.
pub(super) enum Part {
    /// Text.
    Text(Range<usize>),
    /// A nested field.
    Field(Field),
}

/// The string literal with its first quote at `at`; `None` if it is unterminated.
pub(super) fn string(bytes: &[u8], at: usize, prefix: Prefix) -> Option<Literal> {
    nested_string(bytes, at, prefix, 0)
}

/// Where an unterminated string is taken to end: at the end of the line or of the text. An f-string
/// that is invalid under PEP 701 may still end at its quotes, as before that PEP.
pub(super) fn broken_string_end(bytes: &[u8], at: usize) -> usize {
    let (quote, triple) = quotes(bytes, at);
    match plain_end(bytes, at, quote, triple) {
        Some(end) => end,
        None if triple => bytes.len(),
        None => line_end(bytes, at),
    }
}

fn quotes(bytes: &[u8], at: usize) -> (u8, bool) {
    let quote = bytes[at];
    (quote, bytes[at..].starts_with(&[quote; 3]))
}

fn nested_string(bytes: &[u8], at: usize, prefix: Prefix, depth: usize) -> Option<Literal> {
    let (quote, triple) = quotes(bytes, at);
    if !prefix.formatted {
        let end = plain_end(bytes, at, quote, triple)?;
        let fields = Vec::new();
        return Some(Literal { quote, end, fields });
    }
    if depth >= MAX_NESTED {
        return None;
    }
    let mut scan = FormatScan {
        bytes,
        at: at + if triple { 3 } else { 1 },
        quote,
        triple,
        raw: prefix.raw,
        depth,
    };
    let fields = scan.literal()?;
    Some(Literal {
        quote,
        end: scan.at,
        fields,
    })
}

fn plain_end(bytes: &[u8], at: usize, quote: u8, triple: bool) -> Option<usize> {
    let mut at = at + if triple { 3 } else { 1 };
    loop {
        match *bytes.get(at)? {
            b'\\' => at += escape(bytes, at),
            b'\n' | b'\r' if !triple => return None,
            byte if byte == quote => {
                if !triple {
                    return Some(at + 1);
                }
                if bytes[at..].starts_with(&[quote; 3]) {
                    return Some(at + 3);
                }
                at += 1;
            }
            _ => at += 1,
        }
    }
}

struct FormatScan<'a> {
    bytes: &'a [u8],
    at: usize,
    quote: u8,
    triple: bool,
    raw: bool,
    depth: usize,
}

impl FormatScan<'_> {
    fn peek(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at + ahead).copied()
    }

    fn at_end_quote(&self) -> bool {
        let rest = &self.bytes[self.at..];
        if self.triple {
            rest.starts_with(&[self.quote; 3])
        } else {
            rest.first() == Some(&self.quote)
        }
    }

    /// A backslash in text. It does not escape a brace after it, except in `\N{NAME}`.
    fn text_escape(&mut self) -> Option<()> {
        match self.peek(1)? {
            b'{' | b'}' => self.at += 1,
            b'N' if !self.raw && self.peek(2) == Some(b'{') => {
                self.at = 1 + skip_while(self.bytes, self.at, |byte| {
                    !matches!(byte, b'}' | b'\n' | b'\r')
                });
            }
            _ => self.at += escape(self.bytes, self.at),
        }
        Some(())
    }

    fn literal(&mut self) -> Option<Vec<Field>> {
        let mut fields = Vec::new();
        loop {
            match self.peek(0)? {
                b'\\' => self.text_escape()?,
                b'{' if self.peek(1) == Some(b'{') => self.at += 2,
                b'}' if self.peek(1) == Some(b'}') => self.at += 2,
                b'{' => fields.push(self.field(0)?),
                b'}' => return None,
                b'\n' | b'\r' if !self.triple => return None,
                _ if self.at_end_quote() => {
                    self.at += if self.triple { 3 } else { 1 };
                    return Some(fields);
                }
                _ => self.at += 1,
            }
        }
    }

    fn field(&mut self, specs: usize) -> Option<Field> {
        let open = self.at;
        self.at += 1;
        let (expr_end, debug) = self.expression()?;
        let mut field = Field {
            open,
            expr: open + 1..expr_end,
            debug,
            conversion: None,
            spec: None,
            end: 0,
        };
        if self.peek(0)? == b'!' {
            self.at = skip_while(self.bytes, self.at + 1, is_blank);
            field.conversion = self.peek(0);
            self.at = skip_while(self.bytes, self.at + 1, |byte| byte.is_ascii_whitespace());
        }
        if self.peek(0)? == b':' {
            self.at += 1;
            field.spec = Some(self.spec(specs)?);
        }
        if self.peek(0)? != b'}' {
            return None;
        }
        self.at += 1;
        field.end = self.at;
        Some(field)
    }

    fn spec(&mut self, specs: usize) -> Option<Vec<Part>> {
        if specs >= MAX_SPECS {
            return None;
        }
        let mut parts = Vec::new();
        let mut start = self.at;
        loop {
            let byte = self.peek(0)?;
            let ends = byte == b'}' || byte == b'{';
            if ends && start < self.at {
                parts.push(Part::Text(start..self.at));
            }
            match byte {
                b'}' => return Some(parts),
                b'{' => {
                    parts.push(Part::Field(self.field(specs + 1)?));
                    start = self.at;
                }
                b'\\' => self.text_escape()?,
                b'\n' | b'\r' if !self.triple => return None,
                _ if self.at_end_quote() => return None,
                _ => self.at += 1,
            }
        }
    }

    /// Moves to what ends the expression of a field: `!`, `:` or `}`. Returns the end of the
    /// expression, and the end of a `=` after it.
    fn expression(&mut self) -> Option<(usize, Option<usize>)> {
        let mut open: Vec<u8> = Vec::new();
        loop {
            let byte = self.peek(0)?;
            match byte {
                b'\'' | b'"' => self.string(Prefix::default())?,
                b'#' => self.at = line_end(self.bytes, self.at),
                b'\\' => self.at += escape(self.bytes, self.at),
                b'\n' | b'\r' => {
                    self.at += 1;
                    if starts_statement(self.bytes, self.at) {
                        return None;
                    }
                }
                b'(' | b'[' | b'{' => {
                    if open.len() >= MAX_BRACKETS {
                        return None;
                    }
                    open.push(byte);
                    self.at += 1;
                }
                b')' | b']' | b'}' => match open.pop() {
                    Some(b'(') if byte == b')' => self.at += 1,
                    Some(b'[') if byte == b']' => self.at += 1,
                    Some(b'{') if byte == b'}' => self.at += 1,
                    None if byte == b'}' => return Some((self.at, None)),
                    _ => return None,
                },
                b':' if open.is_empty() => return Some((self.at, None)),
                b'!' if open.is_empty() && self.peek(1) != Some(b'=') => {
                    return Some((self.at, None));
                }
                b'!' | b'<' | b'>' | b'=' if self.peek(1) == Some(b'=') => self.at += 2,
                b'=' if open.is_empty() => {
                    let end = self.at;
                    self.at = skip_while(self.bytes, end + 1, |byte| byte.is_ascii_whitespace());
                    if matches!(self.peek(0)?, b'}' | b':' | b'!') {
                        return Some((end, Some(self.at)));
                    }
                    return None;
                }
                _ if is_word(byte) => {
                    let start = self.at;
                    self.at = skip_while(self.bytes, start, is_word);
                    if matches!(self.peek(0), Some(b'\'' | b'"')) {
                        let prefix = Prefix::of(&self.bytes[start..self.at]);
                        self.string(prefix.unwrap_or_default())?;
                    }
                }
                _ => self.at += 1,
            }
        }
    }

    fn string(&mut self, prefix: Prefix) -> Option<()> {
        self.at = nested_string(self.bytes, self.at, prefix, self.depth + 1)?.end;
        Some(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn fields(text: &str) -> Option<Vec<(String, Option<char>, usize)>> {
        let quote = text.find(['"', '\'']).unwrap();
        let prefix = Prefix::of(&text.as_bytes()[..quote]).unwrap();
        let literal = string(text.as_bytes(), quote, prefix)?;
        assert_eq!(literal.end, text.len(), "{text}");
        let shown = |field: &Field| {
            let conversion = field.conversion.map(char::from);
            let parts = field.spec.as_ref().map_or(0, Vec::len);
            (text[field.expr.clone()].to_owned(), conversion, parts)
        };
        Some(literal.fields.iter().map(shown).collect())
    }

    fn one(
        expr: &str,
        conversion: Option<char>,
        parts: usize,
    ) -> Vec<(String, Option<char>, usize)> {
        vec![(expr.to_owned(), conversion, parts)]
    }

    #[test]
    fn fields_end_where_cpython_ends_them() {
        let same = |text: &str, expected| assert_eq!(fields(text), Some(expected), "{text}");
        same(r#"f"{d["k"]}""#, one(r#"d["k"]"#, None, 0));
        same(r#"f"{a != b!r:>{w["x"]}s}""#, one("a != b", Some('r'), 3));
        same(r#"f"{x = }""#, one("x ", None, 0));
        same(r#"f"{x:=5}""#, one("x", None, 1));
        same(r#"f"{a == b}{{}}""#, one("a == b", None, 0));
        same("f\"{x # \" }\n}\"", one("x # \" }\n", None, 0));
        same(r#"rf"\{x}\"""#, one("x", None, 0));
        same(
            r#"f"\N{DASH}{f"{f"{y}"}"}""#,
            one(r#"f"{f"{y}"}""#, None, 0),
        );
        same(r#"f"{a[b:c]}""#, one("a[b:c]", None, 0));
    }

    #[test]
    fn what_has_no_end_is_none() {
        for text in [
            "f'", "f'{'", "f'{x'", "f'}'", "f'{x:'", "f'{(]}'", "'\n'", "'''a''",
        ] {
            assert_eq!(fields(text), None, "{text}");
        }
        assert_eq!(fields(&"f'{".repeat(100_000)), None);
        assert_eq!(broken_string_end(b"f'{' + 'b'", 1), 4);
        assert_eq!(broken_string_end(b"'abc\nd'", 0), 4);
    }
}
