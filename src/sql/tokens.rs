//! Reads queries that no dialect can parse from their tokens.
//!
//! This finds the clauses of the outermost `SELECT`s, and parses conditions and columns one by one.
//! A part that cannot be parsed is unknown. Nothing here recurses, except into bracketed conditions
//! up to a fixed depth.

use sqlparser::dialect::{Dialect, GenericDialect, PostgreSqlDialect};
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, Word};

use super::big_query::BigQuery;
use super::lower::Lowering;
use super::parse::{is_parsable, take_out_clauses, tokenize};
use super::select::{Relation, RelationColumn, has_aggregate};
use super::term::Term;
use super::{Kind, Query, Vocabulary};

/// How deep brackets in a condition are followed.
const DEEPEST_BRACKETS: usize = 16;

/// How many parts are parsed in all. Further ones are unknown.
const MOST_PARTS: usize = 400;

const DIALECTS: [&dyn Dialect; 3] = [&BigQuery, &PostgreSqlDialect {}, &GenericDialect {}];

/// Words that start a clause of a SELECT.
const CLAUSES: &[&str] = &[
    "select",
    "from",
    "where",
    "group",
    "having",
    "qualify",
    "window",
    "order",
    "limit",
    "offset",
    "fetch",
    "for",
    "union",
    "except",
    "intersect",
    "minus",
];

fn word(token: &Token) -> Option<String> {
    match token {
        Token::Word(Word {
            value,
            quote_style: None,
            ..
        }) => Some(value.to_ascii_lowercase()),
        _ => None,
    }
}

fn is(token: &Token, expected: &str) -> bool {
    matches!(token, Token::Word(Word { value, quote_style: None, .. })
        if value.eq_ignore_ascii_case(expected))
}

/// Reads a query from the tokens at the start of a text.
pub(super) fn read(text: &str, vocabulary: &Vocabulary<'_>) -> Option<Query> {
    let (mut tokens, mut whole) = tokenize(&BigQuery, text);
    if !whole {
        let (others, all) = tokenize(&GenericDialect {}, text);
        if others.len() > tokens.len() {
            (tokens, whole) = (others, all);
        }
    }
    let taken_out = take_out_clauses(&mut tokens);
    let kind = kind(&tokens)?;
    let mut reader = Reader {
        lowering: Lowering::new(vocabulary),
        parts: 0,
    };
    reader.lowering.open = taken_out || !whole || !balanced(&tokens);
    let mut relation = if kind == Kind::Select {
        reader.selects(&tokens)
    } else {
        Relation::unknown()
    };
    super::select::anti(
        &relation.rows,
        reader.lowering.open,
        &mut relation.exclusions,
    );
    let Reader { lowering, .. } = reader;
    Some(Query::new(
        kind,
        relation,
        lowering.open,
        lowering.tables,
        vocabulary,
    ))
}

/// The kind of the statement, if its words are in a plausible order.
fn kind(tokens: &[Token]) -> Option<Kind> {
    let first = tokens.iter().find(|token| **token != Token::LParen)?;
    let first = word(first)?;
    let rest = tokens.get(1..).unwrap_or_default();
    let has = |words: &[&str]| {
        rest.iter()
            .any(|token| words.iter().any(|expected| is(token, expected)))
    };
    let follows = |words: &[&str]| {
        rest.first()
            .is_some_and(|token| words.iter().any(|expected| is(token, expected)))
    };
    match first.as_str() {
        "select" => plausible(tokens).then_some(Kind::Select),
        "with" => (has(&["as"]) && has(&["select"]) && rest.contains(&Token::LParen))
            .then_some(Kind::Select),
        "insert" | "replace" => (follows(&["into", "overwrite", "ignore"])
            && (has(&["values", "select"])))
        .then_some(Kind::Write),
        "update" => (has(&["set"]) && rest.contains(&Token::Eq)).then_some(Kind::Write),
        "delete" => (follows(&["from"]) && has(&["where"])).then_some(Kind::Write),
        "merge" => (has(&["using"]) && has(&["when"])).then_some(Kind::Write),
        "create" | "drop" | "alter" | "truncate" => follows(&[
            "table",
            "view",
            "temp",
            "temporary",
            "or",
            "index",
            "schema",
        ])
        .then_some(Kind::Write),
        "explain" | "declare" | "begin" => has(&["select"]).then_some(Kind::Other),
        _ => None,
    }
}

