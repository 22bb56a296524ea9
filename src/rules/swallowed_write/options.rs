//! What a configuration can say about the rule.

use std::sync::Arc;

use crate::rules::tables::{self, has_word};
use crate::settings::{Form, Given, OptionSpec, OptionTable, OptionValue, Wrong};

/// Words that say of a write that it is beside the point: it may fail.
const AUXILIARY: &[&str] = &[
    "metric",
    "stat",
    "statsd",
    "audit",
    "cache",
    "failure",
    "failed",
    "error",
    "dead_letter",
    "dlq",
    "rejected",
    "history",
    "notify",
    "notification",
    "alert",
    "publish",
    "event",
    "heartbeat",
    "lineage",
    "log",
    "stdout",
    "stderr",
];

const WORDS: &str = "auxiliary";
const STRICT: &str = "strict";

/// The options of the rule.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Options {
    /// Further words for writes that may fail.
    pub auxiliary: Vec<String>,
    /// Whether a failure that somebody could hear of is reported all the same.
    pub strict: bool,
}

impl OptionValue for Options {}

/// How they are written.
pub struct Table;

impl OptionTable for Table {
    fn specs(&self) -> &'static [OptionSpec] {
        &[
            OptionSpec {
                key: WORDS,
                form: Form::MoreItems,
                about: "Further words for writes that may fail.",
            },
            OptionSpec {
                key: STRICT,
                form: Form::Flag { default: false },
                about: "Whether a failure that somebody could hear of is reported all the same \
                            (off unless told otherwise).",
            },
        ]
    }

    fn resolve(&self, given: &Given) -> Result<Arc<dyn OptionValue>, Wrong> {
        Ok(Arc::new(Options {
            auxiliary: given.list(WORDS).unwrap_or_default().to_vec(),
            strict: given.flag(STRICT).unwrap_or(false),
        }))
    }
}

impl Options {
    /// Whether a name of a call, a receiver or a helper says that what is written is beside the
    /// point.
    pub(super) fn is_auxiliary(&self, name: &str) -> bool {
        let further = self.auxiliary.iter().map(String::as_str);
        further
            .chain(AUXILIARY.iter().copied())
            .any(|w| has_word(name, w))
    }

    /// Whether a table is one of what went wrong, or of what was done.
    pub(super) fn is_log_table(&self, name: &str) -> bool {
        let table = name.rsplit('.').next().unwrap_or(name);
        let mut further = self.auxiliary.iter();
        tables::is_log_table(name) || further.any(|w| has_word(table, w))
    }
}

#[cfg(test)]
mod tests {
    use super::Options;
    use crate::rules::tables::has_word;

    #[test]
    fn words_stand_alone() {
        assert!(has_word("write_audit", "audit") && has_word("ad_metrics", "metric"));
        assert!(!has_word("auditorium", "audit") && !has_word("catalog", "log"));
    }

    #[test]
    fn tables_go_by_their_last_name() {
        let options = Options::default();
        assert!(options.is_log_table("ops.failure_log"));
        assert!(!options.is_log_table("audit.orders"));
    }
}
