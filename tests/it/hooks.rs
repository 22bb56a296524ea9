//! What pre-commit reads: the hooks of this repository, and the one that `init` writes.
//! `scripts/test_pre_commit.sh` lets pre-commit itself install and run them.

use std::path::Path;

use serde_json::{Value, json};

use crate::common::{Project, yaml};

const BAD: &str = "\
class ScoresProcessor(ProcessorBase):
    def save_data(self):
        if not self.rows:
            return
        self.stats['rows_inserted'] = len(self.rows)
";

/// What a hook does, whichever way it is installed.
const SHARED: [&str; 5] = ["name", "entry", "args", "types_or", "require_serial"];

fn manifest() -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(".pre-commit-hooks.yaml");
    let hooks = yaml(&std::fs::read_to_string(path).unwrap());
    hooks.as_array().unwrap().clone()
}

fn shared(hook: &Value) -> Value {
    SHARED.iter().map(|key| (*key, hook[key].clone())).collect()
}

#[test]
fn hooks_differ_in_how_they_are_installed_only() {
    let hooks = manifest();
    let installed: Vec<_> = hooks.iter().map(|h| (&h["id"], &h["language"])).collect();
    assert_eq!(
        json!(installed),
        json!([["tallylint", "python"], ["tallylint-rust", "rust"]])
    );
    for hook in &hooks {
        assert_eq!(shared(hook), shared(&hooks[0]));
        assert_eq!(hook["types_or"], json!(["python", "rust"]));
        assert_eq!(hook["require_serial"], json!(true));
        assert!(hook["minimum_pre_commit_version"].is_string());
    }
}

#[test]
fn the_hook_of_init_is_the_same() {
    let project = Project::new(&[("a.py", "x = 1\n")]);
    assert_eq!(project.run(&["init"]).code, 0);
    let text = project.read(".pre-commit-config.yaml");
    let written = yaml(&text);
    let hook = &written["repos"][0]["hooks"][0];
    assert_eq!(shared(hook), shared(&manifest()[0]));
    assert_eq!(written["repos"][0]["repo"], "local");
    assert_eq!(hook["language"], "system");
    // What the comment offers instead is what the manifest has; only a release requires its version.
    let wheel = text
        .replace("        # language: python\n", "        language: python\n")
        .replace("        # additional_", "        additional_")
        .replace("        language: system\n", "");
    let written = yaml(&wheel);
    let hook = &written["repos"][0]["hooks"][0];
    assert_eq!(hook["additional_dependencies"], json!(["tallylint"]));
    assert_eq!(hook["language"], manifest()[0]["language"]);
}

#[test]
fn what_a_hook_runs_refuses_and_accepts() {
    let project = Project::new(&[("bad.py", BAD), ("good.py", "x = 1\n")]);
    for hook in manifest() {
        let words: Vec<_> = hook["entry"].as_str().unwrap().split(' ').collect();
        assert_eq!(words[0], "tallylint");
        let mut arguments = words[1..].to_vec();
        arguments.extend(
            hook["args"]
                .as_array()
                .unwrap()
                .iter()
                .map(|a| a.as_str().unwrap()),
        );
        let ran = project.run(&[&arguments[..], &["good.py", "bad.py"]].concat());
        assert_eq!(ran.code, 1, "{ran:?}");
        assert!(
            ran.stdout
                .starts_with("warning[untracked-return/unset]: `save_data` can return")
        );
        // A hook's output is read among that of others: no summary.
        assert!(
            ran.stdout.ends_with("(0 if nothing was written)\n\n"),
            "{ran:?}"
        );
        let ran = project.run(&[&arguments[..], &["good.py"]].concat());
        assert_eq!(
            (ran.code, ran.stdout.as_str(), ran.stderr.as_str()),
            (0, "", "")
        );
    }
}
