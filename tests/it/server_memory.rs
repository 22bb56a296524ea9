//! What the language server remembers from edit to edit: after whatever happened, it tells what a check tells that starts
//! from scratch.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::{Value, json};

use crate::changed::{Lcg, Small, mutate_line, small};
use crate::common::{Project, json as report, number};
use crate::editor::{Editor, pulling, uri};

/// Paths of the project, rules, first lines, columns and messages.
type Told = BTreeSet<(String, String, u64, u64, String)>;

const BEGINNING: &[(&str, &str)] = &[(
    "etl/sched.py",
    "def run(job, last):\n    if last.status == 'success':\n        return 'skip'\n    job()\n",
)];

/// An open document, with all its texts so far.
struct Open {
    version: i32,
    texts: Vec<String>,
}

/// A project in an editor, and the same texts in another project.
struct Session {
    project: Project,
    /// What the editor shows, as files.
    mirror: Project,
    editor: Editor,
    open: BTreeMap<String, Open>,
    /// What was on the disk when the editor heard of it last.
    heard: BTreeSet<String>,
}

impl Session {
    fn new(small: &Small, watches: bool) -> Self {
        let of_small = small.files().iter().map(|(path, texts)| (*path, texts[0]));
        let files: Vec<_> = of_small.chain(BEGINNING.iter().copied()).collect();
        let project = Project::new(&files);
        let mut capabilities = pulling();
        capabilities["general"] = json!({ "positionEncodings": ["utf-32"] });
        capabilities["workspace"]["didChangeWatchedFiles"] =
            json!({ "dynamicRegistration": watches });
        let settings = json!({ "select": ["all"], "pedantic": true });
        Self {
            mirror: Project::new(&files),
            editor: Editor::open(&project, &capabilities, &settings),
            project,
            open: BTreeMap::new(),
            heard: files.iter().map(|(path, _)| (*path).to_owned()).collect(),
        }
    }

    /// Tells the editor's server what happened on the disk, and does the same in the mirror.
    fn happened(&mut self, paths: &[String]) {
        let mut changes = Vec::new();
        for path in paths {
            let there = fs::read(self.project.path(path)).ok();
            let was_there = match there {
                Some(_) => !self.heard.insert(path.clone()),
                None => self.heard.remove(path),
            };
            let kind = match (was_there, &there) {
                (false, _) => 1,
                (true, Some(_)) => 2,
                (true, None) => 3,
            };
            changes.push(json!({ "uri": uri(&self.project.path(path)), "type": kind }));
            if self.open.contains_key(path) {
                continue;
            }
            match there {
                Some(bytes) => self.mirror.write(path, bytes),
                None => drop(fs::remove_file(self.mirror.path(path))),
            }
        }
        let params = json!({ "changes": changes });
        self.editor.tell("workspace/didChangeWatchedFiles", params);
    }

    /// Types into a document, which is opened first if it is not open.
    fn edit(&mut self, path: &str, random: &mut Lcg) {
        let place = self.project.path(path);
        if !self.open.contains_key(path) {
            let text = self.project.read(path);
            self.editor.opened(&place, &text);
            let texts = vec![text];
            self.open
                .insert(path.to_owned(), Open { version: 1, texts });
        }
        let open = self.open.get_mut(path).unwrap();
        let before = open.texts.last().unwrap();
        let after = match random.below(4) {
            // Undo, also of many edits.
            0 => random.pick(&open.texts).clone(),
            _ => mutate_line(before, random),
        };
        open.version += 1;
        self.editor.replace(&place, open.version, &after);
        self.mirror.write(path, &after);
        open.texts.push(after);
    }

    fn save(&mut self, path: &str) {
        let text = self.open[path].texts.last().unwrap();
        self.project.write(path, text);
        self.heard.insert(path.to_owned());
        let document = json!({ "textDocument": { "uri": uri(&self.project.path(path)) } });
        self.editor.tell("textDocument/didSave", document);
    }

    /// Closes a document: what is on the disk counts again.
    fn close(&mut self, path: &str) {
        let document = json!({ "textDocument": { "uri": uri(&self.project.path(path)) } });
        self.editor.tell("textDocument/didClose", document);
        self.open.remove(path);
        match fs::read(self.project.path(path)) {
            Ok(bytes) => self.mirror.write(path, bytes),
            Err(_) => fs::remove_file(self.mirror.path(path)).unwrap(),
        }
    }

