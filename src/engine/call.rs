//! Calls: what is called, with what, and what comes back.

use std::rc::Rc;

use crate::engine::eval::{Flow, Outcome};
use crate::engine::fact::{Fact, Kind};
use crate::engine::simulate::ExitKind;
use crate::engine::state::{Cell, Slot, State, flag};
use crate::engine::value::{Site, Term, Value};
use crate::engine::{CallEvent, Engine, FnContext};
use crate::ir::{
    Arg, ArgKind, Callee, FunctionShape, Literal, Name, ParamKind, ScopeIdx, StaticExpr,
    StaticExprKind,
};
use crate::program::{ClassRef, Def, FuncRef, Lookup, MemberDef, ModuleId};

/// Evaluated arguments.
#[derive(Clone, Default, Debug)]
pub(crate) struct Args {
    pub(crate) positional: Vec<Value>,
    pub(crate) keywords: Vec<(Name, Value)>,
    /// `*x` arguments: more positional ones may follow.
    pub(crate) stars: Vec<Value>,
    /// `**x` arguments.
    pub(crate) double_stars: Vec<Value>,
}

impl Args {
    pub(crate) fn positional(positional: Vec<Value>) -> Self {
        Args {
            positional,
            ..Args::default()
        }
    }

    pub(crate) fn evaluate(
        engine: &mut Engine<'_>,
        state: &mut State,
        args: &[Arg],
        site: Site,
    ) -> Self {
        let mut out = Args::default();
        for a in args {
            let v = engine.operand(state, &a.value, site);
            match &a.kind {
                ArgKind::Positional if out.stars.is_empty() => out.positional.push(v),
                ArgKind::Positional => out.stars.push(v),
                ArgKind::Keyword(n) => out.keywords.push((n.clone(), v)),
                ArgKind::Star => match engine.known_items(state, v) {
                    Some(items) if out.stars.is_empty() => out.positional.extend(items),
                    _ => out.stars.push(v),
                },
                ArgKind::DoubleStar => {
                    let known: Vec<(Name, Value)> = state
                        .heap
                        .range((v, Slot::Content)..)
                        .take_while(|((o, _), _)| *o == v)
                        .filter_map(|((_, slot), cell)| match (slot, cell) {
                            (Slot::Item(k), Cell::Has(x)) => match engine.terms.literal(*k) {
                                Some(Literal::Str(n)) => Some((n.clone(), *x)),
                                _ => None,
                            },
                            _ => None,
                        })
                        .collect();
                    out.keywords.extend(known);
                    if !state.fact(v).is_some_and(|f| f.closed) {
                        out.double_stars.push(v);
                    }
                }
            }
        }
        out
    }

    pub(crate) fn keyword(&self, name: &str) -> Option<Value> {
        self.keywords
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| *v)
    }

    /// The argument at a position or under a name.
    pub(crate) fn get(&self, position: usize, name: &str) -> Option<Value> {
        self.positional
            .get(position)
            .copied()
            .or_else(|| self.keyword(name))
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = Value> + '_ {
        self.positional
            .iter()
            .copied()
            .chain(self.keywords.iter().map(|(_, v)| *v))
            .chain(self.stars.iter().copied())
            .chain(self.double_stars.iter().copied())
    }

    fn is_plain(&self) -> bool {
        self.stars.is_empty() && self.double_stars.is_empty()
    }

    /// The same arguments with one more in front.
    pub(crate) fn with_first(mut self, v: Value) -> Self {
        self.positional.insert(0, v);
        self
    }
}

