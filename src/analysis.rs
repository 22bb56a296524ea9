//! The analysis of a set of files: the interface between the driver and everything that understands
//! code.

pub mod kept;
mod nearest;
pub mod suggestions;

use std::collections::{BTreeSet, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rayon::prelude::*;

use crate::busy::Busy;
use crate::clock::Watch;
use crate::contracts;
use crate::diagnostics::{self, ByClass, FileFailure, Finding, Location};
use crate::discover::{Coverage, Shard};
use crate::engine::summaries::library::{Library, Shelf, Walk};
use crate::fence;
use crate::outcome::{Candidate, Duty, Outside, Survey};
use crate::program::{ClassRef, ModuleId, Program};
use crate::rules::contract_method::{Beliefs, OfModule, Pass};
use crate::rules::{self, Effort, FunctionRule, Functions, InModule, Interest, Rule, only_asks};
use crate::selection::{Loaded, Selection, chosen};
use crate::settings::{Contract, ImportRoots, Origin, Reading, Settings};
use crate::source::{FileId, SourceFile, SourceMap, table};
use kept::{Conditions, Form, Keeping, Kept, digest_of};

/// The input of an analysis.
#[derive(Clone, Copy)]
pub struct AnalysisInput<'a> {
    /// Every file that is loaded, or that the analysis may load.
    pub sources: &'a SourceMap,
    /// The files to check, in the order of their displayed paths.
    pub files: &'a [Arc<SourceFile>],
    /// Which folders are covered by these files completely.
    pub coverage: &'a Coverage,
    /// The settings of each file.
    pub settings: &'a [Arc<Settings>],
    /// Which files are parsed.
    pub reading: Reading,
    /// The real paths of the files that are checked; `None`: all.
    pub checked: Option<&'a BTreeSet<PathBuf>>,
    /// The real paths of the files that changed: the checklist is about these, and about files with a class that
    /// inherits from a class in them. `None`: it is about all files.
    pub changed: Option<&'a BTreeSet<PathBuf>>,
    /// The part of the files that is checked. All of them are read, since code depends on code elsewhere.
    pub shard: Option<Shard>,
    /// What an earlier run kept, if this run keeps results.
    pub kept: Option<&'a Kept>,
    /// Who is told how far the analysis has come.
    pub busy: Option<&'a Arc<Busy>>,
    /// Whether the files are those of a folder, so that they show what the folder has in common.
    pub of_folder: bool,
}

/// What an analysis found.
#[derive(Clone, Default, Debug)]
pub struct Analysis {
    /// Findings, in any order; see [`Analysis::conclude`].
    pub findings: Vec<Finding>,
    /// Findings about methods under contract, for each class by itself, in any order.
    pub by_class: Vec<ByClass>,
    /// The contracts, with the classes that have to keep them.
    pub contracts: Vec<Survey>,
    /// The same classes, with every exit of their methods.
    pub checklist: Vec<Duty>,
    /// How many methods that must keep a contract were checked.
    pub processors: usize,
    /// What was looked at outside of contracts; `None` if no rule looks there.
    pub outside: Option<Outside>,
    /// What comes closest to a contract. It is looked for in a folder, if a rule about contracts is
    /// on, no method is under contract, and nothing was found.
    pub candidate: Option<Candidate>,
    /// Files that could not be analysed, wholly or in part.
    pub failed: Vec<FileFailure>,
    /// The numbers of the files that were checked; `None` if all were.
    pub concerned: Option<BTreeSet<usize>>,
    /// Counters for `--statistics=engine`.
    pub statistics: Statistics,
    /// How many methods and functions were not followed to the end, so that findings in them may be
    /// missing.
    pub unfollowed: usize,
    /// The functions that took the most steps to follow, with these numbers of steps.
    pub walks: Vec<(String, u64)>,
    /// What is kept for the next run.
    pub kept: Option<Kept>,
}

