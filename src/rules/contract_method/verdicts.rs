//! What was found out about contract methods, for all classes that run them alike.
//!
//! Heirs of one class mostly run the same code. What a rule finds out about a method for one of
//! them holds for all whose classes answer the questions that were asked on the way alike.

use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use rustc_hash::FxHashMap;

use crate::engine::ask::Answers;
use crate::program::{ClassRef, FuncRef, Program};

/// What is known of one method as one of a class.
struct KnownVerdict<T> {
    class: ClassRef,
    /// What was asked about that class on the way.
    answers: Answers,
    verdict: Arc<T>,
}

/// What is known of one method, for each class that was found to run it in its own way. The lock is
/// held while a verdict is found out: another thread that needs the same waits for it.
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
    /// The verdict on a method as one of a class. `fits` says whether what was found out about
    /// another class may be used as far as the rule itself asked about it; `find_out` brings the
    /// verdict and what was asked about the class, if none is known.
    pub(in crate::rules) fn get(
        &self,
        program: &Program<'_>,
        (func, key): (FuncRef, K),
        class: ClassRef,
        fits: impl Fn(&T) -> bool,
        find_out: impl FnOnce() -> (T, Answers),
    ) -> Arc<T> {
        let known = {
            let mut all = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(all.entry((func, key)).or_default())
        };
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        let found = known.iter().find(|known| {
            fits(&known.verdict) && (known.class == class || known.answers.hold_for(program, class))
        });
        if let Some(found) = found {
            return Arc::clone(&found.verdict);
        }
        let (verdict, answers) = find_out();
        let verdict = Arc::new(verdict);
        known.push(KnownVerdict {
            class,
            answers,
            verdict: Arc::clone(&verdict),
        });
        verdict
    }
}
