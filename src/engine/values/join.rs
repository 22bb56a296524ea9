//! Joining states, and giving their symbols canonical names.

use crate::engine::objects::data::tag_of;
use crate::engine::values::env::Env;
use crate::engine::values::flat::Flat;
use crate::engine::values::ghost::Ghost;
use crate::engine::values::shared::Shared;
use crate::engine::values::state::{Cell, Entry, Slot, State, view};
use crate::engine::values::value::{Site, Term, Terms, Value};
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

/// Whether a slot says something about all that was put into a collection, and is missing as long
/// as nothing was.
fn is_of_content(slot: &Slot) -> bool {
    matches!(slot, Slot::Ghost(Ghost::Filled | Ghost::Pending))
}

impl State {
    /// Renumbers the symbols: the i-th symbol of a site, in the order in which the state refers to
    /// them, gets generation i, and the values of a join get new part numbers. Equal states from
    /// different iterations of a loop thus become the same state.
    #[must_use]
    pub fn canonical(self, terms: &mut Terms) -> State {
        let order = self.leaves_in_order(terms);
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

    /// The leaves of all terms of the state: first those that its variables hold, then those
    /// reachable from them, then those that only a fact mentions.
    fn leaves_in_order(&self, terms: &Terms) -> Vec<Value> {
        let mut found = Leaves::default();
        found.add(terms, self.watched);
        for v in self.env.values() {
            found.add(terms, v);
        }
        let mut by_leaf: FxHashMap<Value, Vec<Entry<'_>>> = FxHashMap::default();
        let mut rest = Vec::new();
        for (key, cell) in &self.heap {
            match terms.leaves(key.0).first() {
                Some(l) => by_leaf.entry(*l).or_default().push((key, cell)),
                None => rest.push((key, cell)),
            }
        }
        for entry in rest {
            found.add_entry(terms, entry);
        }
        let mut at = 0;
        while at < found.order.len() {
            for entry in by_leaf.remove(&found.order[at]).into_iter().flatten() {
                found.add_entry(terms, entry);
            }
            at += 1;
        }
        for v in self.facts.keys() {
            found.add(terms, *v);
        }
        found.order
    }

    /// The state with its symbols renamed.
    fn rename(&self, terms: &mut Terms, renamed: &FxHashMap<Value, Value>) -> State {
        // `substitute` takes its own results from the memo. So the memo must not be the renaming,
        // in which one symbol may take the name of another.
        let mut memo = renamed.clone();
        self.map_values(&self.env, |v| {
            if terms.leaves(v).iter().any(|l| renamed.contains_key(l)) {
                Some(terms.substitute(v, &mut memo))
            } else {
                Some(v)
            }
        })
    }

    /// The state that covers both. Places that differ get a joined value with the facts that hold
    /// of both. `site` names the joined values. `widen` widens the intervals that grow.
    #[must_use]
    pub fn join(&self, other: &State, terms: &mut Terms, site: Site, widen: bool) -> State {
        let mut j = Joiner {
            a: self,
            b: other,
            terms,
            site,
            pairs: FxHashMap::default(),
            used: FxHashSet::default(),
            mentioned: None,
            next: 0,
            queue: Vec::new(),
            open: FxHashSet::default(),
        };
        let both = self
            .env
            .iter()
            .filter_map(|(l, x)| Some((l, j.value(x, other.env.get(l)?))));
        let env: Env = both.collect();
        let env = env.with_rounds_of(&self.env);
        let mut out = State {
            env,
            heap: Shared::default(),
            facts: Shared::default(),
            flags: self.flags | other.flags,
            watched: self.watched,
        };
        j.join_same_objects(&mut out);
        j.join_merged_objects(&mut out);
        j.join_facts(&mut out, widen);
        out
    }

    /// What a slot holds. If all keys of a dict are known, every other key is absent.
    pub(in crate::engine) fn known_in(&self, object: Value, slot: &Slot) -> Option<Cell> {
        let known = self.heap.get(&(object, slot.clone())).copied();
        let closed = || self.fact(object).is_some_and(|f| f.closed);
        match slot {
            Slot::Item(_) => known.or_else(|| closed().then_some(Cell::Absent)),
            Slot::Content | Slot::Field(_) | Slot::Ghost(_) => known,
        }
    }

    /// How different two states are: the number of places and facts that a join would lose.
    #[must_use]
    pub fn distance(&self, other: &State) -> usize {
        let env = self.env.differences(&other.env);
        let heap = self.heap.differences(&other.heap);
        let facts = self.facts.differences(&other.facts);
        env * 2 + heap * 2 + facts
    }
}

/// The leaves of terms, each once, in the order of their discovery.
#[derive(Default)]
struct Leaves {
    order: Vec<Value>,
    seen: FxHashSet<Value>,
}

impl Leaves {
    fn add(&mut self, terms: &Terms, v: Value) {
        for l in terms.leaves(v).iter() {
            if self.seen.insert(*l) {
                self.order.push(*l);
            }
        }
    }

