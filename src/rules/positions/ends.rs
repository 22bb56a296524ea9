//! Where a function moves a position without a call: a framework takes its return, or what it yields, for an
//! acknowledgement.

use super::moves::{By, Position};
use crate::ir::{BlockId, Function, Literal, ScopeIdx, StaticExpr, StaticExprKind, TerminatorKind};
use crate::presets::{AcknowledgedBy, Acknowledging, Moves};
use crate::program::{ClassRef, Def, FuncRef, MroEntry, Program};
use crate::settings::Writes;

/// The returns, or the yields, of a function that acknowledge what it was given.
pub(in crate::rules) fn ends(
    program: &Program<'_>,
    func: FuncRef,
    writes: &Writes,
) -> Vec<Position> {
    let module = program.module(func.module);
    let function = module.ir.function(func.func);
    if !writes.built_in || function.decorators.is_empty() && function.class.is_none() {
        return Vec::new();
    }
    let mut known = writes.presets.acknowledging().iter();
    let Some(by) = known
        .find(|known| is_called_by(program, (func, function), known))
        .map(|known| known.by)
    else {
        return Vec::new();
    };
    let blocks = (0u32..).map(BlockId).zip(&function.body.blocks);
    let ends = blocks.filter_map(|(at, block)| {
        let span = block.terminator.span;
        let (by, moves, span) = match (&block.terminator.kind, by) {
            (TerminatorKind::Return { implicit: true, .. }, AcknowledgedBy::Return) => {
                (By::Return, Moves::Message, function.name_span)
            }
            (TerminatorKind::Return { .. }, AcknowledgedBy::Return) => {
                (By::Return, Moves::Message, span)
            }
            (TerminatorKind::Yield { .. }, AcknowledgedBy::Yield) => (By::Yield, Moves::Kept, span),
            _ => return None,
        };
        Some(Position {
            by,
            ..Position::new((at, span), moves, function.name.clone())
        })
    });
    ends.collect()
}

/// Whether a framework calls a function in this way.
fn is_called_by(
    program: &Program<'_>,
    (func, function): (FuncRef, &Function),
    known: &Acknowledging,
) -> bool {
    let decorated = function
        .decorators
        .iter()
        .any(|decorator| is_decorator(program, func, decorator, known));
    let overrides = || {
        let class = function.class.map(|class| ClassRef {
            module: func.module,
            class,
        });
        class.is_some_and(|class| {
            let mro = program.mro(class);
            mro.entries.iter().any(|entry| match entry {
                MroEntry::External(path) => known.is_method(path, &function.name),
                MroEntry::Class(_) | MroEntry::Unknown => false,
            })
        })
    };
    decorated || overrides()
}

/// Whether a decorator is the one that is known. One on an object whose class the code does not show (`app.task`)
/// is told by the argument that has to be there.
fn is_decorator(
    program: &Program<'_>,
    func: FuncRef,
    decorator: &StaticExpr,
    known: &Acknowledging,
) -> bool {
    let name = decorator.called_name();
    if !name.is_some_and(|name| known.may_be_decorator(name)) {
        return false;
    }
    let (callee, given) = match &decorator.kind {
        StaticExprKind::Call(callee, _, given) => (callee.as_ref(), given.as_slice()),
        _ => (decorator, [].as_slice()),
    };
    let is_true = |of: &StaticExpr| matches!(of.kind, StaticExprKind::Literal(Literal::Bool(true)));
    match known.given() {
        Some(wanted) => given
            .iter()
            .any(|(name, value)| name == wanted && is_true(value)),
        None => match program.resolve_expr(func.module, ScopeIdx::MODULE, callee) {
            Def::External(path) => known.is_decorator(&path),
            _ => false,
        },
    }
}
