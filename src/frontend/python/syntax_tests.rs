//! The syntax corpus in `tests/fixtures/syntax`: snippets in folders named after the version of
//! Python that introduced what they show.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustpython_parser::ast::fold::{self, Fold};
use rustpython_parser::ast::text_size::TextRange;
use rustpython_parser::ast::{Expr, Ranged};

use crate::frontend::STACK_SIZE;
use crate::frontend::python::{guard, lower_module, parse};
use crate::ir::validate::validate;
use crate::source::{Language, decode};

/// Functions that the snippets call, so that calls can be counted.
const CALLED: &[&str] = &[
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth",
    "eleventh", "twelfth",
];

struct Snippet {
    version: (u32, u32),
    path: PathBuf,
    text: String,
}

fn snippets() -> Vec<Snippet> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/syntax");
    let files = walkdir::WalkDir::new(dir).sort_by_file_name();
    let files = files.into_iter().map(|entry| entry.unwrap().into_path());
    let python = files.filter(|path| path.extension().is_some_and(|e| e == "py"));
    python
        .map(|path| {
            let folder = path.parent().unwrap().file_name().unwrap();
            let (major, minor) = folder.to_str().unwrap().split_once('.').unwrap();
            Snippet {
                version: (major.parse().unwrap(), minor.parse().unwrap()),
                text: decode(std::fs::read(&path).unwrap(), Language::Python).unwrap(),
                path,
            }
        })
        .collect()
}

fn on_big_stack<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> T {
    let thread = std::thread::Builder::new().stack_size(STACK_SIZE);
    thread.spawn(f).unwrap().join().unwrap()
}

/// Checks the spans of a syntax tree against the text.
struct Spans<'a> {
    text: &'a str,
    calls: BTreeMap<String, usize>,
    wrong: Vec<String>,
}

impl Fold<TextRange> for Spans<'_> {
    type TargetU = TextRange;
    type Error = std::convert::Infallible;
    type UserContext = ();

    fn will_map_user(&mut self, _: &TextRange) {}

    fn map_user(&mut self, user: TextRange, (): ()) -> Result<TextRange, Self::Error> {
        Ok(user)
    }

    fn fold_expr(&mut self, node: Expr) -> Result<Expr, Self::Error> {
        let range = node.range();
        let (start, end) = (range.start().to_usize(), range.end().to_usize());
        let text = self.text.get(start..end).unwrap_or("outside the text");
        let right = match &node {
            Expr::Name(name) => text == name.id.as_str(),
            Expr::Attribute(e) => text.ends_with(e.attr.as_str()),
            Expr::Call(e) => {
                if let Expr::Name(name) = &*e.func {
                    *self.calls.entry(name.id.to_string()).or_default() += 1;
                    text.starts_with(name.id.as_str()) && text.ends_with(')')
                } else {
                    text.ends_with(')')
                }
            }
            Expr::Subscript(_) => text.ends_with(']'),
            Expr::Constant(e) => match e.value.as_str() {
                Some(_) => text.ends_with(['"', '\'']),
                None => !text.is_empty() && !text.starts_with(' '),
            },
            _ => text.trim() == text,
        };
        if !right {
            self.wrong.push(format!("{text:?} for {node:?}"));
        }
        fold::fold_expr(self, node)
    }
}

#[test]
fn every_snippet_is_read_with_true_spans() {
    let snippets = snippets();
    assert!(snippets.len() > 15);
    let failed = on_big_stack(move || {
        let mut failed = Vec::new();
        for Snippet { path, text, .. } in &snippets {
            let name = path.display();
            let tree = guard::check(text).and_then(|()| parse::suite(text));
            let tree = match tree {
                Ok(tree) => tree,
                Err(error) => {
                    let at = error.offset as usize;
                    let line = text[..at].matches('\n').count() + 1;
                    failed.push(format!("{name}:{line}: {error}"));
                    continue;
                }
            };
            let mut spans = Spans {
                text,
                calls: BTreeMap::new(),
                wrong: Vec::new(),
            };
            for stmt in tree {
                let Ok(_) = spans.fold(stmt);
            }
            failed.extend(spans.wrong.iter().map(|wrong| format!("{name}: {wrong}")));
            for called in CALLED {
                let written = text.matches(&format!("{called}(")).count();
                let seen = spans.calls.get(*called).copied().unwrap_or(0);
                if written != seen {
                    failed.push(format!("{name}: {called} is called {seen} times"));
                }
            }
            for (_, function) in lower_module(text).unwrap().functions() {
                if let Err(problems) = validate(function) {
                    failed.push(format!("{name}: {}: {problems:?}", function.qualname));
                }
            }
        }
        failed
    });
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn cpython_reads_the_snippets_of_its_versions() {
    let script = "import ast, sys\nprint(*sys.version_info[:2])\nfor p in sys.argv[1:]:\n \
        try: ast.parse(open(p, 'rb').read()); print('yes')\n except SyntaxError as e: print(e)";
    let snippets = snippets();
    let paths = snippets.iter().map(|snippet| &snippet.path);
    let Ok(output) = Command::new("python3")
        .args(["-W", "ignore", "-c", script])
        .args(paths)
        .output()
    else {
        println!("skipped: no python3");
        return;
    };
    let output = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut lines = output.lines();
    let Some((major, minor)) = lines.next().and_then(|line| line.split_once(' ')) else {
        println!("skipped: python3 does not run");
        return;
    };
    let version = (major.parse().unwrap(), minor.parse().unwrap());
    for (snippet, answer) in snippets.iter().zip(lines) {
        let read = answer == "yes";
        let path = snippet.path.display();
        assert!(read || snippet.version > version, "{path}: {answer}");
    }
}

/// What CPython refuses in every version stays refused: no rewriting makes it valid.
#[test]
fn what_cpython_refuses_is_refused() {
    let texts = [
        "f'{}'",
        "f'{ }'",
        "f'{x!z}'",
        "f'{x!z:{\"y\"}\\\n}'",
        "f\"{a[\"b\"}\"",
        "f'{x'",
        "f'}'",
        "f'{\\n}'",
        "f\"{# c\n}\"",
        "f\"{'\"",
        "t'{x'",
        "bt'x'",
        "ft'x'",
        "try: pass\nexcept A, B as e: pass",
        "try: pass\nexcept A B: pass",
        "try: pass\nexcept A,, B: pass",
        "def f[T = ](): pass x",
        "class A[]: pass",
        "lazy import",
        "lazy x",
        "lazy from x",
        "type X",
        "match x:\npass",
        "match.x: = 1",
        "if a:\n  b\n c",
        "x = (\ny = 1",
        "x = 'a\n'",
        "'''",
        "x = 1 +",
        "def f(:\n  pass",
        "return = 1",
        "x = $1",
        "a b",
        "case x: pass",
    ];
    let accepted = on_big_stack(move || {
        let mut texts = Vec::from(texts);
        texts.retain(|text| lower_module(text).is_ok());
        texts
    });
    assert!(accepted.is_empty(), "{accepted:?}");
}

#[test]
fn calls_in_replacement_fields_are_lowered() {
    let text = "def f(d):\n    return f\"{g(d[\"k\"])}{h(f\"{i(\"x\")}\"):{j(\"w\")}}\"\n";
    let module = on_big_stack(move || lower_module(text)).unwrap();
    let shown = crate::ir::dump::text(module.function(crate::ir::FuncIdx(0)), text);
    for call in ["g(d[\"k\"])", "h(f\"{i(\"x\")}\")", "i(\"x\")", "j(\"w\")"] {
        assert!(shown.contains(call), "{call} in {shown}");
    }
}
