//! `--changed-since`: what git says has changed, and what that brings elsewhere.

use std::collections::BTreeSet;
use std::process::Command;

use crate::common::{Project, Ran, json};

const EARLY: &str = "\
class Odds(ProcessorBase):
    def save_data(self):
        if not self.rows:
            return
        self.stats['rows_inserted'] = 1
";

fn git(project: &Project, arguments: &[&str]) {
    let output = Command::new("git")
        .args(["-c", "user.name=t", "-c", "user.email=t@example.org"])
        .args(arguments)
        .current_dir(project.path(""))
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}

fn check(project: &Project, revision: &str, folder: &str, more: &[&str]) -> Ran {
    let arguments = [
        &["check", "--format", "json", "--changed-since", revision],
        more,
    ]
    .concat();
    project
        .tallylint(&arguments)
        .env("PATH", &std::env::var("PATH").unwrap())
        .in_folder(folder)
        .run()
}

fn paths(ran: &Ran) -> Vec<String> {
    let found = json(ran);
    let findings = found["findings"].as_array().unwrap();
    let path = |f: &serde_json::Value| f["path"].as_str().unwrap().to_owned();
    findings.iter().map(path).collect()
}

#[test]
fn what_changed_and_what_inherits_from_it() {
    let base = "class Base(ProcessorBase):\n    def load(self):\n        return 1\n";
    let heir = EARLY.replace(
        "class Odds(ProcessorBase)",
        "from etl.base import Base\nclass Heir(Base)",
    );
    let project = Project::new(&[
        ("etl/__init__.py", ""),
        ("etl/base.py", base),
        ("etl/heir.py", &heir),
        (
            "etl/grand.py",
            &heir
                .replace("etl.base import Base", "etl.heir import Heir")
                .replace("Heir(Base)", "Grand(Heir)"),
        ),
        ("etl/odds.py", EARLY),
        ("etl/broken.py", "def f(:  # save_data\n"),
        ("notes.txt", "x"),
    ]);
    std::fs::remove_dir(project.path(".git")).unwrap();
    git(&project, &["init", "-q", "-b", "main"]);
    git(&project, &["add", "-A"]);
    git(&project, &["commit", "-qm", "x"]);
    let ran = check(&project, "HEAD", ".", &[]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(paths(&ran).is_empty());
    assert_eq!(json(&ran)["files"]["checked"], 0);
    // One file.
    project.write("etl/odds.py", EARLY.replace("= 1", "= 2"));
    let ran = check(&project, "HEAD", ".", &[]);
    assert_eq!(paths(&ran), ["etl/odds.py"]);
    assert_eq!(ran.code, 1);
    let report = json(&ran);
    let checklist = report["checklist"].as_array().unwrap().iter();
    let listed: Vec<_> = checklist.map(|method| method["class"].as_str()).collect();
    assert_eq!(listed, [Some("Odds")]);
    assert_eq!(json(&ran)["files"]["checked"], 1);
    assert_eq!(paths(&check(&project, "HEAD", "etl", &[])), ["odds.py"]);
    assert!(paths(&check(&project, "HEAD", ".", &["etl/heir.py"])).is_empty());
    git(&project, &["commit", "-qam", "y"]);
    assert!(paths(&check(&project, "HEAD", ".", &[])).is_empty());
    assert_eq!(paths(&check(&project, "HEAD~1", ".", &[])), ["etl/odds.py"]);
    // A base: everything below it is checked, and listed. What was wrong before is no news.
    project.write("etl/base.py", base.replace("return 1", "return 2"));
    let ran = check(&project, "HEAD", ".", &[]);
    assert!(paths(&ran).is_empty());
    let report = json(&ran);
    assert_eq!(report["files"]["checked"], 3);
    let checklist = report["checklist"].as_array().unwrap().iter();
    let listed: Vec<_> = checklist.map(|method| method["class"].as_str()).collect();
    assert_eq!(listed, [Some("Grand"), Some("Heir")]);
    // A file that git does not know yet; one that it ignores has not changed.
    git(&project, &["checkout", "-q", "--", "."]);
    project.write("etl/new file.py", EARLY);
    project.write("etl/local.py", EARLY);
    project.write(".git/info/exclude", "local.py\n");
    assert_eq!(
        paths(&check(&project, "HEAD", ".", &[])),
        ["etl/new file.py"]
    );
    // A change that breaks a file is not passed over.
    project.write("etl/odds.py", "def f(:  # save_data\n");
    assert_eq!(check(&project, "HEAD", ".", &[]).code, 2);
}

#[test]
fn git_may_be_of_no_help() {
    let project = Project::new(&[("a.py", EARLY)]);
    let ran = check(&project, "HEAD", ".", &[]);
    assert_eq!(ran.code, 2);
    assert!(
        ran.stderr
            .starts_with("error: git rev-parse: not a git repository"),
        "{ran:?}"
    );
    std::fs::remove_dir(project.path(".git")).unwrap();
    git(&project, &["init", "-q"]);
    let ran = check(&project, "nowhere", ".", &[]);
    assert_eq!(ran.code, 2);
    assert_eq!(ran.stderr, "error: git knows no commit `nowhere`\n");
    assert_eq!(check(&project, "--output=x", ".", &[]).code, 2);
    assert!(!project.path("x").exists());
}

/// Nobody else's work is taken for a change: what is compared with is the commit at which a branch began.
#[test]
fn the_base_is_where_the_branch_began() {
    let project = Project::new(&[("a.py", "x = 1\n"), ("b.py", EARLY)]);
    std::fs::remove_dir(project.path(".git")).unwrap();
    git(&project, &["init", "-q", "-b", "main"]);
    git(&project, &["add", "-A"]);
    git(&project, &["commit", "-qm", "x"]);
    git(&project, &["checkout", "-qb", "work"]);
    project.write("a.py", EARLY);
    git(&project, &["commit", "-qam", "y"]);
    git(&project, &["checkout", "-q", "main"]);
    project.write("b.py", "x = 1\n");
    git(&project, &["commit", "-qam", "mended on main"]);
    git(&project, &["checkout", "-q", "work"]);
    assert_eq!(paths(&check(&project, "main", ".", &[])), ["a.py"]);
    // In a part of the history, the revision itself is compared with, and that is said.
    let clone = project.path("clone");
    let from = format!("file://{}", project.path("").display());
    git(
        &project,
        &[
            "clone",
            "-q",
            "--depth",
            "1",
            "--no-single-branch",
            &from,
            "clone",
        ],
    );
    let ran = check(&project, "origin/main", "clone", &[]);
    assert_eq!(paths(&ran), ["a.py", "b.py"]);
    assert!(
        ran.stderr.starts_with("note: this clone does not have"),
        "{ran:?}"
    );
    std::fs::remove_dir_all(clone).unwrap();
    // Histories without a common commit.
    git(&project, &["checkout", "-q", "--orphan", "other"]);
    git(&project, &["commit", "-qm", "z"]);
    let ran = check(&project, "main", ".", &[]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("have in common"), "{ran:?}");
}

/// A repository in which a change anywhere can break the contract of a processor elsewhere.
/// A small repository in which files depend on each other.
pub struct Small {
    files: Files,
}

type Files = Vec<(&'static str, Vec<&'static str>)>;

/// One in Python.
pub fn small() -> Small {
    let files = [shared(), jobs()].concat();
    Small { files }
}

/// The variants of each file that others use: the first one is right.
fn shared() -> Files {
    vec![
        (
            "etl/__init__.py",
            vec!["", "from etl.helpers import record\n"],
        ),
        (
            "etl/base.py",
            vec![
                "from etl.settings import STRICT\n\n\nclass Base:\n    def __init__(self):\n        self.stats = {}\n\n    \
                 def run(self):\n        self.save_data()\n        return self.stats.get('rows_inserted', 0)\n\n    \
                 def save_data(self):\n        raise NotImplementedError\n\n    def none(self):\n        \
                 self.stats['rows_inserted'] = 0\n",
                "class Base:\n    def __init__(self):\n        self.stats = {}\n\n    def run(self):\n        \
                 self.save_data()\n        return self.stats.get('rows_inserted', 0)\n\n    def save_data(self):\n        \
                 raise NotImplementedError\n\n    def none(self):\n        print('none')\n",
            ],
        ),
        (
            "etl/helpers.py",
            vec![
                "def record(processor, count):\n    processor.stats['rows_inserted'] = count\n",
                "def record(processor, count):\n    if count:\n        processor.stats['rows_inserted'] = count\n",
                "from etl.inner import record\n",
            ],
        ),
        (
            "etl/inner.py",
            vec![
                "def record(processor, count):\n    processor.stats['rows_inserted'] = count\n",
                "def record(processor, count):\n    print(processor, count)\n",
            ],
        ),
        (
            "etl/settings.py",
            vec!["STRICT = True\n", "STRICT = False\n"],
        ),
        (
            "etl/mixin.py",
            vec![
                "class Counts:\n    def count(self, rows):\n        self.stats['rows_inserted'] = len(rows)\n",
                "class Counts:\n    def count(self, rows):\n        self.rows = len(rows)\n",
            ],
        ),
        (
            "etl/decorators.py",
            vec![
                "import functools\n\n\ndef plain(f):\n    @functools.wraps(f)\n    def inner(*args):\n        return \
                 f(*args)\n    return inner\n",
                "import functools\n\n\ndef plain(f):\n    @functools.wraps(f)\n    def inner(*args):\n        try:\n            \
                 return f(*args)\n        except Exception:\n            return None\n    return inner\n",
            ],
        ),
    ]
}

/// The same for the processors, and the configuration.
fn jobs() -> Files {
    vec![
        (
            "jobs/helped.py",
            vec![
                "from etl.base import Base\nfrom etl.helpers import record\n\n\nclass Helped(Base):\n    def \
                 save_data(self):\n        self.client.load(self.rows)\n        record(self, len(self.rows))\n",
                "from etl.base import Base\nfrom etl.helpers import record\n\n\nclass Helped(Base):\n    def \
                 save_data(self):\n        if not self.rows:\n            return\n        record(self, len(self.rows))\n",
            ],
        ),
        (
            "jobs/inherited.py",
            vec![
                "from etl.base import Base\n\n\nclass Inherited(Base):\n    def save_data(self):\n        if not \
                 self.rows:\n            return self.none()\n        self.client.load(self.rows)\n        \
                 self.stats['rows_inserted'] = len(self.rows)\n",
            ],
        ),
        (
            "jobs/constant.py",
            vec![
                "from etl import settings\nfrom etl.base import Base\n\n\nclass Constant(Base):\n    def \
                 save_data(self):\n        self.client.load(self.rows)\n        if settings.STRICT:\n            \
                 self.stats['rows_inserted'] = 1\n",
            ],
        ),
        (
            "jobs/mixed.py",
            vec![
                "from etl.base import Base\nfrom etl.mixin import Counts\n\n\nclass Mixed(Counts, Base):\n    def \
                 save_data(self):\n        self.client.load(self.rows)\n        self.count(self.rows)\n",
            ],
        ),
        (
            "jobs/decorated.py",
            vec![
                "from etl.base import Base\nfrom etl.decorators import plain\n\n\nclass Decorated(Base):\n    @plain\n    \
                 def save_data(self):\n        self.client.load(self.rows)\n        self.stats['rows_inserted'] = 1\n",
            ],
        ),
        (
            "jobs/old.py",
            vec![
                "from etl.base import Base\n\n\nclass Old(Base):\n    def save_data(self):\n        if not self.rows:\n            \
                 return\n        self.stats['rows_inserted'] = 1\n",
            ],
        ),
        (
            "tallylint.toml",
            vec![
                "infer-contracts = true\n",
                "infer-contracts = false\n",
                "ignore = [\"untracked-return\"]\n",
            ],
        ),
    ]
}

impl Small {
    /// Each file with its variants.
    pub fn files(&self) -> &[(&'static str, Vec<&'static str>)] {
        &self.files
    }

    /// The repository with everything right, at one commit.
    pub fn begin(&self) -> Project {
        let files: Vec<(&str, &str)> = self
            .files
            .iter()
            .map(|(path, texts)| (*path, texts[0]))
            .collect();
        let project = Project::new(&files);
        std::fs::remove_dir(project.path(".git")).unwrap();
        git(&project, &["init", "-q", "-b", "main"]);
        git(&project, &["add", "-A"]);
        git(&project, &["commit", "-qm", "begin"]);
        project
    }
}

/// Whose finding a check reports: path, line and kind.
type Found = BTreeSet<(String, u64, String)>;

/// The findings of a check, and those that have the same cause as one of them.
fn found(ran: &Ran) -> Found {
    let report = json(ran);
    let mut open: Vec<&serde_json::Value> = report["findings"].as_array().unwrap().iter().collect();
    let mut out = Found::new();
    while let Some(f) = open.pop() {
        open.extend(f["consequences"].as_array().into_iter().flatten());
        let path = f["path"].as_str().unwrap().to_owned();
        let kind = f["kind"].as_str().unwrap().to_owned();
        out.insert((path, f["line"].as_u64().unwrap(), kind));
    }
    out
}

fn full(project: &Project) -> Found {
    found(&project.run(&["check", "--no-cache", "--format", "json"]))
}

/// What is broken through a change elsewhere is found there, and what was wrong before is not told again.
#[test]
fn each_kind_of_change_reaches_whom_it_breaks() {
    let small = small();
    let broken = |change: &dyn Fn(&Project)| -> Vec<String> {
        let project = small.begin();
        change(&project);
        git(&project, &["add", "-A"]);
        let ran = check(&project, "main", ".", &["--no-cache"]);
        let mut paths = paths(&ran);
        paths.dedup();
        paths
    };
    let variant = |path: &str, at: usize| -> &'static str {
        let (_, texts) = small
            .files
            .iter()
            .find(|(known, _)| *known == path)
            .unwrap();
        texts[at]
    };
    let set =
        |path: &'static str, at: usize| broken(&|project| project.write(path, variant(path, at)));
    assert_eq!(set("etl/helpers.py", 1), ["jobs/helped.py"]);
    assert_eq!(set("etl/base.py", 1), ["jobs/inherited.py"]);
    assert_eq!(set("etl/settings.py", 1), ["jobs/constant.py"]);
    assert_eq!(set("etl/mixin.py", 1), ["jobs/mixed.py"]);
    let decorators = ["etl/decorators.py", "jobs/decorated.py"];
    assert_eq!(set("etl/decorators.py", 1), decorators);
    assert!(set("etl/inner.py", 1).is_empty(), "nobody uses it yet");
    // Through a file that only passes a name on.
    let passed_on = broken(&|project| {
        project.write("etl/helpers.py", variant("etl/helpers.py", 2));
        git(project, &["commit", "-qam", "moved"]);
        project.write("etl/inner.py", variant("etl/inner.py", 1));
    });
    assert_eq!(passed_on, ["jobs/helped.py"]);
    // Of what is gone nothing is known: those who used it are checked, and in doubt nothing is reported.
    for change in ["rm", "mv"] {
        let project = small.begin();
        let new = ["etl/basis.py"].iter().filter(|_| change == "mv");
        let arguments: Vec<&str> = [change, "etl/base.py"].iter().chain(new).copied().collect();
        git(&project, &arguments);
        let report = json(&check(&project, "main", ".", &["--no-cache"]));
        assert!(
            report["files"]["checked"].as_u64() >= Some(6),
            "{change}: {report}"
        );
    }
    // A setting that brings findings.
    let configured = broken(&|project| {
        project.write("tallylint.toml", variant("tallylint.toml", 2));
        git(project, &["commit", "-qam", "quiet"]);
        project.write("tallylint.toml", variant("tallylint.toml", 0));
    });
    assert_eq!(configured, ["jobs/old.py"]);
    // A new file, and no news.
    let new =
        broken(&|project| project.write("jobs/new.py", EARLY.replace("ProcessorBase", "Base")));
    assert_eq!(new, ["jobs/new.py"]);
    assert!(broken(&|project| project.write("notes.txt", "x")).is_empty());
}

