//! Witnesses: a concrete path to an exit, found by a search without merging.
//!
//! The fixpoint merges states, so it may reach an exit that no single path reaches. The search
//! follows single paths, those with the fewest decisions first. An exit that none of them reaches
//! is not reported.

mod drawing;
mod events;
mod known;
mod remaining;
mod route;
mod unfold;

use std::cell::OnceCell;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::rc::Rc;
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::diagnostics::Known;
use crate::engine::flow::{Edge, ExitKind};
use crate::engine::loops::rounds::Wanted;
use crate::engine::simulate::Graph;
use crate::engine::values::state::State;
use crate::engine::values::value::Value;
use crate::engine::witness::events::Insides;
use crate::engine::witness::remaining::{Outlook, Remaining};
use crate::engine::witness::route::Seen;
pub use crate::engine::witness::route::{Path, Route};
use crate::engine::witness::unfold::{To, Unfolding};
use crate::engine::{Engine, FnContext};
use crate::ir::BlockId;
use crate::ir::body::BranchRole;
use crate::program::FuncRef;
use crate::source::Span;

/// The least number of unmerged states that are followed per block.
const BEAM: u64 = 96;

/// For an automaton that watches a place, the beam grows with the budget: by one state per block
/// for this many steps.
const STEPS_PER_STATE: u64 = 40;

/// The costs of a decision or an exception, of the end of a loop, and of each of its iterations.
/// The cheapest path is shown.
const DECISION: u32 = 2;
const LAST_ROUND: u32 = 1;
const ROUND: u32 = 3;

/// The number of points that are kept for the next search.
const MOST_POINTS: usize = 50_000;

/// An event on a path.
#[derive(Clone, Debug)]
pub struct PathEvent {
    /// The function in which it happens.
    pub func: FuncRef,
    /// The place in the source.
    pub span: Span,
    /// What happens.
    pub what: EventKind,
    /// Whether the exit would be out of reach if this came out differently.
    pub matters: bool,
    /// What is known of the values in the function then.
    pub known: Arc<[Known]>,
}

/// What happens on a path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EventKind {
    /// A test has this outcome.
    Decision(BranchRole, bool),
    /// A loop over a collection runs an iteration, or ends.
    Loop(Round),
    /// Something raises.
    Raised,
    /// An exception is caught.
    Caught,
    /// A context manager swallows an exception.
    Swallowed,
    /// The watched key was set and is lost.
    Lost,
    /// A helper is entered; everything up to `Left` happens inside it.
    Entered(FuncRef),
    /// A call returns a failure.
    Failed,
    /// The helper is left.
    Left,
    /// These milestones of the automaton are reached.
    Milestone(u32),
}

/// What a loop over a collection does on a path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Round {
    /// It runs an iteration.
    Runs,
    /// It ends after an iteration.
    Ends,
    /// It ends without any.
    Never,
}

/// The result of a search.
pub enum Witness {
    /// One path, and the state at its end.
    Found(Path, Box<State>),
    /// There is no path.
    Infeasible,
    /// The budget was too small to tell.
    Unknown,
}

/// Where the path that a search looks for ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// The function is left.
    Exit(ExitKind),
    /// The goal's block is entered.
    Arrival,
}

/// What a search looks for.
pub struct Goal<'g> {
    /// How the path ends.
    pub end: End,
    /// The block in which it ends, if that is fixed.
    pub block: Option<BlockId>,
    /// For an arrival: the block from which it comes, if that is fixed.
    pub from: Option<BlockId>,
    /// Whether the state and the value at the end are wanted, by the flags and the presence of the
    /// watched key.
    pub accept: &'g dyn Fn(&mut Engine<'_>, &State, Value) -> bool,
    /// The number of points that the search may visit, including those known from earlier searches.
    pub steps: u64,
}

