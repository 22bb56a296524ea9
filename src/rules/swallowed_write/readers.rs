//! Who can learn of a failure: code that reads what the failure leaves behind, or callers that look
//! at what the method returned because of it.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashSet;

use crate::engine::Engine;
use crate::engine::values::state::{Cell, Slot, State};
use crate::engine::values::value::{Term, Value};
use crate::ir::validate::{for_each_terminator_use, for_each_use};
use crate::ir::{
    Callee, Function, Literal, LocalId, Module, Name, Operand, Rvalue, StatementKind,
    TerminatorKind,
};
use crate::program::{ClassRef, ModuleId, MroEntry, Program};
use crate::rules::contract_method::Subject;
use crate::rules::failed_write::flow::{flow, rvalues};
use crate::rules::swallowed_write::audience::Audience;
use crate::rules::swallowed_write::callers::{Answer, CallSite};
use crate::rules::tables::collections::{CHANGES, LOOKUPS};
use crate::rules::tables::{is_report, takes_log_records, tells};
use crate::settings::Place;

/// Where something is left on the receiver after the method.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Left {
    /// `self.name`
    Field(Name),
    /// A key of the statistics.
    Key(Name),
    /// An attribute of an object of a known class that the receiver holds.
    Held(ClassRef, Name),
    /// An object that other code holds as well: an argument, or something that the receiver holds
    /// and whose class is not known.
    Shared,
}

/// Who looks at what a contract method leaves behind, and at what it returns.
pub(super) struct Readers {
    fields: BTreeSet<Name>,
    keys: BTreeSet<Name>,
    /// The functions that call the method.
    calls: Vec<CallSite>,
    /// Whether nobody else can be assumed to call it: all bases of the class are known.
    closed: bool,
    /// The modules of the class and of its bases.
    modules: BTreeSet<ModuleId>,
    /// For a function that no contract names: what reads and calls it anywhere in the program.
    outside: Option<Audience>,
}

impl Readers {
    /// What the modules of a class and of its bases read outside of the contract method.
    pub(super) fn new(subject: &Subject<'_>) -> Self {
        let outside = subject.is_outside().then(|| Audience::of(subject));
        let mut out = Readers {
            outside,
            fields: BTreeSet::new(),
            keys: BTreeSet::new(),
            calls: Vec::new(),
            closed: subject
                .class
                .is_some_and(|class| subject.program.fully_resolved(class)),
            modules: BTreeSet::new(),
        };
        let program = subject.program;
        let method = subject.method;
        let attributes: Vec<&str> = subject
            .contract
            .places()
            .filter_map(Place::attribute)
            .collect();
        let mut modules: BTreeSet<ModuleId> = BTreeSet::new();
        let mut family: BTreeSet<ClassRef> = BTreeSet::new();
        let mro = subject.class.map(|class| program.mro(class));
        for entry in mro.iter().flat_map(|mro| &mro.entries) {
            if let MroEntry::Class(class) = entry {
                modules.insert(class.module);
                family.insert(*class);
            }
        }
        // The methods of the family that read the statistics.
        let mut reporting: BTreeSet<Name> = BTreeSet::new();
        // The callers, each with its own name and the methods that it calls.
        let mut calling: Vec<(BTreeSet<Name>, CallSite)> = Vec::new();
        if out.outside.is_some() {
            modules.insert(subject.func.module);
        }
        for id in &modules {
            let id = *id;
            let module = program.module(id);
            for (_, function) in module.ir.functions() {
                if is_in(&module.ir, function, method) {
                    continue;
                }
                out.read_by(function, &attributes);
                let of_family = function
                    .class
                    .is_some_and(|class| family.contains(&ClassRef { module: id, class }));
                if of_family && attributes.iter().any(|name| reads_field(function, name)) {
                    reporting.insert(function.name.clone());
                }
                let own = of_family.then(|| CallSite::of(function, method, true));
                calling.extend(own.flatten().map(|site| (with_callees(function), site)));
                out.calls.extend(CallSite::of(function, method, false));
            }
        }
        let own = calling.into_iter().map(|(names, mut site)| {
            site.records = !names.is_disjoint(&reporting);
            site
        });
        out.calls.extend(own);
        out.modules = modules;
        out
    }

