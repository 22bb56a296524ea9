//! Module and class bodies, which are not executed but recorded as bindings.

use rustpython_parser::ast::{self, Expr, Ranged, Stmt};

use crate::frontend::python::lower::{Conditions, LeftSite, Lowerer, Site, is_type_checking};
use crate::frontend::python::static_expr::{StaticLowering, folded, path};
use crate::frontend::python::{parse, walk};
use crate::ir::{
    Binding, Class, ClassIdx, FuncIdx, ImportPath, Literal, Name, Nature, ScopeIdx, ScopeKind,
    StaticExpr, StaticExprKind,
};
use crate::source::Span;

/// The names that an `import` statement binds.
pub(super) fn import_bindings(import: &ast::StmtImport) -> Vec<(Name, ImportPath, Span)> {
    let bindings = import.names.iter().map(|alias| {
        let mut module: Vec<Name> = alias.name.split('.').map(Name::new).collect();
        let bound = match &alias.asname {
            Some(name) => Name::new(name.as_str()),
            None => {
                module.truncate(1);
                module[0].clone()
            }
        };
        let path = ImportPath {
            level: 0,
            module,
            name: None,
        };
        (bound, path, parse::span(alias))
    });
    bindings.collect()
}

/// The names that a `from … import` statement binds; `*` for a star import.
pub(super) fn import_from_bindings(import: &ast::StmtImportFrom) -> Vec<(Name, ImportPath, Span)> {
    let module: Vec<Name> = import
        .module
        .iter()
        .flat_map(|module| module.split('.').map(Name::new))
        .collect();
    let level = import.level.map_or(0, |level| level.to_u32());
    let bindings = import.names.iter().map(|alias| {
        let bound = alias.asname.as_ref().unwrap_or(&alias.name);
        let path = ImportPath {
            level,
            module: module.clone(),
            name: Some(Name::new(alias.name.as_str())),
        };
        (Name::new(bound.as_str()), path, parse::span(alias))
    });
    bindings.collect()
}

