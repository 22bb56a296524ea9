//! The fixpoint over one function: property simulation with a worklist in reverse postorder.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::rc::Rc;

use rustc_hash::FxHashMap;

use crate::engine::budget::{LOOP_VISITS, POINT_VISITS, STATES_PER_KEY, VISITS};
use crate::engine::eval::{Flow, Via};
use crate::engine::fact::Fact;
use crate::engine::iterate::Advance;
use crate::engine::state::{Cell, Slot, State};
use crate::engine::value::{Site, Term, Value};
use crate::engine::{Engine, FnContext, Presence};
use crate::ir::{BlockId, LocalKind, Operand, Rvalue, TerminatorKind, Unwind};

/// How a function is left.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ExitKind {
    /// Normally.
    Return,
    /// By an exception.
    Raise,
    /// Suspended at a `yield` in this block.
    Yield(BlockId),
}

/// Where a step leads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Target {
    Block(BlockId),
    Exit(ExitKind, Value),
}

/// What happened on a step, for the wording of a path.
#[derive(Clone)]
pub enum Edge {
    /// Nothing worth telling.
    Flow,
    /// A branch whose other side was possible as well.
    Decision(bool),
    /// A loop over a collection went round, or ended.
    Loop(bool),
    /// The terminator raised.
    Raised,
    /// A function of the program was left by one of its exits.
    Called(Via),
    /// The same, and the exit was an exception.
    CallRaised(Via),
}

/// One successor of an abstract state.
pub(crate) struct Successor {
    pub(crate) target: Target,
    pub(crate) state: State,
    pub(crate) edge: Edge,
}

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

/// What states must agree on to be merged.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Partition {
    presence: Presence,
    flags: u32,
    completion: Vec<Option<Value>>,
    /// How far the running loops have come.
    positions: Vec<Value>,
}

#[derive(Default)]
struct Point {
    known: FxHashMap<Rc<State>, usize>,
    groups: FxHashMap<Partition, Group>,
}

#[derive(Default)]
struct Group {
    nodes: Vec<usize>,
    visits: usize,
}

