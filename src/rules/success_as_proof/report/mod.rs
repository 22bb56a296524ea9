//! Findings: labels, notes and severity for what was found.

mod counts;
mod fact;
mod repair;

use std::rc::Rc;

use super::code::FunctionCode;
use super::effects::{Effect, EffectSite};
use super::facts::Queried;
use super::facts::flags::{SOME_RUN, STORED};
use super::vocabulary::Vocabulary;
use crate::diagnostics::{Finding, FindingBuilder, Location, Severity};
use crate::engine::witness::Path;
use crate::ir::control::{ControlDependence, Edge};
use crate::program::{FuncRef, Program};
use crate::rules::contract_method::add_ways;
use crate::rules::{Rule, SuccessAsProof};
use crate::source::Span;
use fact::Test;
use repair::compare_count;

/// The kind of finding that says that a function could not be followed.
pub const UNVERIFIED: &str = "unverified";

/// The step of the path at the query that finds successful runs.
const QUERY_LABEL: &str = "asks for successful runs only";

/// The same where the query lets several statuses through.
const STATUS_LABEL: &str = "asks for runs with certain statuses only";

/// A path that reaches an effect with a success known and nothing that proves records.
pub struct SuccessPath {
    /// What happens on the path.
    pub events: Path,
    /// The edges on which alone the success is known.
    pub edges: Vec<Edge>,
    /// The flags at its end.
    pub flags: u32,
    /// The calls that ran the queries of which a test found a row.
    pub queries: Rc<Queried>,
}

/// Makes the findings in one function.
pub struct Reporter<'r> {
    /// The program.
    pub program: &'r Program<'r>,
    /// The function.
    pub func: FuncRef,
    /// Its code.
    pub code: &'r FunctionCode<'r>,
    /// What decides whether a block runs.
    pub control: &'r ControlDependence,
    /// What names mean.
    pub words: &'r Vocabulary,
}

/// An effect in words.
struct Wording {
    kind: &'static str,
    effect: String,
    /// Whether the effect is a mark in a checkpoint, a registry or a history.
    registry: bool,
}

impl Reporter<'_> {
    /// The finding about a function that exceeded the budget. Nearly every function skips
    /// something, so one that does no more is not worth a note.
    pub fn not_followed(&self, sites: &[EffectSite]) -> Option<Finding> {
        if sites.iter().all(|site| site.effect.only_skips()) {
            return None;
        }
        let file = self.program.module(self.func.module).file.as_ref()?.id;
        let function = self.code.function;
        let span = function.name_span;
        let builder = FindingBuilder::new(SuccessAsProof.meta(), UNVERIFIED)
            .arg("function", function.name.to_string())
            .symbol(function.qualname.to_string());
        Some(builder.at(Location { file, span }, "not every path was followed"))
    }

    /// The finding about an effect.
    pub fn finding(&self, site: &EffectSite, path: &SuccessPath) -> Option<Finding> {
        let module = self.program.module(self.func.module);
        let file = module.file.as_ref()?;
        let at = |span: Span| Location {
            file: file.id,
            span,
        };
        let test = self.fact(path).unwrap_or(Test {
            span: site.span,
            block: None,
            holds: true,
        });
        let fact = test.span;
        let function = self.code.function;
        let label = self.label(&test, module.text());
        let query = self.query(path, &test);
        let reason = match query {
            Some(query) if !query.of_status => {
                format!("the query on line {} found a successful run", query.line)
            }
            _ => self.reason(&test, module.text()),
        };
        let Wording {
            kind,
            effect,
            registry,
        } = self.wording(&site.effect);
        let mut b = FindingBuilder::new(SuccessAsProof.meta(), kind)
            .symbol(function.qualname.to_string())
            .exit(at(site.span))
            .arg("fact", reason);
        b = match site.effect {
            Effect::Marks { .. } => b.arg("effect", effect.clone()),
            Effect::Answers { .. } | Effect::Says => b.arg("function", function.name.to_string()),
            Effect::Skips { .. } | Effect::Queues { .. } => b,
        };
        let counts = self.counts_at_hand(site, &path.edges);
        let spans: Vec<Span> = counts.iter().map(|(_, span)| *span).collect();
        b = b.fix(compare_count(file, fact, &spans));
        for (name, _) in counts {
            b = b.note(format!(
                "`{name}` is available here, but is not checked on this path"
            ));
        }
        if fact != site.span {
            let outcome = match site.effect {
                Effect::Marks { .. } => format!("{effect} marks the unit as done"),
                _ => effect,
            };
            if let Some(query) = query {
                let label = if query.of_status {
                    STATUS_LABEL
                } else {
                    QUERY_LABEL
                };
                b = b.step(at(query.span), label);
            }
            b = b.step(at(fact), label.clone()).step(at(site.span), outcome);
        }
        b = add_ways(self.program, b, &path.events);
        let mut finding = b.at(at(fact), label);
        let stored = path.flags & STORED != 0 || registry;
        if !stored || path.flags & SOME_RUN != 0 {
            finding.severity = Severity::Warning;
        }
        Some(finding)
    }

    fn wording(&self, effect: &Effect) -> Wording {
        let (kind, effect, registry) = match effect {
            Effect::Marks { what, registry, .. } => ("marks-done", what.clone(), *registry),
            Effect::Answers { .. } => {
                let name = &self.code.function.name;
                let text = format!("`{name}` reports the work as done");
                ("answers-done", text, false)
            }
            Effect::Says => {
                let text = "this says that there is nothing to do";
                ("answers-done", text.to_owned(), false)
            }
            Effect::Skips { round: true } => {
                let text = "the rest of the iteration is skipped";
                ("skips-work", text.to_owned(), false)
            }
            Effect::Skips { round: false } => {
                ("skips-work", "returns before the work".to_owned(), false)
            }
            Effect::Queues { list } => {
                let text = format!("a successful unit is left out of {list}");
                ("skips-work", text, false)
            }
        };
        Wording {
            kind,
            effect,
            registry,
        }
    }
}
