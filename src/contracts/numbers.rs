//! What is surely a number.

use crate::contracts::known_above;
use crate::contracts::results::is_arithmetic;
use crate::contracts::stores::Stores;
use crate::contracts::view::View;
use crate::frontend::sketch::says_how_much;
use crate::ir::{
    Body, Callee, Data, Literal, LocalId, Name, Operand, Rvalue, StatementKind, StaticExpr,
    StaticExprKind, TerminatorKind,
};
use crate::order::Order as _;
use crate::program::{ClassRef, Def, MemberDef, Program};

/// How many variables a number is followed through.
const MAX_LOCALS: usize = 16;

/// Built-in functions that return numbers.
const NUMERIC: &[&str] = &["len", "sum", "int", "float", "round"];

/// Whether the operand is a number, judged by one of the values that it may have, or by its name.
pub(super) fn is_number(stores: &Stores<'_>, view: &View<'_, '_>, operand: &Operand) -> bool {
    at(stores, view, operand, &mut Vec::new())
}

fn at(
    stores: &Stores<'_>,
    view: &View<'_, '_>,
    operand: &Operand,
    seen: &mut Vec<LocalId>,
) -> bool {
    let local = match operand {
        Operand::Const(literal) => return is_numeric(literal),
        Operand::Local(local) => *local,
    };
    if seen.len() >= MAX_LOCALS || seen.contains(&local) {
        return false;
    }
    seen.push(local);
    view.values_of(local).iter().any(|rvalue| match rvalue {
        Rvalue::Use(from) | Rvalue::Neg(from) => at(stores, view, from, seen),
        Rvalue::Binary(op, left, right) | Rvalue::InPlace(op, left, right) => {
            is_arithmetic(*op)
                && (at(stores, view, left, seen) || at(stores, view, right, seen))
        }
        Rvalue::Data(Data::Len(_)) => true,
        Rvalue::Call {
            callee: Callee::Value(value),
            ..
        } => {
            matches!(view.named(value), Some(Def::External(name)) if NUMERIC.contains(&name.as_str()))
        }
        Rvalue::GetField(object, name) if view.is_receiver(object) => {
            says_how_much(name) || starts_as_number(stores.program, view.class, name)
        }
        Rvalue::GetField(_, name) => says_how_much(name),
        Rvalue::GetItem(_, key) => view.text(key).is_some_and(|key| says_how_much(&key)),
        _ => false,
    })
}

fn is_numeric(literal: &Literal) -> bool {
    matches!(literal, Literal::Int(_) | Literal::Float(_))
}

/// Whether the body of a class or `__init__` presets an attribute with a number.
fn starts_as_number(program: &Program<'_>, class: ClassRef, field: &Name) -> bool {
    let number = |expr: &StaticExpr| matches!(&expr.kind, StaticExprKind::Literal(literal) if is_numeric(literal));
    known_above(program, class).into_iter().any(|above| {
        let preset = program.own_member(above, field).into_iter().flatten();
        let init = program.own_member(above, "__init__").into_iter().flatten();
        preset.into_iter().any(|def| match def {
            MemberDef::Def(Def::Value(_, _, expr)) => number(&expr),
            _ => false,
        }) || init.into_iter().any(|def| match def {
            MemberDef::Func(func) => {
                let module = program.module(func.module);
                let body = &module.ir.function(func.func).body;
                body.may_mention(field) && stores_number(body, field)
            }
            _ => false,
        })
    })
}

fn stores_number(body: &Body, field: &Name) -> bool {
    let receiver = Operand::Local(LocalId(0));
    let mut statements = body.blocks.iter().flat_map(|block| &block.statements);
    statements.any(|statement| {
        matches!(&statement.kind, StatementKind::SetField { object, field: name, value: Operand::Const(literal) }
            if *object == receiver && name == field && is_numeric(literal))
    })
}

/// The values that a body returns, in the order of the text; what falling off the end returns is the last.
pub(super) fn returned(body: &Body) -> Vec<&Operand> {
    let exits = body
        .blocks
        .iter()
        .filter_map(|block| match &block.terminator.kind {
            TerminatorKind::Return { value, implicit } => {
                Some(((*implicit, block.terminator.span.start), value))
            }
            _ => None,
        });
    let mut exits: Vec<_> = exits.collect();
    exits.order_by_key(|(key, _)| *key);
    exits.into_iter().map(|(_, value)| value).collect()
}
