//! What methods do with `self`, told from their texts: which of its methods they call, whether they
//! look something up in what it has, and whether they use what its methods returned.
//!
//! Inference looks only at methods for which this says yes, so it may say too much, but never too
//! little.

use memchr::memmem;
use rustc_hash::FxHashSet;

use crate::frontend::python::outline::{self, FunctionPiece, Line};
use crate::frontend::python::scan::{self, is_word};
use crate::frontend::sketch::{Sketch, says_how_much};
use crate::ir::{Dealings, Name};

/// How many methods may lie between a method and what it looks up through them.
const MAX_HOPS: usize = 2;
/// The arguments of a call are not searched for their end any further, in bytes.
const MAX_ARGS: usize = 2000;

/// What a method does with its receiver.
#[derive(Default)]
struct Method<'t> {
    name: &'t str,
    /// The methods of the receiver that it calls.
    calls: Vec<&'t str>,
    /// Its attributes that it mentions without calling them.
    mentions: Vec<&'t str>,
    /// Whether it looks something up in what the receiver has.
    looks_up: bool,
    /// The methods of the receiver of which it uses the result.
    uses: Vec<&'t str>,
}

/// Adds the hooks of all methods, including those of classes inside functions.
pub(super) fn add(text: &str, lines: &[Line], functions: &[FunctionPiece], out: &mut Sketch) {
    let mut methods = Vec::new();
    collect(text, lines, functions, &mut methods);
    let mut looking: FxHashSet<&str> = FxHashSet::default();
    for _ in 0..=MAX_HOPS {
        for method in &mut methods {
            method.looks_up |= !looking.is_empty()
                && [&method.calls, &method.mentions]
                    .into_iter()
                    .flatten()
                    .any(|name| looking.contains(name));
        }
        let known = looking.len();
        looking.extend(methods.iter().filter(|m| m.looks_up).map(|m| m.name));
        if looking.len() == known {
            break;
        }
    }
    for method in &methods {
        let hooks = if method.looks_up {
            &method.calls
        } else {
            &method.uses
        };
        out.hooks.extend(hooks.iter().map(Name::new));
    }
    out.looks_up = !looking.is_empty();
}

fn collect<'t>(
    text: &'t str,
    lines: &[Line],
    functions: &[FunctionPiece],
    out: &mut Vec<Method<'t>>,
) {
    for function in functions {
        if function.indent > 0 {
            out.extend(look(text, function));
        }
        if has_classes(text, function) {
            let inner = &lines[function.first..function.first + function.lines];
            let functions = outline::functions(text.as_bytes(), inner);
            collect(text, inner, &functions, out);
        }
    }
}

fn has_classes(text: &str, function: &FunctionPiece) -> bool {
    memmem::find(&text.as_bytes()[function.body.clone()], b"class").is_some()
}

/// What a method does with its receiver; anything if it contains further methods.
pub(super) fn dealings(text: &str, function: &FunctionPiece) -> Dealings {
    if has_classes(text, function) {
        return Dealings::ANY;
    }
    let found = look(text, function).unwrap_or_default();
    Dealings {
        calls: !found.calls.is_empty(),
        looks_up: found.looks_up,
        uses_result: !found.uses.is_empty(),
    }
}

/// Whether a method uses a member of its receiver whose name passes a test.
pub(super) fn may_use(text: &str, function: &FunctionPiece, member: &dyn Fn(&str) -> bool) -> bool {
    if has_classes(text, function) {
        return true;
    }
    let found = look(text, function).unwrap_or_default();
    let mut names = found.calls.iter().chain(&found.mentions);
    names.any(|name| member(name))
}

