//! Panic fences: a bug in one place becomes a value and does not end the run.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

use serde::{Deserialize, Serialize};

/// Stack size of the analysis threads. Deeply nested code is walked recursively.
const STACK_BYTES: usize = 256 * 1024 * 1024;

/// A panic that was caught.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Bug {
    /// What the panic said.
    pub message: String,
    /// Where in tallylint's source it was raised.
    pub place: String,
}

impl fmt::Display for Bug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (at {})", self.message, self.place)
    }
}

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    static LAST: RefCell<Option<Bug>> = const { RefCell::new(None) };
}

/// Runs `work` and turns a panic into a [`Bug`]. The panic prints nothing.
///
/// After a panic, state that `work` shares with its caller may be half changed. Callers use this
/// for work whose results they drop in that case.
///
/// # Errors
/// When `work` panics.
pub fn catch<T>(work: impl FnOnce() -> T) -> Result<T, Bug> {
    install_hook();
    DEPTH.with(|depth| depth.set(depth.get() + 1));
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    DEPTH.with(|depth| depth.set(depth.get() - 1));
    result.map_err(|_| {
        LAST.with(|last| last.borrow_mut().take())
            .unwrap_or_else(|| Bug {
                message: "panic without a message".to_owned(),
                place: "unknown place".to_owned(),
            })
    })
}

/// Runs `work` behind a fence, on a thread with a large stack. The thread belongs to a pool, so
/// parallel iterators in `work` run on such threads, too. `RAYON_NUM_THREADS` sets their number.
///
/// WebAssembly has no threads: there, `work` runs on the stack of its caller, and parallel iterators
/// run one after the other.
///
/// # Errors
/// When `work` panics, or the threads cannot be started.
pub fn on_big_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, Bug> {
    if cfg!(target_family = "wasm") {
        return catch(work);
    }
    let pool = rayon::ThreadPoolBuilder::new()
        .thread_name(|i| format!("analysis {i}"))
        .stack_size(STACK_BYTES)
        .build()
        .map_err(|error| Bug {
            message: format!("cannot start the analysis threads: {error}"),
            place: "start-up".to_owned(),
        })?;
    pool.install(|| catch(work))
}

fn install_hook() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let default = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            // A panic that aborts is caught by nobody.
            if DEPTH.with(Cell::get) == 0 || cfg!(panic = "abort") {
                default(info);
                return;
            }
            let payload = info.payload();
            let message = payload
                .downcast_ref::<&str>()
                .map(|text| (*text).to_owned())
                .or_else(|| payload.downcast_ref::<String>().cloned())
                .unwrap_or_else(|| "panic without a message".to_owned());
            let place = info
                .location()
                .map_or_else(|| "unknown place".to_owned(), ToString::to_string);
            LAST.with(|last| *last.borrow_mut() = Some(Bug { message, place }));
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_a_value() {
        let bug = catch(|| panic!("boom {}", 1)).expect_err("it panics");
        assert_eq!(bug.message, "boom 1");
        assert!(bug.place.contains("fence.rs:"), "{}", bug.place);
        assert_eq!(catch(|| 5), Ok(5));
    }

    #[test]
    fn fences_nest_and_threads_report() {
        let outer = on_big_stack(|| {
            let inner = catch(|| panic!("inner"));
            assert_eq!(inner.expect_err("it panics").message, "inner");
            panic!("outer")
        });
        let outer: Result<(), Bug> = outer;
        assert_eq!(outer.expect_err("it panics").message, "outer");
    }
}
