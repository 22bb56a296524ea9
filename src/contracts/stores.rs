//! Whether a method sets a key, without following paths closely: evidence of what its author takes
//! the contract to be, not a verdict.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use rustc_hash::FxHashSet;

use crate::contracts::events::{Event, What, events};
use crate::contracts::helpers::Helpers;
use crate::contracts::known_above;
use crate::contracts::suggest::Words;
use crate::contracts::view::{Entry, Receiver, View};
use crate::ir::{Body, FunctionShape, Name, TerminatorKind};
use crate::program::{ClassRef, FuncRef, LoadedModule, Lookup, MemberDef, Program};

/// Calls nested deeper than this are taken to be unclear.
const MAX_DEPTH: u32 = 6;

/// How a method sets a key, from least to most.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Sets {
    /// Nothing in it can.
    Never,
    /// Unknown code may.
    Unclear,
    /// Somewhere, under some condition.
    Somewhere,
    /// On the way to its end, or to a literal on one path and to a value on another: its author
    /// expects the key to be there.
    Deliberately,
}

/// A key of the dict that an attribute of the receiver holds.
#[derive(Clone, Copy)]
pub(super) struct StatsKey<'k> {
    pub field: &'k str,
    pub key: &'k str,
}

/// A function that runs on an instance of a class, entered in this way.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Invocation {
    class: ClassRef,
    func: FuncRef,
    entry: Entry,
}

/// Looks methods up and remembers what they set.
pub(super) struct Stores<'p> {
    pub program: &'p Program<'p>,
    pub words: Words,
    known: RefCell<HashMap<(Invocation, Name, Name), Sets>>,
    events: RefCell<HashMap<Invocation, Rc<Vec<Vec<Event>>>>>,
    properties: RefCell<HashMap<ClassRef, Rc<FxHashSet<Name>>>>,
    /// What the helpers of classes look up.
    pub helpers: Helpers,
}

impl<'p> Stores<'p> {
    /// Knows nothing yet.
    pub fn new(program: &'p Program<'p>, words: Words) -> Self {
        Self {
            program,
            words,
            known: RefCell::default(),
            events: RefCell::default(),
            properties: RefCell::default(),
            helpers: Helpers::default(),
        }
    }

    /// What a function does, called on an instance of `class`.
    pub fn events(&self, class: ClassRef, func: FuncRef, entry: &Entry) -> Rc<Vec<Vec<Event>>> {
        let entry = entry.clone();
        self.events_of(&Invocation { class, func, entry })
    }

    fn events_of(&self, run: &Invocation) -> Rc<Vec<Vec<Event>>> {
        if let Some(found) = self.events.borrow().get(run) {
            return found.clone();
        }
        let module = self.program.module(run.func.module);
        let view = self.view(&module, run.func, (run.class, run.entry.clone()));
        let found = Rc::new(events(&view));
        self.events.borrow_mut().insert(run.clone(), found.clone());
        found
    }

