//! Texts, and what is read from them.

mod catalogue;
mod conditions;
mod robust;
mod structure;

use super::*;

fn is_status(name: &str) -> bool {
    ["status", "state", "run_status"].contains(&name.to_lowercase().as_str())
}

fn is_count(name: &str) -> bool {
    [
        "n",
        "records",
        "records_processed",
        "row_count",
        "rows_inserted",
    ]
    .contains(&name.to_lowercase().as_str())
}

fn is_success(word: &str) -> bool {
    ["success", "succeeded", "completed", "done", "ok"].contains(&word)
}

fn read_pieces(pieces: &[Piece<'_>], bound: &Bound) -> Option<Query> {
    let vocabulary = Vocabulary {
        is_status_column: &is_status,
        is_count_column: &is_count,
        is_success_word: &is_success,
    };
    read(pieces, bound, &vocabulary)
}

/// Reads a text in which `□` is a hole.
fn try_sql(text: &str) -> Option<Query> {
    let mut pieces = Vec::new();
    for (index, part) in text.split('□').enumerate() {
        if index > 0 {
            pieces.push(Piece::Hole);
        }
        pieces.push(Piece::Text(part));
    }
    read_pieces(&pieces, &Bound::default())
}

fn sql(text: &str) -> Query {
    try_sql(text).unwrap_or_else(|| panic!("not read: {text}"))
}

/// A query over runs with this condition.
fn filtered(condition: &str) -> Query {
    sql(&format!("SELECT id FROM runs WHERE {condition}"))
}

/// The counts with which success is admitted, as `N`, `0`, `+`.
fn counts(query: &Query, status: &str) -> String {
    [
        (Count::Null, 'N'),
        (Count::Zero, '0'),
        (Count::Positive, '+'),
    ]
    .into_iter()
    .filter(|(count, _)| query.admits(status, *count))
    .map(|(_, letter)| letter)
    .collect()
}

fn meanings(text: &str) -> Vec<Meaning> {
    sql(text).columns.iter().map(|c| c.meaning).collect()
}
