//! Shows on a terminal how far a long run has come.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::terminal;
use crate::busy::{Busy, Seen};
use crate::report::{harmless, plural};

/// Nothing is shown before this time.
const PATIENCE: Duration = Duration::from_secs(1);
/// A function that is followed for less time is not named.
const LONG: Duration = Duration::from_secs(2);
/// The width of a terminal that does not tell its own.
const WIDTH: usize = 80;

/// Shows a line as long as it exists; dropping it erases the line.
pub struct Progress {
    running: Option<Running>,
}

struct Running {
    busy: Arc<Busy>,
    stop: Sender<()>,
    shower: JoinHandle<()>,
}

impl Progress {
    /// Starts, if `wanted` and standard error is a terminal.
    pub fn start(wanted: bool) -> Self {
        if !wanted || !terminal::stderr_is_terminal() {
            return Self { running: None };
        }
        let (stop, stopped) = mpsc::channel::<()>();
        let busy = Arc::new(Busy::default());
        let seen = Arc::clone(&busy);
        let shower = thread::spawn(move || {
            let mut shown = Shown::default();
            // Dropping the sender ends the loop.
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(PATIENCE) {
                let line = shown.line(&seen.seen(), Instant::now());
                let width = terminal::stderr_width().unwrap_or(WIDTH);
                let _ = write!(io::stderr(), "\r\x1b[2K{}", cut(&line, width));
                let _ = io::stderr().flush();
            }
            if shown.started.is_some() {
                let _ = write!(io::stderr(), "\r\x1b[2K");
                let _ = io::stderr().flush();
            }
        });
        Self {
            running: Some(Running { busy, stop, shower }),
        }
    }

    /// What a run has to tell how far it has come, if that is shown.
    pub fn busy(&self) -> Option<&Arc<Busy>> {
        self.running.as_ref().map(|running| &running.busy)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(Running { stop, shower, .. }) = self.running.take() {
            drop(stop);
            let _ = shower.join();
        }
    }
}

/// What was shown so far.
#[derive(Default)]
struct Shown {
    started: Option<Instant>,
    /// The number of the function that began first, and since when it was seen.
    longest: Option<(u64, Instant)>,
}

impl Shown {
    /// The line for what is seen now.
    fn line(&mut self, seen: &Seen, now: Instant) -> String {
        // The line is shown for the first time when the run is as old as that.
        let started = *self.started.get_or_insert(now - PATIENCE);
        let seconds = (now - started).as_secs();
        if seen.files == 0 {
            return format!("reading … {seconds}s");
        }
        let mut line = format!(
            "checking {} … {} %, {seconds}s",
            plural(seen.files, "file"),
            seen.percent
        );
        let longest = seen.following.first();
        self.longest = longest.map(|function| match self.longest {
            Some((number, since)) if number == function.number => (number, since),
            _ => (function.number, now),
        });
        if let (Some(function), Some((_, since))) = (longest, self.longest)
            && now - since >= LONG
        {
            line += &format!(
                ", {}s of them in {}",
                (now - since).as_secs(),
                harmless(&function.name)
            );
        }
        line
    }
}

/// The beginning of a line that fits into one of a terminal.
fn cut(line: &str, width: usize) -> String {
    let width = width.max(2) - 1;
    if line.chars().count() <= width {
        return line.to_owned();
    }
    line.chars().take(width - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::busy::Following;

    #[test]
    fn a_function_that_takes_long_is_named() {
        let mut shown = Shown::default();
        let now = Instant::now();
        let at = |seconds| now + Duration::from_secs(seconds);
        let following = |number, name: &str| Following {
            number,
            name: name.to_owned(),
        };
        let seen = |percent, following| Seen {
            files: 2500,
            percent,
            following,
        };
        assert_eq!(shown.line(&Seen::default(), now), "reading … 1s");
        let slow = following(7, "Orders.save_data in orders.py");
        let both = seen(
            40,
            vec![slow.clone(), following(9, "Users.save_data in users.py")],
        );
        assert_eq!(shown.line(&both, at(1)), "checking 2500 files … 40 %, 2s");
        assert_eq!(
            shown.line(
                &seen(41, vec![slow.clone(), following(12, "f in g.py")]),
                at(4)
            ),
            "checking 2500 files … 41 %, 5s, 3s of them in Orders.save_data in orders.py"
        );
        // The next one has its own time.
        let next = seen(42, vec![following(12, "f in g.py")]);
        assert_eq!(shown.line(&next, at(5)), "checking 2500 files … 42 %, 6s");
        let again = seen(43, vec![following(12, "f in \x1b[2J.py")]);
        assert_eq!(
            shown.line(&again, at(8)),
            "checking 2500 files … 43 %, 9s, 3s of them in f in ␛[2J.py"
        );
        assert_eq!(
            shown.line(&seen(44, Vec::new()), at(9)),
            "checking 2500 files … 44 %, 10s"
        );
    }

    #[test]
    fn a_line_fits_into_the_terminal() {
        assert_eq!(cut("checking", 9), "checking");
        assert_eq!(cut("checking", 8), "checki…");
        assert_eq!(cut("checking", 0), "…");
    }
}
