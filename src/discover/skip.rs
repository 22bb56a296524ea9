//! Folders that never hold first-party code.

use std::path::Path;

use crate::source::Language;

/// Left out at any depth below the folder that was asked for.
const ALWAYS: &[&str] = &[
    ".bzr",
    ".direnv",
    ".eggs",
    ".git",
    ".hg",
    ".ipynb_checkpoints",
    ".mypy_cache",
    ".nox",
    ".pyenv",
    ".pytest_cache",
    ".ruff_cache",
    ".svn",
    ".tox",
    ".venv",
    "__pycache__",
    "__pypackages__",
    "node_modules",
    "site-packages",
];

/// Names of build output that are plausible names of a package, too. They are left out unless they
/// contain source files directly (`etl/target/loader.py` is code, `target/debug` is not).
const UNLESS_SOURCE_INSIDE: &[&str] = &["_build", "build", "dist", "target", "venv"];

/// Whether a walk leaves out this folder. `path` must be readable as given.
pub fn is_skipped(path: &Path) -> bool {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
        return false;
    };
    if ALWAYS.contains(&name) || path.join("pyvenv.cfg").is_file() {
        return true;
    }
    UNLESS_SOURCE_INSIDE.contains(&name) && !has_source(path)
}

fn has_source(path: &Path) -> bool {
    path.read_dir().is_ok_and(|entries| {
        entries
            .flatten()
            .any(|entry| Language::of_walked(&entry.path()).is_some())
    })
}
