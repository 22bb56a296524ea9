// The playground: code on the left, what the analysis says of it on the right.

import catalogue from "catalogue";
import worker from "worker";

import { Analysis } from "./analysis.js";
import { make, prose } from "./dom.js";
import { editor as makeEditor, languageOf, offset } from "./editor.js";
import { Examples } from "./examples.js";
import { Findings } from "./findings.js";
import { pack, unpack } from "./link.js";

/** What is shown first. */
const FIRST_RULE = "untracked-return";
/** How long nothing must be typed before a check, in milliseconds. */
const PAUSE = 250;

const by = (id) => document.getElementById(id);
const [file, configuration, notice] = [by("file"), by("configuration"), by("notice")];

/** Which file names the analysis reads. */
const NAME = /\.(py|pyi|rs)$/;

let analysis;
let pause;

const editor = makeEditor({
  parent: by("editor"),
  changed: () => changedByHand(),
  stepped: (at) => findings.step(at),
});

const findings = new Findings({
  list: by("findings"),
  status: by("status"),
  chosen: draw,
  fixed: apply,
});

const examples = new Examples({
  rules: catalogue.rules,
  select: by("rule"),
  chips: by("chips"),
  intro: by("intro"),
  chosen: show,
});

/** What the page shows, as a link carries it. */
const shown = () => ({ file: file.value, source: editor.text(), configuration: configuration.value });

/** Whether the page changes the code itself. */
let loading = false;

function show(what) {
  loading = true;
  file.value = what.file;
  configuration.value = what.configuration;
  if (what.configuration) by("settings").open = true;
  editor.replace(what.source, what.file);
  loading = false;
  leaveLink();
  check();
}

function changedByHand() {
  if (loading) return;
  examples.forget();
  findings.outdated();
  leaveLink();
  clearTimeout(pause);
  pause = setTimeout(check, PAUSE);
}

/** The address no longer says what is shown. */
function leaveLink() {
  by("link").hidden = true;
  if (location.hash) history.replaceState(null, "", location.pathname + location.search);
}

async function check() {
  clearTimeout(pause);
  by("configuration-error").replaceChildren();
  if (!NAME.test(file.value)) {
    findings.problem("Which language is it?", "The name of the file must end in .py, .pyi or .rs.");
    return;
  }
  analysis ??= new Analysis(worker, globalThis.tallylintModule);
  const got = await analysis.ask(shown());
  if (got === null) return;
  document.body.dataset.checks = Number(document.body.dataset.checks ?? 0) + 1;
  const { failed, answer, took } = got;
  if (failed) findings.problem("Not checked", failed);
  else if (answer.refused) findings.problem("Not checked", `${answer.refused}.`);
  else if (answer.configuration) wrongConfiguration(answer.configuration);
  else findings.report(answer.report, took);
}

function wrongConfiguration({ message, line, column, snippet }) {
  const place = line ? `tallylint.toml:${line}:${column}: ` : "";
  findings.problem("The configuration is not valid", place, prose(message).flat());
  by("settings").open = true;
  const parts = [make("p", {}, place, prose(message))];
  if (snippet) parts.push(make("pre", {}, snippet));
  by("configuration-error").replaceChildren(...parts);
}

/** Draws the findings in the editor, and the path of the chosen one. */
function draw(chosen, step, { reveal }) {
  const { doc } = editor.view.state;
  const marks = findings.all.map((finding) => ({
    from: offset(doc, finding.line, finding.column),
    to: offset(doc, finding.end_line, finding.end_column),
    severity: finding.severity,
    current: finding === chosen,
  }));
  for (const { line, column } of findings.broken) {
    const [from, { to }] = [offset(doc, line, column), doc.line(Math.min(line, doc.lines))];
    // What is missing at the end of a line is marked by its last character.
    marks.push({ from: from < to ? from : Math.max(from - 1, 0), to, severity: "error", current: false });
  }
  const path = (chosen?.steps ?? []).map(({ line, column, message }) => ({
    from: offset(doc, line, column),
    message,
  }));
  // Where the path leads to, unless it leads through.
  const last = chosen?.steps.at(-1)?.line ?? 0;
  if (chosen && chosen.line > last && chosen.steps.every(({ line }) => line !== chosen.line)) {
    path.push({ from: offset(doc, chosen.line, chosen.column), message: null });
  }
  editor.show({ marks, path, step });
  if (reveal && chosen) {
    const at = step === null ? chosen : chosen.steps[step];
    editor.reveal(offset(doc, at.line, at.column));
  }
}

function apply(fix) {
  const { doc } = editor.view.state;
  const changes = fix.edits.map((edit) => ({
    from: offset(doc, edit.line, edit.column),
    to: offset(doc, edit.end_line, edit.end_column),
    insert: edit.text,
  }));
  editor.view.dispatch({ changes, userEvent: "input.fix" });
  check();
}

async function copyLink() {
  const url = new URL(location.href);
  url.search = "";
  url.hash = await pack(shown());
  history.replaceState(null, "", url);
  const [link, box] = [by("link"), by("link-text")];
  link.hidden = false;
  box.value = url.href;
  try {
    await navigator.clipboard.writeText(url.href);
    tell(`The link is copied. It carries the code itself, in ${url.href.length} characters.`);
  } catch {
    box.select();
    tell("The browser does not let the page copy. The link is here, and in the address bar:");
  }
}

const tell = (text) => {
  by("link-told").textContent = text;
};

/** Shows what the address carries; false if it carries nothing. */
async function openLink() {
  try {
    const carried = await unpack(location.hash.slice(1));
    if (carried === null) return false;
    const { hash } = location;
    examples.list();
    show(carried);
    history.replaceState(null, "", hash);
    examples.forget();
  } catch (error) {
    notice.replaceChildren(`The link cannot be read (${error.message}), so the first example is shown.`);
    notice.hidden = false;
    return false;
  }
  return true;
}

async function start() {
  const asked = new URLSearchParams(location.search).get("rule");
  if (await openLink()) return;
  examples.open(examples.has(asked) ? asked : FIRST_RULE, 0);
}

file.addEventListener("input", () => {
  editor.speak(file.value);
  changedByHand();
});
configuration.addEventListener("input", changedByHand);
by("copy").addEventListener("click", copyLink);
by("link-text").addEventListener("focus", (event) => event.target.select());
window.addEventListener("hashchange", openLink);
document.addEventListener("keydown", (event) => {
  if (event.key !== "F8") return;
  event.preventDefault();
  if (event.altKey) findings.move(event.shiftKey ? -1 : 1);
  else findings.moveFinding(event.shiftKey ? -1 : 1);
});
// The scripts are deferred, so the module is there now.
document.addEventListener("DOMContentLoaded", start);
