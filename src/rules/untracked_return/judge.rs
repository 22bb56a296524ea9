//! Which exits of a contract method are wrong, each confirmed by a path.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::repair::Arrivals;
use super::{Judged, Tally, WAS_CALLED, WAS_SET, WROTE};
use crate::engine::flow::ExitKind;
use crate::engine::objects::ask::Answers;
use crate::engine::simulate::Graph;
use crate::engine::values::state::State;
use crate::engine::values::value::Value;
use crate::engine::witness::{End, Goal, Path, Paths, Witness};
use crate::engine::{Engine, FnContext, Hop, Presence};
use crate::ir::{BlockId, Function, Literal, Name, Operand, Statement, StatementKind};
use crate::outcome::{MethodExit, Unset};
use crate::program::{ClassRef, FuncRef, MroEntry};
use crate::rules::Effort;
use crate::rules::contract_method::{
    Arrival, Deeds, ExitPoint, Ladder, Returns, Rung, Subject, Watched, bind_receiver, enter,
    entry_state, exit_point, raising_point,
};
use crate::settings::{Contract, Demand, Place, Step, Writes};

/// The ways in which an exit can be wrong, the worst first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Bad {
    Dropped,
    AfterWrite,
    Plain,
    Unverified,
}

impl Bad {
    const ALL: [Bad; 4] = [Bad::AfterWrite, Bad::Dropped, Bad::Plain, Bad::Unverified];

    /// Why the place is not set; `None` if that is not known.
    fn unset(self) -> Option<Unset> {
        match self {
            Bad::Dropped => Some(Unset::Dropped),
            Bad::AfterWrite => Some(Unset::AfterWrite),
            Bad::Plain => Some(Unset::Plain),
            Bad::Unverified => None,
        }
    }
}

/// A bad exit.
pub(super) struct BadExit {
    pub point: ExitPoint,
    pub bad: Bad,
    /// Whether something on the path is uncertain.
    pub uncertain: bool,
    /// The path to it.
    pub events: Path,
}

impl BadExit {
    /// The kind of finding.
    pub(super) fn kind(&self) -> &'static str {
        match self.bad {
            Bad::Unverified => "unverified",
            _ if self.point.raising => "unset-when-raising",
            Bad::Dropped => "dropped",
            Bad::AfterWrite => "unset-after-write",
            Bad::Plain => "unset",
        }
    }
}

/// What was found out about one function.
pub(super) struct Verdict {
    pub bad: Vec<BadExit>,
    /// Exits that look bad, but the search for a path to each was given up.
    pub open: Vec<ExitPoint>,
    /// How each exit is reached.
    pub arrivals: BTreeMap<ExitPoint, Arrivals>,
    /// No path by which it returns sets the place.
    pub never: bool,
    /// Whether the method was followed to its end, and every question about it was answered.
    pub complete: bool,
    /// How many exits no single path reaches.
    pub infeasible: u64,
    /// All exits, good and bad.
    pub exits: Vec<MethodExit>,
}

/// Follows the method, with what was asked about the class.
pub(super) fn judge_method(subject: Subject<'_>, writes: &Writes) -> (Judged, Answers) {
    let Subject { library, func, .. } = subject;
    let module = subject.program.module(func.module);
    let demanded = Demanded::of(subject.contract, module.ir.function(func.func));
    let tally = Tally {
        program: subject.program,
        watched: Watched::of(&subject),
        writes,
    };
    let mut engine = Engine::new(library, &tally);
    engine.driven = subject.driven();
    let mut effort = Effort::default();
    let mut answers = Answers::default();
    let may_set = names_place(&subject);
    let (mut state, cells, root) = enter(&mut engine, &subject);
    let judging = (&subject, &demanded, may_set);
    let mut verdict = judge(&mut engine, (root, cells), &mut state, judging);
    let mut judged = root;
    // A decorator of the project comes first: if the method is wrong by itself, the method is at
    // fault.
    if root != func && verdict.as_ref().is_some_and(|v| !v.bad.is_empty()) {
        let mut plain = Engine::new(library, &tally);
        plain.driven = subject.driven();
        let mut state = entry_state(&mut plain, &subject, func);
        let inner = judge(&mut plain, (func, None), &mut state, judging);
        effort.account(&plain.budget);
        answers.extend(&about(&plain, &subject));
        if let Some(inner) = inner.filter(|inner| !inner.bad.is_empty()) {
            (verdict, judged) = (Some(inner), func);
        }
    }
    effort.account(&engine.budget);
    let complete = verdict.as_ref().is_some_and(|verdict| verdict.complete);
    engine.note_walk(func, 0);
    effort.given_up += u64::from(!complete);
    effort.infeasible += verdict.as_ref().map_or(0, |verdict| verdict.infeasible);
    answers.extend(&about(&engine, &subject));
    let judged = Judged {
        verdict,
        func: judged,
        effort,
    };
    (judged, answers)
}

