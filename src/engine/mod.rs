//! The path engine: property simulation over the IR.
//!
//! A state is *property × pending completion × facts* (ESP: Das, Lerner and Seigle, PLDI 2002). The
//! facts come from symbolic execution per path. Values are hash-consed terms, the fact of a value
//! says what tests have established about it, and a heap says what objects contain. If there are
//! more states at a point than [`budget::Bounds`] allows, those that agree on the property and the
//! pending completion are merged, so the cost stays polynomial. A call of a function of the program
//! is replaced by its summary. Each violation is confirmed by a search for one concrete path,
//! without merging.
//!
//! | module | what it owns |
//! |---|---|
//! | [`automaton`] | what a rule watches, and the events that it receives |
//! | [`simulate`], `step`, `eval` | the fixpoint over a function, one block, one rvalue |
//! | [`flow`] | where an evaluation, a block and a function can lead |
//! | [`values`] | terms, facts, states, joins, and what a test establishes |
//! | [`objects`] | fields, items, methods of containers, classes of objects |
//! | `calls` | functions of the program, models of functions from outside |
//! | [`loops`] | iterators, and the iterations of loops |
//! | [`summaries`] | what a call does, without following the function again |
//! | [`witness`] | the search for one path, and the events on it |
//! | `liveness`, [`budget`] | what a state may drop, and all bounds |

pub mod automaton;
pub mod budget;
mod calls;
mod eval;
pub mod flow;
mod liveness;
pub mod loops;
pub mod objects;
pub mod simulate;
mod step;
pub mod summaries;
#[cfg(test)]
mod tests;
pub mod values;
pub mod witness;

