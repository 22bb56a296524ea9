//! The automaton: what is known of the current unit along a path, namely whether a status was found
//! to be success (`facts`), and whether something proves that records were processed (`evidence`).

use std::cell::RefCell;
use std::rc::Rc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::code::FunctionCode;
use super::evidence;
use super::facts::flags::{
    ABOUT, COUNTED, EARLIER, EVIDENCE, FACT, FILTERED, FULL, LIST_MARKED, LISTED, NULLABLE,
    OF_FULL, OTHER, PERFORMED, SOME_RUN, STORED, is_proven, unproven,
};
use super::facts::{
    Access, AskedQuery, Facts, Filling, Lesson, PathPoint, Queried, Queries, SettledTests, Taught,
    ValueNote, base, presence, unpacked_from,
};
use super::vocabulary::Vocabulary;
use crate::engine::summaries::library::Deeds;
use crate::engine::values::origins::{Origin, SET_ITEM};
use crate::engine::values::state::State;
use crate::engine::values::value::{Term, Terms, Value, for_each_operand};
use crate::engine::{
    Automaton, CallEvent, Engine, HelperFilter, Returned, RoundEvents, Test, ValueEvents, Watches,
};
use crate::ir::{CmpOp, Name};
use crate::program::FuncRef;

/// The automaton.
pub struct Watch<'v> {
    facts: Facts<'v>,
    /// Whether a comparison that lets a missing count pass is no evidence.
    strict_null: bool,
    /// Which outcome of a test of constants says that work succeeded.
    settled: SettledTests,
    /// Whether functions have words that matter.
    speaking: RefCell<FxHashMap<FuncRef, bool>>,
}

/// A state before and after a test, in a function.
#[derive(Clone, Copy)]
struct Change<'c> {
    before: &'c State,
    after: &'c State,
    func: FuncRef,
}

impl<'c> Change<'c> {
    /// The point on the path after the test.
    fn point<'a, 'e>(&self, engine: &'a Engine<'e>) -> PathPoint<'a, 'e>
    where
        'c: 'a,
    {
        PathPoint {
            engine,
            state: self.after,
            func: self.func,
        }
    }
}

/// The values about which a state says something new.
fn changed(before: &State, after: &State) -> Vec<Value> {
    let facts = after.facts.iter();
    let new = facts.filter(|(v, f)| before.facts.get(v) != Some(f));
    new.map(|(v, _)| *v).collect()
}

/// The parts of a condition about which a state says something.
fn known(terms: &Terms, state: &State, condition: Value) -> Vec<Value> {
    let mut out = Vec::new();
    let mut work = vec![condition];
    while let Some(v) = work.pop() {
        if state.facts.contains_key(&v) && !out.contains(&v) {
            out.push(v);
        }
        for_each_operand(terms.term(v), |operand| work.push(operand));
    }
    out
}

impl Automaton for Watch<'_> {
    fn watches(&self) -> Watches<'_> {
        Watches {
            milestones: FACT | PERFORMED | FILTERED | LISTED | LIST_MARKED,
            values: Some(self),
            rounds: Some(self),
            helpers: Some(self),
            ..Watches::default()
        }
    }

    fn on_call(&self, flags: u32, call: &CallEvent<'_>) -> u32 {
        let words = self.facts.vocabulary;
        if words.is_gate(call.name) {
            return flags | EVIDENCE;
        }
        let listed = flags & LISTED != 0 && unproven(flags);
        if listed && words.marks(call.name) {
            return flags | LIST_MARKED;
        }
        flags
    }
}

impl HelperFilter for Watch<'_> {
    fn ignores(&self, engine: &Engine<'_>, deeds: &Deeds) -> bool {
        let mut functions = deeds.functions.iter();
        !functions.any(|func| self.speaks(engine, *func))
    }

    fn concerns(&self, engine: &Engine<'_>, func: FuncRef) -> bool {
        self.speaks(engine, func)
    }
}

