//! Random functions do the same in CPython as in an interpreter of their control-flow graphs:
//! the same calls in the same order, the same exceptions, the same result.
//!
//! What the functions call answers from a stream of pseudo-random choices: a value, or an
//! exception. Not tested, with a message, where there is no `python3`.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::common::python_is_there;
use tallylint::frontend::python;
use tallylint::ir::{
    BlockId, Callee, CmpOp, FuncIdx, Function, Literal, LocalId, Module, Operand, Rvalue,
    StatementKind, TerminatorKind, dump,
};

const PROGRAMS: u32 = 150;
const RUNS: u32 = 12;
/// After so many events everything raises `Stop`, so that all loops end.
const MAX_EVENTS: usize = 200;

/// The same stream of choices as in [`DRIVER`].
struct Choices(u64);

impl Choices {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = (self.0 * 1_103_515_245 + 12_345) & 0x7fff_ffff;
        (self.0 >> 16) % below
    }
}

const DRIVER: &str = r#"
import json, sys
class A(Exception): pass
class B(Exception): pass
class Stop(BaseException): pass
def run(source, seed):
    events = []
    state = seed
    def choose(below):
        nonlocal state
        state = (state * 1103515245 + 12345) & 0x7fffffff
        return (state >> 16) % below
    def event(text):
        events.append(text)
        if len(events) > MAX_EVENTS:
            raise Stop
        c = choose(24)
        if c == 0: raise A
        if c == 1: raise B
    def ev(k):
        event(f"ev {k}")
        return choose(3)
    def it(k):
        event(f"it {k}")
        return list(range(choose(3)))
    class cm:
        def __init__(self, k):
            self.k = k
            event(f"cm {k}")
        def __enter__(self):
            event(f"enter {self.k}")
            return choose(3)
        def __exit__(self, kind, exc, trace):
            event(f"exit {self.k} {kind.__name__ if kind else None}")
            return bool(choose(2))
    scope = dict(A=A, B=B, ev=ev, it=it, cm=cm)
    exec(source, scope)
    try:
        events.append(f"return {scope['f']()}")
    except BaseException as e:
        events.append(f"raise {type(e).__name__}")
    return "; ".join(events)
for line in sys.stdin:
    source, seed = json.loads(line)
    print(run(source, seed))
"#;

/// Writes random functions.
struct Writer {
    choices: Choices,
    out: String,
    calls: u32,
}

impl Writer {
    fn pick(&mut self, below: u64) -> u64 {
        self.choices.next(below)
    }

    fn call(&mut self, name: &str) -> String {
        self.calls += 1;
        format!("{name}({})", self.calls)
    }

    fn expr(&mut self, depth: u32) -> String {
        let d = depth + 1;
        match if depth > 2 { 0 } else { self.pick(11) } {
            1 => format!("({} and {})", self.expr(d), self.expr(d)),
            2 => format!("({} or {})", self.expr(d), self.expr(d)),
            3 => format!("(not {})", self.expr(d)),
            4 => format!(
                "({} if {} else {})",
                self.expr(d),
                self.expr(d),
                self.expr(d)
            ),
            5 => format!("({} < {} <= {})", self.expr(d), self.expr(d), self.expr(d)),
            6 => format!("(x := {})", self.expr(d)),
            7 => "x".to_owned(),
            8 => format!(
                "(1 if [{} for x in {} if {}] else 0)",
                self.expr(3),
                self.call("it"),
                self.expr(3)
            ),
            _ => self.call("ev"),
        }
    }

    fn line(&mut self, indent: usize, text: &str) {
        let _ = writeln!(self.out, "{}{text}", "    ".repeat(indent));
    }

    fn suite(&mut self, indent: usize, in_loop: bool, in_handler: bool) {
        for _ in 0..=self.pick(2) {
            self.stmt(indent, in_loop, in_handler);
        }
    }

    fn maybe(&mut self, header: &str, indent: usize, in_loop: bool, in_handler: bool) {
        if self.pick(3) == 0 {
            self.line(indent, header);
            self.suite(indent + 1, in_loop, in_handler);
        }
    }

