//! What a definition does on every path by which it returns, and what on some.
//!
//! This is a must-analysis over the control-flow graph: exceptions are left out, and no path is
//! ruled out. It is evidence of what the author takes the hook to be for, and no verdict.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use crate::contracts::stores::for_each_normal;
use crate::contracts::suggest::Words;
use crate::contracts::suggest::effects::{Effect, Effects};
use crate::contracts::suggest::paths::{Base, Path, Paths};
use crate::ir::data::FAILURE;
use crate::ir::{Callee, Data, FunctionShape, Literal, Name, Operand, Rvalue, TerminatorKind};
use crate::program::{ClassRef, FuncRef, Program};
use crate::settings::Step;

/// Larger bodies are not looked at.
pub(super) const MAX_BLOCKS: usize = 3000;
/// Only so many deeds of a body are told apart.
const MAX_DEEDS: usize = 256;
/// Helpers nested deeper than this are unclear.
const MAX_DEPTH: u32 = 4;
/// The words of a set of deeds.
const WORDS: usize = MAX_DEEDS / 64;

/// Something that a body does.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Deed {
    /// Stores this.
    Store(Path),
    /// Calls this.
    Call(Path),
    /// Returns a value that is not None and has this part.
    Return(Vec<Step>),
}

/// What a definition does.
#[derive(Clone, Default, Debug)]
pub(super) struct Facts {
    /// On every path.
    pub always: BTreeSet<Deed>,
    /// On some path; this includes `always`.
    pub sometimes: BTreeSet<Deed>,
    /// What code that was not found may store into.
    pub unclear: BTreeSet<Base>,
    /// Whether what it returns is named like a number of rows.
    pub returns_count: bool,
}

impl Facts {
    /// Whether code that was not found may do this.
    pub fn is_unclear(&self, deed: &Deed) -> bool {
        match deed {
            Deed::Store(path) => self.unclear.contains(&path.base),
            Deed::Call(path) => {
                path.base == Base::Receiver && self.unclear.contains(&Base::Receiver)
            }
            Deed::Return(_) => false,
        }
    }
}

/// A function that runs on an instance of a class, so deep in the calls of a definition.
type Run = (Option<ClassRef>, FuncRef, u32);

/// Finds facts and remembers them.
pub(super) struct Finder<'p> {
    pub program: &'p Program<'p>,
    pub words: Words,
    /// `None` while a function is looked at.
    known: RefCell<HashMap<Run, Option<Rc<Facts>>>>,
}

impl<'p> Finder<'p> {
    pub fn new(program: &'p Program<'p>, words: Words) -> Self {
        Self {
            program,
            words,
            known: RefCell::default(),
        }
    }

    /// What a function does, called on an instance of `class`. `None` if it never returns, runs
    /// only when its values are asked for, or is too large.
    pub fn facts(&self, class: Option<ClassRef>, func: FuncRef, depth: u32) -> Option<Rc<Facts>> {
        if depth > MAX_DEPTH {
            return None;
        }
        // How far helpers are followed depends on the depth, and on nothing else: not on what was
        // asked before.
        let key = (class, func, depth);
        if let Some(found) = self.known.borrow().get(&key) {
            return found.clone();
        }
        self.known.borrow_mut().insert(key, None);
        let found = self.find(class, func, depth).map(Rc::new);
        self.known.borrow_mut().insert(key, found.clone());
        found
    }

    fn find(&self, class: Option<ClassRef>, func: FuncRef, depth: u32) -> Option<Facts> {
        let module = self.program.module(func.module);
        let function = module.ir.function(func.func);
        let content = function.body.content();
        if function.is_generator
            || function.shape == FunctionShape::NotImplemented
            || content.broken.is_some()
            || content.body.blocks.len() > MAX_BLOCKS
        {
            return None;
        }
        let paths = Paths::new(self.program, &module, function);
        let effects = Effects::of(self, &paths, class, depth);
        let table = Table::new(&effects);
        let exits = reach(&paths, &effects, &table);
        summed_up(&paths, effects, &table, &exits)
    }
}

