//! Which files are read, and how much of each.
//!
//! Most files of a repository cannot matter to any selected rule. Each rule says what it needs to
//! see ([`Interest`]); this module turns that into files. A file is parsed as a whole if a class in
//! it may have to keep a contract, or may imply one. Of other files, only those functions are
//! parsed that pass a rule's glance at their words. All remaining files are only sketched.
//!
//! This is an optimisation and decides nothing about code: what is left out could not have led to a
//! finding.

mod families;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use aho_corasick::AhoCorasick;
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};
use serde::{Deserialize, Serialize};

use crate::contracts;
use crate::diagnostics::FileFailure;
use crate::discover::Coverage;
use crate::fence;
use crate::frontend::sketch::{self, Search, Sketch};
use crate::ir::{FuncIdx, Function, Name};
use crate::program::{
    ClassIndex, ClassRef, LoadedModule, Lookup, ModuleId, ModuleProblem, Program, name_the_same,
};
use crate::rules::{Interest, WORDS};
use crate::settings::{NamePattern, Reading};
use crate::source::{SourceFile, SourceMap};

pub(crate) use families::Families;

/// The files of a run, with their sketches.
pub(crate) struct Selection<'a> {
    sources: &'a SourceMap,
    files: &'a [Arc<SourceFile>],
    interests: &'a [Interest],
    /// `None` for a file that has to be read as a whole.
    sketches: Vec<Option<Arc<Sketch>>>,
    /// Files that define, call or name a member of interest.
    named: Vec<bool>,
    /// The classes of the sketched files, once they were needed.
    index: OnceLock<Arc<ClassIndex>>,
}

/// The sketches of an earlier run, which hold for the same texts and interests.
#[derive(Clone, Default, Debug, Serialize, Deserialize)]
pub struct KeptSketches {
    /// What tells the interests.
    under: String,
    /// By the languages and the digests of the texts.
    of: FxHashMap<String, KeptSketch>,
    /// In memory: the index of their classes.
    #[serde(skip)]
    indexed: Option<Indexed>,
}

/// The index of the classes in the sketches of files.
#[derive(Clone, Debug)]
struct Indexed {
    /// In the order of the files.
    sketches: Vec<Option<Arc<Sketch>>>,
    index: Arc<ClassIndex>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct KeptSketch {
    sketch: Option<Arc<Sketch>>,
    named: bool,
}

/// What a sketch is made of.
fn text_of(file: &SourceFile) -> String {
    format!("{:?} {}", file.language, file.digest())
}

impl KeptSketches {
    /// None, for interests that `under` tells.
    pub(crate) fn none(under: String) -> Self {
        Self {
            under,
            of: FxHashMap::default(),
            indexed: None,
        }
    }

    /// These, if they are for the same interests.
    pub(crate) fn for_interests(&self, under: &str) -> Option<&Self> {
        (self.under == under).then_some(self)
    }

    /// The index of the classes in these sketches, if they name the same ones as those of the earlier run.
    fn index(&self, sketches: &[Option<Arc<Sketch>>]) -> Option<Arc<ClassIndex>> {
        let indexed = self.indexed.as_ref()?;
        let known = &indexed.sketches;
        let same = |(one, other): (&Option<Arc<Sketch>>, &Option<Arc<Sketch>>)| match (one, other) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other) || name_the_same(one, other),
            (None, None) => true,
            _ => false,
        };
        let is_same = known.len() == sketches.len() && known.iter().zip(sketches).all(same);
        is_same.then(|| Arc::clone(&indexed.index))
    }

    fn get(&self, file: &SourceFile) -> Option<(Option<Arc<Sketch>>, bool)> {
        let known = self.of.get(&text_of(file))?;
        Some((known.sketch.clone(), known.named))
    }
}

/// Whether a method may be overridden, by the number of the file that calls it and its name.
type MayBeHook<'a> = &'a (dyn Fn(usize, &str) -> bool + Sync);

