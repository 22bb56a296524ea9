//! Assignment, in all forms.

use syn::{Expr, UnOp};

use crate::frontend::rust::lower::expr::member;
use crate::frontend::rust::lower::function::FunctionLowerer;
use crate::frontend::rust::{parse, types};
use crate::ir::{BinOp, Name, Operand, Rvalue, StatementKind};
use crate::source::Span;

/// The target of an assignment, with its parts evaluated.
pub(super) enum Target {
    /// A variable.
    Var(Name),
    /// A field of an object.
    Field(Operand, Name),
    /// An item of a container.
    Item(Operand, Operand),
    /// What a reference refers to: `*x`.
    Behind(Operand),
    /// Anything that is not tracked.
    Nothing,
}

impl FunctionLowerer<'_> {
    /// `target = value`
    pub(super) fn assign(&mut self, target: &Expr, value: &Expr, span: Span) {
        if matches!(target, Expr::Infer(_)) {
            return self.discard(value, parse::expr(target));
        }
        let value = self.expr(value);
        self.assign_value(target, value, span);
    }

    fn assign_value(&mut self, target: &Expr, value: Operand, span: Span) {
        match target {
            Expr::Tuple(t) => {
                for (i, part) in t.elems.iter().enumerate() {
                    let at = Rvalue::Unpack {
                        object: value.clone(),
                        index: i32::try_from(i).unwrap_or(i32::MAX),
                        rest_before_end: None,
                    };
                    let item = self.emit(at, parse::expr(part));
                    self.assign_value(part, item, span);
                }
            }
            Expr::Infer(_) => {}
            _ => {
                let target = self.target(target);
                self.store_target(target, value, span);
            }
        }
    }

    /// Evaluates the parts of a target.
    pub(super) fn target(&mut self, e: &Expr) -> Target {
        match e {
            Expr::Paren(x) => self.target(&x.expr),
            Expr::Group(x) => self.target(&x.expr),
            Expr::Path(x) => match x.path.get_ident() {
                Some(name) => Target::Var(Name::from(types::plain(name))),
                None => Target::Nothing,
            },
            Expr::Field(x) => {
                let object = self.expr(&x.base);
                Target::Field(object, member(&x.member))
            }
            Expr::Index(x) => {
                let object = self.expr(&x.expr);
                let object = self.keep(object, parse::expr(&x.expr));
                let key = self.expr(&x.index);
                Target::Item(object, key)
            }
            // `*self = …`, and `*x = …` if `x` refers to an object. In
            // `*map.entry(k).or_default() = …`, the call has inserted the key.
            Expr::Unary(x) if matches!(x.op, UnOp::Deref(_)) => {
                let object = self.expr(&x.expr);
                Target::Behind(object)
            }
            _ => {
                self.effect(e);
                Target::Nothing
            }
        }
    }

    /// The current value of a target.
    pub(super) fn load_target(&mut self, target: &Target, span: Span) -> Operand {
        match target {
            Target::Var(name) => match self.load(name, span) {
                Some(value) => self.keep(value, span),
                None => self.opaque(Vec::new(), span),
            },
            Target::Field(object, field) => {
                self.emit(Rvalue::GetField(object.clone(), field.clone()), span)
            }
            Target::Item(object, key) => {
                self.emit(Rvalue::GetItem(object.clone(), key.clone()), span)
            }
            Target::Behind(object) => object.clone(),
            Target::Nothing => self.opaque(Vec::new(), span),
        }
    }

    pub(super) fn store_target(&mut self, target: Target, value: Operand, span: Span) {
        match target {
            Target::Var(name) => {
                // A mutable static is not tracked.
                self.store(&name, value, span);
            }
            Target::Field(object, field) => {
                let kind = StatementKind::SetField {
                    object,
                    field,
                    value,
                };
                self.body.push(kind, span);
            }
            Target::Item(object, key) => {
                let kind = StatementKind::SetItem { object, key, value };
                self.body.push(kind, span);
            }
            Target::Behind(object) => {
                self.body
                    .push(StatementKind::Overwrite { object, value }, span);
            }
            Target::Nothing => {}
        }
    }

    /// `target op= value`
    pub(super) fn assign_op(&mut self, target: &Expr, op: BinOp, value: &Expr, span: Span) {
        let value = self.expr(value);
        let place = self.target(target);
        // A number behind a reference is not tracked.
        if matches!(place, Target::Behind(_)) {
            return;
        }
        let old = self.load_target(&place, parse::expr(target));
        let new = self.emit(Rvalue::Binary(op, old, value), span);
        self.store_target(place, new, span);
    }
}