/// A set of deeds, by their numbers.
type Set = [u64; WORDS];

/// The deeds of a body, numbered, and what each block does to the set of those that are done.
struct Table {
    deeds: Vec<Deed>,
    /// For each block: what it undoes, and what it does afterwards.
    blocks: Vec<(Set, Set)>,
}

impl Table {
    fn new(effects: &Effects) -> Self {
        let mut numbers: HashMap<&Deed, usize> = HashMap::new();
        let mut deeds = Vec::new();
        for effect in effects.blocks.iter().flatten() {
            if let Effect::Do(deed) = effect
                && deeds.len() < MAX_DEEDS
                && !numbers.contains_key(deed)
            {
                numbers.insert(deed, deeds.len());
                deeds.push(deed.clone());
            }
        }
        let mut blocks = Vec::new();
        for effects in &effects.blocks {
            let (mut undone, mut done): (Set, Set) = ([0; WORDS], [0; WORDS]);
            for effect in effects {
                match effect {
                    Effect::Do(deed) => {
                        if let Some(at) = numbers.get(deed) {
                            done[at / 64] |= 1 << (at % 64);
                        }
                    }
                    Effect::Rebind(path) => {
                        for (at, deed) in deeds.iter().enumerate() {
                            let Deed::Store(part) = deed else { continue };
                            if path.steps_to(part).is_some_and(|steps| !steps.is_empty()) {
                                undone[at / 64] |= 1 << (at % 64);
                                done[at / 64] &= !(1 << (at % 64));
                            }
                        }
                    }
                }
            }
            blocks.push((undone, done));
        }
        Self { deeds, blocks }
    }

    /// The deeds of a set.
    fn of<'t>(&'t self, set: &'t Set) -> impl Iterator<Item = &'t Deed> {
        let in_set = |at: &usize| set[at / 64] & (1 << (at % 64)) != 0;
        (0..self.deeds.len())
            .filter(in_set)
            .map(|at| &self.deeds[at])
    }
}

/// What is done on every way to each returning block, with the number of the block.
fn reach(paths: &Paths<'_, '_>, effects: &Effects, table: &Table) -> Vec<(usize, Set)> {
    let blocks = &paths.function.body.blocks;
    let mut before: Vec<Option<Set>> = vec![None; blocks.len()];
    before[0] = Some([0; WORDS]);
    let mut work = vec![0];
    // A set only gets smaller, so each block is visited at most once for each deed.
    while let Some(at) = work.pop() {
        let Some(set) = before[at] else { continue };
        let after = after(&set, &table.blocks[at]);
        for_each_normal(&blocks[at].terminator.kind, |next| {
            if effects.failed.contains(&(at, next)) {
                return;
            }
            let met = match &before[next] {
                None => after,
                Some(old) => std::array::from_fn(|word| old[word] & after[word]),
            };
            if before[next] != Some(met) {
                before[next] = Some(met);
                work.push(next);
            }
        });
    }
    let returns = |at: &usize| matches!(blocks[*at].terminator.kind, TerminatorKind::Return { .. });
    let exits = (0..blocks.len()).filter(returns);
    exits
        .filter_map(|at| Some((at, after(&before[at]?, &table.blocks[at]))))
        .collect()
}

fn after(set: &Set, (undone, done): &(Set, Set)) -> Set {
    std::array::from_fn(|word| set[word] & !undone[word] | done[word])
}

