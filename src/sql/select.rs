//! Queries: the condition under which a run is among, or behind, the returned rows.
//!
//! This module knows what `FROM`, joins, CTEs, set operations and grouping mean for that condition.

use std::rc::Rc;

use sqlparser::ast::{
    Expr, GroupByExpr, Ident, Join, JoinConstraint, JoinOperator, PipeOperator, Query, Select,
    SelectItem, SetExpr, SetOperator, TableFactor, TableWithJoins, WildcardAdditionalOptions,
};

use super::lower::{Lowering, QueryScope, Source, last_part};
use super::scan::readable;
use super::term::{Term, Test};

/// The name that stands for all columns of a table.
pub(super) const STAR: &str = "*";

/// A column of a relation.
#[derive(Clone)]
pub(super) struct RelationColumn {
    pub(super) name: Option<String>,
    pub(super) term: Term,
}

/// Rows that are left out because other rows exist, with the condition of these other rows.
#[derive(Clone)]
pub(super) struct Exclusion {
    pub(super) rows: Term,
    pub(super) open: bool,
}

/// The rows and columns that a query returns.
#[derive(Clone)]
pub(super) struct Relation {
    /// The condition under which a run is among, or behind, the rows.
    pub(super) rows: Term,
    pub(super) columns: Vec<RelationColumn>,
    pub(super) exclusions: Vec<Exclusion>,
    pub(super) one_row: bool,
}

impl Relation {
    pub(super) fn unknown() -> Self {
        Relation {
            rows: Term::Unknown,
            columns: vec![RelationColumn::star()],
            exclusions: Vec::new(),
            one_row: false,
        }
    }

    /// Whether it has columns that the query does not name.
    pub(super) fn is_wild(&self) -> bool {
        self.columns
            .iter()
            .any(|column| column.name.as_deref() == Some(STAR))
    }
}

impl RelationColumn {
    fn star() -> Self {
        RelationColumn {
            name: Some(STAR.to_owned()),
            term: Term::Unknown,
        }
    }
}

/// What is collected while the `FROM` clause is read.
#[derive(Default)]
struct From {
    conditions: Vec<Term>,
    exclusions: Vec<Exclusion>,
    /// The optional sides of outer joins: alias, and condition of the joined rows.
    outer: Vec<(Option<String>, Term)>,
    one_row: bool,
}

