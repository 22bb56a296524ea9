//! `action.yml`: its steps are run as a runner would, with events and files made up here. Nothing
//! is fetched: the program under test is what its input `program` names. With
//! `TALLYLINT_ACTION_INSTALLS=pip,cargo,…` (`scripts/test_packages.sh`) the ways of installing are
//! tried, too.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::common::yaml;

const BAD: &str = "\
class ScoresProcessor(ProcessorBase):
    def save_data(self):
        if not self.rows:
            return
        self.stats['rows_inserted'] = len(self.rows)
";

const GOOD: &str = "\
class TradesProcessor(ProcessorBase):
    def save_data(self):
        self.stats['rows_inserted'] = len(self.rows)
";

fn action() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("action.yml");
    yaml(&fs::read_to_string(path).unwrap())
}

fn steps(action: &Value) -> &[Value] {
    action["runs"]["steps"].as_array().unwrap()
}

/// All strings in a value.
fn strings<'a>(value: &'a Value, out: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => out.push(text),
        Value::Array(values) => values.iter().for_each(|v| strings(v, out)),
        Value::Object(fields) => fields.values().for_each(|v| strings(v, out)),
        _ => {}
    }
}

/// A job with a checkout in a folder of its own.
struct Job {
    dir: tempfile::TempDir,
    inputs: BTreeMap<String, String>,
    event: Value,
    /// Outputs of steps, by the step's id.
    outputs: BTreeMap<String, BTreeMap<String, String>>,
    log: String,
}

/// What a job came to.
#[derive(Debug)]
struct Done {
    code: i32,
    log: String,
    summary: String,
    outputs: BTreeMap<String, String>,
    uploads: bool,
}

impl Done {
    fn output(&self, name: &str) -> &str {
        self.outputs.get(name).map_or("", String::as_str)
    }

    /// The commands in the log that annotate.
    fn annotations(&self) -> Vec<&str> {
        let lines = self.log.lines();
        lines
            .filter(|line| line.starts_with("::") && line.contains("file="))
            .collect()
    }
}

