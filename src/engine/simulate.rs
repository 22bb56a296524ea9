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
    /// The nodes from which it was reached.
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
    /// How the function is left.
    pub kind: ExitKind,
    /// The value returned, raised or yielded.
    pub value: Value,
    /// The state at the exit.
    pub state: State,
    /// The block that is left.
    pub block: BlockId,
    /// The node at which that block was entered.
    pub node: usize,
}

/// The result of a simulation.
pub struct Graph {
    /// The exploded graph.
    pub nodes: Vec<Node>,
    /// The exits, in the order of their discovery.
    pub exits: Vec<Exit>,
    /// Whether the budget sufficed.
    pub complete: bool,
}

impl Graph {
    /// The edges that some state took, by the block from which they lead.
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

impl Graph {
    /// Adds predecessors to a node.
    fn link(&mut self, id: usize, parents: &[usize]) {
        let known = &mut self.nodes[id].parents;
        for parent in parents {
            if !known.contains(parent) {
                known.push(*parent);
            }
        }
    }
}

/// How far a function is simulated, and how finely.
#[derive(Clone, Copy)]
pub struct Extent<'a> {
    /// How finely states are kept apart.
    pub bounds: &'a Bounds,
    /// What the caller wants to see; `None` for everything.
    pub wanted: Option<&'a Wanted>,
}

/// The properties on which states must agree to be merged.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Partition {
    presence: Presence,
    flags: Flags,
    /// The loops around the current point, and the flags on entry to each.
    rounds: SmallVec<[Round; 1]>,
    completion: Vec<Option<Value>>,
    /// How far the running loops have come, and the slots that the automaton keeps apart.
    ghosts: Vec<Value>,
    /// The variables that hold the dict of the watched place or something callable. Joined with
    /// another value, it would no longer be known what a store or a call through them affects.
    handles: Vec<(usize, Value)>,
    /// Whether the watched place holds 0, for an automaton that asks what it holds.
    zero: bool,
}

#[derive(Default)]
struct Point {
    /// The nodes at this point by the hash of their states, which is computed once per arrival.
    known: FxHashMap<u64, SmallVec<[usize; 1]>>,
    groups: FxHashMap<Partition, Group>,
}

impl Point {
    /// The node with this state.
    fn known(&self, nodes: &[Node], hash: u64, state: &State) -> Option<usize> {
        let same = self.known.get(&hash)?.iter();
        same.copied().find(|id| *nodes[*id].state == *state)
    }

    /// Registers the node of a state, in place of a previous node with an equal state.
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
    /// The number of states that arrived.
    visits: usize,
    /// The number of those that changed what is known.
    changes: usize,
}

/// A state that arrives at a block, and the nodes from which it comes.
struct Arrival {
    state: Rc<State>,
    parents: Vec<usize>,
}

/// A running simulation.
struct Simulation<'a> {
    cx: &'a Rc<FnContext>,
    extent: Extent<'a>,
    graph: Graph,
    /// What is known at the entry of each block.
    points: Vec<Point>,
    /// The nodes still to be executed, by the reverse postorder of their blocks.
    work: BinaryHeap<Reverse<(u32, usize)>>,
}

impl<'a> Simulation<'a> {
    fn new(cx: &'a Rc<FnContext>, extent: Extent<'a>) -> Self {
        let blocks = cx.function().body.blocks.iter();
        Simulation {
            cx,
            extent,
            graph: Graph {
                nodes: Vec::new(),
                exits: Vec::new(),
                complete: true,
            },
            points: blocks.map(|_| Point::default()).collect(),
            work: BinaryHeap::new(),
        }
    }

    /// Adds the node with which the simulation starts. It belongs to no group.
    fn start(&mut self, block: BlockId, root: Arrival) {
        let hash = hash_of(&root.state);
        self.push(block, root, hash);
    }

