//! Reports: what was decided, as bytes. One file per format.
//!
//! Reporters see decided findings, sources and counts; they decide nothing. The exit status does
//! not depend on the format.

mod azure;
mod checklist;
mod command;
mod concise;
mod contracts;
mod contracts_json;
mod github;
mod gitlab;
mod harmless;
mod json;
mod junit;
mod markdown;
mod patch;
mod path;
mod rdjson;
mod sarif;
mod snippet;
mod summary;
mod text;
mod words;

use std::io;
use std::path::Path;
use std::time::Duration;

use clap::ValueEnum;
use termcolor::WriteColor;

use crate::diagnostics::FileFailure;
use crate::fence::Bug;
use crate::outcome::Duty;
use crate::outcome::Settled;
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
    /// A panic that ended the analysis.
    pub bug: Option<&'a Bug>,
    /// How many files were analysed.
    pub checked: usize,
    /// How many were left out of walks.
    pub skipped: usize,
    /// How many methods that must keep a contract were checked.
    pub processors: usize,
    /// How many methods and functions were not followed to their end.
    pub unfollowed: usize,
    /// How many findings were fixed, and are no more.
    pub fixed: usize,
    /// The classes that have to keep contracts, with every exit of their methods, in any order.
    pub checklist: &'a [Duty],
    /// What it took, if a summary is to tell.
    pub time: Option<Duration>,
    /// What platforms take paths to be relative to: the folder of the repository, or else the
    /// working directory.
    pub root: &'a Path,
    /// Where the files below the root are shown on the web: a URL without a slash at its end.
    pub links: Option<&'a str>,
    /// Whether formats that can tell list what comments ignore and baselines know.
    pub ignored: bool,
}

/// A report format. Its name on the command line is made of the name here.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, ValueEnum)]
pub enum Format {
    /// Source snippets with the path of each finding
    Text,
    /// One line per finding
    Concise,
    /// One JSON object
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// Workflow commands that annotate a pull request on GitHub
    Github,
    /// A page for the summary of a job on GitHub: findings, paths, fixes and a review checklist
    GithubSummary,
    /// The same for one comment of a review bot
    Markdown,
    /// The code quality report of GitLab
    Gitlab,
    /// One JSON object for reviewdog, with suggestions
    Rdjson,
    /// The same, with one line for each finding
    Rdjsonl,
    /// JUnit XML, for whatever shows test results
    Junit,
    /// Logging commands of Azure Pipelines
    Azure,
}

impl Format {
    /// All of them.
    #[must_use]
    pub fn all() -> &'static [Format] {
        Self::value_variants()
    }
}

/// Writes a report.
///
/// # Errors
/// When `out` does not take it.
pub fn write(format: Format, report: &Report<'_>, out: &mut dyn WriteColor) -> io::Result<()> {
    match format {
        Format::Text => text::write(report, out),
        Format::Concise => concise::write(report, out),
        Format::Json => json::write(report, out),
        Format::Sarif => sarif::write(report, out),
        Format::Github => github::write(report, out),
        Format::GithubSummary => markdown::write(report, markdown::Page::Summary, out),
        Format::Markdown => markdown::write(report, markdown::Page::Comment, out),
        Format::Gitlab => gitlab::write(report, out),
        Format::Rdjson => rdjson::write(report, rdjson::Shape::Whole, out),
        Format::Rdjsonl => rdjson::write(report, rdjson::Shape::Lines, out),
        Format::Junit => junit::write(report, out),
        Format::Azure => azure::write(report, out),
    }
}

#[cfg(test)]
mod sample;
