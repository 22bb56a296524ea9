//! The events on a path that was found, in order.

use std::rc::Rc;
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::diagnostics::Known;
use crate::engine::budget::WITNESS_STEPS;
use crate::engine::flow::{Edge, ExitKind, Via};
use crate::engine::loops::rounds::reaching;
use crate::engine::summaries::summary::Summary;
use crate::engine::values::state::State;
use crate::engine::values::value::Value;
use crate::engine::witness::remaining::Remaining;
use crate::engine::witness::unfold::{Hop, To};
use crate::engine::witness::{End, EventKind, Goal, Path, PathEvent, Paths, Round, Trail, Witness};
use crate::engine::{Engine, FnContext, Presence, WatchedPlace};
use crate::ir::body::BranchRole;
use crate::ir::{BlockId, Body, Literal, Name, Operand, Statement, StatementKind, TerminatorKind};
use crate::source::Span;

/// The nesting of helpers whose events are shown.
const MAX_DETAIL: usize = 3;

/// What a path shows of a helper that is left by one of its exits.
struct Inside {
    /// The events inside the helper, if it could also be left in a way that makes a difference.
    events: Option<Path>,
    /// Where the helper is left.
    left: Span,
    /// Kept alive so that no other summary gets its address.
    _summary: Rc<Summary>,
}

/// What is known about helpers, by the address of the summary and the index of the exit.
#[derive(Default)]
pub(super) struct Insides(FxHashMap<(*const Summary, usize), Inside>);

/// One step of a path that was found.
struct Leg {
    from: usize,
    hop: usize,
    /// The point that it leads to; `None` for the last step.
    to: Option<usize>,
}

