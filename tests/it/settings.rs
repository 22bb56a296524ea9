//! What settings do: which hold for which file, what they come to, and what is wrong with them.

use crate::common::Project;
use crate::config::found;

/// A processor that returns without the key, on line 4.
const EARLY: &str = "\
class Odds(ProcessorBase):
    def save_data(self):
        if not self.rows:
            return
        self.stats['rows_inserted'] = self.push(self.rows)
";

/// `path:line severity` of what is reported.
fn reported(project: &Project, arguments: &[&str]) -> Vec<String> {
    let arguments = [&["check", "--format", "json"], arguments].concat();
    let ran = project.run(&arguments);
    let found = crate::common::json(&ran);
    found["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| {
            let text = |key: &str| f[key].as_str().unwrap().to_owned();
            format!("{}:{} {}", text("path"), f["line"], text("severity"))
        })
        .collect()
}

#[test]
fn every_folder_has_its_own_settings() {
    let project = Project::new(&[
        ("tallylint.toml", "exclude = ['gen/']\n"),
        ("a.py", EARLY),
        ("gen/a.py", EARLY),
        (
            "etl/pyproject.toml",
            "[tool.tallylint.severity]\nuntracked-return = 'error'\n",
        ),
        ("etl/deep/a.py", EARLY),
        ("etl/gen/a.py", EARLY),
        (
            "crate/Cargo.toml",
            "[package]\nname = 'c'\n[package.metadata.tallylint]\nselect = ['success-as-proof']\n",
        ),
        ("crate/a.py", EARLY),
        (
            "ws/Cargo.toml",
            "[workspace.metadata.tallylint.severity.untracked-return]\nunset = 'note'\n",
        ),
        ("ws/a.py", EARLY),
        ("other/pyproject.toml", "[tool.tallylintx]\nselect = 1\n"),
        (
            "other/Cargo.toml",
            "this is no TOML, and nobody asked for it",
        ),
        ("other/a.py", EARLY),
    ]);
    let expected = [
        "a.py:4 warning",
        "etl/deep/a.py:4 error",
        "etl/gen/a.py:4 error",
        "other/a.py:4 warning",
    ];
    assert_eq!(reported(&project, &[]), expected);
    assert_eq!(
        reported(&project, &["etl/deep/a.py", "a.py"]),
        expected[..2]
    );
    let ran = project.run(&["check", "-v", "-q"]);
    assert_eq!(ran.code, 2, "-q and -v exclude each other");
    let ran = project.run(&["check", "-v"]);
    for file in ["etl/pyproject.toml", "crate/Cargo.toml", "tallylint.toml"] {
        let line = format!("configuration: {file}\n");
        assert!(ran.stderr.contains(&line), "{}", ran.stderr);
    }
    // Standard input stands for a file of its folder.
    let ran = project
        .tallylint(&[
            "check",
            "-",
            "--stdin-filename",
            "etl/new.py",
            "--format",
            "concise",
        ])
        .stdin(EARLY)
        .run();
    assert!(ran.stdout.starts_with("etl/new.py:4:13: error["), "{ran:?}");
    // What is wrong below is found on the way.
    project.write("etl/deep/tallylint.toml", "ignore = ['x']\n");
    let ran = project.run(&["check"]);
    assert_eq!(ran.code, 2);
    assert!(
        ran.stderr
            .starts_with("error: etl/deep/tallylint.toml:1:11: unknown rule `x`\n"),
        "{}",
        ran.stderr
    );
    assert_eq!(ran.stdout, "");
    assert_eq!(project.run(&["check", "etl/deep/a.py"]).code, 2);
    assert_eq!(project.run(&["check", "a.py"]).code, 1);
}

