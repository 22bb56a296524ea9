// The report for browsers, opened from its file in a Chromium without a window and without a network.
//
// node report.mjs TALLYLINT FIXTURES CHROMIUM

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

import { chromium } from "playwright-core";

const [program, fixtures, executablePath] = process.argv.slice(2);
const tallylint = resolve(program);
const axe = createRequire(import.meta.url)("axe-core").source;
const folder = await mkdtemp(join(tmpdir(), "report-"));
const browser = await chromium.launch({
  executablePath,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"],
});

const WIDE = { width: 1280, height: 800 };
const NARROW = { width: 390, height: 844 };

/** Runs a check in a folder and gives the address of its report. */
function report(name, cwd, ...more) {
  const file = join(folder, `${name}.html`);
  const ran = spawnSync(tallylint, ["check", "--no-cache", "--quiet", "--format", "html", "--output", file, ...more], { cwd, encoding: "utf8" });
  assert.equal(ran.status, 1, ran.stderr);
  return pathToFileURL(file).href;
}

async function project(name, files) {
  const root = join(folder, name);
  await mkdir(join(root, ".git"), { recursive: true });
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  return root;
}

/** Opens a page, runs a test, and checks what holds always: nothing is loaded, and nothing fails. */
async function test(name, url, body, { viewport = WIDE, colorScheme = "light", expected = [] } = {}) {
  const context = await browser.newContext({ viewport, colorScheme, offline: true });
  const page = await context.newPage();
  const wrong = [];
  context.on("request", (request) => {
    if (!/^(file|data):/.test(request.url())) wrong.push(request.url());
  });
  page.on("pageerror", (error) => wrong.push(String(error)));
  page.on("console", (message) => wrong.push(message.text()));
  try {
    await page.goto(url);
    await body(page, context);
    const others = wrong.filter((text) => !expected.some((part) => text.includes(part)));
    assert.deepEqual(others, []);
  } catch (error) {
    console.error(`${name}: the page shows\n${await page.locator("body").innerText()}`);
    throw error;
  } finally {
    await context.close();
  }
  console.log(`ok ${name}`);
}

async function accessible(page, what) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { preload: false }));
  const told = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.html} ${node.failureSummary}`).join("\n")}`);
  assert.deepEqual(told, [], what);
}

const items = (page) => page.locator(".items .item");
const title = (page) => page.locator("#finding-title");
const current = (page) => page.locator(".mark.current");
const says = (place, text) => place.filter({ hasText: text }).first().waitFor();
/** Nothing is wider than the window. */
const fits = async (page) => {
  const [content, window] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert(content <= window, `${content} in ${window}: ${page.url()}`);
};

const HELPERS = `def flush(loader):
    if loader.dry:
        return
    loader.stats["rows_inserted"] = len(loader.rows)
`;
const LOADER = `from base import Base
from helpers import flush


class Loader(Base):
    def save_data(self):
        flush(self)


class Quick(Base):
    def save_data(self):
        if not self.rows:
            return
        self.stats["rows_inserted"] = len(self.rows)


class Quiet(Base):
    def save_data(self):
        if self.off:
            return  # tallylint: ignore[untracked-return] nobody reads it
        self.stats["rows_inserted"] = len(self.rows)
`;
const BASE = `class Base:
    def run(self):
        self.stats = {}
        self.save_data()
        return self.stats.get("rows_inserted", 0)
`;
const small = await project("small", { "etl/base.py": BASE, "etl/helpers.py": HELPERS, "etl/loader.py": LOADER });
const two = report("two", small, "--link-base", "https://example.org/blob/main");
const earlier = join(folder, "earlier.json");
spawnSync(tallylint, ["check", "--no-cache", "--report", `json=${earlier}`], { cwd: small });
await writeFile(join(small, "etl/loader.py"), LOADER.replace("            return\n        self", "            pass\n        self"));
await writeFile(join(small, "etl/new.py"), LOADER.replace("Quick", "New").replace("Loader", "Other").replace("flush(self)", "self.stats['rows_inserted'] = 0"));
const later = report("later", small, "--compare", earlier);
const dimmed = `${report("dimmed", await project("dimmed", {
  "a.py": `class Odds(Base):
    def save_data(self):
        rows = self.rows
        if not rows:
            if rows:
                self.log()
            return
        self.stats['rows_inserted'] = 1