/// Looks at a method. It looks something up by `self.place["key"]`, `self.place.get(…)`, the same
/// through a variable that holds `self.place`, or `self.rows_loaded`.
fn look<'t>(text: &'t str, function: &FunctionPiece) -> Option<Method<'t>> {
    let bytes = text.as_bytes();
    let receiver = receiver(bytes, function.start)?;
    let body = &bytes[function.body.clone()];
    let word_at = |at: usize| {
        let word = outline::word(body, at);
        let start = function.body.start + at;
        &text[start..start + word.len()]
    };
    let gets = || memchr::memchr(b'[', body).is_some() || memmem::find(body, b"get").is_some();
    let mut out = Method {
        name: name(text, function.start),
        ..Method::default()
    };
    let (mut held, mut renamed) = (false, false);
    for at in memmem::find_iter(body, receiver) {
        let end = at + receiver.len();
        if at > 0 && (is_word(body[at - 1]) || body[at - 1] == b'.')
            || body.get(end).is_some_and(|b| is_word(*b))
        {
            continue;
        }
        let dot = scan::skip_while(body, end, white);
        let given = matches!(last(&body[..at]), Some(b'=' | b','));
        if body.get(dot) != Some(&b'.') {
            renamed |= given;
            continue;
        }
        let name = scan::skip_while(body, dot + 1, white);
        let word = word_at(name);
        let after = scan::skip_while(body, name + word.len(), white);
        match body.get(after) {
            Some(b'(') => {
                out.calls.push(word);
                if !out.uses.contains(&word) && Text(body, receiver).uses_call(at, after) {
                    out.uses.push(word);
                }
                continue;
            }
            Some(b'[') => out.looks_up = true,
            Some(b'.') => {
                let next = scan::skip_while(body, after + 1, white);
                out.looks_up |= outline::word(body, next) == b"get";
            }
            _ => {
                held |= given;
                out.looks_up |= says_how_much(word);
            }
        }
        out.mentions.push(word);
    }
    if renamed {
        // Through another name, `self` may be used in any way.
        out.looks_up |= gets();
        let mut at = 0;
        while at < body.len() {
            let word = word_at(at);
            at += word.len().max(1);
            if word.is_empty() {
                continue;
            }
            if body.get(at) == Some(&b'(') {
                out.calls.push(word);
                out.uses.push(word);
            } else {
                out.mentions.push(word);
            }
        }
    }
    out.looks_up |= held && gets();
    Some(out)
}

fn white(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == b'\\'
}

/// Whether an operator that needs a number starts or ends with this.
fn is_operator(byte: u8) -> bool {
    matches!(
        byte,
        b'+' | b'-' | b'*' | b'/' | b'%' | b'<' | b'>' | b'!' | b'='
    )
}

/// The text of a body, and the name of the receiver.
struct Text<'t>(&'t [u8], &'t [u8]);

impl Text<'_> {
    /// Whether the result of a call is used in a way that inference knows. The call starts at `at`,
    /// and its arguments at `open`.
    fn uses_call(&self, at: usize, open: usize) -> bool {
        self.is_used_after(self.end_of_call(open)) || self.is_used_before(at)
    }

    /// The end of the arguments that start at `open`; `None` if they are too long.
    fn end_of_call(&self, open: usize) -> Option<usize> {
        let mut depth = 0usize;
        for (at, byte) in self.0[open..].iter().take(MAX_ARGS).enumerate() {
            match byte {
                b'(' | b'[' | b'{' => depth += 1,
                b')' | b']' | b'}' => depth = depth.saturating_sub(1),
                // A bracket in a string may be no bracket.
                b'"' | b'\'' | b'#' => return None,
                _ => {}
            }
            if depth == 0 {
                return Some(open + at + 1);
            }
        }
        None
    }

    /// Whether what ends here is used by what follows: an operator, a subscript, a count.
    fn is_used_after(&self, end: Option<usize>) -> bool {
        let Some(end) = end else { return true };
        let next = scan::skip_while(self.0, end, white);
        match self.0.get(next) {
            Some(b'.') => {
                let word = outline::word(self.0, scan::skip_while(self.0, next + 1, white));
                word == b"get" || counts(word)
            }
            Some(b'[') => true,
            Some(b'=') => self.0.get(next + 1) == Some(&b'='),
            Some(byte) => is_operator(*byte),
            None => false,
        }
    }

    /// Whether the value that starts here is used by what comes before it.
    fn is_used_before(&self, at: usize) -> bool {
        let mut before = without_comments(&self.0[..at]);
        if let Some(rest) = before.strip_suffix(b"await") {
            before = without_comments(rest);
        }
        match before.last() {
            // What comes before was cut off in a string, or continues on this line.
            Some(b'"' | b'\'' | b'\\') => true,
            Some(b'=') => {
                let before = &before[..before.len() - 1];
                if before.last().is_some_and(|byte| is_operator(*byte)) {
                    return true;
                }
                // The targets, or the name of the argument.
                let ends = |byte: &u8| matches!(byte, b'\n' | b'(' | b',' | b';');
                let start = before.iter().rposition(ends).map_or(0, |at| at + 1);
                let mut words = before[start..].split(|byte| !is_word(*byte));
                words.any(|word| !word.is_empty() && (counts(word) || self.uses_variable(word)))
            }
            Some(b'(' | b',') => self.tells_by_parameter(before),
            // A value in a dict.
            Some(b':') => !starts_line(before),
            Some(byte) => is_operator(*byte),
            None => false,
        }
    }

    /// Whether a variable is used so.
    fn uses_variable(&self, name: &[u8]) -> bool {
        memmem::find_iter(self.0, name).any(|at| {
            let end = at + name.len();
            if at > 0 && (is_word(self.0[at - 1]) || self.0[at - 1] == b'.')
                || self.0.get(end).is_some_and(|b| is_word(*b))
            {
                return false;
            }
            if self.is_used_after(Some(end)) {
                return true;
            }
            let before = without_comments(&self.0[..at]);
            match before.last() {
                Some(b'"' | b'\'' | b'\\') => true,
                Some(b':') => !starts_line(before),
                Some(b'(' | b',') => self.tells_by_parameter(before),
                Some(byte) => is_operator(*byte),
                None => false,
            }
        })
    }
}

