//! What the locals of a body stand for: the receiver, dicts that its attributes hold, constants.
//!
//! A local stands for something if every assignment to it is the same computation. No control flow
//! is followed.

use std::cell::OnceCell;
use std::rc::Rc;
use std::sync::Arc;

use rustc_hash::FxHashSet;

use crate::ir::{
    Body, Callee, Function, Literal, LocalId, LocalKind, Name, Operand, Rvalue, ScopeIdx,
    StatementKind, StaticExprKind, TerminatorKind,
};
use crate::program::{ClassRef, Def, FuncRef, LoadedModule, Lookup, MemberDef, Program};

/// Chains of copies longer than this are not followed.
pub(super) const MAX_HOPS: u32 = 8;

/// How the receiver reaches a body.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) enum Receiver {
    /// In a parameter.
    Param(LocalId),
    /// In a variable of the enclosing function.
    Cell(Name),
}

/// What a body is given.
#[derive(Clone, Default, PartialEq, Eq, Hash, Debug)]
pub(super) struct Entry {
    /// The receiver.
    pub receiver: Option<Receiver>,
    /// A parameter that is the dict which this attribute of the receiver holds.
    pub dict: Option<(LocalId, Name)>,
}

impl Entry {
    /// The entry of a method: the first parameter is the receiver.
    pub fn method() -> Self {
        Self {
            receiver: Some(Receiver::Param(LocalId(0))),
            dict: None,
        }
    }
}

/// What is assigned to a local.
#[derive(Clone, Copy)]
pub(super) enum Assigned<'m> {
    Nothing,
    Same(&'m Rvalue),
    Other,
}

/// A body, and what its locals stand for.
pub(super) struct View<'p, 'm> {
    pub program: &'p Program<'p>,
    pub module: &'m Arc<LoadedModule>,
    pub function: &'m Function,
    pub class: ClassRef,
    entry: Entry,
    /// The properties of the class.
    properties: Rc<FxHashSet<Name>>,
    assigned: Vec<Assigned<'m>>,
    /// All that is assigned to each local.
    values: OnceCell<Vec<Vec<&'m Rvalue>>>,
}

impl<'p, 'm> View<'p, 'm> {
    /// Looks at a function, called on an instance of `class`.
    pub fn new(
        program: &'p Program<'p>,
        module: &'m Arc<LoadedModule>,
        func: FuncRef,
        (class, entry): (ClassRef, Entry),
        properties: Rc<FxHashSet<Name>>,
    ) -> Self {
        let function = module.ir.function(func.func);
        Self {
            program,
            module,
            function,
            class,
            entry,
            properties,
            assigned: assigned(&function.body),
            values: OnceCell::new(),
        }
    }

