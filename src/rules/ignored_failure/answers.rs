//! How a function returns that its write failed.
//!
//! Nothing is simulated: the control-flow graph shows a `return` that is reached only after a write has
//! failed, with a value that no other `return` can have.

use std::collections::BTreeSet;

use rustc_hash::FxHashSet;

use super::exits::{Answer, Exit, exits};
use crate::engine::{is_log_method, is_logger_name};
use crate::ir::data::{FAILURE, SUCCESS};
use crate::ir::{
    BinOp, BlockId, Body, BranchRole, Callee, Data, DictItem, Function, Handler, Literal, LocalId,
    Operand, Rvalue, StatementKind, StaticExpr, TerminatorKind,
};
use crate::rules::failed_write::code::{Called, called, given_to, is_variable, root};
use crate::rules::failed_write::flow::{Fate, fate_of};
use crate::rules::failed_write::handling::Handling;
use crate::rules::failed_write::likeness::CHAIN;
use crate::rules::tables::collections::CHANGES;
use crate::rules::tables::{is_auxiliary, is_best_effort, is_of_batch, is_removal, shows};
use crate::source::Span;

/// What is asked of the program about a function.
pub(super) struct Ask<'a> {
    /// Whether a call that ends a block surely writes.
    pub(super) writes: &'a dyn Fn(BlockId) -> bool,
    /// Whether the handler whose test ends a block hardly catches what a write raises.
    pub(super) is_unlikely: &'a dyn Fn(BlockId) -> bool,
    /// Whether it catches only what says that nothing is lost. The flag tells whether the write is one of
    /// several rows.
    pub(super) loses_nothing: &'a dyn Fn(BlockId, bool) -> bool,
}

/// How a function returns that its write failed.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    /// What it returns then.
    pub(super) answer: Answer,
    /// The write that fails.
    pub(super) write: Span,
    /// Where that is caught; `None` if the result of the write is returned as it is.
    pub(super) caught: Option<Span>,
    /// The `return`.
    pub(super) returns: Span,
}

/// Decorators that hand on what the function returns.
const KEEPS_ANSWER: &[&str] = &["staticmethod", "classmethod", "override", "final", "wraps"];

/// What Rust functions answer.
const NO: Answer = Answer::Literal(Literal::Bool(false));

impl Failure {
    /// The failure that a function returns, if no other `return` of it may have the same value.
    pub(super) fn of(function: &Function, ask: &Ask<'_>) -> Option<Self> {
        let name = function.name.trim_start_matches('_');
        // A decorator may look at the answer. What only tries may fail.
        let mut decorators = function.decorators.iter().map(StaticExpr::called_name);
        if decorators.any(|by| by.is_none_or(|by| !KEEPS_ANSWER.contains(&by.as_str())))
            || function.is_generator
            || is_best_effort(name)
            || is_auxiliary(name)
            || is_removal(name, &[])
            || name.starts_with("try_")
        {
            return None;
        }
        Self::of_handler(function, ask)
            .or_else(|| Self::of_result(function, ask))
            .or_else(|| Self::collected(function, ask))
    }

    /// The same, if it is returned from the handler of a write.
    fn of_handler(function: &Function, ask: &Ask<'_>) -> Option<Self> {
        let body = &function.body;
        if body.handlers.is_empty() {
            return None;
        }
        let exits = exits(function);
        let in_handler = |exit: &&Exit| body.handlers.iter().any(|h| h.body.contains(exit.span));
        let others: Vec<&Exit> = exits.iter().filter(|exit| !in_handler(exit)).collect();
        if others.is_empty() {
            return None;
        }
        body.handlers.iter().find_map(|handler| {
            let mut inside = exits.iter().filter(|exit| handler.body.contains(exit.span));
            let (failing, answer) = inside.find_map(|exit| Some((exit, exit.value.failure()?)))?;
            if !others.iter().all(|other| other.value.differs(&answer)) {
                return None;
            }
            let (at, write) = write_under(function, handler, ask)?;
            let caught = handler_at(body, handler)?;
            let of_batch = is_batch(function, at);
            if (ask.is_unlikely)(caught)
                || (ask.loses_nothing)(caught, of_batch)
                || tells_somebody(function, (caught, true), at)
            {
                return None;
            }
            Some(Self {
                answer,
                write,
                caught: Some(handler.header),
                returns: failing.span,
            })
        })
    }

