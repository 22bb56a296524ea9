//! Output of the commands that check: reports, remarks, and configuration errors.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{env, fs};

use termcolor::WriteColor;

use super::args::{CheckArgs, ColorChoice, Show, StatisticsOf, link_base};
use super::{Failure, terminal};
use crate::config::ConfigError;
use crate::diagnostics::{FileFailure, Undone};
use crate::discover::SkipReason;
use crate::driver::RunResult;
use crate::fence::Bug;
use crate::order::Order as _;
use crate::outcome::{Decision, Expired};
use crate::report::{self, Format, PartOfRun, Report, Screen, plural};
use crate::settings::{Mentioned, Origin, Who};
use crate::source::{SourceMap, describe_io};

/// How users can report a bug.
const ISSUES: &str = "please report it with the input that causes it";

/// The failure for an error in the configuration.
pub fn configuration_failure(error: &ConfigError, cwd: &Path) -> Failure {
    let message = match &error.place {
        None => error.message.clone(),
        Some((path, None)) => format!("{}: {}", show(path, cwd), error.message),
        Some((path, Some((line, column)))) => {
            format!("{}:{line}:{column}: {}", show(path, cwd), error.message)
        }
    };
    Failure {
        message,
        snippet: error.snippet(),
    }
}

/// Lists the configuration files that were used, on standard error.
pub fn tell_configurations(outcome: &RunResult) {
    for path in &outcome.configurations {
        let path = outcome.sources.display(path);
        terminal::complain(&format!("configuration: {path}"));
    }
    if outcome.configurations.is_empty() {
        terminal::complain("configuration: none");
    }
}

pub fn show(path: &Path, cwd: &Path) -> String {
    SourceMap::new(cwd.to_path_buf()).display(path)
}

/// Where the report goes for which no file is named.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Main {
    /// To standard output.
    Stdout,
    /// To standard error, because something else is on standard output.
    Stderr,
}

/// Writes the report in every requested format. `fixed` is the number of findings that were fixed; `asked` is what the
/// report of a shard says of the run, as JSON. If one report cannot be written, the others are written all the same.
pub fn write_reports(
    args: &Show,
    outcome: &RunResult,
    (main, fixed): (Main, usize),
    asked: Option<&serde_json::Value>,
) -> Result<(), Failure> {
    let links = args.link_base.clone().or_else(links_on_github);
    let plain = outcome.report();
    let report = Report {
        fixed,
        part: plain.part.map(|part| PartOfRun { asked, ..part }),
        links: links.as_deref(),
        time: (!args.quiet).then_some(outcome.elapsed),
        earlier: args.compare.as_ref(),
        ignored: !args.no_ignored,
        screen: match (main, &args.output) {
            (Main::Stdout, None) => terminal::screen(),
            _ => Screen::default(),
        },
        ..plain
    };
    let elsewhere = Report {
        screen: Screen::default(),
        ..report
    };
    let more = args.report.iter();
    let more = more.map(|more| {
        write_report(
            more.format,
            (Some(&more.path), main),
            args.color,
            &elsewhere,
        )
    });
    // Files come first, so that they are there when standard output ends.
    let mut results: Vec<Result<(), Failure>> = more.collect();
    let output = args.output.as_deref();
    results.push(write_report(
        args.format,
        (output, main),
        args.color,
        &report,
    ));
    results.into_iter().collect()
}

/// The URL under which GitHub shows the files of the commit that a workflow runs on.
fn links_on_github() -> Option<String> {
    let [server, repository, commit] =
        ["GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_SHA"].map(|name| env::var(name).ok());
    let url = format!("{}/{}/blob/{}", server?, repository?, commit?);
    link_base(&url).ok()
}

fn write_report(
    format: Format,
    (path, main): (Option<&Path>, Main),
    color: ColorChoice,
    report: &Report<'_>,
) -> Result<(), Failure> {
    let render = |out: &mut dyn WriteColor| report::write(format, report, out);
    let aside = path.is_some() || main == Main::Stderr;
    let bytes = terminal::rendered(color, aside, render)?;
    match path {
        None if main == Main::Stderr => {
            terminal::print_aside(&bytes);
            Ok(())
        }
        None => terminal::print(&bytes)
            .map_err(|error| format!("cannot write the report: {}", describe_io(&error)).into()),
        Some(path) => fs::write(path, bytes).map_err(|error| {
            format!("cannot write {}: {}", path.display(), describe_io(&error)).into()
        }),
    }
}

/// Lists what could not be analysed, on standard error.
pub fn write_failures(outcome: &RunResult) {
    complain_of(&outcome.failures, outcome.bug.as_ref());
}

/// Lists what could not be analysed, on standard error.
pub fn complain_of(failures: &[FileFailure], bug: Option<&Bug>) {
    for failure in failures {
        let what = match failure.undone {
            Undone::Analysis => format!("error: {failure}"),
            Undone::AnalysisByBug => format!("internal error: {failure}; {ISSUES}"),
            Undone::Fix => format!("error: not fixed: {failure}"),
        };
        terminal::complain(&what);
    }
    if let Some(bug) = bug {
        terminal::complain(&format!(
            "internal error: the analysis panicked: {bug}; {ISSUES}"
        ));
    }
}

