//! Evaluation of statements and rvalues over abstract states.

use std::rc::Rc;
use std::sync::Arc;

use crate::engine::call::Args;
use crate::engine::constants::literal_text;
use crate::engine::fact::{Fact, Interval, Kind};
use crate::engine::state::{Cell, Slot, State};
use crate::engine::summary::Summary;
use crate::engine::value::{Site, Term, Value};
use crate::engine::{Engine, FnContext};
use crate::ir::{CmpOp, Literal, Name, Operand, Rvalue, Statement, StatementKind};
use crate::program::{ClassRef, Def};

/// How an evaluation ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Flow {
    /// With a value.
    Normal(Value),
    /// By raising.
    Raise(Value),
}

/// Which exit of which summary an outcome came from.
#[derive(Clone)]
pub struct Via {
    /// The summary.
    pub summary: Rc<Summary>,
    /// Index of the exit.
    pub exit: usize,
}

/// One way in which an evaluation can end.
pub(crate) struct Outcome {
    pub(crate) state: State,
    pub(crate) flow: Flow,
    pub(crate) via: Option<Via>,
}

impl Outcome {
    pub(crate) fn normal(state: State, v: Value) -> Self {
        Outcome {
            state,
            flow: Flow::Normal(v),
            via: None,
        }
    }
    pub(crate) fn raise(state: State, v: Value) -> Self {
        Outcome {
            state,
            flow: Flow::Raise(v),
            via: None,
        }
    }
}

