//! What becomes of the values of a function, told by its graph alone: no path is followed.

use rustc_hash::FxHashSet;

use super::code::{Called, called, is_variable};
use super::gathered::Gathered;
use super::likeness::CHAIN;
use crate::engine::{is_log_method, is_logger_name};
use crate::ir::{
    BlockId, Callee, Data, Function, LocalId, Name, Operand, Rvalue, StatementKind, TerminatorKind,
};
use crate::rules::tables::{describes, does_more_than_describe, is_row_count, shows, tells};
use crate::source::Span;

/// Whether one of these values is returned, stored, or given to a call that does more than log it
/// or measure it.
pub(in crate::rules) fn hands_on(function: &Function, values: &[LocalId]) -> bool {
    let is = |o: &Operand| matches!(o, Operand::Local(l) if values.contains(l));
    let only_looks = |name: &str| {
        is_log_method(name) || tells(name) || shows(name) || matches!(name, "len" | "str" | "repr")
    };
    let named = |of: &Operand| {
        rvalues(function).find_map(|(dest, rvalue)| match rvalue {
            Rvalue::Global(name) if dest.map(Operand::Local).as_ref() == Some(of) => Some(name),
            _ => None,
        })
    };
    let given = rvalues(function).any(|(_, rvalue)| match rvalue {
        Rvalue::Call { callee, args } => {
            let only_looks = match callee {
                Callee::Method { name, .. } => only_looks(name),
                Callee::Value(o) => named(o).is_some_and(|name| only_looks(name)),
            };
            !only_looks && args.iter().any(|a| is(&a.value))
        }
        _ => false,
    });
    given || is_kept(function, &is)
}

/// Whether what a call gives only gets into the log: it is an argument of log calls, or makes one. A call
/// whose name says that it does more than that does not count. What a variable holds in between must come
/// from a call that is named like one that describes something.
pub(in crate::rules) fn is_only_logged(function: &Function, at: BlockId) -> bool {
    let body = &function.body;
    let TerminatorKind::Eval {
        dest: Some(dest),
        rvalue: Rvalue::Call { callee, .. },
        ..
    } = &body.block(at).terminator.kind
    else {
        return false;
    };
    let name = called(function, callee).name;
    if does_more_than_describe(&name) {
        return false;
    }
    if is_variable(function, *dest) && !describes(&name) {
        return false;
    }
    let mut known = vec![*dest];
    let mut next = 0;
    let mut logged = false;
    while let Some(local) = known.get(next).copied() {
        next += 1;
        for use_ in uses(function, local) {
            match use_ {
                Use::Logs => logged = true,
                Use::Makes(dest) if is_variable(function, dest) && !describes(&name) => {
                    return false;
                }
                Use::Makes(dest) if !known.contains(&dest) => known.push(dest),
                Use::Makes(_) => {}
                Use::Other => return false,
            }
        }
    }
    logged
}

/// What a function does with a local.
enum Use {
    /// It is given to a log call.
    Logs,
    /// Another value is made of it.
    Makes(LocalId),
    Other,
}

fn uses(function: &Function, local: LocalId) -> Vec<Use> {
    let is = |operand: &Operand| *operand == Operand::Local(local);
    let within = |rvalue: &Rvalue| {
        let mut found = false;
        rvalue.for_each_operand(|operand| found |= is(operand));
        let on = match rvalue {
            Rvalue::Call { callee, .. } => Some(match callee {
                Callee::Method { receiver, .. } => receiver,
                Callee::Value(value) => value,
            }),
            _ => None,
        };
        found || on.is_some_and(is)
    };
    let mut out = Vec::new();
    for block in &function.body.blocks {
        for statement in &block.statements {
            match &statement.kind {
                StatementKind::Assign(to, rvalue) if within(rvalue) => out.push(Use::Makes(*to)),
                StatementKind::SetField { value, .. }
                | StatementKind::SetItem { value, .. }
                | StatementKind::SetGlobal { value, .. }
                | StatementKind::Overwrite { value, .. }
                    if is(value) =>
                {
                    out.push(Use::Other);
                }
                _ => {}
            }
        }
        match &block.terminator.kind {
            TerminatorKind::Eval { dest, rvalue, .. } if within(rvalue) => {
                out.push(match (rvalue, dest) {
                    (Rvalue::Call { callee, .. }, _) if logs(function, callee) => Use::Logs,
                    (Rvalue::Call { callee, .. }, _)
                        if does_more_than_describe(&called(function, callee).name) =>
                    {
                        Use::Other
                    }
                    (_, Some(dest)) => Use::Makes(*dest),
                    (_, None) => Use::Other,
                });
            }
            TerminatorKind::ForNext { iter, dest, .. } if *iter == local => {
                out.push(Use::Makes(*dest));
            }
            TerminatorKind::Return { value, .. } | TerminatorKind::Yield { value, .. }
                if is(value) =>
            {
                out.push(Use::Other);
            }
            _ => {}
        }
    }
    out
}