impl Lowerer<'_> {
    /// Records the bindings of the whole module.
    pub(super) fn module_body(&mut self, suite: &[Stmt]) {
        let site = Site {
            scope: ScopeIdx::MODULE,
            class: None,
            lexical: None,
            function: None,
            prefix: Name::default(),
        };
        self.bindings(suite, &site, Conditions::default());
        for name in self.symbols.global_stores() {
            let conditions = Conditions::default().inside();
            let span = Span::default();
            self.bind(ScopeIdx::MODULE, &name, Binding::Opaque, conditions, span);
        }
    }

    /// Lowers the body of a function that was left out.
    pub(super) fn left_out_body(&mut self, def: &Stmt, at: &LeftSite) -> Option<()> {
        let site = Site {
            scope: at.parent,
            class: at.class,
            lexical: at.lexical,
            function: None,
            prefix: at.prefix.clone(),
        };
        match def {
            Stmt::FunctionDef(s) => self.body_of(s, &s.body, at, &site),
            Stmt::AsyncFunctionDef(s) => self.body_of(s, &s.body, at, &site),
            _ => return None,
        };
        Some(())
    }

    fn bindings(&mut self, suite: &[Stmt], site: &Site, conditions: Conditions) {
        for stmt in suite {
            self.binding(stmt, site, conditions);
        }
    }

    fn binding(&mut self, stmt: &Stmt, site: &Site, conditions: Conditions) {
        match stmt {
            Stmt::FunctionDef(s) => {
                let function = self.function_def(s, site);
                self.bind_function(&s.name, function, site, conditions);
            }
            Stmt::AsyncFunctionDef(s) => {
                let function = self.async_function_def(s, site);
                self.bind_function(&s.name, function, site, conditions);
            }
            Stmt::ClassDef(s) => {
                self.class_def(s, site, conditions);
            }
            Stmt::Import(s) => {
                for (name, path, span) in import_bindings(s) {
                    self.bind(site.scope, &name, Binding::Import(path), conditions, span);
                }
            }
            Stmt::ImportFrom(s) => {
                for (name, path, span) in import_from_bindings(s) {
                    if name == "*" {
                        let path = ImportPath { name: None, ..path };
                        self.scope_mut(site.scope).star_imports.push(path);
                    } else {
                        self.bind(site.scope, &name, Binding::Import(path), conditions, span);
                    }
                }
            }
            Stmt::Assign(s) => {
                self.named(&s.value, site, conditions);
                for target in &s.targets {
                    self.bind_target(target, Some(&s.value), site, conditions);
                }
            }
            Stmt::AnnAssign(s) => {
                if let Some(value) = &s.value {
                    self.named(value, site, conditions);
                    self.declare_default(s, value, site, conditions);
                    self.bind_target(&s.target, Some(value), site, conditions);
                } else if let Expr::Name(name) = &*s.target {
                    let annotation = StaticLowering::annotations(self, site).convert(&s.annotation);
                    let binding = Binding::Declared(annotation);
                    self.bind(site.scope, &name.id, binding, conditions, parse::span(name));
                }
            }
            Stmt::TypeAlias(s) => self.bind_target(&s.name, Some(&s.value), site, conditions),
            Stmt::AugAssign(s) => self.bind_target(&s.target, None, site, conditions),
            Stmt::Delete(s) => {
                for target in &s.targets {
                    self.bind_target(target, None, site, conditions);
                }
            }
            Stmt::Expr(s) => self.named(&s.value, site, conditions),
            _ => self.compound_binding(stmt, site, conditions),
        }
    }

    /// Records what an annotation in a class body says about an attribute with a value. A `None`
    /// for a type that is not `Optional` is a common slip, so then the type says nothing.
    fn declare_default(
        &mut self,
        s: &ast::StmtAnnAssign,
        value: &Expr,
        site: &Site,
        conditions: Conditions,
    ) {
        let in_class = matches!(self.scopes[site.scope.0 as usize].kind, ScopeKind::Class(_));
        if let (Expr::Name(name), true) = (&*s.target, in_class) {
            let mut annotation = StaticLowering::annotations(self, site).convert(&s.annotation);
            let is_none = matches!(folded(value), Some(Literal::None));
            if is_none && !annotation.is_promise() {
                annotation.kind = StaticExprKind::Opaque;
            }
            let binding = Binding::Declared(annotation);
            self.bind(site.scope, &name.id, binding, conditions, parse::span(name));
        }
    }

    fn compound_binding(&mut self, stmt: &Stmt, site: &Site, conditions: Conditions) {
        let inside = conditions.inside();
        match stmt {
            Stmt::If(s) => {
                let mut s = s;
                let mut conditions = conditions;
                loop {
                    self.named(&s.test, site, conditions);
                    let checking = is_type_checking(&s.test);
                    let body = if checking {
                        Conditions {
                            type_checking: true,
                            ..conditions
                        }
                    } else {
                        inside
                    };
                    self.bindings(&s.body, site, body);
                    match s.orelse.as_slice() {
                        [Stmt::If(next)] if !checking => {
                            s = next;
                            conditions = inside;
                        }
                        orelse => {
                            let conditions = if checking { conditions } else { inside };
                            self.bindings(orelse, site, conditions);
                            break;
                        }
                    }
                }
            }
            Stmt::For(s) => {
                self.bind_target(&s.target, None, site, inside);
                self.bindings(&s.body, site, inside);
                self.bindings(&s.orelse, site, inside);
            }
            Stmt::AsyncFor(s) => {
                self.bind_target(&s.target, None, site, inside);
                self.bindings(&s.body, site, inside);
                self.bindings(&s.orelse, site, inside);
            }
            Stmt::While(s) => {
                self.named(&s.test, site, inside);
                self.bindings(&s.body, site, inside);
                self.bindings(&s.orelse, site, inside);
            }
            Stmt::With(s) => self.with_bindings(&s.items, &s.body, site, inside),
            Stmt::AsyncWith(s) => self.with_bindings(&s.items, &s.body, site, inside),
            Stmt::Match(s) => {
                self.named(&s.subject, site, conditions);
                for case in &s.cases {
                    let span = parse::span(&case.pattern);
                    walk::for_each_capture(&case.pattern, &mut |name| {
                        self.bind(site.scope, name, Binding::Opaque, inside, span);
                    });
                    self.bindings(&case.body, site, inside);
                }
            }
            Stmt::Try(s) => {
                self.bindings(&s.body, site, inside);
                self.handler_bindings(&s.handlers, site, inside);
                self.bindings(&s.orelse, site, inside);
                self.bindings(&s.finalbody, site, inside);
            }
            Stmt::TryStar(s) => {
                self.bindings(&s.body, site, inside);
                self.handler_bindings(&s.handlers, site, inside);
                self.bindings(&s.orelse, site, inside);
                self.bindings(&s.finalbody, site, inside);
            }
            _ => {}
        }
    }

    fn with_bindings(
        &mut self,
        items: &[ast::WithItem],
        body: &[Stmt],
        site: &Site,
        inside: Conditions,
    ) {
        for item in items {
            if let Some(target) = &item.optional_vars {
                self.bind_target(target, None, site, inside);
            }
        }
        self.bindings(body, site, inside);
    }

    fn handler_bindings(
        &mut self,
        handlers: &[ast::ExceptHandler],
        site: &Site,
        inside: Conditions,
    ) {
        for ast::ExceptHandler::ExceptHandler(handler) in handlers {
            if let Some(name) = &handler.name {
                let span = parse::span(handler);
                self.bind(site.scope, name, Binding::Opaque, inside, span);
            }
            self.bindings(&handler.body, site, inside);
        }
    }

    /// Records what a target is bound to: a value, or something unknown.
    fn bind_target(
        &mut self,
        target: &Expr,
        value: Option<&Expr>,
        site: &Site,
        conditions: Conditions,
    ) {
        match target {
            Expr::Name(name) => {
                let binding = match value {
                    Some(value) => Binding::Value(self.static_value(value, site)),
                    None => Binding::Opaque,
                };
                self.bind(site.scope, &name.id, binding, conditions, parse::span(name));
            }
            Expr::Tuple(ast::ExprTuple { elts, .. }) | Expr::List(ast::ExprList { elts, .. }) => {
                let values = value.and_then(|value| display_of(value, elts.len()));
                let exact = !elts.iter().any(Expr::is_starred_expr);
                for (index, elt) in elts.iter().enumerate() {
                    let value = values.filter(|_| exact).map(|values| &values[index]);
                    self.bind_target(elt, value, site, conditions);
                }
            }
            Expr::Starred(starred) => self.bind_target(&starred.value, None, site, conditions),
            Expr::Attribute(attribute) => {
                if let (Some(value), Some(object)) = (value, path(&attribute.value))
                    && site.scope == ScopeIdx::MODULE
                {
                    let value = self.static_value(value, site);
                    let name = Name::new(attribute.attr.as_str());
                    self.attribute_stores.push((object, name, value));
                }
            }
            _ => {}
        }
    }

    fn static_value(&mut self, value: &Expr, site: &Site) -> StaticExpr {
        StaticLowering::values(self, site).convert(value)
    }

    fn named(&mut self, expr: &Expr, site: &Site, conditions: Conditions) {
        walk::for_each_named(expr, &mut |name| {
            let span = parse::span(name);
            self.bind(site.scope, &name.id, Binding::Opaque, conditions, span);
        });
    }

    fn bind_function(
        &mut self,
        name: &str,
        function: FuncIdx,
        site: &Site,
        conditions: Conditions,
    ) {
        let span = self.functions[self.slot(function)]
            .as_ref()
            .map_or(Span::default(), |f| f.name_span);
        let binding = Binding::Function(function);
        self.bind(site.scope, name, binding, conditions, span);
    }

    /// Lowers a class and binds its name.
    pub(super) fn class_def(
        &mut self,
        s: &ast::StmtClassDef,
        site: &Site,
        conditions: Conditions,
    ) -> ClassIdx {
        let idx = ClassIdx(super::index(self.classes.len()));
        self.classes.push(None);
        let scope = self.open_scope(Some(site.scope), ScopeKind::Class(idx));
        let start = s.range().start().to_u32();
        let name_span = self.header_name_span(start, &["class"], &s.name);
        let qualname = Name::from(format!("{}{}", site.prefix, s.name.as_str()));
        let binding = Binding::Class(idx);
        self.bind(site.scope, &s.name, binding, conditions, name_span);

        let mut lowering = StaticLowering::values(self, site);
        let decorators = s.decorator_list.iter().map(|d| lowering.convert(d));
        let decorators = decorators.collect();
        let bases = s.bases.iter().map(|b| lowering.convert(b)).collect();
        let keywords = s.keywords.iter().map(|k| lowering.keyword(k)).collect();

        let inner = Site {
            scope,
            class: Some(idx),
            lexical: Some(idx),
            function: site.function,
            prefix: Name::from(format!("{qualname}.")),
        };
        self.bindings(&s.body, &inner, Conditions::default());
        self.classes[idx.0 as usize] = Some(Class {
            name: Name::new(s.name.as_str()),
            qualname,
            span: Span::new(
                self.definition_start(&s.decorator_list, start),
                s.range().end().to_u32(),
            ),
            name_span,
            bases,
            keywords,
            decorators,
            scope,
            parent: site.scope,
            nature: Nature::Open,
        });
        idx
    }
}

/// The elements of a tuple or list display of this length.
fn display_of(value: &Expr, len: usize) -> Option<&[Expr]> {
    let elts = match value {
        Expr::Tuple(e) => &e.elts,
        Expr::List(e) => &e.elts,
        _ => return None,
    };
    (elts.len() == len && !elts.iter().any(Expr::is_starred_expr)).then_some(elts)
}
