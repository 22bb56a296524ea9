//! The layout of a Python text: logical lines and their comments.

use crate::frontend::index;
use crate::frontend::layout::{Comment, CommentKind, Layout, Statement};
use crate::frontend::python::outline;
use crate::frontend::python::scan::{self, is_blank};
use crate::source::Span;

/// The layout of a text.
pub(in crate::frontend) fn layout(text: &str) -> Layout {
    let bytes = text.as_bytes();
    let mut out = Layout::default();
    // Open definitions: indentation and index among the statements.
    let mut open: Vec<(usize, usize)> = Vec::new();
    // The start of the decorators of the next definition, and their indentation.
    let mut decorated: Option<(usize, usize)> = None;
    let mut last_end = 0;
    let mut at = 0;
    while at < bytes.len() {
        let start = scan::skip_while(bytes, at, is_blank);
        match bytes.get(start) {
            None => break,
            Some(b'\n' | b'\r') => {
                at = start + scan::line_break(bytes, start);
                continue;
            }
            Some(b'#') => {
                let end = scan::line_end(bytes, start);
                out.comments.push(comment(start, end, true));
                at = end + scan::line_break(bytes, end);
                continue;
            }
            Some(_) => {}
        }
        let indent = outline::width(&bytes[at..start]);
        while let Some((_, definition)) = open.pop_if(|(around, _)| *around >= indent) {
            out.statements[definition].whole.end = index(last_end);
        }
        let line = line(bytes, start, &mut out);
        let keyword = outline::definition(bytes, start);
        let first = match decorated {
            Some((first, column)) if column == indent => first,
            _ => start,
        };
        decorated = None;
        if bytes[start] == b'@' {
            decorated = Some((first, indent));
        } else {
            let span = Span::new(
                index(if keyword { first } else { start }),
                index(line.code_end),
            );
            if keyword {
                open.push((indent, out.statements.len()));
            }
            out.statements.push(Statement { span, whole: span });
        }
        last_end = line.code_end;
        at = line.end;
    }
    for (_, definition) in open {
        out.statements[definition].whole.end = index(last_end);
    }
    out
}

struct Line {
    /// The offset after its last token that is not a comment.
    code_end: usize,
    /// The offset after its line break.
    end: usize,
}

/// Scans a logical line. Adds its comments, and the tokens that contain line breaks.
fn line(bytes: &[u8], start: usize, out: &mut Layout) -> Line {
    let known = out.comments.len();
    let end = outline::logical_line(bytes, start, |range| {
        if bytes[range.start] == b'#' {
            let mut before = bytes[start..range.start].iter().rev();
            let alone = before.find(|b| !is_blank(**b));
            let alone = alone.is_some_and(|b| matches!(b, b'\n' | b'\r'));
            out.comments.push(comment(range.start, range.end, alone));
        } else if bytes[range.clone()]
            .iter()
            .any(|b| matches!(b, b'\n' | b'\r'))
        {
            let span = Span::new(index(range.start), index(range.end));
            out.unbroken.push(span);
        }
    });
    // Comments after the last token are not part of the statement.
    let mut code = &bytes[start..end];
    for comment in out.comments[known..].iter().rev() {
        let comment = comment.span.range();
        if !bytes[comment.end..start + code.len()]
            .trim_ascii()
            .is_empty()
        {
            break;
        }
        code = &bytes[start..comment.start];
    }
    Line {
        code_end: start + code.trim_ascii_end().len(),
        end,
    }
}

fn comment(start: usize, end: usize, alone: bool) -> Comment {
    Comment {
        span: Span::new(index(start), index(end)),
        kind: CommentKind::Line,
        alone,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statements(text: &str) -> Vec<(&str, &str)> {
        let layout = layout(text);
        let statements = layout.statements.iter();
        statements
            .map(|s| (s.span.slice(text), s.whole.slice(text)))
            .collect()
    }

    #[test]
    fn definitions_end_with_their_blocks() {
        let text = "@a\n@b(\n1)\nclass C:  # c\n    x = 1\n\n    def f(self,\n          y): # d\n        return (1,\n            # no\n            2)  # e\n# f\n\ny = 3 \\\n  + 1\n";
        let class = text.find("\n# f").unwrap_or(0);
        let class = &text[..class - "  # e".len()];
        let function = &class[class.find("def").unwrap_or(0)..];
        assert_eq!(
            statements(text),
            [
                ("@a\n@b(\n1)\nclass C:", class),
                ("x = 1", "x = 1"),
                ("def f(self,\n          y):", function),
                (
                    "return (1,\n            # no\n            2)",
                    "return (1,\n            # no\n            2)"
                ),
                ("y = 3 \\\n  + 1", "y = 3 \\\n  + 1"),
            ]
        );
    }

    #[test]
    fn comments_are_not_in_strings() {
        let text = "# a\nx = '# b'  # c\ny = f'''{x # d\n}''' # e\nz = (1, # f\n  # g\n)\nif a: # h\r\n    'x' \\\r\n    'y'\r\n    b # i";
        let layout = layout(text);
        let comments = layout.comments.iter();
        let found: Vec<_> = comments.map(|c| (c.span.slice(text), c.alone)).collect();
        assert_eq!(
            found,
            [
                ("# a", true),
                ("# c", false),
                ("# e", false),
                ("# f", false),
                ("# g", true),
                ("# h", false),
                ("# i", false)
            ]
        );
        let unbroken: Vec<_> = layout.unbroken.iter().map(|s| s.slice(text)).collect();
        assert_eq!(unbroken, ["'''{x # d\n}'''", "\\\r\n"]);
        let end = |of: &str| text.find(of).map_or(0, |at| index(at + of.len()));
        assert!(!layout.takes_comment_at(end("# d")));
        assert!(!layout.takes_comment_at(end("'x' \\")));
        assert!(layout.takes_comment_at(end("'y'")));
        assert!(layout.takes_comment_at(end("}'''")));
    }
}
