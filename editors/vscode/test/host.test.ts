// The extension, as it is shipped, in a stand-in for VS Code, with the real client and the real server: TALLYLINT is the
// program. TALLYLINT_EXTENSION is the folder of the extension, if it is not the one here.

import assert from "node:assert/strict";
import child_process, { type ChildProcess } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { type TestContext, test } from "node:test";
import type * as vscode from "vscode";
import { type Editor, Host, Range, Uri, load } from "./host/vscode";

const EXTENSION = path.resolve(process.env["TALLYLINT_EXTENSION"] ?? ".");
const PROGRAM = process.env["TALLYLINT"] ?? assert.fail("TALLYLINT names no program");

const BAD = `class ScoresProcessor(ProcessorBase):
    def save_data(self):
        if not self.rows:
            return
        self.client.load_table_from_json(self.rows, "scores")
        self.stats["rows_inserted"] = len(self.rows)
`;
/** A base class that loses what was set. */
const BASE = `class ScoresBase(ProcessorBase):
    def reset(self):
        if self.stale:
            self.stats = {}
`;
const HEIR = `from base import ScoresBase


class ScoresProcessor(ScoresBase):
    def save_data(self):
        self.stats["rows_inserted"] = len(self.rows)
        self.reset()
`;

/** The servers that were started. */
const servers: ChildProcess[] = [];
const spawn = child_process.spawn;
child_process.spawn = ((command: string, args: string[], options: object) => {
  const child = spawn(command, args, options);
  if (args[0] === "server") {
    servers.push(child);
  }
  return child;
}) as typeof spawn;

interface Window {
  host: Host;
  /** Ends the extension, and waits for its server. */
  close: () => Promise<void>;
}

/** A window with a project and the extension. */
async function start(
  context: TestContext,
  files: Record<string, string>,
  settings: Record<string, unknown> = {},
  prepare: (host: Host) => void = () => undefined,
): Promise<Window> {
  const folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "tallylint-")));
  for (const [name, text] of Object.entries({ "tallylint.toml": "", ...files })) {
    fs.writeFileSync(path.join(folder, name), text);
  }
  const host = new Host(folder, EXTENSION, { "tallylint.path": PROGRAM, "tallylint.debounce": 0, ...settings });
  prepare(host);
  const extension = load(host);
  const subscriptions: { dispose(): unknown }[] = [];
  let closed: Promise<void> | undefined;
  const close = () =>
    (closed ??= extension.deactivate().then(() => {
      subscriptions.forEach((subscription) => subscription.dispose());
      fs.rmSync(folder, { recursive: true });
    }));
  context.after(close);
  await extension.activate({ subscriptions, extensionPath: EXTENSION });
  return { host, close };
}

/** Opens a file, and waits for that many findings in it. */
async function opened(host: Host, name: string, findings: number): Promise<Editor> {
  const editor = await host.open(name);
  await host.until(() => host.diagnostics(editor.document.uri).length === findings);
  return editor;
}

function texts(host: Host): string[] {
  return host.messages.map(({ text }) => text);
}

function line(at: number): vscode.Range {
  return new Range(at, 0, at, 200);
}

test("findings arrive, and go when the text is mended", async (context) => {
  const { host, close } = await start(context, { "a.py": BAD, "b.py": BAD });
  const { document } = await opened(host, "a.py", 1);
  const [found] = host.diagnostics(document.uri);
  assert.equal(found?.source, "tallylint");
  assert.equal(found.range.start.line, 3);
  assert.deepEqual(found.relatedInformation?.map(({ message }) => message).slice(0, 2), [
    "`self.rows` is falsy",
    "returns without setting it",
  ]);
  // What is not open is checked, too.
  const other = Uri.file(path.join(host.folder, "b.py"));
  await host.until(() => host.diagnostics(other).length === 1);

  host.edit(document, new Range(3, 12, 3, 18), "raise ValueError");
  await host.until(() => host.diagnostics(document.uri).length === 0);
  assert.equal(host.diagnostics(other).length, 1);
  assert.match(host.status.text, /^tallylint \d+\.\d+\.\d+$/);
  assert.equal(host.contexts.get("tallylint.running"), true);

  const server = servers.at(-1);
  assert.equal(server?.exitCode, null);
  const ended = once(server, "exit");
  await close();
  assert.deepEqual(await ended, [0, null], "deactivating ends the server in order");
  assert.deepEqual(host.messages, []);
});

