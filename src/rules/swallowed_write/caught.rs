//! The exceptions that a handler names.

use crate::ir::{BlockId, Body, Name, Operand, Rvalue, ScopeIdx, StatementKind};
use crate::presets::Presets;
use crate::program::{Def, FuncRef, Program};

/// An exception that a handler names.
pub(super) struct Caught {
    /// The last part of its path.
    pub(super) name: Name,
    /// What it is.
    def: Def,
}

impl Caught {
    /// Whether it is a class of the program: no library raises it.
    pub(super) fn is_own(&self) -> bool {
        matches!(self.def, Def::Class(_))
    }

    /// Whether a preset says that it is raised for a row that is there already.
    pub(super) fn says_duplicate(&self, presets: &Presets) -> bool {
        matches!(&self.def, Def::External(path) if presets.says_duplicate(path))
    }
}

/// The exceptions that a handler names, and whether these are all that it catches.
pub(super) fn caught(
    program: &Program<'_>,
    (func, block): (FuncRef, BlockId),
) -> (Vec<Caught>, bool) {
    let module = program.module(func.module);
    let body = &module.ir.function(func.func).body;
    let mut statements = body.block(block).statements.iter();
    let types = statements.find_map(|s| match &s.kind {
        StatementKind::Assign(_, Rvalue::Caught { types, .. }) => Some(types.as_slice()),
        _ => None,
    });
    let types = types.unwrap_or_default();
    let paths = types.iter().filter_map(|of| path(body, of));
    let named: Vec<Caught> = paths
        .map(|path| Caught {
            name: path.last().cloned().unwrap_or_default(),
            def: program.resolve_path(func.module, ScopeIdx::MODULE, &path),
        })
        .collect();
    let complete = !named.is_empty() && named.len() == types.len();
    (named, complete)
}

/// The path that an operand is.
fn path(body: &Body, operand: &Operand) -> Option<Vec<Name>> {
    let Operand::Local(mut at) = *operand else {
        return None;
    };
    let mut path = Vec::new();
    loop {
        match body.only_value(at)? {
            Rvalue::GetField(Operand::Local(from), name) => {
                path.insert(0, name.clone());
                at = *from;
            }
            Rvalue::Global(name) => {
                path.insert(0, name.clone());
                return Some(path);
            }
            _ => return None,
        }
    }
}
