//! Definitions: modules, functions, types and their implementations, imports, constants.

use syn::{Fields, ImplItem, Item, TraitItem, Type};

use crate::frontend::index;
use crate::frontend::rust::attrs::Cfg;
use crate::frontend::rust::lower::function::Head;
use crate::frontend::rust::lower::{Lowerer, Site};
use crate::frontend::rust::{parse, types};
use crate::ir::{
    Binding, Class, ClassIdx, Literal, Name, Nature, Overrides, ScopeIdx, ScopeKind, StaticExpr,
    StaticExprKind,
};
use crate::source::Span;

impl Lowerer {
    /// Lowers the definitions of a module, a block or a function: all names first, because they are
    /// visible before their definition.
    pub(super) fn items<'i>(&mut self, items: impl Iterator<Item = &'i Item> + Clone, site: &Site) {
        for item in items.clone() {
            self.name(item, site);
        }
        for item in items.clone() {
            self.implementation_head(item, site);
        }
        for item in items {
            self.body(item, site);
        }
    }

    /// Binds what an item defines, without its body.
    fn name(&mut self, item: &Item, site: &Site) {
        let cfg = Cfg::of(attributes(item));
        if cfg == Cfg::Never {
            return;
        }
        let conditional = cfg != Cfg::Always;
        match item {
            Item::Struct(s) => {
                let class = self.class(&s.ident, parse::of(s), site, conditional);
                self.fields(class, &s.fields);
                self.set_nature(class, Nature::Record { complete: true });
            }
            Item::Union(u) => {
                let class = self.class(&u.ident, parse::of(u), site, conditional);
                self.set_nature(class, Nature::Record { complete: false });
            }
            Item::Enum(e) => {
                let class = self.class(&e.ident, parse::of(e), site, conditional);
                self.variants(class, e);
            }
            Item::Trait(t) => {
                let class = self.class(&t.ident, parse::of(&t.ident), site, conditional);
                self.set_nature(class, Nature::Interface);
                let bases = t.supertraits.iter().filter_map(bound).collect();
                if let Some(class) = &mut self.classes[class.0 as usize] {
                    class.bases = bases;
                }
            }
            Item::Type(t) => {
                let binding = match types::annotation(&t.ty) {
                    Some(ty) => Binding::Value(ty),
                    None => Binding::Opaque,
                };
                let name = types::plain(&t.ident);
                self.bind(site.scope, &name, binding, conditional, parse::of(&t.ident));
            }
            Item::Const(c) => {
                let value = self.constant(&c.expr);
                let name = types::plain(&c.ident);
                let binding = Binding::Value(value);
                self.bind(site.scope, &name, binding, conditional, parse::of(&c.ident));
            }
            Item::Static(s) => {
                let binding = match s.mutability {
                    syn::StaticMutability::None => Binding::Value(self.constant(&s.expr)),
                    _ => Binding::Opaque,
                };
                let name = types::plain(&s.ident);
                self.bind(site.scope, &name, binding, conditional, parse::of(&s.ident));
            }
            Item::Use(u) => {
                let mut path = Vec::new();
                self.import(&u.tree, &mut path, site, conditional);
            }
            Item::Mod(m) => self.submodule(m, site, conditional),
            Item::Macro(m) => {
                if let Some(name) = &m.ident {
                    self.macros.push(Name::from(types::plain(name)));
                }
            }
            Item::ExternCrate(c) => {
                if let Some((_, name)) = &c.rename {
                    let path = vec![Name::from(types::plain(&c.ident))];
                    self.alias(
                        &types::plain(name),
                        path,
                        site,
                        conditional,
                        parse::of(name),
                    );
                }
            }
            _ => {}
        }
    }

    fn class(
        &mut self,
        ident: &syn::Ident,
        span: Span,
        site: &Site,
        conditional: bool,
    ) -> ClassIdx {
        let name = Name::from(types::plain(ident));
        let known = self.types.get(&(site.scope, name.clone())).copied();
        if let (Some(idx), true) = (known, conditional) {
            // The type exists in several configurations; the members of all count.
            return idx;
        }
        let idx = self.open_class(name.clone(), span, parse::of(ident), site);
        self.types.insert((site.scope, name.clone()), idx);
        self.bind(
            site.scope,
            &name,
            Binding::Class(idx),
            false,
            parse::of(ident),
        );
        idx
    }

    fn open_class(&mut self, name: Name, span: Span, name_span: Span, site: &Site) -> ClassIdx {
        let idx = ClassIdx(index(self.classes.len()));
        let scope = self.open_scope(Some(site.scope), ScopeKind::Class(idx));
        self.classes.push(Some(Class {
            qualname: Name::from(format!("{}{name}", site.prefix)),
            name,
            span,
            name_span,
            bases: Vec::new(),
            keywords: Vec::new(),
            decorators: Vec::new(),
            scope,
            parent: site.scope,
            nature: Nature::Record { complete: false },
        }));
        idx
    }

    fn set_nature(&mut self, class: ClassIdx, nature: Nature) {
        if let Some(class) = &mut self.classes[class.0 as usize] {
            class.nature = nature;
        }
    }

    fn scope_of(&self, class: ClassIdx) -> ScopeIdx {
        self.classes[class.0 as usize]
            .as_ref()
            .map_or(ScopeIdx::MODULE, |class| class.scope)
    }

    fn fields(&mut self, class: ClassIdx, fields: &Fields) {
        let scope = self.scope_of(class);
        for (position, field) in fields.iter().enumerate() {
            let name = match &field.ident {
                Some(ident) => types::plain(ident),
                None => position.to_string(),
            };
            let span = parse::of(&field.ty);
            let declared = types::annotation(&field.ty).unwrap_or(StaticExpr {
                kind: StaticExprKind::Opaque,
                span,
            });
            self.bind(scope, &name, Binding::Declared(declared), false, span);
        }
    }

    /// The variants of an enum. If they have no payload, they are members that can be compared, and
    /// the value of each is its name in snake case.
    fn variants(&mut self, class: ClassIdx, e: &syn::ItemEnum) {
        let scope = self.scope_of(class);
        let plain = e.variants.iter().all(|v| matches!(v.fields, Fields::Unit));
        for variant in &e.variants {
            let name = types::plain(&variant.ident);
            let span = parse::of(&variant.ident);
            let text = if plain {
                snake_case(&name)
            } else {
                format!("{}::{name}", e.ident)
            };
            let binding = match variant.fields {
                Fields::Unit => Binding::Value(StaticExpr {
                    kind: StaticExprKind::Literal(Literal::Str(text.into())),
                    span,
                }),
                _ => Binding::Opaque,
            };
            self.bind(scope, &name, binding, false, span);
        }
        if let Some(class) = &mut self.classes[class.0 as usize]
            && plain
        {
            class.bases.push(StaticExpr {
                kind: StaticExprKind::Path(vec![Name::new("enum"), Name::new("StrEnum")]),
                span: class.name_span,
            });
        }
    }

    /// Finds or creates the class that an `impl` is for, and records the trait.
    fn implementation_head(&mut self, item: &Item, site: &Site) {
        let Item::Impl(i) = item else { return };
        if Cfg::of(&i.attrs) == Cfg::Never {
            return;
        }
        let class = self.implemented(&i.self_ty, i.generics.params.iter(), site);
        if let Some((_, path, _)) = &i.trait_
            && let Some(class) = &mut self.classes[class.0 as usize]
        {
            let base = StaticExpr {
                kind: StaticExprKind::Path(types::path(path)),
                span: parse::of(path),
            };
            class.bases.push(base);
        }
    }

    fn implemented<'g>(
        &mut self,
        ty: &Type,
        mut generics: impl Iterator<Item = &'g syn::GenericParam>,
        site: &Site,
    ) -> ClassIdx {
        let span = parse::of(ty);
        let Some(path) = types::self_path(ty) else {
            let name = Name::new("impl");
            return match self.types.get(&(site.scope, name.clone())) {
                Some(idx) => *idx,
                None => {
                    let idx = self.open_class(name.clone(), span, span, site);
                    self.types.insert((site.scope, name), idx);
                    idx
                }
            };
        };
        let names = types::path(path);
        let name = names.last().cloned().unwrap_or_default();
        let generic =
            generics.any(|g| matches!(g, syn::GenericParam::Type(t) if t.ident == name.as_str()));
        if names.len() == 1 && !generic {
            let mut at = Some(site.scope);
            while let Some(scope) = at {
                if let Some(idx) = self.types.get(&(scope, name.clone())) {
                    return *idx;
                }
                at = self.scopes[scope.0 as usize].parent;
            }
        }
        // For a type of another module, the members belong to a new class that inherits from it. No
        // code can write the key of this class, so the name still refers to the type itself.
        let key = Name::from(format!("impl {}", names.join("::")));
        if let Some(idx) = self.types.get(&(site.scope, key.clone())) {
            return *idx;
        }
        let idx = self.open_class(name, span, span, site);
        self.types.insert((site.scope, key), idx);
        if !generic && let Some(class) = &mut self.classes[idx.0 as usize] {
            class.bases.push(StaticExpr {
                kind: StaticExprKind::Path(names),
                span,
            });
        }
        idx
    }

    /// Lowers the bodies of an item.
    fn body(&mut self, item: &Item, site: &Site) {
        let cfg = Cfg::of(attributes(item));
        if cfg == Cfg::Never {
            return;
        }
        let conditional = cfg != Cfg::Always;
        match item {
            Item::Fn(f) => {
                let span = parse::of(&f.sig.ident);
                let head = Head::of(
                    &f.sig,
                    &f.attrs,
                    parse::of(&f.sig).to(block_span(&f.block)),
                    site,
                );
                let function = self.function(head, Overrides::Never, &f.sig, &f.block, site);
                let name = types::plain(&f.sig.ident);
                let binding = Binding::Function(function);
                self.bind(site.scope, &name, binding, conditional, span);
            }
            Item::Mod(m) => {
                let Some((_, items)) = &m.content else { return };
                let name = Name::from(types::plain(&m.ident));
                let sites = self.scopes[site.scope.0 as usize].bindings.get(&name);
                let scope = sites.into_iter().flatten().find_map(|s| match s.binding {
                    Binding::Namespace(scope) if s.span == parse::of(&m.ident) => Some(scope),
                    _ => None,
                });
                let Some(scope) = scope else { return };
                let mut blocks = site.blocks.clone();
                blocks.push(name.clone());
                let inner = Site {
                    scope,
                    class: None,
                    function: site.function,
                    prefix: Name::from(format!("{}{name}.", site.prefix)),
                    blocks,
                };
                self.items(items.iter(), &inner);
            }
            Item::Impl(i) => self.implementation(i, site, conditional),
            Item::Trait(t) => {
                let name = Name::from(types::plain(&t.ident));
                if let Some(class) = self.types.get(&(site.scope, name)).copied() {
                    self.interface(t, class, site);
                }
            }
            _ => {}
        }
    }

    /// The site of the members of a class. They have a scope in which `Self` is the class.
    fn member_site(&mut self, class: ClassIdx, site: &Site) -> Site {
        let scope = self.open_scope(Some(site.scope), ScopeKind::Namespace);
        self.bind(scope, "Self", Binding::Class(class), false, Span::default());
        let qualname = self.classes[class.0 as usize]
            .as_ref()
            .map(|class| class.qualname.clone())
            .unwrap_or_default();
        Site {
            scope,
            class: Some(class),
            function: site.function,
            prefix: Name::from(format!("{qualname}.")),
            blocks: site.blocks.clone(),
        }
    }

    fn implementation(&mut self, i: &syn::ItemImpl, site: &Site, conditional: bool) {
        let class = self.implemented(&i.self_ty, i.generics.params.iter(), site);
        let inner = self.member_site(class, site);
        let overrides = if i.trait_.is_some() {
            Overrides::Always
        } else {
            Overrides::Never
        };
        for item in &i.items {
            match item {
                ImplItem::Fn(f) => {
                    let cfg = Cfg::of(&f.attrs);
                    if cfg == Cfg::Never {
                        continue;
                    }
                    let head = Head::of(
                        &f.sig,
                        &f.attrs,
                        parse::of(&f.sig).to(block_span(&f.block)),
                        &inner,
                    );
                    let function = self.function(head, overrides, &f.sig, &f.block, &inner);
                    let conditional = conditional || cfg != Cfg::Always;
                    self.bind_member(
                        class,
                        &f.sig.ident,
                        Binding::Function(function),
                        conditional,
                    );
                }
                ImplItem::Const(c) => {
                    let value = Binding::Value(self.constant(&c.expr));
                    self.bind_member(class, &c.ident, value, conditional);
                }
                _ => {}
            }
        }
    }

    fn interface(&mut self, t: &syn::ItemTrait, class: ClassIdx, site: &Site) {
        let inner = self.member_site(class, site);
        for item in &t.items {
            match item {
                TraitItem::Fn(f) => {
                    let cfg = Cfg::of(&f.attrs);
                    let (Some(block), true) = (&f.default, cfg != Cfg::Never) else {
                        continue;
                    };
                    let head = Head::of(
                        &f.sig,
                        &f.attrs,
                        parse::of(&f.sig).to(block_span(block)),
                        &inner,
                    );
                    let when = Overrides::WhenInherited;
                    let function = self.function(head, when, &f.sig, block, &inner);
                    let binding = Binding::Function(function);
                    self.bind_member(class, &f.sig.ident, binding, cfg != Cfg::Always);
                }
                TraitItem::Const(c) => {
                    if let Some((_, value)) = &c.default {
                        let value = Binding::Value(self.constant(value));
                        self.bind_member(class, &c.ident, value, false);
                    }
                }
                _ => {}
            }
        }
    }

    /// Binds a member. If several traits give it the same name, any of them may be meant.
    fn bind_member(
        &mut self,
        class: ClassIdx,
        ident: &syn::Ident,
        binding: Binding,
        conditional: bool,
    ) {
        let scope = self.scope_of(class);
        let name = types::plain(ident);
        let sites = self.scopes[scope.0 as usize]
            .bindings
            .entry(Name::new(&name))
            .or_default();
        let rival = sites
            .iter()
            .any(|s| !matches!(s.binding, Binding::Declared(_)));
        self.bind(
            scope,
            &name,
            binding,
            conditional || rival,
            parse::of(ident),
        );
    }

    /// The value of a constant, as far as it is known without running code.
    fn constant(&mut self, e: &syn::Expr) -> StaticExpr {
        let span = parse::expr(e);
        StaticExpr {
            kind: static_kind(e),
            span,
        }
    }
}

