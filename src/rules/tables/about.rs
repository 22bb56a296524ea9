//! Writes of what is known about the data, and not of the data: what it looks like, and whether it is
//! good.

use super::sinks::words;

/// First words of names of calls and functions that keep something.
const KEEPING: &[&str] = &[
    "save", "store", "insert", "upsert", "persist", "write", "put", "add", "create", "record",
    "register", "update", "track",
];

/// Words for a description of the data. A schema may also be a place for tables: only what keeps one
/// (`save_schema`), or keeps of one what is listed in [`OF_DESCRIPTIONS`], is about a description.
const DESCRIPTIONS: &[&str] = &["schema", "schemas", "ddl", "dtypes"];

/// What is kept of such descriptions.
const OF_DESCRIPTIONS: &[&str] = &[
    "snapshot",
    "snapshots",
    "version",
    "versions",
    "drift",
    "drifts",
    "change",
    "changes",
    "fingerprint",
    "fingerprints",
    "hash",
    "hashes",
    "definition",
    "definitions",
];

/// Words for what looks whether the data is good.
const LOOKS: &[&str] = &[
    "dq",
    "quality",
    "check",
    "checks",
    "expectation",
    "expectations",
    "validation",
    "validations",
];

/// What comes of that.
const RESULTS: &[&str] = &[
    "result", "results", "check", "checks", "report", "reports", "score", "scores", "status",
];

/// Whether a call or a function keeps what is known about the data: `save_schema_snapshot`,
/// `record_dq_result`.
#[must_use]
pub(super) fn keeps_about_data(name: &str) -> bool {
    let words = words(name);
    let Some((verb, rest)) = words.split_first() else {
        return false;
    };
    let is = |word: Option<&String>, table: &[&str]| {
        word.is_some_and(|word| table.contains(&word.as_str()))
    };
    let into = rest
        .iter()
        .any(|w| matches!(w.as_str(), "to" | "into" | "in"));
    if !KEEPING.contains(&verb.as_str()) || into {
        return false;
    }
    let last = rest.last();
    let before = rest.iter().rev().nth(1);
    is(last, DESCRIPTIONS)
        || is(last, OF_DESCRIPTIONS) && is(before, DESCRIPTIONS)
        || is(last, RESULTS) && is(before, LOOKS)
}

#[cfg(test)]
mod tests {
    use super::keeps_about_data;

    #[test]
    fn the_last_words_decide() {
        for name in [
            "save_schema",
            "saveSchemaSnapshot",
            "record_dq_result",
            "store_quality_checks",
            "insert_validation_results",
        ] {
            assert!(keeps_about_data(name), "{name}");
        }
        for name in [
            "save_rows",
            "save_to_schema",
            "load_schema",
            "sync_schema",
            "insert_snapshots",
            "save_results",
            "save_validation_rows",
            "write_schema_rows",
        ] {
            assert!(!keeps_about_data(name), "{name}");
        }
    }
}
