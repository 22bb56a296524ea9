//! The contracts of a run, for programs. As in the report of findings, fields can be added; any
//! other change needs a new version number.

use std::io::{self, Write};

use serde::Serialize;

use super::harmless::harmless_json;
use crate::diagnostics::Location;
use crate::outcome::{Evidence, Problem, Processor, Survey, code};
use crate::settings::{Demand, Origin, Who};
use crate::source::SourceMap;

/// The version of the format.
pub const VERSION: u32 = 2;

#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    contracts: Vec<JsonContract<'a>>,
}

#[derive(Serialize)]
struct JsonContract<'a> {
    /// Who must keep it: `save_data`, `jobs.*.run`, `@task`.
    who: String,
    /// What of these: `method`, `function` or `decorator`.
    kind: &'static str,
    /// Base classes, if only classes below one of them must keep it.
    bases: Option<&'a [String]>,
    /// What must be done; any one of these is enough.
    demands: Vec<JsonDemand>,
    also_when_raising: bool,
    /// `built-in`, `declared` or `inferred`.
    origin: &'static str,
    /// Where it is declared in a configuration file.
    declared: Option<JsonPlace>,
    evidence: Vec<JsonEvidence<'a>>,
    processors: Vec<JsonProcessor<'a>>,
}

#[derive(Serialize)]
struct JsonDemand {
    /// `sets`, `calls` or `returns`
    kind: &'static str,
    /// The place, the callee, or what the returned value must be.
    what: String,
}

#[derive(Serialize)]
struct JsonPlace {
    path: String,
    line: u32,
}

#[derive(Serialize)]
struct JsonEvidence<'a> {
    reader: &'a str,
    call: JsonCode,
    /// The call of the helper that reads, if the reader does not do so itself.
    helper: Option<JsonCode>,
    /// The read, or the use of what the call returned.
    read: JsonCode,
}

#[derive(Serialize)]
struct JsonCode {
    #[serde(flatten)]
    place: JsonPlace,
    code: String,
}

#[derive(Serialize)]
struct JsonProcessor<'a> {
    /// The class; null for a function.
    class: Option<&'a str>,
    /// The method, or the function.
    method: &'a str,
    #[serde(flatten)]
    place: JsonPlace,
    inherits: Option<&'a str>,
    findings: Vec<JsonFinding>,
}

#[derive(Serialize)]
struct JsonFinding {
    kind: &'static str,
    severity: &'static str,
    #[serde(flatten)]
    place: JsonPlace,
}

/// Writes the document and a line break.
///
/// # Errors
/// When `out` cannot be written.
pub fn write<W: Write + ?Sized>(
    surveys: &[Survey],
    sources: &SourceMap,
    out: &mut W,
) -> io::Result<()> {
    let document = Document {
        version: VERSION,
        contracts: surveys.iter().map(|s| contract(s, sources)).collect(),
    };
    let text = serde_json::to_string_pretty(&document)?;
    writeln!(out, "{}", harmless_json(&text))
}

fn contract<'a>(survey: &'a Survey, sources: &SourceMap) -> JsonContract<'a> {
    let contract = &survey.contract;
    let (origin, declared) = match &contract.origin {
        Origin::Builtin => ("built-in", None),
        Origin::Declared { file, line } => {
            let place = JsonPlace {
                path: sources.display(file),
                line: *line,
            };
            ("declared", Some(place))
        }
        Origin::Inferred => ("inferred", None),
    };
    JsonContract {
        who: contract.who.to_string(),
        kind: match &contract.who {
            Who::Methods { .. } => "method",
            Who::Functions(_) => "function",
            Who::Decorated(_) => "decorator",
        },
        bases: match &contract.who {
            Who::Methods { bases, .. } => bases.as_deref(),
            Who::Functions(_) | Who::Decorated(_) => None,
        },
        demands: contract.demands.iter().map(demand).collect(),
        also_when_raising: contract.also_when_raising,
        origin,
        declared,
        evidence: survey
            .evidence
            .iter()
            .map(|e| evidence(e, sources))
            .collect(),
        processors: survey
            .processors
            .iter()
            .map(|p| processor(p, sources))
            .collect(),
    }
}

fn demand(demand: &Demand) -> JsonDemand {
    JsonDemand {
        kind: match demand {
            Demand::Store(_) => "sets",
            Demand::Call(_) => "calls",
            Demand::Return(_) => "returns",
        },
        what: demand.object(),
    }
}

fn evidence<'a>(evidence: &'a Evidence, sources: &SourceMap) -> JsonEvidence<'a> {
    let show = |location| JsonCode {
        place: place(location, sources),
        code: code(location, sources),
    };
    JsonEvidence {
        reader: &evidence.reader,
        call: show(evidence.call),
        helper: evidence.helper.map(show),
        read: show(evidence.read),
    }
}

fn processor<'a>(processor: &'a Processor, sources: &SourceMap) -> JsonProcessor<'a> {
    JsonProcessor {
        class: processor.class.as_deref(),
        method: &processor.method,
        place: place(processor.place, sources),
        inherits: processor.inherits.as_deref(),
        findings: processor
            .findings
            .iter()
            .map(|problem: &Problem| JsonFinding {
                kind: problem.kind,
                severity: problem.severity.name(),
                place: place(problem.place, sources),
            })
            .collect(),
    }
}

fn place(location: Location, sources: &SourceMap) -> JsonPlace {
    let file = sources.get(location.file);
    JsonPlace {
        line: file.position(location.span.start).line,
        path: file.display.clone(),
    }
}
