//! What a run is busy with, for those who wait for it. Nothing depends on it, except that a run which was stopped has no result.

use crate::order::Order as _;

use std::collections::HashMap;
use std::panic;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, ThreadId};

/// Counts what a run has done, and knows which functions it is following.
#[derive(Default, Debug)]
pub struct Busy {
    files: AtomicUsize,
    /// How often the run goes through its files, and which time this is, from 1.
    rounds: AtomicUsize,
    round: AtomicUsize,
    /// How many files this round goes through, and how many of them are done.
    of_round: AtomicUsize,
    done: AtomicUsize,
    following: Mutex<HashMap<ThreadId, Following>>,
    numbers: AtomicU64,
    /// Whether nobody needs the result any more.
    stopped: AtomicBool,
}

/// A function that is being followed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Following {
    /// No other has this number. Those that began later have larger ones.
    pub number: u64,
    /// Its name, and where it is.
    pub name: String,
}

/// What a run has done so far.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Seen {
    /// How many files it is about; 0 as long as that is not known.
    pub files: usize,
    /// How much of it is done, in percent.
    pub percent: usize,
    /// The functions that are being followed, those that began first at the beginning.
    pub following: Vec<Following>,
}

/// Is there as long as a function is followed.
#[derive(Debug)]
pub struct Doing<'b>(&'b Busy);

impl Busy {
    /// The run goes through this many files, so many times.
    pub fn expect(&self, files: usize, rounds: usize) {
        self.files.store(files, Ordering::Relaxed);
        self.rounds.store(rounds, Ordering::Relaxed);
    }

    /// The next round begins, through this many files.
    pub fn begin_round(&self, files: usize) {
        self.done.store(0, Ordering::Relaxed);
        self.of_round.store(files, Ordering::Relaxed);
        self.round.fetch_add(1, Ordering::Relaxed);
    }

    /// One more file of this round is done.
    pub fn end_file(&self) {
        self.done.fetch_add(1, Ordering::Relaxed);
    }

    /// Nobody needs the result of the run any more. It ends soon, and what it came to means nothing.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Whether the run was stopped.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// Goes on, unless the run was stopped: then this unwinds to the next [fence](crate::fence), as queries of salsa do.
    pub fn go_on(&self) {
        if self.is_stopped() {
            panic::resume_unwind(Box::new("stopped"));
        }
    }

    /// A function is followed now on this thread; `None` if that is for another one, which is followed already.
    pub fn follow(&self, name: impl FnOnce() -> String) -> Option<Doing<'_>> {
        self.go_on();
        let mut following = self
            .following
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let thread = thread::current().id();
        if following.contains_key(&thread) {
            return None;
        }
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        following.insert(
            thread,
            Following {
                number,
                name: name(),
            },
        );
        Some(Doing(self))
    }

    /// What is done so far.
    #[must_use]
    pub fn seen(&self) -> Seen {
        let read = |number: &AtomicUsize| number.load(Ordering::Relaxed);
        let before = read(&self.round).saturating_sub(1) * 100;
        let now = (read(&self.done) * 100).checked_div(read(&self.of_round));
        let percent = (before + now.unwrap_or_default().min(100)).checked_div(read(&self.rounds));
        let following = self
            .following
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut following: Vec<Following> = following.values().cloned().collect();
        following.order_by_key(|function| function.number);
        Seen {
            files: read(&self.files),
            percent: percent.unwrap_or_default().min(99),
            following,
        }
    }
}

impl Drop for Doing<'_> {
    fn drop(&mut self) {
        let mut following = self
            .0
            .following
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        following.remove(&thread::current().id());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_and_files_make_percents() {
        let busy = Busy::default();
        assert_eq!(busy.seen(), Seen::default());
        busy.expect(8, 2);
        busy.begin_round(4);
        busy.end_file();
        assert_eq!((busy.seen().files, busy.seen().percent), (8, 12));
        busy.begin_round(0);
        assert_eq!(busy.seen().percent, 50);
        busy.begin_round(1);
        busy.end_file();
        assert_eq!(busy.seen().percent, 99, "it is not over yet");
    }

    #[test]
    fn the_outermost_function_counts() {
        let busy = Busy::default();
        let names =
            || -> Vec<String> { busy.seen().following.into_iter().map(|f| f.name).collect() };
        let outer = busy.follow(|| "outer".to_owned());
        assert!(busy.follow(|| unreachable!("nobody reads it")).is_none());
        thread::scope(|scope| {
            scope.spawn(|| {
                let _other = busy.follow(|| "other".to_owned());
                assert_eq!(names(), ["outer", "other"]);
            });
        });
        assert_eq!(names(), ["outer"]);
        drop(outer);
        assert_eq!(names(), [""; 0]);
    }
}
