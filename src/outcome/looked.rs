//! What a run looked at apart from the methods that have to keep a contract, and what it left out.

use serde::{Deserialize, Serialize};

use crate::diagnostics::Location;

/// What a run that found nothing can say for itself.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Looked {
    /// Whether a rule about contracts is on.
    pub for_contracts: bool,
    /// Which part of a project was looked at.
    pub extent: Extent,
    /// The functions outside of contracts; `None` if no rule looks at them.
    pub outside: Option<Outside>,
    /// What was left out.
    pub left_out: LeftOut,
    /// What comes closest to a contract.
    pub candidate: Option<Candidate>,
}

/// Which part of a project a run looks at.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub enum Extent {
    /// A folder.
    #[default]
    Folder,
    /// Files that were named.
    Files,
    /// What has changed.
    Changes,
}

/// Functions that no contract names, in files that are no tests.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Outside {
    /// Functions with a call named like a write that catch errors, or may test results for them.
    pub writing: usize,
    /// Those of them whose paths were followed, because they may lose the failure of a write.
    pub followed: usize,
    /// Files of tests, in which no such function is looked at.
    pub tests: usize,
}

impl std::ops::AddAssign for Outside {
    fn add_assign(&mut self, other: Outside) {
        self.writing += other.writing;
        self.followed += other.followed;
        self.tests += other.tests;
    }
}

/// How many files and folders were left out, by the reason.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct LeftOut {
    /// The configuration excludes them, or does not include them.
    pub excluded: usize,
    /// They are templates.
    pub templates: usize,
    /// They are Python 2.
    pub old_python: usize,
}

/// A method that most classes override in the same way, as a contract would demand it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Candidate {
    /// The name of the method.
    pub hook: String,
    /// The name of the class whose heirs override it.
    pub base: String,
    /// How many of them do.
    pub definitions: usize,
    /// How many of these overrides do on every path what a contract could demand.
    pub keeping: usize,
    /// What that is, as in "they …": "set `self.rows_loaded`".
    pub what: String,
    /// The name of the method in the base class.
    pub place: Location,
}
