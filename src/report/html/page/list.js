// The findings that a query asks for, beside the one that is shown.

class ListView {
  constructor(query, changed) {
    this.query = query;
    this.changed = changed;
    this.found = asked(query);
    this.list = make("ol", { class: "items" });
    this.items = new Map();
    this.growing = lazily(this.list, this.found, (finding) => this.#item(finding));
    this.element = make(
      "section",
      { class: "list", "aria-label": "Findings" },
      this.#filters(),
      make("p", { class: "count", role: "status" }, this.found.length ? plural(this.found.length, "finding") : "Nothing that this asks for."),
      this.list,
    );
  }

  stop() {
    this.growing.stop();
  }

  /** Marks the finding that is shown, and shows its item. */
  choose(finding) {
    this.current?.removeAttribute("aria-current");
    const at = this.found.indexOf(finding);
    if (at < 0) return;
    this.growing.until(at);
    this.current = this.items.get(finding);
    this.current.setAttribute("aria-current", "true");
    this.current.scrollIntoView({ block: "nearest" });
  }

  /** The finding so many places further on; the nearest end beyond that. */
  beside(finding, by) {
    const at = this.found.indexOf(finding);
    return this.found[Math.min(Math.max(at + by, 0), this.found.length - 1)];
  }

  #item(finding) {
    const item = link(
      address(finding, this.query),
      { class: `item ${finding.severity}` },
      make("span", { class: "over" }, severityTag(finding.severity), make("span", { class: "code" }, finding.code), tagsOf(finding)),
      make("span", { class: "message" }, prose(finding.message)),
      make("span", { class: "where" }, shownPlace(finding.place)),
      finding.symbol && make("span", { class: "where" }, finding.symbol),
    );
    this.items.set(finding, item);
    return make("li", {}, item);
  }

  #filters() {
    const search = make("input", {
      type: "search", name: "words", placeholder: "Search…", "aria-label": "Search messages, paths, methods", value: this.query.get("words") ?? "",
      oninput: ({ target }) => {
        clearTimeout(this.waiting);
        this.waiting = setTimeout(() => this.#set("words", target.value.trim(), "words"), 200);
      },
    });
    const facets = Object.keys(FACETS).map((facet) => this.#select(facet)).filter(Boolean);
    const active = [...this.query.keys()].filter((key) => key in FACETS).length;
    const order = make(
      "label",
      {},
      make("span", {}, "Order"),
      make(
        "select",
        { name: "order", onchange: ({ target }) => this.#set("order", target.value === "severity" ? "" : target.value, "order") },
        Object.entries(ORDERS).map(([value, { title }]) => make("option", { value, selected: this.query.get("order") === value }, title)),
      ),
    );
    const clear = active > 0 && make("button", { type: "button", class: "clear", onclick: () => this.changed(new URLSearchParams(), "words") }, "Clear");
    const open = active > 0 || this.query.has("order");
    return make(
      "form",
      { class: "filters", role: "search", onsubmit: (event) => event.preventDefault() },
      search,
      make("details", { open }, make("summary", {}, active ? `${plural(active, "filter")}` : "Filters and order"), make("div", { class: "facets" }, facets, order, clear)),
    );
  }

  #select(facet) {
    // Of the findings that the rest of the query asks for.
    const others = new URLSearchParams(this.query);
    if (facet === "status") others.set("status", "any");
    else others.delete(facet);
    const counts = counted(asked(others), facet);
    const value = this.query.get(facet) ?? (facet === "status" ? "open" : "any");
    if (!counts.some(([other]) => other === value) && value !== "any") counts.push([value, 0]);
    if (counts.length < 2 && value === "any") return null;
    if (facet === "status" && counts.length < 2) return null;
    const total = counts.reduce((sum, [, count]) => sum + count, 0);
    const options = [["any", total], ...counts].map(([option, count]) =>
      make("option", { value: option, selected: option === value }, `${option === "any" ? "any" : called(facet, option)} (${count})`),
    );
    const unasked = facet === "status" ? "open" : "any";
    return make(
      "label",
      {},
      make("span", {}, FACETS[facet].title),
      make("select", { name: facet, onchange: ({ target }) => this.#set(facet, target.value === unasked ? null : target.value, facet) }, options),
    );
  }

  #set(key, value, focus) {
    const query = new URLSearchParams(this.query);
    if (value === null || (value === "" && !(key in FACETS))) query.delete(key);
    else query.set(key, value);
    this.changed(query, focus);
  }
}
