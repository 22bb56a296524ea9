//! What conditions and columns mean for success and for records.
//!
//! This is decided by evaluating a term for the relevant runs, not by its shape.

use std::collections::BTreeSet;

use super::select::{RelationColumn, has_aggregate};
use super::term::{Aggregate, Run, Term};
use super::value::Value;
use super::{COUNTS, Count, Vocabulary};

/// Statuses that mean success. They are tried if the text of a query names none
/// (`status <> 'failed'`).
pub const SUCCESS_WORDS: &[&str] = &[
    "success",
    "succeeded",
    "successful",
    "complete",
    "completed",
    "done",
    "ok",
    "finished",
];

/// Statuses of runs that failed or did not finish.
const FAILURES: &[&str] = &[
    "failed",
    "failure",
    "fail",
    "error",
    "errored",
    "aborted",
    "cancelled",
    "canceled",
    "crashed",
    "timeout",
    "timed_out",
];

/// A column that a query returns.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Column {
    /// Its alias, or the last part of the column's name; `*` for all columns of a table.
    pub name: Option<String>,
    /// What it holds.
    pub meaning: Meaning,
    /// Whether its value is positive or true only because of success runs, even if the query
    /// returns other rows: `COUNTIF(status = 'success')`.
    pub filters_success: bool,
}

/// What a column holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Meaning {
    /// The status of a run.
    Status,
    /// A count of the records of one run.
    Records,
    /// An aggregate that is positive only if a run has records: `SUM(n)`, `MAX(n)`,
    /// `COUNTIF(n > 0)`.
    SumOfRecords,
    /// A number of rows: `COUNT(*)`, `COUNT(n)`, `COUNTIF(status = 'success')`.
    CountOfRuns,
    /// A truth value that tells whether there is a run: `EXISTS (…)`, `COUNT(*) > 0`, `status =
    /// 'success'`.
    TestOfRuns,
    /// A truth value that is true only if a run has records: `SUM(n) > 0`.
    TestOfRecords,
    /// `MAX(x)`, `MIN(x)` and the like, of something else.
    MaxOrMin,
    /// A literal.
    Constant,
    /// Anything else.
    Other,
}

/// The statuses for which terms are evaluated.
#[derive(Clone, Debug)]
pub(super) struct Words {
    success: Vec<String>,
    failure: Vec<String>,
}

impl Words {
    pub(super) fn new(named: &BTreeSet<String>, vocabulary: &Vocabulary<'_>) -> Self {
        let is_success = |word: &&str| (vocabulary.is_success_word)(word);
        let mut success: Vec<&str> = named
            .iter()
            .map(String::as_str)
            .filter(is_success)
            .collect();
        if success.is_empty() {
            success = SUCCESS_WORDS.iter().copied().filter(is_success).collect();
        }
        let mut failure: Vec<&str> = FAILURES
            .iter()
            .copied()
            .filter(|word| named.contains(*word))
            .collect();
        if failure.is_empty() {
            failure.extend(FAILURES.first());
        }
        let owned = |words: Vec<&str>| words.into_iter().map(str::to_owned).collect();
        Words {
            success: owned(success),
            failure: owned(failure),
        }
    }

    /// Whether, for some count, a success run is accepted and no failed run is.
    fn separates(&self, accepts: impl Fn(Run<'_>) -> bool) -> bool {
        let any = |words: &[String], count: Count| {
            words.iter().any(|word| {
                accepts(Run {
                    status: Some(word),
                    count,
                })
            })
        };
        COUNTS
            .iter()
            .any(|&count| any(&self.success, count) && !any(&self.failure, count))
    }

    pub(super) fn filters_success(&self, rows: &Term) -> bool {
        rows.mentions(&Term::Status) && self.separates(|run| rows.admits(run))
    }

    /// Whether success runs are accepted only if they have records.
    fn demands(&self, accepts: impl Fn(Run<'_>) -> bool) -> bool {
        let any = |count: Count| {
            self.success.iter().any(|word| {
                accepts(Run {
                    status: Some(word),
                    count,
                })
            })
        };
        any(Count::Positive) && !any(Count::Zero) && !any(Count::Null)
    }

    pub(super) fn demands_records(&self, rows: &Term) -> bool {
        self.demands(|run| rows.admits(run))
    }
}

pub(super) fn columns(columns: Vec<RelationColumn>, words: &Words) -> Vec<Column> {
    columns
        .into_iter()
        .map(|column| {
            let term = &column.term;
            let positive = |run: Run<'_>| term.values(run).can_be_positive();
            Column {
                meaning: meaning(term, words),
                filters_success: !term.is_status()
                    && term.mentions(&Term::Status)
                    && words.separates(positive),
                name: column.name,
            }
        })
        .collect()
}

fn meaning(term: &Term, words: &Words) -> Meaning {
    if term.is_status() {
        return Meaning::Status;
    }
    let positive = |run: Run<'_>| term.values(run).can_be_positive();
    let of_records = term.mentions(&Term::Records) && words.demands(positive);
    match term {
        Term::Literal(_) => return Meaning::Constant,
        Term::Scalar(_, value) if !of_records => return meaning(value, words),
        Term::Compare(..)
        | Term::And(_)
        | Term::Or(_)
        | Term::Like(..)
        | Term::Test(..)
        | Term::Exists(_) => {
            let of_runs = |part: &Term| {
                matches!(part, Term::Status | Term::Exists(_))
                    || matches!(part, Term::Aggregate(kind, _) if *kind != Aggregate::Value)
            };
            return if of_records {
                Meaning::TestOfRecords
            } else if term.any(&of_runs) {
                Meaning::TestOfRuns
            } else {
                Meaning::Other
            };
        }
        Term::Not(_) => return Meaning::Other,
        _ => {}
    }
    let folded = has_aggregate(term) || matches!(term, Term::Scalar(_, v) if has_aggregate(v));
    match (of_records, folded) {
        (true, true) => return Meaning::SumOfRecords,
        (true, false) => return Meaning::Records,
        (false, false) => return Meaning::Other,
        (false, true) => {}
    }
    if term.any(&counts_rows) {
        Meaning::CountOfRuns
    } else if term.mentions(&Term::Records) {
        Meaning::Other
    } else {
        Meaning::MaxOrMin
    }
}

/// `COUNT(x)`, `SUM(1)`, `SUM(CASE WHEN … THEN 1 ELSE 0 END)`.
fn counts_rows(term: &Term) -> bool {
    let Term::Aggregate(aggregate, argument) = term else {
        return false;
    };
    if *aggregate != Aggregate::Value {
        return true;
    }
    let is_number = |term: &Term| {
        matches!(
            term,
            Term::Literal(Value::Number(..) | Value::Null | Value::Bool(_))
        )
    };
    match &**argument {
        Term::Case(cases, otherwise) => {
            cases.iter().all(|(_, result)| is_number(result)) && is_number(otherwise)
        }
        other => is_number(other),
    }
}
