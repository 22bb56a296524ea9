//! Sketches: what is known of a file before it is parsed, which tells whether the file can matter
//! and which of its functions can.

use serde::{Deserialize, Serialize};
use std::cell::LazyCell;
use std::collections::BTreeMap;
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
    /// An empty pair of brackets follows: it is called without arguments.
    pub empty: bool,
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
    /// What it stands for.
    pub flags: Flags,
}

impl Clue {
    /// A clue to a text, or to a `whole` part of a name.
    #[must_use]
    pub fn new(text: &str, whole: bool, flags: Flags) -> Self {
        Self {
            text: text.to_owned(),
            whole,
            flags,
        }
    }
}

/// What was found in a text, as bits that the glance understands.
pub type Flags = u64;

/// Looks at the words of a function, and says whether the function can matter.
///
/// A glance may err by saying that a function matters; the reverse would lose findings.
pub trait Glance {
    /// The clues to search for; `None` if a search could miss something.
    fn clues(&self) -> Option<Vec<Clue>>;
    /// Begins a file. `flags` are those of the clues anywhere in it; all flags if a search could miss
    /// something.
    fn begin(&mut self, flags: Flags) {
        let _ = flags;
    }
    /// Whether a function can matter if the search found clues with exactly these flags. Like the
    /// glance itself, this errs on the safe side only.
    fn can_matter(&self, flags: Flags) -> bool;
    /// An identifier or keyword outside strings.
    fn word(&mut self, word: &str, role: Role);
    /// The content of a string, and of a formatted string what stands between its curly brackets.
    fn text(&mut self, text: &str);
    /// A word of a formatted string, which may be code.
    fn formatted(&mut self, word: &str, role: Role) {
        self.word(word, role);
        self.text(word);
    }
    /// Whether the function can matter. This resets the glance: the next word belongs to another
    /// function.
    fn matters(&mut self) -> bool;
}

/// The search for the clues of some glances: one pass over a text, which is much faster than looking at
/// its words.
pub struct Search {
    /// `None` if all functions must be looked at.
    automaton: Option<AhoCorasick>,
    /// For each text that is searched for, what it is to the glances.
    clues: Vec<Vec<Meaning>>,
    /// For each glance, whether a search can tell it something.
    searched: Vec<bool>,
}

/// What a clue is to one glance.
struct Meaning {
    /// The number of the glance.
    glance: usize,
    whole: bool,
    flags: Flags,
}

/// Where a clue occurs in a text, and its flags.
pub(in crate::frontend) type Hit = (usize, Flags);

impl Search {
    /// Prepares the search for the clues of some glances.
    #[must_use]
    pub fn new<'g>(glances: impl IntoIterator<Item = &'g dyn Glance>) -> Self {
        let mut clues: BTreeMap<String, Vec<Meaning>> = BTreeMap::new();
        let mut searched = Vec::new();
        for (glance, of) in glances.into_iter().enumerate() {
            let own = of.clues();
            searched.push(own.is_some());
            // The only character outside ASCII whose lower case is in ASCII.
            let kelvin = Clue::new("\u{212a}", false, Flags::MAX);
            for clue in own.into_iter().flatten().chain([kelvin]) {
                let text = clue.text.to_ascii_lowercase();
                clues.entry(text).or_default().push(Meaning {
                    glance,
                    whole: clue.whole,
                    flags: clue.flags,
                });
            }
        }
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .kind(Some(AhoCorasickKind::DFA))
            .build(clues.keys())
            .ok();
        Self {
            automaton,
            clues: clues.into_values().collect(),
            searched,
        }
    }

    /// The hits in a text for each glance, in the order of their starts; `None` if the search can tell it
    /// nothing.
    pub(in crate::frontend) fn hits(&self, text: &str) -> Vec<Option<Vec<Hit>>> {
        let searched = self.searched.iter();
        let Some(automaton) = &self.automaton else {
            return searched.map(|_| None).collect();
        };
        let mut out: Vec<_> = searched.map(|is| is.then(Vec::new)).collect();
        for found in automaton.find_overlapping_iter(text) {
            let meanings = &self.clues[found.pattern().as_usize()];
            let is_part = LazyCell::new(|| is_part(text.as_bytes(), found.range()));
            for meaning in meanings {
                if let Some(hits) = &mut out[meaning.glance]
                    && (!meaning.whole || *is_part)
                {
                    hits.push((found.start(), meaning.flags));
                }
            }
        }
        for hits in out.iter_mut().flatten() {
            hits.sort_unstable_by_key(|(start, _)| *start);
        }
        out
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
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ClassHead {
    /// Its name.
    pub name: Name,
    /// The words in its list of bases.
    pub bases: Vec<Name>,
}

/// A module that is imported: the number of leading dots, and the first name of its path.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Imported {
    /// Leading dots.
    pub level: u32,
    /// The first name after them; empty for `from . import x`.
    pub first: Name,
}

/// The outline of a file. Each list may contain too much, but never too little.
#[derive(Clone, Default, Debug, Serialize, Deserialize)]
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

/// Sketches a file and applies the glances to its functions; `search` is that of the glances. `None` if that is impossible, so that
/// everything in the file may matter.
pub fn sketch(
    language: Language,
    text: &str,
    glances: &mut [Box<dyn Glance>],
    search: &Search,
) -> Option<Sketch> {
    match language {
        Language::Python => Some(python::sketch(text, glances, search)),
        Language::Rust => None,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::{Clue, Flags, Glance, Role, Search, sketch, speaks_of_how_much};
    use crate::source::Language;

    /// A glance that looks at every function.
    struct Patient(Box<dyn Glance>);

    impl Glance for Patient {
        fn clues(&self) -> Option<Vec<Clue>> {
            self.0.clues()
        }
        fn begin(&mut self, flags: Flags) {
            self.0.begin(flags);
        }
        fn can_matter(&self, _: Flags) -> bool {
            true
        }
        fn word(&mut self, word: &str, role: Role) {
            self.0.word(word, role);
        }
        fn text(&mut self, text: &str) {
            self.0.text(text);
        }
        fn formatted(&mut self, word: &str, role: Role) {
            self.0.formatted(word, role);
        }
        fn matters(&mut self) -> bool {
            self.0.matters()
        }
    }

    /// Glances with their search, and the same glances looking at every function.
    pub(crate) struct Trial {
        search: Search,
        hasty: Vec<Box<dyn Glance>>,
        patient: Vec<Box<dyn Glance>>,
    }

    impl Trial {
        pub(crate) fn new(make: impl Fn() -> Vec<Box<dyn Glance>>) -> Self {
            let patient = make().into_iter().map(Patient);
            let hasty = make();
            Self {
                search: Search::new(hasty.iter().map(|glance| &**glance)),
                hasty,
                patient: patient
                    .map(|glance| -> Box<dyn Glance> { Box::new(glance) })
                    .collect(),
            }
        }

        /// How many functions of a text matter to each glance; panics if the search rejects one of them.
        pub(crate) fn that_matter(&mut self, text: &str, what: &str) -> Vec<usize> {
            let [hasty, patient] = [&mut self.hasty, &mut self.patient].map(|glances| {
                let sketch = sketch(Language::Python, text, glances, &self.search);
                sketch.expect("Python is sketched").matters
            });
            assert_eq!(hasty, patient, "{what}");
            hasty.iter().map(Vec::len).collect()
        }
    }

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
