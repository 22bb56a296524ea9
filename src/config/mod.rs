//! Configuration: turns files and the command line into validated
//! [`Settings`](crate::settings::Settings).
//!
//! There are three stages: `raw` is what a file may contain, and rejects unknown keys; `merge`
//! joins a file with those that it extends; `resolve` validates the result. The tables of rules
//! take the same way, based on the description of each rule's options (`tables`). Errors point into
//! the file. [`Configuration`] knows which settings apply to which file.

mod at;
mod contract;
mod effective;
mod error;
mod folders;
mod load;
mod merge;
mod nearest;
mod raw;
mod reference;
mod resolve;
mod schema;
mod selection;
mod tables;
mod texts;

use std::path::PathBuf;

use crate::settings::Reading;

pub use effective::{CONTRACT, Effective, From, Value};
pub use error::ConfigError;
pub use load::{ConfigFile, ConfigSource, in_folder};
pub use nearest::{Configuration, file_of_folder};
pub use raw::RawConfig;
pub use reference::reference;
pub use schema::schema;

/// The settings from the command line.
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
    /// `--baseline`, which overrides the files.
    pub baseline: Option<PathBuf>,
    /// Whether baselines are about to be written, so that missing ones are no error.
    pub write_baseline: bool,
}

#[cfg(test)]
mod tests;
