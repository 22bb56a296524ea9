//! What a new configuration leaves out: tests, and what cannot be parsed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::in_toml;
use crate::diagnostics::FileFailure;
use crate::discover::SkipReason;
use crate::driver::Suggested;
use crate::report::plural;
use crate::settings::Patterns;
use crate::source::{Foreign, SourceFile, is_of_tests};

/// What is usual for tests, from the widest pattern on.
const TESTS: [&str; 5] = ["tests/", "test/", "test_*", "*_test.*", "conftest.py"];

/// At most so many files are listed one by one; further ones are named when they are checked.
const LISTED: usize = 20;

/// What is left out.
#[derive(Default)]
pub(super) struct LeftOut {
    /// Patterns that match tests, and how many files they match.
    tests: (Vec<&'static str>, usize),
    /// What cannot be parsed.
    unparsable: Vec<Unparsable>,
}

/// A file that cannot be parsed, or a folder of which no file can.
struct Unparsable {
    /// Its path below the folder of the configuration.
    name: String,
    /// Why it cannot.
    why: String,
}

impl LeftOut {
    /// What to leave out below a folder, of which everything was read.
    pub(super) fn of(found: &Suggested, folder: &Path) -> Self {
        let files: Vec<&Path> = found
            .files
            .iter()
            .map(|file| file.real_path.as_path())
            .collect();
        let tests = tests(&found.files, folder);
        let mut matched = Patterns::default();
        let _ = matched.add(folder, &tests.0);
        let mut broken: BTreeMap<PathBuf, String> = BTreeMap::new();
        let by_name: BTreeMap<&str, &Path> = found
            .files
            .iter()
            .map(|file| (file.display.as_str(), file.real_path.as_path()))
            .collect();
        for failure in found
            .failures
            .iter()
            .filter(|failure| !failure.is_internal())
        {
            if let Some(path) = by_name.get(failure.path.as_str()) {
                broken
                    .entry(path.to_path_buf())
                    .or_insert_with(|| reason(failure));
            }
        }
        for skipped in &found.skipped {
            let why = match skipped.reason {
                SkipReason::Placeholder(_) | SkipReason::Foreign(Foreign::Template, _) => {
                    "a template"
                }
                SkipReason::Foreign(Foreign::OldPython, _) => "Python 2",
                _ => continue,
            };
            let path = found.sources.cwd().join(&skipped.path);
            let path = std::fs::canonicalize(&path).unwrap_or(path);
            broken.insert(path, why.to_owned());
        }
        broken.retain(|path, _| !matched.match_file(path));
        Self {
            tests,
            unparsable: unparsable(&broken, &files, folder),
        }
    }

    /// Whether that is nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.tests.0.is_empty() && self.unparsable.is_empty()
    }

    /// The setting for it, or an example if there is nothing.
    pub(super) fn setting(&self) -> String {
        if self.is_empty() {
            return "#exclude = [\"scripts/\", \"*_old.py\"]".to_owned();
        }
        let mut out = String::from("exclude = [\n");
        if !self.tests.0.is_empty() {
            out.push_str("    # Tests: what they lose is theirs.\n");
        }
        for pattern in &self.tests.0 {
            out += &format!("    {},\n", in_toml(pattern));
        }
        if !self.unparsable.is_empty() {
            out.push_str("    # What cannot be parsed.\n");
        }
        for Unparsable { name, why } in self.unparsable.iter().take(LISTED) {
            let pattern = format!("/{}", escaped(name));
            out += &format!("    {}, # {why}\n", in_toml(&pattern));
        }
        out.push(']');
        out
    }

    /// The same for people, a line for each.
    pub(super) fn lines(&self) -> Vec<String> {
        let (patterns, files) = &self.tests;
        let mut out = Vec::new();
        if *files > 0 {
            out.push(format!(
                "{} of tests: {}",
                plural(*files, "file"),
                patterns.join(", ")
            ));
        }
        let listed = self.unparsable.iter().take(LISTED);
        out.extend(listed.map(|Unparsable { name, why }| format!("{name}: {why}")));
        let more = self.unparsable.len().saturating_sub(LISTED);
        if more > 0 {
            out.push(format!(
                "{more} more cannot be parsed, and are still checked"
            ));
        }
        out
    }
}

/// The patterns of tests that match files, each some that the ones before it do not, and how many they match in all.
fn tests(files: &[std::sync::Arc<SourceFile>], folder: &Path) -> (Vec<&'static str>, usize) {
    let mut left: Vec<&Path> = files
        .iter()
        .filter(|file| is_of_tests(file))
        .map(|file| file.real_path.as_path())
        .collect();
    let all = left.len();
    let mut used = Vec::new();
    for pattern in TESTS {
        let mut matcher = Patterns::default();
        let before = left.len();
        if matcher.add(folder, &[pattern]).is_ok() {
            left.retain(|path| !matcher.match_file(path));
        }
        if left.len() < before {
            used.push(pattern);
        }
    }
    (used, all - left.len())
}

/// The files that cannot be parsed; a folder instead of all its files if there is nothing else in it.
fn unparsable(
    broken: &BTreeMap<PathBuf, String>,
    files: &[&Path],
    folder: &Path,
) -> Vec<Unparsable> {
    let sound: BTreeSet<&Path> = files
        .iter()
        .filter(|path| !broken.contains_key(**path))
        .flat_map(|path| path.ancestors())
        .collect();
    let mut out: BTreeMap<PathBuf, Vec<&str>> = BTreeMap::new();
    for (path, why) in broken {
        let around = path
            .ancestors()
            .skip(1)
            .take_while(|at| at.starts_with(folder) && *at != folder);
        let widest = around.take_while(|at| !sound.contains(at)).last();
        let shared =
            widest.filter(|at| broken.keys().filter(|other| other.starts_with(at)).count() > 1);
        out.entry(shared.unwrap_or(path).to_path_buf())
            .or_default()
            .push(why);
    }
    let out = out.into_iter().filter_map(|(path, why)| {
        let below = path.strip_prefix(folder).ok()?.to_str()?;
        let slash = if path.is_dir() { "/" } else { "" };
        let why = match why.as_slice() {
            [one] => (*one).to_owned(),
            several => format!("{}, such as: {}", plural(several.len(), "file"), several[0]),
        };
        let name = format!("{}{slash}", below.replace(std::path::MAIN_SEPARATOR, "/"));
        Some(Unparsable { name, why })
    });
    out.collect()
}

/// A path as a pattern that matches nothing else.
fn escaped(path: &str) -> String {
    let mut out = String::new();
    for c in path.chars() {
        match c {
            '*' | '?' | '[' | ']' | '{' | '}' | '\\' | '!' | '#' => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out
}

/// Why a file cannot be parsed, on one line.
fn reason(failure: &FileFailure) -> String {
    let why: String = failure.reason.chars().filter(|c| !c.is_control()).collect();
    match failure.location {
        Some((line, _)) => format!("line {line}: {why}"),
        None => why,
    }
}
