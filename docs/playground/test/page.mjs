// The page, opened from its file in a Chromium without a window and without a network.
//
// node page.mjs PAGE CHROMIUM

import assert from "node:assert/strict";
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";

import { chromium } from "playwright-core";

import { LIMIT } from "../page/analysis.js";

const [folder, executablePath] = process.argv.slice(2);
const axe = createRequire(import.meta.url)("axe-core").source;
const index = pathToFileURL(resolve(folder, "index.html")).href;
const browser = await chromium.launch({
  executablePath,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"],
});

const WIDE = { width: 1280, height: 800 };
const NARROW = { width: 390, height: 844 };

/** Opens the page, runs a test, and checks what holds always: nothing is loaded from elsewhere, and nothing fails. */
async function test(name, body, { url = index, viewport = WIDE, colorScheme = "light" } = {}) {
  const context = await browser.newContext({ viewport, colorScheme, offline: true });
  const page = await context.newPage();
  const wrong = [];
  context.on("request", (request) => {
    if (!/^(file|blob|data):/.test(request.url())) wrong.push(request.url());
  });
  page.on("pageerror", (error) => wrong.push(String(error)));
  page.on("console", (message) => wrong.push(message.text()));
  try {
    await page.goto(url);
    await body(page, context, wrong);
    assert.deepEqual(wrong, []);
  } catch (error) {
    console.error(`${name}: the page shows\n${await page.locator("body").innerText()}`);
    throw error;
  } finally {
    await context.close();
  }
  console.log(`ok ${name}`);
}

const findings = (page) => page.locator(".item");
const status = (page) => page.locator("#status");
const says = async (place, text) => {
  await place.filter({ hasText: text }).first().waitFor();
};

/** Replaces the code and the configuration, as if they were pasted, and waits for the check. */
async function put(page, { file = "a.py", source, configuration = "" }) {
  // What was asked before is answered.
  await page.waitForFunction(() => Number(document.body.dataset.checks) > 0);
  await page.locator("#file").fill(file);
  if (configuration !== (await page.locator("#configuration").inputValue())) {
    await page.locator("#settings").evaluate((details) => (details.open = true));
    await page.locator("#configuration").fill(configuration);
  }
  await page.locator(".cm-content").focus();
  await page.keyboard.press("ControlOrMeta+a");
  await page.locator(".cm-content").evaluate((content, source) => {
    const clipboardData = new DataTransfer();
    clipboardData.setData("text/plain", source);
    content.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
  }, source);
}

/** Waits until the node of the step is beside its line. */
const together = (page) =>
  page.waitForFunction(() => {
    const middle = (name) => {
      const box = document.querySelector(name)?.getBoundingClientRect();
      return box && box.top + box.height / 2;
    };
    return Math.abs(middle(".cm-line.current") - middle(".path .node.current circle")) < 3;
  });

async function accessible(page, what) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { preload: false }));
  const told = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`);
  assert.deepEqual(told, [], what);
}

const FAULTY = `class Loader(ProcessorBase):
    def save_data(self):
        if not self.rows:
            return
        self.stats['rows_inserted'] = len(self.rows)
