//! What the functions of a module read, and which methods they call: found out once for all methods that
//! are asked about.

use std::sync::{Arc, Mutex, PoisonError};

use rustc_hash::{FxHashMap, FxHashSet};

use super::callers::{CallSite, Wanted, for_each_taken};
use crate::ir::validate::{for_each_terminator_use, for_each_use};
use crate::ir::{
    Body, Callee, FuncIdx, Function, Literal, LocalId, Module, Name, Operand, Rvalue,
    StatementKind, TerminatorKind,
};
use crate::program::LoadedModule;
use crate::rules::failed_write::flow::{flow, rvalues};
use crate::rules::tables::collections::{CHANGES, LOOKUPS};

/// The number of a list of methods in [`Reads::around`].
type Around = u32;

/// Something that is read, with the methods in whose definitions that happens.
type ReadIn = FxHashMap<Name, FxHashSet<Around>>;

/// The distinct ways in which functions use the results of some calls, with the functions.
type Sites = Vec<(CallSite, Vec<FuncIdx>)>;

/// What the functions of a module read and call.
#[derive(Default)]
pub(super) struct Reads {
    /// The lists of methods that code is in: one that is defined in another one is in both.
    around: Vec<Vec<Name>>,
    /// Attributes whose values are looked at.
    fields: ReadIn,
    /// The functions that call something of this name, give it to a call, or put it into a display.
    calling: FxHashMap<Name, Vec<FuncIdx>>,
    /// The functions that load an attribute of this name.
    loading: FxHashMap<Name, Vec<FuncIdx>>,
    /// The keys that are read of the dicts in some attributes, by these attributes.
    keys: Mutex<FxHashMap<Vec<Name>, Arc<ReadIn>>>,
    /// The callers of the methods of other objects, by the method.
    others: Mutex<FxHashMap<Name, Arc<Option<CallSite>>>>,
}

impl Reads {
    /// What a module reads. This lowers every body, on first use.
    pub(super) fn of(module: &LoadedModule) -> Arc<Self> {
        module.derived.get(|| Self::new(&module.ir))
    }

    fn new(module: &Module) -> Self {
        let mut out = Self::default();
        let mut known: FxHashMap<Vec<Name>, Around> = FxHashMap::default();
        for (idx, function) in module.functions() {
            let methods = methods_around(module, function);
            let next = u32::try_from(known.len()).unwrap_or(Around::MAX);
            let around = *known.entry(methods).or_insert_with_key(|methods| {
                out.around.push(methods.clone());
                next
            });
            let looked_at = looked_at(&function.body);
            let values = function.body.only_values();
            let named = |operand: &Operand| match operand {
                Operand::Local(local) => values[local.index()].and_then(Rvalue::name),
                Operand::Const(_) => None,
            };
            for (dest, rvalue) in rvalues(function) {
                let mut note = |operand: &Operand| {
                    if let Some(name) = named(operand) {
                        add(&mut out.calling, name, idx);
                    }
                };
                for_each_taken(rvalue, &mut note);
                if let Rvalue::Call {
                    callee: Callee::Value(callee),
                    ..
                } = rvalue
                {
                    note(callee);
                }
                match rvalue {
                    Rvalue::GetField(_, name) => {
                        add(&mut out.loading, name, idx);
                        if dest.is_some_and(|dest| looked_at[dest.index()]) {
                            let all = out.fields.entry(name.clone()).or_default();
                            all.insert(around);
                        }
                    }
                    Rvalue::Call {
                        callee: Callee::Method { name, .. },
                        ..
                    } => add(&mut out.calling, name, idx),
                    _ => {}
                }
            }
        }
        out
    }

    /// Whether something is read outside of the definitions of a method.
    fn is_read(&self, read: &ReadIn, name: &Name, method: &str) -> bool {
        let outside = |at: &Around| {
            let around = &self.around[*at as usize];
            around.iter().all(|name| name != method)
        };
        read.get(name).is_some_and(|at| at.iter().any(outside))
    }

