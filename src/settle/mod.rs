//! Settling: decides what happens to each finding. Nothing else does.
//!
//! `directive` is the grammar of ignore comments, `lines` says what a comment refers to, and
//! `ignores` records which comment ignored what.

mod baseline;
mod causes;
mod directive;
mod identity;
mod ignores;
mod lines;
mod stab;

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::config::Configuration;
use crate::diagnostics::{FileFailure, Finding, Severity, sort};
use crate::order::Order as _;
use crate::outcome::{Decision, Expired, Identity, Reported, Settled, Suppressed};
use crate::rules;
use crate::rules::ignore_comment::{self, Fault};
use crate::settings::Settings;
use crate::source::{FileId, SourceFile, SourceMap, Span};

pub use baseline::Baseline;
use causes::{add_consequence, same_cause};
use identity::identities;
use ignores::Ignores;
pub use ignores::{FileIgnores, Ignore};
pub use lines::Lines;

/// The severity of a finding. A severity that the settings give to a rule as a whole does not apply
/// to its notes, which report uncertainty.
fn level(finding: &Finding, settings: &Settings) -> Severity {
    let own = finding.severity;
    let by_nature = rules::by_id(finding.rule)
        .and_then(|rule| rule.meta().kind(finding.kind))
        .map(|kind| kind.severity);
    let said = |kind| settings.severities.get(&(finding.rule, kind)).copied();
    match said(Some(finding.kind)) {
        Some(level) if own > Severity::Note || by_nature == Some(Severity::Note) => level,
        Some(_) => own,
        None if own > Severity::Note => said(None).unwrap_or(own),
        None => own,
    }
}

/// What was checked: the context in which a finding, or the absence of one, means something.
#[derive(Clone, Copy)]
pub struct Checked<'a> {
    /// The files that were checked.
    pub files: &'a [Arc<SourceFile>],
    /// What could not be analysed, wholly or in part.
    pub failures: &'a [FileFailure],
    /// Whether the files were named one by one, so that other files of the project may be missing.
    pub partial: bool,
    /// The baselines that apply to the files.
    pub baselines: &'a [Baseline],
}

/// Sorts the findings and decides about each. Returns the baselines with what was recognised.
#[must_use]
pub fn settle(
    mut findings: Vec<Finding>,
    checked: Checked<'_>,
    configuration: &Configuration,
    sources: &SourceMap,
) -> (Settled, Vec<Baseline>) {
    let mut ignores = Ignores::new(sources);
    let mut reasons: HashMap<Key, Option<String>> = HashMap::new();
    let mut ask = |finding: &Finding, ignores: &mut Ignores<'_>| {
        let file = finding.primary.location.file;
        if let Some(reason) = ignores.file(file).covers_finding(finding) {
            reasons.insert(key(finding), reason);
        }
    };
    for finding in &findings {
        ask(finding, &mut ignores);
    }
    let files = SettingsOf {
        configuration,
        sources,
        known: RefCell::default(),
    };
    let lints = |id| files.is_on(rules::about_comments().id(), id);
    if checked.files.iter().any(|file| lints(file.id)) {
        let faulty = faults(&findings, checked, &files, &mut ignores);
        for finding in &faulty {
            ask(finding, &mut ignores);
        }
        findings.extend(faulty);
        // Only now is it known which faults of comments were ignored.
        let own = |rule: &str| rule == rules::about_comments().id();
        findings.extend(unused(&[], checked, &files, &mut ignores, own));
    }
    for finding in &mut findings {
        let settings = files.of(finding.primary.location.file);
        finding.severity = level(finding, &settings);
    }
    sort(&mut findings, sources);
    // This comes before anything is left out: a fingerprint must not depend on what is shown.
    let names = identities(&findings, sources);
    let decisions: Vec<Decision> = findings
        .iter()
        .map(|finding| decide(finding, reasons.contains_key(&key(finding)), &files))
        .collect();
    let Recognised {
        baselines,
        known,
        expired,
    } = recognise(&findings, &names, &decisions, checked, &files);
    let or_known = |(decision, known)| match decision {
        Decision::Reported | Decision::BelowThreshold if known => Decision::Known,
        decision => decision,
    };
    let decisions: Vec<Decision> = decisions.into_iter().zip(known).map(or_known).collect();
    let decided: Vec<Decided> = findings
        .into_iter()
        .zip(names)
        .zip(decisions)
        .map(|((finding, identity), decision)| Decided {
            finding,
            identity,
            decision,
        })
        .collect();
    let settled = Settled {
        expired,
        ..distribute(decided, &reasons, sources)
    };
    (settled, baselines)
}