#[test]
fn what_is_excluded_can_be_left_out_when_it_is_named_too() {
    let project = Project::new(&[
        ("tallylint.toml", "exclude = ['gen/', '*_pb2.py']\n"),
        ("a.py", EARLY),
        ("a_pb2.py", EARLY),
        ("gen/deep/a.py", EARLY),
        // The settings of a folder around it exclude the folder itself.
        ("gen/own/tallylint.toml", "select = ['all']\n"),
        ("gen/own/a.py", EARLY),
        ("etl/tallylint.toml", "include = ['jobs/']\n"),
        ("etl/jobs/a.py", EARLY),
        ("etl/b.py", EARLY),
    ]);
    let named = [
        "a.py",
        "a_pb2.py",
        "gen/deep/a.py",
        "gen/own/a.py",
        "etl/jobs/a.py",
        "etl/b.py",
    ];
    assert_eq!(reported(&project, &named).len(), named.len());
    let forced = [&["--force-exclude"], &named[..]].concat();
    let left = ["a.py:4 warning", "etl/jobs/a.py:4 warning"];
    assert_eq!(reported(&project, &forced), left);
    // It is what a walk takes, wherever the tool runs.
    assert_eq!(reported(&project, &[]), left);
    let ran = project
        .tallylint(&["check", "--force-exclude", "-v", "deep/a.py"])
        .in_folder("gen")
        .run();
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(
        ran.stderr
            .contains("skipped: deep/a.py: excluded by the configuration"),
        "{ran:?}"
    );
    // Text that stands for a file is left out like the file.
    for (flags, name, code) in [
        (&["--force-exclude"][..], "gen/new.py", 0),
        (&["--force-exclude"], "new.py", 1),
        (&[], "gen/new.py", 1),
    ] {
        let arguments = [&["check", "-q", "-", "--stdin-filename", name], flags].concat();
        let ran = project.tallylint(&arguments).stdin(EARLY).run();
        assert_eq!(ran.code, code, "{name}: {ran:?}");
    }
    // What is wrong above the file is found on the way.
    project.write("tallylint.toml", "exclude = ['x{']\n");
    let ran = project.run(&["check", "--force-exclude", "etl/jobs/a.py"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(
        ran.stderr.starts_with("error: tallylint.toml:1:"),
        "{ran:?}"
    );
    assert_eq!(project.run(&["check", "etl/jobs/a.py"]).code, 1);
}

/// What is above a repository has settings for it, but its root is where exclusion ends: a walk from
/// there takes the file.
#[test]
fn a_repository_is_not_left_out_by_what_is_above_it() {
    let project = Project::new(&[
        ("tallylint.toml", "exclude = ['repo/', 'b.py']\n"),
        ("repo/.git/HEAD", ""),
        ("repo/a.py", EARLY),
        ("repo/etl/a.py", EARLY),
        ("repo/etl/b.py", EARLY),
    ]);
    let lines = |arguments: &[&str]| {
        let all = [&["check", "--format", "concise"], arguments].concat();
        let ran = project.tallylint(&all).in_folder("repo").run();
        let lines = ran.stdout.lines();
        let path = |line: &str| line.split(':').next().unwrap().to_owned();
        lines.map(path).collect::<Vec<_>>()
    };
    let taken = ["a.py", "etl/a.py"];
    assert_eq!(lines(&["."]), taken);
    let named = ["--force-exclude", "a.py", "etl/a.py", "etl/b.py"];
    assert_eq!(lines(&named), taken);
}

#[test]
fn files_are_included_and_rules_ignored_by_pattern() {
    let project = Project::new(&[
        (
            "tallylint.toml",
            "include = ['etl/']\n[per-file-ignores]\n'etl/old/' = ['all']\n\
             '*_job.py' = ['untracked-return', 'swallowed-write']\n",
        ),
        ("a.py", EARLY),
        ("etl/a.py", EARLY),
        ("etl/b_job.py", EARLY),
        ("etl/old/deep/c.py", EARLY),
    ]);
    assert_eq!(reported(&project, &[]), ["etl/a.py:4 warning"]);
    let ran = project.run(&["check"]);
    assert!(
        ran.stdout.contains("(3 files checked, 1 skipped)"),
        "{ran:?}"
    );
    // A file that is named itself is checked; what is ignored there is ignored.
    assert_eq!(
        reported(&project, &["a.py", "etl/b_job.py"]),
        ["a.py:4 warning"]
    );
    // A comment about a rule that is off for the file is not called unused.
    let commented = EARLY.replace(
        "return\n",
        "return  # tallylint: ignore[untracked-return] x\n",
    );
    project.write("etl/b_job.py", commented.as_str());
    project.write(
        "etl/a.py",
        "x = 1  # tallylint: ignore[untracked-return] x\n",
    );
    let ran = project.run(&["check", "--format", "concise"]);
    assert!(
        ran.stdout
            .starts_with("etl/a.py:1:28: warning[ignore-comment/unused]")
            && ran.stdout.lines().count() == 1,
        "{}",
        ran.stdout
    );
}

#[test]
fn levels_of_rules_and_kinds() {
    let check = |levels: &str| {
        let project = Project::new(&[("a.py", EARLY), ("tallylint.toml", levels)]);
        let ran = project.run(&["check", "--format", "concise"]);
        let level = ran.stdout.split(['[', ' ']).nth(1).unwrap_or("").to_owned();
        (level, ran.code)
    };
    let own = |level: &str, code| (level.to_owned(), code);
    assert_eq!(check(""), own("warning", 1));
    assert_eq!(
        check("severity = {untracked-return = 'error'}\n"),
        own("error", 1)
    );
    // A note is not shown, and counts for nothing.
    assert_eq!(
        check("severity.untracked-return.unset = 'note'\n"),
        own("", 0)
    );
    assert_eq!(
        check("severity.untracked-return.dropped = 'error'\n"),
        own("warning", 1)
    );
    // A note by nature stays one, unless it is named itself.
    let unknown = "\
class Odds(ProcessorBase):
    def save_data(self):
        push(self)
";
    let level = |levels: &str| {
        let project = Project::new(&[("a.py", unknown), ("tallylint.toml", levels)]);
        project.run(&["check", "--format", "concise"]).stdout
    };
    assert_eq!(level("severity.untracked-return = 'error'\n"), "");
    let named = level("severity.untracked-return.unverified = 'error'\n");
    assert!(
        named.contains("error[untracked-return/unverified]"),
        "{named}"
    );
}

#[test]
fn a_file_extends_another() {
    let base = "\
select = ['untracked-return']
ignore = ['swallowed-write']
infer-contracts = false
exclude = ['gen/']
severity.untracked-return = 'note'
[[contract]]
method = 'publish'
sets = 'self.stats[\"sent\"]'
";
    let project = Project::new(&[
        ("shared/base.toml", base),
        (
            "shared/pyproject.toml",
            "[tool.tallylint]\nextend = 'base.toml'\nexclude = ['x.py']\n",
        ),
        (
            "tallylint.toml",
            "extend = 'shared/pyproject.toml'\nseverity.untracked-return.unset = 'error'\n",
        ),
        ("a.py", EARLY),
        ("shared/gen/b.py", EARLY),
        ("shared/x.py", EARLY),
    ]);
    let ran = project.run(&["config"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let expected = "\
# configuration: tallylint.toml
select = [
    \"untracked-return\",  # shared/base.toml:1
]
exclude = [
    \"gen/\",  # shared/base.toml:4
    \"x.py\",  # shared/pyproject.toml:3
]
src = []  # default
writes = []  # default
built-in-writes = true  # default
presets = []  # default
without-presets = []  # default
infer-contracts = false  # shared/base.toml:3
unparsable = \"warn\"  # default

[severity.untracked-return]
dropped = \"note\"  # shared/base.toml:5
never-set = \"note\"  # shared/base.toml:5
unset = \"error\"  # tallylint.toml:2
unset-after-write = \"note\"  # shared/base.toml:5
unset-when-raising = \"note\"  # shared/base.toml:5

[success-as-proof]
strict-null = false  # default
# count-pattern: built in
# success-words: built in
effects = []  # default

[swallowed-write]
auxiliary = []  # default
strict = false  # default
outside-contracts = true  # default

[[contract]]
method = \"publish\"  # shared/base.toml:7
sets = \"self.stats[\\\"sent\\\"]\"  # shared/base.toml:8
";
    let printed = ran
        .stdout
        .replace("'self.stats[\"sent\"]'", "\"self.stats[\\\"sent\\\"]\"");
    assert_eq!(printed, expected);
    assert_eq!(
        reported(&project, &["a.py", "shared"]),
        ["a.py:4 error"],
        "shared/ has settings of its own"
    );
    // Selecting anew sets aside what was ignored.
    project.write(
        "tallylint.toml",
        "extend = 'shared/base.toml'\nselect = ['swallowed-write']\n",
    );
    let ran = project.run(&["config"]);
    assert!(
        ran.stdout
            .contains("\"swallowed-write\",  # tallylint.toml:2\n"),
        "{ran:?}"
    );
}

#[test]
fn what_is_wrong_with_extending() {
    let project = Project::new(&[
        ("tallylint.toml", "exclude = []\nextend = 'b.toml'\n"),
        ("b.toml", "extend = 'c.toml'\n"),
        ("c.toml", "extend = './b.toml'\n"),
        ("pyproject.toml", "[project]\n"),
    ]);
    let error = || {
        let ran = project.run(&["check"]);
        assert_eq!(ran.code, 2);
        ran.stderr
    };
    let cycle =
        "error: c.toml:1:10: it extends itself: `b.toml` extends `c.toml` extends `b.toml`\n";
    assert!(error().starts_with(cycle), "{}", error());
    project.write("c.toml", "extend = 'd.toml'\n");
    let missing = "error: c.toml:1:10: cannot read `d.toml`: no such file or directory\n";
    assert!(error().starts_with(missing), "{}", error());
    project.write("c.toml", "extend = 'pyproject.toml'\n");
    let silent = "error: c.toml:1:10: `pyproject.toml` has no `[tool.tallylint]` table\n";
    assert!(error().starts_with(silent), "{}", error());
    project.write("c.toml", "ignroe = []\n");
    assert!(
        error().starts_with("error: c.toml:1:1: unknown key"),
        "{}",
        error()
    );
}

#[test]
fn mistakes_are_pointed_at() {
    let error = |text: &str| {
        let project = Project::new(&[("a.py", ""), ("tallylint.toml", text)]);
        let ran = project.run(&["check"]);
        assert_eq!(ran.code, 2, "{text}");
        ran.stderr
            .strip_prefix("error: tallylint.toml:")
            .unwrap()
            .to_owned()
    };
    for (text, expected) in [
        (
            "[severity]\nuntracked-retrun = 'note'\n",
            "2:1: unknown rule `untracked-retrun`; did you mean `untracked-return`?",
        ),
        (
            "[severity]\nuntracked-return = 'warn'\n",
            "2:20: unknown value `warn`; did you mean `warning`?",
        ),
        (
            "[severity]\nuntracked-return = 1\n",
            "2:20: invalid type: integer `1`, expected a level",
        ),
        (
            "[severity.untracked-return]\nunsett = 'note'\n",
            "2:1: `untracked-return` has no kind `unsett`; did you mean `unset`?",
        ),
        (
            "[per-file-ignores]\n'a{' = ['all']\n",
            "2:1: not a valid pattern",
        ),
        (
            "[per-file-ignores]\n'a' = ['all', 'al']\n",
            "2:15: unknown rule `al`; did you mean `all`?",
        ),
        ("include = ['{']\n", "1:12: not a valid pattern"),
        ("exclude = ['a', 'src/[x']\n", "1:17: not a valid pattern"),
        ("exclude = ['']\n", "1:12: not a valid pattern"),
        (
            "writes = ['a b']\n",
            "1:11: `a b` is not the name of a call",
        ),
        (
            "[swallowed-write]\nstrikt = true\n",
            "2:1: unknown key `strikt`; did you mean `strict`?",
        ),
    ] {
        let found = error(text);
        assert!(found.starts_with(expected), "{found}");
        assert!(found.contains(" | "), "a snippet: {found}");
    }
    let project = Project::new(&[(
        "Cargo.toml",
        "[package.metadata.tallylint]\n[workspace.metadata.tallylint]\n",
    )]);
    let ran = project.run(&["check"]);
    assert!(
        ran.stderr
            .contains("Cargo.toml:2:1: both `[package.metadata.tallylint]` and"),
        "{}",
        ran.stderr
    );
}

#[test]
fn names_of_writes_are_added_or_take_the_place_of_the_built_in_ones() {
    let code = "\
class Odds(ProcessorBase):
    def save_data(self):
        self.warehouse.ship(self.rows)
        if self.done:
            return
        self.stats['rows_inserted'] = 1
";
    let kinds = |options: &str| found(code, "untracked-return", options);
    assert_eq!(kinds(""), ["5 unset"]);
    assert_eq!(kinds("writes = ['Ship']\n"), ["5 unset-after-write"]);
    let built_in = |options: &str| {
        let code = code.replace("ship", "insert_rows");
        found(&code, "untracked-return", options)
    };
    assert_eq!(built_in(""), ["5 unset-after-write"]);
    let only = "built-in-writes = false\nwrites = ['ship']\n";
    assert_eq!(built_in(only), ["5 unset"]);
    assert_eq!(kinds(only), ["5 unset-after-write"]);
    let caught = "\
class Odds(ProcessorBase):
    def save_data(self):
        self.stats['rows_inserted'] = 0
        try:
            self.warehouse.ship(self.rows)
        except OSError:
            pass
";
    let swallowed = |options: &str| found(caught, "swallowed-write", options);
    assert!(swallowed("").is_empty());
    assert_eq!(swallowed("writes = ['ship']\n").len(), 1);
}

#[test]
fn what_is_printed_says_the_same() {
    let text = "\
select = ['all']
ignore = ['swallowed-write']
exclude = ['a b/', 'c\"d']
include = ['*.py']
writes = ['ship']
baseline = 'known.jsonl'
[severity]
success-as-proof = 'note'
[severity.untracked-return]
unset = 'error'
[per-file-ignores]
'tests/**' = ['untracked-return']
[success-as-proof]
count-pattern = 'n_.*'
success-words = ['landed']
[[contract]]
method = 'publish'
sets = \"self.stats['sent']\"
bases = ['Publisher', '*']
[[contract]]
method = 'ship'
sets = \"self.stats['sent']\"
";
    let project = Project::new(&[("tallylint.toml", text), ("sub/a.py", "")]);
    let first = project.run(&["config", "--format", "json"]);
    assert_eq!(first.code, 0, "{first:?}");
    let plain = project.run(&["config", "sub/a.py"]).stdout;
    assert!(
        plain.contains("unset = \"error\"  # tallylint.toml:10\n"),
        "{plain}"
    );
    let values = |ran: &crate::common::Ran| {
        let found = crate::common::json(ran);
        let settings = found["settings"].as_array().unwrap().clone();
        let pair = |s: &serde_json::Value| (s["key"].clone(), s["value"].clone());
        settings.iter().map(pair).collect::<Vec<_>>()
    };
    project.write("tallylint.toml", plain);
    let second = project.run(&["config", "--format", "json"]);
    assert_eq!(second.code, 0, "{second:?}");
    assert_eq!(values(&first), values(&second));
    let none = project.run(&["config", "--isolated"]);
    assert!(
        none.stdout
            .starts_with("# configuration: none\nselect = [\n")
    );
    assert_eq!(project.run(&["config", "nowhere"]).code, 2);
}

#[test]
fn the_schema_knows_every_key() {
    let project = Project::new(&[]);
    let printed = project.run(&["config", "--schema"]).stdout;
    let schema: serde_json::Value = serde_json::from_str(&printed).unwrap();
    let keys: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
    // The error about an unknown key lists those that the types know.
    project.write("tallylint.toml", "zzzzzzzz = 1\n");
    let error = project.run(&["check"]).stderr;
    let known = error.split("known keys are ").nth(1).unwrap();
    let known: Vec<&str> = known.lines().next().unwrap().split(", ").collect();
    let mut known = known;
    known.sort_unstable();
    assert_eq!(keys, known);
    for (_, property) in schema["properties"].as_object().unwrap() {
        let described = property.get("description").is_some();
        assert!(described || property.get("$ref").is_some(), "{property}");
    }
}

/// A pattern or a name that is wrong would be without effect for ever.
#[test]
fn what_matches_nothing_is_told() {
    let wrong = "\
writes = ['ship', 'shop', 'Push']

[per-file-ignores]
'legasy/' = ['all']
'etl/' = ['success-as-proof']

[success-as-proof]
effects = ['close_unit', 'self_rows']
";
    let code = "def f(rows):\n    shop(rows)\n    Close_Unit(rows)\n    reship(rows)\n";
    let project = Project::new(&[
        ("etl/odds.py", EARLY),
        ("legacy/a.py", code),
        ("tallylint.toml", wrong),
        // What only other files have is not missing.
        ("own/tallylint.toml", "extend = '../tallylint.toml'\n"),
        ("own/a.py", "x = 1\n"),
    ]);
    let told = "\
warning: tallylint.toml:1: no checked file contains `ship`, a name in `writes`
warning: tallylint.toml:4: no checked file matches `legasy/` in `per-file-ignores`
warning: tallylint.toml:8: no checked file contains `self_rows`, a name in `[success-as-proof] effects`
";
    let ran = project.run(&["check"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (1, told), "{ran:?}");
    // A kept result says the same.
    assert_eq!(project.run(&["check"]).stderr, told);
    // Options of a rule matter only if it is on.
    let two = told.lines().take(2).map(|line| format!("{line}\n"));
    let ran = project.run(&["check", "--ignore", "success-as-proof"]);
    assert_eq!(ran.stderr, two.collect::<String>());
    for arguments in [
        &["check", "etl", "legacy", "own"][..],
        &["check", "etl/odds.py"],
        &["check", "--quiet"],
        &["check", "--isolated"],
    ] {
        assert_eq!(project.run(arguments).stderr, "", "{arguments:?}");
    }
    project.write("{{name}}.py", "x = 1\n");
    let ran = project.run(&["check"]);
    assert!(
        ran.stderr.starts_with(told),
        "a template does not matter: {ran:?}"
    );
    project.write("broken.py", "class A(B):\n    def save_data(self) = 1\n");
    let ran = project.run(&["check"]);
    assert!(!ran.stderr.contains("warning"), "{ran:?}");
}
