//! Results of earlier runs, which are reused if nothing that they depend on has changed.
//!
//! The key of a record is a digest of all input of an analysis: the build of the program, the
//! settings, the files with their texts. Beside the result, a record contains what the analysis saw
//! of the file system beyond that ([`Observations`](crate::source::Observations)): which modules
//! imports led to, and where there were none. A record is used only if all of this is the same now,
//! so a result is never older than what it depends on.
//!
//! A finding in one file can depend on classes, helpers and inferred contracts in any other file.
//! So this record is of the whole run. After a change, what each rule found in each file is taken
//! over if nothing that it depends on has changed ([`Kept`]); that is another record.
//!
//! A record that cannot be read, is damaged, or was written by another build is ignored. Records
//! are written under a temporary name and then renamed, so that readers and other writers only see
//! complete ones.

mod key;
mod record;
mod result;
mod store;

use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use rustc_hash::FxHashSet;

use crate::analysis::kept::Kept;
use crate::analysis::{Analysis, AnalysisInput};
use crate::fence::Bug;

pub use result::{from_text, to_text};
pub use store::{Cleaned, clean};

/// A folder of records.
#[derive(Clone, Debug)]
pub struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// A cache in a folder, which need not exist.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The folder of this program in the platform's place for caches; `None` if no home directory
    /// is known.
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

    /// The result of an analysis: from a record if that still holds, or else from `analyse`. The
    /// new result is recorded, unless something panicked (the next run should try again) or it
    /// cannot be written (which only costs time).
    ///
    /// # Errors
    /// Those of `analyse`.
    pub fn result_of(
        &self,
        input: &AnalysisInput<'_>,
        analyse: impl FnOnce(&AnalysisInput<'_>) -> Result<Analysis, Bug>,
    ) -> Result<Analysis, Bug> {
        let key = key::of(input);
        let known = store::read(&self.folder, &key);
        if let Some(known) = known.and_then(|payload| record::read(&payload, input)) {
            return Ok(known);
        }
        let of_units = key::of_units(input);
        let kept = store::read(&self.folder, &of_units);
        let kept = kept.and_then(|text| serde_json::from_str(&text).ok());
        let kept: Kept = kept.unwrap_or_default();
        input.sources.observe();
        let result = analyse(&AnalysisInput {
            kept: Some(&kept),
            ..*input
        });
        // The key covers these files.
        let own: FxHashSet<&Path> = input.files.iter().map(|f| f.real_path.as_path()).collect();
        let observations = input.sources.observed(|path| own.contains(path));
        if let Ok(analysis) = &result
            && !analysis.failed.iter().any(|failure| failure.is_internal())
            && let Some(payload) = record::write(analysis, observations, input)
        {
            let _ = store::write(&self.folder, &key, &payload);
            let kept = analysis.kept.as_ref().map(serde_json::to_string);
            if let Some(Ok(kept)) = kept {
                let _ = store::write(&self.folder, &of_units, &kept);
            }
        }
        result
    }
}