/// What was asked about the class of a method.
fn about(engine: &Engine<'_>, subject: &Subject<'_>) -> Answers {
    let class = subject.class;
    class.map_or_else(Answers::default, |class| engine.answers_about(class))
}

/// Whether the files of a class and its bases name an attribute of one of the places at all. For a
/// function, that is not asked.
fn names_place(subject: &Subject<'_>) -> bool {
    let Some(class) = subject.class else {
        return true;
    };
    let program = subject.program;
    let attributes: Vec<&str> = subject
        .contract
        .places()
        .filter_map(Place::attribute)
        .collect();
    program.mro(class).entries.iter().any(|entry| {
        let MroEntry::Class(class) = entry else {
            return false;
        };
        let module = program.module(class.module);
        let text = module.text().as_bytes();
        let mut attributes = attributes.iter();
        attributes.any(|name| memchr::memmem::find(text, name.as_bytes()).is_some())
    })
}

/// What a contract demands, beside the places and calls that the engine watches.
struct Demanded {
    /// The parts of which a returned value must have one; an empty one asks only for a value.
    results: Vec<Vec<Hop>>,
    /// Whether a place or a call can keep the contract, too.
    by_deeds: bool,
    calls: bool,
    also_when_raising: bool,
    /// Calling the function gives a generator, whatever its code returns.
    gives_generator: bool,
}

impl Demanded {
    fn of(contract: &Contract, function: &Function) -> Self {
        let hop = |step: &Step| match step {
            Step::Field(name) => Hop::Field(name.as_str().into()),
            Step::Key(key) => Hop::Key(key.as_str().into()),
        };
        let results = contract.demands.iter().filter_map(|demand| match demand {
            Demand::Return(steps) => Some(steps.iter().map(hop).collect()),
            Demand::Store(_) | Demand::Call(_) => None,
        });
        let results: Vec<Vec<Hop>> = results.collect();
        Self {
            by_deeds: results.len() < contract.demands.len(),
            results,
            calls: contract.calls().next().is_some(),
            also_when_raising: contract.also_when_raising,
            gives_generator: function.is_generator,
        }
    }

    /// Whether a path that ends in this state, with this value, has done what is demanded. An
    /// exception returns no value.
    fn kept(&self, engine: &mut Engine<'_>, state: &State, value: Option<Value>) -> Presence {
        let mut all = Vec::new();
        if !engine.places().is_empty() {
            all.push(engine.presence(state));
        }
        if self.calls {
            all.push(match state.flags.rule & WAS_CALLED {
                0 => Presence::Absent,
                _ => Presence::Present,
            });
        }
        if let Some(value) = value {
            for part in &self.results {
                all.push(match (self.gives_generator, part.is_empty()) {
                    (false, _) => engine.has_part(state, value, part),
                    (true, true) => Presence::Present,
                    (true, false) => Presence::Unknown,
                });
            }
        }
        if all.contains(&Presence::Present) {
            Presence::Present
        } else if all.contains(&Presence::Unknown) {
            Presence::Unknown
        } else {
            Presence::Absent
        }
    }

    /// How a state is wrong at an exit.
    fn bad(&self, engine: &mut Engine<'_>, state: &State, value: Option<Value>) -> Option<Bad> {
        match self.kept(engine, state, value) {
            Presence::Present => None,
            Presence::Unknown => Some(Bad::Unverified),
            Presence::Absent if self.by_deeds && state.flags.is_unresolved() => {
                Some(Bad::Unverified)
            }
            Presence::Absent if state.flags.rule & WAS_SET != 0 => Some(Bad::Dropped),
            Presence::Absent if state.flags.rule & WROTE != 0 => Some(Bad::AfterWrite),
            Presence::Absent => Some(Bad::Plain),
        }
    }

    /// The exit that a state leaves by, and the value that counts there; `None` if nothing is demanded
    /// there. A function that returns a failure has reported it, unless what is demanded is a value.
    fn exit(
        &self,
        engine: &mut Engine<'_>,
        cx: &FnContext,
        (block, kind): (BlockId, ExitKind),
        (state, value): (&State, Value),
    ) -> Option<(ExitPoint, Option<Value>)> {
        match kind {
            ExitKind::Return if self.is_reported(engine, state, value) => {
                let mut point = exit_point(cx, block);
                point.raising = true;
                self.also_when_raising.then_some((point, None))
            }
            ExitKind::Return => Some((exit_point(cx, block), Some(value))),
            ExitKind::Raise if self.also_when_raising => Some((raising_point(cx, block), None)),
            ExitKind::Raise | ExitKind::Yield(_) => None,
        }
    }

