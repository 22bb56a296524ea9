//! Finding and reading the configuration file.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;

use super::raw::{RawConfig, RawContract, RawPyproject, RawSuccessAsProof};
use super::{ConfigError, Contract, ContractPlace, Origin, is_identifier, selection};
use crate::rules::success_as_proof;
use crate::source::{LineIndex, describe_io};
use crate::suggest::did_you_mean;

const OWN_FILE: &str = "tallylint.toml";
const SHARED_FILE: &str = "pyproject.toml";

/// Where the configuration comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ConfigSource {
    /// The nearest file in the folder or above it.
    Nearest,
    /// This file.
    File(PathBuf),
    /// No file.
    Isolated,
}

impl ConfigSource {
    /// What `--config` and `--isolated` ask for.
    #[must_use]
    pub fn of(file: Option<&Path>, isolated: bool) -> Self {
        match (file, isolated) {
            (_, true) => ConfigSource::Isolated,
            (Some(path), false) => ConfigSource::File(path.to_path_buf()),
            (None, false) => ConfigSource::Nearest,
        }
    }
}

/// A configuration file that was read.
#[derive(Clone, Debug)]
pub struct ConfigFile {
    /// Its path.
    pub path: PathBuf,
    /// The folder it is in, links resolved: patterns are relative to it.
    pub root: PathBuf,
    pub(super) raw: RawConfig,
    text: String,
}

/// Reads the configuration for a run in the folder `cwd`. Of two files in one folder,
/// `tallylint.toml` counts; a `pyproject.toml` without `[tool.tallylint]` does not.
///
/// # Errors
/// When a file that counts cannot be read or is not valid.
pub fn load(source: &ConfigSource, cwd: &Path) -> Result<Option<ConfigFile>, ConfigError> {
    match source {
        ConfigSource::Isolated => Ok(None),
        ConfigSource::File(path) => {
            let path = cwd.join(path);
            let shared = path.file_name().is_some_and(|name| name == SHARED_FILE);
            let file = if shared {
                read_shared(&path)?
            } else {
                Some(read_own(&path)?)
            };
            file.map(Some).ok_or_else(|| {
                ConfigError::file(&path, None, "has no `[tool.tallylint]` table".to_owned())
            })
        }
        ConfigSource::Nearest => {
            for folder in cwd.ancestors() {
                let own = folder.join(OWN_FILE);
                if own.is_file() {
                    return read_own(&own).map(Some);
                }
                let shared = folder.join(SHARED_FILE);
                if shared.is_file()
                    && let Some(file) = read_shared(&shared)?
                {
                    return Ok(Some(file));
                }
            }
            Ok(None)
        }
    }
}

fn read_own(path: &Path) -> Result<ConfigFile, ConfigError> {
    ConfigFile::parse(path, read(path)?)
}

fn read_shared(path: &Path) -> Result<Option<ConfigFile>, ConfigError> {
    ConfigFile::parse_shared(path, read(path)?)
}

fn read(path: &Path) -> Result<String, ConfigError> {
    fs::read_to_string(path).map_err(|error| ConfigError::file(path, None, describe_io(&error)))
}

fn invalid(path: &Path, text: &str, error: &toml::de::Error) -> ConfigError {
    let message = error.message().trim_end();
    let message = unknown_key(message).unwrap_or_else(|| message.replace('\n', ", "));
    let position = error.span().map(|span| position(text, &span));
    ConfigError::file(path, position, message)
}

/// serde says "unknown field `x`, expected one of `a`, `b`"; people call it a key and want to
/// know which one was meant.
fn unknown_key(message: &str) -> Option<String> {
    let rest = message.strip_prefix("unknown field ")?;
    let mut quoted = rest.split('`').skip(1).step_by(2);
    let key = quoted.next()?;
    let known: Vec<&str> = quoted.collect();
    let mut text = format!(
        "unknown key `{key}`{}",
        did_you_mean(key, known.iter().copied())
    );
    if !text.ends_with('?') {
        text.push_str("; known keys are ");
        text.push_str(&known.join(", "));
    }
    Some(text)
}

