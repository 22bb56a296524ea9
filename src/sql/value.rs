//! Abstract values of SQL expressions, and SQL's three truth values.
//!
//! A value is a set of possibilities; an unknown one is *any value or NULL*. So every answer errs
//! towards "can be".

use std::cmp::Ordering;

use super::term::Comparison;

/// A larger set of possibilities becomes "anything".
const MOST_POSSIBILITIES: usize = 24;

/// One possible value.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Value {
    Null,
    /// A text in lower case, because it is unknown how a database spells a status.
    Text(String),
    /// Any number in this closed range.
    Number(f64, f64),
    Bool(bool),
    /// Any value but NULL.
    Any,
}

/// What an expression may be. Never empty.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Possible(Vec<Value>);

impl Possible {
    pub(super) fn one(value: Value) -> Self {
        Possible(vec![value])
    }

    pub(super) fn unknown() -> Self {
        Possible(vec![Value::Any, Value::Null])
    }

    pub(super) fn nothing_yet() -> Self {
        Possible(Vec::new())
    }

    pub(super) fn add(&mut self, value: Value) {
        if self.0.contains(&value) {
            return;
        }
        if self.0.len() >= MOST_POSSIBILITIES {
            *self = Possible::unknown();
        } else {
            self.0.push(value);
        }
    }

