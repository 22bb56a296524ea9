//! Summaries for all callers: how they are computed, kept and used.
//!
//! The function is simulated once, by an engine of its own whose automaton watches nothing. Only
//! the kinds of the inputs are known. What the paths test about the inputs becomes a condition of
//! the exits. So the summary of a helper that raises unless its argument is one of two words says
//! just that. Each summary has a budget of its own, whoever asks for it first, so the results do
//! not depend on the order of the questions.

use std::cell::OnceCell;
use std::rc::Rc;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::engine::budget::{
    ASIDE_REACH, Bounds, CIRCLE_STEPS, COARSE, GENERIC, GENERIC_DEPTH, GENERIC_EXITS,
    GENERIC_STEPS, GENERIC_STEPS_PER_BLOCK, RECURSION_ROUNDS,
};
use crate::engine::flow::ExitKind;
use crate::engine::objects::ask::{Answers, Asked};
use crate::engine::summaries::export::generic_exit;
use crate::engine::summaries::library::{Deed, Deeds, GenericExit, Kept, Shape, Shaped};
use crate::engine::summaries::shape::{CallKey, Called};
use crate::engine::summaries::summary::{Applied, OuterLive, SummaryExit};
use crate::engine::values::env::Env;
use crate::engine::values::fact::{Fact, Kind};
use crate::engine::values::state::State;
use crate::engine::values::value::{Site, Term, Value};
use crate::engine::{Automaton, Catch, Engine, FailureEvents, HelperFilter, ValueEvents, Watches};
use crate::ir::{BlockId, Name};
use crate::program::{ClassRef, FuncRef};
use crate::source::trace;

/// Set while an exception from a `raise` statement is in flight.
pub(super) const EXPLICIT: u32 = 1;

/// The input number that stands for the watched object if the call is not given it.
const NOBODY: u32 = u32::MAX;

/// An automaton that watches nothing.
pub(in crate::engine) struct Neutral;

impl Automaton for Neutral {
    fn watches(&self) -> Watches<'_> {
        Watches {
            values: Some(self),
            failures: Some(self),
            helpers: Some(self),
            ..Watches::default()
        }
    }
}

impl ValueEvents for Neutral {}

impl FailureEvents for Neutral {
    fn on_raise(&self, _engine: &mut Engine<'_>, state: &mut State, _exc: Value) {
        state.flags.rule |= EXPLICIT;
    }
    fn on_caught(&self, _engine: &mut Engine<'_>, state: &mut State, _catch: Catch, _exc: Value) {
        state.flags.rule &= !EXPLICIT;
    }
}

impl HelperFilter for Neutral {
    fn ignores(&self, _engine: &Engine<'_>, _deeds: &Deeds) -> bool {
        true
    }
}

/// A summary in the terms of one engine.
#[derive(Default)]
pub(in crate::engine) struct Imported {
    pub(in crate::engine) exits: Vec<GenericExit>,
    pub(in crate::engine) deeds: Deeds,
    /// Whether the automaton ignores the deeds; empty until it is asked.
    pub(super) ignored: OnceCell<bool>,
}

/// A summary that is being computed.
pub(in crate::engine) struct Running {
    key: CallKey,
    /// The approximation so far. The first one is that the function never returns.
    current: Rc<Imported>,
    /// Whether a call asked for it in the meantime.
    asked_for: bool,
}

/// A result that rests on the approximation of a function whose summary is still being computed.
pub(in crate::engine) struct Resting<T> {
    /// The outermost such function, as an index into [`Engine::running`].
    on: usize,
    what: T,
}

