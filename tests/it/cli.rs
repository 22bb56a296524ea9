//! Options, output and exit codes.

use std::io::Read;
use std::process::Stdio;

use crate::common::{Project, json};

const CLEAN: &str = "x = 1\n";

#[test]
fn a_clean_run() {
    let project = Project::new(&[("a.py", CLEAN), ("pkg/b.py", CLEAN)]);
    let ran = project.run(&["check"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    assert_eq!(
        ran.stdout,
        "No findings in 0 processors (2 files checked) in [TIME]\n\
         No method had to keep a contract; no function that may write was looked at.\n\
         Next: tallylint explain untracked-return, on how to declare a contract\n"
    );
    let ran = project.run(&["check", "-q", "a.py"]);
    assert_eq!(
        (ran.code, ran.stdout.as_str(), ran.stderr.as_str()),
        (0, "", "")
    );
    let ran = project.run(&["check", "--format", "concise", "."]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""));
}

#[test]
fn json_has_its_shape_without_findings() {
    let project = Project::new(&[("a.py", CLEAN), (".gitignore", "b.py\n"), ("b.py", "")]);
    let ran = project.run(&["check", "--format", "json"]);
    assert_eq!(ran.code, 0);
    let expected = serde_json::json!({
        "version": 1,
        "tool": {"name": "tallylint", "version": env!("CARGO_PKG_VERSION")},
        "findings": [],
        "suppressed": [],
        "baseline": {"known": 0, "expired": []},
        "fixed": 0,
        "files": {
            "checked": 1,
            "skipped": 1,
            "left_out": {"excluded": 0, "templates": 0, "python2": 0},
            "failed": [],
        },
        "processors": 0,
        "outside": {"writing": 0, "followed": 0, "tests": 0},
        "candidate": null,
        "unfollowed": 0,
        "checklist": [],
    });
    assert_eq!(json(&ran), expected);
    assert_eq!(
        ran.stdout,
        project.run(&["check", "--format", "json"]).stdout
    );
}

#[test]
fn nothing_to_check_is_said() {
    let project = Project::new(&[("notes.txt", "")]);
    let ran = project.run(&["check"]);
    assert_eq!(ran.code, 0);
    assert_eq!(ran.stderr, "warning: no source files found\n");
    assert_eq!(project.run(&["check", "-q"]).stderr, "");
}

#[test]
fn usage_errors() {
    let project = Project::new(&[("a.py", CLEAN)]);
    for arguments in [
        &["chekc"][..],
        &[],
        &["check", "--formt", "json"],
        &["check", "--format", "xml"],
        &["check", "-q", "-v"],
        &["check", "--isolated", "--config", "x.toml"],
        &["check", "--stdin-filename", "x.py"],
        &["check", "--select", "untracked-return", "--ignore", "all"],
    ] {
        let ran = project.run(arguments);
        assert_eq!(ran.code, 2, "{arguments:?}: {ran:?}");
        assert_eq!(ran.stdout, "", "{arguments:?}");
        assert!(!ran.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn unknown_rules_get_a_suggestion() {
    let project = Project::new(&[("a.py", CLEAN)]);
    let expected = "error: unknown rule `untracked-retrun`; did you mean `untracked-return`?\n";
    for arguments in [
        &["check", "--select", "untracked-retrun"][..],
        &["check", "--ignore", "all,untracked-retrun"],
        &["explain", "untracked-retrun"],
    ] {
        let ran = project.run(arguments);
        assert_eq!(
            (ran.code, ran.stderr.as_str()),
            (2, expected),
            "{arguments:?}"
        );
    }
    let ran = project.run(&["check", "--select", "E501"]);
    assert_eq!(ran.stderr, "error: unknown rule `E501`\n");
}

#[test]
fn help_and_version() {
    let project = Project::new(&[]);
    let ran = project.run(&["--version"]);
    let expected = format!("tallylint {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!((ran.code, ran.stdout), (0, expected));
    let ran = project.run(&["check", "--help"]);
    assert_eq!(ran.code, 0);
    for option in [
        "--fail-on",
        "--stdin-filename",
        "--isolated",
        "[default: warning]",
    ] {
        assert!(ran.stdout.contains(option), "{option}: {}", ran.stdout);
    }
}

#[test]
fn rules_and_their_pages() {
    let project = Project::new(&[]);
    let ran = project.run(&["rules"]);
    assert_eq!(ran.code, 0);
    assert!(
        ran.stdout
            .contains("untracked-return (correctness, on by default)\n")
    );
    let ran = project.run(&["rules", "--format", "json"]);
    let rules = &json(&ran)["rules"];
    let all = rules.as_array().unwrap();
    assert_eq!(all.len(), tallylint::rules::all().len());
    let first = all.iter().find(|r| r["id"] == "untracked-return").unwrap();
    assert_eq!(first["kinds"][0]["name"], "never-set");
    let ran = project.run(&["explain", "untracked-return"]);
    assert_eq!(ran.code, 0);
    assert!(ran.stdout.starts_with("# Untracked return\n"));
    assert!(ran.stdout.contains("## How to fix it"));
    assert!(!ran.stdout.contains("+++"));
}

#[test]
fn output_goes_to_a_file() {
    let project = Project::new(&[("a.py", CLEAN)]);
    let ran = project.run(&["check", "--format", "json", "--output", "report.json"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""));
    assert!(
        project
            .read("report.json")
            .starts_with("{\n  \"version\": 1")
    );
    let ran = project.run(&["check", "--output", "no/such/folder.txt"]);
    assert_eq!(ran.code, 2);
    assert_eq!(
        ran.stderr,
        "error: cannot write no/such/folder.txt: no such file or directory\n"
    );
}

#[test]
fn statistics_and_verbose_go_to_standard_error() {
    let project = Project::new(&[("a.py", CLEAN), ("venv/b.py", ""), ("venv/pyvenv.cfg", "")]);
    let ran = project.run(&["check", "--statistics=engine", "-q"]);
    assert!(ran.stderr.contains("1  files read\n"), "{}", ran.stderr);
    let ran = project.run(&["check", "-v"]);
    assert!(ran.stderr.contains("configuration: none\n"));
    assert!(
        ran.stderr
            .contains("skipped: venv: never holds first-party code\n")
    );
}

#[test]
fn findings_are_counted_by_rule_and_kind() {
    let program = "class B:\n    def run(self):\n        self.save_data()\n        return self.stats.get('rows_inserted', 0)\n\n\n\
                   class P(B):\n    def save_data(self):\n        if not self.rows:\n            return\n        if self.dry:\n            \
                   return\n        if self.client.load(self.rows):\n            self.stats['rows_inserted'] = 1\n";
    let project = Project::new(&[("a.py", program)]);
    let ran = project.run(&["check", "--statistics", "--format", "concise"]);
    assert_eq!(ran.stdout.lines().count(), 3, "{}", ran.stdout);
    let counted = "      2  untracked-return/unset (2 with a fix)\n      1  untracked-return/unset-after-write\n";
    assert_eq!(
        (ran.code, ran.stderr.as_str()),
        (1, counted),
        "{}",
        ran.stdout
    );
    let ran = project.run(&["check", "--statistics=effort"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("[possible values: findings, engine]"));
}

#[test]
fn a_misspelt_key_is_pointed_out() {
    let program = |statement: &str| {
        format!(
            "class B:\n    def run(self):\n        self.save_data()\n        return self.stats.get('rows_inserted', 0)\n\n\n\
             class P(B):\n    def save_data(self):\n        {statement}\n"
        )
    };
    let check = |statement: &str| {
        let project = Project::new(&[("a.py", &program(statement))]);
        project.run(&["check"]).stdout
    };
    for statement in [
        "self.stats['row_inserted'] = self.client.load(self.rows)",
        "self.stats = {'rows_insertd': self.client.load(self.rows)}",
        "self.stats.setdefault('rows_insrted', self.client.load(self.rows))",
    ] {
        let told = check(statement);
        assert!(
            told.contains("is set in line 9; did you mean `rows_inserted`?"),
            "{told}"
        );
    }
    for statement in [
        "self.stats['rows_deleted'] = self.client.load(self.rows)",
        "self.stats['rows'] = self.client.load(self.rows)",
    ] {
        let told = check(statement);
        assert!(
            told.contains("never-set") && !told.contains("did you mean"),
            "{told}"
        );
    }
}

#[test]
fn nothing_is_said_of_what_was_not_checked() {
    let project = Project::new(&[("a.py", CLEAN)]);
    let ran = project.run(&["check", "nope.py"]);
    assert_eq!(ran.code, 2);
    assert_eq!(ran.stderr, "error: nope.py: no such file or directory\n");
    assert!(
        ran.stdout.starts_with("Nothing could be checked in "),
        "{}",
        ran.stdout
    );
    let ran = project.run(&["check", "a.py", "nope.py"]);
    assert!(
        ran.stdout
            .starts_with("No findings in 0 processors (1 file checked)")
    );
}

#[test]
fn a_named_stub_or_notebook_is_told() {
    let project = Project::new(&[("a.py", CLEAN), ("b.ipynb", "{}"), ("c.pyi", "")]);
    let told = "skipped: b.ipynb: notebooks are not read\n";
    let ran = project.run(&["check", "a.py", "b.ipynb"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, told));
    assert!(
        ran.stdout.contains("1 file checked, 1 skipped"),
        "{}",
        ran.stdout
    );
    let ran = project.run(&["check", "--quiet", "b.ipynb"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    // In a folder they are no surprise.
    let ran = project.run(&["check"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    assert!(
        ran.stdout.contains("1 file checked, 2 skipped"),
        "{}",
        ran.stdout
    );
}

/// A repository with a template or old code does not fail for ever, and a broken file still does.
#[test]
fn templates_and_old_code_in_a_folder_are_skipped_with_a_reason() {
    let project = Project::new(&[
        ("a.py", CLEAN),
        (
            "old.py",
            "class A(B):\n    def save_data(self):\n        print \"done\"\n",
        ),
        (
            "new.py",
            "{% if db %}\nimport db\n{% endif %}\n# save_data\n",
        ),
        ("{{ name }}/b.py", "x = = 1  # save_data\n"),
    ]);
    let told = "\
skipped: new.py: a template; only what parses as code was checked
skipped: old.py: Python 2; only what parses as Python 3 was checked
skipped: {{ name }}: part of a template
";
    let ran = project.run(&["check"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, told));
    let counted = "1 file checked, 3 skipped";
    assert!(ran.stdout.contains(counted), "{}", ran.stdout);
    let report = json(&project.run(&["check", "--format", "json"]));
    assert_eq!(report["files"]["skipped"], 3);
    // Whoever names a file wants it read.
    let ran = project.run(&["check", "old.py"]);
    assert_eq!(ran.code, 2);
    assert_eq!(ran.stderr, "error: old.py:3:15: unexpected \"done\"\n");

    project.write("tallylint.toml", "unparsable = \"skip\"\n");
    let ran = project.run(&["check"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    assert!(ran.stdout.contains(counted), "{}", ran.stdout);
    project.write("tallylint.toml", "unparsable = \"error\"\n");
    let ran = project.run(&["check"]);
    assert_eq!(ran.code, 2);
    for file in ["new.py:1:2", "old.py:3:15", "{{ name }}/b.py:1:5"] {
        let error = format!("error: {file}: ");
        assert!(ran.stderr.contains(&error), "{}", ran.stderr);
    }
    // What is just broken is an error in any case.
    project.write("tallylint.toml", "");
    project.write("new.py", "x = = 1  # save_data\n");
    assert_eq!(project.run(&["check"]).code, 2);
}

#[cfg(unix)]
#[test]
fn a_closed_pipe_is_no_crash() {
    let project = Project::new(&[("a.py", CLEAN)]);
    for arguments in [
        &["check", "--format", "json"][..],
        &["explain", "untracked-return"],
        &["check", "missing.py"],
        &["--help"],
    ] {
        let mut command = project.tallylint(arguments).into_command();
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut child = command
            .stdout(writer)
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = String::new();
        child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut stderr)
            .unwrap();
        let code = child.wait().unwrap().code();
        let expected = if arguments.contains(&"missing.py") {
            2
        } else {
            0
        };
        assert_eq!(code, Some(expected), "{arguments:?}: {stderr}");
        assert!(!stderr.contains("panicked"), "{stderr}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error() {
    let project = Project::new(&[("a.py", CLEAN)]);
    let mut command = project.tallylint(&["check"]).into_command();
    let full = std::fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let output = command.stdout(full).stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn debug_cfg_names_what_is_wrong_with_its_target() {
    let project = Project::new(&[]);
    let ran = project.run(&["debug", "cfg", "missing.py:A.f"]);
    assert_eq!(ran.code, 2);
    assert_eq!(ran.stderr, "error: missing.py: no such file or directory\n");
}
