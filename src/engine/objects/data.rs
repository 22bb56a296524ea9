//! Typed data: variants, records, maps and arrays.
//!
//! A variant is a pure term of its payload, so a test of a variant that was made on the path is
//! decided. The tag of any other value is an unknown with a small set of literals.

use std::sync::Arc;

use crate::engine::Engine;
use crate::engine::FnContext;
use crate::engine::calls::args::Args;
use crate::engine::flow::{Evaluated, Flow};
use crate::engine::objects::methods::MethodCall;
use crate::engine::values::fact::{Fact, Interval, Kind, Lits};
use crate::engine::values::state::{Cell, Slot, State};
use crate::engine::values::value::{MAX_TERM_DEPTH, Site, Term, Terms, Value};
use crate::ir::data::{FAILURE, SUCCESS};
use crate::ir::{CmpOp, Data, Element, Literal, Name, Nature, Operand, StaticExprKind};
use crate::program::{ClassRef, Def};

/// The type of an option whose payload is a number other than zero.
pub(in crate::engine) const POSITIVE_OPTION: &str = "builtins.positive_option";

/// The prefix of the names of the pure functions that make variants.
const VARIANT: &str = "variant ";

/// What is known about the tag of a value.
pub(in crate::engine) fn tag_of(state: &State, terms: &Terms, v: Value) -> Option<Fact> {
    if let Term::Pure(name, _) = terms.term(v)
        && let Some(variant) = name.strip_prefix(VARIANT)
    {
        let tag = variant.split(' ').next()?;
        let mut fact = Fact::default();
        fact.assume_eq(&Literal::Str(tag.into()), true);
        return Some(fact);
    }
    let tag = terms.existing(&Term::Pure("tag".into(), Arc::from([v])))?;
    state.facts.get(&tag).map(|fact| (**fact).clone())
}

