import assert from "node:assert/strict";
import fs from "node:fs";
import { test } from "node:test";
import { answer, forServer } from "../src/settings";

test("the server is told what it knows, and nothing else", () => {
  const section = {
    ...{ path: "x", enable: true, trace: { server: "off" } },
    ...{ select: ["a"], ignore: [], pedantic: false, config: "b.toml", isolated: true, inlayHints: true, debounce: 1 },
  };
  const { path, enable, trace, ...told } = section;
  assert.ok(path && enable && trace.server);
  assert.deepEqual(forServer(section), told);
  assert.deepEqual(forServer({ config: "" }), {});
  assert.deepEqual(forServer({ config: null }), { config: null });
  assert.deepEqual(forServer(undefined), {});
});

test("an answer has all that was asked for, in the same order", () => {
  const items = [{ section: "tallylint" }, { section: "other" }, {}];
  const values = [{ path: "x", pedantic: true }, { path: "y" }, 5];
  assert.deepEqual(answer(items, values), [{ pedantic: true }, { path: "y" }, 5]);
});

test("the manifest has what the server is told, and all that the source names", () => {
  const manifest = fs.readFileSync("package.json", "utf8");
  const { contributes } = JSON.parse(manifest) as {
    contributes: { configuration: { properties: object }; commands: { command: string }[] };
  };
  const names = Object.keys(contributes.configuration.properties).map((name) => name.replace("tallylint.", ""));
  const told = Object.keys(forServer(Object.fromEntries(names.map((name) => [name, 1]))));
  assert.deepEqual(names, ["enable", "path", ...told, "trace.server"]);
  const server = fs.readFileSync("src/server.ts", "utf8") + fs.readFileSync("src/extension.ts", "utf8");
  const registered = (
    server +
    fs.readFileSync("src/walk.ts", "utf8") +
    fs.readFileSync("src/explain.ts", "utf8")
  ).match(/"tallylint\.[a-zA-Z]+"/g);
  // What the server offers itself.
  const known = new Set([...(registered ?? []), '"tallylint.fixAll"']);
  for (const { command } of contributes.commands) {
    assert.ok(known.has(`"${command}"`), command);
  }
});
