//! Which calls of libraries tell only by their result that rows were not stored.

use crate::ir::{Arg, ArgKind, BlockId, Function, Literal, Name, Operand, Rvalue, TerminatorKind};
use crate::presets::{Given, Parameter, Tells};
use crate::program::{FuncRef, Program};
use crate::rules::failed_write::code::statements;
use crate::rules::known::{is_given, known_call};
use crate::rules::tables;
use crate::settings::Writes;

/// How the result of the call that ends a block tells that rows were not stored, if nothing else does and
/// they would be missed.
pub(super) fn tells_by_result<'w>(
    program: &Program<'_>,
    writes: &'w Writes,
    site: (FuncRef, BlockId),
) -> Option<&'w Tells> {
    let known = known_call(program, writes, site)?;
    let tells = known.tells.as_ref()?;
    let (func, block) = site;
    let module = program.module(func.module);
    let function = module.ir.function(func.func);
    let TerminatorKind::Eval {
        rvalue: Rvalue::Call { args, .. },
        ..
    } = &function.body.block(block).terminator.kind
    else {
        return None;
    };
    let is_write = match &known.write {
        Some(write) if write.by_statement => {
            let statements = statements(function, args);
            let changes = tables::changes_rows(&statements) == Some(true);
            changes && !tables::is_removal("", &statements)
        }
        Some(write) => !write.auxiliary,
        None => true,
    };
    let given = |given: &Given| {
        given_as(args, &given.parameter).is_some_and(|value| match given.value {
            Some(is) => *value == Operand::Const(Literal::Bool(is)),
            None => true,
        })
    };
    let off = |value: &Operand| matches!(value, Operand::Const(Literal::Bool(false)));
    let told_else = |parameter: &Parameter| match given_as(args, parameter) {
        Some(value) => !off(value),
        None => is_given(program, site, parameter),
    };
    let command = |parameter: &Parameter| {
        let words = given_as(args, parameter).map(|of| command_words(function, of));
        words.is_some_and(|words| tables::stores_by_command(&words))
    };
    // What is not acknowledged comes again.
    let only = known.moves.is_none()
        && is_write
        && tells.given.as_ref().is_none_or(given)
        && !tells.unless.iter().any(told_else)
        && tells.command.as_ref().is_none_or(command);
    only.then_some(tells)
}

/// What a call is surely given for a parameter.
fn given_as<'a>(args: &'a [Arg], parameter: &Parameter) -> Option<&'a Operand> {
    let named = args
        .iter()
        .find(|arg| matches!(&arg.kind, ArgKind::Keyword(name) if name == parameter.name.as_str()));
    let placed = parameter.place.and_then(|place| args.get(place));
    let placed = placed.filter(|arg| arg.kind == ArgKind::Positional);
    Some(&named.or(placed)?.value)
}

/// The words of a command, as far as they are known: those of a text, or the elements of a list. What is
/// not known is an empty word.
fn command_words(function: &Function, command: &Operand) -> Vec<Name> {
    let split = |text: &str| text.split_whitespace().map(Name::new).collect();
    let literal = |operand: &Operand| match operand {
        Operand::Const(Literal::Str(text)) => text.clone(),
        _ => Name::default(),
    };
    let value = match command {
        Operand::Const(Literal::Str(text)) => return split(text),
        Operand::Const(_) => None,
        Operand::Local(local) => function.body.only_value(*local),
    };
    match value {
        Some(Rvalue::Use(of @ Operand::Const(_))) => split(&literal(of)),
        Some(Rvalue::Format(parts)) => {
            let parts: Vec<Name> = parts.iter().map(literal).collect();
            split(&parts.join(" "))
        }
        Some(Rvalue::List(elements) | Rvalue::Tuple(elements)) => {
            let words = elements.iter().map(|element| literal(&element.value));
            words.collect()
        }
        _ => Vec::new(),
    }
}