impl Engine<'_> {
    /// A call in the terms of its summary for all callers, and that summary, if there is one.
    /// `None` if such a call cannot have one.
    pub(in crate::engine) fn ask_generic(
        &mut self,
        state: &State,
        f: FuncRef,
        env: &Env,
    ) -> Option<(Called, Option<Rc<Imported>>)> {
        let called = self.shape(state, f, env)?;
        let imported = self.generic(&called);
        Some((called, imported))
    }

    /// Whether a call makes no difference to a watched place, because the function is only asked
    /// for something and is not given the watched object.
    pub(in crate::engine) fn is_beside(&self, state: &State, called: &Called) -> bool {
        self.watches.places.is_some() && self.only_asks(called) && !self.is_concerned(state, called)
    }

    /// Whether a function is only asked for something by its callers, and is not given the watched
    /// object.
    fn only_asks(&self, called: &Called) -> bool {
        let Shape { func, watched, .. } = called.shape;
        let module = self.program.module(func.module);
        let name = &module.ir.function(func.func).name;
        watched.is_none() && (self.library.asks(name) || self.is_property(func))
    }

    /// How deep calls within a function that is called now are followed (`Some(None)`: without
    /// limit); `None` if the function itself is not followed.
    pub(in crate::engine) fn reach(&self) -> Option<Option<u8>> {
        match self.running.last() {
            Some(caller) => match caller.key.0.reach {
                Some(left) => left.checked_sub(1).map(Some),
                None => Some(None),
            },
            None if self.watches.places.is_some() => Some(self.watches.reach),
            None => Some(Some(ASIDE_REACH)),
        }
    }

    /// Applies the summary for all callers to a call. `None` if what the function does matters to
    /// the automaton.
    pub(in crate::engine) fn call_generic(
        &mut self,
        state: &State,
        (called, imported): (&Called, &Rc<Imported>),
        site: Site,
    ) -> Option<Vec<Applied>> {
        let given = called.shape.watched.is_some();
        if !self.is_indifferent(state, imported, called) {
            return None;
        }
        let doubts = given && self.has_doubts();
        if doubts && imported.exits.iter().any(|e| e.doubts.is_unresolved()) {
            return None;
        }
        self.touches_place |= imported
            .deeds
            .fields
            .iter()
            .any(|name| self.leads_to_place(name));
        if let Some(deeds) = &mut self.deeds {
            deeds.extend(&imported.deeds);
        }
        let mut out = Vec::new();
        for exit in &imported.exits {
            if let Some((mut after, value)) = self.carry_exit(state, exit, &called.originals, site)
            {
                if exit.explicit
                    && exit.kind == ExitKind::Raise
                    && let Some(failures) = self.watches.failures
                {
                    failures.on_raise(self, &mut after, value);
                }
                out.push(Applied {
                    kind: exit.kind,
                    value,
                    state: after,
                    env: Env::default(),
                    via: None,
                });
            }
        }
        Some(out)
    }

    /// Whether a call makes no difference to what the automaton watches.
    fn is_indifferent(&mut self, state: &State, imported: &Imported, called: &Called) -> bool {
        let given = called.shape.watched.is_some();
        if given && self.watches.places.is_some() {
            let touched = |name: &Name| self.leads_to_place(name) || name == "__dict__";
            if self.root_is_holder() || imported.deeds.fields.iter().any(touched) {
                return false;
            }
        }
        let helpers = self.watches.helpers;
        let ignores = || helpers.is_some_and(|filter| filter.ignores(self, &imported.deeds));
        *imported.ignored.get_or_init(ignores) && !self.is_concerned(state, called)
    }

    /// Whether a call with these arguments makes a difference to the automaton in this state.
    fn is_concerned(&self, state: &State, called: &Called) -> bool {
        let (func, args) = (called.shape.func, &called.originals);
        let helpers = self.watches.helpers;
        helpers.is_some_and(|filter| filter.is_concerned(self, state, func, args))
    }

    /// The summary of a call for all callers, in this engine's terms.
    fn generic(&mut self, called: &Called) -> Option<Rc<Imported>> {
        let key = called.key();
        if let Some(at) = self.running.iter().position(|r| r.key == key) {
            self.running[at].asked_for = true;
            self.lowest_asked = self.lowest_asked.min(at);
            return Some(Rc::clone(&self.running[at].current));
        }
        if let Some(known) = self.provisional.get(&key) {
            self.lowest_asked = self.lowest_asked.min(known.on);
            return known.what.clone();
        }
        let (shape, classes) = &key;
        let kept = match self.library.find(shape, classes) {
            Some(kept) => kept,
            None if self.deeds.is_some() => match self.find_out(called) {
                Ok(kept) => kept,
                // It rests on a summary that is not finished.
                Err(unfinished) => {
                    let what = unfinished.what.clone();
                    self.provisional.insert(key, unfinished);
                    return what;
                }
            },
            None => {
                let mut own = self.neutral.take().unwrap_or_else(|| {
                    let mut engine = Engine::new(self.library, &Neutral);
                    engine.deeds = Some(Deeds::default());
                    Box::new(engine)
                });
                let kept = own.find_out(called);
                self.budget.executed += std::mem::take(&mut own.budget.executed);
                self.neutral = Some(own);
                kept.ok()?
            }
        };
        for (class, answers) in classes.iter().zip(&kept.answers) {
            let mut asked = self.asked.borrow_mut();
            asked.entry(*class).or_default().extend(answers);
        }
        self.import(&kept)
    }

    /// Computes the summary of a function and keeps it. An `Err` is a summary that rests on others
    /// that are still being computed, so it is not kept.
    fn find_out(&mut self, called: &Called) -> Result<Arc<Kept>, Resting<Option<Rc<Imported>>>> {
        let depth = self.running.len();
        if depth >= GENERIC_DEPTH {
            self.budget.calls_cut += 1;
            self.lowest_asked = 0;
            return Err(Resting { on: 0, what: None });
        }
        let asked = self.asked.take();
        let deeds = std::mem::take(&mut self.deeds);
        let scratch = self.set_aside();
        let lowest = std::mem::replace(&mut self.lowest_asked, usize::MAX);
        let key = called.key();
        let known = self.approximations.get(&key);
        self.running.push(Running {
            current: known.map(|k| Rc::clone(&k.what)).unwrap_or_default(),
            key: key.clone(),
            asked_for: false,
        });
        let before = self.budget.executed;
        let (found, trace) = trace::record(|| {
            let found = self.fixpoint(called, &GENERIC);
            found.or_else(|| self.fixpoint(called, &COARSE))
        });
        self.note_walk(called.shape.func, before);
        self.running.pop();
        let on = self.lowest_asked;
        let rests = on < depth;
        self.lowest_asked = lowest.min(if rests { on } else { usize::MAX });
        self.restore(scratch);
        let own_asked = self.asked.replace(asked);
        self.merge_asked(&own_asked);
        self.deeds = deeds;
        if rests {
            return Err(Resting { on, what: found });
        }
        self.forget_provisional(depth);
        let circle = self.approximations.extract_if(|_, a| a.on >= depth);
        let circle: Vec<CallKey> = circle.map(|(other, _)| other).collect();
        if found.is_none() {
            for (shape, classes) in circle.into_iter().filter(|other| *other != key) {
                let none = vec![Answers::default(); classes.len()];
                let kept = (None, trace.clone());
                self.library.keep(shape, classes, none, kept);
            }
        }
        let answers = called.classes.iter();
        let answers = answers.map(|c| own_asked.get(c).cloned().unwrap_or_default());
        let answers: Vec<Answers> = answers.collect();
        let generic = found.map(|found| Arc::new(self.export(&found)));
        Ok(self.library.keep(key.0, key.1, answers, (generic, trace)))
    }

    fn merge_asked(&self, own: &Asked) {
        let mut asked = self.asked.borrow_mut();
        for (class, answers) in own {
            asked.entry(*class).or_default().extend(answers);
        }
    }

    /// Simulates a function until the approximation that its own recursive calls use does not
    /// change any more. Among functions that call each other in a cycle, only the one asked for
    /// first iterates. The inner ones are simulated once per iteration, with the current
    /// approximations of the others.
    fn fixpoint(&mut self, called: &Called, bounds: &Bounds) -> Option<Rc<Imported>> {
        let depth = self.running.len() - 1;
        let before = self.budget.executed;
        for _ in 0..RECURSION_ROUNDS {
            self.forget_provisional(depth);
            self.running[depth].asked_for = false;
            let outer_changed = std::mem::take(&mut self.changed);
            let Some(found) = self.follow_once(called, bounds).map(Rc::new) else {
                self.changed |= outer_changed;
                return None;
            };
            let current = std::mem::replace(&mut self.running[depth].current, Rc::clone(&found));
            let same = current.exits == found.exits && current.deeds == found.deeds;
            let asked_for = self.running[depth].asked_for;
            let rests = self.lowest_asked < depth;
            let settled = !self.changed && (same || !asked_for);
            if asked_for || rests {
                let (on, what) = (self.lowest_asked, Rc::clone(&found));
                let key = self.running[depth].key.clone();
                self.approximations.insert(key, Resting { on, what });
            }
            if rests {
                self.changed |= outer_changed || !same;
                return Some(found);
            }
            self.changed = outer_changed;
            if settled {
                return Some(found);
            }
            if self.budget.executed - before > CIRCLE_STEPS {
                return None;
            }
        }
        None
    }

    /// Forgets the provisional summaries that rest on this function or an inner one. Those that
    /// rest on an outer function hold until that function iterates again.
    fn forget_provisional(&mut self, depth: usize) {
        self.provisional.retain(|_, p| p.on < depth);
    }

    fn follow_once(&mut self, called: &Called, bounds: &Bounds) -> Option<Imported> {
        let f = called.shape.func;
        let cx = self.context(f);
        let blocks = cx.function().body.blocks.len() as u64;
        self.deeds = Some(Deeds::default());
        self.summaries.clear();
        self.cut.clear();
        self.budget.steps = GENERIC_STEPS + GENERIC_STEPS_PER_BLOCK * blocks;
        let entry = self.generic_entry(called);
        let inputs: Vec<Value> = self.inputs(called.originals.len());
        let graph = self.simulate(&cx, BlockId::ENTRY, entry, bounds);
        if !graph.complete {
            return None;
        }
        let mut exits: Vec<SummaryExit> = Vec::new();
        for e in graph.exits {
            if let ExitKind::Yield(_) = e.kind {
                return None;
            }
            let mut state = e.state;
            state.env.clear();
            let mut extra = inputs.clone();
            extra.push(e.value);
            state.collect(&self.terms, &extra, |_| true);
            let exit = SummaryExit {
                kind: e.kind,
                value: e.value,
                state,
                block: e.block,
            };
            if !exits.contains(&exit) {
                exits.push(exit);
            }
        }
        let exits = self.join_exits(exits, f, GENERIC_EXITS);
        let mut deeds = self.deeds.take().unwrap_or_default();
        deeds.functions.insert(f);
        if self.only_asks(called) {
            deeds = deeds.asked();
        }
        let exits = exits.into_iter().map(|e| generic_exit(&e)).collect();
        Some(Imported {
            exits,
            deeds,
            ignored: OnceCell::new(),
        })
    }

    fn inputs(&mut self, count: usize) -> Vec<Value> {
        let numbers = 0..u32::try_from(count).expect("fewer than 2^32 inputs");
        numbers.map(|i| self.terms.make(Term::Input(i))).collect()
    }

    /// The state in which a function of that shape is entered.
    fn generic_entry(&mut self, called: &Called) -> State {
        let shape = &called.shape;
        let watched = shape.watched.unwrap_or(NOBODY);
        let watched = self.terms.make(Term::Input(watched));
        let mut state = State::new(watched);
        let mut classes = called.classes.iter();
        let mut made = rustc_hash::FxHashSet::default();
        for (local, shaped) in &shape.params {
            let v = match shaped {
                Shaped::Cells => {
                    let site = Site {
                        func: shape.func,
                        block: 0,
                        index: u32::MAX - 1,
                        part: 198,
                    };
                    self.fresh_with(&mut state, site, Fact::of_kind(Kind::Object))
                }
                shaped => self.shaped_value(&mut state, shaped, &mut classes, &mut made),
            };
            state.env.set(*local as usize, v);
        }
        state
    }

    fn shaped_value<'c>(
        &mut self,
        state: &mut State,
        shaped: &Shaped,
        classes: &mut impl Iterator<Item = &'c ClassRef>,
        made: &mut rustc_hash::FxHashSet<u32>,
    ) -> Value {
        match shaped {
            Shaped::Known(term) => self.terms.make(term.clone()),
            Shaped::Tuple(items) => {
                let items = items.iter();
                let items = items.map(|item| self.shaped_value(state, item, classes, made));
                let items: Arc<[Value]> = items.collect();
                self.terms.make(Term::Tuple(items))
            }
            Shaped::ClassOf(of) => {
                let of = self.shaped_value(state, of, classes, made);
                self.terms.class_of(of)
            }
            Shaped::Input(number, kind, classed) => {
                let v = self.terms.make(Term::Input(*number));
                if made.insert(*number) {
                    let mut fact = Fact::of_kind(*kind);
                    if *classed {
                        fact.class = classes.next().copied();
                    }
                    fact.propagate();
                    if !fact.is_trivial() {
                        state.facts.insert(v, Rc::new(fact));
                    }
                }
                v
            }
            Shaped::Cells => unreachable!("cells are a parameter of their own"),
        }
    }

    /// Records that something is called.
    pub(in crate::engine) fn note_deed(&mut self, deed: impl FnOnce(&mut Self) -> Deed) {
        if self.deeds.is_some() {
            let deed = deed(self);
            if let Some(deeds) = &mut self.deeds {
                deeds.calls.insert(deed);
            }
        }
    }

    /// Records that a field is loaded, stored or deleted.
    pub(in crate::engine) fn note_field(&mut self, name: &Name) {
        self.touches_place |= self.leads_to_place(name);
        if let Some(deeds) = &mut self.deeds
            && !deeds.fields.contains(name)
        {
            deeds.fields.insert(name.clone());
        }
    }
}

