// The client of the language server: what it is told, and what is shown of its answers.

import * as vscode from "vscode";
import {
  CloseAction,
  type ErrorHandler,
  LanguageClient,
  type LanguageClientOptions,
  MessageType,
  ShowMessageNotification,
  ShowMessageRequest,
} from "vscode-languageclient/node";
import { EXPLAIN, type Explanations } from "./explain";
import { type Exits, choices, exitsOf } from "./exits";
import { SECTION, answer, forServer } from "./settings";

/** The files that are checked. */
export const SELECTOR = [
  { scheme: "file", language: "python" },
  { scheme: "file", language: "rust" },
];

/** What becomes of a server that ends by itself. */
export interface Fate {
  /** It ended before it was ready, or too often; it is not started again. */
  readonly gaveUp: (why: string) => void;
}

/** A client that leaves it to others to tell the user what went wrong, so that they are told once. */
class QuietClient extends LanguageClient {
  override error(message: string, data?: unknown): void {
    super.error(message, data, false);
  }

  /** Whether it has started, or could not. */
  settled: Promise<unknown> = Promise.resolve();

  override start(): Promise<void> {
    const starting = super.start();
    this.settled = starting.catch(() => undefined);
    return starting;
  }

  /** The library stops a client that never got ready, which it refuses to do; only then the process is looked after. */
  override async stop(timeout?: number): Promise<void> {
    const isOrderly = this.isRunning();
    await super.stop(timeout).catch((error: unknown) => {
      if (isOrderly) {
        this.error("The server did not stop.", error);
      }
    });
  }
}

/** A client that is not started yet. */
export function createClient(
  program: string,
  output: vscode.OutputChannel,
  explanations: Explanations,
  fate: Fate,
): LanguageClient {
  // The client has to be told of its handler before it can make the usual one.
  const handler: { usual?: ErrorHandler } = {};
  const options: LanguageClientOptions = {
    documentSelector: SELECTOR,
    outputChannel: output,
    initializationOptions: forServer(vscode.workspace.getConfiguration().get(SECTION)),
    initializationFailedHandler: () => false,
    middleware: {
      workspace: {
        configuration: async (params, token, next) => {
          const values = await next(params, token);
          return Array.isArray(values) ? answer(params.items, values) : values;
        },
      },
      executeCommand: async (command, args: unknown[], next) => {
        const exits = exitsOf(args);
        if (exits !== undefined) {
          await chooseExit(client, exits);
          return undefined;
        }
        const asked = args.length > 0 ? args : atCursor();
        const answered: unknown = asked.length > 0 ? await next(command, asked) : undefined;
        if (command === EXPLAIN) {
          await explanations.show(answered);
        }
        return answered;
      },
    },
    errorHandler: {
      error: async (error, message, count) => {
        const result = await usual().error(error, message, count);
        return { ...result, handled: true };
      },
      closed: async () => {
        // The library forgets the start of a server that has ended, and never says that it failed.
        await client.settled;
        const result = await usual().closed();
        if (client.initializeResult === undefined) {
          return { action: CloseAction.DoNotRestart, handled: true };
        }
        if (result.action === CloseAction.DoNotRestart) {
          fate.gaveUp(result.message ?? "The server ended.");
        }
        return { ...result, handled: true };
      },
    },
  };
  const client = new QuietClient(SECTION, "tallylint", { command: program, args: ["server"] }, options);
  const usual = () => (handler.usual ??= client.createDefaultErrorHandler());
  // What a command answers is told as a message for information, too. It is shown elsewhere.
  client.onRequest(ShowMessageRequest.type, () => null);
  client.onNotification(ShowMessageNotification.type, ({ type, message }) => {
    if (type === MessageType.Error) {
      void vscode.window.showErrorMessage(`tallylint: ${message}`);
    } else if (type === MessageType.Warning) {
      void vscode.window.showWarningMessage(`tallylint: ${message}`);
    }
  });
  return client;
}

/** Lets the user choose one of the exits that a lens counts. */
async function chooseExit(client: LanguageClient, exits: Exits): Promise<void> {
  const title = `${exits.symbol} ${exits.contract}`;
  const chosen = await vscode.window.showQuickPick(choices(exits), { title, placeHolder: "Go to an exit" });
  if (chosen !== undefined) {
    const { uri, range } = client.protocol2CodeConverter.asLocation(chosen.location);
    await vscode.window.showTextDocument(uri, { selection: range });
  }
}

/** The argument of a command that the palette runs. */
function atCursor(): unknown[] {
  const editor = vscode.window.activeTextEditor;
  if (editor === undefined) {
    return [];
  }
  const { line, character } = editor.selection.active;
  return [{ uri: editor.document.uri.toString(), position: { line, character } }];
}
