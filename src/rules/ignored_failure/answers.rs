//! How a function returns that its write failed.
//!
//! Nothing is simulated: the control-flow graph shows a `return` that is reached only after a write has
//! failed, with a value that no other `return` can have.

use std::collections::BTreeSet;

use crate::ir::data::{FAILURE, SUCCESS};
use crate::ir::{
    Arg, BlockId, Body, BranchRole, Callee, Data, Function, Handler, Literal, LocalId, Name,
    Operand, Rvalue, StatementKind, TerminatorKind,
};
use crate::rules::failed_write::likeness::CHAIN;
use crate::rules::known::Call;
use crate::rules::tables::is_best_effort;
use crate::source::Span;

/// Whether a call that ends a block writes.
pub(super) type Writes<'w> = dyn Fn(BlockId, Call<'_>) -> bool + 'w;

/// How a function returns that its write failed.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    /// What it returns then.
    pub(super) answer: Literal,
    /// The write that fails.
    pub(super) write: Span,
    /// Where that is caught; `None` if the result of the write is returned as it is.
    pub(super) caught: Option<Span>,
    /// The `return`.
    pub(super) returns: Span,
}

impl Failure {
    /// The failure that a function returns, if no other `return` of it may have the same value.
    pub(super) fn of(function: &Function, writes: &Writes<'_>) -> Option<Self> {
        let name = function.name.trim_start_matches('_');
        // What only tries may fail.
        if function.is_generator || is_best_effort(name) || name.starts_with("try_") {
            return None;
        }
        Self::of_handler(&function.body, writes).or_else(|| Self::of_result(&function.body, writes))
    }

    /// The same, if it is returned from the handler of a write.
    fn of_handler(body: &Body, writes: &Writes<'_>) -> Option<Self> {
        if body.handlers.is_empty() {
            return None;
        }
        let exits = exits(body);
        let in_handler = |exit: &&Exit| body.handlers.iter().any(|h| h.body.contains(exit.span));
        let others: Vec<&Exit> = exits.iter().filter(|exit| !in_handler(exit)).collect();
        if others.is_empty() {
            return None;
        }
        body.handlers.iter().find_map(|handler| {
            let mut inside = exits.iter().filter(|exit| handler.body.contains(exit.span));
            let failing = inside.find(|exit| exit.value.is_failure())?;
            let answer = failing.value.literal()?;
            if !others.iter().all(|other| other.value.differs(answer)) {
                return None;
            }
            Some(Self {
                answer: answer.clone(),
                write: write_under(body, handler, writes)?,
                caught: Some(handler.header),
                returns: failing.span,
            })
        })
    }

    /// The same, if the result of a write is asked whether it is an error.
    fn of_result(body: &Body, writes: &Writes<'_>) -> Option<Self> {
        let exits = exits(body);
        let is_false = |exit: &&Exit| exit.value == Value::Literal(Literal::Bool(false));
        let failure = |exit: &Exit, write: Span, caught| Self {
            answer: Literal::Bool(false),
            write,
            caught,
            returns: exit.span,
        };
        let differ = |from: &BTreeSet<BlockId>| {
            let mut others = exits.iter().filter(|exit| !from.contains(&exit.block));
            let (mut any, no) = (false, Literal::Bool(false));
            others.all(|other| {
                any = true;
                other.value.differs(&no)
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
            let inside = exits.iter().filter(|exit| only.contains(&exit.block));
            let Some(exit) = inside.clone().find(is_false) else {
                continue;
            };
            if !differ(&only) {
                continue;
            }
            if let Some(write) = write_behind(body, object, writes) {
                let caught = body.block(BlockId(at)).terminator.span;
                return Some(failure(exit, write, Some(caught)));
            }
        }
        // `write(…).is_ok()`
        exits.iter().find_map(|exit| {
            let (object, true) = outcome(body, exit.local?)? else {
                return None;
            };
            let others = exits.iter().filter(|other| other.span != exit.span);
            let no = Literal::Bool(false);
            if !others.clone().all(|other| other.value.differs(&no)) {
                return None;
            }
            Some(failure(exit, write_behind(body, object, writes)?, None))
        })
    }
}

/// Where a function returns.
pub(super) struct Exit {
    pub(super) block: BlockId,
    pub(super) span: Span,
    /// The local that is returned, if it is one.
    pub(super) local: Option<LocalId>,
    pub(super) value: Value,
}

/// What is known of a returned value.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Value {
    Literal(Literal),
    /// A text, a number or a collection.
    Made,
    Unknown,
}

impl Value {
    /// Whether it stands for a failure.
    fn is_failure(&self) -> bool {
        matches!(self, Value::Literal(Literal::None | Literal::Bool(false)))
    }

    fn literal(&self) -> Option<&Literal> {
        match self {
            Value::Literal(literal) => Some(literal),
            Value::Made | Value::Unknown => None,
        }
    }

