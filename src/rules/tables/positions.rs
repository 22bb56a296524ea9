//! Which calls and stores move a position: a cursor, an offset, a watermark, an acknowledgement. A
//! position says that everything before it is safe.

use super::sinks::words;
use crate::presets::Moves;

/// Words that name a kept position.
const POSITIONS: &[&str] = &[
    "cursor",
    "offset",
    "offsets",
    "watermark",
    "watermarks",
    "bookmark",
    "bookmarks",
    "checkpoint",
    "checkpoints",
    "lsn",
    "resume_token",
    "high_water",
    "last_sync",
    "last_synced",
    "last_processed",
    "last_loaded",
    "last_ingested",
    "last_exported",
    "last_imported",
    "sync_state",
    "sync_token",
    "delta_token",
    "next_token",
];

/// Verbs that keep a position, if they come first in the name of a call.
const KEEPING: &[&str] = &[
    "set", "save", "update", "advance", "store", "write", "persist", "put", "record", "commit",
    "move", "bump", "emit", "upsert",
];

/// Whole names of calls that keep a position.
const KEEPS: &[&str] = &["write_state", "emit_state", "checkpoint"];

/// Calls of a consumer that commit what it has read.
const COMMITS: &[&str] = &[
    "commit",
    "commit_async",
    "commit_sync",
    "commit_message",
    "commit_offset",
    "commit_offsets",
    "store_offset",
    "store_offsets",
];

/// Calls that acknowledge a message, whatever they are called on.
const ACKNOWLEDGES: &[&str] = &[
    "ack",
    "acknowledge",
    "ack_message",
    "acknowledge_message",
    "basic_ack",
    "xack",
    "delete_message",
    "delete_message_batch",
];

/// Words of receivers that are a message of a queue.
const MESSAGES: &[&str] = &["message", "msg"];

/// Calls that give rows back, or put them where somebody looks after them.
const GIVES_BACK: &[&str] = &[
    "nack",
    "reject",
    "requeue",
    "seek",
    "retry",
    "rewind",
    "dlq",
    "dead",
    "quarantine",
    "park",
    "abandon",
    "defer",
    "redeliver",
];

/// Parts of names that hint at a position, in lower case, and whether each is a whole part: without one, a
/// function moves none.
pub(super) const HINTS: &[(&str, bool)] = &[
    ("cursor", false),
    ("offset", false),
    ("watermark", false),
    ("bookmark", false),
    ("checkpoint", false),
    ("last_", false),
    ("high_water", false),
    ("lastsync", false),
    ("lastprocessed", false),
    ("_token", false),
    ("_state", false),
    ("state_", false),
    ("lsn", true),
    ("ack", true),
    ("basic_ack", true),
    ("xack", true),
    ("acknowledge", false),
    ("delete_message", false),
    ("consumer", false),
    ("message", true),
    ("msg", true),
];

/// Whether a call hints at a position that it moves, by its name alone.
#[must_use]
pub fn hints_at_position(name: &str) -> bool {
    names_state(name) || moves_position(name, Some("consumer")).is_some()
}

/// Whether a word of a function, as it is and in lower case, hints at a position. What is named only like
/// that is rarely kept: the cursor of a database, the offset in a file.
pub(super) fn word_hints((word, lower): (&str, &str), called: bool) -> bool {
    if matches!(lower, "cursor" | "offset" | "offsets") {
        return false;
    }
    // Most words are told apart by this, which is quicker than looking at their parts.
    let may = HINTS.iter().any(|(hint, _)| lower.contains(hint));
    may && (names_state(word) || called && moves_position(word, None).is_some())
}

/// Whether a call, by its name and that in lower case, moves a position if it is made on what
/// [`is_moved_on`] accepts.
pub(super) fn moves_on((called, lower): (&str, &str)) -> bool {
    lower == "delete"
        || (lower.starts_with("commit") || lower.starts_with("store"))
            && moves_position(called, Some("consumer")).is_some()
}

/// Whether a name in lower case is that of a consumer or of a message.
pub(super) fn is_moved_on(lower: &str) -> bool {
    lower.contains("consumer") || MESSAGES.iter().any(|message| lower.ends_with(message))
}

/// Whether a name says that it holds a kept position: `last_sync_at`, `self.orders_cursor`.
#[must_use]
pub fn names_position(name: &str) -> bool {
    // With a mark behind each word: what begins with a word and ends before a mark is whole words.
    let marked = words(name).join("_") + "_";
    let mut rest = marked.as_str();
    while let Some((_, next)) = rest.split_once('_') {
        let mut behind = POSITIONS.iter().filter_map(|p| rest.strip_prefix(p));
        if behind.any(|behind| behind.starts_with('_')) {
            return true;
        }
        rest = next;
    }
    false
}

