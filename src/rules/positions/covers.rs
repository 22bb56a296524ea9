//! Whether a position that moves covers the rows of a write that failed before.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use rustc_hash::FxHashSet;

use super::moves::{Position, helper, locals_of, texts};
use super::reach::{Known, known_after, only_after, reach_by, reach_from, told_by};
use crate::engine::values::origins::Origin;
use crate::engine::values::state::State;
use crate::engine::values::value::Value;
use crate::engine::{Engine, is_log_method, is_logger_name};
use crate::ir::{
    Arg, BlockId, Body, BranchRole, Callee, Function, Literal, LocalId, LocalKind, Operand, Rvalue,
    StatementKind, TerminatorKind,
};
use crate::presets::Moves;
use crate::program::{FuncRef, Program};
use crate::rules::failed_write::Lost;
use crate::rules::failed_write::code::{called, holder};
use crate::rules::failed_write::flow::{flow, origins as made_of, sources};
use crate::rules::failed_write::refusal::refuses;
use crate::rules::failed_write::watch::Swallower;
use crate::rules::known::known_call;
use crate::rules::tables::{
    begins_reading, gives_back, is_failed_mark, is_harmless, names_position, shows,
};
use crate::settings::Writes;

/// What a position that moves after a failure says of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::rules) enum Covered {
    /// It covers the rows that were not stored.
    Rows,
    /// It does, and it was taken from the rows that were read.
    Read,
}

/// How a function moves a position after the write in `failed` has failed; `None` if the position does not
/// cover those rows, or somebody looks after them.
pub(in crate::rules) fn covered(
    program: &Program<'_>,
    (func, writes): (FuncRef, &Writes),
    position: &Position,
    lost: &Lost,
) -> Option<Covered> {
    let module = program.module(func.module);
    let function = module.ir.function(func.func);
    let failed = lost
        .shows_in(func)
        .or_else(|| leads_to(program, func, lost))?;
    let failure = Failure::of(program, (func, failed), lost);
    let handled = handled(program, func, &failure, lost);
    if is_looked_after(program, (func, writes), (&failure, &handled), position) {
        return None;
    }
    if tries_the_same(function, position, &failure) {
        return None;
    }
    match position.moves {
        Moves::Offset => reaches(function, position, &failure).then_some(Covered::Rows),
        Moves::Message => covers_message(function, position, &failure),
        Moves::Kept => covers_kept(function, position, &failure),
    }
}

/// Where the failure of a write shows in the code of a function.
struct Failure {
    /// The write, or the call that leads to it.
    failed: BlockId,
    /// The branch that knows of the failure; the write itself if none does in this function.
    from: BlockId,
    /// The outcome of that branch if the write failed.
    taken: bool,
    /// Whether a helper caught it, so that its call returns.
    in_helper: bool,
    /// Whether the first handler caught it for good, so that no other one has seen it.
    caught_at_once: bool,
    /// The flags that are set then.
    known: OnceCell<Known>,
}

impl Failure {
    fn of(program: &Program<'_>, (func, failed): (FuncRef, BlockId), lost: &Lost) -> Self {
        let module = program.module(func.module);
        let function = module.ir.function(func.func);
        let (from, taken) = match lost.by {
            Some(Swallower::Catch(catch)) if catch.func == func => (catch.block, true),
            Some(Swallower::Catch(catch)) => {
                let told = told_by(program, (catch.func, catch.block), function, failed);
                told.unwrap_or((failed, true))
            }
            _ => (failed, true),
        };
        let taken = refuses(function, from).map_or(taken, |refusal| refusal.outcome);
        Self {
            failed,
            from,
            taken,
            in_helper: matches!(lost.by, Some(Swallower::Catch(catch)) if catch.func != func),
            caught_at_once: lost.passed_on_by.is_empty()
                && matches!(lost.by, Some(Swallower::Catch(catch)) if catch.func == func && catch.block == from),
            known: OnceCell::new(),
        }
    }

