//! What has changed according to git, and the files as they were before.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::source::{Language, describe_io};

/// What has changed since a revision.
#[derive(Debug)]
pub struct Changes {
    /// The folder of the repository.
    top: PathBuf,
    /// The commit that the changes are compared with.
    base: String,
    /// Whether it is a commit that both histories have. If too little of them is there to tell, it is the revision
    /// itself: what others did since then counts as changed, too.
    pub is_common: bool,
    /// The real paths of the files that differ, and of untracked files.
    pub files: BTreeSet<PathBuf>,
    /// The paths of files that are no longer there.
    pub gone: BTreeSet<PathBuf>,
}

/// What has changed since the work on this branch began: since the last commit that it has in common with a
/// revision. `cwd` is a folder of the repository.
///
/// # Errors
/// The reason why git could not tell.
pub fn changed_since(revision: &str, cwd: &Path) -> Result<Changes, String> {
    if revision.starts_with('-') || revision.is_empty() {
        return Err(format!("unknown git revision `{revision}`"));
    }
    let top = git(cwd, &["rev-parse", "--show-toplevel"])?;
    let top = PathBuf::from(os_string(top.strip_suffix(b"\n").unwrap_or(&top)));
    let top = fs::canonicalize(&top).unwrap_or(top);
    let (base, is_common) = merge_base(&top, revision)?;
    let differing = ["diff", "--name-only", "--no-renames", "-z", &base, "--"];
    let unknown = ["ls-files", "--others", "--exclude-standard", "-z"];
    let (mut files, mut gone) = (BTreeSet::new(), BTreeSet::new());
    for arguments in [&differing[..], &unknown] {
        for name in names(&git(&top, arguments)?) {
            let path = top.join(name);
            match fs::canonicalize(&path) {
                Ok(real) => files.insert(real),
                Err(_) => gone.insert(path),
            };
        }
    }
    Ok(Changes {
        top,
        base,
        is_common,
        files,
        gone,
    })
}

/// The last commit that the current one and a revision have in common, and whether it is known. In a part of a
/// history it may not be: then it is the revision itself.
fn merge_base(top: &Path, revision: &str) -> Result<(String, bool), String> {
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).trim().to_owned();
    let commit = format!("{revision}^{{commit}}");
    let own = git(top, &["rev-parse", "--verify", "--quiet", &commit]);
    let own = own.map_err(|_| format!("git knows no commit `{revision}`"))?;
    if let Ok(found) = git(top, &["merge-base", revision, "HEAD"]) {
        return Ok((text(found), true));
    }
    let shallow = git(top, &["rev-parse", "--is-shallow-repository"]);
    match shallow.map(text).as_deref() {
        Ok("true") => Ok((text(own), false)),
        _ => Err(format!(
            "git finds no commit that `{revision}` and the current one have in common"
        )),
    }
}

impl Changes {
    /// The paths of all files that are other than they were.
    #[must_use]
    pub fn all(&self) -> BTreeSet<PathBuf> {
        self.files.union(&self.gone).cloned().collect()
    }

    /// The source files and the configuration files of the commit that the changes are compared with, written into
    /// a folder of their own.
    ///
    /// # Errors
    /// The reason why git, or the file system, could not do that.
    pub fn before(&self) -> Result<Before<'_>, String> {
        let io = |error| describe_io(&error);
        let mut builder = tempfile::Builder::new();
        let folder = builder.prefix("tallylint-").tempdir().map_err(io)?;
        let real = fs::canonicalize(folder.path()).map_err(io)?;
        let tree = real.join("tree");
        let index = real.join("index");
        let index = [("GIT_INDEX_FILE", index.as_os_str())];
        git_with(&self.top, &["read-tree", &self.base], (&index, &[]))?;
        let all = git_with(&self.top, &["ls-files", "-z"], (&index, &[]))?;
        let mut wanted: Vec<u8> = Vec::new();
        for name in all.split(|byte| *byte == 0) {
            if matters(Path::new(os_string(name))) {
                wanted.extend_from_slice(name);
                wanted.push(0);
            }
        }
        let mut prefix = tree.clone().into_os_string();
        prefix.push("/");
        let prefix = prefix.to_string_lossy();
        let prefix = format!("--prefix={prefix}");
        let arguments = ["checkout-index", "--force", "-z", "--stdin", &prefix];
        git_with(&self.top, &arguments, (&index, &wanted))?;
        fs::create_dir_all(&tree).map_err(io)?;
        Ok(Before {
            changes: self,
            tree,
            _folder: folder,
        })
    }
}

/// The files of a repository as they were. They are removed with this value.
pub struct Before<'c> {
    changes: &'c Changes,
    tree: PathBuf,
    _folder: TempDir,
}

impl Before<'_> {
    /// The path that a file or folder of the repository has here; `None` for a path outside of the repository.
    #[must_use]
    pub fn path_of(&self, path: &Path) -> Option<PathBuf> {
        let inside = path.strip_prefix(&self.changes.top).ok()?;
        Some(self.tree.join(inside))
    }
}

/// Whether a file may matter to a check: source code, or a configuration.
fn matters(path: &Path) -> bool {
    Language::of_walked(path).is_some() || is_configuration(path)
}

/// Whether a file of this name may say how code is checked.
#[must_use]
pub fn is_configuration(path: &Path) -> bool {
    path.extension()
        .is_some_and(|ending| ending.eq_ignore_ascii_case("toml"))
}

fn names(output: &[u8]) -> impl Iterator<Item = &OsStr> {
    let names = output.split(|byte| *byte == 0);
    names.filter(|name| !name.is_empty()).map(os_string)
}

fn git(folder: &Path, arguments: &[&str]) -> Result<Vec<u8>, String> {
    git_with(folder, arguments, (&[], &[]))
}

/// What git prints if it is given variables of its environment, and an input.
fn git_with(
    folder: &Path,
    arguments: &[&str],
    (environment, input): (&[(&str, &OsStr)], &[u8]),
) -> Result<Vec<u8>, String> {
    let cannot = |error| format!("cannot run git: {}", describe_io(&error));
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).args(arguments);
    command.envs(environment.iter().copied());
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::piped()).spawn().map_err(cannot)?;
    // A command that does not read its input closes the pipe.
    if let Some(mut stdin) = child.stdin.take() {
        let _ = stdin.write_all(input);
    }
    let output = child.wait_with_output().map_err(cannot)?;
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
fn os_string(bytes: &[u8]) -> &OsStr {
    OsStr::new(std::str::from_utf8(bytes).unwrap_or_default())
}