`,
}))}#/findings`;
const example = report("example", resolve(fixtures, "pipeline"));

await test("the overview counts, and leads to what it counts", example, async (page) => {
  await says(page.locator(".headline"), "Found 15 errors and 5 warnings");
  const by = (name) => page.locator(`[aria-label="By ${name}"]`);
  for (const name of ["rule", "kind", "folder", "class family"]) {
    const amounts = (await by(name).locator(".amount").allInnerTexts()).map(Number);
    assert(amounts.length > 0 && amounts.every((amount, at) => at === 0 || amount <= amounts[at - 1]), name);
  }
  const row = by("rule").locator("tbody tr").first();
  const amount = Number(await row.locator(".amount").innerText());
  await row.getByRole("link").click();
  await says(page.locator(".count"), `${amount} findings`);
  assert.equal(await items(page).count(), amount);
});

await test("the path is walked with keys and buttons, through another file", `${two}#/findings`, async (page) => {
  assert.equal(await items(page).count(), 2);
  await says(title(page), "without setting");
  const frame = page.locator(".row.head .file");
  await says(frame, "etl/helpers.py:1");
  // The helper stands between the line that calls it and the next one.
  const rows = await page.locator(".source .row").allInnerTexts();
  const at = (text) => rows.findIndex((row) => row.includes(text));
  assert(at("flush(self)") < at("def flush(loader)") && at("def flush(loader)") < at("if loader.dry"), rows.join("\n"));
  const count = await page.locator(".mark[data-step]").count();
  assert(count >= 3);
  assert.equal(await current(page).count(), 0);
  const isAt = async (step) => {
    assert.equal(await current(page).count(), 1);
    assert.equal(await current(page).getAttribute("data-step"), String(step));
    await says(page.locator(".walker"), `Step ${step} of ${count}`);
    assert((await page.locator(".about.current").count()) > 0);
  };
  await page.keyboard.press("ArrowRight");
  await isAt(1);
  await page.keyboard.press("ArrowRight");
  await isAt(2);
  await page.getByRole("button", { name: "Next step" }).click();
  await isAt(3);
  await page.keyboard.press("ArrowLeft");
  await isAt(2);
  await page.getByRole("button", { name: `Step ${count} of ${count}` }).click();
  await isAt(count);
  assert(await page.getByRole("button", { name: "Next step" }).isDisabled());
  // The drawing: each node is joined with the one before.
  const nodes = await page.locator(".node").evaluateAll((nodes) => nodes.map((node) => node.getBoundingClientRect().top));
  assert.deepEqual(nodes, [...nodes].sort((a, b) => a - b));
  const ways = await page.locator(".way").evaluateAll((ways) => new Set(ways.map((way) => way.dataset.step)).size);
  assert.equal(ways, count - 1);
});

await test("every way of every path is drawn, also backwards", `${example}#/findings`, async (page) => {
  const count = await items(page).count();
  let backwards = 0;
  for (let at = 0; at < count; at += 1) {
    const item = items(page).nth(at);
    await item.click();
    const name = (await item.getAttribute("href")).split("/").at(-1);
    await page.waitForFunction((name) => document.querySelector(".small-print code")?.innerText === name, name);
    const steps = await page.locator(".mark[data-step]").count();
    const ways = await page.locator(".way").evaluateAll((ways) => ways.map((way) => [way.getBoundingClientRect().height, way.dataset.step, way.matches(".upwards")]));
    assert(ways.every(([height]) => height > 0), `finding ${at}`);
    assert.equal(new Set(ways.map(([, step]) => step)).size, Math.max(0, steps - 1), `finding ${at}`);
    backwards += ways.some(([, , upwards]) => upwards);
  }
  assert(backwards > 0);
});

await test("what is known of values is told beside the steps", dimmed, async (page) => {
  const known = page.locator(".mark .known");
  await says(known, "rows: falsy");
  await says(known, "self.stats['rows_inserted']: not set");
});

