//! Tables of names that rules share.

use crate::engine::objects::class_texts::Saying;
use crate::engine::summaries::library::Deed;
use crate::settings::Writes;

/// Words of a call's name that make it a write.
const WRITE_WORDS: &[&str] = &[
    "insert",
    "merge",
    "upsert",
    "execute",
    "executemany",
    "commit",
    "save",
    "upload",
    "write",
    "bulk",
    "persist",
    "publish",
];

/// Whole names of calls that write.
const WRITE_NAMES: &[&str] = &[
    "to_sql",
    "to_gbq",
    "to_parquet",
    "put_object",
    "put_item",
    "copy_from",
    "append_rows",
    "streaming_insert",
];

/// What follows `load_` in calls that read.
const READ_LOADS: &[&str] = &[
    "config",
    "configs",
    "settings",
    "schema",
    "env",
    "dotenv",
    "yaml",
    "json",
    "toml",
    "template",
    "state",
    "checkpoint",
    "credentials",
    "module",
    "query",
    "sql",
    "file",
    "csv",
    "parquet",
    "data",
    "rules",
    "mapping",
    "model",
    "workbook",
];

/// Statements that change data, at the start of a query text.
const WRITE_STATEMENTS: &[&str] = &[
    "insert", "merge", "update", "delete", "replace", "create", "truncate", "drop", "alter",
    "copy", "load", "export",
];

/// Statements that only read.
const READ_STATEMENTS: &[&str] = &["select", "with", "show", "describe", "explain", "pragma"];

/// Receivers whose methods have nothing to do with the warehouse.
const FOREIGN_RECEIVERS: &[&str] = &[
    "json", "yaml", "pickle", "toml", "csv", "os", "sys", "shutil", "io", "gzip",
];

/// Words of a call's name that make it run a query text.
const SQL_WORDS: &[&str] = &["query", "execute", "executemany", "sql"];

/// The word that makes a write of a call unless what follows it is read.
const LOAD: &str = "load";

/// Texts in lower case: the name of each call that [`is_write`] takes for a write contains one.
pub fn parts_of_writes(writes: &Writes) -> impl Iterator<Item = &str> {
    let built_in = [WRITE_WORDS, WRITE_NAMES, SQL_WORDS, &[LOAD]];
    let built_in = built_in.into_iter().filter(|_| writes.built_in).flatten();
    writes
        .names
        .iter()
        .map(String::as_str)
        .chain(built_in.copied())
}

/// Whether a call writes data, judged by its name, the name in front of it and the literal texts
/// that it is given.
#[must_use]
pub fn is_write(
    writes: &Writes,
    name: &str,
    receiver: Option<&str>,
    texts: &[crate::ir::Name],
) -> bool {
    let lower = name.to_ascii_lowercase();
    if writes.names.contains(&lower) {
        return true;
    }
    if !writes.built_in {
        return false;
    }
    if receiver.is_some_and(|r| FOREIGN_RECEIVERS.contains(&r)) {
        return false;
    }
    let words: Vec<&str> = lower.split('_').filter(|w| !w.is_empty()).collect();
    let statement = texts.iter().find_map(|t| statement(t));
    let runs_sql = words.iter().any(|w| SQL_WORDS.contains(w));
    if runs_sql && let Some(s) = &statement {
        return WRITE_STATEMENTS.contains(&s.as_str());
    }
    if WRITE_NAMES.contains(&lower.as_str()) {
        return true;
    }
    if words.iter().any(|w| WRITE_WORDS.contains(w)) {
        return true;
    }
    match words.as_slice() {
        // `load_table_from_json` writes, `load_incluster_config` reads.
        [LOAD, rest @ ..] => {
            let stores = || rest.iter().any(|w| STORE_LOADS.contains(w));
            let reads = |w: &&str| READ_LOADS.contains(w);
            !rest.first().is_some_and(reads) && (stores() || !rest.iter().any(reads))
        }
        _ => false,
    }
}

/// Names of tables and the like: texts that make no write of a call, and nothing else of a write.
pub const PLAIN: Saying = Saying {
    name: "plain",
    test: |text| {
        !text.contains(char::is_whitespace) && statement(text).is_none() && !is_log_table(text)
    },
};

/// Words in names of tables for what went wrong, or for what was done.
pub const LOG_TABLES: &[&str] = &[
    "audit",
    "failure",
    "failed",
    "error",
    "dead_letter",
    "history",
    "log",
    "heartbeat",
];

