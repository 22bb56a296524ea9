//! The language server, as an editor talks to it.

use serde_json::{Value, json};

use crate::common::Project;
use crate::editor::{BAD, Editor, GOOD, applied, checked, pulling, titled, told, uri};

/// A write whose failure nobody hears of.
const SINK: &str = "\
class Sink:
    def store(self, rows):
        try:
            self.client.insert_rows(rows)
        except Exception:
            return
";

#[test]
fn diagnostics_follow_what_is_typed() {
    let project = Project::new(&[("a.py", GOOD), ("b.py", BAD)]);
    let mut editor = Editor::open(&project, &json!({}), &Value::Null);
    // Files that are not open have diagnostics, too.
    let (a, b) = (project.path("a.py"), project.path("b.py"));
    assert_eq!(told(&editor.published(&b, None)), checked(&project, "b.py"));
    editor.opened(&a, BAD);
    let found = editor.published(&a, Some(1));
    assert_eq!(found.len(), 1, "{found:?}");
    let found = &found[0];
    assert_eq!(found["source"], "tallylint");
    assert_eq!(found["code"], "untracked-return/unset");
    let related = found["relatedInformation"].as_array().unwrap();
    assert!(related.len() > 1, "the steps: {related:?}");
    assert!(related.iter().all(|one| one["location"]["uri"] == *uri(&a)));
    editor.replace(&a, 2, GOOD);
    assert_eq!(editor.published(&a, Some(2)), [Value::Null; 0]);
    editor.edit(
        &a,
        3,
        json!([{
            "range": { "start": { "line": 2, "character": 0 }, "end": { "line": 2, "character": 0 } },
            "text": "        if self.x:\n            return\n",
        }]),
    );
    assert_eq!(editor.published(&a, Some(3)).len(), 1);
    // Closed, it is what is on the disk.
    editor.tell(
        "textDocument/didClose",
        json!({ "textDocument": { "uri": uri(&a) } }),
    );
    assert_eq!(editor.published(&a, None), [Value::Null; 0]);
    editor.close();
}

#[test]
fn what_is_pulled_is_what_is_pushed() {
    let project = Project::new(&[("a.py", BAD), ("b.py", GOOD)]);
    let (a, b) = (project.path("a.py"), project.path("b.py"));
    let mut pushed = Editor::open(&project, &json!({}), &Value::Null);
    pushed.opened(&a, BAD);
    let by_push = pushed.published(&a, Some(1));
    let mut editor = Editor::open(&project, &pulling(), &Value::Null);
    editor.opened(&a, BAD);
    let params = json!({ "textDocument": { "uri": uri(&a) } });
    let mut full = editor.result("textDocument/diagnostic", params.clone());
    assert_eq!(full["items"].as_array(), Some(&by_push));
    let mut again = params.clone();
    again["previousResultId"] = full["resultId"].take();
    let same = editor.result("textDocument/diagnostic", again.clone());
    assert_eq!(
        (&same["kind"], &same["items"]),
        (&json!("unchanged"), &Value::Null)
    );
    let all = editor.result("workspace/diagnostic", json!({ "previousResultIds": [] }));
    let items = all["items"].as_array().unwrap();
    assert_eq!(items.len(), 1, "{items:?}");
    assert_eq!(
        (&items[0]["uri"], &items[0]["version"]),
        (&json!(uri(&a)), &json!(1))
    );
    assert_eq!(items[0]["items"].as_array(), Some(&by_push));
    editor.replace(&a, 2, GOOD);
    editor.opened(&b, BAD);
    assert_eq!(
        editor.result("textDocument/diagnostic", again)["items"],
        json!([])
    );
    let known = json!([{ "uri": uri(&a), "value": items[0]["resultId"] }]);
    let all = editor.result(
        "workspace/diagnostic",
        json!({ "previousResultIds": known }),
    );
    let items = all["items"].as_array().unwrap().iter();
    let items = items.map(|item| (item["uri"].clone(), item["items"].as_array().unwrap().len()));
    assert_eq!(
        items.collect::<Vec<_>>(),
        [(json!(uri(&b)), 1), (json!(uri(&a)), 0)]
    );
    assert!(
        !editor
            .kept
            .iter()
            .any(|kept| kept["method"] == "textDocument/publishDiagnostics"),
        "who asks is not told unasked"
    );
    editor.close();
}

