// Draws icon.svg as icon.png: `node icon.mjs`. With `--check` it fails unless the file has these bytes already.
import fs from "node:fs";
import { createRequire } from "node:module";
import { initWasm, Resvg } from "@resvg/resvg-wasm";

await initWasm(fs.readFileSync(createRequire(import.meta.url).resolve("@resvg/resvg-wasm/index_bg.wasm")));
const drawn = new Resvg(fs.readFileSync("icon.svg", "utf8"), { fitTo: { mode: "width", value: 256 } }).render().asPng();
if (!process.argv.includes("--check")) {
  fs.writeFileSync("icon.png", drawn);
} else if (!fs.readFileSync("icon.png").equals(Buffer.from(drawn))) {
  console.error("error: icon.png is not icon.svg: node icon.mjs");
  process.exitCode = 1;
}
