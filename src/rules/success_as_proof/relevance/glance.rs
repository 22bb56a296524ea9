//! Whether the text of a function can contain what makes it worth following.
//!
//! This asks the words of a function what [`worth`](super::worth) asks its code. It lets more
//! through, as words do not tell what they are used for, and never less.

use rustc_hash::FxHashMap;

use super::comparisons::is_exception;
use crate::frontend::sketch::{Clue, Flags, Glance, Role};
use crate::rules::success_as_proof::vocabulary::queries::{self, LONGEST_WORD};
use crate::rules::success_as_proof::vocabulary::tables::{
    ASKING, BEEN, CHECKPOINTS, DEMANDING, FAILURE, MARK_STATES, NOTHING_TO_DO, PERFORMERS,
    PLAIN_SUCCESS, REPORTING, STATUS as STATUSES, SUCCESS, TO_DO, WORK, WORK_LISTS,
};
use crate::rules::success_as_proof::vocabulary::{Vocabulary, parts};
use crate::rules::tables::collections::PUTS;

/// It names success in words that mean nothing else.
const PLAIN: Flags = 1;
/// It names a status.
const STATUS: Flags = 1 << 1;
/// It names success or failure.
const WORD: Flags = 1 << 2;
/// It has a name that may be that of a constant.
const CONSTANT: Flags = 1 << 3;
/// It runs queries.
const QUERIES: Flags = 1 << 4;
/// A text selects something.
const SELECTS: Flags = 1 << 5;
/// A text names what a successful run is called.
const SELECTED: Flags = 1 << 6;
/// A text names a status.
const QUERIED: Flags = 1 << 7;
/// It asks a function that is named like a test for success.
const ASKS: Flags = 1 << 8;
/// It marks a unit as done, or names such a state.
const MARKS: Flags = 1 << 9;
/// It does work.
const PERFORMS: Flags = 1 << 10;
/// It does work on units, or puts something into a collection.
const WORKS: Flags = 1 << 11;
/// It says that there is nothing to do, or its name asks whether there is.
const SAYS: Flags = 1 << 12;

/// For the search alone: it has a word that asks for a state, if one follows.
const IS: Flags = 1 << 13;
/// For the search alone: it has a state that may follow.
const STATE: Flags = 1 << 14;

/// The beginning of the words that mean success and nothing else.
const SUCC: &str = "succ";

/// The glance of the rule.
pub struct SuccessGlance {
    words: Vocabulary,
    seen: Flags,
    /// Whether the next word is the name of a function definition.
    defines: bool,
    /// The flags of names: as names, and as callees.
    names: FxHashMap<Box<str>, (Flags, Flags)>,
}

impl SuccessGlance {
    /// A glance with these words.
    pub fn new(words: Vocabulary) -> Self {
        SuccessGlance {
            words,
            seen: 0,
            defines: false,
            names: FxHashMap::default(),
        }
    }

    fn word_flags(&self, word: &str) -> Flags {
        let words = &self.words;
        let mut flags = 0;
        let mut set = |flag: Flags, when: bool| flags |= if when { flag } else { 0 };
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

    fn call_flags(&self, word: &str) -> Flags {
        let words = &self.words;
        let mut flags = 0;
        let mut set = |flag: Flags, when: bool| flags |= if when { flag } else { 0 };
        let parts = parts(word);
        let has = |list: &[&str]| parts.iter().any(|p| list.contains(&p.as_str()));
        set(
            ASKS,
            words.names_success(word) || words.asks(word).is_some(),
        );
        set(QUERIES, has(queries::RUNNERS));
        set(PERFORMS, words.is_performer(word) || has(REPORTING));
        flags
    }
}

/// Whether a function with these flags can matter.
fn is_enough(seen: Flags) -> bool {
    // Without an effect, a success leads to nothing.
    if seen & (WORKS | SAYS | MARKS) == 0 {
        return false;
    }
    let all = |flags: Flags| seen & flags == flags;
    all(PLAIN)
        || all(ASKS)
        || all(MARKS | PERFORMS)
        || all(STATUS | WORD)
        || all(STATUS | CONSTANT)
        || all(QUERIES | QUERIED)
        || all(QUERIES | CONSTANT)
        || all(SELECTS | SELECTED)
}

impl Glance for SuccessGlance {
    fn clues(&self) -> Option<Vec<Clue>> {
        let success = self.words.success.iter().flatten();
        let own = || success.clone().chain(&self.words.effects);
        if own().any(|word| !word.is_ascii()) {
            return None;
        }
        let mut out: Vec<Clue> = Vec::new();
        let mut add = |text: &str, whole: bool, flags: Flags| {
            out.push(Clue::new(text, whole, flags));
        };
        let whole = [
            (SUCCESS, WORD | ASKS),
            (PLAIN_SUCCESS, PLAIN),
            (FAILURE, WORD),
            (STATUSES, STATUS),
            (MARK_STATES, MARKS | STATE),
            (BEEN, STATE),
            (ASKING, IS),
            (DEMANDING, ASKS),
            (PERFORMERS, PERFORMS),
            (REPORTING, PERFORMS),
            (WORK, WORKS),
            (PUTS, WORKS),
            (WORK_LISTS, WORKS),
            (TO_DO, WORKS),
            (queries::RUNNERS, QUERIES),
        ];
        let anywhere: [(&[&str], Flags); 7] = [
            (NOTHING_TO_DO, SAYS | ASKS),
            (queries::SUCCESS, SELECTED),
            (&[queries::VERB], SELECTS),
            (&[queries::STATUS], QUERIED),
            (&[SUCC], PLAIN),
            (queries::CHANGES, MARKS),
            (CHECKPOINTS, MARKS),
        ];
        for (words, flags) in whole {
            words.iter().for_each(|word| add(word, true, flags));
        }
        for (words, flags) in anywhere {
            words.iter().for_each(|word| add(word, false, flags));
        }
        // The name of a file may end with one.
        for word in SUCCESS {
            add(&format!("_{word}"), false, PLAIN | MARKS);
            add(&format!(".{word}"), false, PLAIN | MARKS);
        }
        // Configured words may consist of several.
        success.for_each(|word| add(word, false, PLAIN | WORD | ASKS));
        let effects = self.words.effects.iter();
        effects.for_each(|word| add(word, false, MARKS));
        Some(out)
    }

