//! The language server never dies, and what it tells is what `tallylint check` tells, whatever an editor does.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};

use crate::common::{Project, number};
use crate::editor::{BAD, Editor, GOOD, checked, pulling, told, uri};

/// Random numbers (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit.max(1) as u64).unwrap()
    }

    fn of<'t, T>(&mut self, all: &'t [T]) -> &'t T {
        &all[self.below(all.len())]
    }
}

/// Opens a right file, and expects that it is checked: the server still works.
fn still_works(editor: &mut Editor, project: &Project) {
    let path = project.path("works.py");
    editor.opened(&path, BAD);
    assert_eq!(editor.pulled(&path).len(), 1);
    editor.tell(
        "textDocument/didClose",
        json!({ "textDocument": { "uri": uri(&path) } }),
    );
}

fn columns(editor: &mut Editor, project: &Project, text: &str) -> Vec<u64> {
    let path = project.path("a.py");
    editor.opened(&path, text);
    let found = editor.pulled(&path);
    found
        .iter()
        .map(|one| one["range"]["start"]["character"].as_u64().unwrap())
        .collect()
}

#[test]
fn columns_are_what_was_agreed_on() {
    let project = Project::new(&[]);
    let text = "x = '😀e\u{301}'  # tallylint: ignore[untracked-return] unused\n";
    for (kinds, wanted) in [
        (json!(["utf-8", "utf-16"]), 35),
        (json!(["utf-16"]), 32),
        (json!(["utf-32"]), 31),
        (Value::Null, 32),
    ] {
        let mut capabilities = pulling();
        capabilities["general"] = json!({ "positionEncodings": kinds });
        let mut editor = Editor::open(&project, &capabilities, &Value::Null);
        assert_eq!(columns(&mut editor, &project, text), [wanted], "{kinds}");
        // An edit after the emoji counts in the same way.
        let at = json!({ "line": 0, "character": wanted - 22 });
        let change = json!([{ "range": { "start": at, "end": at }, "text": ";y = 1" }]);
        editor.edit(&project.path("a.py"), 2, change);
        let found = editor.pulled(&project.path("a.py"));
        assert_eq!(found[0]["range"]["start"]["character"], wanted + 6);
        editor.close();
    }
}

/// Changes a text somewhere: which lines are replaced by what.
fn mutation(random: &mut Random, text: &str) -> (usize, usize, String) {
    const LINES: &[&str] = &[
        "        return\n",
        "        if self.rows:\n",
        "            return\n",
        "        self.stats[\"rows_inserted\"] = len(self.rows)\n",
        "        # 😀 e\u{301} tallylint: ignore[untracked-return] x\n",
        "    def save_data(self):\n",
        "class Other(ProcessorBase):\n",
        "        try:\n            self.client.insert_rows(self.rows)\n        except Exception:\n            pass\n",
        "        raise ValueError\n",
        "        (\n",
        "\n",
    ];
    let count = text.split_inclusive('\n').count();
    let from = random.below(count + 1);
    let to = (from + random.below(3)).min(count);
    let lines = random.below(3);
    let new = (0..lines).map(|_| *random.of(LINES)).collect();
    (from, to, new)
}

#[test]
fn after_every_edit_it_tells_what_a_check_tells() {
    let base =
        "import a\n\n\nclass Heir(a.ScoresProcessor):\n    def save_data(self):\n        return\n";
    let project = Project::new(&[("a.py", BAD), ("b.py", base), ("c.py", GOOD)]);
    let mut capabilities = pulling();
    capabilities["general"] = json!({ "positionEncodings": ["utf-32"] });
    let mut editor = Editor::open(&project, &capabilities, &Value::Null);
    let names = ["a.py", "b.py"];
    let mut texts = [BAD.to_owned(), base.to_owned()];
    for (name, text) in names.iter().zip(&texts) {
        editor.opened(&project.path(name), text);
    }
    let mut random = Random(number("TALLYLINT_SEED", 77));
    let mut seen = BTreeSet::new();
    for version in 2..i32::try_from(2 + number("TALLYLINT_EDITS", 40)).unwrap() {
        let which = random.below(2);
        let text = &mut texts[which];
        let (from, to, new) = match random.below(8) {
            0 => (
                0,
                text.split_inclusive('\n').count(),
                [BAD, base][which].to_owned(),
            ),
            _ => mutation(&mut random, text),
        };
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let changed = lines[..from].concat() + &new + &lines[to..].concat();
        let at = |line: usize| json!({ "line": line, "character": 0 });
        let change = json!([{ "range": { "start": at(from), "end": at(to) }, "text": new }]);
        *text = changed;
        editor.edit(&project.path(names[which]), version, change);
        project.write(names[which], &texts[which]);
        for name in names {
            let mut found = editor.pulled(&project.path(name));
            found.retain(|one| one["code"] != "not-analysed");
            let wanted = checked(&project, name);
            assert_eq!(
                told(&found),
                wanted,
                "version {version} of {name}:\n{}",
                texts[which]
            );
            seen.extend(wanted.into_iter().map(|(code, ..)| code));
        }
    }
    assert!(seen.len() > 1, "the edits make a difference: {seen:?}");
    editor.close();
}

