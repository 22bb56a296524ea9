//! Control-flow graphs: bodies, basic blocks, statements and terminators.

use std::collections::BTreeSet;

use smallvec::SmallVec;

use crate::ir::rvalue::{Literal, Name, Operand, Rvalue};
use crate::source::Span;

/// Index of a basic block in its [`Body`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct BlockId(pub u32);

/// Index of a local in its [`Body`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct LocalId(pub u32);

impl BlockId {
    /// The block in which every body starts.
    pub const ENTRY: BlockId = BlockId(0);

    /// The index as `usize`.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl LocalId {
    /// The index as `usize`.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// The control-flow graph of one function. `blocks[0]` is the entry.
#[derive(Clone, Debug, Default)]
pub struct Body {
    /// All locals; the parameters come first, in the order of `Function::params`.
    pub locals: Vec<LocalDecl>,
    /// All basic blocks.
    pub blocks: Vec<BasicBlock>,
    /// The handlers of exceptions, in the order of the source.
    pub handlers: Vec<Handler>,
}

/// Where the code of an exception handler is.
#[derive(Clone, Debug)]
pub struct Handler {
    /// The header, which is also the span of the branch that tests the exception.
    pub header: Span,
    /// Its statements.
    pub body: Span,
    /// The last statement.
    pub last: Span,
    /// Whether the last statement only leaves the handler (`return`, `continue`, `pass`).
    pub leaves: bool,
}

impl Body {
    /// The block with this id.
    #[must_use]
    pub fn block(&self, id: BlockId) -> &BasicBlock {
        &self.blocks[id.index()]
    }

    /// The only rvalue that is ever assigned to a local. `None` if there are several, or if the
    /// local is bound in another way: as a parameter, an exception, or the variable of a loop.
    #[must_use]
    pub fn only_value(&self, local: LocalId) -> Option<&Rvalue> {
        self.only_values()[local.index()]
    }

    /// What [`only_value`](Self::only_value) says of each local, found in one pass.
    #[must_use]
    pub fn only_values(&self) -> Vec<Option<&Rvalue>> {
        let mut values: Vec<Option<&Rvalue>> = vec![None; self.locals.len()];
        let mut assigned = vec![0_u8; self.locals.len()];
        self.for_each_rvalue(|_, to, rvalue| {
            if let Some(to) = to {
                let times = &mut assigned[to.index()];
                *times = times.saturating_add(1);
                values[to.index()] = Some(rvalue);
            }
        });
        for block in &self.blocks {
            if let TerminatorKind::ForNext { dest, .. }
            | TerminatorKind::Yield {
                dest: Some(dest), ..
            } = block.terminator.kind
            {
                values[dest.index()] = None;
            }
        }
        for ((value, times), local) in values.iter_mut().zip(assigned).zip(&self.locals) {
            let is_bound_here = matches!(local.kind, LocalKind::Var | LocalKind::Temp);
            if times != 1 || !is_bound_here {
                *value = None;
            }
        }
        values
    }

    /// The blocks that can be reached from a block without entering another one; both count.
    #[must_use]
    pub fn reach(&self, from: BlockId, without: Option<BlockId>) -> BTreeSet<BlockId> {
        let mut seen: BTreeSet<BlockId> = BTreeSet::new();
        let mut open = vec![from];
        while let Some(at) = open.pop() {
            if Some(at) != without && seen.insert(at) {
                let terminator = &self.block(at).terminator.kind;
                terminator.for_each_successor(|next| open.push(next));
            }
        }
        seen
    }

    /// The predecessors of each block.
    #[must_use]
    pub fn predecessors(&self) -> Vec<SmallVec<[BlockId; 2]>> {
        let mut out = vec![SmallVec::new(); self.blocks.len()];
        for (from, block) in (0u32..).zip(&self.blocks) {
            let terminator = &block.terminator.kind;
            terminator.for_each_successor(|to| out[to.index()].push(BlockId(from)));
        }
        out
    }

    /// The blocks of the natural loop with this head: those that lead back to it, and that are entered only
    /// through it (Aho, Lam, Sethi, Ullman, Compilers, 9.6.6).
    #[must_use]
    pub fn natural_loop(&self, head: BlockId) -> BTreeSet<BlockId> {
        let outside = self.reach(BlockId::ENTRY, Some(head));
        let before = self.predecessors();
        let mut seen = BTreeSet::from([head]);
        let back = before[head.index()].iter().copied();
        let mut open: Vec<BlockId> = back.filter(|at| !outside.contains(at)).collect();
        while let Some(at) = open.pop() {
            if seen.insert(at) {
                open.extend_from_slice(&before[at.index()]);
            }
        }
        seen
    }

