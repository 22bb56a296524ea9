//! Files with syntax errors: what is intact is checked, what is broken is named.

use crate::common::{Project, Ran};

const INTACT: &str = "\
class Silent(BaseProcessor):
    def save_data(self, rows):
        if not rows:
            return
        self.stats['rows_inserted'] = len(rows)
";

fn check(text: &str) -> Ran {
    Project::new(&[("a.py", text)]).run(&["check", "--format", "concise"])
}

/// The positions that standard error names, and whether the class `Silent` at `line` was checked.
fn places(ran: &Ran) -> Vec<&str> {
    let lines = ran.stderr.lines();
    let mut places: Vec<&str> = lines
        .filter_map(|line| line.strip_prefix("error: a.py:"))
        .filter_map(|line| line.split(": ").next())
        .collect();
    places.sort_unstable();
    places
}

#[test]
fn a_broken_statement_leaves_the_classes_around_it() {
    for (broken, at) in [
        ("def f(:\n    pass\n", "1:7"),
        ("x = (1,\n", "1:8"),
        ("x = f'{(\n", "1:5"),
        ("hello 'world'\n", "1:7"),
        ("if a:\nb\n", "1:6"),
        ("class Other(A B):\n    x = 1\n", "1:15"),
    ] {
        let ran = check(&format!("{broken}{INTACT}"));
        assert_eq!(ran.code, 2, "{broken}: {ran:?}");
        assert!(ran.stdout.contains("untracked-return"), "{broken}: {ran:?}");
        let first = places(&ran).first().map(|place| place.split(':').next());
        assert_eq!(first, Some(at.split(':').next()), "{broken}: {ran:?}");
        let after = check(&format!("{INTACT}{broken}"));
        assert!(after.stdout.contains("a.py:4:13"), "{broken}: {after:?}");
        assert_eq!(after.code, 2);
    }
}

#[test]
fn every_broken_piece_is_named() {
    let text =
        format!("def f(:\n    pass\n{INTACT}\n    def g(self):\n        return ]\nx = = 1\n");
    let ran = check(&text);
    assert_eq!(places(&ran).len(), 3, "{ran:?}");
    assert!(ran.stderr.contains("a.py:10:17: "), "{ran:?}");
    assert!(ran.stdout.contains("untracked-return"), "{ran:?}");
    assert!(ran.stdout.contains("a.py:6:13"), "{ran:?}");
}

/// What cannot be read may be what makes the rest right.
#[test]
fn a_broken_member_is_unknown_and_not_missing() {
    let text = "\
class Broken(BaseProcessor):
    def save_data(self, rows):
        return [

class Base(BaseProcessor):
    def finish(self, rows):
        self.stats['rows_inserted'] = (

    def save_data(self, rows):
        self.finish(rows)

class Wrong(Base, Other Base):
    pass

class Heir(Wrong):
    def save_data(self, rows):
        return super().save_data(rows)
";
    let ran = check(text);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(!ran.stdout.contains("untracked-return"), "{ran:?}");
    assert_eq!(places(&ran).len(), 3, "{ran:?}");
}

#[test]
fn a_file_without_an_intact_piece_is_named_once() {
    let ran = check("this is no Python\nnor is this\n# save_data\n");
    assert_eq!(ran.code, 2, "{ran:?}");
    assert_eq!(places(&ran), ["1:12"], "{ran:?}");
}
