// Packs the extension; `node build.mjs` comes first.
//
// package.mjs ROOT DIR [TARGET PROGRAM]
//
// ROOT is the checkout, which has the version, the URL of the repository and the licences. With a target of Rust and a
// program for it, the package is for that platform and has the program. Prints the path of the package.
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { createVSIX, listFiles } from "@vscode/vsce";

/** What VS Code calls the targets of the release. */
const PLATFORMS = {
  "x86_64-unknown-linux-gnu": "linux-x64",
  "aarch64-unknown-linux-gnu": "linux-arm64",
  "x86_64-unknown-linux-musl": "alpine-x64",
  "aarch64-unknown-linux-musl": "alpine-arm64",
  "x86_64-apple-darwin": "darwin-x64",
  "aarch64-apple-darwin": "darwin-arm64",
  "x86_64-pc-windows-msvc": "win32-x64",
};

const [root, out, target, program] = process.argv.slice(2);
// Archives of the same files are the same bytes.
process.env.SOURCE_DATE_EPOCH ??= "315532800";
const stage = fs.mkdtempSync(path.join(os.tmpdir(), "vsix-"));
try {
  await pack();
} finally {
  fs.rmSync(stage, { recursive: true });
}

async function pack() {
  const platform = target === undefined ? undefined : PLATFORMS[target];
  if (target !== undefined && platform === undefined) {
    throw new Error(`VS Code has no platform for ${target}`);
  }
  for (const file of await listFiles({ cwd: process.cwd(), dependencies: false })) {
    copy(file, file);
  }
  for (const name of ["LICENSE-APACHE", "LICENSE-MIT"]) {
    copy(path.join(root, name), name);
  }
  if (program !== undefined) {
    const bundled = path.join("bundled", path.basename(program));
    copy(program, bundled);
    fs.chmodSync(path.join(stage, bundled), 0o755);
  }
  // All that is there is meant.
  fs.writeFileSync(path.join(stage, ".vscodeignore"), ".vscodeignore\n");
  const { manifest, hasRepository } = manifestFor(fs.readFileSync(path.join(root, "Cargo.toml"), "utf8"));
  fs.writeFileSync(path.join(stage, "package.json"), `${JSON.stringify(manifest, undefined, 2)}\n`);
  const name = ["tallylint-vscode", manifest.version, ...(platform === undefined ? [] : [platform])].join("-");
  const packagePath = path.resolve(out, `${name}.vsix`);
  fs.mkdirSync(out, { recursive: true });
  await createVSIX({
    cwd: stage,
    packagePath,
    dependencies: false,
    allowMissingRepository: !hasRepository,
    ...(platform === undefined ? {} : { target: platform }),
  });
  console.log(packagePath);
}

/** The manifest as it is published: without what builds it, and with the URL of the repository, if that is known. */
function manifestFor(cargo) {
  const manifest = JSON.parse(fs.readFileSync("package.json", "utf8"));
  delete manifest.scripts;
  delete manifest.devDependencies;
  const [, version] = /^version = "(.*)"$/m.exec(cargo);
  if (manifest.version !== version) {
    throw new Error(`package.json says ${manifest.version}, and Cargo.toml says ${version}: npm version ${version}`);
  }
  const [, url] = /^repository = "(.*)"$/m.exec(cargo) ?? [];
  return {
    manifest: url === undefined ? manifest : { ...manifest, repository: { type: "git", url } },
    hasRepository: url !== undefined,
  };
}

function copy(from, to) {
  const file = path.join(stage, to);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.copyFileSync(from, file);
}
