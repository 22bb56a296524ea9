// The interpreters that were chosen in the Python extension, if that is there.

import { PVSC_EXTENSION_ID, PythonExtension } from "@vscode/python-extension";
import * as vscode from "vscode";

/** The Python extension, unless it would be started for a workspace without Python. */
async function api(): Promise<PythonExtension | undefined> {
  const extension = vscode.extensions.getExtension(PVSC_EXTENSION_ID);
  const isUsed = vscode.workspace.textDocuments.some(({ languageId }) => languageId === "python");
  return extension !== undefined && (extension.isActive || isUsed) ? PythonExtension.api() : undefined;
}

/** The interpreters, without repetitions. */
export async function chosenInterpreters(output: vscode.OutputChannel): Promise<string[]> {
  try {
    const environments = (await api())?.environments;
    if (environments === undefined) {
      return [];
    }
    const folders = vscode.workspace.workspaceFolders ?? [undefined];
    const chosen = await Promise.all(
      folders.map(async (folder) => {
        const environment = await environments.resolveEnvironment(environments.getActiveEnvironmentPath(folder?.uri));
        return environment?.executable.uri?.fsPath;
      }),
    );
    return [...new Set(chosen.filter((interpreter) => interpreter !== undefined))];
  } catch (error) {
    output.appendLine(`the Python extension does not tell its interpreter: ${String(error)}`);
    return [];
  }
}

/** Calls back when another interpreter is chosen. */
export async function onInterpreterChosen(call: () => void): Promise<vscode.Disposable | undefined> {
  try {
    return (await api())?.environments.onDidChangeActiveEnvironmentPath(call);
  } catch {
    // It was told when its interpreter was asked for.
    return undefined;
  }
}
