//! The baseline: what is known is not reported, and stays known whatever else is edited.

use std::collections::BTreeSet;

use crate::common::{Project, Ran, json};

/// Findings: two returns that look alike, one way off the end, one status taken for proof.
const PROGRAM: &str = r#"import logging


class Odds(ProcessorBase):
    def save_data(self):
        rows = self.rows
        if not rows:
            return
        if self.dry_run:
            return
        self.stats['rows_inserted'] = self.push(rows)

    def push(self, rows):
        return self.client.insert_rows(rows)


def helper(run):
    logging.info(run)
    return run


class Results(ProcessorBase):
    def save_data(self):
        self.client.insert_rows(self.rows)


def already_processed(run):
    if run.status == 'success':
        return True
    return False
"#;

const RUST: &str = r#"use std::collections::HashMap;

trait Processor {
    fn save_data(&mut self) -> Result<(), Error>;
}

struct Odds {
    rows: Vec<u32>,
    stats: HashMap<String, u64>,
}

impl Odds {
    fn helper(&self) -> usize {
        self.rows.len()
    }
}

impl Processor for Odds {
    fn save_data(&mut self) -> Result<(), Error> {
        if self.rows.is_empty() {
            return Ok(());
        }
        self.client.insert_rows(&self.rows)?;
        if self.late {
            return Ok(());
        }
        self.stats.insert("rows_inserted".to_string(), 1);
        Ok(())
    }
}
"#;

const KNOWN: &str = "known.jsonl";

fn check(project: &Project) -> Ran {
    project.run(&["check", "--baseline", KNOWN, "--format", "json", "etl"])
}

fn write(project: &Project) -> Ran {
    project.run(&["check", "--baseline", KNOWN, "--write-baseline", "etl"])
}

/// How many findings are new, known, and no longer found.
fn counts(ran: &Ran) -> (usize, usize, usize) {
    let found = json(ran);
    let new = found["findings"].as_array().unwrap().len();
    let known = usize::try_from(found["baseline"]["known"].as_u64().unwrap()).unwrap();
    let expired = found["baseline"]["expired"].as_array().unwrap().len();
    (new, known, expired)
}

fn fingerprints(project: &Project) -> BTreeSet<String> {
    let found = json(&project.run(&["check", "--format", "json", "etl"]));
    let findings = found["findings"].as_array().unwrap();
    let print = |f: &serde_json::Value| f["fingerprint"].as_str().unwrap().to_owned();
    findings.iter().map(print).collect()
}

