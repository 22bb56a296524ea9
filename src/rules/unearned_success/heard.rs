//! Whether anybody asks what came of a failure: a test, a call that is given it, a caller that gets it. What is
//! only logged, or recorded beside the success, is asked by nobody.

use std::collections::BTreeSet;

use rustc_hash::FxHashSet;

use super::claims::{Claim, Says};
use super::code::{Code, Spot};
use super::inside::{Names, reads_of};
use super::tallies::{How, Tally};
use crate::engine::{is_log_method, is_logger_name};
use crate::ir::{
    BlockId, BranchRole, Callee, Literal, LocalId, LocalKind, Name, Operand, Rvalue, StatementKind,
    TerminatorKind,
};
use crate::rules::failed_write::code::{called, is_variable};
use crate::rules::failed_write::flow::rvalues;
use crate::rules::tables::collections::{PUTS, STORES};
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
    "vars",
    "get",
    "sleep",
    "type",
    "rjust",
    "ljust",
    "Counter",
    "defaultdict",
];

/// What carries a failure in a function.
#[derive(Default)]
pub(super) struct Carried {
    /// Locals that hold it, or something that was made of it.
    values: FxHashSet<LocalId>,
    /// Objects that hold it among other things.
    holders: FxHashSet<LocalId>,
    /// Locals that only tell whether there is something at all that may hold it.
    apart: FxHashSet<LocalId>,
    /// Results of calls on these objects that do not tell of it.
    mute: BTreeSet<LocalId>,
    /// Loops over it, by the first block of a round, whose variable holds other things elsewhere.
    rounds: Vec<BlockId>,
}

/// What asks nothing of a failure: the claim, and what the status is in.
#[derive(Clone, Copy)]
struct Aside<'a> {
    /// The claim.
    claim: Option<&'a Claim<'a>>,
    /// Names of places in which a value that was read there is put back.
    names: Option<&'a Names>,
}

impl<'a> Aside<'a> {
    /// What stands beside a claim.
    fn of(claim: &'a Claim<'a>) -> Self {
        let claim = Some(claim);
        Self { claim, names: None }
    }

    fn is_named(self, name: &Name) -> bool {
        self.names.is_some_and(|names| names.contains_key(name))
    }

    fn held(self) -> &'a [LocalId] {
        self.claim.map_or(&[], |claim| &claim.held)
    }

    fn root(self) -> Option<LocalId> {
        self.claim.and_then(|claim| claim.root)
    }

    fn is_claimed_at(self, at: BlockId) -> bool {
        self.claim
            .is_some_and(|claim| claim.block == at || claim.said_at.contains(&at))
    }

    fn holds(self, value: &Operand) -> bool {
        matches!(value, Operand::Local(local) if self.held().contains(local))
    }
}

