//! `tallylint check`.

use std::env;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::args::{Asked, CheckArgs};
use super::output::{
    Main, Remarks, configuration_failure, tell_configurations, write_failures, write_remarks,
    write_reports,
};
use super::progress::Progress;
use super::{Failure, baseline, fixing, terminal, watch};
use crate::config::{ConfigError, ConfigSource, Configuration};
use crate::discover::{Changes, changed_since};
use crate::driver::{self, Request, RunResult, Status};
use crate::fix;
use crate::report::plural;
use crate::source::{DEFAULT_FILE_BYTES, describe_io};

/// Stands for standard input on the command line.
const STDIN: &str = "-";
/// The displayed path of standard input, unless `--stdin-filename` is given.
const STDIN_DISPLAY: &str = "<stdin>";

/// What is said if too little of the history is there.
const SHALLOW: &str = "note: this clone does not have the commit at which the work began (see fetch-depth), so what \
    others have changed since then is checked, too";

/// Runs a check. Returns the exit code.
pub fn run(args: &CheckArgs) -> Result<u8, Failure> {
    let cwd = env::current_dir().map_err(|error| {
        format!(
            "cannot determine the working directory: {}",
            describe_io(&error)
        )
    })?;
    let asked = &args.asked;
    let source = ConfigSource::of(asked.config.as_deref(), asked.isolated);
    let overrides = asked.overrides(&cwd, args.write_baseline);
    let wrong = |error: ConfigError| configuration_failure(&error, &cwd);
    let configuration = Configuration::new(&source, &overrides, &cwd).map_err(wrong)?;
    let (paths, piped): (Vec<PathBuf>, Vec<PathBuf>) = args
        .asked
        .paths
        .iter()
        .cloned()
        .partition(|path| path != Path::new(STDIN));
    refuse_contradictions(args, !piped.is_empty())?;
    if args.watch {
        return watch::run(args, &cwd, &paths);
    }
    let changed = changes(asked, args.show.quiet, &cwd)?;
    let stdin = if piped.is_empty() {
        None
    } else {
        let display = args.stdin_filename.clone();
        Some((
            display.unwrap_or_else(|| PathBuf::from(STDIN_DISPLAY)),
            read_stdin(overrides.max_file_bytes.unwrap_or(DEFAULT_FILE_BYTES))?,
        ))
    };
    let progress = Progress::start(!args.show.quiet);
    if args.fix || args.diff {
        let stdin = stdin.as_ref();
        let task = fix::Task {
            paths: &paths,
            stdin: stdin.map(|(path, bytes)| (path.as_path(), bytes.as_slice())),
            overlay: &driver::Overlay::new(),
            only: None,
            changed: changed.as_ref(),
            configuration: &configuration,
            cwd: &cwd,
        };
        let repaired = fix::repair(task, fixing::allowed(args)).map_err(wrong)?;
        drop(progress);
        return fixing::finish(args, task, repaired);
    }
    let cache = args.cache.open();
    let outcome = driver::run(Request {
        stdin,
        changed: changed.as_ref(),
        shard: args.shard,
        busy: progress.busy(),
        cache: cache.as_ref(),
        ..Request::new(&paths, &configuration, cwd.clone())
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
        return baseline::write(args.show.quiet, &outcome);
    }
    tell(args, &outcome)?;
    Ok(outcome.status(args.show.fail_on.threshold()).code())
}

/// Reports what a check came to.
pub fn tell(args: &CheckArgs, outcome: &RunResult) -> Result<(), Failure> {
    let asked = serde_json::to_value(&args.asked);
    write_reports(&args.show, outcome, (Main::Stdout, 0), asked.ok().as_ref())?;
    write_remarks(Remarks::of(args), outcome);
    Ok(())
}

/// What has changed, if only that is to be checked.
pub fn changes(asked: &Asked, quiet: bool, cwd: &Path) -> Result<Option<Changes>, Failure> {
    let Some(revision) = asked.changed_since.as_deref() else {
        return Ok(None);
    };
    let changes = changed_since(revision, cwd)?;
    if !changes.is_common && !quiet {
        terminal::complain(SHALLOW);
    }
    Ok(Some(changes))
}

/// Refuses options that contradict each other. `piped`: `-` is among the paths.
fn refuse_contradictions(args: &CheckArgs, piped: bool) -> Result<(), Failure> {
    if !piped && args.stdin_filename.is_some() {
        return Err("--stdin-filename needs `-` among the paths".into());
    }
    args.show.refuse_contradictions()?;
    if piped && args.watch {
        return Err("--watch waits for changes of files, so `-` cannot be among the paths".into());
    }
    if piped && args.shard.is_some() {
        return Err("--shard divides files, so `-` cannot be among the paths".into());
    }
    if piped && args.add_ignore.is_some() {
        return Err("--add-ignore changes files, so `-` cannot be among the paths".into());
    }
    if piped && args.write_baseline {
        return Err("--write-baseline records files, so `-` cannot be among the paths".into());
    }
    if piped && (args.fix || args.diff) && args.asked.paths.len() > 1 {
        return Err("if standard input is fixed, `-` has to be the only path".into());
    }
    Ok(())
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

/// Adds ignore comments and prints how many.
fn add_ignores(reason: &str, outcome: &RunResult) -> Result<u8, Failure> {
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
