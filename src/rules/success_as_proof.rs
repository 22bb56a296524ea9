//! `success-as-proof`: a run that ended well is not a run that processed something.
//!
//! Each function that contains an effect (it marks a unit as done, answers "already done", skips)
//! is simulated with an automaton that notes when a status is found to be success and when a count
//! of records is compared. An effect is reported when a status decides it (control dependence) and
//! some path comes to it with the status known and no count compared.

mod query;
mod sites;
mod watch;
mod words;

use std::rc::Rc;

use crate::diagnostics::{Finding, FindingBuilder, Location, Severity};
use crate::engine::fact::{Fact, Kind};
use crate::engine::simulate::{ExitKind, Graph};
use crate::engine::state::State;
use crate::engine::value::{Site, Term, Value};
use crate::engine::witness::{End, EventKind, Goal, PathEvent, Witness};
use crate::engine::{Automaton, Engine, FnContext, Test};
use crate::ir::control::{ControlDependence, Edge};
use crate::ir::{BlockId, FuncIdx, Literal, Operand, ParamKind, Rvalue, TerminatorKind};
use crate::program::{ClassRef, FuncRef, ModuleId, Program};
use crate::rules::{Effort, Rule, SuccessAsProof};
use crate::source::Span;
use sites::{Code, Effect, Place};
use watch::{EVIDENCE, FACT, FILTERED, PERFORMED, REPLY, STORED, Watch, unproven};
pub use words::Vocabulary;

/// What the configuration says about the rule.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The names it goes by.
    pub vocabulary: Vocabulary,
    /// Whether a comparison that lets a missing count pass is no evidence.
    pub strict_null: bool,
}

/// Checks the functions of a module.
pub fn check_module(
    program: &Program<'_>,
    module: ModuleId,
    options: &Options,
) -> (Vec<Finding>, Effort) {
    let mut findings = Vec::new();
    let mut effort = Effort::default();
    let loaded = program.module(module);
    for (i, function) in loaded.ir.functions.iter().enumerate() {
        let is_test = function.name.starts_with("test_") || function.name.starts_with('<');
        if is_test {
            continue;
        }
        let code = Code::new(function);
        let places = code.places(&options.vocabulary);
        if !code.can_know(&options.vocabulary, &places) {
            continue;
        }
        let func = FuncRef {
            module,
            func: FuncIdx(u32::try_from(i).expect("fewer than 2^32 functions")),
        };
        let mut check = Check::new(program, func, &code, &places, options);
        check.run(&mut findings, &mut effort);
    }
    (findings, effort)
}

/// The check of one function.
struct Check<'c, 'p> {
    program: &'c Program<'p>,
    func: FuncRef,
    code: &'c Code<'c>,
    places: &'c [Place],
    options: &'c Options,
    control: ControlDependence,
}

/// An effect that a status decides.
struct Decided<'c> {
    place: &'c Place,
    /// The block at whose entry the path is looked at: that of the effect, or for a list of work
    /// the one to which a success goes instead.
    at: BlockId,
}

impl<'c, 'p> Check<'c, 'p> {
    fn new(
        program: &'c Program<'p>,
        func: FuncRef,
        code: &'c Code<'c>,
        places: &'c [Place],
        options: &'c Options,
    ) -> Self {
        Check {
            program,
            func,
            code,
            places,
            options,
            control: ControlDependence::compute(&code.function.body),
        }
    }

