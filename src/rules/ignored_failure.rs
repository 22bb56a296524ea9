//! `ignored-failure`: a function returns that its write failed, and its caller ignores the answer.
//!
//! Both are in one file. Nothing is simulated: the control-flow graph shows a `return` in the
//! handler of a write, with a value that no other `return` can have.

use crate::diagnostics::{Finding, FindingBuilder, Location};
use crate::engine::summaries::library::Library;
use crate::ir::{
    BlockId, Body, BranchRole, FuncIdx, Function, Handler, Literal, Operand, Rvalue, StatementKind,
    TerminatorKind,
};
use crate::program::{FuncRef, LoadedModule, Program};
use crate::rules::failed_write::code::{Called, called, callee_of, texts};
use crate::rules::known::{Call, raises_by, writes_at};
use crate::rules::tables::{Words, is_best_effort, writing_with};
use crate::rules::{FunctionRule, Glances, IgnoredFailure, InModule, Rule};
use crate::settings::Settings;
use crate::source::Span;

/// Checks functions that return their failures.
pub struct Functions;

impl FunctionRule for Functions {
    fn glance(&self, settings: &Settings) -> Option<Glances> {
        Some(writing_with(FAILING, &settings.writes, true))
    }

    fn same_glance(&self, one: &Settings, other: &Settings) -> bool {
        one.writes == other.writes
    }

    fn check(
        &self,
        library: &Library<'_>,
        module: &LoadedModule,
        functions: &[(FuncIdx, &Function)],
        settings: &Settings,
    ) -> InModule {
        let mut out = InModule::default();
        for &(func, function) in functions {
            if !is_named_twice(module, function) {
                continue;
            }
            let this = FuncRef {
                module: module.id,
                func,
            };
            let writes = |at, given: Call<'_>| {
                writes_at(
                    library.program,
                    &settings.writes,
                    ((this, at), raises_by),
                    given,
                )
            };
            if let Some(failure) = Failure::of(function, &writes) {
                report(
                    library.program,
                    module,
                    (func, function),
                    &failure,
                    &mut out.findings,
                );
            }
        }
        out
    }
}

/// What catches, returns and may stand for a failure, as words.
const FAILING: Words = &[("except", 1), ("return", 2), ("False", 4), ("None", 4)];

/// Whether the file contains the name of a function apart from its definition. If not, nothing in
/// the file calls the function, and it need not be lowered.
fn is_named_twice(module: &LoadedModule, function: &Function) -> bool {
    let text = module.file.as_ref().map_or("", |file| &file.text);
    let named = memchr::memmem::find_iter(text.as_bytes(), function.name.as_bytes());
    named.take(2).count() == 2
}

/// How a function returns that its write failed.
struct Failure {
    /// What it returns then.
    answer: Literal,
    /// The write that fails.
    write: Span,
    /// The handler.
    caught: Span,
    /// The `return` in it.
    returns: Span,
}

