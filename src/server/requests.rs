//! Which request gets which answer.

use std::path::PathBuf;
use std::sync::Arc;

use lsp_server::{ErrorCode, Request, RequestId};
use lsp_types::{
    CallHierarchyIncomingCallsParams, CallHierarchyItem, CallHierarchyPrepareParams, CodeAction,
    CodeActionParams, CodeLensParams, DocumentDiagnosticParams, ExecuteCommandParams,
    GotoDefinitionParams, HoverParams, InlayHintParams, Position, Range, Uri,
    WorkspaceDiagnosticParams,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::actions::{self, FIX_ALL};
use super::callers::{self, Caller};
use super::diagnostics::result_id;
use super::documents::real_path;
use super::exits::{self, EXPLAIN, SHOW};
use super::roots::Root;
use super::session::{Asked, Session};
use super::text::Encoding;
use super::uri;
use super::view::View;
use super::worker::{Job, JobKind};
use super::{hover, links};
use crate::busy::Busy;
use crate::config::ConfigError;
use crate::fence::Bug;
use crate::source::SourceFile;

/// What a request comes to.
pub(super) type Answer = Result<Value, (ErrorCode, String)>;

/// When a request is answered.
pub(super) enum Reply {
    /// At once.
    Now(Answer),
    /// It has to be asked again after the next analysis.
    Later,
    /// Somebody else answers it.
    Promised,
}

/// A request that waits for a job of its own.
pub(super) enum Promise {
    /// For fixes.
    Fixes(Fixing),
    /// For those who call something of this name in a root.
    Callers {
        id: RequestId,
        root: u64,
        name: String,
    },
}

impl Promise {
    pub fn id(&self) -> &RequestId {
        match self {
            Promise::Fixes(fixing) => &fixing.id,
            Promise::Callers { id, .. } => id,
        }
    }
}

/// What is to be fixed, and what for.
pub(super) struct Fixing {
    pub id: RequestId,
    pub root: u64,
    pub uri: Uri,
    pub real_path: PathBuf,
    stamp: u64,
    purpose: Purpose,
}

/// What the fixes are for.
enum Purpose {
    /// The list of code actions.
    List,
    /// The edit of this code action.
    Resolve(Box<CodeAction>),
    /// They are to be made.
    Apply,
}

/// What the server can do.
pub(super) fn capabilities(encoding: Encoding) -> Value {
    json!({
        "serverInfo": { "name": "tallylint", "version": env!("CARGO_PKG_VERSION") },
        "capabilities": {
            "positionEncoding": encoding.kind(),
            "textDocumentSync": { "openClose": true, "change": 2, "save": { "includeText": false } },
            "diagnosticProvider": {
                "identifier": "tallylint",
                "interFileDependencies": true,
                "workspaceDiagnostics": true,
            },
            "codeActionProvider": {
                "codeActionKinds": ["quickfix", FIX_ALL],
                "resolveProvider": true,
            },
            "codeLensProvider": { "resolveProvider": false },
            "hoverProvider": true,
            "definitionProvider": true,
            "inlayHintProvider": true,
            "callHierarchyProvider": true,
            "executeCommandProvider": { "commands": [SHOW, EXPLAIN, actions::APPLY] },
            "workspace": {
                "workspaceFolders": { "supported": true, "changeNotifications": true },
            },
        },
    })
}

/// Answers a request, or tells when it can be answered.
pub(super) fn reply(session: &mut Session, request: &Request) -> Reply {
    let reply = match request.method.as_str() {
        "textDocument/diagnostic" => document_diagnostics(session, request),
        "workspace/diagnostic" => workspace_diagnostics(session, request),
        "textDocument/hover" => with_params(request, |params: HoverParams| {
            let at = params.text_document_position_params;
            in_document(session, &at.text_document.uri, |view, file| {
                to_json(hover::at(view, &file, offset(view, &file, at.position)))
            })
        }),
        "textDocument/definition" => with_params(request, |params: GotoDefinitionParams| {
            let at = params.text_document_position_params;
            in_document(session, &at.text_document.uri, |view, file| {
                to_json(links::evidence(
                    view,
                    &file,
                    offset(view, &file, at.position),
                ))
            })
        }),
        "textDocument/prepareCallHierarchy" => {
            with_params(request, |params: CallHierarchyPrepareParams| {
                let at = params.text_document_position_params;
                in_document(session, &at.text_document.uri, |view, file| {
                    let at = offset(view, &file, at.position);
                    to_json(callers::roots(view, &file, at))
                })
            })
        }
        "callHierarchy/incomingCalls" => {
            with_params(request, |params: CallHierarchyIncomingCallsParams| {
                incoming_calls(session, request.id.clone(), &params.item)
            })
        }
        // Only the way to those who could hear of a failure is of interest.
        "callHierarchy/outgoingCalls" => Ok(Reply::Now(Ok(json!([])))),
        "textDocument/codeLens" => with_params(request, |params: CodeLensParams| {
            in_document(session, &params.text_document.uri, |view, file| {
                to_json(exits::lenses(view, &file))
            })
        }),
        "textDocument/inlayHint" => with_params(request, |params: InlayHintParams| {
            in_document(session, &params.text_document.uri, |view, file| {
                to_json(exits::hints(view, &file, params.range))
            })
        }),
        "textDocument/codeAction" => code_actions(session, request),
        "codeAction/resolve" => with_params(request, |action: CodeAction| {
            resolve(session, request.id.clone(), action)
        }),
        "workspace/executeCommand" => with_params(request, |params: ExecuteCommandParams| {
            execute(session, request.id.clone(), &params)
        }),
        other => {
            let message = format!("there is no `{other}` here");
            Err((ErrorCode::MethodNotFound, message))
        }
    };
    reply.unwrap_or_else(|error| Reply::Now(Err(error)))
}

type Tried = Result<Reply, (ErrorCode, String)>;

fn with_params<P: DeserializeOwned>(request: &Request, go_on: impl FnOnce(P) -> Tried) -> Tried {
    let params = P::deserialize(&request.params);
    let wrong = |error: serde_json::Error| (ErrorCode::InvalidParams, error.to_string());
    go_on(params.map_err(wrong)?)
}

fn to_json(value: impl serde::Serialize) -> Answer {
    serde_json::to_value(value).map_err(|error| (ErrorCode::InternalError, error.to_string()))
}

fn offset(view: &View<'_>, file: &SourceFile, position: Position) -> u32 {
    view.span(file, Range::new(position, position)).start
}

/// The root and the real path of a document.
fn root_of<'s>(session: &'s Session, uri: &Uri) -> Option<(&'s Root, PathBuf)> {
    let path = real_path(&uri::to_path(uri)?);
    Some((session.roots.of(&path)?, path))
}

