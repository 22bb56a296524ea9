//! `swallowed-write`: a write fails, the failure is caught, and the method ends as if it had not.
//!
//! The contract method is simulated with an automaton that follows a failed write to what catches
//! it. That is reported if a normal exit can be reached from there, unless somebody can learn of
//! the failure.
//!
//! | module | owns |
//! |---|---|
//! | `search` | the search for failures that nobody learns of |
//! | `outside` | functions that no contract names |
//! | `quiet` | what such a function does about a failure, and whether that tells somebody |
//! | `report` | findings, notes, fixes |
//! | `readers` | who can learn of a failure |
//! | `audience` | who can hear of it in the whole program |
//! | `callers` | what callers do with what the method returns |
//! | `options` | what a configuration can say |

mod audience;
mod callers;
mod options;
mod outside;
mod quiet;
mod readers;
mod report;
mod search;

use std::cell::{OnceCell, RefCell};

use crate::engine::Engine;
use crate::engine::objects::ask::Answers;
use crate::engine::values::value::Value;
use crate::engine::witness::{PathEvent, Paths};
use crate::ir::{BlockId, Name};
use crate::program::FuncRef;
use crate::rules::contract_method::{
    Caller, Checked, ContractRule, ContractRun, DictKind, Ladder, Rung, Subject, Verdicts, Watched,
    bind_receiver, dict_kinds, enter,
};
use crate::rules::failed_write::is_only_handling;
use crate::rules::failed_write::watch::{Calls, Swallower, Watch};
use crate::rules::{Effort, FunctionRule};
use crate::settings::{Demand, Settings, Writes};
pub use options::{Options, Table};
use readers::{Heard, Left, Readers};
use search::SwallowerSearch;

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

    fn outside(&self) -> Option<&'static dyn FunctionRule> {
        Some(&outside::Functions)
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
            (subject.method, subject.is_outside()),
            (&options.excuses, writes),
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
