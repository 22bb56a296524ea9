//! What a run that finds nothing says of a method that comes close to a contract.

use std::process::Command;

use serde_json::{Value, json};

use crate::common::{self, Project, Ran};

const BASE: &str = "\
class Loader:
    def run(self):
        self.load()

    def load(self):
        raise NotImplementedError
";

const SAYS: &str = "self.rows_loaded = self.client.send(self.rows)";
const SILENT: &str = "self.client.send(self.rows)";

const TOLD: &str = "\
No findings in 0 processors (3 files checked) in [TIME]
No method had to keep a contract; no function that may write was looked at.
Nearest: 3 of 4 overrides of `Loader.load` always set `self.rows_loaded` (etl/base.py:5)
Next: tallylint contracts --suggest
";

fn heirs(bodies: &[&str]) -> String {
    let mut text = "from etl.base import Loader\n".to_owned();
    for (at, body) in bodies.iter().enumerate() {
        text += &format!("\n\nclass L{at}(Loader):\n    def load(self):\n        {body}\n");
    }
    text
}

/// A base class and a file for each list of loaders.
fn project(files: &[&[&str]]) -> Project {
    let project = Project::new(&[("etl/base.py", BASE)]);
    for (at, bodies) in files.iter().enumerate() {
        project.write(&format!("etl/heirs{at}.py"), heirs(bodies));
    }
    project
}

fn candidate(project: &Project, more: &[&str]) -> Value {
    let ran = project.run(&[&["check", "--format", "json", "--no-cache"], more].concat());
    common::json(&ran)["candidate"].clone()
}

fn is_silent(ran: &Ran) {
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(!ran.stdout.contains("Nearest"), "{ran:?}");
    assert!(!ran.stdout.contains("--suggest"), "{ran:?}");
}

#[test]
fn the_summary_tells_of_the_nearest_contract() {
    let project = project(&[&[SAYS, SAYS, SILENT], &[SAYS]]);
    let ran = project.run(&["check"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, TOLD), "{ran:?}");
    let coloured = project.run(&["check", "--color", "always"]).stdout;
    assert_eq!(coloured, TOLD);
    assert_eq!(project.run(&["check", "--quiet"]).stdout, "");
    let wanted = json!({
        "hook": "load", "base": "Loader", "definitions": 4, "keeping": 3,
        "what": "set `self.rows_loaded`", "path": "etl/base.py", "line": 5,
    });
    assert_eq!(candidate(&project, &[]), wanted);
    assert_eq!(candidate(&project, &["--read", "everything"]), wanted);
    // The next step shows the same.
    let ran = project.run(&["contracts", "--suggest"]);
    assert!(
        ran.stdout.contains("1. Loader.load sets self.rows_loaded"),
        "{ran:?}"
    );
    assert!(ran.stdout.contains("3 of 4 definitions"), "{ran:?}");
    // Nobody expects a contract if no rule is about one, or if the run looks at a part only.
    for arguments in [
        ["check", "--select", "success-as-proof"].as_slice(),
        &["check", "etl/base.py", "etl/heirs0.py", "etl/heirs1.py"],
    ] {
        is_silent(&project.run(arguments));
    }
}

#[test]
fn what_may_be_set_or_returned() {
    let mut kinds = Vec::new();
    for (says, silent) in [
        ("self.stats['rows'] = self.client.send(self.rows)", SILENT),
        ("return {'rows': self.client.send(self.rows)}", "return {}"),
        ("return len(self.client.send(self.rows))", SILENT),
        ("self.client.mark_processed(self.rows)", SILENT),
    ] {
        let project = project(&[&[says, says, says, silent]]);
        let found = candidate(&project, &[]);
        assert_eq!(found["keeping"], json!(3), "{says}");
        kinds.push(found["what"].as_str().unwrap().to_owned());
    }
    assert_eq!(
        kinds,
        [
            "set `self.stats['rows']`",
            "return a value with ['rows']",
            "return a value",
            "call `self.client.mark_processed`",
        ]
    );
}

#[test]
fn what_is_not_sure_is_not_told() {
    let not_rows = "self.state = self.client.send(self.rows)";
    for bodies in [
        // Too few.
        [SAYS, SAYS, SILENT].as_slice(),
        // Fewer than most.
        &[SAYS, SAYS, SILENT, SILENT],
        // This says nothing of rows.
        &[not_rows, not_rows, not_rows, SILENT],
        // Somebody may set it elsewhere.
        &[SAYS, SAYS, SAYS, SAYS, "fill(self)"],
    ] {
        let project = project(&[bodies]);
        is_silent(&project.run(&["check"]));
        assert_eq!(candidate(&project, &[]), json!(null), "{bodies:?}");
    }
    // Methods that are only asked, and methods that the base class does not have.
    let heirs = heirs(&[SAYS, SAYS, SAYS, SILENT]);
    for (base, heirs) in [
        (
            BASE.replace("load", "get_rows"),
            heirs.replace("load(", "get_rows("),
        ),
        (BASE.replace("def load", "def start"), heirs.clone()),
    ] {
        let project = Project::new(&[("etl/base.py", &base), ("etl/heirs.py", &heirs)]);
        is_silent(&project.run(&["check"]));
    }
    // A contract that exists is checked, and not told of.
    let project = project(&[&[SAYS, SAYS, SAYS, SAYS]]);
    project.write(
        "tallylint.toml",
        "[[contract]]\nmethod = 'load'\nsets = 'self.rows_loaded'\nbases = ['Loader']\n",
    );
    let ran = project.run(&["check"]);
    is_silent(&ran);
    assert!(ran.stdout.contains("in 4 processors"), "{ran:?}");
}

