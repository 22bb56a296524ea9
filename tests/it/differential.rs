//! Random processor programs, executed in CPython under every choice of what nobody can know,
//! have exactly the bad exits that the linter reports.
//!
//! `tests/differential/generate.py` writes the programs and the truth. Not tested, with a
//! message, where there is no `python3` of version 3.9 or later. Long runs:
//!
//! ```console
//! $ TALLYLINT_DIFF_SEED=7 TALLYLINT_DIFF_COUNT=5000 cargo test --release differential -- --nocapture
//! ```
//! `TALLYLINT_DIFF_KEEP=FOLDER` keeps the programs, `TALLYLINT_DIFF_JOBS` runs more generators.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use crate::common::{number, python_is_there};
use serde::Deserialize;
use tallylint::config::{Configuration, Overrides};
use tallylint::driver::{self, Request};
use tallylint::outcome::Reported;
use tallylint::rules::swallowed_write;
use tallylint::settings::Settings;

const SEED: u64 = 1;
const COUNT: u64 = 60;
/// How many more programs are made around shapes of real code, unless the environment says how
/// many programs there are: then as many of these.
const SHAPED: u64 = 10;
/// Generators that run at the same time, each with a seed of its own.
const JOBS: u64 = 2;
/// How many mismatches are printed.
const SHOWN: usize = 20;

/// File, line, and whether some path to it is certain: no unresolved call may have set the key.
type Exits = BTreeSet<(String, u32, bool)>;

/// What executing a class showed.
#[derive(Deserialize)]
struct Truth {
    class: String,
    /// The class whose `save_data` it inherits, if it has none of its own.
    owner: Option<String>,
    files: Vec<String>,
    features: Vec<String>,
    exits: Exits,
    /// The exits that are reached although a write failed.
    swallowed: BTreeSet<Exit>,
    /// The handlers that caught these failures; none if something other than a handler did, too.
    catches: Option<BTreeSet<Exit>>,
}

/// File and line.
type Exit = (String, u32);

impl Truth {
    /// What the program was made around.
    fn shape(&self) -> &str {
        let mut shapes = self
            .features
            .iter()
            .filter_map(|f| f.strip_prefix("shape:"));
        shapes.next().unwrap_or("no shape")
    }
}

/// Writes programs with several generators, each into its own folder.
pub fn generate(folder: &Path, seed: u64, [count, shaped]: [u64; 2], jobs: u64) -> Vec<PathBuf> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/differential/generate.py");
    let folders: Vec<PathBuf> = (0..jobs)
        .map(|job| folder.join(format!("s{}", seed + job)))
        .collect();
    let children: Vec<_> = folders
        .iter()
        .zip(seed..)
        .map(|(folder, seed)| {
            Command::new("python3")
                .args(["-W", "ignore", "-B"])
                .arg(&script)
                .arg(folder)
                .arg(seed.to_string())
                .args([count, shaped].map(|count| count.div_ceil(jobs).to_string()))
                .spawn()
                .unwrap()
        })
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success(), "the generator failed");
    }
    folders
}

/// What the linter reports, for each class.
#[derive(Default)]
struct Reports {
    /// The bad exits.
    exits: BTreeMap<String, Exits>,
    /// For what swallows the failure of a write, an exit that it leads to.
    swallowed: BTreeMap<String, BTreeSet<Exit>>,
    /// What swallows it.
    catches: BTreeMap<String, BTreeSet<Exit>>,
}

fn lint(folder: &Path) -> Reports {
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
    let mut found = Reports::default();
    let reported = outcome.settled.reported.iter().flat_map(Reported::all);
    for f in reported.map(|r| &r.finding) {
        let Some(class) = f.symbol.strip_suffix(".save_data") else {
            continue;
        };
        // Of the heirs that share the code the note tells.
        let others = f.notes.iter().filter(|n| n.starts_with("several classes"));
        let others = others.flat_map(|note| note.split('`').skip(1).step_by(2));
        let classes: BTreeSet<&str> = others.chain([class]).collect();
        if f.rule == "swallowed-write" {
            let label = f.primary.location;
            let file = outcome.sources.get(label.file);
            let place = (file.display.clone(), file.position(label.span.start).line);
            for class in &classes {
                let catches = found.catches.entry((*class).to_owned()).or_default();
                catches.insert(place.clone());
            }
        }
        for exit in &f.exits {
            let file = outcome.sources.get(exit.file);
            let line = file.position(exit.span.start).line;
            for class in &classes {
                let (class, file) = ((*class).to_owned(), file.display.clone());
                if f.rule == "swallowed-write" {
                    found
                        .swallowed
                        .entry(class)
                        .or_default()
                        .insert((file, line));
                } else {
                    let exit = (file, line, f.kind != "unverified");
                    found.exits.entry(class).or_default().insert(exit);
                }
            }
        }
    }
    found
}

