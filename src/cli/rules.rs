//! `tallylint rules` and `tallylint explain`.

use std::fmt::Write;

use serde::Serialize;

use super::args::RulesFormat;
use super::{Failure, terminal};
use crate::config::find_rule;
use crate::rules::{self, RuleMeta};

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
pub fn explain(id: &str) -> Result<u8, Failure> {
    let meta = find_rule(id)?.meta();
    let text = format!(
        "# {}\n\n{}.\n\nRule `{}`, category {}, {}.\n\n{}",
        meta.name,
        meta.summary,
        meta.id,
        meta.category,
        default(meta),
        meta.page
    );
    terminal::print(text.as_bytes())?;
    Ok(0)
}

fn default(meta: &RuleMeta) -> &'static str {
    if meta.default {
        "on by default"
    } else {
        "off by default"
    }
}

fn entry(meta: &RuleMeta) -> String {
    let mut text = format!("{} ({}, {})\n", meta.id, meta.category, default(meta));
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
