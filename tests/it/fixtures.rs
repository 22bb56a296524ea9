//! Fixtures: files whose comments say what is to be found, line by line.
//!
//! `# expect: KIND` (`// expect: KIND` in Rust) at the end of a line means one finding with its primary label on that line;
//! `KIND|KIND` accepts either, and ` low` a severity one level below the kind's own. A line
//! without a mark expects nothing, and so does a mark that says `(needs …)`: a known gap.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use tallylint::config::{Overrides, Settings};
use tallylint::driver::{self, Outcome, Request};
use tallylint::rules;

/// Line and what is expected there.
type Marks = BTreeMap<u32, Vec<String>>;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf()
}

/// Checks paths in this process, notes included.
fn check(paths: &[PathBuf], cwd: &Path) -> Outcome {
    let mut settings = Settings::new(None, &Overrides::default()).unwrap();
    settings.pedantic = true;
    driver::run(Request {
        paths,
        stdin: None,
        settings: &settings,
        cwd: cwd.to_path_buf(),
    })
}

/// The marks of a text: the words after `tag`.
fn marks(text: &str, tag: &str) -> Marks {
    let mut out = Marks::new();
    for (i, line) in text.lines().enumerate() {
        if let Some((_, rest)) = line.split_once(tag) {
            let kinds = rest.split_whitespace().next().unwrap();
            out.insert(
                u32::try_from(i + 1).unwrap(),
                kinds.split('|').map(str::to_owned).collect(),
            );
        }
    }
    out
}

/// Where the findings do not fit the marks.
fn differences(outcome: &Outcome, expected: &BTreeMap<String, Marks>) -> Vec<String> {
    let mut left = expected.clone();
    let mut out = Vec::new();
    for f in outcome.settled.reported.iter().map(|r| &r.finding) {
        let file = outcome.sources.get(f.primary.location.file);
        let line = file.position(f.primary.location.span.start).line;
        let wanted = left.get_mut(&file.display).and_then(|m| m.remove(&line));
        if !wanted
            .as_ref()
            .is_some_and(|kinds| kinds.iter().any(|k| k == f.kind))
        {
            out.push(format!(
                "{}:{line}: {} ({}), expected {wanted:?}",
                file.display, f.kind, f.symbol
            ));
        }
    }
    for (file, marks) in left {
        for (line, kinds) in marks {
            out.push(format!("{file}:{line}: nothing, expected {kinds:?}"));
        }
    }
    out
}

/// The source files below a folder.
fn source_files(dir: &Path, out: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(dir)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            if path.file_name().is_some_and(|name| name != "target") {
                source_files(&path, out);
            }
        } else if path.extension().is_some_and(|e| e == "py" || e == "rs") {
            out.push(path);
        }
    }
}

/// Every finding on every fixture is marked, and every mark is found.
fn compare(dir: &Path, word: &str) {
    let mut files = Vec::new();
    source_files(dir, &mut files);
    assert!(!files.is_empty(), "no fixtures in {}", dir.display());
    let mut expected = BTreeMap::new();
    let mut total = 0;
    for f in &files {
        let comment = match f.extension() {
            Some(e) if e == "rs" => "//",
            _ => "#",
        };
        let marks = marks(
            &fs::read_to_string(f).unwrap(),
            &format!("{comment} {word}: "),
        );
        total += marks.len();
        let display = f
            .strip_prefix(root())
            .unwrap()
            .to_str()
            .unwrap()
            .replace('\\', "/");
        expected.insert(display, marks);
    }
    assert!(total > 0, "no marks in {}", dir.display());
    let outcome = check(&files, &root());
    assert!(outcome.failures.is_empty(), "{:?}", outcome.failures);
    let differences = differences(&outcome, &expected);
    assert!(
        differences.is_empty(),
        "{} of {total} marks:\n{}",
        differences.len(),
        differences.join("\n")
    );
}

#[test]
fn the_catalogue_of_untracked_return() {
    compare(&root().join("tests/fixtures/untracked-return"), "expect");
}

#[test]
fn the_example_project_has_exactly_the_planted_bugs() {
    compare(&root().join("fixtures/pipeline"), "planted");
}

#[test]
fn the_example_crate_has_exactly_the_planted_bugs() {
    compare(&root().join("fixtures/pipeline-rust"), "planted");
}

#[test]
fn the_examples_on_the_rule_pages_do_what_they_say() {
    let mut ran = 0;
    for rule in rules::all() {
        for example in rule.meta().examples() {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("example.py");
            fs::write(&path, example.code).unwrap();
            let outcome = check(&[path], dir.path());
            assert!(
                outcome.failures.is_empty(),
                "{:?}\n{}",
                outcome.failures,
                example.code
            );
            let mut expected = Marks::new();
            for (line, kind) in &example.expected {
                expected.insert(u32::try_from(*line).unwrap(), vec![(*kind).to_owned()]);
            }
            let expected = BTreeMap::from([("example.py".to_owned(), expected)]);
            let differences = differences(&outcome, &expected);
            assert!(
                differences.is_empty(),
                "{}\n{}",
                differences.join("\n"),
                example.code
            );
            ran += 1;
        }
    }
    assert!(ran >= 4, "only {ran} examples");
}
