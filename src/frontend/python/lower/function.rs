//! Lowers a function: parameters, cells, body.

use rustpython_parser::ast::{self, Constant, Expr, Ranged, Stmt};

use crate::frontend::builder::Builder;
use crate::frontend::python::lower::unwind::Context;
use crate::frontend::python::lower::{Conditions, LeftSite, Lowerer, Site};
use crate::frontend::python::parse;
use crate::frontend::python::scope::SymId;
use crate::frontend::python::static_expr::StaticLowering;
use crate::ir::{
    Body, Code, FuncIdx, Function, FunctionShape, LocalId, LocalKind, Name, Operand, Overrides,
    Param, ParamKind, ScopeIdx, ScopeKind, StatementKind, StaticExpr, TerminatorKind,
};
use crate::source::Span;
use rustc_hash::FxHashMap;

/// What is known of a function before its body is lowered.
pub(super) struct Head {
    pub(super) name: Name,
    pub(super) span: Span,
    pub(super) name_span: Span,
    pub(super) sym: SymId,
    pub(super) params: Vec<Param>,
    pub(super) returns: Option<Box<StaticExpr>>,
    pub(super) decorators: Vec<StaticExpr>,
    pub(super) is_async: bool,
    pub(super) shape: FunctionShape,
}

/// Builds the control-flow graph of one function.
pub(super) struct FunctionLowerer<'m, 'a> {
    pub(super) module: &'m mut Lowerer<'a>,
    pub(super) body: Builder,
    pub(super) contexts: Vec<Context>,
    /// The site of definitions in this function.
    pub(super) site: Site,
    /// The scope of the function.
    pub(super) function: SymId,
    /// The scope that names are resolved in: that of the function, or of an inline comprehension.
    pub(super) sym: SymId,
    pub(super) locals: FxHashMap<(SymId, Name), LocalId>,
    pub(super) cells: Option<LocalId>,
    pub(super) outer_cells: Option<LocalId>,
    pub(super) conditions: Conditions,
    /// Number of loops so far.
    pub(super) loops: u32,
}

