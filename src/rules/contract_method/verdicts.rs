//! Verdicts on contract methods that hold for several classes.
//!
//! Heirs of one class mostly run the same code. A verdict for one of them holds for every class
//! that gives the same answers to the questions that were asked about it on the way.

use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use rustc_hash::FxHashMap;

use crate::engine::objects::ask::Answers;
use crate::program::{ClassRef, FuncRef, Program};
use crate::source::trace::{self, Trace};

/// The verdict on a method for one class.
struct KnownVerdict<T> {
    class: ClassRef,
    /// What was asked about that class on the way.
    answers: Answers,
    verdict: Arc<T>,
    trace: Trace,
}

/// The verdicts on one method, one for each class that runs it in its own way. The lock is held
/// until a verdict is found, so another thread that needs the same verdict waits for it.
type OfOneMethod<T> = Arc<Mutex<Vec<KnownVerdict<T>>>>;

/// The verdicts of one rule.
pub struct Verdicts<K, T> {
    known: Mutex<FxHashMap<(FuncRef, K), OfOneMethod<T>>>,
}

impl<K, T> Default for Verdicts<K, T> {
    fn default() -> Self {
        Self {
            known: Mutex::default(),
        }
    }
}

impl<K: Hash + Eq, T> Verdicts<K, T> {
    /// The verdict on a method for a class, or on a function. `fits` says whether a verdict for another class may be
    /// used, as far as the rule itself asked about that class. If none is known, `find_out` finds
    /// it, with what was asked about the class.
    pub(in crate::rules) fn get(
        &self,
        program: &Program<'_>,
        (func, key): (FuncRef, K),
        class: Option<ClassRef>,
        fits: impl Fn(&T) -> bool,
        find_out: impl FnOnce() -> (T, Answers),
    ) -> Arc<T> {
        // A function has one caller-independent verdict, and is checked once.
        let Some(class) = class else {
            return Arc::new(find_out().0);
        };
        let known = {
            let mut all = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(all.entry((func, key)).or_default())
        };
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        let found = known.iter().find(|known| {
            fits(&known.verdict) && (known.class == class || known.answers.hold_for(program, class))
        });
        if let Some(found) = found {
            trace::replay(&found.trace);
            return Arc::clone(&found.verdict);
        }
        let ((verdict, answers), trace) = trace::record(find_out);
        let verdict = Arc::new(verdict);
        known.push(KnownVerdict {
            class,
            answers,
            verdict: Arc::clone(&verdict),
            trace,
        });
        verdict
    }
}
