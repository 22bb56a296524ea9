//! The contracts of a run, where they come from, and whether the classes keep them.

use crate::diagnostics::{Finding, Location, Severity};
use crate::outcome::exits::symbol;
use crate::settings::Contract;
use crate::source::SourceMap;

/// Longer code is shortened in notes, in characters.
const MAX_CODE: usize = 60;

/// A contract, its evidence, and the classes that have to keep it.
#[derive(Clone, Debug)]
pub struct Survey {
    /// The contract.
    pub contract: Contract,
    /// The code that implies it, even if it is also declared.
    pub evidence: Vec<Evidence>,
    /// The classes and functions that have to keep it, by name.
    pub processors: Vec<Processor>,
}

/// A class or a function that has to keep a contract.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Processor {
    /// The qualified name of the class; `None` for a function.
    pub class: Option<String>,
    /// The name of the method, or the qualified name of the function.
    pub method: String,
    /// The checked method, or the class itself if it inherits the method unchanged.
    pub place: Location,
    /// The class from which it inherits the method unchanged.
    pub inherits: Option<String>,
    /// How it breaks the contract.
    pub findings: Vec<Problem>,
}

/// The short form of a finding.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Problem {
    /// The primary label.
    pub place: Location,
    /// The kind.
    pub kind: &'static str,
    /// The severity.
    pub severity: Severity,
}

impl Processor {
    /// Its name in a list under its contract: that of the class if the contract is about one method.
    #[must_use]
    pub fn name(&self, contract: &Contract) -> String {
        match &self.class {
            Some(class) if contract.who.only_method().is_some() => class.clone(),
            class => symbol(class.as_deref(), &self.method),
        }
    }
}

impl Problem {
    /// Shortens a finding.
    #[must_use]
    pub fn new(finding: &Finding) -> Self {
        Self {
            place: finding.primary.location,
            kind: finding.kind,
            severity: finding.severity,
        }
    }
}

/// The code that implies a contract.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Evidence {
    /// The method that depends on the hook, as `Class.method`.
    pub reader: String,
    /// Where that method calls the hook.
    pub call: Location,
    /// Where it calls the helper that reads the key, if it does not do so itself.
    pub helper: Option<Location>,
    /// Where the key is read, or what the hook returned is used.
    pub read: Location,
    /// What it needs.
    pub needs: Needs,
}

/// What a method needs of a hook.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Needs {
    /// That it stores something.
    Place,
    /// That it returns something.
    Result,
}

impl Evidence {
    /// The evidence in one sentence, for a note.
    #[must_use]
    pub fn sentence(&self, sources: &SourceMap) -> String {
        let shown =
            |location| format!("`{}` at {}", code(location, sources), at(location, sources));
        let (reader, read, call) = (&self.reader, shown(self.read), shown(self.call));
        match (self.needs, self.helper) {
            (Needs::Place, None) => format!("`{reader}` reads {read} after calling {call}"),
            (Needs::Place, Some(helper)) => {
                let helper = shown(helper);
                format!("`{reader}` reads {read}, by way of {helper}, after calling {call}")
            }
            (Needs::Result, _) => format!("`{reader}` relies in {read} on a value from {call}"),
        }
    }

    /// All of it as text that is the same in every run with the same code.
    #[must_use]
    pub fn described(&self, sources: &SourceMap) -> String {
        let at = |location: Location| (sources.get(location.file).real_path.clone(), location.span);
        let places = (at(self.call), self.helper.map(at), at(self.read));
        format!("{}{places:?}{:?}", self.reader, self.needs)
    }

    /// Where the method goes on that called the hook.
    #[must_use]
    pub fn next(&self) -> Location {
        self.helper.unwrap_or(self.read)
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

/// The source on one line, with the arguments of a long call left out.
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
