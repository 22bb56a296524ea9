//! Control dependence: which branches decide whether a block runs.
//!
//! After Ferrante, Ottenstein and Warren, "The program dependence graph and its use in
//! optimization" (TOPLAS 1987): a block depends on an edge of a branch if it runs on every path
//! from that edge, but not on every path from the branch. Exceptions raised by calls are ignored:
//! they can come from almost everywhere, so nothing would run for certain.

use petgraph::algo::dominators::{Dominators, simple_fast};
use petgraph::graph::{DiGraph, NodeIndex};
use rustc_hash::FxHashSet;

use crate::ir::body::{BlockId, Body, TerminatorKind};

/// An edge of the control-flow graph that a block depends on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Edge {
    /// The block that branches.
    pub from: BlockId,
    /// The successor.
    pub to: BlockId,
}

/// The control dependences of one body.
pub struct ControlDependence {
    successors: Vec<Vec<BlockId>>,
    /// The edges that each block depends on directly.
    direct: Vec<Vec<Edge>>,
    post: Dominators<NodeIndex>,
    pre: Dominators<NodeIndex>,
}

impl ControlDependence {
    /// Computes the control dependences of a body.
    #[must_use]
    pub fn compute(body: &Body) -> Self {
        let successors: Vec<Vec<BlockId>> = body
            .blocks
            .iter()
            .map(|b| flow(&b.terminator.kind))
            .collect();
        // The reversed graph, with one exit node for all exits.
        let mut graph: DiGraph<(), ()> = DiGraph::with_capacity(successors.len() + 1, 0);
        for _ in 0..=successors.len() {
            graph.add_node(());
        }
        let exit = NodeIndex::new(successors.len());
        for (from, targets) in successors.iter().enumerate() {
            if targets.is_empty() {
                graph.add_edge(exit, NodeIndex::new(from), ());
            }
            for to in targets {
                graph.add_edge(NodeIndex::new(to.index()), NodeIndex::new(from), ());
            }
        }
        let mut forward: DiGraph<(), ()> = DiGraph::with_capacity(successors.len(), 0);
        for _ in 0..successors.len() {
            forward.add_node(());
        }
        for (from, block) in body.blocks.iter().enumerate() {
            block.terminator.kind.for_each_successor(|to| {
                forward.add_edge(NodeIndex::new(from), NodeIndex::new(to.index()), ());
            });
        }
        let post = simple_fast(&graph, exit);
        Self {
            direct: direct(&successors, &post),
            post,
            pre: simple_fast(&forward, NodeIndex::new(BlockId::ENTRY.index())),
            successors,
        }
    }

    /// The successors of a block, ignoring exceptions of calls.
    #[must_use]
    pub fn successors(&self, block: BlockId) -> &[BlockId] {
        &self.successors[block.index()]
    }

    /// Whether every path from `block` reaches `later`. A block reaches itself.
    #[must_use]
    pub fn always_reaches(&self, block: BlockId, later: BlockId) -> bool {
        let node = NodeIndex::new(block.index());
        self.post
            .dominators(node)
            .is_some_and(|mut all| all.any(|n| n.index() == later.index()))
    }

    /// The blocks that every path to `block` passes through.
    #[must_use]
    pub fn before(&self, block: BlockId) -> FxHashSet<BlockId> {
        let all = self.pre.strict_dominators(NodeIndex::new(block.index()));
        let ids = all.into_iter().flatten().map(NodeIndex::index);
        ids.map(|i| BlockId(u32::try_from(i).expect("fewer than 2^32 blocks")))
            .collect()
    }

    /// Whether every path to `block` passes through `first`. A block passes through itself.
    #[must_use]
    pub fn passes(&self, block: BlockId, first: BlockId) -> bool {
        let node = NodeIndex::new(block.index());
        let mut all = self.pre.dominators(node).into_iter().flatten();
        all.any(|node| node.index() == first.index())
    }

    /// The edges that decide, directly or through others, whether a block runs.
    #[must_use]
    pub fn deciders(&self, block: BlockId) -> Vec<Edge> {
        let mut out: Vec<Edge> = Vec::new();
        let mut seen: FxHashSet<BlockId> = FxHashSet::default();
        let mut work = vec![block];
        while let Some(target) = work.pop() {
            if seen.insert(target) {
                let direct = &self.direct[target.index()];
                out.extend(direct);
                work.extend(direct.iter().map(|edge| edge.from));
            }
        }
        out.sort_unstable();
        out.dedup();
        out
    }

    /// The blocks that can be reached from a block without passing through `around`, including the
    /// block itself.
    #[must_use]
    pub fn reachable(&self, from: BlockId, around: &[BlockId]) -> FxHashSet<BlockId> {
        let mut out = FxHashSet::default();
        let mut work = vec![from];
        while let Some(b) = work.pop() {
            if !around.contains(&b) && out.insert(b) {
                work.extend(self.successors(b));
            }
        }
        out
    }
}

/// The edges that each block depends on directly: for an edge, the blocks from its target up the
/// tree of postdominators, to where all paths from the branch meet.
fn direct(successors: &[Vec<BlockId>], post: &Dominators<NodeIndex>) -> Vec<Vec<Edge>> {
    let mut out = vec![Vec::new(); successors.len()];
    for (from, targets) in (0u32..).zip(successors) {
        if targets.len() < 2 {
            continue;
        }
        let meet = post.immediate_dominator(NodeIndex::new(from as usize));
        for to in targets {
            let edge = Edge {
                from: BlockId(from),
                to: *to,
            };
            let mut at = NodeIndex::new(to.index());
            // If no exit can be reached from here, nothing runs for certain.
            if post.dominators(at).is_none() {
                continue;
            }
            while Some(at) != meet && at.index() < out.len() {
                out[at.index()].push(edge);
                match post.immediate_dominator(at) {
                    Some(next) => at = next,
                    None => break,
                }
            }
        }
    }
    out
}

/// The successors of a terminator, ignoring the exception of a call.
fn flow(kind: &TerminatorKind) -> Vec<BlockId> {
    let mut out = Vec::new();
    match kind {
        TerminatorKind::Eval { normal, .. }
        | TerminatorKind::DelItem { normal, .. }
        | TerminatorKind::Yield { normal, .. } => out.push(*normal),
        TerminatorKind::ForNext {
            body, exhausted, ..
        } => out.extend([*body, *exhausted]),
        other => other.for_each_successor(|b| out.push(b)),
    }
    out.sort_unstable();
    out.dedup();
    out
}
