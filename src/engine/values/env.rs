//! The values of a call's locals.

use smallvec::SmallVec;

use crate::engine::loops::rounds::{LoopId, Round};
use crate::engine::values::value::Value;

/// What the locals of a call hold. At any point, most locals of a long function are unbound or
/// dead, so only the others are stored. This keeps copies short.
#[derive(Clone, Default, PartialEq, Eq, Hash, Debug)]
pub struct Env {
    /// Sorted by local.
    bound: Vec<(u32, Value)>,
    /// The loops around the current point of the call, the outermost first, if the rule tells
    /// iterations apart.
    pub(in crate::engine) rounds: SmallVec<[Round; 1]>,
}

impl Env {
    /// What a local holds; `None` if it is unbound or dead.
    #[must_use]
    pub fn get(&self, local: usize) -> Option<Value> {
        self.find(local).ok().map(|at| self.bound[at].1)
    }

    /// Binds a local.
    pub fn set(&mut self, local: usize, value: Value) {
        match self.find(local) {
            Ok(at) => self.bound[at].1 = value,
            Err(at) => self.bound.insert(at, (number(local), value)),
        }
    }

    /// Unbinds a local; returns what it held.
    pub fn take(&mut self, local: usize) -> Option<Value> {
        let at = self.find(local).ok()?;
        Some(self.bound.remove(at).1)
    }

    /// Unbinds all locals for which `kept` returns false.
    pub fn retain(&mut self, mut kept: impl FnMut(usize) -> bool) {
        self.bound.retain(|(local, _)| kept(*local as usize));
    }

    /// Unbinds all locals.
    pub fn clear(&mut self) {
        *self = Env::default();
    }

    /// These locals with the loops of another environment.
    pub(in crate::engine) fn with_rounds_of(mut self, other: &Env) -> Env {
        self.rounds.clone_from(&other.rounds);
        self
    }

    /// Leaves all loops for which `kept` returns false.
    pub(in crate::engine) fn leave_rounds(&mut self, kept: impl Fn(LoopId) -> bool) {
        self.rounds.retain(|(id, _)| kept(*id));
    }

    /// The flags with which a loop was entered, if the call is in that loop.
    pub(in crate::engine) fn entered(&self, id: LoopId) -> Option<u32> {
        let mut all = self.rounds.iter();
        all.find(|(known, _)| *known == id).map(|(_, flags)| *flags)
    }

    /// Enters a loop with these flags.
    pub(in crate::engine) fn enter_round(&mut self, id: LoopId, flags: u32) {
        self.rounds.push((id, flags));
    }

    /// The bound locals with their values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (usize, Value)> + '_ {
        self.bound.iter().map(|(local, v)| (*local as usize, *v))
    }

    /// The values of the bound locals, in the order of the locals.
    pub fn values(&self) -> impl Iterator<Item = Value> + '_ {
        self.bound.iter().map(|(_, v)| *v)
    }

    /// The number of locals that differ.
    #[must_use]
    pub fn differences(&self, other: &Env) -> usize {
        let same = self.iter().filter(|(l, v)| other.get(*l) == Some(*v));
        let both = self.iter().filter(|(l, _)| other.find(*l).is_ok()).count();
        let same = same.count();
        self.bound.len() + other.bound.len() - both - same
    }

    fn find(&self, local: usize) -> Result<usize, usize> {
        let local = number(local);
        self.bound.binary_search_by_key(&local, |(l, _)| *l)
    }
}

impl FromIterator<(usize, Value)> for Env {
    /// Takes the locals in ascending order.
    fn from_iter<I: IntoIterator<Item = (usize, Value)>>(locals: I) -> Self {
        let bound: Vec<(u32, Value)> = locals.into_iter().map(|(l, v)| (number(l), v)).collect();
        debug_assert!(bound.is_sorted_by_key(|(l, _)| *l));
        Env {
            bound,
            rounds: SmallVec::new(),
        }
    }
}

fn number(local: usize) -> u32 {
    u32::try_from(local).expect("fewer than 2^32 locals")
}

#[cfg(test)]
mod tests {
    use super::Env;
    use crate::engine::values::value::Value;

    #[test]
    fn locals_keep_what_they_are_given() {
        let mut env = Env::default();
        for (local, value) in [(7, 1), (2, 2), (9, 3), (2, 4)] {
            env.set(local, Value(value));
        }
        let all: Vec<_> = env.iter().collect();
        assert_eq!(all, [(2, Value(4)), (7, Value(1)), (9, Value(3))]);
        assert_eq!(env.get(3), None);
        assert_eq!(env.take(7), Some(Value(1)));
        assert_eq!(env.take(7), None);
        env.retain(|local| local > 2);
        assert_eq!(env.values().collect::<Vec<_>>(), [Value(3)]);
    }

    #[test]
    fn differences_are_counted_once() {
        let a: Env = [(1, Value(1)), (2, Value(2)), (4, Value(4))]
            .into_iter()
            .collect();
        let b: Env = [(2, Value(2)), (3, Value(3)), (4, Value(5))]
            .into_iter()
            .collect();
        // 1 and 3 are bound on one side only; 4 differs.
        assert_eq!(a.differences(&b), 3);
        assert_eq!(a.differences(&a), 0);
    }
}
