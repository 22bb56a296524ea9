//! Attributes that code stores to, so that the value in the class body is only the initial one.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use memchr::memmem::Finder;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::frontend::{AttributeStores, attribute_stores};
use crate::ir::Name;
use crate::program::{ClassRef, LoadedModule, ModuleId, MroEntry, Program};
use crate::source::SourceFile;
use crate::source::trace::{self, Memo, Question, Read};

/// Up to this many names are searched for one by one. With more, it is cheaper to collect all
/// stores.
const SEARCHED: usize = 16;

/// Words of a text that may store under a name known only at run time.
const STORES_ANY: &[&str] = &["setattr", "__dict__", "vars"];

/// The files of a run, and the stores in them through objects other than `self`. These depend only
/// on the files and not on what is loaded, so an answer is always the same.
///
/// Nothing here runs in parallel: a worker that waits for its parts could take up work that waits
/// for this.
#[derive(Default)]
pub(super) struct Outside {
    files: Vec<Arc<SourceFile>>,
    /// Whether some file stores to an attribute of this name or (with `true`) changes its content.
    asked: Mutex<FxHashMap<(Name, bool), bool>>,
    /// The same for an attribute of a class, including stores in its own methods.
    known: Memo<(ClassRef, Name, bool), bool>,
    all: OnceLock<All>,
    /// Files that store under names known only at run time.
    any: OnceLock<Vec<Arc<SourceFile>>>,
}

#[derive(Default)]
struct All {
    names: FxHashSet<Name>,
    contents: FxHashSet<Name>,
}

impl Outside {
    pub(super) fn new(files: &[Arc<SourceFile>]) -> Self {
        Self {
            files: files.to_vec(),
            ..Self::default()
        }
    }

    /// Whether some file stores to attributes of this name or, with `contents`, changes their
    /// content.
    fn may_store(&self, field: &str, contents: bool) -> bool {
        if let Some(all) = self.all.get() {
            return all.has(field, contents);
        }
        let key = (Name::new(field), contents);
        let asked = || self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        {
            let asked = asked();
            if let Some(answer) = asked.get(&key) {
                return *answer;
            }
            if asked.len() >= SEARCHED {
                drop(asked);
                return self.all().has(field, contents);
            }
        }
        let answer = self.files.iter().any(|file| {
            let stores = || stores_of(file);
            mentions(&file.text, field)
                && (stores().others.contains(field)
                    || contents && stores().others_contents.contains(field))
        });
        asked().insert(key, answer);
        answer
    }

    fn all(&self) -> &All {
        self.all.get_or_init(|| {
            let mut all = All::default();
            for file in &self.files {
                let stores = stores_of(file);
                all.names.extend(stores.others.iter().cloned());
                all.contents.extend(stores.others_contents.iter().cloned());
            }
            all
        })
    }

    fn any(&self) -> &[Arc<SourceFile>] {
        self.any.get_or_init(|| {
            let finders: Vec<_> = STORES_ANY.iter().map(Finder::new).collect();
            let any = self.files.iter().filter(|file| {
                let stores_any = file.derived.get(|| {
                    let mut finders = finders.iter();
                    let may = finders.any(|f| f.find(file.text.as_bytes()).is_some());
                    StoresAny(may && stores_of(file).others_any)
                });
                stores_any.0
            });
            any.cloned().collect()
        })
    }
}

/// Whether a file stores under names known only at run time.
struct StoresAny(bool);

/// The stores of a file. They stay with it.
fn stores_of(file: &SourceFile) -> Arc<AttributeStores> {
    let find = || attribute_stores(file.language, &file.text);
    file.derived.get(find)
}

impl All {
    fn has(&self, field: &str, contents: bool) -> bool {
        self.names.contains(field) || contents && self.contents.contains(field)
    }
}

impl Program<'_> {
    /// Whether the text of some other file of the run contains a word.
    #[must_use]
    pub fn is_mentioned_outside(&self, word: &str, of: &[ModuleId]) -> bool {
        let own = of
            .iter()
            .filter_map(|id| Some(self.module(*id).file.as_ref()?.real_path.clone()));
        let own: Vec<PathBuf> = own.collect();
        let answer = self.is_mentioned_in_others(word, &own);
        trace::note(|| Read::Asked(Question::Mentioned(word.to_owned(), own)));
        answer
    }

    fn is_mentioned_in_others(&self, word: &str, own: &[PathBuf]) -> bool {
        let mut files = self.outside.files.iter();
        files.any(|file| mentions(&file.text, word) && !own.contains(&file.real_path))
    }
}

