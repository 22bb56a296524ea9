//! Where the ways end that lead nowhere: edges of a control-flow graph that no state took, and since when it is known
//! that none does.
//!
//! An exit may be unreachable although the code has ways to it. Each of these ways leaves the blocks that were reached
//! by an edge that no state took. These edges are the barriers. The same holds for the states that lack something: then
//! only these count as reaching a block, and a way ends where the code provides what they lack.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;

use crate::engine::simulate::{Graph, Node};
use crate::engine::values::ghost::Ghost;
use crate::engine::values::state::State;
use crate::engine::values::value::{Site, Term, Value};
use crate::engine::{Engine, FnContext};
use crate::ir::validate::{for_each_terminator_use, for_each_use};
use crate::ir::{
    BasicBlock, BlockId, Body, Literal, LocalId, LocalKind, Operand, Rvalue, StatementKind,
    TerminatorKind,
};
use crate::source::Span;

/// A search for ways or reasons looks at no more places than this.
const MOST_PLACES: usize = 2_000;

/// More reasons explain nothing.
const MOST_REASONS: usize = 3;

/// An edge that no state took.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Barrier {
    /// The block at whose end it is decided.
    pub block: BlockId,
    /// Where it does not lead.
    pub to: BlockId,
    /// Whether no state takes it, and not only none of those that were asked about.
    pub always: bool,
}

/// What establishes how a later test comes out.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Since {
    /// The way goes from one block to another.
    Edge(BlockId, BlockId),
    /// A variable is given a value.
    Made(LocalId, Span),
}

/// The states of a graph that are asked about, and the edges that they took.
pub struct Ways<'g> {
    cx: &'g FnContext,
    graph: &'g Graph,
    /// The nodes whose states are asked about.
    open: Vec<bool>,
    /// The blocks in which there is one.
    reached: Vec<bool>,
    /// The edges that lead away from them.
    taken: FxHashSet<(BlockId, BlockId)>,
    /// All edges that some state took; filled by the first barrier.
    any: OnceCell<FxHashMap<BlockId, SmallVec<[BlockId; 2]>>>,
}

/// The completions that are pending, by their locals.
type Pending = Vec<(LocalId, Literal)>;

/// Something whose truth is followed back.
#[derive(Clone, Copy)]
struct Tracked {
    what: What,
    truth: bool,
}

#[derive(Clone, Copy)]
enum What {
    /// A value, and the variable that holds it.
    Value(Value, Option<LocalId>),
    /// The test of the block that is asked about.
    Test,
}

/// What the test of a block is made of.
struct Asks {
    block: BlockId,
    /// The variables that it reads.
    reads: BTreeSet<LocalId>,
    /// Whether its outcome depends on nothing else.
    is_pure: bool,
}

impl Asks {
    fn of(body: &Body, block: BlockId) -> Self {
        let mut reads = BTreeSet::new();
        let mut own = BTreeSet::new();
        let mut is_pure = true;
        let code = body.block(block);
        for statement in &code.statements {
            for_each_use(&statement.kind, &mut |local| {
                if !own.contains(&local) {
                    reads.insert(local);
                }
            });
            match &statement.kind {
                StatementKind::Assign(to, rvalue) => {
                    is_pure &= matches!(
                        rvalue,
                        Rvalue::Use(_)
                            | Rvalue::Global(_)
                            | Rvalue::Not(_)
                            | Rvalue::Neg(_)
                            | Rvalue::Binary(..)
                            | Rvalue::Compare(..)
                    );
                    own.insert(*to);
                }
                _ => is_pure = false,
            }
        }
        for_each_terminator_use(&code.terminator.kind, &mut |local| {
            if !own.contains(&local) {
                reads.insert(local);
            }
        });
        Self {
            block,
            reads,
            is_pure,
        }
    }
}

/// A search for ways to the ends through what was not reached.
struct Beyond<'a> {
    body: &'a Body,
    /// The blocks that were reached, each with the completions that were pending.
    reached: FxHashSet<(BlockId, Pending)>,
    ends: &'a [BlockId],
    provides: &'a dyn Fn(&BasicBlock) -> bool,
    /// From where no way leads to an end.
    dead: FxHashSet<(BlockId, Pending)>,
}

