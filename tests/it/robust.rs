//! What nobody would write, and what is cut off in the middle: every input gets an answer, in
//! bounded time, and nothing panics. A stack overflow would end the whole test.

use std::fs::File;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use tallylint::config::{Overrides, Settings};
use tallylint::driver::{self, Outcome, Request};
use tallylint::frontend::{STACK_SIZE, python};
use tallylint::ir::validate::validate;

use crate::common::Project;

/// Prefixes of each fixture that are lowered, and that are checked as well.
const LOWERED_CUTS: usize = 16;
const CHECKED_CUTS: usize = 4;

fn on_big_stack<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let thread = std::thread::Builder::new().stack_size(STACK_SIZE);
    thread.spawn(work).unwrap().join().unwrap()
}

fn check(project: &Project) -> Outcome {
    let settings = Settings::new(None, &Overrides::default()).unwrap();
    let outcome = driver::run(Request {
        paths: &[PathBuf::from(".")],
        stdin: None,
        settings: &settings,
        cwd: project.path(""),
    });
    assert!(outcome.bug.is_none(), "{:?}", outcome.bug);
    let internal: Vec<_> = outcome.failures.iter().filter(|f| f.internal).collect();
    assert!(internal.is_empty(), "{internal:?}");
    outcome
}

fn fixtures() -> Vec<String> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests");
    let files = walkdir::WalkDir::new(root).sort_by_file_name().into_iter();
    let paths = files.map(|entry| entry.unwrap().into_path());
    let python = paths.filter(|path| path.extension().is_some_and(|e| e == "py"));
    python
        .filter_map(|path| std::fs::read_to_string(path).ok())
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
    let step = (all.len() / count).max(1);
    all.into_iter().step_by(step).collect()
}

#[test]
fn truncated_fixtures_are_lowered() {
    let texts = fixtures();
    assert!(texts.len() > 50);
    let (mut read, mut refused) = (0, 0);
    on_big_stack(move || {
        for text in texts {
            // A long file says the same about its start again and again.
            let end = text.char_indices().nth(6_000).map_or(text.len(), |c| c.0);
            let text = &text[..end];
            for cut in cuts(text, LOWERED_CUTS) {
                for part in [&text[..cut], &text[cut..]] {
                    match python::lower_intact(part) {
                        Ok(lowered) => {
                            read += 1;
                            for function in &lowered.module.functions {
                                assert_eq!(validate(function), Ok(()), "{part}");
                            }
                            let places = lowered.broken.iter().map(|error| error.offset as usize);
                            assert!(places.clone().is_sorted() && places.max() <= Some(part.len()));
                        }
                        Err(_) => refused += 1,
                    }
                }
            }
        }
        println!("{read} parts read, {refused} refused");
        assert!(read > 500);
    });
}

#[test]
fn truncated_fixtures_are_checked() {
    let project = Project::new(&[]);
    for (number, text) in fixtures().into_iter().enumerate().step_by(2) {
        let end = text.char_indices().nth(2_000).map_or(text.len(), |c| c.0);
        for cut in cuts(&text[..end], CHECKED_CUTS).into_iter().skip(1) {
            project.write(&format!("f{number}_{cut}.py"), &text[..cut]);
        }
    }
    let outcome = check(&project);
    assert!(outcome.checked > 10);
    assert!(!outcome.failures.is_empty());
}

