//! Discovery: the paths of a command line become a sorted list of source files.
//!
//! This module owns what is read, what is left out and why. Folders are walked. What git ignores,
//! what the configuration excludes and folders that never hold first-party code (`skip`) are left
//! out. A file that is named explicitly is always taken, unless `--force-exclude` says otherwise or
//! it is a stub or a notebook.
//! Links are followed, but every real folder is walked once and every real file is taken once, so
//! link loops end and copies do not count twice.

mod changed;
mod ignores;
mod shard;
mod skip;
mod walk;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use crate::config::{ConfigError, Configuration};
use crate::diagnostics::FileFailure;
use crate::order::Order as _;
use crate::program::marks_project;
use crate::settings::Unparsable;
use crate::source::{Foreign, Language, SourceMap, Unreadable, describe_io};

pub use changed::{Before, Changes, changed_since, is_configuration};
pub use shard::Shard;

/// The root of the repository that contains a real folder.
#[must_use]
pub fn repository(folder: &Path) -> Option<&Path> {
    folder
        .ancestors()
        .find(|around| around.join(".git").exists())
}

/// Whether a run may depend on a file or folder that was changed, judged by its name. `content`: nothing but the content
/// of a file was changed.
#[must_use]
pub fn may_matter(path: &Path, content: bool) -> bool {
    /// What tells a walk what to leave out.
    const IGNORES: &[&str] = &[".gitignore", ".ignore"];
    let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
    // Folders seldom have extensions.
    let may_be_folder = || path.extension().is_none() && !content;
    Language::of_walked(path).is_some()
        || path
            .extension()
            .is_some_and(|extension| extension == "toml")
        || IGNORES.contains(&name)
        || marks_project(name)
        || may_be_folder()
}

/// What discovery found.
#[derive(Clone, Default, Debug)]
pub struct Discovered {
    /// The files to analyse, sorted by the displayed path.
    pub files: Vec<PathBuf>,
    /// Paths that could not be examined.
    pub failures: Vec<FileFailure>,
    /// Files and folders that were left out of a walk.
    pub skipped: Vec<Skipped>,
    /// The folders that were walked, by their real paths.
    pub folders: Vec<PathBuf>,
}

impl Discovered {
    /// What the run was asked to analyse.
    #[must_use]
    pub fn coverage(&self, sources: &SourceMap) -> Coverage {
        let real = |skipped: &Skipped| fs::canonicalize(sources.cwd().join(&skipped.path)).ok();
        Coverage {
            folders: self.folders.clone(),
            left_out: self.skipped.iter().filter_map(real).collect(),
        }
    }

    /// How many files and folders were left out. Folders that never hold first-party code do not
    /// count, because every repository has some.
    #[must_use]
    pub fn skipped_count(&self) -> usize {
        let counts = |skipped: &&Skipped| skipped.reason != SkipReason::Builtin;
        self.skipped.iter().filter(counts).count()
    }
}

/// What a run was asked to analyse. Anything else is examined only if something leads there.
#[derive(Clone, Default, Debug)]
pub struct Coverage {
    /// The folders that were walked, by their real paths.
    pub folders: Vec<PathBuf>,
    /// What the walks left out, by real path.
    pub left_out: Vec<PathBuf>,
}

impl Coverage {
    /// Whether a walk found the path, so that it was not named itself.
    #[must_use]
    pub fn walked(&self, path: &Path) -> bool {
        self.folders.iter().any(|folder| path.starts_with(folder))
    }

    /// Whether every source file at or below the path is among the files.
    #[must_use]
    pub fn covers(&self, path: &Path) -> bool {
        self.walked(path)
            && !self
                .left_out
                .iter()
                .any(|out| out.starts_with(path) || path.starts_with(out))
    }
}

/// A file or folder that a walk left out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Skipped {
    /// The file or folder.
    pub path: PathBuf,
    /// Why it was left out.
    pub reason: SkipReason,
}

/// Why a walk left something out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SkipReason {
    /// `.gitignore`, `.ignore` or git's own exclude files exclude it.
    Ignored,
    /// The configuration excludes it.
    Excluded,
    /// It is a folder that never holds first-party code.
    Builtin,
    /// It is a link to nothing.
    BrokenLink,
    /// It is a link to a folder that contains the link.
    LinkLoop,
    /// Its kind of file cannot be analysed, even if it is named explicitly.
    Unreadable(Unreadable),
    /// Its name has a placeholder: it is part of a template. With `Warn`, people are told.
    Placeholder(Unparsable),
    /// It does not parse, because it is no code of today's language. With `Warn`, people are told.
    Foreign(Foreign, Unparsable),
}

impl SkipReason {
    /// Whether people are told without asking.
    #[must_use]
    pub fn is_told(self) -> bool {
        matches!(
            self,
            SkipReason::Placeholder(Unparsable::Warn) | SkipReason::Foreign(_, Unparsable::Warn)
        )
    }

