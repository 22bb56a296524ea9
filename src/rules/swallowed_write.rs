//! `swallowed-write`: a write fails, the failure is caught, and the method ends as if it had not.
//!
//! The contract method is simulated with an automaton that follows a failed write to what catches
//! it. That is reported if a normal exit can be reached from there, unless somebody can learn of
//! the failure.
//!
//! | module | owns |
//! |---|---|
//! | `report` | findings, notes, fixes |
//! | `watch` | the automaton |
//! | `writes` | which calls are writes that matter |
//! | `no_store` | which calls named like writes store no data |
//! | `failure` | what a state says about the failure that is followed |
//! | `told` | what is done about a failure after it was caught |
//! | `likeness` | whether two values are the same data |
//! | `readers` | who can learn of a failure |
//! | `callers` | what callers do with what the method returns |
//! | `options` | what a configuration can say |

mod callers;
mod failure;
mod likeness;
mod no_store;
mod options;
mod readers;
mod report;
mod told;
mod watch;
mod writes;

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::engine::flow::ExitKind;
use crate::engine::objects::ask::Answers;
use crate::engine::simulate::Graph;
use crate::engine::values::state::State;
use crate::engine::values::value::Value;
use crate::engine::witness::{End, Goal, PathEvent, Paths, Witness};
use crate::engine::{Engine, FnContext, Presence};
use crate::ir::{BlockId, BranchRole, Literal, Name, TerminatorKind};
use crate::program::{FuncRef, Program};
use crate::rules::contract_method::{
    Caller, Checked, ContractRule, ContractRun, DictKind, Ladder, Rung, Subject, Verdicts, Watched,
    bind_receiver, dict_kinds, enter,
};
use crate::rules::{Effort, tables};
use crate::settings::{Demand, Settings, Writes};
use callers::Answer;
use failure::{OF_BATCH, failed_at, failed_name, is_failing, passed_on_by, turned_out_empty};
pub use options::{Options, Table};
use readers::{Heard, Left, Readers, left_behind};
use watch::{Calls, Swallower, Watch};

/// How often a method is followed to find out which writes are made in any case.
const ROUNDS: usize = 3;

/// A failure that nobody learns of.
struct Swallowed {
    by: Swallower,
    /// At the end of the method, the place is unset or a literal 0.
    certified: bool,
    exit: BlockId,
    events: Vec<PathEvent>,
    /// The name of the write that failed, and where it failed.
    failed: Option<Name>,
    failed_at: Option<(FuncRef, BlockId)>,
    /// Whether the write was given several rows.
    of_batch: bool,
    /// Where the same failure was caught before, and raised again.
    passed_on_by: Vec<(FuncRef, BlockId)>,
    /// What the failure leaves on the receiver, which nothing reads.
    left: Vec<Left>,
}

/// What a verdict depends on beside the class.
#[derive(PartialEq, Eq, Hash)]
pub struct Depends {
    method: String,
    demands: Vec<Demand>,
    dicts: Vec<DictKind>,
    options: Options,
    writes: Writes,
}

/// The verdicts on methods.
pub type Known = Verdicts<Depends, Judged>;

/// The verdict on a contract method.
pub struct Judged {
    found: Vec<Swallowed>,
    /// The function that a call of the method really runs.
    root: FuncRef,
    /// What was asked about the readers of what the failures leave behind.
    heard: Heard,
    effort: Effort,
}

/// Checks contract methods.
pub struct Methods;

impl ContractRule for Methods {
    fn begin(&self) -> Box<dyn ContractRun> {
        Box::new(Known::default())
    }

    fn is_one_fault(&self) -> bool {
        true
    }
}

impl ContractRun for Known {
    fn check(
        &self,
        subject: Subject<'_>,
        caller: Option<Caller<'_>>,
        settings: &Settings,
        out: &mut Checked,
    ) {
        check_function(subject, caller, settings, self, out);
    }
}

