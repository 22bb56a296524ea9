//! What becomes of files that are no code of today's language.

use serde::Deserialize;

/// What becomes of a file in a folder that cannot be parsed because it is a template or Python 2.
/// Such a file that was named itself is an error in any case, as is any other file that cannot be
/// parsed.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Unparsable {
    /// The result counts as incomplete: exit code 2.
    Error,
    /// The file is skipped, and named on standard error.
    #[default]
    Warn,
    /// The file is skipped.
    Skip,
}

impl Unparsable {
    /// The name in configuration files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Unparsable::Error => "error",
            Unparsable::Warn => "warn",
            Unparsable::Skip => "skip",
        }
    }
}