/// Counts the findings that are reported, by rule and kind, the most frequent first.
fn write_counts(outcome: &RunResult) {
    let mut counts: BTreeMap<(&str, &str), (usize, usize)> = BTreeMap::new();
    for reported in &outcome.settled.reported {
        let finding = &reported.finding;
        let (all, fixable) = counts.entry((finding.rule, finding.kind)).or_default();
        *all += 1;
        *fixable += usize::from(finding.fix.is_some());
    }
    let mut rows: Vec<_> = counts.into_iter().collect();
    rows.order_by_key(|(_, (all, _))| Reverse(*all));
    for ((rule, kind), (all, fixable)) in rows {
        let fixable = match fixable {
            0 => String::new(),
            some => format!(" ({some} with a fix)"),
        };
        terminal::complain(&format!("{all:>7}  {rule}/{kind}{fixable}"));
    }
}

/// Prints the counters and times of the analysis.
fn write_effort(outcome: &RunResult) {
    for (name, count) in outcome.statistics.iter() {
        terminal::complain(&format!("{count:>12}  {name}"));
    }
    for (name, steps) in &outcome.walks {
        terminal::complain(&format!("slowest: {name} {steps} steps"));
    }
    for (phase, time) in outcome.statistics.times() {
        terminal::complain(&format!("{:>9} ms  {phase}", time.as_millis()));
    }
}

/// Tells what configuration files say without effect.
fn write_unmatched(outcome: &RunResult) {
    let warn = |file: &Path, line: u32, what: &str| {
        let file = outcome.sources.display(file);
        terminal::complain(&format!("warning: {file}:{line}: {what}"));
    };
    for contract in &outcome.unmatched.contracts {
        if let Origin::Declared { file, line } = &contract.origin {
            let place = match &contract.who {
                Who::Methods { .. } => "the name and at `bases`",
                Who::Functions(_) => "the path",
                Who::Decorated(_) => "the name",
            };
            let who = &contract.who;
            let what = format!(
                "nothing that was checked has to keep the contract `{who}`; look at {place}"
            );
            warn(file, *line, &what);
        }
    }
    for mention in &outcome.unmatched.mentions {
        let (text, setting) = (&mention.text, &mention.setting);
        let what = match mention.of {
            Mentioned::Files(_) => format!("no checked file matches `{text}` in `{setting}`"),
            Mentioned::MissingFolder => format!("no folder matches `{text}` in `{setting}`"),
            Mentioned::Calls(_) => {
                format!("no checked file contains `{text}`, a name in `{setting}`")
            }
        };
        warn(&mention.file, mention.line, &what);
    }
}

/// What is told on standard error.
#[derive(Clone, Copy)]
pub struct Remarks<'a> {
    quiet: bool,
    verbose: bool,
    statistics: Option<StatisticsOf>,
    /// The paths that were named.
    paths: &'a [PathBuf],
}

impl<'a> Remarks<'a> {
    /// What a check tells.
    pub fn of(args: &'a CheckArgs) -> Self {
        Self {
            verbose: args.verbose,
            statistics: args.statistics,
            ..Self::of_paths(&args.show, &args.asked.paths)
        }
    }

    /// What another command tells that was given no more than these options.
    pub fn of_paths(show: &Show, paths: &'a [PathBuf]) -> Self {
        Self {
            quiet: show.quiet,
            verbose: false,
            statistics: None,
            paths,
        }
    }
}

/// Writes to standard error what follows the report.
pub fn write_remarks(args: Remarks<'_>, outcome: &RunResult) {
    write_failures(outcome);
    let told = outcome.skipped.iter().any(|s| s.reason.is_told());
    if !args.quiet && outcome.checked == 0 && outcome.failures.is_empty() && !told {
        terminal::complain("warning: no source files found");
    }
    if !args.quiet {
        write_unmatched(outcome);
    }
    for skipped in &outcome.skipped {
        // Whoever names a file expects it to be checked.
        let surprises = matches!(skipped.reason, SkipReason::Unreadable(_))
            && args.paths.contains(&skipped.path)
            && !args.quiet;
        let told = skipped.reason.is_told() && !args.quiet;
        if args.verbose || surprises || told {
            let path = outcome.sources.display(&skipped.path);
            terminal::complain(&format!("skipped: {path}: {}", skipped.reason.describe()));
        }
    }
    if args.verbose {
        for Expired { baseline, entry } in &outcome.settled.expired {
            terminal::complain(&format!(
                "no longer found: {}: {}: {} in {}: `{}`",
                outcome.sources.display(baseline),
                entry.path,
                entry.rule,
                entry.symbol,
                entry.code
            ));
        }
        let unselected = outcome.settled.count(Decision::Unselected);
        if unselected > 0 {
            terminal::complain(&format!(
                "{} of rules that are off",
                plural(unselected, "finding")
            ));
        }
    }
    match args.statistics {
        Some(StatisticsOf::Findings) => write_counts(outcome),
        Some(StatisticsOf::Engine) => write_effort(outcome),
        None => {}
    }
}