/// Prose may start with "select" and continue with "from". A query also has an operator, a list or
/// a clause.
fn plausible(tokens: &[Token]) -> bool {
    let Some(from) = tokens.iter().position(|token| is(token, "from")) else {
        return false;
    };
    let rest = tokens.get(from..).unwrap_or_default();
    let clause = ["where", "join", "group", "order", "limit", "having"]
        .iter()
        .any(|clause| rest.iter().any(|token| is(token, clause)));
    let symbol = |token: &Token| {
        matches!(
            token,
            Token::SingleQuotedString(_)
                | Token::Mul
                | Token::LParen
                | Token::Eq
                | Token::Neq
                | Token::Lt
                | Token::Gt
                | Token::LtEq
                | Token::GtEq
        )
    };
    (clause && tokens.iter().any(symbol)) || tokens.get(1) == Some(&Token::Mul)
}

fn balanced(tokens: &[Token]) -> bool {
    let mut depth = 0_i64;
    for token in tokens {
        match token {
            Token::LParen => depth += 1,
            Token::RParen => depth -= 1,
            _ => {}
        }
        if depth < 0 {
            return false;
        }
    }
    depth == 0
}

/// Splits tokens at the separators outside brackets.
fn split(tokens: &[Token], separates: impl Fn(&Token) -> bool) -> Vec<&[Token]> {
    let mut parts = Vec::new();
    let (mut depth, mut start) = (0_i64, 0);
    for (at, token) in tokens.iter().enumerate() {
        match token {
            Token::LParen => depth += 1,
            Token::RParen => depth -= 1,
            _ if is(token, "case") => depth += 1,
            _ if is(token, "end") => depth -= 1,
            _ if depth == 0 && separates(token) => {
                parts.push(&tokens[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(tokens.get(start..).unwrap_or_default());
    parts
}

struct Reader<'v> {
    lowering: Lowering<'v>,
    parts: usize,
}

impl Reader<'_> {
    /// The outermost SELECTs, as branches of a union.
    fn selects(&mut self, tokens: &[Token]) -> Relation {
        let statement = split(tokens, |token| *token == Token::SemiColon);
        let tokens = statement.first().copied().unwrap_or_default();
        if tokens.first().is_some_and(|token| is(token, "with")) {
            // Conditions inside named queries are not followed.
            self.lowering.open = true;
        }
        let clauses = clauses(tokens);
        let mut branches: Vec<Term> = Vec::new();
        let mut conditions: Vec<Term> = Vec::new();
        let mut columns: Option<Vec<RelationColumn>> = None;
        let mut grouped = false;
        let mut seen = false;
        for (name, body) in &clauses {
            match name.as_str() {
                "select" => {
                    seen = true;
                    let read = self.columns(body);
                    columns.get_or_insert(read);
                }
                "from" => self.tables(body),
                "where" | "having" | "qualify" => {
                    grouped |= name == "having";
                    let condition = self.condition(body, 0);
                    conditions.push(condition);
                }
                "group" => grouped = true,
                "union" => branches.push(Term::And(std::mem::take(&mut conditions))),
                "except" | "minus" | "intersect" => {
                    // What follows leaves rows out, or is a condition on them.
                    self.lowering.open = true;
                    break;
                }
                _ => {}
            }
        }
        branches.push(Term::And(conditions));
        if !seen {
            self.lowering.open = true;
            return Relation::unknown();
        }
        let columns = columns.unwrap_or_default();
        let folded = columns.iter().any(|column| has_aggregate(&column.term));
        Relation {
            one_row: folded && !grouped && branches.len() == 1,
            rows: Term::Or(branches),
            columns,
            exclusions: Vec::new(),
        }
    }

    fn columns(&mut self, tokens: &[Token]) -> Vec<RelationColumn> {
        let mut columns = Vec::new();
        let start = usize::from(tokens.first().is_some_and(|t| is(t, "distinct")));
        let tokens = tokens.get(start..).unwrap_or_default();
        for part in split(tokens, |token| *token == Token::Comma) {
            let item = self.parse(part, |parser| parser.parse_select_item());
            match item {
                Some(item) => columns.extend(self.lowering.columns(std::slice::from_ref(&item))),
                None => columns.push(RelationColumn {
                    name: None,
                    term: Term::Unknown,
                }),
            }
        }
        columns
    }

    fn tables(&mut self, tokens: &[Token]) {
        let mut expected = true;
        let mut name: Vec<String> = Vec::new();
        for token in tokens {
            match token {
                Token::Word(word)
                    if expected && (name.is_empty() || name.ends_with(&[".".to_owned()])) =>
                {
                    name.push(word.value.clone());
                }
                Token::Period if !name.is_empty() => name.push(".".to_owned()),
                // Conditions inside derived tables are not followed.
                Token::LParen => {
                    self.lowering.open = true;
                    expected = false;
                }
                _ => {
                    if !name.is_empty() {
                        self.lowering.note_table(&name.concat());
                        name.clear();
                    }
                    expected = *token == Token::Comma || is(token, "join");
                }
            }
            if is(token, "on") || is(token, "using") {
                // Nor are the conditions of joins.
                self.lowering.open = true;
            }
        }
        if !name.is_empty() {
            self.lowering.note_table(&name.concat());
        }
    }

    /// A condition: as a whole if it can be parsed, or else by its operands.
    fn condition(&mut self, tokens: &[Token], depth: usize) -> Term {
        if let Some(expr) = self.parse(tokens, |parser| parser.parse_expr()) {
            return self.lowering.condition(&expr);
        }
        if depth >= DEEPEST_BRACKETS || self.parts >= MOST_PARTS {
            self.lowering.open = true;
            return Term::Unknown;
        }
        let alternatives = split(tokens, |token| is(token, "or"));
        if alternatives.len() > 1 {
            let terms = alternatives
                .into_iter()
                .map(|part| self.condition(part, depth + 1));
            return Term::Or(terms.collect());
        }
        let conjuncts = conjuncts(tokens);
        if conjuncts.len() > 1 {
            let terms = conjuncts
                .into_iter()
                .map(|part| self.condition(part, depth + 1));
            return Term::And(terms.collect());
        }
        match tokens {
            [first, rest @ ..] if is(first, "not") => {
                Term::Not(self.condition(rest, depth + 1).boxed())
            }
            [Token::LParen, inner @ .., Token::RParen] if balanced(inner) => {
                self.condition(inner, depth + 1)
            }
            _ => {
                self.lowering.open = true;
                Term::Unknown
            }
        }
    }

    /// Parses all tokens with the first dialect that can.
    fn parse<T>(
        &mut self,
        tokens: &[Token],
        parse: impl Fn(&mut Parser<'_>) -> Result<T, sqlparser::parser::ParserError>,
    ) -> Option<T> {
        self.parts += 1;
        if tokens.is_empty() || self.parts > MOST_PARTS || !is_parsable(tokens) {
            return None;
        }
        DIALECTS.iter().find_map(|dialect| {
            let mut parser = Parser::new(*dialect)
                .with_recursion_limit(super::parse::RECURSION_LIMIT)
                .with_tokens(tokens.to_vec());
            let parsed = parse(&mut parser).ok()?;
            (parser.peek_token().token == Token::EOF).then_some(parsed)
        })
    }
}

/// The clauses outside of brackets, each with the word that it starts with.
fn clauses(tokens: &[Token]) -> Vec<(String, &[Token])> {
    let mut starts: Vec<(String, usize)> = Vec::new();
    let mut depth = 0_i64;
    for (at, token) in tokens.iter().enumerate() {
        match token {
            Token::LParen => depth += 1,
            Token::RParen => depth -= 1,
            _ if depth == 0 => starts.extend(
                word(token)
                    .filter(|name| CLAUSES.contains(&name.as_str()))
                    .map(|name| (name, at)),
            ),
            _ => {}
        }
    }
    let ends: Vec<usize> = starts
        .iter()
        .skip(1)
        .map(|&(_, at)| at)
        .chain([tokens.len()])
        .collect();
    starts
        .into_iter()
        .zip(ends)
        .map(|((name, at), end)| (name, tokens.get(at + 1..end).unwrap_or_default()))
        .collect()
}

/// Splits at every `AND` that does not belong to a `BETWEEN`.
fn conjuncts(tokens: &[Token]) -> Vec<&[Token]> {
    let mut parts: Vec<&[Token]> = Vec::new();
    let mut start = 0;
    for part in split(tokens, |token| is(token, "and")) {
        let end = start + part.len();
        let between = |tokens: &[Token]| tokens.iter().any(|token| is(token, "between"));
        match parts.last_mut() {
            Some(last) if between(last) && !last.iter().any(|token| is(token, "and")) => {
                let from = start - 1 - last.len();
                *last = &tokens[from..end];
            }
            _ => parts.push(part),
        }
        start = end + 1;
    }
    parts
}
