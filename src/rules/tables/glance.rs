//! A glance at functions that call something named like a write, and have certain words, or that move a position. In a file that
//! mentions a library, the names of that library's writes count as well.

use std::sync::Arc;

use super::failures::{says_refused, says_stored, verdicts};
use super::parts_of_writes;
use super::positions::{HINTS, is_moved_on, moves_on, names_position, word_hints};
use super::sure::WORK;
use crate::frontend::sketch::{Clue, Glance, Role};
use crate::presets::Presets;
use crate::rules::Glances;
use crate::settings::Writes;

/// The flag of a call that is named like a write; words have the flags below these.
const WRITES: u16 = 1 << 15;

/// The flag of a library that a preset is about.
const LIBRARY: u16 = 1 << 14;

/// The flag of a name that hints at a position.
const MOVES: u16 = 1 << 13;

/// The flags of a call that moves a position if it is made on a consumer or a message, and of such a
/// receiver.
const ON: u16 = 1 << 12;
const RECEIVER: u16 = 1 << 11;

/// The flag of a word that says what a write came to.
const VERDICT: u16 = 1 << 10;

/// The flag of a call of which only the result tells.
const TELLING: u16 = 1 << 9;

/// Waiting for something may write as well: what is awaited has any name, or ends a unit of work.
const AWAIT: &str = "await";

/// Words with their flags: a function must have one for each flag.
pub type Words = &'static [(&'static str, u16)];

/// Glances that let a function through if it has a word for each flag among `words`, and a call that is
/// named like a write or like work that may write, or waits. If `on` is false, they let nothing through.
#[must_use]
pub fn writing_with(words: Words, writes: &Writes, on: bool) -> Glances {
    glances(words, writes, on, Also::Nothing)
}

/// Glances that let a function through if it hints at a position that it moves.
#[must_use]
pub fn moving_with(writes: &Writes) -> Glances {
    glances(&[], writes, true, Also::Position)
}

/// Glances that let a function through if it has one of these words or one that says what a write came to, and
/// a call that is named like a write; or if it has a call of which only the result tells.
#[must_use]
pub fn answering_with(words: &'static [&'static str], writes: &Writes) -> Glances {
    glances(&[], writes, true, Also::Answer(words))
}

/// What a function must have beside words and a write.
#[derive(Clone, Copy)]
enum Also {
    Nothing,
    /// A name that hints at a position.
    Position,
    /// One of these words, or one that says what a write came to.
    Answer(&'static [&'static str]),
}

fn glances(words: Words, writes: &Writes, on: bool, also: Also) -> Glances {
    let work = WORK
        .iter()
        .copied()
        .filter(|_| matches!(also, Also::Nothing));
    let parts = parts_of_writes(writes).chain(work).map(str::to_owned);
    let parts: Vec<String> = parts.filter(|_| on).collect();
    let presets = (on && writes.built_in).then(|| writes.presets.clone());
    Box::new(move || {
        Box::new(WriteGlance {
            words,
            moving: matches!(also, Also::Position),
            answers: match also {
                Also::Answer(words) => Some(words),
                _ => None,
            },
            parts: parts.clone(),
            presets: presets.clone(),
            in_library: false,
            seen: 0,
        })
    })
}

/// Whether a word or a text says what a write came to.
fn says(word: &str) -> bool {
    says_refused(word) || says_stored(word)
}

struct WriteGlance {
    words: Words,
    /// Whether a function must also hint at a position.
    moving: bool,
    /// Words one of which a function must have, or one that says what a write came to.
    answers: Option<&'static [&'static str]>,
    /// What names of writes contain, in lower case; empty if nothing is let through.
    parts: Vec<String>,
    /// What is known of libraries, if that counts.
    presets: Option<Arc<Presets>>,
    /// Whether the file mentions one of them.
    in_library: bool,
    seen: u16,
}

