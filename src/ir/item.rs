//! Modules, scopes, classes and functions.

use std::collections::BTreeMap;

use rustc_hash::FxHashSet;

use crate::ir::body::LocalId;
use crate::ir::code::Code;
use crate::ir::index::Index;
use crate::ir::rvalue::{BinOp, Literal, Name};
use crate::source::Span;

/// Index of a function in its [`Module`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct FuncIdx(pub u32);

/// Index of a class in its [`Module`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct ClassIdx(pub u32);

/// Index of a scope in its [`Module`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct ScopeIdx(pub u32);

impl ScopeIdx {
    /// The scope of the module itself.
    pub const MODULE: ScopeIdx = ScopeIdx(0);

    /// This bit marks the index of a scope inside a body that was left out; the rest of the index
    /// is that of the function.
    const LEFT_OUT: u32 = 1 << 31;

    /// The scope of a function whose body was left out, or that is nested in such a body.
    #[must_use]
    pub fn of_left_out(function: FuncIdx) -> Self {
        Self(function.0 | Self::LEFT_OUT)
    }

    /// The function of this scope, if its body was left out or it is nested in such a body.
    #[must_use]
    pub fn left_out(self) -> Option<FuncIdx> {
        (self.0 & Self::LEFT_OUT != 0).then_some(FuncIdx(self.0 & !Self::LEFT_OUT))
    }
}

/// The limit for the number of functions nested in a body that was left out.
pub const MAX_NESTED: u32 = 1 << 12;

/// The limit for the number of functions outside such bodies, in a module that has some.
pub const MAX_OUTER: u32 = ScopeIdx::LEFT_OUT / MAX_NESTED;

/// One lowered source file.
#[derive(Clone, Debug, Default)]
pub struct Module {
    /// Every function except those nested in bodies that were left out: top-level functions,
    /// methods, nested functions, lambdas, generator expressions.
    functions: Vec<Function>,
    /// Whether any body was left out. If so, [`MAX_NESTED`] indices are reserved for each of
    /// `functions` and what is nested in it.
    partial: bool,
    /// Every class, including nested ones.
    pub classes: Vec<Class>,
    /// Every scope except those inside bodies that were left out. The first is the module's.
    scopes: Vec<NameScope>,
    /// Attribute stores at module level such as `P.save_data = patched`: path of the target,
    /// attribute, value.
    pub attribute_stores: Vec<(Vec<Name>, Name, StaticExpr)>,
    /// Names of the properties of its classes. Loading an attribute with such a name can raise
    /// whatever a getter raises.
    pub properties: FxHashSet<Name>,
    index: Index,
}

/// Whether a decorator of this name turns a method into a property.
#[must_use]
pub fn makes_property(decorator: &str) -> bool {
    matches!(decorator, "property" | "cached_property")
}

impl Module {
    /// A module from its parts. `partial`: some bodies were left out, and the indices of functions
    /// are multiples of [`MAX_NESTED`].
    #[must_use]
    pub fn new(
        functions: Vec<Function>,
        partial: bool,
        classes: Vec<Class>,
        scopes: Vec<NameScope>,
        attribute_stores: Vec<(Vec<Name>, Name, StaticExpr)>,
    ) -> Self {
        Self {
            functions,
            partial,
            classes,
            scopes,
            attribute_stores,
            properties: FxHashSet::default(),
            index: Index::default(),
        }
    }

    /// The function with this index.
    #[must_use]
    pub fn function(&self, idx: FuncIdx) -> &Function {
        if !self.partial {
            return &self.functions[idx.0 as usize];
        }
        let outermost = &self.functions[(idx.0 / MAX_NESTED) as usize];
        match idx.0 % MAX_NESTED {
            0 => outermost,
            nested => &outermost.body.content().nested[nested as usize - 1],
        }
    }

    /// The function with this index, which must not be nested in a body that was left out.
    pub(crate) fn function_mut(&mut self, idx: FuncIdx) -> &mut Function {
        self.index = Index::default();
        let step = if self.partial { MAX_NESTED } else { 1 };
        &mut self.functions[(idx.0 / step) as usize]
    }

    /// Forgets what bodies that were left out were lowered to, and returns the syntax errors in
    /// them. They are lowered again on their next use.
    pub(crate) fn forget_bodies(&mut self) -> Vec<(String, u32)> {
        let functions = self.functions.iter_mut();
        functions.filter_map(|f| f.body.forget()).collect()
    }

