//! Which failures are told to somebody, and which are nobody's loss.

use super::about::keeps_about_data;
use super::reading::only_reading_raises;
use super::sinks::words;
use super::{has_any, has_word};
use crate::settings::Writes;

/// Words in names of tables that record errors or activity.
const LOG_TABLES: &[&str] = &[
    "audit",
    "failure",
    "failed",
    "error",
    "dead_letter",
    "history",
    "log",
    "heartbeat",
];

/// Whether a table records errors or activity, judged by the last part of its name.
#[must_use]
pub fn is_log_table(name: &str) -> bool {
    let table = name.rsplit('.').next().unwrap_or(name);
    LOG_TABLES.iter().any(|w| has_word(table, w))
}

/// Words for work of a pipeline, and for what is counted of it: a table that is named with one of
/// both records how runs went.
const MACHINERY: &[&str] = &[
    "system", "run", "job", "task", "pipeline", "etl", "process", "node", "worker", "query", "load",
];
const COUNTED: &[&str] = &["statistic", "stat", "metric", "usage"];

/// Whether the statement at the start of a text changes a table that records errors, activity, or
/// how runs went.
#[must_use]
pub fn changes_log_table(text: &str) -> bool {
    let mut words = text.split_whitespace().filter(|word| {
        let lower = word.to_ascii_lowercase();
        !matches!(
            lower.as_str(),
            "into" | "or" | "ignore" | "overwrite" | "table"
        )
    });
    let verb = words.next().unwrap_or_default().to_ascii_lowercase();
    if !matches!(verb.as_str(), "insert" | "merge" | "update" | "replace") {
        return false;
    }
    let table = words.next().unwrap_or_default();
    let table = table.split('(').next().unwrap_or_default();
    let table = table.trim_matches(|c: char| !c.is_alphanumeric() && c != '_');
    is_log_table(table)
        || MACHINERY.iter().any(|w| has_word(table, w))
            && COUNTED.iter().any(|w| has_word(table, w))
}

/// Words that say that rows were refused, in names and in texts.
const REFUSED: &[&str] = &[
    "failed",
    "failure",
    "failures",
    "error",
    "errors",
    "rejected",
    "refused",
    "unprocessed",
    "failedrecordcount",
    "failedputcount",
    "unprocesseditems",
];

/// Words that say that they were stored.
const STORED: &[&str] = &[
    "ok",
    "success",
    "successful",
    "succeeded",
    "completed",
    "acknowledged",
];

/// The words that say what a write came to, in lower case.
pub(super) fn verdicts() -> impl Iterator<Item = &'static str> {
    REFUSED.iter().chain(STORED).copied()
}

/// Whether a name or a text says that rows were refused: `failed`, `row_errors`, `has_error`.
#[must_use]
pub fn says_refused(name: &str) -> bool {
    has_any(&name.to_ascii_lowercase(), REFUSED)
}

/// Whether a name or a text says that rows were stored: `ok`, `is_success`, `Completed`.
#[must_use]
pub fn says_stored(name: &str) -> bool {
    has_any(&name.to_ascii_lowercase(), STORED)
}

/// Whether a text marks what it belongs to as failed: `failed`, `error`.
#[must_use]
pub fn is_failed_mark(text: &str) -> bool {
    let lower = text.trim().to_ascii_lowercase();
    matches!(
        lower.as_str(),
        "failed" | "failure" | "error" | "errored" | "partial" | "retry"
    )
}

/// Whether a class from outside the program takes log records.
#[must_use]
pub fn takes_log_records(path: &str) -> bool {
    path.starts_with("logging.") && path.ends_with("Handler")
}

/// Words that say, in names of exceptions, that what was asked for is not there.
const MISSING: &[&str] = &[
    "notfound",
    "not_found",
    "doesnotexist",
    "nosuch",
    "keyerror",
];

/// Whether an exception says that what was asked for is not there, judged by its name.
#[must_use]
pub fn says_missing(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    MISSING.iter().any(|word| lower.contains(word))
}

/// Exceptions that say that there is nothing more to read: no write fails with one of them.
const NOTHING_LEFT: &[&str] = &[
    "StopIteration",
    "StopAsyncIteration",
    "GeneratorExit",
    "EOFError",
    "Empty",
    "QueueEmpty",
];

/// Whether an exception says that there is nothing more to read, judged by its name.
#[must_use]
pub fn says_nothing_left(name: &str) -> bool {
    NOTHING_LEFT.contains(&name)
}

