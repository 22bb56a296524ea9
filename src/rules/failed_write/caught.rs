//! The exceptions that a handler names.

use crate::ir::{BlockId, Body, Name, Operand, Rvalue, ScopeIdx, StatementKind};
use crate::presets::Presets;
use crate::program::{Def, FuncRef, Program};

/// An exception that a handler names.
pub(in crate::rules) struct Caught {
    /// The last part of its path.
    pub(in crate::rules) name: Name,
    /// What it is.
    def: Def,
}

impl Caught {
    /// Whether it is a class of the program: no library raises it.
    pub(in crate::rules) fn is_own(&self) -> bool {
        matches!(self.def, Def::Class(_))
    }

    /// Whether a preset says that it is raised for a row that is there already.
    pub(in crate::rules) fn says_duplicate(&self, presets: &Presets) -> bool {
        matches!(&self.def, Def::External(path) if presets.says_duplicate(path))
    }
}

/// The exceptions that a handler names, and whether these are all that it catches.
pub(in crate::rules) fn caught(
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
    let named: Vec<Caught> = types
        .iter()
        .filter_map(|of| {
            let (path, is_whole) = path(body, of);
            let def = if is_whole {
                program.resolve_path(func.module, ScopeIdx::MODULE, &path)
            } else {
                Def::Unknown
            };
            let name = path.last()?.clone();
            Some(Caught { name, def })
        })
        .collect();
    let complete = !named.is_empty() && named.len() == types.len();
    (named, complete)
}

/// The names that lead to an operand, and whether these are its whole path: `Group.DoesNotExist` of a
/// local `Group` is not.
fn path(body: &Body, operand: &Operand) -> (Vec<Name>, bool) {
    let mut path = Vec::new();
    let mut at = operand;
    while let Operand::Local(local) = at {
        match body.only_value(*local) {
            Some(Rvalue::GetField(from, name)) => {
                path.insert(0, name.clone());
                at = from;
            }
            Some(Rvalue::Global(name)) => {
                path.insert(0, name.clone());
                return (path, true);
            }
            _ => break,
        }
    }
    (path, false)
}