/// A finding with its names and what was decided about it alone.
struct Decided {
    finding: Finding,
    identity: Identity,
    decision: Decision,
}

/// Puts each finding where its decision belongs, and those with a common cause together.
fn distribute(
    decided: Vec<Decided>,
    reasons: &HashMap<Key, Option<String>>,
    sources: &SourceMap,
) -> Settled {
    let leaders = same_cause(&decided);
    let mut settled = Settled::default();
    // By the number of the finding with the same cause.
    let mut consequences: Vec<(usize, Reported)> = Vec::new();
    // Where in `settled.reported` a finding is.
    let mut places: HashMap<usize, usize> = HashMap::new();
    for (at, (of, leader)) in decided.into_iter().zip(leaders).enumerate() {
        let reason = reasons.get(&key(&of.finding)).cloned().flatten();
        let decision = leader.map_or(of.decision, |_| Decision::SameCause);
        *settled.counts.entry(decision).or_insert(0) += 1;
        let finding = Reported {
            finding: of.finding,
            identity: of.identity,
            consequences: Vec::new(),
        };
        match (decision, leader) {
            (_, Some(leader)) => consequences.push((leader, finding)),
            (Decision::Reported, _) => {
                places.insert(at, settled.reported.len());
                settled.reported.push(finding);
            }
            (Decision::Known, _) => settled.known.push(finding),
            (Decision::Suppressed, _) => settled.suppressed.push(Suppressed { finding, reason }),
            (Decision::Unselected | Decision::BelowThreshold | Decision::SameCause, _) => {}
        }
    }
    for (leader, consequence) in consequences {
        let to = &mut settled.reported[places[&leader]];
        add_consequence(to, consequence, sources);
    }
    settled
}

/// What baselines say about the findings.
struct Recognised {
    baselines: Vec<Baseline>,
    /// Which of the findings are known.
    known: Vec<bool>,
    expired: Vec<Expired>,
}

/// The settings of the files, each looked up once.
struct SettingsOf<'a> {
    configuration: &'a Configuration,
    sources: &'a SourceMap,
    known: RefCell<HashMap<FileId, (Arc<Settings>, PathBuf)>>,
}

impl SettingsOf<'_> {
    fn with<T>(&self, file: FileId, ask: impl FnOnce(&Arc<Settings>, &Path) -> T) -> T {
        let mut known = self.known.borrow_mut();
        let (settings, path) = known.entry(file).or_insert_with(|| {
            let file = self.sources.get(file);
            let path = self.sources.cwd().join(&file.real_path);
            (self.configuration.of_file(&file), path)
        });
        ask(settings, path)
    }

    fn of(&self, file: FileId) -> Arc<Settings> {
        self.with(file, |settings, _| Arc::clone(settings))
    }

    fn path(&self, file: FileId) -> PathBuf {
        self.with(file, |_, path| path.to_path_buf())
    }

    fn is_on(&self, rule: &str, file: FileId) -> bool {
        self.with(file, |settings, path| settings.is_on(rule, path))
    }
}

