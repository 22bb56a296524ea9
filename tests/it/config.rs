//! Configuration files as seen from the command line.

use crate::common::Project;

const BROKEN: &str = "selct = ['all']\n";

#[test]
fn errors_name_file_and_position() {
    let project = Project::new(&[("a.py", ""), ("tallylint.toml", BROKEN)]);
    let ran = project.run(&["check"]);
    assert_eq!(ran.code, 2);
    assert_eq!(
        ran.stderr,
        "error: tallylint.toml:1:1: unknown key `selct`; did you mean `select`?\n"
    );
    assert_eq!(project.run(&["check", "--isolated"]).code, 0);
}

#[test]
fn the_nearest_file_counts() {
    let project = Project::new(&[
        ("tallylint.toml", BROKEN),
        (
            "sub/pyproject.toml",
            "[tool.tallylint]\nexclude = ['gen']\n",
        ),
        ("sub/deep/a.py", ""),
        ("sub/gen/b.py", ""),
        ("other/pyproject.toml", "[project]\nname = 'x'\n"),
    ]);
    let ran = project
        .tallylint(&["check", "-v", ".."])
        .in_folder("sub/deep")
        .run();
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stderr.contains("pyproject.toml\n"), "{}", ran.stderr);
    assert!(
        ran.stdout.contains("1 file checked, 1 skipped"),
        "{}",
        ran.stdout
    );
    let ran = project.tallylint(&["check"]).in_folder("other").run();
    assert_eq!(
        ran.code, 2,
        "a pyproject.toml without the table is passed by"
    );
}

#[test]
fn a_named_file_is_used() {
    let project = Project::new(&[
        ("tallylint.toml", BROKEN),
        ("good.toml", "exclude = ['b.py']\n"),
        ("a.py", ""),
        ("b.py", ""),
    ]);
    let ran = project.run(&["check", "--config", "good.toml"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(
        ran.stdout.contains("1 file checked, 1 skipped"),
        "{}",
        ran.stdout
    );
    let ran = project.run(&["check", "--config", "good.toml", "b.py"]);
    assert!(
        ran.stdout.contains("1 file checked)"),
        "named files are taken: {}",
        ran.stdout
    );
    let ran = project.run(&["check", "--config", "missing.toml"]);
    assert_eq!(ran.code, 2);
    assert_eq!(
        ran.stderr,
        "error: missing.toml: no such file or directory\n"
    );
    project.write("pyproject.toml", "[tool.x]\n");
    let ran = project.run(&["check", "--config", "pyproject.toml"]);
    assert_eq!(
        ran.stderr,
        "error: pyproject.toml: has no `[tool.tallylint]` table\n"
    );
}

#[test]
fn rules_of_the_file() {
    let project = Project::new(&[("a.py", ""), ("tallylint.toml", "ignore = ['all']\n")]);
    let ran = project.run(&["check"]);
    assert_eq!(
        (ran.code, ran.stderr.as_str()),
        (2, "error: no rule is left to run\n")
    );
    assert_eq!(
        project.run(&["check", "--select", "untracked-return"]).code,
        0
    );
}
