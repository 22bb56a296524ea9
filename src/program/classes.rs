//! Classes: method resolution order and member lookup.

use std::sync::Arc;

use crate::ir::{Binding, Name, Nature, StaticExpr};
use crate::program::resolve::Def;
use crate::program::{ClassRef, FuncRef, Program};

/// One entry of a method resolution order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum MroEntry {
    /// A class of the program.
    Class(ClassRef),
    /// A class from outside, by its dotted path.
    External(Name),
    /// A base that could not be resolved at all.
    Unknown,
}

/// A method resolution order: the class itself first.
#[derive(Clone, Debug)]
pub struct Mro {
    /// The linearisation.
    pub entries: Vec<MroEntry>,
}

/// What a member of a class is.
#[derive(Clone, Debug)]
pub enum MemberDef {
    /// A method.
    Func(FuncRef),
    /// A class attribute that refers to a definition or a constant.
    Def(Def),
    /// Something else.
    Unknown,
}

/// The result of looking a member up along an MRO.
#[derive(Clone, Debug)]
pub enum Lookup {
    /// It is defined in this class; several definitions if they depend on conditions.
    Found(ClassRef, Vec<MemberDef>),
    /// A class that could not be resolved comes before any class that defines it.
    Unknown,
    /// No class defines it, and all classes are known.
    Missing,
}

/// Deeper inheritance is cut off and counts as unknown.
const MAX_INHERITANCE: usize = 200;

