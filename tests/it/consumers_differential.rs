//! Random consumers, executed in CPython with a store of which every call may fail, move their position past
//! rows that are not stored just where `advance-past-failure` says so.
//!
//! `tests/differential/consumers.py` writes the programs and the truth; what it leaves out stands there. The
//! variables of `differential.rs` make this test longer, too.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::{number, python_is_there};
use serde::Deserialize;
use tallylint::config::{Configuration, Overrides};
use tallylint::driver::{self, Request};
use tallylint::outcome::Reported;
use tallylint::settings::Settings;

const SEED: u64 = 1;
const COUNT: u64 = 200;
/// Generators that run at the same time, each with a seed of its own.
const JOBS: u64 = 2;
/// How many mismatches are printed.
const SHOWN: usize = 20;

/// The features of programs in which the rule may miss what happens, and why: each is a line of
/// `KNOWN_GAPS.md`. It reports nothing false in these, and they are counted like the others.
const MISSES: &[(&str, &str)] = &[
    (
        "parked",
        "if rows are put aside on some path, every path is excused",
    ),
    (
        "given-back",
        "if rows are given back on some path, every path is excused",
    ),
    (
        "moved-by-helper",
        "the name of the helper says nothing of a position, so nobody looks at its caller",
    ),
];

/// What executing a program showed.
#[derive(Deserialize)]
struct Truth {
    file: String,
    features: BTreeSet<String>,
    lost: Vec<Loss>,
}

/// A write whose rows are lost: its line, the lines at which the position moved past them, and whether that
/// always was after other rows had been stored. The rule may miss that: it takes what is stored in a later
/// round for another attempt, or the position for one that holds only what was stored.
#[derive(Deserialize)]
struct Loss(u32, BTreeSet<u32>, bool);

impl Truth {
    /// The writes whose loss is not reported, if rows of them are lost `later` or at once.
    fn missed(&self, found: &BTreeSet<u32>, later: bool) -> Vec<u32> {
        let missed = self
            .lost
            .iter()
            .filter(|loss| loss.2 == later && loss.1.is_disjoint(found));
        missed.map(|loss| loss.0).collect()
    }

    /// The lines that are reported although the position never moved past lost rows there.
    fn wrong(&self, found: &BTreeSet<u32>) -> Vec<u32> {
        let at = |line: &u32| self.lost.iter().any(|loss| loss.1.contains(line));
        found.iter().filter(|line| !at(line)).copied().collect()
    }

    fn may_be_missed(&self) -> bool {
        MISSES
            .iter()
            .any(|(feature, _)| self.features.contains(*feature))
    }
}

/// How many programs there are, how many lose rows, and how many are reported; for the writes whose rows the
/// position passes at once, and for those that it passes later, how many there are and how many are found; how
/// many lines are reported, and how many of these are true.
#[derive(Default)]
struct Score {
    programs: [usize; 3],
    writes: [[usize; 2]; 2],
    lines: [usize; 2],
}

impl Score {
    fn add(&mut self, truth: &Truth, found: &BTreeSet<u32>) {
        let programs = [true, !truth.lost.is_empty(), !found.is_empty()].map(usize::from);
        for (sum, n) in self.programs.iter_mut().zip(programs) {
            *sum += n;
        }
        for (sum, later) in self.writes.iter_mut().zip([false, true]) {
            let lost = truth.lost.iter().filter(|loss| loss.2 == later).count();
            sum[0] += lost;
            sum[1] += lost - truth.missed(found, later).len();
        }
        self.lines[0] += found.len();
        self.lines[1] += found.len() - truth.wrong(found).len();
    }
}

impl std::fmt::Display for Score {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [programs, lose, reported] = self.programs;
        let [[once, once_found], [later, later_found]] = self.writes;
        let [lines, right] = self.lines;
        write!(
            f,
            "{programs} programs, {lose} lose rows, {reported} are reported; passed at once: \
             {once_found} of {once} writes found; passed later: {later_found} of {later}; \
             {right} of {lines} reported lines are true"
        )
    }
}

