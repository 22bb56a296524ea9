//! Who can learn of a failure: code that reads what the failure leaves behind, or a caller that
//! tests what a function returned because of it.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashSet;

use crate::engine::Engine;
use crate::engine::values::state::{Cell, Slot, State};
use crate::engine::values::value::{Term, Value};
use crate::ir::validate::{for_each_terminator_use, for_each_use};
use crate::ir::{
    Callee, Data, Function, Literal, LocalId, Module, Name, Operand, Rvalue, StatementKind,
    TerminatorKind,
};
use crate::program::{ClassRef, ModuleId, MroEntry, Program};
use crate::rules::contract_method::Subject;
use crate::rules::tables::collections::{CHANGES, LOOKUPS};
use crate::source::Span;

/// Where something is left on the receiver after the method.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Left {
    /// `self.name`
    Field(Name),
    /// A key of the statistics.
    Key(Name),
}

/// What the steps around a contract method read.
pub(super) struct Readers {
    fields: BTreeSet<Name>,
    keys: BTreeSet<Name>,
    /// Whether a caller tests what the method returns.
    pub(super) result_is_tested: bool,
}

impl Readers {
    /// What the modules of a class and of its bases read outside of the contract method.
    pub(super) fn new(subject: &Subject<'_>) -> Self {
        let mut out = Readers {
            fields: BTreeSet::new(),
            keys: BTreeSet::new(),
            result_is_tested: false,
        };
        let program = subject.program;
        let mut modules: BTreeSet<ModuleId> = BTreeSet::new();
        let mut family: BTreeSet<ClassRef> = BTreeSet::new();
        for entry in &program.mro(subject.class).entries {
            if let MroEntry::Class(class) = entry {
                modules.insert(class.module);
                family.insert(*class);
            }
        }
        for id in modules {
            let module = program.module(id);
            for (_, function) in module.ir.functions() {
                if is_in(&module.ir, function, &subject.contract.method) {
                    continue;
                }
                out.read_by(function, &subject.contract.sets.field);
                let of_family = function
                    .class
                    .is_some_and(|class| family.contains(&ClassRef { module: id, class }));
                if of_family {
                    out.result_is_tested |= tests_call_of(function, &subject.contract.method);
                }
            }
        }
        out
    }

    fn read_by(&mut self, function: &Function, stats: &str) {
        let loads = rvalues(function).filter_map(|(dest, rvalue)| match rvalue {
            Rvalue::GetField(_, name) => Some((dest?, name)),
            _ => None,
        });
        let loads: Vec<(LocalId, &Name)> = loads.collect();
        let dicts: FxHashSet<LocalId> = loads
            .iter()
            .filter(|(_, name)| *name == stats)
            .map(|(dest, _)| *dest)
            .collect();
        let dicts = flow(function, dicts);
        for (_, rvalue) in rvalues(function) {
            if let Rvalue::GetField(Operand::Local(object), key) = rvalue
                && dicts.contains(object)
            {
                self.keys.insert(key.clone());
            }
            let (object, key) = match rvalue {
                Rvalue::GetItem(object, key) => (object, Some(key)),
                Rvalue::Call {
                    callee: Callee::Method { receiver, name, .. },
                    args,
                } if LOOKUPS.contains(&name.as_str()) => (receiver, args.first().map(|a| &a.value)),
                _ => continue,
            };
            if let (Operand::Local(object), Some(Operand::Const(Literal::Str(key)))) = (object, key)
                && dicts.contains(object)
            {
                self.keys.insert(key.clone());
            }
        }
        for (dest, name) in loads {
            if name != stats && !self.fields.contains(name) && is_looked_at(function, dest) {
                self.fields.insert(name.clone());
            }
        }
    }

    /// Whether something that is left behind is read.
    fn reads(&self, place: &Left) -> bool {
        match place {
            Left::Field(name) => self.fields.contains(name),
            Left::Key(name) => self.keys.contains(name),
        }
    }
}

/// What was asked about readers, with the answers.
#[derive(Default)]
pub(super) struct Heard {
    places: BTreeMap<Left, bool>,
    tested: Option<bool>,
}

impl Heard {
    /// Whether a caller tests what the method returns.
    pub(super) fn tested(&mut self, readers: &Readers) -> bool {
        self.tested = Some(readers.result_is_tested);
        readers.result_is_tested
    }

    /// Whether something of what is left behind is read.
    pub(super) fn read(&mut self, readers: &Readers, left: &[Left]) -> bool {
        let mut any = false;
        for place in left {
            let read = readers.reads(place);
            self.places.insert(place.clone(), read);
            any |= read;
        }
        any
    }

    /// Whether nothing was asked.
    pub(super) fn is_empty(&self) -> bool {
        self.places.is_empty() && self.tested.is_none()
    }

    /// Whether other readers give the same answers.
    pub(super) fn holds(&self, readers: &Readers) -> bool {
        let mut places = self.places.iter();
        self.tested.is_none_or(|t| t == readers.result_is_tested)
            && places.all(|(place, read)| readers.reads(place) == *read)
    }
}

