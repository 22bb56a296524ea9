//! The outline of a module: a scan that knows strings, brackets, comments, line joins and
//! indentation, and so splits a module into its statements, and a class into its members, without
//! parsing them.
//!
//! It never fails. In valid Python, the pieces are the statements. In broken Python, an error stays
//! within its piece where possible: a keyword that can only start a statement closes all open
//! brackets.

use std::ops::Range;

use crate::frontend::python::scan::{self, Prefix, is_blank, is_word};

/// Words that continue the compound statement before them.
const CONTINUATIONS: &[&[u8]] = &[b"elif", b"else", b"except", b"finally"];

/// What a piece defines.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum PieceKind {
    /// A class.
    Class,
    /// A function.
    Function,
    /// Any other statement.
    Other,
}

/// A statement with its decorators, the blank lines and comments before it, and its block.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Piece {
    /// The kind.
    pub kind: PieceKind,
    /// Its range, in whole lines. The ranges of the pieces of a module cover the module.
    pub range: Range<usize>,
    /// The first word of the statement, after decorators. For a definition: `def`, `async` or
    /// `class`.
    pub start: usize,
    /// The name of a definition.
    pub name: Range<usize>,
}

/// A logical line.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// From the start of its first line to the start of the next logical line.
    pub range: Range<usize>,
    /// Its first byte other than white space.
    pub start: usize,
    /// The width of its indentation, as CPython counts it.
    pub indent: usize,
    /// Whether its strings and brackets are closed. If not, it may contain more than one line
    /// should.
    pub sound: bool,
}

/// A function that is not nested in another one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct FunctionPiece {
    /// Its `def` or `async`.
    pub start: usize,
    /// The width of its indentation.
    pub indent: usize,
    /// From its first statement to the end of its last line; empty if it is on the line of the
    /// header.
    pub body: Range<usize>,
    /// The index of the first line of its body.
    pub first: usize,
    /// How many logical lines its body has.
    pub lines: usize,
    /// The last line, without blank lines and comments before it.
    pub last: Range<usize>,
}

/// The functions that are not nested in another one, in order.
pub(super) fn functions(bytes: &[u8], lines: &[Line]) -> Vec<FunctionPiece> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        at += 1;
        let first = word(bytes, line.start);
        let next = scan::skip_while(bytes, line.start + first.len(), is_blank);
        if first != b"def" && !(first == b"async" && word(bytes, next) == b"def") {
            continue;
        }
        let body = lines[at..].iter();
        let count = body.take_while(|inner| inner.indent > line.indent).count();
        let end = |last: &Line| last.range.end;
        out.push(FunctionPiece {
            start: line.start,
            indent: line.indent,
            body: match count {
                0 => line.range.end..line.range.end,
                _ => lines[at].start..end(&lines[at + count - 1]),
            },
            first: at,
            lines: count,
            last: match count {
                0 => line.start..line.range.end,
                _ => lines[at + count - 1].start..end(&lines[at + count - 1]),
            },
        });
        at += count;
    }
    out
}

/// The statements of a module, in order.
pub(super) fn module(text: &str) -> Vec<Piece> {
    pieces(text.as_bytes(), &lines(text.as_bytes(), 0..text.len()), 0)
}

/// The members of a class: the statements of its block, in order. Empty if the class is on one
/// line.
pub(super) fn members(text: &str, class: &Piece) -> Vec<Piece> {
    let bytes = text.as_bytes();
    let all = lines(bytes, class.range.clone());
    let Some(header) = all.iter().position(|line| line.start == class.start) else {
        return Vec::new();
    };
    let outer = all[header].indent;
    let body = &all[header + 1..];
    match body.first() {
        Some(first) if first.indent > outer => pieces(bytes, body, first.indent),
        _ => Vec::new(),
    }
}

/// Groups lines into statements. Each line with at most `indent` indentation starts one, unless it
/// continues the one before.
fn pieces(bytes: &[u8], lines: &[Line], indent: usize) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut decorated = false;
    for line in lines {
        let word = word(bytes, line.start);
        if let Some(last) = pieces.last_mut() {
            let decorator = bytes.get(line.start) == Some(&b'@');
            if line.indent > indent || CONTINUATIONS.contains(&word) {
                last.range.end = line.range.end;
                continue;
            }
            if decorated {
                last.range.end = line.range.end;
                if !decorator {
                    let fresh = piece(bytes, line);
                    *last = Piece {
                        range: last.range.clone(),
                        ..fresh
                    };
                }
                decorated = decorator;
                continue;
            }
        }
        decorated = bytes.get(line.start) == Some(&b'@');
        pieces.push(piece(bytes, line));
    }
    pieces
}

