//! Fixes: what a finding offers to change leaves a file that is read, in which the fault is gone.

use std::fs;
use std::path::{Path, PathBuf};

use tallylint::config::{Configuration, Overrides, Settings};
use tallylint::diagnostics::{Finding, Fix};
use tallylint::driver::{self, Outcome, Request};

fn check(path: &Path) -> Outcome {
    let overrides = Overrides {
        select: vec!["swallowed-write".to_owned()],
        ..Overrides::default()
    };
    driver::run(Request {
        paths: &[path.to_path_buf()],
        stdin: None,
        changed: None,
        configuration: &Configuration::fixed(Settings::new(None, &overrides).unwrap(), overrides),
        cwd: path.parent().unwrap().to_path_buf(),
    })
    .unwrap()
}

fn findings(outcome: &Outcome) -> impl Iterator<Item = &Finding> {
    outcome.settled.reported.iter().map(|r| &r.finding)
}

fn apply(text: &str, fix: &Fix) -> String {
    let mut out = text.to_owned();
    for edit in fix.edits.iter().rev() {
        let span = edit.location.span;
        out.replace_range(span.start as usize..span.end as usize, &edit.text);
    }
    out
}

/// The class of a finding: its symbol without the method.
fn class(finding: &Finding) -> &str {
    finding.symbol.split('.').next().unwrap()
}

#[test]
fn raising_again_at_the_end_of_the_handler_ends_the_fault() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/swallowed-write");
    let source = root.join("01-fires.py");
    let text = fs::read_to_string(&source).unwrap();
    let temporary = tempfile::tempdir().unwrap();
    let changed: PathBuf = temporary.path().join("changed.py");
    let before = check(&source);
    let (mut fixed, mut left) = (0, Vec::new());
    for finding in findings(&before) {
        let Some(fix) = &finding.fix else { continue };
        fs::write(&changed, apply(&text, fix)).unwrap();
        let after = check(&changed);
        assert!(after.failures.is_empty(), "{:?}", after.failures);
        let same = findings(&after).any(|f| class(f) == class(finding));
        assert!(findings(&after).count() <= findings(&before).count());
        fixed += 1;
        if same {
            left.push(class(finding).to_owned());
        }
    }
    assert!(fixed >= 20, "only {fixed} fixes");
    assert!(left.is_empty(), "{left:?} of {fixed}");
}

#[test]
fn a_fix_fits_into_the_file_as_it_is() {
    let cases = [
        ("except OSError: pass", "except OSError: raise"),
        ("except OSError: log()", "except OSError: log(); raise"),
        (
            "except OSError:\r\n            log()  # told\r\n        done()",
            "except OSError:\r\n            log()  # told\r\n            raise\r\n        done()",
        ),
        (
            "except OSError:\n            log()\n            return",
            "except OSError:\n            log()\n            raise",
        ),
    ];
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("a.py");
    for (handler, wanted) in cases {
        let head = "class P(Base):\n    def save_data(self):\n        try:\n            self.c.load()\n        ";
        let text = format!("{head}{handler}\n");
        fs::write(&path, &text).unwrap();
        let outcome = check(&path);
        let found: Vec<_> = findings(&outcome).collect();
        assert_eq!(found.len(), 1, "{handler}");
        let fix = found[0].fix.as_ref().unwrap();
        assert_eq!(apply(&text, fix), format!("{head}{wanted}\n"));
    }
}