/// The same, and whether a class of this name may have subclasses. Only such classes imply a contract for
/// others.
type Asked<'a> = (MayBeHook<'a>, &'a (dyn Fn(&Name) -> bool + Sync));

/// A loaded file, by its number, with its module.
pub(crate) type Loaded = (usize, ModuleId);

impl<'a> Selection<'a> {
    /// Sketches all files that need not be read as a whole.
    pub(crate) fn new(
        sources: &'a SourceMap,
        files: &'a [Arc<SourceFile>],
        coverage: &Coverage,
        interests: &'a [Interest],
        (reading, kept): (Reading, Option<&KeptSketches>),
    ) -> Self {
        let walked = |file: &SourceFile| coverage.walked(&file.real_path);
        if reading == Reading::Everything {
            return Self {
                sources,
                files,
                interests,
                sketches: files.iter().map(|_| None).collect(),
                named: vec![true; files.len()],
                index: OnceLock::new(),
            };
        }
        let naming = Naming::new(interests);
        let glances = interests.iter().filter_map(|interest| interest.glances());
        let glances: Vec<_> = glances.collect();
        let ready = || glances.iter().map(|make| make()).collect::<Vec<_>>();
        let search = Search::new(ready().iter().map(|glance| &**glance));
        let (sketches, named): (Vec<_>, _) = files
            .par_iter()
            .map_init(ready, |glances, file| {
                if !walked(file) {
                    return (None, true);
                }
                if let Some(known) = kept.and_then(|kept| kept.get(file)) {
                    return known;
                }
                let sketch = sketch::sketch(file.language, &file.text, glances, &search);
                let named = naming.is_in(&file.text, sketch.as_ref());
                (sketch.map(Arc::new), named)
            })
            .unzip();
        let index = kept.and_then(|kept| kept.index(&sketches));
        Self {
            sources,
            files,
            interests,
            sketches,
            named,
            index: index.map(OnceLock::from).unwrap_or_default(),
        }
    }

    /// The sketches, for a run with interests that `under` tells.
    pub(crate) fn kept(&self, under: String, coverage: &Coverage) -> KeptSketches {
        let mut out = KeptSketches::none(under);
        out.indexed = self.index.get().map(|index| Indexed {
            sketches: self.sketches.clone(),
            index: Arc::clone(index),
        });
        let sketches = self.sketches.iter().zip(&self.named);
        for (file, (sketch, named)) in self.files.iter().zip(sketches) {
            // A file that was named is read as a whole, whatever is in it.
            if coverage.walked(&file.real_path) {
                let (sketch, named) = (sketch.clone(), *named);
                let of_file = KeptSketch { sketch, named };
                out.of.insert(text_of(file), of_file);
            }
        }
        out
    }

    /// The files with a function that matters by itself, whatever class it is in.
    pub(crate) fn functions(&self) -> Vec<usize> {
        let all = self.interests.iter().any(Interest::wants_all_functions);
        let some = |sketch: &Arc<Sketch>| sketch.matters.iter().any(|starts| !starts.is_empty());
        let matters = |at: &usize| all || self.sketches[*at].as_ref().is_none_or(some);
        (0..self.files.len()).filter(matters).collect()
    }

    /// The classes of the sketched files.
    fn index(&self) -> Arc<ClassIndex> {
        let make = || {
            let sketches = self.sketches.iter().enumerate();
            let known = sketches.filter_map(|(at, sketch)| Some((at, sketch.as_deref()?)));
            Arc::new(ClassIndex::new(known))
        };
        Arc::clone(self.index.get_or_init(make))
    }

