//! The format for programs. The structs are a public interface: fields can be added; any other
//! change needs a new version number.

use std::io::{self, Write};

use serde::Serialize;

use super::checklist::{Excuse, Excuses, Statements, is_open, reason_name, state_name, unfollowed};
use super::harmless::harmless_json;
use super::{PartOfRun, Report};
use crate::diagnostics::{Fix, Location, Step, Undone};
use crate::outcome::{Duty, DutyOf, ExitState, Expired, LeftOut, MethodExit, Outside, Reported};
use crate::source::SourceMap;

/// The version of the format.
pub const VERSION: u32 = 1;

#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    tool: Tool,
    findings: Vec<JsonFinding<'a>>,
    suppressed: Vec<JsonSuppressed<'a>>,
    baseline: JsonBaseline<'a>,
    /// How many findings were fixed and are no longer there.
    fixed: usize,
    files: Files<'a>,
    processors: usize,
    /// Null if no rule looks at functions outside of contracts.
    outside: Option<JsonOutside>,
    /// What comes closest to a contract.
    candidate: Option<JsonCandidate<'a>>,
    /// Methods and functions that were not followed to the end, so that findings in them may be
    /// missing.
    unfollowed: usize,
    /// Every exit of each method that has to keep a contract.
    checklist: Vec<JsonMethod<'a>>,
    /// Which part of the files was checked, if it was one. The fields above are about that part.
    #[serde(skip_serializing_if = "Option::is_none")]
    shard: Option<JsonShard<'a>>,
}

/// A shard of a run, with what is needed to join all of them.
#[derive(Serialize)]
pub(super) struct JsonShard<'a> {
    index: u32,
    count: u32,
    /// What was asked of the run.
    asked: Option<&'a serde_json::Value>,
    /// What the shard found out. This is no public interface: only the same build can read it.
    data: &'a str,
}

impl<'a> JsonShard<'a> {
    pub(super) fn new(part: PartOfRun<'a>) -> Self {
        Self {
            index: part.shard.index,
            count: part.shard.count,
            asked: part.asked,
            data: part.data,
        }
    }
}

#[derive(Serialize)]
struct Tool {
    name: &'static str,
    version: &'static str,
}

/// Lines and columns start at 1; columns count Unicode scalar values; the end column is the one
/// after the last character.
#[derive(Serialize)]
struct JsonFinding<'a> {
    rule: &'a str,
    kind: &'a str,
    severity: &'static str,
    message: &'a str,
    path: String,
    line: u32,
    column: u32,
    end_line: u32,
    end_column: u32,
    symbol: &'a str,
    exits: Vec<u32>,
    steps: Vec<JsonStep<'a>>,
    notes: &'a [String],
    fingerprint: String,
    help: &'a str,
    fix: Option<JsonFix<'a>>,
    /// Findings with the same cause, which are not reported for themselves.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    consequences: Vec<JsonFinding<'a>>,
}

#[derive(Serialize)]
struct JsonFix<'a> {
    message: &'a str,
    safety: &'static str,
    edits: Vec<JsonEdit<'a>>,
}

/// Replaces the text between two positions.
#[derive(Serialize)]
struct JsonEdit<'a> {
    path: String,
    line: u32,
    column: u32,
    end_line: u32,
    end_column: u32,
    text: &'a str,
}

/// Findings that are in a baseline.
#[derive(Serialize)]
struct JsonBaseline<'a> {
    /// How many findings are not reported because they are in a baseline.
    known: usize,
    /// Entries of baselines whose findings no longer exist.
    expired: Vec<JsonExpired<'a>>,
}

/// The path is relative to the folder of the baseline.
#[derive(Serialize)]
struct JsonExpired<'a> {
    baseline: String,
    path: &'a str,
    rule: &'a str,
    symbol: &'a str,
    code: &'a str,
}

/// A finding that a comment ignores, and the reason in the comment.
#[derive(Serialize)]
struct JsonSuppressed<'a> {
    #[serde(flatten)]
    finding: JsonFinding<'a>,
    reason: Option<&'a str>,
}

#[derive(Serialize)]
struct JsonStep<'a> {
    path: String,
    line: u32,
    column: u32,
    message: &'a str,
}

/// A method as one class runs it.
#[derive(Serialize)]
struct JsonMethod<'a> {
    /// The class; null for a function.
    class: Option<&'a str>,
    method: &'a str,
    /// The places of which one must be set; null if the contract demands something else.
    sets: Option<String>,
    /// What keeps the contract.
    does: String,
    path: String,
    line: u32,
    /// The class from which the method is inherited unchanged; its exits are listed there.
    inherits: Option<&'a str>,
    /// `too-large` or `generator`, if the exits are not known.
    unfollowed: Option<&'static str>,
    exits: Vec<JsonExit>,
}

