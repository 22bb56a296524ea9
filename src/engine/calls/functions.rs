//! Functions and classes of the program: decorators, parameters, bodies, instances.

use crate::engine::calls::args::Args;
use crate::engine::flow::{Evaluated, ExitKind, Flow};
use crate::engine::objects::data::POSITIVE_OPTION;
use crate::engine::values::env::Env;
use crate::engine::values::fact::{Fact, Kind};
use crate::engine::values::state::State;
use crate::engine::values::value::{Site, Term, Value};
use crate::engine::{Engine, FnContext};
use crate::ir::{
    FunctionShape, Literal, Name, Nature, ParamKind, ScopeIdx, StaticExpr, StaticExprKind,
};
use crate::program::{ClassRef, Def, FuncRef, Lookup, ModuleId};
use std::rc::Rc;

impl Engine<'_> {
    /// The environment of a call whose arguments are all given by name.
    pub(crate) fn bind_names(
        &mut self,
        state: &mut State,
        f: FuncRef,
        given: Vec<(Name, Value)>,
        site: Site,
    ) -> Env {
        let args = Args {
            keywords: given,
            ..Args::default()
        };
        self.bind(state, f, None, &args, site)
    }

    /// The environment of a function that an unknown caller calls, with the receiver if it is a method:
    /// a parameter with a default may hold anything, and so may `*args` behind the receiver and
    /// `**kwargs`.
    pub(crate) fn bind_unknown(
        &mut self,
        state: &mut State,
        f: FuncRef,
        (receiver, cells): (Option<Value>, Option<Value>),
        site: Site,
    ) -> Env {
        let args = Args::positional(receiver.into_iter().collect());
        let mut env = self.bind(state, f, cells, &args, site);
        let m = self.program.module(f.module);
        let function = m.ir.function(f.func);
        let scope = m.ir.scope(function.scope);
        let parent = scope.parent.unwrap_or(ScopeIdx::MODULE);
        for (i, param) in function
            .params
            .iter()
            .enumerate()
            .skip(args.positional.len())
        {
            let part = 400 + u32::try_from(i).unwrap_or(0);
            let rest = match param.kind {
                ParamKind::Star => Some(Kind::Tuple),
                ParamKind::DoubleStar => Some(Kind::Dict),
                _ => None,
            };
            if let Some(kind) = rest {
                let v = self.fresh_with(state, Site { part, ..site }, Fact::of_kind(kind));
                env.set(i, v);
                continue;
            }
            let Some(default) = &param.default else {
                continue;
            };
            let v = self.fresh(state, Site { part, ..site });
            env.set(i, v);
            // `rows: list = None` means that it may be None, whatever its type is.
            let none = matches!(default.kind, StaticExprKind::Literal(Literal::None));
            if let Some(annotation) = param.annotation.as_ref().filter(|_| !none) {
                self.note_annotation(state, f.module, parent, annotation, v);
            }
        }
        env
    }

    /// Calls a function of the program through its decorators.
    pub(crate) fn invoke_member(
        &mut self,
        cx: &FnContext,
        state: State,
        f: FuncRef,
        args: Args,
        site: Site,
    ) -> Vec<Evaluated> {
        match self.decorated(cx, state.clone(), f, site) {
            Some((state, value)) => self.call_value(cx, state, value, args, site),
            None => self.invoke(state, f, None, args, site),
        }
    }

    /// Calls a function of the program after its decorators. A coroutine function returns a pending
    /// call and a generator function an iterator, without running anything yet.
    pub(crate) fn invoke(
        &mut self,
        state: State,
        f: FuncRef,
        cells: Option<Value>,
        args: Args,
        site: Site,
    ) -> Vec<Evaluated> {
        self.invoke_raw(state, f, cells, args, site)
    }

    pub(in crate::engine) fn invoke_raw(
        &mut self,
        mut state: State,
        f: FuncRef,
        cells: Option<Value>,
        args: Args,
        site: Site,
    ) -> Vec<Evaluated> {
        let m = self.program.module(f.module);
        let function = m.ir.function(f.func);
        let name = function.name.clone();
        self.event(&mut state, &name, None, &args, true, (site, None));
        let callee = match cells {
            Some(c) => self.terms.make(Term::Closure(f, c)),
            None => self.terms.make(Term::Func(f)),
        };
        if function.is_generator {
            let g = self.make_generator(&mut state, callee, &args, site);
            return vec![Evaluated::normal(state, g)];
        }
        if function.is_async {
            if args.is_plain() {
                let mut values = args.positional.clone();
                let names: Vec<Name> = args.keywords.iter().map(|(n, _)| n.clone()).collect();
                values.extend(args.keywords.iter().map(|(_, v)| *v));
                let v = self
                    .terms
                    .make(Term::Pending(callee, values.into(), names.into()));
                return vec![Evaluated::normal(state, v)];
            }
            let v = self.fresh_with(&mut state, site, Fact::of_kind(Kind::Object));
            return vec![Evaluated::normal(state, v)];
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
    ) -> Vec<Evaluated> {
        let m = self.program.module(f.module);
        let function = m.ir.function(f.func);
        if function.shape == FunctionShape::NotImplemented {
            let mut state = state;
            let class = self.terms.external("NotImplementedError");
            let e = self.exception(&mut state, class, true, site);
            return vec![Evaluated::raise(state, e)];
        }
        let mut state = state;
        let env = self.bind(&mut state, f, cells, &args, site);
        match self.summarise(&state, f, crate::ir::BlockId::ENTRY, &env, None, site) {
            Some(applied) => {
                let outcomes = applied.into_iter().filter_map(|a| {
                    let flow = match a.kind {
                        ExitKind::Return => Flow::Normal(a.value),
                        ExitKind::Raise => Flow::Raise(a.value),
                        ExitKind::Yield(_) => return None,
                    };
                    Some(Evaluated {
                        state: a.state,
                        flow,
                        via: a.via,
                    })
                });
                let mut outcomes: Vec<Evaluated> = outcomes.collect();
                self.tell_followed(&mut outcomes, f, &args, site);
                outcomes
            }
            None => {
                let given = self.mentions_watched(&state, &args);
                if given {
                    state.flags.doubt_call();
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
    ) -> Env {
        let m = self.program.module(f.module);
        let function = m.ir.function(f.func);
        let mut env = Env::default();
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
                    let mut fact =
                        Self::sized(Kind::Dict, crate::engine::values::fact::Interval::point(0));
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
                    let given = match p.kind {
                        ParamKind::KeywordOnly => None,
                        _ => positional.next(),
                    };
                    let by_name = args.keywords.iter().find(|(n, _)| *n == p.name);
                    match (given, by_name) {
                        (Some(v), _) => v,
                        (None, Some((n, v))) => {
                            used_keywords.push(n);
                            *v
                        }
                        (None, None) => {
                            let default = p.default.as_ref().filter(|_| args.is_plain());
                            let default =
                                default.and_then(|e| self.static_value(f.module, parent, e, 0));
                            default.unwrap_or_else(|| self.fresh(state, here))
                        }
                    }
                }
            };
            env.set(i, v);
            if let Some(a) = &p.annotation {
                self.note_annotation(state, f.module, parent, a, v);
            }
        }
        let cell = |engine: &mut Self, state: &mut State, part: u32| {
            let fact = Fact::of_kind(Kind::Object);
            engine.fresh_with(state, Site { part, ..site }, fact)
        };
        if let Some(l) = function.cells() {
            let v = cell(self, state, 198);
            env.set(l.index(), v);
        }
        if let Some(l) = function.outer_cells {
            let v = cells.unwrap_or_else(|| cell(self, state, 199));
            env.set(l.index(), v);
        }
        for l in self.library.unbound(f).iter() {
            let v = self.terms.make(Term::Unbound);
            env.set(*l, v);
        }
        env
    }

    /// Notes what an annotation says about an unknown value.
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
            // A handle: the type of its target counts.
            StaticExprKind::Call(_, inner, _) => {
                if let [inner] = inner.as_slice() {
                    self.note_annotation(state, module, scope, inner, v);
                }
            }
            _ => {}
        }
    }

    /// Notes what the name of its class says about an unknown value.
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
            Term::Symbol(..) | Term::Field(..) | Term::Input(_) | Term::Pure(..)
        ) {
            return;
        }
        let mut fact = state.fact(v).cloned().unwrap_or_default();
        match self.program.resolve_path(module, scope, path) {
            Def::Class(c) if self.program.is_enum(c) => fact.domain = Some(c),
            Def::Class(c)
                if fact.class.is_none()
                    && matches!(self.nature(c), Nature::Record { .. })
                    && fact.kind == Kind::Unknown =>
            {
                fact.class = Some(c);
                fact.kind = Kind::Object;
            }
            Def::External(p) if fact.kind == Kind::Unknown => {
                fact.kind = crate::engine::objects::instances::kind_of_type(&p);
                if p == "builtins.nat" {
                    fact.num.lo = fact.num.lo.max(0);
                }
                if p == POSITIVE_OPTION {
                    let ty = self.terms.external(POSITIVE_OPTION);
                    if !fact.is.contains(&ty) {
                        fact.is.push(ty);
                        fact.is.sort_unstable();
                    }
                }
            }
            Def::Value(m, s, alias) => return self.note_annotation(state, m, s, &alias, v),
            _ => {}
        }
        // If the annotation contradicts what the code established, the code is right.
        if fact.propagate() && !fact.is_trivial() {
            state.facts.insert(v, Rc::new(fact));
        }
    }

    /// `C(...)`
    pub(in crate::engine) fn instantiate(
        &mut self,
        cx: &FnContext,
        mut state: State,
        c: ClassRef,
        args: Args,
        site: Site,
    ) -> Vec<Evaluated> {
        let class = self.terms.make(Term::Class(c));
        if self.is_exception_class(c) == Some(true) {
            let mut fact = Fact::of_kind(Kind::Exception);
            fact.is.push(class);
            fact.exact = true;
            fact.class = Some(c);
            let e = self.fresh_with(&mut state, site, fact);
            let plain = ["__init__", "__str__"]
                .iter()
                .all(|n| matches!(self.member(c, n, None), Lookup::Missing));
            if plain {
                self.note_text(&mut state, e, &args);
            }
            return vec![Evaluated::normal(state, e)];
        }
        if self.is_enumeration(c) {
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
            .any(|n| !matches!(self.member(c, n, None), Lookup::Missing));
        if !sized {
            fact.kind = Kind::Object;
        }
        fact.propagate();
        let object = self.fresh_with(&mut state, site, fact);
        match self.member(c, "__init__", None) {
            Lookup::Found(_, defs) => {
                let outcomes = self.call_members(
                    cx,
                    state,
                    &defs,
                    (object, &"__init__".into()),
                    args,
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
            Lookup::Missing => {
                self.fill_fields(&mut state, c, object, &args, site);
                vec![Evaluated::normal(state, object)]
            }
            Lookup::Unknown => {
                let mut failed = state.clone();
                if self.mentions_watched(&state, &args) {
                    state.flags.doubt_call();
                }
                let class = self.terms.external("Exception");
                let e = self.exception(&mut failed, class, false, Site { part: 1, ..site });
                vec![
                    Evaluated::normal(state, object),
                    Evaluated::raise(failed, e),
                ]
            }
        }
    }
}
