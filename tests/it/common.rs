//! A folder of files and a command that runs in it, away from the tester's environment.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A temporary folder to run commands in.
pub struct Project {
    _dir: tempfile::TempDir,
    root: PathBuf,
}

/// What a command did, with paths and times redacted.
#[derive(Debug)]
pub struct Ran {
    /// The exit code.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

/// One invocation.
pub struct Invocation {
    command: Command,
    stdin: Vec<u8>,
    root: PathBuf,
}

impl Project {
    /// A folder with these files.
    pub fn new(files: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(dir.path()).unwrap();
        let project = Self { _dir: dir, root };
        // A repository root, so that ignore files around the folder have no say.
        fs::create_dir(project.path(".git")).unwrap();
        for (path, text) in files {
            project.write(path, text);
        }
        project
    }

    /// A path in the folder.
    pub fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// Writes a file.
    pub fn write(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// Reads a file.
    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }

    /// Makes a link.
    #[cfg(unix)]
    pub fn link(&self, target: impl AsRef<Path>, link: &str) {
        std::os::unix::fs::symlink(target, self.path(link)).unwrap();
    }

    /// Starts to build an invocation of `tallylint`.
    pub fn tallylint(&self, arguments: &[&str]) -> Invocation {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tallylint"));
        command
            .args(arguments)
            .current_dir(&self.root)
            .env_clear()
            .env("HOME", self.path("home"))
            .env("TERM", "xterm-256color");
        Invocation {
            command,
            stdin: Vec::new(),
            root: self.root.clone(),
        }
    }

    /// Runs `tallylint`.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        self.tallylint(arguments).run()
    }
}

impl Invocation {
    /// Sets an environment variable.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Changes the working directory to a folder of the project.
    pub fn in_folder(mut self, folder: &str) -> Self {
        self.command.current_dir(self.root.join(folder));
        self
    }

    /// Sets what is piped in.
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// The bare command, for tests that need its pipes.
    pub fn into_command(self) -> Command {
        self.command
    }

    /// Runs it.
    pub fn run(mut self) -> Ran {
        let mut child = self
            .command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that does not read its input closes the pipe.
        let _ = child.stdin.take().unwrap().write_all(&self.stdin);
        let output = child.wait_with_output().unwrap();
        self.redacted(&output)
    }

    fn redacted(&self, output: &Output) -> Ran {
        let root = self.root.to_str().unwrap();
        let clean = |bytes: &[u8]| {
            let text = String::from_utf8(bytes.to_vec()).unwrap();
            redact_time(&text.replace(root, "[ROOT]"))
        };
        Ran {
            code: output.status.code().expect("not killed by a signal"),
            stdout: clean(&output.stdout),
            stderr: clean(&output.stderr),
        }
    }
}

/// Replaces ` in 0.12s` at the end of a line.
fn redact_time(text: &str) -> String {
    let mut out = String::new();
    for line in text.split_inclusive('\n') {
        let body = line.trim_end_matches('\n');
        let time = body.rsplit_once(" in ").filter(|(_, time)| {
            time.strip_suffix('s')
                .is_some_and(|number| number.parse::<f64>().is_ok())
        });
        match time {
            Some((before, _)) => {
                out.push_str(before);
                out.push_str(" in [TIME]");
                out.push_str(&line[body.len()..]);
            }
            None => out.push_str(line),
        }
    }
    out
}

/// The JSON report of a run.
pub fn json(ran: &Ran) -> serde_json::Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"))
}

/// A YAML document, as JSON; keys are strings (`on` too).
pub fn yaml(text: &str) -> serde_json::Value {
    use saphyr::{LoadableYamlNode, Scalar, Yaml};
    use serde_json::Value;
    fn key(node: &Yaml<'_>) -> String {
        match value(node) {
            Value::String(text) => text,
            other => other.to_string(),
        }
    }
    fn value(node: &Yaml<'_>) -> Value {
        match node {
            Yaml::Value(Scalar::Null) => Value::Null,
            Yaml::Value(Scalar::Boolean(flag)) => (*flag).into(),
            Yaml::Value(Scalar::Integer(number)) => (*number).into(),
            Yaml::Value(Scalar::FloatingPoint(number)) => number.into_inner().into(),
            Yaml::Value(Scalar::String(text)) => text.as_ref().into(),
            Yaml::Sequence(nodes) => nodes.iter().map(value).collect(),
            Yaml::Mapping(pairs) => pairs.iter().map(|(k, v)| (key(k), value(v))).collect(),
            other => panic!("not plain YAML: {other:?}"),
        }
    }
    let documents = Yaml::load_from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert_eq!(documents.len(), 1, "{text}");
    value(&documents[0])
}

/// Whether a test can go on that needs `what`, which is `there` or not. If it is not, nobody can
/// miss that nothing was tested, and in a continuous integration (`CI` is set) that is a failure.
pub fn can_test(what: &str, there: bool) -> bool {
    if !there {
        let thread = std::thread::current();
        let test = thread.name().unwrap_or_default();
        let text = format!("NOT TESTED: {test}: there is no {what}");
        let is_ci = std::env::var_os("CI").is_some_and(|value| !value.is_empty());
        assert!(!is_ci, "{text}");
        // Unlike what `eprintln` writes, this is shown for a test that passes, too.
        let mut shown = std::io::stderr();
        writeln!(shown, "{text}").unwrap();
    }
    there
}

/// Whether `python3` is there and new enough; see [`can_test`].
pub fn python_is_there() -> bool {
    let test = "import sys; sys.exit(sys.version_info < (3, 9))";
    let tested = Command::new("python3").args(["-c", test]).status();
    let there = tested.is_ok_and(|status| status.success());
    can_test("python3 of version 3.9 or later", there)
}

/// A number from the environment, for tests that may be made longer.
pub fn number(variable: &str, default: u64) -> u64 {
    let Some(text) = std::env::var_os(variable) else {
        return default;
    };
    let number = text.to_str().and_then(|text| text.parse().ok());
    number.unwrap_or_else(|| panic!("{variable} is no number: {text:?}"))
}

/// Compares the part of a file of the repository between two comments with what it is made from;
/// `TALLYLINT_BLESS=1` writes it.
pub fn is_fresh_part(path: &str, name: &str, wanted: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let text = fs::read_to_string(&file).unwrap();
    let (start, end) = (
        format!("<!-- made: {name} -->\n"),
        format!("<!-- end: {name} -->\n"),
    );
    let (head, rest) = text.split_once(&start).unwrap();
    let (_, tail) = rest.split_once(&end).unwrap();
    is_fresh(path, &format!("{head}{start}{wanted}{end}{tail}"));
}

/// Compares a file of the repository with what it is made from; `TALLYLINT_BLESS=1` writes it.
pub fn is_fresh(path: &str, wanted: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("TALLYLINT_BLESS").is_some() {
        fs::write(&file, wanted).unwrap();
    }
    let found = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        found == wanted,
        "{path} is stale: run `TALLYLINT_BLESS=1 cargo test` and read the difference"
    );
}
