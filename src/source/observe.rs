//! What an analysis saw of the file system.
//!
//! The result of an analysis is a function of its input and of the answers that the file system
//! gave it. These answers are recorded, so that a later run can tell whether it would get the same
//! ones ("verifying traces" in Mokhov, Mitchell, Peyton Jones: Build Systems à la Carte, ICFP
//! 2018).

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;

use rustc_hash::{FxHashMap, FxHashSet};
use serde::{Deserialize, Serialize};

use super::{SourceMap, trace};

/// What is at a path; links are followed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum At {
    /// Nothing, or something that cannot be examined.
    Nothing,
    /// A file.
    File,
    /// A folder.
    Folder,
    /// Something else.
    Other,
}

impl At {
    fn look(path: &Path) -> Self {
        match fs::metadata(path) {
            Err(_) => At::Nothing,
            Ok(data) if data.is_file() => At::File,
            Ok(data) if data.is_dir() => At::Folder,
            Ok(_) => At::Other,
        }
    }
}

/// The content of a file, as far as the analysis depends on it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Content {
    /// It was read.
    Text {
        /// Its path without links.
        real_path: PathBuf,
        /// The digest of its text.
        digest: String,
    },
    /// It could not be read, for this reason.
    Failed(String),
}

/// The answers that the file system gave.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct Observations {
    /// Paths that were looked up.
    looked: BTreeMap<PathBuf, At>,
    /// Files that were loaded.
    loaded: BTreeMap<PathBuf, Content>,
}

impl Observations {
    /// Whether all answers are the same now. This loads the loaded files again.
    #[must_use]
    pub fn hold(&self, sources: &SourceMap) -> bool {
        self.looked.iter().all(|(path, at)| At::look(path) == *at)
            && self
                .loaded
                .iter()
                .all(|(path, content)| content_of(sources, path) == *content)
    }
}

fn content_of(sources: &SourceMap, path: &Path) -> Content {
    match sources.load(path) {
        Ok(file) => Content::Text {
            real_path: file.real_path.clone(),
            digest: file.digest().to_owned(),
        },
        Err(error) => Content::Failed(error.to_string()),
    }
}

/// The digest of a text.
#[must_use]
pub fn digest(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

/// What is recorded during an analysis. Digests are computed at its end, and only for few files:
/// most loaded files are input.
#[derive(Default)]
pub(super) struct Notes {
    loaded: FxHashSet<PathBuf>,
}

/// What is at each path: within a run, the file system is asked once.
pub(super) type Looked = FxHashMap<PathBuf, At>;

impl SourceMap {
    /// Starts to record what [`SourceMap::at`] answers and [`SourceMap::load`] loads. Earlier
    /// answers are forgotten, so that they are recorded when they are asked for again.
    pub fn observe(&self) {
        self.forget_looked();
        *self.notes() = Some(Notes::default());
    }

    /// Ends the recording and returns it. A file whose real path is `known` is left out, if it was
    /// there under that path.
    #[must_use]
    pub fn observed(&self, known: impl Fn(&Path) -> bool) -> Observations {
        let Some(Notes { loaded }) = self.notes().take() else {
            return Observations::default();
        };
        let looked = self.forget_looked().into_iter();
        let looked = looked.filter(|(path, at)| *at != At::File || !known(path));
        let is_itself = |path: &Path| self.load(path).is_ok_and(|file| file.real_path == path);
        let loaded = loaded.into_iter();
        let loaded = loaded.filter(|path| !(known(path) && is_itself(path)));
        let content = |path: PathBuf| {
            let content = content_of(self, &path);
            (path, content)
        };
        Observations {
            looked: looked.collect(),
            loaded: loaded.map(content).collect(),
        }
    }

    /// What is at a path. The first answer holds until the run ends.
    #[must_use]
    pub fn at(&self, path: &Path) -> At {
        trace::note(|| trace::Read::At(path.to_path_buf()));
        let given = self.given.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = given.get(path) {
            return *at;
        }
        drop(given);
        let known = self.looked.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = known.get(path) {
            return *at;
        }
        drop(known);
        let at = At::look(path);
        let mut known = self.looked.write().unwrap_or_else(PoisonError::into_inner);
        // Another thread may have been faster: all get the same answer.
        *known.entry(path.to_path_buf()).or_insert(at)
    }

    fn forget_looked(&self) -> Looked {
        let mut known = self.looked.write().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *known)
    }

    /// A text was given for a file: it is there, and so are the folders around it, whatever is on the disk.
    pub(super) fn give(&self, path: &Path) {
        let mut given = self.given.write().unwrap_or_else(PoisonError::into_inner);
        given.insert(path.to_path_buf(), At::File);
        let around = path.ancestors().skip(1);
        for folder in around.take_while(|folder| At::look(folder) == At::Nothing) {
            given.insert(folder.to_path_buf(), At::Folder);
        }
    }

    /// Whether there is a file at a path.
    #[must_use]
    pub fn is_file(&self, path: &Path) -> bool {
        self.at(path) == At::File
    }

    /// Whether there is a folder at a path.
    #[must_use]
    pub fn is_folder(&self, path: &Path) -> bool {
        self.at(path) == At::Folder
    }

    pub(super) fn note_loaded(&self, path: &Path) {
        if let Some(notes) = &mut *self.notes()
            && !notes.loaded.contains(path)
        {
            notes.loaded.insert(path.to_path_buf());
        }
    }
}
