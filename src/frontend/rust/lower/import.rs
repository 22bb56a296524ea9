//! Modules and imports.

use syn::UseTree;

use crate::frontend::rust::lower::{Lowerer, Site};
use crate::frontend::rust::{parse, types};
use crate::ir::{Binding, Name, Relative, ScopeKind, StaticExpr, StaticExprKind};
use crate::source::Span;

impl Lowerer {
    /// `mod x;` and `mod x { … }`
    pub(super) fn submodule(&mut self, m: &syn::ItemMod, site: &Site, conditional: bool) {
        let name = types::plain(&m.ident);
        let span = parse::of(&m.ident);
        if m.content.is_some() {
            let scope = self.open_scope(Some(site.scope), ScopeKind::Namespace);
            let binding = Binding::Namespace(scope);
            self.bind(site.scope, &name, binding.clone(), conditional, span);
            self.bind(scope, "self", binding, false, Span::default());
            let around = match self.scopes[site.scope.0 as usize].kind {
                ScopeKind::Module => Binding::Relative(Relative::This),
                _ => Binding::Namespace(site.scope),
            };
            self.bind(scope, "super", around, false, Span::default());
            return;
        }
        let file = m.attrs.iter().find_map(|attr| match &attr.meta {
            syn::Meta::NameValue(pair) if pair.path.is_ident("path") => match &pair.value {
                syn::Expr::Lit(lit) => match &lit.lit {
                    syn::Lit::Str(text) => Some(Name::from(text.value())),
                    _ => None,
                },
                _ => None,
            },
            _ => None,
        });
        let place = match file {
            Some(path) => Relative::File(path),
            None => {
                let mut names = site.blocks.clone();
                names.push(Name::new(&name));
                Relative::Child(names)
            }
        };
        let binding = Binding::Relative(place);
        self.bind(site.scope, &name, binding, conditional, span);
    }

    /// `use …`
    pub(super) fn import(
        &mut self,
        tree: &UseTree,
        path: &mut Vec<Name>,
        site: &Site,
        conditional: bool,
    ) {
        match tree {
            UseTree::Path(p) => {
                path.push(Name::from(types::plain(&p.ident)));
                self.import(&p.tree, path, site, conditional);
                path.pop();
            }
            UseTree::Name(n) => {
                let name = types::plain(&n.ident);
                let span = parse::of(&n.ident);
                let mut full = path.clone();
                let bound = if name == "self" {
                    full.last().cloned().unwrap_or_default()
                } else {
                    full.push(Name::new(&name));
                    Name::new(&name)
                };
                self.alias(&bound, full, site, conditional, span);
            }
            UseTree::Rename(r) => {
                let name = types::plain(&r.ident);
                let mut full = path.clone();
                if name != "self" {
                    full.push(Name::new(&name));
                }
                let bound = types::plain(&r.rename);
                self.alias(&bound, full, site, conditional, parse::of(&r.rename));
            }
            UseTree::Glob(_) => {
                if !path.is_empty() {
                    let globs = &mut self.scopes[site.scope.0 as usize].globs;
                    globs.push(path.clone());
                }
            }
            UseTree::Group(g) => {
                for tree in &g.items {
                    self.import(tree, path, site, conditional);
                }
            }
        }
    }

    /// Makes `name` an alias of the path.
    pub(super) fn alias(
        &mut self,
        name: &str,
        path: Vec<Name>,
        site: &Site,
        conditional: bool,
        span: Span,
    ) {
        // A name that already refers to the definition, here or in an outer scope, needs no alias.
        if name == "_" || path.is_empty() || path.len() == 1 && path[0] == name {
            return;
        }
        let value = StaticExpr {
            kind: StaticExprKind::Path(path),
            span,
        };
        self.bind(site.scope, name, Binding::Value(value), conditional, span);
    }
}
