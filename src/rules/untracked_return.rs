//! `untracked-return`: every path on which a contract method returns must have set the place.

mod repair;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::diagnostics::{Finding, FindingBuilder, Location, Severity};
use crate::engine::flow::ExitKind;
use crate::engine::objects::ask::Answers;
use crate::engine::simulate::Graph;
use crate::engine::summaries::library::Deeds;
use crate::engine::values::state::State;
use crate::engine::values::value::Value;
use crate::engine::witness::{End, EventKind, Goal, PathEvent, Paths, Witness};
use crate::engine::{
    Automaton, CallEvent, Engine, FnContext, HelperFilter, Presence, WatchedPlace, Watches,
};
use crate::ir::{BlockId, Overrides};
use crate::outcome::{Followed, MethodExit, MethodExits, Unset};
use crate::program::{ClassRef, FuncRef, MroEntry, Program};
use crate::rules::contract_method::{
    self, Arrival, Caller, Checked, ContractRule, ContractRun, DictKind, ExitPoint, Ladder,
    Returns, Rung, Subject, Verdicts, bind_receiver, decided_last, dict_kind, enter, entry_state,
    exit_point, own_helper,
};
use crate::rules::tables::{PLAIN, is_write, may_write};
use crate::rules::{Effort, Rule, UntrackedReturn};
use crate::settings::{Settings, Writes};
use crate::source::Span;
use repair::{Arrivals, record_nothing};

/// The path did a write.
const WROTE: u32 = 1;
/// The place was set at some time.
const WAS_SET: u32 = 2;

/// The rule's automaton: what was written, and whether the place was ever set. Whether it is set
/// *now* is a question to the state's heap, which knows about aliases and rebindings.
struct Tally<'w> {
    place: WatchedPlace,
    /// Further names of calls that write.
    writes: &'w Writes,
}

impl Automaton for Tally<'_> {
    fn watches(&self) -> Watches<'_> {
        Watches {
            place: Some(&self.place),
            plain_texts: Some(PLAIN),
            helpers: Some(self),
            ..Watches::default()
        }
    }
    fn on_call(&self, flags: u32, call: &CallEvent<'_>) -> u32 {
        if !call.resolved && is_write(self.writes, call.name, call.receiver, call.texts) {
            flags | WROTE
        } else {
            flags
        }
    }
    fn on_set(&self, flags: u32) -> u32 {
        flags | WAS_SET
    }
}

impl HelperFilter for Tally<'_> {
    fn ignores(&self, _engine: &Engine<'_>, deeds: &Deeds) -> bool {
        let mut calls = deeds.calls.iter();
        !calls.any(|call| !call.resolved && !call.asked && may_write(self.writes, call))
    }
}

/// The ways in which an exit can be wrong, the worst first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Bad {
    Dropped,
    AfterWrite,
    Plain,
    Unverified,
}

impl Bad {
    const ALL: [Bad; 4] = [Bad::AfterWrite, Bad::Dropped, Bad::Plain, Bad::Unverified];

    fn kind(self) -> &'static str {
        match self {
            Bad::Dropped => "dropped",
            Bad::AfterWrite => "unset-after-write",
            Bad::Plain => "unset",
            Bad::Unverified => "unverified",
        }
    }

    /// Why the place is not set; `None` when that is not known.
    fn unset(self) -> Option<Unset> {
        match self {
            Bad::Dropped => Some(Unset::Dropped),
            Bad::AfterWrite => Some(Unset::AfterWrite),
            Bad::Plain => Some(Unset::Plain),
            Bad::Unverified => None,
        }
    }
}

/// What was found out about one function.
struct Verdict {
    /// Bad exits with the path to each.
    bad: Vec<(ExitPoint, Bad, bool, Vec<PathEvent>)>,
    /// Exits that look bad, but the search for a path to each was given up.
    open: Vec<ExitPoint>,
    /// How each exit is reached.
    arrivals: BTreeMap<ExitPoint, Arrivals>,
    /// No path on which it returns sets the place.
    never: bool,
    /// Whether the method was followed to its end, and every question about it was answered.
    complete: bool,
    /// Exits that no single path comes to.
    infeasible: u64,
    /// All exits, good and bad.
    exits: Vec<MethodExit>,
}

