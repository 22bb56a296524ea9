// The findings beside the code, with the steps of the chosen one.

import { make, plural, prose } from "./dom.js";

/** Where the page of a rule is on the site. */
const pageOf = (rule) => `../rules/${rule}.html`;

/**
 * Shows what a check came to in `list`, and its summary in `status`. `chosen` hears of every choice:
 * `chosen(finding, step, {reveal})`; `fixed` of a fix that is to be applied.
 */
export class Findings {
  #list;
  #status;
  #chosen;
  #fixed;
  #findings = [];
  #broken = [];
  #current = null;
  #step = null;

  constructor({ list, status, chosen, fixed }) {
    this.#list = list;
    this.#status = status;
    this.#chosen = chosen;
    this.#fixed = fixed;
    list.addEventListener("keydown", (event) => this.#walk(event));
  }

  get all() {
    return this.#findings;
  }

  /** Where the code cannot be read: `{line, column}`. */
  get broken() {
    return this.#broken;
  }

  /** A report in the format `json`. The finding that was chosen stays chosen if it is still there. */
  report(report, took) {
    const before = this.#current?.fingerprint;
    this.#findings = report.findings;
    const [failed] = report.files.failed;
    this.#broken = report.files.failed.flatMap(({ reason }) => {
      const [, line, column] = /^line (\d+), column (\d+)/.exec(reason) ?? [];
      return line ? [{ line: Number(line), column: Number(column) }] : [];
    });
    this.#say(failed ? "Not everything can be read" : summary(report), failed ? "error" : "");
    const items = report.files.failed.map(({ reason }) => alert(`The code cannot be read: ${reason}.`));
    items.push(...report.findings.map((finding, at) => this.#item(finding, at)));
    if (items.length === 0) items.push(make("p", { class: "hint" }, prose(nothingFound(report))));
    if (report.suppressed.length > 0) items.push(suppressed(report.suppressed));
    items.push(make("p", { class: "took" }, `checked in ${Math.max(1, Math.round(took))} ms`));
    this.#list.replaceChildren(...items);
    const again = this.#findings.find((finding) => finding.fingerprint === before);
    this.choose(again ?? worst(this.#findings), null, { reveal: false });
  }

  /** Something that kept the code from being checked. */
  problem(title, ...children) {
    this.#findings = [];
    this.#broken = [];
    this.#say(title, "error");
    this.#list.replaceChildren(alert(...children));
    this.choose(null, null, { reveal: false });
  }

  /** The code has changed since: until the next check, no fix fits it. */
  outdated() {
    for (const button of this.#list.querySelectorAll(".fix button")) button.disabled = true;
  }

  /** Chooses a finding and, if it is not null, the number of a step of its path. */
  choose(finding, step, { reveal = true } = {}) {
    this.#current = finding;
    this.#step = step;
    for (const item of this.#list.querySelectorAll(".item")) {
      const current = this.#findings[Number(item.dataset.at)] === finding;
      item.classList.toggle("current", current);
      item.querySelector(".head").setAttribute("aria-expanded", String(current));
      item.querySelectorAll(".steps button").forEach((button, at) => {
        const here = current && at === step;
        button.classList.toggle("current", here);
        button.setAttribute("aria-current", here ? "step" : "false");
        button.tabIndex = current && at === (step ?? 0) ? 0 : -1;
      });
    }
    this.#chosen(finding, step, { reveal });
  }

  /** Goes to the next step, or with -1 to the one before. */
  move(by) {
    const steps = this.#current?.steps ?? [];
    if (steps.length === 0) return;
    const start = by > 0 ? -1 : steps.length;
    const to = Math.min(Math.max((this.#step ?? start) + by, 0), steps.length - 1);
    this.choose(this.#current, to);
  }

  /** Goes to the next finding, or with -1 to the one before, and round. */
  moveFinding(by) {
    const count = this.#findings.length;
    if (count === 0) return;
    const at = this.#findings.indexOf(this.#current);
    this.choose(this.#findings[(at + by + count) % count], null);
  }

  /** Chooses the step with this number of the finding that is shown. */
  step(at) {
    this.choose(this.#current, at);
  }

  #say(text, kind) {
    this.#status.textContent = text;
    this.#status.className = kind;
  }

  #item(finding, at) {
    const { rule, kind, severity, message, line, help, notes, fix, steps } = finding;
    const head = make(
      "button",
      {
        type: "button",
        class: "head",
        "aria-expanded": "false",
        onclick: () => this.choose(finding, null),
      },
      make("span", { class: `badge ${severity}` }, severity),
      make("span", { class: "line" }, `line ${line}`),
      make("span", { class: "message" }, prose(message)),
    );
    const more = [
      make("p", { class: "help" }, make("strong", {}, "Help: "), prose(help)),
      ...notes.map((note) => make("p", { class: "note" }, prose(note))),
      fix && this.#fix(fix),
    ];
    const path = steps.length > 0 && [
      make(
        "div",
        { class: "walk" },
        make("h3", {}, "How execution gets there"),
        this.#mover("Previous step", "↑", -1),
        this.#mover("Next step", "↓", 1),
      ),
      make("ol", { class: "steps" }, ...steps.map((step, number) => this.#stepItem(finding, step, number))),
    ];
    return make(
      "article",
      { class: `item ${severity}`, "data-at": at },
      head,
      make(
        "div",
        { class: "body" },
        make("p", { class: "kind" }, make("a", { href: pageOf(rule) }, rule), ` / ${kind}`),
        ...(path || []),
        ...more,
      ),
    );
  }

  #mover(label, text, by) {
    return make("button", { type: "button", class: "small", "aria-label": label, onclick: () => this.move(by) }, text);
  }

  #stepItem(finding, { line, message }, number) {
    const here = () => this.choose(finding, number);
    const button = make(
      "button",
      { type: "button", onclick: here, onmouseenter: () => this.choose(finding, number, { reveal: false }) },
      make("span", { class: "number", "aria-hidden": "true" }, String(number + 1)),
      make("span", { class: "text" }, prose(message)),
      make("span", { class: "line" }, `line ${line}`),
    );
    return make("li", {}, button);
  }

  #fix(fix) {
    const what = fix.safety === "safe" ? "Apply the fix" : "Apply the fix (it changes what the code does)";
    const button = make("button", { type: "button", class: "small", onclick: () => this.#fixed(fix) }, what);
    return make("p", { class: "fix" }, make("strong", {}, "Fix: "), prose(fix.message), " ", button);
  }

  #walk(event) {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!by || !event.target.closest(".steps")) return;
    event.preventDefault();
    this.move(by);
    this.#list.querySelector(".item.current .steps .current")?.focus();
  }
}

const alert = (...children) => make("div", { class: "alert", role: "alert" }, ...children);

function summary(report) {
  const count = report.findings.length;
  if (count === 0) return "No finding";
  const { severity } = worst(report.findings);
  const of = report.findings.filter((finding) => finding.severity === severity).length;
  return count === of ? plural(count, severity) : `${plural(count, "finding")}, ${plural(of, severity)}`;
}

/** The first of the worst findings; null if there is none. */
function worst(findings) {
  const of = (severity) => findings.find((finding) => finding.severity === severity);
  return of("error") ?? of("warning") ?? of("note") ?? null;
}

function nothingFound({ processors, outside }) {
  const looked = [];
  if (processors > 0) looked.push(`${plural(processors, "method")} under a contract`);
  if (outside?.writing > 0) looked.push(`${plural(outside.writing, "function")} that may lose the failure of a write`);
  if (looked.length > 0) return `Looked at ${looked.join(" and ")}: every path that was followed keeps what it owes.`;
  return "No method here is under a contract, and no function catches errors around a write. Rules that look elsewhere \
found nothing either.";
}

function suppressed(findings) {
  const items = findings.map(({ rule, kind, line, reason, message }) =>
    make("li", {}, `${rule}/${kind}, line ${line}: `, prose(message), reason ? ` (${reason})` : ""),
  );
  const title = `${plural(findings.length, "finding")} ignored by a comment`;
  return make("details", { class: "suppressed" }, make("summary", {}, title), make("ul", {}, ...items));
}
