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
mod read;
mod readers;
mod report;
mod search;

use std::cell::{OnceCell, RefCell};

use crate::engine::objects::ask::Answers;
use crate::engine::witness::Path;
use crate::ir::{BlockId, Name};
use crate::program::FuncRef;
use crate::rules::contract_method::{
    Caller, Checked, ContractRule, ContractRun, DictKind, Subject, Verdicts, dict_kinds,
};
use crate::rules::failed_write::follow;
use crate::rules::failed_write::watch::Swallower;
use crate::rules::{Effort, FunctionRule};
use crate::settings::{Demand, Settings, Writes};
pub use options::{Options, Table};
use readers::{Heard, Left, Readers};
use search::SwallowerSearch;

/// A failure that nobody learns of.
struct Swallowed {
    by: Swallower,
    /// At the end of the method, the place is unset or a literal 0.
    certified: bool,
    exit: BlockId,
    events: Path,
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
    if subject.class.is_none() {
        out.as_outside = true;
        return;
    }
    if subject.runs_nothing() || readers::is_log_sink(&subject) {
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

/// Follows the method, and asks for failures that nobody learns of.
fn judge(
    subject: Subject<'_>,
    options: &Options,
    writes: &Writes,
    readers: &OnceCell<Readers>,
) -> (Judged, Answers) {
    let heard = RefCell::default();
    let followed = follow(subject, (&options.excuses, writes), &|ground| {
        let mut search = SwallowerSearch {
            ground,
            readers,
            heard: &heard,
        };
        search.swallowed()
    });
    let judged = Judged {
        found: followed.found,
        root: followed.root,
        heard: heard.into_inner(),
        effort: followed.effort,
    };
    (judged, followed.answers)
}