    fn stmt(&mut self, indent: usize, in_loop: bool, in_handler: bool) {
        let i = indent;
        match if i > 4 { self.pick(8) } else { self.pick(17) } {
            0 => {
                let value = self.expr(1);
                self.line(i, &format!("return {value}"));
            }
            1 if in_loop => self.line(i, "break"),
            2 if in_loop => self.line(i, "continue"),
            3 if in_handler => self.line(i, "raise"),
            4 => {
                let class = ["A", "B"][usize::from(self.pick(2) == 0)];
                self.line(i, &format!("raise {class}"));
            }
            5 => {
                let test = self.expr(1);
                self.line(i, &format!("assert {test}, {test}"));
            }
            6 => {
                let value = self.expr(0);
                self.line(i, &format!("x = {value}"));
            }
            8 | 9 => {
                let test = self.expr(0);
                self.line(i, &format!("if {test}:"));
                self.suite(i + 1, in_loop, in_handler);
                self.maybe("else:", i, in_loop, in_handler);
            }
            10 => {
                let test = self.call("ev");
                self.line(i, &format!("while {test}:"));
                self.suite(i + 1, true, in_handler);
                self.maybe("else:", i, in_loop, in_handler);
            }
            11 => {
                let items = self.call("it");
                self.line(i, &format!("for x in {items}:"));
                self.suite(i + 1, true, in_handler);
                self.maybe("else:", i, in_loop, in_handler);
            }
            12 | 13 => {
                let mut items = self.call("cm");
                if self.pick(2) == 0 {
                    let second = self.call("cm");
                    let _ = write!(items, " as x, {second}");
                }
                self.line(i, &format!("with {items}:"));
                self.suite(i + 1, in_loop, in_handler);
            }
            14..=16 => self.try_stmt(i, in_loop, in_handler),
            _ => {
                let value = self.expr(0);
                self.line(i, &value);
            }
        }
    }

    fn try_stmt(&mut self, i: usize, in_loop: bool, in_handler: bool) {
        self.line(i, "try:");
        self.suite(i + 1, in_loop, in_handler);
        let handlers = self.pick(3);
        for handler in 0..handlers {
            let header = match self.pick(4) {
                0 => "except A:",
                1 => "except (B, A) as e:",
                2 => "except B as e:",
                _ if handler + 1 == handlers => "except:",
                _ => "except Exception:",
            };
            self.line(i, header);
            self.suite(i + 1, in_loop, true);
        }
        if handlers > 0 {
            self.maybe("else:", i, in_loop, in_handler);
        }
        if handlers == 0 || self.pick(2) == 0 {
            self.line(i, "finally:");
            // A bare `raise` here raises what is in flight, which the graph leaves open.
            self.suite(i + 1, in_loop, false);
        }
    }
}

fn program(seed: u32) -> String {
    let mut writer = Writer {
        choices: Choices(u64::from(seed) * 7_919 + 1),
        out: String::from("def f():\n    x = 0\n"),
        calls: 0,
    };
    for _ in 0..4 {
        writer.stmt(1, false, false);
    }
    writer.out
}

#[derive(Clone, PartialEq, Debug)]
enum Value {
    None,
    Bool(bool),
    Int(i64),
    Name(String),
    Exception(String),
    Manager(i64),
    List(Vec<Value>),
}

impl Value {
    fn truth(&self) -> bool {
        match self {
            Self::None => false,
            Self::Bool(value) => *value,
            Self::Int(value) => *value != 0,
            Self::List(items) => !items.is_empty(),
            _ => true,
        }
    }

    fn number(&self) -> Result<i64, String> {
        match self {
            Self::Bool(value) => Ok(i64::from(*value)),
            Self::Int(value) => Ok(*value),
            _ => Err("TypeError".to_owned()),
        }
    }

    fn show(&self) -> String {
        match self {
            Self::None => "None".to_owned(),
            Self::Bool(true) => "True".to_owned(),
            Self::Bool(false) => "False".to_owned(),
            Self::Int(value) => value.to_string(),
            Self::Name(name) | Self::Exception(name) => name.clone(),
            Self::Manager(k) => format!("cm {k}"),
            Self::List(items) => {
                let items: Vec<String> = items.iter().map(Self::show).collect();
                format!("[{}]", items.join(", "))
            }
        }
    }
}

struct Machine<'f> {
    function: &'f Function,
    locals: Vec<Option<Value>>,
    choices: Choices,
    events: Vec<String>,
    at: BlockId,
}