/// The parts of the engine that belong to one summary while it is being computed.
pub(in crate::engine) struct SetAside {
    steps: u64,
    summaries: FxHashMap<
        crate::engine::summaries::summary::SummaryKey,
        Rc<crate::engine::summaries::summary::Summary>,
    >,
    stack: Vec<crate::engine::summaries::summary::SummaryKey>,
    cut: rustc_hash::FxHashSet<FuncRef>,
    class_texts: FxHashMap<Value, (ClassRef, Name)>,
    recursive_hit: usize,
    outer: Rc<OuterLive>,
}

impl Engine<'_> {
    fn set_aside(&mut self) -> SetAside {
        let any = OuterLive {
            names: Vec::new(),
            any: true,
        };
        SetAside {
            steps: self.budget.steps,
            summaries: std::mem::take(&mut self.summaries),
            stack: std::mem::take(&mut self.stack),
            cut: std::mem::take(&mut self.cut),
            class_texts: std::mem::take(&mut self.class_texts),
            recursive_hit: std::mem::replace(&mut self.recursive_hit, usize::MAX),
            outer: std::mem::replace(&mut self.outer, Rc::new(any)),
        }
    }

    fn restore(&mut self, kept: SetAside) {
        self.budget.steps = kept.steps;
        self.summaries = kept.summaries;
        self.stack = kept.stack;
        self.cut = kept.cut;
        self.class_texts = kept.class_texts;
        self.recursive_hit = kept.recursive_hit;
        self.outer = kept.outer;
    }
}