fn piece(bytes: &[u8], line: &Line) -> Piece {
    let first = word(bytes, line.start);
    let after = |at: usize| scan::skip_while(bytes, at, is_blank);
    let mut keyword = line.start..line.start + first.len();
    if first == b"async" {
        let next = after(keyword.end);
        keyword = next..next + word(bytes, next).len();
    }
    let kind = match &bytes[keyword.clone()] {
        b"class" if first == b"class" => PieceKind::Class,
        b"def" => PieceKind::Function,
        _ => PieceKind::Other,
    };
    let start = after(keyword.end);
    let name = match kind {
        PieceKind::Other => line.start..line.start,
        PieceKind::Class | PieceKind::Function => start..start + word(bytes, start).len(),
    };
    Piece {
        kind,
        range: line.range.clone(),
        start: line.start,
        name,
    }
}

/// The word at `start`.
pub(super) fn word(bytes: &[u8], start: usize) -> &[u8] {
    let end = scan::skip_while(bytes, start, is_word);
    bytes.get(start..end).unwrap_or_default()
}

/// The logical lines in `range`, which starts at the start of a line. Blank lines and comments
/// belong to the logical line after them, or to the last line.
pub(super) fn lines(bytes: &[u8], range: Range<usize>) -> Vec<Line> {
    let bytes = &bytes[..range.end];
    let mut lines: Vec<Line> = Vec::new();
    let mut begin = range.start;
    let mut at = range.start;
    while at < bytes.len() {
        let start = scan::skip_while(bytes, at, is_blank);
        // A line that is joined to a blank one starts no statement.
        let code = scan::skip_joined(bytes, start);
        match bytes.get(code) {
            None => break,
            Some(b'#' | b'\n' | b'\r') => {
                at = scan::line_end(bytes, code);
                at += scan::line_break(bytes, at);
                continue;
            }
            Some(_) => {}
        }
        let (end, sound) = scan_line(bytes, start, |_| {});
        lines.push(Line {
            range: begin..end,
            start,
            indent: width(&bytes[at..start]),
            sound,
        });
        begin = end;
        at = end;
    }
    if let Some(last) = lines.last_mut() {
        last.range.end = range.end;
    }
    lines
}

/// The width of an indentation. Tabs advance to the next multiple of eight, and a form feed resets
/// it.
pub(super) fn width(blank: &[u8]) -> usize {
    blank.iter().fold(0, |width, byte| match byte {
        b'\t' => width / 8 * 8 + 8,
        b'\x0c' => 0,
        _ => width + 1,
    })
}

/// Whether a definition starts here, not counting decorators.
pub(super) fn definition(bytes: &[u8], start: usize) -> bool {
    match word(bytes, start) {
        b"class" | b"def" => true,
        b"async" => {
            let next = scan::skip_while(bytes, start + b"async".len(), is_blank);
            word(bytes, next) == b"def"
        }
        _ => false,
    }
}

/// The offset after the line break that ends the logical line at `start`. `see` gets the comments,
/// strings (from their first quote on) and line joins in it, in order.
pub(super) fn logical_line(bytes: &[u8], start: usize, see: impl FnMut(Range<usize>)) -> usize {
    scan_line(bytes, start, see).0
}

/// The same, and whether all strings and brackets in it are closed.
fn scan_line(bytes: &[u8], start: usize, mut see: impl FnMut(Range<usize>)) -> (usize, bool) {
    let mut sound = true;
    let mut string_end = |at: usize, prefix: Prefix| {
        let literal = scan::string(bytes, at, prefix);
        sound &= literal.is_some();
        literal.map_or_else(|| scan::broken_string_end(bytes, at), |literal| literal.end)
    };
    let mut depth = 0_usize;
    let mut at = start;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\n' | b'\r' => {
                at += scan::line_break(bytes, at);
                if depth == 0 || scan::starts_statement(bytes, at) {
                    return (at, sound && depth == 0);
                }
            }
            b'#' => {
                let end = scan::line_end(bytes, at);
                see(at..end);
                at = end;
            }
            b'\\' => {
                let end = at + scan::escape(bytes, at);
                see(at..end);
                at = end;
            }
            b'(' | b'[' | b'{' => {
                depth += 1;
                at += 1;
            }
            b')' | b']' | b'}' => {
                depth = depth.saturating_sub(1);
                at += 1;
            }
            b'"' | b'\'' => {
                let end = string_end(at, Prefix::default());
                see(at..end);
                at = end;
            }
            _ if is_word(byte) => {
                let end = scan::skip_while(bytes, at, is_word);
                let prefix = Prefix::of(&bytes[at..end]).unwrap_or_default();
                at = end;
                if let Some(b'"' | b'\'') = bytes.get(end) {
                    at = string_end(end, prefix);
                    see(end..at);
                }
            }
            _ => at += 1,
        }
    }
    (bytes.len(), sound && depth == 0)
}