impl Lowering<'_> {
    pub(super) fn query(&mut self, query: &Query) -> Relation {
        let ctes = self.ctes.len();
        let relation = self.deeper(|this| {
            for cte in query.with.iter().flat_map(|with| &with.cte_tables) {
                let mut relation = this.query(&cte.query);
                for (column, alias) in relation.columns.iter_mut().zip(&cte.alias.columns) {
                    column.name = Some(alias.name.value.clone());
                }
                let name = cte.alias.name.value.clone();
                this.ctes.push((name, Rc::new(relation)));
            }
            let mut relation = this.set(&query.body);
            for operator in &query.pipe_operators {
                this.pipe(operator, &mut relation);
            }
            relation
        });
        self.ctes.truncate(ctes);
        relation.unwrap_or_else(Relation::unknown)
    }

    /// BigQuery's pipe syntax. Only filters are followed.
    fn pipe(&mut self, operator: &PipeOperator, relation: &mut Relation) {
        match operator {
            PipeOperator::Where { expr } => {
                let condition = self.condition(expr);
                let rows = std::mem::replace(&mut relation.rows, Term::Unknown);
                relation.rows = Term::And(vec![rows, condition]);
            }
            PipeOperator::Limit { .. } | PipeOperator::OrderBy { .. } => {}
            _ => {
                self.open = true;
                relation.columns = vec![RelationColumn::star()];
                relation.one_row = false;
            }
        }
    }

    fn set(&mut self, body: &SetExpr) -> Relation {
        self.deeper(|this| match body {
            SetExpr::Select(select) => this.select(select),
            SetExpr::Query(query) => this.query(query),
            SetExpr::SetOperation {
                left, op, right, ..
            } => {
                let mut left = this.set(left);
                let before = this.open;
                this.open = false;
                let right = this.set(right);
                let open = std::mem::replace(&mut this.open, before);
                left.one_row = false;
                match op {
                    SetOperator::Union => {
                        this.open |= open;
                        left.rows = Term::Or(vec![left.rows, right.rows]);
                        left.exclusions.extend(right.exclusions);
                    }
                    SetOperator::Except | SetOperator::Minus => left.exclusions.push(Exclusion {
                        rows: right.rows,
                        open,
                    }),
                    SetOperator::Intersect => {
                        this.open |= open;
                        left.rows = Term::And(vec![left.rows, Term::Exists(right.rows.boxed())]);
                    }
                }
                left
            }
            _ => Relation::unknown(),
        })
        .unwrap_or_else(Relation::unknown)
    }

    fn select(&mut self, select: &Select) -> Relation {
        self.scopes.push(QueryScope::default());
        let mut from = From {
            one_row: select.from.len() == 1,
            ..From::default()
        };
        for table in &select.from {
            self.table_with_joins(table, &mut from);
        }
        let mut conditions = std::mem::take(&mut from.conditions);
        for expr in select.prewhere.iter().chain(&select.selection) {
            let condition = self.condition(expr);
            self.outer_exclusions(expr, &condition, &mut from);
            conditions.push(condition);
        }
        let columns = self.columns(&select.projection);
        if let Some(scope) = self.scopes.last_mut() {
            scope.aliases = columns
                .iter()
                .filter_map(|column| Some((column.name.clone()?, column.term.clone())))
                .filter(|(name, term)| name != STAR && *term != Term::Unknown)
                .collect();
        }
        for expr in select.having.iter().chain(&select.qualify) {
            let condition = self.condition(expr);
            if condition.mentions(&Term::Status) {
                // `HAVING COUNTIF(status = 'success') = 0`.
                let mut rows = conditions.clone();
                rows.push(Term::Not(self.copy(&condition).boxed()));
                from.exclusions.push(Exclusion {
                    rows: Term::And(rows),
                    open: false,
                });
            }
            conditions.push(condition);
        }
        self.scopes.pop();

        if select.from.is_empty() {
            conditions.extend(columns.iter().find_map(|column| behind(&column.term)));
        }
        let rows = Term::And(conditions);
        anti(&rows, self.open, &mut from.exclusions);
        let grouped = match &select.group_by {
            GroupByExpr::All(_) => true,
            GroupByExpr::Expressions(exprs, modifiers) => {
                !exprs.is_empty() || !modifiers.is_empty()
            }
        };
        let folded = columns.iter().any(|column| has_aggregate(&column.term));
        let filtered = select.selection.is_some() || select.qualify.is_some();
        let one_row = !grouped
            && select.having.is_none()
            && (folded || ((select.from.is_empty() || from.one_row) && !filtered));
        Relation {
            rows,
            columns,
            exclusions: from.exclusions,
            one_row,
        }
    }

    fn table_with_joins(&mut self, table: &TableWithJoins, from: &mut From) {
        let rows = self.factor(&table.relation, false, from);
        from.conditions.push(rows);
        from.one_row &= table.joins.is_empty();
        for join in &table.joins {
            self.join(join, from);
        }
    }

    fn join(&mut self, join: &Join, from: &mut From) {
        let (constraint, left_stays, right_stays) = match &join.join_operator {
            JoinOperator::Left(on) | JoinOperator::LeftOuter(on) => (Some(on), true, false),
            JoinOperator::Right(on) | JoinOperator::RightOuter(on) => (Some(on), false, true),
            JoinOperator::FullOuter(on) => (Some(on), false, false),
            JoinOperator::OuterApply | JoinOperator::LeftArrayJoin => (None, true, false),
            JoinOperator::Join(on)
            | JoinOperator::Inner(on)
            | JoinOperator::CrossJoin(on)
            | JoinOperator::StraightJoin(on)
            | JoinOperator::Semi(on)
            | JoinOperator::LeftSemi(on)
            | JoinOperator::Anti(on)
            | JoinOperator::LeftAnti(on) => (Some(on), true, true),
            _ => (None, true, true),
        };
        let optional = !right_stays;
        let rows = self.factor(&join.relation, optional, from);
        let on = match constraint {
            Some(JoinConstraint::On(expr)) => self.condition(expr),
            _ => Term::always(),
        };
        match &join.join_operator {
            JoinOperator::Anti(_) | JoinOperator::LeftAnti(_) => {
                from.exclusions.push(Exclusion {
                    rows: Term::And(vec![rows, on]),
                    open: self.open,
                });
                return;
            }
            _ if left_stays && right_stays => {
                from.conditions.extend([rows, on]);
                return;
            }
            _ => {}
        }
        if !left_stays {
            // The rows of the left side are now optional, and so are their conditions.
            from.conditions.clear();
            let earlier = self.scopes.last_mut().map(|scope| &mut scope.sources);
            if let Some((_, earlier)) = earlier.and_then(|sources| sources.split_last_mut()) {
                for source in earlier {
                    source.optional = true;
                }
            }
        }
        if right_stays {
            from.conditions.push(rows);
            from.outer.push((None, on));
        } else {
            let alias = self
                .scopes
                .last()
                .and_then(|scope| scope.sources.last())
                .and_then(|source| source.alias.clone());
            from.outer.push((alias, Term::And(vec![rows, on])));
        }
    }

    /// Adds a relation to the scope, and returns the condition of its rows.
    fn factor(&mut self, factor: &TableFactor, optional: bool, from: &mut From) -> Term {
        let (alias, relation) = match factor {
            TableFactor::Table {
                name, alias, args, ..
            } => {
                let table = last_part(name);
                let cte = (name.0.len() == 1)
                    .then(|| {
                        let named = |(cte, _): &&(String, _)| cte.eq_ignore_ascii_case(table);
                        self.ctes.iter().rev().find(named)
                    })
                    .flatten()
                    .map(|(_, relation)| Rc::clone(relation));
                if cte.is_none() && args.is_none() {
                    let parts: Vec<&str> = name
                        .0
                        .iter()
                        .filter_map(|part| part.as_ident())
                        .map(|ident| ident.value.as_str())
                        .collect();
                    self.note_table(&parts.join("."));
                }
                let alias = alias.as_ref().map_or(table, |alias| &alias.name.value);
                (Some(alias.to_owned()), cte)
            }
            TableFactor::Derived {
                subquery, alias, ..
            } => {
                let relation = Rc::new(self.query(subquery));
                let alias = alias.as_ref().map(|alias| alias.name.value.clone());
                (alias, Some(relation))
            }
            TableFactor::NestedJoin {
                table_with_joins, ..
            } => {
                let mut inner = From::default();
                self.deeper(|this| this.table_with_joins(table_with_joins, &mut inner));
                from.one_row = false;
                from.outer.append(&mut inner.outer);
                from.exclusions.append(&mut inner.exclusions);
                return Term::And(inner.conditions);
            }
            _ => (None, None),
        };
        let rows = match &relation {
            Some(relation) => {
                from.one_row &= relation.one_row;
                if !optional {
                    from.exclusions.extend(relation.exclusions.iter().cloned());
                }
                self.copy(&relation.rows)
            }
            None => {
                from.one_row = false;
                Term::always()
            }
        };
        if let Some(scope) = self.scopes.last_mut() {
            scope.sources.push(Source {
                alias,
                relation,
                optional,
            });
        }
        rows
    }

    pub(super) fn note_table(&mut self, name: &str) {
        let name = readable(name);
        if !name.is_empty() && !self.tables.contains(&name) {
            self.tables.push(name);
        }
    }

    /// The effect of `WHERE` on outer joins: `r.id IS NULL` keeps the rows without a partner.
    fn outer_exclusions(&mut self, selection: &Expr, condition: &Term, from: &mut From) {
        if from.outer.is_empty() {
            return;
        }
        if condition.mentions(&Term::Status) {
            // `r.status IS NULL OR r.status <> 'success'`.
            let rows = Term::Not(self.copy(condition).boxed());
            from.exclusions.push(Exclusion {
                rows,
                open: self.open,
            });
        }
        let mut pending = vec![selection];
        while let Some(expr) = pending.pop() {
            match expr {
                Expr::Nested(inner) => pending.push(inner),
                Expr::BinaryOp {
                    left,
                    op: sqlparser::ast::BinaryOperator::And,
                    right,
                } => pending.extend([&**left, &**right]),
                Expr::IsNull(inner) => {
                    let table = match &**inner {
                        Expr::CompoundIdentifier(parts) => parts
                            .len()
                            .checked_sub(2)
                            .and_then(|at| parts.get(at))
                            .map(|ident| ident.value.as_str()),
                        Expr::Identifier(_) => None,
                        _ => continue,
                    };
                    let open = self.open;
                    let partners = from.outer.iter().filter(|(alias, _)| match (table, alias) {
                        (Some(table), Some(alias)) => table.eq_ignore_ascii_case(alias),
                        _ => true,
                    });
                    from.exclusions.extend(partners.map(|(_, rows)| Exclusion {
                        rows: rows.clone(),
                        open,
                    }));
                }
                _ => {}
            }
        }
    }

    pub(super) fn columns(&mut self, projection: &[SelectItem]) -> Vec<RelationColumn> {
        let mut columns = Vec::with_capacity(projection.len());
        for item in projection {
            match item {
                SelectItem::UnnamedExpr(expr) => {
                    let name = natural_name(expr).map(|ident| ident.value.clone());
                    let term = self.expr(expr);
                    columns.push(RelationColumn { name, term });
                }
                SelectItem::ExprWithAlias { expr, alias } => {
                    let term = self.expr(expr);
                    columns.push(RelationColumn {
                        name: Some(alias.value.clone()),
                        term,
                    });
                }
                SelectItem::ExprWithAliases { .. } => columns.push(RelationColumn::star()),
                SelectItem::Wildcard(options) => self.wildcard(None, options, &mut columns),
                SelectItem::QualifiedWildcard(kind, options) => {
                    let table = match kind {
                        sqlparser::ast::SelectItemQualifiedWildcardKind::ObjectName(name) => {
                            last_part(name)
                        }
                        sqlparser::ast::SelectItemQualifiedWildcardKind::Expr(_) => "",
                    };
                    self.wildcard(Some(table), options, &mut columns);
                }
            }
        }
        for column in &mut columns {
            column.name = column.name.take().map(|name| readable(&name));
        }
        columns
    }

    /// The columns of the derived tables in scope, and a star for each table of the database.
    fn wildcard(
        &mut self,
        table: Option<&str>,
        options: &WildcardAdditionalOptions,
        columns: &mut Vec<RelationColumn>,
    ) {
        let left_out: Vec<&Ident> = options
            .opt_except
            .iter()
            .flat_map(|except| {
                std::iter::once(&except.first_element).chain(&except.additional_elements)
            })
            .collect();
        let is_left_out = |name: &str| {
            left_out
                .iter()
                .any(|ident| ident.value.eq_ignore_ascii_case(name))
        };
        let mut found: Vec<RelationColumn> = Vec::new();
        for source in self.scopes.last().map_or(&[][..], |scope| &scope.sources) {
            let named = match (table, &source.alias) {
                (None, _) => true,
                (Some(table), Some(alias)) => table.eq_ignore_ascii_case(alias),
                (Some(_), None) => false,
            };
            match source.relation.as_ref().filter(|_| named) {
                Some(relation) => found.extend(
                    relation
                        .columns
                        .iter()
                        .filter(|column| !column.name.as_deref().is_some_and(is_left_out))
                        .cloned(),
                ),
                None if named => found.push(RelationColumn::star()),
                None => {}
            }
        }
        if found.is_empty() || found.len() > 1_000 {
            found = vec![RelationColumn::star()];
        }
        for column in found {
            let term = self.copy(&column.term);
            let name = column.name;
            columns.push(RelationColumn { name, term });
        }
    }
}

