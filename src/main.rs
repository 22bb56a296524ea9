//! The `tallylint` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    tallylint::cli::main()
}
