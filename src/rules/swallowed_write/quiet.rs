//! What a function does only because a failure was caught, and whether somebody gets to know by it.

use std::collections::BTreeSet;

use super::Swallowed;
use crate::engine::witness::EventKind;
use crate::engine::{Catch, is_log_method, is_logger_name};
use crate::ir::{
    BlockId, Body, BranchRole, Callee, Data, DictItem, Function, LocalId, LocalKind, Operand,
    Rvalue, StatementKind, TerminatorKind,
};
use crate::program::{Lookup, MemberDef};
use crate::rules::contract_method::Subject;
use crate::rules::failed_write::code::{Called, called, given_to, holder, is_variable};
use crate::rules::failed_write::flow::{flow, hands_on, rvalues};
use crate::rules::failed_write::handling::{Handling, is_quiet};
use crate::rules::failed_write::watch::Swallower;
use crate::rules::tables::collections::CHANGES;

impl<'f> Handling<'f> {
    /// What runs in a function after something was swallowed, and never otherwise.
    pub(super) fn of(function: &'f Function, swallowed: &Swallowed) -> Self {
        match swallowed.by {
            Swallower::Catch(catch) => {
                let taken = taken(function, catch, swallowed);
                Self::after(function, catch.block, taken)
            }
            Swallower::Return(..) => Self {
                function,
                blocks: BTreeSet::new(),
            },
        }
    }

    /// Whether this code lets somebody know: it calls something that is not known to keep quiet,
    /// changes something that is looked at later, or puts the rows elsewhere.
    pub(super) fn tells_somebody(&self, subject: &Subject<'_>, swallowed: &Swallowed) -> bool {
        self.calls_somebody(&self.rows(swallowed)) || self.leaves_something(subject)
    }

    /// The variables that the write was given.
    fn rows(&self, swallowed: &Swallowed) -> BTreeSet<LocalId> {
        let Some((func, at)) = swallowed.failed_at else {
            return BTreeSet::new();
        };
        if func != swallowed.by.place().0 {
            return BTreeSet::new();
        }
        given_to(self.function, at)
    }

    /// Whether something that is changed here is looked at elsewhere, or may be.
    fn leaves_something(&self, subject: &Subject<'_>) -> bool {
        let function = self.function;
        let cells: Vec<LocalId> = function
            .outer_cells
            .into_iter()
            .chain(function.cells())
            .collect();
        let mut kept: BTreeSet<LocalId> = BTreeSet::new();
        for statement in self.statements() {
            match statement {
                StatementKind::SetGlobal { .. } => return true,
                StatementKind::SetField {
                    object: Operand::Local(object),
                    ..
                }
                | StatementKind::SetItem {
                    object: Operand::Local(object),
                    ..
                } => {
                    kept.insert(holder(function, *object));
                }
                // The name of the exception is only a handle to it.
                StatementKind::Assign(local, value)
                    if is_variable(function, *local) && !is_exception(function, value) =>
                {
                    kept.insert(*local);
                }
                _ => {}
            }
        }
        for at in &self.blocks {
            if let TerminatorKind::Eval {
                dest: Some(dest), ..
            } = function.body.block(*at).terminator.kind
                && is_variable(function, dest)
            {
                kept.insert(dest);
            }
        }
        for (_, callee, _) in self.calls() {
            if let Callee::Method {
                receiver: Operand::Local(on),
                name,
                ..
            } = callee
                && CHANGES.contains(&name.as_str())
            {
                kept.insert(holder(function, *on));
            }
        }
        if kept.iter().any(|local| cells.contains(local)) || self.changes_receiver(subject) {
            return true;
        }
        let receiver = subject.class.map(|_| LocalId(0));
        kept.retain(|local| Some(*local) != receiver);
        let params = u32::try_from(function.params.len()).unwrap_or(u32::MAX);
        kept.iter().any(|local| local.0 < params)
            || kept.iter().any(|local| hands_on_later(function, *local))
            || decides_something(function, kept)
    }

    /// Whether a method of the receiver is called that notes something on it, whatever its name is. A
    /// constant says nothing: `self.connection = None`.
    fn changes_receiver(&self, subject: &Subject<'_>) -> bool {
        let Some(class) = subject.class else {
            return false;
        };
        self.calls().any(|(_, callee, _)| {
            let Callee::Method {
                receiver: Operand::Local(LocalId(0)),
                name,
                ..
            } = callee
            else {
                return false;
            };
            let Lookup::Found(_, found) = subject.program.lookup(class, name, None) else {
                return false;
            };
            found.iter().any(|member| match member {
                MemberDef::Func(func) => {
                    let module = subject.program.module(func.module);
                    notes_something(&module.ir.function(func.func).body)
                }
                _ => false,
            })
        })
    }
}

