//! The blocks that a path goes through.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;

use crate::engine::simulate::Graph;
use crate::engine::witness::{PathEvent, Paths};
use crate::ir::{BasicBlock, BlockId, Body};
use crate::program::FuncRef;
use crate::source::Span;

/// A path that was found: what happens on it, and the ways that it takes through the functions that it enters.
///
/// To a rule it is the list of its events, of which the rule may leave out some and to which it may add others.
#[derive(Clone, Default, Debug)]
pub struct Path {
    events: Vec<PathEvent>,
    /// The first is in the function in which the path begins.
    routes: Vec<Arc<Route>>,
}

/// The way of a path through one function.
#[derive(Debug)]
pub struct Route {
    /// The function.
    pub func: FuncRef,
    /// The blocks in the order of execution.
    pub(super) blocks: Vec<BlockId>,
    pub(super) seen: Arc<Seen>,
}

/// What the simulation of a function reached.
#[derive(Debug)]
pub(super) struct Seen {
    /// Whether it simulated the function as a whole. If not, it is not known what can be reached.
    pub(super) is_whole: bool,
    pub(super) blocks: FxHashSet<BlockId>,
    pub(super) edges: FxHashMap<BlockId, SmallVec<[BlockId; 2]>>,
}

impl Route {
    /// The places in a function by which a finding is shown whose way nobody searched: how one comes from one to the next
    /// is open, and so is what can be reached.
    #[must_use]
    pub fn by(func: FuncRef, body: &Body, places: &[Span]) -> Self {
        let at = |place: &Span| {
            let ends_with = |block: &BasicBlock| block.terminator.span == *place;
            let contains = |block: &BasicBlock| block.statements.iter().any(|s| s.span == *place);
            let mut numbered = (0u32..).map(BlockId).zip(&body.blocks);
            let found = numbered.clone().find(|(_, block)| ends_with(block));
            let found = found.or_else(|| numbered.find(|(_, block)| contains(block)));
            found.map(|(id, _)| id)
        };
        Route {
            func,
            blocks: places.iter().filter_map(at).collect(),
            seen: Arc::new(Seen {
                is_whole: false,
                blocks: FxHashSet::default(),
                edges: FxHashMap::default(),
            }),
        }
    }
}

impl Path {
    /// A path on which nothing happened yet.
    pub(super) fn along(route: Route) -> Self {
        Self {
            events: Vec::new(),
            routes: vec![Arc::new(route)],
        }
    }

    /// The ways through the functions that the path enters.
    #[must_use]
    pub fn routes(&self) -> &[Arc<Route>] {
        &self.routes
    }

    /// The same way with other events.
    #[must_use]
    pub fn telling(&self, events: Vec<PathEvent>) -> Self {
        Self {
            events,
            routes: self.routes.clone(),
        }
    }

    /// Enters a function and follows a path in there.
    pub(super) fn follow(&mut self, inside: &Path) {
        self.events.extend(inside.events.iter().cloned());
        self.routes.extend(inside.routes.iter().cloned());
    }

    /// Goes on where another path begins, of which only some events are news.
    pub fn go_on(&mut self, mut next: Path, is_news: impl FnMut(&PathEvent) -> bool) {
        next.events.retain(is_news);
        self.events.append(&mut next.events);
        self.routes.append(&mut next.routes);
    }
}

impl Deref for Path {
    type Target = Vec<PathEvent>;

    fn deref(&self) -> &Self::Target {
        &self.events
    }
}

impl DerefMut for Path {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.events
    }
}

impl Paths<'_> {
    /// The way through these blocks.
    pub(super) fn route(&self, blocks: Vec<BlockId>) -> Route {
        let seen = self
            .seen
            .get_or_init(|| Arc::new(Seen::of(self.graph, self.wanted.is_none())));
        Route {
            func: self.cx.func,
            blocks,
            seen: Arc::clone(seen),
        }
    }
}

impl Seen {
    fn of(graph: &Graph, unlimited: bool) -> Self {
        // A graph that begins within the function is not the whole.
        let first = graph.nodes.first().map(|node| node.block);
        Self {
            is_whole: graph.complete && unlimited && first == Some(BlockId::ENTRY),
            blocks: graph.nodes.iter().map(|node| node.block).collect(),
            edges: graph.edges(),
        }
    }

    pub(super) fn block(&self, block: BlockId) -> bool {
        !self.is_whole || self.blocks.contains(&block)
    }

    pub(super) fn edge(&self, from: BlockId, to: BlockId) -> bool {
        !self.is_whole || self.edges.get(&from).is_some_and(|all| all.contains(&to))
    }
}
