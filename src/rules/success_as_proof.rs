//! `success-as-proof`: a run that ended well is not a run that processed something.
//!
//! Each function that contains an effect (it marks a unit as done, answers "already done", skips)
//! is simulated with an automaton that notes when a status is found to be success and when a count
//! of records is compared. An effect is reported when a status decides it (control dependence) and
//! some path comes to it with the status known and no count compared.

mod compared;
mod constants;
mod glance;
mod hints;
mod lists;
mod names;
mod options;
mod query;
mod repair;
mod report;
mod sayings;
mod sites;
mod statuses;
mod tables;
mod teaching;
mod wanted;
mod watch;
mod words;

use std::cell::RefCell;
use std::rc::Rc;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::diagnostics::{Finding, Severity};
use crate::engine::budget::{ASIDE, WITNESS_STEPS};
use crate::engine::flow::ExitKind;
use crate::engine::simulate::{Extent, Graph};
use crate::engine::summaries::library::Library;
use crate::engine::values::fact::{Fact, Kind};
use crate::engine::values::state::State;
use crate::engine::values::value::{Site, Term, Value};
use crate::engine::witness::{End, EventKind, Goal, PathEvent, Paths, Witness};
use crate::engine::{Engine, FnContext, Test, ValueEvents};
use crate::ir::control::{ControlDependence, Edge};
use crate::ir::{BlockId, ClassIdx, FuncIdx, Function, Operand, ParamKind, TerminatorKind};
use crate::program::{ClassRef, FuncRef, LoadedModule, ModuleId};
use crate::rules::{Effort, FunctionRule, Glances};
use crate::settings::Settings;
use crate::source::Span;
use constants::Constants;
use hints::Worth;
pub use options::{Options, Table};
use sites::{Code, Effect, Place};
use teaching::{Reading, Said, Teaching};
use wanted::Sought;
use watch::{
    EVIDENCE, FACT, FILTERED, LIST_MARKED, NULLABLE, OWN, PERFORMED, REPLY, Watch, unproven,
};
pub use words::Vocabulary;

/// How functions are checked by the rule: those with words for success.
pub struct Functions;

impl FunctionRule for Functions {
    fn glance(&self, settings: &Settings) -> Option<Glances> {
        let words = settings.options.get::<Options>().vocabulary.clone();
        Some(Box::new(move || Box::new(glance::Look::new(words.clone()))))
    }

    fn same_glance(&self, one: &Settings, other: &Settings) -> bool {
        one.options.get::<Options>().same_words(other.options.get())
    }

    fn check(
        &self,
        library: &Library<'_>,
        module: &LoadedModule,
        functions: &[(FuncIdx, &Function)],
        settings: &Settings,
    ) -> (Vec<Finding>, Effort) {
        let functions = functions.iter();
        let functions: Vec<_> = functions
            .flat_map(|(idx, _)| module.ir.with_left_out(*idx))
            .collect();
        check_functions(library, module.id, &functions, settings.options.get())
    }
}

/// Checks functions of a module.
fn check_functions(
    library: &Library<'_>,
    module: ModuleId,
    functions: &[(FuncIdx, &Function)],
    options: &Options,
) -> (Vec<Finding>, Effort) {
    let program = library.program;
    let mut effort = Effort::default();
    let words = &options.vocabulary;
    let mut results: Vec<(Check<'_, '_>, Run)> = Vec::new();
    let said = Said::default();
    // What one method fills with successes, another of the class may take for what is done.
    let mut fields: FxHashMap<ClassIdx, FxHashSet<String>> = FxHashMap::default();
    let mut nested: FxHashMap<FuncIdx, Vec<&Function>> = FxHashMap::default();
    for &(_, function) in functions {
        if let (true, Some(outer)) = (function.name.starts_with('<'), function.outer) {
            nested.entry(outer).or_default().push(function);
        }
    }
    for &(idx, function) in functions {
        if function.name.starts_with("test_") || function.name.starts_with('<') {
            continue;
        }
        let constants = Constants {
            program,
            module,
            scope: function.scope,
            class: function.class.map(|class| ClassRef { module, class }),
        };
        let code = Code::new(function, nested.get(&idx).map_or(&[], Vec::as_slice));
        let mut places = code.places(words);
        let worth = code.worth(words, constants, &places);
        if worth == Worth::Nothing {
            continue;
        }
        let control = ControlDependence::compute(&function.body);
        let work = code.work(words);
        let reading = Reading {
            code: &code,
            words,
            constants,
            said: &said,
        };
        let teaching = Teaching::new(reading, &control);
        places.retain(|place| can_be(function, &control, &teaching, &work, place));
        let Some(sought) = code.sought(words, &control, &teaching, &places) else {
            continue;
        };
        if worth == Worth::FollowingTo && places.is_empty() && !sought.collects {
            continue;
        }
        let func = FuncRef { module, func: idx };
        let check = Check {
            library,
            func,
            code,
            places,
            options,
            control,
            sought,
        };
        let run = check.run(&FxHashSet::default(), options.strict_null, &mut effort);
        if let Some(class) = function.class {
            fields.entry(class).or_default().extend(run.filled.clone());
        }
        results.push((check, run));
    }
    let mut out = Vec::new();
    for (check, mut run) in results {
        let none = FxHashSet::default();
        let class = check.code.function.class;
        let filled = class.and_then(|c| fields.get(&c)).unwrap_or(&none);
        if check.code.fields().any(|f| filled.contains(f.as_str())) {
            run = check.run(filled, options.strict_null, &mut effort);
        }
        // A comparison that lets a missing count pass is worth a note.
        if run.nullable && !options.strict_null {
            for mut finding in check.run(filled, true, &mut effort).findings {
                let at = finding.primary.location;
                let known = run.findings.iter();
                if finding.kind != report::UNVERIFIED
                    && !known
                        .clone()
                        .any(|f| f.primary.location == at && f.kind == finding.kind)
                {
                    finding.severity = Severity::Note;
                    finding
                        .notes
                        .push("a count that is missing (NULL) passes the comparison".to_owned());
                    out.push(finding);
                }
            }
        }
        out.append(&mut run.findings);
    }
    (out, effort)
}

