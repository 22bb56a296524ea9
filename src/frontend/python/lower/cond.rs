//! Expressions in test position: control flow without intermediate booleans.

use rustpython_parser::ast::{BoolOp, Expr, UnaryOp};

use crate::frontend::python::lower::expr::Dest;
use crate::frontend::python::lower::function::FunctionLowerer;
use crate::frontend::python::lower::is_type_checking;
use crate::frontend::python::lower::names::Storage;
use crate::frontend::python::parse;
use crate::ir::{BlockId, BranchRole, Literal, Operand, TerminatorKind};
use crate::source::Span;

impl FunctionLowerer<'_, '_> {
    pub(super) fn branch(
        &mut self,
        cond: Operand,
        then: BlockId,
        otherwise: BlockId,
        role: BranchRole,
        span: Span,
    ) {
        let kind = TerminatorKind::Branch {
            cond,
            then,
            otherwise,
            role,
        };
        self.body.end(kind, span);
    }

    /// Branches to `then` if the test is true, and to `otherwise` if it is false.
    pub(super) fn cond(
        &mut self,
        test: &Expr,
        then: BlockId,
        otherwise: BlockId,
        role: BranchRole,
    ) {
        match test {
            Expr::BoolOp(e) => {
                let Some((last, init)) = e.values.split_last() else {
                    return self.body.goto(then);
                };
                let role = BranchRole::ShortCircuit;
                for value in init {
                    let next = self.body.block();
                    match e.op {
                        BoolOp::And => self.cond(value, next, otherwise, role),
                        BoolOp::Or => self.cond(value, then, next, role),
                    }
                    self.body.at(next);
                }
                self.cond(last, then, otherwise, role);
            }
            Expr::UnaryOp(e) if e.op == UnaryOp::Not => {
                self.cond(&e.operand, otherwise, then, role);
            }
            Expr::Compare(e) if e.ops.len() > 1 => {
                self.compare_chain(e, |this, link, last, span| {
                    let next = if last { then } else { this.body.block() };
                    let role = BranchRole::ShortCircuit;
                    this.branch(link, next, otherwise, role, span);
                    this.body.at(next);
                    Operand::NONE
                });
            }
            Expr::IfExp(e) => {
                let first = self.body.block();
                let second = self.body.block();
                self.cond(&e.test, first, second, BranchRole::If);
                self.body.at(first);
                self.cond(&e.body, then, otherwise, role);
                self.body.at(second);
                self.cond(&e.orelse, then, otherwise, role);
            }
            _ => {
                let value = if self.is_never_true(test) {
                    Operand::Const(Literal::Bool(false))
                } else {
                    self.expr(test, Dest::Temp)
                };
                self.branch(value, then, otherwise, role, parse::span(test));
            }
        }
    }

    /// Whether the test is `TYPE_CHECKING`, which is false whenever code runs.
    fn is_never_true(&mut self, test: &Expr) -> bool {
        if !is_type_checking(test) {
            return false;
        }
        let root = match test {
            Expr::Attribute(e) => &*e.value,
            other => other,
        };
        match root {
            Expr::Name(name) => self.storage_of(&name.id) == Storage::Global,
            _ => false,
        }
    }
}
