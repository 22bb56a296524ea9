//! Parses a text as a query: chooses the dialect, and guards the parser.
//!
//! A deep expression cannot be parsed or even dropped safely, so nesting and chained operators are
//! counted in the tokens first.

use sqlparser::ast::{Expr, FromTable, SetExpr, Statement};
use sqlparser::dialect::{Dialect, GenericDialect, MySqlDialect, PostgreSqlDialect, SQLiteDialect};
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer, Word};

use super::big_query::BigQuery;
use super::lower::Lowering;
use super::scan::is_hole;
use super::select::Relation;
use super::term::Term;
use super::{Kind, Piece, Query, Vocabulary, statements, tokens};

/// The parser's own recursion limit. Its stack frames are large in unoptimised builds, where this
/// must fit into the 2 MiB of a plain thread.
pub(super) const RECURSION_LIMIT: usize = 24;

/// Texts with deeper brackets are not parsed.
const DEEPEST_BRACKETS: usize = 12;

/// Texts with more operators that may be chained are not parsed.
const MOST_OPERATORS: usize = 500;

/// Texts with more tokens are not parsed.
const MOST_TOKENS: usize = 30_000;

/// First words of statements.
const FIRST_WORDS: &[&str] = &[
    "select", "with", "insert", "update", "delete", "merge", "replace", "create", "truncate",
    "drop", "alter", "explain", "declare", "begin", "call",
];

/// Words before an operand. After any other word, a hole is a separate piece of text.
const BEFORE_OPERAND: &[&str] = &[
    "select",
    "distinct",
    "all",
    "from",
    "join",
    "where",
    "and",
    "or",
    "not",
    "on",
    "having",
    "qualify",
    "by",
    "in",
    "like",
    "ilike",
    "between",
    "as",
    "case",
    "when",
    "then",
    "else",
    "limit",
    "offset",
    "interval",
    "set",
    "into",
    "update",
    "table",
    "values",
    "using",
    "union",
    "except",
    "intersect",
    "minus",
    "with",
    "is",
    "exists",
    "insert",
    "delete",
    "fetch",
    "next",
    "top",
    "any",
    "some",
    "over",
    "escape",
    "rlike",
    "regexp",
    "date",
    "timestamp",
    "of",
    "for",
    "to",
    "div",
    "mod",
    "xor",
];

