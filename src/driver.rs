//! The driver: discover, load, analyse, settle. Prints nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::analysis::{self, Analysis, AnalysisInput, Statistics};
use crate::cache::Cache;
use crate::config::{ConfigError, Configuration};
use crate::diagnostics::{FileFailure, Severity};
use crate::discover::{Discovered, SkipReason, Skipped, discover, is_forced_out, repository};
use crate::fence::{self, Bug};
use crate::outcome::Duty;
use crate::outcome::Settled;
use crate::outcome::Survey;
use crate::report::Report;
use crate::settings::Settings;
use crate::settle::{Baseline, Checked, settle};
use crate::source::{DEFAULT_FILE_BYTES, FileId, Language, SourceFile, SourceMap, decode};

/// Texts that stand for files, by the paths by which these were found.
pub type Overlay = BTreeMap<PathBuf, String>;

/// What to check.
pub struct Request<'a> {
    /// Files and folders.
    pub paths: &'a [PathBuf],
    /// Text that was piped in, and the path it stands for.
    pub stdin: Option<(PathBuf, Vec<u8>)>,
    /// Texts that stand for files, wherever those are found.
    pub overlay: &'a Overlay,
    /// The real paths of the files that changed, to check only what they concern.
    pub changed: Option<&'a BTreeSet<PathBuf>>,
    /// How.
    pub configuration: &'a Configuration,
    /// What relative paths are relative to.
    pub cwd: PathBuf,
    /// Where results are noted, if they are to be.
    pub cache: Option<&'a Cache>,
}

/// The result of a run.
pub struct Outcome {
    /// The findings, decided.
    pub settled: Settled,
    /// The files.
    pub sources: SourceMap,
    /// What could not be analysed, sorted.
    pub failures: Vec<FileFailure>,
    /// How many files were analysed.
    pub checked: usize,
    /// The baselines that hold for the files, by their paths.
    pub baselines: Vec<Baseline>,
    /// The baselines of the files with findings.
    baseline_of: HashMap<FileId, Option<PathBuf>>,
    /// The configuration files that were used.
    pub configurations: Vec<PathBuf>,
    /// What was left out of walks.
    pub skipped: Vec<Skipped>,
    /// Length of `skipped`, without the folders that never count.
    pub skipped_count: usize,
    /// The contracts and the classes under them.
    pub contracts: Vec<Survey>,
    /// The same classes, with every exit of their methods.
    pub checklist: Vec<Duty>,
    /// How many methods that must keep a contract were checked.
    pub processors: usize,
    /// How many methods and functions were not followed to their end.
    pub unfollowed: usize,
    /// The functions that took most steps to follow, with these.
    pub walks: Vec<(String, u64)>,
    /// Counters.
    pub statistics: Statistics,
    /// A panic that ended the analysis.
    pub bug: Option<Bug>,
    /// How long it all took.
    pub elapsed: Duration,
}

/// How a run ended, as its exit status tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    /// Nothing at or above the threshold.
    Clean,
    /// Findings at or above the threshold.
    Findings,
    /// Not everything could be analysed.
    Incomplete,
    /// A bug in tallylint.
    Bug,
}

impl Status {
    /// The exit code.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Status::Clean => 0,
            Status::Findings => 1,
            Status::Incomplete => 2,
            Status::Bug => 101,
        }
    }
}

impl Outcome {
    /// How the run ended; findings count from `threshold` up, or not at all.
    #[must_use]
    pub fn status(&self, threshold: Option<Severity>) -> Status {
        if self.bug.is_some() || self.failures.iter().any(|failure| failure.internal) {
            Status::Bug
        } else if !self.failures.is_empty() {
            Status::Incomplete
        } else if threshold.is_some_and(|least| self.settled.worst() >= Some(least)) {
            Status::Findings
        } else {
            Status::Clean
        }
    }

    /// The path of the baseline for what is found in a file.
    #[must_use]
    pub fn baseline_of(&self, file: &SourceFile) -> Option<PathBuf> {
        self.baseline_of.get(&file.id).cloned().flatten()
    }

