//! Findings as diagnostics.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;

use lsp_types::{
    CodeDescription, Diagnostic, DiagnosticRelatedInformation, DiagnosticSeverity, DiagnosticTag,
    NumberOrString, Position, Range,
};

use super::client::SECTION;
use super::view::{Unknown, View};
use crate::config::ConfigError;
use crate::diagnostics::{FileFailure, Finding, Severity};
use crate::rules;

/// What is in one file: its path as it was found, and its diagnostics.
#[derive(Clone, Default, PartialEq, Debug)]
pub(super) struct OfFile {
    pub path: PathBuf,
    pub diagnostics: Vec<Diagnostic>,
}

/// The diagnostics of all files that have some, by real paths.
pub(super) fn of_run(view: &View<'_>) -> BTreeMap<PathBuf, OfFile> {
    let mut out: BTreeMap<PathBuf, OfFile> = BTreeMap::new();
    let sources = &view.run.sources;
    let mut add = |real: PathBuf, path: PathBuf, diagnostic| {
        let of_file = out.entry(real).or_default();
        of_file.path = path;
        of_file.diagnostics.push(diagnostic);
    };
    for reported in &view.run.settled.reported {
        let finding = &reported.finding;
        let file = sources.get(finding.primary.location.file);
        let path = sources.cwd().join(&file.path);
        add(file.real_path.clone(), path, of_finding(finding, view));
    }
    for failure in &view.run.failures {
        // Only files that could be read have a number.
        let mut files = view.files.iter().map(|(real, id)| (real, sources.get(*id)));
        let known = files.find(|(_, file)| file.display == failure.path);
        let path = sources.cwd().join(&failure.path);
        let real = match &known {
            Some((real, _)) => (*real).clone(),
            None => std::fs::canonicalize(&path).unwrap_or_else(|_| path.clone()),
        };
        let start = known.and_then(|(_, file)| {
            let (line, column) = failure.location?;
            let lines = file.line_index();
            let before = lines.line_range(&file.text, line)?;
            let inside = file.text.get(before.clone())?.char_indices();
            let at = inside.map(|(at, _)| at).nth(column as usize - 1);
            let at = at.map_or(before.end, |at| before.start + at);
            let at = u32::try_from(at).ok()?;
            Some(view.encoding().position(&file.text, lines, at))
        });
        add(real, path, of_failure(failure, start));
    }
    out
}

/// The diagnostic of a finding.
pub(super) fn of_finding(finding: &Finding, view: &View<'_>) -> Diagnostic {
    let file = view.run.sources.get(finding.primary.location.file);
    let range = view.encoding().range(&file, finding.primary.location.span);
    let related = |location, message: &str| {
        Some(DiagnosticRelatedInformation {
            location: view.location(location)?,
            message: message.to_owned(),
        })
    };
    let steps = finding.steps.iter();
    let steps = steps.filter_map(|step| related(step.location, &step.message));
    let primary = finding.primary.location;
    let notes = finding.notes.iter();
    let notes = notes.filter_map(|note| related(primary, &format!("note: {note}")));
    let help = (!finding.help.is_empty()).then(|| format!("help: {}", finding.help));
    let help = help.and_then(|help| related(primary, &help));
    let unused = finding.rule == rules::about_comments().id() && finding.kind == "unused";
    Diagnostic {
        range,
        severity: Some(severity(finding.severity)),
        code: Some(NumberOrString::String(finding.code())),
        code_description: rules::help_uri(finding.rule)
            .and_then(|href| href.parse().ok())
            .map(|href| CodeDescription { href }),
        source: Some(SECTION.to_owned()),
        message: finding.message.clone(),
        related_information: Some(steps.chain(notes).chain(help).collect()),
        tags: unused.then(|| vec![DiagnosticTag::UNNECESSARY]),
        data: None,
    }
}

fn severity(severity: Severity) -> DiagnosticSeverity {
    match severity {
        Severity::Error => DiagnosticSeverity::ERROR,
        Severity::Warning => DiagnosticSeverity::WARNING,
        Severity::Note => DiagnosticSeverity::INFORMATION,
    }
}

fn of_failure(failure: &FileFailure, start: Option<Position>) -> Diagnostic {
    let start = start.unwrap_or_default();
    plain(
        start,
        failure.title().replace(' ', "-"),
        format!("{}: {}", failure.title(), failure.reason),
    )
}

/// What an invalid configuration leaves: nothing but the diagnostic of its file, if it is in one.
pub(super) fn of_config_error(error: &ConfigError) -> Unknown {
    let Some((path, at)) = error.place.clone() else {
        return Unknown {
            place: None,
            message: error.message.clone(),
        };
    };
    let (line, column) = at.unwrap_or((1, 1));
    // Files of configurations have few characters of which an encoding makes more than one column.
    let start = Position::new(line.saturating_sub(1), column.saturating_sub(1));
    let diagnostic = plain(start, "configuration".to_owned(), error.message.clone());
    Unknown {
        message: format!("{}: {}", path.display(), error.message),
        place: Some(OfFile {
            path,
            diagnostics: vec![diagnostic],
        }),
    }
}

fn plain(start: Position, code: String, message: String) -> Diagnostic {
    Diagnostic {
        range: Range::new(start, start),
        severity: Some(DiagnosticSeverity::ERROR),
        code: Some(NumberOrString::String(code)),
        source: Some(SECTION.to_owned()),
        message,
        ..Diagnostic::default()
    }
}

/// A name of diagnostics: others have another one.
pub(super) fn result_id(diagnostics: &[Diagnostic]) -> String {
    let mut hasher = DefaultHasher::new();
    let text = serde_json::to_string(diagnostics).unwrap_or_default();
    text.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}