/// What else than the class a verdict depends on.
#[derive(PartialEq, Eq, Hash)]
pub struct Depends {
    field: String,
    key: String,
    dict: DictKind,
    writes: Writes,
}

/// What was found out about methods.
pub type Known = Verdicts<Depends, Judged>;

/// The verdict on a contract method.
pub struct Judged {
    /// `None` when it could not be followed to its end.
    verdict: Option<Verdict>,
    /// The function that is at fault: the method, or a decorator's that stands in front.
    func: FuncRef,
    effort: Effort,
}

/// How contract methods are checked by the rule.
pub struct Methods;

impl ContractRule for Methods {
    fn begin(&self) -> Box<dyn ContractRun> {
        Box::new(Known::default())
    }

    fn lists_exits(&self) -> bool {
        true
    }
}

impl ContractRun for Known {
    fn check(
        &self,
        subject: Subject<'_>,
        _: Option<Caller<'_>>,
        settings: &Settings,
        out: &mut Checked,
    ) {
        check_function(subject, &settings.writes, self, out);
    }
}

fn check_function(subject: Subject<'_>, writes: &Writes, known: &Known, out: &mut Checked) {
    let Subject {
        program,
        class,
        func,
        contract,
        def,
        ..
    } = subject;
    let start = |kind| {
        subject
            .finding(UntrackedReturn.meta(), kind)
            .arg("place", contract.sets.to_string())
    };
    let exits = |followed, exits| MethodExits {
        def,
        followed,
        exits,
    };
    if subject.is_generator() {
        out.exits.push(exits(Followed::RunsNothing, Vec::new()));
        out.findings.push(
            start("never-set")
                .note("the body contains `yield`: calling it only makes a generator, and runs nothing")
                .exit(def)
                .at(def, "a call of this runs nothing"),
        );
        return;
    }
    let depends = Depends {
        field: contract.sets.field.clone(),
        key: contract.sets.key.clone(),
        dict: dict_kind(program, class, &contract.sets.field),
        writes: writes.clone(),
    };
    let mut spent = None;
    let judged = known.get(
        program,
        (func, depends),
        class,
        |_| true,
        || {
            let (judged, answers) = judge_method(subject, writes);
            spent = Some(judged.effort);
            (judged, answers)
        },
    );
    out.effort += spent.unwrap_or_default();
    let Some(verdict) = &judged.verdict else {
        out.exits.push(exits(Followed::TooLarge, Vec::new()));
        let large = start("unverified")
            .arg("unknown", "it is too large to follow every path")
            .arg("remedy", "move parts of it into methods of their own");
        out.findings
            .push(large.exit(def).at(def, "was not followed to the end"));
        return;
    };
    out.exits
        .push(exits(Followed::Wholly, verdict.exits.clone()));
    let found = Found {
        class,
        func: judged.func,
        verdict,
        writes,
        place: (&contract.sets.field, &contract.sets.key),
    };
    report(program, &found, &start, out);
}

/// Follows the method, with what was asked about the class.
fn judge_method(subject: Subject<'_>, writes: &Writes) -> (Judged, Answers) {
    let Subject {
        library,
        class,
        func,
        contract,
        ..
    } = subject;
    let tally = Tally {
        place: WatchedPlace {
            field: contract.sets.field.as_str().into(),
            key: contract.sets.key.as_str().into(),
        },
        writes,
    };
    let mut engine = Engine::new(library, &tally);
    let mut effort = Effort::default();
    let mut answers = Answers::default();
    let may_set = names_field(library.program, class, &contract.sets.field);
    let (mut state, cells, root) = enter(&mut engine, class, func, contract);
    let mut verdict = judge(&mut engine, root, cells, &mut state, may_set);
    let mut judged = root;
    // A project's decorator stands in front: if the method by itself is wrong, say so there.
    if root != func && verdict.as_ref().is_some_and(|v| !v.bad.is_empty()) {
        let mut plain = Engine::new(library, &tally);
        let mut state = entry_state(&mut plain, class, func, contract);
        let inner = judge(&mut plain, func, None, &mut state, may_set);
        effort.account(&plain.budget);
        answers.extend(&plain.answers_about(class));
        if let Some(inner) = inner.filter(|inner| !inner.bad.is_empty()) {
            (verdict, judged) = (Some(inner), func);
        }
    }
    effort.account(&engine.budget);
    let complete = verdict.as_ref().is_some_and(|verdict| verdict.complete);
    engine.note_walk(func, 0);
    effort.given_up += u64::from(!complete);
    effort.infeasible += verdict.as_ref().map_or(0, |verdict| verdict.infeasible);
    answers.extend(&engine.answers_about(class));
    let judged = Judged {
        verdict,
        func: judged,
        effort,
    };
    (judged, answers)
}

