//! A run that looks for contracts which could be declared.

use std::path::PathBuf;
use std::sync::Arc;

use super::inputs::Inputs;
use crate::analysis::{AnalysisInput, suggestions};
use crate::config::{ConfigError, Configuration};
use crate::diagnostics::FileFailure;
use crate::discover::{Skipped, discover};
use crate::fence::{self, Bug};
use crate::order::Order as _;
use crate::outcome::Suggestions;
use crate::settings::{Reading, Settings};
use crate::source::{DEFAULT_FILE_BYTES, SourceFile, SourceMap};

/// What could be declared, with the files that say so.
pub struct Suggested {
    /// The suggestions.
    pub suggestions: Suggestions,
    /// Every file that was loaded.
    pub sources: SourceMap,
    /// Every file that was found, whether it could be analysed or not.
    pub files: Vec<Arc<SourceFile>>,
    /// What was skipped.
    pub skipped: Vec<Skipped>,
    /// What could not be analysed, sorted.
    pub failures: Vec<FileFailure>,
    /// A panic that ended the analysis.
    pub bug: Option<Bug>,
}

/// Looks for contracts that could be declared.
///
/// # Errors
/// When a configuration file that applies to a file is not valid.
pub fn suggest(
    paths: &[PathBuf],
    configuration: &Configuration,
    cwd: PathBuf,
) -> Result<Suggested, ConfigError> {
    let limit = configuration.overrides().max_file_bytes;
    let sources = SourceMap::new(cwd).with_limit(limit.unwrap_or(DEFAULT_FILE_BYTES));
    let mut inputs = Inputs::default();
    let mut found = discover(paths, configuration, &sources)?;
    inputs.load(&found, &sources);
    let files = inputs.files.iter();
    let settings: Vec<Arc<Settings>> = files.map(|file| configuration.of_file(file)).collect();
    if let Some(error) = configuration.wrong() {
        return Err(error);
    }
    let coverage = found.coverage(&sources);
    let input = AnalysisInput {
        sources: &sources,
        files: &inputs.files,
        coverage: &coverage,
        settings: &settings,
        reading: Reading::Everything,
        checked: None,
        changed: None,
        shard: None,
        kept: None,
        busy: None,
        of_folder: true,
    };
    let analysed = fence::on_big_stack(|| suggestions::suggest(&input));
    let (suggestions, mut failed, bug) = match analysed {
        Ok((suggestions, failed)) => (suggestions, failed, None),
        Err(bug) => (Suggestions::default(), Vec::new(), Some(bug)),
    };
    inputs.failures.append(&mut found.failures);
    inputs.failures.append(&mut failed);
    let files = inputs.files.clone();
    inputs.set_aside(&mut found, &coverage, configuration);
    inputs.failures.order();
    inputs.failures.dedup();
    Ok(Suggested {
        suggestions,
        sources,
        files,
        skipped: found.skipped,
        failures: inputs.failures,
        bug,
    })
}
