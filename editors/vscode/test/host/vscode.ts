// A stand-in for VS Code, good enough to run the extension and its language client: documents, editors, settings,
// diagnostics, commands and providers do what those of VS Code do. The value types are those of jest-mock-vscode.

import * as fs from "node:fs";
import Module from "node:module";
import * as path from "node:path";
import { createVSCodeMock } from "jest-mock-vscode";
import { MockTextDocument } from "jest-mock-vscode/dist/vscode/TextDocument";
import type * as vscode from "vscode";
import { CancellationTokenSource } from "vscode-jsonrpc";
import { URI } from "vscode-uri";

/** What the user was told, and what can be chosen there. */
export interface Message {
  readonly kind: "error" | "warning" | "information";
  readonly text: string;
  readonly buttons: readonly string[];
}

type Settings = Record<string, unknown>;
interface Provider<T> {
  readonly selector: vscode.DocumentSelector;
  readonly provider: T;
}

/** What the types of jest-mock-vscode need in place of a test framework. */
const bare = { fn: (work?: unknown) => work ?? (() => undefined) } as unknown as Parameters<typeof createVSCodeMock>[0];
const types = createVSCodeMock(bare);
const { Disposable, EventEmitter, Range, Selection } = types;
// What jest-mock-vscode makes is no instance of its own Uri.
const Uri = URI as unknown as typeof vscode.Uri;

class Plain {
  constructor(readonly arguments_: unknown) {}
}

class Hover {
  readonly contents: unknown[];
  constructor(contents: unknown) {
    this.contents = Array.isArray(contents) ? contents : [contents];
  }
}

class InlayHint {
  constructor(
    readonly position: vscode.Position,
    readonly label: string,
  ) {}
}

/** A type of which there is nothing here. */
class Nothing {
  readonly nothing = true;
}

class TabInputText {
  constructor(readonly uri: vscode.Uri) {}
}

class CancellationError extends Error {}

/** An editor of a document, with what is drawn in it. */
export class Editor {
  selection = new Selection(0, 0, 0, 0);
  readonly drawn = new Map<unknown, readonly vscode.DecorationOptions[]>();
  constructor(readonly document: MockTextDocument) {}
  setDecorations(type: unknown, options: readonly vscode.DecorationOptions[]): void {
    this.drawn.set(type, options);
  }
  revealRange(): void {
    // Nothing is hidden here.
  }
  moveTo(line: number): void {
    this.selection = new Selection(line, 0, line, 0);
  }
  /** What is drawn before and after its texts. */
  labels(): string[] {
    const all = [...this.drawn.values()].flat().map(({ renderOptions }) => renderOptions);
    return all.map((options) => (options?.before?.contentText ?? options?.after?.contentText ?? "").trim());
  }
}

/** One window. */
export class Host {
  readonly messages: Message[] = [];
  /** The button that the user presses, if it is there. */
  button: string | undefined;
  /** What the user chooses from a list. */
  choose: (items: readonly vscode.QuickPickItem[]) => vscode.QuickPickItem | undefined = () => undefined;
  readonly contexts = new Map<string, unknown>();
  /** The commands of VS Code that were executed, and what was opened outside. */
  readonly executed: unknown[][] = [];
  readonly status = { text: "", detail: "", severity: 0 };
  readonly others = new Map<string, unknown>();
  output = "";
  trusted = true;
  editors: Editor[] = [];
  readonly module: object;

  private readonly settings: Settings;
  private readonly anything = new EventEmitter<undefined>();
  private readonly events = new Map<string, vscode.EventEmitter<unknown>>();
  private readonly documents: MockTextDocument[] = [];
  private readonly collections = new Set<Map<string, readonly vscode.Diagnostic[]>>();
  private readonly commands = new Map<string, (...args: unknown[]) => unknown>();
  private readonly providers = new Map<string, Set<Provider<unknown>>>();
  private readonly contents = new Map<string, vscode.TextDocumentContentProvider>();
  private readonly trees = new Map<
    string,
    vscode.TreeDataProvider<unknown> & { view: { message?: string; visible: boolean } }
  >();

  constructor(
    readonly folder: string,
    readonly extension: string,
    settings: Settings = {},
  ) {
    this.settings = { ...defaults(extension), ...settings };
    this.module = this.make();
  }

  // What a user does.

