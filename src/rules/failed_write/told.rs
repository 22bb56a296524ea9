//! What is done about a failure after it was caught: somebody else gets to know it, or the same
//! work is done in another way.

use super::caught::{Caught, caught};
use super::failure::{CAUGHT, FailureNote, STATUS, get, tuple};
use super::flow::place_of;
use super::is_only_handling;
use super::likeness::{alike, is_data, is_made_of};
use super::watch::Swallower;
use crate::engine::values::state::State;
use crate::engine::values::value::{Site, Term, Value};
use crate::engine::{CallOutcome, CompletedCall, Engine, Returned, is_log_method};
use crate::ir::{Arg, BlockId, Literal, Operand, Rvalue, TerminatorKind};
use crate::program::{FuncRef, Program};
use crate::rules::tables::{self, tells};

/// Whether a call hands a failure that was caught to code outside the program, which does more than
/// tell somebody: a method of the receiver's base, or of an object that the receiver holds or that
/// is among the `arguments`. So does a call of a report, even if it is one of the program.
pub(in crate::rules) fn leaves_to_others(
    engine: &Engine<'_>,
    state: &State,
    call: &CompletedCall<'_>,
    arguments: &[Value],
) -> bool {
    let (CallOutcome::Returned(_), Some(receiver), Some(failure)) =
        (call.outcome, call.receiver, get(state, FailureNote::Raised))
    else {
        return false;
    };
    let name = engine.name_of(receiver);
    let is_report = name.is_some_and(|name| tables::is_report(&name));
    let only_tells = |name: &str| tables::shows(name) || tells(name) && !tables::is_report(name);
    let call_tells = match is_report {
        true => tables::tells_on_report(call.name),
        false => tells(call.name) || tables::shows(call.name),
    };
    if state.flags.rule & STATUS != CAUGHT
        || call.callee.is_some() && !is_report
        || is_log_method(call.name)
        || state.kind(&engine.terms, receiver).is_container()
        || call_tells
    {
        return false;
    }
    let of_failure = || {
        let mut args = call.args.iter();
        args.any(|a| is_made_of(engine, state, *a, failure, 0))
    };
    if is_report {
        return of_failure() || tables::says_failure(call.name);
    }
    let mut at = receiver;
    loop {
        if at == state.watched || arguments.contains(&at) {
            return of_failure() || at != receiver && tables::says_failure(call.name);
        }
        match engine.terms.term(at) {
            Term::Field(of, name) if !only_tells(name) => at = *of,
            _ => return false,
        }
    }
}

/// Whether a call makes a record of what went wrong, which other code of the program asks for: a
/// method of the record's class. Making an exception is no such call.
pub(in crate::rules) fn records_failure(
    engine: &Engine<'_>,
    state: &State,
    call: &CompletedCall<'_>,
) -> bool {
    let (CallOutcome::Returned(_), Some(callee)) = (call.outcome, call.callee) else {
        return false;
    };
    let module = engine.program.module(callee.module);
    let function = module.ir.function(callee.func);
    let Some(class) = function.class else {
        return false;
    };
    let class = &module.ir.class(class).name;
    state.flags.rule & STATUS == CAUGHT
        && tables::is_failure_record(class)
        && tables::creates(&function.name)
        && engine
            .program
            .is_mentioned_outside(class, &[callee.module, call.site.func.module])
}

/// Whether a call makes an HTTP answer that says that the request failed.
pub(in crate::rules) fn answers_failure(engine: &Engine<'_>, call: &Returned<'_>) -> bool {
    let says = |v: Value| is_failed_status(engine, v);
    let mut named = call.args.iter().filter_map(|a| engine.keyword(*a));
    !tells(call.name)
        && !is_log_method(call.name)
        && named.any(|(name, v)| tables::is_status_name(name) && says(v))
}

/// Whether a returned value is a body with an HTTP status that says that the request failed.
pub(in crate::rules) fn is_failed_answer(engine: &Engine<'_>, value: Value) -> bool {
    match engine.terms.term(value) {
        Term::Tuple(parts) => match parts[..] {
            [_, status] | [_, status, _] => is_failed_status(engine, status),
            _ => false,
        },
        _ => false,
    }
}

fn is_failed_status(engine: &Engine<'_>, v: Value) -> bool {
    let status = match engine.terms.literal(v) {
        Some(Literal::Int(status)) => Some(*status),
        _ => engine
            .name_of(v)
            .and_then(|name| tables::status_in_name(&name)),
    };
    status.is_some_and(tables::is_failed_status)
}

/// Whether a call adds what a failed write could not change because it was not there.
pub(in crate::rules) fn creates_instead(
    engine: &Engine<'_>,
    state: &State,
    call: &CompletedCall<'_>,
    by: Option<Swallower>,
) -> bool {
    let (CallOutcome::Returned(_), Some(Swallower::Catch(catch))) = (call.outcome, by) else {
        return false;
    };
    if !tables::creates(call.name) {
        return false;
    }
    let (exceptions, complete) = caught(engine.program, (catch.func, catch.block));
    let missing = |exception: &Caught| tables::says_missing(&exception.name);
    if !complete || !exceptions.iter().all(missing) {
        return false;
    }
    let failed = get(state, FailureNote::Failed).and_then(|v| tuple(engine, v));
    let failed = failed.iter().flat_map(|parts| parts.iter().skip(2));
    let mut data = failed.filter(|v| is_data(engine, state, **v));
    let given: Vec<Value> = call.args.iter().copied().chain(call.receiver).collect();
    data.any(|v| given.iter().any(|g| alike(engine, state, *v, *g, 0)))
}

/// Whether a call in a handler is given the same arguments as another call of the same function,
/// some of which may be data.
pub(in crate::rules) fn is_instead_of(
    program: &Program<'_>,
    failed: (FuncRef, BlockId),
    site: Site,
) -> bool {
    if failed.0 != site.func || !is_only_handling(program, site.func, BlockId(site.block)) {
        return false;
    }
    let module = program.module(site.func.module);
    let function = module.ir.function(site.func.func);
    let body = &function.body;
    let given = |at: BlockId| match &body.block(at).terminator.kind {
        TerminatorKind::Eval {
            rvalue: Rvalue::Call { args, .. },
            ..
        } => Some(args),
        _ => None,
    };
    let same = |a: &Arg, b: &Arg| {
        let place = |arg: &Arg| place_of(function, &arg.value);
        a.kind == b.kind && (a.value == b.value || place(a).is_some_and(|at| Some(at) == place(b)))
    };
    let (Some(before), Some(after)) = (given(failed.1), given(BlockId(site.block))) else {
        return false;
    };
    before.len() == after.len()
        && before.iter().any(|a| matches!(a.value, Operand::Local(_)))
        && before.iter().all(|a| after.iter().any(|b| same(a, b)))
}