await test("the control-flow graph shows the path, and what cannot be", dimmed, async (page) => {
  const flow = page.locator("svg.flow").first();
  await flow.waitFor();
  const lines = (nodes) => nodes.map((node) => node.dataset.lines);
  assert.deepEqual(await flow.locator(".block.bad").evaluateAll(lines), ["3-3 4-4", "5-5", "7-7"]);
  assert.deepEqual(await flow.locator(".block.dim").evaluateAll(lines), ["6-6"]);
  assert.equal(await flow.locator(".edge.bad").count(), 2);
  assert.equal(await flow.locator(".edge.dim").count(), 2);
  // No block lies on another one.
  const boxes = await flow.locator("rect").evaluateAll((all) => all.map((box) => box.getBoundingClientRect().toJSON()));
  for (const [at, one] of boxes.entries()) {
    for (const other of boxes.slice(at + 1)) {
      assert(one.right <= other.left || other.right <= one.left || one.bottom <= other.top || other.bottom <= one.top);
    }
  }
  // The walk goes through the graph, and a click on the graph goes to its step.
  await page.keyboard.press("ArrowRight");
  await flow.locator(".block.current").waitFor();
  await flow.locator(".block.bad").last().click();
  await says(page.locator(".walker"), "returns");
  await accessible(page, "graph");
});

await test("the graph of a helper unfolds when the path enters it", `${two}#/findings`, async (page) => {
  const inner = page.locator(".graph details.inner");
  await says(inner.locator("summary"), "flush, which the path enters");
  assert.equal(await page.locator("svg.flow").count(), 1);
  const count = await page.locator(".mark[data-step]").count();
  for (let at = 0; at < count; at += 1) await page.keyboard.press("ArrowRight");
  await inner.locator("svg.flow .block.bad").first().waitFor();
  assert(await inner.evaluate((node) => node.open));
  await page.keyboard.press("ArrowLeft");
  await inner.locator("svg.flow .block.current").waitFor();
  // A click on a block in there goes to its step.
  await page.keyboard.press("ArrowRight");
  await inner.locator("svg.flow .block.bad").first().click();
  await inner.locator("svg.flow .block.current").waitFor();
  await accessible(page, "graph of a helper");
});

await test("what has changed since an earlier report is told", later, async (page) => {
  const trend = page.locator(".trend");
  await says(trend, "Since");
  assert.deepEqual((await trend.locator(".facts li").allInnerTexts()).map((text) => text.trim()), ["1 new", "1 still there", "1 gone"]);
  await trend.locator("summary").click();
  await says(trend.locator(".gone"), "etl/loader.py:13");
  await accessible(page, "trend");
  await trend.getByRole("link", { name: "1 new" }).click();
  await says(page.locator(".count"), "1 finding");
  await says(title(page), "without setting");
  assert.equal(await page.locator(".finding .tag").innerText(), "new");
  await accessible(page, "a new finding");
});