impl Engine<'_> {
    /// Simulates a function from a block on.
    pub fn simulate(&mut self, cx: &Rc<FnContext>, start: BlockId, entry: State) -> Graph {
        let n = cx.function().body.blocks.len();
        let mut points: Vec<Point> = (0..n).map(|_| Point::default()).collect();
        let mut graph = Graph {
            nodes: Vec::new(),
            exits: Vec::new(),
            complete: true,
        };
        let mut work: BinaryHeap<Reverse<(u32, usize)>> = BinaryHeap::new();
        let root = Rc::new(entry);
        graph.nodes.push(Node {
            block: start,
            state: root.clone(),
            parents: Vec::new(),
            superseded: false,
        });
        points[start.index()].known.insert(root, 0);
        work.push(Reverse((cx.live.order[start.index()], 0)));
        while let Some(Reverse((_, id))) = work.pop() {
            if !graph.complete {
                break;
            }
            if graph.nodes[id].superseded {
                continue;
            }
            if !self.budget.pay() {
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
                    Target::Block(b) => {
                        self.arrive(cx, &mut graph, &mut points, &mut work, b, s.state, id)
                    }
                }
            }
        }
        graph
    }

    #[allow(clippy::too_many_arguments)]
    fn arrive(
        &mut self,
        cx: &Rc<FnContext>,
        graph: &mut Graph,
        points: &mut [Point],
        work: &mut BinaryHeap<Reverse<(u32, usize)>>,
        block: BlockId,
        mut state: State,
        from: usize,
    ) {
        self.settle(cx, block, &mut state);
        let head = cx.function().body.block(block).loop_head;
        if head {
            state = state.canonical(&mut self.terms);
        }
        let state = Rc::new(state);
        let point = &mut points[block.index()];
        if let Some(&known) = point.known.get(&state) {
            let parents = &mut graph.nodes[known].parents;
            if !parents.contains(&from) {
                parents.push(from);
            }
            return;
        }
        let partition = self.partition(cx, block, &state);
        let group = points[block.index()].groups.entry(partition).or_default();
        group.visits += 1;
        if group.visits > VISITS {
            graph.complete = false;
            return;
        }
        let widen = group.visits > if head { LOOP_VISITS } else { POINT_VISITS };
        let mut parents = vec![from];
        let mut state = state;
        if widen {
            // All states of the group become one.
            self.budget.widenings += 1;
            let old: Vec<usize> = group.nodes.drain(..).collect();
            let site = join_site(cx, block);
            let mut same_as = None;
            for id in old {
                let before = graph.nodes[id].state.clone();
                let joined = before
                    .join(&state, &mut self.terms, site, true)
                    .canonical(&mut self.terms);
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
        } else if group.nodes.len() >= STATES_PER_KEY {
            self.budget.merges += 1;
            let (at, _) = group
                .nodes
                .iter()
                .enumerate()
                .min_by_key(|(_, id)| graph.nodes[**id].state.distance(&state))
                .expect("a full group is not empty");
            let id = group.nodes[at];
            let before = graph.nodes[id].state.clone();
            let mut joined = before.join(&state, &mut self.terms, join_site(cx, block), head);
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
        if let Some(&known) = point.known.get(&state) {
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
        point.known.insert(state.clone(), id);
        let partition = self.partition(cx, block, &state);
        points[block.index()]
            .groups
            .entry(partition)
            .or_default()
            .nodes
            .push(id);
        graph.nodes.push(Node {
            block,
            state,
            parents,
            superseded: false,
        });
        work.push(Reverse((cx.live.order[block.index()], id)));
    }

    /// Drops from a state what is of no interest at a block.
    pub(crate) fn settle(&mut self, cx: &FnContext, block: BlockId, state: &mut State) {
        let locals = &cx.function().body.locals;
        let join = cx.live.predecessors[block.index()] > 1;
        for (i, decl) in locals.iter().enumerate() {
            if state.env[i].is_none()
                || matches!(decl.kind, LocalKind::Cells | LocalKind::OuterCells)
            {
                continue;
            }
            if !cx.live.local(block, i) || join && !cx.live.decides.contains(i) {
                state.env[i] = None;
            }
        }
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
        let completion = cx
            .function()
            .body
            .locals
            .iter()
            .enumerate()
            .filter(|(_, l)| l.kind == LocalKind::Completion)
            .map(|(i, _)| {
                if cx.live.local(block, i) {
                    state.env[i]
                } else {
                    None
                }
            })
            .collect();
        let position = Slot::Field("$position".into());
        let positions = state
            .heap
            .iter()
            .filter(|((_, slot), _)| *slot == position)
            .filter_map(|(_, cell)| match cell {
                Cell::Has(v) => Some(*v),
                Cell::Absent => None,
            })
            .collect();
        Partition {
            presence: self.presence(state),
            flags: state.flags,
            completion,
            positions,
        }
    }

    /// Executes one block on one state.
    pub(crate) fn step(&mut self, cx: &FnContext, block: BlockId, state: &State) -> Vec<Successor> {
        let function = cx.module.ir.function(cx.func.func);
        let b = function.body.block(block);
        let mut states = vec![state.clone()];
        for (i, s) in b.statements.iter().enumerate() {
            let site = Site {
                func: cx.func,
                block: block.0,
                index: u32::try_from(i).unwrap_or(u32::MAX),
                part: 0,
            };
            let mut next = Vec::with_capacity(states.len());
            for st in states {
                next.extend(self.execute(cx, st, s, site));
            }
            states = next;
        }
        let index = u32::try_from(b.statements.len()).unwrap_or(u32::MAX);
        let site = Site {
            func: cx.func,
            block: block.0,
            index,
            part: 0,
        };
        let mut out = Vec::new();
        for st in states {
            self.terminate(cx, &b.terminator.kind, st, site, block, &mut out);
        }
        out
    }

    fn raise_to(
        &mut self,
        mut state: State,
        exc: Value,
        unwind: Option<&Unwind>,
        edge: Edge,
        out: &mut Vec<Successor>,
    ) {
        match unwind {
            Some(u) => {
                state.env[u.exc.index()] = Some(exc);
                out.push(Successor {
                    target: Target::Block(u.target),
                    state,
                    edge,
                });
            }
            None => out.push(Successor {
                target: Target::Exit(ExitKind::Raise, exc),
                state,
                edge,
            }),
        }
    }

    #[allow(clippy::too_many_lines)]
    fn terminate(
        &mut self,
        cx: &FnContext,
        t: &TerminatorKind,
        mut state: State,
        site: Site,
        block: BlockId,
        out: &mut Vec<Successor>,
    ) {
        let goto = |b: BlockId, state: State, edge: Edge| Successor {
            target: Target::Block(b),
            state,
            edge,
        };
        match t {
            TerminatorKind::Goto(b) => out.push(goto(*b, state, Edge::Flow)),
            TerminatorKind::Branch {
                cond,
                then,
                otherwise,
                ..
            } => {
                let v = self.operand(&mut state, cond, site);
                let v = state.snapshot(v);
                let mut no = state.clone();
                let yes_possible = self.assume(&mut state, v, true);
                let no_possible = self.assume(&mut no, v, false);
                let open = yes_possible && no_possible;
                let edge = |taken: bool| {
                    if open {
                        Edge::Decision(taken)
                    } else {
                        Edge::Flow
                    }
                };
                if yes_possible {
                    out.push(goto(*then, state, edge(true)));
                }
                if no_possible {
                    out.push(goto(*otherwise, no, edge(false)));
                }
            }
            TerminatorKind::Switch { on, cases } => {
                let v = state.env[on.index()];
                let known = v.and_then(|v| self.terms.literal(v)).cloned();
                for (l, b) in cases {
                    if known.as_ref().is_none_or(|k| k == l) {
                        out.push(goto(*b, state.clone(), Edge::Flow));
                    }
                }
            }
            TerminatorKind::Eval {
                dest,
                rvalue,
                normal,
                unwind,
            } => {
                let fallible_operator = matches!(
                    rvalue,
                    Rvalue::GetField(..)
                        | Rvalue::Binary(..)
                        | Rvalue::InPlace(..)
                        | Rvalue::Neg(_)
                        | Rvalue::Compare(..)
                );
                if fallible_operator {
                    self.raise_from_operator(rvalue, &state, unwind.as_ref(), site, out);
                }
                for o in self.eval(cx, state, rvalue, site) {
                    match o.flow {
                        Flow::Normal(v) => {
                            let mut st = o.state;
                            if let Some(d) = dest {
                                st.env[d.index()] = Some(v);
                            }
                            let edge = o.via.map_or(Edge::Flow, Edge::Called);
                            out.push(goto(*normal, st, edge));
                        }
                        Flow::Raise(e) => {
                            let edge = o.via.map_or(Edge::Raised, Edge::CallRaised);
                            self.raise_to(o.state, e, unwind.as_ref(), edge, out);
                        }
                    }
                }
            }
            TerminatorKind::DelItem {
                object,
                key,
                normal,
                unwind,
            } => {
                let o = self.operand(&mut state, object, site);
                let k = self.operand(&mut state, key, site);
                let kind = state.kind(&self.terms, o);
                let there = self.item_state(&state, o, k);
                let missing = kind.is_dict() && there == Some(crate::engine::state::Cell::Absent);
                let present = matches!(there, Some(crate::engine::state::Cell::Has(_)));
                if !present {
                    let mut failed = state.clone();
                    let class = self.terms.external(if kind.is_dict() {
                        "KeyError"
                    } else {
                        "LookupError"
                    });
                    let e = self.exception(
                        &mut failed,
                        class,
                        kind.is_dict(),
                        Site { part: 1, ..site },
                    );
                    self.raise_to(failed, e, unwind.as_ref(), Edge::Raised, out);
                }
                if !missing {
                    self.remove_item(&mut state, o, k, site);
                    out.push(goto(*normal, state, Edge::Flow));
                }
            }
            TerminatorKind::ForNext {
                iter,
                dest,
                body,
                exhausted,
                unwind,
            } => {
                let it = self.operand(&mut state, &Operand::Local(*iter), site);
                let steps = self.advance(cx, state, it, site);
                let open = steps
                    .iter()
                    .filter(|a| !matches!(a, Advance::Raised(..)))
                    .count()
                    > 1;
                for a in steps {
                    match a {
                        Advance::Item(mut s, v) => {
                            s.env[dest.index()] = Some(v);
                            out.push(goto(
                                *body,
                                s,
                                if open { Edge::Loop(true) } else { Edge::Flow },
                            ));
                        }
                        Advance::Done(s) => {
                            out.push(goto(
                                *exhausted,
                                s,
                                if open { Edge::Loop(false) } else { Edge::Flow },
                            ));
                        }
                        Advance::Raised(s, e) => {
                            self.raise_to(s, e, unwind.as_ref(), Edge::Raised, out)
                        }
                    }
                }
            }
            TerminatorKind::Yield { value, .. } => {
                let v = self.operand(&mut state, value, site);
                // Only what the resumed function can still read goes into the frame.
                let locals = state.env.len();
                for i in 0..locals {
                    let mut live = false;
                    t.for_each_successor(|s| live |= cx.live.local(s, i));
                    let kind = cx.function().body.locals[i].kind;
                    if !live && !matches!(kind, LocalKind::Cells | LocalKind::OuterCells) {
                        state.env[i] = None;
                    }
                }
                out.push(Successor {
                    target: Target::Exit(ExitKind::Yield(block), v),
                    state,
                    edge: Edge::Flow,
                });
            }
            TerminatorKind::Return { value, .. } => {
                let v = self.operand(&mut state, value, site);
                out.push(Successor {
                    target: Target::Exit(ExitKind::Return, v),
                    state,
                    edge: Edge::Flow,
                });
            }
            TerminatorKind::Raise { exc, unwind } => {
                let mut e = self.operand(&mut state, exc, site);
                match self.terms.term(e).clone() {
                    Term::Class(_) | Term::External(_) => {
                        e = self.exception(&mut state, e, true, site)
                    }
                    _ => {
                        if state.fact(e).is_none() {
                            let class = self.terms.external("Exception");
                            state.facts.insert(e, {
                                let mut f = Fact::of_kind(crate::engine::fact::Kind::Exception);
                                f.is.push(class);
                                f
                            });
                        }
                    }
                }
                self.raise_to(state, e, unwind.as_ref(), Edge::Raised, out);
            }
            TerminatorKind::Unreachable => {}
        }
    }

    /// The exception of an attribute load or an operator, raised only into a handler that names
    /// it: the front end has seen to that.
    fn raise_from_operator(
        &mut self,
        r: &Rvalue,
        state: &State,
        unwind: Option<&Unwind>,
        site: Site,
        out: &mut Vec<Successor>,
    ) {
        let classes: &[&str] = match r {
            Rvalue::GetField(o, name) => {
                // An attribute that is known to be there.
                let mut st = state.clone();
                let v = self.operand(&mut st, o, site);
                let got = self.get_field(&st, v, name);
                if !matches!(self.terms.term(got), Term::Field(..)) {
                    return;
                }
                &["AttributeError"]
            }
            Rvalue::Compare(..) => &["TypeError"],
            _ => &[
                "TypeError",
                "ZeroDivisionError",
                "ValueError",
                "OverflowError",
            ],
        };
        for (i, c) in classes.iter().enumerate() {
            let mut failed = state.clone();
            let class = self.terms.external(c);
            let part = 30 + u32::try_from(i).unwrap_or(0);
            let e = self.exception(&mut failed, class, true, Site { part, ..site });
            self.raise_to(failed, e, unwind, Edge::Raised, out);
        }
    }
}

fn join_site(cx: &FnContext, block: BlockId) -> Site {
    Site {
        func: cx.func,
        block: block.0,
        index: u32::MAX,
        part: 0,
    }
}
