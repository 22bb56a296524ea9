//! What the rule watches along a path: whether a status was found to be success, and whether a
//! count of records was compared.

use std::cell::RefCell;

use rustc_hash::{FxHashMap, FxHashSet};

use super::names::{base, constant_name, text_of};
use super::query::{Access, Queries};
use super::sites::Code;
use super::statuses::presence;
use super::words::Vocabulary;
use crate::engine::summaries::library::Deeds;
use crate::engine::values::fact::{Fact, Lits};
use crate::engine::values::ghost::Ghost;
use crate::engine::values::origins::Origin;
use crate::engine::values::state::State;
use crate::engine::values::value::{Term, Terms, Value, for_each_operand};
use crate::engine::{
    Automaton, CallEvent, Engine, HelperFilter, Returned, RoundEvents, Test, ValueEvents, Watches,
};
use crate::ir::{BlockId, CmpOp, Literal};
use crate::program::FuncRef;

/// The status that was tested last is known to be success.
pub const FACT: u32 = 1;
/// That status was read back from a store.
pub const STORED: u32 = 2;
/// A count of records was compared, or something else showed that there are any.
pub const EVIDENCE: u32 = 4;
/// The comparison lets a missing count pass.
pub const NULLABLE: u32 = 8;
/// What is known to be success is the result of work done right here.
pub const PERFORMED: u32 = 16;
/// The status is that of a reply: what it says about a run is open.
pub const REPLY: u32 = 32;
/// The units that succeeded were taken out of the work.
pub const FILTERED: u32 = 64;
/// The unit at hand comes from a collection of units that succeeded.
pub const LISTED: u32 = 128;
/// Such units were marked as done.
pub const LIST_MARKED: u32 = 256;
/// The status is that of the object itself, or of a part of it.
pub const OWN: u32 = 512;
/// Some run of several succeeded.
pub const SOME_RUN: u32 = 1024;

pub(super) const ABOUT: u32 = FACT | STORED | PERFORMED | REPLY | LISTED | OWN | SOME_RUN;

/// What the automaton keeps beside values.
#[derive(Clone, Copy)]
pub(super) enum Kept {
    /// Of a collection: the flags of the units in it, 0 if they are of several sorts.
    Filled,
    /// Of a collection: the element that was put into it last.
    Element,
    /// Of a cursor and what it fetched: what the query was given.
    Query,
}

impl From<Kept> for Ghost {
    fn from(kept: Kept) -> Ghost {
        match kept {
            Kept::Filled => Ghost::Filled,
            kept => Ghost::Rule(kept as u8),
        }
    }
}

/// What a test taught.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lesson {
    /// The status is success; with the flags that say where it came from.
    Success(u32),
    /// It is not.
    NotSuccess,
    /// There are records.
    Records,
    /// There are records in all runs together.
    RecordsOfAll,
    /// There are records, or their number is not known.
    RecordsOrNull,
    /// This collection is not empty.
    NotEmpty(Value),
}

/// What is found out on the way and holds for the whole function.
#[derive(Default)]
pub(super) struct Memory {
    /// Collections whose elements have a status that was tested: being full of runs, their not
    /// being empty shows nothing.
    pub(super) of_runs: FxHashSet<Value>,
    /// Blocks that put a unit into a collection although no success made them.
    pub(super) loose: FxHashSet<(FuncRef, BlockId)>,
    /// Blocks that put a unit into a collection after a success.
    pub(super) fills: FxHashSet<(FuncRef, BlockId)>,
    /// The names of the fields that these blocks fill.
    pub(super) fields: FxHashSet<((FuncRef, BlockId), String)>,
    /// Whether all of the function was simulated once.
    pub(super) complete: bool,
}