    /// Whether it is surely another value than an answer that stands for a failure.
    pub(super) fn differs(&self, answer: &Literal) -> bool {
        match self {
            Value::Literal(literal) => literal != answer,
            Value::Made => true,
            Value::Unknown => false,
        }
    }
}

/// Where a body returns. If a variable is returned that gets literals only, each of these is an exit.
pub(super) fn exits(body: &Body) -> Vec<Exit> {
    let mut out = Vec::new();
    for (at, block) in (0u32..).zip(&body.blocks) {
        let span = block.terminator.span;
        let TerminatorKind::Return { value, .. } = &block.terminator.kind else {
            continue;
        };
        let exit = |local, value| Exit {
            block: BlockId(at),
            span,
            local,
            value,
        };
        match value {
            Operand::Const(literal) => out.push(exit(None, Value::Literal(literal.clone()))),
            Operand::Local(local) => match stored(body, *local, span) {
                Some(stored) => out.extend(stored),
                None => out.push(exit(Some(*local), made(body, *local))),
            },
        }
    }
    out
}

/// The literals that a returned local gets. If the value has to wait for a `finally`, the `return`
/// statement stores it in a local that other statements store into, too.
fn stored(body: &Body, local: LocalId, returns: Span) -> Option<Vec<Exit>> {
    let blocks = (0u32..).zip(&body.blocks);
    let all = blocks.flat_map(|(at, block)| {
        let statements = block.statements.iter();
        statements.filter_map(move |statement| match &statement.kind {
            StatementKind::Assign(to, rvalue) if *to == local => {
                Some((BlockId(at), statement.span, rvalue))
            }
            _ => None,
        })
    });
    let mut all: Vec<_> = all.collect();
    let evals = body.blocks.iter().any(|block| {
        matches!(block.terminator.kind, TerminatorKind::Eval { dest: Some(dest), .. } if dest == local)
    });
    if all.iter().any(|(_, span, _)| returns.contains(*span)) {
        all.retain(|(_, span, _)| returns.contains(*span));
    } else if evals {
        return None;
    }
    let exits = all.into_iter().map(|(block, span, rvalue)| match rvalue {
        Rvalue::Use(Operand::Const(literal)) => Some(Exit {
            block,
            span,
            local: None,
            value: Value::Literal(literal.clone()),
        }),
        _ => None,
    });
    let exits: Option<Vec<Exit>> = exits.collect();
    exits.filter(|exits| !exits.is_empty())
}

/// What is known of a local by how it is made.
fn made(body: &Body, local: LocalId) -> Value {
    match body.only_value(local) {
        Some(
            Rvalue::List(_)
            | Rvalue::Tuple(_)
            | Rvalue::Set(_)
            | Rvalue::Dict(_)
            | Rvalue::Format(_)
            | Rvalue::Data(Data::Len(_)),
        ) => Value::Made,
        Some(Rvalue::Call {
            callee: Callee::Value(of),
            ..
        }) if name_of(body, of).is_some_and(|name| name == "len") => Value::Made,
        _ => Value::Unknown,
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

/// The write whose result a local holds.
fn write_behind(body: &Body, local: LocalId, writes: &Writes<'_>) -> Option<Span> {
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
            is_write(body, BlockId(block), writes).then_some(content.terminator.span)
        }
        _ => None,
    })
}

/// A write whose exception the handler may catch.
fn write_under(body: &Body, handler: &Handler, writes: &Writes<'_>) -> Option<Span> {
    let mut blocks = (0u32..).zip(&body.blocks);
    blocks.find_map(|(at, block)| match &block.terminator.kind {
        TerminatorKind::Eval {
            unwind: Some(unwind),
            ..
        } => {
            let lost =
                leads_to(body, unwind.target, handler) && is_write(body, BlockId(at), writes);
            lost.then_some(block.terminator.span)
        }
        _ => None,
    })
}

fn is_write(body: &Body, at: BlockId, writes: &Writes<'_>) -> bool {
    let TerminatorKind::Eval {
        rvalue: Rvalue::Call { callee, args },
        ..
    } = &body.block(at).terminator.kind
    else {
        return false;
    };
    let (name, receiver) = match callee {
        Callee::Method { name, receiver, .. } => (name.clone(), name_of(body, receiver)),
        Callee::Value(value) => (name_of(body, value).unwrap_or_default(), None),
    };
    let given = texts(args);
    writes(at, (name.as_str(), receiver.as_deref(), given.as_slice()))
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

/// The texts among arguments.
fn texts(args: &[Arg]) -> Vec<Name> {
    let args = args.iter();
    args.filter_map(|arg| match &arg.value {
        Operand::Const(Literal::Str(text)) => Some(text.clone()),
        _ => None,
    })
    .collect()
}

/// The last part of the name that an operand goes by.
fn name_of(body: &Body, operand: &Operand) -> Option<Name> {
    let Operand::Local(local) = operand else {
        return None;
    };
    let own = body.locals[local.index()].name.as_ref();
    own.or_else(|| body.only_value(*local)?.name()).cloned()
}
