//! The options of the rule.

use std::sync::Arc;

use crate::rules::failed_write::Excuses;
use crate::settings::{Form, Given, OptionSpec, OptionTable, OptionValue, Wrong};

const WORDS: &str = "auxiliary";
const STRICT: &str = "strict";
const OUTSIDE: &str = "outside-contracts";

/// The options of the rule.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Options {
    /// What excuses a failed write.
    pub excuses: Excuses,
    /// Whether functions are looked at that no contract names.
    pub outside_contracts: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            excuses: Excuses::default(),
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
            excuses: Excuses {
                auxiliary: given.list(WORDS).unwrap_or_default().to_vec(),
                strict: given.flag(STRICT).unwrap_or(false),
                ..Excuses::default()
            },
            outside_contracts: given.flag(OUTSIDE).unwrap_or(true),
        }))
    }
}
