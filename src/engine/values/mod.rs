//! What is known at a point of a path: values, facts about them, states, and how states join.

pub mod assume;
pub(in crate::engine) mod constants;
pub mod env;
pub mod exceptions;
pub mod fact;
pub mod flat;
pub mod ghost;
pub(in crate::engine) mod join;
pub(in crate::engine) mod operators;
pub mod origins;
pub(in crate::engine) mod shared;
pub mod state;
pub mod value;
