//! An earlier report in the format json, to tell what has changed since.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use serde::Deserialize;

use super::joined::Made;
use crate::outcome::{Reported, Settled};
use crate::source::describe_io;

/// What an earlier run reported.
#[derive(Clone, Debug)]
pub struct Earlier {
    /// The file of the report.
    pub file: String,
    /// The findings, each followed by those with the same cause.
    pub findings: Vec<EarlierFinding>,
}

/// A finding of an earlier run.
#[derive(Clone, Debug, Deserialize)]
pub struct EarlierFinding {
    /// Its name.
    pub fingerprint: String,
    /// The rule.
    pub rule: String,
    /// The kind.
    pub kind: String,
    /// One sentence.
    pub message: String,
    /// The path of the file.
    pub path: String,
    /// The line of the primary label.
    pub line: u32,
    /// `Class.method`.
    pub symbol: String,
    #[serde(default, rename = "consequences")]
    inner: Vec<EarlierFinding>,
}

/// The part of a report that is needed here.
#[derive(Deserialize)]
struct Document {
    findings: Vec<EarlierFinding>,
}

/// What has changed since an earlier run.
pub(super) struct Changes<'a> {
    /// The fingerprints of the findings that were reported then.
    then: HashSet<&'a str>,
    /// What was reported then and is not found any more.
    pub(super) gone: Vec<&'a EarlierFinding>,
    /// How many findings that were reported then are found, but are ignored now or known from a baseline.
    pub(super) set_aside: usize,
}

impl Earlier {
    /// Reads a report from a file.
    ///
    /// # Errors
    /// Says in words why there is none.
    pub fn read(path: &str) -> Result<Self, String> {
        let text = fs::read_to_string(Path::new(path)).map_err(|error| describe_io(&error))?;
        let made = Made::read(&text)?;
        if made.is_sarif {
            return Err("a report in the format sarif: only json can be compared".to_owned());
        }
        if let Some(of_shard) = made.shard {
            return Err(format!(
                "the report of {}: `tallylint merge` joins those of all shards",
                of_shard.shard
            ));
        }
        let document = Document::deserialize(made.value)
            .map_err(|error| format!("damaged: its findings cannot be read: {error}"))?;
        let mut findings = Vec::new();
        for mut finding in document.findings {
            let inner = std::mem::take(&mut finding.inner);
            findings.push(finding);
            findings.extend(inner);
        }
        Ok(Self {
            file: path.to_owned(),
            findings,
        })
    }

    /// Compares with what a run came to now.
    pub(super) fn changes(&self, settled: &Settled) -> Changes<'_> {
        let fingerprints = |found: &mut dyn Iterator<Item = &Reported>| -> HashSet<String> {
            let all = found.flat_map(Reported::all);
            all.map(|reported| reported.identity.fingerprint.to_string())
                .collect()
        };
        let reported = fingerprints(&mut settled.reported.iter());
        let suppressed = settled.suppressed.iter().map(|s| &s.finding);
        let aside = fingerprints(&mut suppressed.chain(&settled.known));
        let missing = self.findings.iter();
        let missing = missing.filter(|finding| !reported.contains(&finding.fingerprint));
        let (set_aside, gone): (Vec<_>, Vec<_>) =
            missing.partition(|finding| aside.contains(&finding.fingerprint));
        Changes {
            then: self
                .findings
                .iter()
                .map(|finding| finding.fingerprint.as_str())
                .collect(),
            gone,
            set_aside: set_aside.len(),
        }
    }
}

impl Changes<'_> {
    /// Whether a finding was reported then, too.
    pub(super) fn is_old(&self, fingerprint: &str) -> bool {
        self.then.contains(fingerprint)
    }
}
