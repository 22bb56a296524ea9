//! What the operands of a body are parts of: the receiver, a parameter, a global name, or a value
//! that the body makes itself.

use std::sync::Arc;

use crate::contracts::view::{Assigned, MAX_HOPS, assigned, literal_text, source};
use crate::ir::{Data, Function, Literal, LocalId, LocalKind, Name, Operand, Rvalue, ScopeIdx};
use crate::program::{LoadedModule, Program};
use crate::settings::Step;

/// Longer chains of attributes and keys are not followed.
const MAX_STEPS: usize = 4;
/// Longer keys are no names of statistics.
const MAX_KEY: usize = 60;

/// What a path starts with.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Base {
    /// The receiver of the method.
    Receiver,
    /// The parameter of this name.
    Param(Name),
    /// A global name.
    Global(Name),
    /// A local, as the object that it holds.
    Local(LocalId),
}

/// A part of an object.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct Path {
    pub base: Base,
    pub steps: Vec<Step>,
}

impl Path {
    /// The part of it that one more step leads to.
    pub fn then(&self, step: Step) -> Option<Path> {
        if self.steps.len() >= MAX_STEPS {
            return None;
        }
        let mut out = self.clone();
        out.steps.push(step);
        Some(out)
    }

    /// Whether it is the whole receiver, parameter, global or local.
    pub fn is_whole(&self) -> bool {
        self.steps.is_empty()
    }

    /// The steps from here to another path, if it is a part of this one.
    pub fn steps_to<'a>(&self, part: &'a Path) -> Option<&'a [Step]> {
        (self.base == part.base)
            .then(|| part.steps.strip_prefix(self.steps.as_slice()))
            .flatten()
    }
}

/// A body, and what its locals stand for.
pub(super) struct Paths<'p, 'm> {
    pub program: &'p Program<'p>,
    pub module: &'m Arc<LoadedModule>,
    pub function: &'m Function,
    /// Whether the first parameter is the receiver of a method.
    pub has_receiver: bool,
    assigned: Vec<Assigned<'m>>,
}

impl<'p, 'm> Paths<'p, 'm> {
    pub fn new(
        program: &'p Program<'p>,
        module: &'m Arc<LoadedModule>,
        function: &'m Function,
    ) -> Self {
        let first = function.params.first();
        Self {
            program,
            module,
            function,
            has_receiver: function.class.is_some() && first.is_some_and(|p| p.name == "self"),
            assigned: assigned(&function.body),
        }
    }

    /// The computation whose result the operand always holds.
    pub fn source(&self, operand: &Operand) -> Option<&'m Rvalue> {
        source(&self.assigned, operand)
    }

    /// What the operand is; `None` for a constant and what is too far away.
    pub fn path(&self, operand: &Operand) -> Option<Path> {
        self.path_at(operand, 0)
    }

    fn path_at(&self, operand: &Operand, hops: u32) -> Option<Path> {
        let Operand::Local(local) = operand else {
            return None;
        };
        let whole = |base| {
            Some(Path {
                base,
                steps: Vec::new(),
            })
        };
        if hops >= MAX_HOPS {
            return whole(Base::Local(*local));
        }
        let part = |object: &Operand, step: Step| self.path_at(object, hops + 1)?.then(step);
        match self.assigned.get(local.index()) {
            Some(Assigned::Nothing) => whole(self.unassigned(*local)),
            Some(Assigned::Same(rvalue)) => match rvalue {
                Rvalue::Use(from) | Rvalue::Await(from) => self.path_at(from, hops + 1),
                Rvalue::Data(Data::Lent { object, .. }) => self.path_at(object, hops + 1),
                Rvalue::GetField(object, name) => part(object, Step::Field(name.to_string())),
                Rvalue::GetItem(object, key) => part(object, Step::Key(self.text(key)?)),
                Rvalue::Global(name) => whole(Base::Global(name.clone())),
                Rvalue::Path(names) => {
                    let (first, rest) = names.split_first()?;
                    let steps = rest.iter().map(|name| Step::Field(name.to_string()));
                    Some(Path {
                        base: Base::Global(first.clone()),
                        steps: steps.take(MAX_STEPS).collect(),
                    })
                }
                _ => whole(Base::Local(*local)),
            },
            _ => whole(Base::Local(*local)),
        }
    }

    fn unassigned(&self, local: LocalId) -> Base {
        let decl = &self.function.body.locals[local.index()];
        match &decl.name {
            Some(name) if decl.kind == LocalKind::Param => {
                if local.index() == 0 && self.has_receiver {
                    Base::Receiver
                } else {
                    Base::Param(name.clone())
                }
            }
            _ => Base::Local(local),
        }
    }

    /// The key that the operand always is, if it can stand in a contract.
    pub fn text(&self, operand: &Operand) -> Option<String> {
        let text = self.text_at(operand, 0)?;
        let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ' ' | ':' | '/');
        let fits = !text.is_empty() && text.len() <= MAX_KEY && text.chars().all(plain);
        fits.then(|| text.to_string())
    }

    fn text_at(&self, operand: &Operand, hops: u32) -> Option<Name> {
        if let Operand::Const(Literal::Str(text)) = operand {
            return Some(text.clone());
        }
        match self.source(operand)? {
            Rvalue::Use(from) if hops < MAX_HOPS => self.text_at(from, hops + 1),
            Rvalue::Global(name) => {
                let path = std::slice::from_ref(name);
                let scope = ScopeIdx::MODULE;
                literal_text(&self.program.resolve_path(self.module.id, scope, path))
            }
            _ => None,
        }
    }
}
