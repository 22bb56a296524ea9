//! Operators: arithmetic, comparisons and lengths.

use crate::engine::Engine;
use crate::engine::values::fact::{Fact, Interval, Kind};
use crate::engine::values::state::{State, view};
use crate::engine::values::value::{Site, Term, Value};
use crate::ir::{BinOp, CmpOp, Literal};
use std::sync::Arc;

impl Engine<'_> {
    /// A binary operator; `in_place` for `x += y` and the like.
    pub(in crate::engine) fn binary(
        &mut self,
        state: &mut State,
        op: BinOp,
        x: Value,
        y: Value,
        in_place: bool,
        site: Site,
    ) -> Value {
        if let Some(v) = self.fold(op, x, y) {
            return v;
        }
        if op == BinOp::Add
            && let Some(v) = self.format_of_class_texts(state, &[x, y])
        {
            return v;
        }
        if let Some(v) = self.on_contents(state, op, (x, y), in_place, site) {
            return v;
        }
        let zero = self.terms.int(0);
        match op {
            BinOp::Add if x == zero => return y,
            BinOp::Add | BinOp::Sub if y == zero => return x,
            _ => {}
        }
        let num = self.range_of(state, op, x, y);
        let pure = !in_place && self.terms.depth(x) <= 3 && self.terms.depth(y) <= 3;
        if pure {
            let v = self.terms.make(Term::Arith(op, x, y));
            if num != Interval::ALL {
                state.refine(v, |f| match f.num.meet(num) {
                    Some(n) => {
                        f.num = n;
                        true
                    }
                    None => true,
                });
            }
            return v;
        }
        let mut fact = Fact {
            num,
            ..Fact::default()
        };
        fact.propagate();
        self.fresh_with(state, site, fact)
    }

    /// An operator on collections or texts: the new value, or the changed left operand.
    fn on_contents(
        &mut self,
        state: &mut State,
        op: BinOp,
        (x, y): (Value, Value),
        in_place: bool,
        site: Site,
    ) -> Option<Value> {
        let (kx, ky) = (state.kind(&self.terms, x), state.kind(&self.terms, y));
        if in_place {
            match (op, kx) {
                (BinOp::BitOr, Kind::Dict | Kind::DefaultDict) => {
                    self.update_from(state, x, y, site);
                    return Some(x);
                }
                (BinOp::Add, Kind::List) => {
                    let (a, b) = (self.contents(state, x), self.contents(state, y));
                    self.grow(
                        state,
                        x,
                        Interval {
                            lo: a.len.lo.saturating_add(b.len.lo),
                            hi: i64::MAX,
                        },
                        site,
                    );
                    return Some(x);
                }
                _ => {}
            }
        }
        match (op, kx) {
            (BinOp::BitOr, Kind::Dict | Kind::DefaultDict) => {
                let mut fact = Self::sized(Kind::Dict, Interval::point(0));
                fact.closed = true;
                let d = self.fresh_with(state, site, fact);
                self.update_from(state, d, x, site);
                self.update_from(state, d, y, site);
                return Some(d);
            }
            (BinOp::Add, Kind::List | Kind::Str) if kx == ky => {
                let (a, b) = (self.contents(state, x), self.contents(state, y));
                let fact = Self::sized(
                    kx,
                    Interval {
                        lo: a.len.lo.saturating_add(b.len.lo),
                        hi: a.len.hi.saturating_add(b.len.hi),
                    },
                );
                return Some(self.fresh_with(state, site, fact));
            }
            (BinOp::Mod, Kind::Str) => {
                return Some(self.fresh_with(state, site, Fact::of_kind(Kind::Str)));
            }
            _ => {}
        }
        None
    }

    /// The range of the result, if the operands are numbers.
    fn range_of(&self, state: &State, op: BinOp, x: Value, y: Value) -> Interval {
        let (a, b) = (
            view(state, &self.terms, x).num,
            view(state, &self.terms, y).num,
        );
        match op {
            BinOp::Add => Interval {
                lo: add_low(a.lo, b.lo),
                hi: add_high(a.hi, b.hi),
            },
            BinOp::Sub => Interval {
                lo: if b.hi == i64::MAX {
                    i64::MIN
                } else {
                    add_low(a.lo, -b.hi)
                },
                hi: if b.lo == i64::MIN {
                    i64::MAX
                } else {
                    add_high(a.hi, b.lo.saturating_neg())
                },
            },
            BinOp::Mul if a.lo >= 1 && b.lo >= 1 => Interval::at_least(1),
            BinOp::Mul if a.lo >= 0 && b.lo >= 0 => Interval::at_least(0),
            _ => Interval::ALL,
        }
    }

    /// A comparison as a value.
    pub(crate) fn compare(&mut self, state: &State, op: CmpOp, x: Value, y: Value) -> Value {
        // A text is not None, whatever it contains.
        let none = |v| self.terms.literal(v) == Some(&Literal::None);
        if matches!(op, CmpOp::Is | CmpOp::Eq)
            && (self.is_class_text(x) && none(y) || self.is_class_text(y) && none(x))
        {
            return self.terms.bool(false);
        }
        let (x, y) = match op {
            CmpOp::Is | CmpOp::IsNot => (x, y),
            _ => (self.spelled_out(x), self.spelled_out(y)),
        };
        let positive = match op {
            CmpOp::NotEq => Some(CmpOp::Eq),
            CmpOp::IsNot => Some(CmpOp::Is),
            CmpOp::NotIn => Some(CmpOp::In),
            _ => None,
        };
        if let Some(p) = positive {
            let v = self.compare(state, p, x, y);
            return self.terms.not(v);
        }
        let v = match op {
            CmpOp::Lt => self.less(state, x, y),
            CmpOp::Gt => self.less(state, y, x),
            CmpOp::LtE => {
                let v = self.less(state, y, x);
                self.terms.not(v)
            }
            CmpOp::GtE => {
                let v = self.less(state, x, y);
                self.terms.not(v)
            }
            CmpOp::In => {
                if let (Some(Literal::Str(a)), Some(Literal::Str(b))) =
                    (self.terms.literal(x), self.terms.literal(y))
                {
                    let found = b.contains(a.as_str());
                    return self.terms.bool(found);
                }
                let b = match self.terms.term(y) {
                    Term::Tuple(_) => y,
                    _ => {
                        let snap = state.snapshot(y);
                        self.terms
                            .make(Term::Pure("at".into(), Arc::from([y, snap])))
                    }
                };
                self.terms.make(Term::Cmp(CmpOp::In, x, b))
            }
            _ => {
                let (x, y) = if op == CmpOp::Eq {
                    (state.snapshot(x), state.snapshot(y))
                } else {
                    (x, y)
                };
                let swap = self.comparable(x).is_some() && self.comparable(y).is_none()
                    || self.comparable(x).is_some() == self.comparable(y).is_some() && y < x;
                let (a, b) = if swap { (y, x) } else { (x, y) };
                self.terms.make(Term::Cmp(op, a, b))
            }
        };
        match self.truth(state, v) {
            Some(t) => self.terms.bool(t),
            None => v,
        }
    }

    /// Whether the state knows how a value compares with some other value.
    fn is_compared(&self, state: &State, v: Value) -> bool {
        state.facts.keys().any(
            |k| matches!(self.terms.term(*k), Term::Cmp(CmpOp::Lt, a, b) if *a == v || *b == v),
        )
    }

    /// The length of a value, or of a snapshot of it.
    pub(crate) fn length(&mut self, state: &State, s: Value) -> Value {
        let s = self.spelled_out(s);
        match self.terms.term(s).clone() {
            Term::Tuple(items) => self
                .terms
                .int(i64::try_from(items.len()).unwrap_or(i64::MAX)),
            Term::Lit(Literal::Str(t)) => self
                .terms
                .int(i64::try_from(t.chars().count()).unwrap_or(i64::MAX)),
            Term::Pure(n, ops) if crate::engine::objects::copies::is_same_length(&n) => {
                self.length(state, ops[0])
            }
            Term::Pure(n, ops) if n == "at" => self.length(state, ops[1]),
            Term::View(_, x) | Term::Enumerate(x, _) => self.length(state, x),
            _ => {
                let exact = state.fact(s).filter(|f| f.len.lo == f.len.hi);
                let n = exact.map(|f| f.len.lo);
                let term = self.terms.existing(&Term::Len(s));
                match (n, term) {
                    // The term is kept if a fact says how it compares with an unknown value.
                    (Some(_), Some(term)) if self.is_compared(state, term) => term,
                    (Some(n), _) => self.terms.int(n),
                    (None, _) => self.terms.make(Term::Len(s)),
                }
            }
        }
    }
}

pub(in crate::engine) fn add_low(a: i64, b: i64) -> i64 {
    if a == i64::MIN || b == i64::MIN {
        i64::MIN
    } else {
        a.saturating_add(b)
    }
}

pub(in crate::engine) fn add_high(a: i64, b: i64) -> i64 {
    if a == i64::MAX || b == i64::MAX {
        i64::MAX
    } else {
        a.saturating_add(b)
    }
}
