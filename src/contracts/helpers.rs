//! What the helpers of a class look up: methods and properties that another method calls. A read in
//! a helper counts as made where the helper is called.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use rustc_hash::FxHashSet;

use crate::contracts::events::{How, Read, What};
use crate::contracts::known_above;
use crate::contracts::reads::{helper_of, is_tested, predecessors, way_to};
use crate::contracts::stores::Stores;
use crate::contracts::uses::{copies, is_handed_on, missing_is_fine, uses};
use crate::contracts::view::Entry;
use crate::ir::{Body, Callee, LocalId, Name, Operand, Rvalue, TerminatorKind};
use crate::program::{ClassRef, FuncRef, ModuleId};
use crate::source::Span;

/// How many helpers may lie between a method and a read, the last one included.
const MAX_HOPS: usize = 2;
/// How many reads of one helper count.
const MAX_READS: usize = 16;

/// A read, as it looks from outside the helper that it is in.
#[derive(Clone, Debug)]
pub(super) struct Exposed {
    pub field: Name,
    pub key: Name,
    /// Where it is.
    pub site: (ModuleId, Span),
    /// The helpers that lead to it, the outermost first.
    pub helpers: Vec<(Name, FuncRef)>,
    /// The methods of the receiver that the helpers call before it.
    pub calls: Vec<Name>,
    /// Whether who tests what was read can do without it.
    testable: bool,
    /// The outermost helper returns what it read.
    returned: bool,
}

impl Exposed {
    /// A read in a body itself.
    pub fn direct(site: (ModuleId, Span), read: &Read, body: &Body) -> Self {
        let same = read.dest.map(|dest| copies(body, dest));
        Self {
            field: read.field.clone(),
            key: read.key.clone(),
            site,
            helpers: Vec::new(),
            calls: Vec::new(),
            testable: read.how == How::Attribute,
            returned: same.is_some_and(|same| returns(body, &same)),
        }
    }

    /// Whether the caller of a helper depends on what that read.
    pub fn is_used(&self, body: &Body, call: &What) -> bool {
        if !self.returned {
            return true;
        }
        let (name, dest) = match call {
            What::Call { name, dest, .. } => (name, *dest),
            What::Property { name, dest } => (name, Some(*dest)),
            _ => return false,
        };
        let Some(dest) = dest else { return false };
        !self.testable || !tests_result(body, name) && is_handed_on(body, &copies(body, dest))
    }
}

/// Whether a body tests what a helper returned, at any of its calls.
fn tests_result(body: &Body, helper: &Name) -> bool {
    let mut tested = false;
    body.for_each_rvalue(|_, dest, rvalue| {
        let name = match rvalue {
            Rvalue::GetField(_, name) => name,
            Rvalue::Call {
                callee: Callee::Method { name, .. },
                ..
            } => name,
            _ => return,
        };
        tested |=
            name == helper && dest.is_some_and(|dest| !uses(body, &copies(body, dest)).is_empty());
    });
    tested
}

fn returns(body: &Body, same: &[LocalId]) -> bool {
    body.blocks.iter().any(|block| {
        matches!(&block.terminator.kind, TerminatorKind::Return { value: Operand::Local(local), .. }
            if same.contains(local))
    })
}

/// A helper of a class, and how many others lead to it.
type Key = (ClassRef, FuncRef, usize);

/// What is known of helpers.
#[derive(Default)]
pub(super) struct Helpers {
    /// For each class, its own methods that may look something up.
    own: RefCell<HashMap<ClassRef, Rc<Vec<Name>>>>,
    /// For each class, the methods that may look something up themselves or through another.
    looking: RefCell<HashMap<ClassRef, Rc<FxHashSet<Name>>>>,
    exposed: RefCell<HashMap<Key, Rc<Vec<Exposed>>>>,
}

