//! The test that found the success, and what its outcome says in words.

use super::{Reporter, SuccessPath};
use crate::engine::witness::{EventKind, PathEvent};
use crate::ir::control::Edge;
use crate::ir::{BlockId, Data, LocalId, Operand, Rvalue, TerminatorKind};
use crate::rules::success_as_proof::facts::flags::{FACT, LIST_MARKED, LISTED, PERFORMED};
use crate::rules::wording::{condition, one_line, shorten};
use crate::source::Span;

/// A test on the path.
#[derive(Clone, Copy)]
pub(super) struct Test {
    /// Its place.
    pub span: Span,
    /// The block that ends with the branch.
    pub block: Option<BlockId>,
    /// Whether the path goes where what it asks is true.
    pub holds: bool,
}

/// A query that a test asked.
#[derive(Clone, Copy)]
pub(super) struct Query {
    /// The call that ran it.
    pub span: Span,
    /// The line of the call, from 1.
    pub line: usize,
    /// Whether the test asked for the status in a row, and not whether there is one.
    pub of_status: bool,
}

/// The label of the fact, and the step of the path at it.
const FACT_LABEL: &str = "taken as proof that work was done";

/// A comparison that was assigned to a local.
struct Assigned {
    span: Span,
    /// Whether the local is its negation.
    negated: bool,
}

impl Reporter<'_> {
    /// The test that found the success.
    pub(super) fn fact(&self, path: &SuccessPath) -> Option<Test> {
        self.deciding_test(&path.edges, &path.events)
            .filter(|_| path.flags & LISTED == 0)
            .or_else(|| self.learning_test(&path.events))
    }

    /// The outcome of a test in words, as the reason for an effect.
    pub(super) fn reason(&self, test: &Test, text: &str) -> String {
        let shown = one_line(test.span.slice(text));
        if let Some(subject) = self.matched(test, text).filter(|s| !shown.contains(s)) {
            let is = if test.holds { "is" } else { "is not" };
            return format!("`{subject}` {is} {}", shorten(&shown));
        }
        if test.holds {
            format!("`{}`", shorten(&shown))
        } else {
            condition(&shown, false)
        }
    }

    /// The call in this function that ran the query of which a test found a successful run.
    pub(super) fn query(&self, path: &SuccessPath, test: &Test) -> Option<Query> {
        let asked = path.queries.get(&(self.func, test.block?))?;
        if asked.site.func != self.func {
            return None;
        }
        let block = self
            .code
            .function
            .body
            .blocks
            .get(asked.site.block as usize)?;
        let span = block.terminator.span;
        let module = self.program.module(self.func.module);
        let before = module.text().get(..span.start as usize)?;
        Some(Query {
            span,
            line: before.matches('\n').count() + 1,
            of_status: asked.of_status,
        })
    }

    /// What the step of a test says.
    pub(super) fn label(&self, test: &Test, text: &str) -> String {
        let shown = one_line(test.span.slice(text));
        if test.holds
            || self
                .matched(test, text)
                .is_some_and(|s| !shown.contains(&s))
        {
            return FACT_LABEL.to_owned();
        }
        format!("{}: {FACT_LABEL}", condition(&shown, false))
    }

    /// What a pattern is matched against.
    fn matched(&self, test: &Test, text: &str) -> Option<String> {
        let body = &self.code.function.body;
        let TerminatorKind::Branch {
            cond: Operand::Local(cond),
            ..
        } = &body.block(test.block?).terminator.kind
        else {
            return None;
        };
        let [(rvalue, _)] = self.code.definitions(*cond) else {
            return None;
        };
        let subject = match rvalue {
            Rvalue::Compare(_, Operand::Local(subject), _)
            | Rvalue::Data(Data::IsVariant {
                object: Operand::Local(subject),
                ..
            }) => *subject,
            _ => return None,
        };
        if let Some(name) = &body.locals[subject.index()].name {
            return Some(name.to_string());
        }
        let [(_, span)] = self.code.definitions(subject) else {
            return None;
        };
        Some(shorten(&one_line(span.slice(text))))
    }

    /// The last test on the path that decides the effect, or what its flag was assigned from.
    fn deciding_test(&self, edges: &[Edge], events: &[PathEvent]) -> Option<Test> {
        type Place = (Option<usize>, BlockId, Span);
        let body = &self.code.function.body;
        let mut last: Option<(Place, Test)> = None;
        for e in edges {
            let t = &body.block(e.from).terminator;
            let TerminatorKind::Branch { cond, then, .. } = &t.kind else {
                continue;
            };
            let at = events
                .iter()
                .rposition(|event| event.func == self.func && event.span == t.span);
            let assigned = match cond {
                Operand::Local(l) => self.assigned_test(*l, 0),
                Operand::Const(_) => None,
            };
            let test = assigned_or(assigned, t.span, Some(e.from), e.to == *then);
            let here = (at, e.from, test.span);
            if last.as_ref().is_none_or(|(known, _)| *known < here) {
                last = Some((here, test));
            }
        }
        last.map(|(_, test)| test)
    }

    /// The test by which the path learnt of the success, or what its flag was assigned from.
    fn learning_test(&self, events: &[PathEvent]) -> Option<Test> {
        let has = |e: &PathEvent, flags: u32| matches!(e.what, EventKind::Milestone(bits) if bits & flags != 0);
        let own: Vec<&PathEvent> = events
            .iter()
            .filter(|e| e.func == self.func && has(e, FACT | PERFORMED))
            .collect();
        let blocks = || (0u32..).zip(&self.code.function.body.blocks);
        let is_loop = |span: Span| {
            blocks().any(|(_, b)| {
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
        let branch = blocks().find(|(_, b)| {
            b.terminator.span == last.span
                && matches!(b.terminator.kind, TerminatorKind::Branch { .. })
        });
        let assigned = branch.and_then(|(_, block)| match &block.terminator.kind {
            TerminatorKind::Branch {
                cond: Operand::Local(l),
                ..
            } => self.assigned_test(*l, 0),
            _ => None,
        });
        let mut decisions = events.iter().rev().filter_map(|e| match e.what {
            EventKind::Decision(_, taken) if e.func == self.func && e.span == last.span => {
                Some(taken)
            }
            _ => None,
        });
        let holds = decisions.next().unwrap_or(true);
        let block = branch.map(|(at, _)| BlockId(at));
        Some(assigned_or(assigned, last.span, block, holds))
    }

    /// The comparison whose result a local is assigned.
    fn assigned_test(&self, local: LocalId, depth: u32) -> Option<Assigned> {
        let defs = self.code.definitions(local);
        let named = self.code.function.body.locals[local.index()].name.is_some();
        let [(rvalue, span)] = defs else { return None };
        match rvalue {
            Rvalue::Compare(..) if named || depth > 0 => Some(Assigned {
                span: *span,
                negated: false,
            }),
            Rvalue::Use(Operand::Local(l)) if depth < 4 => self.assigned_test(*l, depth + 1),
            Rvalue::Not(Operand::Local(l)) if depth < 4 => {
                let inner = self.assigned_test(*l, depth + 1)?;
                Some(Assigned {
                    negated: !inner.negated,
                    ..inner
                })
            }
            _ => None,
        }
    }
}

/// The test whose result was assigned, or the branch itself.
fn assigned_or(
    assigned: Option<Assigned>,
    branch: Span,
    block: Option<BlockId>,
    taken: bool,
) -> Test {
    match assigned {
        Some(Assigned { span, negated }) => Test {
            span,
            block,
            holds: taken != negated,
        },
        None => Test {
            span: branch,
            block,
            holds: taken,
        },
    }
}
