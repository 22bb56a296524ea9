//! The statements of a text that have rows to tell of.
//!
//! The parser knows more than a hundred kinds of statements, from `ALTER` to `VACUUM`. All but those
//! below are skipped, so a text is read even if the parser does not know the dialect's form of one
//! of the others, and a third of the parser stays out of the program.

use sqlparser::ast::Statement;
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::Token;

/// The queries and the statements that change rows, in order.
///
/// # Errors
/// What the parser says of the first of them that it cannot parse, or that goes on where it should
/// end.
pub(super) fn parse(parser: &mut Parser<'_>) -> Result<Vec<Statement>, ParserError> {
    let mut found = Vec::new();
    loop {
        while parser.consume_token(&Token::SemiColon) {}
        if parser.peek_token_ref().token == Token::EOF {
            return Ok(found);
        }
        match statement(parser)? {
            Some(statement) => {
                found.push(statement);
                if !matches!(parser.peek_token_ref().token, Token::SemiColon | Token::EOF) {
                    return parser.expected_ref("end of statement", parser.peek_token_ref());
                }
            }
            None => skip(parser),
        }
    }
}

/// The statement that starts here. If it has no rows to tell of, it is `None`, and only begun.
fn statement(parser: &mut Parser<'_>) -> Result<Option<Statement>, ParserError> {
    let first = parser.next_token();
    let keyword = match &first.token {
        Token::LParen => Keyword::SELECT,
        Token::Word(word) => word.keyword,
        _ => return Ok(None),
    };
    let statement = match keyword {
        Keyword::SELECT | Keyword::WITH => {
            parser.prev_token();
            parser.parse_query().map(Statement::Query)
        }
        Keyword::INSERT => parser.parse_insert(first),
        Keyword::REPLACE => parser.parse_replace(first),
        Keyword::UPDATE => parser.parse_update(first),
        Keyword::DELETE => parser.parse_delete(first),
        Keyword::MERGE => parser.parse_merge(first).map(Into::into),
        Keyword::CREATE => return created(parser),
        _ => return Ok(None),
    };
    statement.map(Some)
}

/// What is behind `CREATE`, if it is a table or a view: both can be made from a query.
fn created(parser: &mut Parser<'_>) -> Result<Option<Statement>, ParserError> {
    let replaces = parser.parse_keywords(&[Keyword::OR, Keyword::REPLACE]);
    let modifiers = [
        Keyword::GLOBAL,
        Keyword::LOCAL,
        Keyword::TEMP,
        Keyword::TEMPORARY,
        Keyword::TRANSIENT,
        Keyword::UNLOGGED,
        Keyword::VOLATILE,
    ];
    while parser.parse_one_of_keywords(&modifiers).is_some() {}
    if parser.parse_keyword(Keyword::TABLE) {
        let table = parser.parse_create_table(replaces, false, false, None, false, false, None)?;
        return Ok(Some(table.into()));
    }
    let view = [Keyword::VIEW, Keyword::MATERIALIZED, Keyword::SECURE];
    if view.into_iter().any(|word| parser.peek_keyword(word)) {
        let view = parser.parse_create_view(false, replaces, false, None)?;
        return Ok(Some(view.into()));
    }
    Ok(None)
}

/// Goes on behind this statement. A block (`BEGIN … END`) is as many statements as it has semicolons.
fn skip(parser: &mut Parser<'_>) {
    while !matches!(parser.peek_token_ref().token, Token::SemiColon | Token::EOF) {
        parser.advance_token();
    }
}
