//! On which calls of the receiver's methods a read of a key depends.

use std::cell::{RefCell, RefMut};
use std::rc::Rc;

use rustc_hash::FxHashSet;

use crate::contracts::events::{Event, ITSELF, What};
use crate::contracts::helpers::{Exposed, exposed, looking};
use crate::contracts::results::needs;
use crate::contracts::stores::{Stores, for_each_normal};
use crate::contracts::uses::missing_is_fine;
use crate::contracts::view::{Entry, View};
use crate::frontend::sketch::says_how_much;
use crate::ir::{
    BasicBlock, Body, Callee, Code, LocalId, Name, Operand, Rvalue, StatementKind, TerminatorKind,
};
use crate::order::Order as _;
use crate::program::{ClassRef, FuncRef, ModuleId};
use crate::settings::Step;
use crate::source::Span;

/// How many reads of one method are looked at, those in its helpers included.
const MAX_READS: usize = 64;
/// How many calls of helpers of one method are looked into, of those that read something.
const MAX_HELPERS: usize = 32;

/// Something that depends on earlier calls.
#[derive(Clone, Debug)]
pub(super) struct Dependence {
    pub reader: FuncRef,
    pub wanted: Wanted,
    /// Where it is read, or what is returned is used.
    pub read: (ModuleId, Span),
    /// Where the reader calls the helper that reads it.
    pub through: Option<Span>,
    /// That helper and those that it calls, by the names under which the receiver has them.
    pub helpers: Vec<(Name, FuncRef)>,
    /// The methods of the receiver, each with the call nearest to the read.
    pub calls: Vec<(Name, Span)>,
    /// Methods that the helper calls before it reads.
    pub others: Vec<Name>,
}

/// What a reader needs.
#[derive(Clone, Debug)]
pub(super) enum Wanted {
    /// A key of the dict that an attribute holds; [`ITSELF`] for the attribute.
    Stored { field: Name, key: Name },
    /// What the call returned.
    Returned {
        /// The part of it that is read.
        steps: Vec<Step>,
        /// It counts only if some definition is known to return a number.
        number: bool,
        /// The call is awaited.
        awaited: bool,
    },
}

/// What the methods of a class need from an earlier call of a method that may be a hook, by its name.
pub(super) fn dependences(
    stores: &Stores<'_>,
    class: ClassRef,
    hook: &dyn Fn(&str) -> bool,
) -> Vec<Dependence> {
    let module = stores.program.module(class.module);
    let mut out = Vec::new();
    // A body that was left out contains no methods: those inside a function are read with it.
    for (func, function) in module.ir.functions_of(class.class) {
        let reader = FuncRef {
            module: class.module,
            func,
        };
        if !function.is_bound() {
            continue;
        }
        // The cheap tests first: most methods need nothing.
        let dealings = function.body.dealings();
        if !dealings.calls {
            continue;
        }
        let looks_up = dealings.looks_up || may_have_helper(stores, class, &function.body, hook);
        if !looks_up && !dealings.uses_result || !function.body.may_use(hook) {
            continue;
        }
        let calls_own = touches(&function.body.blocks, |rvalue| {
            matches!(rvalue, Rvalue::Call {
                callee: Callee::Method { receiver, .. },
                ..
            } if *receiver == Operand::Local(LocalId(0)))
        });
        if !calls_own {
            continue;
        }
        if looks_up && may_look_up(stores, class, &function.body) {
            in_method(stores, class, reader, hook, &mut out);
        }
        if dealings.uses_result {
            let view = stores.view(&module, reader, (class, Entry::method()));
            out.extend(needs(stores, &view, reader));
        }
    }
    out
}

/// Whether a method may use a hook, and a helper that looks something up: told without lowering it.
fn may_have_helper(
    stores: &Stores<'_>,
    class: ClassRef,
    code: &Code,
    hook: &dyn Fn(&str) -> bool,
) -> bool {
    let looking = looking(stores, class);
    if looking.is_empty() {
        return false;
    }
    let (hooks, helpers) = (RefCell::default(), RefCell::default());
    code.may_use(&|name| {
        let (mut hooks, mut helpers): (RefMut<'_, FxHashSet<Name>>, RefMut<'_, FxHashSet<Name>>) =
            (hooks.borrow_mut(), helpers.borrow_mut());
        if hook(name) {
            hooks.insert(Name::new(name));
        }
        if looking.contains(name) {
            helpers.insert(Name::new(name));
        }
        hooks
            .iter()
            .any(|hook| helpers.iter().any(|helper| helper != hook))
    })
}

/// Whether a body reads something that may be a key, a count or a helper.
fn may_look_up(stores: &Stores<'_>, class: ClassRef, body: &Body) -> bool {
    let looking = looking(stores, class);
    touches(&body.blocks, |rvalue| match rvalue {
        Rvalue::GetItem(..) => true,
        Rvalue::GetField(_, name) => says_how_much(name) || looking.contains(name),
        Rvalue::Call {
            callee: Callee::Method { name, .. },
            ..
        } => name == "get" || looking.contains(name),
        _ => false,
    })
}

fn touches(blocks: &[BasicBlock], wanted: impl Fn(&Rvalue) -> bool) -> bool {
    blocks.iter().any(|block| {
        let mut statements = block.statements.iter();
        matches!(&block.terminator.kind, TerminatorKind::Eval { rvalue, .. } if wanted(rvalue))
            || statements.any(|s| matches!(&s.kind, StatementKind::Assign(_, r) if wanted(r)))
    })
}

