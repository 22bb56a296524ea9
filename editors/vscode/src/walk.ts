// Walking the path of a finding: the view with its steps, their numbers in the editors, and the commands.

import * as path from "node:path";
import * as vscode from "vscode";
import { SECTION } from "./settings";
import { type Finding, type Step, Walk, again, codeOf, findingOf, moved, stepsOf } from "./path";

const GO_TO = "tallylint.goToStep";
const WALK = "tallylint.walkPath";

/** The findings of a document; other extensions have diagnostics, too. */
function findings(uri: vscode.Uri): vscode.Diagnostic[] {
  return vscode.languages.getDiagnostics(uri).filter(({ source }) => source === SECTION);
}

/** The view, the numbers and the commands; disposing of it ends the walk. */
export class Walker implements vscode.TreeDataProvider<Step>, vscode.CodeActionProvider, vscode.Disposable {
  private walk: Walk | undefined;
  private readonly changed = new vscode.EventEmitter<undefined>();
  readonly onDidChangeTreeData = this.changed.event;
  private readonly view: vscode.TreeView<Step>;
  private readonly number = vscode.window.createTextEditorDecorationType({
    backgroundColor: new vscode.ThemeColor("editor.wordHighlightBackground"),
    overviewRulerColor: new vscode.ThemeColor("editorOverviewRuler.infoForeground"),
    overviewRulerLane: vscode.OverviewRulerLane.Center,
  });
  private readonly line = vscode.window.createTextEditorDecorationType({
    isWholeLine: true,
    backgroundColor: new vscode.ThemeColor("editor.stackFrameHighlightBackground"),
  });
  private readonly disposables: { dispose(): unknown }[];

