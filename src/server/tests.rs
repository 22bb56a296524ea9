//! What only an engine that is under control can show.

use std::io::{BufReader, PipeReader, PipeWriter, pipe};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::{Value, json};

use super::wire::{self, Incoming, to_json};
use super::{Engine, Memory, serve};

/// Nothing takes so long unless it is broken.
const LIMIT: Duration = Duration::from_secs(120);

const BAD: &str = "\
class A(Base):
    def save_data(self):
        return
";

struct Talk {
    input: PipeWriter,
    output: Receiver<Value>,
    server: JoinHandle<u8>,
    uri: String,
    _folder: tempfile::TempDir,
}

impl Talk {
    fn new(engine: Engine) -> Self {
        Self::with(engine, &json!({}))
    }

    fn with(engine: Engine, capabilities: &Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root: PathBuf = folder.path().canonicalize().unwrap();
        let (server_input, input): (PipeReader, PipeWriter) = pipe().unwrap();
        let (output, server_output) = pipe().unwrap();
        let server = thread::spawn(|| serve(BufReader::new(server_input), server_output, engine));
        let (sender, messages) = channel();
        thread::spawn(move || {
            let mut output = BufReader::new(output);
            while let Ok(Some(Incoming::Message(message))) = wire::read(&mut output) {
                if sender.send(to_json(&message)).is_err() {
                    return;
                }
            }
        });
        let uri = |path: &std::path::Path| super::uri::of_path(path).unwrap().as_str().to_owned();
        let mut talk = Self {
            input,
            output: messages,
            server,
            uri: uri(&root.join("a.py")),
            _folder: folder,
        };
        talk.say(json!({ "id": 1, "method": "initialize", "params": {
            "rootUri": uri(&root), "capabilities": capabilities, "initializationOptions": { "debounce": 0 },
        } }));
        talk.say(json!({ "method": "initialized", "params": {} }));
        talk
    }

    fn say(&mut self, message: Value) {
        wire::write(&mut self.input, &message).unwrap();
    }

    fn open(&mut self, text: &str) {
        let document =
            json!({ "uri": self.uri, "version": 1, "languageId": "python", "text": text });
        self.say(
            json!({ "method": "textDocument/didOpen", "params": { "textDocument": document } }),
        );
    }

    fn replace(&mut self, version: i32, text: &str) {
        self.say(json!({ "method": "textDocument/didChange", "params": {
            "textDocument": { "uri": self.uri, "version": version },
            "contentChanges": [{ "text": text }],
        } }));
    }

    fn hear(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let message = self.output.recv_timeout(LIMIT).expect("there is an answer");
            if wanted(&message) {
                return message;
            }
        }
    }

    /// The version of what is published next, and the lines of the diagnostics.
    fn published(&self) -> (Value, Vec<u64>) {
        let message = self.hear(|message| message["method"] == "textDocument/publishDiagnostics");
        let found = message["params"]["diagnostics"].as_array().unwrap().iter();
        let lines = found.map(|found| found["range"]["start"]["line"].as_u64().unwrap());
        (message["params"]["version"].clone(), lines.collect())
    }

    fn close(mut self) {
        self.say(json!({ "id": 9, "method": "shutdown" }));
        self.hear(|message| message["id"] == 9);
        self.say(json!({ "method": "exit" }));
        assert_eq!(self.server.join().unwrap(), 0);
    }
}

