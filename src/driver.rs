//! The driver of one run: discovers, loads, analyses and settles. It prints nothing.

mod changes;
mod suggesting;
mod unmatched;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::analysis::{self, Analysis, AnalysisInput, Statistics};
use crate::cache::Cache;
use crate::clock::Watch;
use crate::config::{ConfigError, Configuration};
use crate::diagnostics::{FileFailure, Finding, Severity};
use crate::discover::{
    Changes, Coverage, Discovered, SkipReason, Skipped, discover, is_forced_out, repository,
};
use crate::fence::{self, Bug};
use crate::outcome::{Duty, Extent, LeftOut, Looked, Settled, Survey};
use crate::report::{Report, Screen};
use crate::rules::{self, Scope};
use crate::settings::{Settings, Unparsable};
use crate::settle::{Baseline, Checked, settle};
use crate::source::{
    DEFAULT_FILE_BYTES, FileId, Foreign, Language, SourceFile, SourceMap, Unreadable, decode,
};

pub use suggesting::{Suggested, suggest};
pub use unmatched::Unmatched;
use unmatched::Whole;

/// Texts that replace the content of files, by the paths of these files.
pub type Overlay = BTreeMap<PathBuf, String>;

/// What to check.
pub struct Request<'a> {
    /// Files and folders to check.
    pub paths: &'a [PathBuf],
    /// The path and the text of standard input.
    pub stdin: Option<(PathBuf, Vec<u8>)>,
    /// Texts that replace the content of files, however a run comes across them.
    pub overlay: &'a Overlay,
    /// The changes, to check only what they affect.
    pub changed: Option<&'a Changes>,
    /// Real paths of files, of which some may be gone, to check only what they can affect.
    pub around: Option<&'a BTreeSet<PathBuf>>,
    /// The configuration of the run.
    pub configuration: &'a Configuration,
    /// The folder that relative paths are relative to.
    pub cwd: PathBuf,
    /// Where results are kept, if they are.
    pub cache: Option<&'a Cache>,
}

/// The result of a run.
pub struct RunResult {
    /// All findings, with the decision about each.
    pub settled: Settled,
    /// Every file that was loaded.
    pub sources: SourceMap,
    /// What could not be analysed, or not be fixed, sorted.
    pub failures: Vec<FileFailure>,
    /// How many files were analysed.
    pub checked: usize,
    /// The baselines that apply to the files, each once.
    pub baselines: Vec<Baseline>,
    /// Which baseline applies to each file with findings.
    baseline_of: HashMap<FileId, Option<PathBuf>>,
    /// The configuration files that were used.
    pub configurations: Vec<PathBuf>,
    /// What walks over folders skipped.
    pub skipped: Vec<Skipped>,
    /// Length of `skipped`, without the folders that are always skipped.
    pub skipped_count: usize,
    /// The contracts, with the classes that have to keep them.
    pub contracts: Vec<Survey>,
    /// The same classes, with every exit of their methods.
    pub checklist: Vec<Duty>,
    /// What configuration files say without effect, although all code was checked that they are
    /// about.
    pub unmatched: Unmatched,
    /// How many methods that must keep a contract were checked.
    pub processors: usize,
    /// What was looked at beside these methods.
    pub looked: Looked,
    /// How many methods and functions were not followed to their end.
    pub unfollowed: usize,
    /// The functions that took the most steps to follow, with these numbers of steps.
    pub walks: Vec<(String, u64)>,
    /// Counters and times for `--statistics=engine`.
    pub statistics: Statistics,
    /// A panic that ended the analysis.
    pub bug: Option<Bug>,
    /// How long the whole run took.
    pub elapsed: Duration,
}

/// How a run ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    /// No finding at or above the threshold.
    Clean,
    /// Some finding at or above the threshold.
    Findings,
    /// Not everything could be analysed.
    Incomplete,
    /// A bug in tallylint.
    Bug,
}

