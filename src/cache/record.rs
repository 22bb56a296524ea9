//! The content of a record.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::files;
use crate::analysis::{Analysis, AnalysisInput, Statistics};
use crate::diagnostics::{FileFailure, Finding};
use crate::outcome::{Candidate, Duty, Outside};
use crate::rules;
use crate::source::Observations;

/// How a record identifies a file.
#[derive(Serialize, Deserialize)]
enum Source {
    /// By its number in the input.
    Input(usize),
    /// By the path that it was loaded by, if it is not input.
    Other(PathBuf),
}

/// The parts of an [`Analysis`] that a check needs.
#[derive(Serialize, Deserialize)]
struct Result {
    findings: Vec<Finding>,
    checklist: Vec<Duty>,
    processors: usize,
    outside: Option<Outside>,
    candidate: Option<Candidate>,
    unfollowed: usize,
    failed: Vec<FileFailure>,
    concerned: Option<BTreeSet<usize>>,
}

/// The table of files comes first and the result is nested text: the file numbers in the result are
/// indices into the table, so the table has to be read before.
#[derive(Serialize, Deserialize)]
struct Record {
    observations: Observations,
    files: Vec<Source>,
    result: String,
}

/// Serialises a result; `None` if that is impossible because a path is not text.
pub(super) fn write(
    analysis: &Analysis,
    observations: Observations,
    input: &AnalysisInput<'_>,
) -> Option<String> {
    let Analysis {
        findings,
        contracts: _,
        checklist,
        processors,
        outside,
        candidate,
        unfollowed,
        failed,
        concerned,
        statistics: _,
        walks: _,
    } = analysis;
    let result = Result {
        findings: findings.clone(),
        checklist: checklist.clone(),
        processors: *processors,
        outside: *outside,
        candidate: candidate.clone(),
        unfollowed: *unfollowed,
        failed: failed.clone(),
        concerned: concerned.clone(),
    };
    let (result, table) = files::collect(|| serde_json::to_string(&result));
    let source = |id| match input.files.iter().position(|file| file.id == id) {
        Some(at) => Source::Input(at),
        None => Source::Other(input.sources.get(id).real_path.clone()),
    };
    let record = Record {
        observations,
        files: table.into_iter().map(source).collect(),
        result: result.ok()?,
    };
    serde_json::to_string(&record).ok()
}

/// Reads a result, if its observations still hold.
pub(super) fn read(text: &str, input: &AnalysisInput<'_>) -> Option<Analysis> {
    let record: Record = serde_json::from_str(text).ok()?;
    if !record.observations.hold(input.sources) {
        return None;
    }
    let id = |source: Source| match source {
        Source::Input(at) => input.files.get(at).map(|file| file.id),
        Source::Other(path) => input.sources.load(&path).ok().map(|file| file.id),
    };
    let table = record.files.into_iter().map(id).collect::<Option<_>>()?;
    let result: Result = files::with(table, || serde_json::from_str(&record.result)).ok()?;
    let known = |finding: &Finding| {
        let rule = rules::by_id(finding.rule);
        rule.is_some_and(|rule| rule.meta().kind(finding.kind).is_some())
    };
    if !result.findings.iter().all(known) {
        return None;
    }
    let mut statistics = Statistics::default();
    statistics.add("results from the cache", 1);
    Some(Analysis {
        findings: result.findings,
        // Only `tallylint contracts` needs them, and it does not use the cache.
        contracts: Vec::new(),
        checklist: result.checklist,
        processors: result.processors,
        outside: result.outside,
        candidate: result.candidate,
        unfollowed: result.unfollowed,
        failed: result.failed,
        concerned: result.concerned,
        statistics,
        walks: Vec::new(),
    })
}
