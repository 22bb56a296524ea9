//! Whether a position that moves covers the rows of a write that failed before.

use std::collections::BTreeSet;

use rustc_hash::FxHashSet;

use super::failure::Failure;
use super::moves::{Position, locals, locals_of};
use super::reach::only_after;
use crate::engine::Engine;
use crate::engine::values::origins::Origin;
use crate::engine::values::state::State;
use crate::engine::values::value::Value;
use crate::ir::{
    Arg, BlockId, Body, Callee, Function, Literal, LocalId, LocalKind, Operand, Rvalue,
    StatementKind, TerminatorKind,
};
use crate::presets::Moves;
use crate::program::{FuncRef, Program};
use crate::rules::failed_write::Lost;
use crate::rules::failed_write::code::{call_at, called, callee_of, calls, holder, root, texts};
use crate::rules::failed_write::flow::{flow, is_only_logged, logs, origins as made_of, sources};
use crate::rules::failed_write::units::{taken_for, units};
use crate::rules::known::known_call;
use crate::rules::tables::{
    begins_reading, cleans_up, gives_back, goes_back, is_failed_mark, is_harmless, names_position,
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

/// How a function moves a position after the write that was lost has failed; `None` if the position does not
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
        .or_else(|| leads_to(program, (func, writes), lost))?;
    let failure = Failure::of(program, (func, failed), lost);
    let handled = handled(program, func, &failure, lost);
    if failure.is_decided(function, position.at)
        || is_looked_after(program, (func, writes), (&failure, &handled), position)
        || tries_the_same(function, position, &failure)
    {
        return None;
    }
    match position.moves {
        Moves::Offset => reaches(function, position, &failure).then_some(Covered::Rows),
        Moves::Message => covers_message(function, position, &failure),
        Moves::Kept => covers_kept(function, position, &failure),
    }
}

/// The call of a function of the program in which the write failed and the failure was caught.
fn leads_to(
    program: &Program<'_>,
    (func, writes): (FuncRef, &Writes),
    lost: &Lost,
) -> Option<BlockId> {
    let (within, _) = lost.failed_at?;
    let leads = |(_, callee): &(BlockId, FuncRef)| {
        let mut next = followed_calls(program, *callee).into_iter();
        *callee == within || next.any(|(_, callee)| callee == within)
    };
    let mut followed = followed_calls(program, func).into_iter();
    let found = followed.find(leads).or_else(|| {
        let module = program.module(func.module);
        let blocks = module.ir.function(func.func).body.blocks.len();
        let on_objects = (0u32..).map(BlockId).take(blocks).filter_map(|at| {
            let callee = program.call_inside(&writes.presets, (func, at))?;
            Some((at, callee))
        });
        on_objects.into_iter().find(leads)
    });
    found.map(|(at, _)| at)
}

