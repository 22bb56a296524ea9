//! What a body does to the dicts that the attributes of its receiver hold, block by block.

use crate::contracts::view::{Entry, Receiver, View};
use crate::frontend::sketch::says_how_much;
use crate::ir::{
    Arg, ArgKind, BasicBlock, BinOp, Callee, CmpOp, DictItem, Literal, LocalId, Name, Operand,
    Rvalue, StatementKind, TerminatorKind,
};
use crate::program::{Def, FuncRef};
use crate::source::Span;

/// Something that a body does.
#[derive(Clone, Debug)]
pub(super) struct Event {
    pub span: Span,
    pub what: What,
    /// It is the terminator of the block, and happens only if that does not raise.
    pub last: bool,
}

/// What a body does.
#[derive(Clone, Debug)]
pub(super) enum What {
    /// Stores under a key.
    Set {
        field: Name,
        key: Name,
        /// The stored value is a literal.
        literal: bool,
    },
    /// Stores under keys that are not known.
    SetAny { field: Name },
    /// The attribute gets another value.
    Rebind { field: Name },
    /// The attribute gets a dict that makes up missing keys: a `Counter` or `defaultdict`.
    Lenient { field: Name },
    /// Asks whether a key is there, or fills it in.
    Test { field: Name, key: Name },
    /// Reads a key.
    Read(Read),
    /// Calls a method of the receiver; with `parent`, that of the next class in its MRO.
    Call {
        name: Name,
        parent: bool,
        entry: Entry,
        dest: Option<LocalId>,
    },
    /// Reads a property of the receiver, which runs a method.
    Property { name: Name, dest: LocalId },
    /// Calls a function with the receiver or a dict of it.
    Helper { func: FuncRef, entry: Entry },
    /// The receiver or a dict of it goes to unknown code.
    Escape,
}

/// A read of a key.
#[derive(Clone, Debug)]
pub(super) struct Read {
    pub field: Name,
    pub key: Name,
    pub dest: Option<LocalId>,
    pub how: How,
}

/// How a key is read.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum How {
    /// `place[key]`
    Subscript,
    /// `place.get(key)`, or with None as the default.
    GetOrNone,
    /// `place.get(key, default)`
    GetOr(Operand),
    /// The attribute itself, and not a key of it.
    Attribute,
}

/// In place of a key: the attribute itself is what is stored or read.
pub(super) const ITSELF: &str = "";

/// How many calls of `dict` in each other are looked into. A dict may be made of itself: `row = dict(row)`.
const MAX_DICTS: usize = 4;

/// Everything that a body does, by block.
pub(super) fn events(view: &View<'_, '_>) -> Vec<Vec<Event>> {
    let blocks = &view.function.body.blocks;
    blocks.iter().map(|block| in_block(view, block)).collect()
}

fn in_block(view: &View<'_, '_>, block: &BasicBlock) -> Vec<Event> {
    let mut out = Vec::new();
    for statement in &block.statements {
        let mut push = |what| {
            out.push(Event {
                span: statement.span,
                what,
                last: false,
            });
        };
        match &statement.kind {
            StatementKind::SetItem { object, key, value } => {
                if let Some(field) = view.dict(object) {
                    push(stored(view, field, key, value));
                }
            }
            StatementKind::SetField {
                object,
                field,
                value,
            } if view.is_receiver(object) => {
                rebind(view, field, value, &mut push);
                push(What::Set {
                    field: field.clone(),
                    key: ITSELF.into(),
                    literal: matches!(value, Operand::Const(_)),
                });
            }
            StatementKind::Assign(_, Rvalue::InPlace(BinOp::BitOr, left, right)) => {
                if let Some(field) = view.dict(left) {
                    merged(view, &field, (right, 0), &mut push);
                }
            }
            StatementKind::Assign(dest, Rvalue::GetField(object, field)) => {
                attribute(view, object, field, *dest, &mut push);
            }
            StatementKind::Assign(_, rvalue) => tests(view, rvalue, &mut push),
            _ => {}
        }
    }
    if let TerminatorKind::Eval { dest, rvalue, .. } = &block.terminator.kind {
        let mut push = |what| {
            out.push(Event {
                span: block.terminator.span,
                what,
                last: true,
            });
        };
        match rvalue {
            Rvalue::GetField(object, field) => {
                if let Some(dest) = dest {
                    attribute(view, object, field, *dest, &mut push);
                }
            }
            Rvalue::GetItem(object, key) => {
                if let (Some(field), Some(key)) = (view.dict(object), view.text(key)) {
                    push(What::Read(Read {
                        field,
                        key,
                        dest: *dest,
                        how: How::Subscript,
                    }));
                }
            }
            Rvalue::Call { callee, args } => call(view, callee, args, *dest, &mut push),
            rvalue => tests(view, rvalue, &mut push),
        }
    }
    out
}

