//! Variables: locals, and fields of the cells that closures share with their function.

use proc_macro2::{TokenStream, TokenTree};
use rustc_hash::{FxHashMap, FxHashSet};
use syn::{Expr, Pat};

use crate::frontend::rust::lower::function::FunctionLowerer;
use crate::frontend::rust::types;
use crate::ir::{Data, LocalId, LocalKind, Name, Operand, Rvalue, StatementKind};
use crate::source::Span;

/// A variable.
#[derive(Clone, Debug)]
pub(super) struct Var {
    /// Its local; `None` if it is stored only in the cells.
    pub(super) local: Option<LocalId>,
    /// Its field in the cells, for closures.
    pub(super) cell: Option<Name>,
    /// Whether it is mutable.
    pub(super) mutable: bool,
}

/// The variables of a function. Every declaration makes a new one.
pub(super) struct Vars {
    scopes: Vec<FxHashMap<Name, Var>>,
    /// Names that closures in the function use.
    captured: FxHashSet<Name>,
    /// The cells of the functions around, innermost first: from name to field.
    outer: Vec<FxHashMap<Name, Name>>,
    /// How often each name was declared.
    counts: FxHashMap<Name, u32>,
}

/// What a name refers to.
pub(super) enum VarRef {
    /// A variable of the function.
    Own(Var),
    /// A field in the cells of the function that is this many functions outwards.
    Outer(u32, Name),
    /// Not a variable.
    None,
}

impl Vars {
    pub(super) fn new(captured: FxHashSet<Name>, outer: Vec<FxHashMap<Name, Name>>) -> Self {
        Self {
            scopes: Vec::new(),
            captured,
            outer,
            counts: FxHashMap::default(),
        }
    }

    /// Whether closures in the function use its variables.
    pub(super) fn shares(&self) -> bool {
        !self.captured.is_empty()
    }

    /// Whether the function is nested in another one whose variables it sees.
    pub(super) fn is_nested(&self) -> bool {
        !self.outer.is_empty()
    }

    pub(super) fn push(&mut self) {
        self.scopes.push(FxHashMap::default());
    }

    pub(super) fn pop(&mut self) {
        self.scopes.pop();
    }

    pub(super) fn lookup(&self, name: &str) -> VarRef {
        if let Some(var) = self.scopes.iter().rev().find_map(|scope| scope.get(name)) {
            return VarRef::Own(var.clone());
        }
        let mut hops = 0;
        for cells in &self.outer {
            hops += 1;
            if let Some(field) = cells.get(name) {
                return VarRef::Outer(hops, field.clone());
            }
        }
        VarRef::None
    }

    /// The cells that a closure created here sees, innermost first.
    pub(super) fn visible(&self) -> Vec<FxHashMap<Name, Name>> {
        let mut own = FxHashMap::default();
        for scope in &self.scopes {
            for (name, var) in scope {
                match &var.cell {
                    Some(field) => {
                        own.insert(name.clone(), field.clone());
                    }
                    None => {
                        own.remove(name);
                    }
                }
            }
        }
        let mut all = vec![own];
        all.extend(self.outer.iter().cloned());
        all
    }

    fn declare(&mut self, name: Name, var: Var) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.insert(name, var);
        }
    }

    /// The field of a new variable, if closures use its name.
    fn field(&mut self, name: &Name) -> Option<Name> {
        if !self.captured.contains(name) {
            return None;
        }
        let count = self.counts.entry(name.clone()).or_default();
        *count += 1;
        Some(match *count {
            1 => name.clone(),
            n => Name::from(format!("{name}#{n}")),
        })
    }
}

