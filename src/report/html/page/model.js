// What the report says, and the questions that the page asks of it.

const report = JSON.parse(document.getElementById("data").textContent);
const SEVERITIES = ["error", "warning", "note"];
const STATUSES = { open: "open", ignored: "ignored by a comment", known: "known from the baseline" };
const TRENDS = { new: "new", same: "still there" };

/** A place: where it is, and the lines of the definition around it. */
function placed([file, line, column, endLine, endColumn, from, to]) {
  return { file, line, column, endLine, endColumn, from, to };
}

const folderOf = (path) => path.split("/").slice(0, -1).join("/") || ".";

for (const [number, finding] of report.findings.entries()) {
  const rule = report.rules[finding.rule];
  finding.number = number;
  finding.rule = rule.id;
  finding.message = report.texts[finding.message];
  finding.help = report.texts[finding.help];
  finding.place = placed(finding.place);
  finding.steps = finding.steps.map(([place, message, known], at) => ({ place: placed(place), message, known, number: at + 1 }));
  finding.exits = (finding.exits ?? []).map(placed);
  finding.path = report.files[finding.place.file].path;
  finding.folder = folderOf(finding.path);
  finding.family ??= "";
  finding.code = `${finding.rule}/${finding.kind}`;
}
for (const duty of report.checklist) {
  duty.place = placed(duty.place);
  for (const exit of duty.exits) {
    exit.place = placed(exit.place);
    exit.set_by = exit.set_by.map(([place, code]) => ({ place: placed(place), code }));
  }
}

/** The lines of a file that are in this report, by their numbers. */
function linesIn(number) {
  const file = report.files[number];
  file.lines ??= new Map(file.parts.flatMap(([from, lines]) => lines.map((line, at) => [from + at, line])));
  return file.lines;
}

const ruleNamed = (id) => report.rules.find((rule) => rule.id === id);
const byFingerprint = new Map(report.findings.map((finding) => [finding.fingerprint, finding]));

const keyOf = ({ file, line, column }) => `${file}:${line}:${column}`;

let byExit = null;

/** The first finding about an exit. */
function findingAt(exit) {
  if (!byExit) {
    byExit = new Map();
    for (const finding of report.findings) {
      for (const place of [finding.place, ...finding.exits]) {
        if (!byExit.has(keyOf(place))) byExit.set(keyOf(place), finding);
      }
    }
  }
  return byExit.get(keyOf(exit));
}

/** `path:line` */
const shownPlace = ({ file, line }) => `${report.files[file].path}:${line}`;

/** Where a place is shown on the web; null if that is not known. */
function webLink({ file, line }) {
  const { uri, inside } = report.files[file];
  return report.links && inside ? `${report.links}/${uri}#L${line}` : null;
}

/** What opens a place in the editor. */
function editorLink({ file, line, column }) {
  const { uri, inside } = report.files[file];
  const path = inside ? `${report.root}/${uri}` : uri.replace(/^file:\/\//, "");
  return `vscode://file${path.startsWith("/") ? "" : "/"}${path}:${line}:${column}`;
}

/** By what the findings can be told apart, with the words for what is not said. */
const FACETS = {
  severity: { title: "Severity", of: (finding) => finding.severity },
  rule: { title: "Rule", of: (finding) => finding.rule },
  kind: { title: "Kind", of: (finding) => finding.code },
  folder: { title: "Folder", of: (finding) => finding.folder },
  family: { title: "Class family", of: (finding) => finding.family, none: "under no base class" },
  status: { title: "Status", of: (finding) => finding.status, words: STATUSES },
  trend: { title: "Trend", of: (finding) => finding.trend ?? "", words: TRENDS },
};

/** How many of the findings there are for each value, the most frequent first. */
function counted(findings, facet) {
  const counts = new Map();
  for (const finding of findings) {
    const value = FACETS[facet].of(finding);
    counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  return [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
}

/** What a value of a facet is called. */
function called(facet, value) {
  const { words, none } = FACETS[facet];
  return words?.[value] ?? (value === "" ? (none ?? "none") : value);
}

const ORDERS = {
  severity: { title: "worst first", key: (finding) => SEVERITIES.indexOf(finding.severity) },
  place: { title: "by file", key: () => 0 },
  rule: { title: "by rule", key: (finding) => finding.code },
};

/** The findings that a query asks for: values of facets, words, and an order. Without a status it asks for open ones. */
function asked(query) {
  const words = (query.get("words") ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  const wanted = Object.keys(FACETS).filter((facet) => query.has(facet)).map((facet) => [FACETS[facet].of, query.get(facet)]);
  if (!query.has("status")) wanted.push([FACETS.status.of, "open"]);
  const found = report.findings.filter((finding) => {
    if (!wanted.every(([of, value]) => value === "any" || of(finding) === value)) return false;
    if (words.length === 0) return true;
    const text = `${finding.message} ${finding.path} ${finding.symbol} ${finding.code} ${finding.fingerprint}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
  const { key } = ORDERS[query.get("order")] ?? ORDERS.severity;
  return found.map((finding) => [key(finding), finding]).sort(([a, f], [b, g]) => (a < b ? -1 : a > b ? 1 : f.number - g.number)).map(([, finding]) => finding);
}

/** The address of a finding, or of the list without one, that keeps a query. */
function address(finding, query = new URLSearchParams()) {
  const text = query.toString();
  return `#/findings${finding ? `/${finding.fingerprint}` : ""}${text ? `?${text}` : ""}`;
}
