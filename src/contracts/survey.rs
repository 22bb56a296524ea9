//! The contracts of a run, where they come from, and how the classes under them fare.

use crate::contracts::{Evidence, Inferred};
use crate::diagnostics::{Finding, Location, Severity};
use crate::program::Program;
use crate::settings::Contract;
use crate::source::SourceMap;

/// Longer code is shortened in notes.
const MAX_CODE: usize = 60;

/// A contract with all there is to say about it.
#[derive(Clone, Debug)]
pub struct Survey {
    /// The contract.
    pub contract: Contract,
    /// The code that implies it, whether or not it is declared as well.
    pub evidence: Vec<Evidence>,
    /// The classes that have to keep it, by name.
    pub processors: Vec<Processor>,
}

/// A class that has to keep a contract.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Processor {
    /// Its qualified name.
    pub class: String,
    /// The checked method; the class itself when it inherits the method as it is.
    pub place: Location,
    /// The class that the method is inherited from as it is.
    pub inherits: Option<String>,
    /// How it breaks the contract.
    pub findings: Vec<Problem>,
}

/// A finding in short.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Problem {
    /// The primary label.
    pub place: Location,
    /// The kind.
    pub kind: &'static str,
    /// The severity.
    pub severity: Severity,
}

impl Problem {
    /// The short form of a finding.
    #[must_use]
    pub fn new(finding: &Finding) -> Self {
        Self {
            place: finding.primary.location,
            kind: finding.kind,
            severity: finding.severity,
        }
    }
}

impl Survey {
    /// The declared contracts with the evidence for them, then the inferred ones.
    #[must_use]
    pub fn all(declared: &[Contract], inferred: &[Inferred]) -> Vec<Self> {
        let mut out: Vec<Self> = declared
            .iter()
            .map(|contract| Self {
                contract: contract.clone(),
                evidence: Vec::new(),
                processors: Vec::new(),
            })
            .collect();
        let mut believed: Vec<&Contract> = inferred
            .iter()
            .filter(|found| found.believed)
            .filter(|found| !declared.iter().any(|contract| found.is_about(contract)))
            .map(|found| &found.contract)
            .collect();
        believed.sort_by_key(|contract| (&contract.method, &contract.sets));
        believed.dedup();
        out.extend(believed.into_iter().map(|contract| Self {
            contract: contract.clone(),
            evidence: Vec::new(),
            processors: Vec::new(),
        }));
        for survey in &mut out {
            let about = inferred.iter().filter(|found| {
                found.is_about(&survey.contract)
                    && (found.believed || declared.iter().any(|contract| found.is_about(contract)))
            });
            survey.evidence = about.map(|found| found.evidence.clone()).collect();
        }
        out
    }
}

impl Evidence {
    /// One sentence, for a note.
    #[must_use]
    pub fn sentence(&self, sources: &SourceMap) -> String {
        format!(
            "`{}` reads `{}` at {} after calling `{}` at {}",
            self.reader,
            code(self.read, sources),
            at(self.read, sources),
            code(self.call, sources),
            at(self.call, sources),
        )
    }
}

/// `path:line`
#[must_use]
pub fn at(location: Location, sources: &SourceMap) -> String {
    let file = sources.get(location.file);
    format!(
        "{}:{}",
        file.display,
        file.position(location.span.start).line
    )
}

/// The source, on one line; the arguments of a long call are left out.
#[must_use]
pub fn code(location: Location, sources: &SourceMap) -> String {
    let file = sources.get(location.file);
    let words: Vec<&str> = file.slice(location.span).split_whitespace().collect();
    let text = words.join(" ");
    match text.split_once('(') {
        Some((callee, _)) if text.chars().count() > MAX_CODE => format!("{callee}(…)"),
        _ => text,
    }
}

/// The name of a class.
#[must_use]
pub fn class_name(program: &Program<'_>, class: crate::program::ClassRef) -> String {
    let module = program.module(class.module);
    module.ir.class(class.class).qualname.to_string()
}
