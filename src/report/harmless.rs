//! Text from analysed files, made safe for a terminal.

use std::borrow::Cow;
use std::fmt::Write;

/// Replaces characters that a terminal would act on, or that reorder what a person reads, by
/// visible ones. One character becomes one character, so columns stay true. Tabs are kept.
#[must_use]
pub fn harmless(text: &str) -> Cow<'_, str> {
    if text.chars().all(|c| visible(c) == c) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.chars().map(visible).collect())
    }
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

/// A JSON document that means the same and is harmless for a terminal. JSON itself demands escapes
/// for some of these characters only; whatever is not ASCII stands in strings, where all can be
/// escaped.
#[must_use]
pub fn harmless_json(document: &str) -> String {
    let mut out = String::with_capacity(document.len());
    for c in document.chars() {
        if c == '\n' || visible(c) == c {
            out.push(c);
        } else {
            let _ = write!(out, "\\u{:04x}", u32::from(c));
        }
    }
    out
}

/// The character to show for a character.
pub(super) fn visible(c: char) -> char {
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
    fn json_keeps_its_meaning() {
        let value = serde_json::json!({"a\u{9b}": ["\u{202e}é\u{7f}\n\x1b", 1]});
        let document = serde_json::to_string_pretty(&value).unwrap();
        let harmless = harmless_json(&document);
        assert!(harmless.contains("\\u009b") && harmless.contains("\\u202eé\\u007f\\n"));
        let read: serde_json::Value = serde_json::from_str(&harmless).unwrap();
        assert_eq!(read, value);
    }
}