/// Whether a success can decide that control comes to a place, as far as can be told without
/// simulating the function.
fn can_be(
    function: &Function,
    control: &ControlDependence,
    teaching: &Teaching<'_, '_>,
    work: &FxHashSet<BlockId>,
    place: &Place,
) -> bool {
    let deciders = control.deciders(place.block);
    let returned = || match &function.body.block(place.block).terminator.kind {
        TerminatorKind::Return { value, .. } => teaching.operand(value),
        _ => true,
    };
    let told = teaching.any(&deciders);
    match place.effect {
        Effect::Answers { .. } => told || returned(),
        Effect::Skips { round } => {
            let mut edges = deciders.iter();
            told && edges.any(|edge| skips(control, function, work, *edge, place, round))
        }
        Effect::Marks { .. } | Effect::Says | Effect::Queues { .. } => told,
    }
}

/// What one simulation of a function brought.
#[derive(Default)]
struct Run {
    findings: Vec<Finding>,
    /// The fields that it fills with units that succeeded.
    filled: Vec<String>,
    /// Whether a comparison lets a missing count pass.
    nullable: bool,
}

/// The check of one function.
struct Check<'c, 'p> {
    library: &'c Library<'p>,
    func: FuncRef,
    code: Code<'c>,
    places: Vec<Place>,
    options: &'c Options,
    control: ControlDependence,
    sought: Sought,
}

/// A function that was simulated.
struct Followed<'f> {
    cx: &'f Rc<FnContext>,
    graph: &'f Graph,
    paths: RefCell<Paths<'f>>,
}

impl Followed<'_> {
    /// A path to a goal.
    fn way(&self, engine: &mut Engine<'_>, goal: &Goal<'_>) -> Witness {
        self.paths.borrow_mut().search(engine, goal)
    }
}

/// An effect that a status decides.
struct Decided<'c> {
    place: &'c Place,
    /// The block at whose entry the path is looked at: that of the effect, or for a list of work
    /// the one to which a success goes instead.
    at: BlockId,
    /// The edges on which alone the success is known.
    edges: Vec<Edge>,
}

