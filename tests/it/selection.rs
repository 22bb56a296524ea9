//! What is left unread changes nothing: with `--read needed` and `--read everything`, the same is
//! found.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::{Project, python_is_there};

fn run(cwd: &Path, arguments: &[&str]) -> (serde_json::Value, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_tallylint"))
        .args(["check", "--pedantic", "--statistics=engine", "--no-cache"])
        .args(["--format", "json"])
        .args(arguments)
        .current_dir(cwd)
        .output()
        .unwrap();
    let remarks = String::from_utf8(output.stderr).unwrap();
    let report = serde_json::from_slice(&output.stdout);
    (
        report.unwrap_or_else(|error| panic!("{error}: {remarks}")),
        remarks,
    )
}

/// How many files were not parsed.
fn unread(remarks: &str) -> u64 {
    let line = remarks.lines().find(|l| l.ends_with("files sketched only"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number
        .unwrap_or_else(|| panic!("{remarks}"))
        .parse()
        .unwrap()
}

/// Runs twice over paths in `cwd`; how much was found, and how many files were left unread.
fn same(cwd: &Path, arguments: &[&str]) -> (usize, u64) {
    let with = |read| [&["--read", read], arguments].concat();
    let (some, remarks) = run(cwd, &with("needed"));
    let (all, all_remarks) = run(cwd, &with("everything"));
    assert_eq!(some["findings"], all["findings"], "{}", cwd.display());
    assert_eq!(unread(&all_remarks), 0);
    let findings = some["findings"].as_array().unwrap().len();
    (findings, unread(&remarks))
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn on_the_fixtures_and_the_example() {
    for folder in ["fixtures", "tests/fixtures"] {
        let (count, _) = same(&root(), &["--isolated", "--select", "all", folder]);
        assert!(count > 10, "only {count} findings in {folder}");
    }
}

#[test]
fn on_the_standard_library() {
    let script = "import sysconfig; print(sysconfig.get_path('stdlib'))";
    if !python_is_there() {
        return;
    }
    let output = Command::new("python3").args(["-c", script]).output();
    let output = output.unwrap();
    let library = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    // Methods that many classes have stand in for contracts.
    let contract = |method: &str| {
        format!(
            "[[contract]]\nmethod = \"{method}\"\nsets = \"self.stats['rows']\"\nbases = [\"*\"]\n"
        )
    };
    let config: String = ["close", "_parse"].map(contract).concat();
    let project = Project::new(&[("tallylint.toml", &config)]);
    let config = project.path("tallylint.toml");
    let packages = ["http", "logging", "wsgiref", "xml"];
    let mut arguments = vec!["--config", config.to_str().unwrap()];
    if std::env::var_os("TALLYLINT_ALL").is_some() {
        arguments.push(".");
    } else {
        let there = |name: &&str| Path::new(&library).join(name).is_dir();
        arguments.extend(packages.iter().copied().filter(there));
    }
    let (_, unread) = same(Path::new(&library), &arguments);
    assert!(unread > 3, "only {unread} files were left unread");
}

#[test]
fn on_generated_programs() {
    if !python_is_there() {
        return;
    }
    let project = Project::new(&[]);
    for (script, folder, more) in [
        ("scripts/make_tree.py", "tree", ["--files", "300"]),
        ("tests/differential/generate.py", "programs", ["3", "60"]),
    ] {
        let made = Command::new("python3")
            .arg(root().join(script))
            .arg(project.path(folder))
            .args(more)
            .output()
            .unwrap();
        assert!(
            made.status.success(),
            "{script}: {}",
            String::from_utf8_lossy(&made.stderr)
        );
        let (count, _) = same(&project.path(folder), &["--isolated", "."]);
        assert!(count > 10, "only {count} findings in {folder}");
    }
}

/// Heirs, hooks and words that lead from file to file in every way that a name can.
#[test]
fn names_are_followed_wherever_they_lead() {
    let base = "class Real:\n    def run(self):\n        self.save_rows()\n        \
        return self.stats.get('rows', 0)\n    def save_rows(self):\n        raise NotImplementedError\n";
    let good = "from lib.names import Renamed\nclass Good(Renamed):\n    def save_rows(self):\n        \
        self.stats['rows'] = self.write()\n";
    let bad = "from lib import names as n\nclass Bad(n.Other):\n    def save_rows(self):\n        \
        if not self.todo:\n            return\n        self.stats['rows'] = 1\n";
    let late = "def make():\n    from lib.names import (Other as\n        Local)\n    class Late(Local):\n        \
        def save_rows(self):\n            return self.write()\n    return Late\n";
    let status = "DONE = ('success', 'partial')\n";
    let skip = "from lib.status import DONE\ndef work(runs, unit):\n    for run in runs:\n        \
        if run.status in DONE:\n            continue\n        process(run)\n        load(run)\n";
    let project = Project::new(&[
        ("pyproject.toml", ""),
        ("lib/__init__.py", ""),
        ("lib/base.py", base),
        (
            "lib/names.py",
            "from .base import (\n    Real as Renamed,  # )\n)\nOther = Renamed\n",
        ),
        ("lib/status.py", status),
        ("a/good.py", good),
        ("a/bad.py", bad),
        ("a/late.py", late),
        ("a/skip.py", skip),
        (
            "a/other.py",
            "class Nothing:\n    def f(self):\n        return 1\n",
        ),
    ]);
    let (count, unread) = same(&project.path(""), &["--isolated", "."]);
    assert!(
        count >= 3 && unread >= 2,
        "{count} findings, {unread} unread"
    );
    // The base lies outside of what is asked about.
    let (count, _) = same(&project.path(""), &["--isolated", "a"]);
    assert!(count >= 2, "{count} findings");
    let (count, _) = same(&project.path(""), &["--isolated", "a/bad.py", "a/good.py"]);
    assert!(count >= 1, "{count} findings");
}

/// Writes whose name says nothing but that something is done, in a file with nothing else.
#[test]
fn helpers_that_write_are_followed() {
    for (def, call, helper) in [
        ("def", "store_chunk(rows)", "def store_chunk"),
        ("def", "push_all(rows)", "def push_all"),
        ("async def", "await go(rows)", "async def go"),
    ] {
        let text = format!(
            "{def} run(rows):\n    try:\n        {call}\n    except Exception:\n        pass\n\n\n\
            {helper}(rows):\n    helpers.bulk(client(), rows)\n"
        );
        let project = Project::new(&[("a.py", &text)]);
        let (count, _) = same(&project.path(""), &["--isolated", "."]);
        assert_eq!(count, 1, "{text}");
    }
}

/// What is broken in a file that cannot matter is told if the file is named, or if all is read.
#[test]
fn named_files_are_read_as_a_whole() {
    let unused = "def f():\n    x = 1\n    y = )\n    return x\n";
    for broken in ["def f(:\n", unused] {
        let project = Project::new(&[("a/broken.py", broken), ("a/other.py", "x = 1\n")]);
        for (arguments, code) in [
            (vec!["check", "a"], 0),
            (vec!["check", "--read", "needed", "a"], 0),
            (vec!["check", "--read", "everything", "a"], 2),
            (vec!["check", "a/broken.py"], 2),
        ] {
            assert_eq!(
                project.run(&arguments).code,
                code,
                "{arguments:?}\n{broken}"
            );
        }
    }
}

/// A class with a contract method that calls a helper.
fn processor(method: &str, helper: &str) -> String {
    format!(
        "class P(Base):\n    def save_data(self):\n        rows = self.write()\n        {method}\n        \
        self.note(rows)\n\n    def note(self, rows):\n        n = len(rows)\n        {helper}\n        \
        self.stats['rows_inserted'] = n\n\n    def unused(self):\n        x = 1\n        y = )\n        \
        return x\n"
    )
}

/// What is broken in a body is told when the body turns out to matter; it is not guessed at.
#[test]
fn what_is_broken_in_a_body_is_told_when_that_is_needed() {
    for (method, helper, code) in [
        ("pass", "pass", 0),
        ("x = )", "pass", 2),
        ("pass", "x = )", 2),
    ] {
        let project = Project::new(&[("a/p.py", &processor(method, helper))]);
        let run = project.run(&["check", "--isolated", "a"]);
        assert_eq!(run.code, code, "{}\n{}", run.stdout, run.stderr);
        let (report, _) = run_in(&project, "a");
        let findings = report["findings"].as_array().unwrap();
        assert!(findings.iter().all(|f| f["severity"] == "note"), "{report}");
    }
}

fn run_in(project: &Project, folder: &str) -> (serde_json::Value, String) {
    run(&project.path(""), &["--isolated", folder])
}

/// A function that loads, skips, names a result and catches, with one more statement.
fn loader(statement: &str) -> String {
    format!(
        "class Loader:
    def load(self, table, errors='raise'):
        result = self.client.fetch(table)
        {statement}
        for name, kind in result.columns:
            if kind is None or kind == name:
                continue
            try:
                self.client.insert(name, kind)
            except ValueError:
                if errors == 'raise':
                    raise
        if self.values.T == 0 or len(table) == len(result):
            return
        table = self.renamed(table)
        if table != result:
            self.client.save(table)
"
    )
}

#[test]
fn only_what_can_come_to_know_of_a_success_is_followed() {
    let followed = |statement: &str| {
        let project = Project::new(&[("loader.py", &loader(statement))]);
        let rule = ["--isolated", "--select", "success-as-proof"];
        let (report, remarks) = run(&project.path(""), &rule);
        let line = remarks
            .lines()
            .find(|l| l.ends_with("functions searched for effects"));
        let line = line.unwrap_or_else(|| panic!("{remarks}"));
        let count = line.split_whitespace().next().unwrap().to_owned();
        (count, report["findings"].as_array().unwrap().len())
    };
    // Neither a class of exceptions nor what is unknown is a word for success.
    assert_eq!(followed("pass"), ("0".to_owned(), 0));
    assert_eq!(
        followed("self.log('failed to select')"),
        ("0".to_owned(), 0)
    );
    let skips = |test: &str| format!("if {test}:\n            return");
    let found = ("1".to_owned(), 1);
    assert_eq!(followed(&skips("result.status == 'done'")), found);
    assert_eq!(
        followed(&skips(
            "self.last(table).state in (State.DONE, State.EMPTY)"
        )),
        found
    );
    assert_eq!(
        followed(&skips("result.status not in ('failed', 'running')")),
        found
    );
}
