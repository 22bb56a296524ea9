//! What names and texts mean: the words of the rule, with what the configuration adds.
//!
//! | module | owns |
//! |---|---|
//! | `tables` | words, by what they mean |
//! | `calls` | methods and functions of libraries |
//! | `queries` | which texts are queries about runs |
//! | `parts` | how a name falls into words |

pub mod calls;
mod parts;
pub mod queries;
pub mod tables;

use regex::Regex;

use crate::rules::tables::collections::PUTS;
pub use parts::parts;
use tables::{
    ASKING, AWAITED, BEEN, BEFORE_QUESTION, BEFORE_WORK, CHECKPOINTS, COUNT, DEMANDED, FAILURE,
    GATES, LOOKED_FOR, LOOKING, MARK_STATES, MARK_VERBS, NOT_COUNT, NOT_GATES, NOT_MARKS, NOT_WORK,
    NOTHING_TO_DO, NOTIFIERS, OPEN_STATES, OTHER_THINGS, PARTIAL, PERFORMERS, PLAIN_SUCCESS,
    REGISTRIES, REPLIES, ROWS, STATED, STATUS, STORES, SUCCESS, SUCCESS_FLAGS, TO_DO, WORK,
    WORK_LISTS,
};

/// The built-in words, with what the configuration changes.
#[derive(Clone, Debug, Default)]
pub struct Vocabulary {
    /// Words for success in lower case; they replace the built-in ones.
    pub success: Option<Vec<String>>,
    /// Matches names of counts of records; it replaces the built-in words.
    pub counts: Option<Regex>,
    /// More names of calls that mark a unit as done.
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

    /// Whether a set of statuses that holds this one beside a success still counts as success.
    pub fn is_partial(&self, text: &str) -> bool {
        let words = parts(text);
        has(&words, PARTIAL) && !has(&words, FAILURE)
    }

    /// Whether a status text means failure.
    pub fn is_failure(&self, text: &str) -> bool {
        has(&parts(text), FAILURE)
    }

