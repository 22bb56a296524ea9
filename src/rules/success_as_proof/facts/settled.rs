//! Tests of a value that is a constant on the path: `status = "success"` after the work, and
//! `status = "failed"` in the handler. Such a test establishes nothing about the value, so what it
//! asks is read off the code.

use crate::ir::{BlockId, CmpOp, Literal, LocalId, Operand, Rvalue, TerminatorKind};
use crate::rules::success_as_proof::code::{FunctionCode, MAX_DEPTH};
use crate::rules::success_as_proof::vocabulary::Vocabulary;

/// Whether the branch at the end of `block` finds a success if it takes the edge of `outcome`;
/// `None` if it does not ask for one.
pub fn finds_success(
    code: &FunctionCode<'_>,
    words: &Vocabulary,
    block: BlockId,
    outcome: bool,
) -> Option<bool> {
    match &code.function.body.block(block).terminator.kind {
        TerminatorKind::Branch {
            cond: Operand::Local(cond),
            ..
        } => says_success(code, words, *cond, 0).map(|positive| positive == outcome),
        _ => None,
    }
}

/// Whether the truth of a local says that there was a success (`true`), or that there was none.
fn says_success(
    code: &FunctionCode<'_>,
    words: &Vocabulary,
    local: LocalId,
    depth: u32,
) -> Option<bool> {
    if depth > MAX_DEPTH {
        return None;
    }
    let mut names = code.variables(local).into_iter();
    if names.any(|name| words.is_success_flag(&name)) {
        return Some(true);
    }
    let [(rvalue, _)] = code.definitions(local) else {
        return None;
    };
    match rvalue {
        Rvalue::Use(Operand::Local(l)) => says_success(code, words, *l, depth + 1),
        Rvalue::Not(Operand::Local(l)) => says_success(code, words, *l, depth + 1).map(|p| !p),
        Rvalue::Call { callee, .. } => {
            let name = code.callee(callee)?;
            words.is_performer(&name).then_some(true)
        }
        Rvalue::Compare(op, a, b) => {
            let equal = match op {
                CmpOp::Eq | CmpOp::Is | CmpOp::In => true,
                CmpOp::NotEq | CmpOp::IsNot | CmpOp::NotIn => false,
                _ => return None,
            };
            let says = |status: &Operand, word: &Operand| {
                let is_status = code.name(status).is_some_and(|name| words.is_status(&name));
                let success = names_outcome(code, words, word)?;
                is_status.then_some(success)
            };
            says(a, b)
                .or_else(|| says(b, a))
                .map(|success| success == equal)
        }
        _ => None,
    }
}

/// Whether an operand is a word for success (`true`) or for failure, or a display of such words.
fn names_outcome(code: &FunctionCode<'_>, words: &Vocabulary, word: &Operand) -> Option<bool> {
    let told = |success: bool, failure: bool| (success || failure).then_some(success);
    match word {
        Operand::Const(Literal::Str(text)) => told(words.is_success(text), words.is_failure(text)),
        Operand::Const(_) => None,
        Operand::Local(local) => match code.definitions(*local) {
            [(Rvalue::Tuple(items) | Rvalue::List(items) | Rvalue::Set(items), _)] => {
                let mut named = items.iter().filter_map(|i| match &i.value {
                    Operand::Const(_) => names_outcome(code, words, &i.value),
                    Operand::Local(_) => None,
                });
                named.next()
            }
            [(rvalue, _)] => {
                let name = match rvalue {
                    Rvalue::Path(path) => path.last()?,
                    Rvalue::Global(name) | Rvalue::GetField(_, name) => name,
                    _ => return None,
                };
                told(words.names_success(name), words.names_failure(name))
            }
            _ => None,
        },
    }
}
