//! `tallylint check --fix` and `--diff`.

use std::fmt::Write;
use std::io::IsTerminal;

use similar::TextDiff;

use super::args::CheckArgs;
use super::output::{tell_configurations, write_failures, write_remarks, write_reports};
use super::{Failure, terminal};
use crate::diagnostics::Safety;
use crate::driver::Status;
use crate::fix::Repaired;
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
pub fn finish(args: &CheckArgs, repaired: &Repaired) -> Result<u8, Failure> {
    let outcome = &repaired.outcome;
    if args.verbose {
        tell_configurations(outcome);
    }
    if args.diff {
        let mut text = patch(repaired);
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
    let failures = repaired.write();
    write_reports(args, outcome, repaired.fixed)?;
    let status = write_remarks(args, outcome);
    for failure in &failures {
        terminal::complain(&format!("error: not fixed: {failure}"));
    }
    Ok(match status {
        Status::Clean | Status::Findings if !failures.is_empty() => Status::Incomplete,
        status => status,
    }
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
