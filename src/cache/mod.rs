//! Results of earlier runs, for when nothing that they depend on has changed.
//!
//! The key of a record is a digest of everything that an analysis is given: the build of the
//! program, the settings, the files with their texts. Beside the result, a record has what the
//! analysis saw of the file system beyond that ([`Observations`](crate::source::Observations)): which modules imports led to,
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
use rustc_hash::FxHashSet;

use crate::analysis::{Analysis, AnalysisInput};
use crate::fence::Bug;

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
    /// no home directory is known.
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

    /// The result of an analysis: what was noted of it, if that still holds, or else what `analyse`
    /// comes to, which is noted. Where something panicked the next run shall try again, so that is
    /// not noted; nor is what cannot be written: all that is lost is time.
    ///
    /// # Errors
    /// Those of `analyse`.
    pub fn result_of(
        &self,
        input: &AnalysisInput<'_>,
        analyse: impl FnOnce() -> Result<Analysis, Bug>,
    ) -> Result<Analysis, Bug> {
        let key = key::of(input);
        let known = store::read(&self.folder, &key);
        if let Some(known) = known.and_then(|payload| record::read(&payload, input)) {
            return Ok(known);
        }
        input.sources.observe();
        let result = analyse();
        // The key says all of these.
        let own: FxHashSet<&Path> = input.files.iter().map(|f| f.real_path.as_path()).collect();
        let observations = input.sources.observed(|path| own.contains(path));
        if let Ok(analysis) = &result
            && !analysis.failed.iter().any(|failure| failure.internal)
            && let Some(payload) = record::write(analysis, observations, input)
        {
            let _ = store::write(&self.folder, &key, &payload);
        }
        result
    }
}
