//! A value of a configuration file that remembers its position.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

/// A value with its position. The position is ignored in comparisons.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub struct At<T>(Spanned<T>);

impl<T> At<T> {
    /// A value at a position.
    pub(super) fn new(span: Range<usize>, value: T) -> Self {
        Self(Spanned::new(span, value))
    }

    /// The value.
    pub fn get(&self) -> &T {
        self.0.get_ref()
    }

    /// Its position in the text.
    pub fn span(&self) -> Range<usize> {
        self.0.span()
    }
}

impl<T: PartialEq> PartialEq for At<T> {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

impl<T: Eq> Eq for At<T> {}

impl<T: Ord> PartialOrd for At<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T: Ord> Ord for At<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.get().cmp(other.get())
    }
}

impl<T> Borrow<T> for At<T> {
    fn borrow(&self) -> &T {
        self.get()
    }
}
