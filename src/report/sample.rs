//! One sample of findings, and what every format makes of it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use termcolor::{Ansi, NoColor};

use super::{Format, Report, write};
use crate::config::{Configuration, Overrides, Settings};
use crate::diagnostics::{Edit, FileFailure, Finding, FindingBuilder, Fix, Location, Safety};
use crate::rules::{Rule, UntrackedReturn};
use crate::settle::{Checked, Settled, settle};
use crate::source::{SourceMap, Span};

const ODDS: &str = "\
class Odds(Base):
    def save_data(self):
        rows = self.rows
        if not rows:
            self.stats['rows_inserted'] = 0
            return

        try:
            job = self.client.load_table_from_json(
                rows, 'table')
            job.result()
            note(self)
        except Exception as error:
\t\tself.log('\x1b[31mé', error)
            return
        self.stats['rows_inserted'] = len(rows)
";
const HELPERS: &str = "\
def note(processor):
    if processor.quiet: return
";

struct Sample {
    sources: SourceMap,
    settled: Settled,
    failures: Vec<FileFailure>,
}

impl Sample {
    fn place(&self, path: &str, text: &str) -> Location {
        let file = self.sources.load(Path::new(path));
        let file = file.unwrap_or_else(|_| panic!("no file {path}"));
        let start = file
            .text
            .find(text)
            .unwrap_or_else(|| panic!("no text {text}"));
        let start = u32::try_from(start).unwrap();
        Location {
            file: file.id,
            span: Span::new(start, start + u32::try_from(text.len()).unwrap()),
        }
    }

    fn builder(kind: &str) -> FindingBuilder {
        FindingBuilder::new(UntrackedReturn.meta(), kind)
            .arg("method", "save_data")
            .arg("place", "self.stats['rows_inserted']")
            .arg("unknown", "it depends on code that was not found")
            .arg("remedy", "make the called code resolvable")
    }

    fn report(&self, format: Format) -> String {
        let mut out = NoColor::new(Vec::new());
        write(format, &self.as_report(), &mut out).unwrap();
        String::from_utf8(out.into_inner()).unwrap()
    }

    fn as_report(&self) -> Report<'_> {
        Report {
            settled: &self.settled,
            sources: &self.sources,
            failures: &self.failures,
            checked: 2,
            skipped: 1,
            processors: 1,
            contracts: &[],
            links: None,
            contracts: &[],
            links: None,
            bug: None,
            fixed: 0,
            time: Some(Duration::from_millis(1234)),
            root: self.sources.cwd(),
            ignored: true,
        }
    }
}

