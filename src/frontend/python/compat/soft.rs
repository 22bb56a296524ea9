//! `match` and `case` as names at the start of a statement, where the parser takes them for
//! keywords if the line has a colon (`match[0]: int = 1`).

use super::{Graft, Rewriter, is_lambda};
use crate::frontend::python::scan::{self, is_word};

impl Rewriter<'_> {
    /// Handles a statement that starts with `match` or `case`, from `start` to `end`.
    pub(super) fn soft_keyword(&mut self, start: usize, end: usize) {
        let next = self.skip_blank(end);
        let is_case = self.word(start) == b"case";
        let is_name = match self.bytes.get(next) {
            Some(b'.') => self.bytes.get(next + 1) != Some(&b'.'),
            Some(b'[' | b'(') if is_case => !self.is_in_match(start),
            // The subject of a `match` statement ends its line, an annotation does not.
            Some(b'[' | b'(') => self.after_colon(next).is_some_and(|at| !self.ends_line(at)),
            _ => false,
        };
        if is_name {
            self.set(start..end, b'_');
            self.grafts.push((start, Graft::Name(start..end)));
        } else if !is_case && self.after_colon(next).is_some_and(|at| self.ends_line(at)) {
            self.matches.push((self.column(start), None));
        }
    }

    /// Leaves the `match` statements that end before a statement at `start`, which is the first
    /// `case` of the innermost one that has none yet.
    pub(super) fn leave_matches(&mut self, start: usize) {
        let column = self.column(start);
        while let Some((own, cases)) = self.matches.last_mut() {
            if column > *own {
                cases.get_or_insert(column);
                return;
            }
            self.matches.pop();
        }
    }

    /// Whether a statement at `start` is directly in a `match` statement.
    fn is_in_match(&self, start: usize) -> bool {
        let cases = self.matches.last().and_then(|(_, cases)| *cases);
        cases == Some(self.column(start))
    }

    /// How far a statement is indented.
    fn column(&self, start: usize) -> usize {
        let before = self.bytes[..start].iter().rev();
        before.take_while(|byte| scan::is_blank(**byte)).count()
    }

    fn ends_line(&self, at: usize) -> bool {
        matches!(
            self.bytes.get(self.skip_blank(at)),
            None | Some(b'#' | b'\n' | b'\r')
        )
    }

    /// The offset after the first colon of the logical line that is in no bracket and ends no
    /// `lambda`.
    fn after_colon(&self, mut at: usize) -> Option<usize> {
        let mut lambdas = 0_usize;
        loop {
            match *self.bytes.get(at)? {
                b'\n' | b'\r' | b'#' => return None,
                b'\\' => at += scan::escape(self.bytes, at),
                b'"' | b'\'' => at = self.string_end(at),
                b'(' | b'[' | b'{' => at = self.bracket(at, |_, _, _| {})?,
                b':' if self.bytes.get(at + 1) == Some(&b'=') => at += 2,
                b':' if lambdas == 0 => return Some(at + 1),
                b':' => {
                    lambdas -= 1;
                    at += 1;
                }
                byte if is_word(byte) => {
                    lambdas += usize::from(is_lambda(self.bytes, at));
                    at += self.word(at).len();
                }
                _ => at += 1,
            }
        }
    }
}