    /// All rvalues that are assigned to each local.
    #[must_use]
    pub fn all_values(&self) -> Vec<Vec<&Rvalue>> {
        let mut values = vec![Vec::new(); self.locals.len()];
        self.for_each_rvalue(|_, to, rvalue| {
            if let Some(to) = to {
                values[to.index()].push(rvalue);
            }
        });
        values
    }

    /// Calls `f` for every rvalue of each block, statements first: with the block, and with the
    /// local that gets the result, if any.
    pub fn for_each_rvalue<'b>(&'b self, mut f: impl FnMut(BlockId, Option<LocalId>, &'b Rvalue)) {
        for (at, block) in (0u32..).zip(&self.blocks) {
            let at = BlockId(at);
            for s in &block.statements {
                if let StatementKind::Assign(to, rvalue) = &s.kind {
                    f(at, Some(*to), rvalue);
                }
            }
            if let TerminatorKind::Eval { dest, rvalue, .. } = &block.terminator.kind {
                f(at, *dest, rvalue);
            }
        }
    }
}

/// A local variable, parameter or temporary.
#[derive(Clone, Debug)]
pub struct LocalDecl {
    /// The name in the source; `None` for a local that lowering made.
    pub name: Option<Name>,
    /// What the local is for.
    pub kind: LocalKind,
}

/// What a local is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LocalKind {
    /// A parameter: bound on entry.
    Param,
    /// A named variable of the function.
    Var,
    /// A temporary: assigned before every use, used in few places.
    Temp,
    /// The exception in flight on entry to a handler, `finally` or `with` exit.
    Exception,
    /// Which completion a `finally` resumes: an integer that is set just before it is entered and
    /// read by the [`TerminatorKind::Switch`] at its end. It is part of the key by which the engine
    /// keeps states apart (the "pending completion", after Das, Lerner and Seigle's property
    /// simulation).
    Completion,
    /// The object whose fields are those variables of *this* call that nested functions also use
    /// (CPython's cells). Bound on entry, if there are such variables.
    Cells,
    /// The cells of the enclosing function's call. Bound on entry, in a nested function. The outer
    /// cells of the enclosing function are reached through the field `^`.
    OuterCells,
}

/// A sequence of statements that ends in one terminator.
#[derive(Clone, Debug)]
pub struct BasicBlock {
    /// Statements, none of which can raise.
    pub statements: Vec<Statement>,
    /// How control leaves the block.
    pub terminator: Terminator,
    /// Whether this block is the head of a loop (the target of its back edges).
    pub loop_head: bool,
}

/// A statement. It has an effect and cannot raise.
#[derive(Clone, Debug)]
pub struct Statement {
    /// What it does.
    pub kind: StatementKind,
    /// The source it comes from.
    pub span: Span,
}

/// The kinds of statements.
#[derive(Clone, PartialEq, Debug)]
pub enum StatementKind {
    /// `dest = rvalue`, for an rvalue that cannot raise here.
    Assign(LocalId, Rvalue),
    /// `object.field = value`
    SetField {
        /// The object stored into.
        object: Operand,
        /// The attribute.
        field: Name,
        /// The stored value.
        value: Operand,
    },
    /// `object[key] = value`
    SetItem {
        /// The container stored into.
        object: Operand,
        /// The subscript.
        key: Operand,
        /// The stored value.
        value: Operand,
    },
    /// Makes the contents of an object those of `value`: `*object = value`.
    Overwrite {
        /// The object stored into.
        object: Operand,
        /// The value whose contents it gets.
        value: Operand,
    },
    /// `del object.field`
    DelField {
        /// The object.
        object: Operand,
        /// The attribute.
        field: Name,
    },
    /// `global name; name = value`
    SetGlobal {
        /// The module-level name.
        name: Name,
        /// The stored value.
        value: Operand,
    },
    /// `local: a.b.C`: the declared class of a variable's value, after it was assigned.
    Declare(LocalId, Vec<Name>),
    /// `del local`, or the end of an exception variable's scope: the local is unbound.
    Unbind(LocalId),
    /// The rest of this iteration is skipped on purpose (`continue`). This is only a marker; the
    /// edge to the loop head transfers control.
    Skip,
}

/// A terminator with its source.
#[derive(Clone, Debug)]
pub struct Terminator {
    /// How control leaves the block.
    pub kind: TerminatorKind,
    /// The source that it comes from: the test of a branch, the whole call, the `return` statement;
    /// an empty span if nothing in the source corresponds to it.
    pub span: Span,
}

/// Where an exception goes: it is stored in `exc`, and control continues at `target`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Unwind {
    /// The block of the handlers, the `finally` or the `with` exit.
    pub target: BlockId,
    /// Receives the exception; of kind [`LocalKind::Exception`].
    pub exc: LocalId,
}

