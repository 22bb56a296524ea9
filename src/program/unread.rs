//! What happens when somebody asks for a function body that was left out.
//!
//! Which bodies an analysis needs is known only when it is done: it works on what was read, and
//! notes when that was not enough. Then it is done again on files that are read as a whole.

use std::cell::Cell;

thread_local! {
    static MISSED: Cell<bool> = const { Cell::new(false) };
}

/// Notes that something was asked for that was not read.
pub(crate) fn note() {
    MISSED.with(|missed| missed.set(true));
}

/// Does something on this thread, and tells whether that asked for something not read.
pub(crate) fn watch<T>(work: impl FnOnce() -> T) -> (T, bool) {
    MISSED.with(|missed| missed.set(false));
    let result = work();
    (result, MISSED.with(|missed| missed.replace(false)))
}