    /// The functions with their indices, except those nested in bodies that were left out. This
    /// lowers nothing.
    pub fn outer_functions(&self) -> impl Iterator<Item = (FuncIdx, &Function)> {
        let step = if self.partial { MAX_NESTED } else { 1 };
        let indices = (0..).map(move |at: u32| FuncIdx(at * step));
        indices.zip(&self.functions)
    }

    /// Those of [`outer_functions`](Self::outer_functions) at some positions.
    fn outer_at(
        &self,
        positions: impl Iterator<Item = u32>,
    ) -> impl Iterator<Item = (FuncIdx, &Function)> {
        let step = if self.partial { MAX_NESTED } else { 1 };
        positions.map(move |at| (FuncIdx(at * step), &self.functions[at as usize]))
    }

    /// The functions directly in the body of a class. This lowers nothing.
    pub fn functions_of(&self, class: ClassIdx) -> impl Iterator<Item = (FuncIdx, &Function)> {
        // A body that was left out contains no methods.
        let own = self.index.of_class(&self.functions, class);
        self.outer_at(own.iter().copied())
    }

    /// Those of [`outer_functions`](Self::outer_functions) that may mention a word. This lowers nothing.
    pub fn mentioning(&self, word: &str) -> impl Iterator<Item = (FuncIdx, &Function)> {
        let found = self.index.mentioning(&self.functions, word);
        self.outer_at(found.into_iter())
    }

    /// Every function with its index. This lowers every body.
    pub fn functions(&self) -> impl Iterator<Item = (FuncIdx, &Function)> {
        self.outer_functions()
            .flat_map(|(idx, _)| self.with_left_out(idx))
    }

    /// A function, and those nested in its body if that was left out. This lowers the body.
    pub fn with_left_out(&self, idx: FuncIdx) -> impl Iterator<Item = (FuncIdx, &Function)> {
        [(idx, self.function(idx))]
            .into_iter()
            .chain(self.left_out_in(idx))
    }

    /// The functions directly inside this one. This lowers its body.
    pub fn functions_in(&self, outer: FuncIdx) -> impl Iterator<Item = (FuncIdx, &Function)> {
        let first = if self.partial {
            FuncIdx(outer.0 / MAX_NESTED * MAX_NESTED)
        } else {
            outer
        };
        let left_out = self.function(first).body.was_left_out();
        let inside = left_out.then(|| self.left_out_in(first));
        let beside = (!left_out).then(|| {
            let inside = self.index.inside(&self.functions, outer);
            self.outer_at(inside.iter().copied())
        });
        let all = inside
            .into_iter()
            .flatten()
            .chain(beside.into_iter().flatten());
        all.filter(move |(_, function)| function.outer == Some(outer))
    }

    /// The functions nested in the body of this one, if that was left out.
    pub fn left_out_in(&self, idx: FuncIdx) -> impl Iterator<Item = (FuncIdx, &Function)> {
        let function = self.function(idx);
        let nested = if function.body.was_left_out() {
            function.body.content().nested.as_slice()
        } else {
            &[]
        };
        (idx.0 + 1..).map(FuncIdx).zip(nested)
    }

    /// The class with this index.
    #[must_use]
    pub fn class(&self, idx: ClassIdx) -> &Class {
        &self.classes[idx.0 as usize]
    }

    /// The scope with this index.
    #[must_use]
    pub fn scope(&self, idx: ScopeIdx) -> &NameScope {
        let Some(function) = idx.left_out() else {
            return &self.scopes[idx.0 as usize];
        };
        let outermost = &self.functions[(function.0 / MAX_NESTED) as usize];
        &outermost.body.content().scopes[(function.0 % MAX_NESTED) as usize]
    }
}

/// The names bound in a module, class body or function.
#[derive(Clone, Debug)]
pub struct NameScope {
    /// The lexically enclosing scope.
    pub parent: Option<ScopeIdx>,
    /// Whose scope it is.
    pub kind: ScopeKind,
    /// Every binding of each name, in source order.
    pub bindings: BTreeMap<Name, Vec<BindingSite>>,
    /// Modules that are imported with a star, in source order.
    pub star_imports: Vec<ImportPath>,
    /// Paths of modules and classes whose names are all visible here, in source order.
    pub globs: Vec<Vec<Name>>,
}

impl NameScope {
    /// A scope without names.
    #[must_use]
    pub fn new(parent: Option<ScopeIdx>, kind: ScopeKind) -> Self {
        Self {
            parent,
            kind,
            bindings: BTreeMap::new(),
            star_imports: Vec::new(),
            globs: Vec::new(),
        }
    }
}

