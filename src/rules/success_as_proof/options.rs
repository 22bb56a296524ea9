//! The options of the rule.

use std::sync::Arc;

use regex::RegexBuilder;

use super::vocabulary::Vocabulary;
use crate::settings::{Form, Given, OptionSpec, OptionTable, OptionValue, Wrong};

const STRICT_NULL: &str = "strict-null";
const COUNT_PATTERN: &str = "count-pattern";
const SUCCESS_WORDS: &str = "success-words";
const EFFECTS: &str = "effects";

/// The options of the rule.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// What names mean.
    pub vocabulary: Vocabulary,
    /// Whether a comparison that lets a missing count pass is no evidence.
    pub strict_null: bool,
}

impl OptionValue for Options {}

impl Options {
    /// Whether names mean the same to both.
    pub(super) fn same_words(&self, other: &Self) -> bool {
        let (own, other) = (&self.vocabulary, &other.vocabulary);
        let counts = |words: &Vocabulary| words.counts.as_ref().map(|p| p.as_str().to_owned());
        (&own.success, &own.effects, counts(own)) == (&other.success, &other.effects, counts(other))
    }
}

/// How the options are written.
pub struct Table;

impl OptionTable for Table {
    fn specs(&self) -> &'static [OptionSpec] {
        &[
            OptionSpec {
                key: STRICT_NULL,
                form: Form::Flag { default: false },
                about: "Whether a comparison that a missing count passes is rejected as evidence \
                        (off by default).",
            },
            OptionSpec {
                key: COUNT_PATTERN,
                form: Form::Text,
                about: "A regular expression for names of record counts. It replaces the built-in \
                        words.",
            },
            OptionSpec {
                key: SUCCESS_WORDS,
                form: Form::List,
                about: "The words for success. They replace the built-in ones.",
            },
            OptionSpec {
                key: EFFECTS,
                form: Form::MoreCalls,
                about: "More names of calls that mark a unit as done.",
            },
        ]
    }

    fn resolve(&self, given: &Given) -> Result<Arc<dyn OptionValue>, Wrong> {
        let counts = given.text(COUNT_PATTERN).map(|pattern| {
            let built = RegexBuilder::new(pattern).case_insensitive(true).build();
            built.map_err(|error| {
                let reason = error.to_string();
                let reason = reason.lines().last().unwrap_or_default();
                Wrong {
                    key: COUNT_PATTERN,
                    message: format!("not a valid pattern: {reason}"),
                }
            })
        });
        let success = given.list(SUCCESS_WORDS);
        Ok(Arc::new(Options {
            vocabulary: Vocabulary {
                success: success.map(|words| words.iter().map(|w| w.to_lowercase()).collect()),
                counts: counts.transpose()?,
                effects: given.list(EFFECTS).unwrap_or_default().to_vec(),
            },
            strict_null: given.flag(STRICT_NULL).unwrap_or(false),
        }))
    }
}
