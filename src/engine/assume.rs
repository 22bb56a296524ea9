//! Tests: what must hold of the values when a condition is true, or false.

use std::collections::BTreeSet;

use crate::engine::Engine;
use crate::engine::fact::{Interval, Kind, Lits};
use crate::engine::state::{Cell, Slot, State, view};
use crate::engine::value::{Term, Value, literal_eq, literal_truth, number};
use crate::ir::{Binding, CmpOp, Literal, StaticExprKind};

impl Engine<'_> {
    /// Restricts the state to the executions in which the truth of `v` is `want`. False when
    /// there are none.
    pub(crate) fn assume(&mut self, state: &mut State, v: Value, want: bool) -> bool {
        match self.terms.term(v).clone() {
            Term::Lit(l) => literal_truth(&l) == want,
            Term::Not(x) => self.assume(state, x, !want),
            Term::Truth(x) => self.assume(state, x, want),
            Term::Cmp(op, a, b) => self.assume_cmp(state, v, op, a, b, want),
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
            Term::Pure(n, ops) if is_same_length(&n) && ops.len() == 1 => {
                let ok = self.assume(state, ops[0], want);
                ok && state.refine(v, |f| set_truth(f, want))
            }
            Term::Func(_)
            | Term::Closure(..)
            | Term::Class(_)
            | Term::Module(_)
            | Term::Bound(..)
            | Term::Pending(..) => want,
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

    /// The truth of `v` in the state, when only one is possible.
    pub(crate) fn truth(&mut self, state: &State, v: Value) -> Option<bool> {
        let yes = self.assume(&mut state.clone(), v, true);
        let no = self.assume(&mut state.clone(), v, false);
        match (yes, no) {
            (true, false) => Some(true),
            (false, true) => Some(false),
            _ => None,
        }
    }

    /// The literal that stands for a value in comparisons: itself, or an enumeration member.
    pub(crate) fn comparable(&self, v: Value) -> Option<Literal> {
        match self.terms.term(v) {
            Term::Lit(l) => Some(l.clone()),
            Term::Member(c, name) => {
                let m = self.program.module(c.module);
                let class = m.ir.class(c.class);
                let mixed = self.program.mro(*c).entries.iter().any(|e| {
                    matches!(e, crate::program::MroEntry::External(p)
                        if matches!(p.as_str(), "str" | "int" | "enum.StrEnum" | "enum.IntEnum"))
                });
                if mixed
                    && let Some(site) =
                        m.ir.scope(class.scope)
                            .bindings
                            .get(name)
                            .and_then(|b| b.last())
                {
                    match &site.binding {
                        Binding::Value(e) => match &e.kind {
                            StaticExprKind::Literal(l) => return Some(l.clone()),
                            // `auto()` of a StrEnum is the lower-cased name.
                            StaticExprKind::Call(..) => {
                                return Some(Literal::Str(name.to_lowercase().into()));
                            }
                            _ => {}
                        },
                        _ => return None,
                    }
                }
                Some(Literal::Bytes(
                    format!("{}:{}.{name}", c.module.0, c.class.0).into_bytes(),
                ))
            }
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
                    (None, Some(l)) => self.assume_literal(state, a, &l, op, want),
                    (Some(l), None) => self.assume_literal(state, b, &l, op, want),
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
                                && !self.assume_literal(
                                    state,
                                    a,
                                    x.first().expect("has one"),
                                    op,
                                    true,
                                )
                            {
                                return false;
                            }
                            if let Lits::In(x) = &fa.lits
                                && x.len() == 1
                                && !self.assume_literal(
                                    state,
                                    b,
                                    x.first().expect("has one"),
                                    op,
                                    true,
                                )
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

    fn assume_literal(
        &mut self,
        state: &mut State,
        v: Value,
        l: &Literal,
        op: CmpOp,
        want: bool,
    ) -> bool {
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
                && is_same_length(n)
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
                let _ = op;
                state.refine(v, |f| {
                    if f.kind == Kind::Unknown {
                        f.kind = kind;
                    }
                    f.assume_eq(l, want)
                }) && self.domain_left(state, v)
            }
        }
    }

    /// Whether some member of the value's enumeration is still possible.
    fn domain_left(&mut self, state: &State, v: Value) -> bool {
        let Some(fact) = state.fact(v) else {
            return true;
        };
        let (Some(c), Lits::NotIn(out)) = (fact.domain, &fact.lits) else {
            return true;
        };
        if out.is_empty() {
            return true;
        }
        let out = out.clone();
        let m = self.program.module(c.module);
        let class = m.ir.class(c.class);
        let mut any = false;
        for (name, sites) in &m.ir.scope(class.scope).bindings {
            if name.starts_with('_')
                || !sites.iter().any(|s| matches!(s.binding, Binding::Value(_)))
            {
                continue;
            }
            any = true;
            let member = self.terms.make(Term::Member(c, name.clone()));
            match self.comparable(member) {
                Some(l) if out.contains(&l) => {}
                _ => return true,
            }
        }
        !any
    }

    /// Whether the value is certainly some object (neither None nor anything falsy by nature).
    fn always_object(&self, v: Value) -> bool {
        match self.terms.term(v) {
            Term::Func(_)
            | Term::Closure(..)
            | Term::Class(_)
            | Term::Module(_)
            | Term::Bound(..)
            | Term::Tuple(_)
            | Term::Range(..)
            | Term::Len(_)
            | Term::Pending(..)
            | Term::Member(..) => true,
            Term::External(p) => exceptions_or_type(p),
            _ => self.terms.is_boolean(v),
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
        let (na, nb) = (
            self.constant_number(state, a),
            self.constant_number(state, b),
        );
        match (na, nb) {
            (Some(x), Some(y)) => (x < y) == want,
            (None, Some(c)) => {
                // a < c, or a >= c
                let range = if want {
                    Interval::at_most(int_below(c))
                } else {
                    Interval::at_least(int_at_least(c))
                };
                self.restrict_number(state, a, range)
            }
            (Some(c), None) => {
                // c < b, or b <= c
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
                    // What must hold as well: not b < a, a != b, and what the bounds say.
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
                return lits
                    .iter()
                    .all(|l| self.assume_literal(state, a, l, CmpOp::Eq, false));
            }
            if !want {
                for item in items {
                    if item == a {
                        return false;
                    }
                }
            }
        }
        // `key in object`, remembered with the snapshot at which it was asked.
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

    /// The elements of a value that is a display of a known length.
    pub(crate) fn known_items(&self, state: &State, v: Value) -> Option<Vec<Value>> {
        match self.terms.term(v) {
            Term::Tuple(items) => Some(items.to_vec()),
            Term::Pure(n, ops) if n == "at" => self.known_items(state, ops[0]),
            Term::Symbol(..) => {
                let f = state.fact(v)?;
                if !matches!(f.kind, Kind::List | Kind::Set) || !f.closed {
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

    fn assume_instance(
        &mut self,
        state: &mut State,
        term: Value,
        x: Value,
        class: Value,
        want: bool,
    ) -> bool {
        let classes: Vec<Value> = match self.terms.term(class) {
            Term::Tuple(items) => items.to_vec(),
            _ => vec![class],
        };
        let mut open = Vec::new();
        for c in &classes {
            match self.is_instance(state, x, *c) {
                Some(true) => return want,
                Some(false) => {}
                None => open.push(*c),
            }
        }
        if open.is_empty() {
            return !want;
        }
        if want {
            if let [one] = open.as_slice() {
                let one = *one;
                let kind = match self.terms.term(one) {
                    Term::External(p) => kind_of_type(p),
                    _ => Kind::Unknown,
                };
                return state.refine(x, |f| {
                    if kind != Kind::Unknown {
                        if f.kind != Kind::Unknown && f.kind != kind {
                            return false;
                        }
                        f.kind = kind;
                    } else if !f.is.contains(&one) {
                        f.is.push(one);
                        f.is.sort_unstable();
                    }
                    if f.none == Some(true) {
                        return false;
                    }
                    f.none = Some(false);
                    true
                });
            }
            return state.refine(term, |f| set_truth(f, true));
        }
        state.refine(x, |f| {
            for c in &open {
                if !f.is_not.contains(c) {
                    f.is_not.push(*c);
                }
            }
            f.is_not.sort_unstable();
            true
        }) && state.refine(term, |f| set_truth(f, false))
    }

    /// Whether the value is an instance of the class, when that is known.
    pub(crate) fn is_instance(&mut self, state: &State, x: Value, class: Value) -> Option<bool> {
        if let Term::External(p) = self.terms.term(class) {
            if p == "object" {
                return Some(true);
            }
            let kind = state.kind(&self.terms, x);
            let asked = kind_of_type(p);
            if asked != Kind::Unknown && kind != Kind::Unknown {
                return Some(
                    kind == asked
                        || kind == Kind::DefaultDict && asked == Kind::Dict
                        || kind == Kind::Bool && asked == Kind::Int,
                );
            }
            if self.terms.literal(x) == Some(&Literal::None) {
                return Some(p == "NoneType" || p == "types.NoneType");
            }
        }
        let fact = state.fact(x)?.clone();
        if let Some(c) = fact.class {
            let own = self.terms.make(Term::Class(c));
            return self.subclass(own, class);
        }
        if fact.none == Some(true) {
            return Some(false);
        }
        for n in &fact.is_not {
            if self.subclass(class, *n) == Some(true) {
                return Some(false);
            }
        }
        // An exception class never comes out of code that cannot know it: an unknown call in the
        // file that defines the class.
        if let (Term::Symbol(site, _), Term::Class(c)) =
            (self.terms.term(x), self.terms.term(class))
            && !fact.exact
            && site.func.module == c.module
            && fact
                .is
                .iter()
                .all(|p| matches!(self.terms.term(*p), Term::External(_)))
        {
            return Some(false);
        }
        let mut decided = None;
        for p in &fact.is {
            match self.subclass(*p, class) {
                Some(true) => return Some(true),
                Some(false) if fact.exact => decided = Some(false),
                Some(false) => {
                    // Still possible when `class` lies below `p`; two builtin exceptions neither of
                    // which is above the other have no common instances worth thinking of.
                    let below = self.subclass(class, *p);
                    if below == Some(false)
                        && matches!((self.terms.term(*p), self.terms.term(class)),
                            (Term::External(a), Term::External(b))
                                if crate::engine::exceptions::is_builtin_exception(a)
                                    && crate::engine::exceptions::is_builtin_exception(b))
                    {
                        decided = Some(false);
                    }
                }
                None if fact.exact => {}
                None => {}
            }
        }
        decided
    }
}

/// Pure functions whose result has as many elements as their operand.
pub(crate) fn is_same_length(name: &str) -> bool {
    matches!(name, "copy" | "sorted" | "reversed")
}

fn exceptions_or_type(path: &str) -> bool {
    crate::engine::exceptions::is_builtin_exception(path) || kind_of_type(path) != Kind::Unknown
}

/// The kind of the instances of a builtin type.
pub(crate) fn kind_of_type(path: &str) -> Kind {
    match path {
        "bool" => Kind::Bool,
        "int" => Kind::Int,
        "str" => Kind::Str,
        "list" | "typing.List" | "List" => Kind::List,
        "tuple" => Kind::Tuple,
        "dict" | "typing.Dict" | "Dict" => Kind::Dict,
        "set" | "frozenset" => Kind::Set,
        _ => Kind::Unknown,
    }
}

fn set_truth(f: &mut crate::engine::fact::Fact, want: bool) -> bool {
    if f.truth == Some(!want) {
        return false;
    }
    f.truth = Some(want);
    true
}

fn restrict_len(f: &mut crate::engine::fact::Fact, nonempty: bool) -> bool {
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

// Unknown numbers are taken for integers: `n > 0` and `n < 1` contradict each other.
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
