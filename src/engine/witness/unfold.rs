//! The single paths through a function, unfolded as far as any search has followed them.
//!
//! Searches for different exits begin in the same way. The effect of a block on a state is computed
//! once, and later searches find it here.

use std::cell::{Cell, OnceCell};
use std::hash::BuildHasher;
use std::rc::Rc;

use rustc_hash::{FxBuildHasher, FxHashMap};
use smallvec::SmallVec;

use crate::engine::flow::{Edge, ExitKind, Target};
use crate::engine::loops::rounds::Wanted;
use crate::engine::values::ghost::Flags;
use crate::engine::values::state::State;
use crate::engine::values::value::Value;
use crate::engine::{Engine, FnContext, Presence};
use crate::ir::BlockId;
use crate::source::Span;

/// A place: a block together with the state of the property.
pub(super) type Somewhere = (BlockId, Flags, Presence);

/// An unmerged state at the entry of a block.
pub(super) struct PathPoint {
    pub(super) block: BlockId,
    pub(super) state: Rc<State>,
    /// The steps from here, computed by the first search that comes here.
    hops: OnceCell<Rc<[Hop]>>,
}

/// One step from a point.
pub(super) struct Hop {
    pub(super) edge: Edge,
    pub(super) to: To,
}

/// Where a step leads.
pub(super) enum To {
    /// The function is left.
    Exit {
        kind: ExitKind,
        value: Value,
        state: State,
    },
    /// A block is entered.
    Block(Entrance),
}

/// The entry to a block.
pub(super) struct Entrance {
    /// The state at the end of the step.
    pub(super) arriving: State,
    /// The same state after beginning the next round of a loop, if the automaton tells rounds
    /// apart.
    turned: Option<State>,
    /// The block, and the state of the property there.
    pub(super) at: Somewhere,
    /// The number of the point that it leads to, set by the first search that goes there.
    point: Cell<Option<usize>>,
    /// Where the watched key is lost on the way, computed when a path with this step is first
    /// shown.
    pub(super) loss: OnceCell<Option<Span>>,
}

/// All points found so far.
pub(super) struct Unfolding {
    pub(super) points: Vec<PathPoint>,
    /// The points by the hash of their block and state.
    known: FxHashMap<u64, SmallVec<[usize; 1]>>,
}

impl Unfolding {
    /// An unfolding from `start`; the point where all paths begin has number 0.
    pub(super) fn new(start: BlockId, entry: Rc<State>) -> Self {
        let root = PathPoint {
            block: start,
            state: entry,
            hops: OnceCell::new(),
        };
        Self {
            points: vec![root],
            known: FxHashMap::default(),
        }
    }

    /// The point with this state; a new one if there is none yet.
    fn point(&mut self, block: BlockId, state: State) -> usize {
        let hash = FxBuildHasher.hash_one((block, &state));
        let same = self.known.entry(hash).or_default();
        let points = &mut self.points;
        let is_same = |id: &&usize| points[**id].block == block && *points[**id].state == state;
        if let Some(id) = same.iter().find(is_same) {
            return *id;
        }
        let id = points.len();
        same.push(id);
        points.push(PathPoint {
            block,
            state: Rc::new(state),
            hops: OnceCell::new(),
        });
        id
    }
}

impl Engine<'_> {
    /// The steps from a point.
    pub(super) fn hops(
        &mut self,
        cx: &FnContext,
        point: &PathPoint,
        wanted: Option<&Wanted>,
    ) -> Rc<[Hop]> {
        if let Some(hops) = point.hops.get() {
            return Rc::clone(hops);
        }
        self.budget.executed += 1;
        let mut hops = Vec::new();
        for s in self.step(cx, point.block, &point.state) {
            let to = match s.target {
                Target::Exit(kind, value) => To::Exit {
                    kind,
                    value,
                    state: s.state,
                },
                Target::Block(block) => {
                    let arriving = s.state;
                    let turned = self.watches.rounds.map(|_| {
                        let mut turned = arriving.clone();
                        self.turn(cx, block, &mut turned, wanted);
                        turned
                    });
                    let here = turned.as_ref().unwrap_or(&arriving);
                    let at = (block, here.flags, self.presence(here));
                    To::Block(Entrance {
                        arriving,
                        turned,
                        at,
                        point: Cell::new(None),
                        loss: OnceCell::new(),
                    })
                }
            };
            hops.push(Hop { edge: s.edge, to });
        }
        Rc::clone(point.hops.get_or_init(|| hops.into()))
    }

    /// The point that an entrance leads to.
    pub(super) fn go_to(
        &mut self,
        cx: &FnContext,
        unfolding: &mut Unfolding,
        entrance: &Entrance,
    ) -> usize {
        if let Some(point) = entrance.point.get() {
            return point;
        }
        let (block, ..) = entrance.at;
        let mut state = entrance
            .turned
            .as_ref()
            .unwrap_or(&entrance.arriving)
            .clone();
        self.settle(cx, block, &mut state);
        let point = unfolding.point(block, state);
        entrance.point.set(Some(point));
        point
    }
}