/// Whether a call only logs or shows what it is given.
pub(in crate::rules) fn logs(function: &Function, callee: &Callee) -> bool {
    let Called { name, on } = called(function, callee);
    is_log_method(&name) || on.as_deref().is_some_and(is_logger_name) || shows(&name)
}

/// Whether a count of rows is read of one of these values.
pub(in crate::rules) fn counts_rows(function: &Function, values: &[LocalId]) -> bool {
    rvalues(function).any(|(_, rvalue)| match rvalue {
        Rvalue::GetField(Operand::Local(l), name) => values.contains(l) && is_row_count(name),
        _ => false,
    })
}

/// Whether a value is returned or stored.
pub(in crate::rules) fn is_kept(function: &Function, is: &impl Fn(&Operand) -> bool) -> bool {
    function.body.blocks.iter().any(|block| {
        block.statements.iter().any(|s| match &s.kind {
            StatementKind::SetField { value, .. } | StatementKind::SetItem { value, .. } => {
                is(value)
            }
            _ => false,
        }) || matches!(&block.terminator.kind, TerminatorKind::Return { value, .. } if is(value))
    })
}

/// Every rvalue of a function, with the local that gets its value.
pub(in crate::rules) fn rvalues(
    function: &Function,
) -> impl Iterator<Item = (Option<LocalId>, &Rvalue)> {
    function.body.blocks.iter().flat_map(|block| {
        let statements = block.statements.iter().filter_map(|s| match &s.kind {
            StatementKind::Assign(dest, rvalue) => Some((Some(*dest), rvalue)),
            _ => None,
        });
        let last = match &block.terminator.kind {
            TerminatorKind::Eval { dest, rvalue, .. } => Some((*dest, rvalue)),
            _ => None,
        };
        statements.chain(last)
    })
}

/// The locals whose values come from these, directly or through operators and calls.
pub(in crate::rules) fn flow(function: &Function, from: FxHashSet<LocalId>) -> FxHashSet<LocalId> {
    let mut known = from;
    loop {
        let before = known.len();
        for (dest, rvalue) in rvalues(function) {
            let Some(dest) = dest else { continue };
            // A test whether a result is a failure does not see one that was swallowed.
            if matches!(rvalue, Rvalue::Data(Data::IsVariant { of, .. }) if !of.is_empty()) {
                continue;
            }
            let mut uses = false;
            rvalue.for_each_operand(|o| {
                uses |= matches!(o, Operand::Local(l) if known.contains(l));
            });
            if let Rvalue::Call { callee, .. } = rvalue {
                let on = match callee {
                    Callee::Method { receiver, .. } => receiver,
                    Callee::Value(value) => value,
                };
                uses |= matches!(on, Operand::Local(l) if known.contains(l));
            }
            if uses {
                known.insert(dest);
            }
        }
        for block in &function.body.blocks {
            if let TerminatorKind::ForNext { iter, dest, .. } = &block.terminator.kind
                && known.contains(iter)
            {
                known.insert(*dest);
            }
        }
        if known.len() == before {
            return known;
        }
    }
}

/// What becomes of the result of a call.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(in crate::rules) enum Fate {
    /// A branch depends on it.
    Tested,
    /// It is returned.
    Returned,
    /// Neither.
    Unheard,
}