/// The single paths through one simulated function, from its entry.
pub struct Paths<'g> {
    cx: Rc<FnContext>,
    start: BlockId,
    entry: Rc<State>,
    graph: &'g Graph,
    wanted: Option<&'g Wanted>,
    /// How many helpers of a path this function is nested in.
    depth: usize,
    /// Filled by the first search.
    outlook: OnceCell<Rc<Outlook>>,
    /// For each block, whether a store to the watched place can be reached; filled by the first path
    /// that is told.
    to_stores: OnceCell<Vec<bool>>,
    unfolding: Unfolding,
    insides: Insides,
    /// What the simulation reached; filled by the first path that is found.
    seen: OnceCell<Arc<Seen>>,
}

/// A point on a path.
struct Trail {
    /// The number of the point in the unfolding.
    point: usize,
    /// The trail before, and the index of its step that leads here.
    from: Option<(usize, usize)>,
}

impl<'g> Paths<'g> {
    /// The paths through a simulated graph, from `start` on. `wanted` is what the simulation was
    /// limited to, if it was.
    #[must_use]
    pub fn new(
        cx: &Rc<FnContext>,
        (start, entry): (BlockId, &State),
        graph: &'g Graph,
        wanted: Option<&'g Wanted>,
    ) -> Self {
        let entry = Rc::new(entry.clone());
        Self {
            cx: Rc::clone(cx),
            start,
            unfolding: Unfolding::new(start, Rc::clone(&entry)),
            entry,
            graph,
            wanted,
            depth: 0,
            outlook: OnceCell::new(),
            to_stores: OnceCell::new(),
            insides: Insides::default(),
            seen: OnceCell::new(),
        }
    }

    /// Searches for a path to the goal.
    pub fn search(&mut self, engine: &mut Engine<'_>, goal: &Goal<'_>) -> Witness {
        if self.unfolding.points.len() > MOST_POINTS {
            self.unfolding = Unfolding::new(self.start, Rc::clone(&self.entry));
        }
        if self.is_at(engine, goal) {
            let path = Path::along(self.route(vec![self.start]));
            return Witness::Found(path, Box::new((*self.entry).clone()));
        }
        let cx = Rc::clone(&self.cx);
        let outlook = self.outlook(engine);
        let remaining = self.remaining(engine, &outlook, goal);
        let mut trails = vec![Trail {
            point: 0,
            from: None,
        }];
        let mut seen: FxHashSet<usize> = FxHashSet::default();
        let mut width: FxHashMap<BlockId, u64> = FxHashMap::default();
        // Ordered by the least total cost. Among equals, the path that has paid more of it comes
        // first, then the one whose last decision is older, then the one found last.
        let mut heap: BinaryHeap<(Reverse<u32>, u32, Reverse<usize>, usize)> = BinaryHeap::new();
        let mut cut = false;
        let mut steps = goal.steps;
        let beam = match engine.watches.places {
            Some(_) => BEAM.max(steps / STEPS_PER_STATE),
            None => BEAM,
        };
        heap.push((Reverse(0), 0, Reverse(0), 0));
        while let Some((_, cost, Reverse(decided), id)) = heap.pop() {
            if steps == 0 {
                cut = true;
                break;
            }
            steps -= 1;
            let point = &self.unfolding.points[trails[id].point];
            let block = point.block;
            let hops = engine.hops(&cx, point, self.wanted);
            for (number, hop) in hops.iter().enumerate() {
                let entrance = match &hop.to {
                    To::Exit { kind, value, state } => {
                        if goal.ends_by(*kind, block) && (goal.accept)(engine, state, *value) {
                            let path = self.path(engine, &remaining, &trails, (id, number));
                            return Witness::Found(path, Box::new(state.clone()));
                        }
                        continue;
                    }
                    To::Block(entrance) => entrance,
                };
                let arriving = &entrance.arriving;
                if goal.arrives(block, entrance.at.0)
                    && (goal.accept)(engine, arriving, arriving.watched)
                {
                    let path = self.path(engine, &remaining, &trails, (id, number));
                    return Witness::Found(path, Box::new(arriving.clone()));
                }
                let Some(rest) = outlook.rest(&remaining, &entrance.at) else {
                    continue;
                };
                let next = engine.go_to(&cx, &mut self.unfolding, entrance);
                if !seen.insert(next) {
                    continue;
                }
                let w = width.entry(entrance.at.0).or_default();
                *w += 1;
                if *w > beam {
                    cut = true;
                    continue;
                }
                let price = price(&hop.edge);
                trails.push(Trail {
                    point: next,
                    from: Some((id, number)),
                });
                let cost = cost + price;
                let next = trails.len() - 1;
                let decided = if price == 0 { decided } else { next };
                heap.push((Reverse(cost + rest), cost, Reverse(decided), next));
            }
        }
        if cut {
            Witness::Unknown
        } else {
            Witness::Infeasible
        }
    }

