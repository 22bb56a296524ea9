//! Lowers a function or closure: parameters, shared variables, body.

use rustc_hash::{FxHashMap, FxHashSet};
use syn::visit::Visit;
use syn::{Attribute, Block, Expr, FnArg, Pat, Signature, Stmt};

use crate::frontend::builder::Builder;
use crate::frontend::index;
use crate::frontend::rust::lower::vars::{self, Vars};
use crate::frontend::rust::lower::{Lowerer, Site};
use crate::frontend::rust::{parse, types};
use crate::ir::{
    BlockId, Code, FuncIdx, Function, FunctionShape, LocalId, LocalKind, Name, Operand, Overrides,
    Param, ParamKind, ScopeKind, StaticExpr, StaticExprKind, TerminatorKind,
};
use crate::source::Span;

/// What is known of a function before its body is lowered.
pub(super) struct Head {
    pub(super) name: Name,
    pub(super) qualname: Name,
    pub(super) span: Span,
    pub(super) name_span: Span,
    pub(super) is_async: bool,
    pub(super) marks: Vec<Name>,
}

impl Head {
    pub(super) fn of(sig: &Signature, attrs: &[Attribute], span: Span, site: &Site) -> Self {
        let name = Name::from(types::plain(&sig.ident));
        Self {
            qualname: Name::from(format!("{}{name}", site.prefix)),
            name,
            span,
            name_span: parse::of(&sig.ident),
            is_async: sig.asyncness.is_some(),
            marks: attrs.iter().map(|attr| dotted(attr.path())).collect(),
        }
    }
}

/// A path with dots between its parts.
fn dotted(path: &syn::Path) -> Name {
    let parts = path.segments.iter();
    let parts: Vec<String> = parts.map(|part| part.ident.to_string()).collect();
    Name::from(parts.join("."))
}

/// A loop or labelled block around the current code.
pub(super) struct Frame {
    pub(super) label: Option<Name>,
    pub(super) is_loop: bool,
    pub(super) break_to: BlockId,
    pub(super) continue_to: BlockId,
    /// Receives the value of a `break`.
    pub(super) result: Option<LocalId>,
}

/// What is known of a closure before its body is lowered.
pub(super) struct Closure<'a> {
    pub(super) span: Span,
    pub(super) is_async: bool,
    pub(super) inputs: Vec<&'a Pat>,
    /// The cells that it sees, innermost first.
    pub(super) outer: Vec<FxHashMap<Name, Name>>,
    /// The names that nested closures use.
    pub(super) captured: FxHashSet<Name>,
}

/// Builds the control-flow graph of one function.
pub(super) struct FunctionLowerer<'m> {
    pub(super) module: &'m mut Lowerer,
    pub(super) body: Builder,
    /// The site of definitions in this function.
    pub(super) site: Site,
    pub(super) vars: Vars,
    /// The loops and labelled blocks around the current code, innermost last.
    pub(super) frames: Vec<Frame>,
    pub(super) cells: Option<LocalId>,
    pub(super) outer_cells: Option<LocalId>,
    /// Whether the function returns `()`, so that the value of its last expression is dropped.
    pub(super) unit: bool,
}

/// A parameter as written.
enum Input<'a> {
    /// `self`
    Receiver,
    /// A pattern, and what its type says.
    Pattern(&'a Pat, Option<StaticExpr>),
}