impl<'c, 'p> Check<'c, 'p> {
    /// Simulates the function and reports. `filled` are the fields that other functions fill with
    /// units that succeeded.
    fn run(&self, filled: &FxHashSet<String>, strict_null: bool, effort: &mut Effort) -> Run {
        let options = self.options;
        let mut watch = Watch::new(&options.vocabulary, strict_null, filled);
        watch.unasked = (!self.sought.collects).then_some(self.func);
        let mut out = Run::default();
        let mut engine = Engine::new(self.library, &watch);
        let entry = self.entry(&mut engine);
        let cx = engine.context(self.func);
        let blocks = self.code.function.body.blocks.len();
        let wanted = cx.towards(&self.sought.blocks, self.sought.ends);
        let extent = Extent {
            bounds: &ASIDE,
            wanted: Some(&wanted),
        };
        let mut follow = |helpers: bool| {
            engine.follows_helpers = helpers;
            engine.budget.allow_for_tests(blocks);
            engine.simulate_towards(&cx, BlockId::ENTRY, entry.clone(), extent)
        };
        let mut graph = follow(true);
        if !graph.complete {
            // What its helpers do is left open.
            graph = follow(false);
        }
        engine.note_walk(self.func, 0);
        if !graph.complete {
            effort.account(&engine.budget);
            effort.given_up += 1;
            out.findings.extend(self.not_followed());
            return out;
        }
        effort.functions += 1;
        let mut nodes = graph.nodes.iter();
        out.nullable = nodes.any(|n| n.state.flags.rule & NULLABLE != 0);
        let start = (BlockId::ENTRY, &entry);
        let followed = Followed {
            cx: &cx,
            graph: &graph,
            paths: Paths::new(&cx, start, &graph, Some(&wanted)).into(),
        };
        // A list that units get into whatever their status says nothing about them.
        let loose: Vec<(FuncRef, BlockId)> = watch
            .fills()
            .into_iter()
            .filter(|(f, b)| {
                *f == self.func && self.deciding(&mut engine, &followed, *b).is_empty()
            })
            .collect();
        watch.conclude(loose);
        let work = self.code.work(&self.options.vocabulary);
        let mut reported: Vec<(Span, &'static str)> = Vec::new();
        for place in &self.places {
            for decided in self.decided(&mut engine, &followed, &watch, place, &work) {
                let found = self.search(&mut engine, &followed, &watch, &decided);
                let Some((events, flags)) = found else {
                    effort.infeasible += 1;
                    continue;
                };
                if let Some(finding) = self.build(place, &decided.edges, &events, flags)
                    && !reported.contains(&(finding.primary.location.span, finding.kind))
                {
                    reported.push((finding.primary.location.span, finding.kind));
                    out.findings.push(finding);
                }
            }
        }
        self.filters(&mut engine, &followed, &mut reported, &mut out.findings);
        effort.account(&engine.budget);
        out.filled = watch.filled_fields();
        out
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
        let mut state = State::new(receiver);
        if let Some(class) = function.class {
            let mut fact = Fact::of_kind(Kind::Object);
            fact.class = Some(ClassRef {
                module: self.func.module,
                class,
            });
            state.facts.insert(receiver, Rc::new(fact));
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
        followed: &Followed<'_>,
        block: BlockId,
    ) -> Vec<Edge> {
        self.control
            .deciders(block)
            .into_iter()
            .filter(|edge| self.decides(engine, followed, *edge))
            .collect()
    }

    /// Whether a branch takes an edge because a success is known and unproven: from one state a
    /// success is known on that edge and on no other, or, where states can go only one way, all
    /// those that go another way know of none.
    fn decides(&self, engine: &mut Engine<'_>, followed: &Followed<'_>, edge: Edge) -> bool {
        let (mut only_here, mut only_elsewhere, mut known_elsewhere) = (false, false, false);
        let at = followed.graph.nodes.iter();
        for node in at.filter(|n| n.block == edge.from && !n.is_superseded()) {
            let (mut here, mut proof_missing, mut elsewhere, mut known) =
                (false, false, false, false);
            for (to, flags) in engine.edges(followed.cx, edge.from, &node.state) {
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
            if elsewhere && proof_missing && !known {
                return true;
            }
            only_here |= here && !elsewhere && proof_missing;
            only_elsewhere |= elsewhere && !here;
            known_elsewhere |= known;
        }
        only_here && only_elsewhere && !known_elsewhere
    }

    /// Whether a place is reached because of a status.
    fn decided<'d>(
        &self,
        engine: &mut Engine<'_>,
        followed: &Followed<'_>,
        watch: &Watch<'_>,
        place: &'d Place,
        work: &FxHashSet<BlockId>,
    ) -> Vec<Decided<'d>> {
        let here = |at: BlockId, edges: Vec<Edge>| vec![Decided { place, at, edges }];
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
                        if self.decides(engine, followed, other) {
                            return here(other.to, vec![other]);
                        }
                    }
                }
                Vec::new()
            }
            Effect::Answers { yes } => {
                let mut split = (false, false);
                for e in followed
                    .graph
                    .exits
                    .iter()
                    .filter(|e| e.block == place.block)
                {
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
                let edges = self.deciding(engine, followed, place.block);
                if split.0 && (split.1 || !edges.is_empty()) {
                    here(place.block, edges)
                } else {
                    Vec::new()
                }
            }
            Effect::Skips { round } => {
                let edges = self.deciding(engine, followed, place.block);
                let skips = edges
                    .iter()
                    .any(|e| skips(&self.control, self.code.function, work, *e, place, *round));
                if skips {
                    here(place.block, edges)
                } else {
                    Vec::new()
                }
            }
            Effect::Marks { .. } | Effect::Says => {
                let edges = self.deciding(engine, followed, place.block);
                if edges.is_empty() {
                    Vec::new()
                } else {
                    here(place.block, edges)
                }
            }
        }
    }

    /// One path that comes to the effect with a success known and nothing that proves records.
    fn search(
        &self,
        engine: &mut Engine<'_>,
        followed: &Followed<'_>,
        watch: &Watch<'_>,
        decided: &Decided<'_>,
    ) -> Option<(Vec<PathEvent>, u32)> {
        let func = self.func;
        let marks = matches!(decided.place.effect, Effect::Marks { .. });
        // An object may say of itself that it is complete; what others make of that is theirs.
        let answers = matches!(decided.place.effect, Effect::Answers { .. })
            && self.code.function.name.starts_with("is_");
        let fits = move |flags: u32| {
            unproven(flags)
                && !(answers && flags & OWN != 0)
                && (marks || flags & FACT != 0 && flags & (PERFORMED | REPLY) == 0)
        };
        if let Effect::Answers { yes } = decided.place.effect {
            let accept = |engine: &mut Engine<'_>, state: &State, value: Value| {
                answer(engine, watch, func, state, value, yes).is_some_and(fits)
            };
            let goal = Goal {
                end: End::Exit(ExitKind::Return),
                block: Some(decided.at),
                from: None,
                accept: &accept,
                steps: WITNESS_STEPS,
            };
            let witness = followed.way(engine, &goal);
            let Witness::Found(events, end) = witness else {
                return None;
            };
            let value = match &self.code.function.body.block(decided.at).terminator.kind {
                TerminatorKind::Return {
                    value: Operand::Local(l),
                    ..
                } => end.env.get(l.index()),
                _ => None,
            };
            let flags = match value {
                Some(v) => answer(engine, watch, func, &end, v, yes).unwrap_or(end.flags.rule),
                None => end.flags.rule,
            };
            return Some((events, flags));
        }
        let accept = |_: &mut Engine<'_>, state: &State, _: Value| fits(state.flags.rule);
        let goal = Goal {
            end: End::Arrival,
            block: Some(decided.at),
            from: match decided.place.effect {
                Effect::Queues { .. } => decided.edges.first().map(|e| e.from),
                _ => None,
            },
            accept: &accept,
            steps: WITNESS_STEPS,
        };
        match followed.way(engine, &goal) {
            Witness::Found(events, end) => Some((events, end.flags.rule)),
            Witness::Infeasible | Witness::Unknown => None,
        }
    }

    /// Units that are taken out of the work by a set difference.
    fn filters(
        &self,
        engine: &mut Engine<'_>,
        followed: &Followed<'_>,
        reported: &mut Vec<(Span, &'static str)>,
        findings: &mut Vec<Finding>,
    ) {
        let listed = [
            (FILTERED, "the work to do"),
            (LIST_MARKED, "a list of units that succeeded"),
        ];
        for (bit, list) in listed {
            let fits = move |flags: u32| flags & bit != 0 && flags & EVIDENCE == 0;
            let Some(exit) = followed
                .graph
                .exits
                .iter()
                .find(|e| e.kind == ExitKind::Return && fits(e.state.flags.rule))
            else {
                continue;
            };
            let accept = |_: &mut Engine<'_>, state: &State, _: Value| fits(state.flags.rule);
            let goal = Goal {
                end: End::Exit(exit.kind),
                block: None,
                from: None,
                accept: &accept,
                steps: WITNESS_STEPS,
            };
            let found = followed.way(engine, &goal);
            let Witness::Found(events, end) = found else {
                continue;
            };
            let Some(at) = events.iter().find(|e| {
                matches!(e.what, EventKind::Milestone(bits) if bits & bit != 0)
                    && e.func == self.func
            }) else {
                continue;
            };
            let effect = if bit == LIST_MARKED {
                Effect::Marks {
                    what: list.to_owned(),
                    registry: true,
                }
            } else {
                Effect::Queues {
                    list: list.to_owned(),
                }
            };
            let place = Place {
                block: BlockId::ENTRY,
                span: at.span,
                effect,
            };
            let flags = end.flags.rule | FACT;
            if let Some(finding) = self.build(&place, &[], &events, flags)
                && !reported.contains(&(finding.primary.location.span, finding.kind))
            {
                reported.push((finding.primary.location.span, finding.kind));
                findings.push(finding);
            }
        }
    }
}

/// Whether a test skips work by taking an edge to a place.
fn skips(
    control: &ControlDependence,
    function: &Function,
    work: &FxHashSet<BlockId>,
    edge: Edge,
    place: &Place,
    round: bool,
) -> bool {
    let test = &function.body.block(edge.from).terminator.kind;
    matches!(test, TerminatorKind::Branch { .. })
        && sites::skips_work(control, function, work, edge.from, edge.to, place, round)
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
    let value = engine.payload_of_success(state, value)?;
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
    Some(after.flags.rule)
}
