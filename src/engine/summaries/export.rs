//! Summaries for all callers as the library keeps them: in the terms of no engine.

use crate::engine::Engine;
use crate::engine::summaries::generic::{EXPLICIT, Imported};
use crate::engine::summaries::library::{Generic, GenericExit, Kept};
use crate::engine::summaries::summary::SummaryExit;
use crate::engine::values::fact::Fact;
use crate::engine::values::state::{Cell, Slot};
use crate::engine::values::value::{Term, Value, for_each_operand};
use rustc_hash::FxHashMap;
use std::cell::OnceCell;
use std::rc::Rc;
use std::sync::Arc;

impl Engine<'_> {
    /// The summary in terms that belong to no engine.
    pub(super) fn export(&self, found: &Imported) -> Generic {
        let mut out = Exporter {
            engine: self,
            terms: Vec::new(),
            index: FxHashMap::default(),
        };
        let exits = found.exits.iter();
        let exits = exits.map(|e| map_exit(e, &mut |v| out.value(v))).collect();
        Generic {
            terms: out.terms,
            exits,
            deeds: found.deeds.clone(),
        }
    }

    /// The summary in the terms of this engine.
    pub(super) fn import(&mut self, kept: &Kept) -> Option<Rc<Imported>> {
        let generic = kept.generic.as_ref()?;
        if let Some((_, known)) = self.imported.get(&Arc::as_ptr(generic)) {
            return Some(Rc::clone(known));
        }
        let mut values: Vec<Value> = Vec::with_capacity(generic.terms.len());
        for term in &generic.terms {
            let term = term.map_operands(|v| values[v.0 as usize]);
            values.push(self.terms.make(term));
        }
        let exits = generic.exits.iter();
        let exits = exits.map(|e| map_exit(e, &mut |v| values[v.0 as usize]));
        let imported = Rc::new(Imported {
            exits: exits.collect(),
            deeds: generic.deeds.clone(),
            ignored: OnceCell::new(),
        });
        // Keeping the summary alive keeps its address unique.
        let entry = (Arc::clone(generic), Rc::clone(&imported));
        self.imported.insert(Arc::as_ptr(generic), entry);
        Some(imported)
    }
}

struct Exporter<'e, 'p> {
    engine: &'e Engine<'p>,
    terms: Vec<Term>,
    index: FxHashMap<Value, Value>,
}

impl Exporter<'_, '_> {
    pub(super) fn value(&mut self, v: Value) -> Value {
        if let Some(known) = self.index.get(&v) {
            return *known;
        }
        let term = self.engine.terms.term(v).clone();
        let mut operands = Vec::new();
        for_each_operand(&term, |o| operands.push(o));
        for o in operands {
            self.value(o);
        }
        let term = term.map_operands(|o| self.index[&o]);
        let out = Value(u32::try_from(self.terms.len()).expect("fewer than 2^32 terms"));
        self.terms.push(term);
        self.index.insert(v, out);
        out
    }
}

/// An exit of a summary without the engine's state.
pub(super) fn generic_exit(exit: &SummaryExit) -> GenericExit {
    let mut heap = Vec::new();
    for ((o, slot), cell) in &exit.state.heap {
        heap.push(((*o, slot.clone()), *cell));
    }
    GenericExit {
        kind: exit.kind,
        value: exit.value,
        heap,
        facts: exit
            .state
            .facts
            .iter()
            .map(|(v, f)| (*v, Fact::clone(f)))
            .collect(),
        doubts: exit.state.flags.doubts(),
        explicit: exit.state.flags.rule & EXPLICIT != 0,
    }
}

/// The exit with its values mapped.
fn map_exit(exit: &GenericExit, to: &mut impl FnMut(Value) -> Value) -> GenericExit {
    let mut heap = Vec::with_capacity(exit.heap.len());
    for ((o, slot), cell) in &exit.heap {
        let o = to(*o);
        let slot = match slot {
            Slot::Item(k) => Slot::Item(to(*k)),
            slot => slot.clone(),
        };
        let cell = match cell {
            Cell::Has(v) => Cell::Has(to(*v)),
            Cell::Absent => Cell::Absent,
        };
        heap.push(((o, slot), cell));
    }
    let mut facts = Vec::with_capacity(exit.facts.len());
    for (v, fact) in &exit.facts {
        facts.push((to(*v), map_fact(fact, to)));
    }
    GenericExit {
        kind: exit.kind,
        value: to(exit.value),
        heap,
        facts,
        ..*exit
    }
}

/// The fact with the classes that it names mapped.
pub(in crate::engine) fn map_fact(fact: &Fact, to: &mut impl FnMut(Value) -> Value) -> Fact {
    let mut out = fact.clone();
    for class in out.is.iter_mut().chain(&mut out.is_not) {
        *class = to(*class);
    }
    out.is.sort_unstable();
    out.is_not.sort_unstable();
    out
}
