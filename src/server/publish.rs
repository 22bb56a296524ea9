//! What an editor is told of the files of a root.

use std::collections::HashMap;
use std::path::Path;

use lsp_types::MessageType;
use serde_json::{Value, json};

use super::diagnostics::of_run;
use super::documents::real_path;
use super::roots::Root;
use super::session::{Asked, Session};
use super::view::{Analysed, View};

/// What was published about a document.
pub(super) struct Published {
    root: u64,
    version: Option<i32>,
    diagnostics: Vec<lsp_types::Diagnostic>,
}

impl Session {
    /// Takes over what is known of a root, and publishes it.
    pub fn take_over(&mut self, id: u64, analysed: Analysed) {
        let names = self.documents.names();
        let Some(root) = self.roots.get(id) else {
            return;
        };
        let view = View::new(&analysed, &names, &self.client, &root.options);
        let mut complaint = None;
        let mut diagnostics = match &view {
            Some(view) => of_run(view),
            None => Default::default(),
        };
        match &analysed.result {
            Err(unknown) => {
                complaint = Some(unknown.message.clone());
                let place = unknown.place.clone();
                diagnostics.extend(place.map(|file| (real_path(&file.path), file)));
            }
            Ok(run) => {
                if let Some(bug) = &run.bug {
                    complaint = Some(format!("a bug in tallylint: {bug}"));
                }
            }
        }
        // What is in another root belongs to that one.
        diagnostics.retain(|path, _| self.roots.of(path).is_none_or(|root| root.id == id));
        if let Some(root) = self.roots.get_mut(id) {
            let changed = root.diagnostics != diagnostics || root.surprising;
            root.surprising = false;
            root.diagnostics = diagnostics;
            root.analysed = Some(analysed);
            if changed {
                for method in self.client.refreshes.clone() {
                    self.ask(method, Value::Null, Asked::Nothing);
                }
            }
        }
        if !self.client.pulls {
            self.publish(id);
        }
        match complaint {
            Some(text) => self.complain(MessageType::ERROR, &text),
            None => self.complaint = None,
        }
    }

    /// Publishes what is known of a root, where it is about the text that is there.
    fn publish(&mut self, id: u64) {
        let Some((root, analysed)) = self
            .roots
            .get(id)
            .and_then(|root| Some((root, root.analysed.as_ref()?)))
        else {
            return;
        };
        let names = self.documents.names();
        let open = self.documents.sources();
        let open: HashMap<_, _> = open.map(|open| (open.real_path.as_path(), open)).collect();
        let mine = |path: &Path| self.roots.of(path).is_some_and(|root| root.id == id);
        let without = open.keys().filter(|path| mine(path));
        let without = without.filter(|path| !root.diagnostics.contains_key(**path));
        let without = without.map(|path| (*path, *path, Vec::new()));
        let with = root.diagnostics.iter().map(|(real_path, of_file)| {
            (
                real_path.as_path(),
                of_file.path.as_path(),
                of_file.diagnostics.clone(),
            )
        });
        let mut news = Vec::new();
        let mut kept = Vec::new();
        for (real_path, path, diagnostics) in with.chain(without) {
            let Some(uri) = names.of(real_path, path) else {
                continue;
            };
            let now = open.get(real_path);
            kept.push(uri.as_str().to_owned());
            if analysed.stamps.get(real_path) != now.map(|open| &open.stamp) {
                continue;
            }
            let version = now.map(|open| open.version);
            news.push((
                uri.as_str().to_owned(),
                Published {
                    root: id,
                    version,
                    diagnostics,
                },
            ));
        }
        let gone: Vec<String> = self
            .published
            .iter()
            .filter(|(uri, published)| published.root == id && !kept.contains(uri))
            .map(|(uri, _)| uri.clone())
            .collect();
        for uri in gone {
            self.published.remove(&uri);
            let params = json!({ "uri": uri, "diagnostics": [] });
            self.tell("textDocument/publishDiagnostics", params);
        }
        for (uri, new) in news {
            let old = self.published.get(&uri);
            let is_known =
                |old: &Published| old.version == new.version && old.diagnostics == new.diagnostics;
            if old.is_some_and(is_known) {
                continue;
            }
            let mut params = json!({ "uri": uri, "diagnostics": new.diagnostics });
            if let Some(version) = new.version {
                params["version"] = version.into();
            }
            self.tell("textDocument/publishDiagnostics", params);
            self.published.insert(uri, new);
        }
    }

    /// Takes back what was published about a root that is gone.
    pub fn forget(&mut self, root: &Root) {
        let of_root = |published: &Published| published.root == root.id;
        let gone: Vec<String> = self
            .published
            .iter()
            .filter(|(_, published)| of_root(published))
            .map(|(uri, _)| uri.clone())
            .collect();
        for uri in gone {
            self.published.remove(&uri);
            let params = json!({ "uri": uri, "diagnostics": [] });
            self.tell("textDocument/publishDiagnostics", params);
        }
        self.go_through_waiting();
    }
}