impl Program<'_> {
    /// The C3 linearisation of a class (Barrett et al., OOPSLA 1996; CPython's `mro()`). In an
    /// inconsistent hierarchy, it is the class itself followed by an unknown one.
    #[must_use]
    pub fn mro(&self, class: ClassRef) -> Arc<Mro> {
        self.mro_at(class, 0)
    }

    fn mro_at(&self, class: ClassRef, depth: usize) -> Arc<Mro> {
        if depth > MAX_INHERITANCE {
            let entries = vec![MroEntry::Class(class), MroEntry::Unknown];
            return Arc::new(Mro { entries });
        }
        let linearise = || Arc::new(self.linearise(class, depth));
        self.mros.get(class, linearise)
    }

    fn linearise(&self, class: ClassRef, depth: usize) -> Mro {
        let unknown = || vec![MroEntry::Class(class), MroEntry::Unknown];
        let entries = {
            let m = self.module(class.module);
            let c = m.ir.class(class.class);
            let mut lists: Vec<Vec<MroEntry>> = Vec::new();
            let mut bases: Vec<MroEntry> = Vec::new();
            for base in &c.bases {
                match self.resolve_expr(class.module, c.parent, base) {
                    Def::Class(b) if b == class => {
                        bases.push(MroEntry::Unknown);
                    }
                    Def::Class(b) => {
                        lists.push(self.mro_at(b, depth + 1).entries.clone());
                        bases.push(MroEntry::Class(b));
                    }
                    Def::External(path) => {
                        lists.push(vec![MroEntry::External(path.clone())]);
                        bases.push(MroEntry::External(path));
                    }
                    _ => bases.push(MroEntry::Unknown),
                }
            }
            let has_unknown = bases.contains(&MroEntry::Unknown);
            bases.retain(|b| *b != MroEntry::Unknown);
            let unknown_first = has_unknown
                && c.bases.first().is_some_and(|b| {
                    !matches!(
                        self.resolve_expr(class.module, c.parent, b),
                        Def::Class(_) | Def::External(_)
                    )
                });
            lists.push(bases);
            match merge(lists) {
                Some(rest) => {
                    let mut entries = vec![MroEntry::Class(class)];
                    if unknown_first {
                        entries.push(MroEntry::Unknown);
                    }
                    entries.extend(rest);
                    if has_unknown && !unknown_first {
                        entries.push(MroEntry::Unknown);
                    }
                    entries
                }
                None => unknown(),
            }
        };
        Mro { entries }
    }

    /// Looks up a member along an MRO, or along the part of it after `after`.
    #[must_use]
    pub fn lookup(&self, class: ClassRef, name: &str, after: Option<ClassRef>) -> Lookup {
        let mro = self.mro(class);
        let start = match after {
            None => 0,
            Some(a) => match mro.entries.iter().position(|e| *e == MroEntry::Class(a)) {
                Some(i) => i + 1,
                None => return Lookup::Unknown,
            },
        };
        for entry in &mro.entries[start..] {
            match entry {
                MroEntry::Class(c) => {
                    if let Some(found) = self.own_member(*c, name) {
                        return Lookup::Found(*c, found);
                    }
                }
                MroEntry::External(path) if is_transparent(path) => {}
                MroEntry::External(_) | MroEntry::Unknown => return Lookup::Unknown,
            }
        }
        Lookup::Missing
    }

    /// The method that a class has under a name, along its MRO or along the part of it after `after`;
    /// `None` if there is not exactly one definition, or none that is known.
    #[must_use]
    pub fn method(&self, class: ClassRef, name: &str, after: Option<ClassRef>) -> Option<FuncRef> {
        match self.lookup(class, name, after) {
            Lookup::Found(_, defs) => match defs.as_slice() {
                [MemberDef::Func(func)] => Some(*func),
                _ => None,
            },
            Lookup::Missing | Lookup::Unknown => None,
        }
    }

    /// The definitions of a member in the class itself. A later unconditional one hides the earlier
    /// ones. A module-level `C.name = value` counts as the last.
    #[must_use]
    pub fn own_member(&self, class: ClassRef, name: &str) -> Option<Vec<MemberDef>> {
        let m = self.module(class.module);
        let c = m.ir.class(class.class);
        for (target, attr, value) in m.ir.attribute_stores.iter().rev() {
            if attr == name
                && let Def::Class(t) =
                    self.resolve_path(class.module, crate::ir::ScopeIdx::MODULE, target)
                && t == class
            {
                return Some(vec![self.static_member(
                    class,
                    crate::ir::ScopeIdx::MODULE,
                    value,
                )]);
            }
        }
        let sites = m.ir.scope(c.scope).bindings.get(name)?;
        let mut found = Vec::new();
        for site in sites {
            if site.type_checking {
                continue;
            }
            let def = match &site.binding {
                Binding::Function(f) => MemberDef::Func(FuncRef {
                    module: class.module,
                    func: *f,
                }),
                Binding::Class(k) => MemberDef::Def(Def::Class(ClassRef {
                    module: class.module,
                    class: *k,
                })),
                Binding::Value(expr) => self.static_member(class, c.scope, expr),
                Binding::Import(path) => match self.resolve_import(class.module, path) {
                    Def::Func(f) => MemberDef::Func(f),
                    def => MemberDef::Def(def),
                },
                Binding::Declared(_) => continue,
                Binding::Opaque | Binding::Namespace(_) | Binding::Relative(_) => {
                    MemberDef::Unknown
                }
            };
            // The setter of a property, or the implementation after overloads, has the same name.
            let accessor = matches!(&def, MemberDef::Func(f) if self.is_property_accessor(*f));
            if accessor {
                continue;
            }
            if !site.conditional {
                found.clear();
            }
            found.push(def);
        }
        (!found.is_empty()).then_some(found)
    }

    /// What the class or a base class declares for a field, and the class that does.
    #[must_use]
    pub fn declared(&self, class: ClassRef, field: &str) -> Option<(ClassRef, StaticExpr)> {
        let mro = self.mro(class);
        mro.entries.iter().find_map(|entry| {
            let MroEntry::Class(c) = entry else {
                return None;
            };
            let m = self.module(c.module);
            let scope = m.ir.class(c.class).scope;
            let sites = m.ir.scope(scope).bindings.get(field)?;
            sites.iter().find_map(|site| match &site.binding {
                Binding::Declared(e) => Some((*c, e.clone())),
                _ => None,
            })
        })
    }

    /// Whether instances of the class certainly have no such field.
    #[must_use]
    pub fn lacks_field(&self, class: ClassRef, field: &str) -> bool {
        let mro = self.mro(class);
        let complete = mro.entries.iter().any(|entry| {
            matches!(entry, MroEntry::Class(c)
                if self.module(c.module).ir.class(c.class).nature
                    == (Nature::Record { complete: true }))
        });
        complete && self.declared(class, field).is_none()
    }

    fn static_member(
        &self,
        class: ClassRef,
        scope: crate::ir::ScopeIdx,
        expr: &StaticExpr,
    ) -> MemberDef {
        match self.resolve_expr(class.module, scope, expr) {
            Def::Func(f) => MemberDef::Func(f),
            Def::Unknown => match &expr.kind {
                crate::ir::StaticExprKind::Lambda(f) => MemberDef::Func(FuncRef {
                    module: class.module,
                    func: *f,
                }),
                crate::ir::StaticExprKind::Opaque | crate::ir::StaticExprKind::Path(_) => {
                    MemberDef::Unknown
                }
                _ => MemberDef::Def(Def::Value(class.module, scope, Arc::new(expr.clone()))),
            },
            def => MemberDef::Def(def),
        }
    }

    fn is_property_accessor(&self, f: FuncRef) -> bool {
        let m = self.module(f.module);
        m.ir.function(f.func).decorators.iter().any(|d| {
            matches!(&d.kind, crate::ir::StaticExprKind::Path(p)
                if p.len() == 2 && (p[1] == "setter" || p[1] == "deleter"))
        })
    }

    /// Whether every direct and indirect base of the class is known.
    #[must_use]
    pub fn fully_resolved(&self, class: ClassRef) -> bool {
        self.mro(class).entries.iter().all(|e| match e {
            MroEntry::Class(_) => true,
            MroEntry::External(p) => is_transparent(p),
            MroEntry::Unknown => false,
        })
    }

    /// Whether the class is an enumeration.
    #[must_use]
    pub fn is_enum(&self, class: ClassRef) -> bool {
        self.mro(class).entries.iter().any(
            |e| matches!(e, MroEntry::External(p) if p.starts_with("enum.") || p.ends_with("Enum")),
        )
    }

    /// Whether the class is an exception; `None` if that is not known.
    #[must_use]
    pub fn is_exception(&self, class: ClassRef) -> Option<bool> {
        let mro = self.mro(class);
        let mut unknown = false;
        for e in &mro.entries {
            match e {
                MroEntry::External(p) if crate::program::exceptions::is_builtin_exception(p) => {
                    return Some(true);
                }
                MroEntry::External(p) if is_transparent(p) => {}
                MroEntry::External(p) if p.ends_with("Error") || p.ends_with("Exception") => {
                    return Some(true);
                }
                MroEntry::External(_) | MroEntry::Unknown => unknown = true,
                MroEntry::Class(_) => {}
            }
        }
        if unknown { None } else { Some(false) }
    }
}

