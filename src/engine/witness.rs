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
use crate::engine::ghost::Flags;
use crate::engine::rounds::Wanted;
use crate::engine::simulate::{Edge, ExitKind, Graph, Target};
use crate::engine::state::State;
use crate::engine::value::{Site, Value};
use crate::engine::{Engine, FnContext, Presence};
use crate::ir::body::BranchRole;
use crate::ir::{BlockId, TerminatorKind};
use crate::program::FuncRef;
use crate::source::Span;

/// Unmerged states followed per block, at least.
const BEAM: u64 = 96;

/// For an automaton that watches a place, so many block executions that may be spent allow for one
/// more.
const STEPS_PER_STATE: u64 = 40;

/// What a decision and an exception cost a path, the last round of a loop, and each other one: the
/// path that is shown is the cheapest.
const DECISION: u32 = 2;
const LAST_ROUND: u32 = 1;
const ROUND: u32 = 3;

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
    /// A loop over a collection goes round or not.
    Loop(Round),
    /// Something raises.
    Raised,
    /// An exception is caught.
    Caught,
    /// A context manager swallows an exception.
    Swallowed,
    /// The watched key, set before, is lost.
    Lost,
    /// A helper is entered; what follows up to `Left` happens in it.
    Entered(FuncRef),
    /// A call returns a failure.
    Failed,
    /// The helper returns.
    Left,
    /// These of the automaton's milestones are reached.
    Milestone(u32),
}

/// What a loop over a collection does on a path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Round {
    /// It goes round.
    Runs,
    /// It ends after a round.
    Ends,
    /// It ends without one.
    Never,
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

