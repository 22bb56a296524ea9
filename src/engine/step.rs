//! One step: what a block does to a state, and where control can go from it.

use std::rc::Rc;

use crate::engine::flow::{Advance, Edge, ExitKind, Flow, Successor, Target};
use crate::engine::values::fact::{Fact, Kind};
use crate::engine::values::ghost::{Flags, Ghost};
use crate::engine::values::state::{Cell, State};
use crate::engine::values::value::{Site, Term, Value};
use crate::engine::{Catch, Engine, FnContext, Test};
use crate::ir::validate::{for_each_terminator_use, for_each_use};
use crate::ir::{
    BinOp, BlockId, BranchRole, Data, LocalKind, Operand, Rvalue, StatementKind, TerminatorKind,
    Unwind,
};

/// The terminator that is being executed.
#[derive(Clone, Copy)]
struct Here<'a> {
    cx: &'a FnContext,
    block: BlockId,
    site: Site,
}

impl Engine<'_> {
    /// Executes one block on one state.
    pub(crate) fn step(&mut self, cx: &FnContext, block: BlockId, state: &State) -> Vec<Successor> {
        let function = cx.module.ir.function(cx.func.func);
        let b = function.body.block(block);
        let mut states = vec![state.clone()];
        for (i, s) in b.statements.iter().enumerate() {
            let site = cx.site(block, i);
            let mut next = Vec::with_capacity(states.len());
            for st in states {
                // The exception of a statement is not followed.
                if !self.reads_unbound(cx, &st, |f| for_each_use(&s.kind, f)) {
                    next.extend(self.execute(cx, st, s, site));
                }
            }
            states = next;
        }
        let site = cx.site(block, b.statements.len());
        let mut out = Vec::new();
        let here = Here { cx, block, site };
        let kind = &b.terminator.kind;
        for mut st in states {
            if !self.reads_unbound(cx, &st, |f| for_each_terminator_use(kind, f)) {
                self.terminate(here, st, &mut out);
            } else if let TerminatorKind::Eval { unwind, .. } = kind {
                let class = self.terms.external("UnboundLocalError");
                let exc = self.exception(&mut st, class, true, site);
                out.push(raise_to(st, exc, unwind.as_ref(), Edge::Raised));
            }
        }
        out
    }

    /// The successors of a block in this state, with the flags there.
    pub(crate) fn edges(
        &mut self,
        cx: &FnContext,
        block: BlockId,
        state: &State,
    ) -> Vec<(BlockId, Flags)> {
        let all = self.step(cx, block, state).into_iter();
        all.filter_map(|s| match s.target {
            Target::Block(b) => Some((b, s.state.flags)),
            Target::Exit(..) => None,
        })
        .collect()
    }

    /// Adds the successors of a terminator to `out`.
    fn terminate(&mut self, here: Here<'_>, mut state: State, out: &mut Vec<Successor>) {
        let Here { cx, block, site } = here;
        match &cx.function().body.block(block).terminator.kind {
            TerminatorKind::Goto(b) => out.push(Successor::at(*b, state, Edge::Flow)),
            TerminatorKind::Branch {
                cond,
                then,
                otherwise,
                role,
            } => {
                let cond = self.operand(&mut state, cond, site);
                let cond = state.snapshot(cond);
                let sides = (*then, *otherwise);
                self.branch(here, state, (cond, *role), sides, out);
            }
            TerminatorKind::Switch { on, cases } => {
                let v = state.env.get(on.index());
                let known = v.and_then(|v| self.terms.literal(v)).cloned();
                for (l, b) in cases {
                    if known.as_ref().is_none_or(|k| k == l) {
                        out.push(Successor::at(*b, state.clone(), Edge::Flow));
                    }
                }
            }
            TerminatorKind::Eval { .. } => self.evaluate(here, state, out),
            TerminatorKind::DelItem {
                object,
                key,
                normal,
                unwind,
            } => {
                let object = self.operand(&mut state, object, site);
                let key = self.operand(&mut state, key, site);
                let targets = (*normal, unwind.as_ref());
                self.delete_item(state, (object, key), targets, site, out);
            }
            TerminatorKind::ForNext { .. } => self.next_round(here, state, out),
            TerminatorKind::Yield {
                dest,
                value,
                normal,
                ..
            } if self.driven == Some(cx.func) => {
                if let Some(failures) = self.watches.failures {
                    let v = self.operand(&mut state, value, site);
                    failures.on_yield(self, &mut state, v);
                }
                if let Some(dest) = dest {
                    let sent = self.fresh(&mut state, site);
                    state.env.set(dest.index(), sent);
                }
                out.push(Successor::at(*normal, state, Edge::Flow));
            }
            TerminatorKind::Yield { value, .. } => {
                let v = self.operand(&mut state, value, site);
                keep_for_resumption(cx, block, &mut state);
                out.push(Successor::leaving(ExitKind::Yield(block), v, state));
            }
            TerminatorKind::Return { value, .. } => {
                let v = self.operand(&mut state, value, site);
                if let Some(failures) = self.watches.failures {
                    failures.on_return(self, &mut state, (cx.func, block), v);
                }
                out.push(Successor::leaving(ExitKind::Return, v, state));
            }
            TerminatorKind::Raise { exc, unwind } => {
                let exc = self.operand(&mut state, exc, site);
                let exc = self.raised(&mut state, exc, site);
                // If no handler catches an exception, a terminator without a source location raises
                // it again.
                let span = cx.function().body.block(block).terminator.span;
                if span.end > span.start
                    && let Some(failures) = self.watches.failures
                {
                    failures.on_raise(self, &mut state, exc);
                }
                out.push(raise_to(state, exc, unwind.as_ref(), Edge::Raised));
            }
            TerminatorKind::Unreachable => {}
        }
    }

    /// Evaluates an rvalue that may raise.
    fn evaluate(&mut self, here: Here<'_>, state: State, out: &mut Vec<Successor>) {
        let Here { cx, block, site } = here;
        let TerminatorKind::Eval {
            dest,
            rvalue,
            normal,
            unwind,
        } = &cx.function().body.block(block).terminator.kind
        else {
            return;
        };
        let unwind = unwind.as_ref();
        if is_fallible_operator(rvalue) {
            self.raise_from_operator(rvalue, &state, unwind, site, out);
        }
        for o in self.eval(cx, state, rvalue, site) {
            match o.flow {
                Flow::Normal(v) => {
                    let mut st = o.state;
                    self.note_made(cx, &mut st, rvalue, v, site);
                    if let Some(d) = dest {
                        self.note_name(cx, *d, v);
                        st.env.set(d.index(), v);
                    }
                    let edge = o.via.map_or(Edge::Flow, Edge::Called);
                    out.push(Successor::at(*normal, st, edge));
                }
                Flow::Raise(e) => {
                    let edge = o.via.map_or(Edge::Raised, Edge::CallRaised);
                    out.push(raise_to(o.state, e, unwind, edge));
                }
            }
        }
    }

    /// Adds both sides of a branch on `cond`, as far as they are feasible, each with what the test
    /// establishes.
    fn branch(
        &mut self,
        here: Here<'_>,
        mut state: State,
        (cond, role): (Value, BranchRole),
        (then, otherwise): (BlockId, BlockId),
        out: &mut Vec<Successor>,
    ) {
        let values = self.watches.values;
        let before = values.map(|_| state.clone());
        let mut no = state.clone();
        let yes_possible = self.assume(&mut state, cond, true);
        let no_possible = self.assume(&mut no, cond, false);
        if role == BranchRole::Configured {
            no.flags.doubt_place();
        }
        let mut sides = [(yes_possible, &mut state), (no_possible, &mut no)];
        self.tell_failure(here, &mut sides, cond);
        if let (Some(values), Some(before)) = (values, before) {
            for ((possible, after), outcome) in sides.into_iter().zip([true, false]) {
                if possible {
                    let test = Test {
                        func: here.cx.func,
                        block: Some(here.block),
                        condition: cond,
                        outcome,
                    };
                    values.on_test(self, &before, after, test);
                }
            }
        }
        let open = yes_possible && no_possible;
        let edge = |taken: bool| match open {
            true => Edge::Decision(taken),
            false => Edge::Flow,
        };
        if yes_possible && matches!(role, BranchRole::Handler | BranchRole::Swallow) {
            self.tell_caught(here, &mut state, role);
        }
        if yes_possible {
            out.push(Successor::at(then, state, edge(true)));
        }
        if no_possible {
            out.push(Successor::at(otherwise, no, edge(false)));
        }
    }

    /// `del object[key]`, which may raise if the key may be missing.
    fn delete_item(
        &mut self,
        mut state: State,
        (object, key): (Value, Value),
        (normal, unwind): (BlockId, Option<&Unwind>),
        site: Site,
        out: &mut Vec<Successor>,
    ) {
        let kind = state.kind(&self.terms, object);
        let there = self.item_state(&state, object, key);
        let missing = kind.is_dict() && there == Some(Cell::Absent);
        let present = matches!(there, Some(Cell::Has(_)));
        if !present {
            for class in self.missing_key(&state, object, key) {
                let mut failed = state.clone();
                let class = self.terms.external(class);
                let e = self.exception(&mut failed, class, true, Site { part: 1, ..site });
                out.push(raise_to(failed, e, unwind, Edge::Raised));
            }
        }
        if !missing {
            self.remove_item(&mut state, object, key, site);
            out.push(Successor::at(normal, state, Edge::Flow));
        }
    }

    /// The head of a `for` loop: another iteration with the next item, or the end.
    fn next_round(&mut self, here: Here<'_>, mut state: State, out: &mut Vec<Successor>) {
        let Here { cx, block, site } = here;
        let TerminatorKind::ForNext {
            iter,
            dest,
            body,
            exhausted,
            unwind,
        } = &cx.function().body.block(block).terminator.kind
        else {
            return;
        };
        let iterator = self.operand(&mut state, &Operand::Local(*iter), site);
        let source = state.ghost(iterator, Ghost::Source);
        let source = source.filter(|_| self.watches.values.is_some());
        let told = source.and_then(|source| Some((self.watches.rounds?, source)));
        let steps = self.advance(cx, state, iterator, site);
        let ends = |step: &&Advance| !matches!(step, Advance::Raised(..));
        let open = steps.iter().filter(ends).count() > 1;
        let edge = |more: bool| match open {
            true => Edge::Loop(more),
            false => Edge::Flow,
        };
        for step in steps {
            match step {
                Advance::Item(mut s, item) => {
                    if let Some(source) = source {
                        self.note_element(&mut s, item, source);
                        self.note_name(cx, *dest, item);
                    }
                    if let Some((rounds, source)) = told {
                        rounds.on_round(self, &mut s, source, true);
                    }
                    s.env.set(dest.index(), item);
                    out.push(Successor::at(*body, s, edge(true)));
                }
                Advance::Done(mut s) => {
                    if let Some((rounds, source)) = told {
                        rounds.on_round(self, &mut s, source, false);
                    }
                    out.push(Successor::at(*exhausted, s, edge(false)));
                }
                Advance::Raised(s, e) => {
                    out.push(raise_to(s, e, unwind.as_ref(), Edge::Raised));
                }
            }
        }
    }

    /// The exception of a `raise` statement: an instance if the value is a class.
    fn raised(&mut self, state: &mut State, value: Value, site: Site) -> Value {
        if let Term::Class(_) | Term::External(_) = self.terms.term(value) {
            return self.exception(state, value, true, site);
        }
        if state.fact(value).is_none() {
            let mut fact = Fact::of_kind(Kind::Exception);
            fact.is.push(self.terms.external("Exception"));
            state.facts.insert(value, Rc::new(fact));
        }
        value
    }

    /// Tells the automaton that a handler or a context manager catches an exception.
    fn tell_caught(&mut self, here: Here<'_>, state: &mut State, role: BranchRole) {
        let Some(failures) = self.watches.failures else {
            return;
        };
        let Here { cx, block, site } = here;
        let body = &cx.function().body;
        let b = body.block(block);
        let tested = b.statements.iter().rev().find_map(|s| match &s.kind {
            StatementKind::Assign(_, Rvalue::Caught { exc, .. }) => Some(exc),
            _ => None,
        });
        // If a manager does not swallow the exception, the branch leads to a block that raises it
        // again.
        let passed = match &b.terminator.kind {
            TerminatorKind::Branch { otherwise, .. } => {
                match &body.block(*otherwise).terminator.kind {
                    TerminatorKind::Raise { exc, .. } => Some(exc),
                    _ => None,
                }
            }
            _ => None,
        };
        let manager = role == BranchRole::Swallow;
        let Some(exc) = (if manager { passed } else { tested }) else {
            return;
        };
        let exc = self.operand(state, exc, site);
        let catch = Catch {
            func: cx.func,
            block,
            manager,
        };
        failures.on_caught(self, state, catch, exc);
    }

    /// Tells the automaton that a branch of the program finds that a call failed: on each side on
    /// which the tested value is a failure.
    fn tell_failure(
        &mut self,
        here: Here<'_>,
        sides: &mut [(bool, &mut State); 2],
        condition: Value,
    ) {
        let Some(failures) = self.watches.failures else {
            return;
        };
        let Here { cx, block, site } = here;
        let b = cx.function().body.block(block);
        let TerminatorKind::Branch { cond, .. } = &b.terminator.kind else {
            return;
        };
        let asked = b.statements.iter().rev().find_map(|s| match &s.kind {
            StatementKind::Assign(dest, Rvalue::Data(data)) if *cond == Operand::Local(*dest) => {
                Some(data)
            }
            _ => None,
        });
        let (object, presence) = match asked {
            Some(Data::IsVariant {
                object,
                of,
                presence,
                ..
            }) if !of.is_empty() => (Some(object), *presence),
            _ => (None, false),
        };
        for (possible, state) in sides {
            if !*possible {
                continue;
            }
            let value = match object {
                Some(object) => Some(self.operand(state, object, site)),
                None => self.asked_for_tag(condition),
            };
            if let Some(value) = value
                && self.is_failure(state, value)
            {
                let catch = Catch {
                    func: cx.func,
                    block,
                    manager: false,
                };
                failures.on_failure(self, state, catch, value, presence);
            }
        }
    }

    /// The value whose tag a condition compares; the comparison may be negated.
    fn asked_for_tag(&self, condition: Value) -> Option<Value> {
        match self.terms.term(condition) {
            Term::Not(x) => self.asked_for_tag(*x),
            Term::Cmp(_, x, _) => self.tagged(*x),
            _ => None,
        }
    }

    /// Raises the exception of an attribute load or an operator. The front end makes sure that only
    /// a handler that names the exception receives it.
    pub(super) fn raise_from_operator(
        &mut self,
        r: &Rvalue,
        state: &State,
        unwind: Option<&Unwind>,
        site: Site,
        out: &mut Vec<Successor>,
    ) {
        let classes: &[&str] = match r {
            Rvalue::GetField(o, name) => {
                // For a property, the exceptions of its getter count instead.
                let module = self.program.module(site.func.module);
                if module.ir.properties.contains(name) {
                    return;
                }
                // Return if the attribute is known to exist.
                let mut st = state.clone();
                let v = self.operand(&mut st, o, site);
                let got = self.get_field(&st, v, name);
                if !matches!(self.terms.term(got), Term::Field(..)) {
                    return;
                }
                &["AttributeError"]
            }
            Rvalue::Binary(op, a, b) | Rvalue::InPlace(op, a, b) => {
                let mut st = state.clone();
                let (x, y) = (
                    self.operand(&mut st, a, site),
                    self.operand(&mut st, b, site),
                );
                let whole = [x, y]
                    .iter()
                    .all(|v| matches!(st.kind(&self.terms, *v), Kind::Int | Kind::Bool));
                match (op, whole) {
                    (
                        BinOp::Add
                        | BinOp::Sub
                        | BinOp::Mul
                        | BinOp::BitAnd
                        | BinOp::BitOr
                        | BinOp::BitXor,
                        true,
                    ) => &[],
                    (BinOp::Div | BinOp::FloorDiv | BinOp::Mod, true) => &["ZeroDivisionError"],
                    (BinOp::Div | BinOp::FloorDiv, false) => {
                        &["TypeError", "ZeroDivisionError", "OverflowError"]
                    }
                    (BinOp::Mod, false) => &["TypeError", "ZeroDivisionError", "ValueError"],
                    (BinOp::Pow, _) => &["TypeError", "ZeroDivisionError", "OverflowError"],
                    (BinOp::Shl | BinOp::Shr | BinOp::MatMul, _) => &["TypeError", "ValueError"],
                    _ => &["TypeError", "OverflowError"],
                }
            }
            _ => &["TypeError"],
        };
        for (i, c) in classes.iter().enumerate() {
            let mut failed = state.clone();
            let class = self.terms.external(c);
            let part = 30 + u32::try_from(i).unwrap_or(0);
            let e = self.exception(&mut failed, class, true, Site { part, ..site });
            out.push(raise_to(failed, e, unwind, Edge::Raised));
        }
    }
}

