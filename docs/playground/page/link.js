// A link that carries the code: all of it is in the fragment, which no browser sends to a server.

const VERSION = "v1.";
/** More is not read from a link, in bytes: a short link can unpack to anything. */
const LARGEST = 1024 * 1024;

/** The fragment, without the `#`, for `{file, source, configuration}`. */
export async function pack(shown) {
  const bytes = new TextEncoder().encode(JSON.stringify(shown));
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("deflate-raw"));
  const packed = new Uint8Array(await new Response(stream).arrayBuffer());
  const chunks = [];
  for (let at = 0; at < packed.length; at += 0x8000) {
    chunks.push(String.fromCharCode(...packed.subarray(at, at + 0x8000)));
  }
  const base64 = btoa(chunks.join(""));
  return VERSION + base64.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** What a fragment carries; null if it is not the fragment of such a link. Throws if it is damaged. */
export async function unpack(fragment) {
  if (!fragment.startsWith(VERSION)) return null;
  const base64 = fragment.slice(VERSION.length).replaceAll("-", "+").replaceAll("_", "/");
  const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  const chunks = [];
  let size = 0;
  const reader = stream.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    size += part.value.length;
    if (size > LARGEST) {
      await reader.cancel();
      throw new Error("it carries too much");
    }
    chunks.push(part.value);
  }
  const text = await new Blob(chunks).text();
  const { file, source, configuration } = JSON.parse(text);
  if (![file, source, configuration].every((part) => typeof part === "string")) {
    throw new Error("a part is missing");
  }
  return { file, source, configuration };
}
