//! What values are called, and what that says of them.

use super::watch::{FACT, Kept, OWN, REPLY, STORED, Watch};
use crate::engine::Engine;
use crate::engine::values::origins::Origin;
use crate::engine::values::state::State;
use crate::engine::values::value::{Term, Value};
use crate::ir::Literal;
use crate::program::FuncRef;

const MAX_DEPTH: u32 = 8;

/// What a value was taken out of.
#[derive(Default)]
struct Ancestry {
    /// Names of variables, fields, keys.
    nouns: Vec<String>,
    /// Names of calls.
    calls: Vec<String>,
    /// Whether one of these calls did work.
    performed: bool,
}

impl Watch<'_> {
    /// The flags that say where a status came from; `None` when it is no run's.
    pub(super) fn about(
        &self,
        engine: &mut Engine<'_>,
        state: &State,
        func: FuncRef,
        v: Value,
    ) -> Option<u32> {
        let mut kin = Ancestry::default();
        self.ancestry(engine, state, func, v, &mut kin, 0);
        let words = self.vocabulary;
        if kin.nouns.iter().any(|n| words.is_other_thing(n)) {
            return None;
        }
        let mut about = FACT;
        if is_part_of(engine, v, state.watched) {
            about |= OWN;
        }
        let performed = kin.performed;
        let names: Vec<&String> = kin.nouns.iter().chain(&kin.calls).collect();
        if self.queries.of(engine, state, v).is_some() {
            about |= STORED;
        } else if performed || names.iter().any(|n| words.is_reply(n)) {
            about |= REPLY;
        } else if names.iter().any(|n| words.is_store(n)) {
            about |= STORED;
        }
        Some(about)
    }

    /// The names of a value and of everything that it was taken out of; the collections among
    /// these hold runs.
    fn ancestry(
        &self,
        engine: &Engine<'_>,
        state: &State,
        func: FuncRef,
        v: Value,
        kin: &mut Ancestry,
        depth: u32,
    ) {
        if depth > MAX_DEPTH {
            return;
        }
        let names = &mut kin.nouns;
        names.extend(engine.names_of(func, v).iter().map(ToString::to_string));
        if depth > 0 {
            self.memory.borrow_mut().of_runs.insert(base(engine, v));
        }
        let mut next: Vec<Value> = Vec::new();
        match engine.terms.term(v) {
            Term::Field(o, n) => {
                names.push(n.to_string());
                next.push(*o);
            }
            Term::Item(o, k) => {
                names.extend(engine.terms.literal(*k).and_then(text_of));
                next.push(*o);
            }
            Term::Global(_, n) => names.push(n.to_string()),
            Term::Pure(n, ops) if n == "get" => {
                names.extend(engine.terms.literal(ops[1]).and_then(text_of));
                next.push(ops[0]);
            }
            Term::Pure(n, ops) if !n.contains("getattr") => next.extend(ops.iter().take(1)),
            Term::View(_, o) | Term::Truth(o) => next.push(*o),
            _ => {}
        }
        match engine.origin(state, v) {
            Some(Origin::Call(name, receiver, args)) => {
                if self.vocabulary.is_performer(&name) && name != "execute" {
                    kin.performed = true;
                }
                kin.calls.push(name.to_string());
                if engine.terms.literal(receiver).is_none() {
                    next.push(receiver);
                }
                if is_transparent(&name) {
                    next.extend(args.first());
                }
            }
            Some(Origin::Element(source)) => next.push(source),
            _ => {}
        }
        for v in next {
            self.ancestry(engine, state, func, v, kin, depth + 1);
        }
    }

    /// The names that a value itself goes by.
    pub(super) fn own_names(
        &self,
        engine: &Engine<'_>,
        state: &State,
        func: FuncRef,
        v: Value,
    ) -> Vec<String> {
        let mut out = Vec::new();
        collect_names(engine, state, func, v, &mut out, 0);
        if let Some(name) = self.queries.column(engine, state, v) {
            out.push(name);
        }
        out
    }

    pub(super) fn is_status(
        &self,
        engine: &Engine<'_>,
        state: &State,
        func: FuncRef,
        v: Value,
    ) -> bool {
        let names = self.own_names(engine, state, func, v);
        names.iter().any(|n| self.vocabulary.is_status(n))
    }

    pub(super) fn is_count(
        &self,
        engine: &Engine<'_>,
        state: &State,
        func: FuncRef,
        v: Value,
    ) -> bool {
        if self.has_positive_default(engine, state, v) {
            return false;
        }
        let names = self.own_names(engine, state, func, v);
        names.iter().any(|n| self.vocabulary.is_count(n))
    }

    /// Whether a value is looked up with a default that makes a record out of nothing.
    pub(super) fn has_positive_default(
        &self,
        engine: &Engine<'_>,
        state: &State,
        v: Value,
    ) -> bool {
        let default = match engine.terms.term(v) {
            Term::Pure(n, ops) if n == "get" => Some(ops[2]),
            _ => match engine.origin(state, v) {
                Some(Origin::Call(name, _, args)) if name == "get" => args.get(1).copied(),
                _ => None,
            },
        };
        let literal = default.and_then(|d| engine.terms.literal(d));
        matches!(literal, Some(Literal::Int(n)) if *n > 0)
    }
}