    /// A function of a module, called on an instance of a class.
    pub fn view<'m>(
        &self,
        module: &'m Arc<LoadedModule>,
        func: FuncRef,
        run: (ClassRef, Entry),
    ) -> View<'p, 'm> {
        let properties = self.properties(run.0);
        View::new(self.program, module, func, run, properties)
    }

    /// The properties of a class, inherited ones too.
    fn properties(&self, class: ClassRef) -> Rc<FxHashSet<Name>> {
        if let Some(found) = self.properties.borrow().get(&class) {
            return Rc::clone(found);
        }
        let mut found = FxHashSet::default();
        for above in known_above(self.program, class) {
            let module = self.program.module(above.module);
            let own = module.ir.functions_of(above.class);
            let own = own.filter(|(_, f)| f.is_property());
            found.extend(own.map(|(_, function)| function.name.clone()));
        }
        let found = Rc::new(found);
        self.properties
            .borrow_mut()
            .insert(class, Rc::clone(&found));
        found
    }

    /// How the method that `class` has under this name sets the key.
    pub fn method_sets(&self, class: ClassRef, name: &str, wanted: StatsKey<'_>) -> Sets {
        let lookup = self.program.lookup(class, name, None);
        self.found(class, lookup, &Entry::method(), wanted, 0)
    }

    /// How a method sets the key, called on an instance of `class`.
    pub fn sets(&self, class: ClassRef, func: FuncRef, wanted: StatsKey<'_>) -> Sets {
        let entry = Entry::method();
        self.function(Invocation { class, func, entry }, wanted, 0)
    }

    /// How the definitions that were found for a method set the key: the one that sets it most.
    fn found(
        &self,
        class: ClassRef,
        lookup: Lookup,
        entry: &Entry,
        wanted: StatsKey<'_>,
        depth: u32,
    ) -> Sets {
        match lookup {
            Lookup::Found(_, defs) => {
                let each = defs.into_iter().map(|def| match def {
                    MemberDef::Func(func) => {
                        let entry = entry.clone();
                        self.function(Invocation { class, func, entry }, wanted, depth)
                    }
                    MemberDef::Def(_) | MemberDef::Unknown => Sets::Unclear,
                });
                each.max().unwrap_or(Sets::Unclear)
            }
            Lookup::Unknown => Sets::Unclear,
            Lookup::Missing => Sets::Never,
        }
    }

    fn function(&self, run: Invocation, wanted: StatsKey<'_>, depth: u32) -> Sets {
        if depth > MAX_DEPTH {
            return Sets::Unclear;
        }
        let question = (run, wanted.field.into(), wanted.key.into());
        if let Some(found) = self.known.borrow().get(&question) {
            return *found;
        }
        // A recursive call adds nothing.
        self.known
            .borrow_mut()
            .insert(question.clone(), Sets::Never);
        let found = self.find_out(&question.0, wanted, depth);
        self.known.borrow_mut().insert(question, found);
        found
    }

    fn find_out(&self, run: &Invocation, wanted: StatsKey<'_>, depth: u32) -> Sets {
        let module = self.program.module(run.func.module);
        let function = module.ir.function(run.func.func);
        if function.shape != FunctionShape::Code {
            return Sets::Never;
        }
        let mut best = self.nested(run, wanted, depth);
        let owner = function.class.map(|class| ClassRef {
            module: run.func.module,
            class,
        });
        let blocks = self.events_of(run);
        let mut sites = 0;
        let mut literals = 0;
        let mut surely = vec![false; blocks.len()];
        for (block, events) in blocks.iter().enumerate() {
            for event in events {
                let sets = match &event.what {
                    What::Set {
                        field,
                        key,
                        literal,
                    } if field == wanted.field && key == wanted.key => {
                        sites += 1;
                        literals += usize::from(*literal);
                        surely[block] = true;
                        Sets::Somewhere
                    }
                    What::SetAny { field } if field == wanted.field => Sets::Unclear,
                    What::Call {
                        name,
                        parent,
                        entry,
                        ..
                    } => {
                        let after = parent.then_some(owner).flatten();
                        let lookup = self.program.lookup(run.class, name, after);
                        self.found(run.class, lookup, entry, wanted, depth + 1)
                    }
                    What::Helper { func, entry } => {
                        let helper = Invocation {
                            class: run.class,
                            func: *func,
                            entry: entry.clone(),
                        };
                        self.function(helper, wanted, depth + 1)
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

    /// What nested functions do to the receiver of a method: they may be called or not.
    fn nested(&self, run: &Invocation, wanted: StatsKey<'_>, depth: u32) -> Sets {
        let module = self.program.module(run.func.module);
        let outer = module.ir.function(run.func.func);
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
        let inner = module.ir.functions_in(run.func.func);
        let runs = inner.map(|(inner, _)| Invocation {
            class: run.class,
            func: FuncRef {
                module: run.func.module,
                func: inner,
            },
            entry: entry.clone(),
        });
        runs.map(|inner| self.function(inner, wanted, depth + 1))
            .max()
            .unwrap_or(Sets::Never)
            .min(Sets::Somewhere)
    }
}

/// Whether every way to the last exit on which nothing raises passes a block that sets the key.
fn at_the_end(body: &Body, surely: &[bool]) -> bool {
    let mut after: Vec<Option<bool>> = vec![None; body.blocks.len()];
    let mut before: Vec<Option<bool>> = vec![None; body.blocks.len()];
    before[0] = Some(false);
    // A block goes from unreached to set to unset, so it changes at most twice.
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

/// Calls `f` with each successor but those that an exception leads to.
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
