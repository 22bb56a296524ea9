//! Makes text from analysed files safe for terminals, and for machines that read commands in logs:
//! GitHub acts on `##[…]` anywhere in a line and on `::…::` at its start, Azure Pipelines on
//! `##vso[…]` anywhere.

use std::borrow::Cow;
use std::fmt::Write;

/// Replaces by visible characters what a terminal would act on or what reorders the displayed text,
/// and the first character of what a log reader would take for a command. Each character becomes
/// one character, so columns stay true. Tabs are kept.
#[must_use]
pub fn harmless(text: &str) -> Cow<'_, str> {
    let clean = |(at, c)| visible(c) == c && !opens_command(&text[at..]);
    if text.char_indices().all(clean) {
        return Cow::Borrowed(text);
    }
    let shown = text.char_indices().map(|(at, c)| {
        if opens_command(&text[at..]) {
            SHARP
        } else {
            visible(c)
        }
    });
    Cow::Owned(shown.collect())
}

/// A harmless line that also cannot be taken for a command because of its start.
#[must_use]
pub(super) fn harmless_start(line: &str) -> Cow<'_, str> {
    if line.trim_start().starts_with("::") {
        Cow::Owned(line.replacen(':', RATIO, 1))
    } else {
        Cow::Borrowed(line)
    }
}

/// Replaces the first `#` of a command.
const SHARP: char = '♯';
/// Replaces the first `:` of a command.
const RATIO: &str = "∶";

/// Whether a text starts like a command that is recognised anywhere in a line.
fn opens_command(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("##") else {
        return false;
    };
    let name = rest
        .get(..3)
        .is_some_and(|name| name.eq_ignore_ascii_case("vso"));
    rest.starts_with('[') || name && rest[3..].starts_with('[')
}

/// Text of several lines, each made harmless.
#[must_use]
pub fn harmless_lines(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        match line.strip_suffix('\n') {
            Some(line) => {
                out.push_str(&harmless(line));
                out.push('\n');
            }
            None => out.push_str(&harmless(line)),
        }
    }
    out
}

/// An equivalent JSON document that is harmless for a terminal. JSON itself requires escapes for
/// only some of these characters. Everything outside ASCII, and every `#`, is in a string, where it
/// can be escaped.
#[must_use]
pub fn harmless_json(document: &str) -> String {
    let mut out = String::with_capacity(document.len());
    for (at, c) in document.char_indices() {
        if c == '\n' || visible(c) == c && !opens_command(&document[at..]) {
            out.push(c);
        } else {
            let _ = write!(out, "\\u{:04x}", u32::from(c));
        }
    }
    out
}

/// The visible form of a character.
fn visible(c: char) -> char {
    match c {
        '\t' => c,
        // U+2400 and up are pictures of the control characters, in the same order.
        '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}'),
        '\u{7f}' => '\u{2421}',
        // C1 controls, bidirectional marks and overrides, line and paragraph separators.
        '\u{80}'..='\u{9f}'
        | '\u{61c}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}' => '\u{fffd}',
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_become_pictures() {
        assert_eq!(harmless("a\x1b[31mb\x07\n\x7f"), "a␛[31mb␇␊␡");
        assert_eq!(harmless("\u{9b}0m\u{202e}"), "\u{fffd}0m\u{fffd}");
        assert!(matches!(harmless("\tplain – text"), Cow::Borrowed(_)));
        assert_eq!(harmless_lines("a\r\n\x1bb\n\nc"), "a␍\n␛b\n\nc");
    }

    #[test]
    fn commands_for_readers_of_logs_are_broken() {
        assert_eq!(harmless("a ##vso[x]y"), "a ♯#vso[x]y");
        assert_eq!(harmless("###[error]"), "#♯#[error]");
        assert_eq!(harmless("##VSO[x"), "♯#VSO[x");
        for plain in ["## Title", "#[derive(X)]", "##vs", "##é", "##vsö["] {
            assert!(matches!(harmless(plain), Cow::Borrowed(_)), "{plain}");
        }
        assert_eq!(harmless_start("  ::error::x"), "  ∶:error::x");
        assert_eq!(harmless_start("a::b"), "a::b");
    }

    #[test]
    fn json_keeps_its_meaning() {
        let value = serde_json::json!({"a\u{9b}": ["\u{202e}é\u{7f}\n\x1b##vso[", 1]});
        let document = serde_json::to_string_pretty(&value).unwrap();
        let harmless = harmless_json(&document);
        assert!(harmless.contains("\\u009b") && harmless.contains("\\u202eé\\u007f\\n"));
        assert!(harmless.contains("\\u0023#vso["));
        let read: serde_json::Value = serde_json::from_str(&harmless).unwrap();
        assert_eq!(read, value);
    }
}
