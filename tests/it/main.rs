//! Integration tests, in one binary: the `tallylint` command as users run it, and the library on
//! whole files.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

#[cfg(unix)]
mod action;
mod baseline;
mod beliefs;
mod bombs;
mod broken;
mod cache;
mod causes;
mod cfg;
mod changed;
mod cli;
mod common;
mod config;
mod consumers_differential;
mod contracts;
mod differential;
mod documents;
#[cfg(unix)]
mod editor;
mod examples;
mod execution;
mod fixes;
mod fixtures;
mod formats;
mod hooks;
mod hostile;
mod html;
mod init;
mod input;
mod layering;
mod lazily;
mod manifest;
mod nearest;
mod nothing;
mod picture;
mod presets;
mod repair;
mod reviews;
mod robust;
#[cfg(unix)]
mod runner;
mod rust_differential;
mod rust_harness;
mod rust_programs;
mod selection;
mod selfmade;
#[cfg(unix)]
mod server;
mod server_exits;
#[cfg(unix)]
mod server_hostile;
mod server_memory;
mod settings;
mod shards;
mod stdlib;
mod suggestions;
mod suppression;
#[cfg(unix)]
mod transcripts;
mod tree;
mod watch;
#[cfg(unix)]
mod workflows;
