//! The state in which a contract method is entered, and its exits.

use std::rc::Rc;

use super::{Subject, has_method};
use crate::engine::values::fact::{Fact, Kind};
use crate::engine::values::state::State;
use crate::engine::values::value::{Site, Term, Value};
use crate::engine::{Engine, FnContext, Hop, WatchedCall, WatchedPlace};
use crate::ir::{
    BlockId, Body, Callee, Function, LocalId, Name, Operand, Rvalue, StatementKind, TerminatorKind,
};
use crate::program::{ClassRef, FuncRef, Program};
use crate::settings::{Demand, Root, Step};
use crate::source::Span;

/// An exit of the checked function: its `return` statement, or falling off the end.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(in crate::rules) struct ExitPoint {
    pub(in crate::rules) span: Span,
    pub(in crate::rules) implicit: bool,
    /// Whether the function is left by an exception.
    pub(in crate::rules) raising: bool,
}

/// The exit by an exception from a block. Calls that raise share one exit; a `raise` statement is one
/// by itself.
pub(in crate::rules) fn raising_point(cx: &FnContext, block: BlockId) -> ExitPoint {
    let function = cx.function();
    let t = &function.body.block(block).terminator;
    let explicit = matches!(t.kind, TerminatorKind::Raise { .. }) && t.span.start < t.span.end;
    ExitPoint {
        span: if explicit { t.span } else { function.name_span },
        implicit: !explicit,
        raising: true,
    }
}

/// The exit that a returning block is.
pub(in crate::rules) fn exit_point(cx: &FnContext, block: BlockId) -> ExitPoint {
    let function = cx.function();
    let t = &function.body.block(block).terminator;
    match &t.kind {
        TerminatorKind::Return {
            implicit: false, ..
        } => ExitPoint {
            span: t.span,
            implicit: false,
            raising: false,
        },
        _ => ExitPoint {
            span: function.name_span,
            implicit: true,
            raising: false,
        },
    }
}

/// The site of the values that exist on entry.
fn entry_site(func: FuncRef, part: u32) -> Site {
    Site {
        func,
        block: 0,
        index: u32::MAX - 1,
        part,
    }
}

/// What a rule watches for a contract: the places and calls that the function can store and make.
pub(in crate::rules) struct Watched {
    /// The places.
    pub(in crate::rules) places: Vec<WatchedPlace>,
    /// The calls.
    pub(in crate::rules) calls: Vec<WatchedCall>,
    /// The parameters that some of them start with, in the order of the numbers of their roots.
    parameters: Vec<Name>,
}

impl Watched {
    /// What a contract demands of a function.
    pub(in crate::rules) fn of(subject: &Subject<'_>) -> Self {
        let module = subject.program.module(subject.func.module);
        let function = module.ir.function(subject.func.func);
        let mut out = Self {
            places: Vec::new(),
            calls: Vec::new(),
            parameters: Vec::new(),
        };
        let method = subject.class.is_some();
        for demand in &subject.contract.demands {
            match demand {
                Demand::Store(place) => {
                    let Some(root) = out.root(function, method, &place.root) else {
                        continue;
                    };
                    out.places.push(WatchedPlace {
                        root,
                        holder: place.holder.iter().map(hop).collect(),
                        slot: hop(&place.slot),
                    });
                }
                Demand::Call(path) => {
                    let root = match path.root.as_str() {
                        "self" => Root::Receiver,
                        name => Root::Parameter(name.to_owned()),
                    };
                    let on = out
                        .root(function, method, &root)
                        .filter(|_| !path.steps.is_empty());
                    let before = path.receiver().last().map(Step::name);
                    let before = before.or((!path.steps.is_empty()).then_some(path.root.as_str()));
                    out.calls.push(WatchedCall {
                        on: on.map(|root| (root, path.receiver().iter().map(hop).collect())),
                        receiver: before.map(Name::from),
                        name: path.name().into(),
                    });
                }
                Demand::Return(_) => {}
            }
        }
        out
    }