impl Failure {
    /// The failure that a function returns from the handler of a write, if no other `return` of it
    /// may have the same value.
    fn of(function: &Function, writes: &dyn Fn(BlockId, Call<'_>) -> bool) -> Option<Self> {
        let name = function.name.as_str();
        let calls_nothing = function.is_generator || function.is_async;
        if calls_nothing || is_best_effort(name) {
            return None;
        }
        let body = &function.body;
        let returns = returns(body);
        let in_handler = |span: Span| body.handlers.iter().any(|h| h.body.contains(span));
        let elsewhere = returns.iter().filter(|(span, _)| !in_handler(*span));
        let others: Vec<&Option<Literal>> = elsewhere.map(|(_, value)| value).collect();
        if others.is_empty() {
            return None;
        }
        body.handlers.iter().find_map(|handler| {
            let inside = returns.iter().filter(|(at, _)| handler.body.contains(*at));
            let mut failures = inside.filter_map(|(at, value)| Some((*at, value.as_ref()?)));
            let (at, answer) = failures.find(|(_, value)| is_failure(value))?;
            let differs = |other: &&Option<Literal>| other.as_ref().is_some_and(|o| o != answer);
            if !others.iter().all(differs) {
                return None;
            }
            Some(Self {
                answer: answer.clone(),
                write: write_under(function, handler, writes)?,
                caught: handler.header,
                returns: at,
            })
        })
    }
}

/// The values that stand for a failure.
fn is_failure(value: &Literal) -> bool {
    matches!(value, Literal::None | Literal::Bool(false))
}

/// Where a body returns, with the value if that is a literal.
fn returns(body: &Body) -> Vec<(Span, Option<Literal>)> {
    let blocks = body.blocks.iter();
    let found = blocks.filter_map(|block| {
        let span = block.terminator.span;
        match &block.terminator.kind {
            TerminatorKind::Return { value, .. } => Some((span, literal(body, value, span))),
            _ => None,
        }
    });
    found.collect()
}

/// The literal that an operand is. If the value has to wait for a `finally`, the `return` statement
/// stores it in a local.
fn literal(body: &Body, value: &Operand, within: Span) -> Option<Literal> {
    let local = match value {
        Operand::Const(literal) => return Some(literal.clone()),
        Operand::Local(local) => *local,
    };
    let statements = body.blocks.iter().flat_map(|block| &block.statements);
    let mut stored = statements.filter_map(|statement| match &statement.kind {
        StatementKind::Assign(to, rvalue) if *to == local && within.contains(statement.span) => {
            Some(rvalue)
        }
        _ => None,
    });
    match (stored.next()?, stored.next()) {
        (Rvalue::Use(Operand::Const(literal)), None) => Some(literal.clone()),
        _ => None,
    }
}

/// A write whose exception the handler may catch.
fn write_under(
    function: &Function,
    handler: &Handler,
    writes: &dyn Fn(BlockId, Call<'_>) -> bool,
) -> Option<Span> {
    let body = &function.body;
    let mut blocks = (0u32..).zip(&body.blocks);
    blocks.find_map(|(at, block)| {
        let TerminatorKind::Eval {
            rvalue: Rvalue::Call { callee, args, .. },
            unwind: Some(unwind),
            ..
        } = &block.terminator.kind
        else {
            return None;
        };
        let Called { name, on } = called(function, callee);
        let given = texts(args);
        let given = (name.as_str(), on.as_deref(), given.as_slice());
        let is_write = writes(BlockId(at), given);
        (is_write && leads_to(body, unwind.target, handler)).then_some(block.terminator.span)
    })
}

/// Whether an exception that arrives at a block is offered to a handler.
fn leads_to(body: &Body, from: BlockId, handler: &Handler) -> bool {
    let mut at = from;
    // A `try` has fewer handlers than the body has blocks.
    for _ in 0..body.blocks.len() {
        let terminator = &body.block(at).terminator;
        match terminator.kind {
            TerminatorKind::Branch {
                role: BranchRole::Handler,
                otherwise,
                ..
            } => {
                if terminator.span == handler.header {
                    return true;
                }
                at = otherwise;
            }
            _ => return false,
        }
    }
    false
}

/// Reports each call of the function in its file that stands alone as a statement.
fn report(
    program: &Program<'_>,
    module: &LoadedModule,
    (func, reporter): (FuncIdx, &Function),
    failure: &Failure,
    out: &mut Vec<Finding>,
) {
    let Some(file) = &module.file else { return };
    let callee = FuncRef {
        module: module.id,
        func,
    };
    let at = |span| Location {
        file: file.id,
        span,
    };
    // Functions without the name need not be lowered.
    let outer = module.ir.outer_functions();
    let outer = outer.filter(|(_, function)| function.body.may_mention(&reporter.name));
    let callers = outer.flat_map(|(idx, _)| module.ir.with_left_out(idx));
    for (idx, caller) in callers {
        if idx == func || caller.name.starts_with("test_") {
            continue;
        }
        for block in &caller.body.blocks {
            let TerminatorKind::Eval {
                dest: None,
                rvalue: Rvalue::Call { callee: called, .. },
                ..
            } = &block.terminator.kind
            else {
                continue;
            };
            let this = FuncRef {
                module: module.id,
                func: idx,
            };
            if callee_of(program, this, called) != Some(callee) {
                continue;
            }
            let answer = match failure.answer {
                Literal::None => "None",
                _ => "False",
            };
            let finding = FindingBuilder::new(IgnoredFailure.meta(), "dropped")
                .arg("callee", reporter.name.as_str())
                .arg("caller", caller.name.as_str())
                .arg("answer", answer)
                .symbol(caller.qualname.as_str())
                .step(at(failure.write), "this write can fail")
                .step(at(failure.caught), "caught here")
                .step(at(failure.returns), format!("returns {answer}"));
            out.push(finding.at(at(block.terminator.span), "the result is ignored"));
        }
    }
}
