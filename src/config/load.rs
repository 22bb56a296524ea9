//! Finds and reads configuration files.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::at::At;
use super::error::ConfigError;
use super::raw::{RawConfig, RawManifest, RawPyproject};
use crate::source::{LineIndex, describe_io};
use crate::suggest::did_you_mean;

/// The configuration file that is only for this tool.
pub(crate) const OWN_FILE: &str = "tallylint.toml";
const PYPROJECT: &str = "pyproject.toml";
const MANIFEST: &str = "Cargo.toml";
/// A file of another tool that does not contain this word is not even parsed.
const NAME: &str = "tallylint";

/// Where the configuration comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ConfigSource {
    /// For each checked file, the nearest one in its folder or above it.
    Nearest,
    /// This file for all checked files.
    File(PathBuf),
    /// No file.
    Isolated,
}

impl ConfigSource {
    /// The source that `--config` and `--isolated` select.
    #[must_use]
    pub fn of(file: Option<&Path>, isolated: bool) -> Self {
        match (file, isolated) {
            (_, true) => ConfigSource::Isolated,
            (Some(path), false) => ConfigSource::File(path.to_path_buf()),
            (None, false) => ConfigSource::Nearest,
        }
    }
}

/// A configuration file in memory, with the files that it extends.
#[derive(Clone, Debug)]
pub struct ConfigFile {
    /// Its path.
    pub path: PathBuf,
    /// The file itself comes last, after those that it extends.
    pub(super) layers: Vec<Layer>,
}

/// The content of one file.
#[derive(Clone, Debug)]
pub(super) struct Layer {
    pub path: PathBuf,
    /// The folder of the file, with links resolved. Patterns are relative to it.
    pub root: PathBuf,
    pub raw: RawConfig,
    pub text: String,
}

/// The kinds of files that can contain a configuration.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Own,
    Pyproject,
    Manifest,
}

impl Form {
    fn of(path: &Path) -> Self {
        match path.file_name().and_then(|name| name.to_str()) {
            Some(PYPROJECT) => Form::Pyproject,
            Some(MANIFEST) => Form::Manifest,
            _ => Form::Own,
        }
    }

    /// What a file without a configuration lacks.
    fn missing(self) -> &'static str {
        match self {
            Form::Own => "cannot be read",
            Form::Pyproject => "has no `[tool.tallylint]` table",
            Form::Manifest => {
                "has no `[package.metadata.tallylint]` or `[workspace.metadata.tallylint]` table"
            }
        }
    }
}

/// The configuration file of a folder: the first of `tallylint.toml`, `pyproject.toml` and
/// `Cargo.toml` that contains a configuration of this tool.
///
/// # Errors
/// When one of these cannot be read or is invalid.
pub fn in_folder(folder: &Path) -> Result<Option<ConfigFile>, ConfigError> {
    for name in [OWN_FILE, PYPROJECT, MANIFEST] {
        let path = folder.join(name);
        if path.is_file()
            && let Some(layer) = Layer::read(&path)?
        {
            return ConfigFile::extend(layer).map(Some);
        }
    }
    Ok(None)
}

/// Reads a configuration file that was named.
///
/// # Errors
/// When it cannot be read or is invalid.
pub fn named(path: &Path) -> Result<ConfigFile, ConfigError> {
    match Layer::read(path)? {
        Some(layer) => ConfigFile::extend(layer),
        None => {
            let missing = Form::of(path).missing();
            Err(ConfigError::file(path, missing.to_owned()))
        }
    }
}

impl ConfigFile {
    /// Parses a configuration file, whose name tells its kind; `None` if it contains no
    /// configuration of this tool.
    ///
    /// # Errors
    /// When the file, or one that it extends, is invalid.
    pub fn parse(path: &Path, text: String) -> Result<Option<Self>, ConfigError> {
        let layer = Layer::parse(path, text)?;
        layer.map(Self::extend).transpose()
    }

    /// Reads the files that a file extends, directly and indirectly.
    fn extend(layer: Layer) -> Result<Self, ConfigError> {
        let path = layer.path.clone();
        let mut layers = vec![layer];
        while let Some(last) = layers.last()
            && let Some(target) = last.raw.keys.extend.clone()
        {
            let next = last.extended(&target)?;
            let real = |layer: &Layer| fs::canonicalize(&layer.path).ok();
            if let Some(at) = layers.iter().position(|known| real(known) == real(&next)) {
                let names = layers[at..].iter().chain([&next]).map(Layer::name);
                let cycle: Vec<String> = names.map(|name| format!("`{name}`")).collect();
                let message = format!("it extends itself: {}", cycle.join(" extends "));
                return Err(last.error(target.span(), message));
            }
            layers.push(next);
        }
        layers.reverse();
        Ok(Self { path, layers })
    }
}