impl Program<'_> {
    /// Other modules of the run whose texts contain a word, at most `limit` of them, and whether there
    /// are more. A file that cannot be parsed is none.
    #[must_use]
    pub fn modules_that_mention(
        &self,
        word: &str,
        own: ModuleId,
        limit: usize,
    ) -> (Vec<ModuleId>, bool) {
        let own = self
            .module(own)
            .file
            .as_ref()
            .map(|own| own.real_path.clone());
        let (few, more) = self.files_that_mention(word, own.as_deref(), limit);
        trace::note(|| Read::Asked(Question::Mentioning(word.to_owned(), own, limit)));
        let modules = few.into_iter().filter_map(|file| {
            trace::note_file(file.id);
            self.add_file(file).ok()
        });
        (modules.collect(), more)
    }

    fn files_that_mention(
        &self,
        word: &str,
        own: Option<&Path>,
        limit: usize,
    ) -> (Vec<&Arc<SourceFile>>, bool) {
        let files = self.outside.files.iter();
        let mut naming = files
            .filter(|file| mentions(&file.text, word) && own != Some(file.real_path.as_path()));
        let few: Vec<_> = naming.by_ref().take(limit).collect();
        (few, naming.next().is_some())
    }

    /// The answer to a question, as text that is equal for equal answers.
    #[must_use]
    pub fn answer(&self, question: &Question) -> String {
        let yes = |answer: bool| answer.to_string();
        match question {
            Question::Stores(field, contents) => yes(self.outside.may_store(field, *contents)),
            Question::StoresAny(names) => yes(self.stores_any(names.clone())),
            Question::Mentioned(word, own) => yes(self.is_mentioned_in_others(word, own)),
            Question::Mentioning(word, own, limit) => {
                let (few, more) = self.files_that_mention(word, own.as_deref(), *limit);
                let few: Vec<&Path> = few.iter().map(|file| file.real_path.as_path()).collect();
                format!("{few:?} {more}")
            }
        }
    }
}

impl LoadedModule {
    /// The attributes that the text of the module stores to.
    pub(super) fn attributes(&self) -> Arc<AttributeStores> {
        self.file.as_deref().map(stores_of).unwrap_or_default()
    }
}

impl Program<'_> {
    /// Whether any code may store to an attribute of the class or of its instances: its own
    /// methods, or any file of the run. With `contents`, changing the content of the attribute
    /// counts as well.
    #[must_use]
    pub fn may_store(&self, class: ClassRef, field: &str, contents: bool) -> bool {
        let key = (class, Name::new(field), contents);
        self.outside
            .known
            .get(key, || self.finds_store(class, field, contents))
    }

    fn finds_store(&self, class: ClassRef, field: &str, contents: bool) -> bool {
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
            names.push(module.ir.class(c.class).name.to_string());
        }
        self.stores(field, contents) || self.stores_any(names)
    }

    /// Whether some file of the run stores to attributes of this name or, with `contents`, changes their content.
    fn stores(&self, field: &str, contents: bool) -> bool {
        trace::note(|| Read::Asked(Question::Stores(field.to_owned(), contents)));
        self.outside.may_store(field, contents)
    }

    /// Whether some file that stores under names known only at run time mentions one of these words.
    fn stores_any(&self, names: Vec<String>) -> bool {
        let answer = self.outside.any().iter().any(|file| {
            let mentions = |name: &String| mentions(&file.text, name);
            names.iter().any(mentions)
        });
        trace::note(|| Read::Asked(Question::StoresAny(names)));
        answer
    }
}

/// Whether a text contains a word.
fn mentions(text: &str, word: &str) -> bool {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte >= 0x80;
    let bytes = text.as_bytes();
    memchr::memmem::find_iter(bytes, word).any(|at| {
        !bytes[..at].last().is_some_and(is_word) && !bytes.get(at + word.len()).is_some_and(is_word)
    })
}

#[cfg(test)]
mod tests {
    use super::{Outside, SEARCHED};
    use crate::source::SourceMap;
    use std::path::{Path, PathBuf};

    #[test]
    fn a_search_for_one_name_says_what_knowing_all_says() {
        let sources = SourceMap::new(PathBuf::from("/w"));
        let texts = [
            "def f(job):\n    job.a = 1\n    job . b = job.c\n    job.d.append(1)\n    # e\n",
            "def g(x):\n    setattr(x, 'f', 1)\n    x.g[0] = 2\n    x.hh = x.h\n",
            "def h(x):\n    vars(x).update(y)\n    a = 1\n",
            "class C:\n    def k(self):\n        self.k = 1\n",
        ];
        let add = |(at, text): (usize, &&str)| {
            sources.add_virtual(Path::new(&format!("{at}.py")), (*text).to_owned())
        };
        let files: Vec<_> = texts.iter().enumerate().map(add).collect();
        let asked: Vec<_> = ('a'..='z').map(|c| c.to_string()).collect();
        // A program that is asked many questions stops searching and collects all stores.
        let many = Outside::new(&files);
        assert!(asked.len() > SEARCHED);
        let mut stored = Vec::new();
        for name in &asked {
            for contents in [false, true] {
                let one = Outside::new(&files).may_store(name, contents);
                assert_eq!(
                    one,
                    Outside::new(&files).all().has(name, contents),
                    "{name}"
                );
                assert_eq!(one, many.may_store(name, contents), "{name}");
                if one && contents {
                    stored.push(name.as_str());
                }
            }
        }
        assert!(many.all.get().is_some());
        assert_eq!(stored, ["a", "b", "d", "f", "g"]);
        let any: Vec<_> = many.any().iter().map(|file| &*file.display).collect();
        assert_eq!(any, ["2.py"]);
    }
}