#[test]
fn a_panic_in_one_analysis_is_told_and_the_next_one_runs() {
    let mut memory = Memory::default();
    let engine: Engine = Box::new(move |workspace| {
        let boom = workspace.overlay.values().any(|text| text.contains("boom"));
        assert!(!boom, "out of order");
        memory.analyse(workspace)
    });
    let mut talk = Talk::new(engine);
    talk.open(BAD);
    assert_eq!(talk.published(), (json!(1), vec![1]));
    talk.replace(2, "boom");
    let message = talk.hear(|message| {
        message["method"] == "window/showMessage" || message["params"]["version"] == 2
    });
    // What was known of the former text is taken back.
    assert_eq!(message["params"]["diagnostics"], json!([]), "{message}");
    let told = talk.hear(|message| message["method"] == "window/showMessage");
    assert!(told.to_string().contains("out of order"), "{told}");
    talk.say(json!({ "id": 5, "method": "textDocument/hover", "params": {
        "textDocument": { "uri": talk.uri }, "position": { "line": 0, "character": 0 },
    } }));
    assert_eq!(
        talk.hear(|message| message["id"] == 5)["result"],
        Value::Null
    );
    talk.replace(3, BAD);
    assert_eq!(talk.published(), (json!(3), vec![1]));
    talk.close();
}

/// An engine that tells when it begins, and begins when it is told to.
fn engine() -> (Engine, Receiver<usize>, Sender<()>) {
    let (began, begins) = channel();
    let (go, gone) = channel();
    let mut memory = Memory::default();
    let engine: Engine = Box::new(move |workspace| {
        let length = workspace.overlay.values().map(String::len).sum();
        began.send(length).unwrap();
        gone.recv().unwrap();
        memory.analyse(workspace)
    });
    (engine, begins, go)
}

#[test]
fn the_latest_text_wins_and_nobody_is_told_of_an_older_one() {
    let (engine, begins, go) = engine();
    let mut talk = Talk::new(engine);
    assert_eq!(begins.recv_timeout(LIMIT), Ok(0));
    go.send(()).unwrap();
    talk.open(BAD);
    assert_eq!(begins.recv_timeout(LIMIT), Ok(BAD.len()));
    // While that is analysed, more is typed.
    for version in 2..6 {
        talk.replace(
            version,
            &format!("{}{BAD}", "\n".repeat(usize::try_from(version).unwrap())),
        );
    }
    talk.say(
        json!({ "id": 5, "method": "textDocument/codeLens", "params": {
        "textDocument": { "uri": talk.uri },
    } }),
    );
    talk.say(
        json!({ "id": 6, "method": "textDocument/codeLens", "params": {
        "textDocument": { "uri": talk.uri },
    } }),
    );
    talk.say(json!({ "method": "$/cancelRequest", "params": { "id": 6 } }));
    let cancelled = talk.hear(|message| message["id"] == 6);
    assert_eq!(cancelled["error"]["code"], -32800);
    go.send(()).unwrap();
    assert_eq!(
        begins.recv_timeout(LIMIT),
        Ok(BAD.len() + 5),
        "those between are left out"
    );
    go.send(()).unwrap();
    assert_eq!(talk.published(), (json!(5), vec![6]));
    let lens = talk.hear(|message| message["id"] == 5);
    assert_eq!(lens["result"][0]["range"]["start"]["line"], 6);
    talk.close();
}

#[test]
fn what_ends_without_a_goodbye_is_an_error() {
    let talk = Talk::new(Memory::engine());
    drop(talk.input);
    assert_eq!(talk.server.join().unwrap(), 1);
}

#[test]
fn progress_is_shown_while_the_first_analysis_runs() {
    let (engine, begins, go) = engine();
    let capabilities = json!({ "window": { "workDoneProgress": true } });
    let mut talk = Talk::with(engine, &capabilities);
    let asked = talk.hear(|message| message["method"] == "window/workDoneProgress/create");
    begins.recv_timeout(LIMIT).unwrap();
    talk.say(json!({ "id": asked["id"], "result": null }));
    let told = |talk: &Talk| {
        let message = talk.hear(|message| message["method"] == "$/progress");
        assert_eq!(message["params"]["token"], asked["params"]["token"]);
        message["params"]["value"]["kind"].clone()
    };
    assert_eq!(told(&talk), "begin");
    go.send(()).unwrap();
    assert_eq!(told(&talk), "end");
    talk.close();
}