#[test]
fn changes_are_no_whole() {
    let project = project(&[&[SAYS, SAYS, SILENT], &[SAYS]]);
    std::fs::remove_dir(project.path(".git")).unwrap();
    for arguments in [
        ["init", "--quiet"].as_slice(),
        &["add", "."],
        &[
            "-c",
            "user.name=t",
            "-c",
            "user.email=t@example.org",
            "commit",
            "--quiet",
            "-m",
            "x",
        ],
    ] {
        let git = Command::new("git")
            .args(arguments)
            .current_dir(project.path(""))
            .status();
        assert!(git.unwrap().success());
    }
    project.write("etl/heirs1.py", heirs(&[SAYS, SAYS]));
    let check = |more: &[&str]| {
        let arguments = [&["check"], more].concat();
        let path = std::env::var("PATH").unwrap();
        project.tallylint(&arguments).env("PATH", &path).run()
    };
    is_silent(&check(&["--changed-since", "HEAD"]));
    assert!(check(&[]).stdout.contains("4 of 5 overrides"));
}

#[test]
fn a_kept_result_has_it_until_a_file_changes() {
    let project = project(&[&[SAYS, SAYS, SILENT], &[SAYS]]);
    assert_eq!(project.run(&["check"]).stdout, TOLD);
    let again = project.run(&["check", "--statistics=engine"]);
    assert!(again.stderr.contains("results from the cache"), "{again:?}");
    assert_eq!(again.stdout, TOLD);
    // The same files, but nobody says that they are all.
    let files = ["check", "etl/base.py", "etl/heirs0.py", "etl/heirs1.py"];
    is_silent(&project.run(&files));
    project.write("etl/heirs1.py", heirs(&[SAYS, SAYS]));
    let changed = project.run(&["check"]).stdout;
    assert!(changed.contains("Nearest: 4 of 5 overrides"), "{changed}");
    project.write("etl/heirs1.py", heirs(&[]));
    is_silent(&project.run(&["check"]));
}

#[test]
fn the_number_of_threads_does_not_matter() {
    let many: Vec<&str> = [SAYS, SAYS, SAYS, SILENT].repeat(3);
    let project = project(&[&many[..5], &many[5..], &[SAYS], &[SAYS, SAYS]]);
    // Another family with the same numbers, and one further down.
    let twin = heirs(&many)
        .replace("Loader", "Other")
        .replace("etl.base", "etl.other");
    project.write("etl/a_twin.py", twin);
    project.write("etl/other.py", BASE.replace("Loader", "Other"));
    let run = |threads| {
        let run = project.tallylint(&["check", "--no-cache"]);
        run.env("RAYON_NUM_THREADS", threads).run().stdout
    };
    let one = run("1");
    assert!(one.contains("Nearest: "), "{one}");
    for _ in 0..5 {
        assert_eq!(run("8"), one);
    }
}

/// A family is looked at as a whole or not at all, and nobody hears of files that are read for it
/// alone.
#[test]
fn a_broken_file_is_no_failure_of_its_own() {
    let project = project(&[&[SAYS, SAYS, SILENT], &[SAYS]]);
    for broken in ["self.x = = 1", "self.x = (1"] {
        project.write("etl/heirs2.py", heirs(&[SAYS, broken]));
        let ran = project.run(&["check"]);
        is_silent(&ran);
        assert_eq!(ran.stderr, "");
    }
    // Read as a whole, it is one failure.
    let ran = project.run(&["check", "--read", "everything"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert_eq!(ran.stderr.matches("heirs2.py").count(), 1, "{ran:?}");
    // Tests are no part of a family.
    std::fs::remove_file(project.path("etl/heirs2.py")).unwrap();
    project.write(
        "tests/test_heirs.py",
        heirs(&[SAYS, SILENT, "self.x = = 1"]),
    );
    let ran = project.run(&["check"]);
    assert!(ran.stdout.contains("Nearest: 3 of 4 overrides"), "{ran:?}");
}

#[test]
fn a_family_in_too_many_files_makes_room_for_another() {
    let mut files: Vec<&[&str]> = vec![&[SAYS]; 201];
    let project = project(&files);
    assert_eq!(candidate(&project, &[]), json!(null));
    assert_eq!(
        candidate(&project, &["--read", "everything"])["definitions"],
        json!(201)
    );
    let other = |text: String| {
        text.replace("Loader", "Other")
            .replace("etl.base", "etl.other")
    };
    project.write("etl/other.py", other(BASE.to_owned()));
    project.write("etl/others.py", other(heirs(&[SAYS, SAYS, SAYS, SILENT])));
    assert_eq!(candidate(&project, &[])["base"], json!("Other"));
    files.pop();
    std::fs::remove_file(project.path("etl/heirs200.py")).unwrap();
    assert_eq!(candidate(&project, &[])["definitions"], json!(200));
}
