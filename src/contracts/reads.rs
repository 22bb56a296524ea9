//! On which calls of the receiver's methods a read of a key depends.

use std::rc::Rc;

use crate::contracts::events::{Event, How, ITSELF, Read, What};
use crate::contracts::stores::{Stores, for_each_normal};
use crate::contracts::view::{Entry, View};
use crate::frontend::sketch::says_how_much;
use crate::ir::{
    BlockId, Body, BranchRole, Callee, CmpOp, DictItem, Literal, LocalId, Name, Operand, Rvalue,
    Statement, StatementKind, StaticExpr, StaticExprKind, TerminatorKind,
};
use crate::program::{ClassRef, FuncRef};
use crate::source::Span;

/// How many reads of one method are looked at.
const MAX_READS: usize = 64;

/// A read of a key, and the calls that come before it.
#[derive(Clone, Debug)]
pub(super) struct Dependence {
    pub reader: FuncRef,
    pub field: Name,
    pub key: Name,
    pub read: Span,
    /// The methods of the receiver, each with the call nearest to the read.
    pub calls: Vec<(Name, Span)>,
}

/// The reads in the methods of a class that depend on an earlier call.
pub(super) fn dependences(stores: &Stores<'_>, class: ClassRef) -> Vec<Dependence> {
    let module = stores.program.module(class.module);
    let mut out = Vec::new();
    // A body that was left out contains no methods: those inside a function are read with it.
    for (func, function) in module.ir.outer_functions() {
        let reader = FuncRef {
            module: class.module,
            func,
        };
        let unbound = |decorator: &StaticExpr| {
            matches!(&decorator.kind, StaticExprKind::Path(path)
                if path.last().is_some_and(|name| name == "staticmethod" || name == "classmethod"))
        };
        if function.class != Some(class.class)
            || function.params.is_empty()
            || function.decorators.iter().any(unbound)
            || !function.body.may_depend_on_receiver()
        {
            continue;
        }
        // The cheap tests first: most methods read nothing.
        let reads_any = touches(&function.body.blocks, |rvalue| match rvalue {
            Rvalue::GetItem(..) => true,
            Rvalue::GetField(_, name) => says_how_much(name),
            Rvalue::Call {
                callee: Callee::Method { name, .. },
                ..
            } => name == "get",
            _ => false,
        });
        let calls_own = touches(&function.body.blocks, |rvalue| {
            matches!(rvalue, Rvalue::Call {
                callee: Callee::Method { receiver, .. },
                ..
            } if *receiver == Operand::Local(LocalId(0)))
        });
        if !reads_any || !calls_own {
            continue;
        }
        in_method(stores, class, reader, &mut out);
    }
    out
}

fn touches(blocks: &[crate::ir::BasicBlock], wanted: impl Fn(&Rvalue) -> bool) -> bool {
    blocks.iter().any(|block| {
        let mut statements = block.statements.iter();
        matches!(&block.terminator.kind, TerminatorKind::Eval { rvalue, .. } if wanted(rvalue))
            || statements.any(|s| matches!(&s.kind, StatementKind::Assign(_, r) if wanted(r)))
    })
}

fn in_method(stores: &Stores<'_>, class: ClassRef, reader: FuncRef, out: &mut Vec<Dependence>) {
    let module = stores.program.module(reader.module);
    let view = View::new(stores.program, &module, reader, class, Entry::method());
    let blocks: Rc<Vec<Vec<Event>>> = stores.events(class, reader, &Entry::method());
    let all = || blocks.iter().flatten();
    let body = &view.function.body;
    let mut before = None;
    let mut looked = 0;
    for (at, events) in blocks.iter().enumerate() {
        for (index, event) in events.iter().enumerate() {
            let What::Read(read) = &event.what else {
                continue;
            };
            let same = |field: &Name, key: &Name| *field == read.field && *key == read.key;
            let tested =
                all().any(|e| matches!(&e.what, What::Test { field, key } if same(field, key)));
            if tested || missing_is_fine(&view, body, at, read) {
                continue;
            }
            looked += 1;
            if looked > MAX_READS {
                return;
            }
            let before = before.get_or_insert_with(|| predecessors(body));
            let calls = calls_before(&blocks, before, at, index, read);
            let calls: Vec<_> = calls
                .into_iter()
                .filter(|(name, _)| !name.starts_with("__") && *name != view.function.name)
                .collect();
            if !calls.is_empty() {
                out.push(Dependence {
                    reader,
                    field: read.field.clone(),
                    key: read.key.clone(),
                    read: event.span,
                    calls,
                });
            }
        }
    }
}

