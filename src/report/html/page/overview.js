// What was found, by what; what was checked, and what could not be told.

/** Longer tables show the rest on demand. */
const ROWS = 8;

function countsTable(facet, findings) {
  const counts = counted(findings, facet);
  const most = Math.max(...counts.map(([, count]) => count));
  const row = ([value, count]) => {
    const bar = make("span", { class: `bar ${facet === "severity" ? value : ""}` });
    bar.style.setProperty("--share", count / most);
    const query = new URLSearchParams({ [facet]: value });
    return make(
      "tr",
      {},
      make("th", { scope: "row" }, link(address(null, query), {}, called(facet, value))),
      make("td", { class: "amount" }, count.toLocaleString("en")),
      make("td", { class: "share", "aria-hidden": "true" }, bar),
    );
  };
  const ordered = facet === "severity" ? counts.sort(([a], [b]) => SEVERITIES.indexOf(a) - SEVERITIES.indexOf(b)) : counts;
  const body = make("tbody", {}, ordered.slice(0, ROWS).map(row));
  const rest = ordered.slice(ROWS);
  const more = make("button", { type: "button", class: "clear", onclick: () => {
    body.append(...rest.map(row));
    more.remove();
  } }, `Show ${rest.length} more`);
  const { title } = FACETS[facet];
  return make(
    "section",
    { class: "card", "aria-label": `By ${title.toLowerCase()}` },
    make("table", { class: "counts" }, make("caption", {}, `By ${title.toLowerCase()}`), make("thead", { class: "hidden" }, make("tr", {}, make("th", { scope: "col" }, title), make("th", { scope: "col" }, "Findings"), make("td", {}))), body),
    rest.length > 0 && more,
  );
}

/** A line of a list of facts: how many, and of what. */
const fact = (count, what, more) => count > 0 && make("li", {}, make("strong", {}, count.toLocaleString("en")), ` ${what}`, more && make("span", { class: "quiet" }, ` ${more}`));

function checkedCard() {
  const { counts } = report;
  const s = (count) => (count === 1 ? "" : "s");
  const skipped = [
    counts.excluded > 0 && `${counts.excluded} excluded by the configuration`,
    counts.templates > 0 && plural(counts.templates, "template"),
    counts.python2 > 0 && `${counts.python2} in Python 2`,
  ].filter(Boolean);
  return make(
    "section",
    { class: "card", "aria-labelledby": "checked" },
    make("h2", { id: "checked" }, "What was checked"),
    make(
      "ul",
      { class: "facts" },
      fact(counts.checked, `file${s(counts.checked)}`),
      fact(counts.processors, `method${s(counts.processors)} under a contract`),
      fact(counts.writing, `function${s(counts.writing)} outside of contracts that may write and catch errors`, `${counts.followed} of them followed`),
      fact(counts.tests, `file${s(counts.tests)} of tests`, "where only contracts are looked at"),
      fact(counts.skipped, `skipped`, skipped.join(", ")),
      fact(counts.fixed, `finding${s(counts.fixed)} fixed by this run`),
    ),
  );
}

function untoldCard() {
  const { counts, failures } = report;
  const exits = report.checklist.flatMap((duty) => duty.exits);
  const unverified = exits.filter((exit) => exit.state === "unverified").length;
  const unknown = report.checklist.filter((duty) => duty.unknown).length;
  const s = (count) => (count === 1 ? "" : "s");
  const nothing = failures.length + counts.unfollowed + unverified + unknown === 0 && !report.bug;
  return make(
    "section",
    { class: "card", "aria-labelledby": "untold" },
    make("h2", { id: "untold" }, "What could not be told"),
    nothing && make("p", { class: "good" }, "Everything that was checked was followed to its end."),
    report.bug && make("p", { class: "alert" }, `The analysis panicked: ${report.bug}`),
    make(
      "ul",
      { class: "facts" },
      fact(counts.unfollowed, `function${s(counts.unfollowed)} not followed to the end`, "findings in them may be missing"),
      unverified > 0 && make("li", {}, link("#/exits?state=unverified", {}, make("strong", {}, unverified), ` exit${s(unverified)} unverified`), make("span", { class: "quiet" }, " because code was not found or not followed")),
      fact(unknown, `method${s(unknown)} whose exits are not known`),
      fact(failures.length, `problem${s(failures.length)} with files`),
    ),
    failures.length > 0 &&
      make(
        "ul",
        { class: "failures" },
        failures.map(({ what, path, line, reason }) => make("li", {}, make("code", {}, line ? `${path}:${line}` : path), ` ${what}: `, reason)),
      ),
  );
}

const goneList = (title, gone) =>
  gone.length > 0 &&
  make(
    "details",
    {},
    make("summary", {}, title),
    make("ul", { class: "gone" }, gone.map(({ path, line, rule, symbol, message, code }) => make("li", {}, make("code", {}, line ? `${path}:${line}` : path), ` ${rule}`, symbol && ` in ${symbol}`, ": ", message ? prose(message) : make("code", {}, code)))),
  );

