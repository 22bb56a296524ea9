//! What lives in the memory of the process: buffers, writers into them, databases without a file.

use super::sinks::words;
use super::writes::{WRITE_STATEMENTS, statement};
use crate::ir::Name;

/// Classes of buffers in memory.
const BUFFERS: &[&str] = &["BytesIO", "StringIO", "bytearray"];

/// The same in Rust, whose constructors are functions of the type.
const RUST_BUFFERS: &[&str] = &["BytesMut", "Cursor"];

/// Collections of Rust into which writers write as well.
const RUST_COLLECTIONS: &[&str] = &["Vec", "VecDeque", "String"];

/// What parameters of Rust are that bytes or text are written into, by the last part of the path of
/// the type; `buffer` stands for a collection of bytes that is lent to be changed.
const TAKING_BYTES: &[&str] = &[
    "BytesMut",
    "BufMut",
    "Cursor",
    "Formatter",
    "Write",
    "AsyncWrite",
    "buffer",
];

/// Whether a class of that name is a buffer in memory.
#[must_use]
pub fn is_buffer(name: &str) -> bool {
    BUFFERS.contains(&name) || words(name).iter().any(|word| word == "buffer")
}

/// Whether a call by this path makes a buffer in memory.
#[must_use]
pub fn makes_buffer(path: &[Name]) -> bool {
    let owner = path.iter().rev().nth(1);
    path.last().is_some_and(|name| is_buffer(name))
        || owner.is_some_and(|owner| RUST_BUFFERS.contains(&owner.as_str()))
}

/// Whether a call by this path makes a collection of Rust.
#[must_use]
pub fn makes_collection(path: &[Name]) -> bool {
    match path {
        [.., owner, name] => {
            RUST_COLLECTIONS.contains(&owner.as_str())
                && matches!(name.as_str(), "new" | "with_capacity" | "default" | "from")
        }
        _ => false,
    }
}

/// Whether a parameter is something that bytes or text are written into, by the path of its class.
#[must_use]
pub fn takes_bytes(path: &[Name]) -> bool {
    path.last()
        .is_some_and(|name| TAKING_BYTES.contains(&name.as_str()) || is_buffer(name))
}

/// Whether a call makes something that writes into what it is given: `csv.writer(buffer)`.
#[must_use]
pub fn makes_writer(name: &str) -> bool {
    words(name)
        .iter()
        .any(|word| word.ends_with("writer") || word.ends_with("wrapper"))
        || matches!(name, "GzipFile" | "ZipFile")
}

/// Whether a call writes its data into an argument that is a file: `frame.to_csv(buffer)`,
/// `write_table(table, buffer)`.
#[must_use]
pub fn writes_into_argument(name: &str) -> bool {
    name.starts_with("to_") || name.starts_with("write_") || matches!(name, "save" | "dump")
}

/// Whether a text names a database in memory to what opens it: `:memory:`, `sqlite://`.
#[must_use]
pub fn names_memory(text: &str) -> bool {
    text.contains(":memory:") || text.starts_with("sqlite") && text.ends_with("://")
}

/// Whether a call opens a database in memory, by its name.
#[must_use]
pub fn opens_in_memory(name: &str) -> bool {
    name.starts_with("open_in_memory")
}

/// Whether a function opens a database in memory unless it is told another place.
#[must_use]
pub fn opens_memory_unasked(path: &str) -> bool {
    path == "duckdb.connect"
}

/// Whether a call puts elsewhere all that a database holds.
#[must_use]
pub fn exports_database(name: &str) -> bool {
    matches!(name, "backup" | "iterdump")
}

/// The catalogs and schemas of a database itself, and not of one that was attached to it.
const OWN_CATALOGS: &[&str] = &["main", "memory", "temp"];

/// Words that may stand between the verb of a statement and the table that it changes.
const BEFORE_TABLE: &[&str] = &[
    "into",
    "or",
    "ignore",
    "replace",
    "abort",
    "fail",
    "rollback",
    "table",
    "temp",
    "temporary",
    "view",
    "from",
    "if",
    "not",
    "exists",
    "only",
];

/// Whether a statement puts data out of the database that runs it: into a file, or into a database
/// that was attached.
#[must_use]
pub fn leaves_database(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    match statement(&lower).as_deref() {
        Some("export") => true,
        // `COPY runs FROM 'file'` comes in; `COPY (SELECT … FROM runs) TO 'file'` goes out.
        Some("copy") => {
            let mut words = lower.split_whitespace();
            let queries = words.any(|word| word.trim_start_matches('(') == "select");
            queries || !lower.split_whitespace().any(|word| word == "from")
        }
        Some(verb) if WRITE_STATEMENTS.contains(&verb) => {
            let mut words = lower
                .split(|c: char| c.is_whitespace() || c == '(')
                .skip_while(|word| *word != verb)
                .skip(1)
                .filter(|word| !word.is_empty() && !BEFORE_TABLE.contains(word));
            let table = words.next().unwrap_or_default();
            let catalog = table.split_once('.').map(|(catalog, _)| catalog);
            catalog.is_some_and(|catalog| {
                let catalog = catalog.trim_matches(|c: char| !c.is_alphanumeric() && c != '_');
                !OWN_CATALOGS.contains(&catalog)
            })
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{
        leaves_database, makes_buffer, makes_collection, makes_writer, names_memory, takes_bytes,
    };
    use crate::ir::Name;

    fn path(text: &str) -> Vec<Name> {
        text.split('.').map(Name::new).collect()
    }

    #[test]
    fn paths_decide() {
        assert!(makes_writer("DictWriter") && makes_writer("writer") && !makes_writer("rewrite"));
        assert!(makes_buffer(&path("io.BytesIO")) && makes_buffer(&path("Cursor.new")));
        assert!(!makes_buffer(&path("File.create")) && makes_collection(&path("Vec.new")));
        assert!(!makes_collection(&path("Vec.len")) && takes_bytes(&path("bytes.BytesMut")));
    }

    #[test]
    fn databases_in_memory() {
        for text in [":memory:", "sqlite://", "sqlite+aiosqlite:///:memory:"] {
            assert!(names_memory(text), "{text}");
        }
        for text in ["runs.db", "sqlite:///runs.db", "postgresql://"] {
            assert!(!names_memory(text), "{text}");
        }
        for text in [
            "COPY (SELECT * FROM runs) TO 's3://b/x.parquet'",
            "INSERT INTO lake.orders SELECT * FROM staged",
            "EXPORT DATABASE 'out'",
        ] {
            assert!(leaves_database(text), "{text}");
        }
        for text in [
            "INSERT INTO runs SELECT * FROM read_parquet('a.b')",
            "INSERT OR REPLACE INTO main.runs VALUES (?)",
            "COPY runs FROM 'runs.csv'",
            "SELECT a.b FROM a",
        ] {
            assert!(!leaves_database(text), "{text}");
        }
    }
}
