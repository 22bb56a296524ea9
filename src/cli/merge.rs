//! `tallylint merge`.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use super::args::{Asked, MergeArgs};
use super::check::changes;
use super::output::{Main, Remarks, configuration_failure, write_remarks, write_reports};
use super::{Failure, baseline, terminal};
use crate::config::{ConfigSource, Configuration};
use crate::diagnostics::Severity;
use crate::driver::{self, Part, Request, Status, Unjoinable};
use crate::order::Order as _;
use crate::report::{self, Format, Made, plural};
use crate::source::describe_io;

/// Joins reports. Returns the exit code of a check that would have given them all at once.
pub fn run(args: &MergeArgs) -> Result<u8, Failure> {
    args.show.refuse_contradictions()?;
    let read = |path: &PathBuf| -> Result<Made, String> {
        let text = fs::read_to_string(path).map_err(|error| describe_io(&error));
        let made = text.and_then(|text| Made::read(&text));
        made.map_err(|why| format!("{}: {why}", path.display()))
    };
    let reports: Vec<Made> = args.reports.iter().map(read).collect::<Result<_, _>>()?;
    let of_shards = reports
        .iter()
        .filter(|report| report.shard.is_some())
        .count();
    match of_shards {
        0 => put_together(args, reports),
        some if some == reports.len() => join_shards(args, reports),
        _ => Err("some of the reports are of shards, others are not".into()),
    }
}

/// Joins the shards of a run.
fn join_shards(args: &MergeArgs, reports: Vec<Made>) -> Result<u8, Failure> {
    let mut parts = Vec::new();
    let mut all_asked = Vec::new();
    for of_shard in reports.into_iter().filter_map(|report| report.shard) {
        all_asked.push((of_shard.shard, of_shard.asked));
        let (shard, data) = (of_shard.shard, of_shard.data);
        parts.push(Part { shard, data });
    }
    all_asked.order_by_key(|(shard, _)| *shard);
    if let Some(pair) = all_asked.windows(2).find(|pair| pair[0].1 != pair[1].1) {
        let (one, other) = (pair[0].0, pair[1].0);
        return Err(format!("{one} and {other} were not asked for the same").into());
    }
    let (shard, asked) = all_asked.swap_remove(0);
    let mut asked: Asked = serde_json::from_value(asked)
        .map_err(|_| format!("the report of {shard} does not say what was asked"))?;
    if let Some(baseline) = &args.baseline {
        asked.baseline = Some(baseline.clone());
    }
    parts.order_by_key(|part| part.shard);
    let cwd = env::current_dir().map_err(|error| {
        format!(
            "cannot determine the working directory: {}",
            describe_io(&error)
        )
    })?;
    let outcome = joined(&asked, &parts, (args, &cwd))?;
    if args.write_baseline {
        return baseline::write(args.show.quiet, &outcome);
    }
    write_reports(&args.show, &outcome, (Main::Stdout, 0), None)?;
    write_remarks(Remarks::of_paths(&args.show, &asked.paths), &outcome);
    Ok(outcome.status(args.show.fail_on.threshold()).code())
}

fn joined(
    asked: &Asked,
    parts: &[Part],
    (args, cwd): (&MergeArgs, &Path),
) -> Result<driver::RunResult, Failure> {
    let source = ConfigSource::of(asked.config.as_deref(), asked.isolated);
    let overrides = asked.overrides(cwd, args.write_baseline);
    let configuration = Configuration::new(&source, &overrides, cwd);
    let configuration = configuration.map_err(|error| configuration_failure(&error, cwd))?;
    let changed = changes(asked, args.show.quiet, cwd)?;
    let request = Request {
        changed: changed.as_ref(),
        ..Request::new(&asked.paths, &configuration, cwd.to_path_buf())
    };
    driver::join(request, parts).map_err(|why| match why {
        Unjoinable::Configuration(error) => configuration_failure(&error, cwd),
        why @ Unjoinable::Parts(_) => {
            format!("{why}; run the shards again, with the same files").into()
        }
    })
}

/// Puts reports together that are not of shards.
fn put_together(args: &MergeArgs, reports: Vec<Made>) -> Result<u8, Failure> {
    let is_sarif = reports.iter().any(|report| report.is_sarif);
    let format = if is_sarif {
        Format::Sarif
    } else {
        Format::Json
    };
    let named = match format {
        Format::Sarif => "sarif",
        _ => "json",
    };
    let show = &args.show;
    let other = show.report.iter().any(|more| more.format != format);
    if show.format != format || other || args.baseline.is_some() || args.write_baseline {
        let why = format!(
            "these reports were not made with --shard, so they can only be put together in their own format: \
             give --format {named}, and no baseline"
        );
        return Err(why.into());
    }
    let files = reports.len();
    let joined = report::join(reports)?;
    let written = show
        .report
        .iter()
        .map(|more| &more.path)
        .chain(&show.output);
    for path in written {
        fs::write(path, &joined.text)
            .map_err(|error| format!("cannot write {}: {}", path.display(), describe_io(&error)))?;
    }
    if show.output.is_none() {
        terminal::print(joined.text.as_bytes())?;
    }
    if !show.quiet {
        let findings = plural(joined.severities.len(), "finding");
        terminal::complain(&format!("{findings} in {}", plural(files, "report")));
    }
    let threshold = show.fail_on.threshold();
    let counts = |name: &String| {
        let severity = Severity::ALL
            .into_iter()
            .find(|severity| severity.name() == name);
        severity.is_some_and(|severity| threshold.is_some_and(|least| severity >= least))
    };
    Ok(match () {
        () if joined.is_bug => Status::Bug,
        () if joined.is_incomplete => Status::Incomplete,
        () if joined.severities.iter().any(counts) => Status::Findings,
        () => Status::Clean,
    }
    .code())
}
