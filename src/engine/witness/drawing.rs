//! The control-flow graph of a function with the way of a path through it, for a drawing of it.

use crate::diagnostics::{Flow, FlowBlock, FlowEdge, Leaves, When};
use crate::engine::witness::Route;
use crate::ir::{BasicBlock, BlockId, TerminatorKind};
use crate::program::Program;
use crate::source::{FileId, Span};

/// A drawing with more blocks helps nobody.
const MOST_BLOCKS: usize = 120;

impl Route {
    /// The graph of the function with the way through it. `None` if it is too large to be drawn, or in no file.
    ///
    /// What is not feasible is known only of a function that was simulated as a whole; otherwise, all of it counts as
    /// feasible.
    #[must_use]
    pub fn drawing(&self, program: &Program<'_>) -> Option<Flow> {
        let module = program.module(self.func.module);
        let function = module.ir.function(self.func.func);
        let shown: Vec<BlockId> = function
            .body
            .reach(BlockId::ENTRY, None)
            .into_iter()
            .collect();
        let mut graph = Drawn {
            blocks: Vec::new(),
            edges: Vec::new(),
            path: Vec::new(),
        };
        let number = |block: BlockId| shown.binary_search(&block).ok();
        for &id in &shown {
            let block = function.body.block(id);
            graph.blocks.push(FlowBlock {
                feasible: self.seen.block(id),
                ..drawn(block)
            });
            ways(block, |to, when| {
                if let (Some(from), Some(at)) = (number(id), number(to)) {
                    let feasible = self.seen.edge(id, to);
                    graph.edges.push((from, at, when, feasible));
                }
            });
        }
        let path = self.blocks.iter();
        graph.path = path.filter_map(|block| number(*block)).collect();
        graph.contract();
        let file = module.file.as_ref()?.id;
        (graph.blocks.len() <= MOST_BLOCKS).then(|| graph.finish(&function.qualname, file))
    }
}

/// What a block consists of.
fn drawn(block: &BasicBlock) -> FlowBlock {
    let terminator = &block.terminator;
    let (mut test, mut leaves, mut own) = (None, None, None);
    match &terminator.kind {
        TerminatorKind::Branch { .. } | TerminatorKind::ForNext { .. } => {
            test = Some(terminator.span);
        }
        TerminatorKind::Eval { .. }
        | TerminatorKind::DelItem { .. }
        | TerminatorKind::Yield { .. } => own = Some(terminator.span),
        TerminatorKind::Return { implicit, .. } => {
            leaves = Some(Leaves::Returns);
            own = (!implicit).then_some(terminator.span);
        }
        TerminatorKind::Raise { unwind, .. } => {
            leaves = unwind.is_none().then_some(Leaves::Raises);
            own = Some(terminator.span);
        }
        TerminatorKind::Goto(_) | TerminatorKind::Switch { .. } | TerminatorKind::Unreachable => {}
    }
    let statements = block.statements.iter().map(|statement| statement.span);
    let spans = statements.chain(own).filter(|span| span.start < span.end);
    // The parts of what is tested are told by the test.
    let spans = spans.filter(|span| test.is_none_or(|test| !test.contains(*span)));
    FlowBlock {
        span: spans.reduce(both),
        test,
        leaves,
        feasible: true,
    }
}

fn both(one: Span, other: Span) -> Span {
    Span::new(one.start.min(other.start), one.end.max(other.end))
}

/// Where a block leads, and when.
fn ways(block: &BasicBlock, mut to: impl FnMut(BlockId, When)) {
    let mut raises = None;
    match &block.terminator.kind {
        TerminatorKind::Goto(next) => to(*next, When::Always),
        TerminatorKind::Branch {
            then, otherwise, ..
        } => {
            to(*then, When::True);
            to(*otherwise, When::False);
        }
        TerminatorKind::Switch { cases, .. } => {
            for (_, next) in cases {
                to(*next, When::Always);
            }
        }
        TerminatorKind::Eval { normal, unwind, .. }
        | TerminatorKind::DelItem { normal, unwind, .. }
        | TerminatorKind::Yield { normal, unwind, .. } => {
            to(*normal, When::Always);
            raises = unwind.as_ref();
        }
        TerminatorKind::ForNext {
            body,
            exhausted,
            unwind,
            ..
        } => {
            to(*body, When::Item);
            to(*exhausted, When::Done);
            raises = unwind.as_ref();
        }
        TerminatorKind::Raise { unwind, .. } => raises = unwind.as_ref(),
        TerminatorKind::Return { .. } | TerminatorKind::Unreachable => {}
    }
    if let Some(unwind) = raises {
        to(unwind.target, When::Raises);
    }
}

/// A graph whose blocks are still to be put together.
struct Drawn {
    blocks: Vec<FlowBlock>,
    edges: Vec<(usize, usize, When, bool)>,
    path: Vec<usize>,
}

impl Drawn {
    /// Puts blocks together that always run one after the other.
    fn contract(&mut self) {
        let count = self.blocks.len();
        // The block that each has become part of.
        let mut part_of: Vec<usize> = (0..count).collect();
        let mut before = vec![0_usize; count];
        let mut after: Vec<Vec<usize>> = vec![Vec::new(); count];
        for (at, (from, to, ..)) in self.edges.iter().enumerate() {
            before[*to] += 1;
            after[*from].push(at);
        }
        // The edges that are left: none of them leads to a block that became part of another.
        let mut is_left = vec![true; self.edges.len()];
        for first in 0..count {
            if part_of[first] != first {
                continue;
            }
            while let [only] = after[first][..] {
                let (_, next, when, _) = self.edges[only];
                if when != When::Always || before[next] != 1 || next == 0 || next == first {
                    break;
                }
                let end = self.blocks[next].clone();
                let own = &mut self.blocks[first];
                own.span = own.span.into_iter().chain(end.span).reduce(both);
                (own.test, own.leaves) = (end.test, end.leaves);
                part_of[next] = first;
                is_left[only] = false;
                after[first] = std::mem::take(&mut after[next]);
                for edge in &after[first] {
                    self.edges[*edge].0 = first;
                }
            }
        }
        let whole = |mut at: usize| {
            while part_of[at] != at {
                at = part_of[at];
            }
            at
        };
        let kept: Vec<usize> = (0..count).filter(|at| part_of[*at] == *at).collect();
        let number = |at: usize| kept.partition_point(|known| *known < whole(at));
        let edges = self.edges.iter().zip(&is_left).filter(|(_, left)| **left);
        let edges = edges
            .map(|(&(from, to, when, feasible), _)| (number(from), number(to), when, feasible));
        let mut path: Vec<usize> = self.path.iter().map(|at| number(*at)).collect();
        path.dedup();
        self.edges = edges.collect();
        self.blocks = kept.iter().map(|at| self.blocks[*at].clone()).collect();
        self.path = path;
    }

    fn finish(self, function: &str, file: FileId) -> Flow {
        let small = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let edges = self.edges.into_iter();
        Flow {
            function: function.to_owned(),
            file,
            blocks: self.blocks,
            edges: edges
                .map(|(from, to, when, feasible)| FlowEdge {
                    from: small(from),
                    to: small(to),
                    when,
                    feasible,
                })
                .collect(),
            path: self.path.into_iter().map(small).collect(),
        }
    }
}
