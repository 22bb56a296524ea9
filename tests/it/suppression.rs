//! Ignore comments: what they hide and count, what is wrong with them, and how they are added.
//! Where a comment may stand is told by `tests/fixtures/ignore-comment`.

use serde_json::Value;

use crate::common::{Project, Ran, json};

const BASE: &str = "\
class Base(BaseProcessor):
    def save_data(self):
        if not self.rows:
            return
        self.stats['rows_inserted'] = len(self.rows)
";

/// `RULE/KIND` and line of what is reported, or of what is suppressed with its reason.
fn found(ran: &Ran, list: &str) -> Vec<String> {
    let report = json(ran);
    let findings = report[list].as_array().unwrap().iter();
    findings
        .map(|f| {
            let reason = match &f["reason"] {
                Value::Null => String::new(),
                reason => format!(" {}", reason.as_str().unwrap()),
            };
            let text = |name: &str| f[name].as_str().unwrap().to_owned();
            format!(
                "{}:{} {}/{}{reason}",
                text("path"),
                f["line"],
                text("rule"),
                text("kind")
            )
        })
        .collect()
}

fn reported(project: &Project, arguments: &[&str]) -> Vec<String> {
    let all = [&["check", "--format", "json"], arguments].concat();
    found(&project.run(&all), "findings")
}