/// Whether a function is a definition of the method, or nested in one.
fn is_in(module: &Module, function: &Function, method: &str) -> bool {
    let mut at = Some(function);
    while let Some(f) = at {
        if f.class.is_some() && f.name == method {
            return true;
        }
        at = f.outer.map(|outer| module.function(outer));
    }
    false
}

/// Every rvalue of a function, with the local that gets its value.
fn rvalues(function: &Function) -> impl Iterator<Item = (Option<LocalId>, &Rvalue)> {
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
fn flow(function: &Function, from: FxHashSet<LocalId>) -> FxHashSet<LocalId> {
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

/// Whether a value is used other than by being changed.
fn is_looked_at(function: &Function, value: LocalId) -> bool {
    let (mut uses, mut changes) = (0, 0);
    for block in &function.body.blocks {
        for s in &block.statements {
            for_each_use(&s.kind, &mut |l| uses += usize::from(l == value));
            match &s.kind {
                StatementKind::SetItem { object, .. } | StatementKind::SetField { object, .. }
                    if *object == Operand::Local(value) =>
                {
                    changes += 1;
                }
                _ => {}
            }
        }
        let t = &block.terminator.kind;
        for_each_terminator_use(t, &mut |l| uses += usize::from(l == value));
        if let TerminatorKind::Eval {
            rvalue:
                Rvalue::Call {
                    callee: Callee::Method { receiver, name, .. },
                    ..
                },
            ..
        } = t
            && *receiver == Operand::Local(value)
            && CHANGES.contains(&name.as_str())
        {
            changes += 1;
        }
    }
    uses > changes
}

/// What becomes of the result of a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fate {
    /// A branch depends on it.
    Tested,
    /// It is returned.
    Returned,
    /// Neither.
    Unheard,
}

/// What becomes of the result of the call or `await` at this span of a function.
pub(super) fn fate(function: &Function, call: Span) -> Fate {
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

fn fate_of(function: &Function, results: FxHashSet<LocalId>) -> Fate {
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

/// Whether a function tests what a method of its receiver returns.
fn tests_call_of(function: &Function, method: &str) -> bool {
    let results = rvalues(function).filter_map(|(dest, rvalue)| match rvalue {
        Rvalue::Call {
            callee: Callee::Method { receiver, name, .. },
            ..
        } if name == method && *receiver == Operand::Local(LocalId(0)) => dest,
        _ => None,
    });
    fate_of(function, results.collect()) == Fate::Tested
}

/// What a failure leaves on the receiver: in `failed`, a state at an exit after it, but in no state
/// at an exit where all went `well`.
pub(super) fn left_behind(
    engine: &mut Engine<'_>,
    failed: &State,
    well: &[State],
    subject: &Subject<'_>,
) -> Vec<Left> {
    let stats = engine.watched_object(failed);
    let contract = &subject.contract.sets;
    let mut out = Vec::new();
    for ((object, slot), cell) in &failed.heap {
        let place = match slot {
            Slot::Field(name) if *object == failed.watched && *name != contract.field.as_str() => {
                Left::Field(name.clone())
            }
            Slot::Item(key) if *object == stats => match engine.terms.literal(*key) {
                Some(Literal::Str(key)) if *key != contract.key.as_str() => Left::Key(key.clone()),
                _ => continue,
            },
            // The statistics are a record.
            Slot::Field(name) if *object == stats && *name != contract.key.as_str() => {
                Left::Key(name.clone())
            }
            // The collection that an attribute holds was changed.
            Slot::Content => match engine.terms.term(*object) {
                Term::Field(of, name)
                    if *of == failed.watched && *name != contract.field.as_str() =>
                {
                    Left::Field(name.clone())
                }
                _ => continue,
            },
            _ => continue,
        };
        let content = |state: &State, v: Value| state.heap.get(&(v, Slot::Content)).copied();
        let mut same = well.iter().filter(|state| {
            let key = (*object, slot.clone());
            match (state.heap.get(&key), cell) {
                (Some(Cell::Has(a)), Cell::Has(b)) => {
                    a == b && content(state, *a) == content(failed, *b)
                }
                (Some(Cell::Absent), Cell::Absent) | (None, Cell::Absent) => true,
                _ => false,
            }
        });
        if same.next().is_none() && *cell != Cell::Absent && !out.contains(&place) {
            out.push(place);
        }
    }
    out
}

/// The exception classes that a handler names.
pub(super) fn caught_names(
    program: &Program<'_>,
    at: (crate::program::FuncRef, crate::ir::BlockId),
) -> Vec<Name> {
    let module = program.module(at.0.module);
    let function = module.ir.function(at.0.func);
    let block = function.body.block(at.1);
    let types = block.statements.iter().find_map(|s| match &s.kind {
        StatementKind::Assign(_, Rvalue::Caught { types, .. }) => Some(types),
        _ => None,
    });
    let types = types.into_iter().flatten();
    let locals: Vec<LocalId> = types
        .filter_map(|t| match t {
            Operand::Local(l) => Some(*l),
            Operand::Const(_) => None,
        })
        .collect();
    rvalues(function)
        .filter_map(|(dest, rvalue)| match rvalue {
            Rvalue::GetField(_, name) | Rvalue::Global(name)
                if dest.is_some_and(|d| locals.contains(&d)) =>
            {
                Some(name.clone())
            }
            _ => None,
        })
        .collect()
}
