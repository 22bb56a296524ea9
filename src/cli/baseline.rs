//! `tallylint check --write-baseline`.

use std::path::PathBuf;

use super::output::write_failures;
use super::{Failure, terminal};
use crate::driver::{RunResult, Status};
use crate::fix::replace_file;
use crate::outcome::{BaselineEntry, Reported};
use crate::report::plural;
use crate::source::describe_io;

/// Writes the baselines of a run and prints their sizes. Returns the exit code.
pub fn write(quiet: bool, outcome: &RunResult) -> Result<u8, Failure> {
    let settled = &outcome.settled;
    if outcome.baselines.is_empty() && outcome.checked > 0 {
        return Err(
            "no baseline is named: give --baseline FILE, or `baseline` in the \
                    configuration"
                .into(),
        );
    }
    let found: Vec<(&Reported, PathBuf, Option<PathBuf>)> = settled
        .reported
        .iter()
        .chain(&settled.known)
        .flat_map(Reported::all)
        .map(|reported| {
            let file = outcome.sources.get(reported.finding.primary.location.file);
            let path = outcome.sources.cwd().join(&file.real_path);
            let baseline = outcome.baseline_of(&file);
            (reported, path, baseline)
        })
        .collect();
    for baseline in &outcome.baselines {
        let gone = settled.expired.iter();
        let gone = gone.filter(|expired| expired.baseline == baseline.path);
        let expired: Vec<&BaselineEntry> = gone.map(|expired| &expired.entry).collect();
        let own: Vec<(&Reported, PathBuf)> = found
            .iter()
            .filter(|(.., of)| of.as_ref() == Some(&baseline.path))
            .map(|(reported, path, _)| (*reported, path.clone()))
            .collect();
        let shown = outcome.sources.display(&baseline.path);
        replace_file(&baseline.path, baseline.updated(&own, &expired).as_bytes())
            .map_err(|error| format!("cannot write {shown}: {}", describe_io(&error)))?;
        let text = format!(
            "{} in {shown}, {} no longer found\n",
            plural(own.len(), "known finding"),
            expired.len()
        );
        if !quiet {
            terminal::print(text.as_bytes())?;
        }
    }
    write_failures(outcome);
    let left = found
        .iter()
        .filter(|(.., baseline)| baseline.is_none())
        .count();
    if left > 0 {
        terminal::complain(&format!(
            "warning: {} in files whose configuration names no baseline",
            plural(left, "finding")
        ));
    }
    Ok(match outcome.status(None) {
        Status::Clean if left > 0 => Status::Findings,
        status => status,
    }
    .code())
}
