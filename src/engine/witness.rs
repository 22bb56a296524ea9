//! Witnesses: one concrete path to an exit, found by a search without merging.
//!
//! The fixpoint merges states, so an exit that it reaches may be reached by no single path. The
//! search follows single paths, the ones with the fewest decisions first; an exit that none
//! reaches is not reported.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::rc::Rc;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::engine::budget::WITNESS_STEPS;
use crate::engine::eval::Via;
use crate::engine::simulate::{Edge, ExitKind, Graph, Target};
use crate::engine::state::State;
use crate::engine::value::Value;
use crate::engine::{Engine, FnContext, Presence};
use crate::ir::body::BranchRole;
use crate::ir::{BlockId, TerminatorKind};
use crate::program::FuncRef;
use crate::source::Span;

/// Unmerged states followed per block.
const BEAM: usize = 96;

/// Helpers nested in one path.
const MAX_DETAIL: usize = 3;

/// Something that happens on a path, in execution order.
#[derive(Clone, Debug)]
pub struct PathEvent {
    /// The function it happens in.
    pub func: FuncRef,
    /// Where.
    pub span: Span,
    /// What.
    pub what: EventKind,
    /// Whether the exit could not be reached the other way.
    pub matters: bool,
}

/// What happens on a path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EventKind {
    /// A test has this outcome.
    Decision(BranchRole, bool),
    /// A loop over a collection goes round (again), or ends.
    Loop(bool),
    /// Something raises.
    Raised,
    /// An exception is caught.
    Caught,
    /// A context manager swallows an exception.
    Swallowed,
    /// A helper is entered; what follows up to `Left` happens in it.
    Entered(FuncRef),
    /// The helper returns.
    Left,
}

/// The result of a search.
pub enum Witness {
    /// One path, and the state in which it ends.
    Found(Vec<PathEvent>, Box<State>),
    /// There is none.
    Infeasible,
    /// The budget did not suffice.
    Unknown,
}

/// An exit that a search looks for.
pub struct Goal<'g> {
    /// How the function is left.
    pub kind: ExitKind,
    /// From which block, if that is fixed.
    pub block: Option<BlockId>,
    /// What must hold there: the flags, and whether the watched key is there.
    pub accept: &'g dyn Fn(&mut Engine<'_>, &State, Value) -> bool,
}

struct Trail {
    block: BlockId,
    state: Rc<State>,
    parent: usize,
    edge: Edge,
}

