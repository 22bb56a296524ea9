//! Shows on a terminal that a long run is alive.

use std::io::{self, Write};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::terminal;

/// Nothing is shown before this time.
const PATIENCE: Duration = Duration::from_secs(1);

/// Shows a line as long as it exists; dropping it erases the line.
pub struct Progress {
    running: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Progress {
    /// Starts, if `wanted` and standard error is a terminal.
    pub fn start(wanted: bool) -> Self {
        if !wanted || !terminal::stderr_is_terminal() {
            return Self { running: None };
        }
        let (stop, stopped) = mpsc::channel::<()>();
        let start = Instant::now();
        let shower = thread::spawn(move || {
            let mut shown = false;
            // Dropping the sender ends the loop.
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(PATIENCE) {
                let seconds = start.elapsed().as_secs();
                let _ = write!(io::stderr(), "\ranalysing … {seconds}s");
                let _ = io::stderr().flush();
                shown = true;
            }
            if shown {
                let _ = write!(io::stderr(), "\r\x1b[2K");
                let _ = io::stderr().flush();
            }
        });
        Self {
            running: Some((stop, shower)),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((stop, shower)) = self.running.take() {
            drop(stop);
            let _ = shower.join();
        }
    }
}
