//! A glance at functions that may say that a run was a success.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use super::outcomes::{
    MARK_STATES, PERFORMERS, STATUS, TRIED, claims_success, is_success_flag, names_last_success,
    names_status, performs, says_run_succeeded, says_success,
};
use crate::frontend::sketch::{Clue, Flags, Glance, Role};
use crate::rules::Glances;
use crate::sql::SUCCESS_WORDS;

/// Further words in the names of what says so: `succeed_job`, `last_successful_run`, `last_good_run`.
const NAMING: &[&str] = &["succe", "good"];

/// Functions that are programs, and calls that end one.
const PROGRAMS: &[&str] = &["main", "_main", "async_main", "handle"];
const EXITS: &[&str] = &["exit", "_exit"];

/// A decorator that makes a function a program.
const COMMAND: &str = "command";

/// Parts of words for failures.
const FAILURES: &[&str] = &["fail", "err", "except", "reject"];

/// How long a text may be that is a status or a key, in bytes; longer texts are sentences.
const LONGEST: usize = 30;

/// A status that only runs have, or a name that says that one ended well.
const CLAIM: Flags = 1;
/// A word for success, which counts in a status.
const SUCCESS: Flags = 2;
/// A name that holds a status.
const STATE: Flags = 4;
/// A flag for success that is given a value, and `True`.
const FLAG: Flags = 8;
const TRUE: Flags = 16;
/// `False`, and a function whose answer tells how it went.
const FALSE: Flags = 32;
const PERFORMS: Flags = 64;
/// The end of a program.
const ENDS: Flags = 128;
/// A failure, or a number of units that were tried.
const FAILED: Flags = 256;
/// A decorator somewhere in the file that makes a function a program.
const DECORATES: Flags = 512;

/// What a word can have in it.
type Parts = u8;
const FAILURE: Parts = 1;
const STATUS_WORD: Parts = 2;
const NAMES: Parts = 4;
const SUCCESS_WORD: Parts = 8;
const MARK: Parts = 16;

/// What each table is the sign of.
const SIGNS: &[(&[&str], Parts)] = &[
    (FAILURES, FAILURE),
    (TRIED, FAILURE),
    (STATUS, STATUS_WORD),
    (NAMING, NAMES),
    (SUCCESS_WORDS, SUCCESS_WORD),
    (MARK_STATES, MARK),
];

/// What a text in lower case has in it. One pass finds all: every word of a file is asked.
fn parts(lower: &str) -> Parts {
    static FINDER: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
        let words = SIGNS.iter().flat_map(|(words, _)| words.iter());
        AhoCorasick::new(words).ok()
    });
    static FOUND: LazyLock<Vec<Parts>> = LazyLock::new(|| {
        let signs = SIGNS.iter();
        let signs = signs.flat_map(|(words, sign)| words.iter().map(|_| *sign));
        signs.collect()
    });
    // Without an automaton nothing is ruled out.
    FINDER.as_ref().map_or(Parts::MAX, |finder| {
        let found = finder.find_overlapping_iter(lower);
        found.fold(0, |all, at| all | FOUND[at.pattern()])
    })
}

/// Glances that let a function through if it may say that a run was a success.
#[must_use]
pub fn claiming() -> Glances {
    Box::new(|| Box::new(ClaimGlance::default()))
}

#[derive(Default)]
struct ClaimGlance {
    seen: Flags,
    /// Whether the word before was `def`.
    defines: bool,
    /// Whether a decorator may make any function of the file a program.
    in_commands: bool,
}

impl ClaimGlance {
    /// Looks at what a name and a text have in common; tells what there is in it.
    fn look(&mut self, text: &str) -> Parts {
        let lower = text.to_ascii_lowercase();
        let parts = parts(&lower);
        if parts & FAILURE != 0 {
            self.seen |= FAILED;
        }
        if parts & STATUS_WORD != 0 && (lower.contains("status") || names_status(text)) {
            self.seen |= STATE;
        }
        if parts & NAMES != 0 && names_last_success(text) {
            self.seen |= CLAIM;
        }
        parts
    }

    /// Looks at a text or a constant that may be a status.
    fn look_at_status(&mut self, text: &str) {
        if says_success(text) {
            self.seen |= SUCCESS;
        }
        if says_run_succeeded(text) {
            self.seen |= CLAIM;
        }
    }
}

/// Whether a function with these words can matter.
fn matters(flags: Flags) -> bool {
    let has = |all: Flags| flags & all == all;
    flags & CLAIM != 0
        || has(SUCCESS | STATE)
        || has(FLAG | TRUE)
        || has(PERFORMS | TRUE | FALSE | FAILED)
        || has(ENDS | FAILED)
}

impl Glance for ClaimGlance {
    fn clues(&self) -> Option<Vec<Clue>> {
        let clues = |texts: &[&str], whole, flags| -> Vec<Clue> {
            let texts = texts.iter();
            texts.map(|text| Clue::new(text, whole, flags)).collect()
        };
        let of_run = |word: &&str| says_run_succeeded(word);
        let (strong, loose): (Vec<&str>, Vec<&str>) = SUCCESS_WORDS.iter().partition(|w| of_run(w));
        let all = [
            clues(&strong, true, CLAIM),
            clues(NAMING, false, CLAIM),
            clues(MARK_STATES, true, CLAIM),
            clues(&loose, true, SUCCESS | FLAG),
            clues(STATUS, false, STATE),
            clues(&["true"], true, TRUE),
            clues(&["false"], true, FALSE),
            clues(PERFORMERS, true, PERFORMS),
            clues(PROGRAMS, true, ENDS),
            clues(EXITS, true, ENDS),
            clues(FAILURES, false, FAILED),
            clues(TRIED, false, FAILED),
            clues(&[COMMAND], true, DECORATES),
        ];
        Some(all.concat())
    }

    fn begin(&mut self, flags: Flags) {
        self.in_commands = flags & DECORATES != 0;
    }

    fn can_matter(&self, flags: Flags) -> bool {
        matters(flags) || self.in_commands && flags & FAILED != 0
    }

    fn word(&mut self, word: &str, role: Role) {
        let defined = std::mem::replace(&mut self.defines, word == "def");
        let ends = defined && PROGRAMS.contains(&word) || role.called && EXITS.contains(&word);
        self.seen |= match word {
            "True" => TRUE,
            "False" => FALSE,
            _ if ends => ENDS,
            _ => 0,
        };
        if defined && performs(word) {
            self.seen |= PERFORMS;
        }
        if self.look(word) & (SUCCESS_WORD | NAMES | MARK) == 0 {
            return;
        }
        if claims_success(word) {
            self.seen |= CLAIM;
        }
        // `Status.SUCCESS`
        if word.starts_with(char::is_uppercase) {
            self.look_at_status(word);
        }
        if role.given && is_success_flag(word) {
            self.seen |= FLAG;
        }
    }

    fn text(&mut self, text: &str) {
        if text.len() > LONGEST {
            return;
        }
        if self.look(text) & SUCCESS_WORD != 0 {
            self.look_at_status(text);
            if is_success_flag(text) {
                self.seen |= FLAG;
            }
        }
    }

    fn matters(&mut self) -> bool {
        let seen = std::mem::take(&mut self.seen);
        self.defines = false;
        matters(seen) || self.in_commands && seen & FAILED != 0
    }
}
