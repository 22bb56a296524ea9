//! Symbolic values: hash-consed terms.
//!
//! Two program expressions that must have the same value in a state have the same [`Value`]. So
//! "the same test twice" is an equality of terms, and a flag is the term of the test that it was
//! assigned from. Mutable objects are symbols with an identity; their contents are in the state's
//! heap. This is value numbering (Alpern, Wegman and Zadeck, POPL 1988) per path.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::ir::{BinOp, CmpOp, Literal, Name};
use crate::program::{ClassRef, FuncRef, ModuleId};

/// A hash-consed term: equal values are equal terms. It has a meaning only together with the
/// [`Terms`] that made it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Value(pub u32);

/// A program point that makes new values, or one of the values that a call returned.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Site {
    /// The function.
    pub func: FuncRef,
    /// Its basic block.
    pub block: u32,
    /// The index of the statement in the block; the terminator comes after the last statement.
    pub index: u32,
    /// Which of the values made there.
    pub part: u32,
}

/// How a value was made, in the detail that automata need.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Made {
    /// By a call of this name. The operands are the receiver (None if there is none) and the
    /// arguments.
    Call(Name),
    /// As an element of the operand.
    Element,
    /// As the concatenation of the operands.
    Text,
}

impl Site {
    /// Whether the values of this site come from joining others, and not from the program.
    #[must_use]
    pub fn is_join(self) -> bool {
        self.index == u32::MAX || self.block == u32::MAX
    }
}

/// The shape of a value.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Term {
    /// A known value.
    Lit(Literal),
    /// A new value made at a site; the generation tells apart those alive at the same time.
    Symbol(Site, u32),
    /// An input of the function that is being summarised, in canonical order.
    Input(u32),
    /// An unresolved module-level name.
    Global(ModuleId, Name),
    /// A builtin, or something imported from outside the program, by its dotted path.
    External(Name),
    /// A name with this dotted path that is a builtin or imported from outside the program.
    Module(ModuleId),
    /// A function of the program.
    Func(FuncRef),
    /// A nested function together with the cells of the call that made it.
    Closure(FuncRef, Value),
    /// A class of the program.
    Class(ClassRef),
    /// A member of an enumeration.
    Member(ClassRef, Name),
    /// A method bound to its receiver.
    Bound(Value, Value),
    /// A method looked up by name on a receiver of unknown class.
    Method(Value, Name),
    /// `super()`: the receiver, and the class after which its MRO is searched.
    Super(Value, Option<ClassRef>),
    /// A field of an object as it was on entry.
    Field(Value, Name),
    /// An item of a container as it was on entry.
    Item(Value, Value),
    /// Negation.
    Not(Value),
    /// `bool(x)`
    Truth(Value),
    /// A comparison. Only `Eq`, `Lt`, `LtE`, `Is` and `In` occur.
    Cmp(CmpOp, Value, Value),
    /// The length of a container, or of a snapshot of one.
    Len(Value),
    /// `isinstance(x, class)`
    Instance(Value, Value),
    /// A pure function of its operands, by name.
    Pure(Name, Arc<[Value]>),
    /// How another value was made; not a value of the program.
    Made(Made, Arc<[Value]>),
    /// A block of a function: a place in the code, not a value of the program.
    Place(FuncRef, u32),
    /// Arithmetic whose operands are not both known.
    Arith(BinOp, Value, Value),
    /// A tuple.
    Tuple(Arc<[Value]>),
    /// `range(start, stop, step)`
    Range(Value, Value, Value),
    /// `enumerate(x, start)`
    Enumerate(Value, Value),
    /// `zip(...)`
    Zip(Arc<[Value]>),
    /// The items, keys or values of a mapping, or of a snapshot of one.
    View(Name, Value),
    /// `vars(x)`
    Vars(Value),
    /// What a variable holds that is not bound: not a value of the program. Reading it raises.
    Unbound,
    /// A call that has not run yet (a coroutine): callee, arguments, keyword names.
    Pending(Value, Arc<[Value]>, Arc<[Name]>),
}

impl Term {
    /// Whether the term is callable code of the program.
    #[must_use]
    pub fn is_callable(&self) -> bool {
        match self {
            Term::Func(_) | Term::Closure(..) | Term::Bound(..) | Term::Pending(..) => true,
            Term::Pure(n, _) => n == "partial" || n == "raw",
            _ => false,
        }
    }

