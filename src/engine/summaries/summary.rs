//! Function summaries for the states of their callers.
//!
//! A summary is keyed by a function and the part of the caller's state that it can see: its
//! arguments, what is reachable from them, and what is known about all that, with the caller's
//! names replaced by canonical inputs. So two calls that look alike from the inside share one
//! summary, and what the callee cannot reach is framed out. The result is the list of ways in which
//! the function can be left (after Sharir and Pnueli's functional approach, 1981).

use std::collections::BTreeMap;
use std::rc::Rc;

use rustc_hash::FxHashSet;

use crate::engine::budget::{
    CALL_DEPTH, HELPER_STEPS, RECURSION, RECURSION_ROUNDS, STRANGER_DEPTH, STRANGER_STEPS,
    SUMMARY_EXITS, TESTS_HELPER_BLOCKS, TESTS_HELPER_DEPTH, TESTS_HELPER_STEPS,
};
use crate::engine::flow::{ExitKind, Via};
use crate::engine::values::env::Env;
use crate::engine::values::fact::Fact;
use crate::engine::values::ghost::Flags;
use crate::engine::values::state::State;
use crate::engine::values::value::{Site, Value};
use crate::engine::{Engine, Presence};
use crate::ir::{BlockId, Literal, Name};
use crate::order::Order as _;
use crate::program::FuncRef;

/// Which fields may still be tested after a function returned.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct OuterLive {
    /// The names of the fields.
    pub names: Vec<Name>,
    /// Whether any other field may be tested, too, because some function runs later.
    pub any: bool,
}

/// The key of a summary.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct SummaryKey {
    /// The function.
    pub func: FuncRef,
    /// Where it starts: at the entry, or where a generator resumes.
    pub start: BlockId,
    /// The part of the state that it sees.
    pub entry: Rc<State>,
    /// The fields that its callers may still test.
    pub live: Rc<OuterLive>,
}

/// One way of leaving a function, in terms of its canonical inputs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SummaryExit {
    /// How the function is left.
    pub kind: ExitKind,
    /// The value returned, raised or yielded.
    pub value: Value,
    /// The state. Its environment matters only for a yield.
    pub state: State,
    /// The block of the exit.
    pub block: BlockId,
}

/// The properties on which exits must agree to be joined.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct ExitGroup {
    kind: u8,
    block: u32,
    presence: Presence,
    flags: Flags,
    /// The automaton's slots of the receiver that are kept apart.
    ghosts: Vec<Option<Value>>,
    value: Returned,
}

/// The property of its value by which an exit is kept apart from others.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Returned {
    Failure,
    /// Whether the class is exact, the classes that the exception is an instance of, and those that
    /// it is not.
    Exception(bool, Vec<Value>, Vec<Value>),
    Literal(Literal),
    Truth(bool),
    Anything,
}

/// All ways of leaving a function.
#[derive(Debug)]
pub struct Summary {
    /// What the summary depends on.
    pub key: SummaryKey,
    /// The exits.
    pub exits: Vec<SummaryExit>,
}

/// A summary's exit in the caller's terms.
pub(crate) struct Applied {
    pub(crate) kind: ExitKind,
    pub(crate) value: Value,
    pub(crate) state: State,
    pub(crate) env: Env,
    /// The summary's exit that it comes from; `None` for a summary for all callers.
    pub(crate) via: Option<Via>,
}

/// How a call is followed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    /// Not at all.
    Not,
    /// By the summary for all callers, if that suffices.
    ForAll,
    /// From the caller's state.
    Itself,
}

/// A local that no function has. Values in it, and in the locals after it, take part in whatever is
/// done to an environment.
pub(in crate::engine) const RIDER: usize = 1 << 30;

