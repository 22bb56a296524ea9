//! Collections of units that succeeded.

use super::names::{base, field_name};
use super::watch::{ABOUT, FACT, Kept, SOME_RUN, STORED, Watch, unproven};
use crate::engine::values::origins::Origin;
use crate::engine::values::state::State;
use crate::engine::values::value::{Term, Value};
use crate::engine::{Engine, Returned};
use crate::ir::Literal;

const MAX_DEPTH: u32 = 8;

impl Watch<'_> {
    pub(super) fn fill(
        &self,
        engine: &mut Engine<'_>,
        state: &mut State,
        call: &Returned<'_>,
        list: Value,
        item: Value,
    ) {
        if self.unasked == Some(call.func) {
            return;
        }
        let item = state.snapshot(item);
        if engine.truth(state, item) != Some(false) {
            state.set_ghost(list, Kept::Element, item);
        }
        let at = (call.func, call.block);
        let mut memory = self.memory.borrow_mut();
        let proven = !unproven(state.flags.rule) || memory.loose.contains(&at);
        if !proven {
            memory.fills.insert(at);
            if let Some(name) = field_name(engine, list) {
                memory.fields.insert((at, name));
            }
        }
        let about = if proven { 0 } else { state.flags.rule & ABOUT };
        let mixed = state
            .ghost(list, Kept::Filled)
            .is_some_and(|old| engine.terms.literal(old) == Some(&Literal::Int(0)));
        let about = engine.terms.int(if mixed { 0 } else { i64::from(about) });
        state.set_ghost(list, Kept::Filled, about);
        // The snapshot is new with each change: it takes over what the list is known for.
        state.set_ghost(state.snapshot(list), Kept::Filled, about);
    }

    /// The flags of a field that other methods fill with units that succeeded only.
    pub(super) fn filled_elsewhere(&self, engine: &Engine<'_>, v: Value) -> Option<u32> {
        let name = field_name(engine, base(engine, v))?;
        (self.filled_elsewhere.contains(&name)).then_some(FACT | STORED | SOME_RUN)
    }

    /// The flags of a collection that holds only units that succeeded.
    pub(super) fn filled(
        &self,
        engine: &Engine<'_>,
        state: &State,
        v: Value,
        depth: u32,
    ) -> Option<u32> {
        if depth > MAX_DEPTH {
            return None;
        }
        if let Some(about) = state.ghost(v, Kept::Filled) {
            return match engine.terms.literal(about) {
                Some(Literal::Int(about)) if *about != 0 => u32::try_from(*about).ok(),
                _ => None,
            };
        }
        let next = match engine.terms.term(v) {
            Term::Pure(n, ops) if matches!(n.as_str(), "at" | "copy") => Some(ops[0]),
            Term::View(n, o) if n != "values" => Some(*o),
            _ => match engine.origin(state, v) {
                Some(Origin::Call(name, receiver, args)) if keeps_elements(&name) => {
                    args.first().copied().or(Some(receiver))
                }
                _ => None,
            },
        };
        next.and_then(|n| self.filled(engine, state, n, depth + 1))
    }
}

/// Calls whose result has the elements of what they are given.
fn keeps_elements(name: &str) -> bool {
    matches!(
        name,
        "list" | "tuple" | "set" | "frozenset" | "sorted" | "reversed" | "iter" | "copy" | "keys"
    )
}
