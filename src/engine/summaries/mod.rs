//! Summaries: what is known of a function without following it again.

pub(in crate::engine) mod carry;
pub(in crate::engine) mod generic;
pub mod library;
pub(in crate::engine) mod shape;
pub mod summary;