impl Lowerer<'_> {
    pub(super) fn function_def(&mut self, s: &ast::StmtFunctionDef, site: &Site) -> FuncIdx {
        let start = s.range().start().to_u32();
        let head = Head {
            name: Name::new(s.name.as_str()),
            span: Span::new(
                self.definition_start(&s.decorator_list, start),
                s.range().end().to_u32(),
            ),
            name_span: self.header_name_span(start, &["def"], &s.name),
            sym: self.symbols.of(s),
            params: self.params(&s.args, site),
            returns: self.returns(s.returns.as_deref(), site),
            decorators: self.decorators(&s.decorator_list, site),
            is_async: false,
            shape: shape(&s.body),
        };
        match self.leave_out(start, head, site) {
            Ok(idx) => idx,
            Err(head) => self.function(head, site, |function| function.statements(&s.body)),
        }
    }

    pub(super) fn async_function_def(
        &mut self,
        s: &ast::StmtAsyncFunctionDef,
        site: &Site,
    ) -> FuncIdx {
        let start = s.range().start().to_u32();
        let head = Head {
            name: Name::new(s.name.as_str()),
            span: Span::new(
                self.definition_start(&s.decorator_list, start),
                s.range().end().to_u32(),
            ),
            name_span: self.header_name_span(start, &["async", "def"], &s.name),
            sym: self.symbols.of(s),
            params: self.params(&s.args, site),
            returns: self.returns(s.returns.as_deref(), site),
            decorators: self.decorators(&s.decorator_list, site),
            is_async: true,
            shape: shape(&s.body),
        };
        match self.leave_out(start, head, site) {
            Ok(idx) => idx,
            Err(head) => self.function(head, site, |function| function.statements(&s.body)),
        }
    }

    pub(in crate::frontend::python) fn lambda(
        &mut self,
        e: &ast::ExprLambda,
        site: &Site,
    ) -> FuncIdx {
        let span = parse::span(e);
        let head = Head {
            name: Name::new("<lambda>"),
            span,
            name_span: span,
            sym: self.symbols.of(e),
            params: self.params(&e.args, site),
            returns: None,
            decorators: Vec::new(),
            is_async: false,
            shape: FunctionShape::Code,
        };
        self.function(head, site, |function| function.lambda_body(&e.body))
    }

    /// Lowers a function, with its body lowered by `lower`.
    pub(super) fn function(
        &mut self,
        head: Head,
        site: &Site,
        lower: impl FnOnce(&mut FunctionLowerer<'_, '_>),
    ) -> FuncIdx {
        let idx = self.reserve();
        let scope = self.open_scope(Some(site.scope), ScopeKind::Function(idx));
        let qualname = Name::from(format!("{}{}", site.prefix, head.name));
        let is_generator = self.symbols.yields(head.sym) || head.name == "<genexpr>";
        let (body, cells, outer_cells) = {
            let mut lowerer = FunctionLowerer {
                body: Builder::new(),
                contexts: Vec::new(),
                site: Site {
                    scope,
                    class: None,
                    lexical: site.lexical,
                    function: Some(idx),
                    prefix: Name::from(format!("{qualname}.<locals>.")),
                },
                function: head.sym,
                sym: head.sym,
                locals: FxHashMap::default(),
                cells: None,
                outer_cells: None,
                conditions: Conditions::default(),
                loops: 0,
                module: self,
            };
            lowerer.enter(&head);
            lower(&mut lowerer);
            lowerer.finish()
        };
        let slot = self.slot(idx);
        self.functions[slot] = Some(Function {
            is_generator,
            outer_cells,
            body: Code::new(body, cells),
            ..outside(head, qualname, site, scope)
        });
        idx
    }

    /// A function without its body, if it is one whose body is to be left out.
    fn leave_out(&mut self, start: u32, head: Head, site: &Site) -> Result<FuncIdx, Head> {
        let next = self.left_sites.len();
        if self.left_out.get(next) != Some(&start) {
            return Err(head);
        }
        let idx = self.reserve();
        let qualname = Name::from(format!("{}{}", site.prefix, head.name));
        self.left_sites.push(LeftSite {
            idx,
            parent: site.scope,
            name: head.name.clone(),
            name_span: head.name_span,
            params: head.params.iter().map(|param| param.name.clone()).collect(),
            class: site.class,
            lexical: site.lexical,
            prefix: site.prefix.clone(),
        });
        let slot = self.slot(idx);
        let scope = ScopeIdx::of_left_out(idx);
        self.functions[slot] = Some(outside(head, qualname, site, scope));
        Ok(idx)
    }

    /// Lowers the body of a function that was left out, as the first function. Its header was
    /// lowered with the module.
    pub(super) fn body_of<T>(&mut self, def: &T, body: &[Stmt], at: &LeftSite, site: &Site) {
        let params = at.params.iter().map(|name| Param {
            name: name.clone(),
            kind: ParamKind::Positional,
            default: None,
            annotation: None,
        });
        let head = Head {
            name: at.name.clone(),
            span: at.name_span,
            name_span: at.name_span,
            sym: self.symbols.of(def),
            params: params.collect(),
            returns: None,
            decorators: Vec::new(),
            is_async: false,
            shape: FunctionShape::Code,
        };
        self.function(head, site, |function| function.statements(body));
    }

    fn returns(&mut self, returns: Option<&Expr>, site: &Site) -> Option<Box<StaticExpr>> {
        let annotation = StaticLowering::annotations(self, site).convert(returns?);
        Some(Box::new(annotation))
    }

    fn decorators(&mut self, decorators: &[Expr], site: &Site) -> Vec<StaticExpr> {
        let mut lowering = StaticLowering::values(self, site);
        decorators.iter().map(|d| lowering.convert(d)).collect()
    }

    fn params(&mut self, args: &ast::Arguments, site: &Site) -> Vec<Param> {
        let plain = args.posonlyargs.len() + args.args.len() + args.kwonlyargs.len();
        let starred = usize::from(args.vararg.is_some()) + usize::from(args.kwarg.is_some());
        let mut params = Vec::with_capacity(plain + starred);
        for arg in &args.posonlyargs {
            params.push(self.param_with_default(arg, ParamKind::PositionalOnly, site));
        }
        for arg in &args.args {
            params.push(self.param_with_default(arg, ParamKind::Positional, site));
        }
        if let Some(arg) = &args.vararg {
            params.push(self.param(arg, ParamKind::Star, site));
        }
        for arg in &args.kwonlyargs {
            params.push(self.param_with_default(arg, ParamKind::KeywordOnly, site));
        }
        if let Some(arg) = &args.kwarg {
            params.push(self.param(arg, ParamKind::DoubleStar, site));
        }
        params
    }

    fn param_with_default(
        &mut self,
        arg: &ast::ArgWithDefault,
        kind: ParamKind,
        site: &Site,
    ) -> Param {
        let mut param = self.param(&arg.def, kind, site);
        if let Some(default) = &arg.default {
            param.default = Some(StaticLowering::values(self, site).convert(default));
        }
        param
    }

    fn param(&mut self, arg: &ast::Arg, kind: ParamKind, site: &Site) -> Param {
        let annotation = arg.annotation.as_ref();
        Param {
            name: Name::new(arg.arg.as_str()),
            kind,
            default: None,
            annotation: annotation.map(|a| StaticLowering::annotations(self, site).convert(a)),
        }
    }
}