/// Words that say, in names of calls, that something went wrong.
const FAILING: &[&str] = &["fail", "failed", "failure", "failures", "error", "errors"];

/// Whether the name of a call says that something went wrong.
#[must_use]
pub fn says_failure(name: &str) -> bool {
    has_any(name, FAILING)
}

/// Whether objects of a class are records of what went wrong: `GatherError`.
#[must_use]
pub fn is_failure_record(class: &str) -> bool {
    words(class)
        .last()
        .is_some_and(|word| FAILING.contains(&word.as_str()))
}

/// The first HTTP status that says that a request failed.
const FAILED_STATUS: i64 = 400;

/// Whether a number is an HTTP status that says that a request failed.
#[must_use]
pub fn is_failed_status(status: i64) -> bool {
    (FAILED_STATUS..600).contains(&status)
}

/// Names of arguments that are HTTP statuses.
const STATUS_NAMES: &[&str] = &["status", "status_code"];

/// Whether an argument of that name is an HTTP status.
#[must_use]
pub fn is_status_name(name: &str) -> bool {
    STATUS_NAMES.contains(&name)
}

/// The HTTP status that the name of a constant says: `HTTP_400_BAD_REQUEST`.
#[must_use]
pub fn status_in_name(name: &str) -> Option<i64> {
    name.strip_prefix("HTTP_")?.split('_').next()?.parse().ok()
}

/// More words for writes that may fail without loss, beside [`LOG_TABLES`].
const AUXILIARY: &[&str] = &[
    "metric",
    "stat",
    "statsd",
    "cache",
    "dlq",
    "rejected",
    "notify",
    "notification",
    "alert",
    "publish",
    "event",
    "lineage",
    "marker",
    "stdout",
    "stderr",
];

/// Whether the name of a call, a receiver or a helper says that its write may fail without loss.
#[must_use]
pub fn is_auxiliary(name: &str) -> bool {
    let mut auxiliary = LOG_TABLES.iter().chain(AUXILIARY);
    // Of a class, the last word says what it is: `HarvestLog`, but not `EventLoader`.
    let words = words(name);
    let class = words.last().filter(|_| name.contains(char::is_uppercase));
    auxiliary.any(|word| has_word(name, word) || class.is_some_and(|c| has_word(c, word)))
        || keeps_about_data(name)
}

/// Nouns among [`AUXILIARY`] that are the rows of some pipelines, and verbs that store those.
const ALSO_ROWS: &[&str] = &["event", "notification", "alert", "log", "metric"];
const STORING_VERBS: &[&str] = &[
    "save", "store", "insert", "upsert", "persist", "write", "put", "add", "create", "ingest",
    "index", "bulk",
];

/// Whether a call is named like one that stores what some pipelines read, and others write besides:
/// `save_event`.
#[must_use]
pub fn stores_what_is_read(name: &str) -> bool {
    let words = words(name);
    let [verb, rest @ ..] = words.as_slice() else {
        return false;
    };
    let is_row = |word: &String| {
        let one = word.strip_suffix('s').unwrap_or(word);
        ALSO_ROWS.contains(&one)
    };
    // `write_event_log` and `save_failed_event` are about something else.
    STORING_VERBS.contains(&verb.as_str())
        && rest.iter().filter(|word| is_auxiliary(word)).count() == 1
        && rest.iter().any(is_row)
}

/// Last words in names of classes whose writes may fail without loss.
const AUXILIARY_CLASSES: &[&str] = &[
    "cache",
    "caches",
    "metrics",
    "telemetry",
    "logger",
    "notifier",
    "tracer",
    "audit",
    "profiler",
];

/// Whether the writes of a class may fail without loss, judged by its name: `RedisCache`.
#[must_use]
pub fn is_auxiliary_class(class: &str) -> bool {
    let words = words(class);
    words
        .last()
        .is_some_and(|word| AUXILIARY_CLASSES.contains(&word.as_str()))
}

/// Words in names of functions whose failure is nobody's loss.
const BEST_EFFORT: &[&str] = &[
    "notify",
    "notification",
    "alert",
    "log",
    "audit",
    "metric",
    "cache",
    "clean",
    "cleanup",
];

/// Whether the failure of a function of that name is nobody's loss.
#[must_use]
pub fn is_best_effort(name: &str) -> bool {
    BEST_EFFORT.iter().any(|word| has_word(name, word))
}

