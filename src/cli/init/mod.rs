//! `tallylint init`: writes a configuration, a commit hook and a workflow for a repository.
//!
//! It checks the repository first, so that the files describe what is there. Existing files are not
//! changed: what should be added to them is printed.

use std::fmt::Write;
use std::io;
use std::path::{Path, PathBuf};
use std::{env, fs};

use super::args::InitArgs;
use super::{Failure, output, terminal};
use crate::config::{self, ConfigError, ConfigSource, Configuration, Overrides};
use crate::driver::{self, Overlay, Request, RunResult};
use crate::fix::replace_file;
use crate::outcome::{Suggestion, Survey};
use crate::report::{harmless_lines, plural};
use crate::source::describe_io;

const CONFIGURATION: &str = "tallylint.toml";
const BASELINE: &str = "tallylint-baseline.jsonl";
const HOOKS: &str = ".pre-commit-config.yaml";
const WORKFLOWS: &str = ".github/workflows";
const WORKFLOW: &str = ".github/workflows/tallylint.yml";
/// At most this many contracts are suggested.
const SUGGESTIONS: usize = 3;
const HOOK_HEADER: &str = "repos:\n";
/// The files that are written require the version that wrote them.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Checks a folder and writes the files. Returns the exit code.
pub fn run(args: &InitArgs) -> Result<u8, Failure> {
    let cwd = env::current_dir().map_err(|error| {
        format!(
            "cannot determine the working directory: {}",
            describe_io(&error)
        )
    })?;
    let folder = fs::canonicalize(cwd.join(&args.path))
        .map_err(|error| format!("{}: {}", args.path.display(), describe_io(&error)))?;
    if !folder.is_dir() {
        return Err(format!("{}: not a folder", args.path.display()).into());
    }
    let wrong = |error: ConfigError| output::configuration_failure(&error, &cwd);
    if let Some(file) = config::in_folder(&folder).map_err(wrong)? {
        return Err(format!(
            "{} already configures tallylint",
            output::show(&file.path, &cwd)
        )
        .into());
    }
    let configuration =
        Configuration::new(&ConfigSource::Isolated, &Overrides::default(), &cwd).map_err(wrong)?;
    let outcome = driver::run(Request {
        paths: std::slice::from_ref(&args.path),
        stdin: None,
        overlay: &Overlay::new(),
        changed: None,
        around: None,
        shard: None,
        configuration: &configuration,
        cwd: cwd.clone(),
        cache: None,
    })
    .map_err(wrong)?;
    let found = outcome.settled.reported.len();
    let mut said = format!(
        "{} checked, {}\n",
        plural(outcome.checked, "file"),
        plural(found, "finding")
    );
    let contracts = contracts(&outcome.contracts);
    for line in &contracts {
        let _ = writeln!(said, "  {line}");
    }
    let paths = std::slice::from_ref(&args.path);
    let found_more = driver::suggest(paths, &configuration, cwd.clone()).map_err(wrong)?;
    let candidates = found_more.suggestions.suggestions;
    let suggested = &candidates[..candidates.len().min(SUGGESTIONS)];
    if !suggested.is_empty() {
        said.push_str("could be declared (commented out in the configuration):\n");
    }
    for candidate in suggested {
        let _ = writeln!(said, "  {}: {}", candidate.title(), candidate.tally());
    }
    let place = TargetFolder {
        folder: &folder,
        cwd: &cwd,
    };
    place.write(
        CONFIGURATION,
        &settings(&contracts, suggested, found),
        &mut said,
    )?;
    hooks(&place, &mut said)?;
    workflow(&place, &mut said)?;
    said.push_str(&next(found));
    terminal::print(harmless_lines(&said).as_bytes())?;
    Ok(complain(&outcome))
}

fn complain(outcome: &RunResult) -> u8 {
    output::write_failures(outcome);
    outcome.status(None).code()
}

