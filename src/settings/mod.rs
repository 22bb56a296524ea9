//! Settings as plain values: what the analysis and the decisions after it depend on.
//!
//! Code that reads a setting imports it from here. [`config`](crate::config) turns configuration
//! files and the command line into settings.

mod contract;
mod import_roots;
mod mention;
mod options;
mod patterns;
mod rule_set;
mod unparsable;
mod writes;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::diagnostics::Severity;

pub use contract::{
    CallPath, Contract, Demand, NamePattern, NotAPattern, NotAPlace, Origin, Place, Root, Step,
    Who, is_identifier,
};
pub use import_roots::ImportRoots;
pub use mention::{Mention, Mentioned};
pub use options::{Form, Given, GivenValue, OptionSpec, OptionTable, OptionValue, Options, Wrong};
pub use patterns::{FileFilter, Patterns};
pub use rule_set::RuleSet;
pub use unparsable::Unparsable;
pub use writes::Writes;

/// Severities that replace the default ones: of rules, or of single kinds.
pub type Severities = BTreeMap<(&'static str, Option<&'static str>), Severity>;

/// Everything that the analysis and the decisions after it depend on.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The rules that are on.
    pub rules: RuleSet,
    /// Who must do what. The built-in contract comes first.
    pub contracts: Vec<Contract>,
    /// Whether contracts that the code implies are checked as well.
    pub infer_contracts: bool,
    /// The options of each rule that has some.
    pub options: Options,
    /// Which calls write rows.
    pub writes: Writes,
    /// Where imports are looked for besides the usual places; `None` if nowhere.
    pub src: Option<ImportRoots>,
    /// Rules that are off in files that match.
    pub per_file_ignores: Vec<(Patterns, BTreeSet<&'static str>)>,
    /// Patterns and names in configuration files that should match something.
    pub mentions: Vec<Mention>,
    /// Severities that replace the default ones.
    pub severities: Severities,
    /// Which files are taken when a folder is walked.
    pub scope: FileFilter,
    /// What becomes of templates and old code in a folder.
    pub unparsable: Unparsable,
    /// The baseline: the file of known findings.
    pub baseline: Option<PathBuf>,
    /// Whether notes are shown.
    pub pedantic: bool,
    /// The configuration file, not counting the files that it extends.
    pub file: Option<PathBuf>,
}

impl Settings {
    /// Whether a rule is on for a file, given by its real path.
    #[must_use]
    pub fn is_on(&self, rule: &str, real: &Path) -> bool {
        let off = |(patterns, rules): &(Patterns, BTreeSet<&'static str>)| {
            rules.contains(rule) && patterns.match_file(real)
        };
        self.rules.contains(rule) && !self.per_file_ignores.iter().any(off)
    }
}

/// Which files are parsed. The findings are the same in either case; only the syntax errors that
/// are seen differ.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Reading {
    /// Files that were named, and those files found in folders that can matter to a rule.
    #[default]
    Needed,
    /// All files, completely.
    Everything,
}