impl Engine<'_> {
    /// Executes a call expression.
    pub(crate) fn call(
        &mut self,
        cx: &FnContext,
        mut state: State,
        callee: &Callee,
        args: Args,
        site: Site,
    ) -> Vec<Outcome> {
        match callee {
            Callee::Value(o) => {
                let f = self.operand(&mut state, o, site);
                self.call_value(cx, state, f, args, site)
            }
            Callee::Method { receiver, name, .. } => {
                let recv = self.operand(&mut state, receiver, site);
                self.call_method(cx, state, recv, name, args, site)
            }
        }
    }

    pub(crate) fn call_method(
        &mut self,
        cx: &FnContext,
        state: State,
        recv: Value,
        name: &Name,
        args: Args,
        site: Site,
    ) -> Vec<Outcome> {
        if let Some(Cell::Has(v)) = state.heap.get(&(recv, Slot::Field(name.clone()))) {
            let v = *v;
            return self.call_value(cx, state, v, args, site);
        }
        match self.terms.term(recv).clone() {
            Term::Super(this, after) => {
                let class = state.fact(this).and_then(|f| f.class);
                let (Some(class), Some(after)) = (class, after) else {
                    return self.unresolved(state, name, None, &args, true, site);
                };
                match self.program.lookup(class, name, Some(after)) {
                    Lookup::Found(_, defs) => {
                        self.call_members(cx, state, &defs, this, args, name, site)
                    }
                    Lookup::Unknown => {
                        let given = this == state.watched;
                        self.unresolved(state, name, None, &args, given, site)
                    }
                    Lookup::Missing => {
                        let none = self.terms.none();
                        vec![Outcome::normal(state, none)]
                    }
                }
            }
            Term::Module(_) | Term::External(_) => {
                let f = self.get_field(&state, recv, name);
                self.call_value(cx, state, f, args, site)
            }
            Term::Class(c) => match self.program.lookup(c, name, None) {
                Lookup::Found(_, defs) if defs.len() == 1 => {
                    if let MemberDef::Func(f) = defs[0] {
                        let args = if self.is_class_method(f) {
                            args.with_first(recv)
                        } else {
                            args
                        };
                        return self.invoke_member(cx, state, f, args, site);
                    }
                    let f = self.get_field(&state, recv, name);
                    self.call_value(cx, state, f, args, site)
                }
                _ => {
                    let given = args.positional.first() == Some(&state.watched);
                    self.unresolved(state, name, None, &args, given, site)
                }
            },
            _ => {
                if let Some(class) = state.fact(recv).and_then(|f| f.class) {
                    return match self.program.lookup(class, name, None) {
                        Lookup::Found(_, defs) => {
                            self.call_members(cx, state, &defs, recv, args, name, site)
                        }
                        Lookup::Unknown => {
                            let given =
                                recv == state.watched || self.mentions_watched(&state, &args);
                            self.unresolved(state, name, self.name_of(recv), &args, given, site)
                        }
                        Lookup::Missing => {
                            let given = self.mentions_watched(&state, &args);
                            self.unresolved(state, name, self.name_of(recv), &args, given, site)
                        }
                    };
                }
                self.builtin_method(cx, state, recv, name, args, site)
            }
        }
    }

    /// Calls each of several definitions that stand under one name.
    #[allow(clippy::too_many_arguments)]
    fn call_members(
        &mut self,
        cx: &FnContext,
        state: State,
        defs: &[MemberDef],
        recv: Value,
        args: Args,
        name: &Name,
        site: Site,
    ) -> Vec<Outcome> {
        let mut out = Vec::new();
        for def in defs {
            match def {
                MemberDef::Func(f) => {
                    let args = if self.is_static_method(*f) {
                        args.clone()
                    } else if self.is_class_method(*f) {
                        match state.fact(recv).and_then(|x| x.class) {
                            Some(c) => {
                                let c = self.terms.make(Term::Class(c));
                                args.clone().with_first(c)
                            }
                            None => args.clone().with_first(recv),
                        }
                    } else if self.is_property(*f) {
                        // `self.prop(...)` calls what the property returns.
                        let got = self.invoke(
                            state.clone(),
                            *f,
                            None,
                            Args::positional(vec![recv]),
                            site,
                        );
                        for o in got {
                            match o.flow {
                                Flow::Normal(v) => {
                                    out.extend(self.call_value(cx, o.state, v, args.clone(), site))
                                }
                                Flow::Raise(_) => out.push(o),
                            }
                        }
                        continue;
                    } else {
                        args.clone().with_first(recv)
                    };
                    out.extend(self.invoke_member(cx, state.clone(), *f, args, site));
                }
                MemberDef::Def(def) => {
                    let def = def.clone();
                    let f = self.def_value(&def, cx.func.module, name, 0);
                    out.extend(self.call_value(cx, state.clone(), f, args.clone(), site));
                }
                MemberDef::Unknown => {
                    let given = recv == state.watched;
                    out.extend(self.unresolved(state.clone(), name, None, &args, given, site));
                }
            }
        }
        out
    }

    pub(crate) fn call_value(
        &mut self,
        cx: &FnContext,
        state: State,
        f: Value,
        args: Args,
        site: Site,
    ) -> Vec<Outcome> {
        match self.terms.term(f).clone() {
            Term::Func(func) => self.invoke_member(cx, state, func, args, site),
            Term::Closure(func, cells) => self.invoke(state, func, Some(cells), args, site),
            Term::Bound(func, recv) => {
                self.call_value(cx, state, func, args.with_first(recv), site)
            }
            Term::Class(c) => self.instantiate(cx, state, c, args, site),
            Term::External(path) => self.call_external(cx, state, &path, args, site),
            Term::Super(..) => self.unresolved(state, "super", None, &args, true, site),
            Term::Method(recv, name) => {
                let given =
                    matches!(self.terms.term(recv), Term::Super(..)) || recv == state.watched;
                self.unresolved(state, &name, None, &args, given, site)
            }
            Term::Pure(n, ops) if n == "raw" => match *self.terms.term(ops[0]) {
                Term::Func(func) => self.invoke_raw(state, func, None, args, site),
                Term::Closure(func, cells) => self.invoke_raw(state, func, Some(cells), args, site),
                _ => self.unresolved(state, "call", None, &args, false, site),
            },
            Term::Pure(n, ops) if n == "partial" => {
                let mut all = args;
                for v in ops[1..].iter().rev() {
                    all = all.with_first(*v);
                }
                self.call_value(cx, state, ops[0], all, site)
            }
            Term::Field(object, name) => {
                if self.is_logger(&state, object) && is_log_method(&name) {
                    let none = self.terms.none();
                    return vec![Outcome::normal(state, none)];
                }
                let receiver = self.name_of(object);
                let given = object == state.watched && !self.class_is_known(&state, object)
                    || self.mentions_watched(&state, &args);
                self.unresolved(state, &name, receiver, &args, given, site)
            }
            Term::Item(table, key) => {
                // A dispatch table of functions: a call of any of them.
                let given = self.mentions_watched(&state, &args);
                let _ = key;
                let options = self.table_values(&state, table);
                if options.is_empty() {
                    return self.unresolved(state, "call", None, &args, given, site);
                }
                let mut out = Vec::new();
                for o in options {
                    out.extend(self.call_value(cx, state.clone(), o, args.clone(), site));
                }
                out
            }
            _ => {
                if let Some(class) = state.fact(f).and_then(|x| x.class)
                    && let Lookup::Found(_, defs) = self.program.lookup(class, "__call__", None)
                {
                    return self.call_members(cx, state, &defs, f, args, &"__call__".into(), site);
                }
                let given =
                    self.mentions_watched(&state, &args) || self.derived_from_watched(&state, f);
                let name = self.name_of(f).unwrap_or_else(|| "call".into());
                self.unresolved(state, &name, None, &args, given, site)
            }
        }
    }

    /// The functions in a dict display that is a dispatch table.
    fn table_values(&self, state: &State, table: Value) -> Vec<Value> {
        if !state
            .fact(table)
            .is_some_and(|f| f.closed && (f.kind.is_dict() || f.kind == Kind::List))
        {
            return Vec::new();
        }
        state
            .heap
            .range((table, Slot::Content)..)
            .take_while(|((o, _), _)| *o == table)
            .filter_map(|((_, slot), cell)| match (slot, cell) {
                (Slot::Item(_), Cell::Has(v)) => Some(*v),
                _ => None,
            })
            .collect()
    }

    fn class_is_known(&self, state: &State, object: Value) -> bool {
        state
            .fact(object)
            .and_then(|f| f.class)
            .is_some_and(|c| self.program.fully_resolved(c))
    }

    /// Whether a value was looked up on the watched object by a name that is not known.
    fn derived_from_watched(&self, state: &State, v: Value) -> bool {
        matches!(self.terms.term(v), Term::Pure(n, ops) if n == "getattr" && ops.first() == Some(&state.watched))
    }

    /// Whether an argument is the watched object, its dict, or something that can reach it when
    /// called.
    pub(crate) fn mentions_watched(&mut self, state: &State, args: &Args) -> bool {
        let watched = state.watched;
        let dict = self.watched_object(state);
        let values: Vec<Value> = args.all().collect();
        values
            .iter()
            .any(|v| self.gives(state, *v, watched, dict, 0))
    }

    fn gives(&self, state: &State, v: Value, watched: Value, dict: Value, depth: u32) -> bool {
        if v == watched || v == dict {
            return true;
        }
        if depth > 3 {
            return false;
        }
        match self.terms.term(v) {
            Term::Bound(_, r) | Term::Vars(r) => *r == watched,
            Term::Method(r, _) => *r == watched,
            Term::Closure(_, cells) => state
                .heap
                .range((*cells, Slot::Content)..)
                .take_while(|((o, _), _)| o == cells)
                .any(|(_, c)| matches!(c, Cell::Has(x) if *x == watched || *x == dict)),
            Term::Tuple(items) => items
                .iter()
                .any(|i| self.gives(state, *i, watched, dict, depth + 1)),
            Term::Pure(n, ops) if n == "partial" || n == "raw" => ops
                .iter()
                .any(|i| self.gives(state, *i, watched, dict, depth + 1)),
            Term::Pending(f, ops, _) => {
                self.gives(state, *f, watched, dict, depth + 1)
                    || ops
                        .iter()
                        .any(|i| self.gives(state, *i, watched, dict, depth + 1))
            }
            Term::Symbol(..) => state
                .heap
                .range((v, Slot::Content)..)
                .take_while(|((o, _), _)| *o == v)
                .any(|((_, slot), c)| {
                    matches!(slot, Slot::Item(_) | Slot::Field(_))
                        && matches!(c, Cell::Has(x) if *x == watched || *x == dict)
                }),
            _ => false,
        }
    }

    /// The last name by which a value is known.
    pub(crate) fn name_of(&self, v: Value) -> Option<Name> {
        match self.terms.term(v) {
            Term::Field(_, n) | Term::Global(_, n) | Term::Method(_, n) => Some(n.clone()),
            Term::External(p) => p.rsplit('.').next().map(Name::from),
            Term::Func(f) | Term::Closure(f, _) => Some(
                self.program
                    .module(f.module)
                    .ir
                    .function(f.func)
                    .name
                    .clone(),
            ),
            Term::Bound(f, _) => self.name_of(*f),
            Term::Item(_, k) => match self.terms.literal(*k) {
                Some(Literal::Str(s)) => Some(s.clone()),
                _ => None,
            },
            _ => None,
        }
    }

    fn event(
        &mut self,
        state: &mut State,
        name: &str,
        receiver: Option<&str>,
        args: &Args,
        resolved: bool,
    ) {
        let texts: Vec<Name> = args
            .all()
            .filter_map(|v| match self.terms.literal(v) {
                Some(Literal::Str(s)) => Some(s.clone()),
                _ => None,
            })
            .collect();
        state.flags = self.automaton.on_call(
            state.flags,
            &CallEvent {
                name,
                receiver,
                texts: &texts,
                resolved,
            },
        );
    }

    /// A call of something outside the program: it may raise, else returns something new and
    /// leaves alone what it was not given.
    pub(crate) fn unresolved(
        &mut self,
        mut state: State,
        name: &str,
        receiver: Option<Name>,
        args: &Args,
        given: bool,
        site: Site,
    ) -> Vec<Outcome> {
        self.event(&mut state, name, receiver.as_deref(), args, false);
        if given {
            state.flags |= flag::UNRESOLVED;
        }
        self.may_raise(state, Fact::default(), site)
    }

    /// Either an exception nothing special is known of, or a new value.
    pub(crate) fn may_raise(&mut self, state: State, fact: Fact, site: Site) -> Vec<Outcome> {
        let mut failed = state.clone();
        let class = self.terms.external("Exception");
        let e = self.exception(&mut failed, class, false, Site { part: 1, ..site });
        let mut state = state;
        let v = self.fresh_with(&mut state, site, fact);
        vec![Outcome::normal(state, v), Outcome::raise(failed, e)]
    }

    pub(crate) fn decorated_with(&self, f: FuncRef, test: impl Fn(&str) -> bool) -> bool {
        let m = self.program.module(f.module);
        m.ir.function(f.func).decorators.iter().any(|d| {
            let path = match &d.kind {
                StaticExprKind::Path(p) => p,
                StaticExprKind::Call(callee, _, _) => match &callee.kind {
                    StaticExprKind::Path(p) => p,
                    _ => return false,
                },
                _ => return false,
            };
            path.last().is_some_and(|n| test(n))
        })
    }

    pub(crate) fn is_static_method(&self, f: FuncRef) -> bool {
        self.decorated_with(f, |n| n == "staticmethod")
    }

    pub(crate) fn is_class_method(&self, f: FuncRef) -> bool {
        self.decorated_with(f, |n| n == "classmethod")
    }

    pub(crate) fn is_property(&self, f: FuncRef) -> bool {
        self.decorated_with(f, |n| n == "property" || n == "cached_property")
    }

    /// Calls a function of the program through its decorators.
    pub(crate) fn invoke_member(
        &mut self,
        cx: &FnContext,
        state: State,
        f: FuncRef,
        args: Args,
        site: Site,
    ) -> Vec<Outcome> {
        match self.decorated(cx, state.clone(), f, site) {
            Some((state, value)) => self.call_value(cx, state, value, args, site),
            None => self.invoke(state, f, None, args, site),
        }
    }

    /// What the project's own decorators make of a function; `None` when there are none.
    pub(crate) fn decorated(
        &mut self,
        cx: &FnContext,
        state: State,
        f: FuncRef,
        site: Site,
    ) -> Option<(State, Value)> {
        let m = self.program.module(f.module);
        let function = m.ir.function(f.func);
        let wrappers: Vec<StaticExpr> = function
            .decorators
            .iter()
            .filter(|d| !is_known_decorator(d))
            .cloned()
            .collect();
        if wrappers.is_empty() || self.stack_depth() > crate::engine::budget::CALL_DEPTH {
            return None;
        }
        let scope = function.class.map_or(
            m.ir.scope(function.scope)
                .parent
                .unwrap_or(ScopeIdx::MODULE),
            |c| m.ir.class(c).scope,
        );
        let raw = self.terms.make(Term::Func(f));
        let plain = self.terms.make(Term::Pure("raw".into(), Rc::from([raw])));
        let mut value = plain;
        let mut state = state;
        for (i, d) in wrappers.iter().rev().enumerate() {
            // Each application is a place of its own: what the one before captured is not yet in
            // the state, so its cells would be taken for free.
            let site = Site {
                index: u32::MAX - 10 - u32::try_from(i).unwrap_or(0),
                part: site.part + 40,
                ..site
            };
            let (callee, arguments, keywords) = match &d.kind {
                StaticExprKind::Call(callee, a, k) => (callee.as_ref(), Some(a), k.as_slice()),
                _ => (d, None, [].as_slice()),
            };
            let def = self.program.resolve_expr(f.module, scope, callee);
            let decorator = match (&def, arguments) {
                (Def::Func(g), None) => self.terms.make(Term::Func(*g)),
                (Def::Class(c), None) => self.terms.make(Term::Class(*c)),
                (Def::Func(g), Some(a)) => {
                    let mut given = Args::default();
                    for e in a {
                        let v = self.static_value(f.module, scope, e, 0);
                        given.positional.push(match v {
                            Some(v) => v,
                            None => self.fresh(
                                &mut state,
                                Site {
                                    part: site.part + 1,
                                    ..site
                                },
                            ),
                        });
                    }
                    for (n, e) in keywords {
                        if let Some(v) = self.static_value(f.module, scope, e, 0) {
                            given.keywords.push((n.clone(), v));
                        }
                    }
                    match only_result(self_call(self, state.clone(), *g, given, site)) {
                        Some((s, v)) => {
                            state = s;
                            v
                        }
                        None => continue,
                    }
                }
                // A decorator that is not known is taken to call through.
                _ => continue,
            };
            let applied = self.call_value(
                cx,
                state.clone(),
                decorator,
                Args::positional(vec![value]),
                Site {
                    part: site.part + 2,
                    ..site
                },
            );
            if let Some((s, v)) = only_result(applied) {
                state = s;
                value = v;
            }
        }
        (value != plain).then_some((state, value))
    }

    /// Calls a function of the program, decorators already applied. A coroutine function makes a
    /// pending call and a generator function an iterator; neither runs anything yet.
    pub(crate) fn invoke(
        &mut self,
        state: State,
        f: FuncRef,
        cells: Option<Value>,
        args: Args,
        site: Site,
    ) -> Vec<Outcome> {
        self.invoke_raw(state, f, cells, args, site)
    }

    fn invoke_raw(
        &mut self,
        mut state: State,
        f: FuncRef,
        cells: Option<Value>,
        args: Args,
        site: Site,
    ) -> Vec<Outcome> {
        let m = self.program.module(f.module);
        let function = m.ir.function(f.func);
        let name = function.name.clone();
        self.event(&mut state, &name, None, &args, true);
        let callee = match cells {
            Some(c) => self.terms.make(Term::Closure(f, c)),
            None => self.terms.make(Term::Func(f)),
        };
        if function.is_generator {
            let g = self.make_generator(&mut state, callee, &args, site);
            return vec![Outcome::normal(state, g)];
        }
        if function.is_async {
            if args.is_plain() {
                let mut values = args.positional.clone();
                let names: Vec<Name> = args.keywords.iter().map(|(n, _)| n.clone()).collect();
                values.extend(args.keywords.iter().map(|(_, v)| *v));
                let v = self
                    .terms
                    .make(Term::Pending(callee, values.into(), names.into()));
                return vec![Outcome::normal(state, v)];
            }
            let v = self.fresh_with(&mut state, site, Fact::of_kind(Kind::Object));
            return vec![Outcome::normal(state, v)];
        }
        self.run(state, f, cells, args, site)
    }

    /// Runs the body of a function.
    pub(crate) fn run(
        &mut self,
        state: State,
        f: FuncRef,
        cells: Option<Value>,
        args: Args,
        site: Site,
    ) -> Vec<Outcome> {
        let m = self.program.module(f.module);
        let function = m.ir.function(f.func);
        if function.shape == FunctionShape::NotImplemented {
            let mut state = state;
            let class = self.terms.external("NotImplementedError");
            let e = self.exception(&mut state, class, true, site);
            return vec![Outcome::raise(state, e)];
        }
        let mut state = state;
        let env = self.bind(&mut state, f, cells, &args, site);
        match self.summarise(&state, f, crate::ir::BlockId::ENTRY, &env, None, site) {
            Some(applied) => applied
                .into_iter()
                .filter_map(|a| {
                    let flow = match a.kind {
                        ExitKind::Return => Flow::Normal(a.value),
                        ExitKind::Raise => Flow::Raise(a.value),
                        ExitKind::Yield(_) => return None,
                    };
                    Some(Outcome {
                        state: a.state,
                        flow,
                        via: Some(a.via),
                    })
                })
                .collect(),
            None => {
                let given = self.mentions_watched(&state, &args);
                if given {
                    state.flags |= flag::UNRESOLVED;
                }
                self.may_raise(state, Fact::default(), site)
            }
        }
    }

    /// The environment of a call: parameters bound to arguments and defaults.
    pub(crate) fn bind(
        &mut self,
        state: &mut State,
        f: FuncRef,
        cells: Option<Value>,
        args: &Args,
        site: Site,
    ) -> Vec<Option<Value>> {
        let m = self.program.module(f.module);
        let function = m.ir.function(f.func);
        let mut env = vec![None; function.body.locals.len()];
        let mut positional = args.positional.iter().copied();
        let mut used_keywords: Vec<&Name> = Vec::new();
        let parent =
            m.ir.scope(function.scope)
                .parent
                .unwrap_or(ScopeIdx::MODULE);
        for (i, p) in function.params.iter().enumerate() {
            let part = 200 + u32::try_from(i).unwrap_or(0);
            let here = Site { part, ..site };
            let v = match p.kind {
                ParamKind::Star => {
                    let rest: Vec<Value> = positional.by_ref().collect();
                    if args.stars.is_empty() {
                        self.terms.make(Term::Tuple(rest.into()))
                    } else {
                        self.fresh_with(state, here, Fact::of_kind(Kind::Tuple))
                    }
                }
                ParamKind::DoubleStar => {
                    let mut fact = Self::sized(Kind::Dict, crate::engine::fact::Interval::point(0));
                    fact.closed = args.double_stars.is_empty();
                    let d = self.fresh_with(state, here, fact);
                    for (n, v) in &args.keywords {
                        if !used_keywords.contains(&n) {
                            let k = self.terms.str(n);
                            self.set_item(state, d, k, *v, here);
                        }
                    }
                    d
                }
                _ => {
                    let given = if p.kind == ParamKind::KeywordOnly {
                        None
                    } else {
                        positional.next()
                    };
                    let by_name = args.keywords.iter().find(|(n, _)| *n == p.name);
                    match (given, by_name) {
                        (Some(v), _) => v,
                        (None, Some((n, v))) => {
                            used_keywords.push(n);
                            *v
                        }
                        (None, None) => {
                            let default = match &p.default {
                                Some(e) if args.is_plain() => {
                                    self.static_value(f.module, parent, e, 0)
                                }
                                _ => None,
                            };
                            match default {
                                Some(v) => v,
                                None => self.fresh(state, here),
                            }
                        }
                    }
                }
            };
            env[i] = Some(v);
            if let Some(a) = &p.annotation {
                self.note_annotation(state, f.module, parent, a, v);
            }
        }
        if let Some(l) = function.cells {
            let v = self.fresh_with(
                state,
                Site { part: 198, ..site },
                Fact::of_kind(Kind::Object),
            );
            env[l.index()] = Some(v);
        }
        if let Some(l) = function.outer_cells {
            env[l.index()] = Some(match cells {
                Some(c) => c,
                None => self.fresh_with(
                    state,
                    Site { part: 199, ..site },
                    Fact::of_kind(Kind::Object),
                ),
            });
        }
        env
    }

    /// What an annotation says about a value nothing is known of.
    pub(crate) fn note_annotation(
        &mut self,
        state: &mut State,
        module: ModuleId,
        scope: ScopeIdx,
        a: &StaticExpr,
        v: Value,
    ) {
        match &a.kind {
            StaticExprKind::Path(path) => self.note_type(state, module, scope, path, v),
            StaticExprKind::Subscript(base, _) => {
                self.note_annotation(state, module, scope, base, v)
            }
            _ => {}
        }
    }

    /// What the name of its class says about a value nothing is known of.
    pub(crate) fn note_type(
        &mut self,
        state: &mut State,
        module: ModuleId,
        scope: ScopeIdx,
        path: &[Name],
        v: Value,
    ) {
        if !matches!(
            self.terms.term(v),
            Term::Symbol(..) | Term::Field(..) | Term::Input(_)
        ) {
            return;
        }
        let mut fact = state.fact(v).cloned().unwrap_or_default();
        match self.program.resolve_path(module, scope, path) {
            Def::Class(c) if self.program.is_enum(c) => fact.domain = Some(c),
            Def::External(p) if fact.kind == Kind::Unknown => {
                fact.kind = crate::engine::assume::kind_of_type(&p)
            }
            _ => {}
        }
        // Where the annotation contradicts what is known, the code is right.
        if fact.propagate() && !fact.is_trivial() {
            state.facts.insert(v, fact);
        }
    }

    /// `C(...)`
    fn instantiate(
        &mut self,
        cx: &FnContext,
        mut state: State,
        c: ClassRef,
        args: Args,
        site: Site,
    ) -> Vec<Outcome> {
        let class = self.terms.make(Term::Class(c));
        if self.program.is_exception(c) == Some(true) {
            let mut fact = Fact::of_kind(Kind::Exception);
            fact.is.push(class);
            fact.exact = true;
            fact.class = Some(c);
            let e = self.fresh_with(&mut state, site, fact);
            let plain = ["__init__", "__str__"]
                .iter()
                .all(|n| matches!(self.program.lookup(c, n, None), Lookup::Missing));
            if plain {
                self.note_text(&mut state, e, &args);
            }
            return vec![Outcome::normal(state, e)];
        }
        if self.program.is_enum(c) {
            return self.may_raise(
                state,
                Fact {
                    domain: Some(c),
                    ..Fact::default()
                },
                site,
            );
        }
        let mut fact = Fact {
            class: Some(c),
            none: Some(false),
            ..Fact::default()
        };
        let sized = ["__bool__", "__len__"]
            .iter()
            .any(|n| !matches!(self.program.lookup(c, n, None), Lookup::Missing));
        if !sized {
            fact.kind = Kind::Object;
        }
        fact.propagate();
        let object = self.fresh_with(&mut state, site, fact);
        match self.program.lookup(c, "__init__", None) {
            Lookup::Found(_, defs) => {
                let outcomes = self.call_members(
                    cx,
                    state,
                    &defs,
                    object,
                    args,
                    &"__init__".into(),
                    Site { part: 60, ..site },
                );
                outcomes
                    .into_iter()
                    .map(|mut o| {
                        if let Flow::Normal(_) = o.flow {
                            o.flow = Flow::Normal(object);
                        }
                        o
                    })
                    .collect()
            }
            Lookup::Missing => vec![Outcome::normal(state, object)],
            Lookup::Unknown => {
                let mut failed = state.clone();
                if self.mentions_watched(&state, &args) {
                    state.flags |= flag::UNRESOLVED;
                }
                let class = self.terms.external("Exception");
                let e = self.exception(&mut failed, class, false, Site { part: 1, ..site });
                vec![Outcome::normal(state, object), Outcome::raise(failed, e)]
            }
        }
    }

    /// Whether a value is a logger: made by `getLogger`, or named like one.
    pub(crate) fn is_logger(&self, state: &State, v: Value) -> bool {
        if state.kind(&self.terms, v) == Kind::Logger {
            return true;
        }
        match self.terms.term(v) {
            Term::Field(_, n) | Term::Global(_, n) => is_logger_name(n),
            Term::External(p) => p == "logging" || p.rsplit('.').next().is_some_and(is_logger_name),
            _ => false,
        }
    }
}