/// Whether the text starts like a statement. This reads only a few characters.
pub(super) fn may_be_sql(pieces: &[Piece<'_>]) -> bool {
    for piece in pieces {
        let Piece::Text(text) = piece else { continue };
        let mut rest = text.trim_start_matches(|c: char| c.is_whitespace() || c == '(');
        loop {
            let after = if rest.starts_with("--") || rest.starts_with('#') {
                rest.split_once('\n').map(|(_, after)| after)
            } else if rest.starts_with("/*") {
                rest.split_once("*/").map(|(_, after)| after)
            } else {
                break;
            };
            rest = after
                .unwrap_or("")
                .trim_start_matches(|c: char| c.is_whitespace() || c == '(');
        }
        if rest.is_empty() {
            continue;
        }
        // A template before the statement.
        if rest.starts_with('{') {
            return true;
        }
        let end = rest
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(rest.len());
        return FIRST_WORDS
            .iter()
            .any(|word| rest[..end].eq_ignore_ascii_case(word));
    }
    false
}

/// The tokens, without white space, up to the first invalid one. The second value tells whether
/// that was the end of the text.
pub(super) fn tokenize(dialect: &dyn Dialect, text: &str) -> (Vec<Token>, bool) {
    let mut buffer: Vec<TokenWithSpan> = Vec::new();
    let whole = Tokenizer::new(dialect, text)
        .tokenize_with_location_into_buf(&mut buffer)
        .is_ok();
    let tokens = buffer
        .into_iter()
        .map(|token| token.token)
        .filter(|token| !matches!(token, Token::Whitespace(_) | Token::EOF))
        .collect();
    (tokens, whole)
}

/// Whether the parser can handle the tokens without recursing too deep.
pub(super) fn is_parsable(tokens: &[Token]) -> bool {
    let (mut depth, mut deepest, mut operators) = (0_usize, 0, 0);
    for token in tokens {
        match token {
            Token::LParen | Token::LBracket | Token::LBrace => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            Token::RParen | Token::RBracket | Token::RBrace => depth = depth.saturating_sub(1),
            Token::Comma | Token::Period | Token::SemiColon => {}
            Token::Word(word) => {
                if word.quote_style.is_none() && is_chaining(&word.value) {
                    operators += 1;
                }
            }
            Token::Number(..)
            | Token::SingleQuotedString(_)
            | Token::DoubleQuotedString(_)
            | Token::Placeholder(_) => {}
            _ => operators += 1,
        }
    }
    deepest <= DEEPEST_BRACKETS && operators <= MOST_OPERATORS && tokens.len() <= MOST_TOKENS
}

/// Words that nest their operands: operators, set operations, `CASE`.
fn is_chaining(word: &str) -> bool {
    const CHAINING: &[&str] = &[
        "and",
        "or",
        "not",
        "xor",
        "is",
        "in",
        "like",
        "ilike",
        "between",
        "union",
        "except",
        "intersect",
        "minus",
        "collate",
        "case",
        "at",
        "div",
        "rlike",
        "regexp",
        "array",
        "struct",
    ];
    CHAINING
        .iter()
        .any(|known| word.eq_ignore_ascii_case(known))
}

fn is_word(token: &Token, words: &[&str]) -> bool {
    matches!(token, Token::Word(Word { value, quote_style: None, .. })
        if words.iter().any(|word| value.eq_ignore_ascii_case(word)))
}

/// Whether the token can end an operand, so that no operand can follow it.
fn ends_operand(token: &Token) -> bool {
    match token {
        Token::Word(_) => !is_word(token, BEFORE_OPERAND),
        Token::Number(..)
        | Token::SingleQuotedString(_)
        | Token::DoubleQuotedString(_)
        | Token::Placeholder(_)
        | Token::RParen
        | Token::RBracket
        | Token::SemiColon => true,
        _ => false,
    }
}

/// Removes the holes beside operands, which may be whole clauses or conditions.
pub(super) fn take_out_clauses(tokens: &mut Vec<Token>) -> bool {
    let before = tokens.len();
    let mut kept: Vec<Token> = Vec::with_capacity(before);
    for token in tokens.drain(..) {
        let hole =
            matches!(&token, Token::Word(Word { value, quote_style: None, .. }) if is_hole(value));
        if !hole || kept.last().is_some_and(|last| !ends_operand(last)) {
            kept.push(token);
        }
    }
    *tokens = kept;
    tokens.len() != before
}

/// Reads a text in which placeholders are markers.
pub(super) fn read(text: &str, vocabulary: &Vocabulary<'_>) -> Option<Query> {
    let dialects: [&dyn Dialect; 5] = [
        &BigQuery,
        &PostgreSqlDialect {},
        &GenericDialect {},
        &MySqlDialect {},
        &SQLiteDialect {},
    ];
    for dialect in dialects {
        let (mut tokens, whole) = tokenize(dialect, text);
        if !whole {
            continue;
        }
        if !is_parsable(&tokens) {
            break;
        }
        let open = take_out_clauses(&mut tokens);
        let has_from = tokens.iter().any(|token| is_word(token, &["from"]));
        let mut parser = Parser::new(dialect)
            .with_recursion_limit(RECURSION_LIMIT)
            .with_tokens(tokens);
        if let Ok(statements) = statements::parse(&mut parser) {
            let statement = statements
                .iter()
                .rev()
                .find(|statement| matches!(statement, Statement::Query(_)))
                .or(statements.last());
            let Some(statement) = statement else { break };
            return lower(statement, open, has_from, vocabulary);
        }
    }
    tokens::read(text, vocabulary)
}

fn lower(
    statement: &Statement,
    open: bool,
    has_from: bool,
    vocabulary: &Vocabulary<'_>,
) -> Option<Query> {
    let mut lowering = Lowering::new(vocabulary);
    let (kind, relation) = match statement {
        Statement::Query(query) => {
            if !has_from {
                return None;
            }
            let kind = match &*query.body {
                SetExpr::Insert(_)
                | SetExpr::Update(_)
                | SetExpr::Delete(_)
                | SetExpr::Merge(_) => Kind::Write,
                _ => Kind::Select,
            };
            (kind, lowering.query(query))
        }
        Statement::Insert(insert) => {
            let relation = insert.source.as_ref().map(|source| lowering.query(source));
            (Kind::Write, relation.unwrap_or_else(Relation::unknown))
        }
        Statement::Update(update) => {
            let relation = changed(&mut lowering, update.selection.as_ref());
            (Kind::Write, relation)
        }
        Statement::Delete(delete) => {
            let (FromTable::WithFromKeyword(tables) | FromTable::WithoutKeyword(tables)) =
                &delete.from;
            // BigQuery omits `FROM`, and so does prose ("delete old runs where possible").
            if !has_from && !matches!(delete.selection, Some(Expr::BinaryOp { .. })) {
                return None;
            }
            for table in tables {
                lowering.note_table(&table.relation.to_string());
            }
            let relation = changed(&mut lowering, delete.selection.as_ref());
            (Kind::Write, relation)
        }
        Statement::CreateTable(create) => {
            let relation = create.query.as_ref().map(|query| lowering.query(query));
            (Kind::Write, relation.unwrap_or_else(Relation::unknown))
        }
        Statement::CreateView(create) => (Kind::Write, lowering.query(&create.query)),
        // The others that `statements` finds, such as a `MERGE`.
        _ => (Kind::Write, Relation::unknown()),
    };
    let open = open || lowering.open;
    Some(Query::new(
        kind,
        relation,
        open,
        lowering.tables,
        vocabulary,
    ))
}

/// The rows that a statement changes.
fn changed(lowering: &mut Lowering<'_>, selection: Option<&Expr>) -> Relation {
    let rows = selection.map_or_else(Term::always, |expr| lowering.condition(expr));
    let mut relation = Relation::unknown();
    super::select::anti(&rows, lowering.open, &mut relation.exclusions);
    relation.rows = rows;
    relation.columns.clear();
    relation
}
