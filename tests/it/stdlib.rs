//! The standard library of the machine's Python: every file that CPython parses is read, and no
//! method of it, whatever it does, makes the analysis fail.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

use crate::common::can_test;
use tallylint::config::{Configuration, Overrides};
use tallylint::driver::{self, Request};
use tallylint::settings::{Contract, Demand, NamePattern, Place, Settings, Who};

/// Methods that several classes have: their bodies stand in for real code.
const METHODS: &[&str] = &["_parse", "close"];

/// What is read of the library, unless all of it is wanted: some packages and some of its
/// tests. Elsewhere there are methods that take long to follow.
const PARTS: &[&str] = &[
    "asyncio",
    "email",
    "http",
    "importlib",
    "lib2to3",
    "logging",
    "netrc.py",
    "test/test_asyncio",
    "test/test_importlib",
    "typing.py",
    "unittest",
    "wsgiref",
    "xml",
];

/// What `python3` prints for a program; `None` when there is none.
fn python(program: &str, arguments: &[String]) -> Option<String> {
    let output = Command::new("python3")
        .arg("-c")
        .arg(program)
        .args(arguments)
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8(output.stdout).unwrap())
}

#[test]
fn the_standard_library_is_read_and_analysed() {
    let library =
        "import sys, sysconfig; print(sysconfig.get_path('stdlib'), sys.version_info >= (3, 12))";
    let found = python(library, &[]);
    if !can_test("python3", found.is_some()) {
        return;
    }
    let found = found.unwrap();
    let (path, newer) = found.trim().rsplit_once(' ').unwrap();
    // The parser knows no newer one.
    if !can_test("standard library of Python 3.11 or older", newer != "True") {
        return;
    }
    let mut settings = Settings::new(None, &Overrides::default()).unwrap();
    settings.pedantic = true;
    settings
        .contracts
        .extend(METHODS.iter().map(|method| Contract {
            who: Who::Methods {
                names: vec![NamePattern::exact(method)],
                bases: Some(vec!["*".to_owned()]),
            },
            demands: vec![Demand::Store(Place::key_of("stats", "rows"))],
            ..Contract::builtin()
        }));
    let mut paths = vec![PathBuf::from(path)];
    if std::env::var_os("TALLYLINT_ALL").is_none() {
        let parts = PARTS.iter().map(|part| PathBuf::from(path).join(part));
        paths = parts.filter(|part| part.exists()).collect();
    }
    let outcome = driver::run(Request::new(
        &paths,
        &Configuration::fixed(settings, Overrides::default()),
        PathBuf::from(path),
    ))
    .unwrap();
    assert!(outcome.bug.is_none(), "{:?}", outcome.bug);
    let internal: Vec<_> = outcome
        .failures
        .iter()
        .filter(|f| f.is_internal())
        .collect();
    assert!(internal.is_empty(), "{internal:?}");
    assert!(
        outcome.processors > 20,
        "only {} methods",
        outcome.processors
    );
    // Every file that is refused is one that CPython refuses, too.
    let refused: Vec<String> = outcome.failures.iter().map(|f| f.path.clone()).collect();
    let check = "import ast, os, sys\nfor p in sys.argv[2:]:\n try:\n  \
        ast.parse(open(os.path.join(sys.argv[1], p), 'rb').read()); print(p)\n except Exception: pass";
    let mut arguments = vec![path.to_owned()];
    arguments.extend(refused);
    let parsed: BTreeSet<String> = python(check, &arguments)
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect();
    assert!(parsed.is_empty(), "CPython parses {parsed:?}");
    println!("{} files, {} methods", outcome.checked, outcome.processors);
}
