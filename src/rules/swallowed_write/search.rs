//! The search for failures that nobody learns of, in one graph of a function.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::Swallowed;
use super::callers::Answer;
use super::readers::{Heard, Readers, left_behind};
use super::report;
use crate::engine::flow::ExitKind;
use crate::engine::values::state::State;
use crate::engine::values::value::Value;
use crate::engine::witness::{End, Witness};
use crate::engine::{Engine, Presence};
use crate::ir::{BlockId, Literal};
use crate::program::FuncRef;
use crate::rules::failed_write::Ground;
use crate::rules::failed_write::caught::loses_nothing;
use crate::rules::failed_write::failure::{
    OF_BATCH, failed_at, failed_name, passed_on_by, turned_out_empty,
};
use crate::rules::failed_write::handling::Handling;
use crate::rules::failed_write::watch::Swallower;

/// The search for failures that nobody learns of, in one graph.
pub(super) struct SwallowerSearch<'g, 's, 'p> {
    pub(super) ground: &'g mut Ground<'s, 'p>,
    /// Who reads what a failure leaves behind: found out on first use.
    pub(super) readers: &'g OnceCell<Readers>,
    pub(super) heard: &'g RefCell<Heard>,
}

impl<'g> SwallowerSearch<'g, '_, '_> {
    fn readers(&self) -> &'g Readers {
        self.readers
            .get_or_init(|| Readers::new(&self.ground.subject))
    }

    pub(super) fn swallowed(&mut self) -> Vec<Swallowed> {
        // A method that returns a failure has reported it.
        let mut exits = Vec::new();
        for e in self
            .ground
            .graph
            .exits
            .iter()
            .filter(|e| e.kind == ExitKind::Return)
        {
            if !self.ground.engine.is_failure(&e.state, e.value) {
                exits.push(e);
            }
        }
        let watch = self.ground.watch;
        let mut candidates: BTreeMap<Key, BTreeSet<(bool, BlockId)>> = BTreeMap::new();
        let mut well: Vec<(BlockId, (State, Value))> = Vec::new();
        for e in exits {
            match watch.swallower(e.state.flags.rule) {
                None => well.push((e.block, (e.state.clone(), e.value))),
                Some(by) => {
                    let flags = e.state.flags.rule;
                    if !watch.excuses.strict
                        && loses_nothing(
                            self.ground.subject.program,
                            &watch.writes.presets,
                            by,
                            flags,
                        )
                    {
                        continue;
                    }
                    let certified = certified(self.ground.engine, &e.state);
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
            let well = self.where_write_worked(by, &well);
            for (uncertified, exit) in exits {
                let found = self.search(by, !uncertified, exit, &well);
                let Some(found) = found else { continue };
                let excused =
                    report::is_heard(self.ground.subject, &found, &|| {
                        let readers = self.readers();
                        self.heard.borrow_mut().answered(readers, Answer::Vague)
                    }) || report::asks_for_duplicates(self.ground.subject.program, &found);
                if watch.excuses.strict || !excused {
                    out.push(found);
                    break;
                }
            }
        }
        // A handler that raises on some paths passes the failure on to another one, which is a
        // fault of its own only if the first is none. The same holds for what catches the failure
        // on the way to a `return` that discards it in any case.
        let by_all: Vec<(FuncRef, BlockId)> = out.iter().map(|s| s.by.place()).collect();
        let root = self.ground.cx.func;
        let passed_on = |s: &Swallowed| {
            let mut others = s.passed_on_by.iter().copied().chain([(root, s.exit)]);
            others.any(|by| by != s.by.place() && by_all.contains(&by))
        };
        let again: Vec<bool> = out.iter().map(passed_on).collect();
        let mut again = again.into_iter();
        out.retain(|_| !again.next().unwrap_or_default());
        out
    }

    /// The ends where all went well, without those that the same handler leads to: there, something else
    /// failed.
    fn where_write_worked(
        &self,
        (func, catch, _): Key,
        well: &[(BlockId, (State, Value))],
    ) -> Vec<(State, Value)> {
        let all = || well.iter().map(|(_, end)| end.clone()).collect::<Vec<_>>();
        if func != self.ground.cx.func {
            return all();
        }
        let handling = Handling::after(self.ground.cx.function(), catch, true);
        let elsewhere = well.iter().filter(|(block, _)| !handling.contains(*block));
        let elsewhere: Vec<_> = elsewhere.map(|(_, end)| end.clone()).collect();
        if elsewhere.is_empty() {
            all()
        } else {
            elsewhere
        }
    }

    fn search(
        &mut self,
        by: Key,
        wanted: bool,
        exit: BlockId,
        well: &[(State, Value)],
    ) -> Option<Swallowed> {
        let (watch, subject, heard_by) = (self.ground.watch, self.ground.subject, self.heard);
        let told_apart = Cell::new(false);
        let readers = self.readers();
        let arguments = &*Rc::clone(&self.ground.arguments);
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
            !watch.excuses.strict
                && loses_nothing(subject.program, &watch.writes.presets, by, flags)
        };
        let accept = |engine: &mut Engine<'_>, state: &State, value: Value| {
            let swallower = watch.swallower(state.flags.rule);
            swallower.is_some_and(|s| key(s) == by && !excuses(s, state.flags.rule))
                && (!wanted || certified(engine, state))
                && !engine.is_failure(state, value)
                && (watch.excuses.strict
                    || !turned_out_empty(engine, state) && !heard(engine, state, value))
        };
        let end = End::Exit(ExitKind::Return);
        let found = self.ground.search(end, exit, &accept);
        let misled = told_apart.get() && !matches!(found, Witness::Found(..));
        self.ground.doubtful |= misled;
        match found {
            Witness::Found(events, end) => {
                let left = left_behind(self.ground.engine, &end, well, (&subject, arguments));
                let by = watch.swallower(end.flags.rule)?;
                // Asked again: merged states may have forgotten that 0 is stored on some paths.
                Some(Swallowed {
                    by,
                    certified: certified(self.ground.engine, &end),
                    exit,
                    events,
                    failed: failed_name(self.ground.engine, &end),
                    failed_at: failed_at(self.ground.engine, &end),
                    of_batch: end.flags.rule & OF_BATCH != 0,
                    passed_on_by: passed_on_by(self.ground.engine, &end),
                    left,
                })
            }
            Witness::Infeasible | Witness::Unknown => None,
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