impl Layer {
    fn read(path: &Path) -> Result<Option<Self>, ConfigError> {
        let text = fs::read_to_string(path)
            .map_err(|error| ConfigError::file(path, describe_io(&error)))?;
        Self::parse(path, text)
    }

    fn parse(path: &Path, text: String) -> Result<Option<Self>, ConfigError> {
        let form = Form::of(path);
        if form != Form::Own && !text.contains(NAME) {
            return Ok(None);
        }
        let invalid = |error: toml::de::Error| invalid(path, &text, &error);
        let raw = match form {
            Form::Own => Some(toml::from_str(&text).map_err(invalid)?),
            Form::Pyproject => {
                let whole: RawPyproject = toml::from_str(&text).map_err(invalid)?;
                whole.tool.tallylint.map(toml::Spanned::into_inner)
            }
            Form::Manifest => {
                let whole: RawManifest = toml::from_str(&text).map_err(invalid)?;
                let (package, workspace) = (whole.package.metadata, whole.workspace.metadata);
                match (package.tallylint, workspace.tallylint) {
                    (Some(_), Some(second)) => {
                        let message = "both `[package.metadata.tallylint]` and \
                                       `[workspace.metadata.tallylint]` are there: keep one";
                        let span = second.span();
                        return Err(ConfigError::part(path, &text, &span, message.to_owned()));
                    }
                    (one, other) => one.or(other).map(toml::Spanned::into_inner),
                }
            }
        };
        let folder = path.parent().unwrap_or(Path::new("."));
        Ok(raw.map(|raw| Self {
            path: path.to_path_buf(),
            root: fs::canonicalize(folder).unwrap_or_else(|_| folder.to_path_buf()),
            raw,
            text,
        }))
    }

    /// The file that this one extends.
    fn extended(&self, target: &At<String>) -> Result<Self, ConfigError> {
        let (path, text) = self.beside(target)?;
        Self::parse(&path, text)?.ok_or_else(|| {
            let missing = Form::of(&path).missing();
            self.error(target.span(), format!("`{}` {missing}", target.get()))
        })
    }

    /// A file whose path is relative to this one, and its text.
    pub fn beside(&self, target: &At<String>) -> Result<(PathBuf, String), ConfigError> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let path = folder.join(target.get());
        let text = fs::read_to_string(&path).map_err(|error| {
            let message = format!("cannot read `{}`: {}", target.get(), describe_io(&error));
            self.error(target.span(), message)
        })?;
        Ok((path, text))
    }

    fn name(&self) -> String {
        let name = self.path.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }

    /// The line of a position.
    pub fn line(&self, span: &Range<usize>) -> u32 {
        let at = u32::try_from(span.start).unwrap_or(u32::MAX);
        LineIndex::new(&self.text).line(at)
    }

    /// An error at a position.
    pub fn error(&self, span: Range<usize>, message: String) -> ConfigError {
        ConfigError::part(&self.path, &self.text, &span, message)
    }
}

/// An error of the syntax or the structure of a file.
pub(super) fn invalid(path: &Path, text: &str, error: &toml::de::Error) -> ConfigError {
    let message = error.message().trim_end();
    let message = unknown(message).unwrap_or_else(|| message.replace('\n', ", "));
    match error.span() {
        Some(span) => ConfigError::part(path, text, &span, message),
        None => ConfigError::file(path, message),
    }
}

/// serde says "unknown field `x`, expected one of `a`, `b`". Users call it a key, and want to know
/// which key was meant.
fn unknown(message: &str) -> Option<String> {
    let (what, plural, rest) = [
        ("unknown field ", "key", "keys"),
        ("unknown variant ", "value", "values"),
    ]
    .iter()
    .find_map(|(serde, what, plural)| Some((*what, *plural, message.strip_prefix(serde)?)))?;
    let mut quoted = rest.split('`').skip(1).step_by(2);
    let word = quoted.next()?;
    let known: Vec<&str> = quoted.collect();
    let mut text = format!(
        "unknown {what} `{word}`{}",
        did_you_mean(word, known.iter().copied())
    );
    if !text.ends_with('?') {
        text.push_str(&format!("; known {plural} are "));
        text.push_str(&known.join(", "));
    }
    Some(text)
}
