//! `untracked-return`: every path on which a contract method returns must have set the place.

mod duty;
mod reach;

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::config::Contract;
use crate::diagnostics::{Finding, FindingBuilder, Location, Severity};
use crate::engine::fact::{Fact, Kind};
use crate::engine::simulate::{ExitKind, Graph};
use crate::engine::state::{Cell, Slot, State, flag};
use crate::engine::value::{Site, Term, Value};
use crate::engine::witness::{End, EventKind, Goal, PathEvent, Witness};
use crate::engine::{Automaton, CallEvent, Engine, FnContext, Presence, WatchedPlace};
use crate::ir::{
    BlockId, Callee, FunctionShape, Literal, Operand, Overrides, Rvalue, StatementKind,
    TerminatorKind,
};
use crate::program::{ClassRef, FuncRef, Lookup, MemberDef, MroEntry, Program};
use crate::rules::tables::is_write;
use crate::rules::wording;
use crate::rules::{Rule, UntrackedReturn};
use crate::source::Span;

pub use duty::{Grounds, Task};
use duty::{decided_last, is_default, must_keep, own_helper};
use reach::brings_helpers;

/// The path did a write.
const WROTE: u32 = 1;
/// The place was set at some time.
const WAS_SET: u32 = 2;

/// The rule's automaton: what was written, and whether the place was ever set. Whether it is set
/// *now* is a question to the state's heap, which knows about aliases and rebindings.
struct Tally {
    place: WatchedPlace,
}

impl Automaton for Tally {
    fn on_call(&self, flags: u32, call: &CallEvent<'_>) -> u32 {
        if !call.resolved && is_write(call.name, call.receiver, call.texts) {
            flags | WROTE
        } else {
            flags
        }
    }
    fn on_set(&self, flags: u32) -> u32 {
        flags | WAS_SET
    }
    fn place(&self) -> Option<&WatchedPlace> {
        Some(&self.place)
    }
}

/// What checking one class came to.
#[derive(Default)]
pub struct Checked {
    /// Findings.
    pub findings: Vec<Finding>,
    /// Findings that the class shares with the class that it inherits the method from.
    pub inherited: Vec<Finding>,
    /// The class runs just the code of this one, which has its own duty.
    pub heir_of: Option<ClassRef>,
    /// Definitions of methods that had to keep the contract.
    pub subjects: Vec<Location>,
    /// Methods that had to keep the contract.
    pub processors: usize,
    /// Block executions.
    pub steps: u64,
    /// States merged for being too many.
    pub merges: u64,
    /// Loops widened.
    pub widenings: u64,
    /// Calls not looked into for lack of budget.
    pub calls_cut: u64,
    /// Methods given up for lack of budget.
    pub given_up: u64,
    /// Exits for which no single path was found.
    pub infeasible: u64,
}

/// The ways in which an exit can be wrong, the worst first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Bad {
    Dropped,
    AfterWrite,
    Plain,
    Unverified,
}

impl Bad {
    const ALL: [Bad; 4] = [Bad::AfterWrite, Bad::Dropped, Bad::Plain, Bad::Unverified];

    fn kind(self) -> &'static str {
        match self {
            Bad::Dropped => "dropped",
            Bad::AfterWrite => "unset-after-write",
            Bad::Plain => "unset",
            Bad::Unverified => "unverified",
        }
    }
}

/// An exit of the checked function: its `return` statement, or falling off the end.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct ExitPoint {
    span: Span,
    implicit: bool,
}

/// What was found out about one function.
struct Verdict {
    /// Bad exits with the path to each.
    bad: Vec<(ExitPoint, Bad, bool, Vec<PathEvent>)>,
    /// No path on which it returns sets the place.
    never: bool,
    /// Exits for which no single path was found.
    infeasible: u64,
}

