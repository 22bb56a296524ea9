// The life of the server: which program it is, when it starts and stops, and what the user is told of that.

import { execFile } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import { promisify } from "node:util";
import * as vscode from "vscode";
import { DidChangeConfigurationNotification, type LanguageClient } from "vscode-languageclient/node";
import { type Found, findBinary } from "./binary";
import { SELECTOR, createClient } from "./client";
import type { Explanations } from "./explain";
import { chosenInterpreters } from "./python";
import { SECTION } from "./settings";

const HELP = "https://pypi.org/project/tallylint/";
/** Long enough for a virus scanner. */
const PATIENCE = 20_000;

const OPEN_SETTING = "Open the Setting";
const SHOW_OUTPUT = "Show the Output";
const HOW_TO_INSTALL = "How to Install It";
const RESTART = "Restart";

type Program = Found & { kind: "found" };

/** The server of this window. What it is asked to do, it does one after the other. */
export class Server implements vscode.Disposable {
  private client: LanguageClient | undefined;
  /** What was found last; what went wrong with it is told once. */
  private found: Found | undefined;
  private turn: Promise<void> = Promise.resolve();
  private readonly status = vscode.languages.createLanguageStatusItem(SECTION, SELECTOR);

  constructor(
    private readonly extension: string,
    private readonly output: vscode.OutputChannel,
    private readonly explanations: Explanations,
  ) {
    this.status.name = "tallylint";
    this.status.command = { command: "tallylint.showOutput", title: SHOW_OUTPUT };
  }

  dispose(): void {
    this.status.dispose();
  }

  /** Starts it, anew if it runs already. */
  restart(): Promise<void> {
    return this.inTurn(async () => {
      await this.end();
      await this.begin(await this.find());
    });
  }

  /** Starts it anew if another program should run now. */
  refresh(): Promise<void> {
    return this.inTurn(async () => {
      const found = await this.find();
      if (JSON.stringify(found) !== JSON.stringify(this.found)) {
        await this.end();
        await this.begin(found);
      }
    });
  }

  /** Lets the server ask for its settings, which are those of each folder. */
  async settingsChanged(): Promise<void> {
    await this.client?.sendNotification(DidChangeConfigurationNotification.type, { settings: null });
  }

  stop(): Promise<void> {
    return this.inTurn(() => this.end());
  }

  private inTurn(work: () => Promise<void>): Promise<void> {
    this.turn = this.turn.then(work).catch((error: unknown) => {
      this.output.appendLine(`a bug in the extension: ${String(error)}`);
    });
    return this.turn;
  }

  /** The program that should run; undefined if none should. */
  private async find(): Promise<Found | undefined> {
    const settings = vscode.workspace.getConfiguration(SECTION);
    if (!settings.get<boolean>("enable", true)) {
      return undefined;
    }
    return findBinary({
      setting: settings.get("path", ""),
      folders: (vscode.workspace.workspaceFolders ?? []).map(({ uri }) => uri.fsPath),
      trusted: vscode.workspace.isTrusted,
      interpreters: await chosenInterpreters(this.output),
      extension: this.extension,
      env: process.env,
      home: os.homedir(),
      platform: process.platform,
      isProgram,
    });
  }

  private async begin(found: Found | undefined): Promise<void> {
    this.found = found;
    if (found === undefined) {
      this.tell("off", "tallylint.enable is off");
      return;
    }
    if (found.kind === "missing") {
      this.failed(found.why, OPEN_SETTING, HOW_TO_INSTALL);
      return;
    }
    this.tell("starting", found.path, { busy: true });
    const trouble = await this.start(found);
    if (trouble !== undefined) {
      this.failed(`\`${found.path}\` cannot be started: ${trouble}`, OPEN_SETTING, SHOW_OUTPUT);
    }
  }

  /** Starts a program. Returns what went wrong. */
  private async start(found: Program): Promise<string | undefined> {
    this.output.appendLine(`the program is ${found.path} (${found.source})`);
    try {
      const told = await promisify(execFile)(found.path, ["--version"], { timeout: PATIENCE });
      if (!told.stdout.startsWith("tallylint ")) {
        return "it is not tallylint.";
      }
    } catch (error) {
      return reason(error);
    }
    const client = createClient(found.path, this.output, this.explanations, {
      gaveUp: (why) => {
        this.client = undefined;
        this.failed(why, RESTART, SHOW_OUTPUT);
      },
    });
    try {
      await client.start();
    } catch (error) {
      return reason(error);
    }
    // If the process ends meanwhile, the library may call that a start.
    if (!client.isRunning()) {
      return "it ended at once.";
    }
    this.client = client;
    const version = client.initializeResult?.serverInfo?.version ?? "";
    this.tell(version, `${found.path} (${found.source})`, { running: true });
    return undefined;
  }

  private async end(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    this.tell("stopped", "");
    await client?.dispose();
  }

  private tell(text: string, detail: string, { busy = false, running = false } = {}): void {
    this.status.text = `tallylint ${text}`;
    this.status.detail = detail;
    this.status.busy = busy;
    this.status.severity = vscode.LanguageStatusSeverity.Information;
    void vscode.commands.executeCommand("setContext", "tallylint.running", running);
  }

  /** Tells the user what is wrong, once, with what can be done about it. */
  private failed(why: string, ...buttons: string[]): void {
    this.output.appendLine(why);
    this.tell("does not run", why);
    this.status.severity = vscode.LanguageStatusSeverity.Error;
    void vscode.window.showErrorMessage(why, ...buttons).then((chosen) => {
      switch (chosen) {
        case OPEN_SETTING:
          return vscode.commands.executeCommand("workbench.action.openSettings", "tallylint.path");
        case HOW_TO_INSTALL:
          return vscode.env.openExternal(vscode.Uri.parse(HELP));
        case SHOW_OUTPUT:
          this.output.show();
          return undefined;
        case RESTART:
          return this.restart();
        default:
          return undefined;
      }
    });
  }
}

function isProgram(file: string): boolean {
  try {
    fs.accessSync(file, fs.constants.X_OK);
    return fs.statSync(file).isFile();
  } catch {
    return false;
  }
}

/** The first line of an error. */
function reason(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.trim().split("\n")[0] ?? "";
}
