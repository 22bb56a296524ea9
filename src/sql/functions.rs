//! The functions of SQL by name: what each does with a status or a count.

use sqlparser::ast::Expr;

use super::lower::Lowering;
use super::term::{Aggregate, Term};
use super::value::{Value, regex_as_like};

impl Lowering<'_> {
    /// A call. An argument that is not an expression is the star of `COUNT(*)`.
    pub(super) fn call(&mut self, name: &str, exprs: &[Option<&Expr>]) -> Term {
        let mut terms = Vec::with_capacity(exprs.len());
        for expr in exprs {
            // `COUNT(*)`.
            terms.push(expr.map_or_else(Term::always, |expr| self.expr(expr)));
        }
        let mut terms = terms.into_iter();
        let first = terms.next();
        let second = terms.next();
        match (name, first, second) {
            ("coalesce" | "ifnull" | "nvl" | "isnull", Some(first), second) => {
                let mut all = vec![first];
                all.extend(second);
                all.extend(terms);
                Term::Coalesce(all)
            }
            ("zeroifnull", Some(first), None) => Term::Coalesce(vec![first, Term::number(0.0)]),
            ("nullif", Some(first), Some(second)) => Term::NullIf(first.boxed(), second.boxed()),
            ("greatest" | "least", Some(first), second) => {
                let mut all = vec![first];
                all.extend(second);
                all.extend(terms);
                Term::Extreme(name == "greatest", all)
            }
            ("if" | "iff" | "iif", Some(condition), Some(result)) => {
                let otherwise = terms.next().unwrap_or(Term::Literal(Value::Null));
                Term::Case(vec![(condition, result)], otherwise.boxed())
            }
            ("abs", Some(first), None) => Term::Abs(first.boxed()),
            ("sign", Some(first), None) => Term::Sign(first.boxed()),
            ("starts_with" | "startswith", Some(first), Some(Term::Literal(Value::Text(text)))) => {
                Term::Like(first.boxed(), vec![format!("{text}%")])
            }
            (
                "regexp_contains" | "regexp_like",
                Some(first),
                Some(Term::Literal(Value::Text(text))),
            ) => match regex_as_like(&text) {
                Some(patterns) => Term::Like(first.boxed(), patterns),
                None => Term::Unknown,
            },
            (
                "json_value" | "json_extract_scalar" | "json_extract" | "json_query",
                _,
                Some(Term::Literal(Value::Text(path))),
            ) => {
                let key = path.rsplit(['.', '$']).next().unwrap_or("");
                self.known_column(key).unwrap_or(Term::Unknown)
            }
            (
                "lower" | "upper" | "trim" | "ltrim" | "rtrim" | "btrim" | "initcap" | "string"
                | "to_char" | "to_number" | "safe_cast" | "try_cast" | "int64" | "lax_int64"
                | "round" | "floor" | "ceil" | "ceiling" | "any_value" | "first_value"
                | "last_value",
                Some(first),
                _,
            ) => match name {
                "any_value" | "first_value" | "last_value" => {
                    Term::Aggregate(Aggregate::Value, first.boxed())
                }
                _ => Term::Same(first.boxed()),
            },
            (
                "sum" | "max" | "min" | "avg" | "array_agg" | "bool_or" | "bool_and" | "logical_or"
                | "logical_and" | "every" | "total",
                Some(first),
                _,
            ) => Term::Aggregate(Aggregate::Value, first.boxed()),
            ("string_agg" | "group_concat" | "listagg" | "approx_quantiles", _, _) => {
                Term::Aggregate(Aggregate::Value, Term::Unknown.boxed())
            }
            ("count", Some(first), _) => Term::Aggregate(Aggregate::Count, first.boxed()),
            ("count", None, _) => Term::Aggregate(Aggregate::Count, Term::always().boxed()),
            ("countif" | "count_if", Some(first), _) => {
                Term::Aggregate(Aggregate::CountIf, first.boxed())
            }
            _ => Term::Unknown,
        }
    }
}
