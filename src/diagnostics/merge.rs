//! Merges findings: code that several classes run is reported once.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::diagnostics::{Finding, Location};
use crate::order::Order as _;

/// How many classes the note names. It only counts the others.
const MAX_NAMED: usize = 5;

/// A finding about a method as one class runs it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ByClass {
    /// The finding; the class is the one in its symbol.
    pub finding: Finding,
    /// Whether its primary label lies in the text of that class.
    pub at_home: bool,
}

impl ByClass {
    /// A finding whose primary label lies in the text of the class `around`, if in any.
    #[must_use]
    pub fn new(finding: Finding, around: Option<&str>) -> Self {
        let at_home = around == Some(class(&finding));
        Self { finding, at_home }
    }
}

/// Merges findings of the same rule, kind, message and primary location: the same code, run by
/// different classes. For findings of `one_fault`, the same location is enough; if their kinds
/// differ, only the most severe ones count. The group is represented by the finding of the class
/// that contains the location, or else by the one whose symbol comes first. A note names the
/// classes.
#[must_use]
pub fn merge(mut findings: Vec<ByClass>, one_fault: impl Fn(&Finding) -> bool) -> Vec<Finding> {
    findings.order_by(|a, b| a.finding.symbol.cmp(&b.finding.symbol));
    let mut groups: Vec<Vec<ByClass>> = Vec::new();
    let mut known: HashMap<(&'static str, &'static str, Location, String), usize> = HashMap::new();
    for of_class in findings {
        let finding = &of_class.finding;
        let (kind, message) = match one_fault(finding) {
            true => ("", String::new()),
            false => (finding.kind, finding.message.clone()),
        };
        let key = (finding.rule, kind, finding.primary.location, message);
        let at = *known.entry(key).or_insert(groups.len());
        match groups.get_mut(at) {
            Some(group) => group.push(of_class),
            None => groups.push(vec![of_class]),
        }
    }
    groups.into_iter().map(merge_group).collect()
}

fn merge_group(mut group: Vec<ByClass>) -> Finding {
    let classes = group.iter().map(|f| class(&f.finding).to_owned());
    let mut classes: Vec<String> = classes.collect();
    classes.dedup();
    let worst = group.iter().map(|f| f.finding.severity).max();
    // If the kinds differ, the most severe finding represents the group.
    let kind = group[0].finding.kind;
    let alike = group.iter().all(|f| f.finding.kind == kind);
    group.retain(|f| alike || Some(f.finding.severity) == worst);
    let at = match classes.as_slice() {
        [_, _, ..] => group.iter().position(|f| f.at_home).unwrap_or(0),
        _ => 0,
    };
    let mut finding = group.swap_remove(at).finding;
    finding.severity = worst.unwrap_or(finding.severity);
    if classes.len() > 1 {
        finding.notes.push(affected(&classes));
    }
    finding
}

/// The part of `Class.method` before the method.
fn class(finding: &Finding) -> &str {
    let symbol = &finding.symbol;
    symbol.rsplit_once('.').map_or(symbol, |(class, _)| class)
}

fn affected(classes: &[String]) -> String {
    let more = classes.len().saturating_sub(MAX_NAMED);
    let mut names: Vec<String> = classes
        .iter()
        .take(MAX_NAMED)
        .map(|name| format!("`{name}`"))
        .collect();
    let last = match (more, names.pop()) {
        (0, Some(last)) => last,
        (more, Some(last)) => {
            names.push(last);
            format!("{more} more")
        }
        (_, None) => return String::new(),
    };
    format!("several classes run this: {} and {last}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::FindingBuilder;
    use crate::rules::{Rule, UntrackedReturn};
    use crate::source::{FileId, Span};

    /// What `class` runs, in the text of the class `C`.
    fn finding(class: &str, at: u32, kind: &str) -> ByClass {
        let location = Location {
            file: FileId(0),
            span: Span::new(at, at + 1),
        };
        let finding = FindingBuilder::new(UntrackedReturn.meta(), kind)
            .arg("method", "save_data")
            .arg(
                "fail",
                "return without setting `self.stats['rows_inserted']`",
            )
            .arg("duty", "set `self.stats['rows_inserted']`")
            .arg("never", "sets `self.stats['rows_inserted']`")
            .arg("place", "`self.stats['rows_inserted']`")
            .arg("zero", " (0 if nothing was written)")
            .arg("written", " to as many rows as were written")
            .symbol(format!("{class}.save_data"))
            .at(location, "returns");
        ByClass::new(finding, Some("C"))
    }

    #[test]
    fn shared_code_is_reported_once() {
        let findings = vec![
            finding("B", 5, "unset"),
            finding("C", 5, "unset"),
            finding("A", 5, "unset"),
            finding("A", 9, "unset"),
            finding("B", 5, "dropped"),
        ];
        let merged = merge(findings, |_| false);
        let seen: Vec<_> = merged
            .iter()
            .map(|f| (f.symbol.as_str(), f.primary.location.span.start, f.kind))
            .collect();
        assert_eq!(
            seen,
            [
                ("C.save_data", 5, "unset"),
                ("A.save_data", 9, "unset"),
                ("B.save_data", 5, "dropped")
            ]
        );
        assert_eq!(
            merged[0].notes,
            ["several classes run this: `A`, `B` and `C`"]
        );
        assert!(merged[1].notes.is_empty());
    }

    #[test]
    fn one_fault_is_reported_once_and_at_its_worst() {
        let findings = vec![
            finding("A", 5, "unset"),
            finding("B", 5, "dropped"),
            finding("C", 6, "unset"),
        ];
        let merged = merge(findings, |_| true);
        let seen: Vec<_> = merged.iter().map(|f| (f.symbol.as_str(), f.kind)).collect();
        assert_eq!(seen, [("B.save_data", "dropped"), ("C.save_data", "unset")]);
        assert_eq!(merged[0].notes, ["several classes run this: `A` and `B`"]);
    }

    #[test]
    fn many_classes_are_counted() {
        let findings = (b'a'..=b'h')
            .map(|c| finding(&(c as char).to_string(), 1, "unset"))
            .collect();
        let merged = merge(findings, |_| false);
        assert_eq!(merged.len(), 1);
        assert_eq!(merged[0].symbol, "a.save_data");
        assert_eq!(
            merged[0].notes,
            ["several classes run this: `a`, `b`, `c`, `d`, `e` and 3 more"]
        );
    }
}
