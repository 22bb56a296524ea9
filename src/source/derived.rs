//! What is worked out about a thing once and kept with it, whoever needs it.

use std::any::{Any, TypeId};
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rustc_hash::FxHashMap;

/// Values that follow from one thing alone, at most one of each type.
#[derive(Default)]
pub struct Derived(Mutex<FxHashMap<TypeId, Arc<dyn Any + Send + Sync>>>);

impl Derived {
    /// The value of a type; `make` works it out on first use. It must depend on nothing but the thing.
    pub fn get<T: Send + Sync + 'static>(&self, make: impl FnOnce() -> T) -> Arc<T> {
        let known = {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let entry = all.entry(TypeId::of::<T>());
            Arc::clone(entry.or_insert_with(|| Arc::new(OnceLock::<Arc<T>>::new())))
        };
        let known = known.downcast::<OnceLock<Arc<T>>>();
        // Each type has a place of its own, so this is the place of `T`.
        match known {
            Ok(known) => Arc::clone(known.get_or_init(|| Arc::new(make()))),
            Err(_) => Arc::new(make()),
        }
    }
}

impl fmt::Debug for Derived {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("what was worked out")
    }
}
