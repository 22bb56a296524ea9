//! What a value is called, and what that says of it.

use super::flags::{COUNTED, FACT, GIVEN, OF_FULL, OWN, REPLY, STORED};
use super::{ENTRY_INDEX, Facts, PathPoint, ValueNote};
use crate::engine::Engine;
use crate::engine::values::origins::Origin;
use crate::engine::values::value::{Term, Value};
use crate::ir::Literal;
use crate::rules::success_as_proof::vocabulary::calls::TRANSPARENT;

/// How many steps back the origin of a value is followed.
const MAX_DEPTH: u32 = 8;

/// How many terms of a sum are looked at.
const MAX_TERMS: usize = 4;

/// What a value was taken out of.
#[derive(Default)]
struct Ancestry {
    /// Names of variables, fields, keys.
    nouns: Vec<String>,
    /// Names of calls.
    calls: Vec<String>,
    /// Whether one of these calls did work.
    performed: bool,
    /// The objects that the value was taken out of.
    owners: Vec<Value>,
}

impl Facts<'_> {
    /// The flags that say where a status came from; `None` if it is not that of a run.
    pub fn about(&self, at: PathPoint<'_, '_>, v: Value) -> Option<u32> {
        let mut kin = Ancestry::default();
        self.collect_ancestry(at, v, &mut kin, 0);
        let counted = |object: Value| at.state.ghost(object, ValueNote::Counted).is_some();
        let counted = at.holders(v).into_iter().any(counted);
        let full = |owner: &Value| at.state.ghost(*owner, ValueNote::Full).is_some();
        let of_full = kin.owners.iter().any(full);
        // Collections among the owners hold runs.
        self.memory.borrow_mut().of_runs.extend(kin.owners);
        let words = self.vocabulary;
        if kin.nouns.iter().any(|n| words.is_other_thing(n)) || self.is_computed(at, v) {
            return None;
        }
        let mut about = FACT;
        about |= if at.is_given(v) { GIVEN } else { 0 };
        about |= if counted { COUNTED } else { 0 };
        about |= if of_full { OF_FULL } else { 0 };
        if is_part_of(at.engine, v, at.state.watched) {
            about |= OWN;
        }
        let names: Vec<&String> = kin.nouns.iter().chain(&kin.calls).collect();
        if self.queries.of(at.engine, at.state, v).is_some() {
            about |= STORED;
        } else if kin.performed || names.iter().any(|n| words.is_reply(n)) {
            about |= REPLY;
        } else if names.iter().any(|n| words.is_store(n)) {
            about |= STORED;
        }
        Some(about)
    }

    /// The same where a test found the status to be success. The state of the object itself that is
    /// `done` says how far the object has come; only a `plain` word for success is about a run.
    pub fn about_success(&self, at: PathPoint<'_, '_>, v: Value, plain: bool) -> Option<u32> {
        self.about(at, v).filter(|about| plain || about & OWN == 0)
    }

    fn collect_ancestry(&self, at: PathPoint<'_, '_>, v: Value, kin: &mut Ancestry, depth: u32) {
        if depth > MAX_DEPTH {
            return;
        }
        let engine = at.engine;
        let names = &mut kin.nouns;
        names.extend(at.names(v));
        if depth > 0 {
            kin.owners.push(base(engine, v));
        }
        let mut next: Vec<Value> = Vec::new();
        match engine.terms.term(v) {
            Term::Field(o, n) => {
                names.push(n.to_string());
                next.push(*o);
            }
            Term::Item(o, k) => {
                names.extend(text(engine, *k));
                next.push(*o);
            }
            Term::Global(_, n) => names.push(n.to_string()),
            Term::Pure(n, ops) if n == "get" => {
                names.extend(text(engine, ops[1]));
                next.push(ops[0]);
            }
            Term::Pure(n, ops) if !n.contains("getattr") => next.extend(ops.iter().take(1)),
            Term::View(_, o) | Term::Truth(o) => next.push(*o),
            _ => {}
        }
        match engine.origin(at.state, v) {
            Some(Origin::Call(name, receiver, args)) => {
                if self.vocabulary.is_performer(&name) && !is_no_work(&name) {
                    kin.performed = true;
                }
                kin.calls.push(name.to_string());
                if engine.terms.literal(receiver).is_none() {
                    next.push(receiver);
                }
                let member = || at.state.fact(v).is_some_and(|fact| fact.domain.is_some());
                if is_transparent(&name) || member() {
                    next.extend(args.first());
                }
            }
            Some(Origin::Element(source)) => next.push(source),
            _ => {}
        }
        for v in next {
            self.collect_ancestry(at, v, kin, depth + 1);
        }
    }

    /// Whether a value is a status that was recorded as a success only where there were rows.
    fn is_computed(&self, at: PathPoint<'_, '_>, v: Value) -> bool {
        !self.computed.is_empty()
            && at
                .looked_up(v)
                .is_some_and(|name| self.computed.contains(name.as_str()))
    }

    /// The names that a value itself goes by.
    pub fn own_names(&self, at: PathPoint<'_, '_>, v: Value) -> Vec<String> {
        let mut out = Vec::new();
        at.collect_names(v, &mut out, 0);
        out.extend(self.queries.column(at.engine, at.state, v));
        out
    }

    /// Whether a value goes by the name of a status.
    pub fn is_status(&self, at: PathPoint<'_, '_>, v: Value) -> bool {
        let names = self.own_names(at, v);
        names.iter().any(|n| self.vocabulary.is_status(n))
    }

    /// Whether a value goes by the name of a count of records.
    pub fn is_count(&self, at: PathPoint<'_, '_>, v: Value) -> bool {
        if at.has_positive_default(v) {
            return false;
        }
        let names = self.own_names(at, v);
        names.iter().any(|n| self.vocabulary.is_count(n))
    }

    /// Whether a value goes by the name of a collection of records.
    pub fn is_rows(&self, at: PathPoint<'_, '_>, v: Value) -> bool {
        let names = self.own_names(at, v);
        names.iter().any(|n| self.vocabulary.is_rows(n))
    }
}

