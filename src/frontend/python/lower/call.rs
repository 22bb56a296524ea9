//! Calls, including `super()`.

use rustpython_parser::ast::{self, Expr};

use crate::frontend::python::lower::expr::{Dest, unstarred};
use crate::frontend::python::lower::function::FunctionLowerer;
use crate::frontend::python::lower::names::Storage;
use crate::frontend::python::{parse, walk};
use crate::ir::{Arg, ArgKind, Callee, Name, Operand, Rvalue};
use crate::source::Span;

impl FunctionLowerer<'_, '_> {
    pub(super) fn call(&mut self, e: &ast::ExprCall, dest: Dest) -> Operand {
        let span = parse::span(e);
        if let Some(value) = self.super_call(e, dest) {
            return value;
        }
        let args = argument_exprs(e);
        let callee = match &*e.func {
            Expr::Attribute(attribute) => {
                let receiver = self.expr(&attribute.value, Dest::Temp);
                let receiver = self.keep_before(receiver, &attribute.value, &args);
                let end = parse::span(attribute).end;
                let name = Name::new(attribute.attr.as_str());
                let start = end.saturating_sub(super::index(name.len()));
                Callee::Method {
                    receiver,
                    name,
                    name_span: Span::new(start, end),
                }
            }
            func => {
                let value = self.expr(func, Dest::Temp);
                Callee::Value(self.keep_before(value, func, &args))
            }
        };
        let args = match walk::eager_generator(e) {
            Some(generator) => {
                let list = self.eager_list(generator);
                let keywords: Vec<&Expr> = e.keywords.iter().map(|k| &k.value).collect();
                let mut values = vec![list];
                values.extend(self.operands(&keywords));
                arguments(e, values)
            }
            None => {
                let values = self.operands(&args);
                arguments(e, values)
            }
        };
        self.emit(Rvalue::Call { callee, args }, dest, span)
    }

    /// `super()` and `super(C, obj)`, if the name refers to the builtin.
    fn super_call(&mut self, e: &ast::ExprCall, dest: Dest) -> Option<Operand> {
        let Expr::Name(name) = &*e.func else {
            return None;
        };
        let shadowed = name.id.as_str() != "super"
            || self.storage_of(&name.id) != Storage::Global
            || self.module.symbols.module_binds("super");
        if shadowed || !e.keywords.is_empty() || e.args.iter().any(Expr::is_starred_expr) {
            return None;
        }
        let lexical = self.site.lexical;
        let span = parse::span(e);
        let (start, receiver) = match e.args.as_slice() {
            [] => {
                let receiver = self.module.symbols.receiver(self.function)?;
                (None, self.load(&receiver, Dest::Temp, span))
            }
            [class, object] => {
                let mut values = self.operands(&[class, object]).into_iter();
                let class = values.next()?;
                (Some(class), values.next()?)
            }
            _ => return None,
        };
        let rvalue = Rvalue::Super {
            start,
            lexical,
            receiver,
        };
        Some(self.emit(rvalue, dest, span))
    }
}

/// The argument values in evaluation order.
fn argument_exprs(e: &ast::ExprCall) -> Vec<&Expr> {
    let mut exprs: Vec<&Expr> = e.args.iter().map(unstarred).collect();
    exprs.extend(e.keywords.iter().map(|k| &k.value));
    // `f(a=x, *y)` evaluates its arguments in source order.
    exprs.sort_unstable_by_key(|expr| parse::span(*expr).start);
    exprs
}

/// Pairs the values, in evaluation order, with how they are passed.
fn arguments(e: &ast::ExprCall, values: Vec<Operand>) -> Vec<Arg> {
    let mut kinds: Vec<(u32, ArgKind)> = Vec::with_capacity(values.len());
    for arg in &e.args {
        let kind = if arg.is_starred_expr() {
            ArgKind::Star
        } else {
            ArgKind::Positional
        };
        kinds.push((parse::span(unstarred(arg)).start, kind));
    }
    for keyword in &e.keywords {
        let kind = match &keyword.arg {
            Some(name) => ArgKind::Keyword(Name::new(name.as_str())),
            None => ArgKind::DoubleStar,
        };
        kinds.push((parse::span(&keyword.value).start, kind));
    }
    kinds.sort_unstable_by_key(|(start, _)| *start);
    kinds
        .into_iter()
        .zip(values)
        .map(|((_, kind), value)| Arg { kind, value })
        .collect()
}
