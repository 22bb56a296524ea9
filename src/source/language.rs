//! The languages that can be analysed, and their file names.

use std::path::Path;

/// A language with a front end.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Language {
    /// Python source.
    Python,
    /// Rust source.
    Rust,
}

/// File extensions that a walk over a folder takes.
const EXTENSIONS: &[(&str, Language)] = &[("py", Language::Python), ("rs", Language::Rust)];

/// A kind of file that contains a known language, but nothing that can be analysed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unreadable {
    /// A stub file: its functions have no bodies.
    Stub,
    /// A notebook: JSON that contains code.
    Notebook,
}

impl Unreadable {
    /// The kind of a file, by its name.
    #[must_use]
    pub fn of(path: &Path) -> Option<Unreadable> {
        match path.extension()?.to_str()? {
            "pyi" => Some(Unreadable::Stub),
            "ipynb" => Some(Unreadable::Notebook),
            _ => None,
        }
    }
}

impl Language {
    /// The language of a file found in a folder; `None` if it is not analysed.
    #[must_use]
    pub fn of_walked(path: &Path) -> Option<Language> {
        let extension = path.extension()?.to_str()?;
        EXTENSIONS
            .iter()
            .find(|(known, _)| *known == extension)
            .map(|&(_, language)| language)
    }

    /// The statement that raises the caught exception again, if the language has one.
    #[must_use]
    pub fn raise_again(self) -> Option<&'static str> {
        match self {
            Language::Python => Some("raise"),
            Language::Rust => None,
        }
    }

    /// The language of a file that the user named, which is analysed whatever its extension.
    #[must_use]
    pub fn of_named(path: &Path) -> Language {
        Self::of_walked(path).unwrap_or(Language::Python)
    }
}