impl PathPoint<'_, '_> {
    /// The variables of the function that hold a value.
    pub fn names(&self, v: Value) -> impl Iterator<Item = String> {
        let names = self.engine.names_of(self.func, v);
        names.iter().map(ToString::to_string)
    }

    /// The name under which a value was looked up: `status` of `run.status`, `run["status"]` and
    /// `run.get("status")`.
    pub fn looked_up(&self, v: Value) -> Option<String> {
        let engine = self.engine;
        match engine.terms.term(v) {
            Term::Pure(n, ops) if n == "get" => text(engine, ops[1]),
            Term::Field(..) | Term::Item(..) => field_name(engine, v),
            _ => match engine.origin(self.state, v) {
                Some(Origin::Call(name, _, args)) if name == "get" => {
                    args.first().and_then(|key| text(engine, *key))
                }
                _ => None,
            },
        }
    }

    /// The objects that hold a value: `run` and `job` of `job.run["status"]`.
    pub fn holders(&self, v: Value) -> Vec<Value> {
        let engine = self.engine;
        let mut out = Vec::new();
        let mut at = v;
        for _ in 0..MAX_DEPTH {
            let holder = match engine.terms.term(at) {
                Term::Field(o, _) | Term::Item(o, _) => Some(*o),
                Term::Pure(n, ops) if n == "get" => Some(ops[0]),
                _ => None,
            };
            let part = match engine.terms.term(at) {
                Term::View(_, o) | Term::Truth(o) | Term::Len(o) => Some(*o),
                Term::Pure(n, ops) if !n.contains("getattr") => ops.first().copied(),
                _ => match engine.origin(self.state, at) {
                    Some(Origin::Call(name, _, args)) if is_transparent(&name) => {
                        args.first().copied()
                    }
                    _ => None,
                },
            };
            out.extend(holder.map(|o| base(engine, o)));
            let Some(next) = holder.or(part) else { break };
            at = next;
        }
        out
    }

    /// Whether a value is a parameter of the checked function.
    fn is_given(&self, v: Value) -> bool {
        match self.engine.terms.term(v) {
            Term::Symbol(site, _) => site.index == ENTRY_INDEX && v != self.state.watched,
            Term::Pure(n, ops) if n.starts_with("text.") => self.is_given(ops[0]),
            _ => false,
        }
    }

