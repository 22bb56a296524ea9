//! Random processors in Rust, compiled and run under every choice of what nobody
//! can know, have exactly the bad exits that the linter reports.
//!
//! Not tested, with a message, where there is no `rustc`. Long runs:
//!
//! ```console
//! $ TALLYLINT_DIFF_SEED=7 TALLYLINT_DIFF_COUNT=800 cargo test --release rust_differential -- --nocapture
//! ```
//! `TALLYLINT_DIFF_KEEP=FOLDER` keeps the programs.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use tallylint::config::{Configuration, Overrides};
use tallylint::driver::{self, Request};
use tallylint::outcome::Reported;
use tallylint::rules::swallowed_write;
use tallylint::settings::Settings;

use crate::common::{can_test, number};
use crate::rust_harness::harness;
use crate::rust_programs::{Random, program};

const SEED: u64 = 1;
const COUNT: u64 = 24;
/// Programs compiled as one: what the compiler takes for it grows faster than they do.
const PART: u64 = 100;
/// How many mismatches are printed.
const SHOWN: usize = 12;

/// Lines of exits.
type Exits = BTreeSet<u32>;

/// What execution tells of a program.
struct Truth {
    /// Whether all choices were tried.
    complete: bool,
    /// Whether a run ended well although a write failed.
    swallows: bool,
    exits: Exits,
}

/// What the linter reports of a program.
#[derive(Default)]
struct Found {
    swallows: bool,
    exits: Exits,
}

fn rustc() -> Command {
    Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
}

/// Compiles and runs the programs, a part of them at a time.
fn run(root: &Path, count: u64) -> BTreeMap<u64, Truth> {
    fs::create_dir_all(root.join("harness")).unwrap();
    let starts = (0..count).step_by(usize::try_from(PART).unwrap());
    let parts = starts.map(|from| from..count.min(from + PART));
    parts.flat_map(|part| run_part(root, &part)).collect()
}

fn run_part(root: &Path, numbers: &Range<u64>) -> BTreeMap<u64, Truth> {
    let source = root.join("harness/main.rs");
    fs::write(&source, harness(numbers)).unwrap();
    let binary = root.join("harness/main");
    let compiled = rustc()
        .args([
            "--edition",
            "2024",
            "-C",
            "opt-level=1",
            "-C",
            "debuginfo=0",
            "-o",
        ])
        .arg(&binary)
        .arg(&source)
        .output()
        .unwrap();
    assert!(
        compiled.status.success(),
        "{}",
        String::from_utf8_lossy(&compiled.stderr)
    );
    let output = Command::new(&binary).output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    let parse = |line: &str| {
        let mut parts = line.splitn(4, ' ');
        let number = parts.next().unwrap().parse().unwrap();
        let complete = parts.next().unwrap() == "true";
        let swallows = parts.next().unwrap() == "true";
        let exits = parts.next().unwrap().split(',').filter(|e| !e.is_empty());
        let exits = exits.map(|e| e.parse().unwrap()).collect();
        let truth = Truth {
            complete,
            swallows,
            exits,
        };
        (number, truth)
    };
    text.lines().map(parse).collect()
}

/// What the linter reports.
fn lint(folder: &Path) -> BTreeMap<u64, Found> {
    let mut settings = Settings::new(None, &Overrides::default()).unwrap();
    settings.pedantic = true;
    let mut strict = swallowed_write::Options::default();
    strict.excuses.strict = true;
    settings.options.set("swallowed-write", Arc::new(strict));
    let outcome = driver::run(Request::new(
        &[folder.to_path_buf()],
        &Configuration::fixed(settings, Overrides::default()),
        folder.to_path_buf(),
    ))
    .unwrap();
    assert!(outcome.failures.is_empty(), "{:?}", outcome.failures);
    let mut found: BTreeMap<u64, Found> = BTreeMap::new();
    let reported = outcome.settled.reported.iter().flat_map(Reported::all);
    for f in reported.map(|r| &r.finding) {
        for exit in &f.exits {
            let file = outcome.sources.get(exit.file);
            let name = file.display.trim_start_matches('p').trim_end_matches(".rs");
            let line = file.position(exit.span.start).line;
            let of_program = found.entry(name.parse().unwrap()).or_default();
            match f.rule {
                "swallowed-write" => of_program.swallows = true,
                _ => {
                    of_program.exits.insert(line);
                }
            }
        }
    }
    found
}

#[test]
fn random_processors_in_rust_have_the_bad_exits_that_execution_finds() {
    let version = rustc().arg("--version").output();
    if !can_test("rustc", version.is_ok_and(|o| o.status.success())) {
        return;
    }
    let temporary = tempfile::tempdir().unwrap();
    let kept = std::env::var_os("TALLYLINT_DIFF_KEEP").map(PathBuf::from);
    let root = kept.unwrap_or_else(|| temporary.path().to_path_buf());
    let root = root.canonicalize().unwrap_or(root);
    let (seed, count) = (
        number("TALLYLINT_DIFF_SEED", SEED),
        number("TALLYLINT_DIFF_COUNT", COUNT),
    );
    let folder = root.join("programs");
    fs::create_dir_all(&folder).unwrap();
    let mut random = Random(seed);
    for i in 0..count {
        fs::write(folder.join(format!("p{i}.rs")), program(&mut random)).unwrap();
    }
    let truths = run(&root, count);
    let found = lint(&folder);
    let nothing = Found::default();
    let (mut compared, mut whole, mut bad, mut exits, mut swallowing) = (0, 0, 0, 0, 0);
    let mut differences = Vec::new();
    for (i, truth) in &truths {
        compared += 1;
        whole += usize::from(truth.complete);
        bad += usize::from(!truth.exits.is_empty());
        exits += truth.exits.len();
        swallowing += usize::from(truth.swallows);
        let found = found.get(i).unwrap_or(&nothing);
        let missed: Vec<_> = truth.exits.difference(&found.exits).collect();
        // Where choices go on for too long, an exit may not have been come to.
        let wrong = found.exits.difference(&truth.exits);
        let wrong: Vec<_> = wrong.filter(|_| truth.complete).collect();
        let file = format!("{}/p{i}.rs", folder.display());
        if !missed.is_empty() || !wrong.is_empty() {
            differences.push(format!("{file}: missed {missed:?}, wrong {wrong:?}"));
        }
        match (truth.swallows, found.swallows) {
            (true, false) => differences.push(format!("{file}: swallows, nothing reported")),
            (false, true) if truth.complete => {
                differences.push(format!("{file}: swallows nothing, reported"));
            }
            _ => {}
        }
    }
    println!(
        "{compared} programs compared with rustc ({whole} of them to the end): {bad} bad, {exits} bad exits, {swallowing} swallow a failed write; {} differ",
        differences.len()
    );
    for text in differences.iter().take(SHOWN) {
        println!("{text}");
    }
    assert!(
        differences.is_empty(),
        "{} of {compared} programs differ",
        differences.len()
    );
}
