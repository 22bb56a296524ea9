//! A glance at functions that call something named like a write, and have certain words.

use super::parts_of_writes;
use crate::frontend::sketch::{Clue, Glance, Role};
use crate::rules::Glances;
use crate::settings::Writes;

/// The flag of a call that is named like a write; words have the flags below it.
const WRITES: u16 = 1 << 15;

/// Words with their flags: a function must have one for each flag.
pub type Words = &'static [(&'static str, u16)];

/// Glances that let a function through if it has a word for each flag among `words`, and a call that is
/// named like a write. If `on` is false, they let nothing through.
#[must_use]
pub fn writing_with(words: Words, writes: &Writes, on: bool) -> Glances {
    let parts = parts_of_writes(writes).map(str::to_owned);
    let parts: Vec<String> = parts.filter(|_| on).collect();
    Box::new(move || {
        Box::new(WriteGlance {
            words,
            parts: parts.clone(),
            seen: 0,
        })
    })
}

struct WriteGlance {
    words: Words,
    /// What names of writes contain, in lower case; empty if nothing is let through.
    parts: Vec<String>,
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
        let ascii = self.parts.iter().all(|part| part.is_ascii());
        ascii.then(|| words.chain(parts).collect())
    }

    fn can_matter(&self, flags: u16) -> bool {
        let words = self.words.iter().map(|(_, flag)| flag);
        let all = words.fold(WRITES, |all, flag| all | flag);
        flags & all == all
    }

    fn word(&mut self, word: &str, role: Role) {
        let flags = self.words.iter().find(|(known, _)| *known == word);
        self.seen |= flags.map_or(0, |(_, flags)| *flags);
        if self.seen & WRITES != 0 || !role.called {
            return;
        }
        let lower = word.to_lowercase();
        if self.parts.iter().any(|part| lower.contains(part)) {
            self.seen |= WRITES;
        }
    }

    fn text(&mut self, _: &str) {}

    fn matters(&mut self) -> bool {
        let seen = std::mem::take(&mut self.seen);
        self.can_matter(seen)
    }
}
