//! What an editor tells without being asked: documents, files, folders, settings.

use std::time::Duration;

use lsp_server::Notification;
use lsp_types::{
    DidChangeTextDocumentParams, DidChangeWatchedFilesParams, DidChangeWorkspaceFoldersParams,
    DidCloseTextDocumentParams, DidOpenTextDocumentParams, DidSaveTextDocumentParams,
    FileChangeType, MessageType, Uri,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::client::{Options, SECTION};
use super::documents::{Change, Document, real_path};
use super::session::{Asked, Phase, Session};
use super::uri;
use crate::discover::may_matter;
use crate::source::Disk;

impl Session {
    pub fn told(&mut self, told: Notification) {
        match self.phase {
            Phase::Strange | Phase::Over => return,
            Phase::Introduced => {
                self.phase = Phase::Ready;
                if told.method == "initialized" {
                    self.begin();
                }
            }
            Phase::Ready => {}
        }
        match told.method.as_str() {
            "textDocument/didOpen" => {
                let Some(params) = self.read::<DidOpenTextDocumentParams>(told) else {
                    return;
                };
                let document = params.text_document;
                let text = document.text;
                if self.documents.open(&document.uri, document.version, text) {
                    self.roots.add_document(&document.uri, &self.options);
                    self.changed(&document.uri, Some(Duration::ZERO));
                }
            }
            "textDocument/didChange" => self.edited(told),
            "textDocument/didSave" => {
                if let Some(params) = self.read::<DidSaveTextDocumentParams>(told) {
                    self.saved(&params.text_document.uri);
                }
            }
            "textDocument/didClose" => {
                if let Some(params) = self.read::<DidCloseTextDocumentParams>(told) {
                    let uri = params.text_document.uri;
                    self.changed(&uri, Some(Duration::ZERO));
                    self.documents.close(&uri);
                    for root in self.roots.remove(&uri, false) {
                        self.forget(&root);
                    }
                }
            }
            "workspace/didChangeWatchedFiles" => {
                if let Some(params) = self.read::<DidChangeWatchedFilesParams>(told) {
                    self.files_changed(&params);
                }
            }
            "workspace/didChangeConfiguration" => self.settings_changed(&told.params),
            "workspace/didChangeWorkspaceFolders" => {
                if let Some(params) = self.read::<DidChangeWorkspaceFoldersParams>(told) {
                    self.folders_changed(&params);
                }
            }
            "$/cancelRequest" => {
                let id = told.params.get("id").cloned().map(serde_json::from_value);
                if let Some(Ok(id)) = id {
                    self.cancel(&id);
                }
            }
            // Those that begin with `$/` may be ignored, and everything else has to be.
            _ => {}
        }
    }

    /// The editor is ready: asks it for what it has.
    fn begin(&mut self) {
        if self.client.watches {
            // Of a folder that is moved or deleted, only its own name is told.
            let watchers = [json!({ "globPattern": "**/*" })];
            let registration = json!({
                "id": format!("{SECTION}/files"),
                "method": "workspace/didChangeWatchedFiles",
                "registerOptions": { "watchers": watchers },
            });
            let params = json!({ "registrations": [registration] });
            self.ask("client/registerCapability", params, Asked::Nothing);
        }
        self.ask_for_settings();
    }

    fn ask_for_settings(&mut self) {
        if !self.client.tells_settings {
            return;
        }
        let roots: Vec<(u64, Uri)> = self.roots.iter().map(|r| (r.id, r.uri.clone())).collect();
        let scoped = roots
            .iter()
            .map(|(_, uri)| json!({ "section": SECTION, "scopeUri": uri }));
        let all = [json!({ "section": SECTION })];
        let items: Vec<Value> = scoped.chain(all).collect();
        let ids = roots.into_iter().map(|(id, _)| id).collect();
        let params = json!({ "items": items });
        self.ask("workspace/configuration", params, Asked::Settings(ids));
    }

    fn edited(&mut self, told: Notification) {
        let Some(params) = self.read::<DidChangeTextDocumentParams>(told) else {
            return;
        };
        let document = params.text_document;
        let (uri, version) = (document.uri, document.version);
        let encoding = self.client.encoding;
        let change = self
            .documents
            .change(&uri, version, params.content_changes, encoding);
        let what = match change {
            Change::Made => None,
            Change::Misfit => Some("an edit does not fit the text of"),
            Change::Unknown => Some("an edit of a document that is not open:"),
        };
        if let Some(what) = what {
            self.log(MessageType::WARNING, &format!("{what} {}", uri.as_str()));
        }
        if change != Change::Unknown {
            self.changed(&uri, None);
        }
    }

    fn saved(&mut self, uri: &Uri) {
        let open = self.documents.get(uri);
        let is_new = open.is_none_or(|open| !open.is_source());
        let path = uri::to_path(uri).map(|path| real_path(&path));
        let root = path.and_then(|path| self.roots.of(&path));
        let Some(root) = root.map(|root| root.id) else {
            return;
        };
        if let Some(root) = self.roots.get_mut(root) {
            // What was missed is found at the latest now.
            root.disk = Disk::Changed;
            // The text of a source file has been analysed, or soon will be.
            if is_new || !root.is_current() {
                self.changed(uri, Some(Duration::ZERO));
            }
        }
    }

    /// A document has changed. All roots look at the same texts, but only its own has to be analysed again at once.
    fn changed(&mut self, uri: &Uri, patience: Option<Duration>) {
        let Some(path) = uri::to_path(uri) else {
            return;
        };
        let root = self.roots.of(&real_path(&path)).map(|root| root.id);
        if let Some(root) = root.and_then(|id| self.roots.get_mut(id)) {
            let own = root.options.debounce();
            root.change(patience.unwrap_or(own));
            let id = root.id;
            self.stop(id);
        }
    }

    fn files_changed(&mut self, params: &DidChangeWatchedFilesParams) {
        for change in &params.changes {
            let Some(path) = uri::to_path(&change.uri).filter(|path| {
                let content = change.typ == FileChangeType::CHANGED;
                may_matter(path, content)
            }) else {
                continue;
            };
            let open = self.documents.get(&change.uri);
            let is_open = open.is_some_and(Document::is_source);
            if is_open && change.typ == FileChangeType::CHANGED {
                continue;
            }
            // A configuration above a root applies to it, too.
            let folder = path.parent().map(real_path);
            let root = self.roots.of(&real_path(&path)).map(|root| root.id);
            for affected in self.roots.iter_mut() {
                let below = || {
                    let own = uri::to_path(&affected.uri).map(|path| real_path(&path));
                    own.zip(folder.as_ref())
                        .is_some_and(|(own, folder)| own.starts_with(folder))
                };
                if Some(affected.id) == root || below() {
                    let patience = affected.options.debounce();
                    affected.surprise(patience);
                }
            }
        }
    }

    fn settings_changed(&mut self, params: &Value) {
        if self.client.tells_settings {
            self.ask_for_settings();
            return;
        }
        let settings = params.get("settings").unwrap_or(&Value::Null);
        if settings.is_null() {
            return;
        }
        match Options::parse(settings) {
            Ok(options) => {
                let ids: Vec<u64> = self.roots.iter().map(|root| root.id).collect();
                self.options = options.clone();
                for id in ids {
                    self.set_options(id, &options);
                }
            }
            Err(wrong) => self.complain(MessageType::WARNING, &wrong),
        }
    }

    pub fn set_options(&mut self, root: u64, options: &Options) {
        if let Some(root) = self.roots.get_mut(root)
            && root.options != *options
        {
            root.options = options.clone();
            root.surprise(Duration::ZERO);
        }
    }

    fn folders_changed(&mut self, params: &DidChangeWorkspaceFoldersParams) {
        for folder in &params.event.removed {
            for root in self.roots.remove(&folder.uri, true) {
                self.forget(&root);
            }
        }
        for folder in &params.event.added {
            self.roots.add_folder(&folder.uri, &self.options);
        }
        let open: Vec<Uri> = self
            .documents
            .sources()
            .map(|open| open.uri.clone())
            .collect();
        for uri in open {
            let path = uri::to_path(&uri).map(|path| real_path(&path));
            let own = path
                .and_then(|path| self.roots.of(&path))
                .map(|root| root.uri.clone());
            // What is in a folder now is analysed with it.
            if own.is_some_and(|own| own.as_str() != uri.as_str()) {
                for root in self.roots.remove(&uri, false) {
                    self.forget(&root);
                }
            }
            self.roots.add_document(&uri, &self.options);
            self.changed(&uri, Some(Duration::ZERO));
        }
        self.ask_for_settings();
        self.go_through_waiting();
    }

    /// The parameters of a notification; if they are none, this is told.
    fn read<T: DeserializeOwned>(&mut self, told: Notification) -> Option<T> {
        let read = serde_json::from_value(told.params);
        if let Err(error) = &read {
            let text = format!("{} has wrong parameters: {error}", told.method);
            self.log(MessageType::WARNING, &text);
        }
        read.ok()
    }
}
