//! The folders that absolute imports are looked for in.
//!
//! Which folders are on Python's path is not written in the code. So they are guessed from what
//! surrounds a file, from near to far. An import leads to the first root that has all of it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use crate::ir::Name;
use crate::order::Order as _;
use crate::program::Program;
use crate::program::modules::{LoadedModule, ModuleId};
use crate::source::{At, SourceFile, SourceMap};

/// How many folders above a file are searched for the top of its project.
const MAX_CLIMB: usize = 24;

/// How many folders are roots if nothing tells where the project ends: those from which scripts
/// are usually run.
const UNMARKED: usize = 3;

/// What only the top folder of a Python project has.
const PROJECT_MARKERS: &[&str] = &["pyproject.toml", "setup.py", "setup.cfg"];

/// What else marks a folder above which nothing belongs to the project.
const TOP_MARKERS: &[&str] = &[".git", ".hg", "tallylint.toml"];

/// What is at the top of a repository.
const REPOSITORY_MARKERS: &[&str] = &[".git", ".hg"];

/// What shows that a folder is part of a project, but not where the project ends: each service and
/// each job may have its own.
const INNER_MARKERS: &[&str] = &["requirements.txt"];

/// Whether a file or folder of this name tells where a project ends, so that imports may lead elsewhere if it comes or goes.
#[must_use]
pub fn marks_project(name: &str) -> bool {
    let all = [
        PROJECT_MARKERS,
        TOP_MARKERS,
        REPOSITORY_MARKERS,
        INNER_MARKERS,
    ];
    all.iter().any(|markers| markers.contains(&name))
}

/// What is asked of a run, as far as imports depend on it.
#[derive(Default)]
pub(super) struct Asked {
    /// The folders to check, by their real paths.
    folders: Vec<PathBuf>,
    /// The folders of the files to check, each once.
    around_files: Vec<PathBuf>,
    /// The tops of the Python projects in `folders`, once they were needed.
    projects: OnceLock<Vec<PathBuf>>,
}

impl Asked {
    pub(super) fn new(folders: &[PathBuf], files: &[Arc<SourceFile>]) -> Self {
        let parents = files.iter().filter_map(|file| file.real_path.parent());
        let mut around_files: Vec<PathBuf> = parents.map(Path::to_path_buf).collect();
        around_files.order();
        around_files.dedup();
        Self {
            folders: folders.to_vec(),
            around_files,
            projects: OnceLock::new(),
        }
    }

    /// The innermost checked folder around a folder.
    fn checked(&self, folder: &Path) -> Option<&Path> {
        let named = self.folders.iter().map(PathBuf::as_path);
        named
            .filter(|checked| folder.starts_with(checked))
            .max_by_key(|checked| checked.components().count())
    }

    fn projects(&self, sources: &SourceMap) -> &[PathBuf] {
        self.projects.get_or_init(|| {
            let mut found = Vec::new();
            let mut seen = std::collections::BTreeSet::new();
            for folder in &self.around_files {
                let Some(top) = self.folders.iter().find(|top| folder.starts_with(top)) else {
                    continue;
                };
                for around in folder.ancestors().take_while(|at| at.starts_with(top)) {
                    if !seen.insert(around.to_path_buf()) {
                        break;
                    }
                    if has_any(sources, around, PROJECT_MARKERS) {
                        found.push(around.to_path_buf());
                    }
                }
            }
            found
        })
    }
}

fn has_any(sources: &SourceMap, folder: &Path, markers: &[&str]) -> bool {
    let there = |marker: &&str| sources.at(&folder.join(marker)) != At::Nothing;
    markers.iter().any(there)
}

/// What an absolute import leads to.
pub(super) enum Imported {
    /// A module of the program.
    Module(ModuleId),
    /// Nothing in the program.
    Nothing,
    /// One of several modules.
    Several,
}

