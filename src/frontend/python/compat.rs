//! Rewrites what the parser does not accept to text of equal length, so that every offset stays
//! true. Where no older syntax says the same, an expression becomes a *placeholder*, a name made
//! of underscores, and a [`Graft`] says what `graft` puts there after the text is parsed.
//!
//! | syntax | becomes |
//! |---|---|
//! | replacement fields that only PEP 701 allows | placeholders |
//! | t-strings (PEP 750) | f-strings |
//! | `except A, B:` (PEP 758) | `except ____:` |
//! | defaults of type parameters (PEP 696) | blanks; they are evaluated lazily, if ever, but have to be expressions |
//! | `lazy import a` (PEP 810) | `pass;import a` |
//! | `type X = int` after `;` or `:` on one line | an assignment |
//! | `match.x: int = 1` and `case[0]: int = 1`, where `match` and `case` are names | a placeholder |
//! | `{*x for x in y}`, `{**x for x in y}` (PEP 798) | a placeholder for the starred expression |
//! | `data[*x or y]` | `data[*______]` |
//! | tabs after spaces in an indentation | tabs come first: they compare alike |
//! | a form feed in an indentation | what is before it becomes form feeds, which start it afresh |
//! | a line that is joined to a blank one | a blank line |
//! | `\r\n` in an f-string, which the parser counts as one byte | the `\r` becomes a space |

mod soft;
mod stars;

use std::borrow::Cow;
use std::ops::Range;

use crate::frontend::python::scan::{self, Field, Part, Prefix, is_blank, is_word};

/// The rewritten text, and the content of its placeholders.
pub(super) struct Rewritten<'a> {
    /// The text, as long as the original.
    pub text: Cow<'a, str>,
    /// The grafts and the offsets of their placeholders, in order.
    pub grafts: Vec<(usize, Graft)>,
}

/// The content of a placeholder. Offsets are into the original text.
pub(super) enum Graft {
    /// An expression, or several that make a tuple.
    Expression(Range<usize>),
    /// A replacement field.
    Field(Field),
    /// A name that the parser takes for a keyword.
    Name(Range<usize>),
    /// A starred element of a comprehension. With two stars it becomes a starred starred expression,
    /// which no syntax means.
    Star {
        /// The expression after the stars.
        value: Range<usize>,
        /// Whether there are two stars.
        double: bool,
    },
    /// The default of a type parameter. The tree has no place for it, but it must be an expression.
    Default(Range<usize>),
}

/// Rewrites `text` for the parser.
pub(super) fn rewrite(text: &str) -> Rewritten<'_> {
    let mut rewriter = Rewriter {
        bytes: text.as_bytes(),
        at: 0,
        before: 0..0,
        subscripts: Vec::new(),
        matches: Vec::new(),
        out: None,
        grafts: Vec::new(),
    };
    rewriter.run();
    // Only whole characters are replaced, by ASCII, so the result is valid text.
    let changed = rewriter.out.and_then(|out| String::from_utf8(out).ok());
    Rewritten {
        grafts: changed.as_ref().map_or_else(Vec::new, |_| rewriter.grafts),
        text: changed.map_or(Cow::Borrowed(text), Cow::Owned),
    }
}

struct Rewriter<'a> {
    bytes: &'a [u8],
    at: usize,
    /// The last token of the statement before `at`: a word, a string's end or a single byte.
    before: Range<usize>,
    /// For each open bracket, whether it is a subscript.
    subscripts: Vec<bool>,
    /// The columns of the `match` statements around this place, and those of their cases.
    matches: Vec<(usize, Option<usize>)>,
    /// The rewritten text, once it differs from the original.
    out: Option<Vec<u8>>,
    grafts: Vec<(usize, Graft)>,
}

