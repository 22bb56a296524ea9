//! Prepares the text of a query for the parser: removes comments, and replaces each unknown part by
//! a marker.
//!
//! This module owns the lexical side of placeholders. A marker is spelt like an identifier, so it
//! can stand for a value, a column, a table or a part of a name, and every dialect accepts it.

use super::{Bound, Piece};

/// Longer queries (in bytes) are not read.
pub(super) const LONGEST_TEXT: usize = 256 * 1024;

/// The marker of a hole. The spelling occurs in no real query.
const MARKER: &str = "zq0hole0qz";

/// Stands for [`Piece::Hole`] while the text is scanned; a private-use character.
const HOLE: char = '\u{F8FF}';

/// Words after which a bound value is a name and not a literal.
const BEFORE_NAME: &[&str] = &["from", "join", "into", "update", "table"];

/// Conversions of Python's `%` operator that are placeholders (`%s`, `%d`, …).
const CONVERSIONS: &[char] = &['s', 'd', 'i', 'f', 'r'];

/// Whether a word or a string has an unknown part.
pub(super) fn has_hole(text: &str) -> bool {
    text.contains(MARKER)
}

/// Whether a word is only a hole.
pub(super) fn is_hole(text: &str) -> bool {
    text == MARKER
}

/// A name for people, with `?` for each unknown part.
pub(super) fn readable(name: &str) -> String {
    name.replace(MARKER, "?")
}

/// Joins the pieces to one text without comments, with placeholders replaced; `None` if it is too
/// long.
pub(super) fn join(pieces: &[Piece<'_>], bound: &Bound) -> Option<String> {
    let mut whole = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Text(text) => whole.extend(text.chars().filter(|&c| c != HOLE)),
            Piece::Hole => whole.push(HOLE),
        }
        if whole.len() > LONGEST_TEXT {
            return None;
        }
    }
    let mut scanner = Scanner {
        input: whole,
        at: 0,
        output: String::new(),
        bound,
        position: 0,
    };
    scanner.run();
    (scanner.output.len() <= 2 * LONGEST_TEXT).then_some(scanner.output)
}

/// How a bound value is inserted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Insert {
    /// As text, which the program formats.
    Raw,
    /// As a literal, like a parameter of the database.
    Literal,
}

struct Scanner<'a> {
    input: Vec<char>,
    at: usize,
    output: String,
    bound: &'a Bound,
    /// How many unnamed placeholders were seen.
    position: usize,
}

