//! The manual pages, generated from the definition of the command line.

use std::io;

use clap::{Command, CommandFactory};
use clap_mangen::Man;

use super::args::Cli;
use super::{Failure, terminal};
use crate::suggest::did_you_mean;

/// The date in all pages: that of the version, once the change log has one. A test compares them.
const DATE: &str = "2026-11-30";

/// Prints the manual page of the program, or of the command that the words name.
pub fn print(words: &[String]) -> Result<u8, Failure> {
    let mut command = &root();
    for word in words {
        let known = || command.get_subcommands().map(Command::get_name);
        command = command
            .find_subcommand(word)
            .ok_or_else(|| format!("unknown command `{word}`{}", did_you_mean(word, known())))?;
    }
    terminal::print(page(command)?.as_bytes())?;
    Ok(0)
}

/// All manual pages, with the names of their files: that of the program, and one for each command.
///
/// # Errors
///
/// If a page cannot be written to memory.
pub fn manuals() -> io::Result<Vec<(String, String)>> {
    let root = root();
    let mut commands = vec![&root];
    let mut pages = Vec::new();
    while let Some(command) = commands.pop() {
        pages.push((format!("{}.1", name(command)), page(command)?));
        commands.extend(command.get_subcommands());
    }
    Ok(pages)
}

/// The command line without `help`, which is no command of its own: it prints what `--help` does.
fn root() -> Command {
    let mut root = Cli::command().disable_help_subcommand(true);
    root.build();
    root
}

/// The name of a page: `tallylint-debug-cfg`.
fn name(command: &Command) -> &str {
    command
        .get_display_name()
        .unwrap_or_else(|| command.get_name())
}

fn page(command: &Command) -> io::Result<String> {
    let mut bytes = Vec::new();
    Man::new(command.clone())
        .title(name(command).to_uppercase())
        .date(DATE)
        .source(concat!("tallylint ", env!("CARGO_PKG_VERSION")))
        .manual("User Commands")
        .render(&mut bytes)?;
    let page = String::from_utf8(bytes).map_err(io::Error::other)?;
    // What follows the help of the program are its exit codes; a manual has a section for them. An
    // empty line is a request of its own, not a text between line breaks.
    Ok(page
        .replace("\n.SH EXTRA\n", "\n.SH \"EXIT STATUS\"\n")
        .replace("\n.br\n\n.br\n", "\n.sp\n"))
}
