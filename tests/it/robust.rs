//! What nobody would write, and what is cut off in the middle: every input gets an answer, and
//! nothing panics. A stack overflow would end the whole test.

use std::fs::File;
use std::path::PathBuf;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use tallylint::config::{Configuration, Overrides};
use tallylint::driver::{self, Request, RunResult};
use tallylint::frontend::layout::Layout;
use tallylint::frontend::{self, STACK_SIZE};
use tallylint::ir::validate::validate;
use tallylint::settings::Settings;
use tallylint::source::Language;

use crate::bombs;
use crate::common::Project;

/// Prefixes of each fixture that are lowered, and that are checked as well. With this variable
/// set, it is all of them.
const ALL: &str = "TALLYLINT_ROBUST_ALL";
const LOWERED_CUTS: usize = 16;
const CHECKED_CUTS: usize = 4;
/// Characters of a fixture that are cut. A long file says the same about its start again and again.
const MOST: usize = 6_000;

fn sample(count: usize, most: usize) -> (usize, usize) {
    match std::env::var_os(ALL) {
        Some(_) => (usize::MAX, usize::MAX),
        None => (count, most),
    }
}

fn on_big_stack<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let thread = std::thread::Builder::new().stack_size(STACK_SIZE);
    thread.spawn(work).unwrap().join().unwrap()
}

fn check(project: &Project) -> RunResult {
    let settings = Settings::new(None, &Overrides::default()).unwrap();
    let outcome = driver::run(Request::new(
        &[PathBuf::from(".")],
        &Configuration::fixed(settings, Overrides::default()),
        project.path(""),
    ))
    .unwrap();
    assert!(outcome.bug.is_none(), "{:?}", outcome.bug);
    let internal: Vec<_> = outcome
        .failures
        .iter()
        .filter(|f| f.is_internal())
        .collect();
    assert!(internal.is_empty(), "{internal:?}");
    outcome
}

/// The texts of all fixtures.
fn fixtures() -> Vec<(Language, String)> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let folders = ["tests", "fixtures"].map(|folder| root.join(folder));
    let files = folders
        .iter()
        .flat_map(|folder| walkdir::WalkDir::new(folder).sort_by_file_name())
        .map(|entry| entry.unwrap().into_path())
        .filter(|path| !path.components().any(|part| part.as_os_str() == "target"));
    files
        .filter_map(|path| {
            let language = Language::of_walked(&path)?;
            Some((language, std::fs::read_to_string(path).ok()?))
        })
        .collect()
}

/// Offsets at which a token starts or ends, about `count` of them, spread over the text.
fn cuts(text: &str, count: usize) -> Vec<usize> {
    let kind = |c: char| match c {
        c if c.is_alphanumeric() || c == '_' => 1,
        ' ' => 2,
        c => 3 + u32::from(c),
    };
    let chars: Vec<(usize, char)> = text.char_indices().collect();
    let pairs = chars.windows(2).filter(|w| kind(w[0].1) != kind(w[1].1));
    let all: Vec<usize> = pairs.map(|w| w[1].0).collect();
    let step = (all.len() / count.min(all.len()).max(1)).max(1);
    all.into_iter().step_by(step).collect()
}

#[test]
fn truncated_fixtures_are_lowered() {
    let texts = fixtures();
    for language in [Language::Python, Language::Rust] {
        assert!(texts.iter().filter(|(l, _)| *l == language).count() > 10);
    }
    let (count, most) = sample(LOWERED_CUTS, MOST);
    let (mut read, mut refused) = (0, 0);
    on_big_stack(move || {
        for (language, text) in texts {
            let end = text.char_indices().nth(most).map_or(text.len(), |c| c.0);
            let text = &text[..end];
            for cut in cuts(text, count) {
                for part in [&text[..cut], &text[cut..]] {
                    inside(&Layout::of(language, part), part);
                    match frontend::lower_intact(language, part) {
                        Ok(lowered) => {
                            read += 1;
                            for (_, function) in lowered.module.functions() {
                                assert_eq!(validate(function), Ok(()), "{part}");
                            }
                            let places = lowered.broken.iter().map(|error| error.offset as usize);
                            assert!(places.clone().is_sorted() && places.max() <= Some(part.len()));
                        }
                        Err(error) => {
                            refused += 1;
                            assert!(error.offset as usize <= part.len(), "{part}");
                        }
                    }
                }
            }
        }
        println!("{read} parts read, {refused} refused");
        assert!(read > 500 && refused > 500);
    });
}

