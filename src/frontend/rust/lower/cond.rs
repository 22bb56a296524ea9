//! Expressions in test position: control flow without intermediate booleans.

use syn::{Expr, UnOp};

use crate::frontend::rust::attrs::Cfg;
use crate::frontend::rust::lower::function::FunctionLowerer;
use crate::frontend::rust::parse;
use crate::ir::{BlockId, BranchRole, Literal, Name, Operand, Rvalue, TerminatorKind};
use crate::source::Span;

impl FunctionLowerer<'_> {
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

    /// Branches to `then` if the test is true, and to `otherwise` if it is false. Variables of a
    /// `let` in it are declared in the innermost scope.
    pub(super) fn cond(&mut self, e: &Expr, then: BlockId, otherwise: BlockId, role: BranchRole) {
        match e {
            Expr::Paren(x) => self.cond(&x.expr, then, otherwise, role),
            Expr::Group(x) => self.cond(&x.expr, then, otherwise, role),
            Expr::Unary(x) if matches!(x.op, UnOp::Not(_)) => {
                self.cond(&x.expr, otherwise, then, role);
            }
            Expr::Binary(x) if matches!(x.op, syn::BinOp::And(_)) => {
                let next = self.body.block();
                self.cond(&x.left, next, otherwise, BranchRole::ShortCircuit);
                self.body.at(next);
                self.cond(&x.right, then, otherwise, BranchRole::ShortCircuit);
            }
            Expr::Binary(x) if matches!(x.op, syn::BinOp::Or(_)) => {
                let next = self.body.block();
                self.cond(&x.left, then, next, BranchRole::ShortCircuit);
                self.body.at(next);
                self.cond(&x.right, then, otherwise, BranchRole::ShortCircuit);
            }
            Expr::Let(x) => {
                let subject = self.matched(&x.pat, &x.expr);
                let subject = self.keep(subject, parse::expr(&x.expr));
                self.match_pattern(&x.pat, &subject, otherwise);
                self.body.goto(then);
            }
            Expr::Macro(x) if x.mac.path.is_ident("matches") => {
                self.vars.push();
                self.matches_test(&x.mac, then, otherwise);
                self.vars.pop();
            }
            _ => {
                let value = self.expr(e);
                self.branch(value, then, otherwise, role, parse::expr(e));
            }
        }
    }

    /// Whether the configuration is met: one unknown for each option, wherever it is named.
    pub(super) fn configured(&mut self, cfg: &Cfg, span: Span) -> Operand {
        match cfg {
            Cfg::Always => Operand::Const(Literal::Bool(true)),
            Cfg::Never => Operand::Const(Literal::Bool(false)),
            Cfg::When(option) => {
                let path = vec![Name::new("<cfg>"), Name::new(option)];
                self.emit(Rvalue::Path(path), span)
            }
            Cfg::Not(inner) => {
                let inner = self.configured(inner, span);
                self.emit(Rvalue::Not(inner), span)
            }
            Cfg::All(_) | Cfg::Any(_) => self.opaque(Vec::new(), span),
        }
    }

    /// Lowers code that is compiled only under a configuration.
    pub(super) fn under(&mut self, cfg: &Cfg, span: Span, lower: impl FnOnce(&mut Self)) {
        match cfg {
            Cfg::Always => lower(self),
            Cfg::Never => {}
            _ => {
                let (then, after) = (self.body.block(), self.body.block());
                let holds = self.configured(cfg, span);
                self.branch(holds, then, after, BranchRole::Configured, span);
                self.body.at(then);
                lower(self);
                self.body.goto(after);
                self.body.at(after);
            }
        }
    }
}
