//! `tallylint check`.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::{env, fs};

use termcolor::{Ansi, NoColor, WriteColor};

use super::args::{CheckArgs, ColorChoice, MIB, link_base};
use super::progress::Progress;
use super::{Failure, baseline, fixing, terminal};
use crate::config::{ConfigError, ConfigSource, Configuration, Overrides};
use crate::discover::changed_since;
use crate::driver::{self, Outcome, Request, Status};
use crate::fix;
use crate::report::{self, Format, Report, plural};
use crate::settle::{self, Baseline, Entry};
use crate::source::{DEFAULT_FILE_BYTES, SourceMap, describe_io};

/// The name of standard input on the command line.
const STDIN: &str = "-";
/// What findings in standard input are shown under, unless told otherwise.
const STDIN_DISPLAY: &str = "<stdin>";
/// Where bugs are reported.
const ISSUES: &str = "please report it with the input that causes it";

/// Runs a check; the result is the exit code.
pub fn run(args: &CheckArgs) -> Result<u8, Failure> {
    let cwd = env::current_dir()
        .map_err(|error| format!("cannot tell the working directory: {}", describe_io(&error)))?;
    let source = ConfigSource::of(args.config.as_deref(), args.isolated);
    let overrides = Overrides {
        select: args.select.clone(),
        ignore: args.ignore.clone(),
        pedantic: args.pedantic,
        max_file_bytes: Some(args.max_file_size * MIB),
        reading: args.read.into(),
        force_exclude: args.force_exclude,
        baseline: args.baseline.as_ref().map(|path| cwd.join(path)),
        write_baseline: args.write_baseline,
    };
    let wrong = |error: ConfigError| configuration_failure(&error, &cwd);
    let configuration = Configuration::new(&source, &overrides, &cwd).map_err(wrong)?;
    let (paths, piped): (Vec<PathBuf>, Vec<PathBuf>) = args
        .paths
        .iter()
        .cloned()
        .partition(|path| path != Path::new(STDIN));
    if piped.is_empty() && args.stdin_filename.is_some() {
        return Err("--stdin-filename needs `-` among the paths".into());
    }
    let formats = args.report.iter().map(|more| more.format);
    let links = |format: Format| matches!(format, Format::Markdown | Format::GithubSummary);
    if args.link_base.is_some() && !formats.chain([args.format]).any(links) {
        return Err("--link-base is about the formats markdown and github-summary".into());
    }
    let mut files: Vec<&PathBuf> = args.report.iter().map(|more| &more.path).collect();
    files.extend(&args.output);
    files.sort();
    if let Some(pair) = files.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(format!("two reports go to {}", pair[0].display()).into());
    }
    if !piped.is_empty() && args.add_ignore.is_some() {
        return Err("--add-ignore changes files, so `-` cannot be among the paths".into());
    }
    if !piped.is_empty() && args.write_baseline {
        return Err("what is piped in has no place in a baseline".into());
    }
    if !piped.is_empty() && (args.fix || args.diff) {
        return Err("fixes change files, so `-` cannot be among the paths".into());
    }
    let changed = args.changed_since.as_deref();
    let changed = changed
        .map(|revision| changed_since(revision, &cwd))
        .transpose()?;
    let stdin = if piped.is_empty() {
        None
    } else {
        let display = args.stdin_filename.clone();
        Some((
            display.unwrap_or_else(|| PathBuf::from(STDIN_DISPLAY)),
            read_stdin(overrides.max_file_bytes.unwrap_or(DEFAULT_FILE_BYTES))?,
        ))
    };
    let progress = Progress::start(!args.quiet);
    if args.fix || args.diff {
        let task = fix::Task {
            paths: &paths,
            changed: changed.as_ref(),
            configuration: &configuration,
            cwd: &cwd,
        };
        let repaired = fix::repair(task, fixing::allowed(args)).map_err(wrong)?;
        drop(progress);
        return fixing::finish(args, &repaired);
    }
    let cache = args.cache.open();
    let outcome = driver::run(Request {
        paths: &paths,
        stdin,
        overlay: &driver::Overlay::new(),
        changed: changed.as_ref(),
        configuration: &configuration,
        cwd: cwd.clone(),
        cache: cache.as_ref(),
    });
    drop(progress);
    let outcome = outcome.map_err(wrong)?;
    if args.verbose {
        tell_configurations(&outcome);
    }
    if let Some(reason) = &args.add_ignore {
        return add_ignores(reason, &outcome);
    }
    if args.write_baseline {
        return baseline::write(args, &outcome);
    }
    write_reports(args, &outcome, 0)?;
    Ok(write_remarks(args, &outcome).code())
}

/// Says what is wrong with a configuration, and where.
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

