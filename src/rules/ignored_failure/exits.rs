//! Where a function returns, and what is known of the values.

use crate::ir::{
    BlockId, Body, Callee, Data, DictItem, Element, Function, Literal, LocalId, Name, Operand,
    Rvalue, StatementKind, TerminatorKind,
};
use crate::rules::failed_write::code::called;
use crate::rules::tables::{is_failed_mark, says_refused};
use crate::source::Span;

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
    /// A dict, a tuple or a member of an enumeration that says that something failed: how it is written, in
    /// short.
    Failed(String),
    /// A text, a number or a collection that says nothing of a failure.
    Made,
    /// A dict or a tuple; whether it says so is not known.
    Open,
    Unknown,
}

impl Value {
    /// What it says of a failure, if it stands for one.
    pub(super) fn failure(&self) -> Option<Answer> {
        match self {
            Value::Literal(literal @ (Literal::None | Literal::Bool(false))) => {
                Some(Answer::Literal(literal.clone()))
            }
            Value::Failed(shown) => Some(Answer::Shown(shown.clone())),
            _ => None,
        }
    }

    /// Whether it is surely another value than an answer that stands for a failure.
    pub(super) fn differs(&self, answer: &Answer) -> bool {
        match (self, answer) {
            (Value::Literal(literal), Answer::Literal(answer)) => literal != answer,
            (Value::Failed(_) | Value::Made | Value::Open, Answer::Literal(_)) => true,
            (Value::Literal(literal), Answer::Shown(_)) => *literal != Literal::None,
            (Value::Made, Answer::Shown(_)) => true,
            (_, Answer::Shown(_)) | (Value::Unknown, _) => false,
        }
    }
}

/// What a function returns when its write fails.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Answer {
    Literal(Literal),
    /// Something that tells of it, as it is written.
    Shown(String),
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
        Some(Rvalue::Tuple(elements)) => tuple(elements),
        Some(Rvalue::Dict(items)) => dict(function, items),
        Some(Rvalue::Path(path)) if path.len() > 1 => member(path, "::"),
        Some(Rvalue::GetField(Operand::Local(of), name)) => match function.body.only_value(*of) {
            Some(Rvalue::Global(class)) => member(&[class.clone(), name.clone()], "."),
            _ => Value::Unknown,
        },
        Some(Rvalue::List(_) | Rvalue::Set(_) | Rvalue::Format(_) | Rvalue::Data(Data::Len(_))) => {
            Value::Made
        }
        Some(Rvalue::Call {
            callee: callee @ Callee::Value(_),
            ..
        }) if called(function, callee).name == "len" => Value::Made,
        _ => Value::Unknown,
    }
}

/// What a member of an enumeration says: `Outcome.FAILED`.
fn member(path: &[Name], between: &str) -> Value {
    let name = path.last().map_or("", Name::as_str);
    if !name.starts_with(char::is_uppercase) {
        return Value::Unknown;
    }
    if says_refused(name) {
        Value::Failed(path.join(between))
    } else {
        Value::Made
    }
}

/// What a tuple says: `False, "no connection"`.
fn tuple(elements: &[Element]) -> Value {
    match elements.first().map(|element| &element.value) {
        Some(Operand::Const(Literal::Bool(false))) => Value::Failed("False, …".to_owned()),
        Some(Operand::Const(Literal::Bool(true))) => Value::Made,
        _ => Value::Open,
    }
}

/// What a dict says: `{"status": "error"}`, `{"success": False}`, `{"error": "no connection"}`.
fn dict(function: &Function, items: &[DictItem]) -> Value {
    let mut open = false;
    for item in items {
        let DictItem::Pair(Operand::Const(Literal::Str(key)), value) = item else {
            open = true;
            continue;
        };
        let lower = key.to_ascii_lowercase();
        match (lower.as_str(), value) {
            ("status" | "state" | "result" | "outcome", Operand::Const(Literal::Str(text)))
                if is_failed_mark(text) =>
            {
                return Value::Failed(format!("{{\"{key}\": \"{text}\"}}"));
            }
            ("success" | "succeeded" | "ok" | "stored", Operand::Const(Literal::Bool(false))) => {
                return Value::Failed(format!("{{\"{key}\": False}}"));
            }
            ("status" | "state" | "result" | "outcome", Operand::Const(Literal::Str(_)))
            | ("success" | "succeeded" | "ok" | "stored", Operand::Const(Literal::Bool(_))) => {}
            ("error" | "errors", Operand::Const(Literal::Str(_))) => {
                return Value::Failed(format!("{{\"{key}\": …}}"));
            }
            ("error" | "errors", Operand::Local(local)) => {
                if is_text(function, *local) {
                    return Value::Failed(format!("{{\"{key}\": …}}"));
                }
                open = true;
            }
            ("status" | "state" | "result" | "outcome" | "success" | "succeeded" | "ok", _) => {
                open = true;
            }
            _ => {}
        }
    }
    if open { Value::Open } else { Value::Made }
}

/// Whether a local is surely a text: `str(error)`, or a formatted one.
fn is_text(function: &Function, local: LocalId) -> bool {
    match function.body.only_value(local) {
        Some(Rvalue::Format(_)) => true,
        Some(Rvalue::Call {
            callee: callee @ Callee::Value(_),
            ..
        }) => matches!(called(function, callee).name.as_str(), "str" | "repr"),
        _ => false,
    }
}
