//! BigQuery's dialect, as far as queries and changes of rows go.

use std::any::TypeId;

use sqlparser::dialect::{BigQueryDialect, Dialect};
use sqlparser::keywords::Keyword;
use sqlparser::parser::Parser;

/// [`BigQueryDialect`] without the blocks of its scripts: a block may contain any statement, so the
/// parts of the parser that nothing here asks for would all be in the program.
#[derive(Debug)]
pub(super) struct BigQuery;

/// Methods that answer as the dialect of the parser does.
macro_rules! as_the_parser_has_it {
    ($($name:ident($($argument:ident: $kind:ty),*) -> $answer:ty;)*) => {
        $(fn $name(&self $(, $argument: $kind)*) -> $answer {
            BigQueryDialect.$name($($argument),*)
        })*
    };
}

impl Dialect for BigQuery {
    // The tokenizer and the parser ask for some dialects by their type.
    fn dialect(&self) -> TypeId {
        TypeId::of::<BigQueryDialect>()
    }

    as_the_parser_has_it! {
        identifier_quote_style(identifier: &str) -> Option<char>;
        is_column_alias(word: &Keyword, parser: &mut Parser<'_>) -> bool;
        is_delimited_identifier_start(c: char) -> bool;
        is_identifier_part(c: char) -> bool;
        is_identifier_start(c: char) -> bool;
        require_interval_qualifier() -> bool;
        supports_column_definition_trailing_commas() -> bool;
        supports_comma_separated_trim() -> bool;
        supports_create_table_multi_schema_info_sources() -> bool;
        supports_from_first_select() -> bool;
        supports_group_by_expr() -> bool;
        supports_hash_comment() -> bool;
        supports_pipe_operator() -> bool;
        supports_projection_trailing_commas() -> bool;
        supports_select_expr_star() -> bool;
        supports_select_wildcard_except() -> bool;
        supports_select_wildcard_replace() -> bool;
        supports_string_literal_backslash_escape() -> bool;
        supports_struct_literal() -> bool;
        supports_table_versioning() -> bool;
        supports_triple_quoted_string() -> bool;
        supports_window_clause_named_window_reference() -> bool;
        supports_window_function_null_treatment_arg() -> bool;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the parsers of both dialects make of a text.
    fn parsed(text: &str) -> [String; 2] {
        let dialects: [&dyn Dialect; 2] = [&BigQueryDialect, &BigQuery];
        dialects.map(|dialect| format!("{:?}", Parser::parse_sql(dialect, text)))
    }

    #[test]
    fn reads_what_is_peculiar_to_big_query() {
        for text in [
            "SELECT a, b, FROM `project.data`.runs # the last comma is allowed",
            "SELECT \"success\" AS status, '''it's''', 'it\\'s', r'\\d' FROM t",
            "SELECT * EXCEPT (a) REPLACE (b + 1 AS b) FROM t",
            "SELECT run.*, STRUCT(1 AS a, 'x' AS b), STRUCT<a INT64>(1) FROM t AS run",
            "SELECT FIRST_VALUE(a IGNORE NULLS) OVER w FROM t WINDOW v AS (ORDER BY b), w AS v",
            "SELECT a FROM t FOR SYSTEM_TIME AS OF TIMESTAMP_SUB(CURRENT_TIMESTAMP(), INTERVAL 1 HOUR)",
            "SELECT a, COUNT(*) FROM t GROUP BY ROLLUP (a)",
            "FROM t |> WHERE status = 'success' |> LIMIT 1",
            "SELECT @@error.message, @day, TRIM(a, 'x'), DATE_ADD(day, INTERVAL 1 DAY) FROM t",
            "CREATE TABLE d.t (a INT64, b STRING,) AS SELECT 1 AS a, 'x' AS b",
            "INSERT INTO t (a) SELECT a FROM u WHERE status != \"failed\"",
        ] {
            let [theirs, ours] = parsed(text);
            assert!(theirs.starts_with("Ok"), "{text}: {theirs}");
            assert_eq!(ours, theirs, "{text}");
        }
    }
}