`;

await test("the first finding is shown", async (page) => {
  await findings(page).first().waitFor();
  assert.equal(await page.locator("#rule").inputValue(), "untracked-return");
  assert.equal(await findings(page).count(), 2);
  assert.match(await status(page).innerText(), /^2 findings, 1 error$/);
  await says(page.locator(".item.current"), "is caught here");
});

await test("an example is one click away", async (page) => {
  await findings(page).first().waitFor();
  await page.locator("#rule").selectOption("ignored-failure");
  await page.locator(".chip", { hasText: "Rust" }).first().click();
  await says(page.locator(".item.current .kind"), "ignored-failure");
  assert.equal(await page.locator("#file").inputValue(), "example.rs");
  assert.equal(await page.locator(".chip[aria-pressed=true]").count(), 1);
  await page.locator(".chip", { hasText: "no finding" }).first().click();
  await says(status(page), "No finding");
  assert.equal(await findings(page).count(), 0);
});

await test("the page of a rule leads to its examples", async (page) => {
  await says(page.locator(".item.current .kind"), "swallowed-write");
  assert.equal(await page.locator("#rule").inputValue(), "swallowed-write");
}, { url: `${index}?rule=swallowed-write` });

await test("the path is drawn beside the code, and its steps can be walked", async (page) => {
  await findings(page).first().waitFor();
  const steps = page.locator(".item.current .steps button");
  const lines = await steps.locator(".line").allInnerTexts();
  assert.equal(lines.length, 4);
  assert.equal(await page.locator(".path .node").count(), 4);
  assert.equal(await page.locator(".path .way").count(), 3);
  const current = page.locator(".cm-line.step-line.current");
  const isAt = async (step) => {
    const number = Number(lines[step].replace("line ", ""));
    const text = await page.locator(".cm-line").nth(number - 1).innerText();
    await page.waitForFunction((text) => document.querySelector(".cm-line.current")?.innerText === text, text);
    assert.equal(await current.count(), 1);
    await together(page);
  };
  await steps.nth(1).click();
  await isAt(1);
  await page.keyboard.press("ArrowDown");
  await isAt(2);
  await page.keyboard.press("Shift+Alt+F8");
  await isAt(1);
  await page.getByRole("button", { name: "Next step" }).first().locator("visible=true").click();
  await isAt(2);
  await page.locator(".path .node").nth(3).click();
  await isAt(3);
  await steps.nth(0).hover();
  await isAt(0);
  await page.keyboard.press("F8");
  await says(page.locator(".item.current .kind"), "untracked-return");
});

await test("the keyboard gets out of the editor", async (page) => {
  await findings(page).first().waitFor();
  const inside = () => page.evaluate(() => document.activeElement.closest("#editor") !== null);
  await page.locator(".cm-content").focus();
  await page.keyboard.press("Tab");
  assert(await inside());
  await page.keyboard.press("Escape");
  await page.keyboard.press("Tab");
  assert(!(await inside()));
});

await test("a finding without steps is marked where it is", async (page) => {
  await findings(page).first().waitFor();
  await page.locator("#rule").selectOption("untracked-return");
  await page.locator(".chip", { hasText: "never-set" }).click();
  await says(page.locator(".item.current .kind"), "never-set");
  await page.locator(".path .node.end").waitFor();
  assert.equal(await page.locator(".path .node").count(), 1);
});

await test("the path follows the code when it scrolls, and when lines are added", async (page) => {
  await put(page, { source: `${"# a line\n".repeat(200)}${FAULTY}` });
  await says(findings(page), "line 204");
  await page.locator(".item.current .steps button").nth(1).click();
  await page.waitForFunction(() => document.querySelector(".cm-scroller").scrollTop > 1000);
  await together(page);
  await page.locator(".cm-content").focus();
  await page.keyboard.press("ControlOrMeta+Home");
  await page.keyboard.insertText("\n\n");
  await says(findings(page), "line 206");
  await page.locator(".item.current .steps button").nth(1).click();
  await page.waitForFunction(() => document.querySelector(".cm-line.current")?.innerText.includes("return"));
  await together(page);
});

await test("a fix is applied", async (page) => {
  await put(page, { source: `# 😀\n${FAULTY}` });
  await says(findings(page), "line 5");
  await page.getByRole("button", { name: "Apply the fix" }).click();
  await says(status(page), "No finding");
  await says(page.locator(".cm-content"), "self.stats['rows_inserted'] = 0");
});

