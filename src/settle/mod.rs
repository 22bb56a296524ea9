//! Settling: the one place that decides what happens to a finding.

use std::collections::BTreeMap;

use crate::config::Settings;
use crate::diagnostics::{Finding, Fingerprint, Severity, fingerprints, sort};
use crate::source::SourceMap;

/// What happens to a finding.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Outcome {
    /// A person gets to see it.
    Reported,
    /// Its rule is off.
    Unselected,
    /// It is a note, and notes were not asked for.
    BelowThreshold,
}

/// A finding that is shown.
#[derive(Clone, Debug)]
pub struct Reported {
    /// The finding.
    pub finding: Finding,
    /// Its name across runs.
    pub fingerprint: Fingerprint,
}

/// All findings of a run, decided.
#[derive(Clone, Default, Debug)]
pub struct Settled {
    /// What is shown, in total order.
    pub reported: Vec<Reported>,
    /// How many findings had each outcome.
    pub counts: BTreeMap<Outcome, usize>,
}

impl Settled {
    /// How many findings had this outcome.
    #[must_use]
    pub fn count(&self, outcome: Outcome) -> usize {
        self.counts.get(&outcome).copied().unwrap_or(0)
    }

    /// How many reported findings have this severity.
    #[must_use]
    pub fn severity(&self, severity: Severity) -> usize {
        let matching = |reported: &&Reported| reported.finding.severity == severity;
        self.reported.iter().filter(matching).count()
    }

    /// The worst severity that is reported.
    #[must_use]
    pub fn worst(&self) -> Option<Severity> {
        self.reported.iter().map(|r| r.finding.severity).max()
    }
}

/// Puts findings in order and decides about each.
#[must_use]
pub fn settle(mut findings: Vec<Finding>, settings: &Settings, sources: &SourceMap) -> Settled {
    sort(&mut findings, sources);
    // Before anything is left out: a fingerprint must not depend on what is shown.
    let names = fingerprints(&findings, sources);
    let mut settled = Settled::default();
    for (finding, fingerprint) in findings.into_iter().zip(names) {
        let outcome = decide(&finding, settings);
        *settled.counts.entry(outcome).or_insert(0) += 1;
        if outcome == Outcome::Reported {
            settled.reported.push(Reported {
                finding,
                fingerprint,
            });
        }
    }
    settled
}

fn decide(finding: &Finding, settings: &Settings) -> Outcome {
    if !settings.rules.contains(finding.rule) {
        Outcome::Unselected
    } else if finding.severity == Severity::Note && !settings.pedantic {
        Outcome::BelowThreshold
    } else {
        Outcome::Reported
    }
}