/// What a scope belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ScopeKind {
    /// The module.
    Module,
    /// A class body.
    Class(ClassIdx),
    /// A block of definitions inside a file. Nested scopes see its names.
    Namespace,
    /// A function. Only imports, classes and functions bound in it are recorded; its variables are
    /// locals of the body.
    Function(FuncIdx),
}

/// A place that binds a name.
#[derive(Clone, Debug)]
pub struct BindingSite {
    /// What is bound.
    pub binding: Binding,
    /// Whether it is under an `if`, `try`, loop or `with`, so that other bindings of the name can
    /// apply, too.
    pub conditional: bool,
    /// Whether it is under `if TYPE_CHECKING:`, so that it is never executed.
    pub type_checking: bool,
    /// Where the binding is.
    pub span: Span,
}

/// What a name is bound to.
#[derive(Clone, Debug)]
pub enum Binding {
    /// `def`
    Function(FuncIdx),
    /// `class`
    Class(ClassIdx),
    /// `import` or `from … import`
    Import(ImportPath),
    /// `name = expression`
    Value(StaticExpr),
    /// `name: annotation`, without a value.
    Declared(StaticExpr),
    /// A block of definitions inside this file.
    Namespace(ScopeIdx),
    /// A module whose position is relative to this file.
    Relative(Relative),
    /// Anything else: loop variable, `with … as`, augmented assignment, `del`, unpacking.
    Opaque,
}

/// A module, by its position relative to the file that names it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Relative {
    /// The file itself.
    This,
    /// The module that the file is declared in.
    Parent,
    /// The root of the module tree of the file.
    Root,
    /// The module of this name below the file, inside these nested blocks.
    Child(Vec<Name>),
    /// The file at this path, relative to the folder of the file.
    File(Name),
}

/// A module, or a name inside one.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct ImportPath {
    /// Number of leading dots.
    pub level: u32,
    /// The dotted module path, without the dots of `level`.
    pub module: Vec<Name>,
    /// `from module import name`; `None` binds the module itself.
    pub name: Option<Name>,
}

/// A class.
#[derive(Clone, Debug)]
pub struct Class {
    /// Its name.
    pub name: Name,
    /// `Outer.Inner`, or `function.<locals>.Inner`.
    pub qualname: Name,
    /// From the first decorator or `class` to the end of the body.
    pub span: Span,
    /// The name in the header.
    pub name_span: Span,
    /// The bases in order.
    pub bases: Vec<StaticExpr>,
    /// `metaclass=…` and other keywords.
    pub keywords: Vec<(Name, StaticExpr)>,
    /// Decorators, outermost first.
    pub decorators: Vec<StaticExpr>,
    /// The scope of its body: methods and class attributes are its bindings.
    pub scope: ScopeIdx,
    /// The scope that the header is evaluated in.
    pub parent: ScopeIdx,
    /// What its instances consist of.
    pub nature: Nature,
}

/// What the instances of a class consist of.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Nature {
    /// Attributes: fields and methods alike. Any code can add some.
    #[default]
    Open,
    /// Fields, separate from methods.
    Record {
        /// Whether the declared fields are all there are.
        complete: bool,
    },
    /// Nothing: it declares methods that other classes implement.
    Interface,
}

/// Whether a method fulfils what another definition demands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Overrides {
    /// If a class before it in the method resolution order defines the name.
    #[default]
    ByName,
    /// Always: it is written as the implementation of an interface.
    Always,
    /// In classes that inherit it: it is a default method of an interface.
    WhenInherited,
    /// Never: the language does not allow it.
    Never,
}

/// A function, method, lambda or generator expression.
#[derive(Clone, Debug)]
pub struct Function {
    /// Its name; `<lambda>` or `<genexpr>` if it has none.
    pub name: Name,
    /// `Class.method`, `outer.<locals>.inner`.
    pub qualname: Name,
    /// From the first decorator or `def` to the end of the body.
    pub span: Span,
    /// The name in the header, or the whole expression of a lambda.
    pub name_span: Span,
    /// The class whose body directly contains it.
    pub class: Option<ClassIdx>,
    /// The function it is nested in.
    pub outer: Option<FuncIdx>,
    /// Its own scope.
    pub scope: ScopeIdx,
    /// Parameters, in the order: positional-only, positional, `*args`, keyword-only, `**kwargs`.
    /// The i-th parameter is the i-th local.
    pub params: Vec<Param>,
    /// The annotation of what it returns, where only an annotation says so and nothing enforces it.
    pub returns: Option<Box<StaticExpr>>,
    /// Decorators, outermost first.
    pub decorators: Vec<StaticExpr>,
    /// The dotted paths of what is attached to it without wrapping it: the attributes of Rust.
    pub marks: Vec<Name>,
    /// Whether it fulfils what another definition demands.
    pub overrides: Overrides,
    /// `async def`
    pub is_async: bool,
    /// Contains `yield`.
    pub is_generator: bool,
    /// Whether the body is only a docstring, `...`, `pass` or `raise NotImplementedError`.
    pub shape: FunctionShape,
    /// The local with the cells of the enclosing call, in a nested function that uses them.
    pub outer_cells: Option<LocalId>,
    /// The control-flow graph. If it was left out, it is lowered on first use.
    pub body: Code,
}