/// Tells which configuration files were used.
pub fn tell_configurations(outcome: &Outcome) {
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

fn read_stdin(limit: u64) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    io::stdin()
        .lock()
        .take(limit + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| format!("cannot read standard input: {}", describe_io(&error)))?;
    if bytes.len() as u64 > limit {
        let message = format!(
            "standard input is too large: the limit is {limit} bytes (see --max-file-size)"
        );
        return Err(message.into());
    }
    Ok(bytes)
}

/// Ignores what was found; says how much that is.
fn add_ignores(reason: &str, outcome: &Outcome) -> Result<u8, Failure> {
    let reported = &outcome.settled.reported;
    let added = fix::add_ignores(reported, reason, &outcome.sources)?;
    let text = format!(
        "{} ignored in {}\n",
        plural(added.findings, "finding"),
        plural(added.files, "file")
    );
    terminal::print(text.as_bytes())?;
    write_failures(outcome);
    for failure in &added.failures {
        terminal::complain(&format!("error: no comment was added: {failure}"));
    }
    let status = match outcome.status(None) {
        Status::Clean if !added.failures.is_empty() => Status::Incomplete,
        status => status,
    };
    Ok(status.code())
}

/// Writes what was found, in every format that was asked for; `fixed` findings are not there any
/// more. What cannot be written does not keep the others from being written.
pub fn write_reports(args: &CheckArgs, outcome: &Outcome, fixed: usize) -> Result<(), Failure> {
    let links = args.link_base.clone().or_else(links_on_github);
    let report = Report {
        fixed,
        links: links.as_deref(),
        time: (!args.quiet).then_some(outcome.elapsed),
        ignored: !args.no_ignored,
        ..outcome.report()
    };
    let more = args.report.iter();
    let more = more.map(|more| write_report(more.format, Some(&more.path), args.color, &report));
    // The files first: whoever waits for the end of standard output finds them.
    let mut results: Vec<Result<(), Failure>> = more.collect();
    let output = args.output.as_deref();
    results.push(write_report(args.format, output, args.color, &report));
    results.into_iter().collect()
}

/// Where the files of the commit that a workflow on GitHub is about are shown.
fn links_on_github() -> Option<String> {
    let [server, repository, commit] =
        ["GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_SHA"].map(|name| env::var(name).ok());
    let url = format!("{}/{}/blob/{}", server?, repository?, commit?);
    link_base(&url).ok()
}

fn write_report(
    format: Format,
    path: Option<&Path>,
    color: ColorChoice,
    report: &Report<'_>,
) -> Result<(), Failure> {
    let render = |out: &mut dyn WriteColor| report::write(format, report, out);
    let bytes = if terminal::colour(color, path.is_some()) {
        let mut out = Ansi::new(Vec::new());
        render(&mut out)?;
        out.into_inner()
    } else {
        let mut out = NoColor::new(Vec::new());
        render(&mut out)?;
        out.into_inner()
    };
    match path {
        None => terminal::print(&bytes)
            .map_err(|error| format!("cannot write the report: {}", describe_io(&error)).into()),
        Some(path) => fs::write(path, bytes).map_err(|error| {
            format!("cannot write {}: {}", path.display(), describe_io(&error)).into()
        }),
    }
}

/// Complains about what could not be analysed.
pub fn write_failures(outcome: &Outcome) {
    for failure in &outcome.failures {
        let what = if failure.internal {
            format!("internal error: {failure}; {ISSUES}")
        } else {
            format!("error: {failure}")
        };
        terminal::complain(&what);
    }
    if let Some(bug) = &outcome.bug {
        terminal::complain(&format!(
            "internal error: the analysis panicked: {bug}; {ISSUES}"
        ));
    }
}

/// The entries of baselines that were not found again.
fn expired(outcome: &Outcome) -> impl Iterator<Item = (&Baseline, &Entry)> {
    let baselines = outcome.settled.baselines.iter();
    baselines.flat_map(|(known, expired)| expired.iter().map(move |entry| (known, entry)))
}

/// What goes to standard error after the report.
pub fn write_remarks(args: &CheckArgs, outcome: &Outcome) -> Status {
    write_failures(outcome);
    if !args.quiet && outcome.checked == 0 && outcome.failures.is_empty() {
        terminal::complain("warning: no source files found");
    }
    if args.verbose {
        for skipped in &outcome.skipped {
            let path = outcome.sources.display(&skipped.path);
            terminal::complain(&format!("skipped: {path}: {}", skipped.reason.describe()));
        }
        for (known, entry) in expired(outcome) {
            terminal::complain(&format!(
                "no longer found: {}: {}: {} in {}: `{}`",
                outcome.sources.display(&known.path),
                entry.path,
                entry.rule,
                entry.symbol,
                entry.code
            ));
        }
        let unselected = outcome.settled.count(settle::Outcome::Unselected);
        if unselected > 0 {
            terminal::complain(&format!("findings of rules that are off: {unselected}"));
        }
    }
    if args.statistics {
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
    outcome.status(args.fail_on.threshold())
}
