//! `tallylint check --watch`: checks again whenever something changes.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use notify::event::{EventKind, ModifyKind};
use notify::{Event, RecursiveMode, Watcher};

use super::args::CheckArgs;
use super::output::{configuration_failure, tell_configurations};
use super::progress::Progress;
use super::{Failure, check, terminal};
use crate::config::{ConfigError, ConfigSource, Configuration};
use crate::discover::{may_matter, repository};
use crate::driver::{Request, RunResult, Standing};
use crate::source::Disk;

/// Changes come in groups: a group is over if nothing has happened for so long.
const QUIET: Duration = Duration::from_millis(50);
/// Clears a terminal.
const CLEAR: &[u8] = b"\x1b[2J\x1b[3J\x1b[H";

/// What the system tells of files.
type Changes = Receiver<notify::Result<Event>>;

/// Checks, and checks again after each change. It ends only if nothing can be watched or written.
pub fn run(args: &CheckArgs, cwd: &Path, paths: &[PathBuf]) -> Result<u8, Failure> {
    let (sender, changes) = channel();
    let unwatched = |error: notify::Error| Failure::from(format!("cannot watch files: {error}"));
    let mut watcher = notify::recommended_watcher(sender).map_err(unwatched)?;
    let mut watch = |path: &Path, mode| watcher.watch(path, mode).map_err(unwatched);
    for path in paths {
        watch(&cwd.join(path), RecursiveMode::Recursive)?;
    }
    // Configuration files above apply, too.
    let top = repository(cwd);
    let within = |folder: &&Path| top.is_some_and(|top| folder.starts_with(top));
    let is_watched = |folder: &&Path| paths.iter().any(|path| folder.starts_with(cwd.join(path)));
    let above = cwd.ancestors().take_while(within);
    for folder in above.filter(|folder| !is_watched(folder)) {
        watch(folder, RecursiveMode::NonRecursive)?;
    }
    let mut standing = Standing::default();
    loop {
        let outcome = check(args, cwd, paths, &mut standing);
        if io::stdout().is_terminal() {
            terminal::print(CLEAR)?;
        }
        match outcome {
            Ok(outcome) => {
                if args.verbose {
                    tell_configurations(&outcome);
                }
                check::tell(args, &outcome)?;
            }
            // The next change may make it valid.
            Err(error) => configuration_failure(&error, cwd).tell(),
        }
        if !args.show.quiet {
            terminal::complain("watching for changes (Ctrl-C ends this)");
        }
        wait(&changes)?;
    }
}

fn check(
    args: &CheckArgs,
    cwd: &Path,
    paths: &[PathBuf],
    standing: &mut Standing,
) -> Result<RunResult, ConfigError> {
    let source = ConfigSource::of(args.asked.config.as_deref(), args.asked.isolated);
    let overrides = args.asked.overrides(cwd, false);
    let configuration = Configuration::new(&source, &overrides, cwd)?;
    let progress = Progress::start(!args.show.quiet);
    let request = Request {
        busy: progress.busy(),
        ..Request::new(paths, &configuration, cwd.to_path_buf())
    };
    standing.run(request, Disk::Changed)
}

/// Waits for changes that may matter, until there are no more for a while.
fn wait(changes: &Changes) -> Result<(), Failure> {
    let gone = || Failure::from("nothing is watched any more".to_owned());
    loop {
        if matters(&changes.recv().map_err(|_| gone())?) {
            break;
        }
    }
    while changes.recv_timeout(QUIET).is_ok() {}
    Ok(())
}

/// Whether a finding may depend on what has happened. What was missed may matter.
fn matters(event: &notify::Result<Event>) -> bool {
    let Ok(event) = event else {
        return true;
    };
    let content = matches!(event.kind, EventKind::Modify(ModifyKind::Data(_)));
    let is_read = matches!(event.kind, EventKind::Access(_));
    let mut paths = event.paths.iter();
    event.need_rescan() || !is_read && paths.any(|path| may_matter(path, content))
}