impl Paths<'_> {
    /// The path to a point, with the final step from there.
    pub(super) fn path(
        &mut self,
        engine: &mut Engine<'_>,
        remaining: &Remaining,
        trails: &[Trail],
        (last, hop): (usize, usize),
    ) -> Path {
        let mut legs = vec![Leg {
            from: trails[last].point,
            hop,
            to: None,
        }];
        let mut at = last;
        while let Some((from, hop)) = trails[at].from {
            legs.push(Leg {
                from: trails[from].point,
                hop,
                to: Some(trails[at].point),
            });
            at = from;
        }
        legs.reverse();
        let points = legs.iter().map(|leg| &self.unfolding.points[leg.from]);
        let mut blocks: Vec<BlockId> = points.map(|point| point.block).collect();
        let point = &self.unfolding.points[trails[last].point];
        if let To::Block(entrance) = &engine.hops(&Rc::clone(&self.cx), point, self.wanted)[hop].to
        {
            blocks.push(entrance.at.0);
        }
        let mut out = Path::along(self.route(blocks));
        // The loops over collections that have run an iteration.
        let mut ran: FxHashSet<BlockId> = FxHashSet::default();
        for leg in legs {
            self.tell(engine, &leg, remaining, &mut ran, &mut out);
        }
        out
    }

    /// Appends the events of one step.
    fn tell(
        &mut self,
        engine: &mut Engine<'_>,
        leg: &Leg,
        remaining: &Remaining,
        ran: &mut FxHashSet<BlockId>,
        out: &mut Path,
    ) {
        let cx = Rc::clone(&self.cx);
        let outlook = self.outlook(engine);
        let point = &self.unfolding.points[leg.from];
        let (block, before) = (point.block, Rc::clone(&point.state));
        let hops = engine.hops(&cx, point, self.wanted);
        let Hop { edge, to } = &hops[leg.hop];
        let (to, after) = match (to, leg.to) {
            (To::Exit { .. }, _) => (None, None),
            (To::Block(entrance), None) => (Some(entrance.at.0), Some(&entrance.arriving)),
            (To::Block(entrance), Some(point)) => {
                let after = &*self.unfolding.points[point].state;
                (Some(entrance.at.0), Some(after))
            }
        };
        let t = &cx.function().body.block(block).terminator;
        let span = t.span;
        let func = cx.func;
        let first = self.entry.env.iter().next();
        let on_watched = cx.function().class.is_some() && first == Some((0, self.entry.watched));
        let known = engine.known(&cx, after.unwrap_or(&before), on_watched);
        let event = |span: Span, what: EventKind, matters: bool| PathEvent {
            func,
            span,
            what,
            matters,
            known: Arc::clone(&known),
        };
        let loss = |engine: &mut Engine<'_>| engine.loss(&cx, block, &before, after);
        let loss = match &hops[leg.hop].to {
            To::Block(entrance) if leg.to.is_some() => *entrance.loss.get_or_init(|| loss(engine)),
            _ => loss(engine),
        };
        if let Some(span) = loss {
            out.push(event(span, EventKind::Lost, true));
        }
        let risen = after.map_or(0, |after| {
            after.flags.rule & !before.flags.rule & engine.watches.milestones
        });
        let has_source = span.end > span.start;
        if risen != 0 && has_source {
            out.push(event(span, EventKind::Milestone(risen), true));
        }
        match decision(&t.kind, edge, to, ran.contains(&block)) {
            Some((what, other)) if has_source => {
                let (outlook, graph) = (&outlook, self.graph);
                let leads_elsewhere = |other| match what {
                    // From the body, the way goes on by the same block.
                    EventKind::Loop(Round::Never) => {
                        outlook.leads_from(&cx, graph, remaining, other)
                    }
                    _ => outlook.leads_around(&cx, graph, remaining, (other, block)),
                };
                out.push(event(span, what, !other.is_some_and(leads_elsewhere)));
            }
            Some(_) => {}
            None if has_source && self.decides_place(engine, &t.kind, to) => {
                if let TerminatorKind::Branch { then, role, .. } = t.kind {
                    out.push(event(
                        span,
                        EventKind::Decision(role, to == Some(then)),
                        true,
                    ));
                }
            }
            None => {
                if let Edge::Called(via) = edge
                    && self.depth < MAX_DETAIL
                {
                    self.tell_call(engine, via, (span, &known), out);
                }
            }
        }
        if let TerminatorKind::ForNext { body, .. } = t.kind
            && to == Some(body)
        {
            ran.insert(block);
        }
    }

    /// Whether the side that a path takes of a branch leads past all stores to the watched place, and
    /// the other side to one. Such a branch is told even if its outcome is known.
    fn decides_place(
        &self,
        engine: &Engine<'_>,
        terminator: &TerminatorKind,
        to: Option<BlockId>,
    ) -> bool {
        let TerminatorKind::Branch {
            then,
            otherwise,
            role,
            ..
        } = terminator
        else {
            return false;
        };
        let (Some(to), Some(places)) = (to, engine.watches.places) else {
            return false;
        };
        let other = if to == *then { *otherwise } else { *then };
        let stores = || leading_to_stores(&self.cx.function().body, places);
        let leads = self.to_stores.get_or_init(stores);
        !matches!(role, BranchRole::Handler | BranchRole::Swallow)
            && leads[other.index()]
            && !leads[to.index()]
    }

    /// Appends the events of a helper that the path goes through.
    fn tell_call(
        &mut self,
        engine: &mut Engine<'_>,
        via: &Via,
        (span, known): (Span, &Arc<[Known]>),
        out: &mut Path,
    ) {
        let callee = via.summary.key.func;
        let key = (Rc::as_ptr(&via.summary), via.exit);
        let depth = self.depth;
        let inside = self.insides.0.entry(key).or_insert_with(|| {
            let events = engine.inside(via, depth);
            Inside {
                left: engine.exit_span(via, events.is_some()),
                events,
                _summary: Rc::clone(&via.summary),
            }
        });
        let matters = inside.events.is_some();
        let event = |func, span, what, known| PathEvent {
            func,
            span,
            what,
            matters,
            known,
        };
        // What the helper knows of its values, the events inside it tell.
        let nothing = || Arc::from([]);
        out.push(event(
            self.cx.func,
            span,
            EventKind::Entered(callee),
            nothing(),
        ));
        if let Some(events) = &inside.events {
            out.follow(events);
        }
        out.push(event(
            callee,
            inside.left,
            EventKind::Left,
            Arc::clone(known),
        ));
    }
}

