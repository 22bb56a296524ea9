//! The only way to make a finding.

use crate::diagnostics::{Finding, Fix, Flow, Known, Location, Step};
use crate::diagnostics::{KindMeta, RuleMeta};

/// Collects the parts of a finding. Texts and severity come from the rule's catalogue entry; the
/// last call, [`at_exit`](Self::at_exit) or [`at`](Self::at), gives the one primary label.
///
/// ```
/// use tallylint::diagnostics::{FindingBuilder, Location};
/// use tallylint::rules::{Rule, UntrackedReturn};
/// use tallylint::source::{FileId, Span};
///
/// let place = |start| Location { file: FileId(0), span: Span::new(start, start + 6) };
/// let finding = FindingBuilder::new(UntrackedReturn.meta(), "unset")
///     .arg("method", "save_data")
///     .arg("fail", "return without setting `self.stats['rows_inserted']`")
///     .arg("duty", "set `self.stats['rows_inserted']`")
///     .arg("zero", " (0 if nothing was written)")
///     .symbol("Odds.save_data")
///     .step(place(10), "`rows` is empty")
///     .exit(place(20))
///     .at_exit(place(20), "returns");
/// assert_eq!(finding.steps.len(), 2);
/// ```
#[derive(Debug)]
#[must_use]
pub struct FindingBuilder {
    rule: &'static RuleMeta,
    kind: &'static KindMeta,
    arguments: Vec<(&'static str, String)>,
    symbol: String,
    steps: Vec<Step>,
    exits: Vec<Location>,
    notes: Vec<String>,
    fix: Option<Fix>,
    flows: Vec<Flow>,
    cause: Option<Location>,
}

impl FindingBuilder {
    /// Starts a finding of a rule.
    ///
    /// # Panics
    /// When the rule's catalogue entry has no such kind: a bug in the rule.
    pub fn new(rule: &'static RuleMeta, kind: &str) -> Self {
        Self {
            rule,
            kind: rule
                .kind(kind)
                .expect("rules report only kinds that their catalogue entry declares"),
            arguments: Vec::new(),
            symbol: String::new(),
            steps: Vec::new(),
            exits: Vec::new(),
            notes: Vec::new(),
            fix: None,
            flows: Vec::new(),
            cause: None,
        }
    }

    /// Sets the value of a `{name}` placeholder in the texts of the catalogue.
    pub fn arg(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.arguments.push((name, value.into()));
        self
    }

    /// Sets the symbol that the finding is in: `Class.method`.
    pub fn symbol(mut self, symbol: impl Into<String>) -> Self {
        self.symbol = symbol.into();
        self
    }

    /// Adds a step of the path, in the order of execution.
    pub fn step(mut self, location: Location, message: impl Into<String>) -> Self {
        self.steps.push(Step {
            location,
            message: message.into(),
            known: Vec::new(),
        });
        self
    }

    /// Says what is known of the values after the last step.
    pub fn knowing(mut self, known: &[Known]) -> Self {
        if let Some(step) = self.steps.last_mut() {
            step.known = known.to_vec();
        }
        self
    }

    /// Adds an exit that the finding concerns.
    pub fn exit(mut self, location: Location) -> Self {
        self.exits.push(location);
        self
    }

    /// Adds a note.
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Adds a fix, if there is one.
    pub fn fix(mut self, fix: Option<Fix>) -> Self {
        self.fix = fix;
        self
    }

    /// Adds the control-flow graph of a function with the path through it. If it has the graph already, the path goes on
    /// there.
    pub fn flow(mut self, flow: Flow) -> Self {
        match self.flows.iter_mut().find(|known| known.is_of_same(&flow)) {
            Some(known) => known.go_on(&flow),
            None => self.flows.push(flow),
        }
        self
    }

    /// Says where the failure is lost that leads to this, if one is.
    pub fn cause(mut self, cause: Option<Location>) -> Self {
        self.cause = cause;
        self
    }

    /// Finishes with a primary label at the end of the path. If there are steps, its message also
    /// becomes the last step.
    #[must_use]
    pub fn at_exit(mut self, location: Location, label: impl Into<String>) -> Finding {
        let primary = Step {
            location,
            message: label.into(),
            known: Vec::new(),
        };
        if !self.steps.is_empty() {
            self.steps.push(primary.clone());
        }
        self.build(primary)
    }

    /// Finishes with a primary label that is not part of the path (a `def`).
    #[must_use]
    pub fn at(self, location: Location, label: impl Into<String>) -> Finding {
        self.build(Step {
            location,
            message: label.into(),
            known: Vec::new(),
        })
    }

    fn build(self, primary: Step) -> Finding {
        let message = fill(&self.kind.message, &self.arguments);
        let help = fill(&self.kind.help, &self.arguments);
        Finding {
            rule: &self.rule.id,
            kind: &self.kind.name,
            severity: self.kind.severity,
            message,
            primary,
            steps: self.steps,
            exits: self.exits,
            symbol: self.symbol,
            notes: self.notes,
            help,
            fix: self.fix,
            flows: self.flows,
            cause: self.cause,
        }
    }
}

/// Replaces each `{name}` by its argument. Arguments are not searched for placeholders.
fn fill(template: &str, arguments: &[(&'static str, String)]) -> String {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(open) = rest.find('{') {
        out.push_str(&rest[..open]);
        rest = &rest[open..];
        let argument = rest.find('}').and_then(|close| {
            let name = &rest[1..close];
            let found = arguments.iter().find(|(known, _)| *known == name)?;
            Some((close, &found.1))
        });
        if let Some((close, value)) = argument {
            out.push_str(value);
            rest = &rest[close + 1..];
        } else {
            debug_assert!(false, "no argument for a placeholder of `{template}`");
            out.push('{');
            rest = &rest[1..];
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_not_templates() {
        let arguments = [("a", "{b}".to_owned()), ("b", "x".to_owned())];
        assert_eq!(fill("`{a}` and {b}.", &arguments), "`{b}` and x.");
    }
}
