//! The state of each exit of a contract method, read off what a rule found out anyway.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashSet;

use super::entry::{ExitPoint, exit_point};
use super::obstacles::Obstacles;
use crate::diagnostics::Location;
use crate::engine::flow::ExitKind;
use crate::engine::simulate::Graph;
use crate::engine::values::state::State;
use crate::engine::values::value::{Term, Value};
use crate::engine::{Engine, FnContext, Presence};
use crate::ir::body::BranchRole;
use crate::ir::{
    Arg, ArgKind, BasicBlock, BlockId, Literal, Name, Operand, Rvalue, StatementKind,
    TerminatorKind,
};
use crate::order::Order as _;
use crate::outcome::{ExitState, MethodExit, RuledOut, Unset};
use crate::source::{FileId, Span};

/// How many steps in the graph of one method are taken; what lies further away is not found.
const MAX_STEPS: usize = 50_000;

/// How an exit is reached in one state.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::rules) enum Arrival {
    /// With the place set, at this exit of the graph.
    Set(usize),
    /// With the place unset, or it is not known.
    Unset,
    /// With a failure.
    Failure,
}

/// What keeps a contract on the way to an exit.
#[derive(Clone, Copy)]
pub(in crate::rules) struct Deeds<'a> {
    /// Whether it was done, in a state.
    pub(in crate::rules) done: &'a dyn Fn(&mut Engine<'_>, &State) -> bool,
    /// While it was not done.
    pub(in crate::rules) meanwhile: &'static str,
}

/// What a rule found out about how a function returns.
#[derive(Default)]
pub(in crate::rules) struct Returns {
    arrivals: BTreeMap<ExitPoint, Vec<Arrival>>,
    unset: BTreeMap<ExitPoint, Option<Unset>>,
}

impl Returns {
    /// An exit is reached.
    pub(in crate::rules) fn arrive(&mut self, point: ExitPoint, arrival: Arrival) {
        self.arrivals.entry(point).or_default().push(arrival);
    }

    /// A path leads to an exit with the place unset. `None` if it may be set.
    pub(in crate::rules) fn confirm(&mut self, point: ExitPoint, why: Option<Unset>) {
        let known = self.unset.entry(point).or_insert(why);
        *known = known.or(why);
    }