await test("places open on the web and in the editor", `${two}#/findings`, async (page) => {
  const where = page.locator(".finding .where").first();
  const [web, editor] = await where.locator("a.go").evaluateAll((links) => links.map((link) => link.getAttribute("href")));
  assert.match(web, /^https:\/\/example\.org\/blob\/main\/etl\/loader\.py#L\d+$/);
  assert.match(editor, /^vscode:\/\/file\/.*\/small\/etl\/loader\.py:\d+:\d+$/);
  assert.equal(await where.getByRole("link", { name: "in the editor" }).count(), 1);
});

await test("the keyboard goes from finding to finding", `${two}#/findings`, async (page) => {
  const first = await page.locator(".finding .where").first().innerText();
  await page.keyboard.press("j");
  await page.waitForFunction((first) => document.querySelector(".finding .where").innerText !== first, first);
  assert.equal(await page.locator(".item[aria-current]").count(), 1);
  await page.keyboard.press("k");
  await page.waitForFunction((first) => document.querySelector(".finding .where").innerText === first, first);
  await page.keyboard.press("/");
  await page.keyboard.type("quick");
  await says(page.locator(".count"), "1 finding");
  // What is typed is not a key of the page.
  await page.keyboard.type("jjj");
  await says(page.locator(".count"), "Nothing");
  await page.keyboard.press("Escape");
  await page.keyboard.press("?");
  await page.getByRole("dialog").waitFor();
  await accessible(page, "keys");
  await page.keyboard.press("Escape");
  await page.keyboard.press("o");
  await says(page.locator(".headline"), "Found");
});

await test("what is ignored is shown on demand, with the reason", `${two}#/findings`, async (page) => {
  await page.locator(".filters summary").click();
  await page.locator("[name=status]").selectOption("ignored");
  await says(page.locator(".count"), "1 finding");
  await says(page.locator(".reason"), "nobody reads it");
});

await test("the exits of each method are listed with what sets them", `${two}#/exits`, async (page) => {
  const quick = page.locator("details.duty", { hasText: "Quick.save_data" });
  const rows = quick.locator("tbody tr");
  await says(rows.first(), "not set");
  await says(rows.nth(1), 'self.stats["rows_inserted"] = len(self.rows)');
  await says(rows.nth(1), "the end of the method");
  // From an exit to its finding, and from there to the exits of the method.
  await rows.first().getByRole("link", { name: "line 13", exact: true }).click();
  await says(page.locator(".finding .where"), "etl/loader.py:13");
});

await test("the page of a rule is one click away", `${two}#/findings`, async (page) => {
  await page.locator(".finding .over a").click();
  await says(page.locator("h1"), "Untracked return");
  await says(page.locator(".page"), "A base class runs self.save_data()");
  await page.goBack();
  await title(page).waitFor();
});

for (const colorScheme of ["light", "dark"]) {
  for (const viewport of [WIDE, NARROW]) {
    const name = `everybody can use it: ${colorScheme}, ${viewport.width} pixels`;
    await test(name, example, async (page) => {
      await accessible(page, "overview");
      await fits(page);
      for (const view of ["findings", "exits", "rules", "rule/swallowed-write", "exits?all=1&state=set"]) {
        await page.evaluate((view) => (location.hash = `#/${view}`), view);
        await page.waitForFunction((view) => document.body.dataset.view === view.split(/[/?]/)[0], view);
        await accessible(page, view);
        await fits(page);
      }
      await page.evaluate(() => (location.hash = "#/findings"));
      await items(page).nth(4).click();
      await page.keyboard.press("ArrowRight");
      await accessible(page, "a finding");
      await fits(page);
      if (viewport === NARROW) {
        assert(!(await page.locator(".list").isVisible()));
        await page.getByRole("link", { name: "All findings" }).click();
        await items(page).first().waitFor();
        assert(!(await page.locator(".finding").isVisible()));
      }
    }, { viewport, colorScheme });
  }
}

await test("it prints without what only a screen needs", `${example}#/findings`, async (page) => {
  await items(page).first().click();
  await page.emulateMedia({ media: "print" });
  for (const gone of [".top", ".list", ".walker", ".go"]) assert(!(await page.locator(gone).first().isVisible()), gone);
  assert(await page.locator(".source").isVisible());
  const background = await page.evaluate(() => getComputedStyle(document.querySelector(".source")).backgroundColor);
  assert.equal(background, "rgb(255, 255, 255)");
}, { colorScheme: "dark" });

// Whatever the code contains: nothing runs, and nothing becomes markup.
const EVIL = `</script><script>globalThis.pwned=1</script><img src=x onerror=globalThis.pwned=1>--><!--<svg onload=globalThis.pwned=1> &lt;b&gt; \${pwned} {{pwned}}`;
const NAME = `a<img src=x onerror=globalThis.pwned=1>"'&lt;#?%20.py`;
const hostile = await project("hostile", {
  "tallylint.toml": "unparsable = 'error'\n",
  [NAME]: `class Odds(BaseProcessor):
    def save_data(self):
        if self.rows == '''${EVIL}''':
            x = '''${EVIL}'''; return  # ${EVIL}
        if self.ok:
            return  # tallylint: ignore[untracked-return] ${EVIL}
        self.stats['rows_inserted'] = 1

def already_processed(row):
    return row['''${EVIL}'''].status == 'success'
`,
  "javascript:alert(1)/b.py": LOADER,
});
const evil = report("evil", hostile, "--link-base", "https://example.org/b");
await test("nothing of the code runs", evil, async (page) => {
  const clean = async () => {
    assert.equal(await page.evaluate(() => globalThis.pwned), undefined);
    const counts = await page.evaluate(() => ["script", "img", "[onerror], [onload]", "iframe", "object"].map((name) => document.querySelectorAll(name).length));
    assert.deepEqual(counts, [2, 0, 0, 0, 0]);
    const links = await page.locator("a").evaluateAll((links) => links.map((link) => link.getAttribute("href")));
    for (const link of links) assert.match(link, /^(#|https:\/\/|vscode:\/\/file\/)/);
  };
  await clean();
  const names = await page.evaluate(() => JSON.parse(document.getElementById("data").textContent).findings.map(({ fingerprint }) => fingerprint));
  assert(names.length >= 4);
  for (const name of names) {
    await page.evaluate((name) => (location.hash = `#/findings/${name}?status=any`), name);
    await page.waitForFunction((name) => document.querySelector(".small-print code")?.innerText === name, name);
    await clean();
  }
  // What is shown is what the code says.
  await says(page.locator(".source, .list").first(), "<img src=x onerror=globalThis.pwned=1>");
  await page.evaluate(() => (location.hash = "#/exits?all=1"));
  await page.locator(".duties").waitFor();
  await clean();
});

await test("the policy lets nothing else run", evil, async (page) => {
  const done = await page.evaluate(async () => {
    const script = document.createElement("script");
    script.textContent = "globalThis.pwned = 1";
    document.body.append(script);
    const style = document.createElement("style");
    style.textContent = "body { display: none }";
    document.body.append(style);
    const box = document.createElement("div");
    box.setAttribute("onclick", "globalThis.pwned = 2");
    document.body.append(box);
    box.click();
    const loaded = await fetch("https://example.org/").then(() => true, () => false);
    return [globalThis.pwned, getComputedStyle(document.body).display, loaded];
  });
  assert.deepEqual(done, [undefined, "flex", false]);
}, { expected: ["Content Security Policy"] });

// Many findings.
const PER_FILE = 25;
const many = {};
for (let file = 0; file < 5000 / PER_FILE; file += 1) {
  const classes = Array.from({ length: PER_FILE }, (_, at) => `class Loader${file}x${at}(Base):
    def save_data(self):
        rows = self.rows
        if not rows:
            return
        try:
            self.client.load(rows)
        finally:
            self.stats["rows_inserted"] = len(rows)
`);
  many[`team${file % 7}/part${file % 30}/loader${file}.py`] = `from base import Base\n\n\n${classes.join("\n\n")}`;
}
const large = report("large", await project("large", { "base.py": BASE, ...many }));
const bytes = (await stat(new URL(large))).size;
await test("5,000 findings open at once", `${large}#/findings`, async (page) => {
  await title(page).waitFor();
  await says(page.locator(".count"), "5,000 findings");
  const shown = await page.evaluate(() => performance.getEntriesByName("shown")[0].startTime);
  console.log(`   ${(bytes / 1e6).toFixed(1)} MB; the first finding is there after ${Math.round(shown)} ms`);
  // Not all of them are made at once, but all can be reached.
  assert((await items(page).count()) < 1000);
  await page.keyboard.press("/");
  await page.keyboard.type("loader199x24");
  await says(page.locator(".count"), "1 finding");
  await says(page.locator(".finding .where"), "loader199.py");
  await page.keyboard.press("Escape");
  await page.evaluate(() => (location.hash = "#/findings"));
  await says(page.locator(".count"), "5,000 findings");
  const before = await items(page).count();
  await page.locator(".list").evaluate((list) => list.scrollTo(0, list.scrollHeight));
  await page.waitForFunction((before) => document.querySelectorAll(".items .item").length > before, before);
  await page.evaluate(() => (location.hash = "#/exits"));
  await says(page.locator(".count"), "5,000 methods of 5000");
  await page.evaluate(() => (location.hash = "#/"));
  await says(page.locator(".tiles"), "5,000");
});

assert(!(await readFile(new URL(two), "utf8")).includes("\r"));
await browser.close();
await rm(folder, { recursive: true });
