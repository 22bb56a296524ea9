//! `tallylint check --fix` and `--diff`.

use std::fmt::Write;
use std::io::IsTerminal;

use similar::TextDiff;

use super::args::CheckArgs;
use super::output::{
    Main, Remarks, configuration_failure, tell_configurations, write_failures, write_remarks,
    write_reports,
};
use super::{Failure, terminal};
use crate::diagnostics::Safety;
use crate::driver::Status;
use crate::fix::{Repaired, Task};
use crate::report::harmless_lines;

/// Unchanged lines around a change in a patch.
const CONTEXT: usize = 3;

/// The fixes that are asked for.
pub fn allowed(args: &CheckArgs) -> Safety {
    if args.unsafe_fixes {
        Safety::Unsafe
    } else {
        Safety::Safe
    }
}

/// Writes the files and the report of what is left, or prints the patch. Returns the exit code.
///
/// Standard input is not written: its text goes to standard output, fixed or not, and the report to standard error.
pub fn finish(args: &CheckArgs, task: Task<'_>, repaired: Repaired) -> Result<u8, Failure> {
    if args.verbose {
        tell_configurations(&repaired.outcome);
    }
    if args.diff {
        let outcome = &repaired.outcome;
        let mut text = patch(&repaired);
        if std::io::stdout().is_terminal() {
            text = harmless_lines(&text);
        }
        terminal::print(text.as_bytes())?;
        write_failures(outcome);
        return Ok(match outcome.status(None) {
            Status::Clean if !repaired.changed.is_empty() => Status::Findings,
            status => status,
        }
        .code());
    }
    let repaired = match task.stdin {
        Some((_, text)) => {
            let text = repaired.changed.first().map_or(text, |fixed| &fixed.raw);
            terminal::print(text)?;
            repaired
        }
        None => repaired
            .write(task)
            .map_err(|error| configuration_failure(&error, task.cwd))?,
    };
    let main = match task.stdin {
        Some(_) => Main::Stderr,
        None => Main::Stdout,
    };
    write_reports(&args.show, &repaired.outcome, (main, repaired.fixed), None)?;
    write_remarks(Remarks::of(args), &repaired.outcome);
    Ok(repaired
        .outcome
        .status(args.show.fail_on.threshold())
        .code())
}

/// The changes in the format of `diff -u`.
fn patch(repaired: &Repaired) -> String {
    let mut out = String::new();
    for file in &repaired.changed {
        let diff = TextDiff::from_lines(&*file.before, file.after.as_str());
        let mut unified = diff.unified_diff();
        unified
            .context_radius(CONTEXT)
            .header(&file.display, &file.display);
        let _ = write!(out, "{unified}");
    }
    out
}
