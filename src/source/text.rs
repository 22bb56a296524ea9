//! Decodes bytes to text: byte order mark, PEP 263 coding line, and error positions.

use std::fmt;

use encoding_rs::{DecoderResult, Encoding};

use crate::source::{Language, LineColumn, LineIndex};

/// Why a file's bytes are not text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DecodeError {
    /// Where, in the part that could be decoded.
    pub position: LineColumn,
    /// What is wrong.
    pub reason: String,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

/// How to decode the bytes.
#[derive(Clone, Copy)]
enum Codec {
    Utf8,
    Ascii,
    Latin1,
    Table(&'static Encoding),
}

/// Decodes the bytes of a source file. The byte order mark is not part of the text.
///
/// # Errors
/// When the bytes are not valid in the file's encoding, or that encoding is unknown.
pub fn decode(bytes: Vec<u8>, language: Language) -> Result<String, DecodeError> {
    let has_bom = bytes.starts_with(&[0xef, 0xbb, 0xbf]);
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(DecodeError {
            position: LineColumn { line: 1, column: 1 },
            reason: "encoded as UTF-16; source files must be in UTF-8 or name an \
                     ASCII-compatible encoding"
                .to_owned(),
        });
    }
    let bytes = if has_bom { bytes[3..].to_vec() } else { bytes };
    let (codec, name) = match language {
        Language::Python => python_codec(&bytes, has_bom)?,
        Language::Rust => (Codec::Utf8, "UTF-8".to_owned()),
    };
    match codec {
        Codec::Utf8 => decode_utf8(bytes, &name),
        Codec::Ascii => decode_ascii(bytes, &name),
        Codec::Latin1 => Ok(bytes.into_iter().map(char::from).collect()),
        Codec::Table(encoding) => decode_table(&bytes, encoding, &name),
    }
}

/// The bytes as text if they need no decoding: UTF-8 without a mark, as in nearly all files.
pub(super) fn plain(bytes: &[u8], language: Language) -> Option<&str> {
    let marked = matches!(
        bytes,
        [0xef, 0xbb, ..] | [0xff, 0xfe, ..] | [0xfe, 0xff, ..]
    );
    if marked || language == Language::Python && coding_line(bytes).is_some() {
        return None;
    }
    std::str::from_utf8(bytes).ok()
}

fn python_codec(bytes: &[u8], has_bom: bool) -> Result<(Codec, String), DecodeError> {
    let Some(declared) = coding_line(bytes) else {
        return Ok((Codec::Utf8, "UTF-8".to_owned()));
    };
    let error = |reason: String| DecodeError {
        position: LineColumn {
            line: declared.line,
            column: declared.column,
        },
        reason,
    };
    match codec_by_name(&declared.name) {
        None => Err(error(format!("unknown encoding `{}`", declared.name))),
        Some(Codec::Utf8) => Ok((Codec::Utf8, "UTF-8".to_owned())),
        Some(_) if has_bom => Err(error(format!(
            "the file starts with a UTF-8 byte order mark but declares encoding `{}`",
            declared.name
        ))),
        Some(codec) => Ok((codec, declared.name)),
    }
}

struct Declared {
    name: String,
    line: u32,
    column: u32,
}

/// PEP 263: `#.*?coding[:=][ \t]*([-_.a-zA-Z0-9]+)` in a comment that is alone on line 1, or on
/// line 2 when line 1 holds nothing but a comment or blanks.
fn coding_line(bytes: &[u8]) -> Option<Declared> {
    let mut lines = bytes.split(|&byte| byte == b'\n' || byte == b'\r');
    let first = lines.next()?;
    if bytes[first.len()..].starts_with(b"\r\n") {
        lines.next();
    }
    let second = lines.next();
    if let Some((name, at)) = coding_in(first) {
        return Some(declared(name, first, at, 1));
    }
    let blank_or_comment = matches!(
        first
            .iter()
            .find(|byte| !matches!(byte, b' ' | b'\t' | 0x0c)),
        None | Some(b'#')
    );
    let second = second.filter(|_| blank_or_comment)?;
    coding_in(second).map(|(name, at)| declared(name, second, at, 2))
}

fn declared(name: &[u8], line: &[u8], at: usize, number: u32) -> Declared {
    let before = String::from_utf8_lossy(&line[..at]).chars().count();
    Declared {
        name: String::from_utf8_lossy(name).into_owned(),
        line: number,
        column: u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1),
    }
}

