//! Rvalues: what a statement or an `Eval` terminator computes.

use smol_str::SmolStr;

use crate::ir::body::LocalId;
use crate::ir::data::Data;
use crate::ir::item::{ClassIdx, FuncIdx, ImportPath};
use crate::source::Span;

/// An identifier or a short text; cheap to clone.
pub type Name = SmolStr;

/// A literal value.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Literal {
    /// `None`; Rust's `()`.
    None,
    /// A boolean.
    Bool(bool),
    /// An integer that fits. Larger ones are `Rvalue::Opaque`.
    Int(i64),
    /// A floating-point number, as the bits of an `f64`.
    Float(u64),
    /// A text.
    Str(Name),
    /// A byte string.
    Bytes(Vec<u8>),
    /// `...`
    Ellipsis,
}

/// A value that can be read without effect and without raising.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Operand {
    /// A local.
    Local(LocalId),
    /// A literal.
    Const(Literal),
}

impl Operand {
    /// The operand `None`.
    pub const NONE: Operand = Operand::Const(Literal::None);
}

/// One argument of a call.
#[derive(Clone, PartialEq, Debug)]
pub struct Arg {
    /// How it is passed.
    pub kind: ArgKind,
    /// The value.
    pub value: Operand,
}

/// How an argument is passed.
#[derive(Clone, PartialEq, Debug)]
pub enum ArgKind {
    /// By position.
    Positional,
    /// `*value`
    Star,
    /// `name=value`
    Keyword(Name),
    /// `**value`
    DoubleStar,
}

/// What is called.
#[derive(Clone, PartialEq, Debug)]
pub enum Callee {
    /// `receiver.name(...)`
    Method {
        /// The receiver.
        receiver: Operand,
        /// The method.
        name: Name,
        /// Span of the name.
        name_span: Span,
    },
    /// Any other callable value.
    Value(Operand),
}

/// Binary operators.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
#[allow(missing_docs)]
pub enum BinOp {
    Add,
    Sub,
    Mul,
    Div,
    FloorDiv,
    Mod,
    Pow,
    MatMul,
    BitAnd,
    BitOr,
    BitXor,
    Shl,
    Shr,
}

/// Comparison operators.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
#[allow(missing_docs)]
pub enum CmpOp {
    Eq,
    NotEq,
    Lt,
    LtE,
    Gt,
    GtE,
    Is,
    IsNot,
    In,
    NotIn,
}

/// An element of a list, tuple or set display.
#[derive(Clone, PartialEq, Debug)]
pub struct Element {
    /// The element, or the iterable that is spread.
    pub value: Operand,
    /// `*value`
    pub starred: bool,
}

/// An item of a dict display.
#[derive(Clone, PartialEq, Debug)]
pub enum DictItem {
    /// `key: value`
    Pair(Operand, Operand),
    /// `**value`
    Spread(Operand),
}