/// Whether a name is that of a value that names the field with a position: `cursor_field`.
#[must_use]
pub fn names_position_field(name: &str) -> bool {
    let words = words(name);
    let last = words.last().map(String::as_str);
    matches!(last, Some("field" | "key" | "column" | "name")) && names_position(name)
}

/// Whether a name says that a file or an object keeps a position: `STATE_FILE`, `cursor_path`.
#[must_use]
pub fn names_state(name: &str) -> bool {
    let words = words(name);
    let is = |wanted: &[&str]| words.iter().any(|word| wanted.contains(&word.as_str()));
    names_position(name) || is(&["state"]) && is(&["file", "path", "json"])
}

/// The position that a call moves, by its name and that of its receiver.
#[must_use]
pub fn moves_position(name: &str, receiver: Option<&str>) -> Option<Moves> {
    let parts = words(name);
    let on = receiver.map(words).unwrap_or_default();
    let on_consumer = on.iter().any(|word| word == "consumer");
    let lower = parts.join("_");
    let is = |table: &[&str]| table.contains(&lower.as_str());
    let offsets = parts.len() > 1 && lower.contains("offset");
    let stores = || matches!(parts[0].as_str(), "commit" | "store");
    if is(COMMITS) && (on_consumer || offsets) || on_consumer && offsets && stores() {
        return Some(Moves::Offset);
    }
    let on_message = || {
        on.last()
            .is_some_and(|word| MESSAGES.contains(&word.as_str()))
    };
    if is(ACKNOWLEDGES) || lower == "delete" && on_message() {
        return Some(Moves::Message);
    }
    let [verb, rest @ ..] = parts.as_slice() else {
        return None;
    };
    let keeps = KEEPING.contains(&verb.as_str()) && names_position(&rest.join("_"));
    (keeps || is(KEEPS)).then_some(Moves::Kept)
}

/// Whether a call gives rows back that could not be processed, or puts them aside.
#[must_use]
pub fn gives_back(name: &str) -> bool {
    words(name)
        .iter()
        .any(|word| GIVES_BACK.contains(&word.as_str()))
}

/// Calls that go back to where reading began.
const GOES_BACK: &[&str] = &["seek", "rewind"];

/// Whether a call goes back to rows that were read, judged by its name.
#[must_use]
pub fn goes_back(name: &str) -> bool {
    words(name)
        .iter()
        .any(|word| GOES_BACK.contains(&word.as_str()))
}

/// Whether a statement changes a table or a column that is named like a position.
#[must_use]
pub fn states_position(text: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut tokens = text.split(|c: char| !is_word(c)).filter(|t| !t.is_empty());
    let Some(verb) = tokens.next() else {
        return false;
    };
    let verb = verb.to_ascii_lowercase();
    if !matches!(
        verb.as_str(),
        "insert" | "update" | "merge" | "replace" | "upsert"
    ) {
        return false;
    }
    // What follows WHERE is looked for, not changed.
    let mut changed = tokens.take_while(|token| !token.eq_ignore_ascii_case("where"));
    changed.any(names_position)
}

#[cfg(test)]
mod tests {
    use super::{Moves, moves_position, names_position, states_position};

    #[test]
    fn positions_are_named() {
        assert!(names_position("last_sync_at") && names_position("ordersCursor"));
        assert!(!names_position("last_name") && !names_position("cursory"));
        assert_eq!(moves_position("save_cursor", None), Some(Moves::Kept));
        assert_eq!(
            moves_position("commit", Some("consumer")),
            Some(Moves::Offset)
        );
        assert_eq!(moves_position("commit", Some("session")), None);
        assert_eq!(
            moves_position("delete", Some("message")),
            Some(Moves::Message)
        );
        assert_eq!(moves_position("delete", Some("row")), None);
    }

    #[test]
    fn statements_move_what_they_change() {
        assert!(states_position(
            "UPDATE sync_state SET last_sync = ?, items = ? WHERE name = ?"
        ));
        assert!(states_position(
            "INSERT INTO watermarks (feed, ts) VALUES (%s, %s)"
        ));
        assert!(!states_position(
            "UPDATE orders SET paid = 1 WHERE cursor = ?"
        ));
        assert!(!states_position("SELECT last_sync FROM feeds"));
    }
}
