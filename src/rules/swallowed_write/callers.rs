//! The callers of a contract method, and what they do with what it returns.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashSet;

use crate::engine::values::fact::Kind;
use crate::engine::values::state::{Cell, Slot, State};
use crate::engine::values::value::Value;
use crate::engine::{Engine, is_log_method};
use crate::ir::{
    Callee, Data, FuncIdx, Function, Literal, LocalId, Name, Operand, Rvalue, StatementKind,
    TerminatorKind,
};
use crate::rules::failed_write::code::{called, is_variable};
use crate::rules::failed_write::flow::{Fate, fate_among, is_kept, place_of, rvalues};
use crate::rules::tables::collections::{LOOKUPS, maps};
use crate::rules::tables::{is_common_method, is_common_write, is_special_method, tells};

/// What callers are looked for.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) enum Wanted {
    /// Anything of this name.
    Named(Name),
    /// An instance of a class of this name.
    Instance(Name),
}

impl Wanted {
    /// A word that each caller contains.
    pub(super) fn word(&self) -> &Name {
        match self {
            Wanted::Named(word) | Wanted::Instance(word) => word,
        }
    }
}

/// Whether methods of so many classes have this name that a call by it may be of any of them: it is a
/// common word, or the language itself calls methods of this name.
fn is_of_many(name: &str) -> bool {
    is_common_method(name) || is_special_method(name)
}

/// A function that calls the method, or several of them.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct CallSite {
    /// Whether it reads the contract's place, too: it records the run.
    pub(super) records: bool,
    /// Whether it surely calls this method, and not one of another object with the same name.
    pub(super) certain: bool,
    /// What becomes of the result.
    fate: Fate,
    /// Whether the result goes on as a whole: it is returned, stored, or given to some call.
    leaves: bool,
    /// The attributes and keys of the result that are read.
    reads: BTreeSet<Name>,
}

/// What the method returns after a failure, if that differs from what it returns where all went
/// well.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Answer {
    /// A number of rows, or something that is also returned on some path where all went well.
    Vague,
    /// Another value.
    Value,
    /// An object with other attributes or items. Those whose value says more than that nothing was
    /// written are mapped to true.
    Object(BTreeMap<Name, bool>),
}

impl Answer {
    /// What is returned with `value` in a state after a failure, compared with the ends where all
    /// went well. `None` if they are the same.
    pub(super) fn of(
        engine: &Engine<'_>,
        (state, value): (&State, Value),
        well: &[(State, Value)],
    ) -> Option<Self> {
        if well.iter().all(|(_, other)| *other == value) {
            let slots = differing_slots(engine, state, value, well);
            return (!slots.is_empty()).then_some(Answer::Object(slots));
        }
        // A number among other constants is a status.
        let is_status = !matches!(engine.terms.literal(value), Some(Literal::Int(0)))
            && well
                .iter()
                .all(|(_, other)| engine.terms.literal(*other).is_some());
        let vague = well.iter().any(|(_, other)| *other == value)
            || !is_status && state.kind(&engine.terms, value) == Kind::Int;
        Some(if vague { Answer::Vague } else { Answer::Value })
    }

    /// Whether it tells of the failure by itself, to whoever may look at it.
    pub(super) fn tells(&self) -> bool {
        match self {
            Answer::Vague => false,
            Answer::Value => true,
            Answer::Object(slots) => slots.values().any(|telling| *telling),
        }
    }
}

