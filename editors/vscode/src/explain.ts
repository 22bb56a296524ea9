// What the server answers to "explain this exit", as a document of its own.

import * as vscode from "vscode";

/** The command of the server. */
export const EXPLAIN = "tallylint.explainExit";
const SCHEME = "tallylint-explanation";
const PLACE = vscode.Uri.from({ scheme: SCHEME, path: "/Explanation of an exit.md" });

/** The document with the last explanation. */
export class Explanations implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private text = "";
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.changed.event;
  private readonly registered = vscode.workspace.registerTextDocumentContentProvider(SCHEME, this);

  dispose(): void {
    this.registered.dispose();
    this.changed.dispose();
  }

  provideTextDocumentContent(): string {
    return this.text;
  }

  /** Shows an answer beside the code; the code stays where the cursor is. */
  async show(answered: unknown): Promise<void> {
    const isText = typeof answered === "object" && answered !== null && "text" in answered;
    if (!isText || typeof answered.text !== "string") {
      void vscode.window.showInformationMessage("tallylint: this file is not among those that are checked.");
      return;
    }
    this.text = `${answered.text}\n`;
    this.changed.fire(PLACE);
    const document = await vscode.workspace.openTextDocument(PLACE);
    await vscode.window.showTextDocument(document, {
      viewColumn: vscode.ViewColumn.Beside,
      preserveFocus: true,
      preview: true,
    });
  }
}