impl Text<'_> {
    /// Whether a positional argument comes next of a function whose parameters may be known: a method
    /// of the receiver, or a function by its name alone.
    fn tells_by_parameter(&self, before: &[u8]) -> bool {
        let first = before.len().saturating_sub(MAX_ARGS);
        let (mut at, mut depth) = (before.len(), 0usize);
        let open = loop {
            if at == first {
                return true;
            }
            at -= 1;
            match before[at] {
                b')' | b']' | b'}' => depth += 1,
                b'(' | b'[' | b'{' if depth == 0 => break at,
                b'(' | b'[' | b'{' => depth -= 1,
                quote @ (b'"' | b'\'') => match memchr::memrchr(quote, &before[first..at]) {
                    Some(start) => at = first + start,
                    None => return true,
                },
                b'#' => return true,
                _ => {}
            }
        };
        if before[open] != b'(' {
            return before[open] == b'{';
        }
        let callee = before[..open].trim_ascii_end();
        let name = callee
            .iter()
            .rev()
            .take_while(|byte| is_word(**byte))
            .count();
        let rest = callee[..callee.len() - name].trim_ascii_end();
        let object = rest.strip_suffix(b".").map(<[u8]>::trim_ascii_end);
        // Parentheses around an operand have no callee.
        let plain = !PLAIN.contains(&&callee[callee.len() - name..]);
        object.map_or(plain, |object| {
            object.ends_with(self.1) || object.ends_with(b")")
        })
    }
}

/// Built-in functions, for which no parameter says what they get.
const PLAIN: &[&[u8]] = &[
    b"str", b"len", b"list", b"set", b"tuple", b"dict", b"print", b"sorted", b"repr",
];

/// A text without white space and comments at its end.
fn without_comments(text: &[u8]) -> &[u8] {
    let mut out = text.trim_ascii_end();
    if out.len() == text.len() || !text[out.len()..].contains(&b'\n') {
        return out;
    }
    loop {
        let line = memchr::memrchr(b'\n', out).map_or(0, |at| at + 1);
        match memchr::memchr(b'#', &out[line..]) {
            Some(comment) => out = out[..line + comment].trim_ascii_end(),
            None => return out,
        }
    }
}

/// Whether a text ends with the colon before a statement: no quote comes before it.
fn starts_line(before: &[u8]) -> bool {
    let colon = before.strip_suffix(b":");
    colon.is_some_and(|rest| !matches!(rest.trim_ascii_end().last(), Some(b'"' | b'\'')))
}

fn counts(word: &[u8]) -> bool {
    str::from_utf8(word).is_ok_and(says_how_much)
}

/// The last byte other than white space.
fn last(bytes: &[u8]) -> Option<u8> {
    bytes.trim_ascii_end().last().copied()
}

/// The name of the function with its `def` or `async` at `start`.
fn name(text: &str, start: usize) -> &str {
    let bytes = text.as_bytes();
    let mut at = start;
    for _ in 0..2 {
        let word = outline::word(bytes, at);
        at = scan::skip_while(bytes, at + word.len(), white);
        if word == b"def" {
            break;
        }
    }
    &text[at..at + outline::word(bytes, at).len()]
}

/// The first parameter of the function with its `def` at `start`.
fn receiver(bytes: &[u8], start: usize) -> Option<&[u8]> {
    let open = start + memchr::memchr(b'(', &bytes[start..])?;
    let word = outline::word(bytes, scan::skip_while(bytes, open + 1, white));
    (!word.is_empty()).then_some(word)
}
