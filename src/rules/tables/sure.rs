//! Which calls surely write data, whatever the function around them is for.

use super::sinks;
use super::writes::{
    FOREIGN_RECEIVERS, LOAD, REMOVAL_STATEMENTS, SQL_WORDS, WRITE_NAMES, WRITE_STATEMENTS,
    changes_named_rows, is_write, statement,
};
use crate::ir::Name;
use crate::settings::Writes;

/// Words that make a write of a call whatever it is called on, if it is given data.
const SURE_WORDS: &[&str] = &["insert", "upsert", "executemany", "bulk", "persist"];

/// Verbs that write if something from [`STORED`] follows: `save_rows`, `load_table_from_json`.
const STORING: &[&str] = &[
    "save", "store", "write", "load", "upload", "publish", "ingest", "copy", "send", "put",
];

/// What such verbs are about when they write data.
const STORED: &[&str] = &[
    "row",
    "rows",
    "record",
    "records",
    "table",
    "dataframe",
    "df",
    "batch",
    "batches",
    "documents",
    "docs",
    "points",
    "items",
    "blob",
    "object",
    "fileobj",
    "pandas",
    "gbq",
    "sql",
];

/// Words in names of receivers that are clients of a storage.
const CLIENTS: &[&str] = &[
    "client",
    "db",
    "database",
    "warehouse",
    "bq",
    "bigquery",
    "repository",
    "repo",
    "store",
    "storage",
    "sink",
    "destination",
    "loader",
    "writer",
    "table",
    "collection",
    "conn",
    "connection",
];

/// Those of them whose `load` writes.
const LOADERS: &[&str] = &[
    "client",
    "warehouse",
    "bq",
    "bigquery",
    "sink",
    "destination",
    "loader",
];

/// What a call is given.
#[derive(Clone, Copy)]
pub struct Given<'a> {
    /// Texts among the arguments.
    pub texts: &'a [Name],
    /// Whether there are arguments.
    pub any: bool,
    /// Whether some of them may be rows.
    pub data: bool,
}

/// Whether a call surely writes data, judged without knowing what the function around it is for.
#[must_use]
pub fn is_sure_write(
    writes: &Writes,
    name: &str,
    receiver: Option<&str>,
    Given { texts, any, data }: Given<'_>,
) -> bool {
    let lower = name.to_ascii_lowercase();
    if writes.names.contains(&lower) {
        return true;
    }
    if !writes.built_in || receiver.is_some_and(|r| FOREIGN_RECEIVERS.contains(&r)) {
        return false;
    }
    let words = sinks::words(name);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let changes = |text: &Name| {
        statement(text).is_some_and(|s| {
            WRITE_STATEMENTS.contains(&s.as_str()) && !REMOVAL_STATEMENTS.contains(&s.as_str())
        })
    };
    if words.iter().any(|w| SQL_WORDS.contains(w)) && texts.iter().any(changes) {
        return true;
    }
    // Without arguments, `to_sql()` gives a text.
    if any && WRITE_NAMES.contains(&lower.as_str())
        || receiver.is_some_and(|r| sinks::writes_to(r, &lower))
    {
        return true;
    }
    if changes_named_rows(&words) {
        return true;
    }
    // `insert_str` and `write_str` of Rust change a text in memory.
    if !data || words.last() == Some(&"str") {
        return false;
    }
    let of_client = |clients: &[&str]| {
        let receiver = receiver.map(sinks::words).unwrap_or_default();
        receiver.iter().any(|word| clients.contains(&word.as_str()))
    };
    // A collection has an `insert`, too.
    let sure = |w: &&str| SURE_WORDS.contains(w) && (lower != "insert" || of_client(CLIENTS));
    words.iter().any(sure)
        || match words.as_slice() {
            [LOAD] => of_client(LOADERS),
            // `load_table(name)` gives the table.
            [LOAD, ..] if !words.iter().any(|w| matches!(*w, "from" | "into" | "to")) => words
                .iter()
                .any(|w| matches!(*w, "rows" | "records" | "batch" | "batches")),
            [verb] => matches!(*verb, "save" | "write") && of_client(CLIENTS),
            [verb, rest @ ..] => STORING.contains(verb) && rest.iter().any(|w| STORED.contains(w)),
            [] => false,
        }
}

/// Whether a call may be one that [`is_sure_write`] accepts, whatever it is given.
#[must_use]
pub fn may_be_sure(writes: &Writes, name: &str, receiver: Option<&str>) -> bool {
    let words = sinks::words(name);
    let given = Given {
        texts: &[],
        any: true,
        data: true,
    };
    is_sure_write(writes, name, receiver, given)
        || writes.built_in && words.iter().any(|w| SQL_WORDS.contains(&w.as_str()))
        || receiver.is_none() && sinks::may_write_to_some(name)
}

/// On what a call has to be made to be one that [`may_be_sure`] accepts, judged by its name alone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum On {
    /// Whatever it is made on.
    Any,
    /// On something with one of the words that [`may_receive`] knows.
    Client,
    /// It is never accepted.
    Nothing,
}

/// On what a call of this name may be a sure write. `method`: it is made on something.
pub(super) fn on_what(writes: &Writes, name: &str, method: bool) -> On {
    let words = sinks::words(name);
    if !method {
        let sql = || words.iter().any(|word| SQL_WORDS.contains(&word.as_str()));
        let writing = is_write(writes, name, None, &[]) || writes.built_in && sql();
        let sure = writing && may_be_sure(writes, name, None);
        return if sure { On::Any } else { On::Nothing };
    }
    // No word is known of such a receiver.
    if may_be_sure(writes, name, Some("")) {
        return On::Any;
    }
    let verb = match words.as_slice() {
        [verb] => matches!(verb.as_str(), LOAD | "save" | "write" | "insert"),
        _ => false,
    };
    let client = verb || sinks::may_write_to_some(&name.to_ascii_lowercase());
    match writes.built_in && client {
        true => On::Client,
        false => On::Nothing,
    }
}

/// Whether the name of a receiver has a word that makes a write of some calls.
pub(super) fn may_receive(name: &str) -> bool {
    let words = sinks::words(name);
    words
        .iter()
        .map(String::as_str)
        .any(|word| CLIENTS.contains(&word) || LOADERS.contains(&word) || sinks::is_receiver(word))
}

/// Words in names of functions that may write, beside those in [`parts_of_writes`], in lower case.
pub(super) const WORK: &[&str] = &["store", "ingest", "sink", "flush", "export", "push", "dump"];

/// Whether a name in lower case contains a word for work that may write something.
#[must_use]
pub fn names_work(lower: &str) -> bool {
    WORK.iter().any(|word| lower.contains(word))
}

#[cfg(test)]
mod tests {
    use super::{On, may_receive, on_what};
    use crate::settings::Writes;

    #[test]
    fn some_names_need_a_receiver() {
        let writes = Writes::default();
        for name in ["insert_rows", "execute", "put_object", "put_records"] {
            assert_eq!(on_what(&writes, name, true), On::Any, "{name}");
        }
        for name in ["insert", "save", "load", "send", "parquet"] {
            assert_eq!(on_what(&writes, name, true), On::Client, "{name}");
        }
        for name in ["commit", "save_settings", "read", "append"] {
            assert_eq!(on_what(&writes, name, true), On::Nothing, "{name}");
        }
        for (name, on) in [("set", On::Nothing), ("insert_rows", On::Any)] {
            assert_eq!(on_what(&writes, name, false), on, "{name}");
        }
        assert!(may_receive("order_producer") && may_receive("dbClient") && !may_receive("mailer"));
    }
}
