//! The sketch of a module, made from its logical lines without parsing them.

use std::ops::Range;

use crate::frontend::index;
use crate::frontend::python::methods;
use crate::frontend::python::outline::{self, FunctionPiece, Line};
use crate::frontend::python::scan::{self, Prefix, is_blank, is_word};
use crate::frontend::sketch::{ClassHead, Flags, Glance, Hit, Imported, Role, Search, Sketch};
use crate::ir::Name;

/// Words that start a compound statement, whose body may be on the same line.
const COMPOUND: &[&[u8]] = &[
    b"if", b"elif", b"else", b"try", b"except", b"finally", b"for", b"while", b"with", b"async",
    b"match", b"case",
];

/// A longer assignment (in words) is not an alias of a class.
const MAX_ALIAS_WORDS: usize = 8;

/// Sketches a module.
pub(in crate::frontend) fn sketch(
    text: &str,
    glances: &mut [Box<dyn Glance>],
    search: &Search,
) -> Sketch {
    let bytes = text.as_bytes();
    let lines = outline::lines(bytes, 0..bytes.len());
    let mut out = Sketch::default();
    let functions = outline::functions(bytes, &lines);
    let mut inside = functions
        .iter()
        .map(|f| f.first..f.first + f.lines)
        .peekable();
    for (at, line) in lines.iter().enumerate() {
        while inside.next_if(|body| body.end <= at).is_some() {}
        // What a function assigns cannot be a base of a class elsewhere. Its imports, classes and
        // methods count.
        let local = inside.peek().is_some_and(|body| body.contains(&at));
        statement(text, line.start..line.range.end, local, &mut out);
    }
    methods::add(text, &lines, &functions, &mut out);
    for (glance, hits) in glances.iter_mut().zip(search.hits(text)) {
        let everywhere = |hits: &Vec<Hit>| hits.iter().fold(0, |all, (_, flags)| all | flags);
        glance.begin(hits.as_ref().map_or(Flags::MAX, everywhere));
        let mut starts = Vec::new();
        for function in &functions {
            let rejected = || {
                let flags = found(hits.as_ref()?, function.start..function.body.end);
                Some(!glance.can_matter(flags) && is_sound(&lines, function))
            };
            if rejected() != Some(true) && matters(text, function, &mut **glance) {
                starts.push(index(function.start));
            }
        }
        out.matters.push(starts);
    }
    for list in [&mut out.functions, &mut out.hooks] {
        list.sort_unstable();
        list.dedup();
    }
    out.imports.dedup();
    out
}

/// The flags of the clues that start in a range.
fn found(hits: &[Hit], range: Range<usize>) -> Flags {
    let first = hits.partition_point(|(at, _)| *at < range.start);
    let inside = hits[first..].iter().take_while(|(at, _)| *at < range.end);
    inside.fold(0, |all, (_, flags)| all | flags)
}

/// Whether all strings in a function are closed; otherwise a word may be cut off.
fn is_sound(lines: &[Line], function: &FunctionPiece) -> bool {
    let header = function.first.saturating_sub(1);
    let own = &lines[header..function.first + function.lines];
    own.iter().all(|line| line.sound)
}

/// Whether a function can matter.
fn matters(text: &str, function: &FunctionPiece, glance: &mut dyn Glance) -> bool {
    tokens(text, function.start..function.body.end, glance);
    glance.matters()
}

