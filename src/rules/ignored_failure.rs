//! `ignored-failure`: a write tells by a value that it failed, and its caller ignores that.
//!
//! | module | owns |
//! |---|---|
//! | `answers` | how a function of the program returns that its write failed |
//! | `callers` | the calls of such a function, and the findings about them |
//! | `clients` | calls of libraries of which only the result tells, and the findings about them |
//! | `exits` | where a function returns, and what is known of the values |
//! | `repair` | the fix: the result is tested |
//! | `tells` | which calls of libraries tell only by their result |
//! | `unheeded` | tests that tell of a failure, and after which a function goes on |
//! | `unread` | whether a function looks at the value of a call |

mod answers;
mod callers;
mod clients;
mod exits;
mod repair;
mod tells;
mod unheeded;
mod unread;

use crate::diagnostics::FindingBuilder;
use crate::engine::summaries::library::Library;
use crate::engine::witness::Route;
use crate::ir::{FuncIdx, Function};
use crate::program::{FuncRef, LoadedModule, Program};
use crate::rules::contract_method::add_way;
use crate::rules::failed_write::caught::{is_unlikely, says_nothing_lost};
use crate::rules::failed_write::{may_fail, surely_writes, with_nested};
use crate::rules::tables::answering;
use crate::rules::{FunctionRule, Glances, InModule};
use crate::settings::{Settings, Writes};
use crate::source::{SourceFile, Span, is_of_tests};
use answers::{Ask, Failure};
use callers::Ground;

/// Checks functions that write.
pub struct Functions;

impl FunctionRule for Functions {
    fn glance(&self, settings: &Settings) -> Option<Glances> {
        Some(answering(&settings.writes))
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
        if module.file.as_ref().is_none_or(|file| is_of_tests(file)) {
            return out;
        }
        let (program, writes) = (library.program, &settings.writes);
        let ground = Ground {
            program,
            writes,
            fails: &|func| failure_of(program, writes, func).is_some(),
        };
        for (func, function) in with_nested(module, functions) {
            if may_fail(module, function) {
                continue;
            }
            clients::report(program, writes, module, (func, function), &mut out.findings);
            with_ask(program, writes, func, &mut |ask| {
                let this = ((func, function), ask);
                unheeded::report(program, writes, module, this, &mut out.findings);
            });
            if let Some(failure) = failure_of(program, writes, func) {
                callers::report(ground, func, &failure, &mut out.findings);
            }
        }
        out
    }

    fn leaves_out(&self, file: &SourceFile) -> bool {
        is_of_tests(file)
    }
}

/// Adds the graph of a function to a finding, with the places in it that show the finding.
fn add_graph(
    program: &Program<'_>,
    finding: FindingBuilder,
    func: FuncRef,
    places: &[Span],
) -> FindingBuilder {
    let module = program.module(func.module);
    let body = &module.ir.function(func.func).body;
    add_way(program, finding, &Route::by(func, body, places))
}

/// How a function of the program returns that its write failed, if it does.
fn failure_of(program: &Program<'_>, writes: &Writes, func: FuncRef) -> Option<Failure> {
    let module = program.module(func.module);
    let mut found = None;
    with_ask(program, writes, func, &mut |ask| {
        found = Failure::of(module.ir.function(func.func), ask);
    });
    found
}

/// Calls something with what is asked of the program about a function.
fn with_ask(program: &Program<'_>, writes: &Writes, func: FuncRef, run: &mut dyn FnMut(&Ask<'_>)) {
    let presets = &writes.presets;
    run(&Ask {
        writes: &|at| surely_writes(program, writes, (func, at)),
        is_unlikely: &|at| is_unlikely(program, (func, at), None),
        loses_nothing: &|at, of_batch| says_nothing_lost(program, presets, (func, at), of_batch),
    });
}
