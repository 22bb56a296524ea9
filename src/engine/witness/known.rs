//! What is known of the values at a point of a path, in words.

use std::sync::Arc;

use crate::diagnostics::Known;
use crate::engine::automaton::Hop;
use crate::engine::values::fact::{Fact, Interval, Kind, Lits};
use crate::engine::values::state::{Cell, Slot, State};
use crate::engine::values::value::{Term, Value};
use crate::engine::{Engine, FnContext, Presence};
use crate::ir::{Literal, LocalKind};
use crate::order::Order as _;

/// No more is told of a point.
const MOST: usize = 8;
/// Longer texts are cropped, in characters.
const LONGEST: usize = 40;

impl Engine<'_> {
    /// What is known of the named variables, of the attributes of the receiver, and of the place that is watched.
    /// `on_watched`: the function was called on the watched object.
    pub(super) fn known(
        &mut self,
        cx: &FnContext,
        state: &State,
        on_watched: bool,
    ) -> Arc<[Known]> {
        let mut out = Vec::new();
        let function = cx.function();
        let locals = &function.body.locals;
        // It may be needed no more, and then it is no longer in the state.
        let own = locals.first().and_then(|local| local.name.clone());
        let mut receiver = own.filter(|_| on_watched);
        for (at, value) in state.env.iter() {
            let Some(local) = locals.get(at) else {
                continue;
            };
            let Some(name) = local.name.as_ref() else {
                continue;
            };
            if at == 0 && on_watched {
                receiver = receiver.filter(|_| value == state.watched);
            } else if matches!(local.kind, LocalKind::Var | LocalKind::Param)
                && let Some(is) = self.in_words(state, value)
            {
                out.push(known(name, is));
            }
        }
        if let Some(receiver) = receiver {
            let fields = self.fields(state);
            for (name, value) in fields {
                if let Some(is) = self.in_words(state, value) {
                    out.push(known(&format!("{receiver}.{name}"), is));
                }
            }
            out.order();
            out.truncate(MOST);
            if let Some(place) = self.place_in_words(&receiver) {
                let is = match self.presence(state) {
                    Presence::Present => Some("set"),
                    Presence::Absent => Some("not set"),
                    Presence::Unknown => None,
                };
                out.extend(is.map(|is| known(&place, is.to_owned())));
            }
        }
        out.order();
        out.into()
    }

    /// The attributes of the watched object with what they hold now.
    fn fields(&self, state: &State) -> Vec<(crate::ir::Name, Value)> {
        let mut out = Vec::new();
        for ((object, slot), cell) in state.heap.iter() {
            if let (Slot::Field(name), Cell::Has(value)) = (slot, cell)
                && *object == state.watched
            {
                out.push((name.clone(), *value));
            }
        }
        for value in state.facts.keys() {
            let Term::Field(object, name) = self.terms.term(*value) else {
                continue;
            };
            // It may hold something else by now.
            let slot = (*object, Slot::Field(name.clone()));
            if *object == state.watched && state.heap.get(&slot).is_none() {
                out.push((name.clone(), *value));
            }
        }
        out
    }

    /// The only place that is watched, as the code of the receiver names it.
    fn place_in_words(&self, receiver: &str) -> Option<String> {
        let [place] = self.places() else {
            return None;
        };
        if place.root != 0 {
            return None;
        }
        let mut out = receiver.to_owned();
        for hop in place.holder.iter().chain([&place.slot]) {
            match hop {
                Hop::Field(name) => out.push_str(&format!(".{name}")),
                Hop::Key(key) => out.push_str(&format!("['{key}']")),
            }
        }
        Some(out)
    }

    /// What a value is, if that is known.
    fn in_words(&self, state: &State, value: Value) -> Option<String> {
        match self.terms.term(value) {
            Term::Lit(literal) => literal_in_words(literal),
            _ => fact_in_words(state.fact(value)?),
        }
    }
}

fn known(name: &str, is: String) -> Known {
    Known {
        name: name.to_owned(),
        is,
    }
}

fn literal_in_words(literal: &Literal) -> Option<String> {
    Some(match literal {
        Literal::None => "None".to_owned(),
        Literal::Bool(is) => if *is { "true" } else { "false" }.to_owned(),
        Literal::Int(number) => number.to_string(),
        Literal::Float(bits) => f64::from_bits(*bits).to_string(),
        Literal::Str(text) if text.chars().count() <= LONGEST => format!("'{text}'"),
        Literal::Str(_) | Literal::Bytes(_) | Literal::Ellipsis => return None,
    })
}

fn fact_in_words(fact: &Fact) -> Option<String> {
    if let Lits::In(literals) = &fact.lits
        && let [only] = &literals.iter().collect::<Vec<_>>()[..]
    {
        return literal_in_words(only);
    }
    if fact.none == Some(true) {
        return Some("None".to_owned());
    }
    if fact.kind == Kind::Exception {
        return Some("an exception".to_owned());
    }
    let number = |what: &str, Interval { lo, hi }: Interval| match (lo, hi) {
        (lo, hi) if lo == hi => Some(format!("{what}{lo}")),
        (i64::MIN, i64::MAX) => None,
        (i64::MIN, hi) => Some(format!("{what}at most {hi}")),
        (lo, i64::MAX) => Some(format!("{what}at least {lo}")),
        (lo, hi) => Some(format!("{what}{lo} to {hi}")),
    };
    if let Some(is) = number("", fact.num) {
        return Some(is);
    }
    match (fact.truth, fact.kind.is_container()) {
        (Some(true), true) => Some("not empty".to_owned()),
        (Some(false), true) => Some("empty".to_owned()),
        (Some(true), false) => Some("truthy".to_owned()),
        (Some(false), false) => Some("falsy".to_owned()),
        (None, _) => {
            (fact.none == Some(false) && fact.kind == Kind::Unknown).then(|| "not None".to_owned())
        }
    }
}