  async open(name: string): Promise<Editor> {
    return this.show(Uri.file(path.join(this.folder, name)));
  }

  edit(document: MockTextDocument, range: vscode.Range, text: string): void {
    const [start, end] = [document.offsetAt(range.start), document.offsetAt(range.end)];
    const before = document.getText();
    MockTextDocument.setContents(document, before.slice(0, start) + text + before.slice(end));
    document.version += 1;
    const change = { range, rangeOffset: start, rangeLength: end - start, text };
    this.fire("onDidChangeTextDocument", { document, contentChanges: [change], reason: undefined });
  }

  apply(edit: vscode.WorkspaceEdit | undefined): void {
    for (const [uri, edits] of edit?.entries() ?? []) {
      const document = this.documents.find((open) => open.uri.toString() === uri.toString());
      for (const { range, newText } of [...edits].reverse()) {
        this.edit(document ?? fail(`${uri.toString()} is not open`), range, newText);
      }
    }
  }

  set(name: string, value: unknown): void {
    this.settings[name] = value;
    const affectsConfiguration = (section: string) => name === section || name.startsWith(`${section}.`);
    this.fire("onDidChangeConfiguration", { affectsConfiguration });
  }

  trust(): void {
    this.trusted = true;
    this.fire("onDidGrantWorkspaceTrust", undefined);
  }

  execute(command: string, ...args: unknown[]): Promise<unknown> {
    const known = this.commands.get(command);
    if (known !== undefined) {
      return Promise.resolve(known(...args));
    }
    if (command === "setContext") {
      this.contexts.set(String(args[0]), args[1]);
    } else if (command.startsWith("tallylint.")) {
      return Promise.reject(new Error(`command '${command}' not found`));
    } else {
      this.executed.push([command, ...args]);
    }
    this.anything.fire(undefined);
    return Promise.resolve();
  }

  /** What a click on a lens or an action does. */
  run(command: vscode.Command | undefined): Promise<unknown> {
    const { command: name, arguments: args } = command ?? fail("there is no command");
    return this.execute(name, ...((args ?? []) as unknown[]));
  }

  // What a user sees.

  get active(): Editor | undefined {
    return this.editors[0];
  }

  diagnostics(uri: vscode.Uri): vscode.Diagnostic[] {
    return [...this.collections].flatMap((collection) => [...(collection.get(uri.toString()) ?? [])]);
  }

  tree(id: string): { visible: boolean; message: string | undefined; labels: string[] } {
    const provider = this.trees.get(id) ?? fail(`there is no view ${id}`);
    const steps = provider.getChildren() as unknown[];
    return {
      message: provider.view.message,
      visible: provider.view.visible,
      labels: steps.map((step) => {
        const item = provider.getTreeItem(step) as vscode.TreeItem;
        const mark = (item.iconPath as vscode.ThemeIcon).id === "arrow-right" ? "> " : "";
        return `${mark}${item.label as string} (${item.description as string})`;
      }),
    };
  }

  async lenses(document: vscode.TextDocument): Promise<vscode.CodeLens[]> {
    const ask = (provider: vscode.CodeLensProvider) => provider.provideCodeLenses(document, this.token());
    return (await this.ask("registerCodeLensProvider", document, ask)) as vscode.CodeLens[];
  }

  async actions(document: vscode.TextDocument, range: vscode.Range, only?: string): Promise<vscode.CodeAction[]> {
    const diagnostics = this.diagnostics(document.uri).filter(({ range: own }) => own.intersection(range));
    const kind = only === undefined ? undefined : types.CodeActionKind.Empty.append(only);
    const context = { diagnostics, only: kind, triggerKind: 1 } as unknown as vscode.CodeActionContext;
    const ask = async (provider: vscode.CodeActionProvider) => {
      const actions = await provider.provideCodeActions(document, range, context, this.token());
      const resolve = async (action: vscode.CodeAction) =>
        (action.edit === undefined ? await provider.resolveCodeAction?.(action, this.token()) : action) ?? action;
      return Promise.all((actions ?? []).map((action) => resolve(action as vscode.CodeAction)));
    };
    return (await this.ask("registerCodeActionsProvider", document, ask)) as vscode.CodeAction[];
  }