/// A computation. Each variant says whether it may raise. A front end puts those that may into
/// `TerminatorKind::Eval`, and the others into `StatementKind::Assign`.
#[derive(Clone, PartialEq, Debug)]
pub enum Rvalue {
    /// The operand itself. Never raises.
    Use(Operand),
    /// A module-level or builtin name. Never raises.
    Global(Name),
    /// A path: a name as seen from the scope of the function, then a member of its meaning, and so
    /// on. Never raises.
    Path(Vec<Name>),
    /// An operation on typed data. Never raises.
    Data(Data),
    /// `object.field`. Raises only into a handler that names AttributeError (or a base of it other
    /// than Exception); only then is it an `Eval`.
    GetField(Operand, Name),
    /// `object[key]`. May raise.
    GetItem(Operand, Operand),
    /// `object[a:b:c]`: a new sequence. Never raises.
    Slice {
        /// The sliced object.
        object: Operand,
        /// The bounds and the step, in order; absent ones are `None` literals.
        bounds: Box<[Operand; 3]>,
    },
    /// The element at `index` of a sequence that is unpacked or matched; a negative index counts
    /// from the end. With `rest_before_end: Some(n)`, the list of the elements from `index` to `n`
    /// before the end. Never raises.
    Unpack {
        /// The sequence.
        object: Operand,
        /// Position; negative counts from the end.
        index: i32,
        /// For a starred target: the number of elements after it.
        rest_before_end: Option<u32>,
    },
    /// A call. May raise.
    Call {
        /// What is called.
        callee: Callee,
        /// The arguments.
        args: Vec<Arg>,
    },
    /// `not x`: a new boolean. Never raises.
    Not(Operand),
    /// Arithmetic negation. Like [`Rvalue::Binary`].
    Neg(Operand),
    /// A binary operator. Raises only into a handler that names TypeError, ValueError,
    /// ZeroDivisionError, OverflowError or ArithmeticError.
    Binary(BinOp, Operand, Operand),
    /// `x op= y`. Like `Binary`, but a mutable left side is changed in place (`dict |= …`, `list +=
    /// …`). A separate statement stores the result back.
    InPlace(BinOp, Operand, Operand),
    /// A comparison: a new boolean. Raises only into a handler that names TypeError.
    Compare(CmpOp, Operand, Operand),
    /// `[…]`
    List(Vec<Element>),
    /// `(…)`
    Tuple(Vec<Element>),
    /// `{…}` of values
    Set(Vec<Element>),
    /// `{…}` of pairs
    Dict(Vec<DictItem>),
    /// A formatted text; literal pieces are constants. Never raises.
    Format(Vec<Operand>),
    /// A nested function, lambda or generator expression, closed over the current cells.
    Closure(FuncIdx),
    /// A class defined inside a function.
    MakeClass(ClassIdx),
    /// `super()` or `super(C, obj)`. Without arguments, `start` is the lexically enclosing class.
    Super {
        /// The class after which the search starts; `None` for the enclosing class.
        start: Option<Operand>,
        /// The enclosing class, if there is one.
        lexical: Option<ClassIdx>,
        /// The receiver (the first parameter for zero-argument `super()`).
        receiver: Operand,
    },
    /// An iterator over the operand. Never raises by itself.
    Iter {
        /// The iterable.
        object: Operand,
        /// `async for`
        is_async: bool,
    },
    /// Enters a context manager. The value is what `as` binds. May raise.
    Enter {
        /// The manager.
        manager: Operand,
        /// `async with`
        is_async: bool,
    },
    /// Exits a context manager. `exc` is the exception in flight, or the literal None. The value is
    /// true if the exception is swallowed. May raise.
    Exit {
        /// The manager.
        manager: Operand,
        /// The exception.
        exc: Operand,
        /// `async with`
        is_async: bool,
    },
    /// `await x`. May raise.
    Await(Operand),
    /// Whether a handler for `types` catches the exception; without types, it catches everything.
    /// `group`: `except*`. Never raises.
    Caught {
        /// The exception.
        exc: Operand,
        /// The classes (or tuples of classes) that the handler names.
        types: Vec<Operand>,
        /// `except*`
        group: bool,
    },
    /// Whether the subject is a sequence (other than a string) of this many elements. Never raises.
    MatchSequence {
        /// The subject.
        object: Operand,
        /// The required number of elements.
        len: u32,
        /// There may be more elements, because of a starred one.
        or_more: bool,
    },
    /// Whether the subject is a mapping. Never raises.
    MatchMapping(Operand),
    /// Whether the subject is an instance of the class. Never raises.
    MatchClass(Operand, Operand),
    /// An import inside a function. May raise.
    Import(ImportPath),
    /// An unknown new value made from the operands. Never raises.
    Opaque(Vec<Operand>),
}

impl Rvalue {
    /// The last part of the name by which this looks something up, if it does.
    #[must_use]
    pub fn name(&self) -> Option<&Name> {
        match self {
            Rvalue::Global(name) | Rvalue::GetField(_, name) => Some(name),
            Rvalue::Path(path) => path.last(),
            _ => None,
        }
    }

    /// Calls `f` for each operand.
    pub fn for_each_operand(&self, mut f: impl FnMut(&Operand)) {
        match self {
            Rvalue::Use(o)
            | Rvalue::GetField(o, _)
            | Rvalue::Not(o)
            | Rvalue::Neg(o)
            | Rvalue::Await(o)
            | Rvalue::MatchMapping(o)
            | Rvalue::MatchSequence { object: o, .. }
            | Rvalue::Iter { object: o, .. }
            | Rvalue::Enter { manager: o, .. }
            | Rvalue::Unpack { object: o, .. } => f(o),
            Rvalue::GetItem(a, b)
            | Rvalue::Binary(_, a, b)
            | Rvalue::InPlace(_, a, b)
            | Rvalue::Compare(_, a, b)
            | Rvalue::MatchClass(a, b) => {
                f(a);
                f(b);
            }
            Rvalue::Exit { manager, exc, .. } => {
                f(manager);
                f(exc);
            }
            Rvalue::Slice { object, bounds } => {
                f(object);
                bounds.iter().for_each(f);
            }
            Rvalue::Call { callee, args } => {
                match callee {
                    Callee::Method { receiver, .. } => f(receiver),
                    Callee::Value(v) => f(v),
                }
                args.iter().for_each(|a| f(&a.value));
            }
            Rvalue::List(items) | Rvalue::Tuple(items) | Rvalue::Set(items) => {
                items.iter().for_each(|i| f(&i.value));
            }
            Rvalue::Dict(items) => items.iter().for_each(|i| match i {
                DictItem::Pair(k, v) => {
                    f(k);
                    f(v);
                }
                DictItem::Spread(v) => f(v),
            }),
            Rvalue::Format(items) | Rvalue::Opaque(items) => items.iter().for_each(f),
            Rvalue::Data(data) => data.for_each_operand(f),
            Rvalue::Caught { exc, types, .. } => {
                f(exc);
                types.iter().for_each(f);
            }
            Rvalue::Super {
                start, receiver, ..
            } => {
                if let Some(s) = start {
                    f(s);
                }
                f(receiver);
            }
            Rvalue::Global(_)
            | Rvalue::Path(_)
            | Rvalue::Closure(_)
            | Rvalue::MakeClass(_)
            | Rvalue::Import(_) => {}
        }
    }
}