/// The name of a column without an alias.
fn natural_name(expr: &Expr) -> Option<&Ident> {
    match expr {
        Expr::Identifier(ident) => Some(ident),
        Expr::CompoundIdentifier(parts) => parts.last(),
        Expr::Nested(inner) | Expr::Cast { expr: inner, .. } => natural_name(inner),
        _ => None,
    }
}

/// The condition of the rows behind a column without a `FROM` (`SELECT EXISTS (SELECT …)`).
fn behind(term: &Term) -> Option<Term> {
    let mut pending = vec![term];
    while let Some(term) = pending.pop() {
        match term {
            Term::Exists(rows) | Term::Scalar(rows, _) => return Some((**rows).clone()),
            _ => pending.extend(term.parts()),
        }
    }
    None
}

/// Whether a column aggregates the rows. Aggregates in subqueries do not count.
pub(super) fn has_aggregate(term: &Term) -> bool {
    let mut pending = vec![term];
    while let Some(term) = pending.pop() {
        match term {
            Term::Aggregate(..) => return true,
            Term::Exists(_) | Term::Scalar(..) => {}
            _ => pending.extend(term.parts()),
        }
    }
    false
}

/// Collects the exclusions (`NOT EXISTS (SELECT …)`, `NOT IN (SELECT …)`) among the conjuncts of a
/// condition.
pub(super) fn anti(rows: &Term, open: bool, exclusions: &mut Vec<Exclusion>) {
    let mut pending = vec![rows];
    while let Some(term) = pending.pop() {
        match term {
            Term::And(terms) => pending.extend(terms),
            Term::Not(inner) => {
                if let Term::Exists(rows) = strip(inner) {
                    exclusions.push(Exclusion {
                        rows: (**rows).clone(),
                        open,
                    });
                }
            }
            // `(SELECT COUNT(*) FROM …) = 0`.
            Term::Compare(super::term::Comparison::Equal, left, right) => {
                for (one, other) in [(left, right), (right, left)] {
                    if let Term::Scalar(rows, value) = &**one
                        && has_aggregate(value)
                        && **other == Term::number(0.0)
                    {
                        exclusions.push(Exclusion {
                            rows: (**rows).clone(),
                            open,
                        });
                    }
                }
            }
            _ => {}
        }
    }
}

fn strip(term: &Term) -> &Term {
    match term {
        Term::Same(inner) | Term::Test(Test::True, inner) => strip(inner),
        other => other,
    }
}