/// Checks the contract method that a class has, if the class has to keep the contract.
pub fn check_class(program: &Program<'_>, class: ClassRef, task: Task<'_>) -> Checked {
    let mut out = Checked::default();
    let contract = task.contract;
    let method = contract.method.as_str();
    let Lookup::Found(owner, defs) = program.lookup(class, method, None) else {
        return out;
    };
    if !must_keep(program, class, owner, task) {
        return out;
    }
    let defs: Vec<FuncRef> = defs
        .iter()
        .filter_map(|def| match def {
            MemberDef::Func(func) => Some(*func),
            _ => None,
        })
        .filter(|func| !is_default(program, owner, *func, task))
        .collect();
    // What a class inherits is checked where it is written, unless the class is what makes a
    // processor of it, or brings members of its own that it may use.
    let mut known = Checked::default();
    if owner != class && must_keep(program, owner, owner, task) {
        if !brings_helpers(program, class, owner, &defs) {
            out.heir_of = Some(owner);
            return out;
        }
        for func in &defs {
            check_function(program, owner, *func, contract, &mut known);
        }
    }
    out.inherited = known.findings;
    for func in &defs {
        check_function(program, class, *func, contract, &mut out);
    }
    if let Some(grounds) = task.inferred {
        for finding in &mut out.findings {
            finding.notes.push(grounds.note.to_owned());
        }
    }
    let (inherited, own) = out.findings.into_iter().partition(|f| {
        out.inherited
            .iter()
            .any(|k| k.primary.location == f.primary.location && k.kind == f.kind)
    });
    out.findings = own;
    out.inherited = inherited;
    out
}

fn check_function(
    program: &Program<'_>,
    class: ClassRef,
    func: FuncRef,
    contract: &Contract,
    out: &mut Checked,
) {
    let module = program.module(func.module);
    let function = module.ir.function(func.func);
    let tally = Tally {
        place: WatchedPlace {
            field: contract.sets.field.as_str().into(),
            key: contract.sets.key.as_str().into(),
        },
    };
    let mut engine = Engine::new(program, &tally);
    let excused = engine.decorated_with(func, |n| {
        matches!(
            n,
            "abstractmethod"
                | "overload"
                | "staticmethod"
                | "classmethod"
                | "property"
                | "cached_property"
        )
    });
    if excused
        || matches!(
            function.shape,
            FunctionShape::Empty | FunctionShape::NotImplemented
        )
    {
        return;
    }
    out.processors += 1;
    let name_at = |f: FuncRef| {
        let m = program.module(f.module);
        m.file.as_ref().map(|file| Location {
            file: file.id,
            span: m.ir.function(f.func).name_span,
        })
    };
    let Some(def) = name_at(func) else { return };
    out.subjects.push(def);
    let symbol = {
        let m = program.module(class.module);
        format!("{}.{}", m.ir.class(class.class).qualname, contract.method)
    };
    let start = |kind| {
        FindingBuilder::new(UntrackedReturn.meta(), kind)
            .arg("method", contract.method.clone())
            .arg("place", contract.sets.to_string())
            .symbol(symbol.clone())
    };
    if function.is_generator
        || engine.decorated_with(func, |n| {
            n == "contextmanager" || n == "asynccontextmanager"
        })
    {
        out.findings.push(
            start("never-set")
                .note("the body contains `yield`: calling it only makes a generator, and runs nothing")
                .exit(def)
                .at(def, "a call of this runs nothing"),
        );
        return;
    }
    let (mut state, cells, root) = enter(&mut engine, class, func, contract);
    let verdict = judge(&mut engine, root, cells, &mut state);
    account(&engine, out);
    let Some(mut verdict) = verdict else {
        out.given_up += 1;
        let large = start("unverified")
            .arg("unknown", "it is too large to follow every path")
            .arg("remedy", "move parts of it into methods of their own");
        out.findings
            .push(large.exit(def).at(def, "was not followed to the end"));
        return;
    };
    let mut judged = root;
    // A project's decorator stands in front: if the method by itself is wrong, say so there.
    if root != func && !verdict.bad.is_empty() {
        let mut plain = Engine::new(program, &tally);
        let mut state = entry_state(&mut plain, class, func, contract);
        let inner = judge(&mut plain, func, None, &mut state);
        account(&plain, out);
        if let Some(inner) = inner.filter(|inner| !inner.bad.is_empty()) {
            (verdict, judged) = (inner, func);
        }
    }
    out.infeasible += verdict.infeasible;
    report(program, class, judged, &verdict, &start, out);
}

fn account(engine: &Engine<'_>, out: &mut Checked) {
    out.steps += engine.budget.executed;
    out.merges += engine.budget.merges;
    out.widenings += engine.budget.widenings;
    out.calls_cut += engine.budget.calls_cut;
}

