//! Statements.

use rustpython_parser::ast::{self, Expr, Stmt};

use crate::frontend::python::lower::expr::Dest;
use crate::frontend::python::lower::function::FunctionLowerer;
use crate::frontend::python::lower::item::{import_bindings, import_from_bindings};
use crate::frontend::python::lower::unwind::{Jump, TryParts};
use crate::frontend::python::lower::{Conditions, is_type_checking};
use crate::frontend::python::{parse, walk};
use crate::ir::{
    Binding, BranchRole, ImportPath, Name, Operand, Rvalue, StatementKind, TerminatorKind,
};
use crate::source::Span;

impl FunctionLowerer<'_, '_> {
    pub(super) fn suite(&mut self, suite: &[Stmt]) {
        for stmt in suite {
            self.stmt(stmt);
        }
    }

    /// A suite that may not be executed, or not completely.
    pub(super) fn inner_suite(&mut self, suite: &[Stmt]) {
        let outer = self.conditions;
        self.conditions = outer.inside();
        self.suite(suite);
        self.conditions = outer;
    }

    fn stmt(&mut self, stmt: &Stmt) {
        match stmt {
            Stmt::FunctionDef(s) => {
                self.defaults(&s.args);
                let function = self.module.function_def(s, &self.site);
                self.define(&s.name, function);
            }
            Stmt::AsyncFunctionDef(s) => {
                self.defaults(&s.args);
                let function = self.module.async_function_def(s, &self.site);
                self.define(&s.name, function);
            }
            Stmt::ClassDef(s) => self.class_stmt(s),
            Stmt::Return(s) => self.return_stmt(s),
            Stmt::Delete(s) => s.targets.iter().for_each(|target| self.delete(target)),
            Stmt::Assign(s) => self.assign_stmt(s),
            Stmt::TypeAlias(s) => self.type_alias(s),
            Stmt::AugAssign(s) => self.aug_assign(s),
            Stmt::AnnAssign(s) => {
                if let Some(value) = &s.value {
                    self.assign(&s.target, value);
                    self.declare(&s.target, &s.annotation);
                }
            }
            Stmt::For(s) => self.for_stmt(&s.target, &s.iter, &s.body, &s.orelse, false),
            Stmt::AsyncFor(s) => self.for_stmt(&s.target, &s.iter, &s.body, &s.orelse, true),
            Stmt::While(s) => self.while_stmt(s),
            Stmt::If(s) => self.if_stmt(s),
            Stmt::With(s) => self.with_stmt(&s.items, &s.body, false),
            Stmt::AsyncWith(s) => self.with_stmt(&s.items, &s.body, true),
            Stmt::Match(s) => self.match_stmt(s),
            Stmt::Raise(s) => self.raise_stmt(s),
            Stmt::Try(s) => self.try_stmt(&TryParts {
                body: &s.body,
                handlers: &s.handlers,
                orelse: &s.orelse,
                finalbody: &s.finalbody,
                group: false,
            }),
            Stmt::TryStar(s) => self.try_stmt(&TryParts {
                body: &s.body,
                handlers: &s.handlers,
                orelse: &s.orelse,
                finalbody: &s.finalbody,
                group: true,
            }),
            Stmt::Assert(s) => self.assert_stmt(s),
            Stmt::Import(s) => {
                for (name, path, span) in import_bindings(s) {
                    self.import(&name, path, span);
                }
            }
            Stmt::ImportFrom(s) => {
                for (name, path, span) in import_from_bindings(s) {
                    self.import(&name, path, span);
                }
            }
            Stmt::Expr(s) => {
                self.expr(&s.value, Dest::Discard);
            }
            Stmt::Break(s) => self.leave_loop(Jump::Break, parse::span(s)),
            Stmt::Continue(s) => self.leave_loop(Jump::Continue, parse::span(s)),
            Stmt::Global(_) | Stmt::Nonlocal(_) | Stmt::Pass(_) => {}
        }
    }

    fn class_stmt(&mut self, s: &ast::StmtClassDef) {
        let class = self.module.class_def(s, &self.site, self.conditions);
        let span = self.module.classes[class.0 as usize]
            .as_ref()
            .map_or(parse::span(s), |class| class.name_span);
        self.bind_with(&s.name, span, |this, dest| {
            this.emit(Rvalue::MakeClass(class), dest, span)
        });
    }

    fn type_alias(&mut self, s: &ast::StmtTypeAlias) {
        let span = parse::span(s);
        if let Expr::Name(name) = &*s.name {
            self.bind_with(&name.id, span, |this, dest| {
                this.emit(Rvalue::Opaque(Vec::new()), dest, span)
            });
        }
    }

    /// `break` or `continue`: a jump out of, or to the head of, the innermost loop.
    fn leave_loop(&mut self, jump: fn(u32) -> Jump, span: Span) {
        let Some(innermost) = self.current_loop() else {
            // CPython's compiler refuses this, but its parser does not.
            return self.body.end(TerminatorKind::Unreachable, span);
        };
        let jump = jump(innermost);
        if let Jump::Continue(_) = jump {
            self.body.push(StatementKind::Skip, span);
        }
        self.leave(jump, Operand::NONE, span);
    }

