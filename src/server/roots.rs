//! What is analysed together: each folder that is open, and each document that is in none of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use lsp_types::Uri;

use super::client::Options;
use super::diagnostics::OfFile;
use super::documents::{Documents, real_path};
use super::uri;
use super::view::Analysed;
use super::worker::{Job, JobKind, Workspace};
use crate::busy::Busy;
use crate::clock::Watch;
use crate::source::Disk;

/// A folder that is open, or a document outside of all of them.
pub(super) struct Root {
    /// No other root has or had it.
    pub id: u64,
    pub uri: Uri,
    path: PathBuf,
    real_path: PathBuf,
    is_folder: bool,
    pub options: Options,
    /// Counts what has changed.
    pub revision: u64,
    /// When the last change was.
    changed: Watch,
    /// How long that change waits for the next one.
    patience: Duration,
    /// What is known.
    pub analysed: Option<Analysed>,
    /// The diagnostics of that, by real paths.
    pub diagnostics: BTreeMap<PathBuf, OfFile>,
    /// Whether something has changed that the editor did not do.
    pub surprising: bool,
    /// What may have happened on the disk since the last analysis began.
    pub disk: Disk,
}

impl Root {
    /// Whether what is known is about what is there now.
    pub fn is_current(&self) -> bool {
        let analysed = self.analysed.as_ref();
        analysed.is_some_and(|analysed| analysed.revision == self.revision)
    }

    /// How long it is until it has to be analysed; `None` if it has been.
    pub fn due(&self) -> Option<Duration> {
        let left = self.patience.saturating_sub(self.changed.elapsed());
        (!self.is_current()).then_some(left)
    }

    /// Something has changed. `patience`: how long to wait for the next change.
    pub fn change(&mut self, patience: Duration) {
        self.revision += 1;
        self.patience = patience;
        self.changed = Watch::start();
    }

    /// Something has changed that the editor did not do, or not in an open document.
    pub fn surprise(&mut self, patience: Duration) {
        self.surprising = true;
        self.disk = Disk::Changed;
        self.change(patience);
    }

    /// A job for this root. `open`: the numbers of all roots.
    pub fn job(
        &self,
        kind: JobKind,
        documents: &Documents,
        (busy, open): (&Arc<Busy>, Vec<u64>),
    ) -> Job {
        let cwd = match self.is_folder {
            true => Some(self.path.as_path()),
            false => self.path.parent(),
        };
        let stamps = documents
            .sources()
            .map(|document| (document.real_path.clone(), document.stamp));
        let mut overlay = documents.overlay();
        // Other documents matter, but what has no file belongs to one root.
        overlay.retain(|path, _| path.exists() || self.has(path));
        Job {
            root: self.id,
            revision: self.revision,
            stamps: stamps.collect(),
            workspace: Workspace {
                cwd: cwd.unwrap_or(&self.path).to_path_buf(),
                paths: match self.is_folder || self.path.exists() {
                    true => vec![self.path.clone()],
                    false => Vec::new(),
                },
                overlay,
                source: self.options.source(),
                overrides: self.options.overrides(),
                busy: Arc::clone(busy),
                number: self.id,
                open,
                disk: self.disk,
            },
            kind,
        }
    }

    fn has(&self, real_path: &Path) -> bool {
        match self.is_folder {
            true => real_path.starts_with(&self.real_path),
            false => real_path == self.real_path,
        }
    }
}

/// All roots.
#[derive(Default)]
pub(super) struct Roots {
    all: Vec<Root>,
    ids: u64,
}

impl Roots {
    /// Adds a folder; no other folder that is open is the same.
    pub fn add_folder(&mut self, uri: &Uri, options: &Options) {
        if let Some(path) = uri::to_path(uri) {
            self.add(uri, path, true, options);
        }
    }

    /// Adds a document, unless it is in a root.
    pub fn add_document(&mut self, uri: &Uri, options: &Options) {
        if let Some(path) = uri::to_path(uri)
            && self.of(&real_path(&path)).is_none()
        {
            self.add(uri, path, false, options);
        }
    }

    fn add(&mut self, uri: &Uri, path: PathBuf, is_folder: bool, options: &Options) {
        let real_path = real_path(&path);
        let same = |root: &Root| root.is_folder == is_folder && root.real_path == real_path;
        if self.all.iter().any(same) {
            return;
        }
        self.ids += 1;
        self.all.push(Root {
            id: self.ids,
            uri: uri.clone(),
            path,
            real_path,
            is_folder,
            options: options.clone(),
            revision: 1,
            changed: Watch::start(),
            patience: Duration::ZERO,
            analysed: None,
            diagnostics: BTreeMap::new(),
            surprising: true,
            disk: Disk::Changed,
        });
    }

    /// Removes a folder, or the root of a document.
    pub fn remove(&mut self, uri: &Uri, is_folder: bool) -> Vec<Root> {
        let gone =
            |root: &mut Root| root.is_folder == is_folder && root.uri.as_str() == uri.as_str();
        self.all.extract_if(.., gone).collect()
    }

    /// The numbers of all.
    pub fn numbers(&self) -> Vec<u64> {
        self.all.iter().map(|root| root.id).collect()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Root> {
        self.all.iter()
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Root> {
        self.all.iter_mut()
    }

    pub fn get(&self, id: u64) -> Option<&Root> {
        self.all.iter().find(|root| root.id == id)
    }

    pub fn get_mut(&mut self, id: u64) -> Option<&mut Root> {
        self.all.iter_mut().find(|root| root.id == id)
    }

    /// The root that a file belongs to: the innermost one.
    pub fn of(&self, real_path: &Path) -> Option<&Root> {
        let around = self.all.iter().filter(|root| root.has(real_path));
        around.max_by_key(|root| (root.is_folder, root.real_path.as_os_str().len()))
    }
}
