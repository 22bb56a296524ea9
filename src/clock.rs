//! How long something takes.

use std::time::Duration;
#[cfg(not(target_family = "wasm"))]
use std::time::Instant;

/// A watch that runs. Where there is no clock (in WebAssembly), everything takes no time: times are
/// only shown, and nothing is decided by them.
#[derive(Clone, Copy, Debug)]
pub struct Watch {
    #[cfg(not(target_family = "wasm"))]
    start: Instant,
}

impl Watch {
    /// Starts a watch.
    #[must_use]
    pub fn start() -> Self {
        Self {
            #[cfg(not(target_family = "wasm"))]
            start: Instant::now(),
        }
    }

    /// The time since the start.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        #[cfg(not(target_family = "wasm"))]
        let elapsed = self.start.elapsed();
        #[cfg(target_family = "wasm")]
        let elapsed = Duration::ZERO;
        elapsed
    }
}
