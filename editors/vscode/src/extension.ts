// What VS Code calls.

import * as vscode from "vscode";
import { SELECTOR } from "./client";
import { Explanations } from "./explain";
import { onInterpreterChosen } from "./python";
import { Server } from "./server";
import { SECTION } from "./settings";
import { Walker } from "./walk";

let server: Server | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const output = vscode.window.createOutputChannel("tallylint");
  const explanations = new Explanations();
  const running = new Server(context.extensionPath, output, explanations);
  server = running;
  const refresh = () => void running.refresh();
  context.subscriptions.push(
    output,
    explanations,
    running,
    new Walker(SELECTOR),
    vscode.commands.registerCommand("tallylint.restart", () => running.restart()),
    vscode.commands.registerCommand("tallylint.showOutput", () => {
      output.show();
    }),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (["path", "enable"].some((name) => event.affectsConfiguration(`${SECTION}.${name}`))) {
        refresh();
      } else if (event.affectsConfiguration(SECTION)) {
        void running.settingsChanged();
      }
    }),
    vscode.workspace.onDidGrantWorkspaceTrust(refresh),
    vscode.workspace.onDidChangeWorkspaceFolders(refresh),
  );
  await running.restart();
  const chosen = await onInterpreterChosen(refresh);
  if (chosen !== undefined) {
    context.subscriptions.push(chosen);
  }
}

export async function deactivate(): Promise<void> {
  await server?.stop();
  server = undefined;
}
