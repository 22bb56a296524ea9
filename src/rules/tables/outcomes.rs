//! Words for how a run ended, and what the names of calls and fields say about that.

use super::sinks::words;
use crate::sql::SUCCESS_WORDS;

/// Statuses that only a run has; the others may be states of anything.
pub const PLAIN_SUCCESS: &[&str] = &["success", "succeeded", "successful"];

/// Words that may stand beside a word for success in a status that counts as success.
pub const PARTIAL: &[&str] = &[
    "partial",
    "partially",
    "warning",
    "warnings",
    "empty",
    "skipped",
    "noop",
    "unchanged",
    "with",
    "all",
    "completed",
    "status",
    "state",
    "states",
    "statuses",
];

/// Statuses that mean failure.
pub const FAILURE: &[&str] = &[
    "failed", "failure", "fail", "error", "errored", "errors", "aborted", "crashed", "timeout",
];

/// Names that hold a status.
pub const STATUS: &[&str] = &["status", "state", "outcome", "conclusion", "result"];

/// Verbs that mark a unit, if a state from [`MARK_STATES`] follows: `mark_complete`.
pub const MARK_VERBS: &[&str] = &[
    "mark", "marks", "set", "update", "register", "record", "resolve", "complete", "flag",
];

/// States of a unit that is done.
pub const MARK_STATES: &[&str] = &[
    "complete",
    "completed",
    "completion",
    "processed",
    "reprocessed",
    "done",
    "finished",
    "backfilled",
    "resolved",
    "loaded",
    "ingested",
];

/// States of a unit that is not done: `mark_failed`. In a name with several states the last one
/// decides: `mark_failure_reprocessed` marks a unit as done, `mark_completed_pending` does not.
pub const OPEN_STATES: &[&str] = &[
    "failed",
    "failure",
    "error",
    "errored",
    "skipped",
    "triggered",
    "retrying",
    "retry",
    "pending",
    "started",
    "running",
    "progress",
    "time",
    "duration",
    "count",
    "open",
    "stale",
];

/// Words that keep such a name from marking a unit as done: it tells somebody, or denies it.
pub const NOT_MARKS: &[&str] = &[
    "metric", "metrics", "counter", "log", "event", "label", "badge", "color", "bar", "not", "un",
    "stats", "callback",
];

/// Verbs that do a unit of work and report on it.
pub const PERFORMERS: &[&str] = &[
    "run",
    "execute",
    "process",
    "perform",
    "backfill",
    "load",
    "ingest",
    "sync",
    "extract",
    "transform",
    "submit",
    "trigger",
    "launch",
    "import",
    "reprocess",
    "invoke",
    "call",
    "retry",
];

/// What a boolean that says "it succeeded" is called.
pub const SUCCESS_FLAGS: &[&str] = &["ok", "success", "succeeded", "successful"];

/// Collections of records.
pub const ROWS: &[&str] = &[
    "rows",
    "records",
    "data",
    "cached",
    "cache",
    "df",
    "frame",
    "dataframe",
    "documents",
];

/// Statuses that other things than runs have as well: a success that says nothing of failures.
const LOOSE: &[&str] = &["ok", "done"];

/// Verbs of calls that record how a run ended.
const RECORDS: &[&str] = &[
    "update",
    "record",
    "finish",
    "save",
    "set",
    "mark",
    "complete",
    "end",
    "close",
    "write",
    "insert",
    "put",
    "store",
    "patch",
    "upsert",
    "create",
    "register",
    "report",
    "log",
    "track",
    "finalize",
    "persist",
    "add",
    "transition",
    "resolve",
];

/// Verbs of calls that ask for something, and so record nothing.
const ASKS: &[&str] = &[
    "get", "find", "filter", "query", "select", "count", "where", "list", "fetch", "search",
    "exists", "assert", "expect", "is", "has", "print", "echo", "debug", "info", "warning",
    "parse", "exclude", "render", "wait", "check",
];

/// What is completed where a call completes a run.
const RUNS: &[&str] = &[
    "run",
    "job",
    "task",
    "import",
    "sync",
    "load",
    "batch",
    "execution",
    "pipeline",
    "step",
    "stage",
    "backfill",
    "ingestion",
    "etl",
    "export",
];

/// Words that say that the unit of a name is what failed, or that it was counted.
const FAILED: &[&str] = &[
    "fail",
    "fails",
    "failed",
    "failure",
    "failures",
    "error",
    "errors",
    "errored",
    "err",
    "errs",
    "exceptions",
    "rejected",
    "rejects",
];

/// Words that name a failure only where it is known that something failed.
const FAILED_IN_HANDLERS: &[&str] = &[
    "skipped", "skips", "bad", "broken", "lost", "dropped", "invalid",
];

/// Words for what worked, in the names of counts.
const WORKED: &[&str] = &[
    "ok",
    "success",
    "successes",
    "succeeded",
    "successful",
    "written",
    "stored",
    "saved",
    "inserted",
    "loaded",
    "imported",
    "uploaded",
];

/// Words for what was tried.
pub(super) const TRIED: &[&str] = &[
    "attempt",
    "attempts",
    "attempted",
    "tried",
    "total",
    "submitted",
    "requested",
    "expected",
];

