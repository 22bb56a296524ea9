//! Settings: what an analysis and the decisions after it depend on, as plain values.
//!
//! Whoever reads a setting imports it from here. How configuration files and the command line
//! become settings is the business of [`config`](crate::config).

mod contract;
mod options;
mod patterns;
mod rule_set;
mod writes;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::diagnostics::Severity;

pub use contract::{Contract, ContractPlace, Origin, is_identifier};
pub use options::{Form, Given, GivenValue, OptionSpec, OptionTable, OptionValue, Options, Wrong};
pub use patterns::{FileFilter, Patterns};
pub use rule_set::RuleSet;
pub use writes::Writes;

/// Levels of rules, and of their kinds where one is said for them.
pub type Severities = BTreeMap<(&'static str, Option<&'static str>), Severity>;

/// Everything that the analysis and the decisions after it depend on.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The rules that are on.
    pub rules: RuleSet,
    /// What every override of a method must set; the built-in contract is the first.
    pub contracts: Vec<Contract>,
    /// Whether contracts that the code implies are checked, too.
    pub infer_contracts: bool,
    /// The options of each rule that has some.
    pub options: Options,
    /// Which calls write rows.
    pub writes: Writes,
    /// Rules that are off for files that match.
    pub per_file_ignores: Vec<(Patterns, BTreeSet<&'static str>)>,
    /// Levels of rules, and of their kinds.
    pub severities: Severities,
    /// Which files in folders are taken.
    pub scope: FileFilter,
    /// The file of known findings.
    pub baseline: Option<PathBuf>,
    /// Whether findings of level note are shown.
    pub pedantic: bool,
    /// The file that this comes from, apart from what it extends.
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

/// Which files are parsed. The findings are the same either way; what differs is which syntax
/// errors are seen.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Reading {
    /// Those that were named, and of those that a walk found the ones that can matter to a rule.
    #[default]
    Needed,
    /// All, and all of each.
    Everything,
}
