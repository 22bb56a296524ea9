import assert from "node:assert/strict";
import { test } from "node:test";
import { type Surroundings, findBinary } from "../src/binary";

/** A workspace where these programs are. */
function around(programs: string[], more: Partial<Surroundings> = {}): Surroundings {
  return {
    setting: "",
    folders: ["/work/a", "/work/b"],
    trusted: true,
    interpreters: ["/envs/chosen/bin/python"],
    extension: "/extension",
    env: { VIRTUAL_ENV: "/envs/active", PATH: "relative:/usr/bin:/work/a/bin", TOOLS: "/tools" },
    home: "/home/me",
    platform: "linux",
    isProgram: (file) => programs.includes(file),
    ...more,
  };
}

const EVERYWHERE = [
  "/work/a/.venv/bin/tallylint",
  "/work/a/venv/bin/tallylint",
  "/work/b/.venv/bin/tallylint",
  "/work/b/venv/bin/tallylint",
  "/envs/chosen/bin/tallylint",
  "/envs/active/bin/tallylint",
  "/extension/bundled/tallylint",
  "/usr/bin/tallylint",
  "/work/a/bin/tallylint",
];

function found(surroundings: Surroundings): string | undefined {
  const result = findBinary(surroundings);
  return result.kind === "found" ? result.path : undefined;
}

test("the nearest program is taken", () => {
  for (const [at, file] of EVERYWHERE.entries()) {
    const sources = [
      "environment",
      "environment",
      "environment",
      "environment",
      "environment",
      "environment",
      "bundled",
    ];
    const source = sources[at] ?? "PATH";
    assert.deepEqual(findBinary(around(EVERYWHERE.slice(at))), { kind: "found", path: file, source });
  }
  const nothing = findBinary(around([]));
  assert.ok(nothing.kind === "missing" && nothing.why.includes("was not found"), JSON.stringify(nothing));
});

test("nothing in a workspace that is not trusted is run", () => {
  const inside = EVERYWHERE.filter((file) => file.startsWith("/work/"));
  const trusted = false;
  assert.equal(found(around(EVERYWHERE, { trusted })), "/envs/chosen/bin/tallylint");
  const nothing = findBinary(around(inside, { trusted }));
  assert.ok(nothing.kind === "missing" && nothing.why.includes("not trusted"), JSON.stringify(nothing));
  for (const more of [
    { interpreters: ["/work/b/conda/bin/python"] },
    { env: { VIRTUAL_ENV: "/work/a/x" } },
    { env: { PATH: "/work/a" } },
    { setting: "${workspaceFolder}/.venv/bin/tallylint" },
    { setting: ".venv/bin/tallylint" },
    { setting: "/work/c/../b/venv/bin/tallylint" },
  ]) {
    assert.equal(
      found(around(inside, { interpreters: [], env: {}, trusted, ...more })),
      undefined,
      JSON.stringify(more),
    );
  }
  // A name that only begins like the folder's is outside, and so is one that begins with dots.
  assert.equal(found(around([], { setting: "/work/ab/x", trusted, isProgram: () => true })), "/work/ab/x");
  assert.equal(found(around([], { setting: "/work/a/..x/y", trusted, isProgram: () => true })), undefined);
});

test("the setting is the last word", () => {
  const programs = [...EVERYWHERE, "/home/me/bin/mine", "/work/a/tools/t", "/tools/t", "/usr/bin/other"];
  for (const [setting, file] of [
    ["~/bin/mine", "/home/me/bin/mine"],
    ["${userHome}/bin/mine", "/home/me/bin/mine"],
    [" ${workspaceFolder}/tools/t ", "/work/a/tools/t"],
    ["tools/t", "/work/a/tools/t"],
    ["./tools/t", "/work/a/tools/t"],
    ["${env:TOOLS}/t", "/tools/t"],
    ["other", "/usr/bin/other"],
  ] as const) {
    assert.deepEqual(findBinary(around(programs, { setting })), { kind: "found", path: file, source: "setting" });
  }
  for (const setting of ["/nowhere/t", "nothing", "${env:NOTHING}/t", "~other/t"]) {
    const result = findBinary(around(programs, { setting }));
    assert.ok(result.kind === "missing" && result.why.includes("tallylint.path"), setting);
  }
  assert.equal(found(around(programs, { setting: "tools/t", folders: [] })), undefined);
});

test("Windows has other names", () => {
  const more = {
    platform: "win32",
    folders: ["C:\\work"],
    interpreters: ["D:\\conda\\python.exe"],
    extension: "C:\\extension",
    home: "C:\\me",
    env: { Path: "bin;C:\\tools;D:\\more" },
  } as const;
  const programs = [
    "C:\\work\\.venv\\Scripts\\tallylint.exe",
    "C:\\work\\venv\\Scripts\\tallylint.exe",
    "D:\\conda\\tallylint.exe",
    "D:\\conda\\Scripts\\tallylint.exe",
    "C:\\extension\\bundled\\tallylint.exe",
    "C:\\tools\\tallylint.exe",
    "D:\\more\\tallylint.exe",
  ];
  for (const [at, file] of programs.entries()) {
    assert.equal(found(around(programs.slice(at), more)), file);
  }
  const setting = "~\\bin\\mine.exe";
  assert.equal(found(around(["C:\\me\\bin\\mine.exe"], { ...more, setting })), "C:\\me\\bin\\mine.exe");
  assert.equal(found(around(programs, { ...more, setting: "tallylint" })), "C:\\tools\\tallylint.exe");
  // Windows does not tell apart small and capital letters.
  const inside = around(["c:\\WORK\\t.exe"], { ...more, setting: "c:\\WORK\\t.exe", trusted: false });
  assert.equal(found(inside), undefined);
});