#[derive(Serialize)]
struct JsonExit {
    path: String,
    /// The line of the exit; for the end of the method, the line of its name.
    line: u32,
    /// Whether it is the end of the method and not a statement.
    end: bool,
    /// `set`, `not-set`, `unverified` or `not-demanded`.
    state: &'static str,
    /// For `not-set`, the kind of the finding; for `not-demanded`, `raises`, `returns-failure` or
    /// `unreached`.
    reason: Option<&'static str>,
    /// Whether the place is set on some path.
    sometimes_set: bool,
    /// `comment` or `baseline`, if that is why a finding here is not reported.
    ignored_by: Option<&'static str>,
    /// The stores that set the place, and the calls that do it.
    set_by: Vec<JsonStore>,
}

#[derive(Serialize)]
struct JsonStore {
    path: String,
    line: u32,
    code: String,
}

#[derive(Serialize)]
struct Files<'a> {
    checked: usize,
    skipped: usize,
    left_out: JsonLeftOut,
    failed: Vec<Failed<'a>>,
}

/// Part of what was skipped, by the reason.
#[derive(Serialize)]
struct JsonLeftOut {
    /// Files and folders that the configuration excludes or does not include.
    excluded: usize,
    templates: usize,
    python2: usize,
}

/// What was looked at outside of contracts.
#[derive(Serialize)]
struct JsonOutside {
    /// Functions with a call named like a write that catch errors, or may test results for them.
    writing: usize,
    /// Those whose paths were followed, because they may lose the failure of a write.
    followed: usize,
    /// Files of tests, which are left out of this.
    tests: usize,
}

/// A method that most of its overrides treat like one under contract.
#[derive(Serialize)]
struct JsonCandidate<'a> {
    hook: &'a str,
    base: &'a str,
    /// How many overrides there are.
    definitions: usize,
    /// How many of them do `what` on every path.
    keeping: usize,
    what: &'a str,
    path: String,
    line: u32,
}

#[derive(Serialize)]
struct Failed<'a> {
    what: &'static str,
    path: &'a str,
    reason: String,
}

/// Writes the document and a line break.
pub fn write<W: Write + ?Sized>(report: &Report<'_>, out: &mut W) -> io::Result<()> {
    let document = Document {
        version: VERSION,
        tool: Tool {
            name: env!("CARGO_PKG_NAME"),
            version: env!("CARGO_PKG_VERSION"),
        },
        findings: report
            .settled
            .reported
            .iter()
            .map(|reported| finding(reported, report.sources))
            .collect(),
        suppressed: report
            .settled
            .suppressed
            .iter()
            .filter(|_| report.ignored)
            .map(|suppressed| JsonSuppressed {
                finding: finding(&suppressed.finding, report.sources),
                reason: suppressed.reason.as_deref(),
            })
            .collect(),
        baseline: baseline(report),
        fixed: report.fixed,
        files: Files {
            checked: report.checked,
            skipped: report.skipped,
            left_out: left_out(&report.looked.left_out),
            failed: report.failures.iter().map(failed).collect(),
        },
        processors: report.processors,
        outside: report.looked.outside.as_ref().map(outside),
        candidate: candidate(report),
        unfollowed: report.unfollowed,
        checklist: checklist(report),
        shard: report.part.map(JsonShard::new),
    };
    let text = serde_json::to_string_pretty(&document)?;
    writeln!(out, "{}", harmless_json(&text))
}

fn left_out(left_out: &LeftOut) -> JsonLeftOut {
    JsonLeftOut {
        excluded: left_out.excluded,
        templates: left_out.templates,
        python2: left_out.old_python,
    }
}

fn outside(outside: &Outside) -> JsonOutside {
    JsonOutside {
        writing: outside.writing,
        followed: outside.followed,
        tests: outside.tests,
    }
}

fn candidate<'a>(report: &Report<'a>) -> Option<JsonCandidate<'a>> {
    let candidate = report.looked.candidate.as_ref()?;
    Some(JsonCandidate {
        hook: &candidate.hook,
        base: &candidate.base,
        definitions: candidate.definitions,
        keeping: candidate.keeping,
        what: &candidate.what,
        path: report.sources.get(candidate.place.file).display.clone(),
        line: line(&candidate.place, report.sources),
    })
}

fn baseline<'a>(report: &Report<'a>) -> JsonBaseline<'a> {
    let expired = report.settled.expired.iter();
    let expired = expired.map(|Expired { baseline, entry }| JsonExpired {
        baseline: report.sources.display(baseline),
        path: &entry.path,
        rule: &entry.rule,
        symbol: &entry.symbol,
        code: &entry.code,
    });
    JsonBaseline {
        known: report.settled.known.len(),
        expired: expired.collect(),
    }
}

