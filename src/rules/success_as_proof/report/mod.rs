//! Findings: labels, notes and severity for what was found.

mod repair;

use super::code::FunctionCode;
use super::effects::{Effect, EffectSite};
use super::facts::flags::{FACT, LIST_MARKED, LISTED, PERFORMED, SOME_RUN, STORED};
use super::vocabulary::{Vocabulary, parts};
use crate::diagnostics::{Finding, FindingBuilder, Location, Severity};
use crate::engine::witness::{EventKind, PathEvent};
use crate::ir::control::Edge;
use crate::ir::{BlockId, Literal, LocalId, Operand, Rvalue, TerminatorKind};
use crate::program::{FuncRef, Program};
use crate::rules::wording::{one_line, shorten};
use crate::rules::{Rule, SuccessAsProof};
use crate::source::Span;
use repair::compare_count;

/// The kind of finding that says that a function could not be followed.
pub const UNVERIFIED: &str = "unverified";

/// How many unchecked counts a finding names.
const MAX_COUNTS: usize = 2;

/// The label of the fact, and the step of the path at it.
const FACT_LABEL: &str = "taken as proof that work was done";

/// A path that reaches an effect with a success known and nothing that proves records.
pub struct SuccessPath {
    /// What happens on the path.
    pub events: Vec<PathEvent>,
    /// The edges on which alone the success is known.
    pub edges: Vec<Edge>,
    /// The flags at its end.
    pub flags: u32,
}

/// Makes the findings in one function.
pub struct Reporter<'r> {
    /// The program.
    pub program: &'r Program<'r>,
    /// The function.
    pub func: FuncRef,
    /// Its code.
    pub code: &'r FunctionCode<'r>,
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
        let fact = self.fact(path).unwrap_or(site.span);
        let function = self.code.function;
        let reason = format!("`{}`", shorten(&one_line(fact.slice(module.text()))));
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
        let counts = self.counts_at_hand();
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
            b = b.step(at(fact), FACT_LABEL).step(at(site.span), outcome);
        }
        let mut finding = b.at(at(fact), FACT_LABEL);
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

    /// The test that found the success.
    fn fact(&self, path: &SuccessPath) -> Option<Span> {
        self.deciding_test(&path.edges, &path.events)
            .filter(|_| path.flags & LISTED == 0)
            .or_else(|| self.learning_test(&path.events))
    }

    /// The last test on the path that decides the effect, or what its flag was assigned from.
    fn deciding_test(&self, edges: &[Edge], events: &[PathEvent]) -> Option<Span> {
        let body = &self.code.function.body;
        let mut last = None;
        for e in edges {
            let t = &body.block(e.from).terminator;
            let TerminatorKind::Branch { cond, .. } = &t.kind else {
                continue;
            };
            let at = events
                .iter()
                .rposition(|event| event.func == self.func && event.span == t.span);
            let test = match cond {
                Operand::Local(l) => self.assigned_test(*l, 0),
                Operand::Const(_) => None,
            };
            let here = (at, e.from, test.unwrap_or(t.span));
            if last.is_none_or(|l: (Option<usize>, BlockId, Span)| l < here) {
                last = Some(here);
            }
        }
        last.map(|l| l.2)
    }

    /// The test by which the path learnt of the success, or what its flag was assigned from.
    fn learning_test(&self, events: &[PathEvent]) -> Option<Span> {
        let has = |e: &PathEvent, flags: u32| matches!(e.what, EventKind::Milestone(bits) if bits & flags != 0);
        let own: Vec<&PathEvent> = events
            .iter()
            .filter(|e| e.func == self.func && has(e, FACT | PERFORMED))
            .collect();
        let body = &self.code.function.body;
        let is_loop = |span: Span| {
            body.blocks.iter().any(|b| {
                b.terminator.span == span
                    && matches!(b.terminator.kind, TerminatorKind::ForNext { .. })
            })
        };
        // What a list says about its units was learnt where the list was filled.
        let by_list = |e: &PathEvent| has(e, LISTED | LIST_MARKED);
        let last = own
            .iter()
            .rfind(|e| !is_loop(e.span) && !by_list(e))
            .or_else(|| own.iter().rfind(|e| !is_loop(e.span)))
            .or_else(|| own.last())?;
        // `done = row.status == "success"` … `if done:`
        let branch = body.blocks.iter().find(|b| {
            b.terminator.span == last.span
                && matches!(b.terminator.kind, TerminatorKind::Branch { .. })
        });
        let assigned = branch.and_then(|block| match &block.terminator.kind {
            TerminatorKind::Branch {
                cond: Operand::Local(l),
                ..
            } => self.assigned_test(*l, 0),
            _ => None,
        });
        Some(assigned.unwrap_or(last.span))
    }

    /// The comparison whose result a local is assigned.
    fn assigned_test(&self, local: LocalId, depth: u32) -> Option<Span> {
        let defs = self.code.definitions(local);
        let named = self.code.function.body.locals[local.index()].name.is_some();
        let [(rvalue, span)] = defs else { return None };
        match rvalue {
            Rvalue::Compare(..) if named || depth > 0 => Some(*span),
            Rvalue::Use(Operand::Local(l)) | Rvalue::Not(Operand::Local(l)) if depth < 4 => {
                self.assigned_test(*l, depth + 1)
            }
            _ => None,
        }
    }

    /// The first counts of records that the function reads, and where.
    fn counts_at_hand(&self) -> Vec<(String, Span)> {
        let mut out: Vec<(String, Span)> = Vec::new();
        let mut add = |name: &str, span: Span| {
            if self.words.is_count(name) && parts(name).len() > 1 {
                let name = name.to_owned();
                if !out.iter().any(|(known, _)| *known == name) {
                    out.push((name, span));
                }
            }
        };
        for l in 0..self.code.function.body.locals.len() {
            let local = LocalId(u32::try_from(l).expect("fewer than 2^32 locals"));
            for (r, span) in self.code.definitions(local) {
                match r {
                    Rvalue::GetField(_, n) => add(n, *span),
                    Rvalue::GetItem(_, Operand::Const(Literal::Str(n))) => add(n, *span),
                    Rvalue::Call { args, .. } => {
                        if let Some(Operand::Const(Literal::Str(n))) =
                            args.first().map(|a| &a.value)
                        {
                            add(n, *span);
                        }
                    }
                    _ => {}
                }
            }
        }
        out.truncate(MAX_COUNTS);
        out
    }
}
