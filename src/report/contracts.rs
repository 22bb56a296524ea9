//! The contracts of a run, for people. Lines have at most 80 columns if names and paths allow it.

use std::io;

use termcolor::{Color, ColorSpec, WriteColor};

use super::styled::{end_with_place, styled};
use super::{harmless, plural};
use crate::diagnostics::Severity;
use crate::outcome::{Evidence, Needs, Problem, Processor, Survey, at, code};
use crate::settings::Origin;
use crate::source::SourceMap;

/// Lines are no longer than this, if possible.
const WIDTH: usize = 80;
/// The column in which the names of classes start.
const INDENT: usize = 13;

/// Writes every contract with the classes that have to keep it.
///
/// # Errors
/// When `out` cannot be written.
pub fn write(surveys: &[Survey], sources: &SourceMap, out: &mut dyn WriteColor) -> io::Result<()> {
    for (index, survey) in surveys.iter().enumerate() {
        if index > 0 {
            writeln!(out)?;
        }
        contract(survey, sources, out)?;
    }
    Ok(())
}

fn contract(survey: &Survey, sources: &SourceMap, out: &mut dyn WriteColor) -> io::Result<()> {
    let contract = &survey.contract;
    styled(out, ColorSpec::new().set_bold(true), &contract.to_string())?;
    writeln!(out)?;
    let origin = match &contract.origin {
        Origin::Builtin => "built in".to_owned(),
        Origin::Declared { file, line } => {
            format!("declared in {}:{line}", sources.display(file))
        }
        Origin::Inferred => "inferred from the code".to_owned(),
    };
    writeln!(out, "  {}", harmless(&origin))?;
    for evidence in &survey.evidence {
        because(evidence, sources, out)?;
    }
    writeln!(out, "  {}", tally(&survey.processors))?;
    // Either every class has its location beside it, or every class has it on the next line.
    let length = |text: &str| harmless(text).chars().count();
    let processors = || survey.processors.iter();
    let names = processors()
        .map(|p| length(&p.name(contract)))
        .max()
        .unwrap_or(0);
    let places = processors().map(|p| length(&at(p.place, sources)));
    let fits = INDENT + names + 2 + places.max().unwrap_or(0) <= WIDTH;
    for processor in processors() {
        let name = processor.name(contract);
        row((processor, &name), fits.then_some(names), sources, out)?;
    }
    Ok(())
}

fn because(evidence: &Evidence, sources: &SourceMap, out: &mut dyn WriteColor) -> io::Result<()> {
    let calls = format!("{} calls", evidence.reader);
    let read = match (evidence.needs, evidence.helper) {
        (Needs::Place, None) => "and reads",
        (Needs::Place, Some(_)) => "which reads",
        (Needs::Result, _) => "and relies on the result in",
    };
    let helper = evidence.helper.map(|location| ("and then uses", location));
    let call = (calls.as_str(), evidence.call);
    for (what, location) in [Some(call), helper, Some((read, evidence.read))]
        .into_iter()
        .flatten()
    {
        let code = code(location, sources);
        writeln!(out, "    {} {}", harmless(what), harmless(&code))?;
        write!(out, "      at ")?;
        styled(
            out,
            ColorSpec::new().set_dimmed(true),
            &at(location, sources),
        )?;
        writeln!(out)?;
    }
    Ok(())
}

fn tally(processors: &[Processor]) -> String {
    let broken = processors.iter().filter(|p| !kept(p)).count();
    match (processors.len(), broken) {
        (0, _) => "no processors".to_owned(),
        (all, 0) => format!("{}, all of them keep it", plural(all, "processor")),
        (all, 1) => format!("{}, 1 breaks it", plural(all, "processor")),
        (all, broken) => format!("{}, {broken} break it", plural(all, "processor")),
    }
}

/// Whether no finding is worse than a note.
fn kept(processor: &Processor) -> bool {
    let serious = |problem: &Problem| problem.severity > Severity::Note;
    !processor.findings.iter().any(serious)
}

fn row(
    (processor, name): (&Processor, &str),
    width: Option<usize>,
    sources: &SourceMap,
    out: &mut dyn WriteColor,
) -> io::Result<()> {
    let worst = processor.findings.iter().map(|problem| problem.severity);
    let worst = worst.max();
    let (word, color) = match worst {
        None => ("ok", Color::Green),
        Some(Severity::Note) => ("note", Color::Blue),
        Some(Severity::Warning) => ("warning", Color::Yellow),
        Some(Severity::Error) => ("error", Color::Red),
    };
    write!(out, "    ")?;
    let mut spec = ColorSpec::new();
    spec.set_fg(Some(color)).set_bold(worst.is_some());
    styled(out, &spec, word)?;
    let name = harmless(name);
    write!(out, "{:gap$}", "", gap = INDENT - 4 - word.len())?;
    match width {
        Some(width) => write!(out, "{name:width$}  ")?,
        None => write!(out, "{name}\n{:INDENT$}", "")?,
    }
    end_with_place(out, processor.place, sources)?;
    if let Some(from) = &processor.inherits {
        return writeln!(out, "{:INDENT$}inherited from {}", "", harmless(from));
    }
    for problem in &processor.findings {
        let file = sources.get(problem.place.file);
        let line = file.position(problem.place.span.start).line;
        let shown = if problem.place.file == processor.place.file {
            format!("line {line}")
        } else {
            format!("{}:{line}", harmless(&file.display))
        };
        writeln!(out, "{:INDENT$}{} at {shown}", "", problem.kind)?;
    }
    Ok(())
}