fn finding<'a>(reported: &'a Reported, sources: &SourceMap) -> JsonFinding<'a> {
    let finding = &reported.finding;
    let location = finding.primary.location;
    let file = sources.get(location.file);
    let start = file.position(location.span.start);
    let end = file.position(location.span.end);
    let mut exits: Vec<u32> = finding
        .exits
        .iter()
        .map(|exit| line(exit, sources))
        .collect();
    exits.sort_unstable();
    exits.dedup();
    JsonFinding {
        rule: finding.rule,
        kind: finding.kind,
        severity: finding.severity.name(),
        message: &finding.message,
        path: file.display.clone(),
        line: start.line,
        column: start.column,
        end_line: end.line,
        end_column: end.column,
        symbol: &finding.symbol,
        exits,
        steps: finding.steps.iter().map(|at| step(at, sources)).collect(),
        notes: &finding.notes,
        fingerprint: reported.identity.fingerprint.to_string(),
        help: &finding.help,
        fix: finding.fix.as_ref().map(|found| fix(found, sources)),
        consequences: reported
            .consequences
            .iter()
            .map(|consequence| self::finding(consequence, sources))
            .collect(),
    }
}

fn fix<'a>(fix: &'a Fix, sources: &SourceMap) -> JsonFix<'a> {
    let edits = fix.edits.iter().map(|edit| {
        let file = sources.get(edit.location.file);
        let start = file.position(edit.location.span.start);
        let end = file.position(edit.location.span.end);
        JsonEdit {
            path: file.display.clone(),
            line: start.line,
            column: start.column,
            end_line: end.line,
            end_column: end.column,
            text: &edit.text,
        }
    });
    JsonFix {
        message: &fix.message,
        safety: fix.safety.name(),
        edits: edits.collect(),
    }
}

fn checklist<'a>(report: &Report<'a>) -> Vec<JsonMethod<'a>> {
    let mut statements = Statements::default();
    let excuses = Excuses::new(report);
    let duties = report.checklist().into_iter();
    duties
        .map(|duty| {
            let method = duty.exits.as_ref();
            let exits = method.iter().flat_map(|method| &method.exits);
            JsonMethod {
                class: duty.class.as_deref(),
                method: &duty.method,
                sets: places(&duty.contract),
                does: duty.contract.does(str::to_owned),
                path: report.sources.get(duty.place.file).display.clone(),
                line: line(&duty.place, report.sources),
                inherits: duty.inherits.as_deref(),
                unfollowed: method
                    .and_then(|method| unfollowed(method.followed))
                    .map(|(name, _)| name),
                exits: exits
                    .map(|found| exit(report, (duty, found), &excuses, &mut statements))
                    .collect(),
            }
        })
        .collect()
}

fn exit(
    report: &Report<'_>,
    (duty, exit): (&Duty, &MethodExit),
    excuses: &Excuses<'_>,
    statements: &mut Statements,
) -> JsonExit {
    let path = |location: &Location| report.sources.get(location.file).display.clone();
    let stores = exit.set_at.iter().map(|store| JsonStore {
        path: path(store),
        line: line(store, report.sources),
        code: statements.around(report, store),
    });
    let excuse = excuses.of(duty, exit).filter(|_| is_open(exit));
    JsonExit {
        path: path(&exit.place),
        line: line(&exit.place, report.sources),
        end: exit.implicit,
        state: state_name(exit.state),
        reason: reason_name(exit.state),
        sometimes_set: matches!(
            exit.state,
            ExitState::Set
                | ExitState::NotSet {
                    sometimes_set: true,
                    ..
                }
        ),
        ignored_by: excuse.map(|excuse| match excuse {
            Excuse::Ignored(_) => "comment",
            Excuse::Known => "baseline",
        }),
        set_by: stores.collect(),
    }
}

fn places(contract: &DutyOf) -> Option<String> {
    (!contract.sets.is_empty()).then(|| contract.sets.join(" or "))
}

fn line(location: &Location, sources: &SourceMap) -> u32 {
    let file = sources.get(location.file);
    file.line_index().line(location.span.start)
}

fn step<'a>(step: &'a Step, sources: &SourceMap) -> JsonStep<'a> {
    let file = sources.get(step.location.file);
    let at = file.position(step.location.span.start);
    JsonStep {
        path: file.display.clone(),
        line: at.line,
        column: at.column,
        message: &step.message,
    }
}

fn failed(failure: &crate::diagnostics::FileFailure) -> Failed<'_> {
    let reason = match failure.location {
        Some((line, column)) => format!("line {line}, column {column}: {}", failure.reason),
        None => failure.reason.clone(),
    };
    Failed {
        what: match failure.undone {
            Undone::Analysis => "not-analysed",
            Undone::AnalysisByBug => "internal-error",
            Undone::Fix => "not-fixed",
        },
        path: &failure.path,
        reason,
    }
}
