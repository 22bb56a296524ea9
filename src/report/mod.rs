//! Reports: settled findings as bytes. There is one file per format.
//!
//! Reports show decisions, sources and counts, and decide nothing. The exit code does not depend on
//! the format.

mod azure;
mod checklist;
mod command;
mod concise;
mod contracts;
mod contracts_json;
#[cfg(not(target_family = "wasm"))]
mod earlier;
mod github;
mod gitlab;
mod harmless;
#[cfg(not(target_family = "wasm"))]
mod html;
mod hyperlinks;
mod joined;
mod json;
mod junit;
mod markdown;
mod nothing;
mod patch;
mod path;
mod rdjson;
mod sarif;
mod snippet;
mod styled;
mod suggestions;
mod suggestions_json;
mod summary;
mod text;
mod words;
mod wrapped;

use std::io;
use std::path::Path;
use std::time::Duration;

use clap::ValueEnum;
use termcolor::WriteColor;

use crate::diagnostics::FileFailure;
use crate::discover::Shard;
use crate::fence::Bug;
use crate::outcome::{Duty, Looked, Settled};
use crate::source::SourceMap;

#[cfg(not(target_family = "wasm"))]
pub(crate) use checklist::{is_open, state_in_words, unfollowed};
pub use contracts::write as contracts;
pub use contracts_json::write as contracts_json;
#[cfg(not(target_family = "wasm"))]
pub use earlier::{Earlier, EarlierFinding};
pub use harmless::{harmless, harmless_lines};
pub use joined::{Joined, Made, join};
pub use json::VERSION as JSON_VERSION;
pub use suggestions::write as suggestions;
pub use suggestions_json::write as suggestions_json;
pub use summary::{plural, summary};
#[cfg(not(target_family = "wasm"))]
pub(crate) use wrapped::wrapped;

/// The content of a report.
#[derive(Clone, Copy)]
pub struct Report<'a> {
    /// The findings, with the decisions about them.
    pub settled: &'a Settled,
    /// The source files.
    pub sources: &'a SourceMap,
    /// What could not be analysed, or not be fixed, sorted.
    pub failures: &'a [FileFailure],
    /// A panic that ended the analysis.
    pub bug: Option<&'a Bug>,
    /// How many files were analysed.
    pub checked: usize,
    /// How many files and folders were skipped.
    pub skipped: usize,
    /// How many methods that have to keep a contract were checked.
    pub processors: usize,
    /// What was looked at beside these methods.
    pub looked: &'a Looked,
    /// Which shard of a run this is, if it is one.
    pub part: Option<PartOfRun<'a>>,
    /// How many methods and functions were not followed to the end.
    pub unfollowed: usize,
    /// How many findings were fixed and are no longer there.
    pub fixed: usize,
    /// The classes that have to keep contracts, with every exit of their methods, in any order.
    pub checklist: &'a [Duty],
    /// The duration of the run, if the summary should show it.
    pub time: Option<Duration>,
    /// The folder that platforms take paths to be relative to: the repository, or else the working
    /// directory.
    pub root: &'a Path,
    /// The URL, without a final slash, under which the files below the root are shown.
    pub links: Option<&'a str>,
    /// What an earlier run reported, to tell what has changed since.
    #[cfg(not(target_family = "wasm"))]
    pub earlier: Option<&'a Earlier>,
    /// Whether formats that can do so list findings that comments ignore or baselines contain.
    pub ignored: bool,
    /// The terminal that a report for people goes to, if it goes to one.
    pub screen: Screen,
}

/// What the report of a shard tells those that join the shards of a run.
#[derive(Clone, Copy)]
pub struct PartOfRun<'a> {
    /// Which shard.
    pub shard: Shard,
    /// What was asked of the run, as JSON.
    pub asked: Option<&'a serde_json::Value>,
    /// What the shard hands over.
    pub data: &'a str,
}

/// What is known of the terminal that shows a report.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Screen {
    /// How many characters fit on a line; `None`: lines may have any length.
    pub width: Option<usize>,
    /// Whether it shows places as links to them (OSC 8).
    pub links: bool,
}

/// A report format. Its name on the command line is derived from the variant.
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
    /// A job summary for GitHub: findings, paths, fixes and a review checklist
    GithubSummary,
    /// The same page for the comment of a review bot
    Markdown,
    /// The code quality report of GitLab
    Gitlab,
    /// One JSON object for reviewdog, with suggestions
    Rdjson,
    /// The same, with a JSON object on each line
    Rdjsonl,
    /// JUnit XML, for tools that show test results
    Junit,
    /// Logging commands of Azure Pipelines
    Azure,
    /// A page for browsers, in one file: the path of each finding drawn beside the code
    #[cfg(not(target_family = "wasm"))]
    Html,
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
/// When `out` cannot be written.
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
        #[cfg(not(target_family = "wasm"))]
        Format::Html => html::write(report, out),
    }
}

#[cfg(test)]
mod sample;
