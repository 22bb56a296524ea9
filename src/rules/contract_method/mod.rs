//! What the rules about contract methods share.
//!
//! | module | owns |
//! |---|---|
//! | `pass` | the loop over all classes and rules; the findings and the survey of a run |
//! | `portable` | the results for a module as text |
//! | `agree` | which fixes are right for all classes that share a method |
//! | `duty` | who has to keep a contract, and who is at fault if inherited code does not |
//! | `reach` | whether a class changes what an inherited method does |
//! | `verdicts` | verdicts that hold for several classes |
//! | `ladder` | how precisely a method is followed |
//! | `exits` | the state of each exit |
//! | `obstacles` | what rules out the ways to an exit |
//! | `functions` | which functions have to keep a contract |
//! | `entry` | the state in which a method is entered |

mod agree;
mod duty;
mod entry;
mod exits;
mod functions;
mod ladder;
mod obstacles;
mod pass;
mod portable;
mod reach;
mod verdicts;

use std::sync::LazyLock;

use crate::diagnostics::RuleMeta;
use crate::diagnostics::{Finding, FindingBuilder, Location};
use crate::engine::decorated_with;
use crate::engine::summaries::library::Library;
use crate::engine::witness::{Path, PathEvent, Route};
use crate::ir::validate::{for_each_terminator_use, for_each_use};
use crate::ir::{
    Callee, Function, FunctionShape, LocalId, Name, Operand, Overrides, Rvalue, TerminatorKind,
};
use crate::outcome::MethodExits;
use crate::program::{ClassRef, FuncRef, LoadedModule, Lookup, MemberDef, MroEntry, Program};
use crate::rules::tables::counts_rows;
use crate::rules::{Effort, Interest};
use crate::settings::{Contract, Demand, NamePattern, Origin, Place, Root, Settings, Step, Who};

use duty::{is_default, must_keep};
use reach::brings_helpers;

pub use duty::{Caller, Grounds, Task};
pub(in crate::rules) use duty::{decided_last, own_helper};
pub(in crate::rules) use entry::{
    DictKind, ExitPoint, Watched, bind_receiver, dict_kinds, enter, entry_state, exit_point,
    raising_point,
};
pub(in crate::rules) use exits::{Arrival, Deeds, Returns};
pub(in crate::rules) use ladder::{Ladder, Rung};
pub(in crate::rules) use pass::of_rule;
pub use pass::{Beliefs, ContractRule, ContractRun, OfModule, Pass};
pub use verdicts::Verdicts;

/// What such a rule has to see of a program: the methods of the contracts, and what may imply more
/// contracts.
pub(in crate::rules) fn interest(settings: &Settings) -> Interest {
    let mut out = Interest {
        beliefs: settings.infer_contracts,
        ..Interest::default()
    };
    for contract in &settings.contracts {
        match &contract.who {
            Who::Methods { names, .. } => out.members.extend(names.iter().cloned()),
            Who::Functions(paths) => out
                .functions_named
                .extend(paths.iter().map(NamePattern::last_part)),
            Who::Decorated(paths) => out
                .decorators
                .extend(paths.iter().map(NamePattern::last_part)),
        }
    }
    out
}

/// The result of checking one class.
#[derive(Clone, Default)]
pub struct Checked {
    /// Findings.
    pub findings: Vec<Finding>,
    /// Findings that the class shares with the class that it inherits the method from.
    pub inherited: Vec<Finding>,
    /// The class runs only the code of this one, which has to keep the contract itself.
    pub heir_of: Option<ClassRef>,
    /// The definitions that had to keep the contract.
    pub subjects: Vec<Location>,
    /// Whether the rule looks at them as at functions that no contract names: the contract tells it nothing.
    pub as_outside: bool,
    /// How many methods had to keep the contract.
    pub processors: usize,
    /// The exits of these methods, if the rule looks at all of them.
    pub exits: Vec<MethodExits>,
    /// What it cost.
    pub effort: Effort,
}

