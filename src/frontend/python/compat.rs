//! Rewrites what the parser does not accept to text of equal length that means the same, so that
//! every offset stays true.
//!
//! * Tabs after spaces in an indentation: the tabs come first. CPython compares indentations that
//!   are consistent in the same way.
//! * Quotes inside a triple-quoted string in a replacement field (`f"{'''it's'''}"`), which the
//!   parser takes for the end of the string: they become backticks.
//! * `\r\n` inside an f-string, which the parser counts as one byte: the `\r` becomes a space.

use std::borrow::Cow;

/// Rewrites `text` for the parser.
pub(super) fn rewrite(text: &str) -> Cow<'_, str> {
    if !text.contains(" \t") && !text.contains("\r\n") && !has_nested_triple(text) {
        return Cow::Borrowed(text);
    }
    let mut rewriter = Rewriter {
        bytes: text.as_bytes().to_vec(),
        at: 0,
        changed: false,
    };
    rewriter.run();
    if !rewriter.changed {
        return Cow::Borrowed(text);
    }
    // Only ASCII bytes change to ASCII bytes.
    String::from_utf8(rewriter.bytes).map_or(Cow::Borrowed(text), Cow::Owned)
}

fn has_nested_triple(text: &str) -> bool {
    text.contains("{'''") || text.contains("{\"\"\"")
}

struct Rewriter {
    bytes: Vec<u8>,
    at: usize,
    changed: bool,
}

impl Rewriter {
    fn run(&mut self) {
        let mut line_start = true;
        while let Some(&byte) = self.bytes.get(self.at) {
            if line_start {
                self.indentation();
                line_start = false;
                continue;
            }
            match byte {
                b'\n' | b'\r' => {
                    self.at += 1;
                    line_start = true;
                }
                b'#' => self.skip_while(|b| !matches!(b, b'\n' | b'\r')),
                b'\\' => self.at += 2,
                b'"' | b'\'' => self.string(false),
                _ if is_word(byte) => {
                    let start = self.at;
                    self.skip_while(is_word);
                    let prefix = &self.bytes[start..self.at];
                    let formatted = prefix.len() <= 2 && prefix.iter().any(|b| b | 32 == b'f');
                    if matches!(self.bytes.get(self.at), Some(b'"' | b'\'')) {
                        self.string(formatted);
                    }
                }
                _ => self.at += 1,
            }
        }
    }

    fn skip_while(&mut self, test: impl Fn(u8) -> bool) {
        while self.bytes.get(self.at).copied().is_some_and(&test) {
            self.at += 1;
        }
    }

    fn indentation(&mut self) {
        let start = self.at;
        self.skip_while(|b| matches!(b, b' ' | b'\t'));
        let blank = &mut self.bytes[start..self.at];
        if !blank.is_sorted() {
            blank.sort_unstable();
            self.changed = true;
        }
    }

    /// How many of the next bytes are this quote: 3, 1 or 0.
    fn quotes(&self, quote: u8) -> usize {
        let rest = &self.bytes[self.at..];
        if rest.starts_with(&[quote; 3]) {
            3
        } else {
            usize::from(rest.first() == Some(&quote))
        }
    }

    fn string(&mut self, formatted: bool) {
        let quote = self.bytes[self.at];
        let triple = self.quotes(quote) == 3;
        self.at += if triple { 3 } else { 1 };
        let mut field = 0_usize;
        while let Some(&byte) = self.bytes.get(self.at) {
            match byte {
                b'\\' if formatted && self.bytes[self.at..].starts_with(b"\\\r\n") => {
                    self.bytes[self.at] = b' ';
                    self.bytes[self.at + 1] = b'\\';
                    self.changed = true;
                    self.at += 2;
                }
                b'\\' => self.at += 1,
                b'\n' | b'\r' if !triple => return,
                b'\r' if formatted && self.bytes.get(self.at + 1) == Some(&b'\n') => {
                    self.bytes[self.at] = b' ';
                    self.changed = true;
                }
                _ if byte == quote && (!triple || self.quotes(quote) == 3) => {
                    self.at += if triple { 3 } else { 1 };
                    return;
                }
                b'{' if formatted => field += 1,
                b'}' if formatted => field = field.saturating_sub(1),
                b'"' | b'\'' if field > 0 && byte != quote && self.quotes(byte) == 3 => {
                    self.nested(byte, quote);
                    continue;
                }
                _ => {}
            }
            self.at += 1;
        }
    }

    /// A triple-quoted string in a replacement field of an f-string with the quote `outer`.
    fn nested(&mut self, quote: u8, outer: u8) {
        self.at += 3;
        while let Some(&byte) = self.bytes.get(self.at) {
            if byte == outer || self.quotes(quote) == 3 {
                break;
            }
            if byte == quote {
                self.bytes[self.at] = b'`';
                self.changed = true;
            }
            self.at += 1;
        }
        if self.quotes(quote) == 3 {
            self.at += 3;
        }
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

#[cfg(test)]
mod tests {
    use super::rewrite;

    #[test]
    fn tabs_come_first_in_indentation_only() {
        let text = "if a:\n  \tx = ' \t'\n  \t\n  \ty = '''\n  \t'''\n";
        let expected = "if a:\n\t  x = ' \t'\n\t  \n\t  y = '''\n  \t'''\n";
        assert_eq!(rewrite(text), expected);
    }

    #[test]
    fn line_ends_in_f_strings_take_one_byte() {
        let text = "x = f'''a\r\n{b}\\\r\n{c}'''\r\ny = '''\r\n'''\r\n";
        let expected = "x = f'''a \n{b} \\\n{c}'''\r\ny = '''\r\n'''\r\n";
        assert_eq!(rewrite(text), expected);
    }

    #[test]
    fn quotes_in_nested_strings_are_hidden() {
        assert_eq!(rewrite("f\"{'''it's'''}\""), "f\"{'''it`s'''}\"");
    }
}
