// The path of a finding: its steps, and which one is shown. Nothing here asks the editor.

import type { Diagnostic, DiagnosticRelatedInformation, Location, Range } from "vscode";

/** One step of a path. */
export interface Step {
  readonly location: Location;
  readonly message: string;
}

/** What a finding is known by, as plain data: a command carries it. */
export interface Finding {
  readonly uri: string;
  readonly code: string;
  readonly message: string;
  readonly line: number;
  readonly character: number;
}

/** The name of a rule and its kind. */
export function codeOf(diagnostic: Diagnostic): string {
  const code = diagnostic.code;
  return String(typeof code === "object" ? code.value : code);
}

/** What a diagnostic of a document is known by. */
export function findingOf(uri: string, diagnostic: Diagnostic): Finding {
  const { line, character } = diagnostic.range.start;
  return { uri, code: codeOf(diagnostic), message: diagnostic.message, line, character };
}

/** The steps of a finding; the server tells its notes and its help in the same list, at the place of the finding. */
export function stepsOf(uri: string, diagnostic: Diagnostic): Step[] {
  const isStep = ({ location, message }: DiagnosticRelatedInformation) =>
    !(
      /^(note|help): /.test(message) &&
      location.uri.toString() === uri &&
      startsAt(location.range, diagnostic.range.start.line, diagnostic.range.start.character)
    );
  return (diagnostic.relatedInformation ?? []).filter(isStep);
}

function startsAt(range: Range, line: number, character: number): boolean {
  return range.start.line === line && range.start.character === character;
}

/** An edit of a document, as VS Code tells it. */
export interface Edit {
  readonly range: Range;
  readonly text: string;
}

/** Where a finding is after its document was edited; what says the same elsewhere is another finding. */
export function moved(finding: Finding, edits: readonly Edit[]): Finding {
  return edits.reduce((now, { range, text }) => {
    const { start, end } = range;
    const isBefore = end.line < now.line || (end.line === now.line && end.character <= now.character);
    if (!isBefore) {
      return now;
    }
    const lines = text.split("\n");
    const last = lines[lines.length - 1] ?? "";
    const character = now.character - end.character + last.length + (lines.length === 1 ? start.character : 0);
    return {
      ...now,
      line: now.line - end.line + start.line + lines.length - 1,
      character: end.line === now.line ? character : now.character,
    };
  }, finding);
}

/** A finding among the diagnostics of its document. */
export function again(finding: Finding, diagnostics: readonly Diagnostic[]): Diagnostic | undefined {
  const same = diagnostics.filter(
    (diagnostic) => codeOf(diagnostic) === finding.code && diagnostic.range.start.line === finding.line,
  );
  return same.find(({ message }) => message === finding.message) ?? same[0];
}

/** The path of a finding, and where on it one is. */
export class Walk {
  readonly finding: Finding;
  readonly steps: readonly Step[];
  /** The number of the step that is shown. */
  readonly at: number;

  constructor(finding: Finding, steps: readonly Step[], at = 0) {
    this.finding = finding;
    this.steps = steps;
    // A finding that is gone for a while comes back at the same step.
    this.at = steps.length === 0 ? at : Math.max(0, Math.min(at, steps.length - 1));
  }

  /** The step that is shown. */
  get step(): Step | undefined {
    return this.steps[this.at];
  }

  /** The same path at another step; there is nothing before the first and after the last one. */
  goTo(at: number): Walk {
    return new Walk(this.finding, this.steps, at);
  }

  /** The path after its document was checked again. */
  renewed(finding: Finding, steps: readonly Step[]): Walk {
    return new Walk(finding, steps, this.at);
  }
}