/// By what a comment is known to ignore a finding.
type Key = (&'static str, FileId, u32);

fn key(finding: &Finding) -> Key {
    let location = finding.primary.location;
    (finding.rule, location.file, location.span.start)
}

fn decide(finding: &Finding, ignored: bool, files: &SettingsOf<'_>) -> Decision {
    let file = finding.primary.location.file;
    if !files.is_on(finding.rule, file) {
        Decision::Unselected
    } else if finding.severity == Severity::Note && !files.of(file).pedantic {
        Decision::BelowThreshold
    } else if ignored {
        Decision::Suppressed
    } else {
        Decision::Reported
    }
}

/// Matches findings with the baselines of their files: which are known, and which entries of each
/// baseline have expired.
fn recognise(
    findings: &[Finding],
    names: &[Identity],
    decisions: &[Decision],
    checked: Checked<'_>,
    files: &SettingsOf<'_>,
) -> Recognised {
    let mut known = vec![false; findings.len()];
    let (mut baselines, mut all_expired) = (Vec::new(), Vec::new());
    // The files that were checked completely, so that no finding in them is missing.
    let judged: HashMap<PathBuf, FileId> = checked
        .files
        .iter()
        .filter(|file| !checked.partial && !checked.failures.iter().any(|f| f.path == file.display))
        .map(|file| (files.path(file.id), file.id))
        .collect();
    for baseline in checked.baselines {
        let mut baseline = baseline.clone();
        let about = |at: &usize| {
            let file = findings[*at].primary.location.file;
            let open = matches!(
                decisions[*at],
                Decision::Reported | Decision::BelowThreshold
            );
            open && files.of(file).baseline.as_ref() == Some(&baseline.path)
        };
        let numbers: Vec<usize> = (0..findings.len()).filter(about).collect();
        let path = |at: &usize| files.path(findings[*at].primary.location.file);
        let paths: Vec<PathBuf> = numbers.iter().map(path).collect();
        let asked: Vec<_> = numbers.iter().zip(&paths).collect();
        let asked = asked
            .iter()
            .map(|(at, path)| (&findings[**at], &names[**at], path.as_path()));
        let asked: Vec<_> = asked.collect();
        for (at, is_known) in numbers.iter().zip(baseline.recognise(&asked)) {
            known[*at] = is_known;
        }
        let expired = baseline.expired(|path, rule| {
            judged
                .get(path)
                .is_some_and(|file| files.is_on(rule, *file))
        });
        all_expired.extend(expired.into_iter().map(|entry| Expired {
            baseline: baseline.path.clone(),
            entry,
        }));
        baselines.push(baseline);
    }
    Recognised {
        baselines,
        known,
        expired: all_expired,
    }
}

/// What is wrong with the ignore comments of the checked files.
fn faults(
    findings: &[Finding],
    checked: Checked<'_>,
    files: &SettingsOf<'_>,
    ignores: &mut Ignores<'_>,
) -> Vec<Finding> {
    let mut out = Vec::new();
    for file in checked.files {
        if !files.is_on(rules::about_comments().id(), file.id) {
            continue;
        }
        for (fault, location) in ignores.file(file.id).faults() {
            out.push(ignore_comment::finding(fault, location, file.language));
        }
    }
    let others = |rule: &str| rule != rules::about_comments().id();
    out.extend(unused(findings, checked, files, ignores, others));
    out
}

/// The comments of the checked files that had nothing to ignore, among the rules that `about`
/// picks.
fn unused(
    findings: &[Finding],
    checked: Checked<'_>,
    files: &SettingsOf<'_>,
    ignores: &mut Ignores<'_>,
    about: impl Fn(&str) -> bool,
) -> Vec<Finding> {
    // Where a rule was uncertain, its silence proves nothing.
    let mut notes: HashMap<(&str, FileId), Vec<Span>> = HashMap::new();
    for finding in findings.iter().filter(|f| f.severity == Severity::Note) {
        let place = finding.primary.location;
        let of_rule = notes.entry((finding.rule, place.file)).or_default();
        of_rule.push(place.span);
    }
    for spans in notes.values_mut() {
        spans.order_by_key(|span| span.start);
    }
    let mut out = Vec::new();
    for file in checked.files {
        let comments = !ignores.file(file.id).comments().is_empty();
        let lints = files.is_on(rules::about_comments().id(), file.id);
        if !comments || !lints || checked.failures.iter().any(|f| f.path == file.display) {
            continue;
        }
        let judged = |rule: &'static str, around: Span| {
            let spans = notes.get(&(rule, file.id)).map_or(&[][..], Vec::as_slice);
            let first = spans.partition_point(|span| span.start < around.start);
            let inside = spans[first..].iter();
            let mut inside = inside.take_while(|span| span.start <= around.end);
            let open = inside.any(|span| around.contains(*span));
            about(rule) && files.is_on(rule, file.id) && !open
        };
        for unused in ignores.file(file.id).unused(judged) {
            let doubtful = checked.partial;
            let rule = unused.rule;
            let fault = Fault::Unused { rule, doubtful };
            let mut finding = ignore_comment::finding(fault, unused.location, file.language);
            finding.fix = unused.fix.filter(|_| !doubtful);
            out.push(finding);
        }
    }
    out
}
