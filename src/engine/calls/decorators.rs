//! Decorators: what a call of a decorated function runs.

use crate::engine::calls::args::Args;
use crate::engine::flow::{Evaluated, Flow};
use crate::engine::values::state::State;
use crate::engine::values::value::{Site, Term, Value};
use crate::engine::{Engine, FnContext};
use crate::ir::{ScopeIdx, StaticExpr, StaticExprKind, makes_property};
use crate::program::{Def, FuncRef, Program};
use std::sync::Arc;

impl Engine<'_> {
    pub(crate) fn decorated_with(&self, f: FuncRef, test: impl Fn(&str) -> bool) -> bool {
        decorated_with(self.program, f, test)
    }

    pub(crate) fn is_static_method(&self, f: FuncRef) -> bool {
        self.decorated_with(f, |n| n == "staticmethod")
    }

    pub(crate) fn is_class_method(&self, f: FuncRef) -> bool {
        self.decorated_with(f, |n| n == "classmethod")
    }

    /// Whether the first parameter of a method is not an instance.
    pub(crate) fn is_unbound(&self, f: FuncRef) -> bool {
        self.is_static_method(f) || self.is_class_method(f)
    }

    pub(crate) fn is_property(&self, f: FuncRef) -> bool {
        self.decorated_with(f, makes_property)
    }

    /// The function as the project's own decorators change it; `None` if it has no such decorators.
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
        if wrappers.is_empty() || self.decorating.contains(&f) {
            return None;
        }
        // A function that decorates itself is an error of the program.
        self.decorating.push(f);
        let made = self.wrapped(cx, state, f, &wrappers, site);
        self.decorating.pop();
        made
    }

    /// A function wrapped by these decorators, the innermost last; `None` if they leave it
    /// unchanged.
    pub(super) fn wrapped(
        &mut self,
        cx: &FnContext,
        state: State,
        f: FuncRef,
        wrappers: &[StaticExpr],
        site: Site,
    ) -> Option<(State, Value)> {
        let m = self.program.module(f.module);
        let function = m.ir.function(f.func);
        let scope = function.class.map_or(
            m.ir.scope(function.scope)
                .parent
                .unwrap_or(ScopeIdx::MODULE),
            |c| m.ir.class(c).scope,
        );
        let raw = self.terms.make(Term::Func(f));
        let plain = self.terms.make(Term::Pure("raw".into(), Arc::from([raw])));
        let mut value = plain;
        let mut state = state;
        for (i, d) in wrappers.iter().rev().enumerate() {
            // Each application needs a site of its own. The cells that the previous one captured
            // are not in the state yet, so their names would count as free.
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
                // An unknown decorator is assumed to call the function.
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
}

/// Whether a function has a decorator whose name passes the test.
pub(crate) fn decorated_with(
    program: &Program<'_>,
    f: FuncRef,
    test: impl Fn(&str) -> bool,
) -> bool {
    let m = program.module(f.module);
    m.ir.function(f.func).is_decorated(test)
}

/// Whether a decorator leaves a call as it is, or is modelled elsewhere.
pub(in crate::engine) fn is_known_decorator(d: &StaticExpr) -> bool {
    d.called_name().is_some_and(|n| {
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

/// The state and value of the first outcome that returns.
fn only_result(outcomes: Vec<Evaluated>) -> Option<(State, Value)> {
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
) -> Vec<Evaluated> {
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