impl Rewriter<'_> {
    fn run(&mut self) {
        self.line();
        while let Some(&byte) = self.bytes.get(self.at) {
            match byte {
                b'\n' | b'\r' => {
                    self.at += scan::line_break(self.bytes, self.at);
                    if self.subscripts.is_empty() || scan::starts_statement(self.bytes, self.at) {
                        self.line();
                    }
                }
                b'#' => self.at = scan::line_end(self.bytes, self.at),
                b'\\' => self.at += scan::escape(self.bytes, self.at),
                b' ' | b'\t' | b'\x0c' => self.at += 1,
                b';' | b':' if self.subscripts.is_empty() => {
                    self.at = scan::skip_while(self.bytes, self.at + 1, is_blank);
                    self.before = self.at..self.at;
                    self.inline_statement();
                }
                b'*' => self.star(),
                _ => self.token(byte),
            }
        }
    }

    /// Handles the start of a logical line.
    fn line(&mut self) {
        self.subscripts.clear();
        self.indentation();
        self.statement();
        self.before = self.at..self.at;
    }

    /// Handles a token that is no star.
    fn token(&mut self, first: u8) {
        let start = self.at;
        match first {
            b'"' | b'\'' => self.string(start),
            b'(' | b'[' | b'{' => {
                let is_subscript = first == b'[' && self.is_subscript();
                self.subscripts.push(is_subscript);
                self.at += 1;
            }
            b')' | b']' | b'}' => {
                self.subscripts.pop();
                self.at += 1;
            }
            _ if is_word(first) => {
                self.at = scan::skip_while(self.bytes, start, is_word);
                if matches!(self.bytes.get(self.at), Some(b'"' | b'\'')) {
                    self.string(start);
                }
            }
            _ => self.at += 1,
        }
        self.before = start..self.at;
    }

    fn set(&mut self, range: Range<usize>, byte: u8) {
        let out = self.out.get_or_insert_with(|| self.bytes.to_vec());
        out[range].fill(byte);
    }

    fn word(&self, start: usize) -> &[u8] {
        &self.bytes[start..scan::skip_while(self.bytes, start, is_word)]
    }

    /// Skips blanks and line joins.
    fn skip_blank(&self, mut at: usize) -> usize {
        loop {
            at = scan::skip_while(self.bytes, at, is_blank);
            if self.bytes.get(at) != Some(&b'\\') || scan::line_break(self.bytes, at + 1) == 0 {
                return at;
            }
            at += scan::escape(self.bytes, at);
        }
    }

    fn indentation(&mut self) {
        let start = self.at;
        self.at = scan::skip_while(self.bytes, start, is_blank);
        let blank = &self.bytes[start..self.at];
        let feed = blank.iter().rposition(|byte| *byte == b'\x0c');
        let width = feed.map_or(start, |feed| start + feed + 1);
        if blank.len() > 1 && feed.is_some_and(|feed| feed > 0) {
            self.set(start..width, b'\x0c');
        }
        if !self.bytes[width..self.at].is_sorted() {
            let out = self.out.get_or_insert_with(|| self.bytes.to_vec());
            out[width..self.at].sort_unstable();
        }
        let code = scan::skip_joined(self.bytes, self.at);
        if code > self.at && matches!(self.bytes.get(code), Some(b'#' | b'\n' | b'\r')) {
            for at in self.at..code {
                if self.bytes[at] == b'\\' {
                    self.set(at..at + 1, b' ');
                }
            }
        }
    }

    /// Handles the start of a statement.
    fn statement(&mut self) {
        let start = self.at;
        let end = start + self.word(start).len();
        if end > start {
            self.leave_matches(start);
        }
        match self.word(start) {
            b"except" => self.except(end),
            b"def" | b"class" => self.definition(end),
            b"async" => {
                let next = self.skip_blank(end);
                if self.word(next) == b"def" {
                    self.definition(next + 3);
                }
            }
            b"type" => self.definition(end),
            b"lazy" => self.lazy(start),
            b"match" | b"case" => self.soft_keyword(start, end),
            _ => {}
        }
    }

    /// Handles a statement after a `;` or `:` outside brackets.
    fn inline_statement(&mut self) {
        let start = self.at;
        match self.word(start) {
            b"lazy" => self.lazy(start),
            b"type" => {
                let name = self.skip_blank(start + 4);
                let end = name + self.word(name).len();
                let next = self.skip_blank(end);
                let parameters = match self.bytes.get(next) {
                    Some(b'[') => match self.bracket(next, |_, _, _| {}) {
                        Some(close) => next..close,
                        None => return,
                    },
                    _ => next..next,
                };
                let equals = self.skip_blank(parameters.end);
                if name < end && name > start + 4 && self.bytes.get(equals) == Some(&b'=') {
                    self.set(start..start + 4, b' ');
                    self.set(parameters, b' ');
                    self.at = equals;
                }
            }
            _ => {}
        }
    }

    /// PEP 810. Before `import` or `from`, `lazy` cannot be a name.
    fn lazy(&mut self, start: usize) {
        let end = start + 4;
        let next = self.skip_blank(end);
        let import = matches!(self.word(next), b"import" | b"from");
        if import && self.bytes.get(end).copied().is_some_and(is_blank) {
            let out = self.out.get_or_insert_with(|| self.bytes.to_vec());
            out[start..end].copy_from_slice(b"pass");
            out[end] = b';';
            self.at = next;
        }
    }

    /// PEP 758: `except A, B:`, from after the keyword.
    fn except(&mut self, keyword: usize) {
        let mut start = self.skip_blank(keyword);
        if self.bytes.get(start) == Some(&b'*') {
            start = self.skip_blank(start + 1);
        }
        let mut depth = 0_usize;
        let mut commas = false;
        let mut at = start;
        while let Some(&byte) = self.bytes.get(at) {
            match byte {
                b'(' | b'[' | b'{' => depth += 1,
                b')' | b']' | b'}' => depth = depth.saturating_sub(1),
                b':' if depth == 0 => break,
                b',' if depth == 0 => commas = true,
                b'\n' | b'\r' if depth == 0 => return,
                b'#' => {
                    at = scan::line_end(self.bytes, at);
                    continue;
                }
                b'\\' => {
                    at += scan::escape(self.bytes, at);
                    continue;
                }
                b'"' | b'\'' => {
                    at = self.string_end(at);
                    continue;
                }
                _ if is_word(byte) => {
                    let word = self.word(at);
                    if depth == 0 && word == b"as" {
                        return;
                    }
                    at += word.len();
                    continue;
                }
                _ => {}
            }
            at += 1;
        }
        if !commas || at >= self.bytes.len() {
            return;
        }
        let blanks = self.bytes[start..at].iter().rev();
        let end = at - blanks.take_while(|byte| is_blank(**byte)).count();
        // `except(A), B:` has no blank, so the placeholder needs one before it.
        let place = if is_word(self.bytes[start - 1]) {
            self.set(start..start + 1, b' ');
            start + 1
        } else {
            start
        };
        self.set(place..end, b'_');
        self.grafts.push((place, Graft::Expression(start..end)));
        self.at = at;
    }

    /// PEP 696: blanks out the defaults in the type parameters of a definition, from after the
    /// keyword.
    fn definition(&mut self, keyword: usize) {
        let name = self.skip_blank(keyword);
        let open = self.skip_blank(name + self.word(name).len());
        if name == keyword || name == open || self.bytes.get(open) != Some(&b'[') {
            return;
        }
        let mut default: Option<usize> = None;
        let mut defaults = Vec::new();
        // What precedes the colon of a lambda belongs to it, including commas.
        let mut lambdas = 0_usize;
        let close = self.bracket(open, |bytes, at, depth| match bytes[at] {
            b'=' if depth == 1 && default.is_none() => default = Some(at),
            b'l' if depth == 1 && default.is_some() && is_lambda(bytes, at) => lambdas += 1,
            b':' if depth == 1 => lambdas = lambdas.saturating_sub(1),
            b',' if depth == 1 && lambdas > 0 => {}
            b',' if depth == 1 => defaults.extend(default.take().map(|start| start..at)),
            b']' if depth == 0 => defaults.extend(default.take().map(|start| start..at)),
            _ => {}
        });
        let Some(close) = close else { return };
        for range in defaults {
            self.grafts
                .push((range.start, Graft::Default(range.start + 1..range.end)));
            for at in range {
                if !matches!(self.bytes[at], b'\n' | b'\r') {
                    self.set(at..at + 1, b' ');
                }
            }
        }
        self.at = close;
    }

    /// The offset after the bracket that closes the one at `open`; `None` if there is none, or a
    /// string before it is unterminated. `visit` gets the offset of every byte outside strings and
    /// comments, and how many brackets are open after it.
    fn bracket(&self, open: usize, mut visit: impl FnMut(&[u8], usize, usize)) -> Option<usize> {
        let mut depth = 0_usize;
        let mut at = open;
        loop {
            match *self.bytes.get(at)? {
                b'#' => {
                    at = scan::line_end(self.bytes, at);
                    continue;
                }
                b'"' | b'\'' => {
                    at = scan::string(self.bytes, at, self.prefix(at))?.end;
                    continue;
                }
                b'(' | b'[' | b'{' => depth += 1,
                b')' | b']' | b'}' => depth -= 1,
                _ => {}
            }
            visit(self.bytes, at, depth);
            at += 1;
            if depth == 0 {
                return Some(at);
            }
        }
    }

    /// The prefix of the string with its first quote at `at`.
    fn prefix(&self, at: usize) -> Prefix {
        let letters = self.bytes[..at].iter().rev();
        let start = at - letters.take(3).take_while(|byte| is_word(**byte)).count();
        Prefix::of(&self.bytes[start..at]).unwrap_or_default()
    }

    /// The end of the string with its first quote at `at`, taking its prefix into account.
    fn string_end(&self, at: usize) -> usize {
        match scan::string(self.bytes, at, self.prefix(at)) {
            Some(literal) => literal.end,
            None => scan::broken_string_end(self.bytes, at),
        }
    }

    /// Handles a string whose prefix starts at `start`, and whose first quote is here.
    fn string(&mut self, start: usize) {
        let quote = self.at;
        let prefix = Prefix::of(&self.bytes[start..quote]).unwrap_or_default();
        let Some(literal) = scan::string(self.bytes, quote, prefix) else {
            self.at = scan::broken_string_end(self.bytes, quote);
            return;
        };
        self.at = literal.end;
        if !prefix.formatted {
            return;
        }
        for at in start..quote {
            if self.bytes[at] | 32 == b't' {
                self.set(at..at + 1, b'f');
            }
        }
        let mut text = quote;
        let (delimiter, end) = (literal.quote, literal.end);
        for field in literal.fields {
            if is_plain(self.bytes, &field, delimiter) {
                continue;
            }
            self.line_breaks(text..field.open);
            text = field.end;
            self.set(field.open + 1..field.end - 1, b'_');
            self.grafts.push((field.open + 1, Graft::Field(field)));
        }
        self.line_breaks(text..end);
    }

    /// Makes the line breaks in the text of an f-string one byte long.
    fn line_breaks(&mut self, range: Range<usize>) {
        for at in range {
            if !self.bytes[at..].starts_with(b"\r\n") {
                continue;
            }
            self.set(at..at + 1, b' ');
            if self.bytes[at - 1] == b'\\' {
                // The backslash must stay directly before the line break.
                self.set(at - 1..at, b' ');
                self.set(at..at + 1, b'\\');
            }
        }
    }
}

