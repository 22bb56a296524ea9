//! Tests of the Python front end as a whole.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::frontend::python::lower_module;
use crate::frontend::{STACK_SIZE, SyntaxError};
use crate::ir::{self, validate::validate};

/// Runs `f` on a thread with the stack that callers must grant.
fn with_stack<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> T {
    std::thread::Builder::new()
        .stack_size(STACK_SIZE)
        .spawn(f)
        .unwrap()
        .join()
        .unwrap()
}

fn lower(text: impl Into<String>) -> Result<ir::Module, SyntaxError> {
    let text = text.into();
    with_stack(move || {
        let module = lower_module(&text)?;
        for function in &module.functions {
            if let Err(problems) = validate(function) {
                panic!("{}: {problems:#?}", function.qualname);
            }
        }
        Ok(module)
    })
}

fn python_files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in walkdir::WalkDir::new(dir).sort_by_file_name() {
        let Ok(entry) = entry else { continue };
        let installed = |part| part == std::path::Component::Normal("site-packages".as_ref());
        if entry.path().components().any(installed) {
            continue;
        }
        if entry.path().extension().is_some_and(|e| e == "py") {
            found.push(entry.into_path());
        }
    }
}

/// Every file of the standard library that CPython itself parses is lowered and valid. Set
/// `TALLYLINT_STDLIB` to a folder to check another one.
#[test]
#[ignore = "takes a minute without optimisation"]
fn standard_library() {
    let dir = std::env::var("TALLYLINT_STDLIB").ok().or_else(|| {
        let script = "import sysconfig; print(sysconfig.get_path('stdlib'))";
        let output = Command::new("python3").args(["-c", script]).output().ok()?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    });
    let Some(dir) = dir.filter(|dir| !dir.is_empty()) else {
        return;
    };
    let mut files = Vec::new();
    python_files(Path::new(&dir), &mut files);
    let failed = with_stack(move || {
        let mut failed: Vec<String> = Vec::new();
        for file in files {
            let Ok(text) = std::fs::read_to_string(&file) else {
                continue;
            };
            let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
            match lower_module(text) {
                Err(error) => failed.push(format!("{}: {error}", file.display())),
                Ok(module) => {
                    for function in &module.functions {
                        if let Err(problems) = validate(function) {
                            let name = &function.qualname;
                            failed.push(format!("{}: {name}: {problems:?}", file.display()));
                        }
                    }
                }
            }
        }
        failed
    });
    let script = "import ast, sys\nfor f in sys.stdin.read().split('\\n'):\n    try: ast.parse(open(f, 'rb').read())\n    except Exception: pass\n    else: print(f)";
    let named: Vec<&str> = failed
        .iter()
        .filter_map(|f| f.split(".py: ").next())
        .collect();
    let paths: Vec<String> = named.iter().map(|f| format!("{f}.py")).collect();
    let mut child = Command::new("python3")
        .args(["-W", "ignore", "-c", script])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(
        &mut child.stdin.take().unwrap(),
        paths.join("\n").as_bytes(),
    )
    .unwrap();
    let accepted = child.wait_with_output().unwrap().stdout;
    let accepted = String::from_utf8_lossy(&accepted);
    let wrong: Vec<&String> = failed
        .iter()
        .filter(|f| {
            let path = format!("{}.py", f.split(".py: ").next().unwrap());
            accepted.lines().any(|line| line == path)
        })
        .collect();
    assert!(wrong.is_empty(), "{}: {wrong:#?}", wrong.len());
}

#[test]
fn deep_nesting_is_refused() {
    let texts = [
        "(".repeat(100_000),
        format!("x = {}1{}", "(".repeat(10_000), ")".repeat(10_000)),
        format!("x = {}1", "-".repeat(100_000)),
        format!("x = {}1", "not ".repeat(100_000)),
        format!("x = a{}", ".b".repeat(100_000)),
        format!("x = a{}", "()".repeat(100_000)),
        format!("x = 1{}", " + 1".repeat(100_000)),
        format!("x = {}1", "lambda: ".repeat(100_000)),
        format!("x = {}1", "1 if 1 else ".repeat(100_000)),
        format!("x = f'{{{}1}}'", "-".repeat(100_000)),
        format!("x = {}", "9".repeat(1_000_000)),
        format!("if a: pass\n{}", "elif a: pass\n".repeat(100_000)),
        (0..1_000)
            .map(|i| format!("{}if a:\n", " ".repeat(i)))
            .collect(),
    ];
    for text in texts {
        let start: String = text.chars().take(20).collect();
        assert!(lower(text).is_err(), "{start}");
    }
}

#[test]
fn what_the_guard_lets_through_fits_the_stack() {
    let chain = 5_900;
    let texts = [
        format!("x = {}1", "-".repeat(chain)),
        format!("x = {}1", "not ".repeat(chain)),
        format!("x = a{}", ".b".repeat(chain)),
        format!("x = a{}", "()".repeat(chain)),
        format!("x = a{}", "[0]".repeat(chain)),
        format!("x = a{}", ".b()".repeat(chain / 2)),
        format!("x = 1{}", " + a".repeat(chain)),
        format!("x = {}1", "lambda: ".repeat(2_000)),
        format!("x = {}1", "1 if a else ".repeat(chain / 2)),
        format!("if a: pass\n{}", "    elif a: pass\n".repeat(chain)),
        format!("x = {}1{}", "(".repeat(190), ")".repeat(190)),
        format!("x = {}1{}", "[a, -".repeat(190), "]".repeat(190)),
        format!("x = {}1{}", "f(lambda: ".repeat(190), ")".repeat(190)),
        format!("x = f'{{{}1}}'", "-".repeat(1_000)),
    ];
    for text in texts {
        let body: String = text
            .lines()
            .map(|l| format!("    {}\n", l.trim()))
            .collect();
        let start: String = body.chars().take(30).collect();
        assert!(lower(format!("def f(a):\n{body}")).is_ok(), "{start}");
    }
    let nested: String = (0..98)
        .map(|i| format!("{}def f{i}(a):\n", " ".repeat(i)))
        .collect();
    assert!(lower(format!("{nested}{}pass\n", " ".repeat(98))).is_ok());
}
