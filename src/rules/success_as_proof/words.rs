//! The names that the rule goes by. They are data: configuration can add to them.

use std::cell::RefCell;
use std::rc::Rc;

use regex::Regex;
use rustc_hash::FxHashMap;

use super::tables::{
    COUNT, FAILURE, GATES, MARK_NOT, MARK_STATES, MARK_VERBS, NOT_COUNT, NOT_GATES, NOT_WORK,
    NOTIFIERS, OTHER_THINGS, PARTIAL, PERFORMERS, PLAIN_SUCCESS, PUTS, REGISTRIES, REPLIES, ROWS,
    SAYINGS, STATUS, STORES, SUCCESS, WORK, WORK_LISTS,
};

/// Names of which the words are remembered on each thread: many questions are asked of one name,
/// and code has few names.
const REMEMBERED: usize = 4096;

/// What is longer than this is no name.
const LONGEST: usize = 64;

/// What a name starts with that asks whether something is in a state.
pub(super) const ASKING: &[&str] = &["is", "has", "was", "were"];

/// What a name may have in place of the state of a unit that is done.
pub(super) const BEEN: &[&str] = &["run", "ran", "exists", "been"];

thread_local! {
    static KNOWN: RefCell<FxHashMap<Box<str>, Rc<[String]>>> = RefCell::default();
}

/// A name's words in lower case: `recordsProcessed` and `RECORDS_PROCESSED` are both `records`,
/// `processed`.
pub fn parts(name: &str) -> Rc<[String]> {
    if name.len() > LONGEST {
        return split(name).into();
    }
    KNOWN.with_borrow_mut(|known| {
        if let Some(words) = known.get(name) {
            return Rc::clone(words);
        }
        if known.len() >= REMEMBERED {
            known.clear();
        }
        let words: Rc<[String]> = split(name).into();
        known.insert(name.into(), Rc::clone(&words));
        words
    })
}

fn split(name: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut lower_before = false;
    for c in name.chars() {
        if !c.is_alphanumeric() {
            if !word.is_empty() {
                out.push(std::mem::take(&mut word));
            }
            lower_before = false;
            continue;
        }
        if c.is_uppercase() && lower_before && !word.is_empty() {
            out.push(std::mem::take(&mut word));
        }
        lower_before = c.is_lowercase() || c.is_ascii_digit();
        word.extend(c.to_lowercase());
    }
    if !word.is_empty() {
        out.push(word);
    }
    out
}

/// The names, with what the configuration adds.
#[derive(Clone, Debug, Default)]
pub struct Vocabulary {
    /// The words for success, in lower case, instead of the built-in ones.
    pub success: Option<Vec<String>>,
    /// What names of counts of records look like, instead of the built-in words.
    pub counts: Option<Regex>,
    /// Further names of calls that mark a unit done.
    pub effects: Vec<String>,
}

fn has(words: &[String], table: &[&str]) -> bool {
    words.iter().any(|w| table.contains(&w.as_str()))
}

impl Vocabulary {
    fn is_success_part(&self, word: &str) -> bool {
        match &self.success {
            Some(words) => words.iter().any(|s| s == word),
            None => SUCCESS.contains(&word),
        }
    }

    /// Whether a status text means success: `success`, `Succeeded`, `COMPLETED_OK`.
    pub fn is_success(&self, text: &str) -> bool {
        let lower = text.trim().to_lowercase();
        self.is_success_part(&lower) || {
            let words = parts(text);
            !words.is_empty()
                && words.len() <= 3
                && words.iter().any(|w| self.is_success_part(w))
                && words
                    .iter()
                    .all(|w| self.is_success_part(w) || PARTIAL.contains(&w.as_str()))
        }
    }

    /// Whether a status text can stand beside success in a set that counts as success.
    pub fn is_partial(&self, text: &str) -> bool {
        let words = parts(text);
        has(&words, PARTIAL) && !has(&words, FAILURE)
    }

    /// Whether a status text means failure.
    pub fn is_failure(&self, text: &str) -> bool {
        has(&parts(text), FAILURE)
    }

    /// Whether the text is success in no other trade than ours.
    pub fn is_plain_success(&self, text: &str) -> bool {
        let words = parts(text);
        match &self.success {
            Some(own) => words.iter().any(|w| own.contains(w)),
            None => has(&words, PLAIN_SUCCESS),
        }
    }