impl Function {
    /// Whether it has a decorator whose name passes a test. The name is the last part of the path,
    /// without arguments.
    pub fn is_decorated(&self, test: impl Fn(&str) -> bool) -> bool {
        let mut names = self.decorators.iter().filter_map(StaticExpr::called_name);
        names.any(|name| test(name))
    }

    /// Whether a decorator makes a property of it.
    #[must_use]
    pub fn is_property(&self) -> bool {
        self.is_decorated(makes_property)
    }

    /// Whether it gets its receiver as its first argument, if it is a method.
    #[must_use]
    pub fn is_bound(&self) -> bool {
        !self.params.is_empty()
            && !self.is_decorated(|n| matches!(n, "staticmethod" | "classmethod"))
    }

    /// The local with the cells of this call, if nested functions share variables.
    #[must_use]
    pub fn cells(&self) -> Option<LocalId> {
        self.body.content().cells
    }
}

/// What the body of a function consists of, apart from its docstring.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FunctionShape {
    /// Nothing, `...` or only a docstring.
    Empty,
    /// Only `pass`.
    Pass,
    /// Only `raise NotImplementedError`, called or not.
    NotImplemented,
    /// Anything else.
    Code,
}

/// A parameter.
#[derive(Clone, Debug)]
pub struct Param {
    /// Its name.
    pub name: Name,
    /// How arguments reach it.
    pub kind: ParamKind,
    /// The default value.
    pub default: Option<StaticExpr>,
    /// The annotation.
    pub annotation: Option<StaticExpr>,
}

/// How arguments reach a parameter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ParamKind {
    /// Before `/`.
    PositionalOnly,
    /// The ordinary kind.
    Positional,
    /// `*args`
    Star,
    /// After `*`.
    KeywordOnly,
    /// `**kwargs`
    DoubleStar,
}

/// An expression that is kept as a tree because it is examined without being executed: bases,
/// decorators, annotations, defaults, module-level and class-level values.
#[derive(Clone, Debug)]
pub struct StaticExpr {
    /// The expression.
    pub kind: StaticExprKind,
    /// Its span.
    pub span: Span,
}

impl StaticExpr {
    /// The last part of a path, or of the path that a call calls: the name of a decorator, without
    /// arguments.
    #[must_use]
    pub fn called_name(&self) -> Option<&Name> {
        let callee = match &self.kind {
            StaticExprKind::Call(callee, _, _) => callee,
            _ => self,
        };
        match &callee.kind {
            StaticExprKind::Path(path) => path.last(),
            _ => None,
        }
    }

    /// Whether this annotation says that instances share the value: `Final` or `ClassVar`, with or
    /// without a type.
    #[must_use]
    pub fn is_promise(&self) -> bool {
        match &self.kind {
            StaticExprKind::Path(path) => {
                matches!(path.last(), Some(n) if n == "Final" || n == "ClassVar")
            }
            StaticExprKind::Subscript(base, _) => base.is_promise(),
            _ => false,
        }
    }
}

/// The kinds of static expressions.
#[derive(Clone, Debug)]
pub enum StaticExprKind {
    /// A literal.
    Literal(Literal),
    /// A dotted path `a.b.c`.
    Path(Vec<Name>),
    /// A call: callee, positional arguments, keyword arguments.
    Call(Box<StaticExpr>, Vec<StaticExpr>, Vec<(Name, StaticExpr)>),
    /// `a[b]`
    Subscript(Box<StaticExpr>, Box<StaticExpr>),
    /// `a op b`
    Binary(BinOp, Box<StaticExpr>, Box<StaticExpr>),
    /// A formatted string.
    Format(Vec<StaticExpr>),
    /// A list display.
    List(Vec<StaticExpr>),
    /// A tuple display.
    Tuple(Vec<StaticExpr>),
    /// A set display.
    Set(Vec<StaticExpr>),
    /// A dict display without spreads.
    Dict(Vec<(StaticExpr, StaticExpr)>),
    /// A lambda.
    Lambda(FuncIdx),
    /// Anything else.
    Opaque,
}