impl Program<'_> {
    /// The roots for the modules in a folder, from near to far: the folder above the outermost
    /// package, every folder from there up to the top of the project, then the folder that is
    /// checked, the working directory and the top of the repository as far as they are above; each
    /// also with `src`. What the configuration says comes last.
    pub(crate) fn import_roots_of(&self, folder: &Path) -> Arc<Vec<PathBuf>> {
        self.roots
            .get(folder.to_path_buf(), || Arc::new(self.find_roots(folder)))
    }

    /// What the run as a whole says about where imports lead, as text.
    #[must_use]
    pub fn surroundings(&self) -> String {
        let projects = self.asked.projects(self.sources);
        format!("{:?}{projects:?}{:?}", self.asked.folders, self.more_roots)
    }

    fn find_roots(&self, folder: &Path) -> Vec<PathBuf> {
        let sources = self.sources;
        let is_package = |at: &&Path| sources.is_file(&at.join("__init__.py"));
        let outside = folder.ancestors().find(|at| !is_package(at));
        let above = outside.unwrap_or(folder).ancestors();
        let above: Vec<&Path> = above.take(MAX_CLIMB + 1).collect();
        let checked = self.asked.checked(folder);
        let top_of = |markers| above.iter().position(|at| has_any(sources, at, markers));
        let top = top_of(PROJECT_MARKERS)
            .into_iter()
            .chain(top_of(TOP_MARKERS))
            .min();
        let top = top.unwrap_or_else(|| {
            let checked = above.iter().position(|at| Some(*at) == checked);
            let last = [top_of(INNER_MARKERS), checked, Some(UNMARKED - 1)];
            last.into_iter().flatten().max().unwrap_or_default()
        });
        let near = above.iter().take(top + 1).copied();
        let repository = top_of(REPOSITORY_MARKERS).map(|at| above[at]);
        let far = [checked, Some(sources.cwd()), repository];
        // A folder inside the package is no root: modules below it have longer names.
        let is_above = |at: &&Path| above.contains(at);
        let mut far: Vec<&Path> = far.into_iter().flatten().filter(is_above).collect();
        far.order_by_key(|at| std::cmp::Reverse(at.components().count()));
        let mut found: Vec<PathBuf> = Vec::new();
        let said = self.more_roots.iter();
        let said = said.filter(|said| folder.starts_with(&said.below));
        let said: Vec<&PathBuf> = said.flat_map(|said| &said.folders).collect();
        for root in near.chain(far) {
            for root in [root.to_path_buf(), root.join("src")] {
                if !found.contains(&root) && sources.is_folder(&root) {
                    found.push(root);
                }
            }
        }
        for root in said {
            if !found.contains(root) {
                found.push(root.clone());
            }
        }
        found
    }

    /// The module of an absolute import, and `name` is what is imported from it. A module with a
    /// file is taken from the nearest root that has one. A folder without `__init__.py` counts only
    /// if it has a module of that name, because it may as well hold something else.
    pub(super) fn absolute(
        &self,
        m: &LoadedModule,
        parts: &[Name],
        name: Option<&Name>,
    ) -> Imported {
        let Some(first) = parts.first() else {
            return Imported::Nothing;
        };
        let (mut is_own, mut bare) = (false, None);
        for root in self.import_roots_of(&m.folder).iter() {
            let is_there = self.sources.is_folder(&root.join(first.as_str()))
                || self.sources.is_file(&root.join(format!("{first}.py")));
            is_own |= is_there;
            let Some(id) = is_there.then(|| self.descend(root, parts)).flatten() else {
                continue;
            };
            let found = self.module(id);
            let leads_on = |name: &Name| self.child(&found.folder, name).is_some();
            if found.file.is_some() || name.is_some_and(leads_on) {
                return Imported::Module(id);
            }
            if name.is_none() {
                bare = bare.or(Some(id));
            }
        }
        // What the own project has is not looked for in others.
        match bare {
            Some(id) => Imported::Module(id),
            None if is_own => Imported::Nothing,
            None => self.in_other_project(first, parts),
        }
    }

    /// The module in another project of the run.
    fn in_other_project(&self, first: &Name, parts: &[Name]) -> Imported {
        let mut found = Imported::Nothing;
        for project in self.asked.projects(self.sources) {
            for root in [project.clone(), project.join("src")] {
                let package = root.join(first.as_str()).join("__init__.py");
                if !self.sources.is_file(&package) {
                    continue;
                }
                let id = self.descend(&root, parts);
                let Some(id) = id.filter(|id| self.module(*id).file.is_some()) else {
                    continue;
                };
                found = match found {
                    Imported::Module(other) if other != id => return Imported::Several,
                    _ => Imported::Module(id),
                };
            }
        }
        found
    }

    /// The module with a dotted name below a folder.
    pub(super) fn descend(&self, root: &Path, parts: &[Name]) -> Option<ModuleId> {
        let (last, packages) = parts.split_last()?;
        let mut folder = root.to_path_buf();
        for part in packages {
            folder.push(part.as_str());
            if !self.sources.is_folder(&folder) {
                return None;
            }
        }
        self.child(&folder, last)
    }
}