/// A definition of a contract method, as the method of one class, or a function under a contract.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// The program.
    pub program: &'a Program<'a>,
    /// What is known of its functions.
    pub library: &'a Library<'a>,
    /// The class whose instances have the method; `None` for a function.
    pub class: Option<ClassRef>,
    /// The name by which the class has it, or the name of the function.
    pub method: &'a str,
    /// The definition.
    pub func: FuncRef,
    /// The contract.
    pub contract: &'a Contract,
    /// Where the definition's name is.
    pub def: Location,
}

/// The contract of functions that no contract names: it demands nothing.
static NOTHING: LazyLock<Contract> = LazyLock::new(|| Contract {
    who: Who::Functions(Vec::new()),
    demands: Vec::new(),
    also_when_raising: false,
    origin: Origin::Builtin,
});

impl<'a> Subject<'a> {
    /// A function that no contract names; `None` if it is in no file.
    pub(super) fn outside(
        library: &'a Library<'a>,
        module: &LoadedModule,
        (func, function): (FuncRef, &'a Function),
    ) -> Option<Self> {
        let file = module.file.as_ref()?;
        let class = function.class.map(|class| ClassRef {
            module: func.module,
            class,
        });
        Some(Subject {
            program: library.program,
            library,
            class: class.filter(|_| Self::is_called_on_instance(library.program, func)),
            method: &function.name,
            func,
            contract: &NOTHING,
            def: Location {
                file: file.id,
                span: function.name_span,
            },
        })
    }
}

impl Subject<'_> {
    /// Whether it is looked at although no contract names it.
    pub(super) fn is_outside(&self) -> bool {
        self.contract.demands.is_empty()
    }

    /// Whether a method gets an instance as its first argument.
    pub(super) fn is_called_on_instance(program: &Program<'_>, func: FuncRef) -> bool {
        !decorated_with(program, func, |n| {
            matches!(n, "staticmethod" | "classmethod")
        })
    }

    /// Starts a finding of a rule in the method.
    pub(super) fn finding(&self, rule: &'static RuleMeta, kind: &str) -> FindingBuilder {
        FindingBuilder::new(rule, kind)
            .arg("method", self.method)
            .symbol(self.symbol())
    }

    /// `Class.method`, or the qualified name of the function.
    fn symbol(&self) -> String {
        match self.class {
            Some(class) => {
                let m = self.program.module(class.module);
                format!("{}.{}", m.ir.class(class.class).qualname, self.method)
            }
            None => self.program.qualname(self.func).to_string(),
        }
    }

    /// Whether a call of the method runs nothing, and nobody is found who runs what it returns.
    pub(super) fn runs_nothing(&self) -> bool {
        self.makes_manager() || self.is_generator() && !any_method(self, self.method, uses_result)
    }

    /// Whether somebody may record a run of the method: methods of the class that call it and know
    /// the place, or code that is not known. Nobody is known to record the run of a function.
    pub(super) fn may_be_recorded(&self) -> bool {
        let Some(class) = self.class else {
            return false;
        };
        let calls = |function: &Function, method: &str| !results_of(function, method).is_empty();
        let module = self.program.module(self.func.module);
        let declared = module.ir.function(self.func.func).overrides;
        let mut attributes = self.contract.places().filter_map(Place::attribute);
        matches!(declared, Overrides::Always | Overrides::WhenInherited)
            || !self.program.fully_resolved(class)
            || any_method(self, self.method, calls)
                && attributes.any(|attribute| any_method(self, attribute, |_, _| true))
            || self.contract.asks_for_a_result() && any_method(self, self.method, uses_result)
    }

    /// The method, if it is a generator: its consumers run it.
    pub(super) fn driven(&self) -> Option<FuncRef> {
        self.is_generator().then_some(self.func)
    }

    fn is_generator(&self) -> bool {
        let m = self.program.module(self.func.module);
        m.ir.function(self.func.func).is_generator
    }

    fn makes_manager(&self) -> bool {
        decorated_with(self.program, self.func, |n| {
            n == "contextmanager" || n == "asynccontextmanager"
        })
    }
}

