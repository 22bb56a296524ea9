//! Which files a setting applies to.

use std::path::Path;

use ignore::gitignore::{Gitignore, GitignoreBuilder};

/// Patterns of a configuration, in the syntax of `.gitignore`. Each is relative to the folder of
/// the configuration file that contains it.
#[derive(Clone, Default, Debug)]
pub struct Patterns(Vec<Gitignore>);

impl Patterns {
    /// Adds patterns that are relative to `root`.
    ///
    /// # Errors
    /// The index of the first invalid pattern, and why it is invalid.
    pub fn add(&mut self, root: &Path, patterns: &[&str]) -> Result<(), (usize, String)> {
        if patterns.is_empty() {
            return Ok(());
        }
        let mut builder = GitignoreBuilder::new(root);
        // In `.gitignore` a class that is not closed stands for itself; here it is a mistake.
        builder.allow_unclosed_class(false);
        for (at, pattern) in patterns.iter().enumerate() {
            if pattern.trim().is_empty() || pattern.starts_with('#') {
                return Err((at, "it matches nothing".to_owned()));
            }
            builder
                .add_line(None, pattern)
                .map_err(|error| (at, error.to_string()))?;
        }
        let matcher = builder.build().map_err(|error| (0, error.to_string()))?;
        self.0.push(matcher);
        Ok(())
    }

    /// Whether the real path itself matches.
    #[must_use]
    pub fn matches(&self, real: &Path, is_dir: bool) -> bool {
        let mut patterns = self.0.iter();
        patterns.any(|p| real.starts_with(p.path()) && p.matched(real, is_dir).is_ignore())
    }

    /// Whether a real file, or a folder above it, matches.
    #[must_use]
    pub fn match_file(&self, real: &Path) -> bool {
        let mut patterns = self.0.iter();
        patterns.any(|p| {
            real.starts_with(p.path()) && p.matched_path_or_any_parents(real, false).is_ignore()
        })
    }
}

/// Which files are taken when a folder is walked.
#[derive(Clone, Default, Debug)]
pub struct FileFilter {
    /// Files and folders to leave out.
    pub exclude: Patterns,
    /// If set, only files that match are taken.
    pub include: Option<Patterns>,
}

impl FileFilter {
    /// Whether a walk leaves out this real path.
    #[must_use]
    pub fn leaves_out(&self, real: &Path, is_dir: bool) -> bool {
        let included = |include: &Patterns| include.match_file(real);
        self.exclude.matches(real, is_dir) || !is_dir && !self.include.as_ref().is_none_or(included)
    }
}
