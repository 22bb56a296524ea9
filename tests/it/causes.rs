//! One cause gives one finding; what else it leads to is told in a note.

use serde_json::Value;

use crate::common::{Project, Ran, json};

/// A failed write that the method catches, and then returns without setting the place.
const CAUGHT: &str = "\
class Parcels(BaseProcessor):
    def save_data(self):
        try:
            self.client.insert_rows(self.rows)
        except Exception:
            return
        self.stats['rows_inserted'] = len(self.rows)
";

fn rules(findings: &Value) -> Vec<&str> {
    let findings = findings.as_array().into_iter().flatten();
    findings.map(|f| f["rule"].as_str().unwrap()).collect()
}

fn check(project: &Project, arguments: &[&str]) -> Ran {
    project.run(&[&["check"], arguments].concat())
}

fn report(project: &Project, arguments: &[&str]) -> Value {
    json(&check(
        project,
        &[&["--format", "json"], arguments].concat(),
    ))
}

#[test]
fn what_follows_from_a_failure_that_is_lost_is_a_note_there() {
    let project = Project::new(&[("a.py", CAUGHT)]);
    let whole = report(&project, &[]);
    assert_eq!(rules(&whole["findings"]), ["swallowed-write"]);
    let finding = &whole["findings"][0];
    assert_eq!(rules(&finding["consequences"]), ["untracked-return"]);
    let notes = finding["notes"].as_array().unwrap();
    let note = notes.last().and_then(Value::as_str).unwrap();
    assert!(note.starts_with("for the same reason, `save_data` can return without setting"));
    assert!(note.ends_with("(untracked-return, line 6)"), "{note}");
    let shown = check(&project, &[]).stdout;
    assert!(shown.contains("Found 1 error in"), "{shown}");
    assert!(
        shown.contains("1 more finding has the same cause as one of these"),
        "{shown}"
    );
    // For itself, it is reported whole.
    let alone = report(&project, &["--select", "untracked-return"]);
    let consequence = &finding["consequences"][0];
    for field in ["message", "line", "steps", "fingerprint", "severity"] {
        assert_eq!(alone["findings"][0][field], consequence[field], "{field}");
    }
}

#[test]
fn a_way_without_a_failure_has_a_finding_of_its_own() {
    let text = CAUGHT.replace(
        "        try:\n",
        "        if not self.rows:\n            return\n        try:\n",
    );
    let project = Project::new(&[("a.py", &text)]);
    let whole = report(&project, &[]);
    assert_eq!(
        rules(&whole["findings"]),
        ["untracked-return", "swallowed-write"]
    );
}

#[test]
fn nothing_comes_up_later_that_a_comment_or_baseline_should_have_covered() {
    let project = Project::new(&[("a.py", CAUGHT)]);
    let ran = check(&project, &["--add-ignore", "the queue tells"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let whole = report(&project, &[]);
    assert_eq!(rules(&whole["findings"]), [""; 0]);
    let mut suppressed = rules(&whole["suppressed"]);
    suppressed.sort_unstable();
    assert_eq!(suppressed, ["swallowed-write", "untracked-return"]);

    project.write("a.py", CAUGHT);
    let baseline = ["--baseline", "known.jsonl"];
    let ran = check(
        &project,
        &[baseline.as_slice(), &["--write-baseline"]].concat(),
    );
    assert_eq!(ran.code, 0, "{ran:?}");
    let whole = report(&project, &baseline);
    assert_eq!(rules(&whole["findings"]), [""; 0]);
    assert_eq!(whole["baseline"]["known"], 2);
    assert_eq!(whole["baseline"]["expired"], Value::Array(Vec::new()));

    // Whoever accepts that the failure is lost has not accepted that the count is missing.
    let ignored = CAUGHT.replace(
        "Exception:",
        "Exception:  # tallylint: ignore[swallowed-write] the queue tells",
    );
    project.write("a.py", &ignored);
    let whole = report(&project, &[]);
    assert_eq!(rules(&whole["findings"]), ["untracked-return"]);
}

/// A run must not pass because an error hides behind a warning.
#[test]
fn what_is_more_severe_stands_for_itself() {
    let project = Project::new(&[
        ("a.py", CAUGHT),
        (
            "tallylint.toml",
            "[severity]\nswallowed-write = \"warning\"\n",
        ),
    ]);
    let whole = report(&project, &[]);
    assert_eq!(
        rules(&whole["findings"]),
        ["swallowed-write", "untracked-return"]
    );
}