/// The end of the last statement in the logical line at `range`. A semicolon and comments after it
/// are not part of it.
pub(super) fn code_end(bytes: &[u8], range: Range<usize>) -> usize {
    let mut comments: Vec<Range<usize>> = Vec::new();
    let end = logical_line(&bytes[..range.end], range.start, |seen| {
        if bytes[seen.start] == b'#' {
            comments.push(seen);
        }
    });
    let mut code = &bytes[range.start..end];
    while let Some(comment) = comments.pop() {
        let after = &bytes[comment.end..range.start + code.len()];
        if !after.trim_ascii().is_empty() {
            break;
        }
        code = &bytes[range.start..comment.start];
    }
    let blank = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b';' | b'\\');
    let len = code.iter().rposition(|byte| !blank(byte));
    range.start + len.map_or(0, |last| last + 1)
}

/// The end of the string with its first quote at `at`.
pub(super) fn string_end(bytes: &[u8], at: usize, prefix: Prefix) -> usize {
    match scan::string(bytes, at, prefix) {
        Some(literal) => literal.end,
        None => scan::broken_string_end(bytes, at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, pieces: &[Piece]) -> Vec<(PieceKind, String, String)> {
        let show = |range: &Range<usize>| text[range.clone()].to_owned();
        let pieces = pieces.iter();
        pieces
            .map(|piece| (piece.kind, show(&piece.name), show(&piece.range)))
            .collect()
    }

    #[test]
    fn statements_and_members() {
        let text = "# head\nimport a\n@d(\n1)\n# between\n@e\nclass C(B):\n    '''doc\nx'''\n    x = 1\n\n    @p\n    async def f(self):\n        if a:\n            b\n        else: c\n    y = 2 ; z = 3\nif a:\n  b\nelse:\n  c\n# end";
        let pieces = module(text);
        let names: Vec<_> = shown(text, &pieces);
        assert_eq!(names.len(), 3);
        assert_eq!(names[0].2, "# head\nimport a\n");
        assert_eq!((names[1].0, names[1].1.as_str()), (PieceKind::Class, "C"));
        assert!(names[1].2.starts_with("@d(\n1)") && names[1].2.ends_with("z = 3\n"));
        assert!(names[2].2.ends_with("# end"));
        let members = shown(text, &members(text, &pieces[1]));
        let starts: Vec<_> = members.iter().map(|m| (m.0, m.1.as_str())).collect();
        let other = (PieceKind::Other, "");
        assert_eq!(
            starts,
            [other, other, (PieceKind::Function, "f"), other],
            "{members:?}"
        );
    }

    #[test]
    fn damage_stays_in_its_piece() {
        for broken in [
            "x = (1,\n",
            "x = f'{(\n",
            "x = 'a\n",
            "f(a, [b\n  c\n",
            "x = )\n",
        ] {
            let text = format!("a = 1\n{broken}class C:\n    pass\n");
            let last = module(&text).pop();
            assert_eq!(
                last.map(|piece| piece.kind),
                Some(PieceKind::Class),
                "{text}"
            );
        }
    }

    #[test]
    fn pieces_cover_the_text() {
        for text in [
            "",
            "\n",
            "# c",
            "a",
            "  a\nb\n",
            "a\\\n\n\nb",
            "'''",
            "@\n@\n",
            "@a\n  b\nc",
        ] {
            let pieces = module(text);
            let covered: String = pieces.iter().map(|p| &text[p.range.clone()]).collect();
            assert!(covered == text || pieces.is_empty(), "{text}");
        }
    }
}