/// Passes the words and strings in a range to a glance.
fn tokens(text: &str, range: Range<usize>, glance: &mut dyn Glance) {
    let bytes = &text.as_bytes()[..range.end];
    let mut at = range.start;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'#' => at = memchr::memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |n| at + n),
            b'"' | b'\'' => at = literal(text, bytes, at, Prefix::default(), glance),
            _ if is_word(byte) => {
                let end = scan::skip_while(bytes, at, is_word);
                if let Some(b'"' | b'\'') = bytes.get(end)
                    && let Some(prefix) = Prefix::of(&bytes[at..end])
                {
                    at = literal(text, bytes, end, prefix, glance);
                    continue;
                }
                if !byte.is_ascii_digit() {
                    let after = scan::skip_while(bytes, end, is_blank);
                    let next = |i: usize| bytes.get(after + i).copied();
                    let role = Role {
                        called: next(0) == Some(b'('),
                        empty: next(0) == Some(b'(') && next(1) == Some(b')'),
                        attribute: at > range.start && bytes[at - 1] == b'.',
                        given: next(0) == Some(b'=') && next(1) != Some(b'='),
                    };
                    glance.word(&text[at..end], role);
                }
                at = end;
            }
            _ => at += 1,
        }
    }
}

/// Passes a string to a glance. Returns where the string ends.
fn literal(text: &str, bytes: &[u8], at: usize, prefix: Prefix, glance: &mut dyn Glance) -> usize {
    let end = outline::string_end(bytes, at, prefix);
    let quotes = if bytes[at..].starts_with(&[bytes[at]; 3]) {
        3
    } else {
        1
    };
    let inner = at + quotes..end.saturating_sub(quotes).max(at + quotes).min(end);
    if !prefix.formatted {
        // An offset next to a quote is always a character boundary.
        glance.text(text.get(inner).unwrap_or_default());
        return end;
    }
    let inner = text.get(inner).unwrap_or_default();
    for part in inner.split(['{', '}']) {
        glance.text(part);
        for word in part.split(|c: char| !c.is_alphanumeric() && c != '_') {
            let called = Role {
                called: true,
                ..Role::default()
            };
            glance.formatted(word, called);
        }
    }
    end
}

fn statement(text: &str, range: Range<usize>, local: bool, out: &mut Sketch) {
    let bytes = &text.as_bytes()[..range.end];
    let first = outline::word(bytes, range.start);
    match first {
        b"class" => class(text, range.start + first.len()..range.end, out),
        b"def" | b"async" => {
            let mut at = range.start + first.len();
            if first == b"async" {
                at = scan::skip_while(bytes, at, is_blank);
                let next = outline::word(bytes, at);
                if next != b"def" {
                    return;
                }
                at += next.len();
            }
            let name = scan::skip_while(bytes, at, is_blank);
            let word = outline::word(bytes, name);
            out.functions
                .push(Name::new(&text[name..name + word.len()]));
        }
        _ if local && !matches!(first, b"import" | b"from" | b"lazy") => {}
        _ if COMPOUND.contains(&first) => parts(text, range, out),
        _ => {
            if memchr::memchr(b';', &bytes[range.clone()]).is_some() {
                return parts(text, range, out);
            }
            simple(text, range, out);
        }
    }
}

/// Handles the further statements on a line.
fn parts(text: &str, range: Range<usize>, out: &mut Sketch) {
    let bytes = text.as_bytes();
    let mut start = range.start;
    for at in memchr::memchr2_iter(b';', b':', &bytes[range.clone()]) {
        let at = range.start + at;
        simple(text, start..at, out);
        start = at + 1;
    }
    simple(text, start..range.end, out);
}

fn simple(text: &str, range: Range<usize>, out: &mut Sketch) {
    let bytes = &text.as_bytes()[..range.end];
    let start = scan::skip_while(bytes, range.start, is_blank);
    let mut first = outline::word(bytes, start);
    let mut after = start + first.len();
    if first == b"lazy" {
        after = scan::skip_while(bytes, after, is_blank);
        first = outline::word(bytes, after);
        after += first.len();
    }
    match first {
        b"import" | b"from" => import(text, after..range.end, first == b"from", out),
        b"" => {}
        _ => alias(text, start..range.end, out),
    }
}