impl Engine<'_> {
    /// Searches for a path from `start` to the goal.
    pub fn witness(
        &mut self,
        cx: &Rc<FnContext>,
        start: BlockId,
        entry: &State,
        goal: &Goal<'_>,
        graph: Option<&Graph>,
    ) -> Witness {
        self.witness_at(cx, start, entry, goal, graph, 0)
    }

    fn witness_at(
        &mut self,
        cx: &Rc<FnContext>,
        start: BlockId,
        entry: &State,
        goal: &Goal<'_>,
        graph: Option<&Graph>,
        depth: usize,
    ) -> Witness {
        let useful = reaching(cx, goal);
        let mut trails: Vec<Trail> = Vec::new();
        let mut seen: FxHashSet<(BlockId, Rc<State>)> = FxHashSet::default();
        let mut width: FxHashMap<BlockId, usize> = FxHashMap::default();
        let mut heap: BinaryHeap<Reverse<(u32, usize)>> = BinaryHeap::new();
        let mut cut = false;
        let mut steps = WITNESS_STEPS;
        let root = Rc::new(entry.clone());
        trails.push(Trail {
            block: start,
            state: root,
            parent: usize::MAX,
            edge: Edge::Flow,
        });
        heap.push(Reverse((0, 0)));
        while let Some(Reverse((cost, id))) = heap.pop() {
            if steps == 0 {
                cut = true;
                break;
            }
            steps -= 1;
            let (block, state) = (trails[id].block, trails[id].state.clone());
            for s in self.step(cx, block, &state) {
                match s.target {
                    Target::Exit(kind, value) => {
                        let here = goal.block.is_none_or(|b| b == block);
                        if kind == goal.kind && here && (goal.accept)(self, &s.state, value) {
                            let events = self.events(cx, &trails, id, graph, goal, depth, &s.edge);
                            return Witness::Found(events, Box::new(s.state));
                        }
                    }
                    Target::Block(b) => {
                        if !useful.contains(&b) {
                            continue;
                        }
                        let mut st = s.state;
                        self.settle(cx, b, &mut st);
                        let st = Rc::new(st);
                        if !seen.insert((b, st.clone())) {
                            continue;
                        }
                        let w = width.entry(b).or_default();
                        *w += 1;
                        if *w > BEAM {
                            cut = true;
                            continue;
                        }
                        let price = match s.edge {
                            Edge::Flow | Edge::Called(_) => 0,
                            Edge::Decision(_) | Edge::Raised | Edge::CallRaised(_) => 2,
                            Edge::Loop(false) => 1,
                            Edge::Loop(true) => 3,
                        };
                        trails.push(Trail {
                            block: b,
                            state: st,
                            parent: id,
                            edge: s.edge,
                        });
                        heap.push(Reverse((cost + price, trails.len() - 1)));
                    }
                }
            }
        }
        if cut {
            Witness::Unknown
        } else {
            Witness::Infeasible
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn events(
        &mut self,
        cx: &Rc<FnContext>,
        trails: &[Trail],
        last: usize,
        graph: Option<&Graph>,
        goal: &Goal<'_>,
        depth: usize,
        final_edge: &Edge,
    ) -> Vec<PathEvent> {
        let mut path: Vec<usize> = Vec::new();
        let mut at = last;
        while at != usize::MAX {
            path.push(at);
            at = trails[at].parent;
        }
        path.reverse();
        let leads = graph.map(|g| self.leading_blocks(g, goal));
        let function = cx.module.ir.function(cx.func.func);
        let mut out = Vec::new();
        let hops = path.windows(2).map(|w| {
            (
                trails[w[0]].block,
                Some(trails[w[1]].block),
                &trails[w[1]].edge,
            )
        });
        let tail = std::iter::once((trails[last].block, None, final_edge));
        for (block, to, edge) in hops.chain(tail) {
            let t = &function.body.block(block).terminator;
            let span = t.span;
            let matters = |other: BlockId| leads.as_ref().is_none_or(|l| !l.contains(&other));
            let mut push = |what: EventKind, matters: bool| {
                if span.end > span.start {
                    out.push(PathEvent {
                        func: cx.func,
                        span,
                        what,
                        matters,
                    });
                }
            };
            match (&t.kind, edge) {
                (
                    TerminatorKind::Branch {
                        then,
                        otherwise,
                        role,
                        ..
                    },
                    edge,
                ) => {
                    let taken = match edge {
                        Edge::Decision(taken) => *taken,
                        _ => to == Some(*then),
                    };
                    let open = matches!(edge, Edge::Decision(_));
                    let other = if taken { *otherwise } else { *then };
                    match role {
                        BranchRole::Handler if taken => push(EventKind::Caught, true),
                        BranchRole::Swallow if taken => push(EventKind::Swallowed, true),
                        BranchRole::Handler | BranchRole::Swallow => {}
                        role if open => push(EventKind::Decision(*role, taken), matters(other)),
                        _ => {}
                    }
                }
                (
                    TerminatorKind::ForNext {
                        body, exhausted, ..
                    },
                    Edge::Loop(again),
                ) => {
                    let other = if *again { *exhausted } else { *body };
                    push(EventKind::Loop(*again), matters(other));
                }
                (_, Edge::Raised) => push(EventKind::Raised, true),
                (_, Edge::CallRaised(_)) => push(EventKind::Raised, true),
                (_, Edge::Called(via)) if depth < MAX_DETAIL => {
                    let callee = via.summary.key.func;
                    let inner = self.inside(via, depth);
                    let matters = inner.is_some();
                    let left = self.exit_span(via, matters);
                    out.push(PathEvent {
                        func: cx.func,
                        span,
                        what: EventKind::Entered(callee),
                        matters,
                    });
                    out.extend(inner.unwrap_or_default());
                    out.push(PathEvent {
                        func: callee,
                        span: left,
                        what: EventKind::Left,
                        matters,
                    });
                }
                _ => {}
            }
        }
        out
    }

    /// Where a helper is left: its `return` statement; its name when it falls off the end, or when
    /// it does not matter by which exit.
    fn exit_span(&mut self, via: &Via, matters: bool) -> Span {
        let cx = self.context(via.summary.key.func);
        let function = cx.function();
        let t = &function
            .body
            .block(via.summary.exits[via.exit].block)
            .terminator;
        match t.kind {
            TerminatorKind::Return {
                implicit: false, ..
            } if matters => t.span,
            _ => function.name_span,
        }
    }

    /// The path inside a helper, when the helper can also be left in a way that matters.
    fn inside(&mut self, via: &Via, depth: usize) -> Option<Vec<PathEvent>> {
        let summary = via.summary.clone();
        let exit = &summary.exits[via.exit];
        let outcome = |engine: &mut Self, state: &State, value: Value| {
            (
                engine.presence(state),
                state.flags,
                engine.truth(state, value),
            )
        };
        let mine = outcome(self, &exit.state, exit.value);
        if mine.0 == Presence::Present {
            return None;
        }
        let mut differs = false;
        for e in &summary.exits {
            if e.kind == ExitKind::Return {
                let (presence, ..) = outcome(self, &e.state, e.value);
                differs |= presence != mine.0;
            }
        }
        if !differs || exit.kind != ExitKind::Return {
            return None;
        }
        let cx = self.context(summary.key.func);
        let accept = move |engine: &mut Engine<'_>, state: &State, value: Value| {
            (
                engine.presence(state),
                state.flags,
                engine.truth(state, value),
            ) == mine
        };
        let goal = Goal {
            kind: ExitKind::Return,
            block: Some(exit.block),
            accept: &accept,
        };
        let outer = std::mem::replace(&mut self.outer, summary.key.live.clone());
        self.stack.push(summary.key.clone());
        let graph = self.simulate(&cx, summary.key.start, (*summary.key.entry).clone());
        let found = self.witness_at(
            &cx,
            summary.key.start,
            &summary.key.entry,
            &goal,
            Some(&graph),
            depth + 1,
        );
        self.stack.pop();
        self.outer = outer;
        match found {
            Witness::Found(mut events, _) => {
                events.retain(|e| e.matters);
                Some(events)
            }
            _ => None,
        }
    }

    /// The blocks from which, as far as the fixpoint can tell, the goal is reached.
    fn leading_blocks(&mut self, graph: &Graph, goal: &Goal<'_>) -> FxHashSet<BlockId> {
        let mut work: Vec<usize> = Vec::new();
        for e in &graph.exits {
            if e.kind == goal.kind
                && goal.block.is_none_or(|b| b == e.block)
                && (goal.accept)(self, &e.state, e.value)
            {
                work.push(e.node);
            }
        }
        let mut nodes: FxHashSet<usize> = FxHashSet::default();
        let mut blocks: FxHashSet<BlockId> = FxHashSet::default();
        while let Some(n) = work.pop() {
            if nodes.insert(n) {
                blocks.insert(graph.nodes[n].block);
                work.extend(graph.nodes[n].parents.iter().copied());
            }
        }
        blocks
    }
}

/// The blocks from which the goal's block can be reached at all.
fn reaching(cx: &FnContext, goal: &Goal<'_>) -> FxHashSet<BlockId> {
    let body = &cx.function().body;
    let n = body.blocks.len();
    let mut back: Vec<Vec<usize>> = vec![Vec::new(); n];
    let mut ends = Vec::new();
    for (i, b) in body.blocks.iter().enumerate() {
        b.terminator
            .kind
            .for_each_successor(|s| back[s.index()].push(i));
        let is_end = match goal.block {
            Some(g) => g.index() == i,
            None => true,
        };
        if is_end {
            ends.push(i);
        }
    }
    let mut out = FxHashSet::default();
    while let Some(b) = ends.pop() {
        if out.insert(BlockId(u32::try_from(b).expect("fewer than 2^32 blocks"))) {
            ends.extend(back[b].iter().copied());
        }
    }
    out
}