/// For each block, the edges into it: from which block, and whether that one raised nothing.
type Before = Vec<Vec<(usize, bool)>>;

/// The edges into each block, back edges of loops left out.
fn predecessors(body: &Body) -> Before {
    let mut out: Before = vec![Vec::new(); body.blocks.len()];
    for (from, block) in body.blocks.iter().enumerate() {
        let kind = &block.terminator.kind;
        let mut normal = Vec::new();
        for_each_normal(kind, |to| normal.push(to));
        kind.for_each_successor(|to| {
            let to = to.index();
            // Blocks are in reverse postorder.
            if body.blocks[to].loop_head && to <= from {
                return;
            }
            let edge = (from, normal.contains(&to));
            if !out[to].contains(&edge) {
                out[to].push(edge);
            }
        });
    }
    out
}

/// The calls on the receiver that lead to the read while the attribute holds the same dict. None if
/// the method itself stores the key on the way: a hook may then leave it out on purpose.
fn calls_before(
    blocks: &[Vec<Event>],
    before: &Before,
    block: usize,
    index: usize,
    read: &Read,
) -> Vec<(Name, Span)> {
    let mut calls: Vec<(Name, Span)> = Vec::new();
    // A block that ends with a call is left in two ways: after the call, and because it raised.
    let mut seen = vec![[false; 2]; blocks.len()];
    let mut work: Vec<(usize, &[Event])> = vec![(block, &blocks[block][..index])];
    while let Some((at, events)) = work.pop() {
        let mut rebound = false;
        for event in events.iter().rev() {
            match &event.what {
                What::Set { field, key, .. } if *field == read.field && *key == read.key => {
                    return Vec::new();
                }
                // The attribute itself is stored by `Set`.
                _ if *read.key == *ITSELF && !matches!(event.what, What::Call { .. }) => {}
                What::SetAny { field } | What::Lenient { field } if *field == read.field => {
                    return Vec::new();
                }
                What::Rebind { field } if *field == read.field => rebound = true,
                What::Call {
                    name,
                    parent: false,
                    ..
                } if !rebound => match calls.iter_mut().find(|(known, _)| known == name) {
                    Some((_, span)) if span.start < event.span.start => *span = event.span,
                    Some(_) => {}
                    None => calls.push((name.clone(), event.span)),
                },
                _ => {}
            }
            if rebound {
                break;
            }
        }
        if rebound {
            continue;
        }
        for (from, normal) in &before[at] {
            if !std::mem::replace(&mut seen[*from][usize::from(*normal)], true) {
                let events = &blocks[*from];
                let done = match events.iter().position(|event| event.last) {
                    Some(last) if !normal => &events[..last],
                    _ => &events[..],
                };
                work.push((*from, done));
            }
        }
    }
    calls.sort_by_key(|(_, span)| span.start);
    calls
}

/// Whether the code around the read provides for a missing key.
fn missing_is_fine(view: &View<'_, '_>, body: &Body, block: usize, read: &Read) -> bool {
    match &read.how {
        How::Subscript => catches_key_error(view, body, block),
        How::Attribute => {
            let Some(dest) = read.dest else { return true };
            let same = copies(body, dest);
            // A test asks whether there is something: who tests can do without.
            is_tested_anywhere(body, &read.field) || !is_handed_on(body, &same)
        }
        How::GetOrNone => {
            let Some(dest) = read.dest else { return true };
            // `place.get(key) or 0` is a default, written differently.
            let uses = uses(body, &[dest]);
            let alternative = |used: &Use| *used == Use::Decided(BranchRole::ShortCircuit);
            !uses.iter().all(alternative) || uses.is_empty() || copies(body, dest).len() == 1
        }
        How::GetOr(default) => {
            let Some(dest) = read.dest else { return true };
            let uses = uses(body, &copies(body, dest));
            uses.iter().any(|used| match used {
                Use::Compared(CmpOp::Is | CmpOp::IsNot) => true,
                Use::Compared(_) => !zero(default),
                Use::Decided(_) => false,
            })
        }
    }
}

/// Whether a body tests an attribute of this name, on whatever object.
fn is_tested_anywhere(body: &Body, field: &Name) -> bool {
    let mut tested = false;
    body.for_each_rvalue(|_, dest, rvalue| {
        if let (Some(dest), Rvalue::GetField(_, name)) = (dest, rvalue) {
            tested |= name == field && !uses(body, &copies(body, dest)).is_empty();
        }
    });
    tested
}

