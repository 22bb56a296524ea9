//! Fixes: what a finding offers to change leaves a file that is read, in which the fault is gone.

use std::fs;
use std::path::{Path, PathBuf};

use tallylint::config::{Configuration, Overrides};
use tallylint::diagnostics::{Finding, Fix, Safety};
use tallylint::driver::{self, Request, RunResult};
use tallylint::fix::{Task, add_ignores, repair};
use tallylint::settings::Settings;

use crate::common::Project;

fn configuration(select: &str) -> Configuration {
    let overrides = Overrides {
        select: vec![select.to_owned()],
        ..Overrides::default()
    };
    Configuration::fixed(Settings::new(None, &overrides).unwrap(), overrides)
}

fn check(path: &Path) -> RunResult {
    check_for("swallowed-write", path)
}

fn check_for(rule: &str, path: &Path) -> RunResult {
    driver::run(Request::new(
        &[path.to_path_buf()],
        &configuration(rule),
        path.parent().unwrap().to_path_buf(),
    ))
    .unwrap()
}

fn findings(outcome: &RunResult) -> impl Iterator<Item = &Finding> {
    outcome.settled.reported.iter().map(|r| &r.finding)
}

fn apply(text: &str, fix: &Fix) -> String {
    let mut out = text.to_owned();
    for edit in fix.edits.iter().rev() {
        let span = edit.location.span;
        out.replace_range(span.start as usize..span.end as usize, &edit.text);
    }
    out
}

/// The class of a finding: its symbol without the method.
fn class(finding: &Finding) -> &str {
    finding.symbol.split('.').next().unwrap()
}

#[test]
fn raising_again_at_the_end_of_the_handler_ends_the_fault() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/swallowed-write");
    let source = root.join("01-fires.py");
    let text = fs::read_to_string(&source).unwrap();
    let temporary = tempfile::tempdir().unwrap();
    let changed: PathBuf = temporary.path().join("changed.py");
    let before = check(&source);
    let (mut fixed, mut left) = (0, Vec::new());
    for finding in findings(&before) {
        let Some(fix) = &finding.fix else { continue };
        fs::write(&changed, apply(&text, fix)).unwrap();
        let after = check(&changed);
        assert!(after.failures.is_empty(), "{:?}", after.failures);
        let same = findings(&after).any(|f| class(f) == class(finding));
        assert!(findings(&after).count() <= findings(&before).count());
        fixed += 1;
        if same {
            left.push(class(finding).to_owned());
        }
    }
    assert!(fixed >= 20, "only {fixed} fixes");
    assert!(left.is_empty(), "{left:?} of {fixed}");
}

#[test]
fn a_fix_fits_into_the_file_as_it_is() {
    let cases = [
        ("except OSError: pass", "except OSError: raise"),
        ("except OSError: log()", "except OSError: log(); raise"),
        (
            "except OSError:\r\n            log()  # told\r\n        done()",
            "except OSError:\r\n            log()  # told\r\n            raise\r\n        done()",
        ),
        (
            "except OSError:\n            log()\n            return",
            "except OSError:\n            log()\n            raise",
        ),
    ];
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("a.py");
    for (handler, wanted) in cases {
        let head = "class P(Base):\n    def save_data(self):\n        try:\n            self.c.load()\n        ";
        let text = format!("{head}{handler}\n");
        fs::write(&path, &text).unwrap();
        let outcome = check(&path);
        let found: Vec<_> = findings(&outcome).collect();
        assert_eq!(found.len(), 1, "{handler}");
        let fix = found[0].fix.as_ref().unwrap();
        assert_eq!(apply(&text, fix), format!("{head}{wanted}\n"));
    }
}

#[test]
fn a_result_that_nobody_reads_is_tested() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/ignored-failure");
    let temporary = tempfile::tempdir().unwrap();
    let changed: PathBuf = temporary.path().join("changed.py");
    let mut fixed = 0;
    for name in [
        "01-fires.py",
        "02-clients.py",
        "03-callees.py",
        "06-later.py",
    ] {
        let source = root.join(name);
        let text = fs::read_to_string(&source).unwrap();
        let before = check_for("ignored-failure", &source);
        for finding in findings(&before) {
            let Some(fix) = &finding.fix else { continue };
            assert_eq!(fix.safety, Safety::Unsafe);
            fs::write(&changed, apply(&text, fix)).unwrap();
            let after = check_for("ignored-failure", &changed);
            assert!(after.failures.is_empty(), "{:?}", after.failures);
            let left = findings(&after).count();
            assert_eq!(left + 1, findings(&before).count(), "{name}: {fix:?}");
            fixed += 1;
        }
    }
    assert!(fixed >= 30, "only {fixed} fixes");
}