/// Whether a table is for what went wrong, or for what was done.
#[must_use]
pub fn is_log_table(name: &str) -> bool {
    let table = name.rsplit('.').next().unwrap_or(name);
    LOG_TABLES.iter().any(|w| has_word(table, w))
}

/// Whether a name contains a word, or its plural.
#[must_use]
pub fn has_word(name: &str, word: &str) -> bool {
    let (name, word) = (name.to_ascii_lowercase(), word.to_ascii_lowercase());
    name.match_indices(&word).any(|(at, _)| {
        let before = name[..at].chars().next_back();
        let after = &name[at + word.len()..];
        let after = after.strip_prefix('s').unwrap_or(after).chars().next();
        !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric)
    })
}

/// Whether a call may be a write for some caller of the function that makes it.
#[must_use]
pub fn may_write(writes: &Writes, call: &Deed) -> bool {
    let receiver = call.receiver.as_deref();
    let runs_text = || {
        let lower = call.name.to_ascii_lowercase();
        let mut words = lower.split('_');
        writes.built_in && words.any(|w| matches!(w, "query" | "sql"))
    };
    is_write(writes, &call.name, receiver, &call.texts)
        || call.open && runs_text()
        || call.open && is_write(writes, &call.name, receiver, &[])
}

/// First words of names of calls that bring something, work something out, or say something.
const HARMLESS_FIRST: &[&str] = &[
    "build",
    "calculate",
    "check",
    "compute",
    "convert",
    "count",
    "debug",
    "exception",
    "exists",
    "extract",
    "fetch",
    "filter",
    "find",
    "format",
    "get",
    "has",
    "info",
    "is",
    "list",
    "log",
    "lookup",
    "map",
    "normalize",
    "parse",
    "prepare",
    "read",
    "select",
    "sort",
    "transform",
    "validate",
    "verify",
    "warn",
    "warning",
];

/// Whole names of such calls.
const HARMLESS_NAMES: &[&str] = &[
    "abs",
    "all",
    "any",
    "append",
    "bool",
    "critical",
    "date",
    "datetime",
    "defaultdict",
    "dict",
    "difference",
    "endswith",
    "enumerate",
    "error",
    "extend",
    "float",
    "frozenset",
    "fromisoformat",
    "getattr",
    "hasattr",
    "int",
    "intersection",
    "isinstance",
    "isoformat",
    "items",
    "join",
    "keys",
    "len",
    "lower",
    "max",
    "min",
    "monotonic",
    "next",
    "now",
    "perf_counter",
    "print",
    "range",
    "repr",
    "reversed",
    "round",
    "sorted",
    "split",
    "splitlines",
    "startswith",
    "str",
    "strftime",
    "strip",
    "strptime",
    "sum",
    "time",
    "timedelta",
    "title",
    "today",
    "total_seconds",
    "tuple",
    "type",
    "union",
    "upper",
    "utcnow",
    "uuid4",
    "values",
    "zip",
];

/// Words that take that back: `get_or_create`, `find_one_and_update`.
const CHANGING_WORDS: &[&str] = &[
    "add", "create", "delete", "drop", "ingest", "modify", "post", "push", "put", "remove",
    "replace", "run", "send", "set", "ship", "store", "submit", "update",
];

/// Whether a call can be taken to write nothing, judged by its name. This is not the opposite of
/// [`is_write`]: most names are neither.
#[must_use]
pub fn is_harmless(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let first = lower.split('_').find(|word| !word.is_empty());
    let mut words = lower.split('_');
    let changes = words.any(|word| CHANGING_WORDS.contains(&word));
    let known = HARMLESS_NAMES.contains(&lower.as_str())
        || first.is_some_and(|word| HARMLESS_FIRST.contains(&word));
    known && !changes && !is_write(&Writes::default(), name, None, &[])
}

/// First words of names of functions that are asked for something.
const ASKING_FIRST: &[&str] = &[
    "count", "exists", "fetch", "find", "format", "get", "has", "is", "list", "lookup", "parse",
    "read", "select",
];

/// Whether a function is only asked for something, judged by its name: `get_credentials`, and not
/// `fetch_and_load`.
#[must_use]
pub fn only_asks(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let mut words = lower.split('_').filter(|word| !word.is_empty());
    words
        .next()
        .is_some_and(|word| ASKING_FIRST.contains(&word))
        && words.all(|word| word != "load")
        && is_harmless(name)
}

/// What follows `load_` in functions of the program that store something.
const STORE_LOADS: &[&str] = &[
    "table", "rows", "row", "batch", "batches", "records", "into", "to",
];