fn sample() -> (tempfile::TempDir, Sample) {
    let dir = tempfile::tempdir().unwrap();
    let cwd = std::fs::canonicalize(dir.path()).unwrap();
    let sources = SourceMap::new(cwd.clone());
    let long = format!(
        "x = '{}'; return; y = '{}'\n",
        "a".repeat(300),
        "b".repeat(300)
    );
    for (path, text) in [
        ("etl/odds.py", ODDS),
        ("etl/helpers.py", HELPERS),
        ("long.py", &long),
    ] {
        let path = cwd.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let mut sample = Sample {
        sources,
        settled: Settled::default(),
        failures: vec![
            FileFailure::input("bad.py".into(), Some((3, 7)), "invalid syntax".into()),
            FileFailure::input("gone.py".into(), None, "broken link".into()),
        ],
    };
    sample.settled = {
        let at = |path, text| sample.place(path, text);
        let findings: Vec<Finding> = vec![
            Sample::builder("unset-after-write")
                .symbol("Odds.save_data")
                .step(at("etl/odds.py", "not rows"), "`rows` is not empty")
                .step(
                    at(
                        "etl/odds.py",
                        "self.client.load_table_from_json(\n                rows, 'table')",
                    ),
                    "returns",
                )
                .step(at("etl/odds.py", "note(self)"), "enters `note`")
                .step(at("etl/helpers.py", "processor.quiet"), "is true")
                .step(at("etl/odds.py", "note(self)"), "raises")
                .step(
                    at("etl/odds.py", "except Exception as error"),
                    "caught here",
                )
                .note("run() will record 0 rows")
                .exit(at("etl/odds.py", "return\n        self"))
                .at_exit(at("etl/odds.py", "return\n        self"), "returns"),
            Sample::builder("unset")
                .symbol("Odds.save_data")
                .fix(Some(Fix {
                    message: "raise again".to_owned(),
                    safety: Safety::Unsafe,
                    edits: vec![Edit {
                        location: at("etl/odds.py", "self.log('\x1b[31mé', error)"),
                        text: "raise".to_owned(),
                    }],
                }))
                .exit(at("etl/odds.py", "self.log('\x1b[31mé', error)"))
                .at_exit(
                    at("etl/odds.py", "self.log('\x1b[31mé', error)"),
                    "ends here",
                ),
            Sample::builder("never-set")
                .symbol("save_data")
                .exit(at("long.py", "return"))
                .at(at("long.py", "return"), "returns"),
            Sample::builder("unverified")
                .symbol("Odds.save_data")
                .at(at("etl/odds.py", "save_data"), "unknown"),
        ];
        let settings = Settings::new(None, &Overrides::default()).unwrap();
        let configuration = Configuration::fixed(settings, Overrides::default());
        let checked = Checked {
            files: &[],
            failures: &[],
            partial: false,
            baselines: &[],
        };
        settle(findings, checked, &configuration, &sample.sources)
    };
    (dir, sample)
}

#[test]
fn text() {
    let (_dir, sample) = sample();
    let text = sample.report(Format::Text);
    let expected = r#"warning[untracked-return]: `save_data` can return without setting `self.stats['rows_inserted']`
   ┌─ etl/odds.py:14:3
   │
14 │         self.log('␛[31mé', error)
   │         ^^^^^^^^^^^^^^^^^^^^^^^^^ ends here
   │
   = fix (unsafe): raise again
   = help: set `self.stats['rows_inserted']` on this path (0 if nothing was written)

error[untracked-return]: `save_data` can return without setting `self.stats['rows_inserted']` after writing rows
   ┌─ etl/odds.py:15:13
   │
 4 │         if not rows:
   │            -------- 1. `rows` is not empty
   ·
 9 │             job = self.client.load_table_from_json(
   │                   --------------------------------- 2. returns
   ·
12 │             note(self)
   │             ---------- 3. enters `note`; 5. raises
13 │         except Exception as error:
   │         ------------------------- 6. caught here
14 │         self.log('␛[31mé', error)
15 │             return
   │             ^^^^^^ 7. returns
   │
   ┌─ etl/helpers.py:2:8
   │
 2 │     if processor.quiet: return
   │        --------------- 4. is true
   │
   = note: run() will record 0 rows
   = help: set `self.stats['rows_inserted']` on this path to the number of rows written

error[untracked-return]: `save_data` never sets `self.stats['rows_inserted']`
  ┌─ long.py:1:309
  │
1 │ …aaaaaaaaaaaaaaaaaaaaaaaaaaa'; return; y = 'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb…
  │                                ^^^^^^ returns
  │
  = help: set `self.stats['rows_inserted']` on every path that returns (0 if nothing was written)

Found 2 errors and 1 warning in 1 processor (2 files checked, 1 skipped) in 1.23s
2 paths could not be analysed: the result is incomplete
1 finding can be fixed with --fix --unsafe-fixes, which changes what the program does
1 note hidden; --pedantic shows them
"#;
    assert_eq!(text, expected, "\n{text}");
}

#[test]
fn text_with_colour_shows_the_same() {
    let (_dir, sample) = sample();
    let mut out = Ansi::new(Vec::new());
    write(Format::Text, &sample.as_report(), &mut out).unwrap();
    let coloured = String::from_utf8(out.into_inner()).unwrap();
    let mut plain = String::new();
    let mut rest = coloured.as_str();
    while let Some((before, after)) = rest.split_once('\x1b') {
        plain.push_str(before);
        rest = after.split_once('m').unwrap().1;
    }
    plain.push_str(rest);
    assert_eq!(plain, sample.report(Format::Text));
    assert!(coloured.contains("\x1b["));
}

#[test]
fn concise() {
    let (_dir, sample) = sample();
    let text = sample.report(Format::Concise);
    let expected = r#"etl/odds.py:14:3: warning[untracked-return] `save_data` can return without setting `self.stats['rows_inserted']`
etl/odds.py:15:13: error[untracked-return] `save_data` can return without setting `self.stats['rows_inserted']` after writing rows
long.py:1:309: error[untracked-return] `save_data` never sets `self.stats['rows_inserted']`
"#;
    assert_eq!(text, expected, "\n{text}");
}

#[test]
fn json() {
    let (_dir, sample) = sample();
    let text = sample.report(Format::Json);
    let expected = r#"{
  "version": 1,
  "tool": {
    "name": "tallylint",
    "version": "0.1.0"
  },
  "findings": [
    {
      "rule": "untracked-return",
      "kind": "unset",
      "severity": "warning",
      "message": "`save_data` can return without setting `self.stats['rows_inserted']`",
      "path": "etl/odds.py",
      "line": 14,
      "column": 3,
      "end_line": 14,
      "end_column": 28,
      "symbol": "Odds.save_data",
      "exits": [
        14
      ],
      "steps": [],
      "notes": [],
      "fingerprint": "6f097ae72efbc11f",
      "help": "set `self.stats['rows_inserted']` on this path (0 if nothing was written)",
      "fix": {
        "message": "raise again",
        "safety": "unsafe",
        "edits": [
          {
            "path": "etl/odds.py",
            "line": 14,
            "column": 3,
            "end_line": 14,
            "end_column": 28,
            "text": "raise"
          }
        ]
      }
    },
    {
      "rule": "untracked-return",
      "kind": "unset-after-write",
      "severity": "error",
      "message": "`save_data` can return without setting `self.stats['rows_inserted']` after writing rows",
      "path": "etl/odds.py",
      "line": 15,
      "column": 13,
      "end_line": 16,
      "end_column": 13,
      "symbol": "Odds.save_data",
      "exits": [
        15
      ],
      "steps": [
        {
          "path": "etl/odds.py",
          "line": 4,
          "column": 12,
          "message": "`rows` is not empty"
        },
        {
          "path": "etl/odds.py",
          "line": 9,
          "column": 19,
          "message": "returns"
        },
        {
          "path": "etl/odds.py",
          "line": 12,
          "column": 13,
          "message": "enters `note`"
        },
        {
          "path": "etl/helpers.py",
          "line": 2,
          "column": 8,
          "message": "is true"
        },
        {
          "path": "etl/odds.py",
          "line": 12,
          "column": 13,
          "message": "raises"
        },
        {
          "path": "etl/odds.py",
          "line": 13,
          "column": 9,
          "message": "caught here"
        },
        {
          "path": "etl/odds.py",
          "line": 15,
          "column": 13,
          "message": "returns"
        }
      ],
      "notes": [
        "run() will record 0 rows"
      ],
      "fingerprint": "0b8f1e47cec6c00b",
      "help": "set `self.stats['rows_inserted']` on this path to the number of rows written",
      "fix": null
    },
    {
      "rule": "untracked-return",
      "kind": "never-set",
      "severity": "error",
      "message": "`save_data` never sets `self.stats['rows_inserted']`",
      "path": "long.py",
      "line": 1,
      "column": 309,
      "end_line": 1,
      "end_column": 315,
      "symbol": "save_data",
      "exits": [
        1
      ],
      "steps": [],
      "notes": [],
      "fingerprint": "a3145ea4a5d7b8e2",
      "help": "set `self.stats['rows_inserted']` on every path that returns (0 if nothing was written)",
      "fix": null
    }
  ],
  "suppressed": [],
  "baseline": {
    "known": 0,
    "expired": []
  },
  "fixed": 0,
  "files": {
    "checked": 2,
    "skipped": 1,
    "failed": [
      {
        "path": "bad.py",
        "reason": "line 3, column 7: invalid syntax"
      },
      {
        "path": "gone.py",
        "reason": "broken link"
      }
    ]
  },
  "processors": 1
}
"#;
    assert_eq!(text, expected, "\n{text}");
}

#[test]
fn a_clean_run_says_so() {
    let settled = Settled::default();
    let report = Report {
        settled: &settled,
        sources: &SourceMap::new(PathBuf::from("/")),
        failures: &[],
        checked: 1,
        skipped: 0,
        processors: 3,
        contracts: &[],
        links: None,
        bug: None,
        fixed: 0,
        time: None,
        root: Path::new("/"),
        ignored: true,
    };
    assert_eq!(
        super::summary(&report, Duration::ZERO),
        "No findings in 3 processors (1 file checked) in 0.00s\n"
    );
}
