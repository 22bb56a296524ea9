//! Lowers syntax trees to the intermediate representation.
//!
//! [`Lowerer`] collects the functions, classes and scopes of a file. `item` walks definitions.
//! [`function::FunctionLowerer`] builds a control-flow graph; its methods are in the files named
//! after what they lower.

mod assign;
mod call;
mod cond;
mod control;
mod emit;
mod expr;
mod format;
mod function;
mod idiom;
mod import;
mod item;
mod iterate;
mod macros;
mod operator;
mod pattern;
mod result;
mod vars;

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use crate::frontend::index;
use crate::ir::{
    Binding, BindingSite, Class, ClassIdx, FuncIdx, Function, Module, Name, NameScope, Relative,
    ScopeIdx, ScopeKind,
};
use crate::source::Span;

/// Lowers a file.
pub(super) fn module(file: &syn::File) -> Module {
    let mut lowerer = Lowerer {
        functions: Vec::new(),
        classes: Vec::new(),
        scopes: Vec::new(),
        types: FxHashMap::default(),
        macros: Vec::new(),
    };
    let scope = lowerer.open_scope(None, ScopeKind::Module);
    for (name, place) in [
        ("self", Relative::This),
        ("super", Relative::Parent),
        ("crate", Relative::Root),
    ] {
        lowerer.bind(
            scope,
            name,
            Binding::Relative(place),
            false,
            Span::default(),
        );
    }
    let site = Site {
        scope,
        class: None,
        function: None,
        prefix: Name::default(),
        blocks: Vec::new(),
    };
    lowerer.items(file.items.iter(), &site);
    Module::new(
        lowerer.functions.into_iter().flatten().collect(),
        false,
        lowerer.classes.into_iter().flatten().collect(),
        lowerer.scopes,
        Vec::new(),
    )
}

/// What has been lowered of a file. A slot is `None` while its function is being lowered, because
/// it gets its index before what is nested in it.
pub(super) struct Lowerer {
    functions: Vec<Option<Function>>,
    classes: Vec<Option<Class>>,
    scopes: Vec<NameScope>,
    /// The classes of this file, by the scope that declares them.
    types: FxHashMap<(ScopeIdx, Name), ClassIdx>,
    /// Names of the macros that the file defines.
    macros: Vec<Name>,
}

/// The surroundings of a definition.
#[derive(Clone, Debug)]
pub(super) struct Site {
    /// The scope that its name is bound in, and that names in it are looked up from.
    scope: ScopeIdx,
    /// The class that it is a member of.
    class: Option<ClassIdx>,
    /// The innermost function around it.
    function: Option<FuncIdx>,
    /// The prefix of its qualified name.
    prefix: Name,
    /// The inline modules around it, outermost first.
    blocks: Vec<Name>,
}

impl Lowerer {
    fn open_scope(&mut self, parent: Option<ScopeIdx>, kind: ScopeKind) -> ScopeIdx {
        let idx = ScopeIdx(index(self.scopes.len()));
        self.scopes.push(NameScope {
            parent,
            kind,
            bindings: BTreeMap::new(),
            star_imports: Vec::new(),
            globs: Vec::new(),
        });
        idx
    }

    fn bind(
        &mut self,
        scope: ScopeIdx,
        name: &str,
        binding: Binding,
        conditional: bool,
        span: Span,
    ) {
        let bindings = &mut self.scopes[scope.0 as usize].bindings;
        bindings
            .entry(Name::new(name))
            .or_default()
            .push(BindingSite {
                binding,
                conditional,
                type_checking: false,
                span,
            });
    }
}