/// Whatever a layout says lies in the text, between characters and in order.
fn inside(layout: &Layout, text: &str) {
    let spans = layout.comments.iter().map(|c| c.span);
    let spans = spans.chain(layout.statements.iter().flat_map(|s| [s.span, s.whole]));
    for span in spans.chain(layout.unbroken.iter().copied()) {
        assert!(text.get(span.range()).is_some(), "{span:?} of {text}");
    }
    assert!(layout.comments.is_sorted_by_key(|c| c.span.start));
    assert!(layout.statements.is_sorted_by_key(|s| s.span.start));
    assert!(layout.unbroken.is_sorted_by_key(|s| s.start));
    for statement in &layout.statements {
        assert!(statement.whole.contains(statement.span), "{text}");
    }
}

#[test]
fn truncated_fixtures_are_checked() {
    let project = Project::new(&[]);
    let (count, most) = sample(CHECKED_CUTS, 2_000);
    let mut failures = 0;
    let mut checked = 0;
    let every = if count == CHECKED_CUTS { 2 } else { 1 };
    for (number, (language, text)) in fixtures().into_iter().enumerate().step_by(every) {
        let end = text.char_indices().nth(most).map_or(text.len(), |c| c.0);
        let extension = match language {
            Language::Python => "py",
            Language::Rust => "rs",
        };
        for cut in cuts(&text[..end], count).into_iter().skip(1) {
            project.write(&format!("f{number}_{cut}.{extension}"), &text[..cut]);
        }
        // All of them at once would be one project of a hundred thousand files.
        if every == 1 {
            let outcome = check(&project);
            checked += outcome.checked;
            failures += outcome.failures.len();
            for path in std::fs::read_dir(project.path("")).unwrap() {
                drop(std::fs::remove_file(path.unwrap().path()));
            }
        }
    }
    if every != 1 {
        let outcome = check(&project);
        checked += outcome.checked;
        failures += outcome.failures.len();
    }
    println!("{checked} checked, {failures} failures");
    assert!(checked > 10 && failures > 0);
}

/// Nobody waits so long for one text, and no machine is so slow: most take less than a second. So
/// this tells what has no end, and not how fast a machine is.
const ENDLESS: Duration = Duration::from_secs(30 * 60);

