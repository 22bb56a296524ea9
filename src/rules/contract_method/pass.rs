//! One pass over all contract methods of a program, for all rules about them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::contracts::Inferred;
use crate::contracts::{class_name, methods_named};
use crate::diagnostics::{ByClass, Finding, Location};
use crate::engine::summaries::library::Library;
use crate::ir::Name;
use crate::order::Order as _;
use crate::outcome::{Duty, DutyOf, Problem, Processor, Survey};
use crate::program::{
    ClassRef, FuncRef, LoadedModule, Lookup, ModuleId, MroEntry, Program, is_transparent_base,
};
use crate::rules::contract_method::agree::drop_disputed_fixes;
use crate::rules::contract_method::functions::keeping_functions;
use crate::rules::contract_method::portable;
use crate::rules::contract_method::{
    Caller, Checked, Grounds, Subject, Task, check_class, check_one,
};
use crate::rules::{self, Effort, FunctionRule, Rule, Scope};
use crate::settings::{Origin, Settings, Who};
use crate::source::{FileId, SourceFile};

/// A rule about contract methods.
pub trait ContractRule: Sync {
    /// Begins a run over a program.
    fn begin(&self) -> Box<dyn ContractRun>;

    /// Whether [`Checked::exits`] is what the survey and the checklist are made of.
    fn lists_exits(&self) -> bool {
        false
    }

    /// What it looks at outside of contracts: functions and methods that no contract names.
    fn outside(&self) -> Option<&'static dyn FunctionRule> {
        None
    }

    /// Whether its findings at one place are one fault, even if the classes that share the code
    /// give them different kinds.
    fn is_one_fault(&self) -> bool {
        false
    }
}

/// A run of such a rule. It keeps verdicts that hold for several classes.
pub trait ContractRun: Sync {
    /// Checks a definition of a contract method, and adds the result to `out`.
    fn check(
        &self,
        subject: Subject<'_>,
        caller: Option<Caller<'_>>,
        settings: &Settings,
        out: &mut Checked,
    );
}

/// What one rule found out about one class or function under one contract.
#[derive(Clone)]
pub(super) struct ClassRun {
    pub(super) rule: &'static str,
    pub(super) keeper: Keeper,
    /// Index of the contract in the survey.
    pub(super) contract: usize,
    pub(super) checked: Checked,
}

/// Who has to keep a contract.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) enum Keeper {
    /// A class, by this method.
    Class(ClassRef, Name),
    /// A function, or a method by itself.
    Function(FuncRef),
}

impl Keeper {
    /// The class, if it has one.
    pub(super) fn class(&self) -> Option<ClassRef> {
        match self {
            Keeper::Class(class, _) => Some(*class),
            Keeper::Function(_) => None,
        }
    }

    /// The name of its class, and that of the method or the function.
    fn names(&self, program: &Program<'_>) -> (Option<String>, String) {
        match self {
            Keeper::Class(class, method) => (Some(class_name(program, *class)), method.to_string()),
            Keeper::Function(func) => (None, program.qualname(*func).to_string()),
        }
    }
}

/// The contracts of a run.
#[derive(Clone, Copy)]
pub struct Beliefs<'a> {
    /// What the code implies.
    pub inferred: &'a [Inferred],
    /// All contracts, declared and inferred ones.
    pub surveys: &'a [Survey],
}

/// One pass over all classes that have to keep a contract.
pub struct Pass {
    rules: Vec<(&'static dyn Rule, Box<dyn ContractRun>)>,
    results: Vec<ClassRun>,
}

/// The results for the classes of one module.
#[derive(Clone)]
pub struct OfModule(pub(super) Vec<ClassRun>);

impl OfModule {
    /// The text, and the files that it mentions; `None` if a class is in no file.
    #[must_use]
    pub fn write(program: &Program<'_>, results: &Self) -> Option<(String, Vec<FileId>)> {
        portable::write(program, results)
    }