/// Over random histories: reported is what is in changed files, and of the others what they did not have before.
#[test]
fn random_histories_report_what_full_checks_tell_apart() {
    const AT_ONCE: u64 = 4;
    let seed = crate::common::number("TALLYLINT_DIFF_SEED", 2111);
    let histories = crate::common::number("TALLYLINT_HISTORIES", 200);
    let parts = (0..AT_ONCE).map(|part| {
        std::thread::spawn(move || random_histories(seed + part, histories.div_ceil(AT_ONCE)))
    });
    let parts: Vec<_> = parts.collect();
    let (mut with_findings, mut elsewhere) = (0, 0);
    for part in parts {
        let (found, in_others) = part.join().unwrap();
        with_findings += found;
        elsewhere += in_others;
    }
    println!(
        "{histories} histories, {with_findings} with findings, {elsewhere} with some in files that did not change"
    );
    assert!(elsewhere * 20 >= histories, "{elsewhere} of {histories}");
}

/// How many of these histories bring findings, and how many bring some to files that did not change.
fn random_histories(seed: u64, count: u64) -> (u64, u64) {
    let small = small();
    let mut random = Lcg(seed);
    let project = small.begin();
    let (mut with_findings, mut elsewhere) = (0, 0);
    for _ in 0..count {
        git(&project, &["checkout", "-q", "--force", "main"]);
        git(&project, &["clean", "-qfd"]);
        for _ in 0..random.below(4) {
            small.mutate(&project, &mut random);
        }
        git(&project, &["add", "-A"]);
        git(&project, &["commit", "-q", "--allow-empty", "-m", "before"]);
        let before = full(&project);
        git(&project, &["checkout", "-q", "-B", "work"]);
        let mut changed = BTreeSet::new();
        for _ in 0..=random.below(3) {
            changed.extend(small.mutate(&project, &mut random));
        }
        if random.below(2) == 0 {
            git(&project, &["add", "-A"]);
            git(&project, &["commit", "-q", "--allow-empty", "-m", "work"]);
        }
        let after = full(&project);
        let is_new = |of: &&(String, u64, String)| changed.contains(&of.0) || !before.contains(of);
        let wanted: Found = after.iter().filter(is_new).cloned().collect();
        let told = found(&check(&project, "main", ".", &["--no-cache"]));
        // A file that was changed and changed back has not changed.
        let mut missing = wanted.difference(&told);
        let is_back = |of: &(String, u64, String)| changed.contains(&of.0) && before.contains(of);
        assert!(missing.all(is_back), "{told:?} {wanted:?}");
        assert!(told.is_subset(&wanted), "{told:?} {wanted:?}");
        elsewhere += u64::from(told.iter().any(|of| !changed.contains(&of.0)));
        with_findings += u64::from(!told.is_empty());
    }
    (with_findings, elsewhere)
}

