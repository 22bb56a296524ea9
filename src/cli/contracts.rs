//! `tallylint contracts`.

use std::env;
use std::path::PathBuf;

use termcolor::WriteColor;

use super::args::{ContractsArgs, RulesFormat};
use super::{Failure, output, terminal};
use crate::config::{ConfigError, ConfigSource, Configuration, Overrides};
use crate::driver::{self, Request, Status};
use crate::report;
use crate::rules;
use crate::settings::Reading;
use crate::source::describe_io;

/// Prints the contracts and the classes that have to keep them. Returns the exit code.
pub fn run(args: &ContractsArgs) -> Result<u8, Failure> {
    let cwd = env::current_dir().map_err(|error| {
        format!(
            "cannot determine the working directory: {}",
            describe_io(&error)
        )
    })?;
    let source = ConfigSource::of(args.config.as_deref(), args.isolated);
    // Runs the rules about contracts, whatever the configuration selects.
    let ids = rules::all().iter().map(|rule| rule.id());
    let listing = ids.filter(|id| rules::lists_exits(id));
    let overrides = Overrides {
        select: listing.map(str::to_owned).collect(),
        // The list must be complete.
        reading: Reading::Everything,
        ..Overrides::default()
    };
    let wrong = |error: ConfigError| output::configuration_failure(&error, &cwd);
    let configuration = Configuration::new(&source, &overrides, &cwd).map_err(wrong)?;
    if args.suggest {
        return suggest(args, &configuration, cwd.clone()).map_err(wrong)?;
    }
    let outcome =
        driver::run(Request::new(&args.paths, &configuration, cwd.clone())).map_err(wrong)?;
    let (surveys, sources) = (&outcome.contracts, &outcome.sources);
    let render = |out: &mut dyn WriteColor| match args.format {
        RulesFormat::Text => report::contracts(surveys, sources, out),
        RulesFormat::Json => report::contracts_json(surveys, sources, out),
    };
    terminal::print(&terminal::rendered(args.color, false, render)?)?;
    output::write_failures(&outcome);
    let status = outcome.status(None);
    debug_assert!(status != Status::Findings, "findings do not count here");
    Ok(status.code())
}

/// Prints contracts that could be declared. Returns the exit code.
fn suggest(
    args: &ContractsArgs,
    configuration: &Configuration,
    cwd: PathBuf,
) -> Result<Result<u8, Failure>, ConfigError> {
    let found = driver::suggest(&args.paths, configuration, cwd)?;
    let (suggestions, sources) = (&found.suggestions, &found.sources);
    let render = |out: &mut dyn WriteColor| match args.format {
        RulesFormat::Text => report::suggestions(suggestions, sources, out),
        RulesFormat::Json => report::suggestions_json(suggestions, sources, out),
    };
    let printed = terminal::rendered(args.color, false, render);
    let printed = printed.and_then(|text| terminal::print(&text));
    output::complain_of(&found.failures, found.bug.as_ref());
    let code = Status::of(&found.failures, found.bug.as_ref()).code();
    Ok(printed.map(|()| code).map_err(Failure::from))
}