test("the lens lists the exits, and leads to one", async (context) => {
  const { host } = await start(context, { "a.py": BAD });
  const { document } = await opened(host, "a.py", 1);
  const [lens] = await host.lenses(document);
  assert.equal(lens?.command?.title, "1 of 2 exits set rows_inserted");
  let offered: string[] = [];
  host.choose = (items) => {
    offered = items.map(({ label, description }) => `${label}: ${description ?? ""}`);
    return items[0];
  };
  await host.run(lens.command);
  assert.deepEqual(offered, ["$(error) line 4: not set", "$(pass) the end: set"]);
  assert.equal(host.active?.selection.start.line, 3);
  assert.deepEqual(host.messages, []);
});

test("an exit is explained in a document", async (context) => {
  const { host } = await start(context, { "a.py": BAD });
  const editor = await opened(host, "a.py", 1);
  const actions = await host.actions(editor.document, line(3));
  const action = actions.find(({ title }) => title.startsWith("Explain this exit"));
  await host.run(action?.command);
  const [code, explanation] = host.editors;
  assert.equal(code, editor, "the cursor stays in the code");
  assert.match(explanation?.document.getText() ?? "", /line 4 of `ScoresProcessor.save_data`.*not set\n/s);

  // From the palette, the exit is the one at the cursor: on this line, the end.
  editor.moveTo(1);
  await host.execute("tallylint.explainExit");
  assert.match(explanation?.document.getText() ?? "", /^the end of .*: set\n- set at line 6: /s);
  // The server tells it as a message, too, which would be the second time.
  assert.deepEqual(host.messages, []);
});

test("fixes are offered, one by one and all at once", async (context) => {
  const { host } = await start(context, { "a.py": BAD + BAD.replace("Scores", "Other") });
  const { document } = await opened(host, "a.py", 2);
  const actions = await host.actions(document, line(3));
  const fix = actions.find(({ isPreferred }) => isPreferred);
  assert.match(fix?.title ?? "", /^Insert /);
  assert.ok(actions.some(({ title }) => title.startsWith("Ignore `untracked-return`")));
  host.apply(fix?.edit);
  await host.until(() => host.diagnostics(document.uri).length === 1);

  const [all] = await host.actions(document, line(0), "source.fixAll");
  assert.equal(all?.kind?.value, "source.fixAll.tallylint");
  await host.execute("tallylint.fixAll");
  await host.until(() => host.diagnostics(document.uri).length === 0);
  assert.equal(document.getText().split('self.stats["rows_inserted"] = 0').length, 3);
});

test("a path is walked through files", async (context) => {
  const { host } = await start(context, { "base.py": BASE, "heir.py": HEIR });
  const { document } = await opened(host, "heir.py", 1);
  const [found] = host.diagnostics(document.uri);
  const actions = await host.actions(document, found?.range ?? line(0));
  const action = actions.find(({ title }) => title.startsWith("Walk the path"));
  assert.equal(action?.title, "Walk the path (5 steps)");
  const view = () => host.tree("tallylint.path");
  await host.run(action.command);
  assert.equal(host.contexts.get("tallylint.walking"), true);
  assert.equal(view().message, found?.message);
  assert.ok(view().visible, "the view opens");
  assert.deepEqual(view().labels, [
    "> 1. the value set earlier is lost here (heir.py:7)",
    "2. enters `ScoresBase.reset` (heir.py:7)",
    "3. the value set earlier is lost here (base.py:4)",
    "4. returns without setting it (base.py:2)",
    "5. can reach its end without setting it (heir.py:5)",
  ]);
  const place = () =>
    `${path.basename(host.active?.document.fileName ?? "")}:${String(host.active?.selection.start.line)}`;
  assert.equal(place(), "heir.py:6");
  const heir = host.active;
  assert.deepEqual(heir?.labels(), ["1", "2", "5", "the value set earlier is lost here"]);

  await host.execute("tallylint.nextStep");
  await host.execute("tallylint.nextStep");
  assert.equal(place(), "base.py:3");
  assert.deepEqual(host.active?.labels(), ["3", "4", "the value set earlier is lost here"]);
  assert.deepEqual(heir.labels(), ["1", "2", "5"], "nothing but the numbers where the walk is not");
  await host.execute("tallylint.previousStep");
  assert.equal(place(), "heir.py:6");
  await host.execute("tallylint.goToStep", 4);
  await host.execute("tallylint.nextStep");
  assert.equal(place(), "heir.py:4");

  // The path follows the text.
  host.edit(document, new Range(0, 0, 0, 0), "import os\n");
  await host.until(() => view().labels[4] === "> 5. can reach its end without setting it (heir.py:6)");
  // It goes with the finding, and comes back with it.
  host.edit(document, new Range(7, 8, 7, 20), "return  None");
  await host.until(() => view().message === "The finding is gone.");
  assert.deepEqual([view().labels, heir.labels()], [[], []]);
  host.edit(document, new Range(7, 8, 7, 20), "self.reset()");
  await host.until(() => view().labels.length === 5);

  await host.execute("tallylint.stopWalking");
  assert.equal(host.contexts.get("tallylint.walking"), false);
  assert.deepEqual([view().labels, heir.labels()], [[], []]);
  assert.deepEqual(host.messages, []);
});

