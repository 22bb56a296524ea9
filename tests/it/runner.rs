//! A stand-in for a runner of GitHub Actions: a checkout with a history, an event, and the steps of
//! `action.yml`, one after the other.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::common::yaml;

/// A processor with one finding.
pub const BAD: &str = "\
class ScoresProcessor(ProcessorBase):
    def save_data(self):
        if not self.rows:
            return
        self.stats['rows_inserted'] = len(self.rows)
";

/// A processor without any.
pub const GOOD: &str = "\
class TradesProcessor(ProcessorBase):
    def save_data(self):
        self.stats['rows_inserted'] = len(self.rows)
";

/// The ways of installing to try.
pub const INSTALLS: &str = "TALLYLINT_ACTION_INSTALLS";

/// The action of this repository.
pub fn action() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("action.yml");
    yaml(&fs::read_to_string(path).unwrap())
}

/// The steps of an action.
pub fn steps(action: &Value) -> &[Value] {
    action["runs"]["steps"].as_array().unwrap()
}

/// A job with a checkout in a folder of its own.
pub struct Job {
    dir: tempfile::TempDir,
    inputs: BTreeMap<String, String>,
    /// What happened.
    pub event: Value,
    /// Outputs of steps, by the step's id.
    outputs: BTreeMap<String, BTreeMap<String, String>>,
    log: String,
}

/// What a job came to.
#[derive(Debug)]
pub struct Done {
    /// The exit code of the last step.
    pub code: i32,
    /// What the steps printed.
    pub log: String,
    /// The job summary.
    pub summary: String,
    outputs: BTreeMap<String, String>,
    /// Whether the step that uploads was taken.
    pub uploads: bool,
}

impl Done {
    /// An output of the action.
    pub fn output(&self, name: &str) -> &str {
        self.outputs.get(name).map_or("", String::as_str)
    }

    /// The commands in the log that annotate.
    pub fn annotations(&self) -> Vec<&str> {
        let lines = self.log.lines();
        lines
            .filter(|line| line.starts_with("::") && line.contains("file="))
            .collect()
    }
}

