//! `tallylint init`: writes a configuration, a commit hook and a workflow for a repository.
//!
//! It checks the repository first, so that the files describe what is there. Existing files are not
//! changed: what should be added to them is printed.

mod left_out;
mod projects;

use std::fmt::Write;
use std::io;
use std::path::{Path, PathBuf};
use std::{env, fs};

use super::args::InitArgs;
use super::{Failure, output, terminal};
use crate::config::{self, ConfigError, ConfigFile, ConfigSource, Configuration, Overrides};
use crate::driver::{self, Request, RunResult};
use crate::fix::replace_file;
use crate::outcome::{Suggestion, Survey};
use crate::report::{harmless_lines, plural};
use crate::source::describe_io;

use left_out::LeftOut;

const CONFIGURATION: &str = "tallylint.toml";
const BASELINE: &str = "tallylint-baseline.jsonl";
const HOOKS: &str = ".pre-commit-config.yaml";
const WORKFLOWS: &str = ".github/workflows";
const WORKFLOW: &str = ".github/workflows/tallylint.yml";
/// At most this many contracts are suggested.
const SUGGESTIONS: usize = 3;
const HOOK_HEADER: &str = "repos:\n";
/// The version, in a program that was built as a release.
const RELEASE: Option<&str> = option_env!("TALLYLINT_RELEASE");

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
    let new = New::of(&folder, &args.path, &cwd).map_err(wrong)?;
    let mut said = new.told(&cwd);
    let place = TargetFolder {
        folder: &folder,
        cwd: &cwd,
    };
    place.write(CONFIGURATION, &new.settings(), &mut said)?;
    hooks(&place, &mut said)?;
    workflow(&place, &mut said)?;
    said.push_str(&next(&new, &args.path));
    terminal::print(harmless_lines(&said).as_bytes())?;
    output::write_failures(&new.outcome);
    Ok(new.outcome.status(None).code())
}

/// What a repository is like, as far as a configuration can say it.
struct New {
    left_out: LeftOut,
    /// Where imports are looked for, if there are several Python projects.
    projects: Vec<String>,
    suggested: Vec<Suggestion>,
    /// The check with what is left out.
    outcome: RunResult,
}

impl New {
    /// Looks at a folder, which is `path` as it was named.
    fn of(folder: &Path, path: &PathBuf, cwd: &Path) -> Result<Self, ConfigError> {
        let overrides = Overrides::default();
        let paths = std::slice::from_ref(path);
        let none = Configuration::new(&ConfigSource::Isolated, &overrides, cwd)?;
        let mut found = driver::suggest(paths, &none, cwd.to_path_buf())?;
        let left_out = LeftOut::of(&found, folder);
        let projects = projects::of(&found, folder);
        let said = [left_out.setting(), projects::setting(&projects)].join("\n");
        let file = ConfigFile::parse(&folder.join(CONFIGURATION), said)?;
        let file = file.expect("it is a file of our own");
        let configuration = Configuration::with_file(&file, folder, &overrides, cwd)?;
        if !left_out.is_empty() {
            found = driver::suggest(paths, &configuration, cwd.to_path_buf())?;
        }
        let outcome = driver::run(Request::new(paths, &configuration, cwd.to_path_buf()))?;
        let mut suggested = found.suggestions.suggestions;
        suggested.truncate(SUGGESTIONS);
        Ok(Self {
            left_out,
            projects,
            suggested,
            outcome,
        })
    }

    /// How many findings there are.
    fn found(&self) -> usize {
        self.outcome.settled.reported.len()
    }

