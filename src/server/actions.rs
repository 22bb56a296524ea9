//! Code actions: fixes, comments that ignore, explanations.

use lsp_types::{
    CodeAction, CodeActionKind, CodeActionOrCommand, CodeActionParams, Command,
    OptionalVersionedTextDocumentIdentifier, TextDocumentEdit, TextEdit, Uri, WorkspaceEdit,
};
use serde_json::json;
use similar::{DiffOp, TextDiff};
use std::sync::Arc;

use super::client::Client;
use super::diagnostics::of_finding;
use super::exits;
use super::text::Encoding;
use super::view::View;
use crate::diagnostics::{Edit, Finding, Safety};
use crate::fix::ignore_comments;
use crate::rules;
use crate::source::{LineIndex, SourceFile, Span};

/// The kind of the action that fixes everything that can be fixed safely.
pub(super) const FIX_ALL: &str = "source.fixAll.tallylint";
/// What that action is called.
pub(super) const FIX_ALL_TITLE: &str = "tallylint: apply all safe fixes";
/// The command that does the same.
pub(super) const APPLY: &str = "tallylint.fixAll";
/// What stands where the user has to write a reason.
const REASON: &str = "TODO: say why";

/// Whether only the safe fixes of a whole document are asked for.
pub(super) fn only_fix_all(params: &CodeActionParams) -> bool {
    let only = params.context.only.as_deref().unwrap_or_default();
    !only.is_empty() && only.iter().all(|kind| covers(kind.as_str(), FIX_ALL))
}

/// Whether a kind is the other one, or above it.
fn covers(kind: &str, other: &str) -> bool {
    other
        .strip_prefix(kind)
        .is_some_and(|rest| rest.is_empty() || kind.is_empty() || rest.starts_with('.'))
}

/// The actions for a range of a document.
pub(super) fn at(
    view: &View<'_>,
    file: &Arc<SourceFile>,
    params: &CodeActionParams,
    version: Option<i32>,
) -> Vec<CodeActionOrCommand> {
    let wanted = |kind: &str| {
        let only = params.context.only.as_deref();
        only.is_none_or(|only| only.iter().any(|one| covers(one.as_str(), kind)))
    };
    let span = view.span(file, params.range);
    let findings = view.run.settled.reported.iter();
    let findings = findings.map(|reported| &reported.finding);
    let all: Vec<&Finding> = findings
        .filter(|finding| finding.primary.location.file == file.id)
        .collect();
    let here = all
        .iter()
        .filter(|finding| touch(finding.primary.location.span, span, file));
    let mut out = Vec::new();
    if wanted("quickfix") {
        for finding in here {
            out.extend(fix(view, file, finding, version));
            out.extend(ignore(view, file, finding, version));
        }
    }
    let safe = |finding: &&Finding| {
        let fix = finding.fix.as_ref();
        fix.is_some_and(|fix| fix.safety == Safety::Safe)
    };
    let uri = &params.text_document.uri;
    if wanted(FIX_ALL) && all.iter().any(safe) {
        out.push(later_fix_all(view, uri));
    }
    // It is of no kind, so whoever asks for one does not mean it.
    if params.context.only.is_none() {
        out.extend(
            exits::questions(view, file, span, uri)
                .into_iter()
                .map(command),
        );
    }
    out
}

fn command(command: Command) -> CodeActionOrCommand {
    CodeActionOrCommand::CodeAction(CodeAction {
        title: command.title.clone(),
        command: Some(command),
        ..CodeAction::default()
    })
}

/// Whether two spans have something in common, or are on the same line while one of them is empty.
fn touch(finding: Span, asked: Span, file: &SourceFile) -> bool {
    let lines = file.line_index();
    let same_line =
        asked.start == asked.end && lines.line(asked.start) == lines.line(finding.start);
    same_line || (finding.start <= asked.end && asked.start <= finding.end)
}

/// The fix of a finding, if it has one that changes this file.
fn fix(
    view: &View<'_>,
    file: &SourceFile,
    finding: &Finding,
    version: Option<i32>,
) -> Option<CodeActionOrCommand> {
    let fix = finding.fix.as_ref()?;
    if fix.edits.iter().any(|edit| edit.location.file != file.id) {
        return None;
    }
    let edits = fix.edits.iter().map(|Edit { location, text }| TextEdit {
        range: view.encoding().range(file, location.span),
        new_text: text.clone(),
    });
    let title = match fix.safety {
        Safety::Safe => capitalised(&fix.message),
        Safety::Unsafe => format!(
            "{} (changes what the program does)",
            capitalised(&fix.message)
        ),
    };
    Some(CodeActionOrCommand::CodeAction(CodeAction {
        title,
        kind: Some(CodeActionKind::QUICKFIX),
        diagnostics: Some(vec![of_finding(finding, view)]),
        edit: Some(workspace_edit(
            &view.uri(file)?,
            version,
            edits.collect(),
            view.client,
        )),
        is_preferred: Some(fix.safety == Safety::Safe),
        ..CodeAction::default()
    }))
}

