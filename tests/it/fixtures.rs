//! Fixtures: files whose comments say what is to be found, line by line.
//!
//! * `# expect: KIND` (`// expect: KIND` in Rust) at the end of a line means one finding of the folder's rule with its primary
//!   label on that line; `KIND|KIND` accepts either, and ` low` wants a severity below the kind's
//!   own.
//! * `# expect-other: RULE/KIND` means one of another rule.
//! * `# strict: KIND` means a note, and a finding under `strict-null = true`.
//!
//! Every rule runs on every fixture; a line without a mark expects nothing.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::common::python_is_there;
use crate::differential;
use tallylint::config::{self, Configuration, Overrides};
use tallylint::diagnostics::{Finding, Flow, Location, Severity, Step};
use tallylint::driver::{self, Request, RunResult};
use tallylint::outcome::Reported;
use tallylint::rules;
use tallylint::rules::success_as_proof;
use tallylint::settings::Settings;
use tallylint::source::{FileId, Language};

/// What is expected on one line.
#[derive(Clone, Debug)]
struct Mark {
    /// The rule; `None` for whichever has such a kind.
    rule: Option<String>,
    kinds: Vec<String>,
    low: bool,
    note: bool,
}

/// Line and what is expected there.
type Marks = BTreeMap<u32, Vec<Mark>>;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf()
}

/// Checks paths in this process, with every rule or one, notes included.
fn check(paths: &[PathBuf], cwd: &Path, strict_null: bool, rule: Option<&str>) -> RunResult {
    let overrides = Overrides {
        select: vec![rule.unwrap_or("all").to_owned()],
        ..Overrides::default()
    };
    let mut settings = Settings::new(None, &overrides).unwrap();
    check_with(paths, cwd, strict_null, &mut settings)
}

/// The same with these settings.
fn check_with(
    paths: &[PathBuf],
    cwd: &Path,
    strict_null: bool,
    settings: &mut Settings,
) -> RunResult {
    settings.pedantic = true;
    let options = success_as_proof::Options {
        strict_null,
        ..Default::default()
    };
    settings.options.set("success-as-proof", Arc::new(options));
    driver::run(Request::new(
        paths,
        &Configuration::fixed(settings.clone(), Overrides::default()),
        cwd.to_path_buf(),
    ))
    .unwrap()
}

fn mark(rule: Option<&str>, rest: &str) -> Mark {
    let mut words = rest.split_whitespace();
    let (rule, kinds) = match words.next().unwrap().split_once('/') {
        Some((rule, kinds)) => (Some(rule), kinds),
        None => (rule, rest.split_whitespace().next().unwrap()),
    };
    Mark {
        rule: rule.map(str::to_owned),
        kinds: kinds.split('|').map(str::to_owned).collect(),
        low: words.next() == Some("low"),
        note: false,
    }
}

/// The marks of a text: what its comments say after `word`.
fn marks(text: &str, comment: &str, word: &str, rule: Option<&str>) -> Marks {
    let mut out = Marks::new();
    for (i, line) in text.lines().enumerate() {
        let mut here = Vec::new();
        if let Some((_, rest)) = line.split_once(&format!("{comment} {word}: ")) {
            here.push(mark(rule, rest));
        }
        if let Some((_, rest)) = line.split_once(&format!("{comment} expect-other: ")) {
            here.push(mark(None, rest));
        }
        if let Some((_, rest)) = line.split_once(&format!("{comment} strict: ")) {
            here.push(Mark {
                note: true,
                ..mark(rule, rest)
            });
        }
        if !here.is_empty() {
            out.insert(u32::try_from(i + 1).unwrap(), here);
        }
    }
    out
}

fn fits(finding: &Finding, mark: &Mark, strict_null: bool) -> bool {
    let own = rules::by_id(finding.rule).unwrap().meta();
    let own = own.kind(finding.kind).unwrap().severity;
    mark.rule.as_ref().is_none_or(|rule| rule == finding.rule)
        && mark.kinds.iter().any(|kind| kind == finding.kind)
        && (!mark.low || finding.severity < own)
        && (!mark.note || (finding.severity == Severity::Note) != strict_null)
}

