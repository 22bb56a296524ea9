//! `success-as-proof`: a run that ended well is not a run that processed something.
//!
//! Each function that contains an effect (it marks a unit as done, answers "already done", skips
//! work) is simulated with an automaton that notes when a status is found to be success, and when a
//! count of records is compared. An effect is reported if a status decides it (control dependence)
//! and some path reaches it with a success known and no count compared.
//!
//! Imports between the modules go down this table:
//!
//! | module | owns |
//! |---|---|
//! | `check` | the simulation of one function, and the search for a path to each effect |
//! | `report` | findings: labels, notes, severity, fixes |
//! | `watch` | the automaton: which test teaches what |
//! | `evidence` | what proves that work was done |
//! | `facts` | what values are known to be: statuses, query results, collections of successes |
//! | `relevance` | which functions are followed, and how far |
//! | `effects` | what marks a unit as done, answers, or skips work |
//! | `code` | the code of one function, read without running it |
//! | `options` | what a configuration can say |
//! | `vocabulary` | tables of words, and what names mean |

mod check;
mod code;
mod effects;
mod evidence;
mod facts;
mod options;
mod relevance;
mod report;
mod vocabulary;
mod watch;

use std::rc::Rc;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::diagnostics::{Finding, Severity};
use crate::engine::summaries::library::Library;
use crate::ir::control::ControlDependence;
use crate::ir::{ClassIdx, FuncIdx, Function, Name};
use crate::program::{FuncRef, LoadedModule, ModuleId};
use crate::rules::{Effort, FunctionRule, Glances, InModule};
use crate::settings::Settings;
use check::{Check, CheckResult, can_be_decided};
use code::{Constants, FunctionCode, class_of, is_unnamed};
use effects::Work;
pub use options::{Options, Table};
use relevance::{KnownSources, SourceReader, Sources, SuccessGlance, Worth};
pub use vocabulary::Vocabulary;

/// Checks functions that have words for success.
pub struct Functions;

impl FunctionRule for Functions {
    fn glance(&self, settings: &Settings) -> Option<Glances> {
        let words = settings.options.get::<Options>().vocabulary.clone();
        Some(Box::new(move || {
            Box::new(SuccessGlance::new(words.clone()))
        }))
    }

    fn same_glance(&self, one: &Settings, other: &Settings) -> bool {
        one.options.get::<Options>().same_words(other.options.get())
    }

    fn check(
        &self,
        library: &Library<'_>,
        module: &LoadedModule,
        functions: &[(FuncIdx, &Function)],
        settings: &Settings,
    ) -> InModule {
        let functions = functions.iter();
        let functions: Vec<_> = functions
            .flat_map(|(idx, _)| module.ir.with_left_out(*idx))
            .collect();
        let checker = ModuleCheck {
            library,
            module: module.id,
            functions: &functions,
            options: settings.options.get(),
        };
        let mut out = InModule::default();
        out.findings = checker.findings(&mut out.effort);
        out
    }
}

/// For classes, the names under which their methods record a success only where there are rows.
type Recorded = FxHashMap<ClassIdx, Rc<FxHashSet<Name>>>;

/// The check of the functions of one module.
struct ModuleCheck<'m, 'p> {
    library: &'m Library<'p>,
    module: ModuleId,
    functions: &'m [(FuncIdx, &'m Function)],
    options: &'m Options,
}

impl<'m, 'p> ModuleCheck<'m, 'p> {
    fn findings(&self, effort: &mut Effort) -> Vec<Finding> {
        let strict = self.options.strict_null;
        let none = FxHashSet::default();
        let mut results: Vec<(Check<'_, '_>, CheckResult)> = Vec::new();
        // What one method fills with successes, another of the class may take for what is done.
        let mut fields: FxHashMap<ClassIdx, FxHashSet<String>> = FxHashMap::default();
        let mut recorded = Recorded::default();
        for mut check in self.checks() {
            let run = self.run(&mut check, (&none, strict), &mut recorded, effort);
            if let Some(class) = check.code.function.class {
                fields.entry(class).or_default().extend(run.filled.clone());
            }
            results.push((check, run));
        }
        let mut out = Vec::new();
        for (mut check, mut run) in results {
            let class = check.code.function.class;
            let filled = class.and_then(|c| fields.get(&c)).unwrap_or(&none);
            if check.code.fields().any(|f| filled.contains(f.as_str())) {
                run = self.run(&mut check, (filled, strict), &mut recorded, effort);
            }
            // A comparison that lets a missing count pass is worth a note.
            if run.nullable && !strict {
                let all = self.run(&mut check, (filled, true), &mut recorded, effort);
                out.extend(only_if_strict(all.findings, &run.findings));
            }
            out.append(&mut run.findings);
        }
        out
    }

