//! Abstract states: what is known at one point of a path.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::hash::{Hash, Hasher};
use std::rc::Rc;

use rustc_hash::FxHashSet;

use crate::engine::objects::class_texts::FORMAT;
use crate::engine::values::env::Env;
use crate::engine::values::fact::{Fact, Interval, Kind, Lits};
use crate::engine::values::flat::Flat;
use crate::engine::values::ghost::{Flags, Ghost};
use crate::engine::values::shared::Shared;
use crate::engine::values::value::{Site, Term, Terms, Value, for_each_operand};
use crate::ir::{Literal, Name};

/// A part of an object in the heap.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Slot {
    /// The snapshot that stands for the object's contents since its last mutation.
    Content,
    /// A slot that only the engine or a rule uses.
    Ghost(Ghost),
    /// An attribute.
    Field(Name),
    /// An item.
    Item(Value),
}

/// What a slot holds.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Cell {
    /// This value.
    Has(Value),
    /// Certainly no value.
    Absent,
}

/// One entry of the heap.
pub(in crate::engine) type Entry<'s> = (&'s (Value, Slot), &'s Cell);

/// The values that a heap entry names: the object, the key, and what the slot holds.
pub(in crate::engine) fn named_in(
    ((object, slot), cell): Entry<'_>,
) -> impl Iterator<Item = Value> + use<> {
    let key = match slot {
        Slot::Item(k) => Some(*k),
        Slot::Content | Slot::Ghost(_) | Slot::Field(_) => None,
    };
    let there = match cell {
        Cell::Has(v) => Some(*v),
        Cell::Absent => None,
    };
    [Some(*object), key, there].into_iter().flatten()
}

/// What is known at one point of a path.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct State {
    /// The locals of the current call.
    pub env: Env,
    /// What objects contain, as far as it is known.
    pub heap: Shared<Flat<(Value, Slot), Cell>>,
    /// Facts about values.
    pub facts: Shared<Flat<Value, Rc<Fact>>>,
    /// The state of the rule's automaton, and the engine's doubts.
    pub flags: Flags,
    /// The object whose place the rule watches.
    pub watched: Value,
}

/// Hashes only the parts in which states differ most often, and leaves the rest to the comparison.
impl Hash for State {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.env.hash(hasher);
        self.flags.hash(hasher);
        self.watched.hash(hasher);
        self.heap.len().hash(hasher);
        for value in self.facts.keys() {
            value.hash(hasher);
        }
    }
}

impl State {
    /// An empty state.
    #[must_use]
    pub fn new(watched: Value) -> Self {
        State {
            env: Env::default(),
            heap: Shared::default(),
            facts: Shared::default(),
            flags: Flags::default(),
            watched,
        }
    }

    /// The fact about a value, if there is one.
    #[must_use]
    pub fn fact(&self, v: Value) -> Option<&Fact> {
        self.facts.get(&v).map(Rc::as_ref)
    }

    /// The kind of a value.
    #[must_use]
    pub fn kind(&self, terms: &Terms, v: Value) -> Kind {
        match terms.term(v) {
            Term::Lit(Literal::Str(_)) | Term::Pure(..) => match terms.term(v) {
                Term::Pure(n, _) if n != "str" && n != FORMAT => {
                    self.facts.get(&v).map_or(Kind::Unknown, |f| f.kind)
                }
                _ => Kind::Str,
            },
            Term::Lit(Literal::Bool(_))
            | Term::Not(_)
            | Term::Truth(_)
            | Term::Cmp(..)
            | Term::Instance(..) => Kind::Bool,
            Term::Lit(Literal::Int(_)) | Term::Len(_) => Kind::Int,
            Term::Tuple(_) => Kind::Tuple,
            Term::View(..) => Kind::Set,
            Term::Range(..) => Kind::Tuple,
            Term::Func(_)
            | Term::Closure(..)
            | Term::Class(_)
            | Term::Module(_)
            | Term::Bound(..)
            | Term::Member(..)
            | Term::Pending(..)
            | Term::Enumerate(..)
            | Term::Zip(_) => Kind::Object,
            _ => self.facts.get(&v).map_or(Kind::Unknown, |f| f.kind),
        }
    }

    /// Changes the fact about a value. Returns false if it becomes contradictory.
    pub fn refine(&mut self, v: Value, change: impl FnOnce(&mut Fact) -> bool) -> bool {
        let old = self.facts.get(&v);
        let mut fact = old.map(|f| Fact::clone(f)).unwrap_or_default();
        if !change(&mut fact) || !fact.propagate() {
            return false;
        }
        if fact.is_trivial() {
            if old.is_some() {
                self.facts.remove(&v);
            }
        } else if old.is_none_or(|old| **old != fact) {
            self.facts.insert(v, Rc::new(fact));
        }
        true
    }

