//! Findings as rules report them, before it is decided which of them are shown.

mod builder;
mod catalogue;
mod failure;
mod fingerprint;
mod fix;
mod flow;
mod merge;
mod name;
mod order;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::source::{FileId, Span};

pub use builder::FindingBuilder;
pub use catalogue::{Example, KindMeta, RuleMeta};
pub use failure::{FileFailure, Undone};
pub use fingerprint::Fingerprint;
pub use fix::{Edit, Fix, Safety};
pub use flow::{Flow, FlowBlock, FlowEdge, Leaves, When};
pub use merge::{ByClass, merge};
pub use order::sort;

/// How serious a finding is, in ascending order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Information: shown with `--pedantic` only.
    Note,
    /// A bug on a path that has not lost data.
    Warning,
    /// A bug that records something false.
    Error,
}

impl Severity {
    /// All of them, the worst first.
    pub const ALL: [Severity; 3] = [Severity::Error, Severity::Warning, Severity::Note];

    /// The name in reports and configuration files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

impl Finding {
    /// The rule and the kind, as reports show them: `untracked-return/unset`.
    #[must_use]
    pub fn code(&self) -> String {
        format!("{}/{}", self.rule, self.kind)
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A place in a file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Location {
    /// The file.
    pub file: FileId,
    /// Where in it.
    pub span: Span,
}

/// What is known of a value.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Known {
    /// What the code calls it, e.g. `rows`.
    pub name: String,
    /// What it is, e.g. "not empty".
    pub is: String,
}

/// One numbered step of the path that a finding shows, or a label.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Step {
    /// Where.
    pub location: Location,
    /// What happens there, e.g. "`rows` is empty".
    pub message: String,
    /// What is known of the values in its function after it.
    pub known: Vec<Known>,
}

impl Step {
    /// Whether both tell the same of the same place.
    #[must_use]
    pub fn tells_as(&self, other: &Step) -> bool {
        (self.location, &self.message) == (other.location, &other.message)
    }
}

/// The name of a rule or of a kind of finding, as the registry has it.
pub type RegisteredName = &'static str;

/// One finding of a rule, made by a [`FindingBuilder`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Finding {
    /// Id of the rule.
    #[serde(deserialize_with = "name::kept")]
    pub rule: RegisteredName,
    /// Kind within the rule, as the catalogue names it.
    #[serde(deserialize_with = "name::kept")]
    pub kind: RegisteredName,
    /// How serious it is.
    pub severity: Severity,
    /// One sentence.
    pub message: String,
    /// The primary label. There is exactly one.
    pub primary: Step,
    /// The path, in the order of execution. If it ends at the primary label, the last step tells the
    /// same as that label.
    pub steps: Vec<Step>,
    /// Every exit that the finding concerns.
    pub exits: Vec<Location>,
    /// `Class.method`.
    pub symbol: String,
    /// Notes.
    pub notes: Vec<String>,
    /// What to do.
    pub help: String,
    /// A change that fixes it.
    pub fix: Option<Fix>,
    /// The control-flow graphs of the functions that the path goes through, as far as the engine followed it and they are
    /// not too large: the function that the path begins in comes first.
    pub flows: Vec<Flow>,
    /// Where the failure is lost that leads to this. A finding of another rule there, about the
    /// same exits, has the same cause.
    pub cause: Option<Location>,
}
