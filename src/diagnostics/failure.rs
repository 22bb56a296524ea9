//! Inputs that could not be analysed.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What could not be done with a file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Undone {
    /// It was not analysed, wholly or in part: the input is at fault.
    Analysis,
    /// The same, because tallylint panicked.
    AnalysisByBug,
    /// The fixes of its findings were not written.
    Fix,
}

/// A file (or folder) that could not be analysed, wholly or in part, or not be written.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct FileFailure {
    /// The path as users see it.
    pub path: String,
    /// Line and column (both from 1), if known.
    pub location: Option<(u32, u32)>,
    /// Why, without the position.
    pub reason: String,
    /// What could not be done with it.
    pub undone: Undone,
}

impl FileFailure {
    /// The input is at fault: unreadable, not text, not parsable.
    #[must_use]
    pub fn input(path: String, location: Option<(u32, u32)>, reason: String) -> Self {
        Self {
            path,
            location,
            reason,
            undone: Undone::Analysis,
        }
    }

    /// tallylint is at fault: it panicked while it processed this file.
    #[must_use]
    pub fn internal(path: String, reason: String) -> Self {
        Self {
            path,
            location: None,
            reason,
            undone: Undone::AnalysisByBug,
        }
    }

    /// The fixes of its findings could not be written.
    #[must_use]
    pub fn unwritten(path: String, reason: String) -> Self {
        Self {
            path,
            location: None,
            reason,
            undone: Undone::Fix,
        }
    }

    /// Whether tallylint is at fault (it panicked) and not the input.
    #[must_use]
    pub fn is_internal(&self) -> bool {
        self.undone == Undone::AnalysisByBug
    }

    /// What could not be done, in two words for a title: `not analysed`.
    #[must_use]
    pub fn title(&self) -> &'static str {
        match self.undone {
            Undone::Analysis => "not analysed",
            Undone::AnalysisByBug => "internal error",
            Undone::Fix => "not fixed",
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
