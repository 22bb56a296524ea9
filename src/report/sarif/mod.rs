//! SARIF 2.1.0, the format of code scanning and of editors.
//!
//! URIs are relative to the root of the report; the location of the root is left out. Findings that
//! comments ignore or baselines contain are suppressed results.

mod log;

use std::io::{self, Write};

use log::{
    ArtifactChange, ArtifactLocation, BaseId, BaseIds, CodeFlow, Configuration, Descriptor, Driver,
    Fingerprints, Fix, FixProperties, Invocation, Location, Log, LogicalLocation, Notification,
    PhysicalLocation, Region, Replacement, ResultProperties, Rule, RuleProperties, Run,
    RunProperties, SarifResult, Suppression, Text, ThreadFlow, ThreadFlowLocation, Tool,
};

use super::Report;
use super::harmless::harmless_json;
use super::json::JsonShard;
use super::path::ReportPath;
use crate::diagnostics::RuleMeta;
use crate::diagnostics::{self, FileFailure, Severity, Undone};
use crate::outcome::Reported;
use crate::rules;

/// The name of the root in the URIs.
const ROOT: &str = "SRCROOT";
/// The id of the notification that something could not be analysed.
const INCOMPLETE: &str = "incomplete-analysis";

/// Writes the log and a line break.
///
/// # Errors
/// When `out` cannot be written.
pub fn write<W: Write + ?Sized>(report: &Report<'_>, out: &mut W) -> io::Result<()> {
    let log = Log {
        schema: log::SCHEMA,
        version: "2.1.0",
        runs: [run(report)],
    };
    let text = serde_json::to_string_pretty(&log)?;
    writeln!(out, "{}", harmless_json(&text))
}

fn run<'a>(report: &Report<'a>) -> Run<'a> {
    let settled = report.settled;
    let mut results: Vec<SarifResult> = Vec::new();
    for reported in &settled.reported {
        results.push(result(report, reported, None));
    }
    if report.ignored {
        for suppressed in &settled.suppressed {
            let justification = suppressed.reason.clone();
            let by_comment = suppression("inSource", justification);
            results.push(result(report, &suppressed.finding, Some(by_comment)));
        }
        for known in &settled.known {
            let by_baseline = suppression("external", Some("known from the baseline".to_owned()));
            results.push(result(report, known, Some(by_baseline)));
        }
    }
    Run {
        tool: Tool {
            driver: Driver {
                name: env!("CARGO_PKG_NAME"),
                semantic_version: env!("CARGO_PKG_VERSION"),
                information_uri: rules::repository(),
                rules: rules::all()
                    .iter()
                    .map(|rule| descriptor(rule.meta()))
                    .collect(),
                notifications: vec![incomplete()],
            },
        },
        invocations: [invocation(report)],
        original_uri_base_ids: BaseIds {
            root: BaseId {
                description: plain("the root of the repository, or else the working directory"),
            },
        },
        column_kind: "unicodeCodePoints",
        results,
        properties: report.part.map(|part| RunProperties {
            shard: JsonShard::new(part),
        }),
    }
}

/// Plain text. Escaped, because `](` would make a link.
fn plain(text: &str) -> Text {
    Text {
        text: text.replace("](", "] ("),
        markdown: None,
    }
}

fn descriptor(meta: &'static RuleMeta) -> Rule {
    let worst = meta.kinds.iter().map(|kind| kind.severity).max();
    let worst = worst.unwrap_or(Severity::Note);
    Rule {
        id: &meta.id,
        name: pascal(&meta.id),
        short_description: plain(&format!("{}.", meta.summary)),
        full_description: plain(&format!("{}: {}.", meta.name, meta.summary)),
        help: Text {
            text: meta.page.replace("](", "] ("),
            markdown: Some(meta.page.to_owned()),
        },
        help_uri: rules::help_uri(&meta.id),
        default_configuration: Configuration {
            enabled: meta.default,
            level: worst.name(),
        },
        properties: Some(RuleProperties {
            tags: vec![meta.category.clone()],
            precision: "high",
            severity: match worst {
                Severity::Error => "error",
                Severity::Warning => "warning",
                Severity::Note => "recommendation",
            },
        }),
    }
}

fn incomplete() -> Rule {
    let text = "A file could not be analysed or not be fixed, so the result is incomplete.";
    Rule {
        id: INCOMPLETE,
        name: pascal(INCOMPLETE),
        short_description: plain(text),
        full_description: plain(text),
        help: plain("Fix the file, or exclude it from the check."),
        help_uri: None,
        default_configuration: Configuration {
            enabled: true,
            level: Severity::Error.name(),
        },
        properties: None,
    }
}

/// `UntrackedReturn` for `untracked-return`.
fn pascal(id: &str) -> String {
    id.split('-')
        .flat_map(|word| {
            let mut chars = word.chars();
            let first = chars.next().map(|c| c.to_ascii_uppercase());
            first.into_iter().chain(chars)
        })
        .collect()
}