/// Where the findings do not fit the marks.
fn differences(
    outcome: &RunResult,
    expected: &BTreeMap<String, Marks>,
    strict_null: bool,
) -> Vec<String> {
    let mut left = expected.clone();
    let mut out = Vec::new();
    let reported = outcome.settled.reported.iter().flat_map(Reported::all);
    for f in reported.map(|r| &r.finding) {
        let file = outcome.sources.get(f.primary.location.file);
        let line = file.position(f.primary.location.span.start).line;
        let here = left.get_mut(&file.display).and_then(|m| m.get_mut(&line));
        let at = here
            .as_ref()
            .and_then(|marks| marks.iter().position(|m| fits(f, m, strict_null)));
        match (here, at) {
            (Some(marks), Some(at)) => {
                marks.remove(at);
            }
            (wanted, _) => out.push(format!(
                "{}:{line}: {} {} ({}), expected {wanted:?}",
                file.display, f.severity, f.kind, f.symbol
            )),
        }
    }
    for (file, marks) in left {
        for (line, missing) in marks {
            for mark in missing {
                out.push(format!("{file}:{line}: nothing, expected {mark:?}"));
            }
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
fn compare(dir: &Path, word: &str, rule: Option<&str>, strict_null: bool) {
    compare_with(dir, word, (rule, strict_null), |files| {
        check(files, &root(), strict_null, None)
    });
}

/// The same for findings that `check` finds in the files.
fn compare_with(
    dir: &Path,
    word: &str,
    (rule, strict_null): (Option<&str>, bool),
    check: impl Fn(&[PathBuf]) -> RunResult,
) {
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
        let marks = marks(&fs::read_to_string(f).unwrap(), comment, word, rule);
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
    let outcome = check(&files);
    assert!(outcome.failures.is_empty(), "{:?}", outcome.failures);
    let differences = differences(&outcome, &expected, strict_null);
    assert!(
        differences.is_empty(),
        "{} of {total} marks:\n{}",
        differences.len(),
        differences.join("\n")
    );
}

/// Every rule has a folder of fixtures, named after it.
#[test]
fn the_fixtures_of_every_rule() {
    for rule in rules::all() {
        let dir = root().join("tests/fixtures").join(rule.id());
        compare(&dir, "expect", Some(rule.id()), false);
    }
}

/// Each shape of contracts, kept and broken, with the contracts of the configuration beside them.
#[test]
fn the_shapes_of_contracts() {
    let dir = root().join("tests/fixtures/contracts");
    let file = config::in_folder(&dir).unwrap().unwrap();
    let overrides = Overrides {
        select: vec!["all".to_owned()],
        ..Overrides::default()
    };
    let settings = Settings::new(Some(&file), &overrides).unwrap();
    compare_with(&dir, "expect", (None, false), |files| {
        check_with(files, &root(), false, &mut settings.clone())
    });
}

/// Bases that imply a contract by a helper or by a result, and bases that do not.
#[test]
fn what_a_base_implies() {
    let dir = root().join("tests/fixtures/inferred");
    compare(&dir, "expect", Some("untracked-return"), false);
}

#[test]
fn a_missing_count_is_no_evidence_under_strict_null() {
    let dir = root().join("tests/fixtures/success-as-proof");
    compare(&dir, "expect", Some("success-as-proof"), true);
}

#[test]
fn the_example_project_has_exactly_the_planted_bugs() {
    compare(&root().join("fixtures/pipeline"), "planted", None, false);
}

#[test]
fn the_example_crate_has_exactly_the_planted_bugs() {
    let dir = root().join("fixtures/pipeline-rust");
    compare(&dir, "planted", None, false);
}

/// The pipelines that lose rows when they run, and the corrected ones.
#[test]
fn the_pipelines_in_the_wild_lose_rows_where_they_say() {
    for framework in ["airflow", "celery", "prefect"] {
        let dir = root()
            .join("fixtures/pipelines-in-the-wild")
            .join(framework);
        compare(&dir, "expect", Some("swallowed-write"), false);
    }
}

/// The consumers that lose rows when they run, and the corrected ones.
#[test]
fn the_consumers_in_the_wild_lose_rows_where_they_say() {
    for broker in ["kafka", "redis", "sqs"] {
        let dir = root().join("fixtures/consumers-in-the-wild").join(broker);
        compare(&dir, "expect", Some("advance-past-failure"), false);
    }
}

#[test]
fn the_examples_on_the_rule_pages_do_what_they_say() {
    let mut ran = 0;
    for rule in rules::all() {
        for example in rule.meta().examples() {
            let dir = tempfile::tempdir().unwrap();
            let name = match example.language {
                Language::Python => "example.py",
                Language::Rust => "example.rs",
            };
            let path = dir.path().join(name);
            fs::write(&path, example.code).unwrap();
            // What a comment ignores is a finding of another rule.
            let only = (rule.id() != "ignore-comment").then_some(rule.id());
            let outcome = check(&[path], dir.path(), false, only);
            assert!(
                outcome.failures.is_empty(),
                "{:?}\n{}",
                outcome.failures,
                example.code
            );
            let mut expected = Marks::new();
            for (line, kind) in &example.expected {
                let marked = mark(Some(rule.id()), kind);
                expected.insert(u32::try_from(*line).unwrap(), vec![marked]);
            }
            let expected = BTreeMap::from([(name.to_owned(), expected)]);
            let differences = differences(&outcome, &expected, false);
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

/// All that is said of each finding when one rule runs, or all do, by rule.
fn said_by(rule: Option<&str>, dir: &Path) -> BTreeMap<&'static str, Vec<String>> {
    let outcome = check(&[dir.to_path_buf()], &root(), false, rule);
    let mut out: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
    let reported = outcome.settled.reported.iter().flat_map(Reported::all);
    for finding in reported.map(|r| &r.finding) {
        let file = outcome.sources.get(finding.primary.location.file);
        let of_rule = out.entry(finding.rule).or_default();
        let finding = Finding {
            // What a file is numbered depends on what else is read.
            primary: step_in(&outcome, &finding.primary),
            steps: finding.steps.iter().map(|s| step_in(&outcome, s)).collect(),
            exits: Vec::new(),
            fix: None,
            flows: finding
                .flows
                .iter()
                .map(|flow| Flow {
                    file: FileId(0),
                    ..flow.clone()
                })
                .collect(),
            cause: None,
            // Settling adds what another rule found with the same cause.
            notes: finding
                .notes
                .iter()
                .filter(|note| !note.starts_with("for the same reason, "))
                .cloned()
                .collect(),
            ..finding.clone()
        };
        of_rule.push(format!("{}: {finding:?}", file.display));
    }
    out
}

/// A step with the name of its file in its message, and without its number.
fn step_in(outcome: &RunResult, step: &Step) -> Step {
    let file = outcome.sources.get(step.location.file);
    Step {
        location: Location {
            file: FileId(0),
            span: step.location.span,
        },
        message: format!("{}: {}", file.display, step.message),
        known: step.known.clone(),
    }
}

/// Checks that each rule finds alone what it finds together with the others: how many findings
/// there are.
fn compare_alone_and_together(dir: &Path) -> usize {
    let together = said_by(None, dir);
    let mut found = 0;
    for rule in rules::all().iter().map(|rule| rule.id()) {
        // Whether a comment ignores anything is a question about the other rules.
        if rule == rules::about_comments().id() {
            continue;
        }
        let alone = said_by(Some(rule), dir);
        assert_eq!(alone.get(rule), together.get(rule), "{rule} in {dir:?}");
        found += alone.values().map(Vec::len).sum::<usize>();
    }
    found
}

#[test]
fn what_a_rule_finds_does_not_depend_on_the_other_rules() {
    let dirs = [
        "tests/fixtures",
        "fixtures/pipeline",
        "fixtures/pipeline-rust",
    ];
    let found = dirs.map(|dir| compare_alone_and_together(&root().join(dir)));
    let found: usize = found.into_iter().sum();
    assert!(found > 500, "only {found} findings were compared");
}

#[test]
fn what_a_rule_finds_in_generated_programs_does_not_depend_on_the_other_rules() {
    if !python_is_there() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut found = 0;
    for generated in differential::generate(folder.path(), 4_000, [60, 0], 2) {
        found += compare_alone_and_together(&generated);
    }
    assert!(found > 20, "only {found} findings were compared");
}