    /// Loads the files with classes that matter, in the order of the files.
    pub(crate) fn load_classes(
        &self,
        program: &Program<'_>,
        coverage: &Coverage,
        failed: &mut Vec<FileFailure>,
    ) -> Vec<Loaded> {
        let members = self
            .interests
            .iter()
            .flat_map(|i| i.members.iter().cloned());
        let members: Vec<NamePattern> = members.collect();
        let beliefs = self.interests.iter().any(|i| i.beliefs);
        let by_name = |i: &Interest| !i.functions_named.is_empty() || !i.decorators.is_empty();
        if members.is_empty() && !beliefs && !self.interests.iter().any(by_name) {
            return Vec::new();
        }
        let index = self.index();
        let hooks = if beliefs {
            self.hooks()
        } else {
            FxHashMap::default()
        };
        let may_be_hook = |at: usize, name: &str| self.may_be_hook(&hooks, at, name);
        let roots = Roots::new(self.sources, program, coverage);
        let FirstChoice {
            mut whole,
            to_probe,
        } = self.first_choice(&index, roots, beliefs.then_some(&hooks));
        // The names of classes whose subclasses matter, because they define a member or imply a
        // contract.
        let mut hot: Vec<Name> = Vec::new();
        let all_sketched = self.sketches.iter().all(Option::is_some);
        let may_have_heirs = |class: &Name| !all_sketched || index.has_heirs(class);
        for (file, class) in self.probe(program, &to_probe, (&may_be_hook, &may_have_heirs)) {
            whole.insert(file);
            hot.push(class);
        }
        let mut loaded = self.load(program, whole.iter().copied(), failed);
        for at in &whole {
            if self.named[*at]
                && let Some(sketch) = &self.sketches[*at]
            {
                hot.extend(sketch.classes.iter().map(|class| class.name.clone()));
            }
        }
        hot.extend(binding_classes(
            program,
            &loaded,
            &members,
            beliefs.then_some((&may_be_hook, &may_have_heirs)),
        ));
        let below = index.files_below(hot);
        let more: BTreeSet<usize> = below.into_iter().filter(|at| !whole.contains(at)).collect();
        loaded.extend(self.load(program, more.into_iter(), failed));
        loaded.sort_unstable();
        loaded
    }

    /// Chooses files by their sketches alone.
    fn first_choice(
        &self,
        index: &ClassIndex,
        mut roots: Roots<'_, '_>,
        hooks: Option<&FxHashMap<&Name, (usize, usize)>>,
    ) -> FirstChoice {
        let mut choice = FirstChoice::default();
        let mut inheriting = None;
        for (at, sketch) in self.sketches.iter().enumerate() {
            let Some(sketch) = sketch else {
                choice.whole.insert(at);
                continue;
            };
            let mut implies = || {
                hooks.as_ref().is_some_and(|hooks| {
                    let overridden = |hook: &Name| self.may_be_hook(hooks, at, hook);
                    // A method that looks something up may be inherited.
                    let mut inherits = || {
                        let inheriting =
                            inheriting.get_or_insert_with(|| self.below_looking(index));
                        inheriting.contains(&at)
                    };
                    sketch.classes.iter().any(|c| index.has_heirs(&c.name))
                        && (sketch.hooks.iter().any(overridden) || inherits())
                })
            };
            let inherits = || sketch.classes.iter().any(|class| !class.bases.is_empty());
            if self.named[at] || inherits() && roots.lead_out(&self.files[at], sketch) {
                choice.whole.insert(at);
            } else if implies() {
                choice.to_probe.push(at);
            }
        }
        choice
    }

    /// The classes in these files that depend on a method of `self`: their file and their name.
    fn probe(
        &self,
        program: &Program<'_>,
        numbers: &[usize],
        (hook, may_have_heirs): Asked<'_>,
    ) -> Vec<(usize, Name)> {
        let loaded = self.load(program, numbers.iter().copied(), &mut Vec::new());
        let found = loaded.par_iter().map(|(at, module)| {
            let mut classes: Vec<ClassRef> = program.classes(*module).collect();
            let module = program.module(*module);
            classes.retain(|class| may_have_heirs(&module.ir.class(class.class).name));
            // If this panics, every class of the file counts.
            let depend = fence::catch(|| {
                contracts::that_depend(program, &classes, WORDS, &|_, name| hook(*at, name))
            });
            let depend = depend.unwrap_or_else(|_| classes.into_iter().collect());
            let name = |class: ClassRef| (*at, module.ir.class(class.class).name.clone());
            depend.into_iter().map(name).collect::<Vec<_>>()
        });
        found.flatten().collect()
    }