impl Analysis {
    /// Whether the file with this number was checked.
    #[must_use]
    pub fn concerns(&self, file: usize) -> bool {
        self.concerned
            .as_ref()
            .is_none_or(|files| files.contains(&file))
    }

    /// Whether nothing was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.findings.is_empty() && self.by_class.is_empty()
    }

    /// Makes one finding of each fault in code that several classes run, and leaves out what other findings tell of as
    /// well. Afterwards all findings are in `findings`.
    pub fn conclude(&mut self) {
        let of_contracts = diagnostics::merge(std::mem::take(&mut self.by_class), |finding| {
            rules::is_one_fault(finding.rule)
        });
        // What a contract method runs into is told with its contract.
        let place = |finding: &Finding| (finding.rule, finding.primary.location);
        let known: BTreeSet<_> = of_contracts.iter().map(place).collect();
        self.findings
            .retain(|finding| !known.contains(&place(finding)));
        self.findings.extend(of_contracts);
    }
}

/// Named counters, in the order in which they are printed.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Statistics {
    counters: Vec<(&'static str, u64)>,
    times: Vec<(&'static str, Duration)>,
}

impl Statistics {
    /// Adds to a counter. A new counter is appended.
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

    /// Records how long a phase took.
    pub fn time(&mut self, phase: &'static str, took: Duration) {
        self.times.push((phase, took));
    }

    /// How long each phase took, in order.
    pub fn times(&self) -> impl Iterator<Item = (&'static str, Duration)> + '_ {
        self.times.iter().copied()
    }
}

/// Analyses files.
#[must_use]
pub fn analyse(input: &AnalysisInput<'_>) -> Analysis {
    let mut out = Analysis::default();
    let distinct = distinct(input.settings);
    let start = Watch::start();
    let interests = interests(&distinct);
    let under = Conditions::new(&distinct);
    let all_conditions = under.of_all();
    let selection = Selection::new(
        input.sources,
        input.files,
        input.coverage,
        &interests,
        (
            input.reading,
            input
                .kept
                .and_then(|kept| kept.sketches.for_interests(&all_conditions)),
        ),
    );
    out.statistics.time("sketching", start.elapsed());

    let start = Watch::start();
    let mut program = program(input);
    let loaded = selection.load_classes(&program, input.coverage, &mut out.failed);
    out.concerned = concerned(input);
    let affected = affected(&program, &loaded, input);
    out.statistics.time("parsing classes", start.elapsed());

    let shelf = Shelf::new(only_asks).telling(input.busy.cloned());
    expect(input, &distinct);
    let start = Watch::start();
    let keeping = input.kept.map(Keeping::new);
    let run = Run {
        input,
        distinct: &distinct,
        under: &under,
        keeping: keeping.as_ref(),
    };
    let pass = check_contracts(&program, &shelf, &loaded, run, &mut out);
    out.statistics
        .time("following contract methods", start.elapsed());

    let in_functions = check_functions(
        &mut program,
        &shelf,
        &selection,
        (run, pass.as_ref()),
        &mut out,
    );
    if let Some(keeping) = &keeping {
        let (taken, found_out) = keeping.counts();
        out.statistics.add("results taken over", taken);
        out.statistics.add("results found out and kept", found_out);
    }
    out.kept =
        keeping.map(|keeping| keeping.finish(selection.kept(all_conditions, input.coverage)));
    let mut read: BTreeSet<Loaded> = loaded.into_iter().chain(in_functions.read).collect();
    // No rule needs the bodies that are lowered after this, so their errors are no failures.
    out.failed.extend(selection.broken(&program, &read));
    let for_contracts = pass.is_some();
    let mut of_contracts = Effort::default();
    if let Some(mut pass) = pass {
        out.checklist = pass.conclude(&program, &mut out.contracts);
        if let Some(affected) = affected {
            out.checklist
                .retain(|duty| affected.contains(&duty.place.file));
        }
        out.processors = pass.processors();
        of_contracts = pass.effort();
        out.by_class = pass.findings(&program);
    }
    out.findings = in_functions.findings;
    if input.of_folder && for_contracts && out.processors == 0 && out.is_empty() {
        read.extend(find_nearest(&program, &selection, &mut out));
    }
    count_files(input.files.len(), read.len(), &mut out);
    count(&program, of_contracts, in_functions.effort, &mut out);
    count_walks(&program, &shelf, &mut out);
    if let Some(kept) = &mut out.kept
        && input.kept.is_some_and(Kept::is_in_memory)
    {
        kept.modules = Some(program.into_modules());
    }
    out
}

fn count_files(all: usize, read: usize, out: &mut Analysis) {
    for (name, count) in [
        ("files sketched", all),
        ("files parsed, wholly or in part", read),
        ("files sketched only", all - read),
    ] {
        out.statistics.add(name, count as u64);
    }
}

fn count_walks(program: &Program<'_>, shelf: &Shelf, out: &mut Analysis) {
    let walks = Library::new(program, shelf).walks();
    let blocks = walks.iter().map(|walk| walk.blocks).sum();
    out.statistics.add("basic blocks followed", blocks);
    out.walks = slowest(program, &walks);
}

/// Tells how often an analysis goes through its files.
fn expect(input: &AnalysisInput<'_>, distinct: &[&Settings]) {
    let selected = |rule: &dyn Rule| distinct.iter().any(|s| s.rules.contains(rule.id()));
    let of_functions = about_functions()
        .filter(|(rule, _)| selected(*rule))
        .count();
    let of_contracts = rules::all()
        .iter()
        .any(|rule| selected(*rule) && matches!(rule.scope(), rules::Scope::ContractMethods(_)));
    if let Some(busy) = input.busy {
        busy.expect(input.files.len(), of_functions + usize::from(of_contracts));
    }
}

/// The program that is analysed.
fn program<'a>(input: &AnalysisInput<'a>) -> Program<'a> {
    let said = input
        .settings
        .iter()
        .filter_map(|settings| settings.src.clone());
    let said: BTreeSet<ImportRoots> = said.collect();
    let earlier = input.kept.and_then(|kept| kept.modules.clone());
    Program::new(input.sources)
        .with_modules(earlier.unwrap_or_default())
        .with_files(&input.coverage.folders, input.files)
        .with_import_roots(said.into_iter().collect())
}

