//! Python's binding analysis: which variable each name refers to.
//!
//! Comprehensions that are lowered inline have a scope of their own but belong to the function
//! around them. A variable that a function shares with nested functions is *captured*: it is stored
//! in the function's cells instead of a local.

mod visit;

use rustc_hash::{FxHashMap, FxHashSet};
use rustpython_parser::ast::Stmt;

use crate::ir::Name;
use crate::order::Order as _;

/// Index of a scope in the [`SymbolTable`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(super) struct SymId(u32);

/// The scope of the module.
pub(super) const MODULE: SymId = SymId(0);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Module,
    Class,
    Function,
    /// A generator expression, lowered as a function of its own. `:=` in it binds outside of it.
    Generator,
    /// A comprehension that is lowered inline.
    Comprehension,
}

#[derive(Debug)]
struct Symbols {
    parent: Option<SymId>,
    kind: Kind,
    bound: FxHashSet<Name>,
    used: FxHashSet<Name>,
    globals: FxHashSet<Name>,
    nonlocals: FxHashSet<Name>,
    named: FxHashSet<Name>,
    captured: FxHashSet<Name>,
    /// Names that are bound by more than the parameter list.
    rebound: FxHashSet<Name>,
    yields: bool,
    needs_cells: bool,
    needs_outer: bool,
    first_param: Option<Name>,
    /// In a function, its number of comprehensions so far; in a comprehension, its own number.
    comprehensions: u32,
}

/// What a name refers to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Resolved {
    /// A module-level or builtin name.
    Global,
    /// A variable of this scope.
    Variable(SymId),
}

/// The scopes of a module.
#[derive(Debug, Default)]
pub(super) struct SymbolTable {
    scopes: Vec<Symbols>,
    /// By the address of the syntax node, which is stable while the tree is borrowed.
    by_node: FxHashMap<usize, SymId>,
    /// Names that functions bind in the module with `global`.
    global_stores: FxHashSet<Name>,
    /// Names of the properties of all classes. Loading such an attribute may run code.
    properties: FxHashSet<Name>,
}

fn address<T>(node: &T) -> usize {
    std::ptr::from_ref(node).addr()
}

impl SymbolTable {
    /// Analyses a module.
    pub(super) fn build(suite: &[Stmt]) -> Self {
        let mut table = Self::default();
        table.open(None, Kind::Module);
        table.suite(suite, MODULE);
        table.link();
        table
    }

    /// Analyses a part of a module with these properties. `super_is_bound`: the module binds the
    /// name `super`.
    pub(super) fn build_part(
        suite: &[Stmt],
        super_is_bound: bool,
        properties: &FxHashSet<Name>,
    ) -> Self {
        let mut table = Self::build(suite);
        table.properties.extend(properties.iter().cloned());
        table.global_stores.clear();
        let bound = &mut table.get_mut(MODULE).bound;
        bound.clear();
        if super_is_bound {
            bound.insert(Name::new("super"));
        }
        table
    }

    /// The names of the properties.
    pub(super) fn properties(&self) -> &FxHashSet<Name> {
        &self.properties
    }

    /// The scope that a node opens. Every function, lambda, class and comprehension opens one.
    pub(super) fn of<T>(&self, node: &T) -> SymId {
        self.by_node.get(&address(node)).copied().unwrap_or(MODULE)
    }

    /// What `name` refers to in `scope`.
    pub(super) fn resolve(&self, scope: SymId, name: &str) -> Resolved {
        let mut current = scope;
        loop {
            let symbols = self.get(current);
            if symbols.globals.contains(name) {
                return Resolved::Global;
            }
            let owns = match symbols.kind {
                Kind::Module => return Resolved::Global,
                Kind::Class => false,
                _ => symbols.bound.contains(name) && !symbols.nonlocals.contains(name),
            };
            if owns {
                return if self.function_of(current).is_some() {
                    Resolved::Variable(current)
                } else {
                    Resolved::Global
                };
            }
            match symbols.parent {
                Some(parent) => current = parent,
                None => return Resolved::Global,
            }
        }
    }

    /// The function that runs the code of this scope; `None` for the module and for class bodies.
    pub(super) fn function_of(&self, scope: SymId) -> Option<SymId> {
        let mut current = scope;
        loop {
            let symbols = self.get(current);
            match symbols.kind {
                Kind::Function | Kind::Generator => return Some(current),
                Kind::Comprehension => current = symbols.parent?,
                Kind::Module | Kind::Class => return None,
            }
        }
    }

    /// The function around this function, ignoring classes in between.
    pub(super) fn outer_function(&self, function: SymId) -> Option<SymId> {
        let mut current = self.get(function).parent?;
        loop {
            let symbols = self.get(current);
            match symbols.kind {
                Kind::Function | Kind::Generator => return Some(current),
                _ => current = symbols.parent?,
            }
        }
    }

    /// Whether functions nested in the owner's function use the variable.
    pub(super) fn is_captured(&self, owner: SymId, name: &str) -> bool {
        self.get(owner).captured.contains(name)
    }

    /// Whether the variable is a parameter that is never bound again.
    pub(super) fn is_constant_param(&self, owner: SymId, name: &str) -> bool {
        !self.get(owner).rebound.contains(name)
    }

