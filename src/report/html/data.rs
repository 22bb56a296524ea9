//! What a page shows, as the script of the page reads it. Nobody else does: it changes with the script.

use std::collections::HashMap;

use serde::Serialize;

use super::excerpts::{Excerpts, JsonFile, JsonPlace};
use super::flow::{self, JsonFlow};
use crate::diagnostics::{FileFailure, Finding, Fix, Location};
use crate::outcome::{Expired, Reported};
use crate::report::checklist::{
    Excuse, Group, is_open, reason_name, state_in_words, state_name, unfollowed,
};
use crate::report::earlier::{Changes, EarlierFinding};
use crate::report::nothing;
use crate::report::summary::{headline, remarks};
use crate::report::{Report, path};
use crate::rules;
use crate::source::FileId;

#[derive(Serialize)]
pub(super) struct Data<'a> {
    tool: Tool,
    headline: String,
    remarks: Vec<String>,
    counts: Counts,
    /// The folder that paths are relative to, as an absolute path in a URL.
    root: String,
    /// The URL below which files are shown.
    links: Option<&'a str>,
    rules: Vec<JsonRule>,
    files: Vec<JsonFile>,
    /// Texts that many findings share.
    texts: Vec<&'a str>,
    findings: Vec<JsonFinding<'a>>,
    expired: Vec<JsonExpired<'a>>,
    /// How many findings the baseline knows; null if there is none.
    known: Option<usize>,
    /// Null if this report is compared with none.
    compared: Option<JsonCompared<'a>>,
    checklist: Vec<JsonDuty<'a>>,
    failures: Vec<JsonFailure<'a>>,
    bug: Option<String>,
}

#[derive(Serialize)]
struct Tool {
    name: &'static str,
    version: &'static str,
}

#[derive(Serialize)]
struct Counts {
    checked: usize,
    skipped: usize,
    excluded: usize,
    templates: usize,
    python2: usize,
    processors: usize,
    unfollowed: usize,
    fixed: usize,
    /// Null if no rule looks at functions outside of contracts.
    writing: Option<usize>,
    followed: Option<usize>,
    tests: Option<usize>,
}

#[derive(Serialize)]
struct JsonRule {
    id: &'static str,
    name: &'static str,
    summary: &'static str,
    kinds: Vec<(&'static str, &'static str, &'static str)>,
}

/// Where, what happens, and what is known of the values then.
type JsonStep<'a> = (JsonPlace, &'a str, Vec<(&'a str, &'a str)>);

#[derive(Serialize)]
struct JsonFinding<'a> {
    rule: usize,
    kind: &'a str,
    severity: &'static str,
    /// `open`, `ignored` by a comment, or `known` from a baseline.
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    fingerprint: String,
    /// Whether an earlier report has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    trend: Option<&'static str>,
    message: usize,
    help: usize,
    symbol: &'a str,
    /// The class at the root of the family of its class.
    #[serde(skip_serializing_if = "Option::is_none")]
    family: Option<&'a str>,
    place: JsonPlace,
    label: &'a str,
    steps: Vec<JsonStep<'a>>,
    notes: &'a [String],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    exits: Vec<JsonPlace>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<JsonFix<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    flows: Vec<JsonFlow<'a>>,
}

#[derive(Serialize)]
struct JsonFix<'a> {
    message: &'a str,
    safety: &'static str,
    hunks: Vec<(JsonPlace, Vec<String>)>,
}

#[derive(Serialize)]
struct JsonExpired<'a> {
    path: &'a str,
    rule: &'a str,
    symbol: &'a str,
    code: &'a str,
}

#[derive(Serialize)]
struct JsonCompared<'a> {
    file: &'a str,
    /// How many findings are ignored now, or known from a baseline.
    set_aside: usize,
    gone: Vec<JsonGone<'a>>,
}

/// A finding of an earlier report.
#[derive(Serialize)]
struct JsonGone<'a> {
    path: &'a str,
    line: u32,
    rule: String,
    symbol: &'a str,
    message: &'a str,
}

#[derive(Serialize)]
struct JsonDuty<'a> {
    symbol: String,
    family: Option<&'a str>,
    does: String,
    place: JsonPlace,
    /// The other classes that run the same code.
    also: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    inherits: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unknown: Option<&'static str>,
    /// How many exits need a look.
    open: usize,
    exits: Vec<JsonExit<'a>>,
}