/// Whether a function of the program may only be called as a write is because it reads something
/// in: `load_games`.
#[must_use]
pub fn may_only_read(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let rest = lower
        .strip_prefix("load_")
        .map(|rest| rest.split('_').next());
    rest.is_some_and(|word| word.is_none_or(|word| !STORE_LOADS.contains(&word)))
}

/// Words of a call's name that make it take something away.
const REMOVAL_WORDS: &[&str] = &["delete", "drop", "remove", "truncate", "purge", "expire"];

/// Words that say that such a call adds something as well: `delete_and_insert`, and not `bulk_delete`.
const ADDING_WORDS: &[&str] = &["insert", "upsert"];

/// Statements that change what tables there are, or take rows away: they add no data.
const REMOVAL_STATEMENTS: &[&str] = &["delete", "drop", "truncate", "create", "alter"];

/// Whether a write only takes away, or makes room.
#[must_use]
pub fn is_removal(name: &str, texts: &[crate::ir::Name]) -> bool {
    let lower = name.to_ascii_lowercase();
    let says = |table: &[&str]| lower.split('_').any(|w| table.contains(&w));
    let by_name = says(REMOVAL_WORDS) && !says(ADDING_WORDS);
    by_name
        || texts
            .iter()
            .filter_map(|t| statement(t))
            .any(|s| REMOVAL_STATEMENTS.contains(&s.as_str()))
}

/// What says that something is there already: in names of exceptions and in tests of them. 409 is
/// the HTTP status *Conflict*.
const DUPLICATE_WORDS: &[&str] = &[
    "duplicate",
    "alreadyexist",
    "already_exist",
    "already exist",
    "uniqueviolation",
    "unique_violation",
    "integrityerror",
    "409",
];

/// Whether a text in lower case says that something is there already.
#[must_use]
pub fn says_duplicate(text: &str) -> bool {
    DUPLICATE_WORDS.iter().any(|word| text.contains(word))
}

/// Words in names of what data is written to, or how.
const TARGET_WORDS: &[&str] = &[
    "table",
    "dataset",
    "topic",
    "bucket",
    "path",
    "uri",
    "url",
    "key",
    "blob",
    "schema",
    "index",
    "collection",
    "stage",
    "staging",
    "temp",
    "tmp",
    "target",
    "destination",
    "config",
    "options",
];

/// Whether a name is that of a place to write to.
#[must_use]
pub fn is_target(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    lower.split('_').any(|w| TARGET_WORDS.contains(&w))
}

/// The statement that a query text begins with.
fn statement(text: &str) -> Option<String> {
    let first = text
        .split_whitespace()
        .find(|w| !w.starts_with("--"))?
        .to_ascii_lowercase();
    let first = first.trim_matches(|c: char| !c.is_ascii_alphabetic());
    (WRITE_STATEMENTS.contains(&first) || READ_STATEMENTS.contains(&first))
        .then(|| first.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Writes, is_write, parts_of_writes};

    #[test]
    fn names_and_statements() {
        let built_in = Writes::default();
        let has_part = |name: &str| parts_of_writes(&built_in).any(|part| name.contains(part));
        assert!(!has_part("fetch") && has_part("run_sql") && has_part("put_object"));
        for name in [
            "load_table_from_json",
            "insert_rows_json",
            "executemany",
            "commit",
            "upload",
            "save_rows",
            "to_sql",
        ] {
            assert!(is_write(&built_in, name, None, &[]), "{name}");
            assert!(has_part(name), "{name}");
        }
        let own = Writes {
            names: vec!["put_away".to_owned()],
            built_in: false,
        };
        assert!(is_write(&own, "Put_Away", None, &[]) && !is_write(&own, "insert", None, &[]));
        assert_eq!(parts_of_writes(&own).collect::<Vec<_>>(), ["put_away"]);
        for name in [
            "load_config",
            "get",
            "fetch",
            "result",
            "query",
            "notify_error",
            "delete_table",
        ] {
            assert!(!is_write(&Writes::default(), name, None, &[]), "{name}");
        }
        assert!(is_write(
            &Writes::default(),
            "query",
            Some("client"),
            &["MERGE t USING s ON a".into()]
        ));
        assert!(!is_write(
            &Writes::default(),
            "execute",
            Some("db"),
            &["  SELECT 1".into()]
        ));
        assert!(!is_write(&Writes::default(), "load", Some("json"), &[]));
    }
}