impl ValueEvents for Watch<'_> {
    fn on_test(&self, engine: &mut Engine<'_>, before: &State, after: &mut State, test: Test) {
        let mut lessons = Vec::new();
        let mut told = changed(before, after);
        let mut unaware = None;
        if told.is_empty() {
            // The outcome was known, perhaps from an earlier round: it teaches the same again.
            told = known(&engine.terms, after, test.condition);
            let unaware = unaware.insert(before.clone());
            for v in &told {
                unaware.facts.remove(v);
            }
        }
        let change = Change {
            before: unaware.as_ref().unwrap_or(before),
            after,
            func: test.func,
        };
        for v in told {
            let mut some = Vec::new();
            self.learn(engine, change, v, &mut some, 0);
            let by = v;
            lessons.extend(some.into_iter().map(|lesson| Taught { lesson, by }));
        }
        if lessons.is_empty() {
            let at = change.point(engine);
            // The test may have told something of the contents of a collection only.
            let exists = evidence::existence(&self.facts, at, test.condition, test.outcome);
            let by = test.condition;
            lessons.extend(exists.map(|lesson| Taught { lesson, by }));
        }
        if lessons.is_empty() {
            lessons.extend(self.settled(engine, test));
        }
        self.note_tested(engine, after, test, &lessons);
        let lessons: Vec<Lesson> = lessons.iter().map(|taught| taught.lesson).collect();
        self.apply(engine, after, &lessons);
    }

    fn on_returned(&self, engine: &mut Engine<'_>, state: &mut State, call: &Returned<'_>) {
        let words = self.facts.vocabulary;
        match (call.name, call.receiver, call.args) {
            (name, Some(list), [item]) if words.puts(name) => {
                self.facts.note_filling(engine, state, call, list, *item);
            }
            (SET_ITEM | "insert" | "setdefault", Some(map), [_, item]) => {
                // What is false is a collection that is about to be filled, or stands for a failure.
                if engine.truth(state, *item) != Some(false) {
                    self.facts.note_filling(engine, state, call, map, *item);
                } else if engine.terms.literal(*item).is_none() {
                    state.set_ghost(*item, ValueNote::Within, map);
                }
            }
            ("difference", Some(_), [done]) | ("Sub", _, [_, done]) => {
                let found = || match self.facts.queries.among(engine, state, *done, true)? {
                    Lesson::Success(about) => Some(about),
                    _ => None,
                };
                if let Some(about) = self.facts.filled(engine, state, *done).or_else(found) {
                    state.flags.rule = state.flags.rule & !ABOUT | about | FILTERED;
                }
            }
            (name, _, args) if words.marks(name) => {
                let full = args
                    .iter()
                    .any(|a| self.facts.filled(engine, state, *a).is_some());
                if full && !is_proven(state.flags.rule) {
                    state.flags.rule |= FACT | LIST_MARKED;
                }
            }
            (name, Some(cursor), _) => {
                let queries = &self.facts.queries;
                queries.note(engine, state, name, cursor, call);
            }
            _ => {}
        }
    }
}

impl RoundEvents for Watch<'_> {
    fn on_round(&self, engine: &mut Engine<'_>, state: &mut State, source: Value, more: bool) {
        let queries = &self.facts.queries;
        // Another attempt at the same unit is no other unit.
        let again = matches!(engine.terms.term(source), Term::Range(..));
        if more && !again && state.flags.rule & (EVIDENCE | FULL) != 0 {
            state.flags.rule = state.flags.rule & !(EVIDENCE | FULL) | EARLIER;
        }
        if let Some(about) = self.facts.filled(engine, state, source) {
            state.flags.rule &= !ABOUT;
            if more {
                state.flags.rule |= about | LISTED;
            }
        } else if more && queries.leaves_out_successes(engine, state, source) {
            state.flags.rule |= FACT | STORED | FILTERED;
        } else if let Some((query, Access::Rows)) = queries.of(engine, state, source)
            && let Some(lesson @ (Lesson::Success(_) | Lesson::NotSuccess)) =
                queries.exists(&query, &Access::Row, more)
        {
            self.apply(engine, state, &[lesson]);
        }
    }

    /// The next round is about another unit, but what was taken out of the work stays out.
    fn after_round(&self, on_entry: u32, at_end: u32) -> u32 {
        if at_end & (FILTERED | LIST_MARKED) == 0 {
            on_entry
        } else {
            at_end
        }
    }

    fn on_skip(&self, state: &mut State) {
        // The next round is about another unit.
        state.flags.rule &= !ABOUT;
    }
}

