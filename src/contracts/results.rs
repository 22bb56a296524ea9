//! What a method does with what its calls on the receiver returned: whether that depends on a value.
//!
//! Only uses count by which a missing value breaks the method or is recorded as if it were one. If the
//! method tests the result anywhere, it expects that there may be none.

use std::collections::BTreeMap;

use crate::contracts::events::{How, Read};
use crate::contracts::numbers::is_number;
use crate::contracts::reads::{Dependence, Wanted};
use crate::contracts::stores::Stores;
use crate::contracts::uses::{Use, catches, copies, is_tested_anywhere, missing_is_fine, uses};
use crate::contracts::view::View;
use crate::frontend::sketch::{says_how_many, says_how_much};
use crate::ir::{
    Arg, ArgKind, BinOp, Body, Callee, CmpOp, DictItem, Literal, LocalId, Name, Operand, Rvalue,
    StatementKind, StaticExpr, StaticExprKind, TerminatorKind,
};
use crate::program::{Def, FuncRef};
use crate::settings::Step;
use crate::source::Span;

/// How many calls of one method are looked at.
const MAX_CALLS: usize = 32;
/// Larger bodies are not looked at.
const MAX_BLOCKS: usize = 3000;

/// Built-in functions that ask what a value is.
const ASKS: &[&str] = &[
    "isinstance",
    "bool",
    "hasattr",
    "callable",
    "type",
    "getattr",
];

/// What the calls of a method on its receiver have to return.
pub(super) fn needs(stores: &Stores<'_>, view: &View<'_, '_>, reader: FuncRef) -> Vec<Dependence> {
    let blocks = &view.function.body.blocks;
    let mut out: Vec<Dependence> = Vec::new();
    if blocks.len() > MAX_BLOCKS {
        return out;
    }
    let calls = blocks
        .iter()
        .filter_map(|block| match &block.terminator.kind {
            TerminatorKind::Eval {
                dest: Some(dest),
                rvalue:
                    Rvalue::Call {
                        callee: Callee::Method { receiver, name, .. },
                        ..
                    },
                normal,
                ..
            } if !name.starts_with("__")
                && *name != view.function.name
                && view.is_receiver(receiver) =>
            {
                Some((name, block.terminator.span, *dest, normal.index()))
            }
            _ => None,
        });
    for (name, span, dest, next) in calls.take(MAX_CALLS) {
        let result = ResultOf {
            stores,
            view,
            holders: holders(view, dest, next),
        };
        for (need, at) in result.needs() {
            let wanted = Wanted::Returned {
                steps: need.part.into_iter().collect(),
                number: need.number,
                awaited: result.is_awaited(),
            };
            out.push(Dependence {
                reader,
                wanted,
                read: (reader.module, at),
                through: None,
                helpers: Vec::new(),
                calls: vec![(name.clone(), span)],
                others: Vec::new(),
            });
        }
    }
    out
}

/// Which locals may hold the result of a call at the start of each block.
fn holders(view: &View<'_, '_>, dest: LocalId, next: usize) -> BTreeMap<usize, Vec<LocalId>> {
    let blocks = &view.function.body.blocks;
    let mut out: BTreeMap<usize, Vec<LocalId>> = BTreeMap::from([(next, vec![dest])]);
    let mut work = vec![next];
    // A set only grows, by locals to which the result is copied.
    while let Some(at) = work.pop() {
        let mut held = out[&at].clone();
        for statement in &blocks[at].statements {
            step(&mut held, &statement.kind);
        }
        let kind = &blocks[at].terminator.kind;
        if let TerminatorKind::Eval {
            dest: Some(dest),
            rvalue,
            ..
        } = kind
        {
            assign(&mut held, *dest, rvalue);
        }
        kind.for_each_successor(|to| {
            let known = out.entry(to.index()).or_default();
            let before = known.len();
            let new: Vec<LocalId> = held
                .iter()
                .filter(|l| !known.contains(l))
                .copied()
                .collect();
            known.extend(new);
            if known.len() > before {
                work.push(to.index());
            }
        });
    }
    out
}

fn step(held: &mut Vec<LocalId>, kind: &StatementKind) {
    if let StatementKind::Assign(dest, rvalue) = kind {
        assign(held, *dest, rvalue);
    }
}

fn assign(held: &mut Vec<LocalId>, dest: LocalId, rvalue: &Rvalue) {
    let copied = matches!(rvalue, Rvalue::Use(Operand::Local(from)) | Rvalue::Await(Operand::Local(from))
        if held.contains(from));
    held.retain(|local| *local != dest);
    if copied {
        held.push(dest);
    }
}