/// What all parts of a run are given.
#[derive(Clone, Copy)]
struct Run<'a, 'k> {
    input: &'a AnalysisInput<'a>,
    /// The settings of all files, each once.
    distinct: &'a [&'a Settings],
    /// What results depend on in these.
    under: &'a Conditions<'a>,
    keeping: Option<&'a Keeping<'k>>,
}

/// Finds what comes closest to a contract. Returns the files that were loaded for it.
fn find_nearest(
    program: &Program<'_>,
    selection: &Selection<'_>,
    out: &mut Analysis,
) -> Vec<Loaded> {
    let start = Watch::start();
    // If this panics, nothing is told: the result of the run does not depend on it.
    let found = fence::catch(|| nearest::nearest(program, selection, &out.contracts));
    let (candidate, loaded) = found.unwrap_or_default();
    out.candidate = candidate;
    out.statistics.time("comparing overrides", start.elapsed());
    loaded
}

/// Checks the contract methods of the loaded files; `None` if no selected rule is about them.
fn check_contracts(
    program: &Program<'_>,
    shelf: &Shelf,
    loaded: &[Loaded],
    run: Run<'_, '_>,
    out: &mut Analysis,
) -> Option<Pass> {
    let Run {
        input, distinct, ..
    } = run;
    let mut pass = Pass::new(|rule| distinct.iter().any(|s| s.rules.contains(rule)))?;
    let mut modules = loaded.to_vec();
    modules.retain(|(at, _)| is_reached(input, *at));
    let declared = declared(distinct);
    let inferred = if distinct.iter().any(|settings| settings.infer_contracts) {
        let classes: Vec<ClassRef> = modules
            .iter()
            .flat_map(|(_, module)| program.classes(*module))
            .collect();
        let infer = || contracts::infer(program, &classes, &declared, rules::WORDS);
        match run.keeping {
            None => infer(),
            Some(keeping) => {
                let under = digest_of(&(&classes, &declared, program.surroundings()));
                keeping.whole(program, ("inference", &under), infer)
            }
        }
    } else {
        Vec::new()
    };
    let surveys = contracts::surveys(&declared, &inferred);
    let beliefs = Beliefs {
        inferred: &inferred,
        surveys: &surveys,
    };
    let library = Library::new(program, shelf);
    let files: HashSet<FileId> = input.files.iter().map(|file| file.id).collect();
    let ours = |file: &SourceFile| {
        let shard = input.shard.filter(|_| files.contains(&file.id))?;
        Some(shard.has(file))
    };
    let believed = inferred.iter().map(|inferred| inferred.described(program));
    let contracts = surveys
        .iter()
        .map(|survey| format!("{:?}", survey.contract));
    let believed = digest_of(&(believed.collect::<Vec<_>>(), contracts.collect::<Vec<_>>()));
    let under = (program.surroundings(), believed, input.shard);
    let form = Form {
        write: OfModule::write,
        read: OfModule::read,
    };
    let checked = each_module(&modules, input, out, |at, module, settings| {
        let check = || pass.check_module(&library, module, (settings, beliefs), &ours);
        let Some(keeping) = run.keeping else {
            return check();
        };
        let under = digest_of(&(&under, run.under.of(settings)));
        let unit = (CONTRACTS, &*input.files[at], under.as_str());
        keeping.unit(program, unit, &form, check)
    });
    for of_module in checked {
        pass.add(of_module);
    }
    out.contracts = surveys;
    Some(pass)
}

