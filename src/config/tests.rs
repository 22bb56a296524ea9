//! Configuration files in a temporary folder.

use super::*;
use crate::settings::{Contract, ContractPlace, Settings};
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
    assert_eq!(contract.method, "publish");
    assert_eq!(contract.sets.to_string(), "self.result['sent']");
    assert_eq!(contract.bases.as_deref(), Some(&["*".to_owned()][..]));
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
fn errors_point_at_the_fault() {
    let error = |text| settings("tallylint.toml", text).unwrap_err();
    assert_eq!(
        error("# rules\nselect = ['untracked-retrun']\n"),
        "2:11: unknown rule `untracked-retrun`; did you mean `untracked-return`?"
    );
    assert_eq!(
        error("[[contract]]\nmethod = 'f'\nsets = 'stats.rows'\n"),
        "3:8: `stats.rows` is not a place; write an attribute and a key, such as \
         self.stats['rows_inserted']"
    );
    assert!(error("[[contract]]\nmethod = 'f'\n").contains("missing field `sets`"));
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
fn places() {
    for text in [
        "self.stats['k']",
        "self.stats[\"k\"]",
        " self.stats [ 'k' ] ",
    ] {
        let place = ContractPlace::parse(text).unwrap();
        assert_eq!((place.field.as_str(), place.key.as_str()), ("stats", "k"));
    }
    for text in [
        "stats['k']",
        "self.a.b['k']",
        "self.a[k]",
        "self.a['']",
        "self.['k']",
    ] {
        assert!(ContractPlace::parse(text).is_err(), "{text}");
    }
}
