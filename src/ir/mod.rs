//! The language-neutral intermediate representation: what front ends produce, and all that the
//! program model, the engine and the rules see.
//!
//! A [`Module`] is a lowered source file: its functions (including methods, nested functions,
//! lambdas and generator expressions), its classes, and the names bound in each scope. Each
//! [`Function`] owns a [`Body`]: a control-flow graph of basic blocks in three-address form, in the
//! spirit of rustc's MIR.
//!
//! Two decisions shape it:
//!
//! * *Conditions are values.* `if not rows` and `flag = not rows; if flag` lower to the same
//!   [`Rvalue::Not`]; a branch only tests the truth of an operand. So a flag is as precise as the
//!   test it was assigned from.
//! * *Exceptional control flow is explicit.* An operation that may raise ends its block
//!   ([`TerminatorKind::Eval`]) and names where the exception goes. A `finally` block exists once;
//!   which completion (fall through, return, raise, break, continue) is pending is an integer in a
//!   local of kind [`LocalKind::Completion`].

pub mod body;
pub mod code;
pub mod control;
pub mod data;
pub mod dump;
mod index;
pub mod item;
pub mod rvalue;
pub mod validate;

pub use body::{
    BasicBlock, BlockId, Body, BranchRole, Handler, LocalDecl, LocalId, LocalKind, Statement,
    StatementKind, Terminator, TerminatorKind, Unwind,
};
pub use code::{Bodies, Code, Content, Dealings};
pub use data::Data;
pub use item::{
    Binding, BindingSite, Class, ClassIdx, FuncIdx, Function, FunctionShape, ImportPath,
    MAX_NESTED, MAX_OUTER, Module, NameScope, Nature, Overrides, Param, ParamKind, Relative,
    ScopeIdx, ScopeKind, StaticExpr, StaticExprKind, makes_property,
};
pub use rvalue::{
    Arg, ArgKind, BinOp, Callee, CmpOp, DictItem, Element, Literal, Name, Operand, Rvalue,
};