/// The automaton.
pub struct Watch<'v> {
    pub(super) vocabulary: &'v Vocabulary,
    pub(super) queries: Queries<'v>,
    strict_null: bool,
    /// Fields that other functions fill with units that succeeded.
    pub(super) filled_elsewhere: &'v FxHashSet<String>,
    pub(super) memory: RefCell<Memory>,
    /// A function whose own collections nothing asks for units.
    pub(super) unasked: Option<FuncRef>,
    /// Whether functions have words that matter.
    speaking: RefCell<FxHashMap<FuncRef, bool>>,
}

/// Whether flags say: success is known, and nothing shows that there are records.
#[must_use]
pub fn unproven(flags: u32) -> bool {
    flags & (FACT | PERFORMED) != 0 && flags & EVIDENCE == 0
}

/// The values of which a state says something that it did not say before.
fn changed(before: &State, after: &State) -> Vec<Value> {
    let facts = after.facts.iter();
    let new = facts.filter(|(v, f)| before.facts.get(v) != Some(f));
    new.map(|(v, _)| *v).collect()
}

/// The parts of a condition of which a state says something.
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
        if self.vocabulary.is_gate(call.name) {
            return flags | EVIDENCE;
        }
        let listed = flags & LISTED != 0 && unproven(flags);
        if listed && self.vocabulary.marks(call.name) {
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
            // It was known, perhaps from an earlier round: it still says the same.
            told = known(&engine.terms, after, test.condition);
            let unaware = unaware.insert(before.clone());
            for v in &told {
                unaware.facts.remove(v);
            }
        }
        let before = unaware.as_ref().unwrap_or(before);
        for v in told {
            self.learn(engine, before, after, test.func, v, &mut lessons, 0);
        }
        self.apply(engine, after, &lessons);
    }

    fn on_returned(&self, engine: &mut Engine<'_>, state: &mut State, call: &Returned<'_>) {
        match (call.name, call.receiver, call.args) {
            (name, Some(list), [item]) if self.vocabulary.puts(name) => {
                self.fill(engine, state, call, list, *item);
            }
            ("difference", Some(_), [done]) | ("Sub", _, [_, done]) => {
                if let Some(about) = self.filled(engine, state, *done, 0) {
                    state.flags.rule = state.flags.rule & !ABOUT | about | FILTERED;
                }
            }
            (name, _, args) if self.vocabulary.marks(name) => {
                let full = args
                    .iter()
                    .any(|a| self.filled(engine, state, *a, 0).is_some());
                if full && state.flags.rule & EVIDENCE == 0 {
                    state.flags.rule |= FACT | LIST_MARKED;
                }
            }
            (name, Some(cursor), _) => self.queries.note(engine, state, name, cursor, call),
            _ => {}
        }
    }
}

impl RoundEvents for Watch<'_> {
    fn on_round(&self, engine: &mut Engine<'_>, state: &mut State, source: Value, more: bool) {
        if let Some(about) = self.filled(engine, state, source, 0) {
            state.flags.rule &= !ABOUT;
            if more {
                state.flags.rule |= about | LISTED;
            }
        } else if more && self.queries.leaves_out_successes(engine, state, source) {
            state.flags.rule |= FACT | STORED | FILTERED;
        } else if let Some((query, Access::Rows)) = self.queries.of(engine, state, source)
            && let Some(lesson @ (Lesson::Success(_) | Lesson::NotSuccess)) =
                self.queries.exists(&query, &Access::Row, more)
        {
            self.apply(engine, state, &[lesson]);
        }
    }

    /// The next round is about another unit; but what was taken out of the work stays out of it.
    fn after_round(&self, before: u32, now: u32) -> u32 {
        if now & (FILTERED | LIST_MARKED) == 0 {
            before
        } else {
            now
        }
    }

    fn on_skip(&self, state: &mut State) {
        // The next round is about another unit.
        state.flags.rule &= !ABOUT;
    }
}

