//! The expressions of a query, reduced to what they say about one run, and their evaluation.
//!
//! A term is evaluated for one row of a run (its status and its count of records). An aggregate is
//! evaluated as if the run were its whole group: "could this run alone make the condition true?"

use std::collections::BTreeSet;

use super::Count;
use super::value::{Possible, Truth, Value, compare, like, range};

/// Deeper terms are not built, so recursion over terms is bounded.
pub(super) const DEEPEST_TERM: usize = 100;

/// A comparison operator.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// An operator on numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    /// Only whether the result is NULL is followed.
    Divide,
}

/// A test that a comparison cannot express.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Test {
    Null,
    True,
    False,
}

/// The classes of aggregate functions that differ here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Aggregate {
    /// `SUM`, `MAX`, `MIN`, `AVG`, `ANY_VALUE`: for one row, the value itself.
    Value,
    /// `COUNT(x)`: rows in which the argument is not NULL.
    Count,
    /// `COUNTIF(x)`: rows in which the argument is true.
    CountIf,
}

/// An expression.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Term {
    /// The status of the run.
    Status,
    /// The count of records of the run.
    Records,
    Literal(Value),
    /// A placeholder for a value.
    Hole,
    /// Anything else.
    Unknown,
    /// A function that changes only the spelling or the type of a value.
    Same(Box<Term>),
    /// The value, or NULL: a column of the optional side of an outer join.
    Maybe(Box<Term>),
    Coalesce(Vec<Term>),
    NullIf(Box<Term>, Box<Term>),
    /// The greatest (true) or the least (false) of several values.
    Extreme(bool, Vec<Term>),
    Arithmetic(Arithmetic, Box<Term>, Box<Term>),
    Abs(Box<Term>),
    Sign(Box<Term>),
    /// Conditions with results, and the result otherwise.
    Case(Vec<(Term, Term)>, Box<Term>),
    Compare(Comparison, Box<Term>, Box<Term>),
    /// A match with any of several `LIKE` patterns in lower case.
    Like(Box<Term>, Vec<String>),
    Test(Test, Box<Term>),
    And(Vec<Term>),
    Or(Vec<Term>),
    Not(Box<Term>),
    /// A row that meets the condition exists (`EXISTS`, `IN (SELECT …)`). With this run, one may.
    Exists(Box<Term>),
    /// A scalar subquery: the condition under which it has a row, and its value.
    Scalar(Box<Term>, Box<Term>),
    Aggregate(Aggregate, Box<Term>),
}

/// The run for which terms are evaluated.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run<'a> {
    /// `None` is NULL: there is no run.
    pub(super) status: Option<&'a str>,
    pub(super) count: Count,
}

impl Term {
    pub(super) fn boxed(self) -> Box<Term> {
        Box::new(self)
    }

    pub(super) fn always() -> Term {
        Term::Literal(Value::Bool(true))
    }

    pub(super) fn number(number: f64) -> Term {
        Term::Literal(Value::Number(number, number))
    }

    pub(super) fn negated_if(self, negated: bool) -> Term {
        if negated {
            Term::Not(self.boxed())
        } else {
            self
        }
    }

    /// Whether the term, as a condition, can accept a row with this run.
    pub(super) fn admits(&self, run: Run<'_>) -> bool {
        self.truth(run).can_be_true()
    }

