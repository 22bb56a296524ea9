//! Reduces expressions of the parser to terms.
//!
//! What is not understood becomes [`Term::Unknown`]. Depth and work are bounded; beyond the bounds,
//! the query counts as having unknown conditions.

use std::rc::Rc;

use sqlparser::ast::{
    AccessExpr, BinaryOperator, CaseWhen, Expr, Function, FunctionArg, FunctionArgExpr,
    FunctionArguments, Ident, InTarget, ObjectName, UnaryOperator, Value as Literal,
};

use super::Vocabulary;
use super::scan::{has_hole, is_hole};
use super::select::Relation;
use super::term::{Aggregate, Arithmetic, Comparison, DEEPEST_TERM, Term, Test};
use super::value::{Value, regex_as_like};

/// Expressions and queries nested deeper than this are unknown.
const DEEPEST_EXPRESSION: usize = 32;

/// The maximum number of terms of a query, including copies of columns through derived tables.
const MOST_TERMS: usize = 40_000;

/// A relation that an expression can refer to.
pub(super) struct Source {
    pub(super) alias: Option<String>,
    /// `None` for a table of the database.
    pub(super) relation: Option<Rc<Relation>>,
    /// Whether an outer join may leave its columns NULL.
    pub(super) optional: bool,
}

/// The names that are visible in a `SELECT`.
#[derive(Default)]
pub(super) struct QueryScope {
    pub(super) sources: Vec<Source>,
    /// Names from the select list, for `HAVING` and `QUALIFY`.
    pub(super) aliases: Vec<(String, Term)>,
}

/// The state while a query is read.
pub(super) struct Lowering<'v> {
    vocabulary: &'v Vocabulary<'v>,
    pub(super) scopes: Vec<QueryScope>,
    pub(super) ctes: Vec<(String, Rc<Relation>)>,
    pub(super) tables: Vec<String>,
    /// Whether something that may be a condition is unknown.
    pub(super) open: bool,
    depth: usize,
    fuel: usize,
}

impl<'v> Lowering<'v> {
    pub(super) fn new(vocabulary: &'v Vocabulary<'v>) -> Self {
        Lowering {
            vocabulary,
            scopes: Vec::new(),
            ctes: Vec::new(),
            tables: Vec::new(),
            open: false,
            depth: 0,
            fuel: MOST_TERMS,
        }
    }

    /// Runs `run` one level deeper; `None` if that is too deep or too much work.
    pub(super) fn deeper<T>(&mut self, run: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.depth >= DEEPEST_EXPRESSION || self.fuel == 0 {
            self.open = true;
            return None;
        }
        self.fuel -= 1;
        self.depth += 1;
        let result = run(self);
        self.depth -= 1;
        Some(result)
    }

    /// A copy of a term, unless that is too large.
    pub(super) fn copy(&mut self, term: &Term) -> Term {
        let (size, depth) = term.size();
        if depth > DEEPEST_TERM || size > self.fuel {
            self.open = true;
            return Term::Unknown;
        }
        self.fuel -= size;
        term.clone()
    }

    /// An expression where a condition is expected. There, a bare hole may be any condition.
    pub(super) fn condition(&mut self, expr: &Expr) -> Term {
        if let Expr::Identifier(ident) = expr
            && has_hole(&ident.value)
        {
            self.open = true;
            return Term::Unknown;
        }
        self.expr(expr)
    }

    pub(super) fn expr(&mut self, expr: &Expr) -> Term {
        self.deeper(|this| this.expr_inner(expr))
            .unwrap_or(Term::Unknown)
    }