/// The state in which the method is entered: the receiver is an instance of just this class, its
/// dict has no such key.
fn entry_state(
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
    let mut state = State::new(0, receiver);
    state.facts.insert(receiver, fact);
    let field = engine.place_field(class, &contract.sets.field);
    engine.watched_field = field;
    let dict = engine.watched_object(&state);
    let key = engine
        .terms
        .lit(Literal::Str(contract.sets.key.as_str().into()));
    state.heap.insert((dict, Slot::Item(key)), Cell::Absent);
    if engine.is_record(class) {
        // Its type says whether the place is an item or a field.
        engine.watched_record = true;
        let field = engine.watched_field.clone();
        engine.note_declared(&mut state, class, &field, dict);
        return state;
    }
    let mut fact = Fact::of_kind(initial_kind(engine.program, class, &contract.sets.field));
    if fact.kind == Kind::DefaultDict
        && made_by(engine.program, class, &contract.sets.field, "Counter")
    {
        let counter = engine.terms.external("collections.Counter");
        fact.is.push(counter);
    }
    state.facts.insert(dict, fact);
    state
}

/// Whether some `__init__` of the class makes the dict by calling `maker`.
fn made_by(program: &Program<'_>, class: ClassRef, field: &str, maker: &str) -> bool {
    program.mro(class).entries.iter().any(|e| {
        let MroEntry::Class(c) = e else { return false };
        let m = program.module(c.module);
        m.ir.functions.iter().filter(|f| f.class == Some(c.class) && f.name == "__init__").any(|f| {
            let stored = f.body.blocks.iter().flat_map(|b| &b.statements).find_map(|s| match &s.kind {
                StatementKind::SetField { field: name, value: Operand::Local(v), .. } if name == field => Some(*v),
                _ => None,
            });
            let Some(stored) = stored else { return false };
            f.body.blocks.iter().any(|b| {
                let TerminatorKind::Eval { dest: Some(d), rvalue: Rvalue::Call { callee: Callee::Value(Operand::Local(g)), .. }, .. } =
                    &b.terminator.kind
                else {
                    return false;
                };
                *d == stored
                    && f.body.blocks.iter().flat_map(|b| &b.statements).any(|s| {
                        matches!(&s.kind, StatementKind::Assign(x, Rvalue::Global(n) | Rvalue::GetField(_, n)) if x == g && n == maker)
                    })
            })
        })
    })
}

fn initial_kind(program: &Program<'_>, class: ClassRef, field: &str) -> Kind {
    if made_by(program, class, field, "Counter") || made_by(program, class, field, "defaultdict") {
        Kind::DefaultDict
    } else {
        Kind::Dict
    }
}

/// Enters the method through the project's decorators: the function that a call really runs, its
/// cells, and the state.
fn enter(
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

/// Simulates the function and finds its bad exits, each confirmed by a path. `None` when the
/// budget was not enough.
fn judge(
    engine: &mut Engine<'_>,
    func: FuncRef,
    cells: Option<Value>,
    state: &mut State,
) -> Option<Verdict> {
    let cx = engine.context(func);
    let args = engine.receiver_args(state.watched);
    let site = Site {
        func,
        block: 0,
        index: u32::MAX - 1,
        part: 0,
    };
    let env = engine.bind(state, func, cells, &args, site);
    state.env = env;
    engine.budget.grant(cx.function().body.blocks.len());
    let graph = engine.simulate(&cx, BlockId::ENTRY, state.clone());
    if !graph.complete {
        return None;
    }
    let mut candidates: BTreeMap<ExitPoint, Vec<(BlockId, Bad, bool)>> = BTreeMap::new();
    let mut any_good = false;
    let mut any_unverified = false;
    for e in graph.exits.iter().filter(|e| e.kind == ExitKind::Return) {
        // Who returns a failure has said so.
        if engine.is_failure(&e.state, e.value) {
            continue;
        }
        match bad(engine, &e.state) {
            None => any_good = true,
            Some(b) => {
                any_unverified |= b == Bad::Unverified;
                let list = candidates.entry(exit_point(&cx, e.block)).or_default();
                let low = e.state.flags & flag::UNCERTAIN != 0;
                if !list.contains(&(e.block, b, low)) {
                    list.push((e.block, b, low));
                }
            }
        }
    }
    let mut found = Vec::new();
    let mut infeasible = 0;
    for (point, list) in candidates {
        let mut settled = false;
        // A path on which nothing is uncertain says more.
        let order = Bad::ALL
            .into_iter()
            .flat_map(|wanted| [(wanted, false), (wanted, true)]);
        for (wanted, low) in order {
            for (block, ..) in list.iter().filter(|e| (e.1, e.2) == (wanted, low)) {
                if settled {
                    continue;
                }
                match search(engine, &cx, state, &graph, *block, (wanted, low)) {
                    Witness::Found(events, _) => {
                        found.push((point, wanted, low, events));
                        settled = true;
                    }
                    Witness::Infeasible | Witness::Unknown => infeasible += 1,
                }
            }
        }
    }
    let lost = found.iter().any(|(_, b, ..)| *b == Bad::Dropped);
    let never = !any_good && !any_unverified && !lost && !found.is_empty();
    Some(Verdict {
        bad: found,
        never,
        infeasible,
    })
}

fn search(
    engine: &mut Engine<'_>,
    cx: &Rc<FnContext>,
    state: &State,
    graph: &Graph,
    block: BlockId,
    (wanted, low): (Bad, bool),
) -> Witness {
    let accept = move |engine: &mut Engine<'_>, state: &State, value: Value| {
        bad(engine, state) == Some(wanted)
            && (state.flags & flag::UNCERTAIN != 0) == low
            && !engine.is_failure(state, value)
    };
    let goal = Goal {
        end: End::Exit(ExitKind::Return),
        block: Some(block),
        from: None,
        accept: &accept,
    };
    engine.witness(cx, BlockId::ENTRY, state, &goal, Some(graph))
}

