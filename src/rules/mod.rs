//! Rules: what they are called and what is said about them.

mod catalogue;
mod registry;
mod tables;
pub mod untracked_return;
mod wording;

pub use catalogue::{Example, KindMeta, RuleMeta};
pub use registry::{UntrackedReturn, all, by_id};

/// A rule. What is known about it without running it comes from its catalogue entry.
pub trait Rule: Sync {
    /// The catalogue entry.
    fn meta(&self) -> &'static RuleMeta;

    /// The id.
    fn id(&self) -> &'static str {
        &self.meta().id
    }
}