    fn is_reported(&self, engine: &mut Engine<'_>, state: &State, value: Value) -> bool {
        let nothing = !self.results.is_empty() && engine.is_nothing(value);
        engine.is_failure(state, value) && !nothing
    }
}

/// A state that looks bad at an exit.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Candidate {
    block: BlockId,
    kind: ExitKind,
    bad: Bad,
    uncertain: bool,
}

/// What the exits of a function look like in one graph of it.
#[derive(Default)]
struct Exits {
    /// The states that look bad, by exit.
    candidates: BTreeMap<ExitPoint, Vec<Candidate>>,
    arrivals: BTreeMap<ExitPoint, Arrivals>,
    returns: Returns,
    /// Blocks that are left with the place set.
    good: BTreeSet<BlockId>,
    any_unverified: bool,
    /// In some merged state it is not known whether the place is set.
    any_unknown: bool,
}

impl Exits {
    fn of(engine: &mut Engine<'_>, demanded: &Demanded, cx: &FnContext, graph: &Graph) -> Self {
        let mut out = Self::default();
        for (at, e) in graph.exits.iter().enumerate() {
            let left = demanded.exit(engine, cx, (e.block, e.kind), (&e.state, e.value));
            let Some((point, value)) = left else {
                if e.kind == ExitKind::Return {
                    let point = exit_point(cx, e.block);
                    out.returns.arrive(point, Arrival::Failure);
                }
                continue;
            };
            let bad = demanded.bad(engine, &e.state, value);
            let arrival = bad.map_or(Arrival::Set(at), |_| Arrival::Unset);
            out.returns.arrive(point, arrival);
            out.arrivals.entry(point).or_default().add(e.block, bad);
            let Some(bad) = bad else {
                if !point.raising {
                    out.good.insert(e.block);
                }
                continue;
            };
            out.any_unverified |= bad == Bad::Unverified;
            out.any_unknown |= demanded.kept(engine, &e.state, value) == Presence::Unknown;
            let list = out.candidates.entry(point).or_default();
            let candidate = Candidate {
                block: e.block,
                kind: e.kind,
                bad,
                uncertain: e.state.flags.is_uncertain(),
            };
            if !list.contains(&candidate) {
                list.push(candidate);
            }
        }
        out
    }
}