impl<'v> Watch<'v> {
    /// Whether a function has words from which something can be learnt, or that do something to a
    /// unit.
    fn speaks(&self, engine: &Engine<'_>, func: FuncRef) -> bool {
        if let Some(known) = self.speaking.borrow().get(&func) {
            return *known;
        }
        let module = engine.program.module(func.module);
        let speaks = Code::new(module.ir.function(func.func), &[]).speaks(self.vocabulary);
        self.speaking.borrow_mut().insert(func, speaks);
        speaks
    }

    /// A new automaton for one function.
    pub fn new(
        vocabulary: &'v Vocabulary,
        strict_null: bool,
        filled_elsewhere: &'v FxHashSet<String>,
    ) -> Self {
        Watch {
            vocabulary,
            queries: Queries::new(vocabulary),
            strict_null,
            filled_elsewhere,
            memory: RefCell::default(),
            unasked: None,
            speaking: RefCell::default(),
        }
    }

    /// The function was simulated; from now on only blocks that a success decides fill a list.
    pub fn conclude(&self, loose: impl IntoIterator<Item = (FuncRef, BlockId)>) {
        let mut memory = self.memory.borrow_mut();
        memory.complete = true;
        memory.loose.extend(loose);
    }

    /// The fields that only units that succeeded get into.
    pub fn filled_fields(&self) -> Vec<String> {
        let memory = self.memory.borrow();
        let strict = memory
            .fields
            .iter()
            .filter(|(at, _)| !memory.loose.contains(at));
        let mut out: Vec<String> = strict.map(|(_, name)| name.clone()).collect();
        out.sort_unstable();
        out.dedup();
        out
    }

    /// The blocks that put a unit into a collection after a success.
    pub fn fills(&self) -> Vec<(FuncRef, BlockId)> {
        let mut out: Vec<_> = self.memory.borrow().fills.iter().copied().collect();
        out.sort_unstable();
        out
    }

    fn apply(&self, engine: &Engine<'_>, state: &mut State, lessons: &[Lesson]) {
        for lesson in lessons {
            match lesson {
                Lesson::Success(about) => state.flags.rule = state.flags.rule & !ABOUT | about,
                Lesson::NotSuccess => state.flags.rule &= !ABOUT,
                // The records may be another run's.
                Lesson::RecordsOfAll if state.flags.rule & SOME_RUN != 0 => {}
                Lesson::Records | Lesson::RecordsOfAll => state.flags.rule |= EVIDENCE,
                Lesson::RecordsOrNull if self.strict_null => state.flags.rule |= NULLABLE,
                Lesson::RecordsOrNull => state.flags.rule |= EVIDENCE | NULLABLE,
                Lesson::NotEmpty(c) => {
                    let memory = self.memory.borrow();
                    let base = base(engine, *c);
                    if memory.complete && !memory.of_runs.contains(&base) {
                        state.flags.rule |= EVIDENCE;
                    }
                }
            }
        }
    }

