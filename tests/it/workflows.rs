//! The examples in `docs/workflows`, and the workflow that `init` writes: what they run does what
//! they say. Programs that install, and reviewdog, are stand-ins. `scripts/test_workflows.sh` has
//! linters look at the files.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::common::{Project, is_fresh_part, yaml};
use crate::runner::{Job, action};

/// What installers and reviewdog are in the test: they note how they are called.
const STANDINS: [(&str, &str); 4] = [
    ("pip", "echo \"pip $*\" >>\"$NOTES\""),
    ("pipx", "echo \"pipx $*\" >>\"$NOTES\""),
    (
        "python3",
        "[ \"$1 $2\" = '-m venv' ] || exit 3; mkdir -p \"$3/bin\"; ln -s \"$STANDINS\"/pip \"$STANDINS\"/tallylint \"$3/bin\"",
    ),
    (
        "reviewdog",
        "echo \"reviewdog $*\" >>\"$NOTES\"; cat >comments.json",
    ),
];

/// What an example did in the checkout of a pull request.
struct Ran {
    job: Job,
    code: i32,
    log: String,
    notes: String,
}

impl Ran {
    fn file(&self, name: &str) -> String {
        let path = self.job.path("workspace").join(name);
        fs::read_to_string(path).unwrap_or_else(|error| panic!("{name}: {error}: {}", self.log))
    }

    fn json(&self, name: &str) -> Value {
        serde_json::from_str(&self.file(name)).unwrap()
    }
}

/// The scripts of an example, in order.
fn scripts(text: &str) -> Vec<String> {
    fn collect(node: &Value, out: &mut Vec<String>) {
        match node {
            Value::Object(fields) => {
                for (key, value) in fields {
                    match value {
                        Value::String(script) if key == "run" || key == "script" => {
                            out.push(script.clone());
                        }
                        Value::Array(lines) if key == "script" => {
                            out.extend(lines.iter().map(|line| line.as_str().unwrap().to_owned()));
                        }
                        other => collect(other, out),
                    }
                }
            }
            Value::Array(values) => values.iter().for_each(|value| collect(value, out)),
            _ => {}
        }
    }
    // Jenkins reads Groovy.
    if text.contains("sh '''") {
        let pieces = text.split("'''").skip(1).step_by(2);
        return pieces.map(str::to_owned).collect();
    }
    let mut out = Vec::new();
    collect(&yaml(text), &mut out);
    out
}