fn invocation(report: &Report<'_>) -> Invocation {
    let notification = |text: &str, locations| Notification {
        descriptor: Descriptor {
            id: INCOMPLETE,
            index: 0,
        },
        level: Severity::Error.name(),
        message: plain(text),
        locations,
    };
    let of_file = |failure: &FileFailure| {
        let text = match failure.undone {
            Undone::Analysis => failure.reason.clone(),
            Undone::AnalysisByBug | Undone::Fix => {
                format!("{}: {}", failure.title(), failure.reason)
            }
        };
        let region = failure.location.map(|(line, column)| Region {
            start_line: line,
            start_column: column,
            end_line: None,
            end_column: None,
        });
        let place = Location {
            id: None,
            physical_location: PhysicalLocation {
                artifact_location: artifact(&report.path_of_failure(failure)),
                region,
            },
            logical_locations: Vec::new(),
            message: None,
        };
        notification(&text, vec![place])
    };
    let bug = report.bug.map(|bug| {
        let text = format!("internal error: the analysis panicked: {bug}");
        notification(&text, Vec::new())
    });
    let notifications: Vec<Notification> = report.failures.iter().map(of_file).chain(bug).collect();
    Invocation {
        execution_successful: notifications.is_empty(),
        tool_execution_notifications: notifications,
    }
}

fn artifact(place: &ReportPath) -> ArtifactLocation {
    ArtifactLocation {
        uri: place.uri(),
        uri_base_id: place.is_inside().then_some(ROOT),
    }
}

fn location(report: &Report<'_>, place: &diagnostics::Location) -> Location {
    Location {
        id: None,
        physical_location: PhysicalLocation {
            artifact_location: artifact(&report.path_of(place)),
            region: Some(region(report, place)),
        },
        logical_locations: Vec::new(),
        message: None,
    }
}

fn region(report: &Report<'_>, place: &diagnostics::Location) -> Region {
    let region = report.region(place);
    Region {
        start_line: region.line,
        start_column: region.column,
        end_line: Some(region.end_line),
        end_column: Some(region.end_column),
    }
}

fn suppression(kind: &'static str, justification: Option<String>) -> Suppression {
    Suppression {
        kind,
        status: "accepted",
        justification,
    }
}

fn result(
    report: &Report<'_>,
    reported: &Reported,
    suppression: Option<Suppression>,
) -> SarifResult {
    let finding = &reported.finding;
    let index = rules::all().iter().position(|r| r.id() == finding.rule);
    let mut primary = location(report, &finding.primary.location);
    if !finding.primary.message.is_empty() {
        primary.message = Some(plain(&finding.primary.message));
    }
    if !finding.symbol.is_empty() {
        primary.logical_locations.push(LogicalLocation {
            fully_qualified_name: finding.symbol.clone(),
            kind: "member",
        });
    }
    let exits = finding.exits.iter();
    let others = exits.filter(|exit| **exit != finding.primary.location);
    let related = others.enumerate().map(|(at, exit)| Location {
        id: Some(at + 1),
        message: Some(plain("an exit that the finding concerns")),
        ..location(report, exit)
    });
    SarifResult {
        rule_id: finding.rule,
        rule_index: index.expect("findings are of rules in the registry"),
        level: finding.severity.name(),
        message: message(finding),
        related_locations: related.collect(),
        code_flows: code_flow(report, finding).into_iter().collect(),
        partial_fingerprints: Fingerprints {
            own: reported.identity.fingerprint.to_string(),
        },
        fixes: finding
            .fix
            .iter()
            .map(|fix| self::fix(report, fix))
            .collect(),
        suppressions: suppression.into_iter().collect(),
        properties: ResultProperties { kind: finding.kind },
        locations: [primary],
    }
}

/// The message, notes and help of a finding as sentences.
fn message(finding: &diagnostics::Finding) -> Text {
    let mut text = format!("{}.", finding.message);
    for note in &finding.notes {
        text.push_str(&format!("\nNote: {note}."));
    }
    if !finding.help.is_empty() {
        text.push_str(&format!("\nHelp: {}.", finding.help));
    }
    plain(&text)
}

fn code_flow(report: &Report<'_>, finding: &diagnostics::Finding) -> Option<CodeFlow> {
    let steps = finding.steps.iter().enumerate();
    let locations: Vec<ThreadFlowLocation> = steps
        .map(|(at, step)| ThreadFlowLocation {
            location: Location {
                message: Some(plain(&step.message)),
                ..location(report, &step.location)
            },
            execution_order: at + 1,
        })
        .collect();
    (!locations.is_empty()).then_some(CodeFlow {
        thread_flows: [ThreadFlow { locations }],
    })
}

fn fix(report: &Report<'_>, fix: &diagnostics::Fix) -> Fix {
    let replacement = |edit: &diagnostics::Edit| Replacement {
        deleted_region: region(report, &edit.location),
        // Not `plain`, because it is code.
        inserted_content: Text {
            text: edit.text.clone(),
            markdown: None,
        },
    };
    let files = report.edits_by_file(fix).into_iter();
    let changes = files.map(|edits| ArtifactChange {
        artifact_location: artifact(&report.path_of(&edits[0].location)),
        replacements: edits.into_iter().map(replacement).collect(),
    });
    Fix {
        description: plain(&format!("{} ({})", fix.message, fix.safety.name())),
        artifact_changes: changes.collect(),
        properties: FixProperties {
            safety: fix.safety.name(),
        },
    }
}
