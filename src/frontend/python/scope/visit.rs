//! The walk over a module that fills the symbol table: which scopes open, and which names each
//! binds and uses.

use rustpython_parser::ast::{self, Expr, ExprContext, Stmt};

use super::{Kind, SymId, SymbolTable};
use crate::frontend::python::walk;
use crate::ir::{Name, makes_property};

impl SymbolTable {
    pub(super) fn suite(&mut self, suite: &[Stmt], scope: SymId) {
        for stmt in suite {
            self.stmt(stmt, scope);
        }
    }

    fn suites(&mut self, suites: [&Vec<Stmt>; 2], scope: SymId) {
        for suite in suites {
            self.suite(suite, scope);
        }
    }

    fn exprs<'a>(&mut self, exprs: impl IntoIterator<Item = &'a Expr>, scope: SymId) {
        for expr in exprs {
            self.expr(expr, scope);
        }
    }

    fn stmt(&mut self, stmt: &Stmt, scope: SymId) {
        match stmt {
            Stmt::FunctionDef(s) => {
                let mut names = s.decorator_list.iter().filter_map(last_name);
                if names.any(makes_property) {
                    self.properties.insert(Name::new(s.name.as_str()));
                }
                let inner = self.open_for(s, scope, Kind::Function);
                self.bind(&s.name, scope);
                self.exprs(s.decorator_list.iter().chain(s.returns.as_deref()), scope);
                self.params(&s.args, scope, inner);
                self.suite(&s.body, inner);
            }
            Stmt::AsyncFunctionDef(s) => {
                let inner = self.open_for(s, scope, Kind::Function);
                self.bind(&s.name, scope);
                self.exprs(s.decorator_list.iter().chain(s.returns.as_deref()), scope);
                self.params(&s.args, scope, inner);
                self.suite(&s.body, inner);
            }
            Stmt::ClassDef(s) => {
                let inner = self.open_for(s, scope, Kind::Class);
                self.bind(&s.name, scope);
                self.exprs(s.decorator_list.iter().chain(&s.bases), scope);
                self.exprs(s.keywords.iter().map(|k| &k.value), scope);
                self.suite(&s.body, inner);
            }
            Stmt::Return(s) => self.exprs(s.value.as_deref(), scope),
            Stmt::Delete(s) => self.exprs(&s.targets, scope),
            Stmt::Assign(s) => self.exprs([&*s.value].into_iter().chain(&s.targets), scope),
            Stmt::TypeAlias(s) => self.expr(&s.name, scope),
            Stmt::AugAssign(s) => self.exprs([&*s.target, &*s.value], scope),
            Stmt::AnnAssign(s) => {
                self.expr(&s.annotation, scope);
                self.exprs(s.value.as_deref(), scope);
                self.expr(&s.target, scope);
            }
            Stmt::For(s) => {
                self.exprs([&*s.iter, &*s.target], scope);
                self.suites([&s.body, &s.orelse], scope);
            }
            Stmt::AsyncFor(s) => {
                self.exprs([&*s.iter, &*s.target], scope);
                self.suites([&s.body, &s.orelse], scope);
            }
            Stmt::While(s) => {
                self.expr(&s.test, scope);
                self.suites([&s.body, &s.orelse], scope);
            }
            Stmt::If(s) => self.if_stmt(s, scope),
            Stmt::With(s) => self.with_stmt(&s.items, &s.body, scope),
            Stmt::AsyncWith(s) => self.with_stmt(&s.items, &s.body, scope),
            Stmt::Match(s) => self.match_stmt(s, scope),
            Stmt::Raise(s) => {
                self.exprs(s.exc.iter().chain(&s.cause).map(|e| &**e), scope);
            }
            Stmt::Try(s) => {
                self.suite(&s.body, scope);
                self.handlers(&s.handlers, scope);
                self.suites([&s.orelse, &s.finalbody], scope);
            }
            Stmt::TryStar(s) => {
                self.suite(&s.body, scope);
                self.handlers(&s.handlers, scope);
                self.suites([&s.orelse, &s.finalbody], scope);
            }
            Stmt::Assert(s) => {
                self.expr(&s.test, scope);
                self.exprs(s.msg.as_deref(), scope);
            }
            Stmt::Import(s) => self.import(s, scope),
            Stmt::ImportFrom(s) => self.import_from(s, scope),
            Stmt::Global(s) => self.get_mut(scope).globals.extend(names(&s.names)),
            Stmt::Nonlocal(s) => self.get_mut(scope).nonlocals.extend(names(&s.names)),
            Stmt::Expr(s) => self.expr(&s.value, scope),
            Stmt::Pass(_) | Stmt::Break(_) | Stmt::Continue(_) => {}
        }
    }

    /// `if` and its `elif`s, in a loop: a long chain must not overflow the stack.
    fn if_stmt(&mut self, mut s: &ast::StmtIf, scope: SymId) {
        loop {
            self.expr(&s.test, scope);
            self.suite(&s.body, scope);
            match s.orelse.as_slice() {
                [Stmt::If(next)] => s = next,
                orelse => return self.suite(orelse, scope),
            }
        }
    }

    fn match_stmt(&mut self, s: &ast::StmtMatch, scope: SymId) {
        self.expr(&s.subject, scope);
        for case in &s.cases {
            walk::for_each_capture(&case.pattern, &mut |n| self.bind(n, scope));
            walk::for_each_pattern_value(&case.pattern, &mut |e| self.expr(e, scope));
            self.exprs(case.guard.as_deref(), scope);
            self.suite(&case.body, scope);
        }
    }

    /// `import a.b` binds `a`; `import a.b as c` binds `c`.
    fn import(&mut self, s: &ast::StmtImport, scope: SymId) {
        for alias in &s.names {
            let bound = alias.asname.as_ref().map_or_else(
                || alias.name.split('.').next().unwrap_or_default(),
                |name| name.as_str(),
            );
            self.bind(bound, scope);
        }
    }

    fn import_from(&mut self, s: &ast::StmtImportFrom, scope: SymId) {
        for alias in &s.names {
            let bound = alias.asname.as_ref().unwrap_or(&alias.name);
            if bound.as_str() != "*" {
                self.bind(bound, scope);
            }
        }
    }

    fn with_stmt(&mut self, items: &[ast::WithItem], body: &[Stmt], scope: SymId) {
        for item in items {
            self.expr(&item.context_expr, scope);
            self.exprs(item.optional_vars.as_deref(), scope);
        }
        self.suite(body, scope);
    }

    fn handlers(&mut self, handlers: &[ast::ExceptHandler], scope: SymId) {
        for ast::ExceptHandler::ExceptHandler(handler) in handlers {
            self.exprs(handler.type_.as_deref(), scope);
            if let Some(name) = &handler.name {
                self.bind(name, scope);
            }
            self.suite(&handler.body, scope);
        }
    }

    fn params(&mut self, args: &ast::Arguments, scope: SymId, inner: SymId) {
        walk::for_each_default(args, &mut |e| self.expr(e, scope));
        let plain = args.posonlyargs.iter().chain(&args.args);
        let first = plain.clone().next().map(|arg| &arg.def);
        let first = first.or(args.vararg.as_deref());
        self.get_mut(inner).first_param = first.map(|arg| Name::new(arg.arg.as_str()));
        let all = plain.chain(&args.kwonlyargs).map(|arg| &arg.def);
        for arg in all
            .chain(args.vararg.as_deref())
            .chain(args.kwarg.as_deref())
        {
            self.exprs(arg.annotation.as_deref(), scope);
            self.bind_param(&arg.arg, inner);
        }
    }

    fn expr(&mut self, expr: &Expr, scope: SymId) {
        match expr {
            Expr::Name(e) => match e.ctx {
                ExprContext::Load => self.use_(&e.id, scope),
                ExprContext::Store | ExprContext::Del => self.bind(&e.id, scope),
            },
            Expr::NamedExpr(e) => {
                self.expr(&e.value, scope);
                if let Some(name) = walk::named_target(e) {
                    self.bind_named(name, scope);
                }
            }
            Expr::Lambda(e) => {
                let inner = self.open_for(e, scope, Kind::Function);
                self.params(&e.args, scope, inner);
                self.expr(&e.body, inner);
            }
            Expr::ListComp(e) => {
                let inner = self.open_for(e, scope, Kind::Comprehension);
                self.generators(&e.generators, scope, inner);
                self.expr(&e.elt, inner);
            }
            Expr::SetComp(e) => {
                let inner = self.open_for(e, scope, Kind::Comprehension);
                self.generators(&e.generators, scope, inner);
                self.expr(&e.elt, inner);
            }
            Expr::DictComp(e) => {
                let inner = self.open_for(e, scope, Kind::Comprehension);
                self.generators(&e.generators, scope, inner);
                self.exprs([&*e.key, &*e.value], inner);
            }
            Expr::GeneratorExp(e) => self.generator(e, scope, Kind::Generator),
            Expr::Call(e) => {
                if let Some(generator) = walk::eager_generator(e) {
                    self.expr(&e.func, scope);
                    self.generator(generator, scope, Kind::Comprehension);
                    self.exprs(e.keywords.iter().map(|k| &k.value), scope);
                    return;
                }
                if let Expr::Name(name) = &*e.func
                    && name.id.as_str() == "super"
                    && e.args.is_empty()
                    && let Some(receiver) = self.function_of(scope).and_then(|f| self.receiver(f))
                {
                    self.use_(&receiver, scope);
                }
                walk::for_each_child(expr, &mut |e| self.expr(e, scope));
            }
            Expr::Yield(_) | Expr::YieldFrom(_) => {
                if let Some(function) = self.function_of(scope) {
                    self.get_mut(function).yields = true;
                }
                walk::for_each_child(expr, &mut |e| self.expr(e, scope));
            }
            _ => walk::for_each_child(expr, &mut |e| self.expr(e, scope)),
        }
    }

    fn generator(&mut self, e: &ast::ExprGeneratorExp, scope: SymId, kind: Kind) {
        let inner = self.open_for(e, scope, kind);
        self.generators(&e.generators, scope, inner);
        self.expr(&e.elt, inner);
    }

    /// The first iterable is evaluated outside the comprehension.
    fn generators(&mut self, generators: &[ast::Comprehension], scope: SymId, inner: SymId) {
        for (index, generator) in generators.iter().enumerate() {
            self.expr(&generator.iter, if index == 0 { scope } else { inner });
            self.expr(&generator.target, inner);
            self.exprs(&generator.ifs, inner);
        }
    }

    /// `:=` in a comprehension binds in the scope around all comprehensions.
    fn bind_named(&mut self, name: &str, scope: SymId) {
        let mut target = scope;
        while matches!(self.get(target).kind, Kind::Comprehension | Kind::Generator) {
            match self.get(target).parent {
                Some(parent) => target = parent,
                None => break,
            }
        }
        self.bind(name, target);
        self.get_mut(target).named.insert(Name::new(name));
        if target != scope {
            self.use_(name, scope);
        }
    }
}

fn names(identifiers: &[ast::Identifier]) -> impl Iterator<Item = Name> {
    identifiers.iter().map(|name| Name::new(name.as_str()))
}

/// The last part of a decorator's name.
fn last_name(decorator: &Expr) -> Option<&str> {
    match decorator {
        Expr::Name(name) => Some(name.id.as_str()),
        Expr::Attribute(attribute) => Some(attribute.attr.as_str()),
        _ => None,
    }
}
