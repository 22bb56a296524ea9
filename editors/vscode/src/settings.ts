// What the server is told of the settings. It refuses names that it does not know, and the section has more.

const FOR_THE_SERVER = ["select", "ignore", "pedantic", "config", "isolated", "inlayHints", "debounce"];

/** The name of the section. */
export const SECTION = "tallylint";

/** The part of the section that is for the server. */
export function forServer(section: unknown): Record<string, unknown> {
  const all = typeof section === "object" && section !== null ? Object.entries(section) : [];
  // An empty path is what an empty field of the settings page leaves.
  return Object.fromEntries(
    all.filter(([name, value]) => FOR_THE_SERVER.includes(name) && !(name === "config" && value === "")),
  );
}

/** The answer to `workspace/configuration`: what was asked for, in the same order. */
export function answer(
  items: readonly { readonly section?: string | undefined }[],
  values: readonly unknown[],
): unknown[] {
  return values.map((value, at) => (items[at]?.section === SECTION ? forServer(value) : value));
}