/// Whether the files of a class and its bases name an attribute at all.
fn names_field(program: &Program<'_>, class: ClassRef, field: &str) -> bool {
    program.mro(class).entries.iter().any(|entry| {
        let MroEntry::Class(class) = entry else {
            return false;
        };
        let module = program.module(class.module);
        memchr::memmem::find(module.text().as_bytes(), field.as_bytes()).is_some()
    })
}

/// What the exits of a function look like in one graph of it.
#[derive(Default)]
struct Exits {
    candidates: BTreeMap<ExitPoint, Vec<(BlockId, Bad, bool)>>,
    arrivals: BTreeMap<ExitPoint, Arrivals>,
    returns: Returns,
    /// Blocks that are left with the place set.
    good: BTreeSet<BlockId>,
    any_unverified: bool,
    /// In some merged state it is not known whether the place is set.
    any_unknown: bool,
}

impl Exits {
    fn of(engine: &mut Engine<'_>, cx: &FnContext, graph: &Graph) -> Self {
        let mut out = Self::default();
        let exits = graph.exits.iter().enumerate();
        for (at, e) in exits.filter(|(_, e)| e.kind == ExitKind::Return) {
            let point = exit_point(cx, e.block);
            // Who returns a failure has said so.
            if engine.is_failure(&e.state, e.value) {
                out.returns.arrive(point, Arrival::Failure);
                continue;
            }
            let bad = bad(engine, &e.state);
            let arrival = bad.map_or(Arrival::Set(at), |_| Arrival::Unset);
            out.returns.arrive(point, arrival);
            out.arrivals.entry(point).or_default().add(e.block, bad);
            let Some(bad) = bad else {
                out.good.insert(e.block);
                continue;
            };
            out.any_unverified |= bad == Bad::Unverified;
            out.any_unknown |= engine.presence(&e.state) == Presence::Unknown;
            let list = out.candidates.entry(point).or_default();
            let low = e.state.flags.is_uncertain();
            if !list.contains(&(e.block, bad, low)) {
                list.push((e.block, bad, low));
            }
        }
        out
    }
}

/// Finds the bad exits of a function, each confirmed by a path. `None` when it could not be
/// followed to its end in any way.
fn judge(
    engine: &mut Engine<'_>,
    func: FuncRef,
    cells: Option<Value>,
    state: &mut State,
    may_set: bool,
) -> Option<Verdict> {
    let cx = bind_receiver(engine, func, cells, state);
    let mut ladder = Ladder::new();
    let mut best = None;
    while let Some(rung) = ladder.next_rung() {
        let Some(graph) = rung.simulate(engine, &cx, state) else {
            ladder.fell();
            continue;
        };
        let (verdict, open) = judge_graph(engine, &cx, state, &graph, (rung, may_set));
        best = Some(verdict);
        if open {
            ladder.climb();
        } else {
            ladder.answered();
        }
    }
    let complete = ladder.complete;
    best.map(|verdict| Verdict {
        complete,
        ..verdict
    })
}

