//! tallylint: finds the paths on which a data-pipeline processor finishes without recording
//! what it did.

pub mod analysis;
pub mod busy;
pub mod cache;
#[cfg(not(target_family = "wasm"))]
pub mod cli;
pub mod clock;
pub mod config;
pub mod contracts;
pub mod diagnostics;
pub mod discover;
pub mod driver;
pub mod engine;
pub mod fence;
pub mod fix;
pub mod frontend;
pub mod ir;
pub mod order;
pub mod outcome;
pub mod presets;
pub mod program;
pub mod report;
pub mod rules;
pub mod selection;
#[cfg(not(target_family = "wasm"))]
pub mod server;
pub mod settings;
pub mod settle;
pub mod source;
pub mod sql;

mod suggest;