impl Beyond<'_> {
    /// Whether the code leads from a block to one of the ends, with one of these completions pending.
    fn leads(&mut self, to: BlockId, starts: &BTreeSet<Pending>) -> bool {
        let starts = starts.iter().map(|pending| (to, pending.clone()));
        let mut work: Vec<(BlockId, Pending)> = starts.collect();
        let mut seen: FxHashSet<(BlockId, Pending)> = FxHashSet::default();
        while let Some(place) = work.pop() {
            let (block, code) = (place.0, self.body.block(place.0));
            if self.reached.contains(&place)
                || self.dead.contains(&place)
                || (self.provides)(code)
                || !seen.insert(place.clone())
            {
                continue;
            }
            if self.ends.contains(&block) {
                return true;
            }
            if seen.len() > MOST_PLACES {
                return false;
            }
            let pending = completed(self.body, block, place.1);
            let mut go = |to| work.push((to, pending.clone()));
            match &code.terminator.kind {
                TerminatorKind::Switch { on, cases } => {
                    let known = pending.iter().find(|(local, _)| local == on);
                    let cases = cases.iter();
                    let cases =
                        cases.filter(|(case, _)| known.is_none_or(|(_, known)| known == case));
                    cases.for_each(|(_, to)| go(*to));
                }
                other => other.for_each_successor(go),
            }
        }
        self.dead.extend(seen);
        false
    }
}

/// How a value was known before a step.
enum Before {
    /// It was known already.
    Known(Tracked),
    /// The step established it.
    Learnt(Since),
    Untold,
}

impl<'g> Ways<'g> {
    /// The ways of the states for which `asked` holds. The graph must be complete.
    pub fn new(cx: &'g FnContext, graph: &'g Graph, mut asked: impl FnMut(&State) -> bool) -> Self {
        let open: Vec<bool> = graph.nodes.iter().map(|node| asked(&node.state)).collect();
        let mut reached = vec![false; cx.function().body.blocks.len()];
        let mut taken = FxHashSet::default();
        for (at, node) in graph.nodes.iter().enumerate() {
            reached[node.block.index()] |= open[at];
            let parents = node.parents.iter().filter(|parent| open[**parent]);
            taken.extend(parents.map(|parent| (graph.nodes[*parent].block, node.block)));
        }
        Self {
            cx,
            graph,
            open,
            reached,
            taken,
            any: OnceCell::new(),
        }
    }

    /// The barriers before one of these blocks, in the order of the blocks. A way ends at a block that
    /// `provides`.
    #[must_use]
    pub fn barriers(
        &self,
        engine: &Engine<'_>,
        ends: &[BlockId],
        provides: &dyn Fn(&BasicBlock) -> bool,
    ) -> Vec<Barrier> {
        let mut out = Vec::new();
        if ends.iter().all(|end| self.reached[end.index()]) {
            return out;
        }
        let mut search = Beyond {
            body: &self.cx.function().body,
            reached: self.places(engine),
            ends,
            provides,
            dead: FxHashSet::default(),
        };
        for (at, block) in (0u32..).zip(&search.body.blocks) {
            let from = BlockId(at);
            // Which completion is pending is no decision of the code.
            let is_switch = matches!(block.terminator.kind, TerminatorKind::Switch { .. });
            if !self.reached[from.index()] || is_switch || provides(block) {
                continue;
            }
            let mut next: SmallVec<[BlockId; 2]> = SmallVec::new();
            block.terminator.kind.for_each_successor(|to| next.push(to));
            next.dedup();
            next.retain(|to| !self.taken.contains(&(from, *to)));
            if next.is_empty() {
                continue;
            }
            let starts = self.at(from);
            let starts = starts.map(|(_, node)| pending(engine, self.cx, &node.state));
            let starts = starts.map(|pending| completed(search.body, from, pending));
            let starts: BTreeSet<Pending> = starts.collect();
            for to in next {
                if search.leads(to, &starts) {
                    let any = self.any.get_or_init(|| self.graph.edges());
                    out.push(Barrier {
                        block: from,
                        to,
                        always: !any.get(&from).is_some_and(|all| all.contains(&to)),
                    });
                }
            }
        }
        out
    }

    /// The blocks that were reached, each with the completions that were pending.
    fn places(&self, engine: &Engine<'_>) -> FxHashSet<(BlockId, Pending)> {
        let nodes = self.graph.nodes.iter().zip(&self.open);
        let open = nodes.filter(|(_, open)| **open);
        open.map(|(node, _)| (node.block, pending(engine, self.cx, &node.state)))
            .collect()
    }

    fn at(&self, block: BlockId) -> impl Iterator<Item = (usize, &Node)> {
        let nodes = self.graph.nodes.iter().enumerate();
        nodes.filter(move |(at, node)| self.open[*at] && node.block == block)
    }