test("a path is walked from the palette", async (context) => {
  const { host } = await start(context, { "a.py": BAD });
  await opened(host, "a.py", 1);
  await host.execute("tallylint.walkPath");
  assert.deepEqual(texts(host), ["tallylint: there is no finding on this line."]);
  const { document } = await opened(host, "a.py", 1);
  await host.execute("tallylint.walkPath", {
    uri: document.uri.toString(),
    code: "untracked-return/unset",
    message: "",
    line: 3,
    character: 12,
  });
  assert.equal(host.tree("tallylint.path").labels.length, 2);
});

test("settings arrive, at the start and later", async (context) => {
  const { host } = await start(
    context,
    { "a.py": BAD, "own.toml": "nonsense = 1\n" },
    { "tallylint.ignore": ["untracked-return"], "tallylint.trace.server": "verbose" },
  );
  const { document } = await opened(host, "a.py", 0);
  // The answer is for the text that is open, so what is not ignored would be there.
  assert.deepEqual(await host.lenses(document), []);
  assert.equal(host.diagnostics(document.uri).length, 0);
  assert.match(host.output, /"initializationOptions": \{\s*"select": \[\],\s*"ignore": \[\s*"untracked-return"\s*\]/);

  host.set("tallylint.ignore", []);
  await host.until(() => host.diagnostics(document.uri).length === 1);
  assert.deepEqual(await host.hints(document), []);
  host.set("tallylint.inlayHints", true);
  // The server asks for its settings before it answers what came later.
  await host.until(() => host.output.includes('"inlayHints": true'));
  assert.deepEqual((await host.hints(document)).sort(), ["✓ sets rows_inserted", "✗ does not set rows_inserted"]);
  assert.deepEqual(host.messages, [], "the server knows all that it is told");
  assert.equal(servers.at(-1)?.exitCode, null);

  host.set("tallylint.config", "own.toml");
  await host.until(() => host.messages.length > 0);
  assert.match(texts(host)[0] ?? "", /^tallylint: .*own\.toml.*nonsense/s);
});

test("enable starts and stops the server", async (context) => {
  const { host } = await start(context, { "a.py": BAD }, { "tallylint.enable": false });
  const before = servers.length;
  await assert.rejects(host.execute("tallylint.fixAll"), /not found/);
  host.set("tallylint.enable", true);
  const { document } = await opened(host, "a.py", 1);
  assert.equal(servers.length, before + 1);
  host.set("tallylint.enable", false);
  await host.until(() => host.diagnostics(document.uri).length === 0 && host.status.text === "tallylint off");
  host.set("tallylint.enable", true);
  await host.until(() => host.diagnostics(document.uri).length === 1);
  await host.execute("tallylint.restart");
  await host.until(() => host.diagnostics(document.uri).length === 1);
  assert.equal(servers.length, before + 3);
  assert.deepEqual(host.messages, []);
});

test("a program that cannot be started is told once", async (context) => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "tallylint-"));
  context.after(() => {
    fs.rmSync(folder, { recursive: true });
  });
  const program = (name: string, text: string) => {
    fs.writeFileSync(path.join(folder, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
    return path.join(folder, name);
  };
  for (const [file, why] of [
    [path.join(folder, "nothing"), /^The setting tallylint\.path names /],
    [program("other", "echo something else"), /cannot be started: it is not tallylint\.$/],
    [program("broken", "echo oh >&2; exit 3"), /cannot be started: Command failed/],
    // It hears out the client, and ends.
    [program("old", '[ "$1" = --version ] && echo tallylint 0.0.1 || head -c 2000 >/dev/null'), /cannot be started: /],
  ] as const) {
    const { host, close } = await start(context, { "a.py": BAD }, { "tallylint.path": file }, (host) => {
      host.button = "Open the Setting";
    });
    assert.equal(host.messages.length, 1, JSON.stringify(host.messages));
    assert.match(host.messages[0]?.text ?? "", why);
    assert.equal(host.messages[0]?.kind, "error");
    assert.equal(host.status.text, "tallylint does not run");
    assert.equal(host.status.severity, 2);
    assert.equal(host.contexts.get("tallylint.running"), false);
    await host.until(() => host.executed.length > 0);
    assert.deepEqual(host.executed, [["workbench.action.openSettings", "tallylint.path"]]);
    // Another setting is another try.
    host.set("tallylint.path", PROGRAM);
    await opened(host, "a.py", 1);
    assert.equal(host.messages.length, 1);
    await close();
  }
});