fn next(found: usize) -> String {
    match found {
        0 => "next: tallylint check\n".to_owned(),
        _ => format!(
            "next: tallylint check --write-baseline, which records {} as known; commit the files\n",
            plural(found, "finding")
        ),
    }
}

/// A line for each contract that some class has to keep.
fn contracts(surveys: &[Survey]) -> Vec<String> {
    let kept = surveys
        .iter()
        .filter(|survey| !survey.processors.is_empty());
    kept.map(|survey| {
        let processors = &survey.processors;
        let broken = processors.iter().filter(|p| !p.findings.is_empty()).count();
        let contract = &survey.contract;
        format!(
            "{contract}: {}, {broken} with findings",
            plural(processors.len(), "processor")
        )
    })
    .collect()
}

fn settings(contracts: &[String], suggested: &[Suggestion], found: usize) -> String {
    let contracts: String = match contracts {
        [] => "#   no class that has to keep a contract\n".to_owned(),
        lines => lines.iter().map(|line| format!("#   {line}\n")).collect(),
    };
    let mark = if found > 0 { "" } else { "#" };
    include_str!("tallylint.toml")
        .replace("{contracts}\n", &(contracts + "\n"))
        .replace("{suggestions}", &suggestions(suggested))
        .replace("{baseline}", &format!("{mark}baseline = \"{BASELINE}\""))
}

/// Suggested contracts, commented out, each below a line of evidence.
fn suggestions(suggested: &[Suggestion]) -> String {
    let mut out = String::new();
    if !suggested.is_empty() {
        out.push_str(
            "\n# What most definitions do and some may not; `tallylint contracts --suggest` names these.\n",
        );
    }
    for candidate in suggested {
        let _ = writeln!(out, "\n# {}: {}", candidate.title(), candidate.tally());
        for line in candidate.contract.table().lines() {
            let _ = writeln!(out, "#{line}");
        }
    }
    out
}

/// The folder that the files are written to.
struct TargetFolder<'a> {
    folder: &'a Path,
    cwd: &'a Path,
}

impl TargetFolder<'_> {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn write(&self, name: &str, text: &str, said: &mut String) -> Result<(), Failure> {
        let path = self.path(name);
        let shown = output::show(&path, self.cwd);
        replace_file(&path, text.as_bytes())
            .map_err(|error| format!("cannot write {shown}: {}", describe_io(&error)))?;
        let _ = writeln!(said, "written: {shown}");
        Ok(())
    }

    fn read(&self, name: &str) -> Result<Option<String>, Failure> {
        let path = self.path(name);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => {
                let shown = output::show(&path, self.cwd);
                Err(format!("cannot read {shown}: {}", describe_io(&error)).into())
            }
        }
    }
}

fn hooks(place: &TargetFolder<'_>, said: &mut String) -> Result<(), Failure> {
    let entry = include_str!("pre-commit.yaml").replace("{version}", VERSION);
    match place.read(HOOKS)? {
        None => place.write(HOOKS, &(HOOK_HEADER.to_owned() + &entry), said),
        Some(text) if text.contains("tallylint") => Ok(()),
        Some(_) => {
            let _ = write!(said, "add to {HOOKS}, under `repos:`:\n{entry}");
            Ok(())
        }
    }
}

/// Writes a workflow, if the repository has workflows.
fn workflow(place: &TargetFolder<'_>, said: &mut String) -> Result<(), Failure> {
    if !place.path(WORKFLOWS).is_dir() || place.read(WORKFLOW)?.is_some() {
        return Ok(());
    }
    let head = place.read(".git/HEAD").ok().flatten().unwrap_or_default();
    let branch = head.trim().strip_prefix("ref: refs/heads/");
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '/' | '.');
    let branch = branch
        .filter(|name| name.chars().all(plain))
        .unwrap_or("main");
    let text = include_str!("workflow.yml")
        .replace("{branch}", branch)
        .replace("{version}", VERSION);
    place.write(WORKFLOW, &text, said)
}