fn is_lambda(bytes: &[u8], at: usize) -> bool {
    let after = scan::skip_while(bytes, at, is_word);
    !is_word(bytes[at - 1]) && &bytes[at..after] == b"lambda"
}

/// Whether the parser accepts a field as it is.
fn is_plain(bytes: &[u8], field: &Field, quote: u8) -> bool {
    let all = &bytes[field.open + 1..field.end - 1];
    if all.is_empty() {
        return true;
    }
    let expr = &bytes[field.expr.clone()];
    let hard = |byte: &u8| matches!(byte, b'\\' | b'#' | b'\n' | b'\r');
    let quotes = |byte: &u8| matches!(byte, b'"' | b'\'');
    let nested = expr.iter().any(quotes) && expr.contains(&b'{');
    let other: &[u8] = if quote == b'"' { b"'''" } else { b"\"\"\"" };
    let deep = |part: &Part| match part {
        Part::Field(inner) => inner.spec.is_some() || !is_plain(bytes, inner, quote),
        Part::Text(_) => false,
    };
    !(expr.iter().any(hard)
        || nested
        || all.contains(&quote)
        || all.windows(3).any(|window| window == other)
        || field.debug.is_some()
        || field.spec.iter().flatten().any(deep))
}

#[cfg(test)]
mod tests {
    use super::rewrite;