#[derive(Serialize)]
struct JsonExit<'a> {
    place: JsonPlace,
    /// The statement; null for the end of the method.
    code: Option<String>,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'static str>,
    words: &'static str,
    set_by: Vec<(JsonPlace, String)>,
    /// Why nothing is reported here although the exit is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    excuse: Option<(&'static str, Option<&'a str>)>,
}

#[derive(Serialize)]
struct JsonFailure<'a> {
    what: String,
    path: String,
    line: Option<u32>,
    reason: &'a str,
}

/// Everything that a page shows of a report.
pub(super) fn of<'a>(report: &Report<'a>) -> Data<'a> {
    let mut maker = Maker {
        report: *report,
        excerpts: Excerpts::default(),
        texts: Vec::new(),
        known: HashMap::new(),
        families: families(report),
        changes: report
            .earlier
            .map(|earlier| (earlier.file.as_str(), earlier.changes(report.settled))),
    };
    let findings = maker.findings();
    let checklist = report.groups();
    let checklist = checklist.iter().map(|group| maker.duty(group)).collect();
    let settled = report.settled;
    let has_baseline = !settled.known.is_empty() || !settled.expired.is_empty();
    let mut told = remarks(report);
    told.extend(nothing::lines(report));
    Data {
        tool: Tool {
            name: env!("CARGO_PKG_NAME"),
            version: env!("CARGO_PKG_VERSION"),
        },
        headline: headline(report),
        remarks: told,
        counts: counts(report),
        root: path::url_path(report.root),
        links: report.links,
        rules: rules(),
        findings,
        expired: settled.expired.iter().map(expired).collect(),
        known: has_baseline.then_some(settled.known.len()),
        compared: maker.changes.as_ref().map(|(file, changes)| JsonCompared {
            file,
            set_aside: changes.set_aside,
            gone: changes.gone.iter().map(|finding| gone(finding)).collect(),
        }),
        checklist,
        failures: report.failures.iter().map(|f| failure(report, f)).collect(),
        bug: report.bug.map(ToString::to_string),
        texts: maker.texts,
        files: maker.excerpts.files(report),
    }
}

fn counts(report: &Report<'_>) -> Counts {
    let (left_out, outside) = (&report.looked.left_out, report.looked.outside);
    Counts {
        checked: report.checked,
        skipped: report.skipped,
        excluded: left_out.excluded,
        templates: left_out.templates,
        python2: left_out.old_python,
        processors: report.processors,
        unfollowed: report.unfollowed,
        fixed: report.fixed,
        writing: outside.map(|outside| outside.writing),
        followed: outside.map(|outside| outside.followed),
        tests: outside.map(|outside| outside.tests),
    }
}

fn rules() -> Vec<JsonRule> {
    let all = rules::all().iter().map(|rule| rule.meta());
    let all = all.map(|meta| JsonRule {
        id: &meta.id,
        name: &meta.name,
        summary: &meta.summary,
        kinds: meta
            .kinds
            .iter()
            .map(|kind| {
                (
                    kind.name.as_str(),
                    kind.severity.name(),
                    kind.message.as_str(),
                )
            })
            .collect(),
    });
    all.collect()
}

/// The class at the root of the family of each method under contract. Classes of several files may have the same name.
type Families<'a> = HashMap<(FileId, String), &'a str>;

fn families<'a>(report: &Report<'a>) -> Families<'a> {
    let duties = report.checklist.iter();
    duties
        .filter_map(|duty| Some(((duty.place.file, duty.symbol()), duty.root.as_deref()?)))
        .collect()
}

fn expired(expired: &Expired) -> JsonExpired<'_> {
    let entry = &expired.entry;
    JsonExpired {
        path: &entry.path,
        rule: &entry.rule,
        symbol: &entry.symbol,
        code: &entry.code,
    }
}

fn gone(finding: &EarlierFinding) -> JsonGone<'_> {
    JsonGone {
        path: &finding.path,
        line: finding.line,
        rule: format!("{}/{}", finding.rule, finding.kind),
        symbol: &finding.symbol,
        message: &finding.message,
    }
}

fn failure<'a>(report: &Report<'a>, failure: &'a FileFailure) -> JsonFailure<'a> {
    JsonFailure {
        what: failure.title().to_owned(),
        path: report.path_of_failure(failure).text(),
        line: failure.location.map(|(line, _)| line),
        reason: &failure.reason,
    }
}

struct Maker<'a> {
    report: Report<'a>,
    excerpts: Excerpts,
    texts: Vec<&'a str>,
    /// The numbers of the texts.
    known: HashMap<&'a str, usize>,
    families: Families<'a>,
    /// The file of an earlier report, and what has changed since.
    changes: Option<(&'a str, Changes<'a>)>,
}

