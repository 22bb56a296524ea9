//! The analysis as a WebAssembly module, for the playground: one file in memory, and no file system.
//!
//! `check` does what `tallylint check` does for a file that is alone in its folder with a
//! `tallylint.toml`, and answers in JSON; `catalogue` tells which rules and examples there are.

mod abi;
mod catalogue;
mod check;