/// Words in names of calls that only tell somebody about a failure.
const TELLS: &[&str] = &[
    "send",
    "tell",
    "report",
    "capture",
    "emit",
    "mail",
    "email",
    "post",
    "notify",
    "notifier",
    "notification",
    "alert",
    "alerts",
    "publish",
    "log",
    "logger",
    "warn",
    "metric",
    "metrics",
    "audit",
    "event",
    "events",
    "sentry",
    "slack",
];

/// Whether a call only tells somebody about a failure, judged by its name.
#[must_use]
pub fn tells(name: &str) -> bool {
    has_any(name, TELLS)
}

/// Whether a call or an object of that name only logs, tells or shows: it is about people, and not
/// about data.
#[must_use]
pub fn only_tells(name: &str) -> bool {
    let words = words(name);
    let says = |word: &String| {
        let logs = matches!(
            word.as_str(),
            "logs" | "logging" | "debug" | "info" | "ui" | "echo"
        );
        logs || tells(word) || shows(word)
    };
    words.iter().any(says)
}

/// Whether an object of that name collects what happened in a run, for whoever reads it at the end:
/// `self.report`, whose words are those of a call that only tells.
#[must_use]
pub fn is_report(name: &str) -> bool {
    words(name).last().is_some_and(|word| word == "report")
}

/// Whether a call of such an object only tells somebody: `report.send(…)`, but not
/// `report.report_failure(…)`.
#[must_use]
pub fn tells_on_report(name: &str) -> bool {
    tells(name.strip_prefix("report_").unwrap_or(name))
}

/// Words in names of calls that describe something.
const DESCRIBES: &[&str] = &[
    "dump",
    "dumps",
    "describe",
    "description",
    "mogrify",
    "pformat",
    "preview",
    "render",
    "repr",
    "safe",
    "sanitize",
    "redact",
    "mask",
    "serialize",
    "shorten",
    "summarize",
    "summary",
    "truncate",
];

/// Whether a call only describes what it is given, judged by its name.
#[must_use]
pub fn describes(name: &str) -> bool {
    let words = words(name);
    let is = |word: &String| DESCRIBES.contains(&word.as_str());
    words.iter().any(is) || super::is_harmless(name)
}

/// Verbs in names of calls that do more than describe what they are given, beside those of writes: what
/// they answer may be logged.
const DOES_MORE: &[&str] = &[
    "add",
    "append",
    "archive",
    "backup",
    "capture",
    "create",
    "delete",
    "drop",
    "emit",
    "enqueue",
    "fail",
    "handle",
    "insert",
    "keep",
    "mark",
    "note",
    "notify",
    "post",
    "process",
    "push",
    "put",
    "queue",
    "record",
    "recover",
    "register",
    "remove",
    "replay",
    "report",
    "reprocess",
    "resend",
    "rollback",
    "run",
    "save",
    "schedule",
    "send",
    "set",
    "skip",
    "spill",
    "spool",
    "stash",
    "store",
    "submit",
    "track",
    "update",
];

/// Whether a call may do more than describe what it is given, judged by its name.
#[must_use]
pub fn does_more_than_describe(name: &str) -> bool {
    let verb = words(name).into_iter().next().unwrap_or_default();
    DOES_MORE.contains(&verb.as_str())
        || super::gives_back(name)
        || super::is_write(&Writes::default(), name, None, &[])
}

/// Words in names of what only shows texts to whoever looks.
const SHOWS: &[&str] = &["stdout", "stderr", "console", "print", "progress", "statsd"];

/// Whether a call or its receiver only shows texts to whoever looks, judged by its name.
#[must_use]
pub fn shows(name: &str) -> bool {
    has_any(name, SHOWS)
}

/// Exceptions that say that something is wrong with the program or with what it read, and not that a
/// write failed; in lower case.
const NO_WRITE_ERRORS: &[&str] = &[
    "valueerror",
    "keyerror",
    "indexerror",
    "typeerror",
    "attributeerror",
    "nameerror",
    "lookuperror",
    "importerror",
    "modulenotfounderror",
    "notimplementederror",
    "assertionerror",
    "filenotfounderror",
    "unicodedecodeerror",
    "unicodeerror",
    "decodeerror",
    "syntaxerror",
    "validationerror",
    "httpexception",
    "http404",
    "cancellederror",
    "keyboardinterrupt",
    "systemexit",
    "zerodivisionerror",
    "arithmeticerror",
    "decimalexception",
    "invalidoperation",
    "objectdoesnotexist",
    "noresultfound",
    "zoneinfonotfounderror",
];