    /// Whether the paths begin at the goal.
    fn is_at(&self, engine: &mut Engine<'_>, goal: &Goal<'_>) -> bool {
        goal.begins_at(self.start) && (goal.accept)(engine, &self.entry, self.entry.watched)
    }

    /// The prepared graph, computed on first use.
    fn outlook(&self, engine: &mut Engine<'_>) -> Rc<Outlook> {
        let prepare = || Rc::new(Outlook::new(engine, &self.cx, self.graph));
        Rc::clone(self.outlook.get_or_init(prepare))
    }

    /// The least cost of the rest of a path, from wherever the goal is reachable at all.
    fn remaining(&self, engine: &mut Engine<'_>, outlook: &Outlook, goal: &Goal<'_>) -> Remaining {
        let graph = self.graph;
        // Where a path may end, judged by the block alone.
        let candidates: Vec<(usize, &State, Value)> = match goal.end {
            End::Arrival => {
                let nodes = graph.nodes.iter().enumerate();
                let nodes = nodes.filter(|(_, n)| goal.block == Some(n.block));
                nodes
                    .map(|(id, n)| (id, &*n.state, n.state.watched))
                    .collect()
            }
            End::Exit(_) => {
                let exits = graph.exits.iter();
                let exits = exits.filter(|e| goal.ends_by(e.kind, e.block));
                exits.map(|e| (e.node, &e.state, e.value)).collect()
            }
        };
        let accepted = candidates
            .iter()
            .filter(|(_, state, value)| (goal.accept)(engine, state, *value));
        let mut ends: Vec<usize> = accepted.map(|(node, ..)| *node).collect();
        let seen = !ends.is_empty();
        if !seen {
            // Merged states may hide what single ones show.
            ends.extend(candidates.iter().map(|(node, ..)| *node));
        }
        let blocks = self.cx.function().body.blocks.len();
        outlook.remaining(graph, ends, blocks, seen)
    }
}

impl Goal<'_> {
    /// Whether the goal is to leave the function in this way, from this block.
    fn ends_by(&self, kind: ExitKind, block: BlockId) -> bool {
        self.end == End::Exit(kind) && self.block.is_none_or(|b| b == block)
    }

    /// Whether paths that begin with a block arrive where they begin.
    fn begins_at(&self, start: BlockId) -> bool {
        self.end == End::Arrival && self.block == Some(start) && self.from.is_none()
    }

    /// Whether the goal is to go from one block to another.
    fn arrives(&self, from: BlockId, to: BlockId) -> bool {
        self.end == End::Arrival
            && self.block == Some(to)
            && self.from.is_none_or(|wanted| wanted == from)
    }
}

/// The cost of a step.
fn price(edge: &Edge) -> u32 {
    match edge {
        Edge::Flow | Edge::Called(_) => 0,
        Edge::Decision(_) | Edge::Raised | Edge::CallRaised(_) => DECISION,
        Edge::Loop(false) => LAST_ROUND,
        Edge::Loop(true) => ROUND,
    }
}