    /// The functions that have to be followed.
    fn checks(&self) -> Vec<Check<'m, 'p>> {
        let known = KnownSources::default();
        let mut nested: FxHashMap<FuncIdx, Vec<&Function>> = FxHashMap::default();
        for &(_, function) in self.functions {
            if let (true, Some(outer)) = (is_unnamed(function), function.outer) {
                nested.entry(outer).or_default().push(function);
            }
        }
        let mut out = Vec::new();
        for &(idx, function) in self.functions {
            if function.name.starts_with("test_") || is_unnamed(function) {
                continue;
            }
            let nested = nested.get(&idx).map_or(&[][..], Vec::as_slice);
            out.extend(self.check(idx, FunctionCode::new(function, nested), &known));
        }
        out
    }

    /// Simulates a function. Only if something is found, the class is asked when it records a success.
    fn run(
        &self,
        check: &mut Check<'_, '_>,
        (filled, strict): (&FxHashSet<String>, bool),
        recorded: &mut Recorded,
        effort: &mut Effort,
    ) -> CheckResult {
        let run = check.run(filled, strict, effort);
        let Some(class) = check.code.function.class else {
            return run;
        };
        if run.findings.is_empty() || !check.computed.is_empty() {
            return run;
        }
        let computed = recorded.entry(class);
        check.computed = Rc::clone(computed.or_insert_with(|| self.computed(class)));
        match check.computed.is_empty() {
            true => run,
            false => check.run(filled, strict, effort),
        }
    }

    /// The names under which the methods of a class record a success only where there are rows.
    fn computed(&self, class: ClassIdx) -> Rc<FxHashSet<Name>> {
        let words = &self.options.vocabulary;
        let module = self.library.program.module(self.module);
        let (mut of_rows, mut plain) = (FxHashSet::default(), FxHashSet::default());
        for (_, function) in module.ir.functions_of(class) {
            let produced = FunctionCode::new(function, &[]).produced(words);
            of_rows.extend(produced.of_rows);
            plain.extend(produced.plain);
        }
        of_rows.retain(|name| !plain.contains(name));
        Rc::new(of_rows)
    }

    /// The check of a function; `None` if it need not be followed.
    fn check(
        &self,
        idx: FuncIdx,
        code: FunctionCode<'m>,
        known: &KnownSources,
    ) -> Option<Check<'m, 'p>> {
        let words = &self.options.vocabulary;
        let function = code.function;
        let func = FuncRef {
            module: self.module,
            func: idx,
        };
        let constants = Constants {
            program: self.library.program,
            module: self.module,
            scope: function.scope,
            class: class_of(func, function),
        };
        let mut sites = code.effect_sites(words);
        let worth = code.worth(words, constants, &sites);
        if worth == Worth::Nothing {
            return None;
        }
        let control = ControlDependence::compute(&function.body);
        let targets = {
            let reading = SourceReader {
                code: &code,
                words,
                constants,
                known,
            };
            let work = Work::new(&code, &control, words);
            let sources = Sources::new(reading, &control);
            sites.retain(|site| can_be_decided(function, &control, &sources, &work, site));
            code.targets(words, &control, &sources, &sites)?
        };
        if worth == Worth::FollowingTo && sites.is_empty() && !targets.collects {
            return None;
        }
        Some(Check {
            library: self.library,
            func,
            code,
            constants,
            sites,
            options: self.options,
            control,
            targets,
            computed: Rc::default(),
        })
    }
}

/// The findings that exist only if NULL is read strictly, as notes.
fn only_if_strict(strict: Vec<Finding>, known: &[Finding]) -> Vec<Finding> {
    let is_known = |finding: &Finding| {
        known
            .iter()
            .any(|f| f.primary.location == finding.primary.location && f.kind == finding.kind)
    };
    let new = strict
        .into_iter()
        .filter(|finding| finding.kind != report::UNVERIFIED && !is_known(finding));
    new.map(|mut finding| {
        finding.severity = Severity::Note;
        finding
            .notes
            .push("a missing count (NULL) passes the comparison".to_owned());
        finding
    })
    .collect()
}