    fn expr_inner(&mut self, expr: &Expr) -> Term {
        match expr {
            Expr::Identifier(ident) => self.identifier(None, ident),
            Expr::CompoundIdentifier(parts) => self.compound(parts),
            Expr::CompoundFieldAccess { root, access_chain } => self.access(root, access_chain),
            Expr::Nested(inner) => self.condition(inner),
            Expr::Value(value) => self.literal(&value.value),
            Expr::Cast { expr, .. }
            | Expr::Convert { expr, .. }
            | Expr::Collate { expr, .. }
            | Expr::Trim { expr, .. } => Term::Same(self.expr(expr).boxed()),
            Expr::BinaryOp { left, op, right } => self.binary(left, op, right),
            Expr::UnaryOp { op, expr } => self.unary(op, expr),
            Expr::Case {
                operand,
                conditions,
                else_result,
                ..
            } => self.case(operand.as_deref(), conditions, else_result.as_deref()),
            Expr::Subquery(subquery) => {
                let relation = self.query(subquery);
                let value = relation
                    .columns
                    .into_iter()
                    .next()
                    .map_or(Term::Unknown, |column| column.term);
                Term::Scalar(relation.rows.boxed(), value.boxed())
            }
            Expr::Function(function) => self.function(function),
            _ => self.predicate(expr),
        }
    }

    /// The predicates that SQL writes in words, such as `IS NULL` and `BETWEEN`.
    fn predicate(&mut self, expr: &Expr) -> Term {
        match expr {
            Expr::IsNull(inner) => self.is(Test::Null, inner),
            Expr::IsNotNull(inner) => self.is(Test::Null, inner).negated_if(true),
            Expr::IsTrue(inner) => self.is(Test::True, inner),
            Expr::IsNotTrue(inner) => self.is(Test::True, inner).negated_if(true),
            Expr::IsFalse(inner) => self.is(Test::False, inner),
            Expr::IsNotFalse(inner) => self.is(Test::False, inner).negated_if(true),
            Expr::IsDistinctFrom(left, right) => self.distinct(left, right, true),
            Expr::IsNotDistinctFrom(left, right) => self.distinct(left, right, false),
            Expr::In {
                expr,
                target,
                negated,
                ..
            } => self.membership(expr, target).negated_if(*negated),
            Expr::Between {
                expr,
                negated,
                low,
                high,
            } => self.between(expr, low, high).negated_if(*negated),
            Expr::Like {
                negated,
                expr,
                pattern,
                ..
            }
            | Expr::ILike {
                negated,
                expr,
                pattern,
                ..
            } => self.like(expr, pattern).negated_if(*negated),
            Expr::RLike {
                negated,
                expr,
                pattern,
                ..
            } => self.regex(expr, pattern).negated_if(*negated),
            Expr::AnyOp {
                left,
                compare_op: BinaryOperator::Eq,
                right,
                ..
            } => self.any_of(left, right),
            Expr::Exists { subquery, negated } => {
                let relation = self.query(subquery);
                Term::Exists(relation.rows.boxed()).negated_if(*negated)
            }
            _ => Term::Unknown,
        }
    }

    fn is(&mut self, test: Test, inner: &Expr) -> Term {
        Term::Test(test, self.expr(inner).boxed())
    }

    fn between(&mut self, subject: &Expr, low: &Expr, high: &Expr) -> Term {
        let subject = self.expr(subject);
        let low = self.expr(low).boxed();
        let high = self.expr(high).boxed();
        let copy = self.copy(&subject).boxed();
        Term::And(vec![
            Term::Compare(Comparison::GreaterOrEqual, subject.boxed(), low),
            Term::Compare(Comparison::LessOrEqual, copy, high),
        ])
    }

    fn unary(&mut self, op: &UnaryOperator, operand: &Expr) -> Term {
        match op {
            UnaryOperator::Not | UnaryOperator::BangNot => {
                Term::Not(self.condition(operand).boxed())
            }
            UnaryOperator::Minus => Term::Arithmetic(
                Arithmetic::Subtract,
                Term::number(0.0).boxed(),
                self.expr(operand).boxed(),
            ),
            UnaryOperator::Plus => self.expr(operand),
            _ => Term::Unknown,
        }
    }

