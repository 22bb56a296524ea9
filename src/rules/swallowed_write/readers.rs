//! Who can learn of a failure: code that reads what the failure leaves behind, or callers that look
//! at what the method returned because of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::engine::Engine;
use crate::engine::values::state::{Cell, Slot, State};
use crate::engine::values::value::{Term, Value};
use crate::ir::{Callee, Function, Literal, LocalId, Name, Operand, Rvalue};
use crate::program::{ClassRef, LoadedModule, ModuleId, MroEntry, Program};
use crate::rules::contract_method::Subject;
use crate::rules::failed_write::flow::rvalues;
use crate::rules::swallowed_write::audience::Audience;
use crate::rules::swallowed_write::callers::{Answer, CallSite};
use crate::rules::swallowed_write::read::{Reads, is_in};
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
    method: Name,
    /// The attributes of the contract's places.
    attributes: Vec<Name>,
    /// What the modules of the class and of its bases read.
    reads: Vec<(Arc<LoadedModule>, Arc<Reads>)>,
    /// The methods of the class and of its bases that call the method on their receiver.
    own: Vec<CallSite>,
    /// The functions that call it on other objects, by module.
    others: Vec<Arc<Option<CallSite>>>,
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
        let program = subject.program;
        let method = subject.method;
        let attributes = subject.contract.places().filter_map(Place::attribute);
        let attributes: Vec<Name> = attributes.map(Name::from).collect();
        let outside = subject.is_outside().then(|| Audience::of(subject));
        let mut modules: BTreeSet<ModuleId> = BTreeSet::new();
        let mut family: Vec<ClassRef> = Vec::new();
        let mro = subject.class.map(|class| program.mro(class));
        for entry in mro.iter().flat_map(|mro| &mro.entries) {
            if let MroEntry::Class(class) = entry {
                modules.insert(class.module);
                family.push(*class);
            }
        }
        if outside.is_some() {
            modules.insert(subject.func.module);
        }
        let mut reads = Vec::new();
        let mut others = Vec::new();
        for id in &modules {
            let module = program.module(*id);
            let found = Reads::of(&module);
            if outside.is_none() {
                others.push(found.callers(&module.ir, method));
            }
            reads.push((module, found));
        }
        let own = match outside {
            None => own_callers(program, &family, method, &attributes),
            Some(_) => Vec::new(),
        };
        Readers {
            method: method.into(),
            attributes,
            reads,
            own,
            others,
            closed: subject
                .class
                .is_some_and(|class| program.fully_resolved(class)),
            modules,
            outside,
        }
    }

    /// Whether who has to know learns of a failure from what the method returns: the callers that
    /// record the run if there are some, or else any caller.
    fn hear(&self, answer: &Answer) -> bool {
        if let Some(audience) = &self.outside {
            return audience.hears(answer);
        }
        let mut recording = self.own.iter().filter(|site| site.records).peekable();
        if recording.peek().is_some() {
            return recording.all(|site| site.hears(answer));
        }
        let others = self.others.iter().filter_map(|others| (**others).as_ref());
        let mut calls = self.own.iter().chain(others);
        if calls.clone().any(|site| site.hears(answer)) {
            return true;
        }
        !calls.any(|site| site.certain) && self.closed && answer.tells()
    }

    fn reads_field(&self, name: &Name) -> bool {
        let mut reads = self.reads.iter();
        !self.attributes.contains(name)
            && reads.any(|(_, reads)| reads.reads_field(name, &self.method))
    }

    fn reads_key(&self, key: &Name) -> bool {
        self.reads
            .iter()
            .any(|(module, reads)| reads.reads_key(&module.ir, &self.attributes, key, &self.method))
    }

    /// Whether something that is left behind is read.
    fn reads(&self, program: &Program<'_>, place: &Left) -> bool {
        if let (Some(audience), Left::Field(name)) = (&self.outside, place) {
            return self.reads_field(name) || audience.reads(program, name, &self.modules);
        }
        match place {
            Left::Field(name) => self.reads_field(name),
            Left::Key(name) => self.reads_key(name),
            Left::Held(class, name) => {
                let own = program.module(class.module);
                let mut known: Vec<ModuleId> = self.modules.iter().copied().collect();
                known.push(class.module);
                self.reads_field(name)
                    || Reads::of(&own).looks_at(name)
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

/// The methods of some classes that call a method on their receiver, outside of its definitions.
fn own_callers(
    program: &Program<'_>,
    family: &[ClassRef],
    method: &str,
    attributes: &[Name],
) -> Vec<CallSite> {
    // The methods of the family that read the statistics.
    let mut reporting: BTreeSet<Name> = BTreeSet::new();
    // The callers, each with its own name and the methods that it calls.
    let mut calling: Vec<(BTreeSet<Name>, CallSite)> = Vec::new();
    for class in family {
        let module = program.module(class.module);
        for (_, function) in module.ir.functions_of(class.class) {
            if is_in(&module.ir, function, method) {
                continue;
            }
            if attributes.iter().any(|name| reads_field(function, name)) {
                reporting.insert(function.name.clone());
            }
            let site = CallSite::of(function, method, true);
            calling.extend(site.map(|site| (with_callees(function), site)));
        }
    }
    let own = calling.into_iter().map(|(names, mut site)| {
        site.records = !names.is_disjoint(&reporting);
        site
    });
    own.collect()
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
