//! The languages that can be analysed, and how a file name tells which.

use std::path::Path;

/// A language with a front end.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Language {
    /// Python source.
    Python,
    /// Rust source.
    Rust,
}

/// File extensions that a walk over a folder picks up. Stub files (`.pyi`) have no bodies, so
/// they are not among them.
const EXTENSIONS: &[(&str, Language)] = &[("py", Language::Python), ("rs", Language::Rust)];

impl Language {
    /// The language of a file found by walking a folder; `None` for files that are not analysed.
    #[must_use]
    pub fn of_walked(path: &Path) -> Option<Language> {
        let extension = path.extension()?.to_str()?;
        EXTENSIONS
            .iter()
            .find(|(known, _)| *known == extension)
            .map(|&(_, language)| language)
    }

    /// The statement that raises the exception of a handler again, where there are such.
    #[must_use]
    pub fn raise_again(self) -> Option<&'static str> {
        match self {
            Language::Python => Some("raise"),
            Language::Rust => None,
        }
    }

    /// The language of a file that was named by the user, which is analysed whatever its name.
    #[must_use]
    pub fn of_named(path: &Path) -> Language {
        Self::of_walked(path).unwrap_or(Language::Python)
    }
}
