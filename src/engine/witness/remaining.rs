//! What is left of a path according to the simulated graph: where the goal can still be reached, at
//! what least cost, and whether it can be reached without passing a block.

use std::cell::OnceCell;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;

use crate::engine::simulate::Graph;
use crate::engine::witness::unfold::Somewhere;
use crate::engine::witness::{DECISION, LAST_ROUND, ROUND};
use crate::engine::{Engine, FnContext};
use crate::ir::{BlockId, TerminatorKind};

/// A simulated graph, prepared for questions about the rest of a path to a goal.
pub(super) struct Outlook {
    /// For each node, the number of its place.
    keys: Vec<usize>,
    numbers: FxHashMap<Somewhere, usize>,
    /// By number of the place: whether some node there was followed. A superseded node has no
    /// successors.
    followed: Vec<bool>,
    /// For each node, its predecessors with the costs of the edges.
    before: Vec<SmallVec<[(usize, u32); 2]>>,
    /// For each node, its successors.
    after: OnceCell<Vec<SmallVec<[usize; 2]>>>,
    /// For each block, the number of its strongly connected component; for each component, its
    /// nodes.
    components: OnceCell<(Vec<usize>, Vec<Vec<usize>>)>,
}

/// The least costs of reaching one goal.
pub(super) struct Remaining {
    /// The nodes that reach the goal in one step, sorted.
    ends: Vec<usize>,
    /// The least cost of the rest of a path, by the number of the place where the rest begins.
    by_number: Vec<Option<u32>>,
    /// The same by block, for a state that the simulation did not see there.
    by_block: Vec<Option<u32>>,
    /// The same by node; empty if the simulation did not see the goal.
    by_node: Vec<Option<u32>>,
}

impl Remaining {
    /// Whether the simulation saw a path from a node to the goal.
    fn leads(&self, node: usize) -> bool {
        self.by_node.get(node).is_some_and(Option::is_some)
    }

    /// Whether a node reaches the goal in one step.
    fn is_end(&self, node: usize) -> bool {
        self.ends.binary_search(&node).is_ok()
    }
}

impl Outlook {
    /// Prepares a graph.
    pub(super) fn new(engine: &mut Engine<'_>, cx: &FnContext, graph: &Graph) -> Self {
        let mut keys = Vec::with_capacity(graph.nodes.len());
        let mut numbers: FxHashMap<Somewhere, usize> = FxHashMap::default();
        let mut followed: Vec<bool> = Vec::new();
        for node in &graph.nodes {
            let presence = engine.presence(&node.state);
            let next = numbers.len();
            let key = (node.block, node.state.flags, presence);
            let number = *numbers.entry(key).or_insert(next);
            if number == next {
                followed.push(false);
            }
            followed[number] |= !node.is_superseded();
            keys.push(number);
        }
        let body = &cx.function().body;
        let taken = graph.edges();
        let price = |from: usize, to: BlockId| {
            let from = graph.nodes[from].block;
            let open = taken.get(&from).is_some_and(|to| to.len() > 1);
            least_price(&body.block(from).terminator.kind, to, open)
        };
        let before = graph.nodes.iter().map(|node| {
            let parents = node.parents.iter();
            parents.map(|p| (*p, price(*p, node.block))).collect()
        });
        Self {
            keys,
            numbers,
            followed,
            before: before.collect(),
            after: OnceCell::new(),
            components: OnceCell::new(),
        }
    }

    /// The least cost of the rest of a path, from wherever one of the ends is reachable at all.
    /// `seen` tells whether the simulation saw the goal at these ends.
    pub(super) fn remaining(
        &self,
        graph: &Graph,
        mut ends: Vec<usize>,
        blocks: usize,
        seen: bool,
    ) -> Remaining {
        let mut costs: Vec<Option<u32>> = vec![None; graph.nodes.len()];
        let mut by_number = vec![None; self.followed.len()];
        let mut by_block = vec![None; blocks];
        let mut heap: BinaryHeap<Reverse<(u32, usize)>> = BinaryHeap::new();
        heap.extend(ends.iter().map(|end| Reverse((0, *end))));
        // Dijkstra's algorithm, backwards.
        while let Some(Reverse((cost, id))) = heap.pop() {
            if costs[id].is_some() {
                continue;
            }
            costs[id] = Some(cost);
            // The first cost found is the least.
            by_number[self.keys[id]].get_or_insert(cost);
            by_block[graph.nodes[id].block.index()].get_or_insert(cost);
            for (parent, price) in &self.before[id] {
                if costs[*parent].is_none() {
                    heap.push(Reverse((cost + price, *parent)));
                }
            }
        }
        ends.sort_unstable();
        Remaining {
            ends,
            by_number,
            by_block,
            by_node: if seen { costs } else { Vec::new() },
        }
    }