/// The verdict as one graph shows it, and whether it left a question open.
fn judge_graph(
    engine: &mut Engine<'_>,
    cx: &Rc<FnContext>,
    state: &State,
    graph: &Graph,
    (rung, may_set): (Rung, bool),
) -> (Verdict, bool) {
    let Exits {
        candidates,
        arrivals,
        mut returns,
        good,
        any_unverified,
        any_unknown,
    } = Exits::of(engine, cx, graph);
    let steps = rung.witness_steps(cx);
    let mut paths = Paths::new(cx, (BlockId::ENTRY, state), graph, None);
    let mut found = Vec::new();
    let mut infeasible = 0;
    let mut given_up = Vec::new();
    for (point, list) in candidates {
        let mut settled = false;
        let mut unknown = false;
        // A path on which nothing is uncertain says more.
        let order = Bad::ALL
            .into_iter()
            .flat_map(|wanted| [(wanted, false), (wanted, true)]);
        for (wanted, low) in order {
            for (block, ..) in list.iter().filter(|e| (e.1, e.2) == (wanted, low)) {
                if settled {
                    continue;
                }
                let accept = move |engine: &mut Engine<'_>, state: &State, value: Value| {
                    bad(engine, state) == Some(wanted)
                        && (low || !state.flags.is_uncertain())
                        && !engine.is_failure(state, value)
                };
                match search(engine, &mut paths, (*block, steps), &accept) {
                    Witness::Found(events, end) => {
                        let low = end.flags.is_uncertain();
                        found.push((point, wanted, low, events));
                        returns.confirm(point, wanted.unset());
                        settled = true;
                    }
                    Witness::Infeasible => infeasible += 1,
                    Witness::Unknown => {
                        unknown = true;
                        returns.confirm(point, None);
                    }
                }
            }
        }
        if unknown && !settled {
            given_up.push(point);
        }
    }
    let lost = found.iter().any(|(_, b, ..)| *b == Bad::Dropped);
    let mut any_good = any_unverified || lost || found.is_empty();
    for block in good {
        let set = |engine: &mut Engine<'_>, state: &State, value: Value| {
            bad(engine, state).is_none() && !engine.is_failure(state, value)
        };
        any_good = any_good
            || !matches!(
                search(engine, &mut paths, (block, steps), &set),
                Witness::Infeasible
            );
    }
    let key = engine.watches.place.map(|place| place.key.clone());
    let exits = returns.exits(engine, cx, graph, &key.unwrap_or_default());
    let verdict = Verdict {
        bad: found,
        open: given_up,
        arrivals,
        never: !any_good,
        complete: false,
        infeasible,
        exits,
    };
    // Merged states may have lost that a store is one to the place.
    let hasty = any_unknown || verdict.never && (engine.touches_place || may_set);
    let open = !verdict.open.is_empty() || rung == Rung::Merged && hasty;
    (verdict, open)
}

fn search(
    engine: &mut Engine<'_>,
    paths: &mut Paths<'_>,
    (block, steps): (BlockId, u64),
    accept: &dyn Fn(&mut Engine<'_>, &State, Value) -> bool,
) -> Witness {
    let goal = Goal {
        end: End::Exit(ExitKind::Return),
        block: Some(block),
        from: None,
        accept,
        steps,
    };
    paths.search(engine, &goal)
}

/// How a state is wrong at a return.
fn bad(engine: &mut Engine<'_>, state: &State) -> Option<Bad> {
    match engine.presence(state) {
        Presence::Present => None,
        Presence::Unknown => Some(Bad::Unverified),
        Presence::Absent if state.flags.is_unresolved() => Some(Bad::Unverified),
        Presence::Absent if state.flags.rule & WAS_SET != 0 => Some(Bad::Dropped),
        Presence::Absent if state.flags.rule & WROTE != 0 => Some(Bad::AfterWrite),
        Presence::Absent => Some(Bad::Plain),
    }
}

/// What is to be reported about one function.
struct Found<'a> {
    class: ClassRef,
    func: FuncRef,
    verdict: &'a Verdict,
    writes: &'a Writes,
    /// Field and key.
    place: (&'a str, &'a str),
}

