//! Translates an exit of a summary for all callers into the terms of one caller.
//!
//! What the summary says about its inputs is a condition: if it contradicts what the caller knows,
//! the exit is not taken. What the summary stored is stored in the caller's heap. Terms are read in
//! the state before the call: `self.mode` in the summary is what the caller's heap holds there.

use std::rc::Rc;
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::engine::Engine;
use crate::engine::objects::class_texts::FORMAT;
use crate::engine::objects::copies::is_as_empty;
use crate::engine::summaries::export::map_fact;
use crate::engine::summaries::library::GenericExit;
use crate::engine::values::fact::{Fact, Interval, Kind, Lits};
use crate::engine::values::ghost::Ghost;
use crate::engine::values::state::{Cell, Slot, State, named_in, view};
use crate::engine::values::value::{MAX_TERM_DEPTH, Site, Term, Value, literal_eq};
use crate::ir::{CmpOp, Literal, Name};

/// Translates the values of a summary into the caller's terms.
struct Carrier<'a> {
    /// The state before the call.
    before: &'a State,
    /// The state after the call, as far as it has been built.
    out: State,
    site: Site,
    originals: &'a [Value],
    /// The values translated so far.
    known: FxHashMap<Value, Value>,
}

impl Engine<'_> {
    /// The caller's state and the call's value after this exit; `None` if the caller's state rules
    /// the exit out.
    pub(in crate::engine) fn carry_exit(
        &mut self,
        before: &State,
        exit: &GenericExit,
        originals: &[Value],
        site: Site,
    ) -> Option<(State, Value)> {
        let mut carrier = Carrier {
            before,
            out: before.clone(),
            site,
            originals,
            known: FxHashMap::default(),
        };
        let said = std::iter::once(exit.value);
        let heap = exit.heap.iter().map(|(at, cell)| (at, cell));
        let said = said.chain(heap.flat_map(named_in));
        let said = said.chain(exit.facts.iter().map(|(v, _)| *v));
        let made = self.name_made(&mut carrier.out, said, originals, site);
        carrier.known.extend(made);
        for (v, fact) in &exit.facts {
            let fact = map_fact(fact, &mut |c| self.carry(&mut carrier, c));
            if self.is_made(*v) {
                let v = self.carry(&mut carrier, *v);
                if self.terms.literal(v).is_none() {
                    carrier.out.facts.insert(v, Rc::new(fact));
                }
            } else if !self.require(&mut carrier, *v, &fact) {
                return None;
            }
        }
        self.carry_heap(exit, &mut carrier)?;
        carrier.out.flags = carrier.out.flags | exit.doubts;
        let value = self.carry(&mut carrier, exit.value);
        Some((carrier.out, value))
    }

    /// Whether a value of a summary depends on something that the callee made.
    fn is_made(&self, v: Value) -> bool {
        let mut leaves = self.terms.leaves(v).iter();
        leaves.any(|leaf| matches!(self.terms.term(*leaf), Term::Symbol(..)))
    }

    /// A value of a summary in the caller's terms.
    fn carry(&mut self, carrier: &mut Carrier<'_>, v: Value) -> Value {
        if let Some(known) = carrier.known.get(&v) {
            return *known;
        }
        if self.terms.leaves(v).is_empty() {
            return v;
        }
        let out = match self.terms.term(v).clone() {
            Term::Input(i) => carrier.originals.get(i as usize).copied().unwrap_or(v),
            Term::Field(o, n) => {
                let o = self.carry(carrier, o);
                let v = self.get_field(carrier.before, o, &n);
                if self.is_class_text(v) && carrier.out.fact(v).is_none() {
                    let text = Self::sized(Kind::Str, Interval::at_least(1));
                    carrier.out.facts.insert(v, Rc::new(text));
                }
                v
            }
            Term::Item(of, key) => {
                let object = self.carry(carrier, of);
                let key = self.carry(carrier, key);
                match carrier.before.heap.get(&(object, Slot::Item(key))) {
                    Some(Cell::Has(x)) => *x,
                    _ => {
                        let of = self.content(carrier, of);
                        self.terms.make(Term::Item(of, key))
                    }
                }
            }
            Term::Len(of) => {
                let of = self.content(carrier, of);
                self.length(carrier.before, of)
            }
            Term::Truth(of) | Term::Not(of) => {
                let not = matches!(self.terms.term(v), Term::Not(_));
                let of = self.content(carrier, of);
                match self.truth(carrier.before, of) {
                    Some(t) => self.terms.bool(t != not),
                    None if not => self.terms.not(of),
                    None if self.terms.is_boolean(of) => of,
                    None => self.terms.make(Term::Truth(of)),
                }
            }
            Term::Cmp(op @ (CmpOp::Eq | CmpOp::Lt | CmpOp::Is), a, b) => {
                let (a, b) = (self.carry(carrier, a), self.carry(carrier, b));
                self.compare(carrier.before, op, a, b)
            }
            Term::View(n, of) => {
                let of = self.content(carrier, of);
                self.terms.make(Term::View(n, of))
            }
            Term::Pure(n, ops) => self.carry_pure(carrier, n, &ops),
            term => {
                let term = term.map_operands(|o| self.carry(carrier, o));
                self.terms.make(term)
            }
        };
        let out = if self.terms.depth(out) > MAX_TERM_DEPTH {
            let part = carrier.site.part * 100 + 60_000 + v.0 % 1000;
            let site = Site {
                part,
                ..carrier.site
            };
            carrier.out.fresh(&mut self.terms, site)
        } else {
            out
        };
        carrier.known.insert(v, out);
        out
    }

    /// The result of a pure function of a summary, applied to the caller's values.
    fn carry_pure(&mut self, carrier: &mut Carrier<'_>, name: Name, ops: &[Value]) -> Value {
        if name == "at" {
            let object = self.carry(carrier, ops[0]);
            let then = self.content(carrier, ops[1]);
            return self.terms.make(Term::Pure(name, Arc::from([object, then])));
        }
        if name == "getattr default" {
            let of = self.carry(carrier, ops[0]);
            return match self.terms.term(of) {
                Term::Field(..) => self.terms.make(Term::Pure(name, Arc::from([of]))),
                _ => of,
            };
        }
        if is_of_contents(&name) {
            let ops = ops.iter().map(|o| self.content(carrier, *o)).collect();
            return self.terms.make(Term::Pure(name, ops));
        }
        let carried: Vec<Value> = ops.iter().map(|o| self.carry(carrier, *o)).collect();
        if name == FORMAT {
            if let Some(v) = self.format_of_class_texts(&mut carrier.out, &carried) {
                return v;
            }
            if let Some(literal) = self.formatted(&carried) {
                return self.terms.lit(literal);
            }
        }
        self.terms.make(Term::Pure(name, carried.into()))
    }

    /// The snapshot of an object of a summary before the call.
    fn content(&mut self, carrier: &mut Carrier<'_>, v: Value) -> Value {
        let object = self.carry(carrier, v);
        carrier.before.snapshot(object)
    }

    /// Restricts the state to the executions in which a fact holds of a value of the summary.
    /// Returns false if there are none.
    fn require(&mut self, carrier: &mut Carrier<'_>, v: Value, fact: &Fact) -> bool {
        let object = self.carry(carrier, v);
        let out = &mut carrier.out;
        let content = carrier.before.snapshot(object);
        if let Some(none) = fact.none {
            let nothing = self.terms.none();
            let is_none = self.compare(out, CmpOp::Is, object, nothing);
            if !self.assume(out, is_none, none) {
                return false;
            }
        }
        for (classes, wanted) in [(&fact.is, true), (&fact.is_not, false)] {
            for class in classes {
                let test = self.terms.make(Term::Instance(object, *class));
                if !self.assume(out, test, wanted) {
                    return false;
                }
            }
        }
        if let Some(truth) = fact.truth
            && !self.assume(out, content, truth)
        {
            return false;
        }
        self.require_numbers(out, content, fact)
    }

    /// Restricts by the literals, numbers, lengths and kinds of a fact.
    fn require_numbers(&mut self, out: &mut State, v: Value, fact: &Fact) -> bool {
        let known = view(out, &self.terms, v);
        let asked = !matches!(&fact.lits, Lits::NotIn(set) if set.is_empty());
        if self.is_class_text(v) && !asked {
            // The value is a non-empty text.
            return known.len.meet(fact.len).is_some();
        }
        let own = self.comparable(v);
        let lits = match (&fact.lits, own) {
            (Lits::In(set), Some(l)) => set.iter().any(|x| literal_eq(x, &l)),
            (Lits::NotIn(set), Some(l)) => !set.iter().any(|x| literal_eq(x, &l)),
            _ => true,
        };
        let kinds = fact.kind == Kind::Unknown
            || known.kind == Kind::Unknown
            || fact.kind == known.kind
            || fact.kind.is_container() && known.kind.is_container();
        if !lits
            || !kinds
            || known.num.meet(fact.num).is_none()
            || known.len.meet(fact.len).is_none()
        {
            return false;
        }
        if self.comparable(v).is_some() || is_computed(self.terms.term(v)) {
            return true;
        }
        out.refine(v, |f| {
            if f.kind == Kind::Unknown && known.kind == Kind::Unknown {
                f.kind = fact.kind;
            }
            let met = (f.num.meet(fact.num), f.len.meet(fact.len));
            let (Some(num), Some(len)) = met else {
                return false;
            };
            (f.num, f.len) = (num, len);
            meet_literals(f, &fact.lits)
        }) && self.domain_left(out, v)
    }

    /// Stores what the callee stored. `None` if the callee found an item present or absent that the
    /// caller knows to be otherwise.
    fn carry_heap(&mut self, exit: &GenericExit, carrier: &mut Carrier<'_>) -> Option<()> {
        let mutated: FxHashSet<Value> = exit
            .heap
            .iter()
            .filter(|((_, slot), _)| matches!(slot, Slot::Content))
            .map(|((o, _), _)| *o)
            .collect();
        for o in &mutated {
            if !self.is_made(*o) {
                // Other items may have been stored or removed.
                let object = self.carry(carrier, *o);
                carrier
                    .out
                    .heap
                    .retain(|(x, slot), _| *x != object || !matches!(slot, Slot::Item(_)));
                if let Some(f) = carrier.out.facts.get_mut(&object).map(Rc::make_mut) {
                    f.closed = false;
                }
            }
        }
        let follows = self.watches.values.is_some();
        for ((o, slot), cell) in &exit.heap {
            if *slot == Slot::Ghost(Ghost::Origin) && !follows {
                continue;
            }
            let read = !self.is_made(*o) && !mutated.contains(o);
            let object = self.carry(carrier, *o);
            let key = match slot {
                Slot::Item(k) => Slot::Item(self.carry(carrier, *k)),
                slot => slot.clone(),
            };
            let at = (object, key);
            if let (true, Slot::Item(k)) = (read, slot) {
                let there = carrier.out.known_in(object, &at.1);
                let asked = match cell {
                    Cell::Has(v) => *self.terms.term(*v) == Term::Item(*o, *k),
                    Cell::Absent => true,
                };
                if asked {
                    match (there, cell) {
                        (Some(Cell::Has(_)), Cell::Absent) | (Some(Cell::Absent), Cell::Has(_)) => {
                            return None;
                        }
                        (Some(_), _) => continue,
                        (None, _) => {}
                    }
                }
            }
            let cell = match cell {
                Cell::Has(v) => Cell::Has(self.carry(carrier, *v)),
                Cell::Absent => Cell::Absent,
            };
            let unchanged = matches!((&at.1, cell), (Slot::Field(n), Cell::Has(v))
                if *self.terms.term(v) == Term::Field(at.0, n.clone()));
            if !unchanged {
                carrier.out.heap.insert(at, cell);
            }
        }
        Some(())
    }
}