    /// Since when it is known how the test at a barrier comes out, in the order of the blocks. Empty if that cannot be
    /// told.
    pub fn since(&self, engine: &mut Engine<'_>, barrier: Barrier) -> Vec<Since> {
        let Barrier {
            block: from, to, ..
        } = barrier;
        let asks = Asks::of(&self.cx.function().body, from);
        let mut work: Vec<(usize, Tracked)> = Vec::new();
        let nodes: Vec<usize> = self.at(from).map(|(at, _)| at).collect();
        for at in nodes {
            match self.tested(engine, at, to) {
                Tested::Known(tracked) => work.push((at, tracked)),
                Tested::Elsewhere => {}
                Tested::Untold => return Vec::new(),
            }
        }
        let mut out: BTreeSet<Since> = BTreeSet::new();
        let mut seen: FxHashSet<usize> = FxHashSet::default();
        while let Some((at, tracked)) = work.pop() {
            if !seen.insert(at) {
                continue;
            }
            let parents = &self.graph.nodes[at].parents;
            if parents.is_empty() || seen.len() > MOST_PLACES {
                return Vec::new();
            }
            for parent in parents {
                match self.before(engine, (*parent, at), tracked, &asks) {
                    Before::Known(tracked) => work.push((*parent, tracked)),
                    Before::Learnt(since) => drop(out.insert(since)),
                    Before::Untold => return Vec::new(),
                }
            }
        }
        match out.len() {
            0..=MOST_REASONS => out.into_iter().collect(),
            _ => Vec::new(),
        }
    }

    /// What the block of a node tests, as far as its outcome is known at the beginning of the block and rules out that
    /// it leads to another.
    fn tested(&self, engine: &mut Engine<'_>, at: usize, to: BlockId) -> Tested {
        let node = &self.graph.nodes[at];
        let block = self.cx.function().body.block(node.block);
        let Some(mut state) = self.behind(engine, node.block, &node.state) else {
            return Tested::Untold;
        };
        let site = self.cx.site(node.block, block.statements.len());
        let (value, local, truth) = match &block.terminator.kind {
            TerminatorKind::Branch { cond, then, .. } => {
                let value = engine.operand(&mut state, cond, site);
                let local = match cond {
                    Operand::Local(local) => Some(*local),
                    Operand::Const(_) => None,
                };
                (state.snapshot(value), local, *then != to)
            }
            TerminatorKind::ForNext { iter, body, .. } => {
                let Some(iterator) = state.env.get(iter.index()) else {
                    return Tested::Untold;
                };
                let position = state.ghost(iterator, Ghost::Position);
                match position.and_then(|position| engine.terms.literal(position)) {
                    Some(Literal::Int(0)) => {}
                    Some(_) => return Tested::Elsewhere,
                    None => return Tested::Untold,
                }
                let source = state.ghost(iterator, Ghost::Snapshot);
                match source.or(state.ghost(iterator, Ghost::Source)) {
                    Some(source) => (source, None, *body != to),
                    None => return Tested::Untold,
                }
            }
            _ => return Tested::Untold,
        };
        if engine.truth(&node.state, value) != Some(truth) {
            return Tested::Untold;
        }
        let held = local.and_then(|local| node.state.env.get(local.index()));
        let is_computed = engine.terms.literal(value).is_some() && held != Some(value);
        Tested::Known(Tracked {
            // What is known is computed at once, and its value says no more what it was computed from.
            what: match is_computed {
                true => What::Test,
                false => What::Value(value, local),
            },
            truth,
        })
    }

    /// The state behind the statements of a block, if there is one.
    fn behind(&self, engine: &mut Engine<'_>, block: BlockId, state: &State) -> Option<State> {
        let mut state = state.clone();
        let statements = &self.cx.function().body.block(block).statements;
        for (number, statement) in statements.iter().enumerate() {
            let site = self.cx.site(block, number);
            let mut next = engine.execute(self.cx, state, statement, site);
            state = next.pop().filter(|_| next.is_empty())?;
        }
        Some(state)
    }

    /// What was known at a node of what is known at one that follows.
    fn before(
        &self,
        engine: &mut Engine<'_>,
        (before, after): (usize, usize),
        tracked: Tracked,
        asks: &Asks,
    ) -> Before {
        let (before, after) = (&self.graph.nodes[before], &self.graph.nodes[after]);
        let block = self.cx.function().body.block(before.block);
        let Tracked { what, truth } = tracked;
        let learnt = || learnt(block, (before.block, after.block));
        match what {
            What::Test => {
                if !asks.is_pure {
                    return Before::Untold;
                }
                let mut made = asks.reads.iter().filter_map(|local| made(block, *local));
                if let Some(made) = made.next() {
                    return Before::Learnt(made);
                }
                let holds = |node: &Node, local: &LocalId| {
                    let value = node.state.env.get(local.index())?;
                    Some((value, node.state.snapshot(value)))
                };
                let mut reads = asks.reads.iter();
                let is_same = reads.all(|local| holds(before, local) == holds(after, local));
                match self.outcome(engine, asks, &before.state) == Some(truth) {
                    true => Before::Known(tracked),
                    false if is_same => learnt(),
                    false => Before::Untold,
                }
            }
            What::Value(value, local) => {
                let keeps = engine.terms.literal(value).is_none()
                    && self.keeps_names(engine, after.block, value);
                let made = local.and_then(|local| made(block, local));
                if keeps && engine.truth(&before.state, value) == Some(truth) {
                    return Before::Known(tracked);
                }
                if let Some(made) = made {
                    return Before::Learnt(made);
                }
                if keeps {
                    return learnt();
                }
                // The value tells nothing of the step before; what the variable held does.
                let held = local.and_then(|local| before.state.env.get(local.index()));
                match held {
                    Some(held) if engine.truth(&before.state, held) == Some(truth) => {
                        let what = What::Value(held, local);
                        Before::Known(Tracked { what, truth })
                    }
                    // The block does not change the variable, so its end is what told.
                    Some(_) => learnt(),
                    None => Before::Untold,
                }
            }
        }
    }