    /// The same term with other operands.
    #[must_use]
    pub fn map_operands(&self, mut go: impl FnMut(Value) -> Value) -> Term {
        match self {
            Term::Lit(_)
            | Term::Symbol(..)
            | Term::Input(_)
            | Term::Global(..)
            | Term::External(_)
            | Term::Module(_)
            | Term::Func(_)
            | Term::Class(_)
            | Term::Place(..)
            | Term::Unbound
            | Term::Member(..) => self.clone(),
            Term::Closure(f, a) => Term::Closure(*f, go(*a)),
            Term::Bound(a, b) => Term::Bound(go(*a), go(*b)),
            Term::Method(a, n) => Term::Method(go(*a), n.clone()),
            Term::Super(a, c) => Term::Super(go(*a), *c),
            Term::Field(a, n) => Term::Field(go(*a), n.clone()),
            Term::Item(a, b) => Term::Item(go(*a), go(*b)),
            Term::Not(a) => Term::Not(go(*a)),
            Term::Truth(a) => Term::Truth(go(*a)),
            Term::Cmp(op, a, b) => Term::Cmp(*op, go(*a), go(*b)),
            Term::Len(a) => Term::Len(go(*a)),
            Term::Instance(a, b) => Term::Instance(go(*a), go(*b)),
            Term::Pure(n, ops) => Term::Pure(n.clone(), ops.iter().map(|o| go(*o)).collect()),
            Term::Made(how, ops) => Term::Made(how.clone(), ops.iter().map(|o| go(*o)).collect()),
            Term::Arith(op, a, b) => Term::Arith(*op, go(*a), go(*b)),
            Term::Tuple(ops) => Term::Tuple(ops.iter().map(|o| go(*o)).collect()),
            Term::Range(a, b, c) => Term::Range(go(*a), go(*b), go(*c)),
            Term::Enumerate(a, b) => Term::Enumerate(go(*a), go(*b)),
            Term::Zip(ops) => Term::Zip(ops.iter().map(|o| go(*o)).collect()),
            Term::View(n, a) => Term::View(n.clone(), go(*a)),
            Term::Vars(a) => Term::Vars(go(*a)),
            Term::Pending(a, ops, names) => {
                let ops = ops.iter().map(|o| go(*o)).collect();
                Term::Pending(go(*a), ops, names.clone())
            }
        }
    }
}

/// The [`Term::Pure`] that stands for the class of its operand.
pub(in crate::engine) const CLASS_OF: &str = "type";

/// A term that would be nested deeper is replaced by a fresh symbol.
pub const MAX_TERM_DEPTH: u8 = 10;

#[derive(Clone)]
struct Info {
    term: Term,
    leaves: Arc<[Value]>,
    depth: u8,
}

/// The table of terms of one analysis.
#[derive(Default)]
pub struct Terms {
    infos: Vec<Info>,
    index: FxHashMap<Term, Value>,
}

impl Terms {
    /// The value that stands for the class of another.
    pub(in crate::engine) fn class_of(&mut self, v: Value) -> Value {
        self.make(Term::Pure(CLASS_OF.into(), Arc::from([v])))
    }

    /// The value of a term.
    pub fn make(&mut self, term: Term) -> Value {
        if let Some(v) = self.index.get(&term) {
            return *v;
        }
        let v = Value(u32::try_from(self.infos.len()).expect("fewer than 2^32 terms"));
        let mut leaves: Vec<Value> = Vec::new();
        let mut depth = 0;
        match &term {
            Term::Symbol(..) | Term::Input(_) => leaves.push(v),
            _ => for_each_operand(&term, |o| {
                let info = &self.infos[o.0 as usize];
                depth = depth.max(info.depth);
                leaves.extend(info.leaves.iter().copied());
            }),
        }
        leaves.sort_unstable();
        leaves.dedup();
        self.infos.push(Info {
            term: term.clone(),
            leaves: leaves.into(),
            depth: depth.saturating_add(1),
        });
        self.index.insert(term, v);
        v
    }

    /// The value of the term, if the term exists already.
    #[must_use]
    pub fn existing(&self, term: &Term) -> Option<Value> {
        self.index.get(term).copied()
    }

    /// The term of a value.
    #[must_use]
    pub fn term(&self, v: Value) -> &Term {
        &self.infos[v.0 as usize].term
    }

    /// The symbols and inputs that a term is made of.
    #[must_use]
    pub fn leaves(&self, v: Value) -> &Arc<[Value]> {
        &self.infos[v.0 as usize].leaves
    }

    /// Nesting depth.
    #[must_use]
    pub fn depth(&self, v: Value) -> u8 {
        self.infos[v.0 as usize].depth
    }

    /// The literal that a value is, if it is one.
    #[must_use]
    pub fn literal(&self, v: Value) -> Option<&Literal> {
        match self.term(v) {
            Term::Lit(l) => Some(l),
            _ => None,
        }
    }

    /// The value of a literal.
    pub fn lit(&mut self, l: Literal) -> Value {
        self.make(Term::Lit(l))
    }

    /// The value of a boolean.
    pub fn bool(&mut self, b: bool) -> Value {
        self.lit(Literal::Bool(b))
    }

    /// The value of an integer.
    pub fn int(&mut self, i: i64) -> Value {
        self.lit(Literal::Int(i))
    }

    /// The value of a string.
    pub fn str(&mut self, s: &str) -> Value {
        self.lit(Literal::Str(s.into()))
    }

