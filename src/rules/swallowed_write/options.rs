//! The options of the rule.

use std::sync::Arc;

use crate::rules::tables::{self, has_word};
use crate::settings::{Form, Given, OptionSpec, OptionTable, OptionValue, Wrong};

const WORDS: &str = "auxiliary";
const STRICT: &str = "strict";
const OUTSIDE: &str = "outside-contracts";

/// The options of the rule.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Options {
    /// More words for writes that may fail without loss.
    pub auxiliary: Vec<String>,
    /// Whether a failure is reported even if somebody could learn of it.
    pub strict: bool,
    /// Whether functions are looked at that no contract names.
    pub outside_contracts: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            auxiliary: Vec::new(),
            strict: false,
            outside_contracts: true,
        }
    }
}

impl OptionValue for Options {}

/// How the options are written.
pub struct Table;

impl OptionTable for Table {
    fn specs(&self) -> &'static [OptionSpec] {
        &[
            OptionSpec {
                key: WORDS,
                form: Form::MoreItems,
                about: "More words for writes that may fail without loss.",
            },
            OptionSpec {
                key: STRICT,
                form: Form::Flag { default: false },
                about: "Whether a failure is reported even if somebody could learn of it (off by \
                        default).",
            },
            OptionSpec {
                key: OUTSIDE,
                form: Form::Flag { default: true },
                about: "Whether functions and methods are looked at that no contract names (on by \
                        default).",
            },
        ]
    }

    fn resolve(&self, given: &Given) -> Result<Arc<dyn OptionValue>, Wrong> {
        Ok(Arc::new(Options {
            auxiliary: given.list(WORDS).unwrap_or_default().to_vec(),
            strict: given.flag(STRICT).unwrap_or(false),
            outside_contracts: given.flag(OUTSIDE).unwrap_or(true),
        }))
    }
}

impl Options {
    /// Whether the name of a call, a receiver or a helper says that its write may fail without
    /// loss.
    pub(super) fn is_auxiliary(&self, name: &str) -> bool {
        let mut further = self.auxiliary.iter();
        tables::is_auxiliary(name) || further.any(|w| has_word(name, w))
    }

    /// Whether a table records errors or activity.
    pub(super) fn is_log_table(&self, name: &str) -> bool {
        let table = name.rsplit('.').next().unwrap_or(name);
        let mut further = self.auxiliary.iter();
        tables::is_log_table(name) || further.any(|w| has_word(table, w))
    }
}

#[cfg(test)]
mod tests {
    use super::Options;

    #[test]
    fn tables_go_by_their_last_name() {
        let options = Options::default();
        assert!(options.is_log_table("ops.failure_log"));
        assert!(!options.is_log_table("audit.orders"));
    }
}