    /// The snapshot that stands for the current contents of an object.
    #[must_use]
    pub fn snapshot(&self, v: Value) -> Value {
        match self.heap.get(&(v, Slot::Content)) {
            Some(Cell::Has(c)) => *c,
            _ => v,
        }
    }

    /// A new value made at a site, with the smallest generation that nothing refers to.
    pub fn fresh(&mut self, terms: &mut Terms, site: Site) -> Value {
        let mut generation = 0;
        loop {
            let term = Term::Symbol(site, generation);
            match terms.existing(&term) {
                None => return terms.make(term),
                Some(v) if !self.mentions(terms, v) => {
                    self.forget(terms, v);
                    return v;
                }
                Some(_) => generation += 1,
            }
        }
    }

    pub(in crate::engine) fn mentions(&self, terms: &Terms, leaf: Value) -> bool {
        let has = |v: Value| terms.leaves(v).contains(&leaf);
        self.env.values().any(has)
            || has(self.watched)
            || self.heap.iter().any(|((o, slot), cell)| {
                // The leaf's own slots do not count as references to it.
                *o != leaf
                    && (has(*o)
                        || matches!(cell, Cell::Has(v) if has(*v))
                        || matches!(slot, Slot::Item(k) if has(*k)))
            })
    }

    /// What is known about the slots of an object.
    pub fn slots(&self, object: Value) -> impl Iterator<Item = (&Slot, &Cell)> {
        let from = self.heap.from_key(&(object, Slot::Content));
        from.take_while(move |((o, _), _)| *o == object)
            .map(|((_, slot), cell)| (slot, cell))
    }

    /// The symbols and inputs that the state refers to and that `asked` accepts, in order. A symbol's
    /// own slots do not count as references to it.
    pub(in crate::engine) fn mentioned(
        &self,
        terms: &Terms,
        asked: impl Fn(Value) -> bool,
    ) -> Vec<Value> {
        let mut out: Vec<Value> = Vec::new();
        for v in self.env.values().chain(std::iter::once(self.watched)) {
            let leaves = terms.leaves(v).iter().copied();
            out.extend(leaves.filter(|leaf| asked(*leaf)));
        }
        for entry @ ((object, _), _) in &self.heap {
            for v in named_in(entry) {
                let leaves = terms.leaves(v).iter().copied();
                out.extend(leaves.filter(|leaf| leaf != object && asked(*leaf)));
            }
        }
        out.sort_unstable();
        out.dedup();
        out
    }

    /// The state with its values mapped by `to`, and with `env`, which is in the mapped terms
    /// already. Whatever concerns a value that `to` maps to `None` is left out.
    pub(in crate::engine) fn map_values(
        &self,
        env: &Env,
        mut to: impl FnMut(Value) -> Option<Value>,
    ) -> State {
        let mut out = State::new(to(self.watched).unwrap_or(self.watched));
        out.flags = self.flags;
        let bound = env.iter().filter_map(|(l, v)| Some((l, to(v)?)));
        out.env = bound.collect::<Env>().with_rounds_of(env);
        let mut heap = Vec::with_capacity(self.heap.len());
        for ((object, slot), cell) in &self.heap {
            let Some(object) = to(*object) else { continue };
            let slot = match slot {
                Slot::Item(key) => to(*key).map(Slot::Item),
                Slot::Content | Slot::Field(_) | Slot::Ghost(_) => Some(slot.clone()),
            };
            let cell = match cell {
                Cell::Has(v) => to(*v).map(Cell::Has),
                Cell::Absent => Some(Cell::Absent),
            };
            if let (Some(slot), Some(cell)) = (slot, cell) {
                heap.push(((object, slot), cell));
            }
        }
        out.heap = heap.into_iter().collect::<Flat<_, _>>().into();
        let facts = self.facts.iter();
        let facts = facts.filter_map(|(v, fact)| Some((to(*v)?, Rc::clone(fact))));
        out.facts = facts.collect::<Flat<_, _>>().into();
        out
    }

    fn forget(&mut self, terms: &Terms, leaf: Value) {
        let kept = |v: &Value| !terms.leaves(*v).contains(&leaf);
        if !self.facts.keys().all(kept) {
            self.facts.retain(|v, _| kept(v));
        }
        if !self.heap.keys().all(|(o, _)| kept(o)) {
            self.heap.retain(|(o, _), _| kept(o));
        }
    }

