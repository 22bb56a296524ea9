//! `ignore-comment`: comments that ignore findings and are wrong themselves. Which comment ignored
//! what is known once findings are settled, so `settle` asks this rule.

use super::{IgnoreComment, Rule};
use crate::diagnostics::{Finding, FindingBuilder, Location, Severity};
use crate::source::Language;

/// What is wrong with a comment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fault {
    /// It ignores this rule, which has no finding there.
    Unused {
        /// The rule, in its spelling.
        rule: String,
        /// Whether checking more files may bring a finding.
        doubtful: bool,
    },
    /// There is no such rule.
    Unknown {
        /// The rule, in its spelling.
        rule: String,
        /// "; did you mean …?"
        hint: String,
    },
    /// It cannot be parsed.
    Malformed {
        /// Why not.
        why: String,
    },
    /// It ignores every rule.
    Blanket,
    /// It does not say why this rule is ignored.
    NoReason {
        /// The rule, in its spelling.
        rule: String,
    },
}

/// The finding about a comment.
#[must_use]
pub fn finding(fault: Fault, location: Location, language: Language) -> Finding {
    let new = |kind| FindingBuilder::new(IgnoreComment.meta(), kind);
    let (definition, mark) = match language {
        Language::Python => ("def", "#"),
        Language::Rust => ("fn", "//"),
    };
    match fault {
        Fault::Unused { rule, doubtful } => {
            let builder = new("unused")
                .arg("rule", rule)
                .arg("definition", definition);
            let mut finding = builder.at(location, "ignores nothing");
            if doubtful {
                finding.severity = Severity::Note;
            }
            finding
        }
        Fault::Unknown { rule, hint } => new("unknown")
            .arg("rule", rule)
            .arg("hint", hint)
            .at(location, "no such rule"),
        Fault::Malformed { why } => new("malformed")
            .arg("why", why)
            .arg("mark", mark)
            .at(location, "ignores nothing"),
        Fault::Blanket => new("blanket").at(location, "ignores everything"),
        Fault::NoReason { rule } => new("no-reason").arg("rule", rule).at(location, "no reason"),
    }
}
