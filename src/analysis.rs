//! The analysis of a set of files: the seam between the driver and everything that understands
//! code.

use std::sync::Arc;

use crate::config::Settings;
use crate::diagnostics::{FileFailure, Finding};
use crate::fence;
use crate::program::{ModuleProblem, Program};
use crate::rules::untracked_return::{self, Checked};
use crate::rules::{Rule, UntrackedReturn};
use crate::source::{SourceFile, SourceMap};

/// What an analysis works on.
#[derive(Clone, Copy)]
pub struct AnalysisInput<'a> {
    /// Every file that is or gets loaded.
    pub sources: &'a SourceMap,
    /// The files to check, in the order of their displayed paths.
    pub files: &'a [Arc<SourceFile>],
    /// What to check.
    pub settings: &'a Settings,
}

/// What an analysis found.
#[derive(Clone, Default, Debug)]
pub struct Analysis {
    /// Findings, in any order.
    pub findings: Vec<Finding>,
    /// How many methods that must keep a contract were checked.
    pub processors: usize,
    /// Files that could not be analysed, wholly or in part.
    pub failed: Vec<FileFailure>,
    /// Counters for `--statistics`.
    pub statistics: Statistics,
}

/// Named counters, in the order in which they are printed.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Statistics(Vec<(&'static str, u64)>);

impl Statistics {
    /// Adds to a counter, which is appended when it is new.
    pub fn add(&mut self, name: &'static str, count: u64) {
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, total)) => *total += count,
            None => self.0.push((name, count)),
        }
    }

    /// The counters in order.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        self.0.iter().copied()
    }
}

/// Analyses files.
#[must_use]
pub fn analyse(input: &AnalysisInput<'_>) -> Analysis {
    let mut out = Analysis::default();
    let program = Program::new(input.sources);
    let mut total = Checked::default();
    for file in input.files {
        let checked = fence::catch(|| check_file(&program, file, input.settings));
        match checked {
            Ok(Ok(checked)) => {
                total.processors += checked.processors;
                total.steps += checked.steps;
                total.merges += checked.merges;
                total.widenings += checked.widenings;
                total.calls_cut += checked.calls_cut;
                total.given_up += checked.given_up;
                total.infeasible += checked.infeasible;
                out.findings.extend(checked.findings);
            }
            Ok(Err(problem)) => {
                let place = problem.offset.map(|at| {
                    let p = file.position(at);
                    (p.line, p.column)
                });
                out.failed.push(FileFailure::input(
                    file.display.clone(),
                    place,
                    problem.reason,
                ));
            }
            Err(bug) => out
                .failed
                .push(FileFailure::internal(file.display.clone(), bug.to_string())),
        }
    }
    out.processors = total.processors;
    for (name, count) in [
        ("modules lowered", program.module_count() as u64),
        ("methods checked", total.processors as u64),
        ("block executions", total.steps),
        ("states merged", total.merges),
        ("loops widened", total.widenings),
        ("calls not looked into", total.calls_cut),
        ("exits without a single path", total.infeasible),
        ("methods given up", total.given_up),
    ] {
        out.statistics.add(name, count);
    }
    out
}

fn check_file(
    program: &Program<'_>,
    file: &Arc<SourceFile>,
    settings: &Settings,
) -> Result<Checked, ModuleProblem> {
    let id = program.add_file(file)?;
    let mut out = Checked::default();
    if !settings.rules.contains(UntrackedReturn.id()) {
        return Ok(out);
    }
    for class in program.classes(id) {
        for contract in &settings.contracts {
            let checked = untracked_return::check_class(program, class, contract);
            out.processors += checked.processors;
            out.steps += checked.steps;
            out.merges += checked.merges;
            out.widenings += checked.widenings;
            out.calls_cut += checked.calls_cut;
            out.given_up += checked.given_up;
            out.infeasible += checked.infeasible;
            out.findings.extend(checked.findings);
        }
    }
    Ok(out)
}
