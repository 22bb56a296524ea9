//! One step: what a block does to a state, and where control can go from it.

use std::rc::Rc;

use crate::engine::eval::Flow;
use crate::engine::fact::{Fact, Kind};
use crate::engine::ghost::{Flags, Ghost};
use crate::engine::iterate::Advance;
use crate::engine::simulate::{Edge, ExitKind, Successor, Target};
use crate::engine::state::{Cell, State};
use crate::engine::value::{Site, Term, Value};
use crate::engine::{Catch, Engine, FnContext, Test};
use crate::ir::{
    BinOp, BlockId, BranchRole, Data, LocalKind, Operand, Rvalue, StatementKind, TerminatorKind,
    Unwind,
};

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
                next.extend(self.execute(cx, st, s, site));
            }
            states = next;
        }
        let site = cx.site(block, b.statements.len());
        let mut out = Vec::new();
        for st in states {
            self.terminate(cx, &b.terminator.kind, st, site, block, &mut out);
        }
        out
    }

    /// The blocks that control can go to from a block, with the flags there.
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

    pub(super) fn raise_to(
        &mut self,
        mut state: State,
        exc: Value,
        unwind: Option<&Unwind>,
        edge: Edge,
        out: &mut Vec<Successor>,
    ) {
        match unwind {
            Some(u) => {
                state.env.set(u.exc.index(), exc);
                out.push(Successor {
                    target: Target::Block(u.target),
                    state,
                    edge,
                });
            }
            None => out.push(Successor {
                target: Target::Exit(ExitKind::Raise, exc),
                state,
                edge,
            }),
        }
    }

    #[allow(clippy::too_many_lines)]
    pub(super) fn terminate(
        &mut self,
        cx: &FnContext,
        t: &TerminatorKind,
        mut state: State,
        site: Site,
        block: BlockId,
        out: &mut Vec<Successor>,
    ) {
        let goto = |b: BlockId, state: State, edge: Edge| Successor {
            target: Target::Block(b),
            state,
            edge,
        };
        match t {
            TerminatorKind::Goto(b) => out.push(goto(*b, state, Edge::Flow)),
            TerminatorKind::Branch {
                cond,
                then,
                otherwise,
                role,
            } => {
                let v = self.operand(&mut state, cond, site);
                let v = state.snapshot(v);
                let before = self.automaton.follows_values().then(|| state.clone());
                let mut no = state.clone();
                let yes_possible = self.assume(&mut state, v, true);
                let no_possible = self.assume(&mut no, v, false);
                if *role == BranchRole::Configured {
                    no.flags.doubt_place();
                }
                if let Some(before) = before {
                    self.tell_failure(
                        cx,
                        [(yes_possible, &mut state), (no_possible, &mut no)],
                        block,
                        v,
                        site,
                    );
                    let automaton = self.automaton;
                    for (possible, outcome, after) in [
                        (yes_possible, true, &mut state),
                        (no_possible, false, &mut no),
                    ] {
                        if possible {
                            let (func, condition) = (cx.func, v);
                            let test = Test {
                                func,
                                condition,
                                outcome,
                            };
                            automaton.on_test(self, &before, after, test);
                        }
                    }
                }
                let open = yes_possible && no_possible;
                let edge = |taken: bool| {
                    if open {
                        Edge::Decision(taken)
                    } else {
                        Edge::Flow
                    }
                };
                if yes_possible && matches!(role, BranchRole::Handler | BranchRole::Swallow) {
                    self.tell_caught(cx, &mut state, block, *role, site);
                }
                if yes_possible {
                    out.push(goto(*then, state, edge(true)));
                }
                if no_possible {
                    out.push(goto(*otherwise, no, edge(false)));
                }
            }
            TerminatorKind::Switch { on, cases } => {
                let v = state.env.get(on.index());
                let known = v.and_then(|v| self.terms.literal(v)).cloned();
                for (l, b) in cases {
                    if known.as_ref().is_none_or(|k| k == l) {
                        out.push(goto(*b, state.clone(), Edge::Flow));
                    }
                }
            }
            TerminatorKind::Eval {
                dest,
                rvalue,
                normal,
                unwind,
            } => {
                let fallible_operator = matches!(
                    rvalue,
                    Rvalue::GetField(..)
                        | Rvalue::Binary(..)
                        | Rvalue::InPlace(..)
                        | Rvalue::Neg(_)
                        | Rvalue::Compare(..)
                );
                if fallible_operator {
                    self.raise_from_operator(rvalue, &state, unwind.as_ref(), site, out);
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
                            out.push(goto(*normal, st, edge));
                        }
                        Flow::Raise(e) => {
                            let edge = o.via.map_or(Edge::Raised, Edge::CallRaised);
                            self.raise_to(o.state, e, unwind.as_ref(), edge, out);
                        }
                    }
                }
            }
            TerminatorKind::DelItem {
                object,
                key,
                normal,
                unwind,
            } => {
                let o = self.operand(&mut state, object, site);
                let k = self.operand(&mut state, key, site);
                let kind = state.kind(&self.terms, o);
                let there = self.item_state(&state, o, k);
                let missing = kind.is_dict() && there == Some(Cell::Absent);
                let present = matches!(there, Some(Cell::Has(_)));
                if !present {
                    for class in self.missing_key(&state, o, k) {
                        let mut failed = state.clone();
                        let class = self.terms.external(class);
                        let e = self.exception(&mut failed, class, true, Site { part: 1, ..site });
                        self.raise_to(failed, e, unwind.as_ref(), Edge::Raised, out);
                    }
                }
                if !missing {
                    self.remove_item(&mut state, o, k, site);
                    out.push(goto(*normal, state, Edge::Flow));
                }
            }
            TerminatorKind::ForNext {
                iter,
                dest,
                body,
                exhausted,
                unwind,
            } => {
                let it = self.operand(&mut state, &Operand::Local(*iter), site);
                let source = state.ghost(it, Ghost::Source);
                let source = source.filter(|_| self.automaton.follows_values());
                let automaton = self.automaton;
                let steps = self.advance(cx, state, it, site);
                let open = steps
                    .iter()
                    .filter(|a| !matches!(a, Advance::Raised(..)))
                    .count()
                    > 1;
                for a in steps {
                    match a {
                        Advance::Item(mut s, v) => {
                            if let Some(source) = source {
                                self.note_element(&mut s, v, source);
                                self.note_name(cx, *dest, v);
                                automaton.on_round(self, &mut s, source, true);
                            }
                            s.env.set(dest.index(), v);
                            out.push(goto(
                                *body,
                                s,
                                if open { Edge::Loop(true) } else { Edge::Flow },
                            ));
                        }
                        Advance::Done(mut s) => {
                            if let Some(source) = source {
                                automaton.on_round(self, &mut s, source, false);
                            }
                            out.push(goto(
                                *exhausted,
                                s,
                                if open { Edge::Loop(false) } else { Edge::Flow },
                            ));
                        }
                        Advance::Raised(s, e) => {
                            self.raise_to(s, e, unwind.as_ref(), Edge::Raised, out)
                        }
                    }
                }
            }
            TerminatorKind::Yield { value, .. } => {
                let v = self.operand(&mut state, value, site);
                // Only what the resumed function can still read goes into the frame.
                state.env.retain(|i| {
                    let mut live = false;
                    t.for_each_successor(|s| live |= cx.live.local(s, i));
                    let kind = cx.function().body.locals[i].kind;
                    live || matches!(kind, LocalKind::Cells | LocalKind::OuterCells)
                });
                out.push(Successor {
                    target: Target::Exit(ExitKind::Yield(block), v),
                    state,
                    edge: Edge::Flow,
                });
            }
            TerminatorKind::Return { value, .. } => {
                let v = self.operand(&mut state, value, site);
                let automaton = self.automaton;
                automaton.on_return(self, &mut state, (cx.func, block), v);
                out.push(Successor {
                    target: Target::Exit(ExitKind::Return, v),
                    state,
                    edge: Edge::Flow,
                });
            }
            TerminatorKind::Raise { exc, unwind } => {
                let mut e = self.operand(&mut state, exc, site);
                match self.terms.term(e).clone() {
                    Term::Class(_) | Term::External(_) => {
                        e = self.exception(&mut state, e, true, site)
                    }
                    _ => {
                        if state.fact(e).is_none() {
                            let class = self.terms.external("Exception");
                            state.facts.insert(e, {
                                let mut f = Fact::of_kind(Kind::Exception);
                                f.is.push(class);
                                Rc::new(f)
                            });
                        }
                    }
                }
                // What no handler caught is raised on at no place of its own.
                let span = cx.function().body.block(block).terminator.span;
                if span.end > span.start {
                    let automaton = self.automaton;
                    automaton.on_raise(self, &mut state, e);
                }
                self.raise_to(state, e, unwind.as_ref(), Edge::Raised, out);
            }
            TerminatorKind::Unreachable => {}
        }
    }

    /// Tells the automaton that the exception of a handler or a context manager is caught.
    fn tell_caught(
        &mut self,
        cx: &FnContext,
        state: &mut State,
        block: BlockId,
        role: BranchRole,
        site: Site,
    ) {
        let body = &cx.function().body;
        let b = body.block(block);
        let tested = b.statements.iter().rev().find_map(|s| match &s.kind {
            StatementKind::Assign(_, Rvalue::Caught { exc, .. }) => Some(exc),
            _ => None,
        });
        // A manager's exception is raised on where it does not swallow it.
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
        let automaton = self.automaton;
        automaton.on_caught(self, state, catch, exc);
    }

    /// Tells the automaton that a branch of the program finds that a call failed: on the side where
    /// a value that is asked for its outcome is a failure.
    fn tell_failure(
        &mut self,
        cx: &FnContext,
        sides: [(bool, &mut State); 2],
        block: BlockId,
        condition: Value,
        site: Site,
    ) {
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
            if !possible {
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
                let automaton = self.automaton;
                automaton.on_failure(self, state, catch, value, presence);
            }
        }
    }

    /// The value whose tag a condition compares, perhaps negated.
    fn asked_for_tag(&self, condition: Value) -> Option<Value> {
        match self.terms.term(condition) {
            Term::Not(x) => self.asked_for_tag(*x),
            Term::Cmp(_, x, _) => self.tagged(*x),
            _ => None,
        }
    }

    /// The exception of an attribute load or an operator, raised only into a handler that names
    /// it: the front end has seen to that.
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
                // What a getter raises comes out of it; the load stands here for that.
                let module = self.program.module(site.func.module);
                if module.ir.properties.contains(name) {
                    return;
                }
                // An attribute that is known to be there.
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
            self.raise_to(failed, e, unwind, Edge::Raised, out);
        }
    }
}
