//! `--fix` in the large: on every fixture, on the example projects and on generated programs, fixes
//! never make a new finding or a syntax error, are done after one run, and touch nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;
use similar::{ChangeTag, TextDiff};
use tallylint::config::{Configuration, Overrides};
use tallylint::diagnostics::Safety;
use tallylint::driver::{self, Request, RunResult};
use tallylint::fix::{self, Repaired, Task};
use tallylint::settings::Settings;

use crate::common::{number, python_is_there};

/// The programs that are fixed, unless the environment says otherwise.
const SEED: u64 = 901;
const COUNT: u64 = 100;

fn configuration(select: &str) -> Configuration {
    let overrides = Overrides {
        select: vec![select.to_owned()],
        ..Overrides::default()
    };
    Configuration::fixed(Settings::new(None, &overrides).unwrap(), overrides)
}

fn with_task<T>(folder: &Path, select: &str, run: impl FnOnce(Task<'_>) -> T) -> T {
    run(Task {
        paths: &[folder.to_path_buf()],
        stdin: None,
        overlay: &driver::Overlay::new(),
        only: None,
        changed: None,
        configuration: &configuration(select),
        cwd: folder,
    })
}

fn repair(folder: &Path, select: &str, allowed: Safety) -> Repaired {
    let repaired = with_task(folder, select, |task| fix::repair(task, allowed).unwrap());
    assert!(repaired.outcome.bug.is_none());
    repaired
}

/// Writes what was repaired.
fn write(folder: &Path, select: &str, repaired: Repaired) -> Repaired {
    let before = repaired.outcome.failures.len();
    let written = with_task(folder, select, |task| repaired.write(task).unwrap());
    assert_eq!(written.outcome.failures.len(), before);
    written
}

fn check(folder: &Path, select: &str) -> RunResult {
    driver::run(Request::new(
        &[folder.to_path_buf()],
        &configuration(select),
        folder.to_path_buf(),
    ))
    .unwrap()
}

fn copy(from: &Path, to: &Path) {
    for entry in walkdir::WalkDir::new(from) {
        let entry = entry.unwrap();
        let target = to.join(entry.path().strip_prefix(from).unwrap());
        if entry.file_type().is_dir() {
            fs::create_dir_all(target).unwrap();
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// How many findings there are of each rule in each function of each file.
fn findings(outcome: &RunResult) -> BTreeMap<(String, &'static str, String), usize> {
    let mut out = BTreeMap::new();
    for finding in outcome.settled.reported.iter().map(|r| &r.finding) {
        let file = outcome.sources.get(finding.primary.location.file);
        let key = (file.display.clone(), finding.rule, finding.symbol.clone());
        *out.entry(key).or_insert(0) += 1;
    }
    out
}

fn failures(outcome: &RunResult) -> BTreeSet<String> {
    outcome.failures.iter().map(ToString::to_string).collect()
}

/// Statements that a fix puts before another one.
const STORES: &[&str] = &["'] = 0", "\"] = 0", "', 0)", "\", 0)", ", 0);", " = 0;"];

fn is_store(text: &str) -> bool {
    ["self.", "this."].iter().any(|me| text.starts_with(me))
        && STORES.iter().any(|end| text.ends_with(end))
}

/// Whether a fix makes the second of the first: lines without their indentation; a line can be
/// missing on either side.
fn explained(old: &str, new: &str) -> bool {
    let without = |text: &str, part: &str| text.replacen(part, "", 1);
    let head = old.bytes().zip(new.bytes());
    let head = head.take_while(|(a, b)| a == b).count();
    let tail = old.bytes().rev().zip(new.bytes().rev());
    let tail = tail.take_while(|(a, b)| a == b).count();
    let shorter = old.contains("tallylint:") && old.len() > new.len() && head + tail >= new.len();
    let stored = new.find("; ").is_some_and(|at| {
        let start = new[..at].rfind("self.").unwrap_or(0);
        is_store(&new[start..at]) && without(new, &new[start..at + 2]) == old
    });
    let compared = new.find(" and (").is_some_and(|at| {
        let end = new[at..].find(" > 0").map_or(new.len(), |end| at + end + 4);
        let plain = without(new, &new[at..end]);
        plain == old || plain.replace(['(', ')'], "") == old.replace(['(', ')'], "")
    });
    let raises = new.rfind("raise").is_some_and(|at| {
        let (head, tail) = (&new[..at], &new[at + 5..]);
        let head = head.trim_end_matches("; ");
        old.starts_with(head) && old.ends_with(tail) && old.len() >= head.len() + tail.len()
    });
    let tested = is_tested(old, new);
    shorter || stored || compared || raises || tested || old.is_empty() && is_store(new)
}

/// Whether a result is kept to be tested, or tested in place.
fn is_tested(old: &str, new: &str) -> bool {
    let [old, new] = [old, new].map(|line| line.split("  #").next().unwrap_or_default());
    let condition = new
        .strip_prefix("if ")
        .and_then(|new| new.strip_suffix(':'));
    let condition = condition.map(|test| test.strip_suffix(" is None").unwrap_or(test));
    let condition = condition.map(|test| test.strip_prefix("not ").unwrap_or(test));
    let kept = new.split_once(" = ").map(|(_, kept)| kept);
    let same = |new: &str| old.starts_with(new) && !new.is_empty();
    condition.is_some_and(|test| same(test) || old.is_empty()) || kept.is_some_and(same)
}

/// Every line that differs is what some fix makes of it.
fn only_fixes(before: &str, after: &str) {
    let diff = TextDiff::from_lines(before, after);
    let (mut old, mut new): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
    let mut hunks = Vec::new();
    for change in diff.iter_all_changes() {
        match change.tag() {
            ChangeTag::Delete => old.push(change.value().trim()),
            ChangeTag::Insert => new.push(change.value().trim()),
            ChangeTag::Equal if old.is_empty() && new.is_empty() => {}
            ChangeTag::Equal => hunks.push((std::mem::take(&mut old), std::mem::take(&mut new))),
        }
    }
    hunks.push((old, new));
    for (old, mut new) in hunks {
        // Statements on lines of their own stand between others.
        new.retain(|line| !is_store(line) && !line.starts_with("raise RuntimeError("));
        for at in 0..old.len().max(new.len()) {
            let line = |lines: &[&str]| lines.get(at).copied().unwrap_or("").to_owned();
            let (old, new) = (line(&old), line(&new));
            assert!(explained(&old, &new), "{old:?} became {new:?}");
        }
    }
}

/// Those of the files that CPython does not parse.
fn not_parsed(paths: &[PathBuf]) -> BTreeSet<String> {
    let code = "import ast, sys\nfor p in sys.argv[1:]:\n try: ast.parse(open(p, 'rb').read())\n \
                except SyntaxError: print(p)";
    let output = Command::new("python3")
        .args(["-W", "ignore", "-c", code])
        .args(paths)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(str::to_owned).collect()
}

fn fix_folder(source: &Path, select: &str, allowed: Safety) -> usize {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().canonicalize().unwrap();
    copy(source, &folder);
    let before = check(&folder, select);
    let paths = |repaired: &Repaired| -> Vec<PathBuf> {
        let changed = repaired.changed.iter();
        let python = changed.filter(|file| file.display.ends_with(".py"));
        python.map(|file| folder.join(&file.display)).collect()
    };
    let repaired = repair(&folder, select, allowed);
    let broken = python_is_there().then(|| not_parsed(&paths(&repaired)));
    let repaired = write(&folder, select, repaired);
    if let Some(broken) = broken {
        assert_eq!(not_parsed(&paths(&repaired)), broken);
    }
    for file in &repaired.changed {
        only_fixes(&file.before, &file.after);
        assert_ne!(*file.before, *file.after);
    }
    let after = check(&folder, select);
    assert!(failures(&after).is_subset(&failures(&before)));
    let (old, new) = (findings(&before), findings(&after));
    for (key, count) in &new {
        assert!(old.get(key).is_some_and(|old| count <= old), "{key:?}");
    }
    let total = |counts: &BTreeMap<_, usize>| counts.values().sum::<usize>();
    assert!(total(&old) >= total(&new) + repaired.fixed);
    let again = repair(&folder, select, allowed);
    assert_eq!(again.fixed, 0);
    assert!(again.changed.is_empty());
    repaired.fixed
}

/// Fixes a folder of this repository; at least so many fixes must be applied.
fn fix(folder: &str, allowed: Safety, least: usize) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let count = fix_folder(&root.join(folder), "all", allowed);
    println!("{folder}, {allowed:?}: {count}");
    assert!(count >= least, "{folder}, {allowed:?}: {count}");
}

#[test]
fn safe_fixes_of_fixtures_make_nothing_worse() {
    fix("tests/fixtures/untracked-return", Safety::Safe, 20);
}

#[test]
fn all_fixes_of_fixtures_make_nothing_worse() {
    fix("tests/fixtures/success-as-proof", Safety::Unsafe, 5);
    fix("tests/fixtures/swallowed-write", Safety::Unsafe, 20);
    fix("tests/fixtures/ignored-failure", Safety::Unsafe, 30);
    // The largest folder takes the longest: by default, only safe fixes are applied to it.
    if std::env::var_os("TALLYLINT_ALL").is_some() {
        fix("tests/fixtures/untracked-return", Safety::Unsafe, 0);
    }
}

#[test]
fn fixes_of_comments_and_examples_make_nothing_worse() {
    fix("tests/fixtures/ignore-comment", Safety::Safe, 5);
    fix("tests/fixtures/ignore-comment", Safety::Unsafe, 0);
    fix("fixtures/pipeline", Safety::Safe, 1);
    fix("fixtures/pipeline", Safety::Unsafe, 1);
    fix("fixtures/pipeline-rust", Safety::Unsafe, 0);
}

/// The exits of a class that lack the key.
#[derive(Deserialize)]
struct Judged {
    class: String,
    exits: Option<BTreeSet<(String, u32)>>,
}

fn rejudge(folder: &Path) -> BTreeMap<String, Option<BTreeSet<(String, u32)>>> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/differential/rejudge.py");
    let output = Command::new("python3")
        .args(["-W", "ignore", "-B"])
        .args([&script, folder])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let judged: Vec<Judged> = serde_json::from_slice(&output.stdout).unwrap();
    judged.into_iter().map(|j| (j.class, j.exits)).collect()
}

/// Where each line of the new text was before.
fn origins(before: &str, after: &str) -> BTreeMap<u32, u32> {
    let diff = TextDiff::from_lines(before, after);
    let changes = diff.iter_all_changes();
    changes
        .filter_map(|change| {
            let line = |index: Option<usize>| u32::try_from(index? + 1).ok();
            Some((line(change.new_index())?, line(change.old_index())?))
        })
        .collect()
}

#[test]
fn exits_of_generated_programs_that_were_fixed_set_the_key() {
    if !python_is_there() {
        return;
    }
    let temporary = tempfile::tempdir().unwrap();
    let root = temporary.path().canonicalize().unwrap();
    let (seed, count) = (
        number("TALLYLINT_DIFF_SEED", SEED),
        number("TALLYLINT_DIFF_COUNT", COUNT),
    );
    let folders = crate::differential::generate(&root, seed, [count, 0], 2);
    let (mut safe, mut all, mut gone) = (0, 0, 0);
    for folder in &folders {
        let mut truth = rejudge(folder);
        for allowed in [Safety::Safe, Safety::Unsafe] {
            let repaired = repair(folder, "untracked-return", allowed);
            let repaired = write(folder, "untracked-return", repaired);
            match allowed {
                Safety::Safe => safe += repaired.fixed,
                Safety::Unsafe => all += repaired.fixed,
            }
            let origins: BTreeMap<&str, BTreeMap<u32, u32>> = repaired
                .changed
                .iter()
                .map(|file| {
                    only_fixes(&file.before, &file.after);
                    (file.display.as_str(), origins(&file.before, &file.after))
                })
                .collect();
            let now = rejudge(folder);
            for (class, exits) in &now {
                let (Some(now), Some(before)) = (exits, &truth[class]) else {
                    continue;
                };
                // What lacks the key now lacked it before.
                let old: BTreeSet<(String, u32)> = now
                    .iter()
                    .map(|(file, line)| match origins.get(file.as_str()) {
                        Some(origins) => (file.clone(), origins[line]),
                        None => (file.clone(), *line),
                    })
                    .collect();
                assert!(old.is_subset(before), "{class}: {now:?} {before:?}");
                gone += before.len() - now.len();
            }
            truth = now;
        }
    }
    println!("{safe} exits fixed safely, {all} more unsafely; {gone} exits less in execution");
    assert!(all >= 3, "{safe} {all}");
    // Few exits can be fixed safely.
    assert!(count < 300 || safe >= 3 && all >= 20, "{safe} {all}");
    assert!(gone >= safe + all, "{gone} of {}", safe + all);
}