    /// Whether the value of an attribute is looked at outside of the definitions of a method.
    pub(super) fn reads_field(&self, name: &Name, method: &str) -> bool {
        self.is_read(&self.fields, name, method)
    }

    /// Whether the value of an attribute is looked at anywhere.
    pub(super) fn looks_at(&self, name: &Name) -> bool {
        self.fields.contains_key(name)
    }

    /// Whether a key of a dict in one of some attributes is read outside of the definitions of a method.
    pub(super) fn reads_key(
        &self,
        module: &Module,
        attributes: &[Name],
        key: &Name,
        method: &str,
    ) -> bool {
        let known = || self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let keys = known().get(attributes).cloned();
        let keys = keys.unwrap_or_else(|| {
            let keys = Arc::new(self.keys_of(module, attributes));
            known().insert(attributes.to_vec(), Arc::clone(&keys));
            keys
        });
        self.is_read(&keys, key, method)
    }

    fn keys_of(&self, module: &Module, attributes: &[Name]) -> ReadIn {
        let known = (0..).zip(&self.around);
        let known: FxHashMap<&[Name], Around> = known.map(|(at, all)| (&**all, at)).collect();
        let mut out = ReadIn::default();
        let mut loading: Vec<FuncIdx> = Vec::new();
        for attribute in attributes {
            loading.extend(self.loading.get(attribute).into_iter().flatten());
        }
        loading.sort_unstable();
        loading.dedup();
        for idx in loading {
            let function = module.function(idx);
            let Some(around) = known.get(methods_around(module, function).as_slice()) else {
                continue;
            };
            for key in keys_read(function, attributes) {
                out.entry(key).or_default().insert(*around);
            }
        }
        out
    }

    /// The callers of a method of other objects, outside of its definitions.
    pub(super) fn callers(&self, module: &Module, method: &str) -> Arc<Option<CallSite>> {
        let known = || self.others.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known().get(method) {
            return Arc::clone(found);
        }
        let calling = self.calling.get(method).into_iter().flatten();
        let calling = calling.map(|idx| module.function(*idx));
        let calling = calling.filter(|function| !is_in(module, function, method));
        let sites: Vec<CallSite> = calling
            .filter_map(|function| CallSite::of(function, method, false))
            .collect();
        let found = Arc::new(CallSite::together(sites.iter()));
        known().insert(method.into(), Arc::clone(&found));
        found
    }
}

fn add(all: &mut FxHashMap<Name, Vec<FuncIdx>>, name: &Name, idx: FuncIdx) {
    let all = all.entry(name.clone()).or_default();
    if all.last() != Some(&idx) {
        all.push(idx);
    }
}

/// The keys that a function reads of the dicts in some attributes.
fn keys_read(function: &Function, attributes: &[Name]) -> Vec<Name> {
    let dicts = rvalues(function).filter_map(|(dest, rvalue)| match rvalue {
        Rvalue::GetField(_, name) if attributes.contains(name) => dest,
        _ => None,
    });
    let dicts = flow(function, dicts.collect());
    let mut out = Vec::new();
    for (_, rvalue) in rvalues(function) {
        if let Rvalue::GetField(Operand::Local(object), key) = rvalue
            && dicts.contains(object)
        {
            out.push(key.clone());
        }
        let (object, key) = match rvalue {
            Rvalue::GetItem(object, key) => (object, Some(key)),
            Rvalue::Call {
                callee: Callee::Method { receiver, name, .. },
                args,
            } if LOOKUPS.contains(&name.as_str()) => (receiver, args.first().map(|a| &a.value)),
            _ => continue,
        };
        if let (Operand::Local(object), Some(Operand::Const(Literal::Str(key)))) = (object, key)
            && dicts.contains(object)
        {
            out.push(key.clone());
        }
    }
    out
}