#[test]
fn code_actions_fix_ignore_and_explain() {
    let project = Project::new(&[("a.py", BAD)]);
    let a = project.path("a.py");
    let mut editor = Editor::open(&project, &pulling(), &Value::Null);
    editor.opened(&a, BAD);
    let actions = editor.actions(&a, 3, None);
    let ignore = applied(BAD, titled(&actions, "Ignore `untracked-return`"));
    assert!(ignore.contains("return  # tallylint: ignore[untracked-return] TODO: say why\n"));
    // A comment that ignores nothing is unnecessary, and can go safely.
    let text = format!("x = 1  # tallylint: ignore[untracked-return] no\n{ignore}");
    editor.replace(&a, 2, &text);
    let found = editor.pulled(&a);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0]["tags"], json!([1]));
    let actions = editor.actions(&a, 0, None);
    let fix = &actions[0];
    assert_eq!(
        (&fix["kind"], &fix["isPreferred"]),
        (&json!("quickfix"), &json!(true))
    );
    assert_eq!(
        fix["edit"]["documentChanges"][0]["textDocument"]["version"],
        2
    );
    let wanted = format!("x = 1\n{ignore}");
    assert_eq!(applied(&text, fix), wanted);
    // All at once: on demand, and when the action is chosen.
    let all = editor.actions(&a, 5, Some("source.fixAll"));
    assert_eq!(applied(&text, titled(&all, "all safe fixes")), wanted);
    let later = titled(&actions, "all safe fixes").clone();
    assert_eq!(later["edit"], Value::Null);
    let resolved = editor.result("codeAction/resolve", later);
    assert_eq!(applied(&text, &resolved), wanted);
    editor.replace(&a, 3, &wanted);
    assert_eq!(
        editor.actions(&a, 0, Some("source.fixAll.tallylint")),
        [Value::Null; 0]
    );
    assert_eq!(editor.actions(&a, 0, None), [Value::Null; 0]);
    editor.close();
}

#[test]
fn fixes_that_change_the_program_say_so() {
    let project = Project::new(&[("sink.py", SINK)]);
    let path = project.path("sink.py");
    let mut editor = Editor::open(&project, &pulling(), &Value::Null);
    editor.opened(&path, SINK);
    let line = editor.pulled(&path)[0]["range"]["start"]["line"].as_u64();
    let line = u32::try_from(line.unwrap()).unwrap();
    let actions = editor.actions(&path, line, Some("quickfix"));
    let fix = titled(&actions, "(changes what the program does)");
    assert_eq!(fix["isPreferred"], false);
    assert!(applied(SINK, fix).contains("            raise\n"), "{fix}");
    // Nobody is offered to make such changes unasked.
    assert_eq!(
        editor.actions(&path, line, Some("source.fixAll")),
        [Value::Null; 0]
    );
    editor.close();
}

#[test]
fn a_method_shows_its_contract_and_its_exits() {
    let project = Project::new(&[("a.py", BAD)]);
    let a = project.path("a.py");
    let settings = json!({ "inlayHints": true });
    let mut editor = Editor::open(&project, &json!({}), &settings);
    editor.opened(&a, BAD);
    let document = json!({ "textDocument": { "uri": uri(&a) } });
    let lenses = editor.result("textDocument/codeLens", document.clone());
    assert_eq!(lenses.as_array().unwrap().len(), 1, "{lenses}");
    let command = &lenses[0]["command"];
    assert_eq!(
        lenses[0]["range"]["start"],
        json!({ "line": 1, "character": 8 })
    );
    assert_eq!(command["title"], "1 of 2 exits set rows_inserted");
    assert_eq!(
        command["arguments"][0]["exits"].as_array().unwrap().len(),
        2
    );
    let shown = editor.result("workspace/executeCommand", command.clone());
    let text = shown["text"].as_str().unwrap().to_owned();
    assert!(
        text.contains("- line 4: not set") && text.contains("- the end: set"),
        "{text}"
    );
    let message = editor.wait(|message| message["method"] == "window/showMessage");
    assert_eq!(message["params"]["message"], text);
    let hover = editor.at("textDocument/hover", &a, 1, 10);
    let hover = hover["contents"]["value"].as_str().unwrap();
    for part in [
        "`save_data` sets `self.stats['rows_inserted']`",
        "built in",
        "- line 4: not set",
    ] {
        assert!(hover.contains(part), "{hover}");
    }
    let hover = editor.at("textDocument/hover", &a, 3, 14);
    let hover = hover["contents"]["value"].as_str().unwrap();
    for part in [
        "**warning**",
        "1. line 3",
        "*help*",
        "# untracked-return/unset",
    ] {
        assert!(hover.contains(part), "{part}: {hover}");
    }
    assert_eq!(editor.at("textDocument/hover", &a, 0, 0), Value::Null);
    let mut params = document;
    params["range"] = json!({
        "start": { "line": 0, "character": 0 }, "end": { "line": 9, "character": 0 },
    });
    let hints = editor.result("textDocument/inlayHint", params);
    let hints = hints.as_array().unwrap().iter();
    let hints: Vec<_> = hints
        .map(|hint| (hint["position"]["line"].as_u64(), hint["label"].as_str()))
        .collect();
    assert!(
        hints.contains(&(Some(3), Some("✗ does not set rows_inserted"))),
        "{hints:?}"
    );
    // Where there is no finding, it is told why.
    let explain = json!({
        "command": "tallylint.explainExit",
        "arguments": [{ "uri": uri(&a), "position": { "line": 1, "character": 0 } }],
    });
    let why = editor.result("workspace/executeCommand", explain);
    let why = why["text"].as_str().unwrap();
    assert!(why.contains("- set at line 6: "), "{why}");
    editor.close();
}