fn check_function(
    subject: Subject<'_>,
    caller: Option<Caller<'_>>,
    settings: &Settings,
    known: &Known,
    out: &mut Checked,
) {
    // Nobody is known to record the run of a function.
    if subject.class.is_none() || subject.runs_nothing() || readers::is_log_sink(&subject) {
        return;
    }
    let Subject {
        program,
        class,
        func,
        contract,
        ..
    } = subject;
    let options: &Options = settings.options.get();
    let depends = Depends {
        method: subject.method.to_owned(),
        demands: contract.demands.clone(),
        dicts: dict_kinds(&subject),
        options: options.clone(),
        writes: settings.writes.clone(),
    };
    let readers = OnceCell::new();
    let mut spent = Effort::default();
    let fits = |judged: &Judged| {
        judged.heard.is_empty() || {
            let readers = readers.get_or_init(|| Readers::new(&subject));
            judged.heard.holds(program, readers)
        }
    };
    let judged = known.get(program, (func, depends), class, fits, || {
        let (judged, answers) = judge(subject, options, &settings.writes, &readers);
        spent = judged.effort;
        (judged, answers)
    });
    out.effort += spent;
    for swallowed in &judged.found {
        out.findings
            .extend(report::finding(subject, judged.root, swallowed, caller));
    }
}

/// Follows the method until it is known which of its writes are made in any case, failure or not.
fn judge(
    subject: Subject<'_>,
    options: &Options,
    writes: &Writes,
    readers: &OnceCell<Readers>,
) -> (Judged, Answers) {
    let mut regular = Calls::new();
    let mut effort = Effort::default();
    let mut asked = Answers::default();
    for round in 1.. {
        let watch = Watch::new(
            Watched::of(&subject).places,
            subject.method,
            (options, writes),
            &regular,
        );
        let (mut judged, answers, mistaken) = follow(subject, &watch, readers);
        effort += judged.effort;
        asked.extend(&answers);
        if mistaken.is_empty() || round >= ROUNDS {
            judged.effort = effort;
            return (judged, asked);
        }
        regular.extend(mistaken);
    }
    unreachable!("the rounds are bounded")
}

/// Follows the method with what is known of its writes. The last result are the writes that turned
/// out to be made in any case.
fn follow(
    subject: Subject<'_>,
    watch: &Watch<'_>,
    readers: &OnceCell<Readers>,
) -> (Judged, Answers, Calls) {
    let mut engine = Engine::new(subject.library, watch);
    engine.driven = subject.driven();
    let mut effort = Effort::default();
    let (mut state, cells, root) = enter(&mut engine, &subject);
    let cx = bind_receiver(&mut engine, &subject, (root, cells), &mut state);
    // Parameters are the first locals.
    let params = 0..cx.function().params.len();
    let arguments: Vec<Value> = params
        .filter_map(|param| state.env.get(param))
        .filter(|v| *v != state.watched)
        .collect();
    watch.given(&arguments);
    let heard = RefCell::default();
    let mut best = None;
    let mut mistaken = Calls::new();
    let mut ladder = Ladder::new();
    while let Some(rung) = ladder.next_rung() {
        watch.begin();
        let Some(graph) = rung.simulate(&mut engine, &cx, &state) else {
            ladder.fell();
            continue;
        };
        let paths = Paths::new(&cx, (BlockId::ENTRY, &state), &graph, None);
        let mut search = SwallowerSearch {
            engine: &mut engine,
            watch,
            subject,
            cx: &cx,
            graph: &graph,
            paths,
            steps: rung.witness_steps(&cx),
            infeasible: 0,
            unknown: 0,
            told_apart: false,
            readers,
            heard: &heard,
            arguments: arguments.clone(),
        };
        let found = search.swallowed();
        mistaken = watch.mistaken();
        mistaken.retain(|(func, block)| {
            !is_only_handling(subject.program, *func, BlockId(*block))
                && search.is_made_in_any_case((*func, *block))
        });
        let (infeasible, unknown) = (search.infeasible, search.unknown);
        let told_apart = search.told_apart;
        best = Some((found, infeasible));
        // Merged states may have met a write on infeasible paths, and what they forgot looks like
        // something that a failure leaves behind.
        let doubtful = rung == Rung::Merged && (told_apart || !mistaken.is_empty());
        if unknown == 0 && !doubtful {
            ladder.answered();
        } else {
            ladder.climb();
        }
    }
    effort.account(&engine.budget);
    engine.note_walk(subject.func, 0);
    effort.given_up += u64::from(!ladder.complete);
    let (found, infeasible) = best.unwrap_or_default();
    effort.infeasible += infeasible;
    let class = subject.class;
    let answers = class.map_or_else(Answers::default, |class| engine.answers_about(class));
    let judged = Judged {
        found,
        root,
        heard: heard.into_inner(),
        effort,
    };
    (judged, answers, mistaken)
}

