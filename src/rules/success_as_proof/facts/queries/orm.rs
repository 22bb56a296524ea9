//! Queries that an object-relational mapper builds from calls: `Run.objects.filter(status="success")`,
//! `session.query(Run).filter(Run.status == "success")`. They are read as the text that they stand for.

use std::rc::Rc;

use super::super::names::base;
use super::text_of;
use super::trace::Trace;
use crate::engine::values::origins::Origin;
use crate::engine::values::value::{Term, Value};
use crate::ir::{CmpOp, Literal};
use crate::rules::success_as_proof::vocabulary::calls::FILTERS;
use crate::sql::{Bound, Query};

/// How many calls of a chain are followed.
const MAX_CALLS: usize = 12;

/// Stands for a condition of which nothing is known.
const UNKNOWN: &str = "\0";

impl Trace<'_, '_, '_> {
    /// The query that ends with this call, if the call or one before it limits the rows.
    pub(super) fn orm_query(
        self,
        name: &str,
        receiver: Value,
        args: &[Value],
    ) -> Option<Rc<Query>> {
        if !FILTERS.contains(&name) {
            return None;
        }
        let mut conditions = Vec::new();
        let mut call = (name.to_owned(), receiver, args.to_vec());
        for _ in 0..MAX_CALLS {
            let (name, receiver, args) = call;
            if FILTERS.contains(&name.as_str()) {
                let all: Vec<String> = args.iter().map(|a| self.condition(*a)).collect();
                if !all.is_empty() {
                    let all = all.join(" AND ");
                    let negated = name == "exclude";
                    conditions.push(if negated { format!("NOT ({all})") } else { all });
                }
            }
            match self.engine.origin(self.state, receiver) {
                Some(Origin::Call(name, receiver, args)) => {
                    call = (name.to_string(), receiver, args);
                }
                _ => break,
            }
        }
        if conditions.is_empty() {
            return None;
        }
        let text = format!("SELECT * FROM entity WHERE {}", conditions.join(" AND "));
        // Between the pieces is what is not known.
        let mut pieces = Vec::new();
        for known in text.split(UNKNOWN) {
            pieces.extend([Some(known.to_owned()), None]);
        }
        pieces.pop();
        let query = self.read(&pieces, &Bound::default());
        // What else is asked of an entity may be anything.
        query.filter(|query| query.filters_success())
    }

    /// An argument of a filter as a condition.
    fn condition(self, argument: Value) -> String {
        if let Some((name, value)) = self.engine.keyword(argument) {
            let (column, test) = name.split_once("__").unwrap_or((name, "exact"));
            return self.keyword_condition(column, test, value);
        }
        match self.engine.terms.term(argument) {
            Term::Cmp(op, a, b) => {
                let sign = match op {
                    CmpOp::Eq => "=",
                    CmpOp::Lt => "<",
                    _ => return UNKNOWN.to_owned(),
                };
                match (self.column_of(*a), self.column_of(*b)) {
                    (Some(column), None) => format!("{column} {sign} {}", self.constant(*b)),
                    (None, Some(column)) => format!("{} {sign} {column}", self.constant(*a)),
                    _ => UNKNOWN.to_owned(),
                }
            }
            Term::Not(inner) => format!("NOT ({})", self.condition(*inner)),
            _ => self.made_condition(argument),
        }
    }

    /// A condition that a call or an operator made: `and_(…)`, `a & b`, `Run.status.in_([…])`.
    fn made_condition(self, condition: Value) -> String {
        let Some(Origin::Call(name, on, args)) = self.engine.origin(self.state, condition) else {
            return UNKNOWN.to_owned();
        };
        match (name.as_str(), args.as_slice()) {
            ("and_" | "BitAnd", all) if !all.is_empty() => {
                let all: Vec<String> = all.iter().map(|part| self.condition(*part)).collect();
                format!("({})", all.join(" AND "))
            }
            ("in_", [list]) => match self.column_of(on) {
                Some(column) => self.keyword_condition(&column, "in", *list),
                None => UNKNOWN.to_owned(),
            },
            _ => UNKNOWN.to_owned(),
        }
    }

    /// `status="success"`, `rows__gt=0`, `status__in=["success"]`.
    fn keyword_condition(self, column: &str, test: &str, value: Value) -> String {
        let sign = match test {
            "exact" | "iexact" => "=",
            "gt" => ">",
            "gte" => ">=",
            "lt" => "<",
            "lte" => "<=",
            "in" => {
                let items = self.engine.known_items(self.state, value);
                let items = items.unwrap_or_default().into_iter();
                let items: Vec<String> = items.map(|item| self.constant(item)).collect();
                if items.is_empty() {
                    return UNKNOWN.to_owned();
                }
                return format!("{column} IN ({})", items.join(", "));
            }
            "isnull" => {
                let null = match self.engine.terms.literal(value) {
                    Some(Literal::Bool(true)) => "NULL",
                    Some(Literal::Bool(false)) => "NOT NULL",
                    _ => return UNKNOWN.to_owned(),
                };
                return format!("{column} IS {null}");
            }
            _ => return UNKNOWN.to_owned(),
        };
        format!("{column} {sign} {}", self.constant(value))
    }

    /// The name of a column: `status` of `Run.status`.
    fn column_of(self, v: Value) -> Option<String> {
        match self.engine.terms.term(base(self.engine, v)) {
            Term::Field(_, name) => Some(name.to_string()),
            Term::External(path) => path.rsplit_once('.').map(|(_, name)| name.to_owned()),
            _ => None,
        }
    }

    /// A value as it stands in the text of a query.
    fn constant(self, v: Value) -> String {
        match self.engine.terms.literal(v) {
            Some(Literal::Int(n)) => n.to_string(),
            Some(literal @ Literal::Str(_)) => match text_of(literal) {
                Some(text) if !text.contains('\'') => format!("'{text}'"),
                _ => "?".to_owned(),
            },
            _ => "?".to_owned(),
        }
    }
}