impl Engine<'_> {
    /// Evaluates an operation on typed data.
    pub(in crate::engine) fn data(
        &mut self,
        cx: &FnContext,
        state: &mut State,
        data: &Data,
        site: Site,
    ) -> Value {
        match data {
            Data::Len(o) => {
                let x = self.operand(state, o, site);
                self.length_of(state, x)
            }
            Data::Range(a, b) => {
                let a = self.operand(state, a, site);
                let b = self.operand(state, b, site);
                let one = self.terms.int(1);
                self.terms.make(Term::Range(a, b, one))
            }
            Data::Array(items) => self.array(state, items, site),
            Data::Map(items) => {
                let map = self.empty_map(state, site);
                for (k, v) in items {
                    let k = self.operand(state, k, site);
                    let v = self.operand(state, v, site);
                    self.set_item(state, map, k, v, site);
                }
                map
            }
            Data::Record {
                class,
                fields,
                base,
            } => self.record(cx, state, class, fields, base.as_ref(), site),
            Data::Variant { tag, fields } => self.make_variant(state, tag, fields, site),
            Data::IsVariant {
                object, tag, of, ..
            } => {
                let x = self.operand(state, object, site);
                self.is_variant(state, x, tag, of)
            }
            Data::Payload { object, tag, field } => {
                let x = self.operand(state, object, site);
                self.payload(state, x, tag, field, site)
            }
            Data::Copy(o) => {
                let x = self.operand(state, o, site);
                self.copied(state, x, site)
            }
            Data::Emptied(o) => {
                let x = self.operand(state, o, site);
                self.emptied(state, x, site)
            }
            Data::Lent { object, .. } => {
                let x = self.operand(state, object, site);
                let known = tag_of(state, &self.terms, x).is_some();
                match self.terms.term(x) {
                    Term::Lit(_)
                    | Term::Not(_)
                    | Term::Truth(_)
                    | Term::Cmp(..)
                    | Term::Arith(..)
                    | Term::Len(_) => self.fresh(state, site),
                    _ if known => self.fresh(state, site),
                    _ => x,
                }
            }
            // The contents of such a collection are not tracked.
            Data::Gather { .. } => self.terms.none(),
        }
    }

    /// The length of a value, which must therefore be a collection, and so is false if it is empty.
    fn length_of(&mut self, state: &mut State, x: Value) -> Value {
        let snap = state.snapshot(x);
        if state.kind(&self.terms, snap) == Kind::Unknown && self.terms.literal(snap).is_none() {
            state.refine(snap, |f| {
                f.kind = Kind::Sized;
                true
            });
        }
        self.length(state, snap)
    }

    /// A variant of an enumeration with its payload.
    fn make_variant(
        &mut self,
        state: &mut State,
        tag: &Name,
        fields: &[(Name, Operand)],
        site: Site,
    ) -> Value {
        let mut name = format!("{VARIANT}{tag}");
        let mut payload = Vec::with_capacity(fields.len());
        for (field, value) in fields {
            name.push(' ');
            name.push_str(field);
            payload.push(self.operand(state, value, site));
        }
        let deep = |v: &Value| self.terms.depth(*v) + 1 >= MAX_TERM_DEPTH;
        if payload.iter().any(deep) {
            let v = self.fresh(state, site);
            self.note_tag(state, v, tag);
            return v;
        }
        self.terms.make(Term::Pure(name.into(), payload.into()))
    }

    fn array(&mut self, state: &mut State, items: &[Element], site: Site) -> Value {
        let list = self.display(state, Kind::List, items, site);
        state.refine(list, |f| {
            f.kind = Kind::Sized;
            true
        });
        list
    }

    pub(in crate::engine) fn empty_map(&mut self, state: &mut State, site: Site) -> Value {
        let mut fact = Self::sized(Kind::Map, Interval::point(0));
        fact.closed = true;
        self.fresh_with(state, site, fact)
    }

    fn record(
        &mut self,
        cx: &FnContext,
        state: &mut State,
        class: &[Name],
        fields: &[(Name, Operand)],
        base: Option<&Operand>,
        site: Site,
    ) -> Value {
        let scope = cx.function().scope;
        let class = match self.program.resolve_path(cx.func.module, scope, class) {
            Def::Class(c) => Some(c),
            _ => None,
        };
        let values: Vec<(Name, Value)> = fields
            .iter()
            .map(|(name, value)| (name.clone(), self.operand(state, value, site)))
            .collect();
        let base = base.map(|b| self.operand(state, b, site));
        // Without a class, the kind is unknown.
        let mut fact = Fact::of_kind(match class {
            Some(_) => Kind::Object,
            None => Kind::Unknown,
        });
        fact.class = class;
        fact.closed = base.is_none_or(|b| state.fact(b).is_some_and(|f| f.closed));
        let object = self.fresh_with(state, site, fact);
        if let Some(b) = base {
            self.copy_fields(state, b, object);
        }
        for (name, value) in values {
            state
                .heap
                .insert((object, Slot::Field(name)), Cell::Has(value));
        }
        object
    }

    /// Copies the known fields of one object to another.
    fn copy_fields(&mut self, state: &mut State, from: Value, to: Value) {
        let known: Vec<(Slot, Cell)> = state
            .slots(from)
            .filter(|(slot, _)| matches!(slot, Slot::Field(_) | Slot::Ghost(_)))
            .map(|(slot, cell)| (slot.clone(), *cell))
            .collect();
        for (slot, cell) in known {
            state.heap.insert((to, slot), cell);
        }
    }

    fn has_slots(state: &State, object: Value) -> bool {
        state
            .slots(object)
            .any(|(slot, _)| !matches!(slot, Slot::Content))
    }

    fn copied(&mut self, state: &mut State, x: Value, site: Site) -> Value {
        if self.is_shared(state, x) {
            return x;
        }
        let fact = state.fact(x).cloned().unwrap_or_default();
        match fact.kind {
            Kind::Map => {
                let map = self.empty_map(state, site);
                self.update_from(state, map, x, site);
                map
            }
            Kind::Sized => {
                if let Some(items) = self.known_items(state, x) {
                    let list = self.list_of(state, &items, site);
                    state.refine(list, |f| {
                        f.kind = Kind::Sized;
                        true
                    });
                    return list;
                }
                let snap = state.snapshot(x);
                let copy = self
                    .terms
                    .make(Term::Pure("copy".into(), Arc::from([snap])));
                if self.terms.depth(copy) >= MAX_TERM_DEPTH {
                    return self.fresh_with(state, site, Fact::of_kind(Kind::Sized));
                }
                state.refine(copy, |f| {
                    f.kind = Kind::Sized;
                    true
                });
                copy
            }
            _ if fact.class.is_some()
                || self.is_holder(state, x)
                || matches!(self.terms.term(x), Term::Symbol(..)) && Self::has_slots(state, x) =>
            {
                let copy = Fact {
                    kind: fact.kind,
                    class: fact.class,
                    closed: fact.closed,
                    ..Fact::default()
                };
                let copy = self.fresh_with(state, site, copy);
                self.copy_fields(state, x, copy);
                let items: Vec<(Slot, Cell)> = state
                    .slots(x)
                    .filter(|(slot, _)| matches!(slot, Slot::Item(_)))
                    .map(|(slot, cell)| (slot.clone(), *cell))
                    .collect();
                for (slot, cell) in items {
                    state.heap.insert((copy, slot), cell);
                }
                copy
            }
            _ => x,
        }
    }

    fn emptied(&mut self, state: &mut State, x: Value, site: Site) -> Value {
        let old = state.fact(x).cloned().unwrap_or_default();
        let mut fact = match old.kind {
            Kind::Map | Kind::Sized => Self::sized(old.kind, Interval::point(0)),
            // The kind is unknown: the value is zero, false and empty, as far as its kind has these
            // properties.
            _ if old.class.is_none() => Fact {
                num: Interval::point(0),
                len: Interval::point(0),
                ..Fact::default()
            },
            _ => Fact {
                class: old.class,
                ..Fact::default()
            },
        };
        fact.closed = true;
        fact.propagate();
        self.fresh_with(state, site, fact)
    }

    /// `*object = value`
    pub(in crate::engine) fn overwrite(
        &mut self,
        state: &mut State,
        object: Value,
        value: Value,
        site: Site,
    ) {
        if object == value {
            return;
        }
        // Read the value's slots first, because the value may be reachable from the object.
        let slots: Vec<(Slot, Cell)> = state
            .slots(value)
            .filter(|(slot, _)| !matches!(slot, Slot::Content))
            .map(|(slot, cell)| (slot.clone(), *cell))
            .collect();
        let new = state.fact(value).cloned().unwrap_or_default();
        let contents = self.contents(state, value);
        let watched = self.is_holder(state, object);
        state.heap.retain(|(o, _), _| *o != object);
        for (slot, cell) in slots {
            state.heap.insert((object, slot), cell);
        }
        state.refine(object, |f| {
            f.closed = new.closed;
            if new.class.is_some() {
                f.class = new.class;
            }
            true
        });
        if contents.kind.is_container() || state.kind(&self.terms, object).is_container() {
            let kind = state.kind(&self.terms, object);
            let fact = Self::sized(kind, contents.len);
            self.mutate(state, object, fact, site);
        }
        if watched && new.closed {
            state.flags.settle();
        }
        self.note_presence(state);
    }

    /// Whether copies of the value are handles of one object, according to its declaration.
    fn is_shared(&self, state: &State, v: Value) -> bool {
        let Term::Field(object, name) = self.terms.term(v) else {
            return false;
        };
        let Some(class) = state.fact(*object).and_then(|f| f.class) else {
            return false;
        };
        matches!(self.declaration(class, name), Some((_, e))
            if matches!(e.kind, StaticExprKind::Call(..)))
    }

    /// Whether a class keeps its fields separate from its methods.
    pub(crate) fn is_record(&self, class: ClassRef) -> bool {
        self.nature(class) != Nature::Open
    }

    fn note_tag(&mut self, state: &mut State, v: Value, tag: &str) {
        let t = self.terms.make(Term::Pure("tag".into(), Arc::from([v])));
        let only = Literal::Str(tag.into());
        state.refine(t, |f| f.assume_eq(&only, true));
    }

    /// The tag of a value; a literal if it is known by construction.
    fn tag(&mut self, state: &mut State, v: Value, of: &[Name]) -> Value {
        if let Some((tag, _)) = self.variant(v) {
            return self.terms.str(&tag);
        }
        let t = self.terms.make(Term::Pure("tag".into(), Arc::from([v])));
        if !of.is_empty() && state.fact(t).is_none() {
            let all = of.iter().map(|tag| Literal::Str(tag.clone())).collect();
            state.refine(t, |f| {
                f.lits = Lits::In(all);
                true
            });
        }
        t
    }

    /// The tag and the payload names of a variant that was made on the path.
    fn variant(&self, v: Value) -> Option<(Name, Vec<Name>)> {
        let Term::Pure(name, _) = self.terms.term(v) else {
            return None;
        };
        let mut parts = name.strip_prefix(VARIANT)?.split(' ');
        let tag = Name::from(parts.next()?);
        Some((tag, parts.map(Name::from).collect()))
    }

    fn is_variant(&mut self, state: &mut State, v: Value, tag: &Name, of: &[Name]) -> Value {
        if let Some((map, key)) = self.entry(v)
            && matches!(tag.as_str(), "Occupied" | "Vacant")
        {
            let found = self.compare(state, CmpOp::In, key, map);
            return if tag == "Occupied" {
                found
            } else {
                self.terms.not(found)
            };
        }
        if self.terms.depth(v) + 2 >= MAX_TERM_DEPTH {
            return self.terms.make(Term::External("<deep>".into()));
        }
        let t = self.tag(state, v, of);
        let wanted = self.terms.str(tag);
        self.compare(state, CmpOp::Eq, t, wanted)
    }

    fn payload(
        &mut self,
        state: &mut State,
        v: Value,
        tag: &Name,
        field: &Name,
        site: Site,
    ) -> Value {
        if let Some(found) = self.payload_field(v, field) {
            return found;
        }
        if self.entry(v).is_some() {
            return v;
        }
        if self.terms.depth(v) + 1 >= MAX_TERM_DEPTH {
            return self.fresh(state, site);
        }
        self.terms.make(Term::Pure(
            format!("payload {tag} {field}").into(),
            Arc::from([v]),
        ))
    }

    /// A field of a variant or tuple that was made on the path.
    pub(in crate::engine) fn payload_field(&self, v: Value, field: &Name) -> Option<Value> {
        match self.terms.term(v) {
            Term::Tuple(items) => items.get(field.parse::<usize>().ok()?).copied(),
            Term::Pure(_, ops) => {
                let (_, names) = self.variant(v)?;
                let at = names.iter().position(|n| n == field)?;
                ops.get(at).copied()
            }
            _ => None,
        }
    }

    /// The value that has this tag.
    pub(crate) fn tagged(&self, tag: Value) -> Option<Value> {
        match self.terms.term(tag) {
            Term::Pure(n, ops) if n == "tag" => ops.first().copied(),
            _ => None,
        }
    }

    /// The value whose payload this is, or is a part of.
    pub(crate) fn payload_owner(&self, v: Value) -> Option<Value> {
        match self.terms.term(v) {
            Term::Pure(n, ops) if n.starts_with("payload ") => ops.first().copied(),
            _ => None,
        }
    }

    /// The outcome of a function that returns this value: the payload of a success, `None` for a
    /// failure.
    pub(crate) fn payload_of_success(&mut self, state: &State, v: Value) -> Option<Value> {
        if self.is_failure(state, v) {
            return None;
        }
        match self.variant(v) {
            Some((tag, _)) if tag == SUCCESS => {
                Some(self.payload_field(v, &Name::new("0")).unwrap_or(v))
            }
            _ => Some(v),
        }
    }

    /// Whether a value is declared as an option whose payload is a number other than zero.
    pub(crate) fn is_positive_option(&mut self, state: &State, v: Value) -> bool {
        let ty = self.terms.external(POSITIVE_OPTION);
        state.fact(v).is_some_and(|f| f.is.contains(&ty))
    }

    /// Whether a returned value says that the function failed.
    pub(crate) fn is_failure(&mut self, state: &State, v: Value) -> bool {
        if let Some((tag, _)) = self.variant(v) {
            return tag == FAILURE;
        }
        let Some(t) = self
            .terms
            .existing(&Term::Pure("tag".into(), Arc::from([v])))
        else {
            return false;
        };
        let failed = self.terms.str(FAILURE);
        let is = self.compare(state, CmpOp::Eq, t, failed);
        self.terms.literal(is) == Some(&Literal::Bool(true))
    }

    /// What a success (`Ok(x)`) holds; any other value itself.
    pub(in crate::engine) fn content_of_success(&self, v: Value) -> Value {
        match (self.variant(v), self.terms.term(v)) {
            (Some((tag, _)), Term::Pure(_, parts)) if tag == SUCCESS => {
                parts.first().copied().unwrap_or(v)
            }
            _ => v,
        }
    }

    /// Whether a value is a failure without data: the `None` of an option.
    pub(crate) fn is_nothing(&self, v: Value) -> bool {
        let empty = || matches!(self.terms.term(v), Term::Pure(_, parts) if parts.is_empty());
        self.variant(v).is_some_and(|(tag, _)| tag == FAILURE) && empty()
    }

    /// Marks a value that stands for several failures as a failure.
    pub(in crate::engine) fn note_failure(&mut self, state: &mut State, v: Value) {
        if self.variant(v).is_none() {
            self.note_tag(state, v, FAILURE);
        }
    }

    pub(in crate::engine) fn variant_of(&mut self, tag: &str, payload: Option<Value>) -> Value {
        let (name, ops): (String, Arc<[Value]>) = match payload {
            Some(v) => (format!("{VARIANT}{tag} 0"), Arc::from([v])),
            None => (format!("{VARIANT}{tag}"), Arc::from([])),
        };
        self.terms.make(Term::Pure(name.into(), ops))
    }

    /// The map and the key of a map entry.
    fn entry(&self, v: Value) -> Option<(Value, Value)> {
        match self.terms.term(v) {
            Term::Pure(n, ops) if n == "entry" => Some((ops[0], ops[1])),
            _ => None,
        }
    }

    /// Methods of maps, of map entries, and of the payload of a variant. `None` if the receiver is
    /// none of these.
    pub(in crate::engine) fn data_method(
        &mut self,
        cx: &FnContext,
        call: &MethodCall<'_>,
    ) -> Option<Vec<Evaluated>> {
        let (state, recv) = (&call.state, call.recv);
        let (name, args, site) = (call.name, call.args, call.site);
        if let Some(entry) = self.entry(recv) {
            return Some(self.entry_method(cx, entry, call.clone()));
        }
        if let Some((tag, fields)) = self.variant(recv) {
            if tag == FAILURE && matches!(name.as_str(), "map" | "and_then") {
                return Some(vec![Evaluated::normal(state.clone(), recv)]);
            }
            let [_] = fields.as_slice() else { return None };
            let inner = self.payload_field(recv, &fields[0])?;
            if tag == SUCCESS && name == "map" && args.positional.len() == 1 {
                let f = args.positional[0];
                let called = self.call_value(
                    cx,
                    state.clone(),
                    f,
                    Args::positional(vec![inner]),
                    Site {
                        part: site.part + 6,
                        ..site
                    },
                );
                return Some(
                    called
                        .into_iter()
                        .map(|mut o| {
                            if let Flow::Normal(v) = o.flow {
                                o.flow = Flow::Normal(self.variant_of(SUCCESS, Some(v)));
                            }
                            o
                        })
                        .collect(),
                );
            }
            return Some(self.call_method(cx, state.clone(), inner, name, args.clone(), site));
        }
        match state.kind(&self.terms, recv) {
            Kind::Map => self.map_method(call.clone()),
            Kind::Sized => self.array_method(call.clone()),
            _ => None,
        }
    }
}
