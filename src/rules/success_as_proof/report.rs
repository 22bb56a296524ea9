//! Findings: the words and places for what was found.

use super::repair::compare_count;
use super::sites::{Effect, Place};
use super::watch::{FACT, LIST_MARKED, LISTED, PERFORMED, SOME_RUN, STORED};
use super::{Check, words};
use crate::diagnostics::{Finding, FindingBuilder, Location, Severity};
use crate::engine::witness::{EventKind, PathEvent};
use crate::ir::control::Edge;
use crate::ir::{BlockId, Literal, LocalId, Operand, Rvalue, TerminatorKind};
use crate::rules::{Rule, SuccessAsProof};
use crate::source::Span;

/// The kind that says that nothing is known of a function.
pub(super) const UNVERIFIED: &str = "unverified";

impl Check<'_, '_> {
    /// What is said of a function that the budget did not suffice for. One that at most skips
    /// something, as nearly every function does, says too little to be worth a note.
    pub(super) fn not_followed(&self) -> Option<Finding> {
        let skips = |e: &Effect| matches!(e, Effect::Skips { .. } | Effect::Queues { .. });
        if self.places.iter().all(|place| skips(&place.effect)) {
            return None;
        }
        let file = self
            .library
            .program
            .module(self.func.module)
            .file
            .as_ref()?
            .id;
        let function = self.code.function;
        let span = function.name_span;
        let builder = FindingBuilder::new(SuccessAsProof.meta(), UNVERIFIED)
            .arg("function", function.name.to_string())
            .symbol(function.qualname.to_string());
        Some(builder.at(Location { file, span }, "was not followed to the end"))
    }

    pub(super) fn build(
        &self,
        place: &Place,
        edges: &[Edge],
        events: &[PathEvent],
        flags: u32,
    ) -> Option<Finding> {
        let module = self.library.program.module(self.func.module);
        let file = module.file.as_ref()?.id;
        let text = module.text();
        let at = |span: Span| Location { file, span };
        let fact = self
            .deciding_test(edges, events)
            .filter(|_| flags & LISTED == 0)
            .or_else(|| self.fact_span(events))
            .unwrap_or(place.span);
        let function = self.code.function;
        let shown = |span: Span| one_line(span.slice(text));
        let reason = format!("`{}`", shown(fact));
        let (kind, effect, registry) = match &place.effect {
            Effect::Marks { what, registry } => ("marks-done", format!("`{what}`"), *registry),
            Effect::Answers { .. } => (
                "answers-done",
                format!("`{}` answers that the work is done", function.name),
                false,
            ),
            Effect::Says => (
                "answers-done",
                "this says that there is nothing to do".to_owned(),
                false,
            ),
            Effect::Skips { round: true } => (
                "skips-work",
                "the rest of the round is skipped".to_owned(),
                false,
            ),
            Effect::Skips { round: false } => {
                ("skips-work", "returns before the work".to_owned(), false)
            }
            Effect::Queues { list } => (
                "skips-work",
                format!("a success stays out of `{list}`"),
                false,
            ),
        };
        let mut b = FindingBuilder::new(SuccessAsProof.meta(), kind)
            .symbol(function.qualname.to_string())
            .exit(at(place.span));
        b = match kind {
            "marks-done" => b.arg("effect", effect.clone()).arg("fact", reason),
            "answers-done" => b
                .arg("function", function.name.to_string())
                .arg("fact", reason),
            _ => b.arg("fact", reason),
        };
        let counts = self.idle_counts();
        let file = module.file.as_ref()?;
        let spans: Vec<Span> = counts.iter().map(|(_, span)| *span).collect();
        b = b.fix(compare_count(file, fact, &spans));
        for (name, _) in counts {
            b = b.note(format!(
                "`{name}` is at hand and is never compared on this path"
            ));
        }
        if fact != place.span {
            b = b
                .step(at(fact), "taken for a proof that work was done")
                .step(
                    at(place.span),
                    match &place.effect {
                        Effect::Marks { .. } => format!("{effect} marks the unit as done"),
                        _ => effect,
                    },
                );
        }
        let mut finding = b.at(at(fact), "taken for a proof that work was done");
        if flags & STORED == 0 && !registry || flags & SOME_RUN != 0 {
            finding.severity = Severity::Warning;
        }
        Some(finding)
    }

    /// The last test on the path that decides for the effect, or what its flag was assigned from.
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

    /// Where the path came to know of the success: the test, or what a tested flag was assigned
    /// from.
    fn fact_span(&self, events: &[PathEvent]) -> Option<Span> {
        let own = || {
            events.iter().filter(|e| {
            e.func == self.func
                && matches!(e.what, EventKind::Milestone(bits) if bits & (FACT | PERFORMED) != 0)
        })
        };
        let body = &self.code.function.body;
        let is_loop = |span: Span| {
            body.blocks.iter().any(|b| {
                b.terminator.span == span
                    && matches!(b.terminator.kind, TerminatorKind::ForNext { .. })
            })
        };
        // What a list says was found out where the list was filled.
        let by_list = |e: &PathEvent| matches!(e.what, EventKind::Milestone(bits) if bits & (LISTED | LIST_MARKED) != 0);
        let last = own()
            .rfind(|e| !is_loop(e.span) && !by_list(e))
            .or_else(|| own().rfind(|e| !is_loop(e.span)))
            .or_else(|| own().next_back())?;
        // `done = row.status == "success"` … `if done:`
        let branch = body.blocks.iter().find(|b| {
            b.terminator.span == last.span
                && matches!(b.terminator.kind, TerminatorKind::Branch { .. })
        });
        if let Some(block) = branch
            && let TerminatorKind::Branch {
                cond: Operand::Local(l),
                ..
            } = &block.terminator.kind
            && let Some(span) = self.assigned_test(*l, 0)
        {
            return Some(span);
        }
        Some(last.span)
    }

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

    /// Counts that the function reads, and where.
    fn idle_counts(&self) -> Vec<(String, Span)> {
        let words = &self.options.vocabulary;
        let mut out: Vec<(String, Span)> = Vec::new();
        let mut add = |name: &str, span: Span| {
            if words.is_count(name) && words::parts(name).len() > 1 {
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
        out.truncate(2);
        out
    }
}

fn one_line(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() > 60 {
        let mut cut: String = line.chars().take(57).collect();
        cut.push('…');
        cut
    } else {
        line
    }
}