    /// How the test of a block would come out in another state.
    fn outcome(&self, engine: &mut Engine<'_>, asks: &Asks, state: &State) -> Option<bool> {
        let state = &mut self.behind(engine, asks.block, state)?;
        let block = self.cx.function().body.block(asks.block);
        let TerminatorKind::Branch { cond, .. } = &block.terminator.kind else {
            return None;
        };
        let site = self.cx.site(asks.block, block.statements.len());
        let value = engine.operand(state, cond, site);
        engine.truth(state, state.snapshot(value))
    }

    /// Whether a value is the same one in a state that arrives at a block and in the state there: joins and loops give
    /// other names to what was made on the way.
    fn keeps_names(&self, engine: &Engine<'_>, block: BlockId, value: Value) -> bool {
        let is_head = self.cx.function().body.block(block).loop_head;
        let mut leaves = engine.terms.leaves(value).iter();
        leaves.all(|leaf| match engine.terms.term(*leaf) {
            Term::Symbol(site, _) if *site == join_site(self.cx, block, site.part) => false,
            // What exists on entry is made at no statement.
            Term::Symbol(site, _) => !is_head || site.index == u32::MAX - 1,
            _ => true,
        })
    }
}

/// The site of what is made by joining states at a block.
fn join_site(cx: &FnContext, block: BlockId, part: u32) -> Site {
    Site {
        part,
        ..cx.site(block, usize::MAX)
    }
}

/// What a block tests.
enum Tested {
    /// The outcome is known where the block is entered.
    Known(Tracked),
    /// This state does not come from where the question is about: the loop runs already.
    Elsewhere,
    Untold,
}

/// The completions that are pending in a state.
fn pending(engine: &Engine<'_>, cx: &FnContext, state: &State) -> Pending {
    let locals = cx.live.completions.iter();
    let known = locals.filter_map(|local| {
        let literal = engine.terms.literal(state.env.get(*local)?)?;
        let number = u32::try_from(*local).ok()?;
        Some((LocalId(number), literal.clone()))
    });
    known.collect()
}

/// The completions that are pending behind a block.
fn completed(body: &Body, block: BlockId, mut pending: Pending) -> Pending {
    for statement in &body.block(block).statements {
        if let StatementKind::Assign(to, Rvalue::Use(Operand::Const(literal))) = &statement.kind
            && body.locals[to.index()].kind == LocalKind::Completion
        {
            pending.retain(|(local, _)| local != to);
            pending.push((*to, literal.clone()));
            pending.sort_unstable_by_key(|(local, _)| *local);
        }
    }
    pending
}

/// What the way from one block to the next establishes by a test.
fn learnt(block: &BasicBlock, (from, to): (BlockId, BlockId)) -> Before {
    let decides = match &block.terminator.kind {
        TerminatorKind::Branch {
            then, otherwise, ..
        } => then != otherwise,
        TerminatorKind::ForNext {
            body, exhausted, ..
        } => to == *body || to == *exhausted,
        _ => false,
    };
    match decides {
        true => Before::Learnt(Since::Edge(from, to)),
        false => Before::Untold,
    }
}

/// Where a block gives a value to a variable, the last time.
fn made(block: &BasicBlock, local: LocalId) -> Option<Since> {
    let terminator = &block.terminator;
    let by_terminator = match terminator.kind {
        TerminatorKind::Eval { dest, .. } | TerminatorKind::Yield { dest, .. } => dest,
        TerminatorKind::ForNext { dest, .. } => Some(dest),
        _ => None,
    };
    if by_terminator == Some(local) {
        return Some(Since::Made(local, terminator.span));
    }
    let mut latest = block.statements.iter().rev();
    let assigns = latest
        .find(|statement| matches!(statement.kind, StatementKind::Assign(to, _) if to == local));
    assigns.map(|statement| Since::Made(local, statement.span))
}
