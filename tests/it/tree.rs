//! What a question about one file of a large tree costs: `scripts/make_tree.py` makes the tree.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::{Project, python_is_there};

const FILES: usize = 2_500;
/// How many processors are asked about, spread over the tree.
const ASKED: usize = 8;
/// Fewer files than that are read for each.
const READ: u64 = 20;

fn python_files(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            python_files(&path, out);
        } else if path.extension().is_some_and(|e| e == "py") {
            out.push(path);
        }
    }
}

/// The counter of that name in what `--statistics=engine` prints.
fn counter(text: &str, name: &str) -> u64 {
    let line = text.lines().find(|line| line.trim().ends_with(name));
    let line = line.unwrap_or_else(|| panic!("no {name} in {text}"));
    line.split_whitespace().next().unwrap().parse().unwrap()
}

#[test]
fn one_file_of_a_large_tree_needs_few_others() {
    if !python_is_there() {
        return;
    }
    let project = Project::new(&[]);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/make_tree.py");
    let made = Command::new("python3")
        .arg(script)
        .arg(project.path("tree"))
        .args(["--files", &FILES.to_string()])
        .status()
        .unwrap();
    assert!(made.success());
    let mut files = Vec::new();
    python_files(&project.path("tree"), &mut files);
    assert_eq!(files.len(), FILES);
    let mut processors: Vec<String> = files
        .into_iter()
        .map(|path| path.to_str().unwrap().to_owned())
        .filter(|path| path.ends_with("_processor.py"))
        .collect();
    processors.sort();
    for path in processors.iter().step_by(processors.len() / ASKED) {
        let ran = project.run(&["check", path, "--statistics=engine"]);
        assert!(ran.code < 2, "{path}: {}", ran.stderr);
        let read = counter(&ran.stderr, "files read");
        assert!(read < READ, "{path}: {read} files were read");
        // Its base, and the base of that: what the answer rests on was not left out.
        assert!(read > 4, "{path}: only {read} files were read");
        assert_eq!(counter(&ran.stderr, "methods checked"), 1, "{path}");
    }
}