/// Calls whose result says about the same as what they are given.
pub(super) fn is_transparent(name: &str) -> bool {
    matches!(
        name,
        "int"
            | "float"
            | "str"
            | "bool"
            | "abs"
            | "max"
            | "min"
            | "sum"
            | "len"
            | "list"
            | "tuple"
            | "set"
            | "frozenset"
            | "sorted"
            | "reversed"
            | "dict"
            | "next"
            | "iter"
            | "lower"
            | "upper"
            | "strip"
            | "casefold"
            | "same"
            | "await"
            | "Decimal"
            | "coalesce"
            | "copy"
            | "isoformat"
            | "to_dict"
            | "enumerate"
            | "first"
            | "last"
            | "one"
    )
}

pub(super) fn collect_names(
    engine: &Engine<'_>,
    state: &State,
    func: FuncRef,
    v: Value,
    out: &mut Vec<String>,
    depth: u32,
) {
    if depth > MAX_DEPTH {
        return;
    }
    out.extend(engine.names_of(func, v).iter().map(ToString::to_string));
    match engine.terms.term(v) {
        Term::Field(o, n) => {
            out.push(n.to_string());
            // `row.status.value`
            if matches!(n.as_str(), "value" | "name") {
                collect_names(engine, state, func, *o, out, depth + 1);
            }
        }
        Term::Item(_, k) => out.extend(engine.terms.literal(*k).and_then(text_of)),
        Term::Pure(n, ops) if n == "get" => {
            out.extend(engine.terms.literal(ops[1]).and_then(text_of));
        }
        Term::Pure(n, ops) if matches!(n.as_str(), "at" | "copy" | "neg" | "getattr default") => {
            collect_names(engine, state, func, ops[0], out, depth + 1);
        }
        Term::Pure(..) if engine.payload_owner(v).is_some() => {
            let owner = engine.payload_owner(v).unwrap_or(v);
            collect_names(engine, state, func, owner, out, depth + 1);
        }
        Term::Len(o) | Term::Truth(o) => collect_names(engine, state, func, *o, out, depth + 1),
        Term::Global(_, n) => out.push(n.to_string()),
        _ => {}
    }
    match engine.origin(state, v) {
        Some(Origin::Call(name, receiver, args)) => {
            if name == "get" || name == "getattr" {
                let key = usize::from(name == "getattr");
                out.extend(
                    args.get(key)
                        .and_then(|k| engine.terms.literal(*k))
                        .and_then(text_of),
                );
            } else if is_transparent(&name) {
                let inner = args.first().copied().unwrap_or(receiver);
                collect_names(engine, state, func, inner, out, depth + 1);
                // `sum(r.rows for r in runs)`
                if let Some(e) = state.ghost(inner, Kept::Element) {
                    collect_names(engine, state, func, e, out, depth + 1);
                }
            } else {
                out.push(name.to_string());
            }
        }
        Some(Origin::Text(parts)) => {
            // The sum of counts is a count.
            for p in parts.iter().take(4) {
                collect_names(engine, state, func, *p, out, depth + 1);
            }
        }
        _ => {}
    }
}

/// The object that a value is a snapshot, copy or view of.
pub(super) fn base(engine: &Engine<'_>, v: Value) -> Value {
    match engine.terms.term(v) {
        Term::Pure(n, ops) if matches!(n.as_str(), "at" | "copy") => base(engine, ops[0]),
        Term::View(_, o) => base(engine, *o),
        _ => v,
    }
}

/// The name of something that is no literal and stands for a constant.
pub(super) fn constant_name(engine: &Engine<'_>, v: Value) -> Option<String> {
    match engine.terms.term(v) {
        Term::Global(_, n) | Term::External(n) | Term::Member(_, n) => Some(n.to_string()),
        Term::Field(o, n) => {
            let upper = n.chars().all(|c| !c.is_lowercase());
            let constant = matches!(
                engine.terms.term(*o),
                Term::Global(..) | Term::External(_) | Term::Class(_) | Term::Module(_)
            );
            if n == "value" || n == "name" {
                return constant_name(engine, *o);
            }
            (upper || constant).then(|| n.to_string())
        }
        Term::Pure(n, ops) if n == "at" => constant_name(engine, ops[0]),
        Term::Tuple(items) => {
            let mut out = String::new();
            for i in items.iter() {
                let name = match engine.terms.literal(*i) {
                    Some(l) => text_of(l)?,
                    None => constant_name(engine, *i)?,
                };
                out.push_str(name.rsplit('.').next().unwrap_or(&name));
                out.push('_');
            }
            Some(out)
        }
        _ => None,
    }
}

pub(super) fn text_of(l: &Literal) -> Option<String> {
    match l {
        Literal::Str(s) => Some(s.to_string()),
        _ => None,
    }
}

/// The name under which an object or a document holds a value.
pub(super) fn field_name(engine: &Engine<'_>, v: Value) -> Option<String> {
    match engine.terms.term(v) {
        Term::Field(_, n) => Some(n.to_string()),
        Term::Item(_, k) => engine.terms.literal(*k).and_then(text_of),
        _ => None,
    }
}

/// Whether a value is a field of an object, or of one of its fields.
fn is_part_of(engine: &Engine<'_>, v: Value, object: Value) -> bool {
    matches!(engine.terms.term(v), Term::Field(o, _) if *o == object || is_part_of(engine, *o, object))
}