/// A linear congruential generator (Knuth, MMIX).
pub struct Lcg(pub u64);

impl Lcg {
    /// A number below a limit.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    pub fn pick<'t, T>(&mut self, from: &'t [T]) -> &'t T {
        &from[usize::try_from(self.below(from.len() as u64)).unwrap()]
    }
}

impl Small {
    /// Changes a file, removes one, brings it back, or renames it. Returns the paths that are affected.
    pub fn mutate(&self, project: &Project, random: &mut Lcg) -> Vec<String> {
        let (path, texts) = random.pick(&self.files);
        let there = project.path(path).exists();
        let source = path.ends_with(".py");
        match random.below(12) {
            0 if there && source => {
                std::fs::remove_file(project.path(path)).unwrap();
                vec![(*path).to_owned()]
            }
            1 if there && source && !path.ends_with("__init__.py") => {
                let new = path.replace(".py", "_moved.py");
                std::fs::rename(project.path(path), project.path(&new)).unwrap();
                vec![(*path).to_owned(), new]
            }
            _ => {
                project.write(path, random.pick(texts));
                vec![(*path).to_owned()]
            }
        }
    }
}

/// Changes a line of a text, or what is around it.
pub fn mutate_line(text: &str, random: &mut Lcg) -> String {
    let mut lines: Vec<&str> = text.split('\n').collect();
    let at = usize::try_from(random.below(lines.len() as u64)).unwrap();
    match random.below(5) {
        0 => lines.insert(at, ""),
        1 => drop(lines.remove(at)),
        2 => lines.insert(at, lines[at]),
        3 => lines.insert(at, "        return"),
        _ => lines.push("# a comment"),
    }
    lines.join("\n")
}