    /// The possible truth values of the term as a condition.
    pub(super) fn truth(&self, run: Run<'_>) -> Truth {
        match self {
            Term::And(terms) => terms
                .iter()
                .fold(Truth::TRUE, |truth, term| truth.and(term.truth(run))),
            Term::Or(terms) => terms
                .iter()
                .fold(Truth::FALSE, |truth, term| truth.or(term.truth(run))),
            Term::Not(term) => term.truth(run).not(),
            Term::Compare(comparison, left, right) => {
                let (left, right) = (left.operand(run, right), right.operand(run, left));
                let mut truth: Option<Truth> = None;
                for l in left.iter() {
                    for r in right.iter() {
                        let one = compare(*comparison, l, r);
                        truth = Some(truth.map_or(one, |all| all.or_else(one)));
                    }
                }
                truth.unwrap_or(Truth::DECIDED)
            }
            Term::Like(term, patterns) => {
                let matched = |value: &Value| match value {
                    Value::Null => Value::Null,
                    Value::Text(text) => {
                        Value::Bool(patterns.iter().any(|pattern| like(pattern, text)))
                    }
                    _ => Value::Any,
                };
                term.values(run).map(matched).truth()
            }
            // Each arm evaluates the operand once. Doing it twice would double the work at every
            // level.
            Term::Test(Test::Null, term) => term
                .values(run)
                .map(|value| Value::Bool(*value == Value::Null))
                .truth(),
            Term::Test(Test::True, term) => is_true(term.truth(run)),
            Term::Test(Test::False, term) => is_true(term.truth(run).not()),
            Term::Exists(condition) => {
                if condition.admits(run) {
                    Truth::DECIDED
                } else {
                    Truth::FALSE
                }
            }
            _ => self.values(run).truth(),
        }
    }

    /// The possible values of the term.
    pub(super) fn values(&self, run: Run<'_>) -> Possible {
        match self {
            Term::Status => Possible::one(
                run.status
                    .map_or(Value::Null, |status| Value::Text(status.to_lowercase())),
            ),
            Term::Records => Possible::one(match run.count {
                Count::Null => Value::Null,
                Count::Zero => Value::Number(0.0, 0.0),
                Count::Positive => Value::Number(1.0, f64::INFINITY),
            }),
            Term::Literal(value) => Possible::one(value.clone()),
            Term::Hole | Term::Unknown => Possible::unknown(),
            Term::Same(term) => term.values(run),
            Term::Maybe(term) => {
                let mut values = term.values(run);
                values.add(Value::Null);
                values
            }
            Term::Coalesce(terms) => coalesce(terms, run),
            Term::NullIf(left, right) => left.values(run).with(&right.values(run), null_if),
            Term::Extreme(greatest, terms) => extreme(*greatest, terms, run),
            Term::Arithmetic(operator, left, right) => {
                let function = |l: &Value, r: &Value| arithmetic(*operator, l, r);
                left.values(run).with(&right.values(run), function)
            }
            Term::Abs(term) => term.values(run).map(absolute),
            Term::Sign(term) => term.values(run).map(|value| match value {
                Value::Number(low, high) => range(sign(*low), sign(*high)),
                other => other.clone(),
            }),
            Term::Case(cases, otherwise) => case(cases, otherwise, run),
            Term::Scalar(condition, value) => {
                let mut values = Possible::one(Value::Null);
                if condition.admits(run) {
                    values.add_all(&value.values(run));
                }
                values
            }
            Term::Aggregate(aggregate, argument) => aggregated(*aggregate, argument, run),
            Term::And(_)
            | Term::Or(_)
            | Term::Not(_)
            | Term::Compare(..)
            | Term::Like(..)
            | Term::Test(..)
            | Term::Exists(_) => self.truth(run).values(),
        }
    }

    /// The values of one side of a comparison. An unknown threshold for a count of records is taken
    /// to be positive, because nobody demands at least 0 records.
    fn operand(&self, run: Run<'_>, other: &Term) -> Possible {
        if self.is_hole() && other.mentions(&Term::Records) {
            Possible::one(Value::Number(1.0, f64::INFINITY))
        } else {
            self.values(run)
        }
    }

    fn is_hole(&self) -> bool {
        match self {
            Term::Hole => true,
            Term::Same(term) => term.is_hole(),
            _ => false,
        }
    }