  constructor(selector: vscode.DocumentSelector) {
    this.view = vscode.window.createTreeView("tallylint.path", { treeDataProvider: this });
    this.disposables = [
      this.view,
      this.changed,
      this.number,
      this.line,
      vscode.commands.registerCommand(WALK, (finding?: Finding) => this.start(finding)),
      vscode.commands.registerCommand(GO_TO, (at: number) => this.goTo(at)),
      vscode.commands.registerCommand("tallylint.nextStep", () => this.goTo((this.walk?.at ?? 0) + 1)),
      vscode.commands.registerCommand("tallylint.previousStep", () => this.goTo((this.walk?.at ?? 0) - 1)),
      vscode.commands.registerCommand("tallylint.stopWalking", () => this.set(undefined)),
      vscode.languages.registerCodeActionsProvider(selector, this, {
        providedCodeActionKinds: [vscode.CodeActionKind.QuickFix],
      }),
      vscode.languages.onDidChangeDiagnostics(({ uris }) => {
        this.renew(uris);
      }),
      vscode.workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
        if (this.walk?.finding.uri === document.uri.toString()) {
          this.walk = this.walk.renewed(moved(this.walk.finding, contentChanges), this.walk.steps);
        }
      }),
      vscode.window.onDidChangeVisibleTextEditors(() => {
        this.decorate();
      }),
    ];
  }

  dispose(): void {
    this.disposables.forEach((disposable) => {
      disposable.dispose();
    });
  }

  provideCodeActions(document: vscode.TextDocument, _range: vscode.Range, context: vscode.CodeActionContext) {
    const uri = document.uri.toString();
    const actions = context.diagnostics
      .filter((diagnostic) => diagnostic.source === SECTION && stepsOf(uri, diagnostic).length > 0)
      .map((diagnostic) => {
        const steps = stepsOf(uri, diagnostic).length;
        const title = `Walk the path (${String(steps)} ${steps === 1 ? "step" : "steps"})`;
        const action = new vscode.CodeAction(title, vscode.CodeActionKind.QuickFix);
        action.diagnostics = [diagnostic];
        action.command = { command: WALK, title, arguments: [findingOf(uri, diagnostic)] };
        return action;
      });
    return actions;
  }

  getChildren(step?: Step): Step[] {
    return step === undefined ? [...(this.walk?.steps ?? [])] : [];
  }

  /** There is no step above another one; the view asks before it shows one. */
  getParent(): undefined {
    return undefined;
  }

  getTreeItem(step: Step): vscode.TreeItem {
    const at = this.walk?.steps.indexOf(step) ?? 0;
    const { uri, range } = step.location;
    const item = new vscode.TreeItem(`${String(at + 1)}. ${step.message}`);
    item.description = `${path.posix.basename(uri.path)}:${String(range.start.line + 1)}`;
    item.tooltip = `${step.message}\n${vscode.workspace.asRelativePath(uri)}:${String(range.start.line + 1)}`;
    item.iconPath = new vscode.ThemeIcon(at === this.walk?.at ? "arrow-right" : "blank");
    item.command = { command: GO_TO, title: "Go to this step", arguments: [at] };
    return item;
  }

  /** Begins with a finding, or lets the user choose one of those on the line of the cursor. */
  private async start(asked?: Finding): Promise<void> {
    const finding = asked ?? (await this.choose());
    if (finding === undefined) {
      return;
    }
    const diagnostic = again(finding, findings(vscode.Uri.parse(finding.uri)));
    const steps = diagnostic === undefined ? [] : stepsOf(finding.uri, diagnostic);
    if (steps.length === 0) {
      void vscode.window.showInformationMessage("tallylint: this finding has no path, or is gone.");
      return;
    }
    await this.set(new Walk(finding, steps));
    await this.show(true);
  }

  private async choose(): Promise<Finding | undefined> {
    const editor = vscode.window.activeTextEditor;
    const uri = editor?.document.uri;
    const line = editor?.selection.active.line ?? -1;
    const here = uri === undefined ? [] : findings(uri);
    const items = here
      .filter(({ range }) => range.start.line <= line && line <= range.end.line)
      .map((diagnostic) => ({
        label: diagnostic.message,
        description: codeOf(diagnostic),
        finding: findingOf(String(uri), diagnostic),
      }));
    if (items.length === 0) {
      void vscode.window.showInformationMessage("tallylint: there is no finding on this line.");
    }
    const chosen = items.length > 1 ? await vscode.window.showQuickPick(items) : items[0];
    return chosen?.finding;
  }

  private async goTo(at: number): Promise<void> {
    if (this.walk !== undefined) {
      await this.set(this.walk.goTo(at));
      await this.show();
    }
  }

  /** Shows the step in its file, and in the view; that is opened if it should be, and left closed otherwise. */
  private async show(opensView = false): Promise<void> {
    const step = this.walk?.step;
    if (step === undefined) {
      return;
    }
    const { uri, range } = step.location;
    const editor = await vscode.window.showTextDocument(uri, { selection: new vscode.Range(range.start, range.start) });
    editor.revealRange(range, vscode.TextEditorRevealType.InCenterIfOutsideViewport);
    this.decorate();
    if (opensView || this.view.visible) {
      await this.view.reveal(step, { select: true, focus: false });
    }
  }

  /** Follows the finding after files were checked again. If it is gone, it may come back: while one types, it may be
   * anything. */
  private renew(uris: readonly vscode.Uri[]): void {
    const finding = this.walk?.finding;
    const uri = uris.find((uri) => uri.toString() === finding?.uri);
    if (finding === undefined || uri === undefined) {
      return;
    }
    const diagnostic = again(finding, findings(uri));
    const steps = diagnostic === undefined ? [] : stepsOf(finding.uri, diagnostic);
    void this.set(this.walk?.renewed(diagnostic === undefined ? finding : findingOf(finding.uri, diagnostic), steps));
  }

  private async set(walk: Walk | undefined): Promise<void> {
    this.walk = walk;
    this.view.message = walk?.steps.length === 0 ? "The finding is gone." : (walk?.finding.message ?? "");
    this.changed.fire(undefined);
    this.decorate();
    await vscode.commands.executeCommand("setContext", "tallylint.walking", walk !== undefined);
  }

  /** Draws the numbers of the steps in all editors that can be seen. */
  private decorate(): void {
    const steps = (this.walk?.steps ?? []).map((step, at) => ({ step, at }));
    for (const editor of vscode.window.visibleTextEditors) {
      const uri = editor.document.uri.toString();
      const here = steps.filter(({ step }) => step.location.uri.toString() === uri);
      const current = here.filter(({ at }) => at === this.walk?.at);
      editor.setDecorations(
        this.number,
        here.map(({ step, at }) => ({
          range: step.location.range,
          hoverMessage: `${String(at + 1)}. ${step.message}`,
          renderOptions: {
            before: {
              contentText: ` ${String(at + 1)} `,
              color: new vscode.ThemeColor("badge.foreground"),
              backgroundColor: new vscode.ThemeColor("badge.background"),
              margin: "0 0.3em 0 0",
            },
          },
        })),
      );
      editor.setDecorations(
        this.line,
        current.map(({ step }) => ({
          range: new vscode.Range(step.location.range.end, step.location.range.end),
          renderOptions: {
            after: {
              contentText: step.message,
              color: new vscode.ThemeColor("editorCodeLens.foreground"),
              margin: "0 0 0 2em",
            },
          },
        })),
      );
    }
  }
}