    /// The files with classes below one in whose file a method looks something up in its receiver.
    fn below_looking(&self, index: &ClassIndex) -> FxHashSet<usize> {
        let looking = self.sketches.iter().flatten().filter(|s| s.looks_up);
        let classes = looking.flat_map(|s| s.classes.iter().map(|class| class.name.clone()));
        index.files_below(classes)
    }

    /// Whether a method of this name may be overridden by a class other than the one in a file that
    /// calls it.
    fn may_be_hook(&self, hooks: &FxHashMap<&Name, (usize, usize)>, at: usize, name: &str) -> bool {
        let many = |sketch: &Arc<Sketch>| sketch.classes.len() > 1;
        match hooks.get(&Name::new(name)) {
            Some((1, file)) => *file != at || self.sketches[at].as_ref().is_none_or(many),
            Some(_) => true,
            // The functions of files without a sketch are not known.
            None => self.sketches[at].is_none(),
        }
    }

    /// How many functions have each name, and the number of a file with one of them.
    fn hooks(&self) -> FxHashMap<&Name, (usize, usize)> {
        let mut out: FxHashMap<&Name, (usize, usize)> = FxHashMap::default();
        for (at, sketch) in self.sketches.iter().enumerate() {
            for name in sketch.iter().flat_map(|s| &s.functions) {
                let (count, file) = out.entry(name).or_insert((0, at));
                *count += 1;
                *file = at;
            }
        }
        out
    }

    /// Loads files, in order. A file of which nothing could be parsed is a failure.
    fn load(
        &self,
        program: &Program<'_>,
        chosen: impl Iterator<Item = usize>,
        failed: &mut Vec<FileFailure>,
    ) -> Vec<Loaded> {
        let numbers: Vec<usize> = chosen.collect();
        let files = numbers.iter().map(|at| Arc::clone(&self.files[*at]));
        let files: Vec<Arc<SourceFile>> = files.collect();
        let whole = |at: &usize| self.sketches[*at].is_none();
        let whole: Vec<bool> = numbers.iter().map(whole).collect();
        let mut out = Vec::new();
        let added = program.add_files(&files, &whole);
        for ((at, file), added) in numbers.iter().zip(&files).zip(added) {
            match added {
                Ok(Ok(module)) => out.push((*at, module)),
                Ok(Err(problem)) => failed.push(failure(file, problem)),
                Err(bug) => {
                    failed.push(FileFailure::internal(file.display.clone(), bug.to_string()));
                }
            }
        }
        out
    }

    /// Loads the files with functions that matter.
    pub(crate) fn load_functions(
        &self,
        program: &Program<'_>,
        failed: &mut Vec<FileFailure>,
    ) -> Vec<Loaded> {
        self.load(program, self.functions().into_iter(), failed)
    }

    /// Where the functions that matter to a rule start in a file, in order; `None` if all may
    /// matter.
    pub(crate) fn that_matter(&self, rule: &str, file: usize) -> Option<Vec<u32>> {
        let sketch = self.sketches[file].as_ref()?;
        let mut of_rule = self.interests.iter().filter(|i| i.rule == rule);
        if of_rule.any(Interest::wants_all_functions) {
            return None;
        }
        let glancing = self.interests.iter().filter(|i| i.glances().is_some());
        let each = glancing.zip(&sketch.matters);
        let own = each.filter(|(interest, _)| interest.rule == rule);
        let mut out: Vec<u32> = own.flat_map(|(_, starts)| starts.iter().copied()).collect();
        out.sort_unstable();
        out.dedup();
        Some(out)
    }