/// Where a path that is searched for ends.
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
    /// In which block, if that is fixed.
    pub block: Option<BlockId>,
    /// From which block it is entered, for an arrival, if that is fixed.
    pub from: Option<BlockId>,
    /// What must hold there: the flags, and whether the watched key is there.
    pub accept: &'g dyn Fn(&mut Engine<'_>, &State, Value) -> bool,
    /// What the simulation that found it was asked for, if that was not everything.
    pub wanted: Option<&'g Wanted>,
    /// Block executions that may be spent.
    pub steps: u64,
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
        let remaining = self.remaining(cx, goal, graph);
        let mut trails: Vec<Trail> = Vec::new();
        let mut seen: FxHashSet<(BlockId, Rc<State>)> = FxHashSet::default();
        let mut width: FxHashMap<BlockId, u64> = FxHashMap::default();
        // By what the path costs at least; among equals first what paid for its decisions early, then
        // what made the last one first, then what has come furthest.
        let mut heap: BinaryHeap<(Reverse<u32>, u32, Reverse<usize>, usize)> = BinaryHeap::new();
        let mut cut = false;
        let mut steps = goal.steps;
        let beam = match self.automaton.place() {
            Some(_) => BEAM.max(steps / STEPS_PER_STATE),
            None => BEAM,
        };
        let root = Rc::new(entry.clone());
        trails.push(Trail {
            block: start,
            state: root,
            parent: usize::MAX,
            edge: Edge::Flow,
        });
        heap.push((Reverse(0), 0, Reverse(0), 0));
        while let Some((_, cost, Reverse(decided), id)) = heap.pop() {
            if steps == 0 {
                cut = true;
                break;
            }
            steps -= 1;
            self.budget.executed += 1;
            let (block, state) = (trails[id].block, trails[id].state.clone());
            for s in self.step(cx, block, &state) {
                match s.target {
                    Target::Exit(kind, value) => {
                        let here = goal.block.is_none_or(|b| b == block);
                        if End::Exit(kind) == goal.end
                            && here
                            && (goal.accept)(self, &s.state, value)
                        {
                            let tail = Some(&s.edge);
                            let events = self.events(cx, &trails, id, graph, goal, depth, tail);
                            return Witness::Found(events, Box::new(s.state));
                        }
                    }
                    Target::Block(b) => {
                        let mut st = s.state;
                        let arrived = goal.end == End::Arrival
                            && goal.block == Some(b)
                            && goal.from.is_none_or(|from| from == block)
                            && (goal.accept)(self, &st, st.watched);
                        if arrived {
                            trails.push(Trail {
                                block: b,
                                state: Rc::new(st.clone()),
                                parent: id,
                                edge: s.edge,
                            });
                            let last = trails.len() - 1;
                            let events = self.events(cx, &trails, last, graph, goal, depth, None);
                            return Witness::Found(events, Box::new(st));
                        }
                        self.turn(cx, b, &mut st, goal.wanted);
                        let Some(rest) = self.rest(&remaining, b, &st) else {
                            continue;
                        };
                        self.settle(cx, b, &mut st);
                        let st = Rc::new(st);
                        if !seen.insert((b, st.clone())) {
                            continue;
                        }
                        let w = width.entry(b).or_default();
                        *w += 1;
                        if *w > beam {
                            cut = true;
                            continue;
                        }
                        let price = match s.edge {
                            Edge::Flow | Edge::Called(_) => 0,
                            Edge::Decision(_) | Edge::Raised | Edge::CallRaised(_) => DECISION,
                            Edge::Loop(false) => LAST_ROUND,
                            Edge::Loop(true) => ROUND,
                        };
                        trails.push(Trail {
                            block: b,
                            state: st,
                            parent: id,
                            edge: s.edge,
                        });
                        let cost = cost + price;
                        let next = trails.len() - 1;
                        let decided = if price == 0 { decided } else { next };
                        heap.push((Reverse(cost + rest), cost, Reverse(decided), next));
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
        final_edge: Option<&Edge>,
    ) -> Vec<PathEvent> {
        let mut path: Vec<usize> = Vec::new();
        let mut at = last;
        while at != usize::MAX {
            path.push(at);
            at = trails[at].parent;
        }
        path.reverse();
        let ends = graph.map(|g| self.goal_nodes(g, goal));
        let function = cx.module.ir.function(cx.func.func);
        let mut out = Vec::new();
        // The loops over collections that went round.
        let mut ran: FxHashSet<BlockId> = FxHashSet::default();
        let hops = path
            .windows(2)
            .map(|w| (w[0], Some(w[1]), &trails[w[1]].edge));
        let tail = final_edge.into_iter().map(|edge| (last, None, edge));
        for (here, next, edge) in hops.chain(tail) {
            let (block, to) = (trails[here].block, next.map(|n: usize| trails[n].block));
            let before = trails[here].state.clone();
            let after = next.map(|n| trails[n].state.clone());
            let t = &function.body.block(block).terminator;
            let span = t.span;
            if let Some(span) = self.loss(cx, block, &before, after.as_deref()) {
                out.push(PathEvent {
                    func: cx.func,
                    span,
                    what: EventKind::Lost,
                    matters: true,
                });
            }
            let risen = after.as_ref().map_or(0, |after| {
                after.flags.rule & !before.flags.rule & self.automaton.milestones()
            });
            let matters = |other: BlockId| match (graph, &ends) {
                (Some(g), Some(ends)) => !leads_around(g, ends, other, block),
                _ => true,
            };
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
            if risen != 0 {
                push(EventKind::Milestone(risen), true);
            }
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
                    let round = match again {
                        true => Round::Runs,
                        false if ran.contains(&block) => Round::Ends,
                        false => Round::Never,
                    };
                    push(EventKind::Loop(round), matters(other));
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
            if let TerminatorKind::ForNext { body, .. } = t.kind
                && to == Some(body)
            {
                ran.insert(block);
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
        if mine.0 == Presence::Present && self.automaton.milestones() == 0 {
            return None;
        }
        let mut differs = false;
        for e in &summary.exits {
            if e.kind == ExitKind::Return {
                let (presence, flags, _) = outcome(self, &e.state, e.value);
                let risen = (flags.rule ^ mine.1.rule) & self.automaton.milestones();
                differs |= presence != mine.0 || risen != 0;
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
            end: End::Exit(ExitKind::Return),
            block: Some(exit.block),
            from: None,
            accept: &accept,
            wanted: None,
            steps: WITNESS_STEPS,
        };
        let outer = std::mem::replace(&mut self.outer, summary.key.live.clone());
        self.stack.push(summary.key.clone());
        let bounds = self.helper_bounds();
        let entry = (*summary.key.entry).clone();
        let graph = self.simulate(&cx, summary.key.start, entry, bounds);
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

    /// The nodes of the fixpoint from which the goal is reached at once.
    fn goal_nodes(&mut self, graph: &Graph, goal: &Goal<'_>) -> Vec<usize> {
        if goal.end == End::Arrival {
            let arrived = graph.nodes.iter().enumerate().filter(|(_, n)| {
                goal.block == Some(n.block)
                    && (goal.accept)(self, &n.state.clone(), n.state.watched)
            });
            return arrived.map(|(i, _)| i).collect();
        }
        graph
            .exits
            .iter()
            .filter(|e| {
                End::Exit(e.kind) == goal.end
                    && goal.block.is_none_or(|b| b == e.block)
                    && (goal.accept)(self, &e.state, e.value)
            })
            .map(|e| e.node)
            .collect()
    }

    /// Where in a block the watched key is lost, when it is: the statement, or the terminator.
    fn loss(
        &mut self,
        cx: &FnContext,
        block: BlockId,
        before: &State,
        after: Option<&State>,
    ) -> Option<Span> {
        let b = cx.function().body.block(block);
        let mut state = before.clone();
        let mut present = self.presence(&state) == Presence::Present;
        let mut lost = None;
        for (i, s) in b.statements.iter().enumerate() {
            let site = Site {
                func: cx.func,
                block: block.0,
                index: u32::try_from(i).unwrap_or(u32::MAX),
                part: 0,
            };
            state = self.execute(cx, state, s, site).into_iter().next()?;
            let now = self.presence(&state) == Presence::Present;
            if present && !now {
                lost = Some(s.span);
            }
            present = now;
        }
        if let Some(after) = after
            && present
            && self.presence(after) != Presence::Present
        {
            lost = Some(b.terminator.span);
        }
        lost.filter(|s| s.end > s.start)
    }
}

/// Whether the goal can be reached from `from`, as far as the fixpoint can tell, without coming
/// through `around` again.
fn leads_around(graph: &Graph, ends: &[usize], from: BlockId, around: BlockId) -> bool {
    let mut work: Vec<usize> = ends.to_vec();
    let mut seen = vec![false; graph.nodes.len()];
    while let Some(n) = work.pop() {
        if graph.nodes[n].block == around || std::mem::replace(&mut seen[n], true) {
            continue;
        }
        if graph.nodes[n].block == from {
            return true;
        }
        work.extend(graph.nodes[n].parents.iter().copied());
    }
    false
}

/// What the rest of a path costs at least.
enum Remaining {
    /// From each block, by the shortest way in the function.
    Blocks(FxHashMap<BlockId, u32>),
    /// From each block in each state of the property, by the shortest way in the fixpoint; `None`
    /// where there is no way. From a state that the fixpoint did not see there, by the block alone.
    States(FxHashMap<Somewhere, Option<u32>>, FxHashMap<BlockId, u32>),
}

/// A block in a state of the property.
type Somewhere = (BlockId, Flags, Presence);

impl Engine<'_> {
    /// What the rest of a path costs at least, from wherever the goal can be reached at all.
    fn remaining(&mut self, cx: &FnContext, goal: &Goal<'_>, graph: Option<&Graph>) -> Remaining {
        let Some(graph) = graph else {
            return Remaining::Blocks(by_blocks(cx, goal));
        };
        let body = &cx.function().body;
        let mut ends = self.goal_nodes(graph, goal);
        if ends.is_empty() {
            // Merged states may hide what single ones would show.
            let here = |block| goal.block.is_none_or(|wanted| wanted == block);
            match goal.end {
                End::Arrival => {
                    ends.extend((0..graph.nodes.len()).filter(|n| here(graph.nodes[*n].block)));
                }
                End::Exit(kind) => {
                    let exits = graph.exits.iter();
                    ends.extend(
                        exits
                            .filter(|e| e.kind == kind && here(e.block))
                            .map(|e| e.node),
                    );
                }
            }
        }
        let taken = graph.edges();
        let mut costs: Vec<Option<u32>> = vec![None; graph.nodes.len()];
        let mut heap: BinaryHeap<Reverse<(u32, usize)>> = BinaryHeap::new();
        heap.extend(ends.into_iter().map(|end| Reverse((0, end))));
        let mut keys: Vec<Somewhere> = Vec::with_capacity(graph.nodes.len());
        for node in &graph.nodes {
            let presence = self.presence(&node.state);
            keys.push((node.block, node.state.flags, presence));
        }
        let mut out: FxHashMap<Somewhere, Option<u32>> = FxHashMap::default();
        // Of a state that became part of another, nothing follows.
        let followed = keys.iter().zip(&graph.nodes);
        let followed = followed.filter(|(_, node)| !node.is_superseded());
        out.extend(followed.map(|(key, _)| (*key, None)));
        let mut by_block: FxHashMap<BlockId, u32> = FxHashMap::default();
        // Dijkstra's algorithm, backwards.
        while let Some(Reverse((cost, id))) = heap.pop() {
            if costs[id].is_some() {
                continue;
            }
            costs[id] = Some(cost);
            let node = &graph.nodes[id];
            // The first to come is the cheapest.
            out.entry(keys[id]).or_default().get_or_insert(cost);
            by_block.entry(node.block).or_insert(cost);
            for parent in &node.parents {
                let from = graph.nodes[*parent].block;
                let open = taken.get(&from).is_some_and(|to| to.len() > 1);
                let kind = &body.block(from).terminator.kind;
                let price = least_price(kind, node.block, open);
                heap.push(Reverse((cost + price, *parent)));
            }
        }
        Remaining::States(out, by_block)
    }

    /// What the rest of a path costs at least that has come to a block in this state; `None` if the
    /// goal cannot be reached.
    fn rest(&mut self, remaining: &Remaining, block: BlockId, state: &State) -> Option<u32> {
        match remaining {
            Remaining::Blocks(costs) => costs.get(&block).copied(),
            Remaining::States(costs, by_block) => {
                let key = (block, state.flags, self.presence(state));
                let known = costs.get(&key).copied();
                known.unwrap_or_else(|| by_block.get(&block).copied())
            }
        }
    }
}

/// What the rest of a path costs at least, by the shortest way in the graph of the function.
fn by_blocks(cx: &FnContext, goal: &Goal<'_>) -> FxHashMap<BlockId, u32> {
    let body = &cx.function().body;
    let mut back: FxHashMap<BlockId, Vec<(BlockId, u32)>> = FxHashMap::default();
    let mut heap: BinaryHeap<Reverse<(u32, BlockId)>> = BinaryHeap::new();
    for (i, block) in (0u32..).zip(&body.blocks) {
        let from = BlockId(i);
        block.terminator.kind.for_each_successor(|to| {
            let price = least_price(&block.terminator.kind, to, true);
            back.entry(to).or_default().push((from, price));
        });
        if goal.block.is_none_or(|g| g == from) {
            heap.push(Reverse((0, from)));
        }
    }
    let mut out: FxHashMap<BlockId, u32> = FxHashMap::default();
    while let Some(Reverse((cost, block))) = heap.pop() {
        if out.contains_key(&block) {
            continue;
        }
        out.insert(block, cost);
        for (from, price) in back.get(&block).into_iter().flatten() {
            heap.push(Reverse((cost + price, *from)));
        }
    }
    out
}

/// What an edge costs, where the way that it leads from is `open` if there are others.
fn least_price(kind: &TerminatorKind, to: BlockId, open: bool) -> u32 {
    match kind {
        TerminatorKind::Branch { .. } if open => DECISION,
        TerminatorKind::ForNext { body, .. } if open => {
            if *body == to {
                ROUND
            } else {
                LAST_ROUND
            }
        }
        TerminatorKind::Eval {
            normal,
            unwind: Some(unwind),
            ..
        } if unwind.target == to && *normal != to => DECISION,
        _ => 0,
    }
}
