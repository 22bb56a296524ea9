//! Calls that are named like writes, and only read.

use super::sinks::words;

/// First words of names of calls that read, whatever follows: `prefetch_bulk`.
const READING_FIRST: &[&str] = &[
    "query", "select", "fetch", "prefetch", "get", "find", "list", "read",
];

/// Whether the name of a call begins with a word for reading.
#[must_use]
pub fn begins_reading(name: &str) -> bool {
    let words = words(name);
    let first = words.first().map(String::as_str);
    first.is_some_and(|word| READING_FIRST.contains(&word))
}

/// Whether a call runs a statement that it is given, judged by its name.
#[must_use]
pub fn runs_statement(name: &str) -> bool {
    words(name).iter().any(|word| word == "execute")
}

/// Whether a call runs what its name calls a query: `execute_saved_query`.
#[must_use]
pub fn ends_with_query(name: &str) -> bool {
    let words = words(name);
    matches!(words.last().map(String::as_str), Some("query" | "queries"))
}

/// Calls that build a statement which changes data.
const BUILDS_CHANGES: &[&str] = &[
    "insert",
    "update",
    "delete",
    "merge",
    "upsert",
    "values",
    "on_conflict",
];

/// Whether a call builds a statement that only deletes.
#[must_use]
pub fn builds_removal(name: &str) -> bool {
    name == "delete"
}

/// Calls that build a statement which reads.
const BUILDS_READING: &[&str] = &["select", "select_from", "union", "union_all", "exists"];

/// Whether a call that builds a statement builds one that only reads; `None` if its name does not
/// say.
#[must_use]
pub fn builds_reading(name: &str) -> Option<bool> {
    if BUILDS_CHANGES.contains(&name) {
        Some(false)
    } else {
        BUILDS_READING.contains(&name).then_some(true)
    }
}

/// Methods that read rows from a cursor or a result, beside those that begin with `fetch`.
const FETCHES: &[&str] = &[
    "scalar",
    "scalars",
    "scalar_one",
    "scalar_one_or_none",
    "mappings",
    "all",
    "first",
    "one",
    "one_or_none",
    "to_dataframe",
    "to_pandas",
    "to_arrow",
];

/// Whether a method reads rows from a cursor or a result.
#[must_use]
pub fn fetches_rows(name: &str) -> bool {
    name.starts_with("fetch") || FETCHES.contains(&name)
}

/// Whether an attribute says how many rows a statement changed.
#[must_use]
pub fn is_row_count(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    ["count", "affected", "rows"]
        .iter()
        .any(|part| lower.contains(part))
}

/// Words for rows, for how many there are, and for what was done with them.
const COUNTING: &[&str] = &[
    "row",
    "rows",
    "nrows",
    "rowcount",
    "record",
    "records",
    "count",
    "counts",
    "affected",
    "inserted",
    "upserted",
    "loaded",
    "processed",
    "written",
    "deleted",
    "ingested",
    "imported",
    "exported",
    "synced",
    "total",
    "totals",
];

/// Words beside which those speak of something else: `inserted_at`, `is_loaded`, `row_limit`.
const NOT_COUNTING: &[&str] = &[
    "at", "on", "time", "date", "first", "last", "is", "be", "has", "was", "lock", "already",
    "type", "id", "key", "schema", "table", "tables", "limit", "max", "min", "label", "progress",
    "format",
];

/// Whether a name speaks of rows, or of how many there are: `rows_loaded`, `record_count`.
#[must_use]
pub fn counts_rows(name: &str) -> bool {
    let words = words(name);
    let has = |table: &[&str]| words.iter().any(|word| table.contains(&word.as_str()));
    has(COUNTING) && !has(NOT_COUNTING)
}

/// Attributes of the result of a query that hold its rows.
const HOLDS_ROWS: &[&str] = &["rows", "records", "data"];

/// Whether an attribute of the result of a query holds its rows, if they are asked for one by one.
#[must_use]
pub fn holds_rows(name: &str) -> bool {
    HOLDS_ROWS.contains(&name)
}

/// Exceptions that only parsers, decoders and readers of archives raise; in lower case.
const READING_ERRORS: &[&str] = &[
    // Tables: pandas, openpyxl, xlrd.
    "emptydataerror",
    "parsererror",
    "invalidfileexception",
    "xlrderror",
    "compdocerror",
    // JSON, YAML, TOML, settings.
    "jsondecodeerror",
    "yamlerror",
    "markedyamlerror",
    "scannererror",
    "composererror",
    "constructorerror",
    "tomldecodeerror",
    "parsingerror",
    "missingsectionheadererror",
    // XML and HTML.
    "parseerror",
    "xmlsyntaxerror",
    "saxparseexception",
    "expaterror",
    "messageparseerror",
    // Archives.
    "badzipfile",
    "badgzipfile",
    // Pickles, messages, images, documents.
    "unpicklingerror",
    "unpackexception",
    "unpackvalueerror",
    "schemaresolutionerror",
    "unidentifiedimageerror",
    "pdfreaderror",
];

/// Those of them whose names others have as well.
const READING_ERRORS_BY_PATH: &[&str] = &[
    "csv.Error",
    "binascii.Error",
    "tarfile.ReadError",
    "yaml.reader.ReaderError",
    "configparser.Error",
];

/// Whether only what parses or decodes raises an exception, judged by its name in lower case.
pub(super) fn only_reading_raises(lower: &str) -> bool {
    READING_ERRORS.contains(&lower)
}

/// The same of an exception of a library, judged by its path.
#[must_use]
pub fn is_reading_error(path: &str) -> bool {
    READING_ERRORS_BY_PATH.contains(&path)
}

#[cfg(test)]
mod tests {
    use super::{begins_reading, counts_rows, ends_with_query, fetches_rows};

    #[test]
    fn words_for_numbers_of_rows() {
        for name in [
            "rows",
            "rows_loaded",
            "record_count",
            "rowCount",
            "inserted",
        ] {
            assert!(counts_rows(name), "{name}");
        }
        for name in [
            "account",
            "updated_at",
            "is_loaded",
            "arrows",
            "docket_number",
        ] {
            assert!(!counts_rows(name), "{name}");
        }
    }

    #[test]
    fn words_decide() {
        assert!(begins_reading("prefetch_bulk") && begins_reading("getCommit"));
        assert!(!begins_reading("execute_query") && ends_with_query("execute_query"));
        assert!(fetches_rows("fetchmany") && !fetches_rows("rowcount"));
    }
}
