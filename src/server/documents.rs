//! The documents that are open.

use std::collections::BTreeMap;
use std::path::PathBuf;

use lsp_types::{TextDocumentContentChangeEvent, Uri};

use super::text::{EditedText, Encoding};
use super::uri;
use super::view::Names;
use crate::driver::Overlay;
use crate::source::Language;

/// An open document.
#[derive(Debug)]
pub(super) struct Document {
    /// As the editor writes it.
    pub uri: Uri,
    /// As the URI says it.
    pub path: PathBuf,
    /// Without links.
    pub real_path: PathBuf,
    /// The version that the editor gives it.
    pub version: i32,
    /// No other text, of this document or another, has this number.
    pub stamp: u64,
    pub text: EditedText,
}

/// The open documents by their URIs. Those that no file can have the name of are left out.
#[derive(Default, Debug)]
pub(super) struct Documents {
    open: BTreeMap<String, Document>,
    stamps: u64,
}

/// What a change came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Change {
    /// It was made.
    Made,
    /// It was made as well as it could: it did not fit the text.
    Misfit,
    /// The document is not open.
    Unknown,
}

impl Documents {
    /// Opens a document. Returns whether it can be analysed.
    pub fn open(&mut self, uri: &Uri, version: i32, text: String) -> bool {
        let Some(path) = uri::to_path(uri) else {
            return false;
        };
        self.stamps += 1;
        let document = Document {
            uri: uri.clone(),
            real_path: real_path(&path),
            path,
            version,
            stamp: self.stamps,
            text: EditedText::new(text),
        };
        let is_source = document.is_source();
        self.open.insert(uri.as_str().to_owned(), document);
        is_source
    }

    /// Applies changes, one after the other.
    pub fn change(
        &mut self,
        uri: &Uri,
        version: i32,
        changes: Vec<TextDocumentContentChangeEvent>,
        encoding: Encoding,
    ) -> Change {
        let Some(document) = self.open.get_mut(uri.as_str()) else {
            return Change::Unknown;
        };
        let mut fits = true;
        for change in changes {
            fits &= document.text.apply(change, encoding);
        }
        self.stamps += 1;
        document.stamp = self.stamps;
        document.version = version;
        match fits {
            true => Change::Made,
            false => Change::Misfit,
        }
    }

    pub fn close(&mut self, uri: &Uri) -> Option<Document> {
        self.open.remove(uri.as_str())
    }

    pub fn get(&self, uri: &Uri) -> Option<&Document> {
        self.open.get(uri.as_str())
    }

    /// Those that can be analysed.
    pub fn sources(&self) -> impl Iterator<Item = &Document> {
        self.open.values().filter(|document| document.is_source())
    }

    /// Their texts, by real paths.
    pub fn overlay(&self) -> Overlay {
        let texts = self.sources().map(|document| {
            let text = document.text.text();
            let text = text.strip_prefix('\u{feff}').unwrap_or(text);
            (document.real_path.clone(), text.to_owned())
        });
        texts.collect()
    }

    pub fn names(&self) -> Names {
        let open = self.open.values();
        Names::new(open.map(|document| (document.real_path.clone(), document.uri.clone())))
    }
}

impl Document {
    /// Whether it can be analysed.
    pub fn is_source(&self) -> bool {
        Language::of_walked(&self.path).is_some()
    }
}

/// The path without links, as far as there is something.
pub(super) fn real_path(path: &std::path::Path) -> PathBuf {
    let mut rest = Vec::new();
    for folder in path.ancestors() {
        if let Ok(real) = std::fs::canonicalize(folder) {
            return rest.iter().rev().fold(real, |real, name| real.join(name));
        }
        let Some(name) = folder.file_name() else {
            break;
        };
        rest.push(name);
    }
    path.to_path_buf()
}