/// Whether a value is given to a call, stored or returned.
fn is_handed_on(body: &Body, same: &[LocalId]) -> bool {
    let is = |operand: &Operand| matches!(operand, Operand::Local(l) if same.contains(l));
    body.blocks.iter().any(|block| {
        let stored = block.statements.iter().any(|s| match &s.kind {
            StatementKind::SetField { value, .. } | StatementKind::SetItem { value, .. } => {
                is(value)
            }
            StatementKind::Assign(_, Rvalue::Dict(items)) => items.iter().any(|item| match item {
                DictItem::Pair(_, value) => is(value),
                DictItem::Spread(_) => false,
            }),
            _ => false,
        });
        stored
            || match &block.terminator.kind {
                TerminatorKind::Eval {
                    rvalue: Rvalue::Call { args, .. },
                    ..
                } => args.iter().any(|arg| is(&arg.value)),
                TerminatorKind::Return { value, .. } => is(value),
                _ => false,
            }
    })
}

/// Whether a default means "none" rather than "not known".
fn zero(default: &Operand) -> bool {
    match default {
        Operand::Const(literal) => match literal {
            Literal::Int(n) => *n == 0,
            Literal::Float(bits) => f64::from_bits(*bits) == 0.0,
            Literal::Bool(value) => !value,
            Literal::Str(text) => text.is_empty(),
            _ => false,
        },
        Operand::Local(_) => false,
    }
}

/// A test of a value.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Use {
    Compared(CmpOp),
    Decided(BranchRole),
}

/// A local and those to which it, or its negation, is copied.
fn copies(body: &Body, local: LocalId) -> Vec<LocalId> {
    let mut same = vec![local];
    for Statement { kind, .. } in body.blocks.iter().flat_map(|b| &b.statements) {
        if let StatementKind::Assign(
            to,
            Rvalue::Use(Operand::Local(from)) | Rvalue::Not(Operand::Local(from)),
        ) = kind
            && same.contains(from)
            && !same.contains(to)
        {
            same.push(*to);
        }
    }
    same
}

/// All tests of some locals in a body.
fn uses(body: &Body, same: &[LocalId]) -> Vec<Use> {
    let is = |operand: &Operand| matches!(operand, Operand::Local(l) if same.contains(l));
    let compared = |rvalue: &Rvalue| match rvalue {
        Rvalue::Compare(op, left, right) if is(left) || is(right) => Some(Use::Compared(*op)),
        _ => None,
    };
    let mut out = Vec::new();
    for block in &body.blocks {
        for statement in &block.statements {
            if let StatementKind::Assign(_, rvalue) = &statement.kind {
                out.extend(compared(rvalue));
            }
        }
        match &block.terminator.kind {
            TerminatorKind::Eval { rvalue, .. } => out.extend(compared(rvalue)),
            TerminatorKind::Branch { cond, role, .. } if is(cond) => out.push(Use::Decided(*role)),
            _ => {}
        }
    }
    out
}

/// Whether a handler of the read catches `KeyError`.
fn catches_key_error(view: &View<'_, '_>, body: &Body, block: usize) -> bool {
    let TerminatorKind::Eval {
        unwind: Some(unwind),
        ..
    } = &body.blocks[block].terminator.kind
    else {
        return false;
    };
    // The tests for the handlers of a `try` follow each other.
    let mut at = unwind.target;
    for _ in 0..body.blocks.len() {
        let handler = body.block(at);
        let names = handler.statements.iter().flat_map(|s| match &s.kind {
            StatementKind::Assign(_, Rvalue::Caught { types, .. }) => types.as_slice(),
            _ => &[],
        });
        for name in names {
            let name = match view.source(name) {
                Some(Rvalue::Global(name)) => vec![name.clone()],
                Some(Rvalue::Tuple(items)) => items
                    .iter()
                    .filter_map(|item| match view.source(&item.value) {
                        Some(Rvalue::Global(name)) => Some(name.clone()),
                        _ => None,
                    })
                    .collect(),
                _ => continue,
            };
            if name.iter().any(|n| n == "KeyError" || n == "LookupError") {
                return true;
            }
        }
        at = match &handler.terminator.kind {
            TerminatorKind::Branch {
                otherwise,
                role: BranchRole::Handler,
                ..
            } => *otherwise,
            TerminatorKind::Goto(next) => *next,
            _ => BlockId::ENTRY,
        };
        if at == BlockId::ENTRY {
            break;
        }
    }
    false
}
