//! `advance-past-failure`: a cursor, an offset or an acknowledgement moves past rows that were never
//! stored.
//!
//! The function is followed with the automaton of a failed write. It is reported if a path arrives,
//! after a write has failed, at a place that moves a position which covers those rows.
//!
//! What a position is, and which rows it covers, is in `rules/positions`; the findings are made in `report`,
//! and their fixes in `repair`.

mod repair;
mod report;

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::engine::Engine;
use crate::engine::summaries::library::Library;
use crate::engine::values::state::State;
use crate::engine::witness::Path;
use crate::ir::{BlockId, FuncIdx, Function, Rvalue, TerminatorKind};
use crate::program::{FuncRef, LoadedModule, Program};
use crate::rules::contract_method::Subject;
use crate::rules::failed_write::watch::{Calls, Swallower};
use crate::rules::failed_write::{Excuses, Ground, Lost, follow, may_fail, with_nested};
use crate::rules::positions::{
    Covered, POSITION_DEPTH, Position, covered, ends, given_late, positions, stays, written_later,
};
use crate::rules::tables::moving_with;
use crate::rules::{FunctionRule, Glances, InModule};
use crate::settings::{Settings, Writes};
use crate::source::{SourceFile, is_of_tests};

/// A place in the program.
type At = Option<(FuncRef, BlockId)>;

/// What caught a failure, where the write failed, and the call that leads to it.
type Seen = (At, At, At);

/// A position that moves past rows which were never stored.
struct Advance<'f> {
    position: &'f Position,
    covered: Covered,
    lost: Lost,
    events: Path,
}

/// A position that moves before the rows that it covers are written.
struct Early<'f> {
    position: &'f Position,
    write: BlockId,
    events: Path,
}

/// What is found in one function.
#[derive(Default)]
struct Moved<'f> {
    past: Vec<Advance<'f>>,
    early: Vec<Early<'f>>,
}

/// Checks functions that move a position.
pub struct Functions;

impl FunctionRule for Functions {
    fn glance(&self, settings: &Settings) -> Option<Glances> {
        Some(moving_with(&settings.writes))
    }

    fn same_glance(&self, one: &Settings, other: &Settings) -> bool {
        one.writes == other.writes
    }

    fn check(
        &self,
        library: &Library<'_>,
        module: &LoadedModule,
        functions: &[(FuncIdx, &Function)],
        settings: &Settings,
    ) -> InModule {
        let mut out = InModule::default();
        if module.file.as_ref().is_none_or(|file| is_of_tests(file)) {
            return out;
        }
        for this in with_nested(module, functions) {
            check_function(library, module, this, settings, &mut out);
        }
        out
    }

    fn leaves_out(&self, file: &SourceFile) -> bool {
        is_of_tests(file)
    }
}

fn check_function(
    library: &Library<'_>,
    module: &LoadedModule,
    (func, function): (FuncRef, &Function),
    settings: &Settings,
    out: &mut InModule,
) {
    let program = library.program;
    if may_fail(module, function) {
        return;
    }
    let writes = &settings.writes;
    let mut positions = positions(program, func, writes, POSITION_DEPTH);
    positions.extend(ends(program, func, writes));
    for (caller, position) in given_late(program, writes, func, &positions) {
        check_caller(library, (caller, position), settings, out);
    }
    if positions.is_empty() || !makes_other_calls(function, &positions) {
        return;
    }
    let Some(subject) = Subject::outside(library, module, (func, function)) else {
        return;
    };
    let excuses = Excuses {
        strict: true,
        by_result: true,
        by_class: true,
        marks: positions.iter().map(|of| (func, of.at.0)).collect(),
        ..Excuses::default()
    };
    let followed = follow(subject, (&excuses, writes), &|ground| {
        let past = advances(ground, (func, writes), &positions);
        let early = early(ground, func, &positions, &past);
        Moved { past, early }
    });
    out.effort += followed.effort;
    out.effort.functions += 1;
    let Moved { past, early } = &followed.found;
    let past = past.iter().map(|of| report::past(subject, writes, of));
    let early = early.iter().map(|of| report::early(subject, writes, of));
    out.findings.extend(past.chain(early).flatten());
}