test("a server that dies is started again, but not for ever", async (context) => {
  const { host } = await start(context, { "a.py": BAD });
  const { document } = await opened(host, "a.py", 1);
  const before = servers.length;
  for (let times = 0; times < 4; times++) {
    servers.at(-1)?.kill("SIGKILL");
    await host.until(() => host.diagnostics(document.uri).length === 0);
    await host.until(() => host.diagnostics(document.uri).length === 1);
    assert.deepEqual(host.messages, []);
  }
  servers.at(-1)?.kill("SIGKILL");
  await host.until(() => host.messages.length > 0);
  assert.equal(servers.length, before + 4);
  assert.equal(host.messages.length, 1);
  assert.match(host.messages[0]?.text ?? "", /crashed 5 times/);
  assert.deepEqual(host.messages[0]?.buttons, ["Restart", "Show the Output"]);
  await host.execute("tallylint.restart");
  await host.until(() => host.diagnostics(document.uri).length === 1);
});

test("the program of a workspace is run once that is trusted", async (context) => {
  const { host } = await start(context, { "a.py": BAD }, { "tallylint.path": "" }, (host) => {
    const bin = path.join(host.folder, ".venv/bin");
    fs.mkdirSync(bin, { recursive: true });
    fs.symlinkSync(PROGRAM, path.join(bin, "tallylint"));
    host.trusted = false;
  });
  const own = path.join(host.folder, ".venv/bin/tallylint");
  assert.ok(!host.output.includes(own), host.output);
  // The message is for the platforms for which none is bundled.
  const isBundled = fs.existsSync(path.join(EXTENSION, "bundled/tallylint"));
  assert.equal(host.output.includes("(bundled)"), isBundled);
  host.trust();
  await opened(host, "a.py", 1);
  assert.ok(host.output.includes(`${own} (environment)`), host.output);
});

test("the program beside the interpreter of the Python extension is found", async (context) => {
  const { host } = await start(context, { "a.py": BAD }, { "tallylint.path": "" }, (host) => {
    const bin = path.join(host.folder, "conda/bin");
    fs.mkdirSync(bin, { recursive: true });
    fs.symlinkSync(PROGRAM, path.join(bin, "tallylint"));
    const environments = {
      getActiveEnvironmentPath: () => ({ path: bin }),
      resolveEnvironment: () => Promise.resolve({ executable: { uri: Uri.file(path.join(bin, "python")) } }),
      onDidChangeActiveEnvironmentPath: () => ({ dispose: () => undefined }),
    };
    host.others.set("ms-python.python", { isActive: true, exports: { environments } });
  });
  await opened(host, "a.py", 1);
  assert.match(host.output, /conda\/bin\/tallylint \(environment\)/);
});
