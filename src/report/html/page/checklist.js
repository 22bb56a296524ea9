// The exits of each method under contract, and the state at each.

const STATES = {
  "not-set": { title: "not set", sign: "✗", kind: "bad" },
  unverified: { title: "unverified", sign: "?", kind: "unsure" },
  set: { title: "set", sign: "✓", kind: "fine" },
  "not-demanded": { title: "nothing demanded", sign: "–", kind: "free" },
};

/** A line, with the finding there if there is one. */
function exitPlace({ place, code }, method) {
  const finding = findingAt(place);
  const name = code === null ? "the end of the method" : `line ${place.line}`;
  const file = place.file === method.file ? "" : `${report.files[place.file].path}, `;
  const text = finding ? link(address(finding, new URLSearchParams(finding.status === "open" ? {} : { status: "any" })), { title: plainly(finding.message) }, file, name) : [file, name];
  return [make("span", { class: "line" }, text, " ", placeLinks(place)), code !== null && make("code", {}, code)];
}

function exitRow(exit, duty) {
  const { sign, kind } = STATES[exit.state];
  const excuse = exit.excuse && (exit.excuse[0] === "baseline" ? "known from the baseline" : `ignored by a comment${exit.excuse[1] ? `: ${exit.excuse[1]}` : ""}`);
  const stores = exit.set_by.map(({ place, code }) => make("li", {}, make("code", {}, code), ` line ${place.line} `, placeLinks(place)));
  return make(
    "tr",
    { class: exit.excuse ? "free" : kind },
    make("td", {}, exitPlace(exit, duty.place)),
    make("td", { class: "state" }, make("span", { class: "sign", "aria-hidden": "true" }, sign), " ", exit.words, excuse && make("span", { class: "quiet" }, ` (${excuse})`)),
    make("td", {}, stores.length > 0 && make("ul", { class: "stores" }, stores)),
  );
}

function dutyItem(duty, open) {
  const told = duty.inherits
    ? `inherited unchanged from ${duty.inherits}`
    : duty.unknown
      ? `not known: ${duty.unknown}`
      : `${plural(duty.exits.length, "exit")}, ${duty.open ? `${duty.open} to check` : "in order"}`;
  const head = [make("code", { class: "name" }, duty.symbol), " ", make("span", { class: "does" }, prose(duty.does)), make("span", { class: `told ${duty.open ? "bad" : "quiet"}` }, told)];
  if (duty.exits.length === 0) return make("li", { class: "duty" }, make("div", { class: "head" }, head));
  const details = make("details", { class: "duty" }, make("summary", {}, head));
  const fill = () => {
    if (details.querySelector("table")) return;
    const also = duty.also.length > 0 && make("p", { class: "quiet" }, `Also run by ${duty.also.join(", ")}.`);
    const columns = ["Exit", "State", "Set by"].map((head) => make("th", { scope: "col" }, head));
    details.append(
      make("p", { class: "where" }, make("code", {}, shownPlace(duty.place)), placeLinks(duty.place)),
      also || "",
      make("div", { class: "wide", tabindex: "0", role: "group", "aria-label": `Exits of ${duty.symbol}` }, make("table", { class: "exits" }, make("thead", {}, make("tr", {}, columns)), make("tbody", {}, duty.exits.map((exit) => exitRow(exit, duty))))),
    );
  };
  details.addEventListener("toggle", fill);
  if (open) {
    details.open = true;
    fill();
  }
  return make("li", {}, details);
}

/** The list; `query` has `words`, a `state`, and whether `all` methods are asked for. */
function checklist(query, changed) {
  const words = (query.get("words") ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  const state = query.get("state") ?? "any";
  const hasOpen = report.checklist.some((duty) => duty.open > 0);
  const all = query.has("all") || state !== "any" || !hasOpen;
  const found = report.checklist.filter((duty) => {
    if (!all && duty.open === 0 && !duty.unknown) return false;
    if (state !== "any" && !duty.exits.some((exit) => exit.state === state)) return false;
    const text = `${duty.symbol} ${duty.also.join(" ")} ${shownPlace(duty.place)} ${duty.family ?? ""}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
  const set = (key, value) => {
    const next = new URLSearchParams(query);
    if (value) next.set(key, value);
    else next.delete(key);
    changed(next, key);
  };
  const list = make("ul", { class: "duties" });
  // The first ones are open, as far as there are not too many to read.
  lazily(list, found.map((duty, at) => [duty, at]), ([duty, at]) => dutyItem(duty, at < 10 && (duty.open > 0 || words.length > 0)), 50);
  let waiting;
  const search = make("input", { type: "search", name: "words", placeholder: "Search…", "aria-label": "Search methods, classes, paths", value: query.get("words") ?? "", oninput: ({ target }) => {
    clearTimeout(waiting);
    waiting = setTimeout(() => set("words", target.value.trim()), 200);
  } });
  const states = make("select", { name: "state", onchange: ({ target }) => set("state", target.value === "any" ? "" : target.value) }, [["any", { title: "any" }], ...Object.entries(STATES)].map(([value, { title }]) => make("option", { value, selected: value === state }, title)));
  const whole = make("input", { type: "checkbox", name: "all", checked: all, disabled: !hasOpen || state !== "any", onchange: ({ target }) => set("all", target.checked ? "1" : "") });
  return make(
    "div",
    { class: "checklist" },
    make("h1", { tabindex: "-1" }, "Exits"),
    make("p", { class: "headline" }, "Every way out of each method under a contract, and whether it has recorded by then what it did. Exceptions that calls raise leave a method, too: nothing is demanded there."),
    make(
      "form",
      { class: "filters row", role: "search", onsubmit: (event) => event.preventDefault() },
      search,
      make("label", {}, make("span", {}, "With an exit that is"), states),
      make("label", { class: "check" }, whole, make("span", {}, "also methods in order")),
    ),
    make("p", { class: "count", role: "status" }, `${plural(found.length, "method")} of ${report.checklist.length}`),
    list,
  );
}
