//! Findings about which it is decided who gets to see them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::diagnostics::{Finding, Fingerprint, Severity};

/// The names of a finding.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Identity {
    /// Its name among all findings of a run: the path is part of it.
    pub fingerprint: Fingerprint,
    /// Its name among the findings of its file, wherever that is.
    pub local: Fingerprint,
    /// The code of its primary line, on one line.
    pub code: String,
}

/// A known finding.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BaselineEntry {
    /// The path of its file, relative to the folder of the baseline.
    pub path: String,
    /// The rule.
    pub rule: String,
    /// What it is in.
    pub symbol: String,
    /// The code of its primary line.
    pub code: String,
    /// Its name within its file.
    pub fingerprint: String,
}

/// An entry of a baseline whose finding is gone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Expired {
    /// The path of the baseline.
    pub baseline: PathBuf,
    /// The entry.
    pub entry: BaselineEntry,
}

/// What happens to a finding.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Decision {
    /// A person gets to see it.
    Reported,
    /// Its rule is off.
    Unselected,
    /// It is a note, and notes were not asked for.
    BelowThreshold,
    /// A comment ignores it.
    Suppressed,
    /// The baseline knows it.
    Known,
}

/// A finding that is shown.
#[derive(Clone, Debug)]
pub struct Reported {
    /// The finding.
    pub finding: Finding,
    /// Its names across runs.
    pub identity: Identity,
}

/// A finding that a comment ignores.
#[derive(Clone, Debug)]
pub struct Suppressed {
    /// The finding.
    pub finding: Reported,
    /// What the comment gives as the reason.
    pub reason: Option<String>,
}

/// All findings of a run, decided.
#[derive(Clone, Default, Debug)]
pub struct Settled {
    /// What is shown, in total order.
    pub reported: Vec<Reported>,
    /// What comments ignore, in total order.
    pub suppressed: Vec<Suppressed>,
    /// What baselines know, in total order.
    pub known: Vec<Reported>,
    /// Entries of baselines whose findings are gone.
    pub expired: Vec<Expired>,
    /// How many findings got each decision.
    pub counts: BTreeMap<Decision, usize>,
}

impl Settled {
    /// How many findings got this decision.
    #[must_use]
    pub fn count(&self, decision: Decision) -> usize {
        self.counts.get(&decision).copied().unwrap_or(0)
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
