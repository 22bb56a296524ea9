//! What the text of an SQL query says about the rows that it returns.
//!
//! This module reads a query and answers which runs (a status and a count of records) can be among
//! or behind the rows, and what the columns mean. Names are data that the caller provides. Whatever
//! the text leaves open counts as "can be". Texts are compared without regard to case.

mod big_query;
mod functions;
mod lower;
mod meaning;
mod parse;
mod scan;
mod select;
mod statements;
mod term;
#[cfg(test)]
mod tests;
mod tokens;
mod value;

use std::collections::{BTreeMap, BTreeSet};

use meaning::Words;
use select::Relation;
use term::{Run, Term};

pub use meaning::{Column, Meaning, SUCCESS_WORDS};

/// A piece of a query's text as the program builds it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Piece<'a> {
    /// Known text. Placeholders in it (`%s`, `%(name)s`, `{}`, `{name}`, `?`, `:name`, `@name`,
    /// `$1`, templates) are recognised.
    Text(&'a str),
    /// An unknown part. It has no position among the parameters.
    Hole,
}

/// Values that are known to be bound to placeholders.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Bound {
    /// By name: `@name`, `:name`, `%(name)s`, `{name}`.
    pub names: BTreeMap<String, String>,
    /// By position, counting `%s`, `?` and `{}` from the left; `$1` and `{0}` name the first.
    pub positions: Vec<Option<String>>,
}

/// The meaning of names.
pub struct Vocabulary<'a> {
    /// Whether a column holds the status of a run.
    pub is_status_column: &'a dyn Fn(&str) -> bool,
    /// Whether a column holds the count of records of a run.
    pub is_count_column: &'a dyn Fn(&str) -> bool,
    /// Whether a status, in lower case, says that a run succeeded.
    pub is_success_word: &'a dyn Fn(&str) -> bool,
}

/// What a statement does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Returns rows and changes nothing.
    Select,
    /// Changes rows or tables.
    Write,
    /// Any other SQL statement.
    Other,
}

/// What is known about the count of records of a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Count {
    /// The column is NULL.
    Null,
    /// There is no record.
    Zero,
    /// There is at least one record.
    Positive,
}

const COUNTS: [Count; 3] = [Count::Null, Count::Zero, Count::Positive];

/// Runs whose existence excludes rows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Excluded {
    /// Whether a row is excluded only by success runs that have records.
    pub demands_records: bool,
    /// Whether the condition of the excluding runs is not completely known.
    pub has_open_conditions: bool,
}

/// What a query says about the rows that it returns.
#[derive(Clone, Debug)]
pub struct Query {
    /// What the statement does.
    pub kind: Kind,
    /// The columns of the outermost `SELECT`, in order; empty if they could not be read.
    pub columns: Vec<Column>,
    rows: Term,
    words: Words,
    statuses: BTreeSet<String>,
    excluded: Option<Excluded>,
    open: bool,
    one_row: bool,
    tables: Vec<String>,
}

/// Reads a query; `None` if the text is not SQL or too long.
#[must_use]
pub fn read(pieces: &[Piece<'_>], bound: &Bound, vocabulary: &Vocabulary<'_>) -> Option<Query> {
    if !parse::may_be_sql(pieces) {
        return None;
    }
    let text = scan::join(pieces, bound)?;
    parse::read(&text, vocabulary)
}

impl Query {
    fn new(
        kind: Kind,
        relation: Relation,
        open: bool,
        tables: Vec<String>,
        vocabulary: &Vocabulary<'_>,
    ) -> Self {
        let mut statuses = BTreeSet::new();
        relation.rows.collect_statuses(&mut statuses);
        for column in &relation.columns {
            column.term.collect_statuses(&mut statuses);
        }
        for exclusion in &relation.exclusions {
            exclusion.rows.collect_statuses(&mut statuses);
        }
        let words = Words::new(&statuses, vocabulary);
        let excluded = relation
            .exclusions
            .iter()
            .find(|exclusion| words.filters_success(&exclusion.rows))
            .map(|exclusion| Excluded {
                demands_records: words.demands_records(&exclusion.rows),
                has_open_conditions: exclusion.open,
            });
        Query {
            kind,
            columns: meaning::columns(relation.columns, &words),
            rows: relation.rows,
            words,
            statuses,
            excluded,
            open,
            one_row: relation.one_row,
            tables,
        }
    }

    /// Whether a run with this status and this count of records can be among or behind the returned
    /// (or changed) rows. What is unknown counts as "can".
    #[must_use]
    pub fn admits(&self, status: &str, count: Count) -> bool {
        self.rows.admits(Run {
            status: Some(status),
            count,
        })
    }

    /// The statuses that the text names, in lower case.
    #[must_use]
    pub fn named_statuses(&self) -> &BTreeSet<String> {
        &self.statuses
    }

    /// Whether the query admits successes and rejects failures for at least some count of records
    /// (`status = 'success' OR n > 0` does so for runs without records).
    #[must_use]
    pub fn filters_success(&self) -> bool {
        self.words.filters_success(&self.rows)
    }

    /// Whether the query returns success runs only if they have records, and returns some.
    #[must_use]
    pub fn demands_records(&self) -> bool {
        self.words.demands_records(&self.rows)
    }

    /// Whether the query always returns exactly one row, so that the existence of a row proves
    /// nothing.
    #[must_use]
    pub fn always_one_row(&self) -> bool {
        self.one_row
    }

    /// `Some` if the query returns the rows for which no success run exists.
    #[must_use]
    pub fn excludes_success(&self) -> Option<Excluded> {
        self.excluded
    }

    /// Whether there may be unknown conditions: a hole where a condition could stand, or a part
    /// that could not be read.
    #[must_use]
    pub fn has_open_conditions(&self) -> bool {
        self.open
    }

    /// The tables that the rows come from, with `?` for unknown parts of a name.
    #[must_use]
    pub fn tables(&self) -> &[String] {
        &self.tables
    }
}