#[test]
fn what_is_ignored_is_counted_and_listed() {
    let text = BASE.replace(
        "return\n",
        "return  # tallylint: ignore[untracked-return] why\n",
    );
    let project = Project::new(&[("a.py", &text)]);
    let ran = project.run(&["check"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(
        ran.stdout,
        "No findings in 1 processor (1 file checked) in [TIME]\n1 finding ignored by comments\n"
    );
    let ran = project.run(&["check", "--format", "json"]);
    assert_eq!(ran.code, 0);
    assert_eq!(found(&ran, "findings"), [""; 0]);
    assert_eq!(
        found(&ran, "suppressed"),
        ["a.py:4 untracked-return/unset why"]
    );
    let suppressed = &json(&ran)["suppressed"][0];
    let whole = Project::new(&[("a.py", BASE)]);
    let whole = json(&whole.run(&["check", "--format", "json"]));
    for field in ["message", "severity", "exits", "steps", "symbol"] {
        assert_eq!(suppressed[field], whole["findings"][0][field], "{field}");
    }
    // Of two comments, the nearer says why.
    project.write(
        "a.py",
        format!("# tallylint: ignore-file[untracked-return] far\n{text}"),
    );
    let ran = project.run(&["check", "--format", "json"]);
    assert_eq!(
        found(&ran, "suppressed"),
        ["a.py:5 untracked-return/unset why"]
    );
}

#[test]
fn a_comment_in_a_file_that_is_not_checked_counts() {
    let base = BASE.replace("(BaseProcessor)", "").replace(
        "return\n",
        "return  # tallylint: ignore[untracked-return, success-as-proof]\n",
    );
    let heir = "from base import Base\n\nclass Heir(Base, BaseProcessor):\n    pass\n";
    let project = Project::new(&[("base.py", &base), ("heir.py", heir)]);
    let ran = project.run(&["check", "--format", "json", "heir.py"]);
    let bare = BASE.replace("(BaseProcessor)", "");
    let plain = Project::new(&[("base.py", &bare), ("heir.py", heir)]);
    let expected = reported(&plain, &["heir.py"]);
    assert_eq!(expected.len(), 1, "{expected:?}");
    assert!(expected[0].starts_with("base.py:4 "), "{expected:?}");
    assert_eq!(found(&ran, "suppressed"), expected);
    // Its faults are those of a file that was not asked about.
    assert_eq!(found(&ran, "findings"), [""; 0]);
}

#[test]
fn unused_is_said_only_where_it_is_known() {
    let unused = "# tallylint: ignore-file[untracked-return] no\n";
    let both = "# tallylint: ignore-file[untracked-return, success-as-proof] no\n";
    let project = Project::new(&[("a.py", unused), ("b.py", both)]);
    let a = "a.py:1 ignore-comment/unused";
    let b = "b.py:1 ignore-comment/unused";
    assert_eq!(reported(&project, &[]), [a, b, b]);
    assert_eq!(project.run(&["check"]).code, 1);
    // Rules that are not run do not know.
    assert_eq!(reported(&project, &["--ignore", "untracked-return"]), [b]);
    assert_eq!(
        reported(&project, &["--select", "success-as-proof"]),
        [""; 0]
    );
    assert_eq!(
        reported(&project, &["--select", "success-as-proof,ignore-comment"]),
        [b]
    );
    // What it ignores may come from a class in another file.
    assert_eq!(reported(&project, &["a.py"]), [""; 0]);
    assert_eq!(reported(&project, &["a.py", "--pedantic"]), [a]);
    // A part of the file was not read.
    project.write("a.py", format!("{unused}x = = 1  # save_data\n"));
    assert_eq!(reported(&project, &[]), [b, b]);
    assert_eq!(reported(&project, &["--ignore", "ignore-comment"]), [""; 0]);
}

/// A method that is not followed to its end has no finding, and may have one.
#[test]
fn a_comment_in_a_method_that_could_not_be_told_is_not_unused() {
    let text = "\
class Unclear(BaseProcessor):
    def save_data(self):
        outside(self)
        return  # tallylint: ignore[untracked-return] perhaps

    def other(self):
        return  # tallylint: ignore[untracked-return] surely not
";
    let project = Project::new(&[("a.py", text)]);
    assert_eq!(reported(&project, &[]), ["a.py:7 ignore-comment/unused"]);
    // It may have it anywhere, whatever statement the comment is about.
    let before = text.replace(
        "        outside(self)\n        return  # tallylint: ignore[untracked-return] perhaps\n",
        "        if self.done:  # tallylint: ignore[untracked-return] perhaps\n            \
         log(1)\n        outside(self)\n",
    );
    assert_ne!(before, text);
    project.write("a.py", before);
    assert_eq!(reported(&project, &[]), ["a.py:8 ignore-comment/unused"]);
}

#[test]
fn a_comment_ends_with_its_line() {
    // What begins the next line is not covered, a comment as little as a statement.
    let next = format!("x = 1  # tallylint: ignore[untracked-return] no\n{BASE}");
    let project = Project::new(&[("a.py", &next)]);
    assert_eq!(
        reported(&project, &[]),
        [
            "a.py:1 ignore-comment/unused",
            "a.py:5 untracked-return/unset"
        ]
    );
    let next = "x = 1  # tallylint: ignore[ignore-comment] no\n# tallylint: ignore\ny = 1\n";
    project.write("a.py", next);
    assert_eq!(
        reported(&project, &[]),
        [
            "a.py:1 ignore-comment/unused",
            "a.py:2 ignore-comment/blanket"
        ]
    );
}

#[test]
fn one_kind_of_finding_is_ignored() {
    let program = |names: &str| {
        format!(
            "class P(ProcessorBase):\n    def save_data(self):\n        if not self.rows:\n            return  \
             # tallylint: ignore[{names}] no rows, no count\n        self.stats['rows_inserted'] = 1\n"
        )
    };
    let check = |names: &str| {
        let project = Project::new(&[("a.py", &program(names))]);
        project.run(&["check", "--format", "concise"]).stdout
    };
    assert_eq!(check("untracked-return/unset"), "");
    assert_eq!(
        check("swallowed-write/certified, untracked-return/unset")
            .lines()
            .count(),
        1
    );
    let other = check("untracked-return/dropped");
    assert!(
        other.contains("a.py:4:13: warning[untracked-return/unset]"),
        "{other}"
    );
    assert!(
        other.contains("a.py:4:41: warning[ignore-comment/unused]"),
        "{other}"
    );
    let unknown = check("untracked-return/unst");
    assert!(
        unknown.contains("`untracked-return/unst`; did you mean `untracked-return/unset`?"),
        "{unknown}"
    );
}

#[test]
fn unknown_rules_get_a_suggestion() {
    let project = Project::new(&[("a.py", "# tallylint: ignore-file[untraked-return] x\n")]);
    let ran = project.run(&["check", "--format", "concise"]);
    assert_eq!(
        ran.stdout,
        "a.py:1:26: warning[ignore-comment/unknown] this comment ignores a rule that does not exist: \
         `untraked-return`; did you mean `untracked-return`?\n"
    );
    let project = Project::new(&[("a.rs", "// tallylint: ignroe[x] y\n")]);
    let ran = project.run(&["check"]);
    assert!(ran.stdout.contains("did you mean `ignore`?"), "{ran:?}");
    assert!(
        ran.stdout
            .contains("write `// tallylint: ignore[RULE] REASON`"),
        "{ran:?}"
    );
}

/// Adds ignores for so many findings; afterwards all are suppressed. Gives the new file.
fn add(project: &Project, file: &str, findings: usize) -> Vec<u8> {
    let before = std::fs::read(project.path(file)).unwrap();
    let ran = project.run(&["check", "--add-ignore", "known since 2024"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
    let s = if findings == 1 { "" } else { "s" };
    let said = format!("{findings} finding{s} ignored in 1 file\n");
    assert_eq!(ran.stdout, said);
    let after = std::fs::read(project.path(file)).unwrap();
    let ran = project.run(&["check", "--format", "json"]);
    assert_eq!(ran.code, 0, "{ran:?}\n{}", String::from_utf8_lossy(&after));
    assert_eq!(found(&ran, "findings"), [""; 0]);
    assert_eq!(found(&ran, "suppressed").len(), findings);
    // There is nothing left to do.
    let again = project.run(&["check", "--add-ignore", "again"]);
    assert_eq!(again.stdout, "0 findings ignored in 0 files\n");
    assert_eq!(std::fs::read(project.path(file)).unwrap(), after);
    assert_ne!(before, after);
    after
}

#[test]
fn comments_are_added_where_they_do_no_harm() {
    let text = "\
class Many(BaseProcessor):
    def save_data(self):
        if not self.a:
            return
        if not self.b:
            return  # no b
        if not self.c:
            return log(1,
                       2)
        if not self.d:
            return log('''
                # text
            ''')
        if not self.e:
            return 1 + \\
                2
        if not self.f: return
        # tallylint: ignore[untracked-return] g
        if not self.g: return
        self.stats['rows_inserted'] = len(self.rows)";
    let expected = "\
class Many(BaseProcessor):
    def save_data(self):
        if not self.a:
            return  # tallylint: ignore[untracked-return] known since 2024
        if not self.b:
            return  # no b  # tallylint: ignore[untracked-return] known since 2024
        if not self.c:
            return log(1,  # tallylint: ignore[untracked-return] known since 2024
                       2)
        if not self.d:
            # tallylint: ignore[untracked-return] known since 2024
            return log('''
                # text
            ''')
        if not self.e:
            # tallylint: ignore[untracked-return] known since 2024
            return 1 + \\
                2
        if not self.f: return  # tallylint: ignore[untracked-return] known since 2024
        # tallylint: ignore[untracked-return] g
        if not self.g: return
        self.stats['rows_inserted'] = len(self.rows)";
    let project = Project::new(&[("a.py", text)]);
    let ran = project.run(&["check", "--add-ignore", "known since 2024"]);
    assert_eq!(ran.stdout, "6 findings ignored in 1 file\n", "{ran:?}");
    assert_eq!(project.read("a.py"), expected);
    assert_eq!(project.run(&["check"]).code, 0);
}

#[test]
fn a_comment_takes_one_more_rule() {
    for (before, after) in [
        (
            "return  # tallylint: ignore[success-as-proof] x",
            "return  # tallylint: ignore[success-as-proof, untracked-return] x",
        ),
        (
            "# tallylint: ignore[success-as-proof] x\n            return",
            "# tallylint: ignore[success-as-proof, untracked-return] x\n            return",
        ),
    ] {
        let project = Project::new(&[("a.py", &BASE.replace("return", before))]);
        let ran = project.run(&["check", "--add-ignore", "y"]);
        assert_eq!(ran.stdout, "1 finding ignored in 1 file\n");
        assert_eq!(project.read("a.py"), BASE.replace("return", after));
    }
    // A comment about more than the statement stays as it is.
    let text = BASE.replace(
        "(self):",
        "(self):  # tallylint: ignore[success-as-proof] x",
    );
    let project = Project::new(&[("a.py", &text)]);
    project.run(&["check", "--add-ignore", "y"]);
    let comment = "return  # tallylint: ignore[untracked-return] y";
    assert_eq!(project.read("a.py"), text.replace("return", comment));
}

#[test]
fn encodings_and_line_endings_are_kept() {
    let comment = "  # tallylint: ignore[untracked-return] known since 2024";
    for ending in ["\r\n", "\n", "\r"] {
        let lines = |text: &str| text.replace('\n', ending).into_bytes();
        let with_comment = BASE.replace("return\n", &format!("return{comment}\n"));
        for (start, note) in [
            (&b"\xef\xbb\xbf"[..], "# é\n".as_bytes()),
            (b"", b"# coding: latin-1\n# \xe9\x85\n"),
            (b"", b"# coding: shift_jis\nx = '\x83\x65\x83\x5c'\n"),
            (b"", b"# coding: cp1252\nx = '\x80'\n"),
        ] {
            let note: Vec<u8> = note
                .iter()
                .flat_map(|b| {
                    if *b == b'\n' {
                        ending.as_bytes().to_vec()
                    } else {
                        vec![*b]
                    }
                })
                .collect();
            let project = Project::new(&[]);
            project.write("a.py", [start, &note, &lines(BASE)].concat());
            let after = add(&project, "a.py", 1);
            assert_eq!(after, [start, &note, &lines(&with_comment)].concat());
        }
    }
    // Whatever UTF-8 has can be in a reason.
    for start in ["", "\u{feff}"] {
        let project = Project::new(&[("a.py", &format!("{start}# é\n{BASE}"))]);
        let ran = project.run(&["check", "--add-ignore", "größer"]);
        assert_eq!(ran.stdout, "1 finding ignored in 1 file\n", "{ran:?}");
        let comment = "return  # tallylint: ignore[untracked-return] größer";
        let expected = format!("{start}# é\n{}", BASE.replace("return", comment));
        assert_eq!(project.read("a.py"), expected);
    }
    // A line above ends as the lines of the file do.
    let text = BASE
        .replace("return\n", "return log('''\n''')\n")
        .replace('\n', "\r\n");
    let project = Project::new(&[("a.py", &text)]);
    let after = String::from_utf8(add(&project, "a.py", 1)).unwrap();
    let line = format!("            {}\r\n", comment.trim());
    assert_eq!(after.replace(&line, ""), text);
    // Letters that the encoding may not have.
    let project = Project::new(&[]);
    let latin = ["# coding: latin-1\n# \u{fffd}\n", BASE]
        .concat()
        .replace('\u{fffd}', "?");
    let latin: Vec<u8> = latin
        .bytes()
        .map(|b| if b == b'?' { 0xe9 } else { b })
        .collect();
    project.write("a.py", &latin);
    let ran = project.run(&["check", "--add-ignore", "größer"]);
    assert_eq!(ran.code, 2);
    assert_eq!(
        ran.stderr,
        "error: no comment was added: a.py: its encoding is not UTF-8, and the reason is not ASCII\n"
    );
    assert_eq!(std::fs::read(project.path("a.py")).unwrap(), latin);
}

#[test]
fn comments_are_added_to_rust() {
    let text = "\
impl Processor for Odds {
    fn save_data(&mut self, rows: &[Row]) -> Result<(), Error> {
        if rows.is_empty() {
            return Ok(());
        }
        match self.kind {
            Kind::A => return Ok(()), // a
            Kind::B => return done(r#\"
                // text\"#),
            Kind::C => self.stats.insert(\"rows_inserted\".to_string(), rows.len()),
        };
        Ok(())
    }
}
struct Odds { stats: HashMap<String, usize> }
fn done(text: &str) -> Result<(), Error> { Ok(()) }
";
    let project = Project::new(&[("a.rs", text)]);
    let after = String::from_utf8(add(&project, "a.rs", 3)).unwrap();
    let comment = "// tallylint: ignore[untracked-return] known since 2024";
    let expected = text
        .replace("return Ok(());", &format!("return Ok(()); {comment}"))
        .replace("// a", &format!("// a {comment}"))
        .replace("Kind::B", &format!("{comment}\n            Kind::B"));
    assert_eq!(after, expected);
}

#[test]
fn reasons_that_are_none() {
    let project = Project::new(&[("a.py", BASE)]);
    for (reason, why) in [
        ("", "the reason is empty"),
        (" ", "the reason is empty"),
        ("a\nb", "on one line"),
        ("# noqa", "would not be read as the reason"),
        ("...", "would not be read as the reason"),
    ] {
        let ran = project.run(&["check", "--add-ignore", reason]);
        assert_eq!(ran.code, 2, "{reason}");
        assert!(ran.stderr.contains(why), "{ran:?}");
    }
    let ran = project
        .tallylint(&["check", "-", "--add-ignore", "x"])
        .stdin(BASE)
        .run();
    assert_eq!(ran.code, 2);
    assert!(
        ran.stderr.contains("`-` cannot be among the paths"),
        "{ran:?}"
    );
    let ran = project.run(&["check", "--add-ignore", "x", "--format", "json"]);
    assert_eq!(ran.code, 2);
    assert_eq!(project.read("a.py"), BASE);
}

#[cfg(unix)]
#[test]
fn files_stay_what_they_were() {
    use std::os::unix::fs::PermissionsExt;
    let project = Project::new(&[("real/a.py", BASE)]);
    project.link("real/a.py", "b.py");
    let mode = |path: &str| {
        std::fs::metadata(project.path(path))
            .unwrap()
            .permissions()
            .mode()
    };
    let set = |mode| {
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(project.path("real/a.py"), permissions).unwrap();
    };
    set(0o444);
    let ran = project.run(&["check", "b.py", "--add-ignore", "x"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("the file is read-only"), "{ran:?}");
    set(0o750);
    let ran = project.run(&["check", "b.py", "--add-ignore", "x"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(mode("real/a.py") & 0o777, 0o750);
    assert!(project.path("b.py").is_symlink());
    assert!(
        project
            .read("real/a.py")
            .contains("ignore[untracked-return] x")
    );
    let files = std::fs::read_dir(project.path("real")).unwrap().count();
    assert_eq!(files, 1, "nothing temporary is left");
}
