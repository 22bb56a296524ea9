//! The Python projects of a repository, as places in which imports are looked for.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::in_toml;
use crate::driver::Suggested;
use crate::order::Order as _;

/// What only the top folder of a Python project has.
const MARKERS: [&str; 3] = ["pyproject.toml", "setup.py", "setup.cfg"];
/// So many projects side by side are told by a pattern.
const MANY: usize = 3;

/// Where the code of each project below a folder is, relative to it, if there are several.
pub(super) fn of(found: &Suggested, folder: &Path) -> Vec<String> {
    let mut seen: BTreeSet<PathBuf> = BTreeSet::new();
    let mut tops: BTreeSet<PathBuf> = BTreeSet::new();
    for file in &found.files {
        let around = file.real_path.ancestors().skip(1);
        for at in around.take_while(|at| at.starts_with(folder)) {
            if !seen.insert(at.to_path_buf()) {
                break;
            }
            if MARKERS.iter().any(|marker| at.join(marker).is_file()) {
                tops.insert(at.to_path_buf());
            }
        }
    }
    // What the folder itself has is found anyway.
    tops.remove(folder);
    if tops.len() < 2 {
        return Vec::new();
    }
    let roots = tops.iter().map(|top| {
        if top.join("src").is_dir() {
            top.join("src")
        } else {
            top.clone()
        }
    });
    let names = roots.filter_map(|root| {
        let parts = root.strip_prefix(folder).ok()?.iter();
        parts
            .map(|part| Some(part.to_str()?.to_owned()))
            .collect::<Option<Vec<String>>>()
    });
    joined(&names.collect::<Vec<_>>())
}

/// Paths by their parts; many that differ in one part only, the last or the one before `src`, as a pattern.
fn joined(paths: &[Vec<String>]) -> Vec<String> {
    /// The parts of a path.
    type Parts = Vec<String>;
    // By what stands before and behind the part in which they differ.
    let mut alike: BTreeMap<(Parts, Parts), Vec<&Parts>> = BTreeMap::new();
    for path in paths {
        let end = path.len()
            - usize::from(path.len() > 1 && path.last().is_some_and(|last| last == "src"));
        let key = (path[..end - 1].to_vec(), path[end..].to_vec());
        alike.entry(key).or_default().push(path);
    }
    let mut out = Vec::new();
    for ((before, after), group) in alike {
        if group.len() >= MANY {
            out.push([before, vec!["*".to_owned()], after].concat().join("/"));
        } else {
            out.extend(group.into_iter().map(|path| path.join("/")));
        }
    }
    out.order();
    out
}

/// The setting for them, or an example if there are none.
pub(super) fn setting(projects: &[String]) -> String {
    let list: Vec<String> = projects.iter().map(|path| in_toml(path)).collect();
    match list.is_empty() {
        true => "#src = [\"libs/*/src\"]".to_owned(),
        false => format!("src = [{}]", list.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_projects_side_by_side_are_one_pattern() {
        let paths = |texts: &[&str]| {
            let parts = texts
                .iter()
                .map(|text| text.split('/').map(str::to_owned).collect());
            joined(&parts.collect::<Vec<Vec<String>>>())
        };
        assert_eq!(paths(&["a", "b"]), ["a", "b"]);
        assert_eq!(
            paths(&["libs/a/src", "libs/b/src", "libs/c/src", "libs/d"]),
            ["libs/*/src", "libs/d"]
        );
        assert_eq!(paths(&["x", "y", "z"]), ["*"]);
        assert_eq!(paths(&["src", "x/src"]), ["src", "x/src"]);
    }
}
