//! `tallylint server`.

use std::io;

use super::Failure;
use crate::server;

/// Serves an editor over standard input and output.
pub fn run() -> Result<u8, Failure> {
    let input = io::BufReader::new(io::stdin());
    Ok(server::serve(input, io::stdout(), server::Memory::engine()))
}
