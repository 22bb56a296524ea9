//! The rules and the examples on their pages.

use serde::Serialize;
use tallylint::diagnostics::{Example, RuleMeta};
use tallylint::rules;
use tallylint::source::Language;

#[derive(Serialize)]
struct Catalogue {
    rules: Vec<OfRule>,
}

#[derive(Serialize)]
struct OfRule {
    id: &'static str,
    name: &'static str,
    summary: &'static str,
    examples: Vec<OfExample>,
}

#[derive(Serialize)]
struct OfExample {
    /// The name of a file, which tells the language.
    file: &'static str,
    /// What the page says before it, in Markdown.
    intro: String,
    /// The kinds of the findings, in the order of the lines; none if it shows how to do it.
    kinds: Vec<&'static str>,
    code: &'static str,
}

/// All of them, in JSON.
pub fn catalogue() -> Vec<u8> {
    let rules = rules::all().iter().map(|rule| OfRule::of(rule.meta()));
    let catalogue = Catalogue {
        rules: rules.collect(),
    };
    serde_json::to_vec(&catalogue).expect("it has no map with keys that are no texts")
}

impl OfRule {
    fn of(meta: &'static RuleMeta) -> Self {
        Self {
            id: &meta.id,
            name: &meta.name,
            summary: &meta.summary,
            examples: meta.examples().into_iter().map(OfExample::of).collect(),
        }
    }
}

impl OfExample {
    fn of(example: Example) -> Self {
        Self {
            file: match example.language {
                Language::Python => "example.py",
                Language::Rust => "example.rs",
            },
            intro: example
                .intro
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" "),
            kinds: example.expected.into_iter().map(|(_, kind)| kind).collect(),
            code: example.code,
        }
    }
}
