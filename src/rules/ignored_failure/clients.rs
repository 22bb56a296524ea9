//! Calls of libraries that raise nothing for rows that were not stored, and whose result nobody reads.

use super::add_graph;
use super::repair;
use super::tells::tells_by_result;
use super::unread::{How, Unread, Use, use_of};
use crate::diagnostics::{Finding, FindingBuilder, Location};
use crate::ir::{Arg, Function, Literal, Operand};
use crate::presets::Tells;
use crate::program::{FuncRef, LoadedModule, Program};
use crate::rules::failed_write::code::{called, calls};
use crate::rules::failed_write::is_only_handling;
use crate::rules::tables::is_log_table;
use crate::rules::{IgnoredFailure, Rule};
use crate::settings::Writes;

/// Reports the calls of a function.
pub(super) fn report(
    program: &Program<'_>,
    writes: &Writes,
    module: &LoadedModule,
    (func, function): (FuncRef, &Function),
    out: &mut Vec<Finding>,
) {
    let Some(file) = &module.file else { return };
    for (at, callee, args) in calls(function) {
        let span = function.body.block(at).terminator.span;
        let Some(tells) = tells_by_result(program, writes, (func, at)) else {
            continue;
        };
        let Use::Unread(Unread { how, .. }) = use_of(function, at) else {
            continue;
        };
        if is_record(function, args) || is_only_handling(program, func, at) {
            continue;
        }
        let label = match how {
            How::Dropped => "the result is ignored",
            How::Bound => "the result is kept, but nothing reads it",
            How::Logged => "the result is only logged",
        };
        let finding = FindingBuilder::new(IgnoredFailure.meta(), "unread-result")
            .arg("callee", called(function, callee).name.as_str())
            .arg("caller", function.name.as_str())
            .arg("place", place(tells))
            .symbol(function.qualname.as_str())
            .fix(repair::test_result(file, function, (span, tells)));
        let location = Location {
            file: file.id,
            span,
        };
        let finding = add_graph(program, finding, func, &[span]);
        out.push(finding.cause(Some(location)).at(location, label));
    }
}

/// Whether rows are records of what was done: the name of the function says so, or that of their table. To lose
/// them is to lose no data.
pub(super) fn is_record(function: &Function, args: &[Arg]) -> bool {
    let names_log_table =
        |arg: &Arg| matches!(&arg.value, Operand::Const(Literal::Str(text)) if is_log_table(text));
    is_log_table(&function.name) || args.iter().any(names_log_table)
}

/// Where the result tells, in words.
fn place(tells: &Tells) -> String {
    if tells.later {
        return "what it returns".to_owned();
    }
    let at = tells.at.as_deref().and_then(|at| at.split_once(':'));
    match at {
        Some(("element", "any")) => "the parts of its result".to_owned(),
        Some(("element", "0")) => "the first part of its result".to_owned(),
        Some(("element", _)) => "the second part of its result".to_owned(),
        Some((_, name)) => format!("`{name}` in its result"),
        None => "its result".to_owned(),
    }
}
