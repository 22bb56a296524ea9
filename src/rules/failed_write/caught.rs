//! The exceptions that a handler names.

use super::excuses_duplicates;
use super::failure::OF_BATCH;
use super::watch::Swallower;
use crate::ir::{BlockId, Body, Name, Operand, Rvalue, ScopeIdx, StatementKind};
use crate::presets::Presets;
use crate::program::{Def, FuncRef, Program};
use crate::rules::tables;

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

    /// Whether no write fails with it.
    fn is_no_write_error(&self) -> bool {
        tables::is_no_write_error(&self.name)
            || matches!(&self.def, Def::External(path) if tables::is_reading_error(path))
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

/// Whether a handler catches only exceptions that say that the rows are there already, or that there
/// is nothing more to read. `flags` tell whether the failed write was given several.
pub(in crate::rules) fn loses_nothing(
    program: &Program<'_>,
    presets: &Presets,
    by: Swallower,
    flags: u32,
) -> bool {
    let Swallower::Catch(catch) = by else {
        return false;
    };
    let of_batch = flags & OF_BATCH != 0;
    says_nothing_lost(program, presets, (catch.func, catch.block), of_batch)
}

/// The same of a handler that is given as a place.
pub(in crate::rules) fn says_nothing_lost(
    program: &Program<'_>,
    presets: &Presets,
    at: (FuncRef, BlockId),
    of_batch: bool,
) -> bool {
    let (exceptions, complete) = caught(program, at);
    complete
        && exceptions.iter().all(|exception| {
            tables::says_nothing_left(&exception.name)
                || excuses_duplicates(&exception.name.to_ascii_lowercase(), of_batch)
                || !of_batch && exception.says_duplicate(presets)
        })
}

/// Whether a handler hardly catches what a write raises: it names only exceptions that no write
/// raises, or `first`, which caught it before and passed it on, names only exceptions of the program.
/// What the first handler names, the write must have raised; later ones may see another exception.
pub(in crate::rules) fn is_unlikely(
    program: &Program<'_>,
    by: (FuncRef, BlockId),
    first: Option<(FuncRef, BlockId)>,
) -> bool {
    let catches_only = |place, unlikely: &dyn Fn(&Caught) -> bool| {
        let (named, complete) = caught(program, place);
        complete && named.iter().all(unlikely)
    };
    catches_only(by, &Caught::is_no_write_error)
        || catches_only(first.unwrap_or(by), &Caught::is_own)
}
