//! The files of a run: how they are read, and what becomes of findings and failures in them.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::analysis::Analysis;
use crate::config::{ConfigError, Configuration};
use crate::diagnostics::{FileFailure, Finding};
use crate::discover::{Changes, Coverage, Discovered, SkipReason, Skipped, is_forced_out};
use crate::fence::{self, Bug};
use crate::order::Order as _;
use crate::outcome::Settled;
use crate::settings::{Settings, Unparsable};
use crate::settle::{Baseline, Checked, settle};
use crate::source::{FileId, Foreign, Language, SourceFile, SourceMap, Unreadable, decode};

/// The files of a run, and what could not be analysed.
#[derive(Default)]
pub(super) struct Inputs {
    pub(super) files: Vec<Arc<SourceFile>>,
    pub(super) failures: Vec<FileFailure>,
}

impl Inputs {
    /// Adds the text of standard input, or returns why the file that it stands for is left out.
    pub(super) fn add_stdin(
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

    /// Adds a text that stands for a file, unless the file is there, so that a walk decides about it.
    pub(super) fn add_missing(
        &mut self,
        file: Arc<SourceFile>,
        sources: &SourceMap,
        configuration: &Configuration,
    ) -> Result<(), ConfigError> {
        let is_there = fs::metadata(sources.cwd().join(&file.path)).is_ok();
        let is_source = Language::of_walked(&file.path).is_some();
        if is_source && !is_there && !is_forced_out(&file.real_path, configuration)? {
            self.files.push(file);
        }
        Ok(())
    }

    /// Reads the files that were found. Afterwards all files are sorted by their displayed paths,
    /// each once.
    pub(super) fn load(&mut self, found: &Discovered, sources: &SourceMap) {
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
        self.files.order_by(|a, b| a.display.cmp(&b.display));
        self.files.dedup_by_key(|file| file.id);
    }

    /// The settings of the files.
    pub(super) fn settings(
        &self,
        configuration: &Configuration,
    ) -> Result<Vec<Arc<Settings>>, ConfigError> {
        let files = self.files.iter();
        let settings = files.map(|file| configuration.of_file(file)).collect();
        configuration.wrong().map_or(Ok(settings), Err)
    }

    /// Takes over the failures of the analysis, and drops the files that it did not check because
    /// no change concerns them. The failures of files that did not change are dropped as well: they were broken before.
    pub(super) fn keep_concerned(&mut self, analysis: &mut Analysis, changed: Option<&Changes>) {
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
        self.failures.order();
        self.failures.dedup();
    }

    /// Decides about the findings, by the settings and the baselines of their files.
    pub(super) fn settle(
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
    pub(super) fn set_aside(
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
        found.skipped.order_by(|a, b| a.path.cmp(&b.path));
    }

    /// How many files were analysed without a failure.
    pub(super) fn analysed(&self) -> usize {
        let failed = |file: &&Arc<SourceFile>| self.failures.iter().any(|f| f.path == file.display);
        self.files.len() - self.files.iter().filter(failed).count()
    }
}

/// What the decision about findings needs to know of the analysis.
pub(super) struct Analysed<'a> {
    /// The settings of the analysed files.
    pub(super) settings: &'a [Arc<Settings>],
    /// Whether other files of the project may be missing.
    pub(super) partial: bool,
    /// A panic that ended it.
    pub(super) bug: Option<Bug>,
}

/// The findings after the decision about them; see [`RunResult`].
pub(super) struct SettledRun {
    pub(super) settled: Settled,
    pub(super) baselines: Vec<Baseline>,
    pub(super) baseline_of: HashMap<FileId, Option<PathBuf>>,
    pub(super) bug: Option<Bug>,
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
