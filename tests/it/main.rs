//! Integration tests, in one binary.

#![allow(missing_docs, clippy::unwrap_used)]

mod cfg;
mod execution;