fn static_kind(e: &syn::Expr) -> StaticExprKind {
    match e {
        syn::Expr::Lit(lit) => match super::expr::literal(&lit.lit) {
            Some(literal) => StaticExprKind::Literal(literal),
            None => StaticExprKind::Opaque,
        },
        syn::Expr::Path(p) if p.qself.is_none() => StaticExprKind::Path(types::path(&p.path)),
        syn::Expr::Reference(r) => static_kind(&r.expr),
        syn::Expr::Paren(p) => static_kind(&p.expr),
        syn::Expr::Group(g) => static_kind(&g.expr),
        syn::Expr::Array(a) => StaticExprKind::List(a.elems.iter().map(static_part).collect()),
        syn::Expr::Tuple(t) => StaticExprKind::Tuple(t.elems.iter().map(static_part).collect()),
        syn::Expr::Macro(m) if m.mac.path.is_ident("concat") => {
            match super::format::concatenated(&m.mac) {
                Some(text) => StaticExprKind::Literal(Literal::Str(text.into())),
                None => StaticExprKind::Opaque,
            }
        }
        _ => StaticExprKind::Opaque,
    }
}

fn static_part(e: &syn::Expr) -> StaticExpr {
    StaticExpr {
        kind: static_kind(e),
        span: parse::expr(e),
    }
}