  async hints(document: vscode.TextDocument): Promise<string[]> {
    const whole = new Range(0, 0, document.lineCount, 0);
    const ask = (provider: vscode.InlayHintsProvider) => provider.provideInlayHints(document, whole, this.token());
    const hints = (await this.ask("registerInlayHintsProvider", document, ask)) as InlayHint[];
    return hints.map(({ label }) => label);
  }

  /** Waits until something is the case; that is looked at whenever anything happens. */
  until(condition: () => boolean): Promise<void> {
    if (condition()) {
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      const listening = this.anything.event(() => {
        if (condition()) {
          listening.dispose();
          resolve();
        }
      });
    });
  }

  // How that is done.

  private async ask(
    kind: string,
    document: vscode.TextDocument,
    ask: (provider: never) => unknown,
  ): Promise<unknown[]> {
    const all = [...(this.providers.get(kind) ?? [])].filter(({ selector }) => matches(selector, document) > 0);
    const answers = await Promise.all(all.map(({ provider }) => ask(provider as never)));
    return answers.flatMap((answer) => (Array.isArray(answer) ? (answer as unknown[]) : []));
  }

  private token(): vscode.CancellationToken {
    return new CancellationTokenSource().token;
  }

  private emitter(name: string): vscode.EventEmitter<unknown> {
    const known = this.events.get(name) ?? new EventEmitter();
    this.events.set(name, known);
    return known;
  }

  private fire(name: string, event: unknown): void {
    this.emitter(name).fire(event);
    this.anything.fire(undefined);
  }

  private print(text: string): void {
    this.output += text;
    this.anything.fire(undefined);
  }

  private async load(uri: vscode.Uri): Promise<MockTextDocument> {
    const known = this.documents.find((open) => open.uri.toString() === uri.toString());
    const provider = this.contents.get(uri.scheme);
    const text =
      uri.scheme === "file"
        ? fs.readFileSync(uri.fsPath, "utf8")
        : String(await provider?.provideTextDocumentContent(uri, this.token()));
    if (known !== undefined) {
      if (provider !== undefined) {
        MockTextDocument.setContents(known, text);
      }
      return known;
    }
    const language = { ".py": "python", ".rs": "rust" }[path.extname(uri.path)] ?? "plaintext";
    const document = MockTextDocument.create(uri, text, language);
    this.documents.push(document);
    this.fire("onDidOpenTextDocument", document);
    return document;
  }

  private async show(shown: unknown, options: vscode.TextDocumentShowOptions = {}): Promise<Editor> {
    const document = shown instanceof MockTextDocument ? shown : await this.load(shown as vscode.Uri);
    const known = this.editors.find((editor) => editor.document === document);
    const editor = known ?? new Editor(document);
    if (options.selection !== undefined) {
      editor.selection = new Selection(options.selection.start, options.selection.end);
    }
    const others = this.editors.filter((other) => other !== editor);
    this.editors = options.preserveFocus === true ? [...others, editor] : [editor, ...others];
    this.fire("onDidChangeTabs", { opened: known === undefined ? [editor] : [], closed: [], changed: [] });
    this.fire("onDidChangeVisibleTextEditors", this.editors);
    this.fire("onDidChangeActiveTextEditor", this.active);
    return editor;
  }

  private message(kind: Message["kind"]) {
    return (text: string, ...buttons: (string | { title: string })[]) => {
      const titles = buttons.map((button) => (typeof button === "string" ? button : button.title));
      this.messages.push({ kind, text, buttons: titles });
      this.anything.fire(undefined);
      return Promise.resolve(buttons[titles.indexOf(this.button ?? "")]);
    };
  }

  private configuration(section?: string) {
    const nested = nest(this.settings);
    const get = (name: string, otherwise?: unknown) => {
      const names = [...(section === undefined ? [] : [section]), name].join(".").split(".");
      let value: unknown = nested;
      for (const part of names) {
        value = (value as Settings | undefined)?.[part];
      }
      return value ?? otherwise;
    };
    return { get, has: (name: string) => get(name) !== undefined };
  }

  private collection() {
    const all = new Map<string, readonly vscode.Diagnostic[]>();
    this.collections.add(all);
    const changed = (uris: readonly vscode.Uri[]) => {
      this.fire("onDidChangeDiagnostics", { uris });
    };
    const clear = () => {
      const uris = [...all.keys()].map((uri) => Uri.parse(uri));
      all.clear();
      changed(uris);
    };
    return {
      set: (uri: vscode.Uri, diagnostics: readonly vscode.Diagnostic[]) => {
        all.set(uri.toString(), diagnostics);
        changed([uri]);
      },
      delete: (uri: vscode.Uri) => {
        all.delete(uri.toString());
        changed([uri]);
      },
      clear,
      dispose: () => {
        clear();
        this.collections.delete(all);
      },
    };
  }

  private tabs() {
    return this.editors.map(({ document }) => ({ input: new TabInputText(document.uri) }));
  }

  private make(): object {
    const event = (name: string) => this.emitter(name).event;
    const folders = [{ uri: Uri.file(this.folder), name: path.basename(this.folder), index: 0 }];
    const register = (kind: string) => (selector: vscode.DocumentSelector, provider: unknown) => {
      const registered = { selector, provider };
      const all = this.providers.get(kind) ?? new Set();
      this.providers.set(kind, all.add(registered));
      return new Disposable(() => all.delete(registered));
    };
    const kinds = ["CodeActions", "CodeLens", "Hover", "Definition", "InlayHints", "CallHierarchy"];
    const getters = (all: Record<string, () => unknown>) =>
      Object.fromEntries(Object.entries(all).map(([name, get]) => [name, { get, enumerable: true }]));

    const workspace = Object.defineProperties(
      {
        ...types.workspace,
        workspaceFolders: folders,
        notebookDocuments: [],
        getConfiguration: (section?: string) => this.configuration(section),
        getWorkspaceFolder: (uri: vscode.Uri) => (uri.fsPath.startsWith(this.folder) ? folders[0] : undefined),
        asRelativePath: (uri: vscode.Uri) => path.relative(this.folder, uri.fsPath),
        openTextDocument: (uri: vscode.Uri) => this.load(uri),
        registerTextDocumentContentProvider: (scheme: string, provider: vscode.TextDocumentContentProvider) => {
          this.contents.set(scheme, provider);
          return new Disposable(() => this.contents.delete(scheme));
        },
        applyEdit: (edit: vscode.WorkspaceEdit) => {
          this.apply(edit);
          return Promise.resolve(true);
        },
        createFileSystemWatcher: () => ({
          onDidCreate: event("onDidCreate"),
          onDidChange: event("onDidChange"),
          onDidDelete: event("onDidDelete"),
          dispose: () => undefined,
        }),
        ...Object.fromEntries(
          [
            ...["onDidOpenTextDocument", "onDidCloseTextDocument", "onDidChangeTextDocument", "onDidSaveTextDocument"],
            ...["onWillSaveTextDocument", "onDidChangeConfiguration", "onDidChangeWorkspaceFolders"],
            ...["onDidGrantWorkspaceTrust", "onDidCreateFiles", "onDidRenameFiles", "onDidDeleteFiles"],
            ...["onWillCreateFiles", "onWillRenameFiles", "onWillDeleteFiles", "onDidOpenNotebookDocument"],
            ...["onDidChangeNotebookDocument", "onDidSaveNotebookDocument", "onDidCloseNotebookDocument"],
          ].map((name) => [name, event(name)]),
        ),
      },
      getters({ textDocuments: () => this.documents, isTrusted: () => this.trusted }),
    );

    const window = Object.defineProperties(
      {
        ...types.window,
        tabGroups: Object.defineProperties(
          { onDidChangeTabs: event("onDidChangeTabs") },
          getters({ all: () => [{ tabs: this.tabs() }] }),
        ),
        showErrorMessage: this.message("error"),
        showWarningMessage: this.message("warning"),
        showInformationMessage: this.message("information"),
        showQuickPick: (items: readonly vscode.QuickPickItem[]) => Promise.resolve(this.choose(items)),
        showTextDocument: (shown: unknown, options?: vscode.TextDocumentShowOptions) => this.show(shown, options),
        createOutputChannel: () => ({
          append: (text: string) => {
            this.print(text);
          },
          appendLine: (text: string) => {
            this.print(`${text}\n`);
          },
          show: () => this.executed.push(["output"]),
          dispose: () => undefined,
        }),
        createTextEditorDecorationType: () => new Disposable(() => undefined),
        createTreeView: (id: string, options: { treeDataProvider: vscode.TreeDataProvider<unknown> }) => {
          const view = {
            visible: false,
            message: "",
            reveal: () => {
              view.visible = true;
              return Promise.resolve();
            },
            dispose: () => undefined,
          };
          this.trees.set(id, Object.assign(options.treeDataProvider, { view }));
          return view;
        },
        withProgress: (_options: unknown, work: (progress: object, token: unknown) => unknown) =>
          work({ report: () => undefined }, this.token()),
        onDidChangeActiveTextEditor: event("onDidChangeActiveTextEditor"),
        onDidChangeVisibleTextEditors: event("onDidChangeVisibleTextEditors"),
      },
      getters({ activeTextEditor: () => this.active, visibleTextEditors: () => this.editors }),
    );

    return {
      ...types,
      version: "1.93.0",
      workspace,
      window,
      languages: {
        ...types.languages,
        ...Object.fromEntries(kinds.map((kind) => [`register${kind}Provider`, register(`register${kind}Provider`)])),
        match: matches,
        createDiagnosticCollection: () => this.collection(),
        createLanguageStatusItem: () => Object.assign(this.status, { dispose: () => undefined }),
        getDiagnostics: (uri: vscode.Uri) => this.diagnostics(uri),
        onDidChangeDiagnostics: event("onDidChangeDiagnostics"),
      },
      commands: {
        executeCommand: (command: string, ...args: unknown[]) => this.execute(command, ...args),
        registerCommand: (command: string, work: (...args: unknown[]) => unknown) => {
          if (this.commands.has(command)) {
            throw new Error(`command '${command}' already exists`);
          }
          this.commands.set(command, work);
          return new Disposable(() => this.commands.delete(command));
        },
      },
      env: {
        appName: "a stand-in",
        language: "en",
        openExternal: (uri: vscode.Uri) => this.executed.push(["openExternal", uri.toString()]),
      },
      extensions: { getExtension: (id: string) => this.others.get(id) },
      CancellationError,
      CancellationTokenSource,
      CodeActionTriggerKind: { Invoke: 1, Automatic: 2 },
      Hover,
      InlayHint,
      InlayHintLabelPart: Plain,
      LanguageStatusSeverity: { Information: 0, Warning: 1, Error: 2 },
      RelativePattern: Plain,
      TabInputCustom: Nothing,
      TabInputText,
      Uri,
      TabInputTextDiff: class extends Nothing {},
    };
  }
}

