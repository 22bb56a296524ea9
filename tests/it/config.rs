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
        "error: tallylint.toml:1:1: unknown key `selct`; did you mean `select`?\n\
         \x20 |\n\
         1 | selct = ['all']\n\
         \x20 | ^^^^^\n"
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

/// Findings of a rule on a file, in a project with this configuration: line and kind.
pub fn found(code: &str, rule: &str, options: &str) -> Vec<String> {
    let project = Project::new(&[("a.py", code), ("tallylint.toml", options)]);
    let ran = project.run(&["check", "--select", rule, "--format", "json"]);
    let found = crate::common::json(&ran);
    found["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| format!("{} {}", f["line"], f["kind"].as_str().unwrap()))
        .collect()
}

/// Findings of `success-as-proof` on a project with this configuration: line and kind.
fn proofs(options: &str) -> Vec<String> {
    let code = "\
def already_processed(run):
    if run.status == 'landed':
        return True
    return False


def close(gaps, run):
    if run.status == 'success':
        gaps.close_gap(run.day)


def should_skip(run):
    return run.status == 'success' and run.widgets > 0
";
    found(code, "success-as-proof", options)
}

#[test]
fn success_as_proof_takes_names_from_the_configuration() {
    let plain = "13 answers-done";
    assert_eq!(proofs(""), [plain]);
    let words = "[success-as-proof]\nsuccess-words = ['landed']\n";
    assert_eq!(proofs(words), ["2 answers-done"]);
    let effects = "[success-as-proof]\neffects = ['close_gap']\n";
    assert_eq!(proofs(effects), ["8 marks-done", plain]);
    let counts = "[success-as-proof]\ncount-pattern = '^widgets$'\n";
    assert!(proofs(counts).is_empty());
}

/// Findings of `swallowed-write` on a project with this configuration: line and kind.
fn swallowed(options: &str) -> Vec<String> {
    let code = "\
class Odds(ProcessorBase):
    def save_data(self):
        self.stats['rows_inserted'] = len(self.rows)
        try:
            self.sidecar.write(self.rows)
        except OSError:
            pass
        if not self._load():
            self.stats['rows_inserted'] = 0

    def _load(self):
        try:
            self.client.load(self.rows)
        except OSError:
            return False
        return True
";
    found(code, "swallowed-write", options)
}

#[test]
fn swallowed_write_takes_words_from_the_configuration() {
    assert_eq!(swallowed(""), ["6 swallowed"]);
    let auxiliary = "[swallowed-write]\nauxiliary = ['sidecar']\n";
    assert!(swallowed(auxiliary).is_empty());
    let strict = "[swallowed-write]\nstrict = true\n";
    assert_eq!(swallowed(strict), ["6 swallowed", "14 certified"]);
}

#[test]
fn a_pattern_that_is_none_is_an_error() {
    let text = "[success-as-proof]\ncount-pattern = '('\n";
    let project = Project::new(&[("a.py", ""), ("tallylint.toml", text)]);
    let ran = project.run(&["check"]);
    assert_eq!(ran.code, 2);
    assert!(
        ran.stderr
            .starts_with("error: tallylint.toml:2:17: not a valid pattern"),
        "{}",
        ran.stderr
    );
}

#[test]
fn another_try_goes_to_the_same_table() {
    let fallback = |first: &str, second: &str| {
        let code = format!(
            "class Odds(ProcessorBase):\n    def save_data(self):\n        try:\n            \
             self.client.insert_rows('{first}', self.rows)\n        except OSError:\n            \
             self.client.insert_rows('{second}', self.rows)\n        \
             self.stats['rows_inserted'] = len(self.rows)\n"
        );
        found(&code, "swallowed-write", "")
    };
    assert!(fallback("orders", "orders").is_empty());
    // The same rows elsewhere do not make up for it.
    assert_eq!(fallback("orders", "archive"), ["5 swallowed"]);
}
