//! `--changed-since`: what git says has changed, and what inherits from it.

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
    // A base: everything below it.
    project.write("etl/base.py", base.replace("return 1", "return 2"));
    let ran = check(&project, "HEAD", ".", &[]);
    assert_eq!(paths(&ran), ["etl/grand.py", "etl/heir.py"]);
    assert_eq!(json(&ran)["files"]["checked"], 3);
    // In the large, too, where most is not parsed.
    let ran = check(&project, "HEAD", ".", &["--read", "needed"]);
    assert_eq!(paths(&ran), ["etl/grand.py", "etl/heir.py"]);
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
    assert!(ran.stderr.starts_with("error: git diff: "), "{ran:?}");
    assert_eq!(check(&project, "--output=x", ".", &[]).code, 2);
    assert!(!project.path("x").exists());
}
