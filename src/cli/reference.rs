//! The reference of the command line and the completions, generated from the definition of the
//! command line.

use std::fmt::Write;

use clap::builder::StyledStr;
use clap::{Arg, Command, CommandFactory};
use clap_complete::{generate, shells};
use clap_complete_nushell::Nushell;

use super::args::{Cli, Shell};
use super::{Failure, terminal};

/// The name of the program.
const NAME: &str = env!("CARGO_PKG_NAME");

/// Prints the completions for a shell.
pub fn completions(shell: Shell) -> Result<u8, Failure> {
    let mut bytes = Vec::new();
    let (of, to) = (&mut Cli::command(), &mut bytes);
    match shell {
        Shell::Bash => generate(shells::Bash, of, NAME, to),
        Shell::Elvish => generate(shells::Elvish, of, NAME, to),
        Shell::Fish => generate(shells::Fish, of, NAME, to),
        Shell::Nushell => generate(Nushell, of, NAME, to),
        Shell::Powershell => generate(shells::PowerShell, of, NAME, to),
        Shell::Zsh => generate(shells::Zsh, of, NAME, to),
    }
    terminal::print(&bytes)?;
    Ok(0)
}

/// The reference of the command line, in Markdown.
#[must_use]
pub fn reference() -> String {
    let mut root = Cli::command().term_width(0);
    root.build();
    let mut out = String::from("# Command line\n\n");
    out.push_str(
        "Generated from the definition of the command line; a test keeps it up to date.\n",
    );
    for command in root.get_subcommands() {
        section(command, "tallylint", &mut out);
    }
    let _ = write!(out, "\n## Exit codes\n\n{}", EXIT_CODES);
    out
}

const EXIT_CODES: &str = "\
| code | |
|---|---|
| 0 | clean |
| 1 | findings of at least the severity that `--fail-on` sets; with `--diff`, something to fix |
| 2 | wrong usage or configuration, or input that could not be read: the result is incomplete |
| 101 | a bug in tallylint |
";

fn section(command: &Command, around: &str, out: &mut String) {
    let name = format!("{around} {}", command.get_name());
    if command.get_name() == "help" {
        return;
    }
    if command.has_subcommands() {
        for inner in command.get_subcommands() {
            section(inner, &name, out);
        }
        return;
    }
    let about = text(command.get_about());
    let _ = write!(out, "\n## `{name}`\n\n{about}.\n");
    let arguments: Vec<&Arg> = command
        .get_arguments()
        .filter(|arg| !arg.is_hide_set() && arg.get_id() != "help")
        .collect();
    if arguments.is_empty() {
        return;
    }
    out.push_str("\n| | |\n|---|---|\n");
    for arg in arguments {
        let _ = writeln!(out, "| `{}` | {} |", usage(arg), describe(arg));
    }
}

fn usage(arg: &Arg) -> String {
    let takes = arg.get_action().takes_values();
    let values = arg.get_value_names().filter(|_| takes);
    let values = values.into_iter().flatten();
    let values: Vec<String> = values.map(ToString::to_string).collect();
    let values = values.join(" ");
    match (arg.get_short(), arg.get_long()) {
        (Some(short), Some(long)) => format!("-{short}, --{long} {values}"),
        (None, Some(long)) => format!("--{long} {values}"),
        (Some(short), None) => format!("-{short} {values}"),
        (None, None) => values,
    }
    .trim_end()
    .to_owned()
}

fn describe(arg: &Arg) -> String {
    let help = arg.get_long_help().or(arg.get_help());
    let help = text(help).replace("\n\n", ". ");
    let words: Vec<&str> = help.split_whitespace().collect();
    let mut out = words.join(" ").trim_end_matches('.').to_owned();
    let possible = arg.get_possible_values();
    let shown = !arg.is_hide_possible_values_set();
    if arg.get_action().takes_values() && shown && !possible.is_empty() {
        let names: Vec<String> = possible
            .iter()
            .map(|value| match value.get_help() {
                Some(help) => format!("`{}` ({})", value.get_name(), lower(&help.to_string())),
                None => format!("`{}`", value.get_name()),
            })
            .collect();
        let _ = write!(out, ": {}", names.join(", "));
    }
    let defaults = arg.get_default_values();
    if arg.get_action().takes_values() && !defaults.is_empty() {
        let values: Vec<String> = defaults
            .iter()
            .map(|value| format!("`{}`", value.to_string_lossy()))
            .collect();
        let _ = write!(out, " (default: {})", values.join(" "));
    }
    out.replace('|', "\\|")
}

fn text(help: Option<&StyledStr>) -> String {
    help.map(ToString::to_string).unwrap_or_default()
}

/// The text with its first letter in lower case, unless it starts with an abbreviation.
fn lower(text: &str) -> String {
    let mut chars = text.chars();
    match (chars.next(), chars.clone().next()) {
        (Some(_), Some(second)) if second.is_uppercase() => text.to_owned(),
        (Some(first), _) => first.to_lowercase().chain(chars).collect(),
        (None, _) => String::new(),
    }
}