impl Machine<'_> {
    fn run(mut self) -> String {
        loop {
            let block = self.function.body.block(self.at);
            for statement in &block.statements {
                match &statement.kind {
                    StatementKind::Assign(dest, rvalue) => {
                        let value = self.rvalue(rvalue).unwrap();
                        self.set(*dest, value);
                    }
                    StatementKind::Unbind(local) => self.locals[local.index()] = None,
                    StatementKind::Skip => {}
                    other => panic!("unexpected {other:?}"),
                }
            }
            match &block.terminator.kind {
                TerminatorKind::Goto(target) => self.at = *target,
                TerminatorKind::Branch {
                    cond,
                    then,
                    otherwise,
                    ..
                } => {
                    let truth = self.operand(cond).truth();
                    self.at = if truth { *then } else { *otherwise };
                }
                TerminatorKind::Switch { on, cases } => {
                    let code = self.get(*on);
                    let case = cases.iter().find(|(literal, _)| constant(literal) == code);
                    self.at = case.expect("switches are exhaustive").1;
                }
                TerminatorKind::Return { value, .. } => {
                    let text = format!("return {}", self.operand(value).show());
                    self.events.push(text);
                    return self.events.join("; ");
                }
                kind => {
                    let unwind = match kind {
                        TerminatorKind::Eval { unwind, .. }
                        | TerminatorKind::ForNext { unwind, .. }
                        | TerminatorKind::Raise { unwind, .. } => *unwind,
                        other => panic!("unexpected {other:?}"),
                    };
                    if let Err(class) = self.raising(kind) {
                        let Some(unwind) = unwind else {
                            self.events.push(format!("raise {class}"));
                            return self.events.join("; ");
                        };
                        self.set(unwind.exc, Value::Exception(class));
                        self.at = unwind.target;
                    }
                }
            }
        }
    }

    /// Performs a terminator that may raise.
    fn raising(&mut self, kind: &TerminatorKind) -> Result<(), String> {
        match kind {
            TerminatorKind::Eval {
                dest,
                rvalue,
                normal,
                ..
            } => {
                let value = self.rvalue(rvalue)?;
                if let Some(dest) = dest {
                    self.set(*dest, value);
                }
                self.at = *normal;
            }
            TerminatorKind::ForNext {
                iter,
                dest,
                body,
                exhausted,
                ..
            } => {
                let Value::List(mut items) = self.get(*iter) else {
                    panic!("an iterator over no list");
                };
                self.at = if items.is_empty() {
                    *exhausted
                } else {
                    let first = items.remove(0);
                    self.set(*dest, first);
                    self.set(*iter, Value::List(items));
                    *body
                };
            }
            TerminatorKind::Raise { exc, .. } => return Err(self.operand(exc).show()),
            other => panic!("unexpected {other:?}"),
        }
        Ok(())
    }

    fn get(&self, local: LocalId) -> Value {
        self.locals[local.index()]
            .clone()
            .expect("locals are bound")
    }

    fn set(&mut self, local: LocalId, value: Value) {
        self.locals[local.index()] = Some(value);
    }

    fn operand(&self, operand: &Operand) -> Value {
        match operand {
            Operand::Local(local) => self.get(*local),
            Operand::Const(literal) => constant(literal),
        }
    }

    fn event(&mut self, text: String) -> Result<(), String> {
        self.events.push(text);
        if self.events.len() > MAX_EVENTS {
            return Err("Stop".to_owned());
        }
        match self.choices.next(24) {
            0 => Err("A".to_owned()),
            1 => Err("B".to_owned()),
            _ => Ok(()),
        }
    }

    fn choice(&mut self, below: u64) -> i64 {
        i64::try_from(self.choices.next(below)).unwrap()
    }

    fn rvalue(&mut self, rvalue: &Rvalue) -> Result<Value, String> {
        Ok(match rvalue {
            Rvalue::Use(operand)
            | Rvalue::Iter {
                object: operand, ..
            } => self.operand(operand),
            Rvalue::Global(name) => Value::Name(name.to_string()),
            Rvalue::Not(operand) => Value::Bool(!self.operand(operand).truth()),
            Rvalue::Compare(op, a, b) => {
                let (a, b) = (self.operand(a), self.operand(b));
                let (a, b) = (a.number()?, b.number()?);
                Value::Bool(match op {
                    CmpOp::Lt => a < b,
                    CmpOp::LtE => a <= b,
                    other => panic!("unexpected {other:?}"),
                })
            }
            Rvalue::List(_) => Value::List(Vec::new()),
            Rvalue::Call { callee, args } => {
                let arg = self.operand(&args[0].value);
                match callee {
                    Callee::Method { receiver, .. } => {
                        let Operand::Local(local) = receiver else {
                            panic!("append to a constant");
                        };
                        let Value::List(mut items) = self.get(*local) else {
                            panic!("append to no list");
                        };
                        items.push(arg);
                        self.set(*local, Value::List(items));
                        Value::None
                    }
                    Callee::Value(value) => {
                        let (name, k) = (self.operand(value).show(), arg.number()?);
                        self.event(format!("{name} {k}"))?;
                        match name.as_str() {
                            "ev" => Value::Int(self.choice(3)),
                            "it" => Value::List((0..self.choice(3)).map(Value::Int).collect()),
                            _ => Value::Manager(k),
                        }
                    }
                }
            }
            Rvalue::Enter { manager, .. } => {
                let Value::Manager(k) = self.operand(manager) else {
                    panic!("enters no manager");
                };
                self.event(format!("enter {k}"))?;
                Value::Int(self.choice(3))
            }
            Rvalue::Exit { manager, exc, .. } => {
                let Value::Manager(k) = self.operand(manager) else {
                    panic!("leaves no manager");
                };
                let exc = self.operand(exc).show();
                self.event(format!("exit {k} {exc}"))?;
                Value::Bool(self.choice(2) == 1)
            }
            Rvalue::Caught { exc, types, .. } => {
                let class = self.operand(exc).show();
                let catches =
                    |name: String| name == class || (name == "Exception" && class != "Stop");
                let mut types = types.iter().map(|t| self.operand(t).show());
                Value::Bool(types.len() == 0 || types.any(catches))
            }
            other => panic!("unexpected {other:?}"),
        })
    }
}

