//! The fixpoint over one function: property simulation with a worklist in reverse postorder.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hash::BuildHasher;
use std::rc::Rc;

use rustc_hash::{FxBuildHasher, FxHashMap};
use smallvec::SmallVec;

use crate::engine::budget::{Bounds, CHANGES, VISITS};
use crate::engine::flow::{ExitKind, Target};
use crate::engine::loops::rounds::{Round, Wanted};
use crate::engine::values::fact::Kind;
use crate::engine::values::ghost::{Flags, Ghost};
use crate::engine::values::state::{Cell, Slot, State};
use crate::engine::values::value::{Site, Term, Value};
use crate::engine::{Engine, FnContext, Presence};
use crate::ir::{BlockId, Literal, LocalId, LocalKind};

/// A state at the entry of a block.
pub struct Node {
    /// The block.
    pub block: BlockId,
    /// The state there.
    pub state: Rc<State>,
    /// The nodes it was reached from.
    pub parents: Vec<usize>,
    superseded: bool,
}

impl Node {
    /// Whether a more general state took its place.
    #[must_use]
    pub fn is_superseded(&self) -> bool {
        self.superseded
    }
}

/// A way in which the function is left.
pub struct Exit {
    /// How.
    pub kind: ExitKind,
    /// The value returned, raised or yielded.
    pub value: Value,
    /// The state there.
    pub state: State,
    /// The block that it is left from.
    pub block: BlockId,
    /// The node in which that block was entered.
    pub node: usize,
}

/// The result of a simulation.
pub struct Graph {
    /// The exploded graph.
    pub nodes: Vec<Node>,
    /// The exits, in the order in which they were found.
    pub exits: Vec<Exit>,
    /// Whether the budget sufficed.
    pub complete: bool,
}

impl Graph {
    /// The edges that some state took, by the blocks that they lead from.
    #[must_use]
    pub fn edges(&self) -> FxHashMap<BlockId, SmallVec<[BlockId; 2]>> {
        let mut out: FxHashMap<BlockId, SmallVec<[BlockId; 2]>> = FxHashMap::default();
        for node in &self.nodes {
            for parent in &node.parents {
                let to = out.entry(self.nodes[*parent].block).or_default();
                if !to.contains(&node.block) {
                    to.push(node.block);
                }
            }
        }
        out
    }
}

/// How far a function is simulated, and how finely.
#[derive(Clone, Copy)]
pub struct Extent<'a> {
    /// How finely states are kept apart.
    pub bounds: &'a Bounds,
    /// What somebody asks for; `None` for everything.
    pub wanted: Option<&'a Wanted>,
}

/// What states must agree on to be merged.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Partition {
    presence: Presence,
    flags: Flags,
    /// The loops that the function is in, and the flags with which it came to them.
    rounds: SmallVec<[Round; 1]>,
    completion: Vec<Option<Value>>,
    /// How far the running loops have come, and what else the automaton keeps apart.
    ghosts: Vec<Value>,
    /// Variables that hold the dict of the watched place, or something that can be called: what is
    /// done by them is done to just that.
    handles: Vec<(usize, Value)>,
    /// Whether 0 is in the watched place, where the automaton asks what is.
    zero: bool,
}

#[derive(Default)]
struct Point {
    /// The nodes here, by the hash of their states, which is computed once for each arrival.
    known: FxHashMap<u64, SmallVec<[usize; 1]>>,
    groups: FxHashMap<Partition, Group>,
}

impl Point {
    /// The node that has a state.
    fn known(&self, nodes: &[Node], hash: u64, state: &State) -> Option<usize> {
        let same = self.known.get(&hash)?.iter();
        same.copied().find(|id| *nodes[*id].state == *state)
    }

    /// Notes the node that has a state. It takes the place of one that has the same.
    fn note(&mut self, nodes: &[Node], hash: u64, state: &State, id: usize) {
        let known = self.known.entry(hash).or_default();
        match known.iter_mut().find(|id| *nodes[**id].state == *state) {
            Some(old) => *old = id,
            None => known.push(id),
        }
    }
}

fn hash_of(state: &State) -> u64 {
    FxBuildHasher.hash_one(state)
}

#[derive(Default)]
struct Group {
    nodes: Vec<usize>,
    /// States that arrived.
    visits: usize,
    /// Those that changed what was known.
    changes: usize,
}

