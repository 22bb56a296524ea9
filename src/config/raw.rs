//! What a configuration file may say. Unknown keys are errors.

use serde::Deserialize;
use toml::Spanned;

/// `tallylint.toml`, or `[tool.tallylint]` in `pyproject.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawConfig {
    /// Rules to run instead of the default ones.
    pub select: Option<Vec<Spanned<String>>>,
    /// Rules to leave out.
    #[serde(default)]
    pub ignore: Vec<Spanned<String>>,
    /// Patterns of files and folders to leave out.
    #[serde(default)]
    pub exclude: Vec<Spanned<String>>,
    /// Further contracts.
    #[serde(default)]
    pub contract: Vec<RawContract>,
    /// Options of the rule.
    #[serde(default, rename = "success-as-proof")]
    pub success_as_proof: RawSuccessAsProof,
    /// Options of the rule.
    #[serde(default, rename = "swallowed-write")]
    pub swallowed_write: RawSwallowedWrite,
    /// Whether contracts that the code implies are checked, too.
    #[serde(default = "on", rename = "infer-contracts")]
    pub infer_contracts: bool,
}

impl Default for RawConfig {
    fn default() -> Self {
        Self {
            select: None,
            ignore: Vec::new(),
            exclude: Vec::new(),
            contract: Vec::new(),
            success_as_proof: RawSuccessAsProof::default(),
            swallowed_write: RawSwallowedWrite::default(),
            infer_contracts: on(),
        }
    }
}

fn on() -> bool {
    true
}

/// `[success-as-proof]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RawSuccessAsProof {
    /// Whether a comparison that lets a missing count pass is no evidence.
    #[serde(default)]
    pub strict_null: bool,
    /// What names of counts of records look like.
    pub count_pattern: Option<Spanned<String>>,
    /// The words for success.
    pub success_words: Option<Vec<String>>,
    /// Further names of calls that mark a unit as done.
    #[serde(default)]
    pub effects: Vec<String>,
}

/// `[swallowed-write]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawSwallowedWrite {
    /// Further words for writes that may fail.
    #[serde(default)]
    pub auxiliary: Vec<String>,
    /// Whether a failure that somebody could hear of is reported all the same.
    #[serde(default)]
    pub strict: bool,
}

/// `[[contract]]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawContract {
    /// The method.
    pub method: Spanned<String>,
    /// The place.
    pub sets: Spanned<String>,
    /// Base classes.
    pub bases: Option<Vec<Spanned<String>>>,
}

/// The part of `pyproject.toml` that matters here; the rest belongs to other tools.
#[derive(Default, Deserialize)]
pub struct RawPyproject {
    /// `[tool]`
    #[serde(default)]
    pub tool: RawTool,
}

/// `[tool]`
#[derive(Default, Deserialize)]
pub struct RawTool {
    /// `[tool.tallylint]`
    pub tallylint: Option<RawConfig>,
}
