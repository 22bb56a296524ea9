//! The analysis of a set of files: the seam between the driver and everything that understands
//! code.

mod agree;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rayon::prelude::*;

use crate::config::{Contract, Origin, Reading, Settings};
use crate::contracts::exits::Duty;
use crate::contracts::survey::{Problem, Processor, Survey, class_name};
use crate::contracts::{self, Inferred};
use crate::diagnostics::{self, FileFailure, Finding, Location};
use crate::discover::Coverage;
use crate::engine::library::{Library, Shelf, Walk};
use crate::fence::{self, Bug};
use crate::program::{ClassRef, ModuleId, MroEntry, Program};
use crate::rules::contract_method::{Checked, Grounds, Task};
use crate::rules::swallowed_write::Caller;
use crate::rules::{
    self, Effort, Interest, Rule, SuccessAsProof, SwallowedWrite, UntrackedReturn, only_asks,
    success_as_proof, swallowed_write, untracked_return,
};
use crate::selection::{Loaded, Selection};
use crate::source::{SourceFile, SourceMap};

/// What an analysis works on.
#[derive(Clone, Copy)]
pub struct AnalysisInput<'a> {
    /// Every file that is or gets loaded.
    pub sources: &'a SourceMap,
    /// The files to check, in the order of their displayed paths.
    pub files: &'a [Arc<SourceFile>],
    /// What these are all of.
    pub coverage: &'a Coverage,
    /// What to check in each of the files.
    pub settings: &'a [Arc<Settings>],
    /// Which files are parsed.
    pub reading: Reading,
    /// The real paths of the files that changed: only these are checked, and those with a class
    /// that inherits from one in them. Otherwise all are.
    pub changed: Option<&'a BTreeSet<PathBuf>>,
}

/// What an analysis found.
#[derive(Clone, Default, Debug)]
pub struct Analysis {
    /// Findings, in any order.
    pub findings: Vec<Finding>,
    /// The contracts and the classes under them.
    pub contracts: Vec<Survey>,
    /// The same classes, with every exit of their methods.
    pub checklist: Vec<Duty>,
    /// How many methods that must keep a contract were checked.
    pub processors: usize,
    /// Files that could not be analysed, wholly or in part.
    pub failed: Vec<FileFailure>,
    /// The numbers of the files that were checked, when not all were.
    pub concerned: Option<BTreeSet<usize>>,
    /// Counters for `--statistics`.
    pub statistics: Statistics,
    /// How many methods and functions were not followed to their end: what is wrong in them may not
    /// have been found.
    pub unfollowed: usize,
    /// The functions that took most steps to follow, with these.
    pub walks: Vec<(String, u64)>,
}

impl Analysis {
    /// Whether a file was to be checked, by its number.
    #[must_use]
    pub fn concerns(&self, file: usize) -> bool {
        self.concerned
            .as_ref()
            .is_none_or(|files| files.contains(&file))
    }
}