    fn add_entry(&mut self, terms: &Terms, ((object, slot), cell): Entry<'_>) {
        self.add(terms, *object);
        if let Slot::Item(key) = slot {
            self.add(terms, *key);
        }
        if let Cell::Has(v) = cell {
            self.add(terms, *v);
        }
    }
}

struct Joiner<'a> {
    a: &'a State,
    b: &'a State,
    terms: &'a mut Terms,
    /// The site that names the joined values.
    site: Site,
    /// The joined value of each pair of values that differ.
    pairs: FxHashMap<(Value, Value), Value>,
    /// All joined values.
    used: FxHashSet<Value>,
    /// The values of this site's joins to which each of the two states refers.
    mentioned: Option<[Vec<Value>; 2]>,
    /// The next part number.
    next: u32,
    /// Pairs of values with their joined one, whose contents are yet to be joined.
    queue: Vec<(Value, Value, Value)>,
    /// Dicts with a key on one side only, so that not all of their keys are known any more.
    open: FxHashSet<Value>,
}

impl Joiner<'_> {
    /// Joins the objects that both states share.
    fn join_same_objects(&mut self, out: &mut State) {
        let (a, b) = (self.a, self.b);
        if a.heap.is_same(&b.heap) {
            out.heap = a.heap.clone();
            return;
        }
        out.heap = Flat::with_capacity(a.heap.len()).into();
        for (key, cell, other) in a.heap.union(&b.heap) {
            let Some(cell) = cell else { continue };
            let (o, slot) = key;
            let joined = match (cell, other) {
                (Cell::Has(x), y) if is_of_content(slot) => Some(Cell::Has(self.filled(*x, y))),
                (Cell::Has(x), Some(Cell::Has(y))) => Some(Cell::Has(self.value(*x, *y))),
                (Cell::Absent, Some(Cell::Absent)) => Some(Cell::Absent),
                (Cell::Has(x), None) => self
                    .default_of(*o, slot)
                    .map(|y| Cell::Has(self.value(*x, y))),
                _ => None,
            };
            self.put(out, key, joined);
        }
        for (key, cell, other) in a.heap.union(&b.heap) {
            let (None, Some(cell)) = (cell, other) else {
                continue;
            };
            let joined = match cell {
                cell if is_of_content(&key.1) => Some(*cell),
                Cell::Has(y) => self
                    .default_of(key.0, &key.1)
                    .map(|x| Cell::Has(self.value(x, *y))),
                Cell::Absent => None,
            };
            self.put(out, key, joined);
        }
    }

    /// Joins the contents of objects that became one, slot by slot.
    fn join_merged_objects(&mut self, out: &mut State) {
        let (a, b) = (self.a, self.b);
        while let Some((x, y, v)) = self.queue.pop() {
            let slots = a.slots(x).chain(b.slots(y));
            let slots: BTreeSet<Slot> = slots.map(|(slot, _)| slot.clone()).collect();
            for slot in slots {
                let joined = match (a.known_in(x, &slot), b.known_in(y, &slot)) {
                    (Some(Cell::Has(p)), q) | (q, Some(Cell::Has(p))) if is_of_content(&slot) => {
                        Some(Cell::Has(self.filled(p, q.as_ref())))
                    }
                    (Some(Cell::Has(p)), Some(Cell::Has(q))) => Some(Cell::Has(self.value(p, q))),
                    (Some(Cell::Absent), Some(Cell::Absent)) => Some(Cell::Absent),
                    _ => None,
                };
                self.put(out, &(v, slot), joined);
            }
        }
    }

    /// Stores what both states know about a slot. If that is nothing and the slot is an item, not
    /// all keys of its dict are known any more.
    fn put(&mut self, out: &mut State, key: &(Value, Slot), joined: Option<Cell>) {
        match joined {
            Some(cell) => {
                out.heap.insert(key.clone(), cell);
            }
            None if matches!(key.1, Slot::Item(_)) => {
                self.open.insert(key.0);
            }
            None => {}
        }
    }

    /// Keeps the facts that hold of both.
    fn join_facts(&mut self, out: &mut State, widen: bool) {
        let (a, b) = (self.a, self.b);
        let mut pairs: Vec<_> = std::mem::take(&mut self.pairs).into_iter().collect();
        pairs.sort_unstable_by_key(|(_, v)| *v);
        for ((x, y), v) in pairs {
            let fx = view(a, self.terms, x);
            let fy = view(b, self.terms, y);
            let mut f = fx.join(&fy, widen);
            f.closed &= !self.open.contains(&v);
            if f.propagate() && !f.is_trivial() {
                out.facts.insert(v, Rc::new(f));
            }
            // If both are failures, so is the joined value.
            if let (Some(tx), Some(ty)) = (tag_of(a, self.terms, x), tag_of(b, self.terms, y)) {
                let tag = self.terms.make(Term::Pure("tag".into(), Arc::from([v])));
                out.facts.insert(tag, Rc::new(tx.join(&ty, widen)));
            }
        }
        let known = std::mem::take(&mut out.facts).into_inner();
        let mut facts = Vec::with_capacity(a.facts.len() + known.len());
        for (v, f, g) in a.facts.union(&b.facts) {
            if !known.contains_key(v)
                && let (Some(f), Some(g)) = (f, g)
            {
                // Facts that both states inherited unchanged have the same address.
                let loses_keys = f.closed && self.open.contains(v);
                if !loses_keys && (Rc::ptr_eq(f, g) || f == g) {
                    facts.push((*v, Rc::clone(f)));
                    continue;
                }
                let mut joined = f.join(g, widen);
                joined.closed &= !loses_keys;
                if joined.propagate() && !joined.is_trivial() {
                    facts.push((*v, Rc::new(joined)));
                }
            }
        }
        facts.extend(known);
        out.facts = facts.into_iter().collect::<Flat<_, _>>().into();
    }

    fn value(&mut self, x: Value, y: Value) -> Value {
        if x == y {
            return x;
        }
        if let Some(v) = self.pairs.get(&(x, y)) {
            return *v;
        }
        // One of the two may be a value of this join from an earlier iteration. Keep it, so that
        // repeated joins reach a fixpoint.
        let (a, b, site) = (self.a, self.b, self.site);
        let of_site = |v: Value, terms: &Terms| {
            matches!(terms.term(v), Term::Symbol(s, _)
                if s.func == site.func && s.block == site.block && s.index == site.index)
        };
        let [in_a, in_b] = self.mentioned.get_or_insert_with(|| {
            [a, b].map(|state| state.mentioned(self.terms, |v| of_site(v, self.terms)))
        });
        let v =
            if of_site(x, self.terms) && !self.used.contains(&x) && in_b.binary_search(&x).is_err()
            {
                x
            } else {
                loop {
                    let site = Site {
                        part: self.next,
                        ..self.site
                    };
                    self.next += 1;
                    let v = self.terms.make(Term::Symbol(site, 0));
                    let free = |known: &[Value]| known.binary_search(&v).is_err();
                    if !self.used.contains(&v) && free(in_a) && free(in_b) {
                        break v;
                    }
                }
            };
        self.pairs.insert((x, y), v);
        self.used.insert(v);
        self.queue.push((x, y, v));
        v
    }

    /// The joined knowledge about everything that was put into a collection.
    fn filled(&mut self, x: Value, other: Option<&Cell>) -> Value {
        match other {
            Some(Cell::Has(y)) if *y != x => self.same_call(x, *y),
            _ => x,
        }
    }

    /// A pending call that stands for two others, or 0 if they are no calls of the same function.
    fn same_call(&mut self, x: Value, y: Value) -> Value {
        let (Term::Pending(f, a, names), Term::Pending(g, b, others)) =
            (self.terms.term(x).clone(), self.terms.term(y).clone())
        else {
            return self.terms.int(0);
        };
        if f != g || a.len() != b.len() || names != others {
            return self.terms.int(0);
        }
        let args = a.iter().zip(b.iter());
        let args: Vec<Value> = args.map(|(x, y)| self.value(*x, *y)).collect();
        self.terms.make(Term::Pending(f, args.into(), names))
    }

    /// The value of a slot in a state that never touched it.
    fn default_of(&mut self, o: Value, slot: &Slot) -> Option<Value> {
        match slot {
            Slot::Content => Some(o),
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
            Slot::Item(_) | Slot::Ghost(_) => None,
        }
    }

    fn is_entry_object(&self, o: Value) -> bool {
        o == self.a.watched
    }
}