    /// The exits of the function, for places with these names.
    pub(in crate::rules) fn exits(
        self,
        engine: &mut Engine<'_>,
        cx: &FnContext,
        graph: &Graph,
        (names, deeds): (&[Name], Option<Deeds<'_>>),
    ) -> Vec<MethodExit> {
        let Some(file) = cx.module.file.as_ref().map(|file| file.id) else {
            return Vec::new();
        };
        let at = |span: Span| Location { file, span };
        let mut walk = Walk {
            cx,
            graph,
            names,
            steps: 0,
        };
        let mut out: Vec<MethodExit> = Vec::new();
        let mut set: Vec<(ExitPoint, usize)> = Vec::new();
        // Calls that raise are no exits of the list.
        let listed = |point: &ExitPoint| !(point.raising && point.implicit);
        for (point, arrivals) in self.arrivals.iter().filter(|(point, _)| listed(point)) {
            let mut set_at: BTreeSet<Span> = BTreeSet::new();
            for arrival in arrivals {
                if let Arrival::Set(exit) = arrival {
                    walk.what_set(engine, *exit, &mut set_at);
                }
            }
            let sometimes_set = arrivals.iter().any(|a| matches!(a, Arrival::Set(_)));
            let open = arrivals.contains(&Arrival::Unset);
            let state = match self.unset.get(point) {
                Some(Some(why)) => ExitState::NotSet {
                    why: *why,
                    sometimes_set,
                },
                Some(None) => ExitState::Unverified,
                None if sometimes_set => ExitState::Set,
                None if open => ExitState::Unverified,
                None => ExitState::Fails,
            };
            out.push(MethodExit {
                place: at(point.span),
                implicit: point.implicit,
                state,
                set_at: set_at.into_iter().map(at).collect(),
                ruled_out: RuledOut::default(),
            });
            // Merged states that lack the place came here: the graph does not show why that is no path.
            if state == ExitState::Set && !open {
                set.push((*point, out.len() - 1));
            }
        }
        let other = |span, state| MethodExit {
            place: at(span),
            implicit: false,
            state,
            set_at: Vec::new(),
            ruled_out: RuledOut::default(),
        };
        for span in walk.raises() {
            if !out.iter().any(|exit: &MethodExit| exit.place.span == span) {
                out.push(other(span, ExitState::Raises));
            }
        }
        let ends = walk.returns();
        if let Some(Deeds { done, meanwhile }) = deeds.filter(|_| !set.is_empty()) {
            let lacks = |state: &State| !done(engine, state);
            let obstacles = Obstacles::to_some((cx, file, graph), meanwhile, lacks);
            let stores = |block: &BasicBlock| walk.may_store(block);
            for (point, at) in set {
                // An exception leaves from where nothing returns.
                if let Some(blocks) = ends.get(&point) {
                    out[at].ruled_out = obstacles.before(engine, blocks, &stores);
                }
            }
        }
        let unreached = ends.iter().filter(|(point, _)| {
            !point.implicit && !out.iter().any(|exit| exit.place.span == point.span)
        });
        let unreached: Vec<_> = unreached.collect();
        for (span, ruled_out) in rule_out(engine, (cx, file, graph), &unreached) {
            out.push(MethodExit {
                ruled_out,
                ..other(span, ExitState::Unreached)
            });
        }
        out.order_by_key(|exit| (exit.implicit, exit.place.span));
        out
    }
}

/// What rules out all ways to exits that are not reached.
fn rule_out(
    engine: &mut Engine<'_>,
    (cx, file, graph): (&FnContext, FileId, &Graph),
    unreached: &[(&ExitPoint, &Vec<BlockId>)],
) -> Vec<(Span, RuledOut)> {
    if unreached.is_empty() {
        return Vec::new();
    }
    let obstacles = Obstacles::to_all(cx, file, graph);
    let each = unreached.iter().map(|(point, blocks)| {
        let ruled_out = obstacles.before(engine, blocks, &|_| false);
        (point.span, ruled_out)
    });
    each.collect()
}

/// Walks in the graph of one function.
struct Walk<'a> {
    cx: &'a FnContext,
    graph: &'a Graph,
    /// The keys and attributes of the watched places.
    names: &'a [Name],
    steps: usize,
}