    /// What the server tells of all files.
    fn told(&mut self) -> Told {
        let params = json!({ "previousResultIds": [] });
        let all = self.editor.result("workspace/diagnostic", params);
        let top = uri(&self.project.path(""));
        let mut out = Told::new();
        for item in all["items"].as_array().unwrap() {
            let path = item["uri"].as_str().unwrap().strip_prefix(&top).unwrap();
            let path = path.trim_start_matches('/').to_owned();
            for diagnostic in item["items"].as_array().unwrap() {
                let start = &diagnostic["range"]["start"];
                out.insert((
                    path.clone(),
                    diagnostic["code"].as_str().unwrap().to_owned(),
                    start["line"].as_u64().unwrap() + 1,
                    start["character"].as_u64().unwrap() + 1,
                    diagnostic["message"].as_str().unwrap().to_owned(),
                ));
            }
        }
        out
    }

    /// What a check says of the same texts.
    fn checked(&self) -> Told {
        let arguments = ["check", "--format=json", "--no-cache", "--select=all"];
        let ran = self
            .mirror
            .run(&[&arguments[..], &["--pedantic", "."]].concat());
        let ran = report(&ran);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let number = |value: &Value| value.as_u64().unwrap_or(1);
        let findings = ran["findings"].as_array().unwrap().iter();
        let findings = findings.map(|finding| {
            (
                text(&finding["path"]),
                format!("{}/{}", text(&finding["rule"]), text(&finding["kind"])),
                number(&finding["line"]),
                number(&finding["column"]),
                text(&finding["message"]),
            )
        });
        let failures = ran["files"]["failed"].as_array().unwrap().iter();
        let failures = failures.map(|failure| {
            // `line 1, column 7: unexpected ':'`
            let reason = text(&failure["reason"]);
            let (place, message) = reason.split_once(": ").unwrap();
            let numbers = place.split(|c: char| !c.is_ascii_digit());
            let numbers: Vec<u64> = numbers.filter_map(|n| n.parse().ok()).collect();
            let what = text(&failure["what"]);
            let message = format!("{}: {message}", what.replace('-', " "));
            (
                text(&failure["path"]),
                what,
                numbers[0],
                numbers[1],
                message.to_owned(),
            )
        });
        findings.chain(failures).collect()
    }
}

/// Something that happens in an editor.
fn something(session: &mut Session, small: &Small, random: &mut Lcg) -> String {
    let open: Vec<String> = session.open.keys().cloned().collect();
    match random.below(10) {
        0 if !open.is_empty() => {
            let path = random.pick(&open).clone();
            session.close(&path);
            format!("closed {path}")
        }
        1 if !open.is_empty() => {
            let path = random.pick(&open).clone();
            session.save(&path);
            format!("saved {path}")
        }
        2..=4 => {
            let paths = small.mutate(&session.project, random);
            session.happened(&paths);
            format!("on the disk: {paths:?}")
        }
        _ => {
            let paths = small.files().iter().map(|(path, _)| *path);
            let paths = paths.chain(BEGINNING.iter().map(|(path, _)| *path));
            let is_code = |path: &&str| {
                let there = session.project.path(path).exists();
                path.ends_with(".py") && (there || session.open.contains_key(*path))
            };
            let paths: Vec<&str> = paths.filter(is_code).collect();
            let path = *random.pick(&paths);
            session.edit(path, random);
            format!("typed into {path}")
        }
    }
}

#[test]
fn whatever_happens_it_tells_what_a_check_tells() {
    let small = small();
    let mut kinds = BTreeSet::new();
    let steps = number("TALLYLINT_EDITS", 40);
    for (seed, watches) in [(5, true), (6, false)] {
        let mut random = Lcg(number("TALLYLINT_DIFF_SEED", 0) + seed);
        let mut session = Session::new(&small, watches);
        let mut done = Vec::new();
        for _ in 0..steps {
            // Now and then something happens while an analysis runs.
            for _ in 0..=random.below(3) / 2 {
                done.push(something(&mut session, &small, &mut random));
            }
            let (told, wanted) = (session.told(), session.checked());
            let lately = &done[done.len().saturating_sub(5)..];
            assert_eq!(told, wanted, "{} steps, last {lately:#?}", done.len());
            kinds.extend(wanted.into_iter().map(|(_, code, ..)| code));
        }
        session.editor.close();
    }
    assert!(kinds.len() > 2, "it makes a difference: {kinds:?}");
}