impl Engine<'_> {
    /// Forgets the summaries for the states of callers, and which helpers were cut.
    pub(crate) fn forget_helpers(&mut self) {
        self.summaries.clear();
        self.cut.clear();
    }

    /// How a function that is called now is followed.
    fn look(&self, f: FuncRef) -> Look {
        let Some(reach) = self.reach() else {
            return Look::Not;
        };
        let helpers = self.watches.helpers;
        if self.deeds.is_none() && helpers.is_some_and(|filter| filter.concerns(self, f)) {
            return Look::Itself;
        }
        let module = self.program.module(f.module);
        let blocks = module.ir.function(f.func).body.blocks.len();
        if reach.is_some() && blocks > TESTS_HELPER_BLOCKS {
            Look::Not
        } else {
            Look::ForAll
        }
    }

    /// Calls a function of the program from `state` with the given environment. `None` if the
    /// budget does not allow following it.
    pub(crate) fn summarise(
        &mut self,
        state: &State,
        f: FuncRef,
        start: BlockId,
        env: &Env,
        extra: Option<Value>,
        site: Site,
    ) -> Option<Vec<Applied>> {
        if !self.follows_helpers {
            self.budget.calls_cut += 1;
            return None;
        }
        let look = self.look(f);
        if look == Look::Not {
            self.budget.calls_cut += 1;
            if let Some(deeds) = &mut self.deeds {
                deeds.functions.insert(f);
            }
            return None;
        }
        let generic = match extra {
            None if start == BlockId::ENTRY && look == Look::ForAll => {
                self.ask_generic(state, f, env)
            }
            _ => None,
        };
        match &generic {
            Some((called, Some(known))) => {
                if let Some(applied) = self.call_generic(state, (called, known), site) {
                    return Some(applied);
                }
            }
            Some((called, None)) if self.is_beside(state, called) => {
                self.budget.calls_cut += 1;
                return None;
            }
            _ => {}
        }
        // The function accesses no fields but these.
        let known = generic.as_ref().and_then(|(_, known)| known.as_ref());
        let fields = known.map(|known| &known.deeds.fields);
        let Some(limit) = self.steps_for(state, f, env, extra) else {
            self.budget.calls_cut += 1;
            return None;
        };
        let live = Rc::new(self.live_after(site));
        let (entry, originals) = match fields {
            Some(fields) => {
                let narrowed = self.narrowed(state, env, fields);
                self.project(&narrowed, env)
            }
            None => self.project(state, env),
        };
        let key = SummaryKey {
            func: f,
            start,
            entry: Rc::new(entry),
            live,
        };
        let loan = self.budget.lend(limit);
        let summary = self.summary(key);
        let spent_all = self.budget.steps == 0;
        self.budget.settle(loan);
        let Some(summary) = summary else {
            self.budget.calls_cut += 1;
            if spent_all && loan.1 == limit {
                // Another attempt would cost as much and achieve as little.
                self.cut.insert(f);
            }
            return None;
        };
        let exits = summary.exits.iter().enumerate();
        let applied = exits.map(|(i, exit)| {
            let (state, value, env) = self.apply(state, exit, &originals, fields, site);
            Applied {
                kind: exit.kind,
                value,
                state,
                env,
                via: Some(Via {
                    summary: summary.clone(),
                    exit: i,
                }),
            }
        });
        Some(applied.collect())
    }

    /// The number of steps that a call may cost. `None` if it must not be followed, because it is
    /// too deep, recursive, or was too expensive before.
    fn steps_for(
        &mut self,
        state: &State,
        f: FuncRef,
        env: &Env,
        extra: Option<Value>,
    ) -> Option<u64> {
        let same = self.stack.iter().filter(|k| k.func == f).count();
        if self.stack.len() >= CALL_DEPTH
            || same > RECURSION
            || self.budget.steps == 0
            || self.cut.contains(&f)
        {
            return None;
        }
        let given = self.reaches_watched(state, env, extra);
        let aside = self.watches.places.is_none() && self.deeds.is_none();
        let (depth, limit) = if aside {
            (TESTS_HELPER_DEPTH, TESTS_HELPER_STEPS)
        } else if given {
            (CALL_DEPTH, HELPER_STEPS)
        } else {
            (STRANGER_DEPTH, STRANGER_STEPS)
        };
        let depth = match self.watches.reach {
            Some(reach) => depth.min(usize::from(reach)),
            None => depth,
        };
        (self.stack.len() < depth).then_some(limit)
    }

    /// Whether a call with this environment can reach the watched object or its dict.
    fn reaches_watched(&mut self, state: &State, env: &Env, extra: Option<Value>) -> bool {
        if self.watches.places.is_none() {
            return self.deeds.is_none();
        }
        let holders = self.holders(state);
        let roots: Vec<Value> = env.values().chain(extra).collect();
        let leaves = state.reachable(&self.terms, roots.into_iter());
        let hit = |v: Value| {
            let of = self.terms.leaves(v);
            !of.is_empty() && of.iter().all(|l| leaves.contains(l))
        };
        hit(state.watched)
            || holders.iter().any(|holder| hit(*holder))
            || self.other_roots(state).iter().any(|root| hit(*root))
    }

    fn live_after(&mut self, site: Site) -> OuterLive {
        let cx = self.context(site.func);
        let mut names: FxHashSet<Name> = self.outer.names.iter().cloned().collect();
        let mut any = self.outer.any;
        let block = cx.function().body.block(BlockId(site.block));
        block.terminator.kind.for_each_successor(|s| {
            let (fields, more) = cx.live.live_fields(s);
            names.extend(fields);
            any |= more;
        });
        if any {
            return OuterLive {
                names: Vec::new(),
                any,
            };
        }
        let mut names: Vec<Name> = names.into_iter().collect();
        names.sort_unstable();
        OuterLive { names, any }
    }

    fn summary(&mut self, key: SummaryKey) -> Option<Rc<Summary>> {
        if let Some(found) = self.summaries.get(&key) {
            if let Some(depth) = self.stack.iter().position(|k| *k == key) {
                // A recursive call: use the approximation of its exits so far.
                self.recursive_hit = self.recursive_hit.min(depth);
            }
            return Some(found.clone());
        }
        let depth = self.stack.len();
        let outer_hit = std::mem::replace(&mut self.recursive_hit, usize::MAX);
        self.stack.push(key.clone());
        let outer_live = std::mem::replace(&mut self.outer, key.live.clone());
        let mut current = Rc::new(Summary {
            key: key.clone(),
            exits: Vec::new(),
        });
        let mut complete = false;
        for _ in 0..RECURSION_ROUNDS {
            self.summaries.insert(key.clone(), current.clone());
            let exits = self.compute_exits(&key);
            let Some(exits) = exits else { break };
            let stable = exits == current.exits;
            current = Rc::new(Summary {
                key: key.clone(),
                exits,
            });
            if stable || self.recursive_hit > depth {
                complete = true;
                break;
            }
        }
        self.outer = outer_live;
        self.stack.pop();
        // A result that rests on an unfinished outer summary is not kept.
        let rests_on_outer = self.recursive_hit < depth;
        if complete && !rests_on_outer {
            self.summaries.insert(key, current.clone());
        } else {
            self.summaries.remove(&key);
        }
        self.recursive_hit = outer_hit.min(if rests_on_outer {
            self.recursive_hit
        } else {
            usize::MAX
        });
        if complete { Some(current) } else { None }
    }

    fn compute_exits(&mut self, key: &SummaryKey) -> Option<Vec<SummaryExit>> {
        let cx = self.context(key.func);
        let bounds = self.helper_bounds();
        let graph = self.simulate(&cx, key.start, (*key.entry).clone(), bounds);
        if !graph.complete {
            return None;
        }
        let mut exits: Vec<SummaryExit> = Vec::new();
        let inputs = self.inputs_of(&key.entry);
        for e in graph.exits {
            let mut state = e.state;
            if !matches!(e.kind, ExitKind::Yield(_)) {
                state.env.clear();
            }
            let mut extra = inputs.clone();
            extra.push(e.value);
            let live = key.live.clone();
            state.collect(&self.terms, &extra, |n| live.any || live.names.contains(n));
            let exit = SummaryExit {
                kind: e.kind,
                value: e.value,
                state,
                block: e.block,
            };
            let known = exits
                .iter()
                .any(|x| x.kind == exit.kind && x.value == exit.value && x.state == exit.state);
            if !known {
                exits.push(exit);
            }
        }
        Some(self.join_exits(exits, key.func, SUMMARY_EXITS))
    }

    /// Joins exits if there are more than `limit`: first those that agree on how they leave, on the
    /// property and on the details of what they return; if still too many remain, those that agree
    /// on a coarser view of what they return. The result may exceed the limit.
    pub(in crate::engine) fn join_exits(
        &mut self,
        exits: Vec<SummaryExit>,
        func: FuncRef,
        limit: usize,
    ) -> Vec<SummaryExit> {
        let mut exits = exits;
        for finely in [true, false] {
            if exits.len() <= limit {
                break;
            }
            self.budget.merges += 1;
            // What an exception is not is only kept if it is known of the first.
            exits.order_by_key(|exit| {
                let known = exit.state.fact(exit.value);
                known.is_none_or(|fact| fact.is_not.is_empty())
            });
            let mut groups: BTreeMap<ExitGroup, SummaryExit> = BTreeMap::new();
            for exit in exits {
                let group = self.exit_group(&exit, finely);
                let joined = match groups.remove(&group) {
                    None => exit,
                    Some(old) => self.join_two(old, exit, group.value == Returned::Failure, func),
                };
                groups.insert(group, joined);
            }
            exits = groups.into_values().collect();
        }
        exits
    }

    fn exit_group(&mut self, exit: &SummaryExit, finely: bool) -> ExitGroup {
        let (kind, block) = match exit.kind {
            ExitKind::Return => (0, 0),
            ExitKind::Raise => (1, 0),
            ExitKind::Yield(b) => (2, b.0),
        };
        let known = exit.state.fact(exit.value);
        let value = if self.is_failure(&exit.state, exit.value) {
            Returned::Failure
        } else if exit.kind == ExitKind::Raise {
            match known {
                // The classes that it is no instance of decide about handlers, too.
                Some(fact) if finely => {
                    Returned::Exception(fact.exact, fact.is.to_vec(), fact.is_not.to_vec())
                }
                _ => Returned::Exception(false, Vec::new(), Vec::new()),
            }
        } else if finely && let Some(l) = self.comparable(exit.value) {
            Returned::Literal(l)
        } else {
            match self.truth(&exit.state, exit.state.snapshot(exit.value)) {
                Some(truth) => Returned::Truth(truth),
                None => Returned::Anything,
            }
        };
        let apart = self.watches.keeps_apart.iter();
        ExitGroup {
            kind,
            block,
            presence: self.presence(&exit.state),
            flags: exit.state.flags,
            ghosts: apart
                .map(|ghost| exit.state.ghost(exit.state.watched, *ghost))
                .collect(),
            value,
        }
    }

    fn join_two(
        &mut self,
        old: SummaryExit,
        new: SummaryExit,
        failure: bool,
        func: FuncRef,
    ) -> SummaryExit {
        let site = Site {
            func,
            block: u32::MAX,
            index: u32::from(new.kind == ExitKind::Raise),
            part: 0,
        };
        // The value becomes an additional local, so that the join covers it.
        let (mut a, mut b) = (old.state, new.state);
        a.env.set(RIDER, old.value);
        b.env.set(RIDER, new.value);
        let mut joined = self.join(&a, &b, site, true);
        let value = joined.env.take(RIDER).unwrap_or(old.value);
        if new.kind == ExitKind::Raise {
            self.note_common_base(&mut joined, value, [(&a, old.value), (&b, new.value)]);
        }
        if failure {
            self.note_failure(&mut joined, value);
        }
        SummaryExit {
            kind: new.kind,
            value,
            state: joined,
            block: new.block,
        }
    }

    /// If both of the joined exceptions derive from `Exception`, so does the joined value; and what
    /// neither is an instance of, it is not.
    fn note_common_base(&mut self, joined: &mut State, value: Value, of: [(&State, Value); 2]) {
        let base = self.terms.external("Exception");
        let facts = of.map(|(state, exc)| state.fact(exc).cloned().unwrap_or_default());
        let is_below = |fact: &Fact, class| {
            let mut known = fact.is.iter();
            known.any(|known| self.subclass(*known, class) == Some(true))
        };
        let is_apart = |fact: &Fact, class| {
            let mut known = fact.is.iter();
            fact.is_not.contains(&class)
                || fact.exact
                    && known.len() > 0
                    && known.all(|known| self.subclass(*known, class) == Some(false))
        };
        let below = facts.iter().all(|fact| is_below(fact, base));
        let mut apart: Vec<Value> = Vec::new();
        apart.extend(facts.iter().flat_map(|fact| &fact.is_not));
        apart.retain(|class| facts.iter().all(|fact| is_apart(fact, *class)));
        joined.refine(value, |fact| {
            if below && fact.is.is_empty() {
                fact.is.push(base);
            }
            for class in apart {
                if !fact.is_not.contains(&class) {
                    fact.is_not.push(class);
                }
            }
            fact.is_not.sort_unstable();
            true
        });
    }
}
