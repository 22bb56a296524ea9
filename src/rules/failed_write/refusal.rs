//! Which outcome of a test says that a write was refused: its result is asked, and nothing is raised.

use super::code::called;
use crate::ir::{BlockId, Callee, CmpOp, Function, Literal, Name, Operand, Rvalue, TerminatorKind};
use crate::rules::tables::{says_refused, says_stored};

/// How many operators of a condition are looked through.
const DEPTH: u32 = 6;

/// The outcome of the test at the end of a block which says that something was refused: `result.failed > 0`
/// is true, `result.ok` is false. `None` if neither outcome does.
pub(in crate::rules) fn refuses(function: &Function, block: BlockId) -> Option<bool> {
    match &function.body.block(block).terminator.kind {
        TerminatorKind::Branch { cond, .. } => says(function, cond, DEPTH),
        _ => None,
    }
}

fn says(function: &Function, operand: &Operand, depth: u32) -> Option<bool> {
    let Operand::Local(local) = operand else {
        return None;
    };
    let depth = depth.checked_sub(1)?;
    match function.body.only_value(*local)? {
        Rvalue::Use(of) => says(function, of, depth),
        Rvalue::Not(of) => says(function, of, depth).map(|outcome| !outcome),
        Rvalue::Compare(op, left, Operand::Const(right)) => compared(function, (*op, left, right)),
        _ => told_by(function, operand),
    }
}

/// What a comparison with a literal says.
fn compared(function: &Function, (op, left, right): (CmpOp, &Operand, &Literal)) -> Option<bool> {
    match right {
        Literal::Int(0) => {
            let refused =
                told_by(function, left).or_else(|| told_by(function, measured(function, left)?))?;
            match op {
                CmpOp::Gt | CmpOp::NotEq => Some(refused),
                CmpOp::Eq | CmpOp::LtE => Some(!refused),
                _ => None,
            }
        }
        Literal::Bool(is) => {
            let refused = told_by(function, left)?;
            match op {
                CmpOp::Eq | CmpOp::Is => Some(refused == *is),
                CmpOp::NotEq | CmpOp::IsNot => Some(refused != *is),
                _ => None,
            }
        }
        Literal::Str(text) => {
            let refused = match (says_refused(text), says_stored(text)) {
                (true, false) => true,
                (false, true) => false,
                _ => return None,
            };
            match op {
                CmpOp::Eq => Some(refused),
                CmpOp::NotEq => Some(!refused),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Whether the truth of a value says that something was refused, by the name of the attribute, the key or
/// the method that gives it.
fn told_by(function: &Function, operand: &Operand) -> Option<bool> {
    let Operand::Local(local) = operand else {
        return None;
    };
    let name: Name = match function.body.only_value(*local)? {
        Rvalue::GetField(_, name) | Rvalue::GetItem(_, Operand::Const(Literal::Str(name))) => {
            name.clone()
        }
        Rvalue::Call {
            callee: callee @ Callee::Method { .. },
            args,
        } => match args.first().map(|arg| &arg.value) {
            Some(Operand::Const(Literal::Str(key))) => key.clone(),
            None => called(function, callee).name,
            _ => return None,
        },
        _ => return None,
    };
    match (says_refused(&name), says_stored(&name)) {
        (true, false) => Some(true),
        (false, true) => Some(false),
        _ => None,
    }
}

/// What `len` is asked of.
fn measured<'f>(function: &'f Function, operand: &Operand) -> Option<&'f Operand> {
    let Operand::Local(local) = operand else {
        return None;
    };
    match function.body.only_value(*local)? {
        Rvalue::Call {
            callee: callee @ Callee::Value(_),
            args,
        } if called(function, callee).name == "len" => args.first().map(|arg| &arg.value),
        _ => None,
    }
}
