//! The check of one function: it is simulated, and a path is searched for to each effect that a
//! status decides.

mod ended;
mod search;

use std::rc::Rc;

use rustc_hash::FxHashSet;

use super::code::{Constants, FunctionCode, class_of};
use super::effects::{Effect, EffectSite, Work};
use super::facts::ENTRY_INDEX;
use super::facts::flags::NULLABLE;
use super::options::Options;
use super::relevance::{Sources, Targets};
use super::report::Reporter;
use super::watch::Watch;
use crate::diagnostics::Finding;
use crate::engine::Engine;
use crate::engine::budget::ASIDE;
use crate::engine::simulate::Extent;
use crate::engine::summaries::library::Library;
use crate::engine::values::fact::{Fact, Kind};
use crate::engine::values::state::State;
use crate::engine::values::value::{Site, Term};
use crate::engine::witness::Paths;
use crate::ir::control::ControlDependence;
use crate::ir::{BlockId, Function, Name, ParamKind, TerminatorKind};
use crate::program::FuncRef;
use crate::rules::Effort;
use search::EffectSearch;

/// Whether a success can decide that control reaches an effect, as far as can be told without
/// simulating the function.
pub fn can_be_decided(
    function: &Function,
    control: &ControlDependence,
    sources: &Sources<'_, '_>,
    work: &Work<'_>,
    site: &EffectSite,
) -> bool {
    let deciders = control.deciders(site.block);
    let returned = || match &function.body.block(site.block).terminator.kind {
        TerminatorKind::Return { value, .. } => sources.operand(value),
        _ => true,
    };
    let told = sources.any(&deciders);
    match site.effect {
        Effect::Answers { .. } => told || returned(),
        Effect::Skips { round } => {
            let mut edges = deciders.iter();
            told && edges.any(|edge| work.is_skipped(*edge, site, round))
        }
        Effect::Marks { .. } | Effect::Says | Effect::Queues { .. } => told,
    }
}

/// The check of one function.
pub struct Check<'c, 'p> {
    /// What is known of all functions.
    pub library: &'c Library<'p>,
    /// The function.
    pub func: FuncRef,
    /// Its code.
    pub code: FunctionCode<'c>,
    /// What constants stand for in it.
    pub constants: Constants<'c>,
    /// The effects that a success can decide.
    pub sites: Vec<EffectSite>,
    /// The options of the rule.
    pub options: &'c Options,
    /// What decides whether a block runs.
    pub control: ControlDependence,
    /// The blocks that the function is followed to.
    pub targets: Targets,
    /// The names of statuses that the class records as a success only where there are rows.
    pub computed: Rc<FxHashSet<Name>>,
}

/// The result of one simulation of a function.
#[derive(Default)]
pub struct CheckResult {
    /// The findings.
    pub findings: Vec<Finding>,
    /// The fields that the function fills with units that succeeded.
    pub filled: Vec<String>,
    /// Whether a comparison lets a missing count pass.
    pub nullable: bool,
}

impl CheckResult {
    /// Adds a finding, unless one of its kind is at its place.
    fn add(&mut self, finding: Option<Finding>) {
        let Some(finding) = finding else { return };
        let same = |known: &Finding| {
            known.primary.location.span == finding.primary.location.span
                && known.kind == finding.kind
        };
        if !self.findings.iter().any(same) {
            self.findings.push(finding);
        }
    }
}

impl Check<'_, '_> {
    /// Simulates the function and reports. `filled` are the fields that other functions fill with
    /// units that succeeded.
    pub fn run(
        &self,
        filled: &FxHashSet<String>,
        strict_null: bool,
        effort: &mut Effort,
    ) -> CheckResult {
        let watch = Watch::new(
            &self.options.vocabulary,
            strict_null,
            (filled, &self.computed),
            self.func,
            self.targets.collects,
        );
        let mut out = CheckResult::default();
        let mut engine = Engine::new(self.library, &watch);
        let entry = self.entry(&mut engine);
        let cx = engine.context(self.func);
        let blocks = self.code.function.body.blocks.len();
        let wanted = cx.towards(&self.targets.blocks, self.targets.ends);
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
            // Without its helpers it may be small enough.
            graph = follow(false);
        }
        engine.note_walk(self.func, 0);
        let reporter = self.reporter();
        if !graph.complete {
            effort.account(&engine.budget);
            effort.given_up += 1;
            out.findings.extend(reporter.not_followed(&self.sites));
            return out;
        }
        effort.functions += 1;
        let mut nodes = graph.nodes.iter();
        out.nullable = nodes.any(|n| n.state.flags.rule & NULLABLE != 0);
        let start = (BlockId::ENTRY, &entry);
        let mut search = EffectSearch {
            func: self.func,
            code: &self.code,
            constants: self.constants,
            words: &self.options.vocabulary,
            control: &self.control,
            watch: &watch,
            engine: &mut engine,
            cx: &cx,
            graph: &graph,
            paths: Paths::new(&cx, start, &graph, Some(&wanted)),
        };
        let loose = search.loose_fillings();
        watch.conclude(loose);
        let work = Work::new(&self.code, &self.control, &self.options.vocabulary);
        for site in &self.sites {
            let Some(decided) = search.decided(site, &work) else {
                continue;
            };
            // What a collection says of its units is not known before its last use was seen.
            if !self.targets.collects && !search.may_be_reached(&decided) {
                continue;
            }
            let Some(path) = search.path(decided) else {
                effort.infeasible += 1;
                continue;
            };
            out.add(reporter.finding(site, &path));
        }
        for (site, path) in search.list_effects() {
            out.add(reporter.finding(&site, &path));
        }
        effort.account(&engine.budget);
        out.filled = watch.filled_fields();
        out
    }

    fn reporter(&self) -> Reporter<'_> {
        Reporter {
            program: self.library.program,
            func: self.func,
            code: &self.code,
            control: &self.control,
            words: &self.options.vocabulary,
        }
    }

    /// The state in which the function is entered: its parameters are anything.
    fn entry(&self, engine: &mut Engine<'_>) -> State {
        let function = self.code.function;
        let site = Site {
            func: self.func,
            block: 0,
            index: ENTRY_INDEX,
            part: 0,
        };
        let receiver = engine.terms.make(Term::Symbol(site, 0));
        let mut state = State::new(receiver);
        if let Some(class) = class_of(self.func, function) {
            let mut fact = Fact::of_kind(Kind::Object);
            fact.class = Some(class);
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
}
