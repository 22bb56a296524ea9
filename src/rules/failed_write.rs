//! A write that failed, followed along the paths of a function: what the rules about failures that
//! are lost have in common.
//!
//! | module | owns |
//! |---|---|
//! | `follow` | how a function is followed, and where paths are searched for |
//! | `arrivals` | paths that arrive somewhere after a write has failed |
//! | `watch` | the automaton: a failed write, and what caught the failure |
//! | `failure` | what a state says about the failure that is followed |
//! | `writes` | which calls are writes that matter |
//! | `inside` | which calls surely write, also in a method of an object of the program |
//! | `memory` | which values live in the memory of the process, and which calls write only there |
//! | `no_store` | which calls named like writes store no data |
//! | `steps` | the steps of a path that tell of a failed write |
//! | `refusal` | which test of a result says that a write was refused |
//! | `told` | what is done about a failure after it was caught |
//! | `likeness` | whether two values are the same data |
//! | `attempts` | whether a loop tries the same work again |
//! | `caught` | the exceptions that a handler names |
//! | `handling` | what a function does only because a failure was caught |
//! | `flow` | what becomes of the values of a function, without following a path |
//! | `gathered` | the same for values that go through a collection |
//! | `code` | how code names what it calls |
//! | `units` | what a function takes one after the other, and the writes that it exists for |

mod arrivals;
mod attempts;
pub mod caught;
pub mod code;
pub mod failure;
pub mod flow;
mod follow;
mod gathered;
pub mod handling;
mod inside;
pub mod likeness;
mod memory;
pub mod no_store;
pub mod refusal;
pub mod steps;
mod told;
pub mod units;
pub mod watch;
mod writes;

pub(in crate::rules) use arrivals::Lost;
pub(in crate::rules) use follow::{Ground, follow};
pub(in crate::rules) use inside::{stored_inside, surely_writes};

use std::borrow::Borrow;

use self::watch::Calls;
use super::tables::{self, has_word};
use crate::ir::{BlockId, BranchRole, FuncIdx, Function, FunctionShape, TerminatorKind};
use crate::program::{FuncRef, LoadedModule, Program};
use crate::source::is_of_tests;

/// What excuses a failed write.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Excuses {
    /// More words for writes that may fail without loss.
    pub auxiliary: Vec<String>,
    /// Whether it is no excuse that somebody could learn of the failure.
    pub strict: bool,
    /// Whether a write also fails by a result that says so: `result.failed > 0`.
    pub by_result: bool,
    /// Whether a call on an object writes if the method of the program that it runs does, though the engine does
    /// not follow it there: which class the object is of is only declared.
    pub by_class: bool,
    /// Calls that a state remembers, until something is written after them.
    pub marks: Calls,
}

impl Excuses {
    /// Whether the name of a call, a receiver or a helper says that its write may fail without
    /// loss.
    pub(in crate::rules) fn is_auxiliary(&self, name: &str) -> bool {
        let mut further = self.auxiliary.iter();
        tables::is_auxiliary(name) || further.any(|w| has_word(name, w))
    }

    /// Whether a table records errors or activity.
    pub(in crate::rules) fn is_log_table(&self, name: &str) -> bool {
        let table = name.rsplit('.').next().unwrap_or(name);
        let mut further = self.auxiliary.iter();
        tables::is_log_table(name) || further.any(|w| has_word(table, w))
    }
}

/// Whether a block of a function runs only after a handler has caught something.
pub(in crate::rules) fn is_only_handling(
    program: &Program<'_>,
    func: FuncRef,
    block: BlockId,
) -> bool {
    let module = program.module(func.module);
    let body = &module.ir.function(func.func).body;
    let mut reached = vec![false; body.blocks.len()];
    let mut open = vec![BlockId::ENTRY];
    while let Some(at) = open.pop() {
        if std::mem::replace(&mut reached[at.index()], true) {
            continue;
        }
        match &body.block(at).terminator.kind {
            TerminatorKind::Branch {
                role: BranchRole::Handler,
                otherwise,
                ..
            } => open.push(*otherwise),
            other => other.for_each_successor(|next| open.push(next)),
        }
    }
    !reached[block.index()]
}

/// Whether a text in lower case says that what was to be written is there already. That one row is
/// there says nothing about the others of a batch.
pub(in crate::rules) fn excuses_duplicates(text: &str, of_batch: bool) -> bool {
    tables::says_duplicate(text) && !(of_batch && tables::says_duplicate_row(text))
}

/// The functions of a module, with those nested in them whose code was left out at first.
pub(in crate::rules) fn with_nested<'m, F: Borrow<(FuncIdx, &'m Function)>>(
    module: &'m LoadedModule,
    functions: impl IntoIterator<Item = F>,
) -> impl Iterator<Item = (FuncRef, &'m Function)> {
    let all = functions
        .into_iter()
        .flat_map(|function| module.ir.with_left_out(function.borrow().0));
    all.map(|(func, function)| {
        let func = FuncRef {
            module: module.id,
            func,
        };
        (func, function)
    })
}

/// The functions of a file that may mention a word, with those nested in them; none of a file of tests. Other
/// functions need not be lowered for that.
pub(in crate::rules) fn that_mention<'m>(
    module: &'m LoadedModule,
    word: &str,
) -> Vec<(FuncRef, &'m Function)> {
    if module.file.as_ref().is_none_or(|file| is_of_tests(file)) {
        return Vec::new();
    }
    with_nested(module, module.ir.mentioning(word)).collect()
}

/// Whether nobody would miss what a function fails to write: it has no code, is a test, or is there for
/// something that may fail.
pub(in crate::rules) fn may_fail(module: &LoadedModule, function: &Function) -> bool {
    let class = function.class.map(|class| &module.ir.class(class).name);
    function.shape != FunctionShape::Code
        || function.name.starts_with("test_")
        || class.is_some_and(|class| tables::is_auxiliary_class(class))
        || tables::is_best_effort(&function.name)
}

#[cfg(test)]
mod tests {
    use super::Excuses;

    #[test]
    fn tables_go_by_their_last_name() {
        let excuses = Excuses::default();
        assert!(excuses.is_log_table("ops.failure_log"));
        assert!(!excuses.is_log_table("audit.orders"));
    }
}