    /// The field of the cells that holds a captured variable. Variables of comprehensions get
    /// unique names, because they may hide a captured variable of the function.
    pub(super) fn cell_field(&self, owner: SymId, name: &str) -> Name {
        match self.get(owner).kind {
            Kind::Comprehension => {
                let number = self.get(owner).comprehensions;
                Name::from(format!("{name}#{number}"))
            }
            _ => Name::new(name),
        }
    }

    /// Whether calls of the function have cells.
    pub(super) fn needs_cells(&self, function: SymId) -> bool {
        self.get(function).needs_cells
    }

    /// Whether the function accesses the cells of functions around it.
    pub(super) fn needs_outer(&self, function: SymId) -> bool {
        self.get(function).needs_outer
    }

    /// Whether the function contains `yield`.
    pub(super) fn yields(&self, function: SymId) -> bool {
        self.get(function).yields
    }

    /// Whether `:=` binds the name somewhere in the function.
    pub(super) fn is_named(&self, function: SymId, name: &str) -> bool {
        self.get(function).named.contains(name)
    }

    /// Whether the module itself binds the name.
    pub(super) fn module_binds(&self, name: &str) -> bool {
        self.get(MODULE).bound.contains(name) || self.global_stores.contains(name)
    }

    /// The module-level names that functions bind with `global`, sorted.
    pub(super) fn global_stores(&self) -> Vec<Name> {
        let mut names: Vec<Name> = self.global_stores.iter().cloned().collect();
        names.order();
        names
    }

    /// The first parameter of the function, or of the nearest function around it that has one: the
    /// receiver of `super()` without arguments.
    pub(super) fn receiver(&self, function: SymId) -> Option<Name> {
        let mut current = Some(function);
        while let Some(id) = current {
            if let Some(name) = &self.get(id).first_param {
                return Some(name.clone());
            }
            current = self.outer_function(id);
        }
        None
    }

    fn get(&self, id: SymId) -> &Symbols {
        &self.scopes[id.0 as usize]
    }

    fn get_mut(&mut self, id: SymId) -> &mut Symbols {
        &mut self.scopes[id.0 as usize]
    }

    fn open(&mut self, parent: Option<SymId>, kind: Kind) -> SymId {
        let id = SymId(u32::try_from(self.scopes.len()).unwrap_or(u32::MAX));
        self.scopes.push(Symbols {
            parent,
            kind,
            bound: FxHashSet::default(),
            used: FxHashSet::default(),
            globals: FxHashSet::default(),
            nonlocals: FxHashSet::default(),
            named: FxHashSet::default(),
            captured: FxHashSet::default(),
            rebound: FxHashSet::default(),
            yields: false,
            needs_cells: false,
            needs_outer: false,
            first_param: None,
            comprehensions: 0,
        });
        if kind == Kind::Comprehension
            && let Some(function) = self.function_of(id)
        {
            let count = &mut self.get_mut(function).comprehensions;
            *count += 1;
            let count = *count;
            self.get_mut(id).comprehensions = count;
        }
        id
    }

    fn open_for<T>(&mut self, node: &T, parent: SymId, kind: Kind) -> SymId {
        let id = self.open(Some(parent), kind);
        self.by_node.insert(address(node), id);
        id
    }

    fn bind(&mut self, name: &str, scope: SymId) {
        let symbols = self.get_mut(scope);
        symbols.bound.insert(Name::new(name));
        symbols.rebound.insert(Name::new(name));
    }

    fn bind_param(&mut self, name: &str, scope: SymId) {
        self.get_mut(scope).bound.insert(Name::new(name));
    }

    fn use_(&mut self, name: &str, scope: SymId) {
        self.get_mut(scope).used.insert(Name::new(name));
    }

    /// Marks captured variables and the functions that need cells.
    fn link(&mut self) {
        for index in 0..self.scopes.len() {
            let scope = SymId(u32::try_from(index).unwrap_or(u32::MAX));
            for name in &self.scopes[index].globals {
                if self.scopes[index].bound.contains(name) && scope != MODULE {
                    self.global_stores.insert(name.clone());
                }
            }
            let Some(function) = self.function_of(scope) else {
                continue;
            };
            let symbols = &self.scopes[index];
            let names: Vec<Name> = symbols
                .used
                .iter()
                .chain(&symbols.nonlocals)
                .cloned()
                .collect();
            for name in names {
                let Resolved::Variable(owner) = self.resolve(scope, &name) else {
                    continue;
                };
                let Some(owner_function) = self.function_of(owner) else {
                    continue;
                };
                if self.scopes[index].nonlocals.contains(&name) {
                    self.get_mut(owner).rebound.insert(name.clone());
                }
                if owner_function != function {
                    self.get_mut(owner).captured.insert(name);
                    self.link_cells(function, owner_function);
                }
            }
        }
    }

    fn link_cells(&mut self, from: SymId, to: SymId) {
        let mut current = from;
        while current != to {
            self.get_mut(current).needs_outer = true;
            let Some(outer) = self.outer_function(current) else {
                return;
            };
            self.get_mut(outer).needs_cells = true;
            current = outer;
        }
    }
}
