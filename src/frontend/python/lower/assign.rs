//! Assignment and deletion, in all forms.

use rustpython_parser::ast::{self, Expr};

use crate::frontend::python::lower::expr::{Dest, unstarred};
use crate::frontend::python::lower::function::FunctionLowerer;
use crate::frontend::python::lower::names::Storage;
use crate::frontend::python::parse;
use crate::frontend::python::static_expr::{bin_op, path};
use crate::ir::{BlockId, LocalId, Name, Operand, Rvalue, StatementKind, TerminatorKind};
use crate::source::Span;

impl FunctionLowerer<'_, '_> {
    /// The destination that assigns a value to the target directly, if the target is a local
    /// variable.
    pub(super) fn target_dest(&mut self, target: &Expr) -> Dest {
        match target {
            Expr::Name(name) => self.variable_dest(&name.id),
            _ => Dest::Temp,
        }
    }

    /// `a = b = value`
    pub(super) fn assign_stmt(&mut self, s: &ast::StmtAssign) {
        if let [target] = s.targets.as_slice() {
            self.assign(target, &s.value);
            return;
        }
        let value = self.expr(&s.value, Dest::Temp);
        let value = self.keep(value, parse::span(&*s.value));
        for target in &s.targets {
            self.assign_target(target, value.clone());
        }
    }

    /// `target = value`
    pub(super) fn assign(&mut self, target: &Expr, value: &Expr) {
        let dest = self.target_dest(target);
        let result = self.expr(value, dest);
        if dest != Dest::Temp {
            return;
        }
        let result = match target {
            Expr::Tuple(_) | Expr::List(_) => self.keep(result, parse::span(value)),
            _ => self.keep_before(result, value, &[target]),
        };
        self.assign_target(target, result);
    }

    /// Records the class that an annotation names for a variable that was just assigned.
    pub(super) fn declare(&mut self, target: &Expr, annotation: &Expr) {
        let Expr::Name(name) = target else { return };
        if let (Storage::Local(local), Some(path)) = (self.storage_of(&name.id), path(annotation)) {
            let span = parse::span(annotation);
            self.body.push(StatementKind::Declare(local, path), span);
        }
    }

    /// Assigns an evaluated value.
    pub(super) fn assign_target(&mut self, target: &Expr, value: Operand) {
        let span = parse::span(target);
        match target {
            Expr::Name(name) => self.store(&name.id, value, span),
            Expr::Attribute(e) => {
                let object = self.expr(&e.value, Dest::Temp);
                let field = Name::new(e.attr.as_str());
                let kind = StatementKind::SetField {
                    object,
                    field,
                    value,
                };
                self.body.push(kind, span);
            }
            Expr::Subscript(e) => {
                let (object, key) = self.element(e, &[]);
                let kind = StatementKind::SetItem { object, key, value };
                self.body.push(kind, span);
            }
            Expr::Tuple(ast::ExprTuple { elts, .. }) | Expr::List(ast::ExprList { elts, .. }) => {
                self.unpack(elts, &value);
            }
            Expr::Starred(e) => self.assign_target(&e.value, value),
            _ => {}
        }
    }

    fn unpack(&mut self, targets: &[Expr], object: &Operand) {
        let star = targets.iter().position(Expr::is_starred_expr);
        let len = targets.len();
        for (position, target) in targets.iter().enumerate() {
            let (index, rest_before_end) = unpack_position(position, len, star);
            let rvalue = Rvalue::Unpack {
                object: object.clone(),
                index,
                rest_before_end,
            };
            let target = unstarred(target);
            let dest = self.target_dest(target);
            let value = self.emit(rvalue, dest, parse::span(target));
            if dest == Dest::Temp {
                self.assign_target(target, value);
            }
        }
    }

    /// The object and the key of a subscript that is stored to or deleted.
    fn element(&mut self, e: &ast::ExprSubscript, later: &[&Expr]) -> (Operand, Operand) {
        let mut after_object = vec![&*e.slice];
        after_object.extend(later);
        let object = self.expr(&e.value, Dest::Temp);
        let object = self.keep_before(object, &e.value, &after_object);
        let key = self.expr(&e.slice, Dest::Temp);
        let key = self.keep_before(key, &e.slice, later);
        (object, key)
    }

