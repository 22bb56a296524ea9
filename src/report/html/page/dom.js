// Elements, made so that no text can become markup.

/** Control characters and characters that turn the direction of writing, as something that can be seen. */
function visible(text) {
  return String(text).replace(/[\0-\x08\n-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, (c) => {
    const code = c.charCodeAt(0);
    if (code < 0x20) return String.fromCharCode(0x2400 + code);
    return code === 0x7f ? "\u2421" : "\ufffd";
  });
}

const SVG = "http://www.w3.org/2000/svg";

function filled(made, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value != null) made.setAttribute(key, value);
  }
  const texts = (child) => (child instanceof Node ? child : document.createTextNode(visible(child)));
  made.append(...children.flat(3).filter((child) => child != null && child !== false).map(texts));
  return made;
}

/** An element with attributes, listeners (`onclick`) and children; texts stay texts. */
const make = (name, attributes = {}, ...children) => filled(document.createElement(name), attributes, children);

/** The same for an element of a drawing. */
const drawn = (name, attributes = {}, ...children) => filled(document.createElementNS(SVG, name), attributes, children);

/** A text in which what stands between backticks is code. */
const prose = (text) => text.split("`").map((part, at) => (at % 2 ? make("code", {}, part) : part));

/** A text without its backticks. */
const plainly = (text) => visible(text.replaceAll("`", ""));

/** `1 finding`, `2 findings`. */
const plural = (count, what) => `${count.toLocaleString("en")} ${what}${count === 1 ? "" : "s"}`;

/** A link. What is shown elsewhere opens beside this page. */
function link(href, attributes, ...children) {
  const away = /^https?:/.test(href) ? { target: "_blank", rel: "noopener noreferrer" } : {};
  return make("a", { href, ...away, ...attributes }, ...children);
}

/** An icon, drawn with lines on a grid of 16 by 16. */
function icon(name) {
  const lines = {
    back: "M10 3 5 8l5 5",
    next: "M6 3l5 5-5 5",
    web: "M9 3h4v4M13 3 7 9M6 4H3v9h9v-3",
    editor: "M5 4 1 8l4 4M11 4l4 4-4 4M9 2 7 14",
  };
  return drawn("svg", { class: "icon", viewBox: "0 0 16 16", "aria-hidden": "true" }, drawn("path", { d: lines[name] }));
}

/**
 * A list whose items are made as they come into sight: `item(value)` for each of the values. It stays quick with many
 * thousands, and the last item leads to the others where nothing scrolls.
 */
function lazily(list, values, item, size = 100) {
  let shown = 0;
  const more = make("li", { class: "more" }, make("button", { type: "button", onclick: () => grow() }, "Show more"));
  const watch = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && grow());
  function grow(to = shown + size) {
    const end = Math.min(Math.max(to, 0), values.length);
    const items = values.slice(shown, end).map(item);
    shown = Math.max(shown, end);
    more.remove();
    list.append(...items);
    if (shown < values.length) list.append(more);
    // It tells only of changes, and the end may still be in sight.
    watch.unobserve(more);
    if (shown < values.length) watch.observe(more);
  }
  list.replaceChildren();
  grow();
  return { until: (at) => at >= shown && grow(at + 1), stop: () => watch.disconnect() };
}

/** What the browser remembers for this page; nothing where it may not. */
const memory = {
  get(key) {
    try {
      return localStorage.getItem(`tallylint.${key}`);
    } catch {
      return null;
    }
  },
  set(key, value) {
    try {
      localStorage.setItem(`tallylint.${key}`, value);
    } catch {
      // Then it is forgotten.
    }
  },
};
