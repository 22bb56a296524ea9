//! Whether a method sets a key, without following paths closely: evidence of what its author
//! takes the contract to be, and no verdict.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use crate::contracts::events::{Event, What, events};
use crate::contracts::view::{Entry, Receiver, View};
use crate::ir::{Body, FunctionShape, Name, TerminatorKind};
use crate::program::{ClassRef, FuncRef, Lookup, MemberDef, Program};

/// Helpers of helpers deeper than this are taken to be unclear.
const MAX_DEPTH: u32 = 6;

/// Whether a method sets a key; ordered from least to most.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Sets {
    /// Nothing in it could.
    Never,
    /// Code that is not known could.
    Unclear,
    /// In some place, under some condition.
    Somewhere,
    /// On the way to its end, or with a literal on one path and a value on another: whoever wrote
    /// it takes the key for something that has to be there.
    Deliberately,
}

type Key = (ClassRef, FuncRef, Entry, Name, Name);
type EventsKey = (ClassRef, FuncRef, Entry);

/// Looks methods up and remembers what they set.
pub(super) struct Stores<'p> {
    pub program: &'p Program<'p>,
    known: RefCell<HashMap<Key, Sets>>,
    events: RefCell<HashMap<EventsKey, Rc<Vec<Vec<Event>>>>>,
}

impl<'p> Stores<'p> {
    /// Knows nothing yet.
    pub fn new(program: &'p Program<'p>) -> Self {
        Self {
            program,
            known: RefCell::default(),
            events: RefCell::default(),
        }
    }

    /// What a function does, called on an instance of `class`.
    pub fn events(&self, class: ClassRef, func: FuncRef, entry: &Entry) -> Rc<Vec<Vec<Event>>> {
        let key = (class, func, entry.clone());
        if let Some(found) = self.events.borrow().get(&key) {
            return found.clone();
        }
        let module = self.program.module(func.module);
        let view = View::new(self.program, &module, func, class, entry.clone());
        let found = Rc::new(events(&view));
        self.events.borrow_mut().insert(key, found.clone());
        found
    }

    /// Whether the method that `class` has under this name sets the key; `after` as in
    /// [`Program::lookup`].
    pub fn method_sets(
        &self,
        class: ClassRef,
        name: &str,
        after: Option<ClassRef>,
        field: &str,
        key: &str,
    ) -> Sets {
        self.method(class, name, after, &Entry::method(), field, key, 0)
    }

    #[allow(clippy::too_many_arguments)]
    fn method(
        &self,
        class: ClassRef,
        name: &str,
        after: Option<ClassRef>,
        entry: &Entry,
        field: &str,
        key: &str,
        depth: u32,
    ) -> Sets {
        match self.program.lookup(class, name, after) {
            Lookup::Found(_, defs) => {
                let each = defs.iter().map(|def| match def {
                    MemberDef::Func(func) => self.function(class, *func, entry, field, key, depth),
                    _ => Sets::Unclear,
                });
                each.max().unwrap_or(Sets::Unclear)
            }
            Lookup::Unknown => Sets::Unclear,
            Lookup::Missing => Sets::Never,
        }
    }

    /// Whether a method sets the key, called on an instance of `class`.
    pub fn sets(&self, class: ClassRef, func: FuncRef, field: &str, key: &str) -> Sets {
        self.function(class, func, &Entry::method(), field, key, 0)
    }

    fn function(
        &self,
        class: ClassRef,
        func: FuncRef,
        entry: &Entry,
        field: &str,
        key: &str,
        depth: u32,
    ) -> Sets {
        if depth > MAX_DEPTH {
            return Sets::Unclear;
        }
        let known = (class, func, entry.clone(), field.into(), key.into());
        if let Some(found) = self.known.borrow().get(&known) {
            return *found;
        }
        // A recursive call adds nothing.
        self.known.borrow_mut().insert(known.clone(), Sets::Never);
        let found = self.look(class, func, entry, field, key, depth);
        self.known.borrow_mut().insert(known, found);
        found
    }

