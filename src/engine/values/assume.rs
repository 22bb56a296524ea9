//! Assuming conditions: what holds of the values when a condition is true, or false.

use std::collections::BTreeSet;

use crate::engine::Engine;
use crate::engine::objects::copies::is_as_empty;
use crate::engine::values::fact::{Interval, Kind, Lits};
use crate::engine::values::state::{Cell, Slot, State, view};
use crate::engine::values::value::{Term, Value, literal_eq, literal_truth, number};
use crate::ir::{CmpOp, Literal, StaticExprKind};
use crate::program::Def;

impl Engine<'_> {
    /// Restricts the state to the executions in which the truth of `v` is `want`. Returns false if
    /// there are none.
    pub(crate) fn assume(&mut self, state: &mut State, v: Value, want: bool) -> bool {
        match self.terms.term(v).clone() {
            Term::Lit(l) => literal_truth(&l) == want,
            Term::Not(x) => self.assume(state, x, !want),
            Term::Truth(x) => self.assume(state, x, want),
            Term::Cmp(op, a, b) => {
                let possible = self.assume_cmp(state, v, op, a, b, want);
                if possible {
                    self.tell_rounds(state, (op, a, b), want);
                }
                possible
            }
            Term::Instance(x, class) => self.assume_instance(state, v, x, class, want),
            Term::Len(x) => state.refine(x, |f| restrict_len(f, want)),
            Term::Tuple(items) => items.is_empty() != want,
            Term::Range(start, stop, step) => {
                let down = matches!(self.terms.literal(step), Some(Literal::Int(i)) if *i < 0);
                let (a, b) = if down { (stop, start) } else { (start, stop) };
                let test = self.less(state, a, b);
                self.assume(state, test, want)
            }
            Term::Enumerate(x, _) | Term::View(_, x) => self.assume(state, x, want),
            Term::Zip(items) => {
                if want || items.len() == 1 {
                    items.iter().all(|i| self.assume(state, *i, want))
                } else {
                    true
                }
            }
            Term::Pure(n, ops) if n == "at" => self.assume(state, ops[1], want),
            Term::Pure(n, ops) if is_as_empty(&n) && ops.len() == 1 => {
                let ok = self.assume(state, ops[0], want);
                ok && state.refine(v, |f| set_truth(f, want))
            }
            Term::Func(_)
            | Term::Closure(..)
            | Term::Class(_)
            | Term::Module(_)
            | Term::Bound(..)
            | Term::Pending(..) => want,
            Term::Global(module, name) if !want && self.is_filled_constant(module, &name) => false,
            // An exception with an empty message is possible, but unlikely.
            Term::Pure(n, ops)
                if n == "str" && !want && state.kind(&self.terms, ops[0]) == Kind::Exception =>
            {
                state.flags.doubt_place();
                state.refine(v, |f| set_truth(f, want))
            }
            _ => {
                let kind = state.kind(&self.terms, v);
                state.refine(v, |f| {
                    if f.kind == Kind::Unknown {
                        f.kind = kind;
                    }
                    set_truth(f, want)
                }) && self.domain_left(state, v)
            }
        }
    }

    /// Learns that `v` is not None from an operation that raises on None, since the path goes on
    /// after it. Returns false if `v` is None, so that no path goes on.
    pub(crate) fn take_for_something(&self, state: &mut State, v: Value) -> bool {
        if let Some(literal) = self.terms.literal(v) {
            return *literal != Literal::None;
        }
        if state.fact(v).is_some_and(|f| f.none == Some(true)) {
            return false;
        }
        // If another fact contradicts this, the path is kept anyway.
        state.refine(v, |f| {
            f.none = Some(false);
            true
        });
        true
    }

    /// The truth of `v` in the state, if only one is possible.
    pub(crate) fn truth(&mut self, state: &State, v: Value) -> Option<bool> {
        let yes = self.assume(&mut state.clone(), v, true);
        let no = self.assume(&mut state.clone(), v, false);
        match (yes, no) {
            (true, false) => Some(true),
            (false, true) => Some(false),
            _ => None,
        }
    }

    fn assume_cmp(
        &mut self,
        state: &mut State,
        term: Value,
        op: CmpOp,
        a: Value,
        b: Value,
        want: bool,
    ) -> bool {
        match op {
            CmpOp::Eq | CmpOp::Is => {
                if a == b {
                    return want;
                }
                let (la, lb) = (self.comparable(a), self.comparable(b));
                match (la, lb) {
                    (Some(x), Some(y)) => {
                        let equal = if op == CmpOp::Is {
                            x == y
                        } else {
                            literal_eq(&x, &y)
                        };
                        equal == want
                    }
                    (None, Some(l)) => self.assume_literal(state, a, &l, want),
                    (Some(l), None) => self.assume_literal(state, b, &l, want),
                    (None, None)
                        if op == CmpOp::Is
                            && (self.is_private_object(a, b) || self.is_private_object(b, a)) =>
                    {
                        !want
                    }
                    (None, None) => {
                        let (fa, fb) = (view(state, &self.terms, a), view(state, &self.terms, b));
                        let disjoint = fa.num.meet(fb.num).is_none()
                            || matches!((&fa.lits, &fb.lits), (Lits::In(x), Lits::In(y))
                                if !x.iter().any(|l| y.iter().any(|m| literal_eq(l, m))));
                        if disjoint {
                            return !want;
                        }
                        if want {
                            if let Lits::In(x) = &fb.lits
                                && x.len() == 1
                                && !self.assume_literal(state, a, x.first().expect("has one"), true)
                            {
                                return false;
                            }
                            if let Lits::In(x) = &fa.lits
                                && x.len() == 1
                                && !self.assume_literal(state, b, x.first().expect("has one"), true)
                            {
                                return false;
                            }
                        }
                        state.refine(term, |f| set_truth(f, want))
                    }
                }
            }
            CmpOp::Lt => self.assume_less(state, term, a, b, want),
            CmpOp::In => self.assume_in(state, term, a, b, want),
            _ => state.refine(term, |f| set_truth(f, want)),
        }
    }

    /// Whether `a` is a sentinel of the program (`NAME = object()`) and `b` is a new value from
    /// outside, which cannot be that object.
    fn is_private_object(&self, a: Value, b: Value) -> bool {
        let Term::Global(m, name) = self.terms.term(a) else {
            return false;
        };
        let outside = matches!(self.terms.term(b), Term::Symbol(site, _) if !site.is_join());
        outside
            && matches!(self.program.resolve_global(*m, name), Def::Value(_, _, e)
                if matches!(&e.kind, StaticExprKind::Call(f, ..)
                    if matches!(&f.kind, StaticExprKind::Path(p) if p.len() == 1 && p[0] == "object")))
    }

    fn assume_literal(&mut self, state: &mut State, v: Value, l: &Literal, want: bool) -> bool {
        if let Literal::Bool(b) = l
            && self.terms.is_boolean(v)
        {
            return self.assume(state, v, *b == want);
        }
        if *l == Literal::None {
            let kind = state.kind(&self.terms, v);
            if kind != Kind::Unknown || self.always_object(v) {
                return !want;
            }
            if let Term::Pure(n, _) = self.terms.term(v)
                && is_as_empty(n)
            {
                return !want;
            }
            return state.refine(v, |f| {
                if f.none == Some(!want) {
                    return false;
                }
                f.none = Some(want);
                true
            });
        }
        match self.terms.term(v).clone() {
            Term::Len(x) => match l {
                Literal::Int(i) => state.refine(x, |f| {
                    if want {
                        match f.len.meet(Interval::point(*i)) {
                            Some(m) => f.len = m,
                            None => return false,
                        }
                    } else {
                        if f.len.lo == *i {
                            f.len.lo += 1;
                        }
                        if f.len.hi == *i {
                            f.len.hi -= 1;
                        }
                        if f.len.lo > f.len.hi {
                            return false;
                        }
                    }
                    true
                }),
                _ => !want || number(l).is_some(),
            },
            Term::Func(_) | Term::Class(_) | Term::Tuple(_) | Term::Bound(..) => !want,
            _ => {
                let kind = state.kind(&self.terms, v);
                let impossible = match l {
                    Literal::Str(_) => {
                        matches!(kind, Kind::Int | Kind::Bool | Kind::List | Kind::Dict)
                    }
                    Literal::Int(_) => matches!(kind, Kind::Str | Kind::List | Kind::Dict),
                    _ => false,
                };
                if impossible {
                    return !want;
                }
                state.refine(v, |f| {
                    if f.kind == Kind::Unknown {
                        f.kind = kind;
                    }
                    f.assume_eq(l, want)
                }) && self.domain_left(state, v)
            }
        }
    }

    /// `a < b` as a value.
    pub(crate) fn less(&mut self, state: &State, a: Value, b: Value) -> Value {
        let (na, nb) = (
            self.constant_number(state, a),
            self.constant_number(state, b),
        );
        if let (Some(x), Some(y)) = (na, nb) {
            return self.terms.bool(x < y);
        }
        self.terms.make(Term::Cmp(CmpOp::Lt, a, b))
    }

    fn constant_number(&self, state: &State, v: Value) -> Option<f64> {
        if let Some(l) = self.terms.literal(v) {
            return number(l);
        }
        let f = view(state, &self.terms, v);
        #[allow(clippy::cast_precision_loss)]
        (f.num.lo == f.num.hi).then_some(f.num.lo as f64)
    }

    fn assume_less(
        &mut self,
        state: &mut State,
        term: Value,
        a: Value,
        b: Value,
        want: bool,
    ) -> bool {
        if a == b {
            return !want;
        }
        if state.fact(term).is_some_and(|f| f.truth == Some(!want)) {
            return false;
        }
        let (na, nb) = (
            self.constant_number(state, a),
            self.constant_number(state, b),
        );
        match (na, nb) {
            (Some(x), Some(y)) => (x < y) == want,
            (None, Some(c)) => {
                // `a < c`, or `a >= c`
                let range = if want {
                    Interval::at_most(int_below(c))
                } else {
                    Interval::at_least(int_at_least(c))
                };
                self.restrict_number(state, a, range)
            }
            (Some(c), None) => {
                // `c < b`, or `b <= c`
                let range = if want {
                    Interval::at_least(int_above(c))
                } else {
                    Interval::at_most(int_at_most(c))
                };
                self.restrict_number(state, b, range)
            }
            (None, None) => {
                let (fa, fb) = (view(state, &self.terms, a), view(state, &self.terms, b));
                if fa.num.hi < fb.num.lo && fa.num.hi != i64::MAX {
                    return want;
                }
                if fa.num.lo >= fb.num.hi && fb.num.hi != i64::MAX {
                    return !want;
                }
                if !state.refine(term, |f| set_truth(f, want)) {
                    return false;
                }
                if want {
                    // `a < b` also implies `not b < a` and `a != b`, and limits both operands.
                    let back = self.terms.make(Term::Cmp(CmpOp::Lt, b, a));
                    if !state.refine(back, |f| set_truth(f, false)) {
                        return false;
                    }
                    if fa.num.lo != i64::MIN
                        && !self.restrict_number(
                            state,
                            b,
                            Interval::at_least(fa.num.lo.saturating_add(1)),
                        )
                    {
                        return false;
                    }
                    if fb.num.hi != i64::MAX
                        && !self.restrict_number(
                            state,
                            a,
                            Interval::at_most(fb.num.hi.saturating_sub(1)),
                        )
                    {
                        return false;
                    }
                }
                true
            }
        }
    }

    fn restrict_number(&mut self, state: &mut State, v: Value, range: Interval) -> bool {
        match self.terms.term(v) {
            Term::Len(x) => {
                let x = *x;
                state.refine(x, |f| match f.len.meet(range) {
                    Some(m) => {
                        f.len = m;
                        true
                    }
                    None => false,
                })
            }
            _ => state.refine(v, |f| {
                if let Lits::In(set) = &mut f.lits {
                    set.retain(|l| match l {
                        Literal::Int(i) => range.contains(*i),
                        _ => true,
                    });
                    if set.is_empty() {
                        return false;
                    }
                }
                match f.num.meet(range) {
                    Some(m) => {
                        f.num = m;
                        true
                    }
                    None => false,
                }
            }),
        }
    }

    fn assume_in(
        &mut self,
        state: &mut State,
        term: Value,
        a: Value,
        b: Value,
        want: bool,
    ) -> bool {
        if let Some(items) = self.known_items(state, b) {
            let lits: Option<Vec<Literal>> = items.iter().map(|i| self.comparable(*i)).collect();
            if let Some(lits) = lits {
                if let Some(x) = self.comparable(a) {
                    return lits.iter().any(|l| literal_eq(l, &x)) == want;
                }
                if want {
                    let set: BTreeSet<Literal> = lits.into_iter().collect();
                    return !set.is_empty()
                        && state.refine(a, |f| {
                            f.lits = Lits::In(match &f.lits {
                                Lits::In(old) => set
                                    .iter()
                                    .filter(|l| old.iter().any(|o| literal_eq(o, l)))
                                    .cloned()
                                    .collect(),
                                Lits::NotIn(out) => set
                                    .iter()
                                    .filter(|l| !out.iter().any(|o| literal_eq(o, l)))
                                    .cloned()
                                    .collect(),
                            });
                            !matches!(&f.lits, Lits::In(s) if s.is_empty())
                        });
                }
                return lits.iter().all(|l| self.assume_literal(state, a, l, false));
            }
            if !want {
                for item in items {
                    if item == a {
                        return false;
                    }
                }
            }
        }
        // `key in object`: the fact is attached to the snapshot that the test referred to.
        if let Term::Pure(n, ops) = self.terms.term(b).clone()
            && n == "at"
        {
            let (object, then) = (ops[0], ops[1]);
            if state.snapshot(object) == then {
                let slot = Slot::Item(a);
                match state.heap.get(&(object, slot.clone())) {
                    Some(Cell::Has(_)) => return want,
                    Some(Cell::Absent) => return !want,
                    None => {
                        if state.fact(object).is_some_and(|f| f.closed)
                            && self.terms.literal(a).is_some()
                        {
                            return !want;
                        }
                        let cell = if want {
                            Cell::Has(self.terms.make(Term::Item(then, a)))
                        } else {
                            Cell::Absent
                        };
                        state.heap.insert((object, slot), cell);
                        if want && !state.refine(then, |f| set_truth(f, true)) {
                            return false;
                        }
                    }
                }
            }
        }
        state.refine(term, |f| set_truth(f, want))
    }

    /// The elements of a value that is a display of known length.
    pub(crate) fn known_items(&self, state: &State, v: Value) -> Option<Vec<Value>> {
        match self.terms.term(v) {
            Term::Tuple(items) => Some(items.to_vec()),
            Term::Pure(n, ops) if n == "at" => self.known_items(state, ops[0]),
            Term::Symbol(..) => {
                let f = state.fact(v)?;
                if !matches!(f.kind, Kind::List | Kind::Set | Kind::Sized) || !f.closed {
                    return None;
                }
                let n = f.len.lo;
                if f.len.hi != n || !(0..=64).contains(&n) {
                    return None;
                }
                (0..n)
                    .map(|i| {
                        let key = self.terms.existing(&Term::Lit(Literal::Int(i)))?;
                        match state.heap.get(&(v, Slot::Item(key))) {
                            Some(Cell::Has(x)) => Some(*x),
                            _ => None,
                        }
                    })
                    .collect()
            }
            _ => None,
        }
    }
}

pub(in crate::engine) fn set_truth(f: &mut crate::engine::values::fact::Fact, want: bool) -> bool {
    if f.truth == Some(!want) {
        return false;
    }
    f.truth = Some(want);
    true
}

fn restrict_len(f: &mut crate::engine::values::fact::Fact, nonempty: bool) -> bool {
    let range = if nonempty {
        Interval::at_least(1)
    } else {
        Interval::point(0)
    };
    match f.len.meet(range) {
        Some(m) => {
            f.len = m;
            true
        }
        None => false,
    }
}

// Unknown numbers are assumed to be integers, so `n > 0` and `n < 1` contradict each other.
#[allow(clippy::cast_possible_truncation)]
fn int_below(c: f64) -> i64 {
    (c.ceil() as i64).saturating_sub(1)
}
#[allow(clippy::cast_possible_truncation)]
fn int_at_most(c: f64) -> i64 {
    c.floor() as i64
}
#[allow(clippy::cast_possible_truncation)]
fn int_above(c: f64) -> i64 {
    (c.floor() as i64).saturating_add(1)
}
#[allow(clippy::cast_possible_truncation)]
fn int_at_least(c: f64) -> i64 {
    c.ceil() as i64
}