/// How a state is wrong at a return.
fn bad(engine: &mut Engine<'_>, state: &State) -> Option<Bad> {
    match engine.presence(state) {
        Presence::Present => None,
        Presence::Unknown => Some(Bad::Unverified),
        Presence::Absent if state.flags & flag::UNRESOLVED != 0 => Some(Bad::Unverified),
        Presence::Absent if state.flags & WAS_SET != 0 => Some(Bad::Dropped),
        Presence::Absent if state.flags & WROTE != 0 => Some(Bad::AfterWrite),
        Presence::Absent => Some(Bad::Plain),
    }
}

fn exit_point(cx: &FnContext, block: BlockId) -> ExitPoint {
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

#[allow(clippy::too_many_arguments)]
fn report(
    program: &Program<'_>,
    class: ClassRef,
    func: FuncRef,
    verdict: &Verdict,
    start: &dyn Fn(&'static str) -> FindingBuilder,
    out: &mut Checked,
) {
    let module = program.module(func.module);
    let Some(file) = module.file.as_ref().map(|f| f.id) else {
        return;
    };
    let function = module.ir.function(func.func);
    let at = |span: Span| Location { file, span };
    let own = |events: &[PathEvent]| own_helper(program, class, func, events);
    if verdict.never && !verdict.bad.iter().any(|(.., events)| own(events).is_some()) {
        let mut b = start("never-set");
        for (point, ..) in &verdict.bad {
            b = b.exit(at(point.span));
        }
        let n = verdict.bad.len();
        let label = match n {
            1 => "returns without setting it".to_owned(),
            n => format!("none of its {n} ways to return sets it"),
        };
        let mut finding = b.at(at(function.name_span), label);
        if verdict.bad.iter().all(|(_, _, low, _)| *low) {
            finding.severity = Severity::Warning;
        }
        out.findings.push(finding);
        return;
    }
    for (point, kind, low, events) in &verdict.bad {
        let mut b = start(kind.kind())
            .arg("unknown", "it depends on code that was not found")
            .arg("remedy", "make the called code resolvable");
        let mut exit = at(point.span);
        let mut label = if point.implicit {
            "can reach its end without setting it"
        } else {
            "returns without setting it"
        };
        let mut shown: Vec<&PathEvent> = events.iter().collect();
        // In an inherited method the class's own helper is what forgot it.
        let shared = |k: &Finding| k.primary.location == exit && k.kind == kind.kind();
        let inherited = decided_last(events)
            && (function.overrides == Overrides::WhenInherited || out.inherited.iter().any(shared));
        if let Some((own, span)) = own(events).filter(|_| !inherited) {
            let m = program.module(own.module);
            if let Some(f) = &m.file {
                exit = Location { file: f.id, span };
                label = "returns without setting it";
                while shown
                    .last()
                    .is_some_and(|e| !matches!(e.what, EventKind::Left))
                {
                    shown.pop();
                }
                shown.pop();
            }
        }
        let shown: Vec<PathEvent> = shown.into_iter().cloned().collect();
        for s in wording::steps(program, &shown) {
            let m = program.module(s.func.module);
            if let Some(f) = &m.file {
                let location = Location {
                    file: f.id,
                    span: s.span,
                };
                b = b.step(location, s.message);
            }
        }
        let mut finding = b.exit(exit).at_exit(exit, label);
        if *low {
            finding.severity = match finding.severity {
                Severity::Error => Severity::Warning,
                Severity::Warning | Severity::Note => Severity::Note,
            };
        }
        out.findings.push(finding);
    }
}