impl Lowerer {
    /// Lowers a named function.
    pub(super) fn function(
        &mut self,
        mut head: Head,
        overrides: Overrides,
        sig: &Signature,
        block: &Block,
        site: &Site,
    ) -> FuncIdx {
        let mut has_receiver = false;
        let inputs: Vec<Input<'_>> = sig
            .inputs
            .iter()
            .map(|input| match input {
                FnArg::Receiver(_) => {
                    has_receiver = true;
                    Input::Receiver
                }
                FnArg::Typed(t) => Input::Pattern(&t.pat, types::annotation(&t.ty)),
            })
            .collect();
        let decorators = if site.class.is_some() && !has_receiver {
            vec![StaticExpr {
                kind: StaticExprKind::Path(vec![Name::new("staticmethod")]),
                span: head.name_span,
            }]
        } else {
            Vec::new()
        };
        let shape = shape(block);
        // `fn f() -> Pin<Box<dyn Future>> { Box::pin(async { … }) }` is treated as an async fn.
        let future = match block.stmts.as_slice() {
            [.., Stmt::Expr(tail, None)] => future_block(tail),
            _ => None,
        };
        let unit = types::returns_nothing(&sig.output);
        if future.is_some() {
            head.is_async = true;
        }
        let captured = captured_in_block(block, future);
        let idx = self.reserve();
        let lower = |this: &mut FunctionLowerer<'_>| match future {
            Some(inner) => {
                let init = &block.stmts[..block.stmts.len() - 1];
                this.block_items(&block.stmts);
                this.vars.push();
                for stmt in init {
                    this.stmt(stmt);
                }
                this.tail_block(inner);
                this.vars.pop();
            }
            None => this.tail_block(block),
        };
        let parts = FunctionParts {
            head,
            inputs,
            overrides,
            decorators,
            shape,
            captured,
            outer: Vec::new(),
            unit,
        };
        self.finish(idx, parts, site, lower);
        idx
    }

    /// Lowers a closure, or an `async` block.
    pub(super) fn closure(
        &mut self,
        closure: Closure<'_>,
        site: &Site,
        lower: impl FnOnce(&mut FunctionLowerer<'_>),
    ) -> FuncIdx {
        let Closure {
            span,
            is_async,
            inputs,
            outer,
            captured,
        } = closure;
        let name = Name::new(if is_async { "<async>" } else { "<closure>" });
        let head = Head {
            qualname: Name::from(format!("{}{name}", site.prefix)),
            name,
            span,
            name_span: span,
            is_async,
            marks: Vec::new(),
        };
        let inputs = inputs
            .iter()
            .map(|pat| match pat {
                Pat::Type(t) => Input::Pattern(&t.pat, types::annotation(&t.ty)),
                pat => Input::Pattern(pat, None),
            })
            .collect();
        let idx = self.reserve();
        let parts = FunctionParts {
            head,
            inputs,
            overrides: Overrides::Never,
            decorators: Vec::new(),
            shape: FunctionShape::Code,
            captured,
            outer,
            unit: false,
        };
        self.finish(idx, parts, site, lower);
        idx
    }

    fn reserve(&mut self) -> FuncIdx {
        let idx = FuncIdx(index(self.functions.len()));
        self.functions.push(None);
        idx
    }

    fn finish(
        &mut self,
        idx: FuncIdx,
        parts: FunctionParts<'_>,
        site: &Site,
        lower: impl FnOnce(&mut FunctionLowerer<'_>),
    ) {
        let scope = self.open_scope(Some(site.scope), ScopeKind::Function(idx));
        let head = parts.head;
        let params: Vec<Param> = parts
            .inputs
            .iter()
            .enumerate()
            .map(|(position, input)| {
                let (name, annotation) = match input {
                    Input::Receiver => (Name::new("self"), None),
                    Input::Pattern(pat, annotation) => (
                        vars::simple_name(pat)
                            .unwrap_or_else(|| Name::from(format!("<{position}>"))),
                        annotation.clone(),
                    ),
                };
                Param {
                    name,
                    kind: ParamKind::Positional,
                    default: None,
                    annotation,
                }
            })
            .collect();
        let (body, cells, outer_cells) = {
            let mut lowerer = FunctionLowerer {
                body: Builder::new(),
                site: Site {
                    scope,
                    class: None,
                    function: Some(idx),
                    prefix: Name::from(format!("{}.", head.qualname)),
                    blocks: site.blocks.clone(),
                },
                vars: Vars::new(parts.captured, parts.outer),
                frames: Vec::new(),
                cells: None,
                outer_cells: None,
                unit: parts.unit,
                module: self,
            };
            lowerer.enter(&params, &parts.inputs, head.name_span);
            lower(&mut lowerer);
            (lowerer.body.finish(), lowerer.cells, lowerer.outer_cells)
        };
        self.functions[idx.0 as usize] = Some(Function {
            name: head.name,
            qualname: head.qualname,
            span: head.span,
            name_span: head.name_span,
            class: site.class,
            outer: site.function,
            scope,
            params,
            returns: None,
            decorators: parts.decorators,
            marks: head.marks,
            overrides: parts.overrides,
            is_async: head.is_async,
            is_generator: false,
            shape: parts.shape,
            outer_cells,
            body: Code::new(body, cells),
        });
    }
}

/// What is known of a function or closure besides its body.
struct FunctionParts<'a> {
    head: Head,
    inputs: Vec<Input<'a>>,
    overrides: Overrides,
    decorators: Vec<StaticExpr>,
    shape: FunctionShape,
    captured: FxHashSet<Name>,
    outer: Vec<FxHashMap<Name, Name>>,
    unit: bool,
}

