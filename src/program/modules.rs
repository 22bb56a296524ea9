//! Loads modules, and finds them by their dotted names.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use crate::fence::{self, Bug};
use crate::frontend::{self, Lowered, SyntaxError};
use crate::ir::{self, Name, StatementKind};
use crate::program::attributes::Outside;
use crate::program::classes::Mro;
use crate::program::outside::Calls;
use crate::program::roots::Asked;
use crate::program::{ClassRef, FuncRef};
use crate::settings::ImportRoots;
use crate::source::trace::{self, Memo};
use crate::source::{Derived, SourceFile, SourceMap};

/// A module of the program.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct ModuleId(pub u32);

/// Why a file, or a part of one, is missing from its module.
#[derive(Clone, Debug)]
pub struct ModuleProblem {
    /// The reason.
    pub reason: String,
    /// Byte offset in the text, if the problem has a position.
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

/// A lowered file, or a namespace package (a folder without `__init__.py`, PEP 420).
pub struct LoadedModule {
    /// Its id.
    pub id: ModuleId,
    /// The file; `None` for a namespace package.
    pub file: Option<Arc<SourceFile>>,
    /// The lowered code.
    pub ir: ir::Module,
    /// The folder that is searched for submodules and sibling modules: the folder of the package,
    /// both for `__init__.py` and for a module in the package.
    pub folder: PathBuf,
    /// Whether this is a package, so that `folder` holds its submodules.
    pub is_package: bool,
    /// Names that functions store to under `global`.
    pub mutated_globals: HashSet<Name>,
    /// Names of attributes that the functions store to, except those whose bodies were left out.
    stored_fields: HashSet<Name>,
    /// Syntax errors outside the bodies that were left out.
    broken: Vec<ModuleProblem>,
    /// What was asked about attributes that only bodies store to that were left out.
    left_out_stores: Mutex<FxHashMap<Name, bool>>,
    /// What else follows from the module alone.
    pub derived: Derived,
}

/// The names of attributes that a body stores to.
fn stored_fields(body: &ir::Body) -> impl Iterator<Item = &Name> {
    let statements = body.blocks.iter().flat_map(|block| &block.statements);
    statements.filter_map(|s| match &s.kind {
        StatementKind::SetField { field, .. } | StatementKind::DelField { field, .. } => {
            Some(field)
        }
        _ => None,
    })
}

impl LoadedModule {
    /// Whether some function of the file stores to an attribute of this name.
    #[must_use]
    pub fn stores(&self, field: &str) -> bool {
        if self.stored_fields.contains(field) {
            return true;
        }
        let known = || {
            let known = self.left_out_stores.lock();
            known.unwrap_or_else(PoisonError::into_inner)
        };
        if let Some(answer) = known().get(field) {
            return *answer;
        }
        // Of the bodies that were left out, only those that contain the word are examined.
        let naming = self.ir.mentioning(field);
        let mut left_out = naming.filter(|(_, function)| function.body.was_left_out());
        let answer = left_out.any(|(_, function)| {
            let content = function.body.content();
            let nested = content.nested.iter().map(|inner| inner.body.content());
            let mut all = [content].into_iter().chain(nested);
            all.any(|content| stored_fields(&content.body).any(|stored| stored == field))
        });
        known().insert(field.into(), answer);
        answer
    }

    /// The syntax errors in the module, in the order of the text, as far as bodies have been
    /// lowered.
    #[must_use]
    pub fn broken(&self) -> Vec<ModuleProblem> {
        let mut out = self.broken.clone();
        for (_, function) in self.ir.outer_functions() {
            let broken = function.body.known().and_then(|c| c.broken.as_ref());
            out.extend(broken.map(|(reason, offset)| ModuleProblem {
                reason: reason.clone(),
                offset: Some(*offset),
            }));
        }
        out
    }

    /// The text of the file; empty for a namespace package.
    #[must_use]
    pub fn text(&self) -> &str {
        self.file.as_ref().map_or("", |f| &f.text)
    }
}

/// The modules of an earlier run. Those of files that are the same are used again; all keep their numbers.
#[derive(Clone, Default)]
pub struct Modules {
    /// In the order of their numbers.
    all: Vec<Arc<LoadedModule>>,
    numbers: HashMap<PathBuf, ModuleId>,
}

impl fmt::Debug for Modules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} modules", self.all.len())
    }
}

#[derive(Default)]
struct Tables {
    modules: Vec<Arc<LoadedModule>>,
    by_path: HashMap<PathBuf, Option<ModuleId>>,
    /// Which numbers belong to which paths, whether their modules are up to date or not.
    numbers: HashMap<PathBuf, ModuleId>,
}