    /// Whether a status says that a run succeeded: other words may be states of anything.
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
        words.len() <= 2 && has(&words, SUCCESS_FLAGS)
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
        verb <= 1
            && says_done(words.iter().enumerate().filter(|(i, _)| *i != verb))
            && !has(&words, NOT_MARKS)
    }

    /// Whether a field of that name says that a unit of work is done.
    pub fn is_mark_field(&self, name: &str) -> bool {
        let words = parts(name);
        says_done(words.iter().enumerate())
            && !has(&words, NOT_MARKS)
            && !has(&words, COUNT)
            && words.len() <= 3
    }

    /// Whether a name is that of what a run waits for.
    pub fn is_awaited(&self, name: &str) -> bool {
        has(&parts(name), AWAITED)
    }

    /// Whether a text is a state that says that work on a unit is done, and not just that a run has
    /// ended: `processed`.
    pub fn is_work_state(&self, text: &str) -> bool {
        let words = parts(text);
        matches!(&words[..], [word] if MARK_STATES.contains(&word.as_str()) && !self.is_success_part(word))
    }

    /// Whether a row in a table of this name says that a unit is done: `ops.checkpoints`,
    /// `processed_files`.
    pub fn is_mark_table(&self, name: &str) -> bool {
        let last = name.rsplit('.').next().unwrap_or(name);
        if last.contains(char::is_whitespace) || last.contains('/') {
            return false;
        }
        let words = parts(last);
        (has(&words, CHECKPOINTS) || words.len() > 1 && says_done(words.iter().enumerate()))
            && !has(&words, NOT_MARKS)
            && !has(&words, OPEN_STATES)
    }

    /// Whether a text says that a unit is not done.
    pub fn is_open(&self, text: &str) -> bool {
        let words = parts(text);
        has(&words, OPEN_STATES) || has(&words, FAILURE)
    }

    /// Whether a text is, or ends with, the name of a file that marks a unit as done: `_SUCCESS`,
    /// `2024-05-01.done`.
    pub fn is_marker(&self, text: &str) -> bool {
        let last = text.rsplit(['/', '\\']).next().unwrap_or(text);
        let word = match last.strip_prefix('_') {
            Some(word) => word,
            None => match last.rsplit_once('.') {
                Some((_, extension)) => extension,
                None => return false,
            },
        };
        self.is_success_part(&word.to_lowercase())
    }

    /// Whether the truth of a call's result says that something succeeded: `is_success`,
    /// `was_successful`, `succeeded`.
    pub fn asks_success(&self, name: &str) -> bool {
        let words = parts(name);
        let asks = |w: &str| ASKING.contains(&w) || PLAIN_SUCCESS.contains(&w);
        words.first().is_some_and(|w| asks(w))
            && words.len() <= 3
            && has(&words, PLAIN_SUCCESS)
            && !has(&words, FAILURE)
            && !has(&words, NOT_MARKS)
    }

    /// Whether a call of that name does work on a unit: its verb comes first.
    pub fn is_work(&self, name: &str) -> bool {
        let words = parts(name);
        let verb = words.iter().find(|w| !BEFORE_WORK.contains(&w.as_str()));
        verb.is_some_and(|w| WORK.contains(&w.as_str())) && !has(&words, NOT_WORK)
    }

    /// Whether a receiver of that name does no work on units: a pager, a log.
    pub fn is_no_worker(&self, name: &str) -> bool {
        has(&parts(name), NOT_WORK) || has(&parts(name), NOTIFIERS)
    }

    /// Whether a variable of that name holds work to do.
    pub fn is_work_list(&self, name: &str) -> bool {
        let words = parts(name);
        has(&words, WORK_LISTS)
            || words
                .windows(2)
                .any(|w| w[0] == "to" && TO_DO.contains(&w[1].as_str()))
    }

    /// Whether a call of that name puts its argument into a collection.
    pub fn puts(&self, name: &str) -> bool {
        PUTS.contains(&name)
    }

    /// Whether a call of that name verifies that the records are there.
    pub fn is_gate(&self, name: &str) -> bool {
        let words = parts(name);
        (has(&words, GATES) || has(&words, LOOKING) && has(&words, LOOKED_FOR))
            && !has(&words, NOT_GATES)
    }

    /// Whether a text tells the caller that the unit needs no work.
    pub fn says_done(&self, text: &str) -> bool {
        let words = parts(text);
        let mut said = (0..words.len()).filter(|at| NOTHING_TO_DO.contains(&words[*at].as_str()));
        said.any(|at| {
            let next = |n: usize| words.get(at + n).map_or("", String::as_str);
            // That something is there, or how far it is, does not say that it was processed.
            let of_state =
                STATED.contains(&next(1)) || next(1) == "in" && STATED.contains(&next(2));
            words[at] != "already" || !of_state
        })
    }

    /// What the name of a function asks: `Some(true)` if "yes" means that the unit is done,
    /// `Some(false)` if "yes" means that there is work to do.
    pub fn asks(&self, function: &str) -> Option<bool> {
        let words = parts(function);
        let at = |i: usize| words.get(i).map_or("", String::as_str);
        let done = |w: &str| MARK_STATES.contains(&w) || BEEN.contains(&w);
        if words.iter().any(|w| w == "already") {
            return Some(true);
        }
        let start = usize::from(BEFORE_QUESTION.contains(&at(0)));
        match (at(start), at(start + 1)) {
            ("should" | "can" | "must", "skip") | ("skip", "") => Some(true),
            ("should" | "must", verb) if DEMANDED.contains(&verb) => Some(false),
            ("needs" | "need", _) => Some(false),
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

/// Whether the last of these words that names the state of a unit says that it is done.
fn says_done<'w>(words: impl DoubleEndedIterator<Item = (usize, &'w String)>) -> bool {
    let mut states = words.rev().filter_map(|(_, word)| {
        let done = MARK_STATES.contains(&word.as_str());
        (done || OPEN_STATES.contains(&word.as_str())).then_some(done)
    });
    states.next().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::Vocabulary;

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
            "mark_failure_reprocessed",
            "mark_error_resolved",
        ] {
            assert!(v.marks(yes), "{yes}");
        }
        for no in [
            "mark_failed",
            "set_progress",
            "record_completed_metric",
            "mark_load_failed",
            "mark_completed_pending",
            "mark_not_done",
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