impl Code<'_> {
    /// What carries what a failure is counted in: the place, and the flags that are set beside it.
    pub(super) fn carried(&self, tally: &Tally, claim: &Claim<'_>) -> Carried {
        let mut carried = Carried::default();
        let result = tally.inside.as_ref().and_then(|of| of.result.as_ref());
        if let Some(result) = result {
            let held = &result.held;
            carried.values.clone_from(&held.values);
            carried.holders.clone_from(&held.holders);
            carried.apart.clone_from(&held.apart);
        } else {
            self.start(&mut carried, &tally.spot);
            if let How::Behind(tried) = &tally.how {
                self.start(&mut carried, tried);
            }
        }
        if let Some(inside) = tally.inside.as_ref().filter(|_| result.is_none()) {
            // The object may go by another name as well.
            carried
                .values
                .extend(reads_of(self.function, &inside.names, &|_, _| true));
            carried.mute.clone_from(&inside.mute);
        }
        carried.values.extend(self.flags_beside(tally.block));
        carried
            .values
            .extend(self.read_of(&self.set_instead(tally.block)));
        self.spread(&mut carried, Aside::of(claim));
        carried
    }

    /// Adds what holds what is in a place, and what leads there.
    fn start(&self, carried: &mut Carried, spot: &Spot) {
        if spot.path.is_empty() {
            carried.values.insert(spot.root);
            return;
        }
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

    /// The variables that are set to a constant for the same reason for which a block runs.
    fn flags_beside(&self, block: BlockId) -> Vec<LocalId> {
        let mut out = Vec::new();
        for (at, of) in (0u32..).zip(&self.function.body.blocks) {
            let at = BlockId(at);
            let flags =
                of.statements
                    .iter()
                    .filter_map(|statement| match &statement.kind {
                        StatementKind::Assign(
                            to,
                            Rvalue::Use(Operand::Const(Literal::Bool(_))),
                        ) if is_variable(self.function, *to) => Some(*to),
                        _ => None,
                    });
            let mut flags = flags.peekable();
            if flags.peek().is_some() && self.runs_with(at, block) {
                out.extend(flags);
            }
        }
        out
    }

    /// The locals that hold what is in these places.
    pub(super) fn read_of(&self, spots: &[Spot]) -> FxHashSet<LocalId> {
        let whole = spots.iter().filter(|spot| spot.path.is_empty());
        let mut out: FxHashSet<LocalId> = whole.map(|spot| spot.root).collect();
        for (dest, rvalue) in rvalues(self.function) {
            if let (Some(dest), Rvalue::GetField(..) | Rvalue::GetItem(..)) = (dest, rvalue)
                && let Some(read) = self.spot(&Operand::Local(dest))
                && spots.contains(&read)
            {
                out.insert(dest);
            }
        }
        out
    }

    /// What carries what these locals hold, beside a claim.
    pub(super) fn carried_by(&self, values: FxHashSet<LocalId>, claim: &Claim<'_>) -> Carried {
        let mut carried = Carried {
            values,
            ..Carried::default()
        };
        self.spread(&mut carried, Aside::of(claim));
        carried
    }

    /// Adds what is made of what carries a failure.
    fn spread(&self, carried: &mut Carried, aside: Aside<'_>) {
        let held = aside.held();
        loop {
            let before = carried.values.len() + carried.holders.len();
            for (dest, rvalue) in rvalues(self.function) {
                let mut made = false;
                rvalue.for_each_operand(|operand| made |= carried.is_value(operand));
                if let Rvalue::Call { callee, args } = rvalue {
                    let on_holder = matches!(callee, Callee::Method { receiver, .. } if carried.is_holder(receiver));
                    // `stats.get("failed")`, `result.has_errors()`
                    made |= on_holder && !dest.is_some_and(|dest| carried.mute.contains(&dest));
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
                if let Some(dest) = dest.filter(|dest| made && !held.contains(dest))
                    && !carried.apart.contains(&dest)
                    && !carried.holders.contains(&dest)
                {
                    carried.values.insert(dest);
                }
            }
            for block in &self.function.body.blocks {
                if let TerminatorKind::ForNext {
                    iter, dest, body, ..
                } = block.terminator.kind
                    && carried.values.contains(&iter)
                {
                    if self.is_bound_once(dest) {
                        carried.values.insert(dest);
                    } else if !carried.rounds.contains(&body) {
                        carried.rounds.push(body);
                    }
                }
                for statement in &block.statements {
                    let (object, value) = match &statement.kind {
                        // What is put back was in the object before.
                        StatementKind::SetField { field, .. } if aside.is_named(field) => continue,
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

    /// Whether an answer that only says that the run has ended has the failures, or the results of all
    /// units with what became of each, beside that: whoever reads the one sees the other. `failed` is a
    /// block that only runs after a failure.
    pub(super) fn stands_beside(
        &self,
        carried: &Carried,
        failed: BlockId,
        claim: &Claim<'_>,
    ) -> bool {
        if !claim.ended || claim.says != Says::Returns {
            return false;
        }
        let beside = claim.beside.iter().map(|(_, value)| *value);
        let mut all = beside.chain(claim.spread.iter().copied());
        all.any(|value| carried.is_any(value) || self.is_noted_in(value, failed))
    }

    /// Whether something is put into a list for the same reason for which a block runs.
    fn is_noted_in(&self, list: &Operand, block: BlockId) -> bool {
        let Some(root) = self.root(list).filter(|root| self.is_made_here(*root)) else {
            return false;
        };
        let blocks = (0u32..).map(BlockId).zip(&self.function.body.blocks);
        let mut calls = blocks.filter_map(|(at, of)| match &of.terminator.kind {
            TerminatorKind::Eval {
                rvalue: Rvalue::Call { callee, .. },
                ..
            } => Some((at, callee)),
            _ => None,
        });
        calls.any(|(at, callee)| match callee {
            Callee::Method { receiver, name, .. } => {
                PUTS.contains(&name.as_str())
                    && self.root(receiver) == Some(root)
                    && self.runs_with(at, block)
            }
            Callee::Value(_) => false,
        })
    }

    /// Whether two blocks run for the same reason.
    fn runs_with(&self, at: BlockId, block: BlockId) -> bool {
        let graph = self.graph();
        at == block
            || (self.dominates(at, block) || self.dominates(block, at))
                && graph.handling.contains(&at) == graph.handling.contains(&block)
                && graph.control.deciders(at) == graph.control.deciders(block)
    }

    /// Whether only one loop, and nothing else, binds a local.
    fn is_bound_once(&self, local: LocalId) -> bool {
        let blocks = self.function.body.blocks.iter();
        let loops = blocks.filter(|block| {
            matches!(block.terminator.kind, TerminatorKind::ForNext { dest, .. } if dest == local)
        });
        loops.count() == 1 && !rvalues(self.function).any(|(dest, _)| dest == Some(local))
    }

    /// Whether an object is a variable's own: nobody else has it yet.
    fn is_made_here(&self, local: LocalId) -> bool {
        let kind = self.function.body.locals[local.index()].kind;
        matches!(kind, LocalKind::Var | LocalKind::Temp)
    }

    /// Whether somebody asks what is carried, from a block on, but for the claim itself and for what records
    /// it beside the claim.
    pub(super) fn is_heard(&self, carried: &Carried, from: BlockId, claim: &Claim<'_>) -> bool {
        let body = &self.function.body;
        let later = body.reach(claim.block, None);
        let earlier = self.leading_to(claim.block, None);
        let mut reached = body.reach(from, None).into_iter();
        reached.any(|at| {
            (later.contains(&at) || earlier.contains(&at))
                && self.asks(carried, at, Aside::of(claim))
        })
    }

    /// Whether the function asks what these locals hold, which it reads under these names, and does not only put
    /// it back there.
    pub(super) fn asks_anywhere(&self, values: FxHashSet<LocalId>, names: &Names) -> bool {
        let aside = Aside {
            claim: None,
            names: Some(names),
        };
        let mut carried = Carried {
            values,
            ..Carried::default()
        };
        self.spread(&mut carried, aside);
        let mut blocks = (0u32..).zip(&self.function.body.blocks);
        blocks.any(|(at, _)| self.asks(&carried, BlockId(at), aside))
    }

    /// Whether a block asks what is carried.
    fn asks(&self, carried: &Carried, at: BlockId, aside: Aside<'_>) -> bool {
        let block = self.function.body.block(at);
        let mut statements = block.statements.iter();
        statements.any(|statement| self.keeps(carried, &statement.kind, aside))
            || self.works_on(carried, at)
            || match &block.terminator.kind {
                TerminatorKind::Branch { cond, role, .. } => {
                    !matches!(role, BranchRole::Handler | BranchRole::Swallow)
                        && carried.is_any(cond)
                }
                TerminatorKind::Eval { rvalue, .. } => {
                    !aside.is_claimed_at(at) && self.hands_over(carried, rvalue, aside)
                }
                TerminatorKind::Return { value, .. } => {
                    carried.is_any(value) && !aside.holds(value) && !self.is_beside(value, aside)
                }
                TerminatorKind::Yield { value, .. } => carried.is_any(value),
                _ => false,
            }
    }

    /// Whether a statement puts what is carried where others may look.
    fn keeps(&self, carried: &Carried, statement: &StatementKind, aside: Aside<'_>) -> bool {
        let (object, value) = match statement {
            StatementKind::SetField { field, .. } if aside.is_named(field) => return false,
            StatementKind::SetField { object, value, .. }
            | StatementKind::SetItem { object, value, .. }
            | StatementKind::Overwrite { object, value } => (object, value),
            StatementKind::SetGlobal { value, .. } => return carried.is_any(value),
            _ => return false,
        };
        let root = self.root(object);
        carried.is_any(value)
            && !self.is_beside(object, aside)
            && !root.is_some_and(|root| self.is_made_here(root) || carried.holders.contains(&root))
    }

    /// Whether an object is what the status is stored in, or goes out with it.
    fn is_beside(&self, object: &Operand, aside: Aside<'_>) -> bool {
        let root = self.root(object);
        root.is_some_and(|root| aside.root() == Some(root) || aside.held().contains(&root))
    }

    /// Whether a call works on a unit that a loop takes of what is carried.
    fn works_on(&self, carried: &Carried, at: BlockId) -> bool {
        let TerminatorKind::Eval {
            rvalue: Rvalue::Call { callee, .. },
            ..
        } = &self.function.body.block(at).terminator.kind
        else {
            return false;
        };
        let mut rounds = carried.rounds.iter();
        !self.only_shows(callee) && rounds.any(|first| self.dominates(*first, at))
    }

    /// Whether a call only logs or shows what it is given, or gives it another form.
    pub(super) fn only_shows(&self, callee: &Callee) -> bool {
        let called = called(self.function, callee);
        let (name, on) = (called.name, called.on.unwrap_or_default());
        is_log_method(&name)
            || is_logger_name(&on)
            || FORMS.contains(&name.as_str())
            || shows(&name)
            || shows(&on)
            || tells(&name)
            || tells(&on)
    }

    /// Whether a call is given what is carried, and may ask it.
    fn hands_over(&self, carried: &Carried, rvalue: &Rvalue, aside: Aside<'_>) -> bool {
        let Rvalue::Call { callee, args } = rvalue else {
            return false;
        };
        let of_claim = |value: &Operand| {
            let root = aside.root();
            aside.holds(value) || root.is_some() && root == self.root(value)
        };
        // `errors.raise_if_any()`
        let asked = matches!(callee, Callee::Method { receiver, .. } if carried.is_value(receiver));
        let given = || {
            let mut args = args.iter();
            args.any(|arg| carried.is_any(&arg.value) && !of_claim(&arg.value))
        };
        // `self.all_errors.extend(loader.errors)`
        let kept = || match callee {
            Callee::Method { receiver, name, .. } if STORES.contains(&name.as_str()) => {
                let named = self
                    .spot(receiver)
                    .and_then(|spot| spot.path.last().cloned());
                let root = self.root(receiver);
                !root.is_some_and(|root| self.is_made_here(root))
                    && !self.is_beside(receiver, aside)
                    && !named.is_some_and(|name| aside.is_named(&name))
            }
            _ => false,
        };
        if self.only_shows(callee) {
            kept() && given()
        } else {
            asked || given()
        }
    }
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
