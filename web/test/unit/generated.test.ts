/** Generated files are what their sources say. */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { expect, test } from "vitest";

const WEB = new URL("../..", import.meta.url).pathname;
const PYTHON = process.env.PYTHON ?? `${WEB}../.venv/bin/python`;
const canRun = existsSync(PYTHON);

test.skipIf(!canRun)("the wire schema", () => {
  expect(() => execFileSync("node", ["scripts/proto.mjs", "--check"], { cwd: WEB, stdio: "pipe" })).not.toThrow();
});

test.skipIf(!canRun)("the studio's light", () => {
  expect(() => execFileSync(PYTHON, ["scripts/studio.py", "--check"], { cwd: WEB, stdio: "pipe" })).not.toThrow();
});
