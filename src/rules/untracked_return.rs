//! `untracked-return`: every path on which a contract method returns must have set the place.

mod errors;
mod judge;
mod near_miss;
mod repair;
mod report;
mod words;

use crate::engine::summaries::library::Deeds;
use crate::engine::values::state::State;
use crate::engine::{
    Automaton, CallEvent, CompletedCall, Engine, FailureEvents, HelperFilter, Watches,
};
use crate::ir::BlockId;
use crate::outcome::{Followed, MethodExits};
use crate::program::{FuncRef, Program};
use crate::rules::contract_method::{
    Caller, Checked, ContractRule, ContractRun, DictKind, Subject, Verdicts, Watched, dict_kinds,
};
use crate::rules::known::{some_call_writes, writes_at, writes_by};
use crate::rules::tables::{PLAIN, may_write};
use crate::rules::{Effort, Rule, UntrackedReturn};
use crate::settings::{Demand, Settings, Writes};
use judge::{Verdict, judge_method};
use report::MethodFindings;
use words::Words;

/// The path did a write.
const WROTE: u32 = 1;
/// The place was set at some time.
const WAS_SET: u32 = 2;
/// One of the calls that the contract demands was made.
const WAS_CALLED: u32 = 4;

/// The automaton: whether something was written, and whether the place was ever set. Whether it is
/// set *now* is a question to the heap of the state, which knows about aliases and rebindings.
struct Tally<'w> {
    program: &'w Program<'w>,
    watched: Watched,
    /// What counts as a write.
    writes: &'w Writes,
}

impl Automaton for Tally<'_> {
    fn watches(&self) -> Watches<'_> {
        Watches {
            places: Some(&self.watched.places),
            calls: &self.watched.calls,
            failures: (!self.watched.calls.is_empty()).then_some(self),
            plain_texts: Some(PLAIN),
            helpers: Some(self),
            ..Watches::default()
        }
    }
    fn on_call(&self, flags: u32, call: &CallEvent<'_>) -> u32 {
        let site = (call.site.func, BlockId(call.site.block));
        let given = (call.name, call.receiver, call.texts);
        if !call.resolved && writes_at(self.program, self.writes, (site, writes_by), given) {
            flags | WROTE
        } else {
            flags
        }
    }
    fn on_set(&self, flags: u32) -> u32 {
        flags | WAS_SET
    }
}

impl FailureEvents for Tally<'_> {
    fn on_completed(&self, engine: &mut Engine<'_>, state: &mut State, call: &CompletedCall<'_>) {
        if engine.makes_watched_call(state, call) {
            state.flags.rule |= WAS_CALLED;
        }
    }
}

impl HelperFilter for Tally<'_> {
    fn ignores(&self, _engine: &Engine<'_>, deeds: &Deeds) -> bool {
        let mut calls = deeds.calls.iter();
        let demanded = |name: &str| self.watched.calls.iter().any(|call| call.name == name);
        !deeds.calls.iter().any(|call| demanded(&call.name))
            && !calls.any(|call| {
                !call.resolved
                    && !call.asked
                    && (may_write(self.writes, call)
                        || some_call_writes(self.program, self.writes, call.within, &call.name))
            })
    }
}

/// What a verdict depends on beside the class.
#[derive(PartialEq, Eq, Hash)]
pub struct Depends {
    demands: Vec<Demand>,
    also_when_raising: bool,
    dicts: Vec<DictKind>,
    writes: Writes,
}

/// The verdicts on methods.
pub type Known = Verdicts<Depends, Judged>;

/// The verdict on a contract method.
pub struct Judged {
    /// `None` if the method could not be followed to its end.
    verdict: Option<Verdict>,
    /// The function at fault: the method, or what a decorator puts in front of it.
    func: FuncRef,
    effort: Effort,
}

/// Checks contract methods.
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
    let words = Words::of(contract);
    let start = |kind| {
        subject
            .finding(UntrackedReturn.meta(), kind)
            .arg("never", words.never.clone())
            .arg("fail", words.fail.clone())
            .arg("duty", words.duty.clone())
            .arg("place", words.place.clone())
            .arg("zero", words.zero)
            .arg("written", words.written)
    };
    let exits = |followed, exits| MethodExits {
        def,
        followed,
        exits,
    };
    // What calling it gives is a value, whatever it runs.
    if subject.runs_nothing() && !contract.asks_for_a_result() {
        out.exits.push(exits(Followed::RunsNothing, Vec::new()));
        out.findings.push(
            start("never-set")
                .note("the body contains `yield`: calling it only makes a generator, and runs nothing")
                .exit(def)
                .at(def, "calling this runs nothing"),
        );
        return;
    }
    let depends = Depends {
        demands: contract.demands.clone(),
        also_when_raising: contract.also_when_raising,
        dicts: dict_kinds(&subject),
        writes: writes.clone(),
    };
    let mut spent = Effort::default();
    let judge = || {
        let (judged, answers) = judge_method(subject, writes);
        spent = judged.effort;
        (judged, answers)
    };
    let judged = known.get(program, (func, depends), class, |_| true, judge);
    out.effort += spent;
    let Some(verdict) = &judged.verdict else {
        out.exits.push(exits(Followed::TooLarge, Vec::new()));
        let large = start("unverified")
            .arg("unknown", "it is too large for every path to be followed")
            .arg("remedy", "split the method into smaller ones");
        out.findings
            .push(large.exit(def).at(def, "not every path was followed"));
        return;
    };
    out.exits
        .push(exits(Followed::Wholly, verdict.exits.clone()));
    let found = MethodFindings {
        class,
        func: judged.func,
        verdict,
        writes,
        contract,
        words: &words,
    };
    found.report(program, &start, out);
}