/// Whether no write is known to fail with an exception, judged by its name.
#[must_use]
pub fn is_no_write_error(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    NO_WRITE_ERRORS.contains(&lower.as_str())
        || only_reading_raises(&lower)
        || says_missing(&lower) && !says_duplicate(&lower)
        || says_nothing_left(name)
}

/// Words in names of calls that hand a failure to an error tracker, joined.
const TRACKING: &[&str] = &[
    "capture_exception",
    "captureexception",
    "capture_error",
    "record_exception",
    "report_exception",
    "report_exc_info",
    "notice_error",
    "notify_exception",
];

/// Error trackers, in names of receivers.
const TRACKERS: &[&str] = &[
    "sentry",
    "sentry_sdk",
    "rollbar",
    "bugsnag",
    "honeybadger",
    "airbrake",
    "raygun",
    "newrelic",
];

/// Whether a call hands a failure to an error tracker.
#[must_use]
pub fn tracks_errors(name: &str, receiver: &str) -> bool {
    let (name, receiver) = (name.to_ascii_lowercase(), receiver.to_ascii_lowercase());
    TRACKING.iter().any(|word| name.contains(word))
        || TRACKERS.iter().any(|word| receiver.contains(word))
}

/// Whether a call tells a person in an answer: a message of a web framework.
#[must_use]
pub fn answers_person(name: &str, receiver: &str) -> bool {
    receiver.eq_ignore_ascii_case("messages") || matches!(name, "flash" | "abort")
}

/// Words in names of calls that clean up or wait.
const CLEANS_UP: &[&str] = &[
    "rollback",
    "close",
    "cleanup",
    "clean",
    "release",
    "unlock",
    "disconnect",
    "shutdown",
    "reset",
    "expunge",
    "expire",
    "remove",
    "unlink",
    "rmtree",
    "sleep",
    "wait",
    "reconnect",
    "connect",
    "refresh",
    "clear",
    "format_exc",
    "print_exc",
    "traceback",
    "aclose",
    "invalidate",
    "join",
    "gc",
    "collect",
    "perf",
    "strftime",
    "encode",
    "decode",
];

/// Whether a call only cleans up or waits, judged by its name.
#[must_use]
pub fn cleans_up(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    CLEANS_UP.contains(&lower.as_str()) || has_any(&lower, CLEANS_UP)
}

/// Texts that say that something is there already, in names of exceptions and in tests of them. 409
/// is the HTTP status *Conflict*.
const DUPLICATE_WORDS: &[&str] = &["alreadyexist", "already_exist", "already exist", "409"];

/// Texts that say the same of one row, wherever they stand.
const DUPLICATE_ROW_WORDS: &[&str] = &[
    "duplicate",
    "uniqueviolation",
    "unique_violation",
    "integrityerror",
];

/// Whether a text in lower case says that something is there already.
#[must_use]
pub fn says_duplicate(text: &str) -> bool {
    DUPLICATE_WORDS.iter().any(|word| text.contains(word)) || says_duplicate_row(text)
}

/// Whether a text in lower case says that a row is there already. Of a batch, that says nothing
/// about the other rows.
#[must_use]
pub fn says_duplicate_row(text: &str) -> bool {
    DUPLICATE_ROW_WORDS.iter().any(|word| text.contains(word))
}

#[cfg(test)]
mod tests {
    use super::{changes_log_table, is_auxiliary, says_missing, status_in_name, takes_log_records};

    #[test]
    fn tables_of_runs_and_of_data() {
        assert!(changes_log_table(
            "INSERT INTO system_statistics (at) VALUES (1)"
        ));
        assert!(changes_log_table(
            "insert into `ops.failure_log` (at) values (1)"
        ));
        assert!(!changes_log_table(
            "INSERT INTO player_stats (goals) VALUES (1)"
        ));
        assert!(!changes_log_table("SELECT at FROM failure_log"));
    }

    #[test]
    fn classes() {
        assert!(is_auxiliary("HarvestLog") && !is_auxiliary("EventLoader"));
        assert!(takes_log_records("logging.handlers.SocketHandler"));
        assert!(!takes_log_records("http.server.BaseHTTPRequestHandler"));
        assert!(says_missing("ObjectNotFound") && !says_missing("IntegrityError"));
    }

    #[test]
    fn statuses() {
        assert_eq!(status_in_name("HTTP_404_NOT_FOUND"), Some(404));
        assert_eq!(status_in_name("HTTP_PROXY"), None);
    }
}