impl Engine<'_> {
    /// Where a helper is left: its `return` statement, or its name if it falls off the end or if it
    /// makes no difference by which exit it is left.
    fn exit_span(&mut self, via: &Via, matters: bool) -> Span {
        let cx = self.context(via.summary.key.func);
        let function = cx.function();
        let t = &function
            .body
            .block(via.summary.exits[via.exit].block)
            .terminator;
        match t.kind {
            TerminatorKind::Return {
                implicit: false, ..
            } if matters => t.span,
            _ => function.name_span,
        }
    }

    /// The events inside a helper, if it could also be left in a way that makes a difference.
    fn inside(&mut self, via: &Via, depth: usize) -> Option<Path> {
        let summary = via.summary.clone();
        let exit = &summary.exits[via.exit];
        let outcome = |engine: &mut Self, state: &State, value: Value| {
            (
                engine.presence(state),
                state.flags,
                engine.truth(state, value),
            )
        };
        let mine = outcome(self, &exit.state, exit.value);
        if mine.0 == Presence::Present && self.watches.milestones == 0 {
            return None;
        }
        let mut differs = false;
        for e in &summary.exits {
            if e.kind == ExitKind::Return {
                let (presence, flags, _) = outcome(self, &e.state, e.value);
                let risen = (flags.rule ^ mine.1.rule) & self.watches.milestones;
                differs |= presence != mine.0 || risen != 0;
            }
        }
        if !differs || exit.kind != ExitKind::Return {
            return None;
        }
        let cx = self.context(summary.key.func);
        let accept = move |engine: &mut Engine<'_>, state: &State, value: Value| {
            (
                engine.presence(state),
                state.flags,
                engine.truth(state, value),
            ) == mine
        };
        let goal = Goal {
            end: End::Exit(ExitKind::Return),
            block: Some(exit.block),
            from: None,
            accept: &accept,
            steps: WITNESS_STEPS,
        };
        let outer = std::mem::replace(&mut self.outer, summary.key.live.clone());
        self.stack.push(summary.key.clone());
        let bounds = self.helper_bounds();
        let entry = (*summary.key.entry).clone();
        let graph = self.simulate(&cx, summary.key.start, entry, bounds);
        let entry = (summary.key.start, &*summary.key.entry);
        let mut paths = Paths::new(&cx, entry, &graph, None);
        paths.depth = depth + 1;
        let found = paths.search(self, &goal);
        self.stack.pop();
        self.outer = outer;
        match found {
            Witness::Found(mut events, _) => {
                events.retain(|e| e.matters);
                Some(events)
            }
            _ => None,
        }
    }

    /// The statement or terminator of a block in which the watched key is lost, if it is.
    fn loss(
        &mut self,
        cx: &FnContext,
        block: BlockId,
        before: &State,
        after: Option<&State>,
    ) -> Option<Span> {
        let b = cx.function().body.block(block);
        let mut state = before.clone();
        let mut present = self.presence(&state) == Presence::Present;
        let mut lost = None;
        for (i, s) in b.statements.iter().enumerate() {
            state = self
                .execute(cx, state, s, cx.site(block, i))
                .into_iter()
                .next()?;
            let now = self.presence(&state) == Presence::Present;
            if present && !now {
                lost = Some(s.span);
            }
            present = now;
        }
        if let Some(after) = after
            && present
            && self.presence(after) != Presence::Present
        {
            lost = Some(b.terminator.span);
        }
        lost.filter(|s| s.end > s.start)
    }
}

/// The event of a step if the terminator decided something, and the block on the other side. If
/// there is no such block, the event matters in any case. `ran` tells whether the loop, if it is
/// one, has run an iteration before.
fn decision(
    terminator: &TerminatorKind,
    edge: &Edge,
    to: Option<BlockId>,
    ran: bool,
) -> Option<(EventKind, Option<BlockId>)> {
    match (terminator, edge) {
        (
            TerminatorKind::Branch {
                then,
                otherwise,
                role,
                ..
            },
            edge,
        ) => {
            let taken = match edge {
                Edge::Decision(taken) => *taken,
                _ => to == Some(*then),
            };
            let open = matches!(edge, Edge::Decision(_));
            let other = if taken { *otherwise } else { *then };
            match role {
                BranchRole::Handler if taken => Some((EventKind::Caught, None)),
                BranchRole::Swallow if taken => Some((EventKind::Swallowed, None)),
                BranchRole::Handler | BranchRole::Swallow => None,
                role => open.then_some((EventKind::Decision(*role, taken), Some(other))),
            }
        }
        (
            TerminatorKind::ForNext {
                body, exhausted, ..
            },
            Edge::Loop(again),
        ) => {
            let other = if *again { *exhausted } else { *body };
            let round = match again {
                true => Round::Runs,
                false if ran => Round::Ends,
                false => Round::Never,
            };
            Some((EventKind::Loop(round), Some(other)))
        }
        (_, Edge::Raised | Edge::CallRaised(_)) => Some((EventKind::Raised, None)),
        _ => None,
    }
}

/// The blocks from which a store under a key can be reached.
fn leading_to_stores(body: &Body, places: &[WatchedPlace]) -> Vec<bool> {
    let named = |name: &Name| places.iter().any(|place| place.slot.name() == name);
    let stores = |statement: &Statement| match &statement.kind {
        StatementKind::SetItem {
            key: Operand::Const(Literal::Str(stored)),
            ..
        } => named(stored),
        StatementKind::SetField { field, .. } => named(field),
        _ => false,
    };
    let blocks = (0u32..).zip(&body.blocks);
    let storing = blocks.filter(|(_, block)| block.statements.iter().any(stores));
    let storing = storing.map(|(at, _)| BlockId(at));
    reaching(&body.predecessors(), storing, |_, _| true)
}
