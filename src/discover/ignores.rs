//! Which files git ignores.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ignore::gitignore::{Gitignore, GitignoreBuilder};

/// The ignore files that apply in one folder: its own and those of its parents.
#[derive(Clone)]
pub struct Ignores(Option<Arc<Level>>);

struct Level {
    outer: Option<Arc<Level>>,
    git: Gitignore,
    plain: Gitignore,
}

impl Ignores {
    /// The ignore files that apply around (not in) the real folder `root`: those from the root of
    /// its repository down, the repository's `info/exclude` and the user's global excludes.
    pub fn around(root: &Path) -> Self {
        let mut parents: Vec<PathBuf> = Vec::new();
        let mut repository = root.join(".git").exists().then(|| root.to_path_buf());
        let mut next = root.parent();
        while let (None, Some(parent)) = (&repository, next) {
            parents.push(parent.to_path_buf());
            if parent.join(".git").exists() {
                repository = Some(parent.to_path_buf());
            }
            next = parent.parent();
        }
        let mut ignores = Ignores(None);
        if let Some(repository) = repository {
            ignores = ignores.with(Gitignore::global().0, Gitignore::empty());
            let exclude = repository.join(".git/info/exclude");
            let mut builder = GitignoreBuilder::new(&repository);
            // As in git, a missing or partly invalid file ignores less.
            let _ = builder.add(exclude);
            if let Ok(matcher) = builder.build() {
                ignores = ignores.with(matcher, Gitignore::empty());
            }
        }
        for parent in parents.iter().rev() {
            ignores = ignores.enter(parent);
        }
        ignores
    }

    /// The ignore files that apply in `folder`, if those in `self` apply around it.
    pub fn enter(&self, folder: &Path) -> Self {
        let read = |name: &str| {
            let path = folder.join(name);
            if path.is_file() {
                Gitignore::new(path).0
            } else {
                Gitignore::empty()
            }
        };
        self.with(read(".gitignore"), read(".ignore"))
    }

    fn with(&self, git: Gitignore, plain: Gitignore) -> Self {
        if git.is_empty() && plain.is_empty() {
            return self.clone();
        }
        Ignores(Some(Arc::new(Level {
            outer: self.0.clone(),
            git,
            plain,
        })))
    }

    /// Whether a real path is ignored. The innermost file with a matching pattern decides;
    /// `.ignore` files take precedence over `.gitignore` files.
    pub fn matches(&self, real: &Path, is_dir: bool) -> bool {
        let kinds: [fn(&Level) -> &Gitignore; 2] = [|level| &level.plain, |level| &level.git];
        for kind in kinds {
            let mut level = self.0.as_deref();
            while let Some(current) = level {
                let matched = kind(current).matched(real, is_dir);
                if !matched.is_none() {
                    return matched.is_ignore();
                }
                level = current.outer.as_deref();
            }
        }
        false
    }
}
