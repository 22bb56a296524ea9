import assert from "node:assert/strict";
import { test } from "node:test";
import { choices, exitsOf } from "../src/exits";

const location = (line: number) => {
  const place = { line, character: 8 };
  return { uri: "file:///a.py", range: { start: place, end: place } };
};

test("the arguments of other commands are no exits", () => {
  const lens = { symbol: "A.b", contract: "sets x", exits: [] };
  assert.equal(exitsOf([lens]), lens);
  for (const args of [[], [undefined], [null], ["exits"], [{ uri: "x" }], [{ exits: 5 }]]) {
    assert.equal(exitsOf(args), undefined);
  }
});

test("each exit is a choice, with its state", () => {
  const exits = [
    { location: location(3), end: false, state: "not set on some path", set: false },
    { location: location(5), end: false, state: "set", set: true },
    { location: null, end: false, state: "set", set: true },
    { location: location(7), end: false, state: "not required: it raises", set: false },
    { location: location(9), end: true, state: "unverified: it depends", set: false },
  ];
  const all = choices({ symbol: "A.b", contract: "sets x", exits });
  assert.deepEqual(
    all.map(({ label, description }) => `${label}: ${description}`),
    [
      "$(error) line 4: not set on some path",
      "$(pass) line 6: set",
      "$(circle-slash) line 8: not required: it raises",
      "$(question) the end: unverified: it depends",
    ],
  );
  assert.deepEqual(all[3]?.location, location(9));
});