    fn literal(&self, literal: &Literal) -> Term {
        let text = match literal {
            Literal::Null => return Term::Literal(Value::Null),
            Literal::Boolean(truth) => return Term::Literal(Value::Bool(*truth)),
            Literal::Number(number, _) => {
                return number.parse().map_or(Term::Unknown, Term::number);
            }
            Literal::Placeholder(_) => return Term::Hole,
            // BigQuery and MySQL quote strings with the quotes that other databases use for names.
            Literal::DoubleQuotedString(text) => match self.known_column(text) {
                Some(column) => return column,
                None => text,
            },
            Literal::SingleQuotedString(text)
            | Literal::TripleSingleQuotedString(text)
            | Literal::TripleDoubleQuotedString(text)
            | Literal::EscapedStringLiteral(text)
            | Literal::UnicodeStringLiteral(text)
            | Literal::SingleQuotedRawStringLiteral(text)
            | Literal::DoubleQuotedRawStringLiteral(text)
            | Literal::NationalStringLiteral(text) => text,
            _ => return Term::Unknown,
        };
        if has_hole(text) {
            Term::Hole
        } else {
            Term::Literal(Value::Text(text.to_lowercase()))
        }
    }

    pub(super) fn known_column(&self, name: &str) -> Option<Term> {
        if has_hole(name) {
            None
        } else if (self.vocabulary.is_status_column)(name) {
            Some(Term::Status)
        } else if (self.vocabulary.is_count_column)(name) {
            Some(Term::Records)
        } else {
            None
        }
    }

    fn compound(&mut self, parts: &[Ident]) -> Term {
        match parts {
            [.., table, column] => self.identifier(Some(&table.value), column),
            [column] => self.identifier(None, column),
            [] => Term::Unknown,
        }
    }

    fn identifier(&mut self, table: Option<&str>, ident: &Ident) -> Term {
        let name = ident.value.as_str();
        if is_hole(name) {
            return Term::Hole;
        }
        if has_hole(name) {
            return Term::Unknown;
        }
        // Unbound parameters that the tokenizer took for a name (`@@variable`).
        if name.starts_with('@') {
            return Term::Hole;
        }
        match self.visible(table, name) {
            Some(term) => self.copy(&term),
            None => match self.known_column(name) {
                Some(column) => column,
                None if table.is_none()
                    && ident.quote_style == Some('"')
                    && (self.vocabulary.is_success_word)(name) =>
                {
                    Term::Literal(Value::Text(name.to_lowercase()))
                }
                None => Term::Unknown,
            },
        }
    }

    /// The column of a derived table, or the name from the select list.
    fn visible(&self, table: Option<&str>, name: &str) -> Option<Term> {
        for scope in self.scopes.iter().rev() {
            let alias = scope
                .aliases
                .iter()
                .find(|(alias, _)| table.is_none() && alias.eq_ignore_ascii_case(name));
            if let Some((_, term)) = alias {
                return Some(term.clone());
            }
            for source in &scope.sources {
                let named = match (table, &source.alias) {
                    (None, _) => true,
                    (Some(table), Some(alias)) => table.eq_ignore_ascii_case(alias),
                    (Some(_), None) => false,
                };
                let Some(relation) = source.relation.as_ref().filter(|_| named) else {
                    continue;
                };
                let found = relation.columns.iter().find(|column| {
                    column
                        .name
                        .as_ref()
                        .is_some_and(|n| n.eq_ignore_ascii_case(name))
                });
                match found {
                    Some(column) if source.optional => {
                        return Some(Term::Maybe(column.term.clone().boxed()));
                    }
                    Some(column) => return Some(column.term.clone()),
                    // All columns are known and this is not one of them.
                    None if table.is_some() && !relation.is_wild() => return Some(Term::Unknown),
                    None => {}
                }
            }
        }
        None
    }

    /// `stats.records`, `ARRAY_AGG(status ORDER BY … LIMIT 1)[OFFSET(0)]`.
    fn access(&mut self, root: &Expr, chain: &[AccessExpr]) -> Term {
        match chain.last() {
            Some(AccessExpr::Dot(Expr::Identifier(field))) => {
                self.known_column(&field.value).unwrap_or(Term::Unknown)
            }
            Some(AccessExpr::Subscript(_)) if chain.len() == 1 => {
                Term::Same(self.expr(root).boxed())
            }
            _ => Term::Unknown,
        }
    }

