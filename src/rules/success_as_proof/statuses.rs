//! Statuses: when one is found to be success, and of what.

use super::watch::{Lesson, OWN, Watch};
use crate::engine::Engine;
use crate::engine::values::fact::{Fact, Lits};
use crate::engine::values::state::State;
use crate::engine::values::value::Value;
use crate::ir::Literal;
use crate::ir::data::{SUCCESS, is_outcome};
use crate::program::FuncRef;

/// What a fact about the tag of an option or result says of its presence.
pub(super) fn presence(fact: &Fact) -> Option<bool> {
    let tag = |l: &Literal| match l {
        Literal::Str(s) if is_outcome(s) => Some(s == SUCCESS),
        _ => None,
    };
    let (set, said) = match &fact.lits {
        Lits::In(set) => (set, true),
        Lits::NotIn(set) => (set, false),
    };
    let mut tags = set.iter();
    match (tags.next(), tags.next()) {
        (Some(one), None) => tag(one).map(|success| success == said),
        _ => None,
    }
}

impl Watch<'_> {
    /// An option or a result was found to be there, or not to be.
    pub(super) fn presence(
        &self,
        engine: &mut Engine<'_>,
        state: &State,
        func: FuncRef,
        object: Value,
        there: bool,
    ) -> Option<Lesson> {
        if let Some((query, access)) = self.queries.outcome_of(engine, state, object) {
            return self.queries.exists(&query, &access, there);
        }
        // A number that cannot be zero.
        (there && engine.is_positive_option(state, object))
            .then(|| self.is_count(engine, state, func, object))?
            .then_some(Lesson::Records)
    }

    /// A value was found to equal, or not to equal, some texts.
    pub(super) fn status(
        &self,
        engine: &mut Engine<'_>,
        state: &State,
        func: FuncRef,
        v: Value,
        fact: &Fact,
        old: &Fact,
    ) -> Option<Lesson> {
        if fact.lits == old.lits {
            return None;
        }
        let words = self.vocabulary;
        let texts = |set: &std::collections::BTreeSet<Literal>| -> Vec<String> {
            set.iter()
                .filter_map(|l| match l {
                    Literal::Str(s) => Some(s.to_string()),
                    other => engine.member_name(other),
                })
                .collect()
        };
        // What a query let through is all that a status of its rows can be.
        let possible = self.queries.statuses(engine, state, v);
        let (left, open) = match (&fact.lits, possible) {
            (Lits::In(set), _) => (texts(set), Vec::new()),
            (Lits::NotIn(out), Some(all)) => {
                let out = texts(out);
                let left = all.into_iter().filter(|s| !out.contains(s)).collect();
                (left, Vec::new())
            }
            (Lits::NotIn(out), None) => (Vec::new(), texts(out)),
        };
        let named_success = |list: &[String]| list.iter().any(|s| words.is_success(s));
        let success = if open.is_empty() {
            if left.is_empty() {
                return None;
            }
            if !named_success(&left) {
                // A test for another status: not success, if the value is a status at all.
                return self
                    .is_status(engine, state, func, v)
                    .then_some(Lesson::NotSuccess);
            }
            let strange = left
                .iter()
                .any(|s| !words.is_success(s) && !words.is_partial(s));
            if strange {
                return None;
            }
            true
        } else if named_success(&open) {
            false
        } else if open.iter().any(|s| words.is_failure(s)) {
            if !self.is_status(engine, state, func, v) {
                return None;
            }
            return self
                .run_of(engine, state, func, v, true)
                .map(Lesson::Success);
        } else {
            return None;
        };
        let certain = left.iter().chain(&open).any(|s| words.is_plain_success(s));
        if !certain && !self.is_status(engine, state, func, v) {
            return None;
        }
        if success {
            self.run_of(engine, state, func, v, certain)
                .map(Lesson::Success)
        } else {
            Some(Lesson::NotSuccess)
        }
    }

    /// The flags that say where a status came from. An object's own state that is `done` is how far
    /// it has come itself; only the words that mean nothing else (`plain`) are a run's.
    pub(super) fn run_of(
        &self,
        engine: &mut Engine<'_>,
        state: &State,
        func: FuncRef,
        v: Value,
        plain: bool,
    ) -> Option<u32> {
        self.about(engine, state, func, v)
            .filter(|about| plain || about & OWN == 0)
    }
}
