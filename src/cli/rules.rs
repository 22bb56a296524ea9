//! `tallylint rules` and `tallylint explain`.

use std::fmt::Write as _;

use serde::Serialize;
use termcolor::Ansi;

use super::args::{ExplainArgs, RulesFormat};
use super::{Failure, terminal};
use crate::diagnostics::RuleMeta;
use crate::rules;

/// Version of the JSON document.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct Document {
    version: u32,
    rules: Vec<JsonRule>,
}

#[derive(Serialize)]
struct JsonRule {
    id: &'static str,
    name: &'static str,
    category: &'static str,
    summary: &'static str,
    default: bool,
    kinds: Vec<JsonKind>,
}

#[derive(Serialize)]
struct JsonKind {
    name: &'static str,
    severity: &'static str,
    message: &'static str,
    help: &'static str,
}

/// Prints the rules.
pub fn list(format: RulesFormat) -> Result<u8, Failure> {
    let metas = rules::all().iter().map(|rule| rule.meta());
    let text = match format {
        RulesFormat::Text => metas.map(entry).collect::<Vec<_>>().join("\n"),
        RulesFormat::Json => {
            let document = Document {
                version: VERSION,
                rules: metas.map(json).collect(),
            };
            serde_json::to_string_pretty(&document)? + "\n"
        }
    };
    terminal::print(text.as_bytes())?;
    Ok(0)
}

/// Prints the page of a rule.
pub fn explain(args: &ExplainArgs) -> Result<u8, Failure> {
    let named = rules::named(&args.rule)
        .map_err(|hint| format!("unknown {} `{}`{hint}", what(&args.rule), args.rule))?;
    let meta = named.rule.meta();
    let kind = named.kind.map(|kind| meta.section(kind));
    let text = kind.unwrap_or_default() + &meta.document();
    if !terminal::colour(args.color, false) {
        terminal::print(text.as_bytes())?;
        return Ok(0);
    }
    let mut out = Ansi::new(Vec::new());
    super::page::write(&text, terminal::screen().width, &mut out)?;
    terminal::print(&out.into_inner())?;
    Ok(0)
}

/// What a name is that nothing has.
fn what(name: &str) -> &'static str {
    match name.contains('/') {
        true => "rule or kind",
        false => "rule",
    }
}

fn entry(meta: &RuleMeta) -> String {
    let mut text = format!(
        "{} ({}, {})\n",
        meta.id,
        meta.category,
        meta.default_in_words()
    );
    let _ = writeln!(text, "    {}", meta.summary);
    let width = meta.kinds.iter().map(|kind| kind.name.len()).max();
    for kind in &meta.kinds {
        let _ = writeln!(
            text,
            "    {:width$}  {}",
            kind.name,
            kind.severity,
            width = width.unwrap_or(0)
        );
    }
    text
}

fn json(meta: &'static RuleMeta) -> JsonRule {
    JsonRule {
        id: &meta.id,
        name: &meta.name,
        category: &meta.category,
        summary: &meta.summary,
        default: meta.default,
        kinds: meta
            .kinds
            .iter()
            .map(|kind| JsonKind {
                name: &kind.name,
                severity: kind.severity.name(),
                message: &kind.message,
                help: &kind.help,
            })
            .collect(),
    }
}