    /// The results in a text that mentions these files; `None` if it is damaged.
    #[must_use]
    pub fn read(program: &Program<'_>, text: &str, files: Vec<FileId>) -> Option<Self> {
        portable::read(program, text, files)
    }
}

impl Pass {
    /// A pass with the selected rules about contract methods; `None` if there are none.
    #[must_use]
    pub fn new(selected: impl Fn(&str) -> bool) -> Option<Self> {
        let rules = rules::all().iter().copied();
        let rules = rules.filter(|rule| selected(rule.id()));
        let rules = rules.filter_map(|rule| match rule.scope() {
            Scope::ContractMethods(of_rule) => Some((rule, of_rule.begin())),
            Scope::Comments | Scope::Functions(_) => None,
        });
        let rules: Vec<_> = rules.collect();
        (!rules.is_empty()).then(|| Self {
            rules,
            results: Vec::new(),
        })
    }

    /// Checks the classes and functions of a module, of which those are left out whose method or function is in a file
    /// that is not `ours`: so all classes that run a method are checked together.
    #[must_use]
    pub fn check_module(
        &self,
        library: &Library<'_>,
        module: ModuleId,
        (settings, beliefs): (&Settings, Beliefs<'_>),
        ours: &dyn Fn(&SourceFile) -> Option<bool>,
    ) -> OfModule {
        let program = library.program;
        let mut out = Vec::new();
        let is_ours = |of: ModuleId| {
            let in_file = |module| {
                program
                    .module(module)
                    .file
                    .as_ref()
                    .and_then(|file| ours(file))
            };
            // What is in no file of the run belongs to its heirs.
            in_file(of).or_else(|| in_file(module)).unwrap_or(true)
        };
        for class in program.classes(module) {
            for contract in 0..beliefs.surveys.len() {
                let Who::Methods { names, .. } = &beliefs.surveys[contract].contract.who else {
                    continue;
                };
                for method in methods_named(program, class, names) {
                    if !is_ours(owner(program, class, &method)) {
                        continue;
                    }
                    let mut check = |task: Task<'_>| {
                        let keeper = Keeper::Class(class, method.clone());
                        let mut checked = |run: &dyn ContractRun| {
                            check_class(library, class, task, &|subject, out| {
                                run.check(subject, task.caller, settings, out);
                            })
                        };
                        self.run((settings, contract, &keeper), &mut checked, &mut out);
                    };
                    let concerned = (class, method.as_str(), contract);
                    with_task(program, concerned, settings, beliefs, &mut check);
                }
            }
        }
        for contract in 0..beliefs.surveys.len() {
            let survey = &beliefs.surveys[contract].contract;
            if !settings.contracts.iter().any(|own| own.same(survey)) {
                continue;
            }
            if !is_ours(module) {
                continue;
            }
            for func in keeping_functions(program, module, &survey.who) {
                let keeper = Keeper::Function(func);
                let mut checked = |run: &dyn ContractRun| {
                    check_one(library, func, survey, &|subject, out| {
                        run.check(subject, None, settings, out);
                    })
                };
                self.run((settings, contract, &keeper), &mut checked, &mut out);
            }
        }
        OfModule(out)
    }

    /// Runs the rules that are on, and adds what they found out.
    fn run(
        &self,
        (settings, contract, keeper): (&Settings, usize, &Keeper),
        check: &mut dyn FnMut(&dyn ContractRun) -> Checked,
        out: &mut Vec<ClassRun>,
    ) {
        for (rule, run) in &self.rules {
            if !settings.rules.contains(rule.id()) {
                continue;
            }
            let checked = check(&**run);
            if checked.heir_of.is_some() || !checked.subjects.is_empty() {
                out.push(ClassRun {
                    rule: rule.id(),
                    keeper: keeper.clone(),
                    contract,
                    checked,
                });
            }
        }
    }

    /// Adds the results for a module.
    pub fn add(&mut self, OfModule(results): OfModule) {
        self.results.extend(results);
    }

    /// Lists every class under the contract that it has to keep, and returns the exits of all of
    /// them. Drops fixes on which the classes that share a method do not agree.
    pub fn conclude(&mut self, program: &Program<'_>, surveys: &mut [Survey]) -> Vec<Duty> {
        drop_disputed_fixes(&mut self.results);
        survey(program, &self.results, surveys)
    }

    /// How many methods have to keep a contract, each counted once for all rules.
    #[must_use]
    pub fn processors(&self) -> usize {
        let rule = self.results.first().map(|result| result.rule);
        let of_one = (self.results.iter()).filter(|result| Some(result.rule) == rule);
        of_one.map(|result| result.checked.processors).sum()
    }