/// Checks a function that is given rows past which the position has moved already.
fn check_caller(
    library: &Library<'_>,
    (caller, position): (FuncRef, Position),
    settings: &Settings,
    out: &mut InModule,
) {
    let module = library.program.module(caller.module);
    let function = module.ir.function(caller.func);
    if may_fail(&module, function) {
        return;
    }
    let Some(subject) = Subject::outside(library, &module, (caller, function)) else {
        return;
    };
    let writes = &settings.writes;
    let mut marks: Calls = [(caller, position.at.0)].into();
    // A generator runs only when the caller asks for its items.
    if let Some((helper, span)) = position.inside {
        let module = library.program.module(helper.module);
        let blocks = (0u32..).zip(&module.ir.function(helper.func).body.blocks);
        let moving = blocks.filter(|(_, block)| block.terminator.span == span);
        marks.extend(moving.map(|(at, _)| (helper, at)));
    }
    let excuses = Excuses {
        strict: true,
        by_class: true,
        marks,
        ..Excuses::default()
    };
    let positions = [position];
    let followed = follow(subject, (&excuses, writes), &|ground| {
        early(ground, caller, &positions, &[])
    });
    out.effort += followed.effort;
    out.effort.functions += 1;
    let found = followed.found.iter();
    out.findings
        .extend(found.filter_map(|of| report::early(subject, writes, of)));
}

/// Whether a function makes calls beside those that move positions.
fn makes_other_calls(function: &Function, positions: &[Position]) -> bool {
    let mut blocks = (0u32..).zip(&function.body.blocks);
    blocks.any(|(at, block)| {
        matches!(
            block.terminator.kind,
            TerminatorKind::Eval {
                rvalue: Rvalue::Call { .. } | Rvalue::Await(_),
                ..
            }
        ) && positions.iter().all(|position| position.at.0 != at)
    })
}

/// The positions that move past rows which were not stored, in one graph.
fn advances<'f>(
    ground: &mut Ground<'_, '_>,
    (func, writes): (FuncRef, &Writes),
    positions: &'f [Position],
) -> Vec<Advance<'f>> {
    let program = ground.subject.program;
    let mut out: Vec<Advance<'f>> = Vec::new();
    for position in positions {
        // The same few failures are met in many states.
        let judged: RefCell<BTreeMap<Seen, bool>> = RefCell::default();
        let wanted = |engine: &Engine<'_>, state: &State, lost: &Lost| {
            let seen = (lost.by.map(Swallower::place), lost.failed_at, lost.through);
            let known = judged.borrow().get(&seen).copied();
            let wanted = known.unwrap_or_else(|| {
                let wanted = !lost.is_excused(program, writes)
                    && !is_of_position(program, (func, writes), positions, lost)
                    && covered(program, (func, writes), position, lost).is_some();
                judged.borrow_mut().insert(seen, wanted);
                wanted
            });
            wanted && !stays(engine, func, state, position)
        };
        let Some((lost, events)) = ground.arrival(position.at, &wanted) else {
            continue;
        };
        let Some(covered) = covered(program, (func, writes), position, &lost) else {
            continue;
        };
        // One failure is told once, where the first position moves.
        let told = |known: &Advance<'_>| known.lost.shows_in(func) == lost.shows_in(func);
        if !out.iter().any(told) {
            out.push(Advance {
                position,
                covered,
                lost,
                events,
            });
        }
    }
    out
}

/// The positions that move before the rows that they cover are written, and past no failure.
fn early<'f>(
    ground: &mut Ground<'_, '_>,
    func: FuncRef,
    positions: &'f [Position],
    past: &[Advance<'_>],
) -> Vec<Early<'f>> {
    let program = ground.subject.program;
    let met = ground.watch.met();
    let mut out: Vec<Early<'f>> = Vec::new();
    for position in positions {
        let told = past.iter().any(|of| of.position.at == position.at);
        let later = written_later(program, func, position, &met).into_iter();
        let later = later.filter(|at| positions.iter().all(|of| of.at != *at));
        for write in later.filter(|_| !told) {
            // One write is told once, where the first position moves.
            if out
                .iter()
                .any(|of| of.write == write || of.position.at == position.at)
            {
                continue;
            }
            if let Some(events) = ground.arrival_after_mark(write) {
                out.push(Early {
                    position,
                    write,
                    events,
                });
            }
        }
    }
    out
}

/// Whether the write that failed is one of the positions itself, or moves one in a helper.
fn is_of_position(
    program: &Program<'_>,
    (func, writes): (FuncRef, &Writes),
    here: &[Position],
    lost: &Lost,
) -> bool {
    let shown = lost.shows_in(func);
    let in_helper = || {
        let (helper, block) = lost.failed_at.filter(|at| at.0 != func)?;
        let inside = positions(program, helper, writes, 0);
        Some(inside.iter().any(|position| position.at == block))
    };
    here.iter().any(|position| Some(position.at) == shown) || in_helper() == Some(true)
}