    /// The number of a root; `None` if the function has no such parameter.
    fn root(&mut self, function: &Function, method: bool, root: &Root) -> Option<u8> {
        let name = match root {
            Root::Receiver if method => return Some(0),
            Root::Receiver => "self",
            Root::Parameter(name) => name,
        };
        if !function.params.iter().any(|param| param.name == name) {
            return None;
        }
        let known = self.parameters.iter().position(|known| known == name);
        let at = known.unwrap_or_else(|| {
            self.parameters.push(name.into());
            self.parameters.len() - 1
        });
        u8::try_from(at + 1).ok()
    }
}

fn hop(step: &Step) -> Hop {
    match step {
        Step::Field(name) => Hop::Field(name.as_str().into()),
        Step::Key(key) => Hop::Key(key.as_str().into()),
    }
}

/// How many of the demands of a contract a function can meet: it may lack the parameter.
pub(super) fn possible_demands(subject: &Subject<'_>) -> usize {
    let demands = subject.contract.demands.iter();
    let of_results = demands.filter(|demand| matches!(demand, Demand::Return(_)));
    let watched = Watched::of(subject);
    watched.places.len() + watched.calls.len() + of_results.count()
}

/// Adds the variables of a function to the state in which it is entered, and notes that nothing is
/// stored yet in places that start with a parameter.
pub(in crate::rules) fn bind_receiver(
    engine: &mut Engine<'_>,
    subject: &Subject<'_>,
    (func, cells): (FuncRef, Option<Value>),
    state: &mut State,
) -> Rc<FnContext> {
    let cx = engine.context(func);
    let receiver = subject.class.map(|_| state.watched);
    state.env = engine.bind_unknown(state, func, (receiver, cells), entry_site(func, 0));
    let watched = Watched::of(subject);
    let function = cx.function();
    let value = |name: &Name| {
        let at = function
            .params
            .iter()
            .position(|param| param.name == *name)?;
        state.env.get(at)
    };
    let roots: Option<Vec<Value>> = watched.parameters.iter().map(value).collect();
    match roots {
        Some(roots) if !roots.is_empty() => {
            engine.enter_places(state, &roots);
            note_dicts(engine, state);
        }
        _ => {}
    }
    cx
}

/// What holds a key is a dict, unless its class is known.
fn note_dicts(engine: &mut Engine<'_>, state: &mut State) {
    for at in 0..engine.places().len() {
        if matches!(engine.places()[at].slot, Hop::Field(_)) {
            continue;
        }
        let holder = engine.holder(state, at);
        if state.kind(&engine.terms, holder) == Kind::Unknown && state.fact(holder).is_none() {
            let fact = Fact::of_kind(Kind::Dict);
            state.facts.insert(holder, Rc::new(fact));
        }
    }
}

/// The state in which the method is entered: the receiver is an instance of exactly this class, and
/// nothing is stored in its places.
pub(in crate::rules) fn entry_state(
    engine: &mut Engine<'_>,
    subject: &Subject<'_>,
    func: FuncRef,
) -> State {
    let receiver = engine.terms.make(Term::Symbol(entry_site(func, 0), 0));
    let mut state = State::new(receiver);
    let Some(class) = subject.class else {
        return state;
    };
    let mut fact = Fact::of_kind(Kind::Object);
    fact.class = Some(class);
    state.facts.insert(receiver, Rc::new(fact));
    engine.resolve_places(class);
    engine.enter_places(&mut state, &[]);
    // In a record, the type of the attribute says whether the place is an item or a field.
    engine.watched_record = engine.is_record(class);
    for at in 0..engine.places().len() {
        let place = engine.places()[at].clone();
        let ([Hop::Field(field)], Hop::Key(_), 0) =
            (place.holder.as_slice(), &place.slot, place.root)
        else {
            continue;
        };
        let dict = engine.holder(&state, at);
        if engine.watched_record {
            engine.note_declared(&mut state, class, field, dict);
            continue;
        }
        let made = dict_kind(engine.program, class, field);
        let mut fact = Fact::of_kind(match made {
            DictKind::Plain => Kind::Dict,
            DictKind::Counter | DictKind::Default => Kind::DefaultDict,
        });
        if made == DictKind::Counter {
            let counter = engine.terms.external("collections.Counter");
            fact.is.push(counter);
        }
        state.facts.insert(dict, Rc::new(fact));
    }
    if !engine.watched_record {
        note_dicts(engine, &mut state);
    }
    state
}

