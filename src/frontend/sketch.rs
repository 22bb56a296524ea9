//! Sketches: what is known of a file before it is parsed, which tells whether the file can matter
//! and which of its functions can.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use crate::frontend::python;
use crate::ir::Name;
use crate::source::Language;

/// The context of a word.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Role {
    /// A bracket follows: it is called, or defined with parameters.
    pub called: bool,
    /// A dot precedes it: it is an attribute.
    pub attribute: bool,
    /// A single `=` follows: it names an argument and is not a value itself.
    pub given: bool,
}

/// A text that a glance looks for, and that is searched for before words are looked at. It is in
/// ASCII; upper and lower case are the same.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Clue {
    /// The text.
    pub text: String,
    /// Whether it must be a whole part of a name: `done` is one in `isDone` and `IS_DONE`, but not
    /// in `abandoned`.
    pub whole: bool,
    /// What it stands for, as bits that the glance understands.
    pub flags: u16,
}

/// Looks at the words of a function, and says whether the function can matter.
///
/// A glance may err by saying that a function matters; the reverse would lose findings.
pub trait Glance {
    /// The clues to search for; `None` if a search could miss something.
    fn clues(&self) -> Option<Vec<Clue>>;
    /// Begins a file. `flags` are those of the clues anywhere in it; all flags if a search could miss
    /// something.
    fn begin(&mut self, flags: u16) {
        let _ = flags;
    }
    /// Whether a function can matter if the search found clues with exactly these flags. Like the
    /// glance itself, this errs on the safe side only.
    fn can_matter(&self, flags: u16) -> bool;
    /// An identifier or keyword outside strings.
    fn word(&mut self, word: &str, role: Role);
    /// The content of a string. The words in a formatted string are also passed as words.
    fn text(&mut self, text: &str);
    /// Whether the function can matter. This resets the glance: the next word belongs to another
    /// function.
    fn matters(&mut self) -> bool;
}

/// The search for the clues of a glance: one pass over a text, which is much faster than looking at
/// its words.
pub struct Search {
    /// `None` if all functions must be looked at.
    automaton: Option<AhoCorasick>,
    /// For each clue, whether it must be a whole part of a name, and its flags.
    clues: Vec<(bool, u16)>,
}

/// Where a clue occurs in a text, and its flags.
pub(in crate::frontend) type Hit = (usize, u16);

impl Search {
    /// Prepares the search for the clues of a glance.
    #[must_use]
    pub fn new(glance: &dyn Glance) -> Self {
        let mut clues = glance.clues();
        if let Some(clues) = &mut clues {
            // The only character outside ASCII whose lower case is in ASCII.
            clues.push(Clue {
                text: "\u{212a}".to_owned(),
                whole: false,
                flags: u16::MAX,
            });
        }
        let automaton = clues.as_ref().and_then(|clues| {
            AhoCorasick::builder()
                .ascii_case_insensitive(true)
                .kind(Some(AhoCorasickKind::DFA))
                .build(clues.iter().map(|clue| &clue.text))
                .ok()
        });
        let clues = clues.unwrap_or_default();
        Self {
            automaton,
            clues: clues.iter().map(|clue| (clue.whole, clue.flags)).collect(),
        }
    }

    /// The hits in a text, in the order of their ends; `None` if the search can tell nothing.
    pub(in crate::frontend) fn hits(&self, text: &str) -> Option<Vec<Hit>> {
        let found = self.automaton.as_ref()?.find_overlapping_iter(text);
        let hits = found.filter_map(|found| {
            let (whole, flags) = self.clues[found.pattern().as_usize()];
            (!whole || is_part(text.as_bytes(), found.range())).then_some((found.start(), flags))
        });
        Some(hits.collect())
    }
}

/// Whether a range of a text is a whole part of a name.
fn is_part(bytes: &[u8], range: std::ops::Range<usize>) -> bool {
    // A byte outside ASCII may separate parts.
    let separates = |byte: &u8| !byte.is_ascii_alphanumeric();
    let is_low = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let break_at = |at: usize| {
        let (before, after) = (bytes[..at].last(), bytes.get(at));
        let (Some(before), Some(after)) = (before, after) else {
            return true;
        };
        separates(before) || separates(after) || is_low(before) && after.is_ascii_uppercase()
    };
    break_at(range.start) && break_at(range.end)
}

/// Words in names of attributes that say how much was done.
const COUNTS: &[&str] = &[
    "rows",
    "row",
    "count",
    "counts",
    "records",
    "inserted",
    "loaded",
    "processed",
    "written",
    "affected",
];

