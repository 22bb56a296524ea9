//! Loading modules and finding them by their dotted names.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, RwLock};

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use crate::fence::{self, Bug};
use crate::frontend::{self, AttributeStores, Lowered, SyntaxError};
use crate::ir::{self, Name, StatementKind};
use crate::program::attributes::Outside;
use crate::program::classes::Mro;
use crate::program::{ClassRef, FuncRef};
use crate::source::{At, FileId, SourceFile, SourceMap};

/// A module of the program.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct ModuleId(pub u32);

/// Why a file, or a part of one, is not in its module.
#[derive(Clone, Debug)]
pub struct ModuleProblem {
    /// The reason.
    pub reason: String,
    /// Byte offset in the text, when the problem has a place.
    pub offset: Option<u32>,
}

impl From<SyntaxError> for ModuleProblem {
    fn from(error: SyntaxError) -> Self {
        Self {
            reason: error.message,
            offset: Some(error.offset),
        }
    }
}

/// What became of a file.
#[derive(Clone, Debug)]
pub struct Added {
    /// The module, unless nothing of it is intact.
    pub module: Option<ModuleId>,
    /// What is broken, in the order of the text.
    pub broken: Vec<ModuleProblem>,
}

/// A lowered file, or a namespace package (a folder without `__init__.py`, PEP 420).
pub struct LoadedModule {
    /// Its id.
    pub id: ModuleId,
    /// The file; `None` for a namespace package.
    pub file: Option<Arc<SourceFile>>,
    /// The lowered code.
    pub ir: ir::Module,
    /// The folder in which submodules and sibling modules are looked for: the folder of the
    /// package, for `__init__.py` and for a module inside it alike.
    pub folder: PathBuf,
    /// Whether this is a package, so that `folder` holds its submodules.
    pub is_package: bool,
    /// Names that some function stores to under `global`.
    pub mutated_globals: HashSet<Name>,
    /// Attribute names that some function of the file stores to.
    stored_fields: HashSet<Name>,
    /// What the text says of that, bodies that were left out included.
    pub(super) attributes: OnceLock<AttributeStores>,
}

impl LoadedModule {
    /// Whether some function of the file stores to an attribute of this name.
    #[must_use]
    pub fn stores(&self, field: &str) -> bool {
        if self.stored_fields.contains(field) {
            return true;
        }
        if self.ir.functions.iter().all(|f| f.unread.is_none()) {
            return false;
        }
        let stores = self.attributes();
        stores.own.contains(field) || stores.others.contains(field)
    }

    /// The text of the file; empty for a namespace package.
    #[must_use]
    pub fn text(&self) -> &str {
        self.file.as_ref().map_or("", |f| &f.text)
    }
}

#[derive(Clone, Default)]
struct Tables {
    modules: Vec<Arc<LoadedModule>>,
    by_path: HashMap<PathBuf, Option<ModuleId>>,
}

/// The linked whole.
pub struct Program<'s> {
    pub(super) sources: &'s SourceMap,
    pub(super) outside: Arc<Outside>,
    tables: RwLock<Tables>,
    pub(super) mros: Mutex<HashMap<ClassRef, Arc<Mro>>>,
    roots: Mutex<HashMap<PathBuf, Arc<Vec<PathBuf>>>>,
    pub(super) relatives: Mutex<HashMap<(ModuleId, ir::Relative), Option<ModuleId>>>,
}

/// How many folders above a file are looked at for a project marker.
const MAX_ROOT_CLIMB: usize = 24;

/// Files that mark the top of a project.
const PROJECT_MARKERS: &[&str] = &[
    "pyproject.toml",
    "setup.py",
    "setup.cfg",
    ".git",
    ".hg",
    "tallylint.toml",
    "requirements.txt",
];

impl<'s> Program<'s> {
    /// An empty program over the given sources.
    #[must_use]
    pub fn new(sources: &'s SourceMap) -> Self {
        Self {
            sources,
            outside: Arc::default(),
            tables: RwLock::default(),
            mros: Mutex::default(),
            roots: Mutex::default(),
            relatives: Mutex::default(),
        }
    }

    /// The program with these files of the run: whether or not they get loaded, what they store to
    /// counts.
    #[must_use]
    pub fn with_files(mut self, files: &[Arc<SourceFile>]) -> Self {
        self.outside = Arc::new(Outside::new(files));
        self
    }

