import assert from "node:assert/strict";
import { test } from "node:test";
import type { Diagnostic, Range } from "vscode";
import { type Finding, Walk, again, codeOf, findingOf, moved, stepsOf } from "../src/path";

const A = "file:///a.py";

function range(line: number, character: number, endLine = line, end = character): Range {
  return { start: { line, character }, end: { line: endLine, character: end } } as Range;
}

function diagnostic(line: number, more: Partial<Diagnostic> = {}): Diagnostic {
  const related = (message: string, at: number, uri = A) => ({
    message,
    location: { uri: { toString: () => uri }, range: range(at, 4) },
  });
  return {
    range: range(line, 4),
    message: "it can return",
    code: { value: "rule/kind", target: undefined },
    relatedInformation: [
      related("`x` is falsy", line - 1),
      related("note: this is a step elsewhere", 1, "file:///b.py"),
      related("returns", line),
      related("note: the same question is asked twice", line),
      related("help: set it", line),
    ],
    ...more,
  } as Diagnostic;
}

const FINDING: Finding = { uri: A, code: "rule/kind", message: "it can return", line: 8, character: 4 };

test("notes and help are no steps", () => {
  const steps = stepsOf(A, diagnostic(8)).map(({ message }) => message);
  assert.deepEqual(steps, ["`x` is falsy", "note: this is a step elsewhere", "returns"]);
  assert.deepEqual(stepsOf(A, { message: "", range: range(1, 1) } as Diagnostic), []);
});

test("a finding is plain data", () => {
  assert.deepEqual(findingOf(A, diagnostic(8)), FINDING);
  assert.equal(codeOf({ code: "x" } as Diagnostic), "x");
});

test("a finding is known again on its line only", () => {
  const [other, same, renamed] = [diagnostic(3), diagnostic(8), diagnostic(8, { message: "`y` can return" })];
  assert.equal(again(FINDING, [other, renamed, same]), same);
  assert.equal(again(FINDING, [other, renamed]), renamed);
  assert.equal(again(FINDING, [other]), undefined);
  assert.equal(again(FINDING, [diagnostic(8, { code: "rule/other" })]), undefined);
});

test("a finding moves with the text", () => {
  const at = (edit: Range, text: string) => {
    const { line, character } = moved(FINDING, [{ range: edit, text }]);
    return [line, character];
  };
  assert.deepEqual(at(range(0, 0), "a\nb\n"), [10, 4]);
  assert.deepEqual(at(range(2, 0, 5, 0), ""), [5, 4]);
  assert.deepEqual(at(range(9, 0), "a\n"), [8, 4]);
  assert.deepEqual(at(range(8, 5), "a\n"), [8, 4]);
  assert.deepEqual(at(range(8, 4), "x = 1\n    "), [9, 4]);
  assert.deepEqual(at(range(8, 0), "ab"), [8, 6]);
  assert.deepEqual(at(range(7, 2, 8, 4), " "), [7, 3]);
  assert.deepEqual(at(range(8, 0, 8, 4), "\t"), [8, 1]);
  const twice = [
    { range: range(0, 0), text: "\n" },
    { range: range(0, 0), text: "\n" },
  ];
  assert.equal(moved(FINDING, twice).line, 10);
});

test("a walk ends at the first and the last step", () => {
  const steps = stepsOf(A, diagnostic(8));
  const walk = new Walk(FINDING, steps);
  assert.equal(walk.step?.message, "`x` is falsy");
  assert.equal(walk.goTo(1).at, 1);
  assert.equal(walk.goTo(3).at, 2);
  assert.equal(walk.goTo(-1).at, 0);
  assert.equal(walk.goTo(2).renewed(FINDING, steps.slice(0, 2)).at, 1);
  const gone = walk.goTo(2).renewed(FINDING, []);
  assert.equal(gone.step, undefined);
  assert.equal(gone.renewed(FINDING, steps).at, 2);
});
