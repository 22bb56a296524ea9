//! Starred expressions that the parser does not know: in comprehensions (PEP 798), and with loosely
//! binding operators in subscripts (`data[*x or y]`, PEP 646).

use std::ops::Range;

use super::{Graft, Rewriter, is_lambda};
use crate::frontend::python::scan::{self, is_word};

/// The words after which a bracket is no subscript. After `match` and `case` a star before such an
/// operator is wrong anyway, unless they are names.
const KEYWORDS: &[&[u8]] = &[
    b"and", b"as", b"assert", b"async", b"await", b"del", b"elif", b"else", b"except", b"for",
    b"from", b"if", b"in", b"is", b"lambda", b"not", b"or", b"raise", b"return", b"while", b"with",
    b"yield",
];

/// What ends an element of a bracket.
#[derive(PartialEq, Eq)]
enum End {
    /// A comma, or the bracket's end.
    Element,
    /// The `for` of a comprehension.
    For,
}

impl Rewriter<'_> {
    /// Whether a `[` here, after the token before it, is a subscript.
    pub(super) fn is_subscript(&self) -> bool {
        let before = &self.bytes[self.before.clone()];
        match before.last() {
            Some(b')' | b']' | b'}' | b'"' | b'\'') => true,
            Some(byte) => is_word(*byte) && !KEYWORDS.contains(&before),
            None => false,
        }
    }

    /// Handles one or two stars.
    pub(super) fn star(&mut self) {
        let start = self.at;
        self.at = scan::skip_while(self.bytes, start, |byte| byte == b'*');
        let before = std::mem::replace(&mut self.before, start..self.at);
        let opens = match self.bytes[before].last() {
            Some(b'(' | b'[' | b'{') => true,
            Some(b',') => false,
            _ => return,
        };
        let Some(in_subscript) = self.subscripts.last().copied() else {
            return;
        };
        let double = self.at - start == 2;
        let Some((content, end, reason)) = self.element(self.at) else {
            return;
        };
        if content.is_empty() {
            return;
        }
        if reason == End::For && opens {
            let value = content.clone();
            self.placeholder(start..content.end, end, Graft::Star { value, double });
        } else if in_subscript && !double && !is_simple(&self.bytes[content.clone()]) {
            let value = Graft::Expression(content.clone());
            self.placeholder(content, end, value);
        }
    }

    /// Puts a placeholder over a range, which a word at `next` may follow directly.
    fn placeholder(&mut self, range: Range<usize>, next: usize, graft: Graft) {
        let joined = range.end == next && is_word(self.bytes[next]);
        let end = range.end - usize::from(joined);
        self.set(end..range.end, b' ');
        self.set(range.start..end, b'_');
        self.grafts.push((range.start, graft));
        self.at = range.end;
        self.before = range.start..end;
    }

    /// The element of a bracket that begins at `start`, without what is blank at its end; the offset
    /// of what follows, and what that is.
    fn element(&self, start: usize) -> Option<(Range<usize>, usize, End)> {
        let mut depth = 0_usize;
        let mut lambdas = 0_usize;
        let mut at = start;
        let mut content = start..start;
        loop {
            match *self.bytes.get(at)? {
                b'#' => {
                    at = scan::line_end(self.bytes, at);
                    continue;
                }
                b'\\' => {
                    at += scan::escape(self.bytes, at);
                    continue;
                }
                b' ' | b'\t' | b'\x0c' | b'\n' | b'\r' => {
                    at += 1;
                    continue;
                }
                b'"' | b'\'' => at = scan::string(self.bytes, at, self.prefix(at))?.end,
                b'(' | b'[' | b'{' => {
                    depth += 1;
                    at += 1;
                }
                b')' | b']' | b'}' if depth == 0 => return Some((content, at, End::Element)),
                b')' | b']' | b'}' => {
                    depth -= 1;
                    at += 1;
                }
                b',' if depth == 0 && lambdas == 0 => {
                    return Some((content, at, End::Element));
                }
                b':' if depth == 0 => {
                    lambdas = lambdas.saturating_sub(1);
                    at += 1;
                }
                byte if is_word(byte) => {
                    let word = self.word(at);
                    if depth == 0 && matches!(word, b"for" | b"async") {
                        return Some((content, at, End::For));
                    }
                    lambdas += usize::from(depth == 0 && is_lambda(self.bytes, at));
                    at += word.len();
                }
                _ => at += 1,
            }
            content.end = at;
        }
    }
}

/// Whether the parser accepts this after the star of a subscript.
fn is_simple(content: &[u8]) -> bool {
    let plain = |byte: &u8| is_word(*byte) || *byte == b'.';
    content.iter().all(plain)
}
