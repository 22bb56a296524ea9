//! Lowers syntax trees to the intermediate representation.
//!
//! [`Lowerer`] collects the functions, classes and scopes of a module. `item` walks module and
//! class bodies. [`function::FunctionLowerer`] builds a control-flow graph; its methods are in the
//! files named after what they lower.

mod assign;
mod call;
mod comprehension;
mod cond;
mod expr;
mod function;
mod item;
mod names;
mod pattern;
mod stmt;
mod unwind;

use rustpython_parser::ast;

use crate::frontend::index;
use crate::frontend::python::scope::SymbolTable;
use crate::ir::{
    Binding, BindingSite, Class, ClassIdx, Content, FuncIdx, Function, MAX_NESTED, MAX_OUTER,
    Module, Name, NameScope, ScopeIdx, ScopeKind, StaticExpr,
};
use crate::source::Span;

/// Lowers a module.
pub(super) fn module(text: &str, suite: &[ast::Stmt], symbols: &SymbolTable) -> Module {
    let mut lowerer = Lowerer::new(text, symbols);
    lowerer.open_scope(None, ScopeKind::Module);
    lowerer.module_body(suite);
    lowerer.finish(false)
}

/// Lowers a module without the bodies of the functions that start at `left_out`, none of which is
/// nested in another. Also returns the position of each. `None` if the tree does not have all of
/// them, or has too many other functions.
pub(super) fn sparse_module(
    text: &str,
    suite: &[ast::Stmt],
    symbols: &SymbolTable,
    left_out: &[u32],
) -> Option<(Module, Vec<LeftSite>)> {
    let mut lowerer = Lowerer::new(text, symbols);
    lowerer.step = MAX_NESTED;
    lowerer.left_out = left_out;
    lowerer.open_scope(None, ScopeKind::Module);
    lowerer.module_body(suite);
    let sites = std::mem::take(&mut lowerer.left_sites);
    let met = sites.len() == left_out.len() && lowerer.functions.len() < MAX_OUTER as usize;
    met.then(|| (lowerer.finish(true), sites))
}

/// Lowers a body that was left out. `None` if the definition is not a function.
pub(super) fn left_out(
    text: &str,
    def: &ast::Stmt,
    symbols: &SymbolTable,
    at: &LeftSite,
) -> Option<Content> {
    let mut lowerer = Lowerer::new(text, symbols);
    lowerer.first = at.idx.0;
    lowerer.inside = true;
    lowerer.left_out_body(def, at)?;
    let mut functions = lowerer.functions.into_iter().flatten();
    let whole = functions.next()?.body.into_content();
    let nested: Vec<Function> = functions.collect();
    let fits = lowerer.classes.is_empty() && nested.len() < MAX_NESTED as usize;
    fits.then_some(Content {
        nested,
        scopes: lowerer.scopes,
        ..whole
    })
}

/// The position of a function whose body was left out.
#[derive(Debug)]
pub(super) struct LeftSite {
    pub(super) idx: FuncIdx,
    /// The scope that its name is bound in.
    pub(super) parent: ScopeIdx,
    pub(super) name_span: Span,
    pub(super) params: Vec<Name>,
    name: Name,
    class: Option<ClassIdx>,
    lexical: Option<ClassIdx>,
    prefix: Name,
}

/// What has been lowered of a module. A slot is `None` while its function or class is being
/// lowered, because it gets its index before what is nested in it.
pub(super) struct Lowerer<'a> {
    text: &'a str,
    symbols: &'a SymbolTable,
    functions: Vec<Option<Function>>,
    classes: Vec<Option<Class>>,
    scopes: Vec<NameScope>,
    attribute_stores: Vec<(Vec<Name>, Name, StaticExpr)>,
    /// The index of the first function, and the distance between indices.
    first: u32,
    step: u32,
    /// Whether this lowers a body that was left out.
    inside: bool,
    /// The starts of the functions whose bodies are to be left out, in order.
    left_out: &'a [u32],
    /// Those of them that were found, in order.
    left_sites: Vec<LeftSite>,
}

/// The surroundings of a definition.
#[derive(Clone, Debug)]
pub(super) struct Site {
    /// The scope that its name is bound in.
    scope: ScopeIdx,
    /// The class whose body directly contains it.
    class: Option<ClassIdx>,
    /// The innermost class around it.
    lexical: Option<ClassIdx>,
    /// The innermost function around it.
    function: Option<FuncIdx>,
    /// The prefix of its qualified name.
    prefix: Name,
}

