//! How long each phase takes on one file: `cargo bench`.
//!
//! The file is the largest of the fixtures for Python, so that the numbers of two commits compare. What grows is made of
//! `benches/sample.py`, a processor as real ones are, and of `benches/wide.py`, definitions as small as they get: where
//! the time is proportional to the size, lines per second stay the same.

use std::hint::black_box;
use std::path::PathBuf;

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use tallylint::config::{Configuration, Overrides};
use tallylint::driver::{self, Request};
use tallylint::frontend::python::Syntax;
use tallylint::frontend::sketch;
use tallylint::settings::Settings;
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
    let search = sketch::Search::new([]);
    bencher
        .counter(BytesCount::of_str(&text))
        .bench(|| sketch::sketch(Language::Python, black_box(&text), &mut [], &search));
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

/// All of a run of one rule over one file.
fn check(bencher: Bencher<'_, '_>, rule: &str, text: &str) {
    let overrides = Overrides {
        select: vec![rule.to_owned()],
        ..Overrides::default()
    };
    run(bencher, overrides, text);
}

/// All of a run over one file.
fn run(bencher: Bencher<'_, '_>, overrides: Overrides, text: &str) {
    let settings = Settings::new(None, &overrides).expect("the rule exists");
    let configuration = Configuration::fixed(settings, overrides);
    bencher
        .counter(BytesCount::of_str(text))
        .counter(ItemsCount::new(text.lines().count()))
        .bench(|| {
            driver::run(Request {
                stdin: Some((folder().join("piped.py"), text.as_bytes().to_vec())),
                ..Request::new(&[], &configuration, folder())
            })
            .expect("no configuration is read")
            .settled
        });
}

/// The rule that simulates contract methods.
#[divan::bench]
fn simulate_contract_methods(bencher: Bencher<'_, '_>) {
    check(bencher, "untracked-return", &largest().1);
}

/// The rule that simulates functions for what their tests say.
#[divan::bench]
fn simulate_functions(bencher: Bencher<'_, '_>) {
    check(bencher, "success-as-proof", &largest().1);
}

const SAMPLE: &str = include_str!("sample.py");
const WIDE: &str = include_str!("wide.py");

/// The sample with what stands between two marks repeated, each time as `made` makes it.
fn repeated(begin: &str, end: &str, times: usize, made: impl Fn(&str, usize) -> String) -> String {
    repeated_in(SAMPLE, begin, end, times, made)
}

fn repeated_in(
    text: &str,
    begin: &str,
    end: &str,
    times: usize,
    made: impl Fn(&str, usize) -> String,
) -> String {
    let (before, rest) = text.split_once(begin).expect("the sample has marks");
    let (part, after) = rest.split_once(end).expect("the sample has marks");
    let parts = (0..times).map(|number| made(part, number));
    std::iter::once(before.to_owned())
        .chain(parts)
        .chain([after.to_owned()])
        .collect()
}

fn long_method_of(times: usize) -> String {
    let (begin, end) = ("        # part\n", "        # end of part\n");
    repeated(begin, end, times, |part, _| part.to_owned())
}

/// One method with some 50 lines for each time.
#[divan::bench(args = [1, 4, 16, 64], sample_count = 5, sample_size = 1, max_time = 20)]
fn long_method(bencher: Bencher<'_, '_>, times: usize) {
    check(bencher, "untracked-return", &long_method_of(times));
}

/// The same for the rule that remembers where values come from.
#[divan::bench(args = [1, 4, 16, 64], sample_count = 5, sample_size = 1, max_time = 20)]
fn long_method_with_writes(bencher: Bencher<'_, '_>, times: usize) {
    check(bencher, "swallowed-write", &long_method_of(times));
}

/// So many classes in one file.
#[divan::bench(args = [1, 10, 100], sample_count = 5, sample_size = 1, max_time = 20)]
fn many_classes(bencher: Bencher<'_, '_>, times: usize) {
    let numbered = |part: &str, number: usize| {
        let name = format!("ParcelProcessor{number}");
        format!("{}\n\n", part.replace("ParcelProcessor", &name))
    };
    check(
        bencher,
        "untracked-return",
        &repeated("# class\n", "# end of class\n", times, numbered),
    );
}

/// One wide file, checked by the default rules.
fn wide(bencher: Bencher<'_, '_>, begin: &str, end: &str, times: usize) {
    let numbered = |part: &str, number: usize| part.replace("_N", &format!("_{number}"));
    run(
        bencher,
        Overrides::default(),
        &repeated_in(WIDE, begin, end, times, numbered),
    );
}

/// So many small classes below one base in one file.
#[divan::bench(args = [250, 1000, 4000], sample_count = 3, sample_size = 1, max_time = 20)]
fn wide_classes(bencher: Bencher<'_, '_>, times: usize) {
    wide(bencher, "# class\n", "# end of class\n", times);
}

/// So many small functions in one file.
#[divan::bench(args = [250, 1000, 4000], sample_count = 3, sample_size = 1, max_time = 20)]
fn wide_functions(bencher: Bencher<'_, '_>, times: usize) {
    wide(bencher, "# function\n", "# end of function\n", times);
}
