// The module as the page has it.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";

/** The module on the page in this folder, compiled. */
export async function shipped(folder) {
  const script = await readFile(join(folder, "analysis.js"), "utf8");
  const [, text] = /="([^"]*)"/.exec(script);
  return WebAssembly.compile(gunzipSync(Buffer.from(text, "base64")));
}