/** What has changed: against an earlier report, or else against the baseline. */
function trendCard() {
  const { compared, known, expired } = report;
  if (!compared && known === null) return null;
  const open = report.findings.filter((finding) => finding.status === "open");
  const of = (trend) => (compared ? open.filter((finding) => finding.trend === trend).length : trend === "new" ? open.length : known);
  const asking = (trend) => new URLSearchParams(compared ? { trend } : trend === "new" ? {} : { status: "known" });
  const gone = compared ? compared.gone : expired;
  const row = (count, words, query) => {
    const text = [make("strong", {}, count.toLocaleString("en")), ` ${words}`];
    return make("li", {}, query && count > 0 ? link(address(null, query), {}, text) : text);
  };
  return make(
    "section",
    { class: "card trend", "aria-labelledby": "trend" },
    make("h2", { id: "trend" }, compared ? ["Since ", make("code", {}, compared.file)] : "Against the baseline"),
    make(
      "ul",
      { class: "facts" },
      row(of("new"), "new", asking("new")),
      row(of("same"), "still there", asking("same")),
      row(gone.length, "gone"),
      compared && compared.set_aside > 0 && row(compared.set_aside, "ignored now, or known from the baseline"),
    ),
    goneList("What is gone", gone),
  );
}

function overview() {
  const open = report.findings.filter((finding) => finding.status === "open");
  const tiles = SEVERITIES.map((severity) => [severity, open.filter((finding) => finding.severity === severity).length]);
  const shown = tiles.filter(([severity, count]) => count > 0 || severity !== "note");
  const facets = ["rule", "kind", "folder", "family"].filter(() => open.length > 0);
  return make(
    "div",
    { class: "overview" },
    make("h1", { class: "hidden" }, "Overview"),
    make("p", { class: "headline" }, report.headline),
    make(
      "ul",
      { class: "tiles", "aria-label": "Findings by severity" },
      shown.map(([severity, count]) => make("li", {}, link(address(null, new URLSearchParams({ severity })), { class: `tile ${count ? severity : "none"}` }, make("strong", {}, count.toLocaleString("en")), ` ${severity}${count === 1 ? "" : "s"}`))),
    ),
    report.remarks.length > 0 && make("ul", { class: "remarks" }, report.remarks.map((remark) => make("li", {}, prose(remark)))),
    make("div", { class: "cards" }, trendCard(), checkedCard(), untoldCard(), facets.map((facet) => countsTable(facet, open))),
  );
}

/** The page of a rule. */
function rulePage(id) {
  const rule = ruleNamed(id);
  const page = document.getElementById(`rule-${id}`);
  if (!rule || !page) return make("p", { class: "alert" }, "There is no such rule.");
  const count = report.findings.filter((finding) => finding.rule === id && finding.status === "open").length;
  const content = page.content.cloneNode(true);
  // What is wider than the page scrolls, also by the keyboard.
  for (const wide of content.querySelectorAll("pre, table")) {
    const box = make("div", { class: "wide", tabindex: "0", role: "group", "aria-label": wide.tagName === "PRE" ? "Code" : "Table" });
    wide.replaceWith(box);
    box.append(wide);
  }
  return make(
    "article",
    { class: "page" },
    make("p", { class: "over" }, "Rule"),
    make("h1", { tabindex: "-1" }, rule.name, " ", make("code", {}, rule.id)),
    make("p", { class: "headline" }, `${rule.summary}.`),
    make("p", {}, count > 0 ? link(address(null, new URLSearchParams({ rule: id })), {}, `${plural(count, "finding")} in this report`) : "No finding in this report."),
    make(
      "div",
      { class: "wide", tabindex: "0", role: "group", "aria-label": "Kinds of findings" },
      make("table", {}, make("thead", {}, make("tr", {}, ["Kind", "Severity", "Message"].map((head) => make("th", { scope: "col" }, head)))), make("tbody", {}, rule.kinds.map(([name, severity, message]) => make("tr", {}, make("td", {}, make("code", {}, name)), make("td", {}, severityTag(severity)), make("td", {}, prose(message)))))),
    ),
    content,
  );
}

/** All rules, with how often they found something. */
function rulesPage() {
  return make(
    "div",
    { class: "page" },
    make("h1", { tabindex: "-1" }, "Rules"),
    make(
      "ul",
      { class: "rules" },
      report.rules.map((rule) => {
        const count = report.findings.filter((finding) => finding.rule === rule.id && finding.status === "open").length;
        return make("li", {}, link(`#/rule/${rule.id}`, {}, make("code", {}, rule.id)), ` ${rule.summary}`, make("span", { class: "quiet" }, count ? ` – ${plural(count, "finding")}` : ""));
      }),
    ),
  );
}