    /// The value `None`.
    pub fn none(&mut self) -> Value {
        self.lit(Literal::None)
    }

    /// The value of a name from outside the program.
    pub fn external(&mut self, path: &str) -> Value {
        self.make(Term::External(path.into()))
    }

    /// `not v`, simplified.
    pub fn not(&mut self, v: Value) -> Value {
        match self.term(v) {
            Term::Lit(l) => {
                let t = literal_truth(l);
                self.bool(!t)
            }
            Term::Not(inner) => {
                let inner = *inner;
                if self.is_boolean(inner) {
                    inner
                } else {
                    self.make(Term::Truth(inner))
                }
            }
            Term::Truth(inner) => {
                let inner = *inner;
                self.make(Term::Not(inner))
            }
            _ => self.make(Term::Not(v)),
        }
    }

    /// Whether a term is always True or False.
    #[must_use]
    pub fn is_boolean(&self, v: Value) -> bool {
        matches!(
            self.term(v),
            Term::Lit(Literal::Bool(_))
                | Term::Not(_)
                | Term::Truth(_)
                | Term::Cmp(..)
                | Term::Instance(..)
        )
    }

    /// Rebuilds a value with its leaves replaced.
    pub fn substitute(&mut self, v: Value, map: &mut FxHashMap<Value, Value>) -> Value {
        if let Some(to) = map.get(&v) {
            return *to;
        }
        if self.leaves(v).is_empty() {
            return v;
        }
        let term = self.term(v).clone();
        let new = match term {
            Term::Not(a) => {
                let a = self.substitute(a, map);
                self.not(a)
            }
            Term::Symbol(..) | Term::Input(_) => return v,
            term => {
                let term = term.map_operands(|o| self.substitute(o, map));
                self.make(term)
            }
        };
        map.insert(v, new);
        new
    }

    /// Calls `f` for every field name in a term.
    pub fn for_each_field(&self, v: Value, f: &mut impl FnMut(&Name)) {
        let term = self.term(v);
        if let Term::Field(_, n) = term {
            f(n);
        }
        let mut operands = Vec::new();
        for_each_operand(term, |o| operands.push(o));
        for o in operands {
            self.for_each_field(o, f);
        }
    }
}

/// Calls `f` for every direct operand of a term.
pub fn for_each_operand(term: &Term, mut f: impl FnMut(Value)) {
    match term {
        Term::Lit(_)
        | Term::Symbol(..)
        | Term::Input(_)
        | Term::Global(..)
        | Term::External(_)
        | Term::Module(_)
        | Term::Func(_)
        | Term::Class(_)
        | Term::Place(..)
        | Term::Unbound
        | Term::Member(..) => {}
        Term::Closure(_, a)
        | Term::Super(a, _)
        | Term::Method(a, _)
        | Term::Field(a, _)
        | Term::Not(a)
        | Term::Truth(a)
        | Term::Len(a)
        | Term::View(_, a)
        | Term::Vars(a) => f(*a),
        Term::Bound(a, b)
        | Term::Item(a, b)
        | Term::Cmp(_, a, b)
        | Term::Instance(a, b)
        | Term::Arith(_, a, b)
        | Term::Enumerate(a, b) => {
            f(*a);
            f(*b);
        }
        Term::Range(a, b, c) => {
            f(*a);
            f(*b);
            f(*c);
        }
        Term::Pure(_, ops) | Term::Made(_, ops) | Term::Tuple(ops) | Term::Zip(ops) => {
            ops.iter().for_each(|o| f(*o));
        }
        Term::Pending(a, ops, _) => {
            f(*a);
            ops.iter().for_each(|o| f(*o));
        }
    }
}

/// The truth of a literal.
#[must_use]
pub fn literal_truth(l: &Literal) -> bool {
    match l {
        Literal::None => false,
        Literal::Bool(b) => *b,
        Literal::Int(i) => *i != 0,
        Literal::Float(bits) => f64::from_bits(*bits) != 0.0,
        Literal::Str(s) => !s.is_empty(),
        Literal::Bytes(b) => !b.is_empty(),
        Literal::Ellipsis => true,
    }
}

/// Whether two literals compare equal with `==` (True is 1, 1.0 is 1).
#[must_use]
pub fn literal_eq(a: &Literal, b: &Literal) -> bool {
    match (number(a), number(b)) {
        (Some(x), Some(y)) => x == y,
        _ => a == b,
    }
}

/// The number that a literal is in Python's numeric tower.
#[must_use]
pub fn number(l: &Literal) -> Option<f64> {
    match l {
        Literal::Bool(b) => Some(f64::from(u8::from(*b))),
        #[allow(clippy::cast_precision_loss)]
        Literal::Int(i) => Some(*i as f64),
        Literal::Float(bits) => Some(f64::from_bits(*bits)),
        _ => None,
    }
}
