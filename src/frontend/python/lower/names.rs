//! Variables: locals, fields of cells, globals.

use crate::frontend::python::lower::expr::Dest;
use crate::frontend::python::lower::function::FunctionLowerer;
use crate::frontend::python::scope::{Resolved, SymId};
use crate::ir::{LocalId, LocalKind, Name, Operand, Rvalue, StatementKind};
use crate::source::Span;

/// Where a variable is stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Storage {
    /// In a local.
    Local(LocalId),
    /// In the cells of the function that is this many functions outwards.
    Cell { hops: u32, field: Name },
    /// In the module.
    Global,
}

impl FunctionLowerer<'_, '_> {
    /// Where the variable that `name` refers to is stored.
    pub(super) fn storage_of(&mut self, name: &str) -> Storage {
        let symbols = self.module.symbols;
        let Resolved::Variable(owner) = symbols.resolve(self.sym, name) else {
            return Storage::Global;
        };
        let Some(owner_function) = symbols.function_of(owner) else {
            return Storage::Global;
        };
        // A captured parameter that never changes can be read from its local.
        let in_cells = symbols.is_captured(owner, name) && !symbols.is_constant_param(owner, name);
        if owner_function == self.function && !in_cells {
            return Storage::Local(self.local_of(owner, name));
        }
        let mut hops = 0;
        let mut current = self.function;
        while current != owner_function {
            let Some(outer) = symbols.outer_function(current) else {
                return Storage::Global;
            };
            current = outer;
            hops += 1;
        }
        let field = symbols.cell_field(owner, name);
        Storage::Cell { hops, field }
    }

    fn local_of(&mut self, owner: SymId, name: &str) -> LocalId {
        let body = &mut self.body;
        let name = Name::new(name);
        *self
            .locals
            .entry((owner, name.clone()))
            .or_insert_with(|| body.local(Some(name), LocalKind::Var))
    }

    /// The cells of the function that is this many functions outwards.
    pub(super) fn cells_at(&mut self, hops: u32, span: Span) -> LocalId {
        let Some(mut cells) = (if hops == 0 {
            self.cells
        } else {
            self.outer_cells
        }) else {
            debug_assert!(
                false,
                "the binding analysis grants cells to all who need them"
            );
            return self.body.temp();
        };
        for _ in 1..hops {
            let next = self.body.temp();
            let up = Rvalue::GetField(Operand::Local(cells), Name::new("^"));
            self.body.assign(next, up, span);
            cells = next;
        }
        cells
    }

    /// The value of a variable.
    pub(super) fn load(&mut self, name: &str, dest: Dest, span: Span) -> Operand {
        match self.storage_of(name) {
            Storage::Local(local) => self.settle(Operand::Local(local), dest, span),
            Storage::Cell { hops, field } => {
                let cells = self.cells_at(hops, span);
                let value = self.dest_local(dest);
                let rvalue = Rvalue::GetField(Operand::Local(cells), field);
                self.body.assign(value, rvalue, span);
                Operand::Local(value)
            }
            Storage::Global => self.emit(Rvalue::Global(Name::new(name)), dest, span),
        }
    }

    /// Binds a variable.
    pub(super) fn store(&mut self, name: &str, value: Operand, span: Span) {
        match self.storage_of(name) {
            Storage::Local(local) => {
                if value != Operand::Local(local) {
                    self.body.assign(local, Rvalue::Use(value), span);
                }
            }
            Storage::Cell { hops, field } => {
                let object = Operand::Local(self.cells_at(hops, span));
                let kind = StatementKind::SetField {
                    object,
                    field,
                    value,
                };
                self.body.push(kind, span);
            }
            Storage::Global => {
                let name = Name::new(name);
                self.body
                    .push(StatementKind::SetGlobal { name, value }, span);
            }
        }
    }

    /// The destination that binds a value to the variable directly, if it is a local.
    pub(super) fn variable_dest(&mut self, name: &str) -> Dest {
        match self.storage_of(name) {
            Storage::Local(local) => Dest::Local(local),
            _ => Dest::Temp,
        }
    }

    /// Evaluates directly into the variable, if possible.
    pub(super) fn bind_with(
        &mut self,
        name: &str,
        span: Span,
        evaluate: impl FnOnce(&mut Self, Dest) -> Operand,
    ) {
        let dest = self.variable_dest(name);
        let value = evaluate(self, dest);
        if dest == Dest::Temp {
            self.store(name, value, span);
        }
    }
}