use std::cell::{OnceCell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;

pub use crate::engine::automaton::{
    Automaton, CallEvent, CallOutcome, Catch, CompletedCall, FailureEvents, HelperFilter, Presence,
    Returned, RoundEvents, Test, ValueEvents, WatchedPlace, Watches,
};
use crate::engine::budget::{ASIDE, AT_A_PLACE, Bounds, Budget, GENERIC};
pub(crate) use crate::engine::calls::call::{is_log_method, is_logger_name};
pub(crate) use crate::engine::calls::decorators::decorated_with;
use crate::engine::liveness::Liveness;
use crate::engine::loops::rounds::Loops;
use crate::engine::objects::ask::Asked;
use crate::engine::summaries::generic::{Imported, Resting, Running};
use crate::engine::summaries::library::{Deeds, Generic, Library, Walk};
use crate::engine::summaries::shape::CallKey;
use crate::engine::summaries::summary::{OuterLive, Summary, SummaryKey};
use crate::engine::values::fact::Fact;
use crate::engine::values::state::{Cell, Slot, State};
use crate::engine::values::value::{Site, Term, Terms, Value};
use crate::ir::{BlockId, Function, LocalId, Name, Operand, Rvalue, TerminatorKind};
use crate::program::{ClassRef, FuncRef, LoadedModule, Lookup, MemberDef, Program};

/// A function under analysis, with what is computed once for it.
pub struct FnContext {
    /// The function.
    pub func: FuncRef,
    /// Its module.
    pub module: std::sync::Arc<LoadedModule>,
    /// Liveness of locals and fields.
    pub(crate) live: Liveness,
    /// Its loops, computed on first use.
    loops: OnceCell<Loops>,
}

impl FnContext {
    /// The IR of the function.
    #[must_use]
    pub fn function(&self) -> &Function {
        self.module.ir.function(self.func.func)
    }

    /// The site of a statement in a block; the terminator comes after the last statement.
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
    /// What the automaton watches.
    pub(crate) watches: Watches<'p>,
    /// The remaining budget.
    pub budget: Budget,
    /// The attribute that actually holds the watched dict, if a property of the contract's name
    /// returns it.
    pub(crate) watched_field: Name,
    /// The names of the variables that held a value, per function.
    names: FxHashMap<(FuncRef, Value), SmallVec<[Name; 2]>>,
    /// Whether the watched key may be a field of a record instead of an item.
    pub(crate) watched_record: bool,
    contexts: FxHashMap<FuncRef, Rc<FnContext>>,
    summaries: FxHashMap<SummaryKey, Rc<Summary>>,
    stack: Vec<SummaryKey>,
    /// Functions that are not followed any more, because they cost more than they can reveal.
    cut: FxHashSet<FuncRef>,
    /// Functions whose decorators are being applied.
    decorating: Vec<FuncRef>,
    /// The outermost activation on the stack whose function was called recursively.
    recursive_hit: usize,
    /// The fields that the callers of the function being simulated may still test.
    outer: Rc<OuterLive>,
    /// Attributes with a text that their class gives them.
    class_texts: FxHashMap<Value, (ClassRef, Name)>,
    /// The questions asked about classes, with their answers.
    pub(crate) asked: RefCell<Asked>,
    /// The generator that is followed as its consumer runs it: each `yield` goes on.
    pub driven: Option<FuncRef>,
    /// Whether functions of the program are followed.
    pub follows_helpers: bool,
    /// Whether any code that was followed loads or stores the attribute of the watched place.
    pub touches_place: bool,
    /// What is known about functions, for the whole program.
    library: &'p Library<'p>,
    /// Its summaries in this engine's terms, by their addresses.
    imported: FxHashMap<*const Generic, (Arc<Generic>, Rc<Imported>)>,
    /// The engine that computes summaries for all callers.
    neutral: Option<Box<Engine<'p>>>,
    /// In that engine: the deeds of the function being followed.
    deeds: Option<Deeds>,
    /// The summaries that are being computed, the innermost last.
    running: Vec<Running>,
    /// The outermost of them that was asked for in the meantime.
    lowest_asked: usize,
    /// Summaries that rest on one of these, valid for this iteration.
    provisional: FxHashMap<CallKey, Resting<Option<Rc<Imported>>>>,
    /// What the last iteration found for each function of a cycle of calls.
    approximations: FxHashMap<CallKey, Resting<Rc<Imported>>>,
    /// Whether such an approximation changed in this iteration.
    changed: bool,
}

impl<'p> Engine<'p> {
    /// A new engine.
    #[must_use]
    pub fn new(library: &'p Library<'p>, automaton: &'p dyn Automaton) -> Self {
        let watches = automaton.watches();
        Engine {
            program: library.program,
            terms: Terms::default(),
            automaton,
            watches,
            budget: Budget::default(),
            watched_field: watches
                .place
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
            driven: None,
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
        match self.watches.place {
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

    /// Records the cost of following a function from its entry. `before` is the number of block
    /// executions at the start.
    pub fn note_walk(&mut self, func: FuncRef, before: u64) {
        let blocks = self.context(func).function().body.blocks.len() as u64;
        self.library.note_walk(Walk {
            steps: self.budget.executed - before,
            func,
            blocks,
        });
    }

    /// The entry state of the function that is being simulated, unless it is the outermost one.
    #[must_use]
    pub fn entry_state(&self) -> Option<&State> {
        self.stack.last().map(|key| &*key.entry)
    }

    /// The dict that currently contains the watched place.
    pub(crate) fn watched_object(&mut self, state: &State) -> Value {
        let field = self.watched_field.clone();
        match state.heap.get(&(state.watched, Slot::Field(field.clone()))) {
            Some(Cell::Has(v)) => *v,
            _ => self.terms.make(Term::Field(state.watched, field)),
        }
    }

    /// Whether the watched key is set in the state.
    pub fn presence(&mut self, state: &State) -> Presence {
        let Some(key) = self.place_key() else {
            return Presence::Unknown;
        };
        let object = self.watched_object(state);
        if self.watched_record
            && let Some(place) = self.watches.place
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

    /// The state that covers both; see [`State::join`]. If the watched key is absent in both, it
    /// stays absent even if the keys of its dict are no longer all known.
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

    /// The value in the watched place, if it is known.
    pub fn stored(&mut self, state: &State) -> Option<Value> {
        let key = self.place_key()?;
        let object = self.watched_object(state);
        let mut slots = vec![Slot::Item(key)];
        if self.watched_record {
            let place = self.watches.place?;
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
        let place = self.watches.place?;
        Some(self.terms.str(&place.key))
    }

    /// The attribute that holds the dict of a watched place. If the class has a property of that
    /// name that only returns another attribute, it is that attribute.
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

    /// A new value made at a site, with a fact.
    pub(crate) fn fresh_with(&mut self, state: &mut State, site: Site, fact: Fact) -> Value {
        let v = state.fresh(&mut self.terms, site);
        if !fact.is_trivial() {
            state.facts.insert(v, Rc::new(fact));
        }
        v
    }
}