    /// Whether who has to know learns of a failure from what the method returns: the callers that
    /// record the run if there are some, or else any caller.
    fn hear(&self, answer: &Answer) -> bool {
        if let Some(audience) = &self.outside {
            return audience.hears(answer);
        }
        let mut recording = self.calls.iter().filter(|site| site.records).peekable();
        if recording.peek().is_some() {
            return recording.all(|site| site.hears(answer));
        }
        if self.calls.iter().any(|site| site.hears(answer)) {
            return true;
        }
        !self.calls.iter().any(|site| site.certain) && self.closed && answer.tells()
    }

    fn read_by(&mut self, function: &Function, stats: &[&str]) {
        let loads = rvalues(function).filter_map(|(dest, rvalue)| match rvalue {
            Rvalue::GetField(_, name) => Some((dest?, name)),
            _ => None,
        });
        let loads: Vec<(LocalId, &Name)> = loads.collect();
        let dicts: FxHashSet<LocalId> = loads
            .iter()
            .filter(|(_, name)| stats.contains(&name.as_str()))
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
            if !stats.contains(&name.as_str())
                && !self.fields.contains(name)
                && is_looked_at(function, dest)
            {
                self.fields.insert(name.clone());
            }
        }
    }

    /// Whether something that is left behind is read.
    fn reads(&self, program: &Program<'_>, place: &Left) -> bool {
        if let (Some(audience), Left::Field(name)) = (&self.outside, place) {
            return self.fields.contains(name) || audience.reads(program, name, &self.modules);
        }
        match place {
            Left::Field(name) => self.fields.contains(name),
            Left::Key(name) => self.keys.contains(name),
            Left::Held(class, name) => {
                let own = program.module(class.module);
                let looks = |f: &Function| {
                    rvalues(f).any(|(dest, rvalue)| match rvalue {
                        Rvalue::GetField(_, read) if read == name => {
                            dest.is_some_and(|dest| is_looked_at(f, dest))
                        }
                        _ => false,
                    })
                };
                let mut known: Vec<ModuleId> = self.modules.iter().copied().collect();
                known.push(class.module);
                self.fields.contains(name)
                    || own.ir.functions().any(|(_, f)| looks(f))
                    || program.is_mentioned_outside(name, &known)
            }
            Left::Shared => true,
        }
    }
}

/// What was asked about readers, with the answers.
#[derive(Default)]
pub(super) struct Heard {
    places: BTreeMap<Left, bool>,
    answers: BTreeMap<Answer, bool>,
}

impl Heard {
    /// Whether who has to know learns of a failure from what the method returns.
    pub(super) fn answered(&mut self, readers: &Readers, answer: Answer) -> bool {
        *self
            .answers
            .entry(answer)
            .or_insert_with_key(|answer| readers.hear(answer))
    }

    /// Whether something of what is left behind is read.
    pub(super) fn read(&mut self, program: &Program<'_>, readers: &Readers, left: &[Left]) -> bool {
        let mut any = false;
        for place in left {
            let read = readers.reads(program, place);
            self.places.insert(place.clone(), read);
            any |= read;
        }
        any
    }

    /// Whether nothing was asked.
    pub(super) fn is_empty(&self) -> bool {
        self.places.is_empty() && self.answers.is_empty()
    }

