// Which view is shown, and the keys.

const main = document.getElementById("view");
const help = document.getElementById("keys");
/** So wide are the list and the finding beside each other. */
const wide = matchMedia("(min-width: 60rem)");
let list = null;
let shown = null;

/** The address of this page as the name of a view, what it is about, and a query. */
function route() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  const [view, what] = path.split("/");
  return { view: view || "overview", what: what && decodeURIComponent(what), query: new URLSearchParams(query) };
}

function go(hash, { replace = false } = {}) {
  if (replace) {
    history.replaceState(null, "", hash);
    show();
  } else {
    location.hash = hash;
  }
}

/** Filters that changed: the same control is used on. */
function changedTo(view) {
  return (query, focus) => {
    const text = query.toString();
    go(`#/${view}${text ? `?${text}` : ""}`, { replace: true });
    const field = main.querySelector(`[name="${focus}"]`);
    field?.focus();
    if (field?.type === "search") field.setSelectionRange(field.value.length, field.value.length);
  };
}

function showFindings(what, query) {
  const finding = byFingerprint.get(what);
  if (!list || !list.element.isConnected || list.query.toString() !== query.toString()) {
    list?.stop();
    list = new ListView(query, changedTo("findings"));
    const pane = make("section", { class: "pane", "aria-label": "Finding" });
    main.replaceChildren(make("h1", { class: "hidden" }, "Findings"), make("div", { class: "split" }, list.element, pane));
    shown = null;
  }
  const pane = main.querySelector(".pane");
  main.firstElementChild.nextElementSibling.classList.toggle("chosen", Boolean(finding));
  // Beside a list there is always one.
  const wanted = finding ?? (wide.matches ? list.found[0] : null);
  if (!wanted) {
    pane.replaceChildren(make("p", { class: "quiet empty" }, what ? "This report has no such finding." : "Choose a finding."));
    shown = null;
    return;
  }
  if (shown?.finding !== wanted) {
    shown = new FindingView(wanted);
    const back = link(address(null, query), { class: "back" }, icon("back"), "All findings");
    pane.replaceChildren(back, shown.element);
    pane.scrollTop = 0;
    shown.shown();
  }
  list.choose(wanted);
  if (finding && !wide.matches) window.scrollTo(0, 0);
}

const TITLES = { overview: "Overview", findings: "Findings", exits: "Exits", rules: "Rules", rule: "Rule" };

function show() {
  const { view, what, query } = route();
  if (view !== "findings") {
    list?.stop();
    [list, shown] = [null, null];
    const made = { overview, exits: () => checklist(query, changedTo("exits")), rules: rulesPage, rule: () => rulePage(what) }[view] ?? overview;
    main.replaceChildren(made());
    window.scrollTo(0, 0);
  } else {
    showFindings(what, query);
  }
  document.title = `${shown ? plainly(shown.finding.message) : (TITLES[view] ?? TITLES.overview)} – tallylint`;
  const tab = { rule: "rules" }[view] ?? view;
  for (const other of document.querySelectorAll("nav a")) {
    if (other.dataset.view === tab) other.setAttribute("aria-current", "page");
    else other.removeAttribute("aria-current");
  }
  document.body.dataset.view = view;
}

/** The finding that is next in the list, or with -1 the one before. */
function moveFinding(by) {
  if (!list) return go(address(asked(new URLSearchParams())[0]));
  const next = shown ? list.beside(shown.finding, by) : list.found[0];
  if (next) go(address(next, list.query), { replace: Boolean(byFingerprint.get(route().what)) });
}

const KEYS = {
  ArrowRight: () => shown?.move(1),
  ArrowLeft: () => shown?.move(-1),
  j: () => moveFinding(1),
  k: () => moveFinding(-1),
  o: () => go("#/"),
  f: () => go("#/findings"),
  e: () => go("#/exits"),
  r: () => go("#/rules"),
  "/": () => main.querySelector("[type=search]")?.focus() ?? go("#/findings"),
  "?": () => help.showModal(),
  Escape: () => route().what && go(address(null, route().query)),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
  const { target } = event;
  if (target.matches?.("input, select, textarea")) {
    if (event.key === "Escape") target.blur();
    return;
  }
  // A table or a patch that scrolls uses the arrows itself.
  if (event.key.startsWith("Arrow") && target.matches?.("[role=group][tabindex]")) return;
  const act = KEYS[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});

/** The colours: those of the system, or what was chosen. */
const scheme = document.getElementById("scheme");
function colour(value) {
  document.documentElement.style.colorScheme = value === "auto" ? "" : value;
  scheme.value = value;
}
scheme.addEventListener("change", () => {
  colour(scheme.value);
  memory.set("scheme", scheme.value);
});
const remembered = memory.get("scheme");
colour(["light", "dark"].includes(remembered) ? remembered : "auto");

document.getElementById("open-keys").addEventListener("click", () => help.showModal());
document.getElementById("amount").textContent = report.findings.filter((finding) => finding.status === "open").length.toLocaleString("en");
document.getElementById("version").textContent = report.tool.version;
wide.addEventListener("change", show);
addEventListener("hashchange", show);
show();
performance.mark("shown");
