//! The state of each exit of a contract method, read off what a rule found out anyway.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashSet;

use super::entry::{ExitPoint, exit_point};
use crate::diagnostics::Location;
use crate::engine::flow::ExitKind;
use crate::engine::simulate::Graph;
use crate::engine::values::state::State;
use crate::engine::values::value::{Term, Value};
use crate::engine::{Engine, FnContext, Presence};
use crate::ir::body::BranchRole;
use crate::ir::{BasicBlock, BlockId, Literal, Name, Operand, StatementKind, TerminatorKind};
use crate::outcome::{ExitState, MethodExit, Unset};
use crate::source::Span;

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
        names: &[Name],
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
            });
        }
        let other = |span, state| MethodExit {
            place: at(span),
            implicit: false,
            state,
            set_at: Vec::new(),
        };
        for span in walk.raises() {
            if !out.iter().any(|exit: &MethodExit| exit.place.span == span) {
                out.push(other(span, ExitState::Raises));
            }
        }
        let blocks = (0u32..).zip(&cx.function().body.blocks);
        for (id, block) in blocks {
            let point = exit_point(cx, BlockId(id));
            let returns = matches!(block.terminator.kind, TerminatorKind::Return { .. });
            if returns && !point.implicit && !out.iter().any(|exit| exit.place.span == point.span) {
                out.push(other(point.span, ExitState::Unreached));
            }
        }
        out.sort_by_key(|exit| (exit.implicit, exit.place.span));
        out
    }
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
        let named = block.statements.iter().rev().find(|s| match &s.kind {
            StatementKind::SetItem { key, .. } => {
                matches!(key, Operand::Const(Literal::Str(key)) if self.names.contains(key))
            }
            StatementKind::SetField { field, .. } => self.names.contains(field),
            _ => false,
        });
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