    /// A program that starts with the modules that this one has; what either loads later, the
    /// other does not know.
    #[must_use]
    pub fn fork(&self) -> Self {
        fn copy<T: Clone>(lock: &Mutex<T>) -> Mutex<T> {
            Mutex::new(
                lock.lock()
                    .expect("no panic while the lock is held")
                    .clone(),
            )
        }
        let tables = self.tables.read().expect("no panic while the lock is held");
        Self {
            sources: self.sources,
            outside: self.outside.clone(),
            tables: RwLock::new(tables.clone()),
            mros: copy(&self.mros),
            roots: copy(&self.roots),
            relatives: copy(&self.relatives),
        }
    }

    /// The module with this id.
    #[must_use]
    pub fn module(&self, id: ModuleId) -> Arc<LoadedModule> {
        self.tables
            .read()
            .expect("no panic while the lock is held")
            .modules[id.0 as usize]
            .clone()
    }

    /// How many modules have been lowered so far.
    #[must_use]
    pub fn module_count(&self) -> usize {
        self.tables
            .read()
            .expect("no panic while the lock is held")
            .modules
            .len()
    }

    /// The name of a function, qualified by its class.
    #[must_use]
    pub fn qualname(&self, f: FuncRef) -> Name {
        self.module(f.module).ir.function(f.func).qualname.clone()
    }

    /// Lowers a source file, once.
    ///
    /// # Errors
    /// When nothing of the file parses.
    pub fn add_file(&self, file: &Arc<SourceFile>) -> Result<ModuleId, ModuleProblem> {
        let key = file.real_path.clone();
        if let Some(Some(id)) = self.lookup_path(&key) {
            return Ok(id);
        }
        let lowered = frontend::lower_intact(file.language, &file.text)?;
        Ok(self.insert_file(file, lowered.module))
    }

    /// Like [`Program::add_files`]; where it is known of a file at which offsets the functions
    /// start that can matter, the bodies of the others are left out.
    pub fn add_files_sparsely(
        &self,
        files: &[Arc<SourceFile>],
        wanted: &FxHashMap<FileId, &[u32]>,
    ) -> Vec<Result<Added, Bug>> {
        self.add_lowered(files, |file| match wanted.get(&file.id) {
            Some(starts) => frontend::lower_sparse(file.language, &file.text, starts),
            None => frontend::lower_intact(file.language, &file.text),
        })
    }

    /// Like [`Program::add_files`], without the bodies of methods that do not look anything up
    /// after calling a method of their receiver.
    pub fn add_readers(&self, files: &[Arc<SourceFile>]) -> Vec<Result<Added, Bug>> {
        self.add_lowered(files, |file| {
            frontend::lower_readers(file.language, &file.text)
        })
    }

    /// Lowers source files, in parallel; the modules are numbered in the order of the files. With
    /// each comes what is broken in it.
    pub fn add_files(&self, files: &[Arc<SourceFile>]) -> Vec<Result<Added, Bug>> {
        self.add_lowered(files, |file| {
            frontend::lower_intact(file.language, &file.text)
        })
    }

    fn add_lowered(
        &self,
        files: &[Arc<SourceFile>],
        lower: impl Fn(&SourceFile) -> Result<Lowered, SyntaxError> + Sync,
    ) -> Vec<Result<Added, Bug>> {
        let lowered: Vec<_> = files
            .par_iter()
            .map(|file| match self.lookup_path(&file.real_path) {
                Some(Some(id)) => Ok(Err(id)),
                _ => fence::catch(|| lower(file)).map(Ok),
            })
            .collect();
        files
            .iter()
            .zip(lowered)
            .map(|(file, lowered)| {
                lowered.map(|lowered| match lowered {
                    // What is broken in it was told before.
                    Err(id) => Added {
                        module: Some(id),
                        broken: Vec::new(),
                    },
                    Ok(Ok(lowered)) => Added {
                        module: Some(self.insert_file(file, lowered.module)),
                        broken: lowered.broken.into_iter().map(Into::into).collect(),
                    },
                    Ok(Err(error)) => Added {
                        module: None,
                        broken: vec![error.into()],
                    },
                })
            })
            .collect()
    }

    fn insert_file(&self, file: &Arc<SourceFile>, ir: ir::Module) -> ModuleId {
        let is_package = file
            .real_path
            .file_name()
            .is_some_and(|n| n == "__init__.py");
        let folder = file
            .real_path
            .parent()
            .map(Path::to_path_buf)
            .unwrap_or_default();
        self.insert(
            file.real_path.clone(),
            Some(file.clone()),
            ir,
            folder,
            is_package,
        )
    }

    fn lookup_path(&self, key: &Path) -> Option<Option<ModuleId>> {
        self.tables
            .read()
            .expect("no panic while the lock is held")
            .by_path
            .get(key)
            .copied()
    }