impl<'v> Watch<'v> {
    /// An automaton for the check of one function. `filled_elsewhere` are the fields that other
    /// functions fill with units that succeeded, `computed` the statuses that are a success only where there are rows; `asked` says whether something asks the function's
    /// own collections for units.
    pub fn new(
        vocabulary: &'v Vocabulary,
        strict_null: bool,
        (filled_elsewhere, computed): (&'v FxHashSet<String>, &'v FxHashSet<Name>),
        checked: FuncRef,
        asked: bool,
    ) -> Self {
        Watch {
            facts: Facts {
                vocabulary,
                queries: Queries::new(vocabulary),
                filled_elsewhere,
                computed,
                memory: RefCell::default(),
                checked,
                asked,
            },
            strict_null,
            settled: SettledTests::default(),
            speaking: RefCell::default(),
        }
    }

    /// Whether a function has words that say something about a run, or do something to a unit.
    fn speaks(&self, engine: &Engine<'_>, func: FuncRef) -> bool {
        if let Some(known) = self.speaking.borrow().get(&func) {
            return *known;
        }
        let module = engine.program.module(func.module);
        let code = FunctionCode::new(module.ir.function(func.func), &[]);
        let speaks = code.speaks(self.facts.vocabulary);
        self.speaking.borrow_mut().insert(func, speaks);
        speaks
    }

    /// Called once the function was simulated. `loose` are the blocks that fill a collection
    /// whatever the status of the unit: from now on they say nothing about it.
    pub fn conclude(&self, loose: impl IntoIterator<Item = Filling>) {
        let mut memory = self.facts.memory.borrow_mut();
        memory.complete = true;
        memory.loose.extend(loose);
    }

    /// The fields into which only units that succeeded are put.
    pub fn filled_fields(&self) -> Vec<String> {
        let memory = self.facts.memory.borrow();
        let strict = memory
            .fields
            .iter()
            .filter(|(at, _)| !memory.loose.contains(at));
        let mut out: Vec<String> = strict.map(|(_, name)| name.clone()).collect();
        out.sort_unstable();
        out.dedup();
        out
    }

    /// The queries of which tests found a successful run.
    pub fn queries(&self) -> Rc<Queried> {
        Rc::clone(&self.facts.memory.borrow().queries)
    }

    /// The blocks that put a unit into a collection after a success.
    pub fn fills(&self) -> Vec<Filling> {
        let memory = self.facts.memory.borrow();
        let mut out: Vec<_> = memory.fills.iter().copied().collect();
        out.sort_unstable();
        out
    }

    /// The lesson of a test of a constant, after work that raised no exception.
    fn settled(&self, engine: &Engine<'_>, test: Test) -> Option<Taught> {
        engine.terms.literal(test.condition)?;
        let words = self.facts.vocabulary;
        let success = self.settled.success_if(engine.program, words, test)?;
        let lesson = match success == test.outcome {
            true => Lesson::Success(PERFORMED),
            false => Lesson::NotSuccess,
        };
        let by = test.condition;
        Some(Taught { lesson, by })
    }