/// The methods of a class, inherited ones too, that may look something up in their receiver,
/// themselves or through another one. Told from their texts.
pub(super) fn looking(stores: &Stores<'_>, class: ClassRef) -> Rc<FxHashSet<Name>> {
    if let Some(found) = stores.helpers.looking.borrow().get(&class) {
        return Rc::clone(found);
    }
    let above = known_above(stores.program, class);
    let mut found: FxHashSet<Name> = FxHashSet::default();
    for class in &above {
        found.extend(own_looking(stores, *class).iter().cloned());
    }
    if !found.is_empty() {
        let mut more = Vec::new();
        for class in above {
            let module = stores.program.module(class.module);
            let own = module.ir.functions_of(class.class);
            let own = own.filter(|(_, f)| !found.contains(&f.name));
            let leading = own.filter(|(_, f)| f.body.may_use(&|name| found.contains(name)));
            more.extend(leading.map(|(_, function)| function.name.clone()));
        }
        found.extend(more);
    }
    let found = Rc::new(found);
    let mut known = stores.helpers.looking.borrow_mut();
    known.insert(class, Rc::clone(&found));
    found
}

fn own_looking(stores: &Stores<'_>, class: ClassRef) -> Rc<Vec<Name>> {
    if let Some(found) = stores.helpers.own.borrow().get(&class) {
        return Rc::clone(found);
    }
    let module = stores.program.module(class.module);
    let own = module.ir.functions_of(class.class);
    let own = own.filter(|(_, f)| !f.name.starts_with("__"));
    let looking = own.filter(|(_, f)| f.body.dealings().looks_up);
    let found: Rc<Vec<Name>> = Rc::new(looking.map(|(_, f)| f.name.clone()).collect());
    let mut known = stores.helpers.own.borrow_mut();
    known.insert(class, Rc::clone(&found));
    found
}

/// The reads of a helper that see what its receiver held before, of one that is called on an
/// instance of `class` and lies behind `hops` calls.
pub(super) fn exposed(
    stores: &Stores<'_>,
    class: ClassRef,
    (name, func): (Name, FuncRef),
    hops: usize,
) -> Rc<Vec<Exposed>> {
    let key = (class, func, hops);
    if let Some(found) = stores.helpers.exposed.borrow().get(&key) {
        return Rc::clone(found);
    }
    let found = Rc::new(find(stores, class, &(name, func), hops));
    let mut known = stores.helpers.exposed.borrow_mut();
    known.insert(key, Rc::clone(&found));
    found
}

fn find(
    stores: &Stores<'_>,
    class: ClassRef,
    helper: &(Name, FuncRef),
    hops: usize,
) -> Vec<Exposed> {
    let func = helper.1;
    let module = stores.program.module(func.module);
    let function = module.ir.function(func.func);
    let mut out = Vec::new();
    // A generator runs when its values are asked for.
    if function.is_generator || !function.is_bound() {
        return out;
    }
    let view = stores.view(&module, func, (class, Entry::method()));
    let blocks = stores.events(class, func, &Entry::method());
    let body = &function.body;
    let before = predecessors(body);
    for (at, events) in blocks.iter().enumerate() {
        for (index, event) in events.iter().enumerate() {
            let reads = match &event.what {
                What::Read(read) if missing_is_fine(&view, body, at, read) => continue,
                What::Read(read) => {
                    Rc::new(vec![Exposed::direct((func.module, event.span), read, body)])
                }
                what if hops < MAX_HOPS => match helper_of(stores, &view, what) {
                    Some(next) => exposed(stores, class, next, hops + 1),
                    None => continue,
                },
                _ => continue,
            };
            let is_call = !matches!(event.what, What::Read(_));
            for read in reads.iter() {
                if is_tested(&blocks, read) || is_call && !read.is_used(body, &event.what) {
                    continue;
                }
                let Some(way) = way_to(&blocks, &before, (at, index), read) else {
                    continue;
                };
                if !way.from_entry || out.len() >= MAX_READS {
                    continue;
                }
                let mut read = read.clone();
                read.helpers.insert(0, helper.clone());
                read.calls
                    .extend(way.calls.into_iter().map(|(name, _)| name));
                if is_call && read.returned {
                    let dest = match event.what {
                        What::Call { dest, .. } => dest,
                        What::Property { dest, .. } => Some(dest),
                        _ => None,
                    };
                    read.returned = dest.is_some_and(|dest| returns(body, &copies(body, dest)));
                }
                out.push(read);
            }
        }
    }
    out
}
