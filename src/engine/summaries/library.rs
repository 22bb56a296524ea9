//! What is known about functions, for the whole program.
//!
//! A helper behaves alike for all its callers if it does not touch what a rule watches and is not
//! given it. It is followed once, with parameters of which only the kinds are known ([`Shape`]).
//! The result ([`Generic`]) serves every caller, class and rule. An entry was computed for one
//! class of each argument, and is valid for all classes that give the same answers to the questions
//! asked on the way ([`Answers`]).

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use rustc_hash::{FxHashMap, FxHashSet};

use crate::busy::{Busy, Doing};
use crate::engine::flow::ExitKind;
use crate::engine::liveness::Liveness;
use crate::engine::objects::ask::Answers;
use crate::engine::values::fact::{Fact, Kind};
use crate::engine::values::ghost::Flags;
use crate::engine::values::state::{Cell, Slot};
use crate::engine::values::value::{Term, Value};
use crate::ir::Name;
use crate::program::{ClassRef, FuncRef, Program};
use crate::source::trace::{self, Trace};

/// The properties of a call on which its summary may depend.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Shape {
    /// The function.
    pub func: FuncRef,
    /// The number of the input that is the watched object, if the call is given it.
    pub watched: Option<u32>,
    /// The bound parameters, by local.
    pub params: Vec<(u32, Shaped)>,
    /// How deep calls within it are followed; `None` for no limit.
    pub reach: Option<u8>,
}

/// What is known about an argument.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Shaped {
    /// The input of this number: its kind, and whether its class is known.
    Input(u32, Kind, bool),
    /// A constant.
    Known(Term),
    /// A tuple of these.
    Tuple(Vec<Shaped>),
    /// The class of this argument: the first argument of `__exit__` is the class of the exception.
    ClassOf(Box<Shaped>),
    /// The cells of the call itself.
    Cells,
}

/// A call that a function makes, directly or through functions that it calls.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Deed {
    /// The last part of the callee's name.
    pub name: Name,
    /// The name of the receiver or module before it, if there is one.
    pub receiver: Option<Name>,
    /// Texts among the arguments, as far as they are known: at least their beginnings.
    pub texts: Vec<Name>,
    /// Whether an argument may be a text that only the caller knows.
    pub open: bool,
    /// Whether the receiver comes from the caller.
    pub on_input: bool,
    /// Whether the callee is a function of the program, whose own calls are recorded, too.
    pub resolved: bool,
    /// Whether a function that is only asked for something makes it; see [`Asks`].
    pub asked: bool,
    /// The function whose code makes the call.
    pub within: FuncRef,
}

/// What a function does, whoever calls it.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Deeds {
    /// The calls that it makes.
    pub calls: BTreeSet<Deed>,
    /// The names of the fields that it loads, stores or deletes.
    pub fields: FxHashSet<Name>,
    /// The functions whose code runs, including its own.
    pub functions: BTreeSet<FuncRef>,
}

/// Tells whether a function of this name is only asked for something: `get_credentials`. What it
/// does to find the answer serves only itself.
pub type Asks = fn(&str) -> bool;

impl Deeds {
    /// Marks all calls as made for a function that is only asked for something.
    #[must_use]
    pub fn asked(self) -> Deeds {
        let calls = self.calls.into_iter();
        let calls = calls.map(|call| Deed {
            asked: true,
            ..call
        });
        Deeds {
            calls: calls.collect(),
            ..self
        }
    }

    /// Adds the deeds of another function.
    pub fn extend(&mut self, other: &Deeds) {
        self.calls.extend(other.calls.iter().cloned());
        self.fields.extend(other.fields.iter().cloned());
        self.functions.extend(&other.functions);
    }
}

/// One way of leaving a function. Values are indices into [`Generic::terms`].
#[derive(Clone, PartialEq, Debug)]
pub struct GenericExit {
    /// How the function is left.
    pub kind: ExitKind,
    /// The value returned or raised.
    pub value: Value,
    /// The known contents of objects that the function stored to or tested.
    pub heap: Vec<((Value, Slot), Cell)>,
    /// What must hold of the inputs for the exit to be taken, and what is known about new values.
    pub facts: Vec<(Value, Fact)>,
    /// The engine's doubts about the path.
    pub doubts: Flags,
    /// Whether the exception that leaves the function comes from a `raise` statement of the
    /// program.
    pub explicit: bool,
}

/// The summary of a function for all its callers.
#[derive(Debug)]
pub struct Generic {
    /// The terms that the exits use. Their operands are indices of earlier terms.
    pub terms: Vec<Term>,
    /// The ways of leaving the function.
    pub exits: Vec<GenericExit>,
    /// What it does.
    pub deeds: Deeds,
}