    /// Whether a constant is named for success: `Status.SUCCESS`, `DONE_STATES`.
    pub fn names_success(&self, path: &str) -> bool {
        let last = path.rsplit('.').next().unwrap_or(path);
        let words = parts(last);
        words.iter().any(|w| self.is_success_part(w)) && !has(&words, FAILURE)
    }

    /// Whether a constant is named for failure.
    pub fn names_failure(&self, path: &str) -> bool {
        has(&parts(path.rsplit('.').next().unwrap_or(path)), FAILURE)
    }

    /// Whether a name holds a status.
    pub fn is_status(&self, name: &str) -> bool {
        has(&parts(name), STATUS)
    }

    /// Whether a name holds a count of records.
    pub fn is_count(&self, name: &str) -> bool {
        let words = parts(name);
        if let Some(pattern) = &self.counts {
            return pattern.is_match(name);
        }
        has(&words, COUNT) && !has(&words, NOT_COUNT) && !has(&words, STATUS)
    }

    /// Whether a collection of that name holds records.
    pub fn is_rows(&self, name: &str) -> bool {
        let words = parts(name);
        has(&words, ROWS) && !has(&words, NOT_COUNT)
    }

    /// Whether a boolean of that name says that something succeeded.
    pub fn is_success_flag(&self, name: &str) -> bool {
        let words = parts(name);
        words.len() <= 2
            && words
                .iter()
                .any(|w| matches!(w.as_str(), "ok" | "success" | "succeeded" | "successful"))
    }

    /// Whether a call of that name does a unit of work and reports on it.
    pub fn is_performer(&self, name: &str) -> bool {
        parts(name)
            .first()
            .is_some_and(|w| PERFORMERS.contains(&w.as_str()))
    }

    /// Whether a name belongs to something read back from a store.
    pub fn is_store(&self, name: &str) -> bool {
        has(&parts(name), STORES)
    }

    /// Whether a name is that of a checkpoint, registry or history.
    pub fn is_registry(&self, name: &str) -> bool {
        has(&parts(name), REGISTRIES)
    }

    /// Whether a name belongs to the reply of a service.
    pub fn is_reply(&self, name: &str) -> bool {
        has(&parts(name), REPLIES)
    }

    /// Whether a name belongs to something that is no run.
    pub fn is_other_thing(&self, name: &str) -> bool {
        has(&parts(name), OTHER_THINGS)
    }

    /// Whether a call of that name marks a unit of work as done.
    pub fn marks(&self, name: &str) -> bool {
        if self.effects.iter().any(|e| e == name) {
            return true;
        }
        let words = parts(name);
        let Some(verb) = words.iter().position(|w| MARK_VERBS.contains(&w.as_str())) else {
            return false;
        };
        words
            .iter()
            .enumerate()
            .any(|(i, w)| i != verb && MARK_STATES.contains(&w.as_str()))
            && verb <= 1
            && !has(&words, MARK_NOT)
    }

    /// Whether a field of that name says that a unit of work is done.
    pub fn is_mark_field(&self, name: &str) -> bool {
        let words = parts(name);
        has(&words, MARK_STATES)
            && !has(&words, MARK_NOT)
            && !has(&words, COUNT)
            && words.len() <= 3
    }

    /// Whether a call of that name does work on a unit: its verb comes first.
    pub fn is_work(&self, name: &str) -> bool {
        const BEFORE: &[&str] = &[
            "do", "try", "async", "maybe", "start", "bulk", "batch", "force",
        ];
        let words = parts(name);
        let verb = words.iter().find(|w| !BEFORE.contains(&w.as_str()));
        verb.is_some_and(|w| WORK.contains(&w.as_str())) && !has(&words, NOT_WORK)
    }

    /// Whether the receiver of a call has nothing to do with the units: a pager, a log.
    pub fn is_no_worker(&self, name: &str) -> bool {
        has(&parts(name), NOT_WORK) || has(&parts(name), NOTIFIERS)
    }

    /// Whether a variable of that name holds work to do.
    pub fn is_work_list(&self, name: &str) -> bool {
        let words = parts(name);
        has(&words, WORK_LISTS)
            || words.windows(2).any(|w| {
                w[0] == "to"
                    && matches!(
                        w[1].as_str(),
                        "process" | "load" | "do" | "run" | "fetch" | "backfill" | "ingest"
                    )
            })
    }

