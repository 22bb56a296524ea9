// The code of a finding with its path drawn on it.

/** The text of a line, with what each of its steps is about marked. Columns count characters, not halves of them. */
function markedLine(row) {
  const chars = [...row.text];
  const spans = row.marks.map(({ place, number }) => {
    const end = place.endLine > place.line ? chars.length + 1 : place.endColumn;
    return { start: Math.min(place.column - 1, chars.length), end: Math.min(Math.max(end - 1, place.column - 1), chars.length), number };
  });
  const cuts = [...new Set([0, chars.length, ...spans.flatMap(({ start, end }) => [start, end])])].sort((a, b) => a - b);
  return cuts.slice(1).map((end, at) => {
    const start = cuts[at];
    const text = chars.slice(start, end).join("");
    const over = spans.filter((span) => span.start <= start && end <= span.end);
    if (over.length === 0) return text;
    return make("span", { class: "about", "data-steps": over.map(({ number }) => number).join(" ") }, text);
  });
}

/** What is drawn beside a row. */
function drawnPieces(pieces) {
  return pieces.map(({ kind, track, step }) => {
    const piece = make("span", { class: `way ${kind}`, "data-step": step });
    piece.style.setProperty("--track", track);
    return piece;
  });
}

const namedFrame = ({ file, from }) => `${report.files[file].path}:${from}`;

/** What is known of values after a step. What was known before is shown while the walk is there. */
function knownValues({ number, known }, steps) {
  const before = new Map(steps[number - 2]?.known ?? []);
  const value = ([name, is]) => make("span", { class: before.get(name) === is ? "before" : "" }, make("code", {}, name), `: ${is}`);
  return known.length > 0 && make("span", { class: "known" }, make("span", { class: "hidden" }, " Known: "), known.map(value));
}

/** The links of a place: to the web, if that is known, and to the editor. */
function placeLinks(place, name = shownPlace(place)) {
  const web = webLink(place);
  return [
    web && link(web, { class: "go", title: "Show on the web", "aria-label": `Show ${name} on the web` }, icon("web")),
    link(editorLink(place), { class: "go", title: "Open in the editor", "aria-label": `Open ${name} in the editor` }, icon("editor")),
  ];
}

/**
 * The source of a finding. `onstep` gets the number of a step that is chosen; `choose(number)` of what is returned
 * marks one.
 */
function sourceOf(finding, onstep) {
  const opened = new Set();
  const root = framesOf(finding);
  const box = make("div", { class: "source" });
  const count = finding.steps.length;
  let current = 0;

  function rowOf(row, pieces) {
    const path = make("span", { class: "path", "aria-hidden": "true" }, drawnPieces(pieces));
    const classes = `row ${row.kind}${row.depth ? " inner" : ""}`;
    switch (row.kind) {
      case "line": {
        const number = make("span", { class: "number", "aria-hidden": "true" }, row.number);
        const marked = row.marks.length ? " marked" : "";
        return make("div", { class: classes + marked }, path, number, make("code", {}, markedLine(row), row.text ? null : "\u200b"));
      }
      case "mark": {
        const { step } = row;
        if (step.number === 0) {
          return make("div", { class: `${classes} alone` }, path, make("span", { class: "node end", "aria-hidden": "true" }, "!"), make("span", { class: "said" }, prose(step.message)));
        }
        const isEnd = step.number === count;
        return make(
          "div",
          { class: classes, "data-step": step.number },
          path,
          make(
            "button",
            { type: "button", class: "stepped", onclick: () => onstep(step.number) },
            make("span", { class: "hidden" }, "Step "),
            make("span", { class: `node${isEnd ? " end" : ""}` }, step.number),
            make("span", { class: "hidden" }, ` of ${count}, ${shownPlace(step.place)}: `),
            make("span", { class: "said" }, prose(step.message), knownValues(step, finding.steps)),
          ),
        );
      }
      case "head":
        return make("div", { class: classes }, path, make("span", { class: "file" }, namedFrame(row.frame)), placeLinks({ file: row.frame.file, line: row.frame.from, column: 1 }));
      case "end":
        return make("div", { class: classes }, path);
      default: {
        const text = `${plural(row.count, "line")}`;
        const open = () => {
          opened.add(row.key);
          draw();
          choose(current);
        };
        const shown = row.known ? make("button", { type: "button", onclick: open, "aria-label": `Show ${text}` }, `⋯ ${text}`) : make("span", {}, `⋯ ${text} not in this report`);
        return make("div", { class: classes }, path, shown);
      }
    }
  }

  function draw() {
    const rows = rowsOf(root, opened);
    const { pieces, tracks } = waysOf(rows);
    box.style.setProperty("--tracks", tracks);
    box.replaceChildren(...rows.map((row, at) => rowOf(row, pieces[at])));
  }

  /** Marks a step, and shows it if asked to. */
  function choose(number, { reveal = false } = {}) {
    current = number;
    for (const way of box.querySelectorAll(".way")) way.classList.toggle("current", Number(way.dataset.step) === number);
    for (const about of box.querySelectorAll(".about")) {
      about.classList.toggle("current", about.dataset.steps.split(" ").includes(String(number)));
    }
    for (const mark of box.querySelectorAll(".mark[data-step]")) {
      const here = Number(mark.dataset.step) === number;
      mark.classList.toggle("current", here);
      const button = mark.querySelector("button");
      if (here) button.setAttribute("aria-current", "step");
      else button.removeAttribute("aria-current");
      if (here && reveal) mark.scrollIntoView({ block: "center", behavior: calm() ? "auto" : "smooth" });
    }
  }

  draw();
  return { box, choose };
}

/** Whether somebody asked for less motion. */
const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
