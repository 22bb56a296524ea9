//! One cause, one finding: what follows from a finding that is reported is told there.

use std::collections::HashMap;

use super::Decided;
use crate::diagnostics::{Finding, Location};
use crate::outcome::{Decision, Reported};
use crate::source::SourceMap;

/// For each finding the number of the reported one that has the same cause, if there is one.
///
/// It is of another rule, it is about the same exits, or its path leads through them, and its path leads through the place where the
/// failure is lost. It is at least as severe, so that a run does not pass because of it. It says more
/// of what follows, so that no two findings disappear in each other.
pub(super) fn same_cause(decided: &[Decided]) -> Vec<Option<usize>> {
    let reported = |of: &Decided| of.decision == Decision::Reported;
    // By the places that their paths lead through.
    let mut through: HashMap<Location, Vec<usize>> = HashMap::new();
    for (at, other) in decided.iter().enumerate().filter(|(_, of)| reported(of)) {
        for place in places(&other.finding) {
            let here = through.entry(place).or_default();
            if here.last() != Some(&at) {
                here.push(at);
            }
        }
    }
    let of = |finding: &Decided| {
        let cause = finding.finding.cause.filter(|_| reported(finding))?;
        let finding = &finding.finding;
        let mut leading = through.get(&cause)?.iter().copied();
        leading.find(|other| {
            let lost = &decided[*other].finding;
            depth(lost) > depth(finding)
                && lost.rule != finding.rule
                && lost.severity >= finding.severity
                && finding
                    .exits
                    .iter()
                    .all(|exit| lost.exits.contains(exit) || leads_through(lost, *exit))
        })
    };
    let leaders: Vec<Option<usize>> = decided.iter().map(of).collect();
    // Each step goes deeper, so this ends.
    let last = |mut at: usize| {
        while let Some(next) = leaders[at] {
            at = next;
        }
        at
    };
    leaders.iter().map(|leader| leader.map(last)).collect()
}

/// How much a finding says of what follows from a failure: only where it is lost, what follows from
/// that, or what comes of it in the end.
fn depth(finding: &Finding) -> u8 {
    match finding.cause {
        Some(cause) if cause == finding.primary.location => 0,
        Some(_) => 1,
        None => 2,
    }
}

/// Whether the path of a finding leads through a place.
fn leads_through(finding: &Finding, place: Location) -> bool {
    places(finding).any(|at| at == place)
}

/// The places that the path of a finding leads through.
fn places(finding: &Finding) -> impl Iterator<Item = Location> {
    let steps = std::iter::once(&finding.primary).chain(&finding.steps);
    steps.map(|step| step.location)
}

/// Adds a finding with the same cause to a reported one, and a note that tells of it.
pub(super) fn add_consequence(to: &mut Reported, consequence: Reported, sources: &SourceMap) {
    let finding = &consequence.finding;
    let location = finding.primary.location;
    let file = sources.get(location.file);
    let line = file.position(location.span.start).line;
    let elsewhere = location.file != to.finding.primary.location.file;
    let place = match elsewhere {
        true => format!("{}:{line}", file.display),
        false => format!("line {line}"),
    };
    to.finding.notes.push(format!(
        "for the same reason, {} ({}, {place})",
        finding.message, finding.rule
    ));
    to.consequences.push(consequence);
}