fn constant(literal: &Literal) -> Value {
    match literal {
        Literal::None => Value::None,
        Literal::Bool(value) => Value::Bool(*value),
        Literal::Int(value) => Value::Int(*value),
        other => panic!("unexpected {other:?}"),
    }
}

/// What CPython does, a line for each source and seed.
fn traces(runs: &[(&str, u32)]) -> Vec<String> {
    let driver = DRIVER.replace("MAX_EVENTS", &MAX_EVENTS.to_string());
    let mut child = Command::new("python3")
        .args(["-W", "ignore", "-c", &driver])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut input = String::new();
    for run in runs {
        input.push_str(&serde_json::to_string(run).unwrap());
        input.push('\n');
    }
    let feeder = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    feeder.join().unwrap().unwrap();
    assert!(output.status.success(), "{output:?}");
    let lines = String::from_utf8_lossy(&output.stdout);
    lines.lines().map(str::to_owned).collect()
}

#[test]
fn graphs_run_like_cpython() {
    if !python_is_there() {
        return;
    }
    let programs: Vec<String> = (0..PROGRAMS).map(program).collect();
    let runs: Vec<(&str, u32)> = programs
        .iter()
        .flat_map(|source| (0..RUNS).map(move |seed| (source.as_str(), seed)))
        .collect();
    let expected = traces(&runs);
    assert_eq!(expected.len(), runs.len());
    let mut differ = 0;
    let mut first = None;
    let modules: Vec<Module> = programs
        .iter()
        .map(|source| python::lower_module(source).unwrap())
        .collect();
    let runs = modules.iter().zip(&programs);
    let runs = runs.flat_map(|run| (0..RUNS).map(move |seed| (run, seed)));
    for (((module, source), seed), expected) in runs.zip(expected) {
        let function = module.function(FuncIdx(0));
        let machine = Machine {
            function,
            locals: vec![None; function.body.locals.len()],
            choices: Choices(u64::from(seed)),
            events: Vec::new(),
            at: BlockId::ENTRY,
        };
        let actual = machine.run();
        if actual != expected {
            differ += 1;
            first.get_or_insert_with(|| {
                let graph = dump::text(function, source);
                format!("{source}\n{graph}\nexpected {expected}\nactual   {actual}")
            });
        }
    }
    assert!(differ == 0, "{differ} runs differ: {}", first.unwrap());
}
