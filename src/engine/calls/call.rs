//! Calls: what is called, with which arguments, and what they return.

use std::sync::Arc;

use crate::engine::calls::args::Args;
use crate::engine::flow::{Evaluated, Flow};
use crate::engine::objects::class_texts::FORMAT;
use crate::engine::objects::methods::MethodCall;
use crate::engine::summaries::library::Deed;
use crate::engine::values::fact::{Fact, Kind};
use crate::engine::values::state::{Cell, Slot, State};
use crate::engine::values::value::{Site, Term, Value};
use crate::engine::{CallEvent, CallOutcome, CompletedCall, Engine, FnContext};
use crate::ir::{Callee, Literal, Name};
use crate::program::{ClassRef, Lookup, MemberDef};

/// The name of the pure function that stands for a wrapper of a function of the program.
const THROUGH: &str = "through";

impl Engine<'_> {
    /// Executes a call expression.
    pub(crate) fn call(
        &mut self,
        cx: &FnContext,
        mut state: State,
        callee: &Callee,
        args: Args,
        site: Site,
    ) -> Vec<Evaluated> {
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
    ) -> Vec<Evaluated> {
        let apart = state
            .fact(recv)
            .and_then(|f| f.class)
            .is_some_and(|c| self.is_record(c));
        if !apart && let Some(Cell::Has(v)) = state.heap.get(&(recv, Slot::Field(name.clone()))) {
            let v = *v;
            return self.call_value(cx, state, v, args, site);
        }
        match self.terms.term(recv).clone() {
            Term::Super(this, after) => {
                let class = state.fact(this).and_then(|f| f.class);
                let (Some(class), Some(after)) = (class, after) else {
                    return self.unresolved(state, name, None, &args, true, site);
                };
                match self.member(class, name, Some(after)) {
                    Lookup::Found(_, defs) => {
                        self.call_members(cx, state, &defs, (this, name), args, site)
                    }
                    Lookup::Unknown => {
                        let given = this == state.watched;
                        self.unresolved(state, name, None, &args, given, site)
                    }
                    Lookup::Missing => {
                        let none = self.terms.none();
                        vec![Evaluated::normal(state, none)]
                    }
                }
            }
            Term::Module(_) | Term::External(_) => {
                let f = self.get_field(&state, recv, name);
                self.call_value(cx, state, f, args, site)
            }
            Term::Class(c) => match self.member(c, name, None) {
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
                    return self.call_own(cx, state, class, (recv, name), args, site);
                }
                let args = &args;
                self.builtin_method(
                    cx,
                    MethodCall {
                        state,
                        recv,
                        name,
                        args,
                        site,
                    },
                )
            }
        }
    }

    /// Calls a method of an object whose class is part of the program.
    fn call_own(
        &mut self,
        cx: &FnContext,
        state: State,
        class: ClassRef,
        (recv, name): (Value, &Name),
        args: Args,
        site: Site,
    ) -> Vec<Evaluated> {
        let given = match self.member(class, name, None) {
            Lookup::Found(_, defs) => {
                return self.call_members(cx, state, &defs, (recv, name), args, site);
            }
            Lookup::Unknown => recv == state.watched || self.mentions_watched(&state, &args),
            Lookup::Missing => {
                // No class defines the method. It is an attribute that holds a callable, or
                // something set from outside, which may be a method.
                let attribute = self.family_stores(class, name);
                self.mentions_watched(&state, &args) || recv == state.watched && !attribute
            }
        };
        self.unresolved(state, name, Some(recv), &args, given, site)
    }

    /// Calls what a class defines under the name of a method.
    pub(in crate::engine) fn call_members(
        &mut self,
        cx: &FnContext,
        state: State,
        defs: &[MemberDef],
        (recv, name): (Value, &Name),
        args: Args,
        site: Site,
    ) -> Vec<Evaluated> {
        let mut out = Vec::new();
        for def in defs {
            match def {
                MemberDef::Func(f) => {
                    let args = if self.is_static_method(*f) {
                        args.clone()
                    } else if self.is_class_method(*f) {
                        match state.fact(recv).and_then(|x| x.class) {
                            Some(c) => {
                                let c = self.class_itself(c);
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
    ) -> Vec<Evaluated> {
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
            Term::Pure(n, ops) if n == THROUGH => self.call_value(cx, state, ops[1], args, site),
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
                    return vec![Evaluated::normal(state, none)];
                }
                if state.kind(&self.terms, object).is_container() {
                    return self.builtin_method(
                        cx,
                        MethodCall {
                            state,
                            recv: object,
                            name: &name,
                            args: &args,
                            site,
                        },
                    );
                }
                let given = object == state.watched && !self.holds_attribute(&state, object, &name)
                    || self.mentions_watched(&state, &args);
                self.unresolved(state, &name, Some(object), &args, given, site)
            }
            Term::Item(table, _) => {
                // A dispatch table of functions may call any of them.
                let given = self.mentions_watched(&state, &args);
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
                    && let Lookup::Found(_, defs) = self.member(class, "__call__", None)
                {
                    return self.call_members(
                        cx,
                        state,
                        &defs,
                        (f, &"__call__".into()),
                        args,
                        site,
                    );
                }
                let given =
                    self.mentions_watched(&state, &args) || self.derived_from_watched(&state, f);
                let name = self.name_of(f).unwrap_or_else(|| "call".into());
                self.unresolved(state, &name, None, &args, given, site)
            }
        }
    }

    /// The functions in a dispatch table that is a dict display.
    fn table_values(&self, state: &State, table: Value) -> Vec<Value> {
        // The item was read from a snapshot of the dict: find the dict itself.
        let holds = |cell: &Cell| *cell == Cell::Has(table);
        let contents = state.heap.iter().find_map(|((object, slot), cell)| {
            (*slot == Slot::Content && holds(cell)).then_some(*object)
        });
        let table = contents.unwrap_or(table);
        if !state
            .fact(table)
            .is_some_and(|f| f.closed && (f.kind.is_dict() || f.kind == Kind::List))
        {
            return Vec::new();
        }
        state
            .slots(table)
            .filter_map(|(slot, cell)| match (slot, cell) {
                // Another unknown item would lead back to the same table.
                (Slot::Item(_), Cell::Has(v)) if !matches!(self.terms.term(*v), Term::Item(..)) => {
                    Some(*v)
                }
                _ => None,
            })
            .collect()
    }

    fn holds_attribute(&self, state: &State, object: Value, name: &Name) -> bool {
        let class = state.fact(object).and_then(|f| f.class);
        class.is_some_and(|c| self.is_resolved(c) && self.family_stores(c, name))
    }

    /// Whether a value was looked up on the watched object by an unknown name.
    fn derived_from_watched(&self, state: &State, v: Value) -> bool {
        matches!(self.terms.term(v), Term::Pure(n, ops) if n == "getattr" && ops.first() == Some(&state.watched))
    }

    /// Whether an argument is the watched object, its dict, or something that can reach it if it is
    /// called.
    pub(crate) fn mentions_watched(&mut self, state: &State, args: &Args) -> bool {
        let mut watched = self.holders(state);
        watched.push(state.watched);
        watched.extend(self.other_roots(state));
        let mut values = args.all();
        values.any(|v| self.gives(state, v, &watched, 0))
    }

    fn gives(&self, state: &State, v: Value, watched: &[Value], depth: u32) -> bool {
        if watched.contains(&v) {
            return true;
        }
        if depth > 3 {
            return false;
        }
        match self.terms.term(v) {
            Term::Bound(_, r) | Term::Vars(r) | Term::Method(r, _) => watched.contains(r),
            Term::Closure(_, cells) => state
                .slots(*cells)
                .any(|(_, c)| matches!(c, Cell::Has(x) if watched.contains(x))),
            Term::Tuple(items) => items
                .iter()
                .any(|i| self.gives(state, *i, watched, depth + 1)),
            Term::Pure(n, ops) if n == "partial" || n == "raw" || n == THROUGH => ops
                .iter()
                .any(|i| self.gives(state, *i, watched, depth + 1)),
            Term::Pending(f, ops, _) => {
                self.gives(state, *f, watched, depth + 1)
                    || ops
                        .iter()
                        .any(|i| self.gives(state, *i, watched, depth + 1))
            }
            Term::Symbol(..) => state.slots(v).any(|(slot, c)| {
                !matches!(slot, Slot::Content) && matches!(c, Cell::Has(x) if watched.contains(x))
            }),
            _ => false,
        }
    }

    /// The last part of the name by which a value is known.
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
            Term::Class(c) => Some(self.program.module(c.module).ir.class(c.class).name.clone()),
            Term::Item(_, k) => match self.terms.literal(*k) {
                Some(Literal::Str(s)) => Some(s.clone()),
                _ => None,
            },
            _ => None,
        }
    }

    pub(in crate::engine) fn event(
        &mut self,
        state: &mut State,
        name: &str,
        receiver: Option<&str>,
        args: &Args,
        resolved: bool,
        (site, on): (Site, Option<Value>),
    ) {
        self.note_deed(|engine| Deed {
            name: name.into(),
            receiver: receiver.map(Name::from),
            texts: args
                .all()
                .filter_map(|v| engine.known_text(state, v))
                .collect(),
            open: args.all().any(|v| engine.may_be_text(state, v, 0)),
            on_input: on.is_some_and(|on| engine.is_from_caller(on)),
            resolved,
            asked: false,
            within: site.func,
        });
        let plain = self.watches.plain_texts;
        let texts: Vec<Name> = args
            .all()
            .filter_map(|v| match (self.terms.literal(v), plain) {
                (Some(Literal::Str(s)), _) => Some(s.clone()),
                (None, Some(plain)) if self.is_class_text(v) => self.text_unless(state, v, plain),
                _ if matches!(self.terms.term(v), Term::Pure(n, _) if n == FORMAT) => {
                    self.known_text(state, v)
                }
                _ => None,
            })
            .collect();
        state.flags.rule = self.automaton.on_call(
            state.flags.rule,
            &CallEvent {
                name,
                receiver,
                texts: &texts,
                resolved,
                site,
            },
        );
    }

    /// A call of something outside the program: it may raise; otherwise it returns something new.
    /// It changes nothing that it was not given.
    pub(crate) fn unresolved(
        &mut self,
        mut state: State,
        name: &str,
        receiver: Option<Value>,
        args: &Args,
        given: bool,
        site: Site,
    ) -> Vec<Evaluated> {
        let called_on = receiver.and_then(|r| self.name_of(r));
        let place = (site, receiver);
        let given = given || receiver.is_some_and(|r| self.leads_to_attribute(&state, r));
        self.event(&mut state, name, called_on.as_deref(), args, false, place);
        let work = self.handed_over(&state, name, args);
        // What nothing has run yet cannot have changed anything.
        if given && !(work.is_some() && Self::is_lazy(name)) {
            state.flags.doubt_call();
        }
        let mut out = self.may_raise(state, Fact::default(), site);
        if let Some(work) = work {
            Self::stand_for(&mut out, work);
        } else if let (true, [inner]) = (
            args.keywords.is_empty() && args.is_plain(),
            args.positional.as_slice(),
        ) && matches!(
            self.terms.term(*inner),
            Term::Func(_) | Term::Closure(..) | Term::Bound(..)
        ) {
            // A callee that is given only a function may be a decorator, so calling its result
            // calls the function.
            for o in &mut out {
                if let Flow::Normal(v) = o.flow {
                    let through = Term::Pure(THROUGH.into(), Arc::from([v, *inner]));
                    o.flow = Flow::Normal(self.terms.make(through));
                }
            }
        }
        self.tell_outcomes(&mut out, name, receiver, args, site);
        out
    }

    /// Tells the automaton how a call of something outside the program came out.
    pub(crate) fn tell_outcomes(
        &mut self,
        outcomes: &mut [Evaluated],
        name: &str,
        receiver: Option<Value>,
        args: &Args,
        site: Site,
    ) {
        let Some(failures) = self.watches.failures else {
            return;
        };
        for o in outcomes {
            let call = CompletedCall {
                site,
                name,
                receiver,
                args: &args.positional,
                keywords: &args.keywords,
                outcome: outcome_of(o.flow),
                callee: None,
            };
            failures.on_completed(self, &mut o.state, &call);
        }
    }

    /// Either an unknown exception or a new value.
    pub(crate) fn may_raise(&mut self, state: State, fact: Fact, site: Site) -> Vec<Evaluated> {
        let mut failed = state.clone();
        let class = self.terms.external("Exception");
        let e = self.exception(&mut failed, class, false, Site { part: 1, ..site });
        let mut state = state;
        let v = self.fresh_with(&mut state, site, fact);
        vec![Evaluated::normal(state, v), Evaluated::raise(failed, e)]
    }

    /// Whether a value is a logger: it was made by `getLogger`, or is named like one.
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

/// Whether loggers are commonly named so.
pub(crate) fn is_logger_name(n: &str) -> bool {
    let n = n.trim_start_matches('_').to_ascii_lowercase();
    matches!(n.as_str(), "log" | "logger" | "logging")
        || n.ends_with("_logger")
        || n.ends_with("_log")
}

/// Whether a logger has a method of this name. None of them raises.
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

/// The outcome of a call as automata see it.
pub(in crate::engine) fn outcome_of(flow: Flow) -> CallOutcome {
    match flow {
        Flow::Normal(v) => CallOutcome::Returned(v),
        Flow::Raise(e) => CallOutcome::Raised(e),
    }
}
