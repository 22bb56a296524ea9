//! From the state of a caller to the entry state of a summary, and from its exits back.

use crate::engine::Engine;
use crate::engine::summaries::summary::{RIDER, SummaryExit};
use crate::engine::values::env::Env;
use crate::engine::values::state::{Cell, Slot, State, named_in};
use crate::engine::values::value::{Site, Term, Value};
use crate::ir::Name;
use rustc_hash::{FxHashMap, FxHashSet};

impl Engine<'_> {
    pub(super) fn inputs_of(&self, entry: &State) -> Vec<Value> {
        let mut inputs: FxHashSet<Value> = FxHashSet::default();
        let mut add = |v: Value| inputs.extend(self.terms.leaves(v).iter().copied());
        entry.env.values().for_each(&mut add);
        add(entry.watched);
        entry.heap.iter().flat_map(named_in).for_each(&mut add);
        let mut out: Vec<Value> = inputs.into_iter().collect();
        out.sort_unstable();
        out
    }

    /// The state without the fields that are not among `fields`.
    pub(super) fn narrowed(&self, state: &State, env: &Env, fields: &FxHashSet<Name>) -> State {
        let mut out = state.clone();
        let asked = |slot: &Slot| !matches!(slot, Slot::Field(n) if !fields.contains(n));
        if !out.heap.keys().all(|(_, slot)| asked(slot)) {
            out.heap.retain(|(_, slot), _| asked(slot));
        }
        // Arguments may come from fields that the function itself does not read; keep what is known
        // about them.
        let terms = &self.terms;
        let mut known = fields.clone();
        let cells = out.heap.values().filter_map(|cell| match cell {
            Cell::Has(v) => Some(*v),
            Cell::Absent => None,
        });
        for v in env.values().chain(cells) {
            terms.for_each_field(v, &mut |n| {
                known.insert(n.clone());
            });
        }
        out.facts.retain(|v, _| {
            let mut all = true;
            terms.for_each_field(*v, &mut |n| all &= known.contains(n));
            all
        });
        out
    }

    /// The part of a state that a call can see, in canonical inputs, and the values that these
    /// stand for.
    pub(super) fn project(&mut self, state: &State, env: &Env) -> (State, Vec<Value>) {
        let mut order: Vec<Value> = Vec::new();
        let mut seen: FxHashSet<Value> = FxHashSet::default();
        let push = |v: Value,
                    terms: &crate::engine::values::value::Terms,
                    order: &mut Vec<Value>,
                    seen: &mut FxHashSet<Value>| {
            for l in terms.leaves(v).iter() {
                if seen.insert(*l) {
                    order.push(*l);
                }
            }
        };
        push(state.watched, &self.terms, &mut order, &mut seen);
        for v in env.values() {
            push(v, &self.terms, &mut order, &mut seen);
        }
        // Add what is reachable through the heap. Objects without leaves (globals) are always
        // visible.
        let mut done = 0;
        let mut globals = true;
        loop {
            let before = order.len();
            let frontier: FxHashSet<Value> = order[done..].iter().copied().collect();
            done = before;
            for entry in &state.heap {
                let leaves = self.terms.leaves(entry.0.0);
                let touched = if leaves.is_empty() {
                    globals
                } else {
                    leaves.iter().any(|l| frontier.contains(l))
                };
                if touched && leaves.iter().all(|l| seen.contains(l)) {
                    for v in named_in(entry) {
                        push(v, &self.terms, &mut order, &mut seen);
                    }
                }
            }
            globals = false;
            if order.len() == before {
                break;
            }
        }
        let mut map: FxHashMap<Value, Value> = FxHashMap::default();
        for (i, leaf) in order.iter().enumerate() {
            let input = self.terms.make(Term::Input(
                u32::try_from(i).expect("fewer than 2^32 inputs"),
            ));
            map.insert(*leaf, input);
        }
        let terms = &mut self.terms;
        let out = state.map_values(env, |v| {
            let visible = terms.leaves(v).iter().all(|l| seen.contains(l));
            visible.then(|| terms.substitute(v, &mut map))
        });
        (out, order)
    }

    /// An exit of a summary in the terms of the caller.
    pub(super) fn apply(
        &mut self,
        state: &State,
        exit: &SummaryExit,
        originals: &[Value],
        fields: Option<&FxHashSet<Name>>,
        site: Site,
    ) -> (State, Value, Env) {
        let seen: FxHashSet<Value> = originals.iter().copied().collect();
        let mut out = state.clone();
        let visible = |v: Value, terms: &crate::engine::values::value::Terms| {
            terms.leaves(v).iter().all(|l| seen.contains(l))
        };
        out.heap.retain(|(o, slot), _| {
            !visible(*o, &self.terms)
                || match slot {
                    Slot::Item(k) => !visible(*k, &self.terms),
                    Slot::Field(n) => fields.is_some_and(|fields| !fields.contains(n)),
                    Slot::Content | Slot::Ghost(_) => false,
                }
        });
        // The callee brings its own facts about the objects that it saw. It may have forgotten
        // facts about values derived from them, because nothing in the callee needs them. But such
        // a fact stays true, and the caller may still hold the value in a variable.
        out.facts
            .retain(|v, _| !visible(*v, &self.terms) || !self.terms.leaves(*v).contains(v));
        out.flags = exit.state.flags;
        let mut map: FxHashMap<Value, Value> = FxHashMap::default();
        for (i, o) in originals.iter().enumerate() {
            let input = self.terms.make(Term::Input(
                u32::try_from(i).expect("fewer than 2^32 inputs"),
            ));
            map.insert(input, *o);
        }
        let said = std::iter::once(exit.value).chain(exit.state.env.values());
        let said = said.chain(exit.state.heap.iter().flat_map(named_in));
        let said = said.chain(exit.state.facts.keys().copied());
        map.extend(self.name_made(&mut out, said, originals, site));
        let value = self.terms.substitute(exit.value, &mut map);
        let left = exit.state.map_values(&exit.state.env, |v| {
            Some(self.terms.substitute(v, &mut map))
        });
        out.heap.extend(left.heap.into_inner());
        // An input may stand for a literal, which needs no facts.
        let facts = left.facts.into_inner().into_iter();
        out.facts
            .extend(facts.filter(|(v, _)| self.terms.literal(*v).is_none()));
        (out, value, left.env)
    }

    /// Renames the symbols that a callee made to symbols of the caller's call site; returns pairs
    /// of old and new name. `said` are the values that the callee's exit mentions, in the order in
    /// which the symbols are numbered.
    pub(in crate::engine) fn name_made(
        &mut self,
        out: &mut State,
        said: impl Iterator<Item = Value>,
        originals: &[Value],
        site: Site,
    ) -> Vec<(Value, Value)> {
        let mut made: Vec<Value> = Vec::new();
        let mut known: FxHashSet<Value> = FxHashSet::default();
        for v in said {
            for l in self.terms.leaves(v).iter() {
                if matches!(self.terms.term(*l), Term::Symbol(..)) && known.insert(*l) {
                    made.push(*l);
                }
            }
        }
        // The callee's exit still refers to its arguments, even if the caller has no other use for
        // them. So their names are not free.
        for (i, original) in originals.iter().enumerate() {
            out.env.set(RIDER + i, *original);
        }
        let made = made.into_iter().enumerate().map(|(i, symbol)| {
            let part = site.part * 100 + 10_000 + u32::try_from(i).unwrap_or(0);
            let mut made_at = Site { part, ..site };
            // A symbol that stands for several values of the callee does so for the caller, too.
            if matches!(self.terms.term(symbol), Term::Symbol(at, _) if at.is_join()) {
                made_at.index = u32::MAX;
            }
            (symbol, out.fresh(&mut self.terms, made_at))
        });
        let made = made.collect();
        out.env.retain(|local| local < RIDER);
        made
    }
}
