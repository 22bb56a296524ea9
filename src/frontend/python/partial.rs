//! Reads what is intact of a module that cannot be parsed as a whole: parses the pieces of its
//! outline one by one, and replaces broken ones by text of equal length that stands for unknown
//! code.
//!
//! A broken definition becomes `_ = NAME = _`, which binds an unknown value: the name must seem
//! neither undefined nor inherited.

use std::ops::Range;

use crate::frontend::SyntaxError;
use crate::frontend::python::outline::{self, Piece, PieceKind};
use crate::frontend::python::{guard, parse};

/// A text of the same length without errors, and the errors, in order. `None` if no piece is
/// intact.
pub(super) fn intact(text: &str) -> Option<(String, Vec<SyntaxError>)> {
    let mut mender = Mender {
        text,
        out: text.as_bytes().to_vec(),
        errors: Vec::new(),
    };
    let mut left = false;
    for piece in outline::module(text) {
        left |= mender.piece(&piece, true);
    }
    // Whole lines are filled with ASCII, so the result is valid text.
    let out = String::from_utf8(mender.out).ok()?;
    (left && !mender.errors.is_empty()).then_some((out, mender.errors))
}

struct Mender<'a> {
    text: &'a str,
    out: Vec<u8>,
    errors: Vec<SyntaxError>,
}

impl Mender<'_> {
    /// Mends a piece. Returns whether anything of it is left.
    fn piece(&mut self, piece: &Piece, top: bool) -> bool {
        let Some(error) = self.error_in(piece.range.clone(), top) else {
            return true;
        };
        if top && piece.kind == PieceKind::Class && self.members(piece) {
            return true;
        }
        self.errors.push(error);
        self.replace(piece);
        false
    }

    /// Replaces the broken members of a class. Gives up without changes if the class is broken
    /// elsewhere as well.
    fn members(&mut self, class: &Piece) -> bool {
        let members = outline::members(self.text, class);
        let Some(first) = members.first() else {
            return false;
        };
        let errors = self.errors.len();
        let header = class.range.start..first.range.start;
        let header_error = Self::parse(&format!("{}\n  pass\n", &self.text[header.clone()]));
        if header_error.is_some() {
            return false;
        }
        for member in &members {
            self.piece(member, false);
        }
        let mended = String::from_utf8_lossy(&self.out[class.range.clone()]).into_owned();
        if self.errors.len() > errors && Self::parse(&mended).is_none() {
            return true;
        }
        self.errors.truncate(errors);
        self.out[class.range.clone()].copy_from_slice(&self.text.as_bytes()[class.range.clone()]);
        false
    }

    fn parse(text: &str) -> Option<SyntaxError> {
        guard::check(text).and_then(|()| parse::suite(text)).err()
    }

    /// The syntax error in a piece, which is indented unless it is at top level.
    fn error_in(&self, range: Range<usize>, top: bool) -> Option<SyntaxError> {
        const AROUND: &str = "if 1:\n";
        let piece = &self.text[range.clone()];
        let (error, around) = if top {
            (Self::parse(piece)?, 0)
        } else {
            (Self::parse(&format!("{AROUND}{piece}"))?, AROUND.len())
        };
        let at = (error.offset as usize)
            .saturating_sub(around)
            .min(piece.trim_end().len());
        Some(SyntaxError {
            offset: u32::try_from(range.start + at).unwrap_or(u32::MAX),
            ..error
        })
    }

    fn replace(&mut self, piece: &Piece) {
        let Piece {
            range, start, name, ..
        } = piece;
        for byte in &mut self.out[range.clone()] {
            if !matches!(byte, b'\n' | b'\r') {
                *byte = b' ';
            }
        }
        // A line join before it leaves no room for an indentation.
        let bytes = self.text.as_bytes();
        let before = &bytes[range.start..*start];
        let line = before
            .iter()
            .rposition(|byte| matches!(byte, b'\n' | b'\r'));
        let line = range.start + line.map_or(0, |at| at + 1);
        self.out[line..*start].copy_from_slice(&bytes[line..*start]);
        let known = &bytes[name.clone()];
        let rest = range.end.saturating_sub(name.end);
        let one_line = |at: Range<usize>| !bytes[at].iter().any(|b| matches!(b, b'\n' | b'\r'));
        let fits = !known.is_empty() && rest >= 2 && one_line(*start..name.end + 2);
        if fits && known.is_ascii() && !known[0].is_ascii_digit() {
            let head = &mut self.out[*start..name.end + 2];
            head.fill(b' ');
            head[0] = b'_';
            let at = name.start - start;
            head[at - 1] = b'=';
            head[at..at + known.len()].copy_from_slice(known);
            head[at + known.len()] = b'=';
            head[at + known.len() + 1] = b'_';
        } else if range.end - start >= 4 && one_line(*start..*start + 4) {
            self.out[*start..*start + 4].copy_from_slice(b"pass");
        } else if range.end - start >= 1 {
            self.out[*start] = b'0';
        }
    }
}