/// The conditions under which a binding is executed.
#[derive(Clone, Copy, Default, Debug)]
struct Conditions {
    conditional: bool,
    type_checking: bool,
}

impl Conditions {
    fn inside(self) -> Self {
        Self {
            conditional: true,
            ..self
        }
    }
}

impl<'a> Lowerer<'a> {
    fn new(text: &'a str, symbols: &'a SymbolTable) -> Self {
        Self {
            text,
            symbols,
            functions: Vec::new(),
            classes: Vec::new(),
            scopes: Vec::new(),
            attribute_stores: Vec::new(),
            first: 0,
            step: 1,
            inside: false,
            left_out: &[],
            left_sites: Vec::new(),
        }
    }

    fn finish(mut self, partial: bool) -> Module {
        // Modules live as long as the run, so unused capacity is released.
        let mut functions: Vec<Function> = self.functions.into_iter().flatten().collect();
        functions.shrink_to_fit();
        self.scopes.shrink_to_fit();
        let mut module = Module::new(
            functions,
            partial,
            self.classes.into_iter().flatten().collect(),
            self.scopes,
            self.attribute_stores,
        );
        module.properties.clone_from(self.symbols.properties());
        module
    }
}

impl Lowerer<'_> {
    fn open_scope(&mut self, parent: Option<ScopeIdx>, kind: ScopeKind) -> ScopeIdx {
        let idx = match kind {
            ScopeKind::Function(function) if self.inside => ScopeIdx::of_left_out(function),
            _ => ScopeIdx(index(self.scopes.len())),
        };
        self.scopes.push(NameScope::new(parent, kind));
        idx
    }

    fn scope_mut(&mut self, scope: ScopeIdx) -> &mut NameScope {
        let at = match scope.left_out() {
            // Inside a body, every function opens one scope, and nothing else does.
            Some(function) => self.slot(function),
            None => scope.0 as usize,
        };
        &mut self.scopes[at]
    }

    /// Reserves the index of another function.
    fn reserve(&mut self) -> FuncIdx {
        let idx = FuncIdx(self.first + index(self.functions.len()) * self.step);
        self.functions.push(None);
        idx
    }

    /// The position of a function in `functions`.
    fn slot(&self, function: FuncIdx) -> usize {
        ((function.0 - self.first) / self.step) as usize
    }

    fn bind(
        &mut self,
        scope: ScopeIdx,
        name: &str,
        binding: Binding,
        conditions: Conditions,
        span: Span,
    ) {
        let bindings = &mut self.scope_mut(scope).bindings;
        bindings
            .entry(Name::new(name))
            // Most names are bound once.
            .or_insert_with(|| Vec::with_capacity(1))
            .push(BindingSite {
                binding,
                conditional: conditions.conditional,
                type_checking: conditions.type_checking,
                span,
            });
    }

    /// The span of the `name` that follows the keywords of a `def` or `class` header at `start`.
    fn header_name_span(&self, start: u32, keywords: &[&str], name: &str) -> Span {
        let bytes = self.text.as_bytes();
        let mut at = start as usize;
        for word in keywords {
            at = skip_blank(bytes, at);
            if bytes[at.min(bytes.len())..].starts_with(word.as_bytes()) {
                at += word.len();
            }
        }
        at = skip_blank(bytes, at);
        let begin = index(at);
        Span::new(begin, begin + index(name.len()))
    }

    /// The start of a definition including its decorators: the `@` of the first one.
    fn definition_start(&self, decorators: &[ast::Expr], start: u32) -> u32 {
        let Some(first) = decorators.first() else {
            return start;
        };
        let before = crate::frontend::python::parse::span(first).start;
        let at = self
            .text
            .get(..before as usize)
            .and_then(|text| text.rfind('@'));
        at.map_or(start, index)
    }
}

/// Skips white space and line joins.
fn skip_blank(bytes: &[u8], mut at: usize) -> usize {
    while matches!(
        bytes.get(at),
        Some(b' ' | b'\t' | b'\x0c' | b'\\' | b'\n' | b'\r')
    ) {
        at += 1;
    }
    at
}

/// Whether the test is true only for type checkers.
fn is_type_checking(test: &ast::Expr) -> bool {
    match test {
        ast::Expr::Name(e) => e.id.as_str() == "TYPE_CHECKING",
        ast::Expr::Attribute(e) => e.attr.as_str() == "TYPE_CHECKING" && e.value.is_name_expr(),
        _ => false,
    }
}
