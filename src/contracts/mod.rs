//! Contracts that nobody wrote down, inferred from what the code does.
//!
//! A method that calls `self.hook()` and then reads `self.place['key']` (or `.get('key', 0)`, which
//! hides an omission), itself or in a helper, depends on the hook to set the key. One that uses what
//! the hook returned (`total += self.hook()`) depends on a value. Whether the hook *should* set it, its
//! definitions tell: the belief that most of them share is the contract, and one that deviates is
//! the suspect (Engler et al., *Bugs as deviant behavior*, SOSP 2001).
//!
//! Inference reads control-flow graphs and follows no paths, so it costs about as much as looking
//! at each method once. It would rather miss a contract than invent one.

mod events;
mod helpers;
mod numbers;
mod reads;
mod results;
mod returns;
mod stores;
pub mod suggest;
mod survey;
mod uses;
mod view;

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;

use crate::contracts::events::{ITSELF, What};
use crate::contracts::reads::{Dependence, Wanted, dependences};
use crate::contracts::returns::{Asked, Says, objects, says};
use crate::contracts::stores::{Sets, StatsKey, Stores};
use crate::contracts::suggest::Words;
pub use crate::contracts::survey::{class_name, surveys};
use crate::contracts::view::Entry;
use crate::diagnostics::Location;
use crate::ir::{Body, FunctionShape, Literal, Name, Rvalue, StaticExpr, StaticExprKind};
use crate::order::Order as _;
use crate::outcome::{Evidence, Needs};
use crate::program::{ClassRef, Def, FuncRef, Lookup, MemberDef, MroEntry, Program};
use crate::settings::{Contract, Demand, NamePattern, Origin, Place, Who};

/// A contract that a method implies by depending on a hook.
#[derive(Clone, Debug)]
pub struct Inferred {
    /// The contract.
    pub contract: Contract,
    /// The class whose method depends on the hook.
    pub class: ClassRef,
    /// The call of the hook and the read that depends on it.
    pub evidence: Evidence,
    /// Whether the definitions of the hook confirm it. If not, it can only support a contract that
    /// is declared.
    pub believed: bool,
    /// The classes that have to keep it.
    pub under: BTreeSet<ClassRef>,
}

impl Inferred {
    /// All of it as text that is the same in every run with the same code.
    #[must_use]
    pub fn described(&self, program: &Program<'_>) -> String {
        let class = |class: &ClassRef| {
            let module = program.module(class.module);
            let path = module.file.as_ref().map(|file| file.real_path.clone());
            (path, class.class)
        };
        let under: BTreeSet<_> = self.under.iter().map(class).collect();
        let evidence = self.evidence.described(program.sources());
        format!(
            "{:?}{:?}{evidence}{}{under:?}",
            self.contract,
            class(&self.class),
            self.believed
        )
    }

    /// Whether this is about the same method and place as another contract.
    #[must_use]
    pub fn is_about(&self, other: &Contract) -> bool {
        let mine = self.contract.who.only_method();
        let mut demands = self.contract.demands.iter();
        mine.is_some_and(|method| other.who.is_method(method))
            && demands.any(|demand| other.demands.contains(demand))
    }
}

/// Infers contracts for classes from the classes that they inherit from, and finds evidence for
/// declared contracts.
#[must_use]
pub fn infer(
    program: &Program<'_>,
    classes: &[ClassRef],
    declared: &[Contract],
    words: Words,
) -> Vec<Inferred> {
    let mut below: BTreeMap<ClassRef, Vec<ClassRef>> = BTreeMap::new();
    let mut all: Vec<ClassRef> = classes.to_vec();
    for class in classes {
        all.extend(program.mro(*class).entries.iter().filter_map(known));
    }
    all.order();
    all.dedup();
    for class in &all {
        for above in program.mro(*class).entries.iter().filter_map(known) {
            below.entry(above).or_default().push(*class);
        }
    }
    let owners = owners(program, &all);
    let stores = Stores::new(program, words);
    let mut out = Vec::new();
    for (class, below) in &below {
        // A class without heirs implies nothing.
        let declares = |c: &Contract| match &c.who {
            Who::Methods { names, .. } => {
                let methods = methods_named(program, *class, names);
                methods
                    .iter()
                    .any(|name| program.own_member(*class, name).is_some())
            }
            Who::Functions(_) | Who::Decorated(_) => false,
        };
        let is_declared = declared.iter().any(declares);
        if below.len() < 2 && !is_declared {
            continue;
        }
        let mut found: Vec<Inferred> = Vec::new();
        let above = known_above(program, *class);
        let overridden = |name: &str| {
            let owners = owners.get(name);
            is_declared || owners.is_some_and(|all| all.iter().any(|o| !above.contains(o)))
        };
        for dependence in dependences(&stores, *class, &overridden) {
            for at in 0..dependence.calls.len() {
                let Some(new) = judge(&stores, *class, below, &dependence, at) else {
                    continue;
                };
                // The first read that is confirmed is enough.
                match found.iter_mut().find(|old| old.is_about(&new.contract)) {
                    Some(old) if new.believed && !old.believed => *old = new,
                    Some(_) => {}
                    None => found.push(new),
                }
            }
        }
        out.append(&mut found);
    }
    out
}