fn generate(root: &Path, seed: u64, count: u64) -> Vec<PathBuf> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/differential/consumers.py");
    let jobs = number("TALLYLINT_DIFF_JOBS", JOBS);
    let folders: Vec<PathBuf> = (seed..seed + jobs)
        .map(|seed| root.join(format!("c{seed}")))
        .collect();
    let children: Vec<_> = folders
        .iter()
        .zip(seed..)
        .map(|(folder, seed)| {
            Command::new("python3")
                .args(["-W", "ignore", "-B"])
                .arg(&script)
                .arg(folder)
                .args([seed, count.div_ceil(jobs)].map(|n| n.to_string()))
                .spawn()
                .unwrap()
        })
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success(), "the generator failed");
    }
    folders
}

/// For each file, the lines at which the rule says that a position moves past rows that are not stored.
fn lint(folder: &Path) -> BTreeMap<String, BTreeSet<u32>> {
    let settings = Settings::new(None, &Overrides::default()).unwrap();
    let outcome = driver::run(Request::new(
        &[folder.to_path_buf()],
        &Configuration::fixed(settings, Overrides::default()),
        folder.to_path_buf(),
    ))
    .unwrap();
    assert!(outcome.failures.is_empty(), "{:?}", outcome.failures);
    let mut found: BTreeMap<String, BTreeSet<u32>> = BTreeMap::new();
    let reported = outcome.settled.reported.iter().flat_map(Reported::all);
    let judged = ["after-failure", "past-read"];
    for f in reported.map(|r| &r.finding) {
        if f.rule == "advance-past-failure" && judged.contains(&f.kind) {
            let at = f.primary.location;
            let file = outcome.sources.get(at.file);
            let line = file.position(at.span.start).line;
            found.entry(file.display.clone()).or_default().insert(line);
        }
    }
    found
}

#[test]
fn random_consumers_move_past_lost_rows_where_execution_does() {
    if !python_is_there() {
        return;
    }
    let temporary = tempfile::tempdir().unwrap();
    let kept = std::env::var_os("TALLYLINT_DIFF_KEEP").map(PathBuf::from);
    let root = kept.unwrap_or_else(|| temporary.path().to_path_buf());
    let root = root.canonicalize().unwrap_or(root);
    let seed = number("TALLYLINT_DIFF_SEED", SEED);
    let count = number("TALLYLINT_DIFF_COUNT", COUNT);
    let mut scores: BTreeMap<String, Score> = BTreeMap::new();
    let mut all = Score::default();
    let mut differences = Vec::new();
    let nothing = BTreeSet::new();
    for folder in generate(&root, seed, count) {
        let text = fs::read_to_string(folder.join("truth.json")).unwrap();
        let truths: Vec<Truth> = serde_json::from_str(&text).unwrap();
        let found = lint(&folder);
        for truth in &truths {
            let found = found.get(&truth.file).unwrap_or(&nothing);
            all.add(truth, found);
            for feature in &truth.features {
                scores.entry(feature.clone()).or_default().add(truth, found);
            }
            let (missed, wrong) = (truth.missed(found, false), truth.wrong(found));
            if !wrong.is_empty() || !missed.is_empty() && !truth.may_be_missed() {
                differences.push(format!(
                    "{}/{}: missed writes {missed:?}, wrong lines {wrong:?}\n    {:?}",
                    folder.display(),
                    truth.file,
                    truth.features
                ));
            }
        }
    }
    println!("consumers compared with CPython: {all}");
    for (feature, score) in &scores {
        let why = MISSES.iter().find(|(name, _)| name == feature);
        let why = why.map_or(String::new(), |(_, why)| format!(" (may be missed: {why})"));
        println!("{feature}: {score}{why}");
    }
    for text in differences.iter().take(SHOWN) {
        println!("{text}");
    }
    assert!(differences.is_empty(), "{} differ", differences.len());
    let [programs, lose, _] = all.programs;
    assert!(lose > programs / 10, "too few programs lose rows");
}