/// A summary, and the classes for which it is valid.
pub(crate) struct Kept {
    classes: Vec<ClassRef>,
    /// For each input of a known class: the questions about that class, with the answers.
    pub(crate) answers: Vec<Answers>,
    /// `None` if the function cannot be followed to its end.
    pub(crate) generic: Option<Arc<Generic>>,
    trace: Trace,
}

/// The cost of following a function.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Walk {
    /// The number of block executions.
    pub steps: u64,
    /// The function.
    pub func: FuncRef,
    /// The number of its basic blocks.
    pub blocks: u64,
}

/// What is known about the functions of a program.
pub struct Shelf {
    asks: Asks,
    /// Who is told which function is being followed.
    busy: Option<Arc<Busy>>,
    walks: Mutex<Vec<Walk>>,
    entries: RwLock<FxHashMap<Shape, Vec<Arc<Kept>>>>,
    /// The variables of functions that may be read before they are bound.
    unbound: RwLock<FxHashMap<FuncRef, Arc<[usize]>>>,
}

impl Shelf {
    /// An empty shelf. `asks` tells by its name whether a function is only asked for something.
    #[must_use]
    pub fn new(asks: Asks) -> Self {
        Self {
            asks,
            busy: None,
            walks: Mutex::default(),
            entries: RwLock::default(),
            unbound: RwLock::default(),
        }
    }

    /// Tells somebody which functions are being followed.
    #[must_use]
    pub fn telling(mut self, busy: Option<Arc<Busy>>) -> Self {
        self.busy = busy;
        self
    }
}

/// The program, with what is known about its functions.
#[derive(Clone, Copy)]
pub struct Library<'p> {
    /// The program.
    pub program: &'p Program<'p>,
    shelf: &'p Shelf,
}

impl<'p> Library<'p> {
    /// The program, with what is known already.
    #[must_use]
    pub fn new(program: &'p Program<'p>, shelf: &'p Shelf) -> Self {
        Self { program, shelf }
    }

    /// Whether a function of this name is only asked for something.
    pub(crate) fn asks(&self, name: &str) -> bool {
        (self.shelf.asks)(name)
    }

    /// The variables of a function that some path reads before it binds them.
    pub(crate) fn unbound(&self, func: FuncRef) -> Arc<[usize]> {
        let shelf = self.shelf.unbound.read();
        let shelf = shelf.unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = shelf.get(&func) {
            return Arc::clone(known);
        }
        drop(shelf);
        let module = self.program.module(func.module);
        let found: Arc<[usize]> = Liveness::compute(module.ir.function(func.func))
            .unbound
            .into();
        let shelf = self.shelf.unbound.write();
        let mut shelf = shelf.unwrap_or_else(PoisonError::into_inner);
        shelf.insert(func, Arc::clone(&found));
        found
    }

    /// Tells that a function is being followed, as long as the result is there.
    pub(crate) fn follows(&self, func: FuncRef) -> Option<Doing<'p>> {
        let busy = self.shelf.busy.as_ref()?;
        busy.follow(|| {
            let file = &self.program.module(func.module).file;
            let file = file.as_ref().map_or("", |file| file.display.as_str());
            format!("{} in {file}", self.program.qualname(func))
        })
    }

    /// Records the cost of following a function.
    pub fn note_walk(&self, walk: Walk) {
        let mut walks = self
            .shelf
            .walks
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        walks.push(walk);
    }

    /// The cost of following each function, the most expensive first.
    #[must_use]
    pub fn walks(&self) -> Vec<Walk> {
        let walks = self
            .shelf
            .walks
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut walks = walks.clone();
        walks.sort_unstable_by(|a, b| b.cmp(a));
        walks
    }

    /// The summary of a function for a call of this shape, with inputs of these classes.
    pub(crate) fn find(&self, shape: &Shape, classes: &[ClassRef]) -> Option<Arc<Kept>> {
        let candidates = {
            let entries = self
                .shelf
                .entries
                .read()
                .unwrap_or_else(PoisonError::into_inner);
            entries.get(shape)?.clone()
        };
        let found = candidates.into_iter().find(|kept| {
            let mut pairs = kept.answers.iter().zip(classes);
            kept.classes == classes
                || pairs.all(|(answers, class)| answers.hold_for(self.program, *class))
        });
        if let Some(found) = &found {
            trace::replay(&found.trace);
        }
        found
    }

    /// Keeps a summary, with what it depends on. If two threads compute the same one, their results are equal.
    pub(crate) fn keep(
        &self,
        shape: Shape,
        classes: Vec<ClassRef>,
        answers: Vec<Answers>,
        (generic, trace): (Option<Arc<Generic>>, Trace),
    ) -> Arc<Kept> {
        let kept = Arc::new(Kept {
            classes,
            answers,
            generic,
            trace,
        });
        let mut entries = self
            .shelf
            .entries
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let known = entries.entry(shape).or_default();
        if !known.iter().any(|other| other.classes == kept.classes) {
            known.push(Arc::clone(&kept));
        }
        kept
    }
}
