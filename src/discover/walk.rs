//! The walk over one folder.
//!
//! `walkdir` walks the real tree without following links. Links are examined afterwards. So a file
//! gets its real path as its name whenever that is part of the walk, and a link does not make a
//! folder be walked twice.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use walkdir::WalkDir;

use super::ignores::Ignores;
use super::{SkipReason, Skipped, skip};
use crate::config::{ConfigError, Configuration};
use crate::settings::{Settings, Unparsable};
use crate::source::{Foreign, Language, Unreadable, describe_io};

/// What one walk found.
#[derive(Default)]
pub struct Walked {
    /// The source files.
    pub files: Vec<WalkedFile>,
    /// What was left out.
    pub skipped: Vec<Skipped>,
    /// What could not be read, and why.
    pub failures: Vec<(PathBuf, String)>,
}

/// A source file of a walk.
pub struct WalkedFile {
    /// The path after resolving links.
    pub real: PathBuf,
    /// The path by which it was reached.
    pub path: PathBuf,
    /// Whether the path goes through a link.
    pub through_link: bool,
}

struct Link {
    path: PathBuf,
    /// The real path of the link itself.
    at: PathBuf,
}

/// The rules that apply in a folder.
struct Rules {
    ignores: Ignores,
    settings: Arc<Settings>,
}

impl Rules {
    /// Why an entry of the folder is left out, if it is.
    fn leave_out(&self, real: &Path, is_dir: bool) -> Option<SkipReason> {
        if self.settings.scope.leaves_out(real, is_dir) {
            Some(SkipReason::Excluded)
        } else if self.ignores.matches(real, is_dir) {
            Some(SkipReason::Ignored)
        } else {
            let name = real.file_name().and_then(|name| name.to_str());
            let is_template = name.is_some_and(Foreign::is_placeholder);
            let unparsable = self.settings.unparsable;
            (is_template && unparsable != Unparsable::Error)
                .then_some(SkipReason::Placeholder(unparsable))
        }
    }
}

struct Root {
    path: PathBuf,
    real: PathBuf,
    through_link: bool,
}

struct Walk<'a> {
    configuration: &'a Configuration,
    out: Walked,
    visited: BTreeSet<PathBuf>,
    links: VecDeque<Link>,
}

/// Walks the folder `path`, whose real path is `real`.
///
/// # Errors
/// If a configuration file in a folder of the walk, or above it, is invalid.
pub fn walk(
    path: &Path,
    real: &Path,
    configuration: &Configuration,
) -> Result<Walked, ConfigError> {
    let mut walk = Walk {
        configuration,
        out: Walked::default(),
        visited: BTreeSet::new(),
        links: VecDeque::new(),
    };
    walk.tree(&Root {
        path: path.to_path_buf(),
        real: real.to_path_buf(),
        through_link: false,
    })?;
    while let Some(link) = walk.links.pop_front() {
        walk.link(link)?;
    }
    Ok(walk.out)
}

impl Walk<'_> {
    fn tree(&mut self, root: &Root) -> Result<(), ConfigError> {
        if !self.visited.insert(root.real.clone()) {
            return Ok(());
        }
        // The rules by real folder; the walk fills them top-down.
        let mut rules: HashMap<PathBuf, Rules> = HashMap::new();
        rules.insert(
            root.real.clone(),
            Rules {
                ignores: Ignores::around(&root.real).enter(&root.real),
                settings: self.configuration.of_folder(&root.real)?,
            },
        );
        let mut entries = WalkDir::new(&root.real)
            .follow_links(false)
            .follow_root_links(false)
            .sort_by_file_name()
            .min_depth(1)
            .into_iter();
        while let Some(entry) = entries.next() {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    let at = error.path().unwrap_or(&root.real);
                    let reason = error
                        .io_error()
                        .map_or_else(|| error.to_string(), describe_io);
                    self.out.failures.push((shown(root, at), reason));
                    continue;
                }
            };
            let real = entry.path();
            let kind = entry.file_type();
            let path = shown(root, real);
            let Some(around) = real.parent().and_then(|parent| rules.get(parent)) else {
                continue;
            };
            if kind.is_symlink() {
                if let Some(reason) = around.leave_out(real, false) {
                    self.skip_if_source(path, reason);
                } else {
                    self.links.push_back(Link {
                        path,
                        at: real.to_path_buf(),
                    });
                }
            } else if kind.is_dir() {
                let reason = if skip::is_skipped(real) {
                    Some(SkipReason::Builtin)
                } else {
                    around.leave_out(real, true)
                };
                if let Some(reason) = reason {
                    self.out.skipped.push(Skipped { path, reason });
                    entries.skip_current_dir();
                } else if self.visited.insert(real.to_path_buf()) {
                    let inside = Rules {
                        ignores: around.ignores.enter(real),
                        settings: self.configuration.of_folder(real)?,
                    };
                    rules.insert(real.to_path_buf(), inside);
                } else {
                    entries.skip_current_dir();
                }
            } else if kind.is_file() {
                let reason = around.leave_out(real, false);
                self.file(root, real, reason);
            }
        }
        Ok(())
    }

    /// Takes a file of a tree, unless there is a reason to leave it out.
    fn file(&mut self, root: &Root, real: &Path, reason: Option<SkipReason>) {
        let unreadable = Unreadable::of(real).map(SkipReason::Unreadable);
        if unreadable.is_none() && Language::of_walked(real).is_none() {
            return;
        }
        let path = shown(root, real);
        match reason.or(unreadable) {
            Some(reason) => self.out.skipped.push(Skipped { path, reason }),
            None => self.out.files.push(WalkedFile {
                real: real.to_path_buf(),
                path,
                through_link: root.through_link,
            }),
        }
    }

    fn link(&mut self, link: Link) -> Result<(), ConfigError> {
        let Ok(target) = fs::canonicalize(&link.at) else {
            self.skip_if_source(link.path, SkipReason::BrokenLink);
            return Ok(());
        };
        let folder = link.at.parent().unwrap_or(&link.at);
        let scope = &self.configuration.of_folder(folder)?.scope;
        if target.is_dir() {
            if link.at.starts_with(&target) {
                self.out.skipped.push(Skipped {
                    path: link.path,
                    reason: SkipReason::LinkLoop,
                });
            } else if skip::is_skipped(&link.at) || skip::is_skipped(&target) {
                self.out.skipped.push(Skipped {
                    path: link.path,
                    reason: SkipReason::Builtin,
                });
            } else if scope.leaves_out(&link.at, true) {
                self.out.skipped.push(Skipped {
                    path: link.path,
                    reason: SkipReason::Excluded,
                });
            } else {
                self.tree(&Root {
                    path: link.path,
                    real: target,
                    through_link: true,
                })?;
            }
        } else if target.is_file() && Language::of_walked(&link.path).is_some() {
            self.out.files.push(WalkedFile {
                real: target,
                path: link.path,
                through_link: true,
            });
        }
        Ok(())
    }

    /// Records a link that is left out if its name is that of a source file.
    fn skip_if_source(&mut self, path: PathBuf, reason: SkipReason) {
        if Language::of_walked(&path).is_some() {
            self.out.skipped.push(Skipped { path, reason });
        }
    }
}

/// The displayed path of a real path below a root.
fn shown(root: &Root, real: &Path) -> PathBuf {
    match real.strip_prefix(&root.real) {
        Ok(rest) => root.path.join(rest),
        Err(_) => real.to_path_buf(),
    }
}
