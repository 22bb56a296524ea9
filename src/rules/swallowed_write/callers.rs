//! The callers of a contract method, and what they do with what it returns.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashSet;

use crate::engine::values::fact::Kind;
use crate::engine::values::state::{Cell, Slot, State};
use crate::engine::values::value::Value;
use crate::engine::{Engine, is_log_method};
use crate::ir::{Callee, Function, Literal, LocalId, Name, Operand, Rvalue};
use crate::rules::failed_write::flow::{Fate, fate_of, is_kept, place_of, rvalues};
use crate::rules::tables::collections::LOOKUPS;
use crate::rules::tables::{is_common_method, is_common_write, tells};

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

    /// How a function uses the results of its calls of anything of this name. `None` if it makes no
    /// such call.
    pub(super) fn of_name(function: &Function, wanted: &str) -> Option<Self> {
        if !function.body.may_mention(wanted) {
            return None;
        }
        let is_wanted = |callee: &Callee| match callee {
            Callee::Method { name, .. } => name == wanted,
            Callee::Value(Operand::Local(local)) => {
                let name = function.body.only_value(*local).and_then(Rvalue::name);
                name.is_some_and(|name| name == wanted)
            }
            Callee::Value(Operand::Const(_)) => false,
        };
        // What has a method of a common name may be anything.
        let common = is_common_method(wanted);
        let on_self = |callee: &Callee| match callee {
            Callee::Method { receiver, .. } => *receiver == Operand::Local(LocalId(0)),
            Callee::Value(_) => true,
        };
        Self::of_calls(function, |callee| {
            is_wanted(callee).then(|| !common || on_self(callee))
        })
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
        if !any {
            return None;
        }
        let same = copies(function, results.clone());
        Some(CallSite {
            records: false,
            certain,
            fate: fate_of(function, results),
            leaves: leaves(function, &same),
            reads: reads(function, &same),
        })
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
