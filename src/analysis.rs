//! The analysis of a set of files: the seam between the driver and everything that understands
//! code.

use std::sync::Arc;

use crate::config::Settings;
use crate::diagnostics::{FileFailure, Finding};
use crate::source::{SourceFile, SourceMap};

/// What an analysis works on.
#[derive(Clone, Copy)]
pub struct AnalysisInput<'a> {
    /// Every file that is or gets loaded.
    pub sources: &'a SourceMap,
    /// The files to check, in the order of their displayed paths.
    pub files: &'a [Arc<SourceFile>],
    /// What to check.
    pub settings: &'a Settings,
}

/// What an analysis found.
#[derive(Clone, Default, Debug)]
pub struct Analysis {
    /// Findings, in any order.
    pub findings: Vec<Finding>,
    /// How many methods that must keep a contract were checked.
    pub processors: usize,
    /// Files that could not be analysed, wholly or in part.
    pub failed: Vec<FileFailure>,
    /// Counters for `--statistics`.
    pub statistics: Statistics,
}

/// Named counters, in the order in which they are printed.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Statistics(Vec<(&'static str, u64)>);

impl Statistics {
    /// Adds to a counter, which is appended when it is new.
    pub fn add(&mut self, name: &'static str, count: u64) {
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, total)) => *total += count,
            None => self.0.push((name, count)),
        }
    }

    /// The counters in order.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        self.0.iter().copied()
    }
}

/// Analyses files.
#[must_use]
pub fn analyse(_input: &AnalysisInput<'_>) -> Analysis {
    // SEAM: the rules are connected here.
    Analysis::default()
}