/// Runs the scripts of an example up to the first that fails, as the platforms do.
fn run(text: &str) -> Ran {
    let job = Job::pull_request();
    job.checkout("merged", None);
    let bin = job.path("bin");
    fs::create_dir(&bin).unwrap();
    for (name, script) in STANDINS {
        fs::write(bin.join(name), format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(bin.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
    symlink(env!("CARGO_BIN_EXE_tallylint"), bin.join("tallylint")).unwrap();
    fs::write(job.path("notes"), "").unwrap();
    let base = job.git("origin", &["rev-parse", "main"]);
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let (mut code, mut log) = (0, String::new());
    // A job with a matrix runs once for each of its values.
    let scripts = scripts(text).into_iter().flat_map(|script| {
        let shards = if script.contains("$SHARD") { 4 } else { 1 };
        (1..=shards).map(move |shard| (script.clone(), shard.to_string()))
    });
    for (script, shard) in scripts {
        let mut command = Command::new("bash");
        command
            .args(["-e", "-o", "pipefail", "-c", &script])
            .current_dir(job.path("workspace"));
        let output = job
            .alone(&mut command)
            .env("PATH", &path)
            .env("NOTES", job.path("notes"))
            .env("STANDINS", &bin)
            .env("CI_MERGE_REQUEST_DIFF_BASE_SHA", &base)
            .env("SHARD", &shard)
            .env("WORKSPACE_TMP", job.path("temp"))
            .output()
            .unwrap();
        log += &String::from_utf8_lossy(&output.stdout);
        log += &String::from_utf8_lossy(&output.stderr);
        code = output.status.code().unwrap();
        if code != 0 {
            break;
        }
    }
    let notes = fs::read_to_string(job.path("notes")).unwrap();
    Ran {
        job,
        code,
        log,
        notes,
    }
}

fn example(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/workflows");
    fs::read_to_string(folder.join(name)).unwrap()
}

/// Runs an example, which must install this version.
fn ran(name: &str) -> Ran {
    let ran = run(&example(name));
    installs(&ran);
    ran
}

fn installs(ran: &Ran) {
    let package = format!("tallylint=={}", env!("CARGO_PKG_VERSION"));
    let line = ran.notes.lines().next().unwrap();
    assert!(
        [
            format!("pip install {package}"),
            format!("pipx install {package}")
        ]
        .contains(&line.to_owned()),
        "{line}"
    );
}

#[test]
fn code_scanning_gets_everything() {
    let ran = ran("github-code-scanning.yml");
    assert_eq!(ran.code, 0, "{}", ran.log);
    let log = ran.json("tallylint.sarif");
    assert_eq!(log["runs"][0]["results"].as_array().unwrap().len(), 3);
    assert_eq!(ran.log.matches("::warning file=").count(), 3, "{}", ran.log);
}

#[test]
fn what_several_machines_find_is_joined() {
    let ran = ran("github-sharded.yml");
    assert_eq!(ran.code, 1, "{}", ran.log);
    let checked =
        (1..=4).map(|shard| ran.json(&format!("shard-{shard}.json"))["files"]["checked"].as_u64());
    let checked: Vec<u64> = checked.map(Option::unwrap).collect();
    assert!(
        checked.iter().filter(|files| **files > 0).count() > 1,
        "{checked:?}"
    );
    let log = ran.json("tallylint.sarif");
    assert_eq!(log["runs"][0]["results"].as_array().unwrap().len(), 3);
    assert_eq!(ran.log.matches("::warning file=").count(), 3, "{}", ran.log);
}

#[test]
fn reviewdog_gets_diagnostics_and_fixes() {
    let ran = ran("github-reviewdog.yml");
    assert_eq!(ran.code, 0, "{}", ran.log);
    assert!(
        ran.notes
            .contains("\nreviewdog -f=rdjson -name=tallylint -reporter=github-pr-review")
    );
    let comments = ran.json("comments.json");
    let comments = comments["diagnostics"].as_array().unwrap();
    assert_eq!(comments.len(), 3);
    assert!(
        comments[0]["suggestions"][0]["text"].is_string(),
        "{comments:?}"
    );
}

#[test]
fn gitlab_gets_everything_and_fails_for_what_changed() {
    let ran = ran("gitlab-ci.yml");
    assert_eq!(ran.code, 1, "{}", ran.log);
    assert_eq!(
        ran.json("gl-code-quality-report.json")
            .as_array()
            .unwrap()
            .len(),
        3
    );
    let (_, last) = ran.log.rsplit_once("Found 3 warnings").unwrap();
    assert!(
        last.contains("new.py:4:13") && !last.contains("old.py"),
        "{last}"
    );
}

#[test]
fn azure_gets_issues_and_tests() {
    let ran = ran("azure-pipelines.yml");
    assert_eq!(ran.code, 1, "{}", ran.log);
    assert_eq!(
        ran.log.matches("##vso[task.logissue type=warning;").count(),
        3,
        "{}",
        ran.log
    );
    assert_eq!(ran.file("tallylint.xml").matches("<failure ").count(), 3);
}

#[test]
fn jenkins_gets_tests() {
    let ran = ran("Jenkinsfile");
    assert_eq!(ran.code, 0, "{}", ran.log);
    assert_eq!(ran.file("tallylint.xml").matches("<failure ").count(), 3);
}

#[test]
fn the_workflow_of_init_annotates_and_fails() {
    let project = Project::new(&[(".github/workflows/other.yml", "")]);
    assert_eq!(project.run(&["init"]).code, 0);
    let ran = run(&project.read(".github/workflows/tallylint.yml"));
    // Only a release requires its version.
    assert_eq!(ran.notes.lines().next(), Some("pipx install tallylint"));
    assert_eq!(ran.code, 1, "{}", ran.log);
    assert_eq!(ran.log.matches("::warning file=").count(), 3, "{}", ran.log);
}

#[test]
fn the_pull_request_example_uses_this_action() {
    let text = example("github-pull-request.yml");
    let workflow = yaml(&text);
    let steps = workflow["jobs"]["tallylint"]["steps"].as_array().unwrap();
    let uses = format!("OWNER/tallylint@v{}", env!("CARGO_PKG_VERSION"));
    let step = steps.iter().find(|step| step["uses"] == *uses).unwrap();
    let action = action();
    for (input, value) in step["with"].as_object().unwrap() {
        assert!(
            action["inputs"][input].is_object() && value.is_string(),
            "{input}"
        );
    }
    // What is checked out is what `a_pull_request_is_checked_where_it_changed_something` tries.
    assert_eq!(steps[0]["with"]["fetch-depth"], 2);
}

/// The inputs and outputs of the action, as tables.
fn interface(action: &Value) -> String {
    let mut out = "| input | | default |\n|---|---|---|\n".to_owned();
    let text = |value: &Value| value.as_str().unwrap().replace('\n', " ");
    let fields = |of: &str| action[of].as_object().unwrap().clone();
    for (name, input) in fields("inputs") {
        let default = match text(&input["default"]) {
            empty if empty.is_empty() => String::new(),
            other => format!("`{other}`"),
        };
        out += &format!(
            "| `{name}` | {} | {default} |\n",
            text(&input["description"])
        );
    }
    out += "\n| output | |\n|---|---|\n";
    for (name, output) in fields("outputs") {
        out += &format!("| `{name}` | {} |\n", text(&output["description"]));
    }
    out
}

#[test]
fn the_document_shows_what_is_tried() {
    let page = "docs/integrations.md";
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/workflows");
    for entry in folder.read_dir().unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let language = if name == "Jenkinsfile" {
            "groovy"
        } else {
            "yaml"
        };
        let part = format!("```{language}\n{}```\n", example(&name));
        is_fresh_part(page, &name, &part);
    }
    is_fresh_part(page, "action", &interface(&action()));
    // The hooks are what `init` writes, but for who installs the program.
    let project = Project::new(&[]);
    assert_eq!(project.run(&["init"]).code, 0);
    let hook = project.read(".pre-commit-config.yaml");
    let (start, rest) = hook.split_once("        # `system`").unwrap();
    let (_, rest) = rest.split_once("        # language: python\n").unwrap();
    let (package, rest) = rest.split_once("        language: system\n").unwrap();
    let version = env!("CARGO_PKG_VERSION");
    let package = package.replace("# ", "");
    let package = package.replace("\"tallylint\"", &format!("\"tallylint=={version}\""));
    let wheel = format!("```yaml\n{start}        language: python\n{package}{rest}```\n");
    is_fresh_part(page, "hook-wheel", &wheel);
    let repository = format!(
        "```yaml\nrepos:\n  - repo: https://github.com/OWNER/tallylint\n    rev: v{version}\n    hooks:\n      - id: tallylint\n```\n"
    );
    is_fresh_part(page, "hook-repository", &repository);
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(page)).unwrap();
    for command in [
        "pip install tallylint==",
        "tallylint --version\ntallylint ",
        "python -m tallylint --version\ntallylint ",
        "tallylint-",
    ] {
        for (at, _) in text.match_indices(command) {
            let rest = &text[at + command.len()..];
            let number = rest.starts_with(|c: char| c.is_ascii_digit());
            assert!(!number || rest.starts_with(version), "{command}{rest:.20}");
        }
    }
    // The README has the same in one line each.
    let text = include_str!("../../README.md");
    let (_, line) = text.split_once("below `repos:`: `- ").unwrap();
    let hook = yaml(line.lines().next().unwrap().trim_end_matches('`'));
    let (_, block) = repository.split_once("  - ").unwrap();
    assert_eq!(
        hook,
        yaml(&block.replace("\n    ", "\n").replace("```", ""))
    );
    assert!(text.contains(&format!("`- uses: OWNER/tallylint@v{version}`")));
}

#[test]
fn no_example_is_left_out() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/workflows");
    let names = folder
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    let tried = [
        "Jenkinsfile",
        "azure-pipelines.yml",
        "github-code-scanning.yml",
        "github-pull-request.yml",
        "github-reviewdog.yml",
        "github-sharded.yml",
        "gitlab-ci.yml",
    ];
    assert_eq!(names, tried);
}