/// The words of a range without comments; `None` if it contains anything but names, dots, commas,
/// brackets and `=`.
fn names(text: &str, range: Range<usize>) -> Option<Vec<&str>> {
    let bytes = &text.as_bytes()[..range.end];
    let mut words = Vec::new();
    let mut at = range.start;
    while let Some(&byte) = bytes.get(at) {
        if is_word(byte) {
            let end = scan::skip_while(bytes, at, is_word);
            words.push(&text[at..end]);
            at = end;
            continue;
        }
        match byte {
            b'#' => at = scan::line_end(bytes, at),
            b'.' | b',' | b'=' | b'(' | b')' | b':' | b'\\' | b'*' => {
                if byte == b'=' || byte == b':' {
                    words.push("=");
                }
                at += 1;
            }
            _ if byte.is_ascii_whitespace() => at += 1,
            _ => return None,
        }
        if words.len() > 4 * MAX_ALIAS_WORDS {
            return None;
        }
    }
    Some(words)
}

/// `Name = path`: every word before an `=` may be an alias of every word after it.
fn alias(text: &str, range: Range<usize>, out: &mut Sketch) {
    if memchr::memchr(b'=', &text.as_bytes()[range.clone()]).is_none() {
        return;
    }
    let Some(words) = names(text, range) else {
        return;
    };
    if words.len() > MAX_ALIAS_WORDS || words.contains(&"self") {
        return;
    }
    let Some(last) = words.iter().rposition(|w| *w == "=") else {
        return;
    };
    for (at, name) in words[..last].iter().enumerate() {
        let mut before = true;
        for other in &words[at + 1..] {
            if *other == "=" {
                before = false;
            } else if !before && *name != "=" && name != other {
                out.aliases.push((Name::new(name), Name::new(other)));
            }
        }
    }
}

/// Adds the modules and aliases of an `import` statement.
fn import(text: &str, range: Range<usize>, from: bool, out: &mut Sketch) {
    let bytes = &text.as_bytes()[..range.end];
    let mut words: Vec<&str> = Vec::new();
    let mut level = 0;
    let mut at = range.start;
    let mut separated = true;
    while let Some(&byte) = bytes.get(at) {
        if is_word(byte) {
            let end = scan::skip_while(bytes, at, is_word);
            let word = &text[at..end];
            if words.is_empty() && from || !from && separated && word != "as" {
                let first = if word == "import" { "" } else { word };
                out.imports.push(Imported {
                    level,
                    first: Name::new(first),
                });
            }
            separated = false;
            if let [.., name, "as"] = words.as_slice() {
                out.aliases.push((Name::new(word), Name::new(name)));
            }
            words.push(word);
            at = end;
            continue;
        }
        match byte {
            b'#' => {
                at = scan::line_end(bytes, at);
                continue;
            }
            b'.' if words.is_empty() => level += 1,
            b',' => separated = true,
            _ => {}
        }
        at += 1;
    }
}

/// Adds a class, from after its keyword.
fn class(text: &str, range: Range<usize>, out: &mut Sketch) {
    let bytes = &text.as_bytes()[..range.end];
    let blank = |byte: u8| is_blank(byte) || matches!(byte, b'\\' | b'\n' | b'\r');
    let start = scan::skip_while(bytes, range.start, blank);
    let name = outline::word(bytes, start);
    let mut bases = Vec::new();
    let mut at = start + name.len();
    let mut depth = 0_usize;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'#' => at = scan::line_end(bytes, at),
            b'"' | b'\'' => at = outline::string_end(bytes, at, Prefix::default()),
            b'(' | b'[' | b'{' => {
                depth += 1;
                at += 1;
            }
            b')' | b']' | b'}' => {
                depth = depth.saturating_sub(1);
                at += 1;
            }
            b':' if depth == 0 => break,
            _ if is_word(byte) => {
                let end = scan::skip_while(bytes, at, is_word);
                bases.push(Name::new(&text[at..end]));
                at = end;
            }
            _ => at += 1,
        }
    }
    out.classes.push(ClassHead {
        name: Name::new(&text[start..start + name.len()]),
        bases,
    });
}
