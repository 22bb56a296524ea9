//! Converts byte offsets to lines and columns.

/// A position in a text. Both numbers start at 1.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct LineColumn {
    /// The line.
    pub line: u32,
    /// The column, in Unicode scalar values (or UTF-16 units where a method says so).
    pub column: u32,
}

/// Where the lines of one text start. A line ends with `\n`, `\r\n` or a lone `\r`.
#[derive(Clone, Debug)]
pub struct LineIndex {
    starts: Vec<u32>,
    len: u32,
}

impl LineIndex {
    /// The index of `text`.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut starts = vec![0];
        for (at, &byte) in bytes.iter().enumerate() {
            let ends_line = match byte {
                b'\n' => true,
                b'\r' => bytes.get(at + 1) != Some(&b'\n'),
                _ => false,
            };
            if ends_line {
                starts.push(offset(at + 1));
            }
        }
        Self {
            starts,
            len: offset(bytes.len()),
        }
    }

    /// Number of lines, including the empty one after a final line break.
    #[must_use]
    pub fn line_count(&self) -> u32 {
        offset(self.starts.len())
    }

    /// The line (from 1) of an offset. Offsets past the end are on the last line.
    #[must_use]
    pub fn line(&self, at: u32) -> u32 {
        offset(self.starts.partition_point(|&start| start <= at))
    }

    /// The start of a line (from 1), or the end of the text for lines after the last.
    #[must_use]
    pub fn line_start(&self, line: u32) -> u32 {
        let index = (line as usize).saturating_sub(1);
        self.starts.get(index).copied().unwrap_or(self.len)
    }

    /// The byte range of a line (from 1) without its line break; `None` if there is no such line.
    #[must_use]
    pub fn line_range(&self, text: &str, line: u32) -> Option<std::ops::Range<usize>> {
        let index = (line as usize).checked_sub(1)?;
        let start = *self.starts.get(index)? as usize;
        let end = self.starts.get(index + 1).copied().unwrap_or(self.len) as usize;
        let body = text.get(start..end)?;
        Some(start..start + body.trim_end_matches(['\n', '\r']).len())
    }

    /// Line and column of an offset, columns in Unicode scalar values.
    #[must_use]
    pub fn position(&self, text: &str, at: u32) -> LineColumn {
        self.counted(text, at, |before| before.chars().count())
    }

    /// Line and column of an offset, columns in UTF-16 code units.
    #[must_use]
    pub fn position_utf16(&self, text: &str, at: u32) -> LineColumn {
        self.counted(text, at, |before| before.encode_utf16().count())
    }

    fn counted(&self, text: &str, at: u32, count: impl Fn(&str) -> usize) -> LineColumn {
        let at = at.min(self.len);
        let line = self.line(at);
        let start = self.starts[line as usize - 1] as usize;
        // An offset inside a character belongs to that character.
        let mut end = at as usize;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        LineColumn {
            line,
            column: offset(count(text.get(start..end).unwrap_or(""))) + 1,
        }
    }
}

/// Files are smaller than [`super::MAX_FILE_BYTES`], far below `u32::MAX`. Other texts saturate.
fn offset(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(line: u32, column: u32) -> LineColumn {
        LineColumn { line, column }
    }

    #[test]
    fn every_kind_of_line_break() {
        let text = "a\nbc\r\nd\re";
        let index = LineIndex::new(text);
        assert_eq!(index.line_count(), 4);
        assert_eq!(index.position(text, 0), at(1, 1));
        assert_eq!(index.position(text, 3), at(2, 2));
        // Both bytes of a line break belong to the line that they end.
        assert_eq!(index.position(text, 5), at(2, 4));
        assert_eq!(index.position(text, 6), at(3, 1));
        assert_eq!(index.position(text, 8), at(4, 1));
        assert_eq!(index.position(text, 99), at(4, 2));
        assert_eq!(&text[index.line_range(text, 2).unwrap()], "bc");
        assert_eq!(&text[index.line_range(text, 4).unwrap()], "e");
        assert_eq!(index.line_range(text, 5), None);
        assert_eq!(index.line_range(text, 0), None);
    }

    #[test]
    fn columns_count_characters_not_bytes() {
        let text = "é😀x";
        let index = LineIndex::new(text);
        assert_eq!(index.position(text, 6), at(1, 3));
        assert_eq!(index.position_utf16(text, 6), at(1, 4));
        assert_eq!(index.position(text, 3), at(1, 2), "inside the emoji");
    }

    #[test]
    fn empty_text_has_one_line() {
        let index = LineIndex::new("");
        assert_eq!(index.line_count(), 1);
        assert_eq!(index.position("", 0), at(1, 1));
        assert_eq!(index.line_range("", 1), Some(0..0));
    }
}