    /// The syntax errors in the loaded files.
    pub(crate) fn broken(
        &self,
        program: &Program<'_>,
        loaded: &BTreeSet<Loaded>,
    ) -> Vec<FileFailure> {
        let problems = loaded.iter().flat_map(|(at, module)| {
            let file = &self.files[*at];
            let problems = program.module(*module).broken().into_iter();
            problems.map(move |problem| failure(file, problem))
        });
        problems.collect()
    }
}

/// Which files name something that matters.
struct Naming {
    /// Finds the names without wildcards. Without it (the set of words is too large), every file counts.
    words: Option<AhoCorasick>,
    /// The names of functions with wildcards.
    functions: Vec<NamePattern>,
    /// Whether every file counts, because a decorator may have any name.
    all: bool,
}

impl Naming {
    fn new(interests: &[Interest]) -> Self {
        let of_functions = |i: &Interest| -> Vec<NamePattern> {
            i.members
                .iter()
                .chain(&i.functions_named)
                .cloned()
                .collect()
        };
        let functions: Vec<NamePattern> = interests.iter().flat_map(of_functions).collect();
        let decorators = || interests.iter().flat_map(|i| &i.decorators);
        let literal = functions.iter().chain(decorators());
        let words: BTreeSet<&str> = literal.filter_map(NamePattern::literal).collect();
        let all = decorators().any(|name| name.literal().is_none());
        Self {
            words: AhoCorasick::new(&words).ok(),
            all,
            functions: functions
                .into_iter()
                .filter(|name| name.literal().is_none())
                .collect(),
        }
    }

    fn is_in(&self, text: &str, sketch: Option<&Sketch>) -> bool {
        let words = self.words.as_ref();
        let mut defined = sketch.into_iter().flat_map(|sketch| &sketch.functions);
        self.all
            || words.is_none_or(|words| words.is_match(text.as_bytes()))
            || !self.functions.is_empty()
                && defined.any(|name| self.functions.iter().any(|known| known.matches(name)))
    }
}

/// The files that are chosen by their sketches alone.
#[derive(Default)]
struct FirstChoice {
    /// Files to load.
    whole: BTreeSet<usize>,
    /// Files in which a class may imply a contract. They are loaded only if one does.
    to_probe: Vec<usize>,
}

/// The names of the loaded classes that have one of the members, or that imply a contract or
/// inherit from a class that does.
fn binding_classes(
    program: &Program<'_>,
    loaded: &[Loaded],
    members: &[NamePattern],
    beliefs: Option<Asked<'_>>,
) -> Vec<Name> {
    let classes: Vec<ClassRef> = loaded
        .iter()
        .flat_map(|(_, module)| program.classes(*module))
        .collect();
    let name = |class: &ClassRef| {
        let module = program.module(class.module);
        module.ir.class(class.class).name.clone()
    };
    let implied = if let Some((hook, may_have_heirs)) = beliefs {
        let of_file: FxHashMap<ModuleId, usize> = loaded.iter().map(|(at, m)| (*m, *at)).collect();
        let hook = |class: ClassRef, name: &str| {
            of_file.get(&class.module).is_none_or(|at| hook(*at, name))
        };
        let mut all = contracts::with_bases(program, &classes);
        all.retain(|class| may_have_heirs(&name(class)));
        contracts::that_depend(program, &all, WORDS, &hook)
    } else {
        BTreeSet::new()
    };
    let binds = |class: &ClassRef| {
        let has = |member: &Name| matches!(program.lookup(*class, member, None), Lookup::Found(..));
        let above = |found: &ClassRef| implied.contains(found);
        contracts::methods_named(program, *class, members)
            .iter()
            .any(has)
            || contracts::known_above(program, *class).iter().any(above)
    };
    classes
        .iter()
        .filter(|class| binds(class))
        .map(name)
        .collect()
}

