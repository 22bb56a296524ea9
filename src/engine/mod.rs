//! The path engine: property simulation over the IR.
//!
//! A state is *property × pending completion × facts* (ESP: Das, Lerner and Seigle, PLDI 2002).
//! Facts come from symbolic execution per path: values are hash-consed terms ([`value`]), what a
//! test establishes is kept per value ([`fact`]), what objects contain is a heap ([`state`]).
//! States that agree on the property and on the pending completion are merged when there are more
//! than [`budget::Bounds`] allows at a point, so the cost stays polynomial. Calls of
//! functions of the program go through summaries ([`summary`]). Every violation is confirmed by a
//! search for one concrete path without merging ([`witness`]).

pub mod ask;
pub mod assume;
pub mod budget;
mod call;
mod carry;
pub mod class_texts;
mod collections;
mod constants;
mod coroutines;
mod data;
pub mod env;
mod eval;
pub mod exceptions;
pub mod fact;
pub mod flat;
mod functions;
mod generic;
pub mod ghost;
mod instances;
mod intrinsics;
mod iterate;
mod join;
pub mod library;
mod liveness;
mod managers;
mod methods;
mod objects;
mod operators;
pub mod origins;
mod ranges;
pub mod rounds;
mod shape;
mod shared;
pub mod simulate;
pub mod state;
mod step;
pub mod summary;
#[cfg(test)]
mod tests;
pub mod value;
pub mod witness;

use std::cell::{OnceCell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;

use crate::engine::ask::Asked;
use crate::engine::budget::{ASIDE, AT_A_PLACE, Bounds, Budget, GENERIC};
pub(crate) use crate::engine::call::{is_log_method, is_logger_name};

use crate::engine::class_texts::Saying;
use crate::engine::fact::Fact;
pub(crate) use crate::engine::functions::decorated_with;
use crate::engine::generic::{Imported, Resting, Running};
use crate::engine::ghost::Ghost;
use crate::engine::library::{Deeds, Generic, Library, Walk};
use crate::engine::liveness::Liveness;
use crate::engine::rounds::Loops;
use crate::engine::shape::CallKey;
use crate::engine::state::{Cell, Slot, State};
use crate::engine::summary::{OuterLive, Summary, SummaryKey};
use crate::engine::value::{Site, Term, Terms, Value};
use crate::ir::{BlockId, Function, LocalId, Name, Operand, Rvalue, TerminatorKind};
use crate::program::{ClassRef, FuncRef, LoadedModule, Lookup, MemberDef, Program};

/// A call, as a rule's automaton sees it.
pub struct CallEvent<'a> {
    /// The last part of the callee's name.
    pub name: &'a str,
    /// The name of the receiver or module in front of it, when there is one.
    pub receiver: Option<&'a str>,
    /// Literal texts among the arguments.
    pub texts: &'a [Name],
    /// Whether the callee is a function of the program that is looked into.
    pub resolved: bool,
}

/// The place that a rule watches on the receiver: `self.field[key]`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WatchedPlace {
    /// The attribute that holds the dict.
    pub field: Name,
    /// The key.
    pub key: Name,
}