    /// Adds a node for a state that arrived. If the states of its group change too often, the
    /// simulation ends.
    fn add(&mut self, block: BlockId, arrival: Arrival, partition: Partition, hash: u64) {
        let group = self.points[block.index()].groups.entry(partition);
        let group = group.or_default();
        group.changes += 1;
        if group.changes > CHANGES {
            self.graph.complete = false;
            return;
        }
        group.nodes.push(self.graph.nodes.len());
        self.push(block, arrival, hash);
    }

    fn push(&mut self, block: BlockId, arrival: Arrival, hash: u64) {
        let id = self.graph.nodes.len();
        let point = &mut self.points[block.index()];
        point.note(&self.graph.nodes, hash, &arrival.state, id);
        self.graph.nodes.push(Node {
            block,
            state: arrival.state,
            parents: arrival.parents,
            superseded: false,
        });
        self.work
            .push(Reverse((self.cx.live.order[block.index()], id)));
    }
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

    /// Simulates a function from a block on, within an extent.
    pub fn simulate_towards(
        &mut self,
        cx: &Rc<FnContext>,
        start: BlockId,
        entry: State,
        extent: Extent<'_>,
    ) -> Graph {
        let _doing = self.library.follows(cx.func);
        if self.watches.values.is_some() {
            for (i, v) in entry.env.iter() {
                let local = LocalId(u32::try_from(i).expect("fewer than 2^32 locals"));
                self.note_name(cx, local, v);
            }
        }
        let mut run = Simulation::new(cx, extent);
        let root = Arrival {
            state: Rc::new(entry),
            parents: Vec::new(),
        };
        run.start(start, root);
        while let Some(Reverse((_, id))) = run.work.pop() {
            if !run.graph.complete {
                break;
            }
            let node = &run.graph.nodes[id];
            if node.superseded {
                continue;
            }
            if !self
                .budget
                .pay(node.state.heap.len() + node.state.facts.len())
            {
                run.graph.complete = false;
                break;
            }
            let (block, state) = (node.block, node.state.clone());
            for s in self.step(cx, block, &state) {
                match s.target {
                    Target::Exit(kind, value) => run.graph.exits.push(Exit {
                        kind,
                        value,
                        state: s.state,
                        block,
                        node: id,
                    }),
                    Target::Block(b) if extent.wanted.is_some_and(|w| w.is_done(b)) => {}
                    Target::Block(b) => self.arrive(&mut run, b, s.state, id),
                }
            }
        }
        run.graph
    }

    /// Handles a state that arrives at a block. A state that is known there is dropped; any other
    /// becomes a node, perhaps joined with others.
    fn arrive(&mut self, run: &mut Simulation<'_>, block: BlockId, mut state: State, from: usize) {
        let (cx, Extent { bounds, wanted }) = (run.cx, run.extent);
        self.settle(cx, block, &mut state);
        self.turn(cx, block, &mut state, wanted);
        let head = cx.function().body.block(block).loop_head;
        if head {
            state = state.canonical(&mut self.terms);
        }
        let arrived = Rc::new(state);
        let hash = hash_of(&arrived);
        let point = &mut run.points[block.index()];
        if let Some(known) = point.known(&run.graph.nodes, hash, &arrived) {
            run.graph.link(known, &[from]);
            return;
        }
        let partition = self.partition(cx, block, &arrived);
        let group = point.groups.entry(partition.clone()).or_default();
        group.visits += 1;
        if group.visits > VISITS {
            run.graph.complete = false;
            return;
        }
        let visits = match head {
            true => bounds.loop_visits,
            false => bounds.point_visits,
        };
        let mut arrival = Arrival {
            state: Rc::clone(&arrived),
            parents: vec![from],
        };
        let (graph, site) = (&mut run.graph, join_site(cx, block));
        let is_new = if group.visits > visits {
            self.widen(graph, group, site, &mut arrival)
        } else if group.nodes.len() >= bounds.states_per_key {
            self.merge_with_closest(graph, group, (site, head), &mut arrival)
        } else {
            true
        };
        if !is_new {
            return;
        }
        arrival.parents.sort_unstable();
        arrival.parents.dedup();
        let (hash, partition) = if Rc::ptr_eq(&arrived, &arrival.state) {
            (hash, partition)
        } else {
            let (state, nodes) = (&arrival.state, &run.graph.nodes);
            let hash = hash_of(state);
            let known = run.points[block.index()].known(nodes, hash, state);
            if let Some(known) = known.filter(|known| !nodes[*known].superseded) {
                run.graph.link(known, &arrival.parents);
                return;
            }
            (hash, self.partition(cx, block, state))
        };
        run.add(block, arrival, partition, hash);
    }