/** Loads the extension in a window, as VS Code would. */
export function load(host: Host): {
  activate(context: object): Promise<void>;
  deactivate(): Promise<void>;
} {
  const main = path.join(host.extension, "dist/extension.js");
  const loader = Module as unknown as { _load: (request: string, ...rest: unknown[]) => unknown };
  const before = loader._load;
  loader._load = (request, ...rest) => (request === "vscode" ? host.module : before.call(loader, request, ...rest));
  try {
    const require = Module.createRequire(main);
    // Each window has an extension of its own.
    // eslint-disable-next-line @typescript-eslint/no-dynamic-delete
    delete require.cache[main];
    return require(main) as ReturnType<typeof load>;
  } finally {
    loader._load = before;
  }
}

/** The defaults that the manifest states. */
function defaults(extension: string): Settings {
  const manifest = JSON.parse(fs.readFileSync(path.join(extension, "package.json"), "utf8")) as {
    contributes: { configuration: { properties: Record<string, { default: unknown }> } };
  };
  const all = Object.entries(manifest.contributes.configuration.properties);
  return Object.fromEntries(all.map(([name, property]) => [name, property.default]));
}

/** `{ "a.b": 1 }` as `{ a: { b: 1 } }`. */
function nest(settings: Settings): Settings {
  const out: Settings = {};
  for (const [name, value] of Object.entries(settings)) {
    const parts = name.split(".");
    const last = parts.pop() ?? "";
    const inner = parts.reduce((now, part) => (now[part] ??= {}) as Settings, out);
    inner[last] = value;
  }
  return out;
}

function matches(selector: vscode.DocumentSelector, document: vscode.TextDocument): number {
  const all = (Array.isArray(selector) ? selector : [selector]) as vscode.DocumentFilter[];
  const fits = ({ scheme, language }: vscode.DocumentFilter) =>
    (scheme ?? document.uri.scheme) === document.uri.scheme &&
    (language ?? document.languageId) === document.languageId;
  return all.some(fits) ? 10 : 0;
}

function fail(why: string): never {
  throw new Error(why);
}

export { Range, Uri };
