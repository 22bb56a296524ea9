// Runs the analysis beside the page, so that the page can end it.

import { instantiate, Trap } from "./module.js";

let module;
let instance;

/** The compressed module, as text, compiled while it is decompressed. */
async function compile(text) {
  const bytes = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
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
