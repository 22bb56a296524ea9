// How long it takes until the first finding is shown, and how long a check of 300 lines takes: the medians of several
// runs, for docs/playground.md. Nothing depends on them.
//
// node speed.mjs PAGE CHROMIUM

import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

import { chromium } from "playwright-core";

const RUNS = 9;
const [folder, executablePath] = process.argv.slice(2);
const url = pathToFileURL(resolve(folder, "index.html")).href;
const args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"];
const median = (numbers) => Math.round(numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]);

const [first, shown, long] = [[], [], []];
for (let run = 0; run < RUNS; run += 1) {
  // Another browser has no compiled code yet.
  const browser = await chromium.launch({ executablePath, args });
  const page = await browser.newPage();
  await page.addInitScript(() => {
    const wait = (selector, name) => {
      const look = () => {
        if (document.querySelector(selector)) globalThis[name] = performance.now();
        else requestAnimationFrame(look);
      };
      look();
    };
    wait(".cm-line", "codeShown");
    wait(".item", "findingShown");
  });
  await page.goto(url);
  await page.waitForFunction(() => globalThis.findingShown);
  const [code, finding] = await page.evaluate(() => [globalThis.codeShown, globalThis.findingShown]);
  shown.push(code);
  first.push(finding);

  const body = (at) => `class P${at}(ProcessorBase):
    def save_data(self):
        rows = self.transformed_data
        if not rows:
            return
        try:
            job = self.client.load_table_from_json(rows, self.table)
            job.result()
            self.stats['rows_inserted'] = len(rows)
        except Exception as error:
            self.logger.error("load failed: %s", error)
            return


`;
  const text = Array.from({ length: 21 }, (_, at) => body(at)).join("");
  // The second one: the first still compiles what it needs.
  for (const source of [text, `${text}\n`]) {
    const before = await page.evaluate(() => document.body.dataset.checks);
    await page.locator(".cm-content").focus();
    await page.keyboard.press("ControlOrMeta+a");
    await page.locator(".cm-content").evaluate((content, source) => {
      const clipboardData = new DataTransfer();
      clipboardData.setData("text/plain", source);
      content.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
    }, source);
    await page.waitForFunction((before) => document.body.dataset.checks !== before, before);
  }
  long.push(Number.parseInt((await page.locator(".took").innerText()).replace(/\D+/, ""), 10));
  await browser.close();
}
console.log(`the editor after ${median(shown)} ms, the first finding after ${median(first)} ms (${first.map(Math.round)})`);
console.log(`300 lines with 42 findings in ${median(long)} ms (${long})`);