/// A rule's finite automaton. Its state is a set of bits, [`Flags::rule`](ghost::Flags).
pub trait Automaton {
    /// The flags after a call was attempted.
    fn on_call(&self, flags: u32, call: &CallEvent<'_>) -> u32;
    /// The flags after the watched key was stored.
    fn on_set(&self, flags: u32) -> u32 {
        flags
    }
    /// The watched place; without one, only events count.
    fn place(&self) -> Option<&WatchedPlace>;
    /// Flags whose change on a path is a step worth showing.
    fn milestones(&self) -> u32 {
        0
    }
    /// Whether the automaton asks what tests establish and where values come from. Remembering
    /// that costs time, so the engine does it on demand; the events below come only then.
    fn follows_values(&self) -> bool {
        false
    }
    /// Whether it makes no difference to the automaton that a function does this, whatever state it
    /// is called in.
    fn ignores(&self, _engine: &Engine<'_>, _deeds: &Deeds) -> bool {
        false
    }
    /// Whether the code of a function, callees apart, does make a difference to it, so that no summary
    /// for all callers can do.
    fn concerns(&self, _engine: &Engine<'_>, _func: FuncRef) -> bool {
        false
    }
    /// Whether it does make a difference in this state, to this function that is given these.
    fn is_concerned(
        &self,
        _engine: &Engine<'_>,
        _state: &State,
        _func: FuncRef,
        _given: &[Value],
    ) -> bool {
        false
    }
    /// Texts that make no difference to it among the arguments of a call.
    fn plain_texts(&self) -> Option<Saying> {
        None
    }
    /// What it keeps beside values by which states are kept apart.
    fn keeps_apart(&self) -> &'static [Ghost] {
        &[]
    }
    /// Whether it compares what calls are given.
    fn compares_arguments(&self) -> bool {
        false
    }
    /// A test in `func` came out in this way: what the state says now that it did not say before
    /// was established by it.
    fn on_test(&self, _engine: &mut Engine<'_>, _before: &State, _after: &mut State, _test: Test) {}
    /// A loop over `source` goes round once more, or ends.
    fn on_round(&self, _engine: &mut Engine<'_>, _state: &mut State, _source: Value, _more: bool) {}
    /// Whether what a round of a loop finds out may concern that round alone.
    fn tells_rounds_apart(&self) -> bool {
        false
    }
    /// The flags after a round: `before` are those with which the loop was entered, `now` those at
    /// the end of the round.
    fn after_round(&self, _before: u32, now: u32) -> u32 {
        now
    }
    /// The rest of a round is given up.
    fn on_skip(&self, _state: &mut State) {}
    /// A call returned, or an operator (`Sub`) gave its result.
    fn on_returned(&self, _engine: &mut Engine<'_>, _state: &mut State, _call: &Returned<'_>) {}
    /// A call of something outside the program came out, or of a function of the program that was
    /// followed.
    fn on_external(&self, _engine: &mut Engine<'_>, _state: &mut State, _call: &External<'_>) {}
    /// A `raise` statement raises `exc`.
    fn on_raise(&self, _engine: &mut Engine<'_>, _state: &mut State, _exc: Value) {}
    /// `exc` is caught.
    fn on_caught(&self, _engine: &mut Engine<'_>, _state: &mut State, _catch: Catch, _exc: Value) {}
    /// A branch asks for the outcome of `failure`, and it is one. `presence` says that the program
    /// asks for something that may be absent, not for something that may have failed.
    fn on_failure(
        &self,
        _engine: &mut Engine<'_>,
        _state: &mut State,
        _catch: Catch,
        _failure: Value,
        _presence: bool,
    ) {
    }
    /// A context manager that was given an exception comes back. Whether it swallows is told by
    /// what it returns: `before` are the flags with which it was given the exception.
    fn on_managed(&self, _state: &mut State, _before: u32) {}
    /// A function is left normally at this `return`, or at its end, with this value.
    fn on_return(
        &self,
        _engine: &mut Engine<'_>,
        _state: &mut State,
        _at: (FuncRef, BlockId),
        _value: Value,
    ) {
    }
}

/// What catches an exception or a failure: a branch of a function.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Catch {
    /// The function.
    pub func: FuncRef,
    /// The block that ends with the branch.
    pub block: BlockId,
    /// Whether a context manager swallows it; else it is a handler.
    pub manager: bool,
}

/// A call of something outside the program, or of a function that was followed.
pub struct External<'a> {
    /// Where it is called.
    pub site: Site,
    /// The last part of the callee's name; `await` for something that is waited for.
    pub name: &'a str,
    /// The receiver of a method call, or what is waited for.
    pub receiver: Option<Value>,
    /// The positional arguments.
    pub args: &'a [Value],
    /// How it came out.
    pub outcome: ExternalOutcome,
    /// The function of the program that was called: what it calls itself was told before.
    pub callee: Option<FuncRef>,
}

/// How a call came out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ExternalOutcome {
    /// It returned this.
    Returned(Value),
    /// It raised this.
    Raised(Value),
}

/// A test that came out.
#[derive(Clone, Copy, Debug)]
pub struct Test {
    /// The function whose code tests.
    pub func: FuncRef,
    /// What was tested for its truth.
    pub condition: Value,
    /// How it came out.
    pub outcome: bool,
}

/// A call that returned normally.
pub struct Returned<'a> {
    /// The function whose code calls.
    pub func: FuncRef,
    /// The block of the call.
    pub block: BlockId,
    /// The last part of the callee's name.
    pub name: &'a str,
    /// The receiver of a method call.
    pub receiver: Option<Value>,
    /// The arguments, the ones with a keyword last.
    pub args: &'a [Value],
    /// What came back.
    pub result: Value,
}

/// Whether the watched key is there.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Presence {
    /// On every execution that the state stands for.
    Present,
    /// On none.
    Absent,
    /// Not known: paths that differ were merged.
    Unknown,
}

/// One function being analysed, with what is computed once for it.
pub struct FnContext {
    /// Which function.
    pub func: FuncRef,
    /// Its module.
    pub module: std::sync::Arc<LoadedModule>,
    /// Liveness of locals and fields.
    pub(crate) live: Liveness,
    /// Its loops, once something asked for them.
    loops: OnceCell<Loops>,
}

impl FnContext {
    /// The function itself.
    #[must_use]
    pub fn function(&self) -> &Function {
        self.module.ir.function(self.func.func)
    }