    /// Where the function goes on after the failure.
    fn next(&self, body: &Body) -> Vec<BlockId> {
        match &body.block(self.from).terminator.kind {
            TerminatorKind::Branch {
                then, otherwise, ..
            } => vec![if self.taken { *then } else { *otherwise }],
            other => {
                let mut next = Vec::new();
                other.for_each_successor(|to| next.push(to));
                next
            }
        }
    }

    /// What can be reached after the failure without passing a block.
    fn reach(&self, body: &Body, without: Option<BlockId>) -> BTreeSet<BlockId> {
        let known = self.known.get_or_init(|| known_after(body, self.from));
        reach_from(body, self.next(body), known, without)
    }

    /// What can be reached from the entry of the function if the write never works.
    fn without_success(&self, body: &Body) -> BTreeSet<BlockId> {
        let raised = self.is_raised(body);
        reach_by(body, &|at, terminator| match terminator {
            TerminatorKind::Eval { .. } if at == self.failed && self.caught_at_once => {
                Some(self.next(body))
            }
            TerminatorKind::Eval { unwind, .. } if at == self.failed && raised => {
                Some(unwind.iter().map(|unwind| unwind.target).collect())
            }
            TerminatorKind::Branch { .. } if at == self.from && !raised => Some(self.next(body)),
            _ => None,
        })
    }

    /// Whether the failure is an exception of the write, and not told by its result.
    fn is_raised(&self, body: &Body) -> bool {
        self.from == self.failed && !self.in_helper
            || matches!(
                body.block(self.from).terminator.kind,
                TerminatorKind::Branch {
                    role: BranchRole::Handler | BranchRole::Swallow,
                    ..
                }
            )
    }
}

/// The call of a function of the program in which the write failed and the failure was caught.
fn leads_to(program: &Program<'_>, func: FuncRef, lost: &Lost) -> Option<BlockId> {
    let (within, _) = lost.failed_at?;
    let module = program.module(func.module);
    let blocks = (0u32..).zip(&module.ir.function(func.func).body.blocks);
    let mut calls = blocks.filter(|(_, block)| match &block.terminator.kind {
        TerminatorKind::Eval {
            rvalue: Rvalue::Call { callee, .. },
            ..
        } => {
            let first = helper(program, func, callee);
            first.is_some_and(|first| first == within || calls(program, first, within))
        }
        _ => false,
    });
    calls.next().map(|(at, _)| BlockId(at))
}

/// Whether a function calls another one.
fn calls(program: &Program<'_>, func: FuncRef, wanted: FuncRef) -> bool {
    let module = program.module(func.module);
    let mut blocks = module.ir.function(func.func).body.blocks.iter();
    blocks.any(|block| match &block.terminator.kind {
        TerminatorKind::Eval {
            rvalue: Rvalue::Call { callee, .. },
            ..
        } => helper(program, func, callee) == Some(wanted),
        _ => false,
    })
}

/// What runs only because the write failed: after what caught the failure in the end, and in what caught it
/// before and passed it on.
fn handled(
    program: &Program<'_>,
    func: FuncRef,
    failure: &Failure,
    lost: &Lost,
) -> BTreeSet<BlockId> {
    let module = program.module(func.module);
    let function = module.ir.function(func.func);
    let before = lost.passed_on_by.iter().filter(|by| by.0 == func);
    let before = before.map(|(_, block)| (*block, true));
    let catches = before.chain([(failure.from, failure.taken)]);
    catches
        .flat_map(|(at, taken)| only_after(function, at, taken))
        .collect()
}

