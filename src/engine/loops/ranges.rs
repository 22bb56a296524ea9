//! The last iteration of a loop over a range.
//!
//! `for attempt in range(n): … if attempt == n - 1: raise` never exhausts a range that is not
//! empty, because the last iteration raises. The number of iterations is unknown, but the index of
//! the last one is known: the end of the range less one step. If a test of the index comes out
//! differently than it would for that value, this iteration is not the last, and the range goes on.

use smallvec::SmallVec;

use crate::engine::Engine;
use crate::engine::values::ghost::Ghost;
use crate::engine::values::state::State;
use crate::engine::values::value::{Term, Value};
use crate::ir::{BinOp, CmpOp, Literal};

/// A sum nested deeper than this is treated as one unknown number.
const MAX_DEPTH: u32 = 4;

/// A sum of unknown numbers, each with a factor, and a known number.
#[derive(Default)]
struct Sum {
    unknown: SmallVec<[(Value, i64); 4]>,
    known: i64,
}

impl Sum {
    fn add_unknown(&mut self, v: Value, times: i64) {
        match self.unknown.iter_mut().find(|(known, _)| *known == v) {
            Some((_, count)) => *count = count.saturating_add(times),
            None => self.unknown.push((v, times)),
        }
    }

    /// Removes an unknown number from the sum; returns its factor.
    fn take(&mut self, v: Value) -> i64 {
        let entry = self.unknown.iter_mut().find(|(known, _)| *known == v);
        entry.map_or(0, |(_, count)| std::mem::take(count))
    }

    /// The sum, if no unknown number is left in it.
    fn total(&self) -> Option<i64> {
        let rest = self.unknown.iter().all(|(_, count)| *count == 0);
        rest.then_some(self.known)
    }
}

impl Engine<'_> {
    /// Learns from the outcome of a comparison: if it differs from what the index would give in the
    /// last iteration of its range, this iteration is not the last.
    pub(in crate::engine) fn tell_rounds(
        &self,
        state: &mut State,
        (op, a, b): (CmpOp, Value, Value),
        outcome: bool,
    ) {
        if !matches!(op, CmpOp::Eq | CmpOp::Lt) {
            return;
        }
        for side in [a, b] {
            for index in self.terms.leaves(side).iter() {
                let Some(range) = state.ghost(*index, Ghost::Of) else {
                    continue;
                };
                let Some(difference) = self.in_last_round(*index, range, a, b) else {
                    continue;
                };
                let in_last = match op {
                    CmpOp::Eq => difference == 0,
                    _ => difference < 0,
                };
                if in_last != outcome {
                    state.set_ghost(*index, Ghost::NotLast, range);
                }
            }
        }
    }

    /// Whether an iterator over a range certainly has another item, because this iteration is not
    /// the last.
    pub(in crate::engine) fn is_not_last(&self, state: &State, iterator: Value) -> bool {
        let index = state.ghost(iterator, Ghost::Index);
        index.is_some_and(|index| state.ghost(index, Ghost::NotLast).is_some())
    }

    /// `a - b` in the last iteration of a loop over the range, if that is known.
    fn in_last_round(&self, index: Value, range: Value, a: Value, b: Value) -> Option<i64> {
        let Term::Range(_, stop, step) = *self.terms.term(range) else {
            return None;
        };
        let step = match self.terms.literal(step) {
            // With a larger step, the last index may be any of the last numbers before the end.
            Some(Literal::Int(step)) if step.abs() == 1 => *step,
            _ => return None,
        };
        let mut sum = Sum::default();
        self.add(&mut sum, a, 1, 0);
        self.add(&mut sum, b, -1, 0);
        let times = sum.take(index);
        self.add(&mut sum, stop, times, 0);
        sum.known = sum.known.checked_sub(times.checked_mul(step)?)?;
        sum.total()
    }

    fn add(&self, sum: &mut Sum, v: Value, times: i64, depth: u32) {
        match *self.terms.term(v) {
            Term::Lit(Literal::Int(i)) => {
                sum.known = sum.known.saturating_add(i.saturating_mul(times));
            }
            Term::Arith(op @ (BinOp::Add | BinOp::Sub), a, b) if depth < MAX_DEPTH => {
                self.add(sum, a, times, depth + 1);
                let sign = if op == BinOp::Add { 1 } else { -1 };
                self.add(sum, b, times.saturating_mul(sign), depth + 1);
            }
            _ => sum.add_unknown(v, times),
        }
    }
}
