//! Abstract states: what is known at one point of one path.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::{FxHashMap, FxHashSet};

use crate::engine::fact::{Fact, Interval, Kind, Lits};
use crate::engine::value::{Site, Term, Terms, Value, for_each_operand};
use crate::ir::{Literal, Name};

/// A part of an object in the heap.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Slot {
    /// The snapshot that stands for the object's contents since its last mutation.
    Content,
    /// An attribute.
    Field(Name),
    /// An item.
    Item(Value),
}

/// What is in a slot.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Cell {
    /// This value.
    Has(Value),
    /// Certainly nothing.
    Absent,
}

/// Bits of [`State::flags`] that the engine itself maintains.
pub mod flag {
    /// A call that could not be resolved was given the watched object.
    pub const UNRESOLVED: u32 = 1 << 31;
    /// A store whose key is not known may have set the watched place.
    pub const UNCERTAIN: u32 = 1 << 30;
}

/// What is known at one point of one path.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct State {
    /// The locals of the current call; `None` for one that is unbound or of no interest.
    pub env: Vec<Option<Value>>,
    /// What objects contain, as far as it is known.
    pub heap: BTreeMap<(Value, Slot), Cell>,
    /// Facts about values.
    pub facts: BTreeMap<Value, Fact>,
    /// The state of the property automaton, and the engine's own [`flag`]s.
    pub flags: u32,
    /// The object whose place the rule watches.
    pub watched: Value,
}

impl State {
    /// An empty state.
    #[must_use]
    pub fn new(locals: usize, watched: Value) -> Self {
        State {
            env: vec![None; locals],
            heap: BTreeMap::new(),
            facts: BTreeMap::new(),
            flags: 0,
            watched,
        }
    }

    /// The fact about a value, if there is one.
    #[must_use]
    pub fn fact(&self, v: Value) -> Option<&Fact> {
        self.facts.get(&v)
    }

