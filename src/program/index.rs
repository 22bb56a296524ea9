//! The index of classes by name: which files may define a class that inherits from another one.
//!
//! It is made from sketches, before anything is parsed. Names are followed wherever they may lead,
//! so it may find too many subclasses, but never too few.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::frontend::sketch::Sketch;
use crate::ir::Name;

/// Whether two sketches of a file name the same classes, so that they make the same index.
#[must_use]
pub fn name_the_same(one: &Sketch, other: &Sketch) -> bool {
    one.classes == other.classes && one.aliases == other.aliases
}

/// Which classes of which files name other classes as their bases.
#[derive(Default, Debug)]
pub struct ClassIndex {
    /// For each word in a list of bases: the files, and the classes in them.
    by_base: FxHashMap<Name, Vec<(usize, Name)>>,
    /// For each name: the names that may stand for it.
    stand_ins: FxHashMap<Name, FxHashSet<Name>>,
}

impl ClassIndex {
    /// The index of these files, which are given by their numbers.
    pub fn new<'s>(sketches: impl Iterator<Item = (usize, &'s Sketch)>) -> Self {
        let mut index = Self::default();
        for (file, sketch) in sketches {
            for class in &sketch.classes {
                for base in &class.bases {
                    let heirs = index.by_base.entry(base.clone()).or_default();
                    heirs.push((file, class.name.clone()));
                }
            }
            for (name, other) in &sketch.aliases {
                let names = index.stand_ins.entry(other.clone()).or_default();
                names.insert(name.clone());
            }
        }
        index
    }

    /// Whether any class may inherit from one with this name.
    #[must_use]
    pub fn has_heirs(&self, name: &Name) -> bool {
        let mut seen = FxHashSet::default();
        let mut work = vec![name.clone()];
        while let Some(name) = work.pop() {
            if self.by_base.contains_key(&name) {
                return true;
            }
            if seen.insert(name.clone()) {
                work.extend(self.stand_ins.get(&name).into_iter().flatten().cloned());
            }
        }
        false
    }

    /// The files that define a direct or indirect subclass of one of these names.
    #[must_use]
    pub fn files_below(&self, names: impl IntoIterator<Item = Name>) -> FxHashSet<usize> {
        self.classes_below(names).into_keys().collect()
    }

    /// The same files, with the number of such subclasses in each. A class with several bases among
    /// them counts several times.
    #[must_use]
    pub fn classes_below(&self, names: impl IntoIterator<Item = Name>) -> FxHashMap<usize, usize> {
        let mut files: FxHashMap<usize, usize> = FxHashMap::default();
        let mut seen = FxHashSet::default();
        let mut work: Vec<Name> = names.into_iter().collect();
        while let Some(name) = work.pop() {
            if !seen.insert(name.clone()) {
                continue;
            }
            for (file, heir) in self.by_base.get(&name).into_iter().flatten() {
                *files.entry(*file).or_default() += 1;
                work.push(heir.clone());
            }
            work.extend(self.stand_ins.get(&name).into_iter().flatten().cloned());
        }
        files
    }
}
