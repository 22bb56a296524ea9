//! Summaries: what a call does, without following the function again.

pub(in crate::engine) mod carry;
pub(in crate::engine) mod export;
pub(in crate::engine) mod generic;
pub mod library;
pub(in crate::engine) mod project;
pub(in crate::engine) mod shape;
pub mod summary;
