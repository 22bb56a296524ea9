// Bundles the extension into dist/extension.js, with the licences of what is in it, and the tests into out/.
import fs from "node:fs";
import path from "node:path";
import { build } from "esbuild";

const common = { bundle: true, platform: "node", format: "cjs", target: "node20", external: ["vscode"] };

fs.rmSync("dist", { recursive: true, force: true });
const made = await build({
  ...common,
  entryPoints: ["src/extension.ts"],
  outfile: "dist/extension.js",
  minify: true,
  metafile: true,
  // The licences are in a file of their own.
  legalComments: "none",
});
fs.writeFileSync("dist/third-party-licenses.txt", licences(Object.keys(made.metafile.inputs)));

fs.rmSync("out", { recursive: true, force: true });
await build({
  ...common,
  entryPoints: fs.readdirSync("test", { withFileTypes: true }).flatMap((entry) => {
    return entry.name.endsWith(".test.ts") ? [path.join("test", entry.name)] : [];
  }),
  outdir: "out",
  sourcemap: "inline",
});

/** The licences of the packages that files come from. */
function licences(files) {
  const folders = files.flatMap((file) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? []);
  const parts = [...new Set(folders)].sort().map((folder) => {
    const { name, version, license } = JSON.parse(fs.readFileSync(path.join(folder, "package.json"), "utf8"));
    const file = fs.readdirSync(folder).find((name) => /^licen[cs]e/i.test(name));
    if (file === undefined) {
      throw new Error(`${folder} has no licence`);
    }
    return `${name} ${version} (${license})\n\n${fs.readFileSync(path.join(folder, file), "utf8").trim()}\n`;
  });
  return parts.join(`\n${"-".repeat(80)}\n\n`);
}
