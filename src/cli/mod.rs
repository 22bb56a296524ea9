//! The command line.

mod args;
mod baseline;
mod cache;
mod check;
mod config;
mod contracts;
mod debug;
mod fixing;
mod guard;
mod init;
mod manual;
mod merge;
mod output;
mod page;
mod progress;
mod reference;
mod rules;
mod server;
mod terminal;
mod watch;

use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Command, DebugCommand};
pub use manual::manuals;
pub use reference::reference;

/// Exit code of usage errors, unusable configuration and unreadable input.
const USAGE: u8 = 2;

/// Why a command failed.
struct Failure {
    /// One line.
    message: String,
    /// The lines of a file that are wrong.
    snippet: Option<String>,
}

impl<E: std::fmt::Display> From<E> for Failure {
    fn from(error: E) -> Self {
        Failure {
            message: error.to_string(),
            snippet: None,
        }
    }
}

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // A closed pipe is not an error.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { USAGE } else { 0 });
        }
    };
    let result = match cli.command {
        Command::Check(args) => check::run(&args),
        Command::Cache(args) => cache::run(&args),
        Command::Config(args) => config::run(&args),
        Command::Contracts(args) => contracts::run(&args),
        Command::Rules(args) => rules::list(args.format),
        Command::Explain(args) => rules::explain(&args),
        Command::Init(args) => init::run(&args),
        Command::Guard(args) => guard::run(&args),
        Command::Server => server::run(),
        Command::Completions { shell } => reference::completions(shell),
        Command::Man { command } => manual::print(&command),
        Command::Merge(args) => merge::run(&args),
        Command::Debug(args) => match args.command {
            DebugCommand::Cfg { target } => debug::cfg(&target),
        },
    };
    ExitCode::from(result.unwrap_or_else(|failure| {
        failure.tell();
        USAGE
    }))
}

impl Failure {
    fn tell(&self) {
        terminal::complain(&format!("error: {}", self.message));
        for line in self.snippet.iter().flat_map(|snippet| snippet.lines()) {
            terminal::complain(line);
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
