//! Iteration: iterators over known and unknown collections, and generators as suspended calls.

use crate::engine::budget::UNROLL;
use crate::engine::calls::args::Args;
use crate::engine::flow::{Advance, Evaluated, ExitKind};
use crate::engine::objects::copies::{is_as_empty, is_same_length};
use crate::engine::values::env::Env;
use crate::engine::values::fact::{Fact, Interval, Kind};
use crate::engine::values::ghost::Ghost;
use crate::engine::values::state::{Cell, Slot, State};
use crate::engine::values::value::{Site, Term, Value};
use crate::engine::{Engine, FnContext};
use crate::ir::{BinOp, BlockId, Literal, TerminatorKind};
use crate::program::FuncRef;

/// The resume point of a generator that has not started; that of a suspended one is the block of
/// its `yield`.
const NOT_STARTED: i64 = -1;
/// The resume point of a generator that has returned or raised.
const ENDED: i64 = -2;

/// The number of items of a collection of unknown length that are told apart; any number may
/// follow.
const COUNTED_ITEMS: i64 = 2;

fn local_slot(local: usize) -> Ghost {
    Ghost::Local(u32::try_from(local).expect("a function has fewer than 2^32 locals"))
}

impl Engine<'_> {
    /// `iter(o)`; `None` if that raises because `o` is not iterable.
    pub(in crate::engine) fn make_iterator(
        &mut self,
        state: &mut State,
        o: Value,
        site: Site,
    ) -> Option<Value> {
        if matches!(state.kind(&self.terms, o), Kind::Generator)
            || state.ghost(o, Ghost::Source).is_some()
            || state.ghost(o, Ghost::Inner).is_some()
        {
            return Some(o);
        }
        if !self.take_for_something(state, o) {
            return None;
        }
        let inner: Option<Vec<Value>> = match self.terms.term(o).clone() {
            Term::Enumerate(x, _) => Some(vec![x]),
            Term::Zip(items) => Some(items.to_vec()),
            _ => None,
        };
        let it = self.fresh_with(state, site, Fact::of_kind(Kind::Iterator));
        if let Some(items) = inner {
            let inner: Option<Vec<Value>> = items
                .iter()
                .enumerate()
                .map(|(i, x)| {
                    let part = site.part + 20 + u32::try_from(i).unwrap_or(0);
                    self.make_iterator(state, *x, Site { part, ..site })
                })
                .collect();
            let tuple = self.terms.make(Term::Tuple(inner?.into()));
            state.set_ghost(it, Ghost::Inner, tuple);
        }
        let snap = state.snapshot(o);
        state.set_ghost(it, Ghost::Source, o);
        state.set_ghost(it, Ghost::Snapshot, snap);
        let zero = self.terms.int(0);
        state.set_ghost(it, Ghost::Position, zero);
        Some(it)
    }

    /// Advances an iterator.
    pub(crate) fn advance(
        &mut self,
        cx: &FnContext,
        mut state: State,
        it: Value,
        site: Site,
    ) -> Vec<Advance> {
        if self.is_generator_object(&state, it) {
            return self.resume(state, it, None, site);
        }
        let (Some(source), Some(position)) = (
            state.ghost(it, Ghost::Source),
            state.ghost(it, Ghost::Position),
        ) else {
            let done = state.clone();
            let v = self.fresh(&mut state, site);
            return vec![Advance::Item(state, v), Advance::Done(done)];
        };
        let at = match self.terms.literal(position) {
            Some(Literal::Int(i)) => Some(*i),
            _ => None,
        };
        if let Some(inner) = state.ghost(it, Ghost::Inner) {
            return self.advance_together(cx, state, (it, inner), source, at, site);
        }
        if let Some(at) = at
            && let Some(known) = self.known_sequence(&mut state, source, at)
        {
            return match known {
                Some(item) => {
                    let next = self.terms.int(at + 1);
                    state.set_ghost(it, Ghost::Position, next);
                    vec![Advance::Item(state, item)]
                }
                None => vec![Advance::Done(state)],
            };
        }
        let snap = state.ghost(it, Ghost::Snapshot).unwrap_or(source);
        let counts = !matches!(state.kind(&self.terms, source), Kind::Iterator)
            && !matches!(self.terms.term(source), Term::Range(..));
        let mut out = Vec::new();
        // There is another item.
        let mut more = state.clone();
        let possible = match at {
            Some(0) if counts || matches!(self.terms.term(source), Term::Range(..)) => {
                self.assume(&mut more, snap, true)
            }
            Some(n) if counts && n > 0 => self.at_least(&mut more, snap, n + 1),
            _ => true,
        };
        if possible {
            more.drop_ghost(it, Ghost::Index);
            let fact = match self.terms.term(source) {
                Term::Range(..) => Fact::of_kind(Kind::Int),
                _ => Fact::default(),
            };
            let v = match self.pending_element(&more, source) {
                Some(pending) => pending,
                None => self.fresh_with(&mut more, site, fact),
            };
            if let Term::Range(..) = self.terms.term(source) {
                more.set_ghost(v, Ghost::Of, source);
                more.set_ghost(it, Ghost::Index, v);
            }
            let next = self
                .terms
                .int(at.map_or(COUNTED_ITEMS, |n| (n + 1).min(COUNTED_ITEMS)));
            more.set_ghost(it, Ghost::Position, next);
            out.push(Advance::Item(more, v));
        }
        // There is none.
        let possible = match at {
            Some(0) if counts || matches!(self.terms.term(source), Term::Range(..)) => {
                self.assume(&mut state, snap, false)
            }
            Some(n) if counts && n < COUNTED_ITEMS => self.exactly(&mut state, snap, n),
            Some(n) if counts => self.at_least(&mut state, snap, n),
            _ => !self.is_not_last(&state, it),
        };
        if possible {
            out.push(Advance::Done(state));
        }
        out
    }

    /// Whether a slice is certainly not empty, because its start is an index of the object:
    /// `x[i:i + n]` or `x[i:]`, where `i` comes from `range(0, len(x), n)`.
    pub(crate) fn is_chunk(&self, state: &State, object: Value, bounds: [Value; 3]) -> bool {
        let [start, end, by] = bounds;
        let none = |v| self.terms.literal(v) == Some(&Literal::None);
        let Some(&Term::Range(first, stop, step)) = state
            .ghost(start, Ghost::Of)
            .map(|range| self.terms.term(range))
        else {
            return false;
        };
        let from = matches!(self.terms.literal(first), Some(Literal::Int(n)) if *n >= 0);
        let all = matches!(self.terms.term(stop), Term::Len(of) if *of == state.snapshot(object));
        let next = match self.terms.term(end) {
            Term::Arith(BinOp::Add, a, b) => (*a, *b) == (start, step) || (*a, *b) == (step, start),
            _ => none(end),
        };
        from && all && next && none(by)
    }

    /// Whether a snapshot is as long as its [`Engine::sized_operand`].
    fn has_length_of_operand(&self, snap: Value) -> bool {
        match self.terms.term(snap) {
            Term::Pure(n, ops) if n == "at" => self.has_length_of_operand(ops[1]),
            Term::Pure(n, ops) if is_as_empty(n) => {
                is_same_length(n) && self.has_length_of_operand(ops[0])
            }
            Term::View(_, x) | Term::Enumerate(x, _) => self.has_length_of_operand(*x),
            _ => true,
        }
    }

    /// What has at least as many elements as a snapshot.
    fn sized_operand(&self, snap: Value) -> Value {
        match self.terms.term(snap) {
            Term::Pure(n, ops) if is_as_empty(n) => self.sized_operand(ops[0]),
            Term::Pure(n, ops) if n == "at" => self.sized_operand(ops[1]),
            Term::View(_, x) | Term::Enumerate(x, _) => self.sized_operand(*x),
            _ => snap,
        }
    }

    fn at_least(&mut self, state: &mut State, snap: Value, n: i64) -> bool {
        let snap = self.sized_operand(snap);
        state.refine(snap, |f| match f.len.meet(Interval::at_least(n)) {
            Some(m) => {
                f.len = m;
                true
            }
            None => false,
        })
    }

    fn exactly(&mut self, state: &mut State, snap: Value, n: i64) -> bool {
        if !self.has_length_of_operand(snap) {
            return self.at_least(state, snap, n);
        }
        let snap = self.sized_operand(snap);
        state.refine(snap, |f| match f.len.meet(Interval::point(n)) {
            Some(m) => {
                f.len = m;
                true
            }
            None => false,
        })
    }

    /// The item at a position of a sequence whose items are all known; `Some(None)` past the end,
    /// `None` if it is no such sequence.
    fn known_sequence(
        &mut self,
        state: &mut State,
        source: Value,
        at: i64,
    ) -> Option<Option<Value>> {
        let index = usize::try_from(at).ok()?;
        match self.terms.term(source).clone() {
            Term::Range(a, b, c) => {
                let (Some(Literal::Int(a)), Some(Literal::Int(b)), Some(Literal::Int(c))) = (
                    self.terms.literal(a),
                    self.terms.literal(b),
                    self.terms.literal(c),
                ) else {
                    return None;
                };
                let (a, b, c) = (*a, *b, *c);
                let n = match c {
                    0 => return None,
                    c if c > 0 => b.checked_sub(a)?.checked_add(c - 1)?.div_euclid(c).max(0),
                    c => a.checked_sub(b)?.checked_add(-c - 1)?.div_euclid(-c).max(0),
                };
                if n > UNROLL {
                    return None;
                }
                if at >= n {
                    return Some(None);
                }
                let v = a.checked_add(c.checked_mul(at)?)?;
                Some(Some(self.terms.int(v)))
            }
            Term::View(name, at_term) => {
                let Term::Pure(n, ops) = self.terms.term(at_term).clone() else {
                    return None;
                };
                if n != "at" || state.snapshot(ops[0]) != ops[1] {
                    return None;
                }
                let object = ops[0];
                if !state.fact(object).is_some_and(|f| f.closed) {
                    return None;
                }
                let pairs: Vec<(Value, Value)> = state
                    .slots(object)
                    .filter_map(|(slot, cell)| match (slot, cell) {
                        (Slot::Item(k), Cell::Has(v)) => Some((*k, *v)),
                        _ => None,
                    })
                    .collect();
                if i64::try_from(pairs.len()).ok()? > UNROLL {
                    return None;
                }
                Some(pairs.get(index).map(|(k, v)| match name.as_str() {
                    "keys" => *k,
                    "values" => *v,
                    _ => self.terms.make(Term::Tuple(std::sync::Arc::from([*k, *v]))),
                }))
            }
            _ => {
                let items = self.known_items(state, source)?;
                if i64::try_from(items.len()).ok()? > UNROLL {
                    return None;
                }
                Some(items.get(index).copied())
            }
        }
    }

    /// Advances an `enumerate` or `zip`: one inner iterator after the other.
    fn advance_together(
        &mut self,
        cx: &FnContext,
        state: State,
        (it, inner): (Value, Value),
        source: Value,
        at: Option<i64>,
        site: Site,
    ) -> Vec<Advance> {
        let inner = self.known_items(&state, inner).unwrap_or_default();
        let mut done = Vec::new();
        let mut ready: Vec<(State, Vec<Value>)> = vec![(state, Vec::new())];
        for (i, x) in inner.iter().enumerate() {
            let site = Site {
                part: site.part + 20 + u32::try_from(i).unwrap_or(0),
                ..site
            };
            let mut next = Vec::new();
            for (s, items) in ready {
                for a in self.advance(cx, s, *x, site) {
                    match a {
                        Advance::Item(s, v) => {
                            let mut items = items.clone();
                            items.push(v);
                            next.push((s, items));
                        }
                        other => done.push(other),
                    }
                }
            }
            ready = next;
        }
        let start = match self.terms.term(source) {
            Term::Enumerate(_, start) => Some(*start),
            _ => None,
        };
        let mut out = Vec::new();
        for (mut s, mut items) in ready {
            let counted = items.iter().all(|i| self.terms.leaves(*i).is_empty());
            let exact = if counted { UNROLL } else { COUNTED_ITEMS };
            if let Some(start) = start {
                let index = match (at, self.terms.literal(start)) {
                    (Some(n), Some(Literal::Int(from))) if n < exact => {
                        let i = from.saturating_add(n);
                        self.terms.int(i)
                    }
                    _ => self.fresh_with(
                        &mut s,
                        Site {
                            part: site.part + 19,
                            ..site
                        },
                        Fact::of_kind(Kind::Int),
                    ),
                };
                items.insert(0, index);
            }
            let next = self.terms.int(at.map_or(exact, |n| (n + 1).min(exact)));
            s.set_ghost(it, Ghost::Position, next);
            let v = self.terms.make(Term::Tuple(items.into()));
            out.push(Advance::Item(s, v));
        }
        out.extend(done);
        out
    }

    /// Whether the value is a suspended generator of the program.
    pub(crate) fn is_generator_object(&self, state: &State, v: Value) -> bool {
        state.kind(&self.terms, v) == Kind::Generator && state.ghost(v, Ghost::Callee).is_some()
    }

    /// Calls a generator function. Nothing of its body runs yet.
    pub(crate) fn make_generator(
        &mut self,
        state: &mut State,
        callee: Value,
        args: &Args,
        site: Site,
    ) -> Value {
        let (f, cells) = match *self.terms.term(callee) {
            Term::Func(f) => (f, None),
            Term::Closure(f, c) => (f, Some(c)),
            _ => return self.fresh_with(state, site, Fact::of_kind(Kind::Iterator)),
        };
        let env = self.bind(state, f, cells, args, site);
        let g = self.fresh_with(state, site, Fact::of_kind(Kind::Generator));
        state.set_ghost(g, Ghost::Callee, callee);
        self.save_frame(state, g, &env);
        let start = self.terms.int(NOT_STARTED);
        state.set_ghost(g, Ghost::At, start);
        g
    }

    fn save_frame(&mut self, state: &mut State, g: Value, env: &Env) {
        state
            .heap
            .retain(|(o, slot), _| *o != g || !matches!(slot, Slot::Ghost(Ghost::Local(_))));
        for (i, v) in env.iter() {
            state.set_ghost(g, local_slot(i), v);
        }
    }

    /// Resumes a generator, normally or by throwing an exception into it.
    pub(crate) fn resume(
        &mut self,
        mut state: State,
        g: Value,
        thrown: Option<Value>,
        site: Site,
    ) -> Vec<Advance> {
        let finished = |state: State| match thrown {
            Some(e) => vec![Advance::Raised(state, e)],
            None => vec![Advance::Done(state)],
        };
        let Some(callee) = state.ghost(g, Ghost::Callee) else {
            return self.advance_unknown(state, thrown, site);
        };
        let f = match *self.terms.term(callee) {
            Term::Func(f) | Term::Closure(f, _) => f,
            _ => return finished(state),
        };
        let Some((start, env)) = self.resumption(&mut state, g, f, thrown) else {
            return finished(state);
        };
        let Some(applied) = self.summarise(&state, f, start, &env, Some(g), site) else {
            return self.advance_unknown(state, thrown, site);
        };
        let mut out = Vec::new();
        for a in applied {
            let mut s = a.state;
            match a.kind {
                ExitKind::Yield(block) => {
                    self.save_frame(&mut s, g, &a.env);
                    let at = self.terms.int(i64::from(block.0));
                    s.set_ghost(g, Ghost::At, at);
                    out.push(Advance::Item(s, a.value));
                }
                ExitKind::Return | ExitKind::Raise => {
                    self.save_frame(&mut s, g, &Env::default());
                    let at = self.terms.int(ENDED);
                    s.set_ghost(g, Ghost::At, at);
                    out.push(if a.kind == ExitKind::Return {
                        Advance::Done(s)
                    } else {
                        Advance::Raised(s, a.value)
                    });
                }
            }
        }
        out
    }

    /// Resumes a generator that is not known: it goes on or ends, and does not swallow what is thrown
    /// into it.
    fn advance_unknown(
        &mut self,
        mut state: State,
        thrown: Option<Value>,
        site: Site,
    ) -> Vec<Advance> {
        if let Some(exc) = thrown {
            return vec![Advance::Raised(state, exc)];
        }
        let done = state.clone();
        let v = self.fresh(&mut state, site);
        vec![Advance::Item(state, v), Advance::Done(done)]
    }

    /// Where a generator resumes, and its locals there; `None` if it has ended, or if the exception
    /// thrown into it ends it.
    fn resumption(
        &mut self,
        state: &mut State,
        g: Value,
        f: FuncRef,
        thrown: Option<Value>,
    ) -> Option<(BlockId, Env)> {
        let at = state.ghost(g, Ghost::At);
        let at = match at.and_then(|v| self.terms.literal(v)) {
            Some(Literal::Int(i)) => *i,
            _ => ENDED,
        };
        let m = self.program.module(f.module);
        let function = m.ir.function(f.func);
        let locals = 0..function.body.locals.len();
        let mut env: Env = locals
            .filter_map(|i| Some((i, state.ghost(g, local_slot(i))?)))
            .collect();
        if at == NOT_STARTED && thrown.is_none() {
            return Some((BlockId::ENTRY, env));
        }
        let block = BlockId(u32::try_from(at).ok()?);
        let TerminatorKind::Yield {
            dest,
            normal,
            unwind,
            ..
        } = &function.body.block(block).terminator.kind
        else {
            return None;
        };
        match (thrown, unwind) {
            (None, _) => {
                if let Some(d) = dest {
                    env.set(d.index(), self.terms.none());
                }
                Some((*normal, env))
            }
            (Some(e), Some(u)) => {
                env.set(u.exc.index(), e);
                Some((u.target, env))
            }
            (Some(_), None) => {
                let ended = self.terms.int(ENDED);
                state.set_ghost(g, Ghost::At, ended);
                None
            }
        }
    }

    /// Runs a generator to its end, as `list(g)` does.
    pub(crate) fn drain(
        &mut self,
        cx: &FnContext,
        state: State,
        g: Value,
        kind: Kind,
        site: Site,
    ) -> Vec<Evaluated> {
        const ROUNDS: i64 = 2;
        let mut out = Vec::new();
        let mut running = vec![state];
        for round in 0..=ROUNDS {
            let mut next = Vec::new();
            for s in running {
                for a in self.advance(
                    cx,
                    s,
                    g,
                    Site {
                        part: site.part + 30,
                        ..site
                    },
                ) {
                    match a {
                        Advance::Item(s, _) => next.push(s),
                        Advance::Raised(s, e) => out.push(Evaluated::raise(s, e)),
                        Advance::Done(mut s) => {
                            let len = if kind == Kind::Set {
                                Interval {
                                    lo: i64::from(round > 0),
                                    hi: round,
                                }
                            } else {
                                Interval::point(round)
                            };
                            let fact = Self::sized(kind, len);
                            let v = self.fresh_with(&mut s, site, fact);
                            out.push(Evaluated::normal(s, v));
                        }
                    }
                }
            }
            running = next;
        }
        for mut s in running {
            let fact = Self::sized(kind, Interval::at_least(1));
            let v = self.fresh_with(&mut s, site, fact);
            out.push(Evaluated::normal(s, v));
        }
        out
    }
}
