//! Why an exit is good: what the language server says of it.

use serde_json::{Value, json};

use crate::common::Project;
use crate::editor::{Editor, uri};

/// What the server says of the exit that the line with this comment is.
fn explained(file: &str, text: &str) -> String {
    let line = text.lines().position(|line| line.contains("here"));
    let line = line.expect("a line is marked");
    let project = Project::new(&[(file, text)]);
    let path = project.path(file);
    let mut editor = Editor::open(&project, &json!({}), &Value::Null);
    editor.opened(&path, text);
    let explain = json!({
        "command": "tallylint.explainExit",
        "arguments": [{ "uri": uri(&path), "position": { "line": line, "character": 0 } }],
    });
    let why = editor.result("workspace/executeCommand", explain);
    editor.close();
    why["text"].as_str().expect("a text").to_owned()
}

/// The same for a method in Python.
fn in_python(body: &str) -> String {
    explained(
        "a.py",
        &format!("class A(Base):\n    def save_data(self, rows, mode):\n{body}"),
    )
}

/// The same for a method in Rust.
fn in_rust(body: &str) -> String {
    let head = "\
use std::collections::HashMap;

pub trait Processor {
    fn save_data(&mut self) -> Result<(), Error>;
}

pub struct P { stats: HashMap<String, i64>, rows: Vec<Row> }

impl Processor for P {
    fn save_data(&mut self) -> Result<(), Error> {
";
    explained("a.rs", &format!("{head}{body}    }}\n}}\n"))
}

/// What is said after the state of the exit.
fn reasons(text: &str) -> Vec<&str> {
    let lines = text.lines().skip(1);
    lines.filter(|line| !line.starts_with("- set at")).collect()
}

#[test]
fn an_early_return_rules_a_later_test_out() {
    let text = in_python(
        "        if not rows:
            self.stats['rows_inserted'] = 0
            return
        self.write(rows)
        if not rows:
            return  # here
        self.stats['rows_inserted'] = 1
",
    );
    assert!(text.contains("no path leads here"), "{text}");
    assert_eq!(
        reasons(&text),
        [
            "- the way here is closed at line 7: `rows` is truthy whenever this is reached",
            "  - known since line 3: `rows` is truthy",
        ]
    );
}

#[test]
fn a_flag_says_whether_the_place_is_set() {
    let text = in_python(
        "        done = False
        if self.x():
            self.stats['rows_inserted'] = 1
            done = True
        if done:
            return  # here
        self.stats['rows_inserted'] = 0
",
    );
    let wanted = |test: u32, made: u32| {
        [
            format!(
                "- without that, the way here is closed at line {test}: if the place is not set yet, `done` is falsy"
            ),
            format!("  - known since line {made}: `done` gets its value"),
        ]
    };
    assert_eq!(reasons(&text), wanted(7, 3));
    let text = in_rust(
        "        let mut done = false;
        if self.go() {
            self.stats.insert(\"rows_inserted\".to_string(), 1);
            done = true;
        }
        if done {
            return Ok(()); // here
        }
        self.stats.insert(\"rows_inserted\".to_string(), 2);
        Ok(())
",
    );
    assert_eq!(reasons(&text), wanted(16, 11));
}

#[test]
fn one_of_all_cases_matches() {
    let text = in_python(
        "        match bool(mode):
            case True:
                self.stats['rows_inserted'] = 1
            case False:
                self.stats['rows_inserted'] = 2
        return  # here
",
    );
    assert_eq!(
        reasons(&text),
        [
            "- without that, the way here is closed at line 6: this case matches whenever this is reached",
            "  - known since line 4: this case does not match",
        ]
    );
    let text = in_python(
        "        if mode == 'a':
            self.stats['rows_inserted'] = 1
        elif mode != 'a':
            self.stats['rows_inserted'] = 2
        return  # here
",
    );
    assert_eq!(
        reasons(&text),
        [
            "- without that, the way here is closed at line 5: `mode` is not 'a' whenever this is reached",
            "  - known since line 3: `mode` is not 'a'",
        ]
    );
}

#[test]
fn a_loop_certainly_runs() {
    let text = in_python(
        "        if not rows:
            self.stats['rows_inserted'] = 0
            return
        for row in rows:
            self.stats['rows_inserted'] = 1
        return  # here
",
    );
    assert_eq!(
        reasons(&text),
        [
            "- without that, the way here is closed at line 6: if the place is not set yet, the loop body runs",
            "  - known since line 3: `rows` is truthy",
        ]
    );
    // What is known of `rows` is not known since the loop, and nothing else is.
    let text = in_python(
        "        for i in range(3):
            self.stats['rows_inserted'] = i
        return  # here
",
    );
    assert_eq!(
        reasons(&text),
        [
            "- without that, the way here is closed at line 3: if the place is not set yet, the loop body runs"
        ]
    );
}

#[test]
fn what_raises_nothing_and_what_always_raises() {
    let text = in_python(
        "        try:
            self.log.info('x')
        except KeyError:
            return  # here
        finally:
            self.x()
        self.stats['rows_inserted'] = 0
",
    );
    assert_eq!(
        reasons(&text),
        ["- the way here is closed at line 4: `self.log.info('x')` counts as raising nothing"]
    );
    let text = in_python(
        "        self.fail()
        return  # here

    def fail(self):
        raise ValueError('x')
",
    );
    assert_eq!(
        reasons(&text),
        ["- the way here is closed at line 3: nothing goes on after `self.fail()`"]
    );
}

#[test]
fn where_every_way_sets_the_place_nothing_is_ruled_out() {
    let text = in_python(
        "        try:
            self.x(rows)
            self.stats['rows_inserted'] = 2
        finally:
            self.y()
        return  # here
",
    );
    assert_eq!(reasons(&text), [""; 0], "{text}");
    assert!(text.contains("- set at line 5"), "{text}");
}

#[test]
fn a_result_in_rust_is_no_failure() {
    let text = in_rust(
        "        let n: Result<u64, Error> = Ok(3);
        if let Err(_) = n {
            return Ok(()); // here
        }
        self.stats.insert(\"rows_inserted\".to_string(), 3);
        Ok(())
",
    );
    assert!(text.contains("no path leads here"), "{text}");
    assert_eq!(
        reasons(&text),
        ["- the way here is closed at line 12: this case does not match whenever this is reached"]
    );
}