    /// Notes what a test asked: the query of which it found a row, the objects that hold a count of
    /// records, the collections that a helper found not to be empty.
    fn note_tested(
        &self,
        engine: &mut Engine<'_>,
        state: &mut State,
        test: Test,
        lessons: &[Taught],
    ) {
        let func = test.func;
        let yes = engine.terms.int(1);
        for taught in lessons {
            match taught.lesson {
                Lesson::Success(about) if about & STORED != 0 => {
                    let at = PathPoint {
                        engine,
                        state,
                        func,
                    };
                    let of_status = self.facts.is_status(at, taught.by);
                    let queries = &self.facts.queries;
                    let limits = !of_status || queries.statuses(engine, state, taught.by).is_some();
                    let site = queries.site(engine, state, taught.by).filter(|_| limits);
                    if let (Some(site), Some(block)) = (site, test.block) {
                        let asked = AskedQuery { site, of_status };
                        let mut memory = self.facts.memory.borrow_mut();
                        Rc::make_mut(&mut memory.queries).insert((func, block), asked);
                    }
                }
                Lesson::Records | Lesson::RecordsOrNull => {
                    let at = PathPoint {
                        engine,
                        state,
                        func,
                    };
                    for holder in at.holders(taught.by) {
                        state.set_ghost(holder, ValueNote::Counted, yes);
                    }
                }
                Lesson::NotEmpty(c) if func != self.facts.checked => {
                    state.set_ghost(base(engine, c), ValueNote::Full, yes);
                    state.flags.rule |= FULL;
                }
                _ => {}
            }
        }
    }

    fn apply(&self, engine: &Engine<'_>, state: &mut State, lessons: &[Lesson]) {
        for lesson in lessons {
            match lesson {
                Lesson::Success(about) => {
                    let flags = state.flags.rule;
                    let proof = match flags & EARLIER != 0 && about & COUNTED != 0 {
                        true => EVIDENCE,
                        false => 0,
                    };
                    let runs = if about & OF_FULL != 0 { FULL } else { 0 };
                    state.flags.rule = flags & !(ABOUT | EARLIER | runs) | about | proof;
                }
                Lesson::NotSuccess => state.flags.rule &= !ABOUT,
                Lesson::OtherStatus => state.flags.rule = state.flags.rule & !ABOUT | OTHER,
                // The records may be another run's.
                Lesson::RecordsOfAll if state.flags.rule & SOME_RUN != 0 => {}
                Lesson::Records | Lesson::RecordsOfAll => state.flags.rule |= EVIDENCE,
                Lesson::RecordsOrNull if self.strict_null => state.flags.rule |= NULLABLE,
                Lesson::RecordsOrNull => state.flags.rule |= EVIDENCE | NULLABLE,
                Lesson::NotEmpty(c) => {
                    let memory = self.facts.memory.borrow();
                    let base = base(engine, *c);
                    if memory.complete && !memory.of_runs.contains(&base) {
                        state.flags.rule |= EVIDENCE;
                    }
                }
            }
        }
    }

