//! Which collections hold only units that succeeded.

use super::flags::{ABOUT, FACT, SOME_RUN, STORED, unproven};
use super::names::{base, field_name};
use super::{Facts, ValueNote};
use crate::engine::values::origins::{Origin, SET_ITEM};
use crate::engine::values::state::State;
use crate::engine::values::value::{Term, Value};
use crate::engine::{Engine, Returned};
use crate::ir::Literal;
use crate::rules::tables::collections::{KEEPS_ELEMENTS, LOOKUPS};

/// How many copies and views of a collection are looked through.
const MAX_DEPTH: u32 = 8;

impl Facts<'_> {
    /// Notes that a call puts an item into a collection, with what the state says of the item.
    pub fn note_filling(
        &self,
        engine: &mut Engine<'_>,
        state: &mut State,
        call: &Returned<'_>,
        list: Value,
        item: Value,
    ) {
        if !self.asked && call.func == self.checked {
            // Rows in a list stay rows.
            if self.queries.of(engine, state, item).is_some() {
                note_element(state, list, item);
            }
            return;
        }
        for container in containers(engine, state, list) {
            self.fill(engine, state, call, container, item);
        }
    }

    /// Notes that a collection has got an item, itself or in one of its parts.
    fn fill(
        &self,
        engine: &mut Engine<'_>,
        state: &mut State,
        call: &Returned<'_>,
        list: Value,
        item: Value,
    ) {
        let item = state.snapshot(item);
        // Of what a dict holds, only rows are asked for.
        let asked = call.name != SET_ITEM || self.queries.of(engine, state, item).is_some();
        if asked && engine.truth(state, item) != Some(false) {
            note_element(state, list, item);
        }
        let at = (call.func, call.block);
        let mut memory = self.memory.borrow_mut();
        let says_nothing = !unproven(state.flags.rule) || memory.loose.contains(&at);
        if !says_nothing {
            memory.fills.insert(at);
            if let Some(name) = field_name(engine, list) {
                memory.fields.insert((at, name));
            }
        }
        let about = if says_nothing {
            0
        } else {
            state.flags.rule & ABOUT
        };
        let mixed = state
            .ghost(list, ValueNote::Filled)
            .is_some_and(|old| engine.terms.literal(old) == Some(&Literal::Int(0)));
        let about = engine.terms.int(if mixed { 0 } else { i64::from(about) });
        state.set_ghost(list, ValueNote::Filled, about);
        // Each change makes a new snapshot, which takes over what is known of the collection.
        state.set_ghost(state.snapshot(list), ValueNote::Filled, about);
    }

    /// The flags of a field that other methods fill with units that succeeded only.
    pub fn filled_elsewhere(&self, engine: &Engine<'_>, v: Value) -> Option<u32> {
        let name = field_name(engine, base(engine, v))?;
        (self.filled_elsewhere.contains(&name)).then_some(FACT | STORED | SOME_RUN)
    }

    /// The flags of the units in a collection, if it holds only units that succeeded.
    pub fn filled(&self, engine: &Engine<'_>, state: &State, v: Value) -> Option<u32> {
        let mut at = v;
        for _ in 0..=MAX_DEPTH {
            if let Some(about) = state.ghost(at, ValueNote::Filled) {
                return match engine.terms.literal(about) {
                    Some(Literal::Int(about)) if *about != 0 => u32::try_from(*about).ok(),
                    _ => None,
                };
            }
            at = match engine.terms.term(at) {
                Term::Pure(n, ops) if matches!(n.as_str(), "at" | "copy") => ops[0],
                Term::View(_, o) => *o,
                _ => match engine.origin(state, at)? {
                    Origin::Call(name, receiver, args)
                        if KEEPS_ELEMENTS.contains(&name.as_str()) =>
                    {
                        args.first().copied().unwrap_or(receiver)
                    }
                    _ => return None,
                },
            };
        }
        None
    }
}

/// Notes that a collection holds an item. Each change makes a new snapshot of it, which a test sees.
fn note_element(state: &mut State, list: Value, item: Value) {
    state.set_ghost(list, ValueNote::Element, item);
    state.set_ghost(state.snapshot(list), ValueNote::Element, item);
}

/// A collection, and those of which it is an item: `by_day[day]`, `by_day.setdefault(day, [])`.
fn containers(engine: &Engine<'_>, state: &State, list: Value) -> Vec<Value> {
    let mut out = vec![list];
    let mut at = list;
    for _ in 0..MAX_DEPTH {
        let container = match engine.terms.term(at) {
            Term::Item(o, _) => Some(*o),
            Term::Pure(n, ops) if n == "get" => Some(ops[0]),
            _ => match engine.origin(state, at) {
                Some(Origin::Call(name, receiver, _)) if LOOKUPS.contains(&name.as_str()) => {
                    Some(receiver)
                }
                _ => state.ghost(at, ValueNote::Within),
            },
        };
        let Some(container) = container else { break };
        out.push(container);
        at = container;
    }
    out
}