/// Whether the rows are given back, or handed to something that keeps them, between the failure and the
/// position.
fn is_looked_after(
    program: &Program<'_>,
    (func, writes): (FuncRef, &Writes),
    (failure, handled): (&Failure, &BTreeSet<BlockId>),
    position: &Position,
) -> bool {
    let module = program.module(func.module);
    let function = module.ir.function(func.func);
    let body = &function.body;
    if position.texts.iter().any(|text| is_failed_mark(text)) {
        return true;
    }
    let failed = failure.failed;
    let lost = rows(function, takes(function, failed));
    let handed_on = handled.iter().any(|at| {
        let TerminatorKind::Eval {
            rvalue: Rvalue::Call { callee, args },
            ..
        } = &body.block(*at).terminator.kind
        else {
            return false;
        };
        *at != position.at && is_given(function, args, &lost) && hands_on(function, callee)
    });
    let puts_aside = |at: BlockId| {
        let TerminatorKind::Eval {
            rvalue: Rvalue::Call { callee, args },
            ..
        } = &body.block(at).terminator.kind
        else {
            return false;
        };
        let named = called(function, callee);
        let known = || known_call(program, writes, (func, at));
        // `dead_letters.send(rows)`, `insert("dead_letters", rows)`
        let aside = || {
            named.on.as_deref().is_some_and(gives_back)
                || texts(args).iter().any(|text| gives_back(text))
        };
        gives_back(&named.name)
            || known().is_some_and(|known| known.gives_back)
            || aside() && is_given(function, args, &lost)
    };
    let mut before = handled.iter().filter(|at| **at != position.at);
    if handed_on || before.any(|at| puts_aside(*at)) {
        return true;
    }
    let mut open = failure.next(body);
    let mut seen = BTreeSet::new();
    while let Some(at) = open.pop() {
        if at == position.at || !seen.insert(at) {
            continue;
        }
        if puts_aside(at) {
            return true;
        }
        // Where the write is tried again, another round begins.
        body.block(at).terminator.kind.for_each_successor(|next| {
            if next != failed {
                open.push(next);
            }
        });
    }
    false
}

/// The variables of which values are made: what rows come from. Clients are no rows.
fn variables(function: &Function, of: BTreeSet<LocalId>) -> BTreeSet<LocalId> {
    let made = made_of(function, of.into_iter().collect());
    let rows = made
        .into_iter()
        .filter(|local| is_variable(function, *local));
    rows.collect()
}

/// Whether an argument is made of rows that these variables hold.
fn is_given(function: &Function, args: &[Arg], lost: &BTreeSet<LocalId>) -> bool {
    let given = args.iter().filter_map(|arg| match &arg.value {
        Operand::Local(local) => Some(*local),
        Operand::Const(_) => None,
    });
    let given = rows(function, given.collect());
    given.iter().any(|of| lost.contains(of))
}

/// The variables that rows come from, also through comprehensions.
fn rows(function: &Function, of: BTreeSet<LocalId>) -> BTreeSet<LocalId> {
    let made = sources(function, of.into_iter().collect());
    let rows = made
        .into_iter()
        .filter(|local| is_variable(function, *local));
    rows.collect()
}

/// Whether a call does more with rows than look at them.
fn hands_on(function: &Function, callee: &Callee) -> bool {
    let named = called(function, callee);
    let logs = is_log_method(&named.name) || named.on.as_deref().is_some_and(is_logger_name);
    !logs && !shows(&named.name) && !is_harmless(&named.name)
}

/// Whether the position can move after the failure.
fn reaches(function: &Function, position: &Position, failure: &Failure) -> bool {
    failure.reach(&function.body, None).contains(&position.at)
}

/// An acknowledgement covers the message whose rows were to be written, in the same round.
fn covers_message(function: &Function, position: &Position, failure: &Failure) -> Option<Covered> {
    let body = &function.body;
    let mut of: FxHashSet<LocalId> = locals_of(position).into_iter().collect();
    if of.is_empty() {
        of.extend(position.on);
    }
    let origins = made_of(function, of);
    if units(function, &origins).is_empty() {
        // What the function is given is one message.
        return Some(Covered::Rows);
    }
    let rows = takes(function, failure.failed).into_iter().collect();
    let rows = sources(function, rows);
    let common: FxHashSet<LocalId> = origins.intersection(&rows).copied().collect();
    let mut taken = units(function, &common);
    if taken.is_empty() {
        // The messages of a batch are acknowledged one after the other.
        let variables = common.iter().filter(|local| is_variable(function, **local));
        for local in variables {
            let made = assignments(function, *local).into_iter();
            taken.extend(made.map(|at| (at, *local)));
        }
    }
    let same = |(made, _): &(BlockId, LocalId)| {
        let same = failure.reach(body, Some(*made));
        same.contains(&position.at)
    };
    let same_round = !taken.is_empty() && taken.iter().all(same);
    same_round.then_some(Covered::Rows)
}