/// The named slots of an object that differ from those of all other states.
fn differing_slots(
    engine: &Engine<'_>,
    state: &State,
    object: Value,
    well: &[(State, Value)],
) -> BTreeMap<Name, bool> {
    if object == state.watched || engine.terms.literal(object).is_some() {
        return BTreeMap::new();
    }
    if well.is_empty() {
        return BTreeMap::new();
    }
    let content = |state: &State, v: Value| state.heap.get(&(v, Slot::Content)).copied();
    let named = |slot: &Slot| match slot {
        Slot::Field(name) => Some(name.clone()),
        Slot::Item(key) => match engine.terms.literal(*key) {
            Some(Literal::Str(key)) => Some(key.clone()),
            _ => None,
        },
        _ => None,
    };
    let mut out = BTreeMap::new();
    for (slot, cell) in state.slots(object) {
        let (Some(name), Cell::Has(v)) = (named(slot), cell) else {
            continue;
        };
        let mut others = well.iter().map(|(other, _)| {
            let there = other.heap.get(&(object, slot.clone()));
            there == Some(cell) && content(other, *v) == content(state, *v)
        });
        if !others.any(|same| same) {
            let nothing = matches!(
                engine.terms.literal(*v),
                Some(Literal::None | Literal::Int(0))
            );
            out.insert(name, !nothing);
        }
    }
    out
}

impl CallSite {
    /// How a function uses the results of its calls of a method. `None` if it makes no such call.
    /// `on_self` says whether the calls are those of its receiver, or those of other objects.
    pub(super) fn of(function: &Function, method: &str, on_self: bool) -> Option<Self> {
        let this = Operand::Local(LocalId(0));
        let is_this = |receiver: &Operand| function.class.is_some() && *receiver == this;
        // What the receiver holds, and what a method returns, may be a client.
        let is_client = |receiver: &Operand| {
            let made = |l: LocalId| match function.body.only_value(l) {
                Some(Rvalue::Call { callee, .. }) => matches!(callee, Callee::Method { .. }),
                Some(Rvalue::Enter { .. }) => true,
                _ => false,
            };
            place_of(function, receiver).is_some_and(|(root, path)| {
                !path.is_empty() && function.class.is_some() && root == LocalId(0) || made(root)
            })
        };
        let common = is_common_write(method);
        Self::of_calls(function, |callee| match callee {
            Callee::Method { receiver, name, .. }
                if name == method && is_this(receiver) == on_self =>
            {
                Some(on_self || !common || !is_client(receiver))
            }
            _ => None,
        })
    }

    /// How a function uses the results of its calls of what is wanted, and of calls that it gives it to.
    /// `None` if it does neither.
    pub(super) fn of_wanted(function: &Function, wanted: &Wanted) -> Option<Self> {
        if !function.body.may_mention(wanted.word()) {
            return None;
        }
        match wanted {
            Wanted::Named(wanted) => {
                let by_method = |receiver: &Operand, name: &Name| {
                    let on_self = || {
                        let this = Operand::Local(LocalId(0));
                        function.class.is_some() && *receiver == this
                    };
                    (name == wanted).then(|| !is_of_many(name) || on_self())
                };
                Self::of_uses(function, by_method, |value| value.name() == Some(wanted))
            }
            Wanted::Instance(class) => Self::of_uses(
                function,
                |_, _| None,
                |value| match value {
                    Rvalue::Call { callee, .. } => called(function, callee).name == *class,
                    _ => false,
                },
            ),
        }
    }

    /// How a function uses the results of its calls of a function that is nested in it.
    pub(super) fn of_nested(function: &Function, nested: FuncIdx) -> Option<Self> {
        let is = |value: &Rvalue| matches!(value, Rvalue::Closure(own) if *own == nested);
        Self::of_uses(function, |_, _| None, is)
    }

    /// How a function uses the results of its calls of some methods (`None`: of another; or whether it is
    /// certainly one of them) and of some values, and of the calls that it gives such values to.
    fn of_uses(
        function: &Function,
        by_method: impl Fn(&Operand, &Name) -> Option<bool>,
        is_wanted: impl Fn(&Rvalue) -> bool,
    ) -> Option<Self> {
        let values = function.body.only_values();
        let is = |operand: &Operand| match operand {
            Operand::Local(local) => values[local.index()].is_some_and(&is_wanted),
            Operand::Const(_) => false,
        };
        let by_call = Self::of_calls(function, |callee| match callee {
            Callee::Method { receiver, name, .. } => by_method(receiver, name),
            Callee::Value(value) => is(value).then(|| !runs_for_another(function, value)),
        });
        // Whoever is given it may run it, and look at what it returns.
        let mut given = Vec::new();
        let mut mapped = Vec::new();
        for (dest, rvalue) in rvalues(function) {
            let mut takes = false;
            for_each_taken(rvalue, |operand| takes |= is(operand));
            if !takes {
                continue;
            }
            let maps = match rvalue {
                Rvalue::Call { callee, .. } => maps(&called(function, callee).name),
                _ => false,
            };
            let into = if maps { &mut mapped } else { &mut given };
            into.push(dest);
        }
        if given.is_empty() && mapped.is_empty() {
            return by_call;
        }
        let given = given.into_iter().flatten().collect();
        let given = Self::of_results(function, false, given, mapped.into_iter().flatten());
        Self::together(by_call.iter().chain([&given]))
    }

