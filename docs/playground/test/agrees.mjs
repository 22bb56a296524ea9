// The module on the page gives the report that the program gives: for every example of the rule pages, and for every
// file of the fixtures alone.
//
// node agrees.mjs PAGE PROGRAM FIXTURES…

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";

import { instantiate } from "../page/module.js";
import { shipped } from "./shipped.mjs";

const [page, program, ...folders] = process.argv.slice(2);
const run = promisify(execFile);
const instance = await instantiate(await shipped(page));

/** What is checked: `{name, file, source, configuration}`. */
const cases = [];
const examples = instance.catalogue().rules.flatMap(({ id, examples }) => examples.map((example) => ({ id, ...example })));
for (const { id, file, code } of examples) {
  cases.push({ name: `example of ${id}`, file, source: code, configuration: "" });
}
for (const folder of folders) {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isFile() || !/\.(py|rs)$/.test(path)) continue;
    const beside = join(dirname(path), "tallylint.toml");
    const configuration = existsSync(beside) ? await readFile(beside, "utf8") : "";
    cases.push({ name: path, file: entry.name, source: await readFile(path, "utf8"), configuration });
  }
}
assert(examples.length > 50 && cases.length > 250, `only ${cases.length} cases`);

/** Configurations that cannot be read are the same mistake. */
const mistakes = ['select = ["nothing"]', "select = [", '[[contract]]\nmethod = "a b"\nsets = "self.x"', 'extend = "a.toml"'];
cases.push(...mistakes.map((configuration) => ({ name: configuration, file: "a.py", source: "x = 1\n", configuration })));

const scratch = await mkdtemp(join(tmpdir(), "playground-"));
let findings = 0;
let wrong = 0;

async function compare({ name, file, source, configuration }, number) {
  const folder = join(scratch, String(number));
  await mkdir(folder);
  await writeFile(join(folder, file), source);
  await writeFile(join(folder, "tallylint.toml"), configuration);
  const arguments_ = ["check", file, "--config", "tallylint.toml", "--no-cache", "--format", "json"];
  const options = { cwd: folder, maxBuffer: 1 << 28 };
  const { stdout, stderr } = await run(program, arguments_, options).catch((failure) => failure);
  const answer = instance.check({ file, source, configuration });
  if (stdout === "") {
    const { message, line, column, snippet } = answer.configuration;
    // Without a file system there is another reason why a file cannot be read.
    const words = name.startsWith("extend") ? message.slice(0, message.lastIndexOf(":")) : message;
    const place = line ? `tallylint.toml:${line}:${column}: ` : "tallylint.toml: ";
    assert(stderr.includes(`${place}${words}`), `${stderr} for ${message}`);
    if (snippet) assert(stderr.includes(snippet), `${stderr} for ${snippet}`);
    wrong += 1;
    return;
  }
  const expected = JSON.parse(stdout);
  assert.deepEqual(answer.report, expected, name);
  findings += expected.findings.length;
}

// The program runs as often as there are processors here.
let next = 0;
const lane = async () => {
  while (next < cases.length) {
    const number = next++;
    await compare(cases[number], number);
  }
};
await Promise.all([lane(), lane()]);
await rm(scratch, { recursive: true });
assert(findings > 500, `only ${findings} findings`);
assert.equal(wrong, mistakes.length);
console.log(`${cases.length} files, ${findings} findings: the same`);