/// The search for failures that nobody learns of, in one graph.
struct SwallowerSearch<'s, 'p> {
    engine: &'s mut Engine<'p>,
    watch: &'s Watch<'s>,
    subject: Subject<'s>,
    cx: &'s Rc<FnContext>,
    graph: &'s Graph,
    paths: Paths<'s>,
    /// How long a single path is searched for.
    steps: u64,
    infeasible: u64,
    unknown: u64,
    /// Whether a path was rejected because its end differs from those on which all went well.
    told_apart: bool,
    /// Who reads what a failure leaves behind: found out on first use.
    readers: &'s OnceCell<Readers>,
    heard: &'s RefCell<Heard>,
    /// What the method was given: others hold it, too.
    arguments: Vec<Value>,
}

impl<'s> SwallowerSearch<'s, '_> {
    fn readers(&self) -> &'s Readers {
        self.readers.get_or_init(|| Readers::new(&self.subject))
    }

    /// Whether a write is made on some path on which nothing failed before. Merged states may have
    /// met it on an infeasible path, so for a write of the method itself a path is searched for.
    fn is_made_in_any_case(&mut self, (func, block): (FuncRef, u32)) -> bool {
        // Where the method begins, nothing has failed.
        if func != self.cx.func || BlockId(block) == BlockId::ENTRY {
            return true;
        }
        let all_is_well =
            |_: &mut Engine<'_>, state: &State, _: Value| !is_failing(state.flags.rule);
        let goal = Goal {
            end: End::Arrival,
            block: Some(BlockId(block)),
            from: None,
            accept: &all_is_well,
            steps: self.steps,
        };
        let found = self.paths.search(self.engine, &goal);
        !matches!(found, Witness::Infeasible)
    }

    fn swallowed(&mut self) -> Vec<Swallowed> {
        // A method that returns a failure has reported it.
        let mut exits = Vec::new();
        for e in self
            .graph
            .exits
            .iter()
            .filter(|e| e.kind == ExitKind::Return)
        {
            if !self.engine.is_failure(&e.state, e.value) {
                exits.push(e);
            }
        }
        let watch = self.watch;
        let mut candidates: BTreeMap<Key, BTreeSet<(bool, BlockId)>> = BTreeMap::new();
        let mut well: Vec<(State, Value)> = Vec::new();
        for e in exits {
            match watch.swallower(e.state.flags.rule) {
                None => well.push((e.state.clone(), e.value)),
                Some(by) => {
                    let flags = e.state.flags.rule;
                    if !watch.options.strict && loses_nothing(self.subject.program, by, flags) {
                        continue;
                    }
                    let certified = certified(self.engine, &e.state);
                    // Certified ones are tried first.
                    let place = (!certified, e.block);
                    candidates.entry(key(by)).or_default().insert(place);
                }
            }
        }
        if candidates.is_empty() {
            return Vec::new();
        }
        let mut out: Vec<Swallowed> = Vec::new();
        for (by, exits) in candidates {
            for (uncertified, exit) in exits {
                let found = self.search(by, !uncertified, exit, &well);
                let Some(found) = found else { continue };
                let excused = report::is_heard(self.subject, &found, &|| {
                    let readers = self.readers();
                    self.heard.borrow_mut().answered(readers, Answer::Vague)
                }) || report::asks_for_duplicates(self.subject.program, &found);
                if watch.options.strict || !excused {
                    out.push(found);
                    break;
                }
            }
        }
        // A handler that raises on some paths passes the failure on to another one, which is a
        // fault of its own only if the first is none. The same holds for what catches the failure
        // on the way to a `return` that discards it in any case.
        let by_all: Vec<(FuncRef, BlockId)> = out.iter().map(|s| s.by.place()).collect();
        let root = self.cx.func;
        let passed_on = |s: &Swallowed| {
            let mut others = s.passed_on_by.iter().copied().chain([(root, s.exit)]);
            others.any(|by| by != s.by.place() && by_all.contains(&by))
        };
        let again: Vec<bool> = out.iter().map(passed_on).collect();
        let mut again = again.into_iter();
        out.retain(|_| !again.next().unwrap_or_default());
        out
    }

    fn search(
        &mut self,
        by: Key,
        wanted: bool,
        exit: BlockId,
        well: &[(State, Value)],
    ) -> Option<Swallowed> {
        let (watch, subject, heard_by) = (self.watch, self.subject, self.heard);
        let told_apart = Cell::new(false);
        let readers = self.readers();
        let arguments = &self.arguments;
        let heard = |engine: &mut Engine<'_>, state: &State, value: Value| {
            let answer = Answer::of(engine, (state, value), well);
            answer.is_some_and(|answer| heard_by.borrow_mut().answered(readers, answer)) || {
                let left = left_behind(engine, state, well, (&subject, arguments));
                let read = heard_by.borrow_mut().read(subject.program, readers, &left);
                told_apart.set(told_apart.get() || read);
                read
            }
        };
        let excuses = |by: Swallower, flags: u32| {
            !watch.options.strict && loses_nothing(subject.program, by, flags)
        };
        let accept = |engine: &mut Engine<'_>, state: &State, value: Value| {
            let swallower = watch.swallower(state.flags.rule);
            swallower.is_some_and(|s| key(s) == by && !excuses(s, state.flags.rule))
                && (!wanted || certified(engine, state))
                && !engine.is_failure(state, value)
                && (watch.options.strict
                    || !turned_out_empty(engine, state) && !heard(engine, state, value))
        };
        let goal = Goal {
            end: End::Exit(ExitKind::Return),
            block: Some(exit),
            from: None,
            accept: &accept,
            steps: self.steps,
        };
        let found = self.paths.search(self.engine, &goal);
        self.told_apart |= told_apart.get() && !matches!(found, Witness::Found(..));
        match found {
            Witness::Found(events, end) => {
                let left = left_behind(self.engine, &end, well, (&subject, arguments));
                let by = watch.swallower(end.flags.rule)?;
                // Asked again: merged states may have forgotten that 0 is stored on some paths.
                Some(Swallowed {
                    by,
                    certified: certified(self.engine, &end),
                    exit,
                    events,
                    failed: failed_name(self.engine, &end),
                    failed_at: failed_at(self.engine, &end),
                    of_batch: end.flags.rule & OF_BATCH != 0,
                    passed_on_by: passed_on_by(self.engine, &end),
                    left,
                })
            }
            Witness::Infeasible => {
                self.infeasible += 1;
                None
            }
            Witness::Unknown => {
                self.unknown += 1;
                None
            }
        }
    }
}