/// Whether an `__init__` of the class makes the dict by calling `maker`.
fn made_by(program: &Program<'_>, class: ClassRef, field: &str, maker: &str) -> bool {
    has_method(program, class, |function| {
        function.name == "__init__" && stores_result_of(&function.body, field, maker)
    })
}

/// Whether a body stores the result of a call of `maker` in a field.
fn stores_result_of(body: &Body, field: &str, maker: &str) -> bool {
    let statements = || body.blocks.iter().flat_map(|block| &block.statements);
    let stored = statements().find_map(|statement| match &statement.kind {
        StatementKind::SetField {
            field: name,
            value: Operand::Local(value),
            ..
        } if name == field => Some(*value),
        _ => None,
    });
    let Some(stored) = stored else { return false };
    let is_maker = |callee: LocalId| {
        statements().any(|statement| match &statement.kind {
            StatementKind::Assign(to, Rvalue::Global(name) | Rvalue::GetField(_, name)) => {
                *to == callee && name == maker
            }
            _ => false,
        })
    };
    body.blocks
        .iter()
        .any(|block| match &block.terminator.kind {
            TerminatorKind::Eval {
                dest: Some(dest),
                rvalue:
                    Rvalue::Call {
                        callee: Callee::Value(Operand::Local(callee)),
                        ..
                    },
                ..
            } => *dest == stored && is_maker(*callee),
            _ => false,
        })
}

/// What reading a missing key of a dict does.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(in crate::rules) enum DictKind {
    /// It raises `KeyError`.
    Plain,
    /// It gives 0.
    Counter,
    /// It makes the key.
    Default,
}

/// What kinds of dicts `__init__` makes for the places of a contract, in their order.
pub(in crate::rules) fn dict_kinds(subject: &Subject<'_>) -> Vec<DictKind> {
    let Some(class) = subject.class else {
        return Vec::new();
    };
    let places = subject.contract.places();
    places
        .map(|place| match place.as_key_of_attribute() {
            Some((field, _)) => dict_kind(subject.program, class, field),
            None => DictKind::Plain,
        })
        .collect()
}

/// What kind of dict `__init__` makes for an attribute.
fn dict_kind(program: &Program<'_>, class: ClassRef, field: &str) -> DictKind {
    if made_by(program, class, field, "Counter") {
        DictKind::Counter
    } else if made_by(program, class, field, "defaultdict") {
        DictKind::Default
    } else {
        DictKind::Plain
    }
}

/// Enters the method through the decorators of the project: the state, the cells, and the function
/// that a call really runs.
pub(in crate::rules) fn enter(
    engine: &mut Engine<'_>,
    subject: &Subject<'_>,
) -> (State, Option<Value>, FuncRef) {
    let func = subject.func;
    let state = entry_state(engine, subject, func);
    // What a decorator puts in front of the function has other parameters.
    if !Watched::of(subject).parameters.is_empty() {
        return (state, None, func);
    }
    let cx = engine.context(func);
    match engine.decorated(&cx, state.clone(), func, entry_site(func, 100)) {
        Some((state, value)) => match *engine.terms.term(value) {
            Term::Closure(f, cells) => (state, Some(cells), f),
            Term::Func(f) => (state, None, f),
            _ => (state, None, func),
        },
        None => (state, None, func),
    }
}
