//! Context managers: what entering one returns, and whether leaving it swallows the exception.

use std::sync::Arc;

use crate::engine::calls::args::Args;
use crate::engine::flow::{Advance, Evaluated, Flow};
use crate::engine::objects::methods::MethodCall;
use crate::engine::values::fact::{Fact, Kind};
use crate::engine::values::ghost::Ghost;
use crate::engine::values::state::State;
use crate::engine::values::value::{Site, Term, Value};
use crate::engine::{Engine, FnContext};
use crate::ir::{Literal, Name};
use crate::program::Lookup;

impl Engine<'_> {
    pub(in crate::engine) fn manager_kind(&self, state: &State, m: Value) -> Option<Name> {
        match self.terms.literal(state.ghost(m, Ghost::Manager)?) {
            Some(Literal::Str(s)) => Some(s.clone()),
            _ => None,
        }
    }

    fn manager_data(&self, state: &State, m: Value) -> Vec<Value> {
        match state.ghost(m, Ghost::Data).map(|v| self.terms.term(v)) {
            Some(Term::Tuple(items)) => items.to_vec(),
            _ => Vec::new(),
        }
    }

    /// Enters a manager.
    pub(crate) fn enter(
        &mut self,
        cx: &FnContext,
        mut state: State,
        m: Value,
        is_async: bool,
        site: Site,
    ) -> Vec<Evaluated> {
        if self.manager_kind(&state, m).is_some() {
            return vec![Evaluated::normal(state, m)];
        }
        if self.is_generator_object(&state, m) {
            return self
                .advance(cx, state, m, site)
                .into_iter()
                .map(|a| match a {
                    Advance::Item(s, v) => Evaluated::normal(s, v),
                    Advance::Done(mut s) => {
                        let class = self.terms.external("RuntimeError");
                        let e = self.exception(&mut s, class, true, Site { part: 3, ..site });
                        Evaluated::raise(s, e)
                    }
                    Advance::Raised(s, e) => Evaluated::raise(s, e),
                })
                .collect();
        }
        if let Some(class) = state.fact(m).and_then(|f| f.class) {
            let name: Name = if is_async { "__aenter__" } else { "__enter__" }.into();
            if let Lookup::Found(..) = self.member(class, &name, None) {
                let got = self.call_method(cx, state, m, &name, Args::default(), site);
                return self.awaited(got, is_async, site);
            }
        }
        let v = self.fresh(&mut state, site);
        vec![Evaluated::normal(state, v)]
    }

    fn awaited(&mut self, got: Vec<Evaluated>, is_async: bool, site: Site) -> Vec<Evaluated> {
        if !is_async {
            return got;
        }
        let mut out = Vec::new();
        for o in got {
            match o.flow {
                Flow::Normal(v) if matches!(self.terms.term(v), Term::Pending(..)) => {
                    out.extend(self.run_awaitable(
                        o.state,
                        v,
                        Site {
                            part: site.part + 8,
                            ..site
                        },
                    ));
                }
                _ => out.push(o),
            }
        }
        out
    }

    /// Leaves a manager; the value is true if the exception is swallowed.
    pub(crate) fn exit(
        &mut self,
        cx: &FnContext,
        state: State,
        m: Value,
        exc: Value,
        is_async: bool,
        site: Site,
    ) -> Vec<Evaluated> {
        let before = state.flags.rule;
        let thrown = exc != self.terms.none();
        let failures = self.watches.failures.filter(|_| !thrown);
        if let Some(unit) = failures.and_then(|f| f.committed_by(self, &state, site, m)) {
            return self.commit(state, unit, site);
        }
        let mut out = self.leave(cx, state, m, exc, is_async, site);
        if let Some(failures) = self.watches.failures.filter(|_| thrown) {
            for o in &mut out {
                if let Flow::Normal(_) = o.flow {
                    failures.on_managed(self, &mut o.state, before);
                }
            }
        }
        out
    }

    /// Leaves a manager that commits a unit of work: it raises, or swallows nothing.
    fn commit(&mut self, state: State, unit: Value, site: Site) -> Vec<Evaluated> {
        let mut out = self.may_raise(state, Fact::default(), site);
        self.tell_outcomes(&mut out, "commit", Some(unit), &Args::default(), site);
        let no = self.terms.bool(false);
        for o in &mut out {
            if let Flow::Normal(_) = o.flow {
                o.flow = Flow::Normal(no);
            }
        }
        out
    }

    fn leave(
        &mut self,
        cx: &FnContext,
        mut state: State,
        m: Value,
        exc: Value,
        is_async: bool,
        site: Site,
    ) -> Vec<Evaluated> {
        let no = self.terms.bool(false);
        if let Term::Pure(n, ops) = self.terms.term(m).clone()
            && n == "callback"
        {
            let args = Args::positional(ops[1..].to_vec());
            let mut out = self.call_value(cx, state, ops[0], args, site);
            for o in &mut out {
                if let Flow::Normal(_) = o.flow {
                    o.flow = Flow::Normal(no);
                }
            }
            return out;
        }
        match self.manager_kind(&state, m).as_deref() {
            Some("suppress") if exc == self.terms.none() => {
                return vec![Evaluated::normal(state, no)];
            }
            Some("suppress") => {
                let types = self.manager_data(&state, m);
                let class = self.terms.make(Term::Tuple(types.into()));
                let v = self.terms.make(Term::Instance(exc, class));
                return vec![Evaluated::normal(state, v)];
            }
            Some("stack") => return self.leave_stack(cx, state, (m, exc), is_async, site),
            _ => {}
        }
        if self.is_generator_object(&state, m) {
            return self.leave_generator(state, m, exc, site);
        }
        let exit: Name = if is_async { "__aexit__" } else { "__exit__" }.into();
        if let Some(class) = state.fact(m).and_then(|f| f.class)
            && let Lookup::Found(..) = self.member(class, &exit, None)
        {
            let args = self.exit_arguments(&mut state, exc, site);
            let got = self.call_method(cx, state, m, &exit, args, site);
            return self.awaited(got, is_async, site);
        }
        // An unknown manager does not swallow exceptions.
        vec![Evaluated::normal(state, no)]
    }

    /// Leaves the managers of an `ExitStack`, the innermost first. If one swallows the exception,
    /// the outer ones do not see it.
    fn leave_stack(
        &mut self,
        cx: &FnContext,
        state: State,
        (stack, exc): (Value, Value),
        is_async: bool,
        site: Site,
    ) -> Vec<Evaluated> {
        let none = self.terms.none();
        let inner = self.manager_data(&state, stack);
        let mut open: Vec<(State, Value)> = vec![(state, exc)];
        let mut out = Vec::new();
        for (i, x) in inner.iter().enumerate().rev() {
            let site = Site {
                part: site.part + 20 + u32::try_from(i).unwrap_or(0),
                ..site
            };
            let mut next = Vec::new();
            for (s, e) in open {
                for o in self.exit(cx, s, *x, e, is_async, site) {
                    match o.flow {
                        Flow::Normal(v) => {
                            let mut yes = o.state.clone();
                            if e != none && self.assume(&mut yes, v, true) {
                                next.push((yes, none));
                            }
                            let mut not = o.state;
                            if e == none || self.assume(&mut not, v, false) {
                                next.push((not, e));
                            }
                        }
                        Flow::Raise(_) => out.push(o),
                    }
                }
            }
            open = next;
        }
        for (s, e) in open {
            let v = self.terms.bool(exc != none && e == none);
            out.push(Evaluated::normal(s, v));
        }
        out
    }

    /// Leaves a manager that a generator function made: the generator resumes after its `yield`.
    fn leave_generator(
        &mut self,
        state: State,
        generator: Value,
        exc: Value,
        site: Site,
    ) -> Vec<Evaluated> {
        let thrown = (exc != self.terms.none()).then_some(exc);
        let ends = self.resume(state, generator, thrown, site).into_iter();
        let ends = ends.map(|end| match end {
            Advance::Done(s) => Evaluated::normal(s, self.terms.bool(thrown.is_some())),
            Advance::Raised(s, e) if Some(e) == thrown => {
                Evaluated::normal(s, self.terms.bool(false))
            }
            Advance::Raised(s, e) => Evaluated::raise(s, e),
            Advance::Item(s, _) => self.raise_exact_at(s, "RuntimeError", Site { part: 3, ..site }),
        });
        ends.collect()
    }

    /// The arguments of `__exit__`: the class of the exception, the exception and its traceback.
    fn exit_arguments(&mut self, state: &mut State, exc: Value, site: Site) -> Args {
        let none = self.terms.none();
        let (kind, trace) = if exc == none {
            (none, none)
        } else {
            let kind = self.terms.class_of(exc);
            state.refine(kind, |f| {
                f.kind = Kind::Object;
                true
            });
            let fact = Fact::of_kind(Kind::Object);
            let trace = self.fresh_with(state, Site { part: 9, ..site }, fact);
            (kind, trace)
        };
        Args::positional(vec![kind, exc, trace])
    }

    /// Calls a method of a manager that the engine models.
    pub(in crate::engine) fn manager_method(
        &mut self,
        cx: &FnContext,
        call: MethodCall<'_>,
    ) -> Vec<Evaluated> {
        let MethodCall {
            mut state,
            recv: m,
            name,
            args,
            site,
        } = call;
        let none = self.terms.none();
        match (name.as_str(), args.positional.first().copied()) {
            ("enter_context" | "enter_async_context" | "push", Some(x)) => {
                let entered = if name == "push" {
                    vec![Evaluated::normal(state, x)]
                } else {
                    self.enter(cx, state, x, name == "enter_async_context", site)
                };
                entered
                    .into_iter()
                    .map(|mut o| {
                        if let Flow::Normal(_) = o.flow {
                            let mut data = self.manager_data(&o.state, m);
                            data.push(x);
                            let data = self.terms.make(Term::Tuple(data.into()));
                            o.state.set_ghost(m, Ghost::Data, data);
                        }
                        o
                    })
                    .collect()
            }
            ("callback", Some(_)) if args.keywords.is_empty() && args.stars.is_empty() => {
                let call = self.terms.make(Term::Pure(
                    "callback".into(),
                    args.positional.as_slice().into(),
                ));
                let mut data = self.manager_data(&state, m);
                data.push(call);
                let data = self.terms.make(Term::Tuple(data.into()));
                state.set_ghost(m, Ghost::Data, data);
                vec![Evaluated::normal(state, none)]
            }
            ("close" | "aclose", _) => {
                let out = self.exit(cx, state, m, none, false, site);
                let empty = self.terms.make(Term::Tuple(Arc::from([])));
                out.into_iter()
                    .map(|mut o| {
                        o.state.set_ghost(m, Ghost::Data, empty);
                        o
                    })
                    .collect()
            }
            ("pop_all", _) => {
                let copy = self.fresh_with(&mut state, site, Fact::of_kind(Kind::Object));
                vec![Evaluated::normal(state, copy)]
            }
            _ => vec![Evaluated::normal(state, none)],
        }
    }
}
