// Which program is run. Nothing here asks the editor or the disk, so that tests can say what there is.

import * as path from "node:path";

/** Where a program was found. */
export type Source = "setting" | "environment" | "bundled" | "PATH";

/** What decides on the program. */
export interface Surroundings {
  /** The setting `tallylint.path`. */
  readonly setting: string;
  /** The folders of the workspace. */
  readonly folders: readonly string[];
  /** Whether the user trusts the workspace. */
  readonly trusted: boolean;
  /** The interpreters that were chosen in the Python extension. */
  readonly interpreters: readonly string[];
  /** The folder of this extension. */
  readonly extension: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  readonly platform: NodeJS.Platform;
  /** Whether a path is that of a file that can be run. */
  readonly isProgram: (file: string) => boolean;
}

/** A program, or why there is none. */
export type Found =
  | { readonly kind: "found"; readonly path: string; readonly source: Source }
  | { readonly kind: "missing"; readonly why: string };

/** Looks in the setting, in virtual environments, in the extension, and on the PATH. */
export function findBinary(around: Surroundings): Found {
  const paths = pathsOf(around);
  const setting = around.setting.trim();
  if (setting !== "") {
    return ofSetting(around, setting);
  }
  const places: [Source, string[]][] = [
    ["environment", environments(around).map((folder) => paths.join(folder, name(around)))],
    ["bundled", [paths.join(around.extension, "bundled", name(around))]],
    ["PATH", onPath(around, name(around))],
  ];
  for (const [source, candidates] of places) {
    const file = candidates.find((candidate) => may(around, candidate) && around.isProgram(candidate));
    if (file !== undefined) {
      return { kind: "found", path: file, source };
    }
  }
  return {
    kind: "missing",
    why: around.trusted
      ? "tallylint was not found, neither in a virtual environment of this workspace nor on the PATH."
      : "tallylint was not found on the PATH, and this workspace is not trusted, so no program in it is run.",
  };
}

/** The program that the setting names; another one would be a surprise. */
function ofSetting(around: Surroundings, setting: string): Found {
  const named = replaced(around, setting);
  const paths = pathsOf(around);
  const isName = !/[\\/]/.test(named);
  const folder = around.folders[0];
  const candidates = isName
    ? onPath(around, named)
    : [folder === undefined || paths.isAbsolute(named) ? named : paths.resolve(folder, named)];
  const file = candidates.find((candidate) => paths.isAbsolute(candidate) && around.isProgram(candidate));
  if (file === undefined) {
    const where = isName ? "there is no such program on the PATH" : "there is no program";
    return { kind: "missing", why: `The setting tallylint.path names \`${named}\`, but ${where}.` };
  }
  if (!may(around, file)) {
    return { kind: "missing", why: `\`${file}\` is in this workspace, which is not trusted.` };
  }
  return { kind: "found", path: file, source: "setting" };
}

/** What a user may write instead of a whole path. */
function replaced(around: Surroundings, setting: string): string {
  return setting
    .replace(/^~(?=$|[\\/])/, () => around.home)
    .replace(/\$\{(workspaceFolder|userHome|env:([^}]+))\}/g, (_whole, what: string, variable: string | undefined) => {
      if (what === "userHome") {
        return around.home;
      }
      return (variable === undefined ? around.folders[0] : around.env[variable]) ?? "";
    });
}

/** The folders with the programs of virtual environments, the nearest ones first. */
function environments(around: Surroundings): string[] {
  const paths = pathsOf(around);
  const bin = around.platform === "win32" ? "Scripts" : "bin";
  const own = around.folders.flatMap((folder) =>
    [".venv", "venv"].map((environment) => paths.join(folder, environment, bin)),
  );
  const chosen = around.interpreters.flatMap((interpreter) => {
    const folder = paths.dirname(interpreter);
    // The interpreter of conda lies above its programs on Windows.
    return around.platform === "win32" ? [folder, paths.join(folder, bin)] : [folder];
  });
  const active = around.env["VIRTUAL_ENV"];
  return [...own, ...chosen, ...(active === undefined || active === "" ? [] : [paths.join(active, bin)])];
}

/** The files that a name can be on the PATH. Relative folders depend on where the editor was started. */
function onPath(around: Surroundings, named: string): string[] {
  const paths = pathsOf(around);
  const windows = around.platform === "win32";
  // Windows does not tell apart `PATH` and `Path`, and a copy of its variables does.
  const key = Object.keys(around.env).find((key) => key === "PATH" || (windows && key.toUpperCase() === "PATH"));
  const folders = (key === undefined ? undefined : around.env[key]) ?? "";
  const file = windows && !/\.[a-z]+$/i.test(named) ? `${named}.exe` : named;
  return folders
    .split(paths.delimiter)
    .filter((folder) => paths.isAbsolute(folder))
    .map((folder) => paths.join(folder, file));
}

/** Whether a program may be run: in a workspace that is not trusted, nothing that is in it. */
function may(around: Surroundings, file: string): boolean {
  const paths = pathsOf(around);
  return (
    around.trusted ||
    around.folders.every((folder) => {
      const way = paths.relative(folder, file);
      return way === ".." || way.startsWith(`..${paths.sep}`) || paths.isAbsolute(way);
    })
  );
}

function name(around: Surroundings): string {
  return around.platform === "win32" ? "tallylint.exe" : "tallylint";
}

function pathsOf(around: Surroundings): path.PlatformPath {
  return around.platform === "win32" ? path.win32 : path.posix;
}