/// Whether a body stores more than a constant to a field of its receiver.
fn notes_something(body: &Body) -> bool {
    let mut statements = body.blocks.iter().flat_map(|block| &block.statements);
    statements.any(|s| {
        matches!(
            &s.kind,
            StatementKind::SetField {
                object: Operand::Local(LocalId(0)),
                value: Operand::Local(_),
                ..
            }
        )
    })
}

/// Whether a test of one of these variables decides more than what is logged.
fn decides_something(function: &Function, kept: BTreeSet<LocalId>) -> bool {
    let body = &function.body;
    let derived = flow(function, kept.into_iter().collect());
    body.blocks.iter().any(|block| {
        let TerminatorKind::Branch {
            cond: Operand::Local(cond),
            then,
            otherwise,
            role,
            ..
        } = &block.terminator.kind
        else {
            return false;
        };
        if !derived.contains(cond) || matches!(role, BranchRole::Handler | BranchRole::Swallow) {
            return false;
        }
        let (one, other) = (body.reach(*then, None), body.reach(*otherwise, None));
        let mut only = one.symmetric_difference(&other);
        only.any(|at| does_something(function, *at))
    })
}

/// Whether a block stores something, leaves the function, or calls what is not known to keep quiet.
fn does_something(function: &Function, at: BlockId) -> bool {
    let block = function.body.block(at);
    let stores = block.statements.iter().any(|s| match &s.kind {
        StatementKind::SetField { .. }
        | StatementKind::SetItem { .. }
        | StatementKind::SetGlobal { .. } => true,
        StatementKind::Assign(local, _) => is_variable(function, *local),
        _ => false,
    });
    stores
        || match &block.terminator.kind {
            TerminatorKind::Return { implicit, .. } => !implicit,
            TerminatorKind::Raise { .. } => true,
            TerminatorKind::Eval {
                rvalue: Rvalue::Call { callee, .. },
                ..
            } => {
                let Called { name, on } = called(function, callee);
                let logs = is_log_method(&name) || on.as_ref().is_some_and(|on| is_logger_name(on));
                CHANGES.contains(&name.as_str())
                    || !logs && !is_quiet(&name, on.as_deref().unwrap_or_default())
            }
            _ => false,
        }
}

/// Whether what a variable holds is returned, stored, or given to a call that does more than log, by
/// itself or in what is made of it: a tuple, a dict, the payload of an `Ok`.
fn hands_on_later(function: &Function, local: LocalId) -> bool {
    let mut holding = vec![local];
    let mut at = 0;
    while at < holding.len() {
        let is = |operand: &Operand| *operand == Operand::Local(holding[at]);
        let hold = |rvalue: &Rvalue| match rvalue {
            Rvalue::Use(operand) => is(operand),
            Rvalue::Tuple(items) | Rvalue::List(items) | Rvalue::Set(items) => {
                items.iter().any(|item| is(&item.value))
            }
            Rvalue::Dict(items) => items.iter().any(|item| match item {
                DictItem::Pair(_, value) => is(value),
                DictItem::Spread(_) => false,
            }),
            Rvalue::Data(Data::Variant { fields, .. } | Data::Record { fields, .. }) => {
                fields.iter().any(|(_, value)| is(value))
            }
            _ => false,
        };
        let more = rvalues(function).filter_map(|(dest, rvalue)| dest.filter(|_| hold(rvalue)));
        let more: Vec<LocalId> = more.filter(|dest| !holding.contains(dest)).collect();
        holding.extend(more);
        at += 1;
    }
    hands_on(function, &holding)
}

/// Which outcome of the branch that catches means a failure.
fn taken(function: &Function, catch: Catch, swallowed: &Swallowed) -> bool {
    let terminator = &function.body.block(catch.block).terminator;
    if let TerminatorKind::Branch {
        role: BranchRole::Handler | BranchRole::Swallow,
        ..
    } = terminator.kind
    {
        return true;
    }
    let mut events = swallowed.events.iter().rev();
    let decided = events.find_map(|e| match e.what {
        EventKind::Decision(_, taken) if e.func == catch.func && e.span == terminator.span => {
            Some(taken)
        }
        _ => None,
    });
    decided.unwrap_or(true)
}

/// Whether a value is the exception that was caught.
fn is_exception(function: &Function, value: &Rvalue) -> bool {
    match value {
        Rvalue::Use(Operand::Local(from)) => {
            function.body.locals[from.index()].kind == LocalKind::Exception
        }
        _ => false,
    }
}
