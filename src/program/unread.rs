//! What happens when somebody asks for a function body that was left out.
//!
//! Which bodies an analysis needs is known only when it is done: it works on what was read, and
//! notes when that was not enough. Then it is done again on files that are read as a whole.

use std::cell::Cell;

thread_local! {
    static WATCHED: Cell<bool> = const { Cell::new(false) };
    static MISSED: Cell<bool> = const { Cell::new(false) };
}

/// Notes that something was asked for that was not read.
pub(crate) fn note() {
    MISSED.with(|missed| missed.set(true));
}

/// Whether what is being done on this thread is going to be done again: it may stop.
pub(crate) fn is_in_vain() -> bool {
    MISSED.with(Cell::get) && WATCHED.with(Cell::get)
}

/// Does something on this thread; `None` when that asked for something not read. It may have
/// stopped then.
pub(crate) fn watch<T>(work: impl FnOnce() -> T) -> Option<T> {
    MISSED.with(|missed| missed.set(false));
    WATCHED.with(|watched| watched.set(true));
    let result = work();
    WATCHED.with(|watched| watched.set(false));
    let missed = MISSED.with(|missed| missed.replace(false));
    (!missed).then_some(result)
}
