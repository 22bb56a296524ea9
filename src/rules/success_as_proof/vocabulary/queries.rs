//! Which texts are queries about runs, and which calls run queries.

/// Longer texts are queries, not words.
pub const LONGEST_WORD: usize = 24;

/// How statements start that change or add rows.
pub const CHANGES: &[&str] = &["update ", "insert ", "merge ", "upsert ", "replace "];

/// The verb of a query.
pub const VERB: &str = "select";

/// What a query for successful runs has in its text, beside [`VERB`].
pub const SUCCESS: &[&str] = &["succ", "complet", "done", "finished", "'ok'"];

/// What a query for the status of runs has in its text.
pub const STATUS: &str = "status";

/// Words in names of calls that run queries.
pub const RUNNERS: &[&str] = &[
    "query", "execute", "sql", "fetch", "fetchone", "fetchall", "select", "scalar", "prepare",
];

/// Whether a text selects something.
pub fn selects(text: &str) -> bool {
    text.as_bytes()
        .windows(VERB.len())
        .any(|w| w.eq_ignore_ascii_case(VERB.as_bytes()))
}

/// Whether a text may be a piece of a condition on runs: `' AND status = '`.
pub fn names_runs(piece: &str) -> bool {
    let condition = piece.contains(['=', '<', '(']) || piece.trim() != piece;
    condition && {
        let lower = piece.to_lowercase();
        lower.contains(STATUS) || SUCCESS.iter().any(|word| lower.contains(word))
    }
}

/// Whether a text may be a query about runs.
pub fn asks_for_runs(text: &str) -> bool {
    let lower = text.to_lowercase();
    let names = || SUCCESS.iter().any(|w| lower.contains(w));
    lower.contains(VERB) && names() || lower.contains(STATUS)
}