/// Texts that are refused, or read, but in any case answered.
fn bombs() -> Vec<(&'static str, String)> {
    let many = |text: &str, count: usize| text.repeat(count);
    let many_terms = 300_000;
    vec![
        ("round brackets", many("(", 100_000)),
        ("square brackets", format!("x = {}", many("[", 100_000))),
        ("mixed brackets", many("({[", 100_000)),
        ("closing brackets", many(")]}", 100_000)),
        (
            "balanced brackets",
            format!("x = {}{}", many("(", 10_000), many(")", 10_000)),
        ),
        ("signs", format!("x = {}1", many("-", many_terms))),
        ("inversions", format!("x = {}1", many("not ", many_terms))),
        ("sums", format!("x = 1{}", many(" + 1", many_terms))),
        ("powers", format!("x = 1{}", many(" ** 1", many_terms))),
        ("conjunctions", format!("x = a{}", many(" and a", 100_000))),
        ("comparisons", format!("x = a{}", many(" < a", many_terms))),
        ("attributes", format!("x = a{}", many(".b", many_terms))),
        ("calls", format!("x = a{}", many("()", many_terms))),
        (
            "ternaries",
            format!("x = {}1", many("1 if a else ", many_terms)),
        ),
        ("lambdas", format!("x = {}1", many("lambda: ", many_terms))),
        ("strings", format!("x = {}", many("'a' ", 50_000))),
        ("targets", format!("{}1", many("x = ", many_terms))),
        (
            "awaits",
            format!("async def f(): {}x", many("await ", many_terms)),
        ),
        (
            "long line",
            format!("x = [{}]", many(&format!("'{}', ", "a".repeat(500)), 2_000)),
        ),
        ("long comment", format!("#{}", many("a", 1_000_000))),
        ("long string", format!("x = '{}'", many("a", 10_000_000))),
        ("long name", format!("x = {}", many("a", 1_000_000))),
        ("long blank", format!("x = 1{}", many(" ", 1_000_000))),
        ("list", format!("x = [{}]", many("a, ", 100_000))),
        ("dict", format!("x = {{{}}}", many("'k': 1, ", 10_000))),
        ("arguments", format!("f({})", many("a, ", 10_000))),
        ("statements", many("x = 1; ", 10_000)),
        (
            "ifs",
            (0..5_000)
                .map(|i| format!("{}if a:\n", " ".repeat(i)))
                .collect(),
        ),
        (
            "elifs",
            format!("if a: pass\n{}", many("elif a: pass\n", 50_000)),
        ),
        ("f-strings", many("f'{", 10_000)),
        ("f-string lines", many("x = f\"{(\n", 5_000)),
        (
            "format specifications",
            format!("x = f'{}'", many("{a:", 100_000)),
        ),
        ("fields", format!("x = f'{}'", many("{a[\"\\n\"]}", 3_000))),
        (
            "deep field",
            format!("x = f'{{\")\" + {}1}}'", many("-", 100_000)),
        ),
        ("quotes", many("'''\"\"\"", 50_000)),
        (
            "decorators",
            format!("{}def f(): pass", many("@a\n", 20_000)),
        ),
        ("joined lines", many("\\\n", 100_000)),
        ("broken pieces", many("x = = 1\n", 5_000)),
        (
            "broken members",
            format!("class C:\n{}", many("  x = = 1\n", 3_000)),
        ),
        ("null bytes", many("\0", 100_000)),
        ("null byte", "x = 1\0\ny = '\0'\n".to_owned()),
        (
            "except lists",
            format!("try: pass\nexcept {}a: pass", many("a, ", 10_000)),
        ),
        (
            "type parameters",
            format!("def f[{}]: pass", many("T = int, ", 50_000)),
        ),
    ]
}

#[test]
fn bombs_are_answered_in_time() {
    on_big_stack(|| {
        for (name, text) in bombs() {
            // A function of one line is lowered, too.
            let text = match text.trim_end().contains('\n') {
                true => text,
                false => format!("def f(a):\n    {text}\n"),
            };
            let start = Instant::now();
            drop(python::lower_intact(&text));
            let took = start.elapsed();
            println!("{name}: {took:?}");
            assert!(took < Duration::from_secs(20), "{name} took {took:?}");
        }
    });
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
    project.write("bytes.py", b"x = '\xff\xfe'\n");
    project.write("nulls.py", b"\0\0\0");
    project.write("utf16.py", b"\xff\xfex\x00=\x001\x00");
    project.write("cut.py", b"x = '\xe2\x82");
    let outcome = check(&project);
    let failed: Vec<&str> = outcome.failures.iter().map(|f| f.path.as_str()).collect();
    assert_eq!(failed, ["bytes.py", "cut.py", "nulls.py", "utf16.py"]);
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

/// What cannot be followed to its end is a note, and nothing that was found in part is reported.
#[test]
fn a_function_that_is_too_large_is_a_note() {
    const LOOPS: usize = 12;
    let mut source =
        String::from("class Runs:\n    def already_processed(self, day):\n        a = 0\n");
    for i in 0..LOOPS {
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
    source += "        return self.runs.latest(day).status == 'success'\n";
    let project = Project::new(&[("a.py", &source)]);
    assert_eq!(project.run(&["check"]).code, 0);
    let ran = project.run(&["check", "--pedantic", "--format", "concise"]);
    assert_eq!(
        ran.stdout,
        "a.py:2:9: note[success-as-proof] `already_processed` was not followed to its end: it is \
         too large to tell whether a success is taken for a proof\n"
    );
}
