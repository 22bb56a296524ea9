//! Which outcome of a test says that a write was refused: its result is asked, and nothing is raised.

use super::code::{called, holder, is_variable};
use crate::ir::{
    BlockId, Callee, CmpOp, Function, Literal, LocalId, Name, Operand, Rvalue, TerminatorKind,
};
use crate::rules::tables::{says_refused, says_stored};

/// How many operators of a condition are looked through.
const DEPTH: u32 = 6;

/// A test of a result that says whether something was refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::rules) struct Refusal {
    /// The outcome which says so.
    pub(in crate::rules) outcome: bool,
    /// The variable that holds the result.
    pub(in crate::rules) asked: LocalId,
}

impl Refusal {
    fn not(self) -> Self {
        Self {
            outcome: !self.outcome,
            ..self
        }
    }
}

/// What the test at the end of a block says of a result: `result.failed > 0`, `not result.ok`. `None` if it
/// does not ask whether something was refused.
pub(in crate::rules) fn refuses(function: &Function, block: BlockId) -> Option<Refusal> {
    match &function.body.block(block).terminator.kind {
        TerminatorKind::Branch { cond, .. } => says(function, cond, DEPTH),
        _ => None,
    }
}

fn says(function: &Function, operand: &Operand, depth: u32) -> Option<Refusal> {
    let Operand::Local(local) = operand else {
        return None;
    };
    let depth = depth.checked_sub(1)?;
    match function.body.only_value(*local)? {
        Rvalue::Use(of) => says(function, of, depth),
        Rvalue::Not(of) => says(function, of, depth).map(Refusal::not),
        Rvalue::Compare(op, left, Operand::Const(right)) => compared(function, (*op, left, right)),
        _ => told_by(function, operand),
    }
}

/// What a comparison with a literal says.
fn compared(
    function: &Function,
    (op, left, right): (CmpOp, &Operand, &Literal),
) -> Option<Refusal> {
    match right {
        Literal::Int(0) => {
            let refused =
                told_by(function, left).or_else(|| told_by(function, measured(function, left)?))?;
            match op {
                CmpOp::Gt | CmpOp::NotEq => Some(refused),
                CmpOp::Eq | CmpOp::LtE => Some(refused.not()),
                _ => None,
            }
        }
        Literal::Bool(is) => {
            let refused = told_by(function, left)?;
            match op {
                CmpOp::Eq | CmpOp::Is if *is => Some(refused),
                CmpOp::Eq | CmpOp::Is => Some(refused.not()),
                CmpOp::NotEq | CmpOp::IsNot if *is => Some(refused.not()),
                CmpOp::NotEq | CmpOp::IsNot => Some(refused),
                _ => None,
            }
        }
        Literal::Str(text) => {
            let refused = verdict(text)?;
            let asked = asked(function, left)?;
            let refusal = Refusal {
                outcome: refused,
                asked,
            };
            match op {
                CmpOp::Eq => Some(refusal),
                CmpOp::NotEq => Some(refusal.not()),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Whether a name or a text says that something was refused, or that it was stored.
fn verdict(name: &str) -> Option<bool> {
    match (says_refused(name), says_stored(name)) {
        (true, false) => Some(true),
        (false, true) => Some(false),
        _ => None,
    }
}

/// The variable whose attribute or key a value is; the value itself if it is none.
fn asked(function: &Function, operand: &Operand) -> Option<LocalId> {
    let Operand::Local(local) = operand else {
        return None;
    };
    Some(holder(function, *local))
}

/// Whether the truth of a value says that something was refused, by the name of the attribute, the key or
/// the method that gives it, or of the variable that holds what a call gave.
fn told_by(function: &Function, operand: &Operand) -> Option<Refusal> {
    let Operand::Local(local) = operand else {
        return None;
    };
    if is_variable(function, *local)
        && let Some(name) = &function.body.locals[local.index()].name
        && let Some(outcome) = verdict(name)
        && is_given(function, *local)
    {
        return Some(Refusal {
            outcome,
            asked: *local,
        });
    }
    let (name, of): (Name, &Operand) = match function.body.only_value(*local)? {
        Rvalue::GetField(of, name) | Rvalue::GetItem(of, Operand::Const(Literal::Str(name))) => {
            (name.clone(), of)
        }
        Rvalue::Call {
            callee: Callee::Method { receiver, name, .. },
            args,
        } => match args.first().map(|arg| &arg.value) {
            Some(Operand::Const(Literal::Str(key))) => (key.clone(), receiver),
            None => (name.clone(), receiver),
            _ => return None,
        },
        _ => return None,
    };
    Some(Refusal {
        outcome: verdict(&name)?,
        asked: asked(function, of)?,
    })
}

/// Whether a variable holds what a call gave, or what was awaited, and nothing else.
fn is_given(function: &Function, local: LocalId) -> bool {
    matches!(
        function.body.only_value(local),
        Some(Rvalue::Call { .. } | Rvalue::Await(_))
    )
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
