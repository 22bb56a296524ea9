//! The single paths through a function, unfolded as far as some search has followed them.
//!
//! Searches for different exits begin in the same way. What a block does to a state is found out
//! once, and the next search finds it here.

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

/// A block in a state of the property.
pub(super) type Somewhere = (BlockId, Flags, Presence);

/// A state at the entry of a block, with which nothing was merged.
pub(super) struct Place {
    pub(super) block: BlockId,
    pub(super) state: Rc<State>,
    /// Where control can go from here, once a search has come here.
    hops: OnceCell<Rc<[Hop]>>,
}

/// One step from a place.
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

/// How a block is entered.
pub(super) struct Entrance {
    /// The state as the step leaves it.
    pub(super) arriving: State,
    /// The same after the turn to the next round of a loop, if the automaton tells rounds apart.
    turned: Option<State>,
    /// The block, and the state of the property there.
    pub(super) at: Somewhere,
    /// The number of the place that it leads to, once a search has gone there.
    place: Cell<Option<usize>>,
    /// Where the watched key is lost on the way, once a path that takes it was told.
    pub(super) loss: OnceCell<Option<Span>>,
}

/// All places that were found so far.
pub(super) struct Unfolding {
    pub(super) places: Vec<Place>,
    /// Places by the hash of block and state.
    known: FxHashMap<u64, SmallVec<[usize; 1]>>,
}

impl Unfolding {
    /// The place where all paths begin is number 0.
    pub(super) fn new(start: BlockId, entry: Rc<State>) -> Self {
        let root = Place {
            block: start,
            state: entry,
            hops: OnceCell::new(),
        };
        Self {
            places: vec![root],
            known: FxHashMap::default(),
        }
    }

    /// The place with this state, which is a new one if there was none.
    fn place(&mut self, block: BlockId, state: State) -> usize {
        let hash = FxBuildHasher.hash_one((block, &state));
        let same = self.known.entry(hash).or_default();
        let places = &mut self.places;
        let is_same = |id: &&usize| places[**id].block == block && *places[**id].state == state;
        if let Some(id) = same.iter().find(is_same) {
            return *id;
        }
        let id = places.len();
        same.push(id);
        places.push(Place {
            block,
            state: Rc::new(state),
            hops: OnceCell::new(),
        });
        id
    }
}

impl Engine<'_> {
    /// Where control can go from a place.
    pub(super) fn hops(
        &mut self,
        cx: &FnContext,
        place: &Place,
        wanted: Option<&Wanted>,
    ) -> Rc<[Hop]> {
        if let Some(hops) = place.hops.get() {
            return Rc::clone(hops);
        }
        self.budget.executed += 1;
        let mut hops = Vec::new();
        for s in self.step(cx, place.block, &place.state) {
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
                        place: Cell::new(None),
                        loss: OnceCell::new(),
                    })
                }
            };
            hops.push(Hop { edge: s.edge, to });
        }
        Rc::clone(place.hops.get_or_init(|| hops.into()))
    }

    /// The place that an entrance leads to.
    pub(super) fn go_to(
        &mut self,
        cx: &FnContext,
        unfolding: &mut Unfolding,
        entrance: &Entrance,
    ) -> usize {
        if let Some(place) = entrance.place.get() {
            return place;
        }
        let (block, ..) = entrance.at;
        let mut state = entrance
            .turned
            .as_ref()
            .unwrap_or(&entrance.arriving)
            .clone();
        self.settle(cx, block, &mut state);
        let place = unfolding.place(block, state);
        entrance.place.set(Some(place));
        place
    }
}
