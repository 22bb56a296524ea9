//! Reports: what was decided, as bytes. One file per format.
//!
//! Reporters see decided findings, sources and counts; they decide nothing. The exit status does
//! not depend on the format.

mod concise;
mod contracts;
mod contracts_json;
mod harmless;
mod json;
mod snippet;
mod summary;
mod text;

use std::io;
use std::time::Duration;

use termcolor::WriteColor;

use crate::diagnostics::FileFailure;
use crate::settle::Settled;
use crate::source::SourceMap;

pub use contracts::write as contracts;
pub use contracts_json::write as contracts_json;
pub use harmless::{harmless, harmless_lines};
pub use json::VERSION as JSON_VERSION;
pub use summary::{plural, summary};

/// The result of a run.
#[derive(Clone, Copy)]
pub struct Report<'a> {
    /// The findings.
    pub settled: &'a Settled,
    /// The files they are in.
    pub sources: &'a SourceMap,
    /// What could not be analysed, sorted.
    pub failures: &'a [FileFailure],
    /// How many files were analysed.
    pub checked: usize,
    /// How many were left out of walks.
    pub skipped: usize,
    /// How many methods that must keep a contract were checked.
    pub processors: usize,
    /// How many findings were fixed, and are no more.
    pub fixed: usize,
}

/// A report format.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// Source snippets with the path of each finding, then a summary.
    Text {
        /// Whether the summary is written, and the time that it tells.
        summary: Option<Duration>,
    },
    /// One line per finding.
    Concise,
    /// One JSON object.
    Json,
}

/// Writes a report.
///
/// # Errors
/// When `out` does not take it.
pub fn write(format: Format, report: &Report<'_>, out: &mut dyn WriteColor) -> io::Result<()> {
    match format {
        Format::Text { summary } => text::write(report, summary, out),
        Format::Concise => concise::write(report, out),
        Format::Json => json::write(report, out),
    }
}

#[cfg(test)]
mod sample;
