//! The driver of one run: discovers, loads, analyses and settles. It prints nothing.

mod changes;
mod inputs;
mod shards;
mod standing;
mod suggesting;
mod unmatched;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::analysis::kept::Kept;
use crate::analysis::{self, Analysis, AnalysisInput, Statistics};
use crate::busy::Busy;
use crate::cache::Cache;
use crate::clock::Watch;
use crate::config::{ConfigError, Configuration};
use crate::diagnostics::{FileFailure, Severity};
use crate::discover::{Changes, Discovered, Shard, SkipReason, Skipped, discover, repository};
use crate::fence::{self, Bug};
use crate::order::Order as _;
use crate::outcome::{Duty, Extent, LeftOut, Looked, Settled, Survey};
use crate::report::{PartOfRun, Report, Screen};
use crate::rules::{self, Scope};
use crate::settings::Settings;
use crate::settle::Baseline;
use crate::source::{DEFAULT_FILE_BYTES, FileId, Foreign, SourceFile, SourceMap};

use inputs::{Analysed, Inputs};
pub use shards::{Part, Unjoinable};
pub use standing::Standing;
use standing::Start;
pub use suggesting::{Suggested, suggest};
pub use unmatched::Unmatched;
use unmatched::Whole;

/// Texts that replace the content of files, by the paths of these files.
pub type Overlay = BTreeMap<PathBuf, String>;

/// No texts that replace files.
static NO_OVERLAY: Overlay = Overlay::new();

/// What to check.
pub struct Request<'a> {
    /// Files and folders to check.
    pub paths: &'a [PathBuf],
    /// The path and the text of standard input.
    pub stdin: Option<(PathBuf, Vec<u8>)>,
    /// Texts that replace the content of files, however a run comes across them. The text of a file that is not there
    /// is checked, too.
    pub overlay: &'a Overlay,
    /// The changes, to check only what they affect.
    pub changed: Option<&'a Changes>,
    /// Real paths of files, of which some may be gone, to check only what they can affect.
    pub around: Option<&'a BTreeSet<PathBuf>>,
    /// The part of the files to check.
    pub shard: Option<Shard>,
    /// Who is told how far the run has come.
    pub busy: Option<&'a Arc<Busy>>,
    /// The configuration of the run.
    pub configuration: &'a Configuration,
    /// The folder that relative paths are relative to.
    pub cwd: PathBuf,
    /// Where results are kept, if they are.
    pub cache: Option<&'a Cache>,
}

impl<'a> Request<'a> {
    /// All that is in these files and folders, as it is on the disk.
    #[must_use]
    pub fn new(paths: &'a [PathBuf], configuration: &'a Configuration, cwd: PathBuf) -> Self {
        Self {
            paths,
            stdin: None,
            overlay: &NO_OVERLAY,
            changed: None,
            around: None,
            shard: None,
            busy: None,
            configuration,
            cwd,
            cache: None,
        }
    }
}

/// The result of a run.
pub struct RunResult {
    /// All findings, with the decision about each.
    pub settled: Settled,
    /// Every file that was loaded.
    pub sources: Arc<SourceMap>,
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
    /// What this shard hands over, if the run is one.
    pub part: Option<Part>,
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
            part: self.part.as_ref().map(|part| PartOfRun {
                shard: part.shard,
                asked: None,
                data: &part.data,
            }),
            unfollowed: self.unfollowed,
            checklist: &self.checklist,
            bug: self.bug.as_ref(),
            links: None,
            fixed: 0,
            time: Some(self.elapsed),
            root: repository(self.sources.cwd()).unwrap_or(self.sources.cwd()),
            #[cfg(not(target_family = "wasm"))]
            earlier: None,
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
    let cache = request.cache;
    run_with(request, |input, request| {
        let (mut analysis, bug) = analyse(input, cache);
        changes::keep_new(&mut analysis, request, input.sources);
        Ok((analysis, bug))
    })
}

/// Joins the shards of a run: gives the result that a run without shards has. Nothing is analysed, but the files have
/// to be there.
///
/// # Errors
/// When the parts do not fit together or to the files, and those of [`run`].
pub fn join(request: Request<'_>, parts: &[Part]) -> Result<RunResult, Unjoinable> {
    run_with(request, |input, _| {
        shards::join(parts, input).map_err(Unjoinable::Parts)
    })
}

