//! Whether anybody asks what came of a failure: a test, a call that is given it, a caller that gets it. What is
//! only logged, or recorded beside the success, is asked by nobody.

use rustc_hash::FxHashSet;

use super::claims::Claim;
use super::code::{Code, Spot};
use crate::engine::{is_log_method, is_logger_name};
use crate::ir::{
    BlockId, BranchRole, Callee, LocalId, LocalKind, Operand, Rvalue, StatementKind, TerminatorKind,
};
use crate::rules::failed_write::code::called;
use crate::rules::failed_write::flow::rvalues;
use crate::rules::tables::collections::STORES;
use crate::rules::tables::{shows, tells};

/// Calls that make something of a value and ask nothing.
const FORMS: &[&str] = &[
    "len",
    "str",
    "repr",
    "int",
    "float",
    "round",
    "sum",
    "min",
    "max",
    "sorted",
    "list",
    "set",
    "dict",
    "tuple",
    "join",
    "dumps",
    "format",
    "print",
    "echo",
    "secho",
    "style",
    "pformat",
    "pprint",
    "eprintln",
    "println",
    "to_string",
    "clone",
    "exc_info",
    "perf_counter",
    "time",
    "now",
    "strip",
    "split",
    "keys",
    "values",
    "items",
    "enumerate",
    "zip",
    "append",
    "extend",
    "add",
    "push",
    "insert",
    "update",
    "clear",
    "setdefault",
    "put",
    "most_common",
    "copy",
    "iter",
    "asdict",
    "get",
    "sleep",
    "type",
    "rjust",
    "ljust",
    "Counter",
    "defaultdict",
];

/// What carries a failure in a function.
pub(super) struct Carried {
    /// Locals that hold it, or something that was made of it.
    values: FxHashSet<LocalId>,
    /// Objects that hold it among other things.
    holders: FxHashSet<LocalId>,
}