    /// How a function uses the results of some of its calls. `certainty` says whether a call is
    /// certainly one of those; `None`: it is none of them.
    fn of_calls(function: &Function, certainty: impl Fn(&Callee) -> Option<bool>) -> Option<Self> {
        let mut any = false;
        let mut certain = false;
        let results = rvalues(function).filter_map(|(dest, rvalue)| {
            let Rvalue::Call { callee, .. } = rvalue else {
                return None;
            };
            certain |= certainty(callee)?;
            any = true;
            dest
        });
        let results: FxHashSet<LocalId> = results.collect();
        any.then(|| Self::of_results(function, certain, results, []))
    }

    /// How a function uses some values, and those in some collections.
    fn of_results(
        function: &Function,
        certain: bool,
        results: FxHashSet<LocalId>,
        collections: impl IntoIterator<Item = LocalId>,
    ) -> Self {
        let collections: FxHashSet<LocalId> = collections.into_iter().collect();
        let mut same = copies(function, results.clone());
        let reads = reads(function, &same);
        same.extend(copies(function, collections.clone()));
        CallSite {
            records: false,
            certain,
            fate: fate_among(function, results, collections),
            leaves: leaves(function, &same),
            reads,
        }
    }

    /// Whether the function only hands on what is returned to it.
    pub(super) fn returns(&self) -> bool {
        self.fate == Fate::Returned
    }

    /// Adds another function: what one of them learns, they learn together.
    pub(super) fn add(&mut self, other: &Self) {
        self.records |= other.records;
        self.certain |= other.certain;
        self.leaves |= other.leaves;
        if other.fate == Fate::Tested {
            self.fate = Fate::Tested;
        }
        self.reads.extend(other.reads.iter().cloned());
    }

    /// Several functions as one; `None` if there are none.
    pub(super) fn together<'s>(sites: impl Iterator<Item = &'s Self>) -> Option<Self> {
        let mut all: Option<Self> = None;
        for site in sites {
            match &mut all {
                Some(all) => all.add(site),
                None => all = Some(site.clone()),
            }
        }
        all
    }

    /// Whether the function can learn of a failure from what the method returns.
    pub(super) fn hears(&self, answer: &Answer) -> bool {
        self.fate == Fate::Tested
            || match answer {
                Answer::Vague => false,
                Answer::Value => self.leaves || !self.reads.is_empty(),
                Answer::Object(slots) => {
                    let mut telling = slots.iter().filter(|(_, telling)| **telling);
                    telling.any(|(name, _)| self.leaves || self.reads.contains(name))
                }
            }
    }
}

/// Calls `f` for each operand that gets to another value as it is: what is copied, given to a call or put
/// into a display. If that is a function, it may be run from there.
pub(super) fn for_each_taken(rvalue: &Rvalue, mut f: impl FnMut(&Operand)) {
    match rvalue {
        Rvalue::Call { args, .. } => args.iter().for_each(|arg| f(&arg.value)),
        Rvalue::Use(_)
        | Rvalue::List(_)
        | Rvalue::Tuple(_)
        | Rvalue::Set(_)
        | Rvalue::Dict(_)
        | Rvalue::Data(Data::Array(_) | Data::Map(_)) => rvalue.for_each_operand(f),
        _ => {}
    }
}

