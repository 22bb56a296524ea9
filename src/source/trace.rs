//! What an answer depends on: the files, the paths and the questions about all files that were looked at to find it.
//!
//! While an answer is found out, everything that is read is noted, on the thread that reads it. Answers that are kept for
//! others are kept with their trace, and whoever is given one has seen all of it as well ("verifying traces" in Mokhov,
//! Mitchell, Peyton Jones: Build Systems à la Carte, ICFP 2018).

use std::cell::{Cell, RefCell};
use std::hash::Hash;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use rustc_hash::{FxHashMap, FxHashSet};
use serde::{Deserialize, Serialize};

use super::FileId;

/// Something that was looked at.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Read {
    /// The content of a file.
    File(FileId),
    /// What is at a path.
    At(PathBuf),
    /// The answer to a question about the texts of all files.
    Asked(Question),
}

/// A question about the texts of all files of a run.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Question {
    /// Whether some file stores to attributes of this name or, with `true`, changes their content.
    Stores(String, bool),
    /// Whether some file that stores under names known only at run time mentions one of these words.
    StoresAny(Vec<String>),
    /// Whether some file other than these contains a word.
    Mentioned(String, Vec<PathBuf>),
    /// Which files other than this one contain a word: so many at most, and whether there are more.
    Mentioning(String, Option<PathBuf>, usize),
}

/// All that was looked at for an answer.
#[derive(Clone, Default, Debug)]
pub struct Trace(Option<Arc<Looks>>);

#[derive(Default, Debug)]
struct Looks {
    reads: FxHashSet<Read>,
    /// What kept answers depend on.
    inner: Vec<Trace>,
}

#[derive(Default)]
struct Recorder {
    reads: FxHashSet<Read>,
    inner: Vec<Trace>,
    /// Which traces are among `inner`, by their addresses.
    known: FxHashSet<usize>,
}

thread_local! {
    static RECORDERS: RefCell<Vec<Recorder>> = const { RefCell::new(Vec::new()) };
    /// The file that was noted last: most reads are of the same few files.
    static LAST: Cell<Option<FileId>> = const { Cell::new(None) };
}

/// Does some work, and returns what it looked at. Whoever records around it has seen that, too.
pub fn record<T>(work: impl FnOnce() -> T) -> (T, Trace) {
    /// Ends the recording, also if the work panics.
    struct Ends;
    impl Drop for Ends {
        fn drop(&mut self) {
            LAST.set(None);
            RECORDERS.with_borrow_mut(|all| all.pop());
        }
    }
    LAST.set(None);
    RECORDERS.with_borrow_mut(|all| all.push(Recorder::default()));
    let ends = Ends;
    let result = work();
    let recorder = RECORDERS.with_borrow_mut(|all| all.last_mut().map(std::mem::take));
    drop(ends);
    let Recorder { reads, inner, .. } = recorder.unwrap_or_default();
    let trace = match (reads.is_empty(), inner.as_slice()) {
        (true, []) => Trace::default(),
        (true, [one]) => one.clone(),
        _ => Trace(Some(Arc::new(Looks { reads, inner }))),
    };
    replay(&trace);
    (result, trace)
}

/// Notes that something is read.
pub fn note(read: impl FnOnce() -> Read) {
    RECORDERS.with_borrow_mut(|all| {
        if let Some(recorder) = all.last_mut() {
            recorder.reads.insert(read());
        }
    });
}

/// Notes that a file is read.
pub fn note_file(file: FileId) {
    if LAST.get() != Some(file) {
        note(|| Read::File(file));
        LAST.set(Some(file));
    }
}

/// Notes all that a kept answer depends on.
pub fn replay(trace: &Trace) {
    let Some(looks) = &trace.0 else {
        return;
    };
    RECORDERS.with_borrow_mut(|all| {
        if let Some(recorder) = all.last_mut()
            && recorder.known.insert(Arc::as_ptr(looks).addr())
        {
            recorder.inner.push(trace.clone());
        }
    });
}

impl Trace {
    /// Everything that was looked at, each once.
    #[must_use]
    pub fn reads(&self) -> FxHashSet<Read> {
        let mut out = FxHashSet::default();
        let mut seen = FxHashSet::default();
        let mut work = vec![self];
        while let Some(trace) = work.pop() {
            if let Some(looks) = &trace.0
                && seen.insert(Arc::as_ptr(looks).addr())
            {
                out.extend(looks.reads.iter().cloned());
                work.extend(&looks.inner);
            }
        }
        out
    }
}

/// Answers that are found out once, each with its trace.
#[derive(Debug)]
pub struct Memo<K, V>(Mutex<FxHashMap<K, (V, Trace)>>);

impl<K, V> Default for Memo<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash, V: Clone> Memo<K, V> {
    /// The answer to a question, which `make` finds out at first. If two threads do, their answers are equal.
    pub fn get(&self, question: K, make: impl FnOnce() -> V) -> V {
        let known = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = known().get(&question).cloned();
        if let Some((answer, trace)) = found {
            replay(&trace);
            return answer;
        }
        let (answer, trace) = record(make);
        known().insert(question, (answer.clone(), trace));
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(trace: &Trace) -> Vec<u32> {
        let reads = trace.reads();
        let files = reads.iter().map(|read| match read {
            Read::File(file) => file.0,
            other => panic!("{other:?}"),
        });
        let mut files: Vec<u32> = files.collect();
        files.sort_unstable();
        files
    }

    #[test]
    fn what_is_read_inside_is_read_outside() {
        let ((inner, kept), outer) = record(|| {
            note_file(FileId(1));
            note_file(FileId(1));
            let (_, inner) = record(|| note_file(FileId(2)));
            note_file(FileId(1));
            note_file(FileId(3));
            let ((), kept) = record(|| ());
            (inner, kept)
        });
        assert_eq!(files(&inner), [2]);
        assert_eq!(files(&kept), [0; 0]);
        assert_eq!(files(&outer), [1, 2, 3]);
        // A kept answer brings what it depends on.
        let ((), later) = record(|| {
            note_file(FileId(9));
            replay(&outer);
            replay(&outer);
        });
        assert_eq!(files(&later), [1, 2, 3, 9]);
        note_file(FileId(4));
    }

    #[test]
    fn a_panic_ends_the_recording() {
        let ((), trace) = record(|| {
            let work = || record(|| panic!("on purpose"));
            assert!(crate::fence::catch(work).is_err());
            note_file(FileId(5));
        });
        assert_eq!(files(&trace), [5]);
    }
}
