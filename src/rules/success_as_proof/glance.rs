//! Whether the text of a function can have what makes it worth following.
//!
//! This asks the words of a function what [`hints`](super::hints) asks its code: it lets more
//! through, as words do not tell what they are used for, and never less.

use rustc_hash::FxHashMap;

use super::compared::is_exception;
use super::hints::{LONG, QUERY_STATUS, QUERY_SUCCESS, QUERY_VERB, QUERY_WORDS};
use super::tables::SAYINGS;
use super::words::{Vocabulary, parts};
use crate::frontend::sketch::{Glance, Role};

/// It names success in words that mean nothing else.
const PLAIN: u16 = 1;
/// It names a status.
const STATUS: u16 = 1 << 1;
/// It names success or failure.
const WORD: u16 = 1 << 2;
/// It has a name that may be that of a constant.
const CONSTANT: u16 = 1 << 3;
/// It runs queries.
const QUERIES: u16 = 1 << 4;
/// A text selects something.
const SELECTS: u16 = 1 << 5;
/// A text names what a successful run is called.
const SELECTED: u16 = 1 << 6;
/// A text names a status.
const QUERIED: u16 = 1 << 7;
/// It asks a function that is named like a test for success.
const ASKS: u16 = 1 << 8;
/// It names a state of work that is done.
const MARKS: u16 = 1 << 9;
/// It does work.
const PERFORMS: u16 = 1 << 10;
/// It does work on units, or puts something into a collection.
const WORKS: u16 = 1 << 11;
/// It says that there is nothing to do, or is asked whether there is.
const SAYS: u16 = 1 << 12;

/// The glance of the rule.
pub struct Look {
    words: Vocabulary,
    seen: u16,
    /// Whether the next word is the name of a function that is defined.
    defines: bool,
    /// The flags of names: as such, and as what is called.
    names: FxHashMap<Box<str>, (u16, u16)>,
}

impl Look {
    /// With these words.
    pub fn new(words: Vocabulary) -> Self {
        Look {
            words,
            seen: 0,
            defines: false,
            names: FxHashMap::default(),
        }
    }

    fn word_flags(&self, word: &str) -> u16 {
        let words = &self.words;
        let mut flags = 0;
        let mut set = |flag: u16, when: bool| flags |= if when { flag } else { 0 };
        let success = words.names_success(word) || words.is_success(word);
        set(PLAIN, success && words.is_plain_success(word));
        set(STATUS, words.is_status(word));
        set(
            WORD,
            success || words.names_failure(word) || words.is_failure(word),
        );
        set(WORKS, words.is_work(word) || words.puts(word));
        set(SAYS, words.says_done(word));
        set(MARKS, words.marks(word) || words.is_mark_field(word));
        set(
            CONSTANT,
            word.chars().all(|c| !c.is_lowercase()) && word.chars().any(char::is_alphabetic),
        );
        flags
    }

    fn call_flags(&self, word: &str) -> u16 {
        let words = &self.words;
        let mut flags = 0;
        let mut set = |flag: u16, when: bool| flags |= if when { flag } else { 0 };
        let parts = parts(word);
        let has = |list: &[&str]| parts.iter().any(|p| list.contains(&p.as_str()));
        set(
            ASKS,
            words.names_success(word) || words.asks(word).is_some(),
        );
        set(QUERIES, has(QUERY_WORDS));
        set(
            PERFORMS,
            words.is_performer(word) || has(&["is", "has", "one"]),
        );
        flags
    }
}

impl Glance for Look {
    fn word(&mut self, word: &str, role: Role) {
        if word == "def" {
            self.defines = true;
            return;
        }
        let (plain, call) = match self.names.get(word) {
            Some(flags) => *flags,
            None => {
                let flags = (self.word_flags(word), self.call_flags(word));
                self.names.insert(word.into(), flags);
                flags
            }
        };
        if std::mem::take(&mut self.defines) {
            // Who calls it is asked elsewhere.
            let asks = if call & ASKS != 0 { SAYS } else { 0 };
            self.seen |= plain & !(WORD | CONSTANT) | asks;
            return;
        }
        // What is called, and the name under which something is given, are not compared; nor is a
        // class of exceptions, or an attribute with a name as short as a matrix has.
        let mut flags = plain;
        if role.called || role.given || !role.attribute && is_exception(word) {
            flags &= !(WORD | CONSTANT);
        }
        if role.attribute && word.len() == 1 {
            flags &= !CONSTANT;
        }
        self.seen |= flags | if role.called { call } else { 0 };
    }

    fn text(&mut self, text: &str) {
        if text.len() <= LONG {
            self.word(text, Role::default());
            if text.to_lowercase().starts_with("succ") {
                self.seen |= PLAIN;
            }
        }
        // A statement may be put together from short texts.
        let lower = text.to_lowercase();
        if lower.contains(QUERY_VERB) {
            self.seen |= SELECTS;
        }
        if QUERY_SUCCESS.iter().any(|word| lower.contains(word)) {
            self.seen |= SELECTED;
        }
        if lower.contains(QUERY_STATUS) {
            self.seen |= QUERIED;
        }
        if SAYINGS.iter().any(|word| lower.contains(word)) {
            self.seen |= SAYS;
        }
        if lower.trim_start().starts_with("update ") {
            self.seen |= MARKS;
        }
    }

    fn matters(&mut self) -> bool {
        let seen = std::mem::take(&mut self.seen);
        self.defines = false;
        // Without an effect, whatever is learnt leads to nothing.
        if seen & (WORKS | SAYS | MARKS) == 0 {
            return false;
        }
        let all = |flags: u16| seen & flags == flags;
        all(PLAIN)
            || all(ASKS)
            || all(MARKS | PERFORMS)
            || all(STATUS | WORD)
            || all(STATUS | CONSTANT)
            || all(QUERIES | QUERIED)
            || all(QUERIES | CONSTANT)
            || all(QUERIES | SELECTS | SELECTED)
    }
}
