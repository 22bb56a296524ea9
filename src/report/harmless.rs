//! Text from analysed files, made safe for a terminal.

use std::borrow::Cow;

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
    }
}