    fn same(text: &str, expected: &str) {
        let rewritten = rewrite(text);
        assert_eq!(rewritten.text.len(), text.len(), "{text}");
        assert_eq!(rewritten.text, expected);
    }

    #[test]
    fn tabs_come_first_in_indentation_only() {
        let text = "if a:\n  \tx = ' \t'\n  \t\n  \ty = '''\n  \t'''\n";
        let expected = "if a:\n\t  x = ' \t'\n\t  \n\t  y = '''\n  \t'''\n";
        same(text, expected);
    }

    #[test]
    fn line_ends_in_f_strings_take_one_byte() {
        let text = "x = f'''a\r\n{b}\\\r\n{c}'''\r\ny = '''\r\n'''\r\n";
        let expected = "x = f'''a \n{b} \\\n{c}'''\r\ny = '''\r\n'''\r\n";
        same(text, expected);
    }

    #[test]
    fn fields_that_the_parser_misreads_are_grafted() {
        same("f\"{'''it's'''}\"", "f\"{__________}\"");
        same("f\"{d[\"k\"]}{x:>{w}}\"", "f\"{______}{x:>{w}}\"");
        same("f'{x = }{d[\"k\"]}'", "f'{____}{d[\"k\"]}'");
        same("t'{x}' Tr\"{y}\"", "f'{x}' fr\"{y}\"");
        same("f'''{\r\n\"é\"}'''", "f'''{______}'''");
    }