    fn look(
        &self,
        class: ClassRef,
        func: FuncRef,
        entry: &Entry,
        field: &str,
        key: &str,
        depth: u32,
    ) -> Sets {
        let module = self.program.module(func.module);
        let function = module.ir.function(func.func);
        if function.shape != FunctionShape::Code {
            return Sets::Never;
        }
        let mut best = self.nested(class, func, field, key, depth);
        let owner = function.class.map(|class| ClassRef {
            module: func.module,
            class,
        });
        let blocks = self.events(class, func, entry);
        let mut sites = 0;
        let mut literals = 0;
        let mut surely = vec![false; blocks.len()];
        for (block, events) in blocks.iter().enumerate() {
            for event in events {
                let sets = match &event.what {
                    What::Set {
                        field: f,
                        key: k,
                        literal,
                    } if f == field && k == key => {
                        sites += 1;
                        literals += usize::from(*literal);
                        surely[block] = true;
                        Sets::Somewhere
                    }
                    What::SetAny { field: f } if f == field => Sets::Unclear,
                    What::Call {
                        name,
                        parent,
                        entry,
                    } => {
                        let after = parent.then_some(owner).flatten();
                        self.method(class, name, after, entry, field, key, depth + 1)
                    }
                    What::Helper { func, entry } => {
                        self.function(class, *func, entry, field, key, depth + 1)
                    }
                    What::Escape => Sets::Unclear,
                    _ => Sets::Never,
                };
                if sets == Sets::Deliberately {
                    surely[block] = true;
                }
                best = best.max(sets.min(Sets::Somewhere));
            }
        }
        if best == Sets::Somewhere
            && (literals > 0 && sites > 1 || at_the_end(&function.body, &surely))
        {
            return Sets::Deliberately;
        }
        best
    }

    /// What functions inside a method do to its receiver: they may be called or not.
    fn nested(&self, class: ClassRef, func: FuncRef, field: &str, key: &str, depth: u32) -> Sets {
        let module = self.program.module(func.module);
        let outer = module.ir.function(func.func);
        if outer.cells().is_none() {
            return Sets::Never;
        }
        let Some(receiver) = outer.params.first() else {
            return Sets::Never;
        };
        let entry = Entry {
            receiver: Some(Receiver::Cell(receiver.name.clone())),
            dict: None,
        };
        let inner = module.ir.functions_in(func.func);
        inner
            .map(|(inner, _)| FuncRef {
                module: func.module,
                func: inner,
            })
            .map(|inner| self.function(class, inner, &entry, field, key, depth + 1))
            .max()
            .unwrap_or(Sets::Never)
            .min(Sets::Somewhere)
    }
}

/// Whether every way to the last exit that meets no exception passes a block that sets.
fn at_the_end(body: &Body, surely: &[bool]) -> bool {
    let mut after: Vec<Option<bool>> = vec![None; body.blocks.len()];
    let mut before: Vec<Option<bool>> = vec![None; body.blocks.len()];
    before[0] = Some(false);
    // Blocks fall from unreached over set to unset, so each changes at most twice.
    let mut changed = true;
    while changed {
        changed = false;
        for (at, block) in body.blocks.iter().enumerate() {
            let Some(set) = before[at] else { continue };
            let out = Some(set || surely[at]);
            if after[at] == out {
                continue;
            }
            after[at] = out;
            changed = true;
            for_each_normal(&block.terminator.kind, |next| {
                let slot = &mut before[next];
                *slot = Some(slot.unwrap_or(true) && out == Some(true));
            });
        }
    }
    let exits = body.blocks.iter().enumerate().filter_map(|(at, block)| {
        let implicit = match block.terminator.kind {
            TerminatorKind::Return { implicit, .. } => implicit,
            _ => return None,
        };
        after[at].map(|set| (implicit, block.terminator.span.start, set))
    });
    exits
        .max_by_key(|(implicit, start, set)| (*implicit, *start, !*set))
        .is_some_and(|(.., set)| set)
}

/// The successors without those that an exception leads to.
pub(super) fn for_each_normal(kind: &TerminatorKind, mut f: impl FnMut(usize)) {
    match kind {
        TerminatorKind::Eval { normal, .. }
        | TerminatorKind::DelItem { normal, .. }
        | TerminatorKind::Yield { normal, .. } => f(normal.index()),
        TerminatorKind::ForNext {
            body, exhausted, ..
        } => {
            f(body.index());
            f(exhausted.index());
        }
        TerminatorKind::Raise { .. } => {}
        other => other.for_each_successor(|next| f(next.index())),
    }
}
