//! Input that is missing, broken, linked or piped in.

use crate::common::{Project, json};

#[test]
fn missing_paths_make_the_result_incomplete() {
    let project = Project::new(&[("a.py", "")]);
    let ran = project.run(&["check", "a.py", "nope.py", "no/folder"]);
    assert_eq!(ran.code, 2);
    assert_eq!(
        ran.stderr,
        "error: no/folder: no such file or directory\n\
         error: nope.py: no such file or directory\n"
    );
    assert_eq!(
        ran.stdout,
        "No findings in 0 processors (1 file checked) in [TIME]\n\
         2 paths could not be analysed: the result is incomplete\n\
         No method had to keep a contract; no function that may write was looked at.\n\
         Next: tallylint check, which looks at the whole folder\n"
    );
}

#[test]
fn bytes_that_are_not_text_are_named() {
    let project = Project::new(&[("a.py", "")]);
    project.write("bad.py", b"x = 1\ny = '\xff'\n");
    project.write("latin.py", b"# coding: latin-1\nx = '\xff'\n");
    project.write("klingon.py", b"# coding: klingon\n");
    for fail_on in ["warning", "never"] {
        let ran = project.run(&["check", "--format", "json", "--fail-on", fail_on]);
        assert_eq!(ran.code, 2);
        let files = &json(&ran)["files"];
        assert_eq!(files["checked"], 2);
        let expected = serde_json::json!([
            {"what": "not-analysed", "path": "bad.py",
             "reason": "line 2, column 6: invalid byte 0xff (the file is read as UTF-8)"},
            {"what": "not-analysed", "path": "klingon.py", "reason": "line 1, column 11: unknown encoding `klingon`"},
        ]);
        assert_eq!(files["failed"], expected);
        assert!(
            ran.stderr
                .starts_with("error: bad.py:2:6: invalid byte 0xff")
        );
    }
}

#[cfg(unix)]
#[test]
fn links() {
    let project = Project::new(&[("src/a.py", ""), ("src/sub/b.py", "")]);
    project.link("..", "src/sub/loop");
    project.link("a.py", "src/same.py");
    project.link("gone.py", "src/broken.py");
    project.link("b/c", "src/b");
    let ran = project.run(&[
        "check",
        "--format",
        "json",
        "src",
        "./src/a.py",
        "src/same.py",
    ]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    assert_eq!(json(&ran)["files"]["checked"], 2);
    let ran = project.run(&["check", "src/broken.py"]);
    assert_eq!(ran.code, 2);
    assert_eq!(ran.stderr, "error: src/broken.py: broken link\n");
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_not_waited_for() {
    let project = Project::new(&[("a.py", "")]);
    let made = std::process::Command::new("mkfifo")
        .arg(project.path("p.py"))
        .status();
    if !made.is_ok_and(|status| status.success()) {
        return;
    }
    assert_eq!(project.run(&["check"]).code, 0);
    let ran = project.run(&["check", "p.py"]);
    assert_eq!(
        (ran.code, ran.stderr.as_str()),
        (2, "error: p.py: not a regular file\n")
    );
}

#[test]
fn standard_input() {
    let project = Project::new(&[("a.py", "")]);
    let ran = project.tallylint(&["check", "-"]).stdin("x = 1\n").run();
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stdout.contains("(1 file checked)"));
    let ran = project.tallylint(&["check", "-"]).stdin(*b"\n\n\xff").run();
    assert_eq!(ran.code, 2);
    assert!(
        ran.stderr
            .starts_with("error: <stdin>:3:1: invalid byte 0xff"),
        "{}",
        ran.stderr
    );
}

#[test]
fn standard_input_stands_for_its_file() {
    let project = Project::new(&[]);
    project.write("a.py", b"\xff");
    let arguments = ["check", "-", ".", "--stdin-filename", "a.py"];
    let ran = project.tallylint(&arguments).stdin("x = 1\n").run();
    assert_eq!(ran.code, 0, "the file on disk is not read: {ran:?}");
    assert!(ran.stdout.contains("(1 file checked)"), "{}", ran.stdout);
}

#[test]
fn paths_cannot_drive_the_terminal() {
    let project = Project::new(&[]);
    project.write("\u{1b}[31m.py", b"\xff");
    let ran = project.run(&["check"]);
    assert_eq!(ran.code, 2);
    assert!(
        ran.stderr.starts_with("error: ␛[31m.py:1:1: "),
        "{:?}",
        ran.stderr
    );
}

#[test]
fn colour_follows_option_and_environment() {
    let project = Project::new(&[("a.py", "")]);
    let colour = |option: &str, name: &str, value: &str| {
        let arguments = ["check", "--color", option];
        let ran = project.tallylint(&arguments).env(name, value).run();
        assert_eq!(ran.code, 0);
        ran.stdout.contains('\u{1b}')
    };
    // Without findings only the absence of colour can be seen here; the text report's own test
    // sees its presence.
    assert!(!colour("auto", "NO_COLOR", "1"));
    assert!(!colour("never", "CLICOLOR_FORCE", "1"));
}
