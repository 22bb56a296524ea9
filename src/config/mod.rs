//! Configuration: files and command line become validated [`Settings`](crate::settings::Settings).
//!
//! Three stages: `raw` is what a file may say, with unknown keys rejected; `merge` puts a file on
//! top of those that it extends; `resolve` turns that into settings that need no further checks.
//! The tables of rules go the same way, by what each rule says of its options (`tables`). Errors
//! point into the file. [`Configuration`] knows which settings hold for which file.

mod at;
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
mod tables;

use std::path::PathBuf;

use crate::settings::Reading;

pub use effective::{CONTRACT, Effective, From, Value};
pub use error::ConfigError;
pub use load::{ConfigFile, ConfigSource, in_folder};
pub use nearest::{Configuration, file_of_folder};
pub use raw::RawConfig;
pub use reference::reference;
pub use schema::schema;
pub(crate) use selection::find as find_rule;

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
