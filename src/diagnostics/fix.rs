//! Changes to the code that fix a finding.

use serde::{Deserialize, Serialize};

use crate::diagnostics::Location;

/// How safe a fix is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum Safety {
    /// It cannot make anything worse.
    Safe,
    /// It changes what the program does, so somebody has to agree.
    Unsafe,
}

impl Safety {
    /// The name in output.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Safety::Safe => "safe",
            Safety::Unsafe => "unsafe",
        }
    }
}

/// One replacement of text.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Edit {
    /// The text to replace; empty for an insertion.
    pub location: Location,
    /// The new text.
    pub text: String,
}

/// A change that fixes a finding.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Fix {
    /// What it does, in the imperative.
    pub message: String,
    /// Whether it can be applied without a review.
    pub safety: Safety,
    /// The replacements, in the order of the text; they do not overlap.
    pub edits: Vec<Edit>,
}
