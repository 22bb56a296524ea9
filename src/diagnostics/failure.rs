//! Inputs that could not be analysed.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A file (or folder) that could not be analysed, wholly or in part.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct FileFailure {
    /// The path as users see it.
    pub path: String,
    /// Line and column (both from 1), if known.
    pub location: Option<(u32, u32)>,
    /// Why, without the position.
    pub reason: String,
    /// Whether tallylint is at fault (it panicked) and not the input.
    pub internal: bool,
}

impl FileFailure {
    /// The input is at fault: unreadable, not text, not parsable.
    #[must_use]
    pub fn input(path: String, location: Option<(u32, u32)>, reason: String) -> Self {
        Self {
            path,
            location,
            reason,
            internal: false,
        }
    }

    /// tallylint is at fault: it panicked while it processed this file.
    #[must_use]
    pub fn internal(path: String, reason: String) -> Self {
        Self {
            path,
            location: None,
            reason,
            internal: true,
        }
    }
}

impl fmt::Display for FileFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)?;
        if let Some((line, column)) = self.location {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}", self.reason)
    }
}
