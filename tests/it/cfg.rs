//! Snapshots of control-flow graphs: for every `tests/cfg_snapshots/<name>.py` or `.rs` a `<name>.md` with
//! the source, the text dump and the Mermaid chart. `TALLYLINT_BLESS=1` updates them.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use tallylint::frontend::{self, STACK_SIZE};
use tallylint::ir::{Function, dump, validate};
use tallylint::source::Language;

fn snapshots() -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cfg_snapshots");
    let entries = std::fs::read_dir(dir).unwrap();
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "py" || e == "rs"))
        .collect();
    paths.sort();
    paths
}

fn render(name: &str, language: Language, source: &str, functions: &[&Function]) -> String {
    let tag = match language {
        Language::Python => "python",
        Language::Rust => "rust",
    };
    let mut out = format!("# {name}\n\n```{tag}\n{source}```\n");
    for function in functions {
        if let Err(problems) = validate::validate(function) {
            panic!("{name}: {}: {problems:#?}", function.qualname);
        }
        let text = dump::text(function, source);
        let chart = dump::mermaid(function, source);
        let _ = write!(out, "\n## {}\n\n```text\n{text}```\n", function.qualname);
        let _ = write!(out, "\n```mermaid\n{chart}```\n");
    }
    out
}

#[test]
fn control_flow_graphs_are_as_reviewed() {
    let bless = std::env::var_os("TALLYLINT_BLESS").is_some_and(|v| v == "1");
    let paths = snapshots();
    assert!(!paths.is_empty());
    let mut stale = Vec::new();
    for path in paths {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let language = Language::of_named(&path);
        let source = std::fs::read_to_string(&path).unwrap().replace('\r', "");
        let actual = std::thread::scope(|scope| {
            std::thread::Builder::new()
                .stack_size(STACK_SIZE)
                .spawn_scoped(scope, || {
                    let module = frontend::lower_module(language, &source).unwrap();
                    let functions: Vec<&Function> =
                        module.functions().map(|(_, function)| function).collect();
                    render(&name, language, &source, &functions)
                })
                .unwrap()
                .join()
                .unwrap()
        });
        let snapshot = path.with_extension("md");
        if bless {
            std::fs::write(&snapshot, &actual).unwrap();
            continue;
        }
        let expected = std::fs::read_to_string(&snapshot).unwrap_or_default();
        if expected.replace('\r', "") != actual {
            stale.push(name);
        }
    }
    assert!(
        stale.is_empty(),
        "changed, review and run with TALLYLINT_BLESS=1: {stale:?}"
    );
}