    /// All values that can be reached from the roots through the heap.
    #[must_use]
    pub fn reachable(&self, terms: &Terms, roots: impl Iterator<Item = Value>) -> FxHashSet<Value> {
        let mut leaves: FxHashSet<Value> = FxHashSet::default();
        let mut work: Vec<Value> = Vec::new();
        for r in roots {
            work.extend(terms.leaves(r).iter().copied());
        }
        // Objects whose terms have no leaves (globals) are always reachable. Most other objects are
        // leaves themselves, with their slots side by side; the rest is reached together with their
        // first leaf.
        let mut composed: Vec<(Value, Entry<'_>)> = Vec::new();
        for entry in &self.heap {
            let object = entry.0.0;
            match terms.leaves(object).first() {
                None => {
                    if let Cell::Has(v) = entry.1 {
                        work.extend(terms.leaves(*v).iter().copied());
                    }
                }
                Some(leaf) if *leaf != object => composed.push((*leaf, entry)),
                Some(_) => {}
            }
        }
        composed.sort_unstable_by_key(|(leaf, _)| *leaf);
        while let Some(leaf) = work.pop() {
            if !leaves.insert(leaf) {
                continue;
            }
            let mut reach = |slot: &Slot, cell: &Cell| {
                if let Cell::Has(v) = cell {
                    work.extend(terms.leaves(*v).iter().copied());
                }
                if let Slot::Item(k) = slot {
                    work.extend(terms.leaves(*k).iter().copied());
                }
            };
            self.slots(leaf).for_each(|(slot, cell)| reach(slot, cell));
            let start = composed.partition_point(|(first, _)| *first < leaf);
            let of_leaf = composed[start..].iter();
            for (_, ((_, slot), cell)) in of_leaf.take_while(|(first, _)| *first == leaf) {
                reach(slot, cell);
            }
        }
        leaves
    }

    /// Drops everything that nothing can refer to any more. `live_field` tells whether a later test
    /// may still read a field of that name.
    pub fn collect(&mut self, terms: &Terms, extra: &[Value], live_field: impl Fn(&Name) -> bool) {
        let roots: Vec<Value> = self
            .env
            .values()
            .chain(std::iter::once(self.watched))
            .chain(extra.iter().copied())
            .collect();
        let leaves = self.reachable(terms, roots.iter().copied());
        let alive = |v: Value| terms.leaves(v).iter().all(|l| leaves.contains(l));
        let kept =
            |o: &Value, slot: &Slot| alive(*o) && !matches!(slot, Slot::Item(k) if !alive(*k));
        if !self.heap.keys().all(|(o, slot)| kept(o, slot)) {
            self.heap.retain(|(o, slot), _| kept(o, slot));
        }
        // A fact about a field is useful as long as the field may be read again, a variable or
        // another object holds the same value, or something is known about the contents of the
        // object. The set of held values is computed only when the first fact depends on it.
        let held: OnceCell<FxHashSet<Value>> = OnceCell::new();
        let kept = |v: &Value| {
            let held = || held.get_or_init(|| self.held(terms, &roots));
            alive(*v)
                && stands(terms, *v, &|field, name| {
                    live_field(name) || held().contains(&field)
                })
        };
        let dropped: Vec<Value> = self.facts.keys().filter(|v| !kept(v)).copied().collect();
        if !dropped.is_empty() {
            self.facts.retain(|v, _| dropped.binary_search(v).is_err());
        }
    }

    /// The values that variables and slots hold, the objects whose contents are partly known, and
    /// the operands of all these.
    fn held(&self, terms: &Terms, roots: &[Value]) -> FxHashSet<Value> {
        let mut held: FxHashSet<Value> = roots.iter().copied().collect();
        held.extend(self.heap.keys().map(|(o, _)| *o));
        for cell in self.heap.values() {
            if let Cell::Has(v) = cell {
                held.insert(*v);
            }
        }
        let mut closure: Vec<Value> = held.iter().copied().collect();
        while let Some(v) = closure.pop() {
            for_each_operand(terms.term(v), |o| {
                if held.insert(o) {
                    closure.push(o);
                }
            });
        }
        held
    }
}

/// Whether the test accepts every field that a value is made of, given the field's term and name.
fn stands(terms: &Terms, v: Value, test: &impl Fn(Value, &Name) -> bool) -> bool {
    match terms.term(v) {
        Term::Field(_, name) => test(v, name),
        term => {
            let mut all = true;
            for_each_operand(term, |o| all = all && stands(terms, o, test));
            all
        }
    }
}

/// Everything that a state knows about a value, including what its term implies.
#[must_use]
pub fn view(state: &State, terms: &Terms, v: Value) -> Fact {
    let mut f = state.fact(v).cloned().unwrap_or_default();
    if f.kind == Kind::Unknown {
        f.kind = state.kind(terms, v);
    }
    match terms.term(v) {
        Term::Lit(l) => {
            f.lits = Lits::In(BTreeSet::from([l.clone()]));
            match l {
                Literal::Int(i) => f.num = Interval::point(*i),
                Literal::Str(s) => {
                    f.len = Interval::point(i64::try_from(s.chars().count()).unwrap_or(i64::MAX));
                }
                _ => {}
            }
        }
        Term::Len(inner) => {
            if let Some(g) = state.facts.get(inner) {
                f.num = g.len;
            } else {
                f.num = Interval::at_least(0);
            }
        }
        Term::Tuple(items) => {
            f.len = Interval::point(i64::try_from(items.len()).unwrap_or(i64::MAX));
        }
        _ => {}
    }
    f.propagate();
    f
}
