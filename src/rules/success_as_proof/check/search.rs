//! Which effects a status decides in a simulated function, and a path to each.

use std::rc::Rc;

use super::ended::is_end_of_any_kind;
use super::{Constants, Effect, EffectSite, FunctionCode, Work};
use crate::engine::budget::WITNESS_STEPS;
use crate::engine::flow::ExitKind;
use crate::engine::simulate::Graph;
use crate::engine::values::state::State;
use crate::engine::values::value::Value;
use crate::engine::witness::{End, EventKind, Goal, Paths, Witness};
use crate::engine::{Engine, FnContext, Test, ValueEvents};
use crate::ir::control::{ControlDependence, Edge};
use crate::ir::{BlockId, Operand, TerminatorKind};
use crate::program::FuncRef;
use crate::rules::success_as_proof::facts::Filling;
use crate::rules::success_as_proof::facts::flags::{
    ABOUT, FACT, FILTERED, GIVEN, LIST_MARKED, OTHER, OWN, PERFORMED, REPLY, is_proven, unproven,
};
use crate::rules::success_as_proof::report::SuccessPath;
use crate::rules::success_as_proof::vocabulary::Vocabulary;
use crate::rules::success_as_proof::watch::Watch;

/// The search in a simulated function.
pub(super) struct EffectSearch<'s, 'p> {
    pub(super) func: FuncRef,
    pub(super) code: &'s FunctionCode<'s>,
    pub(super) constants: Constants<'s>,
    pub(super) words: &'s Vocabulary,
    pub(super) control: &'s ControlDependence,
    pub(super) watch: &'s Watch<'s>,
    pub(super) engine: &'s mut Engine<'p>,
    pub(super) cx: &'s Rc<FnContext>,
    pub(super) graph: &'s Graph,
    pub(super) paths: Paths<'s>,
}

/// An effect that a status decides.
pub(super) struct Decided<'d> {
    site: &'d EffectSite,
    /// The block at whose entry the path is judged: that of the effect, or for a list of work the
    /// one to which a success goes instead.
    at: BlockId,
    /// The edges on which alone the success is known.
    edges: Vec<Edge>,
}

impl EffectSearch<'_, '_> {
    /// The blocks of the function that put units into a collection whatever their status: the
    /// collection says nothing about them.
    pub(super) fn loose_fillings(&mut self) -> Vec<Filling> {
        let mut fills = self.watch.fills();
        fills.retain(|(func, block)| *func == self.func && self.deciding_edges(*block).is_empty());
        fills
    }

    /// The edges that decide whether a block runs and on which alone a success is known.
    fn deciding_edges(&mut self, block: BlockId) -> Vec<Edge> {
        let mut edges = self.control.deciders(block);
        edges.retain(|edge| self.decides(*edge));
        edges
    }

    /// Whether a branch takes an edge because a success is known and unproven: from one state, a
    /// success is known on that edge and on no other. Where each state can go only one way, those
    /// that go another way must all know of none.
    fn decides(&mut self, edge: Edge) -> bool {
        let (mut only_here, mut only_elsewhere, mut known_elsewhere) = (false, false, false);
        let at = self.graph.nodes.iter();
        for node in at.filter(|n| n.block == edge.from && !n.is_superseded()) {
            let (mut here, mut proof_missing, mut elsewhere, mut known) =
                (false, false, false, false);
            for (to, flags) in self.engine.edges(self.cx, edge.from, &node.state) {
                if !self.control.successors(edge.from).contains(&to) {
                    continue;
                }
                if to == edge.to {
                    here = true;
                    proof_missing |= unproven(flags.rule);
                } else {
                    elsewhere = true;
                    known |= flags.rule & (FACT | PERFORMED) != 0;
                }
            }
            if elsewhere && proof_missing && !known && self.teaches(edge, &node.state) {
                return true;
            }
            only_here |= here && !elsewhere && proof_missing;
            only_elsewhere |= elsewhere && !here;
            known_elsewhere |= known;
        }
        only_here && only_elsewhere && !known_elsewhere
    }

