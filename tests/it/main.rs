//! Integration tests: the `tallylint` command as users run it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

mod cli;
mod common;
mod config;
mod input;
