// Runs the analysis beside the page, so that the page can end it.

import { instantiate, Trap } from "./module.js";

let module;
let instance;

/** The bytes of a long text in base64. */
function decode(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < binary.length; at += 1) bytes[at] = binary.charCodeAt(at);
  return bytes;
}

/** The compressed module, as text, compiled while it is decompressed. */
async function compile(text) {
  const stream = new Blob([decode(text)]).stream().pipeThrough(new DecompressionStream("gzip"));
  const headers = { "content-type": "application/wasm" };
  return WebAssembly.compileStreaming(new Response(stream, { headers }));
}

async function check(question) {
  instance ??= await instantiate(module);
  const start = performance.now();
  try {
    const answer = instance.check(question);
    return { answer, took: performance.now() - start };
  } catch (error) {
    // What is in its memory now is worth nothing.
    instance = undefined;
    if (!(error instanceof Trap)) throw error;
    return { trap: { message: error.message, panic: error.panic, tooDeep: error.tooDeep } };
  }
}

self.onmessage = async ({ data }) => {
  if (data.question) {
    self.postMessage(await check(data.question));
    return;
  }
  try {
    module = data.module ?? (await compile(data.text));
    instance = await instantiate(module);
    self.postMessage({ ready: module });
  } catch (error) {
    self.postMessage({ broken: String(error) });
  }
};