impl FunctionLowerer<'_> {
    fn enter(&mut self, params: &[Param], inputs: &[Input<'_>], at: Span) {
        let span = Span::new(at.end, at.end);
        self.vars.push();
        let locals: Vec<LocalId> = params
            .iter()
            .map(|p| self.body.local(Some(p.name.clone()), LocalKind::Param))
            .collect();
        if self.vars.shares() {
            self.cells = Some(self.body.local(None, LocalKind::Cells));
        }
        if self.vars.is_nested() {
            self.outer_cells = Some(self.body.local(None, LocalKind::OuterCells));
        }
        self.link_cells(span);
        for (local, input) in locals.into_iter().zip(inputs) {
            match input {
                Input::Receiver => self.declare_param("self", local, false, span),
                Input::Pattern(pat, _) => match vars::simple(pat) {
                    Some((name, mutable)) => self.declare_param(&name, local, mutable, span),
                    None => self.bind_pattern(pat, &Operand::Local(local)),
                },
            }
        }
    }

    /// The implicit return at the end.
    pub(super) fn fall_off(&mut self, span: Span) {
        let kind = TerminatorKind::Return {
            value: Operand::NONE,
            implicit: true,
        };
        self.body.end(kind, span);
    }
}

/// The block of `async { … }`, `Box::pin(async { … })` and `async { … }.boxed()`.
fn future_block(e: &Expr) -> Option<&Block> {
    match e {
        Expr::Async(e) => Some(&e.block),
        Expr::Paren(e) => future_block(&e.expr),
        Expr::Call(e) => match (&*e.func, e.args.len()) {
            (Expr::Path(p), 1) if p.path.segments.last().is_some_and(|s| s.ident == "pin") => {
                future_block(&e.args[0])
            }
            _ => None,
        },
        Expr::MethodCall(e) if e.method == "boxed" || e.method == "boxed_local" => {
            future_block(&e.receiver)
        }
        _ => None,
    }
}

/// What the body of a function consists of.
fn shape(block: &Block) -> FunctionShape {
    match block.stmts.as_slice() {
        [] => FunctionShape::Pass,
        [only] => {
            let mac = match only {
                Stmt::Macro(m) => Some(&m.mac),
                Stmt::Expr(Expr::Macro(m), _) => Some(&m.mac),
                _ => None,
            };
            let stub = mac.is_some_and(|mac| {
                mac.path
                    .segments
                    .last()
                    .is_some_and(|s| s.ident == "todo" || s.ident == "unimplemented")
            });
            if stub {
                FunctionShape::NotImplemented
            } else {
                FunctionShape::Code
            }
        }
        _ => FunctionShape::Code,
    }
}

/// The identifiers that closures and `async` blocks in the block use, at any depth.
pub(super) fn captured_in_block(block: &Block, transparent: Option<&Block>) -> FxHashSet<Name> {
    let mut finder = Captures::default();
    match transparent {
        Some(inner) => {
            let init = &block.stmts[..block.stmts.len().saturating_sub(1)];
            init.iter().for_each(|stmt| finder.visit_stmt(stmt));
            finder.visit_block(inner);
        }
        None => finder.visit_block(block),
    }
    finder.names
}

/// The same for an expression.
pub(super) fn captured_in_expr(e: &Expr) -> FxHashSet<Name> {
    let mut finder = Captures::default();
    finder.visit_expr(e);
    finder.names
}

#[derive(Default)]
struct Captures {
    names: FxHashSet<Name>,
}

impl<'ast> Visit<'ast> for Captures {
    fn visit_expr_closure(&mut self, e: &'ast syn::ExprClosure) {
        vars::for_each_ident(quote::ToTokens::to_token_stream(&e.body), &mut |name| {
            self.names.insert(name);
        });
    }
    fn visit_expr_async(&mut self, e: &'ast syn::ExprAsync) {
        vars::for_each_ident(quote::ToTokens::to_token_stream(&e.block), &mut |name| {
            self.names.insert(name);
        });
    }
    fn visit_item(&mut self, _: &'ast syn::Item) {}
    // A macro's tokens may contain closures, which are found only when it is lowered.
    fn visit_macro(&mut self, mac: &'ast syn::Macro) {
        let tokens = mac.tokens.to_string();
        if tokens.contains('|') || tokens.contains("async") {
            vars::for_each_ident(mac.tokens.clone(), &mut |name| {
                self.names.insert(name);
            });
        }
    }
}
