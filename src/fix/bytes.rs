//! Maps offsets of a decoded text to offsets in the bytes of its file.

use crate::source::SourceFile;

/// A text with some parts replaced, which come in order; `None` if they overlap.
pub(super) fn spliced<'t>(
    old: &[u8],
    edits: impl Iterator<Item = (usize, usize, &'t str)>,
) -> Option<Vec<u8>> {
    let mut new = Vec::with_capacity(old.len());
    let mut done = 0;
    for (from, to, with) in edits {
        new.extend_from_slice(old.get(done..from)?);
        new.extend_from_slice(with.as_bytes());
        done = to;
    }
    new.extend_from_slice(old.get(done..)?);
    Some(new)
}

/// The bytes of a file and the text that was decoded from them.
pub(super) struct Bytes<'a> {
    file: &'a SourceFile,
    /// Whether the bytes are the text in UTF-8, perhaps after a byte order mark.
    pub unicode: bool,
    mark: usize,
    /// Start and end of each line in the bytes.
    lines: Vec<(usize, usize)>,
}

impl<'a> Bytes<'a> {
    pub fn new(file: &'a SourceFile, raw: &[u8]) -> Self {
        let mark = raw.len() - raw.strip_prefix(b"\xef\xbb\xbf").unwrap_or(raw).len();
        let unicode = &raw[mark..] == file.text.as_bytes();
        let mut lines = Vec::new();
        if !unicode {
            // In every supported encoding, these bytes are line breaks and nothing else.
            let mut start = 0;
            for (at, byte) in raw.iter().enumerate() {
                let carriage = *byte == b'\r';
                let pair = carriage && raw.get(at + 1) == Some(&b'\n');
                if (carriage && !pair) || *byte == b'\n' {
                    let end = at - usize::from(!carriage && at > start && raw[at - 1] == b'\r');
                    lines.push((start, end));
                    start = at + 1;
                }
            }
            lines.push((start, raw.len()));
        }
        Self {
            file,
            unicode,
            mark,
            lines,
        }
    }

    /// The offset in the bytes, if it can be determined.
    pub fn offset(&self, at: u32) -> Option<usize> {
        if self.unicode {
            return Some(at as usize + self.mark);
        }
        let index = self.file.line_index();
        let number = index.line(at);
        let range = index.line_range(&self.file.text, number)?;
        let (start, end) = *self.lines.get(number as usize - 1)?;
        if at as usize == range.end {
            return Some(end);
        }
        let before = self.file.text.get(range.start..at as usize)?;
        before.is_ascii().then_some(start + before.len())
    }
}