/// Named counters, in the order in which they are printed.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Statistics {
    counters: Vec<(&'static str, u64)>,
    times: Vec<(&'static str, Duration)>,
}

impl Statistics {
    /// Adds to a counter, which is appended when it is new.
    pub fn add(&mut self, name: &'static str, count: u64) {
        match self.counters.iter_mut().find(|(known, _)| *known == name) {
            Some((_, total)) => *total += count,
            None => self.counters.push((name, count)),
        }
    }

    /// The counters in order.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        self.counters.iter().copied()
    }

    /// Notes how long a phase took.
    pub fn time(&mut self, phase: &'static str, took: Duration) {
        self.times.push((phase, took));
    }

    /// How long each phase took, in order.
    pub fn times(&self) -> impl Iterator<Item = (&'static str, Duration)> + '_ {
        self.times.iter().copied()
    }
}

/// What one class came to under one contract, as far as one rule is concerned.
struct ClassRun {
    rule: &'static str,
    class: ClassRef,
    /// Index of the contract in the survey.
    contract: usize,
    checked: Checked,
}

/// Analyses files.
#[must_use]
pub fn analyse(input: &AnalysisInput<'_>) -> Analysis {
    let mut out = Analysis::default();
    let distinct = distinct(input.settings);
    let start = Instant::now();
    let interests = interests(&distinct);
    let selection = Selection::new(
        input.sources,
        input.files,
        input.coverage,
        &interests,
        input.reading,
    );
    out.statistics.time("sketching", start.elapsed());

    let start = Instant::now();
    let mut program = Program::new(input.sources).with_files(input.files);
    let loaded = selection.load_classes(&program, input.coverage, &mut out.failed);
    out.concerned = concerned(&program, &loaded, input);
    let mut modules = loaded.clone();
    modules.retain(|(at, _)| out.concerns(*at));
    out.statistics.time("parsing classes", start.elapsed());

    let shelf = Shelf::new(only_asks);
    let library = Library::new(&program, &shelf);
    let known = (
        untracked_return::Known::default(),
        swallowed_write::Known::default(),
    );
    let start = Instant::now();
    let mut results = Vec::new();
    let about_contracts = [UntrackedReturn.id(), SwallowedWrite.id()];
    let selected = |rule: &str| distinct.iter().any(|s| s.rules.contains(rule));
    if about_contracts.iter().any(|rule| selected(rule)) {
        let declared = declared(&distinct);
        let inferred = if distinct.iter().any(|settings| settings.infer_contracts) {
            let classes: Vec<ClassRef> = modules
                .iter()
                .flat_map(|(_, module)| program.classes(*module))
                .collect();
            contracts::infer(&program, &classes, &declared)
        } else {
            Vec::new()
        };
        out.contracts = Survey::all(&declared, &inferred);
        let checked: Vec<_> = modules
            .par_iter()
            .map(|(at, module)| {
                let beliefs = Beliefs {
                    inferred: &inferred,
                    surveys: &out.contracts,
                };
                let settings = &input.settings[*at];
                fence::catch(|| check_module((&library, &known), *module, input, settings, beliefs))
            })
            .collect();
        for ((at, _), checked) in modules.iter().zip(checked) {
            match checked {
                Ok(checked) => results.extend(checked),
                Err(bug) => out.failed.push(internal(&input.files[*at], &bug)),
            }
        }
    }
    out.statistics
        .time("following contract methods", start.elapsed());

    let mut effort = Effort::default();
    let mut others = Vec::new();
    let mut read: BTreeSet<Loaded> = loaded.iter().copied().collect();
    if selected(SuccessAsProof.id()) {
        let start = Instant::now();
        program.forget_bodies();
        let mut loaded = selection.load_functions(&program, &mut out.failed);
        let wanted = |at: usize| input.settings[at].rules.contains(SuccessAsProof.id());
        if let (Some(known), Some(more)) = (&mut out.concerned, concerned(&program, &loaded, input))
        {
            known.extend(more);
        }
        loaded.retain(|(at, _)| wanted(*at) && out.concerns(*at));
        read.extend(&loaded);
        out.statistics.time("parsing functions", start.elapsed());
        let start = Instant::now();
        let modules = loaded;
        let library = Library::new(&program, &shelf);
        let checked: Vec<_> = modules
            .par_iter()
            .map(|(at, module)| {
                let options = &input.settings[*at].success_as_proof;
                let which = selection.that_matter(*at);
                fence::catch(|| success_as_proof::check_module(&library, *module, which, options))
            })
            .collect();
        for ((at, _), checked) in modules.iter().zip(checked) {
            match checked {
                Ok((findings, spent)) => {
                    others.extend(findings);
                    effort += spent;
                }
                Err(bug) => out.failed.push(internal(&input.files[*at], &bug)),
            }
        }
        out.statistics.time("following functions", start.elapsed());
    }
    out.failed.extend(selection.broken(&program, &read));
    let files = input.files.len();
    out.statistics.add("files sketched", files as u64);
    out.statistics
        .add("files parsed, wholly or in part", read.len() as u64);
    out.statistics
        .add("files left at that", (files - read.len()) as u64);
    agree::drop_disputed_fixes(&mut results);
    out.checklist = survey(&program, &results, &mut out.contracts);
    count(&program, &results, effort, &mut out);
    let walks = Library::new(&program, &shelf).walks();
    let blocks = walks.iter().map(|walk| walk.blocks).sum();
    out.statistics.add("basic blocks followed", blocks);
    out.walks = slowest(&program, &walks);
    out.findings = findings(&program, results);
    out.findings.extend(others);
    out
}

/// The numbers of the files that changed, or have a class that inherits from one that did; `None`
/// when that does not matter.
fn concerned(
    program: &Program<'_>,
    loaded: &[(usize, ModuleId)],
    input: &AnalysisInput<'_>,
) -> Option<BTreeSet<usize>> {
    let changed = input.changed?;
    let has_changed = |file: &SourceFile| changed.contains(&file.real_path);
    let numbers = 0..input.files.len();
    let mut out: BTreeSet<usize> = numbers
        .filter(|at| has_changed(&input.files[*at]))
        .collect();
    for (at, module) in loaded {
        let above = |class| contracts::known_above(program, class);
        let inherits = program.classes(*module).flat_map(above).any(|class| {
            let file = &program.module(class.module).file;
            file.as_ref().is_some_and(|file| has_changed(file))
        });
        if inherits {
            out.insert(*at);
        }
    }
    Some(out)
}

/// The settings of a run, each once.
fn distinct(settings: &[Arc<Settings>]) -> Vec<&Settings> {
    let mut out: Vec<&Arc<Settings>> = Vec::new();
    for settings in settings {
        if !out.iter().any(|known| Arc::ptr_eq(known, settings)) {
            out.push(settings);
        }
    }
    out.into_iter().map(|settings| &**settings).collect()
}

/// What the selected rules have to see, whichever files they are selected for.
fn interests(distinct: &[&Settings]) -> Vec<Interest> {
    let mut out = Vec::new();
    for rule in rules::all() {
        let mut glances: Vec<&success_as_proof::Options> = Vec::new();
        for settings in distinct.iter().filter(|s| s.rules.contains(rule.id())) {
            let mut interest = rule.interest(settings);
            // A second look with the same words would see the same.
            let options = &settings.success_as_proof;
            if glances.iter().any(|known| known.same_words(options)) {
                interest.glance = None;
            } else {
                glances.push(options);
            }
            out.push(interest);
        }
    }
    out
}

/// The contracts that are declared for some file, each once.
fn declared(distinct: &[&Settings]) -> Vec<Contract> {
    let mut out: Vec<Contract> = Vec::new();
    for contract in distinct.iter().flat_map(|settings| &settings.contracts) {
        if !out.iter().any(|known| known.same(contract)) {
            out.push(contract.clone());
        }
    }
    out
}

/// The contracts of a run.
#[derive(Clone, Copy)]
struct Beliefs<'a> {
    inferred: &'a [Inferred],
    surveys: &'a [Survey],
}

