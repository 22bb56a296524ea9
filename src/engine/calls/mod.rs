//! Calls: what is called, with which arguments, and all ways in which a call can end.

pub(in crate::engine) mod args;
pub(in crate::engine) mod builtins;
pub(in crate::engine) mod call;
pub(in crate::engine) mod coroutines;
pub(in crate::engine) mod decorators;
pub(in crate::engine) mod external;
pub(in crate::engine) mod functions;
pub(in crate::engine) mod handed;
pub(in crate::engine) mod managers;
