//! What becomes of the values of a function, told by its graph alone: no path is followed.

use rustc_hash::FxHashSet;

use super::likeness::CHAIN;
use crate::engine::is_log_method;
use crate::ir::{
    Callee, Data, Function, LocalId, Name, Operand, Rvalue, StatementKind, TerminatorKind,
};
use crate::rules::tables::{is_row_count, shows, tells};
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
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
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

pub(in crate::rules) fn fate_of(function: &Function, results: FxHashSet<LocalId>) -> Fate {
    let known = flow(function, results);
    let mut out = Fate::Unheard;
    for block in &function.body.blocks {
        match &block.terminator.kind {
            TerminatorKind::Branch {
                cond: Operand::Local(l),
                ..
            } if known.contains(l) => return Fate::Tested,
            TerminatorKind::Return {
                value: Operand::Local(l),
                ..
            } if known.contains(l) => out = Fate::Returned,
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
