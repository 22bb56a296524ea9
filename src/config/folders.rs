//! Folders that a configuration file names.

use crate::order::Order as _;

use std::fs;
use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};

/// The folders that a path below `root` names, sorted. In its parts `*` and `?` stand for what they stand for in a shell.
///
/// # Errors
/// When a part is no pattern.
pub(super) fn folders_matching(root: &Path, path: &str) -> Result<Vec<PathBuf>, String> {
    let mut found = vec![root.to_path_buf()];
    for part in path.split('/').filter(|part| !matches!(*part, "" | ".")) {
        let matcher = part
            .contains(['*', '?', '[', '{'])
            .then(|| glob(part))
            .transpose()?;
        let next = found.iter().flat_map(|folder| match &matcher {
            None => vec![folder.join(part)],
            Some(matcher) => entries(folder, matcher),
        });
        found = next.filter(|folder| folder.is_dir()).collect();
    }
    found.order();
    Ok(found)
}

fn glob(part: &str) -> Result<GlobMatcher, String> {
    if part == "**" {
        return Err("`**` would look everywhere".to_owned());
    }
    let glob = GlobBuilder::new(part).literal_separator(true).build();
    glob.map(|glob| glob.compile_matcher())
        .map_err(|error| error.kind().to_string())
}

/// What is in a folder under a name that matches; nothing hidden.
fn entries(folder: &Path, matcher: &GlobMatcher) -> Vec<PathBuf> {
    let names = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.file_name());
    let seen =
        names.filter(|name| !name.as_encoded_bytes().starts_with(b".") && matcher.is_match(name));
    seen.map(|name| folder.join(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_matched_one_by_one() {
        let root = tempfile::tempdir().unwrap();
        for folder in [
            "libs/a/src",
            "libs/b/src",
            "libs/c",
            "libs/.hidden/src",
            "jobs",
        ] {
            fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        fs::write(root.path().join("libs/file"), "").unwrap();
        let found = |path: &str| -> Vec<String> {
            let found = folders_matching(root.path(), path).unwrap();
            let names = found.iter().map(|path| {
                path.strip_prefix(root.path())
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_owned()
            });
            names.collect()
        };
        assert_eq!(found("jobs"), ["jobs"]);
        assert_eq!(found("./jobs/"), ["jobs"]);
        assert_eq!(found("libs/*/src"), ["libs/a/src", "libs/b/src"]);
        assert_eq!(found("libs/*"), ["libs/a", "libs/b", "libs/c"]);
        assert_eq!(found("nowhere/*"), [""; 0]);
        assert_eq!(found("libs/file"), [""; 0]);
        for wrong in ["libs/**/src", "libs/[a", "libs/{a"] {
            assert!(folders_matching(root.path(), wrong).is_err(), "{wrong}");
        }
    }
}
