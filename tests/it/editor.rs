//! An editor that talks to the language server, over pipes.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::common::{Project, json as report};

/// Nothing takes so long unless it is broken.
const LIMIT: Duration = Duration::from_secs(120);

/// A method with two exits, of which one does not set what the built-in contract demands.
pub const BAD: &str = r#"class ScoresProcessor(ProcessorBase):
    def save_data(self):
        if not self.rows:
            return
        self.client.load_table_from_json(self.rows, "scores")
        self.stats["rows_inserted"] = len(self.rows)
"#;
/// The same, right.
pub const GOOD: &str = r#"class ScoresProcessor(ProcessorBase):
    def save_data(self):
        if self.rows:
            self.client.load_table_from_json(self.rows, "scores")
        self.stats["rows_inserted"] = len(self.rows)
"#;

/// An editor.
pub struct Editor {
    pub child: Child,
    input: Option<ChildStdin>,
    messages: Receiver<Value>,
    requests: i32,
    /// What was read while something else was waited for.
    pub kept: Vec<Value>,
}

impl Editor {
    /// Starts the server without a word.
    pub fn start(project: &Project) -> Self {
        let mut child = project
            .tallylint(&["server"])
            .into_command()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let (sender, messages) = channel();
        thread::spawn(move || {
            while let Some(message) = read(&mut output) {
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        Self {
            input: child.stdin.take(),
            child,
            messages,
            requests: 0,
            kept: Vec::new(),
        }
    }

    /// Starts the server in a project, with these capabilities.
    pub fn open(project: &Project, capabilities: &Value, settings: &Value) -> Self {
        let mut editor = Self::start(project);
        let answer = editor.request(
            "initialize",
            json!({
                "processId": null,
                "workspaceFolders": [{ "uri": uri(&project.path("")), "name": "x" }],
                "capabilities": capabilities,
                "initializationOptions": with_settings(settings),
            }),
        );
        assert_eq!(answer["result"]["serverInfo"]["name"], "tallylint");
        editor.tell("initialized", json!({}));
        editor
    }

    pub fn send(&mut self, bytes: &[u8]) {
        let input = self.input.as_mut().unwrap();
        input.write_all(bytes).unwrap();
        input.flush().unwrap();
    }

    pub fn say(&mut self, message: &Value) {
        let body = message.to_string();
        self.send(format!("Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes());
    }

    pub fn tell(&mut self, method: &str, params: Value) {
        self.say(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    }

    /// Asks, and returns the number of the question.
    pub fn ask(&mut self, method: &str, params: Value) -> i32 {
        self.requests += 1;
        let id = self.requests;
        self.say(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        id
    }

    /// Asks, and waits for the whole answer.
    pub fn request(&mut self, method: &str, params: Value) -> Value {
        let id = self.ask(method, params);
        self.wait(|message| message["id"] == id && message.get("method").is_none())
    }

    /// Asks, and waits for the result.
    pub fn result(&mut self, method: &str, params: Value) -> Value {
        let mut answer = self.request(method, params);
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].take()
    }

    /// The first message that is looked for.
    pub fn wait(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        if let Some(at) = self.kept.iter().position(&wanted) {
            return self.kept.remove(at);
        }
        loop {
            let message = self
                .messages
                .recv_timeout(LIMIT)
                .expect("there is an answer");
            if wanted(&message) {
                return message;
            }
            self.kept.push(message);
        }
    }

    pub fn opened(&mut self, path: &Path, text: &str) {
        let document =
            json!({ "uri": uri(path), "languageId": "python", "version": 1, "text": text });
        self.tell("textDocument/didOpen", json!({ "textDocument": document }));
    }

    pub fn edit(&mut self, path: &Path, version: i32, changes: Value) {
        self.tell(
            "textDocument/didChange",
            json!({
                "textDocument": { "uri": uri(path), "version": version },
                "contentChanges": changes,
            }),
        );
    }

    /// Replaces a document.
    pub fn replace(&mut self, path: &Path, version: i32, text: &str) {
        self.edit(path, version, json!([{ "text": text }]));
    }

    /// The diagnostics that are published for a version of a document, or for the file.
    pub fn published(&mut self, path: &Path, version: Option<i32>) -> Vec<Value> {
        let uri = uri(path);
        let message = self.wait(|message| {
            message["method"] == "textDocument/publishDiagnostics"
                && message["params"]["uri"] == *uri
                && message["params"]["version"] == json!(version)
        });
        message["params"]["diagnostics"].as_array().unwrap().clone()
    }

    /// The diagnostics that are asked for.
    pub fn pulled(&mut self, path: &Path) -> Vec<Value> {
        let params = json!({ "textDocument": { "uri": uri(path) } });
        let answer = self.result("textDocument/diagnostic", params);
        assert_eq!(answer["kind"], "full", "{answer}");
        answer["items"].as_array().unwrap().clone()
    }

    pub fn at(&mut self, method: &str, path: &Path, line: u32, column: u32) -> Value {
        let params = json!({
            "textDocument": { "uri": uri(path) },
            "position": { "line": line, "character": column },
        });
        self.result(method, params)
    }

    pub fn actions(&mut self, path: &Path, line: u32, only: Option<&str>) -> Vec<Value> {
        let place = json!({ "line": line, "character": 0 });
        let params = json!({
            "textDocument": { "uri": uri(path) },
            "range": { "start": place, "end": place },
            "context": { "diagnostics": [], "only": only.map(|only| [only]) },
        });
        let answer = self.result("textDocument/codeAction", params);
        answer.as_array().unwrap().clone()
    }

    /// Ends the conversation; the server says goodbye.
    pub fn close(mut self) {
        assert_eq!(self.result("shutdown", Value::Null), Value::Null);
        self.tell("exit", Value::Null);
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
    }
}

impl Drop for Editor {
    fn drop(&mut self) {
        // A test that fails leaves nothing behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn with_settings(settings: &Value) -> Value {
    let mut all = json!({ "debounce": 0 });
    for (name, value) in settings.as_object().into_iter().flatten() {
        all[name] = value.clone();
    }
    all
}

fn read(output: &mut impl BufRead) -> Option<Value> {
    let mut length = None;
    loop {
        let mut line = String::new();
        if output.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end().strip_prefix("Content-Length: ") {
            Some(number) => length = number.parse().ok(),
            None => {
                assert_eq!(line, "\r\n", "nothing but messages is written");
                break;
            }
        }
    }
    let mut body = vec![0; length?];
    output.read_exact(&mut body).ok()?;
    Some(serde_json::from_slice(&body).unwrap())
}

pub fn uri(path: &Path) -> String {
    format!("file://{}", path.to_str().unwrap())
}

/// An editor that asks for diagnostics.
pub fn pulling() -> Value {
    json!({
        "textDocument": {
            "diagnostic": {},
            "codeAction": { "resolveSupport": { "properties": ["edit"] } },
        },
        "workspace": { "workspaceEdit": { "documentChanges": true } },
    })
}

/// Code, first line (from 1), column (from 1, in characters) and message of each diagnostic.
pub fn told(diagnostics: &[Value]) -> BTreeSet<(String, u64, u64, String)> {
    let told = diagnostics.iter().map(|diagnostic| {
        let start = &diagnostic["range"]["start"];
        (
            diagnostic["code"].as_str().unwrap().to_owned(),
            start["line"].as_u64().unwrap() + 1,
            start["character"].as_u64().unwrap() + 1,
            diagnostic["message"].as_str().unwrap().to_owned(),
        )
    });
    told.collect()
}

/// The same, as `tallylint check` reports it about one file.
pub fn checked(project: &Project, path: &str) -> BTreeSet<(String, u64, u64, String)> {
    let ran = report(&project.run(&["check", "--format=json", "--read=needed", "."]));
    let findings = ran["findings"].as_array().unwrap().iter();
    let findings = findings.filter(|finding| finding["path"] == path);
    let findings = findings.map(|finding| {
        let text = |name: &str| finding[name].as_str().unwrap();
        (
            format!("{}/{}", text("rule"), text("kind")),
            finding["line"].as_u64().unwrap(),
            finding["column"].as_u64().unwrap(),
            text("message").to_owned(),
        )
    });
    findings.collect()
}

/// Applies the edits of a code action to a text in ASCII.
pub fn applied(text: &str, action: &Value) -> String {
    let edits = action["edit"]["documentChanges"][0]["edits"].as_array();
    let edits = edits.unwrap_or_else(|| panic!("{action}"));
    let mut lines = vec![0];
    lines.extend(text.match_indices('\n').map(|(at, _)| at + 1));
    let offset = |place: &Value| {
        let line = usize::try_from(place["line"].as_u64().unwrap()).unwrap();
        lines[line] + usize::try_from(place["character"].as_u64().unwrap()).unwrap()
    };
    let mut out = text.to_owned();
    for edit in edits.iter().rev() {
        let range = offset(&edit["range"]["start"])..offset(&edit["range"]["end"]);
        out.replace_range(range, edit["newText"].as_str().unwrap());
    }
    out
}

pub fn titled<'a>(actions: &'a [Value], part: &str) -> &'a Value {
    let mut all = actions.iter();
    let found = all.find(|action| action["title"].as_str().unwrap().contains(part));
    found.unwrap_or_else(|| panic!("no `{part}` in {actions:?}"))
}