    /// Whether a call of that name puts its argument into a collection.
    pub fn puts(&self, name: &str) -> bool {
        PUTS.contains(&name)
    }

    /// Whether a call of that name looks whether the records are there.
    pub fn is_gate(&self, name: &str) -> bool {
        let words = parts(name);
        (has(&words, GATES)
            || has(&words, &["has", "check", "ensure", "exist", "exists"])
                && has(
                    &words,
                    &[
                        "rows",
                        "records",
                        "data",
                        "coverage",
                        "table",
                        "partition",
                        "row",
                    ],
                ))
            && !has(&words, NOT_GATES)
    }

    /// Whether a text tells the caller that the unit needs no work.
    pub fn says_done(&self, text: &str) -> bool {
        has(&parts(text), SAYINGS)
    }

    /// What a function's name asks: `Some(true)` when "yes" means that the unit is done,
    /// `Some(false)` when "yes" means that there is work to do.
    pub fn asks(&self, function: &str) -> Option<bool> {
        let words = parts(function);
        let at = |i: usize| words.get(i).map_or("", String::as_str);
        let done = |w: &str| MARK_STATES.contains(&w) || BEEN.contains(&w);
        if words.iter().any(|w| w == "already") {
            return Some(true);
        }
        let start = usize::from(matches!(at(0), "check" | "unit" | "date" | "day"));
        match (at(start), at(start + 1)) {
            ("should" | "can" | "must", "skip") | ("skip", "") => Some(true),
            (
                "should" | "must",
                "run" | "process" | "load" | "fetch" | "ingest" | "backfill" | "reprocess"
                | "rerun" | "sync",
            )
            | ("needs" | "need", _) => Some(false),
            ("is", w) if done(w) && w != "run" => Some(true),
            ("has" | "was" | "were", _)
                if words[start + 1..].iter().any(|w| done(w)) && !has(&words, FAILURE) =>
            {
                Some(true)
            }
            ("is", _)
                if words.last().is_some_and(|w| {
                    done(w) && !matches!(w.as_str(), "run" | "exists" | "been")
                }) =>
            {
                Some(true)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Vocabulary, parts};

    #[test]
    fn names_fall_into_words() {
        assert_eq!(*parts("recordsProcessed"), ["records", "processed"]);
        assert_eq!(*parts("RECORDS_PROCESSED"), ["records", "processed"]);
        assert_eq!(*parts("Status.SUCCESS"), ["status", "success"]);
    }

    #[test]
    fn tables_look_at_whole_words() {
        let v = Vocabulary::default();
        for yes in [
            "success",
            "SUCCEEDED",
            "partial_success",
            "Completed",
            "done",
        ] {
            assert!(v.is_success(yes), "{yes}");
        }
        for no in [
            "failed",
            "unsuccessful",
            "incomplete",
            "running",
            "success rate",
            "",
        ] {
            assert!(!v.is_success(no), "{no}");
        }
        for yes in [
            "records_processed",
            "rows",
            "n_rows",
            "row_count",
            "num_records",
            "n",
        ] {
            assert!(v.is_count(yes), "{yes}");
        }
        for no in [
            "attempts",
            "run_count",
            "duration",
            "error_count",
            "rows_status",
        ] {
            assert!(!v.is_count(no), "{no}");
        }
        for yes in [
            "mark_date_complete",
            "markProcessed",
            "set_completed",
            "register_processed",
        ] {
            assert!(v.marks(yes), "{yes}");
        }
        for no in [
            "mark_failed",
            "set_progress",
            "record_completed_metric",
            "complete",
            "update",
        ] {
            assert!(!v.marks(no), "{no}");
        }
        for yes in [
            "already_processed",
            "should_skip",
            "is_complete",
            "has_been_processed",
            "is_day_done",
        ] {
            assert_eq!(v.asks(yes), Some(true), "{yes}");
        }
        assert_eq!(v.asks("should_process"), Some(false));
        for none in ["is_running", "process", "has_failed", "complete"] {
            assert_eq!(v.asks(none), None, "{none}");
        }
    }
}