impl Code<'_> {
    /// What carries what is kept in a place.
    pub(super) fn carried(&self, spot: &Spot, claim: &Claim<'_>) -> Carried {
        let mut carried = Carried {
            values: FxHashSet::default(),
            holders: FxHashSet::default(),
        };
        if spot.path.is_empty() {
            carried.values.insert(spot.root);
        } else {
            carried.holders.insert(spot.root);
            for (dest, rvalue) in rvalues(self.function) {
                if let (Some(dest), Rvalue::GetField(..) | Rvalue::GetItem(..)) = (dest, rvalue)
                    && let Some(read) = self.spot(&Operand::Local(dest))
                    && read.root == spot.root
                {
                    if read.path == spot.path {
                        carried.values.insert(dest);
                    } else if spot.path.starts_with(&read.path) {
                        carried.holders.insert(dest);
                    }
                }
            }
        }
        self.spread(&mut carried, claim);
        carried
    }

    /// What carries what these locals hold.
    pub(super) fn carried_by(&self, values: FxHashSet<LocalId>, claim: &Claim<'_>) -> Carried {
        let mut carried = Carried {
            values,
            holders: FxHashSet::default(),
        };
        self.spread(&mut carried, claim);
        carried
    }

    /// Adds what is made of what carries a failure.
    fn spread(&self, carried: &mut Carried, claim: &Claim<'_>) {
        loop {
            let before = carried.values.len() + carried.holders.len();
            for (dest, rvalue) in rvalues(self.function) {
                let mut made = false;
                rvalue.for_each_operand(|operand| made |= carried.is_value(operand));
                if let Rvalue::Call { callee, args } = rvalue {
                    let on_holder = matches!(callee, Callee::Method { receiver, .. } if carried.is_holder(receiver));
                    // `stats.get("failed")`, `result.has_errors()`
                    made |= on_holder;
                    let name = called(self.function, callee).name;
                    if let Callee::Method { receiver, .. } = callee
                        && STORES.contains(&name.as_str())
                        && args.iter().any(|arg| carried.is_any(&arg.value))
                        && let Some(root) = self.root(receiver)
                    {
                        carried.holders.insert(root);
                    }
                    made |= FORMS.contains(&name.as_str())
                        && args.iter().any(|arg| carried.is_holder(&arg.value));
                } else if !matches!(rvalue, Rvalue::GetField(..) | Rvalue::GetItem(..)) {
                    rvalue.for_each_operand(|operand| made |= carried.is_holder(operand));
                }
                if let Some(dest) = dest.filter(|dest| made && !claim.held.contains(dest)) {
                    carried.values.insert(dest);
                }
            }
            for block in &self.function.body.blocks {
                if let TerminatorKind::ForNext { iter, dest, .. } = block.terminator.kind
                    && carried.values.contains(&iter)
                {
                    carried.values.insert(dest);
                }
                for statement in &block.statements {
                    let (object, value) = match &statement.kind {
                        StatementKind::SetField { object, value, .. }
                        | StatementKind::SetItem { object, value, .. } => (object, value),
                        _ => continue,
                    };
                    if carried.is_any(value)
                        && let Some(root) = self.root(object)
                        && self.is_made_here(root)
                    {
                        carried.holders.insert(root);
                    }
                }
            }
            if carried.values.len() + carried.holders.len() == before {
                return;
            }
        }
    }

    /// Whether an object is a variable's own: nobody else has it yet.
    fn is_made_here(&self, local: LocalId) -> bool {
        let kind = self.function.body.locals[local.index()].kind;
        matches!(kind, LocalKind::Var | LocalKind::Temp)
    }

    /// Whether somebody asks what is carried, from a block on, but for the claim itself and for what records
    /// it beside the claim.
    pub(super) fn is_heard(&self, carried: &Carried, from: BlockId, claim: &Claim<'_>) -> bool {
        let beside = |object: &Operand| {
            let root = self.root(object);
            root.is_some() && root == claim.root
                || root.is_some_and(|root| claim.held.contains(&root))
        };
        let body = &self.function.body;
        body.reach(from, None).into_iter().any(|at| {
            let block = body.block(at);
            let stored = block
                .statements
                .iter()
                .any(|statement| match &statement.kind {
                    StatementKind::SetField { object, value, .. }
                    | StatementKind::SetItem { object, value, .. }
                    | StatementKind::Overwrite { object, value } => {
                        carried.is_any(value)
                            && !beside(object)
                            && !self.root(object).is_some_and(|root| {
                                self.is_made_here(root) || carried.holders.contains(&root)
                            })
                    }
                    StatementKind::SetGlobal { value, .. } => carried.is_any(value),
                    _ => false,
                });
            stored
                || match &block.terminator.kind {
                    TerminatorKind::Branch { cond, role, .. } => {
                        !matches!(role, BranchRole::Handler | BranchRole::Swallow)
                            && carried.is_any(cond)
                    }
                    TerminatorKind::Eval { rvalue, .. } => {
                        at != claim.block && self.hands_over(carried, rvalue, claim)
                    }
                    TerminatorKind::Return { value, .. } => {
                        carried.is_any(value) && !is_held(claim, value) && !beside(value)
                    }
                    TerminatorKind::Yield { value, .. } => carried.is_any(value),
                    _ => false,
                }
        })
    }

    /// Whether a call is given what is carried, and may ask it.
    fn hands_over(&self, carried: &Carried, rvalue: &Rvalue, claim: &Claim<'_>) -> bool {
        let Rvalue::Call { callee, args } = rvalue else {
            return false;
        };
        let name = called(self.function, callee).name;
        let on = called(self.function, callee).on.unwrap_or_default();
        let quiet = is_log_method(&name)
            || is_logger_name(&on)
            || FORMS.contains(&name.as_str())
            || shows(&name)
            || shows(&on)
            || tells(&name)
            || tells(&on);
        let of_claim = |value: &Operand| {
            is_held(claim, value) || {
                let root = self.root(value);
                root.is_some() && root == claim.root
            }
        };
        !quiet
            && args
                .iter()
                .any(|arg| carried.is_any(&arg.value) && !of_claim(&arg.value))
    }
}

fn is_held(claim: &Claim<'_>, value: &Operand) -> bool {
    matches!(value, Operand::Local(local) if claim.held.contains(local))
}

impl Carried {
    fn is_value(&self, operand: &Operand) -> bool {
        matches!(operand, Operand::Local(local) if self.values.contains(local))
    }

    fn is_holder(&self, operand: &Operand) -> bool {
        matches!(operand, Operand::Local(local) if self.holders.contains(local))
    }

    fn is_any(&self, operand: &Operand) -> bool {
        self.is_value(operand) || self.is_holder(operand)
    }
}
