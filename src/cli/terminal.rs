//! Standard output and standard error.

use std::io::{self, ErrorKind, IsTerminal, Write};

use termcolor::{Ansi, NoColor, WriteColor};

use super::args::ColorChoice;
use crate::report::{Screen, harmless};

/// Writes to standard output. It is not an error if the reader has closed it.
pub fn print(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Writes a report to standard error, which may be closed.
pub fn print_aside(bytes: &[u8]) {
    let _ = io::stderr().lock().write_all(bytes);
}

/// Writes a line to standard error, which may be closed.
pub fn complain(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", harmless(line));
}

/// Whether standard error is a terminal.
pub fn stderr_is_terminal() -> bool {
    io::stderr().is_terminal()
}

/// How many characters fit on a line of the terminal that standard error is, if it is one.
pub fn stderr_width() -> Option<usize> {
    let size = terminal_size::terminal_size_of(io::stderr());
    size.map(|(width, _)| usize::from(width.0))
}

/// The terminal that standard output is, if it is one.
pub fn screen() -> Screen {
    let size = terminal_size::terminal_size_of(io::stdout());
    Screen {
        width: size.map(|(width, _)| usize::from(width.0)),
        links: supports_hyperlinks::on(supports_hyperlinks::Stream::Stdout),
    }
}

/// The environment that decides about colour, besides the option.
struct Surroundings {
    no_color: bool,
    /// `CLICOLOR_FORCE` is set, and not to 0.
    forced: bool,
    dumb: bool,
    terminal: bool,
}

/// Whether to colour output to standard output (or to a file).
pub fn colour(choice: ColorChoice, to_file: bool) -> bool {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let around = Surroundings {
        no_color: set("NO_COLOR").is_some(),
        forced: set("CLICOLOR_FORCE").is_some_and(|value| value != "0"),
        dumb: set("TERM").is_some_and(|value| value == "dumb"),
        terminal: io::stdout().is_terminal(),
    };
    decide(choice, to_file, &around)
}

/// What `render` writes, coloured if standard output (or the file) should be.
pub fn rendered(
    choice: ColorChoice,
    to_file: bool,
    render: impl FnOnce(&mut dyn WriteColor) -> io::Result<()>,
) -> io::Result<Vec<u8>> {
    if colour(choice, to_file) {
        let mut out = Ansi::new(Vec::new());
        render(&mut out)?;
        Ok(out.into_inner())
    } else {
        let mut out = NoColor::new(Vec::new());
        render(&mut out)?;
        Ok(out.into_inner())
    }
}

/// The option takes precedence over `NO_COLOR`, that over `CLICOLOR_FORCE`, and that over the kind
/// of output.
fn decide(choice: ColorChoice, to_file: bool, around: &Surroundings) -> bool {
    match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto if around.no_color => false,
        ColorChoice::Auto if around.forced => true,
        ColorChoice::Auto => around.terminal && !around.dumb && !to_file,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_decides_about_colour() {
        let around = |no_color, forced, dumb, terminal| Surroundings {
            no_color,
            forced,
            dumb,
            terminal,
        };
        let auto = |around: &Surroundings| decide(ColorChoice::Auto, false, around);
        assert!(auto(&around(false, false, false, true)));
        assert!(!auto(&around(false, false, false, false)));
        assert!(!auto(&around(false, false, true, true)));
        assert!(auto(&around(false, true, true, false)));
        assert!(!auto(&around(true, true, false, true)));
        let terminal = around(false, false, false, true);
        assert!(!decide(ColorChoice::Auto, true, &terminal));
        assert!(!decide(
            ColorChoice::Never,
            false,
            &around(false, true, false, true)
        ));
        assert!(decide(
            ColorChoice::Always,
            true,
            &around(true, false, true, false)
        ));
    }
}
