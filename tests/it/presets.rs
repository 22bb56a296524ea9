//! Presets: those that come with the program, and those of a configuration.

use serde_json::Value;

use crate::common::Project;

/// Code that loses rows through a client of its own house, and through one that everybody knows.
const CODE: &str = "\
import logging

import redis
from acme.bus import Bus


def own(row):
    bus = Bus()
    try:
        bus.emit(row)
    except Exception:
        logging.exception('lost')


def known(row):
    client = redis.Redis()
    try:
        client.xadd('rows', row)
    except Exception:
        logging.exception('lost')
";

const PRESET: &str = "\
title = 'The bus of Acme'
imports = ['acme.bus']
write = [{ of = ['acme.bus.Bus'], call = 'emit', rows = ['row:0'], fails = ['raises'] }]
";

fn project(configuration: &str) -> Project {
    Project::new(&[
        ("app.py", CODE),
        ("presets/acme.toml", PRESET),
        ("tallylint.toml", configuration),
    ])
}

/// The lines of the findings.
fn lines(configuration: &str) -> Vec<u64> {
    let ran = project(configuration).run(&["check", "--format", "json"]);
    let found = crate::common::json(&ran);
    let findings = found["findings"].as_array().unwrap().iter();
    findings
        .filter_map(|f: &Value| f["line"].as_u64())
        .collect()
}

#[test]
fn a_configuration_adds_presets_and_leaves_some_out() {
    assert_eq!(lines(""), [19]);
    assert_eq!(lines("presets = ['presets/acme.toml']\n"), [11, 19]);
    assert!(lines("without-presets = ['redis']\n").is_empty());
    let both = "presets = ['presets/acme.toml']\nwithout-presets = ['redis']\n";
    assert_eq!(lines(both), [11]);
    assert!(lines("built-in-writes = false\n").is_empty());
    let named = "writes = ['ping']\n";
    let pings = CODE.replace("xadd", "ping");
    let project = project(named);
    project.write("app.py", pings);
    let ran = project.run(&["check", "--format", "json"]);
    let found = crate::common::json(&ran);
    assert_eq!(
        found["findings"].as_array().unwrap().len(),
        1,
        "the configuration decides"
    );
}

#[test]
fn what_is_wrong_is_pointed_at() {
    for (configuration, preset, expected) in [
        (
            "presets = ['presets/acm.toml']\n",
            PRESET,
            "tallylint.toml:1:12: cannot read `presets/acm.toml`: ",
        ),
        (
            "presets = ['presets/acme.toml']\n",
            "title = 'a'\nimports = []\n",
            "presets/acme.toml:2:11: name at least one module or crate",
        ),
        (
            "without-presets = ['reddis']\n",
            PRESET,
            "tallylint.toml:1:20: there is no preset `reddis`; did you mean `redis`?",
        ),
        (
            "presets = ['presets/acme.toml']\n",
            "title = 'a'\nimports = ['a']\nwrites = []\n",
            "presets/acme.toml:3:1: unknown key `writes`; did you mean `write`?",
        ),
        (
            "presets = ['presets/acme.toml']\n",
            "title = 'a'\nimports = ['a']\nwrite = [{ of = ['a.B'], call = 'c', rows = [], fails = ['raise'] }]\n",
            "presets/acme.toml:3:58: unknown value `raise`; did you mean `raises`?",
        ),
    ] {
        let project = project(configuration);
        project.write("presets/acme.toml", preset);
        let ran = project.run(&["check"]);
        assert_eq!(ran.code, 2, "{configuration}");
        let error = ran.stderr.strip_prefix("error: ").unwrap();
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn a_preset_that_changes_is_read_again() {
    let project = project("presets = ['presets/acme.toml']\n");
    let check = |project: &Project| {
        let ran = project.run(&["check", "--cache-dir", "kept", "--format", "json"]);
        crate::common::json(&ran)["findings"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!(check(&project), 2);
    project.write("presets/acme.toml", PRESET.replace("emit", "omit"));
    assert_eq!(check(&project), 1);
}