    /// What it is like, for people.
    fn told(&self, cwd: &Path) -> String {
        let mut said = format!(
            "{} checked, {}\n",
            plural(self.outcome.checked, "file"),
            plural(self.found(), "finding")
        );
        let mut list = |title: &str, lines: Vec<String>| {
            if !lines.is_empty() {
                let _ = writeln!(said, "{title}:");
            }
            for line in lines {
                let _ = writeln!(said, "  {line}");
            }
        };
        list("contracts", contracts(&self.outcome.contracts));
        let suggested = self.suggested.iter();
        let suggested = suggested.map(|one| format!("{}: {}", one.title(), one.tally()));
        list(
            "could be declared (commented out in the configuration)",
            suggested.collect(),
        );
        list("left out (`exclude`)", self.left_out.lines());
        list("imports are looked for in (`src`)", self.projects.clone());
        let nested = self.outcome.configurations.iter();
        let nested = nested.filter(|file| file.is_file());
        list(
            "have settings of their own",
            nested.map(|file| output::show(file, cwd)).collect(),
        );
        said
    }

    /// The text of the configuration.
    fn settings(&self) -> String {
        let contracts: String = match contracts(&self.outcome.contracts).as_slice() {
            [] => "#   no class that has to keep a contract\n".to_owned(),
            lines => lines.iter().map(|line| format!("#   {line}\n")).collect(),
        };
        let mark = if self.found() > 0 { "" } else { "#" };
        include_str!("tallylint.toml")
            .replace("{contracts}\n", &(contracts + "\n"))
            .replace("{suggestions}", &suggestions(&self.suggested))
            .replace("{exclude}", &self.left_out.setting())
            .replace("{src}", &projects::setting(&self.projects))
            .replace("{baseline}", &format!("{mark}baseline = \"{BASELINE}\""))
    }
}

/// Three commands, and what each is for.
fn next(new: &New, path: &Path) -> String {
    let folder = match path == Path::new(".") {
        true => String::new(),
        false => format!(" {}", shell_word(&path.to_string_lossy())),
    };
    let first = match new.found() {
        0 => (
            format!("tallylint check{folder}"),
            "finds nothing now".to_owned(),
        ),
        found => (
            format!("tallylint check --write-baseline{folder}"),
            format!(
                "records {} as known; commit the files",
                plural(found, "finding")
            ),
        ),
    };
    let second = match contracts(&new.outcome.contracts).is_empty() {
        true => (
            format!("tallylint contracts --suggest{folder}"),
            "tells what most of your hooks do, and which do not".to_owned(),
        ),
        false => (
            format!("tallylint contracts{folder}"),
            "lists who has to keep which contract".to_owned(),
        ),
    };
    let third = (
        "pre-commit install".to_owned(),
        "checks each commit".to_owned(),
    );
    let commands = [first, second, third];
    let width = commands
        .iter()
        .map(|(command, _)| command.chars().count())
        .max()
        .unwrap_or_default();
    let mut out = String::from("next:\n");
    for (command, what) in commands {
        let _ = writeln!(out, "  {command:width$}  {what}");
    }
    out
}

/// A word that a shell takes as it is.
fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

/// A text as TOML has it.
fn in_toml(text: &str) -> String {
    toml::Value::from(text).to_string()
}

/// What pip is asked for. Only a release knows that its version is published.
fn requirement(release: Option<&str>) -> String {
    match release {
        Some(version) => format!("tallylint=={version}"),
        None => "tallylint".to_owned(),
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
    let entry = include_str!("pre-commit.yaml").replace("{requirement}", &requirement(RELEASE));
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
        .replace("{requirement}", &requirement(RELEASE));
    place.write(WORKFLOW, &text, said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_release_requires_its_version() {
        assert_eq!(requirement(Some("1.2.3")), "tallylint==1.2.3");
        assert_eq!(requirement(None), "tallylint");
    }

    #[test]
    fn words_survive_a_shell() {
        assert_eq!(shell_word("a/b-c_1.py"), "a/b-c_1.py");
        assert_eq!(shell_word("my folder"), "'my folder'");
        assert_eq!(shell_word("it's"), "'it'\\''s'");
        assert_eq!(shell_word(""), "''");
    }
}