/// Something that a use needs.
#[derive(Clone, PartialEq)]
struct Need {
    part: Option<Step>,
    /// Only if some definition is known to return a number: the name alone may be one of rows.
    number: bool,
}

/// A use of a result.
enum Used {
    /// It is not there, and the method can do without.
    Tested,
    Needs(Need, Span),
}

/// The result of a call.
struct ResultOf<'a, 'p, 'm> {
    stores: &'a Stores<'p>,
    view: &'a View<'p, 'm>,
    holders: BTreeMap<usize, Vec<LocalId>>,
}

impl ResultOf<'_, '_, '_> {
    /// What the method needs of the result, with the first use for each. Nothing if it tests it.
    fn needs(&self) -> Vec<(Need, Span)> {
        let mut out: Vec<(Need, Span)> = Vec::new();
        for (at, held) in &self.holders {
            let mut found = Vec::new();
            if self.in_block(*at, held.clone(), &mut found).is_none() {
                return Vec::new();
            }
            for (need, span) in found {
                match out.iter_mut().find(|(known, _)| known.part == need.part) {
                    // A use that needs any value is better evidence than one that may record it.
                    Some(known) if known.0.number && !need.number => *known = (need, span),
                    Some(_) => {}
                    None => out.push((need, span)),
                }
            }
        }
        // A value with a part is a value.
        if out.iter().any(|(need, _)| need.part.is_some()) {
            out.retain(|(need, _)| need.part.is_some());
        }
        out
    }

    fn is_awaited(&self) -> bool {
        let body = &self.view.function.body;
        self.holders.iter().any(|(at, held)| {
            matches!(&body.blocks[*at].terminator.kind,
                TerminatorKind::Eval { rvalue: Rvalue::Await(Operand::Local(local)), .. }
                    if held.contains(local))
        })
    }

    /// Adds the uses in a block; None if one tests the result.
    fn in_block(
        &self,
        at: usize,
        mut held: Vec<LocalId>,
        out: &mut Vec<(Need, Span)>,
    ) -> Option<()> {
        let block = &self.view.function.body.blocks[at];
        let mut add = |used: Option<Used>| match used {
            Some(Used::Tested) => None,
            Some(Used::Needs(need, span)) => {
                out.push((need, span));
                Some(())
            }
            None => Some(()),
        };
        for statement in &block.statements {
            let span = statement.span;
            add(match &statement.kind {
                StatementKind::Assign(dest, rvalue) => {
                    self.in_rvalue(&held, at, Some(*dest), rvalue, span)
                }
                StatementKind::SetField { value, field, .. } => {
                    self.stored(&held, value, field, span)
                }
                StatementKind::SetItem { value, key, .. } => self
                    .view
                    .text(key)
                    .and_then(|key| self.stored(&held, value, &key, span)),
                _ => None,
            })?;
            step(&mut held, &statement.kind);
        }
        let span = block.terminator.span;
        add(match &block.terminator.kind {
            TerminatorKind::Branch { cond, .. } if holds(&held, cond) => Some(Used::Tested),
            TerminatorKind::Eval { dest, rvalue, .. } => {
                self.in_rvalue(&held, at, *dest, rvalue, span)
            }
            _ => None,
        })
    }

    fn in_rvalue(
        &self,
        held: &[LocalId],
        block: usize,
        dest: Option<LocalId>,
        rvalue: &Rvalue,
        span: Span,
    ) -> Option<Used> {
        let any = Need {
            part: None,
            number: false,
        };
        match rvalue {
            Rvalue::Not(value) => holds(held, value).then_some(Used::Tested),
            Rvalue::Data(_) => {
                let mut used = false;
                rvalue.for_each_operand(|operand: &Operand| used |= holds(held, operand));
                used.then_some(Used::Tested)
            }
            Rvalue::Binary(op, left, right) | Rvalue::InPlace(op, left, right) => {
                let other = other(held, left, right)?;
                let counts = is_arithmetic(*op)
                    && is_number(self.stores, self.view, other)
                    && !self.fails_softly(block);
                counts.then_some(Used::Needs(any, span))
            }
            Rvalue::Compare(op, left, right) => {
                let other = other(held, left, right)?;
                match op {
                    CmpOp::Lt | CmpOp::LtE | CmpOp::Gt | CmpOp::GtE => {
                        let number = is_number(self.stores, self.view, other);
                        (number && !self.fails_softly(block)).then_some(Used::Needs(any, span))
                    }
                    CmpOp::Eq | CmpOp::NotEq => {
                        matches!(other, Operand::Const(Literal::None)).then_some(Used::Tested)
                    }
                    CmpOp::Is | CmpOp::IsNot | CmpOp::In | CmpOp::NotIn => Some(Used::Tested),
                }
            }
            Rvalue::GetField(object, name) if holds(held, object) => self.part(
                block,
                dest,
                (Step::Field(name.to_string()), How::Attribute),
                span,
            ),
            Rvalue::GetItem(object, key) if holds(held, object) => {
                let key = self.view.text(key)?;
                self.part(
                    block,
                    dest,
                    (Step::Key(key.to_string()), How::Subscript),
                    span,
                )
            }
            Rvalue::Dict(items) => items.iter().find_map(|item| match item {
                DictItem::Pair(key, value) => self.stored(held, value, &self.view.text(key)?, span),
                DictItem::Spread(_) => None,
            }),
            Rvalue::Call { callee, args } => self.in_call(held, block, dest, (callee, args), span),
            _ => None,
        }
    }

    /// Whether a handler around the use is meant for a value that is missing.
    fn fails_softly(&self, block: usize) -> bool {
        let body = &self.view.function.body;
        catches(self.view, body, block, &["TypeError", "AttributeError"])
    }

    /// A read of a part.
    fn part(
        &self,
        block: usize,
        dest: Option<LocalId>,
        (step, how): (Step, How),
        span: Span,
    ) -> Option<Used> {
        let (Step::Field(name) | Step::Key(name)) = &step;
        let name = Name::from(name);
        if !says_how_much(&name) {
            return None;
        }
        let read = Read {
            field: name.clone(),
            key: name,
            dest,
            how,
        };
        let fine = missing_is_fine(self.view, &self.view.function.body, block, &read);
        (!fine && !self.fails_softly(block)).then(|| {
            let need = Need {
                part: Some(step),
                number: false,
            };
            Used::Needs(need, span)
        })
    }

    /// The result is stored under a name.
    fn stored(&self, held: &[LocalId], value: &Operand, name: &Name, span: Span) -> Option<Used> {
        let tested = || is_tested_anywhere(&self.view.function.body, name);
        if !holds(held, value) || tested() {
            return None;
        }
        self.named(held, value, name, span)
    }

    /// The result is handed on under a name, which may be that of a count.
    fn named(&self, held: &[LocalId], value: &Operand, name: &str, span: Span) -> Option<Used> {
        let Operand::Local(local) = value else {
            return None;
        };
        let own = |local: &LocalId| self.view.function.body.locals[local.index()].name.clone();
        let variables: Vec<Name> = held.iter().chain([local]).filter_map(own).collect();
        let names = || variables.iter().map(Name::as_str).chain([name]);
        let need = |number| Used::Needs(Need { part: None, number }, span);
        if names().any(says_how_many) {
            Some(need(false))
        } else {
            names().any(says_how_much).then(|| need(true))
        }
    }

    fn in_call(
        &self,
        held: &[LocalId],
        block: usize,
        dest: Option<LocalId>,
        (callee, args): (&Callee, &[Arg]),
        span: Span,
    ) -> Option<Used> {
        if let Callee::Method { receiver, name, .. } = callee
            && holds(held, receiver)
        {
            let key = args.first().filter(|arg| arg.kind == ArgKind::Positional);
            let key = key.and_then(|arg| self.view.text(&arg.value));
            return match (name.as_str(), key) {
                ("get", Some(key)) => {
                    let how = match args.get(1).map(|arg| &arg.value) {
                        None | Some(Operand::Const(Literal::None)) => How::GetOrNone,
                        Some(default) => How::GetOr(default.clone()),
                    };
                    self.part(block, dest, (Step::Key(key.to_string()), how), span)
                }
                _ => None,
            };
        }
        let (at, arg) = args
            .iter()
            .enumerate()
            .find(|(_, arg)| holds(held, &arg.value))?;
        let name = self.view.callee_name(callee)?;
        let function = self.function(callee);
        if function.is_none() && ASKS.contains(&name.as_str()) {
            return Some(Used::Tested);
        }
        if (self.stores.words.tells)(&name) || self.tells(callee) {
            return None;
        }
        let keyword = match &arg.kind {
            ArgKind::Keyword(keyword) => Some(keyword.clone()),
            ArgKind::Positional => None,
            ArgKind::Star | ArgKind::DoubleStar => return None,
        };
        if let Some((func, bound)) = function {
            let module = self.stores.program.module(func.module);
            let function = module.ir.function(func.func);
            let param = match &keyword {
                Some(name) => function.params.iter().position(|param| param.name == *name),
                None => Some(at + usize::from(bound)),
            }?;
            let declared = function.params.get(param)?;
            let local = LocalId(u32::try_from(param).ok()?);
            if expects_none(declared.annotation.as_ref())
                || matches!(&declared.default, Some(expr) if is_none(expr))
                || is_tested_param(&function.body, local)
            {
                return Some(Used::Tested);
            }
            return self.named(held, &arg.value, &declared.name, span);
        }
        let is_builtin = || match callee {
            Callee::Value(value) => matches!(self.view.named(value),
                Some(Def::External(name)) if !name.contains('.')),
            Callee::Method { .. } => false,
        };
        if is_builtin() {
            return None;
        }
        self.named(
            held,
            &arg.value,
            keyword.as_deref().unwrap_or_default(),
            span,
        )
    }

    /// The function of the program that a call runs, and whether it is bound to a receiver.
    fn function(&self, callee: &Callee) -> Option<(FuncRef, bool)> {
        match callee {
            Callee::Method { receiver, name, .. } if self.view.is_receiver(receiver) => {
                let method = self.stores.program.method(self.view.class, name, None);
                method.map(|func| (func, true))
            }
            Callee::Value(value) => match self.view.named(value) {
                Some(Def::Func(func)) => Some((func, false)),
                _ => None,
            },
            Callee::Method { .. } => None,
        }
    }

    /// Whether a call is one on an object that only logs.
    fn tells(&self, callee: &Callee) -> bool {
        let Callee::Method { receiver, .. } = callee else {
            return false;
        };
        let name = match self.view.source(receiver) {
            Some(Rvalue::Global(name) | Rvalue::GetField(_, name)) => Some(name.clone()),
            _ => match receiver {
                Operand::Local(local) => self.view.function.body.locals[local.index()].name.clone(),
                Operand::Const(_) => None,
            },
        };
        name.is_some_and(|name| (self.stores.words.tells)(&name))
    }
}