    /// Whether the value is the status of the run, in any spelling.
    pub(super) fn is_status(&self) -> bool {
        match self {
            Term::Status => true,
            Term::Same(term) | Term::Maybe(term) => term.is_status(),
            Term::Aggregate(Aggregate::Value, term) | Term::Scalar(_, term) => term.is_status(),
            Term::Coalesce(terms) => terms.first().is_some_and(Term::is_status),
            Term::NullIf(term, _) => term.is_status(),
            _ => false,
        }
    }

    /// The direct subterms.
    pub(super) fn parts(&self) -> Vec<&Term> {
        match self {
            Term::Status | Term::Records | Term::Literal(_) | Term::Hole | Term::Unknown => {
                Vec::new()
            }
            Term::Same(a)
            | Term::Maybe(a)
            | Term::Abs(a)
            | Term::Sign(a)
            | Term::Like(a, _)
            | Term::Test(_, a)
            | Term::Not(a)
            | Term::Exists(a)
            | Term::Aggregate(_, a) => vec![a],
            Term::NullIf(a, b)
            | Term::Arithmetic(_, a, b)
            | Term::Compare(_, a, b)
            | Term::Scalar(a, b) => vec![a, b],
            Term::Coalesce(terms)
            | Term::Extreme(_, terms)
            | Term::And(terms)
            | Term::Or(terms) => terms.iter().collect(),
            Term::Case(cases, otherwise) => {
                let mut parts: Vec<&Term> = Vec::with_capacity(2 * cases.len() + 1);
                for (condition, result) in cases {
                    parts.push(condition);
                    parts.push(result);
                }
                parts.push(otherwise);
                parts
            }
        }
    }

    /// Whether the term or any subterm is accepted.
    pub(super) fn any(&self, accept: &dyn Fn(&Term) -> bool) -> bool {
        let mut pending = vec![self];
        while let Some(term) = pending.pop() {
            if accept(term) {
                return true;
            }
            pending.extend(term.parts());
        }
        false
    }

    pub(super) fn mentions(&self, wanted: &Term) -> bool {
        self.any(&|term| term == wanted)
    }

    /// The number of subterms, and the depth.
    pub(super) fn size(&self) -> (usize, usize) {
        let (mut size, mut deepest) = (0, 0);
        let mut pending = vec![(self, 1)];
        while let Some((term, depth)) = pending.pop() {
            size += 1;
            deepest = deepest.max(depth);
            pending.extend(term.parts().into_iter().map(|part| (part, depth + 1)));
        }
        (size, deepest)
    }

    /// Collects the texts that the status is compared with.
    pub(super) fn collect_statuses(&self, into: &mut BTreeSet<String>) {
        let mut pending = vec![self];
        while let Some(term) = pending.pop() {
            match term {
                Term::Compare(_, left, right) => {
                    for (one, other) in [(left, right), (right, left)] {
                        if one.is_status() {
                            other.collect_texts(into);
                        }
                    }
                }
                Term::Like(subject, patterns) if subject.is_status() => {
                    let plain = |p: &&String| !p.contains(['%', '_']);
                    into.extend(patterns.iter().filter(plain).cloned());
                }
                _ => {}
            }
            pending.extend(term.parts());
        }
    }

    fn collect_texts(&self, into: &mut BTreeSet<String>) {
        match self {
            Term::Literal(Value::Text(text)) => {
                into.insert(text.clone());
            }
            Term::Same(term) => term.collect_texts(into),
            _ => {}
        }
    }
}

fn is_true(truth: Truth) -> Truth {
    let mut outcome = None;
    if truth.can_be_true() {
        outcome = Some(Truth::TRUE);
    }
    if truth.can_fail() {
        outcome = Some(outcome.map_or(Truth::FALSE, |t: Truth| t.or_else(Truth::FALSE)));
    }
    outcome.unwrap_or(Truth::DECIDED)
}

/// `NULLIF(left, right)`
fn null_if(left: &Value, right: &Value) -> Value {
    let equal = compare(Comparison::Equal, left, right);
    match (equal.can_be_true(), equal.can_fail()) {
        (true, true) => Value::Any,
        (true, false) => Value::Null,
        (false, _) => left.clone(),
    }
}

