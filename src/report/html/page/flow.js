// The control-flow graph of a finding. dagre finds the places; what is in it was found by the engine.

/** The width of a character of code, the height of a line, and the room around a text, in pixels. */
const CHARACTER = 7.25;
const ROW = 17;
const ROOM = 8;
/** So much of a block is told, in lines and characters. */
const MOST_ROWS = 4;
const MOST_CHARACTERS = 44;

const cropped = (text) => ([...text].length > MOST_CHARACTERS ? `${[...text].slice(0, MOST_CHARACTERS - 1).join("")}…` : text);

/** The text of an extent on one line. */
function textOf(file, [line, column, endLine, endColumn]) {
  const parts = [];
  for (let at = line; at <= endLine; at += 1) {
    const chars = [...(linesIn(file).get(at) ?? "")];
    parts.push(chars.slice(at === line ? column - 1 : 0, at === endLine ? endColumn - 1 : undefined).join("").trim());
  }
  return parts.join(" ");
}

/** The rows of a block: its code line by line, what it tests, how it ends. */
function rowsOfBlock(flow, block) {
  const rows = [];
  if (block.code) {
    const [first, , last] = block.code;
    for (let line = first; line <= last; line += 1) {
      const text = (linesIn(flow.file).get(line) ?? "").trim();
      // What is tested on the same line is told below.
      if (text && !(block.test && line === block.test[0])) rows.push({ line, text: cropped(text), kind: "code" });
    }
    if (rows.length > MOST_ROWS) {
      const left = rows.length - MOST_ROWS + 1;
      rows.splice(MOST_ROWS - 2, left, { line: "", text: `⋯ ${plural(left, "line")}`, kind: "gap" });
    }
  }
  if (block.test) {
    const asks = flow.edges.some(([from, , when]) => when === "true" && flow.blocks[from] === block);
    rows.push({ line: block.test[0], text: `${cropped(textOf(flow.file, block.test))}${asks ? " ?" : ""}`, kind: "test" });
  }
  if (block.leaves && !block.code) rows.push({ line: "", text: block.leaves === "returns" ? "end of the function" : "raises", kind: "gap" });
  return rows;
}

/** A line through points, with rounded corners. */
function smooth(points) {
  const [first, ...rest] = points;
  let d = `M${first.x} ${first.y}`;
  for (let at = 0; at < rest.length - 1; at += 1) {
    const [here, next] = [rest[at], rest[at + 1]];
    d += ` Q${here.x} ${here.y} ${(here.x + next.x) / 2} ${(here.y + next.y) / 2}`;
  }
  const end = rest.at(-1);
  return `${d} L${end.x} ${end.y}`;
}

/** The head of an arrow that ends at the last point. */
function head(points, kind) {
  const [from, to] = points.slice(-2);
  const length = Math.hypot(to.x - from.x, to.y - from.y) || 1;
  const [dx, dy] = [(to.x - from.x) / length, (to.y - from.y) / length];
  const corner = (side) => `${to.x - 8 * dx - 4 * side * dy} ${to.y - 8 * dy + 4 * side * dx}`;
  return drawn("path", { class: `arrow ${kind}`, d: `M${to.x} ${to.y} L${corner(1)} L${corner(-1)} Z` });
}