    /// The least cost of the rest of a path that has come here; `None` if the goal is out of reach.
    pub(super) fn rest(&self, remaining: &Remaining, at: &Somewhere) -> Option<u32> {
        let by_block = || remaining.by_block[at.0.index()];
        match self.numbers.get(at) {
            Some(number) => match remaining.by_number[*number] {
                None if !self.followed[*number] => by_block(),
                cost => cost,
            },
            None => by_block(),
        }
    }

    /// Whether an end is reachable from a block, as far as the simulation can tell.
    pub(super) fn leads_from(
        &self,
        cx: &FnContext,
        graph: &Graph,
        remaining: &Remaining,
        from: BlockId,
    ) -> bool {
        let (components, nodes) = self.components.get_or_init(|| components(cx, graph));
        let mut near = nodes[components[from.index()]].iter();
        near.any(|n| graph.nodes[*n].block == from && remaining.leads(*n))
    }

    /// Whether an end is reachable from a block, as far as the simulation can tell, without passing
    /// the block `around` from which the path comes.
    pub(super) fn leads_around(
        &self,
        cx: &FnContext,
        graph: &Graph,
        remaining: &Remaining,
        (from, around): (BlockId, BlockId),
    ) -> bool {
        if from == around {
            return false;
        }
        let (components, nodes) = self.components.get_or_init(|| components(cx, graph));
        // A path can come back to `around` only within a loop that contains both.
        let component = components[from.index()];
        let in_one_loop = component == components[around.index()];
        let begin = nodes[component].iter().copied();
        let mut work: Vec<usize> = begin.filter(|n| graph.nodes[*n].block == from).collect();
        if !in_one_loop {
            return work.into_iter().any(|n| remaining.leads(n));
        }
        let after = self.after.get_or_init(|| self.successors());
        let mut seen: FxHashSet<usize> = FxHashSet::default();
        while let Some(n) = work.pop() {
            let block = graph.nodes[n].block;
            if block == around || !remaining.leads(n) || !seen.insert(n) {
                continue;
            }
            if remaining.is_end(n) || components[block.index()] != component {
                return true;
            }
            work.extend(after[n].iter().copied());
        }
        false
    }

    /// For each node, its successors.
    fn successors(&self) -> Vec<SmallVec<[usize; 2]>> {
        let mut after: Vec<SmallVec<[usize; 2]>> = vec![SmallVec::new(); self.before.len()];
        for (node, before) in self.before.iter().enumerate() {
            for (parent, _) in before {
                after[*parent].push(node);
            }
        }
        after
    }
}

/// The strongly connected components of a function: for each block, the number of its component;
/// for each component, its nodes.
fn components(cx: &FnContext, graph: &Graph) -> (Vec<usize>, Vec<Vec<usize>>) {
    let blocks = &cx.function().body.blocks;
    let mut flow: DiGraph<(), ()> = DiGraph::with_capacity(blocks.len(), 2 * blocks.len());
    for _ in blocks {
        flow.add_node(());
    }
    for (from, block) in blocks.iter().enumerate() {
        block.terminator.kind.for_each_successor(|to| {
            flow.add_edge(NodeIndex::new(from), NodeIndex::new(to.index()), ());
        });
    }
    let found = kosaraju_scc(&flow);
    let mut component = vec![0; blocks.len()];
    for (number, members) in found.iter().enumerate() {
        for block in members {
            component[block.index()] = number;
        }
    }
    let mut nodes = vec![Vec::new(); found.len()];
    for (id, node) in graph.nodes.iter().enumerate() {
        nodes[component[node.block.index()]].push(id);
    }
    (component, nodes)
}

/// The least cost of an edge to `to`. `open` tells whether some state took another edge from the
/// same block.
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