/// For each name of a member, the classes whose bodies define it, or to which it is assigned.
fn owners(program: &Program<'_>, classes: &[ClassRef]) -> FxHashMap<Name, Vec<ClassRef>> {
    let mut out: FxHashMap<Name, Vec<ClassRef>> = FxHashMap::default();
    for class in classes {
        let module = program.module(class.module);
        let scope = module.ir.scope(module.ir.class(class.class).scope);
        let assigned = module.ir.attribute_stores.iter().map(|(_, name, _)| name);
        for name in scope.bindings.keys().chain(assigned) {
            out.entry(name.clone()).or_default().push(*class);
        }
    }
    out
}

/// The classes with a method that depends on another method of its receiver, of those whose names
/// may be those of hooks.
#[must_use]
pub fn that_depend(
    program: &Program<'_>,
    classes: &[ClassRef],
    words: Words,
    hook: &dyn Fn(ClassRef, &str) -> bool,
) -> BTreeSet<ClassRef> {
    let stores = Stores::new(program, words);
    let depends = |class: &&ClassRef| {
        let class = **class;
        !dependences(&stores, class, &|name| hook(class, name)).is_empty()
    };
    classes.iter().filter(depends).copied().collect()
}

/// The classes and those that they inherit from.
#[must_use]
pub fn with_bases(program: &Program<'_>, classes: &[ClassRef]) -> Vec<ClassRef> {
    let above = |class: &ClassRef| known_above(program, *class);
    let all: BTreeSet<ClassRef> = classes.iter().flat_map(above).collect();
    all.into_iter().collect()
}

/// The methods of a class, inherited ones too, whose names one of the patterns matches, each once.
#[must_use]
pub fn methods_named(
    program: &Program<'_>,
    class: ClassRef,
    patterns: &[NamePattern],
) -> Vec<Name> {
    let mut out: BTreeSet<Name> = BTreeSet::new();
    let literal = patterns.iter().filter_map(NamePattern::literal);
    out.extend(literal.map(Name::from));
    if patterns.iter().any(|pattern| pattern.literal().is_none()) {
        for above in known_above(program, class) {
            let module = program.module(above.module);
            let own = module.ir.functions_of(above.class);
            let names = own.map(|(_, function)| &function.name);
            let matched = names.filter(|name| patterns.iter().any(|pattern| pattern.matches(name)));
            out.extend(matched.cloned());
        }
    }
    out.into_iter().collect()
}

/// The class itself and the classes that it inherits from, as far as they are known.
#[must_use]
pub fn known_above(program: &Program<'_>, class: ClassRef) -> Vec<ClassRef> {
    program
        .mro(class)
        .entries
        .iter()
        .filter_map(known)
        .collect()
}

fn known(entry: &MroEntry) -> Option<ClassRef> {
    match entry {
        MroEntry::Class(class) => Some(*class),
        MroEntry::External(_) | MroEntry::Unknown => None,
    }
}

/// Whether a body calls a method of the class above.
fn uses_super(body: &Body) -> bool {
    let mut found = false;
    body.for_each_rvalue(|_, _, rvalue| found |= matches!(rvalue, Rvalue::Super { .. }));
    found
}

