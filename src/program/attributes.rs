//! Attributes that some code stores to: what a class says of them is only where they start.

use std::sync::{Arc, OnceLock};

use rustc_hash::FxHashSet;

use crate::frontend::{AttributeStores, attribute_stores};
use crate::ir::Name;
use crate::program::{ClassRef, LoadedModule, MroEntry, Program};
use crate::source::SourceFile;

/// The files of a run, and what they store to through objects that are not their own. That depends
/// on the files alone and not on what happens to be loaded, so an answer is the same at any time.
#[derive(Default)]
pub(super) struct Outside {
    files: Vec<Arc<SourceFile>>,
    found: OnceLock<Found>,
}

#[derive(Default)]
struct Found {
    names: FxHashSet<Name>,
    contents: FxHashSet<Name>,
    /// Files that store under names that only execution tells.
    any: Vec<Arc<SourceFile>>,
}

impl Outside {
    pub(super) fn new(files: &[Arc<SourceFile>]) -> Self {
        Self {
            files: files.to_vec(),
            found: OnceLock::new(),
        }
    }

    /// Not in parallel: a worker that waits for its parts could take up work that waits for this.
    fn found(&self) -> &Found {
        self.found.get_or_init(|| {
            let mut out = Found::default();
            for file in &self.files {
                let stores = attribute_stores(file.language, &file.text);
                out.names.extend(stores.others);
                out.contents.extend(stores.others_contents);
                if stores.others_any {
                    out.any.push(file.clone());
                }
            }
            out
        })
    }
}

impl LoadedModule {
    /// The attributes that the text of the module stores to.
    pub(super) fn attributes(&self) -> &AttributeStores {
        self.attributes.get_or_init(|| match &self.file {
            Some(file) => attribute_stores(file.language, &file.text),
            None => AttributeStores::default(),
        })
    }
}

impl Program<'_> {
    /// Whether code may store to an attribute of the instances of a class, or of the class: a
    /// method of it, or anybody in the files of the run. With `contents`, changing what the
    /// attribute holds counts, too.
    #[must_use]
    pub fn may_store(&self, class: ClassRef, field: &str, contents: bool) -> bool {
        let mro = self.mro(class);
        let family = mro.entries.iter().filter_map(|entry| match entry {
            MroEntry::Class(c) => Some(*c),
            _ => None,
        });
        let mut names = Vec::new();
        for c in family {
            let module = self.module(c.module);
            let stores = module.attributes();
            if module.stores(field)
                || stores.own_any
                || stores.others_any
                || stores.own.contains(field)
                || stores.others.contains(field)
                || contents
                    && (stores.own_contents.contains(field)
                        || stores.others_contents.contains(field))
            {
                return true;
            }
            names.push(module.ir.class(c.class).name.clone());
        }
        let outside = self.outside.found();
        outside.names.contains(field)
            || contents && outside.contents.contains(field)
            || outside.any.iter().any(|file| {
                let mentions = |name: &Name| mentions(&file.text, name);
                names.iter().any(mentions)
            })
    }
}

/// Whether a text has a word.
fn mentions(text: &str, word: &str) -> bool {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte >= 0x80;
    let bytes = text.as_bytes();
    memchr::memmem::find_iter(bytes, word).any(|at| {
        !bytes[..at].last().is_some_and(is_word) && !bytes.get(at + word.len()).is_some_and(is_word)
    })
}
