//! What rules out the ways to an exit, in words.

use crate::diagnostics::Location;
use crate::engine::barriers::{Barrier, Since, Ways};
use crate::engine::simulate::Graph;
use crate::engine::values::state::State;
use crate::engine::{Engine, FnContext};
use crate::ir::{BasicBlock, BlockId, Operand, TerminatorKind};
use crate::order::Order as _;
use crate::outcome::{Obstacle, RuledOut};
use crate::rules::wording::{barred, passed};
use crate::source::{FileId, Span};

/// More places explain nothing.
const MOST: usize = 4;

/// What rules out the ways of certain states through one function.
pub(super) struct Obstacles<'g> {
    cx: &'g FnContext,
    file: FileId,
    ways: Ways<'g>,
    /// When these states are where they are.
    meanwhile: &'static str,
}

impl<'g> Obstacles<'g> {
    /// For all states.
    pub(super) fn to_all(cx: &'g FnContext, file: FileId, graph: &'g Graph) -> Self {
        Self {
            cx,
            file,
            ways: Ways::new(cx, graph, |_| true),
            meanwhile: "",
        }
    }

    /// For the states that pass a test, while something is the case.
    pub(super) fn to_some(
        (cx, file, graph): (&'g FnContext, FileId, &'g Graph),
        meanwhile: &'static str,
        asked: impl FnMut(&State) -> bool,
    ) -> Self {
        Self {
            cx,
            file,
            ways: Ways::new(cx, graph, asked),
            meanwhile,
        }
    }

    /// What rules out the ways to one of these blocks that pass no block which `provides`.
    pub(super) fn before(
        &self,
        engine: &mut Engine<'_>,
        ends: &[BlockId],
        provides: &dyn Fn(&BasicBlock) -> bool,
    ) -> RuledOut {
        let mut barriers = self.ways.barriers(engine, ends, provides);
        // A test tells more than something that does not fail.
        barriers.order_by_key(|barrier| !self.is_test(*barrier));
        let mut out = RuledOut::default();
        for barrier in barriers {
            if out.obstacles.len() == MOST {
                out.others += 1;
                continue;
            }
            match self.in_words(engine, barrier) {
                Some(obstacle) if out.obstacles.contains(&obstacle) => {}
                Some(obstacle) => out.obstacles.push(obstacle),
                None => out.others += 1,
            }
        }
        out.obstacles.order_by_key(|obstacle| obstacle.at);
        out
    }

    fn is_test(&self, barrier: Barrier) -> bool {
        match &self.terminator(barrier.block).0 {
            TerminatorKind::Branch { .. } => true,
            TerminatorKind::ForNext {
                body, exhausted, ..
            } => barrier.to == *body || barrier.to == *exhausted,
            _ => false,
        }
    }

    fn terminator(&self, block: BlockId) -> (&TerminatorKind, Span) {
        let terminator = &self.cx.function().body.block(block).terminator;
        (&terminator.kind, terminator.span)
    }

    fn text(&self, span: Span) -> &str {
        span.slice(self.cx.module.text())
    }

    fn in_words(&self, engine: &mut Engine<'_>, barrier: Barrier) -> Option<Obstacle> {
        let at = |span| Location {
            file: self.file,
            span,
        };
        let (kind, span) = self.terminator(barrier.block);
        if span.start >= span.end {
            return None;
        }
        let holds = barred(kind, barrier.to, self.text(span))?;
        let says = match (barrier.always, kind) {
            (false, _) => format!("{}, {holds}", self.meanwhile),
            // A constant has no history.
            (
                true,
                TerminatorKind::Branch {
                    cond: Operand::Local(_),
                    ..
                },
            ) => {
                format!("{holds} whenever this is reached")
            }
            (true, _) => holds,
        };
        let since = self.ways.since(engine, barrier).into_iter();
        let since = since.map(|since| match since {
            Since::Edge(from, to) => {
                let (kind, span) = self.terminator(from);
                let words = passed(kind, to, self.text(span));
                Some((at(span), words.filter(|_| span.start < span.end)?))
            }
            Since::Made(local, span) => {
                let name = self.cx.function().body.locals[local.index()].name.as_ref();
                let name = name.filter(|_| span.start < span.end)?;
                Some((at(span), format!("`{name}` gets its value")))
            }
        });
        Some(Obstacle {
            at: at(span),
            says,
            since: since.collect::<Option<Vec<_>>>().unwrap_or_default(),
        })
    }
}
