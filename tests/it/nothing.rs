//! What a run says that finds nothing, because nothing had to keep a contract.

use serde_json::json;

use crate::common::{self, Project};

/// Three functions write: the first tells of a failure, the second only of another one, the last is
/// asked nothing because nothing is caught.
const LOADERS: &str = "\
def load(client, rows):
    try:
        client.insert_rows(rows)
    except OSError:
        raise RuntimeError('no rows')

def ship(client, rows):
    try:
        options = client.options()
    except KeyError:
        options = None
    client.insert_rows(rows, options)

def plain(client, rows):
    client.insert_rows(rows)
";

const ODDS: &str = "\
class Odds(ProcessorBase):
    def save_data(self):
        self.stats['rows_inserted'] = self.push(self.rows)
";

const EXPLAIN: &str = "Next: tallylint explain untracked-return, on how to declare a contract\n";

#[test]
fn a_run_says_what_it_looked_at_and_what_is_next() {
    let project = Project::new(&[
        ("etl/load.py", LOADERS),
        ("etl/{{name}}.py", "x = 1\n"),
        ("gen/a.py", ""),
        ("tests/test_load.py", LOADERS),
        ("tallylint.toml", "exclude = ['gen/']\n"),
    ]);
    let told = format!(
        "No findings in 0 processors (2 files checked, 2 skipped) in [TIME]\n\
         No method had to keep a contract; 2 functions that may write were looked at.\n\
         Left out of that: 1 test file, 1 excluded, 1 template.\n{EXPLAIN}"
    );
    let ran = project.run(&["check"]);
    assert_eq!(
        (ran.code, ran.stdout.as_str()),
        (0, told.as_str()),
        "{ran:?}"
    );
    // A kept result says the same.
    let ran = project.run(&["check", "--statistics=engine"]);
    assert!(ran.stderr.contains("results from the cache"), "{ran:?}");
    assert_eq!(ran.stdout, told);
    let coloured = project.run(&["check", "--color", "always"]).stdout;
    assert_eq!(coloured, told);
    assert_eq!(project.run(&["check", "--quiet"]).stdout, "");
    let ran = project.run(&["check", "etl/load.py"]);
    assert_eq!(
        ran.stdout,
        "No findings in 0 processors (1 file checked) in [TIME]\n\
         No method had to keep a contract; 2 functions that may write were looked at.\n\
         Next: tallylint check, which looks at the whole folder\n"
    );
    let report = common::json(&project.run(&["check", "--format", "json"]));
    let outside = json!({"writing": 2, "followed": 0, "tests": 1});
    assert_eq!(report["outside"], outside);
    assert_eq!(report["candidate"], json!(null));
    let left_out = json!({"excluded": 1, "templates": 1, "python2": 0});
    assert_eq!(report["files"]["left_out"], left_out);
}

#[test]
fn what_is_off_is_not_counted() {
    let project = Project::new(&[
        ("load.py", LOADERS),
        (
            "tallylint.toml",
            "[swallowed-write]\noutside-contracts = false\n",
        ),
    ]);
    let headline = "No findings in 0 processors (1 file checked) in [TIME]\n";
    let told = format!("{headline}No method had to keep a contract.\n{EXPLAIN}");
    assert_eq!(project.run(&["check"]).stdout, told);
    let only = ["check", "--select", "untracked-return"];
    assert_eq!(project.run(&only).stdout, told);
    let report = common::json(&project.run(&["check", "--format", "json"]));
    assert_eq!(report["outside"], json!(null));
    // Without a rule about contracts, nobody expects one.
    let only = ["check", "--select", "success-as-proof"];
    assert_eq!(project.run(&only).stdout, headline);
    project.write("tallylint.toml", "");
    project.write("load.py", "x = 1\n");
    let none = "No method had to keep a contract; no function that may write was looked at.\n";
    let ran = project.run(&["check"]);
    assert_eq!(ran.stdout, format!("{headline}{none}{EXPLAIN}"));
}

#[test]
fn who_keeps_a_contract_or_has_findings_is_told_nothing_new() {
    let project = Project::new(&[("load.py", LOADERS), ("odds.py", ODDS)]);
    assert_eq!(
        project.run(&["check"]).stdout,
        "No findings in 1 processor (2 files checked) in [TIME]\n"
    );
    // A finding outside of contracts, reported and ignored.
    let swallows = "\
def load(client, rows):
    try:
        client.insert_rows(rows)
    except OSError:
        pass
";
    let project = Project::new(&[("load.py", swallows)]);
    let ran = project.run(&["check"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(!ran.stdout.contains("Next: "), "{ran:?}");
    let ignored = swallows.replace(
        "OSError:",
        "OSError:  # tallylint: ignore[swallowed-write] so",
    );
    project.write("load.py", &ignored);
    assert_eq!(
        project.run(&["check"]).stdout,
        "No findings in 0 processors (1 file checked) in [TIME]\n1 finding ignored by comments\n"
    );
}
