//! Tests that only ask whether a run has ended, whatever came of it: a failure leads to the same
//! place as a success.

use crate::ir::control::Edge;
use crate::ir::{BlockId, CmpOp, Literal, Operand, Rvalue, TerminatorKind};
use crate::rules::success_as_proof::code::{Constants, FunctionCode};
use crate::rules::success_as_proof::vocabulary::Vocabulary;

/// Whether another test of the same status goes where `edge` goes if it finds a failure:
/// `if state in FAILED_STATES or state == SUCCEEDED: return`.
pub(super) fn is_end_of_any_kind(
    code: &FunctionCode<'_>,
    words: &Vocabulary,
    constants: Constants<'_>,
    edge: Edge,
) -> bool {
    let Some((subject, _)) = compared(code, edge.from) else {
        return false;
    };
    let Some(name) = code.name(subject) else {
        return false;
    };
    let blocks = (0u32..).zip(&code.function.body.blocks);
    let mut others = blocks.filter(|(at, _)| BlockId(*at) != edge.from);
    others.any(|(at, block)| {
        let TerminatorKind::Branch { then, .. } = &block.terminator.kind else {
            return false;
        };
        *then == edge.to
            && compared(code, BlockId(at)).is_some_and(|(other, with)| {
                code.name(other).as_ref() == Some(&name) && may_fail(code, words, constants, with)
            })
    })
}

/// What the branch at the end of a block asks to equal, or to be in, what.
fn compared<'c>(code: &'c FunctionCode<'_>, block: BlockId) -> Option<(&'c Operand, &'c Operand)> {
    let TerminatorKind::Branch {
        cond: Operand::Local(cond),
        ..
    } = &code.function.body.block(block).terminator.kind
    else {
        return None;
    };
    match code.definitions(*cond) {
        [(Rvalue::Compare(CmpOp::Eq | CmpOp::Is | CmpOp::In, a, b), _)] => Some((a, b)),
        _ => None,
    }
}

/// Whether an operand is, or holds, a word for failure.
fn may_fail(
    code: &FunctionCode<'_>,
    words: &Vocabulary,
    constants: Constants<'_>,
    with: &Operand,
) -> bool {
    let fails = |text: &str| words.is_failure(text);
    match with {
        Operand::Const(Literal::Str(text)) => fails(text),
        Operand::Const(_) => false,
        Operand::Local(local) => code
            .definitions(*local)
            .iter()
            .any(|(rvalue, _)| match rvalue {
                Rvalue::Tuple(items) | Rvalue::List(items) | Rvalue::Set(items) => items
                    .iter()
                    .any(|item| may_fail(code, words, constants, &item.value)),
                Rvalue::Global(name) => constants.path(std::slice::from_ref(name), &fails),
                Rvalue::Path(path) => constants.path(path, &fails),
                Rvalue::GetField(_, name) => fails(name),
                _ => false,
            }),
    }
}
