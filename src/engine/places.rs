//! The places that a rule watches: which object holds each of them now, and whether it is stored.
//!
//! A place is read off the heap. A key is stored if the dict has it. An attribute exists before the
//! method runs, so a ghost slot of its object says whether it was stored since then.

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use crate::engine::automaton::{CompletedCall, Hop, WatchedPlace};
use crate::engine::values::fact::Kind;
use crate::engine::values::ghost::Ghost;
use crate::engine::values::state::{Cell, Slot, State};
use crate::engine::values::value::{MAX_TERM_DEPTH, Site, Term, Value};
use crate::engine::{Engine, Presence};
use crate::ir::{Callee, Literal, LocalId, Name, Operand, Rvalue, TerminatorKind};
use crate::program::{ClassRef, Lookup, MemberDef};

/// The objects that hold the watched places, in their order.
pub(in crate::engine) type Holders = SmallVec<[Value; 2]>;

impl Engine<'_> {
    /// Looks an attribute of the receiver's class up that a place starts with: a property that only
    /// returns another attribute stands for that one.
    pub fn resolve_places(&mut self, class: ClassRef) {
        for at in 0..self.places.len() {
            let WatchedPlace {
                root: 0, holder, ..
            } = &self.places[at]
            else {
                continue;
            };
            let Some(Hop::Field(field)) = holder.first() else {
                continue;
            };
            let field = self.place_field(class, field);
            self.places[at].holder[0] = Hop::Field(field);
        }
    }

    /// The state in which nothing is stored yet: each place is absent from the object that holds it.
    /// Roots after the first are given by `others`.
    pub fn enter_places(&mut self, state: &mut State, others: &[Value]) {
        for (number, root) in (1u8..).zip(others) {
            state.set_ghost(state.watched, Ghost::Root(number), *root);
        }
        for (at, holder) in self.holders(state).into_iter().enumerate() {
            let slot = self.slot_of(at, false);
            state.heap.insert((holder, slot), Cell::Absent);
        }
    }

    /// The watched places, as [`resolve_places`](Self::resolve_places) left them.
    #[must_use]
    pub fn places(&self) -> &[WatchedPlace] {
        &self.places
    }

    /// The object that holds the place of this number now.
    pub(crate) fn holder(&mut self, state: &State, at: usize) -> Value {
        let root = self.root(state, self.places[at].root);
        match self.places[at].holder.as_slice() {
            // Most contracts are of this form, and this is asked in every state.
            [Hop::Field(name)] => {
                let name = name.clone();
                self.hop(state, root, &Hop::Field(name))
            }
            hops => {
                let hops = hops.to_vec();
                self.at_end(state, root, &hops)
            }
        }
    }

    fn root(&mut self, state: &State, number: u8) -> Value {
        let root = match number {
            0 => Some(state.watched),
            number => state.ghost(state.watched, Ghost::Root(number)),
        };
        // A root that a callee cannot see stands for nothing that it could change.
        root.unwrap_or_else(|| self.terms.make(Term::Unbound))
    }

    /// The object at the end of a way.
    fn at_end(&mut self, state: &State, root: Value, hops: &[Hop]) -> Value {
        let mut at = root;
        for hop in hops {
            at = self.hop(state, at, hop);
        }
        at
    }

    fn hop(&mut self, state: &State, from: Value, hop: &Hop) -> Value {
        match hop {
            Hop::Field(name) => match state.heap.get(&(from, Slot::Field(name.clone()))) {
                Some(Cell::Has(v)) => *v,
                _ if self.terms.depth(from) >= MAX_TERM_DEPTH => from,
                _ => self.terms.make(Term::Field(from, name.clone())),
            },
            Hop::Key(key) => {
                let key = self.terms.str(key);
                match state.heap.get(&(from, Slot::Item(key))) {
                    Some(Cell::Has(v)) => *v,
                    _ if self.terms.depth(from) >= MAX_TERM_DEPTH => from,
                    _ => self.terms.make(Term::Item(state.snapshot(from), key)),
                }
            }
        }
    }

    /// The objects that hold the watched places now.
    pub(in crate::engine) fn holders(&mut self, state: &State) -> Holders {
        (0..self.places.len())
            .map(|at| self.holder(state, at))
            .collect()
    }

    /// The dicts and records that hold a watched place under a key.
    pub fn holders_of_keys(&mut self, state: &State) -> Vec<Value> {
        let keyed = (0..self.places.len())
            .filter(|at| matches!(self.places[*at].slot, Hop::Key(_)))
            .collect::<Vec<_>>();
        keyed.into_iter().map(|at| self.holder(state, at)).collect()
    }

    /// The objects that watched places start with, beside the watched object.
    pub(in crate::engine) fn other_roots(&self, state: &State) -> Holders {
        let roots = self.places.iter().map(|place| place.root);
        let count = roots.max().unwrap_or(0);
        (1..=count)
            .filter_map(|number| state.ghost(state.watched, Ghost::Root(number)))
            .collect()
    }

    /// Whether an object holds one of the watched places now.
    pub(in crate::engine) fn is_holder(&mut self, state: &State, object: Value) -> bool {
        (0..self.places.len()).any(|at| self.holder(state, at) == object)
    }

    /// Where it is written in the heap whether a place is stored. `as_field`: the key of a record is
    /// one of its fields.
    fn slot_of(&mut self, at: usize, as_field: bool) -> Slot {
        match self.places[at].slot.clone() {
            Hop::Key(key) if as_field => Slot::Field(key),
            Hop::Key(key) => Slot::Item(self.terms.str(&key)),
            Hop::Field(_) => Slot::Ghost(Ghost::Stored(number(at))),
        }
    }

    /// Whether one of the watched places is stored in the state.
    pub fn presence(&mut self, state: &State) -> Presence {
        let mut out = None;
        for at in 0..self.places.len() {
            match self.presence_of(state, at) {
                Presence::Present => return Presence::Present,
                other if out.is_none_or(|out| out == other) => out = Some(other),
                _ => out = Some(Presence::Unknown),
            }
        }
        out.unwrap_or(Presence::Unknown)
    }

    /// Whether the place of this number is stored.
    fn presence_of(&mut self, state: &State, at: usize) -> Presence {
        let object = self.holder(state, at);
        if self.watched_record {
            let field = self.slot_of(at, true);
            if let (Slot::Field(_), Some(Cell::Has(_))) =
                (&field, state.heap.get(&(object, field.clone())))
            {
                return Presence::Present;
            }
        }
        let slot = self.slot_of(at, false);
        let of_field = matches!(slot, Slot::Ghost(_));
        match state.heap.get(&(object, slot)) {
            Some(Cell::Has(_)) => Presence::Present,
            Some(Cell::Absent) => Presence::Absent,
            None if of_field => self.was_made_with(state, object, at),
            None if state.fact(object).is_some_and(|f| f.closed) => Presence::Absent,
            None => Presence::Unknown,
        }
    }

    /// Whether an object that was made on the way has the attribute of a place.
    fn was_made_with(&self, state: &State, object: Value, at: usize) -> Presence {
        let Hop::Field(name) = &self.places[at].slot else {
            return Presence::Unknown;
        };
        match state.heap.get(&(object, Slot::Field(name.clone()))) {
            Some(Cell::Has(_)) => Presence::Present,
            Some(Cell::Absent) => Presence::Absent,
            None => Presence::Unknown,
        }
    }

    /// The state that covers both; see [`State::join`]. A place that is absent in both stays absent
    /// even if the keys of its dict are no longer all known.
    pub(crate) fn join(&mut self, a: &State, b: &State, site: Site, widen: bool) -> State {
        let mut joined = a.join(b, &mut self.terms, site, widen);
        for at in 0..self.places.len() {
            if self.presence_of(&joined, at) == Presence::Unknown
                && [a, b].map(|state| self.presence_of(state, at)) == [Presence::Absent; 2]
            {
                let object = self.holder(&joined, at);
                let slot = self.slot_of(at, false);
                joined.heap.insert((object, slot), Cell::Absent);
            }
        }
        joined
    }

    /// The value in the watched place, if it is known. Of several places, the first that is stored
    /// counts.
    pub fn stored(&mut self, state: &State) -> Option<Value> {
        (0..self.places.len()).find_map(|at| self.stored_in(state, at))
    }

    fn stored_in(&mut self, state: &State, at: usize) -> Option<Value> {
        let object = self.holder(state, at);
        let slot = match self.places[at].slot.clone() {
            Hop::Field(_) if self.presence_of(state, at) != Presence::Present => return None,
            Hop::Field(name) => Slot::Field(name),
            Hop::Key(_) => {
                let field = self.slot_of(at, true);
                let of_record =
                    self.watched_record && state.heap.contains_key(&(object, field.clone()));
                if of_record {
                    field
                } else {
                    self.slot_of(at, false)
                }
            }
        };
        match state.heap.get(&(object, slot)) {
            Some(Cell::Has(v)) => Some(*v),
            _ => None,
        }
    }

    /// Whether an object holds a watched place under this key.
    pub(in crate::engine) fn is_place_key(
        &mut self,
        state: &State,
        object: Value,
        key: Value,
    ) -> bool {
        (0..self.places.len()).any(|at| {
            self.slot_of(at, false) == Slot::Item(key) && self.holder(state, at) == object
        })
    }

    /// Whether a watched place has this key, whatever holds it.
    pub(in crate::engine) fn is_a_place_key(&mut self, key: Value) -> bool {
        (0..self.places.len()).any(|at| self.slot_of(at, false) == Slot::Item(key))
    }

    /// All items of an object are gone, and with them the places that it holds.
    pub(in crate::engine) fn lose_items(&mut self, state: &mut State, object: Value) {
        for at in 0..self.places.len() {
            let slot = self.slot_of(at, false);
            if matches!(slot, Slot::Item(_)) && self.holder(state, at) == object {
                state.heap.insert((object, slot), Cell::Absent);
                state.flags.settle();
            }
        }
    }

    /// Notes that an attribute of an object was stored or deleted.
    pub(in crate::engine) fn note_attribute(
        &mut self,
        state: &mut State,
        object: Value,
        field: &Name,
        stored: bool,
    ) {
        for at in 0..self.places.len() {
            if matches!(&self.places[at].slot, Hop::Field(name) if name == field) {
                let cell = if stored {
                    Cell::Has(self.terms.bool(true))
                } else {
                    Cell::Absent
                };
                let slot = Slot::Ghost(Ghost::Stored(number(at)));
                state.heap.insert((object, slot), cell);
            }
        }
    }

    /// Whether a call, which may have raised, is one that the rule waits for: a method of the same
    /// object, or one that the code names the same way.
    pub fn makes_watched_call(&mut self, state: &State, call: &CompletedCall<'_>) -> bool {
        let wanted = self.watches.calls;
        wanted.iter().any(|wanted| {
            if wanted.name != call.name {
                return false;
            }
            let Some(receiver) = call.receiver else {
                // A function: its module is not known here.
                return wanted.on.is_none();
            };
            let same = wanted.on.as_ref().is_some_and(|(root, hops)| {
                let root = self.root(state, *root);
                self.at_end(state, root, hops) == receiver
            });
            same || wanted.receiver.is_some()
                && (self.name_of(receiver) == wanted.receiver
                    || self.named_in_code(call) == wanted.receiver)
        })
    }

    /// How the code names the receiver of a call: what a property gives has no name of its own.
    fn named_in_code(&self, call: &CompletedCall<'_>) -> Option<Name> {
        let module = self.program.module(call.site.func.module);
        let body = &module.ir.function(call.site.func.func).body;
        let block = body.blocks.get(call.site.block as usize)?;
        let TerminatorKind::Eval {
            rvalue:
                Rvalue::Call {
                    callee:
                        Callee::Method {
                            receiver: Operand::Local(receiver),
                            ..
                        },
                    ..
                },
            ..
        } = &block.terminator.kind
        else {
            return None;
        };
        match body.only_value(*receiver)? {
            Rvalue::GetField(_, name) => Some(name.clone()),
            _ => None,
        }
    }

    /// Whether a returned value has what these steps lead to, and is not None.
    pub fn has_part(&mut self, state: &State, value: Value, hops: &[Hop]) -> Presence {
        let value = self.content_of_success(value);
        let Some((last, before)) = hops.split_last() else {
            return self.is_something(state, value);
        };
        let mut object = value;
        for hop in before {
            object = self.hop(state, object, hop);
        }
        let slot = match last {
            Hop::Field(name) => Slot::Field(name.clone()),
            Hop::Key(key) => Slot::Item(self.terms.str(key)),
        };
        match state.heap.get(&(object, slot)) {
            Some(Cell::Has(_)) => return Presence::Present,
            Some(Cell::Absent) => return Presence::Absent,
            None => {}
        }
        let fact = state.fact(object);
        let kind = state.kind(&self.terms, object);
        if fact.is_some_and(|fact| fact.closed) || self.terms.literal(object).is_some() {
            return Presence::Absent;
        }
        match (last, fact.and_then(|fact| fact.class)) {
            (Hop::Field(name), Some(class)) => match self.member(class, name, None) {
                // It was made on this path, and nothing that was followed stored the attribute.
                Lookup::Missing if matches!(self.terms.term(object), Term::Symbol(..)) => {
                    Presence::Absent
                }
                Lookup::Missing => Presence::Unknown,
                Lookup::Found(..) | Lookup::Unknown => Presence::Present,
            },
            (Hop::Field(_), None) if kind.is_container() => Presence::Absent,
            (Hop::Key(_), _)
                if matches!(
                    kind,
                    Kind::List | Kind::Tuple | Kind::Set | Kind::Bool | Kind::Int
                ) =>
            {
                Presence::Absent
            }
            (Hop::Key(_), _) if kind.is_dict() => Presence::Unknown,
            _ if self.is_joined(object) => Presence::Unknown,
            // In doubt, who made it knows what it must have.
            _ => Presence::Present,
        }
    }

    /// Whether a value is not None.
    fn is_something(&self, state: &State, value: Value) -> Presence {
        if self.is_nothing(value) {
            return Presence::Absent;
        }
        match self.terms.literal(value) {
            Some(Literal::None) => return Presence::Absent,
            Some(_) => return Presence::Present,
            None => {}
        }
        match state.fact(value).and_then(|fact| fact.none) {
            Some(true) => Presence::Absent,
            Some(false) => Presence::Present,
            None if self.is_joined(value) => Presence::Unknown,
            None => Presence::Present,
        }
    }

    /// Whether a value stands for several that were merged.
    fn is_joined(&self, value: Value) -> bool {
        matches!(self.terms.term(value), Term::Symbol(site, _) if site.is_join())
    }

    /// Whether a path to a watched place goes through an attribute of this name.
    pub(in crate::engine) fn leads_to_place(&self, field: &str) -> bool {
        self.places.iter().any(|place| {
            let mut hops = place.holder.iter().chain([&place.slot]);
            hops.any(|hop| matches!(hop, Hop::Field(name) if name == field))
        })
    }

    /// Whether an object, or one that it leads to, holds an attribute that is watched.
    pub(in crate::engine) fn leads_to_attribute(&mut self, state: &State, object: Value) -> bool {
        (0..self.places.len()).any(|at| {
            let place = self.places[at].clone();
            if !matches!(place.slot, Hop::Field(_)) || place.holder.is_empty() && place.root == 0 {
                return false;
            }
            let mut on_the_way = self.root(state, place.root);
            place.root != 0 && on_the_way == object
                || place.holder.iter().any(|hop| {
                    on_the_way = self.hop(state, on_the_way, hop);
                    on_the_way == object
                })
        })
    }

    /// Whether the receiver or an argument itself holds a place, so that code which is given it can
    /// store the place without naming an attribute.
    pub(in crate::engine) fn root_is_holder(&self) -> bool {
        self.places.iter().any(|place| place.holder.is_empty())
    }

    /// The attribute that holds the dict of a watched place. If the class has a property of that
    /// name that only returns another attribute, it is that attribute.
    pub(crate) fn place_field(&self, class: ClassRef, field: &str) -> Name {
        if let Lookup::Found(_, defs) = self.member(class, field, None)
            && let [MemberDef::Func(f)] = defs.as_slice()
            && self.is_property(*f)
        {
            let m = self.program.module(f.module);
            let body = &m.ir.function(f.func).body;
            let mut loads: FxHashMap<LocalId, Name> = FxHashMap::default();
            body.for_each_rvalue(|_, dest, rvalue| {
                if let (Some(d), Rvalue::GetField(Operand::Local(LocalId(0)), n)) = (dest, rvalue) {
                    loads.insert(d, n.clone());
                }
            });
            let mut returned = body.blocks.iter().filter_map(|b| match &b.terminator.kind {
                TerminatorKind::Return {
                    value: Operand::Local(l),
                    ..
                } => Some(loads.get(l).cloned()),
                TerminatorKind::Return { .. } => Some(None),
                _ => None,
            });
            if let (Some(Some(name)), None) = (returned.next(), returned.next()) {
                return name;
            }
        }
        field.into()
    }
}

fn number(at: usize) -> u8 {
    u8::try_from(at).expect("a contract has fewer than 256 places")
}