    /// The definitions that a rule looked at as contract methods, and not as others.
    #[must_use]
    pub fn subjects(&self, rule: &str) -> HashSet<Location> {
        let of_rule = self.results.iter();
        let of_rule = of_rule.filter(|run| run.rule == rule && !run.checked.as_outside);
        let subjects = of_rule.flat_map(|run| &run.checked.subjects);
        subjects.copied().collect()
    }

    /// What it cost.
    #[must_use]
    pub fn effort(&self) -> Effort {
        let mut effort = Effort::default();
        for result in &self.results {
            effort += result.checked.effort;
        }
        effort
    }

    /// The findings, for each class by itself.
    #[must_use]
    pub fn findings(self, program: &Program<'_>) -> Vec<ByClass> {
        findings(program, self.results)
    }
}

/// Calls `check` with the contract of this number if it concerns a method of a class: the settings
/// declare it, or the code implies it.
fn with_task(
    program: &Program<'_>,
    (class, method, contract): (ClassRef, &str, usize),
    settings: &Settings,
    Beliefs { inferred, surveys }: Beliefs<'_>,
    check: &mut dyn FnMut(Task<'_>),
) {
    let contract = &surveys[contract].contract;
    let mro = program.mro(class);
    // Of several classes that depend on the same hook, the nearest counts.
    let nearest = inferred
        .iter()
        .filter(|found| settings.infer_contracts && found.believed)
        .filter(|found| found.is_about(contract))
        .filter(|found| found.under.contains(&class))
        .min_by_key(|found| {
            let above = MroEntry::Class(found.class);
            mro.entries.iter().position(|entry| *entry == above)
        });
    let note;
    let here = settings.contracts.iter().any(|own| own.same(contract));
    let inferred_from = match (&contract.origin, nearest) {
        (Origin::Builtin | Origin::Declared { .. }, _) if here => None,
        (_, None) => return,
        // Only other files declare it, or none: here the code implies it.
        (_, Some(found)) => {
            note = found.evidence.sentence(program.sources());
            Some(Grounds {
                class: found.class,
                under: &found.under,
                note: &note,
            })
        }
    };
    let callers = inferred.iter().filter(|found| found.is_about(contract));
    let mut callers = callers.filter(|found| mro.entries.contains(&MroEntry::Class(found.class)));
    let caller = callers.next().map(|found| Caller {
        name: &found.evidence.reader,
        read: found.evidence.next(),
    });
    check(Task {
        contract,
        method,
        inferred: inferred_from,
        caller,
    });
}

/// The module of the class from which a class has a method.
fn owner(program: &Program<'_>, class: ClassRef, method: &str) -> ModuleId {
    match program.lookup(class, method, None) {
        Lookup::Found(owner, _) => owner.module,
        _ => class.module,
    }
}

/// Asks a rule about contract methods; false for other rules.
pub(in crate::rules) fn of_rule(id: &str, says: impl Fn(&dyn ContractRule) -> bool) -> bool {
    rules::by_id(id).is_some_and(|rule| match rule.scope() {
        Scope::ContractMethods(rule) => says(rule),
        Scope::Comments | Scope::Functions(_) => false,
    })
}

/// The rule, the class and the contract of a run.
type Key<'a> = (&'static str, &'a Keeper, usize);

fn by_class(results: &[ClassRun]) -> HashMap<Key<'_>, &ClassRun> {
    let runs = results.iter();
    runs.map(|run| ((run.rule, &run.keeper, run.contract), run))
        .collect()
}

/// The run for the class from which another one inherits the method unchanged.
fn of_owner<'r>(
    runs: &HashMap<Key<'_>, &'r ClassRun>,
    heir: &ClassRun,
) -> Option<(ClassRef, &'r ClassRun)> {
    let Keeper::Class(_, method) = &heir.keeper else {
        return None;
    };
    let owner = heir.checked.heir_of?;
    let keeper = Keeper::Class(owner, method.clone());
    let run = runs.get(&(heir.rule, &keeper, heir.contract))?;
    Some((owner, run))
}