    /// The place of a statement in a block; the terminator comes after the last statement.
    pub(crate) fn site(&self, block: BlockId, statement: usize) -> Site {
        Site {
            func: self.func,
            block: block.0,
            index: u32::try_from(statement).unwrap_or(u32::MAX),
            part: 0,
        }
    }
}

/// The engine: terms, summaries and budgets of the analysis of one processor.
pub struct Engine<'p> {
    /// The program.
    pub program: &'p Program<'p>,
    /// The table of terms.
    pub terms: Terms,
    /// The rule's automaton.
    pub automaton: &'p dyn Automaton,
    /// What may still be spent.
    pub budget: Budget,
    /// The attribute that really holds the watched dict: a property may stand in front of it.
    pub(crate) watched_field: Name,
    /// The names that variables give to values, per function.
    names: FxHashMap<(FuncRef, Value), SmallVec<[Name; 2]>>,
    /// Whether the watched key may be a field of a record instead of an item.
    pub(crate) watched_record: bool,
    contexts: FxHashMap<FuncRef, Rc<FnContext>>,
    summaries: FxHashMap<SummaryKey, Rc<Summary>>,
    stack: Vec<SummaryKey>,
    /// Functions that are not looked into any more: they cost more than they can tell.
    cut: FxHashSet<FuncRef>,
    /// Functions whose decorators are being applied.
    decorating: Vec<FuncRef>,
    /// The outermost activation on the stack that a recursive call went back to.
    recursive_hit: usize,
    /// What the callers of the function being simulated may still ask.
    outer: Rc<OuterLive>,
    /// Attributes that hold a text which a class says.
    class_texts: FxHashMap<Value, (ClassRef, Name)>,
    /// What was asked about classes.
    pub(crate) asked: RefCell<Asked>,
    /// Whether functions of the program are looked into.
    pub follows_helpers: bool,
    /// Whether some code that was followed loads or stores the attribute of the watched place.
    pub touches_place: bool,
    /// What is known of functions for the whole program.
    library: &'p Library<'p>,
    /// What of it was put into this engine's terms, by its address.
    imported: FxHashMap<*const Generic, (Arc<Generic>, Rc<Imported>)>,
    /// The engine that finds out summaries for all callers.
    neutral: Option<Box<Engine<'p>>>,
    /// In such an engine: what the function at hand does.
    deeds: Option<Deeds>,
    /// The summaries that are being found out, the innermost last.
    running: Vec<Running>,
    /// The outermost of them that was asked for meanwhile.
    lowest_asked: usize,
    /// Summaries that rest on one of these, for this round.
    provisional: FxHashMap<CallKey, Resting<Option<Rc<Imported>>>>,
    /// What the last round found out of each function of a circle that is gone round.
    approximations: FxHashMap<CallKey, Resting<Rc<Imported>>>,
    /// Whether one of them changed in this round.
    changed: bool,
}

impl<'p> Engine<'p> {
    /// A new engine.
    #[must_use]
    pub fn new(library: &'p Library<'p>, automaton: &'p dyn Automaton) -> Self {
        Engine {
            program: library.program,
            terms: Terms::default(),
            automaton,
            budget: Budget::default(),
            watched_field: automaton
                .place()
                .map_or_else(Name::default, |p| p.field.clone()),
            names: FxHashMap::default(),
            watched_record: false,
            contexts: FxHashMap::default(),
            summaries: FxHashMap::default(),
            stack: Vec::new(),
            cut: FxHashSet::default(),
            decorating: Vec::new(),
            recursive_hit: usize::MAX,
            outer: Rc::default(),
            class_texts: FxHashMap::default(),
            asked: RefCell::default(),
            follows_helpers: true,
            touches_place: false,
            library,
            imported: FxHashMap::default(),
            neutral: None,
            deeds: None,
            running: Vec::new(),
            lowest_asked: usize::MAX,
            provisional: FxHashMap::default(),
            approximations: FxHashMap::default(),
            changed: false,
        }
    }