impl Job {
    /// An empty repository, and the program under test.
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let job = Self {
            dir,
            inputs: BTreeMap::new(),
            event: json!({}),
            outputs: BTreeMap::new(),
            log: String::new(),
        };
        for folder in ["origin", "temp", "home"] {
            fs::create_dir(job.path(folder)).unwrap();
        }
        fs::write(job.path("summary.md"), "what was there\n").unwrap();
        job.git("origin", &["init", "--quiet", "--initial-branch=main"]);
        job.with("program", env!("CARGO_BIN_EXE_tallylint"))
    }

    /// Sets an input.
    pub fn with(mut self, input: &str, value: &str) -> Self {
        self.inputs.insert(input.to_owned(), value.to_owned());
        self
    }

    /// A path in the folder of the job; `origin` and `workspace` are the repositories.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Runs git in a folder of the job.
    pub fn git(&self, folder: &str, arguments: &[&str]) -> String {
        let mut command = Command::new("git");
        command.args(arguments).current_dir(self.path(folder));
        let output = self.alone(&mut command).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// A command away from the tester's environment.
    pub fn alone<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        let path = std::env::var_os("PATH").unwrap();
        command
            .env_clear()
            .env("PATH", path)
            .env("HOME", self.path("home"))
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .envs([("GIT_AUTHOR_NAME", "you"), ("GIT_COMMITTER_NAME", "you")])
            .envs(
                ["AUTHOR", "COMMITTER"].map(|who| (format!("GIT_{who}_EMAIL"), "you@example.org")),
            )
    }

    /// A commit of these files in the origin.
    pub fn commit(&self, files: &[(&str, &str)]) -> String {
        for (name, text) in files {
            let path = self.path("origin").join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        self.git("origin", &["add", "-A"]);
        self.git(
            "origin",
            &["commit", "--quiet", "--allow-empty", "-m", "Change"],
        );
        self.git("origin", &["rev-parse", "HEAD"])
    }

    /// An origin in which `main` has a fault in `old.py`; a pull request adds one in `new.py`,
    /// while `main` gets another in `theirs.py`. The event is that of the pull request.
    pub fn pull_request() -> Self {
        let mut job = Self::new();
        job.commit(&[("old.py", BAD), ("good.py", GOOD)]);
        job.git("origin", &["checkout", "--quiet", "-b", "topic"]);
        job.commit(&[("new.py", BAD)]);
        job.git("origin", &["checkout", "--quiet", "main"]);
        let base = job.commit(&[("theirs.py", BAD)]);
        job.git("origin", &["checkout", "--quiet", "-b", "merged"]);
        job.git("origin", &["merge", "--quiet", "--no-edit", "topic"]);
        job.event = json!({"pull_request": {
            "base": {"sha": base},
            "head": {"repo": {"fork": false}},
        }});
        job
    }

    /// Checks a branch out, as `actions/checkout` does: with so much history.
    pub fn checkout(&self, branch: &str, depth: Option<u32>) {
        let origin = format!("file://{}", self.path("origin").display());
        let depth = depth.map(|depth| format!("--depth={depth}"));
        let mut arguments = vec!["clone", "--quiet", "--branch", branch];
        arguments.extend(depth.as_deref());
        arguments.extend([&origin, "workspace"]);
        self.git("", &arguments);
    }

    /// What `${{ path }}` stands for; what is not there is empty, as with GitHub.
    fn value(&self, action: &Value, path: &str) -> String {
        let parts: Vec<&str> = path.split('.').collect();
        match parts[..] {
            ["inputs", name] => {
                let declared = &action["inputs"][name];
                assert!(declared.is_object(), "the input {name} is not declared");
                let default = || declared["default"].as_str().unwrap().to_owned();
                self.inputs.get(name).cloned().unwrap_or_else(default)
            }
            ["steps", id, "outputs", name] => {
                let step = self.outputs.get(id);
                let value = step.and_then(|outputs| outputs.get(name));
                value.cloned().unwrap_or_default()
            }
            ["github", "action_path"] => env!("CARGO_MANIFEST_DIR").to_owned(),
            ["github", "event", ..] => {
                let value = self.event.pointer(&format!("/{}", parts[2..].join("/")));
                match value {
                    None | Some(Value::Null) => String::new(),
                    Some(Value::String(text)) => text.clone(),
                    Some(other) => other.to_string(),
                }
            }
            _ => panic!("the test does not know {path}"),
        }
    }

    fn filled(&self, action: &Value, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${{") {
            let (path, after) = after.split_once("}}").unwrap();
            out.push_str(before);
            out.push_str(&self.value(action, path.trim()));
            rest = after;
        }
        out + rest
    }

    /// An `if:` of comparisons with literals and negated paths, joined by `&&`.
    fn holds(&self, action: &Value, condition: &str) -> bool {
        condition.split(" && ").all(|part| {
            let truthy = |path: &str| !matches!(&*self.value(action, path), "" | "false");
            let literal = |text: &str| text.trim_matches('\'').to_owned();
            if let Some((left, right)) = part.split_once(" == ") {
                self.value(action, left) == literal(right)
            } else if let Some((left, right)) = part.split_once(" != ") {
                self.value(action, left) != literal(right)
            } else if let Some(path) = part.strip_prefix('!') {
                !truthy(path)
            } else {
                truthy(part)
            }
        })
    }

    fn script(&mut self, action: &Value, step: &Value) -> Output {
        let folder = step["working-directory"].as_str().unwrap_or(".");
        let folder = self.path("workspace").join(self.filled(action, folder));
        let output_file = self.path("output");
        fs::write(&output_file, "").unwrap();
        let event_file = self.path("event.json");
        fs::write(&event_file, self.event.to_string()).unwrap();
        let mut command = Command::new("bash");
        // As the runner calls it for `shell: bash`.
        command
            .args(["--noprofile", "--norc", "-e", "-o", "pipefail", "-c"])
            .arg(step["run"].as_str().unwrap())
            .current_dir(folder);
        self.alone(&mut command)
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_EVENT_PATH", &event_file)
            .env("GITHUB_OUTPUT", &output_file)
            .env("GITHUB_STEP_SUMMARY", self.path("summary.md"))
            .env("GITHUB_WORKSPACE", self.path("workspace"))
            .env("GITHUB_SERVER_URL", "https://example.org")
            .env("GITHUB_REPOSITORY", "some/pipeline")
            .env("GITHUB_SHA", "0123abc")
            .env("RUNNER_TEMP", self.path("temp"));
        for (name, value) in std::env::vars() {
            let passed = ["CARGO_", "RUSTUP_", "PIP_"];
            if std::env::var_os(INSTALLS).is_some() && passed.iter().any(|p| name.starts_with(p)) {
                command.env(name, value);
            }
        }
        if let Some(env) = step["env"].as_object() {
            for (name, value) in env {
                command.env(name, self.filled(action, value.as_str().unwrap()));
            }
        }
        let output = command.output().unwrap();
        self.log += &String::from_utf8_lossy(&output.stdout);
        self.log += &String::from_utf8_lossy(&output.stderr);
        if let Some(id) = step["id"].as_str() {
            let text = fs::read_to_string(&output_file).unwrap();
            let pairs = text.lines().map(|line| line.split_once('=').unwrap());
            let outputs = pairs.map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
            self.outputs.insert(id.to_owned(), outputs);
        }
        output
    }

    /// Runs the steps, up to the first that fails.
    pub fn run(mut self) -> Done {
        let action = action();
        let (mut code, mut uploads) = (0, false);
        for step in steps(&action) {
            if step["if"].as_str().is_some_and(|c| !self.holds(&action, c)) {
                continue;
            }
            if step["uses"].is_string() {
                let file = self.filled(&action, step["with"]["sarif_file"].as_str().unwrap());
                assert!(Path::new(&file).is_file(), "{file}");
                uploads = true;
                continue;
            }
            code = self.script(&action, step).status.code().unwrap();
            if code != 0 {
                break;
            }
        }
        let outputs = action["outputs"].as_object().unwrap().iter();
        let outputs = outputs.map(|(name, output)| {
            let value = self.filled(&action, output["value"].as_str().unwrap());
            (name.clone(), value)
        });
        Done {
            code,
            summary: fs::read_to_string(self.path("summary.md")).unwrap(),
            outputs: outputs.collect(),
            uploads,
            log: self.log,
        }
    }
}