    /// Adds the lessons of what the state now says about a value. The first question that fits
    /// decides. `depth` is 1 for an element that `any(…)` asked about.
    fn learn(
        &self,
        engine: &mut Engine<'_>,
        change: Change<'_>,
        v: Value,
        out: &mut Vec<Lesson>,
        depth: u32,
    ) {
        let Change {
            before,
            after,
            func,
        } = change;
        let Some(fact) = after.facts.get(&v).cloned() else {
            return;
        };
        let old = before.facts.get(&v).cloned().unwrap_or_default();
        // The tag of a variant: which state it is, or whether there is something at all.
        let tagged = engine.tagged(v);
        if let Some(object) = tagged
            && let Some(there) = presence(&fact)
        {
            if fact.lits != old.lits {
                let facts = &self.facts;
                out.extend(evidence::presence(
                    facts,
                    engine,
                    after,
                    func,
                    (object, there),
                ));
            }
            return;
        }
        let at = change.point(engine);
        if let Some(lesson) = self.facts.status(at, tagged.unwrap_or(v), &fact, &old) {
            out.push(lesson);
            return;
        }
        if let Term::Cmp(op, a, b) = engine.terms.term(v)
            && let Some(truth) = fact.truth
        {
            out.extend(self.comparison(at, *op, (*a, *b), truth));
            return;
        }
        if let Some(lesson) = evidence::quantity(&self.facts, at, v, &fact, &old) {
            out.push(lesson);
            return;
        }
        let queried = || self.facts.queries.of(engine, after, v).is_some();
        if fact.num.hi <= 0 && old.num.hi > 0 && queried() {
            out.push(Lesson::NotSuccess);
            return;
        }
        if fact.len.hi == 0 && old.len.hi > 0 && queried() {
            out.extend(evidence::existence(&self.facts, at, v, false));
            return;
        }
        let Some(truth) = fact.truth.filter(|_| old.truth != fact.truth) else {
            if let Some(none) = fact.none.filter(|_| old.none != fact.none) {
                out.extend(evidence::existence(&self.facts, at, v, !none));
            }
            return;
        };
        if depth == 0
            && let Some(Origin::Call(name, _, args)) = engine.origin(after, v)
            && matches!(name.as_str(), "any" | "all")
            && let [list] = args.as_slice()
        {
            self.learn_of_element(engine, change, *list, truth, out);
            return;
        }
        let flag = || {
            let gate = evidence::gate(&self.facts, at, unpacked_from(at, v));
            gate.or_else(|| self.facts.success_flag(at, v, truth))
        };
        let lesson = if queried() { None } else { flag() };
        out.extend(lesson.or_else(|| evidence::existence(&self.facts, at, v, truth)));
    }

    /// Adds what the truth of `any(…)` over a list teaches: it is that of the element that was put
    /// into the list last.
    fn learn_of_element(
        &self,
        engine: &mut Engine<'_>,
        change: Change<'_>,
        list: Value,
        truth: bool,
        out: &mut Vec<Lesson>,
    ) {
        let Some(element) = change.after.ghost(list, ValueNote::Element) else {
            return;
        };
        let mut assumed = change.after.clone();
        if !engine.assume(&mut assumed, element, truth) {
            return;
        }
        let first = out.len();
        let change = Change {
            before: change.after,
            after: &assumed,
            func: change.func,
        };
        for v in changed(change.before, change.after) {
            self.learn(engine, change, v, out, 1);
        }
        for lesson in &mut out[first..] {
            if let Lesson::Success(about) = lesson {
                *about |= SOME_RUN;
            }
        }
    }

    /// The lesson of a comparison with something that is no literal.
    fn comparison(
        &self,
        at: PathPoint<'_, '_>,
        op: CmpOp,
        (a, b): (Value, Value),
        truth: bool,
    ) -> Option<Lesson> {
        match op {
            CmpOp::In => {
                let filled = self.facts.filled(at.engine, at.state, b);
                match filled.or_else(|| self.facts.filled_elsewhere(at.engine, b)) {
                    Some(about) if truth => Some(Lesson::Success(about | LISTED)),
                    // A success that is about to be put into the collection.
                    Some(about) if at.state.flags.rule & about & (FACT | PERFORMED) != 0 => None,
                    Some(_) => Some(Lesson::NotSuccess),
                    None => {
                        let (queries, rows) = (&self.facts.queries, base(at.engine, b));
                        let among = queries.among(at.engine, at.state, rows, truth);
                        among.or_else(|| self.facts.equality(at, op, (a, b), truth))
                    }
                }
            }
            CmpOp::Eq | CmpOp::Is => self.facts.equality(at, op, (a, b), truth),
            CmpOp::Lt => evidence::order(&self.facts, at, (a, b), truth),
            _ => None,
        }
    }
}