await test("a link carries file, code and configuration", async (page, context) => {
  const configuration = "[[contract]]\nmethod = \"lade\"\nbases = [\"*\"]\nsets = \"self.zähler\"\n";
  const source = "class Lader:\n    def lade(self):\n        if self.müde:\n            return\n        self.zähler = 1  # 😀\n";
  await put(page, { file: "lader.py", source, configuration });
  await says(findings(page), "self.zähler");
  await page.locator("#copy").click();
  await page.locator("#link").waitFor();
  const link = await page.locator("#link-text").inputValue();
  assert.equal(link, page.url());
  assert.match(link, /#v1\.[A-Za-z0-9_-]+$/);
  const other = await context.newPage();
  await other.goto(link);
  await says(findings(other), "self.zähler");
  assert.equal(await other.locator("#file").inputValue(), "lader.py");
  assert.equal(await other.locator("#configuration").inputValue(), configuration);
  await says(other.locator(".cm-content"), "# 😀");
  // What is typed is no longer what the address says.
  await other.locator(".cm-content").focus();
  await other.keyboard.insertText("# more\n");
  await other.waitForFunction(() => location.hash === "");
});

for (const [name, fragment] of [
  ["cut", "v1.q1bKLCrOV7JSUEpJTEksUtJRKs4vLUpOVbJSqlWqBQ"],
  ["no base64", "v1.%%%"],
]) {
  await test(`a link that is ${name} is told`, async (page) => {
    await says(page.locator("#notice"), "The link cannot be read");
    await findings(page).first().waitFor();
  }, { url: `${index}#${fragment}` });
}

await test("a syntax error is told in words", async (page) => {
  await put(page, { source: "def save_data(self:\n    pass\n" });
  await says(page.locator("#findings .alert"), "The code cannot be read: line 2, column 5: unexpected");
  await says(page.locator(".cm-line .finding.error"), "pass");
  await put(page, { source: FAULTY });
  await says(status(page), "1 warning");
});

await test("a mistake in the configuration is told in words, with its place", async (page) => {
  await put(page, { source: FAULTY, configuration: "select = [\"untracked-retrun\"]\n" });
  await says(page.locator("#configuration-error"), "tallylint.toml:1:");
  await says(page.locator("#configuration-error"), "did you mean");
  await says(page.locator("#configuration-error pre"), "^^^");
  await says(status(page), "The configuration is not valid");
  await put(page, { source: FAULTY, configuration: "extend = \"other.toml\"\n" });
  await says(page.locator("#configuration-error"), "cannot read other.toml: ");
});

await test("a name that tells no language is told", async (page) => {
  await put(page, { file: "a.txt", source: FAULTY });
  await says(status(page), "Which language is it?");
});

await test("what is too large is refused", async (page) => {
  await put(page, { source: "x = 1\n".repeat(120_000) });
  await says(page.locator("#findings .alert"), "too large for the playground");
});

await test("what is nested too deeply is told, and the page goes on", async (page) => {
  const deep = `class A(ProcessorBase):\n  def save_data(self):\n    x = ${Array(5900).fill("a").join("+")}\n`;
  await put(page, { source: deep });
  await says(page.locator("#findings .alert"), "nested too deeply");
  await put(page, { source: FAULTY });
  await says(status(page), "1 warning");
});

await test("hostile text stays text", async (page) => {
  const key = "<img src=x onerror=document.title=1>";
  const configuration = `[[contract]]\nmethod = "load"\nbases = ["*"]\nsets = "self.stats['${key}']"\n`;
  const source = `class A:\n    def load(self):\n        if self.rows == "<script>document.title=1</script>${key}":\n            return\n        self.stats['${key}'] = 1\n`;
  await put(page, { file: `${key}.py`, source, configuration });
  await says(findings(page).locator(".message"), key);
  await put(page, { source: `${source}\n${key}`, configuration });
  await says(page.locator("#findings .alert"), "cannot be read");
  await put(page, { source, configuration: `["${key}"]\n` });
  await says(page.locator("#configuration-error"), key);
  assert.equal(await page.locator("img").count() + (await page.locator("body script").count()), 0);
  assert.match(await page.title(), /tallylint/);
});

await test("no connection can be made", async (page, _, wrong) => {
  await findings(page).first().waitFor();
  const refused = await page.evaluate(() =>
    fetch("https://example.org/").then(
      () => "",
      (error) => String(error),
    ),
  );
  assert.match(refused, /TypeError/);
  assert(wrong.length > 0 && wrong.every((text) => text.includes("Content Security Policy")), String(wrong));
  wrong.length = 0;
});

for (const viewport of [WIDE, NARROW]) {
  for (const colorScheme of ["light", "dark"]) {
    await test(`it is accessible at ${viewport.width} pixels, ${colorScheme}`, async (page) => {
      await findings(page).first().waitFor();
      await page.locator(".item.current .steps button").nth(1).click();
      await accessible(page, "with a finding");
      const [width, room] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      assert(width <= room, `${width} pixels`);
      await page.locator("#rule").selectOption("ignore-comment");
      await page.locator("#copy").click();
      await page.locator("#link").waitFor();
      await accessible(page, "with a link");
      await put(page, { source: FAULTY, configuration: "select = 1\n" });
      await says(status(page), "The configuration is not valid");
      await accessible(page, "with a mistake");
    }, { viewport, colorScheme });
  }
}

/** A module whose `check` never ends. */
const ENDLESS = Buffer.from(
  "0061736d01000000" +
    "0111" + "03" + "60017f017f" + "60027f7f00" + "60027f7f017e" +
    "0304" + "03" + "00" + "01" + "02" +
    "0503" + "01" + "0010" +
    "0726" + "04" + "066d656d6f7279" + "0200" + "0772657365727665" + "0000" +
    "0772656c65617365" + "0001" + "05636865636b" + "0002" +
    "0a13" + "03" + "05" + "004180080b" + "02" + "000b" + "08" + "0003400c000b000b",
  "hex",
);
/** A module whose `check` panics: it calls `page.panicked` with "boom", and traps. */
const PANICKING = Buffer.from(
  "0061736d01000000" +
    "0111" + "03" + "60017f017f" + "60027f7f00" + "60027f7f017e" +
    "0211" + "01" + "0470616765" + "0870616e69636b6564" + "0001" +
    "0304" + "03" + "00" + "01" + "02" +
    "0503" + "01" + "0010" +
    "0726" + "04" + "066d656d6f7279" + "0200" + "0772657365727665" + "0001" +
    "0772656c65617365" + "0002" + "05636865636b" + "0003" +
    "0a14" + "03" + "05" + "004180080b" + "02" + "000b" + "09" + "0041084104" + "1000000b" +
    "0b0a" + "01" + "0041080b04626f6f6d",
  "hex",
);
const copy = await mkdtemp(join(tmpdir(), "playground-"));
await cp(folder, copy, { recursive: true });
const use = async (module) => {
  const text = gzipSync(module).toString("base64");
  await writeFile(join(copy, "analysis.js"), `globalThis.tallylintModule="${text}"\n`);
};
await use(PANICKING);
await test("a panic is told", async (page) => {
  await says(page.locator("#findings .alert"), "Internal error: boom");
  await put(page, { source: FAULTY });
  await page.waitForFunction(() => Number(document.body.dataset.checks) > 1);
  await says(page.locator("#findings .alert"), "Internal error: boom");
}, { url: pathToFileURL(join(copy, "index.html")).href });
await use(ENDLESS);
await test("a check that does not end is ended", async (page) => {
  const told = page.locator("#findings .alert", { hasText: `longer than ${LIMIT / 1000} seconds` });
  await told.waitFor();
  // The page works all the same, and asks again.
  await put(page, { source: FAULTY });
  await page.waitForFunction(() => Number(document.body.dataset.checks) > 1);
  await told.waitFor();
}, { url: pathToFileURL(join(copy, "index.html")).href });
await rm(copy, { recursive: true });

await browser.close();