impl Scanner<'_> {
    fn peek(&self, ahead: usize) -> char {
        self.input.get(self.at + ahead).copied().unwrap_or('\0')
    }

    fn previous(&self) -> char {
        self.at
            .checked_sub(1)
            .and_then(|before| self.input.get(before))
            .copied()
            .unwrap_or(' ')
    }

    fn run(&mut self) {
        while self.at < self.input.len() {
            let c = self.peek(0);
            match c {
                '\'' | '"' | '`' => self.quoted(c),
                '-' if self.peek(1) == '-' => self.line_comment(),
                '#' if !matches!(self.peek(1), '>' | '-' | '#') => self.line_comment(),
                '/' if self.peek(1) == '*' => self.block_comment(),
                _ if self.placeholder(false) => {}
                '%' if self.peek(1) == '%' => {
                    self.output.push('%');
                    self.at += 2;
                }
                _ => {
                    self.output.push(c);
                    self.at += 1;
                }
            }
        }
    }

    fn line_comment(&mut self) {
        while self.at < self.input.len() && self.peek(0) != '\n' {
            self.at += 1;
        }
        self.output.push(' ');
    }

    fn block_comment(&mut self) {
        self.at += 2;
        while self.at < self.input.len() && !(self.peek(0) == '*' && self.peek(1) == '/') {
            self.at += 1;
        }
        self.at = (self.at + 2).min(self.input.len());
        self.output.push(' ');
    }

    /// Copies a string or a quoted name. A doubled quote needs no special case, because it reads as
    /// two strings.
    fn quoted(&mut self, quote: char) {
        self.output.push(quote);
        self.at += 1;
        while self.at < self.input.len() {
            let c = self.peek(0);
            if c == quote {
                self.output.push(c);
                self.at += 1;
                return;
            }
            if c == '\\' && self.at + 1 < self.input.len() {
                self.output.push(c);
                self.output.push(self.peek(1));
                self.at += 2;
            } else if !self.placeholder(true) {
                self.output.push(c);
                self.at += 1;
            }
        }
    }

    /// Replaces the placeholder at this position, if there is one.
    fn placeholder(&mut self, in_string: bool) -> bool {
        match self.peek(0) {
            HOLE => {
                self.emit(1, None, Insert::Raw, in_string);
                true
            }
            '{' => self.braces(in_string),
            '$' if self.peek(1) == '{' => {
                self.at += 1;
                let found = self.braces(in_string);
                if !found {
                    self.at -= 1;
                }
                found
            }
            '%' => self.percent(in_string),
            _ if in_string => false,
            '?' if !matches!(self.peek(1), '|' | '&' | '-' | '#') => {
                let value = self.next_position();
                self.emit(1, value, Insert::Literal, false);
                true
            }
            ':' if self.previous() != ':' && is_name_start(self.peek(1)) => self.sigil(1),
            '@' if self.previous() != '@'
                && !is_name_part(self.previous())
                && is_name_start(self.peek(1)) =>
            {
                self.sigil(1)
            }
            '$' if self.peek(1).is_ascii_digit() => {
                let length = self.run_of(1, |c| c.is_ascii_digit());
                let index: usize = self.text(1, length).parse().unwrap_or(0);
                let value = index
                    .checked_sub(1)
                    .and_then(|index| self.bound.positions.get(index).cloned().flatten());
                self.emit(1 + length, value, Insert::Literal, false);
                true
            }
            _ => false,
        }
    }

    /// `:name`, `@name`.
    fn sigil(&mut self, skip: usize) -> bool {
        let length = self.run_of(skip, is_name_part);
        let value = self.bound.names.get(&self.text(skip, length)).cloned();
        self.emit(skip + length, value, Insert::Literal, false);
        true
    }

    /// `{}`, `{name}`, `{name!r:>10}`, `{{ template }}`, `{% template %}`.
    fn braces(&mut self, in_string: bool) -> bool {
        let doubled = self.peek(1) == '{';
        let statement = self.peek(1) == '%';
        let from = if doubled || statement { 2 } else { 1 };
        let mut length = 0;
        loop {
            match self.input.get(self.at + from + length) {
                None | Some('\n') if !statement => return false,
                None => return false,
                Some('}') if !doubled || self.peek(from + length + 1) == '}' => break,
                Some(_) => length += 1,
            }
        }
        let inner = self.text(from, length);
        let inner = inner.trim();
        let is_field = inner.is_empty() || inner.starts_with(is_name_part);
        if in_string && !is_field {
            return false;
        }
        let name = inner.split(['!', ':', '.', '[']).next().unwrap_or("");
        let value = if statement {
            None
        } else if name.is_empty() {
            self.next_position()
        } else if let Ok(index) = name.parse::<usize>() {
            self.bound.positions.get(index).cloned().flatten()
        } else {
            self.bound.names.get(name.trim()).cloned()
        };
        if statement {
            // A statement of a template is beside operands, never inside a name.
            self.output.push(' ');
        }
        self.emit(
            from + length + if doubled { 2 } else { 1 },
            value,
            Insert::Raw,
            in_string,
        );
        if statement {
            self.output.push(' ');
        }
        true
    }

    /// `%s`, `%(name)s`. In a string, `'%success%'` is a pattern and `'%s'` a placeholder.
    fn percent(&mut self, in_string: bool) -> bool {
        if self.peek(1) == '(' {
            let length = self.run_of(2, is_name_part);
            let closes = self.peek(2 + length) == ')';
            if !closes || !CONVERSIONS.contains(&self.peek(3 + length)) {
                return false;
            }
            let value = self.bound.names.get(&self.text(2, length)).cloned();
            self.emit(4 + length, value, Insert::Literal, in_string);
            return true;
        }
        if !CONVERSIONS.contains(&self.peek(1))
            || is_name_part(self.peek(2))
            || self.previous() == '%'
        {
            return false;
        }
        let value = self.next_position();
        self.emit(2, value, Insert::Literal, in_string);
        true
    }

    fn next_position(&mut self) -> Option<String> {
        let value = self.bound.positions.get(self.position).cloned().flatten();
        self.position += 1;
        value
    }

    /// Writes the replacement of a placeholder of `length` characters.
    fn emit(&mut self, length: usize, value: Option<String>, insert: Insert, in_string: bool) {
        self.at += length;
        let Some(value) = value else {
            // `status IN %s` takes a whole list.
            if !in_string && last_word(&self.output) == "in" {
                self.output.push('(');
                self.output.push_str(MARKER);
                self.output.push(')');
            } else {
                self.output.push_str(MARKER);
            }
            return;
        };
        let is_name = BEFORE_NAME.contains(&last_word(&self.output).as_str())
            || self.output.ends_with(['.', '_']);
        if in_string {
            self.output
                .extend(value.chars().filter(|c| !matches!(c, '\'' | '"' | '`')));
        } else if insert == Insert::Raw || is_name || value.parse::<f64>().is_ok() {
            self.output.push_str(&value);
        } else {
            self.output.push('\'');
            self.output.push_str(&value.replace('\'', "''"));
            self.output.push('\'');
        }
    }

    fn run_of(&self, from: usize, accept: impl Fn(char) -> bool) -> usize {
        self.input
            .get(self.at + from..)
            .map_or(0, |rest| rest.iter().take_while(|&&c| accept(c)).count())
    }

    fn text(&self, from: usize, length: usize) -> String {
        self.input
            .get(self.at + from..self.at + from + length)
            .map(|chars| chars.iter().collect())
            .unwrap_or_default()
    }
}

fn is_name_start(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}

fn is_name_part(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The last word of a text in lower case. White space after it is ignored.
fn last_word(text: &str) -> String {
    let text = text.trim_end();
    let start = text
        .char_indices()
        .rev()
        .take_while(|&(_, c)| is_name_part(c))
        .last()
        .map_or(text.len(), |(at, _)| at);
    // Only keywords matter, and they are short.
    if text.len() - start > 16 {
        return String::new();
    }
    text[start..].to_lowercase()
}