    fn run(&mut self, findings: &mut Vec<Finding>, effort: &mut Effort) {
        let watch = Watch::new(&self.options.vocabulary, self.options.strict_null);
        let mut engine = Engine::new(self.program, &watch);
        let state = self.entry(&mut engine);
        let cx = engine.context(self.func);
        engine.budget.grant(self.code.function.body.blocks.len());
        let graph = engine.simulate(&cx, BlockId::ENTRY, state.clone());
        if !graph.complete {
            effort.account(&engine.budget);
            effort.given_up += 1;
            return;
        }
        effort.functions += 1;
        // A list that units get into whatever their status says nothing about them.
        let loose: Vec<(FuncRef, BlockId)> = watch
            .fills()
            .into_iter()
            .filter(|(f, b)| {
                *f == self.func && self.deciding(&mut engine, &cx, &graph, *b).is_empty()
            })
            .collect();
        watch.conclude(loose);
        let work = self.code.work(&self.options.vocabulary);
        let mut reported: Vec<(Span, &'static str)> = Vec::new();
        for place in self.places {
            for decided in self.decided(&mut engine, &cx, &graph, &watch, place, &work) {
                let found = self.search(&mut engine, &cx, &graph, &state, &watch, &decided);
                let Some((events, flags)) = found else {
                    effort.infeasible += 1;
                    continue;
                };
                if let Some(finding) = self.report(&watch, place, &events, flags)
                    && !reported.contains(&(finding.primary.location.span, finding.kind))
                {
                    reported.push((finding.primary.location.span, finding.kind));
                    findings.push(finding);
                }
            }
        }
        self.filters(&mut engine, &cx, &graph, &state, &mut reported, findings);
        effort.account(&engine.budget);
    }

    /// The state in which the function is entered: its parameters are anything.
    fn entry(&self, engine: &mut Engine<'_>) -> State {
        let function = self.code.function;
        let site = Site {
            func: self.func,
            block: 0,
            index: u32::MAX - 1,
            part: 0,
        };
        let receiver = engine.terms.make(Term::Symbol(site, 0));
        let mut state = State::new(0, receiver);
        if let Some(class) = function.class {
            let mut fact = Fact::of_kind(Kind::Object);
            fact.class = Some(ClassRef {
                module: self.func.module,
                class,
            });
            state.facts.insert(receiver, fact);
        }
        let mut given = Vec::new();
        for (i, p) in function.params.iter().enumerate() {
            if matches!(p.kind, ParamKind::Star | ParamKind::DoubleStar) {
                continue;
            }
            let part = 10 + u32::try_from(i).unwrap_or(0);
            let v = if i == 0 && function.class.is_some() && !engine.is_unbound(self.func) {
                receiver
            } else {
                engine.terms.make(Term::Symbol(Site { part, ..site }, 0))
            };
            given.push((p.name.clone(), v));
        }
        let env = engine.bind_names(&mut state, self.func, given, site);
        state.env = env;
        state
    }

    /// The edges that decide whether a block runs and on which alone a success is known.
    fn deciding(
        &self,
        engine: &mut Engine<'_>,
        cx: &Rc<FnContext>,
        graph: &Graph,
        block: BlockId,
    ) -> Vec<Edge> {
        self.control
            .deciders(block)
            .into_iter()
            .filter(|edge| {
                let (on, off) = self.known_on(engine, cx, graph, *edge);
                on && !off
            })
            .collect()
    }

    /// Whether a success can be known, and unproven, on an edge; and whether one is known on
    /// another edge of the same branch.
    fn known_on(
        &self,
        engine: &mut Engine<'_>,
        cx: &Rc<FnContext>,
        graph: &Graph,
        edge: Edge,
    ) -> (bool, bool) {
        let (mut on, mut off) = (false, false);
        for node in graph
            .nodes
            .iter()
            .filter(|n| n.block == edge.from && !n.is_superseded())
        {
            for (to, flags) in engine.edges(cx, edge.from, &node.state) {
                if !self.control.successors(edge.from).contains(&to) {
                    continue;
                }
                if to == edge.to {
                    on |= unproven(flags);
                } else {
                    off |= flags & (FACT | PERFORMED) != 0;
                }
            }
        }
        (on, off)
    }

    /// Whether a place is reached because of a status.
    fn decided(
        &self,
        engine: &mut Engine<'_>,
        cx: &Rc<FnContext>,
        graph: &Graph,
        watch: &Watch<'_>,
        place: &'c Place,
        work: &rustc_hash::FxHashSet<BlockId>,
    ) -> Vec<Decided<'c>> {
        let here = |at: BlockId| vec![Decided { place, at }];
        match &place.effect {
            Effect::Queues { .. } => {
                // The other way round: a success keeps the unit out of the list.
                for edge in self.control.deciders(place.block) {
                    for other in self.control.successors(edge.from) {
                        if *other == edge.to {
                            continue;
                        }
                        let other = Edge {
                            from: edge.from,
                            to: *other,
                        };
                        let (on, off) = self.known_on(engine, cx, graph, other);
                        if on && !off {
                            return here(other.to);
                        }
                    }
                }
                Vec::new()
            }
            Effect::Answers { yes } => {
                let mut split = (false, false);
                for e in graph.exits.iter().filter(|e| e.block == place.block) {
                    if e.kind != ExitKind::Return {
                        continue;
                    }
                    if let Some(f) = answer(engine, watch, self.func, &e.state, e.value, *yes) {
                        split.0 |= unproven(f);
                    }
                    if let Some(f) = answer(engine, watch, self.func, &e.state, e.value, !*yes) {
                        split.1 |= f & (FACT | PERFORMED) == 0;
                    }
                }
                if split.0 && (split.1 || !self.deciding(engine, cx, graph, place.block).is_empty())
                {
                    here(place.block)
                } else {
                    Vec::new()
                }
            }
            Effect::Skips { round } => {
                let edges = self.deciding(engine, cx, graph, place.block);
                let skips = edges.iter().any(|e| {
                    sites::skips_work(
                        &self.control,
                        self.code.function,
                        work,
                        e.from,
                        e.to,
                        place,
                        *round,
                    )
                });
                if skips { here(place.block) } else { Vec::new() }
            }
            Effect::Marks { .. } | Effect::Says => {
                if self.deciding(engine, cx, graph, place.block).is_empty() {
                    Vec::new()
                } else {
                    here(place.block)
                }
            }
        }
    }