/// Runs a check. `analyse` tells what is in the files, and does not conclude.
fn run_with<E: From<ConfigError>>(
    request: Request<'_>,
    analyse: impl FnOnce(&AnalysisInput<'_>, &Request<'_>) -> Result<(Analysis, Option<Bug>), E>,
) -> Result<RunResult, E> {
    let (result, _) = run_from(Start::new(sources(&request)), request, analyse)?;
    Ok(result)
}

/// The map of the files of a run, without any.
fn sources(request: &Request<'_>) -> SourceMap {
    let overrides = request.configuration.overrides();
    let limit = overrides.max_file_bytes.unwrap_or(DEFAULT_FILE_BYTES);
    SourceMap::new(request.cwd.clone()).with_limit(limit)
}

/// Runs a check that starts from there. The result comes with what was found on the disk.
fn run_from<E: From<ConfigError>>(
    Start {
        sources,
        discovered,
    }: Start,
    request: Request<'_>,
    analyse: impl FnOnce(&AnalysisInput<'_>, &Request<'_>) -> Result<(Analysis, Option<Bug>), E>,
) -> Result<(RunResult, Discovered), E> {
    let start = Watch::start();
    let configuration = request.configuration;
    let overrides = configuration.overrides();
    let sources = Arc::new(sources);
    let (mut inputs, mut found) = find(&request, discovered, &sources)?;
    let discovered = found.clone();
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
        shard: request.shard,
        kept: None,
        busy: request.busy,
        of_folder: extent == Extent::Folder,
    };
    let (mut analysis, analysis_bug) = analyse(&input, &request)?;
    let part = request.shard.map(|shard| {
        let found = (&analysis, analysis_bug.as_ref());
        shards::hand_over(shard, found, &input)
    });
    analysis.conclude();
    inputs.failures.append(&mut found.failures);
    inputs.keep_concerned(&mut analysis, request.changed);
    let mut statistics = analysis.statistics;
    statistics.add("files read", sources.reads() as u64);
    // What other shards found may be about files of this one.
    let partial = extent != Extent::Folder || request.shard.is_some();
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
    let result = RunResult {
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
        part,
        bug: decided.bug,
        sources,
        elapsed: start.elapsed(),
    };
    Ok((result, discovered))
}

/// Finds the files of a run. What is given as text is loaded already.
fn find(
    request: &Request<'_>,
    discovered: Option<Discovered>,
    sources: &SourceMap,
) -> Result<(Inputs, Discovered), ConfigError> {
    let configuration = request.configuration;
    let mut inputs = Inputs::default();
    // Standard input comes first, so that its text replaces the file when a walk finds it, too.
    let skipped_stdin = match request.stdin.clone() {
        Some((path, bytes)) => inputs.add_stdin(path, bytes, sources, configuration)?,
        None => None,
    };
    for (path, text) in request.overlay {
        let file = sources.add_virtual(path, text.clone());
        inputs.add_missing(file, sources, configuration)?;
    }
    let mut found = match discovered {
        Some(found) => found,
        None => discover(request.paths, configuration, sources)?,
    };
    found.skipped.extend(skipped_stdin);
    Ok((inputs, found))
}

/// The configuration files behind the settings, sorted, each once.
fn configuration_files(settings: &[Arc<Settings>]) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = settings.iter().filter_map(|s| s.file.clone()).collect();
    files.order();
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
    match cache {
        Some(cache) => caught(cache.result_of(input, on_big_stack)),
        None => analyse_with(input, None),
    }
}

/// Analyses the input, with what an earlier run kept.
fn analyse_with(input: &AnalysisInput<'_>, kept: Option<&Kept>) -> (Analysis, Option<Bug>) {
    caught(on_big_stack(&AnalysisInput { kept, ..*input }))
}

fn on_big_stack(input: &AnalysisInput<'_>) -> Result<Analysis, Bug> {
    fence::on_big_stack(|| analysis::analyse(input))
}

fn caught(result: Result<Analysis, Bug>) -> (Analysis, Option<Bug>) {
    match result {
        Ok(analysis) => (analysis, None),
        Err(bug) => (Analysis::default(), Some(bug)),
    }
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
        let mut outcome = run(Request::new(
            &[folder.path().to_path_buf()],
            &Configuration::fixed(settings, Overrides::default()),
            folder.path().to_path_buf(),
        ))
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