/// Words that make such a name something else than the failures of this run.
const NO_COUNT: &[&str] = &[
    "max",
    "maximum",
    "limit",
    "rate",
    "threshold",
    "allowed",
    "tolerance",
    "last",
    "previous",
    "prev",
    "handler",
    "code",
    "type",
    "types",
    "retry",
    "retries",
    "retried",
    "consecutive",
    "attempt",
    "attempts",
    "expected",
    "known",
    "ignored",
    "log",
    "logs",
    "file",
    "path",
    "html",
    "css",
];

/// Collections of rows, beside [`ROWS`], and numbers of them.
const UNITS: &[&str] = &[
    "items",
    "entries",
    "batch",
    "batches",
    "events",
    "results",
    "messages",
    "files",
    "frames",
    "inserted",
    "loaded",
    "written",
    "rowcount",
    "upserted",
    "ingested",
    "processed",
];

/// Words that keep a collection from being the units of a run: it is good if there are none.
const NOT_WANTED: &[&str] = &[
    "missing",
    "remaining",
    "pending",
    "left",
    "outstanding",
    "unprocessed",
    "duplicate",
    "duplicated",
    "orphan",
    "orphaned",
    "stale",
    "expired",
    "conflicting",
    "changed",
    "old",
];

/// Words of texts that say that there was nothing to do.
const NOTHING: &[&str] = &[
    "no",
    "nothing",
    "none",
    "empty",
    "skip",
    "skipped",
    "skipping",
    "without",
    "not",
    "already",
    "0",
    "zero",
    "up",
    "missing",
    "unchanged",
    "noop",
];

/// Words that, behind "last", name the time of a success.
const GOOD: &[&str] = &["good", "success", "successful", "successfully", "succeeded"];

fn any(words: &[String], table: &[&str]) -> bool {
    words.iter().any(|word| table.contains(&word.as_str()))
}

/// Whether a status text says that a run ended well: `success`, `COMPLETED`.
#[must_use]
pub fn says_success(text: &str) -> bool {
    let words = words(text);
    !words.is_empty()
        && words.len() <= 2
        && any(&words, SUCCESS_WORDS)
        && words.iter().all(|word| {
            let word = word.as_str();
            SUCCESS_WORDS.contains(&word) || word == "status" || word == "all"
        })
}

/// Whether a status text says that something failed, or is to be looked at.
#[must_use]
pub fn says_failure(text: &str) -> bool {
    let words = words(text);
    any(&words, FAILURE) || any(&words, &["alert", "invalid", "unhealthy", "warning"])
}

/// Whether a status text says so of a run, and not only that somebody was answered: `ok` does not.
#[must_use]
pub fn says_run_succeeded(text: &str) -> bool {
    says_success(text) && !any(&words(text), LOOSE)
}

/// Whether a status text says that a run has come to its end, and leaves open how: `completed`.
#[must_use]
pub fn only_says_ended(text: &str) -> bool {
    let words = words(text);
    says_success(text) && !any(&words, PLAIN_SUCCESS) && !any(&words, &["ok"])
}

/// Whether a name holds the status of a run.
#[must_use]
pub fn names_status(name: &str) -> bool {
    words(name)
        .last()
        .is_some_and(|word| STATUS.contains(&word.as_str()))
}

/// Whether a boolean of that name says that something succeeded.
#[must_use]
pub fn is_success_flag(name: &str) -> bool {
    let words = words(name);
    words.len() <= 2
        && words
            .last()
            .is_some_and(|word| SUCCESS_FLAGS.contains(&word.as_str()))
        && !words
            .iter()
            .any(|word| matches!(word.as_str(), "is" | "last"))
}

/// Whether a time of that name says that all went well until then: `last_good_run`.
#[must_use]
pub fn names_last_success(name: &str) -> bool {
    let words = words(name);
    words.first().is_some_and(|word| word == "last") && any(&words, GOOD)
}

/// Whether a function of that name does a unit of work and reports on it.
#[must_use]
pub fn performs(name: &str) -> bool {
    words(name)
        .first()
        .is_some_and(|word| PERFORMERS.contains(&word.as_str()))
}

/// Whether a call records by its name alone that a run ended well: `record_success`, `complete_run`.
#[must_use]
pub fn claims_success(name: &str) -> bool {
    let words = words(name);
    let [verb, rest @ ..] = words.as_slice() else {
        return false;
    };
    let verb = verb.as_str();
    let against = any(rest, FAILURE) || any(rest, OPEN_STATES) || any(rest, NOT_MARKS);
    if rest.is_empty() || against || rest.len() > 4 {
        return false;
    }
    let state = any(rest, PLAIN_SUCCESS) || any(rest, MARK_STATES);
    (MARK_VERBS.contains(&verb) && verb != "complete" || verb == "report") && state
        || matches!(verb, "complete" | "succeed") && any(rest, RUNS)
}

/// Whether a call that is given a status records it, judged by its name.
#[must_use]
pub fn records_status(name: &str) -> bool {
    let words = words(name);
    any(&words, RECORDS)
        && !words
            .first()
            .is_some_and(|word| ASKS.contains(&word.as_str()))
}

