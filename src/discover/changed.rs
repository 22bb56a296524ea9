//! Which files changed according to git.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::source::describe_io;

/// The real paths of the files that differ from a revision, and of untracked files. `cwd` is a
/// folder of the repository.
///
/// # Errors
/// The reason why git could not tell.
pub fn changed_since(revision: &str, cwd: &Path) -> Result<BTreeSet<PathBuf>, String> {
    if revision.starts_with('-') || revision.is_empty() {
        return Err(format!("unknown git revision `{revision}`"));
    }
    let top = git(cwd, &["rev-parse", "--show-toplevel"])?;
    let top = PathBuf::from(os_string(top.strip_suffix(b"\n").unwrap_or(&top)));
    let differing = ["diff", "--name-only", "--no-renames", "-z", revision, "--"];
    let unknown = ["ls-files", "--others", "--exclude-standard", "-z"];
    let mut out = BTreeSet::new();
    for arguments in [&differing[..], &unknown] {
        let names = git(&top, arguments)?;
        for name in names
            .split(|byte| *byte == 0)
            .filter(|name| !name.is_empty())
        {
            // A deleted file has no real path.
            out.extend(fs::canonicalize(top.join(os_string(name))).ok());
        }
    }
    Ok(out)
}

fn git(folder: &Path, arguments: &[&str]) -> Result<Vec<u8>, String> {
    let output = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(arguments)
        .output()
        .map_err(|error| format!("cannot run git: {}", describe_io(&error)))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let text = String::from_utf8_lossy(&output.stderr);
    let reason = text.lines().find(|line| !line.trim().is_empty());
    let reason = reason.unwrap_or("no reason given");
    let reason = reason
        .trim_start_matches("fatal: ")
        .trim_start_matches("error: ");
    Err(format!("git {}: {reason}", arguments[0]))
}

#[cfg(unix)]
fn os_string(bytes: &[u8]) -> &OsStr {
    use std::os::unix::ffi::OsStrExt;
    OsStr::from_bytes(bytes)
}

#[cfg(not(unix))]
fn os_string(bytes: &[u8]) -> std::ffi::OsString {
    String::from_utf8_lossy(bytes).into_owned().into()
}
