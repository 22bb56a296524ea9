//! The outline against the parser, on the standard library of the machine's Python.

#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::Command;

use rustpython_parser::ast::{Stmt, Suite};

use crate::frontend::STACK_SIZE;
use crate::frontend::python::outline::{self, Piece, PieceKind};
use crate::frontend::python::{guard, parse};

/// Without optimisation, one file of so many is looked at. `TALLYLINT_ALL` looks at all.
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

fn starts(suite: &Suite, shift: usize) -> Vec<(usize, usize)> {
    let spans = suite.iter().map(parse::span);
    spans
        .map(|span| (span.start as usize + shift, span.end as usize + shift))
        .collect()
}

/// The kind and name of what a statement defines.
fn definition(stmt: &Stmt) -> (PieceKind, &str) {
    match stmt {
        Stmt::ClassDef(s) => (PieceKind::Class, s.name.as_str()),
        Stmt::FunctionDef(s) => (PieceKind::Function, s.name.as_str()),
        Stmt::AsyncFunctionDef(s) => (PieceKind::Function, s.name.as_str()),
        _ => (PieceKind::Other, ""),
    }
}

/// Checks that the statements of a suite are those of its pieces, several on one line apart.
fn compare(text: &str, suite: &[Stmt], pieces: &[Piece]) {
    let mut at = 0;
    for piece in pieces {
        let inside = |stmt: &&Stmt| (parse::span(*stmt).start as usize) < piece.range.end;
        let count = suite[at..].iter().take_while(inside).count();
        let first = &suite[at];
        assert!(piece.range.contains(&(parse::span(first).start as usize)));
        let name = &text[piece.name.clone()];
        assert_eq!(definition(first), (piece.kind, name));
        assert!(
            count == 1 || text[piece.range.clone()].contains(';'),
            "{name}"
        );
        if let Stmt::ClassDef(class) = first {
            let members = outline::members(text, piece);
            if !members.is_empty() {
                compare(text, &class.body, &members);
            }
        }
        at += count;
    }
    assert_eq!(at, suite.len());
}

#[test]
fn pieces_are_the_statements_of_the_standard_library() {
    let texts = standard_library();
    let work = move || {
        let mut files = 0;
        let mut statements = 0;
        for text in texts {
            let pieces = outline::module(&text);
            let mut end = 0;
            for piece in &pieces {
                assert_eq!(piece.range.start, end);
                end = piece.range.end;
            }
            assert!(end == text.len() || pieces.is_empty());
            let Ok(suite) = guard::check(&text).and_then(|()| parse::suite(&text)) else {
                continue;
            };
            let mut found = Vec::new();
            for piece in &pieces {
                let part = parse::suite(&text[piece.range.clone()]).unwrap();
                found.extend(starts(&part, piece.range.start));
            }
            assert_eq!(found, starts(&suite, 0));
            compare(&text, &suite, &pieces);
            files += 1;
            statements += found.len();
        }
        println!("{files} files, {statements} statements");
    };
    let thread = std::thread::Builder::new().stack_size(STACK_SIZE);
    thread.spawn(work).unwrap().join().unwrap();
}
