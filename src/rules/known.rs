//! What presets say of the calls in the code.

use crate::ir::{ArgKind, BlockId, Name, Rvalue, TerminatorKind};
use crate::presets::{Known, KnownWrite, Parameter};
use crate::program::{FuncRef, Program};
use crate::rules::tables;
use crate::settings::Writes;

/// The name of a call, that of its receiver, and the texts that it is given.
pub type Call<'a> = (&'a str, Option<&'a str>, &'a [Name]);

/// What is known of the call that ends a block; `None` if it is not made on a class or module that a
/// preset knows.
#[must_use]
pub fn known_call<'w>(
    program: &Program<'_>,
    writes: &'w Writes,
    (func, block): (FuncRef, BlockId),
) -> Option<&'w Known> {
    if !writes.built_in {
        return None;
    }
    let calls = program.calls_outside(&writes.presets, func);
    let call = calls.get(&block)?;
    // What the configuration names is a write, whatever presets say.
    if writes.names.contains(&call.name.to_ascii_lowercase()) {
        return None;
    }
    let known = writes.presets.call(&call.of, &call.name)?;
    let lacks = |write: &KnownWrite| {
        let given = |parameter: &Parameter| is_given(program, (func, block), parameter);
        !write.needs.is_empty() && !write.needs.iter().any(given) || write.unless.iter().any(given)
    };
    // Such a call writes nothing, or nothing that would be missed.
    Some(if known.write.as_ref().is_some_and(lacks) {
        Known::NOTHING
    } else {
        known
    })
}

/// Whether the call that ends a block is given an argument for a parameter.
pub(super) fn is_given(
    program: &Program<'_>,
    (func, block): (FuncRef, BlockId),
    parameter: &Parameter,
) -> bool {
    let module = program.module(func.module);
    let body = &module.ir.function(func.func).body;
    let TerminatorKind::Eval {
        rvalue: Rvalue::Call { args, .. },
        ..
    } = &body.block(block).terminator.kind
    else {
        return false;
    };
    let by_place = |kind: &ArgKind| matches!(kind, ArgKind::Positional | ArgKind::Star);
    let places = args.iter().filter(|arg| by_place(&arg.kind)).count();
    let star = args.iter().any(|arg| arg.kind == ArgKind::Star);
    parameter.place.is_some_and(|place| place < places || star)
        || args.iter().any(|arg| match &arg.kind {
            ArgKind::Keyword(name) => name == parameter.name.as_str(),
            ArgKind::DoubleStar => true,
            ArgKind::Positional | ArgKind::Star => false,
        })
}

/// What presets say of a call that is given texts: whether it writes.
pub type Says = fn(Option<&Known>, &[Name]) -> Option<bool>;

/// Whether a call writes; `None` if that is not known, or if it depends on a statement that is not
/// among `texts`.
#[must_use]
pub fn writes_by(known: Option<&Known>, texts: &[Name]) -> Option<bool> {
    let known = known?;
    match &known.write {
        Some(write) if write.by_statement => tables::changes_rows(texts),
        Some(write) => Some(!write.auxiliary),
        // What becomes of the unit is followed.
        None if known.commits || known.adds => None,
        None => Some(false),
    }
}

/// The same for a call whose failure is to be an exception (in Rust, an `Err`).
#[must_use]
pub fn raises_by(known: Option<&Known>, texts: &[Name]) -> Option<bool> {
    let write = known.and_then(|known| known.write.as_ref());
    match write {
        Some(write) if !write.raises => Some(false),
        _ => writes_by(known, texts),
    }
}

/// Whether a call writes, by what presets say of it ([`writes_by`], or [`raises_by`]), or else by its name,
/// that of its receiver, and its texts.
#[must_use]
pub fn writes_at(
    program: &Program<'_>,
    writes: &Writes,
    (site, by): ((FuncRef, BlockId), Says),
    (name, receiver, texts): Call<'_>,
) -> bool {
    let by_name = tables::is_write(writes, name, receiver, texts);
    if !by_name && !writes.presets.names_write(name) {
        return false;
    }
    by(known_call(program, writes, site), texts).unwrap_or(by_name)
}

/// Whether some call of this name in a function writes, or may if its statement does, or waits for a
/// write.
#[must_use]
pub fn some_call_writes(program: &Program<'_>, writes: &Writes, func: FuncRef, name: &str) -> bool {
    if !writes.built_in || !writes.presets.names_call(name) {
        return false;
    }
    let calls = program.calls_outside(&writes.presets, func);
    let mut named = calls.values().filter(|call| call.name == name);
    named.any(|call| {
        let known = writes.presets.call(&call.of, name);
        known.is_some_and(|known| known.may_write())
    })
}