    fn can_matter(&self, flags: Flags) -> bool {
        // The search does not look for constants: they are everywhere.
        let mut flags = flags | CONSTANT;
        if flags & IS != 0 && flags & STATE != 0 {
            flags |= ASKS;
        }
        // A function may have the name of a test.
        if flags & ASKS != 0 {
            flags |= SAYS;
        }
        is_enough(flags)
    }

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
            // Its callers are looked at separately.
            let asks = if call & ASKS != 0 { SAYS } else { 0 };
            let works = if self.words.is_work_list(word) {
                WORKS
            } else {
                0
            };
            self.seen |= plain & !(WORD | CONSTANT) | asks | works;
            return;
        }
        // Nothing is compared with a callee, the keyword of an argument or an exception class, and
        // an attribute with a name of one letter is no constant (`matrix.T`).
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
        if text.len() <= LONGEST_WORD {
            self.word(text, Role::default());
            if text.to_lowercase().starts_with(SUCC) {
                self.seen |= PLAIN;
            }
        }
        // A statement may be put together from short texts.
        let lower = text.to_lowercase();
        if lower.contains(queries::VERB) {
            self.seen |= SELECTS;
        }
        if queries::SUCCESS.iter().any(|word| lower.contains(word)) {
            self.seen |= SELECTED;
        }
        if lower.contains(queries::STATUS) {
            self.seen |= QUERIED;
        }
        if NOTHING_TO_DO.iter().any(|word| lower.contains(word)) {
            self.seen |= SAYS;
        }
        let start = lower.trim_start();
        if queries::CHANGES.iter().any(|verb| start.starts_with(verb))
            || self.words.is_mark_table(text)
        {
            self.seen |= MARKS;
        }
        if self.words.is_marker(text) {
            self.seen |= PLAIN | MARKS;
        }
    }

    fn matters(&mut self) -> bool {
        let seen = std::mem::take(&mut self.seen);
        self.defines = false;
        is_enough(seen)
    }
}

#[cfg(test)]
mod tests {
    use super::{SuccessGlance, Vocabulary};
    use crate::frontend::sketch::Glance;
    use crate::frontend::sketch::tests::Trial;

    fn vocabularies() -> [Vocabulary; 2] {
        let own = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect();
        let configured = Vocabulary {
            success: Some(own(&["green", "all_good", "count"])),
            counts: None,
            effects: own(&["close", "stamp_day"]),
        };
        [Vocabulary::default(), configured]
    }

    #[test]
    fn words_are_found_however_they_are_written() {
        let glance = |words| -> Box<dyn Glance> { Box::new(SuccessGlance::new(words)) };
        let mut trial = Trial::new(|| vocabularies().map(glance).into());
        for line in [
            "if run.state == 'COMPLETED_OK': items.append(1)",
            "if isDayDone(day): skipIt()",
            "if a.hasBeenProcessed(day): queue.push_back(day)",
            "rows = db.fetchAll(\"select x where y = 'ok'\"); self.load(rows)",
            "return f'{is_done(day)} DUPLICATES'",
            "if check_day_ran(): mar\u{212a}_done()",
            "if needs_work(x): \u{e9}.add(x)",
            "x = 'unsuccessful'; out.insert(x)",
            "if 'Succès' == x: out.put(x)",
            "if x == 'all_good': stamp_day(x)",
            "x = 'success1; out.put(x)",
        ] {
            let text = format!("def f():\n    {line}\n\ndef already_done():\n    pass\n");
            trial.that_matter(&text, line);
        }
    }
}