/// What is kept covers everything before it, unless it holds only what was stored, or is kept for
/// another unit.
fn covers_kept(function: &Function, position: &Position, failure: &Failure) -> Option<Covered> {
    let body = &function.body;
    let failed = failure.failed;
    let without_success = failure.without_success(body);
    if !reaches(function, position, failure) {
        return None;
    }
    let afterwards = failure.reach(body, None);
    let again = body.reach(failed, None);
    let values = locals_of(position);
    let mut read = false;
    for behind in variables(function, values.clone()) {
        let changes = changes(function, behind);
        let later = changes
            .iter()
            .filter(|at| afterwards.contains(at) || again.contains(at));
        let later: Vec<&BlockId> = later.collect();
        if !later.is_empty() && later.iter().all(|at| !without_success.contains(at)) {
            // It tells what was stored.
            return None;
        }
        let before = changes
            .iter()
            .any(|at| body.reach(*at, None).contains(&failed));
        read |= before && later.iter().any(|at| without_success.contains(at));
    }
    let origins = made_of(function, values.iter().copied().collect());
    let units = units(function, &origins);
    let several = values.len() > 1;
    let known = |unit: LocalId| flow(function, [unit].into_iter().collect());
    for (made, unit) in &units {
        let same = failure.reach(body, Some(*made)).contains(&position.at);
        let of_unit = takes(function, failed)
            .iter()
            .any(|local| known(*unit).contains(local));
        // With a name beside the value, each unit has a position of its own.
        if !same && (several || !of_unit) {
            return None;
        }
    }
    Some(if read { Covered::Read } else { Covered::Rows })
}

/// Whether a position stays where it was: what was read of it is put back.
pub(in crate::rules) fn stays(
    engine: &Engine<'_>,
    func: FuncRef,
    state: &State,
    position: &Position,
) -> bool {
    let values = locals_of(position);
    let mut given = values
        .iter()
        .filter_map(|local| state.env.get(local.index()))
        .peekable();
    let was_read = |v: Value| match engine.origin(state, v) {
        Some(Origin::Call(name, on, args)) => {
            let key = args.first().and_then(|v| engine.terms.literal(*v));
            let of_key = matches!(key, Some(Literal::Str(key)) if names_position(key));
            let names = || {
                engine
                    .names_of(func, on)
                    .iter()
                    .any(|on| names_position(on))
            };
            let on_state = || engine.name_of(on).is_some_and(|on| names_position(&on)) || names();
            begins_reading(&name) && (names_position(&name) || of_key || on_state())
        }
        _ => false,
    };
    given.peek().is_some() && given.all(was_read)
}

/// The locals that a call is given; without any, the one that it is called on.
fn takes(function: &Function, at: BlockId) -> BTreeSet<LocalId> {
    let mut out = BTreeSet::new();
    if let TerminatorKind::Eval {
        rvalue: Rvalue::Call { callee, args },
        ..
    } = &function.body.block(at).terminator.kind
    {
        out.extend(args.iter().filter_map(|arg| match &arg.value {
            Operand::Local(local) => Some(*local),
            Operand::Const(_) => None,
        }));
        if let Callee::Method {
            receiver: Operand::Local(on),
            ..
        } = callee
            && out.is_empty()
        {
            out.insert(*on);
        }
    }
    out
}