    /// The kind of a value.
    #[must_use]
    pub fn kind(&self, terms: &Terms, v: Value) -> Kind {
        match terms.term(v) {
            Term::Lit(Literal::Str(_)) | Term::Pure(..) => match terms.term(v) {
                Term::Pure(n, _) if n != "str" => {
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

    /// Changes the fact about a value; false when it becomes contradictory.
    pub fn refine(&mut self, v: Value, change: impl FnOnce(&mut Fact) -> bool) -> bool {
        let mut fact = self.facts.get(&v).cloned().unwrap_or_default();
        if !change(&mut fact) || !fact.propagate() {
            return false;
        }
        if fact.is_trivial() {
            self.facts.remove(&v);
        } else {
            self.facts.insert(v, fact);
        }
        true
    }

    /// The snapshot that stands for the contents of an object now.
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

    fn mentions(&self, terms: &Terms, leaf: Value) -> bool {
        let has = |v: Value| terms.leaves(v).contains(&leaf);
        self.env.iter().flatten().any(|v| has(*v))
            || has(self.watched)
            || self.heap.iter().any(|((o, slot), cell)| {
                // What the leaf itself contains is no reference to it.
                (*o != leaf && has(*o))
                    || (*o != leaf
                        && (matches!(cell, Cell::Has(v) if has(*v))
                            || matches!(slot, Slot::Item(k) if has(*k))))
            })
    }

    fn forget(&mut self, terms: &Terms, leaf: Value) {
        self.facts.retain(|v, _| !terms.leaves(*v).contains(&leaf));
        self.heap
            .retain(|(o, _), _| !terms.leaves(*o).contains(&leaf));
    }

    /// Every value that can be reached from the given roots through the heap.
    #[must_use]
    pub fn reachable(&self, terms: &Terms, roots: impl Iterator<Item = Value>) -> FxHashSet<Value> {
        let mut leaves: FxHashSet<Value> = FxHashSet::default();
        let mut work: Vec<Value> = Vec::new();
        for r in roots {
            work.extend(terms.leaves(r).iter().copied());
        }
        // Objects whose terms have no leaves (globals) are always reachable.
        let mut by_leaf: FxHashMap<Value, Vec<&(Value, Slot)>> = FxHashMap::default();
        for key in self.heap.keys() {
            let owner = terms.leaves(key.0);
            match owner.len() {
                0 => {
                    if let Some(Cell::Has(v)) = self.heap.get(key) {
                        work.extend(terms.leaves(*v).iter().copied());
                    }
                }
                _ => by_leaf.entry(owner[0]).or_default().push(key),
            }
        }
        while let Some(leaf) = work.pop() {
            if !leaves.insert(leaf) {
                continue;
            }
            for key in by_leaf.get(&leaf).into_iter().flatten() {
                if let Some(Cell::Has(v)) = self.heap.get(*key) {
                    work.extend(terms.leaves(*v).iter().copied());
                }
                if let Slot::Item(k) = &key.1 {
                    work.extend(terms.leaves(*k).iter().copied());
                }
            }
        }
        leaves
    }

    /// Drops everything that nothing can refer to any more. `live_field` tells whether a later
    /// test may still read a field of that name.
    pub fn collect(&mut self, terms: &Terms, extra: &[Value], live_field: impl Fn(&Name) -> bool) {
        let roots: Vec<Value> = self
            .env
            .iter()
            .flatten()
            .copied()
            .chain(std::iter::once(self.watched))
            .chain(extra.iter().copied())
            .collect();
        let leaves = self.reachable(terms, roots.iter().copied());
        let alive = |v: Value| terms.leaves(v).iter().all(|l| leaves.contains(l));
        self.heap
            .retain(|(o, slot), _| alive(*o) && !matches!(slot, Slot::Item(k) if !alive(*k)));
        // A fact about a field is of use while the field may be read again, or while a variable
        // or another object holds the same value.
        let mut held: FxHashSet<Value> = roots.into_iter().collect();
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
        self.facts.retain(|v, _| {
            if !alive(*v) {
                return false;
            }
            if held.contains(v) {
                return true;
            }
            let mut ok = true;
            terms.for_each_field(*v, &mut |n| ok &= live_field(n));
            ok
        });
    }

    /// Gives the symbols their first names again: the i-th symbol of a site, in the order in which
    /// the state refers to them, gets generation i, and the values of a join their part numbers.
    /// Equal states that went round a loop a different number of times become the same state.
    #[must_use]
    pub fn canonical(self, terms: &mut Terms) -> State {
        let mut order: Vec<Value> = Vec::new();
        let mut seen: FxHashSet<Value> = FxHashSet::default();
        let push =
            |v: Value, terms: &Terms, order: &mut Vec<Value>, seen: &mut FxHashSet<Value>| {
                for l in terms.leaves(v).iter() {
                    if seen.insert(*l) {
                        order.push(*l);
                    }
                }
            };
        push(self.watched, terms, &mut order, &mut seen);
        for v in self.env.iter().flatten() {
            push(*v, terms, &mut order, &mut seen);
        }
        let mut at = 0;
        let mut by_leaf: FxHashMap<Value, Vec<(&(Value, Slot), &Cell)>> = FxHashMap::default();
        let mut rest = Vec::new();
        for (key, cell) in &self.heap {
            match terms.leaves(key.0).first() {
                Some(l) => by_leaf.entry(*l).or_default().push((key, cell)),
                None => rest.push((key, cell)),
            }
        }
        let visit = |key: &(Value, Slot),
                     cell: &Cell,
                     order: &mut Vec<Value>,
                     seen: &mut FxHashSet<Value>| {
            push(key.0, terms, order, seen);
            if let Slot::Item(k) = &key.1 {
                push(*k, terms, order, seen);
            }
            if let Cell::Has(v) = cell {
                push(*v, terms, order, seen);
            }
        };
        for (key, cell) in rest {
            visit(key, cell, &mut order, &mut seen);
        }
        while at < order.len() {
            for (key, cell) in by_leaf.remove(&order[at]).into_iter().flatten() {
                visit(key, cell, &mut order, &mut seen);
            }
            at += 1;
        }
        for v in self.facts.keys() {
            push(*v, terms, &mut order, &mut seen);
        }
        let mut generations: FxHashMap<Site, u32> = FxHashMap::default();
        let mut map: FxHashMap<Value, Value> = FxHashMap::default();
        for leaf in order {
            let Term::Symbol(site, _) = *terms.term(leaf) else {
                continue;
            };
            let joined = site.index == u32::MAX;
            let counter = generations
                .entry(if joined {
                    Site { part: 0, ..site }
                } else {
                    site
                })
                .or_default();
            let term = if joined {
                Term::Symbol(
                    Site {
                        part: *counter,
                        ..site
                    },
                    0,
                )
            } else {
                Term::Symbol(site, *counter)
            };
            *counter += 1;
            let to = terms.make(term);
            if to != leaf {
                map.insert(leaf, to);
            }
        }
        if map.is_empty() {
            return self;
        }
        self.rename(terms, &map)
    }

    /// The state with other names for its symbols.
    fn rename(&self, terms: &mut Terms, renamed: &FxHashMap<Value, Value>) -> State {
        // A substitution goes on into its own results only through the memo: keep it apart from
        // the renaming, in which one symbol may take the name of another.
        let mut memo = renamed.clone();
        let mut go = |v: Value, terms: &mut Terms| {
            if terms.leaves(v).iter().any(|l| renamed.contains_key(l)) {
                terms.substitute(v, &mut memo)
            } else {
                v
            }
        };
        let mut out = State::new(0, go(self.watched, terms));
        out.flags = self.flags;
        out.env = self.env.iter().map(|v| v.map(|v| go(v, terms))).collect();
        for ((o, slot), cell) in &self.heap {
            let o = go(*o, terms);
            let slot = match slot {
                Slot::Item(k) => Slot::Item(go(*k, terms)),
                other => other.clone(),
            };
            let cell = match cell {
                Cell::Has(v) => Cell::Has(go(*v, terms)),
                Cell::Absent => Cell::Absent,
            };
            out.heap.insert((o, slot), cell);
        }
        for (v, f) in &self.facts {
            let v = go(*v, terms);
            out.facts.insert(v, f.clone());
        }
        out
    }

    /// The state that covers both: places that differ get a joined value with the facts that
    /// hold of both. `site` names the joined values. With `widen` intervals that grow are cut.
    #[must_use]
    pub fn join(&self, other: &State, terms: &mut Terms, site: Site, widen: bool) -> State {
        let mut j = Joiner {
            a: self,
            b: other,
            terms,
            site,
            pairs: BTreeMap::new(),
            next: 0,
            queue: Vec::new(),
        };
        let env: Vec<Option<Value>> = (0..self.env.len())
            .map(
                |i| match (self.env[i], other.env.get(i).copied().flatten()) {
                    (Some(x), Some(y)) => Some(j.value(x, y)),
                    _ => None,
                },
            )
            .collect();
        let mut out = State {
            env,
            heap: BTreeMap::new(),
            facts: BTreeMap::new(),
            flags: self.flags | other.flags,
            watched: self.watched,
        };
        // Objects that are the same in both.
        for (key, cell) in &self.heap {
            let (o, slot) = key;
            let other_cell = other.heap.get(key);
            match (cell, other_cell) {
                (Cell::Has(x), Some(Cell::Has(y))) => {
                    let v = j.value(*x, *y);
                    out.heap.insert(key.clone(), Cell::Has(v));
                }
                (Cell::Absent, Some(Cell::Absent)) => {
                    out.heap.insert(key.clone(), Cell::Absent);
                }
                (Cell::Has(x), None) => {
                    if let Some(y) = j.default_of(*o, slot) {
                        let v = j.value(*x, y);
                        out.heap.insert(key.clone(), Cell::Has(v));
                    }
                }
                _ => {}
            }
        }
        for (key, cell) in &other.heap {
            if self.heap.contains_key(key) {
                continue;
            }
            if let Cell::Has(y) = cell
                && let Some(x) = j.default_of(key.0, &key.1)
            {
                let v = j.value(x, *y);
                out.heap.insert(key.clone(), Cell::Has(v));
            }
        }
        // Objects that became one: what both contain, slot by slot.
        while let Some((x, y, v)) = j.queue.pop() {
            let slots: BTreeSet<Slot> = self
                .heap
                .range((x, Slot::Content)..)
                .take_while(|((o, _), _)| *o == x)
                .map(|((_, s), _)| s.clone())
                .collect();
            for slot in slots {
                match (
                    self.heap.get(&(x, slot.clone())),
                    other.heap.get(&(y, slot.clone())),
                ) {
                    (Some(Cell::Has(p)), Some(Cell::Has(q))) => {
                        let w = j.value(*p, *q);
                        out.heap.insert((v, slot), Cell::Has(w));
                    }
                    (Some(Cell::Absent), Some(Cell::Absent)) => {
                        out.heap.insert((v, slot), Cell::Absent);
                    }
                    _ => {}
                }
            }
        }
        let pairs = std::mem::take(&mut j.pairs);
        for ((x, y), v) in pairs {
            let fx = view(self, j.terms, x);
            let fy = view(other, j.terms, y);
            let mut f = fx.join(&fy, widen);
            if f.propagate() && !f.is_trivial() {
                out.facts.insert(v, f);
            }
        }
        for (v, f) in &self.facts {
            if !out.facts.contains_key(v)
                && let Some(g) = other.facts.get(v)
            {
                let mut f = f.join(g, widen);
                if f.propagate() && !f.is_trivial() {
                    out.facts.insert(*v, f);
                }
            }
        }
        out
    }

    /// How different two states are: the number of places and facts that a join would lose.
    #[must_use]
    pub fn distance(&self, other: &State) -> usize {
        let env = self
            .env
            .iter()
            .zip(&other.env)
            .filter(|(a, b)| a != b)
            .count();
        let heap = self
            .heap
            .iter()
            .filter(|(k, v)| other.heap.get(k) != Some(v))
            .count()
            + other
                .heap
                .keys()
                .filter(|k| !self.heap.contains_key(k))
                .count();
        let facts = self
            .facts
            .iter()
            .filter(|(k, v)| other.facts.get(k) != Some(v))
            .count()
            + other
                .facts
                .keys()
                .filter(|k| !self.facts.contains_key(k))
                .count();
        env * 2 + heap * 2 + facts
    }
}

/// All that a state knows about a value, what its term says included.
#[must_use]
pub fn view(state: &State, terms: &Terms, v: Value) -> Fact {
    let mut f = state.facts.get(&v).cloned().unwrap_or_default();
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

struct Joiner<'a> {
    a: &'a State,
    b: &'a State,
    terms: &'a mut Terms,
    site: Site,
    pairs: BTreeMap<(Value, Value), Value>,
    next: u32,
    queue: Vec<(Value, Value, Value)>,
}

impl Joiner<'_> {
    fn value(&mut self, x: Value, y: Value) -> Value {
        if x == y {
            return x;
        }
        if let Some(v) = self.pairs.get(&(x, y)) {
            return *v;
        }
        // One of the two may be this join's own value from an earlier round: keep it, so that
        // repeated joins reach a fixpoint.
        let own = |v: Value, terms: &Terms| matches!(terms.term(v), Term::Symbol(s, _) if s.func == self.site.func && s.block == self.site.block && s.index == self.site.index);
        let used: BTreeSet<Value> = self.pairs.values().copied().collect();
        let v = if own(x, self.terms) && !used.contains(&x) && !self.b.mentions(self.terms, x) {
            x
        } else {
            loop {
                let site = Site {
                    part: self.next,
                    ..self.site
                };
                self.next += 1;
                let v = self.terms.make(Term::Symbol(site, 0));
                let taken = |s: &State, terms: &Terms| s.mentions(terms, v);
                if !used.contains(&v) && !taken(self.a, self.terms) && !taken(self.b, self.terms) {
                    break v;
                }
            }
        };
        self.pairs.insert((x, y), v);
        self.queue.push((x, y, v));
        v
    }

    /// The value that a slot has in the state that never touched it.
    fn default_of(&mut self, o: Value, slot: &Slot) -> Option<Value> {
        match slot {
            Slot::Content => Some(o),
            Slot::Field(n) if n.starts_with('$') => None,
            Slot::Field(n) => {
                if self
                    .terms
                    .leaves(o)
                    .iter()
                    .any(|l| matches!(self.terms.term(*l), Term::Symbol(..)))
                    && !self.is_entry_object(o)
                {
                    None
                } else {
                    Some(self.terms.make(Term::Field(o, n.clone())))
                }
            }
            Slot::Item(_) => None,
        }
    }

    fn is_entry_object(&self, o: Value) -> bool {
        o == self.a.watched
    }
}