    /// Whether a branch that is taken along an edge teaches a success by itself, whatever was known
    /// before: perhaps of something else.
    fn teaches(&mut self, edge: Edge, state: &State) -> bool {
        if state.flags.rule & FACT == 0 {
            return true;
        }
        let mut ignorant = state.clone();
        ignorant.flags.rule &= !ABOUT;
        let edges = self.engine.edges(self.cx, edge.from, &ignorant);
        let mut taken = edges.into_iter().filter(|(to, _)| *to == edge.to);
        taken.any(|(_, flags)| unproven(flags.rule))
    }

    /// The effect at a site, if a status decides it.
    pub(super) fn decided<'d>(
        &mut self,
        site: &'d EffectSite,
        work: &Work<'_>,
    ) -> Option<Decided<'d>> {
        if let Effect::Queues { .. } = site.effect {
            return self.kept_out(site);
        }
        let answers = match site.effect {
            Effect::Answers { yes } => self.answers(site.block, yes),
            _ => PredicateExits::default(),
        };
        let mut edges = self.deciding_edges(site.block);
        if site.effect.only_skips() {
            edges.retain(|edge| !is_end_of_any_kind(self.code, self.words, self.constants, *edge));
        }
        let decided = match site.effect {
            Effect::Answers { yes } => {
                answers.unproven_yes
                    && (answers.ignorant_no || !edges.is_empty())
                    && !self.asks_for_end(yes)
            }
            Effect::Skips { round } => edges.iter().any(|e| work.is_skipped(*e, site, round)),
            Effect::Marks { .. } | Effect::Says | Effect::Queues { .. } => !edges.is_empty(),
        };
        if !decided || self.knows_of_none(site) {
            return None;
        }
        Some(Decided {
            site,
            at: site.block,
            edges,
        })
    }

    /// Whether a block leads to another within an iteration of the loops around it.
    fn leads_to(&self, from: BlockId, to: BlockId) -> bool {
        let heads = self.code.loop_heads();
        from == to || self.control.reachable(from, &heads).contains(&to)
    }

    /// Whether a comparison of a count decides, with others, that the effect is reached, and does not
    /// rule it out: `if run.rows > 0 or day in holidays`. Then the program knows what it does.
    fn knows_of_none(&self, site: &EffectSite) -> bool {
        let body = &self.code.function.body;
        let compares_count = |block: BlockId| match &body.block(block).terminator.kind {
            TerminatorKind::Branch { cond, .. } => {
                let names = self.code.all_names(cond);
                names.iter().any(|name| self.words.is_count(name))
            }
            _ => false,
        };
        self.control.deciders(site.block).into_iter().any(|edge| {
            compares_count(edge.from)
                && self.control.successors(edge.from).len() > 1
                && self
                    .control
                    .successors(edge.from)
                    .iter()
                    .all(|to| self.leads_to(*to, site.block))
        })
    }

    /// The same for a list of work, where it is the other way round: a success keeps the unit out.
    fn kept_out<'d>(&mut self, site: &'d EffectSite) -> Option<Decided<'d>> {
        let mut edges = self.control.deciders(site.block);
        // What an earlier iteration decided was about another unit.
        edges.retain(|edge| self.leads_to(edge.to, site.block));
        for edge in edges {
            for to in self.control.successors(edge.from) {
                let other = Edge {
                    from: edge.from,
                    to: *to,
                };
                if *to != edge.to && self.decides(other) {
                    return Some(Decided {
                        site,
                        at: *to,
                        edges: vec![other],
                    });
                }
            }
        }
        None
    }

    /// What is known when a predicate returns from a block; `yes` is the answer "done".
    fn answers(&mut self, block: BlockId, yes: bool) -> PredicateExits {
        let mut out = PredicateExits::default();
        let exits = self.graph.exits.iter();
        for e in exits.filter(|e| e.block == block && e.kind == ExitKind::Return) {
            if let Some(flags) = self.flags_if(&e.state, e.value, yes) {
                out.unproven_yes |= unproven(flags);
            }
            if let Some(flags) = self.flags_if(&e.state, e.value, !yes) {
                out.ignorant_no |= flags & (FACT | PERFORMED) == 0;
            }
        }
        out
    }

    /// Whether a predicate only asks whether a run has ended, or has begun: it answers "done" whatever a
    /// status says that is no success.
    fn asks_for_end(&mut self, yes: bool) -> bool {
        let graph = self.graph;
        let mut exits = [false; 2];
        for e in graph.exits.iter().filter(|e| e.kind == ExitKind::Return) {
            for answer in [yes, !yes] {
                let flags = self.flags_if(&e.state, e.value, answer);
                exits[usize::from(answer == yes)] |= flags.is_some_and(|f| f & OTHER != 0);
            }
        }
        exits == [false, true]
    }

    fn flags_if(&mut self, state: &State, value: Value, want: bool) -> Option<u32> {
        flags_if_returned(self.engine, self.watch, (self.func, state), value, want)
    }

    /// The flags with which a path to the effect is worth telling: a success is known, and nothing
    /// proves records.
    fn wanted(&self, effect: &Effect) -> impl Fn(u32) -> bool + use<> {
        let marks = matches!(effect, Effect::Marks { .. });
        // An object may say of itself that it is complete; what its users make of that is checked
        // there.
        let of_itself =
            matches!(effect, Effect::Answers { .. }) && self.code.function.name.starts_with("is_");
        // A setter stores the status that it is given, and when that was.
        let sets = matches!(effect, Effect::Marks { stored: true, .. });
        move |flags: u32| {
            unproven(flags)
                && !(of_itself && flags & OWN != 0)
                && !(sets && flags & GIVEN != 0)
                && (marks || flags & FACT != 0 && flags & (PERFORMED | REPLY) == 0)
        }
    }

    /// Whether some state of the simulation shows such a path. The answer of a predicate is not
    /// known before it returns, and at the head of a loop an iteration has been forgotten.
    pub(super) fn may_be_reached(&self, decided: &Decided<'_>) -> bool {
        let effect = &decided.site.effect;
        let wanted = self.wanted(effect);
        let mut arrivals = self.graph.nodes.iter().filter(|n| n.block == decided.at);
        matches!(effect, Effect::Answers { .. })
            || self.code.function.body.block(decided.at).loop_head
            || arrivals.any(|n| wanted(n.state.flags.rule))
    }

    /// A path that reaches the effect with a success known and nothing that proves records.
    pub(super) fn path(&mut self, decided: Decided<'_>) -> Option<SuccessPath> {
        let effect = &decided.site.effect;
        let fits = self.wanted(effect);
        match *effect {
            Effect::Answers { yes } => self.path_to_answer(decided, yes, &fits),
            Effect::Queues { .. } => {
                let from = decided.edges.first().map(|e| e.from);
                self.path_to_block(decided, from, &fits)
            }
            _ => self.path_to_block(decided, None, &fits),
        }
    }

    fn path_to_answer(
        &mut self,
        decided: Decided<'_>,
        yes: bool,
        fits: &dyn Fn(u32) -> bool,
    ) -> Option<SuccessPath> {
        let (watch, func) = (self.watch, self.func);
        let accept = |engine: &mut Engine<'_>, state: &State, value: Value| {
            flags_if_returned(engine, watch, (func, state), value, yes).is_some_and(fits)
        };
        let goal = Goal {
            end: End::Exit(ExitKind::Return),
            block: Some(decided.at),
            from: None,
            accept: &accept,
            steps: WITNESS_STEPS,
        };
        let Witness::Found(events, end) = self.paths.search(self.engine, &goal) else {
            return None;
        };
        let value = match &self.code.function.body.block(decided.at).terminator.kind {
            TerminatorKind::Return {
                value: Operand::Local(l),
                ..
            } => end.env.get(l.index()),
            _ => None,
        };
        let flags = value.and_then(|v| self.flags_if(&end, v, yes));
        Some(SuccessPath {
            events,
            edges: decided.edges,
            flags: flags.unwrap_or(end.flags.rule),
            queries: self.watch.queries(),
        })
    }

    fn path_to_block(
        &mut self,
        decided: Decided<'_>,
        from: Option<BlockId>,
        fits: &dyn Fn(u32) -> bool,
    ) -> Option<SuccessPath> {
        let accept = |_: &mut Engine<'_>, state: &State, _: Value| fits(state.flags.rule);
        let goal = Goal {
            end: End::Arrival,
            block: Some(decided.at),
            from,
            accept: &accept,
            steps: WITNESS_STEPS,
        };
        match self.paths.search(self.engine, &goal) {
            Witness::Found(events, end) => Some(SuccessPath {
                events,
                edges: decided.edges,
                flags: end.flags.rule,
                queries: self.watch.queries(),
            }),
            Witness::Infeasible | Witness::Unknown => None,
        }
    }

    /// Effects on whole lists, with a path to each: a set difference takes the units that succeeded
    /// out of the work, or a call marks all of them.
    pub(super) fn list_effects(&mut self) -> Vec<(EffectSite, SuccessPath)> {
        let filtered = Effect::Queues {
            list: "the work to do".to_owned(),
        };
        let marked = Effect::Marks {
            what: "a call with a list of successful units".to_owned(),
            registry: true,
            stored: false,
        };
        let effects = [(FILTERED, filtered), (LIST_MARKED, marked)];
        let found = effects.map(|(bit, effect)| self.list_effect(bit, effect));
        found.into_iter().flatten().collect()
    }

    /// Whether what the function takes out of a collection may be work to do.
    fn is_about_work(&self) -> bool {
        let subtracted = self.code.subtractions();
        let mut names = subtracted
            .iter()
            .flat_map(|(to, _)| self.code.variables(*to));
        names.any(|name| self.words.is_work_list(&name))
            || self.code.returns_work(self.words)
            || self.code.works(self.words)
    }

    fn list_effect(&mut self, bit: u32, effect: Effect) -> Option<(EffectSite, SuccessPath)> {
        if bit == FILTERED && !self.is_about_work() {
            return None;
        }
        let fits = move |flags: u32| flags & bit != 0 && !is_proven(flags);
        let mut exits = self.graph.exits.iter();
        let exit = exits.find(|e| e.kind == ExitKind::Return && fits(e.state.flags.rule))?;
        let accept = |_: &mut Engine<'_>, state: &State, _: Value| fits(state.flags.rule);
        let goal = Goal {
            end: End::Exit(exit.kind),
            block: None,
            from: None,
            accept: &accept,
            steps: WITNESS_STEPS,
        };
        let Witness::Found(events, end) = self.paths.search(self.engine, &goal) else {
            return None;
        };
        let told = events.iter().find(|e| {
            matches!(e.what, EventKind::Milestone(bits) if bits & bit != 0) && e.func == self.func
        });
        let span = match told {
            Some(event) => event.span,
            None => self.code.subtractions().first()?.1,
        };
        let site = EffectSite {
            block: BlockId::ENTRY,
            span,
            effect,
        };
        let path = SuccessPath {
            events,
            edges: Vec::new(),
            flags: end.flags.rule | FACT,
            queries: self.watch.queries(),
        };
        Some((site, path))
    }
}

/// What is known when a predicate answers.
#[derive(Default)]
struct PredicateExits {
    /// It can say "done" with a success known and unproven.
    unproven_yes: bool,
    /// It can say "not done" without knowing of a success.
    ignorant_no: bool,
}

/// The flags if a returned value has the truth `want`; `None` if it cannot have it.
fn flags_if_returned(
    engine: &mut Engine<'_>,
    watch: &Watch<'_>,
    (func, state): (FuncRef, &State),
    value: Value,
    want: bool,
) -> Option<u32> {
    let value = engine.payload_of_success(state, value)?;
    let condition = state.snapshot(value);
    let mut after = state.clone();
    if !engine.assume(&mut after, condition, want) {
        return None;
    }
    let test = Test {
        func,
        block: None,
        condition,
        outcome: want,
    };
    watch.on_test(engine, state, &mut after, test);
    Some(after.flags.rule)
}
