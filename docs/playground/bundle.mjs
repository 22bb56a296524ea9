// Bundles the page into a folder: index.html, playground.css, playground.js, licences.txt, and the module as a script, because
// a page that is opened from a file may fetch nothing.
//
// node bundle.mjs MODULE.wasm FOLDER

import { build } from "esbuild";
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

import { instantiate } from "./page/module.js";

const here = dirname(fileURLToPath(import.meta.url));
const [wasm, folder] = process.argv.slice(2);
const bytes = await readFile(wasm);
const { catalogue } = await instantiate(await WebAssembly.compile(bytes));

const common = {
  bundle: true,
  charset: "utf8",
  format: "iife",
  legalComments: "none",
  logLevel: "warning",
  minify: true,
  target: ["chrome123", "firefox120", "safari17.5"],
};

/** What main.js imports that is made here: the examples, and the code of the worker as a text. */
const made = {
  name: "made",
  setup(builder) {
    builder.onResolve({ filter: /^(catalogue|worker)$/ }, ({ path }) => ({ path, namespace: "made" }));
    builder.onLoad({ filter: /^catalogue$/, namespace: "made" }, () => ({
      contents: JSON.stringify(catalogue()),
      loader: "json",
    }));
    builder.onLoad({ filter: /^worker$/, namespace: "made" }, async () => {
      const worker = { ...common, entryPoints: [join(here, "page/worker.js")], write: false };
      return { contents: (await build(worker)).outputFiles[0].text, loader: "text" };
    });
  },
};

/** The licences of the packages that these files come from: they want to be passed on. */
async function licences(files) {
  const packages = files.flatMap((file) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1] ?? []);
  const texts = [...new Set(packages)].sort().map(async (name) => {
    const text = await readFile(join(here, "node_modules", name, "LICENSE"), "utf8");
    return `${name}\n\n${text.trim()}\n`;
  });
  return (await Promise.all(texts)).join("\n\n");
}

await mkdir(folder, { recursive: true });
const { metafile } = await build({
  ...common,
  entryPoints: [join(here, "page/main.js")],
  metafile: true,
  outfile: join(folder, "playground.js"),
  plugins: [made],
});
await writeFile(join(folder, "licences.txt"), await licences(Object.keys(metafile.inputs)));
await build({
  entryPoints: [join(here, "page/playground.css")],
  minify: true,
  outfile: join(folder, "playground.css"),
  target: common.target,
});
await copyFile(join(here, "index.html"), join(folder, "index.html"));
const text = gzipSync(bytes, { level: 9 }).toString("base64");
await writeFile(join(folder, "analysis.js"), `globalThis.tallylintModule="${text}"\n`);