/// Whether an attribute says how much was done, judged by its name: `rows_loaded`. Who reads it after
/// calling a hook may depend on the hook for it.
#[must_use]
pub fn says_how_much(name: &str) -> bool {
    let mut words = name.split('_').map(str::to_ascii_lowercase);
    words.any(|word| COUNTS.contains(&word.as_str()))
}

/// Whether code may store, call or return something whose name says how much was done, or return a
/// length: `self.rows_loaded`, `"rows"`, `count_rows(…)`, `return rows`, but not `for row in rows`.
#[must_use]
pub fn speaks_of_how_much(code: &str) -> bool {
    static FINDER: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
        let mut builder = AhoCorasick::builder();
        let words = COUNTS.iter().chain(&["len"]);
        builder.ascii_case_insensitive(true).build(words).ok()
    });
    let Some(finder) = &*FINDER else {
        return true;
    };
    let bytes = code.as_bytes();
    let inside = |byte: &u8| byte.is_ascii_alphanumeric();
    let in_name = |byte: &u8| inside(byte) || *byte == b'_';
    let mut found = finder.find_overlapping_iter(bytes);
    found.any(|found| {
        // A whole part of a name, as `says_how_much` splits it.
        if bytes[..found.start()].last().is_some_and(inside)
            || bytes.get(found.end()).is_some_and(inside)
        {
            return false;
        }
        let start = bytes[..found.start()]
            .iter()
            .rposition(|byte| !in_name(byte));
        let before = &bytes[..start.map_or(0, |at| at + 1)];
        let after = &bytes[found.end()..];
        let end = after.iter().position(|byte| !in_name(byte));
        let after = &after[end.unwrap_or(after.len())..];
        if before.ends_with(b"return ") || before.ends_with(b"Ok(") {
            return true;
        }
        if found.pattern().as_usize() == COUNTS.len() {
            // `rows.len()`
            return before.ends_with(b".");
        }
        matches!(before.last(), Some(b'.' | b'\'' | b'"'))
            || matches!(after.first(), Some(b'(' | b'='))
            || after.starts_with(b": ")
    })
}

/// Whether a name is that of a number: `row_count`, `rows_loaded`, but not `rows` or `row_data`.
#[must_use]
pub fn says_how_many(name: &str) -> bool {
    let words = || name.split('_').map(str::to_ascii_lowercase);
    let counts = words().filter(|word| COUNTS.contains(&word.as_str()));
    counts.count() > 1 || words().any(|word| word == "count" || word == "counts")
}

/// The header of a class.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClassHead {
    /// Its name.
    pub name: Name,
    /// The words in its list of bases.
    pub bases: Vec<Name>,
}

/// A module that is imported: the number of leading dots, and the first name of its path.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Imported {
    /// Leading dots.
    pub level: u32,
    /// The first name after them; empty for `from . import x`.
    pub first: Name,
}

/// The outline of a file. Each list may contain too much, but never too little.
#[derive(Clone, Default, Debug)]
pub struct Sketch {
    /// The classes, wherever they are defined.
    pub classes: Vec<ClassHead>,
    /// Names that stand for other names: `from a import Other as Name`, `Name = a.Other`.
    pub aliases: Vec<(Name, Name)>,
    /// The modules that it imports.
    pub imports: Vec<Imported>,
    /// The names of its functions and methods.
    pub functions: Vec<Name>,
    /// Hooks: methods that are called on `self` in a method that also looks something up in what
    /// `self` has, itself or through another method of the file, or that uses what they return.
    pub hooks: Vec<Name>,
    /// Whether some method looks something up in what `self` has.
    pub looks_up: bool,
    /// For each glance, where the functions start that can matter to it, in order.
    pub matters: Vec<Vec<u32>>,
}

/// Sketches a file and applies the glances to its functions. `None` if that is impossible, so that
/// everything in the file may matter.
pub fn sketch(
    language: Language,
    text: &str,
    glances: &mut [(Box<dyn Glance>, &Search)],
) -> Option<Sketch> {
    match language {
        Language::Python => Some(python::sketch(text, glances)),
        Language::Rust => None,
    }
}

#[cfg(test)]
mod tests {
    use super::speaks_of_how_much;

    #[test]
    fn code_speaks_of_how_much() {
        for code in [
            "self.rows_loaded = 1",
            "x['Rows'] = 1",
            "stats.update(rows=1)",
            "Stats { rows: 1 }",
            "self.mark_processed(x)",
            "return n_rows",
            "return len(x)",
            "Ok(count)",
            "x.len()",
        ] {
            assert!(speaks_of_how_much(code), "{code}");
        }
        for code in [
            "for row in rows:\n    send(row)",
            "rows = len(x)",
            "self.rowset = browse(x)",
            "x.length()",
            "",
        ] {
            assert!(!speaks_of_how_much(code), "{code}");
        }
    }
}