/// Adds a comment that ignores a finding, if there is room for one.
fn ignore(
    view: &View<'_>,
    file: &Arc<SourceFile>,
    finding: &Finding,
    version: Option<i32>,
) -> Option<CodeActionOrCommand> {
    if finding.rule == rules::about_comments().id() {
        return None;
    }
    let edits = ignore_comments(file, &[finding], REASON).ok()?;
    let edits = edits.into_iter().map(|(at, new_text)| TextEdit {
        range: view.encoding().range(file, Span::new(at, at)),
        new_text,
    });
    Some(CodeActionOrCommand::CodeAction(CodeAction {
        title: format!("Ignore `{}` here with a reason", finding.rule),
        kind: Some(CodeActionKind::QUICKFIX),
        diagnostics: Some(vec![of_finding(finding, view)]),
        edit: Some(workspace_edit(
            &view.uri(file)?,
            version,
            edits.collect(),
            view.client,
        )),
        is_preferred: Some(false),
        ..CodeAction::default()
    }))
}

/// The action that fixes everything that can be fixed safely; what that is takes an analysis, so it is found out once
/// the action is chosen.
fn later_fix_all(view: &View<'_>, uri: &Uri) -> CodeActionOrCommand {
    let command = || Command {
        title: FIX_ALL_TITLE.to_owned(),
        command: APPLY.to_owned(),
        arguments: Some(vec![json!({ "uri": uri })]),
    };
    CodeActionOrCommand::CodeAction(CodeAction {
        title: FIX_ALL_TITLE.to_owned(),
        kind: Some(FIX_ALL.to_owned().into()),
        data: view.client.resolves_edits.then(|| json!({ "uri": uri })),
        command: (!view.client.resolves_edits).then(command),
        ..CodeAction::default()
    })
}

/// The same action with its edit.
pub(super) fn fix_all(edit: WorkspaceEdit) -> CodeAction {
    CodeAction {
        title: FIX_ALL_TITLE.to_owned(),
        kind: Some(FIX_ALL.to_owned().into()),
        edit: Some(edit),
        ..CodeAction::default()
    }
}

/// Edits of one document, of the version that they were made for if the editor knows versions.
pub(super) fn workspace_edit(
    uri: &Uri,
    version: Option<i32>,
    edits: Vec<TextEdit>,
    client: &Client,
) -> WorkspaceEdit {
    if !client.versioned_edits {
        #[expect(clippy::mutable_key_type, reason = "the protocol has a map of URIs")]
        let changes = [(uri.clone(), edits)].into_iter().collect();
        return WorkspaceEdit::new(changes);
    }
    let edits = edits.into_iter().map(lsp_types::OneOf::Left).collect();
    let text_document = OptionalVersionedTextDocumentIdentifier {
        uri: uri.clone(),
        version,
    };
    WorkspaceEdit {
        document_changes: Some(lsp_types::DocumentChanges::Edits(vec![TextDocumentEdit {
            text_document,
            edits,
        }])),
        ..WorkspaceEdit::default()
    }
}

/// The edits that make one text of another, line by line.
pub(super) fn difference(old: &str, new: &str, encoding: Encoding) -> Vec<TextEdit> {
    let mark = old.len() - old.strip_prefix('\u{feff}').unwrap_or(old).len();
    let index = LineIndex::new(old);
    let diff = TextDiff::from_lines(&old[mark..], new);
    let offsets = |lines: &[&str], first: usize| {
        let mut starts = vec![first];
        for line in lines {
            starts.push(starts[starts.len() - 1] + line.len());
        }
        starts
    };
    let (from, to) = (
        offsets(diff.old_slices(), mark),
        offsets(diff.new_slices(), 0),
    );
    let changes = diff.ops().iter();
    let changes = changes.filter(|op| !matches!(op, DiffOp::Equal { .. }));
    let edits = changes.map(|op| {
        let (before, after) = (op.old_range(), op.new_range());
        let at = |at: usize| {
            let at = u32::try_from(at).unwrap_or(u32::MAX);
            encoding.position(old, &index, at)
        };
        TextEdit {
            range: lsp_types::Range::new(at(from[before.start]), at(from[before.end])),
            new_text: new[to[after.start]..to[after.end]].to_owned(),
        }
    });
    edits.collect()
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_covers_those_below_it() {
        assert!(covers("source", FIX_ALL) && covers("source.fixAll", FIX_ALL));
        assert!(covers("", FIX_ALL) && covers(FIX_ALL, FIX_ALL));
        assert!(!covers("source.fix", FIX_ALL) && !covers("quickfix", FIX_ALL));
        assert!(!covers("source.fixAll.tallylint.x", FIX_ALL));
    }

    #[test]
    fn a_difference_makes_the_new_text() {
        for (old, new) in [
            ("", "a\n"),
            ("a\nb\nc", "a\nc"),
            ("a\r\nb\r\n", "x\r\nb\r\ny\r\n"),
            ("é\u{2028}b\rc\n", "é\u{2028}b\rd\n"),
            ("\u{feff}a\nb\n", "a\nx\n"),
        ] {
            let mut text = super::super::text::EditedText::new(old.to_owned());
            for edit in difference(old, new, Encoding::Utf16).into_iter().rev() {
                let change = lsp_types::TextDocumentContentChangeEvent {
                    range: Some(edit.range),
                    range_length: None,
                    text: edit.new_text,
                };
                assert!(text.apply(change, Encoding::Utf16), "{old:?}");
            }
            assert_eq!(text.text().trim_start_matches('\u{feff}'), new);
        }
    }
}