impl Tables {
    /// The module that an earlier run has made of a file, if the file is the same. What is wrong where code cannot be parsed
    /// is told by who lowers it, so a module with such code is made again.
    fn earlier(&self, file: &Arc<SourceFile>) -> Option<ModuleId> {
        let id = *self.numbers.get(&file.real_path)?;
        let module = &self.modules[id.0 as usize];
        let known = module.file.as_ref();
        let is_same = known.is_some_and(|known| Arc::ptr_eq(known, file));
        (is_same && module.broken().is_empty()).then_some(id)
    }
}

/// The linked program.
pub struct Program<'s> {
    pub(super) sources: &'s SourceMap,
    pub(super) outside: Outside,
    tables: RwLock<Tables>,
    pub(super) mros: Memo<ClassRef, Arc<Mro>>,
    pub(super) asked: Asked,
    pub(super) more_roots: Vec<ImportRoots>,
    /// By the presets, too: those of one run seldom differ.
    pub(super) calls: Memo<(usize, FuncRef), Arc<Calls>>,
    pub(super) roots: Memo<PathBuf, Arc<Vec<PathBuf>>>,
    pub(super) relatives: Memo<(ModuleId, ir::Relative), Option<ModuleId>>,
}

impl<'s> Program<'s> {
    /// The source files of the program.
    #[must_use]
    pub fn sources(&self) -> &'s SourceMap {
        self.sources
    }

    /// An empty program over the source files.
    #[must_use]
    pub fn new(sources: &'s SourceMap) -> Self {
        Self {
            sources,
            outside: Outside::default(),
            tables: RwLock::default(),
            mros: Memo::default(),
            asked: Asked::default(),
            more_roots: Vec::new(),
            calls: Memo::default(),
            roots: Memo::default(),
            relatives: Memo::default(),
        }
    }

    /// Adds the files of the run, and the real paths of the folders to check. The stores in all
    /// files count, whether they are loaded or not; imports are looked for from the folders, too.
    #[must_use]
    pub fn with_files(mut self, folders: &[PathBuf], files: &[Arc<SourceFile>]) -> Self {
        self.asked = Asked::new(folders, files);
        self.outside = Outside::new(files);
        self
    }

    /// Adds folders in which imports are looked for last.
    #[must_use]
    pub fn with_import_roots(mut self, roots: Vec<ImportRoots>) -> Self {
        self.more_roots = roots;
        self
    }

    /// Adds the modules of an earlier run over the same files, or earlier versions of them.
    #[must_use]
    pub fn with_modules(mut self, earlier: Modules) -> Self {
        self.tables = RwLock::new(Tables {
            modules: earlier.all,
            by_path: HashMap::new(),
            numbers: earlier.numbers,
        });
        self
    }

    /// The modules, for a later run.
    #[must_use]
    pub fn into_modules(self) -> Modules {
        let tables = self.tables.into_inner();
        let tables = tables.expect("no panic while the lock is held");
        Modules {
            all: tables.modules,
            numbers: tables.numbers,
        }
    }

    /// The module with this id.
    #[must_use]
    pub fn module(&self, id: ModuleId) -> Arc<LoadedModule> {
        let module = self
            .tables
            .read()
            .expect("no panic while the lock is held")
            .modules[id.0 as usize]
            .clone();
        if let Some(file) = &module.file {
            trace::note_file(file.id);
        }
        module
    }

    /// Whether a file is loaded, and a part of it that was lowered cannot be parsed.
    #[must_use]
    pub fn is_broken(&self, file: &SourceFile) -> bool {
        let known = self.lookup_path(&file.real_path).flatten();
        known.is_some_and(|id| !self.module(id).broken().is_empty())
    }

    /// Forgets the lowered bodies that can be lowered again.
    pub(crate) fn forget_bodies(&mut self) {
        let tables = self.tables.get_mut();
        for module in &mut tables.expect("no panic while the lock is held").modules {
            // Code that still holds the module keeps its bodies.
            let Some(module) = Arc::get_mut(module) else {
                continue;
            };
            let broken = module.ir.forget_bodies().into_iter();
            module
                .broken
                .extend(broken.map(|(reason, offset)| ModuleProblem {
                    reason,
                    offset: Some(offset),
                }));
        }
    }

    /// How many modules have been lowered.
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
    /// When no part of the file can be parsed.
    pub fn add_file(&self, file: &Arc<SourceFile>) -> Result<ModuleId, ModuleProblem> {
        if let Some(id) = self.known(file) {
            return Ok(id);
        }
        let lowered = frontend::lower_lazily(file.language, &file.text)?;
        Ok(self.insert_file(file, lowered))
    }

    /// Lowers source files in parallel. Modules are numbered in the order of the files. `whole`
    /// says for each file whether to read it as a whole at once.
    pub fn add_files(
        &self,
        files: &[Arc<SourceFile>],
        whole: &[bool],
    ) -> Vec<Result<Result<ModuleId, ModuleProblem>, Bug>> {
        let lower = |file: &SourceFile, whole: bool| {
            if whole {
                frontend::lower_intact(file.language, &file.text)
            } else {
                frontend::lower_lazily(file.language, &file.text)
            }
        };
        let lowered: Vec<_> = files
            .par_iter()
            .zip(whole)
            .map(|(file, whole)| match self.known(file) {
                Some(id) => Ok(Err(id)),
                None => fence::catch(|| lower(file, *whole)).map(Ok),
            })
            .collect();
        let added = files.iter().zip(lowered).map(|(file, lowered)| {
            lowered.map(|lowered| match lowered {
                Err(id) => Ok(id),
                Ok(Ok(lowered)) => Ok(self.insert_file(file, lowered)),
                Ok(Err(error)) => Err(error.into()),
            })
        });
        added.collect()
    }

    fn insert_file(&self, file: &Arc<SourceFile>, lowered: Lowered) -> ModuleId {
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
            lowered,
            folder,
            is_package,
        )
    }

    /// The module of a file, if there is one already, or an earlier run has made it of the same file.
    fn known(&self, file: &Arc<SourceFile>) -> Option<ModuleId> {
        if let Some(Some(id)) = self.lookup_path(&file.real_path) {
            return Some(id);
        }
        let mut tables = self
            .tables
            .write()
            .expect("no panic while the lock is held");
        let id = tables.earlier(file)?;
        tables.by_path.insert(file.real_path.clone(), Some(id));
        Some(id)
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
        lowered: Lowered,
        folder: PathBuf,
        is_package: bool,
    ) -> ModuleId {
        let ir = lowered.module;
        let mut mutated_globals = HashSet::new();
        let mut stored = HashSet::new();
        // A body that stores to a global name is never left out.
        let bodies = ir.outer_functions().filter_map(|(_, f)| f.body.known());
        for body in bodies.map(|content| &content.body) {
            stored.extend(stored_fields(body).cloned());
            for s in body.blocks.iter().flat_map(|b| &b.statements) {
                if let StatementKind::SetGlobal { name, .. } = &s.kind {
                    mutated_globals.insert(name.clone());
                }
            }
        }
        let mut tables = self
            .tables
            .write()
            .expect("no panic while the lock is held");
        if let Some(Some(id)) = tables.by_path.get(&key) {
            return *id;
        }
        let next = ModuleId(u32::try_from(tables.modules.len()).expect("fewer than 2^32 modules"));
        let id = *tables.numbers.entry(key.clone()).or_insert(next);
        let module = Arc::new(LoadedModule {
            id,
            file,
            ir,
            folder,
            is_package,
            mutated_globals,
            stored_fields: stored,
            broken: lowered.broken.into_iter().map(Into::into).collect(),
            left_out_stores: Mutex::default(),
            derived: Derived::default(),
        });
        match tables.modules.get_mut(id.0 as usize) {
            Some(outdated) => *outdated = module,
            None => tables.modules.push(module),
        }
        tables.by_path.insert(key, Some(id));
        id
    }

    /// Loads the module at a path; `None` if there is none, or it cannot be read or parsed.
    pub(super) fn load(&self, path: &Path) -> Option<ModuleId> {
        if let Some(known) = self.lookup_path(path) {
            if known.is_none() {
                self.note_unusable(path);
            }
            return known;
        }
        let found = if self.sources.is_folder(path) {
            Some(self.insert(
                path.to_path_buf(),
                None,
                Lowered {
                    module: ir::Module::new(
                        Vec::new(),
                        false,
                        Vec::new(),
                        vec![ir::NameScope::new(None, ir::ScopeKind::Module)],
                        Vec::new(),
                    ),
                    broken: Vec::new(),
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
        if found.is_none() {
            self.note_unusable(path);
        }
        found
    }

    /// Notes that a file cannot be read or parsed.
    fn note_unusable(&self, path: &Path) {
        if let Ok(file) = self.sources.load(path) {
            trace::note_file(file.id);
        }
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
}

fn is_identifier(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c == '_' || c.is_alphanumeric())
}