    pub(super) fn add_all(&mut self, other: &Possible) {
        for value in &other.0 {
            self.add(value.clone());
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Value> {
        self.0.iter()
    }

    /// The results of a function of one value.
    pub(super) fn map(&self, function: impl Fn(&Value) -> Value) -> Possible {
        let mut result = Possible::nothing_yet();
        for value in &self.0 {
            result.add(function(value));
        }
        result
    }

    /// The results of a function of two values.
    pub(super) fn with(
        &self,
        other: &Possible,
        function: impl Fn(&Value, &Value) -> Value,
    ) -> Possible {
        let mut result = Possible::nothing_yet();
        for left in &self.0 {
            for right in &other.0 {
                result.add(function(left, right));
            }
        }
        result
    }

    /// Its truth value as a condition.
    pub(super) fn truth(&self) -> Truth {
        self.0.iter().fold(Truth::NEVER, |truth, value| {
            truth.or_else(match value {
                Value::Null => Truth::UNKNOWN,
                Value::Bool(true) => Truth::TRUE,
                Value::Bool(false) => Truth::FALSE,
                Value::Number(low, high) if *low == 0.0 && *high == 0.0 => Truth::FALSE,
                Value::Number(low, high) if *low > 0.0 || *high < 0.0 => Truth::TRUE,
                Value::Number(..) | Value::Text(_) | Value::Any => Truth::DECIDED,
            })
        })
    }

    /// Whether it can be positive, or true.
    pub(super) fn can_be_positive(&self) -> bool {
        self.0.iter().any(|value| match value {
            Value::Number(_, high) => *high > 0.0,
            Value::Bool(truth) => *truth,
            Value::Text(_) | Value::Any => true,
            Value::Null => false,
        })
    }
}

/// A set of SQL truth values: what a condition may be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Truth(u8);

impl Truth {
    const NEVER: Truth = Truth(0);
    pub(super) const TRUE: Truth = Truth(1);
    pub(super) const FALSE: Truth = Truth(2);
    pub(super) const UNKNOWN: Truth = Truth(4);
    pub(super) const DECIDED: Truth = Truth(3);

    pub(super) fn can_be_true(self) -> bool {
        self.0 & 1 != 0
    }

    pub(super) fn can_fail(self) -> bool {
        self.0 & 6 != 0
    }

    pub(super) fn or_else(self, other: Truth) -> Truth {
        Truth(self.0 | other.0)
    }

    pub(super) fn not(self) -> Truth {
        Truth((self.0 & 4) | ((self.0 & 1) << 1) | ((self.0 & 2) >> 1))
    }

    /// Conjunction: the minimum, where false < unknown < true.
    pub(super) fn and(self, other: Truth) -> Truth {
        let (a, b) = (self.0, other.0);
        let mut result = a & b & 1;
        if a & 2 != 0 || b & 2 != 0 {
            result |= 2;
        }
        if (a & 4 != 0 && b & 5 != 0) || (b & 4 != 0 && a & 5 != 0) {
            result |= 4;
        }
        Truth(result)
    }

    pub(super) fn or(self, other: Truth) -> Truth {
        self.not().and(other.not()).not()
    }

    pub(super) fn values(self) -> Possible {
        let mut result = Possible::nothing_yet();
        for (bit, value) in [
            (1, Value::Bool(true)),
            (2, Value::Bool(false)),
            (4, Value::Null),
        ] {
            if self.0 & bit != 0 {
                result.add(value);
            }
        }
        result
    }
}

/// The possible results of comparing two values.
pub(super) fn compare(comparison: Comparison, left: &Value, right: &Value) -> Truth {
    let (left, right) = match (left, right) {
        (Value::Null, _) | (_, Value::Null) => return Truth::UNKNOWN,
        (Value::Any, _) | (_, Value::Any) => return Truth::DECIDED,
        (Value::Text(a), Value::Text(b)) => return decided(comparison, a.cmp(b)),
        (a, b) => match (as_range(a), as_range(b)) {
            (Some(a), Some(b)) => (a, b),
            _ => return Truth::DECIDED,
        },
    };
    let mut truth = Truth::NEVER;
    if left.0 < right.1 {
        truth = truth.or_else(decided(comparison, Ordering::Less));
    }
    if left.0 <= right.1 && right.0 <= left.1 {
        truth = truth.or_else(decided(comparison, Ordering::Equal));
    }
    if left.1 > right.0 {
        truth = truth.or_else(decided(comparison, Ordering::Greater));
    }
    if truth == Truth::NEVER {
        return Truth::DECIDED;
    }
    truth
}

fn decided(comparison: Comparison, ordering: Ordering) -> Truth {
    let holds = match comparison {
        Comparison::Equal => ordering.is_eq(),
        Comparison::NotEqual => ordering.is_ne(),
        Comparison::Less => ordering.is_lt(),
        Comparison::LessOrEqual => ordering.is_le(),
        Comparison::Greater => ordering.is_gt(),
        Comparison::GreaterOrEqual => ordering.is_ge(),
    };
    if holds { Truth::TRUE } else { Truth::FALSE }
}

fn as_range(value: &Value) -> Option<(f64, f64)> {
    match value {
        Value::Number(low, high) => Some((*low, *high)),
        Value::Bool(truth) => {
            let number = f64::from(u8::from(*truth));
            Some((number, number))
        }
        Value::Text(text) => text.trim().parse().ok().map(|number: f64| (number, number)),
        Value::Null | Value::Any => None,
    }
}

/// A range of numbers, or anything if a bound is not a number (`inf - inf`).
pub(super) fn range(low: f64, high: f64) -> Value {
    if low.is_nan() || high.is_nan() {
        Value::Any
    } else {
        Value::Number(low.min(high), low.max(high))
    }
}

/// Whether a `LIKE` pattern matches a whole text; both are in lower case.
pub(super) fn like(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    // Where to continue after the last `%`, if the rest does not match.
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('%') => {
                retry = Some((p + 1, t));
                p += 1;
            }
            Some(&c) if c == '_' || c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match retry {
                Some((after, from)) => {
                    p = after;
                    t = from + 1;
                    retry = Some((after, from + 1));
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&c| c == '%')
}

/// The `LIKE` patterns that are equivalent to a simple regular expression: words and alternatives,
/// with anchors. `None` for any other.
pub(super) fn regex_as_like(regex: &str) -> Option<Vec<String>> {
    let regex = regex.strip_prefix("(?i)").unwrap_or(regex);
    let (start, rest) = match regex.strip_prefix('^') {
        Some(rest) => ("", rest),
        None => ("%", regex),
    };
    let (end, rest) = match rest.strip_suffix('$') {
        Some(rest) => ("", rest),
        None => ("%", rest),
    };
    let grouped = rest.strip_prefix('(').and_then(|r| r.strip_suffix(')'));
    let body = grouped.unwrap_or(rest);
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | ' ' | '|');
    if !body.chars().all(plain) || (body.contains('|') && grouped.is_none() && start != end) {
        return None;
    }
    Some(
        body.split('|')
            .map(|word| format!("{start}{word}{end}"))
            .collect(),
    )
}
