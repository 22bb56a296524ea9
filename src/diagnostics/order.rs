//! The total order of findings.

use std::cmp::Ordering;

use crate::diagnostics::{Finding, Location};
use crate::order::Order as _;
use crate::source::SourceMap;

/// Sorts by path, position, rule and kind, and drops exact duplicates. File numbers play no part:
/// they depend on which thread loaded a file first.
pub fn sort(findings: &mut Vec<Finding>, sources: &SourceMap) {
    findings.order_by(|a, b| compare(a, b, sources));
    findings.dedup_by(|a, b| compare(a, b, sources).is_eq());
}

fn compare(a: &Finding, b: &Finding, sources: &SourceMap) -> Ordering {
    let place = |a: &Location, b: &Location| {
        let by_file = if a.file == b.file {
            Ordering::Equal
        } else {
            let (a, b) = (sources.get(a.file), sources.get(b.file));
            (&a.display, &a.real_path).cmp(&(&b.display, &b.real_path))
        };
        by_file.then(a.span.cmp(&b.span))
    };
    place(&a.primary.location, &b.primary.location)
        .then_with(|| a.rule.cmp(b.rule))
        .then_with(|| a.kind.cmp(b.kind))
        .then_with(|| b.severity.cmp(&a.severity))
        .then_with(|| a.symbol.cmp(&b.symbol))
        .then_with(|| a.message.cmp(&b.message))
        .then_with(|| a.primary.message.cmp(&b.primary.message))
        .then_with(|| {
            let mut pairs = a.steps.iter().zip(&b.steps);
            pairs
                .find_map(|(a, b)| {
                    let order =
                        place(&a.location, &b.location).then_with(|| a.message.cmp(&b.message));
                    order.is_ne().then_some(order)
                })
                .unwrap_or_else(|| a.steps.len().cmp(&b.steps.len()))
        })
        .then_with(|| a.notes.cmp(&b.notes))
}
