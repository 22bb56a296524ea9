//! What proves that work was done: a count of records that is compared, rows that are there, a step
//! that verifies them.

use super::facts::{Access, Facts, Lesson, PathPoint};
use crate::engine::Engine;
use crate::engine::values::fact::{Fact, Lits};
use crate::engine::values::origins::Origin;
use crate::engine::values::state::State;
use crate::engine::values::value::Value;
use crate::ir::Literal;
use crate::program::FuncRef;

/// The lesson of `a < b` (or `b <= a`, where the test fails): the greater side is a count.
pub fn order(
    facts: &Facts<'_>,
    at: PathPoint<'_, '_>,
    (a, b): (Value, Value),
    truth: bool,
) -> Option<Lesson> {
    let more = if truth { b } else { a };
    facts.is_count(at, more).then_some(Lesson::Records)
}

/// The lesson of an option or a result that was found to be there, or not to be.
pub fn presence(
    facts: &Facts<'_>,
    engine: &mut Engine<'_>,
    state: &State,
    func: FuncRef,
    (object, there): (Value, bool),
) -> Option<Lesson> {
    if let Some((query, access)) = facts.queries.outcome_of(engine, state, object) {
        return facts.queries.exists(&query, &access, there);
    }
    // A number that cannot be zero.
    if !there || !engine.is_positive_option(state, object) {
        return None;
    }
    let at = PathPoint {
        engine,
        state,
        func,
    };
    facts.is_count(at, object).then_some(Lesson::Records)
}

/// The lesson of something that a query returned and that exists, or does not.
pub fn existence(
    facts: &Facts<'_>,
    at: PathPoint<'_, '_>,
    v: Value,
    there: bool,
) -> Option<Lesson> {
    let (query, access) = facts.queries.of(at.engine, at.state, v)?;
    facts.queries.exists(&query, &access, there)
}

/// The lesson of a step that verifies the records, if a value is its result.
pub fn gate(facts: &Facts<'_>, at: PathPoint<'_, '_>, v: Value) -> Option<Lesson> {
    match at.engine.origin(at.state, v) {
        Some(Origin::Call(name, ..)) if facts.vocabulary.is_gate(&name) => Some(Lesson::Records),
        _ => None,
    }
}

/// The lesson of a number that is now known to be positive, or not to be zero, or of a collection
/// that is known not to be empty.
pub fn quantity(
    facts: &Facts<'_>,
    at: PathPoint<'_, '_>,
    v: Value,
    fact: &Fact,
    old: &Fact,
) -> Option<Lesson> {
    if at.has_positive_default(v) {
        return None;
    }
    let queried = facts.queries.of(at.engine, at.state, v);
    let is_full = fact.len.lo >= 1 && old.len.lo < 1;
    if is_full {
        return match queried {
            Some((query, access)) => facts.queries.counted(&query, &access),
            None => facts.is_rows(at, v).then_some(Lesson::NotEmpty(v)),
        };
    }
    let compared = fact.num.lo >= 1 && old.num.lo < 1;
    let is_true = fact.truth == Some(true) && old.truth != Some(true);
    let positive = compared || is_true && fact.num.hi > 0;
    if !positive && !rules_out_zero(fact, old) {
        return None;
    }
    if let Some((query, access)) = queried {
        // A row that is compared with a number is its only column.
        let access = match access {
            Access::Row if compared && query.columns.len() == 1 => Access::At(0),
            access => access,
        };
        return facts.queries.counted(&query, &access);
    }
    // The truth of `rows` may be that of a list.
    if positive && fact.num == old.num && facts.is_rows(at, v) {
        return Some(Lesson::NotEmpty(v));
    }
    if !facts.is_count(at, v) {
        return None;
    }
    let summed = matches!(at.engine.origin(at.state, v), Some(Origin::Call(n, ..)) if n == "sum");
    Some(if positive && summed {
        Lesson::RecordsOfAll
    } else if positive {
        Lesson::Records
    } else {
        Lesson::RecordsOrNull
    })
}

/// Whether a value that could be 0 cannot be it any more.
fn rules_out_zero(fact: &Fact, old: &Fact) -> bool {
    match (&fact.lits, &old.lits) {
        (Lits::NotIn(now), Lits::NotIn(then)) => {
            let zero = Literal::Int(0);
            now.contains(&zero) && !then.contains(&zero)
        }
        _ => false,
    }
}