    fn insert(
        &self,
        key: PathBuf,
        file: Option<Arc<SourceFile>>,
        ir: ir::Module,
        folder: PathBuf,
        is_package: bool,
    ) -> ModuleId {
        let mut mutated_globals = HashSet::new();
        let mut stored_fields = HashSet::new();
        for s in ir
            .functions
            .iter()
            .flat_map(|f| &f.body.blocks)
            .flat_map(|b| &b.statements)
        {
            match &s.kind {
                StatementKind::SetGlobal { name, .. } => {
                    mutated_globals.insert(name.clone());
                }
                StatementKind::SetField { field, .. } | StatementKind::DelField { field, .. } => {
                    stored_fields.insert(field.clone());
                }
                _ => {}
            }
        }
        let mut tables = self
            .tables
            .write()
            .expect("no panic while the lock is held");
        if let Some(Some(id)) = tables.by_path.get(&key) {
            return *id;
        }
        let id = ModuleId(u32::try_from(tables.modules.len()).expect("fewer than 2^32 modules"));
        tables.modules.push(Arc::new(LoadedModule {
            id,
            file,
            ir,
            folder,
            is_package,
            mutated_globals,
            stored_fields,
            attributes: OnceLock::new(),
        }));
        tables.by_path.insert(key, Some(id));
        id
    }

    /// Loads the module at a path; `None` when there is none or it cannot be read or parsed.
    pub(super) fn load(&self, path: &Path) -> Option<ModuleId> {
        if let Some(known) = self.lookup_path(path) {
            return known;
        }
        let found = if self.sources.is_folder(path) {
            Some(self.insert(
                path.to_path_buf(),
                None,
                ir::Module {
                    scopes: vec![ir::Scope {
                        parent: None,
                        kind: ir::ScopeKind::Module,
                        bindings: Default::default(),
                        star_imports: Vec::new(),
                        globs: Vec::new(),
                    }],
                    ..ir::Module::default()
                },
                path.to_path_buf(),
                true,
            ))
        } else {
            self.sources
                .load(path)
                .ok()
                .and_then(|file| self.add_file(&file).ok())
        };
        self.tables
            .write()
            .expect("no panic while the lock is held")
            .by_path
            .insert(path.to_path_buf(), found);
        found
    }

    /// The module `name` directly inside a folder: a package, a module, or a namespace package.
    pub(super) fn child(&self, folder: &Path, name: &str) -> Option<ModuleId> {
        let dir = folder.join(name);
        let init = dir.join("__init__.py");
        if self.sources.is_file(&init) {
            return self.load(&init);
        }
        let file = folder.join(format!("{name}.py"));
        if self.sources.is_file(&file) {
            return self.load(&file);
        }
        if is_identifier(name) && self.sources.is_folder(&dir) {
            self.load(&dir)
        } else {
            None
        }
    }

    /// The folders in which absolute imports of a module are looked for: above its outermost
    /// package, and every folder from there up to the project's marker, each also with `src`.
    pub(super) fn import_roots(&self, module: &LoadedModule) -> Arc<Vec<PathBuf>> {
        self.import_roots_of(&module.folder)
    }

    /// The same for the modules in a folder.
    pub(crate) fn import_roots_of(&self, folder: &Path) -> Arc<Vec<PathBuf>> {
        let mut roots = self.roots.lock().expect("no panic while the lock is held");
        if let Some(found) = roots.get(folder) {
            return found.clone();
        }
        let mut top = folder.to_path_buf();
        while self.sources.is_file(&top.join("__init__.py")) {
            match top.parent() {
                Some(p) => top = p.to_path_buf(),
                None => break,
            }
        }
        let mut found: Vec<PathBuf> = Vec::new();
        let mut seen = BTreeSet::new();
        let mut at = Some(top.as_path());
        let mut climb = 0;
        let mut candidates = Vec::new();
        let mut marked = false;
        while let Some(dir) = at {
            candidates.push(dir.to_path_buf());
            let marks = |marker: &&str| self.sources.at(&dir.join(marker)) != At::Nothing;
            if PROJECT_MARKERS.iter().any(marks) {
                marked = true;
                break;
            }
            climb += 1;
            if climb > MAX_ROOT_CLIMB {
                break;
            }
            at = dir.parent();
        }
        if !marked {
            // No project around it: only the folders that a script is usually run from.
            candidates.truncate(3);
        }
        for dir in candidates {
            for root in [dir.clone(), dir.join("src")] {
                if (root == dir || self.sources.is_folder(&root)) && seen.insert(root.clone()) {
                    found.push(root);
                }
            }
        }
        let found = Arc::new(found);
        roots.insert(folder.to_path_buf(), found.clone());
        found
    }
}

fn is_identifier(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c == '_' || c.is_alphanumeric())
}
