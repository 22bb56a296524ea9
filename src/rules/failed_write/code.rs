//! What the code of a function calls, how it names that, and the variables behind its values.

use std::collections::BTreeSet;

use super::flow::rvalues;
use super::likeness::CHAIN;
use crate::ir::{
    Arg, BlockId, Body, Callee, Function, Literal, LocalId, LocalKind, Name, Operand, Rvalue,
    TerminatorKind,
};
use crate::program::{ClassRef, Def, FuncRef, Program};

pub(in crate::rules) fn is_variable(function: &Function, local: LocalId) -> bool {
    matches!(
        function.body.locals[local.index()].kind,
        LocalKind::Var | LocalKind::Param
    )
}

/// The variables that the call at the end of a block is given.
pub(in crate::rules) fn given_to(function: &Function, at: BlockId) -> BTreeSet<LocalId> {
    let given = call_at(function, at).map_or(&[][..], |(_, args)| args);
    let locals = given.iter().filter_map(|arg| match &arg.value {
        Operand::Local(local) => Some(root(function, *local)),
        Operand::Const(_) => None,
    });
    locals.collect()
}

/// The call that ends a block: what is called, and with what.
pub(in crate::rules) fn call_at(function: &Function, at: BlockId) -> Option<(&Callee, &[Arg])> {
    match &function.body.block(at).terminator.kind {
        TerminatorKind::Eval {
            rvalue: Rvalue::Call { callee, args },
            ..
        } => Some((callee, args)),
        _ => None,
    }
}

/// The block with the call that gives a local its value.
pub(in crate::rules) fn call_giving(function: &Function, local: LocalId) -> Option<BlockId> {
    let given = calls(function).find(|(at, ..)| {
        let terminator = &function.body.block(*at).terminator.kind;
        matches!(terminator, TerminatorKind::Eval { dest, .. } if *dest == Some(local))
    });
    given.map(|(at, ..)| at)
}

/// The calls of a function, each with the block that it ends, in the order of the blocks.
pub(in crate::rules) fn calls(
    function: &Function,
) -> impl Iterator<Item = (BlockId, &Callee, &[Arg])> {
    let blocks = (0u32..).map(BlockId).zip(&function.body.blocks);
    blocks.filter_map(|(at, _)| call_at(function, at).map(|(callee, args)| (at, callee, args)))
}

/// A callee by its name, and what it is called on.
pub(in crate::rules) struct Called {
    pub(in crate::rules) name: Name,
    pub(in crate::rules) on: Option<Name>,
}

pub(in crate::rules) fn called(function: &Function, callee: &Callee) -> Called {
    let value = |operand: &Operand| match operand {
        Operand::Local(local) => named(function, *local),
        Operand::Const(_) => None,
    };
    match callee {
        Callee::Method { receiver, name, .. } => Called {
            name: name.clone(),
            on: value(receiver),
        },
        Callee::Value(of) => Called {
            name: value(of).unwrap_or_default(),
            on: None,
        },
    }
}

/// The name of a variable, or of what it holds.
pub(in crate::rules) fn named(function: &Function, local: LocalId) -> Option<Name> {
    let own = function.body.locals[local.index()].name.clone();
    own.or_else(|| {
        function
            .body
            .only_value(local)
            .and_then(Rvalue::name)
            .cloned()
    })
}

/// The variable that a value was copied from.
pub(in crate::rules) fn root(function: &Function, local: LocalId) -> LocalId {
    let mut at = local;
    for _ in 0..8 {
        match function.body.only_value(at) {
            Some(Rvalue::Use(Operand::Local(from))) if !is_variable(function, at) => at = *from,
            _ => break,
        }
    }
    at
}

/// Whether a value is what a local holds, waited for or not.
pub(in crate::rules) fn is_value_of(body: &Body, value: &Operand, local: LocalId) -> bool {
    let mut at = value;
    for _ in 0..CHAIN {
        match at {
            Operand::Local(own) if *own == local => return true,
            Operand::Local(own) => match body.only_value(*own) {
                Some(Rvalue::Use(of) | Rvalue::Await(of)) => at = of,
                _ => return false,
            },
            Operand::Const(_) => return false,
        }
    }
    false
}

/// The variable that leads to an object by attributes and items.
pub(in crate::rules) fn holder(function: &Function, local: LocalId) -> LocalId {
    let mut at = local;
    for _ in 0..8 {
        match function.body.only_value(at) {
            Some(
                Rvalue::GetField(Operand::Local(from), _)
                | Rvalue::GetItem(Operand::Local(from), _),
            ) => at = *from,
            Some(Rvalue::Use(Operand::Local(from))) if !is_variable(function, at) => at = *from,
            _ => break,
        }
    }
    at
}

/// The function of the program that a call runs: the one that a global name means, or the method of the
/// receiver.
pub(in crate::rules) fn callee_of(
    program: &Program<'_>,
    func: FuncRef,
    callee: &Callee,
) -> Option<FuncRef> {
    let module = program.module(func.module);
    let caller = module.ir.function(func.func);
    match callee {
        Callee::Value(Operand::Local(local)) => match caller.body.only_value(*local)? {
            Rvalue::Global(name) => {
                let path = std::slice::from_ref(name);
                match program.resolve_path(func.module, caller.scope, path) {
                    Def::Func(func) => Some(func),
                    _ => None,
                }
            }
            _ => None,
        },
        Callee::Method { receiver, name, .. } if *receiver == Operand::Local(LocalId(0)) => {
            let class = caller.class?;
            let class = ClassRef {
                module: func.module,
                class,
            };
            program.method(class, name, None)
        }
        _ => None,
    }
}

/// The texts among arguments.
pub(in crate::rules) fn texts(args: &[Arg]) -> Vec<Name> {
    let texts = args.iter().filter_map(|arg| match &arg.value {
        Operand::Const(Literal::Str(text)) => Some(text.clone()),
        _ => None,
    });
    texts.collect()
}

/// The statements that a call is given, also those that a variable holds.
pub(in crate::rules) fn statements(function: &Function, args: &[Arg]) -> Vec<Name> {
    let mut out = texts(args);
    for arg in args {
        let Operand::Local(local) = &arg.value else {
            continue;
        };
        for (_, rvalue) in rvalues(function).filter(|(dest, _)| *dest == Some(*local)) {
            match rvalue {
                Rvalue::Use(Operand::Const(Literal::Str(text))) => out.push(text.clone()),
                Rvalue::Format(parts) => {
                    let first = parts.iter().find_map(|part| match part {
                        Operand::Const(Literal::Str(text)) => Some(text.clone()),
                        _ => None,
                    });
                    out.extend(first);
                }
                Rvalue::Call { args, .. } => out.extend(texts(args)),
                _ => {}
            }
        }
    }
    out
}
