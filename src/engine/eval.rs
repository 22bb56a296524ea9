//! Evaluation of statements and rvalues over abstract states.

use std::rc::Rc;

use crate::engine::call::Args;
use crate::engine::fact::{Fact, Interval, Kind};
use crate::engine::state::{Cell, Slot, State, flag, view};
use crate::engine::summary::Summary;
use crate::engine::value::{MAX_TERM_DEPTH, Site, Term, Value};
use crate::engine::{Engine, FnContext, Presence};
use crate::ir::{
    BinOp, Binding, CmpOp, DictItem, Element, Literal, Name, Operand, Rvalue, ScopeIdx, Statement,
    StatementKind, StaticExpr, StaticExprKind,
};
use crate::program::{ClassRef, Def, Lookup, MemberDef, ModuleId};

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
            Operand::Local(l) => match state.env[l.index()] {
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
                            st.env[dest.index()] = Some(v);
                            Some(st)
                        }
                        // An accessor or operator that raises where nothing names its exception.
                        Flow::Raise(_) => None,
                    })
                    .collect()
            }
            StatementKind::Declare(l, ty) => {
                if let Some(v) = state.env[l.index()] {
                    let scope = cx.function().scope;
                    self.note_type(&mut state, cx.func.module, scope, ty, v);
                }
                vec![state]
            }
            StatementKind::Unbind(l) => {
                state.env[l.index()] = None;
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
            StatementKind::DelField { object, field } => {
                let o = self.operand(&mut state, object, site);
                state
                    .heap
                    .insert((o, Slot::Field(field.clone())), Cell::Absent);
                vec![state]
            }
            StatementKind::SetGlobal { .. } => vec![state],
        }
    }

    /// Tells the automaton when the watched key is there.
    pub(crate) fn note_presence(&mut self, state: &mut State) {
        if self.presence(state) == Presence::Present {
            state.flags =
                self.automaton.on_set(state.flags) & !(flag::UNRESOLVED | flag::UNCERTAIN);
        }
    }

    /// `object.field = value`
    pub(crate) fn set_field(
        &mut self,
        state: &mut State,
        object: Value,
        field: &Name,
        value: Value,
    ) {
        let object = match self.terms.term(object) {
            Term::Vars(o) => *o,
            _ => object,
        };
        state
            .heap
            .insert((object, Slot::Field(field.clone())), Cell::Has(value));
        if object == state.watched
            && *field == self.watched_field
            && state.fact(value).is_some_and(|f| f.closed)
        {
            // Whatever an earlier call may have set is gone with the old dict.
            state.flags &= !(flag::UNRESOLVED | flag::UNCERTAIN);
        }
        self.note_presence(state);
    }

    /// The contents of an object changed: what was learnt about them holds of the old snapshot
    /// only. The new snapshot gets the given fact.
    pub(crate) fn mutate(&mut self, state: &mut State, object: Value, fact: Fact, site: Site) {
        let site = Site {
            part: site.part + 500,
            ..site
        };
        let s = self.fresh(state, site);
        if !fact.is_trivial() {
            state.facts.insert(s, fact);
        }
        state.heap.insert((object, Slot::Content), Cell::Has(s));
    }

    /// What is known about the contents of an object now.
    pub(crate) fn contents(&self, state: &State, object: Value) -> Fact {
        let snap = state.snapshot(object);
        let mut f = view(state, &self.terms, snap);
        if f.kind == Kind::Unknown {
            f.kind = state.kind(&self.terms, object);
        }
        f.propagate();
        f
    }

    /// A fact about the contents of a container of that kind with a length in the interval.
    pub(crate) fn sized(kind: Kind, len: Interval) -> Fact {
        let kind = if kind.is_container() {
            kind
        } else {
            Kind::Unknown
        };
        let mut f = Fact {
            kind,
            len,
            ..Fact::default()
        };
        if kind == Kind::Unknown {
            f.truth = if len.lo > 0 {
                Some(true)
            } else if len.hi == 0 {
                Some(false)
            } else {
                None
            };
        }
        f.propagate();
        f
    }

    /// `object[key] = value`
    pub(crate) fn set_item(
        &mut self,
        state: &mut State,
        object: Value,
        key: Value,
        value: Value,
        site: Site,
    ) {
        if let Term::Vars(o) = *self.terms.term(object)
            && let Some(Literal::Str(name)) = self.terms.literal(key).cloned()
        {
            return self.set_field(state, o, &name, value);
        }
        let key_lit = self.comparable(key);
        let key = match &key_lit {
            Some(l) => self.terms.lit(l.clone()),
            None => key,
        };
        let slot = (object, Slot::Item(key));
        let had = matches!(state.heap.get(&slot), Some(Cell::Has(_)));
        if !had {
            let old = self.contents(state, object);
            let kind = if old.kind == Kind::Unknown {
                state.kind(&self.terms, object)
            } else {
                old.kind
            };
            let grown = match state.heap.get(&slot) {
                Some(Cell::Absent) => Interval {
                    lo: old.len.lo.saturating_add(1),
                    hi: old.len.hi.saturating_add(1),
                },
                _ => Interval {
                    lo: old.len.lo.max(1),
                    hi: old.len.hi.saturating_add(1),
                },
            };
            if kind.is_dict() || kind == Kind::Unknown {
                let fact = Self::sized(kind, grown);
                self.mutate(state, object, fact, site);
            }
        }
        if key_lit.is_none() {
            // Any key may have been stored.
            let watched = self.watched_object(state);
            if object == watched && self.presence(state) == Presence::Absent {
                state.flags |= flag::UNCERTAIN;
            }
            if let Some(f) = state.facts.get_mut(&object) {
                f.closed = false;
            }
        }
        state.heap.insert(slot, Cell::Has(value));
        self.note_presence(state);
    }

    /// `object.field` without running any code: what the heap, the class or the module says.
    pub(crate) fn get_field(&mut self, state: &State, object: Value, field: &Name) -> Value {
        match state.heap.get(&(object, Slot::Field(field.clone()))) {
            Some(Cell::Has(v)) => return *v,
            Some(Cell::Absent) | None => {}
        }
        if field == "__dict__" {
            return self.terms.make(Term::Vars(object));
        }
        match self.terms.term(object).clone() {
            Term::Module(m) => {
                let def = self.program.attribute_of(&Def::Module(m), field);
                self.def_value(&def, m, field, 0)
            }
            Term::External(p) => self
                .terms
                .make(Term::External(format!("{p}.{field}").into())),
            Term::Class(c) => self
                .class_attribute(c, field)
                .unwrap_or_else(|| self.terms.make(Term::Field(object, field.clone()))),
            Term::Member(c, name) if field == "value" || field == "name" => {
                if field == "name" {
                    return self.terms.str(&name);
                }
                let m = self.program.module(c.module);
                let scope = m.ir.class(c.class).scope;
                match m
                    .ir
                    .scope(scope)
                    .bindings
                    .get(&name)
                    .and_then(|b| b.last())
                    .map(|s| &s.binding)
                {
                    Some(Binding::Value(e)) => self
                        .static_value(c.module, scope, e, 0)
                        .unwrap_or_else(|| self.terms.make(Term::Field(object, field.clone()))),
                    _ => self.terms.make(Term::Field(object, field.clone())),
                }
            }
            _ => {
                if let Some(c) = state.fact(object).and_then(|f| f.class) {
                    match self.program.lookup(c, field, None) {
                        Lookup::Found(owner, defs) => match defs.as_slice() {
                            [MemberDef::Func(f)] => {
                                let func = self.terms.make(Term::Func(*f));
                                return if self.is_static_method(*f) {
                                    func
                                } else {
                                    self.terms.make(Term::Bound(func, object))
                                };
                            }
                            [MemberDef::Def(def)] => {
                                let stored = self
                                    .program
                                    .module(owner.module)
                                    .stored_fields
                                    .contains(field)
                                    || self.program.module(c.module).stored_fields.contains(field);
                                if !stored {
                                    let def = def.clone();
                                    let v = self.def_value(&def, owner.module, field, 0);
                                    if !matches!(self.terms.term(v), Term::Global(..)) {
                                        return v;
                                    }
                                }
                            }
                            _ => {}
                        },
                        Lookup::Missing | Lookup::Unknown => {}
                    }
                }
                if self.terms.depth(object) >= MAX_TERM_DEPTH {
                    return self.terms.make(Term::External("<deep>".into()));
                }
                self.terms.make(Term::Field(object, field.clone()))
            }
        }
    }

    fn class_attribute(&mut self, c: ClassRef, field: &Name) -> Option<Value> {
        if field == "__name__" {
            let m = self.program.module(c.module);
            let name = m.ir.class(c.class).name.clone();
            return Some(self.terms.str(&name));
        }
        let Lookup::Found(owner, defs) = self.program.lookup(c, field, None) else {
            return None;
        };
        match defs.as_slice() {
            [MemberDef::Func(f)] => Some(self.terms.make(Term::Func(*f))),
            [MemberDef::Def(def)] => {
                if self.program.is_enum(owner) && !field.starts_with('_') {
                    return Some(self.terms.make(Term::Member(owner, field.clone())));
                }
                let def = def.clone();
                let v = self.def_value(&def, owner.module, field, 0);
                (!matches!(self.terms.term(v), Term::Global(..))).then_some(v)
            }
            [MemberDef::Unknown] if self.program.is_enum(owner) => {
                Some(self.terms.make(Term::Member(owner, field.clone())))
            }
            _ => None,
        }
    }

    /// The value of what a name means.
    pub(crate) fn def_value(
        &mut self,
        def: &Def,
        module: ModuleId,
        name: &str,
        depth: u32,
    ) -> Value {
        match def {
            Def::Func(f) => self.terms.make(Term::Func(*f)),
            Def::Class(c) => self.terms.make(Term::Class(*c)),
            Def::Module(m) => self.terms.make(Term::Module(*m)),
            Def::External(p) => self.terms.make(Term::External(p.clone())),
            Def::Value(m, scope, expr) => match self.static_value(*m, *scope, expr, depth) {
                Some(v) => v,
                None => self.terms.make(Term::Global(*m, name.into())),
            },
            Def::Unknown => self.terms.make(Term::Global(module, name.into())),
        }
    }

    /// The value of an expression that is a constant.
    pub(crate) fn static_value(
        &mut self,
        m: ModuleId,
        scope: ScopeIdx,
        e: &StaticExpr,
        depth: u32,
    ) -> Option<Value> {
        const MAX_CONSTANT_DEPTH: u32 = 12;
        if depth > MAX_CONSTANT_DEPTH {
            return None;
        }
        match &e.kind {
            StaticExprKind::Literal(l) => Some(self.terms.lit(l.clone())),
            StaticExprKind::Path(p) => {
                let def = self.program.resolve_path(m, scope, p);
                match (&def, p.as_slice()) {
                    (Def::Unknown, [.., owner, last]) => {
                        // `Color.RED`
                        if let Def::Class(c) =
                            self.program.resolve_path(m, scope, &p[..p.len() - 1])
                            && self.program.is_enum(c)
                        {
                            return Some(self.terms.make(Term::Member(c, last.clone())));
                        }
                        let _ = owner;
                        None
                    }
                    (Def::Unknown, _) => None,
                    (Def::Value(vm, vs, expr), _) => {
                        if let [.., _, last] = p.as_slice()
                            && let Def::Class(c) =
                                self.program.resolve_path(m, scope, &p[..p.len() - 1])
                            && self.program.is_enum(c)
                        {
                            return Some(self.terms.make(Term::Member(c, last.clone())));
                        }
                        let (vm, vs, expr) = (*vm, *vs, expr.clone());
                        self.static_value(vm, vs, &expr, depth + 1)
                    }
                    _ => Some(self.def_value(&def, m, "", depth + 1)),
                }
            }
            StaticExprKind::Tuple(items)
            | StaticExprKind::List(items)
            | StaticExprKind::Set(items) => {
                let vs: Option<Vec<Value>> = items
                    .iter()
                    .map(|i| self.static_value(m, scope, i, depth + 1))
                    .collect();
                Some(self.terms.make(Term::Tuple(vs?.into())))
            }
            StaticExprKind::Binary(op, a, b) => {
                let a = self.static_value(m, scope, a, depth + 1)?;
                let b = self.static_value(m, scope, b, depth + 1)?;
                self.fold(*op, a, b)
            }
            StaticExprKind::Format(parts) => {
                let mut out = String::new();
                for p in parts {
                    let v = self.static_value(m, scope, p, depth + 1)?;
                    out.push_str(&literal_text(self.terms.literal(v)?)?);
                }
                Some(self.terms.str(&out))
            }
            StaticExprKind::Call(callee, args, _) => match &callee.kind {
                // `frozenset({...})`, `tuple([...])`
                StaticExprKind::Path(p)
                    if args.len() == 1
                        && matches!(p.as_slice(), [n] if matches!(n.as_str(), "frozenset" | "set" | "tuple" | "list")) =>
                {
                    self.static_value(m, scope, &args[0], depth + 1)
                }
                _ => None,
            },
            StaticExprKind::Lambda(f) => {
                Some(self.terms.make(Term::Func(crate::program::FuncRef {
                    module: m,
                    func: *f,
                })))
            }
            _ => None,
        }
    }

    fn fold(&mut self, op: BinOp, a: Value, b: Value) -> Option<Value> {
        let folded = match (op, self.terms.literal(a)?, self.terms.literal(b)?) {
            (BinOp::Add, Literal::Str(x), Literal::Str(y)) => {
                Literal::Str(format!("{x}{y}").into())
            }
            (BinOp::Add, Literal::Int(x), Literal::Int(y)) => Literal::Int(x.checked_add(*y)?),
            (BinOp::Sub, Literal::Int(x), Literal::Int(y)) => Literal::Int(x.checked_sub(*y)?),
            (BinOp::Mul, Literal::Int(x), Literal::Int(y)) => Literal::Int(x.checked_mul(*y)?),
            (BinOp::FloorDiv, Literal::Int(x), Literal::Int(y)) if *y > 0 => {
                Literal::Int(x.div_euclid(*y))
            }
            (BinOp::Mod, Literal::Int(x), Literal::Int(y)) if *y > 0 => {
                Literal::Int(x.rem_euclid(*y))
            }
            (BinOp::Pow, Literal::Int(x), Literal::Int(y)) => {
                Literal::Int(x.checked_pow(u32::try_from(*y).ok()?)?)
            }
            _ => return None,
        };
        Some(self.terms.lit(folded))
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
                    self.terms.make(Term::Pure("copy".into(), Rc::from([s])))
                } else {
                    self.fresh_with(&mut state, site, Fact::of_kind(kind))
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
                    _ => self.terms.make(Term::Pure("neg".into(), Rc::from([x]))),
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
                let own = cx.function().cells.or(cx.function().outer_cells);
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
                self.make_iterator(&mut state, o, site)
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
                return self.run_awaitable(cx, state, x, site);
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
                        Rc::from([s, n]),
                    )),
                    _ => self.terms.bool(false),
                }
            }
            Rvalue::MatchMapping(o) => {
                let o = self.operand(&mut state, o, site);
                match state.kind(&self.terms, o) {
                    Kind::Dict | Kind::DefaultDict => self.terms.bool(true),
                    Kind::Unknown => self.terms.make(Term::Pure("mapping".into(), Rc::from([o]))),
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

    /// `object.field`, running a property's getter.
    fn load_field(&mut self, state: State, object: Value, name: &Name, site: Site) -> Vec<Outcome> {
        if let Term::Super(recv, after) = *self.terms.term(object) {
            let mut state = state;
            let v = match (after, state.fact(recv).and_then(|f| f.class)) {
                (Some(after), Some(class)) => match self.program.lookup(class, name, Some(after)) {
                    Lookup::Found(_, defs) => match defs.as_slice() {
                        [MemberDef::Func(f)] => {
                            let f = self.terms.make(Term::Func(*f));
                            self.terms.make(Term::Bound(f, recv))
                        }
                        _ => self.terms.make(Term::Method(object, name.clone())),
                    },
                    _ => self.terms.make(Term::Method(object, name.clone())),
                },
                _ => self.fresh(&mut state, site),
            };
            return vec![Outcome::normal(state, v)];
        }
        if !state
            .heap
            .contains_key(&(object, Slot::Field(name.clone())))
            && let Some(class) = state.fact(object).and_then(|f| f.class)
            && let Lookup::Found(_, defs) = self.program.lookup(class, name, None)
            && let [MemberDef::Func(f)] = defs.as_slice()
            && self.is_property(*f)
        {
            let f = *f;
            return self.invoke(state, f, None, Args::positional(vec![object]), site);
        }
        let v = self.get_field(&state, object, name);
        let mut state = state;
        if matches!(self.terms.term(v), Term::Field(..))
            && state.fact(v).is_none()
            && let Some(class) = state.fact(object).and_then(|f| f.class)
        {
            self.note_declared(&mut state, class, name, v);
        }
        vec![Outcome::normal(state, v)]
    }

    /// What the class says about the type of a field: `mode: WriteMode` in its body.
    fn note_declared(&mut self, state: &mut State, class: ClassRef, name: &Name, v: Value) {
        let mro = self.program.mro(class);
        for entry in &mro.entries {
            let crate::program::MroEntry::Class(c) = entry else {
                continue;
            };
            let m = self.program.module(c.module);
            let scope = m.ir.class(c.class).scope;
            let declared =
                m.ir.scope(scope)
                    .bindings
                    .get(name)
                    .into_iter()
                    .flatten()
                    .find_map(|s| match &s.binding {
                        Binding::Declared(e) => Some(e),
                        _ => None,
                    });
            if let Some(e) = declared {
                self.note_annotation(state, c.module, scope, e, v);
                return;
            }
        }
    }

    /// `object[key]`
    pub(crate) fn get_item(
        &mut self,
        mut state: State,
        object: Value,
        key: Value,
        site: Site,
    ) -> Vec<Outcome> {
        if let (Term::Vars(o), Some(Literal::Str(name))) = (
            self.terms.term(object).clone(),
            self.terms.literal(key).cloned(),
        ) {
            let v = self.get_field(&state, o, &name);
            return vec![Outcome::normal(state, v)];
        }
        let key_lit = self.comparable(key);
        let key = match &key_lit {
            Some(l) => self.terms.lit(l.clone()),
            None => key,
        };
        if let Some(items) = self.known_items(&state, object)
            && let Some(Literal::Int(i)) = &key_lit
        {
            let n = i64::try_from(items.len()).unwrap_or(i64::MAX);
            let at = if *i < 0 { i + n } else { *i };
            if let Some(v) = usize::try_from(at).ok().and_then(|at| items.get(at)) {
                return vec![Outcome::normal(state, *v)];
            }
        }
        let kind = state.kind(&self.terms, object);
        let raise = |this: &mut Self, state: &State, class: &str| {
            let mut failed = state.clone();
            let class = this.terms.external(class);
            let e = this.exception(&mut failed, class, true, Site { part: 1, ..site });
            Outcome::raise(failed, e)
        };
        let closed = state.fact(object).is_some_and(|f| f.closed);
        match state.heap.get(&(object, Slot::Item(key))) {
            Some(Cell::Has(v)) => {
                let v = *v;
                vec![Outcome::normal(state, v)]
            }
            None if closed && key_lit.is_some() && kind == Kind::Dict => {
                vec![raise(self, &state, "KeyError")]
            }
            Some(Cell::Absent) if kind == Kind::Dict => vec![raise(self, &state, "KeyError")],
            Some(Cell::Absent) | None if kind == Kind::DefaultDict => {
                let name = state.fact(object).map(|f| f.is.clone()).unwrap_or_default();
                let counter = name.iter().any(
                    |c| matches!(self.terms.term(*c), Term::External(p) if p.ends_with("Counter")),
                );
                let v = self.fresh(&mut state, site);
                if !counter {
                    // A defaultdict stores what it invents.
                    self.set_item(&mut state, object, key, v, Site { part: 2, ..site });
                }
                vec![Outcome::normal(state, v)]
            }
            _ => {
                // Every call of an unknown may raise, and so may a subscript with a key that is
                // not known to be there.
                let class = match kind {
                    Kind::List | Kind::Tuple | Kind::Str => "IndexError",
                    Kind::Dict => "KeyError",
                    _ => "LookupError",
                };
                let mut failed = state.clone();
                let class = self.terms.external(class);
                let e = self.exception(&mut failed, class, false, Site { part: 1, ..site });
                let snap = state.snapshot(object);
                let v = if self.terms.depth(snap).max(self.terms.depth(key)) >= MAX_TERM_DEPTH {
                    self.fresh(&mut state, site)
                } else {
                    self.terms.make(Term::Item(snap, key))
                };
                if kind.is_dict() && key_lit.is_some() {
                    state.heap.insert((object, Slot::Item(key)), Cell::Has(v));
                }
                vec![Outcome::normal(state, v), Outcome::raise(failed, e)]
            }
        }
    }

    fn unpack(
        &mut self,
        state: &mut State,
        o: Value,
        index: i32,
        rest: Option<u32>,
        site: Site,
    ) -> Value {
        if let Some(items) = self.known_items(state, o) {
            let n = items.len();
            let at = if index < 0 {
                n.checked_sub(index.unsigned_abs() as usize)
            } else {
                Some(index as usize)
            };
            if let Some(at) = at {
                match rest {
                    None => {
                        if let Some(v) = items.get(at) {
                            return *v;
                        }
                    }
                    Some(behind) => {
                        let end = n.saturating_sub(behind as usize);
                        if at <= end {
                            let elements = items[at..end].to_vec();
                            return self.list_of(state, &elements, site);
                        }
                    }
                }
            }
        }
        if rest.is_some() {
            return self.fresh_with(state, site, Fact::of_kind(Kind::List));
        }
        let s = state.snapshot(o);
        if self.terms.depth(s) >= MAX_TERM_DEPTH {
            return self.fresh(state, site);
        }
        self.terms
            .make(Term::Pure(format!("unpack{index}").into(), Rc::from([s])))
    }

    /// A list with exactly these elements.
    pub(crate) fn list_of(&mut self, state: &mut State, items: &[Value], site: Site) -> Value {
        let n = i64::try_from(items.len()).unwrap_or(i64::MAX);
        let mut fact = Self::sized(Kind::List, Interval::point(n));
        fact.closed = true;
        let list = self.fresh_with(state, site, fact);
        for (i, item) in items.iter().enumerate() {
            let key = self.terms.int(i64::try_from(i).unwrap_or(i64::MAX));
            state.heap.insert((list, Slot::Item(key)), Cell::Has(*item));
        }
        list
    }

    fn display(&mut self, state: &mut State, kind: Kind, items: &[Element], site: Site) -> Value {
        const MAX_TRACKED_ELEMENTS: usize = 32;
        let vs: Vec<Value> = items
            .iter()
            .map(|i| self.operand(state, &i.value, site))
            .collect();
        let plain = i64::try_from(items.iter().filter(|i| !i.starred).count()).unwrap_or(i64::MAX);
        let starred = items.iter().any(|i| i.starred);
        let len = if starred {
            Interval::at_least(plain)
        } else {
            Interval::point(plain)
        };
        let len = if kind == Kind::Set && plain > 0 {
            Interval { lo: 1, hi: len.hi }
        } else {
            len
        };
        let mut fact = Self::sized(kind, len);
        fact.closed = !starred && items.len() <= MAX_TRACKED_ELEMENTS && kind != Kind::Tuple;
        if kind == Kind::Set && plain > 1 {
            // Equal elements fall together; as a thing to iterate over or look into it does not
            // matter.
            fact.len = Interval::point(plain);
        }
        let closed = fact.closed;
        let v = self.fresh_with(state, site, fact);
        if closed {
            for (i, item) in vs.iter().enumerate() {
                let key = self.terms.int(i64::try_from(i).unwrap_or(i64::MAX));
                state.heap.insert((v, Slot::Item(key)), Cell::Has(*item));
            }
        }
        v
    }

    fn dict(&mut self, state: &mut State, items: &[DictItem], site: Site) -> Value {
        let mut fact = Self::sized(Kind::Dict, Interval::point(0));
        fact.closed = true;
        let d = self.fresh_with(state, site, fact);
        for item in items {
            match item {
                DictItem::Pair(k, v) => {
                    let k = self.operand(state, k, site);
                    let v = self.operand(state, v, site);
                    self.set_item(state, d, k, v, site);
                }
                DictItem::Spread(o) => {
                    let o = self.operand(state, o, site);
                    self.update_from(state, d, o, site);
                }
            }
        }
        d
    }

    /// Copies what is known of one dict into another.
    pub(crate) fn update_from(
        &mut self,
        state: &mut State,
        target: Value,
        source: Value,
        site: Site,
    ) {
        let watched = self.watched_object(state);
        let known: Vec<(Value, Cell)> = state
            .heap
            .range((source, Slot::Content)..)
            .take_while(|((o, _), _)| *o == source)
            .filter_map(|((_, slot), cell)| match slot {
                Slot::Item(k) => Some((*k, *cell)),
                _ => None,
            })
            .collect();
        let source_fact = self.contents(state, source);
        let closed = state.fact(source).is_some_and(|f| f.closed);
        let place = self.automaton.place().key.clone();
        let place = self.terms.str(&place);
        let mut covers_place = closed;
        for (k, cell) in known {
            covers_place |= k == place;
            match cell {
                Cell::Has(v) => self.set_item(state, target, k, v, site),
                // Absent there, and so far here: the copy does not bring it.
                Cell::Absent => {
                    if self.item_state(state, target, k) == Some(Cell::Absent) {
                        state.heap.insert((target, Slot::Item(k)), Cell::Absent);
                    }
                }
            }
        }
        if !closed {
            if target == watched && !covers_place && self.presence(state) == Presence::Absent {
                state.flags |= flag::UNCERTAIN;
            }
            if let Some(f) = state.facts.get_mut(&target) {
                f.closed = false;
            }
            if !covers_place && target != watched {
                let old = self.contents(state, target);
                let lo = old.len.lo.max(i64::from(source_fact.len.lo > 0));
                let fact = Self::sized(Kind::Dict, Interval::at_least(lo));
                self.mutate(state, target, fact, site);
            }
        }
    }

    fn binary(
        &mut self,
        state: &mut State,
        op: BinOp,
        x: Value,
        y: Value,
        in_place: bool,
        site: Site,
    ) -> Value {
        if let Some(v) = self.fold(op, x, y) {
            return v;
        }
        let (kx, ky) = (state.kind(&self.terms, x), state.kind(&self.terms, y));
        if in_place {
            match (op, kx) {
                (BinOp::BitOr, Kind::Dict | Kind::DefaultDict) => {
                    self.update_from(state, x, y, site);
                    return x;
                }
                (BinOp::Add, Kind::List) => {
                    let (a, b) = (self.contents(state, x), self.contents(state, y));
                    self.grow(
                        state,
                        x,
                        Interval {
                            lo: a.len.lo.saturating_add(b.len.lo),
                            hi: i64::MAX,
                        },
                        site,
                    );
                    return x;
                }
                _ => {}
            }
        }
        match (op, kx) {
            (BinOp::BitOr, Kind::Dict | Kind::DefaultDict) => {
                let mut fact = Self::sized(Kind::Dict, Interval::point(0));
                fact.closed = true;
                let d = self.fresh_with(state, site, fact);
                self.update_from(state, d, x, site);
                self.update_from(state, d, y, site);
                return d;
            }
            (BinOp::Add, Kind::List | Kind::Str) if kx == ky => {
                let (a, b) = (self.contents(state, x), self.contents(state, y));
                let fact = Self::sized(
                    kx,
                    Interval {
                        lo: a.len.lo.saturating_add(b.len.lo),
                        hi: a.len.hi.saturating_add(b.len.hi),
                    },
                );
                return self.fresh_with(state, site, fact);
            }
            (BinOp::Mod, Kind::Str) => {
                return self.fresh_with(state, site, Fact::of_kind(Kind::Str));
            }
            _ => {}
        }
        let zero = self.terms.int(0);
        match op {
            BinOp::Add if x == zero => return y,
            BinOp::Add | BinOp::Sub if y == zero => return x,
            _ => {}
        }
        let (a, b) = (
            view(state, &self.terms, x).num,
            view(state, &self.terms, y).num,
        );
        let num = match op {
            BinOp::Add => Interval {
                lo: add_low(a.lo, b.lo),
                hi: add_high(a.hi, b.hi),
            },
            BinOp::Sub => Interval {
                lo: if b.hi == i64::MAX {
                    i64::MIN
                } else {
                    add_low(a.lo, -b.hi)
                },
                hi: if b.lo == i64::MIN {
                    i64::MAX
                } else {
                    add_high(a.hi, b.lo.saturating_neg())
                },
            },
            BinOp::Mul if a.lo >= 1 && b.lo >= 1 => Interval::at_least(1),
            BinOp::Mul if a.lo >= 0 && b.lo >= 0 => Interval::at_least(0),
            _ => Interval::ALL,
        };
        let pure = !in_place && self.terms.depth(x) <= 3 && self.terms.depth(y) <= 3;
        if pure {
            let v = self.terms.make(Term::Arith(op, x, y));
            if num != Interval::ALL {
                state.refine(v, |f| match f.num.meet(num) {
                    Some(n) => {
                        f.num = n;
                        true
                    }
                    None => true,
                });
            }
            return v;
        }
        let mut fact = Fact {
            num,
            ..Fact::default()
        };
        fact.propagate();
        self.fresh_with(state, site, fact)
    }

    /// A comparison as a value.
    pub(crate) fn compare(&mut self, state: &State, op: CmpOp, x: Value, y: Value) -> Value {
        let positive = match op {
            CmpOp::NotEq => Some(CmpOp::Eq),
            CmpOp::IsNot => Some(CmpOp::Is),
            CmpOp::NotIn => Some(CmpOp::In),
            _ => None,
        };
        if let Some(p) = positive {
            let v = self.compare(state, p, x, y);
            return self.terms.not(v);
        }
        let v = match op {
            CmpOp::Lt => self.less(state, x, y),
            CmpOp::Gt => self.less(state, y, x),
            CmpOp::LtE => {
                let v = self.less(state, y, x);
                self.terms.not(v)
            }
            CmpOp::GtE => {
                let v = self.less(state, x, y);
                self.terms.not(v)
            }
            CmpOp::In => {
                if let (Some(Literal::Str(a)), Some(Literal::Str(b))) =
                    (self.terms.literal(x), self.terms.literal(y))
                {
                    let found = b.contains(a.as_str());
                    return self.terms.bool(found);
                }
                let b = match self.terms.term(y) {
                    Term::Tuple(_) => y,
                    _ => {
                        let snap = state.snapshot(y);
                        self.terms
                            .make(Term::Pure("at".into(), Rc::from([y, snap])))
                    }
                };
                self.terms.make(Term::Cmp(CmpOp::In, x, b))
            }
            _ => {
                let (x, y) = if op == CmpOp::Eq {
                    (state.snapshot(x), state.snapshot(y))
                } else {
                    (x, y)
                };
                let swap = self.comparable(x).is_some() && self.comparable(y).is_none()
                    || self.comparable(x).is_some() == self.comparable(y).is_some() && y < x;
                let (a, b) = if swap { (y, x) } else { (x, y) };
                self.terms.make(Term::Cmp(op, a, b))
            }
        };
        match self.truth(state, v) {
            Some(t) => self.terms.bool(t),
            None => v,
        }
    }

    /// The length of (a snapshot of) a value.
    pub(crate) fn length(&mut self, state: &State, s: Value) -> Value {
        match self.terms.term(s).clone() {
            Term::Tuple(items) => self
                .terms
                .int(i64::try_from(items.len()).unwrap_or(i64::MAX)),
            Term::Lit(Literal::Str(t)) => self
                .terms
                .int(i64::try_from(t.chars().count()).unwrap_or(i64::MAX)),
            Term::Pure(n, ops) if crate::engine::assume::is_same_length(&n) => {
                self.length(state, ops[0])
            }
            Term::Pure(n, ops) if n == "at" => self.length(state, ops[1]),
            Term::View(_, x) | Term::Enumerate(x, _) => self.length(state, x),
            _ => match state.fact(s) {
                Some(f) if f.len.lo == f.len.hi => {
                    let n = f.len.lo;
                    self.terms.int(n)
                }
                _ => self.terms.make(Term::Len(s)),
            },
        }
    }
}

fn add_low(a: i64, b: i64) -> i64 {
    if a == i64::MIN || b == i64::MIN {
        i64::MIN
    } else {
        a.saturating_add(b)
    }
}

fn add_high(a: i64, b: i64) -> i64 {
    if a == i64::MAX || b == i64::MAX {
        i64::MAX
    } else {
        a.saturating_add(b)
    }
}

/// `str()` of a literal, for the literals whose text is the same in every version of Python.
pub(crate) fn literal_text(l: &Literal) -> Option<String> {
    Some(match l {
        Literal::Str(s) => s.to_string(),
        Literal::Int(i) => i.to_string(),
        Literal::Bool(b) => if *b { "True" } else { "False" }.to_string(),
        Literal::None => "None".to_string(),
        _ => return None,
    })
}
