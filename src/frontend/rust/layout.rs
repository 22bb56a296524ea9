//! The layout of a Rust text. The parser drops comments, so this is a separate scan, which knows
//! strings, raw strings, characters and lifetimes, and nested block comments.

use crate::frontend::index;
use crate::frontend::layout::{Comment, CommentKind, Layout, Statement};
use crate::order::Order as _;
use crate::source::Span;

/// Words that can precede the keyword of an item.
const MODIFIERS: &[&str] = &[
    "async", "auto", "const", "default", "extern", "pub", "safe", "unsafe",
];
/// Keywords of items with a block of their own.
const DEFINITIONS: &[&str] = &["enum", "fn", "impl", "mod", "struct", "trait", "union"];
/// Words that start a statement which a comma does not end.
const WHOLE: &[&str] = &[
    "for", "if", "let", "match", "return", "static", "type", "use", "while",
];

/// What the first words of a statement tell.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Head {
    /// Only attributes and modifiers so far.
    Open,
    /// An item with a block.
    Definition,
    /// A statement that commas do not end.
    Whole,
    /// Anything else: an arm, a field, an expression.
    Other,
}

/// A block, and the current statement in it.
struct Frame {
    /// The start of the statement, and its end so far.
    statement: Option<(usize, usize)>,
    head: Head,
    /// Open round and square brackets.
    brackets: usize,
    /// The index of the statement whose definition has this block.
    definition: Option<usize>,
}

impl Frame {
    fn new(definition: Option<usize>) -> Self {
        Self {
            statement: None,
            head: Head::Open,
            brackets: 0,
            definition,
        }
    }
}

struct Scan<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    /// Whether the line has only white space so far.
    line_start: bool,
    frames: Vec<Frame>,
    out: Layout,
}

/// The layout of a text.
pub(in crate::frontend) fn layout(text: &str) -> Layout {
    let mut scan = Scan {
        text,
        bytes: text.as_bytes(),
        at: 0,
        line_start: true,
        frames: vec![Frame::new(None)],
        out: Layout::default(),
    };
    scan.run();
    let mut out = scan.out;
    // A statement is added at its end, so one that contains a block is added after those in the
    // block.
    out.statements.order_by_key(|s| (s.span.start, s.span.end));
    out
}

