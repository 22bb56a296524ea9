//! A glance at functions that may learn by a value, or tell by one, that a write has failed.

use std::sync::Arc;

use super::failures::{says_refused, says_stored, verdicts};
use super::glance::{libraries_of, library_clues};
use super::parts_of_writes;
use super::sure::{On, may_receive, on_what};
use crate::engine::is_log_method;
use crate::frontend::sketch::{Clue, Flags, Glance, Role};
use crate::presets::{Libraries, Presets};
use crate::rules::Glances;
use crate::settings::Writes;

/// How long a text may be that is a key or a status, in bytes; longer texts are sentences.
const LONGEST: usize = 30;

/// A call that surely writes, whatever it is made on.
const WRITES: Flags = 1;
/// A call that surely writes if it is made on a client of a storage, and the name of such a client.
const MAY_WRITE: Flags = 2;
const CLIENT: Flags = 4;
/// What catches, and what answers.
const CATCHES: Flags = 8;
const RETURNS: Flags = 16;
/// A word that says what a write came to.
const VERDICT: Flags = 32;
/// A call of which only the result tells.
const TELLS: Flags = 64;
/// Glances that let a function through if it surely writes and either catches something and returns, or has a
/// word that says what a write came to; or if it makes a call of which only the result tells.
#[must_use]
pub fn answering(writes: &Writes) -> Glances {
    let writes = Arc::new(writes.clone());
    let telling = if writes.built_in {
        writes.presets.that_tell()
    } else {
        0
    };
    Box::new(move || {
        Box::new(AnswerGlance {
            writes: writes.clone(),
            libraries: 0,
            telling,
            after_as: false,
            seen: 0,
        })
    })
}

struct AnswerGlance {
    writes: Arc<Writes>,
    /// The libraries that the file mentions, of those that presets are about.
    libraries: Libraries,
    /// The libraries with calls of which only the result tells.
    telling: Libraries,
    /// Whether the word before was `as`: what follows names an exception or a context.
    after_as: bool,
    seen: Flags,
}

impl AnswerGlance {
    fn presets(&self) -> Option<&Presets> {
        self.writes.built_in.then_some(&*self.writes.presets)
    }

    /// The flags of the call of a name.
    fn called(&self, name: &str, role: Role) -> Flags {
        let (writes, tells) = match self.presets() {
            Some(presets) => (presets.with_write(name), presets.with_telling(name)),
            None => (0, 0),
        };
        let sure = match on_what(&self.writes, name, role.attribute) {
            _ if self.libraries & writes != 0 => WRITES,
            On::Any => WRITES,
            On::Client => MAY_WRITE,
            On::Nothing => 0,
        };
        let tells = self.libraries & tells != 0;
        sure | if tells { TELLS } else { 0 }
    }

    fn look_for_client(&mut self, name: &str) {
        if self.seen & CLIENT == 0 && may_receive(name) {
            self.seen |= CLIENT;
        }
    }
}

/// Whether a name or a text says what a write came to.
fn says(word: &str) -> bool {
    says_refused(word) || says_stored(word)
}

impl Glance for AnswerGlance {
    fn clues(&self) -> Option<Vec<Clue>> {
        let parts = parts_of_writes(&self.writes).map(|part| Clue::new(part, false, WRITES));
        let libraries = library_clues(self.presets());
        let words = [("except", CATCHES), ("return", RETURNS)];
        let words = words.map(|(word, flags)| Clue::new(word, true, flags));
        let verdicts = verdicts().map(|word| Clue::new(word, false, VERDICT));
        let all: Vec<Clue> = parts
            .chain(libraries)
            .chain(words)
            .chain(verdicts)
            .collect();
        all.iter().all(|clue| clue.text.is_ascii()).then_some(all)
    }

    fn begin(&mut self, flags: Flags) {
        self.libraries = libraries_of(flags);
    }

    fn can_matter(&self, flags: Flags) -> bool {
        let tells = self.telling & self.libraries != 0;
        let writes = flags & WRITES != 0 || self.libraries != 0;
        tells || writes && (has(flags, CATCHES | RETURNS) || has(flags, VERDICT))
    }

    fn word(&mut self, word: &str, role: Role) {
        let after_as = std::mem::replace(&mut self.after_as, word == "as");
        self.seen |= match word {
            "except" => CATCHES,
            "return" => RETURNS,
            _ => 0,
        };
        self.look_for_client(word);
        // `log.error("…")` and `except Refused as error` ask nothing.
        let asks = match role.called {
            true => role.attribute && (role.empty || !is_log_method(word)),
            false => !after_as,
        };
        if asks && says(word) {
            self.seen |= VERDICT;
        }
        if role.called && self.seen & (WRITES | TELLS) != WRITES | TELLS {
            self.seen |= self.called(word, role);
        }
    }

    fn text(&mut self, text: &str) {
        if text.len() > LONGEST {
            return;
        }
        self.look_for_client(text);
        if says(text) {
            self.seen |= VERDICT;
        }
    }

    fn formatted(&mut self, word: &str, role: Role) {
        self.word(word, role);
    }

    fn matters(&mut self) -> bool {
        let seen = std::mem::take(&mut self.seen);
        self.after_as = false;
        let writes = has(seen, WRITES) || has(seen, MAY_WRITE | CLIENT);
        has(seen, TELLS) || writes && (has(seen, CATCHES | RETURNS) || has(seen, VERDICT))
    }
}

/// Whether all flags are among those that were seen.
fn has(seen: Flags, all: Flags) -> bool {
    seen & all == all
}