fn absolute(value: &Value) -> Value {
    match value {
        Value::Number(low, high) if *low < 0.0 && *high > 0.0 => range(0.0, low.abs().max(*high)),
        Value::Number(low, high) => range(low.abs(), high.abs()),
        other => other.clone(),
    }
}

fn case(cases: &[(Term, Term)], otherwise: &Term, run: Run<'_>) -> Possible {
    let mut values = Possible::nothing_yet();
    for (condition, result) in cases {
        let truth = condition.truth(run);
        if truth.can_be_true() {
            values.add_all(&result.values(run));
        }
        if !truth.can_fail() {
            return values;
        }
    }
    values.add_all(&otherwise.values(run));
    values
}

/// The values of an aggregate if the run is its whole group.
fn aggregated(aggregate: Aggregate, argument: &Term, run: Run<'_>) -> Possible {
    match aggregate {
        Aggregate::Value => argument.values(run),
        Aggregate::Count => argument.values(run).map(|value| match value {
            Value::Null => Value::Number(0.0, 0.0),
            _ => Value::Number(1.0, f64::INFINITY),
        }),
        Aggregate::CountIf => argument.truth(run).values().map(|value| match value {
            Value::Bool(true) => Value::Number(1.0, f64::INFINITY),
            _ => Value::Number(0.0, 0.0),
        }),
    }
}

fn coalesce(terms: &[Term], run: Run<'_>) -> Possible {
    let mut result = Possible::nothing_yet();
    for term in terms {
        let values = term.values(run);
        let mut can_be_null = false;
        for value in values.iter() {
            if *value == Value::Null {
                can_be_null = true;
            } else {
                result.add(value.clone());
            }
        }
        if !can_be_null {
            return result;
        }
    }
    result.add(Value::Null);
    result
}

/// Databases differ in whether a NULL argument makes the result NULL or is skipped, so both are
/// possible.
fn extreme(greatest: bool, terms: &[Term], run: Run<'_>) -> Possible {
    let pick = |l: &Value, r: &Value| match (l, r) {
        (Value::Null, other) | (other, Value::Null) => other.clone(),
        (Value::Number(a, b), Value::Number(c, d)) if greatest => range(a.max(*c), b.max(*d)),
        (Value::Number(a, b), Value::Number(c, d)) => range(a.min(*c), b.min(*d)),
        _ => Value::Any,
    };
    let mut result = Possible::one(Value::Null);
    let mut null = terms.is_empty();
    for term in terms {
        let values = term.values(run);
        null |= values.iter().any(|value| *value == Value::Null);
        result = result.with(&values, pick);
    }
    if null {
        result.add(Value::Null);
    }
    result
}

fn arithmetic(operator: Arithmetic, left: &Value, right: &Value) -> Value {
    match (left, right) {
        (Value::Null, _) | (_, Value::Null) => Value::Null,
        (Value::Number(a, b), Value::Number(c, d)) => match operator {
            Arithmetic::Add => range(a + c, b + d),
            Arithmetic::Subtract => range(a - d, b - c),
            Arithmetic::Multiply => {
                // Zero times an unbounded count is zero.
                let times = |x: f64, y: f64| if x == 0.0 || y == 0.0 { 0.0 } else { x * y };
                let products = [times(*a, *c), times(*a, *d), times(*b, *c), times(*b, *d)];
                range(
                    products.iter().copied().fold(f64::INFINITY, f64::min),
                    products.iter().copied().fold(f64::NEG_INFINITY, f64::max),
                )
            }
            Arithmetic::Divide if *a == 0.0 && *b == 0.0 => Value::Number(0.0, 0.0),
            Arithmetic::Divide => Value::Any,
        },
        _ => Value::Any,
    }
}

fn sign(number: f64) -> f64 {
    if number > 0.0 {
        1.0
    } else if number < 0.0 {
        -1.0
    } else {
        0.0
    }
}