#[test]
fn the_test_of_a_result_fits_into_the_file_as_it_is() {
    let head = "\
from google.cloud import bigquery
import subprocess

def store(db, rows):
    try:
        db.executemany(\"INSERT INTO t VALUES (?)\", rows)
    except OSError:
        return False
    return True

def run(db, rows, errors):
    client = bigquery.Client()
";
    let refused = "raise RuntimeError(f\"rows were not stored: {failed}\")";
    let cases = [
        (
            "    client.insert_rows_json(t, rows)  # told",
            Some(format!(
                "    failed = client.insert_rows_json(t, rows)  # told\n    if failed:\n        {refused}"
            )),
        ),
        (
            "    if rows:\n\t    failed = client.insert_rows_json(t, rows)",
            Some(format!(
                "    if rows:\n\t    failed = client.insert_rows_json(t, rows)\n\t    if failed:\n\t    \t{refused}"
            )),
        ),
        (
            "    store(db, rows)\r",
            Some(
                "    if not store(db, rows):\r\n        raise RuntimeError(\"store failed\")\r"
                    .to_owned(),
            ),
        ),
        // Other statements on the same line, and what is asked later.
        ("    if rows: store(db, rows)", None),
        ("    store(db, rows); print(rows)", None),
        ("    client.load_table_from_json(rows, t)", None),
    ];
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("a.py");
    for (code, wanted) in cases {
        let text = format!("{head}{code}\n");
        fs::write(&path, &text).unwrap();
        let outcome = check_for("ignored-failure", &path);
        let found: Vec<_> = findings(&outcome).collect();
        assert_eq!(found.len(), 1, "{code}");
        let fix = found[0].fix.as_ref().map(|fix| apply(&text, fix));
        assert_eq!(
            fix,
            wanted.map(|wanted| format!("{head}{wanted}\n")),
            "{code}"
        );
    }
}

/// Three processors with something to fix, safely and not.
const PROGRAM: &str = "\
class Odds:
    stats = {}

    def run(self):
        self.save_data()
        return self.stats.get(\"rows_inserted\", 0)

    def save_data(self):
        raise NotImplementedError


class Early(Odds):
    def save_data(self):
        if not self.rows:
            return  # nothing to do
        if self.dry: return
        self.stats[\"rows_inserted\"] = self.client.insert_rows(self.rows)


class Unknown(Odds):
    def save_data(self):
        self.client.ship(self.rows)
        if self.done:
            return
        self.stats[\"rows_inserted\"] = 1


x = 1  # tallylint: ignore[untracked-return] long gone
";

/// The same with all that is safe in it.
fn safely_fixed() -> String {
    PROGRAM
        .replace(
            "            return  # nothing",
            "            self.stats[\"rows_inserted\"] = 0\n            return  # nothing",
        )
        .replace(
            "dry: return",
            "dry: self.stats[\"rows_inserted\"] = 0; return",
        )
        .replace(
            "x = 1  # tallylint: ignore[untracked-return] long gone",
            "x = 1",
        )
}

fn and_unsafely(text: &str) -> String {
    text.replace(
        "done:\n            return",
        "done:\n            self.stats[\"rows_inserted\"] = 0\n            return",
    )
}

#[test]
fn files_are_fixed_and_the_rest_is_reported() {
    let project = Project::new(&[("a.py", PROGRAM), ("b.py", "y = 1\n")]);
    let ran = project.run(&["check"]);
    assert!(
        ran.stdout.ends_with(
            "3 findings can be fixed with --fix\n1 finding more can be fixed with --fix \
             --unsafe-fixes, which changes what the program does\n"
        ),
        "{}",
        ran.stdout
    );
    let ran = project.run(&["check", "--fix", "."]);
    assert_eq!(ran.code, 1);
    assert_eq!(project.read("a.py"), safely_fixed());
    assert!(
        ran.stdout.contains("Found 1 warning in 2 processors")
            && ran.stdout.contains("\n3 findings fixed\n")
            && ran
                .stdout
                .contains("1 finding can be fixed with --fix --unsafe-fixes"),
        "{}",
        ran.stdout
    );
    let ran = project.run(&["check", "--fix", "--unsafe-fixes", "--format", "json"]);
    assert_eq!(ran.code, 0);
    assert_eq!(crate::common::json(&ran)["fixed"], 1);
    assert_eq!(project.read("a.py"), and_unsafely(&safely_fixed()));
    // Nothing is left to do, and nothing else is in the folder.
    let ran = project.run(&["check", "--fix", "--unsafe-fixes"]);
    assert_eq!(
        ran.stdout,
        "No findings in 2 processors (2 files checked) in [TIME]\n"
    );
    let mut left: Vec<_> = fs::read_dir(project.path("."))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.retain(|name| name != "home");
    left.sort();
    assert_eq!(left, [".git", "a.py", "b.py"]);
}

#[test]
fn a_patch_is_printed() {
    let project = Project::new(&[("etl/a.py", PROGRAM)]);
    let ran = project.run(&["check", "--diff"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (1, ""));
    assert!(
        ran.stdout.starts_with(
            "--- etl/a.py\n+++ etl/a.py\n@@ -12,8 +12,9 @@\n class Early(Odds):\n     \
             def save_data(self):\n         if not self.rows:\n+            \
             self.stats[\"rows_inserted\"] = 0\n             return  # nothing to do\n-        \
             if self.dry: return\n+        if self.dry: self.stats[\"rows_inserted\"] = 0; return\n"
        ),
        "{}",
        ran.stdout
    );
    assert_eq!(project.read("etl/a.py"), PROGRAM, "nothing is written");
    project.write("p.diff", &ran.stdout);
    let patched = std::process::Command::new("git")
        .args(["apply", "-p0", "p.diff"])
        .current_dir(project.path(""))
        .env("GIT_DIR", "/nowhere")
        .output()
        .unwrap();
    assert!(patched.status.success(), "{patched:?}");
    assert_eq!(project.read("etl/a.py"), safely_fixed());
    let ran = project.run(&["check", "--diff"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""));
}

#[test]
fn the_rest_of_a_file_stays_byte_for_byte() {
    let latin = |text: &str| -> Vec<u8> {
        let text = format!("# coding: latin-1\n# caf\u{e9}\n{text}");
        text.chars()
            .map(|c| u8::try_from(u32::from(c)).unwrap())
            .collect()
    };
    type Form<'a> = (&'a str, &'a dyn Fn(&str) -> Vec<u8>);
    let cases: [Form<'_>; 6] = [
        ("crlf", &|text| text.replace('\n', "\r\n").into_bytes()),
        ("cr", &|text| text.replace('\n', "\r").into_bytes()),
        ("bom", &|text| format!("\u{feff}{text}").into_bytes()),
        ("latin-1", &latin),
        ("tabs", &|text| text.replace("    ", "\t").into_bytes()),
        ("no line break at the end", &|text| {
            text.trim_end().as_bytes().to_vec()
        }),
    ];
    for (name, form) in cases {
        let project = Project::new(&[]);
        project.write("a.py", form(PROGRAM));
        let ran = project.run(&["check", "--fix"]);
        assert_eq!(ran.code, 1, "{name}: {ran:?}");
        let fixed = fs::read(project.path("a.py")).unwrap();
        assert!(
            fixed == form(&safely_fixed()),
            "{name}: {}",
            String::from_utf8_lossy(&fixed)
        );
    }
}

#[test]
fn what_cannot_be_fixed_is_said() {
    let project = Project::new(&[("a.py", PROGRAM)]);
    for arguments in [
        &["check", "--fix", "-", "a.py"][..],
        &["check", "--unsafe-fixes"],
        &["check", "--fix", "--diff"],
        &["check", "--fix", "--add-ignore", "x"],
        &["check", "--diff", "--format", "json"],
    ] {
        assert_eq!(project.run(arguments).code, 2, "{arguments:?}");
    }
    assert_eq!(project.read("a.py"), PROGRAM);
    let mut permissions = fs::metadata(project.path("a.py")).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(project.path("a.py"), permissions).unwrap();
    let before = crate::common::json(&project.run(&["check", "--format", "json"]));
    let ran = project.run(&["check", "--fix", "."]);
    assert_eq!(ran.code, 2);
    assert_eq!(
        ran.stderr,
        "error: not fixed: a.py: the file is read-only\n"
    );
    assert!(ran.stdout.contains("\n1 file could not be fixed\n"));
    assert!(!ran.stdout.contains("findings fixed") && !ran.stdout.contains("No findings"));
    // It is named in every format, with all its findings.
    let ran = project.run(&["check", "--fix", "--format", "json"]);
    let after = crate::common::json(&ran);
    assert_eq!(after["fixed"], 0);
    assert_eq!(after["findings"], before["findings"]);
    let failed = serde_json::json!([
        {"what": "not-fixed", "path": "a.py", "reason": "the file is read-only"}
    ]);
    assert_eq!(after["files"]["failed"], failed);
    for format in [
        "azure", "concise", "github", "gitlab", "junit", "markdown", "rdjson", "rdjsonl", "sarif",
    ] {
        let ran = project.run(&["check", "--fix", "--format", format]);
        assert_eq!(ran.code, 2, "{format}");
        let told = match format {
            "concise" => &ran.stderr,
            _ => &ran.stdout,
        };
        let words = told.contains("not fixed") && told.contains("read-only");
        assert!(words, "{format}: {told}");
    }
    assert_eq!(project.read("a.py"), PROGRAM);
}

/// What is typed into an editor is fixed on its way through.
#[test]
fn standard_input_is_fixed() {
    let project = Project::new(&[]);
    let run = |arguments: &[&str], text: &str| {
        let all = [&["check"], arguments].concat();
        project.tallylint(&all).stdin(text).run()
    };
    // One file does not show that a comment is needless.
    let comment = "x = 1  # tallylint: ignore[untracked-return] long gone\n";
    let fixed = || safely_fixed().replace("x = 1\n", comment);
    let ran = run(&["--fix", "-"], PROGRAM);
    assert_eq!((ran.code, ran.stdout), (1, fixed()));
    assert!(
        ran.stderr.contains("\n2 findings fixed\n"),
        "{}",
        ran.stderr
    );
    let named = [
        "--fix",
        "--unsafe-fixes",
        "--stdin-filename",
        "etl/a.py",
        "-",
    ];
    let ran = run(&named, PROGRAM);
    assert_eq!((ran.code, ran.stdout), (0, and_unsafely(&fixed())));
    assert!(!project.path("etl").exists());
    let ran = run(&["--diff", "--stdin-filename", "etl/a.py", "-"], PROGRAM);
    assert_eq!(ran.code, 1);
    assert!(ran.stdout.starts_with("--- etl/a.py\n+++ etl/a.py\n@@ "));
    // A text that is not fixed goes through as it is.
    for text in ["x = 1\r\n", "", "def broken(:\n"] {
        let ran = run(&["--fix", "-"], text);
        assert_eq!(ran.stdout, text);
    }
    // The file of that name is not touched.
    project.write("a.py", "y = 1\n");
    let ran = run(&["--fix", "--stdin-filename", "a.py", "-"], PROGRAM);
    assert_eq!((ran.code, ran.stdout), (1, fixed()));
    assert_eq!(project.read("a.py"), "y = 1\n");
}

/// Whatever several runs do at once, each finding is fixed by one of them, and what is left is told.
#[test]
fn runs_at_once_do_not_claim_the_same_fixes() {
    const RUNS: usize = 4;
    const FILES: u64 = 40;
    let names: Vec<String> = (0..FILES).map(|at| format!("etl/p{at}.py")).collect();
    let project = Project::new(&[]);
    for _ in 0..3 {
        for name in &names {
            project.write(name, PROGRAM);
        }
        let runs: Vec<_> = (0..RUNS)
            .map(|_| {
                let run = ["check", "--fix", "--no-cache", "--format", "json"];
                let mut command = project.tallylint(&run).into_command();
                command.stdout(std::process::Stdio::piped());
                command.stderr(std::process::Stdio::null());
                command.spawn().unwrap()
            })
            .collect();
        let mut fixed = 0;
        for run in runs {
            let output = run.wait_with_output().unwrap();
            let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
            fixed += told["fixed"].as_u64().unwrap();
            let failed = told["files"]["failed"].as_array().unwrap();
            let code = if failed.is_empty() { 1 } else { 2 };
            assert_eq!(output.status.code(), Some(code));
            assert!(failed.iter().all(|failure| failure["what"] == "not-fixed"));
        }
        assert_eq!(fixed, 3 * FILES);
        for name in &names {
            assert_eq!(project.read(name), safely_fixed(), "{name}");
        }
    }
}

/// Whoever saves a file while it is checked keeps what was saved.
#[test]
fn a_file_that_was_changed_meanwhile_is_left_alone() {
    let project = Project::new(&[("a.py", PROGRAM), ("b.py", PROGRAM)]);
    let task = Task {
        paths: &[project.path("")],
        stdin: None,
        overlay: &driver::Overlay::new(),
        only: None,
        changed: None,
        configuration: &configuration("untracked-return"),
        cwd: &project.path(""),
    };
    let repaired = repair(task, Safety::Safe).unwrap();
    assert_eq!(repaired.changed.len(), 2);
    let saved = format!("{PROGRAM}y = 2\n");
    project.write("a.py", &saved);
    assert_eq!(repaired.fixed, 4, "two safe fixes in each");
    let written = repaired.write(task).unwrap();
    let failures = written.outcome.failures.iter();
    let failures: Vec<String> = failures.map(ToString::to_string).collect();
    assert_eq!(failures, ["a.py: it changed during the check"]);
    // What is told is what is there.
    assert_eq!(written.fixed, 2);
    let left: Vec<&Finding> = findings(&written.outcome).collect();
    let of_a = left.iter().filter(|finding| {
        let file = finding.primary.location.file;
        written.outcome.sources.get(file).display == "a.py"
    });
    assert_eq!((of_a.count(), left.len()), (3, 4));
    assert_eq!(project.read("a.py"), saved);
    assert!(project.read("b.py").contains("dry: self.stats"));
    // So it is with comments.
    let handler = "class P(Base):\n    def save_data(self):\n        try:\n            self.c.load()\n        \
         except OSError: pass\n";
    project.write("c.py", handler);
    let outcome = check(&project.path("c.py"));
    let saved = format!("{handler}y = 2\n");
    project.write("c.py", &saved);
    let reported = &outcome.settled.reported;
    let added = add_ignores(reported, "known", &outcome.sources).unwrap();
    assert_eq!((added.findings, added.files), (0, 0));
    let failures: Vec<String> = added.failures.iter().map(ToString::to_string).collect();
    assert_eq!(failures, ["c.py: it changed during the check"]);
    assert_eq!(project.read("c.py"), saved);
    project.write("c.py", handler);
    let added = add_ignores(reported, "known", &outcome.sources).unwrap();
    assert_eq!((added.findings, added.files), (1, 1));
}

#[cfg(unix)]
#[test]
fn links_and_permissions_stay() {
    use std::os::unix::fs::PermissionsExt;
    let project = Project::new(&[("src/a.py", PROGRAM)]);
    project.link("src/a.py", "b.py");
    let path = project.path("src/a.py");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(project.run(&["check", "--fix", "b.py"]).code, 1);
    assert!(
        fs::symlink_metadata(project.path("b.py"))
            .unwrap()
            .is_symlink()
    );
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o755
    );
    assert!(project.read("src/a.py").contains("dry: self.stats"));
    // So does a file with two names.
    let project = Project::new(&[("a.py", PROGRAM)]);
    fs::hard_link(project.path("a.py"), project.path("b.py")).unwrap();
    let ran = project.run(&["check", "--fix", "."]);
    assert_eq!((ran.code, ran.stderr.as_str()), (1, ""));
    assert!(
        ran.stdout.contains("\n6 findings fixed\n"),
        "{}",
        ran.stdout
    );
    let links = |name: &str| {
        std::os::unix::fs::MetadataExt::nlink(&fs::metadata(project.path(name)).unwrap())
    };
    assert_eq!((links("a.py"), links("b.py")), (2, 2));
    assert_eq!(project.read("b.py"), safely_fixed());
}

/// What cannot be parsed hides none of the fixes, and no fix is counted that was not made.
#[test]
fn a_broken_statement_elsewhere_changes_no_count() {
    let broken = format!("{PROGRAM}\n\ndef broken(:\n    pass\n");
    let project = Project::new(&[("a.py", &broken)]);
    let ran = project.run(&["check", "--fix", "--format", "json"]);
    assert_eq!(ran.code, 2);
    let told = crate::common::json(&ran);
    let now = project.read("a.py");
    let (fixed, left) = (
        told["fixed"].as_u64().unwrap(),
        told["findings"].as_array().unwrap(),
    );
    assert_eq!(told["files"]["failed"][0]["what"], "not-analysed");
    assert_eq!((fixed, left.len()), (2, 1), "{now}");
    let tail = &broken[broken.find("x = 1").unwrap()..];
    assert!(
        now.ends_with(tail),
        "a comment may be needed by what cannot be parsed: {now}"
    );
    let again = project.run(&["check", "--fix", "--format", "json"]);
    assert_eq!(crate::common::json(&again)["fixed"], 0);
}

#[test]
fn what_is_not_reported_is_not_fixed() {
    let quiet = PROGRAM.replace(
        "return  # nothing to do",
        "return  # tallylint: ignore[untracked-return] nothing to do",
    );
    let project = Project::new(&[("a.py", &quiet)]);
    project.run(&["check", "--fix", "."]);
    let text = project.read("a.py");
    assert!(
        text.contains("rows:\n            return  # tallylint"),
        "{text}"
    );
    assert!(text.contains("dry: self.stats"));
    // What the baseline knows is left alone, too.
    let project = Project::new(&[("a.py", PROGRAM)]);
    project.run(&["check", "--baseline", "b", "--write-baseline"]);
    let ran = project.run(&["check", "--baseline", "b", "--fix", "--unsafe-fixes"]);
    assert_eq!(ran.code, 0);
    assert_eq!(project.read("a.py"), PROGRAM);
}

#[test]
fn zero_is_recorded_only_where_nothing_was_written() {
    let save = |body: &str| {
        let base = PROGRAM.split("\n\nclass Early").next().unwrap();
        let text = format!("{base}\n\nclass A(Odds):\n    def save_data(self):\n{body}");
        let project = Project::new(&[("a.py", &text)]);
        let ran = project.run(&["check", "--format", "json", "--select", "untracked-return"]);
        let found = crate::common::json(&ran);
        let findings = found["findings"].as_array().unwrap().clone();
        findings
            .iter()
            .map(|f| match &f["fix"] {
                serde_json::Value::Null => "none".to_owned(),
                fix => {
                    let text = fix["edits"][0]["text"].as_str().unwrap().trim();
                    format!("{}: {text}", fix["safety"].as_str().unwrap())
                }
            })
            .collect::<Vec<_>>()
    };
    let zero = |safety: &str| vec![format!("{safety}: self.stats[\"rows_inserted\"] = 0")];
    let end = "        self.stats['x'] = 2\n        self.stats[\"rows_inserted\"] = 1\n";
    let early = "        if self.done:\n            return\n";
    assert_eq!(save(&format!("{early}{end}")), zero("safe"));
    // A write; something nobody knows; the dict is made here.
    let body = |call: &str| format!("        {call}\n{early}{end}");
    assert_eq!(save(&body("self.client.insert_rows(self.rows)")), ["none"]);
    assert_eq!(save(&body("self.client.ship(self.rows)")), zero("unsafe"));
    assert_eq!(save(&body("ship(self.rows)")), zero("unsafe"));
    assert_eq!(save(&body("rows = self.client.get_rows()")), zero("safe"));
    assert_eq!(
        save(&body("row = self.client.get_or_create(1)")),
        zero("unsafe")
    );
    assert_eq!(save(&body("logger.info(len(self.rows))")), zero("safe"));
    assert_eq!(
        save(&format!("{early}        self.stats = {{}}\n{end}")),
        zero("unsafe")
    );
    // On some ways to the exit the key is there.
    let some =
        format!("        if self.a:\n            self.stats[\"rows_inserted\"] = 5\n{early}{end}");
    assert_eq!(
        save(&some),
        ["safe: self.stats.setdefault(\"rows_inserted\", 0)"]
    );
    // On some ways rows were written.
    let wrote = format!("        if self.a:\n            self.client.insert_rows(1)\n{early}{end}");
    assert_eq!(save(&wrote), ["none"]);
    // What is there already counts.
    let adds = format!("{early}        self.stats[\"rows_inserted\"] += self.push(self.rows)\n");
    assert_eq!(save(&adds), ["none"]);
    // It was set, and lost.
    let lost = format!(
        "        if self.a:\n            self.stats[\"rows_inserted\"] = 5\n            self.stats.clear()\n{early}{end}"
    );
    assert!(save(&lost).contains(&"none".to_owned()));
}

#[test]
fn a_method_that_several_classes_run_is_fixed_for_all_or_not_at_all() {
    let base = PROGRAM.split("\n\nclass Early").next().unwrap();
    let offered = |prepare: &str| {
        let text = format!(
            "{base}\n\nclass A(Odds):\n    def prepare(self):\n        return 1\n\n    def save_data(self):\n        \
             self.prepare()\n        if self.done:\n            return\n        \
             self.stats[\"rows_inserted\"] = 1\n\n\nclass B(A):\n    def prepare(self):\n        {prepare}\n"
        );
        let project = Project::new(&[("a.py", &text)]);
        let ran = project.run(&["check", "--format", "json", "."]);
        let found = crate::common::json(&ran);
        let findings = found["findings"].as_array().unwrap();
        assert_eq!(findings.len(), 1, "{found}");
        !findings[0]["fix"].is_null()
    };
    assert!(offered("return 2"));
    // The other class has recorded something when it comes to the exit.
    assert!(!offered("self.stats[\"rows_inserted\"] = 7"));
}

/// Which of the fixes is meant, and whether one would hide what the other is for, is for a person to
/// say.
#[test]
fn a_place_with_two_findings_that_want_different_fixes_is_not_touched() {
    let contract = |key: &str| {
        format!(
            "[[contract]]\nmethod = 'save_data'\nsets = \"self.stats['{key}']\"\nbases = ['*']\n"
        )
    };
    let code = "\
class Early:
    def save_data(self):
        if not self.rows:
            return
        self.stats[\"rows_inserted\"] = len(self.rows)
        self.stats[\"files\"] = 1
";
    let (rows, files) = (contract("rows_inserted"), contract("files"));
    let fix = |contracts: &str| {
        let project = Project::new(&[("a.py", code), ("tallylint.toml", contracts)]);
        let ran = project.run(&["check", "--fix", "--unsafe-fixes", "."]);
        (ran.code, project.read("a.py"))
    };
    assert_eq!(fix(&format!("{rows}{files}")), (1, code.to_owned()));
    for (contract, key) in [(&rows, "rows_inserted"), (&files, "files")] {
        let zero = format!("self.stats[\"{key}\"] = 0\n            return");
        assert_eq!(fix(contract), (0, code.replace("return", &zero)));
    }
}

#[test]
fn a_count_is_asked_for_where_it_is_known_in_the_same_row() {
    let fix = |code: &str| {
        let project = Project::new(&[("a.py", code)]);
        let ran = project.run(&["check", "--fix", "--unsafe-fixes", "."]);
        (project.read("a.py"), ran.code)
    };
    let cases = [
        (
            "if run.status == 'success':",
            "run.records_processed",
            "if run.status == 'success' and (run.records_processed or 0) > 0:",
        ),
        (
            "if run['status'].lower() == \"success\" and self.x:",
            "run['row_count']",
            "if run['status'].lower() == \"success\" and (run['row_count'] or 0) > 0 and self.x:",
        ),
        (
            "if self.forced or run.get('status') == 'success':",
            "run.get('rows_inserted', 0)",
            "if self.forced or (run.get('status') == 'success' and (run.get('rows_inserted', 0) or 0) > 0):",
        ),
    ];
    for (test, count, expected) in cases {
        let code = |test: &str| {
            format!(
                "def already_processed(self, run):\n    log({count})\n    {test}\n        return True\n    return False\n"
            )
        };
        assert_eq!(fix(&code(test)), (code(expected), 0));
    }
    // Another row's count is none of this one's.
    let other = "def already_processed(run, old):\n    log(old.records_processed)\n    if run.status == 'success':\n        return True\n    return False\n";
    assert_eq!(fix(other), (other.to_owned(), 1));
}

#[test]
fn a_success_asks_for_the_failures_that_were_counted() {
    let fix = |code: &str| {
        let project = Project::new(&[("a.py", code)]);
        let select = ["--select", "unearned-success"];
        let ran = project.run(&[&["check", "--fix", "--unsafe-fixes", "."], &select[..]].concat());
        (project.read("a.py"), ran.code)
    };
    let code = |name: &str, begin: &str, end: &str| {
        format!(
            "def {name}(job, files):\n    {begin}\n    for file in files:\n        try:\n            \
             convert(file)\n        except ValueError:\n            failed += 1\n    {end}\n"
        )
    };
    let cases = [
        ("main", "return 0", "return 1 if failed else 0"),
        (
            "run",
            "job.status = \"success\"",
            "job.status = \"failed\" if failed else \"success\"",
        ),
        (
            "run",
            "job['state'] = 'SUCCESS'",
            "job['state'] = 'FAILED' if failed else 'SUCCESS'",
        ),
    ];
    for (name, before, after) in cases {
        let fixed = fix(&code(name, "failed = 0", before));
        assert_eq!(fixed, (code(name, "failed = 0", after), 0));
    }
    // A status of which the opposite is not known, and a variable that may not be set.
    for (begin, end) in [
        ("failed = 0", "job.status = 'completed'"),
        ("if files: failed = 0", "job.status = 'success'"),
    ] {
        let text = code("run", begin, end);
        assert_eq!(fix(&text), (text.clone(), 1));
    }
}

#[test]
fn needless_comments_are_removed() {
    let fix = |name: &str, code: &str| {
        let project = Project::new(&[(name, code)]);
        let ran = project.run(&["check", "--fix", "."]);
        (project.read(name), ran.code)
    };
    for (name, before, after) in [
        (
            "a.py",
            "x = 1  # tallylint: ignore[untracked-return] a\n",
            "x = 1\n",
        ),
        (
            "a.py",
            "# tallylint: ignore[untracked-return] a\r\nx = 1\r\n",
            "x = 1\r\n",
        ),
        (
            "a.py",
            "x = 1  # noqa  # tallylint: ignore[untracked-return] a\n",
            "x = 1  # noqa\n",
        ),
        (
            "a.py",
            "x = 1  # tallylint: ignore[untracked-return] a # noqa\n",
            "x = 1  # noqa\n",
        ),
        (
            "a.py",
            "x = 1  # tallylint: ignore[untracked-return, swallowed-write] a\n",
            "x = 1\n",
        ),
        ("a.py", "# tallylint: ignore-file[untracked-return] a\n", ""),
        (
            "a.rs",
            "fn f() {} // tallylint: ignore[untracked-return] a\n",
            "fn f() {}\n",
        ),
        (
            "a.rs",
            "fn f() {\n    // tallylint: ignore[swallowed-write] a\n    g();\n}\n",
            "fn f() {\n    g();\n}\n",
        ),
    ] {
        assert_eq!(fix(name, before), (after.to_owned(), 0), "{before}");
    }
    // The rule that is needed stays.
    let needed = PROGRAM.replace(
        "return  # nothing to do",
        "return  # tallylint: ignore[swallowed-write, untracked-return] nothing to do",
    );
    let (text, _) = fix("a.py", &needed);
    assert!(
        text.contains("return  # tallylint: ignore[untracked-return] nothing to do"),
        "{text}"
    );
}

#[test]
fn rust_is_fixed_by_the_same_means() {
    let code = "\
use std::collections::HashMap;

trait Processor {
    fn save_data(&mut self) -> Result<(), Error>;
}

struct Odds {
    rows: Vec<u32>,
    stats: HashMap<String, u64>,
}

impl Processor for Odds {
    fn save_data(&mut self) -> Result<(), Error> {
        if self.rows.is_empty() {
            return Ok(());
        }
        self.stats.insert(\"rows_inserted\".to_string(), self.rows.len() as u64);
        Ok(())
    }
}
";
    let project = Project::new(&[("a.rs", code)]);
    let ran = project.run(&["check", "--fix", "."]);
    assert_eq!(ran.code, 1, "the type of what is stored is not known");
    assert_eq!(project.read("a.rs"), code);
    let ran = project.run(&["check", "--fix", "--unsafe-fixes", "."]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let stored = "self.stats.insert(\"rows_inserted\".to_string(), 0);\n            return Ok(());";
    assert_eq!(project.read("a.rs"), code.replace("return Ok(());", stored));
}