fn internal(file: &SourceFile, bug: &Bug) -> FileFailure {
    FileFailure::internal(file.display.clone(), bug.to_string())
}

fn check_module(
    (library, known): (
        &Library<'_>,
        &(untracked_return::Known, swallowed_write::Known),
    ),
    module: ModuleId,
    input: &AnalysisInput<'_>,
    settings: &Settings,
    beliefs: Beliefs<'_>,
) -> Vec<ClassRun> {
    let program = library.program;
    let Beliefs { inferred, surveys } = beliefs;
    let mut out = Vec::new();
    for class in program.classes(module) {
        let mro = program.mro(class);
        for (contract, survey) in surveys.iter().enumerate() {
            // Of several classes that depend on the same hook, the nearest.
            let nearest = inferred
                .iter()
                .filter(|found| settings.infer_contracts && found.believed)
                .filter(|found| found.is_about(&survey.contract))
                .filter(|found| found.under.contains(&class))
                .min_by_key(|found| {
                    let above = MroEntry::Class(found.evidence.class);
                    mro.entries.iter().position(|entry| *entry == above)
                });
            let note;
            let here = settings
                .contracts
                .iter()
                .any(|own| own.same(&survey.contract));
            let grounds = match (&survey.contract.origin, nearest) {
                (Origin::Builtin | Origin::Declared { .. }, _) if here => None,
                (_, None) => continue,
                // Other files declare it, or none: here it is the code that says so.
                (_, Some(found)) => {
                    note = found.evidence.sentence(input.sources);
                    Some(Grounds {
                        class: found.evidence.class,
                        under: &found.under,
                        note: &note,
                    })
                }
            };
            let task = Task {
                contract: &survey.contract,
                inferred: grounds,
            };
            let mut add = |rule, checked: Checked| {
                if checked.heir_of.is_some() || !checked.subjects.is_empty() {
                    out.push(ClassRun {
                        rule,
                        class,
                        contract,
                        checked,
                    });
                }
            };
            if settings.rules.contains(UntrackedReturn.id()) {
                let checked =
                    untracked_return::check_class(library, class, task, &settings.writes, &known.0);
                add(UntrackedReturn.id(), checked);
            }
            if settings.rules.contains(SwallowedWrite.id()) {
                let callers = inferred.iter();
                let caller = callers
                    .filter(|found| found.is_about(&survey.contract))
                    .map(|found| &found.evidence)
                    .filter(|evidence| mro.entries.contains(&MroEntry::Class(evidence.class)))
                    .map(|evidence| Caller {
                        name: &evidence.reader,
                        read: evidence.read,
                    })
                    .next();
                let options = &settings.swallowed_write;
                let checked =
                    swallowed_write::check_class(library, class, task, caller, options, &known.1);
                add(SwallowedWrite.id(), checked);
            }
        }
    }
    out
}