#[test]
fn what_is_no_message_is_answered_and_the_next_one_is_read() {
    let project = Project::new(&[]);
    let mut editor = Editor::start(&project);
    editor.send(b"Content-Length: 1\r\n\r\n{");
    let answer = editor.wait(|message| message["error"]["code"] == -32700);
    assert_eq!(answer["id"], Value::Null);
    let early = editor.request("textDocument/hover", json!({}));
    assert_eq!(early["error"]["code"], -32002);
    editor.request("initialize", json!({ "capabilities": pulling()["x"] }));
    assert_eq!(
        editor.request("initialize", json!({}))["error"]["code"],
        -32600
    );
    for method in [
        "textDocument/hover",
        "textDocument/codeAction",
        "textDocument/diagnostic",
        "workspace/diagnostic",
        "workspace/executeCommand",
        "codeAction/resolve",
    ] {
        let answer = editor.request(method, json!({ "textDocument": 5 }));
        assert_eq!(answer["error"]["code"], -32602, "{method}: {answer}");
    }
    assert_eq!(
        editor.request("no/such", json!({}))["error"]["code"],
        -32601
    );
    for (method, params) in [
        ("textDocument/didOpen", json!([])),
        (
            "textDocument/didChange",
            json!({ "textDocument": { "uri": "file:///x y" } }),
        ),
        ("textDocument/didClose", Value::Null),
        (
            "workspace/didChangeWatchedFiles",
            json!({ "changes": [{}] }),
        ),
        ("workspace/didChangeConfiguration", json!(5)),
        ("$/cancelRequest", json!({ "id": {} })),
        ("no/such", json!({})),
    ] {
        editor.tell(method, params);
    }
    editor.say(&json!({ "jsonrpc": "2.0", "id": 99, "result": 5 }));
    still_works(&mut editor, &project);
    editor.close();
}

#[test]
fn edits_out_of_range_and_of_nothing_are_logged() {
    let project = Project::new(&[]);
    let path = project.path("a.py");
    let mut editor = Editor::open(&project, &pulling(), &Value::Null);
    let far = json!({ "line": 4_000_000_000_u32, "character": 4_000_000_000_u32 });
    let near = json!({ "line": 0, "character": 0 });
    let text = |start: &Value, end: &Value, text: &str| json!([{ "range": { "start": start, "end": end }, "text": text }]);
    editor.edit(&path, 1, text(&near, &near, "x"));
    let logged = |message: &Value| message["method"] == "window/logMessage";
    let log = editor.wait(logged);
    assert!(
        log["params"]["message"]
            .as_str()
            .unwrap()
            .contains("not open")
    );
    editor.opened(&path, "");
    editor.edit(&path, 2, text(&far, &far, BAD));
    assert!(
        editor.wait(logged)["params"]["message"]
            .as_str()
            .unwrap()
            .contains("fit")
    );
    assert_eq!(editor.pulled(&path).len(), 1);
    editor.edit(&path, 3, text(&far, &near, ""));
    editor.wait(logged);
    assert_eq!(editor.pulled(&path), [Value::Null; 0]);
    // Positions in questions may be anything, too.
    for method in ["textDocument/hover", "textDocument/definition"] {
        editor.at(method, &path, u32::MAX, u32::MAX);
    }
    still_works(&mut editor, &project);
    editor.close();
}

