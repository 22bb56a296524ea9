//! Writes that failed and were caught before a success is claimed, and that nobody asks for.

use std::collections::BTreeSet;

use rustc_hash::FxHashSet;

use super::Suspects;
use super::claims::{Claim, Says};
use super::code::{Code, named_store};
use crate::engine::values::state::State;
use crate::engine::witness::Path;
use crate::engine::{Engine, is_log_method, is_logger_name};
use crate::ir::data::FAILURE;
use crate::ir::{
    Arg, BlockId, BranchRole, Callee, Data, Function, LocalId, Operand, Rvalue, StatementKind,
    TerminatorKind,
};
use crate::program::FuncRef;
use crate::rules::failed_write::code::{called, given_to, is_variable};
use crate::rules::failed_write::handling::Handling;
use crate::rules::failed_write::refusal::refuses;
use crate::rules::failed_write::watch::Swallower;
use crate::rules::failed_write::{Ground, Lost};
use crate::rules::tables::collections::STORES;
use crate::rules::tables::outcomes::{is_success_flag, names_status, records_failure};
use crate::rules::tables::tracks_errors;
use crate::settings::Writes;

impl Code<'_> {
    /// The branches that catch something, or ask a result whether it is a failure, and after which a claim comes
    /// that does not ask for it.
    pub(super) fn catches_before(&self, claim: &Claim<'_>) -> Vec<BlockId> {
        if matches!(claim.says, Says::Ends | Says::Chooses) {
            return Vec::new();
        }
        let blocks = (0u32..).map(BlockId).zip(&self.function.body.blocks);
        let catches = blocks.filter_map(|(at, block)| {
            let TerminatorKind::Branch { cond, role, .. } = &block.terminator.kind else {
                return None;
            };
            let asks = |cond: &Operand| match cond {
                Operand::Local(cond) => matches!(
                    self.only[cond.index()],
                    Some(Rvalue::Data(Data::IsVariant { .. }))
                ),
                Operand::Const(_) => false,
            };
            let catches = !matches!(role, BranchRole::If | BranchRole::While)
                || asks(cond)
                || refuses(self.function, at).is_some();
            (catches && self.is_unheard(at, claim)).then_some(at)
        });
        catches.collect()
    }

    /// Whether nobody asks for a failure that was caught here, and the claim is about the same run.
    fn is_unheard(&self, handler: BlockId, claim: &Claim<'_>) -> bool {
        let Some(mut values) = kept(self, handler) else {
            return false;
        };
        let first = first_of(self, handler);
        if self.stands_beside(&self.carried_by(values.clone(), claim), first, claim) {
            return false;
        }
        values.extend(self.read_of(&self.set_instead(first)));
        let carried = self.carried_by(values, claim);
        !self.is_taken_back(first, claim)
            && self.leads_to(first, claim.block)
            && !self.is_heard(&carried, handler, claim)
    }
}

impl Suspects<'_, '_> {
    /// A path that claims a success after a write has failed and was caught.
    pub(super) fn caught(
        &self,
        ground: &mut Ground<'_, '_>,
        writes: &Writes,
        (claim, catches): (&Claim<'_>, &[BlockId]),
    ) -> Option<(Lost, Path)> {
        if catches.is_empty() {
            return None;
        }
        let func = ground.subject.func;
        let program = ground.subject.program;
        let wanted = |_: &Engine<'_>, _: &State, lost: &Lost| {
            let Some(Swallower::Catch(catch)) = lost.by else {
                return false;
            };
            !lost.is_excused(program, writes)
                && !catch.manager
                && catch.func == func
                && catches.contains(&catch.block)
                && self.code.is_quiet(catch.block, lost, func)
        };
        ground.arrival(claim.block, &wanted)
    }
}

/// The block to which a branch goes that catches, or that asks whether a write was refused.
fn first_of(code: &Code<'_>, handler: BlockId) -> BlockId {
    match &code.function.body.block(handler).terminator.kind {
        TerminatorKind::Branch {
            then,
            otherwise,
            role,
            ..
        } => match refuses(code.function, handler) {
            Some(refusal) if !refusal.outcome => *otherwise,
            None if !matches!(role, BranchRole::Handler | BranchRole::Swallow) => handler,
            _ => *then,
        },
        _ => handler,
    }
}

/// Which outcome of a branch is that of a failure.
fn failing(code: &Code<'_>, branch: BlockId) -> bool {
    let function = code.function;
    if let Some(refusal) = refuses(function, branch) {
        return refusal.outcome;
    }
    first_of(code, branch) != branch
        || asks_for_failure(function, &function.body.block(branch).terminator.kind)
}

