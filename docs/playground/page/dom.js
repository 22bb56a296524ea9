// Elements, made so that no text can become markup.

/** An element with attributes, listeners (`onclick`) and children; texts stay texts. */
export function make(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value != null) made.setAttribute(key, value);
  }
  made.append(...children.flat().filter((child) => child != null));
  return made;
}

/** A text in which what stands between backticks is code, and the rest of Markdown is left out. */
export function prose(text) {
  const plain = (part) => part.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").replaceAll("**", "");
  return text.split("`").map((part, at) => (at % 2 ? make("code", {}, part) : plain(part)));
}

/** `1 finding`, `2 findings`. */
export const plural = (count, what) => `${count} ${what}${count === 1 ? "" : "s"}`;