fn in_method(
    stores: &Stores<'_>,
    class: ClassRef,
    reader: FuncRef,
    hook: &dyn Fn(&str) -> bool,
    out: &mut Vec<Dependence>,
) {
    let module = stores.program.module(reader.module);
    let view = stores.view(&module, reader, (class, Entry::method()));
    let blocks: Rc<Vec<Vec<Event>>> = stores.events(class, reader, &Entry::method());
    let body = &view.function.body;
    let mut before = None;
    let (mut looked, mut helped) = (0, 0);
    for (at, events) in blocks.iter().enumerate() {
        for (index, event) in events.iter().enumerate() {
            let (reads, own) = match &event.what {
                What::Read(read) if missing_is_fine(&view, body, at, read) => continue,
                What::Read(read) => {
                    let read = Exposed::direct((reader.module, event.span), read, body);
                    (Rc::new(vec![read]), true)
                }
                // Blocks are in reverse postorder: what comes before has been passed.
                what if may_follow(&blocks[..=at], what, hook) => {
                    (in_helper(stores, &view, what), false)
                }
                _ => continue,
            };
            helped += usize::from(!own && !reads.is_empty());
            if helped > MAX_HELPERS {
                return;
            }
            for read in reads.iter() {
                let helper = read.helpers.first().map(|(name, _)| name);
                if is_tested(&blocks, read) || !own && !read.is_used(body, &event.what) {
                    continue;
                }
                looked += 1;
                if looked > MAX_READS {
                    return;
                }
                let before = before.get_or_insert_with(|| predecessors(body));
                let Some(way) = way_to(&blocks, before, (at, index), read) else {
                    continue;
                };
                let hooks = way.calls.into_iter().filter(|(name, _)| {
                    !name.starts_with("__") && *name != view.function.name && Some(name) != helper
                });
                let calls: Vec<_> = hooks.collect();
                if !calls.is_empty() {
                    out.push(Dependence {
                        reader,
                        wanted: Wanted::Stored {
                            field: read.field.clone(),
                            key: read.key.clone(),
                        },
                        read: read.site,
                        through: (!own).then_some(event.span),
                        helpers: read.helpers.clone(),
                        calls,
                        others: read.calls.clone(),
                    });
                }
            }
        }
    }
}

/// Whether a helper may be called after a hook: one of these blocks calls another method.
fn may_follow(blocks: &[Vec<Event>], helper: &What, hook: &dyn Fn(&str) -> bool) -> bool {
    let (What::Call { name: helper, .. } | What::Property { name: helper, .. }) = helper else {
        return false;
    };
    blocks.iter().flatten().any(|event| {
        matches!(&event.what, What::Call { name, parent: false, .. } if name != helper && hook(name))
    })
}

/// What the helper looks up that an event calls, on the class of the receiver.
pub(super) fn in_helper(stores: &Stores<'_>, view: &View<'_, '_>, what: &What) -> Rc<Vec<Exposed>> {
    let found = helper_of(stores, view, what);
    let reads = found.map(|(name, func)| exposed(stores, view.class, (name, func), 1));
    reads.unwrap_or_default()
}

/// The helper that an event calls, if it is one definition that may look something up.
pub(super) fn helper_of(
    stores: &Stores<'_>,
    view: &View<'_, '_>,
    what: &What,
) -> Option<(Name, FuncRef)> {
    let (name, parent) = match what {
        What::Call { name, parent, .. } => (name, *parent),
        What::Property { name, .. } => (name, false),
        _ => return None,
    };
    if !looking(stores, view.class).contains(name) {
        return None;
    }
    let owner = view.function.class.map(|class| ClassRef {
        module: view.module.id,
        class,
    });
    let after = parent.then_some(owner).flatten();
    let func = stores.program.method(view.class, name, after)?;
    Some((name.clone(), func))
}

/// Whether a body asks whether the key is there.
pub(super) fn is_tested(blocks: &[Vec<Event>], read: &Exposed) -> bool {
    blocks.iter().flatten().any(|event| {
        matches!(&event.what, What::Test { field, key } if *field == read.field && *key == read.key)
    })
}

/// For each block, the edges into it: from which block, and whether that one raised nothing.
pub(super) type Before = Vec<Vec<(usize, bool)>>;

/// The edges into each block, back edges of loops left out.
pub(super) fn predecessors(body: &Body) -> Before {
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

/// What leads to a read while the attribute holds the same dict.
pub(super) struct Way {
    /// The calls on the receiver, each the nearest to the read.
    pub calls: Vec<(Name, Span)>,
    /// Whether the attribute may hold the dict that it held on entry.
    pub from_entry: bool,
}

/// The way to a read. None if the method itself stores the key on it: a hook may then leave it out
/// on purpose.
pub(super) fn way_to(
    blocks: &[Vec<Event>],
    before: &Before,
    (block, index): (usize, usize),
    read: &Exposed,
) -> Option<Way> {
    let mut calls: Vec<(Name, Span)> = Vec::new();
    let mut from_entry = false;
    // A block that ends with a call is left in two ways: after the call, and because it raised.
    let mut seen = vec![[false; 2]; blocks.len()];
    let mut work: Vec<(usize, &[Event])> = vec![(block, &blocks[block][..index])];
    while let Some((at, events)) = work.pop() {
        let mut rebound = false;
        for event in events.iter().rev() {
            match &event.what {
                What::Set { field, key, .. } if *field == read.field && *key == read.key => {
                    return None;
                }
                // The attribute itself is stored by `Set`.
                _ if *read.key == *ITSELF && !matches!(event.what, What::Call { .. }) => {}
                What::SetAny { field } | What::Lenient { field } if *field == read.field => {
                    return None;
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
        from_entry |= at == 0;
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
    calls.order_by_key(|(_, span)| span.start);
    Some(Way { calls, from_entry })
}