impl FunctionLowerer<'_> {
    /// Makes the cells of the enclosing function reachable from those of this function.
    pub(super) fn link_cells(&mut self, span: Span) {
        if let (Some(cells), Some(outer)) = (self.cells, self.outer_cells) {
            let kind = StatementKind::SetField {
                object: Operand::Local(cells),
                field: Name::new("^"),
                value: Operand::Local(outer),
            };
            self.body.push(kind, span);
        }
    }

    /// Declares a new variable, which is visible from now on.
    pub(super) fn declare(&mut self, name: &str, mutable: bool) -> Var {
        let name = Name::new(name);
        let cell = self.vars.field(&name);
        // A variable that closures may change is read from the cells each time.
        let local = (!mutable || cell.is_none())
            .then(|| self.body.local(Some(name.clone()), LocalKind::Var));
        let var = Var {
            local,
            cell,
            mutable,
        };
        self.vars.declare(name, var.clone());
        var
    }

    pub(super) fn declare_param(&mut self, name: &str, local: LocalId, mutable: bool, span: Span) {
        let name = Name::new(name);
        let cell = self.vars.field(&name);
        if let (Some(cells), Some(field)) = (self.cells, &cell) {
            let kind = StatementKind::SetField {
                object: Operand::Local(cells),
                field: field.clone(),
                value: Operand::Local(local),
            };
            self.body.push(kind, span);
        }
        let local = (!mutable || cell.is_none()).then_some(local);
        let var = Var {
            local,
            cell,
            mutable,
        };
        self.vars.declare(name, var);
    }

    /// Marks the content of a variable as possibly changed by a call: through its receiver, if the
    /// variable is mutable, or through a `&mut`. `with` are the arguments of the call.
    pub(super) fn lent(&mut self, e: &Expr, receiver: bool, with: &[Operand], span: Span) {
        let name = match e {
            Expr::Paren(x) => return self.lent(&x.expr, receiver, with, span),
            Expr::Path(x) if x.qself.is_none() => x.path.get_ident().map(types::plain),
            _ => None,
        };
        let Some(name) = name.filter(|name| name != "self") else {
            return;
        };
        let mutable = matches!(
            self.vars.lookup(&name),
            VarRef::Own(Var { mutable: true, .. })
        );
        if (mutable || !receiver)
            && let Some(old) = self.load(&name, span)
        {
            let with = with.to_vec();
            let new = self.data(Data::Lent { object: old, with }, span);
            self.store(&name, new, span);
        }
    }

    /// Assigns to a variable.
    pub(super) fn store_var(&mut self, var: &Var, value: Operand, span: Span) {
        if let Some(local) = var.local
            && value != Operand::Local(local)
        {
            self.body.assign(local, Rvalue::Use(value.clone()), span);
        }
        if let (Some(cells), Some(field)) = (self.cells, &var.cell) {
            let kind = StatementKind::SetField {
                object: Operand::Local(cells),
                field: field.clone(),
                value,
            };
            self.body.push(kind, span);
        }
    }

    /// The value of a variable; `None` if the name is not one.
    pub(super) fn load(&mut self, name: &str, span: Span) -> Option<Operand> {
        match self.vars.lookup(name) {
            VarRef::Own(Var {
                local: Some(local), ..
            }) => Some(Operand::Local(local)),
            VarRef::Own(Var {
                cell: Some(field), ..
            }) => {
                let cells = self.cells?;
                Some(self.read_cell(cells, field, span))
            }
            VarRef::Own(_) | VarRef::None => None,
            VarRef::Outer(hops, field) => {
                let cells = self.cells_at(hops, span)?;
                Some(self.read_cell(cells, field, span))
            }
        }
    }

    /// Assigns to the variable with this name. Returns whether there is one.
    pub(super) fn store(&mut self, name: &str, value: Operand, span: Span) -> bool {
        match self.vars.lookup(name) {
            VarRef::Own(var) => {
                self.store_var(&var, value, span);
                true
            }
            VarRef::Outer(hops, field) => {
                let Some(cells) = self.cells_at(hops, span) else {
                    return false;
                };
                let kind = StatementKind::SetField {
                    object: Operand::Local(cells),
                    field,
                    value,
                };
                self.body.push(kind, span);
                true
            }
            VarRef::None => false,
        }
    }

    fn read_cell(&mut self, cells: LocalId, field: Name, span: Span) -> Operand {
        let value = self.body.temp();
        let load = Rvalue::GetField(Operand::Local(cells), field);
        self.body.assign(value, load, span);
        Operand::Local(value)
    }

    fn cells_at(&mut self, hops: u32, span: Span) -> Option<LocalId> {
        let mut cells = self.outer_cells?;
        for _ in 1..hops {
            let next = self.body.temp();
            let up = Rvalue::GetField(Operand::Local(cells), Name::new("^"));
            self.body.assign(next, up, span);
            cells = next;
        }
        Some(cells)
    }
}

/// The name that a pattern binds if it does nothing else, and whether it is mutable.
pub(super) fn simple(pat: &Pat) -> Option<(Name, bool)> {
    match pat {
        Pat::Ident(p) if p.subpat.is_none() && !is_constant(&p.ident.to_string()) => Some((
            Name::from(types::plain(&p.ident)),
            p.mutability.is_some() && p.by_ref.is_none(),
        )),
        Pat::Type(p) => simple(&p.pat),
        Pat::Paren(p) => simple(&p.pat),
        _ => None,
    }
}

/// The name that a pattern binds if it does nothing else.
pub(super) fn simple_name(pat: &Pat) -> Option<Name> {
    simple(pat).map(|(name, _)| name)
}

/// Whether an identifier in a pattern looks like a constant or variant and not like a variable.
pub(super) fn is_constant(name: &str) -> bool {
    name.starts_with(|c: char| c.is_uppercase())
}

/// Calls `f` for every identifier, including those in brackets and in inline format arguments.
pub(super) fn for_each_ident(tokens: TokenStream, f: &mut impl FnMut(Name)) {
    let mut work = vec![tokens];
    while let Some(tokens) = work.pop() {
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => f(Name::from(types::plain(&ident))),
                TokenTree::Group(group) => work.push(group.stream()),
                TokenTree::Literal(literal) => {
                    let text = literal.to_string();
                    if text.starts_with('"') && text.contains('{') {
                        inline_arguments(&text, f);
                    }
                }
                TokenTree::Punct(_) => {}
            }
        }
    }
}

/// The names in `{name}` and `{name:spec}`.
fn inline_arguments(text: &str, f: &mut impl FnMut(Name)) {
    for piece in text.split('{').skip(1) {
        let name: String = piece
            .chars()
            .take_while(|c| *c == '_' || c.is_alphanumeric())
            .collect();
        if !name.is_empty() {
            f(Name::from(name));
        }
    }
}

impl Vars {
    /// Closes the innermost scope and returns its variables.
    pub(super) fn take(&mut self) -> FxHashMap<Name, Var> {
        self.scopes.pop().unwrap_or_default()
    }

    /// Makes variables visible in the innermost scope.
    pub(super) fn add(&mut self, vars: FxHashMap<Name, Var>) {
        for (name, var) in vars {
            self.declare(name, var);
        }
    }
}