impl Status {
    /// How a run ended, whatever it found.
    #[must_use]
    pub fn of(failures: &[FileFailure], bug: Option<&Bug>) -> Self {
        if bug.is_some() || failures.iter().any(|failure| failure.is_internal()) {
            Status::Bug
        } else if !failures.is_empty() {
            Status::Incomplete
        } else {
            Status::Clean
        }
    }

    /// The exit code of the process.
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

impl RunResult {
    /// How the run ended. Findings count if they are at least `threshold`; with `None`, none
    /// counts.
    #[must_use]
    pub fn status(&self, threshold: Option<Severity>) -> Status {
        match Status::of(&self.failures, self.bug.as_ref()) {
            Status::Clean if threshold.is_some_and(|least| self.settled.worst() >= Some(least)) => {
                Status::Findings
            }
            status => status,
        }
    }

    /// The path of the baseline that applies to a file.
    #[must_use]
    pub fn baseline_of(&self, file: &SourceFile) -> Option<PathBuf> {
        self.baseline_of.get(&file.id).cloned().flatten()
    }

    /// The part of the result that reports show.
    #[must_use]
    pub fn report(&self) -> Report<'_> {
        Report {
            settled: &self.settled,
            sources: &self.sources,
            failures: &self.failures,
            checked: self.checked,
            skipped: self.skipped_count,
            processors: self.processors,
            looked: &self.looked,
            unfollowed: self.unfollowed,
            checklist: &self.checklist,
            bug: self.bug.as_ref(),
            links: None,
            fixed: 0,
            time: Some(self.elapsed),
            root: repository(self.sources.cwd()).unwrap_or(self.sources.cwd()),
            ignored: true,
            screen: Screen::default(),
        }
    }
}

/// Runs a check.
///
/// # Errors
/// When a configuration file that applies to a checked file is not valid.
pub fn run(request: Request<'_>) -> Result<RunResult, ConfigError> {
    let start = Watch::start();
    let configuration = request.configuration;
    let overrides = configuration.overrides();
    let limit = overrides.max_file_bytes.unwrap_or(DEFAULT_FILE_BYTES);
    let sources = SourceMap::new(request.cwd.clone()).with_limit(limit);
    let mut inputs = Inputs::default();
    // Standard input comes first, so that its text replaces the file when a walk finds it, too.
    let skipped_stdin = match request.stdin.clone() {
        Some((path, bytes)) => inputs.add_stdin(path, bytes, &sources, configuration)?,
        None => None,
    };
    for (path, text) in request.overlay {
        sources.add_virtual(path, text.clone());
    }
    let mut found = discover(request.paths, configuration, &sources)?;
    found.skipped.extend(skipped_stdin);
    let discovering = start.elapsed();
    inputs.load(&found, &sources);
    let loading = start.elapsed();
    let settings = inputs.settings(configuration)?;
    let coverage = found.coverage(&sources);
    let extent = extent(request.paths, request.changed, &sources);
    let reached = changes::reached(&request, &inputs.files);
    let input = AnalysisInput {
        sources: &sources,
        files: &inputs.files,
        coverage: &coverage,
        settings: &settings,
        reading: overrides.reading,
        checked: reached.as_ref(),
        changed: request.changed.map(|changes| &changes.files),
        of_folder: extent == Extent::Folder,
    };
    let (mut analysis, analysis_bug) = analyse(&input, request.cache);
    changes::keep_new(&mut analysis.findings, &request, &sources);
    inputs.failures.append(&mut found.failures);
    inputs.keep_concerned(&mut analysis, request.changed);
    let mut statistics = analysis.statistics;
    statistics.add("files read", sources.reads() as u64);
    let partial = extent != Extent::Folder;
    let analysed = Analysed {
        settings: &settings,
        partial,
        bug: analysis_bug,
    };
    let decided = inputs.settle(analysis.findings, analysed, configuration, &sources)?;
    let files = inputs.files.clone();
    inputs.set_aside(&mut found, &coverage, configuration);
    // A file that was not read may have what is looked for.
    let whole = !partial && decided.bug.is_none() && inputs.failures.is_empty();
    let folders: &[PathBuf] = if whole { &found.folders } else { &[] };
    let unmatched = Whole::new(&settings, &files, folders).unmatched(&analysis.checklist);
    statistics.time("discovering", discovering);
    statistics.time("reading", loading - discovering);
    Ok(RunResult {
        baselines: decided.baselines,
        baseline_of: decided.baseline_of,
        configurations: configuration_files(&settings),
        checked: inputs.analysed(),
        settled: decided.settled,
        contracts: analysis.contracts,
        unmatched,
        checklist: analysis.checklist,
        processors: analysis.processors,
        looked: Looked {
            for_contracts: settings.iter().any(|settings| about_contracts(settings)),
            extent,
            outside: analysis.outside,
            left_out: left_out(&found.skipped),
            candidate: analysis.candidate,
        },
        unfollowed: analysis.unfollowed,
        walks: analysis.walks,
        skipped_count: found.skipped_count(),
        skipped: found.skipped,
        failures: inputs.failures,
        statistics,
        bug: decided.bug,
        sources,
        elapsed: start.elapsed(),
    })
}