    /// `target op= value`: object and key are evaluated once.
    pub(super) fn aug_assign(&mut self, s: &ast::StmtAugAssign) {
        let span = parse::span(s);
        let target_span = parse::span(&*s.target);
        let op = bin_op(s.op);
        match &*s.target {
            Expr::Name(name) => {
                let old = self.load(&name.id, Dest::Temp, target_span);
                let old = self.keep_before(old, &s.target, &[&s.value]);
                let value = self.expr(&s.value, Dest::Temp);
                self.bind_with(&name.id, span, |this, dest| {
                    this.emit(Rvalue::InPlace(op, old, value), dest, span)
                });
            }
            Expr::Attribute(e) => {
                let object = self.expr(&e.value, Dest::Temp);
                let object = self.keep_before(object, &e.value, &[&s.value]);
                let field = Name::new(e.attr.as_str());
                let load = Rvalue::GetField(object.clone(), field.clone());
                let old = self.emit(load, Dest::Temp, target_span);
                let value = self.expr(&s.value, Dest::Temp);
                let value = self.emit(Rvalue::InPlace(op, old, value), Dest::Temp, span);
                let kind = StatementKind::SetField {
                    object,
                    field,
                    value,
                };
                self.body.push(kind, span);
            }
            Expr::Subscript(e) => {
                let (object, key, old) = if let Expr::Slice(slice) = &*e.slice {
                    let object = self.expr(&e.value, Dest::Temp);
                    let object = self.keep_before(object, &e.value, &[&e.slice, &s.value]);
                    let bounds = self.bounds(slice);
                    let key = Rvalue::Opaque(bounds.to_vec());
                    let key = self.emit(key, Dest::Temp, parse::span(slice));
                    let load = Rvalue::Slice {
                        object: object.clone(),
                        bounds: Box::new(bounds),
                    };
                    (object, key, load)
                } else {
                    let (object, key) = self.element(e, &[&s.value]);
                    let load = Rvalue::GetItem(object.clone(), key.clone());
                    (object, key, load)
                };
                let old = self.emit(old, Dest::Temp, target_span);
                let value = self.expr(&s.value, Dest::Temp);
                let value = self.emit(Rvalue::InPlace(op, old, value), Dest::Temp, span);
                let kind = StatementKind::SetItem { object, key, value };
                self.body.push(kind, span);
            }
            _ => {
                self.expr(&s.value, Dest::Discard);
            }
        }
    }

    /// `del target`
    pub(super) fn delete(&mut self, target: &Expr) {
        let span = parse::span(target);
        match target {
            Expr::Name(name) => self.unbind(&name.id, span),
            Expr::Attribute(e) => {
                let object = self.expr(&e.value, Dest::Temp);
                let field = Name::new(e.attr.as_str());
                self.body
                    .push(StatementKind::DelField { object, field }, span);
            }
            Expr::Subscript(e) => {
                let (object, key) = self.element(e, &[]);
                let normal = self.body.block();
                let unwind = self.unwind();
                let kind = TerminatorKind::DelItem {
                    object,
                    key,
                    normal,
                    unwind,
                };
                self.body.end(kind, span);
                self.body.at(normal);
            }
            Expr::Tuple(ast::ExprTuple { elts, .. }) | Expr::List(ast::ExprList { elts, .. }) => {
                elts.iter().for_each(|elt| self.delete(elt));
            }
            _ => {}
        }
    }

    /// The head of a `for` loop. Continues in its body, with the target bound. Returns the head and
    /// the block for when the iterator is exhausted.
    pub(super) fn for_each(
        &mut self,
        iter: LocalId,
        target: &Expr,
        span: Span,
    ) -> (BlockId, BlockId) {
        let variable = match target {
            Expr::Name(name) => match self.storage_of(&name.id) {
                Storage::Local(local) => Some(local),
                _ => None,
            },
            _ => None,
        };
        let dest = variable.unwrap_or_else(|| self.body.temp());
        let blocks = self.for_next(iter, dest, span);
        if variable.is_none() {
            self.assign_target(target, Operand::Local(dest));
        }
        blocks
    }
}

/// The index of an unpacked element and, for the starred one, the number of elements after it.
pub(super) fn unpack_position(
    position: usize,
    len: usize,
    star: Option<usize>,
) -> (i32, Option<u32>) {
    let small = |value: usize| i32::try_from(value).unwrap_or(i32::MAX);
    match star {
        Some(star) if position == star => (small(position), Some(super::index(len - position - 1))),
        Some(star) if position > star => (-small(len - position), None),
        _ => (small(position), None),
    }
}
