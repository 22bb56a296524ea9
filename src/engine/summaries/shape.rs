//! The shape of a call: the properties on which a summary for all callers may depend.

use rustc_hash::FxHashSet;

use crate::engine::Engine;
use crate::engine::summaries::library::{Shape, Shaped};
use crate::engine::values::env::Env;
use crate::engine::values::fact::Kind;
use crate::engine::values::ghost::Ghost;
use crate::engine::values::state::{Cell, Slot, State};
use crate::engine::values::value::{CLASS_OF, Term, Value, for_each_operand};
use crate::ir::Literal;
use crate::program::{ClassRef, FuncRef};

/// Known integers up to this one make different shapes, because small ones are numbers of attempts.
const SMALL: i64 = 16;

/// The number of objects examined to see what an argument leads to.
const MAX_OBJECTS: usize = 200;

/// Tuples nested deeper are treated as unknown.
const MAX_TUPLES: u32 = 2;

/// The key of a summary for all callers: the shape of the call, and the classes of the inputs whose
/// class is known.
pub(in crate::engine) type CallKey = (Shape, Vec<ClassRef>);

/// A call in the terms of a summary for all callers.
pub(in crate::engine) struct Called {
    pub(in crate::engine) shape: Shape,
    /// The caller's values of the inputs.
    pub(in crate::engine) originals: Vec<Value>,
    /// The classes of the inputs whose class is known, in order.
    pub(in crate::engine) classes: Vec<ClassRef>,
}

impl Called {
    pub(in crate::engine) fn key(&self) -> CallKey {
        (self.shape.clone(), self.classes.clone())
    }
}

impl Engine<'_> {
    /// The shape of a call. `None` if an argument may run code that the caller knows, or leads to
    /// the watched object without being it. Such calls are followed from the caller's state.
    pub(in crate::engine) fn shape(
        &mut self,
        state: &State,
        f: FuncRef,
        env: &Env,
    ) -> Option<Called> {
        let m = self.program.module(f.module);
        let function = m.ir.function(f.func);
        if function.outer_cells.is_some() {
            return None;
        }
        let cells = function.cells().map(crate::ir::LocalId::index);
        let mut out = Called {
            shape: Shape {
                func: f,
                watched: None,
                params: Vec::new(),
                reach: self.reach()?,
            },
            originals: Vec::new(),
            classes: Vec::new(),
        };
        for (local, v) in env.iter() {
            let shaped = if Some(local) == cells {
                Shaped::Cells
            } else {
                self.shaped(state, v, &mut out, 0)?
            };
            let local = u32::try_from(local).expect("fewer than 2^32 locals");
            out.shape.params.push((local, shaped));
        }
        Some(out)
    }

    fn shaped(&mut self, state: &State, v: Value, out: &mut Called, depth: u32) -> Option<Shaped> {
        if let Some(at) = out.originals.iter().position(|o| *o == v) {
            return Some(self.input(state, v, at));
        }
        match self.terms.term(v) {
            Term::Lit(Literal::None | Literal::Bool(_)) => {
                return Some(Shaped::Known(self.terms.term(v).clone()));
            }
            Term::Lit(Literal::Int(i)) if i.abs() <= SMALL => {
                return Some(Shaped::Known(self.terms.term(v).clone()));
            }
            Term::Lit(_) => {}
            Term::Tuple(items) if depth < MAX_TUPLES => {
                let items = items.clone();
                let items: Option<Vec<Shaped>> = items
                    .iter()
                    .map(|item| self.shaped(state, *item, out, depth + 1))
                    .collect();
                return items.map(Shaped::Tuple);
            }
            Term::Pure(name, operands) if name == CLASS_OF && depth < MAX_TUPLES => {
                let of = operands.first().copied()?;
                let of = self.shaped(state, of, out, depth + 1)?;
                return Some(Shaped::ClassOf(Box::new(of)));
            }
            term if self.terms.leaves(v).is_empty() && is_name(term) => {
                return Some(Shaped::Known(term.clone()));
            }
            _ => {
                if v != state.watched && !self.is_plain(state, v) {
                    return None;
                }
            }
        }
        let at = out.originals.len();
        out.originals.push(v);
        if v == state.watched {
            out.shape.watched = Some(number(at));
        }
        if let Some(class) = state.fact(v).and_then(|f| f.class) {
            out.classes.push(class);
        }
        Some(self.input(state, v, at))
    }

    fn input(&self, state: &State, v: Value, at: usize) -> Shaped {
        let classed = state.fact(v).is_some_and(|f| f.class.is_some());
        Shaped::Input(number(at), state.kind(&self.terms, v), classed)
    }

    /// Whether a value leads neither to code that the caller knows nor to the watched object.
    fn is_plain(&mut self, state: &State, v: Value) -> bool {
        let mut watched = self.holders(state);
        watched.push(state.watched);
        watched.extend(self.other_roots(state));
        let mut seen: FxHashSet<Value> = FxHashSet::default();
        let mut work = vec![v];
        while let Some(v) = work.pop() {
            if watched.contains(&v) || seen.len() > MAX_OBJECTS {
                return false;
            }
            if !seen.insert(v) {
                continue;
            }
            match self.terms.term(v) {
                Term::Closure(..)
                | Term::Bound(..)
                | Term::Method(..)
                | Term::Super(..)
                | Term::Pending(..)
                | Term::Vars(_) => return false,
                Term::Pure(n, _)
                    if matches!(n.as_str(), "partial" | "raw" | "callback" | "gather") =>
                {
                    return false;
                }
                Term::Tuple(items) => work.extend(items.iter().copied()),
                Term::Pure(_, ops) => work.extend(ops.iter().filter(|o| !self.is_asked(**o))),
                term @ (Term::Enumerate(..) | Term::Zip(_)) => {
                    for_each_operand(term, |o| work.push(o));
                }
                _ => {}
            }
            if matches!(state.kind(&self.terms, v), Kind::Iterator | Kind::Generator) {
                return false;
            }
            for (slot, cell) in state.slots(v) {
                if is_running(slot) {
                    return false;
                }
                if let (Slot::Item(_) | Slot::Field(_), Cell::Has(x)) = (slot, cell) {
                    work.push(*x);
                }
            }
        }
        true
    }

    /// Whether an operand is only tested, and is not an object of its own.
    fn is_asked(&self, v: Value) -> bool {
        self.terms.is_boolean(v) || matches!(self.terms.term(v), Term::Field(..) | Term::Item(..))
    }
}

/// Whether a term names something of the program or of a library.
fn is_name(term: &Term) -> bool {
    matches!(
        term,
        Term::Global(..) | Term::Module(_) | Term::Func(_) | Term::Class(_) | Term::Member(..)
    )
}

/// Whether a slot belongs to an iterator, a generator or a context manager.
fn is_running(slot: &Slot) -> bool {
    matches!(
        slot,
        Slot::Ghost(Ghost::Source | Ghost::Inner | Ghost::Callee | Ghost::Manager)
    )
}

fn number(at: usize) -> u32 {
    u32::try_from(at).expect("fewer than 2^32 inputs")
}
