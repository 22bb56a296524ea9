//! A glance at functions that may say that a run was a success.

use super::outcomes::{MARK_STATES, claims_success};
use super::sinks::words;
use crate::frontend::sketch::{Clue, Glance, Role};
use crate::rules::Glances;

/// Words by which a function says that a run was a success.
const OF_RUNS: &[&str] = &[
    "success",
    "succeed",
    "succeeded",
    "successful",
    "successfully",
    "complete",
    "completed",
    "finished",
    "good",
];

/// Words that say less, or nothing by themselves: they count beside a failure.
const BESIDE: &[&str] = &["ok", "done", "true", "main", "exit", "command", "handle"];

/// Parts of words for failures.
const FAILURES: &[&str] = &["fail", "err", "except", "reject"];

const OF_RUN: u16 = 1;
const SAID: u16 = 2;
const FAILED: u16 = 4;
/// A word that a name may need to say so: `mark_processed`.
const MARKED: u16 = 8;

/// Glances that let a function through if it may say that a run was a success.
#[must_use]
pub fn claiming() -> Glances {
    Box::new(|| Box::new(ClaimGlance::default()))
}

#[derive(Default)]
struct ClaimGlance {
    seen: u16,
}

impl ClaimGlance {
    fn look(&mut self, text: &str) {
        if self.seen == OF_RUN | SAID | FAILED {
            return;
        }
        let lower = text.to_ascii_lowercase();
        if FAILURES.iter().any(|part| lower.contains(part)) {
            self.seen |= FAILED;
        }
        if claims_success(text) {
            self.seen |= OF_RUN;
        }
        let may = |table: &[&str]| table.iter().any(|word| lower.contains(word));
        if may(OF_RUNS) || may(BESIDE) {
            for word in words(text) {
                let is = |table: &[&str]| table.contains(&word.as_str());
                self.seen |= if is(OF_RUNS) { OF_RUN } else { 0 };
                self.seen |= if is(BESIDE) { SAID } else { 0 };
            }
        }
    }
}

fn matters(flags: u16) -> bool {
    flags & OF_RUN != 0 || flags & (SAID | FAILED) == SAID | FAILED
}

impl Glance for ClaimGlance {
    fn clues(&self) -> Option<Vec<Clue>> {
        let clues = |texts: &[&str], whole, flags| -> Vec<Clue> {
            let texts = texts.iter();
            texts
                .map(|text| Clue {
                    text: (*text).to_owned(),
                    whole,
                    flags,
                })
                .collect()
        };
        let mut all = clues(OF_RUNS, true, OF_RUN);
        all.extend(clues(BESIDE, true, SAID));
        all.extend(clues(FAILURES, false, FAILED));
        all.extend(clues(MARK_STATES, true, MARKED));
        Some(all)
    }

    fn can_matter(&self, flags: u16) -> bool {
        flags & MARKED != 0 || matters(flags)
    }

    fn word(&mut self, word: &str, _: Role) {
        self.look(word);
    }

    fn text(&mut self, text: &str) {
        // Longer texts are sentences, and no statuses.
        if text.len() <= 20 {
            self.look(text);
        }
    }

    fn matters(&mut self) -> bool {
        matters(std::mem::take(&mut self.seen))
    }
}