/// Whether a body tests a parameter.
fn is_tested_param(body: &Body, param: LocalId) -> bool {
    uses(body, &copies(body, param))
        .iter()
        .any(|used| match used {
            Use::Decided(_) => true,
            Use::Compared(op) => matches!(op, CmpOp::Is | CmpOp::IsNot | CmpOp::In | CmpOp::NotIn),
        })
}

fn holds(held: &[LocalId], operand: &Operand) -> bool {
    matches!(operand, Operand::Local(local) if held.contains(local))
}

/// The other operand, if one of two is held.
fn other<'o>(held: &[LocalId], left: &'o Operand, right: &'o Operand) -> Option<&'o Operand> {
    match (holds(held, left), holds(held, right)) {
        (true, false) => Some(right),
        (false, true) => Some(left),
        _ => None,
    }
}

pub(super) fn is_arithmetic(op: BinOp) -> bool {
    matches!(
        op,
        BinOp::Add | BinOp::Sub | BinOp::Mul | BinOp::Div | BinOp::FloorDiv | BinOp::Mod
    )
}

pub(super) fn is_none(expr: &StaticExpr) -> bool {
    matches!(expr.kind, StaticExprKind::Literal(Literal::None))
}

/// Whether an annotation says that there may be no value.
pub(super) fn expects_none(annotation: Option<&StaticExpr>) -> bool {
    let last = |expr: &StaticExpr, wanted: &str| {
        matches!(&expr.kind, StaticExprKind::Path(path)
            if path.last().is_some_and(|name| name == wanted))
    };
    annotation.is_some_and(|expr| match &expr.kind {
        StaticExprKind::Literal(Literal::None) => true,
        StaticExprKind::Binary(BinOp::BitOr, left, right) => {
            expects_none(Some(left)) || expects_none(Some(right))
        }
        StaticExprKind::Subscript(base, index) => {
            last(base, "Optional")
                || last(base, "Union")
                    && match &index.kind {
                        StaticExprKind::Tuple(items) => items.iter().any(is_none),
                        _ => is_none(index),
                    }
        }
        _ => false,
    })
}
