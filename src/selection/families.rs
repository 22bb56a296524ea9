//! Which files hold the families that may come close to a contract: the classes below a base that
//! define one of its methods again.
//!
//! Only sketches are asked, so a family may seem to have more classes than it has, and never fewer.
//! It is chosen with every file that may define its method, or not at all.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::Arc;

use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

use super::{Loaded, Selection};
use crate::contracts::suggest::{MIN_DEFINITIONS, is_test};
use crate::frontend::sketch::{Sketch, speaks_of_how_much};
use crate::ir::Name;
use crate::program::{ClassIndex, Program};

/// At most this many files are parsed for families.
const MAX_FILES: usize = 200;

/// A family, as the sketches show it.
struct Kin<'s> {
    base: &'s Name,
    hook: &'s Name,
    /// The files that may define the method, each with its number of classes below the base.
    files: Vec<(usize, usize)>,
}

/// The families of a run.
pub(crate) struct Families<'f, 'a> {
    selection: &'f Selection<'a>,
    index: Arc<ClassIndex>,
}

impl<'f, 'a> Families<'f, 'a> {
    pub(crate) fn new(selection: &'f Selection<'a>) -> Self {
        Self {
            selection,
            index: selection.index(),
        }
    }

    /// Loads the families that may say how much was done, those with the most such classes first, as
    /// many as there is room for. `is_hook` tells of a name whether such a method counts.
    ///
    /// No rule needs these files, so one that is broken is no failure: it is left out.
    pub(crate) fn load(&self, program: &Program<'_>, is_hook: fn(&str) -> bool) -> Vec<Loaded> {
        let mut chosen: BTreeSet<usize> = BTreeSet::new();
        for kin in self.by_promise(is_hook) {
            let more = kin.files.iter().filter(|(at, _)| !chosen.contains(at));
            if chosen.len() + more.count() <= MAX_FILES {
                chosen.extend(kin.files.iter().map(|(at, _)| at));
            }
        }
        chosen.extend(self.unsketched());
        let chosen = chosen.into_iter();
        let mut loaded = self.selection.load(program, chosen, &mut Vec::new());
        loaded.retain(|(_, module)| program.module(*module).broken().is_empty());
        loaded
    }

    /// Whether all definitions of a method below a base class are in these files.
    pub(crate) fn are_whole_in(&self, loaded: &[Loaded], base: &str, hook: &str) -> bool {
        let is_loaded = |at: usize| loaded.binary_search_by_key(&at, |(at, _)| *at).is_ok();
        let hook = Name::new(hook);
        let below = self.index.files_below([Name::new(base)]).into_iter();
        let mut needed = below.filter(|at| self.may_define(*at, &hook));
        needed.all(is_loaded) && self.unsketched().all(is_loaded)
    }

    /// The files that are always read as a whole.
    fn unsketched(&self) -> impl Iterator<Item = usize> {
        let sketches = self.selection.sketches.iter().enumerate();
        sketches.filter_map(|(at, sketch)| sketch.is_none().then_some(at))
    }

    /// Whether a file that is no test may define a method.
    fn may_define(&self, at: usize, hook: &Name) -> bool {
        let sketch = &self.selection.sketches[at];
        let defines = |sketch: &Arc<Sketch>| sketch.functions.binary_search(hook).is_ok();
        sketch.as_ref().is_none_or(defines) && !is_test(&self.selection.files[at].display)
    }

    /// The families with a file that speaks of how much was done, and with few enough files. First
    /// come those with the most classes in such files.
    fn by_promise(&self, is_hook: fn(&str) -> bool) -> Vec<Kin<'_>> {
        let mut all = self.all(is_hook);
        let files: BTreeSet<usize> = all.iter().flat_map(|kin| &kin.files).map(|f| f.0).collect();
        let files: Vec<usize> = files.into_iter().collect();
        let texts = self.selection.files;
        let speak: FxHashSet<usize> = files
            .into_par_iter()
            .filter(|at| speaks_of_how_much(&texts[*at].text))
            .collect();
        let promise = |kin: &Kin<'_>| -> usize {
            let files = kin.files.iter().filter(|(at, _)| speak.contains(at));
            files.map(|(_, classes)| classes).sum()
        };
        all.retain(|kin| promise(kin) > 0);
        all.sort_by_cached_key(|kin| (Reverse(promise(kin)), kin.base, kin.hook));
        all
    }

    /// The families with enough classes, and with few enough files.
    fn all(&self, is_hook: fn(&str) -> bool) -> Vec<Kin<'_>> {
        let sketches = self.selection.sketches.iter().flatten();
        let mut hooks: FxHashMap<&Name, BTreeSet<&Name>> = FxHashMap::default();
        for sketch in sketches {
            let bases = sketch.classes.iter().map(|class| &class.name);
            for base in bases.filter(|name| self.index.has_heirs(name)) {
                let named = sketch.functions.iter().filter(|name| is_hook(name));
                hooks.entry(base).or_default().extend(named);
            }
        }
        let mut out = Vec::new();
        for (base, hooks) in hooks {
            let mut below: Vec<(usize, usize)> = self
                .index
                .classes_below([base.clone()])
                .into_iter()
                .filter(|(at, _)| !is_test(&self.selection.files[*at].display))
                .collect();
            if below.iter().map(|(_, classes)| classes).sum::<usize>() < MIN_DEFINITIONS {
                continue;
            }
            below.sort_unstable();
            let mut found: FxHashMap<&Name, Vec<(usize, usize)>> = FxHashMap::default();
            for (at, classes) in below {
                let functions = self.selection.sketches[at].iter();
                for name in functions.flat_map(|sketch| &sketch.functions) {
                    if hooks.contains(name) {
                        found.entry(name).or_default().push((at, classes));
                    }
                }
            }
            out.extend(
                found
                    .into_iter()
                    .map(|(hook, files)| Kin { base, hook, files }),
            );
        }
        let classes = |kin: &Kin<'_>| kin.files.iter().map(|(_, classes)| classes).sum::<usize>();
        out.retain(|kin| kin.files.len() <= MAX_FILES && classes(kin) >= MIN_DEFINITIONS);
        out
    }
}