/// The functions that start at one of the offsets, and what is nested in them; all functions if
/// there are no offsets. Functions nested in bodies that were left out are not among them, so
/// nothing is lowered for this.
pub(crate) fn chosen<'m>(
    module: &'m LoadedModule,
    which: Option<&[u32]>,
) -> Vec<(FuncIdx, &'m Function)> {
    let Some(which) = which else {
        return module.ir.outer_functions().collect();
    };
    let mut out: Vec<(FuncIdx, &Function)> = Vec::new();
    // The end of the last chosen function.
    let mut end = 0;
    for (idx, function) in module.ir.outer_functions() {
        let next = which.partition_point(|start| *start < function.span.start);
        let starts = |start: &u32| *start < function.name_span.start;
        if which.get(next).is_some_and(starts) {
            end = end.max(function.span.end);
        }
        if function.span.start < end {
            out.push((idx, function));
        }
    }
    out
}

pub(crate) fn failure(file: &SourceFile, problem: ModuleProblem) -> FileFailure {
    let place = problem.offset.map(|at| {
        let at = file.position(at);
        (at.line, at.column)
    });
    FileFailure::input(file.display.clone(), place, problem.reason)
}

/// Whether imports lead to files that are not among those of the run.
struct Roots<'p, 's> {
    sources: &'s SourceMap,
    program: &'p Program<'s>,
    coverage: &'p Coverage,
    folders: FxHashMap<PathBuf, bool>,
    names: FxHashMap<(PathBuf, Name), bool>,
}

impl<'p, 's> Roots<'p, 's> {
    fn new(sources: &'s SourceMap, program: &'p Program<'s>, coverage: &'p Coverage) -> Self {
        Self {
            sources,
            program,
            coverage,
            folders: FxHashMap::default(),
            names: FxHashMap::default(),
        }
    }

    fn lead_out(&mut self, file: &SourceFile, sketch: &Sketch) -> bool {
        let Some(folder) = file.real_path.parent() else {
            return true;
        };
        sketch.imports.iter().any(|import| {
            if import.level == 0 {
                return self.name_leads_out(folder, &import.first);
            }
            let mut target = folder;
            for _ in 1..import.level {
                match target.parent() {
                    Some(parent) => target = parent,
                    None => return false,
                }
            }
            let coverage = self.coverage;
            let known = self.folders.entry(target.to_path_buf());
            *known.or_insert_with(|| !coverage.covers(target))
        })
    }

    fn name_leads_out(&mut self, folder: &Path, first: &Name) -> bool {
        let roots = self.program.import_roots_of(folder);
        roots.iter().any(|root| {
            let key = (root.clone(), first.clone());
            if let Some(known) = self.names.get(&key) {
                return *known;
            }
            let sources = self.sources;
            let package = root.join(first.as_str());
            let module = root.join(format!("{first}.py"));
            let found = sources.is_folder(&package) && !self.coverage.covers(&package)
                || sources.is_file(&module) && !self.coverage.covers(&module);
            self.names.insert(key, found);
            found
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Overrides;
    use crate::frontend::sketch::tests::Trial;
    use crate::rules::{Interest, all};
    use crate::settings::Settings;

    /// What a search for clues rejects is not looked at again, so each rule would lose it.
    #[test]
    fn the_search_for_clues_rejects_nothing_that_matters() {
        let settings = &Settings::new(None, &Overrides::default()).unwrap();
        let interests = all().iter().map(|rule| rule.interest(settings));
        let interests: Vec<Interest> = interests.collect();
        let glances = || interests.iter().filter_map(Interest::glances);
        let mut trial = Trial::new(|| glances().map(|make| make()).collect());
        let mut counts = vec![0; glances().count()];
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        for folder in ["fixtures", "tests"] {
            for entry in walkdir::WalkDir::new(root.join(folder)) {
                let entry = entry.unwrap();
                let is_python = entry.path().extension().is_some_and(|e| e == "py");
                if let (true, Ok(text)) = (is_python, std::fs::read_to_string(entry.path())) {
                    let found = trial.that_matter(&text, &entry.path().display().to_string());
                    for (count, found) in counts.iter_mut().zip(found) {
                        *count += found;
                    }
                }
            }
        }
        assert!(
            counts.len() > 4 && counts.iter().all(|count| *count > 50),
            "{counts:?}"
        );
    }
}