/// Whether another method of the class or of its bases mentions a name, and passes a test that is
/// given the name.
fn any_method(subject: &Subject<'_>, about: &str, test: fn(&Function, &str) -> bool) -> bool {
    let Some(class) = subject.class else {
        return false;
    };
    has_method(subject.program, class, |function| {
        function.name != subject.method && function.body.may_mention(about) && test(function, about)
    })
}

/// Whether the class or one of its bases has a method that passes a test.
fn has_method(program: &Program<'_>, class: ClassRef, test: impl Fn(&Function) -> bool) -> bool {
    program.mro(class).entries.iter().any(|entry| {
        let MroEntry::Class(class) = entry else {
            return false;
        };
        let module = program.module(class.module);
        let mut functions = module.ir.functions_of(class.class);
        functions.any(|(_, function)| test(function))
    })
}

/// The results of a function's calls of a method of its receiver; `None` for one that is dropped.
fn results_of(function: &Function, method: &str) -> Vec<Option<LocalId>> {
    let blocks = function.body.blocks.iter();
    let results = blocks.filter_map(|block| match &block.terminator.kind {
        TerminatorKind::Eval {
            dest,
            rvalue:
                Rvalue::Call {
                    callee: Callee::Method { receiver, name, .. },
                    ..
                },
            ..
        } if name == method && *receiver == Operand::Local(LocalId(0)) => Some(*dest),
        _ => None,
    });
    results.collect()
}

/// Whether a function calls a method of its receiver and uses the result.
fn uses_result(function: &Function, method: &str) -> bool {
    let results: Vec<LocalId> = results_of(function, method).into_iter().flatten().collect();
    let mut used = false;
    for block in &function.body.blocks {
        for s in &block.statements {
            for_each_use(&s.kind, &mut |l| used |= results.contains(&l));
        }
        for_each_terminator_use(&block.terminator.kind, &mut |l| {
            used |= results.contains(&l)
        });
    }
    used
}

/// Checks a contract method that a class has, if the class has to keep the contract: `check` looks
/// at each definition.
fn check_class<'a>(
    library: &'a Library<'a>,
    class: ClassRef,
    task: Task<'a>,
    check: &dyn Fn(Subject<'a>, &mut Checked),
) -> Checked {
    let program = library.program;
    let mut out = Checked::default();
    let (contract, method) = (task.contract, task.method);
    let Lookup::Found(owner, defs) = program.lookup(class, method, None) else {
        return out;
    };
    if !must_keep(program, class, owner, task) {
        return out;
    }
    let defs: Vec<FuncRef> = defs
        .iter()
        .filter_map(|def| match def {
            MemberDef::Func(func) => Some(*func),
            _ => None,
        })
        .filter(|func| !is_default(program, owner, *func, task))
        .collect();
    let look = |class: ClassRef, func: FuncRef, out: &mut Checked| {
        if !runs(program, func) {
            return;
        }
        out.processors += 1;
        let Some(def) = definition(program, func) else {
            return;
        };
        out.subjects.push(def);
        let subject = Subject {
            program,
            library,
            class: Some(class),
            method,
            func,
            contract,
            def,
        };
        check(subject, out);
    };
    // An inherited method is checked in the class that defines it, unless that class need not keep
    // the contract, or the heir adds members that the method may use.
    let mut known = Checked::default();
    if owner != class && must_keep(program, owner, owner, task) {
        if !brings_helpers(program, class, owner, &defs) {
            out.heir_of = Some(owner);
            return out;
        }
        for func in &defs {
            look(owner, *func, &mut known);
        }
    }
    out.inherited = known.findings;
    for func in &defs {
        look(class, *func, &mut out);
    }
    if let Some(grounds) = task.inferred {
        for finding in &mut out.findings {
            finding.notes.push(grounds.note.to_owned());
        }
    }
    let (inherited, own) = out.findings.into_iter().partition(|f| {
        out.inherited
            .iter()
            .any(|k| k.primary.location == f.primary.location && k.kind == f.kind)
    });
    out.findings = own;
    out.inherited = inherited;
    out
}