    fn distinct(&mut self, left: &Expr, right: &Expr, distinct: bool) -> Term {
        let (left, right) = (self.expr(left), self.expr(right));
        let both_null = Term::And(vec![
            Term::Test(Test::Null, self.copy(&left).boxed()),
            Term::Test(Test::Null, self.copy(&right).boxed()),
        ]);
        let equal = Term::Compare(Comparison::Equal, left.boxed(), right.boxed());
        Term::Or(vec![Term::Test(Test::True, equal.boxed()), both_null]).negated_if(distinct)
    }

    fn equals_any(&mut self, subject: Term, list: &[Expr]) -> Term {
        let mut cases = Vec::with_capacity(list.len());
        for item in list {
            let item = self.expr(item).boxed();
            let subject = self.copy(&subject).boxed();
            cases.push(Term::Compare(Comparison::Equal, subject, item));
        }
        Term::Or(cases)
    }

    fn membership(&mut self, subject: &Expr, target: &InTarget) -> Term {
        let subject = self.expr(subject);
        match target {
            InTarget::List(list) => self.equals_any(subject, list),
            InTarget::Subquery(query) => Term::Exists(self.query(query).rows.boxed()),
            InTarget::Unnest(array) => match &**array {
                Expr::Array(array) => self.equals_any(subject, &array.elem),
                _ => Term::Unknown,
            },
            InTarget::Table { .. } => Term::Unknown,
        }
    }

    fn any_of(&mut self, left: &Expr, right: &Expr) -> Term {
        match right {
            Expr::Nested(inner) => self.any_of(left, inner),
            Expr::Cast { expr, .. } => self.any_of(left, expr),
            Expr::Array(array) => {
                let subject = self.expr(left);
                self.equals_any(subject, &array.elem)
            }
            Expr::Subquery(query) => Term::Exists(self.query(query).rows.boxed()),
            _ => Term::Unknown,
        }
    }