/// What the rules about functions found, with what effort, and in which files they looked.
#[derive(Default)]
struct InFunctions {
    findings: Vec<Finding>,
    effort: Effort,
    read: Vec<Loaded>,
}

/// Runs the selected rules about functions on the functions that matter to them.
fn check_functions(
    program: &mut Program<'_>,
    shelf: &Shelf,
    selection: &Selection<'_>,
    (run, pass): (Run<'_, '_>, Option<&Pass>),
    out: &mut Analysis,
) -> InFunctions {
    let Run {
        input, distinct, ..
    } = run;
    let mut found = InFunctions::default();
    let selected = |rule: &str| distinct.iter().any(|s| s.rules.contains(rule));
    let rules: Vec<_> = about_functions()
        .filter(|(rule, _)| selected(rule.id()))
        .collect();
    if rules.is_empty() {
        return found;
    }
    let start = Watch::start();
    // In memory, the next run needs them again.
    if !input.kept.is_some_and(Kept::is_in_memory) {
        program.forget_bodies();
    }
    let loaded = selection.load_functions(program, &mut out.failed);
    out.statistics.time("parsing functions", start.elapsed());
    let start = Watch::start();
    let program = &*program;
    let library = Library::new(program, shelf);
    let surroundings = program.surroundings();
    for (rule, functions) in rules {
        let here = |at: usize| input.settings[at].rules.contains(rule.id()) && out.concerns(at);
        let here: Vec<Loaded> = loaded.iter().copied().filter(|(at, _)| here(*at)).collect();
        found.read.extend(&here);
        let under_contract = pass
            .map(|pass| pass.subjects(rule.id()))
            .unwrap_or_default();
        let checked = each_module(&here, input, out, |at, module, settings| {
            let module = program.module(module);
            let which = selection.that_matter(rule.id(), at);
            let mut chosen = chosen(&module, which.as_deref());
            chosen.retain(|(_, function)| {
                let name = module.file.as_ref().map(|file| Location {
                    file: file.id,
                    span: function.name_span,
                });
                name.is_none_or(|name| !under_contract.contains(&name))
            });
            let check = || functions.check(&library, &module, &chosen, settings);
            let Some(keeping) = run.keeping else {
                return check();
            };
            let which: Vec<_> = chosen.iter().map(|(at, _)| *at).collect();
            let under = digest_of(&(&surroundings, which, run.under.of(settings)));
            let unit = (rule.id(), &*input.files[at], under.as_str());
            keeping.unit(program, unit, &FORM, check)
        });
        expect_counts(rule.id(), functions, input, out);
        for in_module in checked {
            found.findings.extend(in_module.findings);
            found.effort += in_module.effort;
            if let Some(outside) = &mut out.outside {
                *outside += in_module.looked;
            }
        }
    }
    out.statistics.time("following functions", start.elapsed());
    found
}

