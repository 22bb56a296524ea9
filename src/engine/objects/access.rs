//! Objects: loads and stores of fields and items, displays, and what is known about contents.

use crate::engine::calls::args::Args;
use crate::engine::flow::Evaluated;
use crate::engine::values::fact::{Fact, Interval, Kind};
use crate::engine::values::state::{Cell, Slot, State, view};
use crate::engine::values::value::{MAX_TERM_DEPTH, Site, Term, Value};
use crate::engine::{Engine, Presence};
use crate::ir::{Binding, Literal, Name};
use crate::program::{ClassRef, Def, Lookup, MemberDef};
use std::rc::Rc;
use std::sync::Arc;

/// The first part number of the fresh values for items that may have been overwritten.
const FIRST_DOUBTED: u32 = 500;

impl Engine<'_> {
    /// Tells the automaton if the watched key is set.
    pub(crate) fn note_presence(&mut self, state: &mut State) {
        if self.presence(state) == Presence::Present {
            state.flags.rule = self.automaton.on_set(state.flags.rule);
            state.flags.settle();
        }
    }

    /// `object.field = value`
    pub(crate) fn set_field(
        &mut self,
        state: &mut State,
        object: Value,
        field: &Name,
        value: Value,
    ) {
        let object = match self.terms.term(object) {
            Term::Vars(o) => *o,
            _ => object,
        };
        self.note_field(field);
        state
            .heap
            .insert((object, Slot::Field(field.clone())), Cell::Has(value));
        self.note_attribute(state, object, field, true);
        if state.fact(value).is_some_and(|f| f.closed) && self.is_holder(state, value) {
            // Whatever an earlier call may have set went with the old dict.
            state.flags.settle();
        }
        self.note_presence(state);
    }

    /// Records that the contents of an object changed: what was learnt about them holds only of the
    /// old snapshot. The new snapshot gets the given fact.
    pub(crate) fn mutate(&mut self, state: &mut State, object: Value, fact: Fact, site: Site) {
        let site = Site {
            part: site.part + 500,
            ..site
        };
        let s = self.fresh(state, site);
        if !fact.is_trivial() {
            state.facts.insert(s, Rc::new(fact));
        }
        state.heap.insert((object, Slot::Content), Cell::Has(s));
    }

    /// What is known about the current contents of an object.
    pub(crate) fn contents(&self, state: &State, object: Value) -> Fact {
        let snap = state.snapshot(object);
        let mut f = view(state, &self.terms, snap);
        if f.kind == Kind::Unknown {
            f.kind = state.kind(&self.terms, object);
        }
        f.propagate();
        f
    }

    /// A fact about the contents of a container of this kind, with a length in the interval.
    pub(crate) fn sized(kind: Kind, len: Interval) -> Fact {
        let kind = if kind.is_container() {
            kind
        } else {
            Kind::Unknown
        };
        let mut f = Fact {
            kind,
            len,
            ..Fact::default()
        };
        if kind == Kind::Unknown {
            f.truth = if len.lo > 0 {
                Some(true)
            } else if len.hi == 0 {
                Some(false)
            } else {
                None
            };
        }
        f.propagate();
        f
    }

    /// `object[key] = value`
    pub(crate) fn set_item(
        &mut self,
        state: &mut State,
        object: Value,
        key: Value,
        value: Value,
        site: Site,
    ) {
        if let Term::Vars(o) = *self.terms.term(object)
            && let Some(Literal::Str(name)) = self.terms.literal(key).cloned()
        {
            return self.set_field(state, o, &name, value);
        }
        self.note_pending(state, object, key);
        let key_lit = self.comparable(key);
        let key = match &key_lit {
            Some(l) => self.terms.lit(l.clone()),
            None => key,
        };
        let slot = (object, Slot::Item(key));
        let had = matches!(state.heap.get(&slot), Some(Cell::Has(_)));
        if !had {
            let old = self.contents(state, object);
            let kind = if old.kind == Kind::Unknown {
                state.kind(&self.terms, object)
            } else {
                old.kind
            };
            let grown = match state.heap.get(&slot) {
                Some(Cell::Absent) => Interval {
                    lo: old.len.lo.saturating_add(1),
                    hi: old.len.hi.saturating_add(1),
                },
                _ => Interval {
                    lo: old.len.lo.max(1),
                    hi: old.len.hi.saturating_add(1),
                },
            };
            if kind.is_dict() || kind == Kind::Unknown {
                let fact = Self::sized(kind, grown);
                self.mutate(state, object, fact, site);
            }
        }
        if key_lit.is_none() {
            self.doubt_items(state, object, key, value, site);
        }
        state.heap.insert(slot, Cell::Has(value));
        self.note_presence(state);
    }

    /// A value was stored under an unknown key: any other item may hold it now, and there may be
    /// one more.
    fn doubt_items(
        &mut self,
        state: &mut State,
        object: Value,
        key: Value,
        value: Value,
        site: Site,
    ) {
        let others = state.slots(object).filter_map(|(slot, cell)| match slot {
            Slot::Item(other) if *other != key && *cell != Cell::Has(value) => {
                Some((*other, *cell))
            }
            _ => None,
        });
        let others: Vec<(Value, Cell)> = others.collect();
        if let Some(f) = state.facts.get_mut(&object).map(Rc::make_mut) {
            f.closed = false;
        }
        if self.is_holder(state, object) && self.presence(state) == Presence::Absent {
            state.flags.doubt_place();
        }
        for (part, (other, cell)) in (FIRST_DOUBTED..).zip(others) {
            let slot = (object, Slot::Item(other));
            match cell {
                Cell::Has(_) => {
                    let now = self.fresh(state, Site { part, ..site });
                    state.heap.insert(slot, Cell::Has(now));
                }
                // For the watched place, the flags record this.
                Cell::Absent if self.is_place_key(state, object, other) => {}
                Cell::Absent => {
                    state.heap.remove(&slot);
                }
            }
        }
    }

    /// `object.field` without running any code: what the heap, the class or the module says.
    pub(crate) fn get_field(&mut self, state: &State, object: Value, field: &Name) -> Value {
        self.note_field(field);
        match state.heap.get(&(object, Slot::Field(field.clone()))) {
            Some(Cell::Has(v)) => return *v,
            Some(Cell::Absent) | None => {}
        }
        if field == "__dict__" {
            return self.terms.make(Term::Vars(object));
        }
        match self.terms.term(object).clone() {
            Term::Module(m) => {
                let def = self.program.attribute_of(&Def::Module(m), field);
                self.def_value(&def, m, field, 0)
            }
            Term::External(p) => self
                .terms
                .make(Term::External(format!("{p}.{field}").into())),
            Term::Class(c) => self
                .class_attribute(c, field)
                .unwrap_or_else(|| self.terms.make(Term::Field(object, field.clone()))),
            Term::Member(c, name) if field == "value" || field == "name" => {
                if field == "name" {
                    return self.terms.str(&name);
                }
                let m = self.program.module(c.module);
                let scope = m.ir.class(c.class).scope;
                match m
                    .ir
                    .scope(scope)
                    .bindings
                    .get(&name)
                    .and_then(|b| b.last())
                    .map(|s| &s.binding)
                {
                    Some(Binding::Value(e)) => self
                        .static_value(c.module, scope, e, 0)
                        .unwrap_or_else(|| self.terms.make(Term::Field(object, field.clone()))),
                    _ => self.terms.make(Term::Field(object, field.clone())),
                }
            }
            _ => {
                if let Some(v) = self.payload_field(object, field) {
                    return v;
                }
                if let Some(v) = self.class_text_of(state, object, field) {
                    return v;
                }
                if let Some(c) = state.fact(object).and_then(|f| f.class)
                    && !self.is_record(c)
                {
                    match self.member(c, field, None) {
                        Lookup::Found(owner, defs) => match defs.as_slice() {
                            [MemberDef::Func(f)] => {
                                let func = self.terms.make(Term::Func(*f));
                                return if self.is_static_method(*f) {
                                    func
                                } else {
                                    self.terms.make(Term::Bound(func, object))
                                };
                            }
                            [MemberDef::Def(def)] => {
                                if let Some(v) = self.class_constant(c, owner, field, def) {
                                    return v;
                                }
                            }
                            _ => {}
                        },
                        Lookup::Missing | Lookup::Unknown => {}
                    }
                }
                if self.terms.depth(object) >= MAX_TERM_DEPTH {
                    return self.terms.make(Term::External("<deep>".into()));
                }
                self.terms.make(Term::Field(object, field.clone()))
            }
        }
    }

    /// `object.field`, running a property's getter.
    pub(in crate::engine) fn load_field(
        &mut self,
        state: State,
        object: Value,
        name: &Name,
        site: Site,
    ) -> Vec<Evaluated> {
        if let Term::Super(recv, after) = *self.terms.term(object) {
            let mut state = state;
            let v = match (after, state.fact(recv).and_then(|f| f.class)) {
                (Some(after), Some(class)) => match self.member(class, name, Some(after)) {
                    Lookup::Found(_, defs) => match defs.as_slice() {
                        [MemberDef::Func(f)] => {
                            let f = self.terms.make(Term::Func(*f));
                            self.terms.make(Term::Bound(f, recv))
                        }
                        _ => self.terms.make(Term::Method(object, name.clone())),
                    },
                    _ => self.terms.make(Term::Method(object, name.clone())),
                },
                _ => self.fresh(&mut state, site),
            };
            return vec![Evaluated::normal(state, v)];
        }
        if !state
            .heap
            .contains_key(&(object, Slot::Field(name.clone())))
            && self.class_text_of(&state, object, name).is_none()
            && let Some(class) = state.fact(object).and_then(|f| f.class)
            && let Lookup::Found(_, defs) = self.member(class, name, None)
            && let [MemberDef::Func(f)] = defs.as_slice()
            && self.is_property(*f)
        {
            let f = *f;
            return self.invoke(state, f, None, Args::positional(vec![object]), site);
        }
        let v = self.get_field(&state, object, name);
        let mut state = state;
        if self.is_class_text(v) {
            let text = Self::sized(Kind::Str, Interval::at_least(1));
            state.facts.insert(v, Rc::new(text));
            return vec![Evaluated::normal(state, v)];
        }
        if matches!(self.terms.term(v), Term::Field(..))
            && state.fact(v).is_none()
            && let Some(class) = state.fact(object).and_then(|f| f.class)
        {
            self.note_declared(&mut state, class, name, v);
        }
        vec![Evaluated::normal(state, v)]
    }

    /// Notes what the class declares about the type of a field: `mode: WriteMode` in its body.
    pub(crate) fn note_declared(
        &mut self,
        state: &mut State,
        class: ClassRef,
        name: &Name,
        v: Value,
    ) {
        if let Some((c, declared)) = self.declaration(class, name) {
            let m = self.program.module(c.module);
            let scope = m.ir.class(c.class).scope;
            self.note_annotation(state, c.module, scope, &declared, v);
        }
    }

    /// `object[key]`
    pub(crate) fn get_item(
        &mut self,
        mut state: State,
        object: Value,
        key: Value,
        site: Site,
    ) -> Vec<Evaluated> {
        if let (Term::Vars(o), Some(Literal::Str(name))) = (
            self.terms.term(object).clone(),
            self.terms.literal(key).cloned(),
        ) {
            let v = self.get_field(&state, o, &name);
            return vec![Evaluated::normal(state, v)];
        }
        let key_lit = self.comparable(key);
        let key = match &key_lit {
            Some(l) => self.terms.lit(l.clone()),
            None => key,
        };
        if let Some(items) = self.known_items(&state, object)
            && let Some(Literal::Int(i)) = &key_lit
        {
            let n = i64::try_from(items.len()).unwrap_or(i64::MAX);
            let at = if *i < 0 { i + n } else { *i };
            if let Some(v) = usize::try_from(at).ok().and_then(|at| items.get(at)) {
                return vec![Evaluated::normal(state, *v)];
            }
        }
        let kind = state.kind(&self.terms, object);
        let closed = state.fact(object).is_some_and(|f| f.closed);
        match state.heap.get(&(object, Slot::Item(key))) {
            Some(Cell::Has(v)) => {
                let v = *v;
                vec![Evaluated::normal(state, v)]
            }
            None if closed && key_lit.is_some() && kind == Kind::Dict => {
                vec![self.raise_exact(state, "KeyError", site)]
            }
            Some(Cell::Absent) if kind == Kind::Dict => {
                vec![self.raise_exact(state, "KeyError", site)]
            }
            Some(Cell::Absent) | None if kind == Kind::DefaultDict => {
                let name = state.fact(object).map(|f| f.is.clone()).unwrap_or_default();
                let counter = name.iter().any(
                    |c| matches!(self.terms.term(*c), Term::External(p) if p.ends_with("Counter")),
                );
                let v = self.fresh(&mut state, site);
                if !counter {
                    // A defaultdict stores the items that it creates.
                    self.set_item(&mut state, object, key, v, Site { part: 2, ..site });
                }
                vec![Evaluated::normal(state, v)]
            }
            _ => {
                let mut out: Vec<Evaluated> = self
                    .missing_key(&state, object, key)
                    .iter()
                    .map(|class| self.raise_exact(state.clone(), class, site))
                    .collect();
                let snap = state.snapshot(object);
                let v = if self.terms.depth(snap).max(self.terms.depth(key)) >= MAX_TERM_DEPTH {
                    self.fresh(&mut state, site)
                } else {
                    self.terms.make(Term::Item(snap, key))
                };
                if kind.is_dict() && key_lit.is_some() {
                    state.heap.insert((object, Slot::Item(key)), Cell::Has(v));
                }
                out.insert(0, Evaluated::normal(state, v));
                out
            }
        }
    }

    /// What `object[key]` raises if there is no such key. The classes are exact. An exception of a
    /// library for a missing row comes from the library's calls; a handler of it must not be
    /// entered from every subscript.
    pub(in crate::engine) fn missing_key(
        &self,
        state: &State,
        object: Value,
        key: Value,
    ) -> &'static [&'static str] {
        match (
            state.kind(&self.terms, object),
            state.kind(&self.terms, key),
        ) {
            (Kind::List | Kind::Tuple | Kind::Str, _) => &["IndexError"],
            (Kind::Dict | Kind::DefaultDict, _) => &["KeyError"],
            (_, Kind::Int) => &["IndexError"],
            (_, Kind::Unknown) if self.terms.literal(key).is_none() => &["KeyError", "IndexError"],
            _ => &["KeyError"],
        }
    }

    pub(in crate::engine) fn unpack(
        &mut self,
        state: &mut State,
        o: Value,
        index: i32,
        rest: Option<u32>,
        site: Site,
    ) -> Value {
        if let Some(items) = self.known_items(state, o) {
            let n = items.len();
            let at = if index < 0 {
                n.checked_sub(index.unsigned_abs() as usize)
            } else {
                Some(index as usize)
            };
            if let Some(at) = at {
                match rest {
                    None => {
                        if let Some(v) = items.get(at) {
                            return *v;
                        }
                    }
                    Some(behind) => {
                        let end = n.saturating_sub(behind as usize);
                        if at <= end {
                            let elements = items[at..end].to_vec();
                            return self.list_of(state, &elements, site);
                        }
                    }
                }
            }
        }
        if rest.is_some() {
            return self.fresh_with(state, site, Fact::of_kind(Kind::List));
        }
        let s = state.snapshot(o);
        if self.terms.depth(s) >= MAX_TERM_DEPTH {
            return self.fresh(state, site);
        }
        self.terms
            .make(Term::Pure(format!("unpack{index}").into(), Arc::from([s])))
    }
}
