//! What names say about calls and data: words and names, as data that all rules share.
//!
//! | module | answers |
//! |---|---|
//! | `writes` | does a call write data, or only take some away? what is only a target of a write? |
//! | `sinks` | which calls write only because of their receiver? |
//! | `reading` | which calls named like writes only read? which exceptions does only reading raise? |
//! | `memory` | what lives in the memory of the process, and dies with it? |
//! | `harmless` | does a call surely write nothing? is a function only asked for something? |
//! | `outcomes` | how did a run end? which names count its failures? |
//! | `positions` | which calls and stores move a cursor, an offset, a watermark? |
//! | `failures` | who is told of a failure? which failures are nobody's loss? |
//! | `about` | does a write keep what is known about the data, and not the data? |
//! | `answering` | may a function learn, or tell, by a value that a write has failed? |
//! | `claiming` | may a function say that a run was a success? |
//! | `collections` | what does a method do with a collection? |

mod about;
mod answering;
mod claiming;
pub mod collections;
mod failures;
mod glance;
mod harmless;
mod memory;
pub mod outcomes;
mod positions;
mod programs;
mod reading;
mod sinks;
mod sure;
mod writes;

pub use answering::answering;
pub use claiming::claiming;
pub use collections::only_fills;
pub use failures::{
    answers_person, changes_log_table, cleans_up, describes, does_more_than_describe, is_auxiliary,
    is_auxiliary_class, is_best_effort, is_failed_mark, is_failed_status, is_failure_record,
    is_log_table, is_no_write_error, is_report, is_status_name, only_tells, says_duplicate,
    says_duplicate_row, says_failure, says_missing, says_nothing_left, says_refused, says_stored,
    shows, status_in_name, stores_what_is_read, takes_log_records, tells, tells_on_report,
    tracks_errors,
};
pub use glance::{Words, moving_with, writing_with};
pub use harmless::{is_harmless, only_asks};
pub use memory::{
    exports_database, is_buffer, leaves_database, makes_buffer, makes_collection, makes_writer,
    names_memory, opens_in_memory, opens_memory_unasked, takes_bytes, writes_into_argument,
};
pub use positions::{
    gives_back, goes_back, hints_at_position, moves_position, names_position, names_position_field,
    names_state, states_position,
};
pub use programs::stores_by_command;
pub use reading::{
    begins_reading, builds_reading, builds_removal, counts_rows, ends_with_query, fetches_rows,
    holds_rows, is_reading_error, is_row_count, runs_statement,
};
pub use sure::{Given, is_sure_write, may_be_sure, names_work};
pub use writes::{
    PLAIN, begins_unit, changes_rows, creates, finishes_unit, is_common_method, is_common_write,
    is_of_batch, is_option_to_go_on, is_removal, is_special_method, is_staged, is_statement,
    is_target, is_write, may_only_read, may_write, only_remove, parts_of_writes, writes_receiver,
};

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

/// Whether one of the words that underscores separate in a name stands in a table. Both are in lower
/// case.
fn has_any(name: &str, table: &[&str]) -> bool {
    name.split('_').any(|word| table.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::has_word;

    #[test]
    fn words_stand_alone() {
        assert!(has_word("write_audit", "audit") && has_word("ad_metrics", "metric"));
        assert!(!has_word("auditorium", "audit") && !has_word("catalog", "log"));
    }
}