    /// What is taught by what a state now says about a value.
    #[allow(clippy::too_many_arguments)]
    fn learn(
        &self,
        engine: &mut Engine<'_>,
        before: &State,
        after: &State,
        func: FuncRef,
        v: Value,
        out: &mut Vec<Lesson>,
        depth: u32,
    ) {
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
                out.extend(self.presence(engine, after, func, object, there));
            }
            return;
        }
        if let Some(lesson) = self.status(engine, after, func, tagged.unwrap_or(v), &fact, &old) {
            out.push(lesson);
            return;
        }
        if let Term::Cmp(op, a, b) = engine.terms.term(v).clone()
            && let Some(truth) = fact.truth
        {
            if let Some(lesson) = self.compared(engine, after, func, op, a, b, truth) {
                out.push(lesson);
            }
            return;
        }
        if let Some(lesson) = self.quantity(engine, after, func, v, &fact, &old) {
            out.push(lesson);
            return;
        }
        if fact.num.hi <= 0 && old.num.hi > 0 && self.queries.of(engine, after, v).is_some() {
            out.push(Lesson::NotSuccess);
            return;
        }
        let Some(truth) = fact.truth.filter(|_| old.truth != fact.truth) else {
            if fact.none.is_some() && old.none != fact.none {
                out.extend(self.existence(engine, after, v, fact.none == Some(false)));
            }
            return;
        };
        // `any(...)` over a list: the last element that may be true is what is known to be true.
        if let Some(Origin::Call(name, _, args)) = engine.origin(after, v)
            && matches!(name.as_str(), "any" | "all")
            && let [list] = args.as_slice()
            && depth == 0
        {
            if let Some(element) = after.ghost(*list, Kept::Element) {
                let mut assumed = after.clone();
                if engine.assume(&mut assumed, element, truth) {
                    let first = out.len();
                    for v in changed(after, &assumed) {
                        self.learn(engine, after, &assumed, func, v, out, depth + 1);
                    }
                    for lesson in &mut out[first..] {
                        if let Lesson::Success(about) = lesson {
                            *about |= SOME_RUN;
                        }
                    }
                }
            }
            return;
        }
        if let Some(lesson) = self.flag(engine, after, func, v, truth) {
            out.push(lesson);
            return;
        }
        out.extend(self.existence(engine, after, v, truth));
    }

    /// A comparison with something that is no literal came out.
    #[allow(clippy::too_many_arguments)]
    fn compared(
        &self,
        engine: &mut Engine<'_>,
        state: &State,
        func: FuncRef,
        op: CmpOp,
        a: Value,
        b: Value,
        truth: bool,
    ) -> Option<Lesson> {
        let words = self.vocabulary;
        match op {
            CmpOp::Eq | CmpOp::Is | CmpOp::In => {
                if op == CmpOp::In
                    && let Some(about) = self
                        .filled(engine, state, b, 0)
                        .or_else(|| self.filled_elsewhere(engine, b))
                {
                    return Some(if truth {
                        Lesson::Success(about | LISTED)
                    } else {
                        Lesson::NotSuccess
                    });
                }
                for (x, y) in [(a, b), (b, a)] {
                    let Some(name) = constant_name(engine, y) else {
                        continue;
                    };
                    if words.names_success(&name) {
                        if !truth {
                            return Some(Lesson::NotSuccess);
                        }
                        let plain = words.is_plain_success(&name);
                        return self
                            .run_of(engine, state, func, x, plain)
                            .map(Lesson::Success);
                    }
                    if words.names_failure(&name) && self.is_status(engine, state, func, x) {
                        if truth {
                            return Some(Lesson::NotSuccess);
                        }
                        return self.about(engine, state, func, x).map(Lesson::Success);
                    }
                    if op == CmpOp::Eq && truth && self.is_count(engine, state, func, x) {
                        return Some(Lesson::Records);
                    }
                    // It is another status.
                    if op != CmpOp::In && truth && self.is_status(engine, state, func, x) {
                        return Some(Lesson::NotSuccess);
                    }
                }
                None
            }
            // a < b, or b <= a
            CmpOp::Lt => {
                let more = if truth { b } else { a };
                self.is_count(engine, state, func, more)
                    .then_some(Lesson::Records)
            }
            _ => None,
        }
    }

    /// A number is now known to be positive, or not to be zero; or a collection not to be empty.
    fn quantity(
        &self,
        engine: &mut Engine<'_>,
        state: &State,
        func: FuncRef,
        v: Value,
        fact: &Fact,
        old: &Fact,
    ) -> Option<Lesson> {
        if self.has_positive_default(engine, state, v) {
            return None;
        }
        let full = fact.len.lo >= 1 && old.len.lo < 1;
        if full && self.queries.of(engine, state, v).is_none() {
            let named = self.own_names(engine, state, func, v);
            if named.iter().any(|n| self.vocabulary.is_rows(n)) {
                return Some(Lesson::NotEmpty(v));
            }
            return None;
        }
        let positive = fact.num.lo >= 1 && old.num.lo < 1
            || fact.truth == Some(true) && old.truth != Some(true) && fact.num.hi > 0;
        let not_zero = !positive
            && match (&fact.lits, &old.lits) {
                (Lits::NotIn(now), Lits::NotIn(then)) => {
                    let zero = |l: &Literal| matches!(l, Literal::Int(0));
                    now.iter().any(zero) && !then.iter().any(zero)
                }
                _ => false,
            };
        if !positive && !not_zero {
            return None;
        }
        if let Some((query, access)) = self.queries.of(engine, state, v) {
            // A row that is compared with a number is its only column.
            let number = fact.num.lo >= 1 && old.num.lo < 1;
            let access = match access {
                Access::Row if number && query.columns.len() == 1 => Access::At(0),
                access => access,
            };
            return self.queries.counted(&query, &access);
        }
        let named = self.own_names(engine, state, func, v);
        let rows = named.iter().any(|n| self.vocabulary.is_rows(n));
        // The truth of `rows` may be that of a list.
        if positive && fact.num == old.num && rows {
            return Some(Lesson::NotEmpty(v));
        }
        if self.is_count(engine, state, func, v) {
            let summed = matches!(engine.origin(state, v), Some(Origin::Call(n, ..)) if n == "sum");
            return Some(if positive && summed {
                Lesson::RecordsOfAll
            } else if positive {
                Lesson::Records
            } else {
                Lesson::RecordsOrNull
            });
        }
        None
    }

    /// The truth of something that stands for success or for a look at the records.
    fn flag(
        &self,
        engine: &mut Engine<'_>,
        state: &State,
        func: FuncRef,
        v: Value,
        truth: bool,
    ) -> Option<Lesson> {
        if self.queries.of(engine, state, v).is_some() {
            return None;
        }
        let words = self.vocabulary;
        // `ok, message = processor.run(...)`
        let whole = match engine.terms.term(v) {
            Term::Pure(n, ops) if n.starts_with("unpack") => ops[0],
            _ => v,
        };
        let origin = engine.origin(state, whole);
        let called = match &origin {
            Some(Origin::Call(name, ..)) => Some(name.clone()),
            _ => None,
        };
        if called.as_ref().is_some_and(|n| words.is_gate(n)) {
            return Some(Lesson::Records);
        }
        if let Some(Origin::Call(name, receiver, args)) = &origin
            && name == "startswith"
            && let [prefix] = args.as_slice()
            && let Some(Literal::Str(prefix)) = engine.terms.literal(*prefix)
            && prefix.to_lowercase().starts_with("succ")
        {
            return if truth {
                self.about(engine, state, func, *receiver)
                    .map(Lesson::Success)
            } else {
                Some(Lesson::NotSuccess)
            };
        }
        let performed = called.as_ref().is_some_and(|n| words.is_performer(n));
        let names = engine.names_of(func, v).to_vec();
        let field = match engine.terms.term(v) {
            Term::Field(_, n) => Some(n.to_string()),
            Term::Item(_, k) => engine.terms.literal(*k).and_then(text_of),
            _ => None,
        };
        let flagged = names
            .iter()
            .map(ToString::to_string)
            .chain(field.clone())
            .any(|n| words.is_success_flag(&n));
        if performed && (flagged || names.is_empty() && whole == v) || field.is_some() && flagged {
            if !truth {
                return Some(Lesson::NotSuccess);
            }
            return Some(Lesson::Success(PERFORMED));
        }
        None
    }

    /// Something that a query returned exists, or does not.
    fn existence(
        &self,
        engine: &mut Engine<'_>,
        state: &State,
        v: Value,
        there: bool,
    ) -> Option<Lesson> {
        let (query, access) = self.queries.of(engine, state, v)?;
        self.queries.exists(&query, &access, there)
    }
}