/// The calls of functions of the program that a function makes.
pub(super) fn followed_calls(program: &Program<'_>, func: FuncRef) -> Vec<(BlockId, FuncRef)> {
    let module = program.module(func.module);
    let function = module.ir.function(func.func);
    calls(function)
        .filter_map(|(at, callee, _)| Some((at, callee_of(program, func, callee)?)))
        .collect()
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
    let written = takes(function, failed);
    let mut lost = params(function, &written);
    let given: Vec<LocalId> = written.iter().map(|local| root(function, *local)).collect();
    let rows = rows(function, written);
    // Rows in a display have no name by which a call could mean them.
    let are_unnamed = rows.is_empty() && !given.iter().any(|local| lost.contains(local));
    lost.extend(rows);
    let handed_on = handled.iter().any(|at| {
        let Some((callee, args)) = call_at(function, *at) else {
            return false;
        };
        *at != position.at
            && is_given(function, args, &lost)
            && hands_on(function, callee)
            && !is_only_logged(function, *at)
    });
    let puts_aside = |at: BlockId| {
        let Some((callee, args)) = call_at(function, at) else {
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
        // Elsewhere, a call may be about something else: `retry(self.connect)`.
        if puts_aside(at) && (are_unnamed || is_about(function, at, failed)) {
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

/// The variables among locals.
fn variables_among(function: &Function, locals: &FxHashSet<LocalId>) -> BTreeSet<LocalId> {
    let variables = locals.iter().filter(|local| is_assigned(function, **local));
    variables.copied().collect()
}

/// Whether an argument is made of rows that these variables hold, or is the parameter that holds them.
fn is_given(function: &Function, args: &[Arg], lost: &BTreeSet<LocalId>) -> bool {
    let args = locals(args.iter().map(|arg| &arg.value));
    params(function, &args).iter().any(|of| lost.contains(of))
        || args
            .iter()
            .any(|local| lost.contains(&root(function, *local)))
        || rows(function, args).iter().any(|of| lost.contains(of))
}

/// The parameters that values are, or that stand in lists and the like: `[order]`.
fn params(function: &Function, of: &BTreeSet<LocalId>) -> BTreeSet<LocalId> {
    let mut open: Vec<LocalId> = of.iter().copied().collect();
    let mut out = BTreeSet::new();
    let mut seen = BTreeSet::new();
    while let Some(local) = open.pop() {
        let local = root(function, local);
        if !seen.insert(local) {
            continue;
        }
        if is_parameter(function, local) {
            out.insert(local);
        }
        if let Some(
            display @ (Rvalue::List(_) | Rvalue::Tuple(_) | Rvalue::Set(_) | Rvalue::Dict(_)),
        ) = function.body.only_value(local)
        {
            display.for_each_operand(|operand| {
                if let Operand::Local(item) = operand {
                    open.push(*item);
                }
            });
        }
    }
    out
}

/// Whether a call that puts something aside may mean the rows of a write: it is given nothing else, or goes back to
/// where reading began.
fn is_about(function: &Function, at: BlockId, failed: BlockId) -> bool {
    match &function.body.block(at).terminator.kind {
        TerminatorKind::Eval {
            rvalue: Rvalue::Call { callee, args },
            ..
        } => {
            args.is_empty()
                || goes_back(&called(function, callee).name)
                || shares(function, args, failed)
        }
        _ => false,
    }
}

/// Whether the arguments come from the same rows, or from the same item of a loop, as those of the call at
/// the end of a block.
fn shares(function: &Function, args: &[Arg], at: BlockId) -> bool {
    let of = |locals: BTreeSet<LocalId>| sources(function, locals.into_iter().collect());
    let given = of(locals(args.iter().map(|arg| &arg.value)));
    let common: FxHashSet<LocalId> = of(takes(function, at))
        .intersection(&given)
        .copied()
        .collect();
    !variables_among(function, &common).is_empty() || !units(function, &common).is_empty()
}

/// The variables that values come from, also through comprehensions. Clients are no rows.
fn rows(function: &Function, of: BTreeSet<LocalId>) -> BTreeSet<LocalId> {
    variables_among(function, &sources(function, of.into_iter().collect()))
}

/// Whether a call does more with rows than look at them.
fn hands_on(function: &Function, callee: &Callee) -> bool {
    let name = called(function, callee).name;
    !logs(function, callee) && !is_harmless(&name) && !cleans_up(&name)
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
        for local in variables_among(function, &common) {
            let made = assignments(function, local).into_iter();
            taken.extend(made.map(|at| (at, local)));
        }
    }
    let same =
        |(made, _): &(BlockId, LocalId)| failure.reach(body, Some(*made)).contains(&position.at);
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
    if is_of_an_earlier_round(function, position, failure) {
        return None;
    }
    let origins = made_of(function, values.iter().copied().collect());
    let written = takes(function, failed);
    let is_of = |unit: LocalId| {
        let known = flow(function, [unit].into_iter().collect());
        written.iter().any(|local| known.contains(local))
    };
    let units = units(function, &origins);
    // The failed rows are left, and what changes the position are the rows after them.
    let passes_on = |behind: LocalId, at: &BlockId| {
        let left = |made: BlockId, unit: LocalId| {
            let mut again = read_by(function, behind, unit).into_iter();
            again.all(|from| from != made && failure.reach(body, Some(from)).contains(&made))
                && !failure.reach(body, Some(made)).contains(at)
        };
        let mut units = units.iter();
        units.any(|(made, unit)| is_of(*unit) && left(*made, *unit))
            && failure.passes(
                body,
                &BTreeSet::from([changed_at(body, *at, behind)]),
                position.at,
            )
    };
    for behind in variables_among(function, &origins) {
        let changes = changes(function, behind);
        let later = changes
            .iter()
            .filter(|at| afterwards.contains(at) || again.contains(at));
        let later: Vec<&BlockId> = later.collect();
        if !later.is_empty()
            && later.iter().all(|at| !without_success.contains(at))
            && !later.iter().any(|at| passes_on(behind, at))
        {
            // It tells what was stored.
            return None;
        }
        let before = changes
            .iter()
            .any(|at| body.reach(*at, None).contains(&failed));
        read |= before && later.iter().any(|at| without_success.contains(at));
    }
    for (made, unit) in units {
        let same = failure.reach(body, Some(made)).contains(&position.at);
        let of_unit =
            |value: &&LocalId| made_of(function, FxHashSet::from_iter([**value])).contains(&unit);
        // With a name of its own beside the value, each unit has a position of its own.
        let several = values.iter().filter(of_unit).count() > 1;
        if !same && (several || !is_of(unit)) {
            return None;
        }
    }
    Some(if read { Covered::Read } else { Covered::Rows })
}

/// The block in which a variable has the value that a block gives it. What raises instead gives it none.
fn changed_at(body: &Body, at: BlockId, variable: LocalId) -> BlockId {
    match body.block(at).terminator.kind {
        TerminatorKind::Eval { dest, normal, .. } if dest == Some(variable) => normal,
        _ => at,
    }
}

/// The calls that are given what a variable holds, and give a unit: `source.read_after(cursor)` gives again what was
/// not stored.
fn read_by(function: &Function, variable: LocalId, unit: LocalId) -> Vec<BlockId> {
    let behind = sources(function, FxHashSet::from_iter([unit]));
    let reads = calls(function).filter(|(at, _, args)| {
        let TerminatorKind::Eval { dest, .. } = function.body.block(*at).terminator.kind else {
            return false;
        };
        let mut given = locals(args.iter().map(|arg| &arg.value)).into_iter();
        dest.is_some_and(|dest| behind.contains(&dest))
            && given.any(|local| root(function, local) == variable)
    });
    reads.map(|(at, ..)| at).collect()
}

/// Whether a position holds what an earlier round gave it: on no way is it changed after the rows that
/// failed have been taken and before it moves.
fn is_of_an_earlier_round(function: &Function, position: &Position, failure: &Failure) -> bool {
    let body = &function.body;
    let values = locals_of(position);
    let origins = made_of(function, values.iter().copied().collect());
    let taken = taken_for(function, &origins, failure.failed);
    let leads_on = |at: &BlockId| {
        let on =
            |to: BlockId, made: &BlockId| body.reach(to, Some(*made)).contains(&failure.failed);
        let mut next = successors(body, *at).into_iter();
        next.any(|to| taken.iter().all(|made| on(to, made)))
    };
    let values = values.into_iter().map(|local| holder(function, local));
    let changes: BTreeSet<BlockId> = values.flat_map(|local| changes(function, local)).collect();
    !taken.is_empty()
        && !changes.contains(&failure.failed)
        && !changes.iter().any(leads_on)
        && !failure.passes(body, &changes, position.at)
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
pub(super) fn takes(function: &Function, at: BlockId) -> BTreeSet<LocalId> {
    let mut out = BTreeSet::new();
    if let Some((callee, args)) = call_at(function, at) {
        out = locals(args.iter().map(|arg| &arg.value));
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

pub(super) fn successors(body: &Body, at: BlockId) -> Vec<BlockId> {
    let mut next = Vec::new();
    let terminator = &body.block(at).terminator.kind;
    terminator.for_each_successor(|to| next.push(to));
    next
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

fn is_parameter(function: &Function, local: LocalId) -> bool {
    function.body.locals[local.index()].kind == LocalKind::Param
}

/// Whether a local is a variable that the function assigns.
pub(super) fn is_assigned(function: &Function, local: LocalId) -> bool {
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
        is_assigned(function, variable)
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
