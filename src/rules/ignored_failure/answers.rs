//! How a function returns that its write failed.
//!
//! Nothing is simulated: the control-flow graph shows a `return` that is reached only after a write has
//! failed, with a value that no other `return` can have.

use std::collections::BTreeSet;

use crate::ir::data::{FAILURE, SUCCESS};
use crate::ir::{
    BlockId, Body, BranchRole, Callee, Data, Function, Handler, Literal, LocalId, Name, Operand,
    Rvalue, StatementKind, TerminatorKind,
};
use crate::rules::failed_write::code::{Called, called, given_to, texts};
use crate::rules::failed_write::handling::Handling;
use crate::rules::failed_write::likeness::CHAIN;
use crate::rules::known::Call;
use crate::rules::tables::collections::CHANGES;
use crate::rules::tables::{
    changes_rows, is_best_effort, is_buffer, is_of_batch, is_removal, runs_statement,
};
use crate::source::Span;

/// What is asked of the program about a function.
pub(super) struct Ask<'a> {
    /// Whether a call that ends a block writes.
    pub(super) writes: &'a dyn Fn(BlockId, Call<'_>) -> bool,
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
    pub(super) fn of(function: &Function, ask: &Ask<'_>) -> Option<Self> {
        let name = function.name.trim_start_matches('_');
        // What only tries may fail.
        if function.is_generator
            || is_best_effort(name)
            || is_removal(name, &[])
            || name.starts_with("try_")
        {
            return None;
        }
        Self::of_handler(function, ask).or_else(|| Self::of_result(function, ask))
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
            let failing = inside.find(|exit| exit.value.is_failure())?;
            let answer = failing.value.literal()?;
            if !others.iter().all(|other| other.value.differs(answer)) {
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
                answer: answer.clone(),
                write,
                caught: Some(handler.header),
                returns: failing.span,
            })
        })
    }

    /// The same, if the result of a write is asked whether it is an error.
    fn of_result(function: &Function, ask: &Ask<'_>) -> Option<Self> {
        let body = &function.body;
        let exits = exits(function);
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
            let Some((from, write)) = write_behind(function, object, ask) else {
                continue;
            };
            if !tells_somebody(function, (BlockId(at), !is_ok), from) {
                return Some(failure(exit, write, Some(block.terminator.span)));
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
            Some(failure(exit, write_behind(function, object, ask)?.1, None))
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
pub(super) fn exits(function: &Function) -> Vec<Exit> {
    let body = &function.body;
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
                None => out.push(exit(Some(*local), made(function, *local))),
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
fn made(function: &Function, local: LocalId) -> Value {
    match function.body.only_value(local) {
        Some(
            Rvalue::List(_)
            | Rvalue::Tuple(_)
            | Rvalue::Set(_)
            | Rvalue::Dict(_)
            | Rvalue::Format(_)
            | Rvalue::Data(Data::Len(_)),
        ) => Value::Made,
        Some(Rvalue::Call {
            callee: callee @ Callee::Value(_),
            ..
        }) if called(function, callee).name == "len" => Value::Made,
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
    let collects = handling.calls().any(|(callee, _)| {
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
        } if *dest == at => is_write(function, BlockId(block), ask)
            .then_some((BlockId(block), content.terminator.span)),
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
            let lost =
                leads_to(body, unwind.target, handler) && is_write(function, BlockId(at), ask);
            lost.then_some((BlockId(at), block.terminator.span))
        }
        _ => None,
    })
}

pub(super) fn is_write(function: &Function, at: BlockId, ask: &Ask<'_>) -> bool {
    let body = &function.body;
    let TerminatorKind::Eval {
        rvalue: Rvalue::Call { callee, args },
        ..
    } = &body.block(at).terminator.kind
    else {
        return false;
    };
    let Called { name, on } = called(function, callee);
    let given = texts(args);
    let names = (name.as_str(), on.as_deref(), given.as_slice());
    // A buffer stores nothing, and a statement that is not known may be none that stores rows.
    let is_vague = on.as_deref().is_some_and(is_buffer)
        || is_removal(&name, &given)
        || runs_statement(&name) && changes_rows(&behind(body, callee, &given)).is_none();
    !is_vague && (ask.writes)(at, names)
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

/// The texts that a call is given, and those of the calls that made its receiver: `query("…").execute(pool)`.
fn behind(body: &Body, callee: &Callee, given: &[Name]) -> Vec<Name> {
    let mut all = given.to_vec();
    let mut on = callee;
    for _ in 0..CHAIN {
        let value = match on {
            Callee::Method {
                receiver: Operand::Local(local),
                ..
            } => body.only_value(*local),
            _ => None,
        };
        let Some(Rvalue::Call { callee, args }) = value else {
            break;
        };
        all.extend(texts(args));
        on = callee;
    }
    all
}
