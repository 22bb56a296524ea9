//! Who calls a function, and so could hear of a failure in it. As in the rule that asks the same, callers are known by the
//! name that they call.

use std::sync::Arc;

use lsp_types::{CallHierarchyIncomingCall, CallHierarchyItem, Range, SymbolKind};
use serde_json::json;

use super::view::View;
use crate::diagnostics::Finding;
use crate::fence::{self, Bug};
use crate::frontend;
use crate::ir::{Body, Callee, Function, Operand, Rvalue, StatementKind, TerminatorKind};
use crate::order::Order as _;
use crate::source::{SourceFile, Span};

/// In how many files callers are looked for. A name that more files mention tells nothing.
const MAX_FILES: usize = 200;

/// A function with calls of something of one name.
pub(super) struct Caller {
    file: Arc<SourceFile>,
    name: String,
    qualname: String,
    span: Span,
    name_span: Span,
    calls: Vec<Span>,
}

/// The functions that the findings at an offset are in, as the roots of call hierarchies.
pub(super) fn roots(view: &View<'_>, file: &SourceFile, at: u32) -> Vec<CallHierarchyItem> {
    let line = |at| file.line_index().line(at);
    let settled = &view.run.settled;
    let ignored = settled.suppressed.iter().map(|one| &one.finding);
    let all = settled.reported.iter().chain(&settled.known).chain(ignored);
    let here = all.map(|reported| &reported.finding).filter(|finding| {
        let primary = finding.primary.location;
        let lines = line(primary.span.start)..=line(primary.span.end);
        primary.file == file.id && lines.contains(&line(at))
    });
    let mut out: Vec<CallHierarchyItem> = Vec::new();
    for finding in here {
        let item = root(view, file, finding);
        let is_new = |item: &CallHierarchyItem| out.iter().all(|known| known.name != item.name);
        out.extend(item.filter(is_new));
    }
    out
}

fn root(view: &View<'_>, file: &SourceFile, finding: &Finding) -> Option<CallHierarchyItem> {
    let name = finding.symbol.rsplit('.').next()?;
    let range = view.encoding().range(file, finding.primary.location.span);
    Some(CallHierarchyItem {
        name: finding.symbol.clone(),
        kind: SymbolKind::FUNCTION,
        tags: None,
        detail: Some(finding.message.clone()),
        uri: view.uri(file)?,
        range,
        selection_range: range,
        data: Some(json!({ "name": name })),
    })
}

/// The name that the callers of an item call.
pub(super) fn called(item: &CallHierarchyItem) -> Option<String> {
    let name = item.data.as_ref()?.get("name")?.as_str()?;
    Some(name.to_owned())
}

/// The files of a result that mention a name, in the order of their paths.
pub(super) fn files(view: &View<'_>, name: &str) -> Vec<Arc<SourceFile>> {
    let files = view.files.values().map(|id| view.run.sources.get(*id));
    let mut files: Vec<_> = files.filter(|file| file.text.contains(name)).collect();
    files.order_by(|a, b| a.display.cmp(&b.display));
    files.truncate(MAX_FILES);
    files
}

/// The functions in files that call something of this name.
///
/// # Errors
/// When a front end panics.
pub(super) fn search(files: &[Arc<SourceFile>], name: &str) -> Result<Vec<Caller>, Bug> {
    fence::on_big_stack(|| {
        let mut out = Vec::new();
        for file in files {
            let Ok(module) = frontend::lower_module(file.language, &file.text) else {
                continue;
            };
            for (_, function) in module.functions() {
                out.extend(caller(file, function, name));
            }
        }
        out
    })
}

fn caller(file: &Arc<SourceFile>, function: &Function, name: &str) -> Option<Caller> {
    let calls = calls_in(&function.body, name);
    (!calls.is_empty()).then(|| Caller {
        file: Arc::clone(file),
        name: function.name.to_string(),
        qualname: function.qualname.to_string(),
        span: function.span,
        name_span: function.name_span,
        calls,
    })
}

/// The calls of something of this name.
fn calls_in(body: &Body, name: &str) -> Vec<Span> {
    let values = body.all_values();
    let is_global = |operand: &Operand| match operand {
        Operand::Local(local) => {
            let mut values = values[local.index()].iter();
            values.any(|value| matches!(value, Rvalue::Global(global) if global == name))
        }
        Operand::Const(_) => false,
    };
    let is_call = |rvalue: &Rvalue| match rvalue {
        Rvalue::Call {
            callee: Callee::Method { name: method, .. },
            ..
        } => method == name,
        Rvalue::Call {
            callee: Callee::Value(value),
            ..
        } => is_global(value),
        _ => false,
    };
    let mut out = Vec::new();
    for block in &body.blocks {
        for statement in &block.statements {
            if let StatementKind::Assign(_, rvalue) = &statement.kind
                && is_call(rvalue)
            {
                out.push(statement.span);
            }
        }
        if let TerminatorKind::Eval { rvalue, .. } = &block.terminator.kind
            && is_call(rvalue)
        {
            out.push(block.terminator.span);
        }
    }
    out.sort_unstable();
    // Code of a `finally` may be there several times.
    out.dedup();
    out
}

/// The callers, as an editor wants them.
pub(super) fn incoming(view: &View<'_>, callers: &[Caller]) -> Vec<CallHierarchyIncomingCall> {
    let calls = callers.iter().filter_map(|caller| {
        let range = |span| -> Range { view.encoding().range(&caller.file, span) };
        let from = CallHierarchyItem {
            name: caller.qualname.clone(),
            kind: SymbolKind::FUNCTION,
            tags: None,
            detail: Some(caller.file.display.clone()),
            uri: view.uri(&caller.file)?,
            range: range(caller.span),
            selection_range: range(caller.name_span),
            data: Some(json!({ "name": caller.name })),
        };
        Some(CallHierarchyIncomingCall {
            from,
            from_ranges: caller.calls.iter().map(|span| range(*span)).collect(),
        })
    });
    calls.collect()
}