impl Glance for WriteGlance {
    fn clues(&self) -> Option<Vec<Clue>> {
        let clue = |text: &str, whole, flags| Clue {
            text: text.to_owned(),
            whole,
            flags,
        };
        let words = self.words.iter();
        let words = words.map(|(text, flags)| clue(text, true, *flags));
        let parts = self.parts.iter().map(|part| clue(part, false, WRITES));
        let waits = (!self.moving && self.answers.is_none()).then(|| clue(AWAIT, true, WRITES));
        let libraries = self.presets.iter().flat_map(|presets| presets.roots());
        let libraries = libraries.map(|root| clue(&root, false, LIBRARY));
        let hints = HINTS.iter().filter(|_| self.moving);
        let hints = hints.map(|(hint, whole)| clue(hint, *whole, MOVES));
        let answers = self.answers.iter().flat_map(|words| words.iter());
        let verdicts = verdicts().filter(|_| self.answers.is_some());
        let answers = answers
            .map(|word| clue(word, true, VERDICT))
            .chain(verdicts.map(|word| clue(word, false, VERDICT)));
        let all = words
            .chain(parts)
            .chain(waits)
            .chain(libraries)
            .chain(hints);
        let all: Vec<Clue> = all.chain(answers).collect();
        all.iter().all(|clue| clue.text.is_ascii()).then_some(all)
    }

    fn begin(&mut self, flags: u16) {
        self.in_library = self.presets.is_some() && flags & LIBRARY != 0;
    }

    fn can_matter(&self, flags: u16) -> bool {
        let all = self.all_words();
        let answers = self.answers.is_none() || flags & VERDICT != 0 || self.in_library;
        let writes = self.moving || flags & WRITES != 0 || self.in_library;
        flags & all == all && answers && writes
    }

    fn word(&mut self, word: &str, role: Role) {
        if self.moving && self.seen & MOVES == 0 {
            self.look_for_position(word, role.called);
        }
        if let Some(words) = self.answers {
            self.look_for_answer(words, word, role.called);
        }
        let flags = self.words.iter().find(|(known, _)| *known == word);
        self.seen |= flags.map_or(0, |(_, flags)| *flags);
        if word == AWAIT && self.answers.is_none() && !self.parts.is_empty() {
            self.seen |= WRITES;
        }
        if self.seen & WRITES != 0 || !role.called {
            return;
        }
        let lower = word.to_lowercase();
        let known = |presets: &Arc<Presets>| self.in_library && presets.names_write(word);
        if self.parts.iter().any(|part| lower.contains(part))
            || self.presets.as_ref().is_some_and(known)
        {
            self.seen |= WRITES;
        }
    }

    fn text(&mut self, text: &str) {
        if self.answers.is_some() && says(text) {
            self.seen |= VERDICT;
        }
        if self.moving && self.seen & MOVES == 0 {
            let mut words = text.split(|c: char| !c.is_alphanumeric() && c != '_');
            if words.any(names_position) {
                self.seen |= MOVES;
            }
        }
    }

    fn matters(&mut self) -> bool {
        let seen = std::mem::take(&mut self.seen);
        if self.answers.is_some() {
            let telling = seen & TELLING != 0 && (self.in_library || seen & WRITES != 0);
            return telling || seen & (VERDICT | WRITES) == VERDICT | WRITES;
        }
        // What moves a position may leave the write to a helper, which may be in another file.
        let writes = if self.moving { 0 } else { WRITES };
        let all = self.all_words() | writes;
        seen & all == all
    }
}

impl WriteGlance {
    /// Notes what a word hints at.
    fn look_for_position(&mut self, word: &str, called: bool) {
        let lower = word.to_ascii_lowercase();
        if called && moves_on((word, &lower)) {
            self.seen |= ON;
        }
        if is_moved_on(&lower) {
            self.seen |= RECEIVER;
        }
        let moves = self.seen & (ON | RECEIVER) == ON | RECEIVER;
        if moves || word_hints((word, &lower), called) {
            self.seen |= MOVES;
        }
    }

    /// Notes what a word says about what a write came to.
    fn look_for_answer(&mut self, words: &[&str], word: &str, called: bool) {
        if words.contains(&word) || says(word) {
            self.seen |= VERDICT;
        }
        let mut presets = self.presets.iter().filter(|_| called);
        if presets.any(|presets| presets.names_telling(word)) {
            self.seen |= TELLING;
        }
    }

    /// The flags of what a function must have beside a write.
    fn all_words(&self) -> u16 {
        let words = self.words.iter().map(|(_, flag)| flag);
        let moves = if self.moving { MOVES } else { 0 };
        words.fold(moves, |all, flag| all | flag)
    }
}