/// The files of a run, and what could not be analysed.
#[derive(Default)]
struct Inputs {
    files: Vec<Arc<SourceFile>>,
    failures: Vec<FileFailure>,
}

impl Inputs {
    /// Adds the text of standard input, or returns why the file that it stands for is left out.
    fn add_stdin(
        &mut self,
        path: PathBuf,
        bytes: Vec<u8>,
        sources: &SourceMap,
        configuration: &Configuration,
    ) -> Result<Option<Skipped>, ConfigError> {
        if forces_out(&path, sources, configuration)? {
            let reason = SkipReason::Excluded;
            return Ok(Some(Skipped { path, reason }));
        }
        if let Some(kind) = Unreadable::of(&path) {
            let reason = SkipReason::Unreadable(kind);
            return Ok(Some(Skipped { path, reason }));
        }
        match decode(bytes, Language::of_named(&path)) {
            Ok(text) => self.files.push(sources.add_virtual(&path, text)),
            Err(error) => self.failures.push(FileFailure::input(
                sources.display(&path),
                Some((error.position.line, error.position.column)),
                error.reason,
            )),
        }
        Ok(None)
    }

    /// Reads the files that were found. Afterwards all files are sorted by their displayed paths,
    /// each once.
    fn load(&mut self, found: &Discovered, sources: &SourceMap) {
        for (path, loaded) in found.files.iter().zip(sources.load_all(&found.files)) {
            match loaded {
                Ok(file) => self.files.push(file),
                Err(error) => self.failures.push(FileFailure::input(
                    sources.display(path),
                    error.position().map(|at| (at.line, at.column)),
                    error.to_string(),
                )),
            }
        }
        self.files.sort_by(|a, b| a.display.cmp(&b.display));
        self.files.dedup_by_key(|file| file.id);
    }

    /// The settings of the files.
    fn settings(&self, configuration: &Configuration) -> Result<Vec<Arc<Settings>>, ConfigError> {
        let files = self.files.iter();
        let settings = files.map(|file| configuration.of_file(file)).collect();
        configuration.wrong().map_or(Ok(settings), Err)
    }

    /// Takes over the failures of the analysis, and drops the files that it did not check because
    /// no change concerns them. The failures of files that did not change are dropped as well: they were broken before.
    fn keep_concerned(&mut self, analysis: &mut Analysis, changed: Option<&Changes>) {
        let mut number = 0..self.files.len();
        let (kept, dropped): (Vec<_>, Vec<_>) = std::mem::take(&mut self.files)
            .into_iter()
            .partition(|_| number.next().is_some_and(|at| analysis.concerns(at)));
        self.files = kept;
        self.failures.append(&mut analysis.failed);
        let unchanged = self
            .files
            .iter()
            .filter(|file| changed.is_some_and(|changes| !changes.files.contains(&file.real_path)));
        let old: HashSet<&str> = dropped
            .iter()
            .chain(unchanged)
            .map(|file| &*file.display)
            .collect();
        self.failures
            .retain(|f| f.is_internal() || !old.contains(&*f.path));
        self.failures.sort();
        self.failures.dedup();
    }