/// `self.rows_loaded`
fn attribute(
    view: &View<'_, '_>,
    object: &Operand,
    field: &Name,
    dest: LocalId,
    push: &mut impl FnMut(What),
) {
    let counts = says_how_much(field);
    if !(counts || view.has_property(field)) || !view.is_receiver(object) {
        return;
    }
    if view.has_property(field) {
        push(What::Property {
            name: field.clone(),
            dest,
        });
    }
    if counts {
        push(What::Read(Read {
            field: field.clone(),
            key: ITSELF.into(),
            dest: Some(dest),
            how: How::Attribute,
        }));
    }
}

fn stored(view: &View<'_, '_>, field: Name, key: &Operand, value: &Operand) -> What {
    match view.text(key) {
        Some(key) => What::Set {
            field,
            key,
            literal: matches!(value, Operand::Const(_)),
        },
        None => What::SetAny { field },
    }
}

/// `key in place`, `key in place.keys()`
fn tests(view: &View<'_, '_>, rvalue: &Rvalue, push: &mut impl FnMut(What)) {
    let Rvalue::Compare(CmpOp::In | CmpOp::NotIn, key, place) = rvalue else {
        return;
    };
    let place = match view.source(place) {
        Some(Rvalue::Call {
            callee: Callee::Method { receiver, name, .. },
            ..
        }) if name == "keys" => receiver,
        _ => place,
    };
    if let (Some(field), Some(key)) = (view.dict(place), view.text(key)) {
        push(What::Test { field, key });
    }
}

fn rebind(view: &View<'_, '_>, field: &Name, value: &Operand, push: &mut impl FnMut(What)) {
    let rebound = || What::Rebind {
        field: field.clone(),
    };
    if view.dict(value).as_ref() == Some(field) {
        return;
    }
    match view.source(value) {
        // `place |= …` stores back what it changed.
        Some(Rvalue::InPlace(BinOp::BitOr, left, _)) if view.dict(left).is_some() => {}
        Some(Rvalue::Dict(items)) => {
            let spreads = |item: &DictItem| matches!(item, DictItem::Spread(from) if view.dict(from).as_ref() == Some(field));
            if !items.iter().any(spreads) {
                push(rebound());
            }
            displayed(view, field, items, push);
        }
        Some(Rvalue::Call { callee, args }) => {
            push(rebound());
            match view.callee_name(callee).as_deref() {
                Some("defaultdict" | "Counter") => push(What::Lenient {
                    field: field.clone(),
                }),
                Some("dict") => keywords(view, field, (args, 0), push),
                _ => push(What::SetAny {
                    field: field.clone(),
                }),
            }
        }
        _ => {
            push(rebound());
            push(What::SetAny {
                field: field.clone(),
            });
        }
    }
}

fn displayed(view: &View<'_, '_>, field: &Name, items: &[DictItem], push: &mut impl FnMut(What)) {
    for item in items {
        match item {
            DictItem::Pair(key, value) => push(stored(view, field.clone(), key, value)),
            DictItem::Spread(from) if view.dict(from).as_ref() == Some(field) => {}
            DictItem::Spread(_) => push(What::SetAny {
                field: field.clone(),
            }),
        }
    }
}

/// What `place.update(other)` and `place |= other` store; `depth` is the number of calls of `dict` around it.
fn merged(
    view: &View<'_, '_>,
    field: &Name,
    (other, depth): (&Operand, usize),
    push: &mut impl FnMut(What),
) {
    match view.source(other) {
        Some(Rvalue::Dict(items)) => displayed(view, field, items, push),
        Some(Rvalue::Call { callee, args })
            if depth < MAX_DICTS && view.callee_name(callee).as_deref() == Some("dict") =>
        {
            keywords(view, field, (args, depth + 1), push);
        }
        _ => push(What::SetAny {
            field: field.clone(),
        }),
    }
}

