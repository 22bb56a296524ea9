//! Random processors in Rust, compiled in one program and run under every choice of what nobody
//! can know, have exactly the bad exits that the linter reports.
//!
//! Skipped, with a message, where there is no `rustc`. Long runs by hand:
//!
//! ```console
//! $ TALLYLINT_DIFF_SEED=7 TALLYLINT_DIFF_COUNT=800 cargo test --release rust_differential -- --nocapture
//! ```
//! `TALLYLINT_DIFF_KEEP=FOLDER` keeps the programs.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tallylint::config::{Configuration, Overrides, Settings};
use tallylint::driver::{self, Request};

use crate::rust_harness::harness;
use crate::rust_programs::{Random, program};

const SEED: u64 = 1;
const COUNT: u64 = 80;
/// How many mismatches are printed.
const SHOWN: usize = 12;

/// Lines of exits.
type Exits = BTreeSet<u32>;

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable)
        .ok()
        .map_or(default, |text| text.parse().unwrap())
}

fn rustc() -> Command {
    Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
}

/// Compiles and runs the programs: whether all choices were tried, and the bad exits.
fn run(root: &Path, count: u64) -> BTreeMap<u64, (bool, Exits)> {
    let source = root.join("harness/main.rs");
    fs::create_dir_all(root.join("harness")).unwrap();
    fs::write(&source, harness(count)).unwrap();
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
        let mut parts = line.splitn(3, ' ');
        let number = parts.next().unwrap().parse().unwrap();
        let complete = parts.next().unwrap() == "true";
        let exits = parts.next().unwrap().split(',').filter(|e| !e.is_empty());
        let exits = exits.map(|e| e.parse().unwrap()).collect();
        (number, (complete, exits))
    };
    text.lines().map(parse).collect()
}

/// The bad exits that the linter reports.
fn lint(folder: &Path) -> BTreeMap<u64, Exits> {
    let mut settings = Settings::new(None, &Overrides::default()).unwrap();
    settings.pedantic = true;
    let outcome = driver::run(Request {
        paths: &[folder.to_path_buf()],
        stdin: None,
        overlay: &driver::Overlay::new(),
        changed: None,
        configuration: &Configuration::fixed(settings, Overrides::default()),
        cwd: folder.to_path_buf(),
    })
    .unwrap();
    assert!(outcome.failures.is_empty(), "{:?}", outcome.failures);
    let mut found: BTreeMap<u64, Exits> = BTreeMap::new();
    for f in outcome.settled.reported.iter().map(|r| &r.finding) {
        for exit in &f.exits {
            let file = outcome.sources.get(exit.file);
            let name = file.display.trim_start_matches('p').trim_end_matches(".rs");
            let line = file.position(exit.span.start).line;
            found.entry(name.parse().unwrap()).or_default().insert(line);
        }
    }
    found
}

#[test]
fn random_processors_in_rust_have_the_bad_exits_that_execution_finds() {
    if !rustc()
        .arg("--version")
        .output()
        .is_ok_and(|o| o.status.success())
    {
        println!("skipped: there is no rustc");
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
    let nothing = Exits::new();
    let (mut compared, mut whole, mut bad, mut exits) = (0, 0, 0, 0);
    let mut differences = Vec::new();
    for (i, (complete, truth)) in &truths {
        compared += 1;
        whole += usize::from(*complete);
        bad += usize::from(!truth.is_empty());
        exits += truth.len();
        let found = found.get(i).unwrap_or(&nothing);
        let missed: Vec<_> = truth.difference(found).collect();
        // Where choices go on for too long, an exit may not have been come to.
        let wrong: Vec<_> = found.difference(truth).filter(|_| *complete).collect();
        if !missed.is_empty() || !wrong.is_empty() {
            differences.push(format!(
                "{}/p{i}.rs: missed {missed:?}, wrong {wrong:?}",
                folder.display()
            ));
        }
    }
    println!(
        "{compared} programs compared with rustc ({whole} of them to the end): {bad} bad, {exits} bad exits; {} differ",
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
