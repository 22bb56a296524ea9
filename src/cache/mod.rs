//! Results of earlier runs, for when nothing that they depend on has changed.
//!
//! The key of a record is a digest of everything that an analysis is given: the build of the
//! program, the settings, the files with their texts. Beside the result, a record has what the
//! analysis saw of the file system beyond that ([`Observations`]): which modules imports led to,
//! and where there were none. It counts only when all of it is the same now, so a result is never
//! older than what it depends on.
//!
//! What a run finds in one file depends on classes, helpers and inferred contracts in any other,
//! so the unit is the run and not the file: after a change, all that the run is about is analysed
//! again.
//!
//! A record that cannot be read, is damaged or was written by another build is none. Records are
//! written under another name and then moved, so that readers and other writers see whole ones.

mod files;
mod key;
mod record;
mod store;

use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

use crate::analysis::{Analysis, AnalysisInput};
use crate::source::Observations;

pub use store::{Cleaned, clean};

/// A folder of records.
#[derive(Clone, Debug)]
pub struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// The records in a folder, which need not exist.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The folder of this program in the place where the platform keeps such things; `None` when
    /// there is no such place, because nobody is at home.
    #[must_use]
    pub fn default_folder() -> Option<PathBuf> {
        let places = etcetera::base_strategy::choose_native_strategy().ok()?;
        Some(places.cache_dir().join(env!("CARGO_PKG_NAME")))
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The place for the result of an analysis.
    #[must_use]
    pub fn entry<'a>(&'a self, input: &'a AnalysisInput<'a>) -> Entry<'a> {
        Entry {
            folder: &self.folder,
            key: key::of(input),
            input,
        }
    }
}

/// The place for the result of one analysis.
pub struct Entry<'a> {
    folder: &'a Path,
    key: String,
    input: &'a AnalysisInput<'a>,
}

impl Entry<'_> {
    /// The result, if it was noted and still holds.
    #[must_use]
    pub fn find(&self) -> Option<Analysis> {
        let payload = store::read(self.folder, &self.key)?;
        record::read(&payload, self.input)
    }

    /// Notes a result and what was seen on the way to it. Where something panicked the next run
    /// shall try again, so that is not noted; nor is what cannot be written: all that is lost is
    /// time.
    pub fn fill(&self, analysis: &Analysis, observations: Observations) {
        if analysis.failed.iter().any(|failure| failure.internal) {
            return;
        }
        if let Some(payload) = record::write(analysis, observations, self.input) {
            let _ = store::write(self.folder, &self.key, &payload);
        }
    }
}
