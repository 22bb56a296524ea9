// The examples of the rule pages: one rule at a time, each example one click away.

import { make, prose } from "./dom.js";
import { languageOf } from "./editor.js";

/** An example with more kinds of findings tells only how many. */
const MOST_NAMED = 2;

/** Fills `select` with the rules and `chips` with the examples of the chosen one. */
export class Examples {
  #rules;
  #select;
  #chips;
  #intro;
  #chosen;

  /** `chosen({file, source, configuration})` hears of every choice. */
  constructor({ rules, select, chips, intro, chosen }) {
    this.#rules = rules;
    this.#select = select;
    this.#chips = chips;
    this.#intro = intro;
    this.#chosen = chosen;
    select.append(...rules.map(({ id }) => make("option", { value: id }, id)));
    select.addEventListener("change", () => this.open(select.value, 0));
  }

  /** The rule with this id. */
  has(id) {
    return this.#rules.some((rule) => rule.id === id);
  }

  /** Shows the examples of a rule, and the one with this number in the editor. */
  open(id, number) {
    this.#show(id, number);
    const { file, code } = this.#rule(id).examples[number];
    this.#chosen({ file, source: code, configuration: "" });
  }

  /** The code is no example any more. */
  forget() {
    for (const chip of this.#chips.querySelectorAll("button")) chip.setAttribute("aria-pressed", "false");
    this.#intro.replaceChildren();
  }

  /** Shows the examples of the first rule, and none of them in the editor. */
  list() {
    this.#show(this.#rules[0].id, null);
  }

  #rule(id) {
    return this.#rules.find((rule) => rule.id === id);
  }

  #show(id, number) {
    this.#select.value = id;
    const { examples, summary } = this.#rule(id);
    this.#chips.setAttribute("aria-label", `Examples of ${id}`);
    this.#chips.replaceChildren(...examples.map((example, at) => this.#chip(id, example, at, at === number)));
    const intro = number === null ? `${summary}.` : examples[number].intro.replace(/:$/, ".");
    this.#intro.replaceChildren(...prose(intro));
  }

  #chip(id, { file, kinds }, at, pressed) {
    const language = languageOf(file);
    const different = [...new Set(kinds)];
    const several = different.length > MOST_NAMED ? `${different.length} kinds` : different.join(", ");
    const what = several || "no finding";
    return make(
      "button",
      { type: "button", "aria-pressed": String(pressed), class: "chip", onclick: () => this.#press(id, at) },
      make("span", { class: `dot ${kinds.length > 0 ? "bad" : "good"}`, "aria-hidden": "true" }),
      what,
      // Most are in Python.
      language === "rust" ? make("span", { class: "language" }, "Rust") : null,
    );
  }

  #press(id, at) {
    this.open(id, at);
    this.#chips.querySelectorAll("button")[at].focus();
  }
}
