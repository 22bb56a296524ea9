//! Which exits of a contract method are wrong, each confirmed by a path.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::repair::Arrivals;
use super::{Judged, Tally, WAS_SET, WROTE};
use crate::engine::flow::ExitKind;
use crate::engine::objects::ask::Answers;
use crate::engine::simulate::Graph;
use crate::engine::values::state::State;
use crate::engine::values::value::Value;
use crate::engine::witness::{End, Goal, PathEvent, Paths, Witness};
use crate::engine::{Engine, FnContext, Presence, WatchedPlace};
use crate::ir::{BlockId, Literal, Operand, Statement, StatementKind};
use crate::outcome::{MethodExit, Unset};
use crate::program::{ClassRef, FuncRef, MroEntry, Program};
use crate::rules::Effort;
use crate::rules::contract_method::{
    Arrival, ExitPoint, Ladder, Returns, Rung, Subject, bind_receiver, enter, entry_state,
    exit_point,
};
use crate::settings::Writes;

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

    /// The kind of finding.
    pub(super) fn kind(self) -> &'static str {
        match self {
            Bad::Dropped => "dropped",
            Bad::AfterWrite => "unset-after-write",
            Bad::Plain => "unset",
            Bad::Unverified => "unverified",
        }
    }

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
    pub events: Vec<PathEvent>,
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
    engine.driven = subject.driven();
    let mut effort = Effort::default();
    let mut answers = Answers::default();
    let may_set = names_field(library.program, class, &contract.sets.field);
    let (mut state, cells, root) = enter(&mut engine, class, func, contract);
    let mut verdict = judge(&mut engine, root, cells, &mut state, may_set);
    let mut judged = root;
    // A decorator of the project comes first: if the method is wrong by itself, the method is at
    // fault.
    if root != func && verdict.as_ref().is_some_and(|v| !v.bad.is_empty()) {
        let mut plain = Engine::new(library, &tally);
        plain.driven = subject.driven();
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
    /// The states that look bad, by exit: the block, how, and whether the state is uncertain.
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
            // A function that returns a failure has reported it.
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
            let candidate = (e.block, bad, e.state.flags.is_uncertain());
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
        let exits = Exits::of(engine, &cx, &graph);
        let any_unknown = exits.any_unknown;
        let mut search = ExitSearch {
            paths: Paths::new(&cx, (BlockId::ENTRY, state), &graph, None),
            steps: rung.witness_steps(&cx),
            engine,
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
        let never = !(any_unverified
            || lost
            || found.is_empty()
            || self.any_is_set(good)
            || leaves_out_store(self.engine, cx, graph));
        let key = self.engine.watches.place.map(|place| place.key.clone());
        let exits = returns.exits(self.engine, cx, graph, &key.unwrap_or_default());
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
        candidates: &[(BlockId, Bad, bool)],
        returns: &mut Returns,
    ) -> Confirmed {
        let mut unknown = false;
        // A path on which nothing is uncertain says more.
        let order = Bad::ALL
            .into_iter()
            .flat_map(|wanted| [(wanted, false), (wanted, true)]);
        for (wanted, low) in order {
            let accept = move |engine: &mut Engine<'_>, state: &State, value: Value| {
                bad(engine, state) == Some(wanted)
                    && (low || !state.flags.is_uncertain())
                    && !engine.is_failure(state, value)
            };
            for (block, ..) in candidates.iter().filter(|e| (e.1, e.2) == (wanted, low)) {
                match self.path_to(*block, &accept) {
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
        let set = |engine: &mut Engine<'_>, state: &State, value: Value| {
            bad(engine, state).is_none() && !engine.is_failure(state, value)
        };
        let mut blocks = blocks.into_iter();
        blocks.any(|block| !matches!(self.path_to(block, &set), Witness::Infeasible))
    }

    fn path_to(
        &mut self,
        block: BlockId,
        accept: &dyn Fn(&mut Engine<'_>, &State, Value) -> bool,
    ) -> Witness {
        let goal = Goal {
            end: End::Exit(ExitKind::Return),
            block: Some(block),
            from: None,
            accept,
            steps: self.steps,
        };
        self.paths.search(self.engine, &goal)
    }
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

/// Whether a store to the place is on no path of the receiver's class, which inherits the method: it
/// is on one of another class.
fn leaves_out_store(engine: &Engine<'_>, cx: &FnContext, graph: &Graph) -> bool {
    let Some(place) = engine.watches.place else {
        return false;
    };
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
        } => *stored == place.key,
        _ => false,
    };
    body.blocks.iter().enumerate().any(|(at, block)| {
        block.statements.iter().any(stores)
            && !graph.nodes.iter().any(|node| node.block.index() == at)
    })
}