    /// What reporters see of it.
    #[must_use]
    pub fn report(&self) -> Report<'_> {
        Report {
            settled: &self.settled,
            sources: &self.sources,
            failures: &self.failures,
            checked: self.checked,
            skipped: self.skipped_count,
            processors: self.processors,
            unfollowed: self.unfollowed,
            checklist: &self.checklist,
            bug: self.bug.as_ref(),
            links: None,
            fixed: 0,
            time: Some(self.elapsed),
            root: repository(self.sources.cwd()).unwrap_or(self.sources.cwd()),
            ignored: true,
        }
    }
}

/// Runs a check.
///
/// # Errors
/// When a configuration file that counts for a checked file is not valid.
pub fn run(request: Request<'_>) -> Result<Outcome, ConfigError> {
    let start = Instant::now();
    let configuration = request.configuration;
    let overrides = configuration.overrides();
    let limit = overrides.max_file_bytes.unwrap_or(DEFAULT_FILE_BYTES);
    let sources = SourceMap::new(request.cwd).with_limit(limit);
    let mut failures = Vec::new();
    let mut files: Vec<Arc<SourceFile>> = Vec::new();
    let mut forced_out = None;
    let stdin = match request.stdin {
        Some((path, _)) if forces_out(&path, &sources, configuration)? => {
            forced_out = Some(Skipped {
                path,
                reason: SkipReason::Excluded,
            });
            None
        }
        other => other,
    };
    // First, so that the text stands for its file when that is found as well.
    if let Some((path, bytes)) = stdin {
        match decode(bytes, Language::of_named(&path)) {
            Ok(text) => files.push(sources.add_virtual(&path, text)),
            Err(error) => failures.push(FileFailure::input(
                sources.display(&path),
                Some((error.position.line, error.position.column)),
                error.reason,
            )),
        }
    }
    for (path, text) in request.overlay {
        sources.add_virtual(path, text.clone());
    }
    let mut found = discover(request.paths, configuration, &sources)?;
    found.skipped.extend(forced_out);
    let discovering = start.elapsed();
    load(&found, &sources, &mut files, &mut failures);
    let loading = start.elapsed();
    let settings: Vec<Arc<Settings>> = files
        .iter()
        .map(|file| configuration.of_file(file))
        .collect();
    if let Some(error) = configuration.wrong() {
        return Err(error);
    }
    let coverage = found.coverage(&sources);
    let input = AnalysisInput {
        sources: &sources,
        files: &files,
        coverage: &coverage,
        settings: &settings,
        reading: overrides.reading,
        changed: request.changed,
    };
    let (analysis, bug) = match analyse(&input, request.cache) {
        Ok(analysis) => (analysis, None),
        Err(bug) => (Analysis::default(), Some(bug)),
    };
    let skipped_count = found.skipped_count();
    failures.extend(found.failures);
    let mut number = 0..files.len();
    let mut ignored: Vec<Arc<SourceFile>> = Vec::new();
    files.retain(|file| {
        let concerned = number.next().is_some_and(|at| analysis.concerns(at));
        if !concerned {
            ignored.push(Arc::clone(file));
        }
        concerned
    });
    failures.extend(analysis.failed);
    // What nothing that changed has to do with may be broken as it was.
    failures.retain(|f| !ignored.iter().any(|file| file.display == f.path));
    failures.sort();
    failures.dedup();
    let failed = |file: &&Arc<SourceFile>| failures.iter().any(|f| f.path == file.display);
    let mut statistics = analysis.statistics;
    statistics.add("files read", sources.reads() as u64);
    let walks = |path: &PathBuf| sources.cwd().join(path).is_dir();
    let partial = request.changed.is_some() || !request.paths.iter().any(walks);
    let places = analysis.findings.iter().map(|f| f.primary.location.file);
    let places: BTreeSet<FileId> = places.collect();
    let elsewhere = places
        .iter()
        .map(|file| configuration.of_file(&sources.get(*file)));
    let all: Vec<Arc<Settings>> = settings.iter().cloned().chain(elsewhere).collect();
    let baselines = baselines(&all, overrides.write_baseline)?;
    let settled = fence::catch(|| {
        let checked = Checked {
            // After a panic, that nothing was found says nothing.
            files: if bug.is_none() { &files } else { &[] },
            failures: &failures,
            partial,
            baselines: &baselines,
        };
        settle(analysis.findings, checked, configuration, &sources)
    });
    let ((settled, baselines), bug) = match settled {
        Ok(settled) => (settled, bug),
        Err(new) => (Default::default(), bug.or(Some(new))),
    };
    if let Some(error) = configuration.wrong() {
        return Err(error);
    }
    statistics.time("discovering", discovering);
    statistics.time("reading", loading - discovering);
    let mut configurations: Vec<PathBuf> = settings.iter().filter_map(|s| s.file.clone()).collect();
    configurations.sort();
    configurations.dedup();
    let own = places.iter().map(|file| {
        let file = sources.get(*file);
        (file.id, configuration.of_file(&file).baseline.clone())
    });
    let baseline_of = own.collect();
    Ok(Outcome {
        baselines,
        baseline_of,
        configurations,
        checked: files.len() - files.iter().filter(failed).count(),
        settled,
        contracts: analysis.contracts,
        checklist: analysis.checklist,
        processors: analysis.processors,
        unfollowed: analysis.unfollowed,
        walks: analysis.walks,
        skipped: found.skipped,
        skipped_count,
        failures,
        statistics,
        bug,
        sources,
        elapsed: start.elapsed(),
    })
}

