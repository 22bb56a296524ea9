//! Name resolution.

use std::sync::Arc;

use crate::ir::{
    Binding, BindingSite, ClassIdx, ImportPath, Name, ScopeIdx, ScopeKind, StaticExpr,
    StaticExprKind,
};
use crate::program::roots::Imported;
use crate::program::{ClassRef, FuncRef, LoadedModule, ModuleId, Program};

/// What a name means.
#[derive(Clone, Debug)]
pub enum Def {
    /// A function of the program.
    Func(FuncRef),
    /// A class of the program.
    Class(ClassRef),
    /// A module of the program.
    Module(ModuleId),
    /// A block of definitions inside a module.
    Namespace(ModuleId, ScopeIdx),
    /// A builtin, or a definition outside the program, by its dotted path.
    External(Name),
    /// A name that is bound once, to this expression, which is evaluated in this scope.
    Value(ModuleId, ScopeIdx, Arc<StaticExpr>),
    /// Not known.
    Unknown,
}

/// Longer chains of re-exports are not followed.
const MAX_HOPS: u32 = 24;

/// Globs are circular and branch, so one glob costs this many hops.
const GLOB_HOPS: u32 = 7;

impl Program<'_> {
    /// The meaning of a module-level or builtin name.
    #[must_use]
    pub fn resolve_global(&self, module: ModuleId, name: &str) -> Def {
        let m = self.module(module);
        self.resolve_name(&m, ScopeIdx::MODULE, name, 0)
    }

    /// The meaning of a dotted path as seen from a scope.
    #[must_use]
    pub fn resolve_path(&self, module: ModuleId, scope: ScopeIdx, path: &[Name]) -> Def {
        let m = self.module(module);
        let Some((first, rest)) = path.split_first() else {
            return Def::Unknown;
        };
        let mut def = self.resolve_name(&m, scope, first, 0);
        for name in rest {
            def = self.attribute(&def, name, 0);
        }
        def
    }

    /// The meaning of an expression that should name something: a path, possibly with a subscript
    /// as in `Base[T]`.
    #[must_use]
    pub fn resolve_expr(&self, module: ModuleId, scope: ScopeIdx, expr: &StaticExpr) -> Def {
        match &expr.kind {
            StaticExprKind::Path(path) => self.resolve_path(module, scope, path),
            StaticExprKind::Subscript(base, _) => self.resolve_expr(module, scope, base),
            _ => Def::Unknown,
        }
    }

    /// The meaning of an import.
    #[must_use]
    pub fn resolve_import(&self, module: ModuleId, import: &ImportPath) -> Def {
        let m = self.module(module);
        self.import(&m, import, 0)
    }

    fn resolve_name(&self, m: &LoadedModule, scope: ScopeIdx, name: &str, hops: u32) -> Def {
        if hops > MAX_HOPS {
            return Def::Unknown;
        }
        let mut at = Some(scope);
        let mut first = true;
        while let Some(idx) = at {
            let s = m.ir.scope(idx);
            // A class scope is visible only to the class's own header expressions, not to nested
            // scopes.
            let visible = first || !matches!(s.kind, ScopeKind::Class(_));
            if visible {
                if let Some(sites) = s.bindings.get(name) {
                    return self.binding(m, idx, name, sites, hops);
                }
                for star in s.star_imports.iter().rev() {
                    match self.star(m, star, name, hops + 1) {
                        Some(def) => return def,
                        None => continue,
                    }
                }
                if let Some(def) = self.globbed(m, idx, name, hops + 1) {
                    return def;
                }
            }
            first = false;
            at = s.parent;
        }
        if name == "__name__" || name == "__file__" {
            return Def::Unknown;
        }
        Def::External(name.into())
    }

    /// What `from x import *` binds to a name; `None` if it certainly binds nothing.
    fn star(&self, m: &LoadedModule, star: &ImportPath, name: &str, hops: u32) -> Option<Def> {
        match self.import(m, star, hops) {
            Def::Module(id) => {
                let other = self.module(id);
                let scope = other.ir.scope(ScopeIdx::MODULE);
                if name.starts_with('_') {
                    return None;
                }
                if scope.bindings.contains_key(name) || !scope.star_imports.is_empty() {
                    match self.resolve_name(&other, ScopeIdx::MODULE, name, hops + 1) {
                        Def::External(path) if path == name => None,
                        def => Some(def),
                    }
                } else {
                    None
                }
            }
            _ if is_builtin(name) => None,
            _ => Some(Def::Unknown),
        }
    }

    /// What the globs of a scope bind to a name. A glob from outside the program is taken to bind
    /// nothing.
    fn globbed(&self, m: &LoadedModule, scope: ScopeIdx, name: &str, hops: u32) -> Option<Def> {
        let hops = hops + GLOB_HOPS;
        if hops > MAX_HOPS || m.ir.scope(scope).globs.is_empty() {
            return None;
        }
        m.ir.scope(scope).globs.iter().rev().find_map(|path| {
            let (first, rest) = path.split_first()?;
            // A glob does not bind the name that it starts with itself: that would be circular.
            if first == name {
                return None;
            }
            let mut def = self.resolve_name(m, scope, first, hops + 1);
            for part in rest {
                def = self.attribute(&def, part, hops + 1);
            }
            match def {
                Def::External(_) | Def::Unknown => None,
                Def::Module(id) if id == m.id && scope == ScopeIdx::MODULE => None,
                def => match self.attribute(&def, name, hops + 1) {
                    Def::Unknown | Def::External(_) => None,
                    found => Some(found),
                },
            }
        })
    }

    fn binding(
        &self,
        m: &LoadedModule,
        scope: ScopeIdx,
        name: &str,
        sites: &[BindingSite],
        hops: u32,
    ) -> Def {
        if scope == ScopeIdx::MODULE && m.mutated_globals.contains(name) {
            return Def::Unknown;
        }
        let mut live: Vec<&BindingSite> = sites
            .iter()
            .filter(|s| !s.type_checking && !matches!(s.binding, Binding::Declared(_)))
            .collect();
        if live.is_empty() {
            live = sites.iter().filter(|s| s.type_checking).collect();
        }
        // An unconditional binding hides all earlier ones.
        if let Some(last) = live.iter().rposition(|s| !s.conditional) {
            live.drain(..last);
        }
        let mut defs: Vec<Def> = live
            .iter()
            .map(|s| self.site(m, scope, &s.binding, hops))
            .collect();
        if defs.len() > 1 {
            // `try: from fast import f / except ImportError: from slow import f`, or `= None`: a
            // definition in the program is the better guess only if it is the only one.
            let known: Vec<usize> = defs
                .iter()
                .enumerate()
                .filter(|(_, d)| matches!(d, Def::Func(_) | Def::Class(_) | Def::Module(_)))
                .map(|(i, _)| i)
                .collect();
            return match known.as_slice() {
                [one] if defs.iter().all(|d| !matches!(d, Def::Unknown)) => defs.swap_remove(*one),
                _ => Def::Unknown,
            };
        }
        defs.pop().unwrap_or(Def::Unknown)
    }

    fn site(&self, m: &LoadedModule, scope: ScopeIdx, binding: &Binding, hops: u32) -> Def {
        match binding {
            Binding::Function(f) => Def::Func(FuncRef {
                module: m.id,
                func: *f,
            }),
            Binding::Class(c) => Def::Class(ClassRef {
                module: m.id,
                class: *c,
            }),
            Binding::Import(path) => self.import(m, path, hops + 1),
            Binding::Value(expr) => match &expr.kind {
                // An alias of something with a name.
                StaticExprKind::Path(path) if !path.is_empty() => {
                    let mut def = self.resolve_name(m, scope, &path[0], hops + 1);
                    for name in &path[1..] {
                        def = self.attribute(&def, name, hops + 1);
                    }
                    match def {
                        Def::Unknown => Def::Unknown,
                        def => def,
                    }
                }
                StaticExprKind::Lambda(f) => Def::Func(FuncRef {
                    module: m.id,
                    func: *f,
                }),
                StaticExprKind::Opaque => Def::Unknown,
                _ => Def::Value(m.id, scope, Arc::new(expr.clone())),
            },
            Binding::Namespace(scope) => Def::Namespace(m.id, *scope),
            Binding::Relative(place) => self.relative(m, place).map_or(Def::Unknown, Def::Module),
            Binding::Declared(_) | Binding::Opaque => Def::Unknown,
        }
    }

    /// The attribute of a definition.
    #[must_use]
    pub fn attribute_of(&self, def: &Def, name: &str) -> Def {
        self.attribute(def, name, 0)
    }

    fn attribute(&self, def: &Def, name: &str, hops: u32) -> Def {
        match def {
            Def::Module(id) => {
                let m = self.module(*id);
                self.module_member(&m, name, hops + 1)
            }
            Def::External(path) => Def::External(format!("{path}.{name}").into()),
            Def::Namespace(id, scope) => {
                let m = self.module(*id);
                match m.ir.scope(*scope).bindings.get(name) {
                    Some(sites) => self.binding(&m, *scope, name, sites, hops + 1),
                    None => self
                        .globbed(&m, *scope, name, hops + 1)
                        .unwrap_or(Def::Unknown),
                }
            }
            Def::Class(c) => {
                let m = self.module(c.module);
                let class = m.ir.class(c.class);
                match m.ir.scope(class.scope).bindings.get(name) {
                    Some(sites) => self.binding(&m, class.scope, name, sites, hops + 1),
                    None => Def::Unknown,
                }
            }
            _ => Def::Unknown,
        }
    }

    /// A name in a module: bound there, bound by a star import, or a submodule.
    fn module_member(&self, m: &LoadedModule, name: &str, hops: u32) -> Def {
        if hops > MAX_HOPS {
            return Def::Unknown;
        }
        let scope = m.ir.scope(ScopeIdx::MODULE);
        if let Some(sites) = scope.bindings.get(name) {
            return self.binding(m, ScopeIdx::MODULE, name, sites, hops);
        }
        if m.is_package
            && let Some(id) = self.child(&m.folder, name)
        {
            return Def::Module(id);
        }
        for star in scope.star_imports.iter().rev() {
            if let Some(def) = self.star(m, star, name, hops + 1) {
                return def;
            }
        }
        self.globbed(m, ScopeIdx::MODULE, name, hops + 1)
            .unwrap_or(Def::Unknown)
    }

    fn import(&self, m: &LoadedModule, import: &ImportPath, hops: u32) -> Def {
        if hops > MAX_HOPS {
            return Def::Unknown;
        }
        let found = if import.level > 0 {
            let mut folder = m.folder.clone();
            for _ in 1..import.level {
                if !folder.pop() {
                    return Def::Unknown;
                }
            }
            if import.module.is_empty() {
                let Some(name) = &import.name else {
                    return Def::Unknown;
                };
                let init = folder.join("__init__.py");
                if self.sources.is_file(&init)
                    && let Some(id) = self.load(&init)
                    && id != m.id
                {
                    return self.module_member(&self.module(id), name, hops + 1);
                }
                return self.child(&folder, name).map_or(Def::Unknown, Def::Module);
            }
            self.descend(&folder, &import.module)
        } else {
            match self.absolute(m, &import.module, import.name.as_ref()) {
                Imported::Module(id) => Some(id),
                Imported::Nothing => None,
                Imported::Several => return Def::Unknown,
            }
        };
        match (found, &import.name) {
            (Some(id), None) => Def::Module(id),
            (Some(id), Some(name)) => self.module_member(&self.module(id), name, hops + 1),
            (None, _) if import.level > 0 => Def::Unknown,
            (None, name) => {
                let mut path = import.module.join(".");
                if let Some(name) = name {
                    path.push('.');
                    path.push_str(name);
                }
                Def::External(path.into())
            }
        }
    }

    /// Every class of a module.
    pub fn classes(&self, id: ModuleId) -> impl Iterator<Item = ClassRef> + use<> {
        let n = self.module(id).ir.classes.len();
        (0..n).map(move |i| ClassRef {
            module: id,
            class: ClassIdx(u32::try_from(i).expect("fewer than 2^32 classes")),
        })
    }
}

/// Builtin functions and classes that a star import from an unknown module is assumed not to
/// shadow.
fn is_builtin(name: &str) -> bool {
    matches!(
        name,
        "len"
            | "str"
            | "repr"
            | "bool"
            | "int"
            | "float"
            | "list"
            | "dict"
            | "set"
            | "tuple"
            | "range"
            | "enumerate"
            | "zip"
            | "print"
            | "isinstance"
            | "super"
            | "sum"
            | "min"
            | "max"
            | "sorted"
            | "any"
            | "all"
            | "getattr"
            | "setattr"
            | "hasattr"
            | "object"
            | "type"
            | "id"
            | "map"
            | "filter"
            | "iter"
            | "next"
            | "open"
            | "vars"
            | "reversed"
    ) || name.ends_with("Error")
        || matches!(
            name,
            "Exception" | "BaseException" | "KeyboardInterrupt" | "SystemExit" | "StopIteration"
        )
}