/// The facts, from what is done at each exit. `None` without an exit.
fn summed_up(
    paths: &Paths<'_, '_>,
    effects: Effects,
    table: &Table,
    exits: &[(usize, Set)],
) -> Option<Facts> {
    let outside = |deed: &&Deed| match deed {
        Deed::Store(path) | Deed::Call(path) => !matches!(path.base, Base::Local(_)),
        Deed::Return(_) => true,
    };
    let mut out = Facts::default();
    let mut always: Option<BTreeSet<Deed>> = None;
    for (at, set) in exits {
        let TerminatorKind::Return { value, .. } = &paths.function.body.blocks[*at].terminator.kind
        else {
            continue;
        };
        let Some(returned) = returned(paths, value) else {
            continue;
        };
        let mut here: BTreeSet<Deed> = table.of(set).filter(outside).cloned().collect();
        match returned {
            Returned::Nothing => {}
            Returned::Value => {
                here.insert(Deed::Return(Vec::new()));
            }
            Returned::Object(path) => {
                let steps = table.of(set).filter_map(|deed| match deed {
                    Deed::Store(part) => path.steps_to(part),
                    Deed::Call(_) | Deed::Return(_) => None,
                });
                let parts = steps.filter(|steps| steps.len() == 1);
                here.extend(parts.map(|steps| Deed::Return(steps.to_vec())));
                let sometimes = Deed::Return(Vec::new());
                if effects.maybe_none.contains(&path.base) && path.is_whole() {
                    out.sometimes.insert(sometimes);
                } else {
                    here.insert(sometimes);
                }
            }
        }
        out.returns_count |= effects.words_count(paths, value);
        out.sometimes.extend(here.iter().cloned());
        always = Some(match always {
            None => here,
            Some(old) => old.intersection(&here).cloned().collect(),
        });
    }
    out.always = always?;
    out.sometimes
        .extend(table.deeds.iter().filter(outside).cloned());
    out.sometimes
        .extend(effects.maybe.into_iter().map(Deed::Store));
    out.unclear = effects.unclear;
    Some(out)
}

/// What a `return` gives back.
enum Returned {
    /// None.
    Nothing,
    /// Some value without parts that are known.
    Value,
    /// This object.
    Object(Path),
}

/// What a `return` gives back; `None` for a failure, which is no exit of a contract.
fn returned(paths: &Paths<'_, '_>, value: &Operand) -> Option<Returned> {
    if let Operand::Const(literal) = value {
        return Some(match literal {
            Literal::None => Returned::Nothing,
            _ => Returned::Value,
        });
    }
    match paths.source(value) {
        Some(Rvalue::Use(Operand::Const(Literal::None))) => Some(Returned::Nothing),
        Some(Rvalue::Data(Data::Variant { tag, .. })) if tag == FAILURE => None,
        Some(Rvalue::Data(Data::Variant { fields, .. })) => match fields.as_slice() {
            [(_, payload @ Operand::Local(_))] => Some(
                paths
                    .path(payload)
                    .map_or(Returned::Value, Returned::Object),
            ),
            [(_, Operand::Const(Literal::None))] => Some(Returned::Nothing),
            _ => Some(Returned::Value),
        },
        _ => Some(paths.path(value).map_or(Returned::Value, Returned::Object)),
    }
}

/// The last name of a value: of a variable, an attribute, or the function that made it.
pub(super) fn name_of(paths: &Paths<'_, '_>, value: &Operand) -> Option<Name> {
    let Operand::Local(local) = value else {
        return None;
    };
    if let Some(name) = &paths.function.body.locals[local.index()].name {
        return Some(name.clone());
    }
    match paths.source(value)? {
        Rvalue::Use(from) | Rvalue::Await(from) => name_of(paths, from),
        Rvalue::GetField(_, name) => Some(name.clone()),
        Rvalue::GetItem(_, key) => paths.text(key).map(Name::from),
        Rvalue::Call { callee, .. } => match callee {
            Callee::Method { name, .. } => Some(name.clone()),
            Callee::Value(value) => paths.source(value)?.name().cloned(),
        },
        Rvalue::Data(Data::Variant { fields, .. }) => match fields.as_slice() {
            [(_, payload)] => name_of(paths, payload),
            _ => None,
        },
        Rvalue::Data(Data::Len(_)) => Some(Name::from("len")),
        _ => None,
    }
}