    /// Evaluates the defaults that have an effect. Their values are kept with the parameters.
    pub(super) fn defaults(&mut self, args: &ast::Arguments) {
        let has_effect = |e: &Expr| {
            matches!(
                e,
                Expr::Call(_) | Expr::Await(_) | Expr::Yield(_) | Expr::NamedExpr(_)
            )
        };
        let mut exprs = Vec::new();
        walk::for_each_default(args, &mut |e| exprs.push(e));
        for expr in exprs {
            if walk::any(expr, &has_effect) {
                self.expr(expr, Dest::Discard);
            }
        }
    }

    fn define(&mut self, name: &str, function: crate::ir::FuncIdx) {
        let span = self.module.functions[self.module.slot(function)]
            .as_ref()
            .map_or(Span::default(), |f| f.name_span);
        let binding = Binding::Function(function);
        let scope = self.site.scope;
        self.module
            .bind(scope, name, binding, self.conditions, span);
        self.bind_with(name, span, |this, dest| {
            this.emit(Rvalue::Closure(function), dest, span)
        });
    }

    fn import(&mut self, name: &Name, path: ImportPath, span: Span) {
        let scope = self.site.scope;
        let binding = Binding::Import(path.clone());
        self.module
            .bind(scope, name, binding, self.conditions, span);
        self.bind_with(name, span, |this, dest| {
            this.emit(Rvalue::Import(path), dest, span)
        });
    }

    fn return_stmt(&mut self, s: &ast::StmtReturn) {
        let span = parse::span(s);
        let value = match &s.value {
            Some(value) => self.expr(value, Dest::Temp),
            None => Operand::NONE,
        };
        self.leave(Jump::Return(span), value, span);
    }

    fn if_stmt(&mut self, s: &ast::StmtIf) {
        let after = self.body.block();
        let outer = self.conditions;
        let mut around = outer;
        let mut s = s;
        loop {
            let then = self.body.block();
            let otherwise = self.body.block();
            self.cond(&s.test, then, otherwise, BranchRole::If);
            let checking = is_type_checking(&s.test);
            self.body.at(then);
            self.conditions = if checking {
                Conditions {
                    type_checking: true,
                    ..around
                }
            } else {
                outer.inside()
            };
            self.suite(&s.body);
            self.body.goto(after);
            self.body.at(otherwise);
            match s.orelse.as_slice() {
                [Stmt::If(next)] if !checking => {
                    s = next;
                    around = outer.inside();
                }
                orelse => {
                    self.conditions = if checking { around } else { outer.inside() };
                    self.suite(orelse);
                    break;
                }
            }
        }
        self.conditions = outer;
        self.body.goto(after);
        self.body.at(after);
    }

    fn while_stmt(&mut self, s: &ast::StmtWhile) {
        let head = self.body.loop_head();
        let body = self.body.block();
        let exhausted = self.body.block();
        let after = self.body.block();
        self.body.goto(head);
        self.body.at(head);
        self.cond(&s.test, body, exhausted, BranchRole::While);
        self.body.at(body);
        self.loop_body(after, head, &s.body);
        self.body.at(exhausted);
        self.inner_suite(&s.orelse);
        self.body.goto(after);
        self.body.at(after);
    }

    fn for_stmt(
        &mut self,
        target: &Expr,
        iterable: &Expr,
        body: &[Stmt],
        orelse: &[Stmt],
        is_async: bool,
    ) {
        let span = parse::span(iterable);
        let object = self.expr(iterable, Dest::Temp);
        let iter = self.iterate(object, is_async, span);
        let after = self.body.block();
        let (head, exhausted) = self.for_each(iter, target, span);
        self.loop_body(after, head, body);
        self.body.at(exhausted);
        self.inner_suite(orelse);
        self.body.goto(after);
        self.body.at(after);
    }

    fn assert_stmt(&mut self, s: &ast::StmtAssert) {
        let span = parse::span(s);
        let holds = self.body.block();
        let fails = self.body.block();
        // Only what an assertion changes is missed where it does not run.
        if walk::any(&s.test, &stores_item) {
            let runs = self.body.block();
            let debug = Rvalue::Path(vec![Name::new("<cfg>"), Name::new("__debug__")]);
            let debug = self.emit(debug, Dest::Temp, span);
            self.branch(debug, runs, holds, BranchRole::Configured, span);
            self.body.at(runs);
        }
        self.cond(&s.test, holds, fails, BranchRole::Assert);
        self.body.at(fails);
        if let Some(message) = &s.msg {
            self.expr(message, Dest::Discard);
        }
        let class = Rvalue::Global(Name::new("AssertionError"));
        let exc = self.emit(class, Dest::Temp, span);
        let unwind = self.unwind();
        self.body.end(TerminatorKind::Raise { exc, unwind }, span);
        self.body.at(holds);
    }
}

/// Whether an expression calls a method by which a dict gets items.
fn stores_item(expr: &Expr) -> bool {
    matches!(expr, Expr::Call(call) if matches!(&*call.func, Expr::Attribute(method)
        if matches!(method.attr.as_str(), "setdefault" | "update" | "__setitem__")))
}
