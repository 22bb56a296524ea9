//! The content of a configuration file. Unknown keys are errors.
//!
//! The doc comments of the fields are the descriptions in the JSON schema and in the reference. The
//! schema is derived in tests only, and embedded as a file (`schema.rs`).

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{self, IgnoredAny, MapAccess, Visitor, value::StrDeserializer};

use super::at::At;
use super::tables::RawOptions;
use super::texts::{Returns, Texts};
use crate::diagnostics::Severity;
use crate::settings::Unparsable;

/// The content of a file.
#[derive(Clone, Debug, Default)]
pub struct RawConfig {
    /// All keys except the tables of rules.
    pub keys: RawKeys,
    /// The tables of rules.
    pub options: RawOptions,
}

/// The settings of tallylint, in `tallylint.toml`, in `[tool.tallylint]` of `pyproject.toml`, or in
/// `[package.metadata.tallylint]` or `[workspace.metadata.tallylint]` of `Cargo.toml`.
///
/// The nearest such file, in the folder of a checked file or above it, applies to the file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(title = "tallylint", deny_unknown_fields))]
pub struct RawKeys {
    /// The path of another configuration file, relative to this one, whose settings apply as well.
    /// Single values, `select` and `include` in this file replace those in the other one; all other
    /// settings are added to it. A `select` in this file also discards what the other one ignores.
    pub extend: Option<At<String>>,
    /// Rules to run instead of the default ones; `all` for every rule.
    pub select: Option<Vec<At<RuleName>>>,
    /// Rules to leave out.
    #[serde(default)]
    pub ignore: Vec<At<RuleName>>,
    /// Rules to leave out in files that match a pattern. Patterns have the syntax of `.gitignore`
    /// and are relative to the folder of this file.
    #[serde(default)]
    pub per_file_ignores: BTreeMap<At<String>, Vec<At<RuleName>>>,
    /// Patterns of files and folders to leave out when a folder is checked. A file that is named on
    /// the command line is always checked, unless `--force-exclude` is given.
    #[serde(default)]
    pub exclude: Vec<At<String>>,
    /// Patterns of the files to check in folders, instead of all source files.
    pub include: Option<Vec<At<String>>>,
    /// Folders, relative to this file, in which imports are looked for as well: the code of other projects of the
    /// repository, such as `libs/*/src`. Without it, a check of one project or one file does not see the others.
    #[serde(default)]
    pub src: Vec<At<String>>,
    /// The severity of findings: a level for a rule, or for some of its kinds.
    #[serde(default)]
    pub severity: BTreeMap<At<String>, RawSeverity>,
    /// The path of the baseline, relative to this file: a file of known findings, which are not
    /// reported. `tallylint check --write-baseline` creates it.
    pub baseline: Option<At<String>>,
    /// Names of further calls that write rows.
    #[serde(default)]
    pub writes: Vec<At<String>>,
    /// What becomes of a file in a folder that cannot be parsed because it is a template or Python 2:
    /// `error` (the result counts as incomplete), `warn` (it is skipped, and named on standard error)
    /// or `skip`; `warn` by default. A file that is named on the command line is an error.
    pub unparsable: Option<At<Unparsable>>,
    /// Whether the built-in names of calls that write rows count as well; true by default.
    pub built_in_writes: Option<At<bool>>,
    /// The paths of further presets, relative to this file: files that say of a library which calls write
    /// rows, like the built-in ones.
    #[serde(default)]
    pub presets: Vec<At<String>>,
    /// Names of built-in presets that do not hold.
    #[serde(default)]
    pub without_presets: Vec<At<String>>,
    /// Whether contracts that the code implies are checked as well; true by default.
    pub infer_contracts: Option<At<bool>>,
    /// Contracts besides the built-in one, by which `save_data` sets `self.stats['rows_inserted']`.
    #[serde(default)]
    pub contract: Vec<At<RawContract>>,
    /// Settings of `python -m tallylint.triage`, which the linter does not look into.
    #[cfg_attr(test, schemars(with = "Option<BTreeMap<String, serde_json::Value>>"))]
    pub triage: Option<BTreeMap<String, IgnoredAny>>,
}

/// Who must do what on every path by which it returns. One of `method`, `function` and `decorator` says
/// who; `sets`, `calls` and `returns` say what, and any one of them is enough.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields))]
pub struct RawContract {
    /// The method whose overrides must keep the contract: its name, or a pattern such as `load_*`.
    pub method: Option<Texts>,
    /// The functions of modules that must keep it, by their dotted paths, such as `jobs.*.run_*`; in
    /// Rust `jobs::*::run_*`. `**` stands for any parts of a path.
    pub function: Option<Texts>,
    /// The decorator (in Rust the attribute) of the functions and methods that must keep it, such as
    /// `task` or `celery.shared_task`.
    pub decorator: Option<Texts>,
    /// Names of base classes: only classes below one of them have to keep a contract about a method.
    /// `*` stands for every class that has the method.
    pub bases: Option<Vec<At<String>>>,
    /// What must be set: a key such as `self.stats['rows_inserted']`, an attribute such as
    /// `self.rows_loaded`, or one of a parameter, such as `context['rows']`.
    pub sets: Option<Texts>,
    /// What must be called, such as `self.metrics.record_rows`.
    pub calls: Option<Texts>,
    /// What the returned value must have: `true` for any value but None, `['rows']` for a key, `.rows`
    /// for an attribute.
    pub returns: Option<Returns>,
    /// Whether paths that end in an exception must do it, too; false by default.
    pub also_when_raising: Option<At<bool>>,
}

/// The id of a rule, or `all`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Deserialize)]
#[serde(transparent)]
pub struct RuleName(pub String);

/// A level for a rule, or one for each of some kinds.
#[derive(Clone, Debug)]
pub enum RawSeverity {
    /// For all kinds that are not notes.
    Rule(Severity),
    /// For these kinds.
    Kinds(BTreeMap<At<String>, At<Severity>>),
}

// Not derived as untagged: that would lose the positions of the values inside.
impl<'de> Deserialize<'de> for RawSeverity {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = RawSeverity;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a level (`note`, `warning` or `error`) or a table of kinds and levels")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<RawSeverity, E> {
                Severity::deserialize(StrDeserializer::new(text)).map(RawSeverity::Rule)
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawSeverity, A::Error> {
                let mut kinds = BTreeMap::new();
                while let Some((kind, severity)) = map.next_entry()? {
                    kinds.insert(kind, severity);
                }
                Ok(RawSeverity::Kinds(kinds))
            }
        }

        deserializer.deserialize_any(Either)
    }
}

/// The part of `pyproject.toml` that matters here; the rest belongs to other tools.
#[derive(Default, Deserialize)]
pub(super) struct RawPyproject {
    /// `[tool]`
    #[serde(default)]
    pub tool: RawTools,
}

/// The relevant part of `Cargo.toml`.
#[derive(Default, Deserialize)]
pub(super) struct RawManifest {
    /// `[package]`
    #[serde(default)]
    pub package: RawPackage,
    /// `[workspace]`
    #[serde(default)]
    pub workspace: RawPackage,
}

/// `[package]` or `[workspace]`
#[derive(Default, Deserialize)]
pub(super) struct RawPackage {
    /// `metadata`
    #[serde(default)]
    pub metadata: RawTools,
}

/// A table with one entry for each tool.
#[derive(Default, Deserialize)]
pub(super) struct RawTools {
    /// The table of this tool.
    pub tallylint: Option<toml::Spanned<RawConfig>>,
}
