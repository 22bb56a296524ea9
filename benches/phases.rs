//! How long each phase takes on one file: `cargo bench`.
//!
//! The file is the largest of the fixtures for Python, so that the numbers of two commits compare.

use std::hint::black_box;
use std::path::PathBuf;

use divan::Bencher;
use divan::counter::BytesCount;
use tallylint::config::{Configuration, Overrides, Settings};
use tallylint::driver::{self, Request};
use tallylint::frontend::python::Syntax;
use tallylint::frontend::sketch;
use tallylint::source::Language;

fn main() {
    divan::main();
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/untracked-return")
}

/// The largest Python file of the fixtures.
fn largest() -> (PathBuf, String) {
    let entries = std::fs::read_dir(folder()).expect("the fixtures are there");
    let paths = entries.filter_map(Result::ok).map(|entry| entry.path());
    let python = paths.filter(|path| path.extension().is_some_and(|e| e == "py"));
    let read = python.filter_map(|path| Some((path.clone(), std::fs::read_to_string(path).ok()?)));
    read.max_by_key(|(path, text)| (text.len(), path.clone()))
        .expect("there are fixtures for Python")
}

/// The logical lines, the class headers and the names: what is done for every file.
#[divan::bench]
fn outline(bencher: Bencher<'_, '_>) {
    let (_, text) = largest();
    bencher
        .counter(BytesCount::of_str(&text))
        .bench(|| sketch::sketch(Language::Python, black_box(&text), None));
}

/// Rewriting newer syntax, and the parser.
#[divan::bench]
fn parse(bencher: Bencher<'_, '_>) {
    let (_, text) = largest();
    bencher
        .counter(BytesCount::of_str(&text))
        .bench(|| Syntax::parse(black_box(&text)).is_ok());
}

/// Scopes and control-flow graphs.
#[divan::bench]
fn lower(bencher: Bencher<'_, '_>) {
    let (_, text) = largest();
    let syntax = Syntax::parse(&text).expect("the fixtures parse");
    bencher
        .counter(BytesCount::of_str(&text))
        .bench(|| black_box(&syntax).lower());
}

fn check(bencher: Bencher<'_, '_>, rule: &str) {
    let (path, text) = largest();
    let overrides = Overrides {
        select: vec![rule.to_owned()],
        ..Overrides::default()
    };
    let settings = Settings::new(None, &overrides).expect("the rule exists");
    let configuration = Configuration::fixed(settings, overrides);
    bencher.counter(BytesCount::of_str(&text)).bench(|| {
        driver::run(Request {
            paths: std::slice::from_ref(&path),
            stdin: None,
            overlay: &driver::Overlay::new(),
            changed: None,
            configuration: &configuration,
            cwd: folder(),
            cache: None,
        })
        .expect("no file is read")
        .settled
    });
}

/// All of a run of the rule that simulates contract methods.
#[divan::bench]
fn simulate_contract_methods(bencher: Bencher<'_, '_>) {
    check(bencher, "untracked-return");
}

/// All of a run of the rule that simulates functions for what their tests say.
#[divan::bench]
fn simulate_functions(bencher: Bencher<'_, '_>) {
    check(bencher, "success-as-proof");
}