/// The items of loops among locals, and where each is taken; also what a call gives in a loop that is
/// asked for one item after the other.
fn units(function: &Function, among: &FxHashSet<LocalId>) -> Vec<(BlockId, LocalId)> {
    let body = &function.body;
    let blocks = (0u32..).zip(&body.blocks);
    let taken = blocks.filter_map(|(at, block)| {
        let at = BlockId(at);
        let dest = match &block.terminator.kind {
            TerminatorKind::ForNext { dest, .. } => *dest,
            TerminatorKind::Eval {
                dest: Some(dest),
                rvalue: Rvalue::Call { callee, .. },
                ..
            } if takes_next(&called(function, callee).name) && repeats(body, at) => *dest,
            _ => return None,
        };
        among.contains(&dest).then_some((at, dest))
    });
    taken.collect()
}

/// Whether a call asks for the next item: `consumer.poll()`, `queue.get()`.
fn takes_next(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let words = [
        "poll", "get", "receive", "recv", "next", "pop", "fetch", "read", "pull", "consume",
        "blpop", "xread",
    ];
    words
        .iter()
        .any(|word| lower.split('_').any(|part| part.starts_with(word)))
}

fn repeats(body: &Body, at: BlockId) -> bool {
    let mut next = Vec::new();
    body.block(at)
        .terminator
        .kind
        .for_each_successor(|to| next.push(to));
    next.iter().any(|to| body.reach(*to, None).contains(&at))
}

/// The blocks that assign a variable.
fn assignments(function: &Function, local: LocalId) -> BTreeSet<BlockId> {
    changed(function, local, false)
}

/// The blocks that assign a variable, or change what it holds.
fn changes(function: &Function, local: LocalId) -> BTreeSet<BlockId> {
    changed(function, local, true)
}

fn changed(function: &Function, local: LocalId, inside: bool) -> BTreeSet<BlockId> {
    let body = &function.body;
    let mut out = BTreeSet::new();
    for (at, block) in (0u32..).zip(&body.blocks) {
        let within = |on: LocalId| inside && holder(function, on) == local;
        let stores = block
            .statements
            .iter()
            .any(|statement| match &statement.kind {
                StatementKind::Assign(to, _) => *to == local,
                StatementKind::SetField {
                    object: Operand::Local(on),
                    ..
                }
                | StatementKind::SetItem {
                    object: Operand::Local(on),
                    ..
                } => within(*on),
                _ => false,
            });
        let binds = matches!(
            &block.terminator.kind,
            TerminatorKind::Eval { dest: Some(dest), .. } | TerminatorKind::ForNext { dest, .. }
                if *dest == local
        );
        if stores || binds {
            out.insert(BlockId(at));
        }
    }
    out
}

/// Whether a local is a variable that the function assigns.
fn is_variable(function: &Function, local: LocalId) -> bool {
    function.body.locals[local.index()].kind == LocalKind::Var
}

/// Whether the next write is given the same rows again: they are kept in a variable that nothing changes
/// on the way there, and the position moves only after that.
fn tries_the_same(function: &Function, position: &Position, failure: &Failure) -> bool {
    let body = &function.body;
    let failed = failure.failed;
    let way_back = failure.reach(body, Some(failed));
    let given = takes(function, failed);
    let kept = |local: &LocalId| {
        let variable = holder(function, *local);
        let assigned = assignments(function, variable);
        is_variable(function, variable)
            && !assigned.is_empty()
            && assigned.iter().all(|at| !way_back.contains(at))
    };
    !way_back.contains(&position.at)
        && failure.reach(body, None).contains(&failed)
        && given.iter().any(kept)
}

/// Whether rows that could not be written are read again, because no position of the function moves past
/// them.
pub(in crate::rules) fn comes_again(
    program: &Program<'_>,
    (func, writes): (FuncRef, &Writes),
    positions: &[Position],
    lost: &Lost,
) -> bool {
    let covers = |position: &Position| {
        covered(program, (func, writes), position, lost).is_some()
            || lost.shows_in(func) == Some(position.at)
    };
    !positions.is_empty() && !positions.iter().any(covers)
}
