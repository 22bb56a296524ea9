//! What is shown for a place in the code.

use std::fmt::Write;

use lsp_types::{Hover, HoverContents, MarkupContent, MarkupKind};

use super::exits;
use super::view::View;
use crate::diagnostics::Finding;
use crate::outcome::Duty;
use crate::rules;
use crate::settings::Origin;
use crate::source::{FileId, SourceFile, Span};

/// The findings and contracts at an offset; `None` if there is nothing.
pub(super) fn at(view: &View<'_>, file: &SourceFile, at: u32) -> Option<Hover> {
    let mut parts = Vec::new();
    let mut range: Option<Span> = None;
    let mut rules_told = Vec::new();
    for reported in &view.run.settled.reported {
        let finding = &reported.finding;
        let primary = finding.primary.location;
        if primary.file != file.id || !contains(primary.span, at) {
            continue;
        }
        range = range.or(Some(primary.span));
        parts.push(of_finding(view, finding));
        if !rules_told.contains(&finding.code()) {
            rules_told.push(finding.code());
        }
    }
    for (name, duties) in exits::methods(view, file.id) {
        if contains(name.span, at) {
            range = range.or(Some(name.span));
            parts.extend(duties.iter().map(|duty| of_duty(view, duty, file.id)));
        }
    }
    let pages = rules_told.iter().filter_map(|code| page(code));
    parts.extend(pages);
    let range = view.encoding().range(file, range?);
    Some(Hover {
        contents: HoverContents::Markup(MarkupContent {
            kind: MarkupKind::Markdown,
            value: parts.join("\n\n---\n\n"),
        }),
        range: Some(range),
    })
}

fn contains(span: Span, at: u32) -> bool {
    span.start <= at && at <= span.end
}

fn of_finding(view: &View<'_>, finding: &Finding) -> String {
    let mut out = format!("**{}**: {}\n", finding.severity, finding.message);
    for (number, step) in finding.steps.iter().enumerate() {
        let place = view.place(step.location, finding.primary.location.file);
        let _ = write!(out, "\n{}. {place}: {}", number + 1, step.message);
    }
    for note in &finding.notes {
        let _ = write!(out, "\n\n*note*: {note}");
    }
    if !finding.help.is_empty() {
        let _ = write!(out, "\n\n*help*: {}", finding.help);
    }
    out
}

/// What the page of a rule says.
fn page(code: &str) -> Option<String> {
    let named = rules::named(code).ok()?;
    let meta = named.rule.meta();
    let section = named.kind.map(|kind| meta.section(kind));
    let text = section.unwrap_or_default() + &meta.document();
    Some(match rules::help_uri(named.rule.id()) {
        Some(link) => format!("{text}\n\n[{code}]({link})"),
        None => text,
    })
}

/// What a contract demands of a method, where that comes from, and how its exits are.
fn of_duty(view: &View<'_>, duty: &Duty, file: FileId) -> String {
    let contract = &duty.contract;
    let does = contract.does(|object| format!("`{object}`"));
    let mut out = format!("**contract**: `{}` {does} on every path\n", contract.who);
    if let Some(survey) = view.survey(contract) {
        let origin = match &survey.contract.origin {
            Origin::Builtin => "built in".to_owned(),
            Origin::Declared { file, line } => {
                format!(
                    "declared in `{}`, line {line}",
                    view.run.sources.display(file)
                )
            }
            Origin::Inferred => "inferred from the code".to_owned(),
        };
        let _ = write!(out, "\n*{origin}*");
        for evidence in &survey.evidence {
            let _ = write!(out, "\n- {}", evidence.sentence(&view.run.sources));
        }
    }
    let _ = write!(out, "\n\n{}", exits::table(view, duty, file));
    out
}