impl Job {
    fn new() -> Self {
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

    fn with(mut self, input: &str, value: &str) -> Self {
        self.inputs.insert(input.to_owned(), value.to_owned());
        self
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn git(&self, folder: &str, arguments: &[&str]) -> String {
        let mut command = Command::new("git");
        command.args(arguments).current_dir(self.path(folder));
        let output = self.alone(&mut command).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// A command away from the tester's environment.
    fn alone<'a>(&self, command: &'a mut Command) -> &'a mut Command {
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
    fn commit(&self, files: &[(&str, &str)]) -> String {
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
    fn pull_request() -> Self {
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
    fn checkout(&self, branch: &str, depth: Option<u32>) {
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
    fn run(mut self) -> Done {
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

/// The ways of installing to try.
const INSTALLS: &str = "TALLYLINT_ACTION_INSTALLS";

#[test]
fn inputs_are_declared_used_and_never_part_of_a_script() {
    let action = action();
    let mut all = Vec::new();
    strings(&action["runs"], &mut all);
    for (name, input) in action["inputs"].as_object().unwrap() {
        let used = format!("inputs.{name}");
        assert!(
            all.iter().any(|text| text.contains(&used)),
            "{name} is not used"
        );
        assert!(
            input["description"].is_string() && input["default"].is_string(),
            "{name}"
        );
    }
    for step in steps(&action) {
        if let Some(script) = step["run"].as_str() {
            assert!(!script.contains("${{"), "{script}");
            assert_eq!(step["shell"], "bash");
        }
    }
    // What it names as the default is what the command line has.
    assert_eq!(action["inputs"]["fail-on"]["default"], "warning");
}

#[test]
fn a_pull_request_is_checked_where_it_changed_something() {
    for (depth, branch) in [
        (Some(1), "merged"),
        (Some(2), "merged"),
        (None, "merged"),
        (None, "topic"),
    ] {
        let job = Job::pull_request();
        job.checkout(branch, depth);
        let expected = match branch {
            "merged" => job.git("origin", &["rev-parse", "main"]),
            _ => job.git("origin", &["merge-base", "main", "topic"]),
        };
        let done = job.run();
        let what = format!("{depth:?} {branch}: {done:?}");
        assert_eq!(done.code, 1, "{what}");
        assert_eq!(done.output("base"), expected, "{what}");
        let annotations = done.annotations();
        assert_eq!(annotations.len(), 1, "{what}");
        assert!(
            annotations[0].starts_with("::warning file=new.py,line=4,"),
            "{what}"
        );
        assert_eq!(
            (done.output("findings"), done.output("exit-code")),
            ("1", "1"),
            "{what}"
        );
        assert!(done.uploads, "{what}");
        assert!(done.summary.starts_with("what was there\n"), "{what}");
        assert!(
            done.summary
                .contains("https://example.org/some/pipeline/blob/0123abc/new.py#L4"),
            "{what}"
        );
        assert!(done.log.ends_with("tallylint: findings: 1\n"), "{what}");
    }
}

#[test]
fn a_branch_without_history_is_compared_with_where_its_base_is() {
    let job = Job::pull_request();
    job.checkout("topic", Some(1));
    let done = job.run();
    // `theirs.py` is gone, compared with the base; what is new is found.
    assert_eq!((done.code, done.annotations().len()), (1, 1), "{done:?}");
    assert_eq!(done.output("findings"), "1");
}

#[test]
fn a_push_checks_everything_and_a_scope_can_be_chosen() {
    let everything = |job: Job| {
        job.checkout("merged", None);
        let done = job.run();
        assert_eq!(
            (done.code, done.output("findings"), done.output("base")),
            (1, "3", ""),
            "{done:?}"
        );
        assert_eq!(done.annotations().len(), 3);
    };
    everything(Job::pull_request().with("scope", "all"));
    let mut job = Job::pull_request();
    job.event = json!({"before": "0000000000000000000000000000000000000000"});
    everything(job);

    let mut job = Job::pull_request().with("scope", "changed");
    job.event = json!({"before": job.git("origin", &["rev-parse", "topic"])});
    job.checkout("merged", Some(1));
    let done = job.run();
    assert_eq!(done.code, 1, "{done:?}");
    assert!(done.annotations()[0].contains("file=theirs.py"), "{done:?}");

    let mut job = Job::pull_request();
    let base = job.git("origin", &["rev-parse", "main"]);
    job.event = json!({"merge_group": {"base_sha": base}});
    job.checkout("merged", Some(1));
    let done = job.run();
    assert_eq!(
        (done.output("base"), done.output("findings")),
        (&*base, "1"),
        "{done:?}"
    );

    let job = Job::pull_request().with("base", "HEAD~1");
    job.checkout("merged", None);
    assert_eq!(job.run().output("findings"), "1");

    for event in [
        json!({}),
        json!({"before": "0000000000000000000000000000000000000000"}),
    ] {
        let mut job = Job::pull_request().with("scope", "changed");
        job.event = event;
        job.checkout("merged", None);
        let done = job.run();
        assert_eq!(done.code, 2);
        assert!(
            done.log
                .contains("::error title=tallylint::the event names no base"),
            "{done:?}"
        );
    }
}

#[test]
fn what_fails_the_job_can_be_chosen() {
    for (level, code) in [("never", 0), ("error", 0), ("note", 1)] {
        let job = Job::pull_request().with("fail-on", level);
        job.checkout("merged", None);
        let done = job.run();
        assert_eq!(
            (done.code, done.output("findings")),
            (code, "1"),
            "{level}: {done:?}"
        );
        assert!(done.uploads);
    }
    let job = Job::pull_request().with("fail-on", "blunder");
    job.checkout("merged", None);
    let done = job.run();
    assert_eq!(
        (done.code, done.output("exit-code"), done.uploads),
        (2, "2", false)
    );
    assert!(
        done.log
            .contains("::error title=tallylint::The check is not complete (exit code 2)")
    );
}

#[test]
fn a_clean_pull_request_passes_and_an_unreadable_file_does_not() {
    let job = Job::pull_request();
    job.git("origin", &["checkout", "--quiet", "-b", "clean", "main"]);
    job.commit(&[("more.py", GOOD), ("notes.txt", "x")]);
    let job = job.with("base", "HEAD~1");
    job.checkout("clean", Some(2));
    let done = job.run();
    assert_eq!(
        (done.code, done.output("findings"), done.output("exit-code")),
        (0, "0", "0"),
        "{done:?}"
    );
    assert!(done.annotations().is_empty() && done.uploads);
    assert!(
        done.log
            .ends_with("tallylint: findings: 0; none makes the job fail\n"),
        "{done:?}"
    );

    let job = Job::pull_request();
    job.git("origin", &["checkout", "--quiet", "merged"]);
    job.commit(&[("broken.py", "class A(\n")]);
    let job = job.with("base", "HEAD~1");
    job.checkout("merged", None);
    let done = job.run();
    assert_eq!((done.code, done.output("exit-code")), (2, "2"), "{done:?}");
    assert!(done.log.contains("::error file=broken.py"), "{done:?}");
    assert!(done.uploads, "what was found is uploaded all the same");
}

#[test]
fn what_is_not_wanted_is_left_out() {
    let job = Job::pull_request()
        .with("annotate", "false")
        .with("summary", "false")
        .with("upload-sarif", "false");
    job.checkout("merged", None);
    let done = job.run();
    assert_eq!(
        (done.code, done.uploads, &*done.summary),
        (1, false, "what was there\n"),
        "{done:?}"
    );
    assert!(done.annotations().is_empty());
    assert!(
        done.log
            .contains("warning[untracked-return]: `save_data` can return"),
        "{done:?}"
    );
    let mut job = Job::pull_request();
    job.event["pull_request"]["head"]["repo"]["fork"] = true.into();
    job.checkout("merged", None);
    assert!(!job.run().uploads, "a fork may not upload");
}

#[test]
fn folders_are_relative_to_the_repository_in_what_is_reported() {
    let job = Job::new();
    job.commit(&[
        ("jobs/a b/x.py", BAD),
        ("jobs/c.py", BAD),
        ("other/y.py", BAD),
    ]);
    let job = job
        .with("working-directory", "jobs")
        .with("paths", "a b\n\nc.py\n")
        .with("sarif-file", "../out.sarif");
    job.checkout("main", None);
    let root = job.path("workspace");
    let done = job.run();
    assert_eq!((done.code, done.output("findings")), (1, "2"), "{done:?}");
    assert!(done.log.contains("file=jobs/a b/x.py"), "{done:?}");
    assert_eq!(
        Path::new(done.output("sarif-file")),
        root.join("jobs/../out.sarif")
    );
}

#[test]
fn inputs_are_data() {
    let evil = "$(touch pwned); `touch pwned`; touch pwned";
    for input in [
        "paths",
        "args",
        "base",
        "scope",
        "fail-on",
        "version",
        "program",
        "sarif-file",
    ] {
        let job = Job::pull_request().with(input, evil);
        job.checkout("merged", None);
        let (root, home) = (job.path("workspace"), job.path("pwned"));
        let done = job.run();
        assert!(!root.join("pwned").exists() && !home.exists(), "{input}");
        let wrong = !matches!(input, "sarif-file");
        assert_eq!(done.code, if wrong { 2 } else { 1 }, "{input}: {done:?}");
    }
    for (input, value) in [
        ("base", "--upload-pack=touch pwned"),
        ("version", "1 --index-url=x"),
        ("install", "npm"),
    ] {
        let mut job = Job::pull_request().with(input, value);
        if input == "install" {
            job = job.with("program", "");
        }
        job.checkout("merged", None);
        let done = job.run();
        assert_eq!(done.code, 2, "{input}: {done:?}");
        assert!(
            done.log.contains("::error title=tallylint::the input"),
            "{done:?}"
        );
    }
    // An option among the paths is a path.
    let job = Job::pull_request()
        .with("paths", "--fix")
        .with("args", "--pedantic\n--isolated");
    job.checkout("merged", None);
    let done = job.run();
    assert_eq!(done.code, 2, "{done:?}");
    assert!(done.log.contains("--fix"), "{done:?}");
}

#[test]
fn ways_of_installing() {
    let Ok(ways) = std::env::var(INSTALLS) else {
        let job = Job::pull_request().with("program", "/nowhere/tallylint");
        job.checkout("merged", None);
        let done = job.run();
        assert!(
            done.log
                .contains("the input program names nothing that can be run"),
            "{done:?}"
        );
        return;
    };
    for way in ways.split(',') {
        let job = Job::pull_request().with("program", "").with("install", way);
        job.checkout("merged", None);
        let done = job.run();
        let says = format!("tallylint {}\n", env!("CARGO_PKG_VERSION"));
        assert!(done.log.starts_with(&says), "{way}: {done:?}");
        assert_eq!(
            (done.code, done.output("findings")),
            (1, "1"),
            "{way}: {done:?}"
        );
        println!("installed with {way}");
    }
}