impl Engine<'_> {
    /// The value of an operand.
    pub(crate) fn operand(&mut self, state: &mut State, o: &Operand, site: Site) -> Value {
        match o {
            Operand::Const(l) => self.terms.lit(l.clone()),
            Operand::Local(l) => match state.env.get(l.index()) {
                Some(v) => v,
                None => {
                    let part = 1000 + l.0;
                    self.fresh(state, Site { part, ..site })
                }
            },
        }
    }

    /// Executes a statement.
    pub(crate) fn execute(
        &mut self,
        cx: &FnContext,
        mut state: State,
        s: &Statement,
        site: Site,
    ) -> Vec<State> {
        match &s.kind {
            StatementKind::Assign(dest, rvalue) => {
                let outcomes = self.eval(cx, state, rvalue, site);
                outcomes
                    .into_iter()
                    .filter_map(|o| match o.flow {
                        Flow::Normal(v) => {
                            let mut st = o.state;
                            self.note_made(cx, &mut st, rvalue, v, site);
                            self.note_name(cx, *dest, v);
                            st.env.set(dest.index(), v);
                            Some(st)
                        }
                        // An accessor or operator that raises where nothing names its exception.
                        Flow::Raise(_) => None,
                    })
                    .collect()
            }
            StatementKind::Declare(l, ty) => {
                if let Some(v) = state.env.get(l.index()) {
                    let scope = cx.function().scope;
                    self.note_type(&mut state, cx.func.module, scope, ty, v);
                }
                vec![state]
            }
            StatementKind::Unbind(l) => {
                state.env.take(l.index());
                vec![state]
            }
            StatementKind::SetField {
                object,
                field,
                value,
            } => {
                let o = self.operand(&mut state, object, site);
                let v = self.operand(&mut state, value, site);
                // A property's setter is taken to store what its getter returns.
                let field = match state.fact(o).and_then(|f| f.class) {
                    Some(class) if self.is_record(class) => {
                        if state.kind(&self.terms, v) == Kind::Unknown {
                            self.note_declared(&mut state, class, field, v);
                        }
                        field.clone()
                    }
                    Some(class) => self.place_field(class, field),
                    None => field.clone(),
                };
                self.set_field(&mut state, o, &field, v);
                vec![state]
            }
            StatementKind::SetItem { object, key, value } => {
                let o = self.operand(&mut state, object, site);
                let k = self.operand(&mut state, key, site);
                let v = self.operand(&mut state, value, site);
                self.set_item(&mut state, o, k, v, site);
                vec![state]
            }
            StatementKind::Overwrite { object, value } => {
                let o = self.operand(&mut state, object, site);
                let v = self.operand(&mut state, value, site);
                self.overwrite(&mut state, o, v, site);
                vec![state]
            }
            StatementKind::DelField { object, field } => {
                let o = self.operand(&mut state, object, site);
                self.note_field(field);
                state
                    .heap
                    .insert((o, Slot::Field(field.clone())), Cell::Absent);
                vec![state]
            }
            StatementKind::Skip => {
                self.automaton.on_skip(&mut state);
                vec![state]
            }
            StatementKind::SetGlobal { .. } => vec![state],
        }
    }

    /// Evaluates an rvalue.
    #[allow(clippy::too_many_lines)]
    pub(crate) fn eval(
        &mut self,
        cx: &FnContext,
        mut state: State,
        r: &Rvalue,
        site: Site,
    ) -> Vec<Outcome> {
        let v = match r {
            Rvalue::Use(o) => self.operand(&mut state, o, site),
            Rvalue::Global(name) => {
                let def = self.program.resolve_global(cx.func.module, name);
                self.def_value(&def, cx.func.module, name, 0)
            }
            Rvalue::Path(path) => self.path_value(cx, path),
            Rvalue::Data(data) => self.data(cx, &mut state, data, site),
            Rvalue::GetField(o, name) => {
                let object = self.operand(&mut state, o, site);
                return self.load_field(state, object, name, site);
            }
            Rvalue::GetItem(o, k) => {
                let object = self.operand(&mut state, o, site);
                let key = self.operand(&mut state, k, site);
                return self.get_item(state, object, key, site);
            }
            Rvalue::Slice { object, bounds } => {
                let o = self.operand(&mut state, object, site);
                let kind = match state.kind(&self.terms, o) {
                    k @ (Kind::Str | Kind::List | Kind::Tuple) => k,
                    _ => Kind::Unknown,
                };
                let whole = bounds.iter().all(|b| *b == Operand::NONE);
                if whole {
                    let s = state.snapshot(o);
                    self.terms.make(Term::Pure("copy".into(), Arc::from([s])))
                } else {
                    let mut at = |b: &Operand| self.operand(&mut state, b, site);
                    let bounds = [at(&bounds[0]), at(&bounds[1]), at(&bounds[2])];
                    let mut fact = Fact::of_kind(kind);
                    if self.is_chunk(&state, o, bounds) {
                        // Whatever it is, it has a length: that of what is cut has been asked for.
                        fact.truth = Some(true);
                        fact.len = Interval::at_least(1);
                        fact.propagate();
                    }
                    self.fresh_with(&mut state, site, fact)
                }
            }
            Rvalue::Unpack {
                object,
                index,
                rest_before_end,
            } => {
                let o = self.operand(&mut state, object, site);
                self.unpack(&mut state, o, *index, *rest_before_end, site)
            }
            Rvalue::Call { callee, args } => {
                let args = Args::evaluate(self, &mut state, args, site);
                return self.call(cx, state, callee, args, site);
            }
            Rvalue::Not(o) => {
                let x = self.operand(&mut state, o, site);
                let x = state.snapshot(x);
                match self.truth(&state, x) {
                    Some(t) => self.terms.bool(!t),
                    None => self.terms.not(x),
                }
            }
            Rvalue::Neg(o) => {
                let x = self.operand(&mut state, o, site);
                match self.terms.literal(x) {
                    Some(Literal::Int(i)) => {
                        let n = i.checked_neg().unwrap_or(*i);
                        self.terms.int(n)
                    }
                    _ => self.terms.make(Term::Pure("neg".into(), Arc::from([x]))),
                }
            }
            Rvalue::Binary(op, a, b) => {
                let x = self.operand(&mut state, a, site);
                let y = self.operand(&mut state, b, site);
                self.binary(&mut state, *op, x, y, false, site)
            }
            Rvalue::InPlace(op, a, b) => {
                let x = self.operand(&mut state, a, site);
                let y = self.operand(&mut state, b, site);
                self.binary(&mut state, *op, x, y, true, site)
            }
            Rvalue::Compare(op, a, b) => {
                let x = self.operand(&mut state, a, site);
                let y = self.operand(&mut state, b, site);
                self.compare(&state, *op, x, y)
            }
            Rvalue::List(items) => self.display(&mut state, Kind::List, items, site),
            Rvalue::Set(items) => self.display(&mut state, Kind::Set, items, site),
            Rvalue::Tuple(items) => {
                if items.iter().any(|i| i.starred) {
                    self.display(&mut state, Kind::Tuple, items, site)
                } else {
                    let vs: Vec<Value> = items
                        .iter()
                        .map(|i| self.operand(&mut state, &i.value, site))
                        .collect();
                    self.terms.make(Term::Tuple(vs.into()))
                }
            }
            Rvalue::Dict(items) => self.dict(&mut state, items, site),
            Rvalue::Format(parts) => {
                let vs: Vec<Value> = parts
                    .iter()
                    .map(|p| self.operand(&mut state, p, site))
                    .collect();
                if let Some(v) = self.format_of_class_texts(&mut state, &vs) {
                    return vec![Outcome::normal(state, v)];
                }
                let text: Option<String> = vs
                    .iter()
                    .map(|v| self.comparable(*v).and_then(|l| literal_text(&l)))
                    .collect();
                match text {
                    Some(t) => self.terms.str(&t),
                    None => {
                        let solid = vs.iter().any(|v| {
                            matches!(self.terms.literal(*v), Some(Literal::Str(s)) if !s.is_empty())
                        });
                        let len = if solid {
                            Interval::at_least(1)
                        } else {
                            Interval::at_least(0)
                        };
                        let fact = Self::sized(Kind::Str, len);
                        self.fresh_with(&mut state, site, fact)
                    }
                }
            }
            Rvalue::Closure(f) => {
                let func = crate::program::FuncRef {
                    module: cx.func.module,
                    func: *f,
                };
                let function = cx.module.ir.function(*f);
                let needs = function.outer_cells.is_some();
                let own = cx.function().cells().or(cx.function().outer_cells);
                match (needs, own) {
                    (true, Some(l)) => {
                        let cells = self.operand(&mut state, &Operand::Local(l), site);
                        self.terms.make(Term::Closure(func, cells))
                    }
                    _ => self.terms.make(Term::Func(func)),
                }
            }
            Rvalue::MakeClass(c) => self.terms.make(Term::Class(ClassRef {
                module: cx.func.module,
                class: *c,
            })),
            Rvalue::Super {
                start,
                lexical,
                receiver,
            } => {
                let recv = self.operand(&mut state, receiver, site);
                let after = match start {
                    Some(o) => {
                        let c = self.operand(&mut state, o, site);
                        match self.terms.term(c) {
                            Term::Class(c) => Some(*c),
                            _ => None,
                        }
                    }
                    None => lexical.map(|c| ClassRef {
                        module: cx.func.module,
                        class: c,
                    }),
                };
                self.terms.make(Term::Super(recv, after))
            }
            Rvalue::Iter { object, .. } => {
                let o = self.operand(&mut state, object, site);
                match self.make_iterator(&mut state, o, site) {
                    Some(iterator) => iterator,
                    // Where the exception leads to is not followed.
                    None => return Vec::new(),
                }
            }
            Rvalue::Enter { manager, is_async } => {
                let m = self.operand(&mut state, manager, site);
                return self.enter(cx, state, m, *is_async, site);
            }
            Rvalue::Exit {
                manager,
                exc,
                is_async,
            } => {
                let m = self.operand(&mut state, manager, site);
                let e = self.operand(&mut state, exc, site);
                return self.exit(cx, state, m, e, *is_async, site);
            }
            Rvalue::Await(o) => {
                let x = self.operand(&mut state, o, site);
                return self.run_awaitable(state, x, site);
            }
            Rvalue::Caught { exc, types, .. } => {
                let e = self.operand(&mut state, exc, site);
                let mut classes = Vec::new();
                for t in types {
                    let t = self.operand(&mut state, t, site);
                    self.flatten(t, &mut classes, 0);
                }
                if types.is_empty() {
                    self.terms.bool(true)
                } else {
                    let class = self.terms.make(Term::Tuple(classes.into()));
                    self.terms.make(Term::Instance(e, class))
                }
            }
            Rvalue::MatchSequence {
                object,
                len,
                or_more,
            } => {
                let o = self.operand(&mut state, object, site);
                let s = state.snapshot(o);
                let n = self.terms.int(i64::from(*len));
                match state.kind(&self.terms, o) {
                    Kind::List | Kind::Tuple => {
                        let length = self.length(&state, s);
                        if *or_more {
                            let less = self.less(&state, length, n);
                            self.terms.not(less)
                        } else {
                            self.compare(&state, CmpOp::Eq, length, n)
                        }
                    }
                    Kind::Unknown => self.terms.make(Term::Pure(
                        format!("sequence{or_more}").into(),
                        Arc::from([s, n]),
                    )),
                    _ => self.terms.bool(false),
                }
            }
            Rvalue::MatchMapping(o) => {
                let o = self.operand(&mut state, o, site);
                match state.kind(&self.terms, o) {
                    Kind::Dict | Kind::DefaultDict => self.terms.bool(true),
                    Kind::Unknown => self
                        .terms
                        .make(Term::Pure("mapping".into(), Arc::from([o]))),
                    _ => self.terms.bool(false),
                }
            }
            Rvalue::MatchClass(o, c) => {
                let o = self.operand(&mut state, o, site);
                let c = self.operand(&mut state, c, site);
                self.terms.make(Term::Instance(o, c))
            }
            Rvalue::Import(path) => {
                let def = self.program.resolve_import(cx.func.module, path);
                let known = matches!(
                    def,
                    Def::Func(_) | Def::Class(_) | Def::Module(_) | Def::Value(..)
                );
                let name: Name = path.module.join(".").into();
                let v = self.def_value(&def, cx.func.module, &name, 0);
                let mut out = Vec::new();
                if !known && !crate::engine::intrinsics::is_standard_module(&name) {
                    let mut failed = state.clone();
                    let class = self.terms.external("ImportError");
                    let e = self.exception(&mut failed, class, false, Site { part: 1, ..site });
                    out.push(Outcome::raise(failed, e));
                }
                out.push(Outcome::normal(state, v));
                return out;
            }
            Rvalue::Opaque(_) => self.fresh(&mut state, site),
        };
        vec![Outcome::normal(state, v)]
    }

    fn flatten(&self, t: Value, out: &mut Vec<Value>, depth: u32) {
        match self.terms.term(t) {
            Term::Tuple(items) if depth < 8 => {
                items.iter().for_each(|i| self.flatten(*i, out, depth + 1))
            }
            _ => out.push(t),
        }
    }

    /// An exception object. `exact`: of just that class; else of it or a class below.
    pub(crate) fn exception(
        &mut self,
        state: &mut State,
        class: Value,
        exact: bool,
        site: Site,
    ) -> Value {
        let mut fact = Fact::of_kind(Kind::Exception);
        fact.is.push(class);
        fact.exact = exact;
        self.fresh_with(state, site, fact)
    }

    /// The outcome in which an operation on a builtin fails with an exception of just this class.
    pub(crate) fn raise_exact(&mut self, mut state: State, class: &str, site: Site) -> Outcome {
        let class = self.terms.external(class);
        let e = self.exception(&mut state, class, true, Site { part: 1, ..site });
        Outcome::raise(state, e)
    }
}