    fn pattern(&mut self, pattern: &Expr) -> Option<String> {
        match self.expr(pattern) {
            Term::Literal(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    fn like(&mut self, subject: &Expr, pattern: &Expr) -> Term {
        let subject = self.expr(subject).boxed();
        match self.pattern(pattern) {
            Some(pattern) => Term::Like(subject, vec![pattern]),
            None => Term::Unknown,
        }
    }

    fn regex(&mut self, subject: &Expr, pattern: &Expr) -> Term {
        let subject = self.expr(subject).boxed();
        match self.pattern(pattern).as_deref().and_then(regex_as_like) {
            Some(patterns) => Term::Like(subject, patterns),
            None => Term::Unknown,
        }
    }

    fn binary(&mut self, left: &Expr, op: &BinaryOperator, right: &Expr) -> Term {
        let comparison = match op {
            BinaryOperator::And | BinaryOperator::Or => return self.chain(left, op, right),
            BinaryOperator::Eq => Comparison::Equal,
            BinaryOperator::NotEq => Comparison::NotEqual,
            BinaryOperator::Lt => Comparison::Less,
            BinaryOperator::LtEq => Comparison::LessOrEqual,
            BinaryOperator::Gt => Comparison::Greater,
            BinaryOperator::GtEq => Comparison::GreaterOrEqual,
            BinaryOperator::Spaceship => return self.distinct(left, right, false),
            BinaryOperator::Plus => return self.arithmetic(Arithmetic::Add, left, right),
            BinaryOperator::Minus => return self.arithmetic(Arithmetic::Subtract, left, right),
            BinaryOperator::Multiply => {
                return self.arithmetic(Arithmetic::Multiply, left, right);
            }
            BinaryOperator::Divide => return self.arithmetic(Arithmetic::Divide, left, right),
            BinaryOperator::Arrow | BinaryOperator::LongArrow => {
                return match self.pattern(right) {
                    Some(key) => self.known_column(&key).unwrap_or(Term::Unknown),
                    None => Term::Unknown,
                };
            }
            BinaryOperator::PGLikeMatch | BinaryOperator::PGILikeMatch => {
                return self.like(left, right);
            }
            BinaryOperator::PGRegexMatch
            | BinaryOperator::PGRegexIMatch
            | BinaryOperator::Regexp => return self.regex(left, right),
            BinaryOperator::PGRegexNotMatch | BinaryOperator::PGRegexNotIMatch => {
                return self.regex(left, right).negated_if(true);
            }
            _ => return Term::Unknown,
        };
        let left = self.expr(left).boxed();
        Term::Compare(comparison, left, self.expr(right).boxed())
    }

    fn arithmetic(&mut self, operator: Arithmetic, left: &Expr, right: &Expr) -> Term {
        let left = self.expr(left).boxed();
        Term::Arithmetic(operator, left, self.expr(right).boxed())
    }

    /// A chain of `AND` or of `OR`. The parser nests it to the left, as deep as it is long.
    fn chain(&mut self, left: &Expr, op: &BinaryOperator, right: &Expr) -> Term {
        let mut operands = vec![right];
        let mut rest = left;
        while let Expr::BinaryOp {
            left,
            op: inner,
            right,
        } = rest
            && inner == op
        {
            operands.push(right);
            rest = left;
        }
        operands.push(rest);
        let terms = operands
            .into_iter()
            .rev()
            .map(|operand| self.condition(operand))
            .collect();
        if *op == BinaryOperator::And {
            Term::And(terms)
        } else {
            Term::Or(terms)
        }
    }

    fn case(
        &mut self,
        operand: Option<&Expr>,
        conditions: &[CaseWhen],
        otherwise: Option<&Expr>,
    ) -> Term {
        let operand = operand.map(|operand| self.expr(operand));
        let mut cases = Vec::with_capacity(conditions.len());
        for case in conditions {
            let condition = self.expr(&case.condition);
            let condition = match &operand {
                Some(operand) => {
                    let operand = self.copy(operand).boxed();
                    Term::Compare(Comparison::Equal, operand, condition.boxed())
                }
                None => condition,
            };
            cases.push((condition, self.expr(&case.result)));
        }
        let otherwise = otherwise.map_or(Term::Literal(Value::Null), |e| self.expr(e));
        Term::Case(cases, otherwise.boxed())
    }

    fn function(&mut self, function: &Function) -> Term {
        let name = last_part(&function.name).to_lowercase();
        let list: &[FunctionArg] = match &function.args {
            FunctionArguments::List(list) => &list.args,
            FunctionArguments::None | FunctionArguments::Subquery(_) => &[],
        };
        let exprs: Vec<Option<&Expr>> = list.iter().map(argument).collect();
        let call = self.call(&name, &exprs);
        let call = match (&function.filter, call) {
            (Some(filter), Term::Aggregate(aggregate, argument)) => {
                let case = vec![(self.condition(filter), *argument)];
                let otherwise = Term::Literal(Value::Null).boxed();
                Term::Aggregate(aggregate, Term::Case(case, otherwise).boxed())
            }
            (_, call) => call,
        };
        // A window function does not aggregate the rows.
        match (&function.over, call) {
            (Some(_), Term::Aggregate(Aggregate::Value, argument)) => Term::Same(argument),
            (Some(_), _) => Term::Unknown,
            (None, call) => call,
        }
    }
}

fn argument(argument: &FunctionArg) -> Option<&Expr> {
    let (FunctionArg::Named { arg, .. }
    | FunctionArg::ExprNamed { arg, .. }
    | FunctionArg::Unnamed(arg)) = argument;
    match arg {
        FunctionArgExpr::Expr(expr) => Some(expr),
        _ => None,
    }
}

/// The last part of a dotted name.
pub(super) fn last_part(name: &ObjectName) -> &str {
    name.0
        .last()
        .and_then(|part| part.as_ident())
        .map_or("", |ident| ident.value.as_str())
}