/// Judges a function; `None` if it could not be followed to its end in any way. `may_set` says
/// whether the class mentions the attribute of the place at all.
fn judge(
    engine: &mut Engine<'_>,
    (func, cells): (FuncRef, Option<Value>),
    state: &mut State,
    (subject, demanded, may_set): (&Subject<'_>, &Demanded, bool),
) -> Option<Verdict> {
    let cx = bind_receiver(engine, subject, (func, cells), state);
    let mut ladder = Ladder::new();
    let mut best = None;
    while let Some(rung) = ladder.next_rung() {
        let Some(graph) = rung.simulate(engine, &cx, state) else {
            ladder.fell();
            continue;
        };
        let exits = Exits::of(engine, demanded, &cx, &graph);
        let any_unknown = exits.any_unknown;
        let mut search = ExitSearch {
            paths: Paths::new(&cx, (BlockId::ENTRY, state), &graph, None),
            steps: rung.witness_steps(&cx),
            engine,
            demanded,
            infeasible: 0,
        };
        let verdict = search.verdict(exits, &cx, &graph);
        // Merged states may have lost that a store is one to the place.
        let hasty = any_unknown || verdict.never && (engine.touches_place || may_set);
        let open = !verdict.open.is_empty() || rung == Rung::Merged && hasty;
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

/// The search for paths in one graph of a function.
struct ExitSearch<'s, 'p> {
    engine: &'s mut Engine<'p>,
    demanded: &'s Demanded,
    paths: Paths<'s>,
    /// How long a single path is searched for.
    steps: u64,
    /// How many exits no single path reached.
    infeasible: u64,
}

/// The answer to the question whether an exit is bad.
enum Confirmed {
    Bad(BadExit),
    /// The search was given up.
    Open,
    No,
}

impl ExitSearch<'_, '_> {
    /// The verdict that the graph shows.
    fn verdict(&mut self, exits: Exits, cx: &Rc<FnContext>, graph: &Graph) -> Verdict {
        let Exits {
            candidates,
            arrivals,
            mut returns,
            good,
            any_unverified,
            ..
        } = exits;
        let mut found = Vec::new();
        let mut given_up = Vec::new();
        for (point, list) in candidates {
            match self.confirm(point, &list, &mut returns) {
                Confirmed::Bad(exit) => found.push(exit),
                Confirmed::Open => given_up.push(point),
                Confirmed::No => {}
            }
        }
        let lost = found.iter().any(|exit| exit.bad == Bad::Dropped);
        let returning = found.iter().filter(|exit| !exit.point.raising);
        let never = !(any_unverified
            || lost
            || returning.count() == 0
            || self.any_is_set(good)
            || leaves_out_store(self.engine, cx, graph));
        let places = self.engine.places().iter();
        let names: Vec<Name> = places.map(|place| place.slot.name().clone()).collect();
        let demanded = self.demanded;
        let done = |engine: &mut Engine<'_>, state: &State| {
            demanded.kept(engine, state, None) == Presence::Present
        };
        // Whether a value is returned shows only at the exit.
        let deeds = demanded.results.is_empty().then_some(Deeds {
            done: &done,
            meanwhile: match demanded.calls {
                false => "if the place is not set yet",
                true => "if the contract is not kept yet",
            },
        });
        let exits = returns.exits(self.engine, cx, graph, (&names, deeds));
        Verdict {
            bad: found,
            open: given_up,
            arrivals,
            never,
            complete: false,
            infeasible: self.infeasible,
            exits,
        }
    }

    /// Searches for a path to an exit that looks bad.
    fn confirm(
        &mut self,
        point: ExitPoint,
        candidates: &[Candidate],
        returns: &mut Returns,
    ) -> Confirmed {
        let mut unknown = false;
        // A path on which nothing is uncertain says more.
        let order = Bad::ALL
            .into_iter()
            .flat_map(|wanted| [(wanted, false), (wanted, true)]);
        let demanded = self.demanded;
        for (wanted, low) in order {
            let fits = |e: &&Candidate| (e.bad, e.uncertain) == (wanted, low);
            for Candidate { block, kind, .. } in candidates.iter().filter(fits) {
                let accept = move |engine: &mut Engine<'_>, state: &State, value: Value| {
                    let failed = demanded.is_reported(engine, state, value);
                    let value = (!point.raising).then_some(value);
                    demanded.bad(engine, state, value) == Some(wanted)
                        && (low || !state.flags.is_uncertain())
                        && (*kind == ExitKind::Raise || failed == point.raising)
                };
                match self.path_to((*block, *kind), &accept) {
                    Witness::Found(events, end) => {
                        returns.confirm(point, wanted.unset());
                        return Confirmed::Bad(BadExit {
                            point,
                            bad: wanted,
                            uncertain: end.flags.is_uncertain(),
                            events,
                        });
                    }
                    Witness::Infeasible => self.infeasible += 1,
                    Witness::Unknown => {
                        unknown = true;
                        returns.confirm(point, None);
                    }
                }
            }
        }
        if unknown {
            Confirmed::Open
        } else {
            Confirmed::No
        }
    }

    /// Whether a path may leave one of these blocks with the place set.
    fn any_is_set(&mut self, blocks: BTreeSet<BlockId>) -> bool {
        let demanded = self.demanded;
        let set = |engine: &mut Engine<'_>, state: &State, value: Value| {
            demanded.bad(engine, state, Some(value)).is_none()
                && !demanded.is_reported(engine, state, value)
        };
        let mut blocks = blocks.into_iter();
        let returns = ExitKind::Return;
        blocks.any(|block| !matches!(self.path_to((block, returns), &set), Witness::Infeasible))
    }

    fn path_to(
        &mut self,
        (block, kind): (BlockId, ExitKind),
        accept: &dyn Fn(&mut Engine<'_>, &State, Value) -> bool,
    ) -> Witness {
        let goal = Goal {
            end: End::Exit(kind),
            block: Some(block),
            from: None,
            accept,
            steps: self.steps,
        };
        self.paths.search(self.engine, &goal)
    }
}

/// Whether a store to the place is on no path of the receiver's class, which inherits the method: it
/// is on one of another class.
fn leaves_out_store(engine: &Engine<'_>, cx: &FnContext, graph: &Graph) -> bool {
    let keys: Vec<&Name> = engine
        .places()
        .iter()
        .map(|place| place.slot.name())
        .collect();
    let function = cx.function();
    let receiver = graph.nodes.first().and_then(|node| {
        let state = &node.state;
        state.fact(state.watched)?.class
    });
    let owner = function.class.map(|class| ClassRef {
        module: cx.func.module,
        class,
    });
    if receiver == owner {
        return false;
    }
    let body = &function.body;
    let stores = |statement: &Statement| match &statement.kind {
        StatementKind::SetItem {
            key: Operand::Const(Literal::Str(stored)),
            ..
        } => keys.contains(&stored),
        StatementKind::SetField { field, .. } => keys.contains(&field),
        _ => false,
    };
    body.blocks.iter().enumerate().any(|(at, block)| {
        block.statements.iter().any(stores)
            && !graph.nodes.iter().any(|node| node.block.index() == at)
    })
}
