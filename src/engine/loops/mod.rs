//! Iterators, and the iterations of loops.

pub(in crate::engine) mod iterate;
pub(in crate::engine) mod ranges;
pub mod rounds;
