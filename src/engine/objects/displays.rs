//! Lists, sets and dicts that are written out or copied.

use crate::engine::objects::copies::Share;
use crate::engine::values::fact::{Interval, Kind};
use crate::engine::values::state::{Cell, Slot, State};
use crate::engine::values::value::{Site, Value, literal_eq};
use crate::engine::{Engine, Presence};
use crate::ir::{DictItem, Element, Literal};
use std::rc::Rc;

impl Engine<'_> {
    /// A list with exactly these elements.
    pub(crate) fn list_of(&mut self, state: &mut State, items: &[Value], site: Site) -> Value {
        let n = i64::try_from(items.len()).unwrap_or(i64::MAX);
        let mut fact = Self::sized(Kind::List, Interval::point(n));
        fact.closed = true;
        let list = self.fresh_with(state, site, fact);
        for (i, item) in items.iter().enumerate() {
            let key = self.terms.int(i64::try_from(i).unwrap_or(i64::MAX));
            state.heap.insert((list, Slot::Item(key)), Cell::Has(*item));
        }
        list
    }

    /// Whether values are literals of which no two are equal.
    pub(super) fn are_different(&self, values: &[Value]) -> bool {
        let literals: Option<Vec<Literal>> = values.iter().map(|v| self.comparable(*v)).collect();
        literals.is_some_and(|literals| {
            let mut pairs = literals.iter().enumerate();
            !pairs.any(|(i, l)| literals[..i].iter().any(|other| literal_eq(other, l)))
        })
    }

    /// A list, set or tuple that is written out.
    pub(in crate::engine) fn display(
        &mut self,
        state: &mut State,
        kind: Kind,
        items: &[Element],
        site: Site,
    ) -> Value {
        const MAX_TRACKED_ELEMENTS: usize = 32;
        let vs: Vec<Value> = items
            .iter()
            .map(|i| self.operand(state, &i.value, site))
            .collect();
        let plain = i64::try_from(items.iter().filter(|i| !i.starred).count()).unwrap_or(i64::MAX);
        let starred = items.iter().any(|i| i.starred);
        let len = if starred {
            Interval::at_least(plain)
        } else {
            Interval::point(plain)
        };
        // Equal elements of a set are one, so only different literals say how many there are.
        let different = kind != Kind::Set || plain <= 1 || self.are_different(&vs);
        let len = if different {
            len
        } else {
            Interval { lo: 1, hi: len.hi }
        };
        let mut fact = Self::sized(kind, len);
        fact.closed =
            different && !starred && items.len() <= MAX_TRACKED_ELEMENTS && kind != Kind::Tuple;
        let closed = fact.closed;
        let v = self.fresh_with(state, site, fact);
        if closed {
            for (i, item) in vs.iter().enumerate() {
                let key = self.terms.int(i64::try_from(i).unwrap_or(i64::MAX));
                state.heap.insert((v, Slot::Item(key)), Cell::Has(*item));
            }
        }
        if let ([_], [all]) = (items, vs.as_slice())
            && starred
            && !self.is_generator_object(state, *all)
        {
            let share = match kind {
                Kind::Set => Share::Some,
                _ => Share::All,
            };
            self.share(state, v, *all, share);
        }
        v
    }

    pub(in crate::engine) fn dict(
        &mut self,
        state: &mut State,
        items: &[DictItem],
        site: Site,
    ) -> Value {
        let mut fact = Self::sized(Kind::Dict, Interval::point(0));
        fact.closed = true;
        let d = self.fresh_with(state, site, fact);
        for item in items {
            match item {
                DictItem::Pair(k, v) => {
                    let k = self.operand(state, k, site);
                    let v = self.operand(state, v, site);
                    self.set_item(state, d, k, v, site);
                }
                DictItem::Spread(o) => {
                    let o = self.operand(state, o, site);
                    self.update_from(state, d, o, site);
                }
            }
        }
        d
    }

    /// Copies what is known about the items of one dict into another.
    pub(crate) fn update_from(
        &mut self,
        state: &mut State,
        target: Value,
        source: Value,
        site: Site,
    ) {
        let watched = self.is_holder(state, target);
        let was_empty = self.contents(state, target).len.hi == 0;
        let known: Vec<(Value, Cell)> = state
            .slots(source)
            .filter_map(|(slot, cell)| match slot {
                Slot::Item(k) => Some((*k, *cell)),
                _ => None,
            })
            .collect();
        let source_fact = self.contents(state, source);
        let closed = state.fact(source).is_some_and(|f| f.closed);
        let mut covers_place = closed;
        for (k, cell) in known {
            covers_place |= self.is_a_place_key(k);
            match cell {
                Cell::Has(v) => self.set_item(state, target, k, v, site),
                // Absent in both: the copy does not add it.
                Cell::Absent => {
                    if self.item_state(state, target, k) == Some(Cell::Absent) {
                        state.heap.insert((target, Slot::Item(k)), Cell::Absent);
                    }
                }
            }
        }
        if !closed {
            if watched && !covers_place && self.presence(state) == Presence::Absent {
                state.flags.doubt_place();
            }
            if let Some(f) = state.facts.get_mut(&target).map(Rc::make_mut) {
                f.closed = false;
            }
            if !covers_place && !watched {
                let old = self.contents(state, target);
                let lo = old.len.lo.max(i64::from(source_fact.len.lo > 0));
                let fact = Self::sized(Kind::Dict, Interval::at_least(lo));
                self.mutate(state, target, fact, site);
                if was_empty && !self.is_generator_object(state, source) {
                    // Of pairs with equal keys, one is left.
                    let share = match source_fact.kind {
                        Kind::Dict | Kind::DefaultDict => Share::All,
                        _ => Share::Some,
                    };
                    self.share(state, target, source, share);
                }
            }
        }
    }
}