    /// The same, if the handler of a write puts into a list what failed, or counts it, and the function
    /// returns that.
    fn collected(function: &Function, ask: &Ask<'_>) -> Option<Self> {
        let body = &function.body;
        if body.handlers.is_empty() {
            return None;
        }
        let kept = given_back(function);
        body.handlers.iter().find_map(|handler| {
            let (at, write) = write_under(function, handler, ask)?;
            let caught = handler_at(body, handler)?;
            if (ask.is_unlikely)(caught) || (ask.loses_nothing)(caught, is_batch(function, at)) {
                return None;
            }
            let (into, returns) = kept.iter().find(|(local, _)| {
                collects(function, caught, *local, at) && !is_looked_at(function, *local)
            })?;
            let name = body.locals[into.index()].name.as_ref()?;
            Some(Self {
                answer: Answer::Shown(name.to_string()),
                write,
                caught: Some(handler.header),
                returns: *returns,
            })
        })
    }

    /// The same, if the result of a write is asked whether it is an error.
    fn of_result(function: &Function, ask: &Ask<'_>) -> Option<Self> {
        let body = &function.body;
        let exits = exits(function);
        let failure = |exit: &Exit, answer: Answer, write: Span, caught| Self {
            answer,
            write,
            caught,
            returns: exit.span,
        };
        let differ = |from: &BTreeSet<BlockId>, answer: &Answer| {
            let mut others = exits.iter().filter(|exit| !from.contains(&exit.block));
            let mut any = false;
            others.all(|other| {
                any = true;
                other.value.differs(answer)
            }) && any
        };
        for (at, block) in (0u32..).zip(&body.blocks) {
            let TerminatorKind::Branch {
                cond: Operand::Local(cond),
                then,
                otherwise,
                ..
            } = &block.terminator.kind
            else {
                continue;
            };
            let Some((object, is_ok)) = outcome(body, *cond) else {
                continue;
            };
            let failed = if is_ok { *otherwise } else { *then };
            let well = body.reach(BlockId::ENTRY, Some(failed));
            let after = body.reach(failed, None);
            let only: BTreeSet<BlockId> = after.difference(&well).copied().collect();
            let mut inside = exits.iter().filter(|exit| only.contains(&exit.block));
            let told = inside.find_map(|exit| Some((exit, exit.value.failure()?)));
            let Some((exit, answer)) = told.filter(|(_, answer)| differ(&only, answer)) else {
                continue;
            };
            let Some((from, write)) = write_behind(function, object, ask) else {
                continue;
            };
            if !tells_somebody(function, (BlockId(at), !is_ok), from) {
                return Some(failure(exit, answer, write, Some(block.terminator.span)));
            }
        }
        // `write(…).is_ok()`
        exits.iter().find_map(|exit| {
            let (object, true) = outcome(body, exit.local?)? else {
                return None;
            };
            let others = exits.iter().filter(|other| other.span != exit.span);
            if !others.clone().all(|other| other.value.differs(&NO)) {
                return None;
            }
            Some(failure(
                exit,
                NO,
                write_behind(function, object, ask)?.1,
                None,
            ))
        })
    }
}

/// What is asked whether it is an error, and whether the answer is true if it is none.
fn outcome(body: &Body, cond: LocalId) -> Option<(LocalId, bool)> {
    match body.only_value(cond)? {
        Rvalue::Data(Data::IsVariant {
            object: Operand::Local(object),
            tag,
            presence: false,
            ..
        }) => match tag.as_str() {
            SUCCESS => Some((*object, true)),
            FAILURE => Some((*object, false)),
            _ => None,
        },
        _ => None,
    }
}