/// The callers of everything that was asked about.
#[derive(Default)]
struct Asked(Mutex<FxHashMap<Wanted, Arc<Sites>>>);

/// How the functions of a module use the results of their calls of what is wanted. `lowered`: all bodies of
/// the module are lowered anyway.
pub(super) fn sites_of(module: &LoadedModule, wanted: &Wanted, lowered: bool) -> Arc<Sites> {
    let asked = module.derived.get(Asked::default);
    let known = || asked.0.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(found) = known().get(wanted) {
        return Arc::clone(found);
    }
    let mut distinct: FxHashMap<CallSite, usize> = FxHashMap::default();
    let mut sites = Sites::new();
    let word = wanted.word();
    let calling: Vec<FuncIdx> = if lowered {
        let reads = Reads::of(module);
        reads.calling.get(word).cloned().unwrap_or_default()
    } else {
        let naming = module.ir.mentioning(word);
        let all = naming.flat_map(|(idx, _)| module.ir.with_left_out(idx));
        all.map(|(idx, _)| idx).collect()
    };
    for idx in calling {
        let Some(mut site) = CallSite::of_wanted(module.ir.function(idx), wanted) else {
            continue;
        };
        if let Some(around) = site_around(module, idx, &site) {
            site.add(&around);
        }
        let at = *distinct.entry(site).or_insert_with_key(|site| {
            sites.push((site.clone(), Vec::new()));
            sites.len() - 1
        });
        sites[at].1.push(idx);
    }
    let sites = Arc::new(sites);
    known().insert(wanted.clone(), Arc::clone(&sites));
    sites
}

/// How the functions around a nested one use what it hands on to them.
fn site_around(module: &LoadedModule, idx: FuncIdx, site: &CallSite) -> Option<CallSite> {
    let mut inner = idx;
    let mut around: Option<CallSite> = None;
    while around.as_ref().unwrap_or(site).returns() {
        let Some(outer) = module.ir.function(inner).outer else {
            break;
        };
        let Some(found) = CallSite::of_nested(module.ir.function(outer), inner) else {
            break;
        };
        around = Some(found);
        inner = outer;
    }
    around
}

/// The methods that a function is a definition of or nested in.
fn methods_around(module: &Module, function: &Function) -> Vec<Name> {
    let mut out = Vec::new();
    let mut at = Some(function);
    while let Some(f) = at {
        if f.class.is_some() {
            out.push(f.name.clone());
        }
        at = f.outer.map(|outer| module.function(outer));
    }
    out
}

/// Whether a function is a definition of the method, or nested in one.
pub(super) fn is_in(module: &Module, function: &Function, method: &str) -> bool {
    let around = methods_around(module, function);
    around.iter().any(|name| name == method)
}

/// For each local, whether its value is used other than by being changed.
fn looked_at(body: &Body) -> Vec<bool> {
    let mut uses = vec![0_i64; body.locals.len()];
    let mut count = |local: LocalId, by: i64| uses[local.index()] += by;
    for block in &body.blocks {
        for s in &block.statements {
            for_each_use(&s.kind, &mut |local| count(local, 1));
            match &s.kind {
                StatementKind::SetItem {
                    object: Operand::Local(object),
                    ..
                }
                | StatementKind::SetField {
                    object: Operand::Local(object),
                    ..
                } => count(*object, -1),
                _ => {}
            }
        }
        let t = &block.terminator.kind;
        for_each_terminator_use(t, &mut |local| count(local, 1));
        if let TerminatorKind::Eval {
            rvalue:
                Rvalue::Call {
                    callee:
                        Callee::Method {
                            receiver: Operand::Local(receiver),
                            name,
                            ..
                        },
                    ..
                },
            ..
        } = t
            && CHANGES.contains(&name.as_str())
        {
            count(*receiver, -1);
        }
    }
    uses.into_iter().map(|uses| uses > 0).collect()
}
