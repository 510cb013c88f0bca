// `npm run bench -- [--minutes 10] [--only frames|first|heap|sizes]`: minutes of the heap's conversation, 0 for none.
import { spawnSync } from "node:child_process";
import { parseArgs } from "node:util";

const { values } = parseArgs({ options: { minutes: { type: "string", default: "10" }, only: { type: "string", default: "" } } });
if (!(Number(values.minutes) >= 0)) throw new Error("--minutes needs a number");
const env = { ...process.env, MINUTES: values.minutes, ONLY: values.only };
const { status } = spawnSync("node_modules/.bin/vitest", ["run", "--config", "vitest.bench.ts"], { stdio: "inherit", env });
process.exit(status ?? 1);