/// Lists every class under the contract that it has to keep, and returns their exits.
fn survey(program: &Program<'_>, results: &[ClassRun], surveys: &mut [Survey]) -> Vec<Duty> {
    let mut duties = Vec::new();
    let runs = by_class(results);
    for (at, survey) in surveys.iter_mut().enumerate() {
        let under = || {
            let here = results.iter().filter(|result| result.contract == at);
            here.filter(|result| rules::lists_exits(result.rule))
        };
        for run in under() {
            let ClassRun {
                keeper, checked, ..
            } = run;
            let owner = of_owner(&runs, run);
            let (place, from) = match (checked.subjects.first(), owner) {
                (Some(place), _) => (Some(*place), checked),
                (None, Some((_, owner))) if !owner.checked.subjects.is_empty() => {
                    let class = keeper.class();
                    let place = class.and_then(|class| class_location(program, class));
                    (place, &owner.checked)
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
            problems.order();
            let (class, method) = keeper.names(program);
            let inherits = checked.heir_of.map(|owner| class_name(program, owner));
            let root = keeper.class().and_then(|class| root_of(program, class));
            let duty = |place, exits| Duty {
                class: class.clone(),
                method: method.clone(),
                root: root.clone(),
                contract: DutyOf::new(&survey.contract),
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
                method,
                place,
                inherits,
                findings: problems,
            });
        }
        survey
            .processors
            .order_by(|a, b| (&a.class, &a.method, a.place).cmp(&(&b.class, &b.method, b.place)));
    }
    duties
}

/// The class at the root of the family of a class.
fn root_of(program: &Program<'_>, class: ClassRef) -> Option<String> {
    let mro = program.mro(class);
    let above = mro.entries.iter().skip(1).rev();
    let mut named = above.filter_map(|entry| match entry {
        MroEntry::Class(above) => Some(class_name(program, *above)),
        MroEntry::External(path) if is_transparent_base(path) => None,
        MroEntry::External(path) => Some(path.to_string()),
        MroEntry::Unknown => None,
    });
    named.next()
}

fn class_location(program: &Program<'_>, class: ClassRef) -> Option<Location> {
    let module = program.module(class.module);
    Some(Location {
        file: module.file.as_ref()?.id,
        span: module.ir.class(class.class).name_span,
    })
}

/// The findings of all classes.
fn findings(program: &Program<'_>, results: Vec<ClassRun>) -> Vec<ByClass> {
    let runs = by_class(&results);
    let mut heirs: Vec<Finding> = Vec::new();
    for result in &results {
        let (Some(class), Some((_, owner))) = (result.keeper.class(), of_owner(&runs, result))
        else {
            continue;
        };
        for finding in &owner.checked.findings {
            let class = class_name(program, class);
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
    // A fault in an inherited method is one of the class that defines it, if that is checked.
    let known: HashSet<_> = own.iter().map(key).collect();
    inherited.retain(|finding| known.contains(&key(finding)));
    own.append(&mut inherited);
    let modules = modules(program);
    let of_class = own.into_iter().map(|finding| {
        let around = class_around(&modules, &finding.primary.location);
        ByClass::new(finding, around.as_deref())
    });
    of_class.collect()
}

fn key(finding: &Finding) -> (&'static str, &'static str, Location) {
    (finding.rule, finding.kind, finding.primary.location)
}

/// The modules of a program that are files.
fn modules(program: &Program<'_>) -> HashMap<FileId, Arc<LoadedModule>> {
    let all = (0..program.module_count()).map(|id| {
        let id = u32::try_from(id).expect("module ids are 32 bits wide");
        program.module(ModuleId(id))
    });
    all.filter_map(|module| Some((module.file.as_ref()?.id, module)))
        .collect()
}

/// The innermost class that a place lies in.
fn class_around(
    modules: &HashMap<FileId, Arc<LoadedModule>>,
    location: &Location,
) -> Option<String> {
    let module = modules.get(&location.file)?;
    let around = module.ir.classes.iter().filter(|class| {
        class.span.start <= location.span.start && location.span.end <= class.span.end
    });
    around
        .min_by_key(|class| class.span.end - class.span.start)
        .map(|class| class.qualname.to_string())
}