#[test]
fn evidence_is_where_the_definition_is() {
    let base = "\
class AnalyticsBase:
    def run(self):
        self.stats = {}
        self.save_analytics()
        return self.stats.get(\"rows_processed\", 0)

    def save_analytics(self):
        raise NotImplementedError
";
    let heir = "\
from base import AnalyticsBase


class Ratings(AnalyticsBase):
    def save_analytics(self):
        if not self.rows:
            return
        self.stats[\"rows_processed\"] = len(self.rows)
";
    let project = Project::new(&[("base.py", base), ("heir.py", heir)]);
    let path = project.path("heir.py");
    let mut editor = Editor::open(&project, &json!({}), &Value::Null);
    editor.opened(&path, heir);
    let found = editor.at("textDocument/definition", &path, 4, 10);
    assert_eq!(found[0]["uri"], *uri(&project.path("base.py")), "{found}");
    assert_eq!(found[0]["range"]["start"]["line"], 4);
    editor.close();
}

#[test]
fn the_callers_of_a_failure_could_hear_of_it() {
    let caller = "\
from sink import Sink


def run(rows):
    Sink().store(rows)


def main():
    run([1])


def other():
    print('store')
";
    let project = Project::new(&[("sink.py", SINK), ("caller.py", caller)]);
    let path = project.path("sink.py");
    let mut editor = Editor::open(&project, &pulling(), &Value::Null);
    editor.opened(&path, SINK);
    let found = editor.pulled(&path);
    assert_eq!(found.len(), 1, "{found:?}");
    let line = found[0]["range"]["start"]["line"].as_u64().unwrap();
    let line = u32::try_from(line).unwrap();
    let items = editor.at("textDocument/prepareCallHierarchy", &path, line, 12);
    assert_eq!(items[0]["name"], "Sink.store", "{items}");
    let mut callers = |item: &Value| {
        let calls = editor.result("callHierarchy/incomingCalls", json!({ "item": item }));
        let calls = calls.as_array().unwrap().clone();
        assert_eq!(calls.len(), 1, "{calls:?}");
        let line = calls[0]["fromRanges"][0]["start"]["line"].as_u64();
        (calls[0]["from"].clone(), line)
    };
    let (run, line) = callers(&items[0]);
    assert_eq!((&run["name"], line), (&json!("run"), Some(4)));
    let (main, line) = callers(&run);
    assert_eq!((&main["name"], line), (&json!("main"), Some(8)));
    // Where there is no failure, there is nothing to tell.
    let nothing = editor.at("textDocument/prepareCallHierarchy", &path, 0, 0);
    assert_eq!(nothing, json!([]));
    editor.close();
}

#[test]
fn several_folders_each_have_their_configuration() {
    let off = "[tool.tallylint]\nignore = [\"untracked-return\"]\n";
    let project = Project::new(&[
        ("one/a.py", BAD),
        ("two/a.py", BAD),
        ("two/pyproject.toml", off),
        ("loose/a.py", BAD),
    ]);
    let folder = |name: &str| json!({ "uri": uri(&project.path(name)), "name": name });
    let mut editor = Editor::start(&project);
    editor.result(
        "initialize",
        json!({
            "capabilities": {}, "workspaceFolders": [folder("one")],
            "initializationOptions": { "debounce": 0 },
        }),
    );
    editor.tell("initialized", json!({}));
    let (one, two, loose) = ("one/a.py", "two/a.py", "loose/a.py");
    let [one, two, loose] = [one, two, loose].map(|name| project.path(name));
    assert_eq!(editor.published(&one, None).len(), 1);
    // What is in no folder that is open is checked alone.
    editor.opened(&loose, BAD);
    assert_eq!(editor.published(&loose, Some(1)).len(), 1);
    let unsaved = project.path("loose/unsaved.py");
    editor.opened(&unsaved, BAD);
    assert_eq!(editor.published(&unsaved, Some(1)).len(), 1);
    editor.opened(&two, BAD);
    assert_eq!(editor.published(&two, Some(1)), [Value::Null; 0]);
    let event = json!({ "added": [folder("two")], "removed": [folder("one")] });
    editor.tell(
        "workspace/didChangeWorkspaceFolders",
        json!({ "event": event }),
    );
    assert_eq!(
        editor.published(&one, None),
        [Value::Null; 0],
        "it is no longer open"
    );
    // The configuration changes.
    project.write("two/pyproject.toml", "[tool.tallylint]\n");
    let changes = json!([{ "uri": uri(&project.path("two/pyproject.toml")), "type": 2 }]);
    editor.tell(
        "workspace/didChangeWatchedFiles",
        json!({ "changes": changes.clone() }),
    );
    editor.wait(|message| {
        message["params"]["uri"] == *uri(&two) && message["params"]["diagnostics"] != json!([])
    });
    // It is wrong: that is told where it is, and to the user.
    project.write("two/pyproject.toml", "[tool.tallylint]\nselct = []\n");
    editor.tell(
        "workspace/didChangeWatchedFiles",
        json!({ "changes": changes }),
    );
    let wrong = editor.published(&project.path("two/pyproject.toml"), None);
    assert_eq!(wrong[0]["range"]["start"]["line"], 1);
    assert_eq!(wrong[0]["code"], "configuration");
    let told = editor.wait(|message| message["method"] == "window/showMessage");
    assert!(told.to_string().contains("selct"), "{told}");
    project.write("two/pyproject.toml", off);
    editor.tell(
        "textDocument/didSave",
        json!({ "textDocument": { "uri": uri(&project.path("two/pyproject.toml")) } }),
    );
    let nothing = editor.published(&project.path("two/pyproject.toml"), None);
    assert_eq!(nothing, [Value::Null; 0]);
    editor.close();
}

#[test]
fn settings_are_asked_for_and_may_change() {
    let project = Project::new(&[("a.py", BAD)]);
    let a = project.path("a.py");
    let capabilities = json!({
        "workspace": {
            "configuration": true,
            "didChangeWatchedFiles": { "dynamicRegistration": true },
        },
    });
    let mut editor = Editor::open(&project, &capabilities, &Value::Null);
    let registered = editor.wait(|message| message["method"] == "client/registerCapability");
    assert!(registered.to_string().contains("**/*"), "{registered}");
    assert_eq!(editor.published(&a, None).len(), 1);
    let answer = |editor: &mut Editor, settings: Value| {
        let asked = editor.wait(|message| message["method"] == "workspace/configuration");
        let items = asked["params"]["items"].as_array().unwrap();
        assert_eq!(items[0]["scopeUri"], *uri(&project.path("")));
        let all = vec![settings; items.len()];
        editor.say(&json!({ "jsonrpc": "2.0", "id": asked["id"], "result": all }));
    };
    answer(
        &mut editor,
        json!({ "ignore": ["untracked-return"], "debounce": 0 }),
    );
    assert_eq!(editor.published(&a, None), [Value::Null; 0]);
    editor.tell(
        "workspace/didChangeConfiguration",
        json!({ "settings": null }),
    );
    answer(&mut editor, json!({ "debounce": 0 }));
    assert_eq!(editor.published(&a, None).len(), 1);
    editor.tell(
        "workspace/didChangeConfiguration",
        json!({ "settings": null }),
    );
    answer(&mut editor, json!({ "select": ["no-such-rule"] }));
    let told = editor.wait(|message| message["method"] == "window/showMessage");
    assert!(told.to_string().contains("no-such-rule"), "{told}");
    editor.close();
}

#[test]
fn the_first_analysis_shows_how_far_it_is() {
    let project = Project::new(&[("a.py", BAD)]);
    let capabilities = json!({ "window": { "workDoneProgress": true } });
    let mut editor = Editor::open(&project, &capabilities, &Value::Null);
    let asked = editor.wait(|message| message["method"] == "window/workDoneProgress/create");
    // The analysis may be over before the editor says that it may be shown.
    assert!(asked["params"]["token"].is_string());
    editor.say(&json!({ "jsonrpc": "2.0", "id": asked["id"], "result": null }));
    assert_eq!(editor.published(&project.path("a.py"), None).len(), 1);
    editor.opened(&project.path("b.py"), BAD);
    assert_eq!(editor.published(&project.path("b.py"), Some(1)).len(), 1);
    let again = |kept: &Value| kept["method"] == "window/workDoneProgress/create";
    assert!(!editor.kept.iter().any(again), "only the first one");
    let told = editor
        .kept
        .iter()
        .filter(|kept| kept["method"] == "$/progress");
    let kinds: Vec<&Value> = told.map(|kept| &kept["params"]["value"]["kind"]).collect();
    assert!(kinds.is_empty() || (kinds[0] == "begin" && kinds[kinds.len() - 1] == "end"));
    editor.close();
}
