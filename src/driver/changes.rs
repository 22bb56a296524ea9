//! What a change reaches: which files are checked because of it, and which findings it has brought.
//!
//! A file that did not change can get a finding by a change elsewhere: of a helper that it calls, of a base class, a
//! mixin, a decorator or a constant, of the configuration. Which files that may be is told by names: those that
//! mention a changed file, and those that mention these. That is more than depend on it, so a finding in such a file is
//! reported only if the same check of the files as they were does not have it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aho_corasick::AhoCorasick;
use rayon::prelude::*;

use super::{Request, run};
use crate::analysis::Analysis;
use crate::diagnostics::Finding;
use crate::discover::{Changes, is_configuration};
use crate::source::{Language, SourceFile, SourceMap, Span};

/// What tells a finding of a file that did not change: its path in the repository, the rule, the kind, and where it
/// is.
type Known = (PathBuf, &'static str, &'static str, Span);

/// The real paths of the files that are to be checked; `None`: all.
pub(super) fn reached(
    request: &Request<'_>,
    files: &[Arc<SourceFile>],
) -> Option<BTreeSet<PathBuf>> {
    let changed = request.changed.map(Changes::all);
    let around = changed.as_ref().or(request.around)?;
    Some(reached_by(around, files))
}

/// The real paths of the files that some files may affect, these included.
fn reached_by(by: &BTreeSet<PathBuf>, files: &[Arc<SourceFile>]) -> BTreeSet<PathBuf> {
    let mut out: BTreeSet<PathBuf> = by.clone();
    let mut fresh: Vec<&Path> = by.iter().map(PathBuf::as_path).collect();
    while !fresh.is_empty() {
        let mention = Mention::of(&fresh);
        let found = files
            .par_iter()
            .filter(|file| !out.contains(&file.real_path) && mention.is_in(file));
        let found: Vec<&Arc<SourceFile>> = found.collect();
        out.extend(found.iter().map(|file| file.real_path.clone()));
        fresh = found.iter().map(|file| file.real_path.as_path()).collect();
    }
    out
}

/// How other files mention some files.
struct Mention {
    /// The names of their modules.
    names: Vec<String>,
    search: Option<AhoCorasick>,
    /// Folders in which files need not name them.
    folders: BTreeSet<PathBuf>,
}

impl Mention {
    fn of(files: &[&Path]) -> Self {
        let mut names = BTreeSet::new();
        let mut folders = BTreeSet::new();
        for path in files {
            let folder = path.parent().map(Path::to_path_buf);
            if is_configuration(path) {
                folders.extend(folder);
                continue;
            }
            if Language::of_walked(path).is_none() {
                continue;
            }
            let name = |path: &Path| Some(path.file_stem()?.to_str()?.to_owned());
            let stem = name(path);
            // A package goes by the name of its folder, and by none in it. So does a crate, if that is also the name
            // of the folder around its sources.
            if matches!(stem.as_deref(), Some("__init__" | "mod" | "lib" | "main")) {
                let above = path.ancestors().skip(1).take(2).filter_map(name);
                names.extend(above.map(|name| name.replace('-', "_")));
                folders.extend(folder);
            }
            names.extend(stem);
        }
        let names: Vec<String> = names.into_iter().collect();
        Self {
            search: AhoCorasick::new(&names).ok(),
            names,
            folders,
        }
    }

    /// Whether a file mentions one of the names as a whole word. What cannot be searched counts as mentioned.
    fn is_in(&self, file: &SourceFile) -> bool {
        if file
            .real_path
            .ancestors()
            .any(|above| self.folders.contains(above))
        {
            return true;
        }
        let Some(search) = &self.search else {
            return true;
        };
        let bytes = file.text.as_bytes();
        let is_word = |at: Option<&u8>| {
            at.is_some_and(|c| c.is_ascii_alphanumeric() || *c == b'_' || !c.is_ascii())
        };
        let mut found = search.find_overlapping_iter(&*file.text);
        found.any(|found| {
            let before = found.start().checked_sub(1).and_then(|at| bytes.get(at));
            !self.names[found.pattern()].is_empty()
                && !is_word(before)
                && !is_word(bytes.get(found.end()))
        })
    }
}

/// Drops the findings in files that did not change, if the files as they were have them as well.
pub(super) fn keep_new(analysis: &mut Analysis, request: &Request<'_>, sources: &SourceMap) {
    let Some(changes) = request.changed else {
        return;
    };
    let path = |finding: &Finding| sources.get(finding.primary.location.file).real_path.clone();
    let by_class = analysis.by_class.iter().map(|of_class| &of_class.finding);
    let elsewhere = analysis.findings.iter().chain(by_class).map(path);
    let elsewhere: BTreeSet<PathBuf> = elsewhere
        .filter(|path| !changes.files.contains(path))
        .collect();
    if elsewhere.is_empty() {
        return;
    }
    // If it is not known what was there before, everything counts as new.
    let known = known_before(&elsewhere, (request, changes)).unwrap_or_default();
    let is_new = |finding: &Finding| {
        let known_as = (
            path(finding),
            finding.rule,
            finding.kind,
            finding.primary.location.span,
        );
        !known.contains(&known_as)
    };
    analysis.findings.retain(is_new);
    analysis
        .by_class
        .retain(|of_class| is_new(&of_class.finding));
}

/// The findings of some files before the change.
fn known_before(
    files: &BTreeSet<PathBuf>,
    (request, changes): (&Request<'_>, &Changes),
) -> Result<BTreeSet<Known>, String> {
    let before = changes.before()?;
    let outside = || "outside of the repository".to_owned();
    let cwd = std::fs::canonicalize(&request.cwd).unwrap_or_else(|_| request.cwd.clone());
    let there = before.path_of(&cwd).ok_or_else(outside)?;
    // What did not change is checked as a part of the same run, so that the same is known of the rest.
    let paths = request.paths.iter().map(|path| {
        let path = cwd.join(path);
        let real = std::fs::canonicalize(&path).unwrap_or(path);
        before.path_of(&real).filter(|path| path.exists())
    });
    let paths: Vec<PathBuf> = paths.flatten().collect();
    let around = changes.all();
    let around = around.iter().chain(files);
    let around = around.filter_map(|path| before.path_of(path)).collect();
    let configuration = request.configuration.elsewhere(&there);
    let outcome = run(Request {
        around: Some(&around),
        ..Request::new(&paths, &configuration, there)
    });
    let outcome = outcome.map_err(|error| error.message)?;
    if outcome.bug.is_some() {
        return Err("the files as they were could not be checked".to_owned());
    }
    let by_old_path = files
        .iter()
        .filter_map(|path| Some((before.path_of(path)?, path)));
    let by_old_path: std::collections::BTreeMap<PathBuf, &PathBuf> = by_old_path.collect();
    let reported = outcome
        .settled
        .reported
        .iter()
        .flat_map(|reported| reported.all());
    let known = reported.filter_map(|reported| {
        let finding = &reported.finding;
        let file = outcome.sources.get(finding.primary.location.file);
        let path = by_old_path.get(&file.real_path)?;
        Some((
            (*path).clone(),
            finding.rule,
            finding.kind,
            finding.primary.location.span,
        ))
    });
    Ok(known.collect())
}