/// How the report on a class differs from what executing it showed.
fn difference(truth: &Truth, all: &BTreeMap<&str, &Truth>, found: &Exits) -> Option<String> {
    if let Some(owner) = &truth.owner {
        // Inherited code is reported with its owner; for the class, only what its own helpers
        // add, and where is a matter of wording.
        let mut added = truth.exits.difference(&all[owner.as_str()].exits);
        return match (added.next().is_some(), found.is_empty()) {
            (true, true) => Some(format!(
                "inherited and bad at {:?}, nothing reported",
                truth.exits
            )),
            (false, false) if truth.exits.is_empty() => {
                Some(format!("inherited and ok, reported {found:?}"))
            }
            _ => None,
        };
    }
    let missed: Vec<_> = truth.exits.difference(found).collect();
    let wrong: Vec<_> = found.difference(&truth.exits).collect();
    (!missed.is_empty() || !wrong.is_empty()).then(|| format!("missed {missed:?}, wrong {wrong:?}"))
}

/// The same for writes whose failure is swallowed: one is reported just where there is one.
fn swallow_difference(
    truth: &Truth,
    all: &BTreeMap<&str, &Truth>,
    found: &BTreeSet<Exit>,
) -> Option<String> {
    if let Some(owner) = &truth.owner {
        let inherited = &all[owner.as_str()].swallowed;
        return (truth.swallowed.is_empty() && inherited.is_empty() && !found.is_empty())
            .then(|| format!("inherited, swallows nothing, reported {found:?}"));
    }
    match (found.is_empty(), truth.swallowed.is_empty()) {
        (false, true) => Some(format!("swallows nothing, reported {found:?}")),
        (true, false) => Some(format!(
            "swallows at {:?}, nothing reported",
            truth.swallowed
        )),
        _ => None,
    }
}

/// The same for what catches the failures, where only handlers do.
fn catch_difference(truth: &Truth, found: &BTreeSet<Exit>) -> Option<String> {
    let catches = truth.catches.as_ref()?;
    (truth.owner.is_none() && catches != found)
        .then(|| format!("caught and lost at {catches:?}, reported {found:?}"))
}

/// How many there are in truth, how many are reported, and how many of these are true.
#[derive(Default)]
struct Score([usize; 3]);

impl Score {
    fn add<T: Ord>(&mut self, truth: &BTreeSet<T>, found: &BTreeSet<T>) {
        let right = truth.intersection(found).count();
        for (sum, n) in self.0.iter_mut().zip([truth.len(), found.len(), right]) {
            *sum += n;
        }
    }
}

impl std::fmt::Display for Score {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [truth, found, right] = self.0;
        write!(
            f,
            "{right} of {truth} found, {right} of {found} reported are true"
        )
    }
}

#[test]
fn random_programs_have_the_bad_exits_that_execution_finds() {
    if !python_is_there() {
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
    let (mut programs, mut classes, mut bad, mut exits) = (BTreeSet::new(), 0, 0, 0);
    let shaped = std::env::var_os("TALLYLINT_DIFF_COUNT").map_or(SHAPED, |_| count);
    let counts = [count, number("TALLYLINT_DIFF_SHAPED", shaped)];
    let mut scores: BTreeMap<String, [Score; 2]> = BTreeMap::new();
    let mut swallowing = 0;
    let mut differences = Vec::new();
    for folder in generate(&root, seed, counts, number("TALLYLINT_DIFF_JOBS", JOBS)) {
        let truths: Vec<Truth> =
            serde_json::from_str(&fs::read_to_string(folder.join("truth.json")).unwrap()).unwrap();
        let found = lint(&folder);
        let all: BTreeMap<&str, &Truth> = truths.iter().map(|t| (t.class.as_str(), t)).collect();
        let (nothing, none) = (Exits::new(), BTreeSet::new());
        for truth in &truths {
            programs.insert((folder.clone(), truth.files.clone()));
            classes += 1;
            bad += usize::from(!truth.exits.is_empty());
            exits += truth.exits.len();
            swallowing += usize::from(!truth.swallowed.is_empty());
            let reported = found.exits.get(&truth.class).unwrap_or(&nothing);
            let swallowed = found.swallowed.get(&truth.class).unwrap_or(&none);
            let catches = found.catches.get(&truth.class).unwrap_or(&none);
            if truth.owner.is_none() {
                let shape = scores.entry(truth.shape().to_owned()).or_default();
                shape[0].add(&truth.exits, reported);
                let known = truth.catches.as_ref().map(|truth| (truth, catches));
                let (all, found) = known.unwrap_or((&none, &none));
                shape[1].add(all, found);
            }
            let texts = difference(truth, &all, reported).into_iter();
            let texts = texts.chain(swallow_difference(truth, &all, swallowed));
            for text in texts.chain(catch_difference(truth, catches)) {
                let folder = folder.display();
                let last = truth.files.last().unwrap();
                differences.push(format!(
                    "{folder}/{last}: {}: {text}\n    {:?}",
                    truth.class, truth.features
                ));
            }
        }
    }
    println!(
        "{} programs compared with CPython: {classes} classes, {bad} of them bad, {exits} bad exits, {swallowing} swallow a failed write; {} differ",
        programs.len(),
        differences.len()
    );
    for (shape, [exits, catches]) in &scores {
        println!("{shape}: bad exits: {exits}; handlers that lose a failure: {catches}");
    }
    for text in differences.iter().take(SHOWN) {
        println!("{text}");
    }
    assert!(
        differences.is_empty(),
        "{} of {classes} classes differ",
        differences.len()
    );
}