/// What the arguments of `dict(…)` and `update(…)` store.
fn keywords(
    view: &View<'_, '_>,
    field: &Name,
    (args, depth): (&[Arg], usize),
    push: &mut impl FnMut(What),
) {
    for arg in args {
        match &arg.kind {
            ArgKind::Keyword(key) => push(What::Set {
                field: field.clone(),
                key: key.clone(),
                literal: matches!(arg.value, Operand::Const(_)),
            }),
            ArgKind::Positional | ArgKind::DoubleStar => {
                merged(view, field, (&arg.value, depth), push);
            }
            ArgKind::Star => push(What::SetAny {
                field: field.clone(),
            }),
        }
    }
}

fn call(
    view: &View<'_, '_>,
    callee: &Callee,
    args: &[Arg],
    dest: Option<LocalId>,
    push: &mut impl FnMut(What),
) {
    if let Callee::Method { receiver, name, .. } = callee {
        if let Some(field) = view.dict(receiver) {
            method_of_dict(view, field, name, args, dest, push);
            return;
        }
        let parent = matches!(view.source(receiver), Some(Rvalue::Super { .. }));
        if parent || view.is_receiver(receiver) {
            let mut entry = passed(view, args, 1);
            entry.receiver = Some(Receiver::Param(LocalId(0)));
            push(What::Call {
                name: name.clone(),
                parent,
                entry,
                dest,
            });
            return;
        }
    }
    let entry = passed(view, args, 0);
    if entry == Entry::default() {
        return;
    }
    let func = match callee {
        Callee::Value(value) => view.named(value),
        Callee::Method { receiver, name, .. } => view
            .named(receiver)
            .map(|def| view.program.attribute_of(&def, name)),
    };
    match func {
        Some(Def::Func(func)) => push(What::Helper { func, entry }),
        // Built-in functions change no dict.
        Some(Def::External(name)) if !name.contains('.') => {}
        _ => push(What::Escape),
    }
}

fn method_of_dict(
    view: &View<'_, '_>,
    field: Name,
    name: &str,
    args: &[Arg],
    dest: Option<LocalId>,
    push: &mut impl FnMut(What),
) {
    let key = match args.first() {
        Some(Arg {
            kind: ArgKind::Positional,
            value,
        }) => view.text(value),
        _ => None,
    };
    match (name, key) {
        ("get", Some(key)) => {
            let how = match args.get(1).map(|arg| &arg.value) {
                None | Some(Operand::Const(Literal::None)) => How::GetOrNone,
                Some(default) => How::GetOr(default.clone()),
            };
            push(What::Read(Read {
                field,
                key,
                dest,
                how,
            }));
        }
        ("setdefault", Some(key)) => {
            push(What::Test {
                field: field.clone(),
                key: key.clone(),
            });
            push(What::Set {
                field,
                key,
                literal: true,
            });
        }
        ("__contains__" | "pop", Some(key)) => push(What::Test { field, key }),
        ("__setitem__", Some(key)) => push(What::Set {
            field,
            key,
            literal: false,
        }),
        ("update", _) => keywords(view, &field, (args, 0), push),
        ("setdefault" | "__setitem__", None) => push(What::SetAny { field }),
        _ => {}
    }
}

/// How the receiver and its dict reach the parameters of a callee, the first `offset` of which are
/// bound already.
fn passed(view: &View<'_, '_>, args: &[Arg], offset: u32) -> Entry {
    let mut entry = Entry::default();
    for (at, arg) in (offset..).zip(args) {
        if arg.kind != ArgKind::Positional {
            // Which parameter gets it is not known: one that no body has matches nothing.
            if view.is_receiver(&arg.value) || view.dict(&arg.value).is_some() {
                entry.dict = Some((LocalId(u32::MAX), view.dict(&arg.value).unwrap_or_default()));
            }
            continue;
        }
        if view.is_receiver(&arg.value) {
            entry.receiver = Some(Receiver::Param(LocalId(at)));
        } else if let Some(field) = view.dict(&arg.value) {
            entry.dict = Some((LocalId(at), field));
        }
    }
    entry
}