    /// Whether a value is looked up with a positive default: then it proves no record.
    pub fn has_positive_default(&self, v: Value) -> bool {
        let engine = self.engine;
        let default = match engine.terms.term(v) {
            Term::Pure(n, ops) if n == "get" => Some(ops[2]),
            _ => match engine.origin(self.state, v) {
                Some(Origin::Call(name, _, args)) if name == "get" => args.get(1).copied(),
                _ => None,
            },
        };
        let literal = default.and_then(|d| engine.terms.literal(d));
        matches!(literal, Some(Literal::Int(n)) if *n > 0)
    }

    fn collect_names(self, v: Value, out: &mut Vec<String>, depth: u32) {
        if depth > MAX_DEPTH {
            return;
        }
        let engine = self.engine;
        out.extend(self.names(v));
        match engine.terms.term(v) {
            Term::Field(o, n) => {
                out.push(n.to_string());
                // `row.status.value`
                if matches!(n.as_str(), "value" | "name") {
                    self.collect_names(*o, out, depth + 1);
                }
            }
            Term::Item(_, k) => out.extend(text(engine, *k)),
            Term::Pure(n, ops) if n == "get" => out.extend(text(engine, ops[1])),
            Term::Pure(n, ops)
                if matches!(n.as_str(), "at" | "copy" | "neg" | "getattr default") =>
            {
                self.collect_names(ops[0], out, depth + 1);
            }
            Term::Pure(..) => {
                if let Some(owner) = engine.payload_owner(v) {
                    self.collect_names(owner, out, depth + 1);
                }
            }
            Term::Len(o) | Term::Truth(o) => self.collect_names(*o, out, depth + 1),
            Term::Global(_, n) => out.push(n.to_string()),
            _ => {}
        }
        match engine.origin(self.state, v) {
            Some(Origin::Call(name, receiver, args)) => {
                if name == "get" || name == "getattr" {
                    let key = usize::from(name == "getattr");
                    out.extend(args.get(key).and_then(|k| text(engine, *k)));
                } else if is_transparent(&name) {
                    let inner = args.first().copied().unwrap_or(receiver);
                    self.collect_names(inner, out, depth + 1);
                    // `sum(r.rows for r in runs)`
                    if let Some(e) = self.state.ghost(inner, ValueNote::Element) {
                        self.collect_names(e, out, depth + 1);
                    }
                } else {
                    out.push(name.to_string());
                }
            }
            Some(Origin::Text(parts)) => {
                // The sum of counts is a count.
                for p in parts.iter().take(MAX_TERMS) {
                    self.collect_names(*p, out, depth + 1);
                }
            }
            _ => {}
        }
    }
}

/// Whether a call that is named like one that does work does none: `execute` runs a query, and a
/// class makes an object.
pub fn is_no_work(name: &str) -> bool {
    name == "execute" || name.starts_with(char::is_uppercase)
}

/// Whether the result of a call says about the same as its argument.
pub fn is_transparent(name: &str) -> bool {
    TRANSPARENT.contains(&name)
}

/// The object that a value is a snapshot, copy or view of.
pub fn base(engine: &Engine<'_>, v: Value) -> Value {
    match engine.terms.term(v) {
        Term::Pure(n, ops) if matches!(n.as_str(), "at" | "copy") => base(engine, ops[0]),
        Term::View(_, o) => base(engine, *o),
        _ => v,
    }
}

/// The name of a constant that is not a literal.
pub fn constant_name(engine: &Engine<'_>, v: Value) -> Option<String> {
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

/// The text that a literal is.
pub fn text_of(l: &Literal) -> Option<String> {
    match l {
        Literal::Str(s) => Some(s.to_string()),
        _ => None,
    }
}

/// The text that a value is.
pub fn text(engine: &Engine<'_>, v: Value) -> Option<String> {
    engine.terms.literal(v).and_then(text_of)
}

/// The name under which an object or a document holds a value.
pub fn field_name(engine: &Engine<'_>, v: Value) -> Option<String> {
    match engine.terms.term(v) {
        Term::Field(_, n) => Some(n.to_string()),
        Term::Item(_, k) => text(engine, *k),
        _ => None,
    }
}

/// Whether a value is a field of an object, or of one of its fields.
fn is_part_of(engine: &Engine<'_>, v: Value, object: Value) -> bool {
    matches!(engine.terms.term(v), Term::Field(o, _) if *o == object || is_part_of(engine, *o, object))
}