    /// Joins all states of a group with an arriving one. Returns false if one of them covers the
    /// others and the arrival, so that nothing new is known.
    fn widen(
        &mut self,
        graph: &mut Graph,
        group: &mut Group,
        site: Site,
        arrival: &mut Arrival,
    ) -> bool {
        self.budget.widenings += 1;
        let mut same_as = None;
        for id in std::mem::take(&mut group.nodes) {
            let before = graph.nodes[id].state.clone();
            let joined = self.join(&before, &arrival.state, site, true);
            let joined = joined.canonical(&mut self.terms);
            arrival.parents.extend(&graph.nodes[id].parents);
            graph.nodes[id].superseded = true;
            if joined == *before {
                same_as = Some(id);
            }
            arrival.state = Rc::new(joined);
        }
        let Some(id) = same_as.filter(|id| *graph.nodes[*id].state == *arrival.state) else {
            return true;
        };
        graph.nodes[id].superseded = false;
        graph.link(id, &arrival.parents);
        group.nodes.push(id);
        false
    }

    /// Joins an arriving state with the most similar state of a full group. Returns false if that
    /// state covers it.
    fn merge_with_closest(
        &mut self,
        graph: &mut Graph,
        group: &mut Group,
        (site, head): (Site, bool),
        arrival: &mut Arrival,
    ) -> bool {
        self.budget.merges += 1;
        let (at, id) = group
            .nodes
            .iter()
            .copied()
            .enumerate()
            .min_by_key(|(_, id)| graph.nodes[*id].state.distance(&arrival.state))
            .expect("a full group is not empty");
        let before = graph.nodes[id].state.clone();
        let mut joined = self.join(&before, &arrival.state, site, head);
        if head {
            joined = joined.canonical(&mut self.terms);
        }
        if joined == *before {
            graph.link(id, &arrival.parents);
            return false;
        }
        arrival.parents.extend(&graph.nodes[id].parents);
        graph.nodes[id].superseded = true;
        group.nodes.remove(at);
        arrival.state = Rc::new(joined);
        true
    }

    /// Whether the engine's doubts about a watched place matter.
    pub(super) fn has_doubts(&self) -> bool {
        self.watches.places.is_some() || self.deeds.is_some()
    }

    /// Drops everything from a state that does not matter from a block on.
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

    /// The canonical inputs that the state still mentions. Its caller can see them.
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
        // Keep "it ran at least once" apart from "it never ran": only the former has what the loop
        // puts into a place or into a returned list. For a place, the number of iterations matters,
        // too.
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
        let holders = self.holders(state);
        let presence = self.presence(state);
        let zero = presence == Presence::Present
            && self.watches.values.is_some()
            && self
                .stored(state)
                .is_some_and(|v| self.terms.literal(v) == Some(&Literal::Int(0)));
        let handles = state.env.iter();
        let handles = handles.filter(|(_, v)| {
            holders.contains(v)
                || self.terms.term(*v).is_callable()
                || self.is_of_known_class(state, *v)
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

    /// Whether the methods of a value are known, or the value is a generator. Joined with another
    /// value, it would lose that.
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
