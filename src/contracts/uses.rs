//! What a body does with a value that it read: whether it tests it, hands it on, or provides for its
//! absence.

use crate::contracts::events::{How, Read};
use crate::contracts::view::View;
use crate::ir::{
    BlockId, Body, BranchRole, CmpOp, DictItem, Literal, LocalId, Name, Operand, Rvalue, Statement,
    StatementKind, TerminatorKind,
};

/// Whether the code around the read provides for a missing key.
pub(super) fn missing_is_fine(view: &View<'_, '_>, body: &Body, block: usize, read: &Read) -> bool {
    match &read.how {
        How::Subscript => catches(view, body, block, &["KeyError", "LookupError"]),
        How::Attribute => {
            let Some(dest) = read.dest else { return true };
            let same = copies(body, dest);
            // A test asks whether there is something: who tests can do without.
            is_tested_anywhere(body, &read.field) || !is_handed_on(body, &same)
        }
        How::GetOrNone => {
            let Some(dest) = read.dest else { return true };
            // `place.get(key) or 0` is a default, written differently.
            let uses = uses(body, &[dest]);
            let alternative = |used: &Use| *used == Use::Decided(BranchRole::ShortCircuit);
            !uses.iter().all(alternative) || uses.is_empty() || copies(body, dest).len() == 1
        }
        How::GetOr(default) => {
            let Some(dest) = read.dest else { return true };
            let uses = uses(body, &copies(body, dest));
            uses.iter().any(|used| match used {
                Use::Compared(CmpOp::Is | CmpOp::IsNot) => true,
                Use::Compared(_) => !zero(default),
                Use::Decided(_) => false,
            })
        }
    }
}

/// Whether a body tests an attribute of this name, on whatever object.
pub(super) fn is_tested_anywhere(body: &Body, field: &Name) -> bool {
    let mut tested = false;
    body.for_each_rvalue(|_, dest, rvalue| {
        if let (Some(dest), Rvalue::GetField(_, name)) = (dest, rvalue) {
            tested |= name == field && !uses(body, &copies(body, dest)).is_empty();
        }
    });
    tested
}

/// Whether a value is given to a call, stored or returned.
pub(super) fn is_handed_on(body: &Body, same: &[LocalId]) -> bool {
    let is = |operand: &Operand| matches!(operand, Operand::Local(l) if same.contains(l));
    body.blocks.iter().any(|block| {
        let stored = block.statements.iter().any(|s| match &s.kind {
            StatementKind::SetField { value, .. } | StatementKind::SetItem { value, .. } => {
                is(value)
            }
            StatementKind::Assign(_, Rvalue::Dict(items)) => items.iter().any(|item| match item {
                DictItem::Pair(_, value) => is(value),
                DictItem::Spread(_) => false,
            }),
            _ => false,
        });
        stored
            || match &block.terminator.kind {
                TerminatorKind::Eval {
                    rvalue: Rvalue::Call { args, .. },
                    ..
                } => args.iter().any(|arg| is(&arg.value)),
                TerminatorKind::Return { value, .. } => is(value),
                _ => false,
            }
    })
}

/// Whether a default means "none" rather than "not known".
fn zero(default: &Operand) -> bool {
    match default {
        Operand::Const(literal) => match literal {
            Literal::Int(n) => *n == 0,
            Literal::Float(bits) => f64::from_bits(*bits) == 0.0,
            Literal::Bool(value) => !value,
            Literal::Str(text) => text.is_empty(),
            _ => false,
        },
        Operand::Local(_) => false,
    }
}

/// A test of a value.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Use {
    Compared(CmpOp),
    Decided(BranchRole),
}

/// A local and those to which it, or its negation, is copied.
pub(super) fn copies(body: &Body, local: LocalId) -> Vec<LocalId> {
    let mut same = vec![local];
    for Statement { kind, .. } in body.blocks.iter().flat_map(|b| &b.statements) {
        if let StatementKind::Assign(
            to,
            Rvalue::Use(Operand::Local(from)) | Rvalue::Not(Operand::Local(from)),
        ) = kind
            && same.contains(from)
            && !same.contains(to)
        {
            same.push(*to);
        }
    }
    same
}

/// All tests of some locals in a body.
pub(super) fn uses(body: &Body, same: &[LocalId]) -> Vec<Use> {
    let is = |operand: &Operand| matches!(operand, Operand::Local(l) if same.contains(l));
    let compared = |rvalue: &Rvalue| match rvalue {
        Rvalue::Compare(op, left, right) if is(left) || is(right) => Some(Use::Compared(*op)),
        _ => None,
    };
    let mut out = Vec::new();
    for block in &body.blocks {
        for statement in &block.statements {
            if let StatementKind::Assign(_, rvalue) = &statement.kind {
                out.extend(compared(rvalue));
            }
        }
        match &block.terminator.kind {
            TerminatorKind::Eval { rvalue, .. } => out.extend(compared(rvalue)),
            TerminatorKind::Branch { cond, role, .. } if is(cond) => out.push(Use::Decided(*role)),
            _ => {}
        }
    }
    out
}

/// Whether a handler of what a block does last catches one of these exceptions by name.
pub(super) fn catches(view: &View<'_, '_>, body: &Body, block: usize, wanted: &[&str]) -> bool {
    let TerminatorKind::Eval {
        unwind: Some(unwind),
        ..
    } = &body.blocks[block].terminator.kind
    else {
        return false;
    };
    // The tests for the handlers of a `try` follow each other.
    let mut at = unwind.target;
    for _ in 0..body.blocks.len() {
        let handler = body.block(at);
        let names = handler.statements.iter().flat_map(|s| match &s.kind {
            StatementKind::Assign(_, Rvalue::Caught { types, .. }) => types.as_slice(),
            _ => &[],
        });
        for name in names {
            let name = match view.source(name) {
                Some(Rvalue::Global(name)) => vec![name.clone()],
                Some(Rvalue::Tuple(items)) => items
                    .iter()
                    .filter_map(|item| match view.source(&item.value) {
                        Some(Rvalue::Global(name)) => Some(name.clone()),
                        _ => None,
                    })
                    .collect(),
                _ => continue,
            };
            if name.iter().any(|n| wanted.contains(&n.as_str())) {
                return true;
            }
        }
        at = match &handler.terminator.kind {
            TerminatorKind::Branch {
                otherwise,
                role: BranchRole::Handler,
                ..
            } => *otherwise,
            TerminatorKind::Goto(next) => *next,
            _ => BlockId::ENTRY,
        };
        if at == BlockId::ENTRY {
            break;
        }
    }
    false
}
