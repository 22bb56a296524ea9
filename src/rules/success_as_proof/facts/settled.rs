//! Tests of a value that is a constant on the path: `status = "success"` after the work, and
//! `status = "failed"` in the handler. Such a test establishes nothing about the value, so what it
//! asks is read off the code.

use std::cell::RefCell;

use rustc_hash::FxHashMap;

use super::names::is_no_work;
use crate::engine::Test;
use crate::ir::control::ControlDependence;
use crate::ir::{BlockId, CmpOp, Literal, LocalId, Operand, Rvalue, TerminatorKind};
use crate::program::{FuncRef, Program};
use crate::rules::success_as_proof::code::{FunctionCode, MAX_DEPTH};
use crate::rules::success_as_proof::vocabulary::Vocabulary;

/// What tests of constants ask, read once for each function.
#[derive(Default)]
pub struct SettledTests {
    known: RefCell<FxHashMap<FuncRef, FxHashMap<BlockId, bool>>>,
}

impl SettledTests {
    /// With which outcome a test says that work succeeded; `None` if it does not ask for that, or if
    /// no work lies on every path to it.
    pub fn success_if(
        &self,
        program: &Program<'_>,
        words: &Vocabulary,
        test: Test,
    ) -> Option<bool> {
        let mut known = self.known.borrow_mut();
        let tests = known.entry(test.func).or_insert_with(|| {
            let module = program.module(test.func.module);
            let code = FunctionCode::new(module.ir.function(test.func.func), &[]);
            tests_after_work(&code, words)
        });
        tests.get(&test.block?).copied()
    }
}

/// The blocks that end with a test for success and to which no path leads without work, with the
/// outcome that says that the work succeeded.
fn tests_after_work(code: &FunctionCode<'_>, words: &Vocabulary) -> FxHashMap<BlockId, bool> {
    let blocks = 0..u32::try_from(code.function.body.blocks.len()).unwrap_or(u32::MAX);
    let asked = blocks.filter_map(|at| {
        let block = BlockId(at);
        Some((block, asks_for_success(code, words, block)?))
    });
    let mut asked: FxHashMap<BlockId, bool> = asked.collect();
    if !asked.is_empty() {
        let control = ControlDependence::compute(&code.function.body);
        let works = code.blocks_with(|callee, _| {
            let name = code.callee(callee);
            name.is_some_and(|name| words.is_performer(&name) && !is_no_work(&name))
        });
        asked.retain(|block, _| control.before(*block).iter().any(|at| works.contains(at)));
    }
    asked
}

/// Whether the branch at the end of `block` finds a success where its condition is true, or where it
/// is false; `None` if it does not ask for one.
fn asks_for_success(code: &FunctionCode<'_>, words: &Vocabulary, block: BlockId) -> Option<bool> {
    match &code.function.body.block(block).terminator.kind {
        TerminatorKind::Branch {
            cond: Operand::Local(cond),
            ..
        } => says_success(code, words, *cond, 0),
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