/// Analyses, unless a result that is still right is known.
fn analyse(input: &AnalysisInput<'_>, cache: Option<&Cache>) -> Result<Analysis, Bug> {
    let analyse = || fence::on_big_stack(|| analysis::analyse(input));
    match cache {
        Some(cache) => cache.result_of(input, analyse),
        None => analyse(),
    }
}

/// Whether text that stands for a file is left out, as the file would be.
fn forces_out(
    path: &Path,
    sources: &SourceMap,
    configuration: &Configuration,
) -> Result<bool, ConfigError> {
    let path = sources.cwd().join(path);
    is_forced_out(&fs::canonicalize(&path).unwrap_or(path), configuration)
}

/// The baselines that hold for some file, by their paths.
fn baselines(settings: &[Arc<Settings>], or_empty: bool) -> Result<Vec<Baseline>, ConfigError> {
    let paths = settings.iter().filter_map(|s| s.baseline.as_ref());
    let paths: BTreeSet<&PathBuf> = paths.collect();
    paths
        .into_iter()
        .map(|path| Baseline::read(path, or_empty))
        .collect()
}

fn load(
    found: &Discovered,
    sources: &SourceMap,
    files: &mut Vec<Arc<SourceFile>>,
    failures: &mut Vec<FileFailure>,
) {
    for (path, loaded) in found.files.iter().zip(sources.load_all(&found.files)) {
        match loaded {
            Ok(file) => files.push(file),
            Err(error) => failures.push(FileFailure::input(
                sources.display(path),
                error.position().map(|at| (at.line, at.column)),
                error.to_string(),
            )),
        }
    }
    files.sort_by(|a, b| a.display.cmp(&b.display));
    files.dedup_by_key(|file| file.id);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Overrides;
    use crate::settings::Settings;

    #[test]
    fn a_bug_is_no_fault_of_the_input() {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings::new(None, &Overrides::default()).unwrap();
        let mut outcome = run(Request {
            paths: &[folder.path().to_path_buf()],
            stdin: None,
            overlay: &Overlay::new(),
            changed: None,
            configuration: &Configuration::fixed(settings, Overrides::default()),
            cwd: folder.path().to_path_buf(),
            cache: None,
        })
        .unwrap();
        let code = |outcome: &Outcome| outcome.status(Some(Severity::Note)).code();
        assert_eq!(code(&outcome), 0);
        let unreadable = FileFailure::input("a.py".into(), None, "broken link".into());
        outcome.failures = vec![unreadable];
        assert_eq!(code(&outcome), 2);
        let internal = FileFailure::internal("b.py".into(), "index out of bounds".into());
        outcome.failures.push(internal);
        assert_eq!(code(&outcome), 101);
        outcome.failures.clear();
        outcome.bug = Some(Bug {
            message: "index out of bounds".into(),
            place: "src/x.rs:1".into(),
        });
        assert_eq!(code(&outcome), 101);
    }
}
