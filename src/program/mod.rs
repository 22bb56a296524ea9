//! The linked program: modules loaded on demand, names resolved across files, classes with their
//! method resolution order.
//!
//! Every answer may be "unknown", which is preferred to a guess. Only what a question needs is
//! loaded: linting one file reads that file and what its bases and helpers lead to.

mod attributes;
mod classes;
pub mod exceptions;
mod index;
mod modules;
mod outside;
mod resolve;
mod roots;
mod trees;

pub(crate) use classes::is_transparent as is_transparent_base;
pub use classes::{Lookup, MemberDef, Mro, MroEntry};
pub use index::{ClassIndex, name_the_same};
pub use modules::{LoadedModule, ModuleId, ModuleProblem, Modules, Program};
pub use outside::{OutsideCall, OutsideCalls};
pub use resolve::Def;
pub use roots::marks_project;

use crate::ir::{ClassIdx, FuncIdx};

/// A function of the program.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct FuncRef {
    /// Its module.
    pub module: ModuleId,
    /// Its index there.
    pub func: FuncIdx,
}

/// A class of the program.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct ClassRef {
    /// Its module.
    pub module: ModuleId,
    /// Its index there.
    pub class: ClassIdx,
}

#[cfg(test)]
mod tests;
