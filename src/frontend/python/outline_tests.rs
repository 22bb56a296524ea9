//! Compares the outline with the parser, on the standard library of the installed Python.

#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::Command;

use crate::frontend::STACK_SIZE;
use crate::frontend::python::outline_agrees;

/// In unoptimised builds, one file in this many is checked. `TALLYLINT_ALL` checks all.
const SAMPLE: usize = if cfg!(debug_assertions) { 16 } else { 1 };

fn standard_library() -> Vec<String> {
    let script = "import sysconfig; print(sysconfig.get_path('stdlib'))";
    let Ok(output) = Command::new("python3").args(["-c", script]).output() else {
        return Vec::new();
    };
    let dir = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let files = walkdir::WalkDir::new(Path::new(&dir)).sort_by_file_name();
    let paths = files.into_iter().filter_map(Result::ok);
    let paths = paths.map(walkdir::DirEntry::into_path);
    let step = if std::env::var_os("TALLYLINT_ALL").is_some() {
        1
    } else {
        SAMPLE
    };
    paths
        .filter(|path| path.extension().is_some_and(|e| e == "py"))
        .filter(|path| {
            !path
                .components()
                .any(|part| part.as_os_str() == "site-packages")
        })
        .step_by(step)
        .filter_map(|path| std::fs::read_to_string(path).ok())
        .map(|text| text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned())
        .collect()
}

#[test]
fn pieces_are_the_statements_of_the_standard_library() {
    let texts = standard_library();
    let work = move || {
        let mut files = 0;
        let mut statements = 0;
        for text in texts {
            let Some(found) = outline_agrees(&text).unwrap() else {
                continue;
            };
            files += 1;
            statements += found;
        }
        println!("{files} files, {statements} statements");
    };
    let thread = std::thread::Builder::new().stack_size(STACK_SIZE);
    thread.spawn(work).unwrap().join().unwrap();
}

#[test]
fn pieces_are_the_statements_of_the_fixtures() {
    let work = || {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
        let mut read = 0;
        for entry in walkdir::WalkDir::new(folder).sort_by_file_name() {
            let path = entry.unwrap().into_path();
            if path.extension().is_none_or(|e| e != "py") {
                continue;
            }
            let Ok(text) = std::fs::read_to_string(&path) else {
                continue;
            };
            match outline_agrees(&text) {
                Ok(found) => read += usize::from(found.is_some()),
                Err(difference) => panic!("{}: {difference}", path.display()),
            }
        }
        assert!(read > 30, "only {read} files parse");
    };
    let thread = std::thread::Builder::new().stack_size(STACK_SIZE);
    thread.spawn(work).unwrap().join().unwrap();
}

#[test]
fn a_default_of_a_type_parameter_does_not_hide_a_broken_string() {
    let text =
        "class A[\n    B = \"x\nclass A[\n    B = \"y, ]\"   elif not b:\n  , 2],\n]: pass\n";
    assert_eq!(outline_agrees(text), Ok(None));
}

#[test]
fn a_default_of_a_type_parameter_is_an_expression() {
    for broken in ["T =", "T = 1 1", "T = **x", "T = *", "T = int, U = x y"] {
        let text = format!("class A[{broken}]: pass\n");
        assert_eq!(outline_agrees(&text), Ok(None), "{text}");
    }
    for right in [
        "T = int",
        "*T = *tuple[int, ...]",
        "T = lambda a, b: {a: b}, U = int",
        "T: int = int, **P = [int, str],",
        "T = (  # a\n  int),",
    ] {
        let text = format!("class A[{right}]: pass\n");
        assert_eq!(outline_agrees(&text), Ok(Some(1)), "{text}");
    }
}

#[test]
fn a_line_that_is_joined_to_a_blank_one_is_blank() {
    for (text, statements) in [
        ("\\\n\n", 0),
        ("\\\n \\\r\n # a\nx = 1\n", 1),
        ("x = 1\n\\\n\ny = 2\n", 2),
        ("if a:\n    b\n    \\\n\n    c\n", 1),
        ("class A:\n\\\n\n    x = 1\n", 1),
    ] {
        assert_eq!(outline_agrees(text), Ok(Some(statements)), "{text:?}");
    }
    assert!(outline_agrees("\\\n").is_ok());
}

#[test]
fn a_second_byte_order_mark_is_no_text() {
    for text in ["\u{feff}# a\n", "\u{feff}x = 1\n", "x = 1\n\u{feff}y = 2\n"] {
        assert_eq!(outline_agrees(text), Ok(None), "{text:?}");
    }
}