#[test]
fn an_old_repository_adopts_the_tool() {
    let project = Project::new(&[
        ("etl/odds.py", PROGRAM),
        ("tallylint.toml", "baseline = 'known.jsonl'\n"),
    ]);
    let ran = project.run(&["check"]);
    assert_eq!(ran.code, 2);
    assert_eq!(
        ran.stderr,
        "error: known.jsonl: cannot read the baseline: no such file or directory; \
         --write-baseline creates it\n"
    );
    let ran = project.run(&["check", "--write-baseline"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    assert_eq!(
        ran.stdout,
        "4 known findings in known.jsonl, 0 no longer found\n"
    );
    let text = project.read("known.jsonl");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "{\"version\":1}");
    assert_eq!(lines.len(), 5);
    assert!(lines[1..].is_sorted());
    assert!(lines[1].starts_with("{\"path\":\"etl/odds.py\",\"rule\":\"success-as-proof\",\"symbol\":\"already_processed\",\"code\":\"if run.status == 'success':\",\"fingerprint\":\""), "{text}");
    let ran = project.run(&["check"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    assert_eq!(
        ran.stdout,
        "No findings in 2 processors (1 file checked) in [TIME]\n\
         4 findings known from the baseline\n"
    );
    // A new fault is seen, wherever the check is started, and by itself.
    let broken = PROGRAM.replace(
        "self.push(rows)\n",
        "self.push(rows)\n        self.stats = {}\n",
    );
    project.write("etl/odds.py", broken);
    for (folder, path) in [(".", "etl"), ("etl", "."), ("etl", "odds.py")] {
        let ran = project
            .tallylint(&["check", "--format", "concise", path])
            .in_folder(folder)
            .run();
        assert_eq!(ran.code, 1);
        assert!(
            ran.stdout.lines().count() == 1 && ran.stdout.contains("odds.py:5:9: error"),
            "{ran:?}"
        );
    }
    // What is mended is told, and dropped from the file.
    let mended = PROGRAM.replace(
        "self.client.insert_rows(self.rows)\n",
        "self.stats['rows_inserted'] = 1\n",
    );
    project.write("etl/odds.py", mended);
    let ran = project.run(&["check", "-v"]);
    assert_eq!(ran.code, 0);
    assert!(
        ran.stdout.ends_with(
            "1 finding in the baseline is no longer found; --write-baseline removes it\n"
        ),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stderr.contains(
            "no longer found: known.jsonl: etl/odds.py: untracked-return in Results.save_data: \
             `def save_data(self):`\n"
        ),
        "{}",
        ran.stderr
    );
    let ran = project.run(&["check", "--write-baseline"]);
    assert_eq!(
        ran.stdout,
        "3 known findings in known.jsonl, 1 no longer found\n"
    );
    assert_eq!(project.read("known.jsonl").lines().count(), 4);
}

#[test]
fn what_was_not_looked_at_stays_known() {
    let project = Project::new(&[("etl/a.py", PROGRAM), ("etl/b.py", PROGRAM)]);
    assert_eq!(write(&project).code, 0);
    let all = project.read(KNOWN);
    // Only one of the files, or one of the rules, or a file that cannot be read.
    project.write("etl/a.py", "x = 1\n");
    for arguments in [
        &["etl/b.py"][..],
        &["etl/a.py"],
        &["etl", "--select", "ignore-comment"],
        &["etl/b.py", "--pedantic"],
    ] {
        let fixed = ["check", "--baseline", KNOWN, "--write-baseline"];
        let ran = project.run(&[&fixed, arguments].concat());
        assert_eq!(ran.code, 0, "{ran:?}");
        assert_eq!(project.read(KNOWN), all, "{arguments:?}");
    }
    project.write("etl/a.py", "def f(:  # save_data\n");
    assert_eq!(write(&project).code, 2);
    assert_eq!(project.read(KNOWN), all);
    // What is gone is gone, and what moved is found again.
    project.write("etl/c.py", PROGRAM);
    std::fs::remove_file(project.path("etl/a.py")).unwrap();
    assert_eq!(counts(&check(&project)), (0, 8, 0));
    std::fs::remove_file(project.path("etl/c.py")).unwrap();
    assert_eq!(counts(&check(&project)), (0, 4, 4));
    write(&project);
    assert_eq!(project.read(KNOWN).lines().count(), 5);
}

#[test]
fn mistakes_in_a_baseline_are_pointed_at() {
    let project = Project::new(&[("etl/a.py", PROGRAM), (KNOWN, "{\"version\":1}\n[]\n")]);
    let ran = project.run(&["check", "--baseline", KNOWN]);
    assert_eq!(ran.code, 2);
    assert!(
        ran.stderr
            .starts_with("error: known.jsonl:2:1: not a baseline: invalid length 0"),
        "{}",
        ran.stderr
    );
    let ran = project.run(&["check", "--write-baseline"]);
    assert_eq!(ran.code, 2);
    assert!(
        ran.stderr.contains("no baseline is named"),
        "{}",
        ran.stderr
    );
}

#[test]
fn each_configuration_has_its_baseline() {
    let project = Project::new(&[
        ("a/tallylint.toml", "baseline = 'known.jsonl'\n"),
        ("a/p.py", PROGRAM),
        ("b/tallylint.toml", "baseline = '../b.jsonl'\n"),
        ("b/p.py", PROGRAM),
        ("c/p.py", PROGRAM),
    ]);
    let ran = project.run(&["check", "--write-baseline"]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.stderr
            .contains("4 findings in files whose configuration names no baseline")
    );
    assert!(project.read("a/known.jsonl").contains("\"path\":\"p.py\""));
    assert!(project.read("b.jsonl").contains("\"path\":\"b/p.py\""));
    let ran = project.run(&["check", "--format", "json"]);
    assert_eq!(counts(&ran), (4, 8, 0));
}

/// An edit by its name.
type EditOf = (&'static str, fn(&str) -> String);

/// Edits that have nothing to do with any finding of [`PROGRAM`].
const EDITS: &[EditOf] = &[
    ("blank lines on top", |t| format!("\n\n\n{t}")),
    ("a comment on top", |t| format!("# text\n{t}")),
    ("an import", |t| format!("import os\n{t}")),
    ("a docstring of the module", |t| format!("'''Text.'''\n{t}")),
    ("a function before", |t| {
        t.replace(
            "\n\nclass Odds",
            "\n\ndef new(x):\n    return x\n\n\nclass Odds",
        )
    }),
    ("a class before", |t| {
        t.replace("\n\nclass Odds", "\n\nclass New:\n    pass\n\n\nclass Odds")
    }),
    ("a function after", |t| {
        format!("{t}\n\ndef new(x):\n    return\n")
    }),
    ("another function renamed", |t| {
        t.replace("helper", "assist")
    }),
    ("another function edited", |t| {
        t.replace(
            "    logging.info(run)\n",
            "    if run:\n        return None\n",
        )
    }),
    ("another function removed", |t| {
        t.replace(
            "def helper(run):\n    logging.info(run)\n    return run\n",
            "",
        )
    }),
    ("a method before", |t| {
        t.replace(
            "    def save_data(self):\n        rows",
            "    def new(self):\n        return\n\n    def save_data(self):\n        rows",
        )
    }),
    ("a method that is called renamed", |t| {
        t.replace("push(", "send(")
    }),
    ("a comment above", |t| {
        t.replace(
            "            return\n        if",
            "            # text\n            return\n        if",
        )
    }),
    ("a comment beside", |t| {
        t.replace("            return\n", "            return  # text\n")
    }),
    ("a statement in the method", |t| {
        t.replace(
            "        rows = self.rows\n",
            "        rows = self.rows\n        x = 1\n        print(x)\n",
        )
    }),
    ("a docstring of the method", |t| {
        t.replace(
            "    def save_data(self):\n        rows",
            "    def save_data(self):\n        \"\"\"Text.\"\"\"\n        rows",
        )
    }),
    ("Windows line endings", |t| t.replace('\n', "\r\n")),
    ("a byte order mark", |t| format!("\u{feff}{t}")),
    ("two blanks for an indent", |t| t.replace("    ", "  ")),
    ("tabs", |t| t.replace("    ", "\t")),
    ("blanks at the ends of lines", |t| t.replace("\n", "  \n")),
    ("other spacing in the line", |t| {
        t.replace("run.status == 'success'", "run.status=='success'")
    }),
    ("classes in another order", |t| {
        let at = t.find("class Results").unwrap();
        let end = t.find("def already").unwrap();
        format!("{}\n\n{}{}", &t[at..end], &t[..at], &t[end..])
    }),
    ("annotations elsewhere", |t| {
        t.replace(
            "def push(self, rows):",
            "def push(self, rows: list) -> int:",
        )
    }),
    ("all of it in a block", |t| {
        let body: String = t.lines().map(|l| format!("    {l}\n")).collect();
        format!("if True:\n{body}")
    }),
];

#[test]
fn fingerprints_survive_unrelated_edits() {
    let project = Project::new(&[("etl/odds.py", PROGRAM)]);
    write(&project);
    let known = fingerprints(&project);
    assert_eq!(known.len(), 4);
    assert!(EDITS.len() >= 20);
    for (name, edit) in EDITS {
        let text = edit(PROGRAM);
        assert_ne!(text, PROGRAM, "{name}: nothing was edited");
        project.write("etl/odds.py", &text);
        assert_eq!(counts(&check(&project)), (0, 4, 0), "{name}");
        // Where only a line of a function that has no block around it moves into one.
        if *name != "all of it in a block" {
            assert_eq!(fingerprints(&project), known, "{name}");
        }
    }
    // Several together: those that do not change how the file is laid out.
    for pair in EDITS[..16].chunks_exact(2) {
        project.write("etl/odds.py", pair[1].1(&pair[0].1(PROGRAM)));
        assert_eq!(
            fingerprints(&project),
            known,
            "{} and {}",
            pair[0].0,
            pair[1].0
        );
    }
}

#[test]
fn fingerprints_survive_unrelated_edits_of_rust() {
    let project = Project::new(&[("etl/odds.rs", RUST)]);
    write(&project);
    let known = fingerprints(&project);
    assert_eq!(known.len(), 2);
    let edits: &[EditOf] = &[
        ("blank lines on top", |t| format!("\n\n{t}")),
        ("a comment on top", |t| format!("//! Text.\n{t}")),
        ("a function before", |t| {
            t.replace("impl Odds", "fn new() {}\n\nimpl Odds")
        }),
        ("another function renamed", |t| {
            t.replace("helper", "assist")
        }),
        ("comments beside", |t| {
            t.replace("return Ok(());", "return Ok(()); // text")
        }),
        ("comments inside", |t| {
            t.replace("return Ok(());", "return /* a */ Ok(());")
        }),
        ("Windows line endings", |t| t.replace('\n', "\r\n")),
        ("two blanks for an indent", |t| t.replace("    ", "  ")),
        ("another field", |t| {
            t.replace(
                "    rows: Vec<u32>,\n",
                "    id: u8,\n    rows: Vec<u32>,\n",
            )
        }),
    ];
    for (name, edit) in edits {
        let text = edit(RUST);
        assert_ne!(text, RUST, "{name}: nothing was edited");
        project.write("etl/odds.rs", &text);
        assert_eq!(counts(&check(&project)), (0, 2, 0), "{name}");
        assert_eq!(fingerprints(&project), known, "{name}");
    }
}

#[test]
fn a_new_fault_is_not_taken_for_a_known_one() {
    let project = Project::new(&[("etl/odds.py", PROGRAM)]);
    write(&project);
    let new = |from: &str, to: &str| {
        let text = PROGRAM.replace(from, to);
        assert_ne!(text, PROGRAM);
        project.write("etl/odds.py", &text);
        let found = json(&check(&project));
        let findings = found["findings"].as_array().unwrap();
        findings
            .iter()
            .map(|f| f["line"].as_u64().unwrap())
            .collect::<Vec<_>>()
    };
    // Before, between and after those that look like it.
    let line = "        rows = self.rows\n";
    let extra = "        if self.new:\n            return\n";
    assert_eq!(new(line, &format!("{line}{extra}")), [8]);
    assert_eq!(
        new(
            "        if self.dry_run",
            &format!("{extra}        if self.dry_run")
        ),
        [10]
    );
    assert_eq!(
        new("        self.stats", &format!("{extra}        self.stats")),
        [12]
    );
    // A test that was edited is still about the same exit, and no new one.
    assert!(new("if not rows:", "if not rows or self.x:").is_empty());
    // The same code in another class is another fault.
    let class = "\n\nclass More(ProcessorBase):\n    def save_data(self):\n        if self.x:\n            return\n        self.stats['rows_inserted'] = 1\n";
    assert_eq!(
        new("    return False\n", &format!("    return False\n{class}")),
        [36]
    );
}

#[test]
fn what_was_copied_is_new_although_the_original_was_mended() {
    let project = Project::new(&[("etl/a.py", PROGRAM)]);
    write(&project);
    project.write("etl/b.py", PROGRAM);
    assert_eq!(counts(&check(&project)), (4, 4, 0));
    // An entry moves with its file only when that is gone.
    project.write("etl/a.py", "x = 1\n");
    assert_eq!(counts(&check(&project)), (4, 0, 4));
}

/// A run that does not ask for notes must neither report those that are known as gone nor drop them.
#[test]
fn notes_are_known_whether_they_are_shown_or_not() {
    let unclear = "\
class Unclear(BaseProcessor):
    def save_data(self):
        outside(self)
        return
";
    let project = Project::new(&[("etl/a.py", unclear)]);
    let fixed = ["check", "--baseline", KNOWN, "--write-baseline", "etl"];
    project.run(&[&fixed[..], &["--pedantic"]].concat());
    let all = project.read(KNOWN);
    assert_eq!(all.lines().count(), 2, "{all}");
    let shown = ["check", "--baseline", KNOWN, "--format", "json", "etl"];
    for more in [&[][..], &["--pedantic"]] {
        assert_eq!(
            counts(&project.run(&[&shown[..], more].concat())),
            (0, 1, 0)
        );
        project.run(&[&fixed[..], more].concat());
        assert_eq!(project.read(KNOWN), all, "{more:?}");
    }
}