fn bound(bound: &syn::TypeParamBound) -> Option<StaticExpr> {
    match bound {
        syn::TypeParamBound::Trait(t) => {
            let path = types::path(&t.path);
            // Marker traits have no methods.
            let marker = path
                .last()
                .is_none_or(|n| matches!(n.as_str(), "Send" | "Sync" | "Sized" | "Unpin"));
            (!marker).then(|| StaticExpr {
                kind: StaticExprKind::Path(path),
                span: parse::of(&t.path),
            })
        }
        _ => None,
    }
}

fn block_span(block: &syn::Block) -> Span {
    parse::span(block.brace_token.span.join())
}

/// `RowsInserted` is `rows_inserted`.
fn snake_case(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    let mut before_lower = false;
    for c in name.chars() {
        if c.is_uppercase() && before_lower {
            out.push('_');
        }
        before_lower = c.is_lowercase() || c.is_ascii_digit();
        out.extend(c.to_lowercase());
    }
    out
}

fn attributes(item: &Item) -> &[syn::Attribute] {
    match item {
        Item::Const(i) => &i.attrs,
        Item::Enum(i) => &i.attrs,
        Item::ExternCrate(i) => &i.attrs,
        Item::Fn(i) => &i.attrs,
        Item::Impl(i) => &i.attrs,
        Item::Macro(i) => &i.attrs,
        Item::Mod(i) => &i.attrs,
        Item::Static(i) => &i.attrs,
        Item::Struct(i) => &i.attrs,
        Item::Trait(i) => &i.attrs,
        Item::Type(i) => &i.attrs,
        Item::Union(i) => &i.attrs,
        Item::Use(i) => &i.attrs,
        _ => &[],
    }
}
