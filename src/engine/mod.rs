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
//! | `places` | the objects that hold what a rule watches, and whether it is stored |
//! | [`objects`] | fields, items, methods of containers, classes of objects |
//! | `calls` | functions of the program, models of functions from outside |
//! | [`loops`] | iterators, and the iterations of loops |
//! | [`summaries`] | what a call does, without following the function again |
//! | [`witness`] | the search for one path, and the events on it |
//! | [`barriers`] | where ways end that no execution takes to their end |
//! | `liveness`, [`budget`] | what a state may drop, and all bounds |

pub mod automaton;
pub mod barriers;
pub mod budget;
mod calls;
mod eval;
pub mod flow;
mod liveness;
pub mod loops;
pub mod objects;
mod places;
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
    Automaton, CallEvent, CallOutcome, Catch, CompletedCall, FailureEvents, HelperFilter, Hop,
    Presence, Returned, RoundEvents, Test, ValueEvents, WatchedCall, WatchedPlace, Watches,
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
use crate::engine::values::state::State;
use crate::engine::values::value::{Site, Terms, Value};
use crate::ir::{BlockId, Function, Name};
use crate::program::{ClassRef, FuncRef, LoadedModule, Program};

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
    /// The watched places; see [`Engine::resolve_places`].
    places: Vec<WatchedPlace>,
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
            places: watches.places.unwrap_or_default().to_vec(),
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
        match self.watches.places {
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
