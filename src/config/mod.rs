//! Configuration: files and command line become validated [`Settings`].
//!
//! Two stages: `raw` is what a file may say, with unknown keys rejected; this module turns it
//! into settings that need no further checks. Errors point into the file.

mod load;
mod raw;
mod selection;

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::discover::Excludes;
use crate::rules::{success_as_proof, swallowed_write};
use crate::source::DEFAULT_FILE_BYTES;

pub use load::{ConfigFile, ConfigSource, load};
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
    /// Files and folders that are left out of walks.
    pub excludes: Excludes,
    /// Whether findings of level note are shown.
    pub pedantic: bool,
    /// Files of more bytes are refused.
    pub max_file_bytes: u64,
    /// Which files are parsed.
    pub reading: Reading,
}

/// Which files are parsed. The same is found in any case; what differs is which syntax errors are
/// come across.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Reading {
    /// Those that were named, and of those that a walk found all when they are few, else those
    /// that can matter to a rule.
    #[default]
    Auto,
    /// All.
    Everything,
    /// Those that can matter to a rule.
    Needed,
}

/// Method, place, and who must keep it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Contract {
    /// The method that must keep the contract.
    pub method: String,
    /// What it must set.
    pub sets: ContractPlace,
    /// Names of base classes: only classes below one of them are checked; `*` means every class
    /// that has the method. `None` leaves it to the rule.
    pub bases: Option<Vec<String>>,
    /// Who says so.
    pub origin: Origin,
}

/// Where a contract comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Origin {
    /// It is built in.
    Builtin,
    /// A configuration file declares it.
    Declared {
        /// The file.
        file: PathBuf,
        /// The line of its `[[contract]]`'s method.
        line: u32,
    },
    /// The code implies it.
    Inferred,
}

/// A key in a dict that an attribute of the object holds.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ContractPlace {
    /// The attribute.
    pub field: String,
    /// The key.
    pub key: String,
}

impl Contract {
    /// The contract that always holds: `save_data` sets `self.stats['rows_inserted']`.
    #[must_use]
    pub fn builtin() -> Self {
        Self {
            method: "save_data".to_owned(),
            sets: ContractPlace {
                field: "stats".to_owned(),
                key: "rows_inserted".to_owned(),
            },
            bases: None,
            origin: Origin::Builtin,
        }
    }

    /// Whether this says the same, whoever says it.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        self.method == other.method && self.sets == other.sets && self.bases == other.bases
    }
}

impl ContractPlace {
    /// Reads `self.FIELD['KEY']`.
    ///
    /// # Errors
    /// What such a place looks like.
    pub fn parse(text: &str) -> Result<Self, String> {
        Self::parse_place(text).ok_or_else(|| {
            format!(
                "`{text}` is not a place; write an attribute and a key, \
                 such as self.stats['rows_inserted']"
            )
        })
    }

    fn parse_place(text: &str) -> Option<Self> {
        let (field, rest) = text.trim().strip_prefix("self.")?.split_once('[')?;
        let quoted = rest.strip_suffix(']')?.trim();
        let quote = quoted.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
        let key = quoted.strip_prefix(quote)?.strip_suffix(quote)?;
        if !is_identifier(field.trim_end()) || key.is_empty() || key.contains([quote, '\\']) {
            return None;
        }
        Some(Self {
            field: field.trim_end().to_owned(),
            key: key.to_owned(),
        })
    }
}

impl fmt::Display for ContractPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quote = if self.key.contains('\'') { '"' } else { '\'' };
        write!(f, "self.{}[{quote}{}{quote}]", self.field, self.key)
    }
}

/// Whether the text can name a variable, an attribute or a method.
fn is_identifier(text: &str) -> bool {
    let mut chars = text.chars();
    chars
        .next()
        .is_some_and(|first| first.is_alphabetic() || first == '_')
        && chars.all(|c| c.is_alphanumeric() || c == '_')
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
}

/// Something wrong in a configuration file or on the command line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConfigError {
    /// The file, with line and column when known; `None` for the command line.
    pub place: Option<(PathBuf, Option<(u32, u32)>)>,
    /// What is wrong.
    pub message: String,
}

impl ConfigError {
    fn command_line(message: String) -> Self {
        Self {
            place: None,
            message,
        }
    }

    fn file(path: &Path, position: Option<(u32, u32)>, message: String) -> Self {
        Self {
            place: Some((path.to_path_buf(), position)),
            message,
        }
    }
}

impl Settings {
    /// The settings from a configuration file (if any) and the command line.
    ///
    /// # Errors
    /// The first thing that is wrong in either.
    pub fn new(file: Option<&ConfigFile>, overrides: &Overrides) -> Result<Self, ConfigError> {
        let mut contracts = vec![Contract::builtin()];
        let mut infer_contracts = true;
        let mut success_as_proof = success_as_proof::Options::default();
        let mut swallowed_write = swallowed_write::Options::default();
        let mut excludes = Excludes::default();
        let (mut select, mut ignore) = (None, BTreeSet::new());
        if let Some(file) = file {
            let raw = &file.raw;
            select = raw
                .select
                .as_ref()
                .map(|names| file.rules(names))
                .transpose()?;
            ignore = file.rules(&raw.ignore)?;
            let patterns: Vec<String> = raw.exclude.iter().map(|p| p.get_ref().clone()).collect();
            excludes = Excludes::new(&file.root, &patterns).map_err(|(at, reason)| {
                let span = raw.exclude.get(at).map_or(0..0, toml::Spanned::span);
                file.error(span, format!("not a valid pattern: {reason}"))
            })?;
            infer_contracts = raw.infer_contracts;
            success_as_proof = file.success_as_proof(&raw.success_as_proof)?;
            swallowed_write = swallowed_write::Options {
                auxiliary: raw.swallowed_write.auxiliary.clone(),
                strict: raw.swallowed_write.strict,
            };
            for contract in &raw.contract {
                let contract = file.contract(contract)?;
                if !contracts.iter().any(|known| known.same(&contract)) {
                    contracts.push(contract);
                }
            }
        }
        let on_command_line = |names: &[String]| {
            selection::parse(names.iter().map(String::as_str))
                .map_err(|(_, message)| ConfigError::command_line(message))
        };
        let selected = (!overrides.select.is_empty())
            .then(|| on_command_line(&overrides.select))
            .transpose()?;
        let ignored = on_command_line(&overrides.ignore)?;
        let rules = selection::resolve(selected, &ignored, select, &ignore)
            .map_err(ConfigError::command_line)?;
        Ok(Self {
            rules,
            contracts,
            infer_contracts,
            success_as_proof,
            swallowed_write,
            excludes,
            pedantic: overrides.pedantic,
            max_file_bytes: overrides.max_file_bytes.unwrap_or(DEFAULT_FILE_BYTES),
            reading: overrides.reading,
        })
    }
}

#[cfg(test)]
mod tests;