impl Walk<'_> {
    fn block(&self, id: BlockId) -> &BasicBlock {
        self.cx.function().body.block(id)
    }

    /// The blocks that return, by the exits that they are.
    fn returns(&self) -> BTreeMap<ExitPoint, Vec<BlockId>> {
        let mut out: BTreeMap<ExitPoint, Vec<BlockId>> = BTreeMap::new();
        for (id, block) in (0u32..).zip(&self.cx.function().body.blocks) {
            if let TerminatorKind::Return { .. } = block.terminator.kind {
                let point = exit_point(self.cx, BlockId(id));
                out.entry(point).or_default().push(BlockId(id));
            }
        }
        out
    }

    /// Whether a block stores under the name of a watched place, or calls something with that name.
    fn may_store(&self, block: &BasicBlock) -> bool {
        let named = |arg: &Arg| match (&arg.kind, &arg.value) {
            (ArgKind::Keyword(name), _) => self.names.contains(name),
            (_, Operand::Const(Literal::Str(text))) => self.names.contains(text),
            _ => false,
        };
        let mut statements = block.statements.iter();
        let calls = matches!(
            &block.terminator.kind,
            TerminatorKind::Eval { rvalue: Rvalue::Call { args, .. }, .. } if args.iter().any(named)
        );
        calls || statements.any(|statement| self.is_named_store(&statement.kind))
    }

    /// Whether a statement stores under the name of a watched place.
    fn is_named_store(&self, statement: &StatementKind) -> bool {
        match statement {
            StatementKind::SetItem { key, .. } => {
                matches!(key, Operand::Const(Literal::Str(key)) if self.names.contains(key))
            }
            StatementKind::SetField { field, .. } => self.names.contains(field),
            _ => false,
        }
    }

    /// What set the place that is set at an exit, as far as it can be found.
    fn what_set(&mut self, engine: &mut Engine<'_>, exit: usize, out: &mut BTreeSet<Span>) {
        let exit = &self.graph.exits[exit];
        let mut seen: FxHashSet<usize> = FxHashSet::default();
        let mut work = vec![(exit.node, None)];
        while let Some((node, after)) = work.pop() {
            self.steps += 1;
            if self.steps > MAX_STEPS {
                return;
            }
            if !seen.insert(node) {
                continue;
            }
            let before = &self.graph.nodes[node];
            let next = after.map(|after: usize| &self.graph.nodes[after]);
            let state = next.map_or(&exit.state, |next| &*next.state);
            let renamed = next.is_some_and(|next| self.block(next.block).loop_head);
            match self.stored_in(engine, before.block, &before.state, state, renamed) {
                Some(span) => out.extend(Some(span).filter(|span| span.start < span.end)),
                None => work.extend(before.parents.iter().map(|parent| (*parent, Some(node)))),
            }
        }
    }

    /// Where a block sets the place, if it does. `before` is the state in which the block is
    /// entered, `after` one behind it. If that one is `renamed`, what did not change may have
    /// another name.
    fn stored_in(
        &self,
        engine: &mut Engine<'_>,
        block: BlockId,
        before: &State,
        after: &State,
        renamed: bool,
    ) -> Option<Span> {
        let was_there = engine.presence(before) == Presence::Present;
        let (old, new) = (engine.stored(before), engine.stored(after));
        if was_there && old == new {
            return None;
        }
        let block = self.block(block);
        let mut latest = block.statements.iter().rev();
        let named = latest.find(|s| self.is_named_store(&s.kind));
        if let Some(statement) = named {
            return Some(statement.span);
        }
        let merged = |v: Option<Value>| {
            v.is_some_and(|v| {
                let term = engine.terms.term(v);
                matches!(term, Term::Symbol(site, _) if site.index == u32::MAX)
            })
        };
        if was_there && (renamed || merged(new)) {
            return None;
        }
        if let TerminatorKind::Eval { .. } = block.terminator.kind {
            return Some(block.terminator.span);
        }
        let store = block.statements.iter().rev().find(|s| {
            matches!(
                s.kind,
                StatementKind::SetItem { .. }
                    | StatementKind::SetField { .. }
                    | StatementKind::Overwrite { .. }
            )
        });
        store.map(|statement| statement.span)
    }

    /// The statements that raise something that leaves the function.
    fn raises(&mut self) -> BTreeSet<Span> {
        let mut out = BTreeSet::new();
        let mut leaves: FxHashSet<usize> = FxHashSet::default();
        for exit in self
            .graph
            .exits
            .iter()
            .filter(|e| e.kind == ExitKind::Raise)
        {
            let terminator = &self.block(exit.block).terminator;
            if !matches!(terminator.kind, TerminatorKind::Raise { .. }) {
                continue;
            }
            if terminator.span.start < terminator.span.end {
                out.insert(terminator.span);
            } else {
                leaves.insert(exit.node);
            }
        }
        if leaves.is_empty() {
            return out;
        }
        // Back from where something is raised again, but not past what caught it.
        let mut seen: FxHashSet<usize> = FxHashSet::default();
        let mut work: Vec<usize> = leaves.into_iter().collect();
        while let Some(node) = work.pop() {
            self.steps += 1;
            if self.steps > MAX_STEPS {
                break;
            }
            if !seen.insert(node) {
                continue;
            }
            let to = self.graph.nodes[node].block;
            for parent in &self.graph.nodes[node].parents {
                let from = self.graph.nodes[*parent].block;
                let block = self.block(from);
                if ends_here(&block.terminator.kind, to) {
                    continue;
                }
                let raises = matches!(block.terminator.kind, TerminatorKind::Raise { .. });
                let span = block.terminator.span;
                if raises && span.start < span.end {
                    out.insert(span);
                } else {
                    work.push(*parent);
                }
            }
        }
        out
    }
}

/// Whether an exception that was raised earlier stops between a block and the next: it is caught,
/// or the block raises another one.
fn ends_here(kind: &TerminatorKind, to: BlockId) -> bool {
    match kind {
        TerminatorKind::Branch { then, role, .. } => {
            matches!(role, BranchRole::Handler | BranchRole::Swallow) && *then == to
        }
        TerminatorKind::Eval { unwind, .. }
        | TerminatorKind::DelItem { unwind, .. }
        | TerminatorKind::ForNext { unwind, .. }
        | TerminatorKind::Yield { unwind, .. } => unwind.is_some_and(|u| u.target == to),
        _ => false,
    }
}
