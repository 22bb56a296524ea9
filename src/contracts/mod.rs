//! Contracts that nobody wrote down, inferred from what the code does.
//!
//! A method that calls `self.hook()` and afterwards reads `self.place['key']` (or `.get('key',
//! 0)`, which makes an omission silent) depends on the hook having set the key. That it *should*
//! is what the definitions of the hook tell: the belief that most of them share is the contract,
//! and one that deviates is the suspect (Engler et al., *Bugs as deviant behavior*, SOSP 2001).
//!
//! Inference reads control-flow graphs and follows no paths: it costs about as much as looking at
//! each method once. It rather misses a contract than invents one.

mod events;
mod reads;
mod stores;
mod survey;
mod view;

use std::collections::{BTreeMap, BTreeSet};

use crate::contracts::events::What;
use crate::contracts::reads::{Dependence, dependences};
use crate::contracts::stores::{Sets, Stores};
pub use crate::contracts::survey::{class_name, surveys};
use crate::contracts::view::Entry;
use crate::diagnostics::Location;
use crate::ir::{FunctionShape, Name, StaticExprKind};
use crate::outcome::Evidence;
use crate::program::{ClassRef, Def, FuncRef, Lookup, MemberDef, MroEntry, Program};
use crate::settings::{Contract, ContractPlace, Origin};

/// A method that depends on a hook, and what became of that.
#[derive(Clone, Debug)]
pub struct Inferred {
    /// The contract.
    pub contract: Contract,
    /// The class whose method depends on the hook.
    pub class: ClassRef,
    /// Why.
    pub evidence: Evidence,
    /// Whether the definitions of the hook bear it out. If not, it is evidence for a contract
    /// from elsewhere, and nothing by itself.
    pub believed: bool,
    /// The classes that have to keep it.
    pub under: BTreeSet<ClassRef>,
}

impl Inferred {
    /// Whether this is about the same method and place.
    #[must_use]
    pub fn is_about(&self, other: &Contract) -> bool {
        self.contract.method == other.method && self.contract.sets == other.sets
    }
}

