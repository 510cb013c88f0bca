// Fails when the package without three.js is over its budget.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const BUDGET_BYTES = 60 * 1024;
const size = (file) => {
  const bytes = readFileSync(new URL(`../dist/${file}`, import.meta.url));
  return { raw: bytes.length, gzip: gzipSync(bytes, { level: 9 }).length };
};
const kb = (bytes) => `${(bytes / 1024).toFixed(1)} KB`;

const rows = [
  ["package, without three.js", "budget/avatarkit.min.js"],
  ["single file, with three.js", "avatarkit.standalone.js"],
  ["audio worklet file", "player-worklet.js"],
].map(([name, file]) => ({ name, ...size(file) }));
for (const { name, raw, gzip } of rows) console.log(`${name}: ${kb(raw)}, gzip ${kb(gzip)}`);
if (rows[0].gzip > BUDGET_BYTES) {
  console.error(`over the budget of ${kb(BUDGET_BYTES)} gzip`);
  process.exit(1);
}