    /// Whether other readers give the same answers.
    pub(super) fn holds(&self, program: &Program<'_>, readers: &Readers) -> bool {
        let mut places = self.places.iter();
        let mut answers = self.answers.iter();
        places.all(|(place, read)| readers.reads(program, place) == *read)
            && answers.all(|(answer, heard)| readers.hear(answer) == *heard)
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

/// Whether a function reads an attribute of its receiver.
fn reads_field(function: &Function, field: &str) -> bool {
    rvalues(function).any(|(_, rvalue)| {
        matches!(rvalue, Rvalue::GetField(Operand::Local(LocalId(0)), name) if name == field)
    })
}

/// The name of a function, and the methods of its receiver that it calls.
fn with_callees(function: &Function) -> BTreeSet<Name> {
    let called = rvalues(function).filter_map(|(_, rvalue)| match rvalue {
        Rvalue::Call {
            callee: Callee::Method { receiver, name, .. },
            ..
        } if *receiver == Operand::Local(LocalId(0)) => Some(name.clone()),
        _ => None,
    });
    called.chain([function.name.clone()]).collect()
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

/// What a failure leaves on the receiver: in `failed`, a state at an exit after it, but in no state
/// at an exit where all went `well`.
pub(super) fn left_behind(
    engine: &mut Engine<'_>,
    failed: &State,
    well: &[(State, Value)],
    (subject, arguments): (&Subject<'_>, &[Value]),
) -> Vec<Left> {
    let outside = subject.is_outside();
    let stats = engine.holders_of_keys(failed);
    let is_place = |name: &str| {
        let mut places = subject.contract.places();
        places.any(|place| place.slot.name() == name)
    };
    let is_attribute = |name: &str| {
        let mut places = subject.contract.places();
        places.any(|place| place.attribute() == Some(name))
    };
    let mut out = Vec::new();
    for ((object, slot), cell) in &failed.heap {
        let place = match slot {
            Slot::Field(name) if *object == failed.watched && !is_attribute(name) => {
                Left::Field(name.clone())
            }
            Slot::Item(key) if stats.contains(object) => match engine.terms.literal(*key) {
                Some(Literal::Str(key)) if !is_place(key) => Left::Key(key.clone()),
                _ => continue,
            },
            // The statistics are a record.
            Slot::Field(name) if stats.contains(object) && !is_place(name) => {
                Left::Key(name.clone())
            }
            // The collection that an attribute holds was changed.
            Slot::Content => match engine.terms.term(*object) {
                Term::Field(of, name) if *of == failed.watched && !is_attribute(name) => {
                    Left::Field(name.clone())
                }
                _ => match shared(engine, failed, (arguments, outside), (*object, slot)) {
                    Some(left) => left,
                    None => continue,
                },
            },
            Slot::Field(_) | Slot::Item(_)
                if !stats.contains(object) && *object != failed.watched =>
            {
                match shared(engine, failed, (arguments, outside), (*object, slot)) {
                    Some(left) => left,
                    None => continue,
                }
            }
            _ => continue,
        };
        let content = |state: &State, v: Value| state.heap.get(&(v, Slot::Content)).copied();
        let mut same = well.iter().filter(|(state, _)| {
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

/// What a slot of an object is that the receiver holds, or of an argument; `None` for other objects,
/// and for those that only tell somebody.
fn shared(
    engine: &Engine<'_>,
    state: &State,
    (arguments, outside): (&[Value], bool),
    (object, slot): (Value, &Slot),
) -> Option<Left> {
    let mut attribute = match slot {
        Slot::Field(name) => Some(name.clone()),
        _ => None,
    };
    let mut at = object;
    loop {
        if arguments.contains(&at) {
            return Some(Left::Shared);
        }
        match engine.terms.term(at) {
            Term::Field(of, name) if *of == state.watched => {
                if tells(name) && !is_report(name) {
                    return None;
                }
                let class = state.fact(at).and_then(|fact| fact.class);
                return match (class, attribute) {
                    (Some(class), Some(attribute)) => Some(Left::Held(class, attribute)),
                    (None, Some(_)) => Some(Left::Shared),
                    // An item of what an attribute holds.
                    (_, None) if outside => Some(Left::Field(name.clone())),
                    (_, None) => None,
                };
            }
            Term::Field(of, name) => {
                attribute = Some(name.clone());
                at = *of;
            }
            Term::Item(of, _) => at = *of,
            Term::Global(..) | Term::Module(_) | Term::External(_) | Term::Class(_) if outside => {
                return Some(Left::Shared);
            }
            _ => return None,
        }
    }
}

/// Whether the class takes log records: what it fails to write is no data.
pub(super) fn is_log_sink(subject: &Subject<'_>) -> bool {
    let mro = subject.class.map(|class| subject.program.mro(class));
    let mut above = mro.iter().flat_map(|mro| &mro.entries);
    above.any(|entry| match entry {
        MroEntry::External(path) => takes_log_records(path),
        _ => false,
    })
}