/// Infers contracts for classes from the classes that they inherit from, and finds the evidence
/// for declared ones.
#[must_use]
pub fn infer(program: &Program<'_>, classes: &[ClassRef], declared: &[Contract]) -> Vec<Inferred> {
    let mut below: BTreeMap<ClassRef, Vec<ClassRef>> = BTreeMap::new();
    let mut all: Vec<ClassRef> = classes.to_vec();
    for class in classes {
        all.extend(program.mro(*class).entries.iter().filter_map(known));
    }
    all.sort();
    all.dedup();
    for class in &all {
        for above in program.mro(*class).entries.iter().filter_map(known) {
            below.entry(above).or_default().push(*class);
        }
    }
    let stores = Stores::new(program);
    let mut out = Vec::new();
    for (class, below) in &below {
        // Nothing can be inferred from a class that no other is below.
        let declares = |c: &Contract| program.own_member(*class, &c.method).is_some();
        if below.len() < 2 && !declared.iter().any(declares) {
            continue;
        }
        let mut found: Vec<Inferred> = Vec::new();
        for dependence in dependences(&stores, *class) {
            for at in 0..dependence.calls.len() {
                let Some(new) = judge(&stores, *class, below, &dependence, at) else {
                    continue;
                };
                // The first read that bears it out is enough.
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

/// The classes with a method that depends on another one of its receiver.
#[must_use]
pub fn that_depend(program: &Program<'_>, classes: &[ClassRef]) -> BTreeSet<ClassRef> {
    let stores = Stores::new(program);
    let depends = |class: &&ClassRef| !dependences(&stores, **class).is_empty();
    classes.iter().filter(depends).copied().collect()
}

/// The classes and those that they inherit from.
#[must_use]
pub fn with_bases(program: &Program<'_>, classes: &[ClassRef]) -> Vec<ClassRef> {
    let above = |class: &ClassRef| known_above(program, *class);
    let all: BTreeSet<ClassRef> = classes.iter().flat_map(above).collect();
    all.into_iter().collect()
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

/// Asks the definitions of one hook whether the read depends on them.
fn judge(
    stores: &Stores<'_>,
    class: ClassRef,
    below: &[ClassRef],
    dependence: &Dependence,
    at: usize,
) -> Option<Inferred> {
    let program = stores.program;
    let (hook, call) = &dependence.calls[at];
    let (field, key) = (&dependence.field, &dependence.key);
    let others: Vec<&Name> = dependence
        .calls
        .iter()
        .filter(|(name, _)| name != hook)
        .map(|(name, _)| name)
        .collect();
    let above: Vec<ClassRef> = program
        .mro(class)
        .entries
        .iter()
        .filter_map(known)
        .collect();
    // A class that calls its own method knows what that leaves out: only a hook that some other
    // class defines can go against what the reader takes for granted.
    let overridden = below.iter().any(|heir| {
        matches!(program.lookup(*heir, hook, None), Lookup::Found(owner, _) if !above.contains(&owner))
    });
    let mut votes: BTreeMap<FuncRef, Sets> = BTreeMap::new();
    let mut under = BTreeSet::new();
    let mut tolerated = false;
    for heir in below.iter().filter(|_| overridden) {
        let Lookup::Found(owner, defs) = program.lookup(*heir, hook, None) else {
            continue;
        };
        if set_elsewhere(stores, *heir, &others, field, key) {
            continue;
        }
        under.insert(*heir);
        for def in defs {
            let MemberDef::Func(func) = def else { continue };
            let shape = program.module(func.module).ir.function(func.func).shape;
            let own = above.contains(&owner);
            let stub = match shape {
                FunctionShape::Code => false,
                FunctionShape::Pass => own,
                FunctionShape::Empty | FunctionShape::NotImplemented => true,
            };
            if stub {
                continue;
            }
            let sets = stores.sets(*heir, func, field, key);
            // A default that leaves the key out says that the reader can do without.
            tolerated |= own && sets == Sets::Never;
            let vote = votes.entry(func).or_insert(sets);
            *vote = (*vote).max(sets);
        }
    }
    let count = |wanted| votes.values().filter(|sets| **sets == wanted).count();
    let for_it = count(Sets::Deliberately);
    let location = |span| {
        let module = program.module(dependence.reader.module);
        Some(Location {
            file: module.file.as_ref()?.id,
            span,
        })
    };
    Some(Inferred {
        contract: Contract {
            method: hook.to_string(),
            sets: ContractPlace {
                field: field.to_string(),
                key: key.to_string(),
            },
            bases: None,
            origin: Origin::Inferred,
        },
        class,
        evidence: Evidence {
            reader: program.qualname(dependence.reader).to_string(),
            call: location(*call)?,
            read: location(dependence.read)?,
        },
        believed: !tolerated && for_it > 0 && for_it >= count(Sets::Never),
        under,
    })
}

/// Whether the key has a value on an instance of the class before the hook or without it: from
/// `__init__`, from the class body, from a dict that makes up missing keys, or from another
/// method that is called before the read.
fn set_elsewhere(
    stores: &Stores<'_>,
    class: ClassRef,
    others: &[&Name],
    field: &str,
    key: &str,
) -> bool {
    let program = stores.program;
    let by_other = others
        .iter()
        .any(|other| stores.method_sets(class, other, None, field, key) >= Sets::Somewhere);
    if by_other {
        return true;
    }
    program.mro(class).entries.iter().filter_map(known).any(|c| {
        let initial = program.own_member(c, field).is_some_and(|defs| {
            defs.iter().any(|def| match def {
                MemberDef::Def(Def::Value(_, _, expr)) => match &expr.kind {
                    StaticExprKind::Dict(items) => items.iter().any(|(k, _)| {
                        matches!(&k.kind, StaticExprKind::Literal(crate::ir::Literal::Str(text)) if text == key)
                    }),
                    StaticExprKind::Call(callee, ..) => match &callee.kind {
                        StaticExprKind::Path(path) => path.last().is_some_and(|n| n == "Counter" || n == "defaultdict"),
                        _ => false,
                    },
                    _ => false,
                },
                _ => false,
            })
        });
        initial
            || program.own_member(c, "__init__").is_some_and(|defs| {
                defs.iter().any(|def| match def {
                    MemberDef::Func(func) => {
                        let lenient = stores.events(class, *func, &Entry::method()).iter().flatten().any(
                            |event| matches!(&event.what, What::Lenient { field: f } if f == field),
                        );
                        lenient || stores.sets(class, *func, field, key) >= Sets::Somewhere
                    }
                    _ => false,
                })
            })
    })
}