impl FunctionLowerer<'_, '_> {
    fn enter(&mut self, head: &Head) {
        for param in &head.params {
            let local = self.body.local(Some(param.name.clone()), LocalKind::Param);
            self.locals.insert((head.sym, param.name.clone()), local);
        }
        let symbols = self.module.symbols;
        let span = Span::new(head.name_span.end, head.name_span.end);
        if symbols.needs_cells(head.sym) {
            self.cells = Some(self.body.local(None, LocalKind::Cells));
        }
        if symbols.needs_outer(head.sym) {
            self.outer_cells = Some(self.body.local(None, LocalKind::OuterCells));
        }
        let Some(cells) = self.cells else {
            return;
        };
        if let Some(outer) = self.outer_cells {
            self.body.push(
                StatementKind::SetField {
                    object: Operand::Local(cells),
                    field: Name::new("^"),
                    value: Operand::Local(outer),
                },
                span,
            );
        }
        for (index, param) in head.params.iter().enumerate() {
            if symbols.is_captured(head.sym, &param.name) {
                self.body.push(
                    StatementKind::SetField {
                        object: Operand::Local(cells),
                        field: symbols.cell_field(head.sym, &param.name),
                        value: Operand::Local(LocalId(super::index(index))),
                    },
                    span,
                );
            }
        }
    }

    fn finish(self) -> (Body, Option<LocalId>, Option<LocalId>) {
        (self.body.finish(), self.cells, self.outer_cells)
    }

    fn statements(&mut self, body: &[Stmt]) {
        self.suite(body);
        let end = body.last().map_or(0, |stmt| parse::span(stmt).end);
        self.fall_off(Span::new(end, end));
    }

    /// The implicit `return None` at the end.
    pub(super) fn fall_off(&mut self, span: Span) {
        let kind = TerminatorKind::Return {
            value: Operand::NONE,
            implicit: true,
        };
        self.body.end(kind, span);
    }

    fn lambda_body(&mut self, body: &Expr) {
        let value = self.expr(body, super::expr::Dest::Temp);
        let kind = TerminatorKind::Return {
            value,
            implicit: false,
        };
        self.body.end(kind, parse::span(body));
    }
}

/// What the body consists of, apart from its docstring.
fn shape(body: &[Stmt]) -> FunctionShape {
    let is_text = |stmt: &Stmt| match stmt {
        Stmt::Expr(s) => matches!(
            &*s.value,
            Expr::Constant(c) if matches!(c.value, Constant::Str(_))
        ),
        _ => false,
    };
    let rest = match body.split_first() {
        Some((first, rest)) if is_text(first) => rest,
        _ => body,
    };
    let is_ellipsis = |stmt: &Stmt| match stmt {
        Stmt::Expr(s) => matches!(
            &*s.value,
            Expr::Constant(c) if matches!(c.value, Constant::Ellipsis)
        ),
        _ => false,
    };
    if rest.iter().all(is_ellipsis) {
        return FunctionShape::Empty;
    }
    if rest.iter().all(|s| s.is_pass_stmt() || is_ellipsis(s)) {
        return FunctionShape::Pass;
    }
    if let [Stmt::Raise(raise)] = rest {
        let exc = match raise.exc.as_deref() {
            Some(Expr::Call(call)) => Some(&*call.func),
            other => other,
        };
        if let Some(Expr::Name(name)) = exc
            && name.id.as_str() == "NotImplementedError"
        {
            return FunctionShape::NotImplemented;
        }
    }
    FunctionShape::Code
}

/// A function as known from its header, without what its body adds.
fn outside(head: Head, qualname: Name, site: &Site, scope: ScopeIdx) -> Function {
    Function {
        name: head.name,
        qualname,
        span: head.span,
        name_span: head.name_span,
        class: site.class,
        outer: site.function,
        scope,
        params: head.params,
        returns: head.returns,
        decorators: head.decorators,
        marks: Vec::new(),
        overrides: Overrides::ByName,
        is_async: head.is_async,
        is_generator: false,
        shape: head.shape,
        outer_cells: None,
        body: Code::new(Body::default(), None),
    }
}