    /// The computation whose result a local always holds.
    pub fn source(&self, operand: &Operand) -> Option<&'m Rvalue> {
        source(&self.assigned, operand)
    }

    /// All computations whose results a local may hold; none for a parameter, which may hold more.
    pub fn values_of(&self, local: LocalId) -> &[&'m Rvalue] {
        let all = self.values.get_or_init(|| {
            let body: &'m Body = &self.function.body;
            let mut out = body.all_values();
            for (values, local) in out.iter_mut().zip(&body.locals) {
                if local.kind == LocalKind::Param {
                    values.clear();
                }
            }
            out
        });
        all.get(local.index()).map_or(&[], Vec::as_slice)
    }

    fn never_assigned(&self, local: LocalId) -> bool {
        matches!(self.assigned.get(local.index()), Some(Assigned::Nothing))
    }

    /// Whether the class has a property of this name.
    pub fn has_property(&self, name: &Name) -> bool {
        self.properties.contains(name)
    }

    /// Whether the operand is the receiver.
    pub fn is_receiver(&self, operand: &Operand) -> bool {
        self.receiver_at(operand, 0)
    }

    fn receiver_at(&self, operand: &Operand, hops: u32) -> bool {
        if let (Some(Receiver::Param(param)), Operand::Local(local)) =
            (&self.entry.receiver, operand)
            && param == local
        {
            return self.never_assigned(*local);
        }
        match self.source(operand) {
            Some(Rvalue::Use(from)) if hops < MAX_HOPS => self.receiver_at(from, hops + 1),
            Some(Rvalue::GetField(Operand::Local(cells), name)) => {
                self.function.outer_cells == Some(*cells)
                    && self.entry.receiver == Some(Receiver::Cell(name.clone()))
            }
            _ => false,
        }
    }

    /// The attribute of the receiver that holds the operand, a dict.
    pub fn dict(&self, operand: &Operand) -> Option<Name> {
        self.dict_at(operand, 0)
    }

    fn dict_at(&self, operand: &Operand, hops: u32) -> Option<Name> {
        if let (Some((param, field)), Operand::Local(local)) = (&self.entry.dict, operand)
            && param == local
            && self.never_assigned(*local)
        {
            return Some(field.clone());
        }
        match self.source(operand)? {
            Rvalue::GetField(object, field) if self.is_receiver(object) => Some(field.clone()),
            Rvalue::Use(from) if hops < MAX_HOPS => self.dict_at(from, hops + 1),
            _ => None,
        }
    }

    /// The text that the operand always is.
    pub fn text(&self, operand: &Operand) -> Option<Name> {
        self.text_at(operand, 0)
    }

    fn text_at(&self, operand: &Operand, hops: u32) -> Option<Name> {
        if let Operand::Const(Literal::Str(text)) = operand {
            return Some(text.clone());
        }
        match self.source(operand)? {
            Rvalue::Use(from) if hops < MAX_HOPS => self.text_at(from, hops + 1),
            Rvalue::GetField(object, name) if self.is_receiver(object) => self.class_constant(name),
            _ => literal_text(&self.named(operand)?),
        }
    }

    /// The text of a class attribute that is read through the receiver and never stored to.
    fn class_constant(&self, name: &str) -> Option<Name> {
        let Lookup::Found(owner, defs) = self.program.lookup(self.class, name, None) else {
            return None;
        };
        let stored = [owner.module, self.class.module].into_iter().any(|m| {
            let module = self.program.module(m);
            module.stores(name)
        });
        match defs.as_slice() {
            [MemberDef::Def(def)] if !stored => literal_text(def),
            _ => None,
        }
    }

    /// What a global name, or a dotted path that starts with one, means.
    pub fn named(&self, operand: &Operand) -> Option<Def> {
        let mut path = Vec::new();
        let mut at = operand;
        for _ in 0..MAX_HOPS {
            match self.source(at)? {
                Rvalue::Global(name) => {
                    path.push(name.clone());
                    path.reverse();
                    let scope = ScopeIdx::MODULE;
                    return Some(self.program.resolve_path(self.module.id, scope, &path));
                }
                Rvalue::GetField(object, name) => {
                    path.push(name.clone());
                    at = object;
                }
                Rvalue::Use(from) => at = from,
                _ => return None,
            }
        }
        None
    }

    /// The last part of the name of a called value.
    pub fn callee_name(&self, callee: &Callee) -> Option<Name> {
        match callee {
            Callee::Method { name, .. } => Some(name.clone()),
            Callee::Value(value) => match self.source(value)? {
                Rvalue::Global(name) | Rvalue::GetField(_, name) => Some(name.clone()),
                _ => None,
            },
        }
    }
}

pub(super) fn literal_text(def: &Def) -> Option<Name> {
    match def {
        Def::Value(_, _, expr) => match &expr.kind {
            StaticExprKind::Literal(Literal::Str(text)) => Some(text.clone()),
            _ => None,
        },
        _ => None,
    }
}

/// The computation whose result an operand always holds.
pub(super) fn source<'m>(assigned: &[Assigned<'m>], operand: &Operand) -> Option<&'m Rvalue> {
    let Operand::Local(local) = operand else {
        return None;
    };
    match assigned.get(local.index()) {
        Some(Assigned::Same(rvalue)) => Some(rvalue),
        _ => None,
    }
}

/// What is assigned to each local of a body.
pub(super) fn assigned(body: &Body) -> Vec<Assigned<'_>> {
    let mut out = vec![Assigned::Nothing; body.locals.len()];
    let mut assign = |local: LocalId, rvalue: Option<_>| {
        let slot = &mut out[local.index()];
        *slot = match (*slot, rvalue) {
            (Assigned::Nothing, Some(new)) => Assigned::Same(new),
            (Assigned::Same(old), Some(new)) if old == new => Assigned::Same(old),
            _ => Assigned::Other,
        };
    };
    for block in &body.blocks {
        for statement in &block.statements {
            if let StatementKind::Assign(local, rvalue) = &statement.kind {
                assign(*local, Some(rvalue));
            }
        }
        match &block.terminator.kind {
            TerminatorKind::Eval {
                dest: Some(local),
                rvalue,
                ..
            } => assign(*local, Some(rvalue)),
            TerminatorKind::ForNext { dest, .. }
            | TerminatorKind::Yield {
                dest: Some(dest), ..
            } => assign(*dest, None),
            _ => {}
        }
    }
    out
}