impl<'a> Maker<'a> {
    fn place(&mut self, location: &Location) -> JsonPlace {
        self.excerpts.place(&self.report, location)
    }

    fn text(&mut self, text: &'a str) -> usize {
        *self.known.entry(text).or_insert_with(|| {
            self.texts.push(text);
            self.texts.len() - 1
        })
    }

    fn findings(&mut self) -> Vec<JsonFinding<'a>> {
        let settled = self.report.settled;
        let mut out = Vec::new();
        for reported in &settled.reported {
            out.push(self.finding(reported, ("open", None)));
        }
        if self.report.ignored {
            for suppressed in &settled.suppressed {
                let reason = suppressed.reason.as_deref();
                out.push(self.finding(&suppressed.finding, ("ignored", reason)));
            }
            for known in &settled.known {
                out.push(self.finding(known, ("known", None)));
            }
        }
        out
    }

    fn finding(
        &mut self,
        reported: &'a Reported,
        (status, reason): (&'static str, Option<&'a str>),
    ) -> JsonFinding<'a> {
        let finding: &'a Finding = &reported.finding;
        let all = rules::all().iter();
        let rule = all.take_while(|rule| rule.meta().id != finding.rule);
        let steps = finding.steps.iter();
        let exits = finding.exits.iter();
        let method = (finding.primary.location.file, finding.symbol.clone());
        let fingerprint = reported.identity.fingerprint.to_string();
        let changes = self.changes.as_ref().filter(|_| status == "open");
        let trend = changes.map(|(_, changes)| match changes.is_old(&fingerprint) {
            true => "same",
            false => "new",
        });
        JsonFinding {
            rule: rule.count(),
            kind: finding.kind,
            severity: finding.severity.name(),
            status,
            reason,
            fingerprint,
            trend,
            message: self.text(&finding.message),
            help: self.text(&finding.help),
            symbol: &finding.symbol,
            family: self.families.get(&method).copied(),
            place: self.place(&finding.primary.location),
            label: &finding.primary.message,
            steps: steps
                .map(|step| {
                    let known = step.known.iter();
                    let known = known.map(|known| (known.name.as_str(), known.is.as_str()));
                    let place = self.place(&step.location);
                    (place, step.message.as_str(), known.collect())
                })
                .collect(),
            notes: &finding.notes,
            exits: exits.map(|exit| self.place(exit)).collect(),
            fix: finding.fix.as_ref().map(|fix| self.fix(fix)),
            flows: finding
                .flows
                .iter()
                .map(|flow| flow::of(&self.report, &mut self.excerpts, flow))
                .collect(),
        }
    }

    fn fix(&mut self, fix: &'a Fix) -> JsonFix<'a> {
        let hunks = self.report.hunks(fix).into_iter();
        JsonFix {
            message: &fix.message,
            safety: fix.safety.name(),
            hunks: hunks
                .map(|hunk| (self.place(&hunk.location), hunk.lines))
                .collect(),
        }
    }

    fn duty(&mut self, group: &Group<'a>) -> JsonDuty<'a> {
        let duty = group.duties[0];
        let method = duty.exits.as_ref();
        let exits = method.into_iter().flat_map(|method| &method.exits);
        let exits = exits.zip(&group.excuses);
        let report = self.report;
        JsonDuty {
            symbol: duty.symbol(),
            family: duty.root.as_deref(),
            does: duty.contract.does(|object| format!("`{object}`")),
            place: self.place(&duty.place),
            also: group.duties[1..]
                .iter()
                .filter_map(|duty| duty.class.as_deref())
                .collect(),
            inherits: duty.inherits.as_deref(),
            unknown: method
                .and_then(|method| unfollowed(method.followed))
                .map(|(_, why)| why),
            open: group.open,
            exits: exits
                .map(|(exit, excuse)| JsonExit {
                    place: self.place(&exit.place),
                    code: (!exit.implicit)
                        .then(|| self.excerpts.statements.around(&report, &exit.place)),
                    state: state_name(exit.state),
                    why: reason_name(exit.state),
                    words: state_in_words(exit.state),
                    set_by: exit
                        .set_at
                        .iter()
                        .map(|store| {
                            let code = self.excerpts.statements.around(&report, store);
                            (self.place(store), code)
                        })
                        .collect(),
                    excuse: excuse.filter(|_| is_open(exit)).map(|excuse| match excuse {
                        Excuse::Ignored(reason) => ("comment", reason),
                        Excuse::Known => ("baseline", None),
                    }),
                })
                .collect(),
        }
    }
}