/// The functions that took most steps to follow, with these. `walks` has the longest first.
fn slowest(program: &Program<'_>, walks: &[Walk]) -> Vec<(String, u64)> {
    const SHOWN: usize = 10;
    let named = walks.iter().take(SHOWN);
    named
        .map(|walk| (program.qualname(walk.func).to_string(), walk.steps))
        .collect()
}

/// Whose run it is.
type Key = (&'static str, ClassRef, usize);

fn by_class(results: &[ClassRun]) -> HashMap<Key, &ClassRun> {
    let runs = results.iter();
    runs.map(|run| ((run.rule, run.class, run.contract), run))
        .collect()
}

/// Puts every class that has to keep a contract under it; lists their exits.
fn survey(program: &Program<'_>, results: &[ClassRun], surveys: &mut [Survey]) -> Vec<Duty> {
    let mut duties = Vec::new();
    let runs = by_class(results);
    let of_contracts = UntrackedReturn.id();
    for (at, survey) in surveys.iter_mut().enumerate() {
        let under = || {
            let here = results.iter().filter(|result| result.contract == at);
            here.filter(|result| result.rule == of_contracts)
        };
        for ClassRun { class, checked, .. } in under() {
            let owner = checked
                .heir_of
                .and_then(|owner| runs.get(&(of_contracts, owner, at)).copied());
            let (place, from) = match (checked.subjects.first(), owner) {
                (Some(place), _) => (Some(*place), checked),
                (None, Some(owner)) if !owner.checked.subjects.is_empty() => {
                    (class_location(program, *class), &owner.checked)
                }
                (None, _) => (None, checked),
            };
            let Some(place) = place else { continue };
            let mut problems: Vec<Problem> = from
                .findings
                .iter()
                .chain(&from.inherited)
                .map(Problem::new)
                .collect();
            problems.sort();
            let class = class_name(program, *class);
            let inherits = checked.heir_of.map(|owner| class_name(program, owner));
            let duty = |place, exits| Duty {
                class: class.clone(),
                method: survey.contract.method.clone(),
                sets: survey.contract.sets.to_string(),
                inherits: inherits.clone(),
                place,
                exits,
            };
            if checked.exits.is_empty() {
                duties.push(duty(place, None));
            }
            let exits = checked.exits.iter().cloned();
            duties.extend(exits.map(|exits| duty(exits.def, Some(exits))));
            survey.processors.push(Processor {
                class,
                place,
                inherits,
                findings: problems,
            });
        }
        survey
            .processors
            .sort_by(|a, b| a.class.cmp(&b.class).then(a.place.cmp(&b.place)));
    }
    duties
}

fn class_location(program: &Program<'_>, class: ClassRef) -> Option<Location> {
    let module = program.module(class.module);
    Some(Location {
        file: module.file.as_ref()?.id,
        span: module.ir.class(class.class).name_span,
    })
}

fn count(program: &Program<'_>, results: &[ClassRun], other: Effort, out: &mut Analysis) {
    let checked = || results.iter().map(|result| &result.checked);
    let sum = |counter: fn(&Checked) -> u64| checked().map(counter).sum::<u64>();
    // Each method once, whichever rules look at it.
    let rule = results.first().map(|result| result.rule);
    let of_one = results.iter().filter(|result| Some(result.rule) == rule);
    out.processors = of_one.map(|result| result.checked.processors).sum();
    let inferred = out.contracts.iter();
    let inferred = inferred.filter(|s| s.contract.origin == Origin::Inferred);
    for (name, count) in [
        ("modules lowered", program.module_count() as u64),
        ("contracts inferred", inferred.count() as u64),
        ("methods checked", out.processors as u64),
        ("functions searched for effects", other.functions),
        ("block executions", sum(|c| c.effort.steps) + other.steps),
        ("states merged", sum(|c| c.effort.merges) + other.merges),
        (
            "loops widened",
            sum(|c| c.effort.widenings) + other.widenings,
        ),
        (
            "calls not looked into",
            sum(|c| c.effort.calls_cut) + other.calls_cut,
        ),
        (
            "exits without a single path",
            sum(|c| c.effort.infeasible) + other.infeasible,
        ),
        (
            "methods not followed to the end",
            sum(|c| c.effort.given_up),
        ),
        ("functions followed", other.functions + other.given_up),
        ("functions not followed to the end", other.given_up),
    ] {
        out.statistics.add(name, count);
    }
    out.unfollowed = usize::try_from(sum(|c| c.effort.given_up) + other.given_up)
        .expect("fewer than usize::MAX functions");
}

/// The findings of all classes, each fault once.
fn findings(program: &Program<'_>, results: Vec<ClassRun>) -> Vec<Finding> {
    let runs = by_class(&results);
    let mut heirs: Vec<Finding> = Vec::new();
    for result in &results {
        let Some(owner) = result.checked.heir_of else {
            continue;
        };
        let of_owner = runs
            .get(&(result.rule, owner, result.contract))
            .into_iter()
            .flat_map(|run| &run.checked.findings);
        for finding in of_owner {
            let class = class_name(program, result.class);
            let method = finding.symbol.rsplit_once('.').map_or("", |(_, name)| name);
            let mut finding = finding.clone();
            finding.symbol = format!("{class}.{method}");
            heirs.push(finding);
        }
    }
    let (mut own, mut inherited) = (Vec::new(), heirs);
    for result in results {
        own.extend(result.checked.findings);
        inherited.extend(result.checked.inherited);
    }
    // What a class inherits is a fault of the class that has it, if that one is checked at all.
    let known: HashSet<_> = own.iter().map(key).collect();
    inherited.retain(|finding| known.contains(&key(finding)));
    own.append(&mut inherited);
    // What swallows a failure is one fault, whatever the classes that share it make of it.
    let one_fault = |finding: &Finding| finding.rule == SwallowedWrite.id();
    diagnostics::merge(own, one_fault, |location| home(program, location))
}

fn key(finding: &Finding) -> (&'static str, &'static str, Location) {
    (finding.rule, finding.kind, finding.primary.location)
}

/// The innermost class that a place lies in.
fn home(program: &Program<'_>, location: &Location) -> Option<String> {
    let modules = (0..program.module_count()).map(|id| {
        let id = u32::try_from(id).expect("module ids are 32 bits wide");
        program.module(ModuleId(id))
    });
    let module = modules
        .into_iter()
        .find(|m| m.file.as_ref().is_some_and(|f| f.id == location.file))?;
    let around = module.ir.classes.iter().filter(|class| {
        class.span.start <= location.span.start && location.span.end <= class.span.end
    });
    around
        .min_by_key(|class| class.span.end - class.span.start)
        .map(|class| class.qualname.to_string())
}