/// What becomes of the result of the call or `await` at this span of a function.
pub(in crate::rules) fn fate(function: &Function, call: Span) -> Fate {
    let dests = function
        .body
        .blocks
        .iter()
        .filter_map(|b| match &b.terminator.kind {
            TerminatorKind::Eval {
                dest: Some(dest),
                rvalue: Rvalue::Call { .. } | Rvalue::Await(_),
                ..
            } if b.terminator.span == call => Some(*dest),
            _ => None,
        });
    fate_of(function, dests.collect())
}

/// What becomes of the values of some locals, also where they go through collections.
pub(in crate::rules) fn fate_of(function: &Function, results: FxHashSet<LocalId>) -> Fate {
    fate_among(function, results, [])
}

/// What becomes of the values of some locals, and of those in the collections that some others hold.
pub(in crate::rules) fn fate_among(
    function: &Function,
    values: impl IntoIterator<Item = LocalId>,
    collections: impl IntoIterator<Item = LocalId>,
) -> Fate {
    let known = Gathered::of(function, values, collections);
    let mut out = Fate::Unheard;
    for block in &function.body.blocks {
        match &block.terminator.kind {
            TerminatorKind::Branch { cond, .. } if known.is_value(cond) => return Fate::Tested,
            TerminatorKind::Return { value, .. } if known.holds(value) => out = Fate::Returned,
            _ => {}
        }
    }
    out
}

/// A local, and the attributes that lead from it to a value.
pub(in crate::rules) fn place_of(
    function: &Function,
    operand: &Operand,
) -> Option<(LocalId, Vec<Name>)> {
    let Operand::Local(mut at) = *operand else {
        return None;
    };
    let mut path = Vec::new();
    for _ in 0..CHAIN {
        let mut made = rvalues(function).filter(|(dest, _)| *dest == Some(at));
        match (made.next(), made.next()) {
            (Some((_, Rvalue::GetField(Operand::Local(of), name))), None) => {
                path.push(name.clone());
                at = *of;
            }
            (Some((_, Rvalue::Use(Operand::Local(of)))), None) => at = *of,
            _ => break,
        }
    }
    Some((at, path))
}

/// The locals of which values are made, with the values themselves.
pub(in crate::rules) fn origins(
    function: &Function,
    from: FxHashSet<LocalId>,
) -> FxHashSet<LocalId> {
    let mut known = from;
    loop {
        let before = known.len();
        for (dest, rvalue) in rvalues(function) {
            if dest.is_some_and(|dest| known.contains(&dest)) {
                rvalue.for_each_operand(|operand| {
                    if let Operand::Local(local) = operand {
                        known.insert(*local);
                    }
                });
                if let Rvalue::Call {
                    callee:
                        Callee::Method {
                            receiver: Operand::Local(on),
                            ..
                        },
                    ..
                } = rvalue
                {
                    known.insert(*on);
                }
            }
        }
        for block in &function.body.blocks {
            if let TerminatorKind::ForNext { iter, dest, .. } = &block.terminator.kind
                && known.contains(dest)
            {
                known.insert(*iter);
            }
        }
        if known.len() == before {
            return known;
        }
    }
}

/// The same, also through loops and what is put into a list: what a comprehension is made of.
pub(in crate::rules) fn sources(
    function: &Function,
    from: FxHashSet<LocalId>,
) -> FxHashSet<LocalId> {
    let mut known = origins(function, from);
    loop {
        let before = known.len();
        for block in &function.body.blocks {
            match &block.terminator.kind {
                TerminatorKind::ForNext { iter, dest, .. } if known.contains(dest) => {
                    known.insert(*iter);
                }
                TerminatorKind::Eval {
                    rvalue:
                        Rvalue::Call {
                            callee:
                                Callee::Method {
                                    receiver: Operand::Local(list),
                                    name,
                                    ..
                                },
                            args,
                        },
                    ..
                } if known.contains(list) && matches!(&**name, "append" | "extend" | "add") => {
                    known.extend(args.iter().filter_map(|arg| match arg.value {
                        Operand::Local(local) => Some(local),
                        Operand::Const(_) => None,
                    }));
                }
                _ => {}
            }
        }
        if known.len() == before {
            return known;
        }
        known = origins(function, known);
    }
}
