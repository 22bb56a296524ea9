//! Evaluation of statements and rvalues over abstract states.

use std::sync::Arc;

use crate::engine::calls::args::Args;
use crate::engine::calls::external::is_standard_module;
use crate::engine::flow::{Evaluated, Flow};
use crate::engine::values::constants::literal_text;
use crate::engine::values::fact::{Fact, Interval, Kind};
use crate::engine::values::state::{Cell, Slot, State};
use crate::engine::values::value::{Site, Term, Value};
use crate::engine::{Engine, FnContext};
use crate::ir::{
    ClassIdx, CmpOp, FuncIdx, ImportPath, Literal, LocalId, Name, Operand, Rvalue, Statement,
    StatementKind,
};
use crate::program::{ClassRef, Def, FuncRef};

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

    /// Whether one of the operands that `visit` goes through is a variable that is not bound.
    pub(crate) fn reads_unbound(
        &self,
        cx: &FnContext,
        state: &State,
        visit: impl FnOnce(&mut dyn FnMut(LocalId)),
    ) -> bool {
        let mut found = false;
        if cx.live.may_miss {
            visit(&mut |l| {
                let v = state.env.get(l.index());
                found |= v.is_some_and(|v| *self.terms.term(v) == Term::Unbound);
            });
        }
        found
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
                        // An accessor or operator raises, but no handler names its exception, so
                        // that path is not followed.
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
                let v = self.terms.make(Term::Unbound);
                state.env.set(l.index(), v);
                vec![state]
            }
            StatementKind::SetField {
                object,
                field,
                value,
            } => {
                let o = self.operand(&mut state, object, site);
                let v = self.operand(&mut state, value, site);
                // A property's setter is assumed to store what its getter returns.
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
                self.tell_item_set(cx, &mut state, o, [k, v], site);
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
                self.note_attribute(&mut state, o, field, false);
                state
                    .heap
                    .insert((o, Slot::Field(field.clone())), Cell::Absent);
                vec![state]
            }
            StatementKind::Skip => {
                if let Some(rounds) = self.watches.rounds {
                    rounds.on_skip(&mut state);
                }
                vec![state]
            }
            StatementKind::SetGlobal { .. } => vec![state],
        }
    }

    /// Evaluates an rvalue: all ways in which the evaluation can end.
    pub(crate) fn eval(
        &mut self,
        cx: &FnContext,
        mut state: State,
        r: &Rvalue,
        site: Site,
    ) -> Vec<Evaluated> {
        match r {
            Rvalue::GetField(o, name) => {
                let object = self.operand(&mut state, o, site);
                self.load_field(state, object, name, site)
            }
            Rvalue::GetItem(o, k) => {
                let object = self.operand(&mut state, o, site);
                let key = self.operand(&mut state, k, site);
                self.get_item(state, object, key, site)
            }
            Rvalue::Call { callee, args } => {
                let args = Args::evaluate(self, &mut state, args, site);
                self.call(cx, state, callee, args, site)
            }
            Rvalue::Enter { manager, is_async } => {
                let m = self.operand(&mut state, manager, site);
                self.enter(cx, state, m, *is_async, site)
            }
            Rvalue::Exit {
                manager,
                exc,
                is_async,
            } => {
                let m = self.operand(&mut state, manager, site);
                let e = self.operand(&mut state, exc, site);
                self.exit(cx, state, m, e, *is_async, site)
            }
            Rvalue::Await(o) => {
                let x = self.operand(&mut state, o, site);
                self.run_awaitable(state, x, site)
            }
            Rvalue::Iter { object, .. } => {
                let o = self.operand(&mut state, object, site);
                match self.make_iterator(&mut state, o, site) {
                    Some(iterator) => vec![Evaluated::normal(state, iterator)],
                    // The exception is not followed.
                    None => Vec::new(),
                }
            }
            Rvalue::Import(path) => self.eval_import(cx, state, path, site),
            _ => {
                let v = self.value_of(cx, &mut state, r, site);
                vec![Evaluated::normal(state, v)]
            }
        }
    }

    /// The value of an rvalue that has exactly one value in every state and cannot raise.
    fn value_of(&mut self, cx: &FnContext, state: &mut State, r: &Rvalue, site: Site) -> Value {
        match r {
            Rvalue::Use(o) => self.operand(state, o, site),
            Rvalue::Global(name) => {
                let def = self.program.resolve_global(cx.func.module, name);
                self.def_value(&def, cx.func.module, name, 0)
            }
            Rvalue::Path(path) => self.path_value(cx, path),
            Rvalue::Data(data) => self.data(cx, state, data, site),
            Rvalue::Slice { object, bounds } => self.slice(state, object, bounds, site),
            Rvalue::Unpack {
                object,
                index,
                rest_before_end,
            } => {
                let o = self.operand(state, object, site);
                self.unpack(state, o, *index, *rest_before_end, site)
            }
            Rvalue::Not(o) => self.not(state, o, site),
            Rvalue::Neg(o) => self.neg(state, o, site),
            Rvalue::Binary(op, a, b) | Rvalue::InPlace(op, a, b) => {
                let x = self.operand(state, a, site);
                let y = self.operand(state, b, site);
                let in_place = matches!(r, Rvalue::InPlace(..));
                self.binary(state, *op, x, y, in_place, site)
            }
            Rvalue::Compare(op, a, b) => {
                let x = self.operand(state, a, site);
                let y = self.operand(state, b, site);
                self.compare(state, *op, x, y)
            }
            Rvalue::List(items) => self.display(state, Kind::List, items, site),
            Rvalue::Set(items) => self.display(state, Kind::Set, items, site),
            Rvalue::Tuple(items) if items.iter().any(|i| i.starred) => {
                self.display(state, Kind::Tuple, items, site)
            }
            Rvalue::Tuple(items) => {
                let items = items.iter().map(|i| self.operand(state, &i.value, site));
                let items: Vec<Value> = items.collect();
                self.terms.make(Term::Tuple(items.into()))
            }
            Rvalue::Dict(items) => self.dict(state, items, site),
            Rvalue::Format(parts) => self.format(state, parts, site),
            Rvalue::Closure(f) => self.closure(cx, state, *f, site),
            Rvalue::MakeClass(c) => self.terms.make(Term::Class(ClassRef {
                module: cx.func.module,
                class: *c,
            })),
            Rvalue::Super {
                start,
                lexical,
                receiver,
            } => {
                let receiver = self.operand(state, receiver, site);
                let after = self.start_of_super(cx, state, start.as_ref(), *lexical, site);
                self.terms.make(Term::Super(receiver, after))
            }
            Rvalue::Caught { exc, types, .. } => self.is_caught(state, exc, types, site),
            Rvalue::MatchSequence {
                object,
                len,
                or_more,
            } => self.matches_sequence(state, object, (*len, *or_more), site),
            Rvalue::MatchMapping(o) => self.matches_mapping(state, o, site),
            Rvalue::MatchClass(o, c) => {
                let o = self.operand(state, o, site);
                let c = self.operand(state, c, site);
                self.terms.make(Term::Instance(o, c))
            }
            // `eval` handles these itself, so they do not get here.
            Rvalue::GetField(..)
            | Rvalue::GetItem(..)
            | Rvalue::Call { .. }
            | Rvalue::Enter { .. }
            | Rvalue::Exit { .. }
            | Rvalue::Await(_)
            | Rvalue::Iter { .. }
            | Rvalue::Import(_)
            | Rvalue::Opaque(_) => self.fresh(state, site),
        }
    }

    /// `object[a:b:c]`
    fn slice(
        &mut self,
        state: &mut State,
        object: &Operand,
        bounds: &[Operand; 3],
        site: Site,
    ) -> Value {
        let o = self.operand(state, object, site);
        if bounds.iter().all(|b| *b == Operand::NONE) {
            let s = state.snapshot(o);
            return self.terms.make(Term::Pure("copy".into(), Arc::from([s])));
        }
        let kind = match state.kind(&self.terms, o) {
            k @ (Kind::Str | Kind::List | Kind::Tuple) => k,
            _ => Kind::Unknown,
        };
        let bounds = [0, 1, 2].map(|i| self.operand(state, &bounds[i], site));
        let shared = self.share_of_slice(bounds);
        let mut fact = Fact::of_kind(kind);
        if self.is_chunk(state, o, bounds) {
            // The slice has a length whatever its kind is, because the program took the length of
            // the sliced object.
            fact.truth = Some(true);
            fact.len = Interval::at_least(1);
            fact.propagate();
        }
        let slice = self.fresh_with(state, site, fact);
        if let Some(share) = shared {
            self.share(state, slice, o, share);
        }
        slice
    }

    /// `not x`
    fn not(&mut self, state: &mut State, x: &Operand, site: Site) -> Value {
        let x = self.operand(state, x, site);
        let x = state.snapshot(x);
        match self.truth(state, x) {
            Some(t) => self.terms.bool(!t),
            None => self.terms.not(x),
        }
    }

    /// `-x`
    fn neg(&mut self, state: &mut State, x: &Operand, site: Site) -> Value {
        let x = self.operand(state, x, site);
        match self.terms.literal(x) {
            Some(Literal::Int(i)) => {
                let n = i.checked_neg().unwrap_or(*i);
                self.terms.int(n)
            }
            _ => self.terms.make(Term::Pure("neg".into(), Arc::from([x]))),
        }
    }

    /// The class after which a `super()` starts its search, if it is known.
    fn start_of_super(
        &mut self,
        cx: &FnContext,
        state: &mut State,
        start: Option<&Operand>,
        lexical: Option<ClassIdx>,
        site: Site,
    ) -> Option<ClassRef> {
        let Some(start) = start else {
            let module = cx.func.module;
            return lexical.map(|class| ClassRef { module, class });
        };
        let start = self.operand(state, start, site);
        match self.terms.term(start) {
            Term::Class(class) => Some(*class),
            _ => None,
        }
    }

    /// A formatted text, or the literal text if all parts are known.
    fn format(&mut self, state: &mut State, parts: &[Operand], site: Site) -> Value {
        let parts = parts.iter().map(|p| self.operand(state, p, site));
        let parts: Vec<Value> = parts.collect();
        if let Some(v) = self.format_of_class_texts(state, &parts) {
            return v;
        }
        let texts = parts.iter();
        let text: Option<String> = texts
            .map(|v| self.comparable(*v).and_then(|l| literal_text(&l)))
            .collect();
        if let Some(text) = text {
            return self.terms.str(&text);
        }
        let is_solid =
            |v: &Value| matches!(self.terms.literal(*v), Some(Literal::Str(s)) if !s.is_empty());
        let least = i64::from(parts.iter().any(is_solid));
        let fact = Self::sized(Kind::Str, Interval::at_least(least));
        self.fresh_with(state, site, fact)
    }

    /// A nested function or a lambda, with the variables that it shares with the enclosing
    /// function.
    fn closure(&mut self, cx: &FnContext, state: &mut State, f: FuncIdx, site: Site) -> Value {
        let func = FuncRef {
            module: cx.func.module,
            func: f,
        };
        let needs_cells = cx.module.ir.function(f).outer_cells.is_some();
        let own = cx.function().cells().or(cx.function().outer_cells);
        match own.filter(|_| needs_cells) {
            Some(l) => {
                let cells = self.operand(state, &Operand::Local(l), site);
                self.terms.make(Term::Closure(func, cells))
            }
            None => self.terms.make(Term::Func(func)),
        }
    }

    /// Whether a handler of these types catches an exception. Without types, it catches all.
    fn is_caught(
        &mut self,
        state: &mut State,
        exc: &Operand,
        types: &[Operand],
        site: Site,
    ) -> Value {
        let e = self.operand(state, exc, site);
        if types.is_empty() {
            return self.terms.bool(true);
        }
        let mut classes = Vec::new();
        for t in types {
            let t = self.operand(state, t, site);
            self.flatten(t, &mut classes, 0);
        }
        let class = self.terms.make(Term::Tuple(classes.into()));
        self.terms.make(Term::Instance(e, class))
    }

    /// Whether the subject of a `match` is a sequence of `len` elements, or of more.
    fn matches_sequence(
        &mut self,
        state: &mut State,
        subject: &Operand,
        (len, or_more): (u32, bool),
        site: Site,
    ) -> Value {
        let subject = self.operand(state, subject, site);
        let contents = state.snapshot(subject);
        let len = self.terms.int(i64::from(len));
        match state.kind(&self.terms, subject) {
            Kind::List | Kind::Tuple => {
                let actual = self.length(state, contents);
                if or_more {
                    let less = self.less(state, actual, len);
                    self.terms.not(less)
                } else {
                    self.compare(state, CmpOp::Eq, actual, len)
                }
            }
            Kind::Unknown => {
                let name = format!("sequence{or_more}").into();
                self.terms
                    .make(Term::Pure(name, Arc::from([contents, len])))
            }
            _ => self.terms.bool(false),
        }
    }

    /// Whether the subject of a `match` is a mapping.
    fn matches_mapping(&mut self, state: &mut State, subject: &Operand, site: Site) -> Value {
        let subject = self.operand(state, subject, site);
        match state.kind(&self.terms, subject) {
            Kind::Dict | Kind::DefaultDict => self.terms.bool(true),
            Kind::Unknown => {
                let is_mapping = Term::Pure("mapping".into(), Arc::from([subject]));
                self.terms.make(is_mapping)
            }
            _ => self.terms.bool(false),
        }
    }

    /// An import in a function body, which may fail unless the module is known.
    fn eval_import(
        &mut self,
        cx: &FnContext,
        state: State,
        path: &ImportPath,
        site: Site,
    ) -> Vec<Evaluated> {
        let def = self.program.resolve_import(cx.func.module, path);
        let known = matches!(
            def,
            Def::Func(_) | Def::Class(_) | Def::Module(_) | Def::Value(..)
        );
        let name: Name = path.module.join(".").into();
        let v = self.def_value(&def, cx.func.module, &name, 0);
        let mut out = Vec::new();
        if !known && !is_standard_module(&name) {
            let mut failed = state.clone();
            let class = self.terms.external("ImportError");
            let e = self.exception(&mut failed, class, false, Site { part: 1, ..site });
            out.push(Evaluated::raise(failed, e));
        }
        out.push(Evaluated::normal(state, v));
        out
    }

    /// The classes in nested tuples of classes.
    fn flatten(&self, t: Value, out: &mut Vec<Value>, depth: u32) {
        match self.terms.term(t) {
            Term::Tuple(items) if depth < 8 => {
                items.iter().for_each(|i| self.flatten(*i, out, depth + 1))
            }
            _ => out.push(t),
        }
    }

    /// An exception object. `exact` tells whether it is an instance of just that class, or possibly
    /// of a subclass.
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

    /// The outcome in which an operation on a builtin fails with an exception of exactly this
    /// class.
    pub(crate) fn raise_exact(&mut self, state: State, class: &str, site: Site) -> Evaluated {
        self.raise_exact_at(state, class, Site { part: 1, ..site })
    }

    /// The same, with the site that makes the exception.
    pub(crate) fn raise_exact_at(
        &mut self,
        mut state: State,
        class: &str,
        site: Site,
    ) -> Evaluated {
        let class = self.terms.external(class);
        let e = self.exception(&mut state, class, true, site);
        Evaluated::raise(state, e)
    }
}