#[test]
fn files_vanish_and_come_back() {
    let project = Project::new(&[("a.py", BAD), ("folder/b.py", BAD)]);
    let (a, b) = (project.path("a.py"), project.path("folder/b.py"));
    let mut editor = Editor::open(&project, &json!({}), &Value::Null);
    assert_eq!(editor.published(&b, None).len(), 1);
    assert_eq!(editor.published(&a, None).len(), 1);
    editor.opened(&a, BAD);
    assert_eq!(editor.published(&a, Some(1)).len(), 1);
    // What is open is still there for the editor.
    fs::remove_file(&a).unwrap();
    fs::remove_dir_all(project.path("folder")).unwrap();
    let changes = json!([{ "uri": uri(&a), "type": 3 }, { "uri": uri(&b), "type": 3 }]);
    editor.tell(
        "workspace/didChangeWatchedFiles",
        json!({ "changes": changes }),
    );
    assert_eq!(editor.published(&b, None), [Value::Null; 0]);
    editor.replace(&a, 2, &format!("\n{BAD}"));
    let found = editor.published(&a, Some(2));
    assert_eq!(found[0]["range"]["start"]["line"], 4);
    editor.tell(
        "textDocument/didClose",
        json!({ "textDocument": { "uri": uri(&a) } }),
    );
    assert_eq!(editor.published(&a, None), [Value::Null; 0]);
    project.write("folder/b.py", BAD);
    let changes = json!([{ "uri": uri(&b), "type": 1 }]);
    editor.tell(
        "workspace/didChangeWatchedFiles",
        json!({ "changes": changes }),
    );
    assert_eq!(editor.published(&b, None).len(), 1);
    // Even the whole project.
    fs::remove_dir_all(project.path("")).unwrap();
    let changes = json!([{ "uri": uri(&b), "type": 3 }]);
    editor.tell(
        "workspace/didChangeWatchedFiles",
        json!({ "changes": changes }),
    );
    editor.opened(&a, BAD);
    assert_eq!(editor.published(&b, None), [Value::Null; 0]);
    assert_eq!(editor.published(&a, Some(1)).len(), 1);
    fs::create_dir(project.path("")).unwrap();
    editor.close();
}

#[test]
fn a_line_of_ten_megabytes_is_no_trouble() {
    let project = Project::new(&[]);
    let path = project.path("a.py");
    let mut editor = Editor::open(&project, &pulling(), &Value::Null);
    let long = format!("x = '{}'\n{BAD}", "é".repeat(5 << 20));
    editor.opened(&path, &long);
    assert_eq!(editor.pulled(&path).len(), 1);
    let at = json!({ "line": 0, "character": 5_000_000 });
    let change = json!([{ "range": { "start": at, "end": at }, "text": "'\n\ny = '" }]);
    editor.edit(&path, 2, change);
    assert_eq!(editor.pulled(&path)[0]["range"]["start"]["line"], 6);
    editor.close();
}

