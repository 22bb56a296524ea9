//! Findings after settling: each with the decision about it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::diagnostics::{Finding, Fingerprint, Severity};

/// The names of a finding.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Identity {
    /// Its name among all findings of a run; the path of the file is part of it.
    pub fingerprint: Fingerprint,
    /// Its name among the findings of its file, which stays the same when the file is moved.
    pub local: Fingerprint,
    /// The code of its primary line, on one line.
    pub code: String,
}

/// An entry of a baseline: a known finding.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BaselineEntry {
    /// The path of its file, relative to the folder of the baseline.
    pub path: String,
    /// The rule.
    pub rule: String,
    /// The symbol that it is in.
    pub symbol: String,
    /// The code of its primary line.
    pub code: String,
    /// Its name within the file.
    pub fingerprint: String,
}

/// An entry of a baseline whose finding no longer exists.
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
    /// It is shown.
    Reported,
    /// Its rule is off.
    Unselected,
    /// It is a note, and `--pedantic` is not set.
    BelowThreshold,
    /// A comment ignores it.
    Suppressed,
    /// It is in the baseline.
    Known,
    /// A finding that is reported has the same cause, and tells of it in a note.
    SameCause,
}

/// A finding that is shown.
#[derive(Clone, Debug)]
pub struct Reported {
    /// The finding.
    pub finding: Finding,
    /// Its names across runs.
    pub identity: Identity,
    /// Findings with the same cause, which are not reported for themselves. A note of the finding
    /// tells of each.
    pub consequences: Vec<Reported>,
}

impl Reported {
    /// It and its consequences.
    pub fn all(&self) -> impl Iterator<Item = &Reported> {
        std::iter::once(self).chain(&self.consequences)
    }
}

/// A finding that a comment ignores.
#[derive(Clone, Debug)]
pub struct Suppressed {
    /// The finding.
    pub finding: Reported,
    /// The reason that the comment gives.
    pub reason: Option<String>,
}

/// All findings of a run, with the decisions about them.
#[derive(Clone, Default, Debug)]
pub struct Settled {
    /// What is shown, in total order.
    pub reported: Vec<Reported>,
    /// What comments ignore, in total order.
    pub suppressed: Vec<Suppressed>,
    /// What baselines contain, in total order.
    pub known: Vec<Reported>,
    /// Entries of baselines whose findings no longer exist.
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

    /// The highest severity among the reported findings.
    #[must_use]
    pub fn worst(&self) -> Option<Severity> {
        self.reported.iter().map(|r| r.finding.severity).max()
    }
}
