//! A glance at functions that call something named like a write, and have certain words, or that move a position. In a file that
//! mentions a library, the names of that library's writes count as well.

use std::sync::Arc;

use super::parts_of_writes;
use super::positions::{HINTS, is_moved_on, moves_on, names_position, word_hints};
use super::sure::WORK;
use crate::frontend::sketch::{Clue, Flags, Glance, Role};
use crate::presets::{LIBRARY_BITS, Libraries, Presets};
use crate::rules::Glances;
use crate::settings::Writes;

/// The flag of a call that is named like a write; words have the flags below these.
const WRITES: Flags = 1 << 15;

/// Where the flags of the libraries begin that presets are about.
const LIBRARIES: u32 = Flags::BITS - LIBRARY_BITS;

/// The flag of a name that hints at a position.
const MOVES: Flags = 1 << 13;

/// The flag of a word of code that a framework calls, and that acknowledges rows without a call.
const ENDS: Flags = 1 << 14;

/// The flags of a call that moves a position if it is made on a consumer or a message, and of such a
/// receiver.
const ON: Flags = 1 << 12;
const RECEIVER: Flags = 1 << 11;

/// Waiting for something may write as well: what is awaited has any name, or ends a unit of work.
const AWAIT: &str = "await";

/// Words with their flags: a function must have one for each flag.
pub type Words = &'static [(&'static str, Flags)];

/// Glances that let a function through if it has a word for each flag among `words`, and a call that is
/// named like a write or like work that may write, or waits. If `on` is false, they let nothing through.
#[must_use]
pub fn writing_with(words: Words, writes: &Writes, on: bool) -> Glances {
    glances(words, writes, on, false)
}

/// Glances that let a function through if it hints at a position that it moves.
#[must_use]
pub fn moving_with(writes: &Writes) -> Glances {
    glances(&[], writes, true, true)
}

fn glances(words: Words, writes: &Writes, on: bool, moving: bool) -> Glances {
    let work = WORK.iter().copied().filter(|_| !moving);
    let parts = parts_of_writes(writes).chain(work).map(str::to_owned);
    let parts: Vec<String> = parts.filter(|_| on).collect();
    let presets = (on && writes.built_in).then(|| writes.presets.clone());
    Box::new(move || {
        Box::new(WriteGlance {
            words,
            moving,
            parts: parts.clone(),
            presets: presets.clone(),
            libraries: 0,
            ends: false,
            seen: 0,
        })
    })
}

/// Clues to the libraries that presets are about.
pub(super) fn library_clues(presets: Option<&Presets>) -> impl Iterator<Item = Clue> {
    let roots = presets.into_iter().flat_map(Presets::roots);
    roots.map(|(root, library)| Clue::new(&root, false, library << LIBRARIES))
}

/// The libraries to which such clues were found.
pub(super) fn libraries_of(flags: Flags) -> Libraries {
    flags >> LIBRARIES
}

struct WriteGlance {
    words: Words,
    /// Whether a function must also hint at a position.
    moving: bool,
    /// What names of writes contain, in lower case; empty if nothing is let through.
    parts: Vec<String>,
    /// What is known of libraries, if that counts.
    presets: Option<Arc<Presets>>,
    /// Which of them the file mentions.
    libraries: Libraries,
    /// Whether functions of the file may acknowledge rows without a call.
    ends: bool,
    seen: Flags,
}

impl Glance for WriteGlance {
    fn clues(&self) -> Option<Vec<Clue>> {
        let words = self.words.iter();
        let words = words.map(|(text, flags)| Clue::new(text, true, *flags));
        let parts = self.parts.iter().map(|part| Clue::new(part, false, WRITES));
        let waits = (!self.moving).then(|| Clue::new(AWAIT, true, WRITES));
        let libraries = library_clues(self.presets.as_deref());
        let hints = HINTS.iter().filter(|_| self.moving);
        let hints = hints.map(|(hint, whole)| Clue::new(hint, *whole, MOVES));
        let presets = self.presets.as_deref().filter(|_| self.moving);
        let ends = presets.map_or(&[][..], Presets::acknowledging).iter();
        let ends = ends.map(|known| Clue::new(known.clue(), true, ENDS));
        let places = presets.into_iter().flat_map(Presets::places);
        let places = places.map(|name| Clue::new(name, true, MOVES));
        let all = words
            .chain(ends)
            .chain(places)
            .chain(parts)
            .chain(waits)
            .chain(libraries)
            .chain(hints);
        let all: Vec<Clue> = all.collect();
        all.iter().all(|clue| clue.text.is_ascii()).then_some(all)
    }

    fn begin(&mut self, flags: Flags) {
        self.libraries = libraries_of(flags);
        self.ends = flags & ENDS != 0 && self.libraries & self.that_acknowledge() != 0;
    }

    fn can_matter(&self, flags: Flags) -> bool {
        let all = self.all_words();
        let writes = self.moving || flags & WRITES != 0 || self.libraries != 0;
        flags & all == all && writes || self.ends
    }

    fn word(&mut self, word: &str, role: Role) {
        if self.moving && self.seen & MOVES == 0 {
            self.look_for_position(word, role.called);
        }
        let flags = self.words.iter().find(|(known, _)| *known == word);
        self.seen |= flags.map_or(0, |(_, flags)| *flags);
        if word == AWAIT && !self.parts.is_empty() {
            self.seen |= WRITES;
        }
        if self.seen & WRITES != 0 || !role.called {
            return;
        }
        let lower = word.to_lowercase();
        let known = |presets: &Arc<Presets>| self.libraries & presets.with_write(word) != 0;
        if self.parts.iter().any(|part| lower.contains(part))
            || self.presets.as_ref().is_some_and(known)
        {
            self.seen |= WRITES;
        }
    }

    fn text(&mut self, text: &str) {
        if self.moving && self.seen & MOVES == 0 {
            let mut words = text.split(|c: char| !c.is_alphanumeric() && c != '_');
            if words.any(names_position) {
                self.seen |= MOVES;
            }
        }
    }

    fn matters(&mut self) -> bool {
        let seen = std::mem::take(&mut self.seen);
        // What moves a position may leave the write to a helper, which may be in another file.
        let writes = if self.moving { 0 } else { WRITES };
        let all = self.all_words() | writes;
        seen & all == all || self.ends
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
        let place = |presets: &Arc<Presets>| self.libraries & presets.with_place(word) != 0;
        let moves = self.seen & (ON | RECEIVER) == ON | RECEIVER
            || called && self.presets.as_ref().is_some_and(place);
        if moves || word_hints((word, &lower), called) {
            self.seen |= MOVES;
        }
    }

    /// The libraries that call code which acknowledges rows without a call.
    fn that_acknowledge(&self) -> Libraries {
        let presets = self.presets.iter().filter(|_| self.moving);
        let known = presets.flat_map(|presets| presets.acknowledging());
        known.fold(0, |all, known| all | known.library)
    }

    /// The flags of what a function must have beside a write.
    fn all_words(&self) -> Flags {
        let words = self.words.iter().map(|(_, flag)| flag);
        let moves = if self.moving { MOVES } else { 0 };
        words.fold(moves, |all, flag| all | flag)
    }
}