#[test]
fn whatever_is_sent_the_server_lives() {
    const METHODS: &[&str] = &[
        "initialized",
        "textDocument/didOpen",
        "textDocument/didChange",
        "textDocument/didClose",
        "textDocument/didSave",
        "textDocument/hover",
        "textDocument/definition",
        "textDocument/codeAction",
        "textDocument/codeLens",
        "textDocument/inlayHint",
        "textDocument/diagnostic",
        "workspace/diagnostic",
        "workspace/executeCommand",
        "workspace/didChangeWatchedFiles",
        "workspace/didChangeWorkspaceFolders",
        "workspace/didChangeConfiguration",
        "codeAction/resolve",
        "$/cancelRequest",
        "window/workDoneProgress/create",
    ];
    const HEADERS: &[&[u8]] = &[
        b"Content-Length: \r\n\r\n",
        b"\r\n",
        b"\xff\xfe{}\n",
        b"Content-Length: 18446744073709551616\r\n\r\n",
        b"Content-Length: 3\r\n\r\n{}}}}",
    ];
    let project = Project::new(&[("a.py", BAD), ("b.py", GOOD)]);
    let mut editor = Editor::open(&project, &pulling(), &Value::Null);
    let documents = [uri(&project.path("a.py")), uri(&project.path("new.py"))];
    let mut random = Random(number("TALLYLINT_SEED", 5));
    for _ in 0..number("TALLYLINT_MESSAGES", 1500) {
        let params = params(&mut random, &documents, 4);
        let mut message =
            json!({ "jsonrpc": "2.0", "method": random.of(METHODS), "params": params });
        if random.below(3) > 0 {
            message["id"] = json!(1_000_000 + random.below(50));
        }
        let body = message.to_string();
        let bytes = body.as_bytes();
        match random.below(12) {
            // A part of a message that says that it is whole.
            0 => {
                let cut = &bytes[..random.below(bytes.len())];
                editor.send(format!("Content-Length: {}\r\n\r\n", cut.len()).as_bytes());
                editor.send(cut);
            }
            // A wrong header.
            1 => editor.send(HEADERS[random.below(HEADERS.len())]),
            // Bytes that are no text.
            2 => {
                let mut bytes = bytes.to_vec();
                let at = random.below(bytes.len());
                bytes[at] = 0xff;
                editor.send(format!("Content-Length: {}\r\n\r\n", bytes.len()).as_bytes());
                editor.send(&bytes);
            }
            _ => editor.say(&message),
        }
    }
    editor.send(b"\r\n\r\n");
    still_works(&mut editor, &project);
    let bug = |message: &Value| message.to_string().contains("a bug in tallylint");
    let bugs: Vec<&Value> = editor.kept.iter().filter(|kept| bug(kept)).collect();
    assert!(bugs.is_empty(), "{bugs:#?}");
    editor.close();
}

/// Names that mean something.
const NAMES: &[&str] = &[
    "textDocument",
    "uri",
    "version",
    "text",
    "range",
    "start",
    "end",
    "line",
    "character",
    "position",
    "contentChanges",
    "context",
    "only",
    "diagnostics",
    "arguments",
    "command",
    "data",
    "title",
    "changes",
    "type",
    "event",
    "added",
    "removed",
    "name",
    "settings",
    "previousResultIds",
    "value",
    "id",
    "languageId",
];

/// Random JSON, with the names and the values that mean something.
fn params(random: &mut Random, documents: &[String], depth: usize) -> Value {
    let place = |random: &mut Random| {
        let number = |random: &mut Random| match random.below(4) {
            0 => u32::MAX as usize,
            _ => random.below(9),
        };
        json!({ "line": number(random), "character": number(random) })
    };
    match random.below(if depth == 0 { 6 } else { 11 }) {
        0 => Value::Null,
        1 => json!(random.below(9)),
        2 => json!(*random.of(&[
            "",
            "tallylint.fixAll",
            "tallylint.explainExit",
            "quickfix",
            "source.fixAll",
            "é"
        ])),
        3 => json!(random.of(documents)),
        4 => place(random),
        5 => json!([]),
        6 => (0..random.below(3))
            .map(|_| params(random, documents, depth - 1))
            .collect(),
        7 => {
            let names = (0..random.below(5))
                .map(|_| (*random.of(NAMES)).to_owned())
                .collect::<Vec<_>>();
            let values = names
                .into_iter()
                .map(|name| (name, params(random, documents, depth - 1)));
            Value::Object(values.collect())
        }
        // What most requests take.
        8 => json!({
            "textDocument": { "uri": random.of(documents), "version": 1, "languageId": "python", "text": BAD },
            "position": place(random),
            "range": { "start": place(random), "end": place(random) },
            "context": { "diagnostics": [] },
        }),
        9 => json!({
            "textDocument": { "uri": random.of(documents), "version": random.below(9) },
            "contentChanges": [{
                "range": { "start": place(random), "end": place(random) },
                "text": random.of(&["", "\n", "        return\n", "😀", "(", BAD]),
            }],
        }),
        _ => json!({
            "command": random.of(&["tallylint.fixAll", "tallylint.showExits", "tallylint.explainExit"]),
            "arguments": [{ "uri": random.of(documents), "position": place(random) }],
        }),
    }
}