    /// The reason in words.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            SkipReason::Ignored => "ignored by git",
            SkipReason::Excluded => "excluded by the configuration",
            SkipReason::Builtin => "never holds first-party code",
            SkipReason::BrokenLink => "broken link",
            SkipReason::LinkLoop => "link to a folder around it",
            SkipReason::Unreadable(Unreadable::Stub) => "stub files have no code to follow",
            SkipReason::Unreadable(Unreadable::Notebook) => "notebooks are not read",
            SkipReason::Placeholder(_) => "part of a template",
            SkipReason::Foreign(Foreign::Template, _) => {
                "a template; only what parses as code was checked"
            }
            SkipReason::Foreign(Foreign::OldPython, _) => {
                "Python 2; only what parses as Python 3 was checked"
            }
        }
    }
}

/// One path to a real file; the smallest one becomes the file's name.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Name {
    walked: bool,
    through_link: bool,
    display: String,
    path: PathBuf,
}

/// Finds the source files under `paths`. Relative paths are relative to the map's working
/// directory.
///
/// # Errors
/// If a configuration file that applies is invalid.
pub fn discover(
    paths: &[PathBuf],
    configuration: &Configuration,
    sources: &SourceMap,
) -> Result<Discovered, ConfigError> {
    let mut found = Discovered::default();
    let mut names: BTreeMap<PathBuf, Name> = BTreeMap::new();
    let mut add = |real: PathBuf, path: PathBuf, walked: bool, through_link: bool| {
        let name = Name {
            walked,
            through_link,
            display: sources.display_file(&path, &real),
            path,
        };
        match names.entry(real) {
            std::collections::btree_map::Entry::Vacant(entry) => {
                entry.insert(name);
            }
            std::collections::btree_map::Entry::Occupied(mut entry) => {
                if name < *entry.get() {
                    entry.insert(name);
                }
            }
        }
    };
    for path in paths {
        match locate(path, sources.cwd()) {
            Err(reason) => {
                found
                    .failures
                    .push(FileFailure::input(sources.display(path), None, reason))
            }
            Ok(Located::File(real)) if is_forced_out(&real, configuration)? => {
                found.skipped.push(Skipped {
                    path: path.clone(),
                    reason: SkipReason::Excluded,
                });
            }
            Ok(Located::File(real)) => match Unreadable::of(path) {
                Some(kind) => found.skipped.push(Skipped {
                    path: path.clone(),
                    reason: SkipReason::Unreadable(kind),
                }),
                None => add(real, path.clone(), false, false),
            },
            Ok(Located::Folder(real)) => {
                let walked = walk::walk(path, &real, configuration)?;
                found.folders.push(real);
                for file in walked.files {
                    add(file.real, file.path, true, file.through_link);
                }
                found.skipped.extend(walked.skipped);
                found
                    .failures
                    .extend(walked.failures.into_iter().map(|(path, reason)| {
                        FileFailure::input(sources.display(&path), None, reason)
                    }));
            }
        }
    }
    let mut chosen: Vec<Name> = names.into_values().collect();
    chosen.order_by(|a, b| (&a.display, &a.path).cmp(&(&b.display, &b.path)));
    found.files = chosen.into_iter().map(|name| name.path).collect();
    found.skipped.order_by(|a, b| a.path.cmp(&b.path));
    found.skipped.dedup();
    found.failures.order();
    found.failures.dedup();
    Ok(found)
}

/// Whether a file, given by its real path, is left out although it was named explicitly: the
/// configuration excludes it or a folder around it, and the command line demands that this counts.
///
/// # Errors
/// If a configuration file that applies is invalid.
pub fn is_forced_out(real: &Path, configuration: &Configuration) -> Result<bool, ConfigError> {
    if !configuration.overrides().force_exclude {
        return Ok(false);
    }
    // Judge the file as a walk of the whole repository would.
    let root = repository(real);
    let folders = real.ancestors().skip(1);
    for (at, (inner, folder)) in real.ancestors().zip(folders).enumerate() {
        if at > 0 && Some(inner) == root {
            break;
        }
        let scope = &configuration.of_folder(folder)?.scope;
        if scope.leaves_out(inner, at > 0) {
            return Ok(true);
        }
    }
    Ok(false)
}

enum Located {
    File(PathBuf),
    Folder(PathBuf),
}

fn locate(path: &Path, cwd: &Path) -> Result<Located, String> {
    let absolute = cwd.join(path);
    let real = fs::canonicalize(&absolute).map_err(|error| {
        if error.kind() == std::io::ErrorKind::NotFound
            && fs::symlink_metadata(&absolute).is_ok_and(|found| found.is_symlink())
        {
            "broken link".to_owned()
        } else {
            describe_io(&error)
        }
    })?;
    match fs::metadata(&real) {
        Ok(metadata) if metadata.is_dir() => Ok(Located::Folder(real)),
        Ok(_) => Ok(Located::File(real)),
        Err(error) => Err(describe_io(&error)),
    }
}

#[cfg(test)]
mod tests;
