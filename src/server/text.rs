//! Positions as editors count them.

use lsp_types::{Position, PositionEncodingKind, Range, TextDocumentContentChangeEvent};

use crate::source::{LineIndex, SourceFile, Span};

/// What the columns of an editor count.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) enum Encoding {
    /// Bytes of UTF-8.
    Utf8,
    /// Code units of UTF-16, if nothing else was agreed on.
    #[default]
    Utf16,
    /// Characters.
    Utf32,
}

impl Encoding {
    /// The best of those that an editor offers.
    pub fn agreed(offered: Option<&[PositionEncodingKind]>) -> Self {
        let offers = |kind| offered.is_some_and(|offered| offered.contains(&kind));
        if offers(PositionEncodingKind::UTF8) {
            Encoding::Utf8
        } else if offers(PositionEncodingKind::UTF32) {
            Encoding::Utf32
        } else {
            Encoding::Utf16
        }
    }

    /// Its name in the protocol.
    pub fn kind(self) -> PositionEncodingKind {
        match self {
            Encoding::Utf8 => PositionEncodingKind::UTF8,
            Encoding::Utf16 => PositionEncodingKind::UTF16,
            Encoding::Utf32 => PositionEncodingKind::UTF32,
        }
    }

    fn width(self, c: char) -> usize {
        match self {
            Encoding::Utf8 => c.len_utf8(),
            Encoding::Utf16 => c.len_utf16(),
            Encoding::Utf32 => 1,
        }
    }

    /// The position of an offset.
    pub fn position(self, text: &str, index: &LineIndex, at: u32) -> Position {
        let line = index.line(at);
        let start = index.line_start(line) as usize;
        let mut end = (at as usize).min(text.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let before = text.get(start..end).unwrap_or_default();
        let column: usize = match self {
            Encoding::Utf8 => before.len(),
            _ => before.chars().map(|c| self.width(c)).sum(),
        };
        Position::new(line - 1, number(column))
    }

    /// The range of a span.
    pub fn range(self, file: &SourceFile, span: Span) -> Range {
        let at = |at| self.position(&file.text, file.line_index(), at);
        Range::new(at(span.start), at(span.end))
    }

    /// The offset of a position, and whether there is one: a line after the last counts as the end, and a column after
    /// the end of its line as that end.
    pub fn offset(self, text: &str, index: &LineIndex, position: Position) -> (u32, bool) {
        let line = position.line.checked_add(1);
        let range = line.and_then(|line| index.line_range(text, line));
        let Some(range) = range else {
            return (number(text.len()), false);
        };
        let mut rest = position.character as usize;
        let mut at = range.start;
        for c in text.get(range).unwrap_or_default().chars() {
            let width = self.width(c);
            if rest < width {
                // Inside a character counts as before it.
                return (number(at), true);
            }
            rest -= width;
            at += c.len_utf8();
        }
        (number(at), rest == 0)
    }
}

/// A text that an editor changes.
#[derive(Clone, Debug)]
pub(super) struct EditedText {
    text: String,
    index: LineIndex,
}

impl EditedText {
    pub fn new(text: String) -> Self {
        let index = LineIndex::new(&text);
        Self { text, index }
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// Applies a change. Returns false if its range does not fit the text; then it is made to fit, as editors do.
    pub fn apply(&mut self, change: TextDocumentContentChangeEvent, encoding: Encoding) -> bool {
        let Some(range) = change.range else {
            *self = Self::new(change.text);
            return true;
        };
        let (start, starts) = encoding.offset(&self.text, &self.index, range.start);
        let (end, ends) = encoding.offset(&self.text, &self.index, range.end);
        let (from, to) = (start.min(end) as usize, start.max(end) as usize);
        self.text.replace_range(from..to, &change.text);
        self.index = LineIndex::new(&self.text);
        starts && ends && start <= end
    }
}

/// Texts are smaller than `u32::MAX`; others saturate.
fn number(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Encoding; 3] = [Encoding::Utf8, Encoding::Utf16, Encoding::Utf32];
    /// An emoji, a letter with a combining accent, every kind of line break.
    const TEXT: &str = "a😀e\u{301}b\r\n\té\rx\n\n";

    #[test]
    fn every_encoding_counts_in_its_own_way() {
        let index = LineIndex::new(TEXT);
        let at = number(TEXT.find('b').unwrap());
        let columns = ALL.map(|encoding| encoding.position(TEXT, &index, at).character);
        assert_eq!(columns, [8, 5, 4]);
    }

    #[test]
    fn positions_and_offsets_are_inverse() {
        let index = LineIndex::new(TEXT);
        for encoding in ALL {
            for (at, c) in TEXT.char_indices() {
                // Between the two bytes of a line break, no editor puts anything.
                if c == '\n' && TEXT[..at].ends_with('\r') {
                    continue;
                }
                let position = encoding.position(TEXT, &index, number(at));
                let back = encoding.offset(TEXT, &index, position);
                assert_eq!(back, (number(at), true), "{encoding:?} {position:?}");
            }
        }
    }

    #[test]
    fn positions_that_are_not_there_are_moved() {
        let index = LineIndex::new(TEXT);
        let of = |encoding: Encoding, line, column| {
            encoding.offset(TEXT, &index, Position::new(line, column))
        };
        for encoding in ALL {
            assert_eq!(
                of(encoding, 0, 99),
                (number(TEXT.find('\r').unwrap()), false)
            );
            assert_eq!(of(encoding, 99, 0), (number(TEXT.len()), false));
            assert_eq!(
                of(encoding, u32::MAX, u32::MAX),
                (number(TEXT.len()), false)
            );
        }
        // Between the halves of a surrogate pair, and inside the bytes of a character.
        assert_eq!(of(Encoding::Utf16, 0, 2), (1, true));
        assert_eq!(of(Encoding::Utf8, 0, 3), (1, true));
    }

    #[test]
    fn changes_are_applied_one_after_the_other() {
        let mut text = EditedText::new("one\ntwo\n".to_owned());
        let mut change = |from: (u32, u32), to: (u32, u32), new: &str| {
            let at = |(line, column)| Position::new(line, column);
            let range = Some(Range::new(at(from), at(to)));
            let change = TextDocumentContentChangeEvent {
                range,
                range_length: None,
                text: new.to_owned(),
            };
            (text.apply(change, Encoding::Utf16), text.text().to_owned())
        };
        assert_eq!(
            change((0, 3), (1, 0), "😀"),
            (true, "one😀two\n".to_owned())
        );
        assert_eq!(change((0, 5), (0, 8), ""), (true, "one😀\n".to_owned()));
        assert_eq!(change((7, 0), (9, 9), "x"), (false, "one😀\nx".to_owned()));
        assert_eq!(change((1, 1), (0, 0), ""), (false, String::new()));
    }

    #[test]
    fn the_best_encoding_is_agreed_on() {
        let utf16 = PositionEncodingKind::UTF16;
        assert_eq!(Encoding::agreed(None), Encoding::Utf16);
        assert_eq!(
            Encoding::agreed(Some(std::slice::from_ref(&utf16))),
            Encoding::Utf16
        );
        let both = [utf16.clone(), PositionEncodingKind::UTF8];
        assert_eq!(Encoding::agreed(Some(&both)), Encoding::Utf8);
        let other = [utf16, PositionEncodingKind::UTF32];
        assert_eq!(Encoding::agreed(Some(&other)), Encoding::Utf32);
    }
}