/// Whether a function is run by a call that it was given to, as in `option.and_then(f)`, and what it
/// returns goes on from there.
fn runs_for_another(function: &Function, callee: &Operand) -> bool {
    let Operand::Local(value) = callee else {
        return false;
    };
    let body = &function.body;
    let named_at = body.blocks.iter().flat_map(|block| &block.statements);
    let mut named_at = named_at.filter_map(|s| match &s.kind {
        StatementKind::Assign(dest, _) if dest == value => Some(s.span.start),
        _ => None,
    });
    let Some(named_at) = named_at.next() else {
        return false;
    };
    let mut results = FxHashSet::default();
    for block in &body.blocks {
        if let TerminatorKind::Eval {
            dest: Some(dest),
            rvalue:
                Rvalue::Call {
                    callee: Callee::Value(own),
                    ..
                },
            ..
        } = &block.terminator.kind
            && own == callee
            && block.terminator.span.start < named_at
        {
            results.insert(*dest);
        }
    }
    !results.is_empty() && is_used(function, &copies(function, results))
}

/// Whether one of these values gets a name, or something is done with it: it is not dropped where it is
/// made.
fn is_used(function: &Function, values: &FxHashSet<LocalId>) -> bool {
    let is = |operand: &Operand| matches!(operand, Operand::Local(l) if values.contains(l));
    values.iter().any(|local| is_variable(function, *local))
        || is_kept(function, &is)
        || rvalues(function).any(|(_, rvalue)| match rvalue {
            Rvalue::Use(_) | Rvalue::Await(_) | Rvalue::Data(Data::IsVariant { .. }) => false,
            _ => {
                let mut any = false;
                rvalue.for_each_operand(|operand| any |= is(operand));
                any
            }
        })
}

/// The locals that hold the same values as these.
fn copies(function: &Function, from: FxHashSet<LocalId>) -> FxHashSet<LocalId> {
    let mut known = from;
    loop {
        let before = known.len();
        for (dest, rvalue) in rvalues(function) {
            if let (Some(dest), Rvalue::Use(Operand::Local(l)) | Rvalue::Await(Operand::Local(l))) =
                (dest, rvalue)
                && known.contains(l)
            {
                known.insert(dest);
            }
        }
        if known.len() == before {
            return known;
        }
    }
}

/// Whether one of these values is returned, stored, or given to a call that does more than tell.
fn leaves(function: &Function, values: &FxHashSet<LocalId>) -> bool {
    let is = |o: &Operand| matches!(o, Operand::Local(l) if values.contains(l));
    let globals: FxHashSet<LocalId> = rvalues(function)
        .filter_map(|(dest, rvalue)| matches!(rvalue, Rvalue::Global(_)).then_some(dest)?)
        .collect();
    let given = rvalues(function).any(|(_, rvalue)| match rvalue {
        Rvalue::Call { callee, args } => {
            let only_tells = match callee {
                Callee::Method { name, .. } => is_log_method(name) || tells(name),
                Callee::Value(o) => matches!(o, Operand::Local(l) if globals.contains(l)),
            };
            !only_tells && args.iter().any(|a| is(&a.value))
        }
        _ => false,
    });
    given || is_kept(function, &is)
}

/// The attributes and keys that are read of these values.
fn reads(function: &Function, values: &FxHashSet<LocalId>) -> BTreeSet<Name> {
    let is = |o: &Operand| matches!(o, Operand::Local(l) if values.contains(l));
    let read = rvalues(function).filter_map(|(_, rvalue)| match rvalue {
        Rvalue::GetField(object, name) if is(object) => Some(name.clone()),
        Rvalue::GetItem(object, Operand::Const(Literal::Str(key))) if is(object) => {
            Some(key.clone())
        }
        Rvalue::Call {
            callee: Callee::Method { receiver, name, .. },
            args,
        } if is(receiver) && LOOKUPS.contains(&name.as_str()) => match &args.first()?.value {
            Operand::Const(Literal::Str(key)) => Some(key.clone()),
            _ => None,
        },
        _ => None,
    });
    read.collect()
}