/// Whether a call asks for something, or only shows it, judged by its name.
#[must_use]
pub fn asks_or_shows(name: &str) -> bool {
    words(name)
        .first()
        .is_some_and(|word| ASKS.contains(&word.as_str()))
}

/// Whether a call records by its name that something failed: `report_failure`, `add_error`.
#[must_use]
pub fn records_failure(name: &str) -> bool {
    let words = words(name);
    let verb = |word: &String| RECORDS.contains(&word.as_str()) && word != "log";
    words.first().is_some_and(verb) && any(&words, FAILED)
}

/// Whether a call only asks a question about what it is given, judged by its name: `is_valid`, `isinstance`.
#[must_use]
pub fn asks_whether(name: &str) -> bool {
    let words = words(name);
    let first = words.first();
    first.is_some_and(|word| matches!(word.as_str(), "is" | "has" | "isinstance" | "any" | "all"))
}

/// Whether the name of a status says that a run has ended without data: `COMPLETED_NO_DATA`, `EMPTY`.
#[must_use]
pub fn says_no_data(name: &str) -> bool {
    let words = words(name);
    let pair = |pair: &[String]| {
        pair[0] == "no" && matches!(pair[1].as_str(), "data" | "rows" | "records")
    };
    words.len() <= 3 && (words.windows(2).any(pair) || any(&words, &["empty", "nodata"]))
}

/// Whether a name holds failures of a run or their number. `handling`: what is done to it is done because
/// something failed.
#[must_use]
pub fn counts_failures(name: &str, handling: bool) -> bool {
    let words = words(name);
    words.len() <= 4
        && (any(&words, FAILED) || handling && any(&words, FAILED_IN_HANDLERS))
        && !any(&words, NO_COUNT)
}

/// Whether a name holds how much of a run worked.
#[must_use]
pub fn counts_successes(name: &str) -> bool {
    let words = words(name);
    words.len() <= 3 && any(&words, WORKED) && !any(&words, FAILED) && !any(&words, TRIED)
}

/// Whether the name of such a count says no more than that something was a success.
#[must_use]
pub fn counts_plain_successes(name: &str) -> bool {
    any(&words(name), PLAIN_SUCCESS) || any(&words(name), &["successes"])
}

/// Whether a name holds how much a run has tried.
#[must_use]
pub fn counts_tries(name: &str) -> bool {
    let words = words(name);
    words.len() <= 3 && any(&words, TRIED) && ![FAILED, WORKED].iter().any(|of| any(&words, of))
}

/// Whether a name holds rows, other units of work, or a number of them.
#[must_use]
pub fn names_units(name: &str) -> bool {
    let words = words(name);
    words.len() <= 3
        && words.last().is_some_and(|word| {
            let word = word.as_str();
            ROWS.contains(&word) && !matches!(word, "cache" | "cached") || UNITS.contains(&word)
        })
        && ![FAILED, FAILED_IN_HANDLERS, NOT_WANTED]
            .iter()
            .any(|table| any(&words, table))
}

/// Whether a text says that there was nothing to do.
#[must_use]
pub fn says_nothing_done(text: &str) -> bool {
    any(&words(text), NOTHING)
}

#[cfg(test)]
mod tests {
    use super::{
        claims_success, counts_failures, is_success_flag, names_units, records_failure,
        records_status, says_no_data, says_success,
    };

    #[test]
    fn names_of_outcomes() {
        for yes in [
            "record_success",
            "mark_succeeded",
            "complete_run",
            "markProcessed",
            "set_completed",
        ] {
            assert!(claims_success(yes), "{yes}");
        }
        for no in [
            "mark_failed",
            "complete",
            "record_success_metric",
            "completed",
            "set_completed_count",
        ] {
            assert!(!claims_success(no), "{no}");
        }
        for yes in [
            "errors",
            "n_failed",
            "errorCount",
            "failed_rows",
            "import_errors",
        ] {
            assert!(counts_failures(yes, false), "{yes}");
        }
        for no in [
            "max_errors",
            "error_rate",
            "consecutive_failures",
            "terrors",
            "skipped",
        ] {
            assert!(!counts_failures(no, false), "{no}");
        }
        assert!(counts_failures("skipped", true));
        assert!(
            says_success("Completed")
                && !says_success("success rate")
                && !says_success("partial_success")
        );
        assert!(is_success_flag("success") && !is_success_flag("last_success"));
        assert!(records_status("update_job") && !records_status("get_job_log"));
    }

    #[test]
    fn names_of_failures_and_of_nothing() {
        assert!(records_failure("report_failure") && records_failure("addError"));
        assert!(!records_failure("log_error") && !records_failure("failed"));
        assert!(says_no_data("COMPLETED_NO_DATA") && says_no_data("CompletedNoData"));
        assert!(!says_no_data("NOT_STARTED") && !says_no_data("data"));
        assert!(names_units("new_rows") && !names_units("missing_rows"));
        assert!(!names_units("bad_rows") && !names_units("failed_items"));
    }
}
