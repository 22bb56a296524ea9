//! Which calls write data, judged by their names and by the texts that they are given.

use super::{has_any, is_log_table, reading, sinks};
use crate::engine::objects::class_texts::Saying;
use crate::engine::summaries::library::Deed;
use crate::ir::Name;
use crate::settings::Writes;

/// Words that make a write of a call, in its name.
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
pub(super) const WRITE_NAMES: &[&str] = &[
    "to_sql",
    "to_gbq",
    "to_parquet",
    "to_feather",
    "to_orc",
    "to_hdf",
    "to_delta",
    "to_iceberg",
    "put_object",
    "put_record_batch",
    "copy_from",
    "copy_expert",
    "copy_to_table",
    "copy_records_to_table",
    "append_row",
    "append_rows",
    "append_block",
    "find_one_and_update",
    "find_one_and_replace",
    "update_or_create",
    "aupdate_or_create",
    "create_item",
    "patch_item",
];

/// Verbs that make a write of a call if one of [`ROWS`] follows: `update_one`, `put_records`.
const CHANGES_ROWS: &[&str] = &["update", "replace", "put"];

/// What such a verb is about.
const ROWS: &[&str] = &[
    "one",
    "many",
    "item",
    "items",
    "record",
    "records",
    "row",
    "rows",
    "document",
    "documents",
    "entity",
];

/// What may follow `load_` in the name of a call that reads.
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
    "cert",
    "certs",
    "certificate",
    "certificates",
    "key",
    "keys",
    "verify",
];

/// Statements that change data, at the start of a query text.
pub(super) const WRITE_STATEMENTS: &[&str] = &[
    "insert", "merge", "update", "delete", "replace", "create", "truncate", "drop", "alter",
    "copy", "load", "export",
];

/// Statements that only read.
const READ_STATEMENTS: &[&str] = &["select", "with", "show", "describe", "explain", "pragma"];

/// The operations of GraphQL, at the start of a query text, and whether each changes data.
const GRAPHQL: &[(&str, bool)] = &[
    ("query", false),
    ("subscription", false),
    ("mutation", true),
];

/// Receivers whose methods never write to a warehouse.
pub(super) const FOREIGN_RECEIVERS: &[&str] = &[
    "json", "yaml", "pickle", "toml", "csv", "os", "sys", "shutil", "io", "gzip",
];

/// Words that say, in the name of a call, that it runs a query text.
pub(super) const SQL_WORDS: &[&str] =
    &["query", "execute", "executemany", "sql", "command", "exec"];

/// The verb that makes a write of a call, unless something from [`READ_LOADS`] follows.
pub(super) const LOAD: &str = "load";

/// Texts in lower case, one of which is in the name of every call that [`is_write`] accepts.
pub fn parts_of_writes<'w>(writes: &'w Writes) -> impl Iterator<Item = &'w str> {
    let built_in = [WRITE_WORDS, WRITE_NAMES, CHANGES_ROWS, SQL_WORDS, &[LOAD]];
    let built_in = built_in.into_iter().flatten().copied();
    let built_in = built_in.chain(sinks::methods());
    let all = writes.built_in;
    writes.names.iter().map(String::as_str).chain(
        built_in
            .filter(move |_| all)
            .map(|part| -> &'w str { part }),
    )
}