impl Code<'_> {
    /// Whether what is done about a failure tells nobody.
    fn is_quiet(&self, handler: BlockId, lost: &Lost, func: FuncRef) -> bool {
        let function = self.function;
        let rows = match lost.failed_at {
            Some((of, at)) if of == func => given_to(function, at),
            _ => Default::default(),
        };
        let handling = Handling::after(function, handler, failing(self, handler));
        !self.tells_of(&handling, &rows, None)
    }

    /// Whether somebody is told, or given, what was caught: a call may look at it, or it is put where
    /// others look, or the unit gets something else instead. `rows` are the variables that the write was
    /// given, `counted` is what leads to where it is counted, and the call that counts it, if one does.
    pub(super) fn tells_of(
        &self,
        handling: &Handling<'_>,
        rows: &BTreeSet<LocalId>,
        counted: Option<(LocalId, Option<BlockId>)>,
    ) -> bool {
        let count = counted.map(|(count, _)| count);
        let counting = counted.and_then(|(_, call)| call);
        let shares = handling.statements().any(|statement| match statement {
            StatementKind::SetGlobal { .. } => true,
            StatementKind::SetField { object, .. } | StatementKind::SetItem { object, .. } => {
                let root = self.root(object);
                let is_unit = root.is_some_and(|root| self.unit_of(root).is_some());
                (is_unit || self.is_shared(object)) && (count.is_none() || root != count)
            }
            _ => false,
        });
        // Who is given nothing but constants learns nothing of what is counted.
        let given = |args: &[Arg]| {
            let mut args = args.iter();
            args.any(|arg| matches!(arg.value, Operand::Local(_)))
        };
        let calls = |(at, callee, args): (BlockId, &Callee, &[Arg])| {
            if counting == Some(at) {
                return false;
            }
            let called = called(self.function, callee);
            let on = called.on.unwrap_or_default();
            if tracks_errors(&called.name, &on) {
                return true;
            }
            let stores = STORES.contains(&called.name.as_str());
            let shared = matches!(callee, Callee::Method { receiver, .. }
                if self.is_shared(receiver) && (count.is_none() || self.root(receiver) != count));
            let records = records_failure(&called.name)
                && !is_log_method(&called.name)
                && !is_logger_name(&on);
            stores && shared && !is_logger_name(&on)
                || records
                || !self.only_shows(callee)
                    && (count.is_none() || given(args))
                    && handling.is_somebody(at, (callee, args), rows)
        };
        shares || handling.calls().any(calls)
    }

    /// Whether another status may be stored from a block on in what a claim answers.
    pub(super) fn is_taken_back(&self, from: BlockId, claim: &Claim<'_>) -> bool {
        let reached = self.function.body.reach(from, None);
        let mut statements = reached
            .iter()
            .flat_map(|at| &self.function.body.block(*at).statements);
        statements.any(|statement| {
            named_store(&statement.kind).is_some_and(|(object, name)| {
                let root = self.root(object);
                (names_status(name) || is_success_flag(name))
                    && root.is_some_and(|root| claim.held.contains(&root))
            })
        })
    }

    /// Whether others have an object, too.
    fn is_shared(&self, object: &Operand) -> bool {
        let params = self.function.params.len();
        let root = self.root(object);
        root.is_none_or(|root| root.index() < params || !is_variable(self.function, root))
    }
}

/// Whether a branch asks whether a result is a failure, and not whether it is a success.
fn asks_for_failure(function: &Function, branch: &TerminatorKind) -> bool {
    let TerminatorKind::Branch {
        cond: Operand::Local(cond),
        ..
    } = branch
    else {
        return false;
    };
    matches!(
        function.body.only_value(*cond),
        Some(Rvalue::Data(Data::IsVariant { tag, .. })) if tag == FAILURE
    )
}

/// The variables that are changed only because something was caught; `None` if something else is.
fn kept(code: &Code<'_>, handler: BlockId) -> Option<FxHashSet<LocalId>> {
    let function = code.function;
    let handling = Handling::after(function, handler, failing(code, handler));
    let mut out = FxHashSet::default();
    for at in &handling.blocks {
        let block = function.body.block(*at);
        for statement in &block.statements {
            match &statement.kind {
                StatementKind::Assign(to, _) if is_variable(function, *to) => {
                    out.insert(*to);
                }
                StatementKind::SetField { object, .. } | StatementKind::SetItem { object, .. } => {
                    out.insert(code.root(object)?);
                }
                _ => {}
            }
        }
        if let TerminatorKind::Eval { dest, rvalue, .. } = &block.terminator.kind {
            out.extend(dest.filter(|dest| is_variable(function, *dest)));
            if let Rvalue::Call {
                callee: Callee::Method { receiver, name, .. },
                ..
            } = rvalue
                && STORES.contains(&name.as_str())
            {
                out.insert(code.root(receiver)?);
            }
        }
    }
    Some(out)
}
