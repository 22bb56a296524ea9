//! Coroutines: what `await` and asyncio run.

use crate::engine::calls::args::Args;
use crate::engine::flow::{Evaluated, Flow};
use crate::engine::values::fact::{Fact, Kind};
use crate::engine::values::state::State;
use crate::engine::values::value::{Site, Term, Value};
use crate::engine::{Catch, Engine};
use crate::ir::BlockId;
use crate::program::FuncRef;

impl Engine<'_> {
    /// Whether a function has the property that a predicate of `inspect` tests; `None` if the
    /// function is not known. Decorators ask this to choose a wrapper.
    pub(in crate::engine) fn is_of_nature(&self, f: Value, question: &str) -> Option<bool> {
        let f = match self.terms.term(f) {
            Term::Func(f) | Term::Closure(f, _) => *f,
            Term::Bound(f, _) => return self.is_of_nature(*f, question),
            Term::Pure(name, of) if name == "raw" => return self.is_of_nature(of[0], question),
            _ => return None,
        };
        let module = self.program.module(f.module);
        let function = module.ir.function(f.func);
        Some(match question {
            "isgeneratorfunction" => function.is_generator && !function.is_async,
            "isasyncgenfunction" => function.is_generator && function.is_async,
            _ => function.is_async && !function.is_generator,
        })
    }

    fn is_coroutine(&self, f: FuncRef) -> bool {
        let module = self.program.module(f.module);
        module.ir.function(f.func).is_async
    }

    /// The functions of asyncio that run or wrap awaitables.
    pub(in crate::engine) fn call_asyncio(
        &mut self,
        mut state: State,
        name: &str,
        args: &Args,
        site: Site,
    ) -> Vec<Evaluated> {
        match name {
            "run" => match args.positional.first() {
                Some(x) => {
                    let x = *x;
                    self.run_awaitable(state, x, site)
                }
                None => self.may_raise(state, Fact::default(), site),
            },
            "create_task" | "ensure_future" | "shield" | "wait_for" => {
                let v = match args.positional.first() {
                    Some(x) => *x,
                    None => self.fresh(&mut state, site),
                };
                vec![Evaluated::normal(state, v)]
            }
            _ => {
                let mut items = args.positional.clone();
                if let [one] = items.as_slice()
                    && let Some(known) = self.known_items(&state, *one)
                {
                    items = known;
                }
                let swallow = match args.keyword("return_exceptions") {
                    Some(v) => self.truth(&state, v) == Some(true),
                    None => name == "wait",
                };
                let swallow = self.terms.bool(swallow);
                items.insert(0, swallow);
                for all in &args.stars {
                    // That there may be none to run makes no difference to a failure.
                    let one = self.pending_element(&state, *all);
                    items.push(
                        one.filter(|_| self.watches.failures.is_some())
                            .unwrap_or(*all),
                    );
                }
                let v = self.terms.make(Term::Pure("gather".into(), items.into()));
                vec![Evaluated::normal(state, v)]
            }
        }
    }

    /// `await x`: runs a pending call; the result of anything else is unknown.
    pub(crate) fn run_awaitable(&mut self, state: State, x: Value, site: Site) -> Vec<Evaluated> {
        match self.terms.term(x).clone() {
            Term::Pending(callee, ops, names) => {
                let split = ops.len() - names.len();
                let args = Args {
                    positional: ops[..split].to_vec(),
                    keywords: names
                        .iter()
                        .cloned()
                        .zip(ops[split..].iter().copied())
                        .collect(),
                    ..Args::default()
                };
                match *self.terms.term(callee) {
                    Term::Func(f) if self.is_coroutine(f) => self.run(state, f, None, args, site),
                    Term::Closure(f, c) if self.is_coroutine(f) => {
                        self.run(state, f, Some(c), args, site)
                    }
                    _ => {
                        let cx = self.context(site.func);
                        self.call_value(&cx, state, callee, args, site)
                    }
                }
            }
            Term::Pure(n, ops) if n == "gather" => {
                let swallow = self.truth(&state, ops[0]) == Some(true);
                let mut states = vec![state];
                let mut out = Vec::new();
                for (i, op) in ops[1..].iter().enumerate() {
                    let here = Site {
                        part: 70 + u32::try_from(i).unwrap_or(0) * 4,
                        ..site
                    };
                    let mut next = Vec::new();
                    for s in states {
                        for o in self.run_awaitable(s, *op, here) {
                            match o.flow {
                                Flow::Normal(_) => next.push(o.state),
                                Flow::Raise(e) if swallow => {
                                    let mut state = o.state;
                                    if let Some(failures) = self.watches.failures {
                                        let catch = Catch {
                                            func: site.func,
                                            block: BlockId(site.block),
                                            manager: true,
                                        };
                                        failures.on_caught(self, &mut state, catch, e);
                                    }
                                    next.push(state);
                                }
                                Flow::Raise(_) => out.push(o),
                            }
                        }
                    }
                    states = next;
                }
                for mut s in states {
                    let v = self.fresh_with(&mut s, site, Fact::of_kind(Kind::List));
                    out.push(Evaluated::normal(s, v));
                }
                out
            }
            _ => {
                let mut out = self.may_raise(state, Fact::default(), site);
                self.tell_outcomes(&mut out, "await", Some(x), &Args::default(), site);
                out
            }
        }
    }
}
