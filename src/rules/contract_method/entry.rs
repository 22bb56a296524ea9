//! The state in which a contract method is entered, and its exits.

use std::rc::Rc;

use super::has_method;
use crate::engine::values::fact::{Fact, Kind};
use crate::engine::values::state::{Cell, Slot, State};
use crate::engine::values::value::{Site, Term, Value};
use crate::engine::{Engine, FnContext};
use crate::ir::{
    BlockId, Body, Callee, Literal, LocalId, Operand, Rvalue, StatementKind, TerminatorKind,
};
use crate::program::{ClassRef, FuncRef, Program};
use crate::settings::Contract;
use crate::source::Span;

/// An exit of the checked function: its `return` statement, or falling off the end.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(in crate::rules) struct ExitPoint {
    pub(in crate::rules) span: Span,
    pub(in crate::rules) implicit: bool,
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
        },
        _ => ExitPoint {
            span: function.name_span,
            implicit: true,
        },
    }
}

/// Adds the variables of a function to the state in which it is entered.
pub(in crate::rules) fn bind_receiver(
    engine: &mut Engine<'_>,
    func: FuncRef,
    cells: Option<Value>,
    state: &mut State,
) -> Rc<FnContext> {
    let cx = engine.context(func);
    let site = Site {
        func,
        block: 0,
        index: u32::MAX - 1,
        part: 0,
    };
    state.env = engine.bind_unknown(state, func, cells, site);
    cx
}

/// The state in which the method is entered: the receiver is an instance of exactly this class, and
/// its dict lacks the key.
pub(in crate::rules) fn entry_state(
    engine: &mut Engine<'_>,
    class: ClassRef,
    func: FuncRef,
    contract: &Contract,
) -> State {
    let site = Site {
        func,
        block: 0,
        index: u32::MAX - 1,
        part: 0,
    };
    let mut fact = Fact::of_kind(Kind::Object);
    fact.class = Some(class);
    let receiver = engine.terms.make(Term::Symbol(site, 0));
    let mut state = State::new(receiver);
    state.facts.insert(receiver, Rc::new(fact));
    let field = engine.place_field(class, &contract.sets.field);
    engine.watched_field = field;
    let dict = engine.watched_object(&state);
    let key = engine
        .terms
        .lit(Literal::Str(contract.sets.key.as_str().into()));
    state.heap.insert((dict, Slot::Item(key)), Cell::Absent);
    if engine.is_record(class) {
        // The type of the attribute says whether the place is an item or a field.
        engine.watched_record = true;
        let field = engine.watched_field.clone();
        engine.note_declared(&mut state, class, &field, dict);
        return state;
    }
    let made = dict_kind(engine.program, class, &contract.sets.field);
    let mut fact = Fact::of_kind(match made {
        DictKind::Plain => Kind::Dict,
        DictKind::Counter | DictKind::Default => Kind::DefaultDict,
    });
    if made == DictKind::Counter {
        let counter = engine.terms.external("collections.Counter");
        fact.is.push(counter);
    }
    state.facts.insert(dict, Rc::new(fact));
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

/// What kind of dict `__init__` makes for a place.
pub(in crate::rules) fn dict_kind(program: &Program<'_>, class: ClassRef, field: &str) -> DictKind {
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
    class: ClassRef,
    func: FuncRef,
    contract: &Contract,
) -> (State, Option<Value>, FuncRef) {
    let state = entry_state(engine, class, func, contract);
    let cx = engine.context(func);
    let site = Site {
        func,
        block: 0,
        index: u32::MAX - 1,
        part: 100,
    };
    match engine.decorated(&cx, state.clone(), func, site) {
        Some((state, value)) => match *engine.terms.term(value) {
            Term::Closure(f, cells) => (state, Some(cells), f),
            Term::Func(f) => (state, None, f),
            _ => (state, None, func),
        },
        None => (state, None, func),
    }
}