/// Whether a call writes data, judged by its name, the name of its receiver and its literal texts.
#[must_use]
pub fn is_write(writes: &Writes, name: &str, receiver: Option<&str>, texts: &[Name]) -> bool {
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
    // `WriteBatch()` makes an object, `stub.WriteRows(request)` writes.
    if receiver.is_none() && name.starts_with(|c: char| c.is_ascii_uppercase()) {
        return false;
    }
    let words = sinks::words(name);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let runs_sql = words.iter().any(|w| SQL_WORDS.contains(w));
    if runs_sql && let Some(changes) = changes_rows(texts) {
        return changes;
    }
    if WRITE_NAMES.contains(&lower.as_str())
        || receiver.is_some_and(|r| sinks::writes_to(r, &lower))
    {
        return true;
    }
    if changes_named_rows(&words) {
        return true;
    }
    // `prefetch_bulk` reads, `fetch_and_save` writes as well.
    if reading::begins_reading(name) && !words.contains(&"and") {
        return false;
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

/// Whether the words of a name are a verb that changes something, and what it changes: `put_records`.
pub(super) fn changes_named_rows(words: &[&str]) -> bool {
    matches!(words, [verb, row] if CHANGES_ROWS.contains(verb) && ROWS.contains(row))
}

/// Whether a method shares its name with those of many storage clients: a call of that name on some
/// other object says nothing about it.
#[must_use]
pub fn is_common_write(name: &str) -> bool {
    WRITE_WORDS.contains(&name) || name == LOAD
}

/// Names of tables and the like: texts that decide neither whether a call writes nor which write it
/// is.
pub const PLAIN: Saying = Saying {
    name: "plain",
    test: |text| {
        !text.contains(char::is_whitespace) && statement(text).is_none() && !is_log_table(text)
    },
};

/// Whether a call may be a write for some caller of the function that makes it.
#[must_use]
pub fn may_write(writes: &Writes, call: &Deed) -> bool {
    let receiver = call.receiver.as_deref();
    let runs_text = || {
        let lower = call.name.to_ascii_lowercase();
        let mut words = lower.split('_');
        writes.built_in && words.any(|w| matches!(w, "query" | "sql"))
    };
    let unknown = receiver.is_none() && writes.built_in;
    is_write(writes, &call.name, receiver, &call.texts)
        || unknown && sinks::may_write_to_some(&call.name)
        || call.open && runs_text()
        || call.open && is_write(writes, &call.name, receiver, &[])
}

/// Names that methods of many classes share.
const COMMON_METHODS: &[&str] = &[
    "add", "append", "close", "commit", "create", "delete", "execute", "extend", "flush", "get",
    "insert", "load", "open", "pop", "post", "process", "push", "put", "remove", "run", "save",
    "send", "set", "start", "stop", "store", "update", "upload", "upsert", "write",
];

/// Whether methods of many classes share a name: who calls one of that name may mean another.
#[must_use]
pub fn is_common_method(name: &str) -> bool {
    COMMON_METHODS.contains(&name)
}

/// Whether the language itself calls methods of this name, such as `__call__`: code that names one calls that
/// of a base, and who makes this one run does not name it.
#[must_use]
pub fn is_special_method(name: &str) -> bool {
    let name = name
        .strip_prefix("__")
        .and_then(|name| name.strip_suffix("__"));
    name.is_some_and(|name| !name.is_empty())
}

/// Calls that put something into a unit of work, which its commit or flush then writes.
const STAGES: &[&str] = &["add", "add_all"];

/// Calls that do so only if the receiver is named like a unit of work: on anything else, they
/// change a collection.
const STAGES_IN_UNITS: &[&str] = &["set", "put", "create", "update", "delete", "append"];

/// Words in names of units of work.
const UNITS: &[&str] = &["session", "batch", "tx", "transaction", "uow", "unit", "em"];

/// Whether a call puts something into a unit of work, judged by its name and that of its receiver.
#[must_use]
pub fn is_staged(name: &str, receiver: &str) -> bool {
    let lower = receiver.to_ascii_lowercase();
    STAGES.contains(&name) || STAGES_IN_UNITS.contains(&name) && has_any(&lower, UNITS)
}

/// Calls that write what is in a unit of work.
const FINISHES: &[&str] = &["commit", "flush"];

/// Whether a call writes what is in its receiver, if that is a unit of work.
#[must_use]
pub fn finishes_unit(name: &str) -> bool {
    FINISHES.contains(&name)
}

/// Calls on a unit of work that make a context manager which commits it.
const BEGINS: &[&str] = &["begin", "begin_nested", "transaction"];

/// Whether a call on a unit of work makes a context manager which commits it.
#[must_use]
pub fn begins_unit(name: &str) -> bool {
    BEGINS.contains(&name)
}

/// Words that say, in the name of a write, that it writes several rows.
const BATCH_WORDS: &[&str] = &[
    "many",
    "executemany",
    "bulk",
    "batch",
    "all",
    "rows",
    "records",
    "multi",
];

/// Whether a write is given several rows, judged by its name.
#[must_use]
pub fn is_of_batch(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    has_any(&lower, BATCH_WORDS)
}

/// Options of writes of several rows that let the others be written if one is refused.
const GOES_ON: &[(&str, bool)] = &[
    ("ordered", false),
    ("ignore_conflicts", true),
    ("skip_duplicates", true),
];

/// Whether an option lets a write of several rows go on if one of them is refused.
#[must_use]
pub fn is_option_to_go_on(name: &str, value: bool) -> bool {
    GOES_ON.contains(&(name, value))
}

/// Methods that write what their receiver holds: a frame, a model.
const OF_RECEIVER: &[&str] = &["save", "saveAsTable", "insertInto", "saveAsTextFile"];

/// Whether a write writes what its receiver holds.
#[must_use]
pub fn writes_receiver(name: &str) -> bool {
    OF_RECEIVER.contains(&name) || name.starts_with("to_") || name.starts_with("write_")
}

/// What may follow `load_` in the name of a function that stores something.
const STORE_LOADS: &[&str] = &[
    "table", "rows", "row", "batch", "batches", "records", "into", "to",
];

/// Whether a function of the program may have the name of a write only because it loads something
/// into memory: `load_games`.
#[must_use]
pub fn may_only_read(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let rest = lower
        .strip_prefix("load_")
        .map(|rest| rest.split('_').next());
    rest.is_some_and(|word| word.is_none_or(|word| !STORE_LOADS.contains(&word)))
}

/// Words for adding something that was not there, in names of calls.
const CREATES: &[&str] = &["create", "add", "insert", "register", "make", "new"];

/// Whether a call adds something that was not there, judged by its name.
#[must_use]
pub fn creates(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    has_any(&lower, CREATES)
}

/// Words that say, in the name of a call, that it deletes something.
const REMOVAL_WORDS: &[&str] = &["delete", "drop", "remove", "truncate", "purge", "expire"];

/// Words that say that such a call also adds something: `delete_and_insert`.
const ADDING_WORDS: &[&str] = &["insert", "upsert"];

/// Statements that add no data: they delete rows, or create, change or drop tables.
pub(super) const REMOVAL_STATEMENTS: &[&str] = &["delete", "drop", "truncate", "create", "alter"];

/// Whether a write adds no data.
#[must_use]
pub fn is_removal(name: &str, texts: &[Name]) -> bool {
    let lower = name.to_ascii_lowercase();
    let by_name = has_any(&lower, REMOVAL_WORDS) && !has_any(&lower, ADDING_WORDS);
    by_name
        || texts
            .iter()
            .filter_map(|t| statement(t))
            .any(|s| REMOVAL_STATEMENTS.contains(&s.as_str()))
}

/// Words in names of where data is written to, or how.
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

/// Whether a name says where or how to write, rather than what.
#[must_use]
pub fn is_target(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    has_any(&lower, TARGET_WORDS)
}

/// Whether there are statements among these texts, none of which adds data.
#[must_use]
pub fn only_remove(texts: &[Name]) -> bool {
    let mut statements = texts.iter().filter_map(|t| statement(t)).peekable();
    statements.peek().is_some() && statements.all(|s| REMOVAL_STATEMENTS.contains(&s.as_str()))
}

/// Whether a text among these is a statement, whatever it does.
#[must_use]
pub fn is_statement(texts: &[Name]) -> bool {
    texts.iter().any(|text| statement(text).is_some())
}

/// Whether there is a statement among these texts that changes rows; `None` if there is none.
#[must_use]
pub fn changes_rows(texts: &[Name]) -> Option<bool> {
    let statement = texts.iter().find_map(|t| statement(t))?;
    let graphql = GRAPHQL.contains(&(statement.as_str(), true));
    Some(graphql || WRITE_STATEMENTS.contains(&statement.as_str()))
}

/// The statement that a query text begins with.
pub(super) fn statement(text: &str) -> Option<String> {
    let first = text
        .split_whitespace()
        .find(|w| !w.starts_with("--"))?
        .to_ascii_lowercase();
    let first = first.trim_matches(|c: char| !c.is_ascii_alphabetic());
    let is_graphql = || text.contains('{') && GRAPHQL.iter().any(|(name, _)| *name == first);
    (WRITE_STATEMENTS.contains(&first) || READ_STATEMENTS.contains(&first) || is_graphql())
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
            "update_one",
            "put_records",
            "saveAsTable",
            "update_or_create",
            "bulk_create",
            "fetch_and_save",
        ] {
            assert!(is_write(&built_in, name, None, &[]), "{name}");
            assert!(has_part(name), "{name}");
        }
        assert!(is_write(&built_in, "WriteRows", Some("stub"), &[]));
        let own = Writes {
            names: vec!["put_away".to_owned()],
            built_in: false,
            ..Writes::default()
        };
        assert!(is_write(&own, "Put_Away", None, &[]) && !is_write(&own, "insert", None, &[]));
        assert_eq!(parts_of_writes(&own).collect::<Vec<_>>(), ["put_away"]);
        for name in [
            "load_config",
            "load_cert_chain",
            "load_pem_private_key",
            "get",
            "fetch",
            "result",
            "query",
            "notify_error",
            "delete_table",
            "update",
            "send",
            "create",
            "put",
            "update_status",
            "prefetch_bulk",
            "get_commit",
            "WriteBatch",
        ] {
            assert!(!is_write(&Writes::default(), name, None, &[]), "{name}");
        }
        assert!(is_write(
            &Writes::default(),
            "query",
            Some("client"),
            &["MERGE t USING s ON a".into()]
        ));
        for (text, writes) in [
            ("  SELECT 1", false),
            ("query runs($id: ID!) { runs(id: $id) { at } }", false),
            ("mutation add($run: Run!) { add(run: $run) }", true),
        ] {
            let given = is_write(&built_in, "execute", Some("db"), &[text.into()]);
            assert_eq!(given, writes, "{text}");
        }
        assert!(!is_write(&Writes::default(), "load", Some("json"), &[]));
    }
}
