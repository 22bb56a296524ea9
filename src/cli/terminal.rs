//! Standard output and standard error.

use std::io::{self, ErrorKind, IsTerminal, Write};

use super::args::ColorChoice;
use crate::report::harmless;

/// Writes to standard output. A reader that went away is not an error.
pub fn print(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Writes a line to standard error, which may be closed.
pub fn complain(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", harmless(line));
}

/// Whether standard error is a terminal.
pub fn stderr_is_terminal() -> bool {
    io::stderr().is_terminal()
}

/// Whether to colour what goes to standard output (or to a file).
pub fn colour(choice: ColorChoice, to_file: bool) -> bool {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto if set("NO_COLOR").is_some() || to_file => false,
        ColorChoice::Auto => {
            set("CLICOLOR_FORCE").is_some_and(|value| value != "0")
                || (io::stdout().is_terminal() && set("TERM").is_none_or(|value| value != "dumb"))
        }
    }
}
