//! Text from analysed code, made safe for Markdown, HTML, and what platforms do with the result.
//!
//! Characters that mean something become character references, which Markdown never takes for
//! structure. What platforms look for in the *rendered* text (`@somebody`, `#1`, `GH-1`) is broken in
//! two by an empty comment: their filters look at one text node at a time.

use std::fmt::Write;

use crate::report::harmless;

/// What follows the cropped part of a text.
const ELLIPSIS: char = '…';

/// Text, to be read as it is.
pub(super) fn text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before = ' ';
    for c in harmless(text).chars() {
        match c {
            '@' | '#' | '%' | '~' | '!' | '$' => {
                let _ = write!(out, "&#{};<!-- -->", u32::from(c));
            }
            '-' if before.eq_ignore_ascii_case(&'h') => out.push_str("-<!-- -->"),
            '&' | '<' | '>' | '"' | '\'' | '`' | '*' | '_' | '[' | ']' | '(' | ')' | '|' | '\\'
            | ':' | '^' | '=' | '{' | '}' => {
                let _ = write!(out, "&#{};", u32::from(c));
            }
            // `www.` would become a link.
            '.' if before.eq_ignore_ascii_case(&'w') => out.push_str("&#46;"),
            '\t' => out.push(' '),
            _ => out.push(c),
        }
        before = c;
    }
    out
}

/// Code.
pub(super) fn code(code: &str) -> String {
    format!("<code>{}</code>", text(code))
}

/// A message: what stands between backticks is code.
pub(super) fn message(message: &str) -> String {
    let mut out = String::new();
    let mut rest = message;
    while let Some((before, after)) = rest.split_once('`') {
        let Some((inside, after)) = after.split_once('`') else {
            break;
        };
        out.push_str(&text(before));
        out.push_str(&code(inside));
        rest = after;
    }
    out.push_str(&text(rest));
    out
}

/// The beginning of a text that is too long.
pub(super) fn crop(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}{ELLIPSIS}", &text[..end]),
    }
}

/// A fence that no line of a text can close.
pub(super) fn fence(text: &str) -> String {
    let mut longest = 0;
    let mut run = 0;
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    "`".repeat(longest.max(2) + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_that_means_something() {
        let evil = "<b>|`*_[x](javascript:y) ![i](u) @you #1 GH-1 www.x.y https://z \\| \u{1b}\n";
        let safe = text(evil);
        for meaning in [
            "<b", "|", "`", "*", "_", "[", "](", "@", "#1", "GH-1", "www.", "://", "\\", "\u{1b}",
            "\n",
        ] {
            assert!(!safe.contains(meaning), "{meaning}: {safe}");
        }
        assert_eq!(text("plain, text; 1 + 2"), "plain, text; 1 + 2");
    }

    #[test]
    fn backticks_mark_code() {
        assert_eq!(message("`a` is `b`"), "<code>a</code> is <code>b</code>");
        assert_eq!(message("`a` is ` x"), "<code>a</code> is &#96; x");
        assert_eq!(message("none"), "none");
    }

    #[test]
    fn what_is_long_is_cropped_between_characters() {
        assert_eq!(crop("äöü", 3), "äöü");
        assert_eq!(crop("äöü", 2), "äö…");
        assert_eq!(fence("a ```` b"), "`````");
        assert_eq!(fence("a"), "```");
    }
}