/// A swallower in an order that does not depend on when it was found.
type Key = (FuncRef, BlockId, bool);

fn key(by: Swallower) -> Key {
    match by {
        Swallower::Catch(catch) => (catch.func, catch.block, false),
        Swallower::Return(func, block) => (func, block, true),
    }
}

/// Whether the place says 0 rows at an exit: it is unset, or a literal 0.
fn certified(engine: &mut Engine<'_>, state: &State) -> bool {
    match engine.presence(state) {
        Presence::Absent => true,
        Presence::Unknown => false,
        Presence::Present => {
            let stored = engine.stored(state);
            stored.is_some_and(|v| engine.terms.literal(v) == Some(&Literal::Int(0)))
        }
    }
}

/// Whether a handler catches only exceptions that say that the rows are there already, or that there
/// is nothing more to read. `flags` tell whether the failed write was given several.
fn loses_nothing(program: &Program<'_>, by: Swallower, flags: u32) -> bool {
    let Swallower::Catch(catch) = by else {
        return false;
    };
    let names = readers::caught_names(program, (catch.func, catch.block));
    !names.is_empty()
        && names.iter().all(|name| {
            tables::says_nothing_left(name)
                || excuses_duplicates(&name.to_ascii_lowercase(), flags & OF_BATCH != 0)
        })
}

/// Whether a text in lower case says that what was to be written is there already. That one row is
/// there says nothing about the others of a batch.
fn excuses_duplicates(text: &str, of_batch: bool) -> bool {
    tables::says_duplicate(text) && !(of_batch && tables::says_duplicate_row(text))
}

/// Whether a block of a function runs only after a handler has caught something.
fn is_only_handling(program: &Program<'_>, func: FuncRef, block: BlockId) -> bool {
    let module = program.module(func.module);
    let body = &module.ir.function(func.func).body;
    let mut reached = vec![false; body.blocks.len()];
    let mut open = vec![BlockId::ENTRY];
    while let Some(at) = open.pop() {
        if std::mem::replace(&mut reached[at.index()], true) {
            continue;
        }
        match &body.block(at).terminator.kind {
            TerminatorKind::Branch {
                role: BranchRole::Handler,
                otherwise,
                ..
            } => open.push(*otherwise),
            other => other.for_each_successor(|next| open.push(next)),
        }
    }
    !reached[block.index()]
}
