//! Makes text from analysed code safe for Markdown, HTML, and the platforms that show it.
//!
//! Characters with a meaning become character references, which Markdown never takes for structure.
//! What platforms look for in the *rendered* text (`@somebody`, `#1`, `GH-1`) is split by an empty
//! comment: their filters look at one text node at a time, and skip code.

use crate::report::harmless;

/// Marks the end of a cropped text.
const ELLIPSIS: char = '…';
/// Splits a text node in two.
const BREAK: &str = "<!-- -->";

/// Plain text in Markdown.
pub(super) fn text(text: &str) -> String {
    escape(text, |c, next| match c {
        '*' | '_' | '[' | ']' | '`' | '|' | '\\' | '~' | '$' => true,
        // `:smile:`, `https://`
        ':' => next.is_some_and(|next| !next.is_whitespace()),
        _ => false,
    })
}

/// Plain text in HTML, where Markdown is not parsed.
pub(super) fn html(text: &str) -> String {
    escape(text, |_, _| false)
}

fn escape(text: &str, means: impl Fn(char, Option<char>) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    let text = harmless(text);
    let mut chars = text.chars().peekable();
    let mut before = ' ';
    while let Some(c) = chars.next() {
        let next = chars.peek().copied();
        let joins = |next: char| next.is_alphanumeric() || matches!(next, '"' | '{' | '_');
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // `www.` would become a link.
            '.' if before.eq_ignore_ascii_case(&'w') => out.push_str("&#46;"),
            '\t' => out.push(' '),
            c if means(c, next) => out.push_str(&format!("&#{};", u32::from(c))),
            c => out.push(c),
        }
        let refers = match c {
            '@' => true,
            '#' | '!' | '%' | '~' | '$' | '&' => next.is_some_and(joins),
            '-' => before.eq_ignore_ascii_case(&'h') && next.is_some_and(|n| n.is_ascii_digit()),
            _ => false,
        };
        if refers {
            out.push_str(BREAK);
        }
        before = c;
    }
    out
}

/// Code in Markdown.
pub(super) fn code(code: &str) -> String {
    let plain = harmless(code).replace('\t', " ");
    let plain = plain.trim();
    if plain.is_empty() {
        String::new()
    } else if plain.contains(['`', '|', '\\']) {
        // A code span ends at a backtick, and in a table at a bar.
        format!("<code>{}</code>", text(plain))
    } else {
        format!("`{plain}`")
    }
}

/// Code in HTML, where Markdown is not parsed.
pub(super) fn html_code(code: &str) -> String {
    format!("<code>{}</code>", html(code.trim()))
}

/// A message in Markdown. Text between backticks is code.
pub(super) fn message(message: &str) -> String {
    pieces(message, text, code)
}

/// A message in HTML, where Markdown is not parsed.
pub(super) fn html_message(message: &str) -> String {
    pieces(message, html, html_code)
}

fn pieces(message: &str, text: fn(&str) -> String, code: fn(&str) -> String) -> String {
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

/// Shortens a text to this many characters.
pub(super) fn crop(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}{ELLIPSIS}", &text[..end]),
    }
}

/// A fence that is longer than any in the text.
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

    const EVIL: &str = "<b>|`*_[x](javascript:y) ![i](u) @you #1 GH-1 !7 www.x.y https://z \
                        :tada: \\| &lt; ~~s~~ $x$ \u{1b}\n";

    #[test]
    fn nothing_is_left_that_means_something() {
        let safe = text(EVIL);
        for meaning in [
            "<b", "|", "`", "*", "_", "[", "](", "@you", " #1", "GH-1", "!7", "www.", "://",
            ":tada:", "\\", "&lt; ~", "~~", "$", "\u{1b}", "\n",
        ] {
            assert!(!safe.contains(meaning), "{meaning}: {safe}");
        }
        assert_eq!(
            text("plain: (text); 1 + 2 = 3."),
            "plain: (text); 1 + 2 = 3."
        );
        let safe = html(EVIL);
        for meaning in ["<b", "@you", " #1", "GH-1", "!7", "&lt; ", "\u{1b}", "\n"] {
            assert!(!safe.contains(meaning), "{meaning}: {safe}");
        }
    }

    #[test]
    fn code_stays_code() {
        assert_eq!(code("a < b & [c](d) @e"), "`a < b & [c](d) @e`");
        assert_eq!(code("a`b"), "<code>a&#96;b</code>");
        assert_eq!(code("a | b\n"), "<code>a &#124; b␊</code>");
        assert_eq!(code("\\"), "<code>&#92;</code>");
        assert_eq!(html_code("a < `b`"), "<code>a &lt; `b`</code>");
    }

    #[test]
    fn backticks_mark_code() {
        assert_eq!(message("`a` is `b|`"), "`a` is <code>b&#124;</code>");
        assert_eq!(message("`a` is ` x"), "`a` is &#96; x");
        assert_eq!(message("none"), "none");
        assert_eq!(html_message("`a_b` is"), "<code>a_b</code> is");
    }

    #[test]
    fn what_is_long_is_cropped_between_characters() {
        assert_eq!(crop("äöü", 3), "äöü");
        assert_eq!(crop("äöü", 2), "äö…");
        assert_eq!(fence("a ```` b"), "`````");
        assert_eq!(fence("a"), "```");
    }
}