/// The list or the count that each `return` of a function gives, by itself or in a dict or a tuple, and that
/// nothing else looks at.
fn given_back(function: &Function) -> Vec<(LocalId, Span)> {
    let mut all: Option<Vec<(LocalId, Span)>> = None;
    for block in &function.body.blocks {
        let TerminatorKind::Return { value, .. } = &block.terminator.kind else {
            continue;
        };
        let span = block.terminator.span;
        let parts = parts(function, value).into_iter();
        let parts: Vec<_> = parts.map(|local| (local, span)).collect();
        all = Some(match all {
            None => parts,
            Some(mut known) => {
                known.retain(|(local, _)| parts.iter().any(|(own, _)| own == local));
                known
            }
        });
    }
    all.unwrap_or_default()
}

/// The variables of which a returned value consists.
fn parts(function: &Function, value: &Operand) -> Vec<LocalId> {
    let Operand::Local(local) = value else {
        return Vec::new();
    };
    let of: Vec<&Operand> = match function.body.only_value(*local) {
        Some(Rvalue::Tuple(elements)) => elements.iter().map(|element| &element.value).collect(),
        Some(Rvalue::Dict(items)) => {
            let items = items.iter().filter_map(|item| match item {
                DictItem::Pair(_, value) => Some(value),
                DictItem::Spread(_) => None,
            });
            items.collect()
        }
        _ => vec![value],
    };
    let of = of.into_iter().filter_map(|operand| match operand {
        Operand::Local(local) => Some(root(function, *local)),
        Operand::Const(_) => None,
    });
    of.filter(|local| is_variable(function, *local)).collect()
}

/// Whether the code of a handler puts something into a list, or counts up, and tells nobody else.
fn collects(function: &Function, caught: BlockId, into: LocalId, write: BlockId) -> bool {
    let handling = Handling::after(function, caught, true);
    let is_into = |operand: &Operand| *operand == Operand::Local(into);
    let adds = |callee: &Callee| match callee {
        Callee::Method { receiver, name, .. } => {
            is_into(receiver) && matches!(name.as_str(), "append" | "extend" | "add")
        }
        Callee::Value(_) => false,
    };
    let appended = handling.calls().any(|(_, callee, _)| adds(callee));
    let counted = handling.statements().any(|statement| {
        matches!(
            statement,
            StatementKind::Assign(dest, Rvalue::InPlace(BinOp::Add, of, _))
                if *dest == into && is_into(of)
        )
    });
    if !appended && !counted {
        return false;
    }
    let rows = given_to(function, write);
    let others = handling.blocks.iter().filter(|at| {
        !matches!(
            &function.body.block(**at).terminator.kind,
            TerminatorKind::Eval { rvalue: Rvalue::Call { callee, .. }, .. } if adds(callee)
        )
    });
    let others = Handling {
        function,
        blocks: others.copied().collect(),
    };
    let raises = others.blocks.iter().any(|at| {
        let terminator = &function.body.block(*at).terminator.kind;
        matches!(terminator, TerminatorKind::Raise { .. })
    });
    let stores = others.statements().any(|statement| match statement {
        StatementKind::Assign(dest, _) => {
            is_variable(function, *dest)
                && *dest != into
                && fate_of(function, FxHashSet::from_iter([*dest])) != Fate::Unheard
        }
        StatementKind::SetField { .. }
        | StatementKind::SetItem { .. }
        | StatementKind::SetGlobal { .. } => true,
        _ => false,
    });
    !raises && !stores && !others.calls_somebody(&rows)
}

/// Whether something else than the changes and the `return` looks at a variable.
fn is_looked_at(function: &Function, local: LocalId) -> bool {
    let results = FxHashSet::from_iter([local]);
    fate_of(function, results) == Fate::Tested || {
        let is = |operand: &Operand| *operand == Operand::Local(local);
        let blocks = &function.body.blocks;
        let stored = blocks.iter().flat_map(|block| &block.statements);
        let mut stored = stored.map(|statement| &statement.kind);
        stored.any(|statement| match statement {
            StatementKind::SetField { value, .. }
            | StatementKind::SetItem { value, .. }
            | StatementKind::SetGlobal { value, .. } => is(value),
            _ => false,
        }) || blocks.iter().any(|block| match &block.terminator.kind {
            TerminatorKind::Eval {
                rvalue: Rvalue::Call { callee, args },
                ..
            } => {
                let Called { name, on } = called(function, callee);
                let logs = is_log_method(&name) || on.is_some_and(|on| is_logger_name(&on));
                !logs && !shows(&name) && name != "len" && args.iter().any(|arg| is(&arg.value))
            }
            TerminatorKind::ForNext { iter, .. } => *iter == local,
            _ => false,
        })
    }
}