fn coding_in(line: &[u8]) -> Option<(&[u8], usize)> {
    let hash = line
        .iter()
        .position(|byte| !matches!(byte, b' ' | b'\t' | 0x0c))?;
    if line[hash] != b'#' {
        return None;
    }
    let mut from = hash;
    while let Some(found) = find(&line[from..], b"coding") {
        let mut at = from + found + b"coding".len();
        from = at;
        if !matches!(line.get(at), Some(b':' | b'=')) {
            continue;
        }
        at += 1;
        while matches!(line.get(at), Some(b' ' | b'\t')) {
            at += 1;
        }
        let len = line[at..]
            .iter()
            .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
            .count();
        if len > 0 {
            return Some((&line[at..at + len], at));
        }
    }
    None
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}

/// The codec that Python means by a name. Web labels mostly agree with Python's names; the
/// exceptions are listed. UTF-16 and UTF-32 are rejected on purpose, as CPython does.
fn codec_by_name(name: &str) -> Option<Codec> {
    let name = name.to_ascii_lowercase().replace('_', "-");
    match name.as_str() {
        "utf-8" | "utf8" | "u8" | "utf" | "cp65001" => return Some(Codec::Utf8),
        "latin-1" | "latin1" | "latin" | "l1" | "iso-8859-1" | "iso8859-1" | "iso-latin-1"
        | "8859" | "cp819" | "iso-8859-1-unix" | "latin-1-unix" => return Some(Codec::Latin1),
        "ascii" | "us-ascii" | "646" => return Some(Codec::Ascii),
        _ if name.starts_with("utf-8-") => return Some(Codec::Utf8),
        _ if name.starts_with("latin-1-") || name.starts_with("iso-8859-1-") => {
            return Some(Codec::Latin1);
        }
        _ => {}
    }
    let label = match name.as_str() {
        "cp932" | "ms932" | "mskanji" => "windows-31j".to_owned(),
        "cp936" | "936" => "gbk".to_owned(),
        "cp949" | "949" | "uhc" => "windows-949".to_owned(),
        "cp950" | "950" => "big5".to_owned(),
        "mac-roman" | "macroman" => "macintosh".to_owned(),
        "mac-cyrillic" => "x-mac-cyrillic".to_owned(),
        "latin-2" | "latin-3" | "latin-4" | "latin-5" | "latin-6" => name.replace('-', ""),
        "latin-9" | "latin9" => "iso-8859-15".to_owned(),
        "latin-10" | "latin10" => "iso-8859-16".to_owned(),
        "eucjp" | "ujis" => "euc-jp".to_owned(),
        "euckr" => "euc-kr".to_owned(),
        "s-jis" => "sjis".to_owned(),
        _ => match name
            .strip_prefix("cp")
            .filter(|number| number.starts_with("125"))
        {
            Some(number) => format!("windows-{number}"),
            None => name.clone(),
        },
    };
    let encoding = Encoding::for_label_no_replacement(label.as_bytes())?;
    let refused = [
        encoding_rs::UTF_16LE,
        encoding_rs::UTF_16BE,
        encoding_rs::X_USER_DEFINED,
    ];
    (!refused.contains(&encoding)).then_some(Codec::Table(encoding))
}

fn decode_utf8(bytes: Vec<u8>, name: &str) -> Result<String, DecodeError> {
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let bytes = error.as_bytes();
        let before = std::str::from_utf8(&bytes[..valid]).unwrap_or("");
        invalid_byte(before, bytes.get(valid).copied(), name)
    })
}

fn decode_ascii(bytes: Vec<u8>, name: &str) -> Result<String, DecodeError> {
    match bytes.iter().position(|byte| !byte.is_ascii()) {
        None => decode_utf8(bytes, name),
        Some(at) => {
            let before = std::str::from_utf8(&bytes[..at]).unwrap_or("");
            Err(invalid_byte(before, Some(bytes[at]), name))
        }
    }
}