    #[test]
    fn statements_of_newer_versions() {
        same("except A, b.C :\n", "except ______ :\n");
        same("except*(A),B:", "except*_____:");
        same("except(A), B:", "except _____:");
        same("except (A, B) as e:", "except (A, B) as e:");
        same("lazy import a", "pass;import a");
        same("lazy = 1", "lazy = 1");
        same(
            "def f[T=int, *U = [a, b]](): pass",
            "def f[T    , *U         ](): pass",
        );
        same("x = 1; type Y[T] = T", "x = 1;      Y    = T");
        same("match[0]: int = 1", "_____[0]: int = 1");
        same("match[0:1] = lambda: 0", "match[0:1] = lambda: 0");
        let cases = "match [x]:\n  case [0]: case[0]: int\n  case (1):\n    case[0]: int = 1\n";
        same(cases, &cases.replace("    case", "    ____"));
        same("[*x for x in y]", "[__ for x in y]");
        same("{** f(x)for x in y}", "{______ for x in y}");
        same(
            "(*[*x for x in y] for y in z)",
            "(________________ for y in z)",
        );
        same("d[*x or y, z, *a]", "d[*______, z, *a]");
        same("match[*x or y]", "match[*______]");
        same("[*x or y]", "[*x or y]");
        same("return [*x or y]", "return [*x or y]");
        same("f(*x or y, **a)", "f(*x or y, **a)");
        // Errors in a broken default are left to the parser.
        let broken = "class A[\n    B = \"x\n  , 2],\n]: pass\n";
        same(broken, broken);
    }
}
