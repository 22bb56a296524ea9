//! Configuration files in a temporary folder.

use super::*;
use crate::settings::{Contract, Settings, Who};
use std::fs;

fn settings(file: &str, text: &str) -> Result<Settings, String> {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(file), text).unwrap();
    let sub = dir.path().join("a/b");
    fs::create_dir_all(&sub).unwrap();
    file_of_folder(&ConfigSource::Nearest, &sub, &sub)
        .and_then(|file| Settings::new(file.as_ref(), &Overrides::default()))
        .map_err(|error| {
            let (path, position) = error.place.expect("errors point into the file");
            assert_eq!(path, dir.path().join(file));
            let (line, column) = position.unwrap();
            format!("{line}:{column}: {}", error.message)
        })
}

#[test]
fn contracts_are_added_to_the_builtin_one() {
    let text = "[[contract]]\nmethod = 'publish'\nsets = 'self.result[\"sent\"]'\nbases = ['*']\n";
    let settings = settings("tallylint.toml", text).unwrap();
    assert_eq!(settings.contracts.len(), 2);
    assert_eq!(settings.contracts[0], Contract::builtin());
    let contract = &settings.contracts[1];
    assert_eq!(contract.to_string(), "publish sets self.result['sent']");
    let Who::Methods { bases, .. } = &contract.who else {
        panic!("{contract}");
    };
    assert_eq!(bases.as_deref(), Some(&["*".to_owned()][..]));
}

#[test]
fn pyproject_is_read_when_it_has_the_table() {
    let text = "[tool.other]\nx = 1\n[tool.tallylint]\nexclude = ['gen/']\n";
    assert!(settings("pyproject.toml", text).is_ok());
    assert!(settings("pyproject.toml", "[tool.other]\nselect = 1\n").is_ok());
    assert_eq!(
        settings("pyproject.toml", "[tool.tallylint]\nexlude = []\n").unwrap_err(),
        "2:1: unknown key `exlude`; did you mean `exclude`?"
    );
}

#[test]
fn the_table_of_the_triage_is_not_looked_into() {
    let text = "[triage]\nruns = 'runs.csv'\n[triage.columns]\nprocessor = 'job'\n";
    assert!(settings("tallylint.toml", text).is_ok());
    assert!(settings("tallylint.toml", "triage = 3\n").is_err());
}

#[test]
fn errors_point_at_the_fault() {
    let error = |text| settings("tallylint.toml", text).unwrap_err();
    assert_eq!(
        error("# rules\nselect = ['untracked-retrun']\n"),
        "2:11: unknown rule `untracked-retrun`; did you mean `untracked-return`?"
    );
    assert_eq!(
        error("[[contract]]\nmethod = 'f'\nsets = 'self.stats[rows]'\n"),
        "3:20: `self.stats[rows]`: write the key in quotes, such as `['rows']`"
    );
    assert!(
        error("[[contract]]\nmethod = 'f'\n").starts_with("2:10: this contract demands nothing")
    );
    assert!(error("[[contract]]\nmethod = 'f g'\nsets = 'self.a[\"b\"]'\n").starts_with("2:10: "));
    assert!(error("select = 1\n").starts_with("1:10: invalid type"));
    assert!(
        error("zzz = 1\n")
            .contains("known keys are extend, select, ignore, per-file-ignores, exclude")
    );
    assert!(error("select = [\n").starts_with("1:"));
    assert!(error("exclude = ['a', 'b{']\n").starts_with("1:17: not a valid pattern"));
}

#[test]
fn the_command_line_goes_before_the_file() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("tallylint.toml"), "ignore = ['all']\n").unwrap();
    let file = file_of_folder(&ConfigSource::Nearest, dir.path(), dir.path()).unwrap();
    let run = |select: &[&str], ignore: &[&str]| {
        let own = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        let overrides = Overrides {
            select: own(select),
            ignore: own(ignore),
            ..Overrides::default()
        };
        Settings::new(file.as_ref(), &overrides)
            .map(|settings| settings.rules.ids().collect::<Vec<_>>())
            .map_err(|error| error.message)
    };
    assert_eq!(run(&[], &[]).unwrap_err(), "no rule is left to run");
    let all: Vec<&str> = crate::rules::all().iter().map(|rule| rule.id()).collect();
    assert_eq!(run(&["all"], &[]).unwrap(), all);
    assert!(run(&["untracked-return"], &["untracked-return"]).is_err());
    assert!(run(&["al"], &[]).is_err());
}

#[test]
fn a_contract_says_who_must_do_what() {
    let shown = |text: &str| {
        let settings = settings("tallylint.toml", &format!("[[contract]]\n{text}\n")).unwrap();
        settings.contracts[1].to_string()
    };
    for (text, contract) in [
        (
            "method = ['load', 'store_*']\nsets = 'self.rows'",
            "load, store_* sets self.rows",
        ),
        (
            "function = 'jobs::*::run'\nreturns = true",
            "jobs.*.run returns a value",
        ),
        (
            "decorator = '@task'\nreturns = ['[\"n\"]', '.n']",
            "@task returns a value with ['n'] or returns a value with .n",
        ),
        (
            "decorator = ['task', 'flow']\ncalls = 'log.rows'",
            "@task, @flow calls log.rows",
        ),
        (
            "method = 'f'\nsets = ['self.a.b', \"ctx['n']\"]\ncalls = 'note'",
            "f sets self.a.b or sets ctx['n'] or calls note",
        ),
    ] {
        assert_eq!(shown(text), contract);
    }
}

#[test]
fn errors_in_a_contract_point_at_the_character() {
    let error =
        |text: &str| settings("tallylint.toml", &format!("[[contract]]\n{text}\n")).unwrap_err();
    for (text, start) in [
        ("sets = 'self.a'", "1:1: a contract says by one of"),
        (
            "method = []\nsets = 'self.a'",
            "1:1: a contract says by one of",
        ),
        (
            "method = 'f'\nfunction = 'g'\nsets = 'self.a'",
            "3:12: a contract says by one of",
        ),
        (
            "method = 'a.f'\nsets = 'self.a'",
            "2:10: `a.f` must be one name",
        ),
        (
            "function = 'a..f'\nsets = 'c.a'",
            "2:12: `a..f` is not a name",
        ),
        (
            "function = 'f'\nbases = ['B']\nsets = 'c.a'",
            "3:10: `bases` belongs to",
        ),
        (
            "method = 'f'\nbases = ['B C']\nsets = 'self.a'",
            "3:10: `B C` is not the name of a class",
        ),
        (
            "method = 'f'\nsets = 'self'",
            "3:9: `self`: `self` is a variable",
        ),
        (
            "method = 'f'\nsets = ['self.a', 'self.']",
            "3:25: `self.`: the name of an attribute",
        ),
        ("method = 'f'\nsets = \"self.a['k'] += 1\"", "3:21: "),
        (
            "method = 'f'\ncalls = 'self'",
            "3:10: `self`: name the method",
        ),
        (
            "method = 'f'\nreturns = false",
            "3:11: `returns = false` demands nothing",
        ),
        (
            "method = 'f'\nreturns = 'rows'",
            "3:12: `rows`: `r` is unexpected",
        ),
        (
            "method = 'f'\nreturns = true\nalso-when-raising = true",
            "4:21: a path that ends in an exception returns nothing",
        ),
        ("method = 'f'\nsets = 1", "3:8: "),
        (
            "method = 'f'\nset = 'self.a'",
            "3:1: unknown key `set`; did you mean `sets`?",
        ),
    ] {
        let said = error(text);
        assert!(said.starts_with(start), "{text}: {said}");
    }
}
