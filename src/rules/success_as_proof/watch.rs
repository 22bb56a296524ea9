//! What the rule watches along a path: whether a status was found to be success, and whether a
//! count of records was compared.

use std::cell::RefCell;

use rustc_hash::FxHashSet;

use super::query::Queries;
use super::words::Vocabulary;
use crate::engine::fact::{Fact, Lits};
use crate::engine::origins::Origin;
use crate::engine::state::{Cell, Slot, State};
use crate::engine::value::{Term, Value};
use crate::engine::{Automaton, CallEvent, Engine, Returned, Test, WatchedPlace};
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
/// The units that succeeded were taken out of a collection.
pub const FILTERED: u32 = 64;

const ABOUT: u32 = FACT | STORED | PERFORMED | REPLY;
const MAX_DEPTH: u32 = 8;

/// What a test taught.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lesson {
    /// The status is success; with the flags that say where it came from.
    Success(u32),
    /// It is not.
    NotSuccess,
    /// There are records.
    Records,
    /// There are records, or their number is not known.
    RecordsOrNull,
    /// This collection is not empty.
    NotEmpty(Value),
}

/// What is found out on the way and holds for the whole function.
#[derive(Default)]
struct Memory {
    /// Collections whose elements have a status that was tested: being full of runs, their not
    /// being empty shows nothing.
    of_runs: FxHashSet<Value>,
    /// Blocks that put a unit into a collection although no success made them.
    loose: FxHashSet<(FuncRef, BlockId)>,
    /// Blocks that put a unit into a collection after a success.
    fills: FxHashSet<(FuncRef, BlockId)>,
    /// Whether all of the function was simulated once.
    complete: bool,
}

/// The automaton.
pub struct Watch<'v> {
    vocabulary: &'v Vocabulary,
    queries: Queries<'v>,
    strict_null: bool,
    memory: RefCell<Memory>,
}

/// Whether flags say: success is known, and nothing shows that there are records.
#[must_use]
pub fn unproven(flags: u32) -> bool {
    flags & (FACT | PERFORMED) != 0 && flags & EVIDENCE == 0
}

impl Automaton for Watch<'_> {
    fn on_call(&self, flags: u32, call: &CallEvent<'_>) -> u32 {
        if self.vocabulary.is_gate(call.name) {
            flags | EVIDENCE
        } else {
            flags
        }
    }

    fn place(&self) -> Option<&WatchedPlace> {
        None
    }

    fn milestones(&self) -> u32 {
        FACT | PERFORMED | FILTERED
    }

    fn follows_values(&self) -> bool {
        true
    }

    fn on_test(&self, engine: &mut Engine<'_>, before: &State, after: &mut State, test: Test) {
        let changed: Vec<Value> = after
            .facts
            .iter()
            .filter(|(v, f)| before.facts.get(v) != Some(f))
            .map(|(v, _)| *v)
            .collect();
        let mut lessons = Vec::new();
        for v in changed {
            self.learn(engine, before, after, test.func, v, &mut lessons, 0);
        }
        self.apply(engine, after, &lessons);
    }

    fn on_round(&self, engine: &mut Engine<'_>, state: &mut State, source: Value, more: bool) {
        if let Some(about) = self.filled(engine, state, source, 0) {
            state.flags &= !ABOUT;
            if more {
                state.flags |= about;
            }
        }
    }

    fn on_returned(&self, engine: &mut Engine<'_>, state: &mut State, call: &Returned<'_>) {
        match (call.name, call.receiver, call.args) {
            ("append" | "add" | "appendleft", Some(list), [item]) => {
                self.fill(engine, state, call, list, *item);
            }
            ("difference", Some(_), [done]) | ("Sub", _, [_, done]) => {
                if let Some(about) = self.filled(engine, state, *done, 0) {
                    state.flags = state.flags & !ABOUT | about | FILTERED;
                }
            }
            (name, Some(cursor), _) => self.queries.note(engine, state, name, cursor, call),
            _ => {}
        }
    }
}

