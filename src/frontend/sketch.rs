//! What is known of a file before it is parsed: enough to tell whether it can matter, and which
//! of its functions can.

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use crate::frontend::python;
use crate::ir::Name;
use crate::source::Language;

/// What stands around a word.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Role {
    /// A bracket follows: it is called, or defined with parameters.
    pub called: bool,
    /// A dot stands in front: it is an attribute.
    pub attribute: bool,
    /// A single `=` follows: it names what is given, and stands for nothing itself.
    pub given: bool,
}

/// Something that a glance makes much of, as it is searched for before any word is looked at. All
/// of it is ASCII; upper and lower case are the same.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Clue {
    /// The text.
    pub text: String,
    /// It counts only as one of the words that a name is made of: `done` in `isDone`, `IS_DONE`,
    /// and not in `abandoned`.
    pub whole: bool,
    /// What it stands for: bits whose meaning the glance knows.
    pub flags: u16,
}

/// Looks at a function word by word, and says whether it can matter.
///
/// A glance may say that a function matters that does not; the reverse would lose findings.
pub trait Glance {
    /// What to search for. `None` when a search could overlook something.
    fn clues(&self) -> Option<Vec<Clue>>;
    /// Whether a function can matter in which the search has found clues with these flags, and no
    /// others. Like the glance itself, this errs on one side only.
    fn can_matter(&self, flags: u16) -> bool;
    /// An identifier or keyword outside of texts.
    fn word(&mut self, word: &str, role: Role);
    /// What is between the quotes of a text. The words of a formatted one come as words, too.
    fn text(&mut self, text: &str);
    /// Whether the function can matter. The next word belongs to another one.
    fn matters(&mut self) -> bool;
}

/// The search for the clues of a glance: one pass over a text, much faster than looking at its
/// words.
pub struct Search {
    /// `None` when everything is to be looked at.
    automaton: Option<AhoCorasick>,
    /// Whether each clue is a whole word, and its flags.
    clues: Vec<(bool, u16)>,
}

/// Where a clue is found in a text, and its flags.
pub(in crate::frontend) type Hit = (usize, u16);

impl Search {
    /// Prepares the search for a glance.
    #[must_use]
    pub fn new(glance: &dyn Glance) -> Self {
        let mut clues = glance.clues();
        if let Some(clues) = &mut clues {
            // The one character outside of ASCII whose lower case is in it.
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

    /// What is found in a text, in the order of where it ends; `None` when that says nothing.
    pub(in crate::frontend) fn hits(&self, text: &str) -> Option<Vec<Hit>> {
        let found = self.automaton.as_ref()?.find_overlapping_iter(text);
        let hits = found.filter_map(|found| {
            let (whole, flags) = self.clues[found.pattern().as_usize()];
            (!whole || is_part(text.as_bytes(), found.range())).then_some((found.start(), flags))
        });
        Some(hits.collect())
    }
}

/// Whether a range of a text may be one of the words that a name is made of.
fn is_part(bytes: &[u8], range: std::ops::Range<usize>) -> bool {
    // A byte outside of ASCII may separate.
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

/// What a file is made of. Each list may hold more than there is, and never less.
#[derive(Clone, Default, Debug)]
pub struct Sketch {
    /// The classes, wherever they are defined.
    pub classes: Vec<ClassHead>,
    /// Names that stand for others: `from a import Other as Name`, `Name = a.Other`.
    pub aliases: Vec<(Name, Name)>,
    /// The modules that it imports.
    pub imports: Vec<Imported>,
    /// The names of its functions and methods.
    pub functions: Vec<Name>,
    /// The methods that a method calls on its receiver which also looks something up in what the
    /// receiver has.
    pub hooks: Vec<Name>,
    /// For each glance, the functions that can matter according to it: where each starts, in order.
    pub matters: Vec<Vec<u32>>,
}

/// Sketches a file, and looks at its functions with each of the glances. `None` where that is not possible: everything in the file may matter.
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
