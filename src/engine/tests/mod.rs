//! Tests of the engine: what a function of a small program can return, and what facts and states
//! say after each operation on them.

mod answers;
mod barriers;
mod calls;
mod facts;
mod joins;
mod paths;
mod rounds;
mod searches;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::engine::budget::AT_A_PLACE;
use crate::engine::calls::args::Args;
use crate::engine::flow::ExitKind;
use crate::engine::simulate::Graph;
use crate::engine::summaries::library::{Library, Shelf};
use crate::engine::values::fact::{Fact, Kind};
use crate::engine::values::state::State;
use crate::engine::values::value::{Site, Term, Terms, Value};
use crate::engine::{Automaton, CallEvent, Engine, FnContext, WatchedPlace, Watches};
use crate::ir::{BlockId, FuncIdx, Literal};
use crate::program::{FuncRef, ModuleId, Program};
use crate::source::SourceMap;

/// Watches `stats["rows"]`; its one bit records a write.
struct Rows(WatchedPlace);

impl Automaton for Rows {
    fn on_call(&self, flags: u32, call: &CallEvent<'_>) -> u32 {
        flags | u32::from(call.name == "write")
    }

    fn watches(&self) -> Watches<'_> {
        Watches {
            places: Some(std::slice::from_ref(&self.0)),
            milestones: 1,
            ..Watches::default()
        }
    }
}

/// A site for values that no code makes.
fn site(part: u32) -> Site {
    Site {
        func: FuncRef {
            module: ModuleId(0),
            func: FuncIdx(0),
        },
        block: 0,
        index: u32::MAX - 1,
        part,
    }
}

fn symbol(terms: &mut Terms, part: u32) -> Value {
    terms.make(Term::Symbol(site(part), 0))
}

/// Runs `work` on the function `f` of a program, in its entry state with unknown arguments. If `f`
/// is a method, its receiver is watched.
fn on_entry<T>(text: &str, work: impl FnOnce(&mut Engine<'_>, &Rc<FnContext>, State) -> T) -> T {
    let rows = Rows(WatchedPlace::key_of("stats", "rows"));
    watched_by(&rows, text, work)
}

/// The same with another automaton.
fn watched_by<T>(
    automaton: &dyn Automaton,
    text: &str,
    work: impl FnOnce(&mut Engine<'_>, &Rc<FnContext>, State) -> T,
) -> T {
    let sources = SourceMap::new(PathBuf::from("/"));
    let file = sources.add_virtual(Path::new("program.py"), text.to_owned());
    let program = Program::new(&sources);
    let module = program.add_file(&file).expect("the program is intact");
    let shelf = Shelf::new(|_| false);
    let library = Library::new(&program, &shelf);
    let mut engine = Engine::new(&library, automaton);
    let loaded = program.module(module);
    let (func, _) = loaded
        .ir
        .functions()
        .find(|(_, function)| function.name == "f")
        .expect("there is a function `f`");
    let func = FuncRef { module, func };
    let function = loaded.ir.function(func.func);
    let place = Site { func, ..site(0) };
    let watched = engine.terms.make(Term::Symbol(place, 0));
    let mut state = State::new(watched);
    let mut fact = Fact::of_kind(Kind::Object);
    fact.class = function
        .class
        .map(|class| crate::program::ClassRef { module, class });
    let method = fact.class.is_some();
    state.facts.insert(watched, Rc::new(fact));
    let count = u32::try_from(function.params.len()).expect("few parameters");
    let args = (0..count)
        .map(|i| match i {
            0 if method => watched,
            i => engine.terms.make(Term::Symbol(
                Site {
                    part: i + 1,
                    ..place
                },
                0,
            )),
        })
        .collect();
    state.env = engine.bind(&mut state, func, None, &Args::positional(args), place);
    let cx = engine.context(func);
    work(&mut engine, &cx, state)
}

fn graph(engine: &mut Engine<'_>, cx: &Rc<FnContext>, state: State) -> Graph {
    engine.budget.allow(cx.function().body.blocks.len());
    let graph = engine.simulate(cx, BlockId::ENTRY, state, &AT_A_PLACE);
    assert!(graph.complete, "the function is small");
    graph
}

/// A value as text: a literal, or its truth.
fn shown(engine: &mut Engine<'_>, state: &State, v: Value) -> String {
    match engine.terms.literal(v) {
        Some(Literal::Str(s)) => return s.to_string(),
        Some(Literal::Int(i)) => return i.to_string(),
        Some(Literal::None) => return "None".to_owned(),
        _ => {}
    }
    match engine.truth(state, v) {
        Some(true) => "true".to_owned(),
        Some(false) => "false".to_owned(),
        None => "?".to_owned(),
    }
}

/// The distinct ways in which `f` can end: what it returns, or that it raises.
fn endings(text: &str) -> Vec<String> {
    on_entry(text, |engine, cx, state| {
        let graph = graph(engine, cx, state);
        let mut out = BTreeSet::new();
        for e in graph.exits {
            out.insert(match e.kind {
                ExitKind::Return => shown(engine, &e.state, e.value),
                ExitKind::Raise => "raises".to_owned(),
                ExitKind::Yield(_) => "yields".to_owned(),
            });
        }
        out.into_iter().collect()
    })
}

/// The distinct values that `f` can return.
fn returns(text: &str) -> Vec<String> {
    let mut out = endings(text);
    out.retain(|way| way != "raises");
    out
}