/** The drawing of a graph, which is one of several on the page; `step(block)` is called when a block is clicked. */
function flowOf(flow, number, step) {
  const graph = new dagre.graphlib.Graph({ multigraph: true });
  graph.setGraph({ nodesep: 26, ranksep: 34, edgesep: 14, marginx: 8, marginy: 8 });
  const told = flow.blocks.map((block) => rowsOfBlock(flow, block));
  told.forEach((rows, at) => {
    const widest = Math.max(0, ...rows.map(({ text, line }) => [...`${line} ${text}`].length));
    const size = rows.length === 0 ? { width: 14, height: 14 } : { width: widest * CHARACTER + 2 * ROOM + 6, height: rows.length * ROW + ROOM };
    graph.setNode(String(at), size);
  });
  flow.edges.forEach(([from, to, when], at) => {
    graph.setEdge(String(from), String(to), { width: when ? when.length * 6.5 + 8 : 0, height: when ? 14 : 0, labelpos: "c" }, String(at));
  });
  dagre.layout(graph);
  const way = new Set(flow.path.slice(1).map((to, at) => `${flow.path[at]} ${to}`));
  const edges = flow.edges.map(([from, to, when, feasible], at) => {
    const { points, x, y } = graph.edge(String(from), String(to), String(at));
    const kind = `${feasible ? "" : "dim"}${feasible && way.has(`${from} ${to}`) ? "bad" : ""}${when === "raises" ? " raising" : ""}`;
    const label = when && drawn("text", { class: `when ${kind}`, x, y, "text-anchor": "middle", "dominant-baseline": "central" }, when);
    return { kind, parts: [drawn("path", { class: `edge ${kind}`, d: smooth(points) }), head(points, kind), label] };
  });
  const nodes = flow.blocks.map((block, at) => {
    const { x, y, width, height } = graph.node(String(at));
    const isOn = flow.path.includes(at);
    const isLast = at === flow.path.at(-1);
    const kind = `${block.feasible ? "" : "dim"}${isOn ? "bad" : ""}${isLast ? " last" : ""}`;
    const [left, top] = [x - width / 2, y - height / 2];
    const extent = block.test ?? block.code;
    const node = drawn("g", { class: `block ${kind}`, "data-lines": [block.code, block.test].filter(Boolean).map(([from, , to]) => `${from}-${to}`).join(" ") });
    node.append(drawn("rect", { x: left, y: top, width, height, rx: told[at].length ? 6 : 7 }));
    told[at].forEach(({ line, text, kind }, row) => {
      const base = top + ROOM / 2 + (row + 0.5) * ROW;
      const number = drawn("tspan", { class: "at" }, line === "" ? "" : `${line} `);
      node.append(drawn("text", { class: kind, x: left + ROOM, y: base, "dominant-baseline": "central" }, number, text));
    });
    if (extent) node.addEventListener("click", () => step(block));
    return node;
  });
  const { width, height } = graph.graph();
  // What matters is drawn last.
  edges.sort((a, b) => (a.kind.includes("bad") ? 1 : 0) - (b.kind.includes("bad") ? 1 : 0));
  const svg = drawn(
    "svg",
    { class: "flow", role: "img", "aria-labelledby": `flow-title-${number} flow-told-${number}`, width, height, viewBox: `0 0 ${width} ${height}` },
    drawn("title", { id: `flow-title-${number}` }, `Control flow of ${flow.function}`),
    drawn("desc", { id: `flow-told-${number}` }, pathInWords(flow, told)),
    edges.map(({ parts }) => parts),
    nodes,
  );
  return svg;
}

/** The path through the graph for those who do not see it. */
function pathInWords(flow, told) {
  const words = flow.path.map((at) => told[at].at(-1)).filter(Boolean).map(({ line, text }) => (line === "" ? text : `line ${line}: ${text}`));
  const dim = flow.blocks.filter((block) => !block.feasible).length;
  return `The path: ${words.join("; ")}. ${dim ? `${plural(dim, "block")} cannot be reached.` : ""}`;
}

/** Whether a step is in a block. */
const isWithin = (node, line) => node.dataset.lines.split(" ").filter(Boolean).some((lines) => {
  const [from, to] = lines.split("-").map(Number);
  return from <= line && line <= to;
});

/** The graph of one function of a finding; drawn when it is first seen. */
class Graph {
  constructor(finding, flow, number, go) {
    this.finding = finding;
    this.flow = flow;
    this.go = go;
    this.number = number;
    this.box = make("div", { class: "drawing", tabindex: "0", role: "group", "aria-label": `Drawing of ${flow.function}` });
    if (number === 0) this.#draw();
  }

  /** Behind a line that unfolds it. */
  folded() {
    const summary = make("summary", {}, "Control flow of ", make("code", {}, this.flow.function), ", which the path enters");
    this.fold = make("details", { class: "inner" }, summary, this.box);
    this.fold.addEventListener("toggle", () => {
      if (!this.fold.open) return;
      this.#draw();
      this.choose(this.step);
    });
    return this.fold;
  }

  #draw() {
    if (this.box.firstChild) return;
    this.box.append(flowOf(this.flow, this.number, (block) => {
      const [from, , to] = block.test ?? block.code;
      const isThere = ({ place }) => place.file === this.flow.file && from <= place.line && place.line <= to;
      const step = this.finding.steps.find(isThere);
      if (step) this.go(step.number);
    }));
  }

  /** Whether a step is on the way through the graph. */
  #has({ place }) {
    const isOn = (extent) => extent && extent[0] <= place.line && place.line <= extent[2];
    return place.file === this.flow.file && this.flow.path.some((at) => isOn(this.flow.blocks[at].code) || isOn(this.flow.blocks[at].test));
  }

  /** Marks where a step is. If that is in here, the graph unfolds. */
  choose(step) {
    this.step = step;
    if (this.fold && step && this.#has(step)) {
      this.fold.open = true;
      this.#draw();
    }
    for (const node of this.box.querySelectorAll(".block")) {
      const here = step && step.place.file === this.flow.file && isWithin(node, step.place.line) && node.matches(".bad");
      node.classList.toggle("current", Boolean(here));
    }
    this.show(".block.current");
  }

  /** Scrolls the drawing, and nothing else, to a block. */
  show(which) {
    const block = this.box.querySelector(which)?.getBoundingClientRect();
    if (!block || !this.box.isConnected) return;
    const around = this.box.getBoundingClientRect();
    const middle = (start, size, from, room) => start + size / 2 - from - room / 2;
    this.box.scrollBy(middle(block.left, block.width, around.left, around.width), middle(block.top, block.height, around.top, around.height));
  }
}