/// Leads an exception to its handler, or out of the function.
pub(super) fn raise_to(
    mut state: State,
    exc: Value,
    unwind: Option<&Unwind>,
    edge: Edge,
) -> Successor {
    let target = match unwind {
        Some(u) => {
            state.env.set(u.exc.index(), exc);
            Target::Block(u.target)
        }
        None => Target::Exit(ExitKind::Raise, exc),
    };
    Successor {
        target,
        state,
        edge,
    }
}

/// Whether an rvalue may raise by itself, without a call.
fn is_fallible_operator(rvalue: &Rvalue) -> bool {
    matches!(
        rvalue,
        Rvalue::GetField(..)
            | Rvalue::Binary(..)
            | Rvalue::InPlace(..)
            | Rvalue::Neg(_)
            | Rvalue::Compare(..)
    )
}

/// Drops the locals that the function cannot read once it resumes after a `yield`.
fn keep_for_resumption(cx: &FnContext, block: BlockId, state: &mut State) {
    let body = &cx.function().body;
    let terminator = &body.block(block).terminator.kind;
    state.env.retain(|i| {
        let mut live = false;
        terminator.for_each_successor(|s| live |= cx.live.local(s, i));
        live || matches!(
            body.locals[i].kind,
            LocalKind::Cells | LocalKind::OuterCells
        )
    });
}
