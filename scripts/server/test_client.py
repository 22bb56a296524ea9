"""The language server, as pytest-lsp talks to it with the capabilities that editors have. What is not as the specification
wants it is a warning of pytest-lsp, and a failure here."""

import asyncio
import os
import pathlib

import pytest
import pytest_lsp
from lsprotocol import types
from pytest_lsp import ClientServerConfig, LanguageClient, client_capabilities

BAD = """\
class ScoresProcessor(ProcessorBase):
    def save_data(self):
        if not self.rows:
            return
        self.client.load_table_from_json(self.rows, "scores")
        self.stats["rows_inserted"] = len(self.rows)
"""
GOOD = BAD.replace("            return\n", "            raise ValueError\n")
COMMENT = "x = 1  # tallylint: ignore[untracked-return] no reason is good enough\n"


def answers(client: LanguageClient) -> None:
    """What pytest-lsp leaves to the test: requests of the server."""
    client.registered = []
    client.feature(types.CLIENT_REGISTER_CAPABILITY)(lambda params: client.registered.extend(params.registrations))
    client.feature(types.WORKSPACE_CODE_LENS_REFRESH)(lambda params: None)
    client.feature(types.WORKSPACE_INLAY_HINT_REFRESH)(lambda params: None)
    # The user takes the first choice.
    client.feature(types.WINDOW_SHOW_MESSAGE_REQUEST)(lambda params: params.actions[0])


@pytest_lsp.fixture(
    params=["neovim@0.7", "neovim@0.11", "emacs", "visual_studio_code"],
    config=ClientServerConfig(server_command=[os.environ["TALLYLINT"], "server"]),
)
async def client(request, lsp_client: LanguageClient, tmp_path: pathlib.Path):
    (tmp_path / "a.py").write_text(BAD)
    (tmp_path / "b.py").write_text(BAD)
    answers(lsp_client)
    await lsp_client.initialize_session(
        types.InitializeParams(
            capabilities=client_capabilities(request.param),
            workspace_folders=[types.WorkspaceFolder(uri=tmp_path.as_uri(), name="x")],
            initialization_options={"debounce": 0},
        )
    )
    yield
    await lsp_client.shutdown_session()


def opened(client: LanguageClient, path: pathlib.Path, text: str) -> types.TextDocumentIdentifier:
    item = types.TextDocumentItem(uri=path.as_uri(), language_id="python", version=1, text=text)
    client.text_document_did_open(types.DidOpenTextDocumentParams(text_document=item))
    return types.TextDocumentIdentifier(uri=path.as_uri())


def replaced(client: LanguageClient, path: pathlib.Path, version: int, text: str) -> None:
    client.text_document_did_change(
        types.DidChangeTextDocumentParams(
            text_document=types.VersionedTextDocumentIdentifier(uri=path.as_uri(), version=version),
            content_changes=[types.TextDocumentContentChangeWholeDocument(text=text)],
        )
    )


async def diagnostics(client: LanguageClient, document: types.TextDocumentIdentifier):
    params = types.DocumentDiagnosticParams(text_document=document)
    return list((await client.text_document_diagnostic_async(params)).items)


@pytest.mark.asyncio
async def test_diagnostics(client: LanguageClient, tmp_path: pathlib.Path):
    document = opened(client, tmp_path / "a.py", BAD)
    (found,) = await diagnostics(client, document)
    assert found.code == "untracked-return/unset"
    assert found.range.start == types.Position(line=3, character=12)
    assert len(found.related_information) > 1
    replaced(client, tmp_path / "a.py", 2, GOOD)
    assert await diagnostics(client, document) == []
    report = await client.workspace_diagnostic_async(types.WorkspaceDiagnosticParams(previous_result_ids=[]))
    assert [item.uri for item in report.items] == [(tmp_path / "b.py").as_uri()]
    if client.capabilities.text_document.diagnostic is None:
        while (tmp_path / "b.py").as_uri() not in client.diagnostics:
            await client.wait_for_notification(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
        assert len(client.diagnostics[(tmp_path / "b.py").as_uri()]) == 1


@pytest.mark.asyncio
async def test_actions(client: LanguageClient, tmp_path: pathlib.Path):
    text = COMMENT + GOOD
    document = opened(client, tmp_path / "a.py", text)
    (found,) = await diagnostics(client, document)
    assert list(found.tags) == [types.DiagnosticTag.Unnecessary]
    params = types.CodeActionParams(
        text_document=document, range=found.range, context=types.CodeActionContext(diagnostics=[found])
    )
    actions = await client.text_document_code_action_async(params)
    # lsprotocol takes an action that has a command for nothing but a command.
    fixes = [action for action in actions if isinstance(action, types.CodeAction) and action.kind == "quickfix"]
    assert [fix.is_preferred for fix in fixes] == [True]
    params.context.only = [types.CodeActionKind.SourceFixAll]
    (action,) = await client.text_document_code_action_async(params)
    edit = action.edit
    changes = edit.document_changes[0].edits if edit.document_changes else edit.changes[document.uri]
    assert [change.new_text for change in changes] == ["x = 1\n"]


@pytest.mark.asyncio
async def test_contracts(client: LanguageClient, tmp_path: pathlib.Path):
    document = opened(client, tmp_path / "a.py", BAD)
    (lens,) = await client.text_document_code_lens_async(types.CodeLensParams(text_document=document))
    assert lens.command.title == "1 of 2 exits set rows_inserted"
    answer = await client.workspace_execute_command_async(
        types.ExecuteCommandParams(command=lens.command.command, arguments=lens.command.arguments)
    )
    assert "line 4: not set" in str(answer)
    window = client.capabilities.window
    if window and window.show_document and window.show_document.support:
        while not client.shown_documents:
            await asyncio.sleep(0.01)
        assert client.shown_documents[0].selection.start.line == 3
    watched = client.capabilities.workspace.did_change_watched_files
    if watched and watched.dynamic_registration:
        (registration,) = client.registered
        assert registration.method == types.WORKSPACE_DID_CHANGE_WATCHED_FILES
    at = types.Position(line=1, character=10)
    hover = await client.text_document_hover_async(types.HoverParams(text_document=document, position=at))
    assert "`save_data` sets" in hover.contents.value
    definition = types.DefinitionParams(text_document=document, position=at)
    assert not await client.text_document_definition_async(definition), "nothing declares what is built in"
    hints = types.InlayHintParams(
        text_document=document, range=types.Range(types.Position(0, 0), types.Position(9, 0))
    )
    assert not await client.text_document_inlay_hint_async(hints), "they are off"