/// Whether somebody else may get to know of the failure than the caller, after this outcome of a branch: by
/// a call, or by what is kept.
fn tells_somebody(function: &Function, (branch, taken): (BlockId, bool), write: BlockId) -> bool {
    let handling = Handling::after(function, branch, taken);
    let keeps = handling.statements().any(|statement| {
        matches!(
            statement,
            StatementKind::SetField {
                value: Operand::Local(_),
                ..
            } | StatementKind::SetItem { .. }
                | StatementKind::SetGlobal { .. }
        )
    });
    let collects = handling.calls().any(|(_, callee, _)| {
        matches!(callee, Callee::Method { name, .. } if CHANGES.contains(&name.as_str()))
    });
    keeps || collects || handling.calls_somebody(&given_to(function, write))
}

/// Whether the call at the end of a block is one for several rows.
fn is_batch(function: &Function, at: BlockId) -> bool {
    match &function.body.block(at).terminator.kind {
        TerminatorKind::Eval {
            rvalue: Rvalue::Call { callee, .. },
            ..
        } => is_of_batch(&called(function, callee).name),
        _ => false,
    }
}

/// The block that ends with the test of a handler.
fn handler_at(body: &Body, handler: &Handler) -> Option<BlockId> {
    let mut blocks = (0u32..).zip(&body.blocks);
    blocks.find_map(|(at, block)| {
        let t = &block.terminator;
        let is = matches!(
            t.kind,
            TerminatorKind::Branch {
                role: BranchRole::Handler,
                ..
            }
        );
        (is && t.span == handler.header).then_some(BlockId(at))
    })
}

/// The write whose result a local holds.
fn write_behind(function: &Function, local: LocalId, ask: &Ask<'_>) -> Option<(BlockId, Span)> {
    let body = &function.body;
    let mut at = local;
    for _ in 0..CHAIN {
        match body.only_value(at)? {
            Rvalue::Use(Operand::Local(of)) | Rvalue::Await(Operand::Local(of)) => at = *of,
            Rvalue::Call { .. } => break,
            _ => return None,
        }
    }
    let mut blocks = (0u32..).zip(&body.blocks);
    blocks.find_map(|(block, content)| match &content.terminator.kind {
        TerminatorKind::Eval {
            dest: Some(dest), ..
        } if *dest == at => {
            (ask.writes)(BlockId(block)).then_some((BlockId(block), content.terminator.span))
        }
        _ => None,
    })
}

/// A write whose exception the handler may catch.
fn write_under(function: &Function, handler: &Handler, ask: &Ask<'_>) -> Option<(BlockId, Span)> {
    let body = &function.body;
    let mut blocks = (0u32..).zip(&body.blocks);
    blocks.find_map(|(at, block)| match &block.terminator.kind {
        TerminatorKind::Eval {
            unwind: Some(unwind),
            ..
        } => {
            let lost = leads_to(body, unwind.target, handler) && (ask.writes)(BlockId(at));
            lost.then_some((BlockId(at), block.terminator.span))
        }
        _ => None,
    })
}

/// Whether an exception that arrives at a block is offered to a handler.
fn leads_to(body: &Body, from: BlockId, handler: &Handler) -> bool {
    let mut at = from;
    // A `try` has fewer handlers than the body has blocks.
    for _ in 0..body.blocks.len() {
        let terminator = &body.block(at).terminator;
        match terminator.kind {
            TerminatorKind::Branch {
                role: BranchRole::Handler,
                otherwise,
                ..
            } => {
                if terminator.span == handler.header {
                    return true;
                }
                at = otherwise;
            }
            _ => return false,
        }
    }
    false
}