/// Answers a question about a document, once something is known about the text that is open. If it is not part of what
/// is checked, the answer is null.
fn in_document(
    session: &Session,
    uri: &Uri,
    answer: impl FnOnce(&View<'_>, Arc<SourceFile>) -> Answer,
) -> Tried {
    let Some((root, path)) = root_of(session, uri) else {
        return Ok(Reply::Now(Ok(Value::Null)));
    };
    let Some(analysed) = root.analysed.as_ref().filter(|_| root.is_current()) else {
        return Ok(Reply::Later);
    };
    let names = session.documents.names();
    let view = View::new(analysed, &names, &session.client, &root.options);
    let file = view.as_ref().and_then(|view| view.file(&path));
    Ok(Reply::Now(match (view, file) {
        (Some(view), Some(file)) => answer(&view, file),
        _ => Ok(Value::Null),
    }))
}

fn document_diagnostics(session: &Session, request: &Request) -> Tried {
    with_params(request, |params: DocumentDiagnosticParams| {
        let known = root_of(session, &params.text_document.uri);
        if known.as_ref().is_some_and(|(root, _)| !root.is_current()) {
            return Ok(Reply::Later);
        }
        let of_file = known.and_then(|(root, path)| root.diagnostics.get(&path));
        let items = of_file.map(|of_file| of_file.diagnostics.as_slice());
        let report = report(
            items.unwrap_or_default(),
            params.previous_result_id.as_deref(),
        );
        Ok(Reply::Now(Ok(report)))
    })
}

/// A full report, or that the one with the former name is still right.
fn report(items: &[lsp_types::Diagnostic], former: Option<&str>) -> Value {
    let id = result_id(items);
    if former == Some(id.as_str()) {
        return json!({ "kind": "unchanged", "resultId": id });
    }
    json!({ "kind": "full", "resultId": id, "items": items })
}

fn workspace_diagnostics(session: &Session, request: &Request) -> Tried {
    with_params(request, |params: WorkspaceDiagnosticParams| {
        if session.roots.iter().any(|root| !root.is_current()) {
            return Ok(Reply::Later);
        }
        let names = session.documents.names();
        let mut former: std::collections::BTreeMap<String, String> = params
            .previous_result_ids
            .into_iter()
            .map(|previous| (previous.uri.as_str().to_owned(), previous.value))
            .collect();
        let mut items = Vec::new();
        for root in session.roots.iter() {
            for (real_path, of_file) in &root.diagnostics {
                let Some(uri) = names.of(real_path, &of_file.path) else {
                    continue;
                };
                let version = session.documents.get(&uri).map(|open| open.version);
                let known = former.remove(uri.as_str());
                let mut item = report(&of_file.diagnostics, known.as_deref());
                item["uri"] = json!(uri);
                item["version"] = json!(version);
                items.push(item);
            }
        }
        // Where there was something, there is nothing now.
        let nothing = result_id(&[]);
        for (uri, known) in former.into_iter().filter(|(_, known)| *known != nothing) {
            let version = uri.parse().ok();
            let version = version.and_then(|uri| Some(session.documents.get(&uri)?.version));
            let mut item = report(&[], Some(&known));
            item["uri"] = uri.into();
            item["version"] = json!(version);
            items.push(item);
        }
        Ok(Reply::Now(Ok(json!({ "items": items }))))
    })
}

fn code_actions(session: &mut Session, request: &Request) -> Tried {
    with_params(request, |params: CodeActionParams| {
        let uri = &params.text_document.uri;
        if actions::only_fix_all(&params) {
            return fix_all(session, request.id.clone(), uri, Purpose::List);
        }
        let document = session.documents.get(uri);
        let version = document.map(|document| document.version);
        in_document(session, uri, |view, file| {
            to_json(actions::at(view, &file, &params, version))
        })
    })
}

fn resolve(session: &mut Session, id: RequestId, action: CodeAction) -> Tried {
    let uri = action.data.as_ref().and_then(|data| data.get("uri"));
    let uri = uri
        .and_then(Value::as_str)
        .and_then(|uri| uri.parse::<Uri>().ok());
    match uri {
        Some(uri) if action.edit.is_none() => {
            fix_all(session, id, &uri, Purpose::Resolve(Box::new(action)))
        }
        _ => Ok(Reply::Now(to_json(action))),
    }
}

/// Has the fixes of a document looked for, which takes an analysis or more.
fn fix_all(session: &mut Session, id: RequestId, uri: &Uri, purpose: Purpose) -> Tried {
    let Some((root, path)) = root_of(session, uri) else {
        return Ok(Reply::Now(Ok(Value::Null)));
    };
    let Some(open) = session.documents.get(uri) else {
        return Ok(Reply::Now(Ok(Value::Null)));
    };
    let fixing = Fixing {
        id,
        root: root.id,
        uri: uri.clone(),
        real_path: path,
        stamp: open.stamp,
        purpose,
    };
    session.promise(Promise::Fixes(fixing));
    Ok(Reply::Promised)
}

/// Has the callers of an item looked for.
fn incoming_calls(session: &mut Session, id: RequestId, item: &CallHierarchyItem) -> Tried {
    let root = root_of(session, &item.uri).map(|(root, _)| (root.id, root.is_current()));
    match (root, callers::called(item)) {
        (Some((_, false)), _) => Ok(Reply::Later),
        (Some((root, true)), Some(name)) => {
            session.promise(Promise::Callers { id, root, name });
            Ok(Reply::Promised)
        }
        _ => Ok(Reply::Now(Ok(Value::Null))),
    }
}

/// The job for a promise; `None` if what it is about is gone.
pub(super) fn job(
    session: &Session,
    number: u64,
    promise: &Promise,
    busy: &Arc<Busy>,
) -> Option<Job> {
    let (root, kind) = match promise {
        Promise::Fixes(fixing) => {
            let kind = JobKind::Fix(fixing.real_path.clone(), number);
            (session.roots.get(fixing.root)?, kind)
        }
        Promise::Callers { root, name, .. } => {
            let root = session.roots.get(*root)?;
            let names = session.documents.names();
            let analysed = root.analysed.as_ref()?;
            let view = View::new(analysed, &names, &session.client, &root.options)?;
            let files = callers::files(&view, name);
            (root, JobKind::FindCallers(files, name.clone(), number))
        }
    };
    Some(root.job(kind, &session.documents, (busy, session.roots.numbers())))
}

/// The answer to a request that waited for callers.
pub(super) fn called(session: &Session, root: u64, callers: Result<Vec<Caller>, Bug>) -> Answer {
    let callers = callers.map_err(|bug| {
        (
            ErrorCode::InternalError,
            format!("a bug in tallylint: {bug}"),
        )
    })?;
    let root = session.roots.get(root).filter(|root| root.is_current());
    let known = root.and_then(|root| Some((root, root.analysed.as_ref()?)));
    let Some((root, analysed)) = known else {
        return Err(changed_meanwhile());
    };
    let names = session.documents.names();
    match View::new(analysed, &names, &session.client, &root.options) {
        Some(view) => to_json(callers::incoming(&view, &callers)),
        None => Ok(Value::Null),
    }
}

fn changed_meanwhile() -> (ErrorCode, String) {
    let message = "the document was changed meanwhile".to_owned();
    (ErrorCode::ContentModified, message)
}

/// The answer to a request that waited for fixes.
pub(super) fn fixed(
    session: &mut Session,
    fixing: Fixing,
    result: Result<Result<Option<String>, ConfigError>, Bug>,
) -> Answer {
    let open = session.documents.get(&fixing.uri);
    let Some(open) = open.filter(|open| open.stamp == fixing.stamp) else {
        return Err(changed_meanwhile());
    };
    let new = match result {
        Ok(Ok(new)) => new,
        Ok(Err(error)) => return Err((ErrorCode::RequestFailed, error.message)),
        Err(bug) => {
            return Err((
                ErrorCode::InternalError,
                format!("a bug in tallylint: {bug}"),
            ));
        }
    };
    let edit = new.map(|new| {
        let edits = actions::difference(open.text.text(), &new, session.client.encoding);
        actions::workspace_edit(&fixing.uri, Some(open.version), edits, &session.client)
    });
    match fixing.purpose {
        Purpose::List => to_json(edit.map(actions::fix_all).into_iter().collect::<Vec<_>>()),
        Purpose::Resolve(action) => to_json(CodeAction {
            edit: edit.or_else(|| Some(Default::default())),
            ..*action
        }),
        Purpose::Apply => {
            if let Some(edit) = edit {
                let params = json!({ "label": actions::FIX_ALL_TITLE, "edit": edit });
                session.ask("workspace/applyEdit", params, Asked::Nothing);
            }
            Ok(Value::Null)
        }
    }
}

fn execute(session: &mut Session, id: RequestId, params: &ExecuteCommandParams) -> Tried {
    let argument = params.arguments.first();
    let uri = argument.and_then(|argument| argument.get("uri")?.as_str()?.parse::<Uri>().ok());
    let Some((argument, uri)) = argument.zip(uri) else {
        let message = "the first argument names no document".to_owned();
        return Err((ErrorCode::InvalidParams, message));
    };
    match params.command.as_str() {
        actions::APPLY => fix_all(session, id, &uri, Purpose::Apply),
        SHOW | EXPLAIN => {
            let mut shown = None;
            let reply = in_document(session, &uri, |view, file| {
                let text = match params.command.as_str() {
                    SHOW => exits::list(view, &file, argument),
                    _ => exits::explanation(view, &file, argument),
                };
                let data = text.as_ref().map(|shown| json!({ "text": shown.text }));
                shown = text;
                Ok(data.unwrap_or_default())
            });
            if let Some(shown) = shown {
                exits::show(session, shown);
            }
            reply
        }
        other => {
            let message = format!("there is no command `{other}`");
            Err((ErrorCode::InvalidParams, message))
        }
    }
}
