//! Which failures are told to somebody, and which are nobody's loss.

use super::has_word;

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
    "stdout",
    "stderr",
];

/// Whether the name of a call, a receiver or a helper says that its write may fail without loss.
#[must_use]
pub fn is_auxiliary(name: &str) -> bool {
    let mut words = LOG_TABLES.iter().chain(AUXILIARY);
    words.any(|word| has_word(name, word))
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
    name.split('_').any(|w| TELLS.contains(&w))
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
