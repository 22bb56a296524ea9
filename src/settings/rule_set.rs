//! Which rules are on.

use std::collections::BTreeSet;

/// The rules that are on. A set from a configuration is never empty.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RuleSet(BTreeSet<&'static str>);

impl RuleSet {
    /// The set of these rules, given by their ids.
    #[must_use]
    pub fn new(ids: BTreeSet<&'static str>) -> Self {
        Self(ids)
    }

    /// Whether the rule is on.
    #[must_use]
    pub fn contains(&self, id: &str) -> bool {
        self.0.contains(id)
    }

    /// The ids, sorted.
    pub fn ids(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.0.iter().copied()
    }
}