fn position(text: &str, span: &Range<usize>) -> (u32, u32) {
    let at = u32::try_from(span.start).unwrap_or(u32::MAX);
    let position = LineIndex::new(text).position(text, at);
    (position.line, position.column)
}

impl ConfigFile {
    /// Reads the text of `tallylint.toml`.
    ///
    /// # Errors
    /// When it is no configuration.
    pub fn parse(path: &Path, text: String) -> Result<Self, ConfigError> {
        let raw = toml::from_str(&text).map_err(|error| invalid(path, &text, &error))?;
        Ok(Self::new(path, raw, text))
    }

    /// Reads the text of `pyproject.toml`; `None` when it has no table for this tool.
    ///
    /// # Errors
    /// When it is no TOML, or the table is no configuration.
    pub fn parse_shared(path: &Path, text: String) -> Result<Option<Self>, ConfigError> {
        let raw: RawPyproject =
            toml::from_str(&text).map_err(|error| invalid(path, &text, &error))?;
        let own = raw.tool.tallylint;
        Ok(own.map(|raw| Self::new(path, raw, text)))
    }

    fn new(path: &Path, raw: RawConfig, text: String) -> Self {
        let folder = path.parent().unwrap_or(Path::new("."));
        Self {
            path: path.to_path_buf(),
            root: fs::canonicalize(folder).unwrap_or_else(|_| folder.to_path_buf()),
            raw,
            text,
        }
    }

    pub(super) fn error(&self, span: Range<usize>, message: String) -> ConfigError {
        ConfigError::file(&self.path, Some(position(&self.text, &span)), message)
    }

    pub(super) fn rules(
        &self,
        names: &[Spanned<String>],
    ) -> Result<std::collections::BTreeSet<&'static str>, ConfigError> {
        selection::parse(names.iter().map(|name| name.get_ref().as_str()))
            .map_err(|(at, message)| self.error(names.get(at).map_or(0..0, Spanned::span), message))
    }

    pub(super) fn contract(&self, raw: &RawContract) -> Result<Contract, ConfigError> {
        let method = raw.method.get_ref();
        if !is_identifier(method) {
            let message = format!("`{method}` is not the name of a method");
            return Err(self.error(raw.method.span(), message));
        }
        let sets = ContractPlace::parse(raw.sets.get_ref())
            .map_err(|message| self.error(raw.sets.span(), message))?;
        let bases = match &raw.bases {
            None => None,
            Some(bases) => Some(
                bases
                    .iter()
                    .map(|base| self.base(base))
                    .collect::<Result<Vec<_>, _>>()?,
            ),
        };
        Ok(Contract {
            method: method.clone(),
            sets,
            bases,
            origin: Origin::Declared {
                file: self.path.clone(),
                line: position(&self.text, &raw.method.span()).0,
            },
        })
    }

    pub(super) fn success_as_proof(
        &self,
        raw: &RawSuccessAsProof,
    ) -> Result<success_as_proof::Options, ConfigError> {
        let counts = raw.count_pattern.as_ref().map(|pattern| {
            regex::RegexBuilder::new(pattern.get_ref())
                .case_insensitive(true)
                .build()
                .map_err(|error| {
                    let reason = error.to_string();
                    let reason = reason.lines().last().unwrap_or_default().to_owned();
                    let message = format!("not a valid pattern: {reason}");
                    self.error(pattern.span(), message)
                })
        });
        let lower = |list: &Vec<String>| list.iter().map(|w| w.to_lowercase()).collect();
        Ok(success_as_proof::Options {
            vocabulary: success_as_proof::Vocabulary {
                success: raw.success_words.as_ref().map(lower),
                counts: counts.transpose()?,
                effects: raw.effects.clone(),
            },
            strict_null: raw.strict_null,
        })
    }

    fn base(&self, base: &Spanned<String>) -> Result<String, ConfigError> {
        let name = base.get_ref();
        if name == "*" || name.split('.').all(is_identifier) {
            Ok(name.clone())
        } else {
            let message = format!("`{name}` is not the name of a class (or `*`)");
            Err(self.error(base.span(), message))
        }
    }
}