/// Checks a function that has to keep a contract, or a method that has to keep it because of its
/// decorator.
fn check_one<'a>(
    library: &'a Library<'a>,
    func: FuncRef,
    contract: &'a Contract,
    check: &dyn Fn(Subject<'_>, &mut Checked),
) -> Checked {
    let program = library.program;
    let mut out = Checked::default();
    let module = program.module(func.module);
    let function = module.ir.function(func.func);
    let Some(def) = definition(program, func).filter(|_| !is_stub(function)) else {
        return out;
    };
    let name = function.name.clone();
    let class = function
        .class
        .filter(|_| Subject::is_called_on_instance(program, func));
    let subject = Subject {
        program,
        library,
        class: class.map(|class| ClassRef {
            module: func.module,
            class,
        }),
        method: &name,
        func,
        contract,
        def,
    };
    if entry::possible_demands(&subject) == 0 {
        return out;
    }
    out.processors = 1;
    out.subjects.push(def);
    check(subject, &mut out);
    out
}

/// The name of a function in its definition.
fn definition(program: &Program<'_>, func: FuncRef) -> Option<Location> {
    let m = program.module(func.module);
    Some(Location {
        file: m.file.as_ref()?.id,
        span: m.ir.function(func.func).name_span,
    })
}

fn is_stub(function: &Function) -> bool {
    matches!(
        function.shape,
        FunctionShape::Empty | FunctionShape::NotImplemented
    )
}

/// Whether a definition is more than a stub and is called on an instance.
fn runs(program: &Program<'_>, func: FuncRef) -> bool {
    let m = program.module(func.module);
    !is_stub(m.ir.function(func.func))
        && Subject::is_called_on_instance(program, func)
        && !decorated_with(program, func, |n| {
            matches!(
                n,
                "abstractmethod" | "overload" | "property" | "cached_property"
            )
        })
}

/// Adds the ways of a path through the functions that it enters to a finding.
pub(super) fn add_ways(
    program: &Program<'_>,
    finding: FindingBuilder,
    path: &Path,
) -> FindingBuilder {
    let routes = path.routes().iter();
    routes.fold(finding, |finding, route| add_way(program, finding, route))
}

/// Adds the graph of a function to a finding, with a way through it.
pub(super) fn add_way(
    program: &Program<'_>,
    finding: FindingBuilder,
    route: &Route,
) -> FindingBuilder {
    match route.drawing(program) {
        Some(flow) => finding.flow(flow),
        None => finding,
    }
}

/// Adds the steps of a path to a finding, and its ways.
pub(super) fn add_steps(
    program: &Program<'_>,
    finding: FindingBuilder,
    path: &Path,
    left: &str,
) -> FindingBuilder {
    let mut finding = add_ways(program, finding, path);
    for s in crate::rules::wording::steps(program, path, left) {
        let m = program.module(s.func.module);
        if let Some(f) = &m.file {
            let location = Location {
                file: f.id,
                span: s.span,
            };
            finding = finding.step(location, s.message).knowing(&s.known);
        }
    }
    finding
}

/// The name of the method that is called at an event of a path.
pub(super) fn called_at(program: &Program<'_>, event: &PathEvent) -> Option<Name> {
    let module = program.module(event.func.module);
    let body = &module.ir.function(event.func.func).body;
    body.blocks.iter().find_map(|b| match &b.terminator.kind {
        TerminatorKind::Eval {
            rvalue:
                Rvalue::Call {
                    callee: Callee::Method { name, .. },
                    ..
                },
            ..
        } if b.terminator.span == event.span => Some(name.clone()),
        _ => None,
    })
}

/// Whether what is demanded is a number of rows: a key of what the receiver holds, or an attribute whose
/// name speaks of how many there are.
pub(super) fn counts(demand: &Demand) -> bool {
    match demand {
        Demand::Store(place) => {
            place.root == Root::Receiver && matches!(place.slot, Step::Key(_))
                || counts_rows(place.slot.name())
        }
        Demand::Return(_) | Demand::Call(_) => false,
    }
}