fn decode_table(
    bytes: &[u8],
    encoding: &'static Encoding,
    name: &str,
) -> Result<String, DecodeError> {
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let capacity = decoder
        .max_utf8_buffer_length_without_replacement(bytes.len())
        .unwrap_or(bytes.len());
    let mut text = String::with_capacity(capacity);
    let mut read = 0;
    loop {
        let (result, taken) =
            decoder.decode_to_string_without_replacement(&bytes[read..], &mut text, true);
        read += taken;
        match result {
            DecoderResult::InputEmpty => return Ok(text),
            DecoderResult::OutputFull => text.reserve(bytes.len() - read + 16),
            DecoderResult::Malformed(bad, after) => {
                let at = read.saturating_sub(usize::from(bad) + usize::from(after));
                return Err(invalid_byte(&text, bytes.get(at).copied(), name));
            }
        }
    }
}

fn invalid_byte(before: &str, byte: Option<u8>, name: &str) -> DecodeError {
    let at = u32::try_from(before.len()).unwrap_or(u32::MAX);
    let reason = match byte {
        Some(byte) => format!("invalid byte 0x{byte:02x} (the file is read as {name})"),
        None => format!("the text ends in the middle of a character (the file is read as {name})"),
    };
    DecodeError {
        position: LineIndex::new(before).position(before, at),
        reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn python(bytes: &[u8]) -> Result<String, (u32, u32, String)> {
        decode(bytes.to_vec(), Language::Python)
            .map_err(|error| (error.position.line, error.position.column, error.reason))
    }

    #[test]
    fn utf8_with_and_without_mark() {
        assert_eq!(python("x = 'é'".as_bytes()).unwrap(), "x = 'é'");
        assert_eq!(python(b"\xef\xbb\xbfx = 1").unwrap(), "x = 1");
        assert_eq!(python(b"").unwrap(), "");
    }

    #[test]
    fn coding_lines() {
        assert_eq!(
            python(b"# coding: latin-1\n'\xe9'").unwrap(),
            "# coding: latin-1\n'é'"
        );
        assert_eq!(
            python(b"#!/bin/py\n# -*- coding: cp1252 -*-\n'\x80'").unwrap(),
            "#!/bin/py\n# -*- coding: cp1252 -*-\n'€'"
        );
        assert_eq!(
            python(b"#!x\r\n# vim: set fileencoding=koi8-r :\r\n'\xc1'").unwrap(),
            "#!x\r\n# vim: set fileencoding=koi8-r :\r\n'а'"
        );
        assert!(
            python(b"# coding: shift_jis\n'\x83\x65'")
                .unwrap()
                .ends_with("'テ'")
        );
        // Latin-1 maps 0x80 to a control character; the web's `latin1` does not.
        assert!(
            python(b"# coding=iso-8859-1\n\x80")
                .unwrap()
                .ends_with('\u{80}')
        );
    }

    #[test]
    fn coding_line_counts_only_in_a_comment_at_the_top() {
        assert!(python(b"x = 1\n# coding: latin-1\n'\xe9'").is_err());
        assert!(python(b"\n\n# coding: latin-1\n'\xe9'").is_err());
        assert!(python(b"x = 1 # coding: latin-1\n'\xe9'").is_err());
        assert!(python(b"# codings are: nice\n").is_ok());
    }

    #[test]
    fn errors_name_place_and_reason() {
        assert_eq!(
            python(b"x = 1\ny = '\xc3\xa9\xe9'\n").unwrap_err(),
            (
                2,
                7,
                "invalid byte 0xe9 (the file is read as UTF-8)".to_owned()
            )
        );
        assert_eq!(
            python(b"#!x\n# coding: klingon\n").unwrap_err(),
            (2, 11, "unknown encoding `klingon`".to_owned())
        );
        assert_eq!(python(b"# coding: utf-16\n").unwrap_err().0, 1);
        assert_eq!(
            python(b"# coding: ascii\n'\xe9'").unwrap_err(),
            (
                2,
                2,
                "invalid byte 0xe9 (the file is read as ascii)".to_owned()
            )
        );
        assert_eq!(python(b"# coding: euc-jp\na\xff").unwrap_err().1, 2);
        assert!(python(b"\xff\xfex\0").unwrap_err().2.contains("UTF-16"));
        assert!(
            python(b"\xef\xbb\xbf# coding: latin-1\n")
                .unwrap_err()
                .2
                .contains("mark")
        );
        assert!(python(b"\xef\xbb\xbf# coding: utf-8\n").is_ok());
    }
}