impl Engine<'_> {
    /// Simulates a function from a block on.
    pub fn simulate(
        &mut self,
        cx: &Rc<FnContext>,
        start: BlockId,
        entry: State,
        bounds: &Bounds,
    ) -> Graph {
        let wanted = None;
        self.simulate_towards(cx, start, entry, Extent { bounds, wanted })
    }

    /// Simulates a function from a block on, as far as it is wanted.
    pub fn simulate_towards(
        &mut self,
        cx: &Rc<FnContext>,
        start: BlockId,
        entry: State,
        extent: Extent<'_>,
    ) -> Graph {
        let n = cx.function().body.blocks.len();
        let mut points: Vec<Point> = (0..n).map(|_| Point::default()).collect();
        let mut graph = Graph {
            nodes: Vec::new(),
            exits: Vec::new(),
            complete: true,
        };
        let mut work: BinaryHeap<Reverse<(u32, usize)>> = BinaryHeap::new();
        if self.watches.values.is_some() {
            for (i, v) in entry.env.iter() {
                let local = LocalId(u32::try_from(i).expect("fewer than 2^32 locals"));
                self.note_name(cx, local, v);
            }
        }
        let root = Rc::new(entry);
        graph.nodes.push(Node {
            block: start,
            state: root.clone(),
            parents: Vec::new(),
            superseded: false,
        });
        points[start.index()].note(&graph.nodes, hash_of(&root), &root, 0);
        work.push(Reverse((cx.live.order[start.index()], 0)));
        while let Some(Reverse((_, id))) = work.pop() {
            if !graph.complete {
                break;
            }
            if graph.nodes[id].superseded {
                continue;
            }
            let size = graph.nodes[id].state.heap.len() + graph.nodes[id].state.facts.len();
            if !self.budget.pay(size) {
                graph.complete = false;
                break;
            }
            let (block, state) = (graph.nodes[id].block, graph.nodes[id].state.clone());
            for s in self.step(cx, block, &state) {
                match s.target {
                    Target::Exit(kind, value) => {
                        graph.exits.push(Exit {
                            kind,
                            value,
                            state: s.state,
                            block,
                            node: id,
                        });
                    }
                    Target::Block(b) if extent.wanted.is_some_and(|w| w.is_done(b)) => {}
                    Target::Block(b) => {
                        let arrival = (b, s.state, id);
                        self.arrive(cx, &mut graph, &mut points, &mut work, arrival, extent);
                    }
                }
            }
        }
        graph
    }

    fn arrive(
        &mut self,
        cx: &Rc<FnContext>,
        graph: &mut Graph,
        points: &mut [Point],
        work: &mut BinaryHeap<Reverse<(u32, usize)>>,
        (block, mut state, from): (BlockId, State, usize),
        Extent { bounds, wanted }: Extent<'_>,
    ) {
        self.settle(cx, block, &mut state);
        self.turn(cx, block, &mut state, wanted);
        let head = cx.function().body.block(block).loop_head;
        if head {
            state = state.canonical(&mut self.terms);
        }
        let state = Rc::new(state);
        let point = &mut points[block.index()];
        let hash = hash_of(&state);
        if let Some(known) = point.known(&graph.nodes, hash, &state) {
            let parents = &mut graph.nodes[known].parents;
            if !parents.contains(&from) {
                parents.push(from);
            }
            return;
        }
        let partition = self.partition(cx, block, &state);
        let groups = &mut points[block.index()].groups;
        let group = groups.entry(partition.clone()).or_default();
        group.visits += 1;
        if group.visits > VISITS {
            graph.complete = false;
            return;
        }
        let widen = group.visits
            > if head {
                bounds.loop_visits
            } else {
                bounds.point_visits
            };
        let mut parents = vec![from];
        let arrived = Rc::clone(&state);
        let mut state = state;
        if widen {
            // All states of the group become one.
            self.budget.widenings += 1;
            let old: Vec<usize> = group.nodes.drain(..).collect();
            let site = join_site(cx, block);
            let mut same_as = None;
            for id in old {
                let before = graph.nodes[id].state.clone();
                let joined = self.join(&before, &state, site, true);
                let joined = joined.canonical(&mut self.terms);
                parents.extend(graph.nodes[id].parents.iter().copied());
                graph.nodes[id].superseded = true;
                if joined == *before {
                    same_as = Some(id);
                }
                state = Rc::new(joined);
            }
            if let Some(id) = same_as
                && *graph.nodes[id].state == *state
            {
                graph.nodes[id].superseded = false;
                let known = &mut graph.nodes[id].parents;
                for p in parents {
                    if !known.contains(&p) {
                        known.push(p);
                    }
                }
                group.nodes.push(id);
                return;
            }
        } else if group.nodes.len() >= bounds.states_per_key {
            self.budget.merges += 1;
            let (at, _) = group
                .nodes
                .iter()
                .enumerate()
                .min_by_key(|(_, id)| graph.nodes[**id].state.distance(&state))
                .expect("a full group is not empty");
            let id = group.nodes[at];
            let before = graph.nodes[id].state.clone();
            let mut joined = self.join(&before, &state, join_site(cx, block), head);
            if head {
                joined = joined.canonical(&mut self.terms);
            }
            if joined == *before {
                let known = &mut graph.nodes[id].parents;
                if !known.contains(&from) {
                    known.push(from);
                }
                return;
            }
            parents.extend(graph.nodes[id].parents.iter().copied());
            graph.nodes[id].superseded = true;
            group.nodes.remove(at);
            state = Rc::new(joined);
        }
        parents.sort_unstable();
        parents.dedup();
        let id = graph.nodes.len();
        let point = &mut points[block.index()];
        let joined = !Rc::ptr_eq(&arrived, &state);
        let hash = if joined { hash_of(&state) } else { hash };
        if joined && let Some(known) = point.known(&graph.nodes, hash, &state) {
            // The joined state is an old one.
            if !graph.nodes[known].superseded {
                let list = &mut graph.nodes[known].parents;
                for p in parents {
                    if !list.contains(&p) {
                        list.push(p);
                    }
                }
                return;
            }
        }
        let partition = if joined {
            self.partition(cx, block, &state)
        } else {
            partition
        };
        let point = &mut points[block.index()];
        let group = point.groups.entry(partition).or_default();
        group.changes += 1;
        if group.changes > CHANGES {
            graph.complete = false;
            return;
        }
        group.nodes.push(id);
        point.note(&graph.nodes, hash, &state, id);
        graph.nodes.push(Node {
            block,
            state,
            parents,
            superseded: false,
        });
        work.push(Reverse((cx.live.order[block.index()], id)));
    }

    /// Whether it matters what the engine doubts about a watched place.
    pub(super) fn has_doubts(&self) -> bool {
        self.watches.place.is_some() || self.deeds.is_some()
    }

    /// Drops from a state what is of no interest at a block.
    pub(crate) fn settle(&mut self, cx: &FnContext, block: BlockId, state: &mut State) {
        if !self.has_doubts() {
            state.flags.settle();
        }
        let locals = &cx.function().body.locals;
        let join = cx.live.predecessors[block.index()] > 1;
        let compares = self.watches.compares_arguments;
        state.env.retain(|i| {
            let counts = || cx.live.decides.contains(i) || compares && cx.live.given.contains(i);
            matches!(locals[i].kind, LocalKind::Cells | LocalKind::OuterCells)
                || cx.live.local(block, i) && (!join || counts())
        });
        if join {
            let inputs: Vec<Value> = self.inputs_in(state);
            let outer = self.outer.clone();
            let (terms, live) = (&self.terms, &cx.live);
            state.collect(terms, &inputs, |n| {
                live.field(block, n) || outer.any || outer.names.contains(n)
            });
        }
    }

    /// The canonical inputs that a state still says something about: its caller can see them.
    fn inputs_in(&self, state: &State) -> Vec<Value> {
        let mut out = Vec::new();
        for v in state.facts.keys().chain(state.heap.keys().map(|(o, _)| o)) {
            for l in self.terms.leaves(*v).iter() {
                if matches!(self.terms.term(*l), Term::Input(_)) {
                    out.push(*l);
                }
            }
        }
        out.sort_unstable();
        out.dedup();
        out
    }

    fn partition(&mut self, cx: &FnContext, block: BlockId, state: &State) -> Partition {
        let completions = cx.live.completions.iter();
        let completion = completions
            .map(|l| state.env.get(*l).filter(|_| cx.live.local(block, *l)))
            .collect();
        // "It ran at least once" must not be lost to "it never ran": what the loop puts into a place,
        // or into a list that is returned, is there by that. How often it ran matters to a place.
        let counts = self.deeds.is_none();
        let begins = |v| self.terms.literal(v) == Some(&Literal::Int(0));
        let apart = self.watches.keeps_apart;
        let ghosts = state
            .heap
            .iter()
            .filter_map(|((_, slot), cell)| match (slot, cell) {
                (Slot::Ghost(ghost), Cell::Has(v)) => Some((ghost, *v)),
                _ => None,
            })
            .filter(|(ghost, v)| {
                **ghost == Ghost::Position && (counts || begins(*v)) || apart.contains(ghost)
            })
            .map(|(_, v)| v)
            .collect();
        let dict = self.watched_object(state);
        let presence = self.presence(state);
        let zero = presence == Presence::Present
            && self.watches.values.is_some()
            && self
                .stored(state)
                .is_some_and(|v| self.terms.literal(v) == Some(&Literal::Int(0)));
        let handles = state.env.iter();
        let handles = handles.filter(|(_, v)| {
            *v == dict || self.terms.term(*v).is_callable() || self.is_of_known_class(state, *v)
        });
        Partition {
            presence,
            flags: state.flags,
            rounds: state.env.rounds.clone(),
            completion,
            ghosts,
            handles: handles.collect(),
            zero,
        }
    }

    /// Whether it is known which methods a value has, or that it is a generator. Joined with
    /// another value, it would lose that.
    fn is_of_known_class(&self, state: &State, v: Value) -> bool {
        let fact = state.facts.get(&v);
        fact.is_some_and(|fact| match fact.kind {
            Kind::Exception => false,
            Kind::Generator => true,
            _ => fact.class.is_some(),
        })
    }
}

fn join_site(cx: &FnContext, block: BlockId) -> Site {
    cx.site(block, usize::MAX)
}
