// The path of a finding, drawn in a column beside the code: a numbered node at the line of each step, and the way
// between them.

import { gutter, ViewPlugin } from "@codemirror/view";

const SVG = "http://www.w3.org/2000/svg";
const RADIUS = 8;
/** The distance between nodes on the same line, which stand beside each other. */
const BESIDE = 2 * RADIUS + 3;
/** How far a way back swings out. */
const SWING = 14;
/** More nodes on one line are drawn above each other. */
const MOST_BESIDE = 3;

/**
 * The column, drawn from what `field` holds. `stepped` gets the number of the step whose node
 * is clicked, or null for the finding.
 */
export function drawnPath(field, stepped) {
  const plugin = ViewPlugin.fromClass(
    class {
      constructor(view) {
        this.view = view;
        this.svg = element("svg", { class: "path", "aria-hidden": "true" });
        this.plan();
      }

      update(update) {
        const changed = update.startState.field(field) !== update.state.field(field);
        if (changed || update.geometryChanged || update.docChanged) this.plan();
      }

      plan() {
        this.view.requestMeasure({
          key: this,
          read: (view) => places(view, view.state.field(field)),
          write: (found, view) => this.draw(found, view),
        });
      }

      draw({ nodes, height, width, step }, view) {
        const column = view.dom.querySelector(".path-column");
        if (!column) return;
        if (this.svg.parentNode !== column) column.append(this.svg);
        column.style.width = `${width}px`;
        this.svg.setAttribute("width", width);
        this.svg.setAttribute("height", height);
        const parts = nodes.slice(1).map((to, at) => way(nodes[at], to, at + 1 === step));
        this.svg.replaceChildren(...parts, ...nodes.map((node, at) => drawnNode(node, at, at === step, stepped)));
      }

      destroy() {
        this.svg.remove();
      }
    },
  );
  return [gutter({ class: "path-column" }), plugin];
}

function element(name, attributes, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** Where the nodes are; without a path the column takes no room. */
function places(view, { path, step }) {
  const height = view.contentHeight;
  if (path.length === 0) return { nodes: [], height, width: 0, step };
  const top = view.documentPadding.top + view.defaultLineHeight / 2;
  const onLine = new Map();
  const nodes = path.map(({ from, message }) => {
    const block = view.lineBlockAt(from);
    const before = onLine.get(block.from) ?? 0;
    onLine.set(block.from, before + 1);
    return { y: block.top + top, beside: Math.min(before, MOST_BESIDE - 1), line: block.from, message };
  });
  const goesBack = nodes.some((node, at) => at > 0 && node.y < nodes[at - 1].y);
  const most = Math.max(...nodes.map((node) => node.beside));
  const left = RADIUS + 4 + (goesBack ? SWING : 0);
  for (const node of nodes) node.x = left + node.beside * BESIDE;
  return { nodes, height, width: left + most * BESIDE + RADIUS + 4, step };
}

/** The way from one node to the next: a line downwards or aside, an arc to the left upwards. */
function way(from, to, current) {
  const kind = current ? "way current" : "way";
  if (from.line === to.line) {
    const [start, end] = [from.x + RADIUS, to.x - RADIUS];
    return element("path", { class: kind, d: `M${start} ${from.y} L${end} ${to.y}` });
  }
  const down = to.y > from.y;
  const [start, end] = down ? [from.y + RADIUS, to.y - RADIUS] : [from.y - RADIUS, to.y + RADIUS];
  if (!down) {
    const out = Math.min(from.x, to.x) - RADIUS - SWING;
    return element("path", {
      class: `${kind} back`,
      d: `M${from.x - RADIUS} ${from.y} C${out} ${from.y} ${out} ${to.y} ${to.x - RADIUS} ${to.y}`,
    });
  }
  const middle = (start + end) / 2;
  const d = `M${from.x} ${start} C${from.x} ${middle} ${to.x} ${middle} ${to.x} ${end}`;
  return element("path", { class: kind, d });
}

function drawnNode({ x, y, message }, at, current, stepped) {
  const label = message ? String(at + 1) : "!";
  const text = element("text", { x, y, "text-anchor": "middle", "dominant-baseline": "central" }, label);
  const title = element("title", {}, message ? `${label}: ${message}` : "the finding");
  const circle = element("circle", { cx: x, cy: y, r: RADIUS });
  const kind = `node${message ? "" : " end"}${current ? " current" : ""}`;
  const node = element("g", { class: kind }, title, circle, text);
  node.addEventListener("mousedown", (event) => {
    event.preventDefault();
    stepped(message ? at : null);
  });
  return node;
}