/// Every text is answered, by the front end and by the scan for comments.
fn answered(language: Language, bombs: Vec<(&'static str, String)>) {
    let names: Vec<&str> = bombs.iter().map(|(name, _)| *name).collect();
    let (done, answers) = mpsc::channel();
    let worker = std::thread::Builder::new().stack_size(STACK_SIZE);
    let worker = worker.spawn(move || {
        for (_, text) in bombs {
            // A function of one line is lowered, too.
            let lines = text.trim_end().contains('\n');
            let text = match language {
                _ if lines => text,
                Language::Python => format!("def f(a):\n    {text}\n"),
                Language::Rust => format!("fn f() {{ {text}\n}}\n"),
            };
            drop(frontend::lower_intact(language, &text));
            drop(Layout::of(language, &text));
            done.send(()).unwrap();
        }
    });
    for name in names {
        match answers.recv_timeout(ENDLESS) {
            Ok(()) => {}
            Err(RecvTimeoutError::Timeout) => panic!("{name} has no end"),
            Err(RecvTimeoutError::Disconnected) => panic!("{name} makes it panic"),
        }
    }
    worker.unwrap().join().unwrap();
}

#[test]
fn bombs_are_answered() {
    answered(Language::Python, bombs::python());
}

#[test]
fn bombs_in_rust_are_answered() {
    answered(Language::Rust, bombs::rust());
}

#[test]
fn strange_projects_are_answered() {
    let project = Project::new(&[]);
    let deep: String = (0..600)
        .map(|i| format!("class C{}(C{i}):\n    pass\n", i + 1))
        .collect();
    project.write(
        "deep.py",
        format!("class C0(BaseProcessor):\n    def save_data(self): pass\n{deep}"),
    );
    for i in 0..300 {
        let text = format!(
            "from m{} import C{i} as B\nclass C{}(B): pass\n",
            (i + 1) % 300,
            (i + 299) % 300
        );
        project.write(&format!("m{i}.py"), text);
        project.write(
            &format!("s{i}.py"),
            format!("from s{} import *\n", (i + 1) % 300),
        );
    }
    project.write(
        "selfish.py",
        "from selfish import *\nfrom selfish import A\nclass A(A): pass\nclass B(B): pass\n",
    );
    project.write(
        "round.py",
        "class A(B): pass\nclass B(A):\n    def save_data(self): return super().save_data()\n",
    );
    // Functions that decorate themselves and each other, and a property that reads itself.
    project.write(
        "decorated.py",
        "@deco\ndef deco(f): return f\n@two\ndef one(f): return f\n@one\ndef two(f): return f\n\
         class A(BaseProcessor):\n    @deco\n    def save_data(self): self.load(), self.rows\n\
         \x20   @one\n    def load(self): pass\n    @property\n    def rows(self): return self.rows\n",
    );
    project.write("bytes.py", b"x = '\xff\xfe'\n");
    project.write("nulls.py", b"\0\0\0save_data");
    project.write("utf16.py", b"\xff\xfex\x00=\x001\x00");
    project.write("cut.py", b"x = '\xe2\x82");
    // The same in Rust.
    let traits: String = (0..600)
        .map(|i| format!("trait T{}: T{i} {{}}\n", i + 1))
        .collect();
    project.write(
        "deep.rs",
        format!(
            "trait T0 {{ fn save_data(&self) {{}} }}\n{traits}struct S;\nimpl T600 for S {{}}\n"
        ),
    );
    let cycle = "trait A: B {}\ntrait B: A { fn save_data(&self); }\nimpl A for A {}\n\
                 impl B for S { fn save_data(&self) { B::save_data(self) } }\ntype S = S;\n\
                 use self::S as S;\nuse self::*;\nmod round;\n#[path = \"round.rs\"]\nmod again;\n";
    project.write("round.rs", cycle);
    for i in 0..300 {
        let next = (i + 1) % 300;
        let text = format!(
            "#[path = \"u{next}.rs\"]\nmod next;\nuse next::*;\npub use next::S{next} as S{i};\n\
             impl Processor for S{i} {{ fn save_data(&self) {{ next::f() }} }}\npub fn f() {{ next::f() }}\n"
        );
        project.write(&format!("u{i}.rs"), text);
    }
    project.write("bytes.rs", b"let x = \"\xff\xfe\";\n");
    project.write("nulls.rs", b"\0\0\0");
    project.write("cut.rs", b"fn f() { \"\xe2\x82");
    let outcome = check(&project);
    let failed: Vec<&str> = outcome.failures.iter().map(|f| f.path.as_str()).collect();
    assert_eq!(
        failed,
        [
            "bytes.py", "bytes.rs", "cut.py", "cut.rs", "nulls.py", "nulls.rs", "utf16.py"
        ]
    );
}

#[test]
fn a_file_that_is_too_large_is_named() {
    let project = Project::new(&[("small.py", "x = 1\n")]);
    let large = |bytes| {
        let file = File::create(project.path("large.py")).unwrap();
        file.set_len(bytes).unwrap();
    };
    large(64 * 1024 * 1024 + 1);
    let ran = project.run(&["check"]);
    assert_eq!(ran.code, 2);
    let expected = "error: large.py: too large: 67108865 bytes, the limit is 67108864 bytes \
                    (see --max-file-size)\n";
    assert_eq!(ran.stderr, expected);
    assert!(ran.stdout.contains("(1 file checked"), "{}", ran.stdout);
    // The limit can be moved, within what offsets can say.
    project.write("large.py", format!("#{}\n", "a".repeat(2 * 1024 * 1024)));
    assert_eq!(project.run(&["check"]).code, 0);
    let ran = project.run(&["check", "--max-file-size", "1"]);
    assert!(ran.stderr.contains("the limit is 1048576 bytes"), "{ran:?}");
    let text = project.read("large.py");
    let ran = project.tallylint(&["check", "--max-file-size", "1", "-"]);
    assert!(
        ran.stdin(text)
            .run()
            .stderr
            .contains("the limit is 1048576 bytes")
    );
    large(64 * 1024 * 1024 + 1);
    let ran = project.run(&["check", "--max-file-size", "65"]);
    assert!(!ran.stderr.contains("too large"), "{ran:?}");
    for wrong in ["0", "4096", "x"] {
        assert_eq!(
            project.run(&["check", "--max-file-size", wrong]).code,
            2,
            "{wrong}"
        );
    }
}

/// So many loops in each other, in the body of a method with a counter `a` and a parameter `day`.
fn nested_loops(count: usize) -> String {
    let mut source = String::new();
    for i in 0..count {
        let indent = " ".repeat(8 + 4 * i);
        source += &format!(
            "{indent}for x{i} in self.items(day, {i}):\n\
             {indent}    if x{i}.kind == 'k{i}' or x{i}.name in ('a', 'b'):\n\
             {indent}        try:\n\
             {indent}            v{i} = self.load(x{i})\n\
             {indent}        except ValueError:\n\
             {indent}            v{i} = None\n\
             {indent}        if v{i} is None and a > {i}:\n\
             {indent}            continue\n\
             {indent}    a += 1\n"
        );
    }
    source
}

/// What cannot be followed to its end is a note, and nothing that was found in part is reported.
#[test]
fn a_function_that_is_too_large_is_a_note() {
    const LOOPS: usize = 12;
    let mut source =
        String::from("class Runs:\n    def already_processed(self, day):\n        a = 0\n");
    source += &nested_loops(LOOPS);
    source += "        return self.runs.latest(day).status == 'success'\n";
    let project = Project::new(&[("a.py", &source)]);
    assert_eq!(project.run(&["check"]).code, 0);
    let ran = project.run(&["check", "--pedantic", "--format", "concise"]);
    assert_eq!(
        ran.stdout,
        "a.py:2:9: note[success-as-proof/unverified] `already_processed` is too large for every path to be \
         followed: it may take a successful status as proof of work\n"
    );
}

/// A function can be small enough to be followed as usual, and too large where a missing count is no
/// evidence: what is said of it then says nothing about a missing count.
#[test]
fn a_function_that_is_nearly_too_large_has_no_note_about_missing_counts() {
    let mut source = String::new();
    for size in 1..=5 {
        source += &format!(
            "class Runs{size}:\n    def already_processed(self, day):\n        a = 0\n        \
             row = self.runs.latest(day)\n        if row.status == 'success':\n            \
             if row.records_processed == 0:\n                return False\n            \
             if self.deep and row.rows_inserted > 0:\n                a += 1\n"
        );
        source += &nested_loops(size);
        source += "        return row.status == 'success'\n\n\n";
    }
    let project = Project::new(&[("a.py", &source)]);
    let ran = project.run(&["check", "--pedantic", "--format", "json"]);
    let found = crate::common::json(&ran);
    let findings = found["findings"].as_array().unwrap().iter();
    let about_counts = |f: &&serde_json::Value| f["notes"].to_string().contains("NULL");
    let (unverified, others): (Vec<_>, Vec<_>) = findings.partition(|f| f["kind"] == "unverified");
    // The largest is too large in any case; of small ones it is said what a missing count does.
    assert!(!unverified.is_empty() && others.iter().any(about_counts));
    assert!(!unverified.iter().any(about_counts), "{unverified:#?}");
}