/// Prepares for what a rule counts, if it does in some file that is checked, and counts the files that
/// it leaves out.
fn expect_counts(
    rule: &str,
    functions: &dyn FunctionRule,
    input: &AnalysisInput<'_>,
    out: &mut Analysis,
) {
    let here = |at: &usize| {
        let settings = &input.settings[*at];
        settings.rules.contains(rule) && functions.counts(settings) && out.concerns(*at)
    };
    let files = (0..input.files.len()).filter(here);
    let left_out: Vec<bool> = files
        .map(|at| functions.leaves_out(&input.files[at]))
        .collect();
    if !left_out.is_empty() {
        let outside = out.outside.get_or_insert_default();
        outside.tests += left_out.iter().filter(|is_left_out| **is_left_out).count();
    }
}

/// Runs `check` on each module, with the number of its file and its settings. If it panics, the
/// file counts as failed.
fn each_module<T: Send>(
    modules: &[Loaded],
    input: &AnalysisInput<'_>,
    out: &mut Analysis,
    check: impl Fn(usize, ModuleId, &Settings) -> T + Sync,
) -> Vec<T> {
    if let Some(busy) = input.busy {
        busy.begin_round(modules.len());
    }
    let check_one = |(at, module): &Loaded| {
        let checked = fence::catch(|| {
            if let Some(busy) = input.busy {
                busy.go_on();
            }
            check(*at, *module, &input.settings[*at])
        });
        if let Some(busy) = input.busy {
            busy.end_file();
        }
        checked
    };
    let checked: Vec<_> = modules.par_iter().map(check_one).collect();
    let mut results = Vec::new();
    for ((at, _), checked) in modules.iter().zip(checked) {
        match checked {
            Ok(checked) => results.push(checked),
            Err(bug) => {
                let file = input.files[*at].display.clone();
                out.failed
                    .push(FileFailure::internal(file, bug.to_string()));
            }
        }
    }
    results
}

/// The unit of the rules about contract methods.
const CONTRACTS: &str = "contracts";

/// What a rule found in the functions of a module, as text.
const FORM: Form<InModule> = Form {
    write: |_, found| {
        let (text, files) = table::collect(|| serde_json::to_string(found));
        Some((text.ok()?, files))
    },
    read: |_, text, files| table::with(files, || serde_json::from_str(text)).ok(),
};

/// All rules about functions.
fn about_functions() -> impl Iterator<Item = (&'static dyn Rule, &'static dyn FunctionRule)> {
    let rules = rules::all().iter().copied();
    rules.filter_map(|rule| Some((rule, rule.scope().functions()?)))
}

/// Whether a file is checked, if not by this shard, then by another one.
fn is_reached(input: &AnalysisInput<'_>, file: usize) -> bool {
    let path = &input.files[file].real_path;
    input.checked.is_none_or(|checked| checked.contains(path))
}

/// The numbers of the files that are checked; `None` if all are.
fn concerned(input: &AnalysisInput<'_>) -> Option<BTreeSet<usize>> {
    if input.checked.is_none() && input.shard.is_none() {
        return None;
    }
    let ours = |at: &usize| input.shard.is_none_or(|shard| shard.has(&input.files[*at]));
    let numbers = 0..input.files.len();
    Some(
        numbers
            .filter(|at| is_reached(input, *at) && ours(at))
            .collect(),
    )
}