    /// How finely the states of a helper are kept apart.
    fn helper_bounds(&self) -> &'static Bounds {
        match self.automaton.place() {
            Some(_) => &AT_A_PLACE,
            None if self.deeds.is_some() => &GENERIC,
            None => &ASIDE,
        }
    }

    /// The context of a function, computed once.
    pub fn context(&mut self, func: FuncRef) -> Rc<FnContext> {
        if let Some(cx) = self.contexts.get(&func) {
            return cx.clone();
        }
        let module = self.program.module(func.module);
        let live = Liveness::compute(module.ir.function(func.func));
        let cx = Rc::new(FnContext {
            func,
            module,
            live,
            loops: OnceCell::new(),
        });
        self.contexts.insert(func, cx.clone());
        cx
    }

    /// Writes down what it took to follow a function from its entry: the block executions since there
    /// were `before` of them.
    pub fn note_walk(&mut self, func: FuncRef, before: u64) {
        let blocks = self.context(func).function().body.blocks.len() as u64;
        self.library.note_walk(Walk {
            steps: self.budget.executed - before,
            func,
            blocks,
        });
    }

    /// The state with which the function that is being simulated was entered, unless that is the
    /// outermost.
    #[must_use]
    pub fn entry_state(&self) -> Option<&State> {
        self.stack.last().map(|key| &*key.entry)
    }

    /// The dict that the watched place is in, now.
    pub(crate) fn watched_object(&mut self, state: &State) -> Value {
        let field = self.watched_field.clone();
        match state.heap.get(&(state.watched, Slot::Field(field.clone()))) {
            Some(Cell::Has(v)) => *v,
            _ => self.terms.make(Term::Field(state.watched, field)),
        }
    }

    /// Whether the watched key is there, now.
    pub fn presence(&mut self, state: &State) -> Presence {
        let Some(key) = self.place_key() else {
            return Presence::Unknown;
        };
        let object = self.watched_object(state);
        if self.watched_record
            && let Some(place) = self.automaton.place()
            && let Some(Cell::Has(_)) = state.heap.get(&(object, Slot::Field(place.key.clone())))
        {
            return Presence::Present;
        }
        match state.heap.get(&(object, Slot::Item(key))) {
            Some(Cell::Has(_)) => Presence::Present,
            Some(Cell::Absent) => Presence::Absent,
            None if state.facts.get(&object).is_some_and(|f| f.closed) => Presence::Absent,
            None => Presence::Unknown,
        }
    }

    /// The state that covers both, see [`State::join`]. That the watched key is in none of them is
    /// not lost with the other keys of its dict.
    pub(crate) fn join(&mut self, a: &State, b: &State, site: Site, widen: bool) -> State {
        let mut joined = a.join(b, &mut self.terms, site, widen);
        if let Some(key) = self.place_key()
            && self.presence(&joined) == Presence::Unknown
            && [a, b].map(|state| self.presence(state)) == [Presence::Absent; 2]
        {
            let object = self.watched_object(&joined);
            joined.heap.insert((object, Slot::Item(key)), Cell::Absent);
        }
        joined
    }

    /// What is stored in the watched place, if that is known.
    pub fn stored(&mut self, state: &State) -> Option<Value> {
        let key = self.place_key()?;
        let object = self.watched_object(state);
        let mut slots = vec![Slot::Item(key)];
        if self.watched_record {
            let place = self.automaton.place()?;
            slots.insert(0, Slot::Field(place.key.clone()));
        }
        slots
            .into_iter()
            .find_map(|slot| match state.heap.get(&(object, slot)) {
                Some(Cell::Has(v)) => Some(*v),
                _ => None,
            })
    }

    /// The key of the watched place.
    pub(crate) fn place_key(&mut self) -> Option<Value> {
        let place = self.automaton.place()?;
        Some(self.terms.str(&place.key))
    }

    /// The attribute that holds the dict of a watched place: where the class has a property of
    /// that name which only returns another attribute, that one.
    pub(crate) fn place_field(&self, class: ClassRef, field: &str) -> Name {
        if let Lookup::Found(_, defs) = self.member(class, field, None)
            && let [MemberDef::Func(f)] = defs.as_slice()
            && self.is_property(*f)
        {
            let m = self.program.module(f.module);
            let body = &m.ir.function(f.func).body;
            let mut loads: FxHashMap<LocalId, Name> = FxHashMap::default();
            body.for_each_rvalue(|_, dest, rvalue| {
                if let (Some(d), Rvalue::GetField(Operand::Local(LocalId(0)), n)) = (dest, rvalue) {
                    loads.insert(d, n.clone());
                }
            });
            let mut returned = body.blocks.iter().filter_map(|b| match &b.terminator.kind {
                TerminatorKind::Return {
                    value: Operand::Local(l),
                    ..
                } => Some(loads.get(l).cloned()),
                TerminatorKind::Return { .. } => Some(None),
                _ => None,
            });
            if let (Some(Some(name)), None) = (returned.next(), returned.next()) {
                return name;
            }
        }
        field.into()
    }

    /// A new value made at a site.
    pub(crate) fn fresh(&mut self, state: &mut State, site: Site) -> Value {
        state.fresh(&mut self.terms, site)
    }

    /// A new value made at a site, of which a fact is known.
    pub(crate) fn fresh_with(&mut self, state: &mut State, site: Site, fact: Fact) -> Value {
        let v = state.fresh(&mut self.terms, site);
        if !fact.is_trivial() {
            state.facts.insert(v, Rc::new(fact));
        }
        v
    }
}
