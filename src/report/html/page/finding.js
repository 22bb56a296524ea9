// One finding: what it says, the path, what to do.

const severityTag = (severity) => make("span", { class: `badge ${severity}` }, severity);

function tagsOf(finding) {
  const tags = [];
  if (finding.trend) tags.push(make("span", { class: `tag ${finding.trend}` }, TRENDS[finding.trend]));
  if (finding.status !== "open") tags.push(make("span", { class: "tag" }, STATUSES[finding.status]));
  return tags;
}

/** The change of a fix, as a patch. */
function patchOf(fix) {
  const safety = fix.safety === "safe" ? "it cannot make anything worse" : "it changes what the program does";
  const sign = { "+": "added", "-": "removed", " ": "kept" };
  const words = { "+": "added: ", "-": "removed: " };
  const hunks = fix.hunks.map(([place, lines]) =>
    make(
      "figure",
      { class: "patch" },
      make("figcaption", {}, shownPlace(placed(place)), placeLinks(placed(place))),
      make(
        "pre",
        { tabindex: "0", role: "group", "aria-label": `Patch of ${shownPlace(placed(place))}` },
        lines.map((line) => make("span", { class: sign[line[0]] }, words[line[0]] && make("span", { class: "hidden" }, words[line[0]]), line)),
      ),
    ),
  );
  return make("section", { class: "fix" }, make("h3", {}, "Fix"), make("p", {}, prose(fix.message), ` (${safety})`), hunks);
}

/** The view of a finding. `step` is where the walk begins. */
class FindingView {
  constructor(finding, { step = 0 } = {}) {
    this.finding = finding;
    this.step = step;
    this.graphs = (finding.flows ?? []).map((flow, number) => new Graph(finding, flow, number, (step) => this.go(step)));
    this.source = sourceOf(finding, (number) => this.go(number, { reveal: false }));
    this.element = this.#whole();
    this.#mark(false);
  }

  /** Goes on by so many steps; true if there are any. */
  move(by) {
    const count = this.finding.steps.length;
    if (count === 0) return false;
    const start = this.step === 0 && by < 0 ? count + 1 : this.step;
    this.go(Math.min(Math.max(start + by, 1), count));
    return true;
  }

  go(number, { reveal = true } = {}) {
    this.step = number;
    this.#mark(reveal);
  }

  #mark(reveal) {
    const { steps } = this.finding;
    this.source.choose(this.step, { reveal });
    if (steps.length === 0) return;
    const step = steps[this.step - 1];
    for (const graph of this.graphs) graph.choose(step);
    const where = step ? `Step ${this.step} of ${steps.length}` : plural(steps.length, "step");
    this.where.textContent = where;
    this.said.replaceChildren(...(step ? prose(step.message) : ["Walk the path with the arrow keys ← and →"]).map((part) => (part instanceof Node ? part : visible(part))));
    this.back.disabled = this.step === 1;
    this.next.disabled = this.step === steps.length;
  }

  #walker() {
    const button = (label, name, by) => make("button", { type: "button", class: "square", "aria-label": label, title: label, onclick: () => this.move(by) }, icon(name));
    this.back = button("Previous step", "back", -1);
    this.next = button("Next step", "next", 1);
    this.where = make("strong", {});
    this.said = make("span", { class: "said" });
    return make("div", { class: "walker" }, this.back, this.next, make("p", { "aria-live": "polite" }, this.where, " ", this.said));
  }

  #whole() {
    const { finding } = this;
    const place = shownPlace(finding.place);
    return make(
      "article",
      { class: `finding ${finding.severity}`, "aria-labelledby": "finding-title" },
      make("p", { class: "over" }, severityTag(finding.severity), link(`#/rule/${finding.rule}`, { title: "What this rule looks for" }, finding.code), tagsOf(finding)),
      make("h2", { id: "finding-title", tabindex: "-1" }, prose(finding.message)),
      make("p", { class: "where" }, make("code", {}, place), placeLinks(finding.place), finding.symbol && make("span", {}, "in ", this.#symbol())),
      finding.reason && make("p", { class: "reason" }, "Ignored because: ", finding.reason),
      make(
        "section",
        { class: "way-there" },
        make("h3", {}, finding.steps.length ? "How execution gets there" : "Where it is"),
        finding.steps.length ? this.#walker() : null,
        this.source.box,
      ),
      make(
        "div",
        { class: "advice" },
        finding.help && make("p", { class: "help" }, make("strong", {}, "Help: "), prose(finding.help)),
        finding.notes.map((note) => make("p", { class: "note" }, make("strong", {}, "Note: "), prose(note))),
      ),
      finding.fix ? patchOf(finding.fix) : null,
      this.graphs.length ? this.#flows() : null,
      make("p", { class: "small-print" }, "Fingerprint ", make("code", {}, finding.fingerprint)),
    );
  }

  /** The graphs of the functions that the path goes through: those of helpers are folded until the path enters them. */
  #flows() {
    const dims = this.graphs.some(({ flow }) => flow.blocks.some((block) => !block.feasible) || flow.edges.some(([, , , feasible]) => !feasible));
    const [outer, ...helpers] = this.graphs;
    return make(
      "section",
      { class: "graph" },
      make("h3", {}, "Control flow of ", make("code", {}, outer.flow.function)),
      make("p", { class: "quiet" }, "The path of this finding is in colour", dims && "; what the analysis found no way to take is dimmed", "."),
      outer.box,
      helpers.map((graph) => graph.folded()),
    );
  }

  /** The view is on the page now. */
  shown() {
    for (const graph of this.graphs) graph.show(".block");
  }

  /** The method, with a link to its exits if there are any. */
  #symbol() {
    const { symbol } = this.finding;
    const listed = report.checklist.some((duty) => duty.symbol === symbol);
    const code = make("code", {}, symbol);
    return listed ? link(`#/exits?${new URLSearchParams({ words: symbol, all: "1" })}`, { title: "All exits of this method" }, code) : code;
  }
}
