//! What is known of functions for the whole program.
//!
//! A helper that neither touches what a rule watches nor is told of what it watches behaves alike
//! for all its callers. It is followed once, with parameters of which no more is known than their
//! kinds ([`Shape`]), and what that brought ([`Generic`]) serves every caller, class and rule. An
//! entry was found out for one class of each argument and serves for all classes that answer the
//! questions asked on the way alike ([`Answers`]).

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use rustc_hash::{FxHashMap, FxHashSet};

use crate::engine::flow::ExitKind;
use crate::engine::objects::ask::Answers;
use crate::engine::values::fact::{Fact, Kind};
use crate::engine::values::ghost::Flags;
use crate::engine::values::state::{Cell, Slot};
use crate::engine::values::value::{Term, Value};
use crate::ir::Name;
use crate::program::{ClassRef, FuncRef, Program};

/// How a function is called, as far as its summary may depend on it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Shape {
    /// The function.
    pub func: FuncRef,
    /// The input that is the watched object, if it is given.
    pub watched: Option<u32>,
    /// The parameters that are bound, by local.
    pub params: Vec<(u32, Shaped)>,
    /// How deep calls in it are looked into; `None` for as deep as they go.
    pub reach: Option<u8>,
}

/// What is known of an argument.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Shaped {
    /// The input of this number: its kind, and whether its class is known.
    Input(u32, Kind, bool),
    /// A constant.
    Known(Term),
    /// A tuple of these.
    Tuple(Vec<Shaped>),
    /// The class of this, as `__exit__` is given that of the exception.
    ClassOf(Box<Shaped>),
    /// The cells of the call itself.
    Cells,
}

/// A call that a function makes, itself or in functions that it calls.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Deed {
    /// The last part of the callee's name.
    pub name: Name,
    /// The name of the receiver or module in front of it, when there is one.
    pub receiver: Option<Name>,
    /// Texts among the arguments, as far as they are known: at least how they begin.
    pub texts: Vec<Name>,
    /// Whether an argument may be a text that the caller knows.
    pub open: bool,
    /// Whether the receiver comes from the caller.
    pub on_input: bool,
    /// Whether the callee is a function of the program, whose own calls are told as well.
    pub resolved: bool,
    /// Whether it is made for a function that is only asked for something, see [`Asks`].
    pub asked: bool,
    /// The function whose code calls.
    pub within: FuncRef,
}

/// What a function does, whoever calls it.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Deeds {
    /// Its calls.
    pub calls: BTreeSet<Deed>,
    /// Names of the fields that are loaded, stored or deleted.
    pub fields: FxHashSet<Name>,
    /// The functions whose code runs, itself included.
    pub functions: BTreeSet<FuncRef>,
}

/// Whether a function of this name is only asked for something: `get_credentials`. What it does to
/// find that out, it does for itself.
pub type Asks = fn(&str) -> bool;

impl Deeds {
    /// What of it is done for a function that is only asked for something: all of it.
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

    /// Adds what another function does.
    pub fn extend(&mut self, other: &Deeds) {
        self.calls.extend(other.calls.iter().cloned());
        self.fields.extend(other.fields.iter().cloned());
        self.functions.extend(&other.functions);
    }
}

/// One way in which a function can be left. Values are indices into [`Generic::terms`].
#[derive(Clone, PartialEq, Debug)]
pub struct GenericExit {
    /// How.
    pub kind: ExitKind,
    /// The value returned or raised.
    pub value: Value,
    /// What objects contain that the function stored to or asked.
    pub heap: Vec<((Value, Slot), Cell)>,
    /// What must hold of the inputs for the exit to be taken, and what is known of new values.
    pub facts: Vec<(Value, Fact)>,
    /// The engine's doubts about the path.
    pub doubts: Flags,
    /// Whether a `raise` statement of the program raised what leaves it.
    pub explicit: bool,
}

/// The summary of a function for all its callers.
#[derive(Debug)]
pub struct Generic {
    /// The terms that the exits speak of: each after its operands, which are indices.
    pub terms: Vec<Term>,
    /// The exits.
    pub exits: Vec<GenericExit>,
    /// What it does.
    pub deeds: Deeds,
}

/// A summary, and the classes that it holds for.
pub(crate) struct Kept {
    classes: Vec<ClassRef>,
    /// What was asked about the class of each classed input.
    pub(crate) answers: Vec<Answers>,
    /// `None` for a function that is not followed to its end in any way.
    pub(crate) generic: Option<Arc<Generic>>,
}

/// What it took to follow a function.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Walk {
    /// Block executions.
    pub steps: u64,
    /// The function.
    pub func: FuncRef,
    /// Its basic blocks.
    pub blocks: u64,
}

/// What is known of the functions of a program.
pub struct Shelf {
    asks: Asks,
    walks: Mutex<Vec<Walk>>,
    entries: RwLock<FxHashMap<Shape, Vec<Arc<Kept>>>>,
}

impl Shelf {
    /// An empty shelf. `asks` tells functions by their names that are only asked for something.
    #[must_use]
    pub fn new(asks: Asks) -> Self {
        Self {
            asks,
            walks: Mutex::default(),
            entries: RwLock::default(),
        }
    }
}

/// The program with what is known of its functions.
#[derive(Clone, Copy)]
pub struct Library<'p> {
    /// The program.
    pub program: &'p Program<'p>,
    shelf: &'p Shelf,
}

impl<'p> Library<'p> {
    /// The program with what is known already.
    #[must_use]
    pub fn new(program: &'p Program<'p>, shelf: &'p Shelf) -> Self {
        Self { program, shelf }
    }

    /// Whether a function of this name is only asked for something.
    pub(crate) fn asks(&self, name: &str) -> bool {
        (self.shelf.asks)(name)
    }

    /// Writes down what it took to follow a function.
    pub fn note_walk(&self, walk: Walk) {
        let mut walks = self
            .shelf
            .walks
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        walks.push(walk);
    }

    /// What it took to follow each function, the longest walk first.
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

    /// The summary of a function that is called in this way, with inputs of these classes.
    pub(crate) fn find(&self, shape: &Shape, classes: &[ClassRef]) -> Option<Arc<Kept>> {
        let candidates = {
            let entries = self
                .shelf
                .entries
                .read()
                .unwrap_or_else(PoisonError::into_inner);
            entries.get(shape)?.clone()
        };
        candidates.into_iter().find(|kept| {
            let mut pairs = kept.answers.iter().zip(classes);
            kept.classes == classes
                || pairs.all(|(answers, class)| answers.hold_for(self.program, *class))
        })
    }

    /// Keeps a summary. Whoever comes second has found out the same.
    pub(crate) fn keep(
        &self,
        shape: Shape,
        classes: Vec<ClassRef>,
        answers: Vec<Answers>,
        generic: Option<Arc<Generic>>,
    ) -> Arc<Kept> {
        let kept = Arc::new(Kept {
            classes,
            answers,
            generic,
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