    /// Decides about the findings, by the settings and the baselines of their files.
    fn settle(
        &self,
        findings: Vec<Finding>,
        analysed: Analysed<'_>,
        configuration: &Configuration,
        sources: &SourceMap,
    ) -> Result<SettledRun, ConfigError> {
        let files_with_findings: Vec<(FileId, Arc<Settings>)> = findings
            .iter()
            .map(|finding| finding.primary.location.file)
            .collect::<BTreeSet<FileId>>()
            .into_iter()
            .map(|file| (file, configuration.of_file(&sources.get(file))))
            .collect();
        let elsewhere = files_with_findings.iter().map(|(_, settings)| settings);
        let all = analysed.settings.iter().chain(elsewhere);
        let baselines = baselines(all, configuration.overrides().write_baseline)?;
        let settled = fence::catch(|| {
            let checked = Checked {
                // After a panic, a file without findings proves nothing.
                files: match analysed.bug {
                    None => &self.files,
                    Some(_) => &[],
                },
                failures: &self.failures,
                partial: analysed.partial,
                baselines: &baselines,
            };
            settle(findings, checked, configuration, sources)
        });
        let ((settled, baselines), bug) = match settled {
            Ok(settled) => (settled, analysed.bug),
            Err(bug) => (Default::default(), analysed.bug.or(Some(bug))),
        };
        if let Some(error) = configuration.wrong() {
            return Err(error);
        }
        let baseline_of = files_with_findings
            .into_iter()
            .map(|(file, settings)| (file, settings.baseline.clone()));
        Ok(SettledRun {
            settled,
            baselines,
            baseline_of: baseline_of.collect(),
            bug,
        })
    }

    /// Skips the files of walks that could not be parsed because they are no code of today's language,
    /// unless the configuration says that these are errors.
    fn set_aside(
        &mut self,
        found: &mut Discovered,
        coverage: &Coverage,
        configuration: &Configuration,
    ) {
        let mut broken: HashMap<&str, Vec<u32>> = HashMap::new();
        for failure in &self.failures {
            if let Some((line, _)) = failure.location {
                broken.entry(&failure.path).or_default().push(line);
            }
        }
        let foreign = |file: &SourceFile| {
            let lines = broken.get(file.display.as_str())?;
            if !coverage.walked(&file.real_path) {
                return None;
            }
            let kind = lines.iter().find_map(|line| {
                let line = file.text.lines().nth(line.checked_sub(1)? as usize)?;
                Foreign::of_broken_line(file.language, line)
            })?;
            let unparsable = configuration.of_file(file).unparsable;
            (unparsable != Unparsable::Error).then_some(SkipReason::Foreign(kind, unparsable))
        };
        let reasons: Vec<Option<SkipReason>> =
            self.files.iter().map(|file| foreign(file)).collect();
        let files = std::mem::take(&mut self.files);
        for (file, reason) in files.into_iter().zip(reasons) {
            let Some(reason) = reason else {
                self.files.push(file);
                continue;
            };
            self.failures
                .retain(|failure| failure.is_internal() || failure.path != file.display);
            let path = file.path.clone();
            found.skipped.push(Skipped { path, reason });
        }
        found.skipped.sort_by(|a, b| a.path.cmp(&b.path));
    }

    /// How many files were analysed without a failure.
    fn analysed(&self) -> usize {
        let failed = |file: &&Arc<SourceFile>| self.failures.iter().any(|f| f.path == file.display);
        self.files.len() - self.files.iter().filter(failed).count()
    }
}