/// How control leaves a block. With `unwind: None`, an exception leaves the function.
#[derive(Clone, Debug)]
pub enum TerminatorKind {
    /// To one block, unconditionally.
    Goto(BlockId),
    /// To one of two blocks, by the truth of an operand. `span` is the whole tested expression.
    Branch {
        /// The tested value.
        cond: Operand,
        /// Taken when it is true.
        then: BlockId,
        /// Taken when it is false.
        otherwise: BlockId,
        /// What the branch corresponds to in the source.
        role: BranchRole,
    },
    /// To one of several blocks, by the value of a local of kind [`LocalKind::Completion`].
    Switch {
        /// The completion local.
        on: LocalId,
        /// Values and targets; exhaustive.
        cases: Vec<(Literal, BlockId)>,
    },
    /// Evaluates an rvalue that may raise. On success, `dest` is bound and control goes to
    /// `normal`.
    Eval {
        /// Receives the value; `None` if it is unused.
        dest: Option<LocalId>,
        /// What is evaluated.
        rvalue: Rvalue,
        /// Next block on success.
        normal: BlockId,
        /// Where an exception goes.
        unwind: Option<Unwind>,
    },
    /// `del object[key]`. Raises if the key is missing.
    DelItem {
        /// The container.
        object: Operand,
        /// The subscript.
        key: Operand,
        /// Next block on success.
        normal: BlockId,
        /// Where an exception goes.
        unwind: Option<Unwind>,
    },
    /// Advances an iterator made by [`Rvalue::Iter`].
    ForNext {
        /// The iterator.
        iter: LocalId,
        /// Receives the next item.
        dest: LocalId,
        /// The next block if there is an item.
        body: BlockId,
        /// The next block if there is none.
        exhausted: BlockId,
        /// Where an exception of the iterator goes.
        unwind: Option<Unwind>,
    },
    /// Suspends a generator. It is resumed normally, or by an exception thrown into it.
    Yield {
        /// The yielded value.
        value: Operand,
        /// Receives the value that is sent.
        dest: Option<LocalId>,
        /// Next block when resumed.
        normal: BlockId,
        /// Where a thrown exception goes.
        unwind: Option<Unwind>,
    },
    /// Returns. `implicit`: by falling off the end of the body.
    Return {
        /// The returned value.
        value: Operand,
        /// There is no `return` statement.
        implicit: bool,
    },
    /// Raises an exception.
    Raise {
        /// The exception: an instance, or a class that is instantiated.
        exc: Operand,
        /// Where it goes.
        unwind: Option<Unwind>,
    },
    /// Control never gets here.
    Unreachable,
}

/// What a branch corresponds to in the source. This decides how a step of a path is worded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BranchRole {
    /// `if`/`elif`, a ternary, a comprehension's `if`.
    If,
    /// The test of a `while` loop.
    While,
    /// An operand of `and`/`or`, or a link of a chained comparison.
    ShortCircuit,
    /// The test of `assert`.
    Assert,
    /// Whether a case's pattern matches; `span` is the pattern.
    Pattern,
    /// The guard of a `case`.
    Guard,
    /// Whether a handler catches the exception; `span` is the handler's header.
    Handler,
    /// Whether a result is a success; if not, it is returned.
    Try,
    /// Whether a discarded result is a success; `span` is what discards it.
    Dropped,
    /// Whether a context manager swallows the exception; `span` is the with item.
    Swallow,
    /// Whether conditional code is compiled.
    Configured,
}

impl TerminatorKind {
    /// Calls `f` for each successor block, unwind edges included.
    pub fn for_each_successor(&self, mut f: impl FnMut(BlockId)) {
        match self {
            Self::Goto(b) => f(*b),
            Self::Branch {
                then, otherwise, ..
            } => {
                f(*then);
                f(*otherwise);
            }
            Self::Switch { cases, .. } => cases.iter().for_each(|(_, b)| f(*b)),
            Self::Eval { normal, unwind, .. }
            | Self::DelItem { normal, unwind, .. }
            | Self::Yield { normal, unwind, .. } => {
                f(*normal);
                if let Some(u) = unwind {
                    f(u.target);
                }
            }
            Self::ForNext {
                body,
                exhausted,
                unwind,
                ..
            } => {
                f(*body);
                f(*exhausted);
                if let Some(u) = unwind {
                    f(u.target);
                }
            }
            Self::Raise { unwind, .. } => {
                if let Some(u) = unwind {
                    f(u.target);
                }
            }
            Self::Return { .. } | Self::Unreachable => {}
        }
    }
}