/// External bases that are known not to define a method of a processor.
#[must_use]
pub(crate) fn is_transparent(path: &str) -> bool {
    matches!(
        path,
        "object"
            | "abc.ABC"
            | "ABC"
            | "typing.Protocol"
            | "typing_extensions.Protocol"
            | "typing.Generic"
            | "Generic"
            | "Protocol"
            | "typing.NamedTuple"
            | "enum.Enum"
            | "enum.IntEnum"
            | "enum.StrEnum"
            | "enum.Flag"
            | "enum.IntFlag"
            | "str"
            | "int"
            | "contextlib.ContextDecorator"
            | "contextlib.AbstractContextManager"
            | "threading.local"
    ) || crate::program::exceptions::is_builtin_exception(path)
}

fn merge(mut lists: Vec<Vec<MroEntry>>) -> Option<Vec<MroEntry>> {
    let mut out: Vec<MroEntry> = Vec::new();
    loop {
        lists.retain(|l| !l.is_empty());
        if lists.is_empty() {
            return Some(out);
        }
        let candidate = lists.iter().map(|l| l[0].clone()).find(|head| {
            *head == MroEntry::Unknown || !lists.iter().any(|l| l[1..].contains(head))
        })?;
        for l in &mut lists {
            if l[0] == candidate {
                l.remove(0);
            }
        }
        if candidate != MroEntry::Unknown || out.last() != Some(&MroEntry::Unknown) {
            out.push(candidate);
        }
    }
}