/// What the decision about findings needs to know of the analysis.
struct Analysed<'a> {
    /// The settings of the analysed files.
    settings: &'a [Arc<Settings>],
    /// Whether other files of the project may be missing.
    partial: bool,
    /// A panic that ended it.
    bug: Option<Bug>,
}

/// The findings after the decision about them; see [`RunResult`].
struct SettledRun {
    settled: Settled,
    baselines: Vec<Baseline>,
    baseline_of: HashMap<FileId, Option<PathBuf>>,
    bug: Option<Bug>,
}

/// The configuration files behind the settings, sorted, each once.
fn configuration_files(settings: &[Arc<Settings>]) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = settings.iter().filter_map(|s| s.file.clone()).collect();
    files.sort();
    files.dedup();
    files
}

/// Whether a rule about contracts is on.
fn about_contracts(settings: &Settings) -> bool {
    rules::all().iter().any(|rule| {
        matches!(rule.scope(), Scope::ContractMethods(_)) && settings.rules.contains(rule.id())
    })
}

/// What a run looks at that was given these paths and, if any, these changes.
fn extent(paths: &[PathBuf], changed: Option<&Changes>, sources: &SourceMap) -> Extent {
    let is_folder = |path: &PathBuf| sources.cwd().join(path).is_dir();
    match changed {
        Some(_) => Extent::Changes,
        None if paths.iter().any(is_folder) => Extent::Folder,
        None => Extent::Files,
    }
}

/// How much was skipped for reasons that somebody may want to look into.
fn left_out(skipped: &[Skipped]) -> LeftOut {
    let mut out = LeftOut::default();
    for skipped in skipped {
        match skipped.reason {
            SkipReason::Excluded => out.excluded += 1,
            SkipReason::Placeholder(_) | SkipReason::Foreign(Foreign::Template, _) => {
                out.templates += 1;
            }
            SkipReason::Foreign(Foreign::OldPython, _) => out.old_python += 1,
            SkipReason::Ignored
            | SkipReason::Builtin
            | SkipReason::BrokenLink
            | SkipReason::LinkLoop
            | SkipReason::Unreadable(_) => {}
        }
    }
    out
}

/// Analyses the input, or takes the result from the cache if it is still valid.
/// If it panics, nothing was found, and the panic is told.
fn analyse(input: &AnalysisInput<'_>, cache: Option<&Cache>) -> (Analysis, Option<Bug>) {
    let analyse = || fence::on_big_stack(|| analysis::analyse(input));
    let result = match cache {
        Some(cache) => cache.result_of(input, analyse),
        None => analyse(),
    };
    match result {
        Ok(analysis) => (analysis, None),
        Err(bug) => (Analysis::default(), Some(bug)),
    }
}

/// Whether the configuration excludes the file that standard input stands for.
fn forces_out(
    path: &Path,
    sources: &SourceMap,
    configuration: &Configuration,
) -> Result<bool, ConfigError> {
    let path = sources.cwd().join(path);
    is_forced_out(&fs::canonicalize(&path).unwrap_or(path), configuration)
}

/// The baselines that the settings name, each read once. If `or_empty`, a missing one is empty.
fn baselines<'a>(
    settings: impl Iterator<Item = &'a Arc<Settings>>,
    or_empty: bool,
) -> Result<Vec<Baseline>, ConfigError> {
    let paths = settings.filter_map(|s| s.baseline.as_ref());
    paths
        .collect::<BTreeSet<&PathBuf>>()
        .into_iter()
        .map(|path| Baseline::read(path, or_empty))
        .collect()
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
            around: None,
            configuration: &Configuration::fixed(settings, Overrides::default()),
            cwd: folder.path().to_path_buf(),
            cache: None,
        })
        .unwrap();
        let code = |outcome: &RunResult| outcome.status(Some(Severity::Note)).code();
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