fn report(
    program: &Program<'_>,
    found: &Found<'_>,
    start: &dyn Fn(&'static str) -> FindingBuilder,
    out: &mut Checked,
) {
    let Found {
        class,
        func,
        verdict,
        writes,
        place,
    } = *found;
    let module = program.module(func.module);
    let Some(file) = module.file.as_ref().map(|f| f.id) else {
        return;
    };
    let function = module.ir.function(func.func);
    let at = |span: Span| Location { file, span };
    let own = |events: &[PathEvent]| own_helper(program, class, func, events);
    for point in &verdict.open {
        let given_up = start("unverified")
            .arg("unknown", "there are too many paths to it")
            .arg("remedy", "move parts of it into methods of their own");
        let exit = at(point.span);
        out.findings.push(
            given_up
                .exit(exit)
                .at(exit, "may return without setting it"),
        );
    }
    if verdict.never && !verdict.bad.iter().any(|(.., events)| own(events).is_some()) {
        let mut b = start("never-set");
        for (point, ..) in &verdict.bad {
            b = b.exit(at(point.span));
        }
        let n = verdict.bad.len();
        let label = match n {
            1 => "returns without setting it".to_owned(),
            n => format!("none of its {n} ways to return sets it"),
        };
        let mut finding = b.at(at(function.name_span), label);
        if verdict.bad.iter().all(|(_, _, low, _)| *low) {
            finding.severity = Severity::Warning;
        }
        out.findings.push(finding);
        return;
    }
    let repairable = |exit: &Location, point: &ExitPoint, kind: Bad| {
        kind == Bad::Plain && exit.file == file && exit.span == point.span
    };
    for (point, kind, low, events) in &verdict.bad {
        let mut b = start(kind.kind())
            .arg("unknown", "it depends on code that was not found")
            .arg("remedy", "make the called code resolvable");
        let mut exit = at(point.span);
        let mut label = if point.implicit {
            "can reach its end without setting it"
        } else {
            "returns without setting it"
        };
        let mut shown: Vec<&PathEvent> = events.iter().collect();
        // In an inherited method the class's own helper is what forgot it.
        let shared = |k: &Finding| k.primary.location == exit && k.kind == kind.kind();
        let inherited = decided_last(events)
            && (function.overrides == Overrides::WhenInherited || out.inherited.iter().any(shared));
        if let Some((own, span)) = own(events).filter(|_| !inherited) {
            let m = program.module(own.module);
            if let Some(f) = &m.file {
                exit = Location { file: f.id, span };
                label = "returns without setting it";
                while shown
                    .last()
                    .is_some_and(|e| !matches!(e.what, EventKind::Left))
                {
                    shown.pop();
                }
                shown.pop();
            }
        }
        let shown: Vec<PathEvent> = shown.into_iter().cloned().collect();
        b = contract_method::add_steps(program, b, &shown, "returns without setting it");
        let swallows = swallows_write(program, writes, events);
        if swallows {
            b = b.note(
                "a write fails on this path and is caught: setting 0 here would hide the loss",
            );
        }
        // Of a write that failed, 0 would certify the loss.
        let fix = (!swallows && repairable(&exit, point, *kind))
            .then(|| {
                let file = module.file.as_ref()?;
                let arrivals = verdict.arrivals.get(point)?;
                record_nothing(file, function, *point, arrivals, place)
            })
            .flatten();
        let mut finding = b.exit(exit).fix(fix).at_exit(exit, label);
        if *low {
            finding.severity = match finding.severity {
                Severity::Error => Severity::Warning,
                Severity::Warning | Severity::Note => Severity::Note,
            };
        }
        out.findings.push(finding);
    }
}

/// Whether a write raises on a path, and the next thing that happens to its exception is that it is
/// caught.
fn swallows_write(program: &Program<'_>, writes: &Writes, events: &[PathEvent]) -> bool {
    events.iter().enumerate().any(|(at, e)| {
        let caught = events[at + 1..].iter().find(|later| {
            matches!(
                later.what,
                EventKind::Raised | EventKind::Caught | EventKind::Swallowed
            )
        });
        e.what == EventKind::Raised
            && caught.is_some_and(|later| later.what != EventKind::Raised)
            && contract_method::called_at(program, e)
                .is_some_and(|name| is_write(writes, &name, None, &[]))
    })
}