/// The files that changed, or that have a class which inherits from a class in a changed file. `None` if it is not
/// asked what has changed.
fn affected(
    program: &Program<'_>,
    loaded: &[(usize, ModuleId)],
    input: &AnalysisInput<'_>,
) -> Option<BTreeSet<FileId>> {
    let changed = input.changed?;
    let has_changed = |file: &SourceFile| changed.contains(&file.real_path);
    let own = input.files.iter().filter(|file| has_changed(file));
    let mut out: BTreeSet<FileId> = own.map(|file| file.id).collect();
    for (at, module) in loaded {
        let above = |class| contracts::known_above(program, class);
        let inherits = program.classes(*module).flat_map(above).any(|class| {
            let file = &program.module(class.module).file;
            file.as_ref().is_some_and(|file| has_changed(file))
        });
        if inherits {
            out.insert(input.files[*at].id);
        }
    }
    Some(out)
}

/// The settings of all files, each once.
fn distinct(settings: &[Arc<Settings>]) -> Vec<&Settings> {
    let mut out: Vec<&Arc<Settings>> = Vec::new();
    for settings in settings {
        if !out.iter().any(|known| Arc::ptr_eq(known, settings)) {
            out.push(settings);
        }
    }
    out.into_iter().map(|settings| &**settings).collect()
}

/// What the selected rules need to see, in any file for which they are selected.
fn interests(distinct: &[&Settings]) -> Vec<Interest> {
    let mut out = Vec::new();
    for rule in rules::all() {
        let mut seen: Vec<&Settings> = Vec::new();
        for settings in distinct.iter().filter(|s| s.rules.contains(rule.id())) {
            let mut interest = rule.interest(settings);
            // Another glance with the same words would find the same functions.
            let functions = rule.scope().functions();
            let same = |known: &Settings| {
                functions.is_some_and(|functions| functions.same_glance(known, settings))
            };
            if seen.iter().any(|known| same(known)) {
                interest.functions = Functions::None;
            }
            seen.push(settings);
            out.push(interest);
        }
    }
    out
}

/// The contracts that the settings of any file declare, each once.
fn declared(distinct: &[&Settings]) -> Vec<Contract> {
    let mut out: Vec<Contract> = Vec::new();
    for contract in distinct.iter().flat_map(|settings| &settings.contracts) {
        if !out.iter().any(|known| known.same(contract)) {
            out.push(contract.clone());
        }
    }
    out
}

/// The functions that took the most steps to follow, with these numbers. `walks` starts with the
/// longest.
fn slowest(program: &Program<'_>, walks: &[Walk]) -> Vec<(String, u64)> {
    const SHOWN: usize = 10;
    let named = walks.iter().take(SHOWN);
    named
        .map(|walk| (program.qualname(walk.func).to_string(), walk.steps))
        .collect()
}

fn count(program: &Program<'_>, methods: Effort, functions: Effort, out: &mut Analysis) {
    let inferred = out.contracts.iter();
    let inferred = inferred.filter(|s| s.contract.origin == Origin::Inferred);
    let mut all = methods;
    all += functions;
    for (name, count) in [
        ("modules lowered", program.module_count() as u64),
        ("contracts inferred", inferred.count() as u64),
        ("methods checked", out.processors as u64),
        ("functions searched for effects", functions.functions),
        ("block executions", all.steps),
        ("states merged", all.merges),
        ("loops widened", all.widenings),
        ("calls not looked into", all.calls_cut),
        ("exits without a single path", all.infeasible),
        ("methods not followed to the end", methods.given_up),
        (
            "functions followed",
            functions.functions + functions.given_up,
        ),
        ("functions not followed to the end", functions.given_up),
    ] {
        out.statistics.add(name, count);
    }
    out.unfollowed = usize::try_from(all.given_up).expect("fewer than usize::MAX functions");
}
