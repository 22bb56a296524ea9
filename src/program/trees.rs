//! Trees of modules that declare each other (`mod x;`), and the locations of their files.

use std::path::{Path, PathBuf};

use crate::ir::Relative;
use crate::program::Program;
use crate::program::modules::{LoadedModule, ModuleId};
use crate::source::SourceMap;

/// Names of files that are the module of their folder.
const FOLDER_MODULES: &[&str] = &["mod.rs", "lib.rs", "main.rs"];

/// How many folders above a file are searched for the root of its tree.
const MAX_CLIMB: usize = 24;

impl Program<'_> {
    /// The module at a position relative to another module.
    pub(super) fn relative(&self, m: &LoadedModule, place: &Relative) -> Option<ModuleId> {
        if *place == Relative::This {
            return Some(m.id);
        }
        self.relatives
            .get((m.id, place.clone()), || self.find_relative(m, place))
    }

    fn find_relative(&self, m: &LoadedModule, place: &Relative) -> Option<ModuleId> {
        let file = m.file.as_ref().map(|file| file.real_path.clone())?;
        match place {
            Relative::This => Some(m.id),
            Relative::File(path) => {
                let folder = file.parent()?;
                self.existing(&normal(&folder.join(path.as_str())))
            }
            Relative::Child(names) => {
                let (last, blocks) = names.split_last()?;
                let mut folder = children(self.sources, &file)?;
                folder.extend(blocks.iter().map(|block| block.as_str()));
                self.existing(&folder.join(format!("{last}.rs")))
                    .or_else(|| self.existing(&folder.join(last.as_str()).join("mod.rs")))
            }
            Relative::Parent => parent(self.sources, &file).and_then(|path| self.existing(&path)),
            Relative::Root => root(self.sources, &file).and_then(|path| self.existing(&path)),
        }
    }

    fn existing(&self, path: &Path) -> Option<ModuleId> {
        self.sources
            .is_file(path)
            .then(|| self.load(path))
            .flatten()
    }
}

/// The path without `.` and `..`.
fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::CurDir => {}
            std::path::Component::ParentDir => {
                out.pop();
            }
            part => out.push(part),
        }
    }
    out
}

/// The folder that contains the modules that a file declares.
fn children(sources: &SourceMap, file: &Path) -> Option<PathBuf> {
    let folder = file.parent()?;
    if is_folder_module(file) || is_target(sources, file) {
        return Some(folder.to_path_buf());
    }
    Some(folder.join(file.file_stem()?))
}

fn is_folder_module(file: &Path) -> bool {
    file.file_name()
        .and_then(|name| name.to_str())
        .is_some_and(|name| FOLDER_MODULES.contains(&name))
}

/// Whether the file is the root of a binary, an example or a test of its package.
fn is_target(sources: &SourceMap, file: &Path) -> bool {
    let Some(folder) = file.parent() else {
        return false;
    };
    let Some(around) = folder.parent() else {
        return false;
    };
    match folder.file_name().and_then(|name| name.to_str()) {
        Some("bin") => {
            around.file_name().is_some_and(|name| name == "src")
                && around
                    .parent()
                    .is_some_and(|top| sources.is_file(&top.join("Cargo.toml")))
        }
        Some("tests" | "examples" | "benches") => sources.is_file(&around.join("Cargo.toml")),
        _ => false,
    }
}

/// The module that a folder stands for: a file in it or beside it.
fn of_folder(sources: &SourceMap, folder: &Path) -> Option<PathBuf> {
    let inside = FOLDER_MODULES.iter().map(|name| folder.join(name));
    let beside = folder.with_extension("rs");
    inside.chain([beside]).find(|path| sources.is_file(path))
}

/// The file that declares the module of this file.
fn parent(sources: &SourceMap, file: &Path) -> Option<PathBuf> {
    let folder = file.parent()?;
    let name = file.file_name()?.to_str()?;
    match name {
        "lib.rs" | "main.rs" => None,
        "mod.rs" => of_folder(sources, folder.parent()?),
        _ if is_target(sources, file) => None,
        _ => of_folder(sources, folder),
    }
}

/// The root of the tree of a file, or the file itself if no other root is found.
fn root(sources: &SourceMap, file: &Path) -> Option<PathBuf> {
    if is_target(sources, file) || matches!(file.file_name()?.to_str()?, "lib.rs" | "main.rs") {
        return Some(file.to_path_buf());
    }
    let mut folder = file.parent()?;
    for _ in 0..MAX_CLIMB {
        for name in ["lib.rs", "main.rs"] {
            let path = folder.join(name);
            if sources.is_file(&path) {
                return Some(path);
            }
        }
        if sources.is_file(&folder.join("Cargo.toml")) {
            break;
        }
        folder = folder.parent()?;
    }
    // There is no package: take the topmost file that declares it.
    let mut top = file.to_path_buf();
    for _ in 0..MAX_CLIMB {
        match parent(sources, &top) {
            Some(next) if next != top => top = next,
            _ => break,
        }
    }
    Some(top)
}