/// The contract that a read implies by depending on one of the calls before it. The definitions of
/// that hook decide whether it is believed.
fn judge(
    stores: &Stores<'_>,
    class: ClassRef,
    below: &[ClassRef],
    dependence: &Dependence,
    at: usize,
) -> Option<Inferred> {
    let program = stores.program;
    let (hook, call) = &dependence.calls[at];
    let others = dependence.calls.iter().map(|(name, _)| name);
    let others = others.chain(&dependence.others);
    let check = HookCheck {
        stores,
        hook,
        others: others.filter(|name| *name != hook).collect(),
        dependence,
        above: known_above(program, class),
    };
    let votes = check.ask(below);
    let location = |module, span| {
        let module = program.module(module);
        Some(Location {
            file: module.file.as_ref()?.id,
            span,
        })
    };
    let here = dependence.reader.module;
    let (demand, needs) = match &dependence.wanted {
        Wanted::Stored { field, key } => {
            let place = match key.as_str() {
                ITSELF => Place::field(field),
                key => Place::key_of(field, key),
            };
            (Demand::Store(place), Needs::Place)
        }
        Wanted::Returned { steps, .. } => (Demand::Return(steps.clone()), Needs::Result),
    };
    let helper = match dependence.through {
        Some(span) => Some(location(here, span)?),
        None => None,
    };
    Some(Inferred {
        contract: Contract::about_method(hook, demand, Origin::Inferred),
        class,
        evidence: Evidence {
            reader: program.qualname(dependence.reader).to_string(),
            call: location(here, *call)?,
            helper,
            read: location(dependence.read.0, dependence.read.1)?,
            needs,
        },
        believed: votes.confirm(&dependence.wanted),
        under: votes.under,
    })
}

/// What is asked of the definitions of a hook.
struct HookCheck<'q, 'p> {
    stores: &'q Stores<'p>,
    hook: &'q Name,
    /// Other methods that the reader calls before it reads.
    others: Vec<&'q Name>,
    dependence: &'q Dependence,
    /// The class of the reader and those that it inherits from.
    above: Vec<ClassRef>,
}

/// What the definitions of a hook say about a key.
#[derive(Default)]
struct Votes {
    by_definition: BTreeMap<FuncRef, Sets>,
    /// The classes on whose instances nothing else sets the key.
    under: BTreeSet<ClassRef>,
    /// Whether the reader can do without: a default of its own classes leaves the key out, or a
    /// definition says that nothing may be returned.
    tolerated: bool,
    /// Whether some definition is known to return a number.
    number: bool,
}

impl Votes {
    /// Whether the definitions confirm that the hook has to set the key.
    fn confirm(&self, wanted: &Wanted) -> bool {
        let count = |wanted| {
            let votes = self.by_definition.values();
            votes.filter(|sets| **sets == wanted).count()
        };
        let in_favour = count(Sets::Deliberately);
        let needs_number = matches!(wanted, Wanted::Returned { number: true, .. });
        !self.tolerated
            && (self.number || !needs_number)
            && in_favour > 0
            && in_favour >= count(Sets::Never)
    }
}

impl HookCheck<'_, '_> {
    /// Asks the definitions that the classes below the reader have.
    fn ask(&self, below: &[ClassRef]) -> Votes {
        let mut out = Votes::default();
        let program = self.stores.program;
        // A class that calls its own method knows what that leaves out: only a definition in
        // another class can break what the reader takes for granted.
        let is_overridden = |heir: &ClassRef| {
            let lookup = program.lookup(*heir, self.hook, None);
            matches!(lookup, Lookup::Found(owner, _) if !self.above.contains(&owner))
        };
        if !below.iter().any(is_overridden) {
            return out;
        }
        for heir in below {
            let Lookup::Found(owner, defs) = program.lookup(*heir, self.hook, None) else {
                continue;
            };
            if self.is_set_elsewhere(*heir) || !self.reads(*heir) {
                continue;
            }
            out.under.insert(*heir);
            let own = self.above.contains(&owner);
            for def in defs {
                let MemberDef::Func(func) = def else { continue };
                let module = program.module(func.module);
                let function = module.ir.function(func.func);
                let stub = match function.shape {
                    FunctionShape::Code => false,
                    FunctionShape::Pass => own,
                    FunctionShape::Empty | FunctionShape::NotImplemented => true,
                };
                let returns = matches!(self.dependence.wanted, Wanted::Returned { .. });
                out.tolerated |= returns && (own || stub) && objects(function);
                if !stub {
                    self.hear(&mut out, *heir, func, own);
                }
            }
        }
        out
    }

