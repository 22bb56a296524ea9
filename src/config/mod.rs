//! Configuration: files and command line become validated [`Settings`].
//!
//! Three stages: `raw` is what a file may say, with unknown keys rejected; `merge` puts a file on
//! top of those that it extends; `resolve` turns that into settings that need no further checks.
//! Errors point into the file. [`Configuration`] knows which settings hold for which file.

mod at;
mod contract;
mod effective;
mod error;
mod load;
mod merge;
mod nearest;
mod raw;
mod reference;
mod resolve;
mod schema;
mod selection;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::diagnostics::{Finding, Severity};
use crate::discover::{Patterns, Scope};
use crate::rules::{Writes, success_as_proof, swallowed_write};

pub use contract::{Contract, ContractPlace, Origin};
pub use effective::{CONTRACT, Effective, From, Value};
pub use error::ConfigError;
pub use load::{ConfigFile, ConfigSource, in_folder};
pub use nearest::{Configuration, file_of_folder};
pub use raw::RawConfig;
pub use reference::reference;
pub use schema::schema;
pub use selection::RuleSet;
pub(crate) use selection::find as find_rule;

/// Everything that the analysis and the decisions after it depend on.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The rules that are on.
    pub rules: RuleSet,
    /// What every override of a method must set; the built-in contract is the first.
    pub contracts: Vec<Contract>,
    /// Whether contracts that the code implies are checked, too.
    pub infer_contracts: bool,
    /// Options of `success-as-proof`.
    pub success_as_proof: success_as_proof::Options,
    /// Options of `swallowed-write`.
    pub swallowed_write: swallowed_write::Options,
    /// Which calls write rows.
    pub writes: Writes,
    /// Rules that are off for files that match.
    pub per_file_ignores: Vec<(Patterns, BTreeSet<&'static str>)>,
    /// Levels of rules, and of their kinds.
    pub severities: BTreeMap<(&'static str, Option<&'static str>), Severity>,
    /// Which files in folders are taken.
    pub scope: Scope,
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

    /// How serious a finding is. What is said about a rule as a whole leaves its notes as they
    /// are: they stand for what could not be told.
    #[must_use]
    pub fn severity(&self, finding: &Finding) -> Severity {
        let own = finding.severity;
        let by_nature = crate::rules::by_id(finding.rule)
            .and_then(|rule| rule.meta().kind(finding.kind))
            .map(|kind| kind.severity);
        let level = |kind| self.severities.get(&(finding.rule, kind)).copied();
        match level(Some(finding.kind)) {
            Some(level) if own > Severity::Note || by_nature == Some(Severity::Note) => level,
            Some(_) => own,
            None if own > Severity::Note => level(None).unwrap_or(own),
            None => own,
        }
    }
}

/// Which files are parsed. The same is found in any case; what differs is which syntax errors are
/// come across.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Reading {
    /// Those that were named, and of those that a walk found the ones that can matter to a rule.
    #[default]
    Needed,
    /// All, and all of each.
    Everything,
}

/// What the command line says about the settings.
#[derive(Clone, Default, Debug)]
pub struct Overrides {
    /// `--select`
    pub select: Vec<String>,
    /// `--ignore`
    pub ignore: Vec<String>,
    /// `--pedantic`
    pub pedantic: bool,
    /// `--max-file-size`, in bytes.
    pub max_file_bytes: Option<u64>,
    /// `--read`
    pub reading: Reading,
    /// `--force-exclude`
    pub force_exclude: bool,
    /// `--baseline`, instead of what the files say.
    pub baseline: Option<PathBuf>,
    /// Whether baselines are to be written, so that there need not be any yet.
    pub write_baseline: bool,
}

#[cfg(test)]
mod tests;