/// Whether a pure function depends on the contents of a container.
fn is_of_contents(name: &str) -> bool {
    is_as_empty(name) || name.starts_with("unpack") || name.starts_with("sequence")
}

/// Whether the operands of a term determine everything that can be known about it.
fn is_computed(term: &Term) -> bool {
    matches!(
        term,
        Term::Len(_)
            | Term::Not(_)
            | Term::Truth(_)
            | Term::Cmp(..)
            | Term::Instance(..)
            | Term::Tuple(_)
            | Term::Func(_)
            | Term::Class(_)
            | Term::Module(_)
            | Term::Bound(..)
            | Term::Closure(..)
    )
}

fn meet_literals(f: &mut Fact, wanted: &Lits) -> bool {
    match wanted {
        Lits::In(set) => {
            let left = |l: &&Literal| match &f.lits {
                Lits::In(old) => old.iter().any(|o| literal_eq(o, l)),
                Lits::NotIn(out) => !out.iter().any(|o| literal_eq(o, l)),
            };
            let met: std::collections::BTreeSet<Literal> =
                set.iter().filter(left).cloned().collect();
            if met.is_empty() {
                return false;
            }
            f.lits = Lits::In(met);
            true
        }
        Lits::NotIn(out) => out.iter().all(|l| f.assume_eq(l, false)),
    }
}