    /// One path that comes to the effect with a success known and nothing that proves records.
    fn search(
        &self,
        engine: &mut Engine<'_>,
        cx: &Rc<FnContext>,
        graph: &Graph,
        state: &State,
        watch: &Watch<'_>,
        decided: &Decided<'_>,
    ) -> Option<(Vec<PathEvent>, u32)> {
        let func = self.func;
        let marks = matches!(decided.place.effect, Effect::Marks { .. });
        let fits = move |flags: u32| {
            unproven(flags) && (marks || flags & FACT != 0 && flags & (PERFORMED | REPLY) == 0)
        };
        if let Effect::Answers { yes } = decided.place.effect {
            let accept = |engine: &mut Engine<'_>, state: &State, value: Value| {
                answer(engine, watch, func, state, value, yes).is_some_and(fits)
            };
            let goal = Goal {
                end: End::Exit(ExitKind::Return),
                block: Some(decided.at),
                accept: &accept,
            };
            let witness = engine.witness(cx, BlockId::ENTRY, state, &goal, Some(graph));
            let Witness::Found(events, end) = witness else {
                return None;
            };
            let value = match &self.code.function.body.block(decided.at).terminator.kind {
                TerminatorKind::Return {
                    value: Operand::Local(l),
                    ..
                } => end.env.get(l.index()).copied().flatten(),
                _ => None,
            };
            let flags = match value {
                Some(v) => answer(engine, watch, func, &end, v, yes).unwrap_or(end.flags),
                None => end.flags,
            };
            return Some((events, flags));
        }
        let accept = |_: &mut Engine<'_>, state: &State, _: Value| fits(state.flags);
        let goal = Goal {
            end: End::Arrival,
            block: Some(decided.at),
            accept: &accept,
        };
        match engine.witness(cx, BlockId::ENTRY, state, &goal, Some(graph)) {
            Witness::Found(events, end) => Some((events, end.flags)),
            Witness::Infeasible | Witness::Unknown => None,
        }
    }

    /// Units that are taken out of the work by a set difference.
    fn filters(
        &self,
        engine: &mut Engine<'_>,
        cx: &Rc<FnContext>,
        graph: &Graph,
        state: &State,
        reported: &mut Vec<(Span, &'static str)>,
        findings: &mut Vec<Finding>,
    ) {
        let filtered = |flags: u32| flags & FILTERED != 0 && flags & EVIDENCE == 0;
        let Some(exit) = graph.exits.iter().find(|e| filtered(e.state.flags)) else {
            return;
        };
        let accept = |_: &mut Engine<'_>, state: &State, _: Value| filtered(state.flags);
        let goal = Goal {
            end: End::Exit(exit.kind),
            block: None,
            accept: &accept,
        };
        let Witness::Found(events, end) =
            engine.witness(cx, BlockId::ENTRY, state, &goal, Some(graph))
        else {
            return;
        };
        let Some(at) = events.iter().find(|e| {
            matches!(e.what, EventKind::Milestone(bits) if bits & FILTERED != 0)
                && e.func == self.func
        }) else {
            return;
        };
        let place = Place {
            block: BlockId::ENTRY,
            span: at.span,
            effect: Effect::Queues {
                list: "the work to do".to_owned(),
            },
        };
        let flags = end.flags | FACT;
        if let Some(finding) = self.build(&place, &events, flags)
            && !reported.contains(&(finding.primary.location.span, finding.kind))
        {
            reported.push((finding.primary.location.span, finding.kind));
            findings.push(finding);
        }
    }

    fn report(
        &self,
        _watch: &Watch<'_>,
        place: &Place,
        events: &[PathEvent],
        flags: u32,
    ) -> Option<Finding> {
        self.build(place, events, flags)
    }

    fn build(&self, place: &Place, events: &[PathEvent], flags: u32) -> Option<Finding> {
        let module = self.program.module(self.func.module);
        let file = module.file.as_ref()?.id;
        let text = module.text();
        let at = |span: Span| Location { file, span };
        let fact = self.fact_span(events).unwrap_or(place.span);
        let function = self.code.function;
        let shown = |span: Span| one_line(span.slice(text));
        let reason = format!("`{}`", shown(fact));
        let (kind, effect, registry) = match &place.effect {
            Effect::Marks { what, registry } => ("marks-done", format!("`{what}`"), *registry),
            Effect::Answers { .. } => (
                "answers-done",
                format!("`{}` answers that the work is done", function.name),
                false,
            ),
            Effect::Says => (
                "answers-done",
                "this says that there is nothing to do".to_owned(),
                false,
            ),
            Effect::Skips { round: true } => (
                "skips-work",
                "the rest of the round is skipped".to_owned(),
                false,
            ),
            Effect::Skips { round: false } => {
                ("skips-work", "returns before the work".to_owned(), false)
            }
            Effect::Queues { list } => (
                "skips-work",
                format!("a success stays out of `{list}`"),
                false,
            ),
        };
        let mut b = FindingBuilder::new(SuccessAsProof.meta(), kind)
            .symbol(function.qualname.to_string())
            .exit(at(place.span));
        b = match kind {
            "marks-done" => b.arg("effect", effect.clone()).arg("fact", reason),
            "answers-done" => b
                .arg("function", function.name.to_string())
                .arg("fact", reason),
            _ => b.arg("fact", reason),
        };
        for name in self.idle_counts() {
            b = b.note(format!(
                "`{name}` is at hand and is never compared on this path"
            ));
        }
        if fact != place.span {
            b = b
                .step(at(fact), "this is taken as proof that work was done")
                .step(
                    at(place.span),
                    match &place.effect {
                        Effect::Marks { .. } => format!("{effect} marks the unit as done"),
                        _ => effect,
                    },
                );
        }
        let mut finding = b.at(at(fact), "a success is no proof of records");
        if flags & STORED == 0 && !registry {
            finding.severity = Severity::Warning;
        }
        Some(finding)
    }

    /// Where the path came to know of the success: the test, or what a tested flag was assigned
    /// from.
    fn fact_span(&self, events: &[PathEvent]) -> Option<Span> {
        let mut own = events.iter().filter(|e| {
            e.func == self.func
                && matches!(e.what, EventKind::Milestone(bits) if bits & (FACT | PERFORMED) != 0)
        });
        let body = &self.code.function.body;
        let is_loop = |span: Span| {
            body.blocks.iter().any(|b| {
                b.terminator.span == span
                    && matches!(b.terminator.kind, TerminatorKind::ForNext { .. })
            })
        };
        let last = own
            .clone()
            .filter(|e| !is_loop(e.span))
            .last()
            .or_else(|| own.next_back())?;
        // `done = row.status == "success"` … `if done:`
        let branch = body.blocks.iter().find(|b| {
            b.terminator.span == last.span
                && matches!(b.terminator.kind, TerminatorKind::Branch { .. })
        });
        if let Some(block) = branch
            && let TerminatorKind::Branch {
                cond: Operand::Local(l),
                ..
            } = &block.terminator.kind
            && let Some(span) = self.assigned_test(*l, 0)
        {
            return Some(span);
        }
        Some(last.span)
    }

    fn assigned_test(&self, local: crate::ir::LocalId, depth: u32) -> Option<Span> {
        let defs = self.code.definitions(local);
        let named = self.code.function.body.locals[local.index()].name.is_some();
        let [(rvalue, span)] = defs else { return None };
        match rvalue {
            Rvalue::Compare(..) if named || depth > 0 => Some(*span),
            Rvalue::Use(Operand::Local(l)) | Rvalue::Not(Operand::Local(l)) if depth < 4 => {
                self.assigned_test(*l, depth + 1)
            }
            _ => None,
        }
    }

    /// Counts that the function reads.
    fn idle_counts(&self) -> Vec<String> {
        let words = &self.options.vocabulary;
        let mut out: Vec<String> = Vec::new();
        let mut add = |name: &str| {
            if words.is_count(name) && super::success_as_proof::words::parts(name).len() > 1 {
                let name = name.to_owned();
                if !out.contains(&name) {
                    out.push(name);
                }
            }
        };
        for l in 0..self.code.function.body.locals.len() {
            let local = crate::ir::LocalId(u32::try_from(l).expect("fewer than 2^32 locals"));
            for (r, _) in self.code.definitions(local) {
                match r {
                    Rvalue::GetField(_, n) => add(n),
                    Rvalue::GetItem(_, Operand::Const(Literal::Str(n))) => add(n),
                    Rvalue::Call { args, .. } => {
                        if let Some(Operand::Const(Literal::Str(n))) =
                            args.first().map(|a| &a.value)
                        {
                            add(n);
                        }
                    }
                    _ => {}
                }
            }
        }
        out.truncate(2);
        out
    }
}

/// The flags when the truth of a returned value is `want`; `None` when it can't be.
fn answer(
    engine: &mut Engine<'_>,
    watch: &Watch<'_>,
    func: FuncRef,
    state: &State,
    value: Value,
    want: bool,
) -> Option<u32> {
    let condition = state.snapshot(value);
    let mut after = state.clone();
    if !engine.assume(&mut after, condition, want) {
        return None;
    }
    let test = Test {
        func,
        condition,
        outcome: want,
    };
    watch.on_test(engine, state, &mut after, test);
    Some(after.flags)
}

fn one_line(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() > 60 {
        let mut cut: String = line.chars().take(57).collect();
        cut.push('…');
        cut
    } else {
        line
    }
}