impl Scan<'_> {
    fn run(&mut self) {
        while let Some(&byte) = self.bytes.get(self.at) {
            let start = self.at;
            match byte {
                b'\n' | b'\r' => {
                    self.line_start = true;
                    self.at += 1;
                    continue;
                }
                _ if byte.is_ascii_whitespace() => {
                    self.at += 1;
                    continue;
                }
                b'/' if self.rest().starts_with("//") => self.line_comment(),
                b'/' if self.rest().starts_with("/*") => self.block_comment(),
                b'"' => {
                    self.string();
                    self.token(start);
                }
                b'\'' => {
                    self.quote();
                    self.token(start);
                }
                _ if is_word(byte) => self.word(),
                b'{' => self.open(),
                b'}' => self.close(),
                _ => self.punctuation(byte),
            }
            self.line_start = false;
        }
        while self.frames.len() > 1 {
            self.end_block(self.at);
        }
        self.end_statement();
    }

    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn top(&mut self) -> &mut Frame {
        self.frames.last_mut().expect("the outermost frame stays")
    }

    /// Adds the token from `start` to here to the current statement.
    fn token(&mut self, start: usize) {
        let end = self.at;
        self.unbroken(start);
        let top = self.top();
        let (first, _) = top.statement.unwrap_or((start, end));
        top.statement = Some((first, end));
    }

    /// Records a token that contains a line break.
    fn unbroken(&mut self, start: usize) {
        if self.bytes[start..self.at].contains(&b'\n') {
            let span = Span::new(index(start), index(self.at));
            self.out.unbroken.push(span);
        }
    }

    /// Ends the statement of the current block. Returns its index.
    fn end_statement(&mut self) -> Option<usize> {
        let top = self.top();
        top.head = Head::Open;
        top.brackets = 0;
        let (start, end) = top.statement.take()?;
        let span = Span::new(index(start), index(end));
        self.out.statements.push(Statement { span, whole: span });
        Some(self.out.statements.len() - 1)
    }

    fn line_comment(&mut self) {
        let start = self.at;
        let rest = self.rest();
        let length = rest.find('\n').unwrap_or(rest.len());
        let comment = rest[..length].trim_end_matches('\r');
        let doc = comment.starts_with("//!")
            || (comment.starts_with("///") && !comment.starts_with("////"));
        let end = start + comment.len();
        self.comment(
            start,
            end,
            if doc {
                CommentKind::Doc
            } else {
                CommentKind::Line
            },
        );
        self.at = start + length;
    }

    fn block_comment(&mut self) {
        let start = self.at;
        let mut depth = 0_usize;
        loop {
            match self.bytes.get(self.at..self.at + 2) {
                Some(b"/*") => {
                    depth += 1;
                    self.at += 2;
                }
                Some(b"*/") => {
                    depth -= 1;
                    self.at += 2;
                }
                Some(_) => self.at += 1,
                None => self.at = self.bytes.len(),
            }
            if depth == 0 || self.at == self.bytes.len() {
                break;
            }
        }
        self.unbroken(start);
        let comment = &self.text[start..self.at];
        let plain = comment.starts_with("/***") || comment == "/**/";
        let doc = comment.starts_with("/*!") || (comment.starts_with("/**") && !plain);
        let kind = if doc {
            CommentKind::Doc
        } else {
            CommentKind::Block
        };
        self.comment(start, self.at, kind);
    }

    fn comment(&mut self, start: usize, end: usize, kind: CommentKind) {
        self.out.comments.push(Comment {
            span: Span::new(index(start), index(end)),
            kind,
            alone: self.line_start,
        });
    }

    /// A string with escapes, at its first quote.
    fn string(&mut self) {
        self.at += 1;
        while let Some(&byte) = self.bytes.get(self.at) {
            match byte {
                b'\\' => self.at += 2,
                b'"' => {
                    self.at += 1;
                    return;
                }
                _ => self.at += 1,
            }
        }
        self.at = self.bytes.len();
    }

    /// A raw string, at its first `#` or quote. Returns whether it is one.
    fn raw_string(&mut self) -> bool {
        let hashes = self.rest().bytes().take_while(|b| *b == b'#').count();
        let quote = self.at + hashes;
        if self.bytes.get(quote) != Some(&b'"') {
            return false;
        }
        let end = format!("\"{}", "#".repeat(hashes));
        let body = &self.text[quote + 1..];
        self.at = match body.find(&end) {
            Some(found) => quote + 1 + found + end.len(),
            None => self.bytes.len(),
        };
        true
    }

    /// A character or a lifetime, at its quote.
    fn quote(&mut self) {
        let mut chars = self.rest().char_indices().skip(1);
        self.at = match (chars.next(), chars.next()) {
            (Some((_, '\\')), Some((escaped, c))) => {
                let after = self.at + escaped + c.len_utf8();
                let tail = &self.bytes[after..];
                let closing = tail.iter().position(|b| matches!(b, b'\'' | b'\n'));
                match closing {
                    Some(at) if tail[at] == b'\'' => after + at + 1,
                    Some(at) => after + at,
                    None => self.bytes.len(),
                }
            }
            (Some((_, c)), Some((closing, '\''))) if c != '\'' => self.at + closing + 1,
            _ => self.at + 1,
        };
    }

    fn word(&mut self) {
        let start = self.at;
        while self.bytes.get(self.at).copied().is_some_and(is_word) {
            self.at += 1;
        }
        let word = &self.text[start..self.at];
        match (word, self.bytes.get(self.at)) {
            ("r" | "br" | "cr", Some(b'"' | b'#')) => {
                // `r#name` is a raw identifier.
                if !self.raw_string() {
                    self.at += 1;
                }
            }
            (_, Some(b'"')) => self.string(),
            ("b", Some(b'\'')) => self.quote(),
            _ => {
                let word = word.to_owned();
                let top = self.top();
                if top.brackets == 0 && top.head == Head::Open {
                    top.head = match word.as_str() {
                        word if DEFINITIONS.contains(&word) => Head::Definition,
                        word if MODIFIERS.contains(&word) => Head::Open,
                        word if WHOLE.contains(&word) => Head::Whole,
                        _ => Head::Other,
                    };
                }
            }
        }
        self.token(start);
    }

    fn open(&mut self) {
        let start = self.at;
        self.at += 1;
        self.token(start);
        // Inside brackets, the statement continues after the block.
        let definition = if self.top().brackets == 0 {
            let definition = self.top().head == Head::Definition;
            self.end_statement().filter(|_| definition)
        } else {
            None
        };
        self.frames.push(Frame::new(definition));
    }

    fn close(&mut self) {
        let start = self.at;
        self.at += 1;
        if self.frames.len() > 1 {
            self.end_block(self.at);
        } else {
            self.end_statement();
        }
        if self.top().brackets > 0 {
            self.token(start);
        }
    }

    fn end_block(&mut self, end: usize) {
        self.end_statement();
        let block = self.frames.pop();
        if let Some(definition) = block.and_then(|block| block.definition) {
            self.out.statements[definition].whole.end = index(end);
        }
    }

    fn punctuation(&mut self, byte: u8) {
        let start = self.at;
        self.at += 1;
        let top = self.top();
        match byte {
            b'(' | b'[' => top.brackets += 1,
            b')' | b']' => top.brackets = top.brackets.saturating_sub(1),
            b';' if top.brackets == 0 && top.statement.is_none() => return,
            _ => {}
        }
        self.token(start);
        let top = self.top();
        let ends = match byte {
            b';' => true,
            b',' => top.head == Head::Other,
            _ => false,
        };
        if ends && top.brackets == 0 {
            self.end_statement();
        }
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comments(text: &str) -> Vec<(&str, bool)> {
        let layout = layout(text);
        let kept = layout.comments.iter();
        kept.filter(|c| c.kind != CommentKind::Doc)
            .map(|c| (c.span.slice(text), c.alone))
            .collect()
    }

    fn statements(text: &str) -> Vec<&str> {
        let layout = layout(text);
        layout
            .statements
            .iter()
            .map(|s| s.span.slice(text))
            .collect()
    }

    #[test]
    fn only_comments_are_comments() {
        for text in [
            r#"let a = "// no";"#,
            r##"let a = r#"" // no"#;"##,
            r#"let a = "\" // no";"#,
            r#"let a = b"// no";"#,
            r##"let a = br#"// no"#;"##,
            r#"let a = r"\"; let b = "// no";"#,
            "/// no\nfn f() {}",
            "//! no",
            "/** no */ fn f() {}",
            r#"let a = ('"', "// no");"#,
            r#"let a = ('\'', "// no");"#,
            r#"let a = ('\\', "// no", '\u{1f600}', '"');"#,
            "fn f<'a>(x: &'a str) {}",
            r#"let a = (b'"', "// no");"#,
        ] {
            assert_eq!(comments(text), [], "{text}");
        }
        for text in [
            r#"let a = '"'; // yes"#,
            r#"let a = "\\"; // yes"#,
            r###"let a = r##""# // no"##; // yes"###,
            "fn f<'a>(x: &'a str) {} // yes",
            "let r#type = 1; // yes",
            "let a = 'é'; // yes",
            "/* a /* b */ c */ // yes",
            "let a = '\\u{1f600}'; // yes",
            "//// yes",
            "loop { break 'a } // yes",
        ] {
            let found = comments(text);
            assert!(found.last().is_some_and(|c| c.0.ends_with("yes")), "{text}");
        }
        assert_eq!(comments("/* a /* b */ c */ x // y").len(), 2);
        assert_eq!(
            comments("  // a\nx // b\r\n"),
            [("// a", true), ("// b", false)]
        );
    }

    #[test]
    fn statements_and_definitions() {
        let text = "#[a(b, c)]\npub(crate) async fn f<A, B>(x: A)\nwhere A: B {\n    let x: M<A, B> = a.map(|x| {\n        g(x);\n        h()\n    }).c();\n    match x {\n        A => 1,\n        B(c, d) if e => { return 2; }\n    }\n}\nimpl A { fn g(&self) {} }\n";
        assert_eq!(
            statements(text),
            [
                "#[a(b, c)]\npub(crate) async fn f<A, B>(x: A)\nwhere A: B {",
                "let x: M<A, B> = a.map(|x| {\n        g(x);\n        h()\n    }).c();",
                "g(x);",
                "h()",
                "match x {",
                "A => 1,",
                "B(c, d) if e => {",
                "return 2;",
                "impl A {",
                "fn g(&self) {",
            ]
        );
        let layout = layout(text);
        let whole = |at: usize| layout.statements[at].whole.slice(text);
        assert_eq!(whole(0), &text[..text.find("impl").unwrap_or(0) - 1]);
        assert_eq!(whole(8), "impl A { fn g(&self) {} }");
        assert_eq!(whole(4), "match x {");
    }

    #[test]
    fn what_is_not_closed_ends_with_the_text() {
        for text in [
            "\"", "'", "'\\", "r#\"", "/*", "/* /", "fn f() {", "}", ")", "(", "b'", "r#", "\"\\",
            "'\\u{", "'é",
        ] {
            let layout = layout(text);
            let end = index(text.len());
            assert!(
                layout.statements.iter().all(|s| s.whole.end <= end),
                "{text}"
            );
        }
    }
}
