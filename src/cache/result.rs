//! The result of an analysis as text.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::analysis::{Analysis, Statistics};
use crate::diagnostics::{ByClass, FileFailure, Finding};
use crate::outcome::{Candidate, Duty, Outside};
use crate::rules;
use crate::source::{FileId, table};

/// The parts of an [`Analysis`] that a check needs.
#[derive(Serialize, Deserialize)]
struct Result {
    findings: Vec<Finding>,
    by_class: Vec<ByClass>,
    checklist: Vec<Duty>,
    processors: usize,
    outside: Option<Outside>,
    candidate: Option<Candidate>,
    unfollowed: usize,
    failed: Vec<FileFailure>,
    concerned: Option<BTreeSet<usize>>,
}

/// The text of a result, and the files that it mentions by their number in this list.
#[must_use]
pub fn to_text(analysis: &Analysis) -> Option<(String, Vec<FileId>)> {
    let Analysis {
        findings,
        by_class,
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
        kept: _,
    } = analysis;
    let result = Result {
        findings: findings.clone(),
        by_class: by_class.clone(),
        checklist: checklist.clone(),
        processors: *processors,
        outside: *outside,
        candidate: candidate.clone(),
        unfollowed: *unfollowed,
        failed: failed.clone(),
        concerned: concerned.clone(),
    };
    let (text, table) = table::collect(|| serde_json::to_string(&result));
    Some((text.ok()?, table))
}

/// The result in a text that mentions these files. `None` if it is damaged, or of a version with other rules.
#[must_use]
pub fn from_text(text: &str, files: Vec<FileId>) -> Option<Analysis> {
    let result: Result = table::with(files, || serde_json::from_str(text)).ok()?;
    let is_known = |finding: &Finding| {
        let rule = rules::by_id(finding.rule);
        rule.is_some_and(|rule| rule.meta().kind(finding.kind).is_some())
    };
    let by_class = result.by_class.iter().map(|of_class| &of_class.finding);
    if !result.findings.iter().chain(by_class).all(is_known) {
        return None;
    }
    Some(Analysis {
        findings: result.findings,
        by_class: result.by_class,
        // Only `tallylint contracts` needs them, and it always analyses.
        contracts: Vec::new(),
        checklist: result.checklist,
        processors: result.processors,
        outside: result.outside,
        candidate: result.candidate,
        unfollowed: result.unfollowed,
        failed: result.failed,
        concerned: result.concerned,
        statistics: Statistics::default(),
        walks: Vec::new(),
        kept: None,
    })
}