impl<'v> Watch<'v> {
    /// A new automaton for one function.
    pub fn new(vocabulary: &'v Vocabulary, strict_null: bool) -> Self {
        Watch {
            vocabulary,
            queries: Queries::new(vocabulary),
            strict_null,
            memory: RefCell::default(),
        }
    }

    /// The function was simulated; from now on only blocks that a success decides fill a list.
    pub fn conclude(&self, loose: impl IntoIterator<Item = (FuncRef, BlockId)>) {
        let mut memory = self.memory.borrow_mut();
        memory.complete = true;
        memory.loose.extend(loose);
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
                Lesson::Success(about) => state.flags = state.flags & !ABOUT | about,
                Lesson::NotSuccess => state.flags &= !ABOUT,
                Lesson::Records => state.flags |= EVIDENCE,
                Lesson::RecordsOrNull if self.strict_null => state.flags |= NULLABLE,
                Lesson::RecordsOrNull => state.flags |= EVIDENCE | NULLABLE,
                Lesson::NotEmpty(c) => {
                    let memory = self.memory.borrow();
                    let base = base(engine, *c);
                    if memory.complete && !memory.of_runs.contains(&base) {
                        state.flags |= EVIDENCE;
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
        if let Some(lesson) = self.status(engine, after, func, v, &fact, &old) {
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
        let Some(truth) = fact.truth.filter(|_| old.truth != fact.truth) else {
            if fact.none == Some(false) && old.none != fact.none
                || fact.none == Some(true) && old.none != fact.none
            {
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
            if let Some(Cell::Has(element)) = after.heap.get(&(*list, Slot::Field(ELEMENT.into())))
            {
                let element = *element;
                let mut assumed = after.clone();
                if engine.assume(&mut assumed, element, truth) {
                    let changed: Vec<Value> = assumed
                        .facts
                        .iter()
                        .filter(|(v, f)| after.facts.get(v) != Some(f))
                        .map(|(v, _)| *v)
                        .collect();
                    for v in changed {
                        self.learn(engine, after, &assumed, func, v, out, depth + 1);
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

    /// A value was found to equal, or not to equal, some texts.
    fn status(
        &self,
        engine: &mut Engine<'_>,
        state: &State,
        func: FuncRef,
        v: Value,
        fact: &Fact,
        old: &Fact,
    ) -> Option<Lesson> {
        if fact.lits == old.lits {
            return None;
        }
        let words = self.vocabulary;
        let texts = |set: &std::collections::BTreeSet<Literal>| -> Vec<String> {
            set.iter()
                .filter_map(|l| match l {
                    Literal::Str(s) => Some(s.to_string()),
                    _ => None,
                })
                .collect()
        };
        // What a query let through is all that a status of its rows can be.
        let possible = self.queries.statuses(engine, state, v);
        let (left, open) = match (&fact.lits, possible) {
            (Lits::In(set), _) => (texts(set), Vec::new()),
            (Lits::NotIn(out), Some(all)) => {
                let out = texts(out);
                let left = all.into_iter().filter(|s| !out.contains(s)).collect();
                (left, Vec::new())
            }
            (Lits::NotIn(out), None) => (Vec::new(), texts(out)),
        };
        let named_success = |list: &[String]| list.iter().any(|s| words.is_success(s));
        let success = if open.is_empty() {
            if left.is_empty() {
                return None;
            }
            if !named_success(&left) {
                // A test for another status: not success, if the value is a status at all.
                return self
                    .is_status(engine, state, func, v)
                    .then_some(Lesson::NotSuccess);
            }
            let strange = left
                .iter()
                .any(|s| !words.is_success(s) && !words.is_partial(s));
            if strange {
                return None;
            }
            true
        } else if named_success(&open) {
            false
        } else if open.iter().any(|s| words.is_failure(s)) {
            if !self.is_status(engine, state, func, v) {
                return None;
            }
            return self.about(engine, state, func, v).map(Lesson::Success);
        } else {
            return None;
        };
        let certain = left.iter().chain(&open).any(|s| words.is_plain_success(s));
        if !certain && !self.is_status(engine, state, func, v) {
            return None;
        }
        if success {
            self.about(engine, state, func, v).map(Lesson::Success)
        } else {
            Some(Lesson::NotSuccess)
        }
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
                    && let Some(about) = self.filled(engine, state, b, 0)
                {
                    return Some(if truth {
                        Lesson::Success(about)
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
                        return self.about(engine, state, func, x).map(Lesson::Success);
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
            return self.queries.counted(&query, &access);
        }
        if self.is_count(engine, state, func, v) {
            return Some(if positive {
                Lesson::Records
            } else {
                Lesson::RecordsOrNull
            });
        }
        let named = self.own_names(engine, state, func, v);
        if positive && named.iter().any(|n| self.vocabulary.is_rows(n)) {
            return Some(Lesson::NotEmpty(v));
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
        let origin = engine.origin(state, v);
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
        if performed && (flagged || names.is_empty()) || field.is_some() && flagged {
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

    /// The flags that say where a status came from; `None` when it is no run's.
    fn about(
        &self,
        engine: &mut Engine<'_>,
        state: &State,
        func: FuncRef,
        v: Value,
    ) -> Option<u32> {
        let mut names = Vec::new();
        let mut performed = false;
        self.ancestry(engine, state, func, v, &mut names, &mut performed, 0);
        let words = self.vocabulary;
        if names.iter().any(|n| words.is_other_thing(n)) {
            return None;
        }
        let mut about = FACT;
        if self.queries.of(engine, state, v).is_some() {
            about |= STORED;
        } else if performed || names.iter().any(|n| words.is_reply(n)) {
            about |= REPLY;
        } else if names.iter().any(|n| words.is_store(n)) {
            about |= STORED;
        }
        Some(about)
    }

    /// The names of a value and of everything that it was taken out of; the collections among
    /// these hold runs.
    #[allow(clippy::too_many_arguments)]
    fn ancestry(
        &self,
        engine: &Engine<'_>,
        state: &State,
        func: FuncRef,
        v: Value,
        names: &mut Vec<String>,
        performed: &mut bool,
        depth: u32,
    ) {
        if depth > MAX_DEPTH {
            return;
        }
        names.extend(engine.names_of(func, v).iter().map(ToString::to_string));
        if depth > 0 {
            self.memory.borrow_mut().of_runs.insert(base(engine, v));
        }
        let mut next: Vec<Value> = Vec::new();
        match engine.terms.term(v) {
            Term::Field(o, n) => {
                names.push(n.to_string());
                next.push(*o);
            }
            Term::Item(o, k) => {
                names.extend(engine.terms.literal(*k).and_then(text_of));
                next.push(*o);
            }
            Term::Global(_, n) => names.push(n.to_string()),
            Term::Pure(n, ops) if n == "get" => {
                names.extend(engine.terms.literal(ops[1]).and_then(text_of));
                next.push(ops[0]);
            }
            Term::Pure(n, ops) if !n.contains("getattr") => next.extend(ops.iter().take(1)),
            Term::View(_, o) | Term::Truth(o) => next.push(*o),
            _ => {}
        }
        match engine.origin(state, v) {
            Some(Origin::Call(name, receiver, args)) => {
                if self.vocabulary.is_performer(&name) && name != "execute" {
                    *performed = true;
                }
                names.push(name.to_string());
                if engine.terms.literal(receiver).is_none() {
                    next.push(receiver);
                }
                if is_transparent(&name) {
                    next.extend(args.first());
                }
            }
            Some(Origin::Element(source)) => next.push(source),
            _ => {}
        }
        for v in next {
            self.ancestry(engine, state, func, v, names, performed, depth + 1);
        }
    }

    /// The names that a value itself goes by.
    fn own_names(
        &self,
        engine: &Engine<'_>,
        state: &State,
        func: FuncRef,
        v: Value,
    ) -> Vec<String> {
        let mut out = Vec::new();
        collect_names(engine, state, func, v, &mut out, 0);
        if let Some(name) = self.queries.column(engine, state, v) {
            out.push(name);
        }
        out
    }

    fn is_status(&self, engine: &Engine<'_>, state: &State, func: FuncRef, v: Value) -> bool {
        let names = self.own_names(engine, state, func, v);
        names.iter().any(|n| self.vocabulary.is_status(n))
    }

    fn is_count(&self, engine: &Engine<'_>, state: &State, func: FuncRef, v: Value) -> bool {
        // A default that is positive makes a record out of nothing.
        let default = match engine.terms.term(v) {
            Term::Pure(n, ops) if n == "get" => Some(ops[2]),
            _ => match engine.origin(state, v) {
                Some(Origin::Call(name, _, args)) if name == "get" => args.get(1).copied(),
                _ => None,
            },
        };
        if let Some(Literal::Int(n)) = default.and_then(|d| engine.terms.literal(d))
            && *n > 0
        {
            return false;
        }
        let names = self.own_names(engine, state, func, v);
        names.iter().any(|n| self.vocabulary.is_count(n))
    }

    fn fill(
        &self,
        engine: &mut Engine<'_>,
        state: &mut State,
        call: &Returned<'_>,
        list: Value,
        item: Value,
    ) {
        let item = state.snapshot(item);
        if engine.truth(state, item) != Some(false) {
            state
                .heap
                .insert((list, Slot::Field(ELEMENT.into())), Cell::Has(item));
        }
        let at = (call.func, call.block);
        let mut memory = self.memory.borrow_mut();
        let proven = !unproven(state.flags) || memory.loose.contains(&at);
        if !proven {
            memory.fills.insert(at);
        }
        let about = if proven { 0 } else { state.flags & ABOUT };
        let snapshot = state.snapshot(list);
        for holder in [list, snapshot] {
            let slot = (holder, Slot::Field(FILLED.into()));
            let mixed = matches!(state.heap.get(&slot), Some(Cell::Has(old))
                if engine.terms.literal(*old) == Some(&Literal::Int(0)));
            let about = engine.terms.int(if mixed { 0 } else { i64::from(about) });
            state.heap.insert(slot, Cell::Has(about));
        }
        // The snapshot is new with each change: it takes over what the list is known for.
        let whole = state.heap.get(&(list, Slot::Field(FILLED.into()))).copied();
        if let Some(whole) = whole {
            state
                .heap
                .insert((snapshot, Slot::Field(FILLED.into())), whole);
        }
    }

    /// The flags of a collection that holds only units that succeeded.
    fn filled(&self, engine: &Engine<'_>, state: &State, v: Value, depth: u32) -> Option<u32> {
        if depth > MAX_DEPTH {
            return None;
        }
        if let Some(Cell::Has(about)) = state.heap.get(&(v, Slot::Field(FILLED.into()))) {
            return match engine.terms.literal(*about) {
                Some(Literal::Int(about)) if *about != 0 => u32::try_from(*about).ok(),
                _ => None,
            };
        }
        let next = match engine.terms.term(v) {
            Term::Pure(n, ops) if matches!(n.as_str(), "at" | "copy") => Some(ops[0]),
            Term::View(n, o) if n != "values" => Some(*o),
            _ => match engine.origin(state, v) {
                Some(Origin::Call(name, receiver, args)) if is_transparent(&name) => {
                    args.first().copied().or(Some(receiver))
                }
                _ => None,
            },
        };
        next.and_then(|n| self.filled(engine, state, n, depth + 1))
    }
}

const FILLED: &str = "$filled";
const ELEMENT: &str = "$element";

/// Calls whose result says about the same as what they are given.
pub(super) fn is_transparent(name: &str) -> bool {
    matches!(
        name,
        "int"
            | "float"
            | "str"
            | "bool"
            | "abs"
            | "max"
            | "min"
            | "sum"
            | "len"
            | "list"
            | "tuple"
            | "set"
            | "frozenset"
            | "sorted"
            | "reversed"
            | "dict"
            | "next"
            | "iter"
            | "lower"
            | "upper"
            | "strip"
            | "casefold"
            | "same"
            | "await"
            | "Decimal"
            | "coalesce"
            | "copy"
            | "isoformat"
            | "to_dict"
            | "enumerate"
            | "first"
            | "last"
            | "one"
    )
}

fn collect_names(
    engine: &Engine<'_>,
    state: &State,
    func: FuncRef,
    v: Value,
    out: &mut Vec<String>,
    depth: u32,
) {
    if depth > MAX_DEPTH {
        return;
    }
    out.extend(engine.names_of(func, v).iter().map(ToString::to_string));
    match engine.terms.term(v) {
        Term::Field(o, n) => {
            out.push(n.to_string());
            // `row.status.value`
            if matches!(n.as_str(), "value" | "name") {
                collect_names(engine, state, func, *o, out, depth + 1);
            }
        }
        Term::Item(_, k) => out.extend(engine.terms.literal(*k).and_then(text_of)),
        Term::Pure(n, ops) if n == "get" => {
            out.extend(engine.terms.literal(ops[1]).and_then(text_of));
        }
        Term::Pure(n, ops) if matches!(n.as_str(), "at" | "copy" | "neg" | "getattr default") => {
            collect_names(engine, state, func, ops[0], out, depth + 1);
        }
        Term::Len(o) | Term::Truth(o) => collect_names(engine, state, func, *o, out, depth + 1),
        Term::Global(_, n) => out.push(n.to_string()),
        _ => {}
    }
    match engine.origin(state, v) {
        Some(Origin::Call(name, receiver, args)) => {
            if name == "get" || name == "getattr" {
                let key = usize::from(name == "getattr");
                out.extend(
                    args.get(key)
                        .and_then(|k| engine.terms.literal(*k))
                        .and_then(text_of),
                );
            } else if is_transparent(&name) {
                let inner = args.first().copied().unwrap_or(receiver);
                collect_names(engine, state, func, inner, out, depth + 1);
                // `sum(r.rows for r in runs)`
                if let Some(Cell::Has(e)) = state.heap.get(&(inner, Slot::Field(ELEMENT.into()))) {
                    collect_names(engine, state, func, *e, out, depth + 1);
                }
            } else {
                out.push(name.to_string());
            }
        }
        Some(Origin::Text(parts)) => {
            // The sum of counts is a count.
            for p in parts.iter().take(4) {
                collect_names(engine, state, func, *p, out, depth + 1);
            }
        }
        _ => {}
    }
}

/// The object that a value is a snapshot, copy or view of.
fn base(engine: &Engine<'_>, v: Value) -> Value {
    match engine.terms.term(v) {
        Term::Pure(n, ops) if matches!(n.as_str(), "at" | "copy") => base(engine, ops[0]),
        Term::View(_, o) => base(engine, *o),
        _ => v,
    }
}

/// The name of something that is no literal and stands for a constant.
fn constant_name(engine: &Engine<'_>, v: Value) -> Option<String> {
    match engine.terms.term(v) {
        Term::Global(_, n) | Term::External(n) | Term::Member(_, n) => Some(n.to_string()),
        Term::Field(o, n) => {
            let upper = n.chars().all(|c| !c.is_lowercase());
            let constant = matches!(
                engine.terms.term(*o),
                Term::Global(..) | Term::External(_) | Term::Class(_) | Term::Module(_)
            );
            if n == "value" || n == "name" {
                return constant_name(engine, *o);
            }
            (upper || constant).then(|| n.to_string())
        }
        Term::Pure(n, ops) if n == "at" => constant_name(engine, ops[0]),
        Term::Tuple(items) => {
            let mut out = String::new();
            for i in items.iter() {
                let name = match engine.terms.literal(*i) {
                    Some(l) => text_of(l)?,
                    None => constant_name(engine, *i)?,
                };
                out.push_str(name.rsplit('.').next().unwrap_or(&name));
                out.push('_');
            }
            Some(out)
        }
        _ => None,
    }
}

pub(super) fn text_of(l: &Literal) -> Option<String> {
    match l {
        Literal::Str(s) => Some(s.to_string()),
        _ => None,
    }
}