/// The first way in which a call returned.
fn only_result(outcomes: Vec<Outcome>) -> Option<(State, Value)> {
    outcomes.into_iter().find_map(|o| match o.flow {
        Flow::Normal(v) => Some((o.state, v)),
        Flow::Raise(_) => None,
    })
}

fn self_call(
    engine: &mut Engine<'_>,
    state: State,
    f: FuncRef,
    args: Args,
    site: Site,
) -> Vec<Outcome> {
    engine.run(
        state,
        f,
        None,
        args,
        Site {
            part: site.part + 3,
            ..site
        },
    )
}

/// Names under which loggers go.
pub(crate) fn is_logger_name(n: &str) -> bool {
    let n = n.trim_start_matches('_').to_ascii_lowercase();
    matches!(n.as_str(), "log" | "logger" | "logging")
        || n.ends_with("_logger")
        || n.ends_with("_log")
}

/// Methods of a logger; none of them raises.
pub(crate) fn is_log_method(n: &str) -> bool {
    matches!(
        n,
        "debug"
            | "info"
            | "warning"
            | "warn"
            | "error"
            | "exception"
            | "critical"
            | "fatal"
            | "log"
            | "bind"
            | "unbind"
            | "getChild"
            | "setLevel"
            | "isEnabledFor"
            | "success"
            | "trace"
            | "msg"
            | "opt"
    )
}

/// Decorators that leave a call as it is, or that the engine models elsewhere.
fn is_known_decorator(d: &StaticExpr) -> bool {
    let path = match &d.kind {
        StaticExprKind::Path(p) => p,
        StaticExprKind::Call(c, _, _) => match &c.kind {
            StaticExprKind::Path(p) => p,
            _ => return false,
        },
        _ => return false,
    };
    path.last().is_some_and(|n| {
        matches!(
            n.as_str(),
            "staticmethod"
                | "classmethod"
                | "property"
                | "cached_property"
                | "setter"
                | "deleter"
                | "abstractmethod"
                | "override"
                | "wraps"
                | "contextmanager"
                | "asynccontextmanager"
                | "overload"
                | "final"
                | "lru_cache"
                | "cache"
        )
    })
}
