//! Lowering of syntax trees to the intermediate representation.
//!
//! [`Lowerer`] collects the functions, classes and scopes of one module; `item` walks module and
//! class bodies; [`function::FunctionLowerer`] builds one control-flow graph, its methods spread
//! over files by what they lower.

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
    Binding, BindingSite, Class, ClassIdx, FuncIdx, Function, Module, Name, Scope, ScopeIdx,
    ScopeKind, StaticExpr,
};
use crate::source::Span;

/// Lowers a module.
pub(super) fn module(text: &str, suite: &[ast::Stmt], symbols: &SymbolTable) -> Module {
    let mut lowerer = Lowerer {
        text,
        symbols,
        functions: Vec::new(),
        classes: Vec::new(),
        scopes: Vec::new(),
        attribute_stores: Vec::new(),
    };
    lowerer.open_scope(None, ScopeKind::Module);
    lowerer.module_body(suite);
    Module {
        functions: lowerer.functions.into_iter().flatten().collect(),
        classes: lowerer.classes.into_iter().flatten().collect(),
        scopes: lowerer.scopes,
        attribute_stores: lowerer.attribute_stores,
    }
}

/// What has been lowered of a module. A slot is `None` while its function or class is in work;
/// indices are handed out before the nested ones.
pub(super) struct Lowerer<'a> {
    text: &'a str,
    symbols: &'a SymbolTable,
    functions: Vec<Option<Function>>,
    classes: Vec<Option<Class>>,
    scopes: Vec<Scope>,
    attribute_stores: Vec<(Vec<Name>, Name, StaticExpr)>,
}

/// Where a definition stands.
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
    /// What its qualified name starts with.
    prefix: Name,
}

/// Under which conditions a binding takes place.
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

impl Lowerer<'_> {
    fn open_scope(&mut self, parent: Option<ScopeIdx>, kind: ScopeKind) -> ScopeIdx {
        let index = ScopeIdx(index(self.scopes.len()));
        self.scopes.push(Scope {
            parent,
            kind,
            bindings: std::collections::BTreeMap::new(),
            star_imports: Vec::new(),
            globs: Vec::new(),
        });
        index
    }

    fn bind(
        &mut self,
        scope: ScopeIdx,
        name: &str,
        binding: Binding,
        conditions: Conditions,
        span: Span,
    ) {
        let bindings = &mut self.scopes[scope.0 as usize].bindings;
        bindings
            .entry(Name::new(name))
            .or_default()
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

    /// The start of a definition, its decorators included: the `@` before the first decorator.
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

/// Skips white space and joined lines.
fn skip_blank(bytes: &[u8], mut at: usize) -> usize {
    while matches!(
        bytes.get(at),
        Some(b' ' | b'\t' | b'\x0c' | b'\\' | b'\n' | b'\r')
    ) {
        at += 1;
    }
    at
}

/// Whether the test says "only for type checkers".
fn is_type_checking(test: &ast::Expr) -> bool {
    match test {
        ast::Expr::Name(e) => e.id.as_str() == "TYPE_CHECKING",
        ast::Expr::Attribute(e) => e.attr.as_str() == "TYPE_CHECKING" && e.value.is_name_expr(),
        _ => false,
    }
}