    /// Counts what a definition says.
    fn hear(&self, out: &mut Votes, heir: ClassRef, func: FuncRef, own: bool) {
        let sets = match &self.dependence.wanted {
            Wanted::Stored { field, key } => {
                let sets = self.stores.sets(heir, func, StatsKey { field, key });
                out.tolerated |= own && sets == Sets::Never;
                sets
            }
            Wanted::Returned { steps, awaited, .. } => {
                let asked = Asked {
                    class: heir,
                    steps,
                    awaited: *awaited,
                };
                match says(self.stores, func, asked) {
                    Says::Returns(found) => {
                        out.tolerated |= own && found.lacks;
                        out.number |= found.number;
                        found.sets
                    }
                    Says::Objects => {
                        out.tolerated = true;
                        return;
                    }
                    Says::Nothing => return,
                }
            }
        };
        let vote = out.by_definition.entry(func).or_insert(sets);
        *vote = (*vote).max(sets);
    }

    /// Whether an instance of a class runs the reader, and has the helpers by which it reads. A class that
    /// overrides the reader runs it only by `super()`.
    fn reads(&self, class: ClassRef) -> bool {
        let program = self.stores.program;
        let own = |name: &str| program.method(class, name, None);
        let reader = self.dependence.reader;
        let module = program.module(reader.module);
        let runs = match own(&module.ir.function(reader.func).name) {
            Some(func) if func != reader => {
                let module = program.module(func.module);
                uses_super(&module.ir.function(func.func).body)
            }
            _ => true,
        };
        let mut helpers = self.dependence.helpers.iter();
        runs && helpers.all(|(name, func)| own(name) == Some(*func))
    }

    /// Whether the key has a value on an instance of a class before the hook runs, or without it:
    /// from another method that is called before the read, from the class body, from `__init__`, or
    /// from a dict that makes up missing keys.
    fn is_set_elsewhere(&self, class: ClassRef) -> bool {
        let Wanted::Stored { field, key } = &self.dependence.wanted else {
            return false;
        };
        let wanted = StatsKey { field, key };
        let mut others = self.others.iter();
        others.any(|other| self.stores.method_sets(class, other, wanted) >= Sets::Somewhere)
            // What an attribute is before the hook runs is what it says if the hook forgets it.
            || *wanted.key != *ITSELF && known_above(self.stores.program, class)
                .into_iter()
                .any(|above| self.is_in_body(above, wanted) || self.is_set_by_init(class, above, wanted))
    }

    /// Whether the body of a class gives the key a value.
    fn is_in_body(&self, class: ClassRef, wanted: StatsKey<'_>) -> bool {
        let is_key = |key: &StaticExpr| match &key.kind {
            StaticExprKind::Literal(Literal::Str(text)) => text == wanted.key,
            _ => false,
        };
        let gives = |expr: &StaticExpr| match &expr.kind {
            StaticExprKind::Dict(items) => items.iter().any(|(key, _)| is_key(key)),
            StaticExprKind::Call(callee, ..) => match &callee.kind {
                StaticExprKind::Path(path) => path
                    .last()
                    .is_some_and(|n| n == "Counter" || n == "defaultdict"),
                _ => false,
            },
            _ => false,
        };
        let defs = self.stores.program.own_member(class, wanted.field);
        defs.into_iter().flatten().any(|def| match def {
            MemberDef::Def(Def::Value(_, _, expr)) => gives(&expr),
            _ => false,
        })
    }

    /// Whether the `__init__` of `owner` gives the key a value on an instance of a class.
    fn is_set_by_init(&self, class: ClassRef, owner: ClassRef, wanted: StatsKey<'_>) -> bool {
        let defs = self.stores.program.own_member(owner, "__init__");
        defs.into_iter().flatten().any(|def| match def {
            MemberDef::Func(func) => {
                let events = self.stores.events(class, func, &Entry::method());
                let lenient = events.iter().flatten().any(
                    |event| matches!(&event.what, What::Lenient { field } if field == wanted.field),
                );
                lenient || self.stores.sets(class, func, wanted) >= Sets::Somewhere
            }
            MemberDef::Def(_) | MemberDef::Unknown => false,
        })
    }
}
